//! How much is left of the time that a delegate has to start.

use std::time::Duration;

use super::{Check, Finding};

/// After this the probe of the plain manifest kills a delegate that is not up: 30 s, and 15 times
/// 10 s (the Helm chart allows 410 s).
const STARTUP: Duration = Duration::from_mins(3);

/// What the delegate itself takes to be up, as measured by those who set the 180 s: half of it.
const JVM: Duration = Duration::from_secs(90);

/// The unit of times in `/proc/[pid]/stat` is 10 ms on every machine that we run on (`USER_HZ`).
const TICKS_PER_SECOND: u64 = 100;

/// Judges how long the container has been running, where that is known.
pub fn judge(age: Option<Duration>) -> Finding {
    let Some(age) = age else {
        return Finding::skip(Check::Budget, "it is not known when this container started");
    };
    let seconds = age.as_secs();
    let Some(left) = STARTUP.checked_sub(age) else {
        return Finding::pass(
            Check::Budget,
            format!("up for {seconds} s: this start is over"),
        );
    };
    let evidence = format!(
        "up for {seconds} s, {} s left of the {} s of the plain manifest",
        left.as_secs(),
        STARTUP.as_secs()
    );
    if left >= JVM {
        return Finding::pass(Check::Budget, evidence);
    }
    Finding::warn(Check::Budget, evidence)
        .because("the delegate itself takes up to 90 s, and its startup probe may kill it before it is up")
        .remedy("raise failureThreshold of the startupProbe, or keep the tools on a volume or in the image")
}

/// How long the first process of this container has been running (proc(5), `/proc/[pid]/stat`);
/// none where the kernel does not say.
pub fn age_of_container() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/1/stat").ok()?;
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    age(&stat, &uptime)
}

fn age(stat: &str, uptime: &str) -> Option<Duration> {
    // The name of the program is in brackets and may have blanks; the start is field 22 of the line.
    let (_, rest) = stat.rsplit_once(')')?;
    let ticks: u64 = rest.split_whitespace().nth(19)?.parse().ok()?;
    let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    let started = Duration::from_millis(ticks.saturating_mul(1000) / TICKS_PER_SECOND);
    Duration::try_from_secs_f64(uptime)
        .ok()?
        .checked_sub(started)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn time_that_the_delegate_needs_is_missed_before_it_is_gone() {
        for (age, state) in [
            (Some(0), State::Pass),
            (Some(90), State::Pass),
            (Some(91), State::Warn),
            (Some(180), State::Warn),
            (Some(181), State::Pass),
            (None, State::Skip),
        ] {
            assert_eq!(judge(age.map(Duration::from_secs)).state, state, "{age:?}");
        }
    }

    #[test]
    fn the_age_is_read_as_the_kernel_writes_it() {
        let stat = format!("1 (a b) c) S {} 500 1 2", "0 ".repeat(18).trim_end());
        assert_eq!(
            age(&stat, "65.25 100.0\n"),
            Some(Duration::from_millis(60_250))
        );
        assert_eq!(age("", "65.25"), None);
        assert!(age_of_container().is_some());
    }
}
