//! A deadline that ends in the middle of each stage: the run ends, and the next one succeeds.

use std::fs::File;
use std::net::TcpListener;
use std::time::Duration;

use insta::assert_snapshot;

use crate::archives::{Member, zip};
use crate::fixture::Fixture;
use crate::server::{Reply, Server, Step};
use crate::world::{GENEROUS, Run, World};

/// The run ended soon after its deadline, with code 5, and left nothing half-done.
#[track_caller]
fn assert_ended(world: &World, run: Run) -> Run {
    assert!(run.took < GENEROUS, "{:?}", run.took);
    let run = run.exits(5);
    assert_eq!(world.leftovers(), Vec::<String>::new());
    assert!(!world.prefix("bin/hello").exists());
    run
}

#[track_caller]
fn assert_next_run_is_whole(world: &World, args: &[&str]) {
    let run = world.bootstrap(args).exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 installed"]);
    assert_eq!(world.leftovers(), Vec::<String>::new());
    let run = world
        .shell(&["sh"], "$WORKING_DIR/bootstrap/bin/hello")
        .exits(0);
    assert_eq!(run.stdout, "hello 1.0.0\n");
}

#[test]
fn while_another_process_holds_the_lock() {
    let (world, server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    let path = world.write(
        "delegate/bootstrap/lock",
        "`bootstrap init`, pid 7 on pod-a",
    );
    let held = File::options().read(true).write(true).open(path).unwrap();
    held.lock().unwrap();
    let run = world.bootstrap(&["install", "--deadline", "300ms", "hello"]);
    assert_snapshot!(assert_ended(&world, run), @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    waiting for `bootstrap init`, pid 7 on pod-a
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: `[WORLD]/delegate/bootstrap/lock` was held by `bootstrap init`, pid 7 on pod-a all the time
    caused by: the deadline of 0.3 s has passed
    hint: another run is installing into the same prefix: wait for it, or use another --prefix
    [exit 5]
    ");
    assert_eq!(server.requests().len(), 0);
    drop(held);
    assert_next_run_is_whole(&world, &["install", "hello"]);
}

#[test]
fn while_nobody_answers_the_connection() {
    let hello = Fixture::script("hello", "1.0.0");
    let world = World::new();
    // It listens and takes nothing: connections stay in its queue, and no answer ever comes.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    world.write("work/bootstrap.lock", Fixture::lock_at(&base, &[&hello]));
    let run = world.bootstrap(&["install", "-q", "--deadline", "500ms", "hello"]);
    assert_snapshot!(assert_ended(&world, run), @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: cannot fetch sha256:[HEX] from http://[SERVER]/hello-1.0.0: the deadline came after 0 of 29 bytes; the deadline of 0.5 s has passed
    hint: give it more time with --deadline (BOOTSTRAP_DEADLINE), or a mirror that is nearer; what was downloaded is kept, and the next run goes on from there
    [exit 5]
    ");
    let server = Server::listen(listener, None, Fixture::shelf(&[&hello]));
    assert_next_run_is_whole(&world, &["install", "hello"]);
    drop(server);
}

#[test]
fn while_nobody_listens() {
    let hello = Fixture::script("hello", "1.0.0");
    let world = World::new();
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    world.write(
        "work/bootstrap.lock",
        Fixture::lock_at(&format!("http://{free}"), &[&hello]),
    );
    let run = world.bootstrap(&["install", "-q", "--deadline", "500ms", "hello"]);
    assert_ended(&world, run)
        .says("cannot connect")
        .says("Connection refused");
}

#[test]
fn while_the_body_stalls_and_the_rest_is_fetched_next_time() {
    // Short bodies are not worth keeping half of.
    let script = format!(
        "#!/bin/sh\necho hello 1.0.0\nexit\n{}",
        "# filler\n".repeat(200_000)
    );
    let hello = Fixture::program("hello", "1.0.0", "script", script.into_bytes());
    let bytes = hello.bytes.clone();
    let server = Server::start(move |request| {
        let reply = match request.range_start() {
            Some(start) => Reply::part(&bytes, start),
            None => Reply::ok(bytes.clone()).hang_after(1_000_000),
        };
        reply.header("ETag", "\"one\"")
    });
    let world = World::new();
    world.pin(&server, &[&hello]);
    let run = world.bootstrap(&["install", "-q", "--deadline", "1s", "hello"]);
    assert_snapshot!(assert_ended(&world, run), @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: cannot fetch sha256:[HEX] from http://[SERVER]/hello-1.0.0: the deadline came after 1000000 of 1800032 bytes; the deadline of 1 s has passed
    hint: give it more time with --deadline (BOOTSTRAP_DEADLINE), or a mirror that is nearer; what was downloaded is kept, and the next run goes on from there
    [exit 5]
    ");
    assert_next_run_is_whole(&world, &["install", "hello"]);
    let starts: Vec<_> = server
        .requests()
        .iter()
        .map(crate::server::Request::range_start)
        .collect();
    assert_eq!(starts, [None, Some(1_000_000)]);
}

#[test]
fn while_a_server_asks_for_patience_beyond_it() {
    let hello = Fixture::script("hello", "1.0.0");
    let world = World::new();
    let server = Server::start(|_| Reply::status(503).header("Retry-After", "3600"));
    world.pin(&server, &[&hello]);
    let run = world.bootstrap(&["install", "-q", "--deadline", "2s", "hello"]);
    assert_snapshot!(assert_ended(&world, run), @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: cannot fetch sha256:[HEX] from http://[SERVER]/hello-1.0.0: the answer was 503 Service Unavailable, to be asked again in 3600 s, after the deadline
    hint: give it more time with --deadline (BOOTSTRAP_DEADLINE), or name another --mirror
    [exit 5]
    ");
}

#[test]
fn while_an_archive_is_unpacked() {
    // Deflated text that is long and yet no bomb.
    let text = crate::archives::prose(400_000);
    let mut members = vec![Member::program(
        "bin/hello",
        "#!/bin/sh\necho hello 1.0.0\n",
    )];
    members.extend((0..40).map(|n| Member::file(&format!("share/{n}"), text.clone())));
    let hello = Fixture::archive("hello", "1.0.0", "zip", zip(&members));
    let world = World::new();
    let (bytes, slow) = (hello.bytes.clone(), hello.bytes.len() - 1);
    // The last byte comes just before the deadline, so that it passes while unpacking.
    let server = Server::start(move |_| {
        let steps = vec![
            Step::Bytes(bytes[..slow].to_vec()),
            Step::Pause(Duration::from_millis(600)),
            Step::Bytes(bytes[slow..].to_vec()),
        ];
        Reply::ok(bytes.clone()).steps(steps)
    });
    world.pin(&server, &[&hello]);
    let run = world.bootstrap(&["install", "--deadline", "800ms", "hello"]);
    let run = assert_ended(&world, run);
    // On a slow machine it passes earlier, and the test is the poorer for it but not wrong.
    assert!(
        run.stderr.contains("the deadline of 0.8 s has passed"),
        "{run}"
    );
    assert_next_run_is_whole(&world, &["install", "hello"]);
}

#[test]
fn while_a_program_is_tried_that_hangs() {
    let script =
        "#!/bin/sh\nif [ -e \"$TMPDIR/hang\" ]; then sleep 600 & wait; fi\necho hello 1.0.0\n";
    let hello = Fixture::program("hello", "1.0.0", "script", script.as_bytes().to_vec());
    let (world, _server) = World::pinning(&[&hello]);
    let place = world.text("");
    let world = world.with("TMPDIR", &place);
    let hang = world.write("hang", "");
    let run = world.bootstrap(&["install", "-q", "--deadline", "700ms", "hello"]);
    assert_snapshot!(assert_ended(&world, run), @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: it could not be tried out in time
    caused by: `[WORLD]/delegate/bootstrap/tools/hello/.unfinished-[RANDOM]/hello --version` had not ended
    caused by: the deadline of 0.7 s has passed
    hint: give it more time with --deadline (BOOTSTRAP_DEADLINE), or a mirror that is nearer; what was downloaded is kept, and the next run goes on from there
    [exit 5]
    ");
    std::fs::remove_file(hang).unwrap();
    assert_next_run_is_whole(&world, &["install", "hello"]);
}

#[test]
fn while_an_old_version_is_there_which_then_stays() {
    let old = Fixture::script("hello", "1.0.0");
    let new = Fixture::program(
        "hello",
        "1.1.0",
        "script",
        b"#!/bin/sh\nsleep 600\n".to_vec(),
    );
    let (world, server) = World::pinning(&[&old, &new]);
    world.pin(&server, &[&old]);
    world.bootstrap(&["install", "hello"]).exits(0);
    world.pin(&server, &[&new]);
    let run = world
        .bootstrap(&["install", "--deadline", "700ms", "hello"])
        .exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 kept-previous"]);
    assert!(run.took < GENEROUS);
}

#[test]
fn before_anything_is_begun() {
    let (world, server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    let run = world.bootstrap(&["install", "-q", "--deadline", "0s", "hello"]);
    assert_ended(&world, run).says("the deadline of 0 s has passed");
    assert_eq!(server.requests().len(), 0);
    assert_next_run_is_whole(&world, &["install", "hello"]);
}
