//! The pins of one tool: those of the lock, of the catalog, of the vendor.

use std::collections::BTreeMap;

use super::error::Clash;
use super::{Ask, Choice, Locker, Made, Problem};
use crate::digest::{Algorithm, Digest, Hasher};
use crate::platform::Platform;
use crate::tools::catalog::Tool;
use crate::tools::description::LayoutName;
use crate::tools::lockfile::{Locked, LockedSource, Target};
use crate::tools::names::{ToolName, TreePath};
use crate::tools::proof::{self, Strength};
use crate::tools::suggest;
use crate::tools::version::Version;
use crate::tools::{Artifact, Source};

impl Locker<'_> {
    /// The pins of what is asked for.
    pub(super) fn pin(&self, ask: &Ask, made: &mut Made) -> Result<Locked, Problem> {
        let name = &ask.name;
        let before = self.old.and_then(|old| old.lockfile.tools.get(name));
        let tool = self.catalog.tools().get(name);
        let version = self.version(ask, tool, before)?;
        let same = before.filter(|before| before.version == version);
        let Some(tool) = tool else {
            return match same {
                Some(same) => Ok(same.clone()),
                None => Err(Problem::Unpublished {
                    tool: name.clone(),
                    version,
                }),
            };
        };
        check_series(name, tool, &version)?;
        let is_npm = tool.description.layout == LayoutName::Npm;
        let source = match (is_npm, same, self.old) {
            (true, Some(same), Some(old)) => {
                if let Some((file, text)) = self.lost_packages(name, same)? {
                    made.notes
                        .push(format!("{file} was gone: it is written again"));
                    made.package_locks.insert(file, text);
                    return Ok(same.clone());
                }
                // A package lock that is gone, or another one, is told here and not at a start.
                let read = old.lockfile.source(name, same, Platform::host());
                read.map_err(|source| Problem::Lock {
                    source: Box::new(source),
                })?;
                same.source.clone()
            }
            (true, ..) => self.packages(name, &version, made)?,
            (false, ..) => {
                let artifacts = self.artifacts(name, tool, &version, same, made)?;
                LockedSource::Artifacts(artifacts)
            }
        };
        Ok(Locked {
            version,
            source,
            description: before.and_then(|before| before.description.clone()),
        })
    }

    fn version(
        &self,
        ask: &Ask,
        tool: Option<&Tool>,
        before: Option<&Locked>,
    ) -> Result<Version, Problem> {
        let name = &ask.name;
        let latest = |tool: &Tool| {
            let latest = self.vendors.latest(name, tool);
            latest.map_err(|source| Problem::Latest {
                tool: name.clone(),
                source: Box::new(source),
            })
        };
        match (&ask.choice, tool, before) {
            (Choice::Exact(version), _, _) if version.is_builtin() => {
                Err(Problem::Builtin { tool: name.clone() })
            }
            (Choice::Exact(version), Some(_), _) | (Choice::Exact(version), None, Some(_)) => {
                Ok(version.clone())
            }
            (Choice::Any, None, Some(before)) => Ok(before.version.clone()),
            (_, None, None) => Err(Problem::UnknownTool {
                near: suggest::names(name, self.catalog.tools().keys()),
                tool: name.clone(),
            }),
            (Choice::Latest, Some(tool), _) => latest(tool)?.ok_or_else(|| Problem::NoLatest {
                tool: name.clone(),
                default: Some(tool.default.clone()),
            }),
            (Choice::Latest, None, Some(_)) => Err(Problem::NoLatest {
                tool: name.clone(),
                default: None,
            }),
            (Choice::Any, Some(tool), before) => {
                let newest = if self.update { latest(tool)? } else { None };
                let before = before.map(|before| before.version.clone());
                let known = newest.or(before);
                Ok(known.unwrap_or_else(|| tool.default.clone()))
            }
        }
    }

    /// The package lock of the catalog, to be written beside the lock.
    fn packages(
        &self,
        name: &ToolName,
        version: &Version,
        made: &mut Made,
    ) -> Result<LockedSource, Problem> {
        let text = self.catalog.package_lock(name, version);
        let text = text.map_err(|source| Problem::Catalog { source })?;
        let Some(text) = text else {
            return Err(Problem::NoPackageLock {
                tool: name.clone(),
                version: version.clone(),
            });
        };
        Ok(beside(name, version, text, proof::CATALOG, made))
    }

    /// The artifacts of a version for every platform that has one.
    fn artifacts(
        &self,
        name: &ToolName,
        tool: &Tool,
        version: &Version,
        same: Option<&Locked>,
        made: &mut Made,
    ) -> Result<BTreeMap<Target, Artifact>, Problem> {
        let known = self.catalog.versions(name);
        let is_known = known.iter().any(|pinned| pinned.version == *version);
        if let Some(all) = same.and_then(|same| same.source.artifact(Target::Any)) {
            self.check_any(name, version, all)?;
            return Ok(BTreeMap::from([(Target::Any, all.clone())]));
        }
        let (mut found, mut absent) = (BTreeMap::new(), Vec::new());
        for platform in Platform::ALL {
            let target = Target::One(platform);
            let before = same.and_then(|same| same.source.artifact(target));
            let mut new = self.of_catalog(name, version, platform)?;
            // What the lock has for one platform is not completed on the quiet: a vendor may have none.
            let is_settled = same.is_some() || is_known;
            if new.is_none() && (self.update || !is_settled) {
                match self.vendors.artifact(name, tool, version, platform) {
                    Ok((artifact, note)) => {
                        made.notes.extend(note);
                        new = Some(artifact);
                    }
                    Err(source) if source.is_absent() => absent.push((platform, source)),
                    Err(source) => return Err(failed(name, version, platform, source)),
                }
            } else if new.is_none() && before.is_none() {
                made.notes.push(format!(
                    "{name} {version} for {platform} is pinned nowhere: --update asks its vendor"
                ));
            }
            let merged = match (before, new) {
                (Some(before), Some(new)) => Some(self.merged(name, version, target, before, new)?),
                (before, new) => new.or_else(|| before.cloned()),
            };
            found.extend(merged.map(|artifact| (target, artifact)));
        }
        let has_none = found.is_empty();
        for (platform, source) in absent {
            if has_none {
                return Err(failed(name, version, platform, source));
            }
            let then = match found.get(&Target::One(platform)) {
                Some(_) => "its pin stays as it is",
                None => "it is left out",
            };
            let note = format!("{name} {version} for {platform}: {source}: {then}");
            made.notes.push(note);
        }
        Ok(found)
    }

    pub(super) fn of_catalog(
        &self,
        name: &ToolName,
        version: &Version,
        platform: Platform,
    ) -> Result<Option<Artifact>, Problem> {
        let source = self.catalog.source(name, version, platform);
        match source.map_err(|source| Problem::Catalog { source })? {
            Some(Source::Artifact(artifact)) => Ok(Some(artifact)),
            _ => Ok(None),
        }
    }

    /// The pin with the better proof; both must be of the same bytes.
    pub(super) fn merged(
        &self,
        name: &ToolName,
        version: &Version,
        target: Target,
        before: &Artifact,
        new: Artifact,
    ) -> Result<Artifact, Problem> {
        if before.digest != new.digest {
            return Err(self.disagreement(name, version, target, &before.digest, &new));
        }
        let size = before.size.or(new.size);
        let is_better = Strength::of(&new.proof) > Strength::of(&before.proof);
        let better = if is_better { new } else { before.clone() };
        Ok(Artifact { size, ..better })
    }

    fn disagreement(
        &self,
        name: &ToolName,
        version: &Version,
        target: Target,
        pinned: &Digest,
        other: &Artifact,
    ) -> Problem {
        Problem::Disagree(Box::new(Clash {
            at: self.old.map(|old| old.digest_at(name, target)),
            tool: name.clone(),
            version: version.clone(),
            target,
            pinned: pinned.clone(),
            other: other.digest.clone(),
            proof: other.proof.clone(),
        }))
    }

    /// A pin for all platforms must be one of those that the catalog has.
    pub(super) fn check_any(
        &self,
        name: &ToolName,
        version: &Version,
        all: &Artifact,
    ) -> Result<(), Problem> {
        let known = Platform::ALL.map(|platform| self.of_catalog(name, version, platform));
        let known = known.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut known = known.into_iter().flatten().peekable();
        match known.peek().cloned() {
            Some(first) if known.all(|one| one.digest != all.digest) => {
                Err(self.disagreement(name, version, Target::Any, &all.digest, &first))
            }
            _ => Ok(()),
        }
    }
}

fn failed(
    name: &ToolName,
    version: &Version,
    platform: Platform,
    source: crate::tools::lookup::Error,
) -> Problem {
    Problem::Lookup {
        tool: name.clone(),
        version: version.clone(),
        platform,
        source: Box::new(source),
    }
}

/// Refuses the versions that cannot be pinned whatever vouches for them.
pub(super) fn check_series(name: &ToolName, tool: &Tool, version: &Version) -> Result<(), Problem> {
    match &tool.vendor_says.series {
        Some(series) if !series.has(version) => Err(Problem::OtherSeries {
            tool: name.clone(),
            version: version.clone(),
            why: series.why.clone(),
        }),
        _ => Ok(()),
    }
}

/// Pins a package lock, which is to be written beside the lock.
pub(super) fn beside(
    name: &ToolName,
    version: &Version,
    text: String,
    proof: &str,
    made: &mut Made,
) -> LockedSource {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(text.as_bytes());
    let file = TreePath::of_package_lock(name, version);
    made.package_locks.insert(file.clone(), text);
    LockedSource::PackageLock {
        file,
        digest: hasher.finish(),
        proof: proof.to_owned(),
    }
}
