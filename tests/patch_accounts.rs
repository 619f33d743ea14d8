//! `bootstrap patch`: which account a delegate gets, whose rights it takes, and that all of it is given
//! back.

use crate::patch::{DEPLOYMENT, ROLE, SMALL};
use crate::world::{Run, World};

fn patch(text: &str, args: &[&str]) -> Run {
    let world = World::new();
    world.write("work/m.yaml", text);
    world.bootstrap(&[&["patch", "m.yaml"], args].concat())
}

fn irsa(text: &str, more: &[&str]) -> Run {
    patch(text, &[&["--irsa-role-arn", ROLE], more].concat())
}

fn remove(text: &str) -> String {
    patch(text, &["--remove"]).exits(0).stdout
}

/// A binding of these subjects, `name@namespace`, in a document of its own.
fn binding(name: &str, subjects: &[&str]) -> String {
    let subjects = subjects.iter().map(|subject| {
        let (account, namespace) = subject.split_once('@').unwrap();
        format!("- kind: ServiceAccount\n  name: {account}\n  namespace: {namespace}\n")
    });
    let subjects: String = subjects.collect();
    format!("---\nkind: ClusterRoleBinding\nmetadata:\n  name: {name}\nsubjects:\n{subjects}")
}

const NAMESPACE: &str = "---\nkind: Namespace\nmetadata:\n  name: elsewhere\n";

#[test]
fn a_binding_that_has_nothing_to_do_with_the_delegate_does_not_tell_its_account() {
    let own = binding("own", &["default@ng"]);
    for other in [
        binding("other", &["prometheus@monitoring"]),
        binding("other", &["prometheus@elsewhere"]) + NAMESPACE,
        binding("other", &["ci@ng"]),
    ] {
        let run = irsa(&format!("{SMALL}{own}{other}"), &[]).exits(0);
        assert!(
            run.stdout.contains("      serviceAccountName: payments\n"),
            "{run}"
        );
        assert!(run.stdout.ends_with(&other), "{run}");
        assert_eq!(run.stderr, "");
    }
    let beside = binding("own", &["default@ng", "ci@ng"]);
    let run = irsa(&format!("{SMALL}{beside}"), &[]).exits(0);
    assert!(
        run.stdout.contains("serviceAccountName: payments\n"),
        "{run}"
    );
    // Nothing is known of a namespace that is not in the files.
    let run = irsa(
        &format!("{SMALL}{}", binding("other", &["prometheus@monitoring"])),
        &[],
    );
    assert!(
        run.stdout.contains("serviceAccountName: payments\n"),
        "{run}"
    );
}

#[test]
fn an_account_that_a_binding_tells_is_named_with_the_binding() {
    // As in the sample of the connector's reference: the binding's namespace is made, and another one
    // than the workload's.
    let text = format!("{SMALL}{}{NAMESPACE}", binding("b", &["cdp@elsewhere"]));
    let run = irsa(&text, &[])
        .exits(0)
        .says("Deployment `payments` runs as ServiceAccount `cdp`, which ClusterRoleBinding `b` names")
        .says("choose another with --service-account");
    assert!(run.stdout.contains("serviceAccountName: cdp\n"), "{run}");
    assert!(
        run.stdout.contains("  name: cdp\n  namespace: ng\n"),
        "{run}"
    );
    assert_eq!(irsa(&run.stdout, &[]).exits(0).stderr, "");
    assert_eq!(remove(&run.stdout), text);
    let replaced = irsa(&text, &["--replace-subject"]).exits(0).stdout;
    assert!(
        !replaced.contains("name: cdp\n  namespace: elsewhere"),
        "{replaced}"
    );
    assert_eq!(remove(&replaced), text);
}

#[test]
fn replacing_the_subject_leaves_the_rights_of_others_alone_and_is_taken_back() {
    for (subjects, left) in [
        (&["default@ng", "ci@ci"][..], "name: ci\n  namespace: ci\n"),
        (&["default@ng", "ci@ng"], "name: ci\n  namespace: ng\n"),
        (&["ci@ng", "default@ng"], "name: ci\n  namespace: ng\n"),
        (
            &["default@ng", "default@elsewhere"],
            "name: default\n  namespace: elsewhere\n",
        ),
        (&["default@elsewhere"], "kind: ClusterRoleBinding"),
        (&["payments@ng", "default@ng", "ci@ng"], "name: ci\n"),
        (&["default@ng", "ci@ng", "payments@ng"], "name: ci\n"),
    ] {
        for account in ["payments", "ci"] {
            let text = format!("{SMALL}{}", binding("b", subjects));
            let account = format!("--service-account={account}");
            let args = ["--replace-subject", account.as_str()];
            let there = irsa(&text, &args).exits(0).stdout;
            assert!(there.contains(left), "{subjects:?} {account}\n{there}");
            assert!(!there.contains("name: default\n  namespace: ng"), "{there}");
            assert_eq!(irsa(&there, &args).exits(0).stdout, there);
            assert_eq!(remove(&there), text, "{subjects:?} {account}");
        }
    }
}

#[test]
fn rights_in_a_namespace_that_was_given_are_taken_back() {
    let nowhere = SMALL.replace("  namespace: ng\n", "");
    let text = nowhere + &binding("b", &["default@ng", "payments@other"]);
    for more in [
        &["--namespace=ng"][..],
        &["--namespace=ng", "--replace-subject"],
    ] {
        let there = irsa(&text, more).exits(0).stdout;
        assert!(
            there.contains("  name: payments\n  namespace: ng\n"),
            "{there}"
        );
        assert_eq!(remove(&there), text);
    }
}

#[test]
fn bindings_of_one_name_are_told_apart() {
    let role = "---\nkind: RoleBinding\nmetadata: {name: b, namespace: ng}\nsubjects:\n- kind: ServiceAccount\n  name: payments\n  namespace: ng\n";
    let text = format!("{SMALL}{}{role}", binding("b", &["default@ng"]));
    let there = irsa(&text, &["--service-account=payments"]).exits(0).stdout;
    assert_eq!(remove(&there), text);
}

#[test]
fn another_account_takes_the_place_of_that_of_an_earlier_patch_and_of_all_its_rights() {
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: payments\n  namespace: harness-delegate-ng\n---\n";
    let with_account = format!("{account}{DEPLOYMENT}");
    let other = ["--service-account=x", "--region=us-east-1"];
    for (text, first) in [
        (DEPLOYMENT, &["--service-account=second"][..]),
        (
            DEPLOYMENT,
            &["--service-account=second", "--replace-subject"],
        ),
        (&with_account, &[]),
        (&with_account, &["--replace-subject"]),
        (&with_account, &["--startup-budget=900"]),
    ] {
        let there = irsa(text, first).exits(0).stdout;
        let moved = irsa(&there, &other).exits(0);
        assert!(moved.stdout.contains("serviceAccountName: x\n"), "{moved}");
        for gone in [
            "name: second\n",
            "name: payments\n    namespace: harness-delegate-ng\nroleRef",
        ] {
            assert!(!moved.stdout.contains(gone), "{gone}\n{moved}");
        }
        assert_eq!(moved.stdout.matches("role-arn").count(), 1, "{moved}");
        assert_eq!(irsa(&moved.stdout, &other).exits(0).stdout, moved.stdout);
        assert_eq!(remove(&moved.stdout), text, "{first:?}");
    }
    let there = irsa(DEPLOYMENT, &[]).exits(0).stdout;
    irsa(&there, &other).exits(0).says(
        "ServiceAccount `payments` of an earlier patch is taken out, as Deployment `payments` no longer runs as it",
    );
}

#[test]
fn an_account_that_others_run_as_is_left_to_them() {
    let there = irsa(SMALL, &[]).exits(0).stdout;
    let sibling = "---\nkind: Deployment\nmetadata: {name: s, namespace: ng}\nspec: {template: {spec: {serviceAccountName: payments}}}\n";
    let run = irsa(&format!("{there}{sibling}"), &["--service-account=x"])
        .exits(0)
        .says("ServiceAccount `payments` stays: Deployment `s` runs as it");
    assert!(
        run.stdout
            .contains("  name: payments\n  namespace: ng\n  labels"),
        "{run}"
    );
    assert!(
        run.stdout.contains("      serviceAccountName: x\n"),
        "{run}"
    );
}

#[test]
fn a_name_that_no_account_can_have_is_refused() {
    for (from, to, words) in [
        (
            "name: payments",
            "name: PUT_YOUR_DELEGATE_NAME",
            "m.yaml:4:9: `PUT_YOUR_DELEGATE_NAME` is not the name of a ServiceAccount",
        ),
        (
            "name: payments",
            "generateName: payments-",
            "m.yaml:4:3: `` is not the name of a ServiceAccount",
        ),
        (
            "    spec:\n",
            "    spec:\n      serviceAccountName: Payments_X\n",
            "m.yaml:9:27: `Payments_X` is not the name",
        ),
    ] {
        let run = irsa(&SMALL.replace(from, to), &[])
            .exits(6)
            .says(words)
            .says("hint: correct it, or name the account with --service-account");
        assert_eq!(run.stdout, "");
    }
    let named = SMALL.replace("name: payments", "generateName: payments-");
    irsa(&named, &["--service-account=payments"]).exits(0);
    let bound = format!("{SMALL}{}", binding("b", &["Mine_X@ng"]));
    irsa(&bound, &[])
        .exits(6)
        .says("m.yaml:20:9: `Mine_X` is not the name");
}

#[test]
fn in_a_list_an_account_is_taken_out_and_its_neighbours_are_not_touched() {
    let neighbour = "kind: HorizontalPodAutoscaler\nmetadata:\n  name: hpa\n  namespace: ng\n  annotations:\n    team: payments\n    pager: keep-me\n";
    let binding = "kind: ClusterRoleBinding\nmetadata:\n  name: b\nsubjects:\n- kind: ServiceAccount\n  name: default\n  namespace: ng\n";
    let items = [binding, SMALL, neighbour].map(|item| {
        let item: String = item
            .split_inclusive('\n')
            .flat_map(|line| ["  ", line])
            .collect();
        format!("- {}", &item[2..])
    });
    let list = format!("apiVersion: v1\nkind: List\nitems:\n{}", items.concat());
    let read: serde_json::Value = serde_yaml::from_str(&list).unwrap();
    let json = format!("{}\n", serde_json::to_string_pretty(&read).unwrap());
    for text in [&list, &json] {
        for more in [&[][..], &["--region=us-east-1", "--delivery=image"]] {
            let there = irsa(text, more).exits(0).stdout;
            assert!(there.contains("bootstrap-patch"), "{there}");
            let back = remove(&there);
            let same: serde_json::Value = serde_yaml::from_str(&back).unwrap();
            assert_eq!(same, read, "{back}");
            assert_eq!(remove(&back), back);
        }
    }
    assert_eq!(remove(&irsa(&list, &["--region=us-east-1"]).stdout), list);
}

#[test]
fn what_is_wrong_beside_a_former_account_is_found_in_the_line_of_the_file() {
    let prefix = "        - {name: BOOTSTRAP_PREFIX, value: a b}\n";
    let text = SMALL.replace("        env:\n", &format!("        env:\n{prefix}"));
    let there = irsa(&text, &[]).exits(0).stdout;
    let (before, _) = there.split_once(prefix).unwrap();
    let line = before.lines().count() + 1;
    assert_ne!(line, text.split_once(prefix).unwrap().0.lines().count() + 1);
    irsa(&there, &["--service-account=other", "--delivery=image"])
        .exits(6)
        .says(&format!("m.yaml:{line}:43: `a b` cannot be the prefix"))
        .says(&format!("{line} | {}", prefix.trim_end()));
}
