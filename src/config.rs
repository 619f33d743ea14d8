//! `bootstrap.yaml`: what a person wants on this machine.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

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

impl FromStr for OnFailure {
    type Err = InvalidPolicy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "default" => Ok(Self::Default),
            "fail" => Ok(Self::Fail),
            "continue" => Ok(Self::Continue),
            _ => Err(InvalidPolicy {
                text: text.to_owned(),
            }),
        }
    }
}

/// The text names no policy.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a policy: it takes `default`, `fail` or `continue`")]
pub struct InvalidPolicy {
    text: String,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("/etc/b/bootstrap.yaml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn every_key_is_understood() {
        let config = parse(
            "version: 1
tools:
  - aws-iam-authenticator@v0.5.9
  - tool: serverless
    version: 2.50.0
    optional: true
  - { tool: kubectl, version: 1.20 }
mirrors: [\"https://artifacts.corp/{host}/{path}\", \"file:///mnt/bundle\"]
deadline: 1m30s
lock: locks/bootstrap.lock
locked: true
prefix: /opt/b
bin_dir: /usr/local/bin
cache_dir: cache
no_origin: true
offline: false
npm_registry: https://npm.corp/api/
ca_bundle: ca.pem
on_failure: continue
slim: true
report: report.json
",
        )
        .unwrap();
        let tools = config.tools.unwrap();
        let shown: Vec<_> = tools
            .iter()
            .map(|tool| {
                let at = tool.at.as_ref().unwrap();
                format!("{tool} {} {}:{}", tool.optional, at.line, at.column)
            })
            .collect();
        assert_eq!(
            shown,
            [
                "aws-iam-authenticator@0.5.9 false 3:5",
                "serverless@2.50.0 true 4:5",
                "kubectl@1.20 false 7:5"
            ]
        );
        assert_eq!(config.mirrors.unwrap().len(), 2);
        assert_eq!(config.deadline.unwrap().to_string(), "1m30s");
        assert_eq!(
            config.lock.unwrap(),
            Path::new("/etc/b/locks/bootstrap.lock")
        );
        assert_eq!(config.prefix.unwrap(), Path::new("/opt/b"));
        assert_eq!(config.bin_dir.unwrap(), Path::new("/usr/local/bin"));
        assert_eq!(config.cache_dir.unwrap(), Path::new("/etc/b/cache"));
        assert_eq!(config.ca_bundle.unwrap(), Path::new("/etc/b/ca.pem"));
        assert_eq!(config.report.unwrap(), Path::new("/etc/b/report.json"));
        assert_eq!(
            config.npm_registry.unwrap().as_str(),
            "https://npm.corp/api/"
        );
        assert_eq!(config.on_failure, Some(OnFailure::Continue));
        let switches = [config.locked, config.no_origin, config.offline, config.slim];
        assert_eq!(switches, [Some(true), Some(true), Some(false), Some(true)]);
    }

    #[test]
    fn every_key_may_be_absent() {
        assert_eq!(parse("version: 1\n"), Ok(Config::default()));
    }

    #[test]
    fn what_is_wrong_is_located() {
        for (text, error) in [
            (
                "tools:\n  - AWS\n",
                "3:5: tools[0]: `AWS` is not a tool's name: it takes lower-case letters, digits, `.` and `-`",
            ),
            (
                "tools:\n  - node\n  - 12\n",
                "4:5: tools[1]: invalid type: integer `12`, expected TOOL[@VERSION], or a mapping with `tool`, `version` and `optional`",
            ),
            (
                "tools:\n  - tool: node\n    verison: 12\n",
                "4:5: tools[0]: unknown field `verison`, expected one of `tool`, `version`, `optional`",
            ),
            (
                "tools:\n  - tool: node\n    tool: node\n",
                "4:5: tools[0]: the key `tool` is there twice",
            ),
            (
                "tools:\n  - tool: node\n    version: new\n",
                "4:14: tools[0].version: `new` is not a version: it starts with a digit, as 2.36.7 does",
            ),
            (
                "tools:\n  - version: 12\n",
                "3:5: tools[0]: missing field `tool`",
            ),
            (
                "deadline: soon\n",
                "2:11: deadline: `soon` is not a length of time: it takes one like 90s, 1m30s or 500ms",
            ),
            (
                "mirrors: [\"https://m.example/{x}\"]\n",
                "2:11: mirrors[0]: a mirror is a URL with no placeholders but {host}, {path}, {alg} and {hex}",
            ),
            (
                "npm_registry: npm\n",
                "2:15: npm_registry: relative URL without a base",
            ),
            (
                "offline: maybe\n",
                "2:10: offline: invalid type: string \"maybe\", expected a boolean",
            ),
            (
                "on_failure: retry\n",
                "2:13: on_failure: unknown variant `retry`, expected one of `default`, `fail`, `continue`",
            ),
        ] {
            let found = parse(&format!("version: 1\n{text}")).unwrap_err();
            assert_eq!(found, format!("/etc/b/bootstrap.yaml:{error}"));
        }
    }

    #[test]
    fn clusters_are_not_a_key_of_this_format_yet() {
        let error = parse("version: 1\nclusters: []\n").unwrap_err();
        assert!(error.contains(":2:1: unknown field `clusters`"), "{error}");
    }
}
