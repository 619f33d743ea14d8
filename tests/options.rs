//! Every option from its flag, its variable, its key and its default, in that order.

use std::sync::Arc;

use crate::fixture::Fixture;
use crate::npm;
use crate::server::{Reply, Server};
use crate::world::World;

/// The three ways to say something, the strongest last: each of them is added to those before it.
struct Said {
    key: &'static str,
    variable: &'static str,
    flag: &'static str,
}

/// Whether the option is in force: from nowhere, the file, the variable over the file, the flag over both.
/// `values` are what the file, the variable and the flag say; `seen` tells which one was obeyed.
fn check(said: &Said, values: [&str; 3], seen: impl Fn(&World, &[&str]) -> String) {
    let config = |world: &World| {
        world.write(
            "work/bootstrap.yaml",
            format!("version: 1\n{}: {}\n", said.key, values[0]),
        );
    };
    let world = World::new();
    config(&world);
    assert_eq!(seen(&world, &[]), values[0], "the file's `{}`", said.key);
    let world = World::new().with(said.variable, values[1]);
    config(&world);
    assert_eq!(seen(&world, &[]), values[1], "{}", said.variable);
    let world = World::new().with(said.variable, values[1]);
    config(&world);
    assert_eq!(
        seen(&world, &[said.flag, values[2]]),
        values[2],
        "{}",
        said.flag
    );
    let world = World::new().with(said.variable, "");
    config(&world);
    assert_eq!(seen(&world, &[]), values[0], "an empty {}", said.variable);
}

/// Pins `hello` in this world and installs it with these flags.
fn install(world: &World, flags: &[&str]) -> Server {
    let hello = Fixture::zip("hello", "1.0.0").also("slim: [\"share/\"]");
    let server = Fixture::serve(&[&hello]);
    world.pin(&server, &[&hello]);
    world.bootstrap(&[&["install"], flags, &["hello"]].concat());
    server
}

/// Which of these is there.
fn present(world: &World, names: &[&str], below: &str) -> String {
    let is_there = |name: &&&str| world.path(&format!("work/{name}{below}")).exists();
    let there: Vec<_> = names.iter().filter(is_there).copied().collect();
    there.join(" ")
}

#[test]
fn the_deadline() {
    let said = Said {
        key: "deadline",
        variable: "BOOTSTRAP_DEADLINE",
        flag: "--deadline",
    };
    check(&said, ["1ms", "2ms", "3ms"], |world, flags| {
        install(world, flags);
        let report = world.read("delegate/bootstrap/report.json");
        let told = report.split("the deadline of 0.00").nth(1).expect(&report);
        format!("{}ms", told.split(' ').next().unwrap())
    });
}

#[test]
fn the_prefix() {
    let said = Said {
        key: "prefix",
        variable: "BOOTSTRAP_PREFIX",
        flag: "--prefix",
    };
    check(&said, ["one", "two", "three"], |world, flags| {
        install(world, flags);
        present(world, &["one", "two", "three"], "/bin/hello")
    });
}

#[test]
fn the_second_directory_for_links() {
    let said = Said {
        key: "bin_dir",
        variable: "BOOTSTRAP_BIN_DIR",
        flag: "--bin-dir",
    };
    check(&said, ["one", "two", "three"], |world, flags| {
        install(world, flags);
        present(world, &["one", "two", "three"], "/hello")
    });
}

#[test]
fn the_cache() {
    let said = Said {
        key: "cache_dir",
        variable: "BOOTSTRAP_CACHE_DIR",
        flag: "--cache-dir",
    };
    check(&said, ["one", "two", "three"], |world, flags| {
        install(world, flags);
        present(world, &["one", "two", "three"], "/sha256")
    });
}

#[test]
fn the_report() {
    let said = Said {
        key: "report",
        variable: "BOOTSTRAP_REPORT",
        flag: "--report",
    };
    check(&said, ["one", "two", "three"], |world, flags| {
        install(world, flags);
        present(world, &["one", "two", "three"], "")
    });
}

#[test]
fn the_lock() {
    let said = Said {
        key: "lock",
        variable: "BOOTSTRAP_LOCK",
        flag: "--lock",
    };
    check(&said, ["one", "two", "three"], |world, flags| {
        for name in ["one", "two", "three"] {
            let hello = Fixture::script("hello", "1.0.0");
            let base = format!("http://{name}.invalid");
            world.write(&format!("work/{name}"), Fixture::lock_at(&base, &[&hello]));
        }
        let run = world
            .bootstrap(&[&["install", "--offline"], flags, &["hello"]].concat())
            .exits(5);
        let source = run.stderr.split("from http://").nth(1).unwrap();
        source.split('.').next().unwrap().to_owned()
    });
}

#[test]
fn the_policy() {
    let said = Said {
        key: "on_failure",
        variable: "BOOTSTRAP_ON_FAILURE",
        flag: "--on-failure",
    };
    let code = |world: &World, flags: &[&str]| {
        let run = world.bootstrap(&[&["install", "--offline"], flags, &["hello"]].concat());
        assert!(matches!(run.code, Some(0 | 5)), "{run}");
        if run.code == Some(0) {
            "continue"
        } else {
            "fail"
        }
        .to_owned()
    };
    let seen = |world: &World, flags: &[&str]| {
        let base = "http://tools.invalid";
        world.write(
            "work/bootstrap.lock",
            Fixture::lock_at(base, &[&Fixture::script("hello", "1.0.0")]),
        );
        code(world, flags)
    };
    check(&said, ["continue", "fail", "continue"], seen);
    check(&said, ["fail", "continue", "fail"], seen);
}

/// What `verify` shows between these words of its result.
fn shown(run: &crate::world::Run, before: &str, after: &str) -> String {
    let rest = run.stdout.split(before).nth(1);
    let rest = rest.unwrap_or_else(|| panic!("no `{before}` in\n{run}"));
    rest.split(after).next().unwrap().to_owned()
}

/// A world with keys for an AWS that has the cluster `payments`.
fn entering(world: &World, cloud: &crate::cloud::Running, args: &[&str]) -> crate::world::Run {
    let mut command = world.command(&[&["verify"], args].concat());
    command
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ENDPOINT_URL", cloud.server.url(""))
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "hunter2hunter2");
    world.end(command)
}

#[test]
fn the_clusters() {
    let said = Said {
        key: "clusters",
        variable: "BOOTSTRAP_CLUSTERS",
        flag: "--cluster",
    };
    let names = |world: &World, flags: &[&str]| {
        let run = world.bootstrap(&[&["verify", "--offline", "--only", "cluster"], flags].concat());
        shown(&run, "cluster  ", " ")
    };
    let seen = |world: &World, flags: &[&str]| format!("[{}]", names(world, flags));
    let world = World::new();
    world.write("work/bootstrap.yaml", "version: 1\nclusters: [one]\n");
    assert_eq!(seen(&world, &[]), "[one]");
    let world = world.with(said.variable, "two");
    assert_eq!(seen(&world, &[]), "[two]");
    assert_eq!(seen(&world, &[said.flag, "three"]), "[three]");
    let world = World::new().with(said.variable, "name=a,alias=b\n c");
    let run = world.bootstrap(&["verify", "--offline", "--only", "cluster"]);
    assert_eq!(run.stdout.matches("cluster  ").count(), 2, "{run}");
    let world = World::new().with(said.variable, "name=a,external-id=s3cret value");
    let run = world.bootstrap(&["verify"]).exits(2);
    assert!(!run.stderr.contains("s3cret"), "{run}");
}

#[test]
fn a_variable_that_does_not_exist_is_a_warning_with_the_one_that_may_be_meant() {
    let world = World::new()
        .with("BOOTSTRAP_CLUSTER", "s3cret")
        .with("BOOTSTRAP_PREFFIX", "/s3cret")
        .with("BOOTSTRAP_XYZ", "s3cret")
        .with("BOOTSTRAP_SERVICE_HOST", "10.0.0.1")
        .with("BOOTSTRAP_PORT_80_TCP", "tcp://10.0.0.1:80")
        .with("BOOTSTRAP_URL", "https://example.com");
    for args in [
        &["init"][..],
        &["install"],
        &["uninstall", "hello"],
        &["kubeconfig"],
        &["verify", "--only", "tools"],
    ] {
        let run = world.bootstrap(args);
        let warnings: Vec<_> = run
            .stderr
            .lines()
            .filter(|line| line.contains("the variable "))
            .collect();
        assert_eq!(
            warnings,
            [
                "warning: the variable BOOTSTRAP_CLUSTER does nothing: did you mean BOOTSTRAP_CLUSTERS?",
                "warning: the variable BOOTSTRAP_PREFFIX does nothing: did you mean BOOTSTRAP_PREFIX?",
                "warning: the variable BOOTSTRAP_XYZ does nothing: there is no such option",
            ],
            "{run}"
        );
        assert!(!run.stderr.contains("s3cret"), "{run}");
    }
    // Not at each call of kubectl, nor of a shell.
    let run = world.bootstrap(&["env"]);
    assert_eq!(run.stderr, "");
}

#[test]
fn an_external_id_that_is_refused_is_not_quoted() {
    let world = World::new();
    for command in ["init", "kubeconfig", "verify"] {
        for (flag, value, words) in [
            (
                "--external-id",
                "s3cret value",
                "invalid value '***' for '--external-id <ID>': this is not an external ID",
            ),
            (
                "--cluster",
                "name=a,external-id=s3cret value",
                "invalid value '***' for '--cluster <CLUSTER>': this is not an external ID",
            ),
            (
                "--cluster",
                "name=a,role-arn=arn:aws:iam::111122223333:role/r,external-id=aa,s3cret",
                "an external ID with a comma in it goes into --external-id",
            ),
            (
                "--cluster",
                "name:a,external-id:s3cret",
                "part 1 of it has no value",
            ),
        ] {
            for args in [&[flag, value][..], &[&format!("{flag}={value}")]] {
                let run = world.bootstrap(&[&[command], args].concat());
                let run = run.exits(2).says(words);
                assert!(!run.stderr.contains("s3cret"), "{run}");
            }
        }
    }
}

#[test]
fn the_parts_of_a_single_cluster() {
    let cloud = crate::cloud::Cloud::default().start();
    let (role, id) = (crate::cloud::STRICT, crate::cloud::EXTERNAL_ID);
    let args = [
        "--only",
        "role",
        "--cluster",
        "payments",
        "--region",
        "us-east-1",
    ];
    let flags = ["--role-arn", role, "--external-id", id, "--alias", "prod"];
    let run = entering(&World::new(), &cloud, &[&args[..], &flags].concat()).exits(0);
    assert_eq!(shown(&run, "role   ", " "), "prod", "{run}");
    let world = World::new()
        .with("BOOTSTRAP_ROLE_ARN", role)
        .with("BOOTSTRAP_EXTERNAL_ID", id)
        .with("BOOTSTRAP_ALIAS", "test")
        .with("BOOTSTRAP_REGION", "us-east-1");
    let run = entering(&world, &cloud, &["--only", "role", "--cluster", "payments"]).exits(0);
    assert_eq!(shown(&run, "role   ", " "), "test", "{run}");
    let run = entering(&world, &cloud, &["--cluster", "a", "--cluster", "b"]).exits(2);
    run.says("--role-arn (BOOTSTRAP_ROLE_ARN) is for a single cluster, and there are 2");
    let run = entering(&World::new(), &cloud, &["--alias", "prod"]).exits(2);
    run.says("--alias (BOOTSTRAP_ALIAS) is that of a cluster, and there is none");
    let world = World::new().with("BOOTSTRAP_EXTERNAL_ID", "s3cret value");
    let run = entering(&world, &cloud, &["--cluster", "a"]).exits(2);
    run.says("invalid value for BOOTSTRAP_EXTERNAL_ID: this is not an external ID");
}

#[test]
fn the_region_of_clusters_that_name_none() {
    let cloud = crate::cloud::Cloud::default().start();
    let args = ["--only", "cluster", "--region", "eu-west-1"];
    let clusters = ["--cluster", "name=a,region=us-west-2", "--cluster", "b"];
    let run = entering(&World::new(), &cloud, &[&args[..], &clusters].concat()).exits(3);
    assert!(run.stdout.contains("no cluster `a` in us-west-2"), "{run}");
    assert!(run.stdout.contains("no cluster `b` in eu-west-1"), "{run}");
}

#[test]
fn the_minimum_of_kubernetes() {
    let cloud = crate::cloud::Cloud::default().start();
    let said = Said {
        key: "minimum_kubernetes",
        variable: "BOOTSTRAP_MINIMUM_KUBERNETES",
        flag: "--minimum-kubernetes",
    };
    check(&said, ["\"1.32\"", "1.33", "1.34"], |world, flags| {
        let args = [
            "--only",
            "version",
            "--cluster",
            "name=payments,region=us-east-1",
        ];
        let run = entering(world, &cloud, &[&args[..], flags].concat()).exits(3);
        let minimum = shown(&run, "older than ", "\n");
        if minimum == "1.32" {
            "\"1.32\"".to_owned()
        } else {
            minimum
        }
    });
}

#[test]
fn the_kind_of_credentials() {
    let cloud = crate::cloud::Cloud::default().start();
    let said = Said {
        key: "credentials",
        variable: "BOOTSTRAP_CREDENTIALS",
        flag: "--credentials",
    };
    check(
        &said,
        ["irsa", "iam-role", "pod-identity"],
        |world, flags| {
            let args = ["--only", "credentials", "--region", "us-east-1"];
            let run = entering(world, &cloud, &[&args[..], flags].concat()).exits(3);
            shown(&run, "where ", " is asked for")
        },
    );
}

#[test]
fn the_region_to_try() {
    let cloud = crate::cloud::Cloud::default().start();
    let said = Said {
        key: "test_region",
        variable: "BOOTSTRAP_TEST_REGION",
        flag: "--test-region",
    };
    let seen = |world: &World, flags: &[&str]| {
        let args = ["--only", "regions", "--region", "cn-north-1"];
        let run = entering(world, &cloud, &[&args[..], flags].concat()).exits(0);
        shown(&run, "asked in ", "\n")
    };
    check(&said, ["cn-northwest-1", "cn-east-2", "cn-west-1"], seen);
    assert_eq!(
        seen(&World::new(), &[]),
        "cn-north-1",
        "that of the partition"
    );
}

#[test]
fn the_kubeconfig() {
    let said = Said {
        key: "kubeconfig",
        variable: "BOOTSTRAP_KUBECONFIG",
        flag: "--kubeconfig",
    };
    let cloud = crate::cloud::Cloud::default().start();
    let seen = |world: &World, flags: &[&str]| {
        let args = [
            "--only",
            "api-server",
            "--cluster",
            "name=payments,region=us-east-1",
        ];
        let run = entering(world, &cloud, &[&args[..], flags].concat()).exits(0);
        shown(&run, "skip   ", " has no context")
    };
    check(&said, ["one", "two", "three"], |world, flags| {
        seen(world, flags).replace(&format!("{}/", world.text("work")), "")
    });
    let world = World::new().with("KUBECONFIG", "a:/b/c::");
    assert_eq!(seen(&world, &[]), format!("{}, /b/c", world.text("work/a")));
    let world = World::new();
    assert_eq!(
        seen(&world, &[]),
        world.text("delegate/bootstrap/kubeconfig")
    );
    let world = World::new().with("WORKING_DIR", "/nowhere");
    assert_eq!(seen(&world, &[]), world.text("home/.kube/config"));
}

/// A switch: on by the file, off by the variable over it, on by the flag over that.
fn check_switch(key: Option<&str>, name: &str, is_on: impl Fn(&World, &[&str]) -> bool) {
    let variable = format!("BOOTSTRAP_{}", name.to_uppercase().replace('-', "_"));
    let flag = format!("--{name}");
    assert!(!is_on(&World::new(), &[]), "{name} is off by default");
    assert!(is_on(&World::new(), &[&flag]), "{flag}");
    for text in ["1", "true", "YES", "on"] {
        assert!(
            is_on(&World::new().with(&variable, text), &[]),
            "{variable}={text}"
        );
    }
    for text in ["", "0", "false", "no", "off"] {
        assert!(
            !is_on(&World::new().with(&variable, text), &[]),
            "{variable}={text}"
        );
    }
    assert!(
        is_on(&World::new().with(&variable, "false"), &[&flag]),
        "{flag} over {variable}"
    );
    if let Some(key) = key {
        let config = format!("version: 1\n{key}: true\n");
        let world = World::new();
        world.write("work/bootstrap.yaml", &config);
        assert!(is_on(&world, &[]), "{key}: true");
        let world = World::new().with(&variable, "false");
        world.write("work/bootstrap.yaml", &config);
        assert!(!is_on(&world, &[]), "{variable} over {key}");
    }
    let run = World::new()
        .with(&variable, "maybe")
        .bootstrap(&["install", "node"])
        .exits(2);
    run.says(&format!(
        "error: invalid value `maybe` for {variable}: it takes `true` or `false`"
    ));
}

#[test]
fn the_switch_slim() {
    check_switch(Some("slim"), "slim", |world, flags| {
        install(world, flags);
        assert!(world.prefix("bin/hello").exists());
        !world.prefix("tools/hello/1.0.0/share").exists()
    });
}

#[test]
fn the_switch_durable() {
    check_switch(None, "durable", |world, flags| {
        install(world, flags);
        world
            .read("delegate/bootstrap/receipts/hello.json")
            .contains("\"durable\":true")
    });
}

#[test]
fn the_switch_accept_existing() {
    check_switch(None, "accept-existing", |world, flags| {
        // The home directory is no place for programs, and so on no PATH but this one.
        world.write_program("home/hello", "#!/bin/sh\necho hello 1.0.0\n");
        let (hello, path) = (Fixture::script("hello", "1.0.0"), world.text("home"));
        let server = Fixture::serve(&[&hello]);
        world.pin(&server, &[&hello]);
        let mut command = world.command(&[&["install", "-q"], flags, &["hello"]].concat());
        command.env("PATH", format!("{path}:/usr/bin:/bin"));
        world.end(command).exits(0).states() == ["hello 1.0.0 present"]
    });
}

#[test]
fn the_switch_offline() {
    check_switch(Some("offline"), "offline", |world, flags| {
        install(world, flags).connections() == 0
    });
}

#[test]
fn the_switch_no_origin() {
    check_switch(Some("no_origin"), "no-origin", |world, flags| {
        install(world, flags).connections() == 0
    });
}

#[test]
fn the_switch_locked() {
    check_switch(Some("locked"), "locked", |world, flags| {
        let hello = Fixture::script("hello", "1.0.0");
        world.write(
            "work/bootstrap.lock",
            Fixture::lock_at("http://tools.invalid", &[&hello]),
        );
        let run = world.bootstrap(&[&["install", "--offline"], flags, &["kubectl"]].concat());
        assert!(matches!(run.code, Some(2 | 5)), "{run}");
        run.code == Some(2)
    });
}

#[test]
fn the_switch_quiet() {
    check_switch(None, "quiet", |world, flags| {
        let (hello, server) = (
            Fixture::script("hello", "1.0.0"),
            Server::start(|_| Reply::status(404)),
        );
        world.pin(&server, &[&hello]);
        let run = world
            .bootstrap(&[&["install"], flags, &["hello"]].concat())
            .exits(5);
        !run.stderr.contains("downloading")
    });
}

#[test]
fn the_switch_verbose() {
    // Of the downloads of one tool the first that is tried again is told, the others are details.
    check_switch(None, "verbose", |world, flags| {
        let (_server, registry) = npm::pinned_with_hiccups(world);
        let registry = registry.url("/");
        let args = [&["install", "--npm-registry", &registry], flags, &["greet"]].concat();
        let run = world.bootstrap(&args).exits(0);
        run.stderr
            .lines()
            .filter(|line| line.contains("will try again"))
            .count()
            > 1
    });
}

#[test]
fn the_way_of_printing() {
    let world = World::new().with("BOOTSTRAP_OUTPUT", "json");
    let run = world.bootstrap(&["init"]).exits(0);
    assert!(run.stdout.starts_with('{'), "{run}");
    let run = world.bootstrap(&["init", "--output", "text"]).exits(0);
    assert!(run.stdout.starts_with("install: skipped"), "{run}");
    let run = World::new()
        .with("BOOTSTRAP_OUTPUT", "yaml")
        .bootstrap(&["init"])
        .exits(2);
    run.says("error: invalid value `yaml` for BOOTSTRAP_OUTPUT: it takes `text`, `json`");
}

#[test]
fn the_way_of_logging() {
    let world = World::new().with("BOOTSTRAP_LOG_FORMAT", "json");
    let hello = Fixture::script("hello", "1.0.0");
    let server = Fixture::serve(&[&hello]);
    world.pin(&server, &[&hello]);
    let run = world.bootstrap(&["install", "hello"]).exits(0);
    assert!(run.stderr.starts_with('{'), "{run}");
    let run = world
        .bootstrap(&["install", "--log-format", "text", "hello"])
        .exits(0);
    assert!(run.stderr.starts_with("hello: "), "{run}");
    let world = World::new().with("BOOTSTRAP_LOG_FORMAT", "xml");
    world
        .bootstrap(&["init"])
        .exits(2)
        .says("for BOOTSTRAP_LOG_FORMAT: it takes `text`, `json`");
}

#[test]
fn the_config() {
    let world = World::new();
    for name in ["delegate/bootstrap", "work/bootstrap", "variable", "flag"] {
        world.write(
            &format!("{name}.yaml"),
            format!("version: 1\nprefix: /{}\n", name.replace('/', "-")),
        );
    }
    let prefix = |world: &World, flags: &[&str]| {
        let run = world.bootstrap(&[&["env"], flags].concat()).exits(0);
        run.stdout
            .split("'/")
            .nth(1)
            .unwrap()
            .split("/bin")
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        prefix(&world, &[]),
        "delegate-bootstrap",
        "the delegate's before the working directory's"
    );
    std::fs::remove_file(world.path("delegate/bootstrap.yaml")).unwrap();
    assert_eq!(prefix(&world, &[]), "work-bootstrap");
    let (variable, flag) = (world.text("variable.yaml"), world.text("flag.yaml"));
    let world = world.with("BOOTSTRAP_CONFIG", &variable);
    assert_eq!(prefix(&world, &[]), "variable");
    assert_eq!(prefix(&world, &["--config", &flag]), "flag");
}

#[test]
fn the_lock_beside_the_config_is_the_default() {
    let world = World::new();
    let hello = Fixture::script("hello", "1.0.0");
    for name in ["work", "etc"] {
        let base = format!("http://{name}.invalid");
        world.write(
            &format!("{name}/bootstrap.lock"),
            Fixture::lock_at(&base, &[&hello]),
        );
    }
    let config = world.write("etc/bootstrap.yaml", "version: 1\n");
    let run = world.bootstrap(&["install", "--offline", "hello"]).exits(5);
    run.says("http://work.invalid/");
    let config = config.display().to_string();
    let run = world
        .bootstrap(&["install", "--offline", "--config", &config, "hello"])
        .exits(5);
    run.says("http://etc.invalid/");
}

#[test]
fn the_certificates() {
    let (certificate, server) = authority();
    let hello = Fixture::script("hello", "1.0.0");
    let server = Server::start_tls(server, Fixture::shelf(&[&hello]));
    let said = Said {
        key: "ca_bundle",
        variable: "BOOTSTRAP_CA_BUNDLE",
        flag: "--ca-bundle",
    };
    let names = ["one.pem", "two.pem", "three.pem"];
    for good in names {
        // Of the three files one has the certificate, and the run goes well when that one is read.
        let seen = |world: &World, flags: &[&str]| {
            let other = authority().0;
            for name in names {
                world.write(
                    &format!("work/{name}"),
                    if name == good { &certificate } else { &other },
                );
            }
            world.pin(&server, &[&hello]);
            let run = world.bootstrap(&[&["install", "-q"], flags, &["hello"]].concat());
            assert!(
                run.code == Some(0) || run.stderr.contains("is not accepted"),
                "{run}"
            );
            (run.code == Some(0)).to_string()
        };
        let expected = names.map(|name| (name == good).to_string());
        let world = World::new();
        world.write(
            "work/bootstrap.yaml",
            format!("version: 1\n{}: one.pem\n", said.key),
        );
        assert_eq!(seen(&world, &[]), expected[0]);
        let world = world.with(said.variable, "two.pem");
        assert_eq!(seen(&world, &["--prefix", "second"]), expected[1]);
        let flags = ["--prefix", "third", said.flag, "three.pem"];
        assert_eq!(seen(&world, &flags), expected[2]);
    }
}

#[test]
fn certificates_beside_the_delegate_are_trusted() {
    let (certificate, server) = authority();
    let hello = Fixture::script("hello", "1.0.0");
    let server = Server::start_tls(server, Fixture::shelf(&[&hello]));
    let world = World::new();
    world.pin(&server, &[&hello]);
    let run = world
        .bootstrap(&["install", "--deadline", "5s", "hello"])
        .exits(5);
    run.says("the certificate of localhost is not accepted")
        .says("--ca-bundle");
    world.write("delegate/ca-bundle/corp.pem", &certificate);
    world.write("delegate/ca-bundle/readme.txt", "no certificate");
    world
        .bootstrap(&["install", "--deadline", "5s", "hello"])
        .exits(0);
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.method == "GET")
    );
    assert_eq!(server.most_open(), 1);
}

/// A certificate authority as PEM, and what a server takes that it has signed `localhost` for.
pub(crate) fn authority() -> (String, Arc<rustls::ServerConfig>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap().pem();
    let issuer = rcgen::Issuer::new(params, key);
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    (certificate, Arc::new(server))
}
