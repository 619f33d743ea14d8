//! IAM roles for service accounts: a role, and the token that proves who may have it.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;

use super::chain::{broken, role_of};
use super::identity::Identity;
use super::{Aws, Error};
use crate::arn::{Region, RoleArn};
use crate::deadline::Deadline;
use crate::files;

impl Aws {
    pub(super) fn web_identity(&self) -> Result<Option<WebIdentity>, Error> {
        let variable = |name| self.environment.variable(name);
        let Some(file) = variable("AWS_WEB_IDENTITY_TOKEN_FILE") else {
            return Ok(None);
        };
        let source = "the web identity";
        let role = variable("AWS_ROLE_ARN").ok_or_else(|| {
            let reason = "AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is not";
            broken(source, reason.to_owned())
        })?;
        Ok(Some(WebIdentity {
            role: role_of(role, "AWS_ROLE_ARN", false)?,
            file: file.into(),
            session: variable("AWS_ROLE_SESSION_NAME").map(str::to_owned),
        }))
    }

    pub(super) fn of_web_identity(
        &self,
        web: &WebIdentity,
        deadline: Deadline,
    ) -> Result<Identity, Error> {
        let token = web.token()?;
        let expired = claims(&token).exp.filter(|end| *end <= Timestamp::now());
        if let Some(expired) = expired {
            return Err(Error::ExpiredTokenFile {
                path: web.file.clone(),
                expired,
            });
        }
        let given = self.session.as_ref().map(ToString::to_string);
        let session = web.session.clone().or(given).unwrap_or_else(session_name);
        let region = self.region_for(&web.role)?;
        self.assume_role_with_web_identity(&web.role, &token, &session, &region, deadline)
    }

    /// The region of the run, or the home region of the role's partition.
    pub(super) fn region_for(&self, role: &RoleArn) -> Result<Region, Error> {
        let named = self.region()?.map(|(region, _)| region);
        Ok(named.unwrap_or_else(|| Region::from(role.partition)))
    }
}

/// A role, and the token that proves who may have it.
pub(super) struct WebIdentity {
    pub(super) role: RoleArn,
    pub(super) file: PathBuf,
    pub(super) session: Option<String>,
}

impl WebIdentity {
    /// The token; the kubelet replaces it now and then, so it is read each time.
    pub(super) fn token(&self) -> Result<String, Error> {
        let path: &Path = &self.file;
        let text = files::read_own(path).map_err(|error| Error::TokenFile {
            path: error.path,
            source: error.source,
        })?;
        let token = text.trim();
        match not_a_token(token) {
            None => Ok(token.to_owned()),
            Some(why) => Err(Error::NotAToken {
                path: path.to_owned(),
                why,
            }),
        }
    }
}

/// Why a text is no JSON Web Token (RFC 7515, 3.1); whatever it is instead is not sent anywhere.
fn not_a_token(text: &str) -> Option<&'static str> {
    let is_part = |part: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte);
        !part.is_empty() && part.bytes().all(is_allowed)
    };
    let mut parts = text.split('.');
    match (text.is_empty(), parts.clone().count()) {
        (true, _) => Some("it is empty"),
        (_, 3) if parts.all(is_part) => None,
        (_, 3) => Some("its parts are not Base64"),
        _ => Some("it has not three parts"),
    }
}

/// What is read of a token without checking its signature, which is for AWS to check.
#[derive(Default)]
pub(super) struct Claims {
    pub(super) iss: Option<String>,
    pub(super) sub: Option<String>,
    exp: Option<Timestamp>,
}

/// The claims of a JSON Web Token (RFC 7519); none of what is no such token.
pub(super) fn claims(token: &str) -> Claims {
    #[derive(Default, Deserialize)]
    struct Payload {
        iss: Option<String>,
        sub: Option<String>,
        exp: Option<f64>,
    }
    let payload = token.split('.').nth(1).unwrap_or_default();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
    let Payload { iss, sub, exp } = serde_json::from_slice(&bytes).unwrap_or_default();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a fraction of a second is of no interest, and a float saturates"
    )]
    let exp = exp.and_then(|seconds| Timestamp::from_second(seconds as i64).ok());
    Claims { iss, sub, exp }
}

/// A name for a session that nobody named: it shows up in audit logs.
pub(super) fn session_name() -> String {
    format!("bootstrap-{}", Timestamp::now().as_second())
}
