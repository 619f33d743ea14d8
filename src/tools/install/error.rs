//! Why a tool could not be put in place.

use std::path::PathBuf;

use crate::deadline::DeadlinePassed;
use crate::fault::Fault;
use crate::tools::npm;
use crate::{archive, elf, files, http, program};

/// Why a tool could not be put in place.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its archive is malformed, hostile or too large, or could not be written out.
    #[error(transparent)]
    Archive(archive::Error),
    /// The deadline came first.
    #[error(transparent)]
    Deadline(DeadlinePassed),
    /// A program of it is not one for this machine.
    #[error(transparent)]
    Elf(elf::Error),
    /// Its bytes could not be had.
    #[error(transparent)]
    Fetch(http::Error),
    /// A file could not be written.
    #[error(transparent)]
    File(files::Error),
    /// The prefix is held by another process.
    #[error(transparent)]
    Lock(files::LockError),
    /// A tool that it needs is not there.
    #[error("it needs `{needed}`, which could not be put in place")]
    Needs {
        /// The other tool.
        needed: String,
        /// On which side that failure is: what is to be done about it is to be done about this.
        fault: Fault,
    },
    /// A tool that it needs is too old.
    #[error("it needs `{needed}` {at_least} or newer, and {version} is what is there")]
    NeedsNewer {
        /// The other tool.
        needed: String,
        /// The oldest version that will do.
        at_least: String,
        /// The version that is there.
        version: String,
        /// On which side it is that no newer one could be had.
        fault: Fault,
    },
    /// The prefix is on a file system from which nothing can be run.
    #[error("`{}` is on a file system that is mounted noexec: nothing can be run from it", path.display())]
    NoExec {
        /// The prefix.
        path: PathBuf,
    },
    /// The artifact does not hold a program that it should.
    #[error("its artifact has no program `{name}` at `{path}`")]
    NoProgram {
        /// The program.
        name: String,
        /// Where it should be in the tree.
        path: String,
    },
    /// There is nowhere to download from.
    #[error("there is no mirror to download from, and the vendor's address may not be used")]
    NoSource,
    /// Its packages could not be had.
    #[error(transparent)]
    Npm(npm::Error),
    /// A thread of ours ended by a bug.
    #[error("the installation of this tool ended by a fault in bootstrap itself")]
    Panicked,
    /// It does not run here.
    #[error("{}", untried(.0))]
    Program(#[source] program::Error),
    /// No registry was given, and npm names none.
    #[error("npm did not say which registry its packages come from")]
    Registry(#[source] program::Error),
    /// There is not enough room for it.
    #[error(transparent)]
    Room(files::Shortage),
    /// It runs, and is not what it should be.
    #[error("`{command}` did not print `{expected}`: {output}")]
    Unexpected {
        /// What was run.
        command: String,
        /// What it should have printed.
        expected: String,
        /// The first line that it printed.
        output: String,
    },
}

impl Error {
    /// The side that the failure is on.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Archive(archive::Error::Refused { .. } | archive::Error::TooLarge { .. }) => {
                Fault::Untrusted
            }
            Self::Fetch(error) => match error.kind() {
                http::Kind::Untrusted => Fault::Untrusted,
                http::Kind::Remote | http::Kind::Deadline | http::Kind::Offline => Fault::Remote,
                http::Kind::Local => Fault::Local,
            },
            Self::Archive(archive::Error::Deadline(_))
            | Self::Deadline(_)
            | Self::Lock(files::LockError::Held { .. })
            | Self::Program(program::Error::Deadline { .. })
            | Self::Registry(program::Error::Deadline { .. }) => Fault::Remote,
            Self::Needs { fault, .. } | Self::NeedsNewer { fault, .. } => *fault,
            Self::NoSource | Self::Npm(_) => Fault::Usage,
            // The digest was right, so the pin itself names the wrong artifact.
            Self::NoProgram { .. } | Self::Elf(_) | Self::Unexpected { .. } => Fault::Input,
            Self::Archive(archive::Error::Io { .. })
            | Self::File(_)
            | Self::Lock(files::LockError::File(_))
            | Self::NoExec { .. }
            | Self::Panicked
            | Self::Program(_)
            | Self::Registry(_)
            | Self::Room(_) => Fault::Local,
        }
    }

    /// The requests that were made in vain.
    pub fn attempts(&self) -> u32 {
        match self {
            Self::Fetch(http::Error::Unavailable { tried, .. }) => {
                tried.iter().map(|tried| tried.attempts).sum()
            }
            _ => 0,
        }
    }

    /// The next step.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Archive(archive::Error::Io { source, .. }) => return io_hint(source),
            Self::Archive(archive::Error::Refused { .. } | archive::Error::TooLarge { .. }) => {
                "its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of \
                 it was put on PATH"
            }
            Self::Fetch(error) => {
                let is_late = error.kind() == http::Kind::Deadline;
                let hint = error.hint().or(is_late.then_some(MORE_TIME));
                return hint.map(str::to_owned);
            }
            Self::Npm(error) => return error.hint(),
            Self::Archive(archive::Error::Deadline(_))
            | Self::Deadline(_)
            | Self::Program(program::Error::Deadline { .. }) => MORE_TIME,
            Self::Elf(_) | Self::Unexpected { .. } | Self::NoProgram { .. } => {
                "the digest is the pinned one, so the pin names the wrong file: correct the lock"
            }
            Self::File(error) | Self::Lock(files::LockError::File(error)) => {
                return io_hint(&error.source);
            }
            Self::Lock(_) => {
                "another run is installing into the same prefix: wait for it, or use another --prefix"
            }
            Self::Needs { .. } | Self::NeedsNewer { .. } => "see what is said of that tool above",
            Self::NoExec { .. } => {
                "set --prefix (BOOTSTRAP_PREFIX) to a directory on another volume"
            }
            Self::NoSource => "give a --mirror, or leave --no-origin out",
            Self::Panicked => "this is a bug: please report it with the output above",
            Self::Program(program::Error::Interpreter { .. }) => {
                "use an image that is built on glibc, such as UBI or Debian: this tool does not run on musl"
            }
            Self::Program(_) => {
                "nothing of it was put on PATH; to see more, unpack its artifact by hand and run the same command"
            }
            Self::Registry(_) => {
                "set --npm-registry (BOOTSTRAP_NPM_REGISTRY), and npm is not asked"
            }
            Self::Room(_) => {
                "give the volume at the prefix more room, or set --prefix, or leave out what is not \
                              needed with --slim"
            }
        };
        Some(hint.to_owned())
    }
}

/// A program that was too slow may run well all the same.
const fn untried(error: &program::Error) -> &'static str {
    match error {
        program::Error::Deadline { .. } => "it could not be tried out in time",
        _ => "it does not run here",
    }
}

/// The next step when the deadline came first.
const MORE_TIME: &str = "give it more time with --deadline (BOOTSTRAP_DEADLINE), or a mirror that is nearer; what \
                         was downloaded is kept, and the next run goes on from there";

/// The next step for a file that could not be written.
fn io_hint(error: &std::io::Error) -> Option<String> {
    use std::io::ErrorKind::{
        AlreadyExists, IsADirectory, NotADirectory, PermissionDenied, ReadOnlyFilesystem,
        StorageFull,
    };
    let hint = match error.kind() {
        NotADirectory | PermissionDenied | ReadOnlyFilesystem => {
            "set --prefix (BOOTSTRAP_PREFIX) to a directory that this user may write, such as an emptyDir volume"
        }
        StorageFull => "give the volume more room, or leave out what is not needed with --slim",
        AlreadyExists | IsADirectory => {
            "move what is there out of the way, or set another --prefix or --bin-dir"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}
