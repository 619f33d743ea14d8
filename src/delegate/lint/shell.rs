//! A shell script, as far as one can tell without running it: its commands, line by line.

/// A simple command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command<'t> {
    /// The line, counted from 0.
    pub(super) line: usize,
    /// Characters before it on the line.
    pub(super) column: usize,
    /// Its words, with their quotes.
    pub(super) words: Vec<&'t str>,
    /// Whether it runs in a shell of its own.
    pub(super) in_subshell: bool,
}

/// Words that a command may stand behind.
const LEADS: [&str; 10] = [
    "!", "do", "elif", "else", "if", "then", "time", "until", "while", "{",
];

/// Programs that run another one, and those of their options that take a word.
const WRAPPERS: [(&str, &[&str]); 8] = [
    ("builtin", &[]),
    ("command", &[]),
    ("doas", &["-u", "-C"]),
    ("env", &["-u", "-C", "-S"]),
    ("nice", &["-n"]),
    ("nohup", &[]),
    ("sudo", &["-u", "-g", "-h", "-p", "-C", "-D"]),
    ("time", &["-f", "-o"]),
];

impl Command<'_> {
    /// The name of the program, wherever it is.
    pub(super) fn name(&self) -> &str {
        let first = self.words.first().copied().unwrap_or_default();
        name_of(first)
    }
}

/// The last part of a path; all of it where that is no path of a program.
fn name_of(word: &str) -> &str {
    if !word.starts_with('/') || word.starts_with("//") {
        return word;
    }
    word.rsplit('/').next().unwrap_or(word)
}

/// The commands of a script; here-documents are passed over.
pub(super) fn commands(script: &str) -> Vec<Command<'_>> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut quote = None;
    let mut end_of_document: Option<&str> = None;
    // Whether the line before ended in a backslash.
    let mut goes_on = false;
    for (number, line) in script.lines().enumerate() {
        if let Some(end) = end_of_document {
            if line.trim() == end {
                end_of_document = None;
            }
            continue;
        }
        let start_quote = quote;
        let mut start = 0;
        let mut at = 0;
        let mut escaped = false;
        let mut previous = ' ';
        let mut comment = None;
        for (index, letter) in line.char_indices() {
            at = index + letter.len_utf8();
            if escaped {
                escaped = false;
            } else if letter == '\\' && quote != Some('\'') {
                escaped = true;
            } else if let Some(open) = quote {
                if letter == open {
                    quote = None;
                }
            } else {
                match letter {
                    '\'' | '"' => quote = Some(letter),
                    '#' if previous.is_whitespace() => {
                        comment = Some(index);
                        break;
                    }
                    ';' | '&' | '|' | '(' | ')' | '`' => {
                        let range = start..index;
                        add(&mut found, line, range, number, depth, goes_on);
                        goes_on = false;
                        start = at;
                        match letter {
                            '(' => depth += 1,
                            ')' => depth = depth.saturating_sub(1),
                            _ => {}
                        }
                    }
                    _ => {}
                }
            }
            previous = letter;
        }
        // A line that began inside quotes is text and not a command.
        if start > 0 || start_quote.is_none() {
            add(
                &mut found,
                line,
                start..comment.unwrap_or(at),
                number,
                depth,
                goes_on,
            );
        }
        goes_on = escaped && comment.is_none();
        end_of_document = here_document(line.get(..comment.unwrap_or(at)).unwrap_or_default());
    }
    found
}

/// The word that ends a here-document which a line begins.
fn here_document(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("<<")?;
    if rest.starts_with('<') {
        return None;
    }
    let rest = rest.trim_start_matches('-').trim_start();
    let word = rest.split([' ', ';', '|', '>', '&', ')']).next()?;
    let word = word.trim_matches(['\'', '"']);
    (!word.is_empty()).then_some(word)
}

fn add<'t>(
    found: &mut Vec<Command<'t>>,
    line: &'t str,
    range: std::ops::Range<usize>,
    number: usize,
    depth: usize,
    goes_on: bool,
) {
    let text = line.get(range.clone()).unwrap_or_default();
    let words = text.split_whitespace().filter(|word| *word != "\\");
    let mut words: Vec<&str> = words.collect();
    if goes_on {
        if let Some(last) = found.last_mut() {
            last.words.append(&mut words);
        }
        return;
    }
    let is_assignment = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
    };
    let skipped = words
        .iter()
        .take_while(|word| LEADS.contains(word) || is_assignment(word))
        .count();
    words.drain(..skipped);
    while let Some(count) = wrapper(&words) {
        words.drain(..count);
        let assigned = words.iter().take_while(|word| is_assignment(word));
        let assigned = assigned.count();
        words.drain(..assigned);
    }
    let Some(first) = words.first() else { return };
    // The word is a part of the line: its place is where it begins in memory.
    let offset = first.as_ptr().addr() - line.as_ptr().addr();
    let before = line.get(..offset).unwrap_or_default();
    found.push(Command {
        line: number,
        column: before.chars().count(),
        words,
        in_subshell: depth > 0,
    });
}

/// How many words stand before the command that the first word runs; none where it runs none.
fn wrapper(words: &[&str]) -> Option<usize> {
    let (first, rest) = words.split_first()?;
    let (_, takes) = WRAPPERS.iter().find(|(name, _)| *name == name_of(first))?;
    let mut count = 1;
    let mut rest = rest.iter();
    while let Some(option) = rest.next().filter(|word| word.starts_with('-')) {
        // `command -v` only looks.
        if *first == "command" && matches!(*option, "-v" | "-V") {
            return None;
        }
        count += 1;
        if takes.contains(option) {
            rest.next();
            count += 1;
        }
    }
    (words.len() > count).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_behind_whatever_leads_to_them() {
        let script = "a=1 b c # d\nif e; then f 'g; h' && i; fi\n(j; k) | l\ncat <<E\nm\nE\nn=\"$(o)\"\necho 'p\nq'\n";
        let found: Vec<_> = commands(script)
            .into_iter()
            .map(|command| {
                (
                    command.line,
                    command.column,
                    command.words.join(" "),
                    command.in_subshell,
                )
            })
            .map(|(line, column, words, inside)| {
                format!("{line}:{column} {words}{}", if inside { " ()" } else { "" })
            })
            .collect();
        let expected = [
            "0:4 b c",
            "1:3 e",
            "1:11 f 'g; h'",
            "1:23 i",
            "1:26 fi",
            "2:1 j ()",
            "2:4 k ()",
            "2:9 l",
            "3:0 cat <<E",
            "7:0 echo 'p",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn commands_are_found_behind_the_programs_that_run_them_and_over_lines() {
        for (script, expected) in [
            ("sudo -u root apt-get update", "13 apt-get update"),
            (
                "sudo A=b env -i C=d /usr/bin/apt-get x",
                "20 /usr/bin/apt-get x",
            ),
            ("command -v unzip", "0 command -v unzip"),
            ("command unzip a", "8 unzip a"),
            ("env", "0 env"),
            ("nice -n 5 time x", "15 x"),
            (
                "curl -fsSL \\\n  -o a \\\n  https://h.test/a",
                "0 curl -fsSL -o a https://h.test/a",
            ),
            ("echo a # b \\\n", "0 echo a"),
        ] {
            let found = commands(script);
            let shown = found
                .iter()
                .map(|one| format!("{} {}", one.column, one.words.join(" ")));
            assert_eq!(shown.collect::<Vec<_>>(), [expected]);
        }
        let names = commands("/usr/bin/unzip a\n// no\n./aws/install");
        let names: Vec<_> = names.iter().map(Command::name).collect();
        assert_eq!(names, ["unzip", "//", "./aws/install"]);
    }
}
