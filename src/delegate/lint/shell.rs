//! A shell script, as far as one can tell without running it: its commands, line by line.

mod nested;

use std::collections::VecDeque;
use std::ops::Range;

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
    /// Whether `xargs` gives it words that the script does not have.
    pub(super) is_fed: bool,
}

/// Words that a command may stand behind.
const LEADS: [&str; 10] = [
    "!", "do", "elif", "else", "if", "then", "time", "until", "while", "{",
];

/// Programs that run another one, and those of their options that take a word.
const WRAPPERS: [(&str, &[&str]); 10] = [
    ("builtin", &[]),
    ("command", &[]),
    ("doas", &["-u", "-C"]),
    ("env", &["-u", "-C", "-S"]),
    ("eval", &[]),
    ("nice", &["-n"]),
    ("nohup", &[]),
    ("sudo", &["-u", "-g", "-h", "-p", "-C", "-D"]),
    ("time", &["-f", "-o"]),
    (XARGS, &["-a", "-d", "-E", "-I", "-L", "-n", "-P", "-s"]),
];

/// The program that takes the last words of a command from what it reads.
const XARGS: &str = "xargs";

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

/// The commands of a script, and of those that stand in it between quotes; here-documents are passed
/// over.
pub(super) fn commands(script: &str) -> Vec<Command<'_>> {
    let mut scanner = Scanner::default();
    for (number, line) in script.lines().enumerate() {
        scanner.line(number, line);
    }
    nested::with_inner(script, scanner.found)
}

/// What is open where a text between quotes begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quote {
    /// `'…'`, in which nothing is escaped.
    Single,
    /// `"…"`.
    Double,
    /// `$'…'`, in which a backslash escapes.
    Ansi,
}

/// Where a script has been read to.
#[derive(Debug, Default)]
struct Scanner<'t> {
    found: Vec<Command<'t>>,
    /// How many parentheses are open.
    depth: usize,
    /// How many were when an arithmetic expression began, `((`.
    arithmetic: Option<usize>,
    /// How many were at each `case` that is open: a `)` there ends a pattern.
    cases: Vec<usize>,
    quote: Option<Quote>,
    /// The words that end the here-documents which follow.
    documents: VecDeque<&'t str>,
    /// Whether the line before ended in a backslash.
    goes_on: bool,
}

impl<'t> Scanner<'t> {
    fn line(&mut self, number: usize, line: &'t str) {
        if let Some(end) = self.documents.front() {
            if line.trim() == *end {
                self.documents.pop_front();
            }
            return;
        }
        let is_inside = self.quote.is_some();
        let mut start = 0;
        let mut at = 0;
        let mut escaped = false;
        let mut previous = ' ';
        let mut comment = None;
        for (index, letter) in line.char_indices() {
            at = index + letter.len_utf8();
            let rest = line.get(at..).unwrap_or_default();
            if escaped {
                escaped = false;
            } else if letter == '\\' && self.quote != Some(Quote::Single) {
                escaped = true;
            } else if let Some(open) = self.quote {
                let end = if open == Quote::Double { '"' } else { '\'' };
                if letter == end {
                    self.quote = None;
                }
            } else {
                match letter {
                    '\'' if previous == '$' => self.quote = Some(Quote::Ansi),
                    '\'' => self.quote = Some(Quote::Single),
                    '"' => self.quote = Some(Quote::Double),
                    '#' if previous.is_whitespace() => {
                        comment = Some(index);
                        break;
                    }
                    '<' if previous != '<' && rest.starts_with('<') => self.here_document(rest),
                    ';' | '&' | '|' | '(' | ')' | '`' => {
                        if start > 0 || !is_inside {
                            self.add(line, start..index, number);
                        }
                        self.goes_on = false;
                        start = at;
                        self.parenthesis(letter, previous);
                    }
                    _ => {}
                }
            }
            previous = letter;
        }
        // What a line begins with that began inside quotes is text and not a command.
        if start > 0 || !is_inside {
            self.add(line, start..comment.unwrap_or(at), number);
        }
        self.goes_on = escaped && comment.is_none();
    }

    fn parenthesis(&mut self, letter: char, previous: char) {
        match letter {
            '(' => {
                if previous == '(' && self.arithmetic.is_none() {
                    self.arithmetic = Some(self.depth.saturating_sub(1));
                }
                self.depth += 1;
            }
            // The end of a pattern; what closes a subshell is behind `esac`.
            ')' if self.cases.last() == Some(&self.depth) => {}
            ')' => {
                self.depth = self.depth.saturating_sub(1);
                self.arithmetic = self.arithmetic.filter(|from| self.depth > *from);
            }
            _ => {}
        }
    }

    /// Takes the word that ends a here-document, which stands behind its `<<`, of which `rest` has
    /// the second `<`.
    fn here_document(&mut self, rest: &'t str) {
        let word = rest.strip_prefix('<').unwrap_or_default();
        // Of `<<<` the word itself is read, and in `((` it shifts bits.
        if word.starts_with('<') || self.arithmetic.is_some() {
            return;
        }
        let word = word.trim_start_matches('-').trim_start();
        let quote = word
            .chars()
            .next()
            .filter(|first| matches!(first, '\'' | '"'));
        let word = match quote {
            Some(quote) => word.get(1..).and_then(|word| word.split(quote).next()),
            None => word.split([' ', '\t', ';', '|', '<', '>', '&', ')']).next(),
        };
        let word = word.map(|word| word.trim_start_matches('\\'));
        self.documents.extend(word.filter(|word| !word.is_empty()));
    }

    fn add(&mut self, line: &'t str, range: Range<usize>, number: usize) {
        if self.arithmetic.is_some() {
            return;
        }
        let count = self.found.len();
        add(
            &mut self.found,
            line,
            range,
            number,
            self.depth,
            self.goes_on,
        );
        let new = self.found.get(count..).and_then(<[_]>::last);
        match new.and_then(|command| command.words.first().copied()) {
            Some("case") => self.cases.push(self.depth),
            Some("esac") => drop(self.cases.pop()),
            _ => {}
        }
    }
}

fn add<'t>(
    found: &mut Vec<Command<'t>>,
    line: &'t str,
    range: Range<usize>,
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
    let mut is_fed = false;
    while let Some(count) = wrapper(&words) {
        is_fed |= words.first().is_some_and(|first| name_of(first) == XARGS);
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
        is_fed,
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
    // What `eval` has between quotes is a script of its own.
    let next = words.get(count)?;
    (*first != "eval" || !next.starts_with(['"', '\''])).then_some(count)
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
    fn what_looks_like_a_here_document_or_a_quote_hides_nothing() {
        for script in [
            "x=$((1<<2))\nexit",
            "((x = 1 << 2))\nexit",
            "echo \"<<EOF\"\nexit",
            "x=$'it\\'s'\nexit",
            "cat <<A <<'B C'\n(\nA\n'\nB C\nexit",
            "cat <<-\\E\n\t'\n\tE\nexit",
            "cat <<<word\nexit",
            "case $(uname -m) in\n  a) echo ;;\n  (b) echo ;;\nesac\nexit",
        ] {
            let found = commands(script);
            let last = found.last().unwrap();
            assert_eq!(
                (last.words.as_slice(), last.in_subshell),
                (&["exit"][..], false),
                "{script}"
            );
        }
        let script = "(\n  case x in\n    a) echo ;;\n  esac\n  exit\n)\nexec a";
        let found = commands(script);
        let subshells: Vec<_> = found
            .iter()
            .rev()
            .take(2)
            .map(|one| one.in_subshell)
            .collect();
        assert_eq!(subshells, [false, true]);
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
