//! What fuzzing found once, and what it starts from: the targets run on each input again.

mod patch;
mod yaml;

use std::fs;
use std::path::{Path, PathBuf};

/// Runs a target on each input of its corpus; the names of those that it fails on.
fn failures(target: &str, run: fn(&[u8])) -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let entries = fs::read_dir(directory.join(target)).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{target} has no corpus");
    let fails = |path: &PathBuf| {
        let data = fs::read(path).unwrap();
        std::panic::catch_unwind(|| run(&data)).is_err()
    };
    paths.retain(fails);
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect()
}

#[test]
fn no_text_of_the_corpus_is_edited_wrongly() {
    assert_eq!(failures("yaml", yaml::run), Vec::<String>::new());
}

#[test]
fn no_manifest_of_the_corpus_is_patched_wrongly() {
    assert_eq!(failures("patch", patch::run), Vec::<String>::new());
}

/// A target that reads nothing finds nothing.
#[test]
fn the_targets_read_their_inputs_and_the_plans_of_them() {
    let text = include_str!("../manifests/delegate/input/deployment.yaml");
    for plan in [
        [0_u8, 1, 2, 0, 0],
        [1, 2, 15, 1, 0],
        [2, 3, 4, 2, 1],
        [64, 0, 8, 0, 0],
    ] {
        let data = [text.as_bytes(), b"\0", &plan].concat();
        patch::run(&data);
        yaml::run(&data);
    }
}
