//! A bundle that is there: its lock, and which files it has.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{Form, LOCK, Row, create};
use crate::archive::{self, MemberKind, Piece};
use crate::deadline::{Deadline, DeadlinePassed};
use crate::fault::Fault;
use crate::files;
use crate::strict_yaml::Invalid;
use crate::tools::lockfile::{LockedSource, Lockfile};
use crate::tools::names::ToolName;

/// A bundle, opened.
#[derive(Debug)]
pub struct Bundle {
    path: PathBuf,
    form: Form,
    text: String,
    lockfile: Lockfile,
}

impl Bundle {
    /// Reads the lock of the bundle at `path`, a directory or a tar.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let unreadable = |source| ReadError::Unreadable(files::Error::new("read", path, source));
        let metadata = fs::metadata(path).map_err(unreadable)?;
        let (form, text) = if metadata.is_dir() {
            let lock = path.join(LOCK);
            match files::read_own(&lock) {
                Ok(text) => (Form::Directory, Some(text)),
                Err(error) if error.source.kind() == io::ErrorKind::NotFound => {
                    (Form::Directory, None)
                }
                Err(error) => return Err(ReadError::Unreadable(error)),
            }
        } else {
            (Form::Tar, lock_in_tar(path)?)
        };
        let Some(text) = text else {
            return Err(ReadError::NoLock {
                path: path.to_owned(),
            });
        };
        let lockfile = Lockfile::parse(&path.join(LOCK), &text)?;
        let mut tools = lockfile.tools.iter();
        let composed = |source: &LockedSource| matches!(source, LockedSource::Artifacts(_));
        if let Some((tool, _)) = tools.find(|(_, locked)| !composed(&locked.source)) {
            return Err(ReadError::Packages {
                path: path.join(LOCK),
                tool: tool.clone(),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            form,
            text,
            lockfile,
        })
    }

    /// The artifacts that it says it has, by tool and platform.
    pub fn list(&self) -> Vec<Row> {
        create::rows(&self.lockfile)
    }

    /// Its lock.
    pub(super) const fn lockfile(&self) -> &Lockfile {
        &self.lockfile
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A directory or a tar.
    pub const fn form(&self) -> Form {
        self.form
    }

    /// The text of its lock.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Opens a tar; what is no regular file is not waited for.
pub(super) fn open_tar(path: &Path) -> Result<File, ReadError> {
    let unreadable = |source| ReadError::Unreadable(files::Error::new("read", path, source));
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::other("it is not a regular file")));
    }
    File::open(path).map_err(unreadable)
}

/// The text of the lock in a tar, which may stand anywhere in it; the rest is looked at by `verify`.
fn lock_in_tar(path: &Path) -> Result<Option<String>, ReadError> {
    let file = open_tar(path)?;
    let (mut is_lock, mut lock, mut length) = (false, None::<Vec<u8>>, 0);
    let read = archive::read_tar(path, &file, Deadline::never(), &mut |piece| match piece {
        Piece::Member { name, kind, size } => {
            is_lock = kind == MemberKind::File && name == LOCK && lock.is_none();
            if is_lock {
                (lock, length) = (Some(Vec::new()), size);
            }
        }
        Piece::Bytes(bytes) => {
            if let Some(lock) = lock.as_mut().filter(|_| is_lock)
                && lock.len() as u64 <= files::MOST
            {
                lock.extend_from_slice(bytes);
            }
        }
    });
    let lock = match (lock, read) {
        (lock, Err(source))
            if lock
                .as_ref()
                .is_none_or(|lock| (lock.len() as u64) < length.min(files::MOST)) =>
        {
            return Err(ReadError::of_tar(path, source));
        }
        (Some(lock), _) => lock,
        (None, _) => return Ok(None),
    };
    let text = files::check_length(lock).and_then(|bytes| {
        String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    });
    let unreadable = |source| files::Error::new("read", &path.join(LOCK), source);
    text.map(Some)
        .map_err(|source| ReadError::Unreadable(unreadable(source)))
}

/// What is there is no bundle, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Its lock is none.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// There is no lock in it.
    #[error("`{}` is no bundle: it has no {LOCK}", path.display())]
    NoLock {
        /// The directory or tar.
        path: PathBuf,
    },
    /// It is neither a directory nor a tar.
    #[error("`{}` is neither a directory nor a tar, and so no bundle", path.display())]
    NoTar {
        /// The file.
        path: PathBuf,
        /// Why it is no tar.
        source: archive::Error,
    },
    /// Its lock is one that bundles are made from.
    #[error("{} pins {tool} by a package lock, and a bundle has one artifact of it", path.display())]
    Packages {
        /// The lock.
        path: PathBuf,
        /// The tool.
        tool: ToolName,
    },
    /// It could not be read in time.
    #[error(transparent)]
    Deadline(DeadlinePassed),
    /// It could not be read.
    #[error(transparent)]
    Unreadable(files::Error),
}

impl ReadError {
    /// The error that the tar at `path` could not be read to its end.
    pub(super) fn of_tar(path: &Path, source: archive::Error) -> Self {
        match source {
            archive::Error::Deadline(passed) => Self::Deadline(passed),
            archive::Error::Io { source, .. } => {
                Self::Unreadable(files::Error::new("read", path, source))
            }
            source => Self::NoTar {
                path: path.to_owned(),
                source,
            },
        }
    }

    /// The side that the failure is on.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Unreadable(error) if error.source.kind() == io::ErrorKind::NotFound => {
                Fault::Usage
            }
            Self::Deadline(_) => Fault::Remote,
            Self::Unreadable(error) if error.source.kind() != io::ErrorKind::InvalidData => {
                Fault::Local
            }
            Self::Invalid(_)
            | Self::NoLock { .. }
            | Self::NoTar { .. }
            | Self::Packages { .. }
            | Self::Unreadable(_) => Fault::Input,
        }
    }

    /// The next step.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Invalid(_) | Self::NoLock { .. } | Self::NoTar { .. } | Self::Packages { .. } => {
                Some("make it anew with `bootstrap bundle create`")
            }
            Self::Deadline(_) | Self::Unreadable(_) => None,
        }
    }
}
