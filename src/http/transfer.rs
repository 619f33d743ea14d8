//! One attempt at one source: the body grows in the partial file until its digest is the pin.

use std::time::Duration;

use reqwest::header::{self, HeaderMap};
use reqwest::{Response, StatusCode, Version};
use tokio::time::timeout;

use super::failure::{Failure, Status, detail_of};
use super::page::Page;
use super::request::{Ask, Stop};
use super::{Client, Download, Error, Event, Observer, Source, headers};
use crate::cache::Partial;

/// How long the first line of a web page is waited for: it is only for the message.
const FIRST_LINE: Duration = Duration::from_secs(1);

/// One attempt, and what it knows.
pub(super) struct Attempt<'a> {
    pub(super) client: &'a Client,
    pub(super) download: &'a Download<'a>,
    pub(super) source: &'a Source,
    pub(super) partial: &'a mut Partial,
    pub(super) observer: Observer<'a>,
    /// The bytes of bodies received so far; counts on over attempts.
    pub(super) downloaded: &'a mut u64,
    /// The length of the whole, once known.
    pub(super) expected: &'a mut Option<u64>,
}

impl Attempt<'_> {
    /// Ends when the partial file is whole.
    pub(super) async fn run(&mut self) -> Result<(), Stop> {
        // Each round but the last one found the bytes that were there to be of no use, and dropped
        // them: there are two at most.
        loop {
            let resumed = self.resume_from();
            let answer = self.ask(resumed).await?;
            let page = Page::of(&answer);
            if let Some(stated) = self.hopeless_length(&answer) {
                return Err(self.refuse(answer, stated, &page).await);
            }
            if !self.begin(&answer, resumed)? {
                continue;
            }
            let is_framed = is_framed(&answer);
            let ended = self.receive(answer, &page).await;
            if self.partial.is_whole() {
                return Ok(());
            }
            ended?;
            self.check_length(is_framed, &page)?;
            if resumed > 0 {
                // The old bytes may be those of another file, or of a torn write.
                self.restart(None)?;
                continue;
            }
            return Err(self.mismatch(is_framed, &page));
        }
    }

    /// The byte to go on from.
    fn resume_from(&self) -> u64 {
        match self.partial.validator() {
            Some(_) => self.partial.len(),
            None => 0,
        }
    }

    async fn ask(&self, resumed: u64) -> Result<Response, Stop> {
        let validator = self.partial.validator();
        let ask = Ask {
            source: self.source,
            pinned: true,
            resume: validator
                .filter(|_| resumed > 0)
                .map(|validator| (resumed, validator)),
        };
        self.client.send(&ask, self.observer).await
    }

    /// The stated length of a whole body that cannot be the artifact.
    fn hopeless_length(&self, answer: &Response) -> Option<u64> {
        let is_whole = answer.status() == StatusCode::OK;
        let stated = content_length(answer.headers()).filter(|_| is_whole)?;
        let is_possible = match self.download.size {
            Some(size) => stated == size,
            None => stated <= self.download.max_size,
        };
        (!is_possible).then_some(stated)
    }

    /// Turns a body away unread, but for the first line of a web page. The bytes that another
    /// source gave before are not touched: they may still be resumed.
    async fn refuse(&self, mut answer: Response, stated: u64, page: &Page) -> Stop {
        if !page.is_stated {
            return Stop::Failed(self.size_failure(stated));
        }
        let head = timeout(FIRST_LINE, answer.chunk()).await;
        let head = head.ok().and_then(Result::ok).flatten();
        let failure = page.seen_in(head.as_deref().unwrap_or_default());
        Stop::Failed(failure.unwrap_or_else(|| self.size_failure(stated)))
    }

    fn size_failure(&self, actual: u64) -> Failure {
        match self.download.size {
            Some(expected) => Failure::WrongSize { expected, actual },
            None => Failure::TooLarge {
                limit: self.download.max_size,
            },
        }
    }

    /// Looks at the head of the answer, and makes the partial file ready for its body. False when
    /// the bytes that were there turned out to be of no use, and the source is to be asked again.
    fn begin(&mut self, answer: &Response, resumed: u64) -> Result<bool, Stop> {
        let headers = answer.headers();
        match answer.status() {
            StatusCode::PARTIAL_CONTENT if resumed > 0 => {
                let same_tag = tag_is_unchanged(headers, self.partial.validator());
                match headers::content_range(headers) {
                    Some((first, total)) if first == resumed && same_tag => {
                        if let (Some(actual), Some(expected)) = (total, self.download.size)
                            && actual != expected
                        {
                            self.restart(None)?;
                            return Err(Failure::WrongSize { expected, actual }.into());
                        }
                        *self.expected = self.download.size.or(total);
                        Ok(true)
                    }
                    _ => {
                        self.restart(None)?;
                        Ok(false)
                    }
                }
            }
            StatusCode::RANGE_NOT_SATISFIABLE if resumed > 0 => {
                self.restart(None)?;
                Ok(false)
            }
            StatusCode::OK => {
                let length = content_length(headers);
                *self.expected = self.download.size.or(length);
                self.restart(headers::validator(headers))?;
                Ok(true)
            }
            status => Err(Failure::Range {
                detail: format!("{} came unasked", Status(status.as_u16())),
            }
            .into()),
        }
    }

    /// Takes the body in, up to its end or the limit.
    async fn receive(&mut self, mut answer: Response, page: &Page) -> Result<(), Stop> {
        let stall = self.client.settings.stall_timeout;
        let limit = self.download.most();
        loop {
            let chunk = match timeout(stall, answer.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) => {
                    return Err(Stop::Failed(Failure::Truncated {
                        received: self.partial.len(),
                        expected: *self.expected,
                        detail: detail_of(&error),
                    }));
                }
                Err(_) => return Err(Stop::Failed(Failure::Stalled { after: stall })),
            };
            let length = self.partial.len() + chunk.len() as u64;
            *self.downloaded += chunk.len() as u64;
            if length > limit {
                // The start of it, for the judgement; never more than the limit.
                let room = usize::try_from(limit.saturating_sub(self.partial.len()));
                let room = room.unwrap_or(usize::MAX).min(chunk.len());
                self.append(chunk.get(..room).unwrap_or_default())?;
                return Err(self.wrong_size(length, page));
            }
            self.append(&chunk)?;
            (self.observer)(Event::Received {
                digest: self.download.digest,
                received: length,
                expected: *self.expected,
            });
        }
    }

    /// After the end of the body.
    fn check_length(&mut self, is_framed: bool, page: &Page) -> Result<(), Stop> {
        let received = self.partial.len();
        match *self.expected {
            Some(expected) if received != expected && is_framed => {
                Err(self.wrong_size(received, page))
            }
            Some(expected) if received != expected => Err(Stop::Failed(Failure::Truncated {
                received,
                expected: Some(expected),
                detail: "the connection was closed".to_owned(),
            })),
            _ => Ok(()),
        }
    }

    fn wrong_size(&mut self, actual: u64, page: &Page) -> Stop {
        if let Some(failure) = page.seen_in(&self.partial.head()) {
            return self.dropped(failure);
        }
        let failure = self.size_failure(actual);
        self.dropped(failure)
    }

    /// The whole body came, and is another one. It stays in the partial file, to be kept aside.
    fn mismatch(&mut self, complete: bool, page: &Page) -> Stop {
        if let Some(failure) = page.seen_in(&self.partial.head()) {
            return self.dropped(failure);
        }
        Stop::Failed(Failure::Mismatch {
            expected: self.download.digest.clone(),
            actual: self.partial.digest(),
            kept: None,
            complete: complete || self.download.size.is_some(),
        })
    }

    /// The failure, once the bytes that show it are dropped.
    fn dropped(&mut self, failure: Failure) -> Stop {
        match self.restart(None) {
            Ok(()) => Stop::Failed(failure),
            Err(stop) => stop,
        }
    }

    fn restart(&mut self, validator: Option<String>) -> Result<(), Stop> {
        let restarted = self.partial.restart(validator, *self.expected);
        restarted.map_err(|source| self.fatal(source))
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let appended = self.partial.append(bytes);
        appended.map_err(|source| self.fatal(source))
    }

    fn fatal(&self, source: crate::cache::Error) -> Stop {
        let what = self.download.digest.to_string();
        Stop::Fatal(Error::Cache { what, source })
    }
}

/// Whether the end of the body can be told from a broken connection.
pub(super) fn is_framed(answer: &Response) -> bool {
    let headers = answer.headers();
    answer.version() >= Version::HTTP_2
        || headers.contains_key(header::CONTENT_LENGTH)
        || headers.contains_key(header::TRANSFER_ENCODING)
}

pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers::text(headers, header::CONTENT_LENGTH)?.parse().ok()
}

/// Whether the entity tag is still the one that the resumed bytes came with.
fn tag_is_unchanged(headers: &HeaderMap, validator: Option<&str>) -> bool {
    let is_tag = |validator: &&str| validator.starts_with('"');
    match (
        headers::text(headers, header::ETAG),
        validator.filter(is_tag),
    ) {
        (Some(now), Some(then)) => now == then,
        _ => true,
    }
}
