//! Values that must be text, and that a reader of YAML takes for something else.

use super::rules::UNQUOTED;
use super::{Linter, containers};
use crate::yaml::{Node, Style};

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
    let is_plain = value.style() == Some(Style::Plain) && value.tag().is_none();
    let written = value.scalar().unwrap_or_default();
    if is_plain && !value.is_null() && is_other(written) {
        let message = format!("{name} is `{written}`, which is not text without quotes");
        linter.report(&UNQUOTED, file, value, message);
    }
}

/// Whether Kubernetes takes a plain scalar for a boolean or a number, as kubectl 1.35.2 does: by YAML
/// 1.1, but for numbers in base 60 and dates, and with octal numbers of YAML 1.2 too.
fn is_other(plain: &str) -> bool {
    const BOOLEANS: [&str; 8] = ["y", "n", "yes", "no", "on", "off", "true", "false"];
    let lower = plain.to_ascii_lowercase();
    // `yes`, `Yes` and `YES` are, `yEs` is not.
    let rest = plain.get(1..).unwrap_or_default();
    let is_even = *rest == rest.to_ascii_lowercase() || plain.to_ascii_uppercase() == plain;
    BOOLEANS.contains(&lower.as_str()) && is_even || is_number(&lower)
}

fn is_number(lower: &str) -> bool {
    let digits = lower.replace('_', "");
    let bare = digits.strip_prefix(['+', '-']).unwrap_or(&digits);
    if matches!(bare, ".inf" | ".nan") {
        return true;
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(rest) = bare.strip_prefix(prefix) {
            return u64::from_str_radix(rest, radix).is_ok();
        }
    }
    let is_decimal = |letter: char| letter.is_ascii_digit() || ".e+-".contains(letter);
    bare.starts_with(|letter: char| letter.is_ascii_digit() || letter == '.')
        && lower.starts_with(|letter: char| letter != '_')
        && bare.chars().all(is_decimal)
        && bare.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_takes_for_something_else_is_known() {
        for text in [
            "true", "False", "YES", "on", "n", "80", "-1", "+1", "1_000", "0x1F", "0o17", "0b1",
            "1.5", ".5", "1e3", "1.", ".inf", "007",
        ] {
            assert!(is_other(text), "{text}");
        }
        for text in [
            "yEs",
            "nope",
            "12:30",
            "2024-01-01",
            "1.2.3",
            "10Gi",
            "v1",
            "0xZZ",
            "_1",
            "infinity",
            "nan",
            "e",
            "-",
            ".",
            "1e",
        ] {
            assert!(!is_other(text), "{text}");
        }
    }
}
