//! A policy document, as it is printed and as it is read (IAM User Guide, "Grammar of the IAM JSON
//! policy language").

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::error::Error;
use super::texts::{Texts, Values};
use crate::yaml::Invalid;

/// Operator, key, values.
pub type Condition = BTreeMap<String, BTreeMap<String, Values>>;

/// A document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Document {
    /// The version of the language; without it IAM takes the older one.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Version>,
    /// Anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The statements.
    #[serde(deserialize_with = "statements")]
    pub statement: Vec<Statement>,
}

/// A version of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Version {
    #[serde(rename = "2012-10-17")]
    Current,
    #[serde(rename = "2008-10-17")]
    Old,
}

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies, whatever others allow.
    Deny,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Statement {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// What it does.
    pub effect: Effect,
    /// Whom a trust policy is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<BTreeMap<String, Texts>>,
    /// The actions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Texts>,
    /// All actions but these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_action: Option<Texts>,
    /// The resources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<Texts>,
    /// All resources but these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_resource: Option<Texts>,
    /// When it counts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: Condition,
}

impl Statement {
    /// A statement that allows this, and nothing more is known of it.
    pub fn allowing(action: Texts) -> Self {
        Self {
            sid: None,
            effect: Effect::Allow,
            principal: None,
            action: Some(action),
            not_action: None,
            resource: None,
            not_resource: None,
            condition: Condition::new(),
        }
    }

    /// What an identity's statement must have, and must not.
    fn check(&self) -> Result<(), String> {
        if self.principal.is_some() {
            return Err(
                "a statement with a Principal is that of a trust policy or of a \
                        resource: what an identity may do has none"
                    .to_owned(),
            );
        }
        let either = |one: &Option<Texts>, other: &Option<Texts>, name: &str| match (one, other) {
            (Some(texts), None) | (None, Some(texts)) if texts.0.is_empty() => {
                Err(format!("`{name}` is an empty list"))
            }
            (Some(_), None) | (None, Some(_)) => Ok(()),
            (None, None) => Err(format!(
                "a statement takes `{name}` or `Not{name}`, and has neither"
            )),
            (Some(_), Some(_)) => Err(format!(
                "a statement takes `{name}` or `Not{name}`, and has both"
            )),
        };
        either(&self.action, &self.not_action, "Action")?;
        either(&self.resource, &self.not_resource, "Resource")?;
        let actions = self.action.iter().chain(&self.not_action);
        for action in actions.flat_map(Texts::iter) {
            if action != "*" && !action.contains(':') {
                return Err(format!(
                    "`{action}` is not an action: it takes SERVICE:ACTION, or `*`"
                ));
            }
        }
        Ok(())
    }
}

impl Document {
    /// A document of the current version.
    pub const fn new(statement: Vec<Statement>) -> Self {
        Self {
            version: Some(Version::Current),
            id: None,
            statement,
        }
    }

    /// Reads the document of an identity: what it may do.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Error> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let fail = |error: serde_json::Error| {
            let at = (error.line().max(1), error.column().max(1));
            // The place stands before the message already.
            let message = error.to_string();
            let place = format!(" at line {} column {}", error.line(), error.column());
            let message = message.strip_suffix(&place).unwrap_or(&message);
            let invalid = Invalid::new(file, text, at, format!("not a policy document: {message}"));
            Error::Invalid(Box::new(invalid.with_hint(
                "it takes a document as AWS keeps it: aws iam get-policy-version … --query \
                 PolicyVersion.Document",
            )))
        };
        // What is no JSON is no document with unknown fields.
        serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(fail)?;
        serde_json::from_str(text).map_err(fail)
    }

    /// The document as JSON, with a final newline.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// The JSON, if it is no longer than IAM takes: blanks do not count (IAM User Guide, "IAM and AWS
    /// STS quotas").
    pub fn within(&self, limit: usize) -> Result<String, Error> {
        let text = self.to_json().map_err(Error::Json)?;
        let length = text.chars().filter(|one| !one.is_whitespace()).count();
        if length > limit {
            return Err(Error::TooLong { length, limit });
        }
        Ok(text)
    }
}

/// One statement, or a list of them, each checked where it stands.
fn statements<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Statement>, D::Error> {
    deserializer.deserialize_any(StatementsVisitor)
}

struct StatementsVisitor;

impl<'de> Visitor<'de> for StatementsVisitor {
    type Value = Vec<Statement>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a statement or a list of statements")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(vec![CheckedVisitor.visit_map(map)?.0])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut statements = Vec::new();
        while let Some(Checked(statement)) = list.next_element()? {
            statements.push(statement);
        }
        Ok(statements)
    }
}

/// A statement that was checked while its reader stood at its end, which is the place of the error.
struct Checked(Statement);

struct CheckedVisitor;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(CheckedVisitor)
    }
}

impl<'de> Visitor<'de> for CheckedVisitor {
    type Value = Checked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a statement")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Checked, A::Error> {
        let statement = Statement::deserialize(MapAccessDeserializer::new(map))?;
        statement.check().map_err(A::Error::custom)?;
        Ok(Checked(statement))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_in_every_form_that_iam_takes() {
        for text in [
            r#"{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}"#,
            r#"{"Version": "2008-10-17", "Id": "x", "Statement": []}"#,
            r#"{"Version": "2012-10-17", "Statement": [{"Sid": "a", "Effect": "Deny",
                "NotAction": ["s3:*", "iam:*"], "NotResource": ["a", "b"],
                "Condition": {"Bool": {"aws:SecureTransport": false}, "NumericLessThan": {"s3:max-keys": [1, "2", 1.5]}}}]}"#,
        ] {
            Document::parse(Path::new("p.json"), text).unwrap();
        }
    }

    #[test]
    fn what_is_no_policy_is_refused_with_its_place() {
        let allow =
            |rest: &str| format!("{{\n\"Statement\": [\n{{ \"Effect\": \"Allow\", {rest} }}\n] }}");
        for (text, at, rule) in [
            (String::new(), "1:1", "EOF"),
            ("no".to_owned(), "1:2", "expected"),
            ("[]".to_owned(), "1:", "expected"),
            ("{}".to_owned(), "1:2", "missing field `Statement`"),
            (
                r#"{"PolicyVersion": {}}"#.to_owned(),
                "1:",
                "unknown field `PolicyVersion`",
            ),
            (
                r#"{"Version": "2012-10-18", "Statement": []}"#.to_owned(),
                "1:",
                "unknown variant `2012-10-18`",
            ),
            (
                allow(r#""Action": "s3:*""#),
                "3:",
                "`Resource` or `NotResource`, and has neither",
            ),
            (
                allow(r#""Resource": "*""#),
                "3:",
                "`Action` or `NotAction`, and has neither",
            ),
            (
                allow(r#""Action": "s3:*", "NotAction": "a:b", "Resource": "*""#),
                "3:",
                "has both",
            ),
            (
                allow(r#""Action": [], "Resource": "*""#),
                "3:",
                "`Action` is an empty list",
            ),
            (
                allow(r#""Action": 5, "Resource": "*""#),
                "3:",
                "a text or a list of texts",
            ),
            (
                allow(r#""Action": "s3", "Resource": "*""#),
                "3:",
                "`s3` is not an action",
            ),
            (
                allow(r#""Action": "s3:*", "Resource": "*", "Action": "a:b""#),
                "3:",
                "duplicate field `Action`",
            ),
            (
                allow(r#""Action": "s3:*", "Principal": {"AWS": "*"}, "Resource": "*""#),
                "3:",
                "trust policy",
            ),
        ] {
            let error = Document::parse(Path::new("p.json"), &text).unwrap_err();
            let shown = error.to_string();
            assert!(shown.starts_with(&format!("p.json:{at}")), "{shown}");
            assert!(shown.contains(rule), "{shown}");
            assert!(error.hint().unwrap().contains("get-policy-version"));
        }
    }

    #[test]
    fn blanks_do_not_count() {
        let document = Document::new(vec![Statement::allowing(Texts::from("a:b"))]);
        let compact = serde_json::to_string(&document).unwrap().len();
        assert!(document.within(compact).is_ok());
        let error = document.within(compact - 1).unwrap_err().to_string();
        assert!(error.contains(&format!("{compact} characters")), "{error}");
    }
}
