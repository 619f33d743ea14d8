//! The proof that a changed text says what it should: it is read again and compared.

use super::live::{Entry, Key, Live, LiveDocument, Shape};
use super::splice::Splice;
use super::{Kind, Raw, Stream};

/// The text with the splices, or what is wrong with it.
pub(super) fn apply(
    old: &Stream<'_>,
    documents: &[LiveDocument],
    splices: &[Splice],
) -> Result<String, String> {
    let mut text = spliced(old.text, splices).ok_or("two changes overlap")?;
    if !old.text.is_empty() && !ends_in_break(old.text) && ends_in_break(&text) {
        // What ended the text was cut with its line, and the line above has become the last one.
        let needs_break = parse(old, &text)?.ends_in_block_scalar();
        if !needs_break {
            text.truncate(text.trim_end_matches(['\n', '\r']).len());
        }
    }
    let new = parse(old, &text)?;
    compare(old, &new, documents)?;
    compare_comments(old, &new, splices)?;
    compare_breaks(old, &new)?;
    Ok(text)
}

fn parse<'t>(old: &Stream<'_>, text: &'t str) -> Result<Stream<'t>, String> {
    Stream::parse(&old.file, text).map_err(|invalid| {
        let (at, message) = (invalid.at(), invalid.message());
        format!("line {}, column {}: {message}", at.line, at.column)
    })
}

fn ends_in_break(text: &str) -> bool {
    text.ends_with(['\n', '\r'])
}

impl Stream<'_> {
    pub(super) fn ends_in_block_scalar(&self) -> bool {
        self.nodes.last().is_some_and(Raw::is_block_scalar)
    }
}

/// Cuts and puts; nothing when splices overlap.
fn spliced(old: &str, splices: &[Splice]) -> Option<String> {
    let put: usize = splices.iter().map(|splice| splice.text.len()).sum();
    let mut new = String::with_capacity(old.len() + put);
    let mut at = 0;
    for splice in splices {
        new.push_str(old.get(at..splice.at.start)?);
        new.push_str(&splice.text);
        at = splice.at.end;
    }
    new.push_str(old.get(at..)?);
    Some(new)
}

/// Whether the new stream has the documents that are meant.
fn compare(old: &Stream<'_>, new: &Stream<'_>, documents: &[LiveDocument]) -> Result<(), String> {
    if new.documents.len() != documents.len() {
        return Err(format!(
            "{} documents became {}",
            documents.len(),
            new.documents.len()
        ));
    }
    for (number, (document, written)) in (1..).zip(documents.iter().zip(&new.documents)) {
        let pair = Pair { old, new };
        if let Err(id) = pair.live(&document.root, written.root) {
            let raw = new.raw(id);
            return Err(format!(
                "document {number} reads differently from line {}, column {} on",
                raw.line, raw.column
            ));
        }
    }
    Ok(())
}

/// An old and a new stream; what differs is told by its id in the new one.
#[derive(Clone, Copy)]
struct Pair<'a> {
    old: &'a Stream<'a>,
    new: &'a Stream<'a>,
}

impl Pair<'_> {
    fn live(self, live: &Live, id: u32) -> Result<(), u32> {
        let written = self.new.raw(id);
        let properties = live.origin.map(|origin| self.old.raw(origin));
        let tag = properties.and_then(|raw| raw.tag());
        let anchor = properties.and_then(|raw| raw.anchor());
        let is_plausible = written.tag() == tag && written.anchor() == anchor;
        match &live.shape {
            Shape::Kept => live
                .origin
                .ok_or(id)
                .and_then(|origin| self.kept(origin, id)),
            _ if !is_plausible => Err(id),
            Shape::Scalar(scalar) => scalar.matches(written).then_some(()).ok_or(id),
            Shape::Mapping(entries) => self.mapping(entries, id),
            Shape::Sequence(items) => self.sequence(items, id),
        }
    }

    fn mapping(self, entries: &[Entry], id: u32) -> Result<(), u32> {
        let mut pairs = self.new.pairs(id);
        if !matches!(self.new.raw(id).kind, Kind::Mapping { .. }) {
            return Err(id);
        }
        for entry in entries {
            let (key, value) = pairs.next().ok_or(id)?;
            match &entry.key {
                Key::Kept(old) => self.kept(*old, key)?,
                Key::New(text) => {
                    let raw = self.new.raw(key);
                    let is_same = raw.is_text() && raw.value == text.as_str();
                    is_same.then_some(()).ok_or(key)?;
                }
            }
            self.live(&entry.value, value)?;
        }
        pairs.next().map_or(Ok(()), |(key, _)| Err(key))
    }

    fn sequence(self, items: &[Live], id: u32) -> Result<(), u32> {
        let mut children = self.new.children(id);
        if !matches!(self.new.raw(id).kind, Kind::Sequence { .. }) {
            return Err(id);
        }
        for item in items {
            self.live(item, children.next().ok_or(id)?)?;
        }
        children.next().map_or(Ok(()), Err)
    }

    /// A subtree that nothing was to change in: node by node, style and properties too.
    fn kept(self, old: u32, new: u32) -> Result<(), u32> {
        let count = self.old.raw(old).next - old;
        if self.new.raw(new).next - new != count {
            return Err(new);
        }
        for offset in 0..count {
            let (a, b) = (self.old.raw(old + offset), self.new.raw(new + offset));
            let is_same_kind = match (a.kind, b.kind) {
                // The ids differ; the names and the anchors are compared.
                (Kind::Alias(_), Kind::Alias(_)) => true,
                (a, b) => a == b,
            };
            let is_same = is_same_kind
                && a.value == b.value
                && a.tag() == b.tag()
                && a.anchor() == b.anchor()
                && a.next - old == b.next - new;
            is_same.then_some(()).ok_or(new + offset)?;
        }
        Ok(())
    }
}

/// Whether every comment is there, but those in what was to go.
fn compare_comments(old: &Stream<'_>, new: &Stream<'_>, splices: &[Splice]) -> Result<(), String> {
    let old = old.comments();
    let is_kept = |start: usize| {
        !splices
            .iter()
            .any(|splice| splice.removes && splice.at.contains(&start))
    };
    let mut expected = old.iter().filter(|comment| is_kept(comment.start));
    for comment in new.comments() {
        if expected.next().map(|comment| comment.text) != Some(comment.text) {
            return Err(format!("the comments differ from line {} on", comment.line));
        }
    }
    match expected.next() {
        Some(comment) => Err(format!("the comment of line {} is lost", comment.line)),
        None => Ok(()),
    }
}

/// Whether no line lost its CR, and the text ends as it did; a block scalar at the end may need a
/// line break behind it.
fn compare_breaks(old: &Stream<'_>, new: &Stream<'_>) -> Result<(), String> {
    let bare = |text: &str| text.matches('\n').count() - text.matches("\r\n").count();
    if old.text.contains('\r') && bare(old.text) == 0 && bare(new.text) > 0 {
        return Err("a line ends in LF where the others end in CRLF".to_owned());
    }
    let is_empty = |text: &str| text.trim_start_matches('\u{feff}').is_empty();
    let may_differ = is_empty(old.text) || is_empty(new.text) || new.ends_in_block_scalar();
    if ends_in_break(old.text) != ends_in_break(new.text) && !may_differ {
        return Err("the line break at the end is not as it was".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// What is said of a text in which these bytes were replaced, when nothing was to change.
    fn verdict(text: &str, at: std::ops::Range<usize>, new: &str) -> String {
        let old = Stream::parse(Path::new("m.yaml"), text).unwrap();
        let documents = old
            .documents
            .iter()
            .enumerate()
            .map(|(index, document)| LiveDocument {
                origin: Some(index),
                root: Live::kept(document.root),
            });
        let splice = Splice {
            at,
            text: new.to_owned(),
            removes: false,
        };
        let documents: Vec<_> = documents.collect();
        apply(&old, &documents, &[splice]).map_or_else(|what| what, |text| format!("ok: {text}"))
    }

    #[test]
    fn what_was_not_meant_is_found() {
        let check = |text: &str, at, new: &str, words: &str| {
            let verdict = verdict(text, at, new);
            assert!(verdict.contains(words), "{text:?} {new:?}: {verdict}");
        };
        check(
            "a: 1\nb: 2\n",
            5..6,
            "c",
            "reads differently from line 2, column 1 on",
        );
        check(
            "a: 1\n",
            3..4,
            "'1'",
            "reads differently from line 1, column 4 on",
        );
        check(
            "a: 1\n",
            5..5,
            "b: 2\n",
            "reads differently from line 1, column 1 on",
        );
        check("a: &x 1\n", 3..6, "", "reads differently");
        check("a: 1\n---\nb: 1\n", 4..13, "", "2 documents became 1");
        check("a: 1\n", 3..4, "[", "line 1, column 4: unclosed bracket");
        check("a: 1\n", 4..4, "\na: 1", "duplicate key");
        check("a: 1 # c\n", 4..8, "", "the comment of line 1 is lost");
        check(
            "a: 1 # c\n",
            8..8,
            "d",
            "the comments differ from line 1 on",
        );
        check("a: 1\n", 4..4, " # c", "the comments differ");
        check("a: 1\r\nb: 1\r\n", 4..5, "", "ends in LF");
        check("a: 1\n", 4..5, "", "the line break at the end");
        check(
            "a: |\n  x\nb: 1\n",
            9..9,
            "  y\n",
            "reads differently from line 1, column 4 on",
        );
        check("a: 1\n", 4..4, "  ", "ok: a: 1  \n");
    }

    #[test]
    fn changes_that_overlap_are_not_made() {
        let splice = |at| Splice {
            at,
            text: String::new(),
            removes: true,
        };
        assert_eq!(spliced("abcdef", &[splice(0..3), splice(2..4)]), None);
        assert_eq!(
            spliced("abcdef", &[splice(0..2), splice(2..4)]).as_deref(),
            Some("ef")
        );
    }
}
