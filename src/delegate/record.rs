//! What was changed and cannot be told by its looks, in an annotation of the delegate, so that it can
//! be taken back.

use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::patch::Edits;
use super::{Error, Manifests};
use crate::yaml::{Node, Path, Scalar};

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
    /// A binding in which the account has taken the place of this subject.
    Replaced,
    /// A binding, behind an index among its subjects, that this subject was taken out of.
    Dropped,
    /// The namespace that was given, where the manifest leaves it to kubectl.
    Namespace,
    /// Something that is either so or not.
    Mark,
}

/// The words of the kinds.
const KINDS: [(Kind, &str); 10] = [
    (Kind::Variable, "env"),
    (Kind::Probe, "startupProbe"),
    (Kind::Pod, "pod"),
    (Kind::Account, "account"),
    (Kind::Bound, "bound"),
    (Kind::Subject, "subject"),
    (Kind::Replaced, "replaced"),
    (Kind::Dropped, "dropped"),
    (Kind::Namespace, "namespace"),
    (Kind::Mark, "mark"),
];

/// What is about the account, and goes with it.
const OF_ACCOUNT: [Kind; 7] = [
    Kind::Pod,
    Kind::Account,
    Kind::Bound,
    Kind::Subject,
    Kind::Replaced,
    Kind::Dropped,
    Kind::Namespace,
];

/// The mapping that the record is in was not there, or was null.
pub const MAPPING_IS_NEW: &str = "annotations";
/// The volume at the prefix, though it has our name, was there.
pub const VOLUME_WAS_THERE: &str = "volume-was-there";
/// The init container, though it has our name, was there.
pub const CONTAINER_WAS_THERE: &str = "container-was-there";
/// Our volume and init container are there, and our part of INIT_SCRIPT is not.
pub const WITHOUT_SCRIPT: &str = "without-script";
/// An empty INIT_SCRIPT was not written `""`.
pub const WAS_NOT_QUOTED: &str = "script-not-quoted";
/// There was no startup probe, or it was null.
pub const PROBE_IS_NEW: &str = "probe";
/// The annotations of an account that was there were null.
pub const ACCOUNT_WAS_BARE: &str = "account-annotations";
/// A script of the user's has made room.
pub const SCRIPT_MADE_ROOM: &str = "script-replaced";

/// What was changed: of each thing, what was there before the first time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    entries: Vec<Entry>,
}

/// What to do about a record of another build.
const OTHER_BUILD_HINT: &str =
    "take the patch out with the build that made it, or start from the manifest as it was before";

/// Whether an entry looks as one of ours does. Builds of before the first release named a binding by
/// its name alone, and wrote numbers as if they were text.
fn is_of_this_build(kind: Kind, name: &str, was: Option<&Scalar>) -> bool {
    let is_binding = |name: &str| {
        let mut parts = name.split('/');
        let is_kind = matches!(parts.next(), Some("ClusterRoleBinding" | "RoleBinding"));
        is_kind && parts.count() == 2
    };
    match kind {
        Kind::Bound | Kind::Subject | Kind::Replaced => is_binding(name),
        Kind::Dropped => name.split_once('/').is_some_and(|(_, id)| is_binding(id)),
        Kind::Probe => was.and_then(Scalar::text).is_none(),
        Kind::Variable | Kind::Pod | Kind::Account | Kind::Namespace | Kind::Mark => true,
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    kind: Kind,
    name: String,
    was: Option<Scalar>,
}

impl Record {
    /// Reads the record among annotations of a file; an empty one where there is none.
    ///
    /// One that another build wrote is refused: what was there before would come back wrong.
    pub fn among(
        manifests: &Manifests<'_>,
        file: usize,
        annotations: Option<Node<'_>>,
    ) -> Result<Self, Error> {
        let Some(node) = annotations.and_then(|annotations| annotations.get(ANNOTATION)) else {
            return Ok(Self::default());
        };
        Self::of(node.scalar().unwrap_or_default()).map_err(|word| {
            let message = format!(
                "`{word}` in {ANNOTATION} is of another build of bootstrap: what was there before its patch cannot be told"
            );
            manifests.refusal(file, node, message, OTHER_BUILD_HINT)
        })
    }

    /// Whether there is one among annotations, whoever wrote it.
    pub fn is_among(annotations: Option<Node<'_>>) -> bool {
        annotations.is_some_and(|annotations| annotations.get(ANNOTATION).is_some())
    }

    /// Reads what [`Display`](fmt::Display) wrote; else the word that it would not write.
    ///
    /// Behind one `=` is text, behind two what is no text, as it was written.
    pub fn of(text: &str) -> Result<Self, String> {
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let mut record = Self::default();
        for word in text.split_ascii_whitespace() {
            let known = word.split_once(':').and_then(|(kind, rest)| {
                let (kind, _) = KINDS.iter().find(|(_, known)| *known == kind)?;
                Some((*kind, rest))
            });
            let (kind, rest) = known.ok_or(word)?;
            let (name, was) = match rest.split_once('=') {
                Some((name, was)) => (name, Some(was)),
                None => (rest, None),
            };
            let was = was.map(|was| match was.strip_prefix('=').map(decode) {
                Some(plain) => Scalar::plain(&plain).unwrap_or(Scalar::Text(plain)),
                None => Scalar::Text(decode(was)),
            });
            let name = decode(name);
            if !is_of_this_build(kind, &name, was.as_ref()) {
                return Err(word.to_owned());
            }
            record.keep(kind, &name, was);
        }
        Ok(record)
    }

    /// Whether nothing is in it.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// This is about to be changed, and was so, or was not there.
    pub fn keep(&mut self, kind: Kind, name: &str, was: Option<Scalar>) {
        if self.was(kind, name).is_none() {
            self.entries.push(Entry {
                kind,
                name: name.to_owned(),
                was,
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
    pub fn was(&self, kind: Kind, name: &str) -> Option<Option<&Scalar>> {
        let mut entries = self.of_kind(kind);
        let (_, was) = entries.find(|(own, _)| *own == name)?;
        Some(was)
    }

    /// Everything of a kind, with what was there.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&str, Option<&Scalar>)> {
        let entries = self.entries.iter().filter(move |entry| entry.kind == kind);
        entries.map(|entry| (entry.name.as_str(), entry.was.as_ref()))
    }

    /// Whether something is in it about the account.
    pub fn has_account(&self) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|entry| OF_ACCOUNT.contains(&entry.kind))
    }

    /// What is left of it where the account is what it was: nothing where that is all there was.
    #[must_use]
    pub fn without_account(&self) -> Self {
        let is_about =
            |entry: &Entry| OF_ACCOUNT.contains(&entry.kind) || entry.name == ACCOUNT_WAS_BARE;
        let mut entries = self.entries.clone();
        entries.retain(|entry| !is_about(entry));
        if entries.iter().all(|entry| entry.name == MAPPING_IS_NEW) {
            entries.clear();
        }
        Self { entries }
    }

    /// Writes it into annotations, which are at this path, where there is something to write.
    pub(super) fn write(
        &mut self,
        file: usize,
        path: &Path,
        annotations: Option<Node<'_>>,
        edits: &mut Edits<'_>,
    ) -> Result<(), Error> {
        if self.is_empty() {
            return Ok(());
        }
        match annotations {
            None => self.mark(MAPPING_IS_NEW),
            Some(node) if node.is_null() => {
                self.keep(Kind::Mark, MAPPING_IS_NEW, node.as_written());
            }
            Some(_) => {}
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
    ) -> Result<(), Error> {
        let is_alone = annotations.is_some_and(|all| all.entries().count() == 1);
        match self.was(Kind::Mark, MAPPING_IS_NEW) {
            Some(was) if is_alone => edits.restore(file, path, was)?,
            _ => drop(edits.remove(file, &path.clone().key(ANNOTATION))?),
        }
        Ok(())
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encode = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
        let words = self.entries.iter().map(|entry| {
            let kind = KINDS.iter().find(|(kind, _)| *kind == entry.kind);
            let kind = kind.map_or("", |(_, word)| word);
            let was = match &entry.was {
                None => String::new(),
                Some(Scalar::Text(text)) => format!("={}", encode(text)),
                Some(Scalar::Plain(plain)) => format!("=={}", encode(plain)),
                Some(Scalar::Null) => "==null".to_owned(),
                Some(Scalar::Bool(truth)) => format!("=={truth}"),
                Some(Scalar::Int(number)) => format!("=={number}"),
            };
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
        let text = |text: &str| Some(Scalar::Text(text.to_owned()));
        let mut record = Record::default();
        assert_eq!(record.to_string(), "");
        record.keep(Kind::Variable, "AWS_REGION", None);
        record.keep(Kind::Probe, "failureThreshold", Scalar::plain("0x0F"));
        record.keep(Kind::Probe, "failureThreshold", Scalar::plain("30"));
        record.keep(Kind::Account, "audience", text("a b=ü%"));
        record.keep(Kind::Variable, "EMPTY", text(""));
        record.keep(Kind::Variable, "NULL", Scalar::plain(""));
        record.keep(Kind::Variable, "WORD", text("=~"));
        record.mark(WITHOUT_SCRIPT);
        assert_eq!(
            record.to_string(),
            "env:AWS_REGION startupProbe:failureThreshold==0x0F account:audience=a%20b%3D%C3%BC%25 env:EMPTY= env:NULL== env:WORD=%3D~ mark:without-script"
        );
        let read = Record::of(&record.to_string()).unwrap();
        assert_eq!(read, record);
        assert_eq!(read.was(Kind::Variable, "AWS_REGION"), Some(None));
        assert_eq!(read.was(Kind::Variable, "EMPTY"), Some(text("").as_ref()));
        assert_eq!(read.was(Kind::Variable, "OTHER"), None);
        assert!(read.has(WITHOUT_SCRIPT) && !read.has(MAPPING_IS_NEW));
        // What is no word of its own would be more than the value.
        let forged = Record::of("env:A==b:%20c").unwrap();
        assert_eq!(forged.was(Kind::Variable, "A"), Some(text("b: c").as_ref()));
    }

    #[test]
    fn a_record_of_another_build_is_refused() {
        for word in [
            "other",
            "x:y",
            "bound:harness-delegate-cluster-admin",
            "subject:b",
            "dropped:0/b",
            "startupProbe:failureThreshold=15",
        ] {
            let read = Record::of(&format!("env:A {word} mark:probe"));
            assert_eq!(read, Err(word.to_owned()));
        }
        for word in [
            "bound:ClusterRoleBinding//b",
            "dropped:0/RoleBinding/ng/b=mine@ng",
            "startupProbe:failureThreshold==15",
            "startupProbe:failureThreshold",
            "",
        ] {
            assert!(Record::of(word).is_ok(), "{word}");
        }
    }
}
