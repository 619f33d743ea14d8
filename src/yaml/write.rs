//! New nodes as text: lines in a block, or one line inside brackets.

use super::live::{Entry, Key, Live, Shape};
use super::scalar::{self, Literal, Quotes};
use super::{Kind, Scalar, Stream};

/// How a document indents, in blanks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Habit {
    /// A mapping inside a mapping.
    pub(super) mapping: usize,
    /// The dashes of a sequence inside a mapping; none when they stand below the key.
    pub(super) sequence: usize,
    /// Whether text of several lines becomes a literal.
    pub(super) literals: bool,
}

/// Written without line breaks.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// The first one begins where it is put, the others have their indentation.
    pub(super) lines: Vec<String>,
    /// Whether a line break must follow the last one, since it is content.
    pub(super) needs_break: bool,
    /// How many blanks the body of the literal is indented by that they end with.
    pub(super) body: Option<usize>,
}

impl Habit {
    /// The first nested mapping and the first nested sequence of a document say how it is done.
    pub(super) fn of(stream: &Stream<'_>, root: u32, literals: bool) -> Self {
        let mut mapping = None;
        let mut sequence = None;
        let end = stream.raw(root).next;
        for id in root..end {
            let parent = stream.raw(id);
            if parent.kind != (Kind::Mapping { flow: false }) {
                continue;
            }
            for (_, value) in stream.pairs(id) {
                let raw = stream.raw(value);
                let deeper = (raw.column as usize).checked_sub(parent.column as usize);
                match raw.kind {
                    Kind::Mapping { flow: false } => mapping = mapping.or(deeper),
                    Kind::Sequence { flow: false } => sequence = sequence.or(deeper),
                    _ => {}
                }
            }
            if mapping.is_some() && sequence.is_some() {
                break;
            }
        }
        Self {
            mapping: mapping.filter(|blanks| *blanks > 0).unwrap_or(2),
            sequence: sequence.unwrap_or(2),
            literals,
        }
    }

    /// A mapping as a document of its own.
    pub(super) fn document(self, live: &Live) -> Written {
        match &live.shape {
            Shape::Mapping(entries) if !entries.is_empty() => self.mapping(entries, 0),
            Shape::Sequence(items) if !items.is_empty() => self.sequence(items, 0),
            _ => Written::one(inline(live, Quotes::Needed)),
        }
    }

    /// Entries whose keys are indented by so many blanks.
    pub(super) fn mapping(self, entries: &[Entry], indent: usize) -> Written {
        let mut lines = Written::default();
        for Entry { key, value } in entries {
            if let Key::New(key) = key {
                lines.push(self.entry(key, value, indent), indent);
            }
        }
        lines
    }

    /// Items whose dashes are indented by so many blanks.
    pub(super) fn sequence(self, items: &[Live], indent: usize) -> Written {
        let mut lines = Written::default();
        for item in items {
            lines.push(self.item(item, indent), indent);
        }
        lines
    }

    /// An entry whose key is indented by so many blanks.
    pub(super) fn entry(self, key: &str, value: &Live, indent: usize) -> Written {
        let key = self::key(key, Quotes::NeededInFlow);
        match &value.shape {
            Shape::Mapping(entries) if !entries.is_empty() => {
                let deeper = indent + self.mapping;
                Written::one(format!("{key}:")).below(self.mapping(entries, deeper), deeper)
            }
            Shape::Sequence(items) if !items.is_empty() => {
                let deeper = indent + self.sequence;
                Written::one(format!("{key}:")).below(self.sequence(items, deeper), deeper)
            }
            _ => self.scalar(&format!("{key}: "), value, indent),
        }
    }

    /// An item whose dash is indented by so many blanks.
    pub(super) fn item(self, value: &Live, indent: usize) -> Written {
        let deeper = indent + "- ".len();
        match &value.shape {
            Shape::Mapping(entries) if !entries.is_empty() => {
                self.mapping(entries, deeper).behind("- ")
            }
            Shape::Sequence(items) if !items.is_empty() => {
                self.sequence(items, deeper).behind("- ")
            }
            _ => self.scalar("- ", value, indent),
        }
    }

    /// A scalar, or an empty collection, behind its key or dash.
    fn scalar(self, head: &str, value: &Live, parent: usize) -> Written {
        if self.literals
            && let Shape::Scalar(Scalar::Text(text)) = &value.shape
            && let Some(literal) = Literal::new(text, parent, parent + 2, None)
        {
            let mut lines = vec![format!("{head}{}", literal.header)];
            lines.extend(literal.lines);
            return Written {
                lines,
                needs_break: literal.needs_break,
                body: Some(parent + 2),
            };
        }
        Written::one(format!("{head}{}", inline(value, Quotes::Needed)))
    }
}

impl Written {
    pub(super) fn one(line: String) -> Self {
        Self {
            lines: vec![line],
            needs_break: false,
            body: None,
        }
    }

    /// Adds lines that are indented by so many blanks.
    pub(super) fn push(&mut self, lines: Self, indent: usize) {
        self.needs_break = lines.needs_break;
        self.body = lines.body;
        let is_first = self.lines.is_empty();
        for (index, line) in lines.lines.into_iter().enumerate() {
            let is_inside = index > 0 || is_first;
            let pad = if is_inside { 0 } else { indent };
            self.lines.push(format!("{}{line}", " ".repeat(pad)));
        }
    }

    fn below(mut self, lines: Self, indent: usize) -> Self {
        self.push(lines, indent);
        self
    }

    fn behind(mut self, head: &str) -> Self {
        if let Some(first) = self.lines.first_mut() {
            first.insert_str(0, head);
        }
        self
    }
}

fn key(key: &str, quotes: Quotes) -> String {
    scalar::inline(&Scalar::Text(key.to_owned()), quotes)
}

/// An entry on one line.
pub(super) fn inline_entry(name: &str, value: &Live, quotes: Quotes) -> String {
    format!("{}: {}", key(name, quotes), inline(value, quotes))
}

/// A new node on one line.
pub(super) fn inline(live: &Live, quotes: Quotes) -> String {
    match &live.shape {
        Shape::Kept => "null".to_owned(),
        Shape::Scalar(scalar) => scalar::inline(scalar, quotes),
        Shape::Mapping(entries) => {
            let entries = entries.iter().filter_map(|entry| match &entry.key {
                Key::New(name) => Some(inline_entry(name, &entry.value, quotes)),
                Key::Kept(_) => None,
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Shape::Sequence(items) => {
            let items = items.iter().map(|item| inline(item, quotes));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
    }
}
