//! The connections: one pool for plain HTTP, and one for TLS, which alone reads certificates.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderValue;
use rustls::ClientConfig;
use rustls::client::WebPkiServerVerifier;
use url::Url;

use super::certificates::Trusted;
use super::self_signed::Verifier;
use super::{Client, Error, Event, Observer, Proxy};

/// How often an HTTP/2 connection with transfers is asked whether it is alive, and how long it may
/// take to say so: without that, retries would be sent down the same dead connection.
const PING_INTERVAL: Duration = Duration::from_secs(10);

const USER_AGENT: &str = concat!("bootstrap/", env!("CARGO_PKG_VERSION"));

impl Client {
    /// The pool for this URL.
    pub(super) fn pool(&self, url: &Url, observer: Observer<'_>) -> Result<reqwest::Client, Error> {
        let proxy = self.settings.proxies.for_url(url);
        let is_secure = |url: &Url| url.scheme() == "https";
        if is_secure(url) || proxy.is_some_and(|proxy| is_secure(proxy.url())) {
            built_once(&self.secure, || {
                let warn = |path: &std::path::Path, reason: &str| {
                    observer(Event::CertificatesSkipped { path, reason });
                };
                let trusted = self.settings.certificates.load(&warn);
                let trusted = trusted.map_err(|source| Error::Certificates { source })?;
                self.build(trusted)
            })
        } else {
            built_once(&self.plain, || self.build(Trusted::none()))
        }
    }

    fn build(&self, trusted: Trusted) -> Result<reqwest::Client, Error> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(trusted)?)
            // Its own rules would let credentials travel, and would not count as one attempt.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .user_agent(USER_AGENT)
            .connect_timeout(self.settings.connect_timeout)
            .http2_keep_alive_interval(PING_INTERVAL)
            .http2_keep_alive_timeout(PING_INTERVAL);
        for scheme in ["http", "https"] {
            if let Some(proxy) = self.settings.proxies.of_scheme(scheme) {
                builder = builder.proxy(self.proxy(scheme, proxy)?);
            }
        }
        builder.build().map_err(|error| Error::Setup {
            detail: super::failure::detail_of(&error),
        })
    }

    fn proxy(&self, scheme: &'static str, proxy: &Proxy) -> Result<reqwest::Proxy, Error> {
        let proxies = self.settings.proxies.clone();
        let rule = reqwest::Proxy::custom(move |url| {
            let proxy = proxies.for_url(url).filter(|_| url.scheme() == scheme);
            proxy.map(|proxy| proxy.url().clone())
        });
        let Some(authorization) = proxy.authorization() else {
            return Ok(rule);
        };
        let mut value =
            HeaderValue::from_str(authorization.expose()).map_err(|_| Error::Setup {
                detail: format!("the user or password of the proxy {proxy} cannot be sent"),
            })?;
        value.set_sensitive(true);
        Ok(rule.custom_http_auth(value))
    }
}

fn tls(trusted: Trusted) -> Result<ClientConfig, Error> {
    let setup = |error: &dyn std::fmt::Display| Error::Setup {
        detail: error.to_string(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions =
        ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let builder = versions.map_err(|error| setup(&error))?;
    let Trusted { roots, named } = trusted;
    let mut config = if named.is_empty() {
        builder.with_root_certificates(roots).with_no_client_auth()
    } else {
        let rules = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let verifier = Verifier::new(rules.map_err(|error| setup(&error))?, named);
        let builder = builder.dangerous();
        let builder = builder.with_custom_certificate_verifier(Arc::new(verifier));
        builder.with_no_client_auth()
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn built_once(
    slot: &Mutex<Option<reqwest::Client>>,
    build: impl FnOnce() -> Result<reqwest::Client, Error>,
) -> Result<reqwest::Client, Error> {
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(client) = &*slot {
        return Ok(client.clone());
    }
    let client = build()?;
    *slot = Some(client.clone());
    Ok(client)
}
