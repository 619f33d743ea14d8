//! The address of an issuer of identity tokens, as IAM writes it: without scheme and final slash.

use std::fmt;
use std::str::FromStr;

use crate::arn::{Partition, Region};

/// The longest address that an OIDC provider may have (IAM API Reference, CreateOpenIDConnectProvider).
const LONGEST: usize = 255;

/// An issuer: `oidc.eks.us-east-1.amazonaws.com/id/0F1E`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer(String);

impl Issuer {
    /// The text, without scheme and final slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition, where the host is one of EKS and tells it: `oidc.eks.REGION.…` or
    /// `oidc-eks.REGION.…`.
    pub fn partition(&self) -> Option<Partition> {
        let rest = self
            .0
            .strip_prefix("oidc.eks.")
            .or_else(|| self.0.strip_prefix("oidc-eks."))?;
        let region: Region = rest.split('.').next()?.parse().ok()?;
        Some(region.partition())
    }

    /// The issuer below this path.
    #[must_use]
    pub fn below(&self, path: &str) -> Self {
        Self(format!("{}/{path}", self.0))
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Issuer {
    type Err = InvalidIssuer;

    /// IAM takes no port, no query and no scheme but https (IAM API Reference,
    /// CreateOpenIDConnectProvider).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidIssuer {
            text: text.to_owned(),
        };
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => rest,
            Some(_) => return Err(invalid()),
            None => text,
        };
        let rest = rest.trim_end_matches('/');
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = host.to_ascii_lowercase();
        let is_label = |label: &str| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let is_path = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        let is_valid = host.contains('.')
            && host.split('.').all(is_label)
            && path.bytes().all(is_path)
            && !path
                .split('/')
                .any(|part| part.is_empty() && !path.is_empty())
            && rest.len() <= LONGEST - "https://".len();
        if !is_valid {
            return Err(invalid());
        }
        Ok(Self(if path.is_empty() {
            host
        } else {
            format!("{host}/{path}")
        }))
    }
}

/// The text is no such address.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{text}` is not the address of an issuer: it takes https://HOST/PATH, without port, query and wildcards"
)]
pub struct InvalidIssuer {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_the_same_with_and_without_scheme_and_final_slash() {
        for text in [
            "https://oidc.eks.us-east-1.amazonaws.com/id/0F1E",
            "https://oidc.eks.us-east-1.amazonaws.com/id/0F1E/",
            "oidc.eks.us-east-1.amazonaws.com/id/0F1E",
            "HTTPS://OIDC.eks.us-east-1.amazonaws.com/id/0F1E",
        ] {
            let issuer: Issuer = text.parse().unwrap();
            assert_eq!(issuer.as_str(), "oidc.eks.us-east-1.amazonaws.com/id/0F1E");
        }
    }

    #[test]
    fn the_host_of_eks_tells_the_partition() {
        for (text, partition) in [
            ("oidc.eks.us-east-1.amazonaws.com/id/0F", Some("aws")),
            ("oidc.eks.cn-north-1.amazonaws.com.cn/id/0F", Some("aws-cn")),
            (
                "oidc.eks.us-gov-west-1.amazonaws.com/id/0F",
                Some("aws-us-gov"),
            ),
            ("oidc-eks.us-gov-west-1.api.aws/id/0F", Some("aws-us-gov")),
            ("app.harness.io/ng", None),
            ("oidc.eks.moon.test", None),
        ] {
            let issuer: Issuer = text.parse().unwrap();
            assert_eq!(issuer.partition().map(Partition::id), partition, "{text}");
        }
    }

    #[test]
    fn what_iam_would_refuse_is_refused_here() {
        for text in [
            "",
            "https://",
            "http://oidc.test/id",
            "oidc",
            "https://oidc.test:443/id",
            "https://u@oidc.test/id",
            "https://oidc.test/id?x=1",
            "https://oidc.test/id#x",
            "https://oidc.test/*",
            "https://*.oidc.test",
            "https://oidc.test//id",
            "https://-oidc.test",
            &format!("https://oidc.test/{}", "a".repeat(240)),
        ] {
            assert!(text.parse::<Issuer>().is_err(), "{text}");
        }
    }
}
