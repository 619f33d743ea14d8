//! What a person asks for: `TOOL[@VERSION]`.

use std::fmt;
use std::str::FromStr;

use crate::strict_yaml::Location;
use crate::tools::names::{InvalidName, ToolName};
use crate::tools::version::{InvalidVersion, Version};

/// A tool that is to be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The tool.
    pub name: ToolName,
    /// The version; none: the one that the lock pins, else the catalog's default.
    pub version: Option<Version>,
    /// Whether its failure is a warning.
    pub optional: bool,
    /// Where it was asked for in a file; none: on the command line.
    pub at: Option<Location>,
}

impl FromStr for Wanted {
    type Err = InvalidWanted;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, version) = match text.split_once('@') {
            Some((name, version)) => (name, Some(version.parse()?)),
            None => (text, None),
        };
        let name = name.parse()?;
        Ok(Self {
            version,
            ..Self::any(name)
        })
    }
}

impl Wanted {
    /// A tool in whatever version is pinned.
    pub const fn any(name: ToolName) -> Self {
        Self {
            name,
            version: None,
            optional: false,
            at: None,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{}@{version}", self.name),
            None => write!(f, "{}", self.name),
        }
    }
}

/// The text does not say what to install.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidWanted {
    /// What stands before `@` is no name.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// What stands after `@` is no version.
    #[error(transparent)]
    Version(#[from] InvalidVersion),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_may_be_left_out() {
        for text in ["aws-cli", "aws-cli@2.36.7"] {
            assert_eq!(text.parse::<Wanted>().unwrap().to_string(), text);
        }
        assert_eq!(
            "node@v22.22.2".parse::<Wanted>().unwrap().to_string(),
            "node@22.22.2"
        );
    }

    #[test]
    fn the_error_says_which_half_is_wrong() {
        for (text, error) in [
            (
                "AWS",
                "`AWS` is not a tool's name: it takes lower-case letters, digits, `.` and `-`",
            ),
            (
                "node@",
                "`` is not a version: it starts with a digit, as 2.36.7 does",
            ),
            (
                "node@latest",
                "`latest` is not a version: it starts with a digit, as 2.36.7 does",
            ),
        ] {
            assert_eq!(text.parse::<Wanted>().unwrap_err().to_string(), error);
        }
    }
}
