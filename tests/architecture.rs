//! No module imports one above it: the table of ARCHITECTURE.md, held against the source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each module of `src/` may import of the others.
const ALLOWED: &[(&str, &str)] = &[
    ("cli", "commands context error options"),
    (
        "commands",
        "arn cluster conclusion context deadline delegate diff error fault files options platform policy report tools verify yaml",
    ),
    (
        "conclusion",
        "config context error fault files options platform report tools verify",
    ),
    (
        "options",
        "arn aws backoff cache cluster config context deadline error fault files http platform report runtime timespan tools verify yaml",
    ),
    (
        "config",
        "arn backoff cluster strict_yaml timespan tools verify",
    ),
    ("context", ""),
    (
        "error",
        "aws cluster deadline delegate fault files policy tools yaml",
    ),
    ("report", "cluster tools verify"),
    (
        "verify",
        "arn aws cluster deadline files http program runtime tools",
    ),
    (
        "tools",
        "archive cache deadline digest elf fault files http platform program strict_yaml",
    ),
    (
        "cluster",
        "arn aws backoff deadline digest fault files http program runtime yaml",
    ),
    ("aws", "arn backoff deadline fault files http runtime"),
    ("delegate", "arn cluster fault strict_yaml yaml"),
    ("policy", "arn delegate fault yaml"),
    ("archive", "cache deadline digest"),
    ("arn", ""),
    ("backoff", ""),
    ("cache", "digest"),
    ("deadline", ""),
    ("diff", "yaml"),
    ("digest", ""),
    ("elf", "platform"),
    ("fault", ""),
    ("files", "deadline"),
    ("http", "backoff cache deadline digest runtime"),
    ("platform", ""),
    ("program", "deadline elf platform"),
    ("runtime", ""),
    ("strict_yaml", ""),
    ("timespan", "strict_yaml"),
    ("yaml", "fault strict_yaml"),
];

/// Words that only these modules, and what is below them, may use: one door each to the outside.
const DOORS: &[(&str, &[&str])] = &[
    ("std::env::", &["context"]),
    ("reqwest", &["http"]),
    ("aws_sdk_", &["aws"]),
    (
        "kube::",
        &["cluster/access", "cluster/exec_plugin", "cluster/server"],
    ),
    ("async fn", &["aws", "cluster/server", "http"]),
    ("tokio::", &["cluster/server", "http", "runtime"]),
    ("clap", &["cli", "commands", "options", "report"]),
    ("io::stdout", &["context"]),
    ("io::stderr", &["context", "report"]),
    ("OpenOptions", &["archive", "cache", "files"]),
    ("ExitCode", &["cli", "commands", "conclusion", "main"]),
];

/// The source of each module without comments and unit tests.
fn modules() -> BTreeMap<String, String> {
    let mut modules = BTreeMap::<String, String>::new();
    for (path, code) in sources() {
        let name = path.split('/').next().unwrap().to_owned();
        *modules.entry(name).or_default() += &code;
    }
    modules
}

/// The same by file: `cluster/server` for `cluster/server.rs`.
fn sources() -> BTreeMap<String, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = BTreeMap::new();
    for path in files(&source) {
        let relative = path.strip_prefix(&source).unwrap().with_extension("");
        if relative.ends_with("tests") || relative == Path::new("lib") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let lines = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let code: Vec<_> = lines.collect();
        sources.insert(
            relative.to_str().unwrap().to_owned(),
            code.join("\n") + "\n",
        );
    }
    sources
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// The modules that `use crate::a…`, `crate::{a, b}` and the like name.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, rest) in code
        .match_indices("crate::")
        .map(|(at, found)| (at, &code[at + found.len()..]))
    {
        let group = rest
            .strip_prefix('{')
            .map(|group| group.split_once("};").unwrap().0);
        for name in group.map_or(vec![rest], |group| {
            group.split(',').map(str::trim).collect()
        }) {
            let end = name
                .find(|c: char| !c.is_ascii_lowercase() && c != '_')
                .unwrap_or(name.len());
            found.insert(name[..end].to_owned());
        }
    }
    found.remove("");
    found
}

#[test]
fn no_module_imports_one_that_it_may_not() {
    for (name, code) in modules() {
        if name == "main" {
            continue;
        }
        let allowed = ALLOWED.iter().find(|(module, _)| *module == name);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("`{name}` is not in the table"));
        for import in imports(&code) {
            let is_allowed = import == name || allowed.split(' ').any(|module| module == import);
            assert!(
                is_allowed,
                "`{name}` imports `{import}`, which the table does not allow"
            );
        }
    }
}

#[test]
fn the_table_has_no_cycle_and_nothing_that_is_not_used() {
    let modules = modules();
    let mut below = BTreeSet::new();
    let mut left: Vec<_> = ALLOWED.to_vec();
    while !left.is_empty() {
        let before = left.len();
        left.retain(|(name, allowed)| {
            let is_grounded = allowed
                .split_whitespace()
                .all(|module| below.contains(module));
            is_grounded.then(|| below.insert(*name));
            !is_grounded
        });
        assert_ne!(left.len(), before, "these import each other: {left:?}");
    }
    for (name, allowed) in ALLOWED {
        let used = imports(
            modules
                .get(*name)
                .unwrap_or_else(|| panic!("there is no `{name}`")),
        );
        for module in allowed.split_whitespace() {
            assert!(
                used.contains(module),
                "`{name}` need not be allowed `{module}`"
            );
        }
    }
}

#[test]
fn each_way_to_the_outside_has_its_modules() {
    for (name, code) in sources() {
        for (word, doors) in DOORS {
            let is_at = |door: &&str| {
                let rest = name.strip_prefix(door);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            assert!(
                !code.contains(word) || doors.iter().any(is_at),
                "`{name}` may not use `{word}`"
            );
        }
    }
}

#[test]
fn commands_do_not_know_each_other() {
    let commands = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands");
    for path in files(&commands) {
        assert!(
            !fs::read_to_string(&path)
                .unwrap()
                .contains("crate::commands"),
            "{}",
            path.display()
        );
    }
}
