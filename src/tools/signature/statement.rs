//! A signature packet (RFC 9580, section 5.2): what it says, and what was signed.

use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
};

use super::packet::{Reader, Subpacket, subpackets};
use super::{Fingerprint, Malformed};

/// Version 4 of packets and signatures, and the algorithm RSA.
pub(super) const VERSION: u8 = 4;
pub(super) const RSA: u8 = 1;

/// The kinds of subpackets that are read (RFC 9580, section 5.2.3.7).
const CREATED: u8 = 2;
const KEY_EXPIRES: u8 = 9;
const ISSUER: u8 = 16;
const SIGNER: u8 = 28;
const ISSUER_FINGERPRINT: u8 = 33;

/// The hash functions (RFC 9580, section 9.5).
const SHA256: u8 = 8;
const SHA512: u8 = 10;

/// A signature of version 4 by an RSA key.
#[derive(Debug)]
pub(super) struct Statement<'a> {
    /// What kind of thing was signed.
    pub(super) class: u8,
    /// The hash function.
    pub(super) hash: Hash,
    /// When, in seconds since 1970.
    pub(super) created: u64,
    /// How long after its creation the key expires, in seconds.
    pub(super) key_expires: Option<u64>,
    /// Who says to have signed.
    pub(super) issuer: Fingerprint,
    /// Whether it says nothing beyond that and the time.
    pub(super) is_plain: bool,
    hashed: &'a [u8],
    start_of_digest: &'a [u8],
    value: &'a [u8],
}

/// A hash function that a signature may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha512,
}

impl Hash {
    fn parameters(self) -> &'static RsaParameters {
        match self {
            Self::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
            Self::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
        }
    }

    fn algorithm(self) -> &'static ring::digest::Algorithm {
        match self {
            Self::Sha256 => &ring::digest::SHA256,
            Self::Sha512 => &ring::digest::SHA512,
        }
    }
}

impl<'a> Statement<'a> {
    /// Reads the body of a signature packet.
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader(body);
        let [version, class, algorithm, hash] = [
            reader.byte()?,
            reader.byte()?,
            reader.byte()?,
            reader.byte()?,
        ];
        if version != VERSION {
            return Err(Malformed("its signature is not of version 4"));
        }
        if algorithm != RSA {
            return Err(Malformed("its signature is not one of RSA"));
        }
        let hash = match hash {
            SHA256 => Hash::Sha256,
            SHA512 => Hash::Sha512,
            _ => return Err(Malformed("its signature uses neither SHA-256 nor SHA-512")),
        };
        let length = reader.number::<2>()?;
        let said = subpackets(reader.take(length)?)?;
        let hashed = body.get(..6 + length).unwrap_or_default();
        let length = reader.number::<2>()?;
        // What is not hashed anybody may have put there: none of it is believed.
        subpackets(reader.take(length)?)?;
        let start_of_digest = reader.take(2)?;
        let value = reader.integer()?;
        if !reader.is_empty() {
            return Err(Malformed("its signature is followed by something else"));
        }
        let known = [CREATED, KEY_EXPIRES, ISSUER, SIGNER, ISSUER_FINGERPRINT];
        let unknown = |part: &&Subpacket<'_>| !known.contains(&part.kind) && part.is_critical;
        if said.iter().find(unknown).is_some() {
            return Err(Malformed(
                "its signature has a critical part of an unknown kind",
            ));
        }
        let one = |kind| one(&said, kind);
        let issuer = one(ISSUER_FINGERPRINT)?.and_then(Fingerprint::of_subpacket);
        // Which of its names the signer went by, as gpg says it, changes nothing: the key counts.
        let plain = [CREATED, ISSUER, SIGNER, ISSUER_FINGERPRINT];
        Ok(Self {
            class,
            hash,
            created: seconds(one(CREATED)?)?.ok_or(Malformed("its signature has no time"))?,
            key_expires: seconds(one(KEY_EXPIRES)?)?.filter(|after| *after > 0),
            issuer: issuer.ok_or(Malformed("its signature names no key of version 4"))?,
            is_plain: said.iter().all(|part| plain.contains(&part.kind)),
            hashed,
            start_of_digest,
            value,
        })
    }

    /// What follows the signed bytes in what is hashed (RFC 9580, section 5.2.4).
    pub(super) fn trailer(&self) -> Vec<u8> {
        let length = u32::try_from(self.hashed.len()).unwrap_or(u32::MAX);
        [self.hashed, &[VERSION, 0xff], &length.to_be_bytes()].concat()
    }

    /// Whether the key `n`, `e` signed these bytes, of which the trailer is the end.
    pub(super) fn is_of(&self, n: &[u8], e: &[u8], bytes: &[u8]) -> bool {
        // The value of a signature is as long as the modulus, leading zeros included.
        let mut value = vec![0; n.len().saturating_sub(self.value.len())];
        value.extend_from_slice(self.value);
        let key = RsaPublicKeyComponents { n, e };
        let digest = ring::digest::digest(self.hash.algorithm(), bytes);
        digest.as_ref().starts_with(self.start_of_digest)
            && key.verify(self.hash.parameters(), bytes, &value).is_ok()
    }
}

/// The one subpacket of a kind that there may be.
fn one<'a>(said: &[Subpacket<'a>], kind: u8) -> Result<Option<&'a [u8]>, Malformed> {
    let mut found = said.iter().filter(|part| part.kind == kind);
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(Malformed("its signature says something twice")),
        (first, _) => Ok(first.map(|part| part.body)),
    }
}

fn seconds(body: Option<&[u8]>) -> Result<Option<u64>, Malformed> {
    let four = |body: &[u8]| <[u8; 4]>::try_from(body);
    match body.map(four) {
        None => Ok(None),
        Some(Ok(bytes)) => Ok(Some(u64::from(u32::from_be_bytes(bytes)))),
        Some(Err(_)) => Err(Malformed("its signature has a time that is none")),
    }
}
