//! Tests of the key that is compiled in, and of keys and signatures that were altered. Those that
//! gpg makes are in the integration tests, beside gpgv's opinion of them.

use super::*;

const AWS: &str = AWS_CLI;

/// The text of the key once these bytes of it were altered.
fn altered(change: impl Fn(&mut Vec<u8>)) -> Result<Key, Error> {
    use base64::Engine as _;
    let mut bytes = armor::decode(AWS).unwrap();
    change(&mut bytes);
    let base64 = base64::prelude::BASE64_STANDARD.encode(bytes);
    Key::parse(&format!(
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{base64}\n-----END PGP PUBLIC KEY BLOCK-----\n"
    ))
}

#[test]
fn the_key_of_the_aws_cli_signed_itself() {
    let key = Key::parse(AWS).unwrap();
    // Both as the AWS CLI's documentation and gpg show them.
    assert_eq!(
        key.fingerprint.to_string(),
        "FB5DB77FD5C118B80511ADA8A6310ACC4672475C"
    );
    assert_eq!(key.expires, Some(1_814_472_778));
    assert_eq!(altered(|_| ()).unwrap(), key);
}

#[test]
fn a_key_whose_signature_of_itself_was_altered_is_forged() {
    // The owner's name; the time at which the key expires; the value of the signature.
    for place in [540, 633, 1100] {
        let error = altered(|bytes| bytes[place] ^= 1).unwrap_err();
        assert!(matches!(error, Error::Forged { .. }), "{place}: {error}");
        assert_eq!(error.fault(), Fault::Untrusted);
    }
}

#[test]
fn a_key_with_another_modulus_is_another_key() {
    let error = altered(|bytes| bytes[100] ^= 1).unwrap_err();
    // Its signature names the key that it was made by.
    assert_eq!(
        error.to_string(),
        "the key cannot be used: it has signatures other than its own"
    );
}

#[test]
fn what_is_no_key_of_the_one_shape_is_refused() {
    let check = |key: Result<Key, Error>, expected: &str| {
        let error = key.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the key cannot be used: {expected}")
        );
        assert_eq!(error.fault(), Fault::Input);
    };
    check(Key::parse("<html>"), "it is not one PGP public key block");
    check(altered(Vec::clear), "it does not begin with a public key");
    check(
        altered(|bytes| bytes[3] = 3),
        "it is not a key of version 4",
    );
    check(altered(|bytes| bytes[8] = 22), "it is not an RSA key");
    check(
        altered(|bytes| bytes.truncate(528)),
        "it is not signed by itself",
    );
    check(altered(|bytes| bytes.truncate(900)), "it is cut short");
    let twice = |bytes: &mut Vec<u8>| bytes.extend(bytes.clone());
    check(altered(twice), "it has subkeys, or parts out of order");
}

#[test]
fn every_altered_bit_of_a_key_is_noticed() {
    let key = Key::parse(AWS).unwrap();
    let length = armor::decode(AWS).unwrap().len();
    for place in (0..length).step_by(7) {
        // What the signature leaves out of its hash may change and is not believed.
        match altered(|bytes| bytes[place] ^= 0x10) {
            Ok(same) => assert_eq!(same, key, "{place}"),
            Err(error) => assert!(error.to_string().starts_with("the key "), "{error}"),
        }
    }
}

#[test]
fn what_is_no_signature_is_refused() {
    let key = Key::parse(AWS).unwrap();
    for (signature, expected) in [
        (&b""[..], "it is not one signature"),
        (b"<html>", "it is not made of OpenPGP packets"),
        (&[0x88, 9, 1], "it is cut short"),
        (&[0x88, 4, 3, 0, 1, 10], "its signature is not of version 4"),
        (&[0x88, 4, 4, 0, 22, 10], "its signature is not one of RSA"),
        (
            &[0x88, 4, 4, 0, 1, 2],
            "its signature uses neither SHA-256 nor SHA-512",
        ),
        (
            &[0x88, 13, 4, 0, 1, 10, 0, 0, 0, 0, 1, 2, 0, 1, 1],
            "its signature has no time",
        ),
    ] {
        let error = key.verify(signature, b"file".to_vec()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the signature cannot be used: {expected}")
        );
        assert_eq!(error.fault(), Fault::Untrusted);
    }
}

#[test]
fn the_signature_of_a_key_is_not_one_of_a_file() {
    let bytes = armor::decode(AWS).unwrap();
    let key = Key::parse(AWS).unwrap();
    let own = &bytes[563..];
    let error = key.verify(own, Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the signature cannot be used: it is not one of a binary file"
    );
}
