//! A Kubernetes cluster of Amazon EKS, and the identity that it is entered with.

pub mod access;
pub mod describe;
pub mod exec_credential;
pub mod exec_plugin;
pub mod kubeconfig;
pub mod pod;
pub mod server;
pub mod session;
pub mod token;
pub mod version;

use std::fmt;
use std::str::FromStr;

use crate::arn::{
    Arn, ClusterName, ExternalId, InvalidArn, InvalidName, InvalidRegion, Partition, Region,
    RoleArn,
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
    /// The ARN that it was named by; none where the caller's account, or its role's, is meant.
    pub arn: Option<Arn>,
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
            arn: None,
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
        // What is meant as a list, and is none, may have an external ID in it, and is not shown.
        let is_list = text.contains(|char: char| char.is_whitespace() || "=,:".contains(char));
        if !is_list
            || text.starts_with("arn:") && !text.contains(['=', ',']) && !has_external_id(text)
        {
            return Self::from_name(text);
        }
        let (mut named, mut region, mut role, mut external_id, mut alias) = Default::default();
        let mut seen: Vec<&str> = Vec::new();
        for (index, part) in text.split(',').enumerate() {
            // An external ID may have commas and equals signs in it, and its rest is not shown.
            let cut = || seen.contains(&"external-id").then_some(InvalidCluster::Cut);
            let Some((key, value)) = part.split_once('=') else {
                return Err(cut().unwrap_or(InvalidCluster::Part { number: index + 1 }));
            };
            if key != "external-id" && (has_external_id(key) || has_external_id(value)) {
                return Err(InvalidCluster::Joined { number: index + 1 });
            }
            if seen.contains(&key) {
                return Err(InvalidCluster::Twice {
                    key: key.to_owned(),
                });
            }
            match key {
                "name" => named = Some(Self::from_name(value)?),
                "region" => region = Some(value.parse()?),
                "role-arn" => role = Some(value.parse()?),
                "external-id" => external_id = Some(value.parse()?),
                "alias" => alias = Some(value.parse()?),
                _ => {
                    return Err(cut().unwrap_or_else(|| InvalidCluster::Key {
                        key: key.to_owned(),
                    }));
                }
            }
            seen.push(key);
        }
        let named = named.ok_or(InvalidCluster::Nameless)?;
        let cluster = Self {
            region: region.or(named.region),
            role,
            external_id,
            alias,
            ..named
        };
        cluster.check()
    }
}

/// Whether a part has an external ID in it, in any spelling: it was meant to be the next one.
fn has_external_id(part: &str) -> bool {
    let letters = part.chars().filter(char::is_ascii_alphanumeric);
    let letters: String = letters.collect();
    letters.to_ascii_lowercase().contains("externalid")
}

impl Cluster {
    /// A cluster by its name or its ARN alone.
    pub fn from_name(text: &str) -> Result<Self, InvalidCluster> {
        if !text.starts_with("arn:") {
            return Ok(Self::named(text.parse()?));
        }
        let arn: Arn = text.parse()?;
        let name = arn.resource_of("eks", "cluster");
        let name = name.filter(|_| arn.region.is_some() && arn.account.is_some());
        let name = name.ok_or_else(|| InvalidCluster::NotACluster {
            text: text.to_owned(),
        })?;
        let mut cluster = Self::named(name.parse()?);
        cluster.region.clone_from(&arn.region);
        cluster.arn = Some(arn);
        cluster.check()
    }

    /// What the parts must be to each other.
    ///
    /// An external ID means nothing without a role, and a role can be assumed in its own
    /// partition alone (IAM User Guide, "IAM JSON policy elements: Principal"). What an ARN says of
    /// the region is true of the cluster, whatever region is asked for.
    pub fn check(self) -> Result<Self, InvalidCluster> {
        if let (Some(arn), Some(region)) = (&self.arn, &self.region) {
            if region.partition() != arn.partition {
                return Err(InvalidCluster::ArnPartition {
                    arn: Box::new(arn.clone()),
                    region: region.clone(),
                });
            }
            if arn.region.as_ref() != Some(region) {
                return Err(InvalidCluster::ArnRegion {
                    arn: Box::new(arn.clone()),
                    region: region.clone(),
                });
            }
        }
        if self.external_id.is_some() && self.role.is_none() {
            return Err(InvalidCluster::NoRole { name: self.name });
        }
        if let (Some(region), Some(role)) = (&self.region, &self.role) {
            assumable(role, region)?;
        }
        Ok(self)
    }

    /// The partition that it is in: that of its region, else of its role, where one of them is known.
    pub fn partition(&self) -> Option<Partition> {
        let of_region = self.region.as_ref().map(Region::partition);
        of_region.or_else(|| Some(self.role.as_ref()?.partition))
    }
}

/// Whether the STS of this region may know the role.
pub fn assumable(role: &RoleArn, region: &Region) -> Result<(), InvalidCluster> {
    if region.partition() == role.partition {
        return Ok(());
    }
    Err(InvalidCluster::Partitions {
        region: region.clone(),
        role: Box::new(role.clone()),
    })
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
                    && other.arn == cluster.arn
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

/// Whether these are of the partition of a region that is named beside them.
pub fn within(clusters: &[Cluster], region: &Region) -> Result<(), InvalidCluster> {
    let of = region.partition();
    let mut known = clusters
        .iter()
        .filter_map(|cluster| Some((&cluster.name, cluster.partition()?)));
    match known.find(|(_, partition)| *partition != of) {
        None => Ok(()),
        Some((name, partition)) => Err(InvalidCluster::OtherPartition {
            name: name.clone(),
            partition,
            beside: format!("the region {region}"),
            of,
        }),
    }
}

/// Whether these are of one partition: nobody has credentials for two of them, and a role is assumed in
/// its own alone. Otherwise the index of the first that is of another, and the error that says so.
pub fn together(clusters: &[Cluster]) -> Result<(), (usize, InvalidCluster)> {
    let mut known = clusters
        .iter()
        .enumerate()
        .filter_map(|(index, cluster)| Some((index, &cluster.name, cluster.partition()?)));
    let Some((_, name, partition)) = known.next() else {
        return Ok(());
    };
    match known.find(|(_, _, other)| *other != partition) {
        None => Ok(()),
        Some((index, other_name, other)) => Err((
            index,
            InvalidCluster::OtherPartition {
                name: other_name.clone(),
                partition: other,
                beside: format!("cluster `{name}`"),
                of: partition,
            },
        )),
    }
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
    /// The ARN contradicts itself, or is of another partition than the region that is asked for.
    #[error(
        "the ARN {arn} is of partition `{}` and the region {region} of `{}`", arn.partition, region.partition()
    )]
    ArnPartition {
        /// The ARN.
        arn: Box<Arn>,
        /// The region.
        region: Region,
    },
    /// The region that is asked for is not that of the ARN.
    #[error("the cluster {arn} is not in the region {region} that is asked for")]
    ArnRegion {
        /// The ARN.
        arn: Box<Arn>,
        /// The region.
        region: Region,
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
    /// A part has no value; it is not shown, since it may be an external ID.
    #[error("part {number} of it has no value: it takes `key=value`, separated by commas")]
    Part {
        /// Which of them, from 1.
        number: usize,
    },
    /// What follows the external ID is no other part, and may be its own rest.
    #[error(
        "what follows `external-id=…` is no `key=value` of a cluster: an external ID with a comma in it goes into \
         --external-id, or into bootstrap.yaml"
    )]
    Cut,
    /// The external ID stands in another part, which is not shown.
    #[error(
        "part {number} of it has `external-id` in it: the parts are separated by commas, as in \
         `name=…,role-arn=…,external-id=…`"
    )]
    Joined {
        /// Which of them, from 1.
        number: usize,
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
    /// One run has the credentials of one partition.
    #[error(
        "cluster `{name}` is of partition `{partition}` and {beside} of `{of}`: the credentials of one partition are \
         unknown in another, so each takes a run of its own"
    )]
    OtherPartition {
        /// The cluster.
        name: ClusterName,
        /// Its partition.
        partition: Partition,
        /// What it is named together with.
        beside: String,
        /// The partition of that.
        of: Partition,
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
        assert_eq!(
            arn.arn.unwrap().to_string(),
            "arn:aws-cn:eks:cn-north-1:111122223333:cluster/payments"
        );
        let text =
            format!("name=payments,region=us-east-1,role-arn={ROLE},external-id=a=b,alias=p@prod");
        let full: Cluster = text.parse().unwrap();
        assert_eq!(full.role.unwrap().as_str(), ROLE);
        assert_eq!(full.external_id.unwrap().as_str(), "a=b");
        assert_eq!(full.alias.unwrap().as_str(), "p@prod");
        let text = format!("name=arn:aws:eks:us-east-1:111122223333:cluster/a,role-arn={ROLE}");
        let full: Cluster = text.parse().unwrap();
        assert_eq!(full.name.as_str(), "a");
        assert_eq!(full.region.unwrap().as_str(), "us-east-1");
        assert!(full.arn.is_some() && full.role.is_some());
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
        let [here, there] = ["111122223333", "444455556666"]
            .map(|account| format!("arn:aws:eks:us-east-1:{account}:cluster/a"));
        check(&["a", &here, &there], None);
        check(&[&here, &here], Some((1, "cluster `a` is there twice")));
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
            (
                "arn:aws:eks:us-east-1::cluster/a",
                "not the ARN of a cluster",
            ),
            (
                "arn:aws:eks::111122223333:cluster/a",
                "not the ARN of a cluster",
            ),
            (
                "arn:aws-cn:eks:us-east-1:111122223333:cluster/a",
                "is of partition `aws-cn` and the region us-east-1 of `aws`",
            ),
            (
                "name=arn:aws:eks:us-east-1:111122223333:cluster/a,region=us-west-2",
                "is not in the region us-west-2 that is asked for",
            ),
            ("region=us-east-1", "takes `name=…`"),
            ("name=a,zone=b", "a cluster has no `zone`"),
            ("name=a,name=b", "`name` is there twice"),
            ("name=a,region", "part 2 of it has no value"),
            ("name:a,external-id:s3cret", "part 1 of it has no value"),
            ("external-id:s3cret", "part 1 of it has no value"),
            ("external-id s3cret", "part 1 of it has no value"),
            ("name=a,external-id:s3cret", "part 2 of it has no value"),
            (
                "name=a,external-id=aa,s3cret",
                "an external ID with a comma",
            ),
            (
                "name=a,external-id=aa,s3cret=b",
                "an external ID with a comma",
            ),
            (
                "name=a:external-id=s3cret",
                "part 1 of it has `external-id` in it: the parts are separated by commas",
            ),
            (
                "name=a external_id=s3cret",
                "part 1 of it has `external-id`",
            ),
            (
                "arn:aws:eks:us-east-1:111122223333:cluster/a:external-id:s3cret",
                "part 1 of it has no value",
            ),
            (
                "name=a,region=us-east-1;external-id=s3cret",
                "part 2 of it has `external-id`",
            ),
            (
                "name=a,role-arn=arn:aws:iam::111122223333:role/r:external-id=s3cret",
                "part 2 of it has `external-id`",
            ),
            (
                "name=a,alias=x ExternalId=s3cret",
                "part 2 of it has `external-id`",
            ),
            (
                "name=a,external-id:s3cret=b",
                "part 2 of it has `external-id`",
            ),
            (
                "name=a,external_id=s3cret",
                "part 2 of it has `external-id`",
            ),
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
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
