//! Where artifacts come from: mirrors, the origin, the cache, and who gets which credentials.

use std::path::Path;

use insta::assert_snapshot;

use crate::fixture::Fixture;
use crate::server::{Reply, Server};
use crate::world::{World, put};

/// A world that pins `hello` at an origin which nobody can reach, and a mirror that has everything.
fn world() -> (World, Server, Fixture) {
    let hello = Fixture::script("hello", "1.0.0");
    let bytes = hello.bytes.clone();
    let mirror = Server::start(move |_| Reply::ok(bytes.clone()));
    let world = World::new();
    world.write(
        "work/bootstrap.lock",
        Fixture::lock_at("http://tools.invalid:81/pub", &[&hello]),
    );
    (world, mirror, hello)
}

/// What the server was asked for.
fn targets(server: &Server) -> Vec<String> {
    server
        .requests()
        .into_iter()
        .map(|request| request.target)
        .collect()
}

#[test]
fn a_template_is_filled_with_host_and_path() {
    let (world, mirror, _) = world();
    let template = mirror.url("/corp/{host}/{path}");
    world
        .bootstrap(&["install", "--mirror", &template, "hello"])
        .exits(0);
    assert_eq!(targets(&mirror), ["/corp/tools.invalid/pub/hello-1.0.0"]);
    assert_eq!(
        world.report()["steps"][0]["tools"][0]["source"],
        mirror.url("/corp/tools.invalid/pub/hello-1.0.0")
    );
}

#[test]
fn a_template_is_filled_with_the_digest() {
    let (world, mirror, hello) = world();
    let template = mirror.url("/by/{alg}/{hex}.bin");
    world
        .bootstrap(&["install", "--mirror", &template, "hello"])
        .exits(0);
    let path = hello.digest.replace(':', "/");
    assert_eq!(targets(&mirror), [format!("/by/{path}.bin")]);
}

#[test]
fn without_a_placeholder_the_layout_is_that_of_a_bundle() {
    let (world, mirror, hello) = world();
    world
        .bootstrap(&["install", "--mirror", &mirror.url("/bundle/"), "hello"])
        .exits(0);
    assert_eq!(
        targets(&mirror),
        [format!("/bundle/{}", hello.digest.replace(':', "/"))]
    );
}

#[test]
fn a_directory_is_a_mirror_even_offline() {
    let (world, _mirror, hello) = world();
    let path = format!("bundle/{}", hello.digest.replace(':', "/"));
    world.write(&path, &hello.bytes);
    let template = format!("file://{}", world.text("bundle"));
    let run = world
        .bootstrap(&["install", "--offline", "--mirror", &template, "hello"])
        .exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 installed"]);
}

#[test]
fn a_directory_with_other_bytes_is_not_believed() {
    let (world, _mirror, hello) = world();
    world.write(&format!("bundle/{}", hello.digest.replace(':', "/")), "x");
    let template = format!("file://{}", world.text("bundle"));
    let run = world.bootstrap(&["install", "-q", "--offline", "--mirror", &template, "hello"]);
    assert_ne!(run.code, Some(0), "{run}");
    assert_eq!(world.tree("delegate/bootstrap/bin"), Vec::<String>::new());
}

#[test]
fn mirrors_are_tried_in_order_and_the_origin_last() {
    let hello = Fixture::script("hello", "1.0.0");
    let (world, origin) = World::pinning(&[&hello]);
    let mirrors = [404, 503].map(|status| Server::start(move |_| Reply::status(status)));
    let [first, second] = mirrors.each_ref().map(|mirror| mirror.url("/{path}"));
    let run = world
        .bootstrap(&["install", "--mirror", &first, "--mirror", &second, "hello"])
        .exits(0);
    let asked = run
        .stderr
        .lines()
        .filter(|line| line.contains("downloading from"));
    let asked: Vec<_> = asked
        .map(|line| line.split(' ').next_back().unwrap().to_owned())
        .collect();
    let expected = [
        mirrors[0].url("/hello-1.0.0"),
        mirrors[1].url("/hello-1.0.0"),
        origin.url("/hello-1.0.0"),
    ];
    assert_eq!(asked, expected);
}

#[test]
fn the_origin_is_left_alone_with_no_origin() {
    let hello = Fixture::script("hello", "1.0.0");
    let (world, origin) = World::pinning(&[&hello]);
    let mirror = Server::start(|_| Reply::status(404));
    let run = world.bootstrap(&[
        "install",
        "-q",
        "--no-origin",
        "--mirror",
        &mirror.url(""),
        "hello",
    ]);
    assert_snapshot!(run, @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: cannot fetch sha256:[HEX] from http://[SERVER]/sha256/[HEX]: the answer was 404 Not Found
    hint: check that the source has this file at this address, or name another --mirror
    [exit 5]
    ");
    assert_snapshot!(world.bootstrap(&["install", "-q", "--no-origin", "hello"]), @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: there is no mirror to download from, and the vendor's address may not be used
    hint: give a --mirror, or leave --no-origin out
    [exit 2]
    ");
    assert_eq!(origin.requests().len(), 0);
}

#[test]
fn offline_a_miss_says_what_would_be_fetched_and_a_hit_will_do() {
    let hello = Fixture::script("hello", "1.0.0");
    let (world, server) = World::pinning(&[&hello]);
    assert_snapshot!(world.bootstrap(&["install", "-q", "--offline", "hello"]), @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: sha256:[HEX] is not in the cache, and offline nothing is fetched from http://[SERVER]/hello-1.0.0
    hint: give a bundle as a file:// mirror, or fill the cache while online
    [exit 5]
    ");
    assert_eq!(server.connections(), 0);
    let cached = world.prefix("cache").join(hello.digest.replace(':', "/"));
    std::fs::create_dir_all(cached.parent().unwrap()).unwrap();
    put(&cached, &hello.bytes);
    world.bootstrap(&["install", "--offline", "hello"]).exits(0);
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_mirror_in_a_variable_is_one_of_several_separated_by_blanks() {
    let (world, mirror, _) = world();
    let bad = Server::start(|_| Reply::status(404));
    let list = format!("{}\n  {}", bad.url("/a/{path}"), mirror.url("/b/{path}"));
    let world = world.with("BOOTSTRAP_MIRROR", &list);
    world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(
        (targets(&bad), targets(&mirror)),
        (
            vec!["/a/pub/hello-1.0.0".to_owned()],
            vec!["/b/pub/hello-1.0.0".to_owned()]
        )
    );
}

#[test]
fn a_mirror_of_the_file_is_outranked_by_the_variable_and_that_by_the_flag() {
    let (world, mirror, _) = world();
    let config = format!(
        "version: 1\nmirrors: [\"{}\"]\n",
        mirror.url("/file/{path}")
    );
    world.write("work/bootstrap.yaml", config);
    let fresh = |n: u8| world.text(&format!("prefix-{n}"));
    world
        .bootstrap(&["install", "--prefix", &fresh(1), "hello"])
        .exits(0);
    let variable = mirror.url("/variable/{path}");
    let (one, two, three) = (fresh(1), fresh(2), fresh(3));
    let world = world.with("BOOTSTRAP_MIRROR", &variable);
    world
        .bootstrap(&["install", "--prefix", &two, "hello"])
        .exits(0);
    world
        .bootstrap(&[
            "install",
            "--prefix",
            &three,
            "--mirror",
            &mirror.url("/flag/{path}"),
            "hello",
        ])
        .exits(0);
    assert_eq!(
        targets(&mirror),
        [
            "/file/pub/hello-1.0.0",
            "/variable/pub/hello-1.0.0",
            "/flag/pub/hello-1.0.0"
        ]
    );
    assert!(Path::new(&one).join("bin/hello").exists());
}

#[test]
fn a_template_that_is_none_is_refused() {
    let world = World::new();
    for template in [
        "https://m/{name}",
        "https://u:s3cret@m/",
        "https://m/?a=b",
        "m",
        "https://m/{path",
    ] {
        let run = world
            .bootstrap(&["install", "--mirror", template, "node"])
            .exits(2);
        run.says("error: invalid value ").says("a mirror");
    }
    let world = world.with("BOOTSTRAP_MIRROR", "https://m/{name}");
    assert_snapshot!(world.bootstrap(&["install", "node"]), @"
    --- stderr ---
    error: invalid value `https://m/{name}` for BOOTSTRAP_MIRROR: a mirror is a URL with no placeholders but {host}, {path}, {alg} and {hex}
    [exit 2]
    ");
}

#[test]
fn credentials_of_a_netrc_file_go_to_their_host_alone() {
    let hello = Fixture::script("hello", "1.0.0");
    let bytes = hello.bytes.clone();
    let origin = Server::start(move |_| Reply::ok(bytes.clone()));
    let mirror = Server::start(|_| Reply::status(404));
    let world = World::new();
    let base = format!("http://localhost:{}", origin.address().port());
    world.write("work/bootstrap.lock", Fixture::lock_at(&base, &[&hello]));
    world.write(
        "home/.netrc",
        "machine 127.0.0.1 login me password s3cret\n",
    );
    world
        .bootstrap(&["install", "--mirror", &mirror.url("/{path}"), "hello"])
        .exits(0);
    // `me:s3cret` in base64.
    assert_eq!(
        mirror.requests()[0].header("authorization"),
        Some("Basic bWU6czNjcmV0")
    );
    assert_eq!(origin.requests()[0].header("authorization"), None);
}

#[test]
fn credentials_do_not_follow_a_redirect_to_another_host() {
    let hello = Fixture::script("hello", "1.0.0");
    let bytes = hello.bytes.clone();
    let store = Server::start(move |_| Reply::ok(bytes.clone()));
    let to = format!("http://localhost:{}/x", store.address().port());
    let origin = Server::start(move |_| Reply::redirect(to.clone()));
    let world = World::new();
    world.pin(&origin, &[&hello]);
    let netrc = world.write(
        "secret/netrc",
        "machine 127.0.0.1 login me password s3cret\n",
    );
    let world = world.with("NETRC", &netrc.display().to_string());
    world.bootstrap(&["install", "hello"]).exits(0);
    assert!(origin.requests()[0].header("authorization").is_some());
    assert_eq!(store.requests()[0].header("authorization"), None);
}

#[test]
fn missing_credentials_have_a_hint() {
    let hello = Fixture::script("hello", "1.0.0");
    let world = World::new();
    let server = Server::start(|_| Reply::status(401));
    world.pin(&server, &[&hello]);
    assert_snapshot!(world.bootstrap(&["install", "-q", "hello"]), @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: cannot fetch sha256:[HEX] from http://[SERVER]/hello-1.0.0: the answer was 401 Unauthorized
    hint: give the credentials for this host in a netrc file
    [exit 5]
    ");
}

#[test]
fn a_proxy_of_the_environment_is_asked_and_no_proxy_spares_it() {
    let (world, proxy, _) = world();
    let address = proxy.url("");
    let world = world.with("http_proxy", &address);
    world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(targets(&proxy), ["http://tools.invalid:81/pub/hello-1.0.0"]);
    let world = world
        .with("no_proxy", "example.com,.invalid")
        .with("BOOTSTRAP_PREFIX", "other");
    world
        .bootstrap(&["install", "--deadline", "500ms", "hello"])
        .exits(5);
    assert_eq!(proxy.requests().len(), 1);
}

#[test]
fn the_proxy_of_a_delegate_gets_its_login() {
    let (world, proxy, _) = world();
    let port = proxy.address().port().to_string();
    let world = world
        .with("PROXY_HOST", "127.0.0.1")
        .with("PROXY_PORT", &port)
        .with("PROXY_SCHEME", "http")
        .with("PROXY_USER", "me")
        .with("PROXY_PASSWORD", "p@ss word");
    world.bootstrap(&["install", "hello"]).exits(0);
    // `me:p@ss word` in base64.
    assert_eq!(
        proxy.requests()[0].header("proxy-authorization"),
        Some("Basic bWU6cEBzcyB3b3Jk")
    );
}

#[test]
fn a_proxy_that_makes_no_sense_is_refused_without_its_password() {
    let world = World::new().with("https_proxy", "http://me:s3cret@host:99999");
    let run = world.bootstrap(&["install", "node"]).exits(2);
    assert!(
        run.stderr.contains("https_proxy") && !run.stderr.contains("s3cret"),
        "{run}"
    );
}
