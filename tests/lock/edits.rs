//! Locks that people edited: what is kept, and what is told with its line.

use insta::assert_snapshot;

use crate::fixture::Fixture;
use crate::world::World;

/// A world with a lock of the catalog's kubectl, changed like this.
fn edited(from: &str, to: &str) -> World {
    let world = World::new();
    world.bootstrap(&["lock", "kubectl@1.35.2"]).exits(0);
    let text = world.read("work/bootstrap.lock");
    assert!(text.contains(from), "{text}");
    world.write("work/bootstrap.lock", text.replacen(from, to, 1));
    world
}

const AMD64: &str = "924eb50779153f20cb668117d141440b95df2f325a64452d78dff9469145e277";

#[test]
fn a_digest_that_was_edited_is_told_with_its_line_and_nothing_is_written() {
    let evil = AMD64.replace("924", "925");
    let world = edited(AMD64, &evil);
    let before = world.read("work/bootstrap.lock");
    assert_snapshot!(world.bootstrap(&["lock"]), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.lock:9:17: the lock pins kubectl 1.35.2 for linux/amd64 as sha256:[HEX], and the catalog says sha256:[HEX]
    hint: find out who changed the digest; only if the other bytes are meant, delete the entry from the lock and lock it again
    [exit 4]
    ");
    for args in [
        &["lock", "--check"][..],
        &["lock", "kubectl"],
        &["lock", "kubectl@1.35.2", "node"],
    ] {
        let run = world.bootstrap(args).exits(4);
        run.says(
            "work/bootstrap.lock:9:17: the lock pins kubectl 1.35.2 for linux/amd64 as sha256:925",
        );
    }
    assert_eq!(world.read("work/bootstrap.lock"), before);
}

#[test]
fn a_digest_for_all_platforms_must_be_one_that_the_catalog_has() {
    let lock = |hex: &str| {
        let world = World::new();
        let url = "https://dl.k8s.io/release/v1.35.2/bin/linux/amd64/kubectl";
        world.write(
            "work/bootstrap.lock",
            format!("version: 1\ntools:\n  kubectl:\n    version: 1.35.2\n    artifacts:\n      any: {{ url: \"{url}\", digest: \"sha256:{hex}\" }}\n"),
        );
        world.bootstrap(&["lock", "--check"])
    };
    lock(AMD64).exits(0);
    lock(&AMD64.replace("924", "925"))
        .exits(4)
        .says("bootstrap.lock:6:");
}

#[test]
fn a_version_that_was_edited_does_not_fit_its_digests() {
    let world = edited("version: 1.35.2", "version: 1.20.0");
    let run = world.bootstrap(&["lock"]).exits(4);
    run.says("bootstrap.lock:9:17: the lock pins kubectl 1.20.0 for linux/amd64 as");
}

#[test]
fn a_lock_of_a_newer_format_or_with_a_mistake_is_left_alone() {
    let world = edited("version: 1\n", "version: 7\n");
    assert_snapshot!(world.bootstrap(&["lock", "kubectl"]), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.lock:2:10: format version 7 is not one that this program reads: it reads up to 1
    [exit 6]
    ");
    let world = edited("proof:", "prof:");
    assert_snapshot!(world.bootstrap(&["lock", "kubectl"]), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.lock:10:9: tools.kubectl.artifacts.linux/amd64: unknown field `prof`, expected one of `url`, `digest`, `size`, `proof`
    [exit 6]
    ");
    let world = edited("linux/arm64", "linux/amd64");
    let run = world.bootstrap(&["lock", "--check"]).exits(6);
    run.says("the key `linux/amd64` is there twice");
}

#[test]
fn comments_above_are_kept_and_those_below_are_told() {
    let world = edited("# Written", "# The tools of team A.\n\n# Written");
    let text = world.read("work/bootstrap.lock");
    let text = text.replace("  kubectl:\n", "  kubectl: # because of B\n");
    world.write("work/bootstrap.lock", &text);
    // Nothing changes, so nothing is lost.
    world.bootstrap(&["lock"]).exits(0);
    assert_eq!(world.read("work/bootstrap.lock"), text);
    let run = world.bootstrap(&["lock", "node"]).exits(0);
    run.says("work/bootstrap.lock:6: comments below the first lines are not kept");
    let text = world.read("work/bootstrap.lock");
    assert!(
        text.starts_with("# The tools of team A.\n\n# Written"),
        "{text}"
    );
    assert!(!text.contains("because"), "{text}");
}

#[test]
fn a_lock_keeps_its_mode_and_a_link_to_it_stays_one() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = edited("version", "version");
    let file = world.path("work/bootstrap.lock");
    let real = world.path("real.lock");
    std::fs::rename(&file, &real).unwrap();
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&real, &file).unwrap();
    world.bootstrap(&["lock", "node"]).exits(0);
    assert!(file.is_symlink() && world.read("real.lock").contains("  node:\n"));
    let mode = std::fs::metadata(&real).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn a_file_of_somebody_elses_is_not_overwritten_by_a_package_lock() {
    let world = World::new();
    world.write("work/serverless-3.40.0.package-lock.json", "precious");
    assert_snapshot!(world.bootstrap(&["lock", "serverless"]), @"
    --- stderr ---
    error: cannot write `[WORLD]/work/serverless-3.40.0.package-lock.json`
    caused by: entity already exists
    hint: move that file away: it is another one, and the lock does not name it
    [exit 1]
    ");
    assert_eq!(
        world.read("work/serverless-3.40.0.package-lock.json"),
        "precious"
    );
    assert!(!world.path("work/bootstrap.lock").exists());
}

#[test]
fn a_package_lock_that_was_altered_or_is_gone_is_found_out() {
    let world = World::new();
    world.bootstrap(&["lock", "serverless@2.50.0"]).exits(0);
    let name = "work/serverless-2.50.0.package-lock.json";
    let text = world.read(name);
    world.write(name, text.replacen("sha512-", "sha512-A", 1));
    for args in [&["lock"][..], &["lock", "--check"]] {
        let run = world.bootstrap(args).exits(4);
        run.says("is not the file that the lock pins");
    }
    std::fs::remove_file(world.path(name)).unwrap();
    world.bootstrap(&["lock", "--check"]).exits(3);
    // One that the catalog does not have cannot be written again.
    let own = format!("{text}\n");
    world.write("work/own.json", &own);
    let pin = ["lock", "serverless@2.50.0", "--from", "own.json"];
    let lock = world.read("work/bootstrap.lock");
    world.write(
        "work/bootstrap.lock",
        lock.replace("proof: catalog", "proof: file"),
    );
    world.bootstrap(&pin).exits(0);
    world.bootstrap(&["lock", "--check"]).exits(0);
    std::fs::remove_file(world.path(name)).unwrap();
    for args in [&["lock"][..], &["lock", "--check"]] {
        world
            .bootstrap(args)
            .exits(6)
            .says("cannot be read")
            .says("hint: put the file back");
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_a_failure_of_this_machine() {
    let world = World::new();
    world.write("work/file", "");
    let run = world
        .bootstrap(&["lock", "--lock", "file/bootstrap.lock", "node"])
        .exits(1);
    run.says("file");
}

#[test]
fn locked_takes_what_the_lock_pins_and_looks_nowhere_else() {
    let world = World::new();
    assert_snapshot!(world.bootstrap(&["install", "--locked", "node"]), @"
    --- stderr ---
    error: --locked takes what the lock pins alone, and there is no lock
    hint: make one with `bootstrap lock`, name it with --lock (BOOTSTRAP_LOCK), or leave --locked out
    [exit 2]
    ");
    assert_snapshot!(world.bootstrap(&["init", "--locked", "--tools", "node"]), @"
    --- stderr ---
    error: --locked takes what the lock pins alone, and there is no lock
    hint: make one with `bootstrap lock`, name it with --lock (BOOTSTRAP_LOCK), or leave --locked out
    [exit 2]
    ");
    let hello = Fixture::script("hello", "1.0.0");
    let (world, _server) = World::pinning(&[&hello]);
    let run = world
        .bootstrap(&["init", "--locked", "--tools", "hello,node"])
        .exits(2);
    run.says("the lock does not pin node");
    assert_snapshot!(world.bootstrap(&["install", "--locked", "--accept-existing", "hello"]), @"
    --- stderr ---
    error: --locked takes what the lock pins alone, and --accept-existing what nobody pinned
    hint: leave one of them out (BOOTSTRAP_LOCKED, BOOTSTRAP_ACCEPT_EXISTING)
    [exit 2]
    ");
    world
        .bootstrap(&["init", "--locked", "--tools", "hello"])
        .exits(0);
    let world = world.with("BOOTSTRAP_LOCKED", "true");
    world
        .bootstrap(&["install", "node"])
        .exits(2)
        .says("does not pin node");
}
