//! The one deadline of a run: the moment by which every step must have ended.

use std::time::{Duration, Instant};

/// A moment, and the budget it came from.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    at: Instant,
    budget: Duration,
}

impl Deadline {
    /// The deadline that is `budget` away from `start`.
    pub fn after(start: Instant, budget: Duration) -> Self {
        // A budget beyond what the clock can hold is as good as ten years.
        let far = Duration::from_hours(24 * 3650);
        let at = start
            .checked_add(budget)
            .or_else(|| start.checked_add(far))
            .unwrap_or(start);
        Self { at, budget }
    }

    /// No deadline worth the name, for what waits for nobody.
    pub fn never() -> Self {
        Self::after(Instant::now(), Duration::MAX)
    }

    /// The time left; zero when it has passed.
    pub fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// An error when the deadline has passed.
    pub fn check(&self) -> Result<(), DeadlinePassed> {
        if self.left().is_zero() {
            Err(self.passed())
        } else {
            Ok(())
        }
    }

    /// The error that says so.
    pub fn passed(&self) -> DeadlinePassed {
        DeadlinePassed {
            budget: self.budget,
            is_to_come: false,
        }
    }

    /// The error that says that it would pass before the next try.
    pub fn too_soon(&self) -> DeadlinePassed {
        DeadlinePassed {
            is_to_come: true,
            ..self.passed()
        }
    }
}

/// The deadline came before the work was done.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the deadline of {} s {}", budget.as_secs_f64(), tense(*is_to_come))]
pub struct DeadlinePassed {
    /// The budget of the whole run.
    pub budget: Duration,
    /// Whether it had not come yet, and would have before the end of a wait.
    pub is_to_come: bool,
}

const fn tense(is_to_come: bool) -> &'static str {
    if is_to_come {
        "leaves no time for another try"
    } else {
        "has passed"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passed_deadline_is_an_error_that_states_the_budget() {
        let deadline = Deadline::after(Instant::now(), Duration::ZERO);
        assert_eq!(
            deadline.check().unwrap_err().to_string(),
            "the deadline of 0 s has passed"
        );
    }

    #[test]
    fn an_endless_budget_does_not_overflow() {
        assert!(
            Deadline::after(Instant::now(), Duration::MAX)
                .check()
                .is_ok()
        );
    }
}
