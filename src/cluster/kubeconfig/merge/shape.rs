//! The types that kubectl wants in a kubeconfig: of one with another type anywhere it reads nothing
//! (client-go, `tools/clientcmd/api/v1/types.go`).

use crate::yaml::{Node, Reading};

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
        if node.reading() == Some(Reading::Null) {
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
            Text if node.reading() != Some(Reading::Text) => wrong("text"),
            Switch if node.bool().is_none() => wrong("a boolean"),
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
    match node.reading() {
        Some(Reading::Text) => "text",
        Some(Reading::Bool(_)) => "a boolean",
        Some(Reading::Number) => "a number",
        Some(Reading::Null) | None => node.noun(),
    }
}
