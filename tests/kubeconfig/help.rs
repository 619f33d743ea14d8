//! What the command says of itself.

use insta::assert_snapshot;

use crate::world::World;

#[test]
#[expect(clippy::too_many_lines, reason = "it is one text")]
fn the_help_of_kubeconfig() {
    let run = World::new().bootstrap(&["kubeconfig", "--help"]);
    assert_snapshot!(run, @"
    Put EKS clusters into a kubeconfig

    As `aws eks update-kubeconfig` does, and with care for what is there: comments, the order
    of keys and keys that it does not know stay as they are, byte for byte; other processes
    that do the same are waited for; the file is replaced whole, has mode 0600, and stays a
    link where it is one. A second run changes nothing. The current context stays what it is,
    where there is one.

    Usage: bootstrap kubeconfig [OPTIONS]

    Options:
          --dry-run
              Print the merged kubeconfig, and write nothing

          --output <FORMAT>
              Print the result as text or as JSON [default: text]

              Possible values:
              - text: For people
              - json: For programs

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Cluster options:
          --cluster <CLUSTER>
              A cluster of Amazon EKS to deploy to (can be repeated)
              
              A name, an ARN, or
              name=NAME,region=REGION,role-arn=ARN,external-id=ID,alias=CONTEXT. Default:
              BOOTSTRAP_CLUSTERS (separated by blanks), else the clusters of bootstrap.yaml.

          --region <REGION>
              The region of the clusters that name none
              
              Default: AWS_REGION, AWS_DEFAULT_REGION, else that of the AWS profile.

          --role-arn <ARN>
              Enter the one cluster as this role

          --external-id <ID>
              The external ID that the role of the one cluster asks for

          --session-name <NAME>
              Call the sessions of roles this, as audit logs show it
              
              Default: harness-delegate-NAME where DELEGATE_NAME is set, else bootstrap.

          --alias <CONTEXT>
              Name the context of the one cluster like this

          --kubeconfig <FILE>
              The kubeconfig that has the clusters
              
              Default: $KUBECONFIG, else PREFIX/kubeconfig in a delegate, else ~/.kube/config.

    Kubeconfig options:
          --exec <PROGRAM>
              Get tokens from `authenticator`, `builtin` or `aws` [default: authenticator]
              
              authenticator: the aws-iam-authenticator of PREFIX/bin, else of PATH, 0.5.4 or
              newer. builtin: this program. aws: the AWS CLI, which cannot give an external
              ID.

          --user-alias <USER>
              Name the user of the one cluster like this
              
              Default: ROLE-ARN@CLUSTER-ARN with a role, else CLUSTER-ARN; so is the context
              called that has no alias. Every role of a cluster has a user and a context of
              its own so.

          --proxy-url <URL>
              Let kubectl reach the clusters through this proxy, else through none

          --assume-role-arn <ARN>
              Ask EKS for the clusters as this role
              
              Default: as the role of the cluster, where it has one and that may ask, else as
              whoever runs this. A cluster of another account than the role's is then named by
              its ARN.

          --set-current
              Make the first cluster the current context although there is one

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

    Global options:
          --config <FILE>
              Read bootstrap.yaml from here
              
              Default: bootstrap.yaml in $WORKING_DIR, else in the working directory, where
              there is one.

          --prefix <DIR>
              Install below this directory
              
              Default: $WORKING_DIR/bootstrap (or /opt/harness-delegate/bootstrap) where that
              can be written, else $XDG_DATA_HOME/bootstrap, else ~/.local/share/bootstrap.

          --color <WHEN>
              Use colour [default: auto]

              Possible values:
              - auto:   On a terminal, unless `NO_COLOR` is set
              - always: Always
              - never:  Never

          --log-format <FORMAT>
              Write messages as text or as JSON lines [default: text]

              Possible values:
              - text: Lines for people
              - json: One JSON object a line

      -q, --quiet
              Say errors and warnings alone

      -v, --verbose
              Say every detail

    Examples:
      bootstrap kubeconfig                                   all clusters of bootstrap.yaml
      bootstrap kubeconfig --cluster payments --region us-east-1
      bootstrap kubeconfig --cluster payments --role-arn ARN --external-id ID --alias prod
      bootstrap kubeconfig --cluster payments --exec builtin --dry-run
    [exit 0]
    ");
}

#[test]
fn the_short_help_of_kubeconfig() {
    let run = World::new().bootstrap(&["kubeconfig", "-h"]);
    assert_snapshot!(run, @"
    Put EKS clusters into a kubeconfig

    Usage: bootstrap kubeconfig [OPTIONS]

    Options:
          --dry-run          Print the merged kubeconfig, and write nothing
          --output <FORMAT>  Print the result as text or as JSON [default: text] [possible
                             values: text, json]
      -h, --help             Print help (see more with '--help')
      -V, --version          Print version

    Cluster options:
          --cluster <CLUSTER>    A cluster of Amazon EKS to deploy to (can be repeated)
          --region <REGION>      The region of the clusters that name none
          --role-arn <ARN>       Enter the one cluster as this role
          --external-id <ID>     The external ID that the role of the one cluster asks for
          --session-name <NAME>  Call the sessions of roles this, as audit logs show it
          --alias <CONTEXT>      Name the context of the one cluster like this
          --kubeconfig <FILE>    The kubeconfig that has the clusters

    Kubeconfig options:
          --exec <PROGRAM>         Get tokens from `authenticator`, `builtin` or `aws`
                                   [default: authenticator]
          --user-alias <USER>      Name the user of the one cluster like this
          --proxy-url <URL>        Let kubectl reach the clusters through this proxy, else
                                   through none
          --assume-role-arn <ARN>  Ask EKS for the clusters as this role
          --set-current            Make the first cluster the current context although there
                                   is one

    Network options:
          --offline              Use no network at all: what AWS would have to be asked fails
          --ca-bundle <FILE>     Trust the certificates in this PEM file as well
          --deadline <DURATION>  End by then, whatever happens, such as 30s or 2m

    Backoff options:
          --backoff <STRATEGY>
              How waits between tries grow [default: sdk-default]
          --backoff-base-delay <MS>
              The first wait, in milliseconds, before jitter [default: 250]
          --backoff-max-delay <MS>
              The longest wait, in milliseconds, before jitter [default: 8000]
          --backoff-max-attempts <COUNT>
              Ask each source and each question of AWS so often at most

    Global options:
          --config <FILE>        Read bootstrap.yaml from here
          --prefix <DIR>         Install below this directory
          --color <WHEN>         Use colour [default: auto] [possible values: auto, always,
                                 never]
          --log-format <FORMAT>  Write messages as text or as JSON lines [default: text]
                                 [possible values: text, json]
      -q, --quiet                Say errors and warnings alone
      -v, --verbose              Say every detail

    Examples:
      bootstrap kubeconfig                                   all clusters of bootstrap.yaml
      bootstrap kubeconfig --cluster payments --region us-east-1
      bootstrap kubeconfig --cluster payments --role-arn ARN --external-id ID --alias prod
      bootstrap kubeconfig --cluster payments --exec builtin --dry-run
    [exit 0]
    ");
}
