//! Which proxy a request goes through: the usual variables, and those of the delegate.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use super::no_proxy::NoProxy;
use super::redact::{Secret, redact, without_credentials};

/// What needs no escape in the user and password of a URL (RFC 3986, unreserved characters).
const USERINFO: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The proxies of a run, and the hosts that are reached without one.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    direct: NoProxy,
}

/// One HTTP proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Without user and password.
    url: Url,
    login: Option<(String, Secret)>,
}

impl Proxies {
    /// Reads the proxy variables.
    ///
    /// `http_proxy`, `https_proxy` and `all_proxy` come first, in lower case before upper case.
    /// `HTTP_PROXY` does not count in a CGI program, where a client sets it with a `Proxy:` header
    /// (as in curl). What they leave open is filled from the delegate's `PROXY_HOST`,
    /// `PROXY_PORT`, `PROXY_SCHEME`, `PROXY_USER` and `PROXY_PASSWORD`: the delegate itself
    /// exports none of the usual variables when its proxy wants a password.
    pub fn from_variables(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, InvalidProxy> {
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let first = |names: &[&'static str]| {
            let mut names = names.iter();
            names.find_map(|name| set(name).map(|value| Proxy::parse(name, &value)))
        };
        let is_cgi = variable("REQUEST_METHOD").is_some();
        let plain: &[_] = if is_cgi {
            &["http_proxy", "all_proxy", "ALL_PROXY"]
        } else {
            &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
        };
        let secure = &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
        let http = first(plain).transpose()?;
        let https = first(secure).transpose()?;
        let delegate = if http.is_none() || https.is_none() {
            Proxy::of_delegate(&set)?
        } else {
            None
        };
        let direct = set("no_proxy").or_else(|| set("NO_PROXY"));
        Ok(Self {
            http: http.or_else(|| delegate.clone()),
            https: https.or(delegate),
            direct: NoProxy::parse(direct.as_deref().unwrap_or_default()),
        })
    }

    /// The proxy for this URL; none when it is reached directly.
    pub fn for_url(&self, url: &Url) -> Option<&Proxy> {
        let proxy = self.of_scheme(url.scheme());
        proxy.filter(|_| !self.direct.covers(url))
    }

    /// The proxy for the URLs of one scheme, some hosts excepted.
    pub(super) fn of_scheme(&self, scheme: &str) -> Option<&Proxy> {
        match scheme {
            "http" => self.http.as_ref(),
            "https" => self.https.as_ref(),
            _ => None,
        }
    }

    /// The variables that tell other programs of the same proxies, passwords included; empty when
    /// there is no proxy.
    pub fn as_exports(&self) -> Vec<(&'static str, String)> {
        let mut exports = Vec::new();
        let mut export = |names: [&'static str; 2], value: String| {
            exports.extend(names.map(|name| (name, value.clone())));
        };
        if let Some(proxy) = &self.http {
            export(["http_proxy", "HTTP_PROXY"], proxy.with_login());
        }
        if let Some(proxy) = &self.https {
            export(["https_proxy", "HTTPS_PROXY"], proxy.with_login());
        }
        if !exports.is_empty() && !self.direct.text().is_empty() {
            let value = self.direct.text();
            exports.extend(["no_proxy", "NO_PROXY"].map(|name| (name, value.to_owned())));
        }
        exports
    }
}

impl Proxy {
    /// The address, without user and password.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The value of `Proxy-Authorization`, where the proxy wants one.
    pub fn authorization(&self) -> Option<Secret> {
        let (user, password) = self.login.as_ref()?;
        let pair = format!("{user}:{}", password.expose());
        Some(Secret::new(format!(
            "Basic {}",
            BASE64_STANDARD.encode(pair)
        )))
    }

    /// Reads `[scheme://][user[:password]@]host[:port][/]`.
    fn parse(variable: &'static str, value: &str) -> Result<Self, InvalidProxy> {
        let invalid = |reason| InvalidProxy { variable, reason };
        let value = value.trim();
        let text = if value.contains("://") {
            value.to_owned()
        } else {
            format!("http://{value}")
        };
        // The parser's own message may quote the value, and with it a password.
        let url: Url = text.parse().map_err(|_| {
            invalid("it takes http://HOST:PORT, and before the host USER:PASSWORD and an @")
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid("only http and https proxies are supported"));
        }
        let decode = |text: &str| {
            let decoded = percent_decode_str(text).decode_utf8();
            decoded.map(std::borrow::Cow::into_owned).ok()
        };
        let not_text = || invalid("its user or password is not UTF-8 once decoded");
        let user = decode(url.username()).ok_or_else(not_text)?;
        let password = decode(url.password().unwrap_or_default()).ok_or_else(not_text)?;
        let has_login = !user.is_empty() || !password.is_empty();
        Ok(Self {
            url: bare(&url),
            login: has_login.then(|| (user, Secret::new(password))),
        })
    }

    /// The proxy of the delegate's own variables, whose user and password are not encoded.
    fn of_delegate(set: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, InvalidProxy> {
        let Some(host) = set("PROXY_HOST") else {
            return Ok(None);
        };
        let scheme = set("PROXY_SCHEME").unwrap_or_else(|| "http".to_owned());
        let mut address = format!("{}://{}", scheme.trim().to_lowercase(), host.trim());
        if let Some(port) = set("PROXY_PORT") {
            let number: Result<u16, _> = port.trim().parse();
            let number = number.map_err(|_| InvalidProxy {
                variable: "PROXY_PORT",
                reason: "it is not a port number",
            })?;
            address = format!("{address}:{number}");
        }
        let mut proxy = Self::parse("PROXY_HOST", &address)?;
        if let Some(user) = set("PROXY_USER") {
            let password = set("PROXY_PASSWORD").unwrap_or_default();
            proxy.login = Some((user, Secret::new(password)));
        }
        Ok(Some(proxy))
    }

    /// The address with user and password, percent-encoded: for clients that take them there.
    pub fn with_login(&self) -> String {
        let address = self.url.as_str().trim_end_matches('/');
        match (&self.login, address.split_once("://")) {
            (Some((user, password)), Some((scheme, rest))) => {
                let encode = |text| utf8_percent_encode(text, USERINFO).to_string();
                let (user, password) = (encode(user), encode(password.expose()));
                format!("{scheme}://{user}:{password}@{rest}")
            }
            _ => address.to_owned(),
        }
    }
}

/// Only scheme, host and port.
fn bare(url: &Url) -> Url {
    let mut url = without_credentials(url);
    url.set_path("");
    url.set_query(None);
    url.set_fragment(None);
    url
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(redact(&self.url).trim_end_matches('/'))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A variable holds no proxy that can be used. Its value may hold a password and is not shown.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the variable `{variable}` names no usable proxy: {reason}")]
pub struct InvalidProxy {
    /// The variable.
    pub variable: &'static str,
    reason: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Proxies, InvalidProxy> {
        Proxies::from_variables(&|name| {
            let mut found = variables.iter().filter(|(known, _)| *known == name);
            found.next().map(|(_, value)| (*value).to_owned())
        })
    }

    fn check(variables: &[(&str, &str)], url: &str, expected: Option<&str>) {
        let proxies = read(variables).unwrap();
        let proxy = proxies.for_url(&url.parse().unwrap());
        let shown = proxy.map(Proxy::with_login);
        assert_eq!(shown.as_deref(), expected, "{variables:?} for {url}");
    }

    #[test]
    fn each_scheme_has_its_variable_and_all_proxy_stands_in() {
        let both = [("http_proxy", "http://a:1"), ("https_proxy", "http://b:2")];
        check(&both, "http://x.example", Some("http://a:1"));
        check(&both, "https://x.example", Some("http://b:2"));
        let all = [("https_proxy", "b:2"), ("ALL_PROXY", "a:1")];
        check(&all, "http://x.example", Some("http://a:1"));
        check(&all, "https://x.example", Some("http://b:2"));
        check(&[], "https://x.example", None);
        check(&[("https_proxy", "")], "https://x.example", None);
    }

    #[test]
    fn lower_case_wins_and_upper_case_http_proxy_does_not_count_in_cgi() {
        let both = [
            ("HTTPS_PROXY", "http://up:1"),
            ("https_proxy", "http://low:1"),
        ];
        check(&both, "https://x.example", Some("http://low:1"));
        let upper = [("HTTP_PROXY", "http://up:1")];
        check(&upper, "http://x.example", Some("http://up:1"));
        let cgi = [("HTTP_PROXY", "http://up:1"), ("REQUEST_METHOD", "GET")];
        check(&cgi, "http://x.example", None);
    }

    #[test]
    fn the_delegates_proxy_is_built_from_its_parts() {
        let parts = [
            ("PROXY_HOST", "proxy.corp"),
            ("PROXY_PORT", "3128"),
            ("PROXY_SCHEME", "http"),
            ("PROXY_USER", "dom\\user"),
            ("PROXY_PASSWORD", "p@ss:w/rd%"),
        ];
        let expected = "http://dom%5Cuser:p%40ss%3Aw%2Frd%25@proxy.corp:3128";
        check(&parts, "https://x.example", Some(expected));
        check(&parts, "http://x.example", Some(expected));
        check(&[("PROXY_HOST", "p")], "http://x.example", Some("http://p"));
    }

    #[test]
    fn the_usual_variables_win_over_the_delegates() {
        let both = [("PROXY_HOST", "parts"), ("https_proxy", "http://usual:1")];
        check(&both, "https://x.example", Some("http://usual:1"));
        check(&both, "http://x.example", Some("http://parts"));
    }

    #[test]
    fn the_password_is_decoded_before_it_is_sent() {
        let proxies = read(&[("http_proxy", "http://us%40er:p%25@h:1")]).unwrap();
        let proxy = proxies.for_url(&"http://x.example".parse().unwrap());
        let header = proxy.unwrap().authorization().unwrap();
        let expected = format!("Basic {}", BASE64_STANDARD.encode("us@er:p%"));
        assert_eq!(header.expose(), expected);
    }

    #[test]
    fn hosts_in_no_proxy_are_reached_directly() {
        let variables = [("https_proxy", "p:1"), ("NO_PROXY", ".corp,10.0.0.1")];
        check(&variables, "https://a.corp/x", None);
        check(&variables, "https://10.0.0.1/x", None);
        check(&variables, "https://x.example", Some("http://p:1"));
    }

    #[test]
    fn exports_are_in_both_cases_and_encoded() {
        let proxies = read(&[
            ("PROXY_HOST", "p"),
            ("PROXY_USER", "u"),
            ("PROXY_PASSWORD", "a b"),
            ("NO_PROXY", "corp"),
        ]);
        let expected = [
            ("http_proxy", "http://u:a%20b@p"),
            ("HTTP_PROXY", "http://u:a%20b@p"),
            ("https_proxy", "http://u:a%20b@p"),
            ("HTTPS_PROXY", "http://u:a%20b@p"),
            ("no_proxy", "corp"),
            ("NO_PROXY", "corp"),
        ];
        let expected = expected.map(|(name, value)| (name, value.to_owned()));
        assert_eq!(proxies.unwrap().as_exports(), expected);
        assert!(
            read(&[("no_proxy", "corp")])
                .unwrap()
                .as_exports()
                .is_empty()
        );
    }

    #[test]
    fn a_malformed_value_names_its_variable_and_shows_no_password() {
        for (variable, value) in [
            ("https_proxy", "http://u:s3cret@:80:80"),
            ("http_proxy", "http://u:s3cret@h:99999"),
            ("all_proxy", "socks5://u:s3cret@h:1080"),
        ] {
            let error = read(&[(variable, value)]).unwrap_err();
            assert_eq!(error.variable, variable);
            assert!(!format!("{error} {error:?}").contains("s3cret"));
        }
        let error = read(&[("PROXY_HOST", "h"), ("PROXY_PORT", "http")]).unwrap_err();
        assert_eq!(error.variable, "PROXY_PORT");
    }

    #[test]
    fn neither_debug_nor_display_shows_the_password() {
        let proxies = read(&[("http_proxy", "http://user:s3cret@h:1")]).unwrap();
        assert!(!format!("{proxies:?}").contains("s3cret"));
        let shown = proxies.http.unwrap().to_string();
        assert_eq!(shown, "http://h:1");
    }
}
