//! `bootstrap uninstall`: tools taken out again.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use insta::assert_snapshot;

use crate::fixture::Fixture;
use crate::server::Server;
use crate::world::World;

fn world() -> (World, Server) {
    let tools = [
        Fixture::script("hello", "1.0.0"),
        Fixture::script("other", "1.0.0"),
    ];
    let (world, server) = World::pinning(&tools.each_ref());
    let bin = world.text("local/bin");
    world
        .bootstrap(&["install", "--bin-dir", &bin, "hello", "other"])
        .exits(0);
    (world, server)
}

#[test]
fn a_tool_is_taken_out_with_its_links() {
    let (world, _server) = world();
    let bin = world.text("local/bin");
    assert_snapshot!(world.bootstrap(&["uninstall", "--bin-dir", &bin, "hello"]), @"
    hello 1.0.0 removed
    [exit 0]
    ");
    assert_eq!(world.tree("local/bin").len(), 1);
    assert_eq!(
        world.tree("delegate/bootstrap/bin"),
        ["other -> ../tools/other/1.0.0/other"]
    );
    assert_eq!(world.tree("delegate/bootstrap/receipts"), ["other.json"]);
    assert!(!world.prefix("tools/hello").exists());
    assert_snapshot!(world.bootstrap(&["uninstall", "hello", "nope"]), @"
    hello is not installed
    nope is not installed
    [exit 0]
    ");
}

#[test]
fn a_link_of_somebody_else_stays() {
    let (world, _server) = world();
    std::fs::remove_file(world.path("local/bin/hello")).unwrap();
    std::os::unix::fs::symlink("/bin/true", world.path("local/bin/hello")).unwrap();
    let bin = world.text("local/bin");
    let world = world.with("BOOTSTRAP_BIN_DIR", &bin);
    world.bootstrap(&["uninstall", "hello", "other"]).exits(0);
    assert_eq!(world.tree("local/bin"), ["hello -> /bin/true"]);
}

#[test]
fn a_tool_that_was_taken_out_can_come_back() {
    let (world, server) = world();
    world.bootstrap(&["uninstall", "hello"]).exits(0);
    let run = world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 installed"]);
    assert_eq!(server.requests().len(), 2, "the cache has it");
}

#[test]
fn prune_drops_what_is_not_in_use() {
    let (world, _server) = world();
    world.write("delegate/bootstrap/tools/hello/0.9.0/hello", "old");
    world.write("delegate/bootstrap/tools/hello/.unfinished-x/hello", "half");
    let run = world.bootstrap(&["uninstall", "other", "--prune"]);
    assert_snapshot!(run, @"
    other 1.0.0 removed
    `[WORLD]/delegate/bootstrap/tools/hello/.unfinished-[RANDOM]` removed
    `[WORLD]/delegate/bootstrap/tools/hello/0.9.0` removed
    `[WORLD]/delegate/bootstrap/cache` removed
    [exit 0]
    ");
    assert_eq!(
        world.tree("delegate/bootstrap/tools"),
        ["hello", "hello/1.0.0", "hello/1.0.0/hello"]
    );
    assert_snapshot!(world.bootstrap(&["uninstall", "--prune"]), @"
    there is nothing to prune
    [exit 0]
    ");
    world
        .shell(&["sh"], "$WORKING_DIR/bootstrap/bin/hello")
        .exits(0);
}

#[test]
fn a_shared_cache_is_left_alone() {
    let (world, _server) = world();
    let cache = world.write("shared/sha256/x", "of others");
    let directory = world.text("shared");
    let world = world.with("BOOTSTRAP_CACHE_DIR", &directory);
    world.bootstrap(&["uninstall", "--prune"]).exits(0);
    assert!(cache.exists());
}

#[test]
fn an_empty_place_has_nothing_to_take_out() {
    let world = World::new();
    assert_snapshot!(world.bootstrap(&["uninstall", "hello"]), @"
    `[WORLD]/delegate/bootstrap` is not there: there is nothing to do
    [exit 0]
    ");
    assert!(!world.prefix("").exists());
}

#[test]
fn a_tool_must_be_named() {
    assert_snapshot!(World::new().bootstrap(&["uninstall"]), @"
    --- stderr ---
    error: the following required arguments were not provided:
      <TOOL>...

    Usage: bootstrap uninstall <TOOL>...

    For more information, try '--help'.
    [exit 2]
    ");
    World::new().bootstrap(&["uninstall", "../.."]).exits(2);
}

#[test]
fn another_run_is_waited_for() {
    let (world, _server) = world();
    let held = File::options()
        .read(true)
        .write(true)
        .open(world.prefix("lock"))
        .unwrap();
    held.lock().unwrap();
    let mut command = world.command(&["uninstall", "hello"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    let mut said = BufReader::new(running.stderr.take().unwrap()).lines();
    let waiting = said.next().unwrap().unwrap();
    assert!(
        waiting.starts_with("waiting for `bootstrap install`, pid "),
        "{waiting}"
    );
    assert!(world.prefix("bin/hello").exists());
    drop(held);
    assert!(running.wait().unwrap().success());
    assert!(!world.prefix("bin/hello").exists());
}
