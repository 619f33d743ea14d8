//! What AWS makes of the documents: moto takes them, and lets in whom they trust and nobody else.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use serde_json::{Value, json};

use super::{ACCOUNT, ISSUER, canonical, document, irsa, policy, reference};
use crate::aws::in_an_hour;
use crate::moto::Moto;

/// Makes these calls with boto3, and returns what came of each.
fn call(moto: &Moto, calls: &[Value]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut child = Command::new(root.join("target/tools/aws/bin/python"))
        .arg(root.join("tests/aws/calls.py"))
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("PATH", "/usr/bin:/bin")
        .env("AWS_ENDPOINT_URL", moto.url())
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "s3cret-key")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{}", json!(calls)).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let said: Vec<_> = text.lines().map(str::to_owned).collect();
    assert_eq!(said.len(), calls.len(), "{text}");
    said
}

fn make_role(name: &str, trust: &str) -> Value {
    json!(["iam", "create_role", { "RoleName": name, "AssumeRolePolicyDocument": trust }])
}

fn make_provider(issuer: &str) -> Value {
    let arguments = json!({ "Url": issuer, "ClientIDList": ["sts.amazonaws.com"], "ThumbprintList": ["a".repeat(40)] });
    json!(["iam", "create_open_id_connect_provider", arguments])
}

fn enter(role: &str, issuer: &str, subject: &str, audience: &str) -> Value {
    let part = |json: Value| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let claims = json!({ "iss": issuer, "sub": subject, "aud": audience, "exp": in_an_hour() });
    let token = format!("{}.{}.c2ln", part(json!({ "alg": "RS256" })), part(claims));
    json!(["sts", "assume_role_with_web_identity", {
        "RoleArn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"),
        "RoleSessionName": "session",
        "WebIdentityToken": token,
    }])
}

/// Makes the calls, each of which ends as it says.
fn expect(moto: &Moto, calls: Vec<(Value, &str)>) {
    let (calls, expected): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
    for ((call, said), expected) in calls.iter().zip(call(moto, &calls)).zip(expected) {
        assert!(said.starts_with(expected), "{call}: {said}");
    }
}

#[test]
fn aws_takes_every_set_as_a_managed_policy() {
    let moto = Moto::shared();
    let mut calls = Vec::new();
    for (name, flags) in [
        ("describe-regions", &["describe-regions"][..]),
        ("s3-read", &["s3-read", "--bucket", "abc"]),
        ("s3-write", &["s3-write", "--bucket", "abc"]),
        (
            "s3-read-write",
            &["s3-read-write", "--bucket", "abc", "--bucket", "two"],
        ),
        ("ecr-pull", &["ecr-pull", "--repository", "team/*"]),
        (
            "ecr-push",
            &[
                "ecr-push",
                "--repository",
                "arn:aws:ecr:us-east-1:111122223333:repository/app",
            ],
        ),
        ("eks-full", &["eks-full"]),
        ("eks-limited", &["eks-limited"]),
        ("serverless", &["serverless"]),
    ] {
        let run = policy(&[&["permissions"], flags].concat()).exits(0);
        let arguments = json!({ "PolicyName": name, "PolicyDocument": run.stdout });
        calls.push((json!(["iam", "create_policy", arguments]), "ok"));
    }
    let nonsense = json!({ "PolicyName": "no", "PolicyDocument": "{\"Version\": \"2012-10-17\", \"Statement\": [{}]}" });
    calls.push((
        json!(["iam", "create_policy", nonsense]),
        "MalformedPolicyDocument",
    ));
    expect(moto, calls);
}

#[test]
fn a_service_account_that_is_trusted_gets_in_and_no_other() {
    let moto = Moto::start(&json!({}));
    let account = ["--account", ACCOUNT];
    let one = irsa(&[&account[..], &["--service-account", "harness:delegate"]].concat()).exits(0);
    let many = irsa(
        &[
            &account[..],
            &["--service-account", "a:b", "--service-account", "build-*:*"],
        ]
        .concat(),
    )
    .exits(0);
    let subject = |name: &str| format!("system:serviceaccount:{name}");
    let as_one = |name: &str, audience: &str| enter("one", ISSUER, &subject(name), audience);
    let as_many = |name: &str| enter("many", ISSUER, &subject(name), "sts.amazonaws.com");
    expect(
        &moto,
        vec![
            (make_role("one", &one.stdout), "ok"),
            (make_role("many", &many.stdout), "ok"),
            (
                as_one("harness:delegate", "sts.amazonaws.com"),
                "InvalidIdentityToken",
            ),
            (make_provider(ISSUER), "ok"),
            (as_one("harness:delegate", "sts.amazonaws.com"), "ok"),
            (
                as_one("harness:default", "sts.amazonaws.com"),
                "AccessDenied",
            ),
            (
                as_one("other:delegate", "sts.amazonaws.com"),
                "AccessDenied",
            ),
            (as_one("harness:delegate", "vault"), "InvalidIdentityToken"),
            (as_many("a:b"), "ok"),
            (as_many("build-7:anything"), "ok"),
            (as_many("build:anything"), "AccessDenied"),
            (as_many("a:c"), "AccessDenied"),
        ],
    );
}

#[test]
fn a_connector_of_harness_that_is_trusted_gets_in_and_no_other() {
    let moto = Moto::start(&json!({}));
    let base = [
        "trust",
        "oidc",
        "--account",
        ACCOUNT,
        "--harness-account",
        "Hue1",
    ];
    let make = |name: &str, flags: &[&str]| {
        let run = policy(&[&base[..], flags].concat()).exits(0);
        (make_role(name, &run.stdout), "ok")
    };
    let issuer = "https://app.harness.io/ng/api/oidc/account/Hue1";
    let enter = |role: &str, scope: &str| {
        enter(
            role,
            issuer,
            &format!("account/Hue1:{scope}"),
            "sts.amazonaws.com",
        )
    };
    expect(
        &moto,
        vec![
            (make_provider(issuer), "ok"),
            make("account", &[]),
            make("org", &["--org", "o"]),
            make("project", &["--org", "o", "--project", "p"]),
            make("projects", &["--org", "o", "--project", "*"]),
            make("any", &["--any-subject"]),
            (enter("account", "org/:project/"), "ok"),
            (enter("account", "org/o:project/"), "AccessDenied"),
            (enter("org", "org/o:project/"), "ok"),
            (enter("org", "org/o:project/p"), "AccessDenied"),
            (enter("project", "org/o:project/p"), "ok"),
            (enter("project", "org/o:project/q"), "AccessDenied"),
            (enter("projects", "org/o:project/q"), "ok"),
            (enter("projects", "org/x:project/q"), "AccessDenied"),
            (enter("any", "org/x:project/q"), "ok"),
        ],
    );
}

#[test]
fn who_is_trusted_across_accounts_gets_in_with_the_external_id_alone() {
    let moto = Moto::start(&json!({}));
    let make = |name: &str, flags: &[&str]| {
        let run = policy(&[&["trust", "cross-account"], flags].concat()).exits(0);
        (make_role(name, &run.stdout), "ok")
    };
    let enter = |role: &str, id: Option<&str>| {
        let mut arguments = json!({ "RoleArn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"), "RoleSessionName": "session" });
        if let Some(id) = id {
            arguments["ExternalId"] = json!(id);
        }
        json!(["sts", "assume_role", arguments])
    };
    expect(
        &moto,
        vec![
            make("open", &["--principal", ACCOUNT]),
            make("closed", &["--principal", ACCOUNT, "--external-id", "5d2c"]),
            make(
                "user",
                &["--principal", &format!("arn:aws:iam::{ACCOUNT}:user/moto")],
            ),
            make(
                "others",
                &[
                    "--principal",
                    "111122223333",
                    "--principal",
                    "arn:aws:iam::444455556666:role/x",
                ],
            ),
            (enter("open", None), "ok"),
            (enter("closed", Some("5d2c")), "ok"),
            (enter("closed", Some("5d2d")), "AccessDenied"),
            (enter("closed", None), "AccessDenied"),
            (enter("user", None), "ok"),
            (enter("others", None), "AccessDenied"),
        ],
    );
}

#[test]
fn the_differences_to_the_managed_policies_of_today_are_those_that_are_known() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/aws/bin/python");
    let script = "import json\n\
                  from moto.iam.aws_managed_policies import aws_managed_policies_data as data\n\
                  print(json.dumps({n: p['Document'] for n, p in json.loads(data).items()}))";
    let output = Command::new(python)
        .args(["-c", script])
        .env_clear()
        .output()
        .unwrap();
    let managed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let actions = |document: &Value| -> Vec<String> {
        let list = document["Statement"][0]["Action"].as_array().unwrap();
        list.iter()
            .map(|action| action.as_str().unwrap().to_owned())
            .collect()
    };
    let reference = reference();
    for (set, name, more) in [
        (
            "s3-read",
            "AmazonS3ReadOnlyAccess",
            &[
                "s3:Describe*",
                "s3-object-lambda:Get*",
                "s3-object-lambda:List*",
            ][..],
        ),
        (
            "ecr-pull",
            "AmazonEC2ContainerRegistryReadOnly",
            &[
                "ecr:GetLifecyclePolicy",
                "ecr:GetLifecyclePolicyPreview",
                "ecr:ListTagsForResource",
                "ecr:DescribeImageScanFindings",
            ],
        ),
        ("ecr-push", "AmazonEC2ContainerRegistryFullAccess", &[]),
    ] {
        let expected = [
            &actions(&reference[set])[..],
            &more.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>(),
        ]
        .concat();
        assert_eq!(actions(&managed[name]), expected, "{name}");
    }
    let push = policy(&["permissions", "ecr-push"]).exits(0);
    let mut push = document(&push);
    push["Statement"].as_array_mut().unwrap().pop();
    assert_eq!(
        push,
        canonical(&managed["AmazonEC2ContainerRegistryFullAccess"])
    );
}
