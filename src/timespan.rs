//! Lengths of time as people write them: `90s`, `1m30s`, `500ms`, `2m`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::strict_yaml;

/// A length of time with a resolution of one millisecond; a plain number counts seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timespan(pub Duration);

/// The units, longest first, with their length in milliseconds.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl FromStr for Timespan {
    type Err = InvalidTimespan;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidTimespan {
            text: text.to_owned(),
        };
        if let Some(seconds) = number(text) {
            return Ok(Self(Duration::from_secs(seconds)));
        }
        let mut rest = text;
        let mut units = UNITS.iter();
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let unit_at = rest.find(|c: char| !c.is_ascii_digit());
            let (count, tail) = unit_at
                .and_then(|at| rest.split_at_checked(at))
                .ok_or_else(invalid)?;
            let name_end = tail
                .find(|c: char| c.is_ascii_digit())
                .unwrap_or(tail.len());
            let (name, tail) = tail.split_at_checked(name_end).ok_or_else(invalid)?;
            // Going on in the same iterator demands that units descend: `30s1m` is a slip.
            let (_, length) = units.find(|(unit, _)| *unit == name).ok_or_else(invalid)?;
            let part = number(count).and_then(|count| count.checked_mul(*length));
            total = part
                .and_then(|part| total.checked_add(part))
                .ok_or_else(invalid)?;
            rest = tail;
        }
        if text.is_empty() {
            return Err(invalid());
        }
        Ok(Self(Duration::from_millis(total)))
    }
}

/// Digits alone; `u64` by itself would take a sign.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for Timespan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, length) in UNITS {
            let count = rest / length;
            rest %= length;
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Timespan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        strict_yaml::text(deserializer)
    }
}

/// The text is not a length of time.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a length of time: it takes one like 90s, 1m30s or 500ms")]
pub struct InvalidTimespan {
    text: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_unit_and_a_plain_number_of_seconds_are_understood() {
        for (text, millis) in [
            ("90s", 90_000),
            ("1m30s", 90_000),
            ("500ms", 500),
            ("2m", 120_000),
            ("90", 90_000),
            ("0", 0),
            ("1h1m1s1ms", 3_661_001),
        ] {
            let parsed: Timespan = text.parse().unwrap();
            assert_eq!(parsed.0, Duration::from_millis(millis), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_length_of_time_is_refused() {
        for text in [
            "",
            "s",
            "-1",
            "+1",
            "1.5s",
            "90 s",
            "1d",
            "30s1m",
            "1s1s",
            "1m30",
            "é",
            "99999999999999999h",
        ] {
            assert!(text.parse::<Timespan>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_text_form_round_trips(millis in 0..u64::from(u32::MAX)) {
            let span = Timespan(Duration::from_millis(millis));
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }
    }
}
