//! Whether a lock still says what is wanted, without asking anybody.

use std::collections::VecDeque;

use super::{Ask, Choice, Error, Locker, Problem};
use crate::platform::Platform;
use crate::tools::lockfile::{Locked, LockedSource, Target};
use crate::tools::suggest::list;

impl Locker<'_> {
    /// What the lock lacks, as sentences; none when it is as it should be. What it has must agree with
    /// the catalog and with the files beside it.
    pub fn stale(&self, wanted: &[Ask]) -> Result<Vec<String>, Error> {
        super::check_once(wanted)?;
        let Some(old) = self.old else {
            return Ok(vec!["there is no lock".to_owned()]);
        };
        let mut found = Vec::new();
        let mut left: VecDeque<Ask> = wanted.iter().cloned().collect();
        let mut seen = Vec::new();
        while let Some(ask) = left.pop_front() {
            let name = &ask.name;
            if seen.contains(name) {
                continue;
            }
            seen.push(name.clone());
            let Some(locked) = old.lockfile.tools.get(name) else {
                found.push(format!("{name} is not in the lock"));
                continue;
            };
            match &ask.choice {
                Choice::Exact(version) if *version != locked.version => found.push(format!(
                    "the lock pins {name} {}, and {version} is wanted",
                    locked.version
                )),
                Choice::Latest => return Err(Problem::LatestUnasked.of(&ask)),
                Choice::Exact(_) | Choice::Any => {}
            }
            let lost = self.lost_packages(name, locked);
            if let Some((file, _)) = lost.map_err(|problem| problem.of(&ask))? {
                found.push(format!("{file}, which the lock names, is not there"));
                continue;
            }
            let lacking = self.lacking(&ask, locked);
            let lacking = lacking.map_err(|problem| problem.of(&ask))?;
            let checks = [
                self.check_proofs(name, locked),
                self.check_apart(name, locked),
            ];
            for check in checks {
                check.map_err(|problem| problem.of(&ask))?;
            }
            if !lacking.is_empty() {
                found.push(format!(
                    "the lock has no {name} {} for {}",
                    locked.version,
                    list(&lacking, "and")
                ));
            }
            for need in self.needs(name, locked) {
                let pinned = old.lockfile.tools.get(&need.tool);
                if let Some(pinned) = pinned.filter(|pinned| pinned.version < need.at_least) {
                    found.push(format!(
                        "{name} {} needs {} {} or newer, and the lock pins {}",
                        locked.version, need.tool, need.at_least, pinned.version
                    ));
                }
                left.push_back(Ask {
                    name: need.tool.clone(),
                    choice: Choice::Any,
                    at: ask.at.clone(),
                });
            }
        }
        Ok(found)
    }

    /// The platforms that the catalog has this version for and the lock has not.
    fn lacking(&self, ask: &Ask, locked: &Locked) -> Result<Vec<Platform>, Problem> {
        let (name, version) = (&ask.name, &locked.version);
        let mut lacking = Vec::new();
        let Some(old) = self.old else {
            return Ok(lacking);
        };
        match &locked.source {
            LockedSource::PackageLock { .. } => {
                let read = old.lockfile.source(name, locked, Platform::host());
                read.map_err(|source| Problem::Lock {
                    source: Box::new(source),
                })?;
            }
            LockedSource::Artifacts(artifacts) => {
                if let Some(all) = artifacts.get(&Target::Any) {
                    self.check_any(name, version, all)?;
                    return Ok(lacking);
                }
                for platform in Platform::ALL {
                    let target = Target::One(platform);
                    let known = self.of_catalog(name, version, platform)?;
                    match (artifacts.get(&target), known) {
                        (Some(pinned), Some(known)) => {
                            self.merged(name, version, target, pinned, known)?;
                        }
                        (None, Some(_)) => lacking.push(platform),
                        (_, None) => {}
                    }
                }
            }
        }
        Ok(lacking)
    }
}
