//! `bootstrap lint` on values of the Helm chart.

use crate::lint::{findings, lint};
use crate::patch::ROLE;

const VALUES: &str = "accountId: abc\ndelegateName: payments\n";

/// Values with more lines, the first of which is line 3.
fn with(lines: &str) -> String {
    format!("{VALUES}{lines}")
}

/// Values with a role, whose line is line 5.
fn role(role: &str, lines: &str) -> String {
    with(&format!(
        "serviceAccount:\n  annotations:\n    eks.amazonaws.com/role-arn: {role}\n{lines}"
    ))
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one table")]
fn each_fault_is_found_at_its_place() {
    let env = "custom_envs:\n- name: ";
    let all: [(String, &[&str]); 22] = [
        (
            with("initScript: |\n  echo\n  // no\n"),
            &["5:3 script-comment"],
        ),
        (
            with("initScript: |\n  unzip a\n  exit 1\n"),
            &["4:3 script-unzip", "5:3 script-exit"],
        ),
        (
            with("initScript: |\n  curl -o a https://h.test/a\n"),
            &["4:3 script-checksum"],
        ),
        (
            with(
                "initScript: |\n  microdnf install a\ndelegateSecurityContext: {runAsUser: 1001}\n",
            ),
            &["4:3 script-packages"],
        ),
        (
            with("initScript: |\n  microdnf install a\nsecurityContext: {runAsRoot: false}\n"),
            &["4:3 script-packages"],
        ),
        (
            with(
                "initScript: |\n  curl -o a https://h.test/amd64\n  sha256sum a\nnodeSelector: {kubernetes.io/arch: arm64}\n",
            ),
            &["4:3 script-arch"],
        ),
        (
            with("initScript: bootstrap init\n"),
            &["3:13 prefix-volume"],
        ),
        (
            with("initScript: echo\nstartupProbe:\n  failureThreshold: 10\n"),
            &["5:3 startup-budget"],
        ),
        (with("delegateToken: abc\n"), &["3:16 plaintext-credential"]),
        (with("delegateToken: YOUR_TOKEN\n"), &["3:16 placeholder"]),
        (
            with("proxyHost: h.test\nproxyPassword: YQ==\n"),
            &["4:16 plaintext-credential"],
        ),
        (
            with("upgrader: {upgraderToken: abc}\n"),
            &["3:27 plaintext-credential"],
        ),
        (
            with(&format!("{env}SOME_PASSWORD\n  value: a\n")),
            &["5:10 plaintext-credential"],
        ),
        (
            with(&format!("{env}A\n  value: a\n- name: A\n  value: b\n")),
            &["6:9 variable-twice"],
        ),
        (
            with("delegateDockerImage: harness/delegate\n"),
            &["3:22 image-unpinned"],
        ),
        (
            with("delegateDockerImage: r.test/mine:1\n"),
            &["3:22 upgrader-image"],
        ),
        (
            role("arn:aws:iam::111122223333:user/u", ""),
            &["5:33 role-arn"],
        ),
        (
            role(ROLE, &format!("{env}AWS_REGION\n  value: cn-north-1\n")),
            &["8:10 role-partition"],
        ),
        (
            role(
                ROLE,
                &format!(
                    "{env}AWS_ACCESS_KEY_ID\n  valueFrom: {{secretKeyRef: {{name: a, key: b}}}}\n"
                ),
            ),
            &["7:3 static-keys"],
        ),
        (
            role(
                ROLE,
                &format!("{env}BOOTSTRAP_CREDENTIALS\n  value: iam-role\n"),
            ),
            &["8:10 credentials-kind"],
        ),
        (
            role(ROLE, "").replace("serviceAccount:", "serviceAccount:\n  create: false"),
            &["6:33 account-unused"],
        ),
        (
            with(&format!(
                "delegateAnnotations: {{eks.amazonaws.com/role-arn: {ROLE}}}\n"
            )),
            &["3:23 annotation-misplaced"],
        ),
    ];
    for (text, expected) in all {
        assert_eq!(findings(&text), expected, "{text}");
    }
}

#[test]
fn an_empty_volume_over_the_delegate_is_found() {
    let text = with(
        "custom_mounts:\n- {name: a, mountPath: /opt}\ncustom_volumes:\n- {name: a, emptyDir: {}}\n",
    );
    assert_eq!(findings(&text), ["4:24 mount-hides-delegate"], "{text}");
}

#[test]
fn what_the_chart_would_render_wrongly_is_found_too() {
    let env = "custom_envs:\n- name: ";
    let all: [(String, &[&str]); 4] = [
        (
            with(&format!("{env}A\n  value: true\n")),
            &["5:10 unquoted"],
        ),
        (
            role(ROLE, "").replace("role-arn:", "role_arn:"),
            &["5:5 annotation-misplaced"],
        ),
        (
            role(ROLE, "initScript: |\n  export AWS_ACCESS_KEY_ID=a\n"),
            &["7:3 static-keys"],
        ),
        (
            with(&format!("{env}A\n  value: http://u:p@h.test\n")),
            &["5:10 plaintext-credential"],
        ),
    ];
    for (text, expected) in all {
        assert_eq!(findings(&text), expected, "{text}");
    }
}

#[test]
fn values_that_are_right_have_no_fault() {
    for lines in [
        "",
        "initScript: \"\"\nexistingDelegateToken: a\nupgrader: {enabled: false}\ndelegateDockerImage: r.test/mine:1\n",
        "initScript: microdnf install a\n",
        "initScript: bootstrap init\ncustom_mounts: [{name: a, mountPath: /opt/harness-delegate/bootstrap}]\ncustom_volumes: [{name: a, emptyDir: {}}]\n",
        "custom_envs:\n- {name: AWS_ACCESS_KEY_ID, value: \"\"}\n",
    ] {
        let text = with(lines);
        assert_eq!(findings(&text), Vec::<String>::new(), "{text}");
    }
    assert_eq!(findings(&role(ROLE, "")), Vec::<String>::new());
}

#[test]
fn values_below_the_name_of_the_chart_are_found_and_a_comment_silences() {
    let nested =
        "harness-delegate-ng:\n  accountId: a\n  delegateName: b\n  initScript: |\n    exit 0\n";
    assert_eq!(findings(nested), ["5:5 script-exit"]);
    let silent = nested.replace(
        "exit 0",
        "exit 0 # bootstrap lint: ignore script-exit: wanted",
    );
    let run = lint(&silent, &[]).exits(0);
    assert!(!run.stderr.contains("no delegate"), "{run}");
}
