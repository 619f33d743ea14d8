//! Where the commands of a script write to, as far as their words say.

use super::downloads::is_download;
use super::shell::Command;

/// Whether a word is a redirection, or begins one.
pub(super) fn is_redirection(word: &str) -> bool {
    redirected(word).is_some()
}

/// What stands behind the sign of a redirection in one word with it, which may be nothing.
pub(super) fn redirected(word: &str) -> Option<&str> {
    // `{name}<file` has the shell choose a number.
    let named = word.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    let word = named.map_or(word, |(_, rest)| rest);
    let sign = word.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let is_one = sign.starts_with(['<', '>']);
    is_one.then(|| sign.trim_start_matches(['<', '>', '|']))
}

/// A word without its quotes.
pub(super) fn bare(word: &str) -> &str {
    word.trim_matches(['"', '\''])
}

/// Whether a path leads to where only root puts programs.
pub(super) fn is_system(path: &str) -> bool {
    path.starts_with("/usr/local/bin") || path.starts_with("/usr/bin")
}

/// Whether a command writes to a directory of the system that it names.
pub(super) fn writes_to_system(command: &Command<'_>) -> bool {
    let words = command.words.get(1..).unwrap_or_default();
    let is_redirected = |(index, word): (usize, &&str)| {
        let target =
            word.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '&');
        let Some(target) = target.strip_prefix('>') else {
            return false;
        };
        let target = target.trim_start_matches(['>', '|']);
        let next = || words.get(index + 1).copied().unwrap_or_default();
        is_system(bare(if target.is_empty() { next() } else { target }))
    };
    if words.iter().enumerate().any(is_redirected) {
        return true;
    }
    let plain = words.iter().take_while(|word| !is_redirection(word));
    let names = |word: &&str| {
        let path = word.rsplit_once('=').map_or(*word, |(_, path)| path);
        is_system(bare(
            path.trim_start_matches(['-', 'C', 'd', 'o', 'O', 't']),
        ))
    };
    match command.name() {
        // What they write is named last, or as the word of an option.
        "cp" | "install" | "ln" | "mv" => {
            let option = plain
                .clone()
                .any(|word| word.starts_with('-') && names(word));
            let behind = words
                .windows(2)
                .any(|pair| matches!(pair, ["-t", path] if is_system(bare(path))));
            option || behind || plain.last().is_some_and(names)
        }
        "mkdir" | "tee" | "touch" => {
            let mut plain = plain;
            plain.any(names)
        }
        // Where they unpack to; other words may be what they read.
        "bsdtar" | "tar" | "unzip" => {
            let joined = ["-C", "-d", "--directory="].into_iter();
            let mut joined = joined.flat_map(|option| {
                plain
                    .clone()
                    .filter_map(move |word| word.strip_prefix(option))
            });
            let behind = words.windows(2).any(
                |pair| matches!(pair, ["-C" | "-d" | "--directory", path] if is_system(bare(path))),
            );
            behind || joined.any(|path| is_system(bare(path)))
        }
        _ => is_download(command) && { plain }.any(names),
    }
}

/// Whether a command writes to where it runs.
pub(super) fn writes_here(command: &Command<'_>) -> bool {
    let has_directory = |options: &[&str]| {
        let mut words = command.words.iter();
        words.any(|word| options.iter().any(|option| word.starts_with(option)))
    };
    match command.name() {
        "bsdtar" | "tar" => !has_directory(&["-C", "--directory"]),
        "unzip" => !has_directory(&["-d"]),
        _ => {
            let mut words = command.words.iter();
            is_download(command)
                && !words
                    .any(|word| bare(word).starts_with('/') || matches!(*word, "-" | "/dev/stdout"))
        }
    }
}
