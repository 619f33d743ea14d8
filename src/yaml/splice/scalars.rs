//! One scalar in the place of another, and collections in the place of nothing.

use super::super::layout::{
    break_before, comment_below, empty_lines, eol, from, is_line_start, line_end, next_line,
    trim_before, upto,
};
use super::super::scalar::{self, Literal, Quotes};
use super::super::write::Written;
use super::super::{Kind, Raw, Scalar, Style};
use super::collection::{Member, units};
use super::{Place, Writer, is_json};

impl Writer<'_> {
    /// Writes a scalar where another one, or an alias, stands.
    pub(super) fn scalar(&mut self, id: u32, scalar: &Scalar, place: Place) {
        let raw = self.stream.raw(id);
        if scalar.matches(self.stream.raw(self.stream.resolve(id))) {
            return;
        }
        if matches!(raw.kind, Kind::Mapping { .. } | Kind::Sequence { .. }) {
            return self.nothing(id, scalar, place);
        }
        let old_body = raw.is_block_scalar().then(|| self.body(raw));
        let below = old_body.as_ref().map_or_else(
            || next_line(self.text, raw.end()),
            |body| next_line(self.text, body.end),
        );
        let literal = match (scalar, place.parent) {
            (Scalar::Text(text), Some(parent)) if self.habit.literals && !place.in_flow => {
                let indent = old_body.as_ref().and_then(|body| self.indent(body.clone()));
                // A comment that is indented as the literal is would become a line of it.
                let comment = comment_below(self.text, below).map_or(0, |(depth, _)| depth + 1);
                let usual = (parent + 2).max(comment);
                let indent = indent.filter(|indent| *indent > parent).unwrap_or(usual);
                let follow = empty_lines(self.text, below);
                let new = |indent| Literal::new(text, parent, indent, follow);
                new(indent).or_else(|| new(usual))
            }
            _ => None,
        };
        let head = match &literal {
            Some(literal) => literal.header.clone(),
            None => scalar::inline(scalar, self.quotes(raw, place)),
        };
        let head = if head.is_empty() {
            head
        } else {
            format!("{}{head}", self.gap(raw, place))
        };
        let head_end = if old_body.is_some() {
            raw.start() + self.header(raw).len()
        } else {
            raw.end()
        };
        let start = if head.is_empty() {
            self.blanks_before(raw, place)
        } else {
            raw.start()
        };
        self.splice(start..head_end, head, false);
        let body = old_body.unwrap_or_else(|| {
            let end = line_end(self.text, raw.end());
            end..end
        });
        let mut lines = String::new();
        if let Some(literal) = literal {
            let eol = eol(self.text, raw.start());
            for line in &literal.lines {
                lines.push_str(eol);
                lines.push_str(line);
            }
            if literal.needs_break && body.end == self.text.len() {
                lines.push_str(eol);
            }
        }
        if !body.is_empty() || !lines.is_empty() {
            self.splice(body, lines, false);
        }
    }

    /// Writes null where a collection stands.
    fn nothing(&mut self, id: u32, null: &Scalar, place: Place) {
        let raw = self.stream.raw(id);
        let null = scalar::inline(null, Quotes::Needed);
        let is_flow = matches!(
            raw.kind,
            Kind::Mapping { flow: true } | Kind::Sequence { flow: true }
        );
        if !is_flow {
            let units = units(self.stream, id);
            return self.empty_block(id, &units, &null, place);
        }
        let start = if null.is_empty() {
            self.blanks_before(raw, place)
        } else {
            raw.start()
        };
        self.splice(start..raw.end(), null, true);
    }

    /// Where the blanks begin before a value that is to be nothing: inside brackets a `:` needs one,
    /// which may stand behind the value.
    fn blanks_before(&self, raw: &Raw<'_>, place: Place) -> usize {
        let has_blank = from(self.text, raw.end()).starts_with(' ');
        if place.lacks_colon || (place.in_flow && !has_blank) {
            return raw.start();
        }
        let blanks = upto(self.text, raw.start()).trim_end_matches(' ').len();
        blanks.max(place.slot)
    }

    /// What must stand before a value where nothing was written.
    fn gap(&self, raw: &Raw<'_>, place: Place) -> String {
        match (raw.is_absent(), place.lacks_colon, place.parent) {
            (false, ..) => String::new(),
            (true, false, _) => " ".to_owned(),
            // Behind an explicit key (`? key`) the `:` has a line of its own.
            (true, true, Some(parent)) if !place.in_flow => {
                format!("{}{}: ", eol(self.text, raw.start()), " ".repeat(parent))
            }
            (true, true, _) => ": ".to_owned(),
        }
    }

    /// The body of a block scalar with the line break before it, but not the one behind it.
    fn body(&self, raw: &Raw<'_>) -> std::ops::Range<usize> {
        let header_end = line_end(self.text, raw.start());
        let end = raw.end() - break_before(self.text, raw.end()).len();
        header_end..end.max(header_end)
    }

    /// The indentation of a body: the least that a line of it has.
    fn indent(&self, body: std::ops::Range<usize>) -> Option<usize> {
        let lines = self.text.get(body).unwrap_or_default().split(['\n', '\r']);
        let content = lines.filter(|line| !line.trim().is_empty());
        content
            .map(|line| line.len() - line.trim_start_matches(' ').len())
            .min()
    }

    /// How a scalar is to be quoted in the place of another.
    fn quotes(&self, old: &Raw<'_>, place: Place) -> Quotes {
        match old.kind {
            Kind::Scalar(Style::Double) => Quotes::Double,
            Kind::Scalar(Style::Single) => Quotes::Single,
            _ if place.in_flow && is_json(self.stream, self.root) => Quotes::Double,
            _ if place.in_flow => Quotes::NeededInFlow,
            _ => Quotes::Needed,
        }
    }

    /// Writes a collection where null, or an empty one in brackets, stands.
    pub(super) fn grow(&mut self, id: u32, members: &[Member<'_>], is_mapping: bool, place: Place) {
        let text = self.text;
        let raw = self.stream.raw(id);
        // A block scalar, which may have become null on the way, ends with a line break of its own.
        let end = if raw.is_block_scalar() {
            self.body(raw).end
        } else {
            raw.end()
        };
        let quotes = self.bracket_quotes();
        let inside = members
            .iter()
            .map(|member| member.inline(quotes))
            .collect::<Vec<_>>()
            .join(", ");
        let is_simple = members.iter().all(Member::is_simple);
        let is_bracket = raw.is_empty_collection(id);
        if is_bracket && members.is_empty() {
            return;
        }
        let is_one_line = line_end(text, raw.start()) >= end;
        if is_bracket
            && (place.in_flow
                || is_simple && is_mapping
                || quotes == Quotes::Double
                || !is_one_line)
        {
            return self.put(raw.start() + 1, inside);
        }
        if place.in_flow || members.is_empty() || place.lacks_colon {
            let (open, close) = if is_mapping { ('{', '}') } else { ('[', ']') };
            let gap = self.gap(raw, place);
            return self.splice(
                raw.start()..end,
                format!("{gap}{open}{inside}{close}"),
                false,
            );
        }
        let indent = match place.parent {
            Some(parent) if is_mapping => parent + self.habit.mapping,
            Some(parent) if upto(text, place.slot).ends_with('-') => parent + "- ".len(),
            Some(parent) => parent + self.habit.sequence,
            None => 0,
        };
        let mut lines = Written::default();
        for member in members {
            lines.push(member.lines(self.habit, indent), indent);
        }
        let behind = trim_before(text, raw.start()).max(place.slot);
        let is_alone = is_line_start(text, raw.start()) && line_end(text, end) == end;
        if place.parent.is_none() && is_alone && !raw.is_absent() {
            let eol = eol(text, raw.start());
            return self.splice(raw.start()..end, lines.lines.join(eol), false);
        }
        if !raw.is_absent() {
            self.splice(behind..end, String::new(), false);
        }
        self.put_below(end, &lines, indent);
    }

    /// How text is to be quoted inside new brackets.
    fn bracket_quotes(&self) -> Quotes {
        if is_json(self.stream, self.root) {
            Quotes::Double
        } else {
            Quotes::NeededInFlow
        }
    }
}

impl Member<'_> {
    /// Whether it is a scalar that fits on a line.
    fn is_simple(&self) -> bool {
        use super::super::live::Shape;
        match &self.live.shape {
            Shape::Scalar(Scalar::Text(text)) => !text.contains('\n'),
            Shape::Scalar(_) => true,
            _ => false,
        }
    }
}
