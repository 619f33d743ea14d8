//! Why a pin is believed: the word with which its `proof` begins, and how much that word weighs.

/// What stands behind a pin, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Somebody wrote it into the lock.
    Unstated,
    /// It was what came when it was first asked for.
    FirstUse,
    /// A file that somebody had at hand.
    File,
    /// Packages that were each checked, and made one artifact by whoever made the bundle.
    Bundle,
    /// The vendor's list of digests, over https.
    Checksums,
    /// The catalog.
    Catalog,
    /// The vendor's signature.
    Signature,
}

/// The proof of a file that somebody had at hand.
pub const FILE: &str = "file";
/// The first word of the proof of what a bundle was made of; what was checked follows.
pub const BUNDLE: &str = "bundle";
/// The proof of what nothing vouched for.
pub const FIRST_USE: &str = "trust-on-first-use";
/// The proof of what the catalog has.
pub const CATALOG: &str = "catalog";
/// The first word of the proof of what a vendor signed; the key follows.
pub const SIGNATURE: &str = "signature";
/// The first word of the proof of what a vendor listed; the list follows.
pub const CHECKSUMS: &str = "checksums";

impl Strength {
    /// The weight of a proof as it stands in a lock.
    pub fn of(proof: &str) -> Self {
        let word = proof.split([' ', ',']).next().unwrap_or_default();
        match word {
            SIGNATURE => Self::Signature,
            CATALOG => Self::Catalog,
            CHECKSUMS => Self::Checksums,
            BUNDLE => Self::Bundle,
            FILE => Self::File,
            FIRST_USE => Self::FirstUse,
            _ => Self::Unstated,
        }
    }
}

/// Who says so, for a sentence.
pub fn witness(proof: &str) -> String {
    let rest = proof.split_once(' ').map_or("", |(_, rest)| rest);
    match Strength::of(proof) {
        Strength::Signature => format!("the signature of {rest}"),
        Strength::Catalog => "the catalog".to_owned(),
        Strength::Checksums => format!("the list at {rest}"),
        Strength::Bundle => "a bundle that was made before".to_owned(),
        Strength::File => "a file that was given before".to_owned(),
        Strength::FirstUse => "what came now".to_owned(),
        Strength::Unstated => "the lock".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_outweighs_the_catalog_and_that_all_else() {
        let proofs = [
            "lock",
            "trust-on-first-use",
            "file",
            "bundle of 2 packages",
            "checksums https://h.example/SHASUMS256.txt",
            "catalog, single-source",
            "signature FB5DB77FD5C118B80511ADA8A6310ACC4672475C",
        ];
        for pair in proofs.windows(2) {
            assert!(Strength::of(pair[0]) < Strength::of(pair[1]), "{pair:?}");
        }
        assert_eq!(Strength::of("signatures"), Strength::Unstated);
    }
}
