//! `bootstrap policy check`: what documents lack.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::policy;
use crate::world::{Run, World};

/// Holds one document of these statements against sets.
fn check(statements: &Value, flags: &[&str]) -> Run {
    let world = World::new();
    let text = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    world.write("work/policy.json", text);
    world.bootstrap(&[&["policy", "check", "policy.json"], flags].concat())
}

#[expect(clippy::needless_pass_by_value, reason = "tables read better so")]
fn allow(action: Value, resource: Value) -> Value {
    json!({ "Effect": "Allow", "Action": action, "Resource": resource })
}

fn regions() -> Value {
    allow(json!("ec2:DescribeRegions"), json!("*"))
}

#[test]
fn what_is_printed_for_sets_lacks_nothing_of_them() {
    let world = World::new();
    for (sets, flags) in [
        (&["describe-regions"][..], &[][..]),
        (&["s3-read", "ecr-pull"], &[]),
        (
            &["s3-read", "s3-write", "s3-read-write"],
            &["--bucket", "abc", "--bucket", "two.b"],
        ),
        (&["ecr-pull", "ecr-push"], &["--repository", "team/app"]),
        (&["ecr-push"], &[]),
        (&["eks-full"], &[]),
        (&["eks-limited", "serverless"], &["--partition", "aws-cn"]),
    ] {
        let printed = policy(&[&["permissions"], sets, flags].concat()).exits(0);
        world.write("work/policy.json", &printed.stdout);
        let run = world
            .bootstrap(&[&["policy", "check", "policy.json", "--for"], sets, flags].concat())
            .exits(0);
        assert_eq!(run.stdout, "", "{sets:?}");
        assert!(run.stderr.starts_with("0 of "), "{run}");
        let run = world
            .bootstrap(&[
                "policy",
                "check",
                "policy.json",
                "--for",
                "describe-regions",
                "-q",
            ])
            .exits(0);
        assert_eq!(run.stderr, "");
    }
}

#[test]
fn what_is_lacking_is_listed_with_the_reason() {
    let run = check(
        &json!([
            allow(json!(["S3:get*", "ecr:*"]), json!("*")),
            allow(json!("s3:ListBucket"), json!("*")),
            {
                "Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*",
                "Condition": { "IpAddress": { "aws:SourceIp": ["203.0.113.0/24"] } },
            },
            { "Sid": "Guard", "Effect": "Deny", "Action": "ecr:BatchGet*", "Resource": "*" },
            { "Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::secret/*" },
            {
                "Effect": "Deny", "Action": "ecr:ListImages", "Resource": "*",
                "Condition": { "Bool": { "aws:SecureTransport": false } },
            },
            allow(json!("lambda:InvokeFunction"), json!("*")),
        ]),
        &["--for", "s3-read", "ecr-pull"],
    );
    assert_snapshot!(run, @"
    s3:Get* on arn:aws:s3:::*: denied in part by statement 5 of policy.json
    s3:List* on arn:aws:s3:::*: only s3:ListBucket of it
    ecr:ListImages: unless a condition on aws:SecureTransport denies it
    ecr:BatchGetImage: denied by statement 4 (`Guard`) of policy.json
    ec2:DescribeRegions: only under a condition on aws:SourceIp
    --- stderr ---
    5 of 11 actions lacking
    [exit 3]
    ");
}

#[test]
fn the_same_for_programs() {
    let run = check(
        &json!([
            regions(),
            allow(json!("s3:*Object"), json!("arn:aws:s3:::abc/logs/*"))
        ]),
        &["--for", "s3-write", "--bucket", "abc", "--output", "json"],
    );
    let run = run.exits(3);
    let shown: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        shown,
        json!({
            "version": 1,
            "lacking": 1,
            "actions": [
                {
                    "action": "s3:*Object", "resource": "arn:aws:s3:::abc/*", "state": "only-on",
                    "detail": "only on arn:aws:s3:::abc/logs/*",
                },
                { "action": "ec2:DescribeRegions", "resource": "*", "state": "granted", "detail": "granted" },
            ],
        })
    );
    assert_eq!(run.stderr, "");
}

#[test]
fn each_form_of_a_statement_is_judged() {
    let write = ["--for", "s3-write", "--bucket", "abc"];
    let all = "arn:aws:s3:::abc/*";
    for (statement, code, said) in [
        (allow(json!("s3:*"), json!("*")), 0, ""),
        (allow(json!("*"), json!("*")), 0, ""),
        (allow(json!("s3:*Object"), json!([all])), 0, ""),
        (
            allow(json!("s3:*Obj??t"), json!("arn:aws:s3:::a?c/*")),
            0,
            "",
        ),
        (
            allow(json!("s3:*"), json!("arn:aws:s3:::abc")),
            3,
            "not allowed",
        ),
        (
            allow(json!(["s3:PutObject", "s3:GetBucketAcl"]), json!("*")),
            3,
            "only s3:PutObject of it",
        ),
        (
            allow(json!("s3:*"), json!("arn:aws:s3:::abc/${aws:username}/*")),
            3,
            "only on arn:aws:s3:::abc/${aws:username}/*",
        ),
        (
            json!({ "Effect": "Allow", "NotAction": ["iam:*", "ec2:*"], "Resource": "*" }),
            0,
            "",
        ),
        (
            json!({ "Effect": "Allow", "NotAction": "s3:Delete*", "Resource": "*" }),
            3,
            "only all but s3:Delete* of it",
        ),
        (
            json!({ "Effect": "Allow", "NotAction": "s3:*", "Resource": "*" }),
            3,
            "not allowed",
        ),
        (
            json!({ "Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::other/*" }),
            0,
            "",
        ),
        (
            json!({ "Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::abc/secret/*" }),
            3,
            "only on all but arn:aws:s3:::abc/secret/*",
        ),
        (
            json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": { "StringEquals": { "aws:RequestedRegion": "us-east-1" } } }),
            3,
            "only under a condition on aws:RequestedRegion",
        ),
    ] {
        let run = check(&json!([regions(), statement]), &write).exits(code);
        let expected = if said.is_empty() {
            String::new()
        } else {
            format!("s3:*Object on {all}: {said}\n")
        };
        assert_eq!(run.stdout, expected);
    }
}

#[test]
fn a_denial_outweighs_whatever_allows() {
    let everything = allow(json!("*"), json!("*"));
    for (deny, code, said) in [
        (json!({ "Action": "iam:*", "Resource": "*" }), 0, ""),
        (
            json!({ "Action": "s3:*", "Resource": "arn:aws:s3:::other/*" }),
            0,
            "",
        ),
        (
            json!({ "Action": "s3:*", "Resource": "*" }),
            3,
            "denied by statement 2 of policy.json",
        ),
        (
            json!({ "NotAction": "ec2:*", "Resource": "*" }),
            3,
            "denied by statement 2 of policy.json",
        ),
        (
            json!({ "Sid": "Guard", "Action": "s3:DeleteObject", "Resource": "*" }),
            3,
            "denied in part by statement 2 (`Guard`) of policy.json",
        ),
        (
            json!({ "Action": "s3:*", "Resource": "arn:aws:s3:::abc/secret/*" }),
            3,
            "denied in part by statement 2 of policy.json",
        ),
        (
            json!({ "Action": "s3:*", "NotResource": "arn:aws:s3:::abc/*" }),
            0,
            "",
        ),
        (
            json!({ "Action": "s3:*", "Resource": "arn:aws:s3:::${aws:username}/*" }),
            3,
            "denied in part by statement 2 of policy.json",
        ),
        (
            json!({ "Action": "s3:*", "Resource": "*", "Condition": { "Bool": { "aws:SecureTransport": "false" } } }),
            3,
            "unless a condition on aws:SecureTransport denies it",
        ),
    ] {
        let mut deny = deny;
        deny["Effect"] = json!("Deny");
        let run = check(
            &json!([everything, deny]),
            &["--for", "s3-write", "--bucket", "abc"],
        )
        .exits(code);
        assert_eq!(run.stdout.is_empty(), said.is_empty());
        assert!(run.stdout.contains(said), "{run}");
    }
}

#[test]
fn conditions_are_taken_on_trust_where_that_is_asked_for() {
    let statements = json!([
        { "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": { "Bool": { "aws:MultiFactorAuthPresent": true } } },
    ]);
    let flags = ["--for", "describe-regions"];
    check(&statements, &flags).exits(3);
    let run = check(&statements, &[&flags[..], &["--allow-conditions"]].concat()).exits(0);
    assert_eq!(
        run.stdout,
        "ec2:DescribeRegions: only under a condition on aws:MultiFactorAuthPresent\n"
    );
    // The condition of the set itself is none.
    let own = json!([
        allow(json!(["ecr:*", "cloudtrail:*", "ec2:*"]), json!("*")),
        {
            "Effect": "Allow", "Action": "iam:CreateServiceLinkedRole", "Resource": "*",
            "Condition": { "StringEquals": { "iam:AWSServiceName": ["replication.ecr.amazonaws.com"] } },
        },
    ]);
    check(&own, &["--for", "ecr-push"]).exits(0);
}

#[test]
fn all_documents_together_are_those_of_one_role() {
    let world = World::new();
    let text = |statement: Value| json!({ "Statement": statement }).to_string();
    world.write("work/policies/regions.json", text(regions()));
    world.write(
        "work/policies/read.json",
        text(allow(json!(["s3:Get*", "s3:List*"]), json!("*"))),
    );
    world
        .bootstrap(&["policy", "check", "policies", "--for", "s3-read"])
        .exits(0);
    world
        .bootstrap(&["policy", "check", "policies/read.json", "--for", "s3-read"])
        .exits(3);
    let deny = json!({ "Effect": "Deny", "Action": "s3:*", "Resource": "*" });
    world.write("work/policies/deny.json", text(deny));
    let run = world
        .bootstrap(&["policy", "check", "policies", "--for", "s3-read"])
        .exits(3);
    assert!(
        run.stdout
            .contains("denied by statement 1 of policies/deny.json"),
        "{run}"
    );
    let run = world.shell(
        &["sh"],
        "\"$bootstrap\" policy check --for s3-read <policies/read.json",
    );
    assert_eq!(run.exits(3).stdout, "ec2:DescribeRegions: not allowed\n");
}

#[test]
fn a_file_that_is_no_policy_is_refused_with_its_place() {
    let world = World::new();
    for (text, words) in [
        ("", "policy.json:1:1: not a policy document"),
        (
            "{ \"Statement\": [\n  { \"Effect\": \"Allow\" }\n] }",
            "policy.json:2:",
        ),
        ("{ \"PolicyVersion\": {} }", "unknown field `PolicyVersion`"),
        // Cut off, which is not the field's mistake.
        (
            "{ \"Other\": [",
            "policy.json:1:12: not a policy document: EOF while parsing a list",
        ),
        ("version: 1", "policy.json:1:1: not a policy document"),
    ] {
        world.write("work/policy.json", text);
        let run = world.bootstrap(&["policy", "check", "policy.json", "--for", "s3-read"]);
        let run = run
            .exits(6)
            .says(words)
            .says("hint: it takes a document as AWS keeps it");
        assert_eq!(run.stdout, "");
    }
    let trust = policy(&["trust", "cross-account", "--principal", "111122223333"]).exits(0);
    world.write("work/policy.json", &trust.stdout);
    world
        .bootstrap(&["policy", "check", "policy.json", "--for", "s3-read"])
        .exits(6)
        .says("trust policy");
    world
        .bootstrap(&["policy", "check", "nowhere.json", "--for", "s3-read"])
        .exits(2)
        .says("nowhere.json");
    world
        .bootstrap(&["policy", "check", "policy.json"])
        .exits(2)
        .says("--for");
    world
        .bootstrap(&[
            "policy",
            "check",
            "policy.json",
            "--for",
            "s3-read",
            "--repository",
            "app",
        ])
        .exits(6);
}
