//! Proxies: the request line in full, the tunnel, credentials, and the hosts left out.

use std::io::{self, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bootstrap::http::{Failure, Kind, Proxies, Settings};

use super::cache::{end_of, start_child};
use super::tls::{authority, put};
use super::{World, bytes, only_failure, pin_of, quick};
use crate::server::{Reply, Server, read_head};

/// `user:p@ss`.
const LOGIN: &str = "Basic dXNlcjpwQHNz";

/// Request lines, each with the login that came with it.
type Seen = Mutex<Vec<(String, Option<String>)>>;

/// A proxy that tunnels to loopback, and what it was asked for, with the login.
pub(crate) struct Tunnel {
    pub(crate) port: u16,
    seen: Arc<Seen>,
}

impl Tunnel {
    /// Answers each `CONNECT` with this status; 200 connects.
    pub(crate) fn start(status: u16) -> Self {
        Self::listen(status, None)
    }

    /// Connects to this server, whatever the name.
    pub(crate) fn leading_to(server: SocketAddr) -> Self {
        Self::listen(200, Some(server))
    }

    fn listen(status: u16, server: Option<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&seen);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let list = Arc::clone(&list);
                thread::spawn(move || tunnel(client, status, server, &list));
            }
        });
        Self { port, seen }
    }

    pub(crate) fn seen(&self) -> Vec<(String, Option<String>)> {
        self.seen.lock().unwrap().clone()
    }
}

fn tunnel(
    mut client: TcpStream,
    status: u16,
    server: Option<SocketAddr>,
    seen: &Seen,
) -> io::Result<()> {
    let Some((words, headers)) = read_head(&mut client)? else {
        return Ok(());
    };
    let mut login = headers.into_iter();
    let login = login.find(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization"));
    let target = words[1].clone();
    let line = format!("{} {target}", words[0]);
    seen.lock()
        .unwrap()
        .push((line, login.map(|(_, value)| value)));
    client.write_all(format!("HTTP/1.1 {status} Scripted\r\n\r\n").as_bytes())?;
    if status != 200 {
        return client.shutdown(Shutdown::Both);
    }
    let server = match server {
        Some(server) => TcpStream::connect(server)?,
        None => TcpStream::connect(target)?,
    };
    let (mut up, mut down) = ((client.try_clone()?, server.try_clone()?), (server, client));
    thread::spawn(move || {
        let _ = io::copy(&mut up.0, &mut up.1);
        up.1.shutdown(Shutdown::Write)
    });
    io::copy(&mut down.0, &mut down.1)?;
    down.1.shutdown(Shutdown::Write)
}

fn proxies(variables: &[(&str, String)]) -> Settings {
    let proxies = Proxies::from_variables(&|name| {
        let mut found = variables.iter().filter(|(known, _)| *known == name);
        found.next().map(|(_, value)| value.clone())
    });
    Settings {
        proxies: proxies.unwrap(),
        ..quick()
    }
}

#[test]
fn plain_http_goes_through_the_proxy_with_the_whole_url() {
    let proxy = Server::start(|_| Reply::ok("x"));
    let address = format!("http://user:p%40ss@{}", proxy.address());
    let world = World::with(proxies(&[("http_proxy", address)]));
    let urls = ["http://mirror.invalid/tool".to_owned()];
    world.fetch(&pin_of(b"x"), &urls).unwrap();
    let request = &proxy.requests()[0];
    assert_eq!(request.target, "http://mirror.invalid/tool");
    assert_eq!(request.header("proxy-authorization"), Some(LOGIN));
}

#[test]
fn https_goes_through_a_tunnel_with_the_delegates_login() {
    let authority = authority(&["localhost"]);
    let server = Server::start_tls(authority.server, |_| Reply::ok("x"));
    let tunnel = Tunnel::start(200);
    let variables = [
        ("PROXY_HOST", "127.0.0.1".to_owned()),
        ("PROXY_PORT", tunnel.port.to_string()),
        ("PROXY_USER", "user".to_owned()),
        ("PROXY_PASSWORD", "p@ss".to_owned()),
    ];
    let dir = tempfile::tempdir().unwrap();
    let pem = put(
        &dir.path().join("ca.pem"),
        authority.certificate.pem().as_bytes(),
    );
    let mut settings = proxies(&variables);
    settings.certificates.files.push(pem);
    let world = World::with(settings);
    world.fetch(&pin_of(b"x"), &[server.url("/")]).unwrap();
    let line = format!("CONNECT localhost:{}", server.address().port());
    assert_eq!(tunnel.seen(), [(line, Some(LOGIN.to_owned()))]);
    let request = &server.requests()[0];
    assert_eq!(
        request.header("proxy-authorization"),
        None,
        "it is the proxy's alone"
    );
}

#[test]
fn a_proxy_that_wants_credentials_is_named_and_not_asked_again() {
    let plain = Server::start(|_| Reply::status(407));
    let tunnel = Tunnel::start(407);
    let variables = [
        (
            "http_proxy",
            format!("http://user:s3cret@{}", plain.address()),
        ),
        ("https_proxy", format!("127.0.0.1:{}", tunnel.port)),
    ];
    let world = World::with(proxies(&variables));
    for url in ["http://mirror.invalid/", "https://mirror.invalid/"] {
        let error = world.fetch(&pin_of(b"x"), &[url.to_owned()]).unwrap_err();
        let failure = only_failure(&error);
        assert!(
            matches!(failure, Failure::ProxyCredentials { .. }),
            "{failure}"
        );
        assert_eq!(error.kind(), Kind::Remote);
        assert!(error.hint().unwrap().contains("PROXY_PASSWORD"));
        let text = format!("{error} {error:?}");
        assert!(text.contains("the proxy http://127.0.0.1:"), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
    assert_eq!((plain.requests().len(), tunnel.seen().len()), (1, 1));
}

#[test]
fn a_proxy_that_does_not_connect_is_named_and_asked_again() {
    let tunnel = Tunnel::start(503);
    let broken = (
        format!("127.0.0.1:{}", tunnel.port),
        "it refused to connect",
    );
    let absent = ("127.0.0.1:1".to_owned(), "tcp connect error");
    for (address, reason) in [broken, absent] {
        let mut world = World::with(proxies(&[("https_proxy", address.clone())]));
        world.deadline = Duration::from_millis(400);
        let error = world.fetch(&pin_of(b"x"), &["https://mirror.invalid/".to_owned()]);
        let error = error.unwrap_err();
        assert_eq!(error.kind(), Kind::Deadline);
        let expected = format!("the proxy http://{address} gave no connection: {reason}");
        assert!(error.to_string().contains(&expected), "{error}");
    }
    assert!(tunnel.seen().len() > 1);
}

#[test]
fn an_error_page_of_a_proxy_names_the_proxy() {
    let proxy = Server::start(|_| Reply::status(403));
    let world = World::with(proxies(&[("http_proxy", proxy.address().to_string())]));
    let error = world.fetch(&pin_of(b"x"), &["http://mirror.invalid/".to_owned()]);
    let text = error.unwrap_err().to_string();
    let expected = format!(
        "403 Forbidden (through the proxy http://{})",
        proxy.address()
    );
    assert!(text.contains(&expected), "{text}");
}

#[test]
fn hosts_in_no_proxy_are_reached_without_it() {
    let server = Server::start(|_| Reply::ok("x"));
    let variables = [
        ("all_proxy", "127.0.0.1:1".to_owned()),
        ("no_proxy", "corp.example,127.0.0.0/8".to_owned()),
    ];
    let world = World::with(proxies(&variables));
    world.fetch(&pin_of(b"x"), &[server.url("/")]).unwrap();
}

#[test]
fn the_variables_of_the_process_are_not_read_behind_our_back() {
    let server = Server::start(|_| Reply::ok(bytes(10)));
    let dir = tempfile::tempdir().unwrap();
    let shell = "for name in http all https HTTP ALL HTTPS; do
        export ${name}_proxy=http://127.0.0.1:1 ${name}_PROXY=http://127.0.0.1:1; done;";
    let child = start_child(&server.url("/"), dir.path(), 10, shell);
    assert_eq!(end_of(child), "downloaded 10\n");
}

#[test]
fn the_credentials_for_a_host_do_not_go_to_its_proxy_and_back() {
    let proxy = Server::start(|_| Reply::ok("x"));
    let address = format!("http://user:p%40ss@{}", proxy.address());
    let world = World::with(proxies(&[("http_proxy", address)]));
    let urls = ["http://me:s3cret@mirror.invalid/".to_owned()];
    world.fetch(&pin_of(b"x"), &urls).unwrap();
    let request = &proxy.requests()[0];
    assert_eq!(request.header("proxy-authorization"), Some(LOGIN));
    assert_eq!(request.header("authorization"), Some("Basic bWU6czNjcmV0"));
    assert_eq!(request.target, "http://mirror.invalid/");
}
