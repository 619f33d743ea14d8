//! Tools that are npm packages: each tarball by its own integrity, from whichever registry.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bootstrap::digest::{Algorithm, Hasher, unhex};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::archives::{Member, tar_gz, zip};
use crate::fixture::{Fixture, sha256};
use crate::server::{Reply, Server};
use crate::world::{GENEROUS, World};

/// A stand-in for Node.js: it runs shell scripts, and its npm knows a registry.
const NODE: &str = "#!/bin/sh\ncase $1 in --version) echo v22.22.2;; *) exec sh \"$@\";; esac\n";

/// The two packages of `greet`, in their versions.
const PACKAGES: [(&str, &str); 2] = [("greet", "1.0.0"), ("@words/hello", "2.0.0")];

/// Where npm finds the tarballs.
const TARBALLS: [&str; 2] = ["greet/-/greet-1.0.0.tgz", "@words/hello/-/hello-2.0.0.tgz"];

fn tarballs() -> [Vec<u8>; 2] {
    let main = "case $1 in --version) echo greet 1.0.0;; *) . \"$(dirname \"$0\")/../@words/hello/index.js\"; echo \"$@\";; esac\n";
    let greet = [
        Member::file("package/index.js", main),
        Member::file("package/package.json", "{}"),
    ];
    let words = [Member::file("package/index.js", "echo hello\n")];
    [tar_gz(&greet), tar_gz(&words)]
}

fn integrity(bytes: &[u8]) -> String {
    let mut hasher = Hasher::new(Algorithm::Sha512);
    hasher.update(bytes);
    let raw = unhex(&hasher.finish().hex()).unwrap();
    format!("sha512-{}", BASE64_STANDARD.encode(raw))
}

/// A package lock of the two.
fn package_lock() -> Value {
    let mut packages = json!({ "": { "name": "x", "dependencies": { "greet": "1.0.0" } } });
    for (((name, version), tarball), bytes) in PACKAGES.iter().zip(TARBALLS).zip(tarballs()) {
        packages[format!("node_modules/{name}")] = json!({
            "version": version,
            "resolved": format!("https://registry.invalid/{tarball}"),
            "integrity": integrity(&bytes),
        });
    }
    json!({ "name": "x", "lockfileVersion": 3, "packages": packages })
}

/// A world that pins `greet` by this package lock, and a node for it.
fn world_of(lock: &Value) -> (World, Server) {
    let world = World::new();
    let server = pin(&world, lock);
    (world, server)
}

/// Pins `greet` in this world; the registry that is the second server answers at the second time.
pub(crate) fn pinned_with_hiccups(world: &World) -> (Server, Server) {
    let tarballs = tarballs();
    let registry = Server::start(move |request| {
        let mut known = TARBALLS.iter().zip(&tarballs);
        let found = known
            .find(|(path, _)| request.target.ends_with(*path))
            .unwrap();
        match request.before {
            0 => Reply::status(503),
            _ => Reply::ok(found.1.clone()),
        }
    });
    (pin(world, &package_lock()), registry)
}

fn pin(world: &World, lock: &Value) -> Server {
    let npm = "#!/bin/sh\n[ \"$*\" = 'config get registry' ] && cat \"$TMPDIR/registry-of-npm\"\n";
    let members = [
        Member::program("bin/node", NODE),
        Member::program("bin/npm", npm),
    ];
    let node = Fixture {
        programs:
            "{ node: { path: bin/node, kind: script }, npm: { path: bin/npm, kind: script } }"
                .to_owned(),
        smoke: "{ program: node, args: [\"--version\"], expect: \"v{version}\" }".to_owned(),
        ..Fixture::archive("node", "22.22.2", "zip", zip(&members))
    };
    let server = Fixture::serve(&[&node]);
    let lock = lock.to_string();
    world.write("work/greet.package-lock.json", &lock);
    let entry = format!(
        "  greet:
    version: \"1.0.0\"
    package_lock: {{ file: greet.package-lock.json, digest: \"{}\" }}
    layout: npm
    programs: {{ greet: {{ path: node_modules/greet/index.js, run_with: node }} }}
    smoke: {{ program: greet, args: [\"--version\"], expect: \"greet {{version}}\" }}
    needs: [{{ tool: node, at_least: \"16\" }}]
",
        sha256(lock.as_bytes())
    );
    world.write(
        "work/bootstrap.lock",
        Fixture::lock(&server, &[&node]) + &entry,
    );
    server
}

fn world() -> (World, Server) {
    world_of(&package_lock())
}

/// A world that pins `greet` and a node, the server of that node, and a registry for `greet`.
pub(crate) fn greet() -> (World, Server, Server) {
    let (world, server) = world();
    (world, server, registry("/npm/", tarballs()))
}

/// A registry with these tarballs.
fn registry(base: &'static str, tarballs: [Vec<u8>; 2]) -> Server {
    Server::start(move |request| {
        let mut known = TARBALLS.iter().zip(&tarballs);
        let found = known.find(|(path, _)| request.target == format!("{base}{path}"));
        found.map_or(Reply::status(404), |(_, bytes)| Reply::ok(bytes.clone()))
    })
}

#[test]
fn the_packages_come_from_the_registry_and_run_with_our_node() {
    let (world, _server) = world();
    let registry = registry("/npm/", tarballs());
    let run = world
        .bootstrap(&[
            "install",
            "-q",
            "--npm-registry",
            &registry.url("/npm"),
            "greet",
        ])
        .exits(0);
    assert_eq!(
        run.states(),
        ["node 22.22.2 installed", "greet 1.0.0 installed"]
    );
    assert_eq!(registry.requests().len(), 2);
    assert_snapshot!(world.redact(&world.read("delegate/bootstrap/bin/greet")), @r#"
    #!/bin/sh
    exec '[WORLD]/delegate/bootstrap/bin/node' '[WORLD]/delegate/bootstrap/tools/greet/1.0.0/node_modules/greet/index.js' "$@"
    "#);
    // A PATH without our node will do.
    let run = world
        .shell(
            &["sh"],
            "PATH=/usr/bin:/bin $WORKING_DIR/bootstrap/bin/greet you there",
        )
        .exits(0);
    assert_eq!(run.stdout, "hello\nyou there\n");
    assert_eq!(
        world
            .tree("delegate/bootstrap/tools/greet/1.0.0")
            .iter()
            .filter(|path| path.contains('.'))
            .collect::<Vec<_>>(),
        [
            "node_modules/@words/hello/index.js",
            "node_modules/greet/index.js",
            "node_modules/greet/package.json"
        ]
    );
    let run = world.bootstrap(&["install", "-q", "greet"]).exits(0);
    assert_eq!(
        run.states(),
        ["node 22.22.2 unchanged", "greet 1.0.0 unchanged"],
        "and no registry is asked for"
    );
    assert_eq!(registry.requests().len(), 2);
}

#[test]
fn the_registry_is_that_of_the_flag_the_variables_the_file_npmrc_and_then_of_npm_itself() {
    let (world, _server) = world();
    let names = ["npm", "npmrc", "file", "npm-variable", "variable", "flag"];
    let registries = [
        registry("/npm/", tarballs()),
        registry("/npmrc/", tarballs()),
        registry("/file/", tarballs()),
        registry("/npm-variable/", tarballs()),
        registry("/variable/", tarballs()),
        registry("/flag/", tarballs()),
    ];
    let address = |n: usize| registries[n].url(&format!("/{}/", names[n]));
    let install = |world: &World, n: usize, flags: &[&str]| {
        let prefix = world.text(&format!("prefix-{n}"));
        let args = [
            &["install", "-q", "--prefix", &prefix][..],
            flags,
            &["greet"],
        ]
        .concat();
        world.bootstrap(&args).exits(0);
        let asked: Vec<_> = registries
            .iter()
            .map(|registry| registry.requests().len())
            .collect();
        let expected: Vec<_> = (0..6).map(|other| if other <= n { 2 } else { 0 }).collect();
        assert_eq!(asked, expected, "{}", names[n]);
    };
    world.write("npm/registry-of-npm", address(0));
    let directory = world.text("npm");
    let world = world.with("TMPDIR", &directory);
    install(&world, 0, &[]);
    world.write("home/.npmrc", format!("registry={}\n", address(1)));
    install(&world, 1, &[]);
    world.write(
        "work/bootstrap.yaml",
        format!("version: 1\nnpm_registry: {}\n", address(2)),
    );
    install(&world, 2, &[]);
    let world = world
        .with("NPM_CONFIG_REGISTRY", &address(3))
        .with("BOOTSTRAP_NPM_REGISTRY", "");
    install(&world, 3, &[]);
    let world = world.with("BOOTSTRAP_NPM_REGISTRY", &address(4));
    install(&world, 4, &[]);
    install(&world, 5, &["--npm-registry", &address(5)]);
}

#[test]
fn a_token_of_npmrc_goes_to_its_registry() {
    let (world, _server) = world();
    let registry = registry("/npm/", tarballs());
    let address = registry.address();
    world.write(
        "home/.npmrc",
        format!("registry=http://{address}/npm/\n//{address}/npm/:_authToken=${{TOKEN}}\n"),
    );
    world
        .with("TOKEN", "npm_s3cret")
        .bootstrap(&["install", "greet"])
        .exits(0);
    for request in registry.requests() {
        assert_eq!(
            request.header("authorization"),
            Some("Bearer npm_s3cret"),
            "{}",
            request.target
        );
    }
}

#[test]
fn a_tarball_with_another_integrity_is_refused() {
    let (world, _server) = world();
    let [greet, _] = tarballs();
    let evil = tar_gz(&[Member::file("package/index.js", "echo evil\n")]);
    let registry = registry("/", [greet, evil]);
    let run = world
        .bootstrap(&[
            "install",
            "-q",
            "--npm-registry",
            &registry.url("/"),
            "greet",
        ])
        .exits(4);
    assert_eq!(
        run.states(),
        ["node 22.22.2 installed", "greet 1.0.0 failed"]
    );
    run.says("the digest is sha512:")
        .says("hint: do not use these bytes");
    assert_eq!(
        world.tree("delegate/bootstrap/bin"),
        [
            "node -> ../tools/node/22.22.2/bin/node",
            "npm -> ../tools/node/22.22.2/bin/npm"
        ]
    );
    assert_eq!(world.leftovers(), Vec::<String>::new());
}

#[test]
fn a_registry_without_a_tarball_is_told_by_its_address() {
    let (world, _server) = world();
    let registry = Server::start(|_| Reply::status(404));
    let run = world
        .bootstrap(&[
            "install",
            "-q",
            "--npm-registry",
            &registry.url("/"),
            "greet",
        ])
        .exits(5);
    run.says(".0.0.tgz: the answer was 404 Not Found");
}

#[test]
fn a_hostile_tarball_with_the_right_integrity_is_refused() {
    let hostile = tar_gz(&[Member::file("package/../../../evil", "x")]);
    let mut lock = package_lock();
    lock["packages"]["node_modules/@words/hello"]["integrity"] = json!(integrity(&hostile));
    let (world, _server) = world_of(&lock);
    let [greet, _] = tarballs();
    let registry = registry("/", [greet, hostile]);
    let run = world
        .bootstrap(&[
            "install",
            "-q",
            "--npm-registry",
            &registry.url("/"),
            "greet",
        ])
        .exits(4);
    run.says("the name has a component that is empty, `.` or `..`");
    assert_eq!(world.leftovers(), Vec::<String>::new());
}

#[test]
fn many_packages_that_cannot_be_unpacked_end_the_run_and_do_not_wait_for_each_other() {
    // More than the queue between the network and the unpackers holds.
    let count = 300;
    let tarball =
        |index: usize| tar_gz(&[Member::file("package/../../outside", index.to_string())]);
    let mut packages = json!({});
    for index in 0..count {
        packages[format!("node_modules/p{index}")] =
            json!({ "version": "1.0.0", "integrity": integrity(&tarball(index)) });
    }
    packages["node_modules/greet"] =
        json!({ "version": "1.0.0", "integrity": integrity(&tarball(count)) });
    let (world, _server) = world_of(&json!({ "lockfileVersion": 3, "packages": packages }));
    let registry = Server::start(move |request| {
        let name = request.target.split('/').nth(1).unwrap();
        Reply::ok(tarball(name[1..].parse().unwrap_or(count)))
    });
    let world = world.with("BOOTSTRAP_NPM_REGISTRY", &registry.url("/"));
    world
        .bootstrap(&["install", "greet", "--deadline", "60s"])
        .exits(4)
        .says("is not an archive to trust");
}

#[test]
fn a_package_that_is_not_from_a_registry_is_refused() {
    let mut lock = package_lock();
    lock["packages"]["node_modules/greet"]["resolved"] =
        json!("git+ssh://git@host/greet.git#0123456");
    let (world, _server) = world_of(&lock);
    assert_snapshot!(world.bootstrap(&["install", "greet"]), @"
    --- stderr ---
    error: the lock's pin cannot be used
    caused by: [WORLD]/work/greet.package-lock.json cannot be installed from
    caused by: the package `node_modules/greet` does not come from a registry: its `resolved` is not the URL of its tarball there
    hint: publish the package to a registry and depend on that
    [exit 6]
    ");
}

#[test]
fn a_package_without_integrity_is_refused() {
    let mut lock = package_lock();
    lock["packages"]["node_modules/greet"]["integrity"] = Value::Null;
    let (world, _server) = world_of(&lock);
    assert_snapshot!(world.bootstrap(&["install", "greet"]), @"
    --- stderr ---
    error: the lock's pin cannot be used
    caused by: [WORLD]/work/greet.package-lock.json cannot be installed from
    caused by: the package `node_modules/greet` has no `integrity`
    hint: delete `node_modules` and the lock, and let npm make the lock again
    [exit 6]
    ");
}

#[test]
fn an_address_that_is_none_is_refused() {
    let (world, _server) = world();
    let run = world.bootstrap(&[
        "install",
        "--npm-registry",
        "ftp://me:s3cret@host/",
        "greet",
    ]);
    assert_snapshot!(run, @"
    --- stderr ---
    error: `***@host/` is not the address of an npm registry: it takes an https, http or file address
    hint: set --npm-registry (BOOTSTRAP_NPM_REGISTRY) to one like https://registry.example.com/npm/
    [exit 2]
    ");
}

#[test]
fn a_mirror_serves_packages_too() {
    let (world, _server) = world();
    let mirror = registry("/corp/registry.invalid/npm/", tarballs());
    let template = mirror.url("/corp/{host}/{path}");
    let flags = [
        "install",
        "-q",
        "--npm-registry",
        "http://registry.invalid/npm",
        "--mirror",
        &template,
        "greet",
    ];
    world.bootstrap(&flags).exits(0);
    assert_eq!(
        mirror
            .requests()
            .iter()
            .filter(|request| request.target.contains(".tgz"))
            .count(),
        2
    );
}

#[test]
fn the_deadline_may_come_while_a_package_is_on_its_way() {
    let (world, _server) = world();
    let tarballs = tarballs();
    let registry = Server::start(move |request| {
        let mut known = TARBALLS.iter().zip(&tarballs);
        let (path, bytes) = known
            .find(|(path, _)| request.target.ends_with(*path))
            .unwrap();
        match (path.starts_with('@'), request.before) {
            (true, 0) => Reply::ok(bytes.clone()).hang_after(10),
            _ => Reply::ok(bytes.clone()),
        }
    });
    let url = registry.url("/");
    let args = ["install", "-q", "--npm-registry", &url, "greet"];
    let run = world
        .bootstrap(&[&args[..], &["--deadline", "1s"]].concat())
        .exits(5)
        .says("the deadline came after 10 of ");
    assert!(run.took < GENEROUS);
    assert_eq!(world.leftovers(), [""; 0]);
    assert!(!world.prefix("bin/greet").exists());
    let run = world.bootstrap(&args).exits(0);
    assert_eq!(
        run.states(),
        ["node 22.22.2 unchanged", "greet 1.0.0 installed"]
    );
}

#[test]
fn the_deadline_may_come_while_npm_is_asked_for_its_registry() {
    let (world, _server) = world();
    let directory = world.text("npm");
    let world = world.with("TMPDIR", &directory);
    world
        .shell(
            &["sh"],
            "mkdir $world/npm; mkfifo $world/npm/registry-of-npm",
        )
        .exits(0);
    let run = world.bootstrap(&["install", "-q", "--deadline", "1s", "greet"]);
    let run = run
        .exits(5)
        .says("caused by: npm did not say which registry its packages come from\n");
    assert!(run.took < GENEROUS);
    assert_eq!(world.leftovers(), [""; 0]);
    std::fs::remove_file(world.path("npm/registry-of-npm")).unwrap();
    let run = world.bootstrap(&["install", "-q", "greet"]);
    assert_snapshot!(run, @"
    TOOL   VERSION  STATE      SECONDS  DOWNLOADED  SOURCE
    node   22.22.2  unchanged  0.00     -           http://[SERVER]/node-22.22.2
    greet  1.0.0    failed     0.00     -           -
    install failed in 0.00 s
    --- stderr ---
    warning: greet: failed in 0.00 s
    error: greet 1.0.0 could not be put in place
    caused by: npm did not say which registry its packages come from
    caused by: `[WORLD]/delegate/bootstrap/bin/npm config get registry` ended with exit status: 1: cat: [WORLD]/npm/registry-of-npm: No such file or directory
    hint: set --npm-registry (BOOTSTRAP_NPM_REGISTRY), and npm is not asked
    [exit 1]
    ");
}
