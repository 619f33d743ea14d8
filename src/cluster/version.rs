//! The version of a Kubernetes cluster, and the oldest one that will do.

use std::fmt;
use std::str::FromStr;

/// A minor release of Kubernetes: all that says what an API server can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KubernetesVersion {
    major: u32,
    minor: u32,
}

impl KubernetesVersion {
    /// The version with these numbers.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Reads what a server says of itself (`GET /version`): `minor` may have a `+` (EKS), and
    /// where the two are no numbers the one of `gitVersion` counts.
    pub fn of_server(major: &str, minor: &str, git_version: &str) -> Result<Self, InvalidVersion> {
        match (number(major), number(minor)) {
            (Some((major, "")), Some((minor, "" | "+"))) => Ok(Self { major, minor }),
            _ => git_version.parse(),
        }
    }
}

impl fmt::Display for KubernetesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for KubernetesVersion {
    type Err = InvalidVersion;

    /// Reads `1.22`, `v1.22.9-eks-a64ea69`, `1.27+` and the like; what comes after the minor
    /// version does not count.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (major, rest) = number(text.strip_prefix('v').unwrap_or(text))?;
            let (minor, rest) = number(rest.strip_prefix('.')?)?;
            let rest = match rest.strip_prefix('.') {
                Some(rest) => number(rest)?.1,
                None => rest,
            };
            (rest.is_empty() || rest.starts_with(['-', '+'])).then_some(Self { major, minor })
        };
        parse().ok_or_else(|| InvalidVersion {
            text: text.chars().take(LONGEST_SHOWN).collect(),
        })
    }
}

/// A server's answer may be anything; so much of it is quoted.
const LONGEST_SHOWN: usize = 40;

/// The number that the text begins with, and the rest.
fn number(text: &str) -> Option<(u32, &str)> {
    let end = text
        .find(|char: char| !char.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

/// The text is no version of Kubernetes.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a version of Kubernetes: it takes one like 1.22 or v1.22.9")]
pub struct InvalidVersion {
    text: String,
}

/// The oldest version that a cluster may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minimum(KubernetesVersion);

impl Minimum {
    /// What the Harness connector for EKS asks for: older clusters do not know the `v1beta1`
    /// authentication that it uses (Harness documentation, "AWS connector settings reference").
    const OF_HARNESS: KubernetesVersion = KubernetesVersion::new(1, 22);

    /// Whether this version is new enough.
    pub fn allows(self, version: KubernetesVersion) -> bool {
        version >= self.0
    }
}

impl Default for Minimum {
    fn default() -> Self {
        Self(Self::OF_HARNESS)
    }
}

impl fmt::Display for Minimum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Minimum {
    type Err = InvalidMinimum;

    /// The minimum can be raised and not lowered: a delegate would start whose every deployment
    /// fails. Who must start it all the same has `--on-failure=continue`, which still says so.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let version: KubernetesVersion = text.parse()?;
        (version >= Self::OF_HARNESS)
            .then_some(Self(version))
            .ok_or(InvalidMinimum::TooLow { version })
    }
}

/// The text is no minimum.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidMinimum {
    /// It is no version at all.
    #[error(transparent)]
    Version(#[from] InvalidVersion),
    /// Nothing works with such a cluster.
    #[error(
        "{version} is below {}, which the Harness connector for EKS needs: the minimum can be raised only",
        Minimum::OF_HARNESS
    )]
    TooLow {
        /// The version.
        version: KubernetesVersion,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Option<(u32, u32)>) {
        let expected = expected.map(|(major, minor)| KubernetesVersion::new(major, minor));
        assert_eq!(text.parse::<KubernetesVersion>().ok(), expected, "{text}");
    }

    #[test]
    fn versions_are_read_as_servers_and_aws_write_them() {
        check("1.22", Some((1, 22)));
        check("v1.22.9-eks-a64ea69", Some((1, 22)));
        check("v1.21.2-eks-06eac09", Some((1, 21)));
        check("1.21+", Some((1, 21)));
        check("v1.30.0+k3s1", Some((1, 30)));
        check("1.31.2", Some((1, 31)));
        check("v2.0.0-alpha.1", Some((2, 0)));
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in [
            "",
            "v",
            "1",
            "1.",
            ".22",
            "1.x",
            "1.22x",
            "1.22.",
            "1.22.x",
            "one.two",
            "1 .22",
            "-1.22",
            "1.-22",
            "1.99999999999",
            "vv1.22",
            "<html>",
        ] {
            check(text, None);
        }
        let error = "x".repeat(5000).parse::<KubernetesVersion>().unwrap_err();
        assert!(error.to_string().len() < 200, "{error}");
    }

    #[test]
    fn a_server_says_its_version_in_parts_or_in_one() {
        let check = |parts: [&str; 3], expected: Option<(u32, u32)>| {
            let [major, minor, git] = parts;
            let expected = expected.map(|(major, minor)| KubernetesVersion::new(major, minor));
            let found = KubernetesVersion::of_server(major, minor, git).ok();
            assert_eq!(found, expected, "{parts:?}");
        };
        check(["1", "27+", "v1.27.3-eks-a5565ad"], Some((1, 27)));
        check(["1", "31", "v1.31.0"], Some((1, 31)));
        check(["", "", "v1.29.1"], Some((1, 29)));
        check(["1", "x", "v1.29.1"], Some((1, 29)));
        check(["1", "27x", "garbage"], None);
        check(["", "", ""], None);
    }

    #[test]
    fn the_minimum_can_be_raised_and_not_lowered() {
        let minimum = Minimum::default();
        assert!(!minimum.allows(KubernetesVersion::new(1, 21)));
        assert!(minimum.allows(KubernetesVersion::new(1, 22)));
        assert!(minimum.allows(KubernetesVersion::new(2, 0)));
        let raised: Minimum = "1.30".parse().unwrap();
        assert!(!raised.allows(KubernetesVersion::new(1, 29)));
        let error = "1.21".parse::<Minimum>().unwrap_err().to_string();
        assert!(error.starts_with("1.21 is below 1.22"), "{error}");
        assert!("soon".parse::<Minimum>().is_err());
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_numbers(
            a in (0..3_u32, 0..200_u32),
            b in (0..3_u32, 0..200_u32),
            tails in prop::array::uniform2("(\\.[0-9]{1,4})?([-+][a-z0-9.+-]{0,9})?"),
        ) {
            let text = |(major, minor), tail: &str| format!("v{major}.{minor}{tail}");
            let one: KubernetesVersion = text(a, &tails[0]).parse().unwrap();
            let other: KubernetesVersion = text(b, &tails[1]).parse().unwrap();
            prop_assert_eq!(one.cmp(&other), a.cmp(&b));
        }

        #[test]
        fn what_is_written_is_read_back(major in any::<u32>(), minor in any::<u32>()) {
            let version = KubernetesVersion::new(major, minor);
            prop_assert_eq!(version.to_string().parse(), Ok(version));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,30}") {
            drop(text.parse::<KubernetesVersion>());
        }
    }
}
