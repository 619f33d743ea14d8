//! Members that come to a block collection and go from it, in whole lines where they have lines of
//! their own.

use std::ops::Range;

use super::super::layout::{
    break_before, eol, from, is_first_on_line, is_line_start, line_end, line_start, next_line,
};
use super::super::write::Written;
use super::collection::{Member, Unit};
use super::{Place, Writer};

impl Writer<'_> {
    /// Writes the members of a block collection that has units in the text.
    pub(super) fn block(
        &mut self,
        id: u32,
        units: &[Unit],
        members: &[Member<'_>],
        is_mapping: bool,
        place: Place,
    ) {
        let indent = self.stream.raw(id).column as usize - 1;
        if members.iter().all(|member| member.unit.is_none()) {
            return self.replace_block(id, units, members, is_mapping, place);
        }
        let mut above: Option<&Unit> = None;
        let mut new = Written::default();
        for member in members {
            match member.unit.and_then(|index| units.get(index)) {
                None => new.push(member.lines(self.habit, indent), indent),
                Some(unit) => {
                    self.put_members(above, unit, &std::mem::take(&mut new), indent);
                    above = Some(unit);
                }
            }
        }
        if let Some(above) = above.filter(|_| !new.lines.is_empty()) {
            self.put_below(above.end, &new, indent);
        }
        for run in removed(units, members) {
            self.cut_units(units, run);
        }
    }

    /// Puts new members below a unit, or before the first one that stays.
    fn put_members(&mut self, above: Option<&Unit>, first: &Unit, new: &Written, indent: usize) {
        if new.lines.is_empty() {
            return;
        }
        if let Some(above) = above {
            return self.put_below(above.end, new, indent);
        }
        let eol = eol(self.text, first.start);
        let pad = " ".repeat(indent);
        self.put(first.start, format!("{}{eol}{pad}", new.lines.join(eol)));
    }

    /// Takes units out with the comments behind them; comments above the first one stay.
    fn cut_units(&mut self, units: &[Unit], run: Range<usize>) {
        let text = self.text;
        let (Some(first), Some(last)) = (units.get(run.start), units.get(run.end - 1)) else {
            return;
        };
        let end = self.line_behind(last.end);
        if is_first_on_line(text, first.start) {
            return self.cut_lines(first.start, end);
        }
        // It stands behind a dash, which the next one needs.
        let rest = from(text, end);
        let blank = rest.len() - rest.trim_start_matches([' ', '\n', '\r']).len();
        self.cut(first.start..end + blank);
    }

    /// Where the line ends that a node ends in, behind its line break.
    fn line_behind(&self, end: usize) -> usize {
        if is_line_start(self.text, end) {
            end
        } else {
            next_line(self.text, end)
        }
    }

    /// Writes new members, or none, where all that was there has gone.
    fn replace_block(
        &mut self,
        id: u32,
        units: &[Unit],
        members: &[Member<'_>],
        is_mapping: bool,
        place: Place,
    ) {
        let text = self.text;
        let (Some(first), Some(last)) = (units.first(), units.last()) else {
            return;
        };
        let raw = self.stream.raw(id);
        let indent = raw.column as usize - 1;
        let tail = self.tail(last);
        if !members.is_empty() {
            let mut lines = Written::default();
            for member in members {
                lines.push(member.lines(self.habit, indent), indent);
            }
            let eol = eol(text, first.start);
            let end = if lines.needs_break && tail == text.len() {
                eol
            } else {
                ""
            };
            let new = format!("{}{end}", lines.lines.join(eol));
            return self.splice(first.start..tail, new, true);
        }
        let empty = if is_mapping { "{}" } else { "[]" };
        self.empty_block(id, units, empty, place);
    }

    /// Takes all lines of a block collection out and writes this in their place, or nothing.
    pub(super) fn empty_block(&mut self, id: u32, units: &[Unit], empty: &str, place: Place) {
        let text = self.text;
        let (Some(first), Some(last)) = (units.first(), units.last()) else {
            return;
        };
        let raw = self.stream.raw(id);
        let slot = raw
            .properties
            .as_ref()
            .map_or(place.slot, |properties| properties.end as usize);
        let is_below = slot < line_start(text, first.start);
        if place.parent.is_some() && is_below && is_first_on_line(text, first.start) {
            if !empty.is_empty() {
                self.put(slot, format!(" {empty}"));
            }
            self.cut_lines(first.start, self.line_behind(last.end));
        } else {
            self.splice(first.start..self.tail(last), empty.to_owned(), true);
        }
    }

    /// Where the last line of a unit ends, before its line break.
    fn tail(&self, unit: &Unit) -> usize {
        if is_line_start(self.text, unit.end) {
            unit.end - break_before(self.text, unit.end).len()
        } else {
            line_end(self.text, unit.end)
        }
    }
}

/// Runs of units that no member stands for.
pub(super) fn removed(units: &[Unit], members: &[Member<'_>]) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut next = 0;
    let kept = members.iter().filter_map(|member| member.unit);
    for index in kept.chain([units.len()]) {
        if index > next {
            runs.push(next..index);
        }
        next = index + 1;
    }
    runs
}
