//! The types that kubectl wants in a kubeconfig: of one with another type anywhere it reads nothing
//! (client-go, `tools/clientcmd/api/v1/types.go`).

use crate::yaml::{Node, Style};

/// The type of a value; null will do for each.
#[derive(Debug)]
enum Shape {
    /// Text.
    Text,
    /// `true` or `false`.
    Switch,
    /// A list of such items.
    List(&'static Self),
    /// A mapping whose values are such, whatever its keys.
    Map(&'static Self),
    /// A mapping in which these keys are such; others may be anything.
    Keys(&'static [(&'static str, Self)]),
}

use Shape::{Keys, List, Map, Switch, Text};

const EXTENSIONS: Shape = List(&Keys(&[("name", Text)]));

const CLUSTER: Shape = Keys(&[
    ("certificate-authority", Text),
    ("certificate-authority-data", Text),
    ("disable-compression", Switch),
    ("extensions", EXTENSIONS),
    ("insecure-skip-tls-verify", Switch),
    ("proxy-url", Text),
    ("server", Text),
    ("tls-server-name", Text),
]);

const CONTEXT: Shape = Keys(&[
    ("cluster", Text),
    ("extensions", EXTENSIONS),
    ("namespace", Text),
    ("user", Text),
]);

const EXEC: Shape = Keys(&[
    ("apiVersion", Text),
    ("args", List(&Text)),
    ("command", Text),
    ("env", List(&Keys(&[("name", Text), ("value", Text)]))),
    ("installHint", Text),
    ("interactiveMode", Text),
    ("provideClusterInfo", Switch),
]);

const USER: Shape = Keys(&[
    ("as", Text),
    ("as-groups", List(&Text)),
    ("as-uid", Text),
    ("as-user-extra", Map(&List(&Text))),
    (
        "auth-provider",
        Keys(&[("config", Map(&Text)), ("name", Text)]),
    ),
    ("client-certificate", Text),
    ("client-certificate-data", Text),
    ("client-key", Text),
    ("client-key-data", Text),
    ("exec", EXEC),
    ("extensions", EXTENSIONS),
    ("password", Text),
    ("token", Text),
    ("tokenFile", Text),
    ("username", Text),
]);

const CONFIG: Shape = Keys(&[
    (
        "clusters",
        List(&Keys(&[("name", Text), ("cluster", CLUSTER)])),
    ),
    (
        "contexts",
        List(&Keys(&[("name", Text), ("context", CONTEXT)])),
    ),
    ("current-context", Text),
    ("extensions", EXTENSIONS),
    (
        "preferences",
        Keys(&[("colors", Switch), ("extensions", EXTENSIONS)]),
    ),
    ("users", List(&Keys(&[("name", Text), ("user", USER)]))),
]);

/// The first node below the root of a kubeconfig that has another type, and what is wrong with it.
pub(super) fn misfit(root: Node<'_>) -> Option<(Node<'_>, String)> {
    CONFIG.misfit(root, "")
}

impl Shape {
    fn misfit<'n>(&self, node: Node<'n>, path: &str) -> Option<(Node<'n>, String)> {
        if node.is_null() {
            return None;
        }
        let wrong = |wanted| {
            let message = format!("`{path}` is {}, not {wanted}", noun(node));
            Some((node, message))
        };
        let below = |key: &str| match path {
            "" => key.to_owned(),
            _ => format!("{path}.{key}"),
        };
        match self {
            Text if !is_text(node) => wrong("text"),
            Switch if !is_switch(node) => wrong("a boolean"),
            List(_) if !node.is_sequence() => wrong("a list"),
            Map(_) | Keys(_) if !node.is_mapping() => wrong("a mapping"),
            Text | Switch => None,
            List(shape) => {
                let mut items = node.items().enumerate();
                items.find_map(|(index, item)| shape.misfit(item, &format!("{path}[{index}]")))
            }
            Map(shape) => {
                let mut entries = node.entries();
                entries.find_map(|(key, value)| {
                    shape.misfit(value, &below(key.scalar().unwrap_or_default()))
                })
            }
            Keys(keys) => keys
                .iter()
                .find_map(|(key, shape)| shape.misfit(node.get(key)?, &below(key))),
        }
    }
}

/// What a node is for kubectl.
fn noun(node: Node<'_>) -> &'static str {
    if is_text(node) {
        "text"
    } else if is_switch(node) {
        "a boolean"
    } else if node.scalar().is_some() {
        "a number"
    } else {
        node.noun()
    }
}

/// Whether kubectl reads text here.
fn is_text(node: Node<'_>) -> bool {
    let Some(text) = node.scalar() else {
        return false;
    };
    match node.tag() {
        None if node.style() == Some(Style::Plain) => !is_word(text) && !is_number(text),
        None => true,
        Some(tag) => {
            let of_yaml = tag.strip_prefix("tag:yaml.org,2002:");
            !matches!(of_yaml, Some("bool" | "float" | "int"))
        }
    }
}

/// Whether kubectl reads a boolean here.
fn is_switch(node: Node<'_>) -> bool {
    let is_plain = node.style() == Some(Style::Plain) && node.tag().is_none();
    is_plain && node.scalar().is_some_and(is_word)
}

/// Whether a plain scalar is a boolean of YAML 1.1, which kubectl reads (go-yaml v2, `resolve.go`):
/// in lower or upper case, or with a capital.
fn is_word(plain: &str) -> bool {
    let lower = plain.to_ascii_lowercase();
    let is_known = ["y", "yes", "true", "on", "n", "no", "false", "off"].contains(&lower.as_str());
    let mut rest = plain.chars().skip(1);
    let is_capital = rest.all(|letter| letter.is_ascii_lowercase());
    is_known && (is_capital || plain == lower.to_ascii_uppercase())
}

/// Whether a plain scalar is a number for kubectl (go-yaml v2, `resolve.go`): no date, no `12:30`, no
/// address, and nothing beyond the range of its type, all of which it takes for text.
fn is_number(plain: &str) -> bool {
    if !plain.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) {
        return false;
    }
    let text = plain.replace('_', "").to_ascii_lowercase();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
    if digits == ".inf" || text == ".nan" {
        return true;
    }
    for (prefix, base) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = digits.strip_prefix(prefix) {
            return !digits.starts_with('+') && u64::from_str_radix(digits, base).is_ok();
        }
    }
    // What Rust takes for a number besides begins with a letter.
    digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && digits.parse().is_ok_and(f64::is_finite)
}
