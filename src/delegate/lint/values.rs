//! Values of the Helm chart: what of them would fail once the chart is rendered.

use super::super::delivery::Budget;
use super::super::init_script::Parts;
use super::super::values::{PROBE, Values};
use super::identity::{KEY, key_item, kind, names_role, partition, plain, plain_value, role_key};
use super::pod::{NEEDED, hides, is_arm64, twice, unkept, unpinned};
use super::rules::{
    ACCOUNT_UNUSED, ANNOTATION_MISPLACED, ROLE_ARN, STARTUP_BUDGET, STATIC_KEYS, UPGRADER_IMAGE,
};
use super::script::Script;
use super::upgrader::is_custom;
use super::{Linter, text, types};
use crate::arn::RoleArn;
use crate::yaml::Node;

/// The image of the chart where the values name none: Harness' own.
const IMAGE: &str = "harness/delegate:chart";

pub(super) fn check(linter: &mut Linter<'_, '_>, all: &[Values<'_>]) {
    for values in all {
        images(linter, values);
        credentials(linter, values);
        role(linter, values);
        script(linter, values);
        hides(linter, values.file, values.mounts());
        if let Some(list) = values.node.get("custom_envs") {
            twice(linter, values.file, list);
            types::variables(linter, values.file, list);
        }
    }
}

fn images(linter: &mut Linter<'_, '_>, values: &Values<'_>) {
    let (file, node) = (values.file, values.node);
    let upgrader = node.get("upgrader");
    let named = [
        node.get("delegateDockerImage"),
        upgrader.and_then(|upgrader| upgrader.get("upgraderDockerImage")),
    ];
    for image in named.into_iter().flatten().filter(|image| !image.is_null()) {
        unpinned(linter, file, image);
    }
    // The chart's default is an upgrader that is on.
    let enabled = upgrader.and_then(|upgrader| upgrader.get("enabled")?.bool());
    if let [Some(image), _] = named
        && enabled != Some(false)
        && image
            .scalar()
            .is_some_and(|image| !image.is_empty() && is_custom(image))
    {
        let written = image.scalar().unwrap_or_default();
        let message = format!("the upgrader will replace `{written}` by Harness' own image");
        linter.report(&UPGRADER_IMAGE, file, image, message);
    }
}

/// Keys that hold a credential, and keys that templates leave to be filled in.
const SECRETS: [&str; 2] = ["delegateToken", "proxyPassword"];
const PLAIN: [&str; 3] = ["accountId", "managerEndpoint", "delegateName"];

fn credentials(linter: &mut Linter<'_, '_>, values: &Values<'_>) {
    let (file, node) = (values.file, values.node);
    let keys = SECRETS.map(|key| (key, true));
    for (key, is_secret) in keys.into_iter().chain(PLAIN.map(|key| (key, false))) {
        if let Some(value) = node.get(key).filter(|value| !value.is_null()) {
            plain_value(linter, file, key, value, is_secret);
        }
    }
    if let Some(value) = node.dig(&["upgrader", "upgraderToken"])
        && !value.is_null()
    {
        plain_value(linter, file, "upgraderToken", value, true);
    }
    if let Some(list) = node.get("custom_envs") {
        plain(linter, file, list);
    }
}

fn role(linter: &mut Linter<'_, '_>, values: &Values<'_>) {
    let (file, node) = (values.file, values.node);
    // Annotations of everything else that the chart makes.
    for key in ["annotations", "delegateAnnotations"] {
        let entries = node.get(key).into_iter().flat_map(Node::entries);
        for (name, _) in entries {
            let found = name.scalar().unwrap_or_default();
            if names_role(found) {
                let message = format!("`{found}` below `{key}` is read by nobody");
                linter.report(&ANNOTATION_MISPLACED, file, name, message);
            }
        }
    }
    let annotations = node.dig(&["serviceAccount", "annotations"]);
    for (name, _) in annotations.into_iter().flat_map(Node::entries) {
        let found = name.scalar().unwrap_or_default();
        if names_role(found) && found != role_key() {
            let message = format!("`{found}` on the ServiceAccount is read by nobody");
            linter.report(&ANNOTATION_MISPLACED, file, name, message);
        }
    }
    types::entries(linter, file, annotations);
    let Some(value) = node.dig(&["serviceAccount", "annotations", &role_key()]) else {
        return;
    };
    let create = node.dig(&["serviceAccount", "create"]);
    if create.and_then(Node::bool) == Some(false) {
        let message = "the chart makes no ServiceAccount, so the annotation goes nowhere";
        linter.report(&ACCOUNT_UNUSED, file, value, message);
    }
    let list = node.get("custom_envs");
    match value.scalar().unwrap_or_default().parse::<RoleArn>() {
        Ok(role) => partition(linter, file, list, &role),
        Err(error) => linter.report(&ROLE_ARN, file, value, error.to_string()),
    }
    kind(linter, file, list);
    if let Some(item) = key_item(list) {
        let message = format!("{KEY} is set, and the ServiceAccount has a role: the keys win");
        linter.report(&STATIC_KEYS, file, item, message);
    }
}

fn script(linter: &mut Linter<'_, '_>, values: &Values<'_>) {
    let (file, node) = (values.file, values.node);
    let Some(value) = node.get("initScript") else {
        return;
    };
    let written = value.scalar().unwrap_or_default();
    if written.trim().is_empty() {
        return;
    }
    let script = Script {
        image: text(node, &["delegateDockerImage"]).unwrap_or(IMAGE),
        is_not_root: is_not_root(node),
        is_arm64: is_arm64(node),
        file,
        node: value,
        stream: linter.manifests.streams().get(file),
        in_env: false,
        has_role: text(node, &["serviceAccount", "annotations", &role_key()]).is_some(),
    };
    script.check(linter);
    if let Some(probe) = node.get("startupProbe") {
        let seconds = Budget::or(probe, PROBE).seconds();
        if seconds < NEEDED {
            let message = format!(
                "the startup probe kills the container after {seconds} s; INIT_SCRIPT and the delegate take up to {NEEDED} s"
            );
            linter.report(&STARTUP_BUDGET, file, probe, message);
        }
    }
    if Parts::of(written).ours.is_some() || written.contains("bootstrap init") {
        let envs = node.get("custom_envs");
        let prefix = envs.and_then(|list| list.item_where("name", "BOOTSTRAP_PREFIX"));
        let prefix = prefix.and_then(|(_, item)| text(item, &["value"]));
        let prefix = prefix.unwrap_or("/opt/harness-delegate/bootstrap");
        unkept(linter, file, value, values.mounts(), prefix);
    }
}

/// Whether the container may not act as root; the chart's default is that it may.
fn is_not_root(node: Node<'_>) -> bool {
    let int = |keys: &[&str]| node.dig(keys).and_then(Node::int);
    let user = int(&["delegateSecurityContext", "runAsUser"])
        .or_else(|| int(&["delegatePodSecurityContext", "runAsUser"]));
    let root = node
        .dig(&["securityContext", "runAsRoot"])
        .and_then(Node::bool);
    user.is_some_and(|user| user != 0) || root == Some(false)
}
