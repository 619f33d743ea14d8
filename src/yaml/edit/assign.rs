//! A node becomes a value, with as little written anew as can be.

use super::super::layout::from;
use super::super::live::{Entry, Key, Live, Shape, View};
use super::super::{Kind, Node, Path, Scalar, Step, Stream, Value, scalar};
use super::Error;
use super::refusal::{noun, refuse, refuse_alias, refuse_gone, refuse_shared};

/// The index of what a step leads to, and the nodes that stand there in the text.
pub(super) fn position(
    stream: &Stream<'_>,
    live: &Live,
    step: &Step,
) -> Option<(usize, Option<(u32, u32)>)> {
    match (&live.shape, step) {
        (Shape::Mapping(entries), Step::Key(key)) => {
            let mut entries = entries.iter().enumerate();
            let found = entries.find(|(_, entry)| entry.key.text(stream) == Some(key));
            found.map(|(index, entry)| (index, entry.origin()))
        }
        (Shape::Sequence(items), Step::Item(index)) => {
            items.get(*index).map(|item| (*index, item.only()))
        }
        (Shape::Sequence(items), Step::Where(key, text)) => {
            let mut items = items.iter().enumerate();
            let found = items.find(|(_, item)| View::of(item, stream).has_text(key, text, stream));
            found.map(|(index, item)| (index, item.only()))
        }
        _ => None,
    }
}

/// Spreads out a kept collection, so that something in it can change.
pub(super) fn open(stream: &Stream<'_>, live: &mut Live, path: &Path) -> Result<(), Error> {
    let (Shape::Kept, Some(id)) = (&live.shape, live.origin) else {
        return Ok(());
    };
    refuse_shared(stream, live, path)?;
    match stream.raw(id).kind {
        Kind::Mapping { .. } if is_bare_pair(stream, id) => {
            let message = format!("`{path}` leads through a pair in a list (`[key: value]`)");
            let invalid = stream.invalid(Node::new(stream, id), message);
            let hint = "give the pair braces of its own: `[{key: value}]`";
            return Err(Error::Refused(Box::new(invalid.with_hint(hint))));
        }
        Kind::Mapping { .. } => {
            let entries = stream.pairs(id).map(|(key, value)| Entry {
                key: Key::Kept(key),
                value: Live::kept(value),
            });
            live.shape = Shape::Mapping(entries.collect());
        }
        Kind::Sequence { .. } => {
            live.shape = Shape::Sequence(stream.children(id).map(Live::kept).collect());
        }
        Kind::Alias(_) => {
            let name = &stream.raw(id).value;
            let message = format!(
                "`{path}` leads through the alias `*{name}`: a change would be made elsewhere too"
            );
            return Err(refuse_alias(stream, id, message));
        }
        Kind::Scalar(_) => {}
    }
    Ok(())
}

/// Whether a mapping is a pair in a list (`[key: value]`), which has no braces.
fn is_bare_pair(stream: &Stream<'_>, id: u32) -> bool {
    let raw = stream.raw(id);
    let starts_with_key = stream
        .children(id)
        .next()
        .is_some_and(|first| stream.raw(first).outer() == raw.start());
    let has_brace = from(stream.text, raw.start()).starts_with('{') && !starts_with_key;
    raw.kind == (Kind::Mapping { flow: true }) && !has_brace
}

/// Makes a node be a value that it is not.
pub(super) fn assign(
    stream: &Stream<'_>,
    live: &mut Live,
    value: Value,
    path: &Path,
) -> Result<(), Error> {
    let Some(id) = live.origin else {
        live.shape = Shape::new(value);
        return Ok(());
    };
    let target = stream.raw(stream.resolve(id));
    refuse_shared(stream, live, path)?;
    if live.is_null(stream) {
        live.shape = Shape::new(value);
        return Ok(());
    }
    let is_scalar = matches!(
        (&live.shape, target.kind),
        (Shape::Scalar(_), _) | (Shape::Kept, Kind::Scalar(_))
    );
    if let Value::Scalar(new) = value {
        if !is_scalar && new.is_null() {
            refuse_gone(stream, std::iter::once(live.only()), path)?;
            live.shape = Shape::Scalar(new);
            return Ok(());
        }
        if !is_scalar {
            let message = format!("`{path}` is {}, not a single value", noun(stream, live));
            return Err(refuse(stream, id, message));
        }
        let tag = stream.raw(id).tag();
        if tag.is_some_and(|tag| tag != scalar::TEXT_TAG || !matches!(new, Scalar::Text(_))) {
            return Err(refuse(
                stream,
                id,
                format!("`{path}` has a tag, which may not fit another value"),
            ));
        }
        live.shape = Shape::Scalar(new);
        return Ok(());
    }
    open(stream, live, path)?;
    let noun = noun(stream, live);
    match (&mut live.shape, value) {
        (Shape::Mapping(entries), Value::Mapping(wanted)) => {
            let is_wanted = |entry: &Entry| {
                let key = entry.key.text(stream);
                wanted.iter().any(|(name, _)| Some(name.as_str()) == key)
            };
            let gone = entries.iter().filter(|entry| !is_wanted(entry));
            refuse_gone(stream, gone.map(Entry::origin), path)?;
            entries.retain(is_wanted);
            for (name, value) in wanted {
                match entries
                    .iter_mut()
                    .find(|entry| entry.key.text(stream) == Some(&name))
                {
                    Some(entry) if is_alike(stream, &entry.value, &value) => {
                        replace(stream, &mut entry.value, value, &path.clone().key(name))?;
                    }
                    Some(entry) => {
                        refuse_gone(stream, std::iter::once(entry.origin()), path)?;
                        *entry = Entry::new(name, value);
                    }
                    None => entries.push(Entry::new(name, value)),
                }
            }
            Ok(())
        }
        (Shape::Sequence(items), Value::Sequence(wanted)) => {
            refuse_gone(
                stream,
                items.iter().skip(wanted.len()).map(Live::only),
                path,
            )?;
            items.truncate(wanted.len());
            for (index, value) in wanted.into_iter().enumerate() {
                match items.get_mut(index) {
                    Some(item) if is_alike(stream, item, &value) => {
                        replace(stream, item, value, &path.clone().item(index))?;
                    }
                    Some(item) => {
                        refuse_gone(stream, std::iter::once(item.only()), path)?;
                        *item = Live::new(value);
                    }
                    None => items.push(Live::new(value)),
                }
            }
            Ok(())
        }
        (_, value) => {
            let wanted = if matches!(value, Value::Mapping(_)) {
                "a mapping"
            } else {
                "a list"
            };
            Err(refuse(
                stream,
                id,
                format!("`{path}` is {noun}, not {wanted}"),
            ))
        }
    }
}

/// Whether a node can become a value without being written anew as a whole.
pub(super) fn is_alike(stream: &Stream<'_>, live: &Live, value: &Value) -> bool {
    let kept = live.source(stream);
    match value {
        _ if live.is_null(stream) => true,
        Value::Scalar(_) => match &live.shape {
            Shape::Kept => kept.is_some_and(|node| node.scalar().is_some()),
            shape => matches!(shape, Shape::Scalar(_)),
        },
        Value::Mapping(_) => {
            kept.map_or_else(|| matches!(live.shape, Shape::Mapping(_)), Node::is_mapping)
        }
        Value::Sequence(_) => kept.map_or_else(
            || matches!(live.shape, Shape::Sequence(_)),
            Node::is_sequence,
        ),
    }
}

/// Makes a node inside a value that is set be its part.
pub(super) fn replace(
    stream: &Stream<'_>,
    live: &mut Live,
    value: Value,
    path: &Path,
) -> Result<(), Error> {
    if View::of(live, stream).equals(&value, stream) {
        return Ok(());
    }
    assign(stream, live, value, path)
}
