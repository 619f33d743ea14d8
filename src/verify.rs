//! The preflight: whether a delegate has its tools, its AWS identity and its clusters, and where it
//! does not, why, and what to do about it.
//!
//! [`Preflight`] looks and asks; what it found is judged by plain functions, one module a subject.
//! A check that cannot be made because of another is skipped and says so; all others are made.

pub mod access;
pub mod api_server;
pub mod budget;
pub mod clock;
pub mod credentials;
pub mod fargate;
pub mod irsa;
pub mod pod;
mod preflight;
mod probe;
pub mod role;
pub mod serverless;
pub mod service_account;
pub mod tools;

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

pub use credentials::CredentialKind;
pub use preflight::{Preflight, Setup};

/// A thing that is checked. The names are stable: programs may rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// The installed tools.
    Tools,
    /// The AWS credentials.
    Credentials,
    /// What IAM roles for service accounts take.
    Irsa,
    /// The pod that is asked for by its name.
    Pod,
    /// Fargate, where there is nothing but IRSA.
    Fargate,
    /// Assuming the role of a cluster.
    Role,
    /// Whether that role asks for its external ID.
    ExternalId,
    /// The permission that the connector always needs.
    Regions,
    /// The cluster as EKS describes it.
    Cluster,
    /// How the cluster maps AWS identities.
    Access,
    /// The API server.
    ApiServer,
    /// The version of Kubernetes.
    Version,
    /// What one may do in the cluster.
    Permissions,
    /// The clock.
    Clock,
    /// The time that a start may take.
    Budget,
    /// The Serverless Framework.
    Serverless,
    /// The Node.js that runs it.
    Node,
    /// The npm that puts its plugins in place.
    Npm,
    /// The AWS CLI.
    AwsCli,
}

impl Check {
    /// Those of every delegate, in the order in which they are shown.
    pub const ALL: [Self; 15] = [
        Self::Tools,
        Self::Credentials,
        Self::Irsa,
        Self::Pod,
        Self::Fargate,
        Self::Role,
        Self::ExternalId,
        Self::Regions,
        Self::Cluster,
        Self::Access,
        Self::ApiServer,
        Self::Version,
        Self::Permissions,
        Self::Clock,
        Self::Budget,
    ];

    /// Those of a deployment with the Serverless Framework, in the order in which they are shown.
    pub const SERVERLESS: [Self; 5] = [
        Self::Role,
        Self::Serverless,
        Self::Node,
        Self::Npm,
        Self::AwsCli,
    ];

    /// Its name.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Credentials => "credentials",
            Self::Irsa => "irsa",
            Self::Pod => "pod",
            Self::Fargate => "fargate",
            Self::Role => "role",
            Self::ExternalId => "external-id",
            Self::Regions => "regions",
            Self::Cluster => "cluster",
            Self::Access => "access",
            Self::ApiServer => "api-server",
            Self::Version => "version",
            Self::Permissions => "permissions",
            Self::Clock => "clock",
            Self::Budget => "budget",
            Self::Serverless => "serverless",
            Self::Node => "node",
            Self::Npm => "npm",
            Self::AwsCli => "aws-cli",
        }
    }

    /// What it checks, in one line.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Tools => "The tools are in place, and every file of them is as it was installed",
            Self::Credentials => {
                "AWS credentials come from the source that is asked for, and AWS knows them"
            }
            Self::Irsa => {
                "IRSA: variables, token file, audience, expiry, service account, partition"
            }
            Self::Pod => "The pod of --pod has IRSA: account, annotation, variables, token, age",
            Self::Fargate => "A pod that a Fargate profile takes has IRSA, for it has nothing else",
            Self::Role => "The role of each cluster can be assumed",
            Self::ExternalId => "The role refuses whoever does not give its external ID",
            Self::Regions => "ec2:DescribeRegions is allowed, which the connector always asks for",
            Self::Cluster => "EKS describes each cluster, and it is active",
            Self::Access => "How each cluster maps AWS identities, and the ARN to map",
            Self::ApiServer => {
                "Each API server answers, its certificate is trusted, and the token is accepted"
            }
            Self::Version => "Kubernetes is as new as the connector needs it",
            Self::Permissions => "The identity may do something in each cluster",
            Self::Clock => "The clock agrees with those of AWS and of the API servers",
            Self::Budget => "There is time left for the delegate to start",
            Self::Serverless => "The Serverless Framework is there, and is 2.x or 3.x",
            Self::Node => "Node.js is as new as that Serverless needs it",
            Self::Npm => "npm is there, which puts plugins in place",
            Self::AwsCli => "The AWS CLI is there",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

impl FromStr for Check {
    type Err = UnknownCheck;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|check| check.id() == text);
        named.ok_or_else(|| UnknownCheck {
            text: text.to_owned(),
        })
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// There is no such check.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("there is no check `{text}`: `bootstrap verify --list` shows them all")]
pub struct UnknownCheck {
    text: String,
}

/// What a delegate is to do beyond what every delegate does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Deploying with the Serverless Framework.
    Serverless,
}

impl FromStr for Purpose {
    type Err = UnknownPurpose;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "serverless" => Ok(Self::Serverless),
            _ => Err(UnknownPurpose {
                text: text.to_owned(),
            }),
        }
    }
}

/// There are no checks for this.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("there are no checks for `{text}`: it takes `serverless`")]
pub struct UnknownPurpose {
    text: String,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is as it should be.
    Pass,
    /// It works, but should not stay so; or it could not be made certain.
    Warn,
    /// It is not as it should be.
    Fail,
    /// It was not checked.
    Skip,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skip => "skip",
        })
    }
}

/// What a check found. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// The cluster that it is about, by the name of its context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// How it ended.
    pub state: State,
    /// What was seen, or why it was skipped.
    pub evidence: String,
    /// What is behind it, where it is known or likely.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The next step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Whether a delegate must not start with this: a version that is proved to be too old.
    #[serde(skip)]
    pub stops: bool,
}

impl Finding {
    fn new(check: Check, state: State, evidence: impl Into<String>) -> Self {
        Self {
            check,
            subject: None,
            state,
            evidence: evidence.into(),
            cause: None,
            remedy: None,
            stops: false,
        }
    }

    /// It is as it should be.
    pub fn pass(check: Check, evidence: impl Into<String>) -> Self {
        Self::new(check, State::Pass, evidence)
    }

    /// It should not stay so.
    pub fn warn(check: Check, evidence: impl Into<String>) -> Self {
        Self::new(check, State::Warn, evidence)
    }

    /// It is not as it should be.
    pub fn fail(check: Check, evidence: impl Into<String>) -> Self {
        Self::new(check, State::Fail, evidence)
    }

    /// It was not checked, for this reason.
    pub fn skip(check: Check, reason: impl Into<String>) -> Self {
        Self::new(check, State::Skip, reason)
    }

    /// With what is behind it.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// With the next step.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// About this cluster.
    #[must_use]
    pub fn of(mut self, subject: &str) -> Self {
        self.subject = Some(subject.to_owned());
        self
    }
}

/// An error and its causes in one line.
fn in_one_line(error: &(dyn std::error::Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in std::iter::successors(Some(error), |error| error.source()) {
        let text = cause.to_string().replace("\n  ", "; ").replace('\n', " ");
        // Some errors repeat their cause.
        if parts.last().is_none_or(|last| !last.contains(&text)) {
            parts.push(text);
        }
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_found_by_its_name() {
        for check in Check::ALL {
            assert_eq!(check.id().parse(), Ok(check));
            assert!(!check.about().ends_with('.'));
        }
        assert!("tool".parse::<Check>().is_err());
        assert!(Check::ALL.is_sorted(), "shown in this order");
        assert!(Check::SERVERLESS.is_sorted(), "shown in this order");
    }
}
