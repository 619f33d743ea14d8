//! The sets of permissions that the Harness AWS connector asks for, as its settings reference gives them.

use std::fmt;
use std::str::FromStr;

use super::document::{Document, Statement};
use super::error::Error;

/// A set of permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Set {
    /// Read buckets.
    S3Read,
    /// Write objects.
    S3Write,
    /// Read and write objects.
    S3ReadWrite,
    /// Pull images.
    EcrPull,
    /// Push images.
    EcrPush,
    /// Make and manage EKS clusters, with all rights.
    EksFull,
    /// Make EKS clusters, with few rights.
    EksLimited,
    /// Deploy with the Serverless framework.
    Serverless,
    /// The connector lists the regions, whatever it is used for; the last, since some sets have it too.
    DescribeRegions,
}

impl Set {
    /// All of them, in the order in which they stand in a document.
    pub const ALL: [Self; 9] = [
        Self::S3Read,
        Self::S3Write,
        Self::S3ReadWrite,
        Self::EcrPull,
        Self::EcrPush,
        Self::EksFull,
        Self::EksLimited,
        Self::Serverless,
        Self::DescribeRegions,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DescribeRegions => "describe-regions",
            Self::S3Read => "s3-read",
            Self::S3Write => "s3-write",
            Self::S3ReadWrite => "s3-read-write",
            Self::EcrPull => "ecr-pull",
            Self::EcrPush => "ecr-push",
            Self::EksFull => "eks-full",
            Self::EksLimited => "eks-limited",
            Self::Serverless => "serverless",
        }
    }

    /// What it is for, in a line.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::DescribeRegions => "List the regions: always in, as every connector does it",
            Self::S3Read => "Read buckets and objects",
            Self::S3Write => "Write objects; takes --bucket",
            Self::S3ReadWrite => "Read and write objects, and list buckets; takes --bucket",
            Self::EcrPull => "Pull images from ECR",
            Self::EcrPush => "Push images to ECR, and manage repositories",
            Self::EksFull => "Make and manage EKS clusters, with every right in IAM and EC2",
            Self::EksLimited => "Make EKS clusters, with few rights",
            Self::Serverless => "Deploy with the Serverless framework",
        }
    }

    /// Whether `--bucket` narrows it.
    pub const fn has_buckets(self) -> bool {
        matches!(self, Self::S3Read | Self::S3Write | Self::S3ReadWrite)
    }

    /// Whether it makes no sense for all buckets.
    pub const fn needs_buckets(self) -> bool {
        matches!(self, Self::S3Write | Self::S3ReadWrite)
    }

    /// Whether `--repository` narrows it.
    pub const fn has_repositories(self) -> bool {
        matches!(self, Self::EcrPull | Self::EcrPush)
    }

    /// Its statements; resources may be a placeholder, which a scope fills.
    pub(super) fn statements(self) -> Result<Vec<Statement>, Error> {
        let document: Document = serde_json::from_str(self.source()).map_err(Error::Json)?;
        Ok(document.statement)
    }

    const fn source(self) -> &'static str {
        match self {
            Self::DescribeRegions => include_str!("../../manifests/policies/describe-regions.json"),
            Self::S3Read => include_str!("../../manifests/policies/s3-read.json"),
            Self::S3Write => include_str!("../../manifests/policies/s3-write.json"),
            Self::S3ReadWrite => include_str!("../../manifests/policies/s3-read-write.json"),
            Self::EcrPull => include_str!("../../manifests/policies/ecr-pull.json"),
            Self::EcrPush => include_str!("../../manifests/policies/ecr-push.json"),
            Self::EksFull => include_str!("../../manifests/policies/eks-full.json"),
            Self::EksLimited => include_str!("../../manifests/policies/eks-limited.json"),
            Self::Serverless => include_str!("../../manifests/policies/serverless.json"),
        }
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Set {
    type Err = UnknownSet;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|set| set.name() == text);
        named.ok_or(UnknownSet)
    }
}

/// There is no such set.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("there is no such set of permissions")]
pub struct UnknownSet;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_has_statements_and_is_found_by_its_name() {
        for set in Set::ALL {
            assert!(!set.statements().unwrap().is_empty(), "{set}");
            assert_eq!(set.name().parse(), Ok(set));
        }
        assert_eq!("s3".parse::<Set>(), Err(UnknownSet));
    }
}
