//! The cache: shared by many, damaged, left by a killed process, full.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use bootstrap::cache::Cache;
use bootstrap::http::Kind;

use super::{World, bytes, content, pin_of};
use crate::server::{Reply, Server};

#[test]
fn a_finished_file_is_used_again_and_readable_for_all() {
    let server = Server::start(|_| Reply::ok("x"));
    let world = World::new();
    let pin = pin_of(b"x");
    let first = world.fetch(&pin, &[server.url("/")]).unwrap();
    let mode = first.file.file().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    let second = world.fetch(&pin, &[server.url("/")]).unwrap();
    assert_eq!((second.source.as_str(), second.attempts), ("cache", 0));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn an_altered_file_is_noticed_and_replaced() {
    let server = Server::start(|_| Reply::ok("good"));
    let world = World::new();
    let pin = pin_of(b"good");
    world.fetch(&pin, &[server.url("/")]).unwrap();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .open(world.cache.path(&pin))
        .unwrap();
    file.write_all(b"evil").unwrap();
    let fetched = world.fetch(&pin, &[server.url("/")]).unwrap();
    assert_eq!(content(&fetched), b"good");
    assert!(world.events().contains(&"damaged".to_owned()));
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn fifty_threads_fetch_once() {
    let body = bytes(100_000);
    let whole = body.clone();
    let server = Server::start(move |_| {
        thread::sleep(Duration::from_millis(100));
        Reply::ok(whole.clone())
    });
    let world = World::new();
    let (pin, urls) = (pin_of(&body), [server.url("/")]);
    let fetched: Vec<u64> = thread::scope(|scope| {
        let fetch = || world.fetch(&pin, &urls).unwrap().downloaded;
        let threads: Vec<_> = (0..50).map(|_| scope.spawn(fetch)).collect();
        threads.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(fetched.iter().sum::<u64>(), body.len() as u64);
    assert_eq!(server.requests().len(), 1);
}

/// The variables of [`child`], and of the test that starts it.
const URL: &str = "BOOTSTRAP_TEST_URL";
const DIR: &str = "BOOTSTRAP_TEST_DIR";
const LENGTH: &str = "BOOTSTRAP_TEST_LENGTH";

/// Not a test: what a process started by one does.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the test that starts it has no other way"
)]
#[expect(clippy::print_stderr, reason = "the test that starts it reads it")]
fn child() {
    let (Ok(url), Ok(dir), Ok(length)) = (
        std::env::var(URL),
        std::env::var(DIR),
        std::env::var(LENGTH),
    ) else {
        return;
    };
    let mut world = World::new();
    world.cache = Cache::new(dir);
    match world.fetch(&pin_of(&bytes(length.parse().unwrap())), &[url]) {
        Ok(fetched) => eprintln!("downloaded {}", fetched.downloaded),
        Err(error) => {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            let is_local = error.kind() == Kind::Local;
            eprintln!("local {is_local}: {error}: {}", source.unwrap_or_default());
        }
    }
}

/// A process that fetches `bytes(length)`; `shell` is run by `sh` first.
pub(super) fn start_child(url: &str, dir: &Path, length: usize, shell: &str) -> Child {
    let program = std::env::current_exe().unwrap();
    Command::new("sh")
        .arg("-c")
        .arg(format!("{shell} exec \"$0\" \"$@\""))
        .arg(program)
        .args(["--exact", "http::cache::child", "--nocapture"])
        .env(URL, url)
        .env(DIR, dir)
        .env(LENGTH, length.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

pub(super) fn end_of(mut child: Child) -> String {
    let mut text = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    child.wait().unwrap();
    text
}

#[test]
fn fifty_processes_fetch_once() {
    let body = bytes(200_000);
    let server = Server::start(move |_| {
        thread::sleep(Duration::from_millis(200));
        Reply::ok(body.clone())
    });
    let dir = tempfile::tempdir().unwrap();
    let start = || start_child(&server.url("/"), dir.path(), 200_000, "");
    let children: Vec<_> = (0..50).map(|_| start()).collect();
    let mut texts: Vec<String> = children.into_iter().map(end_of).collect();
    texts.sort();
    let mut expected = vec!["downloaded 0\n"; 49];
    expected.push("downloaded 200000\n");
    assert_eq!(texts, expected);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn what_a_killed_process_left_is_resumed() {
    let length = 3 * 1024 * 1024;
    let body = bytes(length);
    let whole = body.clone();
    let server = Server::start(move |request| {
        let reply = Reply::whole_or_part(&whole, request).header("ETag", "\"v\"");
        match request.before {
            0 => reply.hang_after(2 * 1024 * 1024),
            _ => reply,
        }
    });
    let world = World::new();
    let pin = pin_of(&body);
    let mut child = start_child(&server.url("/"), &world.cache.dir, length, "");
    let partial = world.entry(&pin, ".partial");
    let size = || fs::metadata(&partial).map_or(0, |metadata| metadata.len());
    while size() < 2 * 1024 * 1024 {
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let fetched = world.fetch(&pin, &[server.url("/")]).unwrap();
    assert_eq!(content(&fetched), body);
    assert_eq!(
        server.requests().last().unwrap().range_start(),
        Some(2 * 1024 * 1024)
    );
    let left = fs::read_dir(partial.parent().unwrap()).unwrap().count();
    assert_eq!(left, 1, "nothing but the finished file");
}

#[test]
fn a_whole_file_that_was_not_renamed_needs_no_request() {
    let server = Server::start(|_| Reply::status(500));
    let world = World::new();
    let pin = pin_of(b"x");
    fs::create_dir_all(world.cache.path(&pin).parent().unwrap()).unwrap();
    for (suffix, text) in [(".partial", "x"), (".partial.validator", "\"v\"")] {
        let path = world.entry(&pin, suffix);
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
    let fetched = world.fetch(&pin, &[server.url("/")]).unwrap();
    assert_eq!(
        (content(&fetched).as_slice(), fetched.attempts),
        (&b"x"[..], 0)
    );
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_lock_is_waited_for_until_the_deadline() {
    let server = Server::start(|_| Reply::ok("x"));
    let mut world = World::new();
    world.deadline = Duration::from_millis(300);
    let pin = pin_of(b"x");
    fs::create_dir_all(world.cache.path(&pin).parent().unwrap()).unwrap();
    let path = world.entry(&pin, ".partial");
    let mut options = fs::OpenOptions::new();
    let holder = options.write(true).create_new(true).open(&path).unwrap();
    holder.lock().unwrap();
    let error = world.fetch(&pin, &[server.url("/")]).unwrap_err();
    assert_eq!(error.kind(), Kind::Deadline);
    assert!(
        error.to_string().contains(&path.display().to_string()),
        "{error}"
    );
    assert_eq!(world.events(), ["waiting"]);
    drop(holder);
    world.fetch(&pin, &[server.url("/")]).unwrap();
}

#[test]
fn a_full_disk_is_a_local_failure_that_leaves_nothing_behind() {
    let length = 1024 * 1024;
    let body = bytes(length);
    let server = Server::start(move |_| Reply::ok(body.clone()).header("ETag", "\"v\""));
    let dir = tempfile::tempdir().unwrap();
    // A limit on the size of files stands in for a full disk; 512 bytes a block.
    let shell = "trap '' XFSZ; ulimit -f 1000;";
    let text = end_of(start_child(&server.url("/"), dir.path(), length, shell));
    assert!(
        text.starts_with("local true: cannot store sha256:"),
        "{text}"
    );
    assert!(text.contains(&dir.path().display().to_string()), "{text}");
    assert_eq!(server.requests().len(), 1, "{text}");
    let left = fs::read_dir(dir.path().join("sha256")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let mut world = World::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    world.cache = Cache::new(file.path());
    let error = world
        .fetch(&pin_of(b"x"), &["http://127.0.0.1:1/".to_owned()])
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Local);
    let source = std::error::Error::source(&error).unwrap().to_string();
    let expected = format!(
        "cannot write to the cache directory {}",
        file.path().display()
    );
    assert!(source.starts_with(&expected), "{source}");
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that proves nothing says so")]
fn without_permission_to_write_what_is_there_still_serves() {
    let server = Server::start(|_| Reply::ok("x"));
    let world = World::new();
    let (there, absent) = (pin_of(b"x"), pin_of(b"y"));
    world.fetch(&there, &[server.url("/")]).unwrap();
    let dir = world.cache.dir.join("sha256");
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o555)).unwrap();
    if tempfile::tempfile_in(&dir).is_ok() {
        eprintln!("skipped: this user may write everywhere");
        return;
    }
    assert_eq!(world.fetch(&there, &[]).unwrap().source, "cache");
    let error = world.fetch(&absent, &[server.url("/")]).unwrap_err();
    assert_eq!(error.kind(), Kind::Local);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains(&dir.display().to_string()), "{source}");
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_partial_file_of_another_user_does_not_stand_in_the_way() {
    let server = Server::start(|_| Reply::ok("x"));
    let world = World::new();
    let pin = pin_of(b"x");
    // A directory cannot be opened for writing by anyone, root included.
    fs::create_dir_all(world.entry(&pin, ".partial")).unwrap();
    let fetched = world.fetch(&pin, &[server.url("/")]).unwrap();
    assert_eq!(content(&fetched), b"x");
}
