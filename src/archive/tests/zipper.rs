//! Writes zips byte by byte, the wrong ones too (APPNOTE.TXT 4.3).

use std::io::Write as _;

/// An entry; each field can be made to lie.
#[derive(Clone)]
pub(super) struct Zipped {
    pub(super) name: Vec<u8>,
    pub(super) local_name: Option<Vec<u8>>,
    pub(super) mode: u32,
    pub(super) method: u16,
    pub(super) local_method: Option<u16>,
    pub(super) flags: u16,
    pub(super) crc32: u32,
    pub(super) size: u32,
    pub(super) local_size: Option<u32>,
    pub(super) data: Vec<u8>,
    pub(super) descriptor: Vec<u8>,
    /// Bytes that belong to no entry, before this one.
    pub(super) gap: Vec<u8>,
    /// Use the data of the entry before.
    pub(super) overlaps: bool,
}

impl Zipped {
    pub(super) fn stored(name: impl AsRef<[u8]>, content: &[u8]) -> Self {
        Self {
            name: name.as_ref().to_vec(),
            local_name: None,
            mode: 0o100_644,
            method: 0,
            local_method: None,
            flags: 0,
            crc32: crc32fast::hash(content),
            size: u32::try_from(content.len()).unwrap(),
            local_size: None,
            data: content.to_vec(),
            descriptor: Vec::new(),
            gap: Vec::new(),
            overlaps: false,
        }
    }

    pub(super) fn deflated(name: impl AsRef<[u8]>, content: &[u8]) -> Self {
        let mut encoder =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(content).unwrap();
        Self {
            method: 8,
            data: encoder.finish().unwrap(),
            ..Self::stored(name, content)
        }
    }

    pub(super) fn directory(name: &str) -> Self {
        Self {
            mode: 0o040_755,
            ..Self::stored(name, b"")
        }
    }

    pub(super) fn symlink(name: &str, target: impl AsRef<[u8]>) -> Self {
        Self {
            mode: 0o120_777,
            ..Self::stored(name, target.as_ref())
        }
    }

    /// The same, with the sizes and the checksum after the data.
    pub(super) fn streamed(mut self) -> Self {
        self.flags |= 1 << 3;
        self.descriptor = b"PK\x07\x08".to_vec();
        self.descriptor.extend(self.crc32.to_le_bytes());
        self.descriptor.extend(length(&self.data).to_le_bytes());
        self.descriptor.extend(self.size.to_le_bytes());
        self
    }

    fn common(&self, bytes: &mut Vec<u8>, method: u16, size: u32, name: &[u8], is_local: bool) {
        bytes.extend(20_u16.to_le_bytes());
        bytes.extend(self.flags.to_le_bytes());
        bytes.extend(method.to_le_bytes());
        bytes.extend([0; 4]);
        let hidden = is_local && self.flags & (1 << 3) != 0;
        let values = [self.crc32, length(&self.data), size];
        for value in values {
            bytes.extend(if hidden { 0 } else { value }.to_le_bytes());
        }
        bytes.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        bytes.extend([0; 2]);
    }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

/// The parts of a zip that are not its entries.
#[derive(Default)]
pub(super) struct Zipper {
    pub(super) before: Vec<u8>,
    pub(super) comment: Vec<u8>,
    pub(super) after: Vec<u8>,
    pub(super) count_off_by: i16,
}

/// A zip of these entries.
pub(super) fn zip(entries: &[Zipped]) -> Vec<u8> {
    Zipper::default().zip(entries)
}

impl Zipper {
    pub(super) fn zip(&self, entries: &[Zipped]) -> Vec<u8> {
        let mut bytes = self.before.clone();
        let mut central = Vec::new();
        let mut offset = 0;
        for entry in entries {
            bytes.extend(&entry.gap);
            if !entry.overlaps {
                offset = bytes.len() - self.before.len();
                let name = entry.local_name.as_ref().unwrap_or(&entry.name);
                bytes.extend(b"PK\x03\x04");
                let method = entry.local_method.unwrap_or(entry.method);
                let size = entry.local_size.unwrap_or(entry.size);
                entry.common(&mut bytes, method, size, name, true);
                bytes.extend(name);
                bytes.extend(&entry.data);
                bytes.extend(&entry.descriptor);
            }
            // Made by Unix, version 2.0.
            central.extend(b"PK\x01\x02\x14\x03");
            entry.common(&mut central, entry.method, entry.size, &entry.name, false);
            central.extend([0; 6]);
            central.extend((entry.mode << 16).to_le_bytes());
            central.extend(u32::try_from(offset).unwrap().to_le_bytes());
            central.extend(&entry.name);
        }
        let start = bytes.len() - self.before.len();
        bytes.extend(&central);
        let count = u16::try_from(entries.len())
            .unwrap()
            .wrapping_add_signed(self.count_off_by);
        bytes.extend(b"PK\x05\x06\0\0\0\0");
        bytes.extend(count.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(length(&central).to_le_bytes());
        bytes.extend(u32::try_from(start).unwrap().to_le_bytes());
        bytes.extend(u16::try_from(self.comment.len()).unwrap().to_le_bytes());
        bytes.extend(&self.comment);
        bytes.extend(&self.after);
        bytes
    }
}
