//! The parts of a collection: where each stands, and which of them stay.

use super::super::layout::{from, skip_trivia};
use super::super::live::{Key, Live, Shape};
use super::super::scalar::Quotes;
use super::super::write::{Habit, Written, inline, inline_entry};
use super::super::{Kind, Stream};
use super::{Place, Writer};

/// An entry or an item as it stands in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    /// Its first byte: the `-`, the `?`, the key with its properties.
    pub(super) start: usize,
    pub(super) end: usize,
    /// The byte behind the `:` or `-`.
    pub(super) slot: usize,
    /// Whether it is a key without a `:`.
    lacks_colon: bool,
    /// The key of an entry, the item itself.
    id: u32,
}

/// An entry or an item as it is to be.
#[derive(Debug)]
pub(super) struct Member<'l> {
    /// The index of the unit that stands for it in the text.
    pub(super) unit: Option<usize>,
    key: Option<&'l str>,
    pub(super) live: &'l Live,
}

impl Member<'_> {
    /// A new member as lines, indented by so many blanks.
    pub(super) fn lines(&self, habit: Habit, indent: usize) -> Written {
        match self.key {
            Some(key) => habit.entry(key, self.live, indent),
            None => habit.item(self.live, indent),
        }
    }

    /// A new member on one line.
    pub(super) fn inline(&self, quotes: Quotes) -> String {
        match self.key {
            Some(key) => inline_entry(key, self.live, quotes),
            None => inline(self.live, quotes),
        }
    }
}

/// The units of a collection.
pub(super) fn units(stream: &Stream<'_>, id: u32) -> Vec<Unit> {
    let text = stream.text;
    let raw = stream.raw(id);
    let is_flow = raw.kind.is_flow();
    let start_behind = |end: usize| {
        let start = skip_trivia(text, end);
        let has_comma = is_flow && from(text, start).starts_with(',');
        if has_comma {
            skip_trivia(text, start + 1)
        } else {
            start
        }
    };
    let mut units = Vec::new();
    let mut push = |start: usize, slot: usize, lacks_colon: bool, id: u32, value: u32| {
        let end = stream.raw(value).end().max(slot);
        units.push(Unit {
            start,
            end,
            slot,
            lacks_colon,
            id,
        });
        end
    };
    let mut behind = if is_flow {
        raw.start() + 1
    } else {
        raw.start()
    };
    if let Kind::Mapping { .. } = raw.kind {
        for (key, value) in stream.pairs(id) {
            let key_end = stream.raw(key).end();
            let colon = skip_trivia(text, key_end);
            let has_colon = from(text, colon).starts_with(':');
            let slot = if has_colon { colon + 1 } else { key_end };
            behind = push(start_behind(behind), slot, !has_colon, key, value);
        }
    } else {
        for item in stream.children(id) {
            let start = start_behind(behind);
            let slot = if is_flow { start } else { start + 1 };
            behind = push(start, slot, false, item, item);
        }
    }
    units
}

impl Live {
    /// Whether it may be something else than it was.
    pub(super) const fn is_changed(&self) -> bool {
        self.origin.is_some() && !matches!(self.shape, Shape::Kept)
    }
}

impl Writer<'_> {
    /// Writes what has changed in a node that stands in the text.
    pub(super) fn visit(&mut self, live: &Live, place: Place) {
        let Some(id) = live.origin else { return };
        let (members, is_mapping): (Vec<Member<'_>>, bool) = match &live.shape {
            Shape::Kept => return,
            Shape::Scalar(scalar) => return self.scalar(id, scalar, place),
            Shape::Mapping(entries) => {
                let entries = entries.iter().map(|entry| Member {
                    unit: None,
                    key: match &entry.key {
                        Key::New(key) => Some(key),
                        Key::Kept(_) => None,
                    },
                    live: &entry.value,
                });
                (entries.collect(), true)
            }
            Shape::Sequence(items) => {
                let items = items.iter().map(|live| Member {
                    unit: None,
                    key: None,
                    live,
                });
                (items.collect(), false)
            }
        };
        let raw = self.stream.raw(id);
        let has_units = matches!(raw.kind, Kind::Mapping { .. } | Kind::Sequence { .. })
            && !raw.is_empty_collection(id);
        if !has_units {
            return self.grow(id, &members, is_mapping, place);
        }
        let units = units(self.stream, id);
        let index_of = |key: u32| units.binary_search_by_key(&key, |unit| unit.id).ok();
        let mut members = members;
        match &live.shape {
            Shape::Mapping(entries) => {
                for (member, entry) in members.iter_mut().zip(entries) {
                    if let Key::Kept(key) = entry.key {
                        member.unit = index_of(key);
                    }
                }
            }
            Shape::Sequence(items) => {
                for (member, item) in members.iter_mut().zip(items) {
                    member.unit = item.origin.and_then(index_of);
                }
            }
            Shape::Kept | Shape::Scalar(_) => {}
        }
        let flow = raw.kind.is_flow();
        let inner = |unit: &Unit| Place {
            parent: if flow {
                place.parent
            } else {
                Some(raw.column as usize - 1)
            },
            in_flow: place.in_flow || flow,
            slot: unit.slot,
            lacks_colon: unit.lacks_colon,
        };
        for member in &members {
            if let Some(unit) = member.unit.and_then(|index| units.get(index)) {
                self.visit(member.live, inner(unit));
            }
        }
        if flow {
            self.flow(id, &units, &members);
        } else {
            self.block(id, &units, &members, is_mapping, place);
        }
    }
}
