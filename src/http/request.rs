//! One request, with the redirects it meets, and who gets which credentials.

use std::sync::atomic::Ordering;
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode, Version};
use tokio::time::timeout;
use url::Url;

use super::failure::{Failure, Status};
use super::redact::{quote, redact, without_credentials};
use super::{Client, Error, Login, Observer, Source, headers};

/// Mirrors redirect once or twice, to a storage service; browsers give up at 20.
const MAX_REDIRECTS: u32 = 10;

/// What to ask for.
pub(super) struct Ask<'a> {
    pub(super) source: &'a Source,
    /// Whether a digest will be checked. Without one, a redirect from https to http is refused.
    pub(super) pinned: bool,
    /// The first byte wanted, and the validator of those before.
    pub(super) resume: Option<(u64, &'a str)>,
}

/// Why an attempt ended: at this source, or for good.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// At this source: another one, or the same a little later, may do.
    #[error(transparent)]
    Failed(Failure),
    /// For good: this machine is in the way.
    #[error(transparent)]
    Fatal(Error),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Client {
    /// Asks, follows redirects, and returns an answer of status 200 or 206, or 416 to a range.
    pub(super) async fn send(
        &self,
        ask: &Ask<'_>,
        observer: Observer<'_>,
    ) -> Result<Response, Stop> {
        let mut url = without_credentials(&ask.source.url);
        let mut was_secure = false;
        for _ in 0..=MAX_REDIRECTS {
            was_secure |= url.scheme() == "https";
            let response = self.send_once(&url, ask, was_secure, observer).await?;
            let location = headers::text(response.headers(), header::LOCATION);
            url = match (response.status(), location) {
                (
                    StatusCode::MOVED_PERMANENTLY
                    | StatusCode::FOUND
                    | StatusCode::SEE_OTHER
                    | StatusCode::TEMPORARY_REDIRECT
                    | StatusCode::PERMANENT_REDIRECT,
                    Some(location),
                ) => next_hop(&url, location, ask.pinned)?,
                _ => return self.judged(response, &url, ask),
            };
        }
        Err(Stop::Failed(Failure::Redirect {
            to: redact(&url),
            reason: "there were ten before it",
        }))
    }

    async fn send_once(
        &self,
        url: &Url,
        ask: &Ask<'_>,
        was_secure: bool,
        observer: Observer<'_>,
    ) -> Result<Response, Stop> {
        let pool = self.pool(url, observer).map_err(Stop::Fatal)?;
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("identity"),
        );
        if let Some(value) = self.authorization(ask.source, url, was_secure) {
            headers.insert(header::AUTHORIZATION, value);
        }
        if let Some((from, validator)) = ask.resume
            && let Ok(validator) = HeaderValue::from_str(validator)
            && let Ok(range) = HeaderValue::from_str(&format!("bytes={from}-"))
        {
            headers.insert(header::RANGE, range);
            headers.insert(header::IF_RANGE, validator);
        }
        let after = self.settings.connect_timeout + self.settings.stall_timeout;
        let answer = pool.get(url.clone()).headers(headers).send();
        let answer = match timeout(after, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                let host = url.host_str().unwrap_or_default();
                return Err(Stop::Failed(Failure::of_request(
                    &error,
                    host,
                    self.proxy_name(url),
                )));
            }
            Err(_) => return Err(Stop::Failed(Failure::Stalled { after })),
        };
        if answer.version() < Version::HTTP_2 {
            self.met_http1.store(true, Ordering::Relaxed);
        }
        Ok(answer)
    }

    /// Turns away what is neither the body nor a part of it.
    fn judged(&self, response: Response, url: &Url, ask: &Ask<'_>) -> Result<Response, Stop> {
        let proxy = self.proxy_name(url);
        let headers = response.headers();
        match (response.status(), proxy) {
            (StatusCode::OK, _) => {}
            (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE, _)
                if ask.resume.is_some() => {}
            (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Some(proxy)) => {
                return Err(Stop::Failed(Failure::ProxyCredentials { proxy }));
            }
            (status, proxy) => {
                return Err(Stop::Failed(Failure::Status {
                    status: Status(status.as_u16()),
                    // Through a tunnel, the answer is the server's own.
                    proxy: proxy.filter(|_| url.scheme() == "http"),
                    retry_after: headers::retry_after(headers, SystemTime::now()),
                }));
            }
        }
        if let Some(encoding) = headers::encoding(headers) {
            let encoding = quote(encoding);
            return Err(Stop::Failed(Failure::Encoded { encoding }));
        }
        Ok(response)
    }

    pub(super) fn proxy_name(&self, url: &Url) -> Option<String> {
        let proxy = self.settings.proxies.for_url(url);
        proxy.map(ToString::to_string)
    }

    /// The credentials for one hop.
    ///
    /// Those of the source, and the netrc file's `default`, are for the source's own scheme, host
    /// and port; an entry of the netrc file is for its host wherever it turns up. Nothing is sent
    /// in the clear after a secure hop.
    fn authorization(&self, source: &Source, hop: &Url, was_secure: bool) -> Option<HeaderValue> {
        if was_secure && hop.scheme() != "https" {
            return None;
        }
        let netrc = &self.settings.netrc;
        let is_source = hop.origin() == source.url.origin();
        let value = if is_source && let Some(secret) = &source.authorization {
            secret.expose().to_owned()
        } else if is_source && let Some(value) = basic_of_url(&source.url) {
            value
        } else if let Some(login) = netrc.for_host(hop) {
            basic_of_login(login)
        } else if is_source && let Some(login) = netrc.default_login() {
            basic_of_login(login)
        } else {
            return None;
        };
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// Where a redirect leads to, when it may be followed.
pub(super) fn next_hop(current: &Url, location: &str, pinned: bool) -> Result<Url, Failure> {
    let refused = |to, reason| Err(Failure::Redirect { to, reason });
    let Ok(next) = current.join(location) else {
        return refused(quote(location), "it is not a URL");
    };
    let next = without_credentials(&next);
    match (current.scheme(), next.scheme()) {
        (_, "https") => Ok(next),
        // A digest makes any way safe.
        (_, "http") if pinned => Ok(next),
        // Without one, plain http is only spoken within this machine.
        ("http", "http") if current.host() == next.host() => Ok(next),
        ("http", "http") => refused(redact(&next), "it leads to another host over http"),
        (_, "http") => refused(redact(&next), "it leads from https to http"),
        _ => refused(redact(&next), "it leaves HTTP"),
    }
}

fn basic_of_url(url: &Url) -> Option<String> {
    let decode = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let password = url.password().unwrap_or_default();
    if url.username().is_empty() && password.is_empty() {
        return None;
    }
    Some(basic(&decode(url.username()), &decode(password)))
}

fn basic_of_login(login: &Login) -> String {
    basic(&login.user, login.password.expose())
}

fn basic(user: &str, password: &str) -> String {
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{user}:{password}"))
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::http::{Netrc, Secret, Settings};
    use crate::runtime::Runtime;

    fn check_hop(current: &str, location: &str, pinned: bool, expected: Option<&str>) {
        let next = next_hop(&current.parse().unwrap(), location, pinned).ok();
        let next = next.map(|url| url.to_string());
        assert_eq!(next.as_deref(), expected, "{current} -> {location}");
    }

    #[test]
    fn a_redirect_may_be_relative_and_may_become_secure() {
        check_hop("http://a/x/y", "../z", false, Some("http://a/z"));
        check_hop("http://a/x", "https://b/", false, Some("https://b/"));
        check_hop("https://a/x", "//b/z", false, Some("https://b/z"));
    }

    #[test]
    fn a_redirect_may_become_insecure_only_where_a_digest_decides() {
        check_hop("https://a/x", "http://a/x", true, Some("http://a/x"));
        check_hop("https://a/x", "http://a/x", false, None);
        check_hop("http://a/x", "http://b/x", true, Some("http://b/x"));
        check_hop("http://a/x", "http://b/x", false, None);
    }

    #[test]
    fn a_redirect_never_leaves_http() {
        for location in ["file:///etc/passwd", "ftp://a/", "data:,x", "http://"] {
            check_hop("http://a/x", location, true, None);
        }
    }

    #[test]
    fn credentials_in_a_redirect_are_dropped() {
        check_hop("http://a/x", "http://u:p@a/y", true, Some("http://a/y"));
    }

    /// The header for a hop of a source at `https://a.example/x`.
    fn sent(source: &Source, netrc: &str, hop: &str, was_secure: bool) -> Option<String> {
        let settings = Settings {
            netrc: Netrc::parse(netrc),
            ..Settings::default()
        };
        let client = Client::new(settings, Arc::new(Runtime::new()));
        let value = client.authorization(source, &hop.parse().unwrap(), was_secure);
        value.map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_token_goes_to_its_own_scheme_host_and_port_alone() {
        let source = Source {
            url: "https://a.example/x".parse().unwrap(),
            authorization: Some(Secret::new("Bearer t")),
        };
        let bearer = Some("Bearer t".to_owned());
        assert_eq!(sent(&source, "", "https://a.example/other", true), bearer);
        for hop in [
            "https://b.example/x",
            "https://sub.a.example/x",
            "https://a.example:8443/x",
            "http://a.example/x",
        ] {
            assert_eq!(sent(&source, "", hop, false), None, "{hop}");
        }
    }

    #[test]
    fn credentials_of_the_url_are_decoded_and_win_over_the_netrc_file() {
        let source = Source::new("https://u%40x:p@a.example/x".parse().unwrap());
        let expected = Some(basic("u@x", "p"));
        let netrc = "machine a.example login me password pw";
        assert_eq!(sent(&source, netrc, "https://a.example/x", true), expected);
        assert_eq!(sent(&source, "", "https://b.example/x", true), None);
    }

    #[test]
    fn the_netrc_file_serves_every_host_it_names_and_its_default_only_the_source() {
        let source = Source::new("https://a.example/x".parse().unwrap());
        let netrc = "machine b.example login b password pw default login d password pw";
        let check = |hop, was_secure, expected| {
            assert_eq!(sent(&source, netrc, hop, was_secure), expected, "{hop}");
        };
        check("https://b.example/x", true, Some(basic("b", "pw")));
        check("https://a.example/x", true, Some(basic("d", "pw")));
        check("https://c.example/x", true, None);
        check("http://b.example/x", true, None);
    }
}
