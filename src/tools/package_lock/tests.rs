//! Tests of package locks: real shapes, and hostile ones.

use proptest::prelude::*;

use super::*;

const INTEGRITY: &str = "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";

/// A lock with these entries, in which `SRI` stands for an integrity.
fn lock(entries: &str) -> Result<PackageLock, Error> {
    let entries = entries.replace("SRI", &format!(r#""integrity":"{INTEGRITY}""#));
    PackageLock::parse(&format!(
        r#"{{"lockfileVersion":3,"packages":{{"":{{}},{entries}}}}}"#
    ))
}

fn check(entries: &str, expected: &str) {
    let error = lock(entries).unwrap_err();
    assert_eq!(error.to_string(), expected, "{entries}");
}

#[test]
fn one_tarball_at_two_places_is_one_package() {
    let entries = r#"
        "node_modules/b/node_modules/a": {"version":"1.0.0", SRI},
        "node_modules/a": {"version":"1.0.0", SRI},
        "node_modules/@s/b": {"version":"2.0.0-rc.1", SRI}"#;
    let packages = lock(entries).unwrap().packages;
    assert_eq!(packages.len(), 2);
    assert_eq!(packages[0].tarball(), "@s/b/-/b-2.0.0-rc.1.tgz");
    assert_eq!(packages[1].tarball(), "a/-/a-1.0.0.tgz");
    assert_eq!(
        packages[1].paths,
        ["node_modules/a", "node_modules/b/node_modules/a"]
    );
    assert_eq!(
        packages[1].digest,
        Digest::from_integrity(INTEGRITY).unwrap()
    );
}

#[test]
fn an_alias_is_fetched_by_its_own_name_and_unpacked_under_the_other() {
    let packages = lock(r#""node_modules/short": {"name":"@s/long", "version":"1.0.0", SRI}"#)
        .unwrap()
        .packages;
    assert_eq!(packages[0].tarball(), "@s/long/-/long-1.0.0.tgz");
    assert_eq!(packages[0].paths, ["node_modules/short"]);
}

#[test]
fn what_is_optional_for_development_or_bundled_is_left_out() {
    for key in ["optional", "dev", "devOptional", "inBundle"] {
        let entries = format!(r#""node_modules/a": {{"version":"1.0.0", "{key}":true}}"#);
        assert_eq!(lock(&entries).unwrap().packages, [], "{key}");
    }
}

#[test]
fn the_tarball_of_any_registry_is_accepted_as_resolved() {
    for resolved in [
        "https://registry.example/a/-/a-1.0.0.tgz",
        "http://mirror.example/api/npm/all/a/-/a-1.0.0.tgz",
        "https://registry.example/a/-/a-1.0.0.tgz#0123",
    ] {
        let entries =
            format!(r#""node_modules/a": {{"version":"1.0.0", "resolved":"{resolved}", SRI}}"#);
        assert!(lock(&entries).is_ok(), "{resolved}");
    }
}

#[test]
fn what_does_not_come_from_a_registry_is_refused_by_name() {
    for resolved in [
        "git+ssh://git@host.example/o/a.git#0123",
        "git+https://host.example/o/a.git#0123",
        "https://host.example/o/a/archive/main.tar.gz",
        "https://registry.example/b/-/b-1.0.0.tgz",
        "https://registry.example/xa/-/a-1.0.0.tgz",
        "file:../a",
        "file:///a/-/a-1.0.0.tgz",
    ] {
        let entries =
            format!(r#""node_modules/a": {{"version":"1.0.0", "resolved":"{resolved}", SRI}}"#);
        check(
            &entries,
            "the package `node_modules/a` does not come from a registry: its `resolved` is not the URL of its tarball there",
        );
    }
}

#[test]
fn a_path_that_leaves_node_modules_is_refused() {
    for path in [
        "..",
        "/etc",
        "packages/a",
        "node_modules",
        "node_modules/",
        "node_modules/..",
        "node_modules/../../etc",
        "node_modules/a/../../..",
        "node_modules/a/b",
        "node_modules//a",
        "node_modules/a/",
        "node_modules/.bin",
        "node_modules/@s",
        "node_modules/@s/..",
        "node_modules/@../a",
        "node_modules/@s/a/b",
        "node_modules/a/node_modules/../b",
        "node_modules/node_modules/node_modules/a",
        "node_modules/a\\\\b",
        "node_modules/a\\u0000",
        "node_modules/é",
        "node_modules/%2e%2e",
    ] {
        let error = lock(&format!(r#""{path}": {{"version":"1.0.0", SRI}}"#)).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Package {
                    problem: Problem::Path,
                    ..
                }
            ),
            "{path}: {error}"
        );
    }
}

#[test]
fn a_package_that_cannot_be_pinned_or_fetched_is_refused() {
    for (entry, problem) in [
        (r#"{"version":"1.0.0"}"#, "has no `integrity`"),
        (
            r#"{"version":"1.0.0","integrity":"sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="}"#,
            "has an `integrity` without SHA-512 or SHA-256",
        ),
        (
            r#"{"version":"1.0.0","integrity":""}"#,
            "has an `integrity` without SHA-512 or SHA-256",
        ),
        (r#"{"version":"../1", SRI}"#, "has no version of a registry"),
        (
            r#"{"version":"1/../../x", SRI}"#,
            "has no version of a registry",
        ),
        (r"{SRI}", "has no version of a registry"),
        (
            r#"{"name":"../x","version":"1.0.0", SRI}"#,
            "has the name `../x`, which is not one of an npm package",
        ),
        (
            r#"{"link":true,"resolved":"packages/a"}"#,
            "is a link to a directory",
        ),
        (
            r#"{"version":"1.0.0","os":["darwin"], SRI}"#,
            "is required, but for some machines only (`os`, `cpu`)",
        ),
        (
            r#"{"version":"1.0.0","os":["!linux"], SRI}"#,
            "is required, but for some machines only (`os`, `cpu`)",
        ),
        (
            r#"{"version":"1.0.0","cpu":["x64"], SRI}"#,
            "is required, but for some machines only (`os`, `cpu`)",
        ),
    ] {
        check(
            &format!(r#""node_modules/a": {entry}"#),
            &format!("the package `node_modules/a` {problem}"),
        );
    }
}

#[test]
fn of_several_digests_the_strongest_counts() {
    let sha256 = "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
    for integrity in [
        format!("{sha256} {INTEGRITY}"),
        format!("{INTEGRITY} sha1-x {sha256}"),
    ] {
        let packages = lock(&format!(
            r#""node_modules/a": {{"version":"1.0.0", "integrity":"{integrity}"}}"#
        ))
        .unwrap();
        assert_eq!(
            packages.packages[0].digest,
            Digest::from_integrity(INTEGRITY).unwrap()
        );
    }
}

#[test]
fn a_lock_that_contradicts_itself_is_refused() {
    check(
        r#""node_modules/a": {"version":"1.0.0", SRI}, "node_modules/a": {"version":"1.0.0", SRI}"#,
        "the package `node_modules/a` is there twice",
    );
    check(
        r#""node_modules/a": {"version":"1.0.0", SRI},
           "node_modules/b/node_modules/a":
             {"version":"1.0.0","integrity":"sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="}"#,
        "the package `node_modules/b/node_modules/a` has another `integrity` than the same version elsewhere in the lock",
    );
}

#[test]
fn other_formats_are_refused() {
    for (text, error) in [
        ("", "it is not a package-lock.json"),
        ("[]", "it is not a package-lock.json"),
        (
            r#"{"lockfileVersion":3,"packages":[]}"#,
            "it is not a package-lock.json",
        ),
        (
            r#"{"lockfileVersion":1,"dependencies":{}}"#,
            "its lockfileVersion 1 is not 2 or 3 with `packages`",
        ),
        (
            r#"{"lockfileVersion":3}"#,
            "its lockfileVersion 3 is not 2 or 3 with `packages`",
        ),
        (
            r#"{"lockfileVersion":4,"packages":{}}"#,
            "its lockfileVersion 4 is not 2 or 3 with `packages`",
        ),
    ] {
        assert_eq!(
            PackageLock::parse(text).unwrap_err().to_string(),
            error,
            "{text}"
        );
    }
    assert!(PackageLock::parse(r#"{"lockfileVersion":2,"packages":{},"dependencies":{}}"#).is_ok());
}

proptest! {
    #[test]
    fn no_accepted_path_leaves_the_tree(path in "(node_modules/)?[a@./\\\\~%é]{0,12}(/node_modules/[a@.~]{0,4})?") {
        if let Some(name) = last_name(&path) {
            prop_assert!(is_package_name(name));
            for part in path.split('/') {
                prop_assert!(!matches!(part, "" | "." | ".."), "{}", path);
            }
        }
    }
}
