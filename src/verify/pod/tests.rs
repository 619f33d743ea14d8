use jiff::Timestamp;

use super::super::State;
use super::super::irsa::AUDIENCE;
use super::*;
use crate::cluster::pod::{Setting, TokenVolume};

const ROLE: &str = "arn:aws:iam::111122223333:role/delegate";
const FILE: &str = "/var/run/secrets/eks.amazonaws.com/serviceaccount/token";

fn time(day: u8) -> Option<Timestamp> {
    format!("2026-01-{day:02}T00:00:00Z").parse().ok()
}

fn account() -> Account {
    Account {
        role: Some(ROLE.to_owned()),
        created: time(1),
        annotated: time(2),
        ..Account::default()
    }
}

fn container() -> Container {
    Container {
        name: "delegate".to_owned(),
        role: Some(Setting::Value(ROLE.to_owned())),
        token_file: Some(Setting::Value(FILE.to_owned())),
        mounts: vec![(
            "aws-iam-token".to_owned(),
            FILE.trim_end_matches("/token").to_owned(),
        )],
        ..Container::default()
    }
}

fn bare() -> Container {
    Container {
        name: "delegate".to_owned(),
        ..Container::default()
    }
}

fn pod(container: Container) -> Pod {
    Pod {
        name: "d-0".to_owned(),
        namespace: "harness".to_owned(),
        account: "delegate".to_owned(),
        created: time(3),
        containers: vec![container],
        tokens: vec![TokenVolume {
            volume: "aws-iam-token".to_owned(),
            audience: AUDIENCE.to_owned(),
            path: "token".to_owned(),
            seconds: Some(86400),
        }],
        ..Pod::default()
    }
}

fn unread(failure: &Failure) -> Unread<'_> {
    Unread {
        failure,
        url: "https://localhost",
    }
}

/// The states of account, annotation, variables, token and age.
#[track_caller]
fn check(pod: &Pod, account: &Account, kind: Option<CredentialKind>, expected: &str) -> String {
    let found = judge(pod, Ok(account), kind);
    let states: Vec<_> = found.iter().map(|found| found.state.to_string()).collect();
    assert_eq!(states.join(" "), expected, "{found:#?}");
    for found in &found {
        let is_well = matches!(found.state, State::Pass | State::Skip);
        assert_eq!(found.remedy.is_none(), is_well, "{found:?}");
    }
    let said = found
        .into_iter()
        .flat_map(|found| [found.evidence, found.cause.unwrap_or_default()]);
    said.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_pod_with_all_that_the_webhook_puts_in_passes() {
    check(
        &pod(container()),
        &account(),
        None,
        "pass pass pass pass pass",
    );
    check(
        &pod(container()),
        &account(),
        Some(CredentialKind::Irsa),
        "pass pass pass pass pass",
    );
}

#[test]
fn a_pod_without_the_variables_is_older_than_what_should_have_set_them() {
    let says = check(&pod(bare()), &account(), None, "pass pass fail skip warn");
    assert!(says.contains("age is not the cause"), "{says}");
    let older = Pod {
        created: time(1),
        ..pod(bare())
    };
    let says = check(&older, &account(), None, "pass pass fail skip fail");
    assert!(says.contains("older than the annotation"), "{says}");
    let anew = Account {
        created: time(5),
        annotated: None,
        ..account()
    };
    let says = check(&pod(bare()), &anew, None, "pass pass fail skip fail");
    assert!(says.contains("its service account at 2026-01-05"), "{says}");
    let unknown = Account {
        annotated: None,
        ..account()
    };
    let says = check(&pod(bare()), &unknown, None, "pass pass fail skip warn");
    assert!(says.contains("does not say when"), "{says}");
    let skipped = Pod {
        skipped: vec!["delegate".to_owned()],
        ..pod(bare())
    };
    let says = check(&skipped, &account(), None, "pass pass fail skip warn");
    assert!(says.contains("skip-containers"), "{says}");
}

#[test]
fn a_role_that_is_not_that_of_the_annotation_takes_a_restart() {
    let other = Account {
        role: Some("arn:aws:iam::111122223333:role/other".to_owned()),
        annotated: time(4),
        ..account()
    };
    let says = check(&pod(container()), &other, None, "pass pass fail pass fail");
    assert!(
        says.contains("which is not the role of the annotation"),
        "{says}"
    );
}

#[test]
fn an_account_without_its_annotation_fails_unless_another_kind_is_wanted() {
    let none = Account::default();
    check(&pod(bare()), &none, None, "pass fail skip skip skip");
    check(
        &pod(bare()),
        &none,
        Some(CredentialKind::IamRole),
        "pass pass skip skip skip",
    );
    check(&pod(container()), &none, None, "pass pass pass pass skip");
    let identity = Container {
        has_pod_identity: true,
        ..bare()
    };
    check(&pod(identity), &none, None, "pass pass skip skip skip");
    let misspelt = Account {
        misspelt: Some("eks.amazon.com/role-arn".to_owned()),
        ..none
    };
    let says = check(&pod(bare()), &misspelt, None, "pass fail skip skip skip");
    assert!(
        says.contains("`eks.amazon.com/role-arn`, which nobody reads"),
        "{says}"
    );
    let invalid = Account {
        role: Some("delegate\u{7}".to_owned()),
        ..account()
    };
    let says = check(&pod(bare()), &invalid, None, "pass fail fail skip warn");
    assert!(says.contains("`delegate` is not an ARN"), "{says}");
}

#[test]
fn the_role_of_the_node_and_irsa_exclude_each_other() {
    let says = check(
        &pod(container()),
        &account(),
        Some(CredentialKind::IamRole),
        "pass pass fail pass pass",
    );
    assert!(says.contains("exclude each other"), "{says}");
}

#[test]
fn half_of_irsa_keys_beside_it_and_a_token_for_somebody_else_are_told() {
    let half = Container {
        token_file: None,
        ..container()
    };
    check(&pod(half), &account(), None, "pass pass fail skip warn");
    let keys = Container {
        has_keys: true,
        ..container()
    };
    check(
        &pod(keys.clone()),
        &account(),
        None,
        "pass pass warn pass pass",
    );
    let irsa = Some(CredentialKind::Irsa);
    check(&pod(keys), &account(), irsa, "pass pass fail pass pass");
    let profile = Container {
        has_profile: true,
        ..container()
    };
    let says = check(&pod(profile), &account(), irsa, "pass pass warn pass pass");
    assert!(says.contains("AWS_PROFILE is set too"), "{says}");
    let mut other = pod(container());
    other.tokens[0].audience = "vault".to_owned();
    check(&other, &account(), None, "pass pass pass fail pass");
    let unmounted = Container {
        mounts: Vec::new(),
        ..container()
    };
    check(
        &pod(unmounted),
        &account(),
        None,
        "pass pass pass fail pass",
    );
    let elsewhere = Container {
        token_file: Some(Setting::Elsewhere),
        ..container()
    };
    check(
        &pod(elsewhere),
        &account(),
        None,
        "pass pass pass skip pass",
    );
    let default = Pod {
        account: "default".to_owned(),
        ..pod(container())
    };
    check(&default, &account(), None, "warn pass pass pass pass");
}

#[test]
fn a_pod_that_is_not_there_is_told_with_names_like_it() {
    let name: PodName = "newdel-5d8f-aaaaa".parse().unwrap();
    let missing = Failure::Status {
        code: 404,
        detail: "not found".to_owned(),
    };
    let forbidden = || Failure::Forbidden {
        detail: "no".to_owned(),
    };
    let check = |names: Option<Result<Vec<String>, Failure>>, says: &str| {
        let found = judge_missing(&name, "harness", unread(&missing), names.as_ref());
        assert_eq!(found.state, State::Fail);
        assert!(found.remedy.as_deref().unwrap().contains(says), "{found:?}");
    };
    let names = ["newdel-5d8f-x2x", "zzz"].map(str::to_owned).to_vec();
    check(Some(Ok(names)), "did you mean newdel-5d8f-x2x?");
    check(Some(Ok(vec!["zzz".to_owned()])), "kubectl get pods");
    check(Some(Ok(vec![])), "--namespace");
    check(Some(Err(forbidden())), "`list` on `pods`");
    check(None, "--namespace");
    let found = judge_missing(&name, "harness", unread(&forbidden()), None);
    assert!(
        found
            .remedy
            .unwrap()
            .contains("resources [pods], verbs [get]")
    );
    let found = judge(&pod(bare()), Err(unread(&forbidden())), None);
    assert!(
        found[1]
            .remedy
            .as_ref()
            .unwrap()
            .contains("resources [serviceaccounts]")
    );
    let found = judge(&pod(bare()), Err(unread(&missing)), None);
    assert_eq!(found[1].state, State::Fail);
}

#[test]
fn what_another_container_has_the_delegate_has_not() {
    let beside = |own: Container| {
        let other = Container {
            name: "istio-proxy".to_owned(),
            ..container()
        };
        Pod {
            containers: vec![other, own],
            ..pod(bare())
        }
    };
    assert!(has_irsa(&beside(container())));
    check(
        &beside(container()),
        &account(),
        None,
        "pass pass pass pass pass",
    );
    let without = beside(bare());
    assert!(!has_irsa(&without));
    let says = check(&without, &account(), None, "pass pass fail skip pass");
    assert!(
        says.contains("the container delegate has no AWS_ROLE_ARN"),
        "{says}"
    );
    let skipped = Pod {
        skipped: vec!["delegate".to_owned()],
        ..without
    };
    let says = check(&skipped, &account(), None, "pass pass fail skip pass");
    assert!(
        says.contains("skip-containers of the pod names it"),
        "{says}"
    );
}
