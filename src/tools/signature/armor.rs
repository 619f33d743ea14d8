//! The text form of a key (RFC 9580, section 6): base64 between two lines.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::Malformed;

const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";

/// The bytes of the one public key block in `text`.
///
/// The checksum at its end is left out, as the RFC allows: what is in the block is pinned by its
/// fingerprint and signed by itself.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, Malformed> {
    let not_a_block = Malformed("it is not one PGP public key block");
    let (_, rest) = text.split_once(BEGIN).ok_or(not_a_block)?;
    let (block, after) = rest.split_once(END).ok_or(not_a_block)?;
    if after.contains(BEGIN) {
        return Err(not_a_block);
    }
    // An empty line ends the headers, of which there may be none.
    let lines = block.lines().skip(1).map(str::trim);
    let data = lines.skip_while(|line| !line.is_empty());
    let base64: String = data.filter(|line| !line.starts_with('=')).collect();
    let decoded = BASE64_STANDARD.decode(base64);
    decoded.map_err(|_| Malformed("its base64 is broken"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: Result<&[u8], Malformed>) {
        let text = format!("some words\n{BEGIN}\n{body}\n{END}\nmore\n");
        assert_eq!(decode(&text), expected.map(<[u8]>::to_vec), "{body}");
    }

    #[test]
    fn headers_and_the_checksum_are_left_out() {
        check("\nYWJj\n=abcd", Ok(b"abc"));
        check("Version: 1\r\nComment: x\r\n\r\nYW\r\nJj\r", Ok(b"abc"));
    }

    #[test]
    fn what_is_no_block_is_refused() {
        check("\nYW!j", Err(Malformed("its base64 is broken")));
        let none = Err(Malformed("it is not one PGP public key block"));
        assert_eq!(decode("<html>"), none);
        assert_eq!(decode(BEGIN), none);
        let twice = format!("{BEGIN}\n\nYWJj\n{END}\n").repeat(2);
        assert_eq!(decode(&twice), none);
    }
}
