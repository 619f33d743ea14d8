//! A part of the archive file held in memory, so that many small entries cost one read.

use std::io;
use std::os::unix::fs::FileExt as _;

use rawzip::ReaderAt;

use crate::archive::Error;
use crate::archive::meter::{read_at, unreadable};
use crate::cache::Verified;

/// What is read of the archive at once, and so the most that the small files of one job take.
pub(super) const WINDOW: usize = 512 * 1024;

/// The bytes of `source` from `start` on.
#[derive(Clone)]
pub(super) struct Window<'a> {
    source: &'a Verified,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    /// A window that holds nothing: all reads go to the file.
    pub(super) const fn closed(source: &'a Verified) -> Self {
        Self {
            source,
            start: 0,
            bytes: Vec::new(),
        }
    }

    /// The bytes of the file from `at` to `to`, as many as the window holds; it moves to `at`
    /// when it holds none. Empty at the end of the file alone.
    pub(super) fn ahead(&mut self, at: u64, to: u64) -> Result<&[u8], Error> {
        let end = self.start + self.bytes.len() as u64;
        if at < self.start || end <= at {
            let length = usize::try_from(to.saturating_sub(at)).unwrap_or(WINDOW);
            self.start = at;
            self.bytes.resize(length.min(WINDOW), 0);
            let count = read_at(self.source, &mut self.bytes, at);
            // Whatever happened, what was not read must not be taken for the archive.
            self.bytes
                .truncate(count.as_ref().copied().unwrap_or_default());
            count.map_err(|error| unreadable(self.source, error))?;
        }
        let end = self.start + self.bytes.len() as u64;
        Ok(self.bytes(at, to.min(end)).unwrap_or_default())
    }

    /// The bytes of the file from `from` to `to`, if the window holds them all.
    pub(super) fn bytes(&self, from: u64, to: u64) -> Option<&[u8]> {
        let from = usize::try_from(from.checked_sub(self.start)?).ok()?;
        let to = usize::try_from(to.checked_sub(self.start)?).ok()?;
        self.bytes.get(from..to)
    }
}

impl ReaderAt for Window<'_> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self.bytes(offset, offset.saturating_add(buffer.len() as u64)) {
            Some(bytes) => {
                buffer.copy_from_slice(bytes);
                Ok(buffer.len())
            }
            None => self.source.file().read_at(buffer, offset),
        }
    }
}
