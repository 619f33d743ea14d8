//! `bootstrap.yaml`: what a person wants on this machine.

mod backoff;
mod clusters;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use url::Url;

use self::backoff::BackoffMapping;
use self::clusters::ClusterEntry;
use crate::arn::Region;
use crate::backoff::Wish;
use crate::cluster::kubeconfig::Exec;
use crate::cluster::version::Minimum;
use crate::cluster::{self, Cluster};
use crate::strict_yaml::{self, Invalid, Step};
use crate::timespan::Timespan;
use crate::tools::mirror::MirrorTemplate;
use crate::tools::names::ToolName;
use crate::tools::version::Version;
use crate::tools::wanted::Wanted;
use crate::verify::CredentialKind;

/// The newest format version that this program reads.
pub const FORMAT: u32 = 1;

/// The content of the file: every key may be absent, and then a flag, a variable or a default decides.
/// Relative paths are relative to the directory of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// What to install.
    pub tools: Option<Vec<Wanted>>,
    /// The clusters to deploy to.
    pub clusters: Option<Vec<Cluster>>,
    /// The kubeconfig that they are written to.
    pub kubeconfig: Option<PathBuf>,
    /// The program that gives tokens to enter them.
    pub exec: Option<Exec>,
    /// The oldest Kubernetes that a cluster may have.
    pub minimum_kubernetes: Option<Minimum>,
    /// Where AWS must have taken the credentials from.
    pub credentials: Option<CredentialKind>,
    /// The region in which the connector tries its connection.
    pub test_region: Option<Region>,
    /// Where artifacts may come from, tried in order.
    pub mirrors: Option<Vec<MirrorTemplate>>,
    /// The time that the whole run may take.
    pub deadline: Option<Timespan>,
    /// The waits between tries.
    pub backoff: Wish,
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
        let clusters = document.clusters.map(|clusters| {
            let clusters = clusters.into_iter().map(|ClusterEntry(cluster)| cluster);
            clusters.collect::<Vec<_>>()
        });
        let named = clusters.as_deref().unwrap_or_default();
        let fits = cluster::distinct(named).and_then(|()| cluster::together(named));
        if let Err((index, unfit)) = fits {
            return Err(Invalid {
                at: strict_yaml::locate(file, text, &[Step::Key("clusters"), Step::Item(index)]),
                problem: format!("clusters[{index}]: {unfit}"),
            });
        }
        let backoff = Wish::from(document.backoff);
        if let Err(contradiction) = backoff.schedule() {
            let path = [Step::Key("backoff"), Step::Key("max_delay")];
            return Err(Invalid {
                at: strict_yaml::locate(file, text, &path),
                problem: format!("backoff.max_delay: {contradiction}"),
            });
        }
        Ok(Self {
            tools: tools.map(Iterator::collect),
            clusters,
            kubeconfig: beside(document.kubeconfig),
            exec: document.exec,
            minimum_kubernetes: document.minimum_kubernetes,
            credentials: document.credentials,
            test_region: document.test_region,
            mirrors: document.mirrors,
            deadline: document.deadline,
            backoff,
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
    clusters: Option<Vec<ClusterEntry>>,
    kubeconfig: Option<PathBuf>,
    #[serde(default, deserialize_with = "strict_yaml::optional_text")]
    exec: Option<Exec>,
    #[serde(default, deserialize_with = "strict_yaml::optional_text")]
    minimum_kubernetes: Option<Minimum>,
    credentials: Option<CredentialKind>,
    #[serde(default, deserialize_with = "strict_yaml::optional_text")]
    test_region: Option<Region>,
    mirrors: Option<Vec<MirrorTemplate>>,
    deadline: Option<Timespan>,
    #[serde(default)]
    backoff: BackoffMapping,
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
    use crate::backoff::Strategy;

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
clusters:
  - name: payments
    region: us-east-1
    role_arn: arn:aws:iam::111122223333:role/deployer
    external_id: 5d2c-77
    alias: payments-prod
  - orders
  - arn:aws:eks:eu-west-1:111122223333:cluster/orders
kubeconfig: kube/config
exec: builtin
minimum_kubernetes: \"1.30\"
credentials: pod-identity
test_region: us-west-2
mirrors: [\"https://artifacts.corp/{host}/{path}\", \"file:///mnt/bundle\"]
deadline: 1m30s
backoff:
  strategy: equal-jitter
  base_delay: 100
  max_delay: 5000
  max_attempts: 5
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
        let clusters: Vec<_> = config.clusters.unwrap();
        let full = "name=payments,region=us-east-1,role-arn=arn:aws:iam::111122223333:role/deployer,\
                    external-id=5d2c-77,alias=payments-prod";
        let orders = "arn:aws:eks:eu-west-1:111122223333:cluster/orders";
        let expected = [full, "orders", orders];
        assert_eq!(clusters, expected.map(|text| text.parse().unwrap()));
        assert_eq!(config.kubeconfig.unwrap(), Path::new("/etc/b/kube/config"));
        assert_eq!(config.exec, Some(Exec::Builtin));
        assert_eq!(config.minimum_kubernetes.unwrap().to_string(), "1.30");
        assert_eq!(config.credentials, Some(CredentialKind::PodIdentity));
        assert_eq!(config.test_region.unwrap().as_str(), "us-west-2");
        assert_eq!(config.mirrors.unwrap().len(), 2);
        assert_eq!(config.deadline.unwrap().to_string(), "1m30s");
        let backoff = config.backoff.schedule().unwrap();
        assert_eq!(backoff.strategy, Strategy::EqualJitter);
        let delays = [backoff.base, backoff.max].map(|delay| delay.as_millis());
        assert_eq!(delays, [100, 5000]);
        assert_eq!(backoff.attempts.unwrap().get(), 5);
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

    fn check_place(text: &str, error: &str) {
        let found = parse(&format!("version: 1\n{text}")).unwrap_err();
        assert_eq!(found, format!("/etc/b/bootstrap.yaml:{error}"));
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
                "clusters:\n  - name: payments\n    role: x\n",
                "4:5: clusters[0]: unknown field `role`, expected one of `name`, `region`, `role_arn`, `external_id`, `alias`",
            ),
            (
                "clusters:\n  - region: us-east-1\n",
                "3:5: clusters[0]: missing field `name`",
            ),
            (
                "clusters:\n  - name: payments\n    region: moon\n",
                "4:13: clusters[0].region: `moon` is not a region: it takes a code such as `us-east-1` or `us-gov-west-1`",
            ),
            (
                "clusters:\n  - name: payments\n    role_arn: deployer\n",
                "4:15: clusters[0].role_arn: `deployer` is not an ARN: it takes `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`",
            ),
            (
                "clusters:\n  - name: payments\n    external_id: 12345\n",
                "4:18: clusters[0].external_id: an external ID is text: put it in quotes",
            ),
            (
                "clusters:\n  - name: payments\n    external_id: s3cret value\n",
                "4:18: clusters[0].external_id: this is not an external ID: it takes 2 to 1224 letters, digits and `_+=,.@:/-`",
            ),
            (
                "clusters:\n  - name: payments\n    external_id: abc\n",
                "3:5: clusters[0]: cluster `payments` has an external ID and no role that could ask for it",
            ),
            (
                "clusters: [a, b, a]\n",
                "2:18: clusters[2]: cluster `a` is there twice: give one of them an `alias`, and each has a context of its own",
            ),
            (
                "clusters: [12]\n",
                "2:12: clusters[0]: invalid type: integer `12`, expected the name of a cluster, or a mapping with `name`, `region`, `role_arn`, `external_id` and `alias`",
            ),
            (
                "minimum_kubernetes: \"1.21\"\n",
                "2:21: minimum_kubernetes: 1.21 is below 1.22, which the Harness connector for EKS needs: the minimum can be raised only",
            ),
            (
                "exec: gcloud\n",
                "2:7: exec: `gcloud` gives no tokens: it takes `authenticator`, `builtin` or `aws`",
            ),
            (
                "credentials: keys\n",
                "2:14: credentials: unknown variant `keys`, expected one of `irsa`, `iam-role`, `access-key`, `pod-identity`",
            ),
            (
                "on_failure: retry\n",
                "2:13: on_failure: unknown variant `retry`, expected one of `default`, `fail`, `continue`",
            ),
        ] {
            check_place(text, error);
        }
    }

    #[test]
    fn what_is_wrong_with_the_waits_is_located() {
        for (text, error) in [
            (
                "backoff: sdk-default\n",
                "2:10: backoff: invalid type: string \"sdk-default\", expected a mapping with `strategy`, `base_delay`, `max_delay` and `max_attempts`",
            ),
            (
                "backoff:\n  retries: 3\n",
                "3:3: backoff: unknown field `retries`, expected one of `strategy`, `base_delay`, `max_delay`, `max_attempts`",
            ),
            (
                "backoff:\n  strategy: linear\n",
                "3:13: backoff.strategy: `linear` is not a backoff strategy: it takes `fixed-delay`, `equal-jitter`, `full-jitter` or `sdk-default`",
            ),
            (
                "backoff:\n  base_delay: 0\n",
                "3:15: backoff.base_delay: `0` is not a delay: it takes whole milliseconds, 1 to 3600000",
            ),
            (
                "backoff:\n  max_delay: 2s\n",
                "3:14: backoff.max_delay: `2s` is not a delay: it takes whole milliseconds, 1 to 3600000",
            ),
            (
                "backoff:\n  max_attempts: 0\n",
                "3:17: backoff.max_attempts: `0` is not a number of attempts: it takes 1 to 1000, where 1 is the first and no other",
            ),
            (
                "backoff:\n  base_delay: 200\n  max_delay: 100\n",
                "4:14: backoff.max_delay: the longest delay, 100 ms, is shorter than the base delay, 200 ms",
            ),
        ] {
            check_place(text, error);
        }
    }
}
