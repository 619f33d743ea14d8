//! Changes to a stream, and the text with exactly these.

mod assign;
mod refusal;

use super::layout::upto;
use super::live::{Entry, Live, LiveDocument, Shape, View};
use super::{Invalid, Path, Scalar, Step, Stream, Value, oracle, splice};
use crate::fault::Fault;
use assign::{assign, open, position};
use refusal::{no_document, noun, refuse, refuse_shared};

/// Takes changes to a stream.
///
/// A change that would write what is there already is none, so that doing the same again yields
/// the same bytes. A change is refused where it could not be made without changing something else.
#[derive(Debug)]
pub struct Editor<'s> {
    stream: &'s Stream<'s>,
    documents: Vec<LiveDocument>,
    /// How many documents of the text were taken out.
    removed: usize,
}

/// A change that is not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be made without changing something else, or the place is not what it should be.
    #[error(transparent)]
    Refused(Box<Invalid>),
    /// What was written did not read back as what was meant: a bug of this program.
    #[error("{file}: the changed text would not be right: {what}; nothing was written", file = file.display())]
    Unproven {
        /// The file, as it was named.
        file: std::path::PathBuf,
        /// What differs.
        what: String,
    },
}

impl Error {
    /// The side that it is on.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Refused(_) => Fault::Input,
            Self::Unproven { .. } => Fault::Local,
        }
    }

    /// The next step.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(invalid) => invalid.hint(),
            Self::Unproven { .. } => {
                Some("this is a bug: please report it with the file".to_owned())
            }
        }
    }
}

impl<'s> Editor<'s> {
    /// An editor with no changes yet.
    pub fn new(stream: &'s Stream<'s>) -> Self {
        let documents = stream
            .documents
            .iter()
            .enumerate()
            .map(|(index, document)| LiveDocument {
                origin: Some(index),
                root: Live::kept(document.root),
            });
        Self {
            stream,
            documents: documents.collect(),
            removed: 0,
        }
    }

    /// Whether there is a node at a path now.
    pub fn has(&self, path: &Path) -> bool {
        self.view(path).is_some()
    }

    /// How many entries or items there are at a path now; none when no collection is there.
    pub fn len(&self, path: &Path) -> Option<usize> {
        self.view(path)?.len()
    }

    /// The text that the key of each item of a sequence has now; none for an item without.
    pub fn texts(&self, path: &Path, key: &str) -> Vec<Option<String>> {
        let count = self.len(path).unwrap_or_default();
        let at = |index| self.view(&path.clone().item(index).key(key));
        let texts = (0..count).map(|index| at(index)?.scalar(self.stream).map(str::to_owned));
        texts.collect()
    }

    /// Whether this value is at a path now; the order of keys does not count.
    pub fn equals(&self, path: &Path, value: &Value) -> bool {
        self.view(path)
            .is_some_and(|view| view.equals(value, self.stream))
    }

    /// Makes a node be this value; mappings, and items named by a key, on the way are created.
    ///
    /// Of a mapping and of a sequence only what differs is written anew: comments and the order of
    /// keys survive. Null may become anything, and anything null; text does not become a mapping or
    /// the like.
    pub fn set(&mut self, path: &Path, value: impl Into<Value>) -> Result<(), Error> {
        let value = value.into();
        if self.equals(path, &value) {
            return Ok(());
        }
        let stream = self.stream;
        let Some(live) = self.walk(path, path.steps(), true)? else {
            return Ok(());
        };
        assign(stream, live, value, path)
    }

    /// Adds an item to the end of a sequence, which is created where there is none.
    pub fn append(&mut self, path: &Path, item: impl Into<Value>) -> Result<(), Error> {
        let item = Live::new(item.into());
        self.sequence(path)?.push(item);
        Ok(())
    }

    /// Adds an item to the end of a sequence unless an equal one is in it.
    pub fn ensure(&mut self, path: &Path, item: impl Into<Value>) -> Result<(), Error> {
        let item = item.into();
        let count = self.len(path).unwrap_or_default();
        let mut items = (0..count).map(|index| path.clone().item(index));
        if items.any(|path| self.equals(&path, &item)) {
            return Ok(());
        }
        self.append(path, item)
    }

    /// Inserts an item before the one that has this index now; behind the last one when there are
    /// not so many.
    pub fn insert(
        &mut self,
        path: &Path,
        index: usize,
        item: impl Into<Value>,
    ) -> Result<(), Error> {
        let item = Live::new(item.into());
        let items = self.sequence(path)?;
        items.insert(index.min(items.len()), item);
        Ok(())
    }

    /// Takes out a key or an item; nothing when it is not there. Whether it was is the answer.
    ///
    /// The last one leaves `{}` or `[]` behind.
    pub fn remove(&mut self, path: &Path) -> Result<bool, Error> {
        let Some((last, steps)) = path.steps().split_last() else {
            return Ok(false);
        };
        if !self.has(path) {
            return Ok(false);
        }
        let stream = self.stream;
        let Some(parent) = self.walk(path, steps, false)? else {
            return Ok(false);
        };
        open(stream, parent, path)?;
        let Some((index, origin)) = position(stream, parent, last) else {
            return Ok(false);
        };
        if let Some(((id, _), alias)) =
            origin.and_then(|nodes| Some((nodes, stream.used_elsewhere(nodes)?)))
        {
            let message = format!(
                "`{path}` cannot be removed: an anchor in it is used by the alias in line {}",
                alias.line()
            );
            return Err(refuse(stream, id, message));
        }
        if let (Shape::Mapping(_), Some((key, _))) = (&parent.shape, origin) {
            let before = upto(stream.text, stream.raw(key).outer()).trim_end();
            let line = before.rsplit(['\n', '\r']).next().unwrap_or_default();
            if line.trim_start_matches([' ', '-']) == "?" {
                let message = format!("`{path}` has its key behind a `?`, and cannot be removed");
                return Err(refuse(stream, key, message));
            }
        }
        match &mut parent.shape {
            Shape::Mapping(entries) => drop(entries.remove(index)),
            Shape::Sequence(items) => drop(items.remove(index)),
            Shape::Kept | Shape::Scalar(_) => {}
        }
        Ok(true)
    }

    /// Inserts a document before the one that has this index in the text as it was read, or at the
    /// end when there is none; behind those that were inserted there before.
    pub fn insert_document(&mut self, before: usize, root: impl Into<Value>) -> Result<(), Error> {
        splice::check_document(self.stream, before)?;
        let at = self.position(before);
        let document = LiveDocument {
            origin: None,
            root: Live::new(root.into()),
        };
        self.documents
            .insert(at.unwrap_or(self.documents.len()), document);
        Ok(())
    }

    /// Takes out the document that has this index in the text as it was read.
    pub fn remove_document(&mut self, index: usize) -> Result<(), Error> {
        splice::check_document(self.stream, index)?;
        splice::check_document(self.stream, index + 1)?;
        if let Some(at) = self.position(index) {
            self.documents.remove(at);
            self.removed += 1;
        }
        Ok(())
    }

    /// The text with the changes.
    ///
    /// It is read again, and is an error unless it is the old stream with exactly these changes,
    /// and has every comment that did not stand in what was removed.
    pub fn finish(self) -> Result<String, Error> {
        let attempt = |literals: bool| {
            let splices = splice::splices(self.stream, &self.documents, literals);
            if splices.is_empty() {
                return Ok(self.stream.text.to_owned());
            }
            oracle::apply(self.stream, &self.documents, &splices)
        };
        // What stands around a literal can become a line of it; in quotes it cannot.
        let made = attempt(true).or_else(|what| attempt(false).map_err(|_| what));
        made.map_err(|what| Error::Unproven {
            file: self.stream.file.clone(),
            what,
        })
    }

    /// Where the document with this index in the text is now. It is not searched from the start: a
    /// text may have thousands, and each change looks for its own.
    fn position(&self, index: usize) -> Option<usize> {
        let first = index.saturating_sub(self.removed);
        let mut documents = self.documents.iter().skip(first);
        let found = documents.position(|document| document.origin == Some(index))?;
        Some(first + found)
    }

    fn view(&self, path: &Path) -> Option<View<'_>> {
        let document = self.documents.get(self.position(path.document())?)?;
        View::of(&document.root, self.stream).find(path, self.stream)
    }

    /// The items of a sequence, which is created where there is none.
    fn sequence(&mut self, path: &Path) -> Result<&mut Vec<Live>, Error> {
        let stream = self.stream;
        let live = self.walk(path, path.steps(), true)?;
        let missing = || no_document(stream, path);
        let live = live.ok_or_else(missing)?;
        if live.is_null(stream) {
            refuse_shared(stream, live, path)?;
            live.shape = Shape::Sequence(Vec::new());
        }
        open(stream, live, path)?;
        let noun = noun(stream, live);
        let origin = live.origin;
        match &mut live.shape {
            Shape::Sequence(items) => Ok(items),
            _ => Err(refuse(
                stream,
                origin.unwrap_or_default(),
                format!("`{path}` is {noun}, not a list"),
            )),
        }
    }

    /// The node that steps lead to, made ready for a change.
    fn walk(
        &mut self,
        path: &Path,
        steps: &[Step],
        create: bool,
    ) -> Result<Option<&mut Live>, Error> {
        let stream = self.stream;
        let at = self.position(path.document());
        let document = at.and_then(|at| self.documents.get_mut(at));
        let Some(document) = document else {
            return if create {
                Err(no_document(stream, path))
            } else {
                Ok(None)
            };
        };
        let mut live = &mut document.root;
        for step in steps {
            if live.is_null(stream) && create {
                refuse_shared(stream, live, path)?;
                live.shape = match step {
                    Step::Key(_) => Shape::Mapping(Vec::new()),
                    Step::Item(_) | Step::Where(..) => Shape::Sequence(Vec::new()),
                };
            }
            open(stream, live, path)?;
            let found = position(stream, live, step).map(|(index, _)| index);
            let noun = noun(stream, live);
            let origin = live.origin.unwrap_or_default();
            let next = match (&mut live.shape, step) {
                (Shape::Mapping(entries), Step::Key(key)) => {
                    if found.is_none() && create {
                        entries.push(Entry::new(key.clone(), Value::Scalar(Scalar::Null)));
                    }
                    let index = found.unwrap_or(entries.len().saturating_sub(1));
                    let entry = (found.is_some() || create)
                        .then(|| entries.get_mut(index))
                        .flatten();
                    entry.map(|entry| &mut entry.value)
                }
                (Shape::Sequence(items), Step::Item(index)) => {
                    let count = items.len();
                    if *index >= count && create {
                        let message = format!("`{path}` names item {index}, but there are {count}");
                        return Err(refuse(stream, origin, message));
                    }
                    items.get_mut(*index)
                }
                (Shape::Sequence(items), Step::Where(key, text)) => {
                    if found.is_none() && create {
                        items.push(Live::new(Value::mapping([(key, text.as_str().into())])));
                    }
                    let index = found.unwrap_or(items.len().saturating_sub(1));
                    (found.is_some() || create)
                        .then(|| items.get_mut(index))
                        .flatten()
                }
                (_, step) => {
                    let wanted = match step {
                        Step::Key(_) => "a mapping",
                        Step::Item(_) | Step::Where(..) => "a list",
                    };
                    let message =
                        format!("`{path}` leads through {noun} where {wanted} is expected");
                    return Err(refuse(stream, origin, message));
                }
            };
            match next {
                Some(next) => live = next,
                None => return Ok(None),
            }
        }
        Ok(Some(live))
    }
}
