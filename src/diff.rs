//! What changes, as a unified diff.

use std::path::Path;

use similar::{ChangeTag, DiffableStr as _, TextDiff};

use crate::yaml::{masked, without_long_runs};

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// The diff of a file, nothing when nothing changes. Line breaks are shown as they are; secrets are
/// masked, in the lines around a change whatever looks like one too.
pub fn unified(name: &Path, old: &str, new: &str, colored: bool) -> String {
    if old == new {
        return String::new();
    }
    let paint = |text: &str, code: &str| {
        if colored {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    };
    let name = name.display().to_string();
    let name = name.trim_start_matches('/');
    let mut text = String::new();
    for (side, name) in [("---", format!("a/{name}")), ("+++", format!("b/{name}"))] {
        text.push_str(&paint(&format!("{side} {name}"), "1"));
        text.push('\n');
    }
    // A secret in the diff would end in the log of whatever runs this.
    let [old_masked, new_masked] = [masked(old), masked(new)];
    let [old_lines, new_lines] = [&old_masked, &new_masked].map(|text| text.tokenize_lines());
    let diff = TextDiff::from_lines(old, new);
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        text.push_str(&paint(hunk.header().to_string().trim_end(), "36"));
        text.push('\n');
        for change in hunk.iter_changes() {
            let (sign, code) = match change.tag() {
                ChangeTag::Delete => ("-", "31"),
                ChangeTag::Insert => ("+", "32"),
                ChangeTag::Equal => (" ", ""),
            };
            let line = match change.tag() {
                ChangeTag::Insert => change.new_index().and_then(|at| new_lines.get(at)),
                _ => change.old_index().and_then(|at| old_lines.get(at)),
            };
            let line = line.map_or("", |line| line.trim_end_matches('\n'));
            let line = match change.tag() {
                ChangeTag::Equal => without_long_runs(line),
                ChangeTag::Delete | ChangeTag::Insert => line.to_owned(),
            };
            let shown = format!("{sign}{line}");
            text.push_str(&if code.is_empty() {
                shown
            } else {
                paint(&shown, code)
            });
            text.push('\n');
            if change.missing_newline() {
                text.push_str("\\ No newline at end of file\n");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_is_one_that_patch_reads() {
        let diff = unified(Path::new("/m.yaml"), "a\nb\n", "a\nc", false);
        assert_eq!(
            diff,
            "--- a/m.yaml\n+++ b/m.yaml\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n\\ No newline at end of file\n"
        );
        assert_eq!(unified(Path::new("m"), "a\n", "a\n", true), "");
        let diff = unified(
            Path::new("m"),
            "token: abc\nb: 1\n",
            "token: abc\nb: 2\n",
            false,
        );
        assert!(diff.contains("\n token: ***\n-b: 1\n+b: 2\n"), "{diff}");
        // In a script nothing but its looks tells a secret.
        let key = "AKIAIOSFODNN7EXAMPLE";
        let new = format!("s: |\n  login {key} now\n");
        let diff = unified(Path::new("m"), "s: |\n  login\n", &new, false);
        assert!(
            diff.contains("\n+  login **************") && !diff.contains(key),
            "{diff}"
        );
    }
}
