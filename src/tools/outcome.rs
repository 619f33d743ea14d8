//! What became of each tool, and what happens to it meanwhile.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// The end state of one tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It could not be put in place.
    Failed,
    /// It was put in place.
    Installed,
    /// The wanted version could not be had; the one that was there is whole and stays.
    KeptPrevious,
    /// It was there already, put there by somebody else.
    Present,
    /// A file was altered or missing; the tool was put in place anew.
    Repaired,
    /// It was not tried.
    Skipped,
    /// It was there and whole.
    Unchanged,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Failed => "failed",
            Self::Installed => "installed",
            Self::KeptPrevious => "kept-previous",
            Self::Present => "present",
            Self::Repaired => "repaired",
            Self::Skipped => "skipped",
            Self::Unchanged => "unchanged",
        })
    }
}

/// What became of one tool.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The tool.
    pub tool: String,
    /// The version that is in place now, or that was wanted where none is.
    pub version: String,
    /// The end state.
    pub state: State,
    /// Whether its failure is a warning.
    pub optional: bool,
    /// The digest that pins it.
    pub digest: Option<String>,
    /// Where its bytes came from, without credentials; the directory of one that was present.
    pub source: Option<String>,
    /// Bytes that were downloaded in this run.
    pub bytes: u64,
    /// Requests that were made in this run.
    pub attempts: u32,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Why it is not as wanted.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_chain")]
    pub error: Option<Arc<super::install::Error>>,
}

#[expect(
    clippy::ref_option,
    reason = "serde calls it with a reference to the field"
)]
fn as_chain<S: serde::Serializer>(
    error: &Option<Arc<super::install::Error>>,
    to: S,
) -> Result<S::Ok, S::Error> {
    let first = error
        .as_deref()
        .map(|error| error as &dyn std::error::Error);
    to.collect_seq(std::iter::successors(first, |error| error.source()).map(ToString::to_string))
}

/// What happens to a tool while it is put in place.
#[derive(Clone, Copy, Debug)]
pub enum Activity<'a> {
    /// A source is asked for its bytes.
    Downloading {
        /// The address, without credentials.
        source: &'a str,
    },
    /// Bytes arrived.
    Received {
        /// How many there are now.
        received: u64,
        /// How many there will be, where that is known.
        expected: Option<u64>,
    },
    /// Something that only a close look wants to know.
    Detail(&'a str),
    /// Something a reader of the log wants to know, such as a failed attempt.
    Note(&'a str),
    /// Its archive is being unpacked.
    Unpacking,
    /// What was unpacked is being made one artifact.
    Packing,
    /// Its programs are being run for the first time, in staging.
    Trying,
    /// Nothing more is asked for it.
    Settled,
    /// It is done.
    Finished(&'a Outcome),
}

/// Whom to tell what happens to which tool.
pub type Observer<'a> = dyn Fn(&str, Activity<'_>) + Sync + 'a;
