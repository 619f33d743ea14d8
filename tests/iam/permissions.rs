//! `bootstrap policy permissions`: the sets of the settings reference.

use insta::assert_snapshot;

use super::{canonical, document, policy, reference};

#[test]
fn every_document_of_the_reference_is_reproduced() {
    let reference = reference();
    let regions = &reference["describe-regions"]["Statement"];
    // Each set with the regions, unless the set has them; they stand last.
    for (set, flags, has_regions) in [
        ("describe-regions", &[][..], true),
        ("s3-read", &[], false),
        ("s3-write", &["--bucket", "bucket-name"], false),
        ("s3-read-write", &["--bucket", "bucket-name"], false),
        ("ecr-pull", &[], false),
        ("ecr-push", &[], false),
        ("eks-full", &[], true),
        ("eks-limited", &[], true),
        ("serverless", &[], true),
    ] {
        let run = policy(&[&["permissions", set], flags].concat()).exits(0);
        let mut expected = canonical(&reference[set]);
        if !has_regions {
            let statements = expected["Statement"].as_array_mut().unwrap();
            statements.push(regions[0].clone());
        }
        assert_eq!(canonical(&document(&run)), expected, "{set}");
        assert_eq!(run.stderr, "");
    }
    let run = policy(&[
        "trust",
        "oidc",
        "--account",
        "156272853481",
        "--harness-account",
        "Hue1lBsaSx2APlXjzVEPIg",
        "--org",
        "default",
        "--project",
        "OIDC_Test",
    ]);
    assert_eq!(
        document(&run.exits(0)),
        canonical(&reference["oidc-project"])
    );
}

#[test]
fn sets_are_merged_in_an_order_of_their_own_and_without_repeats() {
    let flags = ["--bucket", "artifacts", "--repository", "team/*"];
    let one = policy(
        &[
            &["permissions", "ecr-pull", "s3-read-write", "s3-write"],
            &flags[..],
        ]
        .concat(),
    );
    let other = policy(
        &[
            &["permissions", "s3-write,s3-read-write,ecr-pull,ecr-pull"],
            &flags[..],
        ]
        .concat(),
    );
    assert_eq!(one.stdout, other.stdout);
    assert_snapshot!(one, @r#"
    {
      "Version": "2012-10-17",
      "Statement": [
        {
          "Sid": "AllObjectActions",
          "Effect": "Allow",
          "Action": "s3:*Object",
          "Resource": "arn:aws:s3:::artifacts/*"
        },
        {
          "Sid": "ConsoleAccess",
          "Effect": "Allow",
          "Action": [
            "s3:GetAccountPublicAccessBlock",
            "s3:GetBucketAcl",
            "s3:GetBucketLocation",
            "s3:GetBucketPolicyStatus",
            "s3:GetBucketPublicAccessBlock",
            "s3:ListAllMyBuckets"
          ],
          "Resource": "*"
        },
        {
          "Sid": "ListObjectsInBucket",
          "Effect": "Allow",
          "Action": "s3:ListBucket",
          "Resource": "arn:aws:s3:::artifacts"
        },
        {
          "Effect": "Allow",
          "Action": [
            "ecr:BatchCheckLayerAvailability",
            "ecr:GetDownloadUrlForLayer",
            "ecr:GetRepositoryPolicy",
            "ecr:DescribeRepositories",
            "ecr:ListImages",
            "ecr:DescribeImages",
            "ecr:BatchGetImage"
          ],
          "Resource": "arn:aws:ecr:*:*:repository/team/*"
        },
        {
          "Effect": "Allow",
          "Action": "ecr:GetAuthorizationToken",
          "Resource": "*"
        },
        {
          "Sid": "VisualEditor0",
          "Effect": "Allow",
          "Action": "ec2:DescribeRegions",
          "Resource": "*"
        }
      ]
    }
    [exit 0]
    "#);
    // All rights in EC2, IAM and EKS hold the few ones.
    let all = policy(&["permissions", "eks-limited", "eks-full"]).exits(0);
    assert_eq!(all.stdout, policy(&["permissions", "eks-full"]).stdout);
}

#[test]
fn the_arns_are_those_of_the_partition() {
    for (flags, arn) in [
        (
            &["s3-write", "--bucket", "abc", "--partition", "aws-us-gov"][..],
            "arn:aws-us-gov:s3:::abc/*",
        ),
        (
            &["s3-write", "--bucket", "abc", "--partition", "aws-cn"],
            "arn:aws-cn:s3:::abc/*",
        ),
        (
            &[
                "ecr-pull",
                "--repository",
                "arn:aws-cn:ecr:cn-north-1:111122223333:repository/app",
            ],
            "arn:aws-cn:ecr:cn-north-1:111122223333:repository/app",
        ),
    ] {
        let run = policy(&[&["permissions"], flags].concat()).exits(0);
        assert!(run.stdout.contains(arn), "{run}");
    }
    policy(&[
        "trust",
        "cross-account",
        "--principal",
        "111122223333",
        "--partition",
        "aws-cn",
    ])
    .exits(0);
}
