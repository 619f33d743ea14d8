//! Bodies that break off, and what goes on where they did.

use super::{World, bytes, content, pin_of};
use crate::server::{Reply, Request, Server, Step};

const MIB: usize = 1024 * 1024;

/// A server that cuts its first answer at `cut` and gives `later` from then on.
fn cut_then(
    body: &[u8],
    cut: usize,
    headers: &[(&'static str, &'static str)],
    later: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> Server {
    let body = body.to_vec();
    let headers = headers.to_vec();
    Server::start(move |request| {
        let reply = match request.before {
            0 => Reply::ok(body.clone()).cut_after(cut),
            _ => later(request),
        };
        let mut headers = headers.iter();
        headers
            .try_fold(reply, |reply, (name, value)| {
                Some(reply.header(name, *value))
            })
            .unwrap()
    })
}

#[test]
fn a_body_that_breaks_off_goes_on_where_it_did() {
    let body = bytes(3 * MIB);
    let part = body.clone();
    let server = cut_then(&body, 2 * MIB, &[("ETag", "\"v1\"")], move |request| {
        Reply::whole_or_part(&part, request)
    });
    let world = World::new();
    let fetched = world.fetch(&pin_of(&body), &[server.url("/tool")]).unwrap();
    assert_eq!(content(&fetched), body);
    assert_eq!(fetched.downloaded, body.len() as u64);
    assert_eq!(fetched.attempts, 2);
    let second = &server.requests()[1];
    assert_eq!(second.range_start(), Some(2 * MIB));
    assert_eq!(second.header("if-range"), Some("\"v1\""));
    let events = world.events();
    assert!(
        !events.contains(&"pausing".to_owned()),
        "it got on: {events:?}"
    );
}

#[test]
fn a_settled_modification_date_validates_too() {
    let body = bytes(2 * MIB);
    let part = body.clone();
    let modified = "Mon, 01 Jun 2026 10:00:00 GMT";
    let headers = [
        ("Last-Modified", modified),
        ("Date", "Tue, 24 Nov 2026 10:00:00 GMT"),
    ];
    let server = cut_then(&body, MIB, &headers, move |request| {
        Reply::whole_or_part(&part, request)
    });
    let world = World::new();
    let fetched = world.fetch(&pin_of(&body), &[server.url("/tool")]).unwrap();
    assert_eq!(content(&fetched), body);
    assert_eq!(server.requests()[1].header("if-range"), Some(modified));
}

#[test]
fn a_body_with_a_weak_tag_or_none_starts_again() {
    for headers in [&[][..], &[("ETag", "W/\"v1\"")]] {
        let body = bytes(2 * MIB);
        let whole = body.clone();
        let server = cut_then(&body, MIB, headers, move |_| Reply::ok(whole.clone()));
        let world = World::new();
        let fetched = world.fetch(&pin_of(&body), &[server.url("/tool")]).unwrap();
        assert_eq!(content(&fetched), body);
        assert_eq!(server.requests()[1].header("range"), None);
    }
}

/// The second answer, to a request for the rest, is `later`; in the end the file must be right.
fn check_odd_answer(later: impl Fn(&[u8], &Request) -> Reply + Send + Sync + 'static) {
    let body = bytes(2 * MIB);
    let whole = body.clone();
    let server = cut_then(&body, MIB, &[("ETag", "\"v1\"")], move |request| {
        later(&whole, request)
    });
    let world = World::new();
    let fetched = world.fetch(&pin_of(&body), &[server.url("/tool")]).unwrap();
    assert_eq!(content(&fetched), body);
    let requests = server.requests();
    assert!(requests[1].range_start().is_some());
    assert!(requests.len() <= 3, "{}", requests.len());
}

#[test]
fn a_server_that_ignores_the_range_starts_over() {
    check_odd_answer(|body, _| Reply::ok(body));
}

#[test]
fn a_part_that_starts_elsewhere_is_not_added() {
    check_odd_answer(|body, request| match request.range_start() {
        Some(_) => Reply::part(body, 0),
        None => Reply::ok(body),
    });
}

#[test]
fn a_part_of_another_version_is_not_added() {
    check_odd_answer(|body, request| match request.range_start() {
        // The helper adds the old tag as a second header; the first one counts.
        Some(start) => Reply::part(body, start).header("ETag", "\"v2\""),
        None => Reply::ok(body),
    });
}

#[test]
fn a_range_that_cannot_be_satisfied_starts_over() {
    check_odd_answer(|body, request| match request.range_start() {
        Some(_) => Reply::status(416),
        None => Reply::ok(body),
    });
}

#[test]
fn parts_that_do_not_fit_together_are_dropped_and_fetched_whole_once() {
    check_odd_answer(|body, request| match request.range_start() {
        Some(start) => {
            let mut other = body.to_vec();
            other[start + 5] ^= 1;
            Reply::part(&other, start)
        }
        None => Reply::ok(body),
    });
}

#[test]
fn a_part_of_a_whole_of_another_size_is_refused() {
    let body = bytes(2 * MIB);
    let longer = bytes(2 * MIB + 1);
    let server = cut_then(&body, MIB, &[("ETag", "\"v1\"")], move |request| {
        Reply::whole_or_part(&longer, request)
    });
    let mut world = World::new();
    world.size = Some(body.len() as u64);
    let error = world
        .fetch(&pin_of(&body), &[server.url("/tool")])
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("2097153 bytes instead of 2097152"),
        "{error}"
    );
}

#[test]
fn a_body_that_ends_with_the_connection_is_not_taken_for_whole() {
    let body = bytes(5000);
    let whole = body.clone();
    let server = Server::start(move |request| {
        let end = if request.before == 0 { 4000 } else { 5000 };
        let piece = whole[..end].to_vec();
        Reply::ok("").length(None).steps(vec![Step::Bytes(piece)])
    });
    let mut world = World::new();
    world.size = Some(5000);
    let fetched = world.fetch(&pin_of(&body), &[server.url("/tool")]).unwrap();
    assert_eq!(content(&fetched), body);
}

#[test]
fn a_body_that_keeps_breaking_off_is_fetched_piece_by_piece() {
    let body = bytes(MIB);
    let whole = body.clone();
    let server = Server::start(move |request| {
        Reply::whole_or_part(&whole, request)
            .header("ETag", "\"v1\"")
            .cut_after(100_000)
    });
    let world = World::new();
    let fetched = world.fetch(&pin_of(&body), &[server.url("/tool")]).unwrap();
    assert_eq!(content(&fetched), body);
    assert_eq!(fetched.attempts, 11);
    assert_eq!(fetched.downloaded, body.len() as u64);
}

#[test]
fn a_login_page_in_between_does_not_cost_what_is_there() {
    let body = bytes(2 * MIB);
    let whole = body.clone();
    let origin = Server::start(move |request| {
        let reply = Reply::whole_or_part(&whole, request).header("ETag", "\"v1\"");
        match request.before {
            0 => reply.cut_after(MIB),
            1 => Reply::status(503),
            _ => reply,
        }
    });
    let mirror = Server::start(|_| Reply::ok("<html>login").header("Content-Type", "text/html"));
    let mut world = World::new();
    world.size = Some(body.len() as u64);
    let urls = [origin.url("/"), mirror.url("/")];
    let fetched = world.fetch(&pin_of(&body), &urls).unwrap();
    assert_eq!(content(&fetched), body);
    assert_eq!(fetched.downloaded, body.len() as u64);
    assert_eq!(mirror.requests().len(), 1);
    assert!(
        world
            .events()
            .iter()
            .any(|event| event.contains("<html>login"))
    );
}
