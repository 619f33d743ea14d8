//! What goes takes its line and the comment behind it along, and nothing else.

use super::{Path, Scalar, Value, check, edit, edit_once, path, show};
use crate::yaml::Error;

#[track_caller]
#[expect(
    clippy::needless_pass_by_value,
    reason = "so that a path is written in place"
)]
fn remove(text: &str, at: Path, expected: &str) {
    let edited = edit_once(text, |editor| editor.remove(&at).map(drop)).unwrap();
    assert_eq!(show(&edited), show(expected), "{}", show(text));
}

#[test]
fn a_key_goes_with_its_line() {
    remove("a: 1\nb: 2 # b\nc: 3\n", path("b"), "a: 1\nc: 3\n");
    remove("a: 1\nb: 2", path("b"), "a: 1");
    remove(
        "a: 1\nb:\n  c: 1\n  # c\n  d: 1\n\n# e\n",
        path("b"),
        "a: 1\n\n# e\n",
    );
    remove("# a\na: 1\nb: 2\n", path("a"), "# a\nb: 2\n");
    remove("a: |\n  x\n\nb: 1\n", path("a"), "\nb: 1\n");
    remove("a: 1\r\nb: 2\r\n", path("b"), "a: 1\r\n");
    remove("a: |\n  x\nb: 1", path("b"), "a: |\n  x\n");
    remove("a: 1\n", path("zz.y"), "a: 1\n");
}

#[test]
fn the_first_key_of_an_item_leaves_its_dash() {
    remove("l:\n  - a: 1\n    b: 2\n", path("l.0.a"), "l:\n  - b: 2\n");
    remove(
        "l:\n  - a: 1 # a\n    # b\n    b: 2\n",
        path("l.0.a"),
        "l:\n  - # b\n    b: 2\n",
    );
    remove(
        "l:\n  - a: |\n      x\n\n    b: 2\n",
        path("l.0.a"),
        "l:\n  - b: 2\n",
    );
}

#[test]
fn an_item_goes_with_its_lines() {
    remove(
        "l:\n  - a: 1\n    b: 2\n  # c\n  - c # d\n",
        path("l.0"),
        "l:\n  # c\n  - c # d\n",
    );
    remove("l:\n- a\n- b\n- c\n", path("l.1"), "l:\n- a\n- c\n");
    remove("- - a\n  - b\n- c\n", path("0.0"), "- - b\n- c\n");
}

#[test]
fn blank_lines_do_not_become_lines_of_the_literal_above() {
    remove(
        "a: |\n  x\n\nb: 1\n    \nc: 1\n",
        path("b"),
        "a: |\n  x\n\nc: 1\n",
    );
    remove(
        "a: |+\n  x\nb: 1\n\nc: 1\n",
        path("b"),
        "a: |+\n  x\nc: 1\n",
    );
    remove(
        "a: |\n  x\nb: 1\n\nc: 1\n",
        path("b"),
        "a: |\n  x\n\nc: 1\n",
    );
}

#[test]
fn the_last_one_leaves_an_empty_collection() {
    remove("l: # c\n  - a\nz: 1\n", path("l.0"), "l: [] # c\nz: 1\n");
    remove("m:\n  k: v", path("m.k"), "m: {}");
    remove("l:\n  - a: 1\n", path("l.0.a"), "l:\n  - {}\n");
    remove("a: 1\n", path("a"), "{}\n");
}

#[test]
fn inside_brackets_a_comma_goes_too() {
    remove("m: {a: 1, b: 2, c: 3}\n", path("m.a"), "m: {b: 2, c: 3}\n");
    remove("m: {a: 1, b: 2, c: 3}\n", path("m.b"), "m: {a: 1, c: 3}\n");
    remove("m: {a: 1, b: 2, c: 3}\n", path("m.c"), "m: {a: 1, b: 2}\n");
    remove("m: {a: 1, }\n", path("m.a"), "m: {}\n");
    remove(
        "{\n  \"a\": 1,\n  \"b\": 2\n}\n",
        path("b"),
        "{\n  \"a\": 1\n}\n",
    );
    remove(
        "{\n  \"a\": 1,\n  \"b\": 2\n}\n",
        path("a"),
        "{\n  \"b\": 2\n}\n",
    );
    remove(
        "{\n  a: 1, # a\n  b: 2, # b\n}\n",
        path("b"),
        "{\n  a: 1, # a\n}\n",
    );
    remove(
        "{\n  a: 1, # a\n  b: 2 # b\n}\n",
        path("b"),
        "{\n  a: 1 # a\n}\n",
    );
}

#[test]
fn what_came_and_what_goes_may_be_in_one_place() {
    let change = |text: &str| {
        let edited = edit(text, |editor| {
            editor.remove(&path("m.b"))?;
            editor.set(&path("m.k"), "v")?;
            editor.set(&path("m.s"), "x\ny\n")
        });
        edited.unwrap()
    };
    assert_eq!(
        change("m:\n  a: 1\n  b: 2\n"),
        "m:\n  a: 1\n  k: v\n  s: |\n    x\n    y\n"
    );
    assert_eq!(
        change("m:\n  a: 1\n  b: 2"),
        "m:\n  a: 1\n  k: v\n  s: |\n    x\n    y\n"
    );
    assert_eq!(
        change("m:\n  b: 2 # b\n"),
        "m:\n  k: v\n  s: |\n    x\n    y\n"
    );
    assert_eq!(
        change("m:\n  b: 2\n  a: 1\n"),
        "m:\n  a: 1\n  k: v\n  s: |\n    x\n    y\n"
    );
    assert_eq!(
        change("m: {a: 1, b: 2}\n"),
        "m: {a: 1, k: v, s: \"x\\ny\\n\"}\n"
    );
    assert_eq!(change("m: {b: 2}\n"), "m: {k: v, s: \"x\\ny\\n\"}\n");
    assert_eq!(
        change("m: {\n  a: 1,\n  b: 2\n}\n"),
        "m: {\n  a: 1, k: v, s: \"x\\ny\\n\"\n}\n"
    );
}

#[test]
fn what_an_alias_needs_is_not_removed() {
    for text in [
        "a: &x 1\nb: *x\n",
        "a:\n  c: &x\n    d: 1\nb: *x\n",
        "&x a: 1\nb: *x\n",
    ] {
        let error = edit(text, |editor| editor.remove(&path("a")).map(drop)).unwrap_err();
        assert!(matches!(&error, Error::Refused(_)), "{error}");
        assert!(
            error.to_string().contains("used by the alias in line"),
            "{error}"
        );
    }
    remove("a: &x 1\nb: *x\n", path("b"), "a: &x 1\n");
}

#[test]
fn removing_what_was_put_restores_the_text() {
    let text = "spec:\n  # c\n  a: 1 # a\n\n# end";
    let put = edit(text, |editor| {
        editor.set(
            &path("spec.volumes"),
            Value::sequence([Value::mapping([("name", "v".into())])]),
        )
    });
    remove(&put.unwrap(), path("spec.volumes"), text);
}

#[test]
fn a_key_behind_a_question_mark_is_not_taken_from_it() {
    let remove = |text: &str| edit_once(text, |editor| editor.remove(&path("b")).map(drop));
    for text in ["a: 1\n? b\n: 2\n", "a: 1\n?\n  b\n: 2\n"] {
        let error = remove(text).unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{error}");
    }
    assert_eq!(remove("a: why?\nb: 2\n").unwrap(), "a: why?\n");
}

#[test]
fn a_byte_order_mark_stays_when_the_first_line_goes() {
    let remove = |text: &str| edit_once(text, |editor| editor.remove(&path("a")).map(drop));
    assert_eq!(remove("\u{feff}a: 1\nb: 2\n").unwrap(), "\u{feff}b: 2\n");
}

#[test]
fn documents_go_and_come_beside_one_another() {
    let text = "a: 1\n---\nb: 1\n---\nc: 1\n";
    let change = |gone: &[usize], before: Option<usize>| {
        edit_once(text, |editor| {
            for index in gone {
                editor.remove_document(*index)?;
            }
            match before {
                Some(before) => editor.insert_document(before, Value::mapping([("new", 1.into())])),
                None => Ok(()),
            }
        })
        .unwrap()
    };
    assert_eq!(change(&[0], None), "b: 1\n---\nc: 1\n");
    assert_eq!(change(&[0, 1], None), "---\nc: 1\n");
    assert_eq!(change(&[1, 2], None), "a: 1\n");
    assert_eq!(change(&[0], Some(1)), "---\nnew: 1\n---\nb: 1\n---\nc: 1\n");
}

#[test]
fn what_comes_where_the_last_line_went_makes_no_blank_line() {
    let both = |text: &str, gone: Path| {
        edit(text, |editor| {
            editor.remove(&gone)?;
            editor.set(&path("new"), Value::from("x"))
        })
        .unwrap()
    };
    assert_eq!(both("a: 1\nb: 2", path("b")), "a: 1\nnew: x");
    assert_eq!(both("a: 1\r\nb: 2", path("b")), "a: 1\r\nnew: x");
    assert_eq!(both("a: |\n  x\nb: 2", path("b")), "a: |\n  x\nnew: x");
    assert_eq!(
        both("a:\n  - |+\n    x\n\n\n  - x", path("a.1")),
        "a:\n  - |+\n    x\n\n\nnew: x"
    );
}

#[test]
fn what_becomes_null_leaves_its_key_and_the_letters_of_null() {
    let check = |text: &str, at: &str, null: &str, expected: &str| {
        check(text, path(at), Scalar::plain(null).unwrap(), expected);
    };
    check("a:\n  - b\n  - c\nd: 1\n", "a", "", "a:\nd: 1\n");
    check("a: # x\n  b: 1\n  # y\n", "a", "", "a: # x\n  # y\n");
    check("a:\r\n  b: 1\r\n", "a", "~", "a: ~\r\n");
    check(
        "l:\n- a:\n    b: |\n      x\n  c: 1\n",
        "l.0.a",
        "null",
        "l:\n- a: null\n  c: 1\n",
    );
    check("a: {b: 1}\n", "a", "", "a:\n");
    check("{a: {b: 1} }\n", "a", "", "{a: }\n");
    check("{a: [b]}\n", "a", "", "{a: }\n");
    check("{a: [b]}\n", "a", "~", "{a: ~}\n");
    check("a: b # c\n", "a", "", "a: # c\n");
    check("- |\n  b\n- c\n", "0", "", "-\n- c\n");
}
