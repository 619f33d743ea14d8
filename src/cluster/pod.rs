//! A pod and its service account, as far as their identity at AWS goes.
//!
//! Of the variables of a container no value is kept but those that are wanted here: others may be
//! secret.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What begins the annotations of EKS.
const EKS: &str = "eks.amazonaws.com";

/// The annotation of a service account that names its role (amazon-eks-pod-identity-webhook, README).
pub const ROLE_ANNOTATION: &str = "eks.amazonaws.com/role-arn";

/// The name of a pod: a DNS subdomain of 1 to 253 letters (RFC 1123).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodName(String);

impl PodName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PodName {
    type Err = InvalidPod;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_label = |label: &str| {
            let ends = [label.bytes().next(), label.bytes().last()];
            ends.iter().all(|end| end.is_some_and(is_inner))
                && label.bytes().all(|byte| is_inner(byte) || byte == b'-')
        };
        if text.len() <= 253 && text.split('.').all(is_label) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidPod::Name(text.to_owned()))
    }
}

/// A label of a pod: `KEY=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The key, with its prefix.
    pub key: String,
    /// The value, which may be empty.
    pub value: String,
}

impl FromStr for Label {
    type Err = InvalidPod;

    /// Kubernetes, "Labels and Selectors": a name and a value of at most 63 letters, digits and inner
    /// `-_.`, the name with a DNS prefix or without one.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        let is_word = |word: &str| {
            let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            word.len() <= 63
                && is_end(word.bytes().next())
                && is_end(word.bytes().last())
                && word.bytes().all(is_inner)
        };
        let invalid = || InvalidPod::Label(text.to_owned());
        let (key, value) = text.split_once('=').ok_or_else(invalid)?;
        let (prefix, name) = key
            .split_once('/')
            .map_or((None, key), |(prefix, name)| (Some(prefix), name));
        let is_prefix = |prefix: &str| prefix.parse::<PodName>().is_ok();
        let is_value = value.is_empty() || is_word(value);
        if is_word(name) && prefix.is_none_or(is_prefix) && is_value {
            return Ok(Self {
                key: key.to_owned(),
                value: value.to_owned(),
            });
        }
        Err(invalid())
    }
}

/// The text is no name of a pod, or no label.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidPod {
    /// It is no name.
    #[error(
        "`{0}` is not the name of a pod: it takes up to 253 of a-z, 0-9, inner hyphens and dots"
    )]
    Name(String),
    /// It is no label.
    #[error("`{0}` is not a label: it takes KEY=VALUE, as in harness.io/name=delegate")]
    Label(String),
}

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
    /// Whether it has the variables of EKS Pod Identity.
    pub has_pod_identity: bool,
    /// The volumes that are mounted, each with its path.
    pub mounts: Vec<(String, String)>,
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
        Self {
            role: setting("AWS_ROLE_ARN"),
            token_file: setting("AWS_WEB_IDENTITY_TOKEN_FILE"),
            has_keys: is_set("AWS_ACCESS_KEY_ID"),
            has_pod_identity: is_set("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
            mounts: mounts.map(|mount| (mount.name, mount.mount_path)).collect(),
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
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_a_pod_its_identity_is_read_and_no_other_value() {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {"name": "d-0", "namespace": "harness", "labels": {"a": "b"},
                "annotations": {"eks.amazonaws.com/skip-containers": "proxy, other"},
                "creationTimestamp": "2026-01-02T03:04:05Z"},
            "spec": {"serviceAccountName": "delegate", "nodeName": "n",
                "containers": [{"name": "delegate", "image": "x",
                    "env": [{"name": "DELEGATE_TOKEN", "value": "s3cret"},
                        {"name": "AWS_ACCESS_KEY_ID", "valueFrom": {"secretKeyRef": {"name": "k"}}},
                        {"name": "AWS_ROLE_ARN", "value": "arn"},
                        {"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/t/token"}],
                    "volumeMounts": [{"name": "aws-iam-token", "mountPath": "/t/", "readOnly": true}]}],
                "volumes": [{"name": "other", "emptyDir": {}}, {"name": "aws-iam-token", "projected": {"sources": [
                    {"serviceAccountToken": {"audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": "token"}}]}}]},
        }))
        .unwrap();
        assert_eq!(pod.skipped, ["proxy", "other"]);
        assert_eq!(
            (pod.account.as_str(), pod.node.as_deref()),
            ("delegate", Some("n"))
        );
        let [container] = pod.containers.as_slice() else {
            panic!("{pod:?}");
        };
        assert!(container.has_keys && !container.has_pod_identity);
        assert_eq!(container.role, Some(Setting::Value("arn".to_owned())));
        let token = pod.token_at(container, "/t/token").unwrap();
        assert_eq!(token.audience, "sts.amazonaws.com");
        assert_eq!(pod.token_at(container, "/other/token"), None);
        assert!(!format!("{pod:?}").contains("s3cret"));
        let least: Pod = serde_json::from_value(json!({"spec": {"containers": null}})).unwrap();
        assert_eq!(least.account, "default");
    }

    #[test]
    fn the_age_of_an_annotation_is_that_of_the_last_change_by_who_has_set_it() {
        let managed = |field: &str, time: &str| {
            json!({"manager": "m", "time": time, "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": {"f:annotations": {".": {}, field: {}}}}})
        };
        let account: Account = serde_json::from_value(json!({"metadata": {"name": "delegate",
            "annotations": {ROLE_ANNOTATION: "arn", "eks.amazon.com/role-arn": "x"},
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "managedFields": [managed("f:eks.amazonaws.com/role-arn", "2026-01-02T00:00:00Z"),
                managed("f:other", "2026-01-03T00:00:00Z")]}}))
        .unwrap();
        assert_eq!(account.role.as_deref(), Some("arn"));
        assert_eq!(account.misspelt.as_deref(), Some("eks.amazon.com/role-arn"));
        assert_eq!(account.annotated, "2026-01-02T00:00:00Z".parse().ok());
    }

    #[test]
    fn names_and_labels_are_what_kubernetes_accepts() {
        for good in ["a", "newdel-5d8f-x2x", "a.b", "0"] {
            assert!(good.parse::<PodName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "-a",
            "a-",
            "A",
            "a/b",
            "a..b",
            "pods?x=",
            "../x",
            &"a".repeat(254),
        ] {
            assert!(bad.parse::<PodName>().is_err(), "{bad}");
        }
        for good in ["infra=fargate", "harness.io/name=Del_1", "a="] {
            assert!(good.parse::<Label>().is_ok(), "{good}");
        }
        for bad in ["infra", "=x", "a=b c", "/a=b", "a/b/c=d", "a=-b"] {
            assert!(bad.parse::<Label>().is_err(), "{bad}");
        }
    }
}
