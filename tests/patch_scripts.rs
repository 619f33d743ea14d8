//! `bootstrap patch`: scripts that it did not write, and the place that it gives to the tools.

use crate::patch::{ROLE, SMALL};
use crate::world::{Run, World};

const IMAGE: [&str; 2] = ["--delivery=image", "--tools=aws-cli"];

fn patch(text: &str, args: &[&str]) -> Run {
    let world = World::new();
    world.write("work/m.yaml", text);
    world.bootstrap(&[&["patch", "m.yaml"], args].concat())
}

/// The small delegate with these sources in the place of INIT_SCRIPT.
fn with_sources(sources: &str) -> String {
    SMALL.replace(
        "        env:\n        - name: INIT_SCRIPT\n          value: \"\"\n",
        &format!("        envFrom:\n{sources}"),
    )
}

const SECRET: &str = "        - secretRef: {name: s}\n";
const MAP: &str = "        - configMapRef: {name: c}\n";

/// A document with INIT_SCRIPT in it.
fn source(kind: &str, name: &str, namespace: &str, data: &str) -> String {
    format!("---\nkind: {kind}\nmetadata:\n  name: {name}\n{namespace}{data}")
}

#[test]
fn a_script_in_a_secret_is_not_hidden_in_silence() {
    let data = "data: {INIT_SCRIPT: ZWNobyB1c2VyCg==}\n";
    for (sources, namespace, data) in [
        (SECRET.to_owned(), "  namespace: ng\n", data),
        (SECRET.to_owned(), "", data),
        (SECRET.to_owned(), "", "stringData: {INIT_SCRIPT: echo}\n"),
        (
            SECRET.replace("secretRef", "prefix: INIT_\n          secretRef"),
            "",
            "data: {SCRIPT: ZWNobyB1c2VyCg==}\n",
        ),
        (format!("{MAP}{SECRET}"), "", data),
    ] {
        let map = source("ConfigMap", "c", "", "data: {INIT_SCRIPT: echo map}\n");
        let text = with_sources(&sources) + &source("Secret", "s", namespace, data) + &map;
        let run = patch(&text, &IMAGE)
            .exits(6)
            .says("INIT_SCRIPT is in Secret `s`, and a new one would hide it")
            .says("--init-script replace");
        assert_eq!(run.stdout, "");
        let replace = [&IMAGE[..], &["--init-script=replace"]].concat();
        let run = patch(&text, &replace)
            .exits(0)
            .says("the INIT_SCRIPT of Secret `s` no longer counts: the one in `env` wins");
        assert_eq!(patch(&run.stdout, &["--remove"]).exits(0).stdout, text);
    }
    // The last source wins: what stands before our place is hidden already.
    let map = source("ConfigMap", "c", "", "data: {INIT_SCRIPT: echo map}\n");
    let text = with_sources(&format!("{SECRET}{MAP}")) + &source("Secret", "s", "", data) + &map;
    let run = patch(&text, &IMAGE).exits(0);
    assert!(run.stdout.contains("echo map"), "{run}");
    assert!(!run.stdout.contains("name: INIT_SCRIPT"), "{run}");
    let none = with_sources(SECRET) + &source("Secret", "s", "", "data: {OTHER: YQ==}\n");
    assert_eq!(patch(&none, &IMAGE).exits(0).stderr, "");
}

#[test]
fn sources_that_nobody_has_read_are_named() {
    let run = patch(&with_sources(&format!("{MAP}{SECRET}")), &IMAGE)
        .exits(0)
        .says("ConfigMap `c` is not in the files: an INIT_SCRIPT in it would no longer count")
        .says("Secret `s` is not in the files");
    assert_eq!(patch(&run.stdout, &IMAGE).exits(0).stderr, "");
    let map = source("ConfigMap", "c", "", "data: {INIT_SCRIPT: echo map}\n");
    patch(&(with_sources(&format!("{MAP}{SECRET}")) + &map), &IMAGE)
        .exits(0)
        .says("Secret `s` is not in the files: an INIT_SCRIPT in it would win over ours");
}

#[test]
fn a_config_map_whose_namespace_is_left_to_kubectl_is_the_delegates() {
    let data = "data:\n  INIT_SCRIPT: |\n    echo user\n";
    let map = source("ConfigMap", "c", "", data);
    let nowhere = with_sources(MAP).replace("  namespace: ng\n", "");
    let there = source("ConfigMap", "c", "  namespace: ng\n", data);
    for text in [with_sources(MAP) + &map, nowhere + &there] {
        let run = patch(&text, &IMAGE).exits(0);
        assert!(
            run.stdout.ends_with("bootstrap patch <<<\n    echo user\n"),
            "{run}"
        );
        assert!(!run.stdout.contains("name: INIT_SCRIPT"), "{run}");
        assert_eq!(patch(&run.stdout, &["--remove"]).exits(0).stdout, text);
    }
}

#[test]
fn a_part_of_ours_that_cannot_be_told_is_refused_and_not_left_to_run() {
    let begin = "# >>> bootstrap patch: this part is made anew whenever it runs >>>";
    let end = "# <<< bootstrap patch <<<";
    let with = |lines: &[&str]| {
        let lines = lines.iter().flat_map(|line| ["            ", line, "\n"]);
        let lines: String = lines.collect();
        SMALL.replace("value: \"\"\n", &format!("value: |\n{lines}"))
    };
    for (lines, words) in [
        (
            &[begin, "old", end, "a", begin, "old", end][..],
            "has 2 parts of bootstrap",
        ),
        (&["a", begin, "old"], "that begins in its line 2 has no end"),
        (
            &[begin, "old", begin, "new", end],
            "that begins in its line 1 has no end",
        ),
        (&["old", end], "that ends in its line 2 has no beginning"),
    ] {
        for args in [&IMAGE[..], &["--remove"]] {
            let run = patch(&with(lines), args)
                .exits(6)
                .says("m.yaml:13:18: ")
                .says(words)
                .says("hint: take our lines out by hand");
            assert_eq!(run.stdout, "");
            let values = format!(
                "accountId: a\ndelegateName: b\ninitScript: |\n  {}\n",
                lines.join("\n  ")
            );
            patch(&values, args)
                .exits(6)
                .says("m.yaml:3:13: ")
                .says(words);
        }
    }
}

#[test]
fn a_script_that_made_room_is_said_to_be_gone() {
    let text = SMALL.replace("value: \"\"", "value: echo mine");
    let args = [&IMAGE[..], &["--init-script=replace"]].concat();
    let there = patch(&text, &args)
        .exits(0)
        .says("the INIT_SCRIPT that was there makes room: keep a copy");
    assert_eq!(patch(&there.stdout, &args).exits(0).stderr, "");
    let back = patch(&there.stdout, &["--remove"])
        .exits(0)
        .says("INIT_SCRIPT is empty now: the script that it had before");
    assert_eq!(back.stdout, SMALL);
    assert_eq!(patch(SMALL, &args).exits(0).stderr, "");
}

#[test]
fn what_removal_has_no_use_for_is_refused() {
    let role = format!("--irsa-role-arn={ROLE}");
    let digest = format!("--bootstrap-sha256=amd64={}", "0".repeat(64));
    for arg in [
        "--namespace=x",
        role.as_str(),
        "--service-account=x",
        "--binding=x",
        "--replace-subject",
        "--sts-regional-endpoints",
        "--token-expiration=900",
        "--audience=x",
        "--delivery=image",
        "--tools=kubectl",
        "--cluster=x",
        "--bootstrap-url=https://h.test/b",
        digest.as_str(),
        "--bootstrap-image=x",
        "--init-script=keep",
        "--region=us-east-1",
        "--fargate",
        "--startup-budget=600",
    ] {
        let name = arg.split('=').next().unwrap();
        let run = patch(SMALL, &["--remove", arg]).exits(2).says(&format!(
            "the argument '--remove' cannot be used with '{name}"
        ));
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn a_prefix_that_would_hide_the_delegate_or_the_system_is_refused() {
    for (prefix, words) in [
        (
            "/opt/harness-delegate",
            "would hide what the image has in /opt/harness-delegate",
        ),
        ("/opt/harness-delegate/", "the delegate's start script"),
        ("/opt", "would hide the system's files"),
        ("/etc", "would hide the system's files"),
        ("/proc/1", "would hide the system's files"),
        ("/a/../opt/harness-delegate", "without `.`, `..` and `//`"),
        ("//opt//harness-delegate", "without `.`, `..` and `//`"),
    ] {
        let prefix = format!("--prefix={prefix}");
        let args = [&IMAGE[..], &[prefix.as_str()]].concat();
        for text in [SMALL, "accountId: a\ndelegateName: b\n"] {
            let run = patch(text, &args).exits(2).says(words);
            assert_eq!(run.stdout, "");
        }
    }
    for (directory, words) in [
        (
            "/data/a b",
            "below WORKING_DIR, `/data/a b/bootstrap` cannot be the prefix",
        ),
        ("/data/../d", "takes a path without `.`, `..` and `//`"),
        ("/proc/1", "would hide the system's files"),
    ] {
        let variable = format!("env:\n        - {{name: WORKING_DIR, value: {directory}}}\n");
        let moved = SMALL.replace("env:\n", &variable);
        let run = patch(&moved, &IMAGE).exits(6).says(words);
        run.says("m.yaml:")
            .says("hint: name another directory with --prefix");
        patch(&moved, &[&IMAGE[..], &["--prefix=/data/b"]].concat()).exits(0);
    }
    let moved = SMALL.replace(
        "env:\n",
        "env:\n        - {name: WORKING_DIR, value: /data/d}\n",
    );
    patch(&moved, &[&IMAGE[..], &["--prefix=/data"]].concat())
        .exits(2)
        .says("would hide what the image has in /data/d");
    let run = patch(SMALL, &[&IMAGE[..], &["--prefix=/opt/bootstrap"]].concat())
        .exits(0)
        .says("a volume is mounted at /opt/bootstrap, which hides what the image has there");
    let again = [&IMAGE[..], &["--prefix=/opt/bootstrap"]].concat();
    assert_eq!(patch(&run.stdout, &again).exits(0).stderr, "");
}

#[test]
fn the_prefix_that_the_manifest_says_is_the_one_that_gets_the_volume() {
    let with = |value: &str| {
        SMALL.replace(
            "env:\n",
            &format!("env:\n        - name: BOOTSTRAP_PREFIX\n          {value}\n"),
        )
    };
    for args in [&IMAGE[..], &["--bootstrap-image=r.test/b:1"]] {
        let text = with("value: /data/tools");
        let run = patch(&text, args).exits(0);
        assert!(run.stdout.contains("mountPath: \"/data/tools\""), "{run}");
        assert!(!run.stdout.contains("harness-delegate/bootstrap"), "{run}");
        assert_eq!(patch(&run.stdout, args).exits(0).stdout, run.stdout);
        assert_eq!(patch(&run.stdout, &["--remove"]).exits(0).stdout, text);
        let values = "accountId: a\ndelegateName: b\ncustom_envs:\n- name: BOOTSTRAP_PREFIX\n  value: /data/tools\n";
        let run = patch(values, args).exits(0);
        assert!(run.stdout.contains("mountPath: \"/data/tools\""), "{run}");
        assert!(!run.stdout.contains("harness-delegate/bootstrap"), "{run}");
    }
    let run = patch(&with("value: \"\""), &IMAGE).exits(0);
    assert!(
        run.stdout
            .contains("mountPath: \"/opt/harness-delegate/bootstrap\""),
        "{run}"
    );
    patch(&with("value: relative"), &IMAGE)
        .exits(6)
        .says("m.yaml:13:18: `relative` cannot be the prefix in a pod");
    patch(
        &with("valueFrom: {fieldRef: {fieldPath: metadata.name}}"),
        &IMAGE,
    )
    .exits(6)
    .says("BOOTSTRAP_PREFIX comes from elsewhere");
    patch(&with("value: /opt/harness-delegate"), &IMAGE)
        .exits(2)
        .says("the delegate's start script");
    // Without a delivery nothing is mounted, and nothing is asked of it.
    patch(&with("value: relative"), &["--region=us-east-1"]).exits(0);
}

#[test]
fn what_the_kubelet_would_expand_is_refused() {
    for cluster in [
        "name=a,region=us-east-1,alias=x$(DELEGATE_NAME)",
        "name=a,region=us-east-1,alias=a$$b",
    ] {
        let cluster = format!("--cluster={cluster}");
        let run = patch(SMALL, &["--delivery=image", &cluster])
            .exits(2)
            .says("`$` would be expanded in the cluster");
        assert_eq!(run.stdout, "");
    }
}
