//! An API server: whether it answers, which version it is, and what one may do there.

use super::{Check, Finding, State, in_one_line};
use crate::cluster::access;
use crate::cluster::server::{Failure, Rights, ServerVersion};
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

/// Judges the first answer of a server at `url`; `who` is who one is there, where the server says so.
pub fn judge(
    url: &str,
    answer: Result<&ServerVersion, &Trouble>,
    who: Option<&Result<Option<String>, Failure>>,
) -> Finding {
    match (answer, who) {
        (Err(trouble), _) => failed(Check::ApiServer, url, trouble),
        (Ok(_), Some(Ok(Some(name)))) => Finding::pass(
            Check::ApiServer,
            format!("{url} knows this identity as {name}"),
        ),
        (Ok(_), Some(Err(failure))) => failed_with(
            Finding::warn(
                Check::ApiServer,
                format!("{url} answers, and does not say who one is: {failure}"),
            ),
            failure,
        ),
        (Ok(_), None | Some(Ok(None))) => Finding::pass(
            Check::ApiServer,
            format!("{url} answers and accepts the token"),
        ),
    }
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
            let found = judge("https://s", Err(&failure.into()), None);
            assert_eq!(found.state, State::Fail);
            assert_eq!(found.evidence, format!("https://s: {message}"));
            assert!(found.remedy.is_some(), "{message}");
        }
    }

    #[test]
    fn who_one_is_is_shown_where_the_server_says_so() {
        let version = server(31);
        let check = |who: Option<Result<Option<String>, Failure>>, state: State, says: &str| {
            let found = judge("https://s", Ok(&version), who.as_ref());
            assert_eq!(found.state, state);
            assert!(found.evidence.contains(says), "{}", found.evidence);
        };
        check(
            Some(Ok(Some("deployer".into()))),
            State::Pass,
            "as deployer",
        );
        check(Some(Ok(None)), State::Pass, "accepts the token");
        check(None, State::Pass, "accepts the token");
        check(Some(Err(Failure::Unauthorized)), State::Warn, "401");
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
