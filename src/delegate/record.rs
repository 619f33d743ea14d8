//! What was changed and cannot be told by its looks, in an annotation of the delegate, so that it can
//! be taken back.

use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::patch::Edits;
use crate::yaml::{Node, Path};

/// The annotation.
pub const ANNOTATION: &str = "bootstrap-patch/record";

/// What would end a word of the record, or its name.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b'=');

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A variable of the delegate's container.
    Variable,
    /// A key of the startup probe.
    Probe,
    /// A key of the pod that names its account.
    Pod,
    /// An annotation of an account that was there.
    Account,
    /// A binding that named the account before that was made.
    Bound,
    /// A binding that an account which was there has been added to.
    Subject,
    /// Something that is either so or not.
    Mark,
}

/// The words of the kinds.
const KINDS: [(Kind, &str); 7] = [
    (Kind::Variable, "env"),
    (Kind::Probe, "startupProbe"),
    (Kind::Pod, "pod"),
    (Kind::Account, "account"),
    (Kind::Bound, "bound"),
    (Kind::Subject, "subject"),
    (Kind::Mark, "mark"),
];

/// The mapping that the record is in was not there.
pub const MAPPING_IS_NEW: &str = "annotations";
/// The volume at the prefix, though it has our name, was there.
pub const VOLUME_WAS_THERE: &str = "volume-was-there";
/// The init container, though it has our name, was there.
pub const CONTAINER_WAS_THERE: &str = "container-was-there";
/// Our volume and init container are there, and our part of INIT_SCRIPT is not.
pub const WITHOUT_SCRIPT: &str = "without-script";
/// An empty INIT_SCRIPT was not written `""`.
pub const WAS_NOT_QUOTED: &str = "script-not-quoted";
/// There was no startup probe.
pub const PROBE_IS_NEW: &str = "probe";

/// What was changed: of each thing, what was there before the first time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    kind: Kind,
    name: String,
    was: Option<String>,
}

impl Record {
    /// Reads the record among annotations; an empty one where there is none.
    pub fn among(annotations: Option<Node<'_>>) -> Self {
        let text = annotations.and_then(|annotations| annotations.get(ANNOTATION)?.scalar());
        Self::of(text.unwrap_or_default())
    }

    /// Reads what [`Display`](fmt::Display) wrote; other words are passed over.
    pub fn of(text: &str) -> Self {
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let mut record = Self::default();
        for word in text.split(' ') {
            let Some((kind, rest)) = word.split_once(':') else {
                continue;
            };
            let Some((kind, _)) = KINDS.iter().find(|(_, known)| *known == kind) else {
                continue;
            };
            let (name, was) = match rest.split_once('=') {
                Some((name, was)) => (name, Some(decode(was))),
                None => (rest, None),
            };
            record.keep(*kind, &decode(name), was.as_deref());
        }
        record
    }

    /// Whether nothing is in it.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// This is about to be changed, and was so, or was not there.
    pub fn keep(&mut self, kind: Kind, name: &str, was: Option<&str>) {
        if self.was(kind, name).is_none() {
            self.entries.push(Entry {
                kind,
                name: name.to_owned(),
                was: was.map(str::to_owned),
            });
        }
    }

    /// This is so.
    pub fn mark(&mut self, mark: &str) {
        self.keep(Kind::Mark, mark, None);
    }

    /// Whether this is so.
    pub fn has(&self, mark: &str) -> bool {
        self.was(Kind::Mark, mark).is_some()
    }

    /// What was there, if this was changed.
    pub fn was(&self, kind: Kind, name: &str) -> Option<Option<&str>> {
        let mut entries = self.of_kind(kind);
        let (_, was) = entries.find(|(own, _)| *own == name)?;
        Some(was)
    }

    /// Everything of a kind, with what was there.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&str, Option<&str>)> {
        let entries = self.entries.iter().filter(move |entry| entry.kind == kind);
        entries.map(|entry| (entry.name.as_str(), entry.was.as_deref()))
    }

    /// Writes it into annotations, which are at this path, where there is something to write.
    pub(super) fn write(
        &mut self,
        file: usize,
        path: &Path,
        annotations: Option<Node<'_>>,
        edits: &mut Edits<'_>,
    ) -> Result<(), super::Error> {
        if self.is_empty() {
            return Ok(());
        }
        if annotations.is_none() {
            self.mark(MAPPING_IS_NEW);
        }
        edits.set(file, &path.clone().key(ANNOTATION), self.to_string())?;
        Ok(())
    }

    /// Takes it out of annotations.
    pub(super) fn take_out(
        &self,
        file: usize,
        path: &Path,
        annotations: Option<Node<'_>>,
        edits: &mut Edits<'_>,
    ) -> Result<(), super::Error> {
        let is_alone = annotations.is_some_and(|all| all.entries().count() == 1);
        let record = path.clone().key(ANNOTATION);
        let is_all = is_alone && self.has(MAPPING_IS_NEW);
        edits.remove(file, if is_all { path } else { &record })?;
        Ok(())
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encode = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
        let words = self.entries.iter().map(|entry| {
            let kind = KINDS.iter().find(|(kind, _)| *kind == entry.kind);
            let kind = kind.map_or("", |(_, word)| word);
            let was = entry.was.as_deref().map(encode);
            let was = was.map_or_else(String::new, |was| format!("={was}"));
            format!("{kind}:{}{was}", encode(&entry.name))
        });
        f.write_str(&words.collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_and_what_was_there_first_counts() {
        let mut record = Record::default();
        assert_eq!(record.to_string(), "");
        record.keep(Kind::Variable, "AWS_REGION", None);
        record.keep(Kind::Probe, "failureThreshold", Some("15"));
        record.keep(Kind::Probe, "failureThreshold", Some("30"));
        record.keep(Kind::Account, "audience", Some("a b=ü%"));
        record.keep(Kind::Variable, "EMPTY", Some(""));
        record.mark(WITHOUT_SCRIPT);
        assert_eq!(
            record.to_string(),
            "env:AWS_REGION startupProbe:failureThreshold=15 account:audience=a%20b%3D%C3%BC%25 env:EMPTY= mark:without-script"
        );
        let read = Record::of(&format!("{record} other x:y"));
        assert_eq!(read, record);
        assert_eq!(read.was(Kind::Variable, "AWS_REGION"), Some(None));
        assert_eq!(read.was(Kind::Variable, "EMPTY"), Some(Some("")));
        assert_eq!(read.was(Kind::Account, "audience"), Some(Some("a b=ü%")));
        assert_eq!(read.was(Kind::Variable, "OTHER"), None);
        assert!(read.has(WITHOUT_SCRIPT) && !read.has(MAPPING_IS_NEW));
    }
}
