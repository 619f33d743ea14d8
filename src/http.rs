//! Downloads: from the first source that gives the pinned bytes, to a checked file in the cache.
//!
//! The path of a request: `fetch` chooses a source and when to ask it, `transfer` makes a body
//! grow in a partial file, `request` follows redirects and decides who gets which credentials,
//! `connect` builds the connections with `proxy` and `certificates`; `exchange` lends them to the
//! AWS calls. `failure` says what went wrong at one source; [`Error`] says what that means for the
//! artifact.

mod candidate;
mod certificates;
mod connect;
mod error;
mod exchange;
mod failure;
mod fetch;
mod headers;
mod many;
mod netrc;
mod no_proxy;
mod page;
mod proxy;
mod redact;
mod request;
mod self_signed;
mod transfer;
mod unpinned;

use std::fmt;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use url::Url;

use crate::backoff::Backoff;
use crate::cache::Verified;
use crate::digest::Digest;
use crate::runtime::Runtime;

pub use certificates::{Certificates, Error as CertificatesError};
pub use error::{Error, Kind, Tried};
pub use failure::{Failure, Status};
pub use netrc::{Login, Netrc};
pub use proxy::{InvalidProxy, Proxies, Proxy};
pub use redact::{Secret, redact};
pub use request::Stop;
pub use unpinned::{Lookup, Meter};

/// How long a connection, with name look-up, proxy and TLS, may take: a lost SYN is sent again
/// after 1, 3 and 7 s.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a server may send nothing: mirrors that fetch from their upstream first take their
/// time before the first byte.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(20);

/// The largest body of an artifact whose size is not known: the largest tool has 70 MB.
pub const MAX_SIZE: u64 = 512 * 1024 * 1024;

/// What a client is told at its start; it reads nothing from its environment.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The proxies.
    pub proxies: Proxies,
    /// The trusted certificate authorities.
    pub certificates: Certificates,
    /// Credentials per host.
    pub netrc: Netrc,
    /// Whether only caches and `file://` sources may be used.
    pub offline: bool,
    /// The limit for making a connection.
    pub connect_timeout: Duration,
    /// The limit for receiving nothing.
    pub stall_timeout: Duration,
    /// The waits between rounds.
    pub backoff: Backoff,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            proxies: Proxies::default(),
            certificates: Certificates::default(),
            netrc: Netrc::default(),
            offline: false,
            connect_timeout: CONNECT_TIMEOUT,
            stall_timeout: STALL_TIMEOUT,
            backoff: Backoff::default(),
        }
    }
}

/// An HTTP client, for several threads at the same time.
///
/// Making one is free: certificates are read, and the runtime is built, by the first request that
/// needs them.
pub struct Client {
    settings: Settings,
    runtime: Arc<Runtime>,
    plain: Mutex<Option<reqwest::Client>>,
    secure: Mutex<Option<reqwest::Client>>,
    /// Whether a server answered in HTTP/1.1, where each transfer takes a connection of its own.
    met_http1: AtomicBool,
}

impl Client {
    /// A client that is not connected to anything yet.
    pub const fn new(settings: Settings, runtime: Arc<Runtime>) -> Self {
        Self {
            settings,
            runtime,
            plain: Mutex::new(None),
            secure: Mutex::new(None),
            met_http1: AtomicBool::new(false),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the connections: what they show of themselves is not ours to promise.
        f.debug_struct("Client")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// An artifact to fetch.
#[derive(Clone, Debug)]
pub struct Download<'a> {
    /// The pin.
    pub digest: &'a Digest,
    /// The size in bytes, where the lock or catalog states it.
    pub size: Option<u64>,
    /// Where it can be had, in order: mirrors, then the origin.
    pub sources: &'a [Source],
    /// The largest body that is accepted when the size is not known; see [`MAX_SIZE`].
    pub max_size: u64,
}

impl Download<'_> {
    /// The largest that the artifact can be, in bytes.
    pub(crate) fn most(&self) -> u64 {
        self.size.unwrap_or(self.max_size)
    }
}

/// A place where an artifact can be had.
#[derive(Clone)]
pub struct Source {
    /// `https:`, `http:` or `file:`. A user and password in it are sent as basic authentication.
    pub url: Url,
    /// The value of `Authorization` for this URL's scheme, host and port; it goes nowhere else.
    pub authorization: Option<Secret>,
}

impl Source {
    /// A source that needs no credentials but those of its URL or the netrc file.
    pub const fn new(url: Url) -> Self {
        Self {
            url,
            authorization: None,
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact(&self.url))
    }
}

/// An artifact that was fetched, or was there.
#[derive(Debug)]
pub struct Fetched {
    /// The checked file.
    pub file: Verified,
    /// Where it came from: a URL as it may be shown, or `cache`.
    pub source: String,
    /// The bytes of the body received this time, failed tries included.
    pub downloaded: u64,
    /// The number of requests; zero when it was there.
    pub attempts: u32,
}

/// What happens meanwhile.
#[derive(Debug)]
pub enum Event<'a> {
    /// A finished file of the cache has other bytes than its name says, or cannot be read.
    CacheDamaged {
        /// The artifact.
        digest: &'a Digest,
        /// The file.
        path: &'a Path,
        /// Why it could not be read; none when its digest is another.
        source: Option<&'a std::io::Error>,
    },
    /// Nothing can be written to the cache: the download goes to the spare one.
    CacheUnwritable {
        /// The artifact.
        digest: &'a Digest,
        /// The directory.
        dir: &'a Path,
        /// Why.
        source: &'a std::io::Error,
    },
    /// Another process is fetching the same artifact into the same cache.
    Waiting {
        /// The artifact.
        digest: &'a Digest,
        /// The locked file.
        path: &'a Path,
    },
    /// A source is asked.
    Asking {
        /// The artifact.
        digest: &'a Digest,
        /// The URL, as it may be shown.
        source: &'a str,
        /// The byte from which the download goes on; zero when it starts.
        from: u64,
    },
    /// Bytes came.
    Received {
        /// The artifact.
        digest: &'a Digest,
        /// The bytes there now.
        received: u64,
        /// The bytes there will be, where known.
        expected: Option<u64>,
    },
    /// A source failed; unless `again`, it is not asked any more.
    SourceFailed {
        /// The artifact.
        digest: &'a Digest,
        /// The URL, as it may be shown.
        source: &'a str,
        /// Why.
        failure: &'a Failure,
        /// Whether it will be asked again, time permitting.
        again: bool,
    },
    /// A look-up without a pin failed.
    LookupFailed {
        /// The URL, as it may be shown.
        source: &'a str,
        /// Why.
        failure: &'a Failure,
        /// Whether it will be tried again.
        again: bool,
    },
    /// All sources failed for now.
    Pausing {
        /// The artifact.
        digest: &'a Digest,
        /// How long.
        delay: Duration,
    },
    /// A file of certificates is passed over.
    CertificatesSkipped {
        /// The file.
        path: &'a Path,
        /// Why.
        reason: &'a str,
    },
}

/// Is told what happens; called from the thread that waits for the download.
pub type Observer<'a> = &'a (dyn Fn(Event<'_>) + Sync);
