//! Where a container takes variables from whose names are not in its pod: `envFrom` (Kubernetes,
//! "Configure a Pod to Use a ConfigMap").
//!
//! The names in a ConfigMap are asked for. Those in a Secret are not, since its values would come with
//! them.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;

use super::{Container, Pod, Setting};

/// The variables that are looked for.
pub(super) const WATCHED: [&str; 5] = [
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

/// What a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

/// A source of variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What it is.
    pub origin: Origin,
    /// Its name.
    pub name: String,
    /// What its names get in front.
    prefix: String,
    /// Those of its variables that are looked for and that the container gets from it; none where it was
    /// not looked into.
    pub given: Option<Vec<&'static str>>,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = match self.origin {
            Origin::ConfigMap => "ConfigMap",
            Origin::Secret => "Secret",
        };
        write!(f, "the {origin} {}", self.name)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Raw {
    #[serde(default)]
    prefix: Option<String>,
    config_map_ref: Option<Reference>,
    secret_ref: Option<Reference>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    name: String,
}

impl Raw {
    pub(super) fn source(self) -> Option<Source> {
        let (origin, Reference { name }) = match (self.config_map_ref, self.secret_ref) {
            (Some(map), _) => (Origin::ConfigMap, map),
            (None, Some(secret)) => (Origin::Secret, secret),
            (None, None) => return None,
        };
        Some(Source {
            origin,
            name,
            prefix: self.prefix.unwrap_or_default(),
            given: None,
        })
    }
}

impl Pod {
    /// The ConfigMaps that its containers take variables from.
    pub fn config_maps(&self) -> BTreeSet<String> {
        let sources = self.containers.iter().flat_map(|one| &one.sources);
        let maps = sources.filter(|source| source.origin == Origin::ConfigMap);
        maps.map(|source| source.name.clone()).collect()
    }

    /// Takes in the names that such a ConfigMap has.
    pub fn learn(&mut self, config_map: &str, names: &[String]) {
        for container in &mut self.containers {
            container.learn(config_map, names);
        }
    }
}

impl Container {
    fn learn(&mut self, config_map: &str, names: &[String]) {
        let mut found = Vec::new();
        for source in &mut self.sources {
            if source.origin != Origin::ConfigMap || source.name != config_map {
                continue;
            }
            let has = |watched: &str| {
                let bare = watched.strip_prefix(source.prefix.as_str());
                bare.is_some_and(|bare| names.iter().any(|name| name == bare))
            };
            let given = WATCHED.into_iter().filter(|watched| has(watched));
            let given = given.filter(|watched| !self.settled.contains(watched));
            let given: Vec<_> = given.collect();
            found.extend(given.iter().copied());
            source.given = Some(given);
        }
        for name in found {
            let setting = || Setting::Elsewhere;
            match name {
                "AWS_ROLE_ARN" => {
                    self.role.get_or_insert_with(setting);
                }
                "AWS_WEB_IDENTITY_TOKEN_FILE" => {
                    self.token_file.get_or_insert_with(setting);
                }
                "AWS_ACCESS_KEY_ID" => self.has_keys = true,
                "AWS_PROFILE" => self.has_profile = true,
                _ => self.has_pod_identity = true,
            }
        }
    }

    /// The source that gives it this variable.
    pub fn source_of(&self, variable: &str) -> Option<&Source> {
        let mut sources = self.sources.iter();
        sources.find(|source| {
            let given = source.given.iter().flatten();
            given.into_iter().any(|given| *given == variable)
        })
    }

    /// The sources that were not looked into.
    pub fn unread(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| source.given.is_none())
    }
}
