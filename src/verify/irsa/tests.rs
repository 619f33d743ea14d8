use serde_json::{Value, json};

use super::super::State;
use super::super::service_account::token;
use super::*;

const ROLE: &str = "arn:aws:iam::111122223333:role/delegate";
const NOW: i64 = 1_700_000_000;

/// The claims of a good token, with these in their place.
fn claims(changes: &Value) -> TokenFile {
    let mut claims = json!({
        "aud": ["sts.amazonaws.com"], "exp": NOW + 86_000, "iat": NOW - 400,
        "iss": "https://oidc.eks.us-east-1.amazonaws.com/id/ABC",
        "sub": "system:serviceaccount:harness-delegate-ng:delegate",
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    TokenFile::Claims(Claims::decode(&token(&claims)).unwrap())
}

fn facts(role: Option<&'static str>, file: Option<TokenFile>) -> Facts<'static> {
    Facts {
        role,
        token: file.map(|file| ("/var/run/token", file)),
        kind: Some(CredentialKind::Irsa),
        region: Some("us-east-1".parse().unwrap()),
        issuers: Vec::new(),
        own_issuer: None,
        now: Timestamp::from_second(NOW).unwrap(),
    }
}

#[test]
fn a_pod_with_everything_passes_and_shows_what_a_trust_policy_must_name() {
    let found = judge(&facts(Some(ROLE), Some(claims(&json!({})))));
    assert_eq!(found.state, State::Pass, "{found:?}");
    assert_eq!(
        found.evidence,
        "arn:aws:iam::111122223333:role/delegate for service account harness-delegate-ng/delegate, issuer \
         oidc.eks.us-east-1.amazonaws.com/id/ABC, token valid for 23 h 53 min"
    );
}

#[test]
fn the_issuer_is_that_of_the_cluster_that_the_pod_runs_in() {
    const ISSUER: &str = "https://oidc.eks.us-east-1.amazonaws.com/id/ABC";
    const OTHER: &str = "https://oidc.eks.us-east-1.amazonaws.com/id/XYZ";
    let judge = |own: Option<&str>, described: &[&str]| {
        let mut facts = facts(Some(ROLE), Some(claims(&json!({}))));
        facts.own_issuer = own.map(str::to_owned);
        facts.issuers = described
            .iter()
            .map(|url| Issuer {
                cluster: "payments".to_owned(),
                url: (*url).to_owned(),
            })
            .collect();
        judge(&facts)
    };
    for (own, described, state, says) in [
        (
            Some(ISSUER),
            &[OTHER, ISSUER][..],
            State::Pass,
            "/id/ABC (cluster payments), token",
        ),
        (
            None,
            &[ISSUER],
            State::Pass,
            "/id/ABC (cluster payments), token",
        ),
        (
            None,
            &[OTHER],
            State::Pass,
            "/id/ABC (none of the clusters here, so IAM needs",
        ),
        (
            Some("kubernetes/serviceaccount"),
            &[],
            State::Pass,
            "/id/ABC, token",
        ),
        (
            Some(OTHER),
            &[ISSUER],
            State::Fail,
            "issued by oidc.eks.us-east-1.amazonaws.com/id/ABC, and this pod runs in",
        ),
    ] {
        let found = judge(own, described);
        assert_eq!(found.state, state, "{found:?}");
        assert!(found.evidence.contains(says), "{found:?}");
    }
    let remedy = judge(Some(OTHER), &[]).remedy.unwrap();
    assert!(
        remedy.contains("OIDC provider for oidc.eks.us-east-1.amazonaws.com/id/XYZ"),
        "{remedy}"
    );
}

#[test]
fn what_is_wrong_is_told_with_cause_and_remedy() {
    let unreadable = |kind: io::ErrorKind| TokenFile::Unreadable(kind, "no".to_owned());
    for (facts, state, says) in [
        (facts(None, None), State::Fail, "are not set"),
        (
            facts(None, Some(claims(&json!({})))),
            State::Fail,
            "AWS_ROLE_ARN is not set",
        ),
        (
            facts(Some(ROLE), None),
            State::Fail,
            "AWS_WEB_IDENTITY_TOKEN_FILE is not set",
        ),
        (
            facts(Some("deployer"), Some(claims(&json!({})))),
            State::Fail,
            "AWS_ROLE_ARN: `deployer` is not an ARN",
        ),
        (
            facts(
                Some("arn:aws-cn:iam::111122223333:role/delegate"),
                Some(claims(&json!({}))),
            ),
            State::Fail,
            "is of partition `aws-cn` and the region us-east-1 of `aws`",
        ),
        (
            facts(
                Some(ROLE),
                Some(unreadable(io::ErrorKind::PermissionDenied)),
            ),
            State::Fail,
            "cannot read `/var/run/token`",
        ),
        (
            facts(Some(ROLE), Some(unreadable(io::ErrorKind::NotFound))),
            State::Fail,
            "cannot read `/var/run/token`",
        ),
        (
            facts(
                Some(ROLE),
                Some(TokenFile::Malformed(Claims::decode("notajwt").unwrap_err())),
            ),
            State::Fail,
            "it is not a token",
        ),
        (
            facts(
                Some(ROLE),
                Some(claims(&json!({"aud": ["https://kubernetes.default.svc"]}))),
            ),
            State::Fail,
            "is for `https://kubernetes.default.svc` and not for `sts.amazonaws.com`",
        ),
        (
            facts(Some(ROLE), Some(claims(&json!({"exp": null})))),
            State::Fail,
            "has no expiry",
        ),
        (
            facts(Some(ROLE), Some(claims(&json!({"exp": NOW})))),
            State::Fail,
            "expired at 2023-11-14T22:13:20Z",
        ),
        (
            facts(Some(ROLE), Some(claims(&json!({"sub": "somebody"})))),
            State::Fail,
            "is that of `somebody`",
        ),
        (
            facts(
                Some(ROLE),
                Some(claims(&json!({"iss": "kubernetes/serviceaccount"}))),
            ),
            State::Fail,
            "issued by `kubernetes/serviceaccount`",
        ),
        (
            facts(
                Some(ROLE),
                Some(claims(&json!({"sub": "system:serviceaccount:ns:default"}))),
            ),
            State::Warn,
            "service account ns/default",
        ),
    ] {
        let found = judge(&facts);
        assert_eq!(found.state, state, "{found:?}");
        assert!(found.evidence.contains(says), "{found:?}");
        assert!(found.remedy.is_some(), "{found:?}");
    }
}

#[test]
fn a_process_without_irsa_is_only_wrong_where_irsa_is_asked_for() {
    let mut facts = facts(None, None);
    facts.kind = None;
    assert_eq!(judge(&facts).state, State::Skip);
}

#[test]
fn the_variables_and_the_file_are_looked_at() {
    let world = tempfile::tempdir().unwrap();
    let path = world.path().join("token");
    let text = token(&json!({"sub": "system:serviceaccount:a:b"}));
    files::replace(&path, text.as_bytes(), 0o600).unwrap();
    let variables = BTreeMap::from([
        ("AWS_ROLE_ARN".to_owned(), ROLE.to_owned()),
        (
            "AWS_WEB_IDENTITY_TOKEN_FILE".to_owned(),
            path.display().to_string(),
        ),
    ]);
    let facts = Facts::look(&variables);
    assert!(is_present(&variables));
    let Some((_, TokenFile::Claims(claims))) = facts.token else {
        panic!("{facts:?}");
    };
    assert_eq!(claims.service_account(), Some(("a", "b")));
    let empty = BTreeMap::from([("AWS_ROLE_ARN".to_owned(), String::new())]);
    assert!(Facts::look(&empty).role.is_none());
}
