//! Secrets that are known by their looks, whatever stands around them.

use std::ops::Range;

/// What the tokens of well-known issuers begin with, how many letters follow at least, and which of
/// them are neither letters nor digits. AWS, GitHub, GitLab, Google, npm, PyPI, Slack, Vault.
const SHAPES: [(&str, usize, &str); 16] = [
    ("AIza", 35, "_-"),
    ("AKIA", 16, ""),
    ("ASIA", 16, ""),
    ("dckr_pat_", 20, "_-"),
    ("ghp_", 30, ""),
    ("gho_", 30, ""),
    ("ghr_", 30, ""),
    ("ghs_", 30, ""),
    ("ghu_", 30, ""),
    ("github_pat_", 30, "_"),
    ("glpat-", 20, "_-."),
    ("hvs.", 24, "_-"),
    ("npm_", 36, ""),
    ("pypi-", 50, "_-"),
    ("xapp-", 20, "-"),
    ("xox", 15, "-"),
];

/// The same of tokens in parts with points between them: how many follow the first one, and how long
/// each is at least. JSON web tokens, and those of Harness for people and for services.
const DOTTED: [(&str, usize, usize); 3] = [("eyJ", 2, 8), ("pat.", 2, 16), ("sat.", 2, 16)];

/// The tokens in a line.
pub(super) fn tokens(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (start, least, more) in SHAPES {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || more.contains(letter);
        runs(
            line,
            start,
            is_letter,
            |rest| rest.len() >= least,
            &mut found,
        );
    }
    for (start, parts, least) in DOTTED {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
        let fits = |rest: &str| {
            let lengths = rest.split('.').map(str::len);
            lengths.clone().count() > parts && lengths.take(parts + 1).all(|part| part >= least)
        };
        runs(line, start, is_letter, fits, &mut found);
    }
    found
}

/// Finds what begins so, goes on with such letters as far as there are any, and fits. No letter is
/// looked at twice.
fn runs(
    line: &str,
    start: &str,
    is_letter: impl Fn(char) -> bool,
    fits: impl Fn(&str) -> bool,
    found: &mut Vec<Range<usize>>,
) {
    let mut at = 0;
    while let Some(rest) = line.get(at..)
        && let Some(skipped) = rest.find(start)
    {
        let from = at + skipped;
        let rest = line.get(from + start.len()..).unwrap_or_default();
        let length = rest.find(|letter| !is_letter(letter));
        let length = length.unwrap_or(rest.len());
        at = from + start.len() + length;
        // A word may end so: `compat.` is no token.
        let before = line
            .get(..from)
            .and_then(|before| before.chars().next_back());
        let is_inside = before.is_some_and(|letter| letter.is_ascii_alphanumeric());
        if !is_inside && fits(rest.get(..length).unwrap_or_default()) {
            found.push(from..at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        let mut shown = line.to_owned();
        for range in tokens(line) {
            let stars = "*".repeat(range.len());
            shown.replace_range(range, &stars);
        }
        shown
    }

    #[test]
    fn what_looks_like_a_token_is_found_wherever_it_stands() {
        let letters = "abcdefghij0123456789ABCDEFGHIJ0123456789abcdefghij0123456789";
        let of = |length: usize| letters.get(..length).unwrap();
        for token in [
            "AKIAIOSFODNN7EXAMPLE".to_owned(),
            format!("ghp_{}", of(36)),
            format!("github_pat_{}", of(40)),
            format!("npm_{}", of(36)),
            format!("xoxb-{}-{}", of(12), of(24)),
            format!("eyJ{}.{}.{}", of(20), of(30), of(43)),
            format!("pat.{}.{}.{}", of(22), of(24), of(20)),
        ] {
            let stars = "*".repeat(token.len());
            for (before, after) in [
                ("", ""),
                ("login ", " # x"),
                ("a='", "'; b"),
                ("é(", ")"),
                ("-p=", "|"),
            ] {
                let line = format!("{before}{token}{after}");
                assert_eq!(shown(&line), format!("{before}{stars}{after}"));
            }
        }
    }

    #[test]
    fn what_is_no_token_is_shown() {
        for line in [
            "npm_config_registry=https://registry.npmjs.org/",
            "AKIA AKIDEXAMPLE ghp_ xoxo",
            "compat.serviceaccounts-of-all.eks-clusters-of-all.amazonaws-of-all.com",
            "cat eyJ.a.b pat.a.b.c",
            "-----------------------------",
        ] {
            assert_eq!(shown(line), line);
        }
    }
}
