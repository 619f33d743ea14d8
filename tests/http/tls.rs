//! Certificates, and redirects between secure and plain hosts.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bootstrap::http::{Certificates, Failure, Kind, Secret, Settings, Source};

use super::{World, only_failure, pin_of, quick};
use crate::server::{Reply, Server};

/// A certificate authority, and a server's configuration for `localhost` signed by it.
pub(crate) struct Authority {
    pub(crate) certificate: rcgen::Certificate,
    pub(crate) server: Arc<rustls::ServerConfig>,
}

pub(crate) fn authority(names: &[&str]) -> Authority {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    let issuer = rcgen::Issuer::new(params, key);
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let leaf_key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(names).unwrap();
    let leaf = leaf.signed_by(&leaf_key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(leaf_key.serialize_der().into());
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    Authority {
        certificate,
        server: Arc::new(server),
    }
}

/// A server's own authority: one certificate for both, as `openssl req -x509` makes it.
fn self_signed(name: &str, years: [i32; 2]) -> Authority {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let [from, to] = years.map(|year| rcgen::date_time_ymd(year, 1, 1));
    (params.not_before, params.not_after) = (from, to);
    let certificate = params.self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    Authority {
        certificate,
        server: Arc::new(server),
    }
}

#[test]
fn a_certificate_that_is_its_own_authority_is_taken_where_it_was_named() {
    let years = [2020, 2200];
    let authority = self_signed("localhost", years);
    let server = Server::start_tls(authority.server.clone(), |_| Reply::ok("x"));
    let dir = tempfile::tempdir().unwrap();
    let pem = put(
        &dir.path().join("own.pem"),
        authority.certificate.pem().as_bytes(),
    );
    let world = trusting(vec![pem.clone()], vec![]);
    world.fetch(&pin_of(b"x"), &[server.url("/")]).unwrap();
    // Neither another one, nor one for another name, nor one whose time is over.
    let refused = [
        (pem, self_signed("localhost", years)),
        {
            let other = self_signed("other.example", years);
            let file = dir.path().join("other.pem");
            (put(&file, other.certificate.pem().as_bytes()), other)
        },
        {
            let over = self_signed("localhost", [2020, 2021]);
            let file = dir.path().join("over.pem");
            (put(&file, over.certificate.pem().as_bytes()), over)
        },
    ];
    for (file, authority) in refused {
        let server = Server::start_tls(authority.server, |_| Reply::ok("x"));
        let error = trusting(vec![file], vec![]).fetch(&pin_of(b"x"), &[server.url("/")]);
        let failure = only_failure(&error.unwrap_err());
        assert!(matches!(failure, Failure::Certificate { .. }), "{failure}");
    }
}

pub(crate) fn put(path: &Path, bytes: &[u8]) -> PathBuf {
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
    path.to_owned()
}

/// A world that trusts these files and directories beside the platform's.
pub(super) fn trusting(files: Vec<PathBuf>, directories: Vec<PathBuf>) -> World {
    World::with(Settings {
        certificates: Certificates {
            files,
            directories,
            platform: true,
        },
        ..quick()
    })
}

#[test]
fn an_unknown_authority_is_final_and_has_a_hint() {
    let server = Server::start_tls(authority(&["localhost"]).server, |_| Reply::ok("x"));
    let error = World::new()
        .fetch(&pin_of(b"x"), &[server.url("/")])
        .unwrap_err();
    let failure = only_failure(&error);
    assert!(matches!(failure, Failure::Certificate { .. }), "{failure}");
    assert_eq!(error.kind(), Kind::Remote);
    assert!(
        error
            .to_string()
            .contains("the certificate of localhost is not accepted")
    );
    let hint = error.hint().unwrap();
    assert!(hint.contains("--ca-bundle") && hint.contains("$WORKING_DIR/ca-bundle"));
    assert_eq!(server.connections(), 1, "it is not asked again");
}

#[test]
fn an_authority_of_ones_own_comes_as_pem_as_der_or_in_a_directory() {
    let authority = authority(&["localhost"]);
    let server = Server::start_tls(authority.server, |_| Reply::ok("x"));
    let dir = tempfile::tempdir().unwrap();
    let pem = put(
        &dir.path().join("ca.pem"),
        authority.certificate.pem().as_bytes(),
    );
    let der = put(&dir.path().join("ca.der"), authority.certificate.der());
    put(&dir.path().join("readme"), b"hello");
    let worlds = [
        trusting(vec![pem], vec![]),
        trusting(vec![der], vec![]),
        trusting(vec![], vec![dir.path().to_owned()]),
    ];
    for world in &worlds {
        world.fetch(&pin_of(b"x"), &[server.url("/")]).unwrap();
    }
    assert!(
        worlds[2]
            .events()
            .contains(&"skipped: it holds no certificate".to_owned())
    );
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let authority = authority(&["other.example"]);
    let server = Server::start_tls(authority.server, |_| Reply::ok("x"));
    let dir = tempfile::tempdir().unwrap();
    let pem = put(
        &dir.path().join("ca.pem"),
        authority.certificate.pem().as_bytes(),
    );
    let error = trusting(vec![pem], vec![]).fetch(&pin_of(b"x"), &[server.url("/")]);
    let failure = only_failure(&error.unwrap_err());
    assert!(matches!(failure, Failure::Certificate { .. }), "{failure}");
}

#[test]
fn a_bundle_that_is_not_there_is_named_and_plain_http_does_not_look_for_it() {
    let plain = Server::start(|_| Reply::ok("x"));
    let absent = PathBuf::from("/nowhere/ca.pem");
    let world = trusting(vec![absent], vec![]);
    world.fetch(&pin_of(b"x"), &[plain.url("/")]).unwrap();
    let error = world.fetch(&pin_of(b"y"), &["https://localhost:1/".to_owned()]);
    let error = error.unwrap_err();
    assert_eq!(error.kind(), Kind::Local);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("/nowhere/ca.pem"), "{source}");
}

#[test]
fn a_redirect_to_plain_http_is_followed_for_pinned_bytes_without_credentials() {
    let plain = Server::start(|_| Reply::ok("x"));
    // The same name, so that only the scheme tells the hosts apart.
    let target = format!("http://localhost:{}/x", plain.address().port());
    let authority = authority(&["localhost"]);
    let secure = Server::start_tls(authority.server, move |_| Reply::redirect(target.clone()));
    let dir = tempfile::tempdir().unwrap();
    let pem = put(
        &dir.path().join("ca.pem"),
        authority.certificate.pem().as_bytes(),
    );
    let mut settings = quick();
    settings.certificates.files.push(pem);
    settings.netrc = bootstrap::http::Netrc::parse("machine localhost login me password s3cret");
    let world = World::with(settings);
    world.fetch(&pin_of(b"x"), &[secure.url("/")]).unwrap();
    assert!(secure.requests()[0].header("authorization").is_some());
    assert_eq!(plain.requests()[0].header("authorization"), None);

    let source = Source {
        url: secure.url("/").parse().unwrap(),
        authorization: Some(Secret::new("Bearer s3cret")),
    };
    let error = world.look_up(&source, 10).unwrap_err();
    assert!(
        error.to_string().contains("it leads from https to http"),
        "{error}"
    );
    assert_eq!(plain.requests().len(), 1);
}

#[test]
fn documents_without_a_pin_are_small_and_not_of_plain_http() {
    let authority = authority(&["localhost"]);
    let server = Server::start_tls(authority.server, |request| match request.before {
        0 => Reply::status(503),
        _ => Reply::ok("checksums"),
    });
    let dir = tempfile::tempdir().unwrap();
    let pem = put(
        &dir.path().join("ca.pem"),
        authority.certificate.pem().as_bytes(),
    );
    let world = trusting(vec![pem], vec![]);
    let get = |url: &str, limit| {
        let source = Source::new(url.parse().unwrap());
        world.look_up(&source, limit)
    };
    assert_eq!(get(&server.url("/"), 9).unwrap(), b"checksums");
    let error = get(&server.url("/"), 8).unwrap_err();
    assert!(error.to_string().contains("limit of 8 bytes"), "{error}");
    let error = get("http://a.example/", 9).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`http` cannot be fetched without a digest"),
        "{error}"
    );
}

#[test]
fn a_client_offers_http_2_before_http_1() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let offered = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&offered);
    let server = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut acceptor = rustls::server::Acceptor::default();
        loop {
            acceptor.read_tls(&mut connection).unwrap();
            if let Ok(Some(accepted)) = acceptor.accept() {
                let hello = accepted.client_hello();
                let alpn = hello.alpn().unwrap().map(<[u8]>::to_vec);
                seen.lock().unwrap().extend(alpn);
                return;
            }
        }
    });
    let mut world = World::new();
    world.deadline = Duration::from_millis(500);
    let urls = [format!("https://localhost:{port}/")];
    assert_eq!(
        world.fetch(&pin_of(b"x"), &urls).unwrap_err().kind(),
        Kind::Deadline
    );
    server.join().unwrap();
    assert_eq!(
        *offered.lock().unwrap(),
        [b"h2".to_vec(), b"http/1.1".to_vec()]
    );
}
