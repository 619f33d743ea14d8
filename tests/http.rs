//! Downloads against scripted servers.

mod body;
mod cache;
mod many;
mod network;
pub(crate) mod proxy;
mod resume;
mod sources;
pub(crate) mod tls;
mod unpinned;

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bootstrap::backoff::{Backoff, Strategy};
use bootstrap::cache::Cache;
use bootstrap::deadline::Deadline;
use bootstrap::digest::{Algorithm, Digest, Hasher};
use bootstrap::http::{Client, Download, Error, Event, Failure, Fetched, Lookup, Settings, Source};
use bootstrap::runtime::Runtime;

/// A client with its cache, and what it told.
struct World {
    dir: tempfile::TempDir,
    cache: Cache,
    client: Client,
    deadline: Duration,
    size: Option<u64>,
    max_size: u64,
    events: Mutex<Vec<String>>,
}

/// Quick waits, so that a test of many tries is short.
fn quick() -> Settings {
    Settings {
        backoff: Backoff {
            strategy: Strategy::FixedDelay,
            base: Duration::from_millis(20),
            max: Duration::from_millis(20),
            attempts: None,
        },
        stall_timeout: Duration::from_millis(400),
        ..Settings::default()
    }
}

impl World {
    fn new() -> Self {
        Self::with(quick())
    }

    fn with(settings: Settings) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            cache: Cache::new(dir.path().join("cache")),
            dir,
            client: Client::new(settings, Arc::new(Runtime::new())),
            deadline: Duration::from_secs(30),
            size: None,
            max_size: 64 * 1024 * 1024,
            events: Mutex::default(),
        }
    }

    fn fetch(&self, pin: &Digest, urls: &[String]) -> Result<Fetched, Error> {
        let sources: Vec<Source> = urls
            .iter()
            .map(|url| Source::new(url.parse().unwrap()))
            .collect();
        let download = Download {
            digest: pin,
            size: self.size,
            sources: &sources,
            max_size: self.max_size,
        };
        self.client
            .fetch(&download, &self.cache, self.until(), &|event| {
                self.note(&event);
            })
    }

    fn look_up(&self, source: &Source, limit: u64) -> Result<Vec<u8>, Error> {
        let got = self.client.get_unpinned(&Lookup {
            what: "the document",
            sources: std::slice::from_ref(source),
            limit,
            deadline: self.until(),
            observer: &|event| self.note(&event),
        });
        got.map(|(body, _)| body)
    }

    fn until(&self) -> Deadline {
        Deadline::after(Instant::now(), self.deadline)
    }

    fn note(&self, event: &Event<'_>) {
        let line = match event {
            Event::CacheDamaged { .. } => "damaged".to_owned(),
            Event::Waiting { .. } => "waiting".to_owned(),
            Event::Asking { from, .. } => format!("asking from {from}"),
            Event::Received { .. } => return,
            Event::SourceFailed { failure, again, .. }
            | Event::LookupFailed { failure, again, .. } => format!("failed: {failure}, {again}"),
            Event::Pausing { .. } => "pausing".to_owned(),
            Event::CacheUnwritable { source, .. } => format!("unwritable: {source}"),
            Event::CertificatesSkipped { reason, .. } => format!("skipped: {reason}"),
        };
        self.events.lock().unwrap().push(line);
    }

    fn events(&self) -> Vec<String> {
        self.events.lock().unwrap().clone()
    }

    /// The file of this digest in the cache with this suffix.
    fn entry(&self, pin: &Digest, suffix: &str) -> PathBuf {
        let path = self.cache.path(pin);
        PathBuf::from(format!("{}{suffix}", path.display()))
    }
}

fn pin_of(bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(bytes);
    hasher.finish()
}

/// Bytes that differ everywhere, of any length.
fn bytes(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

fn content(fetched: &Fetched) -> Vec<u8> {
    fs::read(fetched.file.path()).unwrap()
}

/// The failure of the only source.
fn only_failure(error: &Error) -> Failure {
    match error {
        Error::Unavailable { tried, .. } if tried.len() == 1 => {
            tried[0].failure.clone().expect("it was asked")
        }
        other => panic!("{other}"),
    }
}
