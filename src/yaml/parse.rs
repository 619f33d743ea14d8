//! From text to nodes, with all that is refused on the way.

mod block_scalar;
mod builder;
mod tabs;

use std::path::Path;

use granit_parser::{ErrorKind, Parser, ScanError};

use super::layout::{break_before, from, is_line_start, line_end, line_start};
use super::{Invalid, Stream};
use builder::{Builder, byte};

/// What to do about a template.
pub const RENDER: &str =
    "render the templates first, e.g. with `helm template`, and use the result";

/// Reads a text.
pub(super) fn parse<'s>(file: &Path, text: &'s str) -> Result<Stream<'s>, Invalid> {
    let invalid = |at: usize, message: &str| Invalid::new(file, text, position(text, at), message);
    if u32::try_from(text.len()).is_err() {
        return Err(invalid(0, "the file is larger than 4 GiB"));
    }
    if let Some(at) = inner_mark(text) {
        let invalid = invalid(at, "a byte order mark inside the file");
        return Err(invalid.with_hint("files were joined that begin with one each: remove it"));
    }
    if let Some(at) = old_break(text) {
        let invalid = invalid(
            at,
            "a character that ends a line in YAML 1.1 and not in YAML 1.2",
        );
        return Err(invalid.with_hint(
            "Kubernetes reads YAML 1.1: take it out, or write \\N, \\L or \\P in double quotes",
        ));
    }
    let options = granit_parser::options! {
        emit_comments: false,
        emit_anchor_events: true,
        block_scalar_eof_without_line_feed: true,
    };
    let mut builder = Builder::new(file, text);
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| builder.scan_error(&error))?;
        builder.take(event, span)?;
    }
    tabs::refuse(&builder.stream)?;
    Ok(builder.stream)
}

/// The line and the column of a byte, counted from 1; a byte order mark at the start does not
/// count.
pub(super) fn position(text: &str, at: usize) -> (usize, usize) {
    let head = text.get(..at).unwrap_or(text);
    let start = line_start(head, head.len());
    let breaks = head.matches(['\n', '\r']).count() - head.matches("\r\n").count();
    let line = from(head, start).trim_start_matches('\u{feff}');
    (breaks + 1, line.chars().count() + 1)
}

/// A byte order mark that begins a line which is not the first one.
fn inner_mark(text: &str) -> Option<usize> {
    let mut marks = text.match_indices('\u{feff}').map(|(at, _)| at);
    marks.find(|at| *at > 0 && is_line_start(text, *at))
}

/// A line break of YAML 1.1 alone: U+0085, U+2028 or U+2029. In JSON these are letters for all.
fn old_break(text: &str) -> Option<usize> {
    let is_json = text.trim_start().starts_with('{');
    if text.is_ascii() || is_json {
        return None;
    }
    text.find(['\u{85}', '\u{2028}', '\u{2029}'])
}

impl Builder<'_> {
    /// A text that is not YAML; the part of the parser's message that says where it was is left
    /// out.
    fn scan_error(&self, error: &ScanError) -> Invalid {
        let info = error.info();
        let message = match error.kind() {
            ErrorKind::RecursionLimitExceeded => "nested more than 255 levels deep",
            ErrorKind::UnknownAnchor => "there is no anchor of that name above",
            _ => match info.split_once(", ") {
                Some((context, message)) if context.starts_with("while ") => message,
                _ => &info,
            },
        };
        let invalid = self.invalid(error.marker(), message);
        let at = byte(error.marker());
        if is_near_template(self.stream.text, at) {
            return invalid.with_hint(RENDER);
        }
        invalid
    }
}

/// Whether the line of a byte, or the one above, has a `{{`.
fn is_near_template(text: &str, at: usize) -> bool {
    let start = line_start(text, at);
    let above = line_start(text, start.saturating_sub(break_before(text, start).len()));
    let lines = text.get(above..line_end(text, at));
    lines.is_some_and(|lines| lines.contains("{{"))
}
