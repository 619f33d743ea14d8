//! An API server: whether it answers, which version it is, and what one may do there.

use super::{Check, Finding, State, in_one_line};
use crate::arn::{Arn, RoleArn};
use crate::cluster::Cluster;
use crate::cluster::access::{self, Login};
use crate::cluster::server::{Failure, Rights, ServerVersion, Who};
use crate::cluster::session::MOST_AGE;
use crate::cluster::version::{KubernetesVersion, Minimum};

/// Why a server could not be asked, or did not answer as it should.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The kubeconfig, or its plugin.
    #[error(transparent)]
    Access(#[from] access::Error),
    /// The server.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl Trouble {
    /// Whether the server does not know who asks.
    pub const fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Failure(Failure::Unauthorized))
    }

    fn explain(&self, finding: Finding) -> Finding {
        match self {
            Self::Access(error) => finding.remedy(error.hint()),
            Self::Failure(failure) => failed_with(finding, failure),
        }
    }
}

/// Who one should be at a server, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The role; none for whoever runs this.
    pub role: Option<RoleArn>,
    /// Whether the kubeconfig says that it enters as that role.
    pub is_written: bool,
    /// The context, where it has a role and none was asked for.
    pub unasked: Option<String>,
    /// Whether the session that the plugin kept for the role is refused, and a new one is not.
    pub is_stale: bool,
}

impl Expected {
    /// Who enters a cluster by this context.
    pub(super) fn new(cluster: &Cluster, context: &str, login: Login) -> Self {
        let written = match login {
            Login::Role(role) => Some(role),
            Login::Caller | Login::InTheNameOf(_) | Login::Unknown => None,
        };
        let is_asked = cluster.role.is_some();
        Self {
            is_written: written.is_some(),
            unasked: (written.is_some() && !is_asked).then(|| context.to_owned()),
            role: cluster.role.clone().or(written),
            is_stale: false,
        }
    }
}

/// Judges the first answer of a server at `url`; `who` is who one is there, where the server says so.
pub fn judge(
    url: &str,
    answer: Result<&ServerVersion, &Trouble>,
    who: Option<&Result<Option<Who>, Failure>>,
    expected: &Expected,
) -> Finding {
    let who = match (answer, who) {
        (Err(trouble), _) => return failed(Check::ApiServer, url, trouble),
        (Ok(_), Some(Err(failure))) => {
            let evidence = format!("{url} answers, and does not say who one is: {failure}");
            return failed_with(Finding::warn(Check::ApiServer, evidence), failure);
        }
        (Ok(_), None) => None,
        (Ok(_), Some(Ok(who))) => who.as_ref(),
    };
    let evidence = who.map_or_else(
        || format!("{url} answers and accepts the token"),
        |who| format!("{url} knows this identity as {}", who.name),
    );
    let Some(role) = &expected.role else {
        return Finding::pass(Check::ApiServer, evidence);
    };
    match who.and_then(|who| is_role(who, role)) {
        Some(false) => {
            let arn = who.and_then(|who| who.arn.as_deref()).unwrap_or_default();
            Finding::fail(
                Check::ApiServer,
                format!("{evidence}, which is {arn} and not {role}"),
            )
            .because("the context enters as another identity")
            .remedy("write it anew with `bootstrap kubeconfig` and the same --role-arn")
        }
        None if !expected.is_written => Finding::warn(
            Check::ApiServer,
            format!("{evidence}; whether that is {role} is not known"),
        )
        .because("neither the kubeconfig nor the server says which role it is")
        .remedy("write a context for the role with `bootstrap kubeconfig`"),
        Some(true) | None if expected.is_stale => Finding::warn(
            Check::ApiServer,
            format!("{evidence}, by a new session; the one that is kept is refused: 401 Unauthorized"),
        )
        .because("the role was made anew or mapped after that session began, and kubectl still enters by it")
        .remedy(format!(
            "wait: a session is kept for {} minutes; or add --cache=false to the arguments of the user",
            MOST_AGE.as_mins()
        )),
        Some(true) | None => match &expected.unasked {
            Some(context) => Finding::warn(
                Check::ApiServer,
                format!("{evidence}, by the context `{context}`, which enters as {role}"),
            )
            .because("no role was given, so nothing else was checked of this one")
            .remedy(format!(
                "give --role-arn {role}, and its --external-id where it asks for one"
            )),
            None => Finding::pass(Check::ApiServer, evidence),
        },
    }
}

/// Whether this is the role; none where the server tells no ARN. The name that a role has in a
/// cluster may be any (`aws-auth`, access entries), so it proves a role and never another.
fn is_role(who: &Who, role: &RoleArn) -> Option<bool> {
    let is = |text: &str| {
        let arn: Arn = text.parse().ok()?;
        let session = arn.resource_of("sts", "assumed-role");
        let named = session.and_then(|rest| rest.split('/').next());
        // The server knows no path.
        let named = named.or_else(|| arn.resource_of("iam", "role")?.rsplit('/').next());
        Some(named == Some(role.name.as_str()) && arn.account.as_ref() == Some(&role.account))
    };
    let by_name = is(&who.name).filter(|is_same| *is_same);
    who.arn.as_deref().and_then(is).or(by_name)
}

/// A server at `url` that could not be asked.
pub(super) fn failed(check: Check, url: &str, trouble: &Trouble) -> Finding {
    let evidence = match trouble {
        Trouble::Access(error) => in_one_line(error),
        Trouble::Failure(failure) => format!("{url}: {failure}"),
    };
    trouble.explain(Finding::fail(check, evidence))
}

fn failed_with(finding: Finding, failure: &Failure) -> Finding {
    let finding = match failure.cause() {
        Some(cause) => finding.because(cause),
        None => finding,
    };
    finding.remedy(failure.hint())
}

/// Judges the version of a cluster: as its server says it, else as EKS does.
///
/// A version that nobody tells is a warning: a delegate may start all the same, since its own
/// steps will tell.
pub fn judge_version(
    server: Result<&ServerVersion, String>,
    described: Option<&str>,
    minimum: Minimum,
) -> Finding {
    let (version, evidence) = match (server, described.map(str::parse::<KubernetesVersion>)) {
        (Ok(server), _) => (
            server.version,
            format!("{} ({}), as its server says", server.version, server.full),
        ),
        (Err(reason), Some(Ok(version))) => (
            version,
            format!("{version}, as EKS describes it; its server gave none: {reason}"),
        ),
        (Err(reason), Some(Err(error))) => {
            return unknown(&format!("{reason}; EKS: {error}"));
        }
        (Err(reason), None) => return unknown(&reason),
    };
    if minimum.allows(version) {
        return Finding::pass(Check::Version, evidence);
    }
    let mut finding = Finding::fail(Check::Version, format!("{evidence}; older than {minimum}"))
        .because("the Harness connector for EKS needs Kubernetes 1.22 or newer, and --minimum-kubernetes may ask for more")
        .remedy("upgrade the cluster, one minor version at a time");
    finding.stops = true;
    finding
}

/// A version that is new enough, as EKS says, of a server that could not be asked: a warning with the
/// reason, for it is no use to those who cannot get in.
pub fn unreached(finding: Finding, trouble: &Trouble) -> Finding {
    if finding.state != State::Pass {
        return finding;
    }
    trouble.explain(Finding {
        state: State::Warn,
        ..finding
    })
}

fn unknown(reason: &str) -> Finding {
    Finding::warn(
        Check::Version,
        format!("it could not be found out: {reason}"),
    )
    .remedy("see the checks `cluster` and `api-server`")
}

/// Judges what one may do in a namespace.
pub fn judge_rights(namespace: &str, rights: Result<&Rights, &Failure>) -> Finding {
    let pass = |what: String| {
        Finding::pass(
            Check::Permissions,
            format!("{what} in namespace {namespace}"),
        )
    };
    match rights {
        Ok(Rights::All) => pass("everything".to_owned()),
        Ok(Rights::Rules(1)) => pass("what one rule allows".to_owned()),
        Ok(Rights::Rules(count)) => pass(format!("what {count} rules allow")),
        Ok(Rights::Unlisted) => pass("pods can be listed".to_owned()),
        Ok(Rights::None) => Finding::warn(
            Check::Permissions,
            format!("the identity may do nothing in namespace {namespace}"),
        )
        .because("the role is mapped, and no access policy, role or cluster role is bound to it there")
        .remedy(
            "associate an access policy (`aws eks associate-access-policy`), or bind a Kubernetes role to the \
             identity; where it is bound in another namespace alone, all is well",
        ),
        Err(failure) => failed_with(
            Finding::warn(
                Check::Permissions,
                format!("it could not be found out: {failure}"),
            ),
            failure,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(minor: u32) -> ServerVersion {
        ServerVersion {
            version: KubernetesVersion::new(1, minor),
            full: format!("v1.{minor}.2-eks-7f9249a"),
        }
    }

    #[test]
    fn the_version_is_that_of_the_server_else_that_of_eks() {
        let minimum = Minimum::default();
        let none = || Err("no answer".to_owned());
        let (new, old) = (server(31), server(21));
        for (asked, described, state, stops, says) in [
            (
                Ok(&new),
                Some("1.30"),
                State::Pass,
                false,
                "1.31 (v1.31.2-eks-7f9249a), as its server",
            ),
            (Ok(&old), Some("1.31"), State::Fail, true, "older than 1.22"),
            (
                none(),
                Some("1.31"),
                State::Pass,
                false,
                "1.31, as EKS describes it",
            ),
            (none(), Some("1.21"), State::Fail, true, "older than 1.22"),
            (
                none(),
                Some("soon"),
                State::Warn,
                false,
                "`soon` is not a version",
            ),
            (none(), None, State::Warn, false, "no answer"),
        ] {
            let found = judge_version(asked, described, minimum);
            assert_eq!(
                (found.state, found.stops),
                (state, stops),
                "{}",
                found.evidence
            );
            assert!(found.evidence.contains(says), "{}", found.evidence);
        }
    }

    #[test]
    fn every_failure_of_a_server_has_a_next_step() {
        let after = std::time::Duration::from_secs(5);
        let detail = || "x".to_owned();
        for failure in [
            Failure::Unauthorized,
            Failure::Forbidden { detail: detail() },
            Failure::ConnectTimeout { after },
            Failure::NoAnswer { after },
            Failure::Certificate { detail: detail() },
            Failure::NotTls,
            Failure::NotAnApi { detail: detail() },
            Failure::Refused,
            Failure::Unreachable { detail: detail() },
            Failure::Status {
                code: 500,
                detail: detail(),
            },
        ] {
            let message = failure.to_string();
            let found = judge(
                "https://s",
                Err(&failure.into()),
                None,
                &Expected::default(),
            );
            assert_eq!(found.state, State::Fail);
            assert_eq!(found.evidence, format!("https://s: {message}"));
            assert!(found.remedy.is_some(), "{message}");
        }
    }

    const ROLE: &str = "arn:aws:iam::111122223333:role/ci/deployer";

    fn who(name: &str, arn: Option<&str>) -> Who {
        Who {
            name: name.to_owned(),
            arn: arn.map(str::to_owned),
        }
    }

    #[test]
    fn who_one_is_is_shown_where_the_server_says_so() {
        let version = server(31);
        let check = |who: Option<Result<Option<Who>, Failure>>, state: State, says: &str| {
            let found = judge(
                "https://s",
                Ok(&version),
                who.as_ref(),
                &Expected::default(),
            );
            assert_eq!(found.state, state);
            assert!(found.evidence.contains(says), "{}", found.evidence);
        };
        check(
            Some(Ok(Some(who("deployer", None)))),
            State::Pass,
            "as deployer",
        );
        check(Some(Ok(None)), State::Pass, "accepts the token");
        check(None, State::Pass, "accepts the token");
        check(Some(Err(Failure::Unauthorized)), State::Warn, "401");
    }

    #[test]
    fn another_identity_than_the_role_fails_and_an_unknown_one_warns() {
        let version = server(31);
        let check = |who: Option<Who>, is_written, state| {
            let expected = Expected {
                role: Some(ROLE.parse().unwrap()),
                is_written,
                ..Expected::default()
            };
            let found = judge("https://s", Ok(&version), Some(&Ok(who)), &expected);
            assert_eq!(found.state, state, "{}", found.evidence);
        };
        let session = "arn:aws:sts::111122223333:assumed-role/deployer/pod";
        for is_written in [true, false] {
            for arn in [session, "arn:aws:iam::111122223333:role/deployer"] {
                check(Some(who("admin", Some(arn))), is_written, State::Pass);
                check(Some(who(arn, None)), is_written, State::Pass);
            }
            for arn in [
                "arn:aws:sts::111122223333:assumed-role/other/deployer",
                "arn:aws:sts::444455556666:assumed-role/deployer/pod",
                "arn:aws:iam::111122223333:user/deployer",
            ] {
                check(Some(who("admin", Some(arn))), is_written, State::Fail);
            }
        }
        // What proves nothing.
        let user = "arn:aws:iam::111122223333:user/x";
        for who in [Some(who("admin", None)), Some(who(user, None)), None] {
            check(who.clone(), true, State::Pass);
            check(who, false, State::Warn);
        }
    }

    #[test]
    fn a_role_that_nobody_asked_for_is_a_warning_with_its_name() {
        let cluster: Cluster = "payments".parse().unwrap();
        let login = Login::Role(ROLE.parse().unwrap());
        let expected = Expected::new(&cluster, "prod", login);
        let found = judge("https://s", Ok(&server(31)), Some(&Ok(None)), &expected);
        assert_eq!(found.state, State::Warn);
        let remedy = found.remedy.unwrap();
        assert!(remedy.contains(ROLE), "{remedy}");
        assert!(found.evidence.contains("`prod`"), "{}", found.evidence);
    }

    #[test]
    fn an_identity_that_may_do_nothing_is_a_warning() {
        for (rights, state) in [
            (Rights::All, State::Pass),
            (Rights::Rules(1), State::Pass),
            (Rights::Rules(7), State::Pass),
            (Rights::Unlisted, State::Pass),
            (Rights::None, State::Warn),
        ] {
            assert_eq!(judge_rights("default", Ok(&rights)).state, state);
        }
        assert_eq!(
            judge_rights("default", Err(&Failure::Unauthorized)).state,
            State::Warn
        );
    }
}
