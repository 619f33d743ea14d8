//! IRSA: roles, annotations, keys.

use super::super::access::ANNOTATION;
use super::super::workload::{account_of, variable};
use super::references::is_placeholder;
use super::rules::{
    ACCOUNT_UNUSED, ANNOTATION_MISPLACED, PLACEHOLDER, PLAINTEXT_CREDENTIAL, ROLE_ARN,
    ROLE_PARTITION, STATIC_KEYS,
};
use super::{Linter, containers, shown, text};
use crate::arn::{Region, RoleArn};
use crate::yaml::Node;

pub(super) fn check(linter: &mut Linter<'_, '_>) {
    annotations(linter);
    accounts(linter);
    credentials(linter);
}

/// The annotation that names the role.
fn role_key() -> String {
    format!("{ANNOTATION}/role-arn")
}

/// Annotations for a role that nobody reads.
fn annotations(linter: &mut Linter<'_, '_>) {
    let key = role_key();
    let manifests = linter.manifests;
    for object in manifests.objects() {
        let places = [
            object.node.dig(&["metadata", "annotations"]),
            object
                .node
                .dig(&["spec", "template", "metadata", "annotations"]),
        ];
        for (name, _) in places.into_iter().flatten().flat_map(Node::entries) {
            let is_role = name
                .scalar()
                .is_some_and(|name| name.ends_with("/role-arn"));
            let is_right = object.kind == "ServiceAccount" && name.scalar() == Some(&key);
            let found = name.scalar().unwrap_or_default();
            let is_ours = found.starts_with("eks.") || found.contains("amazon");
            if is_role && is_ours && !is_right {
                linter.report(
                    &ANNOTATION_MISPLACED,
                    object.file,
                    name,
                    format!(
                        "`{found}` on {} `{}` is read by nobody",
                        object.kind, object.name
                    ),
                );
            }
        }
    }
}

fn accounts(linter: &mut Linter<'_, '_>) {
    let key = role_key();
    let manifests = linter.manifests;
    for object in manifests.of_kind("ServiceAccount") {
        let Some(value) = object.node.dig(&["metadata", "annotations", &key]) else {
            continue;
        };
        let role = value.scalar().unwrap_or_default().parse::<RoleArn>();
        if let Err(error) = &role {
            linter.report(&ROLE_ARN, object.file, value, error.to_string());
        }
        let pods: Vec<_> = linter
            .pods()
            .filter(|(pod, node)| {
                pod.namespace == object.namespace && account_of(*node) == object.name
            })
            .collect();
        if pods.is_empty() {
            linter.report(
                &ACCOUNT_UNUSED,
                object.file,
                value,
                format!(
                    "ServiceAccount `{}` has a role, and no pod in {} runs as it",
                    object.name,
                    shown(object.namespace)
                ),
            );
        }
        for (pod, node) in pods {
            for container in containers(node) {
                if let Ok(role) = &role {
                    partition(linter, pod.file, container, role);
                }
                keys(linter, pod, container, object.name);
            }
        }
    }
}

fn partition(linter: &mut Linter<'_, '_>, file: usize, container: Node<'_>, role: &RoleArn) {
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        let Some(value) = variable(container, name).and_then(|item| item.get("value")) else {
            continue;
        };
        let region = value.scalar().and_then(|text| text.parse::<Region>().ok());
        if let Some(region) = region
            && region.partition() != role.partition
        {
            linter.report(
                &ROLE_PARTITION,
                file,
                value,
                format!(
                    "region {region} is in partition `{}`, and the role {} in `{}`",
                    region.partition(),
                    role.as_str(),
                    role.partition
                ),
            );
        }
    }
}

/// Keys among the variables of a container, or in what they come from.
fn keys(linter: &mut Linter<'_, '_>, pod: &super::Object<'_>, container: Node<'_>, account: &str) {
    const KEY: &str = "AWS_ACCESS_KEY_ID";
    let own = variable(container, KEY).filter(|item| {
        // An empty one counts as none.
        item.get("valueFrom").is_some() || text(*item, &["value"]).is_some()
    });
    let sources = container.get("envFrom").into_iter().flat_map(Node::items);
    let foreign = sources.filter_map(|source| {
        let (kind, reference) = match (source.get("secretRef"), source.get("configMapRef")) {
            (Some(secret), _) => ("Secret", secret),
            (_, Some(map)) => ("ConfigMap", map),
            _ => return None,
        };
        let name = reference.get("name")?;
        let object = linter.manifests.find(kind, name.scalar()?, pod.namespace)?;
        let has = ["data", "stringData"]
            .iter()
            .any(|data| object.node.dig(&[data, KEY]).is_some());
        has.then_some(name)
    });
    let at = own.into_iter().chain(foreign).next();
    if let Some(at) = at {
        linter.report(
            &STATIC_KEYS,
            pod.file,
            at,
            format!("{KEY} is set, and ServiceAccount `{account}` has a role: the keys win"),
        );
    }
}

/// Parts of the names of variables that hold a credential.
const SECRET_WORDS: [&str; 5] = [
    "TOKEN",
    "PASSWORD",
    "SECRET",
    "ACCESS_KEY_ID",
    "PRIVATE_KEY",
];

fn credentials(linter: &mut Linter<'_, '_>) {
    let pods: Vec<_> = linter.pods().collect();
    for (object, pod) in pods {
        for item in containers(pod)
            .filter_map(|container| container.get("env"))
            .flat_map(Node::items)
        {
            let name = text(item, &["name"]).unwrap_or_default();
            let Some(value) = item.get("value") else {
                continue;
            };
            let Some(written) = value.scalar().filter(|text| !text.is_empty()) else {
                continue;
            };
            // The name of a file is no secret.
            let is_file = name.ends_with("_FILE") || name.ends_with("_PATH");
            if is_placeholder(written) {
                linter.report(
                    &PLACEHOLDER,
                    object.file,
                    value,
                    format!("{name} is not filled in"),
                );
            } else if SECRET_WORDS.iter().any(|word| name.contains(word)) && !is_file {
                linter.report(
                    &PLAINTEXT_CREDENTIAL,
                    object.file,
                    value,
                    format!("{name} stands here as plain text"),
                );
            }
        }
    }
}
