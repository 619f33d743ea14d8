//! A download under way: one writer at a time, hashed as it grows, resumable after a crash.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::{Cache, Damage, Error, Verified, entry};
use crate::digest::{Digest, Hasher};

/// Below this size a second request costs less than the record that lets it resume.
const WORTH_RESUMING: u64 = 1024 * 1024;

/// A validator is one header value; what is longer is not one that we wrote.
const LONGEST_VALIDATOR: u64 = 1024;

/// What became of the wish to write a digest's file.
#[derive(Debug)]
pub enum Claim {
    /// Another process had finished it meanwhile.
    Finished(Verified),
    /// It is ours to write.
    Ours(Box<Partial>),
    /// Another process, or thread, is writing this file.
    Busy(PathBuf),
}

/// A file under way that nobody else writes.
///
/// When it is dropped unfinished, what can be resumed stays and the rest is removed.
pub struct Partial {
    file: File,
    path: PathBuf,
    finished: PathBuf,
    rejected: PathBuf,
    sidecar: PathBuf,
    pin: Digest,
    hasher: Hasher,
    len: u64,
    validator: Option<String>,
    /// Whether a later process can find it: false where the file system has no locks.
    shared: bool,
    gone: bool,
}

/// Tries once; see [`Cache::claim`].
pub(super) fn claim(
    cache: &Cache,
    pin: &Digest,
    finished: PathBuf,
    most: u64,
    on_damage: &dyn Fn(Damage),
) -> Result<Claim, Error> {
    let path = entry(&cache.dir, pin, ".partial");
    // The loop ends with the first lock on the file that still has the name: each further round
    // means that another process finished, or gave up, within the last microseconds.
    loop {
        let file = match open_partial(&path, false) {
            Ok(file) if file.metadata().is_ok_and(|metadata| metadata.is_file()) => file,
            // Another user's, a link or a pipe: it may be neither written nor followed.
            Ok(_) => return private(cache, pin, finished).map(Claim::Ours),
            Err(_) if path.symlink_metadata().is_ok() => {
                return private(cache, pin, finished).map(Claim::Ours);
            }
            Err(source) => return Err(unwritable(&finished, source)),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Claim::Busy(path)),
            Err(TryLockError::Error(error)) if is_without_locks(&error) => {
                return private(cache, pin, finished).map(Claim::Ours);
            }
            Err(TryLockError::Error(source)) => return Err(Error::File { path, source }),
        }
        if !is_same_file(&file, &path) {
            continue;
        }
        let mut partial = Partial::new(cache, pin, file, path, finished, true);
        // Whoever held the lock before may have finished. An empty file of ours goes away again
        // with the drop, while it is still locked.
        if let Some(found) = cache.find(pin, most, on_damage) {
            return Ok(Claim::Finished(found));
        }
        partial.recover(most)?;
        return Ok(Claim::Ours(Box::new(partial)));
    }
}

/// A file of our own name, where the shared one cannot be had.
fn private(cache: &Cache, pin: &Digest, finished: PathBuf) -> Result<Box<Partial>, Error> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let suffix = format!(".{}-{number}.partial", std::process::id());
        let path = entry(&cache.dir, pin, &suffix);
        match open_partial(&path, true) {
            Ok(file) => {
                let partial = Partial::new(cache, pin, file, path, finished, false);
                return Ok(Box::new(partial));
            }
            // Process numbers repeat between the containers that share a cache.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(unwritable(&finished, source)),
        }
    }
}

impl Partial {
    fn new(
        cache: &Cache,
        pin: &Digest,
        file: File,
        path: PathBuf,
        finished: PathBuf,
        shared: bool,
    ) -> Self {
        Self {
            file,
            path,
            finished,
            rejected: entry(&cache.dir, pin, ".rejected"),
            sidecar: entry(&cache.dir, pin, ".partial.validator"),
            pin: pin.clone(),
            hasher: Hasher::new(pin.algorithm()),
            len: 0,
            validator: None,
            shared,
            gone: false,
        }
    }

    /// The number of bytes that are there.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether no byte is there.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The `If-Range` value under which the bytes that are there may be added to.
    pub fn validator(&self) -> Option<&str> {
        self.validator.as_deref()
    }

    /// Whether the bytes that are there have the pinned digest.
    pub fn is_whole(&self) -> bool {
        self.hasher.clone().finish() == self.pin
    }

    /// The digest of the bytes that are there.
    pub fn digest(&self) -> Digest {
        self.hasher.clone().finish()
    }

    /// Drops all bytes and begins a body whose validator is `validator` and whose length is
    /// `expected`, where known.
    pub fn restart(
        &mut self,
        validator: Option<String>,
        expected: Option<u64>,
    ) -> Result<(), Error> {
        // The old validator goes first: without one, no run ever adds to the bytes.
        remove_if_there(&self.sidecar).map_err(|source| self.failed(source))?;
        self.file.set_len(0).map_err(|source| self.failed(source))?;
        self.hasher = Hasher::new(self.pin.algorithm());
        self.len = 0;
        self.validator = validator;
        let worth = expected.is_none_or(|length| length >= WORTH_RESUMING);
        if let Some(validator) = &self.validator
            && self.shared
            && worth
        {
            write_new(&self.sidecar, validator.as_bytes()).map_err(|source| self.failed(source))?;
        }
        Ok(())
    }

    /// Adds bytes at the end.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if let Err(source) = self.file.write_all(bytes) {
            // A full disk is given back what we took from it.
            self.validator = None;
            return Err(self.failed(source));
        }
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// The first bytes, for a look at what it is that came.
    pub fn head(&self) -> Vec<u8> {
        let mut buffer = vec![0; 1024];
        let count = self.file.read_at(&mut buffer, 0).unwrap_or(0);
        buffer.truncate(count);
        buffer
    }

    /// Puts the finished file in its place; only for bytes that are whole.
    pub fn finish(mut self) -> Result<Verified, Error> {
        match fs::rename(&self.path, &self.finished) {
            Ok(()) => self.gone = true,
            // What another user has put there, damaged, stays in a directory with the sticky bit; and
            // so does a directory.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::IsADirectory
                ) =>
            {
                return self.without_name();
            }
            Err(source) => return Err(self.failed(source)),
        }
        // The validator of a file that is no more would only puzzle a reader.
        let _ = remove_if_there(&self.sidecar);
        // The next process may go on; it will find that the name is another file's.
        let _ = self.file.unlock();
        // Read-only from here on: a program cannot be run while it is open for writing.
        let file = File::open(&self.finished).map_err(|source| self.failed(source))?;
        if is_same(&file, &self.file) {
            return Ok(Verified {
                file,
                path: self.finished.clone(),
                digest: self.pin.clone(),
                len: self.len,
            });
        }
        // Without locks, another process may have put its own copy there meanwhile.
        let found = Verified::open(&self.finished, &self.pin);
        found
            .and_then(|found| found.ok_or_else(|| io::Error::other("it was replaced meanwhile")))
            .map_err(|source| self.failed(source))
    }

    /// The finished file where its name is taken: it is read as long as it is open, and then gone.
    fn without_name(mut self) -> Result<Verified, Error> {
        let file = File::open(&self.path).map_err(|source| self.failed(source))?;
        if !is_same(&file, &self.file) {
            return Err(self.failed(io::Error::other("it was replaced meanwhile")));
        }
        // Nobody is to resume what is whole: the drop removes its name.
        self.validator = None;
        Ok(Verified {
            file,
            path: self.finished.clone(),
            digest: self.pin.clone(),
            len: self.len,
        })
    }

    /// Keeps the bytes aside, as the evidence of what a server sent, and returns where.
    ///
    /// Nothing can be added to them any more: claim the file again. None when that failed; then
    /// the file is still ours.
    pub fn reject(&mut self) -> Option<PathBuf> {
        fs::rename(&self.path, &self.rejected).ok()?;
        self.gone = true;
        let _ = remove_if_there(&self.sidecar);
        // Whoever waits, and that may be ourselves, finds that the name is free.
        let _ = self.file.unlock();
        Some(self.rejected.clone())
    }

    /// Takes in what an earlier process left behind, where it can be resumed.
    fn recover(&mut self, most: u64) -> Result<(), Error> {
        self.validator = read_validator(&self.sidecar);
        let length = self.file.metadata().map(|metadata| metadata.len());
        if length.map_err(|source| self.failed(source))? > most {
            self.validator = None;
        }
        if self.validator.is_some() {
            let read = self.hasher.read_all(&self.file);
            self.len = read.map_err(|source| self.failed(source))?;
        } else {
            self.file.set_len(0).map_err(|source| self.failed(source))?;
        }
        Ok(())
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::File {
            path: self.path.clone(),
            source,
        }
    }
}

impl fmt::Debug for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partial")
            .field("path", &self.path)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let is_resumable = self.shared && self.len > 0 && self.sidecar.exists();
        if self.gone || (is_resumable && self.validator.is_some()) {
            return;
        }
        // Still locked: nobody else can have begun to write to it.
        let _ = fs::remove_file(&self.path);
        if self.shared {
            let _ = remove_if_there(&self.sidecar);
        }
    }
}

/// Opens for reading too: `NFSv4` grants an exclusive lock to descriptors open for writing only,
/// and hashing what is there takes reading.
fn open_partial(path: &Path, new: bool) -> io::Result<File> {
    let no_follow = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(!new)
        .create_new(new)
        .mode(0o644)
        .custom_flags(no_follow)
        .open(path)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(path)?;
    file.write_all(bytes)
}

fn read_validator(path: &Path) -> Option<String> {
    let mut text = String::new();
    // A pipe would be waited for.
    let no_wait = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(no_wait)
        .open(path);
    let read = file.ok()?.take(LONGEST_VALIDATOR).read_to_string(&mut text);
    read.ok()?;
    let is_header_value = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    is_header_value.then_some(text)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether `path` still names this very file.
fn is_same_file(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(ours), Ok(named)) => ours.dev() == named.dev() && ours.ino() == named.ino(),
        _ => false,
    }
}

fn is_same(one: &File, other: &File) -> bool {
    match (one.metadata(), other.metadata()) {
        (Ok(one), Ok(other)) => one.dev() == other.dev() && one.ino() == other.ino(),
        _ => false,
    }
}

/// Whether the error says that this file system knows no locks.
fn is_without_locks(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    let without = [Errno::NOLCK, Errno::NOTSUP, Errno::OPNOTSUPP, Errno::NOSYS];
    errno.is_some_and(|errno| without.contains(&errno))
}

fn unwritable(finished: &Path, source: io::Error) -> Error {
    Error::Unwritable {
        dir: finished.parent().unwrap_or(finished).to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests;
