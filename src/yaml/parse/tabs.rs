//! Tabs where a line is indented: this parser takes some for blanks, kubectl takes none.
//!
//! The rules are those of go-yaml, which kubectl, helm and kustomize read with
//! (`yaml_parser_scan_to_next_token`): a tab may stand wherever no key could begin, inside brackets,
//! and in what continues a scalar.

use super::super::{Invalid, Kind, Stream, Style};
use super::position;

/// Refuses the first tab that kubectl would refuse.
pub(super) fn refuse(stream: &Stream<'_>) -> Result<(), Invalid> {
    let text = stream.text;
    if !text.contains('\t') {
        return Ok(());
    }
    let mut before = Before {
        end: 0,
        ends_line: true,
        continued_from: None,
    };
    let mut blocks: Vec<(usize, usize)> = Vec::new();
    let mut id = 0;
    while let Some(raw) = stream.nodes.get(id) {
        blocks.retain(|(behind, _)| id < *behind);
        let behind = raw.next as usize;
        match raw.kind {
            Kind::Mapping { flow: false } | Kind::Sequence { flow: false } => {
                blocks.push((behind, raw.column as usize));
                id += 1;
                continue;
            }
            Kind::Scalar(Style::Absent) => {}
            kind => {
                before.refuse_until(raw.start(), stream)?;
                before = Before {
                    end: raw.end(),
                    ends_line: raw.is_block_scalar(),
                    continued_from: (kind == Kind::Scalar(Style::Plain))
                        .then(|| blocks.last().map_or(0, |(_, column)| *column)),
                };
            }
        }
        id = behind;
    }
    before.refuse_until(text.len(), stream)
}

/// What stands before a gap between two scalars or pairs of brackets.
struct Before {
    /// Where it ends.
    end: usize,
    /// Whether the next thing stands on a line of its own.
    ends_line: bool,
    /// How far lines are indented that would continue it; none where nothing could.
    continued_from: Option<usize>,
}

impl Before {
    fn refuse_until(&self, start: usize, stream: &Stream<'_>) -> Result<(), Invalid> {
        let text = stream.text;
        let gap = text.get(self.end..start).unwrap_or_default();
        let Some(at) = self.tab(gap) else {
            return Ok(());
        };
        let place = position(text, self.end + at);
        let invalid = Invalid::new(&stream.file, text, place, "a tab where a line is indented");
        Err(invalid.with_hint("indent with spaces: kubectl and helm refuse tabs here"))
    }

    /// The first tab of a gap that is refused.
    fn tab(&self, gap: &str) -> Option<usize> {
        let mut may_begin_key = self.ends_line;
        let mut continued_from = self.continued_from;
        let mut column = 0;
        let mut rest = gap;
        while let Some(char) = rest.chars().next() {
            let mut length = char.len_utf8();
            match char {
                '\n' | '\r' => may_begin_key = true,
                '\t' if may_begin_key && continued_from.is_none_or(|from| column < from) => {
                    return Some(gap.len() - rest.len());
                }
                '\t' | ' ' | '\u{feff}' => {}
                '#' | '%' => {
                    length = rest.find(['\n', '\r']).unwrap_or(rest.len());
                    continued_from = None;
                }
                _ => {
                    length = rest.find([' ', '\t', '\n', '\r']).unwrap_or(rest.len());
                    may_begin_key = rest
                        .get(..length)
                        .is_some_and(|word| ["-", "?"].contains(&word));
                    continued_from = None;
                }
            }
            column = if matches!(char, '\n' | '\r') {
                0
            } else {
                column + 1
            };
            rest = rest.get(length..).unwrap_or_default();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Option<(usize, usize)> {
        let error = Stream::parse(std::path::Path::new("f"), text).err()?;
        let error = error.to_string();
        let place = error.strip_prefix("f:").unwrap();
        let (line, rest) = place.split_once(':').unwrap();
        let (column, _) = rest.split_once(':').unwrap();
        Some((line.parse().unwrap(), column.parse().unwrap()))
    }

    // Both tables were compared with kubectl 1.20 and 1.35.

    #[test]
    fn a_tab_that_indents_is_refused_where_it_stands() {
        for (text, place) in [
            ("\t{a: b}\n", (1, 1)),
            ("\t- a\n", (1, 1)),
            ("\t\"a\": b\n", (1, 1)),
            ("\t# c\na: b\n", (1, 1)),
            ("\t\na: b\n", (1, 1)),
            (" \ta: b\n", (1, 2)),
            ("a: b\n\t\nc: d\n", (2, 1)),
            ("a: b\n\t# c\nc: d\n", (2, 1)),
            ("a: b # c\n \t\nc: d\n", (2, 2)),
            ("a: 'b'\n \t\nc: d\n", (2, 2)),
            ("a:\n \tb: c\n", (2, 2)),
            ("a:\n  b: c\n \t# d\n", (3, 2)),
            ("a:\n \tb\n", (2, 2)),
            ("a:\n-\tb\n", (2, 2)),
            ("a:\n- \tb: c\n", (2, 3)),
            ("a: b\n\t", (2, 1)),
            ("a: |\n  b\n\t\nc: d\n", (3, 1)),
            ("---\n\ta: b\n", (2, 1)),
        ] {
            let found = refused(text);
            // Of some the parser itself says so, with a place of its own.
            let is_refused = found == Some(place) || text.starts_with("---") || text.contains('|');
            assert!(is_refused && found.is_some(), "{text:?}: {found:?}");
        }
    }

    #[test]
    fn a_tab_that_indents_nothing_is_taken() {
        for text in [
            "a:\tb\n",
            "a\t: b\n",
            "\"a\"\t: b\n",
            "a: b\t\n",
            "a: b\t# c\n",
            "a: {\tb: c\t}\n",
            "a: b\n \tc\n",
            "a: b\n \t\nc: d\n",
            "a: b\n \t# c\nd: e\n",
            "a: 'b\n\tc'\n",
            "a: |\n  b\n  \tc\n",
            "a: &x\tb\n",
            "---\ta\n",
            "# \ta\na: b\n",
            "%YAML 1.1\t\n---\na: b\n",
        ] {
            assert_eq!(refused(text), None, "{text:?}");
        }
    }
}
