//! What an edit writes.

use super::Scalar;

/// A value that an edit writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text, a boolean, a number or null.
    Scalar(Scalar),
    /// Keys and values, written in this order.
    Mapping(Vec<(String, Self)>),
    /// Items.
    Sequence(Vec<Self>),
}

impl Value {
    /// A mapping.
    pub fn mapping<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        let entries = entries.into_iter();
        Self::Mapping(entries.map(|(key, value)| (key.into(), value)).collect())
    }

    /// A sequence.
    pub fn sequence<V: Into<Self>>(items: impl IntoIterator<Item = V>) -> Self {
        Self::Sequence(items.into_iter().map(Into::into).collect())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Scalar(Scalar::Text(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Scalar(Scalar::Text(text))
    }
}

impl From<Scalar> for Value {
    fn from(scalar: Scalar) -> Self {
        Self::Scalar(scalar)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Scalar(Scalar::Bool(value))
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Scalar(Scalar::Int(value))
    }
}
