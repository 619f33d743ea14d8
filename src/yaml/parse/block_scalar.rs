//! Where block scalars begin and end: the parser tells only where their content is.

use super::super::layout::{
    break_before, from, is_line_start, line_end, line_start, next_line, skip_trivia,
};

/// Where the `|` or `>` stands, given where the last thing before it ended.
pub(super) fn header(text: &str, last_end: usize) -> usize {
    let mut at = last_end;
    loop {
        at = skip_trivia(text, at);
        let rest = from(text, at);
        match rest.chars().next() {
            // A tag may have a `>` in it.
            Some('&' | '!') => at += rest.find(char::is_whitespace).unwrap_or(rest.len()),
            Some(letter) if letter != '|' && letter != '>' => at += letter.len_utf8(),
            _ => return at,
        }
    }
}

/// Where a block scalar ends: behind the last line that is content. The parser's end is at the next
/// token, behind the empty lines and the blanks that follow.
pub(super) fn end(
    text: &str,
    header: usize,
    end: usize,
    indent: Option<usize>,
    value: &str,
) -> usize {
    let body = next_line(text, header).min(text.len());
    let head = text.get(header..line_end(text, header)).unwrap_or_default();
    let indicators = head.split([' ', '\t', '#']).next().unwrap_or_default();
    let is_complete = |at: usize| is_line_start(text, at) || at == text.len();
    let mut end = if is_complete(end) {
        end
    } else {
        line_start(text, end)
    };
    if end <= body || (value.is_empty() && !indicators.contains('+')) {
        return body.min(end.max(line_end(text, header)));
    }
    if indicators.contains('+') || (indent.is_none() && !value.is_empty()) {
        return end;
    }
    while end > body {
        let start = line_start(text, end - break_before(text, end).len());
        let line = text
            .get(start..end)
            .unwrap_or_default()
            .trim_end_matches(['\n', '\r']);
        let is_blank = line.trim_start_matches(' ').is_empty();
        if !is_blank || line.len() > indent.unwrap_or_default() {
            break;
        }
        end = start;
    }
    end
}
