//! The subjects of identity tokens: service accounts of Kubernetes, and scopes of Harness.

use std::fmt;
use std::str::FromStr;

use super::pattern::is_pattern;
use crate::delegate::names::{AccountName, NamespaceName};

/// A namespace, or a pattern of namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespacePattern(String);

/// A service account, or a pattern of them, in a namespace of its own or in the one that is given beside
/// it: `NAME` or `NAMESPACE:NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountPattern {
    namespace: Option<NamespacePattern>,
    name: String,
}

/// The ID of a Harness account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HarnessAccount(String);

/// The ID of an organization or a project of Harness, or a pattern of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HarnessId(String);

/// Whose tokens are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject(String);

impl Subject {
    /// A service account (Kubernetes documentation, "Authenticating": the user name of its tokens).
    pub fn of_account(namespace: &NamespacePattern, name: &str) -> Self {
        Self(format!("system:serviceaccount:{}:{name}", namespace.0))
    }

    /// A scope of Harness: the account's own, an organization's or a project's.
    pub fn of_harness(
        account: &HarnessAccount,
        organization: Option<&HarnessId>,
        project: Option<&HarnessId>,
    ) -> Self {
        let text = |id: Option<&HarnessId>| id.map_or("", |id| id.0.as_str()).to_owned();
        let (organization, project) = (text(organization), text(project));
        Self(format!(
            "account/{}:org/{organization}:project/{project}",
            account.0
        ))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for more than one.
    pub fn is_pattern(&self) -> bool {
        is_pattern(&self.0)
    }
}

impl AccountPattern {
    /// The namespace, where it says one.
    pub const fn namespace(&self) -> Option<&NamespacePattern> {
        self.namespace.as_ref()
    }

    /// The name, or the pattern.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl NamespacePattern {
    /// The name, or the pattern.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl HarnessAccount {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a text with wildcards can match a name of Kubernetes.
fn could_match(text: &str, longest: usize) -> bool {
    let is_inner =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.*?".contains(&byte);
    is_pattern(text) && text.len() <= longest && text.bytes().all(is_inner)
}

impl FromStr for NamespacePattern {
    type Err = InvalidSubject;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_valid = text.parse::<NamespaceName>().is_ok() || could_match(text, 63);
        is_valid
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| InvalidSubject::Namespace(text.to_owned()))
    }
}

impl FromStr for AccountPattern {
    type Err = InvalidSubject;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (namespace, name) = match text.split_once(':') {
            Some((namespace, name)) => (Some(namespace.parse()?), name),
            None => (None, text),
        };
        if name.parse::<AccountName>().is_err() && !could_match(name, 253) {
            return Err(InvalidSubject::Account(text.to_owned()));
        }
        Ok(Self {
            namespace,
            name: name.to_owned(),
        })
    }
}

impl FromStr for HarnessAccount {
    type Err = InvalidSubject;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        ((1..=64).contains(&text.len()) && text.bytes().all(is_valid))
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| InvalidSubject::HarnessAccount(text.to_owned()))
    }
}

impl FromStr for HarnessId {
    type Err = InvalidSubject;

    /// Harness documentation, "Entity identifier reference".
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_$*?".contains(&byte);
        let is_first = |byte: u8| is_valid(byte) && !byte.is_ascii_digit() && byte != b'$';
        ((1..=128).contains(&text.len())
            && text.bytes().all(is_valid)
            && text.bytes().next().is_some_and(is_first))
        .then(|| Self(text.to_owned()))
        .ok_or_else(|| InvalidSubject::HarnessId(text.to_owned()))
    }
}

/// The text is no part of a subject.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidSubject {
    /// It is no namespace.
    #[error(
        "`{0}` is not a namespace: it takes 1 to 63 of a-z, 0-9 and inner hyphens, or a pattern with `*` and `?`"
    )]
    Namespace(String),
    /// It is no service account.
    #[error(
        "`{0}` is not a service account: it takes NAME or NAMESPACE:NAME, of a-z, 0-9, inner hyphens and dots, \
         or a pattern with `*` and `?`"
    )]
    Account(String),
    /// It is no account of Harness.
    #[error("`{0}` is not the ID of a Harness account: it takes letters, digits, `-` and `_`")]
    HarnessAccount(String),
    /// It is no ID of Harness.
    #[error(
        "`{0}` is not the ID of an organization or a project: it takes letters, digits, `_` and `$`, the first \
         a letter or `_`, or a pattern with `*` and `?`"
    )]
    HarnessId(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_names_and_patterns_with_or_without_a_namespace() {
        for (text, namespace, name) in [
            ("delegate", None, "delegate"),
            ("harness:delegate", Some("harness"), "delegate"),
            ("harness-*:*", Some("harness-*"), "*"),
            ("a.b", None, "a.b"),
        ] {
            let account: AccountPattern = text.parse().unwrap();
            assert_eq!(account.namespace().map(NamespacePattern::as_str), namespace);
            assert_eq!(account.name(), name);
        }
        for text in [
            "",
            "A",
            "a:",
            ":a",
            "a:b:c",
            "a b",
            "system:serviceaccount:a:b",
            "*/*",
        ] {
            assert!(text.parse::<AccountPattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn ids_of_harness_are_what_harness_allows() {
        for text in ["default", "_a$1", "*", "team_*"] {
            assert!(text.parse::<HarnessId>().is_ok(), "{text}");
        }
        for text in ["", "1a", "$a", "a-b", "a:b", "a/b", &"a".repeat(129)] {
            assert!(text.parse::<HarnessId>().is_err(), "{text}");
        }
        for text in ["", "a*", "a/b", "a b"] {
            assert!(text.parse::<HarnessAccount>().is_err(), "{text}");
        }
    }
}
