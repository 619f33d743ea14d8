//! How long to wait before the next try: the schedules of the AWS Architecture Blog.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// How the wait grows, and how much of it is left to chance.
///
/// The names and formulas are those of "Exponential Backoff And Jitter" (AWS Architecture Blog),
/// where `n` counts the failures before this wait from zero, and `cap(n) = min(max, base * 2^n)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// `base`, always.
    FixedDelay,
    /// `cap(n) / 2 + random(0, cap(n) / 2)`: never less than half, never all at once.
    EqualJitter,
    /// `random(0, cap(n))`: spreads many clients best.
    FullJitter,
}

/// A schedule of waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// How the wait grows.
    pub strategy: Strategy,
    /// The first wait, before jitter.
    pub base: Duration,
    /// The longest wait, before jitter.
    pub max: Duration,
}

impl Default for Backoff {
    /// Full jitter from 250 ms to 8 s: the first retry comes before a person notices, and the
    /// longest wait still leaves ten tries in the default deadline of 90 s.
    fn default() -> Self {
        Self {
            strategy: Strategy::FullJitter,
            base: Duration::from_millis(250),
            max: Duration::from_secs(8),
        }
    }
}

impl Backoff {
    /// The wait after failure number `attempt`, counted from zero.
    ///
    /// `random` stands for the fraction `random / 2^32`: it comes from outside so that tests can
    /// choose it.
    pub fn delay(&self, attempt: u32, random: u32) -> Duration {
        let cap = self.cap(attempt);
        match self.strategy {
            Strategy::FixedDelay => self.base,
            Strategy::EqualJitter => cap / 2 + part(cap / 2, random),
            Strategy::FullJitter => part(cap, random),
        }
    }

    /// The wait after failure number `attempt`, by chance.
    pub fn random_delay(&self, attempt: u32) -> Duration {
        self.delay(attempt, random())
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
mod tests {
    use super::*;

    const fn schedule(strategy: Strategy) -> Backoff {
        Backoff {
            strategy,
            base: Duration::from_millis(100),
            max: Duration::from_secs(1),
        }
    }

    /// The least and the greatest wait, in milliseconds, for the first six failures.
    fn bounds(strategy: Strategy) -> Vec<(u128, u128)> {
        let schedule = schedule(strategy);
        (0..6)
            .map(|attempt| {
                let least = schedule.delay(attempt, 0).as_millis();
                let greatest = schedule.delay(attempt, u32::MAX).as_micros();
                (least, greatest.div_ceil(1000))
            })
            .collect()
    }

    #[test]
    fn a_fixed_delay_never_changes() {
        assert_eq!(bounds(Strategy::FixedDelay), [(100, 100); 6]);
    }

    #[test]
    fn full_jitter_spreads_from_nothing_to_the_doubled_wait() {
        let expected = [100, 200, 400, 800, 1000, 1000].map(|cap| (0, cap));
        assert_eq!(bounds(Strategy::FullJitter), expected);
    }

    #[test]
    fn equal_jitter_keeps_half_of_the_wait() {
        let expected = [100, 200, 400, 800, 1000, 1000].map(|cap| (cap / 2, cap));
        assert_eq!(bounds(Strategy::EqualJitter), expected);
    }

    #[test]
    fn many_failures_do_not_overflow() {
        let longest = Backoff {
            strategy: Strategy::FullJitter,
            base: Duration::MAX,
            max: Duration::MAX,
        };
        for attempt in [31, 32, 33, u32::MAX] {
            let delay = schedule(Strategy::FullJitter).delay(attempt, u32::MAX);
            assert!(delay <= Duration::from_secs(1), "{delay:?}");
            assert!(longest.delay(attempt, u32::MAX) > Duration::from_hours(1));
        }
    }

    #[test]
    fn chance_varies() {
        let draws: std::collections::HashSet<u32> = (0..8).map(|_| random()).collect();
        assert!(draws.len() > 1);
    }
}
