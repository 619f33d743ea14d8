//! Lines, line breaks, and what stands between the nodes of a text.

/// The text from a byte on; empty when there is none.
pub(super) fn from(text: &str, at: usize) -> &str {
    text.get(at..).unwrap_or_default()
}

/// The text up to a byte.
pub(super) fn upto(text: &str, at: usize) -> &str {
    text.get(..at).unwrap_or(text)
}

/// Where the line of a byte begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    upto(text, at)
        .rfind(['\n', '\r'])
        .map_or(0, |found| found + 1)
}

/// Where the line of a byte ends: at its line break, or at the end of the text.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    from(text, at)
        .find(['\n', '\r'])
        .map_or(text.len(), |found| at + found)
}

/// The line break that stands at a byte; empty when there is none.
pub(super) fn line_break(text: &str, at: usize) -> &'static str {
    let rest = from(text, at);
    ["\r\n", "\n", "\r"]
        .into_iter()
        .find(|eol| rest.starts_with(eol))
        .unwrap_or("")
}

/// The line break that stands before a byte; empty when there is none.
pub(super) fn break_before(text: &str, at: usize) -> &'static str {
    let head = upto(text, at);
    ["\r\n", "\n", "\r"]
        .into_iter()
        .find(|eol| head.ends_with(eol))
        .unwrap_or("")
}

/// Where the next line begins.
pub(super) fn next_line(text: &str, at: usize) -> usize {
    let end = line_end(text, at);
    end + line_break(text, end).len()
}

/// Whether a byte is the first of a line.
pub(super) fn is_line_start(text: &str, at: usize) -> bool {
    at == 0 || upto(text, at).ends_with(['\n', '\r'])
}

/// Whether only blanks stand before a byte on its line.
pub(super) fn is_first_on_line(text: &str, at: usize) -> bool {
    let start = line_start(text, at);
    text.get(start..at).is_some_and(|head| {
        head.trim_start_matches('\u{feff}')
            .chars()
            .all(|c| c == ' ')
    })
}

/// The line break that lines near a byte end with.
pub(super) fn eol(text: &str, at: usize) -> &'static str {
    let here = line_break(text, line_end(text, at));
    let before = break_before(text, line_start(text, at));
    let first = line_break(text, line_end(text, 0));
    [here, before, first, "\n"]
        .into_iter()
        .find(|eol| !eol.is_empty())
        .unwrap_or("\n")
}

/// The line break that the line before a byte ends with, where that byte begins one.
pub(super) fn eol_above(text: &str, at: usize) -> &'static str {
    eol(text, at - break_before(text, at).len())
}

/// How many empty lines there are from the start of a line on; none when one of them has blanks,
/// since these could be content.
pub(super) fn empty_lines(text: &str, at: usize) -> Option<usize> {
    let mut at = at;
    for count in 0.. {
        let eol = line_break(text, at);
        if eol.is_empty() {
            let line = text.get(at..line_end(text, at)).unwrap_or_default();
            let is_content = !line.is_empty() && line.trim().is_empty();
            return (!is_content).then_some(count);
        }
        at += eol.len();
    }
    None
}

/// Where the next line that is not blank begins, given the start of a line.
pub(super) fn skip_blank_lines(text: &str, at: usize) -> usize {
    let rest = from(text, at);
    let next = at + rest.len() - rest.trim_start_matches([' ', '\n', '\r']).len();
    if next == text.len() {
        next
    } else {
        line_start(text, next).max(at)
    }
}

/// The comment that has the next line which is not blank to itself, given the start of a line: how
/// many blanks stand before it, and where the line behind it begins.
pub(super) fn comment_below(text: &str, at: usize) -> Option<(usize, usize)> {
    let line = skip_blank_lines(text, at);
    let rest = from(text, line);
    let comment = rest.trim_start_matches(' ');
    comment
        .starts_with('#')
        .then(|| (rest.len() - comment.len(), next_line(text, line)))
}

/// Where the next thing that is neither blank, line break nor comment stands.
pub(super) fn skip_trivia(text: &str, at: usize) -> usize {
    let mut at = at;
    loop {
        let rest = from(text, at);
        at += rest.len()
            - rest
                .trim_start_matches([' ', '\t', '\n', '\r', '\u{feff}'])
                .len();
        if !from(text, at).starts_with('#') {
            return at;
        }
        at = line_end(text, at);
    }
}

/// Where the text before a byte ends when blanks and line breaks do not count.
pub(super) fn trim_before(text: &str, at: usize) -> usize {
    upto(text, at)
        .trim_end_matches([' ', '\t', '\n', '\r'])
        .len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blank_lines_are_skipped() {
        let check = |text: &str, expected: &str| {
            assert_eq!(from(text, skip_trivia(text, 0)), expected);
        };
        check("  # a\n\n#b\r\n\t c: d", "c: d");
        check("# a", "");
        check("x # a", "x # a");
    }

    #[test]
    fn new_lines_end_as_their_neighbours_do() {
        assert_eq!(eol("a\r\nb\nc", 3), "\n");
        assert_eq!(eol("a\r\nb", 3), "\r\n");
        assert_eq!(eol("a\rb\r", 0), "\r");
        assert_eq!(eol("a", 0), "\n");
    }

    #[test]
    fn empty_lines_are_counted_and_blank_ones_are_suspect() {
        assert_eq!(empty_lines("\n\r\n\nx", 0), Some(3));
        assert_eq!(empty_lines("x", 0), Some(0));
        assert_eq!(empty_lines("", 0), Some(0));
        assert_eq!(empty_lines("\n  \n", 0), None);
    }
}
