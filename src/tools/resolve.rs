//! From what a person asks for to the release that is installed: the lock first, then the catalog.

use std::fmt;

use crate::fault::Fault;
use crate::platform::Platform;
use crate::strict_yaml::Location;
use crate::tools::builtin;
use crate::tools::catalog::{self, Catalog, Tool};
use crate::tools::description::LayoutName;
use crate::tools::lockfile::{self, Locked, LockedSource, Lockfile};
use crate::tools::names::{ProgramName, ToolName};
use crate::tools::suggest::{self, list};
use crate::tools::version::Version;
use crate::tools::wanted::Wanted;
use crate::tools::{Need, Release};

/// Where pins come from.
#[derive(Clone, Copy, Debug)]
pub struct Pins<'a> {
    /// What this program carries.
    pub catalog: &'a Catalog,
    /// What the user has pinned.
    pub lock: Option<&'a Lockfile>,
    /// `--locked`: what the lock does not pin is refused.
    pub locked: bool,
    /// The platform to install for.
    pub platform: Platform,
}

impl Pins<'_> {
    /// The release that `wanted` asks for.
    pub fn resolve(&self, wanted: &Wanted) -> Result<Release, Error> {
        self.find(wanted).map_err(|problem| Error {
            at: wanted.at.clone(),
            problem: Box::new(problem),
        })
    }

    fn find(&self, wanted: &Wanted) -> Result<Release, Problem> {
        let name = &wanted.name;
        if builtin::is_wanted(name, wanted.version.as_ref())
            && let Some(tool) = self.catalog.tools().get(name)
        {
            let release = builtin::release();
            let (version, source) = release.map_err(|source| Problem::Builtin { source })?;
            let description = &tool.description;
            return Ok(description.release(name.clone(), version, self.platform, source));
        }
        let Some(lock) = self.lock else {
            return if self.locked {
                Err(Problem::NoLock)
            } else {
                self.find_in_catalog(wanted)
            };
        };
        match (lock.tools.get(name), &wanted.version) {
            (Some(locked), None) => self.find_in_lock(lock, name, locked),
            (Some(locked), Some(version)) if *version == locked.version => {
                self.find_in_lock(lock, name, locked)
            }
            (Some(locked), Some(version)) if self.locked => Err(Problem::OtherThanLocked {
                tool: name.clone(),
                wanted: version.clone(),
                locked: locked.version.clone(),
            }),
            (None, _) if self.locked => Err(Problem::NotLocked { tool: name.clone() }),
            (Some(locked), Some(version)) if !self.catalog.tools().contains_key(name) => {
                Err(Problem::UnknownVersion {
                    tool: name.clone(),
                    version: version.clone(),
                    near: vec![locked.version.clone()],
                })
            }
            _ => self.find_in_catalog(wanted),
        }
    }

    fn find_in_lock(
        &self,
        lock: &Lockfile,
        name: &ToolName,
        locked: &Locked,
    ) -> Result<Release, Problem> {
        let known = self.catalog.tools().get(name).map(|tool| &tool.description);
        let description = locked.description.as_ref().or(known);
        let Some(description) = description else {
            return Err(Problem::NotDescribed { tool: name.clone() });
        };
        let packages = matches!(locked.source, LockedSource::PackageLock { .. });
        if packages && description.layout != LayoutName::Npm {
            return Err(Problem::NotNpm { tool: name.clone() });
        }
        let source = lock.source(name, locked, self.platform);
        let source = source.map_err(|source| Problem::Lock { source })?;
        let version = locked.version.clone();
        match source {
            Some(source) => Ok(description.release(name.clone(), version, self.platform, source)),
            None => Err(Problem::OtherPlatform {
                tool: name.clone(),
                version,
                platform: self.platform,
                platforms: locked.source.platforms(),
            }),
        }
    }

    fn find_in_catalog(&self, wanted: &Wanted) -> Result<Release, Problem> {
        let name = &wanted.name;
        let Some(tool) = self.catalog.tools().get(name) else {
            let locked = self.lock.into_iter().flat_map(|lock| lock.tools.keys());
            return Err(Problem::UnknownTool {
                tool: name.clone(),
                near: suggest::names(name, self.catalog.tools().keys().chain(locked)),
            });
        };
        let version = wanted.version.as_ref().unwrap_or(&tool.default);
        let source = self.catalog.source(name, version, self.platform);
        match source.map_err(|source| Problem::Catalog { source })? {
            Some(source) => {
                let name = name.clone();
                Ok(tool
                    .description
                    .release(name, version.clone(), self.platform, source))
            }
            None => Err(self.missing(name, tool, version)),
        }
    }

    /// Why the catalog has nothing: the version is unknown, or it is not made for the platform.
    fn missing(&self, name: &ToolName, tool: &Tool, version: &Version) -> Problem {
        let versions = self.catalog.versions(name);
        match versions.iter().find(|pinned| pinned.version == *version) {
            Some(pinned) => Problem::OtherPlatform {
                tool: name.clone(),
                version: version.clone(),
                platform: self.platform,
                platforms: pinned.platforms.clone(),
            },
            None => Problem::UnknownVersion {
                tool: name.clone(),
                version: version.clone(),
                near: suggest::versions(version, &versions, &tool.default),
            },
        }
    }
}

/// What was asked for cannot be had.
#[derive(Debug)]
pub struct Error {
    /// Where it was asked for in a file; none: on the command line.
    pub at: Option<Location>,
    /// Why it cannot be had.
    pub problem: Box<Problem>,
}

impl Error {
    /// The side that the failure is on.
    pub fn fault(&self) -> Fault {
        match &*self.problem {
            Problem::Catalog { .. } | Problem::Builtin { .. } => Fault::Local,
            Problem::Lock { source } => source.fault(),
            // Only a lock can say so.
            Problem::Circle { .. }
            | Problem::SameProgram { .. }
            | Problem::NotDescribed { .. }
            | Problem::NotNpm { .. } => Fault::Input,
            Problem::UnknownTool { .. }
            | Problem::UnknownVersion { .. }
            | Problem::OtherPlatform { .. }
            | Problem::OtherThanLocked { .. }
            | Problem::NoLock
            | Problem::NotLocked { .. }
            | Problem::TooOld { .. }
            | Problem::Twice { .. } => {
                if self.at.is_some() {
                    Fault::Input
                } else {
                    Fault::Usage
                }
            }
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match &*self.problem {
            Problem::UnknownTool { near, .. } if near.is_empty() => {
                Some("`bootstrap install --list` shows the tools there are".to_owned())
            }
            Problem::UnknownTool { near, .. } => Some(format!(
                "did you mean {}? `bootstrap install --list` shows the tools there are",
                list(near, "or")
            )),
            Problem::UnknownVersion { tool, near, .. } => Some(format!(
                "there is {}; `bootstrap install --list` shows all, and `bootstrap lock {tool}@VERSION` pins any other",
                list(near, "and")
            )),
            Problem::OtherPlatform { tool, .. } => Some(format!(
                "ask for another version of {tool}, or pin one with a lock"
            )),
            Problem::OtherThanLocked { tool, locked, .. } => Some(format!(
                "ask for {tool} or {tool}@{locked}, make the lock again, or leave --locked out"
            )),
            Problem::NoLock => Some(
                "make one with `bootstrap lock`, name it with --lock (BOOTSTRAP_LOCK), or leave --locked out"
                    .to_owned(),
            ),
            Problem::NotLocked { tool } => Some(format!(
                "add it with `bootstrap lock {tool}`, or leave --locked out"
            )),
            Problem::NotDescribed { tool } => Some(format!(
                "give `layout`, `programs` and `smoke` for {tool} in the lock"
            )),
            Problem::NotNpm { tool } => Some(format!("pin {tool} by `artifacts`")),
            Problem::Lock { source } => source.hint().map(str::to_owned),
            Problem::TooOld { need, .. } => Some(format!(
                "ask for {} {} or newer, or for none",
                need.tool, need.at_least
            )),
            Problem::Twice { .. } => Some("ask for it once".to_owned()),
            Problem::Circle { .. } => Some("correct `needs` in the lock".to_owned()),
            Problem::SameProgram { .. } => {
                Some("give one of them another name under `programs` in the lock".to_owned())
            }
            Problem::Builtin { .. } => Some("mount /proc, or ask for another version".to_owned()),
            Problem::Catalog { .. } => Some("please report this as a bug".to_owned()),
        }
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

/// Why a tool cannot be had.
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
    /// The version is not pinned anywhere.
    #[error("{tool} {version} is not in the catalog, and unpinned downloads are refused")]
    UnknownVersion {
        /// The tool.
        tool: ToolName,
        /// What was asked for.
        version: Version,
        /// Versions near it and the default, oldest first.
        near: Vec<Version>,
    },
    /// The version exists for other platforms only.
    #[error(
        "{tool} {version} has no artifact for {platform}, only for {}",
        list(platforms, "and")
    )]
    OtherPlatform {
        /// The tool.
        tool: ToolName,
        /// The version.
        version: Version,
        /// The platform to install for.
        platform: Platform,
        /// The platforms there are.
        platforms: Vec<Platform>,
    },
    /// `--locked`, and the lock pins another version.
    #[error("{tool} {wanted} was asked for, and the lock pins {locked}")]
    OtherThanLocked {
        /// The tool.
        tool: ToolName,
        /// What was asked for.
        wanted: Version,
        /// What the lock has.
        locked: Version,
    },
    /// `--locked`, and there is no lock.
    #[error("--locked takes what the lock pins alone, and there is no lock")]
    NoLock,
    /// `--locked`, and the lock does not pin it.
    #[error("the lock does not pin {tool}")]
    NotLocked {
        /// The tool.
        tool: ToolName,
    },
    /// The lock pins a tool that nobody describes.
    #[error("the lock pins {tool}, which the catalog lacks, without saying how it is laid out")]
    NotDescribed {
        /// The tool.
        tool: ToolName,
    },
    /// The lock pins packages of something else.
    #[error("the lock pins {tool} by a package lock, and it is not made of npm packages")]
    NotNpm {
        /// The tool.
        tool: ToolName,
    },
    /// What the lock pins it by cannot be used.
    #[error("the lock's pin cannot be used")]
    Lock {
        /// Why.
        source: lockfile::Error,
    },
    /// Another tool that was asked for is too old for this one.
    #[error("{tool} {version} needs {} {} or newer, and this would install {found}", need.tool, need.at_least)]
    TooOld {
        /// The tool that has the need.
        tool: ToolName,
        /// Its version.
        version: Version,
        /// What it needs.
        need: Need,
        /// The version it would get.
        found: Version,
    },
    /// One tool, two versions.
    #[error("{tool} was asked for twice, as {first} and as {second}")]
    Twice {
        /// The tool.
        tool: ToolName,
        /// One version.
        first: Version,
        /// The other.
        second: Version,
    },
    /// Tools that need each other, or one that needs itself.
    #[error("{chain}: none of them can be the first")]
    Circle {
        /// Who needs whom, in words.
        chain: String,
    },
    /// Two tools that want the same place in `bin/`.
    #[error(
        "{first} and {second} both have a program `{program}`, and one directory holds them all"
    )]
    SameProgram {
        /// The name of the program.
        program: ProgramName,
        /// One tool.
        first: ToolName,
        /// The other.
        second: ToolName,
    },
    /// The running program cannot be read.
    #[error("cannot read the program that is running, `/proc/self/exe`")]
    Builtin {
        /// Why.
        source: std::io::Error,
    },
    /// The catalog is broken.
    #[error("the catalog cannot be used")]
    Catalog {
        /// Why.
        source: catalog::Error,
    },
}

#[cfg(test)]
mod tests;
