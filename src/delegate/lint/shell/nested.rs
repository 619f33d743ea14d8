//! Scripts between quotes, which another shell or the same one runs.

use super::{Command, commands};

/// A script in the words of a command.
struct Inner<'t> {
    /// The word that it begins with.
    word: &'t str,
    /// Whether it runs elsewhere, or later.
    is_apart: bool,
}

/// The commands of a script, with those that they run from between quotes behind each.
pub(super) fn with_inner<'t>(script: &'t str, found: Vec<Command<'t>>) -> Vec<Command<'t>> {
    let mut all = Vec::with_capacity(found.len());
    for outer in found {
        let inner = inner(&outer).and_then(|inner| Some((literal(script, inner.word)?, inner)));
        let in_subshell = outer.in_subshell;
        all.push(outer);
        let Some((text, inner)) = inner else { continue };
        // The text is a part of the script, and so its place is where it begins in memory.
        let at = text.as_ptr().addr() - script.as_ptr().addr();
        let above = script.get(..at).unwrap_or_default();
        let before = above.rsplit('\n').next().unwrap_or_default();
        let first = above.matches('\n').count();
        all.extend(commands(text).into_iter().map(|mut command| {
            if command.line == 0 {
                command.column += before.chars().count();
            }
            command.line += first;
            command.in_subshell |= in_subshell || inner.is_apart;
            command
        }));
    }
    all
}

/// The script of `bash -c`, of `eval` and of `trap`.
fn inner<'t>(command: &Command<'t>) -> Option<Inner<'t>> {
    let mut words = command.words.iter().skip(1).copied();
    let (word, is_apart) = match command.name() {
        "bash" | "dash" | "sh" => {
            let is_option =
                |word: &str| word.starts_with('-') && !word.starts_with("--") && word.contains('c');
            // Behind the first word that is of no option are those of a script in a file.
            let mut is_value = false;
            loop {
                let word = words.next()?;
                if is_option(word) {
                    break;
                }
                if !is_value && !word.starts_with(['-', '+']) {
                    return None;
                }
                is_value = !is_value && word.ends_with('o');
            }
            (words.next()?, true)
        }
        "eval" => (words.next()?, false),
        "trap" => (words.find(|word| *word != "--")?, true),
        _ => return None,
    };
    Some(Inner { word, is_apart })
}

/// What stands between the quotes that a word of a script begins with, be it several lines.
fn literal<'t>(script: &'t str, word: &str) -> Option<&'t str> {
    let quote = word
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''))?;
    let from = word.as_ptr().addr().checked_sub(script.as_ptr().addr())? + 1;
    let rest = script.get(from..)?;
    let mut is_escaped = false;
    let end = rest.find(|letter| {
        let is_end = letter == quote && !is_escaped;
        is_escaped = letter == '\\' && quote == '"' && !is_escaped;
        is_end
    })?;
    rest.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(script: &str) -> Vec<String> {
        let found = commands(script).into_iter().skip(1);
        let found = found.filter(|command| command.name() != "$");
        let shown = found.map(|one| {
            let inside = if one.in_subshell { " ()" } else { "" };
            format!(
                "{}:{} {}{inside}",
                one.line,
                one.column,
                one.words.join(" ")
            )
        });
        shown.collect()
    }

    #[test]
    fn what_is_between_quotes_is_read_where_a_shell_runs_it() {
        for (script, expected) in [
            ("bash -c 'a b; c'", &["0:9 a b ()", "0:14 c ()"][..]),
            ("/bin/sh -ec \"a \\\"b\\\"\" x", &["0:13 a \\\"b\\\" ()"]),
            ("x=é sudo bash -o pipefail -c 'a'", &["0:30 a ()"]),
            ("eval 'a\n b' && c", &["0:6 a", "1:1 b", "1:7 c"]),
            ("eval \"$(a b)\"", &["0:8 a b ()"]),
            ("trap -- 'a' EXIT", &["0:9 a ()"]),
            ("bash -c \\\n  'a\nb'", &["1:3 a ()", "2:0 b ()"]),
            ("bash -c \"sh -c 'a'\"", &["0:9 sh -c 'a' ()", "0:16 a ()"]),
            ("bash -c 'a", &[]),
            ("bash a.sh 'b c'", &[]),
            ("sh a.sh -c 'b c'", &[]),
            ("echo 'a b'", &[]),
            ("trap - EXIT", &[]),
        ] {
            assert_eq!(shown(script), expected, "{script}");
        }
    }

    #[test]
    fn what_eval_and_xargs_run_is_a_command() {
        for (script, words, is_fed) in [
            ("eval a b", "a b", false),
            ("xargs -n 1 -P4 -I {} a {}", "a {}", true),
            ("xargs", "xargs", false),
        ] {
            let found = commands(script);
            let shown: Vec<_> = found
                .iter()
                .map(|one| (one.words.join(" "), one.is_fed))
                .collect();
            assert_eq!(shown, [(words.to_owned(), is_fed)]);
        }
    }
}
