//! Hundreds of artifacts at once.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bootstrap::digest::Digest;
use bootstrap::http::{Download, Error, Fetched, Kind, Source};

use super::tls::{authority, put};
use super::{World, pin_of, quick};
use crate::server::{Reply, Server};

struct Artifacts(Vec<(Digest, [Source; 1])>);

impl Artifacts {
    fn new(count: usize, base: &str) -> Self {
        let one = |number: usize| {
            let url = format!("{base}/{number}").parse().unwrap();
            (pin_of(number.to_string().as_bytes()), [Source::new(url)])
        };
        Self((0..count).map(one).collect())
    }

    fn downloads(&self) -> Vec<Download<'_>> {
        self.0
            .iter()
            .map(|(digest, sources)| Download {
                digest,
                size: None,
                sources,
                max_size: 100,
            })
            .collect()
    }
}

fn fetch_all(
    world: &World,
    artifacts: &Artifacts,
    jobs: usize,
    mut on_done: impl FnMut(usize, Result<Fetched, Error>) -> ControlFlow<()>,
) {
    let observer = |event: bootstrap::http::Event<'_>| world.note(&event);
    let downloads = artifacts.downloads();
    world
        .client
        .fetch_all(
            &downloads,
            jobs,
            &world.cache,
            world.until(),
            &observer,
            &mut on_done,
        )
        .unwrap();
}

/// Answers `/N` with `N`.
fn numbers() -> Server {
    Server::start(|request| {
        thread::sleep(Duration::from_millis(2));
        Reply::ok(&request.target.as_bytes()[1..])
    })
}

#[test]
fn all_are_delivered_once_each_over_few_connections() {
    let server = numbers();
    let artifacts = Artifacts::new(300, &server.url(""));
    let world = World::new();
    let mut seen = HashSet::new();
    fetch_all(&world, &artifacts, 64, |index, fetched| {
        assert_eq!(*fetched.unwrap().file.digest(), artifacts.0[index].0);
        assert!(seen.insert(index));
        ControlFlow::Continue(())
    });
    assert_eq!(seen.len(), 300);
    assert_eq!(server.requests().len(), 300);
    assert!(server.most_open() <= 16, "{}", server.most_open());
    let mut again = 0;
    fetch_all(&world, &artifacts, 64, |_, fetched| {
        assert_eq!(fetched.unwrap().source, "cache");
        again += 1;
        ControlFlow::Continue(())
    });
    assert_eq!((again, server.requests().len()), (300, 300));
}

#[test]
fn one_that_fails_does_not_stop_the_others() {
    let server = Server::start(|request| match request.target.as_str() {
        "/7" => Reply::status(404),
        other => Reply::ok(&other.as_bytes()[1..]),
    });
    let artifacts = Artifacts::new(20, &server.url(""));
    let mut failed = Vec::new();
    let mut done = 0;
    fetch_all(&World::new(), &artifacts, 8, |index, fetched| {
        match fetched {
            Ok(_) => done += 1,
            Err(error) => failed.push((index, error.kind())),
        }
        ControlFlow::Continue(())
    });
    assert_eq!((done, failed), (19, vec![(7, Kind::Remote)]));
}

#[test]
fn the_caller_may_stop_early() {
    let server = numbers();
    let artifacts = Artifacts::new(100, &server.url(""));
    let mut done = 0;
    fetch_all(&World::new(), &artifacts, 4, |_, _| {
        done += 1;
        if done == 3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert_eq!(done, 3);
    assert!(server.requests().len() < 20);
}

#[test]
fn a_first_one_that_hangs_does_not_hold_up_the_others() {
    let server = Server::start(|request| match (request.target.as_str(), request.before) {
        ("/0", 0) => Reply::ok("0").hang_after(0),
        (other, _) => Reply::ok(&other.as_bytes()[1..]),
    });
    let artifacts = Artifacts::new(10, &server.url(""));
    let mut settings = quick();
    settings.stall_timeout = Duration::from_secs(3);
    let mut order = Vec::new();
    fetch_all(&World::with(settings), &artifacts, 4, |index, fetched| {
        fetched.unwrap();
        order.push(index);
        ControlFlow::Continue(())
    });
    assert_eq!((order.len(), order.last()), (10, Some(&0)));
}

#[test]
fn the_same_artifact_twice_is_fetched_once() {
    let server = numbers();
    let mut artifacts = Artifacts::new(1, &server.url(""));
    artifacts.0.push(artifacts.0[0].clone());
    let mut done = 0;
    fetch_all(&World::new(), &artifacts, 4, |_, fetched| {
        fetched.unwrap();
        done += 1;
        ControlFlow::Continue(())
    });
    assert_eq!((done, server.requests().len()), (2, 1));
}

/// Serves `/N` with `N` over HTTP/2 and TLS on this port's listener, and counts connections.
async fn serve_http2(
    listener: tokio::net::TcpListener,
    tls: Arc<rustls::ServerConfig>,
    connections: Arc<AtomicUsize>,
) {
    let acceptor = tokio_rustls::TlsAcceptor::from(tls);
    while let Ok((stream, _)) = listener.accept().await {
        connections.fetch_add(1, Ordering::Relaxed);
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let stream = acceptor.accept(stream).await.unwrap();
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((request, mut reply))) = connection.accept().await {
                let body = request.uri().path().trim_start_matches('/').to_owned();
                let mut stream = reply.send_response(http::Response::new(()), false).unwrap();
                stream.send_data(body.into(), true).unwrap();
            }
        });
    }
}

#[test]
fn over_http_2_all_share_one_connection() {
    let authority = authority(&["localhost"]);
    let dir = tempfile::tempdir().unwrap();
    let pem = put(
        &dir.path().join("ca.pem"),
        authority.certificate.pem().as_bytes(),
    );
    let mut tls = (*authority.server).clone();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(async {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            serve_http2(listener, Arc::new(tls), counter).await;
        });
    });
    let artifacts = Artifacts::new(700, &format!("https://localhost:{port}"));
    let mut settings = quick();
    settings.certificates.files.push(pem);
    settings.stall_timeout = Duration::from_secs(10);
    let mut done = 0;
    fetch_all(&World::with(settings), &artifacts, 64, |index, fetched| {
        assert_eq!(*fetched.unwrap().file.digest(), artifacts.0[index].0);
        done += 1;
        ControlFlow::Continue(())
    });
    assert_eq!(done, 700);
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}
