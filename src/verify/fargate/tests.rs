use super::*;
use crate::aws::FargateSelector;

fn facts(node: Option<&str>, namespace: Option<&str>, has_irsa: Option<bool>) -> Facts {
    Facts {
        node: node.map(str::to_owned),
        namespace: namespace.map(str::to_owned),
        has_irsa,
        ..Facts::default()
    }
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    owned.collect()
}

fn profile(namespace: &str, labels: &[(&str, &str)]) -> FargateProfile {
    FargateProfile {
        name: "serverless".to_owned(),
        is_active: true,
        selectors: vec![FargateSelector {
            namespace: namespace.to_owned(),
            labels: map(labels),
        }],
    }
}

#[track_caller]
fn check(facts: &Facts, profiles: Vec<FargateProfile>, state: State, says: &str) {
    let found = judge(facts, &[Some(Ok(profiles))]);
    assert_eq!(found.state, state, "{}", found.evidence);
    assert!(found.evidence.contains(says), "{}", found.evidence);
    let is_well = matches!(state, State::Pass | State::Skip);
    assert_eq!(found.remedy.is_none(), is_well, "{}", found.evidence);
}

#[test]
fn what_is_known_decides() {
    let fargate = Some("fargate-ip-10-0-0-1.ec2.internal");
    let ours = Some("harness-delegate-ng");
    let all = || vec![profile("harness-*", &[])];
    let (yes, no) = (Some(true), Some(false));
    check(
        &facts(fargate, None, no),
        vec![],
        State::Fail,
        "has no IRSA",
    );
    check(&facts(fargate, None, yes), vec![], State::Pass, "has IRSA");
    let node = Some("ip-10-0-0-1");
    check(&facts(node, None, no), all(), State::Pass, "is not one of");
    check(
        &facts(node, ours, no),
        all(),
        State::Warn,
        "at its next start",
    );
    check(&facts(node, ours, yes), all(), State::Pass, "is not one of");
    let unknown = |has_irsa| facts(None, ours, has_irsa);
    check(
        &unknown(no),
        all(),
        State::Warn,
        "profile `serverless` takes this pod",
    );
    check(&unknown(yes), all(), State::Pass, "has IRSA");
    check(&unknown(None), all(), State::Warn, "needs IRSA");
    let other = vec![profile("other", &[])];
    check(
        &unknown(no),
        other,
        State::Pass,
        "(not the profile `serverless`)",
    );
    check(
        &unknown(no),
        vec![],
        State::Pass,
        "there is no Fargate profile",
    );
    check(
        &facts(None, None, no),
        vec![profile("*", &[])],
        State::Skip,
        "neither",
    );
    assert_eq!(judge(&unknown(no), &[]).state, State::Skip);
    assert_eq!(judge(&unknown(no), &[None]).state, State::Skip);
    let refused = || Some(Err("AccessDenied".to_owned()));
    // What one cluster tells is not all, and still something.
    for other in [None, refused()] {
        let found = judge(&unknown(no), &[other.clone(), Some(Ok(vec![]))]);
        assert_eq!(found.state, State::Skip, "{}", found.evidence);
        let one = judge(&unknown(no), &[Some(Ok(all())), other]);
        assert_eq!(one.state, State::Warn, "{}", one.evidence);
    }
    let refused = judge(&unknown(no), &[refused()]);
    assert_eq!(refused.state, State::Skip);
    assert!(refused.remedy.unwrap().contains("eks:ListFargateProfiles"));
}

#[test]
fn a_pod_must_have_every_label_of_a_selector() {
    let with = |labels: Option<&[(&str, &str)]>| Facts {
        labels: labels.map(map),
        ..facts(None, Some("harness"), Some(false))
    };
    let wanted = || {
        vec![profile(
            "harness",
            &[("infra", "fargate"), ("team", "pay*")],
        )]
    };
    let both = [("infra", "fargate"), ("team", "payments"), ("app", "x")];
    check(&with(Some(&both)), wanted(), State::Warn, "takes this pod");
    check(
        &with(Some(&both[..1])),
        wanted(),
        State::Pass,
        "no Fargate profile takes",
    );
    check(
        &with(Some(&[])),
        wanted(),
        State::Pass,
        "no Fargate profile takes",
    );
    let other = [("infra", "fargate"), ("team", "orders")];
    check(
        &with(Some(&other)),
        wanted(),
        State::Pass,
        "no Fargate profile takes",
    );
    check(&with(None), wanted(), State::Warn, "by labels");
    let safe = Facts {
        has_irsa: Some(true),
        ..with(None)
    };
    check(&safe, wanted(), State::Pass, "it has IRSA");
}

#[test]
fn any_selector_of_any_active_profile_takes_a_pod_unless_the_pod_names_its_profile() {
    let ours = facts(None, Some("harness"), Some(false));
    let mut several = profile("other", &[]);
    several.selectors.extend(profile("h*", &[]).selectors);
    check(&ours, vec![several], State::Warn, "takes this pod");
    let going = FargateProfile {
        is_active: false,
        ..profile("harness", &[])
    };
    check(&ours, vec![going], State::Warn, "no such profile is ACTIVE");
    let second = FargateProfile {
        name: "second".to_owned(),
        ..profile("harness", &[])
    };
    let two = || vec![profile("harness", &[]), second.clone()];
    check(
        &ours,
        two(),
        State::Warn,
        "profiles `serverless`, `second` take",
    );
    let named = |profile: &str| Facts {
        labels: Some(map(&[(PROFILE_LABEL, profile)])),
        ..ours.clone()
    };
    check(
        &named("second"),
        two(),
        State::Warn,
        "profile `second` takes",
    );
    check(
        &named("third"),
        two(),
        State::Pass,
        "no Fargate profile takes",
    );
}

#[test]
fn the_role_of_a_node_is_nothing_to_ask_for_on_fargate() {
    for node in [Some("fargate-ip-10-0-0-1"), None] {
        let wants = Facts {
            wants_node_role: true,
            ..facts(node, Some("harness"), Some(true))
        };
        check(&wants, vec![profile("*", &[])], State::Fail, "has IRSA");
    }
}

#[test]
fn patterns_have_two_wildcards() {
    for (pattern, name, expected) in [
        ("harness", "harness", true),
        ("harness", "harness-ng", false),
        ("har*", "harness", true),
        ("*", "", true),
        ("*ng", "harness-ng", true),
        ("h?rness", "harness", true),
        ("h?rness", "hrness", false),
        ("a*b*c", "aXXbYYc", true),
        ("a*b*c", "aXXcYYb", false),
    ] {
        assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
    }
}

#[test]
fn a_variable_may_name_the_node() {
    let variables = BTreeMap::from([("NODE_NAME".to_owned(), "n".to_owned())]);
    assert_eq!(node_of(&variables).as_deref(), Some("n"));
    assert_eq!(node_of(&BTreeMap::new()), None);
}

#[test]
fn labels_are_read_from_what_the_downward_api_writes() {
    let text = "harness.io/name=\"delegate\"\ninfra=\"fargate\"\n\n";
    let expected = map(&[("harness.io/name", "delegate"), ("infra", "fargate")]);
    assert_eq!(labels_of(text), expected);
}
