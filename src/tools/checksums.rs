//! Lists of digests as vendors publish them: `sha256sum`'s lines, and files with one digest alone.

use crate::digest::Digest;

/// The largest list that is read, in bytes: Node's has some 50 lines.
pub const LIMIT: u64 = 1024 * 1024;

/// The digest that `text` lists for `asset`.
///
/// A line is a digest, blanks, an optional `*` (for binary) and a name. Where the list is for this
/// asset alone, a digest without a name will do.
pub fn digest_of(text: &str, asset: &str, is_alone: bool) -> Result<Digest, Problem> {
    let mut found: Option<Digest> = None;
    let lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines();
    for (number, line) in (1..).zip(lines) {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let (hex, name) = match line.split_once(char::is_whitespace) {
            Some((hex, name)) => (hex, name.trim_start()),
            None if is_alone => (line, asset),
            None => return Err(Problem::Line { number }),
        };
        let name = name.strip_prefix('*').unwrap_or(name);
        let algorithm = match hex.len() {
            64 => "sha256",
            128 => "sha512",
            _ => return Err(Problem::Line { number }),
        };
        let digest = format!("{algorithm}:{hex}").parse::<Digest>();
        let digest = digest.map_err(|_| Problem::Line { number })?;
        if name != asset {
            continue;
        }
        if found.as_ref().is_some_and(|known| *known != digest) {
            return Err(Problem::Twice);
        }
        found = Some(digest);
    }
    found.ok_or(Problem::NotListed)
}

/// The list has no digest for an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is not a list.
    #[error("line {number} is not a SHA-256 or SHA-512 with a name")]
    Line {
        /// Which line, counted from 1.
        number: usize,
    },
    /// It is a list of others.
    #[error("it does not list the file")]
    NotListed,
    /// It contradicts itself.
    #[error("it lists the file twice, with two digests")]
    Twice,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: &str = "b192431c22d720c38adbf53b016c33ab17105944ee73b25f485aa52c9e9297a7";
    const B: &str = "c67472d3ca61cdaff9754d2aa7fa1715803851678204cb7f9ba219a5454621b7";

    fn check(text: &str, is_alone: bool, expected: Result<&str, Problem>) {
        let text = text.replace("AAA", A).replace("BBB", B);
        let found = digest_of(&text, "tool.zip", is_alone).map(|digest| digest.hex());
        assert_eq!(found, expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn every_spelling_of_a_line_is_read() {
        for line in [
            "AAA  tool.zip",
            "AAA tool.zip",
            "AAA *tool.zip",
            "AAA\ttool.zip\r",
            "\u{feff}AAA  tool.zip",
            "BBB  tool.zip.sig\n\nAAA  tool.zip\nBBB  win/tool.zip\n",
            "AAA  tool.zip\nAAA *tool.zip",
        ] {
            check(line, false, Ok(A));
            check(line, true, Ok(A));
        }
        check("AAA\n", true, Ok(A));
        check("AAA", true, Ok(A));
    }

    #[test]
    fn a_digest_without_a_name_is_of_nothing_in_a_list_of_several() {
        check("AAA\n", false, Err(Problem::Line { number: 1 }));
    }

    #[test]
    fn what_is_not_listed_or_listed_twice_is_refused() {
        check("", false, Err(Problem::NotListed));
        check("BBB  other.zip\n", false, Err(Problem::NotListed));
        check("BBB  x/tool.zip\n", false, Err(Problem::NotListed));
        check("AAA  tool.zip\nBBB  tool.zip\n", false, Err(Problem::Twice));
    }

    #[test]
    fn what_is_no_list_is_refused_with_its_line() {
        check("<html>\n", true, Err(Problem::Line { number: 1 }));
        check(
            "AAA  a\nda39a3ee  tool.zip\n",
            false,
            Err(Problem::Line { number: 2 }),
        );
        let hex = "z".repeat(64);
        check(
            &format!("{hex}  tool.zip"),
            false,
            Err(Problem::Line { number: 1 }),
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9a-f \\*\\nté.ol]{0,200}") {
            let _ = digest_of(&text, "tool", true);
        }
    }
}
