//! Objects that name others: namespaces, autoscalers, selectors, Secrets, API versions.

use super::super::workload::list;
use super::rules::{
    API_REMOVED, BASE64, HPA_TARGET, NAMESPACE, PLACEHOLDER, REFERENCE_MISSING, SELECTOR,
};
use super::{Linter, Minor, containers, name_of, shown, text};
use crate::yaml::Node;
use base64::Engine as _;

pub(super) fn check(linter: &mut Linter<'_, '_>, kubernetes: Option<Minor>) {
    namespaces(linter);
    autoscalers(linter);
    selectors(linter);
    references(linter);
    secrets(linter);
    versions(linter, kubernetes);
}

/// Where a delegate runs, its parts must be.
fn namespaces(linter: &mut Linter<'_, '_>) {
    if linter.workloads.is_empty() {
        return;
    }
    let made: Vec<_> = linter
        .manifests
        .of_kind("Namespace")
        .map(|object| object.name)
        .collect();
    for workload in linter.workloads {
        let object = &workload.object;
        let (Some(namespace), Some(at)) = (
            object.namespace,
            object.node.dig(&["metadata", "namespace"]),
        ) else {
            continue;
        };
        if !made.is_empty() && !made.contains(&namespace) {
            let made = made.join("`, `");
            linter.report(
                &NAMESPACE,
                object.file,
                at,
                format!(
                    "{} `{}` is in namespace `{namespace}`, and the files make `{made}`",
                    object.kind, object.name
                ),
            );
        }
    }
    let kinds = [
        "ConfigMap",
        "HorizontalPodAutoscaler",
        "Secret",
        "ServiceAccount",
    ];
    for object in linter.manifests.objects() {
        if kinds.contains(&object.kind) && !linter.manifests.is_lived_in(object.namespace) {
            let at = object.node.dig(&["metadata", "namespace"]);
            linter.report(
                &NAMESPACE,
                object.file,
                at.unwrap_or(name_of(object)),
                format!(
                    "{} `{}` is in {}, where nothing in the files runs",
                    object.kind,
                    object.name,
                    shown(object.namespace)
                ),
            );
        }
    }
}

fn autoscalers(linter: &mut Linter<'_, '_>) {
    let manifests = linter.manifests;
    for object in manifests.of_kind("HorizontalPodAutoscaler") {
        let Some(target) = object.node.dig(&["spec", "scaleTargetRef"]) else {
            continue;
        };
        let (kind, name) = (text(target, &["kind"]), text(target, &["name"]));
        let (Some(kind), Some(name)) = (kind, name) else {
            continue;
        };
        if manifests.find(kind, name, object.namespace).is_none() {
            let there = list(manifests.of_kind(kind));
            let there = if there.is_empty() {
                "none".to_owned()
            } else {
                there
            };
            let at = target.get("name").unwrap_or(target);
            linter.report(
                &HPA_TARGET,
                object.file,
                at,
                format!(
                    "HorizontalPodAutoscaler `{}` scales {kind} `{name}` in {}; there is {there}",
                    object.name,
                    shown(object.namespace)
                ),
            );
        }
    }
}

fn selectors(linter: &mut Linter<'_, '_>) {
    let manifests = linter.manifests;
    for object in manifests.objects() {
        let selects = matches!(object.kind, "DaemonSet" | "Deployment" | "StatefulSet");
        let has_template = object.node.dig(&["spec", "template"]).is_some();
        let selector = object.node.dig(&["spec", "selector"]);
        if selects && has_template && selector.is_none_or(|node| node.entries().next().is_none()) {
            let message = format!("{} `{}` has no selector", object.kind, object.name);
            let at = selector.unwrap_or(name_of(object));
            linter.report(&SELECTOR, object.file, at, message);
        }
        let Some(labels) = object.node.dig(&["spec", "selector", "matchLabels"]) else {
            continue;
        };
        let Some(template) = object.node.dig(&["spec", "template"]) else {
            continue;
        };
        for (key, value) in labels.entries() {
            let name = key.scalar().unwrap_or_default();
            let has = template
                .dig(&["metadata", "labels", name])
                .and_then(Node::scalar);
            if has != value.scalar() {
                let has = has.map_or("none".to_owned(), |has| format!("`{has}`"));
                linter.report(
                    &SELECTOR,
                    object.file,
                    value,
                    format!(
                        "{} `{}` selects `{name}: {}`, and its pods have {has}",
                        object.kind,
                        object.name,
                        value.scalar().unwrap_or_default()
                    ),
                );
            }
        }
    }
}

/// Keys below which a pod names Secrets and ConfigMaps.
const REFERENCES: [(&str, &str); 4] = [
    ("secretRef", "Secret"),
    ("configMapRef", "ConfigMap"),
    ("secretKeyRef", "Secret"),
    ("configMapKeyRef", "ConfigMap"),
];

fn references(linter: &mut Linter<'_, '_>) {
    let mut found = Vec::new();
    for (object, pod) in linter.pods() {
        let mut named: Vec<(&str, Node<'_>)> = Vec::new();
        for container in containers(pod) {
            let items = |key: &str| container.get(key).into_iter().flat_map(Node::items);
            let sources =
                items("envFrom").chain(items("env").filter_map(|item| item.get("valueFrom")));
            for source in sources {
                for (key, kind) in REFERENCES {
                    named.extend(
                        source
                            .get(key)
                            .filter(|reference| !is_optional(*reference))
                            .and_then(|reference| Some((kind, reference.get("name")?))),
                    );
                }
            }
        }
        for volume in pod.get("volumes").into_iter().flat_map(Node::items) {
            let secret = volume.get("secret").filter(|secret| !is_optional(*secret));
            named.extend(secret.and_then(|secret| Some(("Secret", secret.get("secretName")?))));
            let map = volume.get("configMap").filter(|map| !is_optional(*map));
            named.extend(map.and_then(|map| Some(("ConfigMap", map.get("name")?))));
        }
        for (kind, name) in named {
            let text = name.scalar().unwrap_or_default();
            if linter
                .manifests
                .find(kind, text, object.namespace)
                .is_none()
            {
                found.push((
                    object.file,
                    name,
                    format!(
                        "{} `{}` takes {kind} `{text}`, which is not in {}",
                        object.kind,
                        object.name,
                        shown(object.namespace)
                    ),
                ));
            }
        }
    }
    for (file, at, message) in found {
        linter.report(&REFERENCE_MISSING, file, at, message);
    }
}

fn is_optional(reference: Node<'_>) -> bool {
    reference.get("optional").and_then(Node::bool) == Some(true)
}

/// Values that were never filled in, as templates of Harness' documentation have them.
pub(super) fn is_placeholder(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    ["YOUR_", "PUT_YOUR", "REPLACE_ME", "<YOUR", "CHANGEME"]
        .iter()
        .any(|start| upper.starts_with(start))
        || (text.starts_with('<') && text.ends_with('>'))
}

fn secrets(linter: &mut Linter<'_, '_>) {
    let engine = base64::engine::general_purpose::STANDARD;
    let manifests = linter.manifests;
    for object in manifests.of_kind("Secret") {
        for (key, value) in object.node.get("data").into_iter().flat_map(Node::entries) {
            let text = value.scalar().unwrap_or_default();
            let key = key.scalar().unwrap_or_default();
            let compact: String = text.split_whitespace().collect();
            if is_placeholder(text) {
                linter.report(
                    &PLACEHOLDER,
                    object.file,
                    value,
                    format!("`{key}` of Secret `{}` is not filled in", object.name),
                );
            }
            if engine.decode(compact).is_err() {
                linter.report(
                    &BASE64,
                    object.file,
                    value,
                    format!(
                        "`{key}` of Secret `{}` is not base64: kubectl refuses the file",
                        object.name
                    ),
                );
            }
        }
    }
}

/// APIs that are gone, with the version that no longer had them (Kubernetes documentation,
/// "Deprecated API Migration Guide"): kind, API version, minor, what to use.
const REMOVED: [(&str, &str, Minor, &str); 19] = [
    (
        "ClusterRole",
        "rbac.authorization.k8s.io/v1beta1",
        22,
        "rbac.authorization.k8s.io/v1",
    ),
    (
        "ClusterRoleBinding",
        "rbac.authorization.k8s.io/v1beta1",
        22,
        "rbac.authorization.k8s.io/v1",
    ),
    (
        "Role",
        "rbac.authorization.k8s.io/v1beta1",
        22,
        "rbac.authorization.k8s.io/v1",
    ),
    (
        "RoleBinding",
        "rbac.authorization.k8s.io/v1beta1",
        22,
        "rbac.authorization.k8s.io/v1",
    ),
    ("CronJob", "batch/v1beta1", 25, "batch/v1"),
    ("CronJob", "batch/v2alpha1", 21, "batch/v1"),
    (
        "HorizontalPodAutoscaler",
        "autoscaling/v2beta1",
        25,
        "autoscaling/v2",
    ),
    (
        "HorizontalPodAutoscaler",
        "autoscaling/v2beta2",
        26,
        "autoscaling/v2",
    ),
    ("PodDisruptionBudget", "policy/v1beta1", 25, "policy/v1"),
    (
        "PodSecurityPolicy",
        "policy/v1beta1",
        25,
        "Pod Security Admission",
    ),
    ("Ingress", "extensions/v1beta1", 22, "networking.k8s.io/v1"),
    (
        "Ingress",
        "networking.k8s.io/v1beta1",
        22,
        "networking.k8s.io/v1",
    ),
    ("DaemonSet", "extensions/v1beta1", 16, "apps/v1"),
    ("Deployment", "extensions/v1beta1", 16, "apps/v1"),
    ("Deployment", "apps/v1beta1", 16, "apps/v1"),
    ("Deployment", "apps/v1beta2", 16, "apps/v1"),
    ("StatefulSet", "apps/v1beta1", 16, "apps/v1"),
    ("StatefulSet", "apps/v1beta2", 16, "apps/v1"),
    (
        "NetworkPolicy",
        "extensions/v1beta1",
        16,
        "networking.k8s.io/v1",
    ),
];

fn versions(linter: &mut Linter<'_, '_>, kubernetes: Option<Minor>) {
    for object in linter.manifests.objects() {
        let gone = REMOVED.iter().find(|(kind, api, minor, _)| {
            (object.kind, object.api) == (*kind, *api)
                && kubernetes.is_none_or(|version| version >= *minor)
        });
        if let Some((kind, api, minor, instead)) = gone {
            let at = object.node.get("apiVersion").unwrap_or(object.node);
            linter.report(&API_REMOVED, object.file, at, format!(
                "{kind} `{}` is of {api}, which is gone since Kubernetes 1.{minor}: use {instead}", object.name
            ));
        }
    }
}
