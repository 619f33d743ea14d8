//! `bootstrap.yaml`: what a person wants on this machine.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use url::Url;

use crate::strict_yaml::{self, Invalid, Step};
use crate::timespan::Timespan;
use crate::tools::mirror::MirrorTemplate;
use crate::tools::names::ToolName;
use crate::tools::version::Version;
use crate::tools::wanted::Wanted;

/// The newest format version that this program reads.
pub const FORMAT: u32 = 1;

/// The content of the file: every key may be absent, and then a flag, a variable or a default decides.
/// Relative paths are relative to the directory of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// What to install.
    pub tools: Option<Vec<Wanted>>,
    /// Where artifacts may come from, tried in order.
    pub mirrors: Option<Vec<MirrorTemplate>>,
    /// The time that the whole run may take.
    pub deadline: Option<Timespan>,
    /// The lock.
    pub lock: Option<PathBuf>,
    /// Whether what the lock does not pin is refused.
    pub locked: Option<bool>,
    /// Where tools are installed.
    pub prefix: Option<PathBuf>,
    /// A second directory for links.
    pub bin_dir: Option<PathBuf>,
    /// Where finished downloads are kept.
    pub cache_dir: Option<PathBuf>,
    /// Whether only mirrors are asked.
    pub no_origin: Option<bool>,
    /// Whether the network is left alone.
    pub offline: Option<bool>,
    /// The base URL of the registry that npm packages come from.
    pub npm_registry: Option<Url>,
    /// Further certification authorities, as PEM.
    pub ca_bundle: Option<PathBuf>,
    /// What a finding does to the run.
    pub on_failure: Option<OnFailure>,
    /// Whether parts that running does not need are left out.
    pub slim: Option<bool>,
    /// Where the report is written.
    pub report: Option<PathBuf>,
}

/// What a finding does to the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// Required tools are fatal, the rest warns.
    #[default]
    Default,
    /// Everything is fatal.
    Fail,
    /// Nothing is fatal.
    Continue,
}

impl Config {
    /// Reads the text of the configuration at `file`.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Invalid> {
        let document: Document = strict_yaml::parse(file, text, FORMAT)?;
        let directory = file.parent().unwrap_or(Path::new(""));
        let beside = |path: Option<PathBuf>| path.map(|path| directory.join(path));
        let tools = document.tools.map(|tools| {
            let tools = tools.into_iter().enumerate();
            tools.map(|(index, ToolEntry(wanted))| Wanted {
                at: Some(strict_yaml::locate(
                    file,
                    text,
                    &[Step::Key("tools"), Step::Item(index)],
                )),
                ..wanted
            })
        });
        Ok(Self {
            tools: tools.map(Iterator::collect),
            mirrors: document.mirrors,
            deadline: document.deadline,
            lock: beside(document.lock),
            locked: document.locked,
            prefix: beside(document.prefix),
            bin_dir: beside(document.bin_dir),
            cache_dir: beside(document.cache_dir),
            no_origin: document.no_origin,
            offline: document.offline,
            npm_registry: document.npm_registry,
            ca_bundle: beside(document.ca_bundle),
            on_failure: document.on_failure,
            slim: document.slim,
            report: beside(document.report),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "version")]
    _version: u32,
    tools: Option<Vec<ToolEntry>>,
    mirrors: Option<Vec<MirrorTemplate>>,
    deadline: Option<Timespan>,
    lock: Option<PathBuf>,
    locked: Option<bool>,
    prefix: Option<PathBuf>,
    bin_dir: Option<PathBuf>,
    cache_dir: Option<PathBuf>,
    no_origin: Option<bool>,
    offline: Option<bool>,
    #[serde(default, deserialize_with = "strict_yaml::optional_text")]
    npm_registry: Option<Url>,
    ca_bundle: Option<PathBuf>,
    on_failure: Option<OnFailure>,
    slim: Option<bool>,
    report: Option<PathBuf>,
}

/// `TOOL[@VERSION]`, or the same as a mapping. A derived enum would lose the place of an error.
struct ToolEntry(Wanted);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolMapping {
    tool: ToolName,
    version: Option<Version>,
    #[serde(default)]
    optional: bool,
}

impl<'de> Deserialize<'de> for ToolEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ToolEntryVisitor)
    }
}

struct ToolEntryVisitor;

impl<'de> Visitor<'de> for ToolEntryVisitor {
    type Value = ToolEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TOOL[@VERSION], or a mapping with `tool`, `version` and `optional`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ToolEntry, E> {
        text.parse().map(ToolEntry).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ToolEntry, A::Error> {
        let mapping = ToolMapping::deserialize(MapAccessDeserializer::new(map))?;
        Ok(ToolEntry(Wanted {
            name: mapping.tool,
            version: mapping.version,
            optional: mapping.optional,
            at: None,
        }))
    }
}
