//! A download that nothing pins yet: it gets its name, the digest, when something vouches for it.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Cache, Error, entry};
use crate::digest::{Algorithm, Digest, Hasher};

/// A file under way of our own. When it is dropped without being kept, it is removed.
pub struct Unpinned {
    file: File,
    path: PathBuf,
    dir: PathBuf,
    hasher: Hasher,
    len: u64,
    gone: bool,
}

impl Cache {
    /// An empty file for a download without a pin.
    pub fn unpinned(&self) -> Result<Unpinned, Error> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let unwritable = |source| Error::Unwritable {
            dir: self.dir.clone(),
            source,
        };
        fs::create_dir_all(&self.dir).map_err(unwritable)?;
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let name = format!("unpinned-{}-{number}.partial", std::process::id());
            let path = self.dir.join(name);
            let opened = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o644)
                .open(&path);
            match opened {
                Ok(file) => {
                    return Ok(Unpinned {
                        file,
                        path,
                        dir: self.dir.clone(),
                        hasher: Hasher::new(Algorithm::Sha256),
                        len: 0,
                        gone: false,
                    });
                }
                // Process numbers repeat between the containers that share a cache.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(unwritable(source)),
            }
        }
    }
}

impl Unpinned {
    /// Adds bytes at the end.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.file.write_all(bytes);
        written.map_err(|source| self.failed(source))?;
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// The number of bytes that are there.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether no byte is there.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The SHA-256 of the bytes as they came.
    pub fn digest(&self) -> Digest {
        self.hasher.clone().finish()
    }

    /// Where the bytes are, for a look at them.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All of the bytes, as they are on the disk; none when they are no longer those that came.
    pub fn read(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let room = usize::try_from(self.len).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(room.saturating_add(1024));
        let read = self
            .file
            .rewind()
            .and_then(|()| (&self.file).take(self.len + 1).read_to_end(&mut bytes));
        read.map_err(|source| self.failed(source))?;
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(&bytes);
        Ok((hasher.finish() == self.digest()).then_some(bytes))
    }

    /// Puts the file where a download of its digest is looked for.
    pub fn keep(mut self) -> Result<(), Error> {
        self.rename("").map_err(|source| self.failed(source))?;
        Ok(())
    }

    /// Keeps the bytes aside, as the evidence of what a server sent, and returns where.
    pub fn reject(mut self) -> Option<PathBuf> {
        self.rename(".rejected").ok()
    }

    fn rename(&mut self, suffix: &str) -> io::Result<PathBuf> {
        let path = entry(&self.dir, &self.digest(), suffix);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::rename(&self.path, &path)?;
        self.gone = true;
        Ok(path)
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::File {
            path: self.path.clone(),
            source,
        }
    }
}

impl fmt::Debug for Unpinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unpinned")
            .field("path", &self.path)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

impl Drop for Unpinned {
    fn drop(&mut self) {
        if !self.gone {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_by_its_digest_and_what_is_not_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path().join("cache"));
        let mut kept = cache.unpinned().unwrap();
        kept.append(b"to").unwrap();
        kept.append(b"ol").unwrap();
        assert_eq!(kept.read().unwrap().as_deref(), Some(&b"tool"[..]));
        let pin = kept.digest();
        kept.keep().unwrap();
        let found = cache.find(&pin, 4, &|_| panic!("it is whole")).unwrap();
        assert_eq!(found.len(), 4);

        let mut dropped = cache.unpinned().unwrap();
        dropped.append(b"fool").unwrap();
        drop(dropped);
        let mut rejected = cache.unpinned().unwrap();
        rejected.append(b"evil").unwrap();
        let path = rejected.reject().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"evil");
        assert!(path.to_str().unwrap().ends_with(".rejected"));
        let names: Vec<_> = fs::read_dir(&cache.dir).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }

    #[test]
    fn bytes_that_were_altered_on_the_disk_are_not_those_that_came() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = Cache::new(dir.path()).unpinned().unwrap();
        file.append(b"tool").unwrap();
        let other = OpenOptions::new().write(true).open(file.path()).unwrap();
        (&other).write_all(b"f").unwrap();
        assert_eq!(file.read().unwrap(), None);
    }
}
