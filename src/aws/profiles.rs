//! From a profile to credentials: its keys, or a role that is assumed with those of another source.

use std::path::PathBuf;

use aws_runtime::env_config::section::Profile;

use super::chain::{broken, role_of};
use super::identity::{Identity, Source};
use super::web_identity::{WebIdentity, session_name};
use super::{Aws, Error};
use crate::arn::{ExternalId, InvalidName, SessionName};
use crate::deadline::Deadline;
use crate::http::Secret;

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
    /// Whose credentials the profile that counts leads to, told without asking anybody.
    pub(super) fn profile_principal(&self) -> Result<Option<String>, Error> {
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

    /// The credentials of the profile that counts, or why there are none.
    pub(super) fn of_default_profile(
        &self,
        deadline: Deadline,
    ) -> Result<Result<Identity, String>, Error> {
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
                    return Err(wrong(format!(
                        "`{key}` is not supported here: name a profile that has keys or a role (AWS_PROFILE), or set \
                         AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                    )));
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
            .map_err(|error: InvalidName| wrong(error.to_string()))?;
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
