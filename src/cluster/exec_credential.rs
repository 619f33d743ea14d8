//! What an exec credential plugin answers (Kubernetes documentation, "client-go credential plugins").

use std::fmt;

use serde_json::json;

use super::token::Token;

/// A version of the group `client.authentication.k8s.io`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiVersion {
    /// Up to kubectl 1.23.
    V1Alpha1,
    /// What every client takes.
    V1Beta1,
    /// From kubectl 1.22 on.
    V1,
}

/// Why the version that a client names is not the one that is answered, or will not be for long.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Remark {
    /// It was taken out of Kubernetes.
    #[error(
        "the kubeconfig asks for `client.authentication.k8s.io/v1alpha1`, which kubectl 1.24 and later refuse: write v1beta1 there"
    )]
    Deprecated,
    /// It is none.
    #[error(
        "KUBERNETES_EXEC_INFO asks for the version `{asked}`, which does not exist: {} is answered",
        ApiVersion::V1Beta1
    )]
    Unknown {
        /// What it asks for.
        asked: String,
    },
    /// It names none.
    #[error(
        "KUBERNETES_EXEC_INFO names no `apiVersion`: {} is answered",
        ApiVersion::V1Beta1
    )]
    Unnamed,
    /// It is no JSON.
    #[error(
        "KUBERNETES_EXEC_INFO is not the JSON that it should be: {} is answered",
        ApiVersion::V1Beta1
    )]
    Malformed,
}

impl ApiVersion {
    const GROUP: &str = "client.authentication.k8s.io/";

    /// The version that the client asks for, by `KUBERNETES_EXEC_INFO`; clients before 1.20 set no
    /// such variable.
    pub fn negotiate(info: Option<&str>) -> (Self, Option<Remark>) {
        let Some(info) = info else {
            return (Self::V1Beta1, None);
        };
        let Ok(serde_json::Value::Object(info)) = serde_json::from_str(info) else {
            return (Self::V1Beta1, Some(Remark::Malformed));
        };
        let asked = info.get("apiVersion").and_then(|version| version.as_str());
        let asked = asked.unwrap_or_default();
        match asked.strip_prefix(Self::GROUP) {
            Some("v1") => (Self::V1, None),
            Some("v1beta1") => (Self::V1Beta1, None),
            Some("v1alpha1") => (Self::V1Alpha1, Some(Remark::Deprecated)),
            None if asked.is_empty() => (Self::V1Beta1, Some(Remark::Unnamed)),
            _ => {
                let asked = asked.chars().filter(|char| !char.is_control());
                let asked = asked.take(80).collect();
                (Self::V1Beta1, Some(Remark::Unknown { asked }))
            }
        }
    }

    /// The answer, on one line.
    pub fn answer(self, token: &Token) -> String {
        // Written out, for the order of the keys: that of aws-iam-authenticator.
        let text = |value: serde_json::Value| value.to_string();
        format!(
            "{{\"kind\":\"ExecCredential\",\"apiVersion\":{},\"spec\":{{\"interactive\":false}},\
             \"status\":{{\"expirationTimestamp\":{},\"token\":{}}}}}\n",
            text(json!(self.to_string())),
            text(json!(token.expires.to_string())),
            text(json!(token.text.expose())),
        )
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = match self {
            Self::V1Alpha1 => "v1alpha1",
            Self::V1Beta1 => "v1beta1",
            Self::V1 => "v1",
        };
        write!(f, "{}{version}", Self::GROUP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Secret;

    #[test]
    fn the_version_is_the_one_that_is_asked_for_where_it_exists() {
        let check = |info: Option<&str>, version, remark: Option<Remark>| {
            assert_eq!(ApiVersion::negotiate(info), (version, remark), "{info:?}");
        };
        let beta = ApiVersion::V1Beta1;
        check(None, beta, None);
        let info = |version: &str| {
            let group = "client.authentication.k8s.io";
            format!(
                "{{\"kind\":\"ExecCredential\",\"apiVersion\":\"{group}/{version}\",\"spec\":{{}}}}"
            )
        };
        check(Some(&info("v1")), ApiVersion::V1, None);
        check(Some(&info("v1beta1")), beta, None);
        let alpha = ApiVersion::V1Alpha1;
        check(Some(&info("v1alpha1")), alpha, Some(Remark::Deprecated));
        for asked in ["client.authentication.k8s.io/v2", "v1"] {
            let remark = Remark::Unknown {
                asked: asked.to_owned(),
            };
            let info = format!("{{\"apiVersion\":\"{asked}\"}}");
            check(Some(&info), beta, Some(remark));
        }
        for info in ["{}", "{\"apiVersion\":\"\"}", "{\"apiVersion\":1}"] {
            check(Some(info), beta, Some(Remark::Unnamed));
        }
        check(Some("{"), beta, Some(Remark::Malformed));
        check(Some("[]"), beta, Some(Remark::Malformed));
    }

    #[test]
    fn the_answer_is_that_of_the_authenticator() {
        let token = Token {
            text: Secret::new("k8s-aws-v1.abc"),
            expires: "2023-04-28T00:14:00Z".parse().unwrap(),
        };
        assert_eq!(
            ApiVersion::V1Beta1.answer(&token),
            "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\
             \"spec\":{\"interactive\":false},\"status\":{\"expirationTimestamp\":\"2023-04-28T00:14:00Z\",\
             \"token\":\"k8s-aws-v1.abc\"}}\n"
        );
    }
}
