//! `bootstrap patch --remove`: what was there before comes back, and what is not ours stays.

use crate::patch::{DEPLOYMENT, ROLE, SMALL};
use crate::world::{Run, World};

fn patch(text: &str, args: &[&str]) -> Run {
    let world = World::new();
    world.write("work/m.yaml", text);
    world.bootstrap(&[&["patch", "m.yaml"], args].concat())
}

/// Patches, and takes out again; the second run is the answer.
fn there_and_back(text: &str, args: &[&str]) -> Run {
    let there = patch(text, args).exits(0);
    let again = patch(&there.stdout, args).exits(0);
    assert_eq!(
        again.stdout, there.stdout,
        "the second run changed something"
    );
    let back = patch(&there.stdout, &["--remove"]).exits(0);
    let nothing = patch(&back.stdout, &["--remove"]).exits(0);
    assert_eq!(nothing.stdout, back.stdout, "there was more to take out");
    back
}

fn irsa(more: &[&'static str]) -> Vec<&'static str> {
    [&["--irsa-role-arn", ROLE], more].concat()
}

/// A binding of an account in namespace `ng`.
fn binding(account: &str) -> String {
    format!(
        "---\nkind: ClusterRoleBinding\nmetadata: {{name: b}}\nsubjects:\n- kind: ServiceAccount\n  name: {account}\n  namespace: ng\n"
    )
}

fn with_account(name: &str) -> String {
    SMALL.replace(
        "    spec:\n",
        &format!("    spec:\n      serviceAccountName: {name}\n"),
    )
}

const ACCOUNT: &str =
    "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: mine, namespace: ng}\n---\n";

#[test]
fn the_operators_own_account_comes_back() {
    for (name, more) in [
        ("mine", &[][..]),
        ("mine", &["--service-account=other"]),
        ("mine", &["--service-account=other", "--replace-subject"]),
    ] {
        // It is kept elsewhere, as is usual.
        let text = format!("{}{}", with_account(name), binding(name));
        assert_eq!(there_and_back(&text, &irsa(more)).stdout, text, "{more:?}");
        let old = text.replace("serviceAccountName", "serviceAccount");
        let run = there_and_back(&old, &irsa(more));
        assert_eq!(
            run.stdout.matches("mine").count(),
            old.matches("mine").count(),
            "{run}"
        );
    }
}

#[test]
fn an_account_that_the_bindings_named_before_stays_in_them() {
    let text = format!("{SMALL}{}", binding("mine"));
    assert_eq!(there_and_back(&text, &irsa(&[])).stdout, text);
    let two = text.replace(
        "subjects:\n",
        "subjects:\n- kind: ServiceAccount\n  name: default\n  namespace: ng\n",
    );
    assert_eq!(
        there_and_back(&two, &irsa(&["--service-account=mine"])).stdout,
        two
    );
}

#[test]
fn an_account_that_was_there_loses_what_it_got_and_nothing_else() {
    let text = format!("{ACCOUNT}{SMALL}{}", binding("default"));
    let run = there_and_back(&text, &irsa(&["--service-account=mine"]));
    assert_eq!(run.stdout, text);
    let own = format!("{ACCOUNT}{}", with_account("mine"));
    let run = there_and_back(&own, &irsa(&[]));
    assert_eq!(run.stdout, own);
    run.says("still runs as ServiceAccount `mine`, which was there before and has no role now");
    let role = own.replace(
        "namespace: ng}\n---",
        "namespace: ng, annotations: {eks.amazonaws.com/role-arn: \"arn:aws:iam::1:role/old\", a: b}}\n---",
    );
    assert_eq!(patch(&role, &["--remove"]).exits(0).stdout, role);
    let run = there_and_back(&role, &irsa(&["--token-expiration=3600"]));
    assert_eq!(run.stdout, role);
    run.says("which was there before and has the role that it had now");
}

#[test]
fn an_account_of_an_earlier_patch_is_not_taken_for_the_operators() {
    let earlier = patch(DEPLOYMENT, &irsa(&[])).exits(0).stdout;
    let moved = patch(&earlier, &irsa(&["--service-account=mine"]))
        .exits(0)
        .says("ServiceAccount `payments` of an earlier patch is taken out");
    let back = patch(&moved.stdout, &["--remove"]).exits(0);
    assert_eq!(back.stdout, DEPLOYMENT);
    let again = patch(&back.stdout, &["--remove"]).exits(0);
    assert_eq!(again.stdout, back.stdout);
}

#[test]
fn an_account_that_another_delegate_runs_as_stays() {
    let there = patch(DEPLOYMENT, &irsa(&[])).exits(0).stdout;
    let sibling = "---\nkind: Deployment\nmetadata: {name: orders, namespace: harness-delegate-ng}\nspec: {template: {spec: {serviceAccountName: payments, containers: [{name: delegate}]}}}\n";
    let back = patch(
        &format!("{there}{sibling}"),
        &["--remove", "--delegate=payments"],
    )
    .exits(0)
    .says("ServiceAccount `payments` stays: Deployment `orders` runs as it");
    assert!(
        back.stdout
            .contains("kind: ServiceAccount\nmetadata:\n  name: payments"),
        "{back}"
    );
    assert!(
        back.stdout.contains("    name: payments\n    namespace"),
        "{back}"
    );
    assert_eq!(
        back.stdout.matches("serviceAccountName: payments").count(),
        1
    );
}

#[test]
fn what_was_added_without_a_delivery_is_taken_out_too() {
    let probe = SMALL.replace(
        "        env:\n",
        "        startupProbe: {periodSeconds: 5}\n        env:\n",
    );
    for text in [SMALL, DEPLOYMENT, &probe] {
        for args in [
            &["--region=us-east-1"][..],
            &["--fargate"],
            &["--startup-budget=900"],
            &["--region=us-east-1", "--fargate", "--startup-budget=900"],
        ] {
            for eol in ["\n", "\r\n"] {
                let text = text.replace('\n', eol);
                assert_eq!(there_and_back(&text, args).stdout, text, "{args:?}");
            }
        }
    }
    let none = SMALL.replace(
        "        env:\n        - name: INIT_SCRIPT\n          value: \"\"\n",
        "",
    );
    assert_eq!(there_and_back(&none, &["--region=us-east-1"]).stdout, none);
    let all = ["--region=us-east-1", "--delivery=image", "--fargate"];
    assert_eq!(there_and_back(&none, &all).stdout, none);
}

#[test]
fn variables_that_had_another_value_get_it_back() {
    let text = SMALL.replace(
        "env:\n",
        "env:\n        - name: AWS_REGION\n          value: a = %b\n",
    );
    let there = patch(&text, &["--region=us-east-1"]).exits(0);
    assert!(
        there.stdout.contains("env:AWS_REGION=a%20%3D%20%25b"),
        "{there}"
    );
    let back = there_and_back(&text, &["--region=us-east-1"]).stdout;
    assert_eq!(back.replace("\"a = %b\"", "a = %b"), text);
}

#[test]
fn annotations_that_were_there_stay_as_they_were() {
    for metadata in [
        "metadata:\n  annotations: {}   # none\n",
        "metadata:\n  annotations:\n    a: b\n",
        "metadata:\n  annotations: {a: b}\n",
    ] {
        let text = SMALL.replace("metadata:\n", metadata);
        assert_eq!(there_and_back(&text, &["--fargate"]).stdout, text);
    }
    let empty = with_lists();
    assert_eq!(there_and_back(&empty, &["--delivery=image"]).stdout, empty);
}

/// The small delegate with lists that are empty.
fn with_lists() -> String {
    SMALL.replace("        env:\n", "        volumeMounts: []\n        env:\n")
        + "      volumes: []\n      initContainers: []\n"
}

#[test]
fn what_is_not_known_of_a_script_is_said() {
    for (value, words) in [
        (
            "value: 'echo mine'",
            "INIT_SCRIPT is yours again, word for word",
        ),
        (
            "value: ''",
            "INIT_SCRIPT is empty again, and was not written `\"\"`",
        ),
        (
            "value:",
            "INIT_SCRIPT is empty again, and was not written `\"\"`",
        ),
    ] {
        let text = SMALL.replace("value: \"\"", value);
        there_and_back(&text, &["--delivery=image"]).says(words);
    }
    let run = there_and_back(SMALL, &["--delivery=image"]);
    assert_eq!(run.stderr, "", "{run}");
}

#[test]
fn a_script_that_was_left_alone_is_left_alone_again() {
    let text = SMALL.replace("value: \"\"", "value: echo mine");
    for more in [&[][..], &["--bootstrap-image=r.test/b:1"]] {
        let delivery = if more.is_empty() {
            &["--delivery=image"][..]
        } else {
            more
        };
        let args = [delivery, &["--init-script=keep"]].concat();
        assert_eq!(there_and_back(&text, &args).stdout, text);
    }
}

#[test]
fn of_several_delegates_the_one_that_was_patched_is_found() {
    let both = format!("{SMALL}---\n{}", SMALL.replace("payments", "orders"));
    for args in [&["--fargate"][..], &["--delivery=image"], &irsa(&[])] {
        let there = patch(&both, &[args, &["--delegate=orders"]].concat()).exits(0);
        assert_eq!(
            patch(&there.stdout, &["--remove"]).exits(0).stdout,
            both,
            "{args:?}"
        );
    }
    patch(&both, &["--remove"])
        .exits(2)
        .says("choose one with --delegate");
    let values = "accountId: a\ndelegateName: one\n---\naccountId: a\ndelegateName: two\n";
    let there = patch(values, &["--fargate", "--delegate=two"]).exits(0);
    assert_eq!(patch(&there.stdout, &["--remove"]).exits(0).stdout, values);
}

#[test]
fn rights_in_other_namespaces_are_given_and_taken_back() {
    let elsewhere = "---\nkind: RoleBinding\nmetadata: {name: r, namespace: apps}\nsubjects:\n- kind: ServiceAccount\n  name: default\n  namespace: ng\n";
    let text = format!("{SMALL}{elsewhere}");
    let there = patch(&text, &irsa(&[])).exits(0);
    assert!(
        there
            .stdout
            .ends_with("- kind: ServiceAccount\n  name: payments\n  namespace: ng\n"),
        "{there}"
    );
    assert_eq!(there.stderr, "");
    assert_eq!(there_and_back(&text, &irsa(&[])).stdout, text);
    // The account of that name in the other namespace is another one.
    let other = text.replace(
        "  name: default\n  namespace: ng\n",
        "  name: default\n  namespace: apps\n",
    );
    assert!(
        !patch(&other, &irsa(&[]))
            .exits(0)
            .stdout
            .contains("  name: payments\n  namespace: ng\n-")
    );
    assert!(
        patch(&other, &irsa(&[]))
            .exits(0)
            .stdout
            .ends_with("namespace: apps\n")
    );
    let implied = format!("{SMALL}{}", elsewhere.replace("default", "mine"));
    assert!(
        patch(&implied, &irsa(&[]))
            .stdout
            .contains("serviceAccountName: mine\n")
    );
}

#[test]
fn values_get_back_what_was_there() {
    let args = irsa(&[
        "--region=us-east-1",
        "--startup-budget=900",
        "--service-account=mine",
        "--delivery=image",
    ]);
    let base = "accountId: a\ndelegateName: b\n";
    for more in [
        "",
        "startupProbe:\n  failureThreshold: 20\n",
        "startupProbe:\n  periodSeconds: 5\n",
        "serviceAccount: {}\n",
        "serviceAccount:\n  name: theirs\n",
        "serviceAccount:\n  create: true\n  annotations:\n    eks.amazonaws.com/role-arn: arn:aws:iam::1:role/old\n",
        "custom_envs:\n- name: AWS_REGION\n  value: eu-west-1\n",
        "custom_mounts: []\ncustom_volumes: []\n",
        "delegateAnnotations: {}\n",
    ] {
        let text = format!("{base}{more}");
        assert_eq!(there_and_back(&text, &args).stdout, text, "{more}");
        assert_eq!(there_and_back(&text, &["--fargate"]).stdout, text, "{more}");
    }
    let role =
        format!("{base}serviceAccount:\n  annotations:\n    eks.amazonaws.com/role-arn: {ROLE}\n");
    assert_eq!(patch(&role, &["--remove"]).exits(0).stdout, role);
    let theirs = format!("{base}custom_mounts:\n- {{name: bootstrap, mountPath: /a}}\n");
    patch(&theirs, &["--delivery=image"])
        .exits(2)
        .says("the pod has a volume `bootstrap` already");
    let unknown = format!("{base}ingress: {{}}\nserviceAccount: {{nmae: a}}\n");
    patch(&unknown, &["--fargate"])
        .exits(0)
        .says("m.yaml:3:1: the chart has no `ingress`, which is passed over\n")
        .says("m.yaml:4:18: the chart has no `serviceAccount.nmae`, which is passed over");
}

#[test]
fn what_another_build_recorded_is_refused_and_not_restored_wrongly() {
    let there = patch(SMALL, &irsa(&["--region=us-east-1"])).exits(0).stdout;
    let old = there.replacen("record: \"", "record: \"bound:cluster-admin ", 1);
    assert_ne!(old, there);
    for args in [
        vec!["--remove"],
        irsa(&[]),
        irsa(&["--service-account=other"]),
    ] {
        let run = patch(&old, &args)
            .exits(6)
            .says("`bound:cluster-admin` in bootstrap-patch/record is of another build")
            .says("hint: take the patch out with the build that made it")
            .says("m.yaml:");
        assert_eq!(run.stdout, "");
    }
}
