//! Lists and mappings without what was put into them.

use super::Error;
use super::patch::Edits;
use super::record::{Kind, Record};
use crate::yaml::{Node, Path, Scalar};

/// Records that a collection is there which is empty, or null: it stays, or is that again, when all
/// is taken out again.
pub(super) fn note_empty(parent: Node<'_>, key: &str, record: &mut Record) {
    let is_empty = |node: Node<'_>| {
        node.is_flow() && node.items().next().is_none() && node.entries().next().is_none()
    };
    match parent.get(key) {
        Some(node) if node.is_null() => record.keep(Kind::Mark, key, node.as_written()),
        Some(node) if is_empty(node) => record.mark(key),
        _ => {}
    }
}

/// Takes the items of these names out of a list, and the list where nothing else is in it.
pub(super) fn items<'n>(
    (parent, file, path): (Node<'_>, usize, &Path),
    key: &str,
    names: impl IntoIterator<Item = &'n str>,
    record: &Record,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let Some(list) = parent.get(key) else {
        return Ok(());
    };
    let path = path.clone().key(key);
    let there = |name: &&str| list.item_where("name", name).is_some();
    let names: Vec<&str> = names.into_iter().filter(there).collect();
    let is_all = !names.is_empty() && names.len() == list.items().count();
    let was = record.was(Kind::Mark, key);
    if is_all && was != Some(None) && is_new(parent, list) {
        edits.restore(file, &path, was.flatten())?;
        return Ok(());
    }
    for name in names {
        edits.remove(file, &path.clone().item_where("name", name))?;
    }
    Ok(())
}

/// Takes these entries out of a mapping, and the mapping where nothing else is in it, unless it was
/// null before.
pub(super) fn entries<'n>(
    file: usize,
    parent: Node<'_>,
    path: &Path,
    (key, was): (&str, Option<&Scalar>),
    names: impl IntoIterator<Item = &'n str>,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let Some(mapping) = parent.get(key) else {
        return Ok(());
    };
    let path = path.clone().key(key);
    let there = |name: &&str| mapping.get(name).is_some();
    let names: Vec<&str> = names.into_iter().filter(there).collect();
    if !names.is_empty() && names.len() == mapping.entries().count() && is_new(parent, mapping) {
        edits.restore(file, &path, was)?;
        return Ok(());
    }
    for name in names {
        edits.remove(file, &path.clone().key(name))?;
    }
    Ok(())
}

/// Whether a collection is taken for one that was not there: `[]` or `{}` in a block was.
fn is_new(parent: Node<'_>, collection: Node<'_>) -> bool {
    parent.is_flow() || !collection.is_flow()
}
