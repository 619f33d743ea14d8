use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::time::{Duration, Instant};

use super::*;
use crate::deadline::Deadline;
use crate::digest::{Algorithm, Hasher};

/// A tree with two files and a link, and the entries that describe it.
fn world() -> (tempfile::TempDir, Vec<Entry>) {
    let world = tempfile::tempdir().unwrap();
    let mut entries = Vec::new();
    for (path, contents, mode) in [("bin/aws", "program", 0o755), ("README", "text", 0o644)] {
        let file = world.path().join(path);
        files::replace(&file, contents.as_bytes(), mode).unwrap();
        let meta = fs::metadata(&file).unwrap();
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(contents.as_bytes());
        let sha256 = crate::digest::unhex(&hasher.finish().hex())
            .unwrap()
            .try_into()
            .unwrap();
        let modified = meta.mtime() * 1_000_000_000 + meta.mtime_nsec();
        let kind = Kind::File {
            size: meta.size(),
            mode,
            modified,
            sha256,
        };
        entries.push(Entry {
            path: path.into(),
            kind,
        });
    }
    symlink("aws", world.path().join("bin/a")).unwrap();
    entries.push(Entry {
        path: "bin/a".into(),
        kind: Kind::Symlink {
            target: "aws".into(),
        },
    });
    (world, entries)
}

fn receipt(entries: &[Entry], durable: bool) -> Receipt<'_> {
    let header = Header {
        tool: "aws-cli",
        version: "2.0.0",
        platform: "linux/amd64",
        source: "file:///aws.zip",
        digest: "sha256:00",
        shape: "sha256:00",
        slim: false,
        durable,
        boot: "this boot",
        installed: "2026-01-01T00:00:00Z",
        programs: vec!["aws"],
    };
    Receipt::new(header, entries)
}

/// The condition after `change`, under `boot`, through the written form.
fn check(durable: bool, boot: &str, change: impl FnOnce(&Path)) -> Condition {
    let (world, entries) = world();
    let text = serde_json::to_string(&receipt(&entries, durable)).unwrap();
    let mut receipt = Receipt::parse(&text).unwrap();
    assert_eq!(receipt.len(), 3);
    change(world.path());
    let soon = Deadline::after(Instant::now(), Duration::from_mins(1));
    let condition = receipt.check(world.path(), boot, soon).unwrap();
    if condition == Condition::Refreshed {
        assert_eq!(
            receipt.check(world.path(), boot, soon).unwrap(),
            Condition::Whole
        );
    }
    condition
}

fn damaged(what: &str) -> Condition {
    Condition::Damaged(what.to_owned())
}

/// Other contents of the same length and the same modification time.
fn alter_unseen(root: &Path) {
    let path = root.join("README");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .map(|mut file| io::Write::write_all(&mut file, b"TEXT"))
        .unwrap()
        .unwrap();
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(modified)
        .unwrap();
}

#[test]
fn an_untouched_tree_is_whole() {
    assert_eq!(check(false, "this boot", |_| ()), Condition::Whole);
}

#[test]
fn a_missing_file_is_named() {
    let change = |root: &Path| fs::remove_file(root.join("bin/aws")).unwrap();
    let expected = "`bin/aws` cannot be read: No such file or directory (os error 2)";
    assert_eq!(check(false, "this boot", change), damaged(expected));
}

#[test]
fn a_missing_tree_is_damage() {
    let change = |root: &Path| fs::remove_dir_all(root).unwrap();
    assert!(matches!(
        check(false, "this boot", change),
        Condition::Damaged(_)
    ));
}

#[test]
fn a_file_of_another_size_is_damage() {
    let change = |root: &Path| files::replace(&root.join("README"), b"longer text", 0o644).unwrap();
    assert_eq!(
        check(false, "this boot", change),
        damaged("`README` has another size")
    );
    let change = |root: &Path| files::replace(&root.join("README"), b"longer text", 0o644).unwrap();
    assert_eq!(
        check(true, "this boot", change),
        damaged("`README` has another size")
    );
}

#[test]
fn a_file_with_other_contents_and_another_time_is_damage() {
    let change = |root: &Path| files::replace(&root.join("README"), b"TEXT", 0o644).unwrap();
    assert_eq!(
        check(false, "this boot", change),
        damaged("`README` has other contents")
    );
}

#[test]
fn a_program_that_cannot_be_run_any_more_is_damage() {
    let change = |root: &Path| {
        fs::set_permissions(root.join("bin/aws"), fs::Permissions::from_mode(0o644)).unwrap();
    };
    assert_eq!(
        check(true, "this boot", change),
        damaged("`bin/aws` has another mode")
    );
}

#[test]
fn wider_permissions_are_taken_over_after_the_contents_were_hashed() {
    let change = |root: &Path| {
        fs::set_permissions(root.join("bin/aws"), fs::Permissions::from_mode(0o775)).unwrap();
    };
    assert_eq!(check(false, "this boot", change), Condition::Refreshed);
}

#[test]
fn a_link_that_points_elsewhere_is_damage() {
    let change = |root: &Path| {
        fs::remove_file(root.join("bin/a")).unwrap();
        symlink("/bin/sh", root.join("bin/a")).unwrap();
    };
    assert_eq!(
        check(false, "this boot", change),
        damaged("`bin/a` points elsewhere")
    );
}

#[test]
fn a_file_that_became_a_link_is_damage() {
    let change = |root: &Path| {
        fs::rename(root.join("README"), root.join("moved")).unwrap();
        symlink("moved", root.join("README")).unwrap();
    };
    assert_eq!(
        check(false, "this boot", change),
        damaged("`README` is not a file any more")
    );
}

#[test]
fn after_a_reboot_every_file_is_hashed() {
    assert_eq!(check(false, "another boot", |_| ()), Condition::Refreshed);
    assert_eq!(
        check(false, "another boot", alter_unseen),
        damaged("`README` has other contents")
    );
}

#[test]
fn a_durable_tree_is_trusted_after_a_reboot_and_with_clamped_times() {
    let clamp = |root: &Path| {
        let file = File::options()
            .write(true)
            .open(root.join("README"))
            .unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
    };
    assert_eq!(check(true, "another boot", clamp), Condition::Whole);
}

#[test]
fn a_damaged_receipt_counts_as_none() {
    let (_world, entries) = world();
    let text = serde_json::to_string(&receipt(&entries, false)).unwrap();
    assert!(Receipt::parse(&text.replace("\"receipt\":1", "\"receipt\":2")).is_none());
    assert!(Receipt::parse(text.get(..text.len() / 2).unwrap()).is_none());
}

#[test]
fn a_receipt_whose_names_lead_elsewhere_counts_as_none() {
    let (_world, entries) = world();
    let good = receipt(&entries, false);
    let parses =
        |receipt: &Receipt<'_>| Receipt::parse(&serde_json::to_string(receipt).unwrap()).is_some();
    assert!(parses(&good));
    for name in ["../../precious", "/etc/passwd", "..", ""] {
        let (tool, version, program) = (good.clone(), good.clone(), good.clone());
        let name = Cow::from(name);
        let tool = Receipt {
            tool: name.clone(),
            ..tool
        };
        let version = Receipt {
            version: name.clone(),
            ..version
        };
        let program = Receipt {
            programs: vec!["aws".into(), name],
            ..program
        };
        assert!(!parses(&tool) && !parses(&version) && !parses(&program));
    }
}
