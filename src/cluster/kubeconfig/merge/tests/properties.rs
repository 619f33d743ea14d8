//! Kubeconfigs of all kinds, generated: what is put in is there, and all else is as it was.

use proptest::prelude::*;
use serde_yaml::{Mapping, Value as Yaml};

use super::*;

/// The body of an entry, and how its item is written.
#[derive(Clone, Debug)]
struct Item {
    name: Option<&'static str>,
    /// Keys and values below `cluster`, `context` or `user`, as YAML in flow style.
    keys: Vec<(&'static str, &'static str)>,
    is_flow: bool,
    name_first: bool,
    comment: Option<u8>,
}

#[derive(Clone, Debug)]
enum List {
    Absent,
    Null,
    EmptyFlow,
    Items { items: Vec<Item>, indent: usize },
}

fn item(keys: &'static [(&'static str, &'static str)]) -> impl Strategy<Value = Item> {
    let names = prop_oneof![
        2 => Just(Some(ARN)),
        1 => Just(Some("prod")),
        2 => prop::sample::select(vec!["dev", "yes", "\u{e9}t\u{e9}", "a b", "12"]).prop_map(Some),
        1 => Just(None),
    ];
    let keys = prop::sample::subsequence(keys, 0..=keys.len()).prop_shuffle();
    (
        names,
        keys,
        any::<bool>(),
        any::<bool>(),
        any::<Option<u8>>(),
    )
        .prop_map(|(name, keys, is_flow, name_first, comment)| Item {
            name,
            keys,
            is_flow,
            name_first,
            comment,
        })
}

fn list(keys: &'static [(&'static str, &'static str)]) -> impl Strategy<Value = List> {
    prop_oneof![
        1 => Just(List::Absent),
        1 => Just(List::Null),
        1 => Just(List::EmptyFlow),
        5 => (prop::collection::vec(item(keys), 1..4), prop::sample::select(vec![0_usize, 2, 4])).prop_map(
            |(mut items, indent)| {
                let mut seen = Vec::new();
                items.retain(|item| item.name.is_none() || !seen.contains(&item.name) && {
                    seen.push(item.name);
                    true
                });
                List::Items { items, indent }
            }
        ),
    ]
}

fn quoted(name: &str) -> String {
    serde_json::to_string(name).unwrap()
}

fn render(section: &str, body: &str, list: &List) -> String {
    let (items, indent) = match list {
        List::Absent => return String::new(),
        List::Null => return format!("{section}:  # none\n"),
        List::EmptyFlow => return format!("{section}: []  # none\n"),
        List::Items { items, indent } => (items, *indent),
    };
    let pad = " ".repeat(indent);
    let mut text = format!("{section}:\n");
    for item in items {
        if let Some(comment) = item.comment {
            text.push_str(&format!("{pad}# item {comment}\n"));
        }
        let name = item.name.map(|name| format!("name: {}", quoted(name)));
        let keys = item
            .keys
            .iter()
            .map(|(key, value)| format!("{key}: {value}"));
        let keys: Vec<_> = keys.collect();
        let value = if item.is_flow || keys.is_empty() {
            vec![format!("{body}: {{ {} }}  # flow", keys.join(", "))]
        } else {
            let keys = keys.iter().map(|key| format!("  {key}  # key"));
            std::iter::once(format!("{body}:")).chain(keys).collect()
        };
        let mut lines: Vec<String> = value;
        if let Some(name) = name {
            let at = if item.name_first { 0 } else { lines.len() };
            lines.insert(at, name);
        }
        for (index, line) in lines.iter().enumerate() {
            let dash = if index == 0 { "- " } else { "  " };
            text.push_str(&format!("{pad}{dash}{line}\n"));
        }
    }
    text
}

const CLUSTER_KEYS: &[(&str, &str)] = &[
    ("server", "https://old.example"),
    ("certificate-authority-data", "T0xE"),
    ("certificate-authority", "/ca.pem"),
    ("insecure-skip-tls-verify", "true"),
    ("tls-server-name", "'api'"),
    ("proxy-url", "http://p"),
    ("extensions", "[{name: e, extension: {a: 1}}]"),
];
const CONTEXT_KEYS: &[(&str, &str)] = &[
    ("cluster", "dev"),
    ("user", "\"dev\""),
    ("namespace", "web"),
];
const USER_KEYS: &[(&str, &str)] = &[
    ("token", "abc"),
    ("as", "auditor"),
    ("client-key-data", "S0VZ"),
    (
        "exec",
        "{command: old, args: [a, b], env: [{name: AWS_PROFILE, value: a}, {name: NO_PROXY, value: b}], installHint: x}",
    ),
    ("x-note", "'keep'"),
];

prop_compose! {
    fn kubeconfig()(
        clusters in list(CLUSTER_KEYS),
        contexts in list(CONTEXT_KEYS),
        users in list(USER_KEYS),
        current in prop::sample::select(vec!["", "current-context: dev # mine\n", "current-context: ''\n", "current-context:\n"]),
        head in prop::sample::select(vec!["", "# head\n", "---\n", "# head\n--- # doc\n"]),
        tail in prop::sample::select(vec!["", "# tail\n", "x-other: {a: [1, 2]}\n"]),
        order in Just(vec![0, 1, 2, 3]).prop_shuffle(),
        crlf in any::<bool>(),
        cut in any::<bool>(),
    ) -> String {
        let parts = [
            render("clusters", "cluster", &clusters),
            render("contexts", "context", &contexts),
            render("users", "user", &users),
            current.to_owned(),
        ];
        let parts: String = order.iter().map(|index: &usize| parts[*index].as_str()).collect();
        let mut text = format!("{head}kind: Config\n{parts}{tail}");
        if cut {
            text.truncate(text.trim_end().len());
        }
        if crlf { text.replace('\n', "\r\n") } else { text }
    }
}

/// The same merge on values, written by hand.
fn model(config: &mut Yaml, entry: &Entry, current: &str) {
    let config = config.as_mapping_mut().unwrap();
    let find = |config: &mut Mapping, section: &str, name: &str, body: &str| -> usize {
        let list = config.entry(section.into()).or_insert(Yaml::Null);
        if list.is_null() {
            *list = Yaml::Sequence(Vec::new());
        }
        let list = list.as_sequence_mut().unwrap();
        let at = list
            .iter()
            .position(|item| item.get("name").and_then(Yaml::as_str) == Some(name));
        at.unwrap_or_else(|| {
            list.push(
                serde_yaml::from_str(&format!("{{name: {}, {body}: {{}}}}", quoted(name))).unwrap(),
            );
            list.len() - 1
        })
    };
    let mut body = |section: &str, name: &str, body: &str| -> Mapping {
        let at = find(config, section, name, body);
        config[section][at][body].as_mapping().unwrap().clone()
    };
    let names = &entry.names;
    let mut cluster = body("clusters", &names.cluster, "cluster");
    let mut context = body("contexts", &names.context, "context");
    let mut user = body("users", &names.user, "user");
    for (key, value) in entry.cluster_keys() {
        cluster.insert(key.into(), value.into());
    }
    for key in OTHER_WAYS {
        cluster.remove(key);
    }
    for (key, value) in entry.context_keys() {
        context.insert(key.into(), value.into());
    }
    for key in OTHER_CREDENTIALS {
        user.remove(key);
    }
    let new: Yaml = serde_yaml::from_str(NEW).unwrap();
    let ours = new["users"][0]["user"]["exec"].as_mapping().unwrap();
    let exec = user
        .entry("exec".into())
        .or_insert(Yaml::Mapping(Mapping::new()));
    let exec = exec.as_mapping_mut().unwrap();
    let kept = exec.get("env").map(|env| env[1].clone());
    exec.extend(ours.clone());
    let env = exec.get_mut("env").unwrap().as_sequence_mut().unwrap();
    env.splice(..0, kept);
    for (section, name, key, value) in [
        ("clusters", &names.cluster, "cluster", cluster),
        ("contexts", &names.context, "context", context),
        ("users", &names.user, "user", user),
    ] {
        let at = find(config, section, name, key);
        config[section][at][key] = Yaml::Mapping(value);
    }
    let own = config
        .get("current-context")
        .and_then(Yaml::as_str)
        .unwrap_or_default();
    let contexts = config["contexts"].as_sequence().unwrap();
    let mut names = contexts.iter().map(|context| context.get("name"));
    if !names.any(|name| name == Some(&own.into())) || own.is_empty() {
        config.insert("current-context".into(), current.into());
    }
}

/// The comments of a text, and the lines on which nothing else stands.
fn comments(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.split_once('#'));
    let mut comments: Vec<_> = lines
        .map(|(_, comment)| comment.trim_end().to_owned())
        .collect();
    comments.sort();
    comments
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_put_in_is_there_and_all_else_is_as_it_was(text in kubeconfig(), alias in any::<bool>()) {
        let entry = if alias { named(ARN, "prod") } else { entry() };
        let context = entry.names.context.clone();
        let mut expected: Yaml = serde_yaml::from_str(&text).unwrap();
        let made = merge(&text, std::slice::from_ref(&entry), Current::Default(&context));
        let made = made.map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        model(&mut expected, &entry, &context);
        let found: Yaml = serde_yaml::from_str(&made.text).unwrap();
        prop_assert_eq!(&found, &expected, "{}\n=== became\n{}", text, made.text);
        let again = merge(&made.text, &[entry], Current::Default(&context)).unwrap();
        prop_assert_eq!(&again.text, &made.text);
        prop_assert_eq!(again.changes, [Change::Unchanged]);
        // A comment on the line of a key that is gone goes with it.
        let kept = comments(&made.text);
        let lost = comments(&text).into_iter().filter(|comment| comment.trim() != "key");
        for comment in lost {
            prop_assert!(kept.contains(&comment), "lost `{}` of\n{}\n=== became\n{}", comment, text, made.text);
        }
        let is_crlf = |text: &str| text.matches('\n').count() == text.matches("\r\n").count();
        // A text of one line says nothing of how lines end.
        prop_assert!(!text.contains('\n') || is_crlf(&text) == is_crlf(&made.text), "{:?}", made.text);
    }
}
