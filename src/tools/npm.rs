//! Where npm packages come from: a registry's address and the credentials for it, as npm finds them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use url::Url;

use crate::http::Secret;

/// What is known of the registry before npm itself is asked.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    given: Option<Url>,
    npmrc: Npmrc,
}

impl Registry {
    /// The registry that was asked for by option or variable, if any, with the user's `.npmrc`.
    pub const fn new(given: Option<Url>, npmrc: Npmrc) -> Self {
        Self { given, npmrc }
    }

    /// The address as it was given, else as `.npmrc` has it; none when npm's default is meant.
    pub fn address(&self) -> Result<Option<Url>, Error> {
        if let Some(given) = &self.given {
            return Ok(Some(given.clone()));
        }
        self.npmrc
            .values
            .get("registry")
            .map(|text| parse_address(text))
            .transpose()
    }

    /// What to send to this address, as the longest `//host/path/:…` key of `.npmrc` says
    /// (npm documentation, "npmrc", section "Auth related configuration").
    pub fn authorization(&self, url: &Url) -> Option<Secret> {
        let port = url
            .port()
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        let mut scope = format!("//{}{port}{}", url.host_str()?, url.path());
        while let Some(slash) = scope.rfind('/').filter(|slash| *slash > 1) {
            scope.truncate(slash + 1);
            if let Some(found) = self.npmrc.authorization(&scope) {
                return Some(found);
            }
            scope.truncate(slash);
        }
        None
    }
}

/// The keys of an `.npmrc`.
#[derive(Clone, Default)]
pub struct Npmrc {
    values: BTreeMap<String, String>,
}

impl Npmrc {
    /// Reads an `.npmrc`: an INI file in which `${NAME}` stands for a variable of the environment.
    pub fn parse(text: &str, variable: impl Fn(&str) -> Option<String>) -> Self {
        let mut values = BTreeMap::new();
        for line in text.lines().map(str::trim) {
            if line.starts_with(['#', ';', '[']) {
                continue;
            }
            if let Some((key, value)) = line.split_once('=') {
                let value = value.trim().trim_matches('"');
                values.insert(key.trim().to_owned(), expand(value, &variable));
            }
        }
        Self { values }
    }

    fn authorization(&self, scope: &str) -> Option<Secret> {
        let value = |key: &str| {
            self.values
                .get(&format!("{scope}:{key}"))
                .map(String::as_str)
        };
        if let Some(token) = value("_authToken") {
            return Some(Secret::new(format!("Bearer {token}")));
        }
        if let Some(pair) = value("_auth") {
            return Some(Secret::new(format!("Basic {pair}")));
        }
        // npm keeps the password in base64.
        let password = BASE64_STANDARD.decode(value("_password")?).ok()?;
        let mut pair = format!("{}:", value("username")?).into_bytes();
        pair.extend(password);
        Some(Secret::new(format!(
            "Basic {}",
            BASE64_STANDARD.encode(pair)
        )))
    }
}

/// The values may be secrets.
impl std::fmt::Debug for Npmrc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

/// Puts variables in; npm leaves a name that is not set as it is.
fn expand(text: &str, variable: &impl Fn(&str) -> Option<String>) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        expanded.push_str(before);
        expanded.push_str(&variable(name).unwrap_or_else(|| format!("${{{name}}}")));
        rest = after;
    }
    expanded + rest
}

/// Reads a registry's address; package paths are appended to it.
pub fn parse_address(text: &str) -> Result<Url, Error> {
    let invalid = |why: String| Error::Address {
        text: redacted(text),
        why,
    };
    let mut url = Url::parse(text.trim()).map_err(|error| invalid(error.to_string()))?;
    if !matches!(url.scheme(), "https" | "http" | "file") {
        return Err(invalid(
            "it takes an https, http or file address".to_owned(),
        ));
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// What is not an address may still hold a password.
fn redacted(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, after)) => format!("***@{after}"),
        None => text.to_owned(),
    }
}

/// npm's packages cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry's address cannot be used.
    #[error("`{text}` is not the address of an npm registry: {why}")]
    Address {
        /// The address, without credentials.
        text: String,
        /// Why not.
        why: String,
    },
}

impl Error {
    /// The next step.
    pub fn hint(&self) -> Option<String> {
        Some("set --npm-registry (BOOTSTRAP_NPM_REGISTRY) to one like https://registry.example.com/npm/".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(npmrc: &str) -> Registry {
        let variable = |name: &str| (name == "TOKEN").then(|| "s3cret".to_owned());
        Registry::new(None, Npmrc::parse(npmrc, variable))
    }

    fn header(npmrc: &str, url: &str) -> Option<String> {
        let found = registry(npmrc).authorization(&url.parse().unwrap());
        found.map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn the_address_of_an_npmrc_ends_in_a_slash() {
        let npmrc = "; ours\nregistry = https://corp.test/npm\n";
        assert_eq!(
            registry(npmrc).address().unwrap().unwrap().as_str(),
            "https://corp.test/npm/"
        );
        assert_eq!(registry("").address().unwrap(), None);
    }

    #[test]
    fn an_address_that_is_none_is_an_error_without_its_password() {
        let error = registry("registry=ftp://me:s3cret@corp.test/")
            .address()
            .unwrap_err();
        let expected = "`***@corp.test/` is not the address of an npm registry: it takes an https, http or file address";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_token_goes_to_its_host_and_path_alone() {
        let npmrc = "//corp.test/npm/:_authToken=${TOKEN}";
        assert_eq!(
            header(npmrc, "https://corp.test/npm/a/-/a-1.tgz").as_deref(),
            Some("Bearer s3cret")
        );
        assert_eq!(header(npmrc, "https://corp.test/other/a-1.tgz"), None);
        assert_eq!(header(npmrc, "https://other.test/npm/a-1.tgz"), None);
        assert_eq!(header(npmrc, "https://corp.test:8443/npm/a-1.tgz"), None);
    }

    #[test]
    fn user_and_password_become_basic_authorization() {
        // `pass` in base64, then `me:pass`.
        let npmrc = "//corp.test/:username=me\n//corp.test/:_password=cGFzcw==\n";
        assert_eq!(
            header(npmrc, "https://corp.test/a").as_deref(),
            Some("Basic bWU6cGFzcw==")
        );
        assert_eq!(
            header("//corp.test/:_auth=eDp5\n", "https://corp.test/a").as_deref(),
            Some("Basic eDp5")
        );
    }

    #[test]
    fn an_unset_variable_stays_as_it_is() {
        assert_eq!(
            header("//c.test/:_authToken=${NOPE}", "https://c.test/a").as_deref(),
            Some("Bearer ${NOPE}")
        );
    }

    #[test]
    fn debugging_shows_no_values() {
        assert_eq!(
            format!("{:?}", registry("//c.test/:_authToken=abc").npmrc),
            r#"{"//c.test/:_authToken"}"#
        );
    }
}
