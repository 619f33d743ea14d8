//! The README's commands, flags, variables, targets and exit codes are the program's.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use bootstrap::options::VARIABLES;

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn help(arguments: &[&str]) -> String {
    let program = Command::new(env!("CARGO_BIN_EXE_bootstrap"))
        .args(arguments)
        .arg("--help")
        .output()
        .unwrap();
    assert!(program.status.success(), "{arguments:?}");
    String::from_utf8(program.stdout).unwrap()
}

/// The command and, where it has commands of its own, those.
fn verbs(command: &[String]) -> Vec<&str> {
    let words = command[1..].iter().map(String::as_str);
    let words: Vec<_> = words.take_while(|word| !word.starts_with('-')).collect();
    let count = match words[..] {
        ["policy", "trust", ..] => 3,
        ["bundle" | "policy", ..] => 2,
        _ => 1,
    };
    words.into_iter().take(count).collect()
}

/// The `$ …` lines of the README's console blocks.
fn commands(readme: &str) -> Vec<Vec<String>> {
    let lines = readme.lines().filter_map(|line| line.strip_prefix("$ "));
    let words = |line: &str| {
        line.split('#')
            .next()
            .unwrap()
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    };
    lines.map(words).collect()
}

#[test]
fn every_command_and_flag_of_the_readme_exists() {
    let mut checked = 0;
    for command in commands(&file("README.md")) {
        match command[0].as_str() {
            "bootstrap" => {
                let help = help(&verbs(&command));
                for flag in command.iter().filter(|word| word.starts_with("--")) {
                    let is_known = help
                        .split_whitespace()
                        .any(|word| word.trim_end_matches(',') == flag);
                    assert!(is_known, "`bootstrap {}` has no {flag}", command[1]);
                }
                checked += 1;
            }
            "make" => {
                let target = format!("\n{}:", command[1]);
                assert!(
                    file("Makefile").contains(&target),
                    "there is no `make {}`",
                    command[1]
                );
                checked += 1;
            }
            "kubectl" => {}
            other => panic!("the README calls `{other}`, which this test does not know"),
        }
    }
    assert!(checked >= 9, "only {checked} commands were found");
}

#[test]
fn flags_in_the_text_of_the_readme_exist() {
    let commands = [
        "init",
        "install",
        "env",
        "uninstall",
        "kubeconfig",
        "token",
        "verify",
        "patch",
        "lint",
        "lock",
    ];
    let policies = [
        &["trust", "irsa"][..],
        &["trust", "cross-account"],
        &["trust", "oidc"],
        &["permissions"],
        &["check"],
    ];
    let policies = policies.map(|verbs| help(&[&["policy"], verbs].concat()));
    let bundles = ["create", "verify", "list"].map(|verb| help(&["bundle", verb]));
    let all =
        commands.map(|command| help(&[command])).concat() + &policies.concat() + &bundles.concat();
    for word in file("README.md").split(|c: char| c.is_whitespace() || "`(),.:;".contains(c)) {
        if word.starts_with("--") && word.len() > 2 && word.as_bytes()[2].is_ascii_lowercase() {
            assert!(all.contains(word), "no command has {word}");
        }
    }
}

#[test]
fn the_readme_and_the_help_agree_on_the_exit_codes() {
    let help = help(&[]);
    let readme = file("README.md");
    for code in 0..=6 {
        let row = readme
            .lines()
            .find(|line| line.starts_with(&format!("| {code} |")))
            .unwrap();
        let [_, _, meaning, action, _] = row.split('|').map(str::trim).collect::<Vec<_>>()[..]
        else {
            panic!("{row}");
        };
        let line = help
            .lines()
            .find(|line| line.starts_with(&format!("  {code}  ")))
            .unwrap();
        assert!(
            line.contains(meaning) && line.contains(action),
            "{line} <> {row}"
        );
    }
}

/// The names of our variables in a text.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_');
    words.filter(|word| word.starts_with("BOOTSTRAP_") && !word.ends_with('_'))
}

#[test]
fn the_table_of_variables_has_all_that_are_read_and_no_other() {
    let mut left = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut read = file("scripts/init.sh");
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if !path.ends_with("options/variables.rs") {
            read += &fs::read_to_string(path).unwrap();
        }
    }
    let read: BTreeSet<_> = variables(&read).collect();
    assert_eq!(read.into_iter().collect::<Vec<_>>(), VARIABLES);
}

#[test]
fn variables_and_files_of_the_readme_exist() {
    let readme = file("README.md");
    for name in variables(&readme) {
        assert!(VARIABLES.contains(&name), "{name} is not read anywhere");
    }
    for link in readme
        .split("](")
        .skip(1)
        .map(|rest| rest.split(')').next().unwrap())
    {
        assert!(
            Path::new(env!("CARGO_MANIFEST_DIR")).join(link).exists(),
            "there is no {link}"
        );
    }
}
