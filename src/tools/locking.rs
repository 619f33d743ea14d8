//! Making a lock: what was asked for and what that needs, each with the pins of all platforms.
//!
//! What the lock has stays as it is, unless another version is asked for. The rest comes from the
//! catalog, else from the vendor by way of `lookup`, else from a file that somebody gave.

mod ask;
mod error;
mod given;
mod pins;
mod proven;
mod stale;

pub use ask::{Ask, Choice, InvalidAsk};
pub use error::{Error, Problem};
pub use given::Given;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::Path;

use serde::Serialize;

use crate::strict_yaml::{self, Invalid, Location, Step};
use crate::tools::catalog::Catalog;
use crate::tools::description::NeedEntry;
use crate::tools::lockfile::{Locked, LockedSource, Lockfile, Target};
use crate::tools::lookup::Vendors;
use crate::tools::names::{ToolName, TreePath};
use crate::tools::outcome::Activity;

/// A lock that is there, with its text.
#[derive(Debug)]
pub struct Old {
    /// What it pins.
    pub lockfile: Lockfile,
    text: String,
}

impl Old {
    /// Reads the text of the lock at `file`.
    pub fn parse(file: &Path, text: String) -> Result<Self, Invalid> {
        let lockfile = Lockfile::parse(file, &text)?;
        Ok(Self { lockfile, text })
    }

    /// The text of the file.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the digest for a target is.
    fn digest_at(&self, name: &ToolName, target: Target) -> Location {
        self.artifact_at(name, target, "digest")
    }

    /// Where something that is said of the artifact for a target is.
    fn artifact_at(&self, name: &ToolName, target: Target, key: &str) -> Location {
        let target = target.to_string();
        self.locate(&["tools", name.as_str(), "artifacts", &target, key])
    }

    /// Where something that is said of a package lock is.
    fn package_lock_at(&self, name: &ToolName, key: &str) -> Location {
        self.locate(&["tools", name.as_str(), "package_lock", key])
    }

    fn locate(&self, keys: &[&str]) -> Location {
        let steps: Vec<_> = keys.iter().copied().map(Step::Key).collect();
        strict_yaml::locate(&self.lockfile.file, &self.text, &steps)
    }
}

/// What locks are made with.
pub struct Locker<'a> {
    /// What this program carries.
    pub catalog: &'a Catalog,
    /// The lock that is there.
    pub old: Option<&'a Old>,
    /// Whom to ask for the rest.
    pub vendors: &'a Vendors<'a>,
    /// Whether what the lock has is looked up anew.
    pub update: bool,
}

/// A lock that was made, and is not written yet.
#[derive(Debug)]
pub struct Made {
    /// What it pins, in the place of the old one.
    pub tools: BTreeMap<ToolName, Locked>,
    /// The package locks beside it that are new, by name.
    pub package_locks: BTreeMap<TreePath, String>,
    /// The pins of the tools that were asked for.
    pub pins: Vec<Pin>,
    /// What a reviewer should know.
    pub notes: Vec<String>,
}

/// One pin, for the result.
#[derive(Debug, Serialize)]
pub struct Pin {
    /// The tool.
    pub tool: String,
    /// Its version.
    pub version: String,
    /// The platform, or `any`.
    pub platform: String,
    /// What its bytes must hash to.
    pub digest: String,
    /// Its length in bytes, where it is known.
    pub size: Option<u64>,
    /// Why that is believed.
    pub proof: String,
    /// What became of it.
    pub state: PinState,
}

/// What became of a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PinState {
    /// It was not there.
    Added,
    /// It was there, with something else in it.
    Changed,
    /// It was there.
    Unchanged,
}

impl PinState {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
        }
    }
}

impl Locker<'_> {
    /// Pins all of it, and what that needs.
    pub fn lock(&self, asks: &[Ask], given: Option<&Given>) -> Result<Made, Error> {
        check_once(asks)?;
        let old = self.old.map(|old| old.lockfile.tools.clone());
        let mut made = Made {
            tools: old.unwrap_or_default(),
            package_locks: BTreeMap::new(),
            pins: Vec::new(),
            notes: Vec::new(),
        };
        let mut left: VecDeque<Ask> = asks.iter().cloned().collect();
        let mut done: Vec<Ask> = Vec::new();
        while let Some(ask) = left.pop_front() {
            if done.iter().any(|known| known.name == ask.name) {
                continue;
            }
            let given = given.filter(|_| asks.contains(&ask));
            let pinned = match given {
                Some(given) => self.pin_given(&ask, given, &mut made),
                None => self.pin(&ask, &mut made),
            };
            (self.vendors.observer)(ask.name.as_str(), Activity::Settled);
            let locked = pinned.map_err(|problem| problem.of(&ask))?;
            self.check_apart(&ask.name, &locked)
                .map_err(|problem| problem.of(&ask))?;
            for need in self.needs(&ask.name, &locked) {
                if !asks.iter().any(|asked| asked.name == need.tool) {
                    left.push_back(self.ask_for(need, &ask));
                }
            }
            made.tools.insert(ask.name.clone(), locked);
            done.push(ask);
        }
        for ask in &done {
            self.check_needs(ask, &made)?;
            made.pins.extend(self.pins_of(ask, &made));
        }
        // What holds for both platforms is told once.
        let mut told = HashSet::new();
        made.notes.retain(|note| told.insert(note.clone()));
        made.pins
            .sort_by(|one, other| (&one.tool, &one.platform).cmp(&(&other.tool, &other.platform)));
        Ok(made)
    }

    /// What a version of a tool needs: the lock's description wins over the catalog's.
    fn needs<'b>(&'b self, name: &ToolName, locked: &'b Locked) -> Vec<&'b NeedEntry> {
        let known = self.catalog.tools().get(name).map(|tool| &tool.description);
        let description = locked.description.as_ref().or(known);
        let needs = description.into_iter().flat_map(|known| &known.needs);
        needs
            .filter(|need| need.applies_to(&locked.version))
            .collect()
    }

    /// The need as a question: what the lock has will do unless it is too old.
    fn ask_for(&self, need: &NeedEntry, of: &Ask) -> Ask {
        let locked = self.old.and_then(|old| old.lockfile.tools.get(&need.tool));
        let is_too_old = locked.is_some_and(|locked| locked.version < need.at_least);
        let default = self.catalog.tools().get(&need.tool);
        let choice = match default {
            Some(tool) if is_too_old => Choice::Exact(tool.default.clone()),
            _ => Choice::Any,
        };
        Ask {
            name: need.tool.clone(),
            choice,
            at: of.at.clone(),
        }
    }

    fn check_needs(&self, ask: &Ask, made: &Made) -> Result<(), Error> {
        let Some(locked) = made.tools.get(&ask.name) else {
            return Ok(());
        };
        for need in self.needs(&ask.name, locked) {
            if let Some(found) = made.tools.get(&need.tool)
                && found.version < need.at_least
            {
                let problem = Problem::TooOld {
                    tool: ask.name.clone(),
                    version: locked.version.clone(),
                    need: Box::new(need.need()),
                    found: found.version.clone(),
                };
                return Err(problem.of(ask));
            }
        }
        Ok(())
    }

    fn pins_of(&self, ask: &Ask, made: &Made) -> Vec<Pin> {
        let before = self.old.and_then(|old| old.lockfile.tools.get(&ask.name));
        let Some(locked) = made.tools.get(&ask.name) else {
            return Vec::new();
        };
        let pin = |platform: String, digest: String, size, proof: &str, is_there, is_same| Pin {
            tool: ask.name.to_string(),
            version: locked.version.to_string(),
            platform,
            digest,
            size,
            proof: proof.to_owned(),
            state: match (is_there, is_same) {
                (false, _) => PinState::Added,
                (true, false) => PinState::Changed,
                (true, true) => PinState::Unchanged,
            },
        };
        let is_same_version = before.is_some_and(|before| before.version == locked.version);
        match &locked.source {
            LockedSource::PackageLock { digest, proof, .. } => {
                let is_same = before == Some(locked);
                let digest = digest.to_string();
                vec![pin(
                    "any".to_owned(),
                    digest,
                    None,
                    proof,
                    before.is_some(),
                    is_same,
                )]
            }
            LockedSource::Artifacts(artifacts) => artifacts
                .iter()
                .map(|(target, artifact)| {
                    let was = before.and_then(|before| before.source.artifact(*target));
                    let is_same = is_same_version && was == Some(artifact);
                    let digest = artifact.digest.to_string();
                    let (size, proof) = (artifact.size, &artifact.proof);
                    pin(
                        target.to_string(),
                        digest,
                        size,
                        proof,
                        was.is_some(),
                        is_same,
                    )
                })
                .collect(),
        }
    }
}

/// A tool may be asked for once, or twice in the same way.
fn check_once(asks: &[Ask]) -> Result<(), Error> {
    for (index, ask) in asks.iter().enumerate() {
        let before = asks.iter().take(index);
        let mut others = before.filter(|other| other.name == ask.name);
        if let Some(other) = others.find(|other| other.choice != ask.choice) {
            let problem = Problem::Twice {
                first: other.to_string(),
                second: ask.to_string(),
            };
            return Err(problem.of(ask));
        }
    }
    Ok(())
}
