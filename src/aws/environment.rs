//! What variables and profile files say: region, endpoints, FIPS and dual stack.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use aws_runtime::env_config::EnvConfigValue;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_runtime::env_config::section::{EnvConfigSections, Profile};
use aws_runtime::env_config::source;
use aws_types::os_shim_internal::{Env, Fs};
use futures_util::FutureExt as _;
use url::Url;

use super::Error;
use crate::arn::Region;
use crate::files;

/// Where a region was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegionSource {
    /// `--region`, or what stands for it.
    Flag,
    /// A variable.
    Variable(&'static str),
    /// A profile.
    Profile(String),
}

impl fmt::Display for RegionSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("--region"),
            Self::Variable(name) => f.write_str(name),
            Self::Profile(name) => write!(f, "the profile `{name}`"),
        }
    }
}

/// The services whose endpoint may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Ec2,
    Eks,
    Sts,
}

impl Service {
    const fn id(self) -> &'static str {
        match self {
            Self::Ec2 => "EC2",
            Self::Eks => "EKS",
            Self::Sts => "STS",
        }
    }
}

/// The variables of the run, and the profile files that they lead to, read when first needed.
pub(super) struct Environment {
    env: Env,
    variables: HashMap<String, String>,
    profiles: OnceLock<EnvConfigSections>,
}

impl Environment {
    /// Empty variables count as absent, as everywhere in this program.
    pub(super) fn new(variables: BTreeMap<String, String>) -> Self {
        let set = variables.into_iter().filter(|(_, value)| !value.is_empty());
        let mut variables: HashMap<_, _> = set.collect();
        // The older name, which botocore and the Go SDK know too.
        if let Some(name) = variables.get("AWS_DEFAULT_PROFILE").cloned() {
            variables.entry("AWS_PROFILE".to_owned()).or_insert(name);
        }
        Self {
            env: Env::from(variables.clone()),
            variables,
            profiles: OnceLock::new(),
        }
    }

    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Whether a variable says `true`.
    pub(super) fn is_true(&self, name: &str) -> bool {
        let value = self.variable(name);
        value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The two files, where they are (AWS SDKs and Tools Reference Guide, "Shared config and
    /// credentials files").
    pub(super) fn profile_files(&self) -> Vec<PathBuf> {
        [EnvConfigFileKind::Config, EnvConfigFileKind::Credentials]
            .into_iter()
            .filter_map(|kind| self.profile_file(kind))
            .collect()
    }

    fn profile_file(&self, kind: EnvConfigFileKind) -> Option<PathBuf> {
        let (variable, default) = match kind {
            EnvConfigFileKind::Config => ("AWS_CONFIG_FILE", ".aws/config"),
            EnvConfigFileKind::Credentials => ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
        };
        let home = self.variable("HOME").map(Path::new);
        match (self.variable(variable), home) {
            (Some(named), Some(home)) => match named.strip_prefix("~/") {
                Some(below) => Some(home.join(below)),
                None => Some(PathBuf::from(named)),
            },
            (Some(named), None) => Some(PathBuf::from(named)),
            (None, home) => home.map(|home| home.join(default)),
        }
    }

    /// The profile files, merged; files that are not there are empty.
    pub(super) fn profiles(&self) -> Result<&EnvConfigSections, Error> {
        if let Some(profiles) = self.profiles.get() {
            return Ok(profiles);
        }
        let wrong = |reason: String| Error::Profile { reason };
        let mut builder = EnvConfigFiles::builder();
        let mut is_there = false;
        for kind in [EnvConfigFileKind::Config, EnvConfigFileKind::Credentials] {
            let Some(path) = self.profile_file(kind) else {
                continue;
            };
            match files::read_text(&path) {
                Ok(_) => {
                    is_there = true;
                    builder = builder.with_file(kind, path);
                }
                Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => {}
                // A home directory that this user may not enter is none of this user's.
                Err(error)
                    if error.source.kind() == std::io::ErrorKind::PermissionDenied
                        && self.variable("AWS_PROFILE").is_none() => {}
                Err(error) => return Err(wrong(format!("{error}: {}", error.source))),
            }
        }
        let profiles = if is_there {
            let files = builder.build();
            // It reads with `std::fs` and never waits.
            let loaded = source::load(&self.env, &Fs::real(), &files).now_or_never();
            let source = loaded
                .ok_or_else(|| wrong("they could not be read at once".to_owned()))?
                .map_err(|error| wrong(error.to_string()))?;
            EnvConfigSections::parse(source).map_err(|error| wrong(on_one_line(&error)))?
        } else {
            EnvConfigSections::default()
        };
        Ok(self.profiles.get_or_init(|| profiles))
    }

    /// The name of the profile that counts, and whether somebody chose it.
    pub(super) fn profile_name(&self) -> (&str, bool) {
        match self.variable("AWS_PROFILE") {
            Some(name) => (name, true),
            None => ("default", false),
        }
    }

    /// The profile that counts, where there is one.
    pub(super) fn profile(&self) -> Result<Option<&Profile>, Error> {
        Ok(self.profiles()?.get_profile(self.profile_name().0))
    }

    /// The region of the first that names one; the instance metadata service is never asked.
    pub(super) fn region(
        &self,
        flag: Option<&Region>,
    ) -> Result<Option<(Region, RegionSource)>, Error> {
        if let Some(region) = flag {
            return Ok(Some((region.clone(), RegionSource::Flag)));
        }
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            if let Some(text) = self.variable(name) {
                let region = parse(name.to_owned(), text, false)?;
                return Ok(Some((region, RegionSource::Variable(name))));
            }
        }
        let Some(profile) = self.profile()? else {
            return Ok(None);
        };
        let Some(text) = profile.get("region") else {
            return Ok(None);
        };
        let name = profile.name().to_owned();
        let region = parse(format!("`region` of the profile `{name}`"), text, true)?;
        Ok(Some((region, RegionSource::Profile(name))))
    }

    /// Whether endpoints that fulfil FIPS 140 are asked for.
    pub(super) fn use_fips(&self) -> Result<bool, Error> {
        self.switch("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")
    }

    /// Whether endpoints that have IPv6 too are asked for.
    pub(super) fn use_dual_stack(&self) -> Result<bool, Error> {
        self.switch("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")
    }

    /// The address that stands in for that of a service (AWS SDKs and Tools Reference Guide,
    /// "Service-specific endpoints").
    pub(super) fn endpoint(&self, service: Service) -> Result<Option<Url>, Error> {
        if self.switch(
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
            "ignore_configured_endpoint_urls",
        )? {
            return Ok(None);
        }
        let value = EnvConfigValue::new()
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .service_id(service.id());
        let profiles = self.profiles()?;
        let Some((text, _)) = value.load(&self.env, Some(profiles)) else {
            return Ok(None);
        };
        let is_variable = value.load(&self.env, None).is_some();
        let url = Url::parse(&text).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        // The value may hold a password and is not shown.
        url.map(Some).ok_or_else(|| Error::Setting {
            name: if is_variable {
                format!("AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_{}", service.id())
            } else {
                "`endpoint_url` of a profile".to_owned()
            },
            reason: "it takes http://HOST[:PORT] or https://HOST[:PORT]".to_owned(),
            in_file: !is_variable,
        })
    }

    /// A setting that is `true` or `false`.
    fn switch(&self, variable: &'static str, key: &'static str) -> Result<bool, Error> {
        let (name, text, in_file) = if let Some(text) = self.variable(variable) {
            (variable.to_owned(), text, false)
        } else if let Some(profile) = self.profile()?
            && let Some(text) = profile.get(key)
        {
            (format!("`{key}` of a profile"), text, true)
        } else {
            return Ok(false);
        };
        match text.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Error::Setting {
                name,
                reason: format!("`{text}` is neither `true` nor `false`"),
                in_file,
            }),
        }
    }
}

fn parse(name: String, text: &str, in_file: bool) -> Result<Region, Error> {
    text.parse()
        .map_err(|error: crate::arn::InvalidRegion| Error::Setting {
            name,
            reason: error.to_string(),
            in_file,
        })
}

fn on_one_line(error: &dyn fmt::Display) -> String {
    let text = error.to_string();
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ")
}
