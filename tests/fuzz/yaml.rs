//! Any text, and any changes to it: what is read is edited rightly or refused, and nothing panics.
//!
//! An input is a text, a zero byte, and up to four changes of three bytes each: which, where, what.
//! A document is a mapping or a list, as all of Kubernetes are: none is changed to be less.

use std::path::Path as FilePath;

use bootstrap::yaml::{Editor, Error, Node, Path, Scalar, Stream, Value};
use serde::Deserialize as _;

/// Texts that are hard to write.
const WORDS: [&str; 24] = [
    "x",
    "",
    " ",
    "yes",
    "0755",
    "12:30",
    "1_000",
    "a: b",
    "a #b",
    "- d",
    "*a",
    "---",
    "...",
    "'",
    "\"\\",
    "{{ x }}",
    "line\nline",
    "line\n",
    "\n",
    "a\n\n\n",
    " x\ny\n",
    "\tt\nu\n",
    "a\r\nb\n",
    "é🎉\n\u{85}",
];

/// How many nodes are changed at most: the first ones.
const NODES: usize = 256;

/// Reads and edits one input.
pub(crate) fn run(data: &[u8]) {
    let (text, program) = split(data);
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let file = FilePath::new("m.yaml");
    let stream = match Stream::parse(file, text) {
        Ok(stream) => stream,
        Err(invalid) => {
            let _ = (invalid.to_string(), invalid.hint());
            return;
        }
    };
    stream.comments();
    let same = Editor::new(&stream).finish();
    assert_eq!(same.unwrap_or_else(|error| panic!("{error}")), text);
    let places = places(&stream);
    let changes: Vec<_> = program
        .chunks_exact(3)
        .take(4)
        .filter_map(|bytes| Change::of(bytes, &places))
        .collect();
    let Some(edited) = edit(&stream, &changes) else {
        return;
    };
    if let [change] = changes.as_slice() {
        check(text, &edited, change);
    }
}

/// The text, and what stands behind the first zero byte.
fn split(data: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let text = parts.next().unwrap_or_default();
    (text, parts.next().unwrap_or_default())
}

/// A change.
#[derive(Debug)]
enum Change {
    Set(Path, Value),
    SetKey(Path, Value),
    Ensure(Path, Value),
    Append(Path, Value),
    Insert(Path, usize, Value),
    Remove(Path),
    InsertDocument(usize, Value),
    RemoveDocument(usize),
}

impl Change {
    fn of(bytes: &[u8], places: &[Path]) -> Option<Self> {
        let [kind, at, what] = *bytes else {
            return None;
        };
        let (at, what) = (usize::from(at), usize::from(what));
        let path = || places.get(at % places.len().max(1)).cloned();
        let is_root = path().is_some_and(|path| path.to_string().is_empty());
        let is_collection = !matches!(value(what), Value::Scalar(_));
        Some(match kind % 8 {
            0 if is_root && !is_collection => return None,
            6 if !is_collection => return None,
            0 => Self::Set(path()?, value(what)),
            1 => Self::SetKey(path()?.key("new"), value(what)),
            2 => Self::Ensure(path()?, value(what)),
            3 => Self::Append(path()?, value(what)),
            4 => Self::Insert(path()?, what % 3, value(what)),
            5 => Self::Remove(path()?),
            6 => Self::InsertDocument(at % 4, value(what)),
            _ => Self::RemoveDocument(at % 4),
        })
    }

    fn make(&self, editor: &mut Editor<'_>) -> Result<(), Error> {
        match self {
            Self::Set(path, value) | Self::SetKey(path, value) => editor.set(path, value.clone()),
            Self::Ensure(path, value) => editor.ensure(path, value.clone()),
            Self::Append(path, value) => editor.append(path, value.clone()),
            Self::Insert(path, index, value) => editor.insert(path, *index, value.clone()),
            Self::Remove(path) => editor.remove(path).map(drop),
            Self::InsertDocument(before, value) => editor.insert_document(*before, value.clone()),
            Self::RemoveDocument(index) => editor.remove_document(*index),
        }
    }
}

fn value(what: usize) -> Value {
    let text = |index: usize| Value::from(WORDS.get(index % WORDS.len()).copied().unwrap_or("x"));
    match what / WORDS.len() {
        0..=3 => text(what),
        4 => Value::mapping([("name", text(what)), ("value", text(what / 2))]),
        5 => Value::mapping([("k/x: y", Value::sequence([text(what), text(what + 1)]))]),
        6 => Value::sequence([
            Value::mapping([("name", text(what))]),
            Value::Sequence(Vec::new()),
        ]),
        7 => Value::Mapping(Vec::new()),
        8 => Value::Sequence(Vec::new()),
        9 => Value::from(i64::try_from(what).unwrap_or_default() - 200),
        _ => Value::Scalar(if what.is_multiple_of(2) {
            Scalar::Null
        } else {
            Scalar::Bool(true)
        }),
    }
}

/// The ways to the first nodes.
fn places(stream: &Stream<'_>) -> Vec<Path> {
    fn walk(node: Node<'_>, path: &Path, all: &mut Vec<Path>) {
        if all.len() >= NODES {
            return;
        }
        all.push(path.clone());
        for (key, value) in node.entries() {
            if let Some(key) = key.scalar() {
                walk(value, &path.clone().key(key), all);
            }
        }
        for (index, item) in node.items().enumerate() {
            walk(item, &path.clone().item(index), all);
        }
    }
    let mut all = Vec::new();
    for (index, root) in stream.documents().enumerate() {
        walk(root, &Path::of(index), &mut all);
    }
    all
}

/// The text with the changes; none where one is refused. An unproven one is a bug.
fn edit(stream: &Stream<'_>, changes: &[Change]) -> Option<String> {
    let mut editor = Editor::new(stream);
    let made = changes
        .iter()
        .try_for_each(|change| change.make(&mut editor));
    match made.and_then(|()| editor.finish()) {
        Ok(edited) => Some(edited),
        Err(error @ Error::Refused(_)) => {
            let _ = (error.to_string(), error.hint());
            None
        }
        // A tab below a plain text is part of it, and below any other value it is refused.
        Err(error) if error.to_string().contains("a tab where a line is indented") => None,
        Err(error) => panic!("{error}\n{changes:?}"),
    }
}

/// What was set is there, for another reader too, and is not set again.
fn check(text: &str, edited: &str, change: &Change) {
    let stream = Stream::parse(FilePath::new("m.yaml"), edited);
    let stream = stream.unwrap_or_else(|error| panic!("{error}"));
    if let Change::Set(path, value) | Change::SetKey(path, value) = change {
        assert!(Editor::new(&stream).equals(path, value), "{edited:?}");
    }
    if matches!(
        change,
        Change::Set(..) | Change::SetKey(..) | Change::Ensure(..)
    ) {
        let again = edit(&stream, std::slice::from_ref(change));
        assert_eq!(again.as_deref(), Some(edited), "not the same twice");
    }
    // libyaml's reader refuses some of what YAML 1.2 allows; what it read it must read still. A tab on
    // a line of its own it takes behind a plain scalar alone.
    if !text.contains('\t') && read(text).is_some() {
        assert!(read(edited).is_some(), "libyaml: {edited:?}");
    }
}

/// The documents as a reader of other descent (libyaml's) takes them.
fn read(text: &str) -> Option<Vec<serde_yaml::Value>> {
    let text = text.trim_start_matches('\u{feff}');
    let documents = serde_yaml::Deserializer::from_str(text);
    documents
        .map(|document| serde_yaml::Value::deserialize(document).ok())
        .collect()
}
