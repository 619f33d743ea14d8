//! Several sources: which is asked when, and what their failures amount to.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use bootstrap::backoff::Backoff;
use bootstrap::http::{Kind, Settings};

use super::{World, bytes, content, pin_of, quick};
use crate::server::{Reply, Server};

fn serving(reply: Reply) -> Server {
    Server::start(move |_| reply.clone())
}

#[test]
fn the_first_source_that_has_it_is_enough() {
    let (mirror, origin) = (serving(Reply::ok("x")), serving(Reply::ok("x")));
    let world = World::new();
    let urls = [mirror.url("/tool"), origin.url("/tool")];
    let fetched = world.fetch(&pin_of(b"x"), &urls).unwrap();
    assert_eq!(fetched.source, mirror.url("/tool"));
    assert_eq!((fetched.downloaded, fetched.attempts), (1, 1));
    assert_eq!(origin.requests().len(), 0);
}

#[test]
fn a_bad_source_is_made_up_for_by_a_good_one() {
    let good = serving(Reply::ok("good"));
    let page = Reply::ok("<html>").header("Content-Type", "text/html");
    for bad in [
        Reply::ok("evil"),
        Reply::status(404),
        Reply::status(503),
        page,
    ] {
        let bad = serving(bad);
        let world = World::new();
        let urls = [bad.url("/tool"), good.url("/tool")];
        let fetched = world.fetch(&pin_of(b"good"), &urls).unwrap();
        assert_eq!(content(&fetched), b"good");
        assert_eq!((fetched.source, fetched.attempts), (good.url("/tool"), 2));
        assert_eq!(bad.requests().len(), 1, "the next one is asked at once");
    }
}

#[test]
fn when_all_fail_each_is_named_with_its_reason() {
    let (missing, forbidden) = (serving(Reply::status(404)), serving(Reply::status(403)));
    let urls = [missing.url("/a"), forbidden.url("/b?signature=s3cret")];
    let error = World::new().fetch(&pin_of(b"x"), &urls).unwrap_err();
    assert_eq!(error.kind(), Kind::Remote);
    let expected = format!(
        "cannot fetch {} from any of its sources:\n  {}: the answer was 404 Not Found\n  {}?…: the answer was 403 Forbidden",
        pin_of(b"x"),
        missing.url("/a"),
        forbidden.url("/b"),
    );
    assert_eq!(error.to_string(), expected);
    assert!(error.hint().unwrap().contains("netrc"));
}

#[test]
fn one_untrusted_body_and_no_good_one_is_untrusted() {
    let (evil, missing) = (serving(Reply::ok("evil")), serving(Reply::status(404)));
    let urls = [evil.url("/"), missing.url("/")];
    let error = World::new().fetch(&pin_of(b"good"), &urls).unwrap_err();
    assert_eq!(error.kind(), Kind::Untrusted);
    let down = serving(Reply::status(503));
    let mut world = World::new();
    world.deadline = Duration::from_millis(500);
    let error = world
        .fetch(&pin_of(b"good"), &[evil.url("/"), down.url("/")])
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Untrusted);
    assert_eq!(evil.requests().len(), 2, "once for each artifact asked for");
}

#[test]
fn a_server_that_recovers_is_asked_again() {
    for status in [408, 425, 429, 500, 502, 503, 504] {
        let server = Server::start(move |request| match request.before {
            0 | 1 => Reply::status(status),
            _ => Reply::ok("x"),
        });
        let world = World::new();
        let fetched = world.fetch(&pin_of(b"x"), &[server.url("/")]).unwrap();
        assert_eq!(fetched.attempts, 3, "{status}");
        assert_eq!(fetched.downloaded, 1);
    }
}

#[test]
fn a_permanent_failure_is_not_retried() {
    for status in [304, 400, 401, 403, 404, 410] {
        let server = serving(Reply::status(status));
        let error = World::new()
            .fetch(&pin_of(b"x"), &[server.url("/")])
            .unwrap_err();
        assert_eq!(error.kind(), Kind::Remote, "{status}");
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}

fn check_wait(wait: fn() -> String) {
    let server = Server::start(move |request| match request.before {
        0 => Reply::status(429).header("Retry-After", wait()),
        _ => Reply::ok("x"),
    });
    let start = Instant::now();
    let fetched = World::new()
        .fetch(&pin_of(b"x"), &[server.url("/")])
        .unwrap();
    assert_eq!(fetched.attempts, 2);
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_server_that_asks_to_wait_is_waited_for() {
    check_wait(|| "1".to_owned());
    check_wait(|| {
        // Dates have whole seconds: at least one of these three is left.
        let soon = jiff::Timestamp::now() + Duration::from_secs(3);
        let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
        printer.timestamp_to_rfc9110_string(&soon).unwrap()
    });
}

#[test]
fn while_one_source_asks_to_wait_the_others_are_asked() {
    let busy = serving(Reply::status(503).header("Retry-After", "20"));
    let other = Server::start(|request| match request.before {
        0 | 1 => Reply::status(500),
        _ => Reply::ok("x"),
    });
    let world = World::new();
    let fetched = world
        .fetch(&pin_of(b"x"), &[busy.url("/"), other.url("/")])
        .unwrap();
    assert_eq!(fetched.source, other.url("/"));
    assert_eq!(busy.requests().len(), 1);
}

#[test]
fn a_wait_beyond_the_deadline_is_not_begun() {
    let busy = serving(Reply::status(429).header("Retry-After", "3600"));
    let start = Instant::now();
    let error = World::new()
        .fetch(&pin_of(b"x"), &[busy.url("/")])
        .unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!(error.kind(), Kind::Remote);
    let expected = "429 Too Many Requests, to be asked again in 3600 s, after the deadline";
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn the_deadline_ends_all_tries_and_says_so() {
    let down = serving(Reply::status(503));
    let mut world = World::new();
    world.deadline = Duration::from_millis(700);
    let start = Instant::now();
    let error = world.fetch(&pin_of(b"x"), &[down.url("/")]).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(error.kind(), Kind::Deadline);
    let text = error.to_string();
    assert!(text.contains("503 Service Unavailable (asked "), "{text}");
    assert!(text.ends_with("the deadline of 0.7 s has passed"), "{text}");
    assert!(down.requests().len() > 3);
}

/// Such a world, in which each source is asked so often at most.
fn patient(attempts: u32) -> World {
    let backoff = Backoff {
        attempts: NonZeroU32::new(attempts),
        ..quick().backoff
    };
    World::with(Settings { backoff, ..quick() })
}

#[test]
fn each_source_is_asked_as_often_as_is_allowed() {
    let (down, busy) = (serving(Reply::status(503)), serving(Reply::status(429)));
    let urls = [down.url("/"), busy.url("/")];
    let error = patient(2).fetch(&pin_of(b"x"), &urls).unwrap_err();
    assert_eq!(error.kind(), Kind::Remote);
    assert_eq!(
        error.to_string().matches("(asked 2 times)").count(),
        2,
        "{error}"
    );
    let counts = [&down, &busy].map(|server| server.requests().len());
    assert_eq!(counts, [2, 2]);
}

#[test]
fn going_on_with_a_download_is_one_of_its_attempts() {
    const LENGTH: usize = 1_000_000;
    let server = Server::start(|request| {
        let reply = Reply::whole_or_part(&bytes(LENGTH), request);
        reply.header("ETag", "\"1\"").cut_after(300_000)
    });
    let pin = pin_of(&bytes(LENGTH));
    let error = patient(3).fetch(&pin, &[server.url("/")]).unwrap_err();
    assert!(error.to_string().ends_with("(asked 3 times)"), "{error}");
    assert_eq!(server.requests().len(), 3);
    let fetched = patient(4).fetch(&pin, &[server.url("/")]).unwrap();
    assert_eq!(fetched.attempts, 4);
}

#[test]
fn a_delay_that_the_deadline_has_no_time_for_is_not_begun() {
    let down = serving(Reply::status(503));
    let backoff = Backoff {
        base: Duration::from_hours(1),
        ..quick().backoff
    };
    let world = World::with(Settings { backoff, ..quick() });
    let error = world.fetch(&pin_of(b"x"), &[down.url("/")]).unwrap_err();
    assert_eq!(error.kind(), Kind::Deadline);
    let text = error.to_string();
    assert!(
        text.ends_with("the deadline of 30 s leaves no time for another try"),
        "{text}"
    );
    assert_eq!(down.requests().len(), 1);
}

#[test]
fn a_local_file_is_checked_in_place() {
    let world = World::new();
    let path = world.dir.path().join("bundle file");
    put(&path, b"good");
    let url = url::Url::from_file_path(&path).unwrap().to_string();
    let fetched = world
        .fetch(&pin_of(b"good"), std::slice::from_ref(&url))
        .unwrap();
    assert_eq!(fetched.file.path(), path);
    assert_eq!((fetched.downloaded, fetched.attempts), (0, 0));
    let error = world.fetch(&pin_of(b"other"), &[url]).unwrap_err();
    assert_eq!(error.kind(), Kind::Untrusted);
    let absent = "file:///nowhere/at/all".to_owned();
    let error = world.fetch(&pin_of(b"other"), &[absent]).unwrap_err();
    assert_eq!(error.kind(), Kind::Local);
    assert!(
        error.to_string().contains("file:///nowhere/at/all"),
        "{error}"
    );
    let device = "file:///dev/zero".to_owned();
    let error = world.fetch(&pin_of(b"other"), &[device]).unwrap_err();
    assert!(error.to_string().contains("not a regular file"), "{error}");
    assert!(!world.dir.path().join("cache").exists());
}

#[test]
fn offline_only_what_is_there_is_used() {
    let server = serving(Reply::ok("x"));
    let world = World::with(Settings {
        offline: true,
        ..quick()
    });
    let pin = pin_of(b"x");
    let urls = [server.url("/tool?token=s3cret")];
    let error = world.fetch(&pin, &urls).unwrap_err();
    assert_eq!(error.kind(), Kind::Offline);
    let expected = format!(
        "{pin} is not in the cache, and offline nothing is fetched from {}?…",
        server.url("/tool")
    );
    assert_eq!(error.to_string(), expected);
    let path = world.cache.path(&pin);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    put(&path, b"x");
    assert_eq!(world.fetch(&pin, &urls).unwrap().source, "cache");
    assert_eq!(server.connections(), 0);
}

#[test]
fn without_any_source_the_error_says_so() {
    let error = World::new().fetch(&pin_of(b"x"), &[]).unwrap_err();
    assert!(
        error.to_string().ends_with("no source is given for it"),
        "{error}"
    );
    assert_eq!(error.kind(), Kind::Local);
    let error = World::new()
        .fetch(&pin_of(b"x"), &["ftp://a/b".to_owned()])
        .unwrap_err();
    assert!(error.to_string().contains("scheme `ftp`"), "{error}");
}

fn put(path: &std::path::Path, bytes: &[u8]) {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}
