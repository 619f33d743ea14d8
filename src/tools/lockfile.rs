//! `bootstrap.lock`: the versions, URLs and digests that a user has pinned.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use url::Url;

use crate::digest::{Digest, Hasher};
use crate::fault::Fault;
use crate::files;
use crate::platform::Platform;
use crate::strict_yaml::{self, Invalid, Step};
use crate::tools::description::Description;
use crate::tools::lock_document::{Document, Entry};
use crate::tools::names::{ToolName, TreePath};
use crate::tools::package_lock::{self, PackageLock};
use crate::tools::version::Version;
use crate::tools::{Artifact, Source};

/// The newest format version that this program reads, and the one it writes.
pub const FORMAT: u32 = 1;

/// The `proof` of an artifact whose lock states none.
pub const DEFAULT_PROOF: &str = "lock";

/// A lock file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lockfile {
    /// Where it is; package locks are found beside it.
    pub file: PathBuf,
    /// What it pins, by tool.
    pub tools: BTreeMap<ToolName, Locked>,
}

/// What a lock pins for one tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// The version.
    pub version: Version,
    /// What is downloaded.
    pub source: LockedSource,
    /// How the tool is laid out, for one that the catalog lacks; it wins over the catalog's.
    pub description: Option<Description>,
}

/// What a lock pins a tool by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockedSource {
    /// One file for each platform.
    Artifacts(BTreeMap<Target, Artifact>),
    /// A `package-lock.json`.
    PackageLock {
        /// Where it is, from the lock's directory.
        file: TreePath,
        /// What its bytes must hash to.
        digest: Digest,
        /// Where it came from, for reports.
        proof: String,
    },
}

/// The platforms that an artifact is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Every platform: `any`.
    Any,
    /// One platform: `linux/amd64`.
    One(Platform),
}

/// The address of the file with this digest in the bundle at `directory`, which a lock there names by
/// `<alg>/<hex>` alone; none when that is not an absolute path.
pub fn beside(digest: &Digest, directory: &Path) -> Option<Url> {
    Url::from_file_path(directory.join(digest.path())).ok()
}

impl Lockfile {
    /// Reads the lock at `file`.
    pub fn read(file: &Path) -> Result<Self, Error> {
        let text = files::read_text(file).map_err(|error| Error::Unreadable {
            path: file.to_owned(),
            source: error.source,
        })?;
        Ok(Self::parse(file, &text)?)
    }

    /// Reads the text of the lock at `file`.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Invalid> {
        let document: Document = strict_yaml::parse(file, text, FORMAT)?;
        let mut tools = BTreeMap::new();
        for (name, entry) in document.tools {
            let directory = file.parent().unwrap_or(Path::new(""));
            let locked = entry.locked(directory).map_err(|problem| Invalid {
                at: strict_yaml::locate(
                    file,
                    text,
                    &[Step::Key("tools"), Step::Key(name.as_str())],
                ),
                problem: format!("tools.{name}: {problem}"),
            })?;
            tools.insert(name, locked);
        }
        Ok(Self {
            file: file.to_owned(),
            tools,
        })
    }

    /// The text of the lock: the same for the same content.
    pub fn to_text(&self) -> Result<String, Error> {
        let directory = self.file.parent().unwrap_or(Path::new(""));
        let tools = self
            .tools
            .iter()
            .map(|(name, locked)| (name.clone(), Entry::new(locked, directory)));
        let document = Document {
            version: FORMAT,
            tools: tools.collect(),
        };
        serde_yaml::to_string(&document).map_err(|source| Error::Unwritable { source })
    }

    /// What `locked` pins for `platform`; none when it has no artifact for it.
    pub fn source(
        &self,
        name: &ToolName,
        locked: &Locked,
        platform: Platform,
    ) -> Result<Option<Source>, Error> {
        match &locked.source {
            LockedSource::Artifacts(artifacts) => {
                let one = artifacts.get(&Target::One(platform));
                let artifact = one.or_else(|| artifacts.get(&Target::Any));
                Ok(artifact.cloned().map(Source::Artifact))
            }
            LockedSource::PackageLock { file, digest, .. } => {
                let lock = self.package_lock(name, &locked.version, file, digest)?;
                Ok(Some(Source::Packages(lock)))
            }
        }
    }

    /// Reads the package lock beside this lock, of which only the pinned bytes are believed.
    fn package_lock(
        &self,
        name: &ToolName,
        version: &Version,
        file: &TreePath,
        pin: &Digest,
    ) -> Result<PackageLock, Error> {
        let directory = self.file.parent().unwrap_or(Path::new(""));
        let path = directory.join(file.as_path());
        let unreadable = |source| Error::Unreadable {
            path: path.clone(),
            source,
        };
        let bytes = files::read_regular(&path).map_err(|error| unreadable(error.source))?;
        let mut hasher = Hasher::new(pin.algorithm());
        hasher.update(&bytes);
        let actual = hasher.finish();
        if actual != *pin {
            return Err(Error::Digest {
                path,
                expected: pin.clone(),
                actual,
            });
        }
        let not_text = |error| unreadable(io::Error::new(io::ErrorKind::InvalidData, error));
        let text = String::from_utf8(bytes).map_err(not_text)?;
        let lock = PackageLock::parse(&text).map_err(|source| Error::PackageLock {
            path: path.clone(),
            source,
        })?;
        let found = lock.version_of(name.as_str());
        if found != Some(version.as_str()) {
            return Err(Error::OtherVersion {
                found: found.unwrap_or("no version").to_owned(),
                tool: name.clone(),
                version: version.clone(),
                path,
            });
        }
        Ok(lock)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::One(platform) => platform.fmt(f),
        }
    }
}

impl LockedSource {
    /// The artifact for exactly this target.
    pub fn artifact(&self, target: Target) -> Option<&Artifact> {
        match self {
            Self::Artifacts(artifacts) => artifacts.get(&target),
            Self::PackageLock { .. } => None,
        }
    }

    /// The platforms that it has something for.
    pub fn platforms(&self) -> Vec<Platform> {
        match self {
            Self::PackageLock { .. } => Platform::ALL.to_vec(),
            Self::Artifacts(artifacts) => {
                let has = |platform| {
                    artifacts.contains_key(&Target::Any)
                        || artifacts.contains_key(&Target::One(platform))
                };
                Platform::ALL
                    .into_iter()
                    .filter(|platform| has(*platform))
                    .collect()
            }
        }
    }
}

/// The lock cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not a lock.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It, or a package lock beside it, cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A package lock is not the one that was pinned.
    #[error("{} is not the file that the lock pins: expected {expected}, found {actual}", path.display())]
    Digest {
        /// The file.
        path: PathBuf,
        /// What the lock says.
        expected: Digest,
        /// What the file has.
        actual: Digest,
    },
    /// A package lock has the right bytes and cannot be installed from.
    #[error("{} cannot be installed from", path.display())]
    PackageLock {
        /// The file.
        path: PathBuf,
        /// Why.
        source: package_lock::Error,
    },
    /// A package lock is for another version than the lock says.
    #[error("{} holds {found} of {tool}, and the lock pins {version}", path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// The tool.
        tool: ToolName,
        /// What the lock says.
        version: Version,
        /// What the package lock says.
        found: String,
    },
    /// The lock cannot be put into words.
    #[error("the lock cannot be written as YAML")]
    Unwritable {
        /// Why.
        source: serde_yaml::Error,
    },
}

impl Error {
    /// The side that the failure is on.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Digest { .. } => Fault::Untrusted,
            Self::Invalid(_)
            | Self::Unreadable { .. }
            | Self::PackageLock { .. }
            | Self::OtherVersion { .. }
            | Self::Unwritable { .. } => Fault::Input,
        }
    }

    /// Whether a file is not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Digest { .. } => {
                Some("put the pinned file back, or make the lock again if the change was meant")
            }
            Self::OtherVersion { .. } => Some("make the lock again with `bootstrap lock`"),
            Self::PackageLock { source, .. } => source.hint(),
            Self::Unreadable { .. } if self.is_missing() => Some(
                "put the file back; of versions that the catalog has, `bootstrap lock` writes it again",
            ),
            Self::Invalid(_) | Self::Unreadable { .. } | Self::Unwritable { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
