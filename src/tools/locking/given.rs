//! Pins of a file that somebody has at hand: an artifact, or the `package-lock.json` of an npm tool.

use std::fs::File;
use std::path::PathBuf;

use url::Url;

use super::error::Clash;
use super::pins::{beside, check_series};
use super::{Ask, Choice, Locker, Made, Problem};
use crate::digest::{Algorithm, Hasher};
use crate::files;
use crate::tools::description::{Description, LayoutName};
use crate::tools::lockfile::{Locked, LockedSource, Target};
use crate::tools::package_lock::PackageLock;
use crate::tools::proof::{self, Strength};
use crate::tools::version::Version;
use crate::tools::{Artifact, plausible};

/// A file that somebody has at hand.
#[derive(Clone, Debug)]
pub struct Given {
    /// Where it is, as an absolute path.
    pub file: PathBuf,
    /// What it is for.
    pub target: Target,
}

impl Locker<'_> {
    /// The pins of a tool with this file among them.
    pub(super) fn pin_given(
        &self,
        ask: &Ask,
        given: &Given,
        made: &mut Made,
    ) -> Result<Locked, Problem> {
        given.check_regular()?;
        let name = &ask.name;
        let before = self.old.and_then(|old| old.lockfile.tools.get(name));
        let own = before.and_then(|before| before.description.clone());
        let known = self.catalog.tools().get(name).map(|tool| &tool.description);
        let Some(description) = own.as_ref().or(known) else {
            return Err(Problem::Undescribed { tool: name.clone() });
        };
        let (version, source) = if description.layout == LayoutName::Npm {
            self.given_packages(ask, given, before, made)?
        } else {
            self.given_artifact(ask, given, before, description)?
        };
        Ok(Locked {
            version,
            source,
            description: own,
        })
    }

    fn given_packages(
        &self,
        ask: &Ask,
        given: &Given,
        before: Option<&Locked>,
        made: &mut Made,
    ) -> Result<(Version, LockedSource), Problem> {
        let name = &ask.name;
        let path = || given.file.clone();
        let text =
            files::read_text(&given.file).map_err(|source| Problem::Unreadable { source })?;
        let lock = PackageLock::parse(&text).map_err(|source| Problem::PackageLock {
            path: path(),
            source,
        })?;
        let found = lock.version_of(name.as_str());
        let version = found.and_then(|found| found.parse::<Version>().ok());
        let version = version.ok_or_else(|| Problem::NotInPackageLock {
            path: path(),
            tool: name.clone(),
        })?;
        if let Choice::Exact(wanted) = &ask.choice
            && *wanted != version
        {
            return Err(Problem::OtherInPackageLock {
                path: path(),
                tool: name.clone(),
                found: version,
                wanted: wanted.clone(),
            });
        }
        if let Some(tool) = self.catalog.tools().get(name) {
            check_series(name, tool, &version)?;
        }
        let source = beside(name, &version, text, proof::FILE, made);
        let same = before.filter(|before| before.version == version);
        if let Some(LockedSource::PackageLock {
            digest: pinned,
            proof,
            ..
        }) = same.map(|same| &same.source)
            && let LockedSource::PackageLock { digest, .. } = &source
            && pinned != digest
            && Strength::of(proof) > Strength::File
        {
            return Err(Problem::Weaker(Box::new(Clash {
                at: None,
                tool: name.clone(),
                version,
                target: Target::Any,
                pinned: pinned.clone(),
                other: digest.clone(),
                proof: proof.clone(),
            })));
        }
        Ok((version, source))
    }

    fn given_artifact(
        &self,
        ask: &Ask,
        given: &Given,
        before: Option<&Locked>,
        description: &Description,
    ) -> Result<(Version, LockedSource), Problem> {
        let name = &ask.name;
        let version = match (&ask.choice, before) {
            (Choice::Exact(version), _) if !version.is_builtin() => version.clone(),
            (Choice::Any, Some(before)) => before.version.clone(),
            _ => {
                return Err(Problem::WhichVersion {
                    tool: name.clone(),
                    path: given.file.clone(),
                });
            }
        };
        let platform = match given.target {
            Target::One(platform) => Some(platform),
            Target::Any => None,
        };
        let mut new = given.pin()?;
        plausible::check(&given.file, description, platform)
            .map_err(|source| Problem::Implausible { source })?;
        let same = before.filter(|before| before.version == version);
        let of_catalog = if let Some(platform) = platform {
            self.of_catalog(name, &version, platform)?
        } else {
            self.check_any(name, &version, &new)?;
            None
        };
        let pinned = same.and_then(|same| same.source.artifact(given.target));
        for known in of_catalog.iter().chain(pinned) {
            if known.digest == new.digest {
                // The same bytes: the better proof holds for the file as well.
                if Strength::of(&known.proof) > Strength::of(&new.proof) {
                    new.proof.clone_from(&known.proof);
                }
            } else if Strength::of(&known.proof) > Strength::File {
                return Err(Problem::Weaker(Box::new(Clash {
                    at: None,
                    tool: name.clone(),
                    version,
                    target: given.target,
                    pinned: known.digest.clone(),
                    other: new.digest,
                    proof: known.proof.clone(),
                })));
            }
        }
        let mut artifacts = match same.map(|same| &same.source) {
            // What is for all platforms and what is for one exclude each other.
            Some(LockedSource::Artifacts(artifacts)) => {
                let mut kept = artifacts.clone();
                kept.retain(|target, _| (*target == Target::Any) == (given.target == Target::Any));
                kept
            }
            _ => std::collections::BTreeMap::new(),
        };
        artifacts.insert(given.target, new);
        Ok((version, LockedSource::Artifacts(artifacts)))
    }
}

impl Given {
    /// A pipe would be waited for, and a device could be read for ever.
    fn check_regular(&self) -> Result<(), Problem> {
        let unreadable = |source| Problem::Unreadable {
            source: files::Error::new("read", &self.file, source),
        };
        let metadata = std::fs::metadata(&self.file).map_err(unreadable)?;
        if metadata.is_file() {
            return Ok(());
        }
        Err(unreadable(std::io::Error::other(
            "it is not a regular file",
        )))
    }

    fn pin(&self) -> Result<Artifact, Problem> {
        let unreadable = |source| Problem::Unreadable {
            source: files::Error::new("read", &self.file, source),
        };
        let file = File::open(&self.file).map_err(unreadable)?;
        let mut hasher = Hasher::new(Algorithm::Sha256);
        let size = hasher.read_all(file).map_err(unreadable)?;
        let not_absolute = || unreadable(std::io::ErrorKind::InvalidInput.into());
        Ok(Artifact {
            url: Url::from_file_path(&self.file).map_err(|()| not_absolute())?,
            digest: hasher.finish(),
            size: Some(size),
            proof: proof::FILE.to_owned(),
        })
    }
}
