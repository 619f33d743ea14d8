//! The ranges of versions that npm packages write (node-semver, "Ranges"): of Node.js, whose versions are
//! three numbers.

use std::str::FromStr;

use crate::tools::version::Version;

/// A version of Node.js: its three numbers.
type Triple = [u64; 3];

/// From here, up to but not including there; none for no end.
type Span = (Triple, Option<Triple>);

/// A range: what is in one of its spans is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range(Vec<Span>);

impl Range {
    /// Whether it has this version; of a pre-release its release counts.
    pub(super) fn has(&self, version: &Version) -> bool {
        let Some(part) = Partial::read(version.as_str()) else {
            return false;
        };
        let version = part.first();
        self.0
            .iter()
            .any(|(from, to)| *from <= version && to.is_none_or(|to| version < to))
    }
}

/// The text is no range.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoRange;

impl FromStr for Range {
    type Err = NoRange;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let spans = text.split("||").map(|set| span(set).ok_or(NoRange));
        Ok(Self(spans.collect::<Result<_, _>>()?))
    }
}

/// What all comparators of a set leave: `>=10 <15`, `10 - 14`, nothing at all.
fn span(set: &str) -> Option<Span> {
    if let Some((from, to)) = set.split_once(" - ") {
        return Some((Partial::read(from)?.first(), Partial::read(to)?.end()));
    }
    // An operator may stand apart from its version: `>= 12`.
    let mut words = set.split_whitespace();
    let (mut from, mut to): Span = ([0; 3], None);
    while let Some(word) = words.next() {
        let version = word.trim_start_matches(['<', '>', '=', '^', '~']);
        let operator = word.get(..word.len() - version.len())?;
        let version = if version.is_empty() {
            words.next()?
        } else {
            version
        };
        let (above, below) = compared(operator, &Partial::read(version)?)?;
        from = from.max(above);
        to = match (to, below) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    Some((from, to))
}

/// What one comparator takes.
fn compared(operator: &str, partial: &Partial) -> Option<Span> {
    let first = partial.first();
    let nothing = ([0; 3], Some([0; 3]));
    Some(match operator {
        "" | "=" => (first, partial.end()),
        ">=" => (first, None),
        ">" => partial.end().map_or(nothing, |end| (end, None)),
        "<" => ([0; 3], Some(first)),
        "<=" => ([0; 3], partial.end()),
        "~" | "~>" => (first, partial.up_to(2).end()),
        "^" => {
            // The leftmost number that is not 0 stays.
            let zeros = first.iter().take_while(|number| **number == 0).count();
            (first, partial.up_to(zeros + 1).end())
        }
        _ => return None,
    })
}

/// The numbers of a version that is written in part: `12`, `12.x`, `*`.
struct Partial(Vec<u64>);

impl Partial {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('v');
        let release = text.split(['-', '+']).next()?;
        let mut numbers = Vec::new();
        let mut is_open = false;
        let parts: Vec<_> = release.split('.').collect();
        if parts.len() > 3 {
            return None;
        }
        for part in parts {
            if matches!(part, "x" | "X" | "*") {
                is_open = true;
            } else {
                let number: u64 = part.parse().ok()?;
                if !is_open {
                    numbers.push(number);
                }
            }
        }
        Some(Self(numbers))
    }

    /// The first version that it may mean.
    fn first(&self) -> Triple {
        let number = |index| self.0.get(index).copied().unwrap_or(0);
        [number(0), number(1), number(2)]
    }

    /// The first version after all that it may mean; none where it means all.
    fn end(&self) -> Option<Triple> {
        let mut end = [0; 3];
        for (to, from) in end.iter_mut().zip(&self.0) {
            *to = *from;
        }
        let last = end.get_mut(self.0.len().checked_sub(1)?)?;
        *last = last.saturating_add(1);
        Some(end)
    }

    /// The same with so many numbers at most.
    fn up_to(&self, count: usize) -> Self {
        Self(self.0.iter().copied().take(count).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_of_npm_packages_are_read_as_npm_reads_them() {
        for (range, within, without) in [
            (">=12.0", "12.0.0 22.23.3", "11.15.0"),
            (">= 12", "12.0.0 13.1.0", "11.15.0"),
            (
                "^18 || >=20",
                "18.0.0 18.19.1 20.0.0 25.1.0",
                "17.9.1 19.9.0",
            ),
            ("^18||>=20", "18.1.0 21.0.0", "19.0.0"),
            (
                "^12.20.0 || ^14.13.1 || >=16.0.0",
                "12.22.0 14.13.1 16.0.0",
                "12.19.9 13.0.0 14.13.0 15.0.0",
            ),
            (">=10 <15", "10.0.0 14.99.9", "9.9.9 15.0.0"),
            (">=10 <=14", "14.21.3", "15.0.0"),
            ("> 10", "11.0.0", "10.24.1"),
            ("*", "0.1.0 22.0.0", ""),
            ("", "0.1.0 22.0.0", ""),
            ("x", "22.0.0", ""),
            ("14.x", "14.0.0 14.21.3", "13.0.0 15.0.0"),
            ("14.17.X", "14.17.6", "14.18.0"),
            ("16", "16.0.0 16.20.2", "15.0.0 17.0.0"),
            ("=16.1.0", "16.1.0 v16.1.0", "16.1.1"),
            ("~14.17", "14.17.0 14.17.9", "14.18.0"),
            ("~14", "14.18.0", "15.0.0"),
            ("~>14.17.3", "14.17.4", "14.17.2 14.18.0"),
            ("^0.10.3", "0.10.48", "0.10.2 0.11.0"),
            ("^0.0.3", "0.0.3", "0.0.4"),
            ("^0.x", "0.12.0", "1.0.0"),
            ("10 - 14", "10.0.0 14.21.3", "9.0.0 15.0.0"),
            ("10.2 - 14.1.0", "10.2.0 14.1.0", "10.1.0 14.1.1"),
            (">=18.0.0-0", "18.0.0", "17.9.0"),
            ("<*", "", "1.0.0"),
        ] {
            let read: Range = range.parse().unwrap();
            let has = |version: &str| read.has(&version.parse().unwrap());
            for version in within.split_whitespace() {
                assert!(has(version), "`{range}` has {version}");
            }
            for version in without.split_whitespace() {
                assert!(!has(version), "`{range}` has no {version}");
            }
        }
    }

    #[test]
    fn what_is_no_range_is_none() {
        for text in [
            "lts",
            ">=",
            "1.2.3.4",
            "=>12",
            "12 || soon",
            ">=12,<14",
            "-1",
        ] {
            assert_eq!(text.parse::<Range>(), Err(NoRange), "{text}");
        }
    }
}
