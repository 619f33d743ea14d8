//! What goes into a bundle: the tools that are named and what they need, as far as the lock pins them.

use std::collections::{BTreeMap, VecDeque};

use super::{Error, Maker};
use crate::digest::Digest;
use crate::platform::Platform;
use crate::tools::lockfile::{Locked, LockedSource, Target};
use crate::tools::names::ToolName;
use crate::tools::package_lock::PackageLock;
use crate::tools::resolve::Pins;
use crate::tools::wanted::Wanted;
use crate::tools::{Artifact, Release, Source};

/// One tool of a bundle.
pub(super) struct Chosen<'a> {
    /// What the lock says of it.
    pub(super) locked: &'a Locked,
    /// What of it is carried.
    pub(super) parts: Parts,
}

/// What of a tool is carried.
pub(super) enum Parts {
    /// These files.
    Artifacts(BTreeMap<Target, (Artifact, Release)>),
    /// These packages, as one file.
    Packages {
        /// The packages.
        lock: PackageLock,
        /// The release, for whichever platform.
        release: Box<Release>,
        /// The digest of their lock, and why that is believed.
        pinned: (Digest, String),
    },
}

impl<'a> Maker<'a> {
    /// The tools; without names all of the lock, without platforms all that each has.
    pub(super) fn choose(
        &self,
        named: &[Wanted],
        platforms: &[Platform],
    ) -> Result<BTreeMap<ToolName, Chosen<'a>>, Error> {
        let all = self.lock.tools.keys().map(|name| Wanted::any(name.clone()));
        let mut left: VecDeque<(Wanted, Option<ToolName>)> = if named.is_empty() {
            all.map(|wanted| (wanted, None)).collect()
        } else {
            named.iter().cloned().map(|wanted| (wanted, None)).collect()
        };
        if left.is_empty() {
            return Err(Error::Nothing);
        }
        let mut chosen = BTreeMap::new();
        while let Some((wanted, needed_by)) = left.pop_front() {
            let tool = wanted.name.clone();
            let Some(locked) = self.lock.tools.get(&tool) else {
                return Err(Error::NotLocked { tool, needed_by });
            };
            if let Some(version) = wanted.version.filter(|version| *version != locked.version) {
                let locked = locked.version.clone();
                return Err(Error::OtherVersion {
                    tool,
                    wanted: version,
                    locked,
                });
            }
            if chosen.contains_key(&tool) {
                continue;
            }
            let releases = self.releases(&tool, locked, platforms)?;
            for need in releases.iter().flat_map(|release| &release.needs) {
                let wanted = Wanted::any(need.tool.clone());
                left.push_back((wanted, Some(tool.clone())));
            }
            let parts = Parts::new(locked, releases);
            chosen.insert(tool, Chosen { locked, parts });
        }
        Ok(chosen)
    }

    /// The releases of a tool for these platforms, or for all that it has; of packages one will do.
    fn releases(
        &self,
        tool: &ToolName,
        locked: &Locked,
        platforms: &[Platform],
    ) -> Result<Vec<Release>, Error> {
        let own = locked.source.platforms();
        let platforms = if platforms.is_empty() {
            &own
        } else {
            platforms
        };
        let is_one = matches!(locked.source, LockedSource::PackageLock { .. });
        let count = if is_one { 1 } else { platforms.len() };
        let wanted = Wanted::any(tool.clone());
        let releases = platforms.iter().take(count).map(|platform| {
            let pins = Pins {
                catalog: self.catalog,
                lock: Some(self.lock),
                locked: true,
                platform: *platform,
            };
            pins.resolve(&wanted).map_err(Error::Unresolved)
        });
        releases.collect()
    }
}

impl Parts {
    fn new(locked: &Locked, releases: Vec<Release>) -> Self {
        let mut artifacts = BTreeMap::new();
        for release in releases {
            match &release.source {
                Source::Packages(lock) => {
                    let pinned = match &locked.source {
                        LockedSource::PackageLock { digest, proof, .. } => {
                            (digest.clone(), proof.clone())
                        }
                        LockedSource::Artifacts(_) => (lock.digest(), String::new()),
                    };
                    return Self::Packages {
                        lock: lock.clone(),
                        release: Box::new(release),
                        pinned,
                    };
                }
                Source::Artifact(artifact) => {
                    let own = Target::One(release.platform);
                    let has_own = locked.source.artifact(own).is_some();
                    let target = if has_own { own } else { Target::Any };
                    artifacts.insert(target, (artifact.clone(), release));
                }
            }
        }
        Self::Artifacts(artifacts)
    }
}
