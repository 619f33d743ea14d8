//! The token that EKS takes: a presigned request for `sts:GetCallerIdentity`, as
//! aws-iam-authenticator makes it, byte for byte (its `pkg/token/token.go`).

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::arn::{ClusterName, Region};
use crate::aws::Identity;
use crate::fault::Fault;
use crate::http::Secret;

/// What a token begins with.
const PREFIX: &str = "k8s-aws-v1.";

/// The signed header that binds a token to its cluster.
const CLUSTER_HEADER: &str = "x-k8s-aws-id";

/// `X-Amz-Expires`: STS ignores it, and authenticators up to 0.3.0 wanted it to be at most this.
const STATED_LIFE: Duration = Duration::from_mins(1);

/// How long a token is used: STS takes it for 15 minutes, and one is left for the way.
const LIFE: SignedDuration = SignedDuration::from_mins(14);

/// The longest token that the verifier reads, in bytes.
pub const LONGEST: usize = 4096;

/// The unreserved characters of RFC 3986: all else is escaped in a query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What a cluster is called in its tokens: the name; of a local cluster on an Outpost its ID.
///
/// Clusters that are not of EKS choose it freely, so it is any word that a header can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterId(String);

impl ClusterId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&ClusterName> for ClusterId {
    fn from(name: &ClusterName) -> Self {
        Self(name.as_str().to_owned())
    }
}

impl FromStr for ClusterId {
    type Err = InvalidClusterId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("arn:") {
            return Err(InvalidClusterId::Arn);
        }
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:/@".contains(&byte);
        if (1..=255).contains(&text.len()) && text.bytes().all(is_word) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidClusterId::Word)
    }
}

/// The text is no name of a cluster.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidClusterId {
    /// The verifier would look for a cluster of that name.
    #[error("a token names its cluster by name: give the part of the ARN after `cluster/`")]
    Arn,
    /// It cannot be sent, or would be another name on the way.
    #[error("the name of a cluster has 1 to 255 letters, digits and `._-:/@`")]
    Word,
}

/// A token, and until when it is good.
#[derive(Clone, Debug)]
pub struct Token {
    /// What is sent as `Authorization: Bearer`.
    pub text: Secret,
    /// When a client should ask for another one.
    pub expires: Timestamp,
}

/// Signs a token for a cluster.
///
/// `host` is the host of STS in `region`, of which the verifier knows all that AWS has and no other.
pub fn sign_token(
    identity: &Identity,
    host: &str,
    region: &Region,
    cluster: &ClusterId,
    now: Timestamp,
) -> Result<Token, Error> {
    if let Some(expired) = identity.expires.filter(|end| *end <= now) {
        let source = identity.source.to_string();
        return Err(Error::Expired {
            source_name: source,
            expired,
        });
    }
    let query = query(identity, host, region, cluster, now)?;
    let url = format!("https://{host}/?{query}");
    let text = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(url));
    if text.len() > LONGEST {
        return Err(Error::TooLong { length: text.len() });
    }
    let end = now.checked_add(LIFE).unwrap_or(now);
    let end = identity.expires.map_or(end, |expires| expires.min(end));
    Ok(Token {
        text: Secret::new(text),
        expires: Timestamp::from_second(end.as_second()).unwrap_or(end),
    })
}

/// The parameters of the request, in the order of the Go SDK: sorted, and the signature last.
fn query(
    identity: &Identity,
    host: &str,
    region: &Region,
    cluster: &ClusterId,
    now: Timestamp,
) -> Result<String, Error> {
    let failed = |error: &dyn std::error::Error| Error::Signing {
        reason: error.to_string(),
    };
    let token = identity.session_token.as_ref();
    let credentials = Credentials::new(
        identity.access_key_id.as_str(),
        identity.secret_access_key.expose(),
        token.map(|token| token.expose().to_owned()),
        None,
        "bootstrap",
    )
    .into();
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(STATED_LIFE);
    let params = v4::SigningParams::builder()
        .identity(&credentials)
        .region(region.as_str())
        .name("sts")
        .time(SystemTime::from(now))
        .settings(settings)
        .build()
        .map_err(|error| failed(&error))?
        .into();
    let fixed = "Action=GetCallerIdentity&Version=2011-06-15";
    let request = SignableRequest::new(
        "GET",
        format!("https://{host}/?{fixed}"),
        [(CLUSTER_HEADER, cluster.as_str())].into_iter(),
        SignableBody::empty(),
    )
    .map_err(|error| failed(&error))?;
    let (instructions, signature) = sign(request, &params)
        .map_err(|error| failed(&error))?
        .into_parts();
    let mut parameters: Vec<_> = instructions
        .params()
        .iter()
        .filter(|(name, _)| *name != "X-Amz-Signature")
        .collect();
    parameters.sort();
    let mut query = fixed.to_owned();
    for (name, value) in parameters {
        query.push_str(&format!("&{name}={}", utf8_percent_encode(value, QUERY)));
    }
    query.push_str(&format!("&X-Amz-Signature={signature}"));
    Ok(query)
}

/// A token cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The credentials are of no use any more.
    #[error("the credentials from {source_name} expired at {expired}")]
    Expired {
        /// Where they came from.
        source_name: String,
        /// When they ended.
        expired: Timestamp,
    },
    /// The verifier would not read it.
    #[error(
        "the token has {length} bytes, and a cluster reads {LONGEST} at most: the session token of these credentials is too long"
    )]
    TooLong {
        /// Its length.
        length: usize,
    },
    /// The request cannot be signed.
    #[error("cannot sign the token: {reason}")]
    Signing {
        /// Why.
        reason: String,
    },
}

impl Error {
    /// The side that the failure is on.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Expired { .. } | Self::TooLong { .. } | Self::Signing { .. } => Fault::Local,
        }
    }

    /// What the user can do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Expired { .. } => {
                Some("take new credentials, and check the clock of this machine")
            }
            Self::TooLong { .. } => Some(
                "assume a role with --role: its session has a token of its own, and no session tags or policies unless it inherits them",
            ),
            Self::Signing { .. } => None,
        }
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Source;

    /// The key of the published test vector, which opens nothing (aws-iam-authenticator,
    /// `pkg/token/token_test.go`, `TestGetWithSTS`).
    fn example() -> Identity {
        Identity {
            access_key_id: "ASIAR2TG44V6AS3ZZE7C".to_owned(),
            secret_access_key: Secret::new("4KD5cntGcVmLWRdF5wvNRuzNL5Qxmp6OKVY6Fz/Q"),
            session_token: None,
            expires: None,
            source: Source::Environment,
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn token(identity: &Identity) -> Result<Token, Error> {
        let region = "us-west-2".parse().unwrap();
        let cluster = "test-cluster".parse().unwrap();
        let host = "sts.us-west-2.amazonaws.com";
        sign_token(identity, host, &region, &cluster, at(1_682_640_000))
    }

    fn url(token: &Token) -> String {
        let encoded = token.text.expose().strip_prefix(PREFIX).unwrap();
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_published_vector_comes_out_byte_for_byte() {
        let token = token(&example()).unwrap();
        assert_eq!(
            url(&token),
            "https://sts.us-west-2.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15\
             &X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=ASIAR2TG44V6AS3ZZE7C%2F20230428%2Fus-west-2%2Fsts%2Faws4_request\
             &X-Amz-Date=20230428T000000Z&X-Amz-Expires=60\
             &X-Amz-SignedHeaders=host%3Bx-k8s-aws-id\
             &X-Amz-Signature=e211dba77aba9dc44b0b6be38b8eaad092599c5157f6314444c5b9d85747f5ce"
        );
        assert_eq!(token.expires, at(1_682_640_000 + 14 * 60));
    }

    #[test]
    fn a_session_token_is_in_its_place_in_the_order_and_escaped() {
        let identity = Identity {
            session_token: Some(Secret::new("a+b/c==~*")),
            ..example()
        };
        let url = url(&token(&identity).unwrap());
        let order: Vec<_> = url.split(['?', '&']).skip(1).collect();
        assert!(order[6].starts_with("X-Amz-Security-Token="), "{url}");
        assert_eq!(order.len(), 9);
        assert!(
            url.contains("=a%2Bb%2Fc%3D%3D~%2A&X-Amz-SignedHeaders="),
            "{url}"
        );
    }

    #[test]
    fn a_token_ends_with_its_credentials() {
        let mut identity = example();
        identity.expires = Some(at(1_682_640_100));
        assert_eq!(token(&identity).unwrap().expires, at(1_682_640_100));
        identity.expires = Some(at(1_682_640_000));
        let error = token(&identity).unwrap_err().to_string();
        assert!(
            error.ends_with("expired at 2023-04-28T00:00:00Z"),
            "{error}"
        );
    }

    #[test]
    fn a_token_that_no_cluster_would_read_is_refused() {
        let mut identity = example();
        identity.session_token = Some(Secret::new("a".repeat(3000)));
        let error = token(&identity).unwrap_err();
        assert!(
            matches!(error, Error::TooLong { length: 4097.. }),
            "{error}"
        );
        identity.session_token = Some(Secret::new("a".repeat(2500)));
        assert!(token(&identity).is_ok());
    }

    #[test]
    fn a_cluster_is_named_by_a_word_that_a_header_can_hold() {
        for text in [
            "payments",
            "k8s.example.com",
            "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
        ] {
            assert!(text.parse::<ClusterId>().is_ok(), "{text}");
        }
        for text in [
            "",
            "a b",
            "a\nb",
            "ä",
            "arn:aws:eks:us-east-1:111122223333:cluster/a",
        ] {
            assert!(text.parse::<ClusterId>().is_err(), "{text:?}");
        }
    }
}
