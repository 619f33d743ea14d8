//! A Kubernetes cluster of Amazon EKS, and the identity that it is entered with.

pub mod access;
pub mod describe;
pub mod exec_credential;
pub mod exec_plugin;
pub mod kubeconfig;
pub mod server;
pub mod session;
pub mod token;
pub mod version;

use std::fmt;
use std::str::FromStr;

use crate::arn::{
    Arn, ClusterName, ExternalId, InvalidArn, InvalidName, InvalidRegion, Region, RoleArn,
};

/// The name of an entry of a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Alias(String);

impl Alias {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A cluster as `--cluster` and `bootstrap.yaml` name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its name.
    pub name: ClusterName,
    /// Its region; none to take that of the environment.
    pub region: Option<Region>,
    /// The role that is assumed to enter it; none to enter as whoever runs this.
    pub role: Option<RoleArn>,
    /// The external ID that the role asks for.
    pub external_id: Option<ExternalId>,
    /// The name of its context; none for the name that the AWS CLI would give.
    pub alias: Option<Alias>,
}

impl Cluster {
    /// A cluster of which nothing but the name is known.
    pub const fn named(name: ClusterName) -> Self {
        Self {
            name,
            region: None,
            role: None,
            external_id: None,
            alias: None,
        }
    }
}

impl FromStr for Cluster {
    type Err = InvalidCluster;

    /// Reads `NAME`, `arn:…:cluster/NAME` or `name=…,region=…,role-arn=…,external-id=…,alias=…`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.contains('=') {
            return Self::from_name(text);
        }
        let (mut name, mut region, mut role, mut external_id, mut alias) = Default::default();
        let mut seen: Vec<&str> = Vec::new();
        for part in text.split(',') {
            let (key, value) = part.split_once('=').ok_or_else(|| InvalidCluster::Part {
                text: part.to_owned(),
            })?;
            if seen.contains(&key) {
                return Err(InvalidCluster::Twice {
                    key: key.to_owned(),
                });
            }
            seen.push(key);
            match key {
                "name" => name = Some(value.parse()?),
                "region" => region = Some(value.parse()?),
                "role-arn" => role = Some(value.parse()?),
                "external-id" => external_id = Some(value.parse()?),
                "alias" => alias = Some(value.parse()?),
                _ => {
                    return Err(InvalidCluster::Key {
                        key: key.to_owned(),
                    });
                }
            }
        }
        let cluster = Self {
            name: name.ok_or(InvalidCluster::Nameless)?,
            region,
            role,
            external_id,
            alias,
        };
        cluster.check()
    }
}

impl Cluster {
    fn from_name(text: &str) -> Result<Self, InvalidCluster> {
        if !text.starts_with("arn:") {
            return Ok(Self::named(text.parse()?));
        }
        let arn: Arn = text.parse()?;
        let name =
            arn.resource_of("eks", "cluster")
                .ok_or_else(|| InvalidCluster::NotACluster {
                    text: text.to_owned(),
                })?;
        let mut cluster = Self::named(name.parse()?);
        cluster.region = arn.region;
        Ok(cluster)
    }

    /// What the parts must be to each other.
    ///
    /// An external ID means nothing without a role, and a role can be assumed in its own
    /// partition alone (IAM User Guide, "IAM JSON policy elements: Principal").
    pub fn check(self) -> Result<Self, InvalidCluster> {
        if self.external_id.is_some() && self.role.is_none() {
            return Err(InvalidCluster::NoRole { name: self.name });
        }
        if let (Some(region), Some(role)) = (&self.region, &self.role)
            && region.partition() != role.partition
        {
            return Err(InvalidCluster::Partitions {
                region: region.clone(),
                role: Box::new(role.clone()),
            });
        }
        Ok(self)
    }
}

/// Whether each of these has a context of its own: an alias, or name, region and role where it has none.
/// Otherwise the index of the one that comes again, and the error that says so.
pub fn distinct(clusters: &[Cluster]) -> Result<(), (usize, InvalidCluster)> {
    for (index, cluster) in clusters.iter().enumerate() {
        let before = clusters.get(..index).unwrap_or_default();
        let error = match &cluster.alias {
            Some(alias)
                if before
                    .iter()
                    .any(|other| other.alias.as_ref() == Some(alias)) =>
            {
                InvalidCluster::AliasTwice {
                    alias: alias.clone(),
                }
            }
            None if before.iter().any(|other| {
                other.alias.is_none()
                    && other.name == cluster.name
                    && other.region == cluster.region
                    && other.role == cluster.role
            }) =>
            {
                InvalidCluster::ClusterTwice {
                    name: cluster.name.clone(),
                }
            }
            _ => continue,
        };
        return Err((index, error));
    }
    Ok(())
}

impl FromStr for Alias {
    type Err = InvalidCluster;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_visible = !text.is_empty() && !text.chars().any(char::is_control);
        is_visible
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidCluster::Alias)
    }
}

/// The text is no cluster, or part of it is wrong.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidCluster {
    /// It is the ARN of something else.
    #[error(
        "`{text}` is not the ARN of a cluster: it takes `arn:PARTITION:eks:REGION:ACCOUNT:cluster/NAME`"
    )]
    NotACluster {
        /// The text.
        text: String,
    },
    /// It is empty or has control characters.
    #[error("an alias takes at least one character, and none that controls a terminal")]
    Alias,
    /// Two contexts cannot have one name.
    #[error("the alias `{alias}` is there twice")]
    AliasTwice {
        /// The alias.
        alias: Alias,
    },
    /// Two entries would have one context.
    #[error(
        "cluster `{name}` is there twice: give one of them an `alias`, and each has a context of its own"
    )]
    ClusterTwice {
        /// The cluster.
        name: ClusterName,
    },
    /// A name is wrong.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The role's ARN is wrong.
    #[error(transparent)]
    Role(#[from] InvalidArn),
    /// The region is wrong.
    #[error(transparent)]
    Region(#[from] InvalidRegion),
    /// A part has no value.
    #[error("`{text}` has no value: it takes `key=value`, separated by commas")]
    Part {
        /// The part.
        text: String,
    },
    /// There is no such key.
    #[error(
        "a cluster has no `{key}`: it takes `name`, `region`, `role-arn`, `external-id` and `alias`"
    )]
    Key {
        /// The key.
        key: String,
    },
    /// A key is there again.
    #[error("`{key}` is there twice")]
    Twice {
        /// The key.
        key: String,
    },
    /// The name is missing.
    #[error("a cluster takes `name=…`")]
    Nameless,
    /// There is no role that could ask for the external ID.
    #[error("cluster `{name}` has an external ID and no role that could ask for it")]
    NoRole {
        /// The cluster.
        name: ClusterName,
    },
    /// A role cannot be assumed across partitions.
    #[error(
        "the role {role} is of partition `{}` and the region {region} of `{}`: no role can be assumed across \
         partitions", role.partition, region.partition()
    )]
    Partitions {
        /// The region.
        region: Region,
        /// The role.
        role: Box<RoleArn>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::111122223333:role/deployer";

    #[test]
    fn a_cluster_is_a_name_an_arn_or_a_list_of_its_parts() {
        let named: Cluster = "payments".parse().unwrap();
        assert_eq!(named, Cluster::named("payments".parse().unwrap()));
        let arn: Cluster = "arn:aws-cn:eks:cn-north-1:111122223333:cluster/payments"
            .parse()
            .unwrap();
        assert_eq!(arn.region.unwrap().as_str(), "cn-north-1");
        let text =
            format!("name=payments,region=us-east-1,role-arn={ROLE},external-id=a=b,alias=p@prod");
        let full: Cluster = text.parse().unwrap();
        assert_eq!(full.role.unwrap().as_str(), ROLE);
        assert_eq!(full.external_id.unwrap().as_str(), "a=b");
        assert_eq!(full.alias.unwrap().as_str(), "p@prod");
    }

    #[test]
    fn each_cluster_has_a_context_of_its_own() {
        let check = |texts: &[&str], expected: Option<(usize, &str)>| {
            let clusters: Vec<Cluster> = texts.iter().map(|text| text.parse().unwrap()).collect();
            let found = distinct(&clusters)
                .err()
                .map(|(at, error)| (at, error.to_string()));
            assert_eq!(
                found.as_ref().map(|(at, _)| *at),
                expected.map(|(at, _)| at)
            );
            if let (Some((_, error)), Some((_, rule))) = (found, expected) {
                assert!(error.contains(rule), "{error}");
            }
        };
        check(&[], None);
        check(&["a", "b", "name=a,region=us-east-1"], None);
        check(&["a", "name=a,alias=second"], None);
        let with_role = format!("name=a,role-arn={ROLE}");
        check(&["a", &with_role], None);
        check(
            &[&with_role, &with_role],
            Some((1, "cluster `a` is there twice")),
        );
        check(&["a", "b", "a"], Some((2, "cluster `a` is there twice")));
        check(
            &["name=a,alias=x", "name=b,alias=x"],
            Some((1, "the alias `x` is there twice")),
        );
    }

    #[test]
    fn a_cluster_that_cannot_be_is_refused_with_the_rule() {
        for (text, rule) in [
            ("", "1 to 100 letters"),
            ("-a", "1 to 100 letters"),
            ("a/b", "1 to 100 letters"),
            (
                "arn:aws:eks:us-east-1:111122223333:nodegroup/a",
                "not the ARN of a cluster",
            ),
            ("region=us-east-1", "takes `name=…`"),
            ("name=a,zone=b", "a cluster has no `zone`"),
            ("name=a,name=b", "`name` is there twice"),
            ("name=a,region", "has no value"),
            ("name=a,region=moon", "is not a region"),
            ("name=a,role-arn=b", "is not an ARN"),
            ("name=a,external-id=ab", "no role that could ask"),
            (
                "name=a,region=cn-north-1,role-arn=arn:aws:iam::111122223333:role/r",
                "across partitions",
            ),
        ] {
            let error = text.parse::<Cluster>().unwrap_err().to_string();
            assert!(error.contains(rule), "{text}: {error}");
        }
    }
}
