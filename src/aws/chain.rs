//! Where credentials come from: the first source that has some, in the order of botocore and of the
//! Go SDK, so that this program, `aws` and `aws-iam-authenticator` are the same principal.
//!
//! Environment, web identity, profile, container, instance metadata. A source that is set up and
//! does not work ends the search: falling through would make the caller somebody else.

use std::sync::PoisonError;

use jiff::Timestamp;

use super::error::Tried;
use super::identity::{Identity, Source};
use super::web_identity::claims;
use super::{Aws, Error};
use crate::arn::RoleArn;
use crate::deadline::Deadline;
use crate::http::Secret;

/// How the sources are called for people.
const ENVIRONMENT: &str = "environment";
const WEB_IDENTITY: &str = "web identity (IRSA)";
const PROFILE: &str = "profile";

impl Aws {
    /// The credentials of this run; they are found once.
    pub fn identity(&self, deadline: Deadline) -> Result<Identity, Error> {
        let mut found = self.identity.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(identity) = &*found {
            return Ok(identity.clone());
        }
        let identity = self.find(deadline)?;
        *found = Some(identity.clone());
        Ok(identity)
    }

    fn find(&self, deadline: Deadline) -> Result<Identity, Error> {
        let mut tried = Vec::new();
        let mut in_vain = |source, why: String| tried.push(Tried { source, why });
        if let Some(identity) = self.of_variables()? {
            return Ok(identity);
        }
        in_vain(
            ENVIRONMENT,
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set".to_owned(),
        );
        if let Some(web) = self.web_identity()? {
            return self.of_web_identity(&web, deadline);
        }
        in_vain(
            WEB_IDENTITY,
            match self.environment.variable("AWS_ROLE_ARN") {
                Some(_) => "AWS_ROLE_ARN is set, and AWS_WEB_IDENTITY_TOKEN_FILE is not".to_owned(),
                None => "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN are not set".to_owned(),
            },
        );
        match self.of_default_profile(deadline)? {
            Ok(identity) => return Ok(identity),
            Err(why) => in_vain(PROFILE, why),
        }
        match self.container(deadline)? {
            Ok(identity) => return Ok(identity),
            Err(why) => in_vain(super::metadata::CONTAINER, why),
        }
        match self.instance(deadline)? {
            Ok(identity) => return Ok(identity),
            Err(why) => in_vain(super::metadata::INSTANCE, why),
        }
        Err(Error::NoCredentials { tried })
    }

    /// Who the caller is going to be, told without asking anybody: a text that is another one for
    /// other keys, another role or another service account. None where only the metadata service
    /// could tell.
    pub fn principal(&self) -> Result<Option<String>, Error> {
        if let Some(identity) = self.of_variables()? {
            return Ok(Some(format!("key {}", identity.access_key_id)));
        }
        if let Some(web) = self.web_identity()? {
            let claims = web.token().map(|token| claims(&token)).unwrap_or_default();
            let who = [claims.iss, claims.sub].map(Option::unwrap_or_default);
            return Ok(Some(format!("web {} {}", web.role, who.join(" "))));
        }
        self.profile_principal()
    }

    pub(super) fn of_variables(&self) -> Result<Option<Identity>, Error> {
        let variable = |name| self.environment.variable(name);
        let (key, secret) = match (
            variable("AWS_ACCESS_KEY_ID"),
            variable("AWS_SECRET_ACCESS_KEY"),
        ) {
            (None, None) => return Ok(None),
            (Some(key), Some(secret)) => (key, secret),
            (key, _) => {
                let (there, missing) = if key.is_some() {
                    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
                } else {
                    ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID")
                };
                return Err(broken(
                    "the environment",
                    format!("{there} is set, and {missing} is not"),
                ));
            }
        };
        // botocore's variable, which wrappers such as aws-vault set.
        let expires = match variable("AWS_CREDENTIAL_EXPIRATION") {
            None => None,
            Some(text) => Some(time(text).ok_or_else(|| Error::Setting {
                name: "AWS_CREDENTIAL_EXPIRATION".to_owned(),
                reason: format!("`{text}` is no time such as 2026-01-31T12:00:00Z"),
                in_file: false,
            })?),
        };
        Ok(Some(Identity {
            access_key_id: key.to_owned(),
            secret_access_key: Secret::new(secret),
            session_token: variable("AWS_SESSION_TOKEN").map(Secret::new),
            expires,
            source: Source::Environment,
        }))
    }
}

pub(super) fn role_of(text: &str, name: &str, in_file: bool) -> Result<RoleArn, Error> {
    text.parse()
        .map_err(|error: crate::arn::InvalidArn| Error::Setting {
            name: name.to_owned(),
            reason: error.to_string(),
            in_file,
        })
}

/// A time as AWS writes it.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    text.trim().parse().ok()
}

pub(super) fn broken(source_name: &str, reason: String) -> Error {
    Error::BrokenSource {
        source_name: source_name.to_owned(),
        reason,
    }
}
