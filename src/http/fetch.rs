//! Which source is asked when, until one gives the pinned bytes or the deadline comes.

use std::time::Duration;

use tokio::time::sleep;

use super::candidate::{Candidate, class_of, next_turn};
use super::failure::Failure;
use super::request::Stop;
use super::transfer::Attempt;
use super::{Client, Download, Error, Event, Fetched, Observer, Source, Tried};
use crate::backoff::{Backoff, Class};
use crate::cache::{self, Cache, Checked, Claim, Damage, Partial, Verified};
use crate::deadline::{Deadline, DeadlinePassed};

/// A body that broke off after this much is asked for again at once: the server gets on, and
/// waiting would not help it.
const PROGRESS: u64 = 64 * 1024;

/// The shortest and the longest wait between two looks at another process's lock.
const LOCK_POLL: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(100));

/// What one fetch is about.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) download: &'a Download<'a>,
    pub(super) cache: &'a Cache,
    pub(super) deadline: Deadline,
    pub(super) backoff: Backoff,
    pub(super) observer: Observer<'a>,
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
            backoff: self.settings.backoff,
            observer,
        };
        // What is there is hashed on this thread, and needs no runtime.
        match self.find(job)? {
            Ok(found) => Ok(found),
            Err(tried) => self.block_on(self.fetch_remote(job, tried))?,
        }
    }

    pub(super) fn block_on<F: Future>(&self, future: F) -> Result<F::Output, Error> {
        let output = self.runtime.block_on(future);
        output.map_err(|source| Error::Runtime { source })
    }

    /// What is there without any network: the cache, then sources that are local files, whatever
    /// their place in the order. Otherwise, the sources that are left to ask.
    pub(super) fn find<'a>(
        &self,
        job: Job<'a>,
    ) -> Result<Result<Fetched, Vec<Candidate<'a>>>, Error> {
        let Job {
            download, cache, ..
        } = job;
        let there = |file, source: &str| Fetched {
            file,
            source: source.to_owned(),
            downloaded: 0,
            attempts: 0,
        };
        if let Some(file) = cache.find(download.digest, download.most(), &job.on_damage()) {
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

    pub(super) async fn fetch_remote(
        &self,
        job: Job<'_>,
        mut candidates: Vec<Candidate<'_>>,
    ) -> Result<Fetched, Error> {
        let mut run = match job.claim().await? {
            Ok(partial) => Run {
                client: self,
                job,
                partial,
                downloaded: 0,
                expected: job.download.size,
            },
            Err(found) => return Ok(found),
        };
        for round in 0_u32.. {
            for index in 0..candidates.len() {
                let Some(candidate) = candidates.get_mut(index) else {
                    break;
                };
                let name = candidate.name.clone();
                let fetched = match run.ask(candidate).await? {
                    Asked::InVain => continue,
                    Asked::Whole => run.finish(name)?,
                    Asked::Found(found) => found,
                };
                return Ok(Fetched {
                    attempts: candidates.iter().map(|one| one.attempts).sum(),
                    ..fetched
                });
            }
            let Some(wait) = next_turn(&candidates) else {
                break;
            };
            if let Err(passed) = job.pause(round, class_of(&candidates), wait).await {
                return Err(unavailable(job, candidates, Some(passed)));
            }
        }
        Err(unavailable(job, candidates, None))
    }
}

/// A fetch whose partial file is ours.
struct Run<'a> {
    client: &'a Client,
    job: Job<'a>,
    partial: Box<Partial>,
    downloaded: u64,
    expected: Option<u64>,
}

/// What came of asking a source.
enum Asked {
    /// The partial file is whole.
    Whole,
    /// Another process finished the file meanwhile.
    Found(Fetched),
    /// Nothing, for now.
    InVain,
}

impl Run<'_> {
    /// Asks one source when its time has come, and again for as long as it gets on.
    async fn ask(&mut self, candidate: &mut Candidate<'_>) -> Result<Asked, Error> {
        while candidate.may_be_asked(self.job.deadline) {
            let before = self.partial.len();
            let attempt = Attempt {
                client: self.client,
                download: self.job.download,
                source: candidate.source,
                partial: &mut self.partial,
                observer: self.job.observer,
                downloaded: &mut self.downloaded,
                expected: &mut self.expected,
            };
            let failure = match candidate.ask(attempt, self.job).await {
                Ok(()) => return Ok(Asked::Whole),
                Err(Stop::Fatal(error)) => return Err(error),
                Err(Stop::Failed(failure)) => failure,
            };
            if let Failure::Mismatch { .. } = failure {
                return self.reject(candidate, failure).await;
            }
            let gets_on = matches!(failure, Failure::Truncated { .. })
                && self.partial.validator().is_some()
                && self.partial.len() >= before.saturating_add(PROGRESS);
            candidate.fail(failure, self.job);
            if !gets_on {
                break;
            }
        }
        Ok(Asked::InVain)
    }

    /// Keeps the wrong bytes aside, and takes a new partial file for the next source.
    async fn reject(
        &mut self,
        candidate: &mut Candidate<'_>,
        mut failure: Failure,
    ) -> Result<Asked, Error> {
        let aside = self.partial.reject();
        if let Failure::Mismatch { kept, .. } = &mut failure {
            kept.clone_from(&aside);
        }
        candidate.fail(failure, self.job);
        if aside.is_none() {
            // The file is still ours, and locked: to claim it would be to wait for ourselves.
            let restarted = self.partial.restart(None, None);
            restarted.map_err(|error| self.job.cache_error(error))?;
            return Ok(Asked::InVain);
        }
        match self.job.claim().await? {
            Ok(partial) => {
                self.partial = partial;
                Ok(Asked::InVain)
            }
            Err(found) => Ok(Asked::Found(Fetched {
                downloaded: self.downloaded,
                ..found
            })),
        }
    }

    fn finish(self, source: String) -> Result<Fetched, Error> {
        let file = self.partial.finish();
        Ok(Fetched {
            file: file.map_err(|error| self.job.cache_error(error))?,
            source,
            downloaded: self.downloaded,
            attempts: 0,
        })
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
        let mut spare = None;
        loop {
            let cache = spare.as_ref().unwrap_or(self.cache);
            // A damaged file was told of when it was found.
            let claim = cache.claim(self.download.digest, self.download.most(), &|_| {});
            if let Err(cache::Error::Unwritable { dir, source }) = &claim
                && spare.is_none()
            {
                spare = self.cache.spare();
                if spare.is_some() {
                    (self.observer)(Event::CacheUnwritable {
                        digest: self.download.digest,
                        dir,
                        source,
                    });
                    continue;
                }
            }
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

    /// Waits until the next round, and for what a server asks for, or says that there will be no
    /// other round before the deadline.
    async fn pause(self, round: u32, class: Class, asked: Duration) -> Result<(), DeadlinePassed> {
        let delay = delay_before(self.deadline, self.backoff, round, class, asked)?;
        (self.observer)(Event::Pausing {
            digest: self.download.digest,
            delay,
        });
        sleep(delay).await;
        self.deadline.check()
    }

    fn cache_error(&self, source: cache::Error) -> Error {
        let what = self.download.digest.to_string();
        Error::Cache { what, source }
    }
}

/// How long to wait after a round in which servers asked for this wait, so that there is still time for
/// another try: never shorter than the schedule allows.
pub(super) fn delay_before(
    deadline: Deadline,
    backoff: Backoff,
    round: u32,
    class: Class,
    asked: Duration,
) -> Result<Duration, DeadlinePassed> {
    /// With less than this left, another try is not worth its name.
    const LAST_TRY: Duration = Duration::from_millis(100);
    let left = deadline.left();
    let least = backoff.least_delay(round, class).max(asked);
    if left < LAST_TRY {
        return Err(deadline.passed());
    }
    if left <= least {
        return Err(deadline.too_soon());
    }
    let delay = backoff.random_delay(round, class).max(asked);
    Ok(if delay < left {
        delay
    } else {
        least.max(left / 2)
    })
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
    if let Some(expected) = download.size
        && expected != actual
    {
        return Err(Failure::WrongSize { expected, actual });
    }
    match Verified::check(&path, download.digest, download.most()) {
        Ok(Checked::Whole(file)) => Ok(file),
        Ok(Checked::Other(actual)) => Err(Failure::Mismatch {
            expected: download.digest.clone(),
            actual,
            kept: None,
            complete: true,
        }),
        Ok(Checked::TooLarge) => Err(Failure::TooLarge {
            limit: download.most(),
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
