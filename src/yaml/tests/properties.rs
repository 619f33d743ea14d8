//! Properties of edits of generated documents.

use proptest::prelude::*;

use super::{Path, Scalar, Step, Value, edit_once, parse};
use crate::yaml::{Editor, Error};

/// A file: mappings and lists in the styles that people use, with comments.
fn source() -> impl Strategy<Value = String> {
    let documents = proptest::collection::vec(mapping(2), 1..4);
    let separator = prop_oneof![
        Just("---\n"),
        Just("--- # next\n"),
        Just("\n---\n"),
        Just("...\n---\n")
    ];
    let head = prop_oneof![Just(""), Just("# head\n"), Just("---\n"), Just("\u{feff}")];
    let endings = (any::<bool>(), any::<bool>());
    (head, documents, separator, endings).prop_map(|(head, documents, separator, (crlf, cut))| {
        let texts: Vec<String> = documents
            .iter()
            .map(|lines| lines.join("\n") + "\n")
            .collect();
        let mut text = format!("{head}{}", texts.join(separator));
        if cut {
            text.truncate(text.trim_end_matches('\n').len());
        }
        if crlf {
            text.replace('\n', "\r\n")
        } else {
            text
        }
    })
}

fn comment() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just(""), 1 => Just(" # c"), 1 => Just("   # d: e")]
}

/// A value behind a key or a dash: what stands on its line, and the lines below, indented by two.
fn value(depth: u32) -> BoxedStrategy<(String, Vec<String>)> {
    let lines = |lines: &[&str]| {
        lines
            .iter()
            .map(|line| (*line).to_owned())
            .collect::<Vec<_>>()
    };
    let leaf = prop_oneof![
        6 => (proptest::sample::select(vec![
            " x", " 'it''s'", " \"a\\nb\"", " 0755", " true", "", " ~", " {}", " []", " {a: 1, b: [2]}",
            " {a: 1, }", " !!str t", " &n anchored", " [\"q\", r]",
        ]), comment()).prop_map(|(text, comment)| (format!("{text}{comment}"), vec![])),
        1 => Just((" |".to_owned(), lines(&["  echo", "", "    deeper"]))),
        1 => Just((" |- # h".to_owned(), lines(&["  a", "  b", ""]))),
        1 => Just((" |+".to_owned(), lines(&["  a", "", ""]))),
        1 => Just((" >2".to_owned(), lines(&["   a", "  b"]))),
        1 => Just((" one".to_owned(), lines(&["  two", "   three # c"]))),
        1 => Just((" {".to_owned(), lines(&["  a: 1, # x", "  b: 2", "  }"]))),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let indented = |lines: Vec<String>, by: usize| -> Vec<String> {
        let pad = |line: String| {
            if line.is_empty() {
                line
            } else {
                format!("{}{line}", " ".repeat(by))
            }
        };
        lines.into_iter().map(pad).collect()
    };
    prop_oneof![
        3 => leaf,
        2 => (mapping(depth - 1), comment()).prop_map(move |(lines, comment)| (comment.to_owned(), indented(lines, 2))),
        2 => (list(depth - 1), comment(), prop_oneof![Just(2), Just(4)])
            .prop_map(move |(lines, comment, by)| (comment.to_owned(), indented(lines, by))),
    ]
    .boxed()
}

fn mapping(depth: u32) -> BoxedStrategy<Vec<String>> {
    let between = prop_oneof![6 => Just(None), 1 => Just(Some("# own line")), 1 => Just(Some(""))];
    proptest::collection::vec((value(depth), between), 1..5)
        .prop_map(|values| {
            let mut lines = Vec::new();
            for (index, ((head, body), between)) in values.into_iter().enumerate() {
                lines.extend(between.map(str::to_owned));
                lines.push(format!("k{index}:{head}"));
                lines.extend(body);
            }
            lines
        })
        .boxed()
}

fn list(depth: u32) -> BoxedStrategy<Vec<String>> {
    let item = prop_oneof![
        value(depth).prop_map(|(head, body)| {
            let mut lines = vec![format!("-{head}")];
            lines.extend(body);
            lines
        }),
        mapping(depth)
            .prop_filter("begins with a key", |lines| lines[0].starts_with('k'))
            .prop_map(|lines| {
                let mut lines = lines.into_iter();
                let mut item = vec![format!("- {}", lines.next().unwrap())];
                item.extend(lines.map(|line| {
                    if line.is_empty() {
                        line
                    } else {
                        format!("  {line}")
                    }
                }));
                item
            }),
    ];
    proptest::collection::vec(item, 1..4)
        .prop_map(|items| items.concat())
        .boxed()
}

fn scalar() -> impl Strategy<Value = Scalar> {
    let word = proptest::sample::select(vec![
        "x",
        "new",
        "yes",
        "0755",
        "a: b",
        "a #b",
        "# c",
        "- d",
        "line\nline",
        "line\n",
        "\n",
        "a\n\n\n",
        " x\ny\n",
        "\tt\nu\n",
        "a\r\nb\n",
        "é🎉\n\u{85}",
        "",
        " ",
        "*a",
        "&a",
        "!t",
        "%d",
        "---",
        "...",
        "'",
        "\"",
        "\\",
        "{{ x }}",
        "a\n---\nb\n",
        "a\n\t\n \nb",
    ]);
    let text = prop_oneof![
        3 => word.prop_map(str::to_owned),
        1 => "[ -~\n\t]{0,20}",
        1 => any::<String>(),
    ];
    prop_oneof![
        8 => text.prop_map(Scalar::Text),
        1 => any::<bool>().prop_map(Scalar::Bool),
        1 => any::<i64>().prop_map(Scalar::Int),
        1 => Just(Scalar::Null),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    scalar()
        .prop_map(Value::Scalar)
        .prop_recursive(2, 8, 3, |inner| {
            let entries = proptest::collection::vec(inner.clone(), 0..3);
            prop_oneof![
                entries.clone().prop_map(Value::Sequence),
                entries.prop_map(|values| Value::mapping(
                    ["a", "name", "k/x: y"].into_iter().zip(values)
                )),
            ]
        })
}

/// Paths to every node of a text.
fn paths(text: &str) -> Vec<Path> {
    fn walk(node: crate::yaml::Node<'_>, path: &Path, paths: &mut Vec<Path>) {
        paths.push(path.clone());
        for (key, value) in node.entries() {
            walk(
                value,
                &path.clone().key(key.scalar().unwrap_or_default()),
                paths,
            );
        }
        for (index, item) in node.items().enumerate() {
            walk(item, &path.clone().item(index), paths);
        }
    }
    let stream = parse(text);
    let mut paths = Vec::new();
    for (index, root) in stream.documents().enumerate() {
        walk(root, &Path::of(index), &mut paths);
    }
    paths
}

/// The bytes that two texts share at the start and at the end.
fn shared(a: &str, b: &str) -> usize {
    let same = |(a, b): &(u8, u8)| a == b;
    let head = a.bytes().zip(b.bytes()).take_while(same).count();
    let tail = a
        .bytes()
        .rev()
        .zip(b.bytes().rev())
        .take_while(same)
        .count();
    (head + tail).min(a.len())
}

/// Makes a change, which must be made or refused, never unproven; and no second time.
fn change(text: &str, change: impl Fn(&mut Editor<'_>) -> Result<(), Error>) -> Option<String> {
    match edit_once(text, &change) {
        Ok(edited) => {
            assert_eq!(
                edit_once(&edited, &change).unwrap(),
                edited,
                "not the same twice: {text:?}"
            );
            Some(edited)
        }
        Err(Error::Refused(_)) => None,
        Err(error) => panic!("{error} in {text:?}"),
    }
}

/// The documents as a parser of other descent (libyaml's) reads them.
fn read_all(text: &str) -> Vec<serde_yaml::Value> {
    use serde::Deserialize as _;
    // It skips a byte order mark in bytes, but not in a `str`.
    let text = text.trim_start_matches('\u{feff}');
    let documents = serde_yaml::Deserializer::from_str(text);
    documents
        .map(|document| serde_yaml::Value::deserialize(document).unwrap())
        .collect()
}

fn expected(scalar: &Scalar) -> serde_yaml::Value {
    match scalar {
        Scalar::Null => serde_yaml::Value::Null,
        Scalar::Bool(value) => (*value).into(),
        Scalar::Int(value) => (*value).into(),
        Scalar::Text(text) => text.as_str().into(),
        Scalar::Plain(plain) => serde_yaml::from_str(plain).unwrap(),
    }
}

proptest! {
    #[test]
    fn a_value_that_is_set_is_there_and_nothing_else_has_changed(
        text in source(), value in any_value(), at in any::<prop::sample::Index>(), key in any::<bool>(),
    ) {
        let paths = paths(&text);
        let mut path = paths[at.index(paths.len())].clone();
        if key {
            path = path.key("new");
        }
        if let Some(edited) = change(&text, |editor| editor.set(&path, value.clone())) {
            let stream = parse(&edited);
            prop_assert!(Editor::new(&stream).equals(&path, &value));
            let stream = parse(&text);
            let is_open = stream.ends_in_block_scalar() && !text.ends_with('\n');
            if is_open {
                // The header of a literal at the end may have come to say how it ends.
            } else if let Some(node) = stream.find(&path) {
                // Its bytes, the blanks before them, and the comment behind that moves up or down.
                let mut around = node.span().len() + 40;
                around += text.split_at(node.span().end).1.lines().next().unwrap_or_default().len();
                prop_assert!(text.len() - shared(&text, &edited) <= around, "{text:?} {edited:?}");
            } else {
                prop_assert!(text.len() - shared(&text, &edited) <= 12, "{text:?} {edited:?}");
            }
        }
    }

    #[test]
    fn another_reader_finds_the_value_too(
        text in source(), scalar in scalar(), at in any::<prop::sample::Index>(),
    ) {
        let paths = paths(&text);
        let path = paths[at.index(paths.len())].clone().key("new");
        let value = Value::Scalar(scalar.clone());
        if let Some(edited) = change(&text, |editor| editor.set(&path, value.clone())) {
            let before = read_all(&text);
            let mut after = read_all(&edited);
            let mut at = &mut after[path.document()];
            for step in path.steps() {
                at = match step {
                    Step::Key(key) if key == "new" => {
                        let found = at.as_mapping_mut().unwrap().remove("new").unwrap();
                        prop_assert_eq!(&found, &expected(&scalar), "{}", edited);
                        break;
                    }
                    Step::Key(key) => at.get_mut(key.as_str()).unwrap(),
                    Step::Item(index) => at.get_mut(*index).unwrap(),
                    Step::Where(..) => unreachable!(),
                };
            }
            // Null may have become a mapping, which is empty without the new key.
            if at.as_mapping().is_some_and(|mapping| !mapping.is_empty()) {
                prop_assert_eq!(before, after);
            }
        }
    }

    #[test]
    fn an_item_that_is_ensured_is_there(text in source(), value in any_value(), at in any::<prop::sample::Index>()) {
        let paths = paths(&text);
        let path = &paths[at.index(paths.len())];
        change(&text, |editor| editor.ensure(path, value.clone()));
    }

    #[test]
    fn what_is_removed_is_gone_and_nothing_else(text in source(), at in any::<prop::sample::Index>()) {
        let paths = paths(&text);
        let path = &paths[at.index(paths.len())];
        if !path.steps().is_empty() && !matches!(path.steps().last(), Some(Step::Item(_))) {
            change(&text, |editor| editor.remove(path).map(drop));
        } else if let Err(error) = edit_once(&text, |editor| editor.remove(path).map(drop)) {
            prop_assert!(matches!(error, Error::Refused(_)), "{error} {text:?}");
        }
    }

    #[test]
    fn removing_what_was_put_restores_the_text(
        text in source(), value in any_value(), at in any::<prop::sample::Index>(),
    ) {
        let stream = parse(&text);
        let is_filled = |path: &Path| {
            stream.find(path).is_some_and(|node| node.is_mapping() && node.entries().count() > 0)
        };
        let mut paths = paths(&text);
        paths.retain(is_filled);
        let path = &paths[at.index(paths.len())];
        let path = path.clone().key("new");
        if let Some(edited) = change(&text, |editor| editor.set(&path, value.clone())) {
            let restored = edit_once(&edited, |editor| editor.remove(&path).map(drop)).unwrap();
            // A literal that ended the text without a line break has become one that says so.
            let is_literal = stream.ends_in_block_scalar();
            let is_open = parse(&edited).ends_in_block_scalar();
            if !is_literal && !is_open {
                prop_assert_eq!(restored, text);
            }
        }
    }

    #[test]
    fn crlf_is_edited_as_lf_is(text in source(), value in any_value(), at in any::<prop::sample::Index>()) {
        let lf = text.replace("\r\n", "\n");
        prop_assume!(lf.contains('\n'));
        let crlf = lf.replace('\n', "\r\n");
        let paths = paths(&lf);
        let path = &paths[at.index(paths.len())];
        let set = |text: &str| change(text, |editor| editor.set(path, value.clone()));
        prop_assert_eq!(set(&lf).map(|text| text.replace('\n', "\r\n")), set(&crlf));
    }

    #[test]
    fn many_changes_are_made_at_once(
        text in source(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any_value(), 0..4), 1..6),
    ) {
        let paths = paths(&text);
        let stream = parse(&text);
        let mut editor = Editor::new(&stream);
        for (at, value, kind) in edits {
            let path = paths[at.index(paths.len())].clone();
            let made = match kind {
                0 => editor.set(&path, value),
                1 => editor.set(&path.key("new"), value),
                2 => editor.append(&path, value),
                _ => editor.remove(&path).map(drop),
            };
            let is_refused = matches!(made, Ok(()) | Err(Error::Refused(_)));
            prop_assert!(is_refused, "unproven");
        }
        if let Err(error) = editor.finish() {
            prop_assert!(false, "{error}\n{text}");
        }
    }

    #[test]
    fn documents_come_and_go(text in source(), value in any_value(), before in 0..5_usize) {
        let edited = edit_once(&text, |editor| editor.insert_document(before, value.clone())).unwrap();
        let count = parse(&text).documents().len();
        let stream = parse(&edited);
        let mut editor = Editor::new(&stream);
        editor.remove_document(before.min(count)).unwrap();
        let restored = editor.finish().unwrap();
        if !parse(&text).ends_in_block_scalar() {
            let is_open = stream.ends_in_block_scalar();
            prop_assert!(restored == text || is_open && before >= count, "{restored:?} {text:?}");
        }
    }

    #[test]
    fn no_text_crashes_the_parser(text in "[a-c:,{}\\[\\]'\"|>&*!#\\-? \n\r\t\u{feff}é%]{0,40}") {
        if let Ok(stream) = crate::yaml::Stream::parse(std::path::Path::new("m.yaml"), &text) {
            stream.comments();
            for path in paths(&text) {
                let mut editor = Editor::new(&stream);
                if editor.set(&path, "new\ntext\n").is_ok() {
                    let finished = editor.finish();
                    // A tab below a plain text is part of it, and below any other value it is refused.
                    let mut lines = text.split(['\n', '\r']);
                    let has_tab = lines.any(|line| line.trim_start_matches(' ').starts_with('\t'));
                    prop_assert!(finished.is_ok() || has_tab, "{:?} {text:?} {path}", finished);
                }
            }
        }
    }
}

#[test]
fn a_literal_that_becomes_null_and_then_a_collection_leaves_its_line_break() {
    for (text, value, expected) in [
        ("k: |\n  a\n\n    b\n", Value::Sequence(vec![]), "k: []\n"),
        (
            "k: |\n  a\nz: 1\n",
            Value::Sequence(vec![]),
            "k: []\nz: 1\n",
        ),
        (
            "k: |-\n  a\nz: 1\n",
            Value::Sequence(vec!["x".into()]),
            "k:\n  - x\nz: 1\n",
        ),
        ("k: >\n  a", Value::Sequence(vec!["x".into()]), "k:\n  - x"),
    ] {
        let path = Path::of(0).key("k");
        let edited = edit_once(text, |editor| {
            editor.set(&path, Value::Scalar(Scalar::Null))?;
            editor.set(&path, value.clone())
        });
        assert_eq!(edited.unwrap(), expected, "{text}");
    }
}
