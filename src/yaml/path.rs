//! The way from a document to a node inside it.

use std::fmt;

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the value of this key.
    Key(String),
    /// To the item with this index, counted from 0.
    Item(usize),
    /// To the first item whose key has this text.
    Where(String, String),
}

/// A document, by its index, and the steps from its root to a node.
///
/// ```text
/// Path::of(2).keys(&["spec", "template"]).key("metadata")
/// containers.clone().item_where("name", "delegate").key("env")
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    document: usize,
    steps: Vec<Step>,
}

impl Path {
    /// The root of a document, which is counted from 0 in the text as it was read.
    pub const fn of(document: usize) -> Self {
        Self {
            document,
            steps: Vec::new(),
        }
    }

    /// The value of a key.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.steps.push(Step::Key(key.into()));
        self
    }

    /// The value that these keys lead to, one after the other.
    #[must_use]
    pub fn keys(self, keys: &[&str]) -> Self {
        keys.iter().fold(self, |path, key| path.key(*key))
    }

    /// An item, counted from 0.
    #[must_use]
    pub fn item(mut self, index: usize) -> Self {
        self.steps.push(Step::Item(index));
        self
    }

    /// The first item whose key has this text. Where a path is created, so is that item.
    #[must_use]
    pub fn item_where(mut self, key: impl Into<String>, text: impl Into<String>) -> Self {
        self.steps.push(Step::Where(key.into(), text.into()));
        self
    }

    pub(super) const fn document(&self) -> usize {
        self.document
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }
}

/// `spec.containers[name=delegate].env[0]`, the document not named.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            match step {
                Step::Key(key) => {
                    let dot = if index == 0 { "" } else { "." };
                    write!(f, "{dot}{key}")?;
                }
                Step::Item(item) => write!(f, "[{item}]")?,
                Step::Where(key, text) => write!(f, "[{key}={text}]")?,
            }
        }
        Ok(())
    }
}
