//! The calls of the Elastic Kubernetes Service.

use std::collections::BTreeMap;

use aws_sdk_eks::Client;
use aws_sdk_eks::config::{BehaviorVersion, Config, StalledStreamProtectionConfig};
use aws_sdk_eks::types::{FargateProfile as Described, FargateProfileStatus, VpcConfigResponse};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use super::attempt::Miss;
use super::connector::Connector;
use super::environment::Service;
use super::error::Refusal;
use super::identity::Identity;
use super::sts::credentials;
use super::{Aws, Error};
use crate::arn::{Arn, ClusterName, Region};
use crate::deadline::Deadline;

/// A cluster as EKS describes it. While one is being made, much is not there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its ARN.
    pub arn: Arn,
    /// Its name.
    pub name: ClusterName,
    /// `ACTIVE`, `UPDATING`, `CREATING`, `DELETING`, `FAILED`, `PENDING`.
    pub status: String,
    /// The address of its API server.
    pub endpoint: Option<String>,
    /// The certificate authorities of its API server: PEM in base64.
    pub certificate_authority: Option<String>,
    /// Its Kubernetes version: `1.35`.
    pub version: Option<String>,
    /// The address of the issuer of its service account tokens.
    pub oidc_issuer: Option<String>,
    /// Its ID, where it is a local cluster on an Outpost: what its tokens must name instead of
    /// the name (AWS CLI, `eks get-token --cluster-id`).
    pub outpost_id: Option<String>,
    /// `API`, `API_AND_CONFIG_MAP` or `CONFIG_MAP`.
    pub authentication_mode: Option<String>,
    /// Whether its API server can be reached from the internet.
    pub public_access: Option<bool>,
    /// Whether its API server can be reached from within its VPC.
    pub private_access: Option<bool>,
}

impl Description {
    /// The description itself, if it is that of the ARN that was asked for: EKS is asked by a name,
    /// which clusters of several accounts may have.
    pub fn of(self, asked: Option<&Arn>) -> Result<Self, Error> {
        match asked {
            Some(asked) if *asked != self.arn => Err(Error::OtherCluster {
                asked: Box::new(asked.clone()),
                found: Box::new(self.arn),
            }),
            _ => Ok(self),
        }
    }
}

/// Which pods run on Fargate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FargateProfile {
    /// Its name.
    pub name: String,
    /// Whether it takes pods now; not while it is being made or deleted.
    pub is_active: bool,
    /// Any of them will do.
    pub selectors: Vec<FargateSelector>,
}

/// What a pod must be like, in all respects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FargateSelector {
    /// The namespace; `*` and `?` stand for any characters, and for one.
    pub namespace: String,
    /// The labels, with the same wildcards.
    pub labels: BTreeMap<String, String>,
}

impl Aws {
    /// Describes one cluster.
    pub fn describe_cluster(
        &self,
        identity: &Identity,
        region: &Region,
        name: &ClusterName,
        deadline: Deadline,
    ) -> Result<Description, Error> {
        const ACTION: &str = "eks:DescribeCluster";
        let connector = self.connector(ACTION, deadline)?;
        let client = self.eks(identity, region, &connector)?;
        let answer = self.asking(ACTION, deadline, &connector).ask(|| {
            let request = client.describe_cluster().name(name.as_str());
            async move { request.send().await.map_err(Miss::of_sdk) }
        });
        let answer = answer.map_err(|error| not_found(error, name, region))?;
        let malformed = |reason: String| Error::Malformed {
            action: ACTION,
            reason,
        };
        let cluster = answer
            .cluster
            .ok_or_else(|| malformed("it has no cluster".to_owned()))?;
        let owned = |text: Option<&str>| {
            let text = text.filter(|text| !text.is_empty());
            text.map(str::to_owned)
        };
        let arn: Arn = cluster
            .arn()
            .unwrap_or_default()
            .parse()
            .map_err(|error: crate::arn::InvalidArn| malformed(error.to_string()))?;
        let network = cluster.resources_vpc_config();
        let is_local = cluster
            .outpost_config()
            .is_some_and(|outpost| outpost.etcd_instance_type().is_none());
        let issuer = cluster.identity().and_then(|identity| identity.oidc());
        let access = cluster.access_config();
        Ok(Description {
            arn,
            name: name.clone(),
            status: cluster
                .status()
                .map(|status| status.as_str().to_owned())
                .unwrap_or_default(),
            endpoint: owned(cluster.endpoint()),
            certificate_authority: owned(
                cluster
                    .certificate_authority()
                    .and_then(|certificate| certificate.data()),
            ),
            version: owned(cluster.version()),
            oidc_issuer: owned(issuer.and_then(|oidc| oidc.issuer())),
            outpost_id: owned(cluster.id().filter(|_| is_local)),
            authentication_mode: access
                .and_then(|access| access.authentication_mode())
                .map(|mode| mode.as_str().to_owned()),
            public_access: network.map(VpcConfigResponse::endpoint_public_access),
            private_access: network.map(VpcConfigResponse::endpoint_private_access),
        })
    }

    /// The Fargate profiles of a cluster.
    pub fn fargate_profiles(
        &self,
        identity: &Identity,
        region: &Region,
        name: &ClusterName,
        deadline: Deadline,
    ) -> Result<Vec<FargateProfile>, Error> {
        const LIST: &str = "eks:ListFargateProfiles";
        let connector = self.connector(LIST, deadline)?;
        let client = self.eks(identity, region, &connector)?;
        let mut names = Vec::new();
        let mut page = None;
        loop {
            let answer = self.asking(LIST, deadline, &connector).ask(|| {
                let request = client
                    .list_fargate_profiles()
                    .cluster_name(name.as_str())
                    .set_next_token(page.clone());
                async move { request.send().await.map_err(Miss::of_sdk) }
            });
            let answer = answer.map_err(|error| not_found(error, name, region))?;
            names.extend(answer.fargate_profile_names.unwrap_or_default());
            page = answer.next_token;
            if page.is_none() {
                break;
            }
        }
        let mut profiles = Vec::new();
        for profile in names {
            const ACTION: &str = "eks:DescribeFargateProfile";
            let answer = self.asking(ACTION, deadline, &connector).ask(|| {
                let request = client
                    .describe_fargate_profile()
                    .cluster_name(name.as_str())
                    .fargate_profile_name(&profile);
                async move { request.send().await.map_err(Miss::of_sdk) }
            })?;
            let described = answer.fargate_profile;
            let status = described.as_ref().and_then(Described::status);
            let is_active = status.is_none_or(|status| *status == FargateProfileStatus::Active);
            let selectors = described.as_ref().map(Described::selectors);
            let selectors = selectors.unwrap_or_default().iter();
            profiles.push(FargateProfile {
                selectors: selectors
                    .map(|selector| FargateSelector {
                        namespace: selector.namespace().unwrap_or_default().to_owned(),
                        labels: selector.labels().cloned().into_iter().flatten().collect(),
                    })
                    .collect(),
                is_active,
                name: profile,
            });
        }
        Ok(profiles)
    }

    fn eks(
        &self,
        identity: &Identity,
        region: &Region,
        connector: &Connector,
    ) -> Result<Client, Error> {
        let endpoint = self.environment.endpoint(Service::Eks)?;
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(connector.clone())
            .region(aws_types::region::Region::new(region.as_str().to_owned()))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            // A server that is slow is one to be asked again, within the deadline.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .use_fips(self.environment.use_fips()?)
            .use_dual_stack(self.environment.use_dual_stack()?)
            .credentials_provider(credentials(identity));
        config.set_endpoint_url(endpoint.map(String::from));
        Ok(Client::from_conf(config.build()))
    }
}

fn not_found(error: Error, name: &ClusterName, region: &Region) -> Error {
    match error {
        Error::Service(Refusal { code, .. }) if code == "ResourceNotFoundException" => {
            Error::ClusterNotFound {
                name: name.clone(),
                region: region.clone(),
            }
        }
        error => error,
    }
}
