//! `bootstrap policy trust irsa`: a role for service accounts of an EKS cluster.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::{TrustLimit, note, print};
use crate::arn::{AccountId, Partition, Region, RoleArn};
use crate::cluster::Cluster;
use crate::context::Context;
use crate::delegate::names::{AccountName, NamespaceName};
use crate::delegate::wearer::{Given, Wearer, wearer};
use crate::error::{self, Error};
use crate::fault::Fault;
use crate::options::{
    CheckFlags, ClusterFlags, GlobalFlags, Issuing, Layers, NetworkFlags, read_inputs,
};
use crate::policy::agree::{Found, account, partition};
use crate::policy::issuer::{InvalidIssuer, Issuer};
use crate::policy::subject::{AccountPattern, NamespacePattern, Subject};
use crate::policy::trust::{Audience, WebIdentity};
use crate::report::Verbosity;
use crate::yaml::Stream;

/// A person waits for it.
const BUDGET: Duration = Duration::from_mins(1);

const EXAMPLES: &str = "\
Examples:
  bootstrap policy trust irsa --cluster payments --service-account harness:delegate
  bootstrap policy trust irsa --oidc-issuer URL --account ID --from delegate.yaml
  bootstrap patch delegate.yaml --irsa-role-arn ARN |
    bootstrap policy trust irsa --cluster payments --from - >trust.json
  aws iam create-role --role-name delegate --assume-role-policy-document file://trust.json

With --oidc-issuer nothing is asked of the network.";

/// Print the trust policy of a role for a delegate's service account (IRSA)
///
/// The issuer is that of the cluster, asked of EKS, or the one that is named. With --from, namespace
/// and service account are those that `bootstrap patch` with the same options gives the delegate,
/// and account and audience those of the annotations.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(group = clap::ArgGroup::new("source").required(true).args(["cluster", "oidc_issuer"]))]
pub(super) struct Args {
    /// The cluster: its name or ARN, or name=…,region=…,role-arn=…,external-id=…
    #[arg(long, value_name = "CLUSTER")]
    cluster: Option<Cluster>,
    /// The region of the cluster
    ///
    /// Default: AWS_REGION, AWS_DEFAULT_REGION, else that of the AWS profile.
    #[arg(long, value_name = "REGION", conflicts_with = "oidc_issuer")]
    region: Option<Region>,
    /// The address of the cluster's OIDC issuer
    #[arg(long, value_name = "URL")]
    oidc_issuer: Option<Issuer>,
    /// The account of the role and of the OIDC provider
    ///
    /// Default: that of the role, else that of the cluster.
    #[arg(long, value_name = "ID")]
    account: Option<AccountId>,
    /// The role, whose account it is
    #[arg(long, value_name = "ARN")]
    irsa_role_arn: Option<RoleArn>,
    /// The partition of the role [default: that of all the rest, else aws]
    #[arg(long, value_name = "PARTITION")]
    partition: Option<Partition>,
    /// The audience of the tokens [default: that of the manifest, else sts.amazonaws.com]
    #[arg(long, value_name = "AUDIENCE")]
    audience: Option<Audience>,
    #[command(flatten)]
    limit: TrustLimit,
    #[command(flatten)]
    wearers: WearerFlags,
    #[command(flatten)]
    network: NetworkFlags,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Service accounts")]
struct WearerFlags {
    /// The namespace of the accounts that say none, or a pattern with `*` and `?`
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<NamespacePattern>,
    /// The service account, or a pattern with `*` and `?` (can be repeated)
    #[arg(
        long,
        value_name = "[NAMESPACE:]NAME",
        required_unless_present = "from"
    )]
    service_account: Vec<AccountPattern>,
    /// Take them from a delegate's manifest: a file, a directory or `-` (can be repeated)
    #[arg(long, value_name = "FILE|DIR|-")]
    from: Vec<PathBuf>,
    /// Take this delegate, where the manifest has several
    #[arg(long, value_name = "NAME", requires = "from")]
    delegate: Option<String>,
}

pub(super) fn run(context: &Context, global: &GlobalFlags, args: &Args) -> Result<ExitCode, Error> {
    let worn = args.wearers.worn(context)?;
    let subjects = match &worn {
        Some(worn) => vec![worn.subject()?],
        None => args.wearers.subjects()?,
    };
    let role = args
        .irsa_role_arn
        .as_ref()
        .map(|role| ("--irsa-role-arn", role));
    let annotated = worn.as_ref().and_then(|worn| worn.0.role.as_ref());
    // What `patch` would be told comes before what it would replace.
    let role = role.or_else(|| annotated.map(|role| ("the role of the manifest", role)));
    let said = [
        args.partition.map(|value| Found::new("--partition", value)),
        role.map(|(place, role)| Found::new(place, role.partition)),
    ];
    // What does not fit as it was said need not be asked for.
    partition(said.iter().flatten().cloned().chain(args.place()))?;
    let cluster = args.issuing(context, global)?;
    let issuer = match (&args.oidc_issuer, &cluster) {
        (Some(issuer), _) => issuer.clone(),
        (None, Some(found)) => {
            let issuer = found.issuer.parse();
            issuer.map_err(|error: InvalidIssuer| Error::new(Fault::Remote, error))?
        }
        (None, None) => return Err(Error::usage("no issuer is named")),
    };
    let found = [
        cluster
            .as_ref()
            .map(|found| Found::new(found.cluster.to_string(), found.cluster.partition)),
        issuer
            .partition()
            .map(|value| Found::new(format!("issuer {issuer}"), value)),
    ];
    let partition = partition(said.into_iter().chain(found).flatten())?;
    let flag = args
        .account
        .clone()
        .map(|value| Found::new("--account", value));
    let of_role = role.map(|(place, role)| Found::new(place, role.account.clone()));
    let account = account(flag.into_iter().chain(of_role))?;
    let home = cluster
        .as_ref()
        .and_then(|found| found.cluster.account.clone());
    let Some(account) = account.or_else(|| home.clone()) else {
        let error = Error::usage("the account of the role is not known");
        return Err(error.with_hint("name it with --account".to_owned()));
    };
    let audience = match (&args.audience, &worn) {
        (Some(audience), _) => audience.clone(),
        (None, Some(worn)) => worn.audience()?,
        (None, None) => Audience::default(),
    };
    let document = WebIdentity {
        partition,
        account: &account,
        issuer: &issuer,
        audience: &audience,
        subjects: &subjects,
    }
    .document();
    let code = print(context, &document, args.limit.limit)?;
    if let Some(home) = home.filter(|home| *home != account) {
        let words = format!(
            "the cluster is of account {home}: account {account} takes an OIDC provider for its issuer too"
        );
        note(context, global, words);
    }
    for subject in subjects.iter().filter(|subject| subject.is_pattern()) {
        let words = format!(
            "`{subject}` has a wildcard and is compared by StringLike: every service account that matches can \
             assume the role"
        );
        note(context, global, words);
    }
    Ok(code)
}

impl Args {
    /// The partition of the cluster as it is named, where that tells it.
    fn place(&self) -> Option<Found<Partition>> {
        let cluster = self.cluster.as_ref()?;
        let of_flag = || self.region.as_ref().map(Region::partition);
        let partition = cluster.partition().or_else(of_flag)?;
        let arn = cluster.arn.as_ref().map(ToString::to_string);
        let place = arn.unwrap_or_else(|| format!("cluster `{}`", cluster.name));
        Some(Found::new(place, partition))
    }

    /// Who issues the tokens of the cluster, where one is named.
    fn issuing(&self, context: &Context, global: &GlobalFlags) -> Result<Option<Issuing>, Error> {
        let Some(cluster) = &self.cluster else {
            return Ok(None);
        };
        let layers = Layers::new(context, global)?;
        let flags = ClusterFlags {
            cluster: vec![cluster.clone()],
            region: self.region.clone(),
            ..ClusterFlags::default()
        };
        let access = layers.access(&self.network, &flags, &CheckFlags::default())?;
        let deadline = layers.deadline(self.network.deadline, BUDGET)?;
        let is_verbose = layers.verbosity()? == Verbosity::Verbose;
        let detail = |text: &str| {
            if is_verbose {
                context.say(&error::note(text, global.look(context)));
            }
        };
        access.issuing(context, &detail, deadline).map(Some)
    }
}

/// The account of a manifest.
struct Worn(Wearer);

impl Worn {
    fn subject(&self) -> Result<Subject, Error> {
        let namespace = &self.0.namespace;
        // A manifest may say anything.
        let name: AccountName = self.0.account.parse().map_err(of_manifest)?;
        let namespace: NamespaceName = namespace.parse().map_err(of_manifest)?;
        let namespace: NamespacePattern = namespace.as_str().parse().map_err(of_manifest)?;
        Ok(Subject::of_account(&namespace, name.as_str()))
    }

    fn audience(&self) -> Result<Audience, Error> {
        let audience = self.0.audience.as_deref().map(str::parse);
        let audience = audience.transpose().map_err(of_manifest)?;
        Ok(audience.unwrap_or_default())
    }
}

fn of_manifest(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Fault::Input, error)
        .with_hint("see the ServiceAccount of the delegate in the manifest".to_owned())
}

impl WearerFlags {
    /// What the manifest says, where one is named.
    fn worn(&self, context: &Context) -> Result<Option<Worn>, Error> {
        if self.from.is_empty() {
            return Ok(None);
        }
        let namespace = self.namespace.as_ref().map(NamespacePattern::as_str);
        let one = |error: String| {
            let hint =
                "with --from they are those that `bootstrap patch` takes: one account, no wildcard";
            Error::usage(error).with_hint(hint.to_owned())
        };
        let namespace: Option<NamespaceName> = namespace
            .map(str::parse)
            .transpose()
            .map_err(|error: crate::delegate::names::InvalidName| one(error.to_string()))?;
        let account: Option<AccountName> = match self.service_account.as_slice() {
            [] => None,
            [account] if account.namespace().is_none() => {
                let parsed = account.name().parse();
                Some(
                    parsed.map_err(|error: crate::delegate::names::InvalidName| {
                        one(error.to_string())
                    })?,
                )
            }
            _ => {
                return Err(one(
                    "--service-account is not one account beside --from".to_owned()
                ));
            }
        };
        let inputs = read_inputs(context, &self.from)?;
        let streams = inputs
            .iter()
            .map(|input| Stream::parse(&input.name, &input.text));
        let streams = streams.collect::<Result<Vec<_>, _>>()?;
        let given = Given {
            delegate: self.delegate.as_deref(),
            namespace: namespace.as_ref(),
            account: account.as_ref(),
        };
        Ok(Some(Worn(wearer(&streams, given)?)))
    }

    /// The accounts that are named.
    fn subjects(&self) -> Result<Vec<Subject>, Error> {
        let subjects = self.service_account.iter().map(|account| {
            let namespace = account.namespace().or(self.namespace.as_ref());
            namespace.map_or_else(
                || {
                    let error = format!("the namespace of `{}` is not known", account.name());
                    let hint = "name it with --namespace, or as NAMESPACE:NAME";
                    Err(Error::usage(error).with_hint(hint.to_owned()))
                },
                |namespace| Ok(Subject::of_account(namespace, account.name())),
            )
        });
        subjects.collect()
    }
}
