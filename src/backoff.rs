//! How long to wait before the next try: the schedules of the AWS Architecture Blog, by the names that
//! the AWS connector of Harness gives them.

mod wish;

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

pub use wish::{Attempts, Contradiction, InvalidAttempts, InvalidDelay, Millis, Wish};

/// How the wait grows, and how much of it is left to chance.
///
/// The formulas are those of "Exponential Backoff And Jitter" (AWS Architecture Blog), where `n` counts
/// the failures before this wait from zero, and `cap(n) = min(max, base * 2^n)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// `base`, always.
    FixedDelay,
    /// `cap(n) / 2 + random(0, cap(n) / 2)`: never less than half, never all at once.
    EqualJitter,
    /// `random(0, cap(n))`: spreads many clients best.
    FullJitter,
    /// Equal jitter after what asks for fewer requests, full jitter after all else (AWS connector
    /// settings reference, "AWS backoff strategy").
    #[default]
    SdkDefault,
}

impl Strategy {
    /// All of them, in the order of the connector.
    pub const ALL: [Self; 4] = [
        Self::FixedDelay,
        Self::EqualJitter,
        Self::FullJitter,
        Self::SdkDefault,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FixedDelay => "fixed-delay",
            Self::EqualJitter => "equal-jitter",
            Self::FullJitter => "full-jitter",
            Self::SdkDefault => "sdk-default",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|one| one.name() == text);
        named.ok_or_else(|| UnknownStrategy {
            text: text.to_owned(),
        })
    }
}

/// The text names no strategy.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{text}` is not a backoff strategy: it takes `fixed-delay`, `equal-jitter`, `full-jitter` or `sdk-default`"
)]
pub struct UnknownStrategy {
    text: String,
}

/// What kind of failure a wait follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The other side asked for fewer requests.
    Throttled,
    /// Anything else that may pass.
    Passing,
}

/// A schedule of waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// How the wait grows.
    pub strategy: Strategy,
    /// The first wait, before jitter.
    pub base: Duration,
    /// The longest wait, before jitter; a fixed delay does not grow and heeds none.
    pub max: Duration,
    /// How often one thing is tried, the first time included; none for as often as there is time.
    pub attempts: Option<NonZeroU32>,
}

impl Default for Backoff {
    /// From 250 ms to 8 s: the first retry comes before a person notices, and the longest wait still
    /// leaves ten tries in the default deadline of 90 s.
    fn default() -> Self {
        Self {
            strategy: Strategy::default(),
            base: Duration::from_millis(250),
            max: Duration::from_secs(8),
            attempts: None,
        }
    }
}

impl Backoff {
    /// The wait after failure number `attempt`, counted from zero.
    ///
    /// `random` stands for the fraction `random / 2^32`: it comes from outside so that tests can
    /// choose it.
    pub fn delay(&self, attempt: u32, class: Class, random: u32) -> Duration {
        let cap = self.cap(attempt);
        match (self.strategy, class) {
            (Strategy::FixedDelay, _) => self.base,
            (Strategy::EqualJitter, _) | (Strategy::SdkDefault, Class::Throttled) => {
                cap / 2 + part(cap / 2, random)
            }
            (Strategy::FullJitter, _) | (Strategy::SdkDefault, Class::Passing) => part(cap, random),
        }
    }

    /// The wait after failure number `attempt`, by chance.
    pub fn random_delay(&self, attempt: u32, class: Class) -> Duration {
        self.delay(attempt, class, random())
    }

    /// The shortest wait that may come by chance.
    pub fn least_delay(&self, attempt: u32, class: Class) -> Duration {
        self.delay(attempt, class, 0)
    }

    /// Whether there may be another try after so many.
    pub fn allows_more_than(&self, tries: u32) -> bool {
        self.attempts.is_none_or(|most| tries < most.get())
    }

    fn cap(&self, attempt: u32) -> Duration {
        let factor = 1_u32.checked_shl(attempt).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.max)
    }
}

/// `whole * random / 2^32`.
fn part(whole: Duration, random: u32) -> Duration {
    let nanos = (whole.as_nanos() * u128::from(random)) >> 32;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// A number from the hash seeds that the standard library draws from the operating system:
/// good enough to spread waits, and no crate for it.
fn random() -> u32 {
    let bytes = RandomState::new().hash_one(()).to_le_bytes();
    let [a, b, c, d, ..] = bytes;
    u32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests;
