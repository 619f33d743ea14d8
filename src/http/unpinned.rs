//! Small documents without a pin, for `lock` alone: over https, and never by way of http.

use reqwest::Response;
use tokio::time::{sleep, timeout};
use url::{Host, Url};

use super::failure::{Failure, detail_of};
use super::fetch::delay_before;
use super::redact::redact;
use super::request::{Ask, Stop};
use super::{Client, Error, Observer, Source, Tried};
use crate::deadline::Deadline;

impl Client {
    /// The body at the source's URL, of `limit` bytes at most. Nothing vouches for it but the
    /// connection: plain http is refused, except on this machine itself.
    pub fn get_unpinned(
        &self,
        source: &Source,
        limit: u64,
        deadline: Deadline,
        observer: Observer<'_>,
    ) -> Result<Vec<u8>, Error> {
        let name = redact(&source.url);
        let mut tried = Tried {
            source: name.clone(),
            attempts: 0,
            failure: None,
        };
        if self.settings.offline {
            return Err(Error::Offline {
                what: "a document without a pin".to_owned(),
                sources: vec![name],
            });
        }
        let scheme = source.url.scheme();
        if scheme != "https" && !(scheme == "http" && is_loopback(&source.url)) {
            tried.failure = Some(Failure::Scheme {
                scheme: scheme.to_owned(),
                reason: " without a digest to check",
            });
            return Err(unavailable(tried, None));
        }
        self.block_on(async {
            loop {
                let attempt = self.document(source, limit, observer);
                let failure = match timeout(deadline.left(), attempt).await {
                    Ok(Ok(body)) => return Ok(body),
                    Ok(Err(Stop::Fatal(error))) => return Err(error),
                    Ok(Err(Stop::Failed(failure))) => failure,
                    Err(_) => Failure::Deadline {
                        received: 0,
                        expected: None,
                    },
                };
                let wait = match &failure {
                    Failure::Status { retry_after, .. } => retry_after.unwrap_or_default(),
                    _ => std::time::Duration::ZERO,
                };
                let is_retryable = failure.is_retryable() && wait < deadline.left();
                tried.failure = Some(failure);
                let delay = self.settings.backoff.random_delay(tried.attempts).max(wait);
                tried.attempts += 1;
                if !is_retryable {
                    return Err(unavailable(tried, deadline.check().err()));
                }
                match delay_before(deadline, delay) {
                    Ok(delay) => sleep(delay).await,
                    Err(passed) => return Err(unavailable(tried, Some(passed))),
                }
            }
        })?
    }

    async fn document(
        &self,
        source: &Source,
        limit: u64,
        observer: Observer<'_>,
    ) -> Result<Vec<u8>, Stop> {
        let ask = Ask {
            source,
            pinned: false,
            resume: None,
        };
        let mut answer: Response = self.send(&ask, observer).await?;
        let after = self.settings.stall_timeout;
        let mut body = Vec::new();
        loop {
            match timeout(after, answer.chunk()).await {
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
                Ok(Ok(None)) => return Ok(body),
                Ok(Err(error)) => {
                    return Err(Stop::Failed(Failure::Truncated {
                        received: body.len() as u64,
                        expected: None,
                        detail: detail_of(&error),
                    }));
                }
                Err(_) => return Err(Stop::Failed(Failure::Stalled { after })),
            }
            if body.len() as u64 > limit {
                return Err(Stop::Failed(Failure::TooLarge { limit }));
            }
        }
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

fn unavailable(tried: Tried, deadline: Option<crate::deadline::DeadlinePassed>) -> Error {
    Error::Unavailable {
        what: "the document".to_owned(),
        tried: vec![tried],
        deadline,
    }
}
