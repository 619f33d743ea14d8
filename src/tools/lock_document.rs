//! The shape of `bootstrap.lock` as YAML, and its way to and from [`Locked`].

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use crate::digest::Digest;
use crate::platform::{Platform, UnknownPlatform};
use crate::strict_yaml;
use crate::tools::Artifact;
use crate::tools::description::{
    Contradiction, Description, LayoutName, LimitsEntry, NeedEntry, ProgramEntry, SmokeEntry,
};
use crate::tools::lockfile::{self, DEFAULT_PROOF, Locked, LockedSource, Target};
use crate::tools::names::{ProgramName, ToolName, TreePath};
use crate::tools::template::Template;
use crate::tools::version::Version;

/// The whole file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping")]
pub(super) struct Document {
    pub(super) version: u32,
    pub(super) tools: BTreeMap<ToolName, Entry>,
}

/// One tool.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping")]
pub(super) struct Entry {
    version: Version,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    artifacts: Option<BTreeMap<Target, ArtifactEntry>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    package_lock: Option<PackageLockEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    layout: Option<LayoutName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    strip: Option<Template>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    programs: Option<BTreeMap<ProgramName, ProgramEntry>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    smoke: Option<SmokeEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    needs: Vec<NeedEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    slim: Vec<TreePath>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limits: Option<LimitsEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping")]
struct ArtifactEntry {
    url: PinnedUrl,
    #[serde(deserialize_with = "strict_yaml::text", serialize_with = "as_text")]
    digest: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping")]
struct PackageLockEntry {
    file: TreePath,
    #[serde(deserialize_with = "strict_yaml::text", serialize_with = "as_text")]
    digest: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<String>,
}

fn as_text<T: fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

impl Entry {
    /// What it says, of a lock in this directory.
    pub(super) fn locked(self, directory: &Path) -> Result<Locked, Problem> {
        let source = match (self.artifacts, self.package_lock) {
            (Some(artifacts), None) if !artifacts.is_empty() => {
                let artifacts = artifacts
                    .into_iter()
                    .map(|(target, entry)| Ok((target, entry.artifact(directory)?)));
                LockedSource::Artifacts(artifacts.collect::<Result<_, Problem>>()?)
            }
            (None, Some(entry)) => LockedSource::PackageLock {
                file: entry.file,
                digest: entry.digest,
                proof: stated(entry.proof),
            },
            _ => return Err(Problem::Source),
        };
        let description = match (self.layout, self.programs, self.smoke) {
            (Some(layout), Some(programs), Some(smoke)) => Some(Description {
                layout,
                strip: self.strip,
                programs,
                smoke,
                needs: self.needs,
                slim: self.slim,
                limits: self.limits.unwrap_or_default(),
            }),
            (None, None, None)
                if self.strip.is_none()
                    && self.needs.is_empty()
                    && self.slim.is_empty()
                    && self.limits.is_none() =>
            {
                None
            }
            _ => return Err(Problem::HalfDescribed),
        };
        if let Some(description) = &description {
            description.check()?;
            let packages = matches!(source, LockedSource::PackageLock { .. });
            if packages && description.layout != LayoutName::Npm {
                return Err(Problem::NotNpm);
            }
        }
        Ok(Locked {
            version: self.version,
            source,
            description,
        })
    }
}

impl Entry {
    /// What a lock in this directory says.
    pub(super) fn new(locked: &Locked, directory: &Path) -> Self {
        let described = locked.description.clone();
        let (artifacts, package_lock) = match &locked.source {
            LockedSource::Artifacts(artifacts) => {
                let entries = artifacts
                    .iter()
                    .map(|(target, artifact)| (*target, ArtifactEntry::new(artifact, directory)));
                (Some(entries.collect()), None)
            }
            LockedSource::PackageLock {
                file,
                digest,
                proof,
            } => {
                let entry = PackageLockEntry {
                    file: file.clone(),
                    digest: digest.clone(),
                    proof: unstated(proof),
                };
                (None, Some(entry))
            }
        };
        Self {
            version: locked.version.clone(),
            artifacts,
            package_lock,
            layout: described.as_ref().map(|described| described.layout),
            strip: described
                .as_ref()
                .and_then(|described| described.strip.clone()),
            programs: described
                .as_ref()
                .map(|described| described.programs.clone()),
            smoke: described.as_ref().map(|described| described.smoke.clone()),
            limits: described.as_ref().map(|described| described.limits),
            needs: described
                .as_ref()
                .map(|described| described.needs.clone())
                .unwrap_or_default(),
            slim: described
                .map(|described| described.slim)
                .unwrap_or_default(),
        }
    }
}

fn stated(proof: Option<String>) -> String {
    proof.unwrap_or_else(|| DEFAULT_PROOF.to_owned())
}

fn unstated(proof: &str) -> Option<String> {
    Some(proof.to_owned()).filter(|proof| proof != DEFAULT_PROOF)
}

impl ArtifactEntry {
    fn artifact(self, directory: &Path) -> Result<Artifact, Problem> {
        let url = match self.url {
            PinnedUrl::Whole(url) => url,
            PinnedUrl::Beside(digest) if digest == self.digest => {
                lockfile::beside(&digest, directory).ok_or(Problem::NoDirectory)?
            }
            PinnedUrl::Beside(_) => return Err(Problem::OtherFile),
        };
        Ok(Artifact {
            url,
            digest: self.digest,
            size: self.size,
            proof: stated(self.proof),
        })
    }

    fn new(artifact: &Artifact, directory: &Path) -> Self {
        let beside = lockfile::beside(&artifact.digest, directory);
        let url = if beside.as_ref() == Some(&artifact.url) {
            PinnedUrl::Beside(artifact.digest.clone())
        } else {
            PinnedUrl::Whole(artifact.url.clone())
        };
        Self {
            url,
            digest: artifact.digest.clone(),
            size: artifact.size,
            proof: unstated(&artifact.proof),
        }
    }
}

/// Where an artifact may be.
#[derive(Clone)]
enum PinnedUrl {
    /// The digest decides, so `http` and `file` are as good as `https`.
    Whole(Url),
    /// `ALG/HEX`: in the bundle that the lock belongs to, wherever that is.
    Beside(Digest),
}

impl FromStr for PinnedUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(digest) = Digest::from_path(text) {
            return Ok(Self::Beside(digest));
        }
        let url = Url::parse(text).ok();
        let url = url.filter(|url| matches!(url.scheme(), "https" | "http" | "file"));
        // A password would end up in reports; a netrc file is the place for it.
        let url = url.filter(|url| url.username().is_empty() && url.password().is_none());
        url.map(Self::Whole).ok_or(InvalidUrl)
    }
}

impl Serialize for PinnedUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Whole(url) => serializer.serialize_str(url.as_str()),
            Self::Beside(digest) => serializer.serialize_str(&digest.path()),
        }
    }
}

impl<'de> Deserialize<'de> for PinnedUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        strict_yaml::text(deserializer)
    }
}

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "any" => Ok(Self::Any),
            text => Ok(Self::One(text.parse::<Platform>()?)),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        strict_yaml::text(deserializer)
    }
}

/// The text is not where an artifact can be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "the `url` of an artifact takes an https, http or file URL without a user name or password"
)]
pub(super) struct InvalidUrl;

/// The text names no platform, nor all of them.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}, or any")]
pub struct UnknownTarget(#[from] UnknownPlatform);

/// The entry of a tool does not fit together.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum Problem {
    /// Nothing to download, or two things.
    #[error("it takes either `artifacts` with an entry or `package_lock`")]
    Source,
    /// Some keys of a description and not the others.
    #[error("a tool that the lock describes takes `layout`, `programs` and `smoke`, all three")]
    HalfDescribed,
    /// A file of a bundle that has another name than its digest.
    #[error("the `url` of an artifact in a bundle is its digest, as ALGORITHM/HEX")]
    OtherFile,
    /// The lock has no place that the file could be beside.
    #[error("its `url` is beside the lock, and the lock has no absolute path")]
    NoDirectory,
    /// Packages for another layout.
    #[error("`package_lock` is for `layout: npm`")]
    NotNpm,
    /// The description contradicts itself.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
}
