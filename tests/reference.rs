//! The README's table for the settings reference of the Harness AWS connector: it has every section in
//! its order, and every command of it does what it should.

use std::collections::BTreeSet;

use serde_json::json;

use crate::api_server::{ApiServer, Fault, Setup};
use crate::cloud::{ACCOUNT, Cloud, EXTERNAL_ID, STRICT};
use crate::patch::DEPLOYMENT;
use crate::pod::{NAME, account, injected};
use crate::server::{Reply, Server};
use crate::world::{Run, World};

/// The head of the section.
const HEAD: &str = "## The connector's reference, section by section\n";

/// The sections of the reference whose tables of contents and examples aside, in its order.
const SECTIONS: [&str; 33] = [
    "AWS permissions and policies",
    "DescribeRegions always required",
    "AWS S3 permissions and policies",
    "Read from AWS S3",
    "Write to AWS S3",
    "Read and Write to AWS S3",
    "Cross-account bucket access",
    "AWS Elastic Container Registry (ECR) permissions and policies",
    "AWS CloudFormation policies",
    "Fargate",
    "Harness AWS connector settings",
    "Basic settings",
    "Credentials",
    "Assume IAM Role on Delegate",
    "Assume IAM Role vs Use IRSA",
    "AWS Access Key",
    "Use IRSA",
    "Use OIDC",
    "Supported Swimlanes",
    "Enhanced Subject",
    "Custom Parameters",
    "Enable cross-account access (STS Role)",
    "Test Region and AWS GovCloud Support",
    "AWS backoff strategy",
    "Connect to Elastic Kubernetes Service (EKS)",
    "Configure EKS for use with Harness",
    "Use EKS for builds (Harness CI)",
    "Use EKS for deployments (Harness CD)",
    "Set up EKS Authentication in AWS and Harness",
    "AWS Serverless Lambda",
    "Permissions",
    "Install Serverless on the delegate",
    "Serverless cross-account access (STS Role)",
];

/// The rows of the table: the section, and what is here.
fn rows(readme: &str) -> Vec<(String, String)> {
    let (_, rest) = readme.split_once(HEAD).expect("the README has the section");
    let section = rest.split("\n## ").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with("| "));
    let cells = lines.map(|line| {
        let line = line.replace("\\|", "\u{1}");
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [section, here] = cells[..] else {
            panic!("two cells: {line}");
        };
        (section.to_owned(), here.to_owned())
    });
    let rows: Vec<_> = cells.collect();
    assert_eq!(rows[0], ("section".to_owned(), "here".to_owned()));
    rows[1..].to_vec()
}

fn table() -> Vec<(String, String)> {
    rows(include_str!("../README.md"))
}

/// What stands between backticks in a cell.
fn commands(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The command in words, with values in the place of what the reader is to fill in.
fn filled(command: &str) -> Vec<String> {
    let words: Vec<_> = command.split_whitespace().collect();
    let before = std::iter::once("").chain(words.iter().copied());
    let filled = words
        .iter()
        .zip(before)
        .map(|(word, before)| match (before, *word) {
            (_, "ARN") => STRICT,
            (_, "POD") => NAME,
            ("--account", "ID") => ACCOUNT,
            ("--external-id" | "-e", "ID") => EXTERNAL_ID,
            ("--harness-account", "ID") => "Hue1lBsaSx2APlXjzVEPIg",
            (_, word) => {
                let is_placeholder =
                    word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase());
                assert!(!is_placeholder, "{word} of `{command}`");
                word
            }
        });
    filled.map(str::to_owned).collect()
}

/// The command of a row that checks something, its exit code, the states of the checks that the row is
/// about (where it names them itself there are no others), and words of its result.
type Expected = (&'static str, i32, &'static [&'static str], &'static str);

/// What the rows that check something find on the delegate of these tests; all others exit with 0.
const EXPECTED: [Expected; 21] = [
    (
        "verify --only regions",
        0,
        &["regions pass"],
        "2 regions, asked in us-east-1",
    ),
    ("policy check policy.json --for s3-read", 0, &[], ""),
    (
        "policy check policy.json --for eks-limited",
        3,
        &[],
        "eks:DescribeCluster",
    ),
    (
        "verify --cluster payments --namespace harness-delegate-ng --only fargate",
        0,
        &["fargate warn"],
        "takes pods in namespace harness-delegate-ng by labels",
    ),
    (
        "verify --only credentials",
        0,
        &["credentials pass"],
        "user/delegate from the environment",
    ),
    (
        "verify --credentials iam-role",
        3,
        &["credentials fail"],
        "where iam-role is asked for",
    ),
    (
        "verify --cluster payments --namespace harness-delegate-ng --credentials iam-role \
         --only credentials,irsa,fargate",
        3,
        &["credentials fail", "irsa skip", "fargate warn"],
        "where iam-role is asked for",
    ),
    (
        "verify --credentials access-key",
        0,
        &["credentials pass"],
        "(AWS_ACCESS_KEY_ID)",
    ),
    (
        "verify --credentials irsa",
        3,
        &["credentials fail", "irsa fail"],
        "AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE are not set",
    ),
    (
        "verify --cluster payments --role-arn ARN --external-id ID --only role,external-id",
        0,
        &["role/payments pass", "external-id/payments pass"],
        "assumed with its external ID",
    ),
    (
        "verify --test-region us-east-1 --only regions",
        0,
        &["regions pass"],
        "asked in us-east-1",
    ),
    (
        "verify --only regions --backoff full-jitter --backoff-base-delay 100 --backoff-max-delay 2000 \
         --backoff-max-attempts 3",
        0,
        &["regions pass"],
        "2 regions",
    ),
    (
        "verify --cluster payments",
        0,
        &[
            "credentials pass",
            "regions pass",
            "cluster/payments pass",
            "access/payments pass",
            "api-server/payments pass",
            "version/payments pass",
            "permissions/payments pass",
        ],
        "",
    ),
    (
        "verify --cluster payments --only cluster",
        0,
        &["cluster/payments pass"],
        "ACTIVE",
    ),
    (
        "verify --cluster payments --namespace harness-delegate-ng --pod-label infra=fargate --only fargate",
        0,
        &["fargate warn"],
        "`serverless` takes such a pod in namespace harness-delegate-ng",
    ),
    (
        "verify --cluster payments --pod POD --namespace harness-delegate-ng --only fargate",
        0,
        &["fargate pass"],
        "is not one of Fargate",
    ),
    (
        "verify --cluster payments --pod POD --namespace harness-delegate-ng --only pod",
        0,
        &["pod/payments pass"; 5],
        "AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/secrets/eks.amazonaws.com/serviceaccount/token",
    ),
    (
        "verify --cluster payments --only access,api-server,permissions",
        0,
        &[
            "access/payments pass",
            "api-server/payments pass",
            "permissions/payments pass",
        ],
        "API_AND_CONFIG_MAP",
    ),
    (
        "verify --cluster payments --only version",
        0,
        &["version/payments pass"],
        "v1.31.2",
    ),
    (
        "verify --for serverless",
        0,
        &[
            "role skip",
            "serverless pass",
            "node pass",
            "npm pass",
            "aws-cli pass",
        ],
        "3.40.0",
    ),
    (
        "verify --for serverless --role-arn ARN --external-id ID",
        0,
        &[
            "role pass",
            "serverless pass",
            "node pass",
            "npm pass",
            "aws-cli pass",
        ],
        "assumed with its external ID",
    ),
];

/// What this command, without the program's name, is to do.
fn expected(command: &str) -> Option<&'static Expected> {
    EXPECTED.iter().find(|(known, ..)| *known == command)
}

fn is_check(command: &str) -> bool {
    command.starts_with("verify ") || command.starts_with("policy check ")
}

/// Why a run is not what this command should do; none where it is.
fn complaint(command: &str, run: &Run) -> Option<String> {
    let known = expected(command);
    if known.is_none() && is_check(command) {
        return Some("it is not said what it should find".to_owned());
    }
    let (_, code, states, words) = known.copied().unwrap_or(("", 0, &[], ""));
    if run.code != Some(code) {
        return Some(format!("it should exit with {code}"));
    }
    if !format!("{}{}", run.stdout, run.stderr).contains(words) {
        return Some(format!("it does not say `{words}`"));
    }
    // Who finds nothing wrong says nothing.
    let is_silent =
        code == 0 && (command.starts_with("lint ") || command.starts_with("policy check "));
    if run.stdout.is_empty() != is_silent {
        return Some("it should say nothing where nothing is wrong, and else something".to_owned());
    }
    if !command.starts_with("verify ") {
        return None;
    }
    let found = run.checks();
    let is_as_said = if command.contains(" --only ") {
        found == states
    } else {
        states
            .iter()
            .all(|state| found.iter().any(|one| one == state))
    };
    (!is_as_said).then(|| format!("its checks should be {states:?}"))
}

/// The delegate's machine of these tests, with an AWS, a cluster, programs and the files that the table
/// names, and a run in it.
fn run(command: &[String]) -> Run {
    let cloud = Cloud {
        fargate: Some("harness-*"),
        fargate_labels: vec![("infra", "fargate")],
        ..Cloud::default()
    };
    run_in(cloud, true, command)
}

/// The same with this AWS; where it is not `whole`, no pod, no API server that knows anybody and no
/// program is there.
fn run_in(cloud: Cloud, is_whole: bool, command: &[String]) -> Run {
    let keys = vec![
        ("AKIDEXAMPLE", "hunter2hunter2"),
        ("ASIAASSUMED", "assumed-secret"),
    ];
    let api = ApiServer::start(Setup {
        keys: if is_whole { keys } else { Vec::new() },
        pods: if is_whole {
            vec![injected()]
        } else {
            Vec::new()
        },
        accounts: vec![account("2026-02-02T12:00:00Z")],
        fault: if is_whole {
            Fault::None
        } else {
            Fault::Forbidden
        },
        ..Setup::default()
    });
    let cloud = Cloud {
        endpoint: api.url(),
        authority: api.authority(),
        ..cloud
    };
    let cloud = cloud.start();
    let world = crate::verify::world(&cloud, &api);
    world.write("work/delegate.yaml", DEPLOYMENT);
    let allowed = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["ec2:DescribeRegions", "s3:Get*", "s3:List*"], "Resource": "*"}]});
    let allowed = if is_whole {
        allowed
    } else {
        json!({"Version": "2012-10-17", "Statement": []})
    };
    world.write("work/policy.json", allowed.to_string());
    if is_whole {
        crate::serverless::equip(&world, "bin");
    }
    with_authenticator(world).bootstrap(&command.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The same with an aws-iam-authenticator on PATH, and nothing that is not of these tests.
fn with_authenticator(world: World) -> World {
    let link = world.path("bin/aws-iam-authenticator");
    std::fs::create_dir_all(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_bootstrap"), link).unwrap();
    let path = world.text("bin");
    world.with("PATH", &path)
}

#[test]
fn the_table_has_every_section_in_the_order_of_the_reference() {
    let table = table();
    let mut rows = table.iter().map(|(section, _)| section.as_str());
    for section in SECTIONS {
        assert!(
            rows.any(|row| row == section),
            "no `{section}` in its place"
        );
    }
    let sections: BTreeSet<_> = table.iter().map(|(section, _)| section).collect();
    assert_eq!(sections.len(), table.len(), "a section is there twice");
    for (section, here) in &table {
        assert!(!here.is_empty(), "nothing is said of `{section}`");
        for command in commands(here) {
            assert!(
                command.starts_with("bootstrap "),
                "`{command}` of `{section}`"
            );
        }
    }
}

/// The commands of the table, each once, without the program's name.
fn all_commands() -> BTreeSet<String> {
    let commands = table().into_iter().flat_map(|(_, here)| {
        let commands = commands(&here).into_iter();
        let bare = commands.map(|command| command.trim_start_matches("bootstrap ").to_owned());
        bare.collect::<Vec<_>>()
    });
    commands.collect()
}

#[test]
fn every_command_of_the_table_does_what_it_should() {
    let commands = all_commands();
    for command in &commands {
        let run = run(&filled(command));
        let complaint = complaint(command, &run);
        assert_eq!(complaint, None, "`{command}`:\n{run}");
    }
    assert!(commands.len() >= 40, "only {} commands", commands.len());
    for (command, ..) in EXPECTED {
        assert!(commands.contains(command), "`{command}` is of no row");
    }
}

#[test]
fn no_row_that_checks_something_is_content_where_all_is_broken() {
    let denied = vec![
        "GetCallerIdentity",
        "DescribeRegions",
        "AssumeRole",
        "DescribeCluster",
        "ListFargateProfiles",
    ];
    // The others find something wrong either way.
    let content = EXPECTED.iter().filter(|(_, code, ..)| *code == 0);
    for (command, ..) in content {
        let cloud = Cloud {
            denied: denied.clone(),
            ..Cloud::default()
        };
        let run = run_in(cloud, false, &filled(command));
        assert_ne!(complaint(command, &run), None, "`{command}`:\n{run}");
    }
}

#[test]
fn the_row_of_the_backoff_waits_and_tries_as_it_says() {
    let table = table();
    let (_, here) = table
        .iter()
        .find(|(section, _)| section == "AWS backoff strategy")
        .unwrap();
    let commands = commands(here);
    assert_eq!(commands.len(), 2);
    for command in commands {
        let count = |words: &[String]| {
            let busy = Server::start(|_| Reply::status(503));
            let world = World::new()
                .with("AWS_EC2_METADATA_DISABLED", "true")
                .with("AWS_ENDPOINT_URL", &busy.url(""))
                .with("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
                .with("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
                .with("AWS_REGION", "us-east-1");
            let world = with_authenticator(world);
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            let run = world.bootstrap(&words);
            let shown = format!("{run}");
            assert!(shown.contains("status 503"), "{shown}");
            busy.requests().len()
        };
        let mut words = filled(command.trim_start_matches("bootstrap "));
        assert_eq!(count(&words), 3, "`{command}`");
        let attempts = words.last_mut().unwrap();
        assert_eq!(attempts, "3", "`{command}` ends with its attempts");
        "2".clone_into(attempts);
        assert_eq!(count(&words), 2, "`{command}` with two attempts");
    }
}

#[test]
fn a_table_that_is_not_there_or_has_a_wrong_command_is_noticed() {
    let missing = std::panic::catch_unwind(|| rows("# bootstrap\n\n## Measured\n"));
    assert!(missing.is_err());
    let readme = format!(
        "{HEAD}\n| section | here |\n|---|---|\n| a | `bootstrap verify --list`, in a word |\n\n## Next\n\n| x | y |\n"
    );
    let found = rows(&readme);
    assert_eq!(found.len(), 1);
    assert_eq!(commands(&found[0].1), ["bootstrap verify --list"]);
    let unknown = filled("verify --lost --account ID");
    assert_eq!(unknown[3], ACCOUNT);
    let lost = run(&unknown).exits(2);
    assert!(complaint("verify --lost --account ID", &lost).is_some());
    assert!(complaint("verify --only regions", &lost).is_some());
    assert!(std::panic::catch_unwind(|| filled("verify --cluster NAME")).is_err());
}
