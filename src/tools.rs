//! What can be installed: a tool, a release of it, the artifacts that a release is made of.

pub mod builtin;
pub mod bundle;
pub mod catalog;
pub mod checksums;
pub mod description;
pub mod install;
pub mod listing;
mod lock_document;
pub mod lockfile;
pub mod locking;
pub mod lookup;
pub mod mirror;
pub mod names;
pub mod npm;
pub mod outcome;
pub mod package_lock;
pub mod plan;
pub mod plausible;
pub mod prefix;
pub mod proof;
pub mod receipt;
pub mod resolve;
pub mod signature;
pub mod suggest;
pub mod template;
pub mod uninstall;
pub mod vendor;
pub mod version;
pub mod wanted;

use std::collections::BTreeMap;

use url::Url;

use crate::digest::Digest;
use crate::platform::Platform;
use crate::tools::names::{ProgramName, ToolName, TreePath};
use crate::tools::package_lock::PackageLock;
use crate::tools::version::Version;

/// One version of a tool for one platform: all that installing it takes, with no placeholder left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The tool.
    pub tool: ToolName,
    /// Its version.
    pub version: Version,
    /// The platform it is for.
    pub platform: Platform,
    /// How the artifact becomes a tree.
    pub layout: Layout,
    /// What is downloaded.
    pub source: Source,
    /// What is linked into the directory for PATH, by name.
    pub programs: BTreeMap<ProgramName, Program>,
    /// How it proves that it runs.
    pub smoke: Smoke,
    /// The tools that must be installed with it.
    pub needs: Vec<Need>,
    /// The parts of the tree that running does not need: files, or directories with a final slash.
    pub slim: Vec<TreePath>,
    /// What it may not exceed.
    pub limits: Limits,
}

/// How an artifact becomes the tree of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// The artifact is the program itself: the one file of the tree, at the path of the one program.
    Raw,
    /// A zip archive.
    Zip {
        /// The directory that every entry is in and that is taken away; none keeps all names.
        strip: Option<TreePath>,
    },
    /// A gzipped tar archive.
    TarGz {
        /// As in [`Layout::Zip`].
        strip: Option<TreePath>,
    },
    /// The packages of a package lock, each unpacked at its paths.
    Npm,
}

/// What a release is downloaded as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// One file.
    Artifact(Artifact),
    /// One tarball for each package.
    Packages(PackageLock),
}

/// A file that is published, pinned by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Where its vendor publishes it: `https`, `http` or `file`.
    pub url: Url,
    /// What its bytes must hash to.
    pub digest: Digest,
    /// Its length in bytes, where it is known.
    pub size: Option<u64>,
    /// Why the digest is believed, for reports: `catalog`, or what a lock says.
    pub proof: String,
}

/// A program of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Where it is in the tree.
    pub path: TreePath,
    /// How it is run.
    pub kind: ProgramKind,
}

/// How a program is run, and so what is linked and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramKind {
    /// Linked; its class and machine are checked first.
    Elf,
    /// Linked; its first line names its interpreter.
    Script,
    /// Written as a launcher that runs it with this program, which is in the same directory.
    RunWith(ProgramName),
}

/// A harmless command that proves that a tool runs here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smoke {
    /// The program to run.
    pub program: ProgramName,
    /// Its arguments.
    pub args: Vec<String>,
    /// The text that its standard output must contain; none: exit code 0 is enough.
    pub expect: Option<String>,
    /// Environment variables it is given on top.
    pub env: BTreeMap<String, String>,
}

impl Smoke {
    /// Whether this is what the tool prints. A version that only begins like the expected one is
    /// another: `1.31.12` is not `1.31.1`.
    pub fn accepts(&self, output: &str) -> bool {
        let Some(expected) = &self.expect else {
            return true;
        };
        let is_digit = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_digit());
        let ends_in_digit = is_digit(expected.chars().last());
        output.match_indices(expected).any(|(at, found)| {
            let mut after = output.get(at + found.len()..).unwrap_or_default().chars();
            let goes_on = match after.next() {
                Some('.') => is_digit(after.next()),
                next => is_digit(next),
            };
            !(ends_in_digit && goes_on)
        })
    }
}

/// Another tool that must be there, in this version or a newer one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The other tool.
    pub tool: ToolName,
    /// The oldest version of it that will do.
    pub at_least: Version,
}

/// What a release may not exceed; an npm tool counts all its packages together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes downloaded.
    pub download: u64,
    /// Bytes of all files once unpacked.
    pub unpacked: u64,
    /// Entries of the archive.
    pub entries: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_not_another_one_that_begins_alike() {
        let smoke = |expect: &str| Smoke {
            program: "kubectl".parse().unwrap(),
            args: Vec::new(),
            expect: Some(expect.to_owned()),
            env: BTreeMap::new(),
        };
        for (expected, output, accepted) in [
            (
                "v1.31.1",
                "Client Version: v1.31.1\nKustomize Version: v5.4.2\n",
                true,
            ),
            ("v1.31.1", "GitVersion:\"v1.31.1\", ", true),
            ("v1.31.1", "v1.31.1", true),
            ("v1.31.1", "it is v1.31.1.\n", true),
            ("v1.31.1", "v1.31.1-eks-123", true),
            ("v1.31.1", "Client Version: v1.31.12\n", false),
            ("v1.31.1", "v1.31.12 and v1.31.1\n", true),
            ("1.31", "1.31.1\n", false),
            ("aws-cli/2.1.3 ", "aws-cli/2.1.3 2", true),
            ("v1.31.1", "", false),
        ] {
            assert_eq!(smoke(expected).accepts(output), accepted, "{output}");
        }
    }
}
