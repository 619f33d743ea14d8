//! Why an artifact could not be had, and what the caller should do about it.

use std::fmt;
use std::path::PathBuf;

use super::certificates;
use super::failure::Failure;
use crate::cache;
use crate::deadline::DeadlinePassed;
use crate::runtime::RuntimeError;

/// One source that was asked in vain.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The URL, as it may be shown.
    pub source: String,
    /// How often it was asked.
    pub attempts: u32,
    /// Why the last request failed; none when its turn never came.
    pub failure: Option<Failure>,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            None => write!(f, "{}: not asked", self.source),
            Some(failure) if self.attempts > 1 => {
                let attempts = self.attempts;
                write!(f, "{}: {failure} (asked {attempts} times)", self.source)
            }
            Some(failure) => write!(f, "{}: {failure}", self.source),
        }
    }
}

/// What a failure means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes came that are not the pinned ones, and no source gave others: never retry.
    Untrusted,
    /// The network or a server: try again later.
    Remote,
    /// The deadline came first: try again later.
    Deadline,
    /// This machine: the disk, a permission, a file that was named wrongly.
    Local,
    /// The network would be needed, and was ruled out.
    Offline,
}

/// Why an artifact could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No source gave it.
    #[error("{}", Summary(what, tried, deadline.as_ref()))]
    Unavailable {
        /// The artifact: its digest, or its URL where it has none.
        what: String,
        /// The sources, in order.
        tried: Vec<Tried>,
        /// The deadline, when it ended the tries.
        deadline: Option<DeadlinePassed>,
    },
    /// It would have to come over the network.
    #[error("{what} is not in the cache, and offline nothing is fetched from {}", sources.join(" or "))]
    Offline {
        /// The artifact.
        what: String,
        /// The URLs, as they may be shown.
        sources: Vec<String>,
    },
    /// It has no digest yet, so no cache can have it.
    #[error("{what} would have to be looked up, and offline nobody asks {}", sources.join(" or "))]
    Unasked {
        /// What was wanted.
        what: String,
        /// The URLs, as they may be shown.
        sources: Vec<String>,
    },
    /// Another process did not finish in time.
    #[error("another process holds {} and did not finish in time", path.display())]
    Locked {
        /// The locked file.
        path: PathBuf,
        /// The deadline.
        source: DeadlinePassed,
    },
    /// The cache cannot be used.
    #[error("cannot store {what}")]
    Cache {
        /// The artifact.
        what: String,
        /// What is wrong with the cache.
        source: cache::Error,
    },
    /// The trusted certificates cannot be read.
    #[error("cannot make a secure connection")]
    Certificates {
        /// Which file.
        source: certificates::Error,
    },
    /// The connections cannot be set up at all.
    #[error("cannot set up the network: {detail}")]
    Setup {
        /// What is wrong.
        detail: String,
    },
    /// There is no runtime.
    #[error("cannot use the network")]
    Runtime {
        /// Why.
        source: RuntimeError,
    },
}

impl Error {
    /// What the failure means for the caller.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Unavailable {
                tried, deadline, ..
            } => {
                let failures = || tried.iter().filter_map(|tried| tried.failure.as_ref());
                let is_local = |failure: &Failure| matches!(failure, Failure::File { .. });
                if failures().any(Failure::is_untrusted) {
                    Kind::Untrusted
                } else if deadline.is_some() {
                    Kind::Deadline
                } else if tried.is_empty() || failures().all(is_local) {
                    Kind::Local
                } else {
                    Kind::Remote
                }
            }
            Self::Offline { .. } | Self::Unasked { .. } => Kind::Offline,
            Self::Locked { .. } => Kind::Deadline,
            Self::Cache { .. }
            | Self::Certificates { .. }
            | Self::Setup { .. }
            | Self::Runtime { .. } => Kind::Local,
        }
    }

    /// Whether all servers said that there is no such thing.
    pub fn is_absent(&self) -> bool {
        let absent = |tried: &Tried| match &tried.failure {
            Some(Failure::Status { status, .. }) => matches!(status.0, 404 | 410),
            _ => false,
        };
        matches!(self, Self::Unavailable { tried, .. } if !tried.is_empty() && tried.iter().all(absent))
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unavailable { tried, .. } => {
                let failures = || tried.iter().filter_map(|tried| tried.failure.as_ref());
                let particular = failures().find_map(Failure::hint);
                particular.or_else(|| failures().find_map(Failure::general_hint))
            }
            Self::Offline { .. } => {
                Some("give a bundle as a file:// mirror, or fill the cache while online")
            }
            Self::Unasked { .. } => Some("look it up while online: the lock then has the digest"),
            Self::Cache { .. } => Some("choose another directory with --cache-dir, or make room"),
            Self::Certificates { .. } => Some(
                "correct --ca-bundle (BOOTSTRAP_CA_BUNDLE) or SSL_CERT_FILE, whichever names it",
            ),
            Self::Locked { .. } | Self::Setup { .. } | Self::Runtime { .. } => None,
        }
    }
}

/// One line for one source, a list for several.
struct Summary<'a>(&'a str, &'a [Tried], Option<&'a DeadlinePassed>);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(what, tried, deadline) = self;
        write!(f, "cannot fetch {what}")?;
        match tried {
            [] => f.write_str(": no source is given for it")?,
            [one] => write!(f, " from {one}")?,
            several => {
                f.write_str(" from any of its sources:")?;
                for tried in *several {
                    write!(f, "\n  {tried}")?;
                }
            }
        }
        match deadline {
            Some(deadline) if tried.len() > 1 => write!(f, "\n  {deadline}"),
            Some(deadline) => write!(f, "; {deadline}"),
            None => Ok(()),
        }
    }
}
