//! Tests of whole edits, byte for byte.

mod documents;
mod positions;
mod properties;
mod removal;
mod table;

use std::path::Path as FilePath;

use super::*;

const FILE: &str = "m.yaml";

fn parse(text: &str) -> Stream<'_> {
    Stream::parse(FilePath::new(FILE), text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Edits a text, and once more to see that nothing is left to do.
fn edit(
    text: &str,
    change: impl Fn(&mut Editor<'_>) -> Result<(), Error>,
) -> Result<String, Error> {
    let edited = edit_once(text, &change)?;
    let again = edit_once(&edited, &change).unwrap();
    assert_eq!(again, edited, "the second run changed something");
    Ok(edited)
}

fn edit_once(
    text: &str,
    change: impl Fn(&mut Editor<'_>) -> Result<(), Error>,
) -> Result<String, Error> {
    let stream = parse(text);
    let mut editor = Editor::new(&stream);
    change(&mut editor)?;
    editor.finish()
}

/// A path in the first document: keys and indexes with dots between them.
fn path(dotted: &str) -> Path {
    let parts = dotted.split('.').filter(|part| !part.is_empty());
    parts.fold(Path::of(0), |path, part| match part.parse() {
        Ok(index) => path.item(index),
        Err(_) => path.key(part),
    })
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "so that a path is written in place"
)]
fn set(text: &str, at: Path, value: impl Into<Value>) -> Result<String, Error> {
    let value = value.into();
    edit(text, |editor| editor.set(&at, value.clone()))
}

/// Sets a value and shows what came of it, with LF as `⏎` and CR as `␍`.
fn check(text: &str, at: Path, value: impl Into<Value>, expected: &str) {
    let shown = match set(text, at, value) {
        Ok(edited) => edited,
        Err(error) => error.to_string(),
    };
    assert_eq!(show(&shown), show(expected), "{}", show(text));
}

/// Checks that a change is refused at a line and a column, with these words.
fn refuse(text: &str, at: Path, value: impl Into<Value>, place: (usize, usize), words: &str) {
    match set(text, at, value) {
        Err(Error::Refused(invalid)) => {
            assert_eq!((invalid.at().line, invalid.at().column), place, "{invalid}");
            assert!(invalid.message().contains(words), "{invalid}");
        }
        other => panic!("{other:?}"),
    }
}

fn show(text: &str) -> String {
    text.replace('\n', "⏎\n")
        .replace('\r', "␍")
        .replace('\t', "⇥")
}
