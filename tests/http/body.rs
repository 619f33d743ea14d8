//! Bodies that are not what they should be.

use std::fs;
use std::time::Duration;

use bootstrap::http::{Failure, Kind};

use super::{World, bytes, content, only_failure, pin_of};
use crate::server::{Reply, Server, Step};

#[test]
fn other_bytes_are_untrusted_and_kept_for_a_look() {
    let server = Server::start(|_| Reply::ok("evil"));
    let world = World::new();
    let pin = pin_of(b"good");
    let error = world.fetch(&pin, &[server.url("/tool")]).unwrap_err();
    assert_eq!(error.kind(), Kind::Untrusted);
    let kept = world.entry(&pin, ".rejected");
    assert_eq!(fs::read(&kept).unwrap(), b"evil");
    let text = error.to_string();
    for part in [
        pin.to_string(),
        pin_of(b"evil").to_string(),
        kept.display().to_string(),
    ] {
        assert!(text.contains(&part), "{text}");
    }
    assert!(error.hint().is_some());
    assert_eq!(server.requests().len(), 1, "it is not asked again");
    assert!(!world.cache.path(&pin).exists());
}

#[test]
fn other_bytes_of_unknown_end_are_not_called_untrusted() {
    let server = Server::start(|_| {
        Reply::ok("")
            .length(None)
            .steps(vec![Step::Bytes(b"evil".to_vec())])
    });
    let world = World::new();
    let error = world
        .fetch(&pin_of(b"good"), &[server.url("/tool")])
        .unwrap_err();
    assert!(matches!(only_failure(&error), Failure::Mismatch { .. }));
    assert_eq!(error.kind(), Kind::Remote);
}

const LOGIN: &str = "\n<!DOCTYPE html><html><title>Please log in</title>\n<body>secret</body>";

fn check_page(reply: Reply, size: Option<u64>) {
    let server = Server::start(move |_| reply.clone());
    let mut world = World::new();
    world.size = size;
    let error = world
        .fetch(&pin_of(b"good"), &[server.url("/tool")])
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Remote);
    let text = error.to_string();
    assert!(
        text.contains("a web page came instead of the file (200 OK"),
        "{text}"
    );
    assert!(text.contains("Please log in"), "{text}");
    assert!(!text.contains("secret"), "{text}");
    assert!(error.hint().unwrap().contains("login"));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_login_page_is_told_by_its_type_or_its_first_bytes() {
    let page = || Reply::ok(LOGIN);
    check_page(page(), None);
    check_page(
        page().header("Content-Type", "text/html; charset=utf-8"),
        None,
    );
    check_page(
        page().header("Content-Type", "application/octet-stream"),
        None,
    );
}

#[test]
fn a_login_page_is_one_whatever_the_size() {
    let page = || Reply::ok(LOGIN).header("Content-Type", "text/html");
    check_page(page(), Some(1_000_000));
    check_page(page(), Some(LOGIN.len() as u64));
    let chunked = vec![Step::Chunk(LOGIN.as_bytes().to_vec())];
    check_page(page().steps(chunked), Some(70));
}

#[test]
fn a_stated_length_other_than_the_pinned_size_is_refused_at_once() {
    let server = Server::start(|_| Reply::ok(bytes(10_000)).hang_after(10));
    let mut world = World::new();
    world.size = Some(9_999);
    let error = world
        .fetch(&pin_of(b"good"), &[server.url("/tool")])
        .unwrap_err();
    let expected = "the size is 10000 bytes instead of 9999";
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(error.kind(), Kind::Remote);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_body_is_given_up_at_the_first_byte_over_its_size() {
    let pieces = [bytes(1000), bytes(1)];
    let steps = pieces.map(Step::Chunk).to_vec();
    let server = Server::start(move |_| Reply::ok("").steps(steps.clone()));
    let mut world = World::new();
    world.size = Some(1000);
    // The first 1,000 bytes are the right ones: with one more, it is another file.
    let error = world.fetch(&pin_of(&bytes(1000)), &[server.url("/tool")]);
    let failure = only_failure(&error.unwrap_err());
    assert!(
        matches!(failure, Failure::WrongSize { expected: 1000, .. }),
        "{failure}"
    );
}

#[test]
fn a_whole_body_that_is_too_short_has_the_wrong_size() {
    let server = Server::start(|_| Reply::ok("").steps(vec![Step::Chunk(bytes(10))]));
    let mut world = World::new();
    world.size = Some(11);
    let error = world
        .fetch(&pin_of(b"x"), &[server.url("/tool")])
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Remote);
    assert!(
        error.to_string().contains("10 bytes instead of 11"),
        "{error}"
    );
}

#[test]
fn an_endless_body_is_given_up_at_the_limit() {
    let server = Server::start(|_| {
        Reply::ok("")
            .length(None)
            .steps(vec![Step::Endless(bytes(8192))])
    });
    let mut world = World::new();
    world.max_size = 1_000_000;
    let pin = pin_of(b"x");
    let error = world.fetch(&pin, &[server.url("/tool")]).unwrap_err();
    assert!(
        error.to_string().contains("limit of 1000000 bytes"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 1);
    assert!(!world.entry(&pin, ".partial").exists());
}

#[test]
fn a_body_without_a_size_may_not_state_more_than_the_limit() {
    let server = Server::start(|_| Reply::ok(bytes(2000)).hang_after(0));
    let mut world = World::new();
    world.max_size = 1999;
    let error = world
        .fetch(&pin_of(b"x"), &[server.url("/tool")])
        .unwrap_err();
    assert!(error.to_string().contains("limit of 1999 bytes"), "{error}");
}

#[test]
fn a_body_that_is_compressed_for_transport_is_refused_by_name() {
    let server = Server::start(|_| Reply::ok("x").header("Content-Encoding", "gzip"));
    let error = World::new()
        .fetch(&pin_of(b"x"), &[server.url("/tool")])
        .unwrap_err();
    assert!(
        error.to_string().contains("content encoding `gzip`"),
        "{error}"
    );
}

#[test]
fn a_request_asks_for_the_bytes_as_they_are() {
    let server = Server::start(|_| Reply::ok("x"));
    World::new()
        .fetch(&pin_of(b"x"), &[server.url("/tool")])
        .unwrap();
    let request = &server.requests()[0];
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("GET", "/tool")
    );
    assert_eq!(request.header("accept-encoding"), Some("identity"));
    let agent = request.header("user-agent").unwrap();
    assert!(agent.starts_with("bootstrap/"), "{agent}");
}

#[test]
fn a_server_that_falls_silent_is_asked_again() {
    let body = bytes(2 * 1024 * 1024);
    let whole = body.clone();
    let server = Server::start(move |request| {
        let reply = Reply::whole_or_part(&whole, request).header("ETag", "\"v\"");
        match request.before {
            0 => reply.hang_after(1024 * 1024),
            _ => reply,
        }
    });
    let world = World::new();
    let fetched = world.fetch(&pin_of(&body), &[server.url("/tool")]).unwrap();
    assert_eq!(content(&fetched), body);
    assert!(
        world
            .events()
            .iter()
            .any(|event| event.contains("nothing came"))
    );
    assert_eq!(server.requests()[1].range_start(), Some(1024 * 1024));
}

#[test]
fn a_slow_body_is_no_silent_one() {
    let body = bytes(10);
    let steps = body.iter().flat_map(|byte| {
        [
            Step::Pause(Duration::from_millis(100)),
            Step::Bytes(vec![*byte]),
        ]
    });
    let reply = Reply::ok(body.clone()).steps(steps.collect());
    let server = Server::start(move |_| reply.clone());
    // 1 s in all, and never 400 ms of silence.
    let fetched = World::new()
        .fetch(&pin_of(&body), &[server.url("/tool")])
        .unwrap();
    assert_eq!(fetched.attempts, 1);
}
