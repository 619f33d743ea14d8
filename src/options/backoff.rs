//! How long is waited between tries, by the names that the AWS connector gives it.

use clap::Args;

use super::Layers;
use crate::backoff::{Attempts, Backoff, Millis, Strategy, Wish};
use crate::error::Error;

/// How long is waited between tries.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Backoff options")]
pub struct BackoffFlags {
    /// How waits between tries grow [default: sdk-default]
    ///
    /// As the AWS connector says: `fixed-delay`, `equal-jitter`, `full-jitter`, or `sdk-default`,
    /// which is equal jitter where fewer requests are asked for, and full jitter after all else. What a
    /// server asks for (Retry-After) is waited for in any case.
    #[arg(long, value_name = "STRATEGY")]
    pub backoff: Option<Strategy>,

    /// The first wait, in milliseconds, before jitter [default: 250]
    #[arg(long, value_name = "MS")]
    pub backoff_base_delay: Option<Millis>,

    /// The longest wait, in milliseconds, before jitter [default: 8000]
    ///
    /// It may not be shorter than the first. A fixed delay does not grow, and heeds none.
    #[arg(long, value_name = "MS")]
    pub backoff_max_delay: Option<Millis>,

    /// Ask each source and each question of AWS so often at most
    ///
    /// The first time counts, and so does going on with a download that broke off. Default: as often as
    /// the deadline leaves time.
    #[arg(long, value_name = "COUNT")]
    pub backoff_max_attempts: Option<Attempts>,
}

impl Layers<'_> {
    /// The waits between tries, for AWS and downloads alike.
    pub(super) fn backoff(&self, flags: &BackoffFlags) -> Result<Backoff, Error> {
        let file = self.config.backoff;
        let wish = Wish {
            strategy: self.value(flags.backoff, "BOOTSTRAP_BACKOFF", file.strategy)?,
            base: self.value(
                flags.backoff_base_delay,
                "BOOTSTRAP_BACKOFF_BASE_DELAY",
                file.base,
            )?,
            max: self.value(
                flags.backoff_max_delay,
                "BOOTSTRAP_BACKOFF_MAX_DELAY",
                file.max,
            )?,
            attempts: self.value(
                flags.backoff_max_attempts,
                "BOOTSTRAP_BACKOFF_MAX_ATTEMPTS",
                file.attempts,
            )?,
        };
        wish.schedule().map_err(|error| {
            let hint = "raise --backoff-max-delay (BOOTSTRAP_BACKOFF_MAX_DELAY), or lower \
                        --backoff-base-delay (BOOTSTRAP_BACKOFF_BASE_DELAY)";
            Error::usage(error.to_string()).with_hint(hint.to_owned())
        })
    }
}
