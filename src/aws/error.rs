//! Why AWS could not be asked, or what it refused.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::codes;
use crate::arn::{Arn, ClusterName, Region, RoleArn};
use crate::deadline::DeadlinePassed;
use crate::fault::Fault;
use crate::http;
use crate::runtime::RuntimeError;

/// What the file of a web identity must be (amazon-eks-pod-identity-webhook, README).
const MOUNTED_TOKEN: &str = "name the file that the kubelet mounts, and no directory, copy or file made by hand: \
                             /var/run/secrets/eks.amazonaws.com/serviceaccount/token";

/// A source of credentials that gave none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The source, for people: `the environment`.
    pub source: &'static str,
    /// Why it gave nothing.
    pub why: String,
}

/// What AWS refused, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was asked for, as a policy names it: `sts:AssumeRole`.
    pub action: &'static str,
    /// The code: `AccessDenied`.
    pub code: String,
    /// The text; it may quote ARNs and never holds a secret.
    pub message: Box<str>,
    /// The number of the request, for AWS Support; none when there was none.
    pub request_id: Option<Box<str>>,
    /// How often it was asked.
    pub attempts: u32,
    /// The wait before the next try, where there was no room for it.
    pub cut: Option<Box<NoRoom>>,
}

/// A wait that did not fit into what a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom {
    /// The wait.
    pub wait: Duration,
    /// What the call may take, tries and waits included.
    pub budget: Duration,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            action,
            code,
            message,
            ..
        } = self;
        write!(f, "{action}: {code}")?;
        if !message.is_empty() {
            write!(f, ": {message}")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        write!(f, "{}", Times(self.attempts))?;
        let Some(NoRoom { wait, budget }) = self.cut.as_deref() else {
            return Ok(());
        };
        let throttles = if codes::is_throttling(code) {
            "AWS throttles, and "
        } else {
            ""
        };
        let budget = (budget.as_secs_f64() * 10.0).round() / 10.0;
        write!(
            f,
            "; {throttles}the next wait of {} ms did not fit into the {budget} s of a call",
            wait.as_millis()
        )
    }
}

/// Why AWS could not be asked, or what it refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No source has credentials.
    #[error("no AWS credentials{}", List(tried))]
    NoCredentials {
        /// The sources, in the order they were asked.
        tried: Vec<Tried>,
    },
    /// A source is set up, and cannot be used as it is.
    #[error("cannot take AWS credentials from {source_name}: {reason}")]
    BrokenSource {
        /// The source, for people.
        source_name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The web identity token file cannot be read.
    #[error("cannot read the web identity token `{}` (AWS_WEB_IDENTITY_TOKEN_FILE)", path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// What is in the web identity token file is no token, and is not shown.
    #[error("what is in `{}` is not a web identity token: {why}", path.display())]
    NotAToken {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: &'static str,
    },
    /// The web identity token has expired.
    #[error("the web identity token `{}` expired at {expired}", path.display())]
    ExpiredTokenFile {
        /// The file.
        path: PathBuf,
        /// Its `exp`.
        expired: jiff::Timestamp,
    },
    /// The profile files are wrong.
    #[error("the AWS profile files are not as they should be: {reason}")]
    Profile {
        /// What is wrong.
        reason: String,
    },
    /// A variable or a profile has a value that cannot be.
    #[error("invalid value for {name}: {reason}")]
    Setting {
        /// The variable, or the key and the profile.
        name: String,
        /// Why.
        reason: String,
        /// Whether a file has it.
        in_file: bool,
    },
    /// No region is named anywhere.
    #[error("no AWS region is given")]
    NoRegion,
    /// The caller may not do this.
    #[error("{0}")]
    AccessDenied(Refusal),
    /// There is no such cluster in this region.
    #[error("there is no cluster `{name}` in {region}")]
    ClusterNotFound {
        /// The cluster.
        name: ClusterName,
        /// The region that was asked.
        region: Region,
    },
    /// The account that was asked has another cluster of this name.
    #[error("EKS describes {found}, and {asked} is asked for")]
    OtherCluster {
        /// The ARN that the cluster was named by.
        asked: Box<Arn>,
        /// The ARN of the cluster that the caller sees.
        found: Box<Arn>,
    },
    /// The role of the cluster could not ask, and the caller sees one of that name in another account.
    #[error(
        "a cluster of that name in account {} is meant, that of the role {role}, and the caller sees {found}",
        role.account
    )]
    OtherAccount {
        /// The role.
        role: Box<RoleArn>,
        /// The ARN of the cluster that the caller sees.
        found: Box<Arn>,
        /// Why the role could not ask; none where that is told elsewhere.
        #[source]
        refused: Option<Box<Self>>,
    },
    /// The credentials, or the web identity token, have expired.
    #[error("{0}")]
    ExpiredToken(Refusal),
    /// The web identity token is not accepted.
    #[error("{0}")]
    InvalidIdentityToken(Refusal),
    /// The keys are wrong or unknown.
    #[error("{0}")]
    InvalidCredentials(Refusal),
    /// AWS asked to be left alone until there was no time left.
    #[error("{0}")]
    Throttled(Refusal),
    /// Anything else that AWS answers.
    #[error("{0}")]
    Service(Refusal),
    /// AWS could not be reached.
    #[error("{action}: cannot reach {host}{}", Times(*attempts))]
    Unreachable {
        /// What was to be asked.
        action: &'static str,
        /// The host.
        host: String,
        /// How often it was tried.
        attempts: u32,
        /// Why the last try failed.
        source: Box<http::Failure>,
    },
    /// The deadline came before an answer.
    #[error("{action}: no answer in time{}", Because(last.as_deref()))]
    DeadlinePassed {
        /// What was asked.
        action: &'static str,
        /// What the last try met; none when there was none.
        last: Option<String>,
        /// The deadline.
        #[source]
        deadline: DeadlinePassed,
    },
    /// The answer makes no sense.
    #[error("{action}: the answer makes no sense: {reason}")]
    Malformed {
        /// What was asked.
        action: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// AWS may not be asked.
    #[error("{action}: AWS is not asked when offline")]
    Offline {
        /// What was to be asked.
        action: &'static str,
    },
    /// This machine is in the way: certificates, proxy settings, descriptors.
    #[error("cannot connect to AWS")]
    Setup {
        /// Why.
        source: Box<http::Error>,
    },
    /// There is no runtime.
    #[error("cannot connect to AWS")]
    Runtime {
        /// Why.
        source: RuntimeError,
    },
    /// A request could not be made, which is a bug.
    #[error("{action}: cannot make the request: {reason}")]
    Request {
        /// What was to be asked.
        action: &'static str,
        /// Why.
        reason: String,
    },
}

impl Error {
    /// The side that the failure is on.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::NoCredentials { .. }
            | Self::BrokenSource { .. }
            | Self::TokenFile { .. }
            | Self::NotAToken { .. }
            | Self::ExpiredTokenFile { .. }
            | Self::Setup { .. }
            | Self::Runtime { .. }
            | Self::Request { .. } => Fault::Local,
            Self::Profile { .. } | Self::Setting { in_file: true, .. } => Fault::Input,
            Self::Setting { .. } | Self::NoRegion | Self::Offline { .. } => Fault::Usage,
            Self::AccessDenied(_)
            | Self::ClusterNotFound { .. }
            | Self::OtherCluster { .. }
            | Self::OtherAccount { .. }
            | Self::ExpiredToken(_)
            | Self::InvalidIdentityToken(_)
            | Self::InvalidCredentials(_)
            | Self::Throttled(_)
            | Self::Service(_)
            | Self::Unreachable { .. }
            | Self::DeadlinePassed { .. }
            | Self::Malformed { .. } => Fault::Remote,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoCredentials { .. } => Some(
                "annotate the delegate's service account for IRSA and restart the pod, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            ),
            Self::TokenFile { source, .. }
                if source.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                Some("let the pod's user read it: set `fsGroup: 65534` in its securityContext")
            }
            Self::TokenFile { source, .. } if source.kind() != std::io::ErrorKind::NotFound => {
                Some(MOUNTED_TOKEN)
            }
            Self::NotAToken { .. } => Some(MOUNTED_TOKEN),
            Self::TokenFile { .. } => Some(
                "the kubelet mounts it when the pod is made: restart the pod once its service account is annotated",
            ),
            Self::ExpiredTokenFile { .. } => Some(
                "the kubelet renews the mounted file: use that and no copy of it, and check the clock",
            ),
            Self::NoRegion => Some("name one with --region or AWS_REGION"),
            Self::AccessDenied(refusal) => match refusal.action {
                "sts:AssumeRole" => Some(
                    "check that the role exists, that its trust policy names this caller, and that the external ID is the one it asks for",
                ),
                "sts:AssumeRoleWithWebIdentity" => Some(
                    "check that the role's trust policy names this cluster's OIDC issuer and this service account (`sub`)",
                ),
                _ => Some("allow this action in a policy of the caller"),
            },
            Self::ClusterNotFound { .. } => {
                Some("check the name, the region and the account of the caller")
            }
            Self::OtherCluster { .. } => Some(
                "ask as a role of the account of that ARN, or name the cluster that is meant",
            ),
            Self::OtherAccount { refused, .. } => Some(match refused.as_deref() {
                Some(Self::ClusterNotFound { .. }) => {
                    "check the name, the region and the role; if the cluster that the caller sees is meant, name it by its ARN"
                }
                Some(Self::AccessDenied(refusal)) if refusal.action == "eks:DescribeCluster" => {
                    "allow the role eks:DescribeCluster; if the cluster that the caller sees is meant, name it by its ARN"
                }
                None => {
                    "let the role be assumed first; if the cluster that the caller sees is meant, name it by its ARN"
                }
                Some(_) => {
                    "check that the role exists, that its trust policy names this caller, and that the external ID is the one it asks for; if the cluster that the caller sees is meant, name it by its ARN"
                }
            }),
            Self::ExpiredToken(_) => {
                Some("take new credentials, and check the clock of this machine")
            }
            Self::InvalidIdentityToken(_) => Some(
                "check that the account of the role has an OIDC provider for this cluster's issuer, with the audience sts.amazonaws.com",
            ),
            Self::InvalidCredentials(_) => {
                Some("check the access key, and the clock of this machine")
            }
            Self::Unreachable { source, .. } => source.hint().or(Some(
                "check that this machine may reach the host: DNS, egress rules, proxy, VPC endpoint",
            )),
            Self::DeadlinePassed { .. } => Some("give it more time with --deadline"),
            Self::Setup { source } => source.hint(),
            Self::Offline { .. } => Some("leave out --offline (BOOTSTRAP_OFFLINE)"),
            Self::Throttled(Refusal { cut: Some(_), .. })
            | Self::Service(Refusal { cut: Some(_), .. }) => Some(
                "try again when AWS is asked for less, or take shorter waits: a smaller --backoff-base-delay and \
                 --backoff-max-delay; a longer --deadline helps where it leaves a call less than 8 s, which `verify` \
                 gives it at most",
            ),
            Self::Throttled(_) => Some(
                "leave AWS more time: a longer --backoff-base-delay and --deadline, or more --backoff-max-attempts",
            ),
            Self::BrokenSource { .. }
            | Self::Profile { .. }
            | Self::Setting { .. }
            | Self::Service(_)
            | Self::Malformed { .. }
            | Self::Runtime { .. }
            | Self::Request { .. } => None,
        }
    }
}

struct List<'a>(&'a [Tried]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Tried { source, why } in self.0 {
            write!(f, "\n  {source}: {why}")?;
        }
        Ok(())
    }
}

struct Times(u32);

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 | 1 => Ok(()),
            times => write!(f, " (tried {times} times)"),
        }
    }
}

struct Because<'a>(Option<&'a str>);

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(last) => write!(f, ", after {last}"),
            None => Ok(()),
        }
    }
}
