//! What permissions are narrowed to: buckets, repositories, a partition.

use std::fmt;
use std::str::FromStr;

use super::agree::{Found, partition};
use super::error::Error;
use crate::arn::{Arn, InvalidArn, Partition};

/// The name of a bucket (Amazon S3 User Guide, "General purpose bucket naming rules").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketName(String);

/// A repository of ECR, by its name in any region and account, or by its ARN; a final `/*` stands for all
/// below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Partition, region and account, where the ARN says them.
    place: Option<(Partition, String)>,
    name: String,
}

/// What permissions are narrowed to; what is empty is not narrowed.
#[derive(Clone, Debug)]
pub struct Scope {
    partition: Partition,
    buckets: Vec<BucketName>,
    repositories: Vec<Repository>,
}

impl Scope {
    /// A scope in one partition: the one that is given, else that of the repositories.
    pub fn new(
        given: Option<Partition>,
        buckets: Vec<BucketName>,
        repositories: Vec<Repository>,
    ) -> Result<Self, Error> {
        let flag = given.map(|partition| Found::new("--partition", partition));
        let of_repository = |repository: &Repository| {
            let (partition, _) = repository.place.as_ref()?;
            Some(Found::new(format!("repository {repository}"), *partition))
        };
        let found = flag
            .into_iter()
            .chain(repositories.iter().filter_map(of_repository));
        Ok(Self {
            partition: partition(found)?,
            buckets,
            repositories,
        })
    }

    /// Whether buckets are named.
    pub const fn has_buckets(&self) -> bool {
        !self.buckets.is_empty()
    }

    /// Whether repositories are named.
    pub const fn has_repositories(&self) -> bool {
        !self.repositories.is_empty()
    }

    /// The partition.
    pub const fn partition(&self) -> Partition {
        self.partition
    }

    /// What a resource of a set stands for.
    pub(super) fn fill(&self, resource: &str) -> Vec<String> {
        let partition = self.partition;
        let buckets = |tail: &str| {
            let arn = |bucket: &BucketName| format!("arn:{partition}:s3:::{}{tail}", bucket.0);
            self.buckets.iter().map(arn).collect()
        };
        let filled: Vec<String> = match resource {
            "{bucket}" => buckets(""),
            "{object}" => buckets("/*"),
            "{repository}" => self
                .repositories
                .iter()
                .map(|repository| repository.arn(partition))
                .collect(),
            other => vec![other.to_owned()],
        };
        if filled.is_empty() {
            return vec!["*".to_owned()];
        }
        filled
    }
}

impl Repository {
    fn arn(&self, partition: Partition) -> String {
        let place = self.place.as_ref().map_or("*:*", |(_, place)| place);
        format!("arn:{partition}:ecr:{place}:repository/{}", self.name)
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some((partition, _)) => f.write_str(&self.arn(*partition)),
            None => f.write_str(&self.name),
        }
    }
}

impl FromStr for BucketName {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_end = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_inner = |byte: u8| is_end(byte) || byte == b'-' || byte == b'.';
        let is_address = text.parse::<std::net::Ipv4Addr>().is_ok();
        let starts = ["xn--", "sthree-", "amzn-s3-demo-"];
        let ends = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
        let is_valid = (3..=63).contains(&text.len())
            && text.bytes().all(is_inner)
            && text.bytes().next().is_some_and(is_end)
            && text.bytes().last().is_some_and(is_end)
            && !text.contains("..")
            && !is_address
            && !starts.iter().any(|start| text.starts_with(start))
            && !ends.iter().any(|end| text.ends_with(end));
        is_valid
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| InvalidScope::Bucket(text.to_owned()))
    }
}

impl FromStr for Repository {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let other = || InvalidScope::Repository(text.to_owned());
        if !text.starts_with("arn:") {
            let name = is_repository(text)
                .then(|| text.to_owned())
                .ok_or_else(other)?;
            return Ok(Self { place: None, name });
        }
        let arn: Arn = text.parse()?;
        let name = arn
            .resource_of("ecr", "repository")
            .filter(|name| is_repository(name))
            .ok_or_else(other)?
            .to_owned();
        let (Some(region), Some(account)) = (arn.region, arn.account) else {
            return Err(other());
        };
        if region.partition() != arn.partition {
            return Err(InvalidScope::Place {
                text: text.to_owned(),
                partition: region.partition(),
            });
        }
        Ok(Self {
            place: Some((arn.partition, format!("{region}:{account}"))),
            name,
        })
    }
}

/// Amazon ECR API Reference, CreateRepository: 2 to 256 characters of small letters, digits, and `.`, `_`,
/// `-` and `/` between them.
fn is_repository(text: &str) -> bool {
    let name = text.strip_suffix("/*").unwrap_or(text);
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_part = |part: &str| {
        part.bytes().next().is_some_and(is_word)
            && part.bytes().last().is_some_and(is_word)
            && part
                .bytes()
                .all(|byte| is_word(byte) || b"._-".contains(&byte))
    };
    (2..=256).contains(&name.len()) && name.split('/').all(is_part)
}

/// The text names nothing that permissions could be narrowed to.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidScope {
    /// S3 allows no such bucket.
    #[error(
        "`{0}` is not the name of a bucket: it takes 3 to 63 of a-z, 0-9, `-` and `.`, a letter or digit at \
         both ends, and none of the beginnings and endings that S3 keeps for itself"
    )]
    Bucket(String),
    /// ECR allows no such repository.
    #[error(
        "`{0}` is not a repository: it takes NAME, NAME/* or \
         arn:PARTITION:ecr:REGION:ACCOUNT:repository/NAME, with small letters"
    )]
    Repository(String),
    /// Its region is not of its partition.
    #[error("`{text}` is in no place that exists: its region is of partition `{partition}`")]
    Place {
        /// The text.
        text: String,
        /// The partition of the region.
        partition: Partition,
    },
    /// It is no ARN.
    #[error(transparent)]
    Arn(#[from] InvalidArn),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_what_s3_allows() {
        for good in ["abc", "my.bucket-1", &"a".repeat(63)] {
            assert!(good.parse::<BucketName>().is_ok(), "{good}");
        }
        for bad in [
            "ab",
            "Bucket",
            "my_bucket",
            "-ab",
            "ab-",
            "a..b",
            "192.168.5.4",
            "xn--abc",
            "abc-s3alias",
            "abc--x-s3",
            "a/b",
            "abc*",
            "arn:aws:s3:::abc",
            &"a".repeat(64),
        ] {
            let error = bad.parse::<BucketName>().unwrap_err().to_string();
            assert!(error.contains("3 to 63"), "{bad}: {error}");
        }
    }

    #[test]
    fn repositories_are_what_ecr_allows() {
        let arn = "arn:aws-cn:ecr:cn-north-1:111122223333:repository/team/app";
        for (text, expected) in [
            ("team/app", "arn:aws:ecr:*:*:repository/team/app"),
            ("team/*", "arn:aws:ecr:*:*:repository/team/*"),
            (arn, arn),
        ] {
            let repository: Repository = text.parse().unwrap();
            let partition = repository.place.as_ref().map_or(Partition::Aws, |at| at.0);
            assert_eq!(repository.arn(partition), expected);
        }
        for (bad, rule) in [
            ("*", "NAME"),
            ("a", "NAME"),
            ("Team", "NAME"),
            ("team//app", "NAME"),
            ("team*", "NAME"),
            ("arn:aws:ecr:us-east-1:1:repository/app", "12 digits"),
            ("arn:aws:s3:::bucket", "NAME"),
            (
                "arn:aws:ecr:cn-north-1:111122223333:repository/app",
                "is of partition `aws-cn`",
            ),
        ] {
            let error = bad.parse::<Repository>().unwrap_err().to_string();
            assert!(error.contains(rule), "{bad}: {error}");
        }
    }
}
