//! What a person says of the waits, by the connector's units: whole milliseconds.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use super::{Backoff, Strategy};

/// The longest delay that can be asked for, in milliseconds: an hour outlasts every deadline.
const LONGEST: u32 = 3_600_000;

/// The most tries that can be asked for: more would only be a way to write "until the deadline".
const MOST: u32 = 1000;

/// A delay, in milliseconds: from 1, for without a delay a server that is down would be asked as fast
/// as the machine can, to an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(u32);

impl Millis {
    const fn duration(self) -> Duration {
        Duration::from_millis(self.0 as u64)
    }
}

impl FromStr for Millis {
    type Err = InvalidDelay;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let delay = whole(text).filter(|number| (1..=LONGEST).contains(number));
        delay.map(Self).ok_or_else(|| InvalidDelay {
            text: text.to_owned(),
        })
    }
}

/// The text is no delay.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a delay: it takes whole milliseconds, 1 to {LONGEST}")]
pub struct InvalidDelay {
    text: String,
}

/// How often something is tried, the first time included: 1 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts(NonZeroU32);

impl FromStr for Attempts {
    type Err = InvalidAttempts;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = whole(text).filter(|number| *number <= MOST);
        let number = number.and_then(NonZeroU32::new);
        number.map(Self).ok_or_else(|| InvalidAttempts {
            text: text.to_owned(),
        })
    }
}

/// The text is no number of attempts.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{text}` is not a number of attempts: it takes 1 to {MOST}, where 1 is the first and no other"
)]
pub struct InvalidAttempts {
    text: String,
}

/// Digits alone: `u32` by itself would take a sign.
fn whole(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// What is said of the waits; where nothing is said, the default holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// How the wait grows.
    pub strategy: Option<Strategy>,
    /// The first wait.
    pub base: Option<Millis>,
    /// The longest wait.
    pub max: Option<Millis>,
    /// How often one thing is tried.
    pub attempts: Option<Attempts>,
}

impl Wish {
    /// The schedule. Of base and longest wait the one that is not given makes room for the other.
    pub fn schedule(self) -> Result<Backoff, Contradiction> {
        let default = Backoff::default();
        let [base, max] = [self.base, self.max].map(|given| given.map(Millis::duration));
        if let (Some(base), Some(max)) = (self.base, self.max)
            && max < base
        {
            return Err(Contradiction {
                base: base.0,
                max: max.0,
            });
        }
        Ok(Backoff {
            strategy: self.strategy.unwrap_or(default.strategy),
            base: base.unwrap_or_else(|| default.base.min(max.unwrap_or(default.base))),
            max: max.unwrap_or_else(|| default.max.max(base.unwrap_or(default.max))),
            attempts: self.attempts.map(|attempts| attempts.0),
        })
    }
}

/// The longest wait is shorter than the first.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the longest delay, {max} ms, is shorter than the base delay, {base} ms")]
pub struct Contradiction {
    /// The first wait, in milliseconds.
    base: u32,
    /// The longest wait, in milliseconds.
    max: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(base: Option<&str>, max: Option<&str>) -> Result<(u128, u128), Contradiction> {
        let parse = |text: &str| text.parse().unwrap();
        let wish = Wish {
            base: base.map(parse),
            max: max.map(parse),
            ..Wish::default()
        };
        let backoff = wish.schedule()?;
        Ok((backoff.base.as_millis(), backoff.max.as_millis()))
    }

    #[test]
    fn without_a_wish_the_default_holds() {
        assert_eq!(Wish::default().schedule(), Ok(Backoff::default()));
    }

    #[test]
    fn what_is_not_said_makes_room_for_what_is() {
        for (base, max, expected) in [
            (Some("100"), None, (100, 8000)),
            (Some("20000"), None, (20_000, 20_000)),
            (None, Some("100"), (100, 100)),
            (None, Some("20000"), (250, 20_000)),
            (Some("100"), Some("100"), (100, 100)),
        ] {
            assert_eq!(wish(base, max), Ok(expected), "{base:?} {max:?}");
        }
    }

    #[test]
    fn a_longest_delay_below_the_base_is_a_contradiction() {
        let error = wish(Some("101"), Some("100")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the longest delay, 100 ms, is shorter than the base delay, 101 ms"
        );
    }

    #[test]
    fn numbers_outside_their_range_and_units_are_refused() {
        for text in [
            "0",
            "",
            "-1",
            "+1",
            "1.5",
            "100ms",
            "1s",
            " 1",
            "3600001",
            "99999999999",
        ] {
            assert!(text.parse::<Millis>().is_err(), "{text}");
        }
        for text in ["1", "250", "3600000", "007"] {
            assert!(text.parse::<Millis>().is_ok(), "{text}");
        }
        for text in ["0", "", "-1", "+3", "1001", "three"] {
            assert!(text.parse::<Attempts>().is_err(), "{text}");
        }
        for text in ["1", "3", "1000"] {
            assert!(text.parse::<Attempts>().is_ok(), "{text}");
        }
    }
}
