//! The options of the commands that reach AWS and clusters.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::Layers;
use crate::arn::{ExternalId, Region};
use crate::cluster::version::Minimum;
use crate::cluster::{self, Cluster};
use crate::error::Error;
use crate::options::{CheckFlags, ClusterFlags};
use crate::verify::CredentialKind;
use crate::verify::role::mixed;
use crate::verify::serverless::Crossing;

/// What a delegate's access to AWS and its clusters must be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checks {
    /// Where AWS must have taken the credentials from; none where any source will do.
    pub credentials: Option<CredentialKind>,
    /// Where the connector tries its connection; none for the home region of the partition.
    pub test_region: Option<Region>,
    /// The oldest Kubernetes that a cluster may have.
    pub minimum: Minimum,
}

impl Layers<'_> {
    /// The clusters, each with the region that is given for those that name none.
    pub fn clusters(&self, flags: &ClusterFlags) -> Result<Vec<Cluster>, Error> {
        let mut clusters = self.listed(flags)?;
        let region = self.value(flags.region.clone(), "BOOTSTRAP_REGION", None)?;
        let role = self.value(flags.role_arn.clone(), "BOOTSTRAP_ROLE_ARN", None)?;
        let id = self.external_id(flags)?;
        let alias = self.value(flags.alias.clone(), "BOOTSTRAP_ALIAS", None)?;
        if let [cluster] = clusters.as_mut_slice() {
            cluster.region = region.clone().or_else(|| cluster.region.take());
            cluster.role = role.or_else(|| cluster.role.take());
            cluster.external_id = id.or_else(|| cluster.external_id.take());
            cluster.alias = alias.or_else(|| cluster.alias.take());
        } else {
            let of_one = [
                ("--role-arn (BOOTSTRAP_ROLE_ARN)", role.is_some()),
                ("--external-id (BOOTSTRAP_EXTERNAL_ID)", id.is_some()),
                ("--alias (BOOTSTRAP_ALIAS)", alias.is_some()),
            ];
            if let Some((option, _)) = of_one.iter().find(|(_, is_given)| *is_given) {
                return Err(for_one_cluster(option, clusters.len()));
            }
            for cluster in &mut clusters {
                cluster.region = cluster.region.take().or_else(|| region.clone());
            }
        }
        let invalid = |error: cluster::InvalidCluster| Error::usage(error.to_string());
        let clusters = clusters.into_iter().map(Cluster::check);
        let clusters = clusters.collect::<Result<Vec<_>, _>>().map_err(invalid)?;
        cluster::distinct(&clusters).map_err(|(_, error)| invalid(error))?;
        cluster::together(&clusters).map_err(|(_, error)| invalid(error))?;
        if let Some(region) = region {
            cluster::within(&clusters, &region).map_err(invalid)?;
        }
        Ok(clusters)
    }

    /// The roles that deployments assume: those of the clusters, and without any cluster the one that is
    /// given by itself. In the second case nothing is asked of a cluster, and there is none.
    pub fn crossings(&self, flags: &ClusterFlags) -> Result<Vec<Crossing>, Error> {
        if !self.listed(flags)?.is_empty() {
            let clusters = self.clusters(flags)?.into_iter();
            return Ok(clusters.filter_map(crossing).collect());
        }
        let region = self.region(flags)?;
        let role = self.value(flags.role_arn.clone(), "BOOTSTRAP_ROLE_ARN", None)?;
        let external_id = self.external_id(flags)?;
        let Some(role) = role else {
            return match external_id {
                Some(_) => Err(Error::usage(
                    "--external-id (BOOTSTRAP_EXTERNAL_ID) is that of a role, and there is none",
                )
                .with_hint("name the role with --role-arn (BOOTSTRAP_ROLE_ARN)".to_owned())),
                None => Ok(Vec::new()),
            };
        };
        if let Some(region) = &region {
            let fits = cluster::assumable(&role, region);
            fits.map_err(|error| Error::usage(error.to_string()))?;
        }
        Ok(vec![Crossing {
            subject: None,
            role,
            external_id,
            region,
        }])
    }

    /// The clusters as they are named, by the flag, the variable or the file.
    fn listed(&self, flags: &ClusterFlags) -> Result<Vec<Cluster>, Error> {
        let variable = self.clusters_of_variable()?;
        let file = self.config.clusters.clone().unwrap_or_default();
        let named = [flags.cluster.clone(), variable, file];
        let mut named = named.into_iter();
        Ok(named
            .find(|clusters| !clusters.is_empty())
            .unwrap_or_default())
    }

    fn external_id(&self, flags: &ClusterFlags) -> Result<Option<ExternalId>, Error> {
        let variable = "BOOTSTRAP_EXTERNAL_ID";
        match (flags.external_id.clone(), self.context.variable(variable)) {
            (None, Some(text)) => unquoted(variable, text).map(Some),
            (flag, _) => Ok(flag),
        }
    }

    fn clusters_of_variable(&self) -> Result<Vec<Cluster>, Error> {
        let variable = "BOOTSTRAP_CLUSTERS";
        let text = self.context.variable(variable).unwrap_or_default();
        let parts = text.split_whitespace();
        parts.map(|part| unquoted(variable, part)).collect()
    }

    /// The region that is asked for; none for what the environment of AWS says.
    pub fn region(&self, flags: &ClusterFlags) -> Result<Option<Region>, Error> {
        self.value(flags.region.clone(), "BOOTSTRAP_REGION", None)
    }

    /// The files of the kubeconfig, in order; the first of them is written to where none has the
    /// cluster. Nowhere without a home.
    pub fn kubeconfigs(&self, flag: Option<PathBuf>) -> Result<Vec<PathBuf>, Error> {
        let file = self.config.kubeconfig.clone();
        if let Some(given) = self.path(flag, "BOOTSTRAP_KUBECONFIG", file)? {
            return Ok(vec![given]);
        }
        // As kubectl does it (Kubernetes, "Organizing Cluster Access Using kubeconfig Files").
        let list = self.context.variable("KUBECONFIG").unwrap_or_default();
        let listed: Vec<_> = list
            .split(':')
            .filter(|path| !path.trim().is_empty())
            .map(|path| self.context.directory.join(path))
            .collect();
        if !listed.is_empty() {
            return Ok(listed);
        }
        if self.working_directory().is_dir() {
            return Ok(vec![self.prefix()?.path().join("kubeconfig")]);
        }
        match self.context.variable("HOME") {
            Some(home) => Ok(vec![Path::new(home).join(".kube/config")]),
            // Without a home there may be none at all.
            None => Ok(self
                .prefix()
                .map(|prefix| prefix.path().join("kubeconfig"))
                .into_iter()
                .collect()),
        }
    }

    /// Whether the network is left alone.
    pub fn offline(&self, flag: bool) -> Result<bool, Error> {
        self.switch(flag, "BOOTSTRAP_OFFLINE", self.config.offline)
    }

    /// Refuses a test region whose partition is not that of all the rest: credentials of one partition are
    /// unknown in another (AWS connector settings reference, "Test Region and AWS GovCloud Support").
    pub fn check_test_region(
        &self,
        test: &Region,
        flags: &ClusterFlags,
        clusters: &[Cluster],
    ) -> Result<(), Error> {
        let named = self.region(flags)?;
        let named = named.map(|region| (format!("the region {region}"), region.partition()));
        let clusters = clusters.iter();
        let clusters =
            clusters.filter_map(|one| Some((format!("cluster `{}`", one.name), one.partition()?)));
        let mut all = named.into_iter().chain(clusters);
        match all.find(|(_, partition)| *partition != test.partition()) {
            None => Ok(()),
            Some((what, partition)) => {
                let hint = format!(
                    "name a --test-region (BOOTSTRAP_TEST_REGION) of partition `{partition}`, or leave it out"
                );
                Err(Error::usage(mixed(test, &what, partition)).with_hint(hint))
            }
        }
    }

    /// What access must be like.
    pub fn checks(&self, flags: &CheckFlags) -> Result<Checks, Error> {
        let config = &self.config;
        Ok(Checks {
            credentials: self.value(
                flags.credentials,
                "BOOTSTRAP_CREDENTIALS",
                config.credentials,
            )?,
            test_region: self.value(
                flags.test_region.clone(),
                "BOOTSTRAP_TEST_REGION",
                config.test_region.clone(),
            )?,
            minimum: self
                .value(
                    flags.minimum_kubernetes,
                    "BOOTSTRAP_MINIMUM_KUBERNETES",
                    config.minimum_kubernetes,
                )?
                .unwrap_or_default(),
        })
    }
}

/// The role that a cluster is entered with.
fn crossing(cluster: Cluster) -> Option<Crossing> {
    let name = cluster.name.to_string();
    let subject = cluster
        .alias
        .map_or(name, |alias| alias.as_str().to_owned());
    Some(Crossing {
        subject: Some(subject),
        role: cluster.role?,
        external_id: cluster.external_id,
        region: cluster.region,
    })
}

/// Reads what may have an external ID in it, which no message shows.
fn unquoted<T: FromStr<Err: Display>>(variable: &str, text: &str) -> Result<T, Error> {
    text.parse()
        .map_err(|error| Error::usage(format!("invalid value for {variable}: {error}")))
}

fn for_one_cluster(option: &str, count: usize) -> Error {
    let hint = "name each cluster's own: --cluster name=…,role-arn=…,external-id=…,alias=…";
    Error::usage(match count {
        0 => format!("{option} is that of a cluster, and there is none"),
        _ => format!("{option} is for a single cluster, and there are {count}"),
    })
    .with_hint(Some(hint.to_owned()))
}
