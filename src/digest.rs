//! Digests: what an artifact is pinned by, and how bytes are checked against it.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256, Sha512};

/// A hash function that may pin an artifact (FIPS 180-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256: what vendors publish for their binaries.
    Sha256,
    /// SHA-512: what the npm registry publishes as `integrity`.
    Sha512,
}

impl Algorithm {
    /// The name used in digests and cache paths: `sha256` or `sha512`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// The length of the digest, in bytes.
    const fn len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A digest, written `sha256:<64 hex digits>` or `sha512:<128 hex digits>`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    algorithm: Algorithm,
    bytes: Box<[u8]>,
}

impl Digest {
    /// The SHA-256 digest with these bytes.
    pub fn sha256(bytes: [u8; 32]) -> Self {
        Self {
            algorithm: Algorithm::Sha256,
            bytes: Box::new(bytes),
        }
    }

    /// Reads the `integrity` of a package lock, `sha512-<base64>`
    /// (Subresource Integrity, W3C; npm's `package-lock.json`).
    pub fn from_integrity(text: &str) -> Result<Self, InvalidDigest> {
        let invalid = || InvalidDigest {
            text: text.to_owned(),
        };
        let (name, base64) = text.split_once('-').ok_or_else(invalid)?;
        let algorithm = Self::algorithm_named(name).ok_or_else(invalid)?;
        let bytes = BASE64_STANDARD.decode(base64).map_err(|_| invalid())?;
        Self::checked(algorithm, bytes).ok_or_else(invalid)
    }

    /// The hash function.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The digest in lower-case hex, without the name of the hash function.
    pub fn hex(&self) -> String {
        hex(&self.bytes)
    }

    /// Where a mirror, a bundle and the cache have the file with this digest: `<alg>/<hex>`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.algorithm, self.hex())
    }

    /// The digest in such a path.
    pub fn from_path(path: &str) -> Option<Self> {
        let (name, digits) = path.split_once('/')?;
        format!("{name}:{digits}").parse().ok()
    }

    fn algorithm_named(name: &str) -> Option<Algorithm> {
        [Algorithm::Sha256, Algorithm::Sha512]
            .into_iter()
            .find(|known| known.name() == name)
    }

    fn checked(algorithm: Algorithm, bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() == algorithm.len()).then(|| Self {
            algorithm,
            bytes: bytes.into(),
        })
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidDigest {
            text: text.to_owned(),
        };
        let (name, digits) = text.split_once(':').ok_or_else(invalid)?;
        let algorithm = Self::algorithm_named(name).ok_or_else(invalid)?;
        let bytes = unhex(digits).ok_or_else(invalid)?;
        Self::checked(algorithm, bytes).ok_or_else(invalid)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a digest.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a digest: it takes `sha256:` and 64 hex digits, or `sha512:` and 128")]
pub struct InvalidDigest {
    text: String,
}

/// A digest in the making.
#[derive(Clone)]
pub enum Hasher {
    /// SHA-256.
    Sha256(Sha256),
    /// SHA-512.
    Sha512(Box<Sha512>),
}

impl Hasher {
    /// A hasher that has seen no bytes.
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha512 => Self::Sha512(Box::new(Sha512::new())),
        }
    }

    /// Takes the next bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// The digest of all bytes seen.
    pub fn finish(self) -> Digest {
        match self {
            Self::Sha256(hasher) => Digest {
                algorithm: Algorithm::Sha256,
                bytes: hasher.finalize().to_vec().into(),
            },
            Self::Sha512(hasher) => Digest {
                algorithm: Algorithm::Sha512,
                bytes: hasher.finalize().to_vec().into(),
            },
        }
    }

    /// Takes in all that `reader` yields and returns the number of bytes.
    pub fn read_all(&mut self, mut reader: impl Read) -> io::Result<u64> {
        let mut buffer = vec![0; 256 * 1024];
        let mut total = 0;
        loop {
            let count = match reader.read(&mut buffer) {
                Ok(0) => return Ok(total),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.update(buffer.get(..count).unwrap_or_default());
            total += count as u64;
        }
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('?');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// The bytes that hex digits of either case stand for, or none when it is not hex.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
    };
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(nibble(*high)? << 4 | nibble(*low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn the_digest_of_nothing_is_the_published_one() {
        assert_eq!(Hasher::new(Algorithm::Sha256).finish().to_string(), EMPTY);
    }

    #[test]
    fn text_round_trips_and_upper_case_is_understood() {
        let digest: Digest = EMPTY.parse().unwrap();
        assert_eq!(digest.to_string(), EMPTY);
        let upper = format!("sha256:{}", digest.hex().to_uppercase());
        assert_eq!(upper.parse::<Digest>().unwrap(), digest);
    }

    #[test]
    fn an_integrity_is_the_same_digest_in_base64() {
        let mut hasher = Hasher::new(Algorithm::Sha512);
        hasher.update(b"abc");
        let integrity = "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";
        assert_eq!(Digest::from_integrity(integrity).unwrap(), hasher.finish());
    }

    #[test]
    fn what_is_not_a_digest_is_refused() {
        let short = EMPTY.strip_suffix("55").unwrap();
        for text in [
            "",
            "sha256:",
            "md5:00",
            short,
            "sha256:zz",
            "sha512-AAAA",
            "sha256:é",
        ] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
            assert!(Digest::from_integrity(text).is_err(), "{text}");
        }
    }
}
