//! A document while it is being changed: what stays as it is written, and what is new.

use super::{Kind, Node, Path, Raw, Scalar, Step, Stream, Style, Value};

/// A node of a document that is being changed.
#[derive(Debug)]
pub(super) struct Live {
    /// The node that stands in the text at this place; none when the place is new.
    pub(super) origin: Option<u32>,
    pub(super) shape: Shape,
}

/// What a node is now.
#[derive(Debug)]
pub(super) enum Shape {
    /// What it was, with all that is in it.
    Kept,
    /// This scalar.
    Scalar(Scalar),
    /// These entries, of which some are kept.
    Mapping(Vec<Entry>),
    /// These items, of which some are kept.
    Sequence(Vec<Live>),
}

/// A key and a value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) value: Live,
}

/// The key of an entry.
#[derive(Debug)]
pub(super) enum Key {
    /// A node of the text.
    Kept(u32),
    /// New text.
    New(String),
}

/// A document, and the index of the one that it was.
#[derive(Debug)]
pub(super) struct LiveDocument {
    pub(super) origin: Option<usize>,
    pub(super) root: Live,
}

impl Live {
    pub(super) const fn kept(id: u32) -> Self {
        Self {
            origin: Some(id),
            shape: Shape::Kept,
        }
    }

    pub(super) fn new(value: Value) -> Self {
        Self {
            origin: None,
            shape: Shape::new(value),
        }
    }

    /// The node in the text as a range of one.
    pub(super) fn only(&self) -> Option<(u32, u32)> {
        self.origin.map(|id| (id, id))
    }

    /// Whether it is null.
    pub(super) fn is_null(&self, stream: &Stream<'_>) -> bool {
        match (&self.shape, self.origin) {
            (Shape::Kept, Some(id)) => stream.raw(id).is_null(),
            (Shape::Scalar(scalar), _) => scalar.is_null(),
            _ => false,
        }
    }

    /// The node with nothing changed in it, where that is what it is.
    pub(super) fn source<'s>(&self, stream: &'s Stream<'s>) -> Option<Node<'s>> {
        let id = self.origin.filter(|_| matches!(self.shape, Shape::Kept))?;
        Some(Node::new(stream, id))
    }

    /// The text of a scalar.
    fn scalar<'l>(&'l self, stream: &'l Stream<'l>) -> Option<&'l str> {
        match &self.shape {
            Shape::Scalar(Scalar::Text(text)) => Some(text),
            _ => self.source(stream)?.scalar(),
        }
    }
}

impl Shape {
    pub(super) fn new(value: Value) -> Self {
        match value {
            Value::Scalar(scalar) => Self::Scalar(scalar),
            Value::Mapping(entries) => {
                let entries = entries
                    .into_iter()
                    .map(|(key, value)| Entry::new(key, value));
                Self::Mapping(entries.collect())
            }
            Value::Sequence(items) => Self::Sequence(items.into_iter().map(Live::new).collect()),
        }
    }
}

impl Entry {
    /// The nodes of the key and the value in the text.
    pub(super) fn origin(&self) -> Option<(u32, u32)> {
        match self.key {
            Key::Kept(key) => Some((key, self.value.origin.unwrap_or(key))),
            Key::New(_) => None,
        }
    }

    pub(super) fn new(key: String, value: Value) -> Self {
        Self {
            key: Key::New(key),
            value: Live::new(value),
        }
    }
}

impl Key {
    pub(super) fn text<'k>(&'k self, stream: &'k Stream<'_>) -> Option<&'k str> {
        match self {
            Self::Kept(id) => stream.raw(stream.resolve(*id)).scalar(),
            Self::New(text) => Some(text),
        }
    }
}

/// A node to look at, changed or not.
#[derive(Clone, Copy)]
pub(super) enum View<'l> {
    Kept(Node<'l>),
    Live(&'l Live),
}

impl<'l> View<'l> {
    pub(super) fn of(live: &'l Live, stream: &'l Stream<'l>) -> Self {
        live.source(stream).map_or(Self::Live(live), Self::Kept)
    }

    /// The node that a path leads to; what merge keys bring in does not count.
    pub(super) fn find(self, path: &Path, stream: &'l Stream<'l>) -> Option<Self> {
        path.steps()
            .iter()
            .try_fold(self, |view, step| view.step(step, stream))
    }

    fn step(self, step: &Step, stream: &'l Stream<'l>) -> Option<Self> {
        match (self, step) {
            (Self::Kept(node), Step::Key(key)) => {
                let mut entries = node.entries();
                let found = entries.find(|(name, _)| name.spelling() == Some(key));
                found.map(|(_, value)| Self::Kept(value))
            }
            (Self::Kept(node), step) => node.step(step).map(Self::Kept),
            (Self::Live(live), step) => match (&live.shape, step) {
                (Shape::Mapping(entries), Step::Key(key)) => {
                    let mut entries = entries.iter();
                    let found = entries.find(|entry| entry.key.text(stream) == Some(key));
                    found.map(|entry| Self::of(&entry.value, stream))
                }
                (Shape::Sequence(items), Step::Item(index)) => {
                    items.get(*index).map(|item| Self::of(item, stream))
                }
                (Shape::Sequence(items), Step::Where(key, text)) => {
                    let mut items = items.iter().map(|item| Self::of(item, stream));
                    items.find(|item| item.has_text(key, text, stream))
                }
                _ => None,
            },
        }
    }

    /// Whether the value of a key has this text.
    pub(super) fn has_text(self, key: &str, text: &str, stream: &'l Stream<'l>) -> bool {
        let value = self.step(&Step::Key(key.to_owned()), stream);
        value.and_then(|value| value.scalar(stream)) == Some(text)
    }

    /// The text of a scalar.
    pub(super) fn scalar(self, stream: &'l Stream<'l>) -> Option<&'l str> {
        match self {
            Self::Kept(node) => node.scalar(),
            Self::Live(live) => live.scalar(stream),
        }
    }

    /// How many entries or items it has; none for scalars.
    pub(super) fn len(self) -> Option<usize> {
        match self {
            Self::Kept(node) if node.is_mapping() => Some(node.entries().count()),
            Self::Kept(node) if node.is_sequence() => Some(node.items().count()),
            Self::Kept(_) => None,
            Self::Live(live) => match &live.shape {
                Shape::Mapping(entries) => Some(entries.len()),
                Shape::Sequence(items) => Some(items.len()),
                Shape::Kept | Shape::Scalar(_) => None,
            },
        }
    }

    /// Whether it is this value; the order of keys does not count.
    pub(super) fn equals(self, value: &Value, stream: &'l Stream<'l>) -> bool {
        match (self, value) {
            (Self::Kept(node), Value::Scalar(scalar)) => {
                scalar.matches(stream.raw(stream.resolve(node.id())))
            }
            (Self::Live(live), Value::Scalar(scalar)) => {
                matches!(&live.shape, Shape::Scalar(own) if own == scalar)
            }
            (view, Value::Mapping(entries)) => {
                view.is_mapping()
                    && view.len() == Some(entries.len())
                    && entries.iter().all(|(key, value)| {
                        let own = view.step(&Step::Key(key.clone()), stream);
                        own.is_some_and(|own| own.equals(value, stream))
                    })
            }
            (view, Value::Sequence(items)) => {
                !view.is_mapping()
                    && view.len() == Some(items.len())
                    && items.iter().enumerate().all(|(index, value)| {
                        let own = view.step(&Step::Item(index), stream);
                        own.is_some_and(|own| own.equals(value, stream))
                    })
            }
        }
    }

    fn is_mapping(self) -> bool {
        match self {
            Self::Kept(node) => node.is_mapping(),
            Self::Live(live) => matches!(live.shape, Shape::Mapping(_)),
        }
    }
}

impl Stream<'_> {
    /// An alias that stands elsewhere for a node between the first one and the end of the last one:
    /// a key and its value, or an item.
    pub(super) fn used_elsewhere(&self, (first, last): (u32, u32)) -> Option<Node<'_>> {
        let inside = first..self.raw(last).next.max(last + 1);
        let is_anchored = |raw: &Raw<'_>| raw.anchor().is_some();
        if !inside.clone().any(|id| is_anchored(self.raw(id))) {
            return None;
        }
        self.alias_of(
            |target| inside.contains(&target),
            |alias| !inside.contains(&alias),
        )
    }

    /// An alias for a node itself.
    pub(super) fn used_again(&self, id: u32) -> Option<Node<'_>> {
        self.raw(id).anchor()?;
        self.alias_of(|target| target == id, |_| true)
    }

    fn alias_of(
        &self,
        is_target: impl Fn(u32) -> bool,
        is_alias: impl Fn(u32) -> bool,
    ) -> Option<Node<'_>> {
        let mut nodes = (0..).zip(&self.nodes);
        let found = nodes.find(|(id, raw)| match raw.kind {
            Kind::Alias(target) => is_target(target) && is_alias(*id),
            _ => false,
        });
        found.map(|(id, _)| Node::new(self, id))
    }
}

impl Raw<'_> {
    /// Whether it is a collection with nothing in it.
    pub(super) fn is_empty_collection(&self, id: u32) -> bool {
        matches!(self.kind, Kind::Mapping { .. } | Kind::Sequence { .. }) && self.next == id + 1
    }

    /// Whether nothing is written for it.
    pub(super) fn is_absent(&self) -> bool {
        self.kind == Kind::Scalar(Style::Absent)
    }
}
