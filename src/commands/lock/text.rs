//! The comments of a lock: those before its first line are kept, the rest is written anew.

/// What a new lock begins with.
const HEADER: &str =
    "# Written by `bootstrap lock`, which keeps comments above `version:` and no others.\n";

/// The new body below the comments that the old text begins with.
pub(super) fn with_header(old: Option<&str>, body: &str) -> String {
    let header = old.map_or(HEADER, header_of);
    format!("{header}{body}")
}

/// The number of the first line with a comment that is not kept.
pub(super) fn first_lost_comment(old: &str) -> Option<usize> {
    let kept = header_of(old).lines().count();
    let is_comment = |line: &str| line.trim_start().starts_with('#') || line.contains(" #");
    let mut below = (1..).zip(old.lines()).skip(kept);
    below
        .find(|(_, line)| is_comment(line))
        .map(|(number, _)| number)
}

/// The comments, with the empty lines among them, that a text begins with.
fn header_of(text: &str) -> &str {
    let is_header = |line: &str| line.trim().is_empty() || line.starts_with('#');
    let lines = text.split_inclusive('\n');
    let length = lines.take_while(|line| is_header(line)).map(str::len).sum();
    text.get(..length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "version: 1\ntools: {}\n";

    #[test]
    fn the_comments_above_are_kept_and_those_below_are_told() {
        let old = "# ours\n\n# since May\nversion: 1 # old\ntools: {}\n";
        let expected = format!("# ours\n\n# since May\n{BODY}");
        assert_eq!(with_header(Some(old), BODY), expected);
        assert_eq!(first_lost_comment(old), Some(4));
        assert_eq!(first_lost_comment(&expected), None);
    }

    #[test]
    fn a_new_lock_says_what_made_it_and_an_old_one_stays_without_a_word() {
        assert_eq!(with_header(None, BODY), format!("{HEADER}{BODY}"));
        assert_eq!(with_header(Some(BODY), BODY), BODY);
        assert_eq!(first_lost_comment(BODY), None);
        assert_eq!(first_lost_comment("version: 1\n  # x\n"), Some(2));
    }
}
