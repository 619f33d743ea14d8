//! Unpacks verified archives inside one directory, within limits, and says what it wrote.

use std::path::{Path, PathBuf};

use crate::cache::Verified;
use crate::deadline::{Deadline, DeadlinePassed};

mod fault;
mod gunzip;
mod look;
mod meter;
mod names;
mod pack;
mod package;
mod raw;
mod tar;
mod tree;
mod window;
mod zip;
mod zip_index;

pub use fault::Fault;
pub use look::{MemberKind, Piece, read_tar};
pub use pack::{TarWriter, pack};
pub use package::Package;
pub use tree::Tree;

/// How an artifact is packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// One file that is not packed at all, to be written with mode 0755.
    Raw {
        /// The path to write it to, relative to the target.
        name: String,
    },
    /// A zip file (PKWARE APPNOTE.TXT 6.3.10): stored and deflated entries, ZIP64.
    Zip,
    /// A tar archive (POSIX pax, ustar, GNU long names) in one gzip member (RFC 1952).
    TarGz,
}

/// How much an archive may unpack to. Counted on what is really there, never on what headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The number of files, links and directories, those that are only implied by a path included.
    pub entries: u64,
    /// The number of unpacked bytes.
    pub bytes: u64,
    /// The number of unpacked bytes for each byte of the archive file as a whole.
    ///
    /// Deflate cannot exceed 1032; what vendors ship is below 10.
    pub ratio: u64,
}

/// What to unpack, and with what means.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The leading path to drop, such as `aws`; `*` drops the first component whatever it is;
    /// an empty one drops nothing. A file outside it is refused.
    pub strip: &'a str,
    /// What to leave out, matched after [`strip`](Self::strip): paths in which `*` stands for
    /// anything but `/`; one that ends in `/` leaves out all that is below it.
    pub skip: &'a [String],
    /// How much may be unpacked.
    pub limits: Limits,
    /// The number of threads for a zip; 0 is one for each processor, four at most.
    pub threads: usize,
}

/// What an archive says that it holds, before it is unpacked: for the check of the free space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// The unpacked bytes; for a tar.gz an estimate, modulo 4 GiB (RFC 1952, ISIZE).
    pub bytes: u64,
    /// The number of entries, where the format tells.
    pub entries: Option<u64>,
}

/// A file or symbolic link that was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The path relative to the target, with `/` between its components.
    pub path: String,
    /// What it is.
    pub kind: Kind,
}

/// What an entry is, as it is on disk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A regular file.
    File {
        /// The length in bytes.
        size: u64,
        /// The permission bits.
        mode: u32,
        /// The time of the last change, in nanoseconds since 1970.
        modified: i64,
        /// The SHA-256 of the content.
        sha256: [u8; 32],
    },
    /// A symbolic link; its target stays inside the tree.
    Symlink {
        /// The target, relative to the directory of the link.
        target: String,
    },
}

/// Reads what an archive says that it unpacks to; a tar.gz does not tell what is left out of it.
pub fn measure(
    source: &Verified,
    format: &Format,
    options: &Options<'_>,
) -> Result<Contents, Error> {
    match format {
        Format::Raw { .. } => Ok(Contents {
            bytes: source.len(),
            entries: Some(1),
        }),
        Format::Zip => zip_index::measure(source, options),
        Format::TarGz => gunzip::measure(source),
    }
}

/// Unpacks `source` into the empty directory `into`; returns the entries in the order of their
/// paths.
///
/// `progress` is called, from any thread, with the number of bytes unpacked so far. On an error
/// the caller deletes the directory: what it holds is of no use.
pub fn unpack(
    source: &Verified,
    format: &Format,
    into: &Path,
    options: &Options<'_>,
    deadline: Deadline,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Entry>, Error> {
    let tree = Tree::open(into)?;
    let meter = meter::Meter::new(source, options.limits, deadline, progress);
    let mut entries = match format {
        Format::Raw { name } => raw::copy(source, name, &tree, &meter)?,
        Format::Zip => zip::unpack(source, &tree, options, &meter)?,
        Format::TarGz => tar::unpack(source, &tree, options, &meter)?,
    };
    entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

/// Why an archive could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The archive is malformed or hostile: no retry will mend it.
    #[error("{} is not an archive to trust", archive.display())]
    Refused {
        /// The archive file.
        archive: PathBuf,
        /// What is wrong with it, and with which entry.
        #[source]
        fault: Fault,
    },
    /// The archive unpacks to more than it may.
    #[error("{} unpacks to more than {limit} {unit}", archive.display())]
    TooLarge {
        /// The archive file.
        archive: PathBuf,
        /// The limit.
        limit: u64,
        /// What it is counted in.
        unit: &'static str,
    },
    /// A file could not be read, made or written; a full disk is `ErrorKind::StorageFull`.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The path it was tried on.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// The deadline passed first.
    #[error(transparent)]
    Deadline(#[from] DeadlinePassed),
}

#[cfg(test)]
mod tests;
