//! A directory in which files are made through handles, so that no link can lead a write out of it.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use crate::archive::meter::Meter;
use crate::archive::names::{base, parent};
use crate::archive::package::Scratch;
use crate::archive::{Error, Kind};

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
const NEW_FILE: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// A directory that archives are unpacked into; threads may share it.
#[derive(Debug)]
pub struct Tree {
    root: OwnedFd,
    path: PathBuf,
    /// The buffers of the packages that are not being unpacked at the moment.
    pub(super) scratch: std::sync::Mutex<Vec<Scratch>>,
}

impl Tree {
    /// Opens an existing directory.
    pub fn open(path: &Path) -> Result<Self, Error> {
        // The caller chose this path: links in it are followed.
        let flags = DIRECTORY.difference(OFlags::NOFOLLOW);
        let root = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|errno| failed("open", path, errno))?;
        Ok(Self {
            root,
            path: path.to_owned(),
            scratch: std::sync::Mutex::default(),
        })
    }

    /// A walk that begins in this directory.
    pub(super) fn walk(&self) -> Walk<'_> {
        Walk {
            tree: self,
            at: String::new(),
            open: Vec::new(),
        }
    }
}

/// Makes files and directories below a [`Tree`]. It holds the directories from the root to the
/// one used last, as the next file is mostly in the same one or near.
pub(super) struct Walk<'t> {
    tree: &'t Tree,
    at: String,
    /// The directories of `at`, each with the length of the path up to it.
    open: Vec<(usize, OwnedFd)>,
}

impl Walk<'_> {
    /// Enters a directory, making it and those above it where they are missing, with mode 0755
    /// less the umask. The path was checked before: it has no empty, `.` or `..` component.
    pub(super) fn enter(&mut self, directory: &str) -> Result<(), Error> {
        if self.at == directory {
            return Ok(());
        }
        while let Some((length, _)) = self.open.last() {
            let rest = directory.get(*length..).unwrap_or_default();
            if self.at.get(..*length) == directory.get(..*length)
                && (rest.is_empty() || rest.starts_with('/'))
            {
                break;
            }
            self.open.pop();
        }
        let mut length = self.open.last().map_or(0, |(length, _)| *length);
        self.at.truncate(length);
        let rest = directory.get(length..).unwrap_or_default();
        for component in rest.split('/').filter(|component| !component.is_empty()) {
            let handle = open_or_make(self.here(), component).map_err(|errno| {
                failed("make directory", &self.tree.path.join(directory), errno)
            })?;
            if length > 0 {
                self.at.push('/');
            }
            self.at.push_str(component);
            length = self.at.len();
            self.open.push((length, handle));
        }
        Ok(())
    }

    /// Makes a file that is not there yet; what the umask takes away from `mode` is taken away.
    pub(super) fn create(&mut self, path: &str, mode: u32) -> Result<NewFile, Error> {
        self.enter(parent(path))?;
        let mode = Mode::from_raw_mode(mode);
        let path_on_disk = || self.tree.path.join(path);
        let handle = rustix::fs::openat(self.here(), base(path), NEW_FILE, mode)
            .map_err(|errno| failed("make file", &path_on_disk(), errno))?;
        Ok(NewFile {
            file: handle.into(),
            path: path_on_disk(),
            sha256: Sha256::new(),
            size: 0,
        })
    }

    /// Makes a symbolic link that is not there yet.
    pub(super) fn symlink(&mut self, path: &str, target: &str) -> Result<(), Error> {
        self.enter(parent(path))?;
        rustix::fs::symlinkat(target, self.here(), base(path))
            .map_err(|errno| failed("make link", &self.tree.path.join(path), errno))
    }

    /// Removes a file.
    pub(super) fn remove(&mut self, path: &str) -> Result<(), Error> {
        self.enter(parent(path))?;
        rustix::fs::unlinkat(self.here(), base(path), AtFlags::empty())
            .map_err(|errno| failed("remove", &self.tree.path.join(path), errno))
    }

    fn here(&self) -> BorrowedFd<'_> {
        self.open
            .last()
            .map_or_else(|| self.tree.root.as_fd(), |(_, handle)| handle.as_fd())
    }
}

/// Never follows a link: one that somebody put there meanwhile makes this fail.
fn open_or_make(directory: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    match rustix::fs::openat(directory, name, DIRECTORY, Mode::empty()) {
        Err(Errno::NOENT) => {}
        done => return done,
    }
    match rustix::fs::mkdirat(directory, name, Mode::from_raw_mode(0o755)) {
        // Another thread was quicker.
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(errno),
    }
    rustix::fs::openat(directory, name, DIRECTORY, Mode::empty())
}

/// A file that is being written, hashed as it grows.
pub(super) struct NewFile {
    file: File,
    path: PathBuf,
    sha256: Sha256,
    size: u64,
}

impl NewFile {
    /// Hashes and writes the next bytes, after the meter has agreed.
    pub(super) fn write(&mut self, bytes: &[u8], meter: &Meter<'_>) -> Result<(), Error> {
        meter.add(bytes.len())?;
        self.sha256.update(bytes);
        self.write_copy(bytes)
    }

    /// Writes the next bytes of a file that is one of several with the same content: another one
    /// of them is hashed and counted.
    pub(super) fn write_copy(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.size += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|error| Error::Io {
            action: "write",
            path: self.path.clone(),
            source: error,
        })
    }

    /// The number of bytes written.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Closes the file and says what it became.
    pub(super) fn finish(mut self) -> Result<Kind, Error> {
        let sha256 = self.sha256.finalize_reset().into();
        self.finish_copy(sha256)
    }

    /// Closes a file whose content has this hash.
    pub(super) fn finish_copy(self, sha256: [u8; 32]) -> Result<Kind, Error> {
        let stat =
            rustix::fs::fstat(&self.file).map_err(|errno| failed("examine", &self.path, errno))?;
        Ok(Kind::File {
            size: self.size,
            mode: stat.st_mode & 0o7777,
            modified: nanoseconds(&stat),
            sha256,
        })
    }
}

#[expect(
    clippy::allow_attributes,
    reason = "the fields have other integer types on other platforms"
)]
#[allow(
    clippy::unnecessary_cast,
    clippy::cast_possible_wrap,
    reason = "as above"
)]
fn nanoseconds(stat: &rustix::fs::Stat) -> i64 {
    (stat.st_mtime as i64)
        .saturating_mul(1_000_000_000)
        .saturating_add(stat.st_mtime_nsec as i64)
}

fn failed(action: &'static str, path: &Path, errno: Errno) -> Error {
    Error::Io {
        action,
        path: path.to_owned(),
        source: io::Error::from(errno),
    }
}
