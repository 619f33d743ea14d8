//! Asking API servers, by way of kubeconfigs that are there: what they answer, and every way in
//! which they do not.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bootstrap::cluster::access::{self, Access};
use bootstrap::cluster::exec_plugin::Environment;
use bootstrap::cluster::server::{Failure, Rights, Server};
use bootstrap::deadline::Deadline;
use bootstrap::http::Proxies;
use bootstrap::runtime::Runtime;
use serde_json::json;

use crate::api_server::{ApiServer, Fault, Setup, kubeconfig};
use crate::http::proxy::Tunnel;
use crate::world::{GENEROUS, World};

const TOKEN: &str = "{ token: static-token }";

fn deadline() -> Deadline {
    Deadline::after(Instant::now(), GENEROUS)
}

fn reach(world: &World, kubeconfig: &str, proxies: &Proxies) -> Result<Access, access::Error> {
    let file = world.write("kubeconfig", kubeconfig);
    let variables = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
    let environment = Environment {
        variables: &variables,
        directory: Path::new("/"),
    };
    Access::from_kubeconfig(&file, "test", environment, proxies, deadline())
}

/// A server that is reached through this kubeconfig.
fn server(kubeconfig: &str) -> Server {
    let access = reach(&World::new(), kubeconfig, &Proxies::default()).unwrap();
    Server::new(access, Arc::new(Runtime::new()))
}

/// What a server with this fault answers.
fn ask(fault: Fault) -> Result<String, Failure> {
    let api = ApiServer::start(Setup {
        fault,
        ..Setup::default()
    });
    let server = server(&api.kubeconfig("test", TOKEN)).within(Duration::from_millis(1500));
    server.version(deadline()).map(|answer| answer.value.full)
}

#[test]
fn a_server_says_its_version_its_time_and_who_one_is() {
    let api = ApiServer::start(Setup::default());
    let server = server(&api.kubeconfig("test", TOKEN));
    let answer = server.version(deadline()).unwrap();
    assert_eq!(answer.value.version.to_string(), "1.31");
    assert_eq!(answer.value.full, "v1.31.2-eks-7f9249a");
    let off = answer.date.unwrap().duration_since(jiff::Timestamp::now());
    assert!(off.abs() < jiff::SignedDuration::from_secs(20), "{off}");
    let who = server.who(deadline()).unwrap();
    assert_eq!(who.map(|who| who.name).as_deref(), Some("static-user"));
    assert_eq!(server.rights(deadline()), Ok(Rights::All));
    assert_eq!(api.server.connections(), 1, "one connection serves all");
}

#[test]
fn a_server_that_is_too_old_to_say_who_one_is_is_no_failure() {
    let api = ApiServer::start(Setup {
        knows_reviews: false,
        ..Setup::default()
    });
    let server = server(&api.kubeconfig("test", TOKEN));
    assert_eq!(server.who(deadline()), Ok(None));
}

#[test]
fn what_one_may_do_is_more_than_to_ask_what_one_may_do() {
    let own = json!({"verbs": ["create"], "apiGroups": ["authorization.k8s.io"],
        "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]});
    let pods = json!({"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]});
    let check = |rules: &[&serde_json::Value], incomplete: bool, allowed: bool, expected| {
        let api = ApiServer::start(Setup {
            rules: json!({"incomplete": incomplete, "nonResourceRules": [], "resourceRules": rules}),
            allowed,
            ..Setup::default()
        });
        let server = server(&api.kubeconfig("test", TOKEN));
        assert_eq!(server.rights(deadline()), Ok(expected));
    };
    check(&[&own], false, false, Rights::None);
    check(&[&own, &pods], false, false, Rights::Rules(1));
    check(&[&own], true, true, Rights::Unlisted);
    check(&[&own], true, false, Rights::None);
    check(&[], false, true, Rights::None);
}

#[test]
fn every_way_not_to_answer_is_told_apart() {
    assert!(matches!(
        ask(Fault::Forbidden),
        Err(Failure::Forbidden { .. })
    ));
    assert!(matches!(ask(Fault::Silent), Err(Failure::NoAnswer { .. })));
    assert!(matches!(ask(Fault::Garbage), Err(Failure::NotAnApi { .. })));
    assert!(matches!(ask(Fault::Endless), Err(Failure::NotAnApi { .. })));
    assert!(matches!(
        ask(Fault::Broken),
        Err(Failure::Status { code: 503, .. } | Failure::NoAnswer { .. })
    ));
    assert_eq!(ask(Fault::Hiccup), Ok("v1.31.2-eks-7f9249a".to_owned()));
}

#[test]
fn an_unknown_token_is_unauthorized_and_asked_once() {
    let api = ApiServer::start(Setup::default());
    let server = server(&api.kubeconfig("test", "{ token: other }"));
    assert_eq!(
        server.version(deadline()).err(),
        Some(Failure::Unauthorized)
    );
    assert_eq!(api.refusals(), ["no prefix"]);
}

#[test]
fn a_certificate_of_another_authority_is_refused_before_the_token_is_sent() {
    let (api, other) = (
        ApiServer::start(Setup::default()),
        ApiServer::start(Setup::default()),
    );
    let config = kubeconfig("test", &api.url(), &other.authority(), TOKEN);
    let failure = server(&config).version(deadline()).unwrap_err();
    assert!(matches!(failure, Failure::Certificate { .. }), "{failure}");
    assert_eq!(api.server.requests().len(), 0);
}

#[test]
fn a_server_without_tls_is_recognised_and_never_sent_a_token() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let plain = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut hello = [0; 4096];
        let length = client.read(&mut hello).unwrap();
        client
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        hello[..length].to_vec()
    });
    let api = ApiServer::start(Setup::default());
    let url = format!("https://{address}");
    let failure = server(&kubeconfig("test", &url, &api.authority(), TOKEN)).version(deadline());
    assert_eq!(failure.unwrap_err(), Failure::NotTls);
    let said = String::from_utf8_lossy(&plain.join().unwrap()).into_owned();
    assert!(!said.contains("static-token"));
    let plain = format!("http://{address}");
    let config = kubeconfig("test", &plain, &api.authority(), TOKEN);
    let error = reach(&World::new(), &config, &Proxies::default()).unwrap_err();
    assert!(
        error.to_string().contains("it takes https://HOST[:PORT]"),
        "{error}"
    );
}

#[test]
fn nobody_there_and_nobody_by_that_name_are_told_apart() {
    let authority = ApiServer::start(Setup::default()).authority();
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let ask = |url: &str| {
        let config = kubeconfig("test", url, &authority, TOKEN);
        let server = server(&config).within(Duration::from_secs(5));
        server.version(deadline()).map(|answer| answer.value.full)
    };
    assert_eq!(
        ask(&format!("https://127.0.0.1:{closed}")),
        Err(Failure::Refused)
    );
    let failure = ask("https://nobody.invalid").unwrap_err();
    assert!(
        matches!(
            failure,
            Failure::Unreachable { .. } | Failure::NoAnswer { .. }
        ),
        "{failure}"
    );
}

#[test]
fn a_connection_that_is_never_made_is_given_up() {
    // A full backlog is a network that drops packets.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connect = || std::net::TcpStream::connect_timeout(&address, Duration::from_millis(100));
    let held: Vec<_> = std::iter::repeat_with(connect)
        .take(300)
        .take_while(Result::is_ok)
        .collect();
    let authority = ApiServer::start(Setup::default()).authority();
    let config = kubeconfig("test", &format!("https://{address}"), &authority, TOKEN);
    let server = server(&config).within(Duration::from_millis(700));
    let started = Instant::now();
    let failure = server.version(deadline()).unwrap_err();
    assert!(
        matches!(
            failure,
            Failure::ConnectTimeout { .. } | Failure::NoAnswer { .. }
        ),
        "{failure}"
    );
    assert!(started.elapsed() < Duration::from_secs(5));
    drop(held);
}

#[test]
fn a_proxy_is_used_that_the_variables_name_and_the_kubeconfigs_own_before_it() {
    let api = ApiServer::start(Setup::default());
    let proxy = Tunnel::start(200);
    let address = format!("http://user:p%40ss@127.0.0.1:{}", proxy.port);
    let variable = |value: String| {
        Proxies::from_variables(&move |name| (name == "https_proxy").then(|| value.clone()))
            .unwrap()
    };
    let config = api.kubeconfig("test", TOKEN);
    let ask = |config: &str, proxies: &Proxies| {
        let access = reach(&World::new(), config, proxies).unwrap();
        let server = Server::new(access, Arc::new(Runtime::new()));
        server.version(deadline()).map(|answer| answer.value.full)
    };
    assert!(ask(&config, &variable(address.clone())).is_ok());
    let login = Some("Basic dXNlcjpwQHNz".to_owned());
    let line = format!("CONNECT localhost:{}", api.server.address().port());
    assert_eq!(proxy.seen(), [(line, login)]);
    let own = config.replace(
        "cluster: { server",
        &format!("cluster: {{ proxy-url: \"{address}\", server"),
    );
    assert!(ask(&own, &variable("http://127.0.0.1:1".to_owned())).is_ok());
    assert_eq!(proxy.seen().len(), 2);
}

#[test]
fn the_plugin_of_the_kubeconfig_is_run_once_for_all_questions() {
    let world = World::new();
    let api = ApiServer::start(Setup::default());
    let plugin = world.write_program(
        "bin/plugin",
        &format!(
            "#!/bin/sh\necho run >> {}\necho '{{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\
             \"status\":{{\"token\":\"static-token\",\"expirationTimestamp\":\"2020-01-01T00:00:00Z\"}}}}'\n",
            world.text("runs")
        ),
    );
    let user = format!(
        "{{ exec: {{ apiVersion: client.authentication.k8s.io/v1beta1, command: \"{}\", interactiveMode: Never }} }}",
        plugin.display()
    );
    let access = reach(&world, &api.kubeconfig("test", &user), &Proxies::default()).unwrap();
    let server = Server::new(access, Arc::new(Runtime::new()));
    assert!(server.version(deadline()).is_ok());
    assert!(server.who(deadline()).is_ok());
    assert!(server.rights(deadline()).is_ok());
    assert_eq!(world.read("runs"), "run\n");
}

#[test]
fn what_is_wrong_with_a_kubeconfig_is_told_without_its_secrets() {
    let api = ApiServer::start(Setup::default());
    let good = api.kubeconfig("test", "{ token: hunter2 }");
    let error = |text: &str| {
        let error = reach(&World::new(), text, &Proxies::default()).unwrap_err();
        let error = format!(
            "{error} {}",
            std::error::Error::source(&error).map_or(String::new(), ToString::to_string)
        );
        assert!(!error.contains("hunter2"), "{error}");
        error
    };
    for (text, says) in [
        (String::new(), "has no context `test`"),
        ("- a\n".to_owned(), "is not a kubeconfig"),
        ("clusters: {\n".to_owned(), "is not a kubeconfig"),
        (
            good.replace("users:", "users: hunter2 ["),
            "is not a kubeconfig",
        ),
        (
            good.replace("users:\n- name: test", "users:\n- name: other"),
            "has no user `test`",
        ),
        (
            good.replace("clusters:\n- name: test", "clusters:\n- name: other"),
            "has no cluster `test`",
        ),
        (
            good.replace("server: \"https", "server: \"ftp"),
            "is not the address of an API server",
        ),
        (good.replace(&api.authority(), "!"), "is not Base64"),
        (
            good.replace(&api.authority(), "aGVsbG8="),
            "is not a PEM certificate",
        ),
        (
            good.replace("{ token: hunter2 }", "{ auth-provider: { name: gcp } }"),
            "auth-provider",
        ),
    ] {
        let error = error(&text);
        assert!(error.contains(says), "{says}: {error}");
    }
    let directory = World::new();
    std::fs::create_dir(directory.path("kubeconfig")).unwrap();
    let environment = Environment {
        variables: &BTreeMap::new(),
        directory: Path::new("/"),
    };
    let file = directory.path("kubeconfig");
    let error =
        Access::from_kubeconfig(&file, "test", environment, &Proxies::default(), deadline());
    assert!(
        error
            .unwrap_err()
            .to_string()
            .starts_with("cannot read the kubeconfig")
    );
}

#[test]
fn a_pod_reaches_its_own_cluster_by_what_kubernetes_mounts() {
    let world = World::new();
    let api = ApiServer::start(Setup::default());
    let mounted = world.path("mounted");
    let port = api.server.address().port().to_string();
    let variables: BTreeMap<_, _> = [
        ("KUBERNETES_SERVICE_HOST", "localhost"),
        ("KUBERNETES_SERVICE_PORT", port.as_str()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let access =
        |variables: &BTreeMap<String, String>| Access::of_this_pod(variables, &mounted).unwrap();
    assert!(access(&BTreeMap::new()).is_none(), "no pod");
    assert!(access(&variables).is_none(), "a pod without credentials");
    world.write("mounted/token", "static-token\n");
    world.write("mounted/ca.crt", api.authority_pem());
    world.write("mounted/namespace", "harness-delegate-ng");
    let access = access(&variables).unwrap();
    assert_eq!(access.namespace, "harness-delegate-ng");
    let server = Server::new(access, Arc::new(Runtime::new()));
    let answer = server.version(deadline()).unwrap();
    assert_eq!(answer.value.version.to_string(), "1.31");
}
