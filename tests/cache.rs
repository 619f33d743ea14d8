//! Caches that pods share: one fetches for all, and nobody has to trust what another has put there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use crate::fixture::Fixture;
use crate::npm;
use crate::server::Server;
use crate::world::{Run, World};

/// A shell with mounts of its own, in which the cache may only be read.
const READ_ONLY: [&str; 4] = ["unshare", "-m", "sh", "-e"];
const MOUNT: &str = "mkdir -p $world/cache; mount --bind $world/cache $world/cache; mount -o remount,bind,ro $world/cache";

/// Two users of a node who are not root.
const ONE: [&str; 5] = user("--reuid=1001");
const OTHER: [&str; 5] = user("--reuid=1002");

const fn user(user: &'static str) -> [&'static str; 5] {
    ["setpriv", user, "--regid=1001", "--clear-groups", "sh"]
}

/// A file system as NFS is without its lock daemon (flock(2)).
const NO_LOCKS: [&str; 7] = [
    "strace",
    "-f",
    "-o",
    "/dev/null",
    "-e",
    "inject=flock:error=ENOLCK",
    "/bin/sh",
];

/// A world that pins two tools, the first of which is in the cache.
fn half_filled() -> (World, Server, [Fixture; 2]) {
    let tools = [
        Fixture::script("hello", "1.0.0"),
        Fixture::script("bye", "2.0.0"),
    ];
    let (world, server) = World::pinning(&[&tools[0], &tools[1]]);
    let cache = world.text("cache");
    let fill = [
        "install",
        "-q",
        "--prefix",
        &world.text("first"),
        "--cache-dir",
        &cache,
        "hello",
    ];
    world.bootstrap(&fill).exits(0);
    (world, server, tools)
}

/// Where a tool is in the cache.
fn entry(tool: &Fixture) -> String {
    format!("cache/{}", tool.digest.replace(':', "/"))
}

/// Installs both in a prefix of their own.
fn install(world: &World, shell: &[&str], before: &str, prefix: &str) -> Run {
    let script = format!(
        "{before}\n\"$bootstrap\" install --prefix $world/{prefix} --cache-dir $world/cache hello bye"
    );
    world.shell(shell, &script)
}

#[test]
fn fifty_pods_with_one_cache_fetch_every_package_and_artifact_once() {
    let (world, vendor, registry) = npm::greet();
    let (cache, address) = (world.text("cache"), registry.url("/npm/"));
    let running: Vec<_> = (0..50)
        .map(|n| {
            let prefix = world.text(&format!("pod-{n}"));
            let args = [
                "install",
                "-q",
                "--cache-dir",
                &cache,
                "--prefix",
                &prefix,
                "--npm-registry",
                &address,
                "greet",
            ];
            world.command(&args).stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut process in running {
        assert!(process.wait().unwrap().success());
    }
    assert_eq!((vendor.requests().len(), registry.requests().len()), (1, 2));
    let run = world.shell(
        &["sh"],
        "for n in $(seq 0 49); do $world/pod-$n/bin/greet $n; done",
    );
    assert_eq!(run.exits(0).stdout.lines().count(), 100);
}

#[test]
fn a_cache_that_may_only_be_read_serves_its_readers_and_the_rest_is_kept_in_the_prefix() {
    let (world, server, [_, bye]) = half_filled();
    if !world.can("a read-only cache", &READ_ONLY, MOUNT) {
        return;
    }
    let before = server.requests().len();
    let run = install(&world, &READ_ONLY, MOUNT, "pod").exits(0);
    assert_eq!(
        run.states(),
        ["hello 1.0.0 installed", "bye 2.0.0 installed"]
    );
    run.says("bye: nothing can be written to `")
        .says("/cache/sha256` (Read-only file system (os error 30)): keeping the download below the prefix");
    assert_eq!(server.requests().len(), before + 1, "hello was there");
    let own = format!("pod/{}", entry(&bye));
    assert_eq!(world.read(&own).into_bytes(), bye.bytes);
    // What is in the prefix's own cache is found there the next time.
    fs::remove_dir_all(world.path("pod/tools")).unwrap();
    let run = install(&world, &READ_ONLY, MOUNT, "pod").exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 repaired", "bye 2.0.0 repaired"]);
    assert_eq!(server.requests().len(), before + 1);
}

#[test]
fn an_altered_file_of_a_cache_that_may_only_be_read_is_worked_around() {
    let (world, server, [hello, _]) = half_filled();
    if !world.can("a read-only cache", &READ_ONLY, MOUNT) {
        return;
    }
    world.write(&entry(&hello), "#!/bin/sh\necho evil\n");
    let before = server.requests().len();
    let run = install(&world, &READ_ONLY, MOUNT, "pod").exits(0);
    run.says("has other bytes than its name says: fetching it again");
    assert_eq!(server.requests().len(), before + 2);
    let run = world.shell(&["sh"], "$world/pod/bin/hello").exits(0);
    assert_eq!(run.stdout, "hello 1.0.0\n");
    assert_eq!(world.read(&entry(&hello)), "#!/bin/sh\necho evil\n");
}

#[test]
fn what_another_user_has_altered_and_nobody_else_may_replace_is_worked_around() {
    let tools = [
        Fixture::script("hello", "1.0.0"),
        Fixture::script("bye", "2.0.0"),
    ];
    let (world, server) = World::pinning(&[&tools[0], &tools[1]]);
    if !world.can("other users", &OTHER, "true") {
        return;
    }
    // As `hostPath` directories for all are: anybody may add, and nobody may replace what is another's.
    for name in ["cache", "cache/sha256", "pods"] {
        fs::create_dir(world.path(name)).unwrap();
        let mode = fs::Permissions::from_mode(0o1777);
        fs::set_permissions(world.path(name), mode).unwrap();
    }
    let alter = format!(
        "echo evil >$world/{}; mkdir $world/{}",
        entry(&tools[0]),
        entry(&tools[1])
    );
    world.shell(&OTHER, &alter).exits(0);
    let run = install(&world, &ONE, "umask 022", "pods/one").exits(0);
    assert_eq!(
        run.states(),
        ["hello 1.0.0 installed", "bye 2.0.0 installed"]
    );
    assert_eq!(server.requests().len(), 2);
    let run = world.shell(&ONE, "$world/pods/one/bin/hello; $world/pods/one/bin/bye");
    assert_eq!(run.exits(0).stdout, "hello 1.0.0\nbye 2.0.0\n");
    assert_eq!(world.read(&entry(&tools[0])), "evil\n");
    let left = world.tree("cache");
    assert!(
        !left.iter().any(|path| path.contains("partial")),
        "{left:?}"
    );
}

#[test]
fn what_another_user_keeps_from_us_is_worked_around() {
    let (world, server, [hello, _]) = half_filled();
    if !world.can("other users", &OTHER, "true") {
        return;
    }
    // Of a user whose umask let nobody in.
    let secret = fs::Permissions::from_mode(0o600);
    fs::set_permissions(world.path(&entry(&hello)), secret).unwrap();
    fs::create_dir(world.path("pods")).unwrap();
    fs::set_permissions(world.path("pods"), fs::Permissions::from_mode(0o777)).unwrap();
    let before = server.requests().len();
    let run = install(&world, &ONE, "", "pods/one").exits(0);
    run.says("cannot be read (Permission denied")
        .says("nothing can be written to");
    assert_eq!(server.requests().len(), before + 2);
}

#[test]
fn a_cache_without_locks_costs_work_and_nothing_else() {
    let tools = [
        Fixture::script("hello", "1.0.0"),
        Fixture::zip("bye", "2.0.0"),
    ];
    let (world, server) = World::pinning(&[&tools[0], &tools[1]]);
    if !world.can("a file system without locks", &NO_LOCKS, "true") {
        return;
    }
    let script = "for n in 1 2 3 4 5; do
            \"$bootstrap\" install -q --cache-dir $world/cache --prefix $world/pod-$n hello bye >/dev/null &
            pids=\"$pids $!\"
        done
        for pid in $pids; do wait $pid || exit 1; done
        for n in 1 2 3 4 5; do $world/pod-$n/bin/hello; $world/pod-$n/bin/bye; done";
    let run = world.shell(&NO_LOCKS, script).exits(0);
    assert_eq!(run.stdout, "hello 1.0.0\nbye 2.0.0\n".repeat(5));
    let asked = server.requests().len();
    assert!((2..=10).contains(&asked), "{asked}");
    let mut expected = vec!["sha256".to_owned()];
    expected.extend(tools.iter().map(|tool| tool.digest.replace(':', "/")));
    expected.sort();
    let (partial, finished): (Vec<_>, Vec<_>) = world
        .tree("cache")
        .into_iter()
        .partition(|path| path.ends_with(".partial"));
    assert_eq!(finished, expected);
    // The names that are locked elsewhere stay: a node with locks may be writing to one.
    for path in partial {
        assert_eq!(world.read(&format!("cache/{path}")), "", "{path}");
    }
}
