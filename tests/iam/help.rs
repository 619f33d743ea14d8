//! What `bootstrap policy` says of itself.

use insta::assert_snapshot;

use super::policy;
use crate::world::World;

const VERBS: [&[&str]; 5] = [
    &["trust", "irsa"],
    &["trust", "cross-account"],
    &["trust", "oidc"],
    &["permissions"],
    &["check"],
];

/// The help without the options of every command, which others show.
fn own_help(verbs: &[&str], flag: &str) -> String {
    let run = policy(&[verbs, &[flag]].concat()).exits(0);
    let (own, rest) = run.stdout.split_once("Global options:\n").unwrap();
    let examples = rest.split_once("Examples:\n").map_or("", |(_, rest)| rest);
    format!("{own}Examples:\n{examples}")
}

#[test]
fn the_help_of_policy_names_its_commands() {
    let run = policy(&["-h"]).exits(0);
    let (own, _) = run.stdout.split_once("Options:\n").unwrap();
    assert_snapshot!(own, @"
    Print and check the IAM documents that a delegate's access to AWS takes

    Usage: bootstrap policy [OPTIONS] <COMMAND>

    Commands:
      trust        Print the trust policy of a role: who may assume it
      permissions  Print a policy that grants what connectors take, set by set
      check        Say which actions of the sets a policy lacks, without a network
    ");
    let run = policy(&["trust", "-h"]).exits(0);
    let (own, _) = run.stdout.split_once("Options:\n").unwrap();
    assert_snapshot!(own, @"
    Print the trust policy of a role: who may assume it

    Usage: bootstrap policy trust [OPTIONS] <COMMAND>

    Commands:
      irsa           Print the trust policy of a role for a delegate's service account (IRSA)
      cross-account  Print the trust policy of a role that other accounts, roles or users
                     assume
      oidc           Print the trust policy of a role that a Harness OIDC connector assumes
    ");
}

#[test]
fn the_help_of_policy_trust_irsa() {
    assert_snapshot!(own_help(&["trust", "irsa"], "--help"), @"
    Print the trust policy of a role for a delegate's service account (IRSA)

    The issuer is that of the cluster, asked of EKS, or the one that is named. With --from,
    namespace and service account are those that `bootstrap patch` with the same options gives
    the delegate, and account and audience those of the annotations.

    Usage: bootstrap policy trust irsa [OPTIONS] <--cluster <CLUSTER>|--oidc-issuer <URL>>

    Options:
          --cluster <CLUSTER>
              The cluster: its name or ARN, or name=…,region=…,role-arn=…,external-id=…

          --region <REGION>
              The region of the cluster
              
              Default: AWS_REGION, AWS_DEFAULT_REGION, else that of the AWS profile.

          --oidc-issuer <URL>
              The address of the cluster's OIDC issuer

          --account <ID>
              The account of the role and of the OIDC provider
              
              Default: that of the role, else that of the cluster.

          --irsa-role-arn <ARN>
              The role, whose account it is

          --partition <PARTITION>
              The partition of the role [default: that of all the rest, else aws]

          --audience <AUDIENCE>
              The audience of the tokens [default: that of the manifest, else
              sts.amazonaws.com]

          --limit <CHARACTERS>
              The characters that it may have, blanks not counted, where IAM takes more of
              your account
              
              [default: 2048]

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Service accounts:
          --namespace <NAMESPACE>
              The namespace of the accounts that say none, or a pattern with `*` and `?`

          --service-account <[NAMESPACE:]NAME>
              The service account, or a pattern with `*` and `?` (can be repeated)

          --from <FILE|DIR|->
              Take them from a delegate's manifest: a file, a directory or `-` (can be
              repeated)

          --delegate <NAME>
              Take this delegate, where the manifest has several

    Network options:
          --offline
              Use no network at all: what AWS would have to be asked fails

          --ca-bundle <FILE>
              Trust the certificates in this PEM file as well

          --deadline <DURATION>
              End by then, whatever happens, such as 30s or 2m
              
              Default: 30s for `token`, 1m for `kubeconfig`, `verify` and `policy`.

    Backoff options:
          --backoff <STRATEGY>
              How waits between tries grow [default: sdk-default]
              
              As the AWS connector says: `fixed-delay`, `equal-jitter`, `full-jitter`, or
              `sdk-default`, which is equal jitter where fewer requests are asked for, and
              full jitter after all else. What a server asks for (Retry-After) is waited for
              in any case.

          --backoff-base-delay <MS>
              The first wait, in milliseconds, before jitter [default: 250]

          --backoff-max-delay <MS>
              The longest wait, in milliseconds, before jitter [default: 8000]
              
              It may not be shorter than the first. A fixed delay does not grow, and heeds
              none.

          --backoff-max-attempts <COUNT>
              Ask each source and each question of AWS so often at most
              
              The first time counts, and so does going on with a download that broke off.
              Default: as often as the deadline leaves time.

    Examples:
      bootstrap policy trust irsa --cluster payments --service-account harness:delegate
      bootstrap policy trust irsa --oidc-issuer URL --account ID --from delegate.yaml
      bootstrap patch delegate.yaml --irsa-role-arn ARN |
        bootstrap policy trust irsa --cluster payments --from - >trust.json
      aws iam create-role --role-name delegate --assume-role-policy-document file://trust.json

    With --oidc-issuer nothing is asked of the network.
    ");
}

#[test]
fn the_short_help_of_policy_trust_cross_account() {
    assert_snapshot!(own_help(&["trust", "cross-account"], "-h"), @"
    Print the trust policy of a role that other accounts, roles or users assume

    Usage: bootstrap policy trust cross-account [OPTIONS] --principal <ACCOUNT|ARN>

    Options:
          --principal <ACCOUNT|ARN>  Who may assume the role: an account, or the ARN of a role
                                     or a user (can be repeated)
          --external-id <ID>         The external ID that they must give
          --partition <PARTITION>    The partition of the role [default: that of the
                                     principals, else aws]
          --limit <CHARACTERS>       The characters that it may have, blanks not counted,
                                     where IAM takes more of your account [default: 2048]
      -h, --help                     Print help (see more with '--help')
      -V, --version                  Print version

    Examples:
      bootstrap policy trust cross-account --principal 111122223333 --external-id ID
      bootstrap policy trust cross-account --principal arn:aws:iam::111122223333:role/delegate
      aws iam create-role --role-name deployer --assume-role-policy-document file://trust.json
    ");
}

#[test]
fn the_help_of_policy_trust_oidc() {
    assert_snapshot!(own_help(&["trust", "oidc"], "--help"), @r#"
    Print the trust policy of a role that a Harness OIDC connector assumes

    Without --org it is for connectors of the account itself, with it for those of the
    organization, and with --project for those of the project. Harness tells these apart in
    its tokens with the feature flag PL_OIDC_ENHANCED_SUBJECT_FIELD; without it, take
    --any-subject.

    Usage: bootstrap policy trust oidc [OPTIONS] --account <ID> --harness-account <ID>

    Options:
          --account <ID>
              The AWS account of the role and of the OIDC provider

          --harness-account <ID>
              The ID of the Harness account

          --org <ID>
              The ID of the organization, or a pattern with `*` and `?`

          --project <ID>
              The ID of the project, or a pattern with `*` and `?`

          --any-subject
              Trust every connector of the Harness account

          --harness-url <URL>
              The address of Harness
              
              [default: https://app.harness.io]

          --audience <AUDIENCE>
              The audience of the tokens [default: sts.amazonaws.com]

          --partition <PARTITION>
              The partition of the role
              
              [default: aws]

          --limit <CHARACTERS>
              The characters that it may have, blanks not counted, where IAM takes more of
              your account
              
              [default: 2048]

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Examples:
      bootstrap policy trust oidc --account ID --harness-account ID --org ORG --project
      PROJECT
      bootstrap policy trust oidc --account ID --harness-account ID --org ORG --project '*'
      aws iam create-open-id-connect-provider --client-id-list sts.amazonaws.com \
        --url https://app.harness.io/ng/api/oidc/account/ID
    "#);
}

#[test]
fn the_help_of_policy_permissions() {
    assert_snapshot!(own_help(&["permissions"], "--help"), @"
    Print a policy that grants what connectors take, set by set

    The sets are those of the settings reference of the Harness AWS connector;
    ec2:DescribeRegions, which every connector asks for, is always in. What one set has of
    another stands there once.

    Usage: bootstrap policy permissions [OPTIONS] <SET>...

    Arguments:
      <SET>...
              The sets, separated by blanks or commas

              Possible values:
              - s3-read:          Read buckets and objects
              - s3-write:         Write objects; takes --bucket
              - s3-read-write:    Read and write objects, and list buckets; takes --bucket
              - ecr-pull:         Pull images from ECR
              - ecr-push:         Push images to ECR, and manage repositories
              - eks-full:         Make and manage EKS clusters, with every right in IAM and
                EC2
              - eks-limited:      Make EKS clusters, with few rights
              - serverless:       Deploy with the Serverless framework
              - describe-regions: List the regions: always in, as every connector does it

    Options:
          --limit <CHARACTERS>
              The characters that it may have, blanks not counted
              
              The default is that of a managed policy; the inline policies of a role may have
              10240 together.
              
              [default: 6144]

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Resources:
          --bucket <NAME>
              Narrow the s3 sets to this bucket (can be repeated)

          --repository <NAME|ARN>
              Narrow the ecr sets to this repository (can be repeated)
              
              NAME or NAME/* in any region and account, or its ARN.

          --partition <PARTITION>
              The partition: aws, aws-cn, aws-us-gov, … [default: that of the repositories,
              else aws]

    Examples:
      bootstrap policy permissions s3-read ecr-pull >policy.json
      bootstrap policy permissions s3-read-write --bucket artifacts --partition aws-us-gov
      bootstrap policy permissions ecr-push --repository 'team/*'
      aws iam create-policy --policy-name harness --policy-document file://policy.json
    ");
}

#[test]
fn the_short_help_of_policy_check() {
    assert_snapshot!(own_help(&["check"], "-h"), @r#"
    Say which actions of the sets a policy lacks, without a network

    Usage: bootstrap policy check [OPTIONS] --for <SET>... [FILE|DIR|-]...

    Arguments:
      [FILE|DIR|-]...  Policy documents, directories with them, or `-` for standard input (the
                       default)

    Options:
          --for <SET>...      The sets, separated by blanks or commas; files stand before it
                              [possible values: s3-read, s3-write, s3-read-write, ecr-pull,
                              ecr-push, eks-full, eks-limited, serverless, describe-regions]
          --allow-conditions  Count what is granted under a condition as granted
          --output <FORMAT>   Print the result as text or as JSON [default: text] [possible
                              values: text, json]
      -h, --help              Print help (see more with '--help')
      -V, --version           Print version

    Resources:
          --bucket <NAME>          Narrow the s3 sets to this bucket (can be repeated)
          --repository <NAME|ARN>  Narrow the ecr sets to this repository (can be repeated)
          --partition <PARTITION>  The partition: aws, aws-cn, aws-us-gov, … [default: that of
                                   the repositories, else aws]

    Examples:
      bootstrap policy check policy.json --for s3-read ecr-pull
      bootstrap policy check policies/ --for s3-write --bucket artifacts --output json
      aws iam get-policy-version --policy-arn ARN --version-id v1 \
        --query PolicyVersion.Document | bootstrap policy check --for serverless

    All files together are the policies of one role. Boundaries, resource policies and those
    of the
    organization are not in them, and may deny what they grant; what depends on a condition is
    not counted as granted.
    Exit code 3 when something is lacking.
    "#);
}

#[test]
fn every_verb_has_a_help_that_fits_a_terminal_and_a_manual_page() {
    for verbs in VERBS {
        for flag in ["-h", "--help"] {
            for line in policy(&[verbs, &[flag]].concat()).exits(0).stdout.lines() {
                assert!(line.chars().count() <= 100, "{verbs:?}: {line}");
            }
        }
        let page = World::new()
            .bootstrap(&[&["man", "policy"], verbs].concat())
            .exits(0);
        let name = format!("bootstrap-policy-{}", verbs.join("-"));
        assert!(page.stdout.contains(&format!(".TH {name} ")), "{page}");
    }
    World::new()
        .bootstrap(&["man", "policy", "trust", "check"])
        .exits(2)
        .says("hint: it takes irsa, cross-account, oidc");
    World::new()
        .bootstrap(&["man", "lint", "more"])
        .exits(2)
        .says("hint: `bootstrap-lint` has no commands");
}
