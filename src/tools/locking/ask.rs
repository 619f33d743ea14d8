//! What a person wants pinned: `TOOL[@VERSION|@latest]`.

use std::fmt;
use std::str::FromStr;

use crate::strict_yaml::Location;
use crate::tools::names::ToolName;
use crate::tools::version::Version;
use crate::tools::wanted::{InvalidWanted, Wanted};

/// A tool that is to be pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The tool.
    pub name: ToolName,
    /// In which version.
    pub choice: Choice,
    /// Where it was asked for in a file; none: on the command line.
    pub at: Option<Location>,
}

/// In which version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The one that the lock has, else the catalog's default.
    Any,
    /// The newest that the vendor has.
    Latest,
    /// This one.
    Exact(Version),
}

const LATEST: &str = "@latest";

impl From<Wanted> for Ask {
    fn from(wanted: Wanted) -> Self {
        Self {
            name: wanted.name,
            choice: wanted.version.map_or(Choice::Any, Choice::Exact),
            at: wanted.at,
        }
    }
}

impl FromStr for Ask {
    type Err = InvalidAsk;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(name) = text.strip_suffix(LATEST) {
            let name = name.parse::<ToolName>();
            return Ok(Self {
                name: name.map_err(|error| InvalidAsk(error.into()))?,
                choice: Choice::Latest,
                at: None,
            });
        }
        text.parse::<Wanted>().map(Self::from).map_err(InvalidAsk)
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.choice {
            Choice::Any => write!(f, "{}", self.name),
            Choice::Latest => write!(f, "{}{LATEST}", self.name),
            Choice::Exact(version) => write!(f, "{}@{version}", self.name),
        }
    }
}

/// The text does not say what to pin.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(transparent)]
pub struct InvalidAsk(InvalidWanted);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_round_trips() {
        for text in ["aws-cli", "aws-cli@2.38.5", "aws-cli@latest"] {
            assert_eq!(text.parse::<Ask>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_names_no_tool_or_version_is_refused() {
        for text in ["", "@latest", "AWS@latest", "aws-cli@", "aws-cli@newest"] {
            assert!(text.parse::<Ask>().is_err(), "{text}");
        }
    }
}
