//! The catalog: the tools and versions that this program carries the pins of.

use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::read::DeflateDecoder;
use serde::Deserialize;
use url::Url;

use crate::digest::Digest;
use crate::platform::{Arch, Platform};
use crate::tools::description::{
    Contradiction, Description, LayoutName, LimitsEntry, NeedEntry, ProgramEntry, SmokeEntry,
};
use crate::tools::names::{ProgramName, ToolName, TreePath};
use crate::tools::package_lock::{self, PackageLock};
use crate::tools::template::Template;
use crate::tools::vendor::{Latest, Proof, Series, SignatureEntry, VendorSays};
use crate::tools::version::Version;
use crate::tools::{Artifact, Source};

/// The description of the tools.
const TOOLS: &str = include_str!("../../manifests/tools.yaml");

/// The digests, by tool.
const DIGESTS: [(&str, &str); 4] = [
    (
        "aws-cli",
        include_str!("../../manifests/digests/aws-cli.tsv"),
    ),
    (
        "aws-iam-authenticator",
        include_str!("../../manifests/digests/aws-iam-authenticator.tsv"),
    ),
    (
        "kubectl",
        include_str!("../../manifests/digests/kubectl.tsv"),
    ),
    ("node", include_str!("../../manifests/digests/node.tsv")),
];

/// The package locks, by tool and version, as `build.rs` makes them.
const PACKAGE_LOCKS: [(&str, &str, &[u8]); 2] = [
    (
        "serverless",
        "2.50.0",
        include_bytes!(concat!(
            env!("OUT_DIR"),
            "/serverless-2.50.0.package-lock.json.deflate"
        )),
    ),
    (
        "serverless",
        "3.40.0",
        include_bytes!(concat!(
            env!("OUT_DIR"),
            "/serverless-3.40.0.package-lock.json.deflate"
        )),
    ),
];

/// The tools that this program knows.
#[derive(Clone, Debug)]
pub struct Catalog {
    tools: BTreeMap<ToolName, Tool>,
}

/// One tool of the catalog.
#[derive(Clone, Debug)]
pub struct Tool {
    /// What it is for, in a few words.
    pub about: String,
    /// Who publishes it.
    pub vendor: String,
    /// Where to read about it.
    pub homepage: String,
    /// The version that is installed when none is asked for.
    pub default: Version,
    /// Where its artifacts are; none for an npm tool.
    pub url: Option<Template>,
    /// What its vendor says of a version.
    pub vendor_says: VendorSays,
    /// How it is laid out and run.
    pub description: Description,
}

/// A version in the catalog, with the platforms that have an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// The version.
    pub version: Version,
    /// The platforms.
    pub platforms: Vec<Platform>,
}

impl Catalog {
    /// The catalog that is compiled in.
    pub fn builtin() -> Result<Self, Error> {
        let document: Document =
            serde_yaml::from_str(TOOLS).map_err(|source| Error::Tools { source })?;
        let mut tools = BTreeMap::new();
        for (name, entry) in document.tools {
            let tool = entry.tool();
            let checked = tool.description.check();
            checked.map_err(|source| Error::Contradiction {
                tool: name.clone(),
                source,
            })?;
            tools.insert(name, tool);
        }
        Ok(Self { tools })
    }

    /// The tools, by name.
    pub const fn tools(&self) -> &BTreeMap<ToolName, Tool> {
        &self.tools
    }

    /// All versions of a tool, oldest first; empty for a tool that is not in the catalog.
    pub fn versions(&self, tool: &ToolName) -> Vec<Pinned> {
        let rows = rows(tool).filter_map(|row| {
            let [amd64, arm64] = row.digests.map(|digest| digest != "-");
            let platforms = Platform::ALL
                .into_iter()
                .filter(|platform| match platform.arch {
                    Arch::Amd64 => amd64,
                    Arch::Arm64 => arm64,
                });
            Some(Pinned {
                version: row.version.parse().ok()?,
                platforms: platforms.collect(),
            })
        });
        let locks = PACKAGE_LOCKS
            .iter()
            .filter(|(name, ..)| *name == tool.as_str());
        let locks = locks.filter_map(|(_, version, _)| {
            Some(Pinned {
                version: version.parse().ok()?,
                platforms: Platform::ALL.to_vec(),
            })
        });
        rows.chain(locks).collect()
    }

    /// The text of the package lock for this version; none when it has no such pin.
    pub fn package_lock(
        &self,
        name: &ToolName,
        version: &Version,
    ) -> Result<Option<String>, Error> {
        let lock = PACKAGE_LOCKS
            .iter()
            .find(|(tool, known, _)| *tool == name.as_str() && *known == version.as_str());
        let Some((_, _, deflated)) = lock.filter(|_| self.tools.contains_key(name)) else {
            return Ok(None);
        };
        let mut text = String::new();
        let read = DeflateDecoder::new(*deflated).read_to_string(&mut text);
        read.map_err(|source| Error::Deflated { source })?;
        Ok(Some(text))
    }

    /// What the catalog pins for this version and platform; none when it has no such pin.
    pub fn source(
        &self,
        name: &ToolName,
        version: &Version,
        platform: Platform,
    ) -> Result<Option<Source>, Error> {
        if let Some(text) = self.package_lock(name, version)? {
            let lock = PackageLock::parse(&text).map_err(|source| Error::PackageLock { source })?;
            return Ok(Some(Source::Packages(lock)));
        }
        let url = self.tools.get(name).and_then(|tool| tool.url.as_ref());
        let row = rows(name).find(|row| row.version == version.as_str());
        let (Some(url), Some(row)) = (url, row) else {
            return Ok(None);
        };
        let [amd64, arm64] = row.digests;
        let hex = match platform.arch {
            Arch::Amd64 => amd64,
            Arch::Arm64 => arm64,
        };
        if hex == "-" {
            return Ok(None);
        }
        let broken = || Error::Row {
            tool: name.clone(),
            version: version.clone(),
        };
        let digest: Digest = format!("sha256:{hex}").parse().map_err(|_| broken())?;
        let url = Url::parse(&url.expand(version.as_str(), platform)).map_err(|_| broken())?;
        let proof = match row.note {
            Some(note) => format!("catalog, {note}"),
            None => "catalog".to_owned(),
        };
        Ok(Some(Source::Artifact(Artifact {
            url,
            digest,
            size: None,
            proof,
        })))
    }
}

/// One line of a digest table.
struct Row {
    version: &'static str,
    digests: [&'static str; 2],
    note: Option<&'static str>,
}

/// The lines of a tool's digest table. A linear scan of the longest takes microseconds.
fn rows(tool: &ToolName) -> impl Iterator<Item = Row> {
    let table = DIGESTS.iter().find(|(name, _)| *name == tool.as_str());
    let lines = table.map_or("", |(_, table)| table).lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut fields = line.split('\t');
            Some(Row {
                version: fields.next()?,
                digests: [fields.next()?, fields.next()?],
                note: fields.next(),
            })
        })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "version")]
    _version: u32,
    tools: BTreeMap<ToolName, Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    about: String,
    vendor: String,
    homepage: String,
    default: Version,
    url: Option<Template>,
    signature: Option<SignatureEntry>,
    checksums: Option<Template>,
    latest: Option<Latest>,
    series: Option<Series>,
    layout: LayoutName,
    strip: Option<Template>,
    programs: BTreeMap<ProgramName, ProgramEntry>,
    smoke: SmokeEntry,
    #[serde(default)]
    needs: Vec<NeedEntry>,
    #[serde(default)]
    slim: Vec<TreePath>,
    limits: LimitsEntry,
}

impl Entry {
    fn tool(self) -> Tool {
        Tool {
            about: self.about,
            vendor: self.vendor,
            homepage: self.homepage,
            default: self.default,
            url: self.url,
            vendor_says: VendorSays {
                proof: match (self.signature, self.checksums) {
                    (Some(entry), _) => Some(Proof::Signature(entry)),
                    (None, checksums) => checksums.map(Proof::Checksums),
                },
                latest: self.latest,
                series: self.series,
            },
            description: Description {
                layout: self.layout,
                strip: self.strip,
                programs: self.programs,
                smoke: self.smoke,
                needs: self.needs,
                slim: self.slim,
                limits: self.limits,
            },
        }
    }
}

/// The catalog itself is broken: a bug of this program, which its tests rule out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The description of the tools does not parse.
    #[error("the catalog's tools.yaml is broken")]
    Tools {
        /// Where and why.
        source: serde_yaml::Error,
    },
    /// The description of a tool contradicts itself.
    #[error("the catalog's description of {tool} contradicts itself")]
    Contradiction {
        /// The tool.
        tool: ToolName,
        /// How.
        source: Contradiction,
    },
    /// A digest or the URL of a version does not parse.
    #[error("the catalog's entry for {tool} {version} is broken")]
    Row {
        /// The tool.
        tool: ToolName,
        /// The version.
        version: Version,
    },
    /// A package lock does not inflate.
    #[error("a package lock of the catalog is broken")]
    Deflated {
        /// Why.
        source: std::io::Error,
    },
    /// A package lock does not parse.
    #[error("a package lock of the catalog is broken")]
    PackageLock {
        /// Why.
        source: package_lock::Error,
    },
}

#[cfg(test)]
mod tests;
