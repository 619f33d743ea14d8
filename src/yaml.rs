//! YAML as people write it: read strictly with exact positions, and edited without touching a byte
//! that need not change.
//!
//! [`Stream::parse`] reads what Kubernetes would read and nothing else, and [`Node`] is a place in
//! it. [`Editor`] takes changes, and hands out the new text only when that reads back as the old
//! one with exactly these changes.

mod comments;
mod edit;
mod invalid;
mod layout;
mod live;
mod mask;
mod names;
mod node;
mod oracle;
mod parse;
mod path;
mod scalar;
mod splice;
mod tokens;
mod value;
mod write;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::path::{Path as FilePath, PathBuf};

pub use comments::Comment;
pub use edit::{Editor, Error};
pub use invalid::Invalid;
pub use mask::{has_password, masked, without_long_runs};
pub use names::is_secret_name;
pub use node::Node;
pub use parse::RENDER;
pub use path::{Path, Step};
pub use scalar::{Reading, Scalar};
pub use value::Value;

use crate::strict_yaml::Location;

/// The documents of a text.
#[derive(Debug)]
pub struct Stream<'s> {
    file: PathBuf,
    text: &'s str,
    /// Every node before its children: a mapping is followed by key, value, key, value.
    nodes: Vec<Raw<'s>>,
    documents: Vec<Document>,
}

/// A node as it stands in the text.
#[derive(Debug)]
struct Raw<'s> {
    kind: Kind,
    /// The text of a scalar, decoded; the name of an alias; else empty.
    value: Cow<'s, str>,
    /// Its first byte: a quote, a bracket, the `|` of a block scalar, the first key or dash.
    start: u32,
    /// The byte behind it, trailing blanks and comments not counted; behind the last line that is
    /// content of a block scalar.
    end: u32,
    /// The line of `start`, counted from 1.
    line: u32,
    /// The column of `start` in characters, counted from 1.
    column: u32,
    /// The id behind its subtree.
    next: u32,
    properties: Option<Box<Properties>>,
}

/// What may stand before a node.
#[derive(Debug)]
struct Properties {
    /// The first byte of them.
    start: u32,
    /// The byte behind them.
    end: u32,
    tag: Option<String>,
    anchor: Option<String>,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Scalar(Style),
    Mapping {
        flow: bool,
    },
    Sequence {
        flow: bool,
    },
    /// Another node, with this id, stands here.
    Alias(u32),
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Nothing is written: `key:`; this is null.
    Absent,
    /// `text`.
    Plain,
    /// `'text'`.
    Single,
    /// `"text"`.
    Double,
    /// `|` and lines.
    Literal,
    /// `>` and lines.
    Folded,
}

/// One document.
#[derive(Debug)]
struct Document {
    root: u32,
    /// Where its `---` stands, when it has one.
    marker: Option<u32>,
    /// Whether a directive (`%YAML`) stands before it.
    has_directives: bool,
}

/// What stands at an id that no node has.
static NOTHING: Raw<'static> = Raw {
    kind: Kind::Scalar(Style::Absent),
    value: Cow::Borrowed(""),
    start: 0,
    end: 0,
    line: 1,
    column: 1,
    next: 0,
    properties: None,
};

impl<'s> Stream<'s> {
    /// Reads a text.
    ///
    /// Invalid YAML, duplicate keys (most readers take the last one, some the first), Helm
    /// templates that were not rendered, and a byte order mark anywhere but at the start are
    /// refused. JSON is YAML.
    pub fn parse(file: &FilePath, text: &'s str) -> Result<Self, Invalid> {
        parse::parse(file, text)
    }

    /// The file, as it was named.
    pub fn file(&self) -> &FilePath {
        &self.file
    }

    /// The text.
    pub const fn text(&self) -> &'s str {
        self.text
    }

    /// The root of each document; that of an empty document is null.
    pub fn documents(&self) -> impl ExactSizeIterator<Item = Node<'_>> {
        let roots = self.documents.iter();
        roots.map(|document| Node::new(self, document.root))
    }

    /// The root of the document with this index, counted from 0.
    pub fn document(&self, index: usize) -> Option<Node<'_>> {
        let document = self.documents.get(index)?;
        Some(Node::new(self, document.root))
    }

    /// The node that a path leads to, through aliases.
    pub fn find(&self, path: &Path) -> Option<Node<'_>> {
        let root = self.document(path.document())?;
        path.steps().iter().try_fold(root, Node::step)
    }

    /// Every comment, first to last.
    pub fn comments(&self) -> Vec<Comment<'_>> {
        comments::find(self)
    }

    /// Something that is wrong at a node, with the line and a caret.
    pub fn invalid(&self, node: Node<'_>, message: impl Into<String>) -> Invalid {
        Invalid::new(&self.file, self.text, (node.line(), node.column()), message)
    }

    fn raw(&self, id: u32) -> &Raw<'s> {
        self.nodes.get(id as usize).unwrap_or(&NOTHING)
    }

    /// The ids of the children of a node: of a mapping key, value, key, value.
    fn children(&self, id: u32) -> impl Iterator<Item = u32> {
        let end = self.raw(id).next;
        let first = id + 1;
        std::iter::successors((first < end).then_some(first), move |child| {
            let next = self.raw(*child).next;
            (next < end).then_some(next)
        })
    }

    /// The keys and values of a mapping.
    fn pairs(&self, id: u32) -> impl Iterator<Item = (u32, u32)> {
        let mut children = self.children(id);
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// The node itself, or the one that an alias stands for.
    fn resolve(&self, id: u32) -> u32 {
        match self.raw(id).kind {
            Kind::Alias(target) => target,
            _ => id,
        }
    }

    fn location(&self, id: u32) -> Location {
        let raw = self.raw(id);
        Location {
            file: self.file.clone(),
            line: raw.line as usize,
            column: raw.column as usize,
        }
    }
}

impl Raw<'_> {
    const fn start(&self) -> usize {
        self.start as usize
    }

    const fn end(&self) -> usize {
        self.end as usize
    }

    /// The first byte of the node with its tag and anchor.
    fn outer(&self) -> usize {
        self.properties
            .as_ref()
            .map_or(self.start, |properties| properties.start.min(self.start)) as usize
    }

    fn tag(&self) -> Option<&str> {
        self.properties.as_ref()?.tag.as_deref()
    }

    fn anchor(&self) -> Option<&str> {
        self.properties.as_ref()?.anchor.as_deref()
    }

    /// Whether every reader takes it for null.
    fn is_null(&self) -> bool {
        match self.kind {
            Kind::Scalar(Style::Absent) => self.tag().is_none(),
            Kind::Scalar(Style::Plain) => scalar::is_null(&self.value) && self.tag().is_none(),
            _ => false,
        }
    }

    /// The text of a scalar.
    fn scalar(&self) -> Option<&str> {
        matches!(self.kind, Kind::Scalar(_)).then_some(&self.value)
    }

    /// Whether it is a block scalar, whose content are the lines below its header.
    const fn is_block_scalar(&self) -> bool {
        matches!(self.kind, Kind::Scalar(Style::Literal | Style::Folded))
    }
}

/// The text of a file, which must be UTF-8 (RFC 8259, 8.1; Kubernetes reads no other encoding).
pub fn decode<'b>(file: &FilePath, bytes: &'b [u8]) -> Result<&'b str, Invalid> {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    let (good, _) = bytes
        .split_at_checked(error.valid_up_to())
        .unwrap_or_default();
    let text = std::str::from_utf8(good).unwrap_or_default();
    let (line, column) = parse::position(text, text.len());
    let invalid = Invalid::new(file, text, (line, column), "this is not UTF-8");
    Err(invalid.with_hint("save the file as UTF-8"))
}
