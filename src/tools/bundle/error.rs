//! Why a bundle could not be made.

use std::io::ErrorKind;
use std::path::PathBuf;

use super::{LOCK, ReadError};
use crate::archive;
use crate::deadline::DeadlinePassed;
use crate::fault::Fault;
use crate::files;
use crate::tools::names::ToolName;
use crate::tools::version::Version;
use crate::tools::{Release, install, lockfile, resolve};

/// Why a bundle could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that was checked had other bytes when it was copied.
    #[error("`{}` was changed while it was read", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The deadline came first.
    #[error(transparent)]
    Deadline(DeadlinePassed),
    /// The cache and the bundle are in one another.
    #[error("a bundle at `{}` and the cache `{}` would be in one another", path.display(), cache.display())]
    InCache {
        /// Where the bundle was to be.
        path: PathBuf,
        /// The cache.
        cache: PathBuf,
    },
    /// No tool of the ones that the packages need has npm.
    #[error("no registry was given, and {tool} needs no tool that has an npm to be asked")]
    NoRegistry {
        /// The tool.
        tool: ToolName,
    },
    /// Where the bundle is to be is not known.
    #[error("`{}` is not an absolute path", path.display())]
    NotAbsolute {
        /// Where it was to be.
        path: PathBuf,
    },
    /// The lock pins nothing.
    #[error("the lock pins no tool")]
    Nothing,
    /// The lock does not have it.
    #[error("the lock does not pin {tool}{}", needed_by.as_ref().map(|other| format!(", which {other} needs")).unwrap_or_default())]
    NotLocked {
        /// The tool.
        tool: ToolName,
        /// Who needs it; none: it was asked for.
        needed_by: Option<ToolName>,
    },
    /// Something else has the name.
    #[error("no bundle is made at `{}`: {why}", path.display())]
    Occupied {
        /// Where the bundle was to be.
        path: PathBuf,
        /// What is there.
        why: &'static str,
    },
    /// The lock has another version.
    #[error("{tool} {wanted} was asked for, and the lock pins {locked}")]
    OtherVersion {
        /// The tool.
        tool: ToolName,
        /// What was asked for.
        wanted: Version,
        /// What the lock has.
        locked: Version,
    },
    /// The bundle could not be written.
    #[error(transparent)]
    Output(files::Error),
    /// The artifact of an npm tool could not be written.
    #[error(transparent)]
    Pack(archive::Error),
    /// There is not enough room for the bundle.
    #[error(transparent)]
    Room(files::Shortage),
    /// The bundle that is there could not be looked at.
    #[error(transparent)]
    There(ReadError),
    /// An artifact could not be had.
    #[error("{tool} {version}{} cannot be put into the bundle", target.as_ref().map(|target| format!(" for {target}")).unwrap_or_default())]
    Tool {
        /// The tool.
        tool: ToolName,
        /// Its version.
        version: Version,
        /// The platform.
        target: Option<String>,
        /// Why.
        source: Box<install::Error>,
    },
    /// The lock does not have what it should.
    #[error(transparent)]
    Unresolved(resolve::Error),
    /// The lock of the bundle could not be put into words.
    #[error("the {LOCK} of the bundle cannot be written")]
    Unwritable(#[source] lockfile::Error),
}

impl Error {
    /// The error that something of this release could not be had.
    pub(super) fn of(release: &Release, target: Option<&str>, source: install::Error) -> Self {
        Self::Tool {
            tool: release.tool.clone(),
            version: release.version.clone(),
            target: target.map(str::to_owned),
            source: Box::new(source),
        }
    }

    /// The side that the failure is on.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Changed { .. } => Fault::Untrusted,
            Self::Deadline(_) => Fault::Remote,
            Self::There(error) => error.fault(),
            Self::Tool { source, .. } => source.fault(),
            Self::Unresolved(error) => error.fault(),
            Self::InCache { .. }
            | Self::NotAbsolute { .. }
            | Self::NoRegistry { .. }
            | Self::NotLocked { .. }
            | Self::Occupied { .. }
            | Self::OtherVersion { .. } => Fault::Usage,
            Self::Nothing => Fault::Input,
            Self::Output(_) | Self::Pack(_) | Self::Room(_) | Self::Unwritable(_) => Fault::Local,
        }
    }

    /// The next step.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Changed { .. } => {
                "somebody else writes there: run it again, with a --cache-dir of your own"
            }
            Self::Deadline(_) => {
                "give it more time with --deadline (BOOTSTRAP_DEADLINE); what was downloaded is kept"
            }
            Self::InCache { .. } => "choose another --output-path or another --cache-dir",
            Self::NoRegistry { .. } => "set --npm-registry (BOOTSTRAP_NPM_REGISTRY)",
            Self::Nothing => "pin some with `bootstrap lock`",
            Self::NotLocked { tool, .. } => {
                return Some(format!("add it with `bootstrap lock {tool}`"));
            }
            Self::Occupied { .. } => {
                "choose another --output-path, remove what is there, or let --replace take a bundle's place"
            }
            Self::OtherVersion { tool, wanted, .. } => {
                return Some(format!(
                    "change the pin with `bootstrap lock {tool}@{wanted}`"
                ));
            }
            Self::Output(error) => return io_hint(error.source.kind()),
            Self::Pack(archive::Error::Io { source, .. }) => return io_hint(source.kind()),
            Self::Room(_) => MORE_ROOM,
            Self::Tool { source, .. } => {
                return match source.as_ref() {
                    install::Error::Room(_) => Some(MORE_ROOM.to_owned()),
                    install::Error::Archive(archive::Error::Io { source, .. }) => {
                        io_hint(source.kind())
                    }
                    source => source.hint(),
                };
            }
            Self::Unresolved(error) => return error.hint(),
            Self::There(error) => return error.hint().map(str::to_owned),
            Self::NotAbsolute { .. } | Self::Pack(_) | Self::Unwritable(_) => return None,
        };
        Some(hint.to_owned())
    }
}

const MORE_ROOM: &str = "make room there, or choose another --output-path; an npm tool is unpacked beside it for \
                         a moment";

/// The next step for a file that could not be written.
fn io_hint(kind: ErrorKind) -> Option<String> {
    let hint = match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => MORE_ROOM,
        ErrorKind::NotADirectory | ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "choose an --output-path that this user may write"
        }
        ErrorKind::AlreadyExists | ErrorKind::DirectoryNotEmpty => {
            "move what is there out of the way, or choose another --output-path"
        }
        ErrorKind::CrossesDevices | ErrorKind::ResourceBusy => {
            "a mount point cannot be replaced: choose a directory below it"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}
