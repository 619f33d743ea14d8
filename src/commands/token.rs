//! `bootstrap token`: what kubectl runs to enter a cluster, in the place of
//! `aws-iam-authenticator token`.

pub mod authenticator;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use crate::arn::{ExternalId, Partition, Region, RoleArn, SessionName};
use crate::cluster::assumable;
use crate::cluster::exec_credential::ApiVersion;
use crate::cluster::session::{Entry, Naming, Sessions, default_name};
use crate::cluster::token::{ClusterId, Token, sign_token};
use crate::context::Context;
use crate::error::{Error, Look, chain, note, render};
use crate::options::{GlobalFlags, Layers, NetworkFlags};
use crate::report::Verbosity;

/// A person waits for kubectl meanwhile.
const BUDGET: Duration = Duration::from_secs(30);

const EXAMPLES: &str = "\
Examples:
  bootstrap token -i payments --region us-east-1
  bootstrap token -i payments -r arn:aws:iam::111122223333:role/deployer -e EXTERNAL_ID
  bootstrap token -i payments --token-only

In a kubeconfig, `command: bootstrap` with these arguments stands in for aws-iam-authenticator.";

/// Print a token that lets kubectl into an EKS cluster
///
/// Takes the options of `aws-iam-authenticator token` and answers as it does. Credentials come from
/// the environment, IRSA, the profile, EKS Pod Identity or the node, in this order.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    cluster: ClusterFlag,
    #[command(flatten)]
    flags: Flags,
    #[command(flatten)]
    network: NetworkFlags,
}

/// The option that may also stand before the command, as there.
#[derive(Clone, Debug, clap::Args)]
pub struct ClusterFlag {
    /// The name of the cluster; of a local cluster on an Outpost its ID
    ///
    /// Default: KUBERNETES_AWS_AUTHENTICATOR_CLUSTER_ID.
    #[arg(short = 'i', long, value_name = "NAME", global = true)]
    cluster_id: Option<Given<ClusterId>>,
}

/// The other options of `aws-iam-authenticator token`. An empty value counts as none, as there.
#[derive(Clone, Debug, clap::Args)]
pub struct Flags {
    /// Assume this role first [default: DEFAULT_ROLE, where it is set]
    #[arg(short, long, value_name = "ARN")]
    role: Option<Given<RoleArn>>,

    /// The external ID that the role's trust policy asks for
    #[arg(short, long, value_name = "ID")]
    external_id: Option<Given<ExternalId>>,

    /// Call the session of the role this, as audit logs show it
    ///
    /// Default: harness-delegate-NAME where DELEGATE_NAME is set, else bootstrap.
    #[arg(
        short,
        long,
        value_name = "NAME",
        conflicts_with = "forward_session_name"
    )]
    session_name: Option<Given<SessionName>>,

    /// Sign for this region
    ///
    /// Default: AWS_REGION, AWS_DEFAULT_REGION, the profile's, else the home region of the role's
    /// partition (us-east-1); the instance metadata service is not asked.
    #[arg(long, value_name = "REGION")]
    region: Option<Given<Region>>,

    /// Print the token alone
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, hide_possible_values = true, action = clap::ArgAction::Set)]
    token_only: bool,

    /// Give the session of the role the name of the session that assumes it
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, hide_possible_values = true, action = clap::ArgAction::Set)]
    forward_session_name: bool,

    /// Keep the session of the role for the next call, in a file of mode 0600 [default: true]
    ///
    /// In PREFIX/cache/sessions where the prefix is there, else in $XDG_CACHE_HOME/bootstrap, else
    /// in ~/.kube/cache/bootstrap.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, hide_default_value = true, hide_possible_values = true, action = clap::ArgAction::Set)]
    cache: bool,
}

/// A value, or nothing where the text is empty: templates write `-r ""`.
#[derive(Clone, Debug)]
struct Given<T>(Option<T>);

impl<T: FromStr> FromStr for Given<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        text.parse().map(|value| Self(Some(value)))
    }
}

/// Prints the token.
pub fn run(context: &Context, global: &GlobalFlags, args: Args) -> Result<ExitCode, Error> {
    let look = global.look(context);
    let wanted = Wanted::new(context, args.cluster, args.flags)?;
    let Some(cluster) = wanted.cluster.clone() else {
        let hint = "name it with -i, or in KUBERNETES_AWS_AUTHENTICATOR_CLUSTER_ID";
        return Err(Error::usage("no cluster is named").with_hint(Some(hint.to_owned())));
    };
    let text = wanted.answer(context, global, &args.network, &cluster, look)?;
    context.print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// What is asked for, once flags and variables are merged.
#[derive(Debug)]
pub struct Wanted {
    /// The cluster; none when nobody named one.
    pub cluster: Option<ClusterId>,
    role: Option<RoleArn>,
    external_id: Option<ExternalId>,
    naming: Naming,
    region: Option<Region>,
    token_only: bool,
    cache: bool,
}

impl Wanted {
    /// Merges the flags with the variables that aws-iam-authenticator reads.
    pub fn new(context: &Context, cluster: ClusterFlag, flags: Flags) -> Result<Self, Error> {
        let default = default_name(context.variable("DELEGATE_NAME"));
        let given = flags.session_name.and_then(|name| name.0);
        Ok(Self {
            cluster: merged(
                context,
                cluster.cluster_id,
                "KUBERNETES_AWS_AUTHENTICATOR_CLUSTER_ID",
            )?,
            role: merged(context, flags.role, "DEFAULT_ROLE")?,
            external_id: flags.external_id.and_then(|id| id.0),
            naming: if flags.forward_session_name {
                Naming::Forwarded(default)
            } else {
                Naming::Named(given.unwrap_or(default))
            },
            region: flags.region.and_then(|region| region.0),
            token_only: flags.token_only,
            cache: flags.cache,
        })
    }

    /// The token as it is printed.
    pub fn answer(
        &self,
        context: &Context,
        global: &GlobalFlags,
        network: &NetworkFlags,
        cluster: &ClusterId,
        look: Look,
    ) -> Result<String, Error> {
        let token = self.token(context, global, network, cluster, look)?;
        if self.token_only {
            return Ok(format!("{}\n", token.text.expose()));
        }
        let info = context.variable("KUBERNETES_EXEC_INFO");
        let (version, remark) = ApiVersion::negotiate(info);
        if let Some(remark) = remark {
            context.say(&render(&chain(&remark), None, false, look));
        }
        Ok(version.answer(&token))
    }

    fn token(
        &self,
        context: &Context,
        global: &GlobalFlags,
        network: &NetworkFlags,
        cluster: &ClusterId,
        look: Look,
    ) -> Result<Token, Error> {
        let layers = Layers::of_plugin(context, global)?;
        let is_verbose = layers.verbosity()? == Verbosity::Verbose;
        let detail = |text: &str| {
            if is_verbose {
                context.say(&note(text, look));
            }
        };
        let aws = layers.aws(self.region.clone(), network)?;
        let deadline = layers.deadline(network.deadline, BUDGET)?;
        let named = aws.region()?;
        let home = || {
            let partition = self.role.as_ref().map(|role| role.partition);
            Region::from(partition.unwrap_or(Partition::Aws))
        };
        let origin = named.as_ref().map_or_else(
            || "no region is named, so the home of the partition".to_owned(),
            |(_, source)| format!("named by {source}"),
        );
        let region = named.map_or_else(home, |(region, _)| region);
        if let Some(role) = &self.role {
            assumable(role, &region).map_err(|error| Error::usage(error.to_string()))?;
        }
        let host = aws.sts_host(&region)?;
        detail(&format!(
            "cluster {cluster}, signed for {host}; region {region} ({origin})"
        ));
        let identity = match &self.role {
            None => aws.identity(deadline)?,
            Some(role) => {
                let sessions = Sessions {
                    directory: self.cache.then(|| directory(context, &layers)).flatten(),
                    holder: context.holder("token"),
                };
                let entry = Entry {
                    role,
                    external_id: self.external_id.as_ref(),
                    naming: &self.naming,
                    region: &region,
                };
                if is_verbose && let Ok(base) = aws.identity(deadline) {
                    detail(&format!("assuming {role} with {}", base.shown()));
                }
                sessions.enter(&aws, &entry, deadline)?
            }
        };
        detail(&format!("signing with {}", identity.shown()));
        let token = sign_token(&identity, &host, &region, cluster, context.now())?;
        detail(&format!("the token is valid until {}", token.expires));
        Ok(token)
    }
}

fn merged<T: FromStr<Err: std::fmt::Display>>(
    context: &Context,
    flag: Option<Given<T>>,
    variable: &str,
) -> Result<Option<T>, Error> {
    if let Some(value) = flag.and_then(|flag| flag.0) {
        return Ok(Some(value));
    }
    let Some(text) = context.variable(variable) else {
        return Ok(None);
    };
    let value = text.parse().map(Some);
    value.map_err(|error| Error::usage(format!("invalid value for {variable}: {error}")))
}

/// Where sessions are kept: in the prefix, which belongs to one pod and goes with it, else where
/// kubectl keeps what it knows of clusters. Nowhere without a home.
fn directory(context: &Context, layers: &Layers<'_>) -> Option<PathBuf> {
    if let Some(prefix) = layers.writable_prefix() {
        return Some(prefix.cache().join("sessions"));
    }
    let absolute = |name| {
        let path = context.variable(name).map(Path::new);
        path.filter(|path| path.is_absolute())
    };
    let cache = absolute("XDG_CACHE_HOME").map(Path::to_owned);
    let cache = cache.or_else(|| Some(absolute("HOME")?.join(".kube/cache")));
    Some(cache?.join("bootstrap/sessions"))
}
