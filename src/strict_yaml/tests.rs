//! Tests of strict reading: that every error stands where the mistake does.

use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    #[serde(rename = "version")]
    _version: u32,
    #[serde(default, rename = "items")]
    _items: Vec<Item>,
    #[serde(default, rename = "by_name")]
    _by_name: std::collections::BTreeMap<String, Item>,
    #[serde(default, rename = "flag")]
    _flag: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    #[serde(default, deserialize_with = "optional_text", rename = "count")]
    _count: Option<u8>,
}

fn check(text: &str, expected: &str) {
    let error = parse::<Sample>(Path::new("f.yaml"), text, 1).unwrap_err();
    assert_eq!(error.to_string(), expected, "{text}");
}

#[test]
fn an_unknown_key_is_named_where_it_stands() {
    check(
        "version: 1\nflags: true\n",
        "f.yaml:2:1: unknown field `flags`, expected one of `version`, `items`, `by_name`, `flag`",
    );
    check(
        "version: 1\n# é\nitems:\n  - count: 1\n  - count: 2\n    kind: x\n",
        "f.yaml:6:5: items[1]: unknown field `kind`, expected `count`",
    );
    check(
        "version: 1\nby_name: { é: { count: 1, kind: x } }\n",
        "f.yaml:2:27: by_name.é: unknown field `kind`, expected `count`",
    );
}

#[test]
fn a_key_that_is_there_twice_is_named_where_it_stands_again() {
    check(
        "version: 1\nflag: true\nflag: false\n",
        "f.yaml:3:1: the key `flag` is there twice",
    );
    check(
        "version: 1\nby_name:\n  a: {}\n  a: {}\n",
        "f.yaml:4:3: by_name: the key `a` is there twice",
    );
}

#[test]
fn a_wrong_type_or_text_is_located_at_the_value() {
    check(
        "version: 1\nflag: 7\n",
        "f.yaml:2:7: flag: invalid type: integer `7`, expected a boolean",
    );
    check(
        "version: 1\nitems:\n  - { count: many }\n",
        "f.yaml:3:14: items[0].count: invalid digit found in string",
    );
    check(
        "version: 1\nitems: x\n",
        "f.yaml:2:8: items: invalid type: string \"x\", expected a sequence",
    );
}

#[test]
fn a_newer_format_is_refused_before_its_new_keys_are() {
    check(
        "news: x\nversion: 2\n",
        "f.yaml:2:10: format version 2 is not one that this program reads: it reads up to 1",
    );
}

#[test]
fn a_file_without_its_version_is_refused() {
    check("flag: true\n", "f.yaml:1:1: missing field `version`");
    check("", "f.yaml:1:1: missing field `version`");
    check(
        "- a\n",
        "f.yaml:1:1: invalid type: sequence, expected a mapping with `version`",
    );
}

#[test]
fn broken_yaml_is_located() {
    check(
        "version: 1\nflag: [\n",
        "f.yaml:3:1: did not find expected node content, while parsing a flow node",
    );
    check(
        "version: 1\nflag: true: x\n",
        "f.yaml:2:11: mapping values are not allowed in this context",
    );
}

#[test]
fn a_node_is_found_by_its_path() {
    let text = "version: 1\nitems:\n  - a\n  - { x: 1 }\n  - [b]\n";
    let at = |path: &[Step<'_>]| locate(Path::new("f"), text, path).to_string();
    assert_eq!(at(&[Step::Key("items"), Step::Item(0)]), "f:3:5");
    assert_eq!(at(&[Step::Key("items"), Step::Item(1)]), "f:4:5");
    assert_eq!(
        at(&[Step::Key("items"), Step::Item(1), Step::Key("x")]),
        "f:4:10"
    );
    assert_eq!(at(&[Step::Key("items"), Step::Item(2)]), "f:5:5");
    assert_eq!(at(&[Step::Key("absent")]), "f:1:1");
}

#[test]
fn nesting_and_aliases_without_end_are_refused() {
    let deep = format!("version: 1\nitems: {}\n", "[".repeat(1000));
    assert!(parse::<Sample>(Path::new("f"), &deep, 1).is_err());
    let level = |level: u32| format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1);
    let bomb: String = (1..40).map(level).collect();
    let bomb = format!("version: 1\na0: &a0 [x]\n{bomb}");
    assert!(parse::<Sample>(Path::new("f"), &bomb, 1).is_err());
}

#[test]
fn of_what_is_too_long_the_beginning_and_the_end_are_shown() {
    let long = "é".repeat(1_000_000);
    let text = format!("version: 1\nflag: {long}\n");
    let error = parse::<Sample>(Path::new("f.yaml"), &text, 1).unwrap_err();
    assert_eq!(error.at.to_string(), "f.yaml:2:7");
    assert_eq!(error.problem.chars().count(), LONGEST + 1);
    let (head, tail) = error.problem.split_once('…').unwrap();
    assert!(head.starts_with("flag: invalid type: string"), "{head}");
    assert!(tail.ends_with("expected a boolean"), "{tail}");
}
