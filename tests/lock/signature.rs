//! The AWS CLI, which is vouched for by a signature alone.

use bootstrap::platform::{Arch, Platform};
use bootstrap::tools::signature::{Error, Key};
use insta::assert_snapshot;

use super::gpg::Gpg;
use super::vendor::{Vendor, address, artifact};
use crate::world::World;

const VERSION: &str = "2.99.1";

/// A vendor with a version of the AWS CLI for both platforms, signed by this key.
fn signed_by(gpg: &Gpg) -> Vendor {
    let vendor = Vendor::new();
    for platform in Platform::ALL {
        let bytes = artifact("aws-cli", VERSION, platform.arch);
        let at = address("aws-cli", VERSION, platform.arch);
        vendor.put(&format!("{at}.sig"), gpg.sign(&bytes, &[]));
        vendor.put(&at, bytes);
    }
    vendor
}

fn signature_of(arch: Arch) -> String {
    format!("{}.sig", address("aws-cli", VERSION, arch))
}

fn amd64() -> Vec<u8> {
    artifact("aws-cli", VERSION, Arch::Amd64)
}

/// A world that knows the key.
fn world(vendor: &Vendor, gpg: &Gpg) -> World {
    let world = vendor.world();
    world.write("work/key.asc", gpg.public());
    world
}

const LOCK: [&str; 5] = ["lock", "-q", "--signing-key", "key.asc", "aws-cli@2.99.1"];

/// What is said when this is in the place of the signature for amd64.
fn refused(vendor: &Vendor, gpg: &Gpg, signature: Vec<u8>) -> String {
    assert!(!gpg.accepts(&signature, &amd64()), "gpgv finds it good");
    vendor.put(&signature_of(Arch::Amd64), signature);
    let world = world(vendor, gpg);
    let run = world.bootstrap(&LOCK).exits(4);
    assert!(!world.path("work/bootstrap.lock").exists());
    let cache = world.tree("delegate/bootstrap/cache");
    let kept = cache.iter().filter(|name| !name.ends_with(".rejected"));
    let kept: Vec<_> = kept.filter(|name| *name != "sha256").collect();
    assert!(kept.is_empty(), "{kept:?}");
    world.redact(&run.stderr).replace(&gpg.fingerprint, "[KEY]")
}

#[test]
fn a_version_with_a_good_signature_is_pinned_and_installed_from_the_cache() {
    let gpg = Gpg::new();
    let vendor = signed_by(&gpg);
    let world = world(&vendor, &gpg);
    let run = world.bootstrap(&LOCK).exits(0);
    let shown = world.redact(&run.stdout).replace(&gpg.fingerprint, "[KEY]");
    assert_snapshot!(shown, @"
    TOOL     VERSION  PLATFORM     SIZE   STATE  PROOF
    aws-cli  2.99.1   linux/amd64  408 B  added  signature [KEY]
    aws-cli  2.99.1   linux/arm64  411 B  added  signature [KEY]
    [WORLD]/work/bootstrap.lock was written
    ");
    assert!(gpg.accepts(&gpg.sign(&amd64(), &[]), &amd64()));
    let text = world.read("work/bootstrap.lock");
    assert!(
        text.contains(&format!("size: {}\n", amd64().len())),
        "{text}"
    );
    assert!(
        text.contains(&format!("proof: signature {}\n", gpg.fingerprint)),
        "{text}"
    );

    // What was downloaded for the lock is not downloaded again.
    let asked = vendor.requests().len();
    let run = world
        .bootstrap(&["install", "-q", "--locked", "--offline", "aws-cli"])
        .exits(0);
    assert_eq!(run.states(), ["aws-cli 2.99.1 installed"]);
    assert_eq!(vendor.requests().len(), asked);
    // And the lock is not made again, even where it is looked at anew.
    world
        .bootstrap(&[&LOCK[..], &["--update"]].concat())
        .exits(0);
    assert_eq!(world.read("work/bootstrap.lock"), text);
}

#[test]
fn a_signature_that_proves_nothing_is_refused_and_gpgv_thinks_so_too() {
    let (gpg, other) = (Gpg::new(), Gpg::new());
    let vendor = signed_by(&gpg);
    let good = gpg.sign(&amd64(), &[]);
    let mut tampered = good.clone();
    *tampered.last_mut().unwrap() ^= 1;
    assert_snapshot!(refused(&vendor, &gpg, tampered), @"
    error: cannot pin aws-cli 2.99.1 for linux/amd64
    caused by: the signature is bad: the key [KEY] did not sign these bytes (kept as [WORLD]/delegate/bootstrap/cache/sha256/5bbbee740cd740e0999e90f86e5f18c8cc9347b96f4da8c7897f792607cd0da1.rejected)
    hint: do not use these bytes: they are not what the vendor published
    ");
    let told = refused(&vendor, &gpg, other.sign(&amd64(), &[]));
    assert_snapshot!(told.replace(&other.fingerprint, "[OTHER KEY]"), @"
    error: cannot pin aws-cli 2.99.1 for linux/amd64
    caused by: the signature is by the key [OTHER KEY], and only that of [KEY] counts (kept as [WORLD]/delegate/bootstrap/cache/sha256/5bbbee740cd740e0999e90f86e5f18c8cc9347b96f4da8c7897f792607cd0da1.rejected)
    hint: do not use these bytes; if the vendor has a new key, check its fingerprint with the vendor and name its file with --signing-key
    ");
    let of_another_file = gpg.sign(&artifact("aws-cli", "2.99.2", Arch::Amd64), &[]);
    assert_snapshot!(refused(&vendor, &gpg, of_another_file), @"
    error: cannot pin aws-cli 2.99.1 for linux/amd64
    caused by: the signature is bad: the key [KEY] did not sign these bytes (kept as [WORLD]/delegate/bootstrap/cache/sha256/5bbbee740cd740e0999e90f86e5f18c8cc9347b96f4da8c7897f792607cd0da1.rejected)
    hint: do not use these bytes: they are not what the vendor published
    ");
    assert_snapshot!(refused(&vendor, &gpg, b"no signature at all".to_vec()), @"
    error: cannot pin aws-cli 2.99.1 for linux/amd64
    caused by: the signature cannot be used: it is not made of OpenPGP packets (kept as [WORLD]/delegate/bootstrap/cache/sha256/5bbbee740cd740e0999e90f86e5f18c8cc9347b96f4da8c7897f792607cd0da1.rejected)
    hint: do not use these bytes: they are not what the vendor published
    ");
    assert_snapshot!(refused(&vendor, &gpg, good[..good.len() - 1].to_vec()), @"
    error: cannot pin aws-cli 2.99.1 for linux/amd64
    caused by: the signature cannot be used: it is cut short (kept as [WORLD]/delegate/bootstrap/cache/sha256/5bbbee740cd740e0999e90f86e5f18c8cc9347b96f4da8c7897f792607cd0da1.rejected)
    hint: do not use these bytes: they are not what the vendor published
    ");
}

#[test]
fn a_signature_is_never_overlooked_because_trust_was_offered() {
    let gpg = Gpg::new();
    let vendor = signed_by(&gpg);
    let mut tampered = gpg.sign(&amd64(), &[]);
    *tampered.last_mut().unwrap() ^= 1;
    vendor.put(&signature_of(Arch::Amd64), tampered);
    let args = [&LOCK[..], &["--trust-on-first-use"]].concat();
    let run = world(&vendor, &gpg).bootstrap(&args).exits(4);
    run.says("the signature is bad");
}

#[test]
fn the_key_of_the_aws_cli_is_the_one_that_counts_where_none_is_named() {
    let gpg = Gpg::new();
    let vendor = signed_by(&gpg);
    let run = vendor
        .world()
        .bootstrap(&["lock", "-q", "aws-cli@2.99.1"])
        .exits(4);
    assert_snapshot!(run.to_string().replace(&gpg.fingerprint, "[KEY]"), @"
    --- stderr ---
    error: cannot pin aws-cli 2.99.1 for linux/amd64
    caused by: the signature is by the key [KEY], and only that of FB5DB77FD5C118B80511ADA8A6310ACC4672475C counts (kept as [WORLD]/delegate/bootstrap/cache/sha256/5bbbee740cd740e0999e90f86e5f18c8cc9347b96f4da8c7897f792607cd0da1.rejected)
    hint: do not use these bytes; if the vendor has a new key, check its fingerprint with the vendor and name its file with --signing-key
    [exit 4]
    ");
}

#[test]
fn a_version_without_a_signature_is_refused_unless_trust_is_given() {
    let gpg = Gpg::new();
    let vendor = signed_by(&gpg);
    vendor.remove(&signature_of(Arch::Amd64));
    vendor.remove(&signature_of(Arch::Arm64));
    let world = world(&vendor, &gpg);
    assert_snapshot!(world.bootstrap(&LOCK), @"
    --- stderr ---
    error: cannot pin aws-cli 2.99.1 for linux/amd64
    caused by: nothing vouches for it
    caused by: cannot fetch the signature from https://awscli.amazonaws.com/awscli-exe-linux-x86_64-2.99.1.zip.sig: the answer was 404 Not Found
    hint: check that the vendor has this version; what it has and does not vouch for, --trust-on-first-use pins as it comes
    [exit 4]
    ");
    assert!(
        !vendor
            .requests()
            .iter()
            .any(|asked| !asked.contains(".sig"))
    );
    let run = world.bootstrap(&[&LOCK[..], &["--trust-on-first-use"]].concat());
    assert_snapshot!(run, @"
    TOOL     VERSION  PLATFORM     SIZE   STATE  PROOF
    aws-cli  2.99.1   linux/amd64  408 B  added  trust-on-first-use
    aws-cli  2.99.1   linux/arm64  411 B  added  trust-on-first-use
    [WORLD]/work/bootstrap.lock was written
    --- stderr ---
    warning: nothing vouches for aws-cli 2.99.1 for linux/amd64: it is pinned as it came
    warning: nothing vouches for aws-cli 2.99.1 for linux/arm64: it is pinned as it came
    [exit 0]
    ");
    assert_eq!(
        world
            .read("work/bootstrap.lock")
            .matches("proof: trust-on-first-use\n")
            .count(),
        2
    );
}

#[test]
fn a_web_page_in_the_place_of_a_signature_or_of_the_file_is_named_as_such() {
    let gpg = Gpg::new();
    let vendor = signed_by(&gpg);
    let page = "<!DOCTYPE html>\n<title>Sign in</title>\n";
    vendor.put(&address("aws-cli", VERSION, Arch::Amd64), page);
    assert_snapshot!(world(&vendor, &gpg).bootstrap(&LOCK), @"
    --- stderr ---
    error: cannot pin aws-cli 2.99.1 for linux/amd64
    caused by: cannot fetch the file from https://awscli.amazonaws.com/awscli-exe-linux-x86_64-2.99.1.zip: a web page came instead of the file (200 OK, no content type): <!DOCTYPE html>
    hint: check the URL of the mirror: it may want a login, or be the address of its web interface
    [exit 5]
    ");
    vendor.put(&signature_of(Arch::Amd64), page);
    let run = world(&vendor, &gpg).bootstrap(&LOCK).exits(5);
    run.says("cannot fetch the signature from")
        .says("a web page came");
}

#[test]
fn a_key_that_has_expired_is_told_and_its_signature_counts() {
    // A day in July 2023.
    let made = 1_690_000_000;
    let gpg = Gpg::with_key("rsa2048", "1d", Some(made));
    let vendor = Vendor::new();
    for platform in Platform::ALL {
        let bytes = artifact("aws-cli", VERSION, platform.arch);
        let at = address("aws-cli", VERSION, platform.arch);
        let time = format!("{}!", made + 60);
        let args = [
            "--faked-system-time",
            &time,
            "--digest-algo",
            "SHA512",
            "--detach-sign",
        ];
        let signature = gpg.sign(&bytes, &args);
        assert!(gpg.accepts(&signature, &bytes));
        vendor.put(&format!("{at}.sig"), signature);
        vendor.put(&at, bytes);
    }
    let world = world(&vendor, &gpg);
    let run = world.bootstrap(&LOCK).exits(0);
    assert_snapshot!(run.stderr.replace(&gpg.fingerprint, "[KEY]"), @"warning: the key [KEY] has expired as far as this program knows: its owner may have put that off");
}

#[test]
fn other_shapes_of_signatures_are_refused_though_gpgv_takes_them() {
    let gpg = Gpg::new();
    let key = Key::parse(std::str::from_utf8(&gpg.public()).unwrap()).unwrap();
    assert_eq!(key.fingerprint.to_string(), gpg.fingerprint);
    let bytes = b"a file\n".to_vec();
    let good = gpg.sign(&bytes, &[]);
    assert_eq!(key.verify(&good, bytes.clone()), Ok(()));
    for shape in [
        &["--digest-algo", "SHA256", "--detach-sign"][..],
        &["--digest-algo", "SHA384", "--detach-sign"],
        &["--digest-algo", "SHA512", "--textmode", "--detach-sign"],
        &["--digest-algo", "SHA512", "--armor", "--detach-sign"],
        &[
            "--digest-algo",
            "SHA512",
            "--default-sig-expire",
            "1y",
            "--detach-sign",
        ],
        &[
            "--digest-algo",
            "SHA512",
            "--sig-notation",
            "a@example.org=b",
            "--detach-sign",
        ],
    ] {
        let signature = gpg.sign(&bytes, shape);
        assert!(gpg.accepts(&signature, &bytes), "{shape:?}");
        let error = key.verify(&signature, bytes.clone()).unwrap_err();
        assert!(
            matches!(error, Error::Unreadable { .. }),
            "{shape:?}: {error}"
        );
    }
    let twice = [good.clone(), good].concat();
    assert!(key.verify(&twice, bytes).is_err());
}

#[test]
fn every_altered_byte_of_a_signature_is_noticed_or_not_believed() {
    let gpg = Gpg::new();
    let key = Key::parse(std::str::from_utf8(&gpg.public()).unwrap()).unwrap();
    let good = gpg.sign(b"a file\n", &[]);
    // The unhashed part: its length, and the key number that nobody believes.
    let length = usize::from(good[7]) << 8 | usize::from(good[8]);
    let unhashed = 9 + length + 2..9 + length + 2 + 10;
    for place in 0..good.len() {
        let mut altered = good.clone();
        altered[place] ^= 1;
        let verdict = key.verify(&altered, b"a file\n".to_vec());
        if !unhashed.contains(&place) {
            assert!(verdict.is_err(), "{place}");
        }
    }
}

#[test]
fn a_key_that_cannot_be_used_is_told_with_its_file() {
    let gpg = Gpg::new();
    let vendor = Vendor::new();
    let check = |key: &[u8], code: i32| {
        let world = vendor.world();
        world.write("work/key.asc", key);
        let run = world.bootstrap(&LOCK).exits(code);
        run.to_string().replace(&gpg.fingerprint, "[KEY]")
    };
    assert_snapshot!(check(b"<html>", 6), @"
    --- stderr ---
    error: `[WORLD]/work/key.asc` cannot be used
    caused by: the key cannot be used: it is not one PGP public key block
    [exit 6]
    ");
    let forged = forged(&gpg.public());
    assert_snapshot!(check(&forged, 4), @"
    --- stderr ---
    error: `[WORLD]/work/key.asc` cannot be used
    caused by: the key [KEY] is forged: its own signature is bad
    [exit 4]
    ");
    let curve = Gpg::with_key("ed25519", "never", None);
    assert_snapshot!(check(&curve.public(), 6), @"
    --- stderr ---
    error: `[WORLD]/work/key.asc` cannot be used
    caused by: the key cannot be used: it is not an RSA key
    [exit 6]
    ");
    let world = vendor.world();
    world.bootstrap(&LOCK).exits(2).says("cannot read `");
    assert_eq!(vendor.requests(), Vec::<String>::new(), "nobody was asked");
}

/// The key with another owner, whom it never signed.
fn forged(key: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    let text = std::str::from_utf8(key).unwrap();
    let body = text.split("\n\n").nth(1).unwrap();
    let body: String = body
        .lines()
        .take_while(|line| !line.starts_with(['=', '-']))
        .collect();
    let mut bytes = BASE64_STANDARD.decode(body).unwrap();
    let at = bytes.windows(5).position(|five| five == b"Tests").unwrap();
    bytes[at..at + 5].copy_from_slice(b"Jests");
    let body = BASE64_STANDARD.encode(bytes);
    let kind = "PGP PUBLIC KEY BLOCK";
    format!("-----BEGIN {kind}-----\n\n{body}\n-----END {kind}-----\n").into_bytes()
}

#[test]
fn the_signature_that_gpg_makes_by_default_is_taken() {
    let gpg = Gpg::new();
    let vendor = signed_by(&gpg);
    for arch in [Arch::Amd64, Arch::Arm64] {
        let bytes = artifact("aws-cli", VERSION, arch);
        let user = ["--local-user", "t@example.org", "--detach-sign"];
        let signature = gpg.sign(&bytes, &user);
        // The subpacket that names the signer, RFC 9580, 5.2.3.30.
        let name = b"\x1ct@example.org";
        assert!(signature.windows(name.len()).any(|part| part == name));
        assert!(gpg.accepts(&signature, &bytes));
        vendor.put(&signature_of(arch), signature);
    }
    let world = world(&vendor, &gpg);
    world.bootstrap(&LOCK).exits(0);
    // The lock is believed with the key alone.
    let check = ["lock", "--check", "aws-cli@2.99.1"];
    world.bootstrap(&check).exits(4).says("the vendor's key is");
    world
        .bootstrap(&[&check[..], &["--signing-key", "key.asc"]].concat())
        .exits(0);
}
