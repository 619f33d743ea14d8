//! The worked examples of `manifests/delegate`: each is what the command in its head prints.

use std::fs;
use std::path::{Path, PathBuf};

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
    assert_eq!(examples.len(), 8);
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
