//! One source of an artifact under way: whether and when it may be asked again.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::failure::Failure;
use super::fetch::Job;
use super::redact::redact;
use super::request::Stop;
use super::transfer::Attempt;
use super::{Event, Source};
use crate::backoff::Class;
use crate::deadline::Deadline;

/// A source, and what came of asking it.
pub(super) struct Candidate<'a> {
    pub(super) source: &'a Source,
    pub(super) name: String,
    pub(super) attempts: u32,
    pub(super) last: Option<Failure>,
    /// Whether asking again makes no sense.
    pub(super) dropped: bool,
    not_before: Option<Instant>,
}

impl<'a> Candidate<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        Self {
            source,
            name: redact(&source.url),
            attempts: 0,
            last: None,
            dropped: false,
            not_before: None,
        }
    }

    pub(super) fn may_be_asked(&self, deadline: Deadline) -> bool {
        let is_time = self
            .not_before
            .is_none_or(|moment| moment <= Instant::now());
        !self.dropped && is_time && deadline.check().is_ok()
    }

    pub(super) async fn ask(&mut self, mut attempt: Attempt<'_>, job: Job<'_>) -> Result<(), Stop> {
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

    pub(super) fn fail(&mut self, mut failure: Failure, job: Job<'_>) {
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
        let may_ask_again = job.backoff.allows_more_than(self.attempts);
        self.dropped = !failure.is_retryable() || !may_ask_again;
        (job.observer)(Event::SourceFailed {
            digest: job.download.digest,
            source: &self.name,
            failure: &failure,
            again: !self.dropped,
        });
        self.last = Some(failure);
    }
}

/// How long until a source that is left may be asked again; none when no source is left.
pub(super) fn next_turn(candidates: &[Candidate<'_>]) -> Option<Duration> {
    let now = Instant::now();
    let left = candidates.iter().filter(|candidate| !candidate.dropped);
    let wait = |moment: Instant| moment.saturating_duration_since(now);
    left.map(|candidate| candidate.not_before.map_or(Duration::ZERO, wait))
        .min()
}

/// What kind of wait the sources that are left ask for: that of throttling where one of them is throttled.
pub(super) fn class_of(candidates: &[Candidate<'_>]) -> Class {
    let mut left = candidates.iter().filter(|candidate| !candidate.dropped);
    let is_throttled = |candidate: &Candidate<'_>| {
        let failure = candidate.last.as_ref();
        failure.is_some_and(Failure::is_throttling)
    };
    if left.any(is_throttled) {
        Class::Throttled
    } else {
        Class::Passing
    }
}
