//! A place in a stream, to read from.

use std::ops::Range;

use super::{Kind, Raw, Reading, Scalar, Step, Stream, Style, scalar};
use crate::strict_yaml::Location;

/// A node of a stream.
///
/// What is read goes through aliases; [`Node::is_alias`] and the position are of the node itself.
#[derive(Clone, Copy, Debug)]
pub struct Node<'s> {
    stream: &'s Stream<'s>,
    id: u32,
}

impl<'s> Node<'s> {
    pub(super) const fn new(stream: &'s Stream<'s>, id: u32) -> Self {
        Self { stream, id }
    }

    pub(super) const fn id(self) -> u32 {
        self.id
    }

    fn own(self) -> &'s Raw<'s> {
        self.stream.raw(self.id)
    }

    fn target(self) -> u32 {
        self.stream.resolve(self.id)
    }

    fn raw(self) -> &'s Raw<'s> {
        self.stream.raw(self.target())
    }

    fn at(self, id: u32) -> Self {
        Self { id, ..self }
    }

    /// Whether this is a mapping.
    pub fn is_mapping(self) -> bool {
        matches!(self.raw().kind, Kind::Mapping { .. })
    }

    /// Whether this is a sequence.
    pub fn is_sequence(self) -> bool {
        matches!(self.raw().kind, Kind::Sequence { .. })
    }

    /// Whether this is a collection in brackets.
    pub fn is_flow(self) -> bool {
        let kind = self.raw().kind;
        matches!(
            kind,
            Kind::Mapping { flow: true } | Kind::Sequence { flow: true }
        )
    }

    /// Whether this is a null that nobody takes for text: nothing, `~` or `null`.
    pub fn is_null(self) -> bool {
        self.raw().is_null()
    }

    /// What it is, as a noun for messages.
    pub fn noun(self) -> &'static str {
        match self.raw().kind {
            Kind::Mapping { .. } => "a mapping",
            Kind::Sequence { .. } => "a list",
            Kind::Scalar(_) if self.is_null() => "null",
            Kind::Scalar(_) if self.text().is_some() => "text",
            Kind::Scalar(_) | Kind::Alias(_) => "a number, boolean or date",
        }
    }

    /// The keys and values of a mapping in their order; nothing when this is none.
    ///
    /// What a merge key (`<<`) brings in is not among them.
    pub fn entries(self) -> impl Iterator<Item = (Self, Self)> {
        let pairs = self.is_mapping().then(|| self.stream.pairs(self.target()));
        pairs
            .into_iter()
            .flatten()
            .map(move |(key, value)| (self.at(key), self.at(value)))
    }

    /// The items of a sequence; nothing when this is none.
    pub fn items(self) -> impl Iterator<Item = Self> {
        let items = self
            .is_sequence()
            .then(|| self.stream.children(self.target()));
        items.into_iter().flatten().map(move |item| self.at(item))
    }

    /// The value of a key of a mapping; one that a merge key (`<<`) brings in counts.
    pub fn get(self, key: &str) -> Option<Self> {
        self.entry(key).map(|(_, value)| value)
    }

    /// Like [`Node::get`], with the key.
    pub fn entry(self, key: &str) -> Option<(Self, Self)> {
        let own = self
            .entries()
            .find(|(name, _)| name.spelling() == Some(key));
        own.or_else(|| {
            let (_, merged) = self.entries().find(|(name, _)| name.own().is_merge_key())?;
            let mut sources = std::iter::once(merged).chain(merged.items());
            sources.find_map(|source| {
                source
                    .entries()
                    .find(|(name, _)| name.spelling() == Some(key))
            })
        })
    }

    /// The node that these keys lead to, one after the other.
    pub fn dig(self, keys: &[&str]) -> Option<Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The item of a sequence with this index, counted from 0.
    pub fn item(self, index: usize) -> Option<Self> {
        self.items().nth(index)
    }

    /// The first item of a sequence whose key has this text, and its index.
    pub fn item_where(self, key: &str, text: &str) -> Option<(usize, Self)> {
        let mut items = self.items().enumerate();
        items.find(|(_, item)| item.get(key).and_then(Self::scalar) == Some(text))
    }

    /// One step down.
    pub fn step(self, step: &Step) -> Option<Self> {
        match step {
            Step::Key(key) => self.get(key),
            Step::Item(index) => self.item(*index),
            Step::Where(key, text) => self.item_where(key, text).map(|(_, item)| item),
        }
    }

    /// The text of a scalar, decoded, whatever type a reader gives it; none for null, which is no
    /// text however it is spelled, and for collections.
    pub fn scalar(self) -> Option<&'s str> {
        self.spelling().filter(|_| !self.is_null())
    }

    /// The letters of a scalar, decoded, those of null too; none for collections.
    pub(super) fn spelling(self) -> Option<&'s str> {
        self.raw().scalar()
    }

    /// The scalar as an edit would write it again: text as text, and all else in the letters that
    /// stand here; none for collections.
    pub fn as_written(self) -> Option<Scalar> {
        let raw = self.raw();
        let text = raw.scalar()?;
        let is_bare = matches!(raw.kind, Kind::Scalar(Style::Plain | Style::Absent));
        let plain = (is_bare && raw.tag().is_none()).then(|| Scalar::plain(text));
        let text = || Scalar::Text(text.to_owned());
        Some(plain.flatten().unwrap_or_else(text))
    }

    /// The text, when every reader takes it for text: quoted, or plain and no number or the like.
    pub fn text(self) -> Option<&'s str> {
        let raw = self.raw();
        raw.is_text().then(|| raw.scalar()).flatten()
    }

    /// The text of the value of a key.
    pub fn text_of(self, key: &str) -> Option<&'s str> {
        self.get(key)?.text()
    }

    /// What Kubernetes takes a scalar for; none for collections.
    pub fn reading(self) -> Option<Reading> {
        let raw = self.raw();
        let text = raw.scalar()?;
        let of_yaml = raw.tag().map(|tag| tag.strip_prefix(scalar::TAGS));
        Some(match (of_yaml, raw.kind) {
            (None, Kind::Scalar(Style::Plain | Style::Absent)) => Reading::of_plain(text),
            (None | Some(None), _) => Reading::Text,
            (Some(Some(word)), _) => Reading::of_tag(word, text),
        })
    }

    /// A boolean, in the words that Kubernetes knows.
    pub fn bool(self) -> Option<bool> {
        match self.reading() {
            Some(Reading::Bool(truth)) => Some(truth),
            _ => None,
        }
    }

    /// A plain decimal integer.
    pub fn int(self) -> Option<i64> {
        let raw = self.raw();
        let is_plain = raw.kind == Kind::Scalar(Style::Plain);
        is_plain.then(|| scalar::integer(&raw.value)).flatten()
    }

    /// How a scalar is written.
    pub fn style(self) -> Option<Style> {
        match self.raw().kind {
            Kind::Scalar(style) => Some(style),
            _ => None,
        }
    }

    /// Whether an alias (`*name`) stands here.
    pub fn is_alias(self) -> bool {
        matches!(self.own().kind, Kind::Alias(_))
    }

    /// The name of the anchor (`&name`) that it carries.
    pub fn anchor(self) -> Option<&'s str> {
        self.own().anchor()
    }

    /// The tag that it carries, resolved: `tag:yaml.org,2002:str` for `!!str`.
    pub fn tag(self) -> Option<&'s str> {
        self.own().tag()
    }

    /// The line, counted from 1.
    pub fn line(self) -> usize {
        self.own().line as usize
    }

    /// The column in characters, counted from 1.
    pub fn column(self) -> usize {
        self.own().column as usize
    }

    /// The last line of it, counted from 1.
    pub fn last_line(self) -> usize {
        let written = self.stream.text.get(self.span()).unwrap_or_default();
        let breaks = written.trim_end().matches(['\n', '\r']).count();
        self.line() + breaks - written.trim_end().matches("\r\n").count()
    }

    /// The bytes of it, without its tag and anchor; of a block scalar from its `|` on.
    pub fn span(self) -> Range<usize> {
        self.own().start()..self.own().end()
    }

    /// Where it stands, with the file.
    pub fn location(self) -> Location {
        self.stream.location(self.id)
    }
}

impl Raw<'_> {
    /// Whether every reader takes it for text.
    pub(super) fn is_text(&self) -> bool {
        let is_untagged = self.tag().is_none_or(|tag| tag == scalar::TEXT_TAG);
        match self.kind {
            Kind::Scalar(Style::Absent) => false,
            Kind::Scalar(Style::Plain) if self.tag().is_none() => {
                scalar::reads_as_text(&self.value)
            }
            Kind::Scalar(_) => is_untagged,
            _ => false,
        }
    }

    fn is_merge_key(&self) -> bool {
        self.kind == Kind::Scalar(Style::Plain) && self.value == "<<"
    }
}
