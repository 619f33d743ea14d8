//! `bootstrap init`: what INIT_SCRIPT runs.

use insta::assert_snapshot;

use crate::fixture::Fixture;
use crate::world::World;

#[test]
fn the_tools_of_the_file_are_put_in_place_and_the_other_steps_are_named() {
    let (world, _server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    world.write("delegate/bootstrap.yaml", "version: 1\ntools: [hello]\n");
    std::fs::rename(
        world.path("work/bootstrap.lock"),
        world.path("delegate/bootstrap.lock"),
    )
    .unwrap();
    assert_snapshot!(world.bootstrap(&["init"]), @"
    TOOL   VERSION  STATE      SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    installed  0.00     29 B        http://[SERVER]/hello-1.0.0
    kubeconfig: skipped: no cluster configured
    verify: skipped: no cluster configured
    init finished in 0.00 s
    --- stderr ---
    hello: downloading from http://[SERVER]/hello-1.0.0
    hello: unpacking
    hello: trying it out
    hello: installed in 0.00 s
    [exit 0]
    ");
    let report = world.report();
    let steps: Vec<_> = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| &step["step"])
        .collect();
    assert_eq!(steps, ["install", "kubeconfig", "verify"]);
    assert_snapshot!(world.bootstrap(&["init"]), @"
    TOOL   VERSION  STATE      SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    unchanged  0.00     -           http://[SERVER]/hello-1.0.0
    kubeconfig: skipped: no cluster configured
    verify: skipped: no cluster configured
    init finished in 0.00 s
    --- stderr ---
    hello: unchanged in 0.00 s
    [exit 0]
    ");
}

#[test]
fn without_tools_there_is_nothing_to_do() {
    assert_snapshot!(World::new().bootstrap(&["init"]), @"
    install: skipped: no tools configured
    kubeconfig: skipped: no cluster configured
    verify: skipped: no cluster configured
    init finished in 0.00 s
    [exit 0]
    ");
}

#[test]
fn tools_are_those_of_the_flag_the_variable_and_then_the_file() {
    let names = ["of-flag", "of-variable", "of-file", "second"];
    let tools = names.map(|name| Fixture::script(name, "1.0.0"));
    let (world, _server) = World::pinning(&tools.each_ref());
    world.write("work/bootstrap.yaml", "version: 1\ntools: [of-file]\n");
    assert_eq!(
        world.bootstrap(&["init", "-q"]).exits(0).states(),
        ["of-file 1.0.0 installed"]
    );
    let world = world.with("BOOTSTRAP_TOOLS", "");
    assert_eq!(
        world.bootstrap(&["init", "-q"]).exits(0).states(),
        ["of-file 1.0.0 unchanged"]
    );
    let world = world.with("BOOTSTRAP_TOOLS", "of-variable@1.0.0, second\n");
    let states = world.bootstrap(&["init", "-q"]).exits(0).states();
    assert_eq!(
        states,
        ["of-variable 1.0.0 installed", "second 1.0.0 installed"]
    );
    let flags = [
        "init",
        "-q",
        "--tools",
        "of-flag,second",
        "--tools",
        "of-file@1.0.0",
    ];
    let states = world.bootstrap(&flags).exits(0).states();
    assert_eq!(
        states,
        [
            "of-flag 1.0.0 installed",
            "second 1.0.0 unchanged",
            "of-file 1.0.0 unchanged"
        ]
    );
    assert_eq!(
        world
            .bootstrap(&["install", "-q", "second"])
            .exits(0)
            .states(),
        ["second 1.0.0 unchanged"]
    );
}

#[test]
fn an_invalid_tool_in_a_variable_names_the_variable() {
    let world = World::new().with("BOOTSTRAP_TOOLS", "node AWS");
    assert_snapshot!(world.bootstrap(&["init"]), @"
    --- stderr ---
    error: invalid value `AWS` for BOOTSTRAP_TOOLS: `AWS` is not a tool's name: it takes lower-case letters, digits, `.` and `-`
    [exit 2]
    ");
}

#[test]
fn a_tool_of_a_file_that_does_not_exist_is_told_with_its_place() {
    let world = World::new();
    world.write(
        "work/bootstrap.yaml",
        "version: 1\ntools:\n  - aws-cli\n  - tool: kubctl\n",
    );
    assert_snapshot!(world.bootstrap(&["init"]), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.yaml:4:5: no tool is called kubctl
    hint: did you mean kubectl? `bootstrap install --list` shows the tools there are
    [exit 6]
    ");
}
