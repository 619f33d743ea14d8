//! Which source is asked when, until one gives the pinned bytes or the deadline comes.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::future::{self, Either};
use futures_util::stream::FuturesUnordered;
use tokio::time::{sleep, timeout};

use super::failure::Failure;
use super::redact::redact;
use super::request::Stop;
use super::transfer::Attempt;
use super::{Client, Download, Error, Event, Fetched, Observer, Source, Tried};
use crate::cache::{Cache, Claim, Damage, Partial, Verified};
use crate::deadline::{Deadline, DeadlinePassed};

/// A body that broke off after this much is asked for again at once: the server gets on, and
/// waiting would not help it.
const PROGRESS: u64 = 64 * 1024;

/// The shortest and the longest wait between two looks at another process's lock.
const LOCK_POLL: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(100));

/// How many transfers share a server that speaks only HTTP/1.1, where each takes a connection.
const HTTP1_JOBS: usize = 16;

/// How long the first of many downloads runs alone. By then its connection is known to speak
/// HTTP/2, and the others share it instead of opening one each.
const HEAD_START: Duration = Duration::from_millis(500);

/// What one fetch is about.
#[derive(Clone, Copy)]
struct Job<'a> {
    download: &'a Download<'a>,
    cache: &'a Cache,
    deadline: Deadline,
    observer: Observer<'a>,
}

impl Client {
    /// Fetches one artifact, unless the cache has it; returns when it is there, or the deadline
    /// has come.
    pub fn fetch(
        &self,
        download: &Download<'_>,
        cache: &Cache,
        deadline: Deadline,
        observer: Observer<'_>,
    ) -> Result<Fetched, Error> {
        let job = Job {
            download,
            cache,
            deadline,
            observer,
        };
        // What is there is hashed on this thread, and needs no runtime.
        match self.find(job)? {
            Ok(found) => Ok(found),
            Err(tried) => self.block_on(self.fetch_remote(job, tried))?,
        }
    }

    /// Fetches many artifacts, `jobs` at a time, and hands each to `on_done` with its index when
    /// it is there or has failed; stops early when `on_done` breaks.
    ///
    /// All of it happens on this thread, `on_done` included, which should hand long work on.
    pub fn fetch_all(
        &self,
        downloads: &[Download<'_>],
        jobs: usize,
        cache: &Cache,
        deadline: Deadline,
        observer: Observer<'_>,
        on_done: &mut dyn FnMut(usize, Result<Fetched, Error>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let fetch_one = |(index, download)| async move {
            let job = Job {
                download,
                cache,
                deadline,
                observer,
            };
            let fetched = match self.find(job) {
                Ok(Ok(found)) => Ok(found),
                Ok(Err(tried)) => self.fetch_remote(job, tried).await,
                Err(error) => Err(error),
            };
            (index, fetched)
        };
        self.block_on(async {
            let mut waiting = downloads.iter().enumerate();
            let mut running = FuturesUnordered::new();
            let mut head_start = std::pin::pin!(sleep(HEAD_START));
            let mut is_first = true;
            loop {
                let limit = match self.met_http1.load(Ordering::Relaxed) {
                    _ if is_first => 1,
                    true => jobs.clamp(1, HTTP1_JOBS),
                    false => jobs.max(1),
                };
                let free = limit.saturating_sub(running.len());
                running.extend(waiting.by_ref().take(free).map(fetch_one));
                let done = if is_first {
                    match future::select(running.next(), head_start.as_mut()).await {
                        Either::Left((done, _)) => done,
                        Either::Right(_) => {
                            is_first = false;
                            continue;
                        }
                    }
                } else {
                    running.next().await
                };
                let Some((index, fetched)) = done else {
                    return;
                };
                // A file that was there says nothing about the server.
                let asked = fetched.as_ref().map_or(1, |fetched| fetched.attempts);
                is_first &= asked == 0;
                if on_done(index, fetched).is_break() {
                    return;
                }
            }
        })
    }

    pub(super) fn block_on<F: Future>(&self, future: F) -> Result<F::Output, Error> {
        let output = self.runtime.block_on(future);
        output.map_err(|source| Error::Runtime { source })
    }

    /// What is there without any network: the cache, then sources that are local files, whatever
    /// their place in the order. Otherwise, the sources that are left to ask.
    fn find<'a>(&self, job: Job<'a>) -> Result<Result<Fetched, Vec<Candidate<'a>>>, Error> {
        let Job {
            download, cache, ..
        } = job;
        let there = |file, source: &str| Fetched {
            file,
            source: source.to_owned(),
            downloaded: 0,
            attempts: 0,
        };
        if let Some(file) = cache.find(download.digest, &job.on_damage()) {
            return Ok(Ok(there(file, "cache")));
        }
        let mut candidates: Vec<_> = download.sources.iter().map(Candidate::new).collect();
        for candidate in &mut candidates {
            match candidate.source.url.scheme() {
                "file" => match open_file(download, candidate.source) {
                    Ok(file) => return Ok(Ok(there(file, &candidate.name))),
                    Err(failure) => candidate.fail(failure, job),
                },
                "http" | "https" => {}
                scheme => candidate.fail(
                    Failure::Scheme {
                        scheme: scheme.to_owned(),
                        reason: "",
                    },
                    job,
                ),
            }
        }
        let remote = candidates.iter().filter(|candidate| !candidate.dropped);
        let remote: Vec<String> = remote.map(|candidate| candidate.name.clone()).collect();
        if remote.is_empty() {
            return Err(unavailable(job, candidates, None));
        }
        // Bytes that do not match their pin weigh more than the missing network.
        let is_untrusted = |candidate: &Candidate<'_>| {
            let failure = candidate.last.as_ref();
            failure.is_some_and(Failure::is_untrusted)
        };
        if self.settings.offline {
            if candidates.iter().any(is_untrusted) {
                return Err(unavailable(job, candidates, None));
            }
            return Err(Error::Offline {
                what: download.digest.to_string(),
                sources: remote,
            });
        }
        Ok(Err(candidates))
    }

    async fn fetch_remote(
        &self,
        job: Job<'_>,
        mut candidates: Vec<Candidate<'_>>,
    ) -> Result<Fetched, Error> {
        let mut downloaded = 0;
        let mut expected = job.download.size;
        let mut partial = match job.claim().await? {
            Ok(partial) => partial,
            Err(found) => return Ok(found),
        };
        for round in 0_u32.. {
            for index in 0..candidates.len() {
                while let Some(candidate) = candidates.get_mut(index)
                    && candidate.may_be_asked(job.deadline)
                {
                    let before = partial.len();
                    let attempt = Attempt {
                        client: self,
                        download: job.download,
                        source: candidate.source,
                        partial: &mut partial,
                        observer: job.observer,
                        downloaded: &mut downloaded,
                        expected: &mut expected,
                    };
                    match candidate.ask(attempt, job).await {
                        Ok(()) => {
                            let source = candidate.name.clone();
                            let attempts = attempts(&candidates);
                            return Ok(Fetched {
                                file: partial.finish().map_err(|error| job.cache_error(error))?,
                                source,
                                downloaded,
                                attempts,
                            });
                        }
                        Err(Stop::Fatal(error)) => return Err(error),
                        Err(Stop::Failed(mut failure)) => {
                            if let Failure::Mismatch { kept, .. } = &mut failure {
                                *kept = partial.reject();
                                candidate.fail(failure, job);
                                partial = match job.claim().await? {
                                    Ok(partial) => partial,
                                    Err(found) => {
                                        let attempts = attempts(&candidates);
                                        return Ok(Fetched {
                                            downloaded,
                                            attempts,
                                            ..found
                                        });
                                    }
                                };
                                break;
                            }
                            let gets_on = matches!(failure, Failure::Truncated { .. })
                                && partial.validator().is_some()
                                && partial.len() >= before.saturating_add(PROGRESS);
                            candidate.fail(failure, job);
                            if !gets_on {
                                break;
                            }
                        }
                    }
                }
            }
            let Some(wait) = next_turn(&candidates) else {
                return Err(unavailable(job, candidates, None));
            };
            let delay = self.settings.backoff.random_delay(round);
            if let Err(passed) = job.pause(delay.max(wait)).await {
                return Err(unavailable(job, candidates, Some(passed)));
            }
        }
        Err(unavailable(job, candidates, None))
    }
}

impl Job<'_> {
    fn on_damage(&self) -> impl Fn(Damage) {
        |damage| {
            (self.observer)(Event::CacheDamaged {
                digest: self.download.digest,
                path: &damage.path,
                source: damage.source.as_ref(),
            });
        }
    }

    /// Becomes the only one that fetches this artifact, or finds that another has done so.
    async fn claim(self) -> Result<Result<Box<Partial>, Fetched>, Error> {
        let (mut pause, longest) = LOCK_POLL;
        let mut is_first = true;
        loop {
            // A damaged file was told of when it was found.
            let claim = self.cache.claim(self.download.digest, &|_| {});
            let path = match claim.map_err(|error| self.cache_error(error))? {
                Claim::Busy(path) => path,
                Claim::Ours(partial) if partial.is_whole() => {
                    // The process that wrote it died before the last step.
                    let file = partial.finish().map_err(|error| self.cache_error(error))?;
                    return Ok(Err(of_cache(file)));
                }
                Claim::Ours(partial) => return Ok(Ok(partial)),
                Claim::Finished(file) => return Ok(Err(of_cache(file))),
            };
            if std::mem::take(&mut is_first) {
                (self.observer)(Event::Waiting {
                    digest: self.download.digest,
                    path: &path,
                });
            }
            if let Err(source) = self.deadline.check() {
                return Err(Error::Locked { path, source });
            }
            sleep(pause.min(self.deadline.left())).await;
            pause = (pause * 2).min(longest);
        }
    }

    /// Waits until the next round, or says that there will be none before the deadline.
    async fn pause(self, delay: Duration) -> Result<(), DeadlinePassed> {
        let delay = delay_before(self.deadline, delay)?;
        (self.observer)(Event::Pausing {
            digest: self.download.digest,
            delay,
        });
        sleep(delay).await;
        self.deadline.check()
    }

    fn cache_error(&self, source: crate::cache::Error) -> Error {
        let what = self.download.digest.to_string();
        Error::Cache { what, source }
    }
}

/// A source, and what came of asking it.
struct Candidate<'a> {
    source: &'a Source,
    name: String,
    attempts: u32,
    last: Option<Failure>,
    /// Whether asking again makes no sense.
    dropped: bool,
    not_before: Option<Instant>,
}

impl<'a> Candidate<'a> {
    fn new(source: &'a Source) -> Self {
        Self {
            source,
            name: redact(&source.url),
            attempts: 0,
            last: None,
            dropped: false,
            not_before: None,
        }
    }

    fn may_be_asked(&self, deadline: Deadline) -> bool {
        let is_time = self
            .not_before
            .is_none_or(|moment| moment <= Instant::now());
        !self.dropped && is_time && deadline.check().is_ok()
    }

    async fn ask(&mut self, mut attempt: Attempt<'_>, job: Job<'_>) -> Result<(), Stop> {
        self.attempts += 1;
        let from = match attempt.partial.validator() {
            Some(_) => attempt.partial.len(),
            None => 0,
        };
        (job.observer)(Event::Asking {
            digest: job.download.digest,
            source: &self.name,
            from,
        });
        match timeout(job.deadline.left(), attempt.run()).await {
            Ok(ended) => ended,
            Err(_) => Err(Stop::Failed(Failure::Deadline {
                received: attempt.partial.len(),
                expected: *attempt.expected,
            })),
        }
    }

    fn fail(&mut self, mut failure: Failure, job: Job<'_>) {
        if let Failure::Status {
            status,
            retry_after: Some(wait),
            ..
        } = failure
            && failure.is_retryable()
        {
            if wait < job.deadline.left() {
                self.not_before = Instant::now().checked_add(wait);
            } else {
                failure = Failure::Busy { status, wait };
            }
        }
        self.dropped = !failure.is_retryable();
        (job.observer)(Event::SourceFailed {
            digest: job.download.digest,
            source: &self.name,
            failure: &failure,
            again: !self.dropped,
        });
        self.last = Some(failure);
    }
}

fn attempts(candidates: &[Candidate<'_>]) -> u32 {
    candidates.iter().map(|one| one.attempts).sum()
}

/// How long until a source that is left may be asked again; none when no source is left.
fn next_turn(candidates: &[Candidate<'_>]) -> Option<Duration> {
    let now = Instant::now();
    let left = candidates.iter().filter(|candidate| !candidate.dropped);
    let wait = |moment: Instant| moment.saturating_duration_since(now);
    left.map(|candidate| candidate.not_before.map_or(Duration::ZERO, wait))
        .min()
}

/// How long to wait so that there is still time for another try.
pub(super) fn delay_before(
    deadline: Deadline,
    delay: Duration,
) -> Result<Duration, DeadlinePassed> {
    /// With less than this left, another try is not worth its name.
    const LAST_TRY: Duration = Duration::from_millis(100);
    let left = deadline.left();
    if left < LAST_TRY {
        return Err(deadline.passed());
    }
    Ok(if delay < left { delay } else { left / 2 })
}

fn of_cache(file: Verified) -> Fetched {
    Fetched {
        file,
        source: "cache".to_owned(),
        downloaded: 0,
        attempts: 0,
    }
}

/// A source that is a local file is checked where it is.
fn open_file(download: &Download<'_>, source: &Source) -> Result<Verified, Failure> {
    let file_failure = |detail: String| Failure::File { detail };
    let path = source.url.to_file_path();
    let path = path.map_err(|()| file_failure("it is on another host".to_owned()))?;
    let metadata = std::fs::metadata(&path);
    let actual = metadata
        .map_err(|error| file_failure(error.to_string()))?
        .len();
    match download.size {
        Some(expected) if expected != actual => {
            return Err(Failure::WrongSize { expected, actual });
        }
        None if actual > download.max_size => {
            let limit = download.max_size;
            return Err(Failure::TooLarge { limit });
        }
        _ => {}
    }
    match Verified::check(&path, download.digest) {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(actual)) => Err(Failure::Mismatch {
            expected: download.digest.clone(),
            actual,
            kept: None,
            complete: true,
        }),
        Err(error) => Err(file_failure(error.to_string())),
    }
}

fn unavailable(
    job: Job<'_>,
    candidates: Vec<Candidate<'_>>,
    deadline: Option<DeadlinePassed>,
) -> Error {
    let tried = candidates.into_iter().map(|candidate| Tried {
        source: candidate.name,
        attempts: candidate.attempts,
        failure: candidate.last,
    });
    Error::Unavailable {
        what: job.download.digest.to_string(),
        tried: tried.collect(),
        deadline,
    }
}
