//! Amazon Resource Names, the partition, region and account that they are made of, and the other
//! names that AWS gives rules for.

use std::fmt;
use std::str::FromStr;

/// Gives a checked text type its text form.
macro_rules! text_type {
    ($name:ident) => {
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

mod names;

pub use names::{ClusterName, ExternalId, InvalidName, SessionName};

/// A group of regions with accounts, names and endpoints of their own (AWS General Reference,
/// "Amazon Resource Names"; the partition table of aws-iam-authenticator).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Partition {
    /// The commercial regions.
    Aws,
    /// China.
    China,
    /// AWS GovCloud (US).
    GovCloud,
    /// AWS ISO (US).
    Iso,
    /// AWS ISOB (US).
    IsoB,
    /// AWS ISOE (Europe).
    IsoE,
    /// AWS ISOF.
    IsoF,
    /// The European Sovereign Cloud.
    Sovereign,
}

impl Partition {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Aws,
        Self::China,
        Self::GovCloud,
        Self::Iso,
        Self::IsoB,
        Self::IsoE,
        Self::IsoF,
        Self::Sovereign,
    ];

    /// The second part of an ARN.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::China => "aws-cn",
            Self::GovCloud => "aws-us-gov",
            Self::Iso => "aws-iso",
            Self::IsoB => "aws-iso-b",
            Self::IsoE => "aws-iso-e",
            Self::IsoF => "aws-iso-f",
            Self::Sovereign => "aws-eusc",
        }
    }

    /// What the host names of its services end in.
    pub const fn dns_suffix(self) -> &'static str {
        match self {
            Self::Aws | Self::GovCloud => "amazonaws.com",
            Self::China => "amazonaws.com.cn",
            Self::Iso => "c2s.ic.gov",
            Self::IsoB => "sc2s.sgov.gov",
            Self::IsoE => "cloud.adc-e.uk",
            Self::IsoF => "csp.hci.ic.gov",
            Self::Sovereign => "amazonaws.eu",
        }
    }

    /// What its dual-stack host names end in, where it has any.
    pub const fn dual_stack_suffix(self) -> Option<&'static str> {
        match self {
            Self::Aws | Self::GovCloud => Some("api.aws"),
            Self::China => Some("api.amazonwebservices.com.cn"),
            _ => None,
        }
    }

    /// The region that its global services live in: where a connection is tried when no region
    /// is named.
    pub const fn home_region(self) -> &'static str {
        match self {
            Self::Aws => "us-east-1",
            Self::China => "cn-north-1",
            Self::GovCloud => "us-gov-west-1",
            Self::Iso => "us-iso-east-1",
            Self::IsoB => "us-isob-east-1",
            Self::IsoE => "eu-isoe-west-1",
            Self::IsoF => "us-isof-south-1",
            Self::Sovereign => "eusc-de-east-1",
        }
    }

    fn of_region(region: &str) -> Self {
        let prefixes = [
            ("cn-", Self::China),
            ("us-gov-", Self::GovCloud),
            ("us-iso-", Self::Iso),
            ("us-isob-", Self::IsoB),
            ("eu-isoe-", Self::IsoE),
            ("us-isof-", Self::IsoF),
            ("eu-isof-", Self::IsoF),
            ("eusc-", Self::Sovereign),
        ];
        let named = prefixes
            .iter()
            .find(|(prefix, _)| region.starts_with(prefix));
        named.map_or(Self::Aws, |(_, partition)| *partition)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl FromStr for Partition {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL
            .into_iter()
            .find(|partition| partition.id() == text);
        named.ok_or_else(|| InvalidArn::Partition {
            text: text.to_owned(),
        })
    }
}

/// The code of a region: `us-east-1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(String);

text_type!(Region);

impl Region {
    /// The partition that it belongs to, told by its name.
    pub fn partition(&self) -> Partition {
        Partition::of_region(&self.0)
    }
}

impl From<Partition> for Region {
    /// Its home region.
    fn from(partition: Partition) -> Self {
        Self(partition.home_region().to_owned())
    }
}

impl FromStr for Region {
    type Err = InvalidRegion;

    /// Words of small letters and a number, joined by hyphens: what all region codes have been.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words: Vec<_> = text.split('-').collect();
        let number = words.pop().unwrap_or_default();
        let is_number = |word: &str| {
            (1..=2).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit())
        };
        let is_word =
            |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
        if text.len() <= 32 && words.len() >= 2 && words.iter().all(is_word) && is_number(number) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidRegion {
            text: text.to_owned(),
        })
    }
}

/// The text is no region code.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a region: it takes a code such as `us-east-1` or `us-gov-west-1`")]
pub struct InvalidRegion {
    text: String,
}

/// The number of an AWS account: twelve digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(String);

text_type!(AccountId);

impl FromStr for AccountId {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidArn::Account {
            text: text.to_owned(),
        })
    }
}

/// Any ARN: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Arn {
    /// The partition.
    pub partition: Partition,
    /// The service, such as `iam`.
    pub service: String,
    /// The region; none for services that are global.
    pub region: Option<Region>,
    /// The account; none for what AWS itself owns, such as managed policies.
    pub account: Option<AccountId>,
    /// What is named: `role/deployer`, `cluster/payments`, `assumed-role/deployer/session`.
    pub resource: String,
}

impl Arn {
    /// The resource's name when it is of this kind: `payments` of `cluster/payments`.
    pub fn resource_of(&self, service: &str, kind: &str) -> Option<&str> {
        let rest = self.resource.strip_prefix(kind)?.strip_prefix('/')?;
        (self.service == service && !rest.is_empty()).then_some(rest)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let region = self.region.as_ref().map_or("", Region::as_str);
        let account = self.account.as_ref().map_or("", AccountId::as_str);
        let (partition, service, resource) = (self.partition, &self.service, &self.resource);
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

impl FromStr for Arn {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shape = || InvalidArn::Shape {
            text: text.to_owned(),
        };
        let parts: Vec<_> = text.splitn(6, ':').collect();
        let &["arn", partition, service, region, account, resource] = parts.as_slice() else {
            return Err(shape());
        };
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let is_visible = |byte: u8| byte.is_ascii_graphic();
        if service.is_empty()
            || resource.is_empty()
            || !service.bytes().all(is_word)
            || !resource.bytes().all(is_visible)
        {
            return Err(shape());
        }
        let region = (!region.is_empty()).then(|| region.parse());
        let account = match account {
            "" | "aws" => None,
            account => Some(account.parse()?),
        };
        Ok(Self {
            partition: partition.parse()?,
            service: service.to_owned(),
            region: region.transpose().map_err(|_| shape())?,
            account,
            resource: resource.to_owned(),
        })
    }
}

/// The ARN of an IAM role: `arn:aws:iam::111122223333:role/deployer`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleArn {
    text: String,
    /// The partition.
    pub partition: Partition,
    /// The account that the role is in.
    pub account: AccountId,
    /// The path, from slash to slash: `/` when it has none.
    pub path: String,
    /// The name, without the path.
    pub name: String,
}

impl RoleArn {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The role in the form that `aws-auth` takes, which knows no path (Amazon EKS User Guide,
    /// "Grant IAM users access to Kubernetes with a ConfigMap").
    pub fn without_path(&self) -> String {
        format!(
            "arn:{}:iam::{}:role/{}",
            self.partition, self.account, self.name
        )
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for RoleArn {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let arn: Arn = text.parse()?;
        let other = || InvalidArn::NotARole {
            text: text.to_owned(),
        };
        let Arn {
            partition,
            region: None,
            account: Some(account),
            ..
        } = &arn
        else {
            return Err(other());
        };
        let full = arn.resource_of("iam", "role").ok_or_else(other)?;
        let (path, name) = full.rsplit_once('/').unwrap_or(("", full));
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
        // IAM API Reference, CreateRole: a name of 1 to 64 characters, a path of at most 512.
        if !(1..=64).contains(&name.len()) || !name.bytes().all(is_name) || path.len() > 510 {
            return Err(InvalidArn::RoleName {
                text: text.to_owned(),
            });
        }
        Ok(Self {
            text: text.to_owned(),
            partition: *partition,
            account: account.clone(),
            path: if path.is_empty() {
                "/".to_owned()
            } else {
                format!("/{path}/")
            },
            name: name.to_owned(),
        })
    }
}

/// The text is no ARN, or not one of the kind that is wanted.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidArn {
    /// It has other parts.
    #[error("`{text}` is not an ARN: it takes `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`")]
    Shape {
        /// The text.
        text: String,
    },
    /// There is no such partition.
    #[error(
        "`{text}` is not a partition: it takes `aws`, `aws-cn`, `aws-us-gov`, `aws-iso`, `aws-iso-b`, \
         `aws-iso-e`, `aws-iso-f` or `aws-eusc`"
    )]
    Partition {
        /// The text.
        text: String,
    },
    /// It is no account.
    #[error("`{text}` is not an account ID: it takes 12 digits")]
    Account {
        /// The text.
        text: String,
    },
    /// It is something else.
    #[error("`{text}` is not the ARN of a role: it takes `arn:PARTITION:iam::ACCOUNT:role/NAME`")]
    NotARole {
        /// The text.
        text: String,
    },
    /// IAM allows no such name.
    #[error(
        "`{text}` names no role that IAM allows: a role's name has 1 to 64 letters, digits and `+=,.@_-`"
    )]
    RoleName {
        /// The text.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_belongs_to_the_partition_that_its_name_tells() {
        for (region, partition) in [
            ("us-east-1", "aws"),
            ("ap-southeast-4", "aws"),
            ("mx-central-1", "aws"),
            ("cn-northwest-1", "aws-cn"),
            ("us-gov-east-1", "aws-us-gov"),
            ("us-iso-west-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            let region: Region = region.parse().unwrap();
            assert_eq!(region.partition().id(), partition, "{region}");
        }
    }

    #[test]
    fn the_home_region_of_a_partition_is_a_region_of_it() {
        for partition in Partition::ALL {
            let region: Region = partition.home_region().parse().unwrap();
            assert_eq!(region, Region::from(partition));
            assert_eq!(region.partition(), partition);
            assert_eq!(partition.id().parse(), Ok(partition));
        }
    }

    #[test]
    fn what_is_no_region_code_is_refused() {
        for text in [
            "",
            "us-east",
            "us-east-",
            "us-east-1a",
            "US-EAST-1",
            "useast1",
            "-east-1",
            "us--1",
        ] {
            let error = text.parse::<Region>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("`{text}` is not a region: ")),
                "{error}"
            );
        }
    }

    #[test]
    fn an_arn_is_read_and_written_alike() {
        for text in [
            "arn:aws:iam::111122223333:role/deployer",
            "arn:aws:eks:us-east-1:111122223333:cluster/payments",
            "arn:aws-cn:sts::111122223333:assumed-role/deployer/harness",
            "arn:aws:s3:::bucket/*",
        ] {
            assert_eq!(text.parse::<Arn>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_role_is_told_from_its_path() {
        let plain: RoleArn = "arn:aws:iam::111122223333:role/deployer".parse().unwrap();
        assert_eq!(
            (plain.path.as_str(), plain.name.as_str()),
            ("/", "deployer")
        );
        let deep: RoleArn = "arn:aws-us-gov:iam::111122223333:role/ci/eu/deployer"
            .parse()
            .unwrap();
        assert_eq!(
            (deep.path.as_str(), deep.name.as_str()),
            ("/ci/eu/", "deployer")
        );
        assert_eq!(
            deep.without_path(),
            "arn:aws-us-gov:iam::111122223333:role/deployer"
        );
    }

    #[test]
    fn what_is_no_role_is_refused_with_the_rule() {
        for (text, rule) in [
            ("deployer", "is not an ARN"),
            ("arn:aws:iam::111122223333", "is not an ARN"),
            ("arn:aws:iam::1111:role/deployer", "12 digits"),
            (
                "arn:amazon:iam::111122223333:role/deployer",
                "is not a partition",
            ),
            (
                "arn:aws:iam::111122223333:user/deployer",
                "not the ARN of a role",
            ),
            (
                "arn:aws:sts::111122223333:assumed-role/deployer/x",
                "not the ARN of a role",
            ),
            ("arn:aws:iam::111122223333:role/", "not the ARN of a role"),
            ("arn:aws:iam::111122223333:role/de ployer", "is not an ARN"),
            (
                "arn:aws:iam::111122223333:role/de*ployer",
                "1 to 64 letters",
            ),
            (
                "arn:aws:iam:us-east-1:111122223333:role/deployer",
                "not the ARN of a role",
            ),
        ] {
            let error = text.parse::<RoleArn>().unwrap_err().to_string();
            assert!(error.contains(rule), "{text}: {error}");
        }
    }
}
