//! The wildcards of IAM: `*` for any characters, `?` for one (IAM User Guide, "IAM JSON policy elements:
//! Resource").

use std::iter::once;

/// Whether a text has a wildcard.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Whether all that `narrow` matches is matched by `wide` too.
///
/// A yes is always right. A no may be wrong where several wildcards stand side by side (`?*` and `*?`),
/// which costs a finding and grants nothing.
pub fn covers(wide: &str, narrow: &str) -> bool {
    if !is_pattern(wide) {
        return wide == narrow;
    }
    let mut places = Places::new(wide);
    for symbol in narrow.chars() {
        // What a star of `narrow` stands for, a star alone takes.
        places.step(|own| own != '*' && symbol != '*' && (own == symbol || own == '?'));
        if places.are_lost() {
            return false;
        }
    }
    places.is_at_end()
}

/// Whether there is any text that both match.
pub fn meet(one: &str, other: &str) -> bool {
    let mut places = Places::new(other);
    for symbol in one.chars() {
        if symbol == '*' {
            places.run();
        } else {
            places.step(|own| own != '*' && (own == symbol || own == '?' || symbol == '?'));
        }
        if places.are_lost() {
            return false;
        }
    }
    places.is_at_end()
}

/// The places in a pattern that the part read so far may have led to.
struct Places {
    pattern: Vec<char>,
    /// One for each character, and one for the end.
    reached: Vec<bool>,
}

impl Places {
    fn new(pattern: &str) -> Self {
        let pattern: Vec<char> = pattern.chars().collect();
        let mut places = Self {
            reached: once(true).chain(pattern.iter().map(|_| false)).collect(),
            pattern,
        };
        places.skip_stars();
        places
    }

    /// Reads one symbol, which a character of the pattern takes or a star swallows.
    fn step(&mut self, takes: impl Fn(char) -> bool) {
        let on = || self.pattern.iter().zip(&self.reached);
        let moved = on().map(|(own, reached)| *reached && takes(*own));
        let stayed = on().map(|(own, reached)| *reached && *own == '*');
        self.reached = once(false)
            .chain(moved)
            .zip(stayed.chain(once(false)))
            .map(|(moved, stayed)| moved || stayed)
            .collect();
        self.skip_stars();
    }

    /// Reads whatever leads on.
    fn run(&mut self) {
        let mut seen = false;
        for reached in &mut self.reached {
            seen |= *reached;
            *reached = seen;
        }
    }

    /// A star may stand for nothing.
    fn skip_stars(&mut self) {
        let mut is_open = false;
        let own = self.pattern.iter().map(Some).chain(once(None));
        for (reached, own) in self.reached.iter_mut().zip(own) {
            *reached |= is_open;
            is_open = *reached && own == Some(&'*');
        }
    }

    /// Whether nothing can come of it any more.
    fn are_lost(&self) -> bool {
        !self.reached.contains(&true)
    }

    fn is_at_end(&self) -> bool {
        self.reached.last() == Some(&true)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A plain matcher, written another way.
    fn matches(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => {
                matches(rest, text)
                    || text
                        .split_first()
                        .is_some_and(|(_, tail)| matches(pattern, tail))
            }
            (Some((own, rest)), Some((letter, tail))) => {
                (*own == b'?' || own == letter) && matches(rest, tail)
            }
            _ => false,
        }
    }

    #[test]
    fn what_covers_and_what_meets() {
        for (wide, narrow, covers_it, meets_it) in [
            ("*", "s3:*", true, true),
            ("s3:*", "*", false, true),
            ("s3:Get*", "s3:GetObject", true, true),
            ("s3:*Object", "s3:Get*", false, true),
            ("s3:Get*", "s3:Put*", false, false),
            ("s3:Get?bject", "s3:GetObject", true, true),
            ("ab", "a?", false, true),
            ("a?", "ab", true, true),
            ("", "", true, true),
            ("*", "", true, true),
            ("", "a", false, false),
            ("a*b*c", "a*c", false, true),
            ("a*c", "a*b*c", true, true),
        ] {
            assert_eq!(covers(wide, narrow), covers_it, "{wide} covers {narrow}");
            assert_eq!(meet(wide, narrow), meets_it, "{wide} meets {narrow}");
            assert_eq!(meet(narrow, wide), meets_it, "{narrow} meets {wide}");
        }
    }

    proptest! {
        #[test]
        fn texts_bear_out_what_is_said_of_patterns(
            one in "[ab*?]{0,6}", other in "[ab*?]{0,6}", text in "[ab]{0,8}"
        ) {
            let by = |pattern: &str| matches(pattern.as_bytes(), text.as_bytes());
            if covers(&one, &other) {
                prop_assert!(by(&one) || !by(&other));
            }
            if by(&one) && by(&other) {
                prop_assert!(meet(&one, &other));
            }
            prop_assert_eq!(covers(&one, &text), by(&one));
            prop_assert_eq!(meet(&one, &text), by(&one));
        }
    }
}
