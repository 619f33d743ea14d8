//! What a script downloads, and what of it is checked before it is used.

use super::shell::Command;
use super::writes::{bare, is_redirection, redirected};

/// Programs that check a digest or a signature.
const CHECKS: [&str; 6] = [
    "cosign",
    "gpg",
    "minisign",
    "sha256sum",
    "sha512sum",
    "shasum",
];

/// Whether a command puts a file somewhere that comes from the network.
pub(super) fn is_download(command: &Command<'_>) -> bool {
    let is_told = || command.is_fed || address(command).is_some();
    matches!(command.name(), "curl" | "wget") && is_told()
}

/// Options that take a word: of curl, and of wget.
const CURL_TAKES: [&str; 27] = [
    "-A",
    "-b",
    "-c",
    "-C",
    "-d",
    "-e",
    "-E",
    "-F",
    "-H",
    "-K",
    "-m",
    "-o",
    "-T",
    "-u",
    "-w",
    "-x",
    "-X",
    "--cacert",
    "--connect-timeout",
    "--data",
    "--header",
    "--max-time",
    "--output",
    "--proxy",
    "--request",
    "--retry",
    "--user",
];
const WGET_TAKES: [&str; 8] = [
    "-O",
    "-o",
    "-P",
    "-T",
    "-t",
    "-U",
    "--output-document",
    "--directory-prefix",
];

/// The address of a download: what has a scheme, else the first word that is of no option. It may be a
/// variable, or have no scheme.
fn address<'t>(command: &Command<'t>) -> Option<&'t str> {
    let words = || command.words.iter().skip(1).copied();
    if let Some(word) = words().find(|word| word.contains("://")) {
        return Some(bare(word));
    }
    let takes: &[&str] = if command.name() == "wget" {
        &WGET_TAKES
    } else {
        &CURL_TAKES
    };
    let mut words = words();
    while let Some(word) = words.next() {
        if let Some(target) = redirected(word) {
            if target.is_empty() {
                words.next();
            }
        } else if let Some(short) = word.strip_prefix('-') {
            // Of short options in one word, the last may take the next word.
            let last = short.chars().next_back();
            let last = last
                .filter(|_| !short.starts_with('-'))
                .map(|last| format!("-{last}"));
            if takes.contains(&word) || last.is_some_and(|last| takes.contains(&last.as_str())) {
                words.next();
            }
        } else if is_address(bare(word)) {
            return Some(bare(word));
        }
    }
    None
}

fn is_address(word: &str) -> bool {
    word.starts_with('$') || (word.contains('.') && word.contains('/'))
}

/// A check: the first of its lines, and all that it reads.
struct Check {
    line: usize,
    text: String,
    /// Whether it takes the names from a list of digests.
    has_list: bool,
}

/// Whether a text has a file's name as a word of its own, whatever directory it is in.
fn speaks_of(text: &str, file: &str) -> bool {
    let is_end = |letter: char| letter.is_whitespace() || "\"';|&()<>`*".contains(letter);
    let mut words = text.split(is_end);
    words.any(|word| word.rsplit('/').next() == Some(file))
}

/// The downloads that no check speaks of: each wants one of its own, or a list of digests behind it.
pub(super) fn unchecked<'c, 't>(script: &str, all: &'c [Command<'t>]) -> Vec<&'c Command<'t>> {
    let checks = checks(script);
    let is_checked = |fetch: &Command<'_>| {
        let file = file(fetch);
        checks.iter().any(|check| {
            let speaks = file.map_or(check.line == fetch.line, |file| {
                speaks_of(&check.text, file)
            });
            check.line >= fetch.line && (check.has_list || speaks)
        })
    };
    let downloads = all.iter().filter(|command| is_download(command));
    downloads.filter(|fetch| !is_checked(fetch)).collect()
}

/// The name of the file that a download makes; none where it goes to a pipe.
fn file<'t>(fetch: &Command<'t>) -> Option<&'t str> {
    let is_wget = fetch.name() == "wget";
    let mut words = fetch.words.iter().copied();
    let mut named = None;
    let mut by_address = is_wget;
    while let Some(word) = words.next() {
        if let Some(rest) = word.strip_prefix("--output=") {
            named = Some(rest);
        } else if let Some(rest) = word.strip_prefix("--output-document=") {
            named = Some(rest);
        } else if matches!(word, "--output" | "--output-document") {
            named = words.next();
        } else if let Some(target) = redirected(word) {
            let target = Some(target).filter(|target| !target.is_empty());
            let target = target.or_else(|| words.next());
            // Another stream than the output has no file in it, and what is read is none.
            let is_output = word.trim_start_matches('1').starts_with('>');
            named = target.filter(|_| is_output).or(named);
        } else if word == "--remote-name" {
            by_address = true;
        } else if let Some(short) = word
            .strip_prefix('-')
            .filter(|short| !short.starts_with('-'))
        {
            // Of short options in one word, the last may take the next word: `-fsSLo FILE`.
            match (short.rsplit_once('o'), short.rsplit_once('O')) {
                (Some((_, "")), _) if !is_wget => named = words.next(),
                (_, Some((_, ""))) if is_wget => named = words.next(),
                (_, Some(_)) => by_address = true,
                _ => {}
            }
        }
    }
    let path = match named.map(bare) {
        Some("-" | "/dev/stdout") => return None,
        Some(path) => path,
        None if by_address => address(fetch)?.split(['?', '#']).next()?,
        None => return None,
    };
    let name = path.rsplit('/').next().unwrap_or(path);
    (!name.is_empty()).then_some(name)
}

/// The checks of a script, with the lines that belong to them.
fn checks(script: &str) -> Vec<Check> {
    let lines: Vec<&str> = script.lines().collect();
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let code = line.split(" #").next().unwrap_or_default();
        if code.trim_start().starts_with('#') {
            continue;
        }
        let simple = code.split([';', '|', '&', '(', ')', '`']);
        let mut simple = simple.map(|part| part.split_whitespace().map(bare).collect::<Vec<_>>());
        let is_check = |word: &&str| CHECKS.contains(&word.rsplit('/').next().unwrap_or(word));
        let Some(words) = simple.find(|words| words.iter().any(is_check)) else {
            continue;
        };
        let mut first = number;
        while first > 0 && is_continued(&lines, first) {
            first -= 1;
        }
        let above = lines.get(first..number).unwrap_or_default().join("\n");
        let mut text = format!("{above}\n{}", up_to_end(code));
        // What a here-document holds is read too.
        if code.contains("<<") && !code.contains("<<<") {
            text.push_str(&lines.get(number..).unwrap_or_default().join("\n"));
        }
        let behind = words.iter().skip_while(|word| !is_check(word)).skip(1);
        let is_option = |word: &&&str| matches!(**word, "-c" | "--check" | "-sc" | "-cs");
        let list = behind.skip_while(|word| !is_option(word)).skip(1);
        let list = list.take_while(|word| !is_redirection(word));
        let mut list = list.filter(|word| !word.starts_with('-'));
        let has_list = list.next().is_some();
        found.push(Check {
            line: number,
            text,
            has_list,
        });
    }
    found
}

/// A line up to the end of the first list of commands that has a check in it.
fn up_to_end(code: &str) -> &str {
    let from = CHECKS.iter().filter_map(|check| code.find(check)).min();
    let from = from.unwrap_or_default();
    let rest = code.get(from..).unwrap_or_default();
    let ends = ["&&", "||", ";"].into_iter();
    let end = ends.filter_map(|end| rest.find(end)).min();
    code.get(..from + end.unwrap_or(rest.len())).unwrap_or(code)
}

/// Whether a line belongs to the one before it.
fn is_continued(lines: &[&str], number: usize) -> bool {
    let above = number.checked_sub(1).and_then(|above| lines.get(above));
    let line = lines.get(number).copied().unwrap_or_default();
    let above = above.map_or("", |line| line.trim_end());
    above.ends_with('\\') || above.ends_with('|') || line.trim_start().starts_with('|')
}

#[cfg(test)]
mod tests {
    use super::super::shell::commands;
    use super::*;

    #[test]
    fn each_download_wants_a_check_that_speaks_of_it() {
        for (script, lines) in [
            ("curl -o a https://h/a\nsha256sum -c a.sums", &[][..]),
            (
                "curl -Lo /tmp/a https://h/x\necho 'x  /tmp/a' | sha256sum -c -",
                &[],
            ),
            (
                "curl -fsSLO https://h/a?b\necho 'x  a' \\\n  | sha256sum -c",
                &[],
            ),
            (
                "wget https://h/a\n[ \"$(sha256sum a | cut -c1-64)\" = x ]",
                &[],
            ),
            ("wget -qO b https://h/a\nsha256sum -c <<E\nx  b\nE", &[]),
            ("curl https://h/a >a\ngpg --verify a.sig a", &[]),
            (
                "curl -o \"$f\" https://h/a\necho \"x  $f\" | sha256sum -c -",
                &[],
            ),
            (
                "curl -o a https://h/a\ncurl -o b https://h/b\necho 'x  b' | sha256sum -c -",
                &[0],
            ),
            ("echo 'x  a' | sha256sum -c -\ncurl -o a https://h/a", &[1]),
            ("curl -fsSL https://h/a | bash", &[0]),
            ("curl -fsSL https://h/a | sha256sum", &[]),
            ("curl -O https://h/a\nsha256sum -c - <<<'x b' && ./a", &[0]),
            ("curl -o a https://h/a # sha256sum a", &[0]),
            ("U=https://h/a\ncurl -fsSLo a \"$U\"", &[1]),
            ("curl -o a h.test/a", &[0]),
            ("bash -c 'curl -o a https://h/a && ./a'", &[0]),
            ("sh -c \"$(curl -fsSL https://h/a)\"", &[0]),
            (
                "eval '\n curl -o a https://h/a'\necho 'x  a' | sha256sum -c -",
                &[],
            ),
            ("trap 'curl -o a https://h/a' EXIT", &[0]),
            ("eval curl -o a https://h/a", &[0]),
            ("cat urls | xargs -n1 curl -O", &[0]),
            ("curl -V 2>/tmp/err.log", &[]),
            ("curl -V 2> /tmp/err.log 0</dev/d.x", &[]),
            (
                "curl h.test/a 2>/tmp/e >>a\necho 'x  a' | sha256sum -c -",
                &[],
            ),
            (
                "curl h.test/a 1> a 2>/tmp/e\necho 'x  a' | sha256sum -c -",
                &[],
            ),
            ("curl h.test/a > a\nsha256sum -c - 0</tmp/x", &[0]),
            ("curl -H \"$AUTH\" --retry 3 -V", &[]),
            ("curl -o a $U\necho 'x  a' | sha256sum -c -", &[]),
            ("curl -o a \\\n  https://h/a\nsha256sum b", &[0]),
            (
                "curl -o - https://h/a | tar xz\nsha256sum -c - <<<'x  b'",
                &[0],
            ),
        ] {
            let all = commands(script);
            let found = unchecked(script, &all);
            let found: Vec<_> = found.iter().map(|command| command.line).collect();
            assert_eq!(found, lines, "{script}");
        }
    }
}
