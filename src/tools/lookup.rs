//! Asking vendors about versions that nobody has pinned yet: for `lock` alone.
//!
//! All of it is https, and nothing that was found here is run: it becomes a pin, with its proof.

use std::path::PathBuf;

use url::Url;

use crate::cache::{Cache, Unpinned};
use crate::deadline::Deadline;
use crate::fault::Fault;
use crate::http::{self, Client, Download, Event, Lookup, Source};
use crate::platform::Platform;
use crate::tools::catalog::Tool;
use crate::tools::install::described;
use crate::tools::mirror::{self, MirrorTemplate};
use crate::tools::names::ToolName;
use crate::tools::outcome::{Activity, Observer};
use crate::tools::signature::{self, Key};
use crate::tools::vendor::{self, Form, Proof, SignatureEntry};
use crate::tools::version::Version;
use crate::tools::{Artifact, checksums, plausible, proof};

/// The largest signature that is read, in bytes: AWS's has 566.
const SIGNATURE_LIMIT: u64 = 64 * 1024;

/// The largest answer to the question for the newest version: Node's index has some 300 kB.
const LATEST_LIMIT: u64 = 8 * 1024 * 1024;

/// Whom to ask, and how.
pub struct Vendors<'a> {
    /// The network.
    pub client: &'a Client,
    /// Where files are kept, so that an installation finds them.
    pub cache: &'a Cache,
    /// Other places, in order.
    pub mirrors: &'a [MirrorTemplate],
    /// Whether the vendors' own addresses are left out.
    pub no_origin: bool,
    /// When all must have come.
    pub deadline: Deadline,
    /// The time of day, in seconds since 1970.
    pub now: i64,
    /// Whom to tell.
    pub observer: &'a Observer<'a>,
    /// The key that counts in the place of the vendor's.
    pub key: Option<&'a Key>,
    /// Whether what nothing vouches for is taken.
    pub first_use: bool,
}

/// One artifact that is asked for.
struct Asked<'a> {
    name: &'a ToolName,
    tool: &'a Tool,
    platform: Platform,
    origin: Url,
}

impl Vendors<'_> {
    /// The newest version; none for a tool whose vendor does not say.
    pub fn latest(&self, name: &ToolName, tool: &Tool) -> Result<Option<Version>, Error> {
        let Some(latest) = &tool.vendor_says.latest else {
            return Ok(None);
        };
        let (what, limit) = ("the newest version", LATEST_LIMIT);
        let (answer, url) = match latest.form {
            Form::Redirect => {
                let look = |lookup: &Lookup<'_>| self.client.landing(lookup);
                let landing = self.look_up(name, what, &latest.url, limit, look)?;
                (landing.to_string(), latest.url.clone())
            }
            Form::Text | Form::Index => self.document(name, what, &latest.url, limit)?,
        };
        let version = vendor::newest(latest.form, &answer);
        version.map(Some).ok_or_else(|| Error::NoVersion {
            url: http::redact(&url),
        })
    }

    /// The artifact of a version, with what vouches for it; the file is in the cache afterwards.
    /// Beside it, what a reviewer should know of the proof.
    pub fn artifact(
        &self,
        name: &ToolName,
        tool: &Tool,
        version: &Version,
        platform: Platform,
    ) -> Result<(Artifact, Option<String>), Error> {
        let expand = |template: &super::template::Template| {
            let text = template.expand(version.as_str(), platform);
            Url::parse(&text).map_err(|_| Error::NoAddress)
        };
        let origin = expand(tool.url.as_ref().ok_or(Error::NoAddress)?)?;
        let asked = Asked {
            name,
            tool,
            platform,
            origin,
        };
        let proven = match &tool.vendor_says.proof {
            Some(Proof::Signature(entry)) => self.signed(&asked, entry, &expand(&entry.url)?),
            Some(Proof::Checksums(template)) => {
                let elsewhere = |other| template.expand(version.as_str(), other);
                let is_alone = Platform::ALL
                    .into_iter()
                    .all(|other| other == platform || elsewhere(other) != elsewhere(platform));
                let artifact = self.listed(&asked, &expand(template)?, is_alone);
                artifact.map(|artifact| (artifact, None))
            }
            None => Err(Error::Unvouched { source: None }),
        };
        match proven {
            Err(error) if error.is_unvouched() && self.first_use => {
                let note = format!(
                    "nothing vouches for {name} {version} for {platform}: it is pinned as it came"
                );
                Ok((self.unproven(&asked)?, Some(note)))
            }
            proven => proven,
        }
    }

    /// A signature does not say of which version a file is: that an old file was given a new name is
    /// found when an installation tries it.
    fn signed(
        &self,
        asked: &Asked<'_>,
        entry: &SignatureEntry,
        url: &Url,
    ) -> Result<(Artifact, Option<String>), Error> {
        let key = match self.key {
            Some(key) => key.clone(),
            None => signature::vendor_key(&entry.key).map_err(Error::Key)?,
        };
        // The small file first: where it is missing, the large one is not worth its time.
        let look = |lookup: &Lookup<'_>| self.client.get_unpinned(lookup);
        let what = "the signature";
        let signature = self.look_up(asked.name, what, url, SIGNATURE_LIMIT, look);
        let (signature, _) = signature.map_err(Error::or_unvouched)?;
        let mut file = self.download(asked)?;
        let bytes = file.read().map_err(Error::Cache)?;
        let bytes = bytes.ok_or(Error::Altered)?;
        if let Err(problem) = key.verify(&signature, bytes) {
            let kept = file.reject();
            return Err(Error::Signature { problem, kept });
        }
        let proof = format!("{} {}", proof::SIGNATURE, key.fingerprint);
        let is_over = |expires: u64| i64::try_from(expires).is_ok_and(|expires| expires < self.now);
        let note = key.expires.filter(|expires| is_over(*expires)).map(|_| {
            let fingerprint = &key.fingerprint;
            format!("the key {fingerprint} has expired as far as this program knows: its owner may have put that off")
        });
        Ok((Self::pinned(asked, file, proof)?, note))
    }

    fn listed(&self, asked: &Asked<'_>, url: &Url, is_alone: bool) -> Result<Artifact, Error> {
        let document = self.document(asked.name, "the list of checksums", url, checksums::LIMIT);
        let (text, url) = document.map_err(Error::or_unvouched)?;
        let asset = asked.origin.path_segments().and_then(Iterator::last);
        let asset = asset.unwrap_or_default();
        let list = http::redact(&url);
        let digest = checksums::digest_of(&text, asset, is_alone);
        let digest = digest.map_err(|problem| Error::Checksums {
            asset: asset.to_owned(),
            url: list.clone(),
            problem,
        })?;
        let urls = mirror::sources(self.mirrors, &asked.origin, &digest, self.no_origin);
        if urls.is_empty() {
            return Err(Error::NoSource);
        }
        let sources: Vec<_> = urls.into_iter().map(Source::new).collect();
        let download = Download {
            digest: &digest,
            size: None,
            sources: &sources,
            max_size: asked.tool.description.limits.download(),
        };
        let observer = |event: Event<'_>| self.tell(asked.name, &event);
        let fetched = self
            .client
            .fetch(&download, self.cache, self.deadline, &observer);
        let size = fetched.map_err(Error::Fetch)?.file.len();
        Ok(Artifact {
            url: asked.origin.clone(),
            digest,
            size: Some(size),
            proof: format!("{} {list}", proof::CHECKSUMS),
        })
    }

    /// What came, as it came.
    fn unproven(&self, asked: &Asked<'_>) -> Result<Artifact, Error> {
        let file = self.download(asked)?;
        let description = &asked.tool.description;
        plausible::check(file.path(), description, Some(asked.platform))
            .map_err(Error::Implausible)?;
        Self::pinned(asked, file, proof::FIRST_USE.to_owned())
    }

    fn pinned(asked: &Asked<'_>, file: Unpinned, proof: String) -> Result<Artifact, Error> {
        let artifact = Artifact {
            url: asked.origin.clone(),
            digest: file.digest(),
            size: Some(file.len()),
            proof,
        };
        file.keep().map_err(Error::Cache)?;
        Ok(artifact)
    }

    fn download(&self, asked: &Asked<'_>) -> Result<Unpinned, Error> {
        let name = asked.name;
        let limit = asked.tool.description.limits.download();
        let from = mirror::lookups(self.mirrors, &asked.origin, self.no_origin);
        if let Some(source) = from.first().map(http::redact) {
            let activity = Activity::Downloading { source: &source };
            (self.observer)(name.as_str(), activity);
        }
        let meter = |received, expected| {
            let activity = Activity::Received { received, expected };
            (self.observer)(name.as_str(), activity);
        };
        self.look_up(name, "the file", &asked.origin, limit, |lookup| {
            self.client.download_unpinned(lookup, self.cache, &meter)
        })
    }

    fn document(
        &self,
        name: &ToolName,
        what: &str,
        origin: &Url,
        limit: u64,
    ) -> Result<(String, Url), Error> {
        let look = |lookup: &Lookup<'_>| self.client.get_unpinned(lookup);
        let (bytes, url) = self.look_up(name, what, origin, limit, look)?;
        let not_text = |_| Error::NotText {
            url: http::redact(&url),
        };
        Ok((String::from_utf8(bytes).map_err(not_text)?, url))
    }

    fn look_up<T>(
        &self,
        name: &ToolName,
        what: &str,
        origin: &Url,
        limit: u64,
        look: impl FnOnce(&Lookup<'_>) -> Result<T, http::Error>,
    ) -> Result<T, Error> {
        let urls = mirror::lookups(self.mirrors, origin, self.no_origin);
        if urls.is_empty() {
            return Err(Error::NoSource);
        }
        let sources: Vec<_> = urls.into_iter().map(Source::new).collect();
        let observer = |event: Event<'_>| self.tell(name, &event);
        let found = look(&Lookup {
            what,
            sources: &sources,
            limit,
            deadline: self.deadline,
            observer: &observer,
        });
        found.map_err(Error::Fetch)
    }

    fn tell(&self, name: &ToolName, event: &Event<'_>) {
        let name = name.as_str();
        match event {
            Event::Asking { source, .. } => {
                (self.observer)(name, Activity::Downloading { source });
            }
            Event::Received {
                received, expected, ..
            } => {
                let (received, expected) = (*received, *expected);
                (self.observer)(name, Activity::Received { received, expected });
            }
            other => (self.observer)(name, Activity::Note(&described(other))),
        }
    }
}

/// A vendor's answer does not make a pin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The catalog does not say where the tool is published.
    #[error("the catalog has no address for it")]
    NoAddress,
    /// Nobody may be asked.
    #[error(
        "there is nobody to ask: the vendors' addresses are ruled out, and no mirror goes by name"
    )]
    NoSource,
    /// It cannot be had.
    #[error(transparent)]
    Fetch(http::Error),
    /// Nothing vouches for it.
    #[error("nothing vouches for it")]
    Unvouched {
        /// The search for what would.
        source: Option<http::Error>,
    },
    /// The answer is not text.
    #[error("what {url} gives is not text")]
    NotText {
        /// The document.
        url: String,
    },
    /// The answer names no version.
    #[error("what {url} gives names no version")]
    NoVersion {
        /// The document.
        url: String,
    },
    /// The list of digests does not help.
    #[error("the checksums at {url} do not vouch for `{asset}`: {problem}")]
    Checksums {
        /// The file.
        asset: String,
        /// The list.
        url: String,
        /// Why not.
        problem: checksums::Problem,
    },
    /// The key cannot be used.
    #[error("the key that is compiled in cannot be used")]
    Key(#[source] signature::Error),
    /// The signature proves nothing.
    #[error("{problem}{}", Kept(kept.as_ref()))]
    Signature {
        /// Why not.
        problem: signature::Error,
        /// Where the bytes are kept for a look.
        kept: Option<PathBuf>,
    },
    /// What was downloaded cannot be what it should be.
    #[error(transparent)]
    Implausible(plausible::Error),
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(crate::cache::Error),
    /// Somebody writes to the cache.
    #[error("the download was altered on the disk before it was checked")]
    Altered,
}

impl Error {
    /// That the vendor has no such document means that nothing vouches for the file.
    fn or_unvouched(self) -> Self {
        match self {
            Self::Fetch(source) if source.is_absent() => Self::Unvouched {
                source: Some(source),
            },
            other => other,
        }
    }

    /// Whether the vendor says nothing about the file, neither good nor bad.
    pub const fn is_unvouched(&self) -> bool {
        matches!(
            self,
            Self::Unvouched { .. }
                | Self::Checksums {
                    problem: checksums::Problem::NotListed,
                    ..
                }
        )
    }

    /// Whether there is no such file.
    pub fn is_absent(&self) -> bool {
        self.is_unvouched() || matches!(self, Self::Fetch(source) if source.is_absent())
    }

    /// The side that the failure is on.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NoSource => Fault::Usage,
            Self::Fetch(error) => match error.kind() {
                http::Kind::Untrusted => Fault::Untrusted,
                http::Kind::Remote | http::Kind::Deadline | http::Kind::Offline => Fault::Remote,
                http::Kind::Local => Fault::Local,
            },
            Self::Unvouched { .. }
            | Self::Checksums { .. }
            | Self::Altered
            | Self::Implausible(_) => Fault::Untrusted,
            Self::NotText { .. } | Self::NoVersion { .. } => Fault::Remote,
            Self::Signature { problem, .. } => problem.fault(),
            Self::NoAddress | Self::Key(_) | Self::Cache(_) => Fault::Local,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoSource => {
                Some("leave --no-origin out, or name a mirror with {host} and {path}")
            }
            Self::Fetch(error) if error.kind() == http::Kind::Deadline => error.hint().or(Some(
                "give it more time with --deadline (BOOTSTRAP_DEADLINE)",
            )),
            Self::Fetch(error) => error.hint(),
            Self::Unvouched { .. }
            | Self::Checksums {
                problem: checksums::Problem::NotListed,
                ..
            } => Some(
                "check that the vendor has this version; what it has and does not vouch for, --trust-on-first-use pins as it comes",
            ),
            Self::Checksums { .. } | Self::NotText { .. } | Self::NoVersion { .. } => {
                Some("look at what the address gives: a proxy or mirror may answer in its place")
            }
            Self::Signature {
                problem: signature::Error::OtherKey { .. },
                ..
            } => Some(
                "do not use these bytes; if the vendor has a new key, check its fingerprint with the vendor and name its file with --signing-key",
            ),
            Self::Signature { .. } | Self::Implausible(_) => {
                Some("do not use these bytes: they are not what the vendor published")
            }
            Self::Cache(_) => Some("choose another directory with --cache-dir, or make room"),
            Self::Altered => Some("choose a --cache-dir that nobody else may write to"),
            Self::NoAddress | Self::Key(_) => None,
        }
    }
}

struct Kept<'a>(Option<&'a PathBuf>);

impl std::fmt::Display for Kept<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(path) => write!(f, " (kept as {})", path.display()),
            None => Ok(()),
        }
    }
}
