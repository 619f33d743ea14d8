//! What is wrong with a YAML file, and where: the position, the line and a caret.

use std::fmt;
use std::path::Path;

use super::mask::masked_line;
use crate::fault::Fault;
use crate::strict_yaml::Location;

/// A file that is not the YAML that Kubernetes would read, or not what its reader expects of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    at: Location,
    message: String,
    hint: Option<&'static str>,
    excerpt: String,
}

impl Invalid {
    /// This is wrong at a line and a column, both counted from 1, of a text.
    pub fn new(
        file: &Path,
        text: &str,
        (line, column): (usize, usize),
        message: impl Into<String>,
    ) -> Self {
        let at = Location {
            file: file.to_owned(),
            line,
            column,
        };
        Self {
            excerpt: excerpt(text, &at),
            at,
            message: message.into(),
            hint: None,
        }
    }

    /// Adds the next step.
    #[must_use]
    pub fn with_hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// The same, of the line of another text that this one was made from.
    #[must_use]
    pub fn moved(self, text: &str, before: &str) -> Self {
        let old: Vec<&str> = before.lines().collect();
        let new: Vec<&str> = text.lines().collect();
        let index = self.at.line.saturating_sub(1);
        let ops = similar::capture_diff_slices(similar::Algorithm::Myers, &old, &new);
        let line = ops.iter().find_map(|op| {
            let (old, new) = (op.old_range(), op.new_range());
            let is_same = op.tag() == similar::DiffTag::Equal;
            // Of a line that was made, the one in whose place it is.
            let ahead = if is_same {
                index.wrapping_sub(new.start)
            } else {
                0
            };
            new.contains(&index).then_some(old.start + ahead + 1)
        });
        let (line, column) = (line.unwrap_or(self.at.line), self.at.column);
        Self {
            hint: self.hint,
            ..Self::new(&self.at.file, before, (line, column), self.message)
        }
    }

    /// Where.
    pub const fn at(&self) -> &Location {
        &self.at
    }

    /// What, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line with a caret below the column, in two or three lines without a final newline.
    ///
    /// What looks like a secret is masked with as many `*`.
    pub fn excerpt(&self) -> &str {
        &self.excerpt
    }

    /// The side that it is on: a file that somebody wrote.
    pub const fn fault(&self) -> Fault {
        Fault::Input
    }

    /// The next step.
    pub fn hint(&self) -> Option<String> {
        self.hint.map(str::to_owned)
    }
}

/// The place, the problem and the line.
impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n{}", self.at, self.message, self.excerpt)
    }
}

impl std::error::Error for Invalid {}

/// How much of a long line is shown on either side of the column, in characters.
const AROUND: usize = 60;

/// The line of a place and a caret below the column.
pub(super) fn excerpt(text: &str, at: &Location) -> String {
    let line = masked_line(text, at.line.saturating_sub(1));
    let masked: Vec<char> = line.trim_start_matches('\u{feff}').chars().collect();
    let caret = at.column.saturating_sub(1).min(masked.len());
    let from = caret.saturating_sub(AROUND);
    let shown: String = masked
        .iter()
        .skip(from)
        .take(2 * AROUND)
        .map(|letter| match letter {
            '\t' => ' ',
            letter if letter.is_control() => '\u{fffd}',
            letter => *letter,
        })
        .collect();
    let number = at.line.to_string();
    let gutter = " ".repeat(number.len());
    let pad = " ".repeat(caret - from);
    format!("{number} | {}\n{gutter} | {pad}^", shown.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str, line: usize, column: usize) -> String {
        Invalid::new(Path::new("m.yaml"), text, (line, column), "wrong").to_string()
    }

    #[test]
    fn the_line_is_shown_with_a_caret_whatever_ends_lines() {
        for eol in ["\n", "\r\n", "\r"] {
            let text = format!("a: 1{eol}b:\té: c{eol}");
            let shown = show(&text, 2, 5);
            assert_eq!(shown, "m.yaml:2:5: wrong\n2 | b: é: c\n  |     ^");
        }
    }

    #[test]
    fn a_place_behind_the_last_line_has_its_caret_too() {
        assert_eq!(show("", 1, 1), "m.yaml:1:1: wrong\n1 | \n  | ^");
        assert_eq!(show("a\n", 2, 1), "m.yaml:2:1: wrong\n2 | \n  | ^");
    }

    #[test]
    fn of_a_long_line_the_part_around_the_column_is_shown() {
        let text = "ab ".repeat(100_000);
        assert!(show(&text, 1, 150_000).len() < 250);
    }

    #[test]
    fn secrets_are_masked_and_the_caret_stays_where_it_was() {
        assert_eq!(
            show("  token: abc def", 1, 12),
            "m.yaml:1:12: wrong\n1 |   token: *** ***\n  |            ^"
        );
        assert_eq!(
            show("- {é: a, token: abc, x: 1}", 1, 17),
            "m.yaml:1:17: wrong\n1 | - {é: a, token: ***, x: 1}\n  |                 ^"
        );
        let key = "MIIEowIBAAKCAQEAwJxkZ8ZzXq3sWmN1";
        assert!(!show(&format!("    {key}\n"), 1, 2).contains(key));
    }
}
