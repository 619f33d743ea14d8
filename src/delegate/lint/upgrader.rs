//! The upgrader: which workload it is told to upgrade, and what it does to custom images.

use std::path::Path;

use super::references::is_placeholder;
use super::rules::{PLACEHOLDER, UPGRADER_IMAGE, UPGRADER_WORKLOAD};
use super::{Linter, containers, text};
use crate::strict_yaml::Location;
use crate::yaml::{Node, Stream};

pub(super) fn check(linter: &mut Linter<'_, '_>) {
    configurations(linter);
    images(linter);
}

/// The ConfigMap of the upgrader holds a document of its own.
fn configurations(linter: &mut Linter<'_, '_>) {
    let manifests = linter.manifests;
    for object in manifests.of_kind("ConfigMap") {
        let Some(value) = object.node.dig(&["data", "config.yaml"]) else {
            continue;
        };
        let Ok(inner) = Stream::parse(Path::new("config.yaml"), value.scalar().unwrap_or_default())
        else {
            continue;
        };
        let Some(root) = inner
            .document(0)
            .filter(|root| root.get("workloadName").is_some())
        else {
            continue;
        };
        let at = |node: Node<'_>| place(manifests.streams().get(object.file), value, node);
        for (key, value) in values(root) {
            let message = format!("`{key}` of the upgrader is not filled in");
            if value.scalar().is_some_and(is_placeholder) {
                linter.report_at(&PLACEHOLDER, object.file, at(value), message);
            }
        }
        let named = text(root, &["workloadName"]).unwrap_or_default();
        let namespace = text(root, &["namespace"]);
        let workload = linter
            .workloads
            .iter()
            .find(|workload| workload.object.name == named);
        let Some(workload) = workload else {
            if linter.workloads.is_empty() {
                continue;
            }
            let node = root.get("workloadName").unwrap_or(root);
            let there: Vec<_> = linter
                .workloads
                .iter()
                .map(|workload| workload.object.name)
                .collect();
            linter.report_at(
                &UPGRADER_WORKLOAD,
                object.file,
                at(node),
                format!(
                    "the upgrader upgrades `{named}`; the delegate is `{}`",
                    there.join("`, `")
                ),
            );
            continue;
        };
        if namespace.is_some() && namespace != workload.object.namespace {
            let node = root.get("namespace").unwrap_or(root);
            linter.report_at(
                &UPGRADER_WORKLOAD,
                object.file,
                at(node),
                format!(
                    "the upgrader looks in namespace `{}`; the delegate is in {}",
                    namespace.unwrap_or_default(),
                    super::shown(workload.object.namespace)
                ),
            );
        }
        let container = text(root, &["containerName"]);
        if let Some(container) = container
            && text(workload.container, &["name"]) != Some(container)
        {
            let node = root.get("containerName").unwrap_or(root);
            linter.report_at(
                &UPGRADER_WORKLOAD,
                object.file,
                at(node),
                format!(
                    "the upgrader upgrades container `{container}`; the delegate's is `{}`",
                    text(workload.container, &["name"]).unwrap_or_default()
                ),
            );
        }
    }
}

/// The values of a mapping and of those in it, with their keys.
fn values(node: Node<'_>) -> Vec<(&str, Node<'_>)> {
    let entries = node.entries().flat_map(|(key, value)| {
        let own = (key.scalar().unwrap_or_default(), value);
        std::iter::once(own).chain(values(value))
    });
    entries.collect()
}

/// Where a node of a document inside a block scalar stands in the file.
fn place(stream: Option<&Stream<'_>>, block: Node<'_>, inner: Node<'_>) -> Location {
    let mut at = block.location();
    let below = block.line() + inner.line();
    let text = stream.and_then(|stream| stream.text().get(block.span()));
    let line = text.and_then(|text| text.lines().nth(inner.line()));
    let content = block.scalar().unwrap_or_default();
    let content = content.lines().nth(inner.line().saturating_sub(1));
    if let (Some(line), Some(content)) = (line, content)
        && block.last_line() >= below
    {
        let indent = line.chars().count().saturating_sub(content.chars().count());
        at.line = below;
        at.column = indent + inner.column();
    }
    at
}

/// Custom images, and an upgrader that is not suspended.
fn images(linter: &mut Linter<'_, '_>) {
    let manifests = linter.manifests;
    let is_upgrader = |object: &&super::Object<'_>| {
        let pod = super::pod_of(object);
        let images = pod.into_iter().flat_map(containers);
        let is_suspended = object.node.dig(&["spec", "suspend"]).and_then(Node::bool) == Some(true);
        !is_suspended
            && images
                .filter_map(|container| text(container, &["image"]))
                .any(|image| image.contains("upgrader"))
    };
    let Some(upgrader) = manifests.of_kind("CronJob").find(is_upgrader) else {
        return;
    };
    for workload in linter.workloads {
        let Some(image) = workload.container.get("image") else {
            continue;
        };
        let written = image.scalar().unwrap_or_default();
        if is_custom(written) {
            linter.report(
                &UPGRADER_IMAGE,
                workload.object.file,
                image,
                format!(
                    "CronJob `{}` will replace `{written}` by Harness' own image",
                    upgrader.name
                ),
            );
        }
    }
}

/// Whether an image is not one of Harness' own.
pub(super) fn is_custom(image: &str) -> bool {
    let name = image.split(['@', ':']).next().unwrap_or_default();
    // A registry with a port has a colon too; what stands behind it is the rest of the name.
    !name.ends_with("harness/delegate")
        && !image.contains("harness/delegate:")
        && !image.contains("harness/delegate@")
}
