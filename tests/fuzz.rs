//! What fuzzing found once, and what it starts from: the targets run on each input again.

mod patch;
mod yaml;

use std::fs;
use std::path::Path;

/// The inputs of a target.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let entries = fs::read_dir(directory.join(target)).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{target} has no corpus");
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn no_text_of_the_corpus_is_edited_wrongly() {
    for data in corpus("yaml") {
        yaml::run(&data);
    }
}

#[test]
fn no_manifest_of_the_corpus_is_patched_wrongly() {
    for data in corpus("patch") {
        patch::run(&data);
    }
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
