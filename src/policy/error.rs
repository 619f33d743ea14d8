//! Why no document is printed, or none can be checked.

use super::set::Set;
use crate::arn::{AccountId, Partition};
use crate::fault::Fault;
use crate::yaml::Invalid;

/// No document; nothing was printed then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is not a policy document.
    #[error(transparent)]
    Invalid(Box<Invalid>),
    /// A document could not be written as JSON, which is a bug.
    #[error("the document could not be written")]
    Json(#[source] serde_json::Error),
    /// IAM would not take it.
    #[error("the document has {length} characters without blanks, and may have {limit}")]
    TooLong {
        /// What it has.
        length: usize,
        /// What it may have.
        limit: usize,
    },
    /// A set is about buckets that are not named.
    #[error("the set `{0}` takes the names of buckets")]
    NoBucket(Set),
    /// What no set is about was named.
    #[error("{flag} narrows the sets {sets}, and none of them is asked for")]
    Unused {
        /// The flag.
        flag: &'static str,
        /// The sets that it would narrow.
        sets: String,
    },
    /// Nothing can be of two partitions.
    #[error(
        "{one} is of partition `{of_one}` and {other} of `{of_other}`: a document is for one partition"
    )]
    Partitions {
        /// One thing.
        one: String,
        /// Its partition.
        of_one: Partition,
        /// Another.
        other: String,
        /// Its partition.
        of_other: Partition,
    },
    /// A role and the provider that it trusts are in one account.
    #[error(
        "{one} is of account {of_one} and {other} of {of_other}: a role and the OIDC provider that it trusts are in one account"
    )]
    Accounts {
        /// One thing.
        one: String,
        /// Its account.
        of_one: AccountId,
        /// Another.
        other: String,
        /// Its account.
        of_other: AccountId,
    },
}

impl Error {
    /// The side that it is on.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Invalid(invalid) => invalid.fault(),
            Self::Json(_) => Fault::Local,
            Self::TooLong { .. }
            | Self::NoBucket(_)
            | Self::Unused { .. }
            | Self::Partitions { .. }
            | Self::Accounts { .. } => Fault::Usage,
        }
    }

    /// The next step.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Invalid(invalid) => return invalid.hint(),
            Self::Json(_) => return None,
            Self::TooLong { .. } => {
                "divide it among several policies or roles; where IAM takes more of your account, say so \
                 with --limit"
            }
            Self::NoBucket(_) => "name them with --bucket",
            Self::Unused { .. } => "leave it out, or ask for one of the sets",
            Self::Partitions { .. } => "print one document for each partition",
            Self::Accounts { .. } => "leave --account out, or name the account of the role",
        };
        Some(hint.to_owned())
    }
}
