//! `bootstrap policy trust`: who may assume a role.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{ACCOUNT, ISSUER, document, irsa, policy};
use crate::moto::Moto;
use crate::world::World;

#[test]
fn a_trust_policy_for_service_accounts_names_issuer_audience_and_subjects() {
    let run = irsa(&[
        "--account",
        ACCOUNT,
        "--namespace",
        "harness",
        "--service-account",
        "delegate",
    ]);
    assert_snapshot!(run, @r#"
    {
      "Version": "2012-10-17",
      "Statement": [
        {
          "Effect": "Allow",
          "Principal": {
            "Federated": "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/0F1E"
          },
          "Action": "sts:AssumeRoleWithWebIdentity",
          "Condition": {
            "StringEquals": {
              "oidc.eks.us-east-1.amazonaws.com/id/0F1E:aud": "sts.amazonaws.com",
              "oidc.eks.us-east-1.amazonaws.com/id/0F1E:sub": "system:serviceaccount:harness:delegate"
            }
          }
        }
      ]
    }
    [exit 0]
    "#);
    // The address is the same in every spelling, and the account is that of the role.
    for (issuer, account) in [
        (
            ISSUER,
            [
                "--irsa-role-arn",
                "arn:aws:iam::123456789012:role/ci/delegate",
            ],
        ),
        (
            "https://oidc.eks.us-east-1.amazonaws.com/id/0F1E/",
            ["--account", ACCOUNT],
        ),
        (
            "oidc.eks.us-east-1.amazonaws.com/id/0F1E",
            ["--account", ACCOUNT],
        ),
    ] {
        let base = [
            "trust",
            "irsa",
            "--oidc-issuer",
            issuer,
            "--service-account",
            "harness:delegate",
        ];
        let other = policy(&[&base[..], &account].concat()).exits(0);
        assert_eq!(other.stdout, run.stdout);
    }
}

#[test]
fn the_audience_is_the_same_in_every_partition_and_the_provider_is_of_it() {
    for (issuer, provider) in [
        (
            "https://oidc.eks.cn-north-1.amazonaws.com.cn/id/0F",
            "arn:aws-cn:iam::123456789012:oidc-provider/oidc.eks.cn-north-1.amazonaws.com.cn/id/0F",
        ),
        (
            "https://oidc.eks.us-gov-west-1.amazonaws.com/id/0F",
            "arn:aws-us-gov:iam::123456789012:oidc-provider/oidc.eks.us-gov-west-1.amazonaws.com/id/0F",
        ),
    ] {
        let flags = [
            "trust",
            "irsa",
            "--oidc-issuer",
            issuer,
            "--account",
            ACCOUNT,
            "--service-account",
            "a:b",
        ];
        let statement = &document(&policy(&flags).exits(0))["Statement"][0];
        assert_eq!(statement["Principal"]["Federated"], provider);
        let key = format!("{}:aud", issuer.trim_start_matches("https://"));
        assert_eq!(
            statement["Condition"]["StringEquals"][key],
            "sts.amazonaws.com"
        );
    }
    let run = irsa(&[
        "--account",
        ACCOUNT,
        "--service-account",
        "a:b",
        "--audience",
        "vault",
    ])
    .exits(0);
    assert!(run.stdout.contains(":aud\": \"vault\""), "{run}");
}

#[test]
fn several_accounts_and_wildcards_have_the_operator_that_they_take() {
    let condition = |accounts: &[&str]| {
        let flags = accounts
            .iter()
            .flat_map(|account| ["--service-account", account]);
        let flags: Vec<_> = ["--account", ACCOUNT, "--namespace", "harness"]
            .into_iter()
            .chain(flags)
            .collect();
        let run = irsa(&flags).exits(0);
        let condition = document(&run)["Statement"][0]["Condition"].clone();
        (condition, run.stderr)
    };
    let key = format!("{}:sub", &ISSUER["https://".len()..]);
    let (plain, said) = condition(&["a", "b", "other:a", "a"]);
    assert_eq!(
        plain["StringEquals"][&key],
        json!([
            "system:serviceaccount:harness:a",
            "system:serviceaccount:harness:b",
            "system:serviceaccount:other:a"
        ])
    );
    assert_eq!((plain.get("StringLike"), said.as_str()), (None, ""));
    let (wild, said) = condition(&["a", "build-*:*"]);
    assert_eq!(
        wild["StringLike"][&key],
        json!([
            "system:serviceaccount:harness:a",
            "system:serviceaccount:build-*:*"
        ])
    );
    assert_eq!(
        wild["StringEquals"].as_object().unwrap().len(),
        1,
        "the audience alone"
    );
    assert_eq!(
        said,
        "warning: `system:serviceaccount:build-*:*` has a wildcard and is compared by StringLike: every service \
         account that matches can assume the role\n"
    );
}

#[test]
fn the_issuer_and_the_account_are_those_of_the_cluster() {
    let world = Moto::shared().world();
    let base = [
        "policy",
        "trust",
        "irsa",
        "--namespace",
        "harness",
        "--service-account",
        "delegate",
    ];
    let named = irsa(&[
        "--account",
        ACCOUNT,
        "--service-account",
        "harness:delegate",
    ]);
    for cluster in [
        "payments",
        "arn:aws:eks:us-east-1:123456789012:cluster/payments",
        "name=payments,region=us-east-1",
    ] {
        let run = world
            .bootstrap(&[&base[..], &["--cluster", cluster]].concat())
            .exits(0);
        assert_eq!(run.stdout, named.stdout);
        assert_eq!(run.stderr, "");
    }
    // A role of another account takes a provider there.
    let run = world
        .bootstrap(&[&base[..], &["--cluster", "payments", "--account", "111122223333"]].concat())
        .exits(0)
        .says("the cluster is of account 123456789012: account 111122223333 takes an OIDC provider for its issuer too");
    assert!(
        run.stdout
            .contains("arn:aws:iam::111122223333:oidc-provider/"),
        "{run}"
    );
}

#[test]
fn a_cluster_that_cannot_be_asked_is_told_as_kubeconfig_tells_it() {
    let world = Moto::shared().world();
    let base = [
        "policy",
        "trust",
        "irsa",
        "--service-account",
        "a:b",
        "--cluster",
    ];
    let ask = |rest: &[&str]| world.bootstrap(&[&base[..], rest].concat());
    ask(&["nowhere"]).exits(5).says(
        "error: cannot find out who issues the tokens of the service accounts of cluster `nowhere`\ncaused by: there is \
         no cluster `nowhere` in us-east-1\nhint: check the name, the region and the account of the caller\n",
    );
    ask(&["payments", "--region", "us-west-2"])
        .exits(5)
        .says("us-west-2");
    ask(&["payments", "--offline"]).exits(2).says("offline");
    ask(&[
        "payments",
        "--region",
        "cn-north-1",
        "--irsa-role-arn",
        "arn:aws:iam::123456789012:role/r",
    ])
    .exits(2)
    .says("--irsa-role-arn is of partition `aws` and cluster `payments` of `aws-cn`");
    ask(&["payments", "--deadline", "1ms"]).exits(5);
    let run = World::new().bootstrap(&[&base[..], &["payments"]].concat());
    run.exits(2).says("--region");
    let china = "arn:aws-cn:iam::123456789012:role/r";
    ask(&["payments", "--irsa-role-arn", china])
        .exits(2)
        .says("--irsa-role-arn is of partition `aws-cn` and arn:aws:eks:us-east-1:123456789012:cluster/payments of `aws`");
}

#[test]
fn a_cluster_is_asked_as_its_role_and_else_as_the_caller_and_may_have_no_issuer() {
    let moto = Moto::start(&json!({
        "clusters": [
            { "name": "bare", "region": "us-east-1", "issuer": "" },
            { "name": "odd", "region": "us-east-1", "issuer": "http://oidc.test:80" },
            { "name": "good", "region": "us-east-1", "issuer": ISSUER },
        ],
    }));
    let world = moto.world();
    let base = [
        "policy",
        "trust",
        "irsa",
        "--service-account",
        "harness:delegate",
        "--cluster",
    ];
    let ask = |cluster: &str| world.bootstrap(&[&base[..], &[cluster]].concat());
    ask("bare")
        .exits(5)
        .says("cluster `bare` has no OIDC issuer; its status is ACTIVE");
    ask("odd").exits(5).says("is not the address of an issuer");
    // The role is nobody's, and the caller sees the cluster.
    let run = ask("name=good,role-arn=arn:aws:iam::123456789012:role/none").exits(0);
    let named = irsa(&[
        "--account",
        ACCOUNT,
        "--service-account",
        "harness:delegate",
    ]);
    assert_eq!(run.stdout, named.stdout);
}

#[test]
fn trust_in_other_accounts_takes_accounts_roles_and_an_external_id() {
    let run = policy(&[
        "trust",
        "cross-account",
        "--principal",
        "111122223333",
        "--principal",
        "arn:aws-us-gov:iam::444455556666:role/delegate",
        "--external-id",
        "5d2c/0a1e",
    ]);
    assert_snapshot!(run, @r#"
    {
      "Version": "2012-10-17",
      "Statement": [
        {
          "Effect": "Allow",
          "Principal": {
            "AWS": [
              "arn:aws-us-gov:iam::111122223333:root",
              "arn:aws-us-gov:iam::444455556666:role/delegate"
            ]
          },
          "Action": "sts:AssumeRole",
          "Condition": {
            "StringEquals": {
              "sts:ExternalId": "5d2c/0a1e"
            }
          }
        }
      ]
    }
    [exit 0]
    "#);
    let run = policy(&["trust", "cross-account", "--principal", "111122223333"]).exits(0);
    assert_eq!(document(&run)["Statement"][0].get("Condition"), None);
}

#[test]
fn each_scope_of_harness_has_its_subject() {
    let base = [
        "trust",
        "oidc",
        "--account",
        ACCOUNT,
        "--harness-account",
        "Hue1",
    ];
    let provider = "app.harness.io/ng/api/oidc/account/Hue1";
    for (flags, operator, subject, said) in [
        (
            &[][..],
            "StringEquals",
            json!("account/Hue1:org/:project/"),
            "",
        ),
        (
            &["--org", "o"],
            "StringEquals",
            json!("account/Hue1:org/o:project/"),
            "",
        ),
        (
            &["--org", "o", "--project", "p"],
            "StringEquals",
            json!("account/Hue1:org/o:project/p"),
            "",
        ),
        (
            &["--org", "o", "--project", "*"],
            "StringLike",
            json!("account/Hue1:org/o:project/*"),
            "connectors of every scope that matches",
        ),
        (
            &["--any-subject"],
            "StringEquals",
            Value::Null,
            "every connector of the Harness account",
        ),
    ] {
        let run = policy(&[&base[..], flags].concat()).exits(0).says(said);
        assert_eq!(run.stderr.is_empty(), said.is_empty());
        let condition = &document(&run)["Statement"][0]["Condition"];
        assert_eq!(
            condition[operator]
                .get(format!("{provider}:sub"))
                .unwrap_or(&Value::Null),
            &subject
        );
        assert_eq!(
            condition["StringEquals"][format!("{provider}:aud")],
            "sts.amazonaws.com"
        );
    }
    let rest = [
        "--harness-url",
        "https://harness.corp/",
        "--partition",
        "aws-us-gov",
        "--audience",
        "x",
    ];
    let run = policy(&[&base[..], &rest].concat()).exits(0);
    let arn = format!(
        "arn:aws-us-gov:iam::{ACCOUNT}:oidc-provider/harness.corp/ng/api/oidc/account/Hue1"
    );
    assert_eq!(
        document(&run)["Statement"][0]["Principal"]["Federated"],
        arn
    );
}
