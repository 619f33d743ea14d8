//! Where the AWS credentials come from, and whether that is what the connector expects.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use super::access::Principal;
use super::irsa::{EXCLUSIVE, NOT_INJECTED, USE_IRSA};
use super::{Check, Finding, in_one_line};
use crate::aws::{self, Caller, Source};

/// Where credentials are to come from, in the words of the connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// IAM roles for service accounts ("Use IRSA").
    Irsa,
    /// The role of the node ("Assume IAM Role on Delegate").
    IamRole,
    /// Keys ("AWS Access Key").
    AccessKey,
    /// EKS Pod Identity.
    PodIdentity,
}

impl CredentialKind {
    const ALL: [Self; 4] = [
        Self::Irsa,
        Self::IamRole,
        Self::AccessKey,
        Self::PodIdentity,
    ];

    /// Its name, the same as that of the source that has them.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Irsa => "irsa",
            Self::IamRole => "iam-role",
            Self::AccessKey => "access-key",
            Self::PodIdentity => "pod-identity",
        }
    }
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl FromStr for CredentialKind {
    type Err = InvalidKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|kind| kind.id() == text);
        named.ok_or_else(|| InvalidKind {
            text: text.to_owned(),
        })
    }
}

/// There is no such kind.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{text}` is no kind of credentials: it takes `irsa`, `iam-role`, `access-key` or `pod-identity`"
)]
pub struct InvalidKind {
    text: String,
}

/// Judges credentials that were found, and what AWS said of them.
pub fn judge(
    asked: Option<CredentialKind>,
    source: &Source,
    caller: Result<&Caller, &aws::Error>,
) -> Finding {
    let caller = match caller {
        Ok(caller) => caller,
        Err(error) => {
            let evidence = format!("{source}: {}", in_one_line(error));
            return with_hint(Finding::fail(Check::Credentials, evidence), error);
        }
    };
    let mut evidence = format!("{} from {source}", caller.arn);
    let principal = Principal::of_caller(&caller.arn, Some(source));
    if let Principal::Role(role) | Principal::Session(role) = &principal {
        evidence += &format!(", to a cluster {role}");
    }
    let Some(asked) = asked.filter(|asked| asked.id() != source.id()) else {
        return Finding::pass(Check::Credentials, evidence);
    };
    let finding = Finding::fail(
        Check::Credentials,
        format!("{evidence}, where {asked} is asked for"),
    );
    let (cause, remedy) = other_source(asked, source.id());
    finding.because(cause).remedy(remedy)
}

/// Why another source answered than the one that was asked for.
fn other_source(asked: CredentialKind, source: &str) -> (&'static str, &'static str) {
    match (asked, source) {
        (CredentialKind::Irsa, "iam-role") => (
            NOT_INJECTED,
            "annotate the delegate's service account with eks.amazonaws.com/role-arn, name it in \
             serviceAccountName, and restart the pod: without IRSA's variables the node's role answers",
        ),
        (CredentialKind::Irsa, "pod-identity") => (
            "the service account has a Pod Identity association, which wins over the annotation",
            "remove the association, or ask for --credentials pod-identity",
        ),
        (CredentialKind::IamRole, "irsa") => (EXCLUSIVE, USE_IRSA),
        (CredentialKind::PodIdentity, "irsa" | "access-key") => (
            "leftover variables of IRSA or access keys come before Pod Identity",
            "remove AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ACCESS_KEY_ID from the manifest and restart the pod",
        ),
        (CredentialKind::PodIdentity, "iam-role") => (
            "the pod is older than its association, or the cluster has no Pod Identity agent",
            "install the add-on eks-pod-identity-agent, create the association, and restart the pod",
        ),
        (CredentialKind::Irsa | CredentialKind::IamRole, "access-key") => (
            "access keys in the environment or a profile come before all others",
            "remove AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile, and restart the pod",
        ),
        (CredentialKind::AccessKey, _) => (
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set here, so another source answered",
            "set both, or ask for the kind of credentials that is wanted",
        ),
        _ => (
            "another source comes first",
            "remove what this source takes, or ask for the kind of credentials that is wanted",
        ),
    }
}

/// Judges that there are no credentials.
pub fn judge_none(error: &aws::Error) -> Finding {
    with_hint(Finding::fail(Check::Credentials, in_one_line(error)), error)
}

/// The finding with what the error has to say besides.
pub(super) fn with_hint(finding: Finding, error: &aws::Error) -> Finding {
    let finding = match error {
        aws::Error::InvalidIdentityToken(refusal) if refusal.message.contains("audience") => {
            finding.because("the OIDC provider's list of client IDs lacks the audience")
        }
        aws::Error::InvalidIdentityToken(_) => finding.because(
            "the account of the role has no OIDC provider for the issuer, or it is in another account",
        ),
        aws::Error::AccessDenied(refusal) if refusal.action == "sts:AssumeRoleWithWebIdentity" => {
            finding.because(
                "the trust policy of the role names another issuer, audience or service account",
            )
        }
        aws::Error::ExpiredToken(_) => {
            finding.because("the credentials or the token file are an old copy, or the clock is wrong")
        }
        aws::Error::Unreachable { .. } | aws::Error::DeadlinePassed { .. } => finding.because(
            "a private network without a VPC endpoint for the service, or a proxy that is not set here",
        ),
        _ => finding,
    };
    match (error, error.hint()) {
        // The time limit is that of a check: no option gives it more.
        (aws::Error::DeadlinePassed { .. }, _) => finding.remedy(
            "let this network reach the service: a VPC endpoint, a NAT gateway, or the proxy variables and NO_PROXY",
        ),
        (_, Some(hint)) => finding.remedy(hint),
        (_, None) => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    const ARN: &str = "arn:aws:sts::111122223333:assumed-role/delegate/session";

    fn caller() -> Caller {
        Caller {
            arn: ARN.parse().unwrap(),
            account: "111122223333".parse().unwrap(),
            user_id: "AROAEXAMPLE:session".to_owned(),
            server_time: None,
        }
    }

    fn sources() -> [Source; 5] {
        [
            Source::Environment,
            Source::WebIdentity {
                role: "arn:aws:iam::111122223333:role/delegate".parse().unwrap(),
            },
            Source::PodIdentity,
            Source::Container,
            Source::InstanceMetadata {
                role: "node".to_owned(),
            },
        ]
    }

    #[test]
    fn any_source_will_do_where_none_is_asked_for() {
        for source in sources() {
            let finding = judge(None, &source, Ok(&caller()));
            assert_eq!(finding.state, State::Pass);
            let role = "arn:aws:iam::111122223333:role/delegate";
            assert_eq!(
                finding.evidence,
                format!("{ARN} from {source}, to a cluster {role}")
            );
        }
    }

    #[test]
    fn the_source_that_is_asked_for_passes_and_every_other_fails_with_cause_and_remedy() {
        for asked in CredentialKind::ALL {
            for source in sources() {
                let finding = judge(Some(asked), &source, Ok(&caller()));
                let is_it = asked.id() == source.id();
                let expected = if is_it { State::Pass } else { State::Fail };
                assert_eq!(finding.state, expected, "{asked} {source}");
                assert_eq!(finding.cause.is_none(), is_it);
                assert_eq!(finding.remedy.is_none(), is_it);
            }
        }
    }

    #[test]
    fn the_role_of_the_node_in_place_of_irsa_is_told_with_its_cause() {
        let [.., node] = sources();
        let finding = judge(Some(CredentialKind::Irsa), &node, Ok(&caller()));
        assert!(finding.evidence.ends_with("where irsa is asked for"));
        assert!(finding.cause.unwrap().contains("no annotation"));
    }

    #[test]
    fn a_kind_is_read_by_its_name() {
        for kind in CredentialKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert!("IRSA".parse::<CredentialKind>().is_err());
    }
}
