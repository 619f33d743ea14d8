//! The `backoff:` of `bootstrap.yaml`.

use serde::Deserialize;

use crate::backoff::{Attempts, Millis, Strategy, Wish};
use crate::strict_yaml::optional_text;

/// A mapping whose keys may all be absent; delays are whole milliseconds.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a mapping with `strategy`, `base_delay`, `max_delay` and `max_attempts`"
)]
pub(super) struct BackoffMapping {
    #[serde(default, deserialize_with = "optional_text")]
    strategy: Option<Strategy>,
    #[serde(default, deserialize_with = "optional_text")]
    base_delay: Option<Millis>,
    #[serde(default, deserialize_with = "optional_text")]
    max_delay: Option<Millis>,
    #[serde(default, deserialize_with = "optional_text")]
    max_attempts: Option<Attempts>,
}

impl From<BackoffMapping> for Wish {
    fn from(mapping: BackoffMapping) -> Self {
        Self {
            strategy: mapping.strategy,
            base: mapping.base_delay,
            max: mapping.max_delay,
            attempts: mapping.max_attempts,
        }
    }
}
