//! Why a lock cannot be made.

use std::fmt;
use std::path::PathBuf;

use super::Ask;
use crate::digest::Digest;
use crate::fault::Fault;
use crate::files;
use crate::platform::Platform;
use crate::strict_yaml::Location;
use crate::tools::lockfile::{self, Target};
use crate::tools::names::ToolName;
use crate::tools::proof::witness;
use crate::tools::suggest::list;
use crate::tools::version::Version;
use crate::tools::{Need, catalog, lookup, package_lock, plausible};

/// What was asked for cannot be pinned.
#[derive(Debug)]
pub struct Error {
    /// Where it was asked for, or where the lock is wrong; none: on the command line.
    at: Option<Location>,
    /// Why not.
    problem: Box<Problem>,
}

impl Error {
    /// The side that the failure is on.
    pub fn fault(&self) -> Fault {
        let asked = match self.at {
            Some(_) => Fault::Input,
            None => Fault::Usage,
        };
        self.problem.fault(asked)
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        self.problem.hint()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = &self.at {
            write!(f, "{at}: ")?;
        }
        self.problem.fmt(f)
    }
}

impl std::error::Error for Error {
    /// The problem is in the message already, so this is what is behind it.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.problem)
    }
}

/// Why a tool cannot be pinned.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Nobody has heard of it.
    #[error("no tool is called {tool}")]
    UnknownTool {
        /// What was asked for.
        tool: ToolName,
        /// Names like it, the likest first.
        near: Vec<ToolName>,
    },
    /// Only the lock knows the tool, and only in another version.
    #[error("the catalog does not say where {tool} is published, so {version} cannot be looked up")]
    Unpublished {
        /// The tool.
        tool: ToolName,
        /// What was asked for.
        version: Version,
    },
    /// Nobody says how the tool is laid out.
    #[error("neither the catalog nor the lock says how {tool} is laid out")]
    Undescribed {
        /// The tool.
        tool: ToolName,
    },
    /// It is in this program.
    #[error("{tool}@builtin is this program itself: there is nothing to pin")]
    Builtin {
        /// The tool.
        tool: ToolName,
    },
    /// One tool, two versions.
    #[error("{first} and {second} exclude each other")]
    Twice {
        /// One.
        first: String,
        /// The other.
        second: String,
    },
    /// Its vendor names no newest version that could be pinned.
    #[error("the newest version of {tool} is not one that can be looked up")]
    NoLatest {
        /// The tool.
        tool: ToolName,
        /// The catalog's default.
        default: Option<Version>,
    },
    /// `--check` asks nobody.
    #[error("`latest` is looked up, and --check asks nobody")]
    LatestUnasked,
    /// The newest version could not be looked up.
    #[error("cannot look up the newest version of {tool}")]
    Latest {
        /// The tool.
        tool: ToolName,
        /// Why not.
        source: Box<lookup::Error>,
    },
    /// Its version is not one that can be pinned.
    #[error("{tool} {version} cannot be pinned: {why}")]
    OtherSeries {
        /// The tool.
        tool: ToolName,
        /// What was asked for.
        version: Version,
        /// Why not.
        why: String,
    },
    /// It takes a package lock.
    #[error("the catalog has no package lock for {tool} {version}")]
    NoPackageLock {
        /// The tool.
        tool: ToolName,
        /// What was asked for.
        version: Version,
    },
    /// It could not be looked up.
    #[error("cannot pin {tool} {version} for {platform}")]
    Lookup {
        /// The tool.
        tool: ToolName,
        /// The version.
        version: Version,
        /// The platform.
        platform: Platform,
        /// Why not.
        source: Box<lookup::Error>,
    },
    /// One version, two digests.
    #[error(
        "{}the lock pins {} {} for {} as {}, and {} says {}",
        At(.0.at.as_ref()), .0.tool, .0.version, .0.target, .0.pinned, witness(&.0.proof), .0.other
    )]
    Disagree(Box<Clash>),
    /// A file would take the place of bytes that are better known.
    #[error(
        "the file is {}, and {} says that {} {} for {} is {}",
        .0.other, witness(&.0.proof), .0.tool, .0.version, .0.target, .0.pinned
    )]
    Weaker(Box<Clash>),
    /// What the lock says of a proof does not hold.
    #[error(
        "{}the lock says `proof: {}` of {} {} for {}, and {}",
        At(.0.at.as_ref()), .0.proof, .0.tool, .0.version, .0.target, .0.why
    )]
    Unproven(Box<Doubt>),
    /// One file is pinned for two processors.
    #[error("{}the same bytes are pinned for all processors as {tool} {version}", At(at.as_ref()))]
    OneForAll {
        /// Where the lock says so.
        at: Option<Location>,
        /// The tool.
        tool: ToolName,
        /// Its version.
        version: Version,
    },
    /// A needed tool was asked for in a version that is too old.
    #[error("{tool} {version} needs {} {} or newer, and this would pin {found}", need.tool, need.at_least)]
    TooOld {
        /// The tool that has the need.
        tool: ToolName,
        /// Its version.
        version: Version,
        /// What it needs.
        need: Box<Need>,
        /// What it would get.
        found: Version,
    },
    /// What the lock has cannot be used.
    #[error("the lock's pin cannot be used")]
    Lock {
        /// Why.
        source: Box<lockfile::Error>,
    },
    /// It is not said which version a file is.
    #[error("it is not said which version of {tool} `{}` is", path.display())]
    WhichVersion {
        /// The tool.
        tool: ToolName,
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error(transparent)]
    Unreadable {
        /// Which, and why.
        source: files::Error,
    },
    /// A file is something else.
    #[error("the file cannot be pinned")]
    Implausible {
        /// What it is not.
        source: plausible::Error,
    },
    /// A package lock cannot be installed from.
    #[error("`{}` cannot be installed from", path.display())]
    PackageLock {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: package_lock::Error,
    },
    /// A package lock is of something else.
    #[error("`{}` has no {tool} that programs would find", path.display())]
    NotInPackageLock {
        /// The file.
        path: PathBuf,
        /// The tool.
        tool: ToolName,
    },
    /// A package lock is of another version.
    #[error("`{}` holds {tool} {found}, and {wanted} was asked for", path.display())]
    OtherInPackageLock {
        /// The file.
        path: PathBuf,
        /// The tool.
        tool: ToolName,
        /// What it has.
        found: Version,
        /// What was asked for.
        wanted: Version,
    },
    /// The catalog is broken.
    #[error("the catalog cannot be used")]
    Catalog {
        /// Why.
        source: catalog::Error,
    },
}

/// A proof that proves nothing.
#[derive(Debug)]
pub struct Doubt {
    /// Where the lock says so.
    pub at: Option<Location>,
    /// The tool.
    pub tool: ToolName,
    /// Its version.
    pub version: Version,
    /// The platform.
    pub target: Target,
    /// What the lock says.
    pub proof: String,
    /// Why that does not hold, as the end of a sentence.
    pub why: String,
}

/// Two digests of one thing.
#[derive(Debug)]
pub struct Clash {
    /// Where the lock says so.
    pub at: Option<Location>,
    /// The tool.
    pub tool: ToolName,
    /// Its version.
    pub version: Version,
    /// The platform.
    pub target: Target,
    /// What is pinned.
    pub pinned: Digest,
    /// What was found.
    pub other: Digest,
    /// What vouches for the better known of them.
    pub proof: String,
}

impl Problem {
    /// The problem of what was asked for.
    pub(super) fn of(self, ask: &Ask) -> Error {
        Error {
            // A place in the lock says more than the one that asked.
            at: ask.at.clone().filter(|_| !self.is_located()),
            problem: Box::new(self),
        }
    }

    fn is_located(&self) -> bool {
        match self {
            Self::Disagree(clash) => clash.at.is_some(),
            Self::Unproven(doubt) => doubt.at.is_some(),
            Self::OneForAll { at, .. } => at.is_some(),
            _ => false,
        }
    }

    fn fault(&self, asked: Fault) -> Fault {
        match self {
            Self::UnknownTool { .. }
            | Self::Unpublished { .. }
            | Self::Undescribed { .. }
            | Self::Builtin { .. }
            | Self::Twice { .. }
            | Self::NoLatest { .. }
            | Self::LatestUnasked
            | Self::OtherSeries { .. }
            | Self::NoPackageLock { .. }
            | Self::TooOld { .. }
            | Self::WhichVersion { .. } => asked,
            Self::Latest { source, .. } | Self::Lookup { source, .. } => source.fault(),
            Self::Disagree(_) | Self::Weaker(_) | Self::Unproven(_) => Fault::Untrusted,
            Self::Lock { source } => source.fault(),
            Self::OneForAll { .. }
            | Self::Implausible { .. }
            | Self::PackageLock { .. }
            | Self::NotInPackageLock { .. }
            | Self::OtherInPackageLock { .. } => Fault::Input,
            // A file that is not there was mistyped.
            Self::Unreadable { source } => match source.source.kind() {
                std::io::ErrorKind::NotFound => Fault::Usage,
                _ => Fault::Local,
            },
            Self::Catalog { .. } => Fault::Local,
        }
    }

    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::UnknownTool { near, .. } if near.is_empty() => {
                "`bootstrap install --list` shows the tools there are; any other can be described in the lock, and pinned with --from".to_owned()
            }
            Self::UnknownTool { near, .. } => format!(
                "did you mean {}? `bootstrap install --list` shows the tools there are",
                list(near, "or")
            ),
            Self::Unpublished { tool, version } => {
                format!("give its file with `bootstrap lock {tool}@{version} --from FILE`")
            }
            Self::Undescribed { tool } => format!(
                "write an entry for {tool} with `layout`, `programs` and `smoke` into the lock first"
            ),
            Self::Builtin { .. } | Self::Twice { .. } => "ask for it once, in a version of its vendor's".to_owned(),
            Self::NoLatest {
                tool,
                default: Some(default),
            } => format!("ask for a version, such as {tool}@{default}"),
            Self::NoLatest { tool, default: None } => {
                format!("give its file with `bootstrap lock {tool}@VERSION --from FILE`")
            }
            Self::LatestUnasked => "name the version, or none".to_owned(),
            Self::Latest { source, .. } | Self::Lookup { source, .. } => {
                return source.hint().map(str::to_owned);
            }
            Self::OtherSeries { .. } => {
                "`bootstrap install --list` shows the versions that need nothing else; others of the same series take --from package-lock.json".to_owned()
            }
            Self::NoPackageLock { tool, version } => format!(
                "let npm make one in an empty directory with `npm install --package-lock-only {tool}@{version}`, and give it with --from package-lock.json"
            ),
            Self::Disagree(_) => {
                "find out who changed the digest; only if the other bytes are meant, delete the entry from the lock and lock it again".to_owned()
            }
            Self::Unproven(_) => {
                "find out who wrote it: to have it proved anew, delete the entry and lock it again; where a key of your own signs, name it with --signing-key".to_owned()
            }
            Self::OneForAll { tool, version, .. } => format!(
                "take the wrong one out of the lock; of what runs everywhere, `bootstrap lock {tool}@{version} --from FILE --platform any` says so"
            ),
            Self::Weaker(_) => {
                "these are not the bytes that were proved: find out where the file comes from".to_owned()
            }
            Self::TooOld { need, .. } => format!(
                "ask for {} {} or newer, or for none",
                need.tool, need.at_least
            ),
            Self::Lock { source } => return source.hint().map(str::to_owned),
            Self::WhichVersion { tool, .. } => format!("say {tool}@VERSION"),
            Self::Implausible { .. } => {
                "name the file as its vendor publishes it, and with --platform what it is for".to_owned()
            }
            Self::PackageLock { source, .. } => return source.hint().map(str::to_owned),
            Self::NotInPackageLock { tool, .. } => format!(
                "make it with `npm install --package-lock-only {tool}@VERSION` in an empty directory"
            ),
            Self::OtherInPackageLock { tool, found, .. } => {
                format!("ask for {tool}@{found}, or for {tool} without a version")
            }
            Self::Unreadable { .. } | Self::Catalog { .. } => return None,
        };
        Some(text)
    }
}

struct At<'a>(Option<&'a Location>);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(at) => write!(f, "{at}: "),
            None => Ok(()),
        }
    }
}
