//! The nodes of a stream, put together from what the parser tells of them.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use granit_parser::{Event, Marker, ScalarStyle, Span, StructureStyle};

use super::super::layout::{from, line_start, next_line, skip_trivia};
use super::super::{Document, Invalid, Kind, Properties, Raw, Stream, Style};
use super::{RENDER, block_scalar, position};

/// A collection that has not ended.
struct Open {
    id: u32,
    /// How many children it has so far; keys and values count each.
    children: usize,
    /// How many nodes the aliases before it stand for.
    aliased: usize,
}

/// How many nodes all aliases together may stand for, so that nested ones do not exhaust a reader.
const MOST_ALIASED: usize = 1_000_000;

pub(super) struct Builder<'s> {
    pub(super) stream: Stream<'s>,
    open: Vec<Open>,
    /// Where the last thing ended.
    last_end: usize,
    /// The nodes that the parser's anchors are on.
    anchors: HashMap<usize, u32>,
    /// How many nodes the aliases so far stand for.
    aliased: usize,
    /// How many of these are inside a collection.
    expanded: HashMap<u32, usize>,
    /// Where the last document ended, which is where directives of the next one may stand.
    document_end: usize,
}

impl<'s> Builder<'s> {
    pub(super) fn new(file: &Path, text: &'s str) -> Self {
        Self {
            stream: Stream {
                file: file.to_owned(),
                text,
                nodes: Vec::new(),
                documents: Vec::new(),
            },
            open: Vec::new(),
            last_end: 0,
            anchors: HashMap::new(),
            aliased: 0,
            expanded: HashMap::new(),
            document_end: 0,
        }
    }

    pub(super) fn invalid(&self, marker: &Marker, message: impl Into<String>) -> Invalid {
        let at = (marker.line(), marker.col() + 1);
        Invalid::new(&self.stream.file, self.stream.text, at, message)
    }

    pub(super) fn take(&mut self, event: Event<'s>, span: Span) -> Result<(), Invalid> {
        match event {
            Event::DocumentStart(is_explicit, _) => self.start_document(is_explicit, &span),
            Event::DocumentEnd => {
                self.document_end = byte(&span.end).max(self.last_end);
                self.anchors.clear();
            }
            Event::Scalar(value, style, anchor, tag) => {
                let has_properties = anchor != 0 || tag.is_some();
                let id = self.scalar(value, style, &span, has_properties);
                self.set_tag(id, tag.as_deref().map(ToString::to_string), &span);
                self.remember(anchor, id);
            }
            Event::Alias(anchor) => {
                let target = self.alias(anchor, &span)?;
                let id = self.push(Kind::Alias(target), byte(&span.start), &span);
                let name = self.stream.text.get(byte(&span.start) + 1..byte(&span.end));
                self.finish(id, byte(&span.end));
                self.change(id, |raw| {
                    raw.value = Cow::Borrowed(name.unwrap_or_default());
                });
            }
            Event::Anchor(_, name) => {
                let id = self.newest();
                let (start, end) = (byte(&span.start), byte(&span.end));
                let is_plain =
                    |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
                if !name.chars().all(is_plain) {
                    let message = "an anchor with more than letters, digits, `-` and `_`";
                    let invalid = self.invalid(&span.start, message);
                    return Err(invalid.with_hint(
                        "Kubernetes reads YAML 1.1, where its name would end earlier: rename it",
                    ));
                }
                self.change(id, |raw| {
                    raw.properties(start, end).anchor = Some(name.into_owned());
                });
            }
            Event::SequenceStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                let id = self.start(Kind::Sequence { flow }, anchor, &span);
                self.set_tag(id, tag.as_deref().map(ToString::to_string), &span);
            }
            Event::MappingStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                if flow && from(self.stream.text, byte(&span.start)).starts_with("{{") {
                    let invalid =
                        self.invalid(&span.start, "a template (`{{`) that was not rendered");
                    return Err(invalid.with_hint(RENDER));
                }
                let id = self.start(Kind::Mapping { flow }, anchor, &span);
                self.set_tag(id, tag.as_deref().map(ToString::to_string), &span);
            }
            Event::SequenceEnd => {
                self.end(&span);
            }
            Event::MappingEnd => {
                let id = self.end(&span);
                self.refuse_duplicates(id)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The node that an alias stands for; refused where a reader would never come to an end.
    fn alias(&mut self, anchor: usize, span: &Span) -> Result<u32, Invalid> {
        let target = self.anchors.get(&anchor).copied().unwrap_or_default();
        if self.open.iter().any(|open| open.id == target) {
            return Err(self.invalid(&span.start, "the alias stands inside its own anchor"));
        }
        let own = (self.stream.raw(target).next - target) as usize;
        let inside = self.expanded.get(&target).copied().unwrap_or_default();
        self.aliased = self.aliased.saturating_add(own).saturating_add(inside);
        if self.aliased > MOST_ALIASED {
            let message = format!("aliases stand for more than {MOST_ALIASED} nodes");
            return Err(self.invalid(&span.start, message));
        }
        Ok(target)
    }

    fn start_document(&mut self, is_explicit: bool, span: &Span) {
        let text = self.stream.text;
        let marker = is_explicit.then(|| {
            // The span may begin at a directive.
            let mut at = byte(&span.start);
            while at < text.len() && !from(text, at).starts_with("---") {
                at = next_line(text, at);
            }
            at
        });
        let before = text.get(self.document_end..marker.unwrap_or(self.document_end));
        let has_directives = before
            .unwrap_or_default()
            .lines()
            .any(|line| line.starts_with('%'));
        if let Some(marker) = marker {
            self.last_end = marker + "---".len();
        }
        let root = self.newest_next();
        self.stream.documents.push(Document {
            root,
            marker: marker.map(narrow),
            has_directives,
        });
    }

    fn remember(&mut self, anchor: usize, id: u32) {
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
    }

    fn scalar(
        &mut self,
        value: Cow<'s, str>,
        style: ScalarStyle,
        span: &Span,
        has_properties: bool,
    ) -> u32 {
        let text = self.stream.text;
        let (start, end) = (byte(&span.start), byte(&span.end));
        let written = text.get(start..end).unwrap_or_default();
        let style = match style {
            ScalarStyle::Plain if written.is_empty() => Style::Absent,
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        match style {
            Style::Absent => {
                let end = if has_properties { end } else { self.slot() };
                let id = self.push(Kind::Scalar(style), end, span);
                self.finish(id, end);
                id
            }
            Style::Literal | Style::Folded => {
                let header = block_scalar::header(text, self.last_end);
                let end = block_scalar::end(text, header, end, span.indent, &value);
                let id = self.push(Kind::Scalar(style), header, span);
                let (line, column) = self.place_from(span, header);
                self.change(id, |raw| {
                    raw.value = value;
                    raw.line = narrow(line);
                    raw.column = narrow(column);
                });
                self.finish(id, end);
                id
            }
            _ => {
                let id = self.push(Kind::Scalar(style), start, span);
                self.change(id, |raw| raw.value = value);
                self.finish(id, end);
                id
            }
        }
    }

    /// The line and column of a byte above a place that is known.
    fn place_from(&self, span: &Span, at: usize) -> (usize, usize) {
        let text = self.stream.text;
        let known = byte(&span.start);
        let between = text.get(at..known).unwrap_or_default();
        let breaks = between.matches(['\n', '\r']).count() - between.matches("\r\n").count();
        let (_, column) = position(
            text.get(line_start(text, at)..).unwrap_or_default(),
            at - line_start(text, at),
        );
        (span.start.line() - breaks, column)
    }

    fn push(&mut self, kind: Kind, start: usize, span: &Span) -> u32 {
        if let Some(open) = self.open.last_mut() {
            open.children += 1;
        }
        let id = self.newest_next();
        self.stream.nodes.push(Raw {
            kind,
            value: Cow::Borrowed(""),
            start: narrow(start),
            end: narrow(start),
            line: narrow(span.start.line()),
            column: narrow(span.start.col() + 1),
            next: id + 1,
            properties: None,
        });
        id
    }

    fn is_in_mapping(&self) -> bool {
        let open = self.open.last().map(|open| self.stream.raw(open.id).kind);
        matches!(open, Some(Kind::Mapping { .. }))
    }

    /// Where a node begins whose `:`, `?` or `-` is the next thing, or that has none: behind that.
    fn slot(&self) -> usize {
        let indicator = skip_trivia(self.stream.text, self.last_end);
        let is_value = self.open.last().is_some_and(|open| open.children % 2 == 1);
        let wanted = match (self.is_in_mapping(), is_value) {
            (true, true) => ':',
            (true, false) => '?',
            (false, _) => '-',
        };
        if !self.open.is_empty() && from(self.stream.text, indicator).starts_with(wanted) {
            indicator + 1
        } else {
            self.last_end
        }
    }

    fn start(&mut self, kind: Kind, anchor: usize, span: &Span) -> u32 {
        let mut start = byte(&span.start);
        let mut column = span.start.col() + 1;
        if kind == (Kind::Sequence { flow: false }) && self.is_in_mapping() {
            // Of a sequence that is not indented the parser tells where the first dash ends.
            let dash = behind_properties(self.stream.text, self.slot());
            let between = self.stream.text.get(dash..start).unwrap_or_default();
            column -= between.chars().count();
            start = dash;
        }
        let id = self.push(kind, start, span);
        self.change(id, |raw| raw.column = narrow(column));
        self.remember(anchor, id);
        self.open.push(Open {
            id,
            children: 0,
            aliased: self.aliased,
        });
        self.last_end = match kind {
            Kind::Mapping { flow: true } | Kind::Sequence { flow: true } => start + 1,
            _ => start,
        };
        id
    }

    fn end(&mut self, span: &Span) -> u32 {
        let open = self.open.pop();
        let id = open.as_ref().map(|open| open.id).unwrap_or_default();
        let before = open.map(|open| open.aliased).unwrap_or_default();
        if self.aliased > before {
            self.expanded.insert(id, self.aliased - before);
        }
        let end = match self.stream.raw(id).kind {
            // A pair in a list (`[key: value]`) has no bracket of its own.
            Kind::Mapping { flow: true } | Kind::Sequence { flow: true } if !span.is_empty() => {
                byte(&span.end)
            }
            _ => self.last_end,
        };
        let next = self.newest_next();
        self.finish(id, end);
        self.change(id, |raw| raw.next = next);
        id
    }

    fn finish(&mut self, id: u32, end: usize) {
        self.change(id, |raw| raw.end = narrow(end));
        self.last_end = end;
    }

    fn set_tag(&mut self, id: u32, tag: Option<String>, span: &Span) {
        let Some(tag) = tag else { return };
        let start = span
            .tag_start()
            .map_or_else(|| byte(&span.start), |marker| byte(&marker));
        let end = span.tag_span().map_or(start, |span| byte(&span.end));
        self.change(id, |raw| raw.properties(start, end).tag = Some(tag));
    }

    fn change(&mut self, id: u32, change: impl FnOnce(&mut Raw<'s>)) {
        if let Some(raw) = self.stream.nodes.get_mut(id as usize) {
            change(raw);
        }
    }

    fn newest_next(&self) -> u32 {
        narrow(self.stream.nodes.len())
    }

    fn newest(&self) -> u32 {
        self.newest_next().saturating_sub(1)
    }

    /// Two keys of the same text are refused even when one is quoted: in JSON they are one.
    fn refuse_duplicates(&self, mapping: u32) -> Result<(), Invalid> {
        let stream = &self.stream;
        let key = |id: u32| stream.raw(stream.resolve(id)).scalar();
        let keys = || stream.pairs(mapping).map(|(id, _)| id);
        let mut seen = HashSet::new();
        let mut repeated = keys().filter(|id| key(*id).is_some_and(|key| !seen.insert(key)));
        let Some(id) = repeated.next() else {
            return Ok(());
        };
        let first = keys().find(|first| key(*first) == key(id)).unwrap_or(id);
        let (raw, first) = (stream.raw(id), stream.raw(first));
        let message = format!(
            "duplicate key `{}`: it stands in line {} too",
            raw.value, first.line
        );
        let at = (raw.line as usize, raw.column as usize);
        let invalid = Invalid::new(&stream.file, stream.text, at, message);
        Err(invalid.with_hint("remove one of the two: most readers take the last, some the first"))
    }
}

impl Raw<'_> {
    /// Its properties, made to span these bytes.
    fn properties(&mut self, start: usize, end: usize) -> &mut Properties {
        let (start, end) = (narrow(start), narrow(end));
        let new = || {
            Box::new(Properties {
                start,
                end,
                tag: None,
                anchor: None,
            })
        };
        let properties = self.properties.get_or_insert_with(new);
        properties.start = properties.start.min(start);
        properties.end = properties.end.max(end);
        properties
    }
}

/// Where the next thing stands that is neither blank, comment, tag nor anchor.
fn behind_properties(text: &str, at: usize) -> usize {
    let mut at = skip_trivia(text, at);
    while from(text, at).starts_with(['&', '!']) {
        let rest = from(text, at);
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        at = skip_trivia(text, at + end);
    }
    at
}

pub(super) fn byte(marker: &Marker) -> usize {
    marker.byte_offset().unwrap_or_default()
}

/// A text has at most `u32::MAX` bytes, which was checked, and so it has no more of anything.
fn narrow(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}
