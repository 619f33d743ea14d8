//! `bootstrap patch` on values of the Helm chart, and on what the chart renders.

use insta::assert_snapshot;

use crate::patch::ROLE;
use crate::world::{Run, World};

const VALUES: &str = "accountId: abc\ndelegateName: payments\n";
const INIT_CONTAINER: [&str; 3] = ["--tools=aws-cli", "--bootstrap-image", "r.test/bootstrap:1"];

fn patch(text: &str, args: &[&str]) -> Run {
    let world = World::new();
    world.write("work/values.yaml", text);
    world.bootstrap(&[&["patch", "values.yaml"], args].concat())
}

fn patched(text: &str, args: &[&str]) -> String {
    let run = patch(text, args).exits(0);
    let again = patch(&run.stdout, args).exits(0);
    assert_eq!(again.stdout, run.stdout, "the second run changed something");
    run.stdout
}

#[test]
fn values_are_patched_in_the_terms_of_the_chart() {
    let args = [
        &INIT_CONTAINER[..],
        &[
            "--irsa-role-arn",
            ROLE,
            "--service-account=mine",
            "--region=us-east-1",
            "--startup-budget=500",
        ],
    ]
    .concat();
    assert_snapshot!(patched(VALUES, &args), @r#"
    accountId: abc
    delegateName: payments
    serviceAccount:
      annotations:
        eks.amazonaws.com/role-arn: arn:aws:iam::111122223333:role/harness/delegate
      name: mine
    custom_envs:
      - name: AWS_REGION
        value: us-east-1
      - name: AWS_DEFAULT_REGION
        value: us-east-1
    startupProbe:
      failureThreshold: 49
    custom_volumes:
      - name: bootstrap
        emptyDir: {}
    custom_mounts:
      - name: bootstrap
        mountPath: "/opt/harness-delegate/bootstrap"
    custom_init_containers:
      - name: bootstrap
        image: r.test/bootstrap:1
        command:
          - bootstrap
          - init
          - "--tools"
          - aws-cli
        env:
          - name: BOOTSTRAP_PREFIX
            value: "/opt/harness-delegate/bootstrap"
          - name: AWS_REGION
            value: us-east-1
          - name: AWS_DEFAULT_REGION
            value: us-east-1
        volumeMounts:
          - name: bootstrap
            mountPath: "/opt/harness-delegate/bootstrap"
    initScript: |
      # >>> bootstrap patch: this part is made anew whenever it runs >>>
      case ":${PATH-}:" in *:/opt/harness-delegate/bootstrap/bin:*) ;; *) export PATH=/opt/harness-delegate/bootstrap/bin"${PATH:+:$PATH}" ;; esac
      # <<< bootstrap patch <<<
    delegateAnnotations:
      bootstrap-patch/record: "account:eks.amazonaws.com/role-arn pod:name env:AWS_REGION env:AWS_DEFAULT_REGION mark:probe startupProbe:failureThreshold env:initScript mark:annotations"
    "#);
}

#[test]
fn values_of_an_umbrella_chart_are_below_the_name_of_the_chart() {
    let nested = format!(
        "harness-delegate-ng:\n{}",
        VALUES
            .replace("accountId", "  accountId")
            .replace("delegateN", "  delegateN")
    );
    let text = patched(&nested, &["--irsa-role-arn", ROLE]);
    assert_eq!(
        text,
        format!(
            "{nested}  serviceAccount:\n    annotations:\n      eks.amazonaws.com/role-arn: {ROLE}\n  delegateAnnotations:\n    bootstrap-patch/record: \"account:eks.amazonaws.com/role-arn mark:annotations\"\n"
        )
    );
}

#[test]
fn a_script_and_lists_that_are_there_are_kept() {
    let text = format!(
        "{VALUES}initScript: |-\n  echo mine\ncustom_envs: # none\ncustom_volumes: []\ncustom_mounts:\n- name: a\n  mountPath: /a\n"
    );
    let args = ["--delivery=image", "--tools=aws-cli", "--fargate"];
    let text = patched(&text, &args);
    assert!(
        text.contains("# <<< bootstrap patch <<<\n  echo mine\n"),
        "{text}"
    );
    assert!(
        text.contains("custom_envs: # none\n- name: AWS_EC2_METADATA_DISABLED\n"),
        "{text}"
    );
    assert!(
        text.contains("- name: a\n  mountPath: /a\n- name: bootstrap\n"),
        "{text}"
    );
}

#[test]
fn what_was_put_into_values_is_taken_out_again() {
    let all = [
        &INIT_CONTAINER[..],
        &["--irsa-role-arn", ROLE, "--region=us-east-1"],
    ]
    .concat();
    let others = "serviceAccount:\n  annotations: {}\ninitScript: \"\"\ncustom_envs:\n- name: A\n  value: b\n";
    for text in [
        &format!("{VALUES}{others}"),
        &format!("{VALUES}initScript: echo\nserviceAccount:\n  create: true\n"),
    ] {
        let there = patched(text, &all);
        assert_eq!(&patched(&there, &["--remove"]), text);
    }
}

#[test]
fn what_the_chart_would_pass_over_is_said_or_refused() {
    let text = format!("{VALUES}customEnvs: []\nserviceAccount: {{create: false}}\n");
    patch(&text, &["--fargate"])
        .exits(0)
        .says("values.yaml:3:1: the chart has no `customEnvs`");
    patch(&text, &["--irsa-role-arn", ROLE])
        .exits(6)
        .says("values.yaml:4:26: the chart makes no ServiceAccount");
    patch(VALUES, &["--irsa-role-arn", ROLE, "--replace-subject"])
        .exits(2)
        .says("k8sPermissionsType");
    patch(VALUES, &["--irsa-role-arn", ROLE, "--delegate=other"])
        .exits(2)
        .says("there is payments");
    let two = format!("{VALUES}---\n{}", VALUES.replace("payments", "orders"));
    patch(&two, &["--fargate"])
        .exits(2)
        .says("payments, orders");
    assert!(
        patched(&two, &["--fargate", "--delegate=orders"]).starts_with(&format!("{VALUES}---\n"))
    );
    patch("accountId: a\nreplicas: 1\n", &["--fargate"])
        .exits(6)
        .says("no delegate was found");
}
