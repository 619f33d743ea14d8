//! Archives written byte by byte, so that they can be as hostile as anybody's.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};

const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;
const BLOCK_DEVICE: u32 = 0o060_000;

/// One entry of an archive.
#[derive(Clone)]
pub(crate) struct Member {
    name: String,
    /// The type and the permissions, as in `st_mode`.
    mode: u32,
    /// The contents, or the target of a link.
    content: Vec<u8>,
    /// What the local header of a zip calls it.
    pub(crate) local_name: String,
}

impl Member {
    fn new(name: &str, mode: u32, content: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.to_owned(),
            mode,
            content: content.into(),
            local_name: name.to_owned(),
        }
    }

    pub(crate) fn file(name: &str, content: impl Into<Vec<u8>>) -> Self {
        Self::new(name, FILE | 0o644, content)
    }

    pub(crate) fn program(name: &str, content: &str) -> Self {
        Self::new(name, FILE | 0o755, content)
    }

    pub(crate) fn elf(name: &str, content: Vec<u8>) -> Self {
        Self::new(name, FILE | 0o755, content)
    }

    pub(crate) fn link(name: &str, target: &str) -> Self {
        Self::new(name, LINK | 0o777, target)
    }

    pub(crate) fn device(name: &str) -> Self {
        Self::new(name, BLOCK_DEVICE | 0o644, "")
    }
}

/// Text of so many words, which deflates like any text.
pub(crate) fn prose(words: u32) -> String {
    let words: Vec<_> = (0..words).map(|n| format!("{n:x}")).collect();
    words.join(" ")
}

/// A zip of these, deflated (APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16).
pub(crate) fn zip(members: &[Member]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
    for member in members {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&member.content).unwrap();
        let body = encoder.finish().unwrap();
        // Version 2.0, UTF-8 names, deflate, midnight of 1 January 1980.
        let mut common = vec![20, 0, 0, 8, 8, 0, 0, 0, 0x21, 0];
        common.extend(crc32fast::hash(&member.content).to_le_bytes());
        common.extend(length(&body).to_le_bytes());
        common.extend(length(&member.content).to_le_bytes());
        let name_length = |name: &str| u16::try_from(name.len()).unwrap().to_le_bytes();

        let offset = length(&file);
        file.extend(b"PK\x03\x04");
        file.extend(&common);
        file.extend(name_length(&member.local_name));
        file.extend([0; 2]);
        file.extend(member.local_name.as_bytes());
        file.extend(body);

        // Made on Unix, so that the upper half of the external attributes is the mode.
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(&common);
        directory.extend(name_length(&member.name));
        directory.extend([0; 8]);
        directory.extend((member.mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(member.name.as_bytes());
    }
    let count = u16::try_from(members.len()).unwrap().to_le_bytes();
    let start = length(&file);
    file.extend(&directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([count, count].concat());
    file.extend(length(&directory).to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend([0; 2]);
    file
}

/// A gzipped tar of these (POSIX ustar).
pub(crate) fn tar_gz(members: &[Member]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for member in members {
        let (kind, size, target) = match member.mode & 0o170_000 {
            LINK => (b'2', 0, member.content.as_slice()),
            BLOCK_DEVICE => (b'4', 0, &[][..]),
            _ => (b'0', member.content.len(), &[][..]),
        };
        let mut header = [0; 512];
        let mut set = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        set(0, member.name.as_bytes());
        set(100, format!("{:07o}\0", member.mode & 0o7777).as_bytes());
        set(108, b"0000000\x000000000\0");
        set(124, format!("{size:011o}\x0000000000000\0").as_bytes());
        set(148, b"        ");
        set(156, &[kind]);
        set(157, target);
        set(257, b"ustar\x0000");
        set(329, b"0000000\x000000000\0");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        encoder.write_all(&header).unwrap();
        let content = member.content.get(..size).unwrap_or_default();
        encoder.write_all(content).unwrap();
        encoder
            .write_all(&vec![0; size.next_multiple_of(512) - size])
            .unwrap();
    }
    encoder.write_all(&[0; 1024]).unwrap();
    encoder.finish().unwrap()
}
