//! The cache of finished downloads, addressed by digest, and the proof that a file was checked.
//!
//! `<dir>/<alg>/<hex>` is a finished file; `<hex>.partial` is one under way, locked by the process
//! that writes it; `<hex>.partial.validator` says how to resume it; `<hex>.rejected` is the last
//! body that had another digest, kept for a look; `<dir>/unpinned-….partial` is a download that
//! nothing vouches for yet.

mod partial;
mod unpinned;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::digest::{Digest, Hasher};

pub use partial::{Claim, Partial};
pub use unpinned::Unpinned;

/// Where downloads are kept.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    /// The directory that new downloads go to; it is created when first needed.
    pub dir: PathBuf,
    /// Where they go when nothing can be written there, as to a cache that others fill.
    pub spare: Option<PathBuf>,
}

impl Cache {
    /// The cache in `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            spare: None,
        }
    }

    /// The cache that takes the place of this one where nothing can be written to it.
    pub fn spare(&self) -> Option<Self> {
        let spare = self.spare.as_ref().filter(|spare| **spare != self.dir);
        spare.map(Self::new)
    }

    /// Where the finished file of this digest is, or would be.
    pub fn path(&self, pin: &Digest) -> PathBuf {
        entry(&self.dir, pin, "")
    }

    /// The finished file of this digest, hashed again; `most` is the largest it can be, in bytes.
    ///
    /// A file that is there but cannot be used is told to `on_damage`, and passed over: it is
    /// replaced by the next download, in one rename, so that a good one written meanwhile by
    /// another process is never removed.
    pub fn find(&self, pin: &Digest, most: u64, on_damage: &dyn Fn(Damage)) -> Option<Verified> {
        let path = self.path(pin);
        match Verified::check(&path, pin, most) {
            Ok(Checked::Whole(file)) => return Some(file),
            Ok(_) => on_damage(Damage { path, source: None }),
            Err(error) if is_absent(&error) => {}
            Err(error) => on_damage(Damage {
                path,
                source: Some(error),
            }),
        }
        self.spare()?.find(pin, most, on_damage)
    }

    /// Tries once to become the only writer of this digest's file, of `most` bytes at most.
    pub fn claim(
        &self,
        pin: &Digest,
        most: u64,
        on_damage: &dyn Fn(Damage),
    ) -> Result<Claim, Error> {
        let path = self.path(pin);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).map_err(|source| Error::Unwritable {
                dir: dir.to_owned(),
                source,
            })?;
        }
        partial::claim(self, pin, path, most, on_damage)
    }
}

/// The path of one file of the entry of `pin`.
fn entry(dir: &Path, pin: &Digest, suffix: &str) -> PathBuf {
    let name = format!("{}{suffix}", pin.hex());
    dir.join(pin.algorithm().name()).join(name)
}

/// Whether the error only says that there is no such file.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// A finished file that cannot be used.
#[derive(Debug)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// Why it could not be read; none when it has another digest than its name says.
    pub source: Option<io::Error>,
}

/// An open file whose bytes were hashed and found to match a pinned digest.
///
/// What unpacks an archive takes this type alone, so that no byte can be parsed unchecked.
#[derive(Debug)]
pub struct Verified {
    file: File,
    path: PathBuf,
    digest: Digest,
    len: u64,
}

impl Verified {
    /// Opens `path`, hashes it, and returns it when its digest is `pin`; none when it is another.
    pub fn open(path: &Path, pin: &Digest) -> io::Result<Option<Self>> {
        Ok(match Self::check(path, pin, u64::MAX)? {
            Checked::Whole(file) => Some(file),
            Checked::Other(_) | Checked::TooLarge => None,
        })
    }

    /// Opens `path` and hashes it, unless it has more than `most` bytes: who may write to a shared
    /// directory should not keep its other users busy.
    pub fn check(path: &Path, pin: &Digest, most: u64) -> io::Result<Checked> {
        // A pipe would be waited for already while it is opened.
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
            .open(path)?;
        let metadata = file.metadata()?;
        // A pipe or a device could keep the hasher busy for ever.
        if !metadata.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        if metadata.len() > most {
            return Ok(Checked::TooLarge);
        }
        let mut hasher = Hasher::new(pin.algorithm());
        // What grows meanwhile has another digest too.
        let len = hasher.read_all((&file).take(most))?;
        let digest = hasher.finish();
        if digest != *pin {
            return Ok(Checked::Other(digest));
        }
        Ok(Checked::Whole(Self {
            file,
            path: path.to_owned(),
            digest,
            len,
        }))
    }

    /// The file; its cursor may be anywhere, so read it at offsets or rewind it.
    pub const fn file(&self) -> &File {
        &self.file
    }

    /// The bytes from the first to the last, whatever else reads the file meanwhile.
    pub const fn reader(&self) -> impl io::Read + '_ {
        Reader { file: self, at: 0 }
    }

    /// Where the file is, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The digest that the file was found to have.
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The length in bytes.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether the file has no bytes at all.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// A file that is read from its start to its end.
struct Reader<'a> {
    file: &'a Verified,
    at: u64,
}

impl io::Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// What a file turned out to be.
#[derive(Debug)]
pub enum Checked {
    /// The one that is pinned.
    Whole(Verified),
    /// One with this digest.
    Other(Digest),
    /// One that is too large to be the pinned one.
    TooLarge,
}

/// What can be wrong with the cache directory.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No file can be made there.
    #[error("cannot write to the cache directory {}", dir.display())]
    Unwritable {
        /// The directory.
        dir: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file under way could not be read or written; the disk may be full.
    #[error("cannot keep the download in {}", path.display())]
    File {
        /// The file under way.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin_of(bytes: &[u8]) -> Digest {
        let mut hasher = Hasher::new(crate::digest::Algorithm::Sha256);
        hasher.update(bytes);
        hasher.finish()
    }

    fn put(dir: &Path, pin: &Digest, bytes: &[u8]) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        io::Write::write_all(&mut file, bytes).unwrap();
        let path = entry(dir, pin, "");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(file.path(), path).unwrap();
    }

    fn panic_on_damage(Damage { path, .. }: Damage) {
        panic!("{}", path.display());
    }

    #[test]
    fn a_finished_file_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let pin = pin_of(b"tool");
        let cache = Cache::new(dir.path());
        assert!(cache.find(&pin, 4, &panic_on_damage).is_none());
        put(dir.path(), &pin, b"tool");
        assert_eq!(cache.find(&pin, 4, &panic_on_damage).unwrap().len(), 4);
    }

    #[test]
    fn a_file_that_was_altered_is_reported_and_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let pin = pin_of(b"tool");
        put(dir.path(), &pin, b"fool");
        let damaged = std::cell::RefCell::new(Vec::new());
        let cache = Cache::new(dir.path());
        let found = cache.find(&pin, 100, &|damage| damaged.borrow_mut().push(damage.path));
        assert!(found.is_none());
        assert_eq!(damaged.into_inner(), [cache.path(&pin)]);
    }

    #[test]
    fn a_directory_in_the_place_of_a_file_is_reported() {
        let dir = tempfile::tempdir().unwrap();
        let pin = pin_of(b"tool");
        let cache = Cache::new(dir.path());
        fs::create_dir_all(cache.path(&pin)).unwrap();
        let damaged = std::cell::Cell::new(0);
        let found = cache.find(&pin, 100, &|_| damaged.set(damaged.get() + 1));
        assert!(found.is_none());
        assert_eq!(damaged.get(), 1);
    }

    #[test]
    fn neither_a_pipe_nor_a_file_without_end_holds_anybody_up() {
        let dir = tempfile::tempdir().unwrap();
        let pin = pin_of(b"tool");
        let cache = Cache::new(dir.path());
        let path = cache.path(&pin);
        let damaged = std::cell::Cell::new(0);
        let passed_over = || {
            let found = cache.find(&pin, 4, &|_| damaged.set(damaged.get() + 1));
            assert!(found.is_none());
            fs::remove_file(&path).unwrap();
        };
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o644);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        passed_over();
        // Hashing this would take hours.
        put(dir.path(), &pin, b"tool");
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(1 << 43).unwrap();
        passed_over();
        assert_eq!(damaged.get(), 2);
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let cache = Cache::new(file.path().join("cache"));
        let error = cache
            .claim(&pin_of(b""), 100, &panic_on_damage)
            .unwrap_err();
        let expected = format!("the cache directory {}", file.path().display());
        assert!(error.to_string().contains(&expected), "{error}");
    }
}
