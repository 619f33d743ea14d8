//! What the program says of itself, and what it says to those who call it wrongly.

use std::fs::OpenOptions;
use std::process::Stdio;

use insta::assert_snapshot;

use crate::world::World;

const COMMANDS: [&str; 14] = [
    "init",
    "install",
    "env",
    "kubeconfig",
    "token",
    "uninstall",
    "verify",
    "patch",
    "lint",
    "lock",
    "bundle",
    "policy",
    "completions",
    "man",
];

#[test]
fn the_help_of_the_program() {
    let run = World::new().bootstrap(&["--help"]);
    assert_snapshot!(run, @r#"
    Puts verified tools on a Harness Delegate at start

    Usage: bootstrap [OPTIONS] <COMMAND>

    Commands:
      init         Bring a delegate up: tools, kubeconfig and checks, under one deadline
      install      Put tools in place, each checked against a pinned digest
      env          Print export lines for a shell to evaluate
      kubeconfig   Put EKS clusters into a kubeconfig
      token        Print a token that lets kubectl into an EKS cluster
      uninstall    Take tools out again
      verify       Check tools, credentials, roles and clusters, and say what is wrong and why
      patch        Change a delegate's manifest for IRSA and for INIT_SCRIPT
      lint         Find what would fail in a delegate's manifest, before the cluster does
      lock         Pin versions in bootstrap.lock, for every platform, each with its proof
      bundle       Make and check bundles: all that a lock pins, as a mirror to carry away
      policy       Print and check the IAM documents that a delegate's access to AWS takes
      completions  Print the completion script of a shell
      man          Print a manual page, in roff

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

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
      bootstrap init                           what INIT_SCRIPT runs
      eval "$(bootstrap env)"                  put the tools on PATH
      bootstrap install aws-cli serverless     install by hand, in their default versions
      bootstrap install --list                 show what can be installed
      bootstrap token -i payments              enter a cluster, as kubectl does
      bootstrap verify                         check tools, credentials and clusters

    Exit codes:
      0  done, or nothing to do          go on
      1  failed on this machine          read the message
      2  usage                           fix the command
      3  not as it should be             fix what it lists; nothing was changed
      4  untrusted bytes                 stop; never retry
      5  network, AWS or the deadline    try again later, or mend what AWS refused
      6  bad input file                  fix the file

    Every option has a variable BOOTSTRAP_<OPTION> and, where it makes sense, a key in
    bootstrap.yaml: flag before variable before file before default.
    [exit 0]
    "#);
}

#[test]
fn the_short_help_of_the_program_fits_a_screen() {
    let run = World::new().bootstrap(&["-h"]);
    assert_snapshot!(run, @r#"
    Puts verified tools on a Harness Delegate at start

    Usage: bootstrap [OPTIONS] <COMMAND>

    Commands:
      init         Bring a delegate up: tools, kubeconfig and checks, under one deadline
      install      Put tools in place, each checked against a pinned digest
      env          Print export lines for a shell to evaluate
      kubeconfig   Put EKS clusters into a kubeconfig
      token        Print a token that lets kubectl into an EKS cluster
      uninstall    Take tools out again
      verify       Check tools, credentials, roles and clusters, and say what is wrong and why
      patch        Change a delegate's manifest for IRSA and for INIT_SCRIPT
      lint         Find what would fail in a delegate's manifest, before the cluster does
      lock         Pin versions in bootstrap.lock, for every platform, each with its proof
      bundle       Make and check bundles: all that a lock pins, as a mirror to carry away
      policy       Print and check the IAM documents that a delegate's access to AWS takes
      completions  Print the completion script of a shell
      man          Print a manual page, in roff

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

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
      bootstrap init                           what INIT_SCRIPT runs
      eval "$(bootstrap env)"                  put the tools on PATH
      bootstrap install aws-cli serverless     install by hand, in their default versions
      bootstrap install --list                 show what can be installed
      bootstrap token -i payments              enter a cluster, as kubectl does
      bootstrap verify                         check tools, credentials and clusters

    Exit codes:
      0  done, or nothing to do          go on
      1  failed on this machine          read the message
      2  usage                           fix the command
      3  not as it should be             fix what it lists; nothing was changed
      4  untrusted bytes                 stop; never retry
      5  network, AWS or the deadline    try again later, or mend what AWS refused
      6  bad input file                  fix the file

    Every option has a variable BOOTSTRAP_<OPTION> and, where it makes sense, a key in
    bootstrap.yaml: flag before variable before file before default.
    [exit 0]
    "#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one text")]
fn the_help_of_init() {
    let run = World::new().bootstrap(&["init", "--help"]);
    assert_snapshot!(run, @"
    Bring a delegate up: tools, kubeconfig and checks, under one deadline

    Installs the tools, writes the clusters into the kubeconfig, and checks tools,
    credentials, clusters and the version of Kubernetes. A required tool that could not be put
    in place, a version that is proved to be too old, and bad options stop the delegate; all
    else warns (see --on-failure). Run as a child of INIT_SCRIPT, where its exit code alone
    decides whether the delegate starts. A second start with everything in place takes
    milliseconds. The report of the last run is in PREFIX/report.json.

    Usage: bootstrap init [OPTIONS]

    Options:
          --tools <TOOL[@VERSION]>
              What to install, separated by commas (can be repeated)
              
              Default: BOOTSTRAP_TOOLS, else the tools of bootstrap.yaml.

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Install options:
          --bin-dir <DIR>
              Make links to the programs in this directory too, such as /usr/local/bin

          --slim
              Leave out what running does not need, such as the AWS CLI's examples

          --durable
              Sync the trees to disk and trust them by size and mode ever after
              
              For image builds and persistent volumes: the receipt then holds after a reboot
              and when a layer's times were clamped, and nothing is hashed at start.

          --accept-existing
              Leave a tool alone that is on PATH already in the wanted version

          --lock <FILE>
              Read pinned versions from this file
              
              Default: bootstrap.lock beside bootstrap.yaml, else in the working directory,
              where there is one; what it does not pin comes from the compiled-in catalog.

          --locked
              Refuse what the lock does not pin

          --cache-dir <DIR>
              Look for finished downloads here, and keep them [default: PREFIX/cache]

          --mirror <TEMPLATE>
              Try this mirror before the vendor's address (can be repeated)
              
              {host} and {path} stand for those of the vendor's address, {alg} and {hex} for
              the pinned digest; without any of them /{alg}/{hex} is appended. https, http and
              file addresses will do: the digest decides. Credentials come from ~/.netrc (or
              $NETRC).

          --no-origin
              Never use the vendors' addresses

          --offline
              Use no network at all: caches and file addresses alone

          --npm-registry <URL>
              Download npm packages from this registry
              
              Default: NPM_CONFIG_REGISTRY, else the registry of ~/.npmrc, else npm's own
              default.

          --ca-bundle <FILE>
              Trust the certificates in this PEM file as well

          --deadline <DURATION>
              End by then, whatever happens, such as 90s or 2m
              
              Default: 90s for `init`, 10m for `install`.

          --on-failure <POLICY>
              What a failure does: `default`, `fail` or `continue`
              
              default: a required tool that could not be put in place fails the run, all else
              warns. fail: everything fails it. continue: exit 0 whatever happened; bytes that
              do not match their digest are never put on PATH either way.

          --output <FORMAT>
              Print the result as text or as JSON [default: text]

              Possible values:
              - text: For people
              - json: For programs

          --report <FILE>
              Write the report (JSON) here as well as to PREFIX/report.json

          --termination-log <FILE>
              Write one line here when the run fails, if the file is there [default:
              /dev/termination-log]

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

    Check options:
          --credentials <KIND>
              Where AWS must have taken the credentials from
              
              As the connector says: `irsa` (use IRSA), `iam-role` (assume the IAM role on the
              delegate), `access-key` (AWS access key), or `pod-identity`. Default: any will
              do.

          --test-region <REGION>
              The region in which the connector tries its connection
              
              Default: the home region of the partition: us-east-1, cn-north-1, us-gov-west-1,
              …

          --minimum-kubernetes <VERSION>
              The oldest Kubernetes that a cluster may have [default: 0.00]
              
              It can be raised, and not lowered: the Harness connector for EKS needs 0.00.

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
      bootstrap init                                    what INIT_SCRIPT runs
      bootstrap init --tools aws-cli,serverless@2.50.0
      bootstrap init --cluster payments --region us-east-1 --exec builtin
      bootstrap init --on-failure continue              break a crash loop
      kubectl exec POD -- cat /opt/harness-delegate/bootstrap/report.json
    [exit 0]
    ");
}

#[test]
fn the_short_help_of_init() {
    let run = World::new().bootstrap(&["init", "-h"]);
    assert_snapshot!(run, @"
    Bring a delegate up: tools, kubeconfig and checks, under one deadline

    Usage: bootstrap init [OPTIONS]

    Options:
          --tools <TOOL[@VERSION]>  What to install, separated by commas (can be repeated)
      -h, --help                    Print help (see more with '--help')
      -V, --version                 Print version

    Install options:
          --bin-dir <DIR>           Make links to the programs in this directory too, such as
                                    /usr/local/bin
          --slim                    Leave out what running does not need, such as the AWS
                                    CLI's examples
          --durable                 Sync the trees to disk and trust them by size and mode
                                    ever after
          --accept-existing         Leave a tool alone that is on PATH already in the wanted
                                    version
          --lock <FILE>             Read pinned versions from this file
          --locked                  Refuse what the lock does not pin
          --cache-dir <DIR>         Look for finished downloads here, and keep them [default:
                                    PREFIX/cache]
          --mirror <TEMPLATE>       Try this mirror before the vendor's address (can be
                                    repeated)
          --no-origin               Never use the vendors' addresses
          --offline                 Use no network at all: caches and file addresses alone
          --npm-registry <URL>      Download npm packages from this registry
          --ca-bundle <FILE>        Trust the certificates in this PEM file as well
          --deadline <DURATION>     End by then, whatever happens, such as 90s or 2m
          --on-failure <POLICY>     What a failure does: `default`, `fail` or `continue`
          --output <FORMAT>         Print the result as text or as JSON [default: text]
                                    [possible values: text, json]
          --report <FILE>           Write the report (JSON) here as well as to
                                    PREFIX/report.json
          --termination-log <FILE>  Write one line here when the run fails, if the file is
                                    there [default: /dev/termination-log]

    Backoff options:
          --backoff <STRATEGY>
              How waits between tries grow [default: sdk-default]
          --backoff-base-delay <MS>
              The first wait, in milliseconds, before jitter [default: 250]
          --backoff-max-delay <MS>
              The longest wait, in milliseconds, before jitter [default: 8000]
          --backoff-max-attempts <COUNT>
              Ask each source and each question of AWS so often at most

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

    Check options:
          --credentials <KIND>
              Where AWS must have taken the credentials from
          --test-region <REGION>
              The region in which the connector tries its connection
          --minimum-kubernetes <VERSION>
              The oldest Kubernetes that a cluster may have [default: 0.00]

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
      bootstrap init                                    what INIT_SCRIPT runs
      bootstrap init --tools aws-cli,serverless@2.50.0
      bootstrap init --cluster payments --region us-east-1 --exec builtin
      bootstrap init --on-failure continue              break a crash loop
      kubectl exec POD -- cat /opt/harness-delegate/bootstrap/report.json
    [exit 0]
    ");
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one text")]
fn the_help_of_install() {
    let run = World::new().bootstrap(&["install", "--help"]);
    assert_snapshot!(run, @"
    Put tools in place, each checked against a pinned digest

    Does nothing for a tool that is there and whole; puts one in place anew of which a file
    was altered or is missing. Without names, the tools of bootstrap.yaml.

    Usage: bootstrap install [OPTIONS] [TOOL[@VERSION]]...

    Arguments:
      [TOOL[@VERSION]]...
              What to install; without a version the locked one, else the catalog's default

    Options:
          --list
              Show what can be installed, and stop

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Install options:
          --bin-dir <DIR>
              Make links to the programs in this directory too, such as /usr/local/bin

          --slim
              Leave out what running does not need, such as the AWS CLI's examples

          --durable
              Sync the trees to disk and trust them by size and mode ever after
              
              For image builds and persistent volumes: the receipt then holds after a reboot
              and when a layer's times were clamped, and nothing is hashed at start.

          --accept-existing
              Leave a tool alone that is on PATH already in the wanted version

          --lock <FILE>
              Read pinned versions from this file
              
              Default: bootstrap.lock beside bootstrap.yaml, else in the working directory,
              where there is one; what it does not pin comes from the compiled-in catalog.

          --locked
              Refuse what the lock does not pin

          --cache-dir <DIR>
              Look for finished downloads here, and keep them [default: PREFIX/cache]

          --mirror <TEMPLATE>
              Try this mirror before the vendor's address (can be repeated)
              
              {host} and {path} stand for those of the vendor's address, {alg} and {hex} for
              the pinned digest; without any of them /{alg}/{hex} is appended. https, http and
              file addresses will do: the digest decides. Credentials come from ~/.netrc (or
              $NETRC).

          --no-origin
              Never use the vendors' addresses

          --offline
              Use no network at all: caches and file addresses alone

          --npm-registry <URL>
              Download npm packages from this registry
              
              Default: NPM_CONFIG_REGISTRY, else the registry of ~/.npmrc, else npm's own
              default.

          --ca-bundle <FILE>
              Trust the certificates in this PEM file as well

          --deadline <DURATION>
              End by then, whatever happens, such as 90s or 2m
              
              Default: 90s for `init`, 10m for `install`.

          --on-failure <POLICY>
              What a failure does: `default`, `fail` or `continue`
              
              default: a required tool that could not be put in place fails the run, all else
              warns. fail: everything fails it. continue: exit 0 whatever happened; bytes that
              do not match their digest are never put on PATH either way.

          --output <FORMAT>
              Print the result as text or as JSON [default: text]

              Possible values:
              - text: For people
              - json: For programs

          --report <FILE>
              Write the report (JSON) here as well as to PREFIX/report.json

          --termination-log <FILE>
              Write one line here when the run fails, if the file is there [default:
              /dev/termination-log]

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
      bootstrap install aws-cli aws-iam-authenticator@0.5.9
      bootstrap install --list
      bootstrap install serverless --mirror 'https://artifacts.corp/{host}/{path}'
      bootstrap install --durable --prefix /opt/bootstrap --bin-dir /usr/local/bin aws-cli
      bootstrap install --offline --mirror file:///mnt/bundle aws-cli
    [exit 0]
    ");
}

#[test]
fn the_short_help_of_install() {
    let run = World::new().bootstrap(&["install", "-h"]);
    assert_snapshot!(run, @"
    Put tools in place, each checked against a pinned digest

    Usage: bootstrap install [OPTIONS] [TOOL[@VERSION]]...

    Arguments:
      [TOOL[@VERSION]]...  What to install; without a version the locked one, else the
                           catalog's default

    Options:
          --list     Show what can be installed, and stop
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Install options:
          --bin-dir <DIR>           Make links to the programs in this directory too, such as
                                    /usr/local/bin
          --slim                    Leave out what running does not need, such as the AWS
                                    CLI's examples
          --durable                 Sync the trees to disk and trust them by size and mode
                                    ever after
          --accept-existing         Leave a tool alone that is on PATH already in the wanted
                                    version
          --lock <FILE>             Read pinned versions from this file
          --locked                  Refuse what the lock does not pin
          --cache-dir <DIR>         Look for finished downloads here, and keep them [default:
                                    PREFIX/cache]
          --mirror <TEMPLATE>       Try this mirror before the vendor's address (can be
                                    repeated)
          --no-origin               Never use the vendors' addresses
          --offline                 Use no network at all: caches and file addresses alone
          --npm-registry <URL>      Download npm packages from this registry
          --ca-bundle <FILE>        Trust the certificates in this PEM file as well
          --deadline <DURATION>     End by then, whatever happens, such as 90s or 2m
          --on-failure <POLICY>     What a failure does: `default`, `fail` or `continue`
          --output <FORMAT>         Print the result as text or as JSON [default: text]
                                    [possible values: text, json]
          --report <FILE>           Write the report (JSON) here as well as to
                                    PREFIX/report.json
          --termination-log <FILE>  Write one line here when the run fails, if the file is
                                    there [default: /dev/termination-log]

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
      bootstrap install aws-cli aws-iam-authenticator@0.5.9
      bootstrap install --list
      bootstrap install serverless --mirror 'https://artifacts.corp/{host}/{path}'
      bootstrap install --durable --prefix /opt/bootstrap --bin-dir /usr/local/bin aws-cli
      bootstrap install --offline --mirror file:///mnt/bundle aws-cli
    [exit 0]
    ");
}

#[test]
fn the_help_of_env() {
    let run = World::new().bootstrap(&["env", "--help"]);
    assert_snapshot!(run, @r#"
    Print export lines for a shell to evaluate

    The lines are safe under `set -e` and `set -u`, and evaluating them twice is the same as
    once.

    Usage: bootstrap env [OPTIONS]

    Options:
          --proxy
              Export the proxy as well, with its password
              
              A delegate does not export a proxy that asks for a password; tools started from
              INIT_SCRIPT or by the delegate get nothing then. Built from PROXY_HOST,
              PROXY_PORT, PROXY_SCHEME, PROXY_USER, PROXY_PASSWORD and NO_PROXY.

          --kubeconfig
              Export KUBECONFIG as well: the file that `bootstrap kubeconfig` writes
              
              The kubectl of shell steps then enters the clusters in it, and no longer the one
              that the delegate runs in.

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

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
      eval "$(bootstrap env)"
      eval "$(bootstrap env --proxy)"        # behind a proxy that asks for a password
      eval "$(bootstrap env --kubeconfig)"   # kubectl enters the clusters of init
    [exit 0]
    "#);
}

#[test]
fn the_short_help_of_env() {
    let run = World::new().bootstrap(&["env", "-h"]);
    assert_snapshot!(run, @r#"
    Print export lines for a shell to evaluate

    Usage: bootstrap env [OPTIONS]

    Options:
          --proxy       Export the proxy as well, with its password
          --kubeconfig  Export KUBECONFIG as well: the file that `bootstrap kubeconfig` writes
      -h, --help        Print help (see more with '--help')
      -V, --version     Print version

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
      eval "$(bootstrap env)"
      eval "$(bootstrap env --proxy)"        # behind a proxy that asks for a password
      eval "$(bootstrap env --kubeconfig)"   # kubectl enters the clusters of init
    [exit 0]
    "#);
}

#[test]
fn the_help_of_token() {
    let run = World::new().bootstrap(&["token", "--help"]);
    assert_snapshot!(run, @"
    Print a token that lets kubectl into an EKS cluster

    Takes the options of `aws-iam-authenticator token` and answers as it does. Credentials
    come from the environment, IRSA, the profile, EKS Pod Identity or the node, in this order.

    Usage: bootstrap token [OPTIONS]

    Options:
      -i, --cluster-id <NAME>
              The name of the cluster; of a local cluster on an Outpost its ID
              
              Default: KUBERNETES_AWS_AUTHENTICATOR_CLUSTER_ID.

      -r, --role <ARN>
              Assume this role first [default: DEFAULT_ROLE, where it is set]

      -e, --external-id <ID>
              The external ID that the role's trust policy asks for

      -s, --session-name <NAME>
              Call the session of the role this, as audit logs show it
              
              Default: harness-delegate-NAME where DELEGATE_NAME is set, else bootstrap.

          --region <REGION>
              Sign for this region
              
              Default: AWS_REGION, AWS_DEFAULT_REGION, the profile's, else the home region of
              the role's partition (us-east-1); the instance metadata service is not asked.

          --token-only[=<BOOL>]
              Print the token alone

          --forward-session-name[=<BOOL>]
              Give the session of the role the name of the session that assumes it

          --cache[=<BOOL>]
              Keep the session of the role for the next call, in a file of mode 0600 [default:
              true]
              
              In PREFIX/cache/sessions where the prefix is there, else in
              $XDG_CACHE_HOME/bootstrap, else in ~/.kube/cache/bootstrap.

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

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
      bootstrap token -i payments --region us-east-1
      bootstrap token -i payments -r arn:aws:iam::111122223333:role/deployer -e EXTERNAL_ID
      bootstrap token -i payments --token-only

    In a kubeconfig, `command: bootstrap` with these arguments stands in for
    aws-iam-authenticator.
    [exit 0]
    ");
}

#[test]
fn the_help_of_uninstall() {
    let run = World::new().bootstrap(&["uninstall", "--help"]);
    assert_snapshot!(run, @"
    Take tools out again

    Usage: bootstrap uninstall [OPTIONS] [TOOL]...

    Arguments:
      [TOOL]...
              What to take out

    Options:
          --prune
              Drop versions that are not in use, and the downloads in PREFIX/cache

          --bin-dir <DIR>
              Take the links out of this directory too, such as /usr/local/bin
              
              Directories that an installation was told of are known.

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

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
      bootstrap uninstall serverless
      bootstrap uninstall --prune
    [exit 0]
    ");
}

#[test]
fn the_short_help_of_uninstall() {
    let run = World::new().bootstrap(&["uninstall", "-h"]);
    assert_snapshot!(run, @"
    Take tools out again

    Usage: bootstrap uninstall [OPTIONS] [TOOL]...

    Arguments:
      [TOOL]...  What to take out

    Options:
          --prune          Drop versions that are not in use, and the downloads in
                           PREFIX/cache
          --bin-dir <DIR>  Take the links out of this directory too, such as /usr/local/bin
      -h, --help           Print help (see more with '--help')
      -V, --version        Print version

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
      bootstrap uninstall serverless
      bootstrap uninstall --prune
    [exit 0]
    ");
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one text")]
fn the_help_of_verify() {
    let run = World::new().bootstrap(&["verify", "--help"]);
    assert_snapshot!(run, @"
    Check tools, credentials, roles and clusters, and say what is wrong and why

    Changes nothing. Every check ends as pass, warn, fail or skip; a check that cannot be made
    because of another is skipped, and all others are made. No wait is longer than some
    seconds.

    Usage: bootstrap verify [OPTIONS]

    Options:
          --only <CHECK>
              Make these checks alone, separated by commas (can be repeated)

          --for <KIND>
              Check what deployments of this kind take instead: `serverless`
              
              serverless: the framework in 2.x or 3.x, Node.js in the range that it takes,
              npm, the AWS CLI, and, where a role is given or a cluster has one, that it can
              be assumed. Programs are those of PREFIX/bin, else of PATH.

          --list
              Show what is checked, and stop

          --full
              Hash every file of the tools

          --output <FORMAT>
              Print the result as text or as JSON [default: text]

              Possible values:
              - text: For people
              - json: For programs

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

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

    Check options:
          --credentials <KIND>
              Where AWS must have taken the credentials from
              
              As the connector says: `irsa` (use IRSA), `iam-role` (assume the IAM role on the
              delegate), `access-key` (AWS access key), or `pod-identity`. Default: any will
              do.

          --test-region <REGION>
              The region in which the connector tries its connection
              
              Default: the home region of the partition: us-east-1, cn-north-1, us-gov-west-1,
              …

          --minimum-kubernetes <VERSION>
              The oldest Kubernetes that a cluster may have [default: 0.00]
              
              It can be raised, and not lowered: the Harness connector for EKS needs 0.00.

    Pod options:
          --pod <POD>
              Check this pod's identity: account, annotation, variables, token, age
              
              The cluster is asked, by its context of the kubeconfig: that of --cluster, else
              the one that this pod runs in. It takes the verb `get` on pods and
              serviceaccounts.

          --namespace <NAMESPACE>
              The namespace of the pod
              
              Default: that of the context. Without --pod, whether a Fargate profile takes
              pods there.

          --pod-label <LABEL>
              A label of the pod, as KEY=VALUE (can be repeated)
              
              Fargate profiles may go by labels. Default: those of --pod, else
              /etc/podinfo/labels, where the downward API has them.

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
      bootstrap verify                                       all of bootstrap.yaml
      bootstrap verify --credentials irsa --cluster payments --region us-east-1
      bootstrap verify --only credentials,role --output json
      bootstrap verify --only tools --full                   hash every file
      bootstrap verify --pod newdel-0 --namespace harness-delegate-ng --cluster payments
      bootstrap verify --for serverless --role-arn ARN       what Serverless takes
      kubectl exec POD -- /opt/harness-delegate/bootstrap/bin/bootstrap verify

    Exit codes: 0 when no check failed, 3 when one did; a warning is no failure.
    [exit 0]
    ");
}

#[test]
fn the_short_help_of_verify() {
    let run = World::new().bootstrap(&["verify", "-h"]);
    assert_snapshot!(run, @"
    Check tools, credentials, roles and clusters, and say what is wrong and why

    Usage: bootstrap verify [OPTIONS]

    Options:
          --only <CHECK>     Make these checks alone, separated by commas (can be repeated)
          --for <KIND>       Check what deployments of this kind take instead: `serverless`
          --list             Show what is checked, and stop
          --full             Hash every file of the tools
          --output <FORMAT>  Print the result as text or as JSON [default: text] [possible
                             values: text, json]
      -h, --help             Print help (see more with '--help')
      -V, --version          Print version

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

    Cluster options:
          --cluster <CLUSTER>    A cluster of Amazon EKS to deploy to (can be repeated)
          --region <REGION>      The region of the clusters that name none
          --role-arn <ARN>       Enter the one cluster as this role
          --external-id <ID>     The external ID that the role of the one cluster asks for
          --session-name <NAME>  Call the sessions of roles this, as audit logs show it
          --alias <CONTEXT>      Name the context of the one cluster like this
          --kubeconfig <FILE>    The kubeconfig that has the clusters

    Check options:
          --credentials <KIND>
              Where AWS must have taken the credentials from
          --test-region <REGION>
              The region in which the connector tries its connection
          --minimum-kubernetes <VERSION>
              The oldest Kubernetes that a cluster may have [default: 0.00]

    Pod options:
          --pod <POD>              Check this pod's identity: account, annotation, variables,
                                   token, age
          --namespace <NAMESPACE>  The namespace of the pod
          --pod-label <LABEL>      A label of the pod, as KEY=VALUE (can be repeated)

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
      bootstrap verify                                       all of bootstrap.yaml
      bootstrap verify --credentials irsa --cluster payments --region us-east-1
      bootstrap verify --only credentials,role --output json
      bootstrap verify --only tools --full                   hash every file
      bootstrap verify --pod newdel-0 --namespace harness-delegate-ng --cluster payments
      bootstrap verify --for serverless --role-arn ARN       what Serverless takes
      kubectl exec POD -- /opt/harness-delegate/bootstrap/bin/bootstrap verify

    Exit codes: 0 when no check failed, 3 when one did; a warning is no failure.
    [exit 0]
    ");
}

#[test]
fn the_help_of_completions() {
    let run = World::new().bootstrap(&["completions", "--help"]);
    assert_snapshot!(run, @"
    Print the completion script of a shell

    For bash: source <(bootstrap completions bash)

    Usage: bootstrap completions [OPTIONS] <SHELL>

    Arguments:
      <SHELL>
              The shell

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

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
    [exit 0]
    ");
}

#[test]
fn the_help_of_man() {
    let run = World::new().bootstrap(&["man", "--help"]);
    assert_snapshot!(run, @"
    Print a manual page, in roff

    To read it: bootstrap man install | man -l -

    Usage: bootstrap man [OPTIONS] [COMMAND]...

    Arguments:
      [COMMAND]...
              The command that the page is about, such as `policy check`; default: the whole
              program

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

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
    [exit 0]
    ");
}

#[test]
fn no_line_of_any_help_is_wider_than_a_terminal_of_100_columns() {
    let world = World::new();
    for command in COMMANDS {
        for flag in ["-h", "--help"] {
            let run = world.bootstrap(&[command, flag]).exits(0);
            let widest = run.stdout.lines().map(|line| line.chars().count()).max();
            assert!(widest.unwrap() <= 100, "{run}");
        }
    }
}

#[test]
fn every_command_states_its_version() {
    let world = World::new();
    let version = concat!("bootstrap ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(world.bootstrap(&["--version"]).exits(0).stdout, version);
    assert_eq!(world.bootstrap(&["-V"]).exits(0).stdout, version);
    for command in COMMANDS {
        let run = world.bootstrap(&[command, "--version"]).exits(0);
        assert!(run.stdout.contains(env!("CARGO_PKG_VERSION")), "{run}");
    }
}

#[test]
fn no_command_at_all_is_answered_with_the_help() {
    let run = World::new().bootstrap(&[]).exits(2);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("Usage: bootstrap"), "{run}");
}

#[test]
fn an_unknown_command_is_refused_with_the_one_that_was_meant() {
    let run = World::new().bootstrap(&["instal"]);
    assert_snapshot!(run, @"
    --- stderr ---
    error: unrecognized subcommand 'instal'

      tip: some similar subcommands exist: 'init', 'lint', 'uninstall', 'install'

    Usage: bootstrap [OPTIONS] <COMMAND>

    For more information, try '--help'.
    [exit 2]
    ");
}

#[test]
fn an_unknown_flag_is_refused_with_the_one_that_was_meant() {
    let run = World::new().bootstrap(&["install", "--mirrors", "x"]);
    assert_snapshot!(run, @"
    --- stderr ---
    error: unexpected argument '--mirrors' found

      tip: a similar argument exists: '--mirror'

    Usage: bootstrap install --mirror <TEMPLATE> [TOOL[@VERSION]]...

    For more information, try '--help'.
    [exit 2]
    ");
}

#[test]
fn an_invalid_value_is_refused_with_what_the_flag_takes() {
    let world = World::new();
    assert_snapshot!(world.bootstrap(&["install", "--mirror", "ftp://m", "x"]), @"
    --- stderr ---
    error: invalid value 'ftp://m' for '--mirror <TEMPLATE>': a mirror starts with https://, http:// or file:///

    For more information, try '--help'.
    [exit 2]
    ");
    assert_snapshot!(world.bootstrap(&["install", "--deadline", "soon", "x"]), @"
    --- stderr ---
    error: invalid value 'soon' for '--deadline <DURATION>': `soon` is not a length of time: it takes one like 90s, 1m30s or 500ms

    For more information, try '--help'.
    [exit 2]
    ");
    assert_snapshot!(world.bootstrap(&["install", "--on-failure", "ignore", "x"]), @"
    --- stderr ---
    error: invalid value 'ignore' for '--on-failure <POLICY>': `ignore` is not a policy: it takes `default`, `fail` or `continue`

    For more information, try '--help'.
    [exit 2]
    ");
    assert_snapshot!(world.bootstrap(&["install", "--output", "yaml", "x"]), @"
    --- stderr ---
    error: invalid value 'yaml' for '--output <FORMAT>'
      [possible values: text, json]

    For more information, try '--help'.
    [exit 2]
    ");
    assert_snapshot!(world.bootstrap(&["install", "node@latest"]), @"
    --- stderr ---
    error: invalid value 'node@latest' for '[TOOL[@VERSION]]...': `latest` is not a version: it starts with a digit, as 2.36.7 does

    For more information, try '--help'.
    [exit 2]
    ");
    assert_snapshot!(world.bootstrap(&["install", "--color", "red", "x"]), @"
    --- stderr ---
    error: invalid value 'red' for '--color <WHEN>'
      [possible values: auto, always, never]

    For more information, try '--help'.
    [exit 2]
    ");
    assert_snapshot!(world.bootstrap(&["install", "--log-format", "xml", "x"]), @"
    --- stderr ---
    error: invalid value 'xml' for '--log-format <FORMAT>'
      [possible values: text, json]

    For more information, try '--help'.
    [exit 2]
    ");
    assert_snapshot!(world.bootstrap(&["install", "-q", "-v", "x"]), @"
    --- stderr ---
    error: the argument '--quiet' cannot be used with '--verbose'

    Usage: bootstrap install --quiet <TOOL[@VERSION]>...

    For more information, try '--help'.
    [exit 2]
    ");
}

#[test]
fn each_shell_has_its_completions_and_bash_takes_them() {
    let world = World::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = world.bootstrap(&["completions", shell]).exits(0);
        assert!(run.stdout.contains("accept-existing"), "{shell}");
        assert_eq!(run.stderr, "");
    }
    let script = "source <(\"$bootstrap\" completions bash) && complete -p bootstrap";
    world.shell(&["bash"], script).exits(0);
}

#[test]
fn an_unknown_shell_is_refused_with_those_there_are() {
    let run = World::new().bootstrap(&["completions", "tcsh"]);
    assert_snapshot!(run, @"
    --- stderr ---
    error: invalid value 'tcsh' for '<SHELL>': it takes bash, elvish, fish, powershell, zsh

    For more information, try '--help'.
    [exit 2]
    ");
}

#[test]
fn every_command_has_a_manual_page() {
    let world = World::new();
    let whole = world.bootstrap(&["man"]).exits(0).stdout;
    assert!(whole.contains(".TH bootstrap 1"), "{whole}");
    for command in COMMANDS {
        let page = world.bootstrap(&["man", command]).exits(0).stdout;
        assert!(
            page.contains(&format!(".TH bootstrap-{command} 1")),
            "{page}"
        );
        assert!(page.contains(".SH OPTIONS"), "{page}");
    }
}

#[test]
fn a_manual_page_of_an_unknown_command_is_refused() {
    let run = World::new().bootstrap(&["man", "verfiy"]);
    assert_snapshot!(run, @"
    --- stderr ---
    error: there is no command `verfiy`
    hint: it takes init, install, env, kubeconfig, token, uninstall, verify, patch, lint, lock, bundle, policy, completions, man
    [exit 2]
    ");
}

#[test]
fn a_reader_that_goes_away_ends_the_run_in_silence() {
    let world = World::new();
    for args in [
        "--help",
        "install --list",
        "completions bash",
        "man install",
        "env",
    ] {
        // The reader is gone before anything is written.
        let script =
            format!("{{ sleep 0.05; \"$bootstrap\" {args}; echo \"exit $?\" >&2; }} | true");
        let run = world.shell(&["bash"], &script).exits(0);
        assert_eq!(run.stderr, "exit 0\n", "{args}");
    }
    let script = "set -o pipefail; \"$bootstrap\" completions bash | head -c1";
    let run = world.shell(&["bash"], script).exits(0);
    assert_eq!((run.stdout.len(), run.stderr.as_str()), (1, ""));
}

#[test]
fn a_full_standard_output_is_a_failure_of_this_machine() {
    let world = World::new();
    for args in [
        &["--help"][..],
        &["install", "--list"],
        &["man"],
        &["env"],
        &["completions", "zsh"],
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = world.command(args);
        command.stdout(full).stderr(Stdio::piped());
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {message}");
        let expected = "error: cannot write the result to standard output\n\
                        caused by: No space left on device (os error 28)\n";
        assert_eq!(message, expected);
    }
}

#[test]
fn the_short_help_of_patch() {
    let run = World::new().bootstrap(&["patch", "-h"]);
    assert_snapshot!(run, @r#"
    Change a delegate's manifest for IRSA and for INIT_SCRIPT

    Usage: bootstrap patch [OPTIONS] [FILE|DIR|-]...

    Arguments:
      [FILE|DIR|-]...  Files, directories with manifests, or `-` for standard input (the
                       default)

    Options:
          --delegate <NAME>        Change this delegate, where there are several
          --namespace <NAMESPACE>  Say the delegate's namespace, where the manifest leaves it
                                   to kubectl
          --remove                 Take out what was put in
      -h, --help                   Print help (see more with '--help')
      -V, --version                Print version

    Output:
      -i, --in-place            Replace the files, each whole, instead of printing the result
      -o, --output-file <FILE>  Write the result here instead of printing it; `-` prints it
          --diff                Print a unified diff instead of the result
          --check               Write nothing; print the diff and exit with 3 when something
                                would change

    IRSA:
          --irsa-role-arn <ARN>
              Give the delegate this role, by way of its ServiceAccount
          --service-account <NAME>
              Run as this ServiceAccount, made where there is none
          --binding <NAME>
              Add the account to these bindings alone (can be repeated)
          --replace-subject
              Put the account in the place of the present one in the bindings
          --sts-regional-endpoints [<true|false>]
              Whether STS is called in the pod's own region [possible values: true, false]
          --token-expiration <SECONDS>
              Seconds that a token is good for, 600 to 86400 [default: 86400]
          --audience <AUDIENCE>
              The audience of the token [default: sts.amazonaws.com]

    INIT_SCRIPT:
          --delivery <HOW>
              How the program comes into the pod; without it INIT_SCRIPT is left alone
              [possible values: script, init-container, image]
          --tools <TOOL[@VERSION]>
              What to install at start, separated by commas (can be repeated)
          --cluster <CLUSTER>
              A cluster for the kubeconfig (can be repeated)
          --bootstrap-url <URL>
              Where INIT_SCRIPT downloads the program; {arch} stands for amd64 or arm64
          --bootstrap-sha256 <ARCH=HEX>
              The SHA-256 of the program for amd64 or arm64 (can be repeated)
          --bootstrap-image <IMAGE>
              The image of the init container, with `bootstrap` on its PATH
          --init-script <POLICY>
              What becomes of a script that is there [default: merge] [possible values: merge,
              replace, keep]

    Pod:
          --region <REGION>           Set the region of the AWS tools
          --fargate                   The pods run on Fargate: ask no instance metadata for
                                      credentials
          --startup-budget <SECONDS>  Let the startup probe wait for at least this long, where
                                      there is one

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
      bootstrap patch delegate.yaml --irsa-role-arn ARN | kubectl apply -f -
      bootstrap patch delegate.yaml --irsa-role-arn ARN --diff
      bootstrap patch manifests/ --irsa-role-arn ARN --in-place
      bootstrap patch delegate.yaml --tools aws-cli,serverless@2.50.0 \
        --bootstrap-url 'https://artifacts.corp/bootstrap-{arch}' \
        --bootstrap-sha256 amd64=HEX --bootstrap-sha256 arm64=HEX
      bootstrap patch delegate.yaml --remove
      helm template … | bootstrap patch --irsa-role-arn ARN -

    Lines that need not change keep every byte. The same run again changes nothing.
    [exit 0]
    "#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one text")]
fn the_help_of_lock() {
    assert_snapshot!(World::new().bootstrap(&["lock", "--help"]), @"
    Pin versions in bootstrap.lock, for every platform, each with its proof

    What the lock has stays. What it lacks comes from the catalog; versions that the catalog
    lacks are proved by what their vendor publishes, over https: a signature for the AWS CLI,
    lists of checksums for the others. What nothing vouches for is refused. Downloads stay in
    the cache for the installation. Without names, the tools of bootstrap.yaml and of the
    lock, and what they need.

    Usage: bootstrap lock [OPTIONS] [TOOL[@VERSION|@latest]]...

    Arguments:
      [TOOL[@VERSION|@latest]]...
              What to pin; without a version the locked one, else the catalog's default
              
              `latest` asks the vendor; of Node.js it is the newest long-term version.

    Options:
          --update
              Move tools without a version to their latest, and prove anew what the catalog
              lacks

          --check
              Say what the lock lacks, write nothing, ask nobody; exit code 3 when it is stale

          --diff
              Show what would change as a diff, and write nothing

          --from <FILE>
              Pin this file: an artifact, or the package-lock.json (version 2 or 3) of an npm
              tool
              
              The lock names an artifact by its path. A package lock is copied beside the
              lock.

          --platform <PLATFORM>
              What FILE is for: linux/amd64, linux/arm64 or any [default: this machine]

          --trust-on-first-use
              Pin what nothing vouches for as it comes, and say so in the lock
              
              Never where something speaks against it: a bad signature or another digest.

          --signing-key <FILE>
              Check signatures by the OpenPGP key in this file, and not by the vendor's

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Lock options:
          --lock <FILE>
              Write this lock
              
              Default: bootstrap.lock beside bootstrap.yaml, else in the working directory.

          --cache-dir <DIR>
              Keep downloads here, where an installation finds them [default: PREFIX/cache]

          --mirror <TEMPLATE>
              Ask this mirror before the vendor (can be repeated)
              
              {host} and {path} stand for those of the vendor's address. What has no digest
              yet, such as lists of checksums, is asked of https mirrors with these alone, and
              the mirror then vouches for it; a signature is checked whoever gives it.

          --no-origin
              Never use the vendors' addresses

          --offline
              Use no network at all: the catalog, the lock and files alone

          --ca-bundle <FILE>
              Trust the certificates in this PEM file as well

          --deadline <DURATION>
              End by then, whatever happens, such as 90s or 2m [default: 10m]

          --output <FORMAT>
              Print the result as text or as JSON [default: text]

              Possible values:
              - text: For people
              - json: For programs

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
      bootstrap lock aws-cli aws-iam-authenticator@0.5.9 serverless@2.50.0
      bootstrap lock aws-cli@latest                     checked by AWS's signature
      bootstrap lock --update --diff
      bootstrap lock --check                            in CI: exit code 3 when it is stale
      bootstrap lock serverless --from package-lock.json
      bootstrap install --locked

    A pin says what vouches for it: signature KEY, catalog, checksums URL, bundle, file,
    trust-on-first-use.
    [exit 0]
    ");
}

#[test]
fn the_short_help_of_lock() {
    assert_snapshot!(World::new().bootstrap(&["lock", "-h"]), @"
    Pin versions in bootstrap.lock, for every platform, each with its proof

    Usage: bootstrap lock [OPTIONS] [TOOL[@VERSION|@latest]]...

    Arguments:
      [TOOL[@VERSION|@latest]]...  What to pin; without a version the locked one, else the
                                   catalog's default

    Options:
          --update               Move tools without a version to their latest, and prove anew
                                 what the catalog lacks
          --check                Say what the lock lacks, write nothing, ask nobody; exit code
                                 3 when it is stale
          --diff                 Show what would change as a diff, and write nothing
          --from <FILE>          Pin this file: an artifact, or the package-lock.json (version
                                 2 or 3) of an npm tool
          --platform <PLATFORM>  What FILE is for: linux/amd64, linux/arm64 or any [default:
                                 this machine]
          --trust-on-first-use   Pin what nothing vouches for as it comes, and say so in the
                                 lock
          --signing-key <FILE>   Check signatures by the OpenPGP key in this file, and not by
                                 the vendor's
      -h, --help                 Print help (see more with '--help')
      -V, --version              Print version

    Lock options:
          --lock <FILE>          Write this lock
          --cache-dir <DIR>      Keep downloads here, where an installation finds them
                                 [default: PREFIX/cache]
          --mirror <TEMPLATE>    Ask this mirror before the vendor (can be repeated)
          --no-origin            Never use the vendors' addresses
          --offline              Use no network at all: the catalog, the lock and files alone
          --ca-bundle <FILE>     Trust the certificates in this PEM file as well
          --deadline <DURATION>  End by then, whatever happens, such as 90s or 2m [default:
                                 10m]
          --output <FORMAT>      Print the result as text or as JSON [default: text] [possible
                                 values: text, json]

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
      bootstrap lock aws-cli aws-iam-authenticator@0.5.9 serverless@2.50.0
      bootstrap lock aws-cli@latest                     checked by AWS's signature
      bootstrap lock --update --diff
      bootstrap lock --check                            in CI: exit code 3 when it is stale
      bootstrap lock serverless --from package-lock.json
      bootstrap install --locked

    A pin says what vouches for it: signature KEY, catalog, checksums URL, bundle, file,
    trust-on-first-use.
    [exit 0]
    ");
}

#[test]
fn the_help_of_lint() {
    let run = World::new().bootstrap(&["lint", "--help"]);
    assert_snapshot!(run, @"
    Find what would fail in a delegate's manifest, before the cluster does

    All files together are one set of objects, as they would be applied.

    Usage: bootstrap lint [OPTIONS] [FILE|DIR|-]...

    Arguments:
      [FILE|DIR|-]...
              Files, directories with manifests, or `-` for standard input (the default)

    Options:
          --output <FORMAT>
              Print the result as text or as JSON [default: text]

              Possible values:
              - text: For people
              - json: For programs

          --kubernetes <1.MINOR>
              Take APIs that this version of Kubernetes still has
              
              Default: APIs that any version has removed are found.

          --list-rules
              Print the rules and what to do about each

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

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
      bootstrap lint delegate.yaml
      bootstrap lint manifests/ --kubernetes 0.00
      helm template … | bootstrap lint --output json
      bootstrap lint --list-rules

    A comment on the line of a finding, or above it, silences it:
      # bootstrap lint: ignore RULE: REASON

    Exit code 3 when something was found, warnings included.
    [exit 0]
    ");
}

#[test]
fn the_short_help_of_bundle() {
    let world = World::new();
    assert_snapshot!(world.bootstrap(&["bundle", "-h"]), @"
    Make and check bundles: all that a lock pins, as a mirror to carry away

    Usage: bootstrap bundle [OPTIONS] <COMMAND>

    Commands:
      create  Make a bundle of what a lock pins: a directory or one tar
      verify  Hash every file of a bundle again, and say what is missing, altered or too many
      list    Show what a bundle has: tools, versions, platforms, sizes and digests

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Global options:
          --config <FILE>        Read bootstrap.yaml from here
          --prefix <DIR>         Install below this directory
          --color <WHEN>         Use colour [default: auto] [possible values: auto, always,
                                 never]
          --log-format <FORMAT>  Write messages as text or as JSON lines [default: text]
                                 [possible values: text, json]
      -q, --quiet                Say errors and warnings alone
      -v, --verbose              Say every detail
    [exit 0]
    ");
    assert_snapshot!(world.bootstrap(&["bundle", "create", "-h"]), @"
    Make a bundle of what a lock pins: a directory or one tar

    Usage: bootstrap bundle create [OPTIONS] [TOOL[@VERSION]]...

    Arguments:
      [TOOL[@VERSION]]...  What to bundle, with all that it needs [default: all that the lock
                           pins]

    Options:
          --platform <PLATFORM>  Bundle for this platform: linux/amd64 or linux/arm64 (can be
                                 repeated)
      -h, --help                 Print help (see more with '--help')
      -V, --version              Print version

    Bundle options:
      -o, --output-path <DIR|FILE.tar>  Make the bundle here: a directory, or one tar where
                                        the name ends in .tar
          --tar                         Make one tar, whatever its name
          --replace                     Let another bundle that is there give way
          --lock <FILE>                 Bundle what this lock pins
          --cache-dir <DIR>             Look for finished downloads here, and keep them
                                        [default: PREFIX/cache]
          --mirror <TEMPLATE>           Try this mirror before the vendor's address (can be
                                        repeated)
          --no-origin                   Never use the vendors' addresses
          --offline                     Use no network at all: caches and file addresses alone
          --npm-registry <URL>          Download npm packages from this registry
          --ca-bundle <FILE>            Trust the certificates in this PEM file as well
          --deadline <DURATION>         End by then, whatever happens, such as 90s or 2m
                                        [default: 30m]

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
      bootstrap bundle create                                  all of the lock, into ./bundle
      bootstrap bundle create --platform linux/amd64 -o tools.tar serverless
      SOURCE_DATE_EPOCH=1700000000 bootstrap bundle create -o tools.tar

    Use it where it was carried to (a tar is unpacked first):
      bootstrap init --offline --mirror file:///mnt/bundle --lock /mnt/bundle/bootstrap.lock
      bootstrap init --no-origin --mirror https://mirror.corp/bundle --lock bootstrap.lock
    [exit 0]
    ");
}

#[test]
fn the_short_help_of_the_commands_that_look_at_bundles() {
    let world = World::new();
    assert_snapshot!(world.bootstrap(&["bundle", "verify", "-h"]), @"
    Hash every file of a bundle again, and say what is missing, altered or too many

    Usage: bootstrap bundle verify [OPTIONS] <DIR|FILE.tar>

    Arguments:
      <DIR|FILE.tar>  The bundle

    Options:
          --output <FORMAT>  Print the result as text or as JSON [default: text] [possible
                             values: text, json]
      -h, --help             Print help (see more with '--help')
      -V, --version          Print version

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
      bootstrap bundle verify /mnt/bundle
      bootstrap bundle verify tools.tar --output json

    Exit code 3 when a file is missing, altered or not in the lock, 6 when the lock itself is
    broken.
    [exit 0]
    ");
    assert_snapshot!(world.bootstrap(&["bundle", "list", "-h"]), @"
    Show what a bundle has: tools, versions, platforms, sizes and digests

    Usage: bootstrap bundle list [OPTIONS] <DIR|FILE.tar>

    Arguments:
      <DIR|FILE.tar>  The bundle

    Options:
          --output <FORMAT>  Print the result as text or as JSON [default: text] [possible
                             values: text, json]
      -h, --help             Print help (see more with '--help')
      -V, --version          Print version

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
      bootstrap bundle list /mnt/bundle
      bootstrap bundle list tools.tar --output json
    [exit 0]
    ");
}
