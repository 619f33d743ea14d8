//! Reads npm's `package-lock.json`, versions 2 and 3: which tarballs make the tree of an npm tool.
//!
//! Source of the format: npm's documentation, "package-lock.json". Optional and development packages
//! are left out, as `npm ci --omit=optional --omit=dev` does; packages that come inside another's
//! tarball (`inBundle`) come with it.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use url::Url;

use crate::digest::{Algorithm, Digest, Hasher};

/// The packages of a lock, each tarball once, ordered by name and version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageLock {
    /// The packages.
    pub packages: Vec<Package>,
}

/// One tarball of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name in the registry: `adm-zip`, `@scope/name`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What its tarball must hash to.
    pub digest: Digest,
    /// Its files that are programs, which npm makes executable whatever the tarball says.
    pub programs: Vec<String>,
    /// Where it is unpacked, relative to the root of the tree: `node_modules/a/node_modules/b`.
    pub paths: Vec<String>,
}

impl Package {
    /// Where its tarball is, relative to the base of a registry: `@scope/name/-/name-1.0.0.tgz`.
    pub fn tarball(&self) -> String {
        tarball(&self.name, &self.version)
    }
}

fn tarball(name: &str, version: &str) -> String {
    let base = name.rsplit_once('/').map_or(name, |(_, base)| base);
    format!("{name}/-/{base}-{version}.tgz")
}

impl PackageLock {
    /// Reads the text of a `package-lock.json`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let document: Document =
            serde_json::from_str(text).map_err(|source| Error::NotJson { source })?;
        let entries = match (document.lockfile_version, document.packages) {
            (2 | 3, Some(Entries(entries))) => entries,
            (found, _) => return Err(Error::UnknownFormat { found }),
        };
        let mut paths = HashSet::new();
        let mut packages: BTreeMap<(String, String), Package> = BTreeMap::new();
        for (path, entry) in entries {
            let refused = |problem| Error::Package {
                path: path.escape_default().to_string(),
                problem,
            };
            if !paths.insert(path.clone()) {
                return Err(refused(Problem::Twice));
            }
            if path.is_empty() || entry.is_left_out() {
                continue;
            }
            let package = entry.checked(&path).map_err(refused)?;
            let key = (package.name.clone(), package.version.clone());
            let digest = package.digest.clone();
            let known = packages.entry(key).or_insert(package);
            if known.digest != digest {
                return Err(refused(Problem::TwoDigests));
            }
            known.paths.push(path);
        }
        let mut packages: Vec<Package> = packages.into_values().collect();
        for package in &mut packages {
            package.paths.sort();
        }
        Ok(Self { packages })
    }

    /// What pins the whole tree: a digest over every path with the digest of what belongs there.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        for package in &self.packages {
            for path in &package.paths {
                hasher.update(format!("{path} {}\n", package.digest).as_bytes());
            }
        }
        hasher.finish()
    }

    /// The version of the package that programs find under `name`.
    pub fn version_of(&self, name: &str) -> Option<&str> {
        let path = format!("node_modules/{name}");
        let package = self
            .packages
            .iter()
            .find(|package| package.paths.contains(&path));
        package.map(|package| package.version.as_str())
    }
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "lockfileVersion")]
    lockfile_version: u32,
    packages: Option<Entries>,
}

/// The value of `packages`, in order, duplicates and all.
struct Entries(Vec<(String, Entry)>);

#[expect(clippy::struct_excessive_bools, reason = "npm's format has these")]
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    name: Option<String>,
    version: Option<String>,
    resolved: Option<String>,
    integrity: Option<String>,
    os: Option<Vec<String>>,
    cpu: Option<Vec<String>>,
    #[serde(default)]
    bin: BTreeMap<String, String>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    dev_optional: bool,
    #[serde(default)]
    in_bundle: bool,
    #[serde(default)]
    link: bool,
}

impl Entry {
    fn is_left_out(&self) -> bool {
        self.optional || self.dev || self.dev_optional || self.in_bundle
    }

    /// The package, without its places, when this is one that may be installed.
    fn checked(self, path: &str) -> Result<Package, Problem> {
        let place = last_name(path).ok_or(Problem::Path)?;
        if self.link {
            return Err(Problem::Link);
        }
        let name = self.name.unwrap_or_else(|| place.to_owned());
        if !is_package_name(&name) {
            return Err(Problem::Name { name });
        }
        let version = self.version.filter(|text| is_version(text));
        let version = version.ok_or(Problem::Version)?;
        if let Some(resolved) = self.resolved
            && !is_registry_tarball(&resolved, &tarball(&name, &version))
        {
            return Err(Problem::NotFromRegistry);
        }
        if excludes(self.os.as_deref(), "linux") || self.cpu.is_some() {
            return Err(Problem::OneMachine);
        }
        let integrity = self.integrity.ok_or(Problem::NoIntegrity)?;
        let digest = strongest(&integrity).ok_or(Problem::WeakIntegrity)?;
        Ok(Package {
            name,
            version,
            digest,
            programs: self.bin.into_values().collect(),
            paths: Vec::new(),
        })
    }
}

/// The last name of `node_modules/a/node_modules/@scope/b`; none when the path is anything else.
fn last_name(path: &str) -> Option<&str> {
    let mut names = path
        .strip_prefix("node_modules/")?
        .split("/node_modules/")
        .peekable();
    while let Some(name) = names.next() {
        if !is_package_name(name) {
            return None;
        }
        if names.peek().is_none() {
            return Some(name);
        }
    }
    None
}

/// `name` or `@scope/name` of characters that are the same in a path and in a URL. Old packages have
/// capitals; npm forbids names that begin with a dot.
fn is_package_name(name: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-')
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._~-".contains(c))
            && part != "node_modules"
    };
    match name.strip_prefix('@') {
        Some(scoped) => scoped
            .split_once('/')
            .is_some_and(|(scope, name)| part(scope) && part(name)),
        None => part(name),
    }
}

fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".+-".contains(c))
}

/// Whether `resolved` is the URL that some registry, whichever it is, gives this tarball.
fn is_registry_tarball(resolved: &str, tarball: &str) -> bool {
    let url = Url::parse(resolved).ok();
    url.is_some_and(|url| {
        matches!(url.scheme(), "https" | "http")
            && url
                .path()
                .strip_suffix(tarball)
                .is_some_and(|base| base.ends_with('/'))
    })
}

/// Whether an `os` list leaves `name` out: it lists others, or forbids it with `!`.
fn excludes(list: Option<&[String]>, name: &str) -> bool {
    let Some(list) = list.filter(|list| !list.is_empty()) else {
        return false;
    };
    let forbidden = list.iter().any(|item| item.strip_prefix('!') == Some(name));
    let allowed = list.iter().any(|item| item == name || item == "any");
    let only_forbids = list.iter().all(|item| item.starts_with('!'));
    forbidden || !(allowed || only_forbids)
}

/// The SHA-512, else the SHA-256, of an integrity that may hold several (Subresource Integrity, W3C).
fn strongest(integrity: &str) -> Option<Digest> {
    let digests = integrity.split_ascii_whitespace();
    digests
        .filter_map(|text| Digest::from_integrity(text).ok())
        .max_by_key(Digest::algorithm)
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the packages by path")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            if entries.len() == MAX_PACKAGES {
                return Err(A::Error::custom(format_args!(
                    "more than {MAX_PACKAGES} packages"
                )));
            }
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

/// The most packages a lock may have; Serverless has 756.
const MAX_PACKAGES: usize = 100_000;

/// The text is not a package lock that can be installed from.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is broken.
    #[error("it is not a package-lock.json")]
    NotJson {
        /// Where and why.
        source: serde_json::Error,
    },
    /// The format is older or newer.
    #[error("its lockfileVersion {found} is not 2 or 3 with `packages`")]
    UnknownFormat {
        /// The `lockfileVersion`.
        found: u32,
    },
    /// One package stands in the way.
    #[error("the package `{path}` {problem}")]
    Package {
        /// Its key in `packages`.
        path: String,
        /// What is wrong with it.
        problem: Problem,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotJson { .. } => None,
            Self::UnknownFormat { .. } => Some("make it again with npm 7 or newer"),
            Self::Package { problem, .. } => match problem {
                Problem::NoIntegrity | Problem::WeakIntegrity => {
                    Some("delete `node_modules` and the lock, and let npm make the lock again")
                }
                Problem::NotFromRegistry | Problem::Link => {
                    Some("publish the package to a registry and depend on that")
                }
                Problem::Path
                | Problem::Name { .. }
                | Problem::Version
                | Problem::OneMachine
                | Problem::TwoDigests
                | Problem::Twice => None,
            },
        }
    }
}

/// Why a package cannot be installed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Problem {
    /// Its path may lead anywhere.
    #[error("is not a path of names below `node_modules/`")]
    Path,
    /// Its name may lead anywhere.
    #[error("has the name `{}`, which is not one of an npm package", name.escape_default())]
    Name {
        /// The name.
        name: String,
    },
    /// It has no version, or not the version of a registry.
    #[error("has no version of a registry")]
    Version,
    /// It comes from git, from a file or from an arbitrary URL.
    #[error("does not come from a registry: its `resolved` is not the URL of its tarball there")]
    NotFromRegistry,
    /// It is a link to a directory.
    #[error("is a link to a directory")]
    Link,
    /// It is not pinned.
    #[error("has no `integrity`")]
    NoIntegrity,
    /// It is pinned by SHA-1 alone, or by something unreadable.
    #[error("has an `integrity` without SHA-512 or SHA-256")]
    WeakIntegrity,
    /// It is required and made for some machines only.
    #[error("is required, but for some machines only (`os`, `cpu`)")]
    OneMachine,
    /// One tarball cannot have two digests.
    #[error("has another `integrity` than the same version elsewhere in the lock")]
    TwoDigests,
    /// The key is in the file more than once.
    #[error("is there twice")]
    Twice,
}

#[cfg(test)]
mod tests;
