//! The programs that give tokens: found, asked for their version, and used by the real kubectl.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{CONFIG, EXTERNAL_ID, ROLE, authority, read, world};
use crate::api_server::{ApiServer, Setup};
use crate::moto::Moto;
use crate::world::{GENEROUS, World};

const CLUSTER: [&str; 3] = ["kubeconfig", "--cluster", "payments"];

/// A program that says it is this version of the authenticator.
fn authenticator(world: &World, name: &str, version: &str) -> PathBuf {
    let script = format!("#!/bin/sh\necho '{{\"Version\":\"{version}\",\"Commit\":\"\"}}'\n");
    world.write_program(name, &script)
}

fn command(world: &World) -> String {
    let config = read(world, CONFIG);
    let command = &config["users"][0]["user"]["exec"]["command"];
    command.as_str().unwrap().to_owned()
}

#[test]
fn the_authenticator_of_the_prefix_comes_before_that_of_path() {
    let prefix = |world: World| {
        let prefix = world.text("prefix");
        world.with("BOOTSTRAP_PREFIX", &prefix)
    };
    let world = prefix(world());
    let path = world.text("bin");
    let world = world.with("PATH", &format!("{path}:/usr/bin:/bin"));
    let other = authenticator(&world, "bin/aws-iam-authenticator", "v0.7.18");
    world.bootstrap(&CLUSTER).exits(0);
    assert_eq!(Path::new(&command(&world)), other);
    let ours = authenticator(&world, "prefix/bin/aws-iam-authenticator", "0.5.9");
    world.bootstrap(&CLUSTER).exits(0);
    assert_eq!(Path::new(&command(&world)), ours);
    authenticator(&world, "prefix/bin/aws-iam-authenticator", "unversioned");
    world.bootstrap(&CLUSTER).exits(0).says(
        "prefix/bin/aws-iam-authenticator` does not say its version; it must be 0.5.4 or newer",
    );
}

#[test]
fn an_authenticator_that_is_missing_too_old_or_broken_is_refused_with_the_next_step() {
    const HINT: &str = "hint: put a new one in place with `bootstrap install aws-iam-authenticator`, or take \
                        `--exec builtin`";
    let world = world();
    let prefix = world.text("prefix");
    let world = world
        .with("BOOTSTRAP_PREFIX", &prefix)
        .with("PATH", "/nonexistent");
    world
        .bootstrap(&CLUSTER)
        .exits(1)
        .says("there is no `aws-iam-authenticator` in `")
        .says(HINT);
    world
        .bootstrap(&[&CLUSTER[..], &["--exec", "aws"]].concat())
        .exits(1)
        .says("there is no `aws` in `");
    let world = world.with("PATH", "/usr/bin:/bin");
    authenticator(&world, "prefix/bin/aws-iam-authenticator", "v0.5.3");
    world
        .bootstrap(&CLUSTER)
        .exits(1)
        .says("is version 0.5.3, and its tokens")
        .says(HINT);
    world.write_program("prefix/bin/aws-iam-authenticator", "#!/bin/sh\nexit 7\n");
    world
        .bootstrap(&CLUSTER)
        .exits(1)
        .says("aws-iam-authenticator does not run\ncaused by: ")
        .says("aws-iam-authenticator version` ended with exit status: 7, and wrote nothing\n")
        .says(HINT);
    // One that never ends does not take all the time there is.
    world.write_program("prefix/bin/aws-iam-authenticator", "#!/bin/sh\nsleep 600\n");
    let run = world.bootstrap(&CLUSTER).exits(5);
    assert!(run.took < GENEROUS, "{:?}", run.took);
    run.says(
        "prefix/bin/aws-iam-authenticator version` had not ended after 5 s\nhint: put a new one",
    )
    .says(HINT);
    world
        .bootstrap(&[&CLUSTER[..], &["--deadline", "1s"]].concat())
        .exits(5)
        .says("the deadline of 1 s has passed\nhint: give it more time with --deadline, or take `--exec builtin`");
    assert!(!world.path("home/.kube").exists());
}

#[test]
fn the_aws_cli_is_not_told_what_it_cannot_be_told() {
    let world = world();
    let prefix = world.text("prefix");
    let world = world.with("BOOTSTRAP_PREFIX", &prefix);
    world.write_program("prefix/bin/aws", "#!/bin/sh\n");
    let aws = [&CLUSTER[..], &["--exec", "aws"]].concat();
    let guarded = [
        &aws[..],
        &["--role-arn", ROLE, "--external-id", EXTERNAL_ID],
    ]
    .concat();
    world
        .bootstrap(&guarded)
        .exits(2)
        .says("`--exec aws` cannot enter a role with an external ID: `aws eks get-token` has no `--external-id`\n\
               hint: take `--exec authenticator`, or `--exec builtin`");
    world
        .bootstrap(&[&aws[..], &["--session-name", "ci"]].concat())
        .exits(2)
        .says("has no `--session-name`");
    world
        .bootstrap(&[&CLUSTER[..], &["--exec", "gcloud"]].concat())
        .exits(2)
        .says("`gcloud` gives no tokens");
    world
        .with("BOOTSTRAP_EXEC", "aws")
        .bootstrap(&CLUSTER)
        .exits(0);
}

/// A file of `target/artifacts/www`, which `scripts/artifacts` makes.
fn artifact(name: &str) -> PathBuf {
    let www = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/artifacts/www");
    let path = www.join(name);
    assert!(
        path.exists(),
        "run scripts/artifacts kubectls and authenticators: {} is missing",
        path.display()
    );
    path
}

/// A copy of a program that can be run: artifacts are kept as their vendors publish them.
pub(crate) fn copy(world: &World, from: &Path, name: &str) {
    let to = world.write_program(name, "");
    fs::copy(from, &to).unwrap();
    fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) fn kubectl(version: &str) -> PathBuf {
    artifact(&format!(
        "dl.k8s.io/release/v{version}/bin/linux/amd64/kubectl"
    ))
}

fn real_authenticator(version: &str) -> PathBuf {
    artifact(&format!(
        "github.com/kubernetes-sigs/aws-iam-authenticator/releases/download/v{version}/\
         aws-iam-authenticator_{version}_linux_amd64"
    ))
}

#[test]
fn the_oldest_and_the_newest_kubectl_enter_a_cluster_with_every_program() {
    let api = ApiServer::start(Setup {
        keys: vec![("AKIAEXAMPLE", "s3cret-key")],
        ..Setup::default()
    });
    let url = api.url();
    let moto = Moto::start(&json!({"clusters": [
        {"name": "payments", "region": "us-east-1", "endpoint": url, "ca": api.authority()},
        {"name": "other", "region": "us-east-1", "endpoint": url, "ca": authority()},
    ]}));
    let world = moto.world();
    let [prefix, nowhere] = ["prefix", "nowhere"].map(|name| world.text(name));
    let world = world
        .with("WORKING_DIR", &nowhere)
        .with("BOOTSTRAP_PREFIX", &prefix);
    copy(&world, &kubectl("1.20.0"), "oldest");
    copy(&world, &kubectl("1.35.2"), "newest");
    // The endpoint of the tests is no place to sign for.
    let run = |kubectl: &str, args: &str| {
        let script = format!(
            "unset AWS_ENDPOINT_URL; \"$world/{kubectl}\" --cache-dir=\"$world/cache\" {args}"
        );
        world.shell(&["/bin/sh"], &script)
    };
    let aws = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/aws/bin");
    // Not a copy: its first line names the directory in which it was installed.
    let script = format!(
        "#!/bin/sh\nexec \"{0}/python\" \"{0}/aws\" \"$@\"\n",
        aws.display()
    );
    world.write_program("prefix/bin/aws", &script);
    for (exec, program) in [
        ("builtin", None),
        ("authenticator", Some(real_authenticator("0.5.9"))),
        ("authenticator", Some(real_authenticator("0.7.18"))),
        ("aws", None),
    ] {
        if let Some(program) = program {
            copy(&world, &program, "prefix/bin/aws-iam-authenticator");
        }
        let clusters = ["--cluster", "name=payments,alias=yes", "--cluster", "other"];
        let args = ["kubeconfig", "--exec", exec];
        world.bootstrap(&[&args[..], &clusters].concat()).exits(0);
        for kubectl in ["oldest", "newest"] {
            let view = run(kubectl, "config view --raw -o json").exits(0).stdout;
            let view: serde_json::Value = serde_json::from_str(&view).unwrap();
            assert_eq!(view["current-context"], "yes");
            assert_eq!(view["clusters"][0]["cluster"]["server"], url.as_str());
            let answer = run(kubectl, "get --raw /version").exits(0);
            assert!(answer.stdout.contains("v1.31.2-eks-7f9249a"), "{answer}");
            assert_eq!(api.refusals(), Vec::<String>::new(), "{exec}");
        }
    }
    // The same server under another authority: it is that of the kubeconfig which counts.
    let other = "--context arn:aws:eks:us-east-1:123456789012:cluster/other get --raw /version";
    run("newest", other)
        .exits(1)
        .says("x509: certificate signed by unknown authority");
}
