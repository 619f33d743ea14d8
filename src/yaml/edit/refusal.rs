//! Changes that are not made, and why.

use super::super::live::{Live, Shape};
use super::super::{Invalid, Node, Path, Stream};
use super::Error;

/// Refuses to take out nodes that aliases elsewhere stand for.
pub(super) fn refuse_gone(
    stream: &Stream<'_>,
    mut gone: impl Iterator<Item = Option<(u32, u32)>>,
    path: &Path,
) -> Result<(), Error> {
    let shared =
        gone.find_map(|nodes| nodes.filter(|nodes| stream.used_elsewhere(*nodes).is_some()));
    match shared {
        Some((id, _)) => {
            let message = format!("`{path}` cannot be replaced: an anchor in it is used elsewhere");
            Err(refuse_alias(stream, id, message))
        }
        None => Ok(()),
    }
}

/// Refuses a change to a node that stands elsewhere too, by an alias.
pub(super) fn refuse_shared(stream: &Stream<'_>, live: &Live, path: &Path) -> Result<(), Error> {
    let Some(id) = live.origin else { return Ok(()) };
    let Some(alias) = stream.used_again(id) else {
        return Ok(());
    };
    let anchor = stream.raw(id).anchor().unwrap_or_default();
    let message = format!(
        "`{path}` leads through the anchor `&{anchor}`, which is used again in line {}: a change would be made there too",
        alias.line()
    );
    Err(refuse_alias(stream, id, message))
}

pub(super) fn refuse(stream: &Stream<'_>, id: u32, message: String) -> Error {
    Error::Refused(Box::new(stream.invalid(Node::new(stream, id), message)))
}

pub(super) fn refuse_alias(stream: &Stream<'_>, id: u32, message: String) -> Error {
    let invalid = stream.invalid(Node::new(stream, id), message);
    Error::Refused(Box::new(
        invalid.with_hint("write the value out in place of the alias"),
    ))
}

pub(super) fn no_document(stream: &Stream<'_>, path: &Path) -> Error {
    let message = format!("there is no document {} for `{path}`", path.document() + 1);
    Error::Refused(Box::new(Invalid::new(
        &stream.file,
        stream.text,
        (1, 1),
        message,
    )))
}

/// What a node is now, for messages.
pub(super) fn noun(stream: &Stream<'_>, live: &Live) -> &'static str {
    match &live.shape {
        Shape::Mapping(_) => "a mapping",
        Shape::Sequence(_) => "a list",
        Shape::Scalar(_) => "a single value",
        Shape::Kept => live.source(stream).map_or("nothing", Node::noun),
    }
}
