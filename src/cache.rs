//! The cache of finished downloads, addressed by digest, and the proof that a file was checked.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::digest::{Digest, Hasher};

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
        let file = File::open(path)?;
        let mut hasher = Hasher::new(pin.algorithm());
        let len = hasher.read_all(&file)?;
        let digest = hasher.finish();
        Ok((digest == *pin).then(|| Self {
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
