//! Which of AWS's errors are asked again, and what kind of wait follows them.
//!
//! The two lists are those of the AWS connector settings reference of Harness ("AWS backoff strategy");
//! what AWS has beyond them is named beside them.

use crate::backoff::Class;

/// The list of throttled codes.
const THROTTLED: [&str; 12] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "ProvisionedThroughputExceededException",
    "SlowDown",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
];

/// A code of AWS that asks for fewer requests too (AWS SDKs, "Retry behavior").
const ALSO_THROTTLED: &str = "LimitExceededException";

/// The status of the list of throttled codes: `429 Too Many Requests`.
const THROTTLED_STATUS: u16 = 429;

/// Of the list of non-throttled codes, those of what may pass by itself.
const PASSING: [&str; 5] = [
    "TransactionInProgressException",
    "RequestTimeout",
    "RequestTimeoutException",
    "IDPCommunicationError",
    "IOException",
];

/// Of the same list, those of a clock that is wrong, and of keys that are wrong. The first may pass with
/// another request, the second never do, and STS does not tell them apart: they are asked a few times.
const DOUBTFUL: [&str; 6] = [
    "RequestTimeTooSkewed",
    "RequestExpired",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "AuthFailure",
    "RequestInTheFuture",
];

/// How often what has a doubtful code is asked.
const DOUBTFUL_TRIES: u32 = 3;

/// Whether the code asks for fewer requests.
pub(super) fn is_throttling(code: &str) -> bool {
    THROTTLED.contains(&code) || code == ALSO_THROTTLED
}

/// The kind of wait after so many tries that ended like this; none when there is no point in another.
/// The code decides before the status: EC2 sends `RequestLimitExceeded` with 503.
pub(super) fn class(status: u16, code: &str, tries: u32) -> Option<Class> {
    if is_throttling(code) {
        return Some(Class::Throttled);
    }
    if PASSING.contains(&code) || DOUBTFUL.contains(&code) && tries < DOUBTFUL_TRIES {
        return Some(Class::Passing);
    }
    match status {
        THROTTLED_STATUS => Some(Class::Throttled),
        // 500, 502, 503 and 504 are on the list of non-throttled codes; the others are as theirs.
        408 | 425 | 500..=599 => Some(Class::Passing),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_decides_and_else_the_status() {
        for code in THROTTLED {
            assert_eq!(class(400, code, 99), Some(Class::Throttled), "{code}");
            assert_eq!(class(503, code, 99), Some(Class::Throttled), "{code}");
        }
        assert_eq!(class(400, ALSO_THROTTLED, 1), Some(Class::Throttled));
        for code in PASSING {
            assert_eq!(class(400, code, 99), Some(Class::Passing), "{code}");
            assert_eq!(class(429, code, 99), Some(Class::Passing), "{code}");
        }
        for (status, expected) in [
            (429, Some(Class::Throttled)),
            (408, Some(Class::Passing)),
            (425, Some(Class::Passing)),
            (500, Some(Class::Passing)),
            (502, Some(Class::Passing)),
            (503, Some(Class::Passing)),
            (504, Some(Class::Passing)),
            (400, None),
            (403, None),
            (404, None),
        ] {
            assert_eq!(class(status, "", 99), expected, "{status}");
            assert_eq!(class(status, "Other", 99), expected, "{status}");
        }
    }

    #[test]
    fn what_is_in_doubt_is_asked_a_few_times() {
        for code in DOUBTFUL {
            assert_eq!(class(403, code, DOUBTFUL_TRIES - 1), Some(Class::Passing));
            assert_eq!(class(403, code, DOUBTFUL_TRIES), None, "{code}");
        }
    }
}
