//! What `lock` alone may ask for: documents and files without a pin, over https, and never by way
//! of http.

use std::time::Duration;

use reqwest::Response;
use tokio::time::{sleep, timeout};
use url::{Host, Url};

use super::failure::{Failure, detail_of};
use super::fetch::delay_before;
use super::page::Page;
use super::redact::redact;
use super::request::{Ask, Stop};
use super::transfer::{content_length, is_framed};
use super::{Client, Error, Event, Observer, Source, Tried};
use crate::backoff::{Backoff, Class};
use crate::cache::{Cache, Unpinned};
use crate::deadline::Deadline;

/// What nothing vouches for but the connection.
#[derive(Clone, Copy)]
pub struct Lookup<'a> {
    /// What it is, for messages: `the signature`.
    pub what: &'a str,
    /// Where it may be, in order: plain http is refused, except on this machine itself.
    pub sources: &'a [Source],
    /// The largest body that is accepted, in bytes.
    pub limit: u64,
    /// When it must have come.
    pub deadline: Deadline,
    /// Is told of failures.
    pub observer: Observer<'a>,
}

/// Is told how many bytes came, and how many there will be, where known.
pub type Meter<'a> = &'a dyn Fn(u64, Option<u64>);

impl Client {
    /// The body, which is no web page, and where it was.
    pub fn get_unpinned(&self, lookup: &Lookup<'_>) -> Result<(Vec<u8>, Url), Error> {
        self.look_up(lookup, async |source| {
            let answer = self.ask(lookup, source).await?;
            let page = Page::of(&answer);
            let mut body = Vec::new();
            let mut take = |chunk: &[u8]| {
                body.extend_from_slice(chunk);
                Ok(())
            };
            self.receive(lookup, answer, &mut take).await?;
            match page.seen_in(&body) {
                Some(page) => Err(Stop::Failed(page)),
                None => Ok(body),
            }
        })
    }

    /// Where the redirects lead to, whatever is there.
    pub fn landing(&self, lookup: &Lookup<'_>) -> Result<Url, Error> {
        let ask = async |source: &Source| Ok(self.ask(lookup, source).await?.url().clone());
        self.look_up(lookup, ask).map(|(url, _)| url)
    }

    /// The file, which is no web page, hashed while it streams into the cache.
    pub fn download_unpinned(
        &self,
        lookup: &Lookup<'_>,
        cache: &Cache,
        meter: Meter<'_>,
    ) -> Result<Unpinned, Error> {
        let download = async |from: &Source| {
            let fatal = |source| {
                let what = redact(&from.url);
                Stop::Fatal(Error::Cache { what, source })
            };
            let answer = self.ask(lookup, from).await?;
            let page = Page::of(&answer);
            let expected = content_length(answer.headers());
            // What may be cut short without a sign would be pinned as it is.
            if !is_framed(&answer) {
                let detail = "the server does not say how long it is".to_owned();
                return Err(Stop::Failed(Failure::Truncated {
                    received: 0,
                    expected: None,
                    detail,
                }));
            }
            let mut file = cache.unpinned().map_err(fatal)?;
            let mut is_start = true;
            let mut take = |chunk: &[u8]| {
                if std::mem::take(&mut is_start)
                    && let Some(page) = page.seen_in(chunk)
                {
                    return Err(Stop::Failed(page));
                }
                file.append(chunk).map_err(fatal)?;
                meter(file.len(), expected);
                Ok(())
            };
            self.receive(lookup, answer, &mut take).await?;
            if file.is_empty() {
                return Err(Stop::Failed(Failure::WrongSize {
                    expected: 1,
                    actual: 0,
                }));
            }
            Ok(file)
        };
        self.look_up(lookup, download).map(|(file, _)| file)
    }

    /// Asks the sources in rounds until one has it, or it is clear that none will.
    fn look_up<'a, T>(
        &self,
        lookup: &Lookup<'a>,
        attempt: impl AsyncFn(&'a Source) -> Result<T, Stop>,
    ) -> Result<(T, Url), Error> {
        let mut candidates: Vec<_> = lookup.sources.iter().map(Candidate::new).collect();
        if self.settings.offline {
            return Err(Error::Unasked {
                what: lookup.what.to_owned(),
                sources: candidates.into_iter().map(|one| one.tried.source).collect(),
            });
        }
        let deadline = lookup.deadline;
        self.block_on(async {
            for round in 0_u32.. {
                let backoff = self.settings.backoff;
                let (mut class, mut asked) = (Class::Passing, Duration::ZERO);
                for candidate in candidates.iter_mut().filter(|one| !one.is_out) {
                    candidate.tried.attempts += 1;
                    let source = candidate.source;
                    let failure = match timeout(deadline.left(), attempt(source)).await {
                        Ok(Ok(found)) => return Ok((found, source.url.clone())),
                        Ok(Err(Stop::Fatal(error))) => return Err(error),
                        Ok(Err(Stop::Failed(failure))) => failure,
                        Err(_) => Failure::Deadline {
                            received: 0,
                            expected: None,
                        },
                    };
                    if failure.is_throttling() {
                        class = Class::Throttled;
                    }
                    asked = asked.max(candidate.fail(failure, lookup, backoff));
                }
                let is_over = candidates.iter().all(|candidate| candidate.is_out);
                let delay = delay_before(deadline, backoff, round, class, asked);
                match (is_over, delay) {
                    (false, Ok(delay)) => sleep(delay).await,
                    (_, delay) => {
                        return Err(Error::Unavailable {
                            what: lookup.what.to_owned(),
                            tried: candidates.into_iter().map(|one| one.tried).collect(),
                            deadline: delay.err().filter(|_| !is_over),
                        });
                    }
                }
            }
            Err(Error::Setup {
                detail: "it was asked for too often".to_owned(),
            })
        })?
    }

    async fn ask(&self, lookup: &Lookup<'_>, source: &Source) -> Result<Response, Stop> {
        let ask = Ask {
            source,
            pinned: false,
            resume: None,
        };
        self.send(&ask, lookup.observer).await
    }

    /// Hands the body on as it comes.
    async fn receive(
        &self,
        lookup: &Lookup<'_>,
        mut answer: Response,
        take: &mut dyn FnMut(&[u8]) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let after = self.settings.stall_timeout;
        let expected = content_length(answer.headers());
        let mut received = 0;
        loop {
            match timeout(after, answer.chunk()).await {
                Ok(Ok(Some(chunk))) => {
                    received += chunk.len() as u64;
                    if received > lookup.limit {
                        let limit = lookup.limit;
                        return Err(Stop::Failed(Failure::TooLarge { limit }));
                    }
                    take(&chunk)?;
                }
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) => {
                    return Err(Stop::Failed(Failure::Truncated {
                        received,
                        expected,
                        detail: detail_of(&error),
                    }));
                }
                Err(_) => return Err(Stop::Failed(Failure::Stalled { after })),
            }
        }
    }
}

/// A source, and what came of asking it.
struct Candidate<'a> {
    source: &'a Source,
    tried: Tried,
    /// Whether asking again makes no sense.
    is_out: bool,
}

impl<'a> Candidate<'a> {
    fn new(source: &'a Source) -> Self {
        let scheme = source.url.scheme();
        let is_secure = scheme == "https" || scheme == "http" && is_loopback(&source.url);
        let refused = || Failure::Scheme {
            scheme: scheme.to_owned(),
            reason: " without a digest to check",
        };
        Self {
            source,
            tried: Tried {
                source: redact(&source.url),
                attempts: 0,
                failure: (!is_secure).then(refused),
            },
            is_out: !is_secure,
        }
    }

    /// Takes in that it failed, and returns how long it asks to be left alone.
    fn fail(&mut self, failure: Failure, lookup: &Lookup<'_>, backoff: Backoff) -> Duration {
        let wait = match &failure {
            Failure::Status { retry_after, .. } => retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        self.is_out = !failure.is_retryable()
            || wait >= lookup.deadline.left()
            || !backoff.allows_more_than(self.tried.attempts);
        if !self.is_out || lookup.sources.len() > 1 {
            (lookup.observer)(Event::LookupFailed {
                source: &self.tried.source,
                failure: &failure,
                again: !self.is_out,
            });
        }
        self.tried.failure = Some(failure);
        if self.is_out { Duration::ZERO } else { wait }
    }
}

/// Whether the URL names this machine, where nobody can sit in between.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
