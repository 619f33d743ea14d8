//! Trust policies: who may assume a role, and under which conditions.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::document::{Condition, Document, Statement};
use super::issuer::Issuer;
use super::pattern::is_pattern;
use super::principal::Principal;
use super::subject::Subject;
use super::texts::{Texts, Values};
use crate::arn::{AccountId, ExternalId, Partition};

/// The audience of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audience(String);

impl Default for Audience {
    /// The audience of tokens that STS is given, in every partition, China too (eksctl issue 1910).
    fn default() -> Self {
        Self("sts.amazonaws.com".to_owned())
    }
}

impl FromStr for Audience {
    type Err = InvalidAudience;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_valid = !text.is_empty()
            && text.len() <= 255
            && text.bytes().all(|byte| byte.is_ascii_graphic())
            && !is_pattern(text);
        is_valid
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| InvalidAudience(text.to_owned()))
    }
}

/// The text is no audience.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is not an audience: it takes up to 255 visible characters, and no wildcard, as it is compared letter by letter"
)]
pub struct InvalidAudience(String);

/// Trust in the tokens of an issuer, which IAM knows as an OIDC provider.
#[derive(Clone, Copy, Debug)]
pub struct WebIdentity<'a> {
    /// The partition of the role.
    pub partition: Partition,
    /// The account of the role and of the provider.
    pub account: &'a AccountId,
    /// The issuer.
    pub issuer: &'a Issuer,
    /// The audience.
    pub audience: &'a Audience,
    /// Whose tokens; none for all that the issuer gives.
    pub subjects: &'a [Subject],
}

impl WebIdentity<'_> {
    /// The document.
    pub fn document(&self) -> Document {
        let Self {
            partition,
            account,
            issuer,
            ..
        } = self;
        let provider = format!("arn:{partition}:iam::{account}:oidc-provider/{issuer}");
        let mut condition = Condition::new();
        let audience = Values(Texts::from(self.audience.0.as_str()));
        let equals: &mut BTreeMap<_, _> = condition.entry("StringEquals".to_owned()).or_default();
        equals.insert(format!("{issuer}:aud"), audience);
        if !self.subjects.is_empty() {
            let subjects = distinct(self.subjects.iter().map(Subject::to_string));
            // A key under two operators would have to meet both.
            let operator = if self.subjects.iter().any(Subject::is_pattern) {
                "StringLike"
            } else {
                "StringEquals"
            };
            let by: &mut BTreeMap<_, _> = condition.entry(operator.to_owned()).or_default();
            by.insert(format!("{issuer}:sub"), Values(subjects));
        }
        trust(
            "Federated",
            Texts(vec![provider]),
            "sts:AssumeRoleWithWebIdentity",
            condition,
        )
    }
}

/// Trust in accounts, roles and users, of this account or others.
pub fn cross_account(
    principals: &[Principal],
    partition: Partition,
    external_id: Option<&ExternalId>,
) -> Document {
    let mut condition = Condition::new();
    if let Some(id) = external_id {
        let keys = [(
            "sts:ExternalId".to_owned(),
            Values(Texts::from(id.as_str())),
        )];
        condition.insert("StringEquals".to_owned(), keys.into());
    }
    let principals = distinct(principals.iter().map(|one| one.to_arn(partition)));
    trust("AWS", principals, "sts:AssumeRole", condition)
}

fn trust(kind: &str, principals: Texts, action: &str, condition: Condition) -> Document {
    let mut statement = Statement::allowing(Texts::from(action));
    statement.principal = Some([(kind.to_owned(), principals)].into());
    statement.condition = condition;
    Document::new(vec![statement])
}

fn distinct(texts: impl Iterator<Item = String>) -> Texts {
    let mut kept: Vec<String> = Vec::new();
    for text in texts {
        if !kept.contains(&text) {
            kept.push(text);
        }
    }
    Texts(kept)
}
