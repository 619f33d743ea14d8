//! `bootstrap token`, and the program under the name of aws-iam-authenticator.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use bootstrap::aws::{Identity, Source};
use bootstrap::cluster::token::{ClusterId, sign_token};
use bootstrap::http::Secret;
use insta::assert_snapshot;
use serde_json::Value;

use crate::aws::{in_an_hour, jwt};
use crate::bearer::Bearer;
use crate::fixture::Fixture;
use crate::http::proxy::Tunnel;
use crate::http::tls::authority;
use crate::moto::{EXTERNAL_ID, Moto, OPEN_ROLE, ROLE, SUBJECT, WEB_ROLE};
use crate::server::{Reply, Server, Step};
use crate::world::{GENEROUS, Run, World, put};

/// A world with the keys of a user, and an AWS that does not answer: what works here asks nobody.
fn offline() -> World {
    World::new()
        .with("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .with("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .with("AWS_SECRET_ACCESS_KEY", "s3cret-key")
        .with("AWS_EC2_METADATA_DISABLED", "true")
        .with("BOOTSTRAP_DEADLINE", "300ms")
}

fn answer(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap()
}

fn bearer(run: &Run) -> Bearer {
    let answer = answer(run);
    Bearer::parse(answer["status"]["token"].as_str().unwrap()).unwrap()
}

/// The program through a link with the authenticator's name.
fn authenticator(world: &World) -> PathBuf {
    let link = world.path("aws-iam-authenticator");
    if !link.exists() {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_bootstrap"), &link).unwrap();
    }
    link
}

#[test]
fn the_token_is_signed_for_the_cluster_and_needs_no_network() {
    let world = offline().with("AWS_REGION", "eu-west-1");
    let run = world.bootstrap(&["token", "-i", "payments"]).exits(0);
    assert_eq!(run.stderr, "");
    let answer = answer(&run);
    assert_eq!(answer["kind"], "ExecCredential");
    assert_eq!(answer["apiVersion"], "client.authentication.k8s.io/v1beta1");
    assert_eq!(answer["spec"]["interactive"], false);
    let bearer = bearer(&run);
    assert_eq!(bearer.url.host_str(), Some("sts.eu-west-1.amazonaws.com"));
    assert!(bearer.is_signed("payments", "s3cret-key"));
    assert!(!bearer.is_signed("other", "s3cret-key"));
    assert!(!bearer.is_signed("payments", "other"));
    let expires: jiff::Timestamp = answer["status"]["expirationTimestamp"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let life = bearer.date().duration_until(expires);
    assert!((839..=841).contains(&life.as_secs()), "{life:?}");
    let run = world.bootstrap(&["token", "-i", "payments", "--token-only"]);
    assert!(Bearer::parse(run.stdout.trim_end()).is_ok(), "{run}");
}

#[test]
fn who_asks_for_details_is_told_whose_credentials_sign_what_for_whom() {
    let world = Moto::shared().world().with("AWS_REGION", "us-east-1");
    let args = ["token", "-i", "payments", "-r", ROLE, "-e", EXTERNAL_ID];
    let quiet = world.bootstrap(&args).exits(0);
    assert_eq!(quiet.stderr, "");
    let run = world.bootstrap(&[&args[..], &["-v"]].concat()).exits(0);
    let lines: Vec<_> = run.stderr.lines().collect();
    assert_eq!(lines.len(), 4, "{run}");
    assert_eq!(
        lines[0],
        "cluster payments, signed for sts.us-east-1.amazonaws.com; region us-east-1 (named by AWS_REGION)"
    );
    assert!(
        lines[1].starts_with(&format!("assuming {ROLE} with the environment")),
        "{run}"
    );
    assert!(
        lines[2].starts_with(&format!(
            "signing with the role {ROLE}, assumed before, key ASIA"
        )),
        "{run}"
    );
    assert!(lines[3].starts_with("the token is valid until "), "{run}");
    assert!(
        !run.stderr.contains(EXTERNAL_ID) && !run.stderr.contains("k8s-aws-v1"),
        "{run}"
    );
    // Where it fails, too.
    let world = world
        .with("BOOTSTRAP_VERBOSE", "true")
        .without("AWS_REGION");
    let args = ["token", "-i", "payments", "-r", ROLE, "-e", "wrong"];
    world
        .bootstrap(&args)
        .exits(5)
        .says("region us-east-1 (no region is named, so the home of the partition)\nassuming ");
    let run = world
        .bootstrap(&[&args[..], &["--log-format", "json"]].concat())
        .exits(5);
    let first: Value = serde_json::from_str(run.stderr.lines().next().unwrap()).unwrap();
    assert_eq!(first["level"], "info");
}

#[test]
fn all_spellings_of_the_authenticator_are_understood() {
    let world = Moto::shared().world();
    let link = authenticator(&world).display().to_string();
    for args in [
        &[
            "token",
            "-i",
            "payments",
            "-r",
            ROLE,
            "-e",
            EXTERNAL_ID,
            "-s",
            "me",
        ][..],
        &["token", "-ipayments", "-r", ROLE, "-e", EXTERNAL_ID],
        &["token", "-i=payments", "--region=us-east-1"],
        &[
            "token",
            "--cluster-id",
            "payments",
            "--external-id=x1",
            "--role=",
            "--cache",
        ],
        &[
            "token",
            "--cluster-id=payments",
            "--role",
            OPEN_ROLE,
            "--forward-session-name",
        ],
        &[
            "token",
            "-i",
            "payments",
            "--token-only=false",
            "--cache=false",
            "-s",
            "",
        ],
    ] {
        for program in [env!("CARGO_BIN_EXE_bootstrap"), &link] {
            let run = run_at(&world, program, args).exits(0);
            assert!(
                run.stdout.starts_with("{\"kind\":\"ExecCredential\""),
                "{args:?} {run}"
            );
        }
    }
    for args in [
        &["token", "-i", "payments", "extra", "words"][..],
        &["token", "-i", "payments", "--token-only", "true"],
        &[
            "-c", "x.yaml", "-l", "json", "-v", "3", "token", "-i", "payments",
        ],
        &[
            "token",
            "-i",
            "payments",
            "--log-format=text",
            "--feature-gates",
            "A=true",
        ],
    ] {
        run_at(&world, &link, args).exits(0);
    }
}

/// Runs this program in this world.
fn run_at(world: &World, program: &str, args: &[&str]) -> Run {
    let mut command = Command::new(program);
    let like = world.command(&[]);
    command.args(args).env_clear();
    for (name, value) in like.get_envs() {
        command.env(name, value.unwrap());
    }
    command.current_dir(world.path("work"));
    world.end(command)
}

#[test]
fn what_the_authenticator_passes_over_is_passed_over() {
    let world = offline();
    let link = authenticator(&world).display().to_string();
    for program in [env!("CARGO_BIN_EXE_bootstrap"), &link] {
        let ask = |args: &[&str]| {
            let token = ["token", "-i", "other", "-i", "payments"];
            run_at(&world, program, &[&token, args].concat()).exits(0)
        };
        // Of an option that is given twice the last counts.
        let run = ask(&["--region", "eu-west-1", "--region", "us-east-2"]);
        let bearer = bearer(&run);
        assert_eq!(bearer.url.host_str(), Some("sts.us-east-2.amazonaws.com"));
        assert!(bearer.is_signed("payments", "s3cret-key"));
        // Go's words for what is true and what is not.
        for word in ["1", "t", "T", "true", "TRUE", "True"] {
            let run = ask(&[&format!("--token-only={word}")]);
            assert!(run.stdout.starts_with("k8s-aws-v1."), "{word}: {run}");
        }
        for word in ["0", "f", "F", "false", "FALSE", "False"] {
            let run = ask(&["--token-only", &format!("--token-only={word}")]);
            assert!(run.stdout.starts_with('{'), "{word}: {run}");
        }
        let args = ["token", "-i", "a", "--token-only=yes"];
        run_at(&world, program, &args).says("it takes `true` or `false`");
        // No role, no session.
        ask(&["-s", "x"]);
        ask(&["-s", "no name at all"]);
    }
    let args = ["token", "-i", "payments", "--token-only", "true"];
    let run = run_at(&world, &link, &args).exits(0);
    assert!(run.stdout.starts_with("k8s-aws-v1."), "{run}");
}

#[test]
fn variables_of_the_authenticator_stand_in_for_options() {
    let world = Moto::shared()
        .world()
        .with("KUBERNETES_AWS_AUTHENTICATOR_CLUSTER_ID", "payments")
        .with("DEFAULT_ROLE", OPEN_ROLE);
    let run = world.bootstrap(&["token"]).exits(0);
    let bearer = bearer(&run);
    assert!(bearer.key().starts_with("ASIA"), "{}", bearer.key());
    let world = world.with("DEFAULT_ROLE", "deployer");
    world
        .bootstrap(&["token"])
        .exits(2)
        .says("invalid value for DEFAULT_ROLE");
}

#[test]
fn without_a_region_nobody_is_asked_and_the_home_of_the_partition_is_taken() {
    let world = offline().without("AWS_EC2_METADATA_DISABLED");
    let host = |world: &World, args: &[&str]| {
        let run = world.bootstrap(&[&["token", "-i", "a"], args].concat());
        let run = run.exits(0);
        assert!(run.took < GENEROUS);
        bearer(&run).url.host_str().unwrap().to_owned()
    };
    assert_eq!(host(&world, &[]), "sts.us-east-1.amazonaws.com");
    assert_eq!(
        host(&world, &["--region", "cn-north-1"]),
        "sts.cn-north-1.amazonaws.com.cn"
    );
    let world = world.with("AWS_USE_FIPS_ENDPOINT", "true");
    assert_eq!(
        host(&world, &["--region", "us-west-2"]),
        "sts-fips.us-west-2.amazonaws.com"
    );
    let world = world.with("AWS_USE_DUALSTACK_ENDPOINT", "true");
    assert_eq!(
        host(&world, &["--region", "us-west-2"]),
        "sts-fips.us-west-2.api.aws"
    );
    let world = world.with("AWS_USE_FIPS_ENDPOINT", "perhaps");
    let run = world.bootstrap(&["token", "-i", "a"]).exits(2);
    run.says("invalid value for AWS_USE_FIPS_ENDPOINT: `perhaps` is neither");
}

#[test]
fn the_version_of_the_answer_is_the_one_that_is_asked_for() {
    let world = offline();
    let ask = |info: &str| {
        let mut command = world.command(&["token", "-i", "a"]);
        command.env("KUBERNETES_EXEC_INFO", info);
        let run = world.end(command).exits(0);
        let version = answer(&run)["apiVersion"].as_str().unwrap().to_owned();
        (version.rsplit('/').next().unwrap().to_owned(), run.stderr)
    };
    let group = "client.authentication.k8s.io";
    let info = |version: &str| format!("{{\"apiVersion\":\"{group}/{version}\"}}");
    assert_eq!(ask(&info("v1")), ("v1".to_owned(), String::new()));
    let (version, said) = ask(&info("v1alpha1"));
    assert_eq!(version, "v1alpha1");
    assert!(
        said.starts_with("warning: the kubeconfig asks for"),
        "{said}"
    );
    let (version, said) = ask(&info("v7"));
    assert_eq!(version, "v1beta1");
    assert!(
        said.contains("`client.authentication.k8s.io/v7`, which does not exist"),
        "{said}"
    );
    assert!(ask("nonsense").1.contains("is not the JSON"));
}

#[test]
fn a_role_is_entered_with_its_external_id_alone() {
    let world = Moto::shared().world();
    let ask =
        |id: &[&str]| world.bootstrap(&[&["token", "-i", "payments", "-r", ROLE], id].concat());
    let run = ask(&["-e", EXTERNAL_ID]).exits(0);
    let bearer = bearer(&run);
    assert!(bearer.key().starts_with("ASIA"));
    assert!(!bearer.get("x-amz-security-token").is_empty());
    // Also when the session of the right one is kept.
    for id in [&["-e", "another"][..], &[]] {
        let run = ask(id).exits(5).says("sts:AssumeRole: AccessDenied: ");
        assert!(
            run.stderr.contains("hint: check that the role exists"),
            "{run}"
        );
        assert_eq!(run.stdout, "");
    }
    let unknown = "arn:aws:iam::111122223333:role/unknown";
    world
        .bootstrap(&["token", "-i", "payments", "-r", unknown])
        .exits(5)
        .says("AccessDenied");
    let link = authenticator(&world).display().to_string();
    let run = run_at(&world, &link, &["token", "-i", "payments", "-r", ROLE]).exits(1);
    assert!(
        run.stderr
            .starts_with("could not get token: sts:AssumeRole: AccessDenied: "),
        "{run}"
    );
}

fn sessions(world: &World) -> PathBuf {
    world.path("home/.kube/cache/bootstrap/sessions")
}

fn session_files(world: &World) -> Vec<PathBuf> {
    let entries = fs::read_dir(sessions(world)).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect()
}

#[test]
fn the_session_of_a_role_is_kept_for_the_next_call() {
    let world = Moto::shared().world();
    let args = ["token", "-i", "payments", "-r", ROLE, "-e", EXTERNAL_ID];
    let first = bearer(&world.bootstrap(&args).exits(0));
    let files = session_files(&world);
    assert_eq!(files.len(), 1);
    let mode = fs::metadata(&files[0]).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!files[0].display().to_string().contains(EXTERNAL_ID));
    assert!(!fs::read_to_string(&files[0]).unwrap().contains(EXTERNAL_ID));
    // Nobody is asked any more, whatever the cluster.
    let world = world
        .with("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .with("BOOTSTRAP_DEADLINE", "1s");
    let second = bearer(&world.bootstrap(&args).exits(0));
    assert_eq!(first.key(), second.key());
    let other = ["token", "-i", "other", "-r", ROLE, "-e", EXTERNAL_ID];
    assert_eq!(bearer(&world.bootstrap(&other).exits(0)).key(), first.key());
    // Another caller, and who wants none of it, must ask.
    world
        .bootstrap(&[&args[..], &["--cache=false"]].concat())
        .exits(5);
    let mut stranger = world.command(&args);
    stranger.env("AWS_ACCESS_KEY_ID", "AKIAOTHER");
    world.end(stranger).exits(5);
}

#[test]
fn a_kept_session_that_is_damaged_or_open_to_others_is_not_used() {
    let world = Moto::shared().world();
    let args = ["token", "-i", "payments", "-r", ROLE, "-e", EXTERNAL_ID];
    let mut key = bearer(&world.bootstrap(&args).exits(0)).key().to_owned();
    let path = session_files(&world).pop().unwrap();
    let damage: [&dyn Fn(&Path); 4] = [
        &|path| put(path, b"{\"format\":1"),
        &|path| put(path, b""),
        &|path| fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap(),
        &|path| {
            let text = fs::read_to_string(path).unwrap();
            let end = text.find("\"expires\":\"").unwrap() + 11;
            let soon = jiff::Timestamp::now().as_second() + 600;
            let soon = jiff::Timestamp::from_second(soon).unwrap();
            put(path, format!("{}{soon}\"}}", &text[..end]).as_bytes());
        },
    ];
    for damage in damage {
        damage(&path);
        let run = world.bootstrap(&args).exits(0);
        let new = bearer(&run).key().to_owned();
        assert_ne!(new, key);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        key = new;
    }
}

#[test]
fn a_delegate_keeps_sessions_in_its_prefix_and_without_a_home_there_are_none() {
    let world = Moto::shared().world();
    fs::create_dir(world.path("delegate/bootstrap")).unwrap();
    let args = ["token", "-i", "payments", "-r", OPEN_ROLE];
    world.bootstrap(&args).exits(0);
    let kept: Vec<_> = world
        .tree("delegate/bootstrap")
        .into_iter()
        .filter(|path| path.contains(".json"))
        .collect();
    assert_eq!(kept.len(), 1);
    assert!(kept[0].starts_with("cache/sessions/"), "{kept:?}");
    let homeless = Moto::shared().world().without("HOME");
    homeless.bootstrap(&args).exits(0);
    assert_eq!(homeless.tree("home"), Vec::<String>::new());
}

#[test]
fn of_many_that_want_a_session_at_once_one_asks() {
    let server = Server::start(|_| {
        let body = session_of("ASIANEW").into_bytes();
        let pause = Step::Pause(Duration::from_millis(300));
        Reply::ok(body.clone()).steps(vec![pause, Step::Bytes(body)])
    });
    let world = offline()
        .with("AWS_ENDPOINT_URL", &server.url(""))
        .with("BOOTSTRAP_DEADLINE", "20s");
    let runs: Vec<Run> = std::thread::scope(|scope| {
        let run = || world.bootstrap(&["token", "-i", "a", "-r", OPEN_ROLE]);
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(run)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    for run in runs {
        assert_eq!(bearer(&run.exits(0)).key(), "ASIANEW");
    }
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn the_session_carries_the_name_of_the_delegate_or_of_who_assumes_it() {
    let moto = Moto::shared();
    let name = |world: &World, args: &[&str]| {
        let args = [
            &["token", "-i", "a", "-r", OPEN_ROLE, "--cache=false"],
            args,
        ]
        .concat();
        let bearer = bearer(&world.bootstrap(&args).exits(0));
        let token = bearer.get("x-amz-security-token").to_owned();
        assert!(!token.is_empty());
        bearer.key().to_owned()
    };
    // What STS was told is what it says of the session.
    let server = echo_session_name();
    let world = moto.world().with("AWS_ENDPOINT_URL_STS", &server.url(""));
    assert_eq!(name(&world, &[]), "bootstrap");
    assert_eq!(name(&world, &["-s", "me"]), "me");
    assert_eq!(name(&world, &["--forward-session-name"]), "their-session");
    let world = world.with("DELEGATE_NAME", "prod-eu");
    assert_eq!(name(&world, &[]), "harness-delegate-prod-eu");
}

#[test]
fn the_session_of_a_web_identity_has_the_name_that_is_asked_for() {
    let server = echo_session_name();
    let world = || {
        let world = offline()
            .without("AWS_ACCESS_KEY_ID")
            .without("AWS_SECRET_ACCESS_KEY")
            .without("BOOTSTRAP_DEADLINE")
            .with("AWS_ENDPOINT_URL", &server.url(""))
            .with("AWS_ROLE_ARN", WEB_ROLE);
        let token = world.write("token", jwt(SUBJECT, "sts.amazonaws.com", in_an_hour()));
        world.with("AWS_WEB_IDENTITY_TOKEN_FILE", &token.display().to_string())
    };
    let name = |world: &World, args: &[&str]| {
        let run = world.bootstrap(&[&["token", "-i", "a"], args].concat());
        bearer(&run.exits(0)).key().to_owned()
    };
    assert_eq!(name(&world(), &[]), "bootstrap");
    assert_eq!(name(&world(), &["-s", "night-shift"]), "night-shift");
    let delegate = world().with("DELEGATE_NAME", "prod-eu");
    assert_eq!(name(&delegate, &[]), "harness-delegate-prod-eu");
    let named = delegate.with("AWS_ROLE_SESSION_NAME", "first");
    assert_eq!(name(&named, &["-s", "night-shift"]), "first");
    // What verify opens is named too.
    let asked = server.requests().len();
    let args = ["verify", "--only", "credentials", "--session-name", "eve"];
    world().bootstrap(&args);
    let requests = server.requests();
    let bodies = requests[asked..].iter().map(|request| &request.body);
    let mut bodies = bodies.filter(|body| body.contains("AssumeRoleWithWebIdentity"));
    assert!(bodies.all(|body| body.contains("RoleSessionName=eve")));
    assert!(
        requests[asked..]
            .iter()
            .any(|it| it.body.contains("RoleSessionName=eve"))
    );
}

/// An STS whose sessions have their names as access keys.
fn echo_session_name() -> Server {
    Server::start(|request| {
        let mut pairs = request
            .body
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        let name = pairs.find(|(name, _)| *name == "RoleSessionName");
        let web = request.body.contains("WithWebIdentity");
        Reply::ok(match name {
            Some((_, name)) if web => {
                session_of(name).replace("AssumeRoleRe", "AssumeRoleWithWebIdentityRe")
            }
            Some((_, name)) => session_of(name),
            None => "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>\
                     arn:aws:sts::111122223333:assumed-role/r/their-session</Arn><UserId>\
                     AROA:their-session</UserId><Account>111122223333</Account>\
                     </GetCallerIdentityResult></GetCallerIdentityResponse>"
                .to_owned(),
        })
    })
}

/// What STS answers to `AssumeRole`, with this access key.
fn session_of(key: &str) -> String {
    format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
         <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>x</SecretAccessKey>\
         <SessionToken>y</SessionToken><Expiration>2040-01-01T00:00:00Z</Expiration></Credentials>\
         </AssumeRoleResult></AssumeRoleResponse>"
    )
}

#[test]
fn irsa_leads_to_a_token_and_its_failures_say_what_to_do() {
    let world = Moto::shared()
        .world()
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_SECRET_ACCESS_KEY");
    let path = world.write("token", jwt(SUBJECT, "sts.amazonaws.com", in_an_hour()));
    let world = world
        .with("AWS_ROLE_ARN", WEB_ROLE)
        .with("AWS_WEB_IDENTITY_TOKEN_FILE", &path.display().to_string());
    let args = ["token", "-i", "payments", "-r", ROLE, "-e", EXTERNAL_ID];
    let run = world.bootstrap(&args).exits(0);
    assert!(bearer(&run).key().starts_with("ASIA"));
    put(
        &path,
        jwt(SUBJECT, "sts.amazonaws.com", 1_700_000_000).as_bytes(),
    );
    assert_snapshot!(world.bootstrap(&["token", "-i", "payments"]), @r"
    --- stderr ---
    error: the web identity token `[WORLD]/token` expired at [TIME]
    hint: the kubelet renews the mounted file: use that and no copy of it, and check the clock
    [exit 1]
    ");
    put(
        &path,
        jwt(
            "system:serviceaccount:a:b",
            "sts.amazonaws.com",
            in_an_hour(),
        )
        .as_bytes(),
    );
    world
        .bootstrap(&["token", "-i", "payments"])
        .exits(5)
        .says("sts:AssumeRoleWithWebIdentity: AccessDenied: ")
        .says("hint: check that the role's trust policy names this cluster's OIDC issuer");
    fs::remove_file(&path).unwrap();
    assert_snapshot!(world.bootstrap(&["token", "-i", "payments"]), @r"
    --- stderr ---
    error: cannot read the web identity token `[WORLD]/token` (AWS_WEB_IDENTITY_TOKEN_FILE)
    caused by: No such file or directory (os error 2)
    hint: the kubelet mounts it when the pod is made: restart the pod once its service account is annotated
    [exit 1]
    ");
}

#[test]
fn what_is_no_token_is_neither_sent_nor_shown() {
    let server = Server::start(|_| Reply::ok("<html>"));
    let world = World::new()
        .with("AWS_ENDPOINT_URL", &server.url(""))
        .with("AWS_EC2_METADATA_DISABLED", "true")
        .with("AWS_ROLE_ARN", WEB_ROLE);
    world.write("garbage", "s3cret");
    world.write("empty", "\n");
    world.write("bytes", b"\xff\xfe");
    let hint = "hint: name the file that the kubelet mounts";
    for (name, words) in [
        (
            "garbage",
            "is not a web identity token: it has not three parts",
        ),
        ("empty", "is not a web identity token: it is empty"),
        ("bytes", "caused by: it is not UTF-8 text"),
        ("home", "caused by: it is a directory"),
    ] {
        let path = world.text(name);
        let mut command = world.command(&["token", "-i", "payments"]);
        command.env("AWS_WEB_IDENTITY_TOKEN_FILE", &path);
        let run = world.end(command).exits(1).says(words).says(hint);
        assert!(!run.stderr.contains("s3cret"), "{run}");
    }
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_role_of_another_partition_is_refused_before_sts_is_asked() {
    let server = Server::start(|_| Reply::ok("hello"));
    let world = offline().with("AWS_ENDPOINT_URL", &server.url(""));
    let link = authenticator(&world).display().to_string();
    let role = "arn:aws-cn:iam::111122223333:role/deployer";
    let args = ["token", "-i", "a", "-r", role, "--region", "us-east-1"];
    let words = "is of partition `aws-cn` and the region us-east-1 of `aws`: no role can be assumed across partitions";
    world.bootstrap(&args).exits(2).says(words);
    run_at(&world, &link, &args).exits(1).says(words);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn without_credentials_the_sources_are_listed_and_nothing_hangs() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let world = World::new().with(
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        &format!("http://{}", listener.local_addr().unwrap()),
    );
    let run = world.bootstrap(&["token", "-i", "payments"]).exits(1);
    assert!(run.took < Duration::from_secs(10), "{:?}", run.took);
    assert_snapshot!(run, @r"
    --- stderr ---
    error: no AWS credentials
      environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set
      web identity (IRSA): AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN are not set
      profile: `[WORLD]/home/.aws/config` and `[WORLD]/home/.aws/credentials` have no profile `default`
      container (EKS Pod Identity, ECS): AWS_CONTAINER_CREDENTIALS_FULL_URI and …_RELATIVE_URI are not set
      instance metadata: http://[SERVER]: nothing came for 1 s
    hint: annotate the delegate's service account for IRSA and restart the pod, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
    [exit 1]
    ");
    let link = authenticator(&world).display().to_string();
    let run = run_at(&world, &link, &["token", "-i", "payments"]).exits(1);
    assert!(
        run.stderr
            .starts_with("could not get token: no AWS credentials\n"),
        "{run}"
    );
}

#[test]
fn what_is_malformed_is_refused_with_the_rule() {
    let world = offline();
    let link = authenticator(&world).display().to_string();
    for (args, words) in [
        (&["-i", "a b"][..], "1 to 255 letters"),
        (
            &["-i", "arn:aws:eks:us-east-1:111122223333:cluster/a"],
            "after `cluster/`",
        ),
        (&["-i", "a", "-r", "deployer"], "`deployer` is not an ARN"),
        (&["-i", "a", "-r", "arn:aws:iam::1:role/x"], "12 digits"),
        (&["-i", "a", "--region", "moon"], "`moon` is not a region"),
        (&["-i", "a", "-e", "?"], "not an external ID"),
        (&["-i", "a", "-e", "s3cret value"], "not an external ID"),
        (&["-i", "a", "--external-id=s3cret value"], "'***'"),
        (
            &["-i", "a", "-r", ROLE, "-s", "a b"],
            "not the name of a session",
        ),
        (
            &["-i", "a", "-s", "ab", "--forward-session-name"],
            "cannot be used with",
        ),
        (&["-i", "a", "--no-such"], "--no-such"),
    ] {
        let args = [&["token"], args].concat();
        let here = world.bootstrap(&args).exits(2).says(words);
        let there = run_at(&world, &link, &args).exits(1).says(words);
        for run in [here, there] {
            assert!(!run.stderr.contains("s3cret"), "{run}");
        }
    }
    assert_snapshot!(world.bootstrap(&["token"]), @r"
    --- stderr ---
    error: no cluster is named
    hint: name it with -i, or in KUBERNETES_AWS_AUTHENTICATOR_CLUSTER_ID
    [exit 2]
    ");
    assert_snapshot!(run_at(&world, &link, &["token"]), @r"
    --- stderr ---
    Error: cluster ID not specified
    Usage: aws-iam-authenticator token [OPTIONS]
    [exit 1]
    ");
    let world = world.with("AWS_REGION", "moon");
    world
        .bootstrap(&["token", "-i", "a"])
        .exits(2)
        .says("AWS_REGION");
}

#[test]
fn a_session_token_that_is_too_long_is_refused() {
    let world = offline().with("AWS_SESSION_TOKEN", &"a".repeat(3000));
    world
        .bootstrap(&["token", "-i", "a"])
        .exits(1)
        .says("a cluster reads 4096 at most");
}

#[test]
fn credentials_that_end_sooner_end_the_token() {
    let soon = jiff::Timestamp::now().as_second() + 300;
    let soon = jiff::Timestamp::from_second(soon).unwrap().to_string();
    let world = offline().with("AWS_CREDENTIAL_EXPIRATION", &soon);
    let run = world.bootstrap(&["token", "-i", "a"]).exits(0);
    assert_eq!(answer(&run)["status"]["expirationTimestamp"], soon.as_str());
    let world = world.with("AWS_CREDENTIAL_EXPIRATION", "2024-01-01T00:00:00Z");
    world
        .bootstrap(&["token", "-i", "a"])
        .exits(1)
        .says("expired at 2024-01-01T00:00:00Z");
}

#[test]
fn an_sts_that_never_answers_ends_at_the_deadline() {
    let server = Server::start(|_| Reply::ok("hello").hang_after(1));
    let world = offline().with("AWS_ENDPOINT_URL", &server.url(""));
    let started = Instant::now();
    world
        .bootstrap(&["token", "-i", "a", "-r", OPEN_ROLE])
        .exits(5)
        .says("the deadline of 0.3 s has passed");
    assert!(started.elapsed() < GENEROUS);
    world
        .bootstrap(&["token", "-i", "a", "-r", OPEN_ROLE, "--offline"])
        .exits(2)
        .says("sts:AssumeRole: AWS is not asked when offline\nhint: leave out --offline (BOOTSTRAP_OFFLINE)");
}

#[test]
fn sts_is_reached_through_the_proxy_and_trusted_by_the_bundle() {
    let authority = authority(&["localhost"]);
    let server = Server::start_tls(authority.server, |_| Reply::ok(session_of("ASIATLS")));
    let proxy = Tunnel::start(200);
    let world = offline()
        .with("AWS_ENDPOINT_URL", &server.url(""))
        .with("BOOTSTRAP_DEADLINE", "20s")
        .with(
            "https_proxy",
            &format!("http://user:p%40ss@127.0.0.1:{}", proxy.port),
        );
    let args = ["token", "-i", "a", "-r", OPEN_ROLE, "--cache=false"];
    let run = world.bootstrap(&args).exits(5).says("UnknownIssuer");
    run.says("hint: the authority that signed it is not known here");
    let bundle = world.write("ca.pem", authority.certificate.pem());
    let world = world.with("BOOTSTRAP_CA_BUNDLE", &bundle.display().to_string());
    assert_eq!(bearer(&world.bootstrap(&args).exits(0)).key(), "ASIATLS");
    let seen = proxy.seen();
    let asked = format!("CONNECT {}", server.url("").trim_start_matches("https://"));
    assert_eq!(seen.len(), 2);
    for (line, login) in seen {
        assert_eq!(line, asked);
        assert_eq!(login.as_deref(), Some("Basic dXNlcjpwQHNz"));
    }
    // What is spared the proxy is reached without it.
    let world = world
        .with("https_proxy", "http://127.0.0.1:1")
        .with("NO_PROXY", "localhost");
    world.bootstrap(&args).exits(0);
    let world = world.with("NO_PROXY", "other.example");
    world
        .with("BOOTSTRAP_DEADLINE", "1s")
        .bootstrap(&args)
        .exits(5);
}

#[test]
fn services_of_this_machine_are_asked_without_a_proxy() {
    let server = Server::start(|request| match request.target.as_str() {
        "/latest/api/token" => Reply::ok("t0ken"),
        "/latest/meta-data/iam/security-credentials/" => Reply::ok("node"),
        _ => Reply::ok("{\"AccessKeyId\":\"ASIANODE\",\"SecretAccessKey\":\"x\",\"Token\":\"y\"}"),
    });
    let world = World::new()
        .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", &server.url(""))
        .with("http_proxy", "http://127.0.0.1:1");
    let run = world.bootstrap(&["token", "-i", "a"]).exits(0);
    assert_eq!(bearer(&run).key(), "ASIANODE");
}

#[test]
fn nothing_that_is_said_has_a_secret() {
    let moto = Moto::shared();
    let session = "FwoGZXIvYXdzEBYaDsecret";
    let world = moto
        .world()
        .with("AWS_SECRET_ACCESS_KEY", "hunter2")
        .with("AWS_SESSION_TOKEN", session)
        .with("BOOTSTRAP_DEADLINE", "1s");
    let denied = ["token", "-i", "a", "-r", ROLE, "-e", "wr0ng-id"];
    let unreachable = ["token", "-i", "a", "-r", OPEN_ROLE, "--cache=false"];
    let runs = [
        world.bootstrap(&[&denied[..], &["-v"]].concat()),
        world
            .with("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
            .bootstrap(&[&unreachable[..], &["-v"]].concat()),
    ];
    for run in runs {
        assert_ne!(run.code, Some(0));
        for secret in ["hunter2", session, "wr0ng"] {
            assert!(!run.stderr.contains(secret), "{secret}: {run}");
        }
    }
}

#[test]
fn a_stray_bootstrap_yaml_where_kubectl_runs_is_not_read() {
    let world = offline();
    world.write("work/bootstrap.yaml", "not: ours\n");
    world.bootstrap(&["token", "-i", "a"]).exits(0);
}

#[test]
fn what_is_wrong_in_a_file_or_a_variable_does_not_keep_kubectl_out() {
    let check = |world: World, says: &str| {
        let link = authenticator(&world).display().to_string();
        for program in [env!("CARGO_BIN_EXE_bootstrap"), &link] {
            let run = run_at(&world, program, &["token", "-i", "a"]).exits(0);
            let first = run.stderr.lines().next().unwrap_or_default();
            assert!(first.starts_with("warning: "), "{run}");
            assert!(bearer(&run).is_signed("a", "s3cret-key"));
            run.says(says);
        }
    };
    let world = || offline().without("BOOTSTRAP_DEADLINE");
    let with_file = world();
    with_file.write("delegate/bootstrap.yaml", "not: ours\n");
    check(with_file, "bootstrap.yaml:1:1: ");
    check(
        world().with("BOOTSTRAP_CONFIG", "/nonexistent.yaml"),
        "/nonexistent.yaml",
    );
    for (name, value) in [
        ("BOOTSTRAP_DEADLINE", "5x"),
        ("BOOTSTRAP_OFFLINE", "maybe"),
        ("BOOTSTRAP_VERBOSE", "loud"),
    ] {
        check(
            world().with(name, value),
            &format!("invalid value `{value}` for {name}"),
        );
    }
    let proxy = world().with("PROXY_HOST", "proxy.corp");
    check(proxy.with("PROXY_PORT", "bad"), "PROXY_PORT");
    // What the command line says is meant.
    let world = world();
    let run = world.bootstrap(&["token", "-i", "a", "--config", "/nonexistent.yaml"]);
    run.exits(6);
    let args = ["token", "-i", "a", "--deadline", "5x"];
    world.bootstrap(&args).exits(2);
    // Other commands are run by somebody who can mend it.
    let world = world.with("BOOTSTRAP_DEADLINE", "5x");
    world.bootstrap(&["verify", "--only", "budget"]).exits(2);
}

#[test]
fn the_version_is_told_as_the_authenticator_tells_it() {
    let world = World::new();
    let link = authenticator(&world).display().to_string();
    let run = run_at(&world, &link, &["version"]).exits(0);
    let version: Value = serde_json::from_str(&run.stdout).unwrap();
    let expected = format!("0.7.18+bootstrap.{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(version["Version"], expected.as_str());
    let run = run_at(&world, &link, &["version", "-s"]).exits(0);
    assert_eq!(run.stdout, format!("{expected}\n"));
    let run = run_at(&world, &link, &["version", "-o", "yaml"]).exits(0);
    assert!(
        run.stdout.contains(&format!("version: {expected}\n")),
        "{run}"
    );
    for args in [
        &[][..],
        &["help"],
        &["--help"],
        &["token", "--help"],
        &["help", "token"],
    ] {
        let run = run_at(&world, &link, args).exits(0);
        assert!(
            run.stdout.contains("Usage: aws-iam-authenticator"),
            "{args:?}: {run}"
        );
    }
}

#[test]
fn the_builtin_authenticator_is_installed_as_a_tool_that_downloads_nothing() {
    let world = offline().without("BOOTSTRAP_DEADLINE");
    let args = ["install", "aws-iam-authenticator@builtin", "--no-origin"];
    let run = world.bootstrap(&args).exits(0);
    let version = format!("0.7.18+bootstrap.{}", env!("CARGO_PKG_VERSION"));
    let state = |run: &Run| run.states();
    assert_eq!(
        state(&run),
        [format!("aws-iam-authenticator {version} installed")]
    );
    let times = world.times();
    let run = world.bootstrap(&args).exits(0);
    assert_eq!(
        state(&run),
        [format!("aws-iam-authenticator {version} unchanged")]
    );
    let is_report = |(path, _): &(String, _)| path == "report.json";
    let without_report = |mut times: Vec<_>| {
        times.retain(|entry| !is_report(entry));
        times
    };
    assert_eq!(without_report(world.times()), without_report(times));
    let program = world.prefix("bin/aws-iam-authenticator");
    let run = run_at(
        &world,
        program.to_str().unwrap(),
        &["token", "-i", "payments"],
    )
    .exits(0);
    assert!(bearer(&run).is_signed("payments", "s3cret-key"));
    // It is a copy: what becomes of the file that installed it does not matter.
    let tree = program.canonicalize().unwrap();
    assert!(
        tree.starts_with(world.prefix("tools").canonicalize().unwrap()),
        "{tree:?}"
    );
    let list = world.bootstrap(&["install", "--list"]).exits(0);
    let line = list
        .stdout
        .lines()
        .find(|line| line.starts_with("aws-iam-authenticator: "));
    assert!(
        line.unwrap().starts_with("aws-iam-authenticator: builtin "),
        "{line:?}"
    );
    world
        .bootstrap(&["install", "kubectl@builtin"])
        .exits(2)
        .says("kubectl builtin is not in the catalog");
    world
        .bootstrap(&["uninstall", "aws-iam-authenticator"])
        .exits(0);
    assert!(!program.exists());
}

#[test]
fn a_lock_does_not_stand_in_the_way_of_what_is_built_in() {
    let (world, _server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    world
        .bootstrap(&["install", "--locked", "aws-iam-authenticator@builtin"])
        .exits(0);
}

/// The real programs, as scripts/artifacts builds them from the Go module proxy.
fn real_authenticators(world: &World) -> [PathBuf; 2] {
    ["0.5.9", "0.7.18"].map(|version| {
        let releases =
            "target/artifacts/www/github.com/kubernetes-sigs/aws-iam-authenticator/releases";
        let name = format!("download/v{version}/aws-iam-authenticator_{version}_linux_amd64");
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(releases)
            .join(name);
        assert!(
            path.exists(),
            "run scripts/artifacts authenticators: {} is missing",
            path.display()
        );
        let copy = world.path(&format!("real-{version}"));
        fs::copy(path, &copy).unwrap();
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
        copy
    })
}

#[test]
fn the_link_takes_and_refuses_the_command_lines_that_the_real_authenticators_do() {
    let world = offline().with("AWS_REGION", "us-east-1");
    let link = authenticator(&world).display().to_string();
    let [old, new] = real_authenticators(&world).map(|path| path.display().to_string());
    for (args, is_taken) in [
        (&["-i", "a", "extra", "words"][..], true),
        (&["-i", "a", "-i", "b"], true),
        (
            &["-i", "a", "--region", "us-west-2", "--region", "us-east-1"],
            true,
        ),
        (&["-i", "a", "--token-only", "true"], true),
        (&["-i", "a", "--token-only=1"], true),
        (&["-i", "a", "--token-only=F", "--cache=false"], true),
        (&["-i", "a", "-s", "x"], true),
        (&["-i", "a", "--token-only=yes"], false),
        (&["-i", "a", "-s", "ab", "--forward-session-name"], false),
        (&["-i", "a", "--no-such"], false),
    ] {
        let args = [&["token"], args].concat();
        for program in [&old, &new, &link] {
            let run = run_at(&world, program, &args);
            assert_eq!(run.code == Some(0), is_taken, "{program} {args:?}: {run}");
        }
    }
}

#[test]
fn the_real_authenticators_make_the_same_token_at_the_same_time() {
    let session = "FwoGZXIvYXdzEBYaD/+=aB0~*".repeat(8);
    for token in [None, Some(session.as_str())] {
        let mut world = offline().with("AWS_STS_REGIONAL_ENDPOINTS", "regional");
        world = world
            .without("AWS_ENDPOINT_URL")
            .with("AWS_REGION", "us-west-2");
        if let Some(token) = token {
            world = world.with("AWS_SESSION_TOKEN", token);
        }
        let identity = Identity {
            access_key_id: "AKIAEXAMPLE".to_owned(),
            secret_access_key: Secret::new("s3cret-key"),
            session_token: token.map(Secret::new),
            expires: None,
            source: Source::Environment,
        };
        let cluster: ClusterId = "payments".parse().unwrap();
        let mut programs: Vec<String> = real_authenticators(&world)
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        programs.push(env!("CARGO_BIN_EXE_bootstrap").to_owned());
        programs.push(authenticator(&world).display().to_string());
        let mut shapes = Vec::new();
        for program in programs {
            let args = ["token", "-i", "payments", "--region", "us-west-2"];
            let run = run_at(&world, &program, &args).exits(0);
            let theirs = answer(&run)["status"]["token"].as_str().unwrap().to_owned();
            let bearer = Bearer::parse(&theirs).unwrap();
            assert!(bearer.is_signed("payments", "s3cret-key"), "{program}");
            let host = "sts.us-west-2.amazonaws.com";
            let region = "us-west-2".parse().unwrap();
            let ours = sign_token(&identity, host, &region, &cluster, bearer.date()).unwrap();
            if program.ends_with("0.5.9") {
                // It gives `Presign` 60 ns, which are 0 s, and newer ones 60 s: STS ignores both.
                let ours = Bearer::parse(ours.text.expose()).unwrap().url.to_string();
                let theirs = bearer.url.to_string();
                let theirs = theirs.replace("X-Amz-Expires=0&", "X-Amz-Expires=60&");
                let unsigned = |url: &str| url.split("X-Amz-Signature=").next().unwrap().to_owned();
                assert_eq!(unsigned(&theirs), unsigned(&ours));
            } else {
                assert_eq!(theirs, ours.text.expose(), "{program}");
            }
            let expires = answer(&run)["status"]["expirationTimestamp"].clone();
            let shape = run.stdout.replace(&theirs, "TOKEN");
            shapes.push(shape.replace(expires.as_str().unwrap(), "TIME"));
        }
        assert_eq!(shapes[1], shapes[2]);
        assert_eq!(shapes[1], shapes[3]);
    }
}
