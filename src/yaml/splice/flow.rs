//! Members that come to a collection in brackets and go from it, with their commas.

use std::ops::Range;

use super::super::layout::{
    eol, from, is_first_on_line, line_break, line_end, line_start, next_line, skip_trivia,
};
use super::super::scalar::Quotes;
use super::super::{Kind, Style};
use super::block::removed;
use super::collection::{Member, Unit};
use super::{Writer, is_json};

impl Writer<'_> {
    /// Writes the members of a collection in brackets that has units in the text.
    pub(super) fn flow(&mut self, id: u32, units: &[Unit], members: &[Member<'_>]) {
        let raw = self.stream.raw(id);
        let quotes = self.flow_quotes(id);
        let runs = removed(units, members);
        if members.iter().all(|member| member.unit.is_none()) {
            let new: Vec<_> = members.iter().map(|member| member.inline(quotes)).collect();
            return self.splice(raw.start() + 1..raw.end() - 1, new.join(", "), true);
        }
        let mut above: Option<usize> = None;
        let mut new = Vec::new();
        for member in members {
            let Some(index) = member.unit else {
                new.push(member.inline(quotes));
                continue;
            };
            let new = std::mem::take(&mut new);
            if let (false, Some(unit)) = (new.is_empty(), units.get(index)) {
                match above.and_then(|above| units.get(above)) {
                    Some(above) => self.put(above.end, format!(", {}", new.join(", "))),
                    None => self.put(unit.start, format!("{}, ", new.join(", "))),
                }
            }
            above = Some(index);
        }
        if let Some(unit) = above
            .and_then(|above| units.get(above))
            .filter(|_| !new.is_empty())
        {
            let is_last = runs.last().is_none_or(|run| run.end < units.len());
            self.put_last(unit, raw.end() - 1, &new, is_last);
        }
        for run in runs {
            self.cut_flow(units, run);
        }
    }

    /// Puts new members behind the last one that stays, on lines of their own where it has one.
    fn put_last(&mut self, unit: &Unit, close: usize, new: &[String], is_last: bool) {
        let text = self.text;
        let comma = skip_trivia(text, unit.end);
        let has_comma = from(text, comma).starts_with(',');
        let has_lines = is_first_on_line(text, unit.start) && line_end(text, unit.end) < close;
        let line = text
            .get(line_start(text, unit.start)..unit.start)
            .unwrap_or_default();
        let start = format!("{}{line}", eol(text, unit.start));
        if !is_last || (!has_comma && !has_lines) {
            self.put(unit.end, format!(", {}", new.join(", ")));
        } else if !has_lines {
            self.put(comma + 1, format!(" {},", new.join(", ")));
        } else if has_comma {
            let lines = new.join(&format!(",{start}"));
            self.put(line_end(text, comma), format!("{start}{lines},"));
        } else {
            self.put(unit.end, ",".to_owned());
            self.put(
                line_end(text, unit.end),
                format!("{start}{}", new.join(&format!(",{start}"))),
            );
        }
    }

    /// Takes out units and as many commas: whole lines where they have lines of their own.
    fn cut_flow(&mut self, units: &[Unit], run: Range<usize>) {
        let text = self.text;
        let (Some(first), Some(last)) = (units.get(run.start), units.get(run.end - 1)) else {
            return;
        };
        let before = run.start.checked_sub(1).and_then(|index| units.get(index));
        let next = units.get(run.end);
        let comma = skip_trivia(text, last.end);
        let has_comma = from(text, comma).starts_with(',');
        let end = if has_comma { comma + 1 } else { last.end };
        let rest = text
            .get(end..line_end(text, end))
            .unwrap_or_default()
            .trim_start();
        if is_first_on_line(text, first.start) && (rest.is_empty() || rest.starts_with('#')) {
            let lines = line_start(text, first.start)..next_line(text, end);
            if let (Some(before), None, false) = (before, next, has_comma) {
                let comma = skip_trivia(text, before.end);
                self.splice(comma..comma + 1, String::new(), false);
            }
            if !line_break(text, line_end(text, end)).is_empty() {
                return self.cut(lines);
            }
        }
        match (before, next) {
            (Some(before), _) => self.cut(before.end..last.end),
            (None, Some(next)) => self.cut(first.start..next.start),
            (None, None) => {}
        }
    }

    /// How text is to be quoted in brackets: as the first scalar in them is.
    fn flow_quotes(&self, id: u32) -> Quotes {
        let first = self
            .stream
            .children(id)
            .next()
            .map(|child| self.stream.raw(child).kind);
        let is_quoted = first == Some(Kind::Scalar(Style::Double));
        let is_mapping = matches!(self.stream.raw(id).kind, Kind::Mapping { .. });
        if is_json(self.stream, self.root) || is_quoted && is_mapping {
            Quotes::Double
        } else {
            Quotes::NeededInFlow
        }
    }
}
