//! A pod and its service account, as far as their identity at AWS goes.
//!
//! Of the variables of a container no value is kept but those that are wanted here: others may be
//! secret.

mod names;
mod source;

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

pub use names::{InvalidPod, Label, PodName};
pub use source::{Origin, Source};

/// What begins the annotations of EKS.
const EKS: &str = "eks.amazonaws.com";

/// The annotation of a service account that names its role (amazon-eks-pod-identity-webhook, README).
pub const ROLE_ANNOTATION: &str = "eks.amazonaws.com/role-arn";

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The service account that it runs as.
    pub account: String,
    /// Its node; none before it has one.
    pub node: Option<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// The containers that the webhook of EKS is to leave as they are.
    pub skipped: Vec<String>,
    /// Its containers.
    pub containers: Vec<Container>,
    /// The service account tokens that are mounted.
    pub tokens: Vec<TokenVolume>,
}

/// A container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// `AWS_ROLE_ARN`.
    pub role: Option<Setting>,
    /// `AWS_WEB_IDENTITY_TOKEN_FILE`.
    pub token_file: Option<Setting>,
    /// Whether it has `AWS_ACCESS_KEY_ID`.
    pub has_keys: bool,
    /// Whether it has `AWS_PROFILE`.
    pub has_profile: bool,
    /// Whether it has the variables of EKS Pod Identity.
    pub has_pod_identity: bool,
    /// The volumes that are mounted, each with its path.
    pub mounts: Vec<(String, String)>,
    /// Where it takes variables from whose names are not in the pod (`envFrom`).
    pub sources: Vec<Source>,
    /// The variables above that the pod names, which come before those of the sources.
    pub settled: Vec<&'static str>,
}

/// The value of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// It stands in the pod.
    Value(String),
    /// It comes from a secret, a ConfigMap or a field.
    Elsewhere,
}

/// A token of the service account in a projected volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenVolume {
    /// The volume.
    pub volume: String,
    /// For whom the token is; empty for the API server.
    pub audience: String,
    /// Where it is in the volume.
    pub path: String,
    /// How long it is valid, in seconds.
    pub seconds: Option<i64>,
}

impl Pod {
    /// The token that a container finds at this path.
    pub fn token_at(&self, container: &Container, path: &str) -> Option<&TokenVolume> {
        self.tokens.iter().find(|token| {
            let mut mounts = container.mounts.iter();
            mounts.any(|(volume, at)| {
                *volume == token.volume
                    && format!("{}/{}", at.trim_end_matches('/'), token.path) == path
            })
        })
    }
}

/// A service account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The role that its annotation names.
    pub role: Option<String>,
    /// An annotation that looks like that one, and is read by nobody.
    pub misspelt: Option<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When who has set the annotation last changed something of the account: the annotation is at
    /// least as old.
    pub annotated: Option<Timestamp>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawPod {
    metadata: RawMetadata,
    spec: RawSpec,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawMetadata {
    pub(super) name: String,
    namespace: String,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    creation_timestamp: Option<Time>,
    managed_fields: Option<Vec<RawManaged>>,
}

/// What one manager has set of an object (Kubernetes, "Server-Side Apply").
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawManaged {
    time: Option<Time>,
    #[serde(default)]
    fields_v1: Value,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawSpec {
    node_name: Option<String>,
    service_account_name: Option<String>,
    containers: Option<Vec<RawContainer>>,
    volumes: Option<Vec<RawVolume>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawContainer {
    name: String,
    env: Option<Vec<RawVariable>>,
    env_from: Option<Vec<source::Raw>>,
    volume_mounts: Option<Vec<RawMount>>,
}

#[derive(Deserialize)]
struct RawVariable {
    name: String,
    /// None where it is taken from elsewhere; an empty one is left out by the API server.
    value: Option<String>,
    #[serde(rename = "valueFrom")]
    from: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMount {
    name: String,
    mount_path: String,
}

#[derive(Deserialize)]
struct RawVolume {
    name: String,
    projected: Option<RawProjected>,
}

#[derive(Deserialize)]
struct RawProjected {
    sources: Option<Vec<RawSource>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSource {
    service_account_token: Option<RawToken>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawToken {
    #[serde(default)]
    audience: String,
    path: String,
    expiration_seconds: Option<i64>,
}

impl<'de> Deserialize<'de> for Pod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let RawPod { metadata, spec } = RawPod::deserialize(deserializer)?;
        let skipped = metadata.annotation(&format!("{EKS}/skip-containers"));
        let skipped = skipped.unwrap_or_default().split(',').map(str::trim);
        let skipped = skipped.filter(|name| !name.is_empty()).map(str::to_owned);
        let account = spec.service_account_name.filter(|name| !name.is_empty());
        Ok(Self {
            skipped: skipped.collect(),
            account: account.unwrap_or_else(|| "default".to_owned()),
            node: spec.node_name.filter(|name| !name.is_empty()),
            created: metadata.creation_timestamp.map(|time| time.0),
            containers: spec
                .containers
                .into_iter()
                .flatten()
                .map(Container::from)
                .collect(),
            tokens: spec
                .volumes
                .into_iter()
                .flatten()
                .flat_map(tokens)
                .collect(),
            name: metadata.name,
            namespace: metadata.namespace,
            labels: metadata.labels.unwrap_or_default(),
        })
    }
}

impl From<RawContainer> for Container {
    fn from(raw: RawContainer) -> Self {
        let variables = raw.env.unwrap_or_default();
        let is_set = |name: &str| {
            let mut named = variables.iter().filter(|variable| variable.name == name);
            named.any(|variable| variable.setting().is_some())
        };
        let setting = |name: &str| {
            let mut named = variables.iter().filter(|variable| variable.name == name);
            named.find_map(RawVariable::setting)
        };
        let mounts = raw.volume_mounts.into_iter().flatten();
        let settled = source::WATCHED.into_iter();
        let settled =
            settled.filter(|name| variables.iter().any(|variable| variable.name == *name));
        let sources = raw.env_from.into_iter().flatten();
        Self {
            role: setting("AWS_ROLE_ARN"),
            token_file: setting("AWS_WEB_IDENTITY_TOKEN_FILE"),
            has_keys: is_set("AWS_ACCESS_KEY_ID"),
            has_profile: is_set("AWS_PROFILE"),
            has_pod_identity: is_set("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
            mounts: mounts.map(|mount| (mount.name, mount.mount_path)).collect(),
            settled: settled.collect(),
            sources: sources.filter_map(source::Raw::source).collect(),
            name: raw.name,
        }
    }
}

impl RawVariable {
    fn setting(&self) -> Option<Setting> {
        let value = self.value.clone().filter(|value| !value.is_empty());
        value
            .map(Setting::Value)
            .or_else(|| self.from.is_some().then_some(Setting::Elsewhere))
    }
}

fn tokens(volume: RawVolume) -> Vec<TokenVolume> {
    let sources = volume.projected.and_then(|projected| projected.sources);
    let tokens = sources.into_iter().flatten();
    let tokens = tokens.filter_map(|source| source.service_account_token);
    tokens
        .map(|token| TokenVolume {
            volume: volume.name.clone(),
            audience: token.audience,
            path: token.path,
            seconds: token.expiration_seconds,
        })
        .collect()
}

impl RawMetadata {
    fn annotation(&self, name: &str) -> Option<&str> {
        let annotations = self.annotations.as_ref()?;
        annotations.get(name).map(String::as_str)
    }

    /// When those who have set this annotation last changed something.
    fn set_at(&self, annotation: &str) -> Option<Timestamp> {
        let field = format!("f:{annotation}");
        let managers = self.managed_fields.iter().flatten();
        let own = managers.filter(|managed| {
            let annotations = managed.fields_v1.get("f:metadata");
            let annotations = annotations.and_then(|metadata| metadata.get("f:annotations"));
            annotations.is_some_and(|annotations| annotations.get(&field).is_some())
        });
        own.filter_map(|managed| managed.time.as_ref().map(|time| time.0))
            .max()
    }
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Raw {
            metadata: RawMetadata,
        }
        let Raw { metadata } = Raw::deserialize(deserializer)?;
        let names = metadata.annotations.iter().flat_map(BTreeMap::keys);
        let mut misspelt = names.filter(|name| {
            let looks_alike = name.ends_with("role-arn") && name.contains("amazon");
            looks_alike && *name != ROLE_ANNOTATION
        });
        Ok(Self {
            misspelt: misspelt.next().cloned(),
            role: metadata.annotation(ROLE_ANNOTATION).map(str::to_owned),
            annotated: metadata.set_at(ROLE_ANNOTATION),
            created: metadata.creation_timestamp.map(|time| time.0),
        })
    }
}

#[cfg(test)]
mod tests;
