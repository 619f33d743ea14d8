//! `lock --from`: pins of files that somebody has at hand.

use bootstrap::platform::{Arch, Platform};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::vendor::artifact;
use crate::world::World;

const INTEGRITY: &str = "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";

/// A user's `package-lock.json` of this version of Serverless and one more package.
fn package_lock(format: u32, version: &str, more: &Value) -> Value {
    json!({
        "name": "mine",
        "lockfileVersion": format,
        "packages": {
            "": { "dependencies": { "serverless": version } },
            "node_modules/serverless": {
                "version": version,
                "resolved": format!("https://npm.example/serverless/-/serverless-{version}.tgz"),
                "integrity": INTEGRITY,
                "bin": { "serverless": "bin/serverless.js" },
            },
            "node_modules/b": more,
        },
    })
}

fn good() -> Value {
    json!({ "version": "1.0.0", "integrity": INTEGRITY })
}

/// A world with this package lock in the working directory.
fn world(lock: &Value) -> World {
    let world = World::new();
    world.write("work/package-lock.json", lock.to_string());
    world
}

fn lock(world: &World, tool: &str) -> crate::world::Run {
    world.bootstrap(&["lock", tool, "--from", "package-lock.json"])
}

#[test]
fn a_package_lock_of_npm_7_or_newer_pins_any_version_of_its_series() {
    for (format, version) in [(2, "2.72.4"), (3, "3.39.0")] {
        let text = package_lock(format, version, &good());
        let world = world(&text);
        let run = lock(&world, "serverless").exits(0);
        assert!(run.stdout.contains(version), "{run}");
        let name = format!("work/serverless-{version}.package-lock.json");
        assert_eq!(world.read(&name), text.to_string(), "byte for byte");
        let pinned = world.read("work/bootstrap.lock");
        assert!(
            pinned.contains("          proof: file\n") || pinned.contains("      proof: file\n"),
            "{pinned}"
        );
        assert!(pinned.contains("  node:\n"), "{pinned}");
        // It is what an installation reads; the packages themselves are nowhere here.
        world.bootstrap(&["lock", "--check"]).exits(0);
        let before = world.tree("work");
        lock(&world, &format!("serverless@{version}")).exits(0);
        assert_eq!(world.tree("work"), before);
    }
}

#[test]
fn a_package_lock_that_cannot_be_installed_from_is_refused() {
    let check = |lock_text: &Value, tool: &str| {
        let world = world(lock_text);
        let run = lock(&world, tool);
        assert_eq!(world.tree("work"), ["package-lock.json"]);
        run.to_string()
    };
    let with = |more: Value| package_lock(3, "3.39.0", &more);
    let git = json!({ "version": "1.0.0", "resolved": "git+ssh://git@github.com/a/b.git#0123" });
    assert_snapshot!(check(&with(git), "serverless"), @"
    --- stderr ---
    error: `[WORLD]/work/package-lock.json` cannot be installed from
    caused by: the package `node_modules/b` does not come from a registry: its `resolved` is not the URL of its tarball there
    hint: publish the package to a registry and depend on that
    [exit 6]
    ");
    let http = json!({ "version": "1.0.0", "resolved": "http://files.example/b.tgz", "integrity": INTEGRITY });
    assert_snapshot!(check(&with(http), "serverless"), @"
    --- stderr ---
    error: `[WORLD]/work/package-lock.json` cannot be installed from
    caused by: the package `node_modules/b` does not come from a registry: its `resolved` is not the URL of its tarball there
    hint: publish the package to a registry and depend on that
    [exit 6]
    ");
    assert_snapshot!(check(&with(json!({ "version": "1.0.0" })), "serverless"), @"
    --- stderr ---
    error: `[WORLD]/work/package-lock.json` cannot be installed from
    caused by: the package `node_modules/b` has no `integrity`
    hint: delete `node_modules` and the lock, and let npm make the lock again
    [exit 6]
    ");
    let sha1 = json!({ "version": "1.0.0", "integrity": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=" });
    assert_snapshot!(check(&with(sha1), "serverless"), @"
    --- stderr ---
    error: `[WORLD]/work/package-lock.json` cannot be installed from
    caused by: the package `node_modules/b` has an `integrity` without SHA-512 or SHA-256
    hint: delete `node_modules` and the lock, and let npm make the lock again
    [exit 6]
    ");
    assert_snapshot!(check(&json!({ "lockfileVersion": 1, "dependencies": {} }), "serverless"), @"
    --- stderr ---
    error: `[WORLD]/work/package-lock.json` cannot be installed from
    caused by: its lockfileVersion 1 is not 2 or 3 with `packages`
    hint: make it again with npm 7 or newer
    [exit 6]
    ");
    assert_snapshot!(check(&json!([]), "serverless"), @"
    --- stderr ---
    error: `[WORLD]/work/package-lock.json` cannot be installed from
    caused by: it is not a package-lock.json
    caused by: invalid length 0, expected struct Document with 2 elements at line 1 column 2
    [exit 6]
    ");
    assert_snapshot!(check(&json!({ "lockfileVersion": 3, "packages": {} }), "serverless"), @"
    --- stderr ---
    error: `[WORLD]/work/package-lock.json` has no serverless that programs would find
    hint: make it with `npm install --package-lock-only serverless@VERSION` in an empty directory
    [exit 6]
    ");
    assert_snapshot!(check(&with(good()), "serverless@3.38.0"), @"
    --- stderr ---
    error: `[WORLD]/work/package-lock.json` holds serverless 3.39.0, and 3.38.0 was asked for
    hint: ask for serverless@3.39.0, or for serverless without a version
    [exit 6]
    ");
    assert_snapshot!(check(&package_lock(3, "4.43.0", &good()), "serverless"), @"
    --- stderr ---
    error: serverless 4.43.0 cannot be pinned: 4.x asks for a licence key whenever it runs, and downloads what is not pinned; 1.x is older than what was tried
    hint: `bootstrap install --list` shows the versions that need nothing else; others of the same series take --from package-lock.json
    [exit 2]
    ");
}

#[test]
fn a_package_lock_does_not_take_the_place_of_the_catalogs_for_the_same_version() {
    let world = world(&package_lock(3, "3.40.0", &good()));
    world.bootstrap(&["lock", "serverless@3.40.0"]).exits(0);
    let run = lock(&world, "serverless").exits(4);
    run.says("the catalog says that serverless 3.40.0 for any is sha256:");
}

#[test]
fn an_artifact_at_hand_is_pinned_by_its_path_and_installed() {
    let world = World::new();
    let host = Platform::host();
    world.write("work/kubectl", artifact("kubectl", "1.99.0", host.arch));
    let run = world.bootstrap(&["lock", "kubectl@1.99.0", "--from", "kubectl"]);
    assert_snapshot!(run.to_string().replace(&host.to_string(), "linux/THIS"), @"
    TOOL     VERSION  PLATFORM     SIZE   STATE  PROOF
    kubectl  1.99.0   linux/THIS  177 B  added  file
    [WORLD]/work/bootstrap.lock was written
    [exit 0]
    ");
    let run = world
        .bootstrap(&["install", "-q", "--locked", "--offline", "kubectl"])
        .exits(0);
    assert_eq!(run.states(), ["kubectl 1.99.0 installed"]);

    // The other platform's joins it, and a rebuilt one takes its place.
    let other = if host.arch == Arch::Amd64 {
        Arch::Arm64
    } else {
        Arch::Amd64
    };
    world.write("work/other", artifact("kubectl", "1.99.0", other));
    let platform = format!("linux/{}", other.go());
    let args = [
        "lock",
        "kubectl",
        "--from",
        "other",
        "--platform",
        &platform,
    ];
    let run = world.bootstrap(&args).exits(0);
    assert_eq!(run.stdout.matches("kubectl  1.99.0").count(), 2, "{run}");
    world.write(
        "work/kubectl",
        artifact("kubectl", "1.99.0 rebuilt", host.arch),
    );
    let run = world
        .bootstrap(&["lock", "kubectl", "--from", "kubectl"])
        .exits(0);
    assert!(run.stdout.contains("changed"), "{run}");
}

#[test]
fn a_file_that_is_something_else_is_refused() {
    let world = World::new();
    let check = |contents: &[u8], args: &[&str]| {
        world.write("work/file", contents);
        let run = world.bootstrap(&[&["lock", "--from", "file"], args].concat());
        assert!(!world.path("work/bootstrap.lock").exists());
        run.to_string()
    };
    assert_snapshot!(check(b"<html>", &["kubectl@1.99.0"]), @"
    --- stderr ---
    error: the file cannot be pinned
    caused by: [WORLD]/work/file is not an ELF file: it starts with `<html>`
    hint: name the file as its vendor publishes it, and with --platform what it is for
    [exit 6]
    ");
    assert_snapshot!(check(b"<html>", &["aws-cli@2.99.0"]), @"
    --- stderr ---
    error: the file cannot be pinned
    caused by: `[WORLD]/work/file` is not a zip archive
    hint: name the file as its vendor publishes it, and with --platform what it is for
    [exit 6]
    ");
    assert_snapshot!(check(b"<html>", &["node@99.0.0"]), @"
    --- stderr ---
    error: the file cannot be pinned
    caused by: `[WORLD]/work/file` is not a tar.gz archive
    hint: name the file as its vendor publishes it, and with --platform what it is for
    [exit 6]
    ");
    assert_snapshot!(check(b"", &["kubectl"]), @"
    --- stderr ---
    error: it is not said which version of kubectl `[WORLD]/work/file` is
    hint: say kubectl@VERSION
    [exit 2]
    ");
    assert_snapshot!(check(b"", &["kubectl@latest"]), @"
    --- stderr ---
    error: `latest` is looked up, and --from is a file
    hint: say kubectl@VERSION
    [exit 2]
    ");
    assert_snapshot!(check(b"", &["kubectl@1.99.0", "node"]), @"
    --- stderr ---
    error: --from is a file of one tool
    [exit 2]
    ");
    assert_snapshot!(check(b"", &["helm@3.0.0"]), @"
    --- stderr ---
    error: neither the catalog nor the lock says how helm is laid out
    hint: write an entry for helm with `layout`, `programs` and `smoke` into the lock first
    [exit 2]
    ");
    let foreign = artifact("kubectl", "1.99.0", Arch::Arm64);
    let told = check(&foreign, &["kubectl@1.99.0", "--platform", "linux/amd64"]);
    assert!(
        told.contains("is for aarch64, and not for linux/amd64") && told.ends_with("[exit 6]"),
        "{told}"
    );
    let from = |file: &str| world.bootstrap(&["lock", "kubectl@1.99.0", "--from", file]);
    from("nowhere").exits(2);
    for file in ["/dev/zero", "."] {
        from(file).exits(1).says("it is not a regular file");
    }
    world.bootstrap(&["lock", "--from", "file"]).exits(2);
    world
        .bootstrap(&["lock", "--platform", "any", "node"])
        .exits(2);
}

#[test]
fn a_file_with_other_bytes_than_the_catalog_has_is_refused() {
    let world = World::new();
    let bytes = artifact("kubectl", "1.35.2", Arch::Amd64);
    world.write("work/kubectl", bytes);
    let args = [
        "lock",
        "kubectl@1.35.2",
        "--from",
        "kubectl",
        "--platform",
        "linux/amd64",
    ];
    assert_snapshot!(world.bootstrap(&args), @"
    --- stderr ---
    error: the file is sha256:[HEX], and the catalog says that kubectl 1.35.2 for linux/amd64 is sha256:[HEX]
    hint: these are not the bytes that were proved: find out where the file comes from
    [exit 4]
    ");
    assert!(!world.path("work/bootstrap.lock").exists());
}
