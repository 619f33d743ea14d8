//! The flags that commands share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::BackoffFlags;
use crate::arn::{ExternalId, Region, RoleArn, SessionName};
use crate::cluster::version::Minimum;
use crate::cluster::{Alias, Cluster};
use crate::config::OnFailure;
use crate::context::Context;
use crate::error::Look;
use crate::report::{LogFormat, Verbosity};
use crate::timespan::Timespan;
use crate::tools::mirror::MirrorTemplate;
use crate::verify::CredentialKind;

/// How a result is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The options of every command.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub struct GlobalFlags {
    /// Read bootstrap.yaml from here
    ///
    /// Default: bootstrap.yaml in $WORKING_DIR, else in the working directory, where there is one.
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,

    /// Install below this directory
    ///
    /// Default: $WORKING_DIR/bootstrap (or /opt/harness-delegate/bootstrap) where that can be
    /// written, else $XDG_DATA_HOME/bootstrap, else ~/.local/share/bootstrap.
    #[arg(long, value_name = "DIR", global = true)]
    pub prefix: Option<PathBuf>,

    /// Use colour [default: auto]
    #[arg(long, value_name = "WHEN", global = true, value_enum)]
    pub color: Option<Color>,

    /// Write messages as text or as JSON lines [default: text]
    #[arg(long, value_name = "FORMAT", global = true, value_enum)]
    pub log_format: Option<LogFormat>,

    /// Say errors and warnings alone
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say every detail
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

impl GlobalFlags {
    /// How errors and warnings look: asked before the variables are checked, so that a mistake in
    /// one of them can be told.
    pub fn look(&self, context: &Context) -> Look {
        let format = context.variable("BOOTSTRAP_LOG_FORMAT");
        let format = format.and_then(|text| LogFormat::from_str(text, true).ok());
        if self.log_format.or(format) == Some(LogFormat::Json) {
            return Look::Json;
        }
        if self.is_colored(context, context.stderr_is_terminal) {
            Look::Color
        } else {
            Look::Plain
        }
    }

    /// Whether the result on standard output is coloured.
    pub fn colors_stdout(&self, context: &Context) -> bool {
        self.is_colored(context, context.stdout_is_terminal)
    }

    fn is_colored(&self, context: &Context, is_terminal: bool) -> bool {
        let color = context.variable("BOOTSTRAP_COLOR");
        let color = color.and_then(|text| Color::from_str(text, true).ok());
        match self.color.or(color).unwrap_or_default() {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && context.variable("NO_COLOR").is_none(),
        }
    }

    /// How much is said.
    pub fn verbosity(&self) -> Option<Verbosity> {
        match (self.quiet, self.verbose) {
            (true, _) => Some(Verbosity::Quiet),
            (_, true) => Some(Verbosity::Verbose),
            _ => None,
        }
    }
}

/// The options of the commands that use the network and install nothing.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Network options")]
pub struct NetworkFlags {
    /// Use no network at all: what AWS would have to be asked fails
    #[arg(long)]
    pub offline: bool,

    /// Trust the certificates in this PEM file as well
    #[arg(long, value_name = "FILE")]
    pub ca_bundle: Option<PathBuf>,

    /// End by then, whatever happens, such as 30s or 2m
    ///
    /// Default: 30s for `token`, 1m for `kubeconfig`, `verify` and `policy`.
    #[arg(long, value_name = "DURATION")]
    pub deadline: Option<Timespan>,

    /// The waits between tries.
    #[command(flatten)]
    pub backoff: BackoffFlags,
}

/// Which clusters are meant.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Cluster options")]
pub struct ClusterFlags {
    /// A cluster of Amazon EKS to deploy to (can be repeated)
    ///
    /// A name, an ARN, or name=NAME,region=REGION,role-arn=ARN,external-id=ID,alias=CONTEXT.
    /// Default: BOOTSTRAP_CLUSTERS (separated by blanks), else the clusters of bootstrap.yaml.
    #[arg(long, value_name = "CLUSTER")]
    pub cluster: Vec<Cluster>,

    /// The region of the clusters that name none
    ///
    /// Default: AWS_REGION, AWS_DEFAULT_REGION, else that of the AWS profile.
    #[arg(long, value_name = "REGION")]
    pub region: Option<Region>,

    /// Enter the one cluster as this role
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<RoleArn>,

    /// The external ID that the role of the one cluster asks for
    #[arg(long, value_name = "ID")]
    pub external_id: Option<ExternalId>,

    /// Call the sessions of roles this, as audit logs show it
    ///
    /// Default: harness-delegate-NAME where DELEGATE_NAME is set, else bootstrap.
    #[arg(long, value_name = "NAME")]
    pub session_name: Option<SessionName>,

    /// Name the context of the one cluster like this
    #[arg(long, value_name = "CONTEXT")]
    pub alias: Option<Alias>,

    /// The kubeconfig that has the clusters
    ///
    /// Default: $KUBECONFIG, else PREFIX/kubeconfig in a delegate, else ~/.kube/config.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
}

/// What a delegate's access to AWS and its clusters must be like.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Check options")]
pub struct CheckFlags {
    /// Where AWS must have taken the credentials from
    ///
    /// As the connector says: `irsa` (use IRSA), `iam-role` (assume the IAM role on the delegate),
    /// `access-key` (AWS access key), or `pod-identity`. Default: any will do.
    #[arg(long, value_name = "KIND")]
    pub credentials: Option<CredentialKind>,

    /// The region in which the connector tries its connection
    ///
    /// Default: the home region of the partition: us-east-1, cn-north-1, us-gov-west-1, …
    #[arg(long, value_name = "REGION")]
    pub test_region: Option<Region>,

    /// The oldest Kubernetes that a cluster may have [default: 1.22]
    ///
    /// It can be raised, and not lowered: the Harness connector for EKS needs 1.22.
    #[arg(long, value_name = "VERSION")]
    pub minimum_kubernetes: Option<Minimum>,
}

/// The options of the commands that install.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Install options")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct InstallFlags {
    /// Make links to the programs in this directory too, such as /usr/local/bin
    #[arg(long, value_name = "DIR")]
    pub bin_dir: Option<PathBuf>,

    /// Leave out what running does not need, such as the AWS CLI's examples
    #[arg(long)]
    pub slim: bool,

    /// Sync the trees to disk and trust them by size and mode ever after
    ///
    /// For image builds and persistent volumes: the receipt then holds after a reboot and when a
    /// layer's times were clamped, and nothing is hashed at start.
    #[arg(long)]
    pub durable: bool,

    /// Leave a tool alone that is on PATH already in the wanted version
    #[arg(long)]
    pub accept_existing: bool,

    /// Read pinned versions from this file
    ///
    /// Default: bootstrap.lock beside bootstrap.yaml, else in the working directory, where there
    /// is one; what it does not pin comes from the compiled-in catalog.
    #[arg(long, value_name = "FILE")]
    pub lock: Option<PathBuf>,

    /// Refuse what the lock does not pin
    #[arg(long)]
    pub locked: bool,

    /// Look for finished downloads here, and keep them [default: PREFIX/cache]
    #[arg(long, value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,

    /// Try this mirror before the vendor's address (can be repeated)
    ///
    /// {host} and {path} stand for those of the vendor's address, {alg} and {hex} for the pinned
    /// digest; without any of them /{alg}/{hex} is appended. https, http and file addresses will
    /// do: the digest decides. Credentials come from ~/.netrc (or $NETRC).
    #[arg(long, value_name = "TEMPLATE")]
    pub mirror: Vec<MirrorTemplate>,

    /// Never use the vendors' addresses
    #[arg(long)]
    pub no_origin: bool,

    /// Use no network at all: caches and file addresses alone
    #[arg(long)]
    pub offline: bool,

    /// Download npm packages from this registry
    ///
    /// Default: NPM_CONFIG_REGISTRY, else the registry of ~/.npmrc, else npm's own default.
    #[arg(long, value_name = "URL")]
    pub npm_registry: Option<String>,

    /// Trust the certificates in this PEM file as well
    #[arg(long, value_name = "FILE")]
    pub ca_bundle: Option<PathBuf>,

    /// End by then, whatever happens, such as 90s or 2m
    ///
    /// Default: 90s for `init`, 10m for `install`.
    #[arg(long, value_name = "DURATION")]
    pub deadline: Option<Timespan>,

    /// What a failure does: `default`, `fail` or `continue`
    ///
    /// default: a required tool that could not be put in place fails the run, all else warns.
    /// fail: everything fails it. continue: exit 0 whatever happened; bytes that do not match
    /// their digest are never put on PATH either way.
    #[arg(long, value_name = "POLICY")]
    pub on_failure: Option<OnFailure>,

    /// Print the result as text or as JSON [default: text]
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub output: Option<Output>,

    /// Write the report (JSON) here as well as to PREFIX/report.json
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// Write one line here when the run fails, if the file is there [default: /dev/termination-log]
    #[arg(long, value_name = "FILE")]
    pub termination_log: Option<PathBuf>,

    /// The waits between tries.
    #[command(flatten)]
    pub backoff: BackoffFlags,
}

impl InstallFlags {
    /// Those of them that concern the network.
    pub fn network(&self) -> NetworkFlags {
        NetworkFlags {
            offline: self.offline,
            ca_bundle: self.ca_bundle.clone(),
            deadline: self.deadline,
            backoff: self.backoff.clone(),
        }
    }
}
