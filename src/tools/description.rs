//! How a tool is laid out and run: the keys that `manifests/tools.yaml` and a lock share.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::platform::Platform;
use crate::tools::names::{ProgramName, ToolName, TreePath};
use crate::tools::template::Template;
use crate::tools::version::Version;
use crate::tools::{Layout, Limits, Need, Program, ProgramKind, Release, Smoke, Source};

/// How every release of a tool is laid out and run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// How an artifact becomes a tree.
    pub layout: LayoutName,
    /// The directory that every entry of the archive is in.
    pub strip: Option<Template>,
    /// The programs to link.
    pub programs: BTreeMap<ProgramName, ProgramEntry>,
    /// How the tool proves that it runs.
    pub smoke: SmokeEntry,
    /// The other tools it needs.
    pub needs: Vec<NeedEntry>,
    /// The parts that running does not need.
    pub slim: Vec<TreePath>,
    /// What it may not exceed.
    pub limits: LimitsEntry,
}

/// The value of `layout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LayoutName {
    /// The program itself.
    Raw,
    /// A zip archive.
    Zip,
    /// A gzipped tar archive.
    #[serde(rename = "tar.gz")]
    TarGz,
    /// The packages of a package lock.
    Npm,
}

/// One entry of `programs`: either its `kind` or what it is to `run_with`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping")]
pub struct ProgramEntry {
    /// Where it is in the tree.
    pub path: TreePath,
    /// For a program that is linked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<KindName>,
    /// For a program that is launched by another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_with: Option<ProgramName>,
}

/// The value of `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KindName {
    /// An ELF program.
    Elf,
    /// A script that names its interpreter.
    Script,
}

/// The value of `smoke`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping")]
pub struct SmokeEntry {
    /// The program to run.
    pub program: ProgramName,
    /// Its arguments.
    pub args: Vec<String>,
    /// What its output must contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Template>,
    /// The first version of the tool that this is expected of; none: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_since: Option<Version>,
    /// Environment variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
}

/// One entry of `needs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping")]
pub struct NeedEntry {
    /// The other tool.
    pub tool: ToolName,
    /// The oldest version of it that will do.
    pub at_least: Version,
    /// The first version that needs it so; none: all before `before`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Version>,
    /// The first version that no longer does; none: all from `since` on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Version>,
}

/// The value of `limits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping")]
pub struct LimitsEntry {
    /// MiB downloaded.
    pub download_mib: u32,
    /// MiB of all files once unpacked.
    pub unpacked_mib: u32,
    /// Entries of the archive.
    pub entries: u32,
}

impl Default for LimitsEntry {
    /// For a tool that a lock describes without limits: twice the largest of the catalog's.
    fn default() -> Self {
        Self {
            download_mib: 512,
            unpacked_mib: 2048,
            entries: 400_000,
        }
    }
}

impl Description {
    /// What contradicts itself, if anything does.
    pub fn check(&self) -> Result<(), Contradiction> {
        let archive = matches!(self.layout, LayoutName::Zip | LayoutName::TarGz);
        if self.layout == LayoutName::Raw && self.programs.len() != 1 {
            return Err(Contradiction::RawPrograms);
        }
        if self.strip.is_some() && !archive {
            return Err(Contradiction::Strip);
        }
        if let Some(strip) = &self.strip {
            for platform in Platform::ALL {
                let path = strip.expand("1", platform).parse::<TreePath>();
                path.map_err(|_| Contradiction::StripPath)?;
            }
        }
        if !self.programs.contains_key(&self.smoke.program) {
            let program = self.smoke.program.clone();
            return Err(Contradiction::SmokeProgram { program });
        }
        let both_or_none = |entry: &ProgramEntry| entry.kind.is_some() == entry.run_with.is_some();
        match self.programs.iter().find(|(_, entry)| both_or_none(entry)) {
            Some((program, _)) => Err(Contradiction::Kind {
                program: program.clone(),
            }),
            None => Ok(()),
        }
    }

    /// The release of `version` for `platform` that `source` holds; the description was checked.
    pub fn release(
        &self,
        tool: ToolName,
        version: Version,
        platform: Platform,
        source: Source,
    ) -> Release {
        let expand = |template: &Template| template.expand(version.as_str(), platform);
        let strip = self
            .strip
            .as_ref()
            .and_then(|strip| expand(strip).parse().ok());
        let layout = match (self.layout, &source) {
            (LayoutName::Raw, _) => Layout::Raw,
            (LayoutName::Zip, _) => Layout::Zip { strip },
            // A bundle holds the finished tree of an npm tool as one archive.
            (LayoutName::TarGz, _) | (LayoutName::Npm, Source::Artifact(_)) => {
                Layout::TarGz { strip }
            }
            (LayoutName::Npm, Source::Packages(_)) => Layout::Npm,
        };
        let programs = self.programs.iter();
        let programs = programs.map(|(name, entry)| (name.clone(), entry.program()));
        let expected = self
            .smoke
            .expect_since
            .as_ref()
            .is_none_or(|since| version >= *since);
        let needs = self.needs.iter().filter(|need| need.applies_to(&version));
        Release {
            programs: programs.collect(),
            smoke: Smoke {
                program: self.smoke.program.clone(),
                args: self.smoke.args.clone(),
                expect: self.smoke.expect.as_ref().filter(|_| expected).map(expand),
                env: self.smoke.env.clone(),
            },
            needs: needs.map(NeedEntry::need).collect(),
            slim: self.slim.clone(),
            limits: self.limits.limits(),
            tool,
            version,
            platform,
            layout,
            source,
        }
    }
}

impl ProgramEntry {
    fn program(&self) -> Program {
        let kind = match (&self.run_with, self.kind) {
            (Some(runner), _) => ProgramKind::RunWith(runner.clone()),
            (None, Some(KindName::Script)) => ProgramKind::Script,
            (None, _) => ProgramKind::Elf,
        };
        let path = self.path.clone();
        Program { path, kind }
    }
}

impl NeedEntry {
    /// Whether `version` of the tool that has the need is one of those that have it.
    pub fn applies_to(&self, version: &Version) -> bool {
        self.since.as_ref().is_none_or(|since| version >= since)
            && self.before.as_ref().is_none_or(|before| version < before)
    }

    /// What is needed.
    pub fn need(&self) -> Need {
        Need {
            tool: self.tool.clone(),
            at_least: self.at_least.clone(),
        }
    }
}

impl LimitsEntry {
    /// Bytes downloaded.
    pub fn download(self) -> u64 {
        self.limits().download
    }

    fn limits(self) -> Limits {
        let bytes = |mib: u32| u64::from(mib) << 20;
        Limits {
            download: bytes(self.download_mib),
            unpacked: bytes(self.unpacked_mib),
            entries: u64::from(self.entries),
        }
    }
}

/// The keys of a description contradict each other.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Contradiction {
    /// A raw artifact is one program.
    #[error("a tool with `layout: raw` has exactly one program")]
    RawPrograms,
    /// Nothing to strip from.
    #[error("`strip` is for archives: `layout` zip or tar.gz")]
    Strip,
    /// The directory is outside.
    #[error("`strip` takes a relative path without `..`")]
    StripPath,
    /// The program to run is not one of the tool's.
    #[error("`smoke` runs {program}, which is not among `programs`")]
    SmokeProgram {
        /// Its name.
        program: ProgramName,
    },
    /// It is not clear how to run a program.
    #[error("the program {program} takes either `kind` or `run_with`")]
    Kind {
        /// Its name.
        program: ProgramName,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        yaml_smoke_program: &str,
        program: &str,
        layout: LayoutName,
    ) -> Result<(), Contradiction> {
        let programs: BTreeMap<_, _> = serde_yaml::from_str(program).unwrap();
        let description = Description {
            layout,
            strip: None,
            programs,
            smoke: SmokeEntry {
                program: yaml_smoke_program.parse().unwrap(),
                args: Vec::new(),
                expect: None,
                expect_since: None,
                env: BTreeMap::new(),
            },
            needs: Vec::new(),
            slim: Vec::new(),
            limits: LimitsEntry::default(),
        };
        description.check()
    }

    #[test]
    fn a_contradiction_is_found() {
        assert_eq!(
            check("a", "a: {path: a, kind: elf}", LayoutName::Raw),
            Ok(())
        );
        for (smoke, programs, layout) in [
            ("b", "a: {path: a, kind: elf}", LayoutName::Zip),
            ("a", "a: {path: a}", LayoutName::Zip),
            (
                "a",
                "a: {path: a, kind: elf, run_with: node}",
                LayoutName::Zip,
            ),
            (
                "a",
                "{a: {path: a, kind: elf}, b: {path: b, kind: elf}}",
                LayoutName::Raw,
            ),
        ] {
            assert!(check(smoke, programs, layout).is_err(), "{programs}");
        }
    }
}
