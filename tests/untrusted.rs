//! Bytes that are not what they should be: none of them reaches PATH.

use std::time::Duration;

use insta::assert_snapshot;

use crate::archives::{Member, tar_gz, zip};
use crate::fixture::{Fixture, sha256};
use crate::server::{Reply, Request, Server, Step};
use crate::world::{GENEROUS, World};

/// A world whose lock pins `hello`, at a server that answers as told.
fn served(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (World, Server) {
    pinned(&Fixture::script("hello", "1.0.0"), reply)
}

fn pinned(
    hello: &Fixture,
    reply: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> (World, Server) {
    let world = World::new();
    let server = Server::start(reply);
    world.pin(&server, &[hello]);
    (world, server)
}

/// Nothing of `hello` is anywhere but in the cache.
#[track_caller]
fn assert_nothing_is_installed(world: &World) {
    for directory in ["bin", "receipts"] {
        assert_eq!(
            world.tree(&format!("delegate/bootstrap/{directory}")),
            Vec::<String>::new()
        );
    }
    let tree = world.tree("delegate/bootstrap/tools");
    assert!(tree.is_empty() || tree == ["hello"], "{tree:?}");
}

/// Other bytes of the same length.
fn evil() -> Vec<u8> {
    b"#!/bin/sh\necho 'hullo 1.0.0'\n".to_vec()
}

#[test]
fn another_digest_is_told_with_both_and_the_bytes_are_kept_aside() {
    let hello = Fixture::script("hello", "1.0.0");
    let (world, server) = served(|_| Reply::ok(evil()));
    let run = world.bootstrap(&["install", "-q", "hello"]);
    assert_snapshot!(run, @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: cannot fetch sha256:[HEX] from http://[SERVER]/hello-1.0.0: the digest is sha256:[HEX] instead of sha256:[HEX] (kept as [WORLD]/delegate/bootstrap/cache/sha256/0b6b88b4301e71e0a25547a158f4dafeaf62ea8326e9005cc2cd1f8e28f71908.rejected)
    hint: do not use these bytes: either the source was altered, or the pin is of another release
    [exit 4]
    ");
    assert!(run.stderr.contains(&hello.digest), "the pin");
    assert!(
        run.stderr.contains(&sha256(&evil()).to_string()),
        "what came"
    );
    assert_eq!(server.requests().len(), 1, "it is not asked again");
    let cache = world.tree("delegate/bootstrap/cache/sha256");
    let kept = cache
        .iter()
        .find(|name| name.ends_with(".rejected"))
        .unwrap();
    assert_eq!(
        world
            .read(&format!("delegate/bootstrap/cache/sha256/{kept}"))
            .into_bytes(),
        evil()
    );
    assert_nothing_is_installed(&world);
}

#[test]
fn the_next_source_is_tried_after_a_bad_one_and_a_good_one_makes_it_good() {
    let hello = Fixture::script("hello", "1.0.0");
    let (world, origin) = World::pinning(&[&hello]);
    let mirror = Server::start(|_| Reply::ok(evil()));
    let run = world
        .bootstrap(&["install", "--mirror", &mirror.url("/{path}"), "hello"])
        .exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 installed"]);
    assert_eq!((mirror.requests().len(), origin.requests().len()), (1, 1));
    run.says("the digest is ").says("giving it up");
}

#[test]
fn a_bad_source_outweighs_those_that_do_not_answer() {
    let (world, _origin) = served(|_| Reply::status(404));
    let mirror = Server::start(|_| Reply::ok(evil()));
    let run = world.bootstrap(&["install", "--mirror", &mirror.url("/{path}"), "-q", "hello"]);
    assert_snapshot!(run, @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: cannot fetch sha256:[HEX] from any of its sources:
      http://[SERVER]/hello-1.0.0: the digest is sha256:[HEX] instead of sha256:[HEX] (kept as [WORLD]/delegate/bootstrap/cache/sha256/0b6b88b4301e71e0a25547a158f4dafeaf62ea8326e9005cc2cd1f8e28f71908.rejected)
      http://[SERVER]/hello-1.0.0: the answer was 404 Not Found
    hint: do not use these bytes: either the source was altered, or the pin is of another release
    [exit 4]
    ");
    assert_nothing_is_installed(&world);
}

#[test]
fn a_web_page_is_named_as_such() {
    let page = "<!DOCTYPE html>\n<html><title>Sign in</title></html>\n";
    let (world, _server) =
        served(move |_| Reply::ok(page).header("Content-Type", "text/html; charset=utf-8"));
    assert_snapshot!(world.bootstrap(&["install", "-q", "hello"]), @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: cannot fetch sha256:[HEX] from http://[SERVER]/hello-1.0.0: a web page came instead of the file (200 OK, text/html; charset=utf-8): <!DOCTYPE html>
    hint: check the URL of the mirror: it may want a login, or be the address of its web interface
    [exit 5]
    ");
    assert_nothing_is_installed(&world);
}

#[test]
fn another_size_is_refused_without_reading_the_body() {
    let (world, _server) = served(|_| Reply::ok(vec![0; 1000]));
    assert_snapshot!(world.bootstrap(&["install", "-q", "hello"]), @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: cannot fetch sha256:[HEX] from http://[SERVER]/hello-1.0.0: the size is 1000 bytes instead of 29
    hint: check that the source has this file at this address, or name another --mirror
    [exit 5]
    ");
    assert_nothing_is_installed(&world);
}

#[test]
fn an_empty_body_is_no_tool() {
    let (world, _server) = served(|_| Reply::ok(""));
    let run = world
        .bootstrap(&["install", "-q", "--deadline", "1s", "hello"])
        .exits(5);
    run.says("instead of 29");
    assert_nothing_is_installed(&world);
}

#[test]
fn a_body_that_always_breaks_off_is_given_up_at_the_deadline() {
    let bytes = Fixture::script("hello", "1.0.0").bytes;
    let (world, server) = served(move |_| Reply::ok(bytes.clone()).cut_after(10));
    let run = world
        .bootstrap(&["install", "-q", "--deadline", "1s", "hello"])
        .exits(5);
    run.says("hint: ");
    assert!(server.requests().len() > 1);
    assert_nothing_is_installed(&world);
}

#[test]
fn an_endless_body_is_cut_at_the_pinned_size() {
    let body = vec![Step::Endless(b"#!/bin/sh\n".repeat(1000))];
    let (world, _server) = served(move |_| Reply::ok("").length(None).steps(body.clone()));
    let run = world.bootstrap(&["install", "-q", "hello"]).exits(5);
    assert!(run.took < GENEROUS);
    run.says("instead of 29");
    assert_nothing_is_installed(&world);
}

#[test]
fn an_endless_body_without_a_pinned_size_is_cut_at_the_limit() {
    let mut hello = Fixture::script("hello", "1.0.0")
        .also("limits: { download_mib: 1, unpacked_mib: 1, entries: 10 }");
    hello.size = None;
    let body = vec![Step::Endless(vec![b'x'; 65536])];
    let (world, _server) = pinned(&hello, move |_| {
        Reply::ok("").length(None).steps(body.clone())
    });
    let run = world.bootstrap(&["install", "-q", "hello"]).exits(5);
    run.says("the body is larger than the limit of 1048576 bytes");
    assert_nothing_is_installed(&world);
}

#[test]
fn a_body_in_pieces_of_unknown_length_is_as_good_as_any() {
    let bytes = Fixture::script("hello", "1.0.0").bytes;
    let pieces: Vec<_> = bytes
        .chunks(7)
        .map(|piece| Step::Chunk(piece.to_vec()))
        .collect();
    let (world, _server) = served(move |_| Reply::ok("").steps(pieces.clone()));
    world.bootstrap(&["install", "hello"]).exits(0);
}

#[test]
fn a_slow_body_is_waited_for() {
    let bytes = Fixture::script("hello", "1.0.0").bytes;
    let (first, second) = (bytes[..10].to_vec(), bytes[10..].to_vec());
    let steps = vec![
        Step::Bytes(first),
        Step::Pause(Duration::from_millis(300)),
        Step::Bytes(second),
    ];
    let (world, _server) = served(move |_| Reply::ok(vec![0; 29]).steps(steps.clone()));
    world.bootstrap(&["install", "hello"]).exits(0);
}

#[test]
fn a_lying_answer_to_a_range_is_not_believed() {
    let bytes = Fixture::script("hello", "1.0.0").bytes;
    // After the cut the whole body comes as if it were the rest.
    let (world, _server) = served(
        move |request| match (request.before, request.range_start()) {
            (0, _) => Reply::ok(bytes.clone())
                .header("ETag", "\"a\"")
                .cut_after(10),
            (_, Some(start)) => Reply::part(&[&evil()[..start], &evil()[..]].concat(), start),
            (_, None) => Reply::ok(bytes.clone()),
        },
    );
    let run = world.bootstrap(&["install", "--deadline", "5s", "-q", "hello"]);
    assert!(matches!(run.code, Some(0 | 4 | 5)), "{run}");
    if run.code == Some(0) {
        let run = world.shell(&["sh"], "$WORKING_DIR/bootstrap/bin/hello");
        assert_eq!(run.stdout, "hello 1.0.0\n");
    } else {
        assert_nothing_is_installed(&world);
    }
}

#[test]
fn a_redirect_is_followed_and_the_bytes_are_checked_all_the_same() {
    let hello = Fixture::script("hello", "1.0.0");
    let store = Fixture::serve(&[&hello]);
    let to = store.url(&hello.path());
    let (world, _server) = served(move |_| Reply::redirect(to.clone()));
    world.bootstrap(&["install", "hello"]).exits(0);
    let evil = Server::start(|_| Reply::ok(evil()));
    let to = evil.url("/");
    let (world, _server) = served(move |_| Reply::redirect(to.clone()));
    world.bootstrap(&["install", "hello"]).exits(4);
    assert_nothing_is_installed(&world);
}

/// What is said of an archive that has its pinned digest and is hostile all the same. Nothing of it
/// may be left, in the world or outside of it.
fn refused(layout: &'static str, bytes: Vec<u8>) -> String {
    let hello = Fixture::archive("hello", "1.0.0", layout, bytes)
        .also("limits: { download_mib: 1, unpacked_mib: 1, entries: 100 }");
    let (world, _server) = World::pinning(&[&hello]);
    let before = world.tree("");
    let run = world.bootstrap(&["install", "-q", "hello"]).exits(4);
    assert_eq!(run.states(), ["hello 1.0.0 failed"]);
    assert_nothing_is_installed(&world);
    let outside: Vec<_> = world
        .tree("")
        .into_iter()
        .filter(|path| !path.starts_with("delegate/"))
        .collect();
    assert_eq!(
        outside,
        before
            .into_iter()
            .filter(|path| !path.starts_with("delegate/"))
            .collect::<Vec<_>>()
    );
    let causes = run
        .stderr
        .lines()
        .filter(|line| line.starts_with("caused by: ") || line.starts_with("hint: "));
    let text: Vec<_> = causes.collect();
    world.redact(&text.join("\n"))
}

fn good() -> Member {
    Member::program("bin/hello", "#!/bin/sh\necho hello 1.0.0\n")
}

#[test]
fn an_archive_that_leaves_its_directory_is_refused() {
    let hostile = [good(), Member::file("../../../evil", "x")];
    assert_snapshot!(refused("zip", zip(&hostile)), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] is not an archive to trust
    caused by: entry `../../../evil`: the name has a component that is empty, `.` or `..`
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
    assert_snapshot!(refused("tar.gz", tar_gz(&hostile)), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] is not an archive to trust
    caused by: entry `../../../evil`: the name has a component that is empty, `.` or `..`
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
}

#[test]
fn an_archive_with_an_absolute_path_is_refused() {
    let hostile = [good(), Member::file("/tmp/evil", "x")];
    assert_snapshot!(refused("zip", zip(&hostile)), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] is not an archive to trust
    caused by: entry `/tmp/evil`: the name is an absolute path
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
    assert_snapshot!(refused("tar.gz", tar_gz(&hostile)), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] is not an archive to trust
    caused by: entry `/tmp/evil`: the name is an absolute path
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
}

#[test]
fn an_archive_that_writes_through_its_own_link_is_refused() {
    let hostile = [
        good(),
        Member::link("share", "../../../../.."),
        Member::file("share/evil", "x"),
    ];
    assert_snapshot!(refused("zip", zip(&hostile)), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] is not an archive to trust
    caused by: entry `share/evil`: the path is both a file and a directory
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
    assert_snapshot!(refused("tar.gz", tar_gz(&hostile)), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] is not an archive to trust
    caused by: entry `share`: the symbolic link leads out of the tree, to `../../../../..`
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
    let inside = [
        good(),
        Member::link("share", "bin"),
        Member::file("share/evil", "x"),
    ];
    assert_snapshot!(refused("zip", zip(&inside)), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] is not an archive to trust
    caused by: entry `share/evil`: the path is both a file and a directory
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
    assert_snapshot!(refused("tar.gz", tar_gz(&inside)), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] is not an archive to trust
    caused by: entry `share/evil`: the path is both a file and a directory
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
}

#[test]
fn an_archive_with_a_link_to_the_outside_is_refused() {
    let hostile = [good(), Member::link("bin/passwd", "/etc/passwd")];
    assert_snapshot!(refused("zip", zip(&hostile)), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] is not an archive to trust
    caused by: entry `bin/passwd`: the symbolic link leads out of the tree, to `/etc/passwd`
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
    assert_snapshot!(refused("tar.gz", tar_gz(&hostile)), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] is not an archive to trust
    caused by: entry `bin/passwd`: the symbolic link leads out of the tree, to `/etc/passwd`
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
}

#[test]
fn an_archive_with_a_name_twice_is_refused() {
    let hostile = [good(), good()];
    assert_snapshot!(refused("zip", zip(&hostile)), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] is not an archive to trust
    caused by: entry `bin/hello`: the path occurs twice
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
    assert_snapshot!(refused("tar.gz", tar_gz(&hostile)), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] is not an archive to trust
    caused by: entry `bin/hello`: the path occurs twice
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
}

#[test]
fn an_archive_with_a_device_is_refused() {
    let hostile = [good(), Member::device("bin/disk")];
    assert_snapshot!(refused("zip", zip(&hostile)), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] is not an archive to trust
    caused by: entry `bin/disk`: it is neither a file, nor a directory, nor a symbolic link
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
    assert_snapshot!(refused("tar.gz", tar_gz(&hostile)), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] is not an archive to trust
    caused by: entry `bin/disk`: it is neither a file, nor a directory, nor a symbolic link
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
}

#[test]
fn a_zip_whose_headers_differ_is_refused() {
    let mut other = Member::file("bin/other", "x");
    other.local_name = "bin/hxxxx".to_owned();
    assert_snapshot!(refused("zip", zip(&[good(), other])), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] is not an archive to trust
    caused by: entry `bin/other`: the local header has another name than the central directory
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
}

#[test]
fn a_bomb_is_refused_by_what_it_makes_of_a_byte() {
    let bomb = [good(), Member::file("bomb", vec![0; 3 << 20])];
    for (layout, bytes) in [("zip", zip(&bomb)), ("tar.gz", tar_gz(&bomb))] {
        let limit = bytes.len() * 200;
        let told = refused(layout, bytes);
        assert!(
            told.contains(&format!("unpacks to more than {limit} bytes\n")),
            "{told}"
        );
    }
}

#[test]
fn an_archive_with_too_many_bytes_is_refused() {
    let text = crate::archives::prose(200_000);
    let large = [good(), Member::file("large", text)];
    assert_snapshot!(refused("zip", zip(&large)), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] unpacks to more than 1048576 bytes
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
    assert_snapshot!(refused("tar.gz", tar_gz(&large)), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] unpacks to more than 1048576 bytes
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
}

#[test]
fn an_archive_with_too_many_files_is_refused() {
    let many: Vec<_> = (0..200)
        .map(|n| Member::file(&format!("f{n}"), ""))
        .collect();
    assert_snapshot!(refused("zip", zip(&many)), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] unpacks to more than 100 entries
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
    assert_snapshot!(refused("tar.gz", tar_gz(&many)), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] unpacks to more than 100 entries
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
}

#[test]
fn an_archive_that_is_none_is_refused() {
    assert_snapshot!(refused("zip", b"PK but not really".to_vec()), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] is not an archive to trust
    caused by: the zip structure is broken: Missing end of central directory
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
    assert_snapshot!(refused("tar.gz", b"\x1f\x8b but not really".to_vec()), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] is not an archive to trust
    caused by: the gzip stream is broken: invalid gzip header
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
    let whole = tar_gz(&[good()]);
    assert_snapshot!(refused("tar.gz", whole[..whole.len() - 12].to_vec()), @"
    caused by: [WORLD]/delegate/bootstrap/cache/sha256/[HEX] is not an archive to trust
    caused by: the gzip stream is broken: it is cut short
    hint: its digest is the pinned one, so the pin names an artifact that is not to be trusted: nothing of it was put on PATH
    ");
}
