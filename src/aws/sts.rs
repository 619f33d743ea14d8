//! The calls of the security token service.

use aws_credential_types::Credentials;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::{BehaviorVersion, Config, StalledStreamProtectionConfig};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use jiff::Timestamp;

use super::attempt::{Miss, time_of};
use super::connector::Connector;
use super::environment::Service;
use super::identity::{Identity, Source};
use super::{Aws, Error};
use crate::arn::{AccountId, Arn, ExternalId, Region, RoleArn, SessionName};
use crate::deadline::Deadline;
use crate::http::Secret;

/// Who AWS takes the caller for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user, or the session of a role.
    pub arn: Arn,
    /// Its account.
    pub account: AccountId,
    /// Its unique ID; of a session, `ROLE-ID:SESSION-NAME`.
    pub user_id: String,
    /// The time of day at AWS when it answered, in whole seconds, where it said so.
    pub server_time: Option<Timestamp>,
}

impl Aws {
    /// The credentials of a session of `role`, of one hour (the shortest that every role allows).
    pub fn assume_role(
        &self,
        base: &Identity,
        role: &RoleArn,
        external_id: Option<&ExternalId>,
        session: &SessionName,
        region: &Region,
        deadline: Deadline,
    ) -> Result<Identity, Error> {
        const ACTION: &str = "sts:AssumeRole";
        let connector = self.connector(ACTION, deadline)?;
        let client = self.sts(Some(base), region, &connector)?;
        let answer = self.asking(ACTION, deadline, &connector).ask(|| {
            let request = client
                .assume_role()
                .role_arn(role.as_str())
                .role_session_name(session.as_str())
                .set_external_id(external_id.map(|id| id.as_str().to_owned()));
            async move { request.send().await.map_err(Miss::of_sdk) }
        })?;
        let source = Source::AssumedRole {
            role: role.clone(),
            base: Some(Box::new(base.source.clone())),
        };
        identity(ACTION, answer.credentials, source)
    }

    /// The credentials of a session of `role` for who has this web identity token.
    pub(super) fn assume_role_with_web_identity(
        &self,
        role: &RoleArn,
        token: &str,
        session: &str,
        region: &Region,
        deadline: Deadline,
    ) -> Result<Identity, Error> {
        const ACTION: &str = "sts:AssumeRoleWithWebIdentity";
        let connector = self.connector(ACTION, deadline)?;
        let client = self.sts(None, region, &connector)?;
        let answer = self.asking(ACTION, deadline, &connector).ask(|| {
            let request = client
                .assume_role_with_web_identity()
                .role_arn(role.as_str())
                .role_session_name(session)
                .web_identity_token(token);
            async move { request.send().await.map_err(Miss::of_sdk) }
        })?;
        let source = Source::WebIdentity { role: role.clone() };
        identity(ACTION, answer.credentials, source)
    }

    /// Who AWS takes these credentials for; this takes no permission.
    pub fn caller(
        &self,
        identity: &Identity,
        region: &Region,
        deadline: Deadline,
    ) -> Result<Caller, Error> {
        const ACTION: &str = "sts:GetCallerIdentity";
        let connector = self.connector(ACTION, deadline)?;
        let client = self.sts(Some(identity), region, &connector)?;
        let answer = self.asking(ACTION, deadline, &connector).ask(|| {
            let request = client.get_caller_identity();
            async move { request.send().await.map_err(Miss::of_sdk) }
        })?;
        let malformed = |reason: String| Error::Malformed {
            action: ACTION,
            reason,
        };
        let arn = answer.arn().unwrap_or_default();
        let account = answer.account().unwrap_or_default();
        Ok(Caller {
            arn: arn
                .parse()
                .map_err(|error: crate::arn::InvalidArn| malformed(error.to_string()))?,
            account: account
                .parse()
                .map_err(|error: crate::arn::InvalidArn| malformed(error.to_string()))?,
            user_id: answer.user_id().unwrap_or_default().to_owned(),
            server_time: connector.seen().date.as_deref().and_then(time_of),
        })
    }

    /// A client for one call; without an identity, for the calls that take none.
    fn sts(
        &self,
        identity: Option<&Identity>,
        region: &Region,
        connector: &Connector,
    ) -> Result<Client, Error> {
        let endpoint = self.environment.endpoint(Service::Sts)?;
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(connector.clone())
            .region(aws_types::region::Region::new(region.as_str().to_owned()))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            // A server that is slow is one to be asked again, within the deadline.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .use_fips(self.environment.use_fips()?)
            .use_dual_stack(self.environment.use_dual_stack()?);
        let mut config = match identity {
            Some(identity) => config.credentials_provider(credentials(identity)),
            None => config.allow_no_auth(),
        };
        config.set_endpoint_url(endpoint.map(String::from));
        Ok(Client::from_conf(config.build()))
    }
}

/// The credentials as the SDK takes them.
pub(super) fn credentials(identity: &Identity) -> Credentials {
    let secret = identity.secret_access_key.expose();
    let token = identity.session_token.as_ref();
    Credentials::new(
        identity.access_key_id.as_str(),
        secret,
        token.map(|token| token.expose().to_owned()),
        // Whether they have expired is for AWS to say: its clock decides.
        None,
        "bootstrap",
    )
}

fn identity(
    action: &'static str,
    credentials: Option<aws_sdk_sts::types::Credentials>,
    source: Source,
) -> Result<Identity, Error> {
    let malformed = |reason: &str| Error::Malformed {
        action,
        reason: reason.to_owned(),
    };
    let credentials = credentials.ok_or_else(|| malformed("it has no credentials"))?;
    let expires = Timestamp::from_second(credentials.expiration.secs());
    Ok(Identity {
        access_key_id: credentials.access_key_id,
        secret_access_key: Secret::new(credentials.secret_access_key),
        session_token: Some(Secret::new(credentials.session_token)),
        expires: Some(expires.map_err(|_| malformed("its expiry is no time"))?),
        source,
    })
}
