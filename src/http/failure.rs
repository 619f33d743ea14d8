//! Why one source did not give the bytes, and whether asking it again makes sense.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::digest::Digest;

/// Why one source did not give the bytes.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// No connection: the name does not resolve, or nobody listens, or the handshake broke.
    #[error("cannot connect: {detail}")]
    Connect {
        /// What the network said.
        detail: String,
    },
    /// The connection broke before an answer came.
    #[error("no answer: {detail}")]
    NoAnswer {
        /// What the network said.
        detail: String,
    },
    /// No byte came for too long.
    #[error("nothing came for {} s", (after.as_secs_f64() * 10.0).round() / 10.0)]
    Stalled {
        /// The limit.
        after: Duration,
    },
    /// The server's certificate is not trusted.
    #[error("the certificate of {host} is not accepted: {detail}")]
    Certificate {
        /// The server's name.
        host: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The proxy could not be reached, or would not connect.
    #[error("the proxy {proxy} gave no connection: {detail}")]
    Proxy {
        /// The proxy, without user and password.
        proxy: String,
        /// What the network said.
        detail: String,
    },
    /// The proxy wants other credentials, or any.
    #[error("the proxy {proxy} asks for credentials (407)")]
    ProxyCredentials {
        /// The proxy, without user and password.
        proxy: String,
    },
    /// The server answered with a status that is not success.
    #[error("the answer was {status}{}", Through(proxy.as_deref()))]
    Status {
        /// The status and its name.
        status: Status,
        /// The proxy that may have given this answer itself.
        proxy: Option<String>,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// The server asks to wait for longer than there is time.
    #[error("the answer was {status}, to be asked again in {} s, after the deadline", wait.as_secs())]
    Busy {
        /// The status and its name.
        status: Status,
        /// How long the server asks to wait.
        wait: Duration,
    },
    /// The body ended, or broke, before its end.
    #[error("the body broke off after {received}{}: {detail}", Of(*expected))]
    Truncated {
        /// The bytes that are there.
        received: u64,
        /// The bytes that should be there, where known.
        expected: Option<u64>,
        /// What the network said.
        detail: String,
    },
    /// The body has another length than the pinned artifact.
    #[error("the size is {actual} bytes instead of {expected}")]
    WrongSize {
        /// The size that the lock or catalog states.
        expected: u64,
        /// The size that the server states or sends; at least.
        actual: u64,
    },
    /// The body is longer than what is allowed where no size is known.
    #[error("the body is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The body is compressed for transport, though that was ruled out.
    #[error("the body has the content encoding `{encoding}`, though none was asked for")]
    Encoded {
        /// The value of `Content-Encoding`.
        encoding: String,
    },
    /// A web page came instead of the artifact.
    #[error("a web page came instead of the file ({status}, {content_type}): {line}")]
    Page {
        /// The status and its name.
        status: Status,
        /// The value of `Content-Type`.
        content_type: String,
        /// Its first line.
        line: String,
    },
    /// The server redirects to where we do not follow.
    #[error("the redirect to {to} is not followed: {reason}")]
    Redirect {
        /// The target, as it may be shown.
        to: String,
        /// Why not.
        reason: &'static str,
    },
    /// The server answers a request for a range in a way that makes no sense.
    #[error("the answer to a request for a range makes no sense: {detail}")]
    Range {
        /// What is wrong with it.
        detail: String,
    },
    /// The bytes are not the pinned ones.
    #[error("the digest is {actual} instead of {expected}{}", Kept(kept.as_ref()))]
    Mismatch {
        /// The pin.
        expected: Digest,
        /// The digest of what came.
        actual: Digest,
        /// Where the bytes are kept for a look.
        kept: Option<PathBuf>,
        /// Whether it is certain that the body came to its end.
        complete: bool,
    },
    /// The local file cannot be read.
    #[error("cannot read the file: {detail}")]
    File {
        /// What the operating system said.
        detail: String,
    },
    /// The URL is of a kind that is not fetched.
    #[error("URLs of the scheme `{scheme}` cannot be fetched{reason}")]
    Scheme {
        /// The scheme.
        scheme: String,
        /// Why, where it is not plain from the scheme.
        reason: &'static str,
    },
    /// The deadline came while this source was being asked.
    #[error("the deadline came after {received}{}", Of(*expected))]
    Deadline {
        /// The bytes that are there.
        received: u64,
        /// The bytes that should be there, where known.
        expected: Option<u64>,
    },
}

impl Failure {
    /// Whether the same request may succeed a little later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::NoAnswer { .. }
            | Self::Stalled { .. }
            | Self::Proxy { .. }
            | Self::Truncated { .. }
            | Self::Deadline { .. } => true,
            Self::Status { status, .. } => status.is_retryable(),
            Self::Certificate { .. }
            | Self::ProxyCredentials { .. }
            | Self::Busy { .. }
            | Self::WrongSize { .. }
            | Self::TooLarge { .. }
            | Self::Encoded { .. }
            | Self::Page { .. }
            | Self::Redirect { .. }
            | Self::Range { .. }
            | Self::Mismatch { .. }
            | Self::File { .. }
            | Self::Scheme { .. } => false,
        }
    }

    /// Whether the server asks for fewer requests: `429 Too Many Requests`.
    pub(super) const fn is_throttling(&self) -> bool {
        matches!(self, Self::Status { status, .. } if status.0 == 429)
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Certificate { detail, .. } if detail.contains("UnknownIssuer") => Some(
                "the authority that signed it is not known here: name its certificate with --ca-bundle, or put it into $WORKING_DIR/ca-bundle",
            ),
            Self::Certificate { detail, .. }
                if detail.contains("expired") || detail.contains("not valid yet") =>
            {
                Some("check the clock of this machine, then the certificate")
            }
            Self::Certificate { .. } => {
                Some("if a proxy or mirror of yours answers for this host, check its certificate")
            }
            Self::ProxyCredentials { .. } => Some(
                "set PROXY_USER and PROXY_PASSWORD, or the user and password in https_proxy, percent-encoded",
            ),
            Self::Status { status, .. } if status.wants_credentials() => {
                Some("give the credentials for this host in a netrc file")
            }
            Self::Page { .. } => Some(
                "check the URL of the mirror: it may want a login, or be the address of its web interface",
            ),
            Self::Mismatch { .. } => Some(
                "do not use these bytes: either the source was altered, or the pin is of another release",
            ),
            _ => None,
        }
    }

    /// What the user can look at where nothing more particular is known of any source.
    pub(super) const fn general_hint(&self) -> Option<&'static str> {
        match self {
            Self::Connect { .. } | Self::NoAnswer { .. } | Self::Stalled { .. } => Some(
                "check that this machine may reach the host (DNS, egress rules, proxy), or name a nearer --mirror",
            ),
            Self::Status { status, .. } if status.is_retryable() => Some(
                "the server is overloaded or out of order: try again later, or name another --mirror",
            ),
            Self::Status { .. } | Self::WrongSize { .. } | Self::TooLarge { .. } => Some(
                "check that the source has this file at this address, or name another --mirror",
            ),
            Self::Proxy { .. } => Some(
                "check the proxy (PROXY_HOST and PROXY_PORT, or https_proxy), or spare this host with NO_PROXY",
            ),
            Self::File { .. } => Some("check the path of the file:// address, and who may read it"),
            Self::Busy { .. } => Some(
                "give it more time with --deadline (BOOTSTRAP_DEADLINE), or name another --mirror",
            ),
            Self::Truncated { .. }
            | Self::Encoded { .. }
            | Self::Redirect { .. }
            | Self::Range { .. }
            | Self::Scheme { .. } => Some(
                "the server, or a proxy before it, does not serve files as it should: name another --mirror",
            ),
            _ => None,
        }
    }

    /// Whether a complete body of the right size came that is not the pinned one.
    pub(super) const fn is_untrusted(&self) -> bool {
        matches!(self, Self::Mismatch { complete: true, .. })
    }

    /// What a failed request says, once the noise of the layers above is taken off.
    pub(super) fn of_request(error: &reqwest::Error, host: &str, proxy: Option<String>) -> Self {
        if let Some(detail) = certificate_detail(error) {
            let host = host.to_owned();
            return Self::Certificate { host, detail };
        }
        let detail = detail_of(error);
        match proxy {
            Some(proxy) if detail.contains("proxy authorization required") => {
                Self::ProxyCredentials { proxy }
            }
            Some(proxy) if detail.contains("tunnel error: unsuccessful") => Self::Proxy {
                proxy,
                detail: "it refused to connect to the host, or cannot reach it".to_owned(),
            },
            Some(proxy) if error.is_connect() => Self::Proxy { proxy, detail },
            _ if error.is_connect() => Self::Connect { detail },
            _ => Self::NoAnswer { detail },
        }
    }
}

/// The last two causes of a network error: the layers above only say that there was one.
pub(super) fn detail_of(error: &dyn StdError) -> String {
    let chain: Vec<String> = causes(error).map(ToString::to_string).collect();
    let mut last: Vec<&str> = chain.iter().rev().take(2).map(String::as_str).collect();
    last.reverse();
    // Some layers repeat the message of the one below.
    match last.as_slice() {
        // The error itself is not asked: it would quote the URL.
        [] => "the request failed".to_owned(),
        [above, below] if above.contains(below) => (*above).to_owned(),
        // The outermost one says `error sending request`, and where to.
        [_, below] if chain.len() == 2 => (*below).to_owned(),
        _ => last.join(": "),
    }
}

/// What rustls has against the server's certificate, when that is the cause.
fn certificate_detail(error: &dyn StdError) -> Option<String> {
    match causes(error).find_map(tls_error)? {
        rustls::Error::InvalidCertificate(reason) => Some(reason.to_string()),
        rustls::Error::NoCertificatesPresented => Some("it sent none".to_owned()),
        _ => None,
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

fn causes<'a>(error: &'a dyn StdError) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// An HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u16);

impl Status {
    const fn is_retryable(self) -> bool {
        matches!(self.0, 408 | 425 | 429 | 500..=599)
    }

    const fn wants_credentials(self) -> bool {
        matches!(self.0, 401 | 403)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = reqwest::StatusCode::from_u16(self.0).ok();
        let name = known.and_then(|status| status.canonical_reason());
        match name {
            Some(name) => write!(f, "{} {name}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// ` of N bytes`, or ` bytes` where N is not known.
struct Of(Option<u64>);

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(expected) => write!(f, " of {expected} bytes"),
            None => f.write_str(" bytes"),
        }
    }
}

struct Through<'a>(Option<&'a str>);

impl fmt::Display for Through<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(proxy) => write!(f, " (through the proxy {proxy})"),
            None => Ok(()),
        }
    }
}

struct Kept<'a>(Option<&'a PathBuf>);

impl fmt::Display for Kept<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(path) => write!(f, " (kept as {})", path.display()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16) -> Failure {
        Failure::Status {
            status: Status(code),
            proxy: None,
            retry_after: None,
        }
    }

    #[test]
    fn only_passing_statuses_are_retried() {
        for code in [408, 425, 429, 500, 502, 503, 504, 599] {
            assert!(status(code).is_retryable(), "{code}");
        }
        for code in [204, 304, 400, 401, 403, 404, 410, 416] {
            assert!(!status(code).is_retryable(), "{code}");
        }
    }

    #[test]
    fn a_status_is_shown_with_its_name() {
        assert_eq!(
            status(503).to_string(),
            "the answer was 503 Service Unavailable"
        );
        assert_eq!(status(599).to_string(), "the answer was 599");
    }

    #[test]
    fn refused_credentials_have_a_hint() {
        assert!(status(401).hint().is_some());
        assert!(status(404).hint().is_none());
    }
}
