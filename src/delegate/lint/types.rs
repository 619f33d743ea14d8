//! Values that must be text, and that a reader of YAML takes for something else.

use super::rules::UNQUOTED;
use super::{Linter, containers};
use crate::yaml::{Node, Reading};

pub(super) fn check(linter: &mut Linter<'_, '_>) {
    let manifests = linter.manifests;
    for object in manifests.objects() {
        let template = object.node.dig(&["spec", "template"]);
        for metadata in [Some(object.node), template].into_iter().flatten() {
            for key in ["annotations", "labels"] {
                entries(linter, object.file, metadata.dig(&["metadata", key]));
            }
        }
        let data: &[&str] = match object.kind {
            "ConfigMap" => &["data"],
            "Secret" => &["data", "stringData"],
            _ => &[],
        };
        for key in data {
            entries(linter, object.file, object.node.get(key));
        }
    }
    let pods: Vec<_> = linter.pods().collect();
    for (object, pod) in pods {
        entries(linter, object.file, pod.get("nodeSelector"));
        for list in containers(pod).filter_map(|container| container.get("env")) {
            variables(linter, object.file, list);
        }
    }
}

/// The values of a list of variables.
pub(super) fn variables(linter: &mut Linter<'_, '_>, file: usize, list: Node<'_>) {
    for item in list.items() {
        let name = item.get("name").and_then(Node::scalar).unwrap_or_default();
        if let Some(value) = item.get("value") {
            one(linter, file, name, value);
        }
    }
}

/// The values of a mapping.
pub(super) fn entries(linter: &mut Linter<'_, '_>, file: usize, map: Option<Node<'_>>) {
    for (key, value) in map.into_iter().flat_map(Node::entries) {
        one(linter, file, key.scalar().unwrap_or_default(), value);
    }
}

fn one(linter: &mut Linter<'_, '_>, file: usize, name: &str, value: Node<'_>) {
    if value.tag().is_none() && matches!(value.reading(), Some(Reading::Bool(_) | Reading::Number))
    {
        let written = value.scalar().unwrap_or_default();
        let message = format!("{name} is `{written}`, which is not text without quotes");
        linter.report(&UNQUOTED, file, value, message);
    }
}
