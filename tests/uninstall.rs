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
    assert_snapshot!(world.bootstrap(&["uninstall", "hello"]), @"
    hello is not installed
    [exit 0]
    ");
}

#[test]
fn a_name_that_nobody_knows_is_a_mistake_and_nothing_is_taken_out() {
    let (world, _server) = world();
    assert_snapshot!(world.bootstrap(&["uninstall", "hello", "kubectll"]), @"
    --- stderr ---
    error: no tool is called kubectll
    hint: did you mean kubectl?
    [exit 2]
    ");
    assert!(world.prefix("bin/hello").exists());
}

#[test]
fn links_in_a_second_directory_go_with_the_tool_though_nobody_names_it() {
    let (world, _server) = world();
    world.bootstrap(&["uninstall", "hello"]).exits(0);
    let links = world.tree("local/bin");
    assert_eq!(links.len(), 1, "{links:?}");
    assert!(links[0].starts_with("other -> "), "{links:?}");
}

#[test]
fn links_that_lead_nowhere_any_more_are_taken_out_of_the_directory_that_is_named() {
    let (world, _server) = world();
    // As an older version left them, which wrote down no directory.
    std::fs::remove_file(world.prefix("bin-dirs")).unwrap();
    world.bootstrap(&["uninstall", "hello"]).exits(0);
    assert_eq!(world.tree("local/bin").len(), 2);
    let bin = world.text("local/bin");
    assert_snapshot!(world.bootstrap(&["uninstall", "hello", "--bin-dir", &bin]), @"
    hello is not installed
    `[WORLD]/local/bin/hello` removed
    [exit 0]
    ");
    assert_eq!(world.tree("local/bin").len(), 1);
    std::fs::remove_dir_all(world.prefix("")).unwrap();
    assert_snapshot!(world.bootstrap(&["uninstall", "--prune", "--bin-dir", &bin]), @"
    `[WORLD]/local/bin/other` removed
    [exit 0]
    ");
}

#[test]
fn a_link_to_something_else_is_not_replaced() {
    let (world, _server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    std::fs::create_dir_all(world.path("local/bin")).unwrap();
    let link = world.path("local/bin/hello");
    std::os::unix::fs::symlink("/bin/true", &link).unwrap();
    let bin = world.text("local/bin");
    let args = ["install", "hello", "--bin-dir", &bin];
    world
        .bootstrap(&args)
        .exits(1)
        .says("a link to something else is there")
        .says("hint: move what is there out of the way");
    assert_eq!(world.tree("local/bin"), ["hello -> /bin/true"]);
    // What leads nowhere serves nobody.
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("/nowhere/hello", &link).unwrap();
    world.bootstrap(&args).exits(0);
    assert!(!world.tree("local/bin")[0].contains("nowhere"));
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
fn a_name_that_another_tool_has_taken_over_stays() {
    let (world, _server) = world();
    let link = world.prefix("bin/hello");
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("../tools/other/1.0.0/other", link).unwrap();
    world.bootstrap(&["uninstall", "hello"]).exits(0);
    assert_eq!(
        world.tree("delegate/bootstrap/bin"),
        [
            "hello -> ../tools/other/1.0.0/other",
            "other -> ../tools/other/1.0.0/other"
        ]
    );
}

#[test]
fn a_tool_whose_receipt_cannot_be_read_is_not_pruned_and_goes_with_its_links() {
    let (world, _server) = world();
    world.write("delegate/bootstrap/receipts/other.json", "{\"receipt\":2}");
    assert_snapshot!(world.bootstrap(&["uninstall", "--prune"]), @"
    `[WORLD]/delegate/bootstrap/tools/other` left alone: its receipt cannot be read
    `[WORLD]/delegate/bootstrap/cache` removed
    [exit 0]
    ");
    world
        .shell(&["sh"], "$WORKING_DIR/bootstrap/bin/other")
        .exits(0);
    assert_snapshot!(world.bootstrap(&["uninstall", "other"]), @"
    other removed
    [exit 0]
    ");
    assert_eq!(
        world.tree("delegate/bootstrap/bin"),
        ["hello -> ../tools/hello/1.0.0/hello"]
    );
}

#[test]
fn a_receipt_cannot_lead_to_the_files_of_others() {
    let (world, _server) = world();
    let precious = world.write("precious/file", "tools/hello/");
    let receipt = world.read("delegate/bootstrap/receipts/hello.json");
    let receipt = receipt.replace("[\"hello\"]", "[\"hello\",\"../../../precious/file\"]");
    world.write("delegate/bootstrap/receipts/hello.json", receipt);
    world.bootstrap(&["uninstall", "hello"]).exits(0);
    assert!(precious.exists());
    assert!(!world.prefix("bin/hello").exists());
}

#[test]
fn a_prefix_that_may_not_be_written_is_told_with_a_way_out() {
    let (world, _server) = world();
    let test = "a_prefix_that_may_not_be_written_is_told_with_a_way_out";
    let nobody = [
        "setpriv",
        "--reuid=1001",
        "--regid=0",
        "--clear-groups",
        "sh",
    ];
    if !world.can(test, &nobody, "true") {
        return;
    }
    let run = world.shell(&nobody, "\"$bootstrap\" uninstall hello");
    assert_snapshot!(run, @"
    --- stderr ---
    error: cannot remove `[WORLD]/local/bin/hello`
    caused by: Permission denied (os error 13)
    hint: run it as the user that installed, or set --prefix (BOOTSTRAP_PREFIX)
    [exit 1]
    ");
    assert!(world.prefix("bin/hello").exists());
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
    assert_snapshot!(world.bootstrap(&["uninstall", "kubectl"]), @"
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

#[test]
fn a_list_of_links_that_cannot_be_read_is_told_and_kept() {
    let (world, _server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    world
        .bootstrap(&["install", "hello", "--bin-dir", "bin"])
        .exits(0);
    world.write("delegate/bootstrap/bin-dirs", b"/elsewhere\xff\n");
    for args in [
        &["uninstall", "hello"][..],
        &["install", "hello", "--bin-dir", "other"],
    ] {
        world.bootstrap(args).exits(1).says("bin-dirs");
    }
    assert_eq!(
        std::fs::read(world.prefix("bin-dirs")).unwrap(),
        b"/elsewhere\xff\n"
    );
}
