//! Whole documents that come and go.

use super::{Value, edit_once, parse, path, show};
use crate::yaml::{Editor, Error};

fn account() -> Value {
    Value::mapping([("kind", "ServiceAccount".into())])
}

#[track_caller]
fn insert(text: &str, before: usize, expected: &str) {
    let edited = edit_once(text, |editor| editor.insert_document(before, account())).unwrap();
    assert_eq!(show(&edited), show(expected), "{}", show(text));
    let stream = parse(&edited);
    let index = stream
        .documents()
        .position(|node| node.text_of("kind") == Some("ServiceAccount"));
    let mut editor = Editor::new(&stream);
    editor.remove_document(index.unwrap()).unwrap();
    let undone = editor.finish().unwrap();
    let undone = if text.is_empty() {
        undone.trim()
    } else {
        &undone
    };
    assert_eq!(show(undone), show(text));
}

#[test]
fn a_document_goes_to_the_end() {
    insert("a: 1\n", 1, "a: 1\n---\nkind: ServiceAccount\n");
    insert("a: 1", 1, "a: 1\n---\nkind: ServiceAccount");
    insert("a: 1\r\n", 1, "a: 1\r\n---\r\nkind: ServiceAccount\r\n");
    insert(
        "a: 1\n...\n# c\n",
        1,
        "a: 1\n...\n# c\n---\nkind: ServiceAccount\n",
    );
    insert("{a: 1}\n# c", 1, "{a: 1}\n# c\n---\nkind: ServiceAccount");
    insert(
        "a: |+\n  x\n\n",
        1,
        "a: |+\n  x\n\n---\nkind: ServiceAccount\n",
    );
    insert("", 0, "kind: ServiceAccount\n");
}

#[test]
fn a_document_goes_before_another_one() {
    insert(
        "a: 1\n# c\n---\nb: 1\n",
        1,
        "a: 1\n# c\n---\nkind: ServiceAccount\n---\nb: 1\n",
    );
    insert(
        "--- # c\na: 1\n",
        0,
        "---\nkind: ServiceAccount\n--- # c\na: 1\n",
    );
    insert(
        "# h\n\n# c\na: 1\n",
        0,
        "# h\n\nkind: ServiceAccount\n---\n# c\na: 1\n",
    );
    insert(
        "\u{feff}# c\na: 1\n",
        0,
        "\u{feff}kind: ServiceAccount\n---\n# c\na: 1\n",
    );
    insert(
        "a: 1\n--- {b: 1}\n",
        1,
        "a: 1\n---\nkind: ServiceAccount\n--- {b: 1}\n",
    );
}

#[test]
fn a_file_of_comments_gets_its_first_document() {
    let edited = edit_once("# only\n", |editor| editor.insert_document(0, account()));
    assert_eq!(edited.unwrap(), "# only\nkind: ServiceAccount\n");
}

#[test]
fn a_literal_at_the_end_keeps_its_value() {
    let edited = edit_once("a: |\n  x", |editor| editor.insert_document(1, account()));
    assert_eq!(edited.unwrap(), "a: |-\n  x\n---\nkind: ServiceAccount");
}

#[test]
fn documents_keep_their_order_and_edits_their_documents() {
    let edited = edit_once("a: 1\n---\nb: 1\n", |editor| {
        editor.insert_document(1, Value::mapping([("m", Value::from(1))]))?;
        editor.insert_document(1, Value::mapping([("m", Value::from(2))]))?;
        editor.set(&crate::yaml::Path::of(1).key("b"), 5)?;
        editor.set(&path("c"), 6)?;
        editor.insert_document(
            9,
            Value::mapping([("s", "x\n\n".into()), ("t", "x\ny\n".into())]),
        )
    });
    assert_eq!(
        edited.unwrap(),
        "a: 1\nc: 6\n---\nm: 1\n---\nm: 2\n---\nb: 5\n---\ns: \"x\\n\\n\"\nt: |\n  x\n  y\n"
    );
}

#[test]
fn a_document_is_taken_out_with_its_marker() {
    let remove = |text: &str, index: usize| {
        let stream = parse(text);
        let mut editor = Editor::new(&stream);
        editor.remove_document(index).unwrap();
        editor.finish().unwrap()
    };
    assert_eq!(
        remove("a: 1\n---\nb: 1\n---\nc: 1\n", 1),
        "a: 1\n---\nc: 1\n"
    );
    assert_eq!(remove("a: 1\n---\nb: 1", 1), "a: 1");
    assert_eq!(remove("a: 1\n--- # b\nb: 1\n", 0), "--- # b\nb: 1\n");
}

#[test]
fn json_and_directives_refuse_other_documents() {
    for text in ["{\"a\": 1}\n", "[{\"a\": 1}]"] {
        let error = edit_once(text, |editor| editor.insert_document(1, account())).unwrap_err();
        assert!(error.to_string().contains("this is JSON"), "{error}");
    }
    let error = edit_once("%YAML 1.2\n---\na: 1\n", |editor| {
        editor.insert_document(0, account())
    });
    assert!(matches!(error.unwrap_err(), Error::Refused(_)));
}
