//! Names that do not resolve, ports where nobody listens, redirects, and who gets credentials.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use bootstrap::http::{Download, Kind, Netrc, Secret, Settings, Source};

use super::{World, bytes, content, pin_of, quick};
use crate::server::{Reply, Server};

#[test]
fn a_name_that_does_not_resolve_is_tried_until_the_deadline() {
    let mut world = World::new();
    world.deadline = Duration::from_millis(900);
    let urls = ["http://does-not-exist.invalid/tool".to_owned()];
    let error = world.fetch(&pin_of(b"x"), &urls).unwrap_err();
    assert_eq!(error.kind(), Kind::Deadline);
    let text = error.to_string();
    assert!(
        text.contains("failed to lookup address information"),
        "{text}"
    );
    assert!(text.contains("(asked "), "{text}");
}

#[test]
fn a_port_that_opens_later_is_waited_for() {
    let reserved = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = reserved.local_addr().unwrap();
    drop(reserved);
    let world = World::new();
    let server = thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        let listener = TcpListener::bind(address).unwrap();
        Server::listen(listener, None, |_| Reply::ok("x"))
    });
    let fetched = world
        .fetch(&pin_of(b"x"), &[format!("http://{address}/")])
        .unwrap();
    assert!(fetched.attempts > 1);
    let events = world.events();
    assert!(
        events
            .iter()
            .any(|event| event.contains("Connection refused")),
        "{events:?}"
    );
    drop(server.join().unwrap());
}

#[test]
fn the_deadline_may_come_in_the_middle_of_a_body() {
    let body = bytes(3 * 1024 * 1024);
    let whole = body.clone();
    let server = Server::start(move |request| {
        let reply = Reply::whole_or_part(&whole, request).header("ETag", "\"v\"");
        match request.before {
            0 => reply.hang_after(2 * 1024 * 1024),
            _ => reply,
        }
    });
    let mut world = World::with(Settings {
        stall_timeout: Duration::from_mins(1),
        ..quick()
    });
    world.deadline = Duration::from_millis(800);
    let (pin, urls) = (pin_of(&body), [server.url("/tool")]);
    let start = Instant::now();
    let error = world.fetch(&pin, &urls).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!(error.kind(), Kind::Deadline);
    let expected = "the deadline came after 2097152 of 3145728 bytes";
    assert!(error.to_string().contains(expected), "{error}");
    // What was paid for is used by the next run.
    world.deadline = Duration::from_secs(30);
    let fetched = world.fetch(&pin, &urls).unwrap();
    assert_eq!(content(&fetched), body);
    assert_eq!(fetched.downloaded, 1024 * 1024);
}

#[test]
fn redirects_are_followed_and_counted() {
    let server = Server::start(|request| match request.target.as_str() {
        "/10" => Reply::ok("x"),
        "/loop" => Reply::redirect("/loop"),
        "/nowhere" => Reply::status(302),
        "/file" => Reply::redirect("file:///etc/passwd"),
        step => {
            let step: u32 = step.trim_start_matches('/').parse().unwrap();
            Reply::redirect((step + 1).to_string())
        }
    });
    let world = World::new();
    world.fetch(&pin_of(b"x"), &[server.url("/0")]).unwrap();
    let error = |path| world.fetch(&pin_of(b"y"), &[server.url(path)]).unwrap_err();
    let text = error("/loop").to_string();
    assert!(
        text.contains("is not followed: there were ten before it"),
        "{text}"
    );
    let loops = server.requests();
    let loops = loops.iter().filter(|request| request.target == "/loop");
    assert_eq!(loops.count(), 11);
    assert!(error("/nowhere").to_string().contains("302 Found"));
    assert!(error("/file").to_string().contains("it leaves HTTP"));
}

#[test]
fn a_redirect_keeps_the_range() {
    let body = bytes(2 * 1024 * 1024);
    let whole = body.clone();
    let server = Server::start(
        move |request| match (request.target.as_str(), request.before) {
            ("/tool", _) => Reply::redirect("/store"),
            (_, 0) => Reply::ok(whole.clone())
                .cut_after(1024 * 1024)
                .header("ETag", "\"v\""),
            _ => Reply::whole_or_part(&whole, request),
        },
    );
    let fetched = World::new()
        .fetch(&pin_of(&body), &[server.url("/tool")])
        .unwrap();
    assert_eq!(fetched.downloaded, body.len() as u64);
}

/// The `Authorization` headers at the first and at the second host of a redirect.
fn authorizations(source: &Source, netrc: &str, second: &Server) -> Option<String> {
    let world = World::with(Settings {
        netrc: Netrc::parse(netrc),
        ..quick()
    });
    let pin = pin_of(b"x");
    let download = Download {
        digest: &pin,
        size: None,
        sources: std::slice::from_ref(source),
        max_size: 10,
    };
    let fetched = world
        .client
        .fetch(&download, &world.cache, world.until(), &|event| {
            world.note(&event);
        });
    let fetched = fetched.unwrap();
    assert!(!fetched.source.contains("s3cret"), "{}", fetched.source);
    let last = second.requests().pop().unwrap();
    last.header("authorization").map(str::to_owned)
}

#[test]
fn credentials_do_not_follow_a_redirect_to_another_host() {
    let second = Server::start(|_| Reply::ok("x"));
    let target = second.url("/x");
    let first = Server::start(move |_| Reply::redirect(target.clone()));
    let seen = |first: &Server| {
        let last = first.requests().pop().unwrap();
        last.header("authorization").map(str::to_owned)
    };
    let token = Source {
        url: first.url("/x").parse().unwrap(),
        authorization: Some(Secret::new("Bearer s3cret")),
    };
    assert_eq!(authorizations(&token, "", &second), None);
    assert_eq!(seen(&first).as_deref(), Some("Bearer s3cret"));

    let url = first.url("/x").replace("http://", "http://me:s3cret@");
    let login = Source::new(url.parse().unwrap());
    assert_eq!(authorizations(&login, "", &second), None);
    assert_eq!(seen(&first).as_deref(), Some("Basic bWU6czNjcmV0"));

    // The same address under another port is another host; the netrc file names this one.
    let port = first.address().port();
    let netrc = format!("machine 127.0.0.1:{port} login me password s3cret");
    let plain = Source::new(first.url("/x").parse().unwrap());
    assert_eq!(authorizations(&plain, &netrc, &second), None);
    assert_eq!(seen(&first).as_deref(), Some("Basic bWU6czNjcmV0"));
    let default = "default login me password s3cret";
    assert_eq!(authorizations(&plain, default, &second), None);
}

#[test]
fn credentials_follow_a_redirect_within_the_host() {
    let server = Server::start(|request| match request.target.as_str() {
        "/a" => Reply::redirect("/b"),
        _ => Reply::ok("x"),
    });
    let token = Source {
        url: server.url("/a").parse().unwrap(),
        authorization: Some(Secret::new("Bearer s3cret")),
    };
    let seen = authorizations(&token, "", &server);
    assert_eq!(seen.as_deref(), Some("Bearer s3cret"));
}

#[test]
fn no_message_shows_the_credentials_of_a_url() {
    let mut world = World::new();
    world.deadline = Duration::from_millis(300);
    let server = Server::start(|_| Reply::status(401));
    let urls = [
        "http://me:s3cret@127.0.0.1:1/tool?X-Amz-Signature=s3cret".to_owned(),
        server.url("/x?s3cret").replace("//", "//me:s3cret@"),
    ];
    let error = world.fetch(&pin_of(b"x"), &urls).unwrap_err();
    let sources = urls.map(|url| Source::new(url.parse().unwrap()));
    let (events, client) = (world.events(), &world.client);
    let all = format!("{error} {error:?} {events:?} {client:?} {sources:?}");
    assert!(!all.contains("s3cret"), "{all}");
    assert!(all.contains("http://127.0.0.1:1/tool?…"), "{all}");
}
