//! Where credentials come from: the first source that has some, in the order of botocore and of the
//! Go SDK, so that this program, `aws` and `aws-iam-authenticator` are the same principal.
//!
//! Environment, web identity, profile, container, instance metadata. A source that is set up and
//! does not work ends the search: falling through would make the caller somebody else.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use aws_runtime::env_config::section::Profile;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;

use super::error::Tried;
use super::identity::{Identity, Source};
use super::{Aws, Error};
use crate::arn::{ExternalId, Region, RoleArn, SessionName};
use crate::deadline::Deadline;
use crate::files;
use crate::http::Secret;

/// How the sources are called for people.
const ENVIRONMENT: &str = "environment";
const WEB_IDENTITY: &str = "web identity (IRSA)";
const PROFILE: &str = "profile";

/// The keys of a profile that say whose credentials it leads to, none of which is secret.
const TELLING: [&str; 7] = [
    "aws_access_key_id",
    "role_arn",
    "source_profile",
    "credential_source",
    "web_identity_token_file",
    "external_id",
    "role_session_name",
];

/// How many profiles may take their credentials from the next.
const LONGEST_CHAIN: usize = 10;

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
        let Some(profile) = self.environment.profile()? else {
            return Ok(None);
        };
        let mut text = format!("profile {}", profile.name());
        let mut next = Some(profile);
        let mut has_credentials = false;
        for _ in 0..LONGEST_CHAIN {
            let Some(profile) = next.take() else { break };
            for key in TELLING {
                if let Some(value) = profile.get(key) {
                    has_credentials = true;
                    text.push_str(&format!(" {key} {value}"));
                }
            }
            if let Some(name) = profile.get("source_profile") {
                next = self.environment.profiles()?.get_profile(name);
            }
        }
        Ok(has_credentials.then_some(text))
    }

    fn of_variables(&self) -> Result<Option<Identity>, Error> {
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

    fn web_identity(&self) -> Result<Option<WebIdentity>, Error> {
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

    fn of_web_identity(&self, web: &WebIdentity, deadline: Deadline) -> Result<Identity, Error> {
        let token = web.token()?;
        let expired = claims(&token).exp.filter(|end| *end <= Timestamp::now());
        if let Some(expired) = expired {
            return Err(Error::ExpiredTokenFile {
                path: web.file.clone(),
                expired,
            });
        }
        let session = web.session.clone().unwrap_or_else(session_name);
        let region = self.region_for(&web.role)?;
        self.assume_role_with_web_identity(&web.role, &token, &session, &region, deadline)
    }

    /// The region of the run, or the home region of the role's partition.
    fn region_for(&self, role: &RoleArn) -> Result<Region, Error> {
        let named = self.region()?.map(|(region, _)| region);
        Ok(named.unwrap_or_else(|| Region::from(role.partition)))
    }

    /// The credentials of the profile that counts, or why there are none.
    fn of_default_profile(&self, deadline: Deadline) -> Result<Result<Identity, String>, Error> {
        let (name, is_chosen) = self.environment.profile_name();
        let files = self.environment.profile_files();
        if files.is_empty() {
            return Ok(Err("neither HOME nor AWS_CONFIG_FILE is set".to_owned()));
        }
        let files: Vec<_> = files
            .iter()
            .map(|path| format!("`{}`", path.display()))
            .collect();
        let files = files.join(" and ");
        let Some(profile) = self.environment.profile()? else {
            let why = format!("{files} have no profile `{name}`");
            return if is_chosen {
                Err(broken("the profile of AWS_PROFILE", why))
            } else {
                Ok(Err(why))
            };
        };
        let why = || format!("the profile `{name}` in {files} has no credentials");
        Ok(self
            .of_profile(profile, &mut Vec::new(), deadline)?
            .ok_or_else(why))
    }

    /// The credentials that this profile leads to; none when it names none.
    fn of_profile(
        &self,
        profile: &Profile,
        above: &mut Vec<String>,
        deadline: Deadline,
    ) -> Result<Option<Identity>, Error> {
        let name = profile.name();
        let wrong = |reason: String| broken(&format!("the profile `{name}`"), reason);
        let found = |mut identity: Identity, through: Option<Source>| {
            identity.source = Source::Profile {
                name: name.to_owned(),
                through: through.map(Box::new),
            };
            Some(identity)
        };
        let Some(role) = profile.get("role_arn") else {
            if let Some(keys) = keys_of(profile)? {
                return Ok(Some(keys));
            }
            for key in ["credential_process", "sso_session", "sso_start_url"] {
                if profile.get(key).is_some() {
                    return Err(wrong(format!("`{key}` is not supported here")));
                }
            }
            return Ok(None);
        };
        let role = role_of(role, &format!("`role_arn` of the profile `{name}`"), true)?;
        let session = profile.get("role_session_name").map(str::to_owned);
        if let Some(file) = profile.get("web_identity_token_file") {
            let file = PathBuf::from(file);
            let web = WebIdentity {
                role,
                file,
                session,
            };
            let identity = self.of_web_identity(&web, deadline)?;
            let source = identity.source.clone();
            return Ok(found(identity, Some(source)));
        }
        if profile.get("mfa_serial").is_some() {
            let reason = "its role asks for the code of an MFA device, which nobody can enter here";
            return Err(wrong(reason.to_owned()));
        }
        let base = self.base_of(profile, above, deadline)?;
        let external_id = profile.get("external_id").map(str::parse::<ExternalId>);
        let external_id = external_id
            .transpose()
            .map_err(|error| wrong(error.to_string()))?;
        let session: SessionName = session
            .unwrap_or_else(session_name)
            .parse()
            .map_err(|error: crate::arn::InvalidName| wrong(error.to_string()))?;
        let region = self.region_for(&role)?;
        let identity = self.assume_role(
            &base,
            &role,
            external_id.as_ref(),
            &session,
            &region,
            deadline,
        )?;
        let source = identity.source.clone();
        Ok(found(identity, Some(source)))
    }

    /// The credentials that the role of this profile is assumed with.
    fn base_of(
        &self,
        profile: &Profile,
        above: &mut Vec<String>,
        deadline: Deadline,
    ) -> Result<Identity, Error> {
        let name = profile.name();
        let wrong = |reason: String| broken(&format!("the profile `{name}`"), reason);
        match (
            profile.get("source_profile"),
            profile.get("credential_source"),
        ) {
            (Some(other), None) if other == name => keys_of(profile)?
                .ok_or_else(|| wrong("it is its own source, and has no keys".to_owned())),
            (Some(other), None) => {
                above.push(name.to_owned());
                if above.iter().any(|above| above == other) || above.len() > LONGEST_CHAIN {
                    return Err(wrong(format!(
                        "its `source_profile` leads in a circle: {} -> {other}",
                        above.join(" -> ")
                    )));
                }
                let source = self.environment.profiles()?.get_profile(other);
                let source =
                    source.ok_or_else(|| wrong(format!("there is no profile `{other}`")))?;
                self.of_profile(source, above, deadline)?
                    .ok_or_else(|| wrong(format!("the profile `{other}` has no credentials")))
            }
            (None, Some("Environment")) => self
                .of_variables()?
                .ok_or_else(|| wrong("it takes AWS_ACCESS_KEY_ID, which is not set".to_owned())),
            (None, Some("EcsContainer")) => self.container(deadline)?.map_err(wrong),
            (None, Some("Ec2InstanceMetadata")) => self.instance(deadline)?.map_err(wrong),
            (None, Some(other)) => Err(wrong(format!(
                "`{other}` is no `credential_source`: it takes Environment, EcsContainer or \
                 Ec2InstanceMetadata"
            ))),
            (None, None) => Err(wrong(
                "it has a `role_arn`, and no `source_profile`, `credential_source` or \
                 `web_identity_token_file`"
                    .to_owned(),
            )),
            (Some(_), Some(_)) => Err(wrong(
                "it has both `source_profile` and `credential_source`".to_owned(),
            )),
        }
    }
}

/// The keys that are written in a profile.
fn keys_of(profile: &Profile) -> Result<Option<Identity>, Error> {
    let name = profile.name();
    match (
        profile.get("aws_access_key_id"),
        profile.get("aws_secret_access_key"),
    ) {
        (None, None) => Ok(None),
        (Some(key), Some(secret)) => Ok(Some(Identity {
            access_key_id: key.to_owned(),
            secret_access_key: Secret::new(secret),
            session_token: profile.get("aws_session_token").map(Secret::new),
            expires: None,
            source: Source::Profile {
                name: name.to_owned(),
                through: None,
            },
        })),
        _ => Err(broken(
            &format!("the profile `{name}`"),
            "it has one of `aws_access_key_id` and `aws_secret_access_key`, and not the other"
                .to_owned(),
        )),
    }
}

/// A role, and the token that proves who may have it.
struct WebIdentity {
    role: RoleArn,
    file: PathBuf,
    session: Option<String>,
}

impl WebIdentity {
    /// The token; the kubelet replaces it now and then, so it is read each time.
    fn token(&self) -> Result<String, Error> {
        let path: &Path = &self.file;
        let text = files::read_text(path).map_err(|error| Error::TokenFile {
            path: error.path,
            source: error.source,
        })?;
        let token = text.trim();
        if token.is_empty() {
            return Err(broken(
                &format!("the web identity token `{}`", path.display()),
                "it is empty".to_owned(),
            ));
        }
        Ok(token.to_owned())
    }
}

/// What is read of a token without checking its signature, which is for AWS to check.
#[derive(Default)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    exp: Option<Timestamp>,
}

/// The claims of a JSON Web Token (RFC 7519); none of what is no such token.
fn claims(token: &str) -> Claims {
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
fn session_name() -> String {
    format!("bootstrap-{}", Timestamp::now().as_second())
}

fn role_of(text: &str, name: &str, in_file: bool) -> Result<RoleArn, Error> {
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

fn broken(source_name: &str, reason: String) -> Error {
    Error::BrokenSource {
        source_name: source_name.to_owned(),
        reason,
    }
}
