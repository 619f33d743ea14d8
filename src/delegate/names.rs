//! The names that Kubernetes gives rules for (Kubernetes documentation, "Object Names and IDs").

use std::fmt;
use std::str::FromStr;

/// The name of a namespace: a DNS label (RFC 1123), 1 to 63 letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceName(String);

/// The name of a ServiceAccount: a DNS subdomain (RFC 1123), 1 to 253 letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountName(String);

/// The longest label.
const LABEL: usize = 63;

/// The longest subdomain.
const SUBDOMAIN: usize = 253;

/// Whether a text is a DNS label: small letters, digits and inner hyphens.
pub fn is_label(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LABEL).contains(&text.len())
        && text.bytes().all(is_inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Whether a text is a DNS subdomain: labels with dots between them.
fn is_subdomain(text: &str) -> bool {
    text.len() <= SUBDOMAIN && text.split('.').all(is_label)
}

impl NamespaceName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AccountName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NamespaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for NamespaceName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        is_label(text)
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| InvalidName::Namespace(text.to_owned()))
    }
}

impl FromStr for AccountName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        is_subdomain(text)
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| InvalidName::Account(text.to_owned()))
    }
}

/// The text is no such name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// It is no namespace.
    #[error("`{0}` is not a namespace: it takes 1 to 63 of a-z, 0-9 and inner hyphens")]
    Namespace(String),
    /// It is no account.
    #[error(
        "`{0}` is not the name of a ServiceAccount: it takes up to 253 of a-z, 0-9, inner hyphens and dots"
    )]
    Account(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_kubernetes_accepts() {
        for good in ["a", "harness-delegate-ng", "0a", &"a".repeat(63)] {
            assert!(good.parse::<NamespaceName>().is_ok(), "{good}");
            assert!(good.parse::<AccountName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a b", &"a".repeat(64)] {
            assert!(bad.parse::<NamespaceName>().is_err(), "{bad}");
            assert!(bad.parse::<AccountName>().is_err(), "{bad}");
        }
        assert!("a.b".parse::<AccountName>().is_ok());
        assert!("a.b".parse::<NamespaceName>().is_err());
        assert!("a..b".parse::<AccountName>().is_err());
    }
}
