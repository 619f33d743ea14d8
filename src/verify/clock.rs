//! Whether the clock agrees with those of the servers: signatures and tokens carry the time.

use jiff::{SignedDuration, Timestamp};

use super::{Check, Finding};

/// AWS refuses signatures that are off by more than this (IAM User Guide, "Troubleshooting Signature
/// Version 4").
const LIMIT: SignedDuration = SignedDuration::from_mins(5);

/// A clock that is kept is never off by so much.
const SUSPICIOUS: SignedDuration = SignedDuration::from_secs(60);

/// A server's time of day, and ours when its answer came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Whose it is.
    pub server: String,
    /// Its time of day.
    pub theirs: Timestamp,
    /// Ours.
    pub ours: Timestamp,
}

/// Judges the reading that is furthest off.
pub fn judge(readings: &[Reading]) -> Finding {
    let off = |reading: &Reading| reading.ours.duration_since(reading.theirs);
    let Some(worst) = readings.iter().max_by_key(|reading| off(reading).abs()) else {
        return Finding::skip(Check::Clock, "no server told the time");
    };
    let difference = off(worst);
    let direction = if difference.is_negative() {
        "behind"
    } else {
        "ahead of"
    };
    let seconds = difference.abs().as_secs();
    let evidence = format!("{seconds} s {direction} {}", worst.server);
    let finding = match difference.abs() {
        off if off > LIMIT => Finding::fail(Check::Clock, evidence).because(
            "AWS refuses signatures, and EKS tokens, whose time is off by more than 5 minutes",
        ),
        off if off > SUSPICIOUS => Finding::warn(Check::Clock, evidence).because(
            "the clock of the node is not kept, and will be refused once it is 5 minutes off",
        ),
        _ => {
            let names: Vec<_> = readings.iter().map(|it| it.server.as_str()).collect();
            return Finding::pass(
                Check::Clock,
                format!("at most {seconds} s off, by {}", names.join(", ")),
            );
        }
    };
    finding
        .remedy("let the node keep time with NTP or the Amazon Time Sync Service (169.254.169.123)")
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn reading(server: &str, off: i64) -> Reading {
        let theirs = Timestamp::from_second(1_700_000_000).unwrap();
        Reading {
            server: server.to_owned(),
            theirs,
            ours: theirs + SignedDuration::from_secs(off),
        }
    }

    #[test]
    fn the_worst_clock_decides() {
        for (off, state) in [
            (0, State::Pass),
            (60, State::Pass),
            (-60, State::Pass),
            (61, State::Warn),
            (-300, State::Warn),
            (301, State::Fail),
            (-4000, State::Fail),
        ] {
            let found = judge(&[reading("a", 1), reading("STS", off), reading("b", -1)]);
            assert_eq!(found.state, state, "{off}");
        }
        let found = judge(&[reading("STS", -400), reading("b", 2)]);
        assert_eq!(found.evidence, "400 s behind STS");
        assert_eq!(judge(&[]).state, State::Skip);
    }
}
