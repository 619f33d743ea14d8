//! What a person may have meant, when what they wrote does not exist.

use std::fmt;

use crate::tools::catalog::Pinned;
use crate::tools::names::ToolName;
use crate::tools::version::Version;

/// At most three of `known` that look like `wrong`, the likest first (Jaro-Winkler similarity).
pub fn near<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let scored = known.map(|known| (strsim::jaro_winkler(known, wrong), known));
    let mut scored: Vec<_> = scored.filter(|(score, _)| *score > 0.7).collect();
    scored.sort_by(|(left, a), (right, b)| right.total_cmp(left).then_with(|| a.cmp(b)));
    scored.dedup_by_key(|(_, name)| *name);
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

/// The same of names of tools.
pub(super) fn names<'a>(
    wrong: &ToolName,
    known: impl Iterator<Item = &'a ToolName>,
) -> Vec<ToolName> {
    let known: Vec<&ToolName> = known.collect();
    let texts = known.iter().map(|known| known.as_str());
    let near = near(wrong.as_str(), texts).into_iter();
    let of = |text: &str| known.iter().find(|known| known.as_str() == text);
    near.filter_map(|text| of(text).copied().cloned()).collect()
}

/// The newest version within the unknown one, else its neighbours, and the default; oldest first.
pub(super) fn versions(unknown: &Version, known: &[Pinned], default: &Version) -> Vec<Version> {
    let known = || known.iter().map(|pinned| &pinned.version);
    let within = known().filter(|version| version.is_within(unknown)).max();
    let below = known().filter(|version| *version < unknown).max();
    let above = known().filter(|version| *version > unknown).min();
    let neighbours = match within {
        Some(within) => vec![Some(within)],
        None => vec![below, above],
    };
    let mut near: Vec<Version> = neighbours.into_iter().flatten().cloned().collect();
    near.push(default.clone());
    near.sort();
    near.dedup();
    near
}

/// The items in words: `a, b or c`.
pub(super) fn list<T: fmt::Display>(items: &[T], last: &str) -> String {
    let mut text = String::new();
    for (index, item) in items.iter().enumerate() {
        match index {
            0 => {}
            _ if index + 1 == items.len() => text.extend([" ", last, " "]),
            _ => text.push_str(", "),
        }
        text.push_str(&item.to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_as_words() {
        assert_eq!(list(&[1], "or"), "1");
        assert_eq!(list(&[1, 2], "or"), "1 or 2");
        assert_eq!(list(&[1, 2, 3], "and"), "1, 2 and 3");
    }

    #[test]
    fn no_more_than_three_names_come_back_each_once() {
        let known: Vec<ToolName> = ["node", "nodes", "node", "node1", "node2", "helm"]
            .map(|name| name.parse().unwrap())
            .to_vec();
        let near = names(&"nod".parse().unwrap(), known.iter());
        assert_eq!(list(&near, "or"), "node, node1 or node2");
    }
}
