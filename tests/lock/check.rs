//! `lock --check`: whether the lock still says what is wanted, without asking anybody.

use insta::assert_snapshot;

use crate::world::World;

fn world(tools: &str) -> World {
    let world = World::new();
    let yaml = format!("version: 1\ntools: [{tools}]\n");
    world.write("work/bootstrap.yaml", yaml);
    world
}

fn check(world: &World) -> String {
    world.bootstrap(&["lock", "--check"]).to_string()
}

#[test]
fn a_lock_that_says_what_is_wanted_is_up_to_date() {
    let world = world("kubectl, serverless@2.50.0");
    assert_snapshot!(check(&world), @"
    [WORLD]/work/bootstrap.lock: there is no lock
    --- stderr ---
    hint: run `bootstrap lock`, and keep what it writes with your sources
    [exit 3]
    ");
    world.bootstrap(&["lock"]).exits(0);
    let before = world.times();
    assert_snapshot!(check(&world), @"
    [WORLD]/work/bootstrap.lock is up to date
    [exit 0]
    ");
    assert_eq!(world.times(), before);
}

#[test]
fn what_is_missing_is_listed() {
    let world = world("kubectl@1.20.0, serverless");
    world.bootstrap(&["lock"]).exits(0);
    let text = world.read("work/bootstrap.lock");
    let arm = text
        .find("      linux/arm64:\n        url: https://nodejs")
        .unwrap();
    let end = text[arm..].find("  serverless:").unwrap();
    world.write(
        "work/bootstrap.lock",
        format!("{}{}", &text[..arm], &text[arm + end..]),
    );
    let tools = "version: 1\ntools: [kubectl@1.35.2, serverless, aws-cli]\n";
    world.write("work/bootstrap.yaml", tools);
    assert_snapshot!(check(&world), @"
    [WORLD]/work/bootstrap.lock: the lock pins kubectl 1.20.0, and 1.35.2 is wanted
    [WORLD]/work/bootstrap.lock: aws-cli is not in the lock
    [WORLD]/work/bootstrap.lock: the lock has no node 22.22.2 for linux/arm64
    --- stderr ---
    hint: run `bootstrap lock`, and keep what it writes with your sources
    [exit 3]
    ");
    let run = world
        .bootstrap(&["lock", "--check", "--output", "json"])
        .exits(3);
    let result: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(result["stale"].as_array().unwrap().len(), 3);
    assert_eq!(run.stderr, "");
    // And what it lists, a run without --check mends.
    world.bootstrap(&["lock"]).exits(0);
    world.bootstrap(&["lock", "--check"]).exits(0);
}

#[test]
fn a_need_that_is_not_met_is_listed() {
    let world = world("node@14.21.0");
    world.bootstrap(&["lock"]).exits(0);
    world.bootstrap(&["lock", "serverless@2.50.0"]).exits(0);
    world.write(
        "work/bootstrap.yaml",
        "version: 1\ntools: [serverless@2.50.0]\n",
    );
    world.bootstrap(&["lock", "--check"]).exits(0);
    // A newer one needs a newer node, which comes with it.
    let run = world.bootstrap(&["lock", "serverless@3.40.0"]).exits(0);
    assert!(run.stdout.contains("node        22.22.2"), "{run}");
    let text = world
        .read("work/bootstrap.lock")
        .replace("version: 22.22.2", "version: 14.0.0")
        .replace("proof: catalog", "proof: file");
    world.write("work/bootstrap.lock", text);
    let run = world.bootstrap(&["lock", "--check", "serverless"]).exits(3);
    assert!(
        run.stdout
            .contains("serverless 3.40.0 needs node 16 or newer, and the lock pins 14.0.0"),
        "{run}"
    );
}

#[test]
fn nobody_is_asked_for_the_newest() {
    let world = World::new();
    world.bootstrap(&["lock", "kubectl"]).exits(0);
    assert_snapshot!(world.bootstrap(&["lock", "--check", "kubectl@latest"]), @"
    --- stderr ---
    error: `latest` is looked up, and --check asks nobody
    hint: name the version, or none
    [exit 2]
    ");
    for flag in ["--update", "--diff", "--trust-on-first-use"] {
        world.bootstrap(&["lock", "--check", flag]).exits(2);
    }
}

/// A lock of kubectl with something in the place of something else.
fn edited(old: &str, new: &str) -> World {
    let world = world("kubectl@1.35.2");
    world.bootstrap(&["lock"]).exits(0);
    let text = world.read("work/bootstrap.lock");
    assert!(text.contains(old), "{text}");
    world.write("work/bootstrap.lock", text.replacen(old, new, 1));
    world
}

#[test]
fn a_proof_that_does_not_hold_is_refused_at_its_line() {
    let forged = world("kubectl@1.35.99");
    forged.bootstrap(&["lock", "kubectl@1.35.2"]).exits(0);
    let text = forged
        .read("work/bootstrap.lock")
        .replace("1.35.2", "1.35.99");
    forged.write("work/bootstrap.lock", text);
    assert_snapshot!(check(&forged), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.lock:10:16: the lock says `proof: catalog` of kubectl 1.35.99 for linux/amd64, and the catalog of this program has no such pin
    hint: find out who wrote it: to have it proved anew, delete the entry and lock it again; where a key of your own signs, name it with --signing-key
    [exit 4]
    ");
    let signed = edited(
        "proof: catalog",
        "proof: signature FB5DB77FD5C118B80511ADA8A6310ACC4672475C",
    );
    assert_snapshot!(check(&signed), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.lock:10:16: the lock says `proof: signature FB5DB77FD5C118B80511ADA8A6310ACC4672475C` of kubectl 1.35.2 for linux/amd64, and its vendor signs nothing
    hint: find out who wrote it: to have it proved anew, delete the entry and lock it again; where a key of your own signs, name it with --signing-key
    [exit 4]
    ");
    let packages = world("serverless@2.50.0");
    packages.bootstrap(&["lock"]).exits(0);
    let name = "serverless-2.50.0.package-lock.json";
    let text = packages.read(&format!("work/{name}")) + "\n";
    let digest = crate::fixture::sha256(text.as_bytes()).to_string();
    packages.write(&format!("work/{name}"), text);
    let lock = packages.read("work/bootstrap.lock");
    let (head, tail) = lock
        .split_once("serverless-2.50.0.package-lock.json\n      digest: ")
        .unwrap();
    let (_, tail) = tail.split_once('\n').unwrap();
    packages.write(
        "work/bootstrap.lock",
        format!("{head}{name}\n      digest: {digest}\n{tail}"),
    );
    packages
        .bootstrap(&["lock", "--check"])
        .exits(4)
        .says("bootstrap.lock:")
        .says("has no such pin");
}

#[test]
fn one_file_for_two_processors_is_refused() {
    let world = world("kubectl@1.35.2");
    world.bootstrap(&["lock"]).exits(0);
    let text = world.read("work/bootstrap.lock");
    let digests: Vec<_> = text
        .lines()
        .filter(|line| line.contains("digest:"))
        .collect();
    let text = text
        .replace("1.35.2", "1.35.99")
        .replace(digests[1], digests[0])
        .replace("proof: catalog", "proof: file");
    world.write("work/bootstrap.lock", text);
    world.write(
        "work/bootstrap.yaml",
        "version: 1\ntools: [kubectl@1.35.99]\n",
    );
    for args in [&["lock", "--check"][..], &["lock"]] {
        world.bootstrap(args).exits(6).says(
            "bootstrap.lock:13:17: the same bytes are pinned for all processors as kubectl 1.35.99",
        );
    }
}

#[test]
fn a_package_lock_that_is_gone_is_written_again_where_the_catalog_has_it() {
    let world = world("serverless@3.40.0");
    world.bootstrap(&["lock"]).exits(0);
    let path = world.path("work/serverless-3.40.0.package-lock.json");
    let lock = world.read("work/bootstrap.lock");
    let before = std::fs::read(&path).unwrap();
    for args in [
        &["lock"][..],
        &["lock", "serverless@3.40.0"],
        &[
            "lock",
            "--update",
            "--offline",
            "serverless@3.40.0",
            "node@22.22.2",
        ],
    ] {
        std::fs::remove_file(&path).unwrap();
        let run = world.bootstrap(&["lock", "--check"]).exits(3);
        let words = "bootstrap.lock: serverless-3.40.0.package-lock.json, which the lock names, is not there";
        assert!(run.stdout.contains(words), "{run}");
        world
            .bootstrap(args)
            .exits(0)
            .says("serverless-3.40.0.package-lock.json was gone: it is written again");
        assert!(std::fs::read(&path).unwrap() == before);
        assert_eq!(world.read("work/bootstrap.lock"), lock);
        world.bootstrap(&["lock", "--check"]).exits(0);
    }
    // Another one is told, and stays.
    world.write("work/serverless-3.40.0.package-lock.json", "{}");
    world.bootstrap(&["lock"]).exits(4);
}
