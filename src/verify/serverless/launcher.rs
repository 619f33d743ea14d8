//! The scripts that package managers and people put on `PATH` in the place of a program: what they start
//! is found without running it.

use std::path::{Path, PathBuf};

use crate::files;

/// What begins a path that a script writes from its own directory (pnpm and npm, cmd-shim).
const OWN_DIRECTORY: [&str; 3] = ["$basedir", "${basedir}", "$(dirname \"$0\")"];

/// What a script names that has `serverless` in its path, as it is on the disk; nothing of a program that
/// is no text.
pub(super) fn named(program: &Path) -> Vec<PathBuf> {
    let Ok(text) = files::read_own(program) else {
        return Vec::new();
    };
    if !text.starts_with("#!") {
        return Vec::new();
    }
    let Some(own) = program.parent() else {
        return Vec::new();
    };
    let own = OWN_DIRECTORY.iter().fold(text, |text, name| {
        text.replace(name, &own.display().to_string())
    });
    let lines = own
        .lines()
        .skip(1)
        .filter(|line| !line.trim_start().starts_with('#'));
    let words = lines
        .flat_map(|line| line.split(|char: char| char.is_whitespace() || "\"';=".contains(char)));
    let paths = words.filter(|word| word.starts_with('/') && word.contains("serverless"));
    paths
        .filter_map(|word| Path::new(word).canonicalize().ok())
        .collect()
}
