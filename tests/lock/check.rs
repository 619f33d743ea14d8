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
        .replace("version: 22.22.2", "version: 14.0.0");
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
