//! The name of a pod, and its labels, as they are given.

use std::fmt;
use std::str::FromStr;

/// The name of a pod: a DNS subdomain of 1 to 253 letters (RFC 1123).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodName(String);

impl PodName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PodName {
    type Err = InvalidPod;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_label = |label: &str| {
            let ends = [label.bytes().next(), label.bytes().last()];
            ends.iter().all(|end| end.is_some_and(is_inner))
                && label.bytes().all(|byte| is_inner(byte) || byte == b'-')
        };
        if text.len() <= 253 && text.split('.').all(is_label) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidPod::Name(text.to_owned()))
    }
}

/// A label of a pod: `KEY=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The key, with its prefix.
    pub key: String,
    /// The value, which may be empty.
    pub value: String,
}

impl FromStr for Label {
    type Err = InvalidPod;

    /// Kubernetes, "Labels and Selectors": a name and a value of at most 63 letters, digits and inner
    /// `-_.`, the name with a DNS prefix or without one.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        let is_word = |word: &str| {
            let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            word.len() <= 63
                && is_end(word.bytes().next())
                && is_end(word.bytes().last())
                && word.bytes().all(is_inner)
        };
        let invalid = || InvalidPod::Label(text.to_owned());
        let (key, value) = text.split_once('=').ok_or_else(invalid)?;
        let (prefix, name) = key
            .split_once('/')
            .map_or((None, key), |(prefix, name)| (Some(prefix), name));
        let is_prefix = |prefix: &str| prefix.parse::<PodName>().is_ok();
        let is_value = value.is_empty() || is_word(value);
        if is_word(name) && prefix.is_none_or(is_prefix) && is_value {
            return Ok(Self {
                key: key.to_owned(),
                value: value.to_owned(),
            });
        }
        Err(invalid())
    }
}

/// The text is no name of a pod, or no label.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidPod {
    /// It is no name.
    #[error(
        "`{0}` is not the name of a pod: it takes up to 253 of a-z, 0-9, inner hyphens and dots"
    )]
    Name(String),
    /// It is no label.
    #[error("`{0}` is not a label: it takes KEY=VALUE, as in harness.io/name=delegate")]
    Label(String),
}
