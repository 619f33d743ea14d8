//! Packs files into a tar, and the tree of a tool into a tar.gz: the same content gives the same bytes.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

use crate::archive::{Entry, Error, Kind};
use crate::deadline::Deadline;
use crate::digest::Digest;

/// The default of zlib and gzip.
const LEVEL: u32 = 6;

/// A tar (POSIX ustar, with GNU long names where they are needed) of files that belong to user and
/// group 0 and all have one time.
pub struct TarWriter<W: Write> {
    builder: tar::Builder<W>,
    modified: u64,
}

impl<W: Write> TarWriter<W> {
    /// A tar whose files were last changed at `modified`, in seconds since 1970.
    pub fn new(to: W, modified: u64) -> Self {
        Self {
            builder: tar::Builder::new(to),
            modified,
        }
    }

    /// Adds a directory.
    pub fn directory(&mut self, name: &str) -> io::Result<()> {
        let mut header = self.header(EntryType::Directory, 0o755, 0);
        let name = format!("{name}/");
        self.builder.append_data(&mut header, name, io::empty())
    }

    /// Adds a file of `size` bytes; content of another length is an error.
    pub fn file(
        &mut self,
        name: &str,
        mode: u32,
        size: u64,
        content: &mut dyn Read,
    ) -> io::Result<()> {
        let mut header = self.header(EntryType::Regular, mode, size);
        // One byte more shows that there is more.
        let mut counted = Counted {
            reader: content.take(size.saturating_add(1)),
            count: 0,
        };
        self.builder.append_data(&mut header, name, &mut counted)?;
        if counted.count != size {
            let why = "its length changed meanwhile";
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        Ok(())
    }

    /// Adds a symbolic link.
    pub fn symlink(&mut self, name: &str, target: &str) -> io::Result<()> {
        let mut header = self.header(EntryType::Symlink, 0o777, 0);
        self.builder.append_link(&mut header, name, target)
    }

    /// Writes the end of the archive.
    pub fn finish(self) -> io::Result<W> {
        self.builder.into_inner()
    }

    fn header(&self, kind: EntryType, mode: u32, size: u64) -> Header {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_mtime(self.modified);
        header.set_uid(0);
        header.set_gid(0);
        header
    }
}

/// Packs these entries of the tree at `root`, in the order of their paths, into the file `to`, which
/// is at `path`; returns the digest and the length of the tar.gz.
///
/// Modes are 0755 for what its owner may run and 0644 for all else, so that the umask under which the
/// tree was written makes no difference; what only its owner may run, all may. A file that is no longer what `entries` says is an error.
pub fn pack(
    root: &Path,
    entries: &[Entry],
    to: &File,
    path: &Path,
    deadline: Deadline,
) -> Result<(Digest, u64), Error> {
    let failed = |source| Error::Io {
        action: "pack",
        path: path.to_owned(),
        source,
    };
    let hashed = Hashed {
        inner: io::BufWriter::new(to),
        sha256: Sha256::new(),
        count: 0,
    };
    let mut tar = TarWriter::new(GzEncoder::new(hashed, Compression::new(LEVEL)), 0);
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    for entry in sorted {
        deadline.check()?;
        let added = match &entry.kind {
            Kind::Symlink { target } => tar.symlink(&entry.path, target),
            Kind::File {
                size, mode, sha256, ..
            } => {
                let mode = if mode & 0o100 == 0 { 0o644 } else { 0o755 };
                let file = root.join(&entry.path);
                add_file(&mut tar, &entry.path, &file, mode, *size, *sha256)
            }
        };
        added.map_err(failed)?;
    }
    let finished = tar.finish().and_then(GzEncoder::finish);
    let mut hashed = finished.map_err(failed)?;
    hashed.inner.flush().map_err(failed)?;
    let digest = Digest::sha256(hashed.sha256.finalize().into());
    Ok((digest, hashed.count))
}

fn add_file<W: Write>(
    tar: &mut TarWriter<W>,
    name: &str,
    path: &Path,
    mode: u32,
    size: u64,
    sha256: [u8; 32],
) -> io::Result<()> {
    let about = |error: io::Error| io::Error::new(error.kind(), format!("`{name}`: {error}"));
    let mut content = HashedReader {
        reader: File::open(path).map_err(about)?,
        sha256: Sha256::new(),
    };
    tar.file(name, mode, size, &mut content)?;
    if content.sha256.finalize()[..] != sha256 {
        return Err(about(io::Error::other("it was changed meanwhile")));
    }
    Ok(())
}

/// Counts what is read.
struct Counted<R> {
    reader: R,
    count: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}

/// Hashes what is read.
struct HashedReader<R> {
    reader: R,
    sha256: Sha256,
}

impl<R: Read> Read for HashedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.sha256.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// Hashes and counts what is written.
struct Hashed<W> {
    inner: W,
    sha256: Sha256,
    count: u64,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.sha256.update(bytes.get(..count).unwrap_or_default());
        self.count += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
