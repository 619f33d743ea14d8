//! Passwords and tokens are sent to whom they are for, and shown to nobody.

mod everywhere;

use crate::fixture::Fixture;
use crate::server::{Reply, Server};
use crate::world::{Run, World};

const SECRETS: [&str; 6] = [
    "s3cret-proxy",
    "s3cret-netrc",
    "s3cret-npm",
    "czNjcmV0",
    "s3cret-query",
    "s3cret-registry",
];

/// The world and what it said hold no secret, its netrc and npmrc files aside.
#[track_caller]
fn assert_silent(world: &World, run: &Run) {
    let mut shown = vec![
        ("stdout".to_owned(), run.stdout.clone()),
        ("stderr".to_owned(), run.stderr.clone()),
    ];
    for path in world.tree("delegate") {
        let name = format!("delegate/{}", path.split(" -> ").next().unwrap());
        if world.path(&name).is_file() {
            let text =
                String::from_utf8_lossy(&std::fs::read(world.path(&name)).unwrap()).into_owned();
            shown.push((name, text));
        }
    }
    for name in ["report.json", "termination-log"] {
        if world.path(name).exists() {
            shown.push((name.to_owned(), world.read(name)));
        }
    }
    for (place, text) in shown {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} is in {place}:\n{text}");
        }
    }
}

/// A world with a secret everywhere one can be.
fn world(proxy: &Server) -> World {
    let world = World::new();
    world.write("home/.netrc", "machine tools.invalid login me password s3cret-netrc\ndefault login me password s3cret-netrc\n");
    world.write("home/.npmrc", "//registry.invalid/:_authToken=s3cret-npm\n");
    world.write("termination-log", "");
    let report = world.text("report.json");
    let address = proxy.url("").replace("http://", "http://me:s3cret-proxy@");
    world
        .with("http_proxy", &address)
        .with("BOOTSTRAP_REPORT", &report)
        .with(
            "BOOTSTRAP_NPM_REGISTRY",
            "http://me:s3cret-registry@registry.invalid/",
        )
}

#[test]
fn no_secret_is_shown_when_all_goes_well() {
    let hello = Fixture::script("hello", "1.0.0");
    let bytes = hello.bytes.clone();
    let proxy = Server::start(move |request| match request.target.split_once('?') {
        None => Reply::redirect(format!("{}?X-Amz-Signature=s3cret-query", request.target)),
        Some(_) => Reply::ok(bytes.clone()),
    });
    let world = world(&proxy);
    world.write(
        "work/bootstrap.lock",
        Fixture::lock_at("http://tools.invalid", &[&hello]),
    );
    let run = world.bootstrap(&["install", "-v", "hello"]).exits(0);
    let request = &proxy.requests()[0];
    assert!(
        request.header("proxy-authorization").is_some()
            && request.header("authorization").is_some()
    );
    assert_silent(&world, &run);
}

#[test]
fn no_secret_is_shown_when_all_goes_wrong() {
    let hello = Fixture::script("hello", "1.0.0");
    for status in [401, 403, 404, 407] {
        let proxy = Server::start(move |request| match request.target.split_once('?') {
            None => Reply::redirect(format!("{}?X-Amz-Signature=s3cret-query", request.target)),
            Some(_) => Reply::status(status),
        });
        let world = world(&proxy);
        world.write(
            "work/bootstrap.lock",
            Fixture::lock_at("http://tools.invalid", &[&hello]),
        );
        let run = world.bootstrap(&["install", "-v", "hello"]).exits(5);
        assert_silent(&world, &run);
        let run = world
            .bootstrap(&[
                "install",
                "--output",
                "json",
                "--log-format",
                "json",
                "-v",
                "hello",
            ])
            .exits(5);
        assert_silent(&world, &run);
    }
}

#[test]
fn no_secret_is_shown_when_nobody_is_there() {
    let hello = Fixture::script("hello", "1.0.0");
    let proxy = Server::start(|_| Reply::ok(""));
    let world = world(&proxy);
    drop(proxy);
    world.write(
        "work/bootstrap.lock",
        Fixture::lock_at("http://tools.invalid", &[&hello]),
    );
    let run = world
        .bootstrap(&["install", "-v", "--deadline", "500ms", "hello"])
        .exits(5);
    assert_silent(&world, &run);
}

#[test]
fn a_password_in_an_address_that_is_refused_is_not_quoted_back() {
    let address = "https://me:s3cret-proxy@mirror.invalid/";
    let world = World::new();
    let run = world
        .bootstrap(&["install", "hello", "--mirror", address])
        .exits(2);
    assert_silent(&world, &run);
    let run = World::new()
        .with("BOOTSTRAP_MIRROR", address)
        .bootstrap(&["init"])
        .exits(2);
    assert_silent(&world, &run);
    world.write(
        "work/bootstrap.yaml",
        format!("version: 1\nmirrors: \"{address}\"\n"),
    );
    let run = world.bootstrap(&["init"]).exits(6);
    assert_silent(&world, &run);
}

#[test]
fn a_program_that_is_tried_knows_no_secret_that_it_could_tell() {
    let text = "#!/bin/sh\nenv >&2\nexit 3\n";
    let teller = Fixture::program("hello", "1.0.0", "script", text.into());
    let (world, _server) = World::pinning(&[&teller]);
    let world = world.with("DELEGATE_TOKEN", "s3cret-npm");
    let run = world.bootstrap(&["install", "-v", "hello"]).exits(1);
    assert_silent(&world, &run);
}

#[test]
fn a_password_in_the_words_of_a_program_that_fails_is_masked() {
    // The script itself does not have the word, for it lies in the cache.
    let text = "#!/bin/sh\nword=s3cret\necho \"no way to http://me:$word-proxy@proxy:3128/\" >&2\nexit 3\n";
    let teller = Fixture::program("hello", "1.0.0", "script", text.into());
    let (world, _server) = World::pinning(&[&teller]);
    for output in ["text", "json"] {
        let run = world
            .bootstrap(&["install", "--output", output, "hello"])
            .exits(1)
            .says("no way to http://***@proxy:3128/");
        assert_silent(&world, &run);
    }
}
