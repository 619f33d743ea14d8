//! Where tools are installed: whose directory it is, what it can hold, and who else is at it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::Duration;

use insta::assert_snapshot;

use crate::archives::{Member, zip};
use crate::fixture::Fixture;
use crate::server::{Reply, Server};
use crate::world::World;

/// A user without rights, in root's group, as OpenShift and the delegate's image have it.
const NOBODY: [&str; 7] = [
    "setpriv",
    "--reuid=1000660000",
    "--regid=0",
    "--clear-groups",
    "--inh-caps=-all",
    "sh",
    "-e",
];

/// Mounts of its own, which end with it.
const MOUNTS: [&str; 4] = ["unshare", "-m", "sh", "-e"];

fn hello() -> (World, Server) {
    World::pinning(&[&Fixture::script("hello", "1.0.0")])
}

#[test]
fn the_prefix_is_that_of_the_flag_the_variable_the_file_and_then_of_the_delegate() {
    let (world, _server) = hello();
    let at = |prefix: &str| world.path(prefix).join("bin/hello").exists();
    world.bootstrap(&["install", "hello"]).exits(0);
    assert!(at("delegate/bootstrap"));
    world.write("work/bootstrap.yaml", "version: 1\nprefix: of-file\n");
    world.bootstrap(&["install", "hello"]).exits(0);
    assert!(at("work/of-file"), "relative to the file");
    let variable = world.text("of-variable");
    let world = world.with("BOOTSTRAP_PREFIX", &variable);
    let at = |prefix: &str| world.path(prefix).join("bin/hello").exists();
    world.bootstrap(&["install", "hello"]).exits(0);
    assert!(at("of-variable"));
    world
        .bootstrap(&["install", "--prefix", "of-flag", "hello"])
        .exits(0);
    assert!(at("work/of-flag"), "relative to the working directory");
}

#[test]
fn without_a_delegate_the_prefix_is_where_a_user_keeps_data() {
    let (world, _server) = hello();
    let absent = world.text("nowhere");
    let world = world.with("WORKING_DIR", &absent);
    world.bootstrap(&["install", "hello"]).exits(0);
    assert!(world.path("home/.local/share/bootstrap/bin/hello").exists());
    let data = world.text("data");
    let world = world.with("XDG_DATA_HOME", &data);
    world.bootstrap(&["install", "hello"]).exits(0);
    assert!(world.path("data/bootstrap/bin/hello").exists());
}

#[test]
fn a_relative_directory_of_the_delegate_is_below_the_working_directory() {
    let (world, _server) = hello();
    fs::create_dir(world.path("work/delegate")).unwrap();
    let world = world.with("WORKING_DIR", "delegate");
    world.bootstrap(&["install", "hello"]).exits(0);
    let run = world
        .shell(
            &["sh", "-eu"],
            "eval \"$(\"$bootstrap\" env)\"; cd /; hello",
        )
        .exits(0);
    assert_eq!(run.stdout, "hello 1.0.0\n");
}

#[test]
fn with_no_place_at_all_the_prefix_must_be_named() {
    let world = World::new().without("HOME");
    let absent = world.text("nowhere");
    let world = world.with("WORKING_DIR", &absent);
    assert_snapshot!(world.bootstrap(&["install", "node"]), @"
    --- stderr ---
    error: there is no directory to install into: `[WORLD]/nowhere` cannot be written, and neither XDG_DATA_HOME nor HOME is set
    hint: set --prefix (BOOTSTRAP_PREFIX)
    [exit 2]
    ");
    assert_snapshot!(world.with("HOME", "").bootstrap(&["env"]), @"
    --- stderr ---
    error: there is no directory to install into: `[WORLD]/nowhere` cannot be written, and neither XDG_DATA_HOME nor HOME is set
    hint: set --prefix (BOOTSTRAP_PREFIX)
    [exit 2]
    ");
}

#[test]
fn no_home_is_needed() {
    let (world, _server) = hello();
    world
        .without("HOME")
        .bootstrap(&["install", "hello"])
        .exits(0);
}

#[test]
fn a_prefix_may_have_blanks_and_quotes() {
    let (world, _server) = hello();
    let prefix = world.text("it's a \"place\" $HOME");
    world
        .bootstrap(&["install", "--prefix", &prefix, "hello"])
        .exits(0);
    let world = world.with("BOOTSTRAP_PREFIX", &prefix);
    let run = world
        .shell(&["bash"], "set -eu; eval \"$(\"$bootstrap\" env)\"; hello")
        .exits(0);
    assert_eq!(run.stdout, "hello 1.0.0\n");
}

#[test]
fn a_prefix_below_a_file_cannot_be_made() {
    let (world, _server) = hello();
    world.write("file", "");
    let run = world.bootstrap(&["install", "--prefix", &world.text("file/prefix"), "hello"]);
    assert_snapshot!(run, @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: cannot create the directory `[WORLD]/file/prefix`
    caused by: Not a directory (os error 20)
    hint: set --prefix (BOOTSTRAP_PREFIX) to a directory that this user may write, such as an emptyDir volume
    [exit 1]
    ");
}

#[test]
fn a_strict_umask_does_not_keep_others_from_the_tools() {
    let (world, _server) = World::pinning(&[&Fixture::zip("hello", "1.0.0")]);
    let run = world
        .shell(&["sh"], "umask 077; \"$bootstrap\" install hello")
        .exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 installed"]);
    let mode = |path: &str| {
        fs::metadata(world.prefix(path))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    let modes = [
        "",
        "bin",
        "tools/hello/1.0.0",
        "tools/hello/1.0.0/bin/hello",
    ]
    .map(mode);
    // A mask is the caller's wish and is kept; what counts is that the owner can run everything.
    for mode in modes {
        assert_eq!(mode & 0o700, 0o700, "{mode:o}");
    }
    let run = world.bootstrap(&["install", "hello"]).exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 unchanged"]);
}

#[test]
fn a_user_without_a_name_installs_where_its_group_may_write() {
    let (world, _server) = hello();
    if !world.can("a user without a name", &NOBODY, "true") {
        return;
    }
    fs::set_permissions(world.path("delegate"), fs::Permissions::from_mode(0o775)).unwrap();
    let world = world.without("HOME");
    let run = world
        .shell(&NOBODY, "\"$bootstrap\" install hello")
        .exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 installed"]);
    let run = world
        .shell(&NOBODY, "$WORKING_DIR/bootstrap/bin/hello")
        .exits(0);
    assert_eq!(run.stdout, "hello 1.0.0\n");
}

#[test]
fn a_prefix_that_may_not_be_written_is_told_with_a_way_out() {
    let (world, _server) = hello();
    if !world.can("a user without a name", &NOBODY, "true") {
        return;
    }
    let run = world.shell(&NOBODY, "\"$bootstrap\" install --prefix $world/mine hello");
    assert_snapshot!(run, @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: cannot create the directory `[WORLD]/mine`
    caused by: Permission denied (os error 13)
    hint: set --prefix (BOOTSTRAP_PREFIX) to a directory that this user may write, such as an emptyDir volume
    [exit 1]
    ");
}

#[test]
fn an_installed_prefix_that_may_not_be_written_is_as_good_as_any() {
    let (world, _server) = hello();
    if !world.can("a user without a name", &NOBODY, "true") {
        return;
    }
    world.bootstrap(&["install", "hello"]).exits(0);
    let run = world
        .shell(&NOBODY, "\"$bootstrap\" install hello")
        .exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 unchanged"]);
    assert!(!run.stderr.contains("warning"), "{run}");
    // After a reboot all is hashed, and that cannot be written down.
    let receipt = world.read("delegate/bootstrap/receipts/hello.json");
    let boot = receipt
        .split("\"boot\":\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    world.write(
        "delegate/bootstrap/receipts/hello.json",
        receipt.replace(boot, "another"),
    );
    let run = world
        .shell(&NOBODY, "\"$bootstrap\" install hello")
        .exits(0);
    assert_eq!(run.states(), ["hello 1.0.0 unchanged"]);
}

#[test]
fn a_file_system_without_execution_is_told_before_anything_is_fetched() {
    let (world, server) = hello();
    let mount = "mkdir -p $world/place; mount -t tmpfs -o noexec none $world/place";
    if !world.can("noexec", &MOUNTS, mount) {
        return;
    }
    let script = format!("{mount}; \"$bootstrap\" install --prefix $world/place/prefix hello");
    let run = world.shell(&MOUNTS, &script);
    assert_snapshot!(run, @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: `[WORLD]/place/prefix` is on a file system that is mounted noexec: nothing can be run from it
    hint: set --prefix (BOOTSTRAP_PREFIX) to a directory on another volume
    [exit 1]
    ");
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_full_disk_leaves_nothing_half_written_and_more_room_makes_it_good() {
    let filler = "# filler\n".repeat(100_000);
    let script = format!("#!/bin/sh\necho hello 1.0.0\nexit\n{filler}");
    let hello = Fixture::program("hello", "1.0.0", "script", script.into_bytes());
    let (world, _server) = World::pinning(&[&hello]);
    let mount = "mkdir -p $world/place; mount -t tmpfs -o size=256k none $world/place";
    if !world.can("a full disk", &MOUNTS, mount) {
        return;
    }
    let install = "\"$bootstrap\" install -q --prefix $world/place/p";
    // The download does not fit.
    let script = format!(
        "{mount}; {install} hello || echo \"[$?]\"; find $world/place/p -name '.unfinished*' -o -name '*.partial'"
    );
    let run = world.shell(&MOUNTS, &script).exits(0);
    assert_snapshot!(run, @"
    TOOL   VERSION  STATE   SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    failed  0.00     -           -
    install failed in 0.00 s
    [1]
    --- stderr ---
    warning: hello: failed in 0.00 s
    error: hello 1.0.0 could not be put in place
    caused by: cannot store sha256:[HEX]
    caused by: cannot keep the download in [WORLD]/place/p/cache/sha256/032be89338b8f21618fbb7b87542577a124e72e5606fb552ce8aaeeecdd26500.partial
    caused by: No space left on device (os error 28)
    hint: choose another directory with --cache-dir, or make room
    [exit 0]
    ");
    // The tree does not fit; and then it does.
    let script = format!(
        "{mount}; mount -o remount,size=1400k $world/place
         {install} hello && exit 99 || echo \"[$?]\"
         find $world/place/p -name '.unfinished*' -o -name hello -type f
         mount -o remount,size=4m $world/place
         {install} hello
         $world/place/p/bin/hello"
    );
    let run = world.shell(&MOUNTS, &script).exits(0);
    let told: Vec<_> = run
        .stdout
        .lines()
        .filter(|line| !line.starts_with("TOOL "))
        .collect();
    assert!(
        told[0].contains(" failed ") && told[3].contains(" installed "),
        "{run}"
    );
    assert_eq!((told[2], told[5]), ("[1]", "hello 1.0.0"), "{run}");
    run.says("KiB free, 879 KiB are needed")
        .says("hint: give the volume at the prefix more room, or set --prefix");
}

#[test]
fn a_disk_that_fills_up_while_unpacking_is_told_and_cleared() {
    // The room is asked for before; but a file takes a page at least, however short it is.
    let members: Vec<_> = (0..200)
        .map(|n| Member::file(&format!("share/{n}"), "x"))
        .chain([Member::program(
            "bin/hello",
            "#!/bin/sh\necho hello 1.0.0\n",
        )])
        .collect();
    let hello = Fixture::archive("hello", "1.0.0", "zip", zip(&members));
    let (world, _server) = World::pinning(&[&hello]);
    let mount = "mkdir -p $world/place; mount -t tmpfs -o size=256k none $world/place";
    if !world.can("a full disk", &MOUNTS, mount) {
        return;
    }
    let install =
        "\"$bootstrap\" install -q --prefix $world/place/p --cache-dir $world/cache hello";
    let script = format!(
        "{mount}; {install} && exit 99 || echo \"[$?]\"
         find $world/place/p -name '.unfinished*' -o -name hello -type f
         mount -o remount,size=4m $world/place
         {install}"
    );
    let run = world.shell(&MOUNTS, &script).exits(0);
    let states: Vec<_> = run
        .stdout
        .lines()
        .filter(|line| line.starts_with("hello "))
        .collect();
    assert!(
        states[0].contains(" failed ") && states[1].contains(" installed "),
        "{run}"
    );
    assert!(
        run.stdout.contains("[1]") && !run.stdout.contains(".unfinished"),
        "{run}"
    );
    run.says("caused by: No space left on device")
        .says("hint: give the volume more room, or leave out what is not needed with --slim");
}

#[test]
fn too_few_inodes_are_told_before_unpacking() {
    let members: Vec<_> = (0..60)
        .map(|n| Member::file(&format!("share/{n}"), "x"))
        .chain([Member::program(
            "bin/hello",
            "#!/bin/sh\necho hello 1.0.0\n",
        )])
        .collect();
    let hello = Fixture::archive("hello", "1.0.0", "zip", zip(&members));
    let (world, _server) = World::pinning(&[&hello]);
    let mount = "mkdir -p $world/place; mount -t tmpfs -o nr_inodes=40 none $world/place";
    if !world.can("too few inodes", &MOUNTS, mount) {
        return;
    }
    let script = format!(
        "{mount}; \"$bootstrap\" install -q --prefix $world/place/p hello && exit 99 || echo \"[$?]\"
         mount -o remount,nr_inodes=400 $world/place
         \"$bootstrap\" install -q --prefix $world/place/p hello"
    );
    let run = world.shell(&MOUNTS, &script).exits(0);
    let told = run
        .stderr
        .lines()
        .find(|line| line.starts_with("caused by: "))
        .unwrap();
    assert!(told.contains("inodes"), "{run}");
    run.says("hint: give the volume at the prefix more room");
}

#[test]
fn what_slim_leaves_out_takes_no_room() {
    let members: Vec<_> = (0..60)
        .map(|n| Member::file(&format!("share/{n}"), "x"))
        .chain([Member::program(
            "bin/hello",
            "#!/bin/sh\necho hello 1.0.0\n",
        )])
        .collect();
    let hello = Fixture::archive("hello", "1.0.0", "zip", zip(&members)).also("slim: [share/]");
    let (world, _server) = World::pinning(&[&hello]);
    let mount = "mkdir -p $world/place; mount -t tmpfs -o nr_inodes=40 none $world/place";
    if !world.can("few inodes", &MOUNTS, mount) {
        return;
    }
    let script = format!("{mount}; \"$bootstrap\" install -q --slim --prefix $world/place/p hello");
    world.shell(&MOUNTS, &script).exits(0);
}

#[test]
fn on_a_tmpfs_the_memory_of_the_control_group_is_what_counts() {
    let (world, _server) = hello();
    let mount = "mkdir -p $world/place; mount -t tmpfs none $world/place
         mount -t tmpfs none /sys/fs/cgroup; cd /sys/fs/cgroup; mkdir memory";
    if !world.can("memory as room", &MOUNTS, mount) {
        return;
    }
    let second =
        "echo 1000000 >memory.max; echo 1000000 >memory.current; s=inactive_file; m=memory.max";
    let first =
        "cd memory; echo 1000000 >memory.limit_in_bytes; echo 1000000 >memory.usage_in_bytes
         s=total_inactive_file; m=memory.limit_in_bytes";
    for version in [second, first] {
        let script = format!(
            "export BOOTSTRAP_LOCK=$PWD/bootstrap.lock; {mount}; {version}
             install() {{ rm -rf $world/$1; \"$bootstrap\" install -q --prefix $world/$1 hello >/dev/null; }}
             echo anon 5 >memory.stat; install place/p && exit 99 || echo \"[$?]\"
             echo $s 1000 >>memory.stat; install place/p && echo 'pages that nobody uses give way'
             echo $s 0 >memory.stat; echo max >$m; install place/p && echo 'no limit'
             echo 1000000 >$m; install disk && echo 'no tmpfs'"
        );
        let run = world.shell(&MOUNTS, &script);
        let run = run.says(
            "KiB free within the container's memory limit (it is a tmpfs), 1 KiB are needed\n",
        );
        let on_disk = if run.stderr.matches("memory limit").count() == 1 {
            "no tmpfs\n"
        } else {
            // The tests themselves run on a tmpfs.
            ""
        };
        let expected = format!("[1]\npages that nobody uses give way\nno limit\n{on_disk}");
        assert_eq!(run.stdout, expected, "{run}");
    }
}

#[test]
fn without_processes_to_spare_the_end_is_that_of_any_failure() {
    let (world, _server) = hello();
    fs::set_permissions(world.path("delegate"), fs::Permissions::from_mode(0o777)).unwrap();
    let test = "without_processes_to_spare_the_end_is_that_of_any_failure";
    if !world.can(test, &NOBODY, "true") {
        return;
    }
    let script = "exec prlimit --nproc=1 \"$bootstrap\" install hello";
    let run = world.shell(&NOBODY, script).exits(1);
    run.says("error: bootstrap itself failed: ")
        .says("failed to spawn thread")
        .says("hint: if this machine has processes and memory to spare");
}

#[test]
fn two_runs_at_once_both_succeed_and_fetch_once() {
    let hello = Fixture::script("hello", "1.0.0");
    let bytes = hello.bytes.clone();
    let server = Server::start(move |_| {
        thread::sleep(Duration::from_millis(200));
        Reply::ok(bytes.clone())
    });
    let world = World::new();
    world.pin(&server, &[&hello]);
    let runs = thread::scope(|scope| {
        let start = || world.bootstrap(&["install", "hello"]);
        let runs = [0; 2].map(|_| scope.spawn(start));
        runs.map(|run| run.join().unwrap().exits(0))
    });
    let mut states: Vec<_> = runs.iter().flat_map(crate::world::Run::states).collect();
    states.sort();
    assert_eq!(states, ["hello 1.0.0 installed", "hello 1.0.0 unchanged"]);
    assert_eq!(server.requests().len(), 1);
    let waited = runs
        .iter()
        .any(|run| run.stderr.contains("waiting for `bootstrap install`, pid "));
    assert!(waited, "{}\n{}", runs[0], runs[1]);
}

#[test]
fn fifty_processes_with_one_cache_fetch_an_artifact_once() {
    let hello = Fixture::script("hello", "1.0.0");
    let bytes = hello.bytes.clone();
    let server = Server::start(move |_| {
        thread::sleep(Duration::from_millis(300));
        Reply::ok(bytes.clone())
    });
    let world = World::new();
    world.pin(&server, &[&hello]);
    let cache = world.text("cache");
    let running: Vec<_> = (0..50)
        .map(|n| {
            let prefix = world.text(&format!("pod-{n}"));
            let mut command = world.command(&[
                "install",
                "-q",
                "--cache-dir",
                &cache,
                "--prefix",
                &prefix,
                "hello",
            ]);
            command.stdout(std::process::Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut process in running {
        assert!(process.wait().unwrap().success());
    }
    assert_eq!(server.requests().len(), 1);
    let installed = (0..50).filter(|n| world.path(&format!("pod-{n}/bin/hello")).exists());
    assert_eq!(installed.count(), 50);
}

#[test]
fn an_altered_file_of_the_cache_is_noticed_and_mended() {
    let hello = Fixture::script("hello", "1.0.0");
    let (world, server) = World::pinning(&[&hello]);
    let cache = world.text("cache");
    let install = ["install", "--cache-dir", &cache, "hello"];
    world.bootstrap(&install).exits(0);
    let hex = hello.digest.trim_start_matches("sha256:");
    world.write(&format!("cache/sha256/{hex}"), "#!/bin/sh\necho evil\n");
    fs::remove_dir_all(world.prefix("")).unwrap();
    let run = world.bootstrap(&install).exits(0);
    assert_snapshot!(run, @"
    TOOL   VERSION  STATE      SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    installed  0.00     29 B        http://[SERVER]/hello-1.0.0
    install finished in 0.00 s
    --- stderr ---
    hello: `[WORLD]/cache/sha256/[HEX]` has other bytes than its name says: fetching it again
    hello: downloading from http://[SERVER]/hello-1.0.0
    hello: unpacking
    hello: trying it out
    hello: installed in 0.00 s
    [exit 0]
    ");
    assert_eq!(
        world.read(&format!("cache/sha256/{hex}")).into_bytes(),
        hello.bytes
    );
    assert_eq!(server.requests().len(), 2);
    let run = world
        .shell(&["sh"], "$WORKING_DIR/bootstrap/bin/hello")
        .exits(0);
    assert_eq!(run.stdout, "hello 1.0.0\n");
}
