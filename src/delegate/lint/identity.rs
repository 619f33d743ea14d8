//! IRSA: roles, annotations, keys.

use super::super::access::ANNOTATION;
use super::super::workload::account_of;
use super::references::is_placeholder;
use super::rules::{
    ACCOUNT_UNUSED, ANNOTATION_MISPLACED, CREDENTIALS_KIND, PLACEHOLDER, PLAINTEXT_CREDENTIAL,
    ROLE_ARN, ROLE_PARTITION, STATIC_KEYS,
};
use super::{Linter, containers, shown, text};
use crate::arn::{Region, RoleArn};
use crate::yaml::{Node, has_password, is_secret_name};

pub(super) fn check(linter: &mut Linter<'_, '_>) {
    annotations(linter);
    accounts(linter);
    credentials(linter);
}

/// The annotation that names the role.
pub(super) fn role_key() -> String {
    format!("{ANNOTATION}/role-arn")
}

/// Whether the name of an annotation is meant to be that of the role, however it is spelt.
pub(super) fn names_role(name: &str) -> bool {
    let Some((domain, last)) = name.rsplit_once('/') else {
        return false;
    };
    let last: String = last.chars().filter(char::is_ascii_alphanumeric).collect();
    last.eq_ignore_ascii_case("rolearn")
        && (domain.starts_with("eks.") || domain.contains("amazon"))
}

/// Annotations for a role that nobody reads.
fn annotations(linter: &mut Linter<'_, '_>) {
    let key = role_key();
    let manifests = linter.manifests;
    for object in manifests.objects() {
        let template = object.node.dig(&["spec", "template"]);
        let places = ["annotations", "labels"].into_iter().flat_map(|place| {
            let own = object.node.dig(&["metadata", place]);
            let of_pods = template.and_then(|template| template.dig(&["metadata", place]));
            [(place, own), (place, of_pods)]
        });
        for (place, map) in places {
            for (name, _) in map.into_iter().flat_map(Node::entries) {
                let found = name.scalar().unwrap_or_default();
                let is_right =
                    object.kind == "ServiceAccount" && place == "annotations" && found == key;
                if names_role(found) && !is_right {
                    let what = if place == "labels" { "the label " } else { "" };
                    linter.report(
                        &ANNOTATION_MISPLACED,
                        object.file,
                        name,
                        format!(
                            "{what}`{found}` on {} `{}` is read by nobody",
                            object.kind, object.name
                        ),
                    );
                }
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
                    partition(linter, pod.file, container.get("env"), role);
                }
                keys(linter, pod, container, object.name);
                kind(linter, pod.file, container.get("env"));
            }
        }
    }
}

/// Regions among variables that are not in the role's partition.
pub(super) fn partition(
    linter: &mut Linter<'_, '_>,
    file: usize,
    list: Option<Node<'_>>,
    role: &RoleArn,
) {
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        let item = list.and_then(|list| list.item_where("name", name));
        let Some(value) = item.and_then(|(_, item)| item.get("value")) else {
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

/// Whether an account of this name has a role.
pub(super) fn has_role(linter: &Linter<'_, '_>, account: &str, namespace: Option<&str>) -> bool {
    let account = linter.manifests.find("ServiceAccount", account, namespace);
    let role =
        account.and_then(|account| text(account.node, &["metadata", "annotations", &role_key()]));
    role.is_some()
}

/// Keys among the variables of a container, or in what they come from.
fn keys(linter: &mut Linter<'_, '_>, pod: &super::Object<'_>, container: Node<'_>, account: &str) {
    let own = key_item(container.get("env"));
    let sources = container.get("envFrom").into_iter().flat_map(Node::items);
    let foreign = sources.filter_map(|source| {
        let (kind, reference) = match (source.get("secretRef"), source.get("configMapRef")) {
            (Some(secret), _) => ("Secret", secret),
            (_, Some(map)) => ("ConfigMap", map),
            _ => return None,
        };
        let name = reference.get("name")?;
        let object = linter.manifests.find(kind, name.scalar()?, pod.namespace)?;
        let prefix = text(source, &["prefix"]).unwrap_or_default();
        let key = KEY.strip_prefix(prefix)?;
        let has = ["data", "stringData"]
            .iter()
            .any(|data| object.node.dig(&[data, key]).is_some());
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

/// What a variable asks for that a role for IRSA excludes: "Assume IAM Role on Delegate" takes the role
/// of the node, and the web identity comes before it.
pub(super) fn kind(linter: &mut Linter<'_, '_>, file: usize, list: Option<Node<'_>>) {
    let item = list.and_then(|list| list.item_where("name", "BOOTSTRAP_CREDENTIALS"));
    let value = item.and_then(|(_, item)| item.get("value"));
    if let Some(value) = value.filter(|value| value.scalar() == Some("iam-role")) {
        let message = "iam-role is asked for, and the ServiceAccount has a role for IRSA";
        linter.report(&CREDENTIALS_KIND, file, value, message);
    }
}

/// The variable that makes keys win over a role.
pub(super) const KEY: &str = "AWS_ACCESS_KEY_ID";

/// The item of a list of variables that sets it; an empty one counts as none.
pub(super) fn key_item(list: Option<Node<'_>>) -> Option<Node<'_>> {
    let (_, item) = list?.item_where("name", KEY)?;
    let is_set = item.get("valueFrom").is_some() || text(item, &["value"]).is_some();
    is_set.then_some(item)
}

fn credentials(linter: &mut Linter<'_, '_>) {
    let pods: Vec<_> = linter.pods().collect();
    for (object, pod) in pods {
        for list in containers(pod).filter_map(|container| container.get("env")) {
            plain(linter, object.file, list);
        }
    }
}

/// Credentials and placeholders in a list of variables.
pub(super) fn plain(linter: &mut Linter<'_, '_>, file: usize, list: Node<'_>) {
    for item in list.items() {
        let name = text(item, &["name"]).unwrap_or_default();
        if let Some(value) = item.get("value") {
            plain_value(linter, file, name, value, is_secret_name(name));
        }
    }
}

/// A value that is not filled in, or is a credential.
pub(super) fn plain_value(
    linter: &mut Linter<'_, '_>,
    file: usize,
    name: &str,
    value: Node<'_>,
    is_secret: bool,
) {
    let written = value.scalar().unwrap_or_default();
    if is_placeholder(written) {
        let message = format!("{name} is not filled in");
        linter.report(&PLACEHOLDER, file, value, message);
    } else if is_secret && !written.is_empty() && !is_reference(written) {
        let message = format!("{name} stands here as plain text");
        linter.report(&PLAINTEXT_CREDENTIAL, file, value, message);
    } else if has_password(written) {
        let message = format!("{name} has a URL with a password in plain text");
        linter.report(&PLAINTEXT_CREDENTIAL, file, value, message);
    }
}

/// Whether a value is all of another variable, or a switch.
fn is_reference(text: &str) -> bool {
    (text.starts_with("$(") && text.ends_with(')')) || matches!(text, "true" | "false")
}
