//! The comments of a stream.

use super::layout::{from, is_first_on_line, line_end};
use super::{Kind, Stream};

/// A comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comment<'s> {
    /// What stands behind the `#`, trimmed.
    pub text: &'s str,
    /// The byte of the `#`.
    pub start: usize,
    /// The line, counted from 1.
    pub line: usize,
    /// Whether nothing but blanks stands before it on its line.
    pub is_own_line: bool,
}

/// Finds the comments between the scalars: a `#` at the start of a line or behind a blank
/// (YAML 1.2.2, 6.6).
pub(super) fn find<'s>(stream: &'s Stream<'_>) -> Vec<Comment<'s>> {
    let text = stream.text;
    let mut comments = Vec::new();
    let mut line = 1;
    let mut counted = 0;
    let mut gap = 0;
    let mut search = |start: usize, end: usize| {
        let mut at = start;
        while let Some(found) = text.get(at..end).and_then(|gap| gap.find('#')) {
            let hash = at + found;
            let before = text.get(..hash).unwrap_or_default();
            let is_comment =
                before.is_empty() || before.ends_with([' ', '\t', '\n', '\r', '\u{feff}']);
            at = hash + 1;
            if is_comment {
                let end = line_end(text, hash);
                line += breaks(text.get(counted..hash).unwrap_or_default());
                counted = hash;
                comments.push(Comment {
                    text: from(text, hash + 1)
                        .get(..end - hash - 1)
                        .unwrap_or_default()
                        .trim(),
                    start: hash,
                    line,
                    is_own_line: is_first_on_line(text, hash),
                });
                at = end;
            }
        }
    };
    for raw in &stream.nodes {
        if let Kind::Scalar(_) | Kind::Alias(_) = raw.kind {
            if raw.is_block_scalar() {
                // The header may have a comment, the body has none.
                let header = line_end(text, raw.start());
                search(gap, header);
                gap = raw.end().max(header);
            } else {
                search(gap, raw.start());
                gap = gap.max(raw.end());
            }
        }
    }
    search(gap, text.len());
    comments
}

/// How many line breaks there are.
fn breaks(text: &str) -> usize {
    text.matches(['\n', '\r']).count() - text.matches("\r\n").count()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn comments_are_told_from_what_looks_like_them() {
        let text = "# a\r\nb: c#d # e\nf: '#g # h' #i\nj: | # k\n  # l\n  m\n# n\no: [1, # p\n  2]\nq: #\n";
        let stream = Stream::parse(Path::new("m.yaml"), text).unwrap();
        let found: Vec<_> = stream
            .comments()
            .iter()
            .map(|c| (c.line, c.text, c.is_own_line))
            .collect();
        let expected = [
            (1, "a", true),
            (2, "e", false),
            (3, "i", false),
            (4, "k", false),
            (7, "n", true),
            (8, "p", false),
            (10, "", false),
        ];
        assert_eq!(found, expected);
    }
}
