//! Whether a tree is as its receipt says.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Mutex;

use rustix::fs::{AtFlags, CWD, Mode, OFlags};

use super::{Directory, FileRecord, Receipt, nanoseconds};
use crate::deadline::{Deadline, DeadlinePassed};
use crate::digest::{Algorithm, Digest, Hasher};

/// Files are checked by this many threads: the work is system calls, which two cores share well.
const THREADS: usize = 2;

/// Whether an installed tree is as its receipt says.
#[derive(Debug, PartialEq, Eq)]
pub enum Condition {
    /// It is.
    Whole,
    /// It is, by its digests; sizes or times had changed and the receipt now has the new ones,
    /// so it ought to be written again.
    Refreshed,
    /// It is not: the first difference found.
    Damaged(String),
}

impl Receipt<'_> {
    /// Compares the tree with the receipt.
    ///
    /// Under the boot id of the receipt, a file with the size, mode and time that were recorded
    /// is as it was; one with another mode or time is hashed. Under another boot id every file is
    /// hashed, since a power loss may have cost contents that were never synced. A durable tree
    /// is compared by size and mode alone: image builders clamp times.
    pub fn check(
        &mut self,
        tree: &Path,
        boot: &str,
        deadline: Deadline,
    ) -> Result<Condition, DeadlinePassed> {
        let trust = match (self.durable, self.boot == boot) {
            (true, _) => Trust::SizeAndMode,
            (false, true) => Trust::SizeModeAndTime,
            (false, false) => Trust::Digest,
        };
        self.compare(tree, trust, boot, deadline)
    }

    /// Compares the tree with the receipt, every file by its digest.
    pub fn check_by_digest(
        &mut self,
        tree: &Path,
        boot: &str,
        deadline: Deadline,
    ) -> Result<Condition, DeadlinePassed> {
        self.compare(tree, Trust::Digest, boot, deadline)
    }

    fn compare(
        &mut self,
        tree: &Path,
        trust: Trust,
        boot: &str,
        deadline: Deadline,
    ) -> Result<Condition, DeadlinePassed> {
        let root = match open_directory(CWD, tree) {
            Ok(root) => root,
            Err(error) => return Ok(Condition::Damaged(format!("`{}`: {error}", tree.display()))),
        };
        // Shares are handed out in small portions: directories differ in size.
        let portions = Mutex::new(self.directories.chunks_mut(16));
        let worker = || -> Result<bool, Stop> {
            let mut refreshed = false;
            loop {
                let portion = portions
                    .lock()
                    .ok()
                    .and_then(|mut portions| portions.next());
                let Some(portion) = portion else {
                    return Ok(refreshed);
                };
                deadline.check().map_err(Stop::Deadline)?;
                for directory in portion {
                    refreshed |= directory.check(&root, trust, deadline)?;
                }
            }
        };
        let results = std::thread::scope(|scope| {
            let others: Vec<_> = (1..THREADS).map(|_| scope.spawn(worker)).collect();
            let mut results = vec![worker()];
            let panicked = || Err(Stop::Damaged("the check itself failed".to_owned()));
            results.extend(
                others
                    .into_iter()
                    .map(|other| other.join().unwrap_or_else(|_| panicked())),
            );
            results
        });
        let mut refreshed = trust == Trust::Digest;
        for result in results {
            match result {
                Ok(some) => refreshed |= some,
                Err(Stop::Deadline(passed)) => return Err(passed),
                Err(Stop::Damaged(damage)) => return Ok(Condition::Damaged(damage)),
            }
        }
        if !refreshed {
            return Ok(Condition::Whole);
        }
        self.boot = boot.to_owned().into();
        Ok(Condition::Refreshed)
    }
}

/// What counts as proof that a file is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    SizeAndMode,
    SizeModeAndTime,
    Digest,
}

/// Why a check ended early.
#[derive(Debug)]
enum Stop {
    Damaged(String),
    Deadline(DeadlinePassed),
}

impl Directory<'_> {
    /// Checks the files and links of one directory; true when a record was brought up to date.
    fn check(&mut self, root: &OwnedFd, trust: Trust, deadline: Deadline) -> Result<bool, Stop> {
        let damaged = |name: &str, what: &str| {
            let slash = if self.path.is_empty() { "" } else { "/" };
            Stop::Damaged(format!("`{}{slash}{name}` {what}", self.path))
        };
        let missing = |name: &str, error: rustix::io::Errno| {
            damaged(name, &format!("cannot be read: {error}"))
        };
        // Names are looked up in an open directory: a short path costs half of what a long one does.
        let opened;
        let directory = if self.path.is_empty() {
            root
        } else {
            opened = open_directory(root, Path::new(self.path.as_ref()))
                .map_err(|error| missing("", error))?;
            &opened
        };
        for (name, target) in &self.links {
            let present = rustix::fs::readlinkat(directory, name.as_ref(), Vec::new());
            match present {
                Ok(present) if present.as_bytes() == target.as_bytes() => {}
                Ok(_) => return Err(damaged(name, "points elsewhere")),
                Err(error) => return Err(missing(name, error)),
            }
        }
        let mut refreshed = false;
        for FileRecord(name, size, mode, modified, sha256) in &mut self.files {
            let stat = rustix::fs::statat(directory, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| missing(name, error))?;
            let present_mode = stat.st_mode & 0o7777;
            let present_modified = nanoseconds(stat.st_mtime, stat.st_mtime_nsec);
            if rustix::fs::FileType::from_raw_mode(stat.st_mode)
                != rustix::fs::FileType::RegularFile
            {
                return Err(damaged(name, "is not a file any more"));
            }
            if u64::try_from(stat.st_size) != Ok(*size) {
                return Err(damaged(name, "has another size"));
            }
            // Image builders widen permissions (`chmod -R 775`); what must not happen is that the
            // owner loses one, or that a set-user-ID bit appears.
            if *mode & 0o500 & !present_mode != 0 || present_mode & 0o7000 != 0 {
                return Err(damaged(name, "has another mode"));
            }
            let as_recorded = match trust {
                Trust::SizeAndMode => true,
                Trust::SizeModeAndTime => present_mode == *mode && present_modified == *modified,
                Trust::Digest => false,
            };
            if as_recorded {
                continue;
            }
            deadline.check().map_err(Stop::Deadline)?;
            let hashed = digest_at(directory, name)
                .map_err(|error| damaged(name, &format!("cannot be read: {error}")))?;
            if hashed.hex() != *sha256 {
                return Err(damaged(name, "has other contents"));
            }
            (*mode, *modified, refreshed) = (present_mode, present_modified, true);
        }
        Ok(refreshed)
    }
}

fn open_directory(at: impl std::os::fd::AsFd, path: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(at, path, flags, Mode::empty())
}

fn digest_at(directory: &OwnedFd, name: &str) -> io::Result<Digest> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(directory, name, flags, Mode::empty())?);
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.read_all(file)?;
    Ok(hasher.finish())
}
