//! Staging an npm tool: the packages of its lock, fetched side by side and unpacked as they come.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::ScopedJoinHandle;

use url::Url;

use super::stage::{Staged, described, limits_of, sources};
use super::{Error, Installer};
use crate::archive::{self, Entry, Limits, Package as Place, Tree};
use crate::cache::Cache;
use crate::deadline::Deadline;
use crate::files::Room;
use crate::http::{self, Client, Download, Fetched};
use crate::program::{Invocation, harmless_variables};
use crate::tools::mirror::MirrorTemplate;
use crate::tools::npm::{self, parse_address};
use crate::tools::outcome::{Activity, Observer};
use crate::tools::package_lock::PackageLock;
use crate::tools::{Release, package_lock::Package};

/// Requests that are under way at once; one HTTP/2 connection carries them all.
const JOBS: usize = 32;

/// Threads that unpack: creating files is the work, and two do it faster than one where the file
/// system is fast, and no slower where it is not.
const UNPACKERS: usize = 2;

/// Packages that may wait to be unpacked, each with an open file.
const QUEUE: usize = 64;

/// What a package takes once unpacked, for the question of room. Measured over the locks of
/// Serverless 2.50.0 and 3.40.0: 0.46 to 0.48 MB and 44 to 57 files a package.
const BYTES_A_PACKAGE: u64 = 480_000;
const FILES_A_PACKAGE: u64 = 57;

impl Installer<'_> {
    pub(super) fn stage_packages(
        &self,
        release: &Release,
        lock: &PackageLock,
    ) -> Result<Staged, Error> {
        let registry = self.registry(release)?;
        let parent = self.settings.prefix.tool(release.tool.as_str());
        check_room(&parent, lock)?;
        let mut staged = Staged::new(&parent)?;
        let packages = Packages {
            client: self.client,
            cache: &self.settings.cache,
            mirrors: &self.settings.mirrors,
            no_origin: self.settings.no_origin,
            registry: &self.settings.registry,
            deadline: self.deadline,
            observer: self.observer,
        };
        let unpacked = packages.unpack(release, lock, &registry, staged.directory())?;
        staged.source = http::redact(&registry);
        (staged.bytes, staged.attempts) = (unpacked.bytes, unpacked.attempts);
        staged.entries = unpacked.entries;
        Ok(staged)
    }

    /// The registry: as it was given, else as npm itself states it.
    fn registry(&self, release: &Release) -> Result<Url, Error> {
        if let Some(address) = self.settings.registry.address().map_err(Error::Npm)? {
            return Ok(address);
        }
        self.await_needs(release)?;
        let npm = self.program_of(release, "npm");
        let home = Staged::new(&self.settings.prefix.tool(release.tool.as_str()))?;
        ask_npm(
            npm,
            &self.settings.variables,
            home.directory(),
            self.deadline,
        )
    }
}

/// Whether the packages of this lock will fit at `directory`.
pub(in crate::tools) fn check_room(directory: &Path, lock: &PackageLock) -> Result<(), Error> {
    let places = lock.packages.iter().map(|package| package.paths.len());
    let count = places.sum::<usize>() as u64;
    let room = Room::at(directory).map_err(Error::File)?;
    let (bytes, files) = (count * BYTES_A_PACKAGE, count * FILES_A_PACKAGE);
    room.check(directory, bytes, Some(files))
        .map_err(Error::Room)
}

/// The registry that this npm comes with.
pub(in crate::tools) fn ask_npm(
    npm: PathBuf,
    variables: &BTreeMap<String, String>,
    home: &Path,
    deadline: Deadline,
) -> Result<Url, Error> {
    let mut variables = harmless_variables(variables, home);
    // npm is a script that looks for its node on PATH.
    let path = variables.get("PATH").cloned().unwrap_or_default();
    let directory = super::directory_of(&npm);
    variables.insert("PATH".to_owned(), format!("{}:{path}", directory.display()));
    let stated = Invocation {
        program: npm,
        args: ["config", "get", "registry"].map(str::to_owned).into(),
        variables,
        directory: home.to_owned(),
    }
    .output(deadline)
    .map_err(Error::Registry)?;
    parse_address(&stated).map_err(Error::Npm)
}

/// What the packages of a tool are fetched with.
pub(in crate::tools) struct Packages<'a> {
    pub(in crate::tools) client: &'a Client,
    pub(in crate::tools) cache: &'a Cache,
    pub(in crate::tools) mirrors: &'a [MirrorTemplate],
    pub(in crate::tools) no_origin: bool,
    pub(in crate::tools) registry: &'a npm::Registry,
    pub(in crate::tools) deadline: Deadline,
    pub(in crate::tools) observer: &'a Observer<'a>,
}

/// The packages of a tool as they are on disk.
pub(in crate::tools) struct Unpacked {
    pub(in crate::tools) entries: Vec<Entry>,
    /// Bytes that were downloaded.
    pub(in crate::tools) bytes: u64,
    /// Requests that were made.
    pub(in crate::tools) attempts: u32,
}

impl Packages<'_> {
    /// Fetches the packages of `lock`, each by its integrity, and unpacks them into a directory.
    pub(in crate::tools) fn unpack(
        &self,
        release: &Release,
        lock: &PackageLock,
        registry: &Url,
        into: &Path,
    ) -> Result<Unpacked, Error> {
        let sources = lock
            .packages
            .iter()
            .map(|package| self.sources(registry, package));
        let sources = sources.collect::<Result<Vec<_>, _>>()?;
        let downloads = lock
            .packages
            .iter()
            .zip(&sources)
            .map(|(package, sources)| Download {
                digest: &package.digest,
                size: None,
                max_size: release.limits.download,
                sources,
            });
        let downloads: Vec<_> = downloads.collect();
        let source = format!("{} ({} packages)", http::redact(registry), downloads.len());
        (self.observer)(
            release.tool.as_str(),
            Activity::Downloading { source: &source },
        );

        let unpacking = Unpacking {
            tree: Tree::open(into).map_err(Error::Archive)?,
            packages: &lock.packages,
            limits: limits_of(release),
            deadline: self.deadline,
            entries: Mutex::default(),
            is_broken: AtomicBool::new(false),
        };
        let told = AtomicBool::new(false);
        let observer = |event: http::Event<'_>| self.tell(release, &told, &event);
        let (mut bytes, mut attempts, mut failed) = (0, 0, None);
        let (to_unpack, arrived) = sync_channel(QUEUE);
        let arrived = Mutex::new(arrived);
        let work = || unpacking.take_all(&arrived);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..UNPACKERS).map(|_| scope.spawn(work)).collect();
            let mut deliver = |index: usize, result: Result<Fetched, http::Error>| {
                let unpacked = result.map_err(Error::Fetch).and_then(|fetched| {
                    bytes += fetched.downloaded;
                    attempts += fetched.attempts;
                    let (received, expected) = (bytes, None);
                    let activity = Activity::Received { received, expected };
                    (self.observer)(release.tool.as_str(), activity);
                    // This thread drives the network for all tools, so it must never wait for
                    // room in the queue; unpacking one package takes it milliseconds.
                    match to_unpack.try_send((index, fetched)) {
                        Ok(()) => Ok(()),
                        Err(TrySendError::Full(one) | TrySendError::Disconnected(one)) => {
                            unpacking.take(one)
                        }
                    }
                });
                failed = unpacked.err();
                if failed.is_some() || unpacking.is_broken.load(Ordering::Relaxed) {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            };
            let (cache, deadline) = (self.cache, self.deadline);
            let fetched =
                self.client
                    .fetch_all(&downloads, JOBS, cache, deadline, &observer, &mut deliver);
            drop(to_unpack);
            let results = threads.into_iter().map(ScopedJoinHandle::join);
            for result in results.collect::<Vec<_>>() {
                result.unwrap_or(Err(Error::Panicked))?;
            }
            failed.map_or(fetched.map_err(Error::Fetch), Err)
        })?;
        let entries = unpacking.entries.into_inner();
        Ok(Unpacked {
            entries: entries.unwrap_or_else(PoisonError::into_inner),
            bytes,
            attempts,
        })
    }

    fn sources(&self, registry: &Url, package: &Package) -> Result<Vec<http::Source>, Error> {
        let tarball = package.tarball();
        let origin = registry.join(&tarball).map_err(|error| {
            Error::Npm(npm::Error::Address {
                text: tarball,
                why: error.to_string(),
            })
        })?;
        let mut sources = sources(self.mirrors, &origin, &package.digest, self.no_origin)?;
        for source in &mut sources {
            if source.authorization.is_none() {
                source.authorization = self.registry.authorization(&source.url);
            }
        }
        Ok(sources)
    }

    /// Of hundreds of small downloads the first that goes wrong is told, and the others to those
    /// who want every detail.
    fn tell(&self, release: &Release, told: &AtomicBool, event: &http::Event<'_>) {
        if matches!(
            event,
            http::Event::Asking { .. } | http::Event::Received { .. }
        ) {
            return;
        }
        let note = described(event);
        let is_first = !told.swap(true, Ordering::Relaxed);
        let activity = if is_first {
            Activity::Note(&note)
        } else {
            Activity::Detail(&note)
        };
        (self.observer)(release.tool.as_str(), activity);
    }
}

/// A package that arrived, by its place in the lock.
type Arrived = (usize, Fetched);

/// The packages of one tree on their way from the cache into it.
struct Unpacking<'a> {
    tree: Tree,
    packages: &'a [Package],
    /// What all of them together may not exceed.
    limits: Limits,
    deadline: Deadline,
    entries: Mutex<Vec<Entry>>,
    /// Whether one could not be unpacked, so that the others need not be.
    is_broken: AtomicBool,
}

impl Unpacking<'_> {
    /// Unpacks what arrives until nothing more will.
    fn take_all(&self, arrived: &Mutex<Receiver<Arrived>>) -> Result<(), Error> {
        while !self.is_broken.load(Ordering::Relaxed) {
            let next = arrived
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .recv();
            let Ok(one) = next else { break };
            self.take(one)?;
        }
        Ok(())
    }

    fn take(&self, (index, fetched): Arrived) -> Result<(), Error> {
        let Some(package) = self.packages.get(index) else {
            return Ok(());
        };
        let [destinations, programs] = [&package.paths, &package.programs]
            .map(|texts| texts.iter().map(String::as_str).collect::<Vec<_>>());
        let place = Place {
            destinations: &destinations,
            programs: &programs,
        };
        let unpacked = self
            .tree
            .unpack_package(&fetched.file, &place, self.limits, self.deadline);
        let added = unpacked.and_then(|unpacked| self.add(&fetched, unpacked));
        added.map_err(|error| {
            self.is_broken.store(true, Ordering::Relaxed);
            Error::Archive(error)
        })
    }

    fn add(&self, fetched: &Fetched, unpacked: Vec<Entry>) -> Result<(), archive::Error> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.extend(unpacked);
        if entries.len() as u64 > self.limits.entries {
            let (limit, unit) = (self.limits.entries, "entries");
            let archive = fetched.file.path().to_owned();
            return Err(archive::Error::TooLarge {
                archive,
                limit,
                unit,
            });
        }
        Ok(())
    }
}
