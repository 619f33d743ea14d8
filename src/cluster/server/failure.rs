//! Why an API server gave no answer, or not the one that was wanted.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use super::printable;
use crate::fault::Fault;

/// Why an API server gave no answer, or not the one that was wanted.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Failure {
    /// Its certificate is not accepted.
    #[error("its certificate is not accepted: {detail}")]
    Certificate {
        /// What is wrong with it.
        detail: String,
    },
    /// The client could not even be made.
    #[error("it cannot be asked: {detail}")]
    Client {
        /// Why not.
        detail: String,
    },
    /// No connection within the time limit.
    #[error("no connection within {:.0} s", after.as_secs_f64())]
    ConnectTimeout {
        /// The limit.
        after: Duration,
    },
    /// It knows who asks, and refuses.
    #[error("it answered 403 Forbidden: {detail}")]
    Forbidden {
        /// What it said.
        detail: String,
    },
    /// No answer within the time limit.
    #[error("no answer within {:.0} s", after.as_secs_f64())]
    NoAnswer {
        /// The limit.
        after: Duration,
    },
    /// The answer is not one of an API server.
    #[error("its answer is not one of an API server: {detail}")]
    NotAnApi {
        /// What is wrong with it.
        detail: String,
    },
    /// It does not speak TLS.
    #[error("it does not speak TLS")]
    NotTls,
    /// Nobody listens there.
    #[error("the connection was refused")]
    Refused,
    /// The name is not known, or the connection broke.
    #[error("no connection: {detail}")]
    Unreachable {
        /// What the network said.
        detail: String,
    },
    /// Some other status.
    #[error("it answered {code}: {detail}")]
    Status {
        /// The status.
        code: u16,
        /// What it said.
        detail: String,
    },
    /// It does not know who asks.
    #[error("it answered 401 Unauthorized")]
    Unauthorized,
}

impl Failure {
    /// What a failed request says.
    pub(super) fn of(error: &kube::Error, after: Duration) -> Self {
        let first: &(dyn StdError + 'static) = error;
        let causes: Vec<_> = std::iter::successors(Some(first), |&cause| cause.source()).collect();
        for cause in &causes {
            match tls_error(*cause) {
                Some(rustls::Error::InvalidCertificate(reason)) => {
                    return Self::Certificate {
                        detail: reason.to_string(),
                    };
                }
                Some(rustls::Error::InvalidMessage(_)) => return Self::NotTls,
                Some(other) => {
                    return Self::Unreachable {
                        detail: other.to_string(),
                    };
                }
                None => {}
            }
            let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
            match kind {
                Some(io::ErrorKind::TimedOut) => return Self::ConnectTimeout { after },
                Some(io::ErrorKind::ConnectionRefused) => return Self::Refused,
                _ => {}
            }
        }
        // The layers above the last two only say that something went wrong.
        let last = causes.iter().rev().take(2).rev();
        let detail: Vec<_> = last.map(ToString::to_string).collect();
        Self::Unreachable {
            detail: printable(&detail.join(": ")),
        }
    }

    /// What an answer says that is not success; its body may be a `Status` (Kubernetes API
    /// Conventions).
    pub(super) fn of_status(code: u16, body: &[u8]) -> Self {
        #[derive(serde::Deserialize)]
        struct Status {
            message: String,
        }
        let said = serde_json::from_slice(body).map(|status: Status| status.message);
        let detail = said.map_or_else(|_| "without a reason".to_owned(), |said| printable(&said));
        match code {
            401 => Self::Unauthorized,
            403 => Self::Forbidden { detail },
            300..=399 => Self::NotAnApi {
                detail: format!("it redirects ({code})"),
            },
            _ => Self::Status { code, detail },
        }
    }

    /// Whether the same question may be answered a moment later.
    pub(super) const fn is_passing(&self) -> bool {
        match self {
            Self::Refused | Self::Unreachable { .. } => true,
            Self::Status { code, .. } => matches!(code, 429 | 500 | 502..=504),
            _ => false,
        }
    }

    /// The status of the answer, where that is what is wrong.
    pub const fn code(&self) -> Option<u16> {
        match self {
            Self::Status { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// On which side it is.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Client { .. } => Fault::Local,
            _ => Fault::Remote,
        }
    }

    /// What is behind it, as far as that is known.
    pub const fn cause(&self) -> Option<&'static str> {
        match self {
            Self::Unauthorized => Some(
                "the token is valid for another cluster, has expired, or its role is not mapped in this cluster",
            ),
            Self::Forbidden { .. } => {
                Some("the role is mapped in the cluster and has no permission there")
            }
            Self::ConnectTimeout { .. } => Some(
                "the endpoint is private or limited to other addresses, and its packets are dropped on the way",
            ),
            Self::Certificate { .. } => Some(
                "the kubeconfig is of another or a re-created cluster, its authority was rotated, or a proxy answers for it",
            ),
            Self::NotTls | Self::NotAnApi { .. } => {
                Some("something else answers at this address: a proxy, a load balancer")
            }
            Self::Refused => Some("nothing listens at this address and port"),
            Self::NoAnswer { .. } => Some("the server or a proxy on the way is stuck"),
            Self::Client { .. } | Self::Unreachable { .. } | Self::Status { .. } => None,
        }
    }

    /// The next step.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unauthorized => {
                "map the role: `aws eks create-access-entry`, or an entry in the ConfigMap aws-auth; the check `access` has its ARN"
            }
            Self::Forbidden { .. } => {
                "associate an access policy with the role's access entry, or bind a Kubernetes role to its groups"
            }
            Self::ConnectTimeout { .. } => {
                "let the delegate's security group and network reach port 443 of the endpoint, or open the public endpoint to its addresses"
            }
            Self::Certificate { .. } => {
                "write the kubeconfig anew with `bootstrap kubeconfig`; check the clock of this machine"
            }
            Self::NotTls | Self::NotAnApi { .. } => {
                "check the server of the kubeconfig, the proxy variables, and NO_PROXY"
            }
            Self::Refused | Self::Unreachable { .. } | Self::NoAnswer { .. } => {
                "check that this machine may reach the address (DNS, egress rules, proxy, NO_PROXY)"
            }
            Self::Client { .. } | Self::Status { .. } => "look at the message of the server",
        }
    }
}

/// The TLS error in this cause, which may be wrapped in several I/O errors: such an error names as
/// its source not what it wraps, but the source of that.
fn tls_error<'a>(mut cause: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    while let Some(error) = cause.downcast_ref::<io::Error>() {
        cause = error.get_ref()?;
    }
    cause.downcast_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_the_server_said() {
        let body =
            br#"{"kind":"Status","message":"User \"x\" cannot get path \"/version\"\u0007"}"#;
        assert_eq!(
            Failure::of_status(403, body).to_string(),
            "it answered 403 Forbidden: User \"x\" cannot get path \"/version\""
        );
        assert_eq!(Failure::of_status(401, b"<html>"), Failure::Unauthorized);
        assert!(matches!(
            Failure::of_status(302, b""),
            Failure::NotAnApi { .. }
        ));
        let other = Failure::of_status(502, b"<html>");
        assert_eq!(other.to_string(), "it answered 502: without a reason");
        assert!(other.is_passing());
    }
}
