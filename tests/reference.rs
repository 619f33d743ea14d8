//! The README's table for the settings reference of the Harness AWS connector: it has every section in
//! its order, and every command of it does what it should.

use std::collections::BTreeSet;

use serde_json::json;

use crate::api_server::{ApiServer, Setup};
use crate::cloud::{ACCOUNT, Cloud, EXTERNAL_ID, STRICT};
use crate::patch::DEPLOYMENT;
use crate::pod::{NAME, account, injected};
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

/// A delegate's machine with an AWS, a cluster and the files that the table names, and a run in it.
fn run(command: &[String]) -> Run {
    let api = ApiServer::start(Setup {
        keys: vec![
            ("AKIDEXAMPLE", "hunter2hunter2"),
            ("ASIAASSUMED", "assumed-secret"),
        ],
        pods: vec![injected()],
        accounts: vec![account("2026-02-02T12:00:00Z")],
        ..Setup::default()
    });
    let cloud = Cloud {
        endpoint: api.url(),
        authority: api.authority(),
        fargate: Some("harness-*"),
        fargate_labels: vec![("infra", "fargate")],
        ..Cloud::default()
    };
    let cloud = cloud.start();
    let world = crate::verify::world(&cloud, &api);
    world.write("work/delegate.yaml", DEPLOYMENT);
    let allowed = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["ec2:DescribeRegions", "s3:Get*", "s3:List*"], "Resource": "*"}]});
    world.write("work/policy.json", allowed.to_string());
    with_authenticator(world).bootstrap(&command.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The same with an aws-iam-authenticator on PATH.
fn with_authenticator(world: World) -> World {
    let link = world.path("bin/aws-iam-authenticator");
    std::fs::create_dir_all(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_bootstrap"), link).unwrap();
    let path = format!("{}:/usr/bin:/bin", world.text("bin"));
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

#[test]
fn every_command_of_the_table_runs_to_its_end() {
    let mut seen = BTreeSet::new();
    for (section, here) in table() {
        for command in commands(&here) {
            if !seen.insert(command.to_owned()) {
                continue;
            }
            let words = filled(command);
            let run = run(&words[1..]);
            // What is checked may be found wanting.
            let is_check = words[1] == "verify" || words[1..3] == ["policy", "check"];
            let is_well = run.code == Some(0) || is_check && run.code == Some(3);
            assert!(is_well, "`{command}` of `{section}`:\n{run}");
            // Who finds nothing wrong says nothing.
            let is_silent = words[1] == "lint" || words[1..3] == ["policy", "check"];
            assert!(
                is_silent || !run.stdout.is_empty(),
                "`{command}` of `{section}` says nothing"
            );
        }
    }
    assert!(seen.len() >= 40, "only {} commands", seen.len());
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
    let unknown = filled("bootstrap verify --lost --account ID");
    assert_eq!(unknown[4], ACCOUNT);
    run(&unknown[1..]).exits(2);
    assert!(std::panic::catch_unwind(|| filled("bootstrap verify --cluster NAME")).is_err());
}
