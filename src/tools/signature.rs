//! OpenPGP signatures, for the one vendor that publishes nothing else: the AWS CLI.
//!
//! Accepted is the shape that AWS uses and no other (RFC 9580): one RSA key of version 4 without
//! subkeys, known by its fingerprint, and a detached signature of a binary file with SHA-512. The
//! arithmetic is ring's.

mod armor;
mod packet;
mod statement;

use std::fmt;
use std::str::FromStr;

use crate::digest::{hex, unhex};
use crate::fault::Fault;
use packet::{Packet, Reader, packets};
use statement::{Hash, RSA, Statement, VERSION};

/// The key of the AWS CLI team, which has been the same since 2019: its expiry is put off every year.
const AWS_CLI: &str = include_str!("../../manifests/keys/aws-cli.asc");

/// The types of packets (RFC 9580, section 5).
const SIGNATURE: u8 = 2;
const PUBLIC_KEY: u8 = 6;
const USER_ID: u8 = 13;

/// The kinds of signatures (RFC 9580, section 5.2.1): of a binary file, and of a key with its owner.
const OF_A_FILE: u8 = 0;
const OF_AN_OWNER: std::ops::RangeInclusive<u8> = 0x10..=0x13;

/// What pins an OpenPGP key of version 4: the SHA-1 of its public parts.
///
/// To find another key with the same takes a second preimage, which for SHA-1 nobody can make.
#[derive(Clone, PartialEq, Eq)]
pub struct Fingerprint([u8; 20]);

impl Fingerprint {
    fn of_key(body: &[u8]) -> Self {
        let bytes = framed(0x99, &u16_of(body.len()), body);
        let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &bytes);
        Self(digest.as_ref().try_into().unwrap_or_default())
    }

    /// That of an issuer, which has the version of the key before it.
    fn of_subpacket(body: &[u8]) -> Option<Self> {
        let (version, rest) = body.split_first()?;
        let bytes = rest.try_into().ok().filter(|_| *version == VERSION)?;
        Some(Self(bytes))
    }
}

impl FromStr for Fingerprint {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = unhex(text).and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(Self)
            .ok_or(Malformed("a fingerprint has 40 hex digits"))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0).to_uppercase())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A public key that signed itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// What it is known by.
    pub fingerprint: Fingerprint,
    /// When it expires, in seconds since 1970, as it says itself; none: never.
    pub expires: Option<u64>,
    n: Vec<u8>,
    e: Vec<u8>,
}

impl Key {
    /// Reads the text of a public key, and checks that it is its own.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bytes = armor::decode(text)?;
        let packets = packets(&bytes)?;
        let mut packets = packets.iter();
        let body = match packets.next() {
            Some(Packet {
                tag: PUBLIC_KEY,
                body,
            }) => *body,
            _ => return Err(Malformed("it does not begin with a public key").into()),
        };
        let (created, n, e) = public_parts(body)?;
        let mut key = Self {
            fingerprint: Fingerprint::of_key(body),
            expires: None,
            n: n.to_vec(),
            e: e.to_vec(),
        };
        let mut owner = None;
        let mut newest = None;
        for packet in packets {
            match (packet.tag, owner) {
                (USER_ID, _) => owner = Some(packet.body),
                (SIGNATURE, Some(owner)) => {
                    let statement = Statement::parse(packet.body)?;
                    key.check_own(body, owner, &statement)?;
                    if newest.is_none_or(|newest| newest <= statement.created) {
                        newest = Some(statement.created);
                        key.expires = statement.key_expires.map(|after| created + after);
                    }
                }
                _ => return Err(Malformed("it has subkeys, or parts out of order").into()),
            }
        }
        if newest.is_none() {
            return Err(Malformed("it is not signed by itself").into());
        }
        Ok(key)
    }

    /// Checks the signature by which the key says whose it is and until when.
    fn check_own(&self, body: &[u8], owner: &[u8], statement: &Statement<'_>) -> Result<(), Error> {
        if !OF_AN_OWNER.contains(&statement.class) || statement.issuer != self.fingerprint {
            return Err(Malformed("it has signatures other than its own").into());
        }
        let length = u32::try_from(owner.len()).unwrap_or(u32::MAX).to_be_bytes();
        let bytes = [
            framed(0x99, &u16_of(body.len()), body),
            framed(0xb4, &length, owner),
            statement.trailer(),
        ]
        .concat();
        if statement.is_of(&self.n, &self.e, &bytes) {
            Ok(())
        } else {
            let fingerprint = self.fingerprint.clone();
            Err(Error::Forged { fingerprint })
        }
    }

    /// Checks that this key made the detached `signature` over exactly these bytes. It takes them
    /// away, since what is signed is the bytes with the signature's own words behind them.
    pub fn verify(&self, signature: &[u8], mut bytes: Vec<u8>) -> Result<(), Error> {
        let unreadable = |problem| Error::Unreadable { problem };
        let packets = packets(signature).map_err(unreadable)?;
        let [
            Packet {
                tag: SIGNATURE,
                body,
            },
        ] = packets.as_slice()
        else {
            return Err(unreadable(Malformed("it is not one signature")));
        };
        let statement = Statement::parse(body).map_err(unreadable)?;
        if statement.issuer != self.fingerprint {
            return Err(Error::OtherKey {
                expected: self.fingerprint.clone(),
                found: statement.issuer,
            });
        }
        let problem = match (statement.class, statement.hash, statement.is_plain) {
            (OF_A_FILE, Hash::Sha512, true) => None,
            (OF_A_FILE, Hash::Sha512, false) => {
                Some("it says more than who signed and when, such as that it expires")
            }
            (OF_A_FILE, Hash::Sha256, _) => Some("it is made with SHA-256, and not with SHA-512"),
            _ => Some("it is not one of a binary file"),
        };
        if let Some(problem) = problem {
            return Err(unreadable(Malformed(problem)));
        }
        bytes.extend(statement.trailer());
        if statement.is_of(&self.n, &self.e, &bytes) {
            Ok(())
        } else {
            let fingerprint = self.fingerprint.clone();
            Err(Error::Bad { fingerprint })
        }
    }
}

/// The key of a vendor that is compiled in, if it is the one that the catalog names.
pub fn vendor_key(expected: &Fingerprint) -> Result<Key, Error> {
    let key = Key::parse(AWS_CLI)?;
    if key.fingerprint == *expected {
        return Ok(key);
    }
    Err(Error::OtherKey {
        expected: expected.clone(),
        found: key.fingerprint,
    })
}

/// The time of creation, the modulus and the exponent of a public key (RFC 9580, section 5.5.2).
fn public_parts(body: &[u8]) -> Result<(u64, &[u8], &[u8]), Malformed> {
    let mut reader = Reader(body);
    if reader.byte()? != VERSION {
        return Err(Malformed("it is not a key of version 4"));
    }
    let created = reader.number::<4>()? as u64;
    if reader.byte()? != RSA {
        return Err(Malformed("it is not an RSA key"));
    }
    let (n, e) = (reader.integer()?, reader.integer()?);
    if !reader.is_empty() {
        return Err(Malformed("its public key is followed by something else"));
    }
    Ok((created, n, e))
}

/// A packet's body as it is hashed.
fn framed(tag: u8, length: &[u8], body: &[u8]) -> Vec<u8> {
    [&[tag], length, body].concat()
}

fn u16_of(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
}

/// What is wrong with a key or a signature, as the end of a sentence.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Malformed(&'static str);

/// A signature proves nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// The key cannot be read.
    #[error("the key cannot be used: {0}")]
    Key(Malformed),
    /// The key did not sign what it says of itself.
    #[error("the key {fingerprint} is forged: its own signature is bad")]
    Forged {
        /// What it would be known by.
        fingerprint: Fingerprint,
    },
    /// The signature is broken, or of another shape than the one that is accepted.
    #[error("the signature cannot be used: {problem}")]
    Unreadable {
        /// What is wrong.
        problem: Malformed,
    },
    /// Somebody else signed.
    #[error("the signature is by the key {found}, and only that of {expected} counts")]
    OtherKey {
        /// The key that is trusted.
        expected: Fingerprint,
        /// The key that the signature names.
        found: Fingerprint,
    },
    /// The signature is not of these bytes, or not by this key.
    #[error("the signature is bad: the key {fingerprint} did not sign these bytes")]
    Bad {
        /// The key that is trusted.
        fingerprint: Fingerprint,
    },
}

// Not `#[from]`, which would make of the one sentence a cause of itself.
impl From<Malformed> for Error {
    fn from(problem: Malformed) -> Self {
        Self::Key(problem)
    }
}

impl Error {
    /// The side that the failure is on.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Key(_) => Fault::Input,
            Self::Forged { .. }
            | Self::Unreadable { .. }
            | Self::OtherKey { .. }
            | Self::Bad { .. } => Fault::Untrusted,
        }
    }
}

#[cfg(test)]
mod tests;
