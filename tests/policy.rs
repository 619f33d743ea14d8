//! What a failure does to the run, and where it can be read afterwards.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fixture::Fixture;
use crate::server::{Reply, Server};
use crate::world::World;

/// A world in which `hello` can be had and `missing` cannot.
fn world() -> (World, Server) {
    let hello = Fixture::script("hello", "1.0.0");
    let (world, server) = World::pinning(&[&hello]);
    world.pin(&server, &[&hello, &Fixture::script("missing", "1.0.0")]);
    (world, server)
}

#[test]
fn by_default_a_required_tool_that_fails_fails_the_run_and_the_others_are_there() {
    let (world, _server) = world();
    for command in [
        &["install", "-q", "hello", "missing"][..],
        &["init", "-q", "--tools", "hello,missing"],
    ] {
        let run = world.bootstrap(command).exits(5);
        assert_eq!(run.states()[1], "missing 1.0.0 failed");
        assert!(world.prefix("bin/hello").exists());
        let report = world.report();
        assert_eq!(
            (&report["exit_code"], &report["steps"][0]["state"]),
            (&json!(5), &json!("failed"))
        );
        let errors = report["errors"].as_array().unwrap();
        assert_eq!(errors[0], "missing 1.0.0 could not be put in place");
        assert!(
            errors[1]
                .as_str()
                .unwrap()
                .ends_with("the answer was 404 Not Found")
        );
        let error = &report["steps"][0]["tools"][1]["error"];
        assert_eq!(error[0], errors[1]);
    }
}

#[test]
fn fail_makes_a_warning_fatal() {
    let (world, _server) = world();
    world.write(
        "work/bootstrap.yaml",
        "version: 1\ntools: [hello, { tool: missing, optional: true }]\n",
    );
    world.bootstrap(&["init"]).exits(0);
    world.bootstrap(&["init", "--on-failure", "fail"]).exits(5);
    assert_eq!(world.report()["exit_code"], 5);
}

#[test]
fn continue_ends_well_whatever_fails_and_reports_it() {
    let (world, _server) = world();
    let run = world.bootstrap(&[
        "init",
        "-q",
        "--on-failure",
        "continue",
        "--tools",
        "missing",
    ]);
    assert_snapshot!(run, @"
    TOOL     VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    missing  1.0.0    failed  0.00     -           -
    kubeconfig: skipped: no cluster configured
    verify: skipped: no cluster configured
    init went on in spite of failures in 0.00 s
    --- stderr ---
    warning: missing: failed in 0.00 s
    warning: missing 1.0.0 could not be put in place
    caused by: cannot fetch sha256:[HEX] from http://[SERVER]/missing-1.0.0: the answer was 404 Not Found
    hint: check that the source has this file at this address, or name another --mirror
    [exit 0]
    ");
    let report = world.report();
    assert_eq!(
        (&report["exit_code"], &report["steps"][0]["state"]),
        (&json!(0), &json!("failed"))
    );
    assert!(!report["errors"].as_array().unwrap().is_empty());
}

#[test]
fn continue_puts_no_untrusted_bytes_on_path() {
    let hello = Fixture::script("hello", "1.0.0");
    let world = World::new().with("BOOTSTRAP_ON_FAILURE", "continue");
    let server = Server::start(|_| Reply::ok("#!/bin/sh\necho 'hullo 1.0.0'\n"));
    world.pin(&server, &[&hello]);
    let run = world.bootstrap(&["init", "--tools", "hello"]).exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 failed"]);
    assert_eq!(world.tree("delegate/bootstrap/bin"), Vec::<String>::new());
}

#[test]
fn continue_reports_what_is_unfinished_at_the_deadline_as_failed() {
    let hello = Fixture::script("hello", "1.0.0");
    let bytes = hello.bytes.clone();
    let server = Server::start(move |_| Reply::ok(bytes.clone()).hang_after(3));
    let world = World::new();
    world.pin(&server, &[&hello]);
    let flags = [
        "init",
        "--on-failure=continue",
        "--deadline=300ms",
        "--tools=hello",
    ];
    let run = world.bootstrap(&flags).exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 failed"]);
}

#[test]
fn continue_forgives_files_and_requests_that_are_wrong() {
    let mistakes = [
        (
            "work/bootstrap.yaml",
            "version: 1\ntols: []\n",
            "unknown field `tols`",
        ),
        (
            "work/bootstrap.yaml",
            "version: 1\ntools: [nope]\n",
            "no tool is called nope",
        ),
        (
            "work/bootstrap.lock",
            "version: 2\ntools: {}\n",
            "format version 2",
        ),
    ];
    for (file, text, words) in mistakes {
        let world = World::new().with("BOOTSTRAP_ON_FAILURE", "continue");
        world.write(file, text);
        for command in ["init", "install"] {
            let run = world.bootstrap(&[command]).exits(0);
            run.says("warning: going on in spite of this").says(words);
        }
    }
    let world = World::new();
    for (variable, value) in [
        ("BOOTSTRAP_DEADLINE", "soon"),
        ("BOOTSTRAP_TOOLS", "nope"),
        ("BOOTSTRAP_CONFIG", "/nowhere"),
    ] {
        let world = World::new().with(variable, value);
        let run = world.bootstrap(&["init"]);
        assert_ne!(run.code, Some(0), "{run}");
        world
            .bootstrap(&["init", "--on-failure=continue"])
            .exits(0)
            .says("warning: going on");
        world
            .with("BOOTSTRAP_ON_FAILURE", "continue")
            .bootstrap(&["init"])
            .exits(0);
    }
    world
        .bootstrap(&["init", "--on-failure=continue", "--tools=nope"])
        .exits(0)
        .says("no tool is called nope");
    assert_eq!(world.report()["exit_code"], 0);
}

#[test]
fn continue_may_come_from_the_file() {
    let (world, _server) = world();
    world.write(
        "work/bootstrap.yaml",
        "version: 1\non_failure: continue\ntools: [missing]\n",
    );
    world.bootstrap(&["init"]).exits(0);
    world.bootstrap(&["install"]).exits(0);
    world
        .bootstrap(&["init", "--tools", "nope"])
        .exits(0)
        .says("warning: going on");
    world
        .bootstrap(&["install", "nope"])
        .exits(0)
        .says("warning: going on");
    world
        .bootstrap(&["init", "--on-failure", "default"])
        .exits(5);
    world
        .with("BOOTSTRAP_ON_FAILURE", "fail")
        .bootstrap(&["init"])
        .exits(5);
}

#[test]
fn an_unknown_policy_is_refused() {
    let world = World::new().with("BOOTSTRAP_ON_FAILURE", "ignore");
    assert_snapshot!(world.bootstrap(&["init"]), @"
    --- stderr ---
    error: invalid value `ignore` for BOOTSTRAP_ON_FAILURE: `ignore` is not a policy: it takes `default`, `fail` or `continue`
    [exit 2]
    ");
}

#[test]
fn the_termination_message_is_one_line_and_written_on_failure_alone() {
    let (world, _server) = world();
    world.bootstrap(&["install", "missing"]).exits(5);
    assert!(
        !world.path("termination-log").exists(),
        "it is the kubelet's to make"
    );
    world.write("termination-log", "");
    world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(world.read("termination-log"), "");
    world.bootstrap(&["install", "missing"]).exits(5);
    let message = world.read("termination-log");
    assert_snapshot!(world.redact(&message), @"bootstrap install failed (exit 5): missing 1.0.0 could not be put in place: cannot fetch sha256:[HEX] from http://[SERVER]/missing-1.0.0: the answer was 404 Not Found");
    world.write("termination-log", "");
    world
        .bootstrap(&["install", "--on-failure=continue", "missing"])
        .exits(0);
    assert_eq!(world.read("termination-log"), "");
}

#[test]
fn a_mistake_in_a_file_is_a_termination_message_too() {
    let world = World::new();
    world.write("termination-log", "");
    world.write("work/bootstrap.yaml", "version: 1\ntols: []\n");
    world.bootstrap(&["init"]).exits(6);
    assert_snapshot!(world.redact(&world.read("termination-log")), @"
    bootstrap init failed (exit 6): [WORLD]/work/bootstrap.yaml:2:1: unknown field `tols`, expected one of `version`, `tools`, `clusters`, `kubeconfig`, `exec`, `minimum_kubernetes`, `credentials`, `test_region`, `mirrors`, `deadline`, `backoff`, `lock`, `locked`, `prefix`, `bin_dir`, `cache_dir`, `no_origin`, `offline`, `npm_registry`, `ca_bundle`, `on_failure`, `slim`, `report`
    ");
}

#[test]
fn a_mistake_in_a_file_takes_the_place_of_the_last_report() {
    let (world, _server) = world();
    world.bootstrap(&["init", "--tools", "hello"]).exits(0);
    assert_eq!(world.report()["exit_code"], 0);
    world.write("work/bootstrap.yaml", "version: 1\ntols: []\n");
    world.bootstrap(&["init"]).exits(6);
    let report = world.report();
    assert_eq!(report["exit_code"], 6);
    let error = report["errors"][0].as_str().unwrap();
    assert!(error.contains("unknown field `tols`"), "{error}");
    world.bootstrap(&["init", "--on-failure=continue"]).exits(0);
    assert_eq!(world.report()["exit_code"], 0);
    assert_eq!(world.report()["errors"][0], error);
    let fresh = World::new().with("BOOTSTRAP_DEADLINE", "soon");
    fresh.bootstrap(&["install", "node"]).exits(2);
    assert!(!fresh.prefix("").exists(), "only a start makes it");
    fresh.bootstrap(&["init"]).exits(2);
    assert_eq!(fresh.report()["exit_code"], 2);
}

#[test]
fn a_result_that_cannot_be_printed_is_in_the_report() {
    let (world, _server) = world();
    let script = "\"$bootstrap\" init -q --tools hello >/dev/full";
    world.shell(&["sh"], script).exits(1);
    let report = world.report();
    assert_eq!(report["exit_code"], 1);
    assert_eq!(report["steps"][0]["tools"][0]["state"], "installed");
}

#[test]
fn a_report_may_go_to_what_is_no_file() {
    let (world, _server) = world();
    let pipe = world.path("pipe");
    let mkfifo = world.shell(&["sh"], "mkfifo $world/pipe").exits(0);
    assert_eq!(mkfifo.stderr, "");
    let path = pipe.display().to_string();
    let run = world.bootstrap(&["install", "-q", "--report", &path, "hello"]);
    let run = run.exits(0).says("warning: cannot write `");
    assert!(run.took < crate::world::GENEROUS, "nobody reads it");
    let script =
        "\"$bootstrap\" install -q --report $world/pipe hello >/dev/null & cat $world/pipe";
    let run = world.shell(&["sh"], script).exits(0);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["exit_code"], 0);
    world
        .bootstrap(&["install", "-q", "--termination-log", &path, "missing"])
        .exits(5)
        .says("warning: cannot write `");
}

#[test]
fn the_termination_log_may_be_elsewhere() {
    let (world, _server) = world();
    world.write("other-log", "");
    let path = world.text("other-log");
    world
        .bootstrap(&["install", "--termination-log", &path, "missing"])
        .exits(5);
    assert!(
        world
            .read("other-log")
            .starts_with("bootstrap install failed (exit 5): ")
    );
}

#[test]
fn the_report_that_is_printed_is_the_one_that_is_kept() {
    let (world, _server) = world();
    let extra = world.text("reports/of/mine.json");
    let args = [
        "install", "-q", "--output", "json", "--report", &extra, "hello", "missing",
    ];
    let run = world.bootstrap(&args).exits(5);
    assert_eq!(run.stdout, world.read("delegate/bootstrap/report.json"));
    assert_eq!(run.stdout, world.read("reports/of/mine.json"));
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let states: Vec<_> = report["steps"][0]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| &tool["state"])
        .collect();
    assert_eq!(states, ["installed", "failed"]);
}

#[test]
fn quiet_says_errors_and_warnings_alone() {
    let (world, _server) = world();
    let run = world.bootstrap(&["install", "--quiet", "hello"]).exits(0);
    assert_eq!(run.stderr, "");
    let run = world.bootstrap(&["install", "-q", "missing"]).exits(5);
    assert!(
        run.stderr
            .lines()
            .all(|line| ["warning: ", "error: ", "caused by: ", "hint: "]
                .iter()
                .any(|label| line.starts_with(label))),
        "{run}"
    );
}

#[test]
fn every_line_of_a_json_log_is_an_object() {
    let (world, _server) = world();
    let run = world
        .bootstrap(&["install", "-v", "--log-format", "json", "hello"])
        .exits(0);
    assert!(run.stderr.lines().count() >= 4, "{run}");
    for line in run.stderr.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            (&line["level"], &line["tool"]),
            (&json!("info"), &json!("hello"))
        );
        assert!(line["time"].as_str().unwrap().ends_with('Z'));
    }
}

#[test]
fn errors_are_objects_too_in_a_json_log() {
    let (world, _server) = world();
    let run = world
        .bootstrap(&["install", "--log-format", "json", "missing"])
        .exits(5);
    let lines: Vec<Value> = run
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{run}")))
        .collect();
    let last = lines.last().unwrap();
    assert_eq!(last["level"], "error");
    assert_eq!(last["message"], "missing 1.0.0 could not be put in place");
    assert!(
        last["causes"][0]
            .as_str()
            .unwrap()
            .contains("404 Not Found")
    );
    world.write("work/bootstrap.yaml", "version: 1\ntols: []\n");
    let run = world
        .with("BOOTSTRAP_LOG_FORMAT", "json")
        .bootstrap(&["init"])
        .exits(6);
    let line: Value = serde_json::from_str(&run.stderr).unwrap();
    assert_eq!(line["level"], "error");
}

#[test]
fn colour_is_for_those_who_want_it() {
    let (world, _server) = world();
    let run = world
        .bootstrap(&["install", "--color", "always", "missing"])
        .exits(5);
    assert!(run.stderr.contains("\x1b[1;31merror:\x1b[0m "), "{run}");
    let run = world.bootstrap(&["install", "missing"]).exits(5);
    assert!(!run.stderr.contains('\x1b'), "{run}");
    let world = world.with("BOOTSTRAP_COLOR", "always");
    let run = world.bootstrap(&["install", "missing"]).exits(5);
    assert!(run.stderr.contains("\x1b[1;31merror:\x1b[0m "), "{run}");
    let run = world
        .bootstrap(&["install", "--color=never", "missing"])
        .exits(5);
    assert!(!run.stderr.contains('\x1b'), "{run}");
}
