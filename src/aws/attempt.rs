//! Asking AWS until it answers: which failures are asked again, after which wait, and what the last
//! one means.

use std::error::Error as StdError;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, DispatchFailure, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId as _;

use super::codes;
use super::connector::{Connector, Seen};
use super::error::{Error, NoRoom, Refusal};
use crate::backoff::{Backoff, Class};
use crate::deadline::Deadline;
use crate::http::{Failure, Stop};
use crate::runtime::Runtime;

/// Why one try failed.
#[derive(Debug)]
pub(super) enum Miss {
    /// No answer came.
    Lost(Failure),
    /// This machine is in the way.
    Fatal(crate::http::Error),
    /// AWS answered with an error.
    Refused {
        status: u16,
        code: String,
        message: String,
        request_id: Option<Box<str>>,
    },
    /// The request could not be made.
    Unmade(String),
    /// The answer could not be read.
    Unread(String),
}

/// What asking takes.
pub(super) struct Asking<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) backoff: Backoff,
    pub(super) deadline: Deadline,
    pub(super) action: &'static str,
    pub(super) connector: &'a Connector,
}

impl Asking<'_> {
    /// Tries until there is an answer that is worth something, or the deadline.
    pub(super) fn ask<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Miss>>,
    {
        let mut tries = 0;
        let mut before = None;
        loop {
            if self.deadline.check().is_err() {
                return Err(self.out_of_time(before, tries, None));
            }
            let done = self.runtime.block_on(attempt());
            let done = done.map_err(|source| Error::Runtime { source })?;
            let miss = match done {
                Ok(answer) => return Ok(answer),
                Err(miss) => miss,
            };
            tries += 1;
            let seen = self.connector.seen();
            let Some(wait) = self.wait(&miss, tries, &seen) else {
                return Err(self.meaning(miss, tries, None));
            };
            let left = self.deadline.left();
            // What AWS said is worth more than that it said nothing afterwards, and a try that
            // the deadline cut short less than the one before.
            let miss = match (miss, before) {
                (Miss::Lost(_), Some(said @ Miss::Refused { .. })) => said,
                (Miss::Lost(_), Some(whole)) if left.is_zero() => whole,
                (miss, _) => miss,
            };
            if wait >= left {
                return Err(self.out_of_time(Some(miss), tries, Some(wait)));
            }
            before = Some(miss);
            std::thread::sleep(wait);
        }
    }

    /// What the last miss means when there is no time for another try, after this wait if one was due.
    fn out_of_time(&self, last: Option<Miss>, tries: u32, wait: Option<Duration>) -> Error {
        let budget = self.deadline.passed().budget;
        let cut = wait.map(|wait| Box::new(NoRoom { wait, budget }));
        let last = match last {
            Some(Miss::Lost(failure @ Failure::Stalled { .. })) => {
                let host = self.connector.seen().host;
                Some(format!("try {tries} at {host}: {failure}"))
            }
            Some(miss) => return self.meaning(miss, tries, cut),
            None => None,
        };
        Error::DeadlinePassed {
            action: self.action,
            last,
            deadline: self.deadline.passed(),
        }
    }

    /// How long to wait after so many tries; none when there is no point in another.
    fn wait(&self, miss: &Miss, tries: u32, seen: &Seen) -> Option<Duration> {
        if !self.backoff.allows_more_than(tries) {
            return None;
        }
        let class = match miss {
            Miss::Lost(failure) if failure.is_retryable() => Class::Passing,
            Miss::Refused { status, code, .. } => codes::class(*status, code, tries)?,
            _ => return None,
        };
        let asked = seen.retry_after.as_deref().and_then(seconds);
        let wait = self.backoff.random_delay(tries.saturating_sub(1), class);
        Some(wait.max(asked.unwrap_or_default()))
    }

    /// What a miss means for the caller; `cut` is the wait that there was no room for.
    fn meaning(&self, miss: Miss, attempts: u32, cut: Option<Box<NoRoom>>) -> Error {
        let action = self.action;
        match miss {
            Miss::Lost(source) => Error::Unreachable {
                action,
                host: self.connector.seen().host,
                attempts,
                source: Box::new(source),
            },
            Miss::Fatal(source) => Error::Setup {
                source: Box::new(source),
            },
            Miss::Unmade(reason) => Error::Request { action, reason },
            Miss::Unread(reason) => Error::Malformed { action, reason },
            Miss::Refused {
                status,
                code,
                message,
                request_id,
            } => {
                let code = if code.is_empty() {
                    format!("status {status}")
                } else {
                    code
                };
                judge(Refusal {
                    action,
                    code,
                    message: message.into(),
                    request_id,
                    attempts,
                    cut,
                })
            }
        }
    }
}

/// The kind of a refusal, by its code (AWS STS, Amazon EKS and Amazon EC2 API References, "Common
/// Errors").
fn judge(refusal: Refusal) -> Error {
    match refusal.code.as_str() {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => {
            Error::AccessDenied(refusal)
        }
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => Error::ExpiredToken(refusal),
        "InvalidIdentityToken" | "InvalidIdentityTokenException" => {
            Error::InvalidIdentityToken(refusal)
        }
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "AuthFailure"
        | "RequestTimeTooSkewed"
        | "RequestInTheFuture" => Error::InvalidCredentials(refusal),
        code if codes::is_throttling(code) => Error::Throttled(refusal),
        _ => Error::Service(refusal),
    }
}

/// `Retry-After`, where it is a number of seconds: AWS sends no dates.
fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_secs)
}

/// The clock of a server, as `Date` has it (RFC 9110, 5.6.7).
pub(super) fn time_of(date: &str) -> Option<jiff::Timestamp> {
    let parsed = jiff::fmt::rfc2822::parse(date).ok()?;
    Some(parsed.timestamp())
}

impl From<Stop> for Miss {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Failed(failure) => Self::Lost(failure),
            Stop::Fatal(error) => Self::Fatal(error),
        }
    }
}

impl Miss {
    /// What the SDK says.
    pub(super) fn of_sdk<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        match error {
            SdkError::ServiceError(refused) if !refused.raw().status().is_success() => {
                let meta = refused.err().meta();
                let text = |text: Option<&str>| text.unwrap_or_default().trim().to_owned();
                Self::Refused {
                    status: refused.raw().status().as_u16(),
                    code: text(meta.code()),
                    message: text(meta.message()),
                    request_id: meta.request_id().map(Box::from),
                }
            }
            // A gateway's page instead of an answer of the service.
            SdkError::ResponseError(unread) if !unread.raw().status().is_success() => {
                Self::Refused {
                    status: unread.raw().status().as_u16(),
                    code: String::new(),
                    message: String::new(),
                    request_id: None,
                }
            }
            error @ (SdkError::ResponseError(_) | SdkError::ServiceError(_)) => {
                Self::Unread(last_cause(&error))
            }
            SdkError::DispatchFailure(failure) => Self::of_dispatch(failure),
            error => Self::Unmade(last_cause(&error)),
        }
    }

    fn of_dispatch(failure: DispatchFailure) -> Self {
        let failed: SdkError<std::convert::Infallible, ()> = SdkError::DispatchFailure(failure);
        let Ok(source) = failed.into_source() else {
            return Self::Unmade("the SDK did not say why".to_owned());
        };
        let source = match source.downcast::<ConnectorError>() {
            Ok(error) => error.into_source(),
            Err(source) => source,
        };
        match source.downcast::<Stop>() {
            Ok(stop) => (*stop).into(),
            Err(source) => Self::Unmade(last_cause(source.as_ref())),
        }
    }
}

/// The cause of all: what the layers above it say is only that something went wrong.
fn last_cause(error: &(dyn StdError + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_http_is_a_time() {
        let time = time_of("Tue, 15 Nov 1994 08:12:31 GMT").unwrap();
        assert_eq!(time.to_string(), "1994-11-15T08:12:31Z");
        assert_eq!(time_of("yesterday"), None);
    }

    #[test]
    fn a_refusal_is_of_the_kind_that_its_code_says() {
        let check = |code: &str, expected: &str| {
            let error = judge(Refusal {
                action: "sts:AssumeRole",
                code: code.to_owned(),
                message: "no".into(),
                request_id: None,
                attempts: 1,
                cut: None,
            });
            let kind = format!("{error:?}");
            assert!(kind.starts_with(expected), "{code}: {kind}");
            assert_eq!(error.to_string(), format!("sts:AssumeRole: {code}: no"));
        };
        check("AccessDenied", "AccessDenied");
        check("AccessDeniedException", "AccessDenied");
        check("UnauthorizedOperation", "AccessDenied");
        check("ExpiredTokenException", "ExpiredToken");
        check("InvalidIdentityToken", "InvalidIdentityToken");
        check("InvalidClientTokenId", "InvalidCredentials");
        check("ThrottlingException", "Throttled");
        check("ServerException", "Service");
    }
}
