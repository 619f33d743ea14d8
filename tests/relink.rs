//! Links follow what is installed: another layout, other programs, another way to run them.

use std::process::Command;

use crate::archives::{Member, zip};
use crate::fixture::Fixture;
use crate::server::Server;
use crate::world::World;

/// A zip with the program `hello` twice, installed as the one at this path.
fn hello_at(path: &str) -> Fixture {
    let text = |words: &str| format!("#!/bin/sh\necho hello 1.0.0 {words}\n");
    let members = [
        Member::program("a/hello", &text("from a")),
        Member::program("b/hello", &text("from b")),
    ];
    Fixture {
        programs: format!("{{ hello: {{ path: {path}, kind: script }} }}"),
        ..Fixture::archive("hello", "1.0.0", "zip", zip(&members))
    }
}

/// A script that is linked under this name.
fn named(name: &str, version: &'static str) -> Fixture {
    Fixture {
        programs: format!("{{ {name}: {{ path: hello, kind: script }} }}"),
        smoke: format!("{{ program: {name}, args: [], expect: \"hello {{version}}\" }}"),
        ..Fixture::script("hello", version)
    }
}

/// A server that has both, and a world that pins the first.
fn serving([first, second]: [Fixture; 2]) -> (World, Server) {
    let (world, server) = (World::new(), Fixture::serve(&[&first, &second]));
    world.pin(&server, &[&first]);
    (world, server)
}

fn output(world: &World, program: &str) -> String {
    let program = world.prefix(program);
    let output = Command::new(program).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_same_bytes_laid_out_otherwise_are_installed_anew() {
    let (world, server) = World::pinning(&[&hello_at("a/hello")]);
    world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(output(&world, "bin/hello"), "hello 1.0.0 from a\n");
    world.pin(&server, &[&hello_at("b/hello")]);
    let run = world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 installed"]);
    assert_eq!(output(&world, "bin/hello"), "hello 1.0.0 from b\n");
    let run = world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 unchanged"]);
}

#[test]
fn a_program_that_the_new_version_has_not_is_taken_off_the_path() {
    let (world, server) = serving([named("hi", "1.0.0"), named("hello", "2.0.0")]);
    let bin_dir = world.text("local");
    let install = ["install", "hello", "--bin-dir", &bin_dir];
    world.bootstrap(&install).exits(0);
    assert!(world.path("local/hi").exists());
    world.pin(&server, &[&named("hello", "2.0.0")]);
    world.bootstrap(&install).exits(0);
    assert!(!world.prefix("bin/hi").exists() && !world.path("local/hi").is_symlink());
    assert_eq!(output(&world, "bin/hello"), "hello 2.0.0\n");
}

#[test]
fn a_launcher_gives_way_to_a_link() {
    let versions = ["1.0.0", "2.0.0"].map(|version| Fixture::script("hello", version));
    let (world, server) = serving(versions);
    world.bootstrap(&["install", "hello"]).exits(0);
    std::fs::remove_file(world.prefix("bin/hello")).unwrap();
    world.write_program(
        "delegate/bootstrap/bin/hello",
        "#!/bin/sh\necho a launcher\n",
    );
    world.pin(&server, &[&Fixture::script("hello", "2.0.0")]);
    world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(output(&world, "bin/hello"), "hello 2.0.0\n");
}

#[test]
fn the_second_directory_may_be_bin_under_another_name() {
    let (world, _server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    let prefix = world.prefix("");
    std::fs::create_dir_all(&prefix).unwrap();
    std::os::unix::fs::symlink(&prefix, world.path("other-name")).unwrap();
    let bin_dir = world.text("other-name/bin");
    world
        .bootstrap(&["install", "hello", "--bin-dir", &bin_dir])
        .exits(0);
    assert_eq!(output(&world, "bin/hello"), "hello 1.0.0\n");
}

#[test]
fn a_bin_that_is_a_link_gets_links_that_lead_back() {
    let (world, _server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    std::fs::create_dir_all(world.path("far/away/bin")).unwrap();
    std::fs::create_dir_all(world.prefix("")).unwrap();
    std::os::unix::fs::symlink(world.path("far/away/bin"), world.prefix("bin")).unwrap();
    world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(output(&world, "bin/hello"), "hello 1.0.0\n");
    let run = world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 unchanged"]);
    world.bootstrap(&["uninstall", "hello"]).exits(0);
    assert_eq!(world.tree("far/away/bin"), [""; 0]);
}

#[test]
fn our_own_altered_program_is_not_taken_for_somebody_elses() {
    let (world, _server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    let bin_dir = world.text("local");
    world
        .bootstrap(&["install", "hello", "--bin-dir", &bin_dir])
        .exits(0);
    world.write_program(
        "delegate/bootstrap/tools/hello/1.0.0/hello",
        "#!/bin/sh\necho hello 1.0.0 EVIL\n",
    );
    let world = world.with("PATH", &format!("{bin_dir}:/usr/bin:/bin"));
    let run = world
        .bootstrap(&["install", "--accept-existing", "hello"])
        .exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 repaired"]);
    assert_eq!(output(&world, "bin/hello"), "hello 1.0.0\n");
}

#[test]
fn a_tool_that_is_present_elsewhere_is_not_hidden_by_an_older_one_of_ours() {
    let (world, server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    world.bootstrap(&["install", "hello"]).exits(0);
    world.pin(&server, &[&Fixture::script("hello", "2.0.0")]);
    world.write_program("other/hello", "#!/bin/sh\necho hello 2.0.0\n");
    let world = {
        let path = format!("{}:/usr/bin:/bin", world.text("other"));
        world.with("PATH", &path)
    };
    let run = world
        .bootstrap(&["install", "--accept-existing", "hello"])
        .exits(0);
    assert_eq!(run.states(), ["hello 2.0.0 present"]);
    assert!(!world.prefix("bin/hello").exists());
}

#[test]
fn a_version_whose_links_are_gone_is_not_kept() {
    let (world, server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    world.bootstrap(&["install", "hello"]).exits(0);
    std::fs::remove_file(world.prefix("bin/hello")).unwrap();
    let gone = Fixture {
        bytes: Vec::new(),
        ..Fixture::script("hello", "2.0.0")
    };
    world.pin(&server, &[&gone]);
    let run = world.bootstrap(&["install", "hello"]).exits(5);
    assert_eq!(run.states(), ["hello 2.0.0 failed"]);
}
