//! The types of what is in a kubeconfig, held against the oldest and the newest kubectl.

use std::process::Command;

use super::plugins::{copy, kubectl};
use super::{CONFIG, kubeconfig, world};

/// What stands in a cluster, a user and a context, where the newest kubectl reads it.
const READ: [&[&str]; 3] = [
    &[
        "server: null",
        "insecure-skip-tls-verify: yes",
        "disable-compression: on",
        "extensions: [{name: a, extension: 1}]",
        "server: 10.0.0.1:6443",
        "tls-server-name: 12:30",
        "x-mine: [1]",
    ],
    &[
        "token: 2024-01-01",
        "token: '12345'",
        "as-user-extra: {a: [b]}",
        "auth-provider: {name: gcp, config: {a: b}}",
        "exec: {command: x, args: [null], config: 1}",
        "exec: {command: x, env: [null]}",
        "exec:",
    ],
    &["namespace: ~", "namespace: !!str 1"],
];

/// The same where it reads nothing of the file; with the type that is wrong.
const REFUSED: [&[(&str, &str)]; 3] = [
    &[
        ("server: 1", "server` is a number, not text"),
        (
            "insecure-skip-tls-verify: 'true'",
            "insecure-skip-tls-verify` is text, not a boolean",
        ),
        (
            "disable-compression: 1",
            "disable-compression` is a number, not a boolean",
        ),
        ("proxy-url: [a]", "proxy-url` is a list, not text"),
        (
            "tls-server-name: true",
            "tls-server-name` is a boolean, not text",
        ),
        (
            "certificate-authority-data: 12",
            "certificate-authority-data` is a number, not text",
        ),
        (
            "extensions: [{name: 1}]",
            "extensions[0].name` is a number, not text",
        ),
    ],
    &[
        ("token: 12345", "token` is a number, not text"),
        ("as-groups: admins", "as-groups` is text, not a list"),
        ("as-groups: [a, 1]", "as-groups[1]` is a number, not text"),
        ("as-uid: 0x1F", "as-uid` is a number, not text"),
        (
            "as-user-extra: {a: b}",
            "as-user-extra.a` is text, not a list",
        ),
        (
            "auth-provider: gcp",
            "auth-provider` is text, not a mapping",
        ),
        (
            "auth-provider: {name: gcp, config: {a: on}}",
            "auth-provider.config.a` is a boolean, not text",
        ),
        ("exec: x", "exec` is text, not a mapping"),
        (
            "exec: {command: x, args: text}",
            "exec.args` is text, not a list",
        ),
        (
            "exec: {command: x, args: [-i, 1]}",
            "exec.args[1]` is a number, not text",
        ),
        (
            "exec: {command: x, env: [text]}",
            "exec.env[0]` is text, not a mapping",
        ),
        (
            "exec: {command: x, env: {a: b}}",
            "exec.env` is a mapping, not a list",
        ),
        (
            "exec: {command: x, env: [{name: a, value: 1}]}",
            "exec.env[0].value` is a number, not text",
        ),
        (
            "exec: {command: x, provideClusterInfo: 'yes'}",
            "exec.provideClusterInfo` is text, not a boolean",
        ),
        (
            "exec: {command: x, installHint: [a]}",
            "exec.installHint` is a list, not text",
        ),
    ],
    &[
        ("namespace: 1", "namespace` is a number, not text"),
        ("cluster: {}", "cluster` is a mapping, not text"),
    ],
];

#[test]
fn what_kubectl_refuses_is_refused_with_its_place_and_what_it_reads_is_taken() {
    let world = world();
    copy(&world, &kubectl("1.35.2"), "newest");
    let reads = |text: &str| {
        world.write(CONFIG, text);
        let run = Command::new(world.path("newest"))
            .args(["config", "view", "--kubeconfig", &world.text(CONFIG)])
            .env_clear()
            .output();
        run.unwrap().status.success()
    };
    let merge = || kubeconfig(&world, &["--cluster", "payments"]);
    let parts = [
        ("clusters", "cluster"),
        ("users", "user"),
        ("contexts", "context"),
    ];
    let mut refused = Vec::new();
    for (((section, body), read), wrong) in parts.iter().zip(READ).zip(REFUSED) {
        let text = |keys: &str| format!("{section}:\n- name: a\n  {body}: {{{keys}}}\n");
        for keys in read {
            assert!(reads(&text(keys)), "{keys}");
            merge().exits(0);
        }
        let path = format!("`{section}[0].{body}.");
        refused.extend(
            wrong
                .iter()
                .map(|(keys, says)| (text(keys), format!("{path}{says}"))),
        );
        refused.push((
            format!("{section}:\n- name: b\n- {{name: 1, {body}: {{}}}}\n"),
            format!("`{section}[1].name` is a number, not text"),
        ));
        refused.push((
            format!("{section}: [{{name: x, {body}: foo}}]\n"),
            format!("`{section}[0].{body}` is text, not a mapping"),
        ));
    }
    refused.push((
        "preferences: {colors: x}\n".to_owned(),
        "`preferences.colors` is text, not a boolean".to_owned(),
    ));
    refused.push((
        "extensions: [x]\n".to_owned(),
        "`extensions[0]` is text, not a mapping".to_owned(),
    ));
    for (text, says) in refused {
        assert!(!reads(&text), "{text}");
        let run = merge().exits(6).says(&says).says("hint: mend the file");
        assert!(run.stderr.contains("/.kube/config:"), "{run}");
        assert!(!run.stderr.contains("12345"), "{run}");
        assert_eq!(world.read(CONFIG), text);
    }
}
