//! The names that EKS and STS give rules for.

use std::fmt;
use std::str::FromStr;

/// The name of a cluster (Amazon EKS API Reference, CreateCluster).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClusterName(String);

/// What a role's trust policy may ask for besides the caller (`sts:ExternalId`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExternalId(String);

/// The name of the session of an assumed role, which audit logs show.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionName(String);

text_type!(ClusterName);
text_type!(ExternalId);
text_type!(SessionName);

impl FromStr for ClusterName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_first = |byte: u8| byte.is_ascii_alphanumeric();
        let is_later = |byte: u8| is_first(byte) || byte == b'-' || byte == b'_';
        let is_valid = text.bytes().next().is_some_and(is_first)
            && text.len() <= 100
            && text.bytes().all(is_later);
        is_valid
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| InvalidName::Cluster {
                text: text.to_owned(),
            })
    }
}

impl FromStr for ExternalId {
    type Err = InvalidName;

    /// AWS STS API Reference, AssumeRole: `[\w+=,.@:\/-]*`, 2 to 1,224 characters.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&byte);
        ((2..=1224).contains(&text.len()) && text.bytes().all(is_valid))
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidName::ExternalId)
    }
}

impl Default for SessionName {
    /// The name of a session that nobody named.
    fn default() -> Self {
        Self("bootstrap".to_owned())
    }
}

impl FromStr for SessionName {
    type Err = InvalidName;

    /// AWS STS API Reference, AssumeRole: `[\w+=,.@-]*`, 2 to 64 characters.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        ((2..=64).contains(&text.len()) && text.bytes().all(is_valid))
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| InvalidName::SessionName {
                text: text.to_owned(),
            })
    }
}

/// The text is no such name.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidName {
    /// EKS allows no such name.
    #[error(
        "`{text}` is not the name of a cluster: it takes 1 to 100 letters, digits, `-` and `_`, the first a letter \
         or digit"
    )]
    Cluster {
        /// The text.
        text: String,
    },
    /// STS allows no such external ID, which is not shown.
    #[error("this is not an external ID: it takes 2 to 1224 letters, digits and `_+=,.@:/-`")]
    ExternalId,
    /// STS allows no such name.
    #[error(
        "`{text}` is not the name of a session: it takes 2 to 64 letters, digits and `_+=,.@-`"
    )]
    SessionName {
        /// The text.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_id_that_is_refused_is_not_shown() {
        let error = "s3cret value"
            .parse::<ExternalId>()
            .unwrap_err()
            .to_string();
        assert!(!error.contains("s3cret"), "{error}");
    }

    #[test]
    fn what_sts_would_refuse_is_refused_here() {
        for text in ["a", "with space", &"a".repeat(65)] {
            assert!(text.parse::<SessionName>().is_err(), "{text}");
        }
        assert!(
            "harness-delegate-a@b.c=d,e+f_g"
                .parse::<SessionName>()
                .is_ok()
        );
    }
}
