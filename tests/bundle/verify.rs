//! Looking at bundles: what was flipped, lost, added or cut off on the way.

use std::fs;
use std::os::unix::fs::symlink;

use insta::assert_snapshot;

use super::path_of;
use crate::fixture::Fixture;
use crate::server::Server;
use crate::world::{Run, World};

/// A world with a bundle of two tools, as `work/bundle` and as `work/bundle.tar`.
fn bundled() -> (World, Server) {
    let tools = [
        Fixture::script("hello", "1.0.0"),
        Fixture::zip("bye", "2.0.0"),
    ];
    let (world, server) = World::pinning(&[&tools[0], &tools[1]]);
    for bundle in ["bundle", "bundle.tar"] {
        world
            .bootstrap(&["bundle", "create", "-q", "-o", bundle])
            .exits(0);
    }
    (world, server)
}

fn verify(world: &World, bundle: &str) -> Run {
    world.bootstrap(&["bundle", "verify", bundle])
}

/// Changes one byte of a file.
fn flip(world: &World, name: &str, at: usize) {
    let mut bytes = fs::read(world.path(name)).unwrap();
    bytes[at] ^= 1;
    world.write(name, bytes);
}

#[test]
fn a_whole_bundle_is_said_to_be_so_and_listed() {
    let (world, _server) = bundled();
    assert_snapshot!(verify(&world, "bundle"), @"
    [WORLD]/work/bundle is whole: 2 files, 301 B
    [exit 0]
    ");
    verify(&world, "bundle.tar").exits(0);
    assert_snapshot!(world.bootstrap(&["bundle", "list", "bundle"]), @"
    TOOL   VERSION  PLATFORM  SIZE   DIGEST
    bye    2.0.0    any       272 B  sha256:[HEX]
    hello  1.0.0    any       29 B   sha256:[HEX]
    [exit 0]
    ");
    let list = |bundle: &str| world.bootstrap(&["bundle", "list", bundle]).exits(0).stdout;
    assert_eq!(list("bundle"), list("bundle.tar"));
    let run = world.bootstrap(&["bundle", "verify", "bundle", "--output", "json"]);
    assert_snapshot!(run, @r#"
    {
      "bundle": "[WORLD]/work/bundle",
      "bytes": 301,
      "findings": [],
      "version": 1,
      "whole": 2
    }
    [exit 0]
    "#);
    // A variable says so as well.
    let json = world.with("BOOTSTRAP_OUTPUT", "json");
    assert_snapshot!(json.bootstrap(&["bundle", "list", "bundle.tar"]), @r#"
    {
      "artifacts": [
        {
          "digest": "sha256:[HEX]",
          "path": "sha256/[HEX]",
          "platform": "any",
          "proof": "lock",
          "size": 272,
          "tool": "bye",
          "version": "2.0.0"
        },
        {
          "digest": "sha256:[HEX]",
          "path": "sha256/[HEX]",
          "platform": "any",
          "proof": "lock",
          "size": 29,
          "tool": "hello",
          "version": "1.0.0"
        }
      ],
      "bundle": "[WORLD]/work/bundle.tar",
      "version": 1
    }
    [exit 0]
    "#);
}

#[test]
fn what_is_altered_missing_or_too_many_is_listed() {
    let (world, _server) = bundled();
    let [hello, bye] = ["hello", "bye"].map(|tool| path_of(&world, "bundle", tool));
    flip(&world, &hello, 3);
    fs::remove_file(world.path(&bye)).unwrap();
    world.write("work/bundle/notes.txt", "mine");
    world.write("work/bundle/sha256/abc", "mine");
    fs::create_dir_all(world.path("work/bundle/more/of/it")).unwrap();
    fs::create_dir_all(world.path("work/bundle/lost+found")).unwrap();
    fs::create_dir_all(world.path("work/bundle/sha512")).unwrap();
    assert_snapshot!(verify(&world, "bundle"), @"
    [WORLD]/work/bundle: more is extra
    [WORLD]/work/bundle: notes.txt is extra
    [WORLD]/work/bundle: sha256/[HEX] is missing (bye 2.0.0 for any)
    [WORLD]/work/bundle: sha256/[HEX] is altered: it has the digest sha256:[HEX] (hello 1.0.0 for any)
    [WORLD]/work/bundle: sha256/abc is extra
    --- stderr ---
    hint: make it anew with `bootstrap bundle create --replace`, or copy it once more
    [exit 3]
    ");
    let run = world.bootstrap(&["bundle", "verify", "bundle", "--output", "json"]);
    assert_snapshot!(run, @r#"
    {
      "bundle": "[WORLD]/work/bundle",
      "bytes": 0,
      "findings": [
        {
          "detail": null,
          "of": [],
          "path": "more",
          "problem": "extra"
        },
        {
          "detail": null,
          "of": [],
          "path": "notes.txt",
          "problem": "extra"
        },
        {
          "detail": null,
          "of": [
            "bye 2.0.0 for any"
          ],
          "path": "sha256/[HEX]",
          "problem": "missing"
        },
        {
          "detail": "it has the digest sha256:[HEX]",
          "of": [
            "hello 1.0.0 for any"
          ],
          "path": "sha256/[HEX]",
          "problem": "altered"
        },
        {
          "detail": null,
          "of": [],
          "path": "sha256/abc",
          "problem": "extra"
        }
      ],
      "version": 1,
      "whole": 0
    }
    [exit 3]
    "#);
}

#[test]
fn what_is_no_file_or_of_another_length_is_altered() {
    let (world, _server) = bundled();
    let [hello, bye] = ["hello", "bye"].map(|tool| path_of(&world, "bundle", tool));
    fs::remove_file(world.path(&hello)).unwrap();
    fs::create_dir(world.path(&hello)).unwrap();
    let longer = [fs::read(world.path(&bye)).unwrap(), b"more".to_vec()].concat();
    world.write(&bye, longer);
    assert_snapshot!(verify(&world, "bundle"), @"
    [WORLD]/work/bundle: sha256/[HEX] is altered: it has more than 272 bytes (bye 2.0.0 for any)
    [WORLD]/work/bundle: sha256/[HEX] is altered: it cannot be read: it is not a regular file (hello 1.0.0 for any)
    --- stderr ---
    hint: make it anew with `bootstrap bundle create --replace`, or copy it once more
    [exit 3]
    ");
}

#[test]
fn the_length_that_the_lock_states_must_be_that_of_the_file() {
    let (world, _server) = bundled();
    let lock = world.read("work/bundle/bootstrap.lock");
    world.write(
        "work/bundle/bootstrap.lock",
        lock.replace("size: 29", "size: 30"),
    );
    assert_snapshot!(verify(&world, "bundle"), @"
    [WORLD]/work/bundle: sha256/[HEX] is altered: it has 29 bytes, and the lock says 30 (hello 1.0.0 for any)
    --- stderr ---
    hint: make it anew with `bootstrap bundle create --replace`, or copy it once more
    [exit 3]
    ");
}

#[test]
fn a_tar_with_a_flipped_bit_is_told_wherever_the_bit_is() {
    let (world, _server) = bundled();
    let whole = fs::read(world.path("work/bundle.tar")).unwrap();
    // Every byte but the blanks that fill blocks up, which nothing reads, and the lock's own comment.
    let comment = 512..512 + 160;
    let mut told = 0;
    for at in (0..whole.len()).step_by(37) {
        if whole[at] == 0 || comment.contains(&at) {
            continue;
        }
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        world.write("work/bundle.tar", &bytes);
        let run = verify(&world, "bundle.tar");
        assert!(
            [Some(3), Some(6)].contains(&run.code) || is_in_lock(&whole, at),
            "byte {at}: {run}"
        );
        told += 1;
    }
    assert!(told > 30, "{told}");
}

/// Whether the byte is in the lock, where a letter of a proof may change and all stays whole.
fn is_in_lock(whole: &[u8], at: usize) -> bool {
    let end = whole[512..].iter().position(|byte| *byte == 0).unwrap() + 512;
    (512..end).contains(&at)
}

#[test]
fn a_tar_that_was_cut_off_is_told_wherever_it_ends() {
    let (world, _server) = bundled();
    let whole = fs::read(world.path("work/bundle.tar")).unwrap();
    let lock = whole[512..].iter().position(|byte| *byte == 0).unwrap();
    for length in (0..whole.len())
        .step_by(256)
        .chain([1, 513, whole.len() - 1])
    {
        world.write("work/bundle.tar", &whole[..length]);
        let expected = match length {
            _ if length < 512 + lock => 6,
            // One of the two blocks that end a tar is enough: everything is there.
            _ if length >= whole.len() - 512 => 0,
            _ => 3,
        };
        let run = verify(&world, "bundle.tar");
        assert_eq!(run.code, Some(expected), "{length} bytes: {run}");
    }
    world.write("work/bundle.tar", &whole[..512 + lock / 2]);
    verify(&world, "bundle.tar").says("bundle.tar` is neither a directory nor a tar");
    world.write("work/bundle.tar", &whole[..whole.len() - 2048]);
    assert_snapshot!(verify(&world, "bundle.tar"), @"
    [WORLD]/work/bundle.tar: bundle.tar is altered: the end of the archive is missing
    [WORLD]/work/bundle.tar: sha256/[HEX] is missing (hello 1.0.0 for any)
    --- stderr ---
    hint: make it anew with `bootstrap bundle create --replace`, or copy it once more
    [exit 3]
    ");
}

#[test]
fn what_stands_behind_the_last_file_does_not_make_that_missing() {
    let (world, _server) = bundled();
    let behind = "cd $world/work; cp bundle.tar more.tar; echo more >>more.tar
        mkfifo pipe; cp bundle.tar device.tar; tar -rf device.tar pipe";
    world.shell(&["sh"], behind).exits(0);
    let run = verify(&world, "more.tar").exits(3);
    assert_eq!(run.stdout.lines().count(), 1, "{}", run.stdout);
    run.shows("more.tar is altered: ");
    let run = verify(&world, "device.tar").exits(3);
    assert_eq!(run.stdout.lines().count(), 1, "{}", run.stdout);
    run.shows("device.tar is altered: entry `pipe`: ");
}

#[test]
fn what_lies_in_the_directory_of_the_file_system_is_too_much_for_replacing() {
    let (world, _server) = bundled();
    let found = "work/bundle/lost+found";
    fs::create_dir_all(world.path(found)).unwrap();
    let replace = [
        "bundle",
        "create",
        "-q",
        "--replace",
        "--platform",
        "linux/amd64",
    ];
    world.write(&format!("{found}/mine"), "mine");
    verify(&world, "bundle")
        .exits(3)
        .shows(": lost+found is extra\n");
    world.bootstrap(&replace).exits(2);
    assert_eq!(world.read(&format!("{found}/mine")), "mine");
    fs::remove_file(world.path(&format!("{found}/mine"))).unwrap();
    world.bootstrap(&replace).exits(0);
}

#[test]
fn a_tar_may_be_packed_anew_but_not_with_more_in_it() {
    let (world, _server) = bundled();
    let pack = "cd $world/work/bundle; tar -cf ../again.tar .";
    world.shell(&["sh"], pack).exits(0);
    verify(&world, "again.tar").exits(0);
    let more = "cd $world/work/bundle; echo mine >notes; ln -s notes link; tar -cf ../more.tar .; tar -rf ../more.tar bootstrap.lock";
    world.shell(&["sh"], more).exits(0);
    assert_snapshot!(verify(&world, "more.tar"), @"
    [WORLD]/work/more.tar: bootstrap.lock is extra
    [WORLD]/work/more.tar: link is extra
    [WORLD]/work/more.tar: notes is extra
    --- stderr ---
    hint: make it anew with `bootstrap bundle create --replace`, or copy it once more
    [exit 3]
    ");
}

#[test]
fn what_is_no_bundle_is_told() {
    let (world, _server) = bundled();
    fs::create_dir(world.path("work/empty")).unwrap();
    world.write("work/page.tar", "<!doctype html>".repeat(100));
    world.write("work/packages/bootstrap.lock", "version: 1\ntools:\n  serverless:\n    version: 3.40.0\n    package_lock: { file: a.json, digest: \"sha256:0000000000000000000000000000000000000000000000000000000000000000\" }\n");
    let lock = world.read("work/bundle/bootstrap.lock");
    world.write(
        "work/newer/bootstrap.lock",
        lock.replace("version: 1\n", "version: 2\n"),
    );
    world.write(
        "work/edited/bootstrap.lock",
        lock.replace(
            "    version: 1.0.0\n",
            "    version: 1.0.0\n    versoin: 2\n",
        ),
    );
    assert_snapshot!(verify(&world, "nowhere"), @"
    --- stderr ---
    error: cannot read `[WORLD]/work/nowhere`
    caused by: No such file or directory (os error 2)
    [exit 2]
    ");
    assert_snapshot!(verify(&world, "empty"), @"
    --- stderr ---
    error: `[WORLD]/work/empty` is no bundle: it has no bootstrap.lock
    hint: make it anew with `bootstrap bundle create`
    [exit 6]
    ");
    assert_snapshot!(verify(&world, "page.tar"), @"
    --- stderr ---
    error: `[WORLD]/work/page.tar` is neither a directory nor a tar, and so no bundle
    caused by: [WORLD]/work/page.tar is not an archive to trust
    caused by: the tar structure is broken: numeric field was not a number: l><!doct when getting cksum for <!doctype html><!doctype html><!doctype html><!doctype html><!doctype html><!doctype html><!doctype 
    hint: make it anew with `bootstrap bundle create`
    [exit 6]
    ");
    assert_snapshot!(verify(&world, "packages"), @"
    --- stderr ---
    error: [WORLD]/work/packages/bootstrap.lock pins serverless by a package lock, and a bundle has one artifact of it
    hint: make it anew with `bootstrap bundle create`
    [exit 6]
    ");
    assert_snapshot!(verify(&world, "newer"), @"
    --- stderr ---
    error: [WORLD]/work/newer/bootstrap.lock:3:10: format version 2 is not one that this program reads: it reads up to 1
    hint: make it anew with `bootstrap bundle create`
    [exit 6]
    ");
    assert_snapshot!(verify(&world, "edited"), @"
    --- stderr ---
    error: [WORLD]/work/edited/bootstrap.lock:28:5: tools.hello: unknown field `versoin`, expected one of `version`, `artifacts`, `package_lock`, `layout`, `strip`, `programs`, `smoke`, `needs`, `slim`, `limits`
    hint: make it anew with `bootstrap bundle create`
    [exit 6]
    ");
    assert_snapshot!(verify(&world, "/dev/null"), @"
    --- stderr ---
    error: cannot read `/dev/null`
    caused by: it is not a regular file
    [exit 1]
    ");
}

#[test]
fn what_a_tool_needs_and_the_lock_does_not_pin_is_listed() {
    let pinned = super::Pinned::new();
    let world = &pinned.world;
    pinned.create(&[]).exits(0);
    verify(world, "bundle").exits(0);
    let lock = world.read("work/bundle/bootstrap.lock");
    let node = path_of(world, "bundle", "node");
    fs::remove_file(world.path(&node)).unwrap();
    let cut = lock.find("  node:").unwrap();
    world.write("work/bundle/bootstrap.lock", &lock[..cut]);
    verify(world, "bundle")
        .exits(3)
        .says("hint: make it anew")
        .shows("bootstrap.lock is incomplete: it does not pin node, which greet needs\n");
    let tools = lock.find("tools:").unwrap();
    let empty = format!("{}tools: {{}}\n", &lock[..tools]);
    world.write("work/bundle/bootstrap.lock", empty);
    verify(world, "bundle")
        .exits(3)
        .shows("bootstrap.lock is incomplete: it pins nothing\n");
}

#[test]
fn links_that_would_stay_behind_are_listed_and_others_are_not() {
    let (world, _server) = bundled();
    let [hello, bye] = ["hello", "bye"].map(|tool| path_of(&world, "bundle", tool));
    for (name, place) in [(&hello, "elsewhere"), (&bye, "work/bundle/sha256/..data")] {
        fs::rename(world.path(name), world.path(place)).unwrap();
        symlink(world.path(place), world.path(name)).unwrap();
    }
    fs::rename(world.path("work/bundle/bootstrap.lock"), world.path("lock")).unwrap();
    symlink(world.path("lock"), world.path("work/bundle/bootstrap.lock")).unwrap();
    let hello = hello.strip_prefix("work/bundle/").unwrap();
    let link = "is altered: it is a link to a file outside the bundle";
    let run = verify(&world, "bundle").exits(3);
    assert_eq!(run.stdout.lines().count(), 3, "{}", run.stdout);
    run.shows(&format!(": bootstrap.lock {link}\n"))
        .shows(&format!(": {hello} {link} (hello 1.0.0 for any)\n"))
        .shows(": sha256/..data is extra\n");
}

#[test]
fn names_in_findings_cannot_write_lines_of_their_own() {
    let (world, _server) = bundled();
    world.write("work/bundle/a\n\u{1b}[31mis whole", "mine");
    let run = verify(&world, "bundle").exits(3);
    assert_eq!(run.stdout.lines().count(), 1, "{}", run.stdout);
    assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
}
