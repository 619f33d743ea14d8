//! What can be wrong with an archive, in the words that its user reads.

/// What makes an archive malformed or hostile.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Fault {
    /// The fault is that of one entry.
    #[error("entry `{}`: {fault}", name.escape_debug())]
    Entry {
        /// The name of the entry as the archive has it.
        name: String,
        /// What is wrong with it.
        fault: Box<Self>,
    },
    /// The name is empty.
    #[error("the name is empty")]
    EmptyName,
    /// The name, or one component of it, is longer than a file system takes.
    #[error("the name is too long")]
    LongName,
    /// The name starts at the root.
    #[error("the name is an absolute path")]
    AbsoluteName,
    /// The name has an empty, `.` or `..` component.
    #[error("the name has a component that is empty, `.` or `..`")]
    DotsInName,
    /// The name is not UTF-8.
    #[error("the name is not UTF-8")]
    NameNotUtf8,
    /// The name has a control character, NUL included.
    #[error("the name has a control character")]
    ControlInName,
    /// The name has a backslash, which some programs take for a separator.
    #[error("the name has a backslash")]
    BackslashInName,
    /// The name is not below the path that is dropped.
    #[error("it is not below `{0}`")]
    Outside(String),
    /// Another entry has the same path.
    #[error("the path occurs twice")]
    Duplicate,
    /// The path is a file here and a directory elsewhere.
    #[error("the path is both a file and a directory")]
    FileAndDirectory,
    /// The target of a symbolic link is absolute, leaves the tree, or might.
    #[error("the symbolic link leads out of the tree, to `{}`", .0.escape_debug())]
    LinkLeaves(String),
    /// Hard links are not taken: nobody ships them, and they make two names one file.
    #[error("it is a hard link")]
    HardLink,
    /// A device, a FIFO, a socket, or something unknown.
    #[error("it is neither a file, nor a directory, nor a symbolic link")]
    Special,
    /// A sparse file: its size on disk is not what the archive holds.
    #[error("it is a sparse file")]
    Sparse,
    /// A directory or link has content, or a link none.
    #[error("the size does not fit what it is")]
    SizeOfKind,
    /// The entry is encrypted.
    #[error("it is encrypted")]
    Encrypted,
    /// The compression method is neither stored nor deflate.
    #[error("compression method {0} is not supported")]
    Method(u16),
    /// A general purpose flag that changes the meaning of the data (APPNOTE.TXT 4.4.4).
    #[error("general purpose flags {0:#06x} are not supported")]
    Flags(u16),
    /// The local header says other than the central directory (APPNOTE.TXT 4.3.7, 4.3.12).
    #[error("the local header has another {0} than the central directory")]
    HeadersDiffer(&'static str),
    /// The content is longer or shorter than stated.
    #[error("the content does not have the stated size")]
    Size,
    /// The content does not have the stated CRC-32.
    #[error("the content does not have the stated checksum")]
    Checksum,
    /// The deflate stream (RFC 1951) is broken.
    #[error("the compressed data is corrupt")]
    Deflate,
    /// The archive ends in the middle of the entry.
    #[error("the archive ends in the middle of it")]
    Truncated,
    /// The entries do not cover the file from its first byte to the central directory, each byte
    /// once: overlapping entries, or hidden data before, between or after them.
    #[error("the entries overlap, or there are bytes that belong to none")]
    Layout,
    /// The central directory has another number of entries than the end record says.
    #[error("it has {found} entries and says {stated}")]
    Count {
        /// The number in the end of central directory record.
        stated: u64,
        /// The number of entries found.
        found: u64,
    },
    /// The archive goes on after its end.
    #[error("there is data after the end of the archive")]
    Trailing,
    /// The tar archive has no end-of-archive blocks (POSIX pax, ustar Interchange Format).
    #[error("the end of the archive is missing")]
    NoEnd,
    /// A global pax header that changes all entries after it.
    #[error("a global pax header sets `{0}`")]
    GlobalHeader(String),
    /// The headers of one tar entry are longer than any real ones.
    #[error("the headers of an entry are too long")]
    LongHeaders,
    /// The zip structures cannot be read.
    #[error("the zip structure is broken: {0}")]
    Zip(String),
    /// The tar structures cannot be read.
    #[error("the tar structure is broken: {0}")]
    Tar(String),
    /// The gzip stream is broken, truncated, or has the wrong checksum or length.
    #[error("the gzip stream is broken: {0}")]
    Gzip(String),
    /// The file changed after it was verified.
    #[error("the file is no longer the one that was verified")]
    Changed,
}

impl Fault {
    /// The fault as one of the entry with this name.
    pub(super) fn of(self, name: impl AsRef<[u8]>) -> Self {
        Self::Entry {
            name: String::from_utf8_lossy(name.as_ref()).into_owned(),
            fault: Box::new(self),
        }
    }
}
