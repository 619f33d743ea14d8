use proptest::prelude::*;

use super::{Strategy, *};

const fn schedule(strategy: Strategy) -> Backoff {
    Backoff {
        strategy,
        base: Duration::from_millis(100),
        max: Duration::from_secs(1),
        attempts: None,
    }
}

/// The least and the greatest wait, in milliseconds, for the first six failures.
fn bounds(strategy: Strategy, class: Class) -> Vec<(u128, u128)> {
    let schedule = schedule(strategy);
    (0..6)
        .map(|attempt| {
            let least = schedule.delay(attempt, class, 0).as_millis();
            let greatest = schedule.delay(attempt, class, u32::MAX).as_micros();
            (least, greatest.div_ceil(1000))
        })
        .collect()
}

#[test]
fn a_fixed_delay_never_changes() {
    for class in [Class::Throttled, Class::Passing] {
        assert_eq!(bounds(Strategy::FixedDelay, class), [(100, 100); 6]);
    }
}

#[test]
fn full_jitter_spreads_from_nothing_to_the_doubled_wait() {
    let expected = [100, 200, 400, 800, 1000, 1000].map(|cap| (0, cap));
    for class in [Class::Throttled, Class::Passing] {
        assert_eq!(bounds(Strategy::FullJitter, class), expected);
    }
    assert_eq!(bounds(Strategy::SdkDefault, Class::Passing), expected);
}

#[test]
fn equal_jitter_keeps_half_of_the_wait() {
    let expected = [100, 200, 400, 800, 1000, 1000].map(|cap| (cap / 2, cap));
    for class in [Class::Throttled, Class::Passing] {
        assert_eq!(bounds(Strategy::EqualJitter, class), expected);
    }
    assert_eq!(bounds(Strategy::SdkDefault, Class::Throttled), expected);
}

#[test]
fn many_failures_do_not_overflow() {
    let longest = Backoff {
        base: Duration::MAX,
        max: Duration::MAX,
        ..schedule(Strategy::FullJitter)
    };
    for attempt in [31, 32, 33, u32::MAX] {
        let short = schedule(Strategy::FullJitter);
        let delay = short.delay(attempt, Class::Passing, u32::MAX);
        assert!(delay <= Duration::from_secs(1), "{delay:?}");
        let delay = longest.delay(attempt, Class::Passing, u32::MAX);
        assert!(delay > Duration::from_hours(1), "{delay:?}");
    }
}

#[test]
fn chance_varies() {
    let draws: std::collections::HashSet<u32> = (0..8).map(|_| random()).collect();
    assert!(draws.len() > 1);
}

#[test]
fn every_strategy_is_found_by_its_name_alone() {
    for strategy in Strategy::ALL {
        assert_eq!(strategy.to_string().parse(), Ok(strategy));
    }
    for text in ["", "fixed", "FIXED-DELAY", "FixedDelay"] {
        assert!(text.parse::<Strategy>().is_err(), "{text}");
    }
}

#[test]
fn the_number_of_attempts_counts_the_first() {
    let backoff = |attempts| Backoff {
        attempts: NonZeroU32::new(attempts),
        ..Backoff::default()
    };
    assert!(!backoff(1).allows_more_than(1));
    assert!(backoff(3).allows_more_than(2));
    assert!(!backoff(3).allows_more_than(3));
    assert!(Backoff::default().allows_more_than(u32::MAX));
}

fn any_strategy() -> impl proptest::strategy::Strategy<Value = Strategy> {
    prop::sample::select(Strategy::ALL.to_vec())
}

fn any_class() -> impl proptest::strategy::Strategy<Value = Class> {
    prop::sample::select(vec![Class::Throttled, Class::Passing])
}

prop_compose! {
    /// Any schedule that a wish can lead to.
    fn any_schedule()(
        strategy in any_strategy(),
        base in 1_u64..=3_600_000,
        more in 0_u64..=3_600_000,
    ) -> Backoff {
        Backoff {
            strategy,
            base: Duration::from_millis(base),
            max: Duration::from_millis(base + more),
            attempts: None,
        }
    }
}

/// The share of the cap below which a strategy never goes, in halves.
const fn halves(strategy: Strategy, class: Class) -> u32 {
    match (strategy, class) {
        (Strategy::FixedDelay, _) => 2,
        (Strategy::EqualJitter, _) | (Strategy::SdkDefault, Class::Throttled) => 1,
        (Strategy::FullJitter, _) | (Strategy::SdkDefault, Class::Passing) => 0,
    }
}

/// What may be lost to rounding: nanoseconds are whole, and the largest fraction is short of 1.
fn about(delay: Duration) -> Duration {
    Duration::from_nanos(2) + delay / 1_000_000
}

proptest! {
    #[test]
    fn a_delay_is_within_its_bounds(
        schedule in any_schedule(), class in any_class(), attempt in any::<u32>(), random in any::<u32>(),
    ) {
        let delay = schedule.delay(attempt, class, random);
        let cap = match schedule.strategy {
            Strategy::FixedDelay => schedule.base,
            _ => schedule.cap(attempt),
        };
        prop_assert!(delay <= cap && cap <= schedule.max);
        prop_assert!(delay + about(cap) >= cap / 2 * halves(schedule.strategy, class));
    }

    #[test]
    fn the_range_doubles_with_each_failure_until_the_longest(
        schedule in any_schedule(), class in any_class(), attempt in 0_u32..40, random in any::<u32>(),
    ) {
        let [now, next] = [attempt, attempt + 1].map(|n| schedule.delay(n, class, random));
        prop_assert!(next + about(next) >= now, "{now:?} {next:?}");
        prop_assert!(next <= now * 2 + about(now), "{now:?} {next:?}");
        let has_room = schedule.base.saturating_mul(1 << (attempt + 1).min(31)) <= schedule.max;
        if has_room && schedule.strategy != Strategy::FixedDelay {
            prop_assert!(next + about(next) >= now * 2, "{now:?} {next:?}");
        }
    }

    #[test]
    fn the_mean_lies_in_the_middle_of_the_range(
        schedule in any_schedule(), class in any_class(), attempt in 0_u32..40,
    ) {
        // Evenly over all chances, so that the mean is exact and no draw can be unlucky.
        const DRAWS: u32 = 256;
        let draws = (0..DRAWS).map(|draw| (draw << 24) + (1 << 23));
        let sum: Duration = draws.map(|random| schedule.delay(attempt, class, random)).sum();
        let mean = sum / DRAWS;
        let expected = match schedule.strategy {
            Strategy::FixedDelay => schedule.base,
            strategy => schedule.cap(attempt) / 4 * (2 + halves(strategy, class)),
        };
        prop_assert!(mean + about(expected) * 2 >= expected, "{mean:?} {expected:?}");
        prop_assert!(mean <= expected + about(expected) * 2, "{mean:?} {expected:?}");
    }

    #[test]
    fn more_luck_never_makes_a_delay_longer(
        schedule in any_schedule(), class in any_class(), attempt in any::<u32>(),
        one in any::<u32>(), other in any::<u32>(),
    ) {
        let [less, more] = [one.min(other), one.max(other)]
            .map(|random| schedule.delay(attempt, class, random));
        prop_assert!(less <= more);
    }
}
