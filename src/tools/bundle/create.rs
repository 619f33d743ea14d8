//! Making a bundle: choose, fetch, compose, write the lock that fits, and put all of it in place.

use std::collections::BTreeMap;

use super::choose::Parts;
use super::{Bundle, Error, Form, LOCK, Place};
use crate::cache::{Cache, Verified};
use crate::deadline::Deadline;
use crate::digest::Digest;
use crate::files::Staging;
use crate::http::Client;
use crate::platform::Platform;
use crate::tools::Artifact;
use crate::tools::catalog::Catalog;
use crate::tools::lockfile::{self, Locked, LockedSource, Lockfile, Target};
use crate::tools::mirror::MirrorTemplate;
use crate::tools::names::ToolName;
use crate::tools::npm::Registry;
use crate::tools::outcome::{Activity, Observer};
use crate::tools::package_lock::PackageLock;
use crate::tools::proof;
use crate::tools::wanted::Wanted;

/// What the lock of a bundle begins with.
pub(super) const HEADER: &str = "\
# Written by `bootstrap bundle create`: what this bundle has, and nothing else. Files that lie in it are
# named by their path from here.
";

/// What bundles are made with.
pub struct Maker<'a> {
    /// What this program carries.
    pub catalog: &'a Catalog,
    /// What is to be bundled.
    pub lock: &'a Lockfile,
    /// The network.
    pub client: &'a Client,
    /// Where downloads are looked up and kept.
    pub cache: &'a Cache,
    /// Where downloads are tried before their vendors' addresses, in order.
    pub mirrors: &'a [MirrorTemplate],
    /// Never use the vendors' addresses.
    pub no_origin: bool,
    /// Where npm packages come from.
    pub registry: &'a Registry,
    /// The environment that npm is asked in for its registry.
    pub variables: &'a BTreeMap<String, String>,
    /// When all must have ended.
    pub deadline: Deadline,
    /// Whom to tell what happens.
    pub observer: &'a Observer<'a>,
    /// The time of the files of a tar, in seconds since 1970.
    pub modified: u64,
}

/// A bundle that is in place.
#[derive(Debug)]
pub struct Made {
    /// What it has, by tool and platform.
    pub rows: Vec<Row>,
    /// The number of files besides the lock.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Whether it was there already, the same.
    pub is_unchanged: bool,
}

/// One artifact of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The tool.
    pub tool: ToolName,
    /// Its version.
    pub version: String,
    /// The platform, or `any`.
    pub target: Target,
    /// The artifact.
    pub artifact: Artifact,
}

impl Maker<'_> {
    /// Makes the bundle.
    pub fn create(
        &self,
        named: &[Wanted],
        platforms: &[Platform],
        place: &Place,
    ) -> Result<Made, Error> {
        let place = place.resolved();
        place.check(self.cache)?;
        let chosen = self.choose(named, platforms)?;
        let work = Staging::beside(&place.path).map_err(Error::Output)?;
        let mut contents: BTreeMap<String, Verified> = BTreeMap::new();
        let mut tools = BTreeMap::new();
        for (tool, chosen) in chosen {
            let mut artifacts = BTreeMap::new();
            match chosen.parts {
                Parts::Artifacts(parts) => {
                    for (target, (artifact, release)) in parts {
                        let file = self.fetch(&release, &artifact, Some(&target.to_string()))?;
                        artifacts.insert(target, self.carried(&place, artifact, &file)?);
                        contents.insert(file.digest().path(), file);
                    }
                }
                Parts::Packages {
                    lock,
                    release,
                    pinned,
                } => {
                    let file = self.compose(&release, &lock, &work)?;
                    let made = self.composed(&place, &lock, &pinned, &file)?;
                    artifacts.insert(Target::Any, made);
                    contents.insert(file.digest().path(), file);
                }
            }
            (self.observer)(tool.as_str(), Activity::Settled);
            let locked = Locked {
                version: chosen.locked.version.clone(),
                source: LockedSource::Artifacts(artifacts),
                description: chosen.locked.description.clone(),
            };
            tools.insert(tool, locked);
        }
        let lockfile = Lockfile {
            file: place.directory().join(LOCK),
            tools,
        };
        let text = lockfile.to_text().map_err(Error::Unwritable)?;
        let text = format!("{HEADER}{text}");
        let contents: Vec<_> = contents.into_iter().collect();
        let is_unchanged = self.is_there(&place, &text)?;
        if !is_unchanged {
            place.write(&text, &contents, self.modified, self.deadline)?;
        }
        Ok(Made {
            rows: rows(&lockfile),
            files: contents.len(),
            bytes: contents.iter().map(|(_, file)| file.len()).sum(),
            is_unchanged,
        })
    }

    /// Whether this very bundle is there already, whole. Another one is an error, unless it may be replaced.
    fn is_there(&self, place: &Place, text: &str) -> Result<bool, Error> {
        let Ok(there) = Bundle::open(&place.path) else {
            return Ok(false);
        };
        let is_same = there.text() == text && self.is_whole(&there)?;
        if is_same || place.replace {
            return Ok(is_same);
        }
        Err(Error::Occupied {
            path: place.path.clone(),
            why: "it is another bundle, or a damaged one",
        })
    }

    fn is_whole(&self, bundle: &Bundle) -> Result<bool, Error> {
        let verdict = bundle.verify(self.catalog, self.deadline);
        let verdict = verdict.map_err(Error::There)?;
        // A directory is read without an eye on the time.
        self.deadline.check().map_err(Error::Deadline)?;
        Ok(verdict.findings.is_empty())
    }

    /// The pin of an artifact as the bundle has it: with its size, and without an address that means
    /// something on this machine alone.
    fn carried(
        &self,
        place: &Place,
        artifact: Artifact,
        file: &Verified,
    ) -> Result<Artifact, Error> {
        let url = if artifact.url.scheme() == "file" {
            self.address(place, file)?
        } else {
            artifact.url
        };
        Ok(Artifact {
            url,
            size: Some(file.len()),
            ..artifact
        })
    }

    fn composed(
        &self,
        place: &Place,
        lock: &PackageLock,
        (digest, proof): &(Digest, String),
        file: &Verified,
    ) -> Result<Artifact, Error> {
        Ok(Artifact {
            url: self.address(place, file)?,
            digest: file.digest().clone(),
            size: Some(file.len()),
            proof: format!(
                "{} of {} packages, each by its integrity in the package lock {digest} ({proof})",
                proof::BUNDLE,
                lock.packages.len(),
            ),
        })
    }

    #[expect(clippy::unused_self, reason = "its siblings take it")]
    fn address(&self, place: &Place, file: &Verified) -> Result<url::Url, Error> {
        lockfile::beside(file.digest(), place.directory()).ok_or_else(|| Error::NotAbsolute {
            path: place.path.clone(),
        })
    }
}

impl Place {
    /// The directory that the paths of the lock are taken from.
    fn directory(&self) -> &std::path::Path {
        match self.form {
            Form::Directory => &self.path,
            // Where it is unpacked is not known, and makes no difference.
            Form::Tar => self.path.parent().unwrap_or(&self.path),
        }
    }
}

/// What a lock of artifacts has, by tool and platform.
pub(super) fn rows(lockfile: &Lockfile) -> Vec<Row> {
    let mut rows = Vec::new();
    for (tool, locked) in &lockfile.tools {
        if let LockedSource::Artifacts(artifacts) = &locked.source {
            rows.extend(artifacts.iter().map(|(target, artifact)| Row {
                tool: tool.clone(),
                version: locked.version.to_string(),
                target: *target,
                artifact: artifact.clone(),
            }));
        }
    }
    rows
}
