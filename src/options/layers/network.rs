//! What concerns the network: mirrors, registries, certificates, credentials, the cache.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Layers;
use crate::cache::Cache;
use crate::error::Error;
use crate::fault::Fault;
use crate::files;
use crate::http::{self, Certificates, Client, Netrc};
use crate::options::BackoffFlags;
use crate::runtime::Runtime;
use crate::tools::mirror::MirrorTemplate;
use crate::tools::npm::{self, Npmrc, Registry};
use crate::tools::prefix::Prefix;

impl Layers<'_> {
    /// Where downloads are kept.
    pub(in crate::options) fn cache(
        &self,
        flag: Option<PathBuf>,
        prefix: &Prefix,
    ) -> Result<Cache, Error> {
        let file = self.config.cache_dir.clone();
        let given = self.path(flag, "BOOTSTRAP_CACHE_DIR", file)?;
        let own = prefix.cache();
        Ok(match given {
            Some(dir) => Cache {
                dir,
                spare: Some(own),
            },
            None => Cache::new(own),
        })
    }

    pub(in crate::options) fn no_origin(&self, flag: bool) -> Result<bool, Error> {
        self.switch(flag, "BOOTSTRAP_NO_ORIGIN", self.config.no_origin)
    }

    /// The way to vendors and mirrors.
    pub(in crate::options) fn client(
        &self,
        ca_bundle: Option<PathBuf>,
        offline: bool,
        backoff: &BackoffFlags,
    ) -> Result<Client, Error> {
        let file = self.config.ca_bundle.clone();
        let ca_bundle = self.path(ca_bundle, "BOOTSTRAP_CA_BUNDLE", file)?;
        let network = http::Settings {
            proxies: self.proxies()?,
            certificates: self.certificates(ca_bundle),
            netrc: self.netrc(),
            offline: self.switch(offline, "BOOTSTRAP_OFFLINE", self.config.offline)?,
            backoff: self.backoff(backoff)?,
            ..http::Settings::default()
        };
        Ok(Client::new(network, Arc::new(Runtime::new())))
    }

    pub(in crate::options) fn mirrors(
        &self,
        named: Vec<MirrorTemplate>,
    ) -> Result<Vec<MirrorTemplate>, Error> {
        let variable = self.list("BOOTSTRAP_MIRROR", char::is_whitespace)?;
        let file = self.config.mirrors.clone().unwrap_or_default();
        Ok([named, variable, file]
            .into_iter()
            .find(|mirrors| !mirrors.is_empty())
            .unwrap_or_default())
    }

    /// npm reads its variables in either case (npm documentation, "config").
    pub(in crate::options) fn registry(&self, flag: Option<String>) -> Result<Registry, Error> {
        let variables = [
            "BOOTSTRAP_NPM_REGISTRY",
            "NPM_CONFIG_REGISTRY",
            "npm_config_registry",
        ];
        let variable = || {
            variables
                .into_iter()
                .find_map(|name| self.context.variable(name))
                .map(str::to_owned)
        };
        // npm's own variables come before our file, since npm itself would obey them.
        let given = match flag.or_else(variable) {
            Some(text) => Some(npm::parse_address(&text)),
            None => self
                .config
                .npm_registry
                .as_ref()
                .map(|url| npm::parse_address(url.as_str())),
        };
        let given = given.transpose().map_err(|error| {
            let hint = error.hint();
            Error::new(Fault::Usage, error).with_hint(hint)
        })?;
        let variables = ["NPM_CONFIG_USERCONFIG", "npm_config_userconfig"];
        let npmrc = variables
            .into_iter()
            .find_map(|name| self.context.variable(name))
            .map(PathBuf::from);
        let npmrc = npmrc
            .or_else(|| self.home_file(".npmrc"))
            .and_then(|path| files::read_text(&path).ok());
        let variable = |name: &str| self.context.variable(name).map(str::to_owned);
        Ok(Registry::new(
            given,
            npmrc
                .map(|text| Npmrc::parse(&text, variable))
                .unwrap_or_default(),
        ))
    }

    pub(super) fn certificates(&self, ca_bundle: Option<PathBuf>) -> Certificates {
        // As OpenSSL does it, SSL_CERT_FILE takes the place of the platform's bundle.
        let replacement = self.context.variable("SSL_CERT_FILE").map(PathBuf::from);
        Certificates {
            platform: replacement.is_none(),
            files: replacement.into_iter().chain(ca_bundle).collect(),
            directories: vec![self.working_directory().join("ca-bundle")],
        }
    }

    fn netrc(&self) -> Netrc {
        let path = self
            .context
            .variable("NETRC")
            .map(PathBuf::from)
            .or_else(|| self.home_file(".netrc"));
        let text = path.and_then(|path| files::read_text(&path).ok());
        text.map(|text| Netrc::parse(&text)).unwrap_or_default()
    }

    fn home_file(&self, name: &str) -> Option<PathBuf> {
        self.context
            .variable("HOME")
            .map(|home| Path::new(home).join(name))
    }
}
