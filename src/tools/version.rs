//! Versions of tools: kept as their vendor writes them, ordered as people read them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::strict_yaml;

/// A version such as `2.36.7`; a leading `v` is taken away, so `v0.5.9` is `0.5.9`.
///
/// Versions order by their dotted parts as numbers, a pre-release (`-rc.1`) before its release
/// (Semantic Versioning 2.0.0, section 11); what is left, such as build metadata, orders as text, so
/// that versions are equal only when their texts are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version(String);

impl Version {
    /// The one version that is a word.
    const BUILTIN: &str = "builtin";

    /// The text, without `v`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the word for what this program carries in itself.
    pub fn is_builtin(&self) -> bool {
        self.0 == Self::BUILTIN
    }

    /// Whether this is `shorter` with more parts: `22.22.2` is within `22` and `22.22`.
    pub fn is_within(&self, shorter: &Self) -> bool {
        let rest = self.0.strip_prefix(shorter.as_str());
        rest.is_some_and(|rest| rest.starts_with('.'))
    }

    /// The dotted release, the dotted pre-release.
    fn split(&self) -> (&str, Option<&str>) {
        let without_build = self
            .0
            .split_once('+')
            .map_or(self.as_str(), |(version, _)| version);
        match without_build.split_once('-') {
            Some((release, pre)) => (release, Some(pre)),
            None => (without_build, None),
        }
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let ((release, pre), (other_release, other_pre)) = (self.split(), other.split());
        let by_pre = || match (pre, other_pre) {
            (Some(pre), Some(other)) => compare_dotted(pre, other),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        compare_dotted(release, other_release)
            .then_with(by_pre)
            .then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares part by part; a missing part counts as 0.
fn compare_dotted(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (one, other) => compare_part(one.unwrap_or("0"), other.unwrap_or("0")),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Numbers of any length by value, words as text, numbers before words.
fn compare_part(left: &str, right: &str) -> Ordering {
    let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    match (number(left), number(right)) {
        (true, true) => {
            let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
            left.len().cmp(&right.len()).then_with(|| left.cmp(right))
        }
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => left.cmp(right),
    }
}

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let version = text.strip_prefix('v').unwrap_or(text);
        if version == Self::BUILTIN {
            return Ok(Self(version.to_owned()));
        }
        let known = |c: char| c.is_ascii_alphanumeric() || ".+-_".contains(c);
        let valid = version.starts_with(|c: char| c.is_ascii_digit())
            && version.len() <= 64
            && version.chars().all(known)
            && version.split('.').all(|part| !part.is_empty());
        valid
            .then(|| Self(version.to_owned()))
            .ok_or_else(|| InvalidVersion {
                text: text.to_owned(),
            })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        strict_yaml::text(deserializer)
    }
}

/// The text is not a version.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{}` is not a version: it starts with a digit, as 2.36.7 does", text.escape_default())]
pub struct InvalidVersion {
    text: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn parts_order_as_numbers_and_a_pre_release_comes_before_its_release() {
        let sorted = [
            "0.5.9",
            "0.5.12",
            "0.10.0",
            "1.2",
            "1.2.0",
            "1.2.1-alpha",
            "1.2.1-rc.2",
            "1.2.1-rc.10",
            "1.2.1",
            "1.2.1+build",
            "2.36.7",
            "2.36.29",
            "14",
            "14.0.0",
            "14.21.3",
            "99999999999999999999999.0",
        ];
        for pair in sorted.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn a_leading_v_is_taken_away() {
        assert_eq!(version("v0.5.9"), version("0.5.9"));
    }

    #[test]
    fn what_is_not_a_version_is_refused() {
        for text in [
            "", "v", "vv1", "latest", "1/2", "1 2", "..", "1..2", "1.", "-1", "1\n", "é", "V1",
        ] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_version_is_within_its_own_beginning_part_by_part() {
        assert!(version("22.22.2").is_within(&version("22")));
        assert!(!version("22.22.2").is_within(&version("2")));
        assert!(!version("22").is_within(&version("22")));
    }

    fn any_version() -> impl Strategy<Value = Version> {
        "[0-9]{1,2}(\\.[0-9a-c]{1,2}){0,3}(-(rc|0|00|1)(\\.[0-9a]{1,2})?)?(\\+[0-9a]{1,2})?"
            .prop_map(|text| version(&text))
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in any_version(), b in any_version(), c in any_version()) {
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a.cmp(&b).is_eq(), a == b);
            let mut sorted = [&a, &b, &c];
            sorted.sort();
            prop_assert!(sorted[0] <= sorted[1] && sorted[1] <= sorted[2] && sorted[0] <= sorted[2]);
        }

        #[test]
        fn the_text_form_round_trips(version in any_version()) {
            prop_assert_eq!(version.to_string().parse(), Ok(version));
        }
    }
}
