//! All commands, with a secret wherever one can come in, when all goes well and when all goes wrong:
//! none comes out where it is not the purpose.

use std::collections::BTreeSet;
use std::fs;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

use crate::api_server::{ApiServer, Setup};
use crate::cloud::{Cloud, EXTERNAL_ID, Running, STRICT};
use crate::fixture::Fixture;
use crate::patch::DEPLOYMENT;
use crate::server::{Reply, Server};
use crate::world::{Run, World};

/// What nobody is to see.
const SECRETS: [&str; 19] = [
    "s3cret-aws-key",
    "s3cret-aws-session",
    "s3cret-profile",
    "s3cret-web-identity",
    "s3cret-proxy",
    "s3cret-delegate-proxy",
    "s3cret-netrc",
    "s3cret-npm",
    "s3cret-registry",
    "s3cret-query",
    "s3cret-delegate-token",
    "s3cret-kube",
    "assumed-secret",
    "assumed-session",
    "web-secret",
    "web-session",
    // Of a token for a cluster.
    "k8s-aws-v1.",
    "X-Amz-Signature",
    // Not secret to AWS, and nobody else's business.
    EXTERNAL_ID,
];

/// A text and every form in which it can stand in another: as it is, and in Base64 at each of the three
/// places that it can begin at.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    for before in 0..3 {
        let text = format!("{}{secret}", "x".repeat(before));
        // The first and the last characters depend on the neighbours.
        let (first, rest) = ((before * 8).div_ceil(6), text.len() * 8 % 6);
        for encoded in [
            BASE64_STANDARD_NO_PAD.encode(&text),
            BASE64_URL_SAFE_NO_PAD.encode(&text),
        ] {
            let end = encoded.len() - usize::from(rest != 0);
            forms.push(encoded[first..end].to_owned());
        }
    }
    forms
}

/// Who of these is in the text.
fn leaks<'a>(text: &str, secrets: &[&'a str]) -> Vec<&'a str> {
    let is_in = |secret: &&&str| forms(secret).iter().any(|form| text.contains(form));
    secrets.iter().filter(is_in).copied().collect()
}

/// The secrets but for these.
fn all_but(allowed: &[&str]) -> Vec<&'static str> {
    let kept = SECRETS.iter().filter(|secret| !allowed.contains(secret));
    kept.copied().collect()
}

/// What the tests wrote there themselves.
const INPUTS: [&str; 7] = [
    "home/.netrc",
    "home/.npmrc",
    "home/.aws/credentials",
    "web-identity-token",
    "work/delegate.yaml",
    "bin/aws-iam-authenticator",
    "delegate/other-kubeconfig",
];

/// Which secrets a file may have, for which it is made.
fn purpose(file: &str) -> &'static [&'static str] {
    // Sessions are kept for kubectl's next call, for this user alone.
    if file.starts_with("delegate/bootstrap/cache/sessions/") {
        return &["assumed-secret", "assumed-session"];
    }
    match file {
        // Whoever enters the cluster gives it.
        "delegate/bootstrap/kubeconfig" | "seen/plugin-args" => &[EXTERNAL_ID],
        // A plugin has the environment of who calls it, as with kubectl, and nothing else.
        "seen/plugin-env" => &[
            "s3cret-aws-key",
            "s3cret-aws-session",
            "s3cret-proxy",
            "s3cret-delegate-proxy",
            "s3cret-registry",
            "s3cret-delegate-token",
        ],
        _ => &[],
    }
}

/// Every file of the world, and who is in it that should not be.
fn leaks_in_files(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    for path in world.tree("") {
        let name = path.split(" -> ").next().unwrap();
        let path = world.path(name);
        if !path.is_file() || path.is_symlink() || INPUTS.contains(&name) {
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        let leaked = leaks(&text, &all_but(purpose(name)));
        found.extend(leaked.iter().map(|secret| format!("{secret} is in {name}")));
    }
    found
}

/// What this command writes to standard output because that is its purpose.
fn printed(args: &[&str]) -> &'static [&'static str] {
    match args {
        ["token", ..] => &["k8s-aws-v1.", "X-Amz-Signature", "assumed-session"],
        ["env", "--proxy", ..] => &["s3cret-proxy", "s3cret-delegate-proxy"],
        // The whole manifest, and the whole kubeconfig, with what is to be written into them.
        ["patch", ..] => &["s3cret-delegate-token", EXTERNAL_ID],
        ["kubeconfig", "--dry-run", ..] | ["policy", "trust", "cross-account", ..] => {
            &[EXTERNAL_ID]
        }
        _ => &[],
    }
}

/// How the world is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// All goes well.
    Good,
    /// Everybody refuses, and says what was asked.
    Bad,
}

/// Where credentials come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    Variables,
    WebIdentity,
    Profile,
}

/// The servers of a world.
struct Servers {
    cloud: Running,
    api: ApiServer,
    proxy: Server,
}

fn hello(world: &World) -> Fixture {
    // It tells what it sees when it is tried.
    let seen = world.text("seen/tool");
    let text =
        format!("#!/bin/sh\necho \"$0 $*\" >> '{seen}'\nenv >> '{seen}'\necho 'hello 1.0.0'\n");
    Fixture::program("hello", "1.0.0", "script", text.into_bytes())
}

fn servers(fate: Fate, hello: &Fixture) -> Servers {
    let denied = vec![
        "AssumeRole",
        "AssumeRoleWithWebIdentity",
        "DescribeCluster",
        "DescribeRegions",
        "GetCallerIdentity",
    ];
    let api = ApiServer::start(Setup {
        keys: match fate {
            Fate::Good => vec![("ASIAASSUMED", "assumed-secret")],
            Fate::Bad => Vec::new(),
        },
        ..Setup::default()
    });
    let cloud = Cloud {
        endpoint: api.url(),
        authority: api.authority(),
        denied: if fate == Fate::Bad {
            denied
        } else {
            Vec::new()
        },
        ..Cloud::default()
    };
    let bytes = hello.bytes.clone();
    let proxy = Server::start(
        move |request| match (request.target.split_once('?'), fate) {
            (None, _) => {
                Reply::redirect(format!("{}?X-Amz-Signature=s3cret-query", request.target))
            }
            (Some(_), Fate::Good) => Reply::ok(bytes.clone()),
            (Some(_), Fate::Bad) => {
                let told = request
                    .headers
                    .iter()
                    .map(|(name, value)| format!("{name}: {value}\n"));
                Reply::ok(told.collect::<String>()).with_status(401)
            }
        },
    );
    Servers {
        cloud: cloud.start(),
        api,
        proxy,
    }
}

/// A world with a secret everywhere one can be.
fn world(keys: Keys, fate: Fate) -> (World, Servers) {
    let world = World::new();
    let hello = hello(&world);
    let servers = servers(fate, &hello);
    world.write(
        "work/bootstrap.lock",
        Fixture::lock_at("http://tools.invalid", &[&hello]),
    );
    world.write(
        "home/.netrc",
        "machine tools.invalid login me password s3cret-netrc\n",
    );
    world.write("home/.npmrc", "//registry.invalid/:_authToken=s3cret-npm\n");
    world.write(
        "home/.aws/credentials",
        "[default]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = s3cret-profile\n",
    );
    world.write("work/delegate.yaml", delegate());
    world.write("termination-log", "");
    world.write("seen/tool", "");
    world.write("seen/plugin-args", "");
    world.write("seen/plugin-env", "");
    let subject = "system:serviceaccount:harness-delegate-ng:delegate";
    let token = crate::aws::jwt(subject, "sts.amazonaws.com", crate::aws::in_an_hour());
    let (claims, _) = token.rsplit_once('.').unwrap();
    world.write(
        "web-identity-token",
        format!("{claims}.s3cret-web-identity"),
    );
    world.write(
        "delegate/other-kubeconfig",
        servers.api.kubeconfig("other", "{ token: s3cret-kube }"),
    );
    world.write_program("bin/aws-iam-authenticator", &plugin(&world));
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", world.text("bin"));
    let proxy = servers
        .proxy
        .url("")
        .replace("http://", "http://me:s3cret-proxy@");
    let (report, token) = (world.text("report.json"), world.text("web-identity-token"));
    let world = world
        .with("PATH", &path)
        .with("BOOTSTRAP_REPORT", &report)
        .with(
            "BOOTSTRAP_NPM_REGISTRY",
            "http://me:s3cret-registry@registry.invalid/",
        )
        .with("http_proxy", &proxy)
        .with("https_proxy", &proxy)
        .with("NO_PROXY", "127.0.0.1,localhost")
        .with("PROXY_USER", "me")
        .with("PROXY_PASSWORD", "s3cret-delegate-proxy")
        .with("DELEGATE_TOKEN", "s3cret-delegate-token")
        .with("AWS_EC2_METADATA_DISABLED", "true")
        .with("AWS_ENDPOINT_URL", &servers.cloud.server.url(""))
        .with("AWS_REGION", "us-east-1");
    let world = match keys {
        Keys::Variables => world
            .with("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .with("AWS_SECRET_ACCESS_KEY", "s3cret-aws-key")
            .with("AWS_SESSION_TOKEN", "s3cret-aws-session"),
        Keys::WebIdentity => world
            .with("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/strict")
            .with("AWS_WEB_IDENTITY_TOKEN_FILE", &token),
        Keys::Profile => world,
    };
    (world, servers)
}

/// A manifest with a token that should not be there.
fn delegate() -> String {
    let env = "        - name: JAVA_OPTS\n";
    assert!(DEPLOYMENT.contains(env));
    let token = "        - {name: DELEGATE_TOKEN, value: s3cret-delegate-token}\n";
    DEPLOYMENT.replace(env, &format!("{token}{env}"))
}

/// An authenticator that tells how it was called, and then does its work.
fn plugin(world: &World) -> String {
    let (seen, real) = (world.text("seen"), world.text("real/aws-iam-authenticator"));
    fs::create_dir(world.path("real")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_bootstrap"), &real).unwrap();
    format!(
        "#!/bin/sh\necho \"$0 $*\" >> '{seen}/plugin-args'\nenv >> '{seen}/plugin-env'\nexec '{real}' \"$@\"\n"
    )
}

/// Every command, in an order in which each has something to do.
fn commands() -> Vec<Vec<String>> {
    let cluster = format!("name=payments,role-arn={STRICT},external-id={EXTERNAL_ID}");
    let arn = "arn:aws:iam::111122223333:role/delegate";
    let all: Vec<Vec<&str>> = vec![
        vec!["init", "--tools", "hello", "--cluster", &cluster],
        vec!["install", "hello"],
        vec!["install", "--list"],
        vec!["env"],
        vec!["env", "--proxy"],
        vec!["kubeconfig", "--cluster", &cluster],
        vec!["kubeconfig", "--dry-run", "--cluster", &cluster],
        vec!["token", "-i", "payments", "-r", STRICT, "-e", EXTERNAL_ID],
        vec!["verify", "--cluster", &cluster],
        vec!["verify", "--cluster", &cluster, "--credentials", "iam-role"],
        vec!["verify", "--cluster", &cluster, "--pod", "delegate-0"],
        vec![
            "verify",
            "--kubeconfig",
            "../delegate/other-kubeconfig",
            "--cluster",
            "name=payments,alias=other",
        ],
        vec!["patch", "delegate.yaml", "--irsa-role-arn", arn],
        vec![
            "patch",
            "delegate.yaml",
            "--irsa-role-arn",
            arn,
            "--cluster",
            &cluster,
            "--delivery",
            "image",
            "--diff",
        ],
        vec!["patch", "delegate.yaml", "--irsa-role-arn", arn, "--check"],
        vec!["lint", "delegate.yaml"],
        vec!["lock", "--check", "--no-origin"],
        vec!["lock", "hello", "--no-origin"],
        vec![
            "policy",
            "trust",
            "irsa",
            "--cluster",
            &cluster,
            "--from",
            "delegate.yaml",
        ],
        vec![
            "policy",
            "trust",
            "cross-account",
            "--principal",
            arn,
            "--external-id",
            EXTERNAL_ID,
        ],
        vec!["policy", "permissions", "s3-read"],
        vec!["policy", "check", "delegate.yaml", "--for", "s3-read"],
        vec![
            "verify",
            "--for",
            "serverless",
            "--role-arn",
            STRICT,
            "--external-id",
            EXTERNAL_ID,
        ],
        vec!["bundle", "create", "--replace"],
        vec!["bundle", "verify", "bundle"],
        vec!["bundle", "list", "bundle"],
        vec!["completions", "bash"],
        vec!["man"],
        vec!["uninstall", "--prune", "hello"],
    ];
    all.into_iter()
        .map(|args| args.into_iter().map(str::to_owned).collect())
        .collect()
}

/// Runs a command in every loudness and every form that it has, and hands each run over.
fn in_every_voice(world: &World, args: &[&str], mut see: impl FnMut(&Run)) {
    let verbs: Vec<_> = args
        .iter()
        .copied()
        .take_while(|word| !word.starts_with('-'))
        .collect();
    let count = match verbs[..] {
        ["policy", "trust", ..] => 3,
        ["policy" | "bundle", ..] => 2,
        _ => 1,
    };
    let help = world
        .bootstrap(&[&args[..count], &["--help"]].concat())
        .exits(0);
    let machine: &[&str] = if help.stdout.contains("--output <FORMAT>") {
        &["-v", "--log-format", "json", "--output", "json"]
    } else {
        &["-v", "--log-format", "json"]
    };
    for voice in [&["-v"][..], machine, &["-q"]] {
        see(&world.bootstrap(&[args, voice].concat()));
    }
}

/// Runs all commands, and says what came out that should not; the codes that they ended with too.
fn run_all(world: &World) -> (Vec<String>, Vec<(String, Option<i32>)>) {
    let (mut found, mut codes) = (Vec::new(), Vec::new());
    for args in commands() {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        in_every_voice(world, &args, |run| {
            for (place, text, allowed) in [
                ("stdout", &run.stdout, printed(&args)),
                ("stderr", &run.stderr, &[]),
            ] {
                let leaked = leaks(text, &all_but(allowed));
                found.extend(
                    leaked
                        .iter()
                        .map(|secret| format!("{secret} is on {place} of {args:?}\n{run}")),
                );
            }
            codes.push((args.join(" "), run.code));
        });
    }
    found.extend(leaks_in_files(world));
    (found, codes)
}

#[test]
fn every_command_is_among_those_that_are_run() {
    let help = World::new().bootstrap(&["--help"]).exits(0).stdout;
    let listed = help
        .split("Commands:\n")
        .nth(1)
        .unwrap()
        .split("\n\n")
        .next()
        .unwrap();
    let listed: BTreeSet<_> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let commands = commands();
    let run: BTreeSet<_> = commands.iter().map(|args| args[0].as_str()).collect();
    assert!(
        listed.len() >= 14 && listed.is_subset(&run),
        "{listed:?} {run:?}"
    );
}

#[test]
fn no_command_tells_a_secret_when_all_goes_well() {
    for keys in [Keys::Variables, Keys::WebIdentity, Keys::Profile] {
        let (world, servers) = world(keys, Fate::Good);
        let (found, codes) = run_all(&world);
        assert!(found.is_empty(), "{keys:?}: {}", found.join("\n"));
        for command in [
            "init",
            "install",
            "kubeconfig",
            "token",
            "patch",
            "bundle",
            "uninstall",
        ] {
            let mut of_it = codes.iter().filter(|(args, _)| args.starts_with(command));
            assert!(
                of_it.all(|(args, code)| *code == Some(0) || args.ends_with("--check")),
                "{keys:?}: {codes:?}"
            );
        }
        // The secrets were there, and went where they belong.
        let requests = servers.proxy.requests();
        let has = |name: &str| {
            requests
                .iter()
                .any(|request| request.header(name).is_some())
        };
        assert!(has("proxy-authorization") && has("authorization"));
        assert!(world.read("seen/tool").contains("hello"));
        assert!(world.read("seen/plugin-args").contains(EXTERNAL_ID));
        assert!(
            world
                .read("delegate/bootstrap/kubeconfig")
                .contains(EXTERNAL_ID)
        );
        assert!(
            servers
                .cloud
                .actions()
                .contains(&"DescribeCluster ASIAASSUMED".to_owned())
        );
    }
}

#[test]
fn no_command_tells_a_secret_when_all_goes_wrong() {
    for keys in [Keys::Variables, Keys::WebIdentity, Keys::Profile] {
        let (world, _servers) = world(keys, Fate::Bad);
        let (found, codes) = run_all(&world);
        assert!(found.is_empty(), "{keys:?}: {}", found.join("\n"));
        for command in ["install hello", "token", "verify", "lint"] {
            let mut of_it = codes.iter().filter(|(args, _)| args.starts_with(command));
            assert!(
                of_it.all(|(_, code)| *code != Some(0)),
                "{keys:?}: {codes:?}"
            );
        }
    }
}

#[test]
fn what_cannot_be_read_is_refused_without_being_quoted() {
    let cases: [(&str, &str, &[&str]); 5] = [
        (
            "BOOTSTRAP_MIRROR",
            "https://me:s3cret-netrc@mirror.invalid/",
            &["install", "hello"],
        ),
        (
            "BOOTSTRAP_NPM_REGISTRY",
            "http://me:s3cret-registry@[nowhere/",
            &["install", "hello"],
        ),
        (
            "http_proxy",
            "http://me:s3cret-proxy@[nowhere",
            &["verify", "--cluster", "payments"],
        ),
        (
            "BOOTSTRAP_EXTERNAL_ID",
            "s3cret-netrc und so",
            &["verify", "--cluster", "payments"],
        ),
        (
            "BOOTSTRAP_CLUSTERS",
            "name=payments,external-id=s3cret-netrc!",
            &["kubeconfig"],
        ),
    ];
    for (variable, value, args) in cases {
        let world = World::new().with(variable, value);
        let run = world.bootstrap(args).exits(2);
        // That it was read at all is seen from what is said of it.
        assert!(run.stderr.contains(variable), "{run}");
        let shown = format!("{}{}", run.stdout, run.stderr);
        assert_eq!(
            leaks(&shown, &SECRETS),
            Vec::<&str>::new(),
            "{variable}\n{run}"
        );
    }
    for args in [
        [
            "token",
            "-i",
            "payments",
            "-r",
            STRICT,
            "-e",
            "s3cret-netrc!",
        ],
        [
            "verify",
            "--cluster",
            "payments",
            "--role-arn",
            STRICT,
            "--external-id",
            "s3cret-netrc!",
        ],
        [
            "verify",
            "--cluster",
            "a",
            "--cluster",
            "payments",
            "--cluster",
            "name=payments,external-id=s3cret-netrc!",
        ],
    ] {
        let run = World::new().bootstrap(&args).exits(2);
        assert!(run.stderr.contains("external"), "{run}");
        assert_eq!(leaks(&run.stderr, &SECRETS), Vec::<&str>::new(), "{run}");
    }
}

#[test]
fn a_secret_that_is_planted_is_found_wherever_it_is() {
    for secret in SECRETS {
        for text in [
            secret.to_owned(),
            format!(
                "Basic {}",
                BASE64_STANDARD_NO_PAD.encode(format!("me:{secret}"))
            ),
            BASE64_URL_SAFE_NO_PAD.encode(format!("user:{secret}@host")),
            BASE64_STANDARD_NO_PAD.encode(format!("ab{secret}")),
        ] {
            let found = leaks(&format!("x {text} y"), &SECRETS);
            assert!(found.contains(&secret), "{secret} in {text}: {found:?}");
        }
    }
    assert_eq!(
        leaks("AKIDEXAMPLE and no secret", &SECRETS),
        Vec::<&str>::new()
    );
    for file in [
        "report.json",
        "termination-log",
        "delegate/bootstrap/receipts/hello.json",
        "seen/tool",
        "home/x",
    ] {
        let world = World::new();
        world.write(file, "{\"url\": \"http://me:s3cret-netrc@host/\"}");
        assert_eq!(
            leaks_in_files(&world),
            [format!("s3cret-netrc is in {file}")]
        );
    }
    // A program that tells one itself, and what becomes of it.
    let text = "#!/bin/sh\necho 's3cret-netrc' >&2\nexit 3\n";
    let teller = Fixture::program("hello", "1.0.0", "script", text.into());
    let (world, _server) = World::pinning(&[&teller]);
    let run = world.bootstrap(&["install", "hello"]).exits(1);
    assert_eq!(leaks(&run.stderr, &SECRETS), ["s3cret-netrc"], "{run}");
}
