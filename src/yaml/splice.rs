//! What to cut out of a text, and what to put in, so that it says what a changed stream says.

mod block;
mod collection;
mod flow;
mod scalars;

use std::ops::Range;

use super::layout::{
    break_before, comment_below, eol_above, from, is_line_start, line_break, line_end, line_start,
    next_line, skip_blank_lines, trim_before, upto,
};
use super::live::{Live, LiveDocument};
use super::write::{Habit, Written};
use super::{Error, Invalid, Kind, Raw, Stream, Style};

/// A range of bytes, and what stands there instead.
#[derive(Debug)]
pub(super) struct Splice {
    pub(super) at: Range<usize>,
    pub(super) text: String,
    /// Whether what is cut is meant to go, with the comments in it.
    pub(super) removes: bool,
}

/// Where a node stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The column, counted from 0, of the block collection that it is in; none at the root.
    parent: Option<usize>,
    /// Whether it is inside brackets.
    in_flow: bool,
    /// The byte behind its `:` or `-`, or behind the `---`.
    slot: usize,
    /// Whether a `:` is still to be written before it.
    lacks_colon: bool,
}

struct Writer<'a> {
    stream: &'a Stream<'a>,
    text: &'a str,
    splices: Vec<Splice>,
    /// The block scalars, which end one after the other.
    blocks: Vec<&'a Raw<'a>>,
    /// The root of the document that is being written.
    root: u32,
    habit: Habit,
}

/// The splices that changed documents come down to, first to last, with text of several lines as
/// literals or in quotes.
pub(super) fn splices(
    stream: &Stream<'_>,
    documents: &[LiveDocument],
    literals: bool,
) -> Vec<Splice> {
    let mut writer = Writer {
        stream,
        text: stream.text,
        splices: Vec::new(),
        blocks: stream
            .nodes
            .iter()
            .filter(|raw| raw.is_block_scalar())
            .collect(),
        root: 0,
        habit: Habit {
            mapping: 2,
            sequence: 2,
            literals,
        },
    };
    for document in documents {
        let source = document
            .origin
            .and_then(|index| stream.documents.get(index));
        let Some(source) = source.filter(|_| document.root.is_changed()) else {
            continue;
        };
        writer.root = source.root;
        writer.habit = Habit::of(stream, source.root, literals);
        let slot = source.marker.map_or_else(
            || stream.raw(source.root).outer(),
            |marker| marker as usize + "---".len(),
        );
        let place = Place {
            parent: None,
            in_flow: false,
            slot,
            lacks_colon: false,
        };
        writer.visit(&document.root, place);
    }
    if let Some(first) = stream.documents.first() {
        writer.habit = Habit::of(stream, first.root, literals);
    }
    writer.documents(documents);
    writer
        .splices
        .sort_by_key(|splice| (splice.at.start, splice.at.end));
    writer.keep_last_literal();
    writer.join_the_end();
    writer.splices
}

/// Refuses to put a document before the one with this index, or to take that one out, where it is
/// not only lines between two `---`.
pub(super) fn check_document(stream: &Stream<'_>, index: usize) -> Result<(), Error> {
    let refuse = |id: u32, message: &str, hint: &'static str| {
        let raw = stream.raw(id);
        let at = (raw.line as usize, raw.column as usize);
        let invalid = Invalid::new(&stream.file, stream.text, at, message);
        Err(Error::Refused(Box::new(invalid.with_hint(hint))))
    };
    // Between others, with `---` around it, JSON is a document as any other is.
    if let [document] = stream.documents.as_slice()
        && is_json(stream, document.root)
    {
        return refuse(
            document.root,
            "this is JSON, which holds one document only",
            "make it an item of `{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": […]}`, or YAML",
        );
    }
    match stream.documents.get(index) {
        Some(document) if document.has_directives => refuse(
            document.root,
            "the document has directives (`%`), which cannot be moved apart from it",
            "leave the directives out: what Kubernetes reads has none",
        ),
        _ => Ok(()),
    }
}

/// Whether a document is in brackets and the first scalar in it in double quotes, as in JSON.
fn is_json(stream: &Stream<'_>, root: u32) -> bool {
    let raw = stream.raw(root);
    let first = (root..raw.next)
        .map(|id| stream.raw(id).kind)
        .find(|kind| matches!(kind, Kind::Scalar(_)));
    raw.kind.is_flow() && first == Some(Kind::Scalar(Style::Double))
}

impl Kind {
    const fn is_flow(self) -> bool {
        matches!(
            self,
            Self::Mapping { flow: true } | Self::Sequence { flow: true }
        )
    }
}

impl Writer<'_> {
    fn put(&mut self, at: usize, text: String) {
        self.splice(at..at, text, false);
    }

    fn cut(&mut self, at: Range<usize>) {
        self.splice(at, String::new(), true);
    }

    fn splice(&mut self, at: Range<usize>, text: String, removes: bool) {
        self.splices.push(Splice { at, text, removes });
    }

    /// Puts lines below the line that a byte is in or behind.
    fn put_below(&mut self, at: usize, lines: &Written, indent: usize) {
        let pad = " ".repeat(indent);
        let eol = eol_above(self.text, at);
        let lines_text = lines.lines.iter().enumerate().map(|(index, line)| {
            if index == 0 {
                format!("{pad}{line}")
            } else {
                line.clone()
            }
        });
        let joined = lines_text.collect::<Vec<_>>().join(eol);
        let is_below = at > 0 && is_line_start(self.text, at);
        let mut next = if is_below {
            at
        } else {
            next_line(self.text, at)
        };
        // A comment that is indented as a literal is would become a line of it.
        while let (Some(body), Some((depth, below))) = (lines.body, comment_below(self.text, next))
            && depth >= body
            && is_line_start(self.text, next)
        {
            next = below;
        }
        if is_line_start(self.text, next) {
            self.put(next, format!("{joined}{eol}"));
        } else {
            let tail = if lines.needs_break { eol } else { "" };
            self.put(next, format!("{eol}{joined}{tail}"));
        }
    }

    /// Cuts whole lines, from the one of the first byte to the one before the second byte.
    fn cut_lines(&mut self, first: usize, end: usize) {
        // A byte order mark is not a part of the line that it stands before.
        let mark = '\u{feff}'.len_utf8();
        let has_mark = upto(self.text, mark) == "\u{feff}";
        let start = line_start(self.text, first).max(if has_mark { mark } else { 0 });
        let above = trim_before(self.text, start)..=start;
        let found = self
            .blocks
            .partition_point(|raw| raw.end() < *above.start());
        let scalar = self.blocks.get(found).copied();
        let scalar = scalar.filter(|raw| above.contains(&raw.end()));
        // Blank lines must not come to stand behind a block scalar that takes them for its own.
        let blank = end..skip_blank_lines(self.text, end);
        let has_blanks = self
            .text
            .get(blank.clone())
            .is_some_and(|blank| blank.contains(' '));
        let is_greedy = scalar.is_some_and(|raw| has_blanks || self.header(raw).contains('+'));
        let end = if is_greedy { blank.end } else { end };
        self.cut(start..end);
    }

    /// Gives a literal that ends the text without a line break the header that says so, when
    /// something is put behind it: without it the line break that follows would be content.
    fn keep_last_literal(&mut self) {
        let len = self.text.len();
        let last = self
            .stream
            .nodes
            .iter()
            .rev()
            .find(|raw| matches!(raw.kind, Kind::Scalar(_)));
        let Some(raw) = last.filter(|raw| raw.is_block_scalar() && raw.end() == len) else {
            return;
        };
        let is_followed = self
            .splices
            .iter()
            .any(|splice| splice.at.start == len && !splice.text.is_empty());
        let is_cut = self
            .splices
            .iter()
            .any(|splice| splice.at.end > raw.start() && splice.at.start < len);
        if raw.value.is_empty() || is_line_start(self.text, len) || !is_followed || is_cut {
            return;
        }
        let token = self.header(raw);
        let end = raw.start() + token.len();
        let at = match token.find('+') {
            Some(found) => raw.start() + found..raw.start() + found + 1,
            None if token.contains('-') => return,
            None => end..end,
        };
        self.splice(at, "-".to_owned(), false);
        self.splices
            .sort_by_key(|splice| (splice.at.start, splice.at.end));
    }

    /// What is put at the end of a text that has no last line break begins with one. Where the last
    /// lines are cut, what is above them has one already, and a second would be a blank line, which
    /// a `|+` above it takes for its own.
    fn join_the_end(&mut self) {
        let len = self.text.len();
        let is_cut = self.splices.iter().any(|splice| {
            splice.at.end == len
                && splice.at.start < len
                && splice.text.is_empty()
                && is_line_start(self.text, splice.at.start)
        });
        if !is_cut || is_line_start(self.text, len) {
            return;
        }
        let put = self
            .splices
            .iter_mut()
            .find(|splice| splice.at.start == len && !splice.text.is_empty());
        if let Some(put) = put {
            let breaks = line_break(&put.text, 0).len();
            put.text.drain(..breaks);
        }
    }

    /// The `|` or `>` of a block scalar with its indicators.
    fn header(&self, raw: &Raw<'_>) -> &str {
        let line = self.text.get(raw.start()..line_end(self.text, raw.start()));
        let mut parts = line.unwrap_or_default().split([' ', '\t']);
        parts.next().unwrap_or_default()
    }

    /// Documents that came and went.
    fn documents(&mut self, documents: &[LiveDocument]) {
        let mut new = Vec::new();
        for document in documents {
            match document.origin {
                None => new.push(&document.root),
                Some(index) => self.put_documents(&std::mem::take(&mut new), index),
            }
        }
        self.put_documents(&new, self.stream.documents.len());
        // Those that are kept are in their old order; a new one may stand before each.
        let before = std::iter::once(None).chain(documents.iter().map(Some));
        let pairs = before.zip(documents).filter_map(|(before, document)| {
            let has_new = before.is_some_and(|before| before.origin.is_none());
            Some((document.origin?, has_new))
        });
        let mut kept = pairs.peekable();
        for index in 0..self.stream.documents.len() {
            if kept.next_if(|(origin, _)| *origin == index).is_none() {
                let is_next_kept = kept.peek() == Some(&(index + 1, false));
                self.cut_document(index, is_next_kept);
            }
        }
    }

    /// Puts documents before one of the text, or at its end.
    fn put_documents(&mut self, roots: &[&Live], index: usize) {
        if roots.is_empty() {
            return;
        }
        let text = self.text;
        let marker = self
            .stream
            .documents
            .get(index)
            .map(|document| document.marker);
        let at = self.document_start(index);
        let eol = eol_above(text, at);
        let mut put = String::new();
        let is_alone = self.stream.documents.is_empty();
        let has_break = text.is_empty() || text == "\u{feff}" || is_line_start(text, text.len());
        if marker.is_none() && !has_break {
            put.push_str(eol);
        }
        let mut needs_break = false;
        for (count, root) in roots.iter().enumerate() {
            let lines = self.habit.document(root);
            needs_break = lines.needs_break;
            if marker != Some(None) && !(is_alone && count == 0) {
                put.push_str("---");
                put.push_str(eol);
            }
            put.push_str(&lines.lines.join(eol));
            put.push_str(eol);
            if marker == Some(None) {
                put.push_str("---");
                put.push_str(eol);
            }
        }
        if marker.is_none() && !has_break && !needs_break {
            put.truncate(put.len() - eol.len());
        }
        // A document without a marker may begin with something new at this very place.
        let first = if marker == Some(None) {
            0
        } else {
            self.splices.len()
        };
        let splice = Splice {
            at: at..at,
            text: put,
            removes: false,
        };
        self.splices.insert(first, splice);
    }

    fn cut_document(&mut self, index: usize, is_next_kept: bool) {
        let text = self.text;
        let documents = &self.stream.documents;
        let start = self.document_start(index);
        let mut end = self.document_start(index + 1);
        let had_marker = documents
            .get(index)
            .is_some_and(|document| document.marker.is_some());
        let next = documents.get(index + 1).and_then(|next| next.marker);
        // Without a marker of its own, the document had that of the next one behind it; which stays
        // where it tells that there is a document, though nothing is in it.
        let is_next_there = documents.get(index + 1).is_some_and(|next| {
            let root = self.stream.raw(next.root);
            !root.is_absent()
        });
        if !had_marker
            && is_next_kept
            && is_next_there
            && let Some(next) = next.map(|next| next as usize)
            && text.get(next..line_end(text, next)) == Some("---")
        {
            end = next + "---".len() + line_break(text, next + "---".len()).len();
        }
        self.cut(start..end);
    }

    /// Where a document begins: at its `---`, or at the comment right above its first line; the end
    /// of the text when there is no such document.
    fn document_start(&self, index: usize) -> usize {
        let text = self.text;
        let Some(document) = self.stream.documents.get(index) else {
            return text.len();
        };
        if let Some(marker) = document.marker {
            return marker as usize;
        }
        let mut start = line_start(text, self.stream.raw(document.root).outer());
        while start > 0 {
            let above = line_start(text, start - break_before(text, start).len());
            let is_comment = from(text, above)
                .trim_start_matches([' ', '\u{feff}'])
                .starts_with('#');
            if !is_comment {
                break;
            }
            start = above;
        }
        let mark = '\u{feff}'.len_utf8();
        if start == 0 && upto(text, mark) == "\u{feff}" {
            mark
        } else {
            start
        }
    }
}
