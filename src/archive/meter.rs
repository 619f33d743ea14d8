//! Counts what is unpacked, and stops it at the limits and at the deadline.

use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::archive::{Error, Fault, Limits};
use crate::cache::Verified;
use crate::deadline::Deadline;

/// The count of the unpacked bytes of one archive; shared by all threads that unpack it.
pub(super) struct Meter<'a> {
    archive: &'a Path,
    limits: Limits,
    /// The limit on the bytes or the one that the ratio makes, whichever is smaller.
    cap: u64,
    unpacked: AtomicU64,
    deadline: Deadline,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl<'a> Meter<'a> {
    pub(super) fn new(
        source: &'a Verified,
        limits: Limits,
        deadline: Deadline,
        progress: &'a (dyn Fn(u64) + Sync),
    ) -> Self {
        Self {
            archive: source.path(),
            limits,
            cap: limits.bytes.min(limits.ratio.saturating_mul(source.len())),
            unpacked: AtomicU64::new(0),
            deadline,
            progress,
        }
    }

    /// A meter without limits, for an archive that is looked at and not unpacked.
    pub(super) fn unlimited(archive: &'a Path, deadline: Deadline) -> Self {
        let all = u64::MAX;
        Self {
            archive,
            limits: Limits {
                entries: all,
                bytes: all,
                ratio: all,
            },
            cap: all,
            unpacked: AtomicU64::new(0),
            deadline,
            progress: &|_| {},
        }
    }

    /// Takes note of `count` bytes that are about to be written. Called for every file and at
    /// least once a MiB, it is also where the deadline is checked.
    pub(super) fn add(&self, count: usize) -> Result<(), Error> {
        self.deadline.check()?;
        let count = count as u64;
        let unpacked = self.unpacked.fetch_add(count, Ordering::Relaxed) + count;
        if unpacked > self.cap {
            return Err(self.too_large(self.cap, "bytes"));
        }
        (self.progress)(unpacked);
        Ok(())
    }

    /// An error when there are more than the permitted number of entries.
    pub(super) fn check_entries(&self, count: usize) -> Result<(), Error> {
        if count as u64 > self.limits.entries {
            return Err(self.too_large(self.limits.entries, "entries"));
        }
        Ok(())
    }

    /// An error when the deadline has passed.
    pub(super) fn check_deadline(&self) -> Result<(), Error> {
        Ok(self.deadline.check()?)
    }

    /// The limits.
    pub(super) const fn limits(&self) -> Limits {
        self.limits
    }

    /// The number of entries that are permitted.
    pub(super) const fn entries(&self) -> u64 {
        self.limits.entries
    }

    /// The error that the archive has this fault.
    pub(super) fn refuse(&self, fault: Fault) -> Error {
        refused(self.archive, fault)
    }

    fn too_large(&self, limit: u64, unit: &'static str) -> Error {
        Error::TooLarge {
            archive: self.archive.to_owned(),
            limit,
            unit,
        }
    }
}

/// The error that `archive` has this fault.
pub(super) fn refused(archive: &Path, fault: Fault) -> Error {
    Error::Refused {
        archive: archive.to_owned(),
        fault,
    }
}

/// Reads at `offset` until `buffer` is full or the file ends; returns the number of bytes.
pub(super) fn read_at(source: &Verified, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.file().read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The error that `source` could not be read.
pub(super) fn unreadable(source: &Verified, error: io::Error) -> Error {
    Error::Io {
        action: "read",
        path: source.path().to_owned(),
        source: error,
    }
}
