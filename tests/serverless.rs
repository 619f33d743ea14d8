//! `bootstrap verify --for serverless`.

use std::os::unix::fs::symlink;

use insta::assert_snapshot;
use serde_json::Value;

use crate::cloud::{Cloud, EXTERNAL_ID, Running, STRICT};
use crate::world::{GENEROUS, Run, World};

const SERVERLESS: &str = "Framework Core: 3.40.0\nPlugin: 7.2.3\nSDK: 4.5.1";
const AWS: &str = "aws-cli/2.38.5 Python/3.14.8 Linux/6.18 docker/x86_64";

/// A program that prints this when it is asked for its version, and else nothing.
fn saying(output: &str) -> String {
    format!("#!/bin/sh\n[ \"$*\" = --version ] && echo '{output}'\n")
}

/// Puts such a program into `directory`.
fn put(world: &World, directory: &str, name: &str, output: &str) {
    world.write_program(&format!("{directory}/{name}"), &saying(output));
}

/// A world with all that it takes, in this directory, and nothing else on `PATH`.
fn equipped(directory: &str) -> World {
    let world = World::new();
    let path = world.text("bin");
    let world = world.with("PATH", &path);
    equip(&world, directory);
    world
}

/// Puts all that it takes into `directory`.
pub(crate) fn equip(world: &World, directory: &str) {
    for (name, output) in [
        ("serverless", SERVERLESS),
        ("node", "v22.23.3"),
        ("npm", "10.9.9"),
        ("aws", AWS),
    ] {
        put(world, directory, name, output);
    }
}

/// The same on `PATH`.
fn on_path() -> World {
    equipped("bin")
}

fn verify(world: &World, flags: &[&str]) -> Run {
    world.bootstrap(&[&["verify", "--for", "serverless"], flags].concat())
}

/// Keys for this AWS.
fn with_keys(world: World, cloud: &Running) -> World {
    world
        .with("AWS_EC2_METADATA_DISABLED", "true")
        .with("AWS_ENDPOINT_URL", &cloud.server.url(""))
        .with("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .with("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
        .with("AWS_REGION", "us-east-1")
}

/// Of this check: its state, evidence, cause and remedy.
fn of(world: &World, flags: &[&str], check: &str) -> [String; 4] {
    let run = verify(world, &[flags, &["--output", "json"]].concat());
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let checks = report["steps"][0]["checks"].as_array().unwrap();
    let found = checks.iter().find(|found| found["check"] == check).unwrap();
    let failed = checks.iter().any(|found| found["state"] == "fail");
    assert_eq!(run.code, Some(if failed { 3 } else { 0 }), "{run}");
    ["state", "evidence", "cause", "remedy"].map(|key| found[key].as_str().unwrap_or("").to_owned())
}

/// The check fails, with these words in its evidence and its cause, and there is a remedy.
#[track_caller]
fn fails(world: &World, check: &str, evidence: &str, cause: &str) {
    let [state, seen, why, remedy] = of(world, &[], check);
    assert_eq!(state, "fail", "{seen}");
    assert!(seen.contains(evidence), "no `{evidence}` in {seen}");
    assert!(why.contains(cause), "no `{cause}` in {why}");
    assert!(!remedy.is_empty());
}

#[test]
fn each_thing_that_it_takes_has_a_row() {
    let world = on_path();
    let shown = |run: Run| format!("{run}").replace(&world.text(""), "[WORLD]/");
    assert_snapshot!(shown(verify(&world, &[])), @"
    CHECK       CLUSTER  STATE  EVIDENCE
    role        -        skip   no role is given: cross-account access is off
    serverless  -        pass   3.40.0, [WORLD]/bin/serverless
    node        -        pass   22.23.3, [WORLD]/bin/node, and serverless 3.40.0 takes >=12.0
    npm         -        pass   10.9.9, [WORLD]/bin/npm
    aws-cli     -        pass   2.38.5, [WORLD]/bin/aws

    verify finished in 0.00 s
    [exit 0]
    ");
}

#[test]
fn the_prefix_comes_before_path() {
    let world = equipped("delegate/bootstrap/bin");
    put(&world, "bin", "serverless", "Framework Core: 1.0.0");
    put(&world, "bin", "node", "v8.0.0");
    for check in ["serverless", "node", "npm", "aws-cli"] {
        let [state, evidence, ..] = of(&world, &[], check);
        assert_eq!(state, "pass", "{evidence}");
        let below = world.text("delegate/bootstrap/bin/");
        assert!(evidence.contains(&below), "{evidence}");
    }
}

#[test]
fn what_is_missing_is_named_with_the_way_to_get_it() {
    let world = World::new();
    let path = world.text("bin");
    let world = world.with("PATH", &path);
    for (check, name) in [
        ("serverless", "serverless"),
        ("node", "node"),
        ("npm", "npm"),
        ("aws-cli", "aws"),
    ] {
        let words = format!("there is no `{name}` in the prefix or on PATH");
        fails(&world, check, &words, "");
    }
    verify(&world, &[]).exits(3);
    // Without PATH at all, too.
    let world = world.without("PATH");
    fails(&world, "npm", "there is no `npm`", "plugins");
}

#[test]
fn serverless_4_is_refused_with_the_reason_and_not_run() {
    let world = on_path();
    put(
        &world,
        "bin",
        "serverless",
        "Serverless ϟ Framework\n\n • 4.4.15",
    );
    fails(&world, "serverless", "4.4.15, ", "licence key");
    let [state, evidence, ..] = of(&world, &[], "node");
    assert_eq!(state, "skip", "{evidence}");
    // Where the package says so, nothing is run.
    let package = "lib/node_modules/serverless";
    let mark = world.text("was-run");
    let script = format!("#!/bin/sh\necho run >'{mark}'\necho 'Framework Core: 3.40.0'\n");
    let program = world.write_program(&format!("{package}/run.js"), &script);
    let json = "{\"name\": \"serverless\", \"version\": \"4.6.2\"}";
    world.write(&format!("{package}/package.json"), json);
    std::fs::remove_file(world.path("bin/serverless")).unwrap();
    symlink(program, world.path("bin/serverless")).unwrap();
    fails(&world, "serverless", "4.6.2, ", "licence key");
    assert!(!world.path("was-run").exists());
}

#[test]
fn a_script_that_starts_serverless_4_is_not_run_either() {
    let mark = |world: &World| format!("echo run >'{}'", world.text("was-run"));
    let json = "{\"name\": \"serverless\", \"version\": \"4.6.2\"}";
    for start in [
        // What pnpm writes.
        "basedir=$(dirname \"$(echo \"$0\" | sed -e 's,\\\\,/,g')\")\nMARK\nexec node \"$basedir/../lib/node_modules/serverless/run.js\" \"$@\"",
        // What people write.
        "MARK\nexec node WORLD/lib/node_modules/serverless/run.js \"$@\"",
        "MARK\nexec 'WORLD/other/bin/serverless' \"$@\"",
    ] {
        let world = on_path();
        let package = "lib/node_modules/serverless";
        let program = world.write_program(&format!("{package}/run.js"), "#!/bin/sh\n");
        world.write(&format!("{package}/package.json"), json);
        std::fs::create_dir_all(world.path("other/bin")).unwrap();
        symlink(program, world.path("other/bin/serverless")).unwrap();
        let start = start
            .replace("MARK", &mark(&world))
            .replace("WORLD", world.text("").trim_end_matches('/'));
        world.write_program("bin/serverless", &format!("#!/bin/sh\n{start}\n"));
        fails(&world, "serverless", "4.6.2, ", "licence key");
        assert!(!world.path("was-run").exists(), "{start}");
    }
    // The range of Node.js comes from there, too.
    let world = on_path();
    let json = "{\"name\": \"serverless\", \"version\": \"3.40.0\", \"engines\": {\"node\": \"^18 || >=24\"}}";
    world.write("opt/serverless/package.json", json);
    world.write_program("opt/serverless/bin/serverless.js", &saying(SERVERLESS));
    let start = world.text("opt/serverless/bin/serverless.js");
    world.write_program(
        "bin/serverless",
        &format!("#!/bin/sh\nexec {start} \"$@\"\n"),
    );
    fails(&world, "node", "serverless 3.40.0 takes ^18 || >=24", "");
}

#[test]
fn a_standalone_serverless_has_a_node_of_its_own() {
    let world = on_path();
    put(
        &world,
        "bin",
        "serverless",
        "Framework Core: 3.38.0 (standalone)\nPlugin: 6.2.3",
    );
    put(&world, "bin", "node", "v8.17.0");
    assert_eq!(of(&world, &[], "serverless")[0], "pass");
    let [state, evidence, ..] = of(&world, &[], "node");
    assert_eq!(state, "skip", "{evidence}");
    assert!(
        evidence.contains("serverless 3.38.0 is standalone"),
        "{evidence}"
    );
}

#[test]
fn serverless_1_is_too_old() {
    let world = on_path();
    put(
        &world,
        "bin",
        "serverless",
        "  Serverless Framework: 1.50.1\n  SDK: 3.2.1",
    );
    fails(&world, "serverless", "1.50.1, ", "2.x or 3.x");
}

#[test]
fn node_must_be_in_the_range_that_the_package_states() {
    let world = on_path();
    put(&world, "bin", "node", "v11.15.0");
    fails(&world, "node", "serverless 3.40.0 takes >=12.0", "");
    // A package of another range than that of its series.
    let package = "lib/node_modules/serverless";
    let program = world.write_program(&format!("{package}/bin/serverless.js"), &saying(SERVERLESS));
    let json =
        "{\"name\": \"serverless\", \"version\": \"3.40.0\", \"engines\": {\"node\": \">=23.1\"}}";
    world.write(&format!("{package}/package.json"), json);
    std::fs::remove_file(world.path("bin/serverless")).unwrap();
    symlink(program, world.path("bin/serverless")).unwrap();
    put(&world, "bin", "node", "v22.23.3");
    fails(&world, "node", "serverless 3.40.0 takes >=23.1", "");
    put(&world, "bin", "node", "v23.1.0");
    assert_eq!(of(&world, &[], "node")[0], "pass");
}

#[test]
fn what_says_rubbish_or_fails_is_told_with_what_it_said() {
    let world = on_path();
    put(&world, "bin", "serverless", "command not known");
    put(&world, "bin", "node", "");
    world.write_program(
        "bin/npm",
        "#!/bin/sh\necho 'cannot find module semver' >&2\nexit 7\n",
    );
    world.write_program("bin/aws", "#!/nowhere/python\n");
    fails(
        &world,
        "serverless",
        "said `command not known`, which is no version",
        "",
    );
    fails(&world, "node", "said nothing, which is no version", "");
    fails(
        &world,
        "npm",
        "ended with exit status: 7: cannot find module semver",
        "plugins",
    );
    fails(&world, "aws-cli", "cannot run `", "");
}

#[test]
fn a_serverless_that_hangs_is_stopped_and_all_else_is_told() {
    let world = on_path();
    let path = format!("{}:/usr/bin:/bin", world.text("bin"));
    let world = world.with("PATH", &path);
    world.write_program("bin/serverless", "#!/bin/sh\nsleep 600\n");
    let run = verify(&world, &["--deadline", "1s"]).exits(3);
    assert!(run.took < GENEROUS, "{run}");
    let shown = format!("{run}");
    assert!(
        shown.contains("serverless --version` had not ended"),
        "{run}"
    );
    assert!(shown.contains("pass   10.9.9"), "{run}");
}

#[test]
fn programs_get_no_secrets_no_home_and_no_project() {
    let world = on_path()
        .with("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
        .with("SLS_TELEMETRY_DISABLED", "");
    let script = "#!/bin/sh\necho \"Framework Core: 3.40.0\"\n\
                  echo \"$AWS_SECRET_ACCESS_KEY,$HOME,$PWD,$SLS_TELEMETRY_DISABLED\" >SEEN\n";
    let seen = world.text("seen");
    world.write_program("bin/serverless", &script.replace("SEEN", &seen));
    assert_eq!(of(&world, &[], "serverless")[0], "pass");
    assert_eq!(world.read("seen"), ",/dev/null,/,1\n");
}

#[test]
fn a_role_of_another_account_is_assumed() {
    let cloud = Cloud::default().start();
    let world = with_keys(on_path(), &cloud);
    let flags = ["--role-arn", STRICT, "--external-id", EXTERNAL_ID];
    let [state, evidence, ..] = of(&world, &flags, "role");
    assert_eq!(state, "pass", "{evidence}");
    assert_eq!(evidence, format!("{STRICT}, assumed with its external ID"));
    let run = verify(&world, &["--role-arn", STRICT]).exits(3);
    let shown = format!("{run}");
    assert!(
        shown.contains("without an external ID: sts:AssumeRole: AccessDenied"),
        "{run}"
    );
    assert!(!verify(&world, &flags).stdout.contains(EXTERNAL_ID));
    let [state, evidence, ..] = of(&world, &[&flags[..], &["--offline"]].concat(), "role");
    assert_eq!(
        (state.as_str(), evidence.as_str()),
        ("skip", "AWS is not asked when offline")
    );
    // A cluster's role is one of those that a deployment may assume, and no cluster is asked.
    let cluster = format!("name=payments,role-arn={STRICT},external-id={EXTERNAL_ID},alias=prod");
    let run = verify(&world, &["--cluster", &cluster]).exits(0);
    assert!(run.stdout.contains("role        prod     pass"), "{run}");
    let requests = cloud.server.requests();
    assert!(
        requests.iter().all(|request| request.target == "/"),
        "STS alone is asked"
    );
}

#[test]
fn without_credentials_the_role_fails_and_says_where_they_were_looked_for() {
    let world = on_path().with("AWS_EC2_METADATA_DISABLED", "true");
    let [state, evidence, cause, remedy] = of(&world, &["--role-arn", STRICT], "role");
    assert_eq!(state, "fail");
    assert!(evidence.contains("no AWS credentials"), "{evidence}");
    assert!(cause.contains("without credentials"), "{cause}");
    assert!(remedy.contains("AWS_ACCESS_KEY_ID"), "{remedy}");
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_run() {
    let world = on_path();
    let refused = |flags: &[&str], words: &str| {
        let run = world.bootstrap(&[&["verify", "--for"], flags].concat());
        run.exits(2).says(words);
    };
    refused(
        &["ecs"],
        "there are no checks for `ecs`: it takes `serverless`",
    );
    refused(&["serverless", "--only", "role"], "cannot be used with");
    refused(&["serverless", "--full"], "cannot be used with");
    refused(
        &["serverless", "--credentials", "irsa"],
        "cannot be used with",
    );
    refused(
        &["serverless", "--external-id", "abcd"],
        "--external-id (BOOTSTRAP_EXTERNAL_ID) is that of a role, and there is none",
    );
    refused(
        &["serverless", "--role-arn", STRICT, "--region", "cn-north-1"],
        "is of partition `aws` and the region cn-north-1 of `aws-cn`",
    );
}

#[test]
fn the_checks_are_listed() {
    let run = World::new().bootstrap(&["verify", "--for", "serverless", "--list"]);
    assert_snapshot!(run, @"
    CHECK       WHAT IT CHECKS
    role        The role of each cluster can be assumed
    serverless  The Serverless Framework is there, and is 2.x or 3.x
    node        Node.js is as new as that Serverless needs it
    npm         npm is there, which puts plugins in place
    aws-cli     The AWS CLI is there
    [exit 0]
    ");
}
