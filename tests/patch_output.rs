//! Where `patch` writes what it makes, and what it never shows.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Stdio;

use crate::patch::{DEPLOYMENT, ROLE, SMALL};
use crate::world::World;

/// Patches `m.yaml` for IRSA with more arguments.
fn args<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["patch", "m.yaml", "--irsa-role-arn", ROLE], more].concat()
}

#[test]
fn a_pipe_and_a_device_are_written_into_and_stay_what_they_are() {
    let world = World::new();
    // More than a pipe holds: its reader is waited for.
    let long = format!("{SMALL}{}", "# a comment\n".repeat(20_000));
    world.write("work/m.yaml", &long);
    let script = "mkfifo p; cat p >got & $bootstrap patch m.yaml --irsa-role-arn $0 -o p && wait && test -p p";
    let script = script.replace("$0", ROLE);
    world.shell(&["/bin/sh"], &script).exits(0);
    let result = world.bootstrap(&args(&[])).exits(0).stdout;
    assert!(
        world.read("work/got") == result,
        "the pipe got something else"
    );
    world
        .bootstrap(&args(&["-o", "p"]))
        .exits(1)
        .says("cannot write `");
    world.bootstrap(&args(&["-o", "/dev/stdout"])).exits(0);
    let mut command = world.command(&args(&["-o", "/dev/stdout"]));
    command.stdout(Stdio::piped());
    assert_eq!(world.end(command).exits(0).stdout, result);
}

#[test]
fn a_dash_is_standard_output() {
    let world = World::new();
    world.write("work/m.yaml", SMALL);
    let result = world.bootstrap(&args(&[])).exits(0).stdout;
    assert_eq!(world.bootstrap(&args(&["-o", "-"])).exits(0).stdout, result);
    assert!(!world.path("work/-").exists());
    world
        .bootstrap(&args(&["-o", "-", "--diff"]))
        .exits(2)
        .says("the result or the diff, not both");
}

#[test]
fn of_several_files_all_are_changed_or_none() {
    let world = World::new();
    let account = "kind: ServiceAccount\nmetadata: {name: payments, namespace: ng}\n";
    world.write("work/d/a.yaml", SMALL);
    let locked = world.write("work/d/b.yaml", account);
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o444)).unwrap();
    let args = ["patch", "d", "--irsa-role-arn", ROLE, "--in-place"];
    world.bootstrap(&args).exits(1).says("d/b.yaml`");
    assert_eq!(world.read("work/d/a.yaml"), SMALL);
    assert_eq!(world.tree("work/d"), ["a.yaml", "b.yaml"]);
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o644)).unwrap();
    world.bootstrap(&args).exits(0);
    assert_ne!(world.read("work/d/a.yaml"), SMALL);
    assert_ne!(world.read("work/d/b.yaml"), account);
}

#[test]
fn a_changed_file_keeps_its_mode_whatever_the_umask_is() {
    let world = World::new();
    let file = world.write("work/m.yaml", SMALL);
    for (mode, more) in [(0o664, "--in-place"), (0o777, "-om.yaml")] {
        world.write("work/m.yaml", SMALL);
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let script = format!("umask 022; $bootstrap patch m.yaml --irsa-role-arn {ROLE} {more}");
        world.shell(&["/bin/sh"], &script).exits(0);
        assert_ne!(world.read("work/m.yaml"), SMALL);
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, mode);
    }
}

#[test]
fn a_diff_shows_no_secret_however_it_is_written() {
    let last = "          value: \"https://app.harness.io/log-service/\"\n";
    let data = "data:\n  DELEGATE_TOKEN: \"ZXhhbXBsZQ==\"   # base64\n";
    let variables = [
        "- name: DELEGATE_TOKEN\n          value: hunter2",
        "- {name: DELEGATE_TOKEN, value: hunter2}",
        "- value: hunter2\n          name: DELEGATE_TOKEN",
        "- name: DELEGATE_TOKEN\n          value: |\n            hunter2",
        "- name: PROXY_PASSWORD # c\n          # comment\n          value: hunter2",
        "- name: HTTPS_PROXY\n          value: http://user:hunter2@proxy:8080",
        "- name: JAVA_OPTS2\n          value: \"-Dhttp.proxyPassword=hunter2\"",
        "- name: API_KEY\n          value: hunter2",
        "- name: DB_PASSWD\n          value: hunter2",
    ];
    let variables = variables.map(|text| {
        DEPLOYMENT.replace(
            last,
            &format!(
                "{last}        {text}
"
            ),
        )
    });
    let secrets = ["data:\n  foo: hunter2\n", "stringData: {foo: hunter2}\n"];
    let secrets = secrets.map(|text| DEPLOYMENT.replace(data, text));
    for text in variables.into_iter().chain(secrets) {
        assert!(text.contains("hunter2"));
        let world = World::new();
        world.write("work/m.yaml", &text);
        for more in ["--diff", "--check"] {
            let run = world.bootstrap(&args(&[more, "--region=us-east-1", "--startup-budget=900"]));
            assert!(run.stdout.contains("+++ b/m.yaml"), "{run}");
            assert!(!run.stdout.contains("hunter2"), "{run}");
        }
    }
    // JSON is one line, which changes.
    let json = "{\"kind\": \"List\", \"items\": [{\"kind\": \"ServiceAccount\", \"metadata\": {\"name\": \"a\"}}, {\"kind\": \"Deployment\", \"metadata\": {\"name\": \"a\"}, \"spec\": {\"template\": {\"spec\": {\"containers\": [{\"name\": \"delegate\", \"env\": [{\"name\": \"DELEGATE_TOKEN\", \"value\": \"hunter2\"}]}]}}}}]}\n";
    let world = World::new();
    world.write("work/m.yaml", json);
    let run = world.bootstrap(&args(&["--diff"])).exits(0);
    assert!(
        run.stdout.contains("-{") && !run.stdout.contains("hunter2"),
        "{run}"
    );
}

#[test]
fn what_is_no_secret_is_shown_in_a_diff() {
    let world = World::new();
    let more = "        # The key: what it is for\n        - name: DELEGATE_TOKEN\n          valueFrom: {secretKeyRef: {name: a, key: token}}\n";
    world.write("work/m.yaml", format!("{SMALL}{more}"));
    let run = world
        .bootstrap(&args(&["--diff", "--region=us-east-1"]))
        .exits(0);
    for line in [
        "{secretKeyRef: {name: a, key: token}}",
        "# The key: what it is for",
    ] {
        assert!(run.stdout.contains(line), "{run}");
    }
}

#[test]
fn an_error_shows_no_secret() {
    for data in [
        "foo: \"hunter2",
        "foo: hunter2: x",
        "foo: b\n  foo: hunter2",
    ] {
        let world = World::new();
        let text = format!("kind: Secret\nstringData:\n  {data}\n");
        world.write("work/m.yaml", text);
        let run = world.bootstrap(&args(&[])).exits(6);
        assert!(!run.stderr.contains("hunter2"), "{run}");
    }
}

#[test]
fn json_between_other_documents_is_one_of_them() {
    let json =
        "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"x\"}}\n";
    for text in [format!("{SMALL}---\n{json}"), format!("{json}---\n{SMALL}")] {
        let world = World::new();
        world.write("work/m.yaml", &text);
        let patched = world.bootstrap(&args(&[])).exits(0).stdout;
        assert!(
            patched.contains(json) && patched.contains("kind: ServiceAccount\n"),
            "{patched}"
        );
        world.write("work/m.yaml", patched);
        let back = world.bootstrap(&["patch", "m.yaml", "--remove"]).exits(0);
        assert_eq!(back.stdout, text);
    }
}

#[test]
fn a_tool_that_nobody_knows_is_said_to_keep_the_delegate_from_starting() {
    let world = World::new();
    world.write("work/m.yaml", SMALL);
    for tool in ["kubectll", "nope"] {
        world
            .bootstrap(&["patch", "m.yaml", "--delivery=image", "--tools", tool])
            .exits(0)
            .says(&format!("warning: no tool is called {tool}"))
            .says("a bootstrap.lock in the pod must pin it, or the delegate does not start");
    }
}

#[test]
fn values_of_the_chart_beside_a_manifest_are_told_of() {
    let world = World::new();
    let values = "accountId: abc\ndelegateName: payments\n";
    world.write("work/d/m.yaml", SMALL);
    world.write("work/d/values.yaml", values);
    let args = ["patch", "d", "--irsa-role-arn", ROLE, "--in-place"];
    let words = "d/values.yaml has values of the delegate's Helm chart, which are left alone";
    world.bootstrap(&args).exits(0).says(words);
    assert_eq!(world.read("work/d/values.yaml"), values);
    world
        .bootstrap(&["patch", "d", "--remove", "--in-place"])
        .exits(0)
        .says(words);
}
