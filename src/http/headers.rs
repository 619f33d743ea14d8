//! The headers that decide about waiting and resuming.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{self, HeaderMap, HeaderName};

/// How much older than the answer a modification must be to count as a strong validator
/// (RFC 9110, 8.8.2.2, asks for a second; RFC 7232 had a minute, against clocks that differ).
const SETTLED: i64 = 60;

/// The value of a header, when it is there and text.
pub(super) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// How long a server asks to wait (RFC 9110, 10.2.3): in seconds, or until a date.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = text(headers, header::RETRY_AFTER)?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = u64::try_from(date(value)?.as_second()).unwrap_or(0);
    let now = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Some(Duration::from_secs(until).saturating_sub(now))
}

/// The value for `If-Range` under which a later request may go on with this body: a strong
/// entity tag, else a settled modification date (RFC 9110, 13.1.5); none when there is neither.
pub(super) fn validator(headers: &HeaderMap) -> Option<String> {
    if let Some(tag) = text(headers, header::ETAG) {
        let is_strong = tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"');
        return is_strong.then(|| tag.to_owned());
    }
    let modified = text(headers, header::LAST_MODIFIED)?;
    let answered = date(text(headers, header::DATE)?)?;
    let age = answered.as_second() - date(modified)?.as_second();
    (age >= SETTLED).then(|| modified.to_owned())
}

/// The first byte, and the length of the whole, in `bytes 5-9/10`.
pub(super) fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let value = text(headers, header::CONTENT_RANGE)?;
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    let total = match total {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    Some((first.trim().parse().ok()?, total))
}

/// The content encoding, when the body has one.
pub(super) fn encoding(headers: &HeaderMap) -> Option<&str> {
    let value = text(headers, header::CONTENT_ENCODING)?;
    let is_none = value.is_empty() || value.eq_ignore_ascii_case("identity");
    (!is_none).then_some(value)
}

/// Whether the header calls the body a web page.
pub(super) fn is_page(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    ["text/html", "application/xhtml+xml"]
        .iter()
        .any(|page| kind.eq_ignore_ascii_case(page))
}

fn date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    const DATE: &str = "Tue, 24 Nov 2026 10:00:00 GMT";

    fn check_validator(pairs: &[(HeaderName, &str)], expected: Option<&str>) {
        assert_eq!(validator(&headers(pairs)).as_deref(), expected, "{pairs:?}");
    }

    #[test]
    fn a_strong_tag_validates_and_a_weak_one_does_not() {
        check_validator(&[(header::ETAG, "\"a\"")], Some("\"a\""));
        check_validator(&[(header::ETAG, "W/\"a\"")], None);
        check_validator(&[(header::ETAG, "a")], None);
        check_validator(&[], None);
    }

    #[test]
    fn a_modification_date_validates_once_it_has_settled() {
        let old = "Tue, 24 Nov 2026 09:58:00 GMT";
        let fresh = "Tue, 24 Nov 2026 09:59:30 GMT";
        let date = (header::DATE, DATE);
        check_validator(&[date.clone(), (header::LAST_MODIFIED, old)], Some(old));
        check_validator(&[date.clone(), (header::LAST_MODIFIED, fresh)], None);
        check_validator(&[(header::LAST_MODIFIED, old)], None);
        check_validator(&[date, (header::LAST_MODIFIED, "yesterday")], None);
    }

    #[test]
    fn a_wait_is_given_in_seconds_or_as_a_date() {
        let seconds = date(DATE).unwrap().as_second().unsigned_abs();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let wait = |value| retry_after(&headers(&[(header::RETRY_AFTER, value)]), now);
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        let later = "Tue, 24 Nov 2026 10:01:30 GMT";
        assert_eq!(wait(later), Some(Duration::from_secs(90)));
        assert_eq!(wait("Tue, 24 Nov 2026 09:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-1"), None);
    }

    #[test]
    fn a_content_range_has_a_start_and_may_have_a_total() {
        let range = |value| content_range(&headers(&[(header::CONTENT_RANGE, value)]));
        assert_eq!(range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(range("bytes 5-9/*"), Some((5, None)));
        assert_eq!(range("bytes */10"), None);
        assert_eq!(range("lines 5-9/10"), None);
    }

    #[test]
    fn identity_is_no_encoding() {
        let encoded = |value| {
            let headers = headers(&[(header::CONTENT_ENCODING, value)]);
            encoding(&headers).map(str::to_owned)
        };
        assert_eq!(encoded("identity"), None);
        assert_eq!(encoded("gzip").as_deref(), Some("gzip"));
    }

    #[test]
    fn a_page_is_told_by_its_type() {
        assert!(is_page("text/html; charset=utf-8"));
        assert!(is_page("Application/XHTML+XML"));
        assert!(!is_page("application/octet-stream"));
        assert!(!is_page("text/plain"));
    }
}
