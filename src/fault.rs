//! On which side a failure is, which decides what the caller should do about it.

/// The side that a failure is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A file that somebody wrote for us: config, lock, manifest, kubeconfig.
    Input,
    /// This machine: permission, space, a bug.
    Local,
    /// The network, AWS, or the deadline, after all retries.
    Remote,
    /// Bytes that are not what they should be: digest, signature, hostile archive.
    Untrusted,
    /// The command line or a variable.
    Usage,
}

impl Fault {
    /// The graver of two, for a run in which several things failed: what must never be retried
    /// comes before what must be fixed, and that before what may pass by itself.
    #[must_use]
    pub fn graver(self, other: Self) -> Self {
        let gravity = |fault| match fault {
            Self::Remote => 0,
            Self::Local => 1,
            Self::Usage => 2,
            Self::Input => 3,
            Self::Untrusted => 4,
        };
        if gravity(other) > gravity(self) {
            other
        } else {
            self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untrusted_bytes_outweigh_everything_and_the_network_nothing() {
        for other in [Fault::Input, Fault::Local, Fault::Remote, Fault::Usage] {
            assert_eq!(other.graver(Fault::Untrusted), Fault::Untrusted);
            assert_eq!(Fault::Remote.graver(other), other);
        }
    }
}
