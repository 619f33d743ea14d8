//! OpenPGP packets (RFC 9580, sections 4 and 5), as far as an RSA key and its signatures take them.

use super::Malformed;

/// A packet: its type and what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    pub(super) tag: u8,
    pub(super) body: &'a [u8],
}

/// All packets of `bytes`, one after the other.
pub(super) fn packets(bytes: &[u8]) -> Result<Vec<Packet<'_>>, Malformed> {
    let mut reader = Reader(bytes);
    let mut packets = Vec::new();
    while !reader.0.is_empty() {
        let first = reader.byte()?;
        let (tag, length) = match first {
            // The old format: what follows the type says how long the length is.
            0x80..=0xbf => {
                let length = match first & 3 {
                    0 => usize::from(reader.byte()?),
                    1 => reader.number::<2>()?,
                    2 => reader.number::<4>()?,
                    _ => return Err(Malformed("a packet has no length")),
                };
                ((first >> 2) & 15, length)
            }
            0xc0..=0xff => (first & 63, reader.length()?),
            _ => return Err(Malformed("it is not made of OpenPGP packets")),
        };
        let body = reader.take(length)?;
        packets.push(Packet { tag, body });
    }
    Ok(packets)
}

/// Takes bytes off the front.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let split = self.0.split_at_checked(count);
        let (taken, rest) = split.ok_or(Malformed("it is cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        let taken = self.take(1)?;
        taken.first().copied().ok_or(Malformed("it is cut short"))
    }

    /// A big-endian number of this many bytes.
    pub(super) fn number<const BYTES: usize>(&mut self) -> Result<usize, Malformed> {
        let bytes = self.take(BYTES)?;
        Ok(bytes
            .iter()
            .fold(0, |value, byte| (value << 8) | usize::from(*byte)))
    }

    /// A length of the new format, which subpackets have too.
    fn length(&mut self) -> Result<usize, Malformed> {
        match self.byte()? {
            short @ 0..=191 => Ok(usize::from(short)),
            high @ 192..=223 => {
                Ok(((usize::from(high) - 192) << 8) + usize::from(self.byte()?) + 192)
            }
            224..=254 => Err(Malformed("a packet comes in parts")),
            255 => self.number::<4>(),
        }
    }

    /// A multiprecision integer, which begins with its highest bit.
    pub(super) fn integer(&mut self) -> Result<&'a [u8], Malformed> {
        let bits = self.number::<2>()?;
        let bytes = self.take(bits.div_ceil(8))?;
        let zeros = bytes.first().map_or(0, |first| first.leading_zeros());
        if bytes.len() * 8 != bits + zeros as usize {
            return Err(Malformed("a number is not as long as it says"));
        }
        Ok(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A part of a signature that says something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subpacket<'a> {
    pub(super) kind: u8,
    /// Whether the signature counts only for those who know this kind.
    pub(super) is_critical: bool,
    pub(super) body: &'a [u8],
}

/// All subpackets of an area.
pub(super) fn subpackets(area: &[u8]) -> Result<Vec<Subpacket<'_>>, Malformed> {
    let mut reader = Reader(area);
    let mut found = Vec::new();
    while !reader.is_empty() {
        // Lengths of 224 to 254 mean two bytes here; nothing that is that long is signed by us.
        let length = reader.length()?;
        let mut inside = Reader(reader.take(length)?);
        let kind = inside.byte()?;
        found.push(Subpacket {
            kind: kind & 0x7f,
            is_critical: kind & 0x80 != 0,
            body: inside.0,
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_of_both_formats_are_read() {
        for head in [
            &[0x88, 3][..],
            &[0x89, 0, 3],
            &[0x8a, 0, 0, 0, 3],
            &[0xc2, 3],
            &[0xc2, 255, 0, 0, 0, 3],
        ] {
            let bytes = [head, b"abc"].concat();
            let packet = Packet {
                tag: 2,
                body: b"abc",
            };
            assert_eq!(packets(&bytes), Ok(vec![packet]), "{head:?}");
        }
        let long = [&[0xc2, 192, 8][..], &[7; 200]].concat();
        assert_eq!(packets(&long).unwrap()[0].body.len(), 200);
    }

    #[test]
    fn a_number_is_as_long_as_it_says() {
        let read = |bytes: &[u8]| Reader(bytes).integer().map(<[u8]>::to_vec);
        assert_eq!(read(&[0, 9, 1, 0xff]), Ok(vec![1, 0xff]));
        assert_eq!(read(&[0, 0]), Ok(vec![]));
        for wrong in [
            &[0, 10, 1, 0xff][..],
            &[0, 16, 1, 0xff],
            &[0, 9, 0, 1],
            &[0, 9, 1],
        ] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_has_no_end_or_comes_in_parts_is_refused() {
        for bytes in [
            &[0x8b, 1][..],
            &[0xc2, 224, 1],
            &[0x88, 2, 1],
            b"<html>",
            &[0x88],
        ] {
            assert!(packets(bytes).is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = packets(&bytes);
            let _ = subpackets(&bytes);
            let _ = Reader(&bytes).integer();
        }
    }
}
