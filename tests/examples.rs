//! The worked examples of `manifests/delegate`: each is what the command in its head prints.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;

use crate::world::World;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/delegate")
}

/// The names and texts of the examples.
fn examples() -> Vec<(String, String)> {
    let entries = fs::read_dir(directory()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let files = paths.filter(|path| path.is_file());
    let named = files.map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(&path).unwrap())
    });
    named.collect()
}

#[test]
fn each_example_is_what_the_command_in_its_head_prints() {
    let examples = examples();
    assert_eq!(examples.len(), 11);
    for (name, text) in examples {
        let (head, result) = text.split_once("\n\n").unwrap();
        let command = head.lines().filter_map(|line| line.strip_prefix("#   "));
        let command: String = command.flat_map(|line| [line, "\n"]).collect();
        let world = World::new().with("EXAMPLES", &directory().display().to_string());
        let script =
            format!("bootstrap() {{ \"$bootstrap\" \"$@\"; }}; cd \"$EXAMPLES\"; {command}");
        let run = world.shell(&["bash"], &script).exits(0);
        assert_eq!(
            run.stdout, result,
            "{name}: `scripts/examples` makes it anew"
        );
    }
}

#[test]
fn no_example_has_a_fault() {
    for (name, _) in examples() {
        let world = World::new()
            .with("EXAMPLES", &directory().display().to_string())
            .with("EXAMPLE", &name);
        let run = world.shell(
            &["bash"],
            "cd \"$EXAMPLES\"; \"$bootstrap\" lint \"$EXAMPLE\"",
        );
        assert_eq!(run.exits(0).stdout, "", "{name}");
    }
}

#[test]
fn what_brings_the_tools_has_mounted_what_its_variables_name() {
    let mut checked = 0;
    for (name, text) in examples() {
        for document in serde_yaml::Deserializer::from_str(&text) {
            let document = serde_yaml::Value::deserialize(document).unwrap();
            let pod = &document["spec"]["template"]["spec"];
            let lists = ["initContainers", "containers"].map(|list| pod[list].as_sequence());
            for container in lists.into_iter().flatten().flatten() {
                let items = |key: &str| container[key].as_sequence().cloned().unwrap_or_default();
                let mounts = items("volumeMounts");
                for variable in items("env") {
                    let named = variable["name"].as_str().unwrap();
                    if !["BOOTSTRAP_CACHE_DIR", "BOOTSTRAP_LOCK"].contains(&named) {
                        continue;
                    }
                    let path = Path::new(variable["value"].as_str().unwrap());
                    let is_above = |mount: &serde_yaml::Value| {
                        path.starts_with(mount["mountPath"].as_str().unwrap())
                    };
                    assert_eq!(
                        mounts.iter().filter(|mount| is_above(mount)).count(),
                        1,
                        "{name}"
                    );
                    checked += 1;
                }
            }
        }
    }
    assert_eq!(checked, 6);
}

#[test]
fn the_lock_of_the_mirror_is_one() {
    let text = fs::read_to_string(directory().join("mirror.yaml")).unwrap();
    let (_, rest) = text.split_once("  bootstrap.lock: |\n").unwrap();
    let (lock, _) = rest.split_once("---\n").unwrap();
    let lines = lock.lines().map(|line| line.strip_prefix("    ").unwrap());
    let lock: String = lines.flat_map(|line| [line, "\n"]).collect();
    let world = World::new();
    world.write("work/bootstrap.lock", lock);
    let run = world.bootstrap(&["lock", "--check", "aws-cli", "aws-iam-authenticator"]);
    run.exits(0);
}
