//! The names that become file names: of tools, of programs, of files in a tree.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::strict_yaml;
use crate::tools::version::Version;

/// Gives a checked text type its text form and its serde form.
macro_rules! text_type {
    ($name:ident) => {
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                strict_yaml::text(deserializer)
            }
        }
    };
}

/// The name of a tool: `aws-cli`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ToolName(String);

/// The file name of a program: `aws_completer`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProgramName(String);

/// A relative path that stays where it starts: no `..`, no empty part; a final slash means a directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TreePath(String);

text_type!(ToolName);
text_type!(ProgramName);
text_type!(TreePath);

impl TreePath {
    /// The name of a package lock beside a lock.
    pub fn of_package_lock(tool: &ToolName, version: &Version) -> Self {
        Self(format!("{tool}-{version}.package-lock.json"))
    }

    /// The path to join to the root of the tree.
    pub fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl FromStr for ToolName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let first = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let valid = text.starts_with(first)
            && text.len() <= 64
            && text.chars().all(|c| first(c) || c == '.' || c == '-');
        valid
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| InvalidName::Tool {
                text: text.to_owned(),
            })
    }
}

impl FromStr for ProgramName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.len() <= 64
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c));
        valid
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| InvalidName::Program {
                text: text.to_owned(),
            })
    }
}

impl FromStr for TreePath {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.strip_suffix('/').unwrap_or(text);
        let inside = parts
            .split('/')
            .all(|part| !matches!(part, "" | "." | ".."));
        let plain = !text.chars().any(|c| c == '\\' || c.is_control());
        (inside && plain)
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| InvalidName::Path {
                text: text.to_owned(),
            })
    }
}

/// The text is not a name of the kind that was asked for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidName {
    /// Not the name of a tool.
    #[error("`{text}` is not a tool's name: it takes lower-case letters, digits, `.` and `-`")]
    Tool {
        /// The text.
        text: String,
    },
    /// Not the name of a program.
    #[error("`{text}` is not a program's name: it takes letters, digits and `._+-`, and no path")]
    Program {
        /// The text.
        text: String,
    },
    /// Not a path inside a tree.
    #[error("`{}` is not a path inside the tree: it takes a relative one without `..`", text.escape_default())]
    Path {
        /// The text.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tools_are_lower_case() {
        for text in ["aws-cli", "node", "7zip", "tool.v2"] {
            assert_eq!(text.parse::<ToolName>().unwrap().to_string(), text);
        }
        for text in ["", "-x", ".x", "AWS", "a/b", "a b", "a_b", "é"] {
            assert!(text.parse::<ToolName>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_of_programs_are_plain_file_names() {
        assert!("aws_completer".parse::<ProgramName>().is_ok());
        for text in ["", ".", "..", ".hidden", "-x", "a/b", "a b", "a\nb"] {
            assert!(text.parse::<ProgramName>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_that_leaves_the_tree_is_refused() {
        for text in ["dist/aws", "a", "dist/awscli/examples/", "a b/..c"] {
            assert!(text.parse::<TreePath>().is_ok(), "{text}");
        }
        for text in [
            "", "/", "/a", "a//b", "../a", "a/..", "a/../b", "./a", "a\\b", "a\0", "a\nb",
        ] {
            assert!(text.parse::<TreePath>().is_err(), "{text}");
        }
    }
}
