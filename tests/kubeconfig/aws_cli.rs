//! The real `aws eks update-kubeconfig` beside ours, on the same files.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_yaml::Value;

use super::{ARN, OPEN_ROLE, moto, world};
use crate::world::World;

/// Kubeconfigs of the kinds that its own tests have.
const SHAPES: &[&str] = &[
    "",
    "# nothing yet\n",
    "apiVersion: v1\nkind: Config\npreferences: {}\nclusters: []\ncontexts: []\nusers: []\ncurrent-context: ''\n",
    "apiVersion: v1\nkind: Config\n",
    "clusters: null\ncontexts:\nusers: ~\n",
    "users:\n- name: dev\n  user: {token: abc}\nkind: Config\ncontexts:\n- name: dev\n  context: {cluster: dev, user: dev}\n\
     current-context: dev\nclusters:\n- name: dev\n  cluster: {server: https://localhost}\n",
    "clusters:\n- cluster: {server: https://localhost}\n- name: other\ncontexts:\n- context: {}\nusers:\n- user: {token: a}\n",
    // The cluster itself, as older versions wrote it, between two others.
    "clusters:\n- name: a\n  cluster: {server: https://a}\n- name: ARN\n  cluster: {server: https://old, certificate-authority-data: T0xE}\n\
     - name: z\n  cluster: {server: https://z}\ncontexts:\n- name: ARN\n  context: {cluster: ARN, user: ARN}\n- name: z\n  context: {cluster: z, user: z}\n\
     users:\n- name: ARN\n  user: {exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: aws, args: [eks, get-token]}}\n\
     - name: z\n  user: {token: z}\ncurrent-context: z\n",
    "clusters:\n- name: ARN\n  cluster:\nusers:\n- name: ARN\n",
    // What both refuse.
    "clusters: text\n",
    "contexts: text\n",
    "users: text\n",
    "clusters:\n- text\n",
    "contexts:\n- text\n",
    "users:\n- text\n",
    "text\n",
    "preferences: []\n",
    "a: b: c\n",
];

const FLAGS: &[&[&str]] = &[
    &[],
    &["--alias", "prod"],
    &["--user-alias", "admin"],
    &[
        "--alias",
        "prod",
        "--user-alias",
        "admin",
        "--role-arn",
        OPEN_ROLE,
    ],
];

/// Runs the AWS CLI with each of these arguments; its exit codes and what it said.
fn aws(world: &World, calls: &[Vec<String>]) -> Vec<(i64, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut child = Command::new(root.join("target/tools/aws/bin/python"))
        .arg(root.join("tests/aws/update_kubeconfig.py"))
        .env_clear()
        .env("HOME", world.path("home"))
        .env("PATH", "/usr/bin:/bin")
        .env("AWS_ENDPOINT_URL", moto().url())
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "s3cret-key")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = String::new();
    for call in calls {
        lines.push_str(&format!("{}\n", serde_json::to_string(call).unwrap()));
    }
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let codes = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    codes.collect()
}

/// The entry of this name, and the list without it.
fn apart(config: &Value, section: &str, name: &str) -> (Value, Vec<Value>) {
    let list = config[section].as_sequence().unwrap();
    let is_named = |item: &&Value| item.get("name").and_then(Value::as_str) == Some(name);
    let others = list.iter().filter(|item| !is_named(item)).cloned();
    (
        list.iter().find(is_named).unwrap().clone(),
        others.collect(),
    )
}

fn order(config: &Value, section: &str) -> Vec<Option<String>> {
    let list = config[section].as_sequence().unwrap();
    let name = |item: &Value| item.get("name").and_then(Value::as_str).map(str::to_owned);
    list.iter().map(name).collect()
}

#[test]
fn the_entries_are_those_of_the_aws_cli() {
    let world = world();
    let prefix = world.text("prefix");
    let world = world.with("BOOTSTRAP_PREFIX", &prefix);
    world.write_program("prefix/bin/aws", "#!/bin/sh\n");
    let mut cases = Vec::new();
    for shape in SHAPES {
        for (index, flags) in FLAGS.iter().enumerate() {
            cases.push((shape.replace("ARN", &format!("'{ARN}'")), index, *flags));
        }
    }
    let path = |whose: &str, case: usize| format!("work/{whose}/{case}.yaml");
    let mut calls = Vec::new();
    for (case, (text, _, flags)) in cases.iter().enumerate() {
        for whose in ["theirs", "ours"] {
            world.write(&path(whose, case), text);
        }
        let file = world.text(&path("theirs", case));
        let call = [
            "eks",
            "update-kubeconfig",
            "--name",
            "payments",
            "--kubeconfig",
            &file,
        ];
        calls.push(
            call.iter()
                .chain(*flags)
                .map(|arg| (*arg).to_owned())
                .collect(),
        );
    }
    let theirs = aws(&world, &calls);
    assert_eq!(theirs.len(), cases.len());
    for (case, ((text, index, flags), (code, said))) in cases.iter().zip(theirs).enumerate() {
        let file = world.text(&path("ours", case));
        let call = [
            "kubeconfig",
            "--exec",
            "aws",
            "--set-current",
            // It asks as the caller whatever the role's account is; we take an ARN for that.
            "--cluster",
            ARN,
            "--kubeconfig",
            &file,
        ];
        let ours = world.bootstrap(&[&call[..], flags].concat());
        assert_eq!(
            ours.code == Some(0),
            code == 0,
            "{flags:?}\n{text}\ntheirs: {said}\nours: {ours}"
        );
        if code != 0 {
            assert_eq!(ours.code, Some(6), "{ours}");
            assert_eq!(world.read(&path("ours", case)), *text);
            continue;
        }
        let read =
            |whose| -> Value { serde_yaml::from_str(&world.read(&path(whose, case))).unwrap() };
        let (mine, other) = (read("ours"), read("theirs"));
        let user = if *index < 2 { ARN } else { "admin" };
        let context = if *index == 1 || *index == 3 {
            "prod"
        } else {
            user
        };
        assert_eq!(mine["current-context"], context);
        assert_eq!(mine["current-context"], other["current-context"]);
        for (section, name) in [("clusters", ARN), ("contexts", context), ("users", user)] {
            assert_eq!(order(&mine, section), order(&other, section), "{text}");
            let (mut mine, others) = apart(&mine, section, name);
            let (mut other, their_others) = apart(&other, section, name);
            assert_eq!(others, their_others, "{text}");
            if section == "users" {
                for key in ["env", "interactiveMode", "provideClusterInfo"] {
                    // What they leave to chance.
                    mine["user"]["exec"].as_mapping_mut().unwrap().remove(key);
                }
                let command = mine["user"]["exec"]["command"].as_str().unwrap();
                assert_eq!(command, world.text("prefix/bin/aws"));
                mine["user"]["exec"]["command"] = "aws".into();
                for arg in other["user"]["exec"]["args"].as_sequence_mut().unwrap() {
                    // They write an abbreviation.
                    if arg == "--role" {
                        *arg = "--role-arn".into();
                    }
                }
            }
            assert_eq!(mine, other, "{text}");
        }
    }
}
