//! What a service account token says of the pod that it is mounted in. Its signature is not
//! checked: nobody is let in by it here.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// The claims of a token (RFC 7519; Kubernetes, "Service account token structure").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// For whom it is.
    pub audiences: Vec<String>,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// When it was made.
    pub issued: Option<Timestamp>,
    /// The cluster that made it.
    pub issuer: String,
    /// `system:serviceaccount:NAMESPACE:NAME`.
    pub subject: String,
    /// The node that the pod runs on (Kubernetes 1.30 and newer).
    pub node: Option<String>,
}

impl Claims {
    /// Namespace and name of the service account.
    pub fn service_account(&self) -> Option<(&str, &str)> {
        let rest = self.subject.strip_prefix("system:serviceaccount:")?;
        rest.split_once(':')
    }

    /// Reads the claims of a token.
    pub fn decode(token: &str) -> Result<Self, Malformed> {
        let mut parts = token.trim().split('.');
        let (Some(_), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Malformed("it has not three parts"));
        };
        let payload = payload.trim_end_matches('=');
        let payload = BASE64_URL_SAFE_NO_PAD
            .decode(payload)
            .map_err(|_| Malformed("its second part is not Base64"))?;
        let raw: Raw = serde_json::from_slice(&payload)
            .map_err(|_| Malformed("its second part is not an object of claims"))?;
        let audiences = match raw.aud {
            Value::String(one) => vec![one],
            Value::Array(several) => {
                let texts = several.into_iter().filter_map(|value| match value {
                    Value::String(text) => Some(text),
                    _ => None,
                });
                texts.collect()
            }
            _ => Vec::new(),
        };
        let time = |seconds: Option<f64>| {
            #[expect(clippy::cast_possible_truncation, reason = "whole seconds will do")]
            let seconds = seconds.map(|seconds| seconds as i64);
            seconds.and_then(|seconds| Timestamp::from_second(seconds).ok())
        };
        Ok(Self {
            audiences,
            expires: time(raw.exp),
            issued: time(raw.iat),
            issuer: raw.iss,
            subject: raw.sub,
            node: raw.kubernetes.node.map(|node| node.name),
        })
    }
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    aud: Value,
    exp: Option<f64>,
    iat: Option<f64>,
    #[serde(default)]
    iss: String,
    #[serde(default)]
    sub: String,
    #[serde(default, rename = "kubernetes.io")]
    kubernetes: Kubernetes,
}

#[derive(Default, Deserialize)]
struct Kubernetes {
    node: Option<Node>,
}

#[derive(Deserialize)]
struct Node {
    name: String,
}

/// The text is no token.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("it is not a token: {0}")]
pub struct Malformed(&'static str);

#[cfg(test)]
pub(super) fn token(claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!(
        "{}.{}.c2lnbmF0dXJl",
        part(&serde_json::json!({"alg": "RS256"})),
        part(claims)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_claims_of_a_token_are_read() {
        let token = token(&json!({
            "aud": ["sts.amazonaws.com"], "exp": 1_700_000_000, "iat": 1_699_913_600,
            "iss": "https://oidc.eks.us-east-1.amazonaws.com/id/ABC",
            "sub": "system:serviceaccount:harness-delegate-ng:delegate",
            "kubernetes.io": {"namespace": "x", "node": {"name": "fargate-ip-10-0-0-1", "uid": "u"}},
        }));
        let claims = Claims::decode(&format!("{token}\n")).unwrap();
        assert_eq!(claims.audiences, ["sts.amazonaws.com"]);
        assert_eq!(
            claims.expires,
            Some(Timestamp::from_second(1_700_000_000).unwrap())
        );
        assert_eq!(
            claims.service_account(),
            Some(("harness-delegate-ng", "delegate"))
        );
        assert_eq!(claims.node.as_deref(), Some("fargate-ip-10-0-0-1"));
    }

    #[test]
    fn an_audience_may_stand_alone_and_claims_may_be_absent() {
        let claims = Claims::decode(&token(&json!({"aud": "a"}))).unwrap();
        assert_eq!(claims.audiences, ["a"]);
        assert_eq!(claims.service_account(), None);
        assert_eq!(
            Claims::decode(&token(&json!({}))).unwrap(),
            Claims::default()
        );
    }

    #[test]
    fn what_is_no_token_is_refused_and_not_shown() {
        for text in [
            "", "notajwt", "a.b", "a.b.c.d", "a.!.c", "a.e30x.c", "a.W10.c",
        ] {
            let error = Claims::decode(text).unwrap_err().to_string();
            assert!(error.starts_with("it is not a token: "), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}", claims in "[\\x20-\\x7e]{0,60}") {
            drop(Claims::decode(&text));
            let payload = BASE64_URL_SAFE_NO_PAD.encode(claims);
            drop(Claims::decode(&format!("a.{payload}.c")));
        }
    }
}
