//! What `lock` asks for, which has no pin: documents, redirects and files, over https alone.

use std::num::NonZeroU32;

use bootstrap::backoff::Backoff;
use bootstrap::cache::Unpinned;
use bootstrap::http::{Error, Failure, Kind, Lookup, Settings, Source};

use super::tls::{authority, put, trusting};
use super::{World, bytes, only_failure, pin_of, quick};
use crate::server::{Reply, Request, Server, Step};

/// A server over TLS, and a world that trusts it.
fn served(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (World, Server) {
    let authority = authority(&["localhost"]);
    let server = Server::start_tls(authority.server, reply);
    let dir = tempfile::tempdir().unwrap();
    let pem = authority.certificate.pem();
    let pem = put(&dir.keep().join("ca.pem"), pem.as_bytes());
    (trusting(vec![pem], vec![]), server)
}

fn sources(urls: &[String]) -> Vec<Source> {
    let urls = urls.iter().map(|url| url.parse().unwrap());
    urls.map(Source::new).collect()
}

fn with<T>(
    world: &World,
    urls: &[String],
    look: impl Fn(&Lookup<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    look(&Lookup {
        what: "the file",
        sources: &sources(urls),
        limit: 1000,
        deadline: world.until(),
        observer: &|event| world.note(&event),
    })
}

fn download(world: &World, urls: &[String]) -> Result<Unpinned, Error> {
    let look = |lookup: &Lookup<'_>| {
        let meter = |_, _| {};
        world.client.download_unpinned(lookup, &world.cache, &meter)
    };
    with(world, urls, look)
}

#[test]
fn a_file_is_hashed_as_it_comes_and_nothing_of_a_failure_stays() {
    let (world, server) = served(|request| match request.before {
        0 => Reply::ok(bytes(900)).cut_after(400),
        1 => Reply::status(503),
        _ => Reply::ok(bytes(900)),
    });
    let file = download(&world, &[server.url("/x")]).unwrap();
    assert_eq!((file.len(), file.digest()), (900, pin_of(&bytes(900))));
    let entries = || std::fs::read_dir(&world.cache.dir).unwrap().count();
    assert_eq!(entries(), 1, "the tries before left nothing");
    drop(file);
    assert_eq!(entries(), 0);
    assert_eq!(world.events().len(), 2, "{:?}", world.events());
}

#[test]
fn a_file_whose_end_cannot_be_told_is_not_taken() {
    let (mut world, server) = served(|_| {
        let steps = vec![Step::Bytes(b"half".to_vec()), Step::Cut];
        Reply::ok("").without_length().steps(steps)
    });
    world.deadline = std::time::Duration::from_millis(300);
    let error = download(&world, &[server.url("/x")]).unwrap_err();
    let failure = only_failure(&error);
    assert!(matches!(failure, Failure::Truncated { .. }), "{failure}");
}

#[test]
fn a_file_that_is_too_large_empty_or_a_page_is_refused_at_once() {
    for (reply, expected) in [
        (
            Reply::ok(bytes(1001)),
            "larger than the limit of 1000 bytes",
        ),
        (Reply::ok(""), "the size is 0 bytes instead of 1"),
        (Reply::ok("<HTML>x"), "a web page came instead of the file"),
        (
            Reply::ok("x").header("Content-Type", "text/html"),
            "a web page came instead of the file",
        ),
    ] {
        let (world, server) = served(move |_| reply.clone());
        let error = download(&world, &[server.url("/x")]).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.kind(), Kind::Remote);
        assert_eq!(server.requests().len(), 1, "{expected}");
    }
}

#[test]
fn the_next_source_is_asked_and_only_what_all_lack_is_absent() {
    let (world, server) = served(|request| match request.target.as_str() {
        "/here" => Reply::ok("x"),
        "/broken" => Reply::status(403),
        _ => Reply::status(404),
    });
    let get = |paths: &[&str]| {
        let urls: Vec<_> = paths.iter().map(|path| server.url(path)).collect();
        with(&world, &urls, |lookup| world.client.get_unpinned(lookup))
    };
    let (body, url) = get(&["/a", "/here"]).unwrap();
    assert_eq!((body, url.path()), (b"x".to_vec(), "/here"));
    assert!(get(&["/a", "/b"]).unwrap_err().is_absent());
    assert!(!get(&["/a", "/broken"]).unwrap_err().is_absent());
}

#[test]
fn a_redirect_is_followed_to_where_it_ends() {
    let (world, server) = served(|request| match request.target.as_str() {
        "/latest" => Reply::redirect("/tag/v1.2.3"),
        _ => Reply::ok("<html>a page</html>").header("Content-Type", "text/html"),
    });
    let land = |path: &str| {
        let urls = [server.url(path)];
        with(&world, &urls, |lookup| world.client.landing(lookup))
    };
    assert_eq!(land("/latest").unwrap().path(), "/tag/v1.2.3");
}

#[test]
fn offline_and_over_plain_http_nothing_is_looked_up() {
    let offline = World::with(Settings {
        offline: true,
        ..quick()
    });
    let urls = ["https://a.example/x".to_owned()];
    let error = download(&offline, &urls).unwrap_err();
    assert_eq!(error.kind(), Kind::Offline);
    let world = World::new();
    let error = download(&world, &["http://a.example/x".to_owned()]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`http` cannot be fetched without a digest"),
        "{error}"
    );
    let error = download(&world, &["file:///etc/passwd".to_owned()]).unwrap_err();
    assert!(
        error.to_string().contains("`file` cannot be fetched"),
        "{error}"
    );
}

#[test]
fn what_is_looked_up_is_asked_for_as_often_as_is_allowed() {
    let server = Server::start(|_| Reply::status(503));
    let backoff = Backoff {
        attempts: NonZeroU32::new(3),
        ..quick().backoff
    };
    let world = World::with(Settings { backoff, ..quick() });
    let source = Source::new(server.url("/x").parse().unwrap());
    let error = world.look_up(&source, 1000).unwrap_err();
    assert!(error.to_string().ends_with("(asked 3 times)"), "{error}");
    assert_eq!(server.requests().len(), 3);
}
