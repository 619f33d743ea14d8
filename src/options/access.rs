//! What reaching AWS and the clusters depends on.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::layers::{Checks, Layers};
use super::{CheckFlags, ClusterFlags, NetworkFlags};
use crate::arn::{Arn, SessionName};
use crate::aws::{self, Aws};
use crate::cluster::Cluster;
use crate::cluster::access::SERVICE_ACCOUNT;
use crate::cluster::describe::{NoIssuer, Question};
use crate::cluster::session::default_name;
use crate::context::Context;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::fault::Fault;
use crate::http::Proxies;
use crate::runtime::Runtime;
use crate::tools::prefix::Prefix;
use crate::tools::receipt::boot_id;
use crate::tools::wanted::Wanted;
use crate::verify::pod;
use crate::verify::serverless::{self, Crossing};
use crate::verify::tools::Depth;
use crate::verify::{Check, Finding, Preflight, Setup};

/// Where a manifest mounts the labels of its pod, if it does (Kubernetes, "Expose Pod Information to
/// Containers Through Files").
const LABELS: &str = "/etc/podinfo/labels";

/// What reaching AWS and the clusters depends on.
#[derive(Debug)]
pub struct AccessOptions {
    /// The clusters.
    pub clusters: Vec<Cluster>,
    /// The files of the kubeconfig.
    pub kubeconfigs: Vec<PathBuf>,
    /// What access must be like.
    pub checks: Checks,
    /// The pod that is meant, where it is not that of this process.
    pub pod: pod::Asked,
    /// Whether nothing is asked of the network.
    pub offline: bool,
    /// AWS.
    pub aws: Aws,
    /// The name of the sessions of assumed roles; none for one that tells the delegate.
    pub(super) session: Option<SessionName>,
    proxies: Proxies,
    runtime: Arc<Runtime>,
}

impl Layers<'_> {
    /// What reaching AWS and the clusters depends on.
    pub fn access(
        &self,
        network: &NetworkFlags,
        clusters: &ClusterFlags,
        checks: &CheckFlags,
    ) -> Result<AccessOptions, Error> {
        let named = self.clusters(clusters)?;
        let access = self.access_to(named, network, clusters, checks)?;
        if let Some(test) = &access.checks.test_region {
            self.check_test_region(test, clusters, &access.clusters)?;
        }
        Ok(access)
    }

    /// The same where nothing is asked of clusters: their roles alone are assumed.
    pub fn access_without_clusters(
        &self,
        network: &NetworkFlags,
        clusters: &ClusterFlags,
    ) -> Result<AccessOptions, Error> {
        self.access_to(Vec::new(), network, clusters, &CheckFlags::default())
    }

    fn access_to(
        &self,
        named: Vec<Cluster>,
        network: &NetworkFlags,
        clusters: &ClusterFlags,
        checks: &CheckFlags,
    ) -> Result<AccessOptions, Error> {
        let session: Option<SessionName> = self.value(
            clusters.session_name.clone(),
            "BOOTSTRAP_SESSION_NAME",
            None,
        )?;
        let delegate = self.context.variable("DELEGATE_NAME");
        let own = session.clone().unwrap_or_else(|| default_name(delegate));
        Ok(AccessOptions {
            kubeconfigs: self.kubeconfigs(clusters.kubeconfig.clone())?,
            clusters: named,
            checks: self.checks(checks)?,
            pod: pod::Asked::default(),
            offline: self.offline(network.offline)?,
            aws: self
                .aws(self.region(clusters)?, network)?
                .naming_sessions(own),
            session,
            proxies: self.proxies()?,
            runtime: Arc::new(Runtime::new()),
        })
    }
}

/// A cluster, and who issues the tokens of its service accounts.
#[derive(Clone, Debug)]
pub struct Issuing {
    /// Its ARN.
    pub cluster: Arn,
    /// The address of the issuer.
    pub issuer: String,
}

/// How the tools are checked.
#[derive(Clone, Debug)]
pub enum Tools<'a> {
    /// This is what is known of them.
    Known(Finding),
    /// They are looked at, against what is wanted.
    Look(Depth, &'a [Wanted]),
}

impl AccessOptions {
    /// Makes the wanted checks.
    pub fn verify(
        &self,
        context: &Context,
        wanted: BTreeSet<Check>,
        prefix: &Prefix,
        tools: Tools<'_>,
        deadline: Deadline,
    ) -> Vec<Finding> {
        let session = self.session(context);
        let (tools, depth, names) = match tools {
            Tools::Known(finding) => (Some(finding), Depth::Start, Default::default()),
            Tools::Look(depth, names) => (None, depth, names),
        };
        let (boot, now) = (boot_id(), || context.now());
        let preflight = Preflight::new(Setup {
            checks: wanted,
            tools,
            prefix,
            boot: &boot,
            depth,
            wanted: names,
            clusters: &self.clusters,
            kubeconfigs: &self.kubeconfigs,
            credentials: self.checks.credentials,
            test_region: self.checks.test_region.as_ref(),
            minimum: self.checks.minimum,
            pod: &self.pod,
            labels: Path::new(LABELS),
            variables: context.variables(),
            directory: &context.directory,
            service_account: Path::new(SERVICE_ACCOUNT),
            proxies: &self.proxies,
            aws: &self.aws,
            session: &session,
            runtime: Arc::clone(&self.runtime),
            offline: self.offline,
            now: &now,
            deadline,
        });
        preflight.run()
    }

    /// Looks at what a deployment with the Serverless Framework takes.
    pub fn verify_serverless(
        &self,
        context: &Context,
        crossings: &[Crossing],
        prefix: &Prefix,
        deadline: Deadline,
    ) -> Vec<Finding> {
        serverless::look(&serverless::Setup {
            prefix,
            variables: context.variables(),
            crossings,
            aws: &self.aws,
            session: &self.session(context),
            offline: self.offline,
            deadline,
        })
    }

    /// The name of sessions; a trust policy may ask for the one that tokens have too.
    fn session(&self, context: &Context) -> SessionName {
        let session = self.session.clone();
        session.unwrap_or_else(|| default_name(context.variable("DELEGATE_NAME")))
    }

    /// Who issues the tokens of the one cluster's service accounts, as EKS says; `detail` is told who
    /// asks.
    pub fn issuing(
        &self,
        context: &Context,
        detail: &dyn Fn(&str),
        deadline: Deadline,
    ) -> Result<Issuing, Error> {
        let Some(cluster) = self.clusters.first() else {
            return Err(Error::usage("no cluster is named"));
        };
        let fail = |source: aws::Error| {
            let (fault, hint) = (source.fault(), source.hint().map(str::to_owned));
            let name = cluster.name.clone();
            Error::new(fault, NoIssuer { name, source }).with_hint(hint)
        };
        let region = if let Some(region) = &cluster.region {
            region.clone()
        } else {
            let found = self.aws.region().map_err(fail)?;
            found.ok_or_else(|| fail(aws::Error::NoRegion))?.0
        };
        let session = self.session(context);
        let question = Question {
            cluster,
            region: &region,
            describer: None,
            session: &session,
            detail,
        };
        let (description, _) = question.ask(&self.aws, deadline).map_err(fail)?;
        let Some(issuer) = description.oidc_issuer else {
            let (name, status) = (&cluster.name, &description.status);
            let words = format!("cluster `{name}` has no OIDC issuer; its status is {status}");
            let hint =
                "a cluster has one once it is ACTIVE, and a local one on an Outpost has none";
            return Err(Error::new(Fault::Remote, words).with_hint(hint.to_owned()));
        };
        Ok(Issuing {
            cluster: description.arn,
            issuer,
        })
    }

    /// Whether a start has anything to check: a cluster, a kind of credentials that is asked for, or
    /// the cluster that this pod runs in.
    pub fn has_anything_to_check(&self, context: &Context) -> bool {
        let is_in_pod = context.variable("KUBERNETES_SERVICE_HOST").is_some()
            && Path::new(SERVICE_ACCOUNT).join("token").exists();
        !self.clusters.is_empty() || self.checks.credentials.is_some() || is_in_pod
    }
}
