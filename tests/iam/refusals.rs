//! What IAM would not take, or take for something else, is not printed.

use super::{ACCOUNT, ISSUER, irsa, policy};

#[track_caller]
fn refuses(line: &str, words: &str) {
    let args: Vec<&str> = line.split(' ').collect();
    let run = policy(&args).exits(2).says(words);
    assert_eq!(run.stdout, "");
}

#[test]
fn trust_that_iam_would_refuse_is_refused_here_with_the_rule() {
    const ROLE: &str = "arn:aws:iam::111122223333:role";
    let irsa = format!("trust irsa --oidc-issuer {ISSUER} --account {ACCOUNT}");
    let one = format!("{irsa} --service-account a:b");
    let cross = "trust cross-account --principal";
    let oidc = format!("trust oidc --account {ACCOUNT} --harness-account");
    for (line, words) in [
        (
            format!("trust irsa --oidc-issuer {ISSUER} --account 1234 --service-account a:b"),
            "12 digits",
        ),
        (
            format!("trust irsa --oidc-issuer {ISSUER} --service-account a:b"),
            "the account of the role is not known",
        ),
        (
            "trust irsa --oidc-issuer http://a.test --service-account a:b".to_owned(),
            "https://HOST/PATH",
        ),
        (
            "trust irsa --service-account a:b".to_owned(),
            "--cluster <CLUSTER>|--oidc-issuer <URL>",
        ),
        (irsa.clone(), "--service-account"),
        (
            format!("{irsa} --service-account a"),
            "the namespace of `a` is not known",
        ),
        (
            format!("{irsa} --service-account A:b"),
            "is not a namespace",
        ),
        (
            format!("{irsa} --service-account a:B"),
            "is not a service account",
        ),
        (format!("{one} --namespace A"), "is not a namespace"),
        (format!("{one} --audience sts.*"), "no wildcard"),
        (format!("{one} --cluster c"), "cannot be used with"),
        (format!("{one} --region us-east-1"), "cannot be used with"),
        (format!("{one} --delegate d"), "--from"),
        (
            format!("{one} --partition aws-cn"),
            "--partition is of partition `aws-cn` and issuer oidc.eks.us-east-1.amazonaws.com/id/0F1E of `aws`",
        ),
        (
            format!("{one} --irsa-role-arn {ROLE}/r"),
            "--account is of account 123456789012 and --irsa-role-arn of 111122223333",
        ),
        ("trust cross-account".to_owned(), "--principal"),
        (format!("{cross} *"), "has a wildcard"),
        (format!("{cross} {ROLE}/a*"), "compared letter by letter"),
        (
            format!("{cross} arn:aws:sts::111122223333:assumed-role/r/s"),
            "name the role",
        ),
        (
            format!("{cross} 111122223333 --external-id a*"),
            "2 to 1224",
        ),
        (
            format!("{cross} {ROLE}/a --principal arn:aws-cn:iam::111122223333:root"),
            "one partition",
        ),
        (
            format!("{cross} {ROLE}/a --partition aws-cn"),
            "--partition is of partition `aws-cn`",
        ),
        (format!("{oidc} H --project p"), "--org"),
        (
            format!("{oidc} H --org a-b"),
            "is not the ID of an organization",
        ),
        (
            format!("{oidc} H --any-subject --org a"),
            "cannot be used with",
        ),
        (
            format!("{oidc} H --harness-url http://a.test"),
            "https://HOST/PATH",
        ),
        (format!("{oidc} a*"), "ID of a Harness account"),
    ] {
        refuses(&line, words);
    }
}

#[test]
fn permissions_that_would_be_none_are_refused_here_with_the_rule() {
    let repository = "arn:aws-cn:ecr:cn-north-1:111122223333:repository/app";
    refuses(
        &format!("permissions ecr-pull --partition aws --repository {repository}"),
        "--partition is of partition `aws`",
    );
    for (line, words) in [
        ("permissions", "<SET>"),
        (
            "permissions s3-reed",
            "some similar values exist: 's3-read', 's3-write', 's3-read-write'",
        ),
        (
            "permissions eks-ful",
            "some similar values exist: 'eks-full', 'eks-limited'",
        ),
        (
            "permissions eks",
            "some similar values exist: 'eks-full', 'eks-limited'",
        ),
        (
            "permissions serverles",
            "a similar value exists: 'serverless'",
        ),
        (
            "permissions s3-write",
            "the set `s3-write` takes the names of buckets",
        ),
        (
            "permissions s3-read --bucket No_Bucket",
            "is not the name of a bucket",
        ),
        (
            "permissions s3-read --repository app",
            "narrows the sets ecr-pull, ecr-push",
        ),
        (
            "permissions ecr-pull --bucket abc",
            "narrows the sets s3-read",
        ),
        (
            "permissions ecr-pull --repository Team",
            "is not a repository",
        ),
        ("permissions s3-read --partition moon", "is not a partition"),
    ] {
        refuses(line, words);
    }
}

#[test]
fn a_document_that_iam_would_find_too_long_is_not_printed() {
    let names: Vec<String> = (0..200)
        .map(|index| format!("bucket-with-a-long-name-{index}"))
        .collect();
    let flags = names.iter().flat_map(|name| ["--bucket", name]);
    let flags: Vec<_> = ["permissions", "s3-read"]
        .into_iter()
        .chain(flags)
        .collect();
    let run = policy(&flags)
        .exits(2)
        .says("characters without blanks, and may have 6144");
    assert_eq!(run.stdout, "");
    policy(&[&flags[..], &["--limit", "20000"]].concat()).exits(0);
    let accounts: Vec<String> = (0..60)
        .map(|index| format!("namespace:service-account-{index}"))
        .collect();
    let flags = accounts.iter().flat_map(|name| ["--service-account", name]);
    let flags: Vec<_> = ["--account", ACCOUNT].into_iter().chain(flags).collect();
    irsa(&flags).exits(2).says("may have 2048").says("--limit");
    irsa(&[&flags[..], &["--limit", "4096"]].concat()).exits(0);
    // Every set by itself, and all but the largest together, are within it.
    let all = [
        "s3-read",
        "s3-write",
        "s3-read-write",
        "ecr-pull",
        "ecr-push",
        "eks-limited",
        "serverless",
    ];
    policy(&[&["permissions", "--bucket", "abc"], &all[..]].concat()).exits(0);
}
