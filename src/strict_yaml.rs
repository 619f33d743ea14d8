//! Strict reading of the YAML files that people write for this program: unknown keys, duplicate keys and
//! wrong types are errors that say `file:line:col`.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};

/// A place in a file that a person wrote, shown as `file:line:col`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file, as it was named.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// Reads a document of format version `newest` or older, with or without a byte order mark.
pub fn parse<T: DeserializeOwned>(file: &Path, text: &str, newest: u32) -> Result<T, Invalid> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let invalid = |error: &serde_yaml::Error| Invalid::new(file, error);
    let found: FormatVersion = serde_yaml::from_str(text).map_err(|error| invalid(&error))?;
    if !(1..=newest).contains(&found.version) {
        return Err(Invalid {
            at: locate(file, text, &[Step::Key("version")]),
            problem: format!(
                "format version {} is not one that this program reads: it reads up to {newest}",
                found.version
            ),
        });
    }
    serde_yaml::from_str::<Unique>(text).map_err(|error| invalid(&error))?;
    serde_yaml::from_str(text).map_err(|error| invalid(&error))
}

/// What every document has, whatever else its format has.
#[derive(serde::Deserialize)]
#[serde(expecting = "a mapping with `version`")]
struct FormatVersion {
    version: u32,
}

/// One step from a node to a node inside it.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// To the value of this key.
    Key(&'a str),
    /// To the item with this index, counted from 0.
    Item(usize),
}

/// Where the node that `path` leads to begins; the start of the file when there is none.
///
/// The parser tells positions in errors alone, so this reads up to the node and fails there.
pub fn locate(file: &Path, text: &str, path: &[Step<'_>]) -> Location {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let found = Walk { path }.deserialize(serde_yaml::Deserializer::from_str(text));
    let at = found.err().and_then(|error| error.location());
    Location {
        file: file.to_owned(),
        line: at.as_ref().map_or(1, serde_yaml::Location::line),
        column: at.as_ref().map_or(1, serde_yaml::Location::column),
    }
}

/// Reads text through `FromStr`, so that the error stands where the text does.
pub fn text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    deserializer.deserialize_str(Text(PhantomData))
}

/// Like [`text`], for a key that may be absent.
pub fn optional_text<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    text(deserializer).map(Some)
}

struct Text<T>(PhantomData<T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// Fails at the node that `path` leads to.
struct Walk<'a> {
    path: &'a [Step<'a>],
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing here: this is the node")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((Step::Key(wanted), path)) = self.path.split_first() else {
            return Err(A::Error::custom("here"));
        };
        while let Some(key) = map.next_key::<String>()? {
            if key == *wanted {
                map.next_value_seed(Walk { path })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Some((Step::Item(wanted), path)) = self.path.split_first() else {
            return Err(A::Error::custom("here"));
        };
        for _ in 0..*wanted {
            seq.next_element::<IgnoredAny>()?;
        }
        seq.next_element_seed(Walk { path })?;
        Ok(())
    }
}

/// Any document in which no mapping has a key twice.
struct Unique;

impl<'de> serde::Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Unique;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document")
    }

    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_str<E>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Unique, A::Error> {
        while seq.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
        let mut seen = HashSet::new();
        while map.next_key_seed(NewKey(&mut seen))?.is_some() {
            map.next_value::<Unique>()?;
        }
        Ok(Unique)
    }
}

/// A key that is not among those seen; the error is raised while the key is read, so it stands there.
struct NewKey<'a>(&'a mut HashSet<String>);

impl<'de> DeserializeSeed<'de> for NewKey<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NewKey<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<(), E> {
        if self.0.insert(key.to_owned()) {
            Ok(())
        } else {
            Err(E::custom(format_args!("the key `{key}` is there twice")))
        }
    }
}

/// The file is not what it should be.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{at}: {problem}")]
pub struct Invalid {
    /// Where.
    pub at: Location,
    /// What is wrong there.
    pub problem: String,
}

impl Invalid {
    fn new(file: &Path, error: &serde_yaml::Error) -> Self {
        let location = error.location();
        let (line, column) = location.map_or((1, 1), |at| (at.line(), at.column()));
        let problem = without_position(&error.to_string(), line, column);
        let problem = shortened(problem);
        let file = file.to_owned();
        Self {
            at: Location { file, line, column },
            problem,
        }
    }
}

/// The message without the position that the parser appends, for that stands in front of it.
fn without_position(message: &str, line: usize, column: usize) -> String {
    message.replacen(&format!(" at line {line} column {column}"), "", 1)
}

/// The most characters of a problem that are shown, but for the dots between them: what is quoted in it
/// may be as long as the file.
const LONGEST: usize = 1000;

/// The beginning and the end of what is too long: what was found, and what was expected.
fn shortened(problem: String) -> String {
    let count = problem.chars().count();
    if count <= LONGEST {
        return problem;
    }
    let head: String = problem.chars().take(LONGEST / 2).collect();
    let tail: String = problem.chars().skip(count - LONGEST / 2).collect();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests;
