//! How long a probe waits.

use super::super::Error;
use super::super::patch::Edits;
use super::super::record::{Kind, PROBE_IS_NEW, Record};
use crate::yaml::{Node, Path};

/// The key that is raised.
pub(super) const THRESHOLD: &str = "failureThreshold";

/// What a probe gives, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Before the first try.
    pub delay: i64,
    /// Between tries.
    pub period: i64,
    /// How many tries.
    pub failures: i64,
}

impl Budget {
    /// The budget of a probe; the defaults are those of the Kubernetes API reference, "Probe".
    pub fn of(probe: Node<'_>) -> Self {
        let default = Self {
            delay: 0,
            period: 10,
            failures: 3,
        };
        Self::or(probe, default)
    }

    /// The budget of a probe with other defaults.
    pub fn or(probe: Node<'_>, default: Self) -> Self {
        let number = |key: &str| probe.get(key).and_then(Node::int);
        Self {
            delay: number("initialDelaySeconds").unwrap_or(default.delay),
            period: number("periodSeconds").unwrap_or(default.period).max(1),
            failures: number("failureThreshold").unwrap_or(default.failures),
        }
    }

    /// How many tries it takes to give so many seconds.
    pub const fn failures_for(self, seconds: i64) -> i64 {
        let left = seconds.saturating_sub(self.delay);
        left.saturating_add(self.period - 1) / self.period
    }

    /// All of it.
    pub const fn seconds(self) -> i64 {
        self.delay
            .saturating_add(self.period.saturating_mul(self.failures))
    }

    /// Raises what a probe at this path waits for, if it is too little.
    pub(in super::super) fn raise(
        self,
        probe: Option<Node<'_>>,
        seconds: i64,
        (file, path): (usize, &Path),
        record: &mut Record,
        edits: &mut Edits<'_>,
    ) -> Result<(), Error> {
        if self.seconds() >= seconds {
            return Ok(());
        }
        match probe {
            None => record.mark(PROBE_IS_NEW),
            Some(node) if node.is_null() => {
                record.keep(Kind::Mark, PROBE_IS_NEW, node.as_written());
            }
            Some(_) => {}
        }
        let was = probe.and_then(|probe| probe.get(THRESHOLD)?.as_written());
        record.keep(Kind::Probe, THRESHOLD, was);
        edits.set(
            file,
            &path.clone().key(THRESHOLD),
            self.failures_for(seconds),
        )?;
        Ok(())
    }
}
