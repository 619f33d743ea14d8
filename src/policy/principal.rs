//! Whom a role trusts: an account, a role or a user.

use std::str::FromStr;

use super::pattern::is_pattern;
use crate::arn::{AccountId, Arn, InvalidArn, Partition, RoleArn};

/// Who may assume a role (IAM User Guide, "AWS JSON policy elements: Principal").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// All that an account lets do so.
    Account(AccountId),
    /// A role, a user, or `root`, which is the account.
    Arn(Arn),
}

impl Principal {
    /// The partition, where it says one.
    pub const fn partition(&self) -> Option<Partition> {
        match self {
            Self::Account(_) => None,
            Self::Arn(arn) => Some(arn.partition),
        }
    }

    /// Its ARN.
    pub fn to_arn(&self, partition: Partition) -> String {
        match self {
            Self::Account(account) => format!("arn:{partition}:iam::{account}:root"),
            Self::Arn(arn) => arn.to_string(),
        }
    }
}

impl FromStr for Principal {
    type Err = InvalidPrincipal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_pattern(text) {
            return Err(InvalidPrincipal::Pattern {
                text: text.to_owned(),
            });
        }
        if !text.starts_with("arn:") {
            let account = text.parse().map_err(|_| InvalidPrincipal::Other {
                text: text.to_owned(),
            })?;
            return Ok(Self::Account(account));
        }
        let arn: Arn = text.parse()?;
        if arn.resource_of("sts", "assumed-role").is_some() {
            return Err(InvalidPrincipal::Session {
                text: text.to_owned(),
            });
        }
        if arn.resource_of("iam", "role").is_some() {
            // Its name follows rules of its own.
            text.parse::<RoleArn>()?;
            return Ok(Self::Arn(arn));
        }
        let is_other = arn.service == "iam"
            && (arn.resource == "root" || arn.resource_of("iam", "user").is_some());
        if is_other && arn.region.is_none() && arn.account.is_some() {
            return Ok(Self::Arn(arn));
        }
        Err(InvalidPrincipal::Other {
            text: text.to_owned(),
        })
    }
}

/// The text names nobody whom a role could trust.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidPrincipal {
    /// It has a wildcard.
    #[error(
        "`{text}` has a wildcard, and a Principal is compared letter by letter: name each role, or the account"
    )]
    Pattern {
        /// The text.
        text: String,
    },
    /// It is one session.
    #[error(
        "`{text}` is one session of a role, and the next one has another name: name the role, \
         arn:PARTITION:iam::ACCOUNT:role/NAME"
    )]
    Session {
        /// The text.
        text: String,
    },
    /// It is something else.
    #[error(
        "`{text}` is nobody whom a role could trust: it takes the 12 digits of an account, or the ARN of a role, \
         a user or an account's root"
    )]
    Other {
        /// The text.
        text: String,
    },
    /// It is no ARN.
    #[error(transparent)]
    Arn(#[from] InvalidArn),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_is_an_account_or_an_arn_of_iam() {
        for (text, arn) in [
            ("111122223333", "arn:aws-cn:iam::111122223333:root"),
            (
                "arn:aws:iam::111122223333:root",
                "arn:aws:iam::111122223333:root",
            ),
            (
                "arn:aws:iam::111122223333:role/ci/deployer",
                "arn:aws:iam::111122223333:role/ci/deployer",
            ),
            (
                "arn:aws:iam::111122223333:user/ann",
                "arn:aws:iam::111122223333:user/ann",
            ),
        ] {
            let principal: Principal = text.parse().unwrap();
            assert_eq!(principal.to_arn(Partition::China), arn);
        }
    }

    #[test]
    fn whom_no_role_could_trust_is_refused_with_the_rule() {
        for (text, rule) in [
            ("*", "has a wildcard"),
            ("arn:aws:iam::111122223333:role/harness-*", "has a wildcard"),
            ("11112222333", "12 digits of an account"),
            ("ann", "12 digits of an account"),
            (
                "arn:aws:sts::111122223333:assumed-role/deployer/x",
                "one session of a role",
            ),
            ("arn:aws:s3:::bucket", "nobody whom"),
            ("arn:aws:iam::111122223333:group/a", "nobody whom"),
            ("arn:aws:iam::1:root", "12 digits"),
        ] {
            let error = text.parse::<Principal>().unwrap_err().to_string();
            assert!(error.contains(rule), "{text}: {error}");
        }
    }
}
