//! What no bundle is made of, and where none is made.

use std::fs;

use insta::assert_snapshot;

use super::Pinned;
use crate::fixture::Fixture;
use crate::server::{Reply, Server};
use crate::world::World;

/// A shell with mounts of its own.
const MOUNTS: [&str; 4] = ["unshare", "-m", "sh", "-e"];

fn hello() -> (World, Server) {
    World::pinning(&[&Fixture::script("hello", "1.0.0")])
}

/// What is in the working directory besides the lock.
fn made(world: &World) -> Vec<String> {
    let mut tree = world.tree("work");
    tree.retain(|path| path != "bootstrap.lock");
    tree
}

#[test]
fn a_mirror_with_other_bytes_ends_it_and_leaves_nothing() {
    let (world, _server) = hello();
    let evil = Server::start(|_| Reply::ok("#!/bin/sh\necho 'evil! 1.0.0'\n"));
    let mirror = evil.url("/{path}");
    let args = ["bundle", "create", "-q", "--no-origin", "--mirror", &mirror];
    assert_snapshot!(world.bootstrap(&args), @"
    --- stderr ---
    error: hello 1.0.0 for any cannot be put into the bundle
    caused by: cannot fetch sha256:[HEX] from http://[SERVER]/hello-1.0.0: the digest is sha256:[HEX] instead of sha256:[HEX] (kept as [WORLD]/delegate/bootstrap/cache/sha256/0b6b88b4301e71e0a25547a158f4dafeaf62ea8326e9005cc2cd1f8e28f71908.rejected)
    hint: do not use these bytes: either the source was altered, or the pin is of another release
    [exit 4]
    ");
    assert_eq!(made(&world), [""; 0]);
}

#[test]
fn a_package_with_another_integrity_ends_it_and_leaves_nothing() {
    let pinned = Pinned::new();
    let evil = Server::start(|_| Reply::ok("evil"));
    let url = evil.url("/");
    let run = pinned.create(&["--npm-registry", &url]).exits(4);
    run.says("greet 1.0.0 cannot be put into the bundle");
    assert_eq!(made(&pinned.world), ["greet.package-lock.json"]);
}

#[test]
fn offline_what_is_not_there_is_told() {
    let (world, server) = hello();
    let args = ["bundle", "create", "-q", "--offline"];
    assert_snapshot!(world.bootstrap(&args), @"
    --- stderr ---
    error: hello 1.0.0 for any cannot be put into the bundle
    caused by: sha256:[HEX] is not in the cache, and offline nothing is fetched from http://[SERVER]/hello-1.0.0
    hint: give a bundle as a file:// mirror, or fill the cache while online
    [exit 5]
    ");
    assert_eq!(server.requests().len(), 0);
    assert_eq!(made(&world), [""; 0]);
}

#[test]
fn without_a_lock_or_with_an_empty_one_there_is_nothing_to_bundle() {
    let world = World::new();
    assert_snapshot!(world.bootstrap(&["bundle", "create"]), @"
    --- stderr ---
    error: there is no lock to make a bundle of
    hint: make one with `bootstrap lock`, or name it with --lock
    [exit 2]
    ");
    world.write("work/bootstrap.lock", "version: 1\ntools: {}\n");
    assert_snapshot!(world.bootstrap(&["bundle", "create"]), @"
    --- stderr ---
    error: the lock pins no tool
    hint: pin some with `bootstrap lock`
    [exit 6]
    ");
}

#[test]
fn what_the_lock_does_not_pin_is_told() {
    let (world, server) = hello();
    let create = |tool: &str| world.bootstrap(&["bundle", "create", "-q", tool]);
    assert_snapshot!(create("kubectl"), @"
    --- stderr ---
    error: the lock does not pin kubectl
    hint: add it with `bootstrap lock kubectl`
    [exit 2]
    ");
    assert_snapshot!(create("hello@2.0.0"), @"
    --- stderr ---
    error: hello 2.0.0 was asked for, and the lock pins 1.0.0
    hint: change the pin with `bootstrap lock hello@2.0.0`
    [exit 2]
    ");
    let lock = world.read("work/bootstrap.lock");
    let needy = lock + "    needs: [{ tool: node, at_least: \"16\" }]\n";
    world.write("work/bootstrap.lock", needy);
    assert_snapshot!(create("hello"), @"
    --- stderr ---
    error: the lock does not pin node, which hello needs
    hint: add it with `bootstrap lock node`
    [exit 2]
    ");
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_lock_that_is_broken_is_told_with_its_line() {
    let (world, server) = hello();
    let lock = world.read("work/bootstrap.lock");
    let create = |text: String| {
        world.write("work/bootstrap.lock", text);
        world.bootstrap(&["bundle", "create", "-q"])
    };
    assert_snapshot!(create(lock.replace("digest: \"sha256:", "digest: \"sha256:0")), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.lock:5:76: tools.hello.artifacts.any.digest: `sha256:[HEX]` is not a digest: it takes `sha256:` and 64 hex digits, or `sha512:` and 128
    [exit 6]
    ");
    assert_snapshot!(create(lock.replace("version: 1\n", "version: 2\n")), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.lock:1:10: format version 2 is not one that this program reads: it reads up to 1
    [exit 6]
    ");
    assert_snapshot!(create(lock.replace("layout:", "layuot:")), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.lock:6:5: tools.hello: unknown field `layuot`, expected one of `version`, `artifacts`, `package_lock`, `layout`, `strip`, `programs`, `smoke`, `needs`, `slim`, `limits`
    [exit 6]
    ");
    let url = server.url("/hello-1.0.0");
    let other = format!("sha256/{}", "0".repeat(64));
    assert_snapshot!(create(lock.replace(&url, &other)), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.lock:4:5: tools.hello: the `url` of an artifact in a bundle is its digest, as ALGORITHM/HEX
    [exit 6]
    ");
    assert_snapshot!(create(lock.replace(&url, "../hello")), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.lock:5:30: tools.hello.artifacts.any.url: the `url` of an artifact takes an https, http or file URL without a user name or password
    [exit 6]
    ");
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_package_lock_that_was_changed_is_not_bundled() {
    let pinned = Pinned::new();
    pinned.world.write("work/greet.package-lock.json", "{}");
    let run = pinned.create(&[]).exits(4);
    run.says("is not the file that the lock pins");
    assert_eq!(pinned.requests(), 0);
}

#[test]
fn what_is_no_bundle_is_never_replaced() {
    let (world, server) = hello();
    world.write("work/precious/file", "precious");
    world.write("work/precious/bootstrap.lock", "version: 1\ntools: {}\n");
    world.write("work/file", "precious");
    world.write("work/file.tar", "precious");
    fs::create_dir(world.path("work/directory.tar")).unwrap();
    let create = |path: &str| world.bootstrap(&["bundle", "create", "-q", "--replace", "-o", path]);
    assert_snapshot!(create("precious"), @"
    --- stderr ---
    error: no bundle is made at `[WORLD]/work/precious`: it is a directory that holds other things than a bundle
    hint: choose another --output-path, remove what is there, or let --replace take a bundle's place
    [exit 2]
    ");
    // The files of other bundles, beside this one's, are as precious; and so is the lock that is read.
    world
        .bootstrap(&["bundle", "create", "-q", "-o", "merged"])
        .exits(0);
    let other = format!("work/merged/sha256/{}", "0".repeat(64));
    world.write(&other, "precious");
    create("merged").exits(2).says("holds other things");
    assert_eq!(world.read(&other), "precious");
    // So is what is in a tar with a bundle.
    create("mixed.tar").exits(0);
    let more = "cd $world/work; tar -rf mixed.tar file; cp mixed.tar kept.tar";
    world.shell(&["sh"], more).exits(0);
    create("mixed.tar").exits(2).says("holds other things too");
    let [mixed, kept] =
        ["work/mixed.tar", "work/kept.tar"].map(|name| fs::read(world.path(name)).unwrap());
    assert!(mixed == kept, "the tar was changed");
    let requests = server.requests().len();
    let source = world.read("work/bootstrap.lock");
    world.write("work/source/bootstrap.lock", source.clone());
    create("source").exits(2).says("holds other things");
    assert_eq!(world.read("work/source/bootstrap.lock"), source);
    assert_snapshot!(create("file"), @"
    --- stderr ---
    error: no bundle is made at `[WORLD]/work/file`: it is not a directory
    hint: choose another --output-path, remove what is there, or let --replace take a bundle's place
    [exit 2]
    ");
    assert_snapshot!(create("file.tar"), @"
    --- stderr ---
    error: no bundle is made at `[WORLD]/work/file.tar`: it is no bundle, or holds other things too
    hint: choose another --output-path, remove what is there, or let --replace take a bundle's place
    [exit 2]
    ");
    assert_snapshot!(create("directory.tar"), @"
    --- stderr ---
    error: no bundle is made at `[WORLD]/work/directory.tar`: it is not a regular file
    hint: choose another --output-path, remove what is there, or let --replace take a bundle's place
    [exit 2]
    ");
    assert_eq!(world.read("work/file"), "precious");
    assert_eq!(world.read("work/file.tar"), "precious");
    assert_eq!(world.read("work/precious/file"), "precious");
    assert_eq!(
        server.requests().len(),
        requests,
        "nothing was fetched for it"
    );
}

#[test]
fn a_bundle_and_the_cache_keep_apart() {
    let (world, server) = hello();
    let create = |path: &str| {
        let args = [
            "bundle",
            "create",
            "-q",
            "--cache-dir",
            "cache/here",
            "-o",
            path,
        ];
        world.bootstrap(&args)
    };
    assert_snapshot!(create("cache/here/bundle"), @"
    --- stderr ---
    error: a bundle at `[WORLD]/work/cache/here/bundle` and the cache `[WORLD]/work/cache/here` would be in one another
    hint: choose another --output-path or another --cache-dir
    [exit 2]
    ");
    create("cache/here").exits(2);
    create("cache").exits(2);
    create("cache/there").exits(0);
    assert_eq!(server.requests().len(), 1);
    // However it is spelt, and before it is there.
    std::os::unix::fs::symlink("cache/here", world.path("work/linked")).unwrap();
    create("linked/bundle").exits(2);
}

#[test]
fn a_place_that_cannot_be_written_is_told_before_anything_is_fetched() {
    let (world, server) = hello();
    world.write("work/file", "");
    assert_snapshot!(world.bootstrap(&["bundle", "create", "-q", "-o", "file/bundle"]), @"
    --- stderr ---
    error: cannot create the directory `[WORLD]/work/file`
    caused by: File exists (os error 17)
    hint: move what is there out of the way, or choose another --output-path
    [exit 1]
    ");
    assert_eq!(server.requests().len(), 0);
    let read_only = "mkdir -p $world/place; mount -t tmpfs -o ro none $world/place";
    if !world.can("a read-only place", &MOUNTS, read_only) {
        return;
    }
    let script = format!("{read_only}; \"$bootstrap\" bundle create -q -o $world/place/bundle");
    assert_snapshot!(world.shell(&MOUNTS, &script), @r#"
    --- stderr ---
    error: cannot create a directory in `[WORLD]/place`
    caused by: Read-only file system (os error 30) at path "[WORLD]/place/.unfinished-[RANDOM]"
    hint: choose an --output-path that this user may write
    [exit 1]
    "#);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_full_disk_leaves_no_bundle_and_more_room_makes_it_good() {
    let filler = "# filler\n".repeat(60_000);
    let script = format!("#!/bin/sh\necho hello 1.0.0\nexit\n{filler}");
    let hello = Fixture::program("hello", "1.0.0", "script", script.into_bytes());
    let (world, _server) = World::pinning(&[&hello]);
    let mount = "mkdir -p $world/place; mount -t tmpfs -o size=256k none $world/place";
    if !world.can("a full disk", &MOUNTS, mount) {
        return;
    }
    for bundle in ["bundle", "bundle.tar"] {
        let create = format!("\"$bootstrap\" bundle create -q -o $world/place/{bundle} >/dev/null");
        let script = format!(
            "{mount}; {create} || echo \"[$?]\"; find $world/place -mindepth 1
             mount -o remount,size=4m $world/place
             {create}; find $world/place -mindepth 1 -maxdepth 1"
        );
        let run = world.shell(&MOUNTS, &script).exits(0);
        assert_eq!(
            run.stdout,
            format!("[1]\n{}/{bundle}\n", world.text("place")),
            "{run}"
        );
        run.says("KiB free, 5")
            .says("hint: make room there, or choose another --output-path");
    }
}

#[test]
fn a_disk_that_fills_up_in_the_middle_leaves_no_bundle() {
    // The bytes would fit: it is the files that become too many.
    let pinned = Pinned::new();
    let world = &pinned.world;
    let mount =
        "mkdir -p $world/place; mount -t tmpfs -o size=1m,nr_inodes=INODES none $world/place";
    if !world.can("a full disk", &MOUNTS, &mount.replace("INODES", "6")) {
        return;
    }
    let create = "\"$bootstrap\" bundle create -q -o $world/place/bundle node >/dev/null";
    let count = |inodes: &str| {
        let mount = mount.replace("INODES", inodes);
        let script =
            format!("{mount}; {create} || echo \"[$?]\"; find $world/place -mindepth 1 | wc -l");
        world.shell(&MOUNTS, &script).exits(0)
    };
    // The root, the directory for work and that of the bundle, `sha256`, and no artifact more.
    let run = count("4");
    assert_eq!(run.stdout, "[1]\n0\n", "{run}");
    run.says("No space left on device")
        .says("hint: make room there");
    let run = count("5");
    assert_eq!(run.stdout, "[1]\n0\n", "{run}");
    let run = count("6");
    assert_eq!(run.stdout, "4\n", "{run}");
}
