//! Putting tools in place: fetch, check, unpack in staging, try, swap in, write the receipt, link.

mod activate;
mod error;
mod leftovers;
mod look;
mod packages;
mod present;
mod stage;

pub(super) use packages::{Packages, ask_npm, check_room};
pub(super) use stage::{described, format_of, limits_of, sources, strip_of};

pub use activate::quoted;
pub use error::Error;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::npm::Registry;
use super::outcome::{Activity, Observer, Outcome, State};
use super::plan::Planned;
use super::prefix::Prefix;
use super::{Release, Source};
use crate::cache::Cache;
use crate::deadline::Deadline;
use crate::fault::Fault;
use crate::files::{self, Lock, Room};
use crate::http::Client;
use crate::tools::mirror::MirrorTemplate;

/// What all tools of a run are installed with.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a choice of the user's"
)]
pub struct Settings {
    /// Where to.
    pub prefix: Prefix,
    /// A second directory for links, such as `/usr/local/bin`.
    pub bin_dir: Option<PathBuf>,
    /// Where downloads are looked up and kept.
    pub cache: Cache,
    /// Where downloads are tried before their vendors' addresses, in order.
    pub mirrors: Vec<MirrorTemplate>,
    /// Never use the vendors' addresses.
    pub no_origin: bool,
    /// Where npm packages come from.
    pub registry: Registry,
    /// Leave out what running does not need.
    pub slim: bool,
    /// Sync trees to disk and write receipts that hold for ever: image builds, persistent volumes.
    pub durable: bool,
    /// Leave a tool alone that is on PATH already in the wanted version.
    pub accept_existing: bool,
    /// Keep the version that is there when the wanted one cannot be had.
    pub keep_previous: bool,
    /// Whether the run goes on whatever fails, so that optional tools are worth trying still.
    pub goes_on: bool,
    /// The environment that programs are tried in.
    pub variables: BTreeMap<String, String>,
    /// Who we are, for those who wait for the lock.
    pub holder: String,
    /// When the run began (RFC 3339), for receipts.
    pub started: String,
    /// The present boot id.
    pub boot: String,
}

/// An installation under way.
pub struct Installer<'a> {
    settings: &'a Settings,
    client: &'a Client,
    deadline: Deadline,
    observer: &'a Observer<'a>,
    board: Board,
    /// Archives are unpacked one at a time, each by several threads; downloads go on meanwhile.
    unpacking: Mutex<()>,
}

/// How far a tool got, for those that need it.
#[derive(Clone, Debug)]
enum Settled {
    /// On which side the failure is.
    Failed(Fault),
    /// Its version, the directory in which its programs are, and on which side it is that this is
    /// not the wanted version.
    In {
        version: String,
        programs: PathBuf,
        kept_for: Option<Fault>,
    },
}

/// What has become of each tool so far.
#[derive(Debug, Default)]
struct Board {
    settled: Mutex<BTreeMap<String, Settled>>,
    changed: Condvar,
}

/// A version that stays for want of the one that was wanted.
#[derive(Debug)]
struct Previous {
    version: String,
    digest: String,
    source: String,
}

/// What was done for one tool, before anybody asks whether that was enough.
#[derive(Debug)]
struct Done {
    state: State,
    source: Option<String>,
    bytes: u64,
    attempts: u32,
    programs: PathBuf,
}

impl<'a> Installer<'a> {
    /// An installation with these settings, which ends at the deadline.
    pub fn new(
        settings: &'a Settings,
        client: &'a Client,
        deadline: Deadline,
        observer: &'a Observer<'a>,
    ) -> Self {
        Self {
            settings,
            client,
            deadline,
            observer,
            board: Board::default(),
            unpacking: Mutex::default(),
        }
    }

    /// Puts these releases in place; those that others need come first.
    ///
    /// Every request has an outcome, in the same order. Optional ones are begun when all the
    /// others have ended.
    pub fn install(&self, requests: &[Planned]) -> Vec<Outcome> {
        let mut outcomes: Vec<Option<Outcome>> = requests
            .iter()
            .map(|request| self.unchanged(request))
            .collect();
        if outcomes.iter().any(Option::is_none) {
            match self.take_lock() {
                Ok(_lock) => {
                    self.put_all(requests, &mut outcomes, false);
                    let is_lost = |outcome: &Outcome| outcome.state == State::Failed;
                    if !self.settings.goes_on && outcomes.iter().flatten().any(is_lost) {
                        // The run has failed: the pod restarts, and should do so soon.
                        self.skip(requests, &mut outcomes);
                    }
                    self.put_all(requests, &mut outcomes, true);
                    self.clear_leftovers();
                }
                Err(error) => {
                    let error = Arc::new(error);
                    for (request, outcome) in requests.iter().zip(&mut outcomes) {
                        outcome.get_or_insert_with(|| {
                            self.settle(request, Instant::now(), Err(Arc::clone(&error)))
                        });
                    }
                }
            }
        } else {
            self.clear_leftovers_unless_busy();
        }
        outcomes.into_iter().flatten().collect()
    }

    /// The outcome of a tool that needs nothing done, which takes no lock.
    fn unchanged(&self, request: &Planned) -> Option<Outcome> {
        let started = Instant::now();
        match self.look(&request.release, look::Touch::Nothing) {
            Ok(look::Found::Whole { source }) => {
                let done =
                    Done::nothing(State::Unchanged, Some(source), self.settings.prefix.bin());
                Some(self.settle(request, started, Ok(done)))
            }
            _ => None,
        }
    }

    /// Everything that must be so before anything is changed.
    fn take_lock(&self) -> Result<Lock, Error> {
        let prefix = &self.settings.prefix;
        files::create_directory(prefix.path()).map_err(Error::File)?;
        if !Room::at(prefix.path()).map_err(Error::File)?.executable {
            return Err(Error::NoExec {
                path: prefix.path().to_owned(),
            });
        }
        let waiting = |holder: &str| {
            let note = format!("waiting for {holder}");
            (self.observer)("", Activity::Note(&note));
        };
        let lock = Lock::take(
            &prefix.lock(),
            &self.settings.holder,
            self.deadline,
            waiting,
        )
        .map_err(Error::Lock)?;
        for directory in [prefix.bin(), prefix.receipts(), prefix.tools()] {
            files::create_directory(&directory).map_err(Error::File)?;
        }
        self.clear_leftovers();
        Ok(lock)
    }

    fn put_all(&self, requests: &[Planned], outcomes: &mut [Option<Outcome>], optional: bool) {
        std::thread::scope(|scope| {
            let mut running = Vec::new();
            for (request, outcome) in requests.iter().zip(outcomes) {
                if outcome.is_none() && request.optional == optional {
                    let run = || {
                        let started = Instant::now();
                        self.settle(
                            request,
                            started,
                            self.put(&request.release).map_err(Arc::new),
                        )
                    };
                    running.push((request, outcome, scope.spawn(run)));
                }
            }
            for (request, outcome, thread) in running {
                let panicked =
                    || self.settle(request, Instant::now(), Err(Arc::new(Error::Panicked)));
                *outcome = Some(thread.join().unwrap_or_else(|_| panicked()));
            }
        });
    }

    /// Settles what is left without trying it.
    fn skip(&self, requests: &[Planned], outcomes: &mut [Option<Outcome>]) {
        for (request, outcome) in requests.iter().zip(outcomes) {
            outcome.get_or_insert_with(|| {
                self.note(&request.release, "not tried, since the run has failed");
                let skipped = Done::nothing(State::Skipped, None, self.settings.prefix.bin());
                self.settle(request, Instant::now(), Ok(skipped))
            });
        }
    }

    /// Puts one tool in place; the caller holds the lock.
    fn put(&self, release: &Release) -> Result<Done, Error> {
        let mut state = State::Installed;
        // Another process may have done the work while this one waited for the lock.
        match self.look(release, look::Touch::Links)? {
            look::Found::Whole { source } => {
                return Ok(Done::nothing(
                    State::Unchanged,
                    Some(source),
                    self.settings.prefix.bin(),
                ));
            }
            look::Found::Relinked { source } => {
                return Ok(Done::nothing(
                    State::Repaired,
                    Some(source),
                    self.settings.prefix.bin(),
                ));
            }
            look::Found::Damaged(damage) => {
                self.note(release, &format!("damaged: {damage}"));
                state = State::Repaired;
            }
            look::Found::Other | look::Found::Absent => {}
        }
        if self.settings.accept_existing
            && let Some(directory) = self.present(release)?
        {
            self.withdraw(release)?;
            let place = directory.display().to_string();
            return Ok(Done::nothing(State::Present, Some(place), directory));
        }
        let staged = self.stage(release)?;
        let receipt = std::thread::scope(|scope| {
            // Tens of thousands of records take a while, and trying out leaves a core free.
            let receipt = scope.spawn(|| self.receipt(release, &staged));
            self.try_out(release, &staged)?;
            receipt.join().unwrap_or(Err(Error::Panicked))
        })?;
        self.activate(release, &staged, &receipt)?;
        Ok(Done {
            state,
            source: Some(staged.source.clone()),
            bytes: staged.bytes,
            attempts: staged.attempts,
            programs: self.settings.prefix.bin(),
        })
    }

    /// Turns a result into the outcome, tells it to those who wait, and keeps the version that was
    /// there where the policy allows it.
    fn settle(
        &self,
        request: &Planned,
        started: Instant,
        result: Result<Done, Arc<Error>>,
    ) -> Outcome {
        let release = &request.release;
        let mut outcome = Outcome {
            tool: release.tool.to_string(),
            version: release.version.to_string(),
            state: State::Failed,
            optional: request.optional,
            digest: Some(pin(release)),
            source: None,
            bytes: 0,
            attempts: 0,
            seconds: 0.0,
            error: None,
        };
        let settled = match result {
            Ok(done) => {
                (outcome.state, outcome.source) = (done.state, done.source);
                (outcome.bytes, outcome.attempts) = (done.bytes, done.attempts);
                Settled::In {
                    version: outcome.version.clone(),
                    programs: done.programs,
                    kept_for: None,
                }
            }
            Err(error) => {
                let fault = error.fault();
                let previous = self.previous(release, &error);
                outcome.attempts = error.attempts();
                outcome.error = Some(error);
                match previous {
                    Some(previous) => {
                        (outcome.state, outcome.version) =
                            (State::KeptPrevious, previous.version.clone());
                        (outcome.digest, outcome.source) =
                            (Some(previous.digest), Some(previous.source));
                        Settled::In {
                            version: previous.version,
                            programs: self.settings.prefix.bin(),
                            kept_for: Some(fault),
                        }
                    }
                    None => Settled::Failed(fault),
                }
            }
        };
        outcome.seconds = started.elapsed().as_secs_f64();
        self.board.settle(release.tool.as_str(), settled);
        (self.observer)(release.tool.as_str(), Activity::Finished(&outcome));
        outcome
    }

    /// The version that is there and whole, where the policy lets it stay in place of a wanted one
    /// that cannot be had. Bytes that are not what they should be are no reason to go on.
    fn previous(&self, release: &Release, error: &Error) -> Option<Previous> {
        if !self.settings.keep_previous || error.fault() == Fault::Untrusted {
            return None;
        }
        self.other_intact_version(release)
    }

    fn note(&self, release: &Release, note: &str) {
        (self.observer)(release.tool.as_str(), Activity::Note(note));
    }
}

impl Done {
    fn nothing(state: State, source: Option<String>, programs: PathBuf) -> Self {
        Self {
            state,
            source,
            bytes: 0,
            attempts: 0,
            programs,
        }
    }
}

impl Board {
    fn settle(&self, tool: &str, settled: Settled) {
        self.settled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(tool.to_owned(), settled);
        self.changed.notify_all();
    }

    /// Where the programs of a tool are, once that is settled.
    fn directory(&self, tool: &str) -> Option<PathBuf> {
        match self
            .settled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(tool)?
        {
            Settled::In { programs, .. } => Some(programs.clone()),
            Settled::Failed(_) => None,
        }
    }

    /// Waits until a tool is settled; none at the deadline.
    fn wait(&self, tool: &str, deadline: Deadline) -> Option<Settled> {
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = settled.get(tool) {
                return Some(found.clone());
            }
            let left = deadline.left();
            if left.is_zero() {
                return None;
            }
            let wait = self
                .changed
                .wait_timeout(settled, left.min(Duration::from_secs(1)));
            settled = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The digest that pins a release: its artifact's, or its package lock's.
fn pin(release: &Release) -> String {
    match &release.source {
        Source::Artifact(artifact) => artifact.digest.to_string(),
        Source::Packages(lock) => lock.digest().to_string(),
    }
}

/// The directory that a program is in.
fn directory_of(program: &Path) -> PathBuf {
    program.parent().unwrap_or(Path::new("/")).to_owned()
}
