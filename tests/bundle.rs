//! Bundles: made from a lock, carried somewhere, and installed from without any vendor.

mod refusals;
mod verify;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use insta::assert_snapshot;

use crate::fixture::Fixture;
use crate::npm;
use crate::server::{Reply, Server};
use crate::world::{Run, World};

/// A world that pins `greet`, of npm packages, and a node, with their servers.
struct Pinned {
    world: World,
    vendor: Server,
    registry: Server,
}

impl Pinned {
    fn new() -> Self {
        let (world, vendor, registry) = npm::greet();
        let address = registry.url("/npm/");
        Self {
            world: world.with("BOOTSTRAP_NPM_REGISTRY", &address),
            vendor,
            registry,
        }
    }

    fn create(&self, args: &[&str]) -> Run {
        self.world
            .bootstrap(&[&["bundle", "create", "-q"], args].concat())
    }

    fn requests(&self) -> usize {
        self.vendor.requests().len() + self.registry.requests().len()
    }
}

/// Where the one artifact of a tool is in the bundle, which is below `work`.
fn path_of(world: &World, bundle: &str, tool: &str) -> String {
    let run = world.bootstrap(&["bundle", "list", bundle, "--output", "json"]);
    let listed: serde_json::Value = serde_json::from_str(&run.exits(0).stdout).unwrap();
    let rows = listed["artifacts"].as_array().unwrap();
    let row = rows.iter().find(|row| row["tool"] == tool).unwrap();
    format!("work/{bundle}/{}", row["path"].as_str().unwrap())
}

#[test]
fn a_bundle_is_a_mirror_with_one_artifact_for_each_tool_and_a_lock_that_fits() {
    let pinned = Pinned::new();
    let world = &pinned.world;
    assert_snapshot!(world.bootstrap(&["bundle", "create"]), @"
    TOOL   VERSION  PLATFORM  SIZE   PROOF
    greet  1.0.0    any       253 B  bundle of 2 packages, each by its integrity in the package lock sha256:[HEX] (lock)
    node   22.22.2  any       343 B  lock
    [WORLD]/work/bundle was written: 2 files, 596 B
    --- stderr ---
    greet: downloading from http://[SERVER]/npm/ (2 packages)
    greet: packing
    node: downloading from http://[SERVER]/node-22.22.2
    [exit 0]
    ");
    assert_snapshot!(world.redact(&world.tree("work/bundle").join("\n")), @"
    bootstrap.lock
    sha256
    sha256/[HEX]
    sha256/[HEX]
    ");
    let lock = world.read("work/bundle/bootstrap.lock");
    assert_snapshot!(world.redact(&lock), @"
    # Written by `bootstrap bundle create`: what this bundle has, and nothing else. Files that lie in it are
    # named by their path from here.
    version: 1
    tools:
      greet:
        version: 1.0.0
        artifacts:
          any:
            url: sha256/[HEX]
            digest: sha256:[HEX]
            size: 253
            proof: bundle of 2 packages, each by its integrity in the package lock sha256:[HEX] (lock)
        layout: npm
        programs:
          greet:
            path: node_modules/greet/index.js
            run_with: node
        smoke:
          program: greet
          args:
          - --version
          expect: greet {version}
        needs:
        - tool: node
          at_least: '16'
        limits:
          download_mib: 512
          unpacked_mib: 2048
          entries: 400000
      node:
        version: 22.22.2
        artifacts:
          any:
            url: http://[SERVER]/node-22.22.2
            digest: sha256:[HEX]
            size: 343
        layout: zip
        programs:
          node:
            path: bin/node
            kind: script
          npm:
            path: bin/npm
            kind: script
        smoke:
          program: node
          args:
          - --version
          expect: v{version}
        limits:
          download_mib: 512
          unpacked_mib: 2048
          entries: 400000
    ");
    let mode = |name: &str| {
        let metadata = fs::metadata(world.path(&format!("work/bundle/{name}")));
        metadata.unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode(""), mode("sha256")), (0o755, 0o755));
    assert_eq!(mode("bootstrap.lock"), 0o644);
    assert_eq!(world.tree("work").len(), 7, "{:?}", world.tree("work"));
}

#[test]
fn what_is_installed_from_a_bundle_offline_is_what_the_packages_make() {
    let pinned = Pinned::new();
    let world = &pinned.world;
    pinned.create(&[]).exits(0);
    let before = pinned.requests();
    let lock = world.text("work/bundle/bootstrap.lock");
    let mirror = format!("file://{}", world.text("work/bundle"));
    let prefix = world.text("carried");
    let from_bundle = [
        "install",
        "-q",
        "--offline",
        "--locked",
        "--lock",
        &lock,
        "--mirror",
        &mirror,
        "--prefix",
        &prefix,
        "greet",
    ];
    let run = world.bootstrap(&from_bundle).exits(0);
    assert_eq!(
        run.states(),
        ["node 22.22.2 installed", "greet 1.0.0 installed"]
    );
    assert_eq!(pinned.requests(), before);
    world.bootstrap(&["install", "-q", "greet"]).exits(0);
    assert_eq!(
        world.tree("carried/tools"),
        world.tree("delegate/bootstrap/tools")
    );
    for directory in ["carried", "delegate/bootstrap"] {
        let run = world.shell(&["sh"], &format!("$world/{directory}/bin/greet you"));
        assert_eq!(run.exits(0).stdout, "hello\nyou\n");
    }
    let diff = "diff -r $world/carried/tools $world/delegate/bootstrap/tools";
    world.shell(&["sh"], diff).exits(0);
    // And once more there is nothing to do.
    let run = world.bootstrap(&from_bundle).exits(0);
    assert_eq!(
        run.states(),
        ["node 22.22.2 unchanged", "greet 1.0.0 unchanged"]
    );
}

#[test]
fn the_lock_of_a_bundle_finds_its_files_without_a_mirror_too_and_a_web_server_with_one() {
    let pinned = Pinned::new();
    let world = &pinned.world;
    pinned.create(&[]).exits(0);
    // What the vendor has is asked of the vendor, and what the bundle alone has is beside the lock.
    let lock = world.text("work/bundle/bootstrap.lock");
    let args = ["install", "-q", "--lock", &lock, "greet"];
    let run = world.bootstrap(&args).exits(0);
    assert!(run.stdout.contains("/bundle/sha256/"), "{run}");
    // A lock that was copied away, and a web server with the files.
    let root = world.path("work/bundle");
    let web = Server::start(move |request| {
        let path = request
            .target
            .strip_prefix("/tools/")
            .map(|path| root.join(path));
        let found = path.and_then(|path| fs::read(path).ok());
        found.map_or(Reply::status(404), Reply::ok)
    });
    world.write(
        "elsewhere/bootstrap.lock",
        world.read("work/bundle/bootstrap.lock"),
    );
    let (lock, prefix) = (world.text("elsewhere/bootstrap.lock"), world.text("web"));
    let mirror = web.url("/tools");
    let args = [
        "install",
        "--no-origin",
        "--locked",
        "--lock",
        &lock,
        "--mirror",
        &mirror,
        "--prefix",
        &prefix,
        "greet",
    ];
    let run = world.bootstrap(&args).exits(0);
    assert_eq!(
        run.states(),
        ["node 22.22.2 installed", "greet 1.0.0 installed"]
    );
    assert_eq!(web.requests().len(), 2);
    assert!(
        !run.stderr.contains("file://"),
        "nothing is beside it: {run}"
    );
}

#[test]
fn the_same_lock_gives_the_same_bytes_whoever_makes_the_bundle() {
    let pinned = Pinned::new();
    let world = &pinned.world;
    let make = |name: &str, before: &str| {
        let create = format!(
            "cd $world/work; {before}; \"$bootstrap\" bundle create -q -o $world/{name} >$world/out"
        );
        world.shell(&["sh"], &create).exits(0);
    };
    make("one", "umask 022");
    make("two", "umask 077; export SOURCE_DATE_EPOCH=1700000000");
    world
        .shell(&["sh"], "diff -r $world/one $world/two")
        .exits(0);
    make("one.tar", "umask 022");
    make("two.tar", "umask 077");
    make("later.tar", "export SOURCE_DATE_EPOCH=1700000000");
    let bytes = |name: &str| fs::read(world.path(name)).unwrap();
    assert!(bytes("one.tar") == bytes("two.tar"));
    assert!(bytes("one.tar") != bytes("later.tar"));
    let list = "tar --utc --full-time -tvf $world/later.tar | sed 's/  */ /g'";
    let listed = world.shell(&["sh"], list).exits(0).stdout;
    let all = "rw-r--r-- 0/0";
    assert_eq!(listed.matches(all).count(), 3, "{listed}");
    assert_eq!(
        listed.matches(" 2023-11-14 22:13:20 ").count(),
        4,
        "{listed}"
    );
    // Unpacked it is the directory.
    let unpack = "mkdir $world/out-of; tar -C $world/out-of -xf $world/one.tar; diff -r $world/one $world/out-of";
    world.shell(&["sh"], unpack).exits(0);
}

#[test]
fn a_name_says_whether_it_is_a_tar_unless_a_flag_does() {
    let hello = Fixture::script("hello", "1.0.0");
    let (world, _server) = World::pinning(&[&hello]);
    let create = ["bundle", "create", "-q", "-o"];
    world
        .bootstrap(&[&create[..], &["plain", "--tar"]].concat())
        .exits(0);
    world.bootstrap(&["bundle", "verify", "plain"]).exits(0);
    assert!(world.path("work/plain").is_file());
    assert_snapshot!(world.bootstrap(&[&create[..], &["bundle.tar.gz"]].concat()), @"
    --- stderr ---
    error: a bundle is a directory or a tar, and `bundle.tar.gz` would be neither
    hint: let the name end in .tar: what is in it is compressed already
    [exit 2]
    ");
    world
        .bootstrap(&[&create[..], &["-"]].concat())
        .exits(2)
        .says("not on standard output")
        .says("hint: name one, such as -o bundle.tar");
    world
        .bootstrap(&[&create[..], &["UPPER.TAR"]].concat())
        .exits(0);
    assert!(world.path("work/UPPER.TAR").is_file());
}

#[test]
fn only_the_platforms_that_are_asked_for_are_bundled() {
    let world = World::new();
    let server = Server::start(|request| Reply::ok(format!("{}\n", request.target)));
    let digest = |path: &str| crate::fixture::sha256(format!("{path}\n").as_bytes());
    let entry = |platform: &str, path: &str| {
        let (url, digest) = (server.url(path), digest(path));
        format!("      {platform}: {{ url: \"{url}\", digest: \"{digest}\", proof: catalog }}\n")
    };
    let both = entry("linux/amd64", "/a-amd64") + &entry("linux/arm64", "/a-arm64");
    let one = entry("linux/amd64", "/b-amd64");
    world.write(
        "work/bootstrap.lock",
        format!(
            "version: 1\ntools:\n  kubectl:\n    version: 1.35.2\n    artifacts:\n{both}  aws-cli:\n    version: 2.36.7\n    artifacts:\n{one}"
        ),
    );
    let create =
        |args: &[&str]| world.bootstrap(&[&["bundle", "create", "-q", "--replace"], args].concat());
    assert_snapshot!(create(&[]), @"
    TOOL     VERSION  PLATFORM     SIZE  PROOF
    aws-cli  2.36.7   linux/amd64  9 B   catalog
    kubectl  1.35.2   linux/amd64  9 B   catalog
    kubectl  1.35.2   linux/arm64  9 B   catalog
    [WORLD]/work/bundle was written: 3 files, 27 B
    [exit 0]
    ");
    assert_snapshot!(create(&["--platform", "linux/arm64", "kubectl"]), @"
    TOOL     VERSION  PLATFORM     SIZE  PROOF
    kubectl  1.35.2   linux/arm64  9 B   catalog
    [WORLD]/work/bundle was written: 1 file, 9 B
    [exit 0]
    ");
    assert_eq!(
        world.tree("work/bundle"),
        [
            "bootstrap.lock".to_owned(),
            "sha256".to_owned(),
            format!("sha256/{}", digest("/a-arm64").hex())
        ]
    );
    assert_snapshot!(create(&["--platform", "linux/arm64"]), @"
    --- stderr ---
    error: aws-cli 2.36.7 has no artifact for linux/arm64, only for linux/amd64
    hint: ask for another version of aws-cli, or pin one with a lock
    [exit 2]
    ");
    assert_snapshot!(create(&["--platform", "windows/amd64"]), @"
    --- stderr ---
    error: invalid value 'windows/amd64' for '--platform <PLATFORM>': `windows/amd64` is not a platform: it takes linux/amd64 or linux/arm64

    For more information, try '--help'.
    [exit 2]
    ");
}

#[test]
fn what_a_tool_needs_comes_along() {
    let pinned = Pinned::new();
    let run = pinned.create(&["greet"]).exits(0);
    assert!(run.stdout.contains("\nnode  "), "{run}");
    let run = pinned.create(&["-o", "small", "node@22.22.2"]).exits(0);
    assert!(!run.stdout.contains("\ngreet "), "{run}");
}

#[test]
fn a_file_of_this_machine_is_named_by_its_place_in_the_bundle() {
    let hello = Fixture::script("hello", "1.0.0");
    let (world, _server) = World::pinning(&[&hello]);
    world.write("work/hello-2", "#!/bin/sh\necho hello 2.0.0\n");
    let lock = [
        "lock",
        "hello@2.0.0",
        "--from",
        "hello-2",
        "--platform",
        "any",
    ];
    world.bootstrap(&lock).exits(0);
    world.bootstrap(&["bundle", "create", "-q"]).exits(0);
    let lock = world.read("work/bundle/bootstrap.lock");
    assert!(
        lock.contains("url: sha256/") && lock.contains("proof: file"),
        "{lock}"
    );
    // Moved, it is as good as before; and a bundle of a bundle is the same.
    fs::rename(world.path("work/bundle"), world.path("work/moved")).unwrap();
    fs::remove_file(world.path("work/hello-2")).unwrap();
    let again = [
        "bundle",
        "create",
        "-q",
        "--offline",
        "--lock",
        "moved/bootstrap.lock",
    ];
    world.bootstrap(&again).exits(0);
    world
        .shell(&["sh"], "diff -r $world/work/bundle $world/work/moved")
        .exits(0);
    world
        .bootstrap(&[
            "install",
            "--offline",
            "--lock",
            "moved/bootstrap.lock",
            "hello",
        ])
        .exits(0);
}

#[test]
fn npm_itself_is_asked_for_the_registry_where_none_is_given() {
    let (world, _vendor, registry) = npm::greet();
    world.write("tmp/registry-of-npm", registry.url("/npm/"));
    let directory = world.text("tmp");
    let world = world.with("TMPDIR", &directory);
    world.bootstrap(&["bundle", "create", "-q"]).exits(0);
    assert_eq!(registry.requests().len(), 2);
    let left = world.tree("work");
    assert!(
        !left.iter().any(|path| path.contains(".unfinished")),
        "{left:?}"
    );
}

#[test]
fn a_bundle_that_is_there_stays_unless_it_may_be_replaced() {
    let hello = Fixture::script("hello", "1.0.0");
    let newer = Fixture::script("hello", "2.0.0");
    let (world, server) = World::pinning(&[&hello]);
    let other = Fixture::serve(&[&newer]);
    for bundle in ["bundle", "bundle.tar"] {
        world.pin(&server, &[&hello]);
        let create = |more: &[&str]| {
            world.bootstrap(&[&["bundle", "create", "-q", "-o", bundle], more].concat())
        };
        create(&[]).exits(0);
        let run = create(&[]).exits(0);
        assert!(run.stdout.contains(" is as it was: 1 file, "), "{run}");
        world.pin(&other, &[&newer]);
        let run = create(&[]).exits(2);
        run.says("it is another bundle, or a damaged one");
        let listed = || world.bootstrap(&["bundle", "list", bundle]).exits(0).stdout;
        assert!(listed().contains(" 1.0.0 "));
        let run = create(&["--replace"]).exits(0);
        assert!(run.stdout.contains(" was written: 1 file, "), "{run}");
        assert!(listed().contains(" 2.0.0 "));
    }
    assert_eq!(
        world
            .tree("work")
            .iter()
            .filter(|path| path.contains(".unfinished"))
            .count(),
        0
    );
}

#[test]
fn a_damaged_bundle_is_made_anew_and_a_link_to_it_stays() {
    let hello = Fixture::script("hello", "1.0.0");
    let (world, _server) = World::pinning(&[&hello]);
    fs::create_dir(world.path("volume")).unwrap();
    fs::create_dir(world.path("volume/bundle")).unwrap();
    std::os::unix::fs::symlink(world.path("volume/bundle"), world.path("work/bundle")).unwrap();
    world.bootstrap(&["bundle", "create", "-q"]).exits(0);
    let file = format!("volume/bundle/{}", hello.digest.replace(':', "/"));
    world.write(&file, "evil");
    let run = world.bootstrap(&["bundle", "create", "-q"]).exits(2);
    run.says("it is another bundle, or a damaged one");
    world
        .bootstrap(&["bundle", "create", "-q", "--replace"])
        .exits(0);
    assert_eq!(world.read(&file).into_bytes(), hello.bytes);
    assert!(world.path("work/bundle").is_symlink());
}

#[test]
fn a_killed_run_leaves_no_bundle_and_the_next_one_makes_it() {
    let hello = Fixture::script("hello", "1.0.0");
    let world = World::new();
    let bytes = hello.bytes.clone();
    let server = Server::start(move |request| match request.before {
        0 => Reply::ok(bytes.clone()).hang_after(3),
        _ => Reply::ok(bytes.clone()),
    });
    world.pin(&server, &[&hello]);
    let mut process = world.command(&["bundle", "create", "-q"]).spawn().unwrap();
    while server.requests().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(!world.path("work/bundle").exists());
    world.bootstrap(&["bundle", "create", "-q"]).exits(0);
    world.bootstrap(&["bundle", "verify", "bundle"]).exits(0);
    let left = world.tree("work");
    assert!(
        !left.iter().any(|path| path.contains(".unfinished")),
        "{left:?}"
    );
}
