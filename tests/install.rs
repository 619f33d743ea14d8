//! `bootstrap install`: every end that a tool can come to.

use std::fs;

use bootstrap::platform::{Arch, Platform};
use insta::assert_snapshot;
use serde_json::json;

use crate::fixture::{Fixture, elf, elf_for};
use crate::server::{Reply, Server};
use crate::world::{World, put};

#[test]
fn a_tool_is_fetched_tried_and_linked() {
    let (world, server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    assert_snapshot!(world.bootstrap(&["install", "hello"]), @"
    TOOL   VERSION  STATE      SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    installed  0.00     29 B        http://[SERVER]/hello-1.0.0
    install finished in 0.00 s
    --- stderr ---
    hello: downloading from http://[SERVER]/hello-1.0.0
    hello: unpacking
    hello: trying it out
    hello: installed in 0.00 s
    [exit 0]
    ");
    assert_eq!(server.requests().len(), 1);
    assert_snapshot!(world.tree("delegate/bootstrap").join("\n"), @"
    bin
    bin/hello -> ../tools/hello/1.0.0/hello
    cache
    cache/sha256
    cache/sha256/0b6b88b4301e71e0a25547a158f4dafeaf62ea8326e9005cc2cd1f8e28f71908
    lock
    receipts
    receipts/hello.json
    report.json
    tools
    tools/hello
    tools/hello/1.0.0
    tools/hello/1.0.0/hello
    ");
    let run = world
        .shell(&["sh"], "$WORKING_DIR/bootstrap/bin/hello")
        .exits(0);
    assert_eq!(run.stdout, "hello 1.0.0\n");
}

#[test]
fn the_report_tells_the_whole_story() {
    let hello = Fixture::script("hello", "1.0.0");
    let (world, server) = World::pinning(&[&hello]);
    world.bootstrap(&["install", "hello"]).exits(0);
    let report = world.report();
    assert_eq!(report["report"], 1);
    assert_eq!(report["bootstrap"], env!("CARGO_PKG_VERSION"));
    assert_eq!(report["command"], "install");
    assert_eq!(report["platform"], Platform::host().to_string());
    assert_eq!(report["exit_code"], 0);
    assert_eq!(report["steps"][0]["step"], "install");
    assert_eq!(report["steps"][0]["state"], "done");
    let mut tool = report["steps"][0]["tools"][0].clone();
    assert!(tool["seconds"].is_number());
    tool["seconds"] = json!(0);
    let expected = json!({
        "tool": "hello", "version": "1.0.0", "state": "installed", "optional": false,
        "digest": hello.digest, "source": server.url("/hello-1.0.0"),
        "bytes": hello.bytes.len(), "attempts": 1, "seconds": 0,
    });
    assert_eq!(tool, expected);
}

#[test]
fn every_layout_is_unpacked_and_every_kind_of_program_runs() {
    let program = elf(&format!("native {}\n", "2.0.0"));
    let native = Fixture::program("native", "2.0.0", "elf", program);
    let zipped = Fixture::zip("zipped", "1.0.0");
    let tarred = Fixture::tar_gz("tarred", "1.0.0");
    let (world, _server) = World::pinning(&[&native, &zipped, &tarred]);
    let run = world
        .bootstrap(&["install", "-q", "native", "zipped", "tarred"])
        .exits(0);
    assert_eq!(
        run.states(),
        [
            "native 2.0.0 installed",
            "zipped 1.0.0 installed",
            "tarred 1.0.0 installed"
        ]
    );
    let run = world.shell(
        &["sh"],
        "cd $WORKING_DIR/bootstrap/bin; ./native; ./zipped; ./tarred",
    );
    assert_eq!(run.stdout, "native 2.0.0\nzipped 1.0.0\ntarred 1.0.0\n");
}

#[test]
fn a_second_run_asks_nobody_and_writes_nothing_but_the_report() {
    let tools = [
        Fixture::script("hello", "1.0.0"),
        Fixture::zip("zipped", "1.0.0"),
    ];
    let (world, server) = World::pinning(&[&tools[0], &tools[1]]);
    world.bootstrap(&["install", "hello", "zipped"]).exits(0);
    let (before, requests) = (world.times(), server.requests().len());
    let run = world.bootstrap(&["install", "hello", "zipped"]).exits(0);
    assert_eq!(
        run.states(),
        ["hello 1.0.0 unchanged", "zipped 1.0.0 unchanged"]
    );
    assert_eq!(server.requests().len(), requests);
    let changed: Vec<_> = world
        .times()
        .into_iter()
        .filter(|time| !before.contains(time))
        .collect();
    // The directory itself is not among its entries.
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert_eq!(changed[0].0, "report.json");
}

#[test]
fn a_file_altered_in_place_is_noticed_and_the_tool_repaired_from_the_cache() {
    let (world, server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    world.bootstrap(&["install", "hello"]).exits(0);
    let program = world.prefix("tools/hello/1.0.0/hello");
    let good = fs::read(&program).unwrap();
    let same_size = vec![b'#'; good.len()];
    put(&program, &same_size);
    assert_snapshot!(world.bootstrap(&["install", "hello"]), @"
    TOOL   VERSION  STATE     SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    repaired  0.00     -           cache
    install finished in 0.00 s
    --- stderr ---
    hello: damaged: `hello` has other contents
    hello: unpacking
    hello: trying it out
    hello: repaired in 0.00 s
    [exit 0]
    ");
    assert_eq!(fs::read(&program).unwrap(), good);
    assert_eq!(server.requests().len(), 1, "the cache has it");
    let run = world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 unchanged"]);
}

#[test]
fn whatever_is_missing_or_wrong_is_repaired() {
    let (world, _server) = World::pinning(&[&Fixture::zip("hello", "1.0.0")]);
    world.bootstrap(&["install", "hello"]).exits(0);
    let damages: [(&str, &str); 8] = [
        (
            "a missing file",
            "rm tools/hello/1.0.0/share/hello/example.txt",
        ),
        ("a missing directory", "rm -r tools/hello/1.0.0/share"),
        ("a missing tree", "rm -r tools/hello"),
        ("a missing link", "rm bin/hello"),
        ("a link to elsewhere", "ln -sf /bin/true bin/hello"),
        ("a lost permission", "chmod 644 tools/hello/1.0.0/bin/hello"),
        ("a set-user-ID bit", "chmod u+s tools/hello/1.0.0/bin/hello"),
        (
            "a link in place of a file",
            "ln -sf /bin/true tools/hello/1.0.0/bin/hello",
        ),
    ];
    for (what, damage) in damages {
        world
            .shell(&["sh"], &format!("cd $WORKING_DIR/bootstrap && {damage}"))
            .exits(0);
        let run = world.bootstrap(&["install", "hello"]).exits(0);
        assert_eq!(run.states(), ["hello 1.0.0 repaired"], "{what}");
        let run = world
            .shell(&["sh"], "$WORKING_DIR/bootstrap/bin/hello")
            .exits(0);
        assert_eq!(run.stdout, "hello 1.0.0\n", "{what}");
        let run = world.bootstrap(&["install", "hello"]).exits(0);
        assert_eq!(run.states(), ["hello 1.0.0 unchanged"], "{what}");
    }
}

#[test]
fn a_damaged_receipt_counts_as_none() {
    let (world, _server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    world.bootstrap(&["install", "hello"]).exits(0);
    let receipt = world.prefix("receipts/hello.json");
    let good = fs::read_to_string(&receipt).unwrap();
    for damaged in [
        &good[..good.len() / 2],
        "",
        "null",
        &good.replace("\"receipt\":1", "\"receipt\":2"),
    ] {
        put(&receipt, damaged.as_bytes());
        let run = world.bootstrap(&["install", "hello"]).exits(0);
        assert_eq!(run.states(), ["hello 1.0.0 installed"], "{damaged}");
        let run = world.bootstrap(&["install", "hello"]).exits(0);
        assert_eq!(run.states(), ["hello 1.0.0 unchanged"]);
    }
}

#[test]
fn a_tool_of_the_wanted_version_on_path_is_left_alone_with_accept_existing() {
    let (world, server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    let world = world.with("PATH", "/usr/bin:/bin");
    let path = format!("{}:/usr/bin:/bin", world.text("other"));
    let world = world.with("PATH", &path);
    world.write_program("other/hello", "#!/bin/sh\necho hello 1.0.0 of the image\n");
    assert_snapshot!(world.bootstrap(&["install", "--accept-existing", "hello"]), @"
    TOOL   VERSION  STATE    SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    present  0.00     -           [WORLD]/other
    install finished in 0.00 s
    --- stderr ---
    hello: present in 0.00 s
    [exit 0]
    ");
    assert_eq!(server.requests().len(), 0);
    assert!(!world.prefix("bin/hello").exists());
    let run = world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 installed"], "without the flag");
}

#[test]
fn a_tool_of_another_version_on_path_is_passed_over() {
    let (world, _server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    let world = world.with("PATH", "/usr/bin:/bin");
    let path = format!(
        "{}:{}:/usr/bin:/bin",
        world.text("broken"),
        world.text("other")
    );
    let world = world.with("PATH", &path);
    // Version 1.0.01 begins like the wanted one.
    world.write_program("other/hello", "#!/bin/sh\necho hello 1.0.01\n");
    world.write_program("broken/hello", "#!/bin/sh\necho it is broken >&2; exit 3\n");
    assert_snapshot!(world.bootstrap(&["install", "--accept-existing", "hello"]), @"
    TOOL   VERSION  STATE      SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    installed  0.00     29 B        http://[SERVER]/hello-1.0.0
    install finished in 0.00 s
    --- stderr ---
    hello: `[WORLD]/broken/hello --version` ended with exit status: 3: it is broken
    hello: `[WORLD]/other/hello` is of another version
    hello: downloading from http://[SERVER]/hello-1.0.0
    hello: unpacking
    hello: trying it out
    hello: installed in 0.00 s
    [exit 0]
    ");
    assert!(world.prefix("bin/hello").exists());
}

#[test]
fn a_tool_on_path_that_hangs_leaves_time_to_install_ours() {
    let (world, _server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    let path = format!("{}:/usr/bin:/bin", world.text("other"));
    let world = world.with("PATH", &path);
    world.write_program("other/hello", "#!/bin/sh\nsleep 600\n");
    let run = world
        .bootstrap(&["install", "--accept-existing", "--deadline", "6s", "hello"])
        .exits(0)
        .says("other/hello --version` had not ended\n");
    assert_eq!(run.states(), ["hello 1.0.0 installed"]);
}

#[test]
fn a_new_version_moves_the_links_and_keeps_the_old_one_until_it_is_pruned() {
    let (old, new) = (
        Fixture::script("hello", "1.0.0"),
        Fixture::script("hello", "1.1.0"),
    );
    let (world, server) = World::pinning(&[&old, &new]);
    let hello = || {
        world
            .shell(&["sh"], "$WORKING_DIR/bootstrap/bin/hello")
            .stdout
    };
    world.pin(&server, &[&old]);
    world.bootstrap(&["install", "hello"]).exits(0);
    world.pin(&server, &[&new]);
    let run = world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(run.states(), ["hello 1.1.0 installed"]);
    assert_eq!(hello(), "hello 1.1.0\n");
    assert!(world.prefix("tools/hello/1.0.0/hello").exists());

    world.pin(&server, &[&old]);
    let run = world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 installed"], "a downgrade");
    assert_eq!(hello(), "hello 1.0.0\n");

    assert_snapshot!(world.bootstrap(&["uninstall", "--prune"]), @"
    `[WORLD]/delegate/bootstrap/tools/hello/1.1.0` removed
    `[WORLD]/delegate/bootstrap/cache` removed
    [exit 0]
    ");
    assert!(!world.prefix("tools/hello/1.1.0").exists());
    assert_eq!(hello(), "hello 1.0.0\n");
}

#[test]
fn the_version_that_is_there_stays_when_the_new_one_cannot_be_had() {
    let (old, new) = (
        Fixture::script("hello", "1.0.0"),
        Fixture::script("hello", "1.1.0"),
    );
    let (world, server) = World::pinning(&[&old]);
    world.bootstrap(&["install", "hello"]).exits(0);
    world.pin(&server, &[&new]);
    assert_snapshot!(world.bootstrap(&["install", "hello"]), @"
    TOOL   VERSION  STATE          SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    kept-previous  0.00     -           http://[SERVER]/hello-1.0.0
    install finished with warnings in 0.00 s
    --- stderr ---
    hello: downloading from http://[SERVER]/hello-1.1.0
    hello: http://[SERVER]/hello-1.1.0: the answer was 404 Not Found: giving it up
    warning: hello: kept-previous in 0.00 s
    warning: hello could not be brought to the wanted version; 1.0.0 is whole and stays
    caused by: cannot fetch sha256:[HEX] from http://[SERVER]/hello-1.1.0: the answer was 404 Not Found
    hint: check that the source has this file at this address, or name another --mirror
    [exit 0]
    ");
    let run = world
        .shell(&["sh"], "$WORKING_DIR/bootstrap/bin/hello")
        .exits(0);
    assert_eq!(run.stdout, "hello 1.0.0\n");
    assert_eq!(world.report()["steps"][0]["state"], "warning");
    assert_eq!(
        world.report()["steps"][0]["tools"][0]["state"],
        "kept-previous"
    );
}

#[test]
fn the_version_that_is_there_stays_when_nobody_answers_until_the_deadline() {
    let (old, new) = (
        Fixture::script("hello", "1.0.0"),
        Fixture::script("hello", "1.1.0"),
    );
    let (world, server) = World::pinning(&[&old]);
    world.bootstrap(&["install", "hello"]).exits(0);
    world.pin(&server, &[&new]);
    drop(server);
    let run = world
        .bootstrap(&["install", "--deadline", "500ms", "hello"])
        .exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 kept-previous"]);
    run.says("cannot connect")
        .says("the deadline of 0.5 s has passed");
}

#[test]
fn the_version_that_is_there_does_not_excuse_the_new_one_when_everything_is_to_be_fatal() {
    let (old, new) = (
        Fixture::script("hello", "1.0.0"),
        Fixture::script("hello", "1.1.0"),
    );
    let (world, server) = World::pinning(&[&old]);
    world.bootstrap(&["install", "hello"]).exits(0);
    world.pin(&server, &[&new]);
    let run = world
        .bootstrap(&["install", "--on-failure=fail", "hello"])
        .exits(5);
    assert_eq!(run.states(), ["hello 1.1.0 failed"]);
    let run = world
        .shell(&["sh"], "$WORKING_DIR/bootstrap/bin/hello")
        .exits(0);
    assert_eq!(run.stdout, "hello 1.0.0\n", "and yet it is not taken away");
}

#[test]
fn the_version_that_is_there_does_not_excuse_bytes_that_are_not_the_pinned_ones() {
    let (old, new) = (
        Fixture::script("hello", "1.0.0"),
        Fixture::script("hello", "1.1.0"),
    );
    let evil = Fixture {
        bytes: vec![b'x'; new.bytes.len()],
        ..new.clone()
    };
    let (world, server) = World::pinning(&[&old, &evil]);
    world.pin(&server, &[&old]);
    world.bootstrap(&["install", "hello"]).exits(0);
    world.pin(&server, &[&new]);
    let run = world.bootstrap(&["install", "hello"]).exits(4);
    assert_eq!(run.states(), ["hello 1.1.0 failed"]);
}

#[test]
fn an_optional_tool_that_fails_is_a_warning() {
    let hello = Fixture::script("hello", "1.0.0");
    let (world, server) = World::pinning(&[&hello]);
    world.pin(&server, &[&hello, &Fixture::script("extra", "1.0.0")]);
    world.write(
        "work/bootstrap.yaml",
        "version: 1\ntools:\n  - { tool: extra, optional: true }\n  - hello\n",
    );
    assert_snapshot!(world.bootstrap(&["install", "-q"]), @"
    TOOL   VERSION  STATE      SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    installed  0.00     29 B        http://[SERVER]/hello-1.0.0
    extra  1.0.0    failed     0.00     -           -
    install finished with warnings in 0.00 s
    --- stderr ---
    warning: extra: failed in 0.00 s
    warning: extra 1.0.0 could not be put in place
    caused by: cannot fetch sha256:[HEX] from http://[SERVER]/extra-1.0.0: the answer was 404 Not Found
    hint: check that the source has this file at this address, or name another --mirror
    [exit 0]
    ");
    assert_eq!(world.report()["steps"][0]["state"], "warning");
    world.bootstrap(&["install", "--on-failure=fail"]).exits(5);
}

#[test]
fn optional_tools_are_not_tried_when_the_run_has_failed_unless_it_goes_on() {
    let (late, first) = (
        Fixture::script("late", "1.0.0"),
        Fixture::script("first", "1.0.0"),
    );
    let (world, server) = World::pinning(&[&late]);
    world.pin(&server, &[&late, &first]);
    let config = "version: 1\ntools:\n  - { tool: late, optional: true }\n  - first\n";
    world.write("work/bootstrap.yaml", config);
    let run = world
        .bootstrap(&["install"])
        .exits(5)
        .says("late: not tried, since the run has failed\n");
    assert_eq!(run.states(), ["first 1.0.0 failed", "late 1.0.0 skipped"]);
    let run = world
        .bootstrap(&["install", "--on-failure", "continue"])
        .exits(0);
    assert_eq!(run.states(), ["first 1.0.0 failed", "late 1.0.0 installed"]);
}

#[test]
fn optional_tools_are_begun_when_all_others_have_ended() {
    let (late, first) = (
        Fixture::script("late", "1.0.0"),
        Fixture::script("first", "1.0.0"),
    );
    let (world, server) = World::pinning(&[&late, &first]);
    world.write(
        "work/bootstrap.yaml",
        "version: 1\ntools:\n  - { tool: late, optional: true }\n  - first\n",
    );
    let run = world.bootstrap(&["install"]).exits(0);
    assert_eq!(
        run.states(),
        ["first 1.0.0 installed", "late 1.0.0 installed"]
    );
    let lines: Vec<_> = run
        .stderr
        .lines()
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert_eq!(
        lines,
        ["first"; 4]
            .into_iter()
            .chain(["late"; 4])
            .collect::<Vec<_>>()
    );
    let targets: Vec<_> = server
        .requests()
        .into_iter()
        .map(|request| request.target)
        .collect();
    assert_eq!(targets, ["/first-1.0.0", "/late-1.0.0"]);
}

#[test]
fn a_tool_comes_after_the_one_that_it_needs() {
    let runtime = Fixture::script("runtime", "2.0.0");
    let app = Fixture::script("app", "1.0.0").needs("runtime", "1.5.0");
    let (world, _server) = World::pinning(&[&app, &runtime]);
    let run = world.bootstrap(&["install", "app"]).exits(0);
    assert_eq!(
        run.states(),
        ["runtime 2.0.0 installed", "app 1.0.0 installed"]
    );
    let run = world.bootstrap(&["install", "app"]).exits(0);
    assert_eq!(
        run.states(),
        ["runtime 2.0.0 unchanged", "app 1.0.0 unchanged"]
    );
}

#[test]
fn a_tool_fails_with_the_one_that_it_needs() {
    let runtime = Fixture::script("runtime", "2.0.0");
    let app = Fixture::script("app", "1.0.0").needs("runtime", "1.5.0");
    let (world, server) = World::pinning(&[&app]);
    world.pin(&server, &[&app, &runtime]);
    assert_snapshot!(world.bootstrap(&["install", "-q", "app"]), @"
    TOOL     VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    runtime  2.0.0    failed  0.00     -           -
    app      1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: runtime: failed in 0.00 s
    warning: app: failed in 0.00 s
    error: runtime 2.0.0 could not be put in place
    caused by: cannot fetch sha256:[HEX] from http://[SERVER]/runtime-2.0.0: the answer was 404 Not Found
    hint: check that the source has this file at this address, or name another --mirror
    error: app 1.0.0 could not be put in place
    caused by: it needs `runtime`, which could not be put in place
    hint: see what is said of that tool above
    [exit 5]
    ");
    assert!(!world.prefix("bin/app").exists());
}

#[test]
fn a_needed_tool_that_is_too_old_is_refused_before_anything_is_fetched() {
    let runtime = Fixture::script("runtime", "1.4.9");
    let app = Fixture::script("app", "1.0.0").needs("runtime", "1.5.0");
    let (world, server) = World::pinning(&[&app, &runtime]);
    assert_snapshot!(world.bootstrap(&["install", "app"]), @"
    --- stderr ---
    error: app 1.0.0 needs runtime 1.5.0 or newer, and this would install 1.4.9
    hint: ask for runtime 1.5.0 or newer, or for none
    [exit 2]
    ");
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_previous_version_that_stays_may_be_too_old_for_what_needs_it() {
    let (old, new) = (
        Fixture::script("runtime", "1.0.0"),
        Fixture::script("runtime", "2.0.0"),
    );
    let app = Fixture::script("app", "1.0.0").needs("runtime", "2.0.0");
    let (world, server) = World::pinning(&[&old, &app]);
    world.pin(&server, &[&old]);
    world.bootstrap(&["install", "runtime"]).exits(0);
    world.pin(&server, &[&new, &app]);
    let run = world.bootstrap(&["install", "app"]).exits(5);
    assert_eq!(
        run.states(),
        ["runtime 1.0.0 kept-previous", "app 1.0.0 failed"]
    );
    run.says("it needs `runtime` 2.0.0 or newer, and 1.0.0 is what is there");
}

#[test]
fn an_optional_tool_that_a_required_one_needs_is_required() {
    let runtime = Fixture::script("runtime", "2.0.0");
    let app = Fixture::script("app", "1.0.0").needs("runtime", "1.5.0");
    let (world, server) = World::pinning(&[&app]);
    world.pin(&server, &[&app, &runtime]);
    world.write(
        "work/bootstrap.yaml",
        "version: 1\ntools:\n  - { tool: runtime, optional: true }\n  - app\n",
    );
    world.bootstrap(&["install"]).exits(5);
    assert_eq!(world.report()["steps"][0]["tools"][0]["optional"], false);
}

#[test]
fn one_tool_in_two_versions_is_refused() {
    assert_snapshot!(World::new().bootstrap(&["install", "node@22.22.2", "node@20.20.2"]), @"
    --- stderr ---
    error: node was asked for twice, as 22.22.2 and as 20.20.2
    hint: ask for it once
    [exit 2]
    ");
}

#[test]
fn tools_that_need_each_other_are_refused() {
    let egg = Fixture::script("egg", "1.0.0").needs("hen", "1.0.0");
    let hen = Fixture::script("hen", "1.0.0").needs("egg", "1.0.0");
    let own = Fixture::script("own", "1.0.0").needs("own", "1.0.0");
    let (world, server) = World::pinning(&[&egg, &hen, &own]);
    assert_snapshot!(world.bootstrap(&["install", "egg"]), @"
    --- stderr ---
    error: egg needs hen needs egg: none of them can be the first
    hint: correct `needs` in the lock
    [exit 6]
    ");
    world
        .bootstrap(&["install", "own"])
        .exits(6)
        .says("own needs own: ");
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn two_tools_with_a_program_of_the_same_name_are_refused() {
    let one = Fixture::script("one", "1.0.0");
    let mut two = Fixture::script("two", "1.0.0");
    two.programs = two.programs.replace("two: {", "one: {");
    two.smoke = two.smoke.replace("program: two", "program: one");
    let (world, _server) = World::pinning(&[&one, &two]);
    assert_snapshot!(world.bootstrap(&["install", "one", "two"]), @"
    --- stderr ---
    error: one and two both have a program `one`, and one directory holds them all
    hint: give one of them another name under `programs` in the lock
    [exit 6]
    ");
    world.bootstrap(&["install", "two"]).exits(0);
}

#[test]
fn slim_leaves_out_what_running_does_not_need() {
    let hello = Fixture::zip("hello", "1.0.0").also("slim: [\"share/\"]");
    let (world, server) = World::pinning(&[&hello]);
    world.bootstrap(&["install", "--slim", "hello"]).exits(0);
    assert_eq!(
        world.tree("delegate/bootstrap/tools/hello/1.0.0"),
        ["bin", "bin/hello"]
    );
    let run = world.bootstrap(&["install", "--slim", "hello"]).exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 unchanged"]);
    let run = world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 installed"]);
    assert!(
        world
            .prefix("tools/hello/1.0.0/share/hello/example.txt")
            .exists()
    );
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn slim_makes_no_difference_to_a_tool_that_has_nothing_to_leave_out() {
    let (world, _server) = World::pinning(&[&Fixture::zip("hello", "1.0.0")]);
    world.bootstrap(&["install", "--slim", "hello"]).exits(0);
    let run = world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 unchanged"]);
}

#[test]
fn a_durable_tool_is_believed_by_size_and_mode_under_every_boot_and_clock() {
    let (world, _server) = World::pinning(&[&Fixture::zip("hello", "1.0.0")]);
    world.bootstrap(&["install", "--durable", "hello"]).exits(0);
    let receipt = world.read("delegate/bootstrap/receipts/hello.json");
    assert!(receipt.contains("\"durable\":true"), "{receipt}");
    reboot(&world);
    world
        .shell(
            &["sh"],
            "find $WORKING_DIR/bootstrap/tools -exec touch -h -d @0 {} +",
        )
        .exits(0);
    let before = world.times();
    let run = world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 unchanged"]);
    let changed: Vec<_> = world
        .times()
        .into_iter()
        .filter(|time| !before.contains(time))
        .collect();
    assert_eq!(changed.len(), 1, "the report alone: {changed:?}");
}

#[test]
fn a_build_that_says_its_time_writes_the_same_receipt_again() {
    let built = || {
        let (world, _server) = World::pinning(&[&Fixture::zip("hello", "1.0.0")]);
        let world = world.with("SOURCE_DATE_EPOCH", "1700000000");
        world.bootstrap(&["install", "--durable", "hello"]).exits(0);
        world.read("delegate/bootstrap/receipts/hello.json")
    };
    let receipt = built();
    assert!(receipt.contains("2023-11-14T22:13:20Z"), "{receipt}");
    let without_source = |text: &str| -> serde_json::Value {
        let mut value: serde_json::Value = serde_json::from_str(text).unwrap();
        value["source"] = "a port of its own".into();
        value
    };
    assert_eq!(without_source(&receipt), without_source(&built()));
}

#[test]
fn a_tool_that_is_there_becomes_durable_without_being_installed_again() {
    let (world, server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    world.bootstrap(&["install", "hello"]).exits(0);
    let run = world.bootstrap(&["install", "--durable", "hello"]).exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 unchanged"]);
    assert!(
        world
            .read("delegate/bootstrap/receipts/hello.json")
            .contains("\"durable\":true")
    );
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn after_a_reboot_every_file_is_hashed_once() {
    let (world, _server) = World::pinning(&[&Fixture::zip("hello", "1.0.0")]);
    world.bootstrap(&["install", "hello"]).exits(0);
    let receipt = world.read("delegate/bootstrap/receipts/hello.json");
    reboot(&world);
    let run = world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 unchanged"]);
    assert_eq!(
        world.read("delegate/bootstrap/receipts/hello.json"),
        receipt,
        "refreshed"
    );
}

#[test]
fn after_a_reboot_lost_contents_are_found_although_size_and_time_are_right() {
    let (world, _server) = World::pinning(&[&Fixture::zip("hello", "1.0.0")]);
    world.bootstrap(&["install", "hello"]).exits(0);
    let file = world.prefix("tools/hello/1.0.0/share/hello/example.txt");
    let (size, time) = (
        fs::metadata(&file).unwrap().len(),
        fs::metadata(&file).unwrap().modified().unwrap(),
    );
    put(&file, &vec![0; usize::try_from(size).unwrap()]);
    fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_modified(time)
        .unwrap();
    let run = world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(
        run.states(),
        ["hello 1.0.0 unchanged"],
        "under the same boot it is believed"
    );
    reboot(&world);
    let run = world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 repaired"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "an example\n");
}

/// Makes the receipt one of another boot.
fn reboot(world: &World) {
    let name = "delegate/bootstrap/receipts/hello.json";
    let mut receipt: serde_json::Value = serde_json::from_str(&world.read(name)).unwrap();
    receipt["boot"] = json!("00000000-0000-0000-0000-000000000000");
    world.write(name, receipt.to_string());
}

#[test]
fn a_second_directory_gets_links_too() {
    let (world, _server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    let bin = world.text("local/bin");
    world
        .bootstrap(&["install", "--bin-dir", &bin, "hello"])
        .exits(0);
    let run = world.shell(&["sh"], "$world/local/bin/hello").exits(0);
    assert_eq!(run.stdout, "hello 1.0.0\n");
    fs::remove_file(world.path("local/bin/hello")).unwrap();
    let run = world
        .bootstrap(&["install", "--bin-dir", &bin, "hello"])
        .exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 repaired"]);
    assert!(world.path("local/bin/hello").exists());
}

#[test]
fn a_file_of_somebody_else_in_the_second_directory_is_left_alone() {
    let (world, _server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    world.write("local/bin/hello", "mine");
    let run = world.bootstrap(&["install", "--bin-dir", &world.text("local/bin"), "hello"]);
    assert_snapshot!(run, @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    hello: downloading from http://[SERVER]/hello-1.0.0
    hello: unpacking
    hello: trying it out
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: cannot make the link `[WORLD]/local/bin/hello`
    caused by: something else is there
    hint: move what is there out of the way, or set another --prefix or --bin-dir
    [exit 1]
    ");
    assert_eq!(world.read("local/bin/hello"), "mine");
}

#[test]
fn leftovers_of_killed_runs_are_cleared_away() {
    let (world, _server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    for name in [
        "bin/.unfinished-a",
        "receipts/.unfinished-b",
        "tools/.unfinished-c/x",
        "tools/hello/.unfinished-d/y",
    ] {
        world.write(&format!("delegate/bootstrap/{name}"), "half");
    }
    world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(world.leftovers(), Vec::<String>::new());
}

#[test]
fn a_program_for_another_machine_is_refused_before_it_is_run() {
    let other = match Platform::host().arch {
        Arch::Amd64 => Arch::Arm64,
        Arch::Arm64 => Arch::Amd64,
    };
    let native = Fixture::program(
        "native",
        "1.0.0",
        "elf",
        elf_for(other, "native 1.0.0", None),
    );
    let (world, _server) = World::pinning(&[&native]);
    let run = world.bootstrap(&["install", "-q", "native"]).exits(6);
    run.says(
        "hint: the digest is the pinned one, so the pin names the wrong file: correct the lock",
    );
    assert!(!world.prefix("bin/native").exists());
    assert_eq!(world.leftovers(), Vec::<String>::new());
}

#[test]
fn a_script_in_place_of_a_program_is_refused() {
    let bytes = Fixture::script("native", "1.0.0").bytes;
    let (world, _server) = World::pinning(&[&Fixture::program("native", "1.0.0", "elf", bytes)]);
    assert_snapshot!(world.bootstrap(&["install", "-q", "native"]), @"
    TOOL    VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    native  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: native: failed in 0.00 s
    error: native 1.0.0 could not be put in place
    caused by: [WORLD]/delegate/bootstrap/tools/native/.unfinished-[RANDOM]/native is not an ELF file: it is a script
    hint: the digest is the pinned one, so the pin names the wrong file: correct the lock
    [exit 6]
    ");
}

#[test]
fn a_program_whose_interpreter_is_missing_is_told_as_such() {
    let bytes = elf_for(
        Platform::host().arch,
        "native 1.0.0",
        Some("/lib/ld-nowhere.so.1"),
    );
    let (world, _server) = World::pinning(&[&Fixture::program("native", "1.0.0", "elf", bytes)]);
    assert_snapshot!(world.bootstrap(&["install", "-q", "native"]), @"
    TOOL    VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    native  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: native: failed in 0.00 s
    error: native 1.0.0 could not be put in place
    caused by: it does not run here
    caused by: `[WORLD]/delegate/bootstrap/tools/native/.unfinished-[RANDOM]/native` needs the program interpreter `/lib/ld-nowhere.so.1`, which this system does not have (is it built on glibc?)
    hint: use an image that is built on glibc, such as UBI or Debian: this tool does not run on musl
    [exit 1]
    ");
}

#[test]
fn an_archive_without_its_program_is_refused() {
    let mut hello = Fixture::zip("hello", "1.0.0");
    hello.programs = "{ hello: { path: sbin/hello, kind: script } }".to_owned();
    let (world, _server) = World::pinning(&[&hello]);
    assert_snapshot!(world.bootstrap(&["install", "-q", "hello"]), @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: its artifact has no program `hello` at `sbin/hello`
    hint: the digest is the pinned one, so the pin names the wrong file: correct the lock
    [exit 6]
    ");
}

#[test]
fn a_tool_that_says_something_else_than_expected_is_refused() {
    let mut hello = Fixture::script("hello", "1.0.0");
    hello.smoke =
        "{ program: hello, args: [\"--version\"], expect: \"goodbye {version}\" }".to_owned();
    let (world, _server) = World::pinning(&[&hello]);
    assert_snapshot!(world.bootstrap(&["install", "-q", "hello"]), @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: `[WORLD]/delegate/bootstrap/tools/hello/.unfinished-[RANDOM]/hello --version` did not print `goodbye 1.0.0`: hello 1.0.0
    hint: the digest is the pinned one, so the pin names the wrong file: correct the lock
    [exit 6]
    ");
    assert_eq!(world.tree("delegate/bootstrap/tools"), ["hello"]);
}

#[test]
fn a_tool_that_fails_is_not_put_on_path() {
    let script = b"#!/bin/sh\necho it needs more memory >&2\nexit 3\n";
    let hello = Fixture::program("hello", "1.0.0", "script", script.to_vec());
    let (world, _server) = World::pinning(&[&hello]);
    assert_snapshot!(world.bootstrap(&["install", "-q", "hello"]), @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: it does not run here
    caused by: `[WORLD]/delegate/bootstrap/tools/hello/.unfinished-[RANDOM]/hello --version` ended with exit status: 3: it needs more memory
    hint: nothing of it was put on PATH; to see more, unpack its artifact by hand and run the same command
    [exit 1]
    ");
    assert_eq!(world.tree("delegate/bootstrap/bin"), Vec::<String>::new());
}

#[test]
fn a_tool_is_tried_with_a_home_of_its_own_and_cannot_reach_for_credentials() {
    let script = b"#!/bin/sh\ntouch \"$HOME/litter\" && [ \"$AWS_EC2_METADATA_DISABLED\" = true ] && echo hello 1.0.0\n";
    let hello = Fixture::program("hello", "1.0.0", "script", script.to_vec());
    let (world, _server) = World::pinning(&[&hello]);
    world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(world.tree("home"), Vec::<String>::new());
    assert_eq!(world.leftovers(), Vec::<String>::new());
}

#[test]
fn an_unknown_tool_is_refused_with_the_nearest_names() {
    let world = World::new();
    assert_snapshot!(world.bootstrap(&["install", "servrless"]), @"
    --- stderr ---
    error: no tool is called servrless
    hint: did you mean serverless? `bootstrap install --list` shows the tools there are
    [exit 2]
    ");
    assert_snapshot!(world.bootstrap(&["install", "terraform"]), @"
    --- stderr ---
    error: no tool is called terraform
    hint: `bootstrap install --list` shows the tools there are
    [exit 2]
    ");
}

#[test]
fn an_unknown_version_is_refused_with_its_neighbours() {
    let world = World::new();
    assert_snapshot!(world.bootstrap(&["install", "node@22.22.99"]), @"
    --- stderr ---
    error: node 22.22.99 is not in the catalog, and unpinned downloads are refused
    hint: there is 22.22.2 and 24.10.0; `bootstrap install --list` shows all, and `bootstrap lock node@VERSION` pins any other
    [exit 2]
    ");
    assert_snapshot!(world.bootstrap(&["install", "aws-cli@3"]), @"
    --- stderr ---
    error: aws-cli 3 is not in the catalog, and unpinned downloads are refused
    hint: there is 2.36.7 and 2.37.6; `bootstrap install --list` shows all, and `bootstrap lock aws-cli@VERSION` pins any other
    [exit 2]
    ");
}

#[test]
fn a_platform_without_an_artifact_is_named() {
    let other = match Platform::host().arch {
        Arch::Amd64 => "linux/arm64",
        Arch::Arm64 => "linux/amd64",
    };
    let (world, server) = World::pinning(&[]);
    let lock = Fixture::lock(&server, &[&Fixture::script("hello", "1.0.0")]);
    world.write(
        "work/bootstrap.lock",
        lock.replace("any:", &format!("{other}:")),
    );
    let run = world.bootstrap(&["install", "hello"]).exits(2);
    run.says(&format!(
        "hello 1.0.0 has no artifact for {}, only for {other}",
        Platform::host()
    ));
}

#[test]
fn nothing_to_install_is_a_mistake() {
    assert_snapshot!(World::new().bootstrap(&["install"]), @"
    --- stderr ---
    error: there is nothing to install
    hint: name one, such as `bootstrap install aws-cli`, or list them under `tools:` in bootstrap.yaml
    [exit 2]
    ");
}

#[test]
fn the_catalog_is_listed_for_people() {
    let run = World::new().bootstrap(&["install", "--list"]).exits(0);
    let lines: Vec<_> = run.stdout.lines().take(6).collect();
    let table = lines.join("\n");
    assert_snapshot!(table, @"
    TOOL                   DEFAULT  VERSIONS  WHAT IT DOES
    aws-cli                2.36.7   440       the AWS command line, version 2
    aws-iam-authenticator  0.7.20   45        makes tokens for Amazon EKS clusters
    kubectl                1.35.2   59        the Kubernetes command line
    node                   22.22.2  198       the Node.js runtime, with npm
    serverless             3.40.0   2         the Serverless Framework, last MIT-licensed series
    ");
    assert!(
        run.stdout.lines().all(|line| line.chars().count() <= 120),
        "{run}"
    );
    assert!(run.stdout.contains("\nnode: "), "{run}");
}

#[test]
fn the_catalog_is_listed_for_programs() {
    let run = World::new()
        .bootstrap(&["install", "--list", "--output", "json"])
        .exits(0);
    let listed: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let tools = listed.as_array().unwrap();
    assert_eq!(tools.len(), 5);
    for tool in tools {
        let versions = tool["versions"].as_array().unwrap();
        assert!(!versions.is_empty(), "{tool}");
        let default = &tool["default"];
        let found = versions
            .iter()
            .find(|version| version["version"] == *default);
        assert_eq!(
            found.unwrap()["platforms"],
            json!(["linux/amd64", "linux/arm64"])
        );
        for key in ["about", "vendor", "homepage"] {
            assert!(!tool[key].as_str().unwrap().is_empty(), "{tool}");
        }
    }
}

#[test]
fn a_server_that_hiccups_is_asked_again() {
    let hello = Fixture::script("hello", "1.0.0");
    let bytes = hello.bytes.clone();
    let server = Server::start(move |request| match request.before {
        0 => Reply::status(503),
        1 => Reply::ok(bytes.clone()).cut_after(5),
        _ => Reply::whole_or_part(&bytes, request),
    });
    let world = World::new();
    world.pin(&server, &[&hello]);
    let run = world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(world.report()["steps"][0]["tools"][0]["attempts"], 3);
    run.says("the answer was 503 Service Unavailable: will try again")
        .says("the body broke off after 5 of 29 bytes");
}
