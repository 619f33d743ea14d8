//! Text in which the version and the platform are filled in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::platform::Platform;
use crate::strict_yaml;

/// Text with placeholders: `{version}`, `{arch}`, `{uname}`, `{node_arch}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(String);

impl Template {
    /// The text for this version and platform.
    pub fn expand(&self, version: &str, platform: Platform) -> String {
        let mut text = self.0.clone();
        for (name, value) in placeholders(version, platform) {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }
}

fn placeholders(version: &str, Platform { arch }: Platform) -> [(&'static str, &str); 4] {
    [
        ("version", version),
        ("arch", arch.go()),
        ("uname", arch.uname()),
        ("node_arch", arch.node()),
    ]
}

impl FromStr for Template {
    type Err = UnknownPlaceholder;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let template = Self(text.to_owned());
        if template.expand("", Platform::host()).contains(['{', '}']) {
            return Err(UnknownPlaceholder {
                text: text.to_owned(),
            });
        }
        Ok(template)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        strict_yaml::text(deserializer)
    }
}

/// A placeholder that stands for nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{text}` has an unknown placeholder: there are {{version}}, {{arch}}, {{uname}} and {{node_arch}}"
)]
pub struct UnknownPlaceholder {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_take_the_names_that_vendors_use() {
        let all: Template = "{version} {arch} {uname} {node_arch}".parse().unwrap();
        let shown = Platform::ALL.map(|platform| all.expand("1.2.3", platform));
        assert_eq!(
            shown,
            ["1.2.3 amd64 x86_64 x64", "1.2.3 arm64 aarch64 arm64"]
        );
    }

    #[test]
    fn an_unknown_placeholder_is_refused() {
        for text in ["{os}", "{", "}", "{version", "{Version}"] {
            assert!(text.parse::<Template>().is_err(), "{text}");
        }
    }
}
