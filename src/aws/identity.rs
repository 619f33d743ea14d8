//! Who asks AWS: credentials, and where they came from.

use std::fmt;

use jiff::Timestamp;

use crate::arn::RoleArn;
use crate::http::Secret;

/// Credentials, and where they came from.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The ID of the access key, which is no secret.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Secret,
    /// The session token; none for the keys of a user.
    pub session_token: Option<Secret>,
    /// When the credentials end; none when they do not, or do not say so.
    pub expires: Option<Timestamp>,
    /// Where they came from.
    pub source: Source,
}

impl Identity {
    /// Whose credentials these are, without what is secret of them.
    pub fn shown(&self) -> String {
        let until = self.expires.map(|expires| format!(", until {expires}"));
        format!(
            "{}, key {}{}",
            self.source,
            self.access_key_id,
            until.unwrap_or_default()
        )
    }
}

/// Where credentials come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
    Environment,
    /// `AWS_ROLE_ARN` and `AWS_WEB_IDENTITY_TOKEN_FILE`: IAM roles for service accounts.
    WebIdentity {
        /// The role.
        role: RoleArn,
    },
    /// The profile files.
    Profile {
        /// The profile.
        name: String,
        /// Where that profile takes them from, where it has no keys of its own.
        through: Option<Box<Self>>,
    },
    /// EKS Pod Identity.
    PodIdentity,
    /// The agent of Amazon ECS, or another endpoint that the environment names.
    Container,
    /// The instance metadata service: the role of the node.
    InstanceMetadata {
        /// The name of the role.
        role: String,
    },
    /// A role that was assumed.
    AssumedRole {
        /// The role.
        role: RoleArn,
        /// The credentials that it was assumed with; none for a session that was kept.
        base: Option<Box<Self>>,
    },
}

impl Source {
    /// A name for programs, which does not change.
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Environment | Self::Profile { through: None, .. } => "access-key",
            Self::WebIdentity { .. } => "irsa",
            Self::Profile {
                through: Some(source),
                ..
            } => source.id(),
            Self::PodIdentity => "pod-identity",
            Self::Container => "container",
            Self::InstanceMetadata { .. } => "iam-role",
            Self::AssumedRole { .. } => "assumed-role",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("the environment (AWS_ACCESS_KEY_ID)"),
            Self::WebIdentity { role } => {
                write!(f, "IRSA, the web identity of the role {role}")
            }
            Self::Profile { name, through } => {
                write!(f, "the profile `{name}`")?;
                match through {
                    Some(source) => write!(f, ", through {source}"),
                    None => Ok(()),
                }
            }
            Self::PodIdentity => f.write_str("EKS Pod Identity"),
            Self::Container => f.write_str("the container's credentials endpoint"),
            Self::InstanceMetadata { role } => {
                write!(f, "the role `{role}` of the node (instance metadata)")
            }
            Self::AssumedRole {
                role,
                base: Some(base),
            } => write!(f, "the role {role}, assumed with {base}"),
            Self::AssumedRole { role, base: None } => write!(f, "the role {role}, assumed before"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_shows_no_secret() {
        let identity = Identity {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new("hunter2"),
            session_token: Some(Secret::new("hunter3")),
            expires: None,
            source: Source::Environment,
        };
        assert!(!format!("{identity:?}").contains("hunter"));
        assert_eq!(
            identity.shown(),
            "the environment (AWS_ACCESS_KEY_ID), key AKIDEXAMPLE"
        );
    }

    #[test]
    fn a_source_has_a_name_for_programs_and_one_for_people() {
        let role: RoleArn = "arn:aws:iam::111122223333:role/deployer".parse().unwrap();
        let irsa = Source::WebIdentity { role: role.clone() };
        assert_eq!(irsa.id(), "irsa");
        let assumed = Source::AssumedRole {
            role,
            base: Some(Box::new(Source::InstanceMetadata {
                role: "node".to_owned(),
            })),
        };
        assert_eq!(assumed.id(), "assumed-role");
        assert_eq!(
            assumed.to_string(),
            "the role arn:aws:iam::111122223333:role/deployer, assumed with the role `node` of the node \
             (instance metadata)"
        );
    }
}
