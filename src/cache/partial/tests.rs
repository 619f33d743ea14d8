//! The life of a partial file.

use super::*;
use crate::digest::Algorithm;

const BODY: &[u8] = b"the bytes of a tool";

fn pin() -> Digest {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(BODY);
    hasher.finish()
}

fn claim(cache: &Cache) -> Claim {
    cache
        .claim(&pin(), 1 << 30, &|damage| panic!("{damage:?}"))
        .unwrap()
}

fn ours(cache: &Cache) -> Partial {
    match claim(cache) {
        Claim::Ours(partial) => *partial,
        other => panic!("{other:?}"),
    }
}

fn files(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir.join("sha256")).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.replace(&pin().hex(), "X"))
        .collect();
    names.sort();
    names
}

#[test]
fn a_finished_file_has_its_name_and_leaves_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path());
    let mut partial = ours(&cache);
    partial.restart(Some("\"v\"".to_owned()), None).unwrap();
    partial.append(BODY).unwrap();
    assert!(partial.is_whole());
    assert_eq!(partial.finish().unwrap().path(), cache.path(&pin()));
    assert_eq!(files(dir.path()), ["X"]);
    assert!(matches!(claim(&cache), Claim::Finished(_)));
    assert_eq!(files(dir.path()), ["X"]);
}

#[test]
fn only_one_writes_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path());
    let first = ours(&cache);
    assert!(matches!(claim(&cache), Claim::Busy(_)));
    drop(first);
    ours(&cache);
}

#[test]
fn what_has_a_validator_is_resumed_by_a_later_process() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path());
    let mut partial = ours(&cache);
    partial.restart(Some("\"v1\"".to_owned()), None).unwrap();
    partial.append(&BODY[..5]).unwrap();
    drop(partial);
    let mut partial = ours(&cache);
    assert_eq!((partial.len(), partial.validator()), (5, Some("\"v1\"")));
    partial.append(&BODY[5..]).unwrap();
    assert!(partial.is_whole());
}

#[test]
fn what_cannot_be_resumed_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path());
    let mut partial = ours(&cache);
    partial.restart(None, None).unwrap();
    partial.append(&BODY[..5]).unwrap();
    drop(partial);
    assert_eq!(files(dir.path()), [""; 0]);
    let mut partial = ours(&cache);
    partial.restart(Some("\"v\"".to_owned()), Some(19)).unwrap();
    partial.append(&BODY[..5]).unwrap();
    drop(partial);
    assert_eq!(files(dir.path()), [""; 0], "19 bytes are not worth it");
}

#[test]
fn a_partial_file_without_its_validator_starts_again() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path());
    let mut partial = ours(&cache);
    partial.restart(Some("\"v1\"".to_owned()), None).unwrap();
    partial.append(&BODY[..5]).unwrap();
    drop(partial);
    fs::remove_file(entry(dir.path(), &pin(), ".partial.validator")).unwrap();
    assert_eq!(ours(&cache).len(), 0);
}

#[test]
fn rejected_bytes_are_kept_aside() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path());
    for body in [b"first".as_slice(), b"second"] {
        let mut partial = ours(&cache);
        partial.restart(None, None).unwrap();
        partial.append(body).unwrap();
        assert!(!partial.is_whole());
        let kept = partial.reject().unwrap();
        assert_eq!(fs::read(kept).unwrap(), body);
    }
    assert_eq!(files(dir.path()), ["X.rejected"]);
}

#[test]
fn a_link_in_the_place_of_the_partial_file_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path());
    drop(ours(&cache));
    let victim = tempfile::NamedTempFile::new().unwrap();
    let link = entry(dir.path(), &pin(), ".partial");
    std::os::unix::fs::symlink(victim.path(), link).unwrap();
    let mut partial = ours(&cache);
    assert!(!partial.shared);
    partial.append(BODY).unwrap();
    partial.finish().unwrap();
    assert_eq!(victim.as_file().metadata().unwrap().len(), 0);
    assert_eq!(files(dir.path()), ["X", "X.partial"]);
}

#[test]
fn a_pipe_in_the_place_of_the_partial_file_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path());
    drop(ours(&cache));
    for suffix in [".partial", ".partial.validator"] {
        let pipe = entry(dir.path(), &pin(), suffix);
        let mode = rustix::fs::Mode::from_raw_mode(0o644);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let mut partial = ours(&cache);
        partial.append(BODY).unwrap();
        let finished = partial.finish().unwrap();
        fs::remove_file(finished.path()).unwrap();
        drop(fs::remove_file(pipe));
    }
}

#[test]
fn what_is_larger_than_it_can_be_is_not_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path());
    let mut partial = ours(&cache);
    partial.restart(Some("\"v1\"".to_owned()), None).unwrap();
    partial.append(&BODY[..5]).unwrap();
    // Hashing this would take hours.
    partial.file.set_len(1 << 43).unwrap();
    drop(partial);
    let partial = ours(&cache);
    assert_eq!((partial.len(), partial.validator()), (0, None));
}

#[test]
fn a_file_system_without_locks_is_told_from_other_errors() {
    for (errno, expected) in [
        (Errno::NOLCK, true),
        (Errno::OPNOTSUPP, true),
        (Errno::IO, false),
    ] {
        assert_eq!(is_without_locks(&errno.into()), expected, "{errno}");
    }
}
