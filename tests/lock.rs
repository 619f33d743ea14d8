//! `bootstrap lock`: what is pinned, what vouches for it, and what is refused.

mod check;
mod checksums;
mod edits;
mod given;
mod gpg;
mod signature;
mod vendor;

use insta::assert_snapshot;

use crate::fixture::Fixture;
use crate::world::World;
use vendor::Vendor;

#[test]
fn versions_of_the_catalog_are_pinned_for_every_platform_without_the_network() {
    let world = World::new();
    let tools = ["aws-cli@2.36.7", "serverless@2.50.0"];
    let run = world.bootstrap(&[&["lock", "--offline"], &tools[..]].concat());
    assert_snapshot!(run, @"
    TOOL        VERSION  PLATFORM     SIZE  STATE  PROOF
    aws-cli     2.36.7   linux/amd64  -     added  catalog
    aws-cli     2.36.7   linux/arm64  -     added  catalog
    node        22.22.2  linux/amd64  -     added  catalog
    node        22.22.2  linux/arm64  -     added  catalog
    serverless  2.50.0   any          -     added  catalog
    [WORLD]/work/bootstrap.lock was written
    [exit 0]
    ");
    let text = world.read("work/bootstrap.lock");
    assert_snapshot!(text, @"
    # Written by `bootstrap lock`, which keeps comments above `version:` and no others.
    version: 1
    tools:
      aws-cli:
        version: 2.36.7
        artifacts:
          linux/amd64:
            url: https://awscli.amazonaws.com/awscli-exe-linux-x86_64-2.36.7.zip
            digest: sha256:d641283d37f1a2168457a9f26a20d4e29167652e9ab1719b37114ef1ebe859f4
            proof: catalog
          linux/arm64:
            url: https://awscli.amazonaws.com/awscli-exe-linux-aarch64-2.36.7.zip
            digest: sha256:85826b67912b44bb45d1e46c6e66f383c14405ee0b2f4686f73bdf949c93bd61
            proof: catalog
      node:
        version: 22.22.2
        artifacts:
          linux/amd64:
            url: https://nodejs.org/dist/v22.22.2/node-v22.22.2-linux-x64.tar.gz
            digest: sha256:978978a635eef872fa68beae09f0aad0bbbae6757e444da80b570964a97e62a3
            proof: catalog
          linux/arm64:
            url: https://nodejs.org/dist/v22.22.2/node-v22.22.2-linux-arm64.tar.gz
            digest: sha256:b2f3a96f31486bfc365192ad65ced14833ad2a3c2e1bcefec4846902f264fa28
            proof: catalog
      serverless:
        version: 2.50.0
        package_lock:
          file: serverless-2.50.0.package-lock.json
          digest: sha256:9bd37bef2f3677a31b45585a0679ec1aa97553889a285b84ab451969a4dafb6c
          proof: catalog
    ");
    let packages = world.read("work/serverless-2.50.0.package-lock.json");
    assert_eq!(packages.lines().count(), 710 + 2, "one package a line");

    // The order in which they were asked for makes no difference, nor does a second run.
    let other = World::new();
    other.bootstrap(&["lock", tools[1]]).exits(0);
    other.bootstrap(&["lock", tools[0]]).exits(0);
    assert_eq!(other.read("work/bootstrap.lock"), text);
    let again = other.bootstrap(&["lock"]).exits(0);
    assert!(
        again.stdout.contains("bootstrap.lock is as it was"),
        "{again}"
    );
    assert!(!again.stdout.contains("added"), "{again}");
    assert_eq!(other.read("work/bootstrap.lock"), text);
    other.bootstrap(&["lock", "--check"]).exits(0);
}

#[test]
fn without_names_the_tools_of_the_file_are_pinned_beside_it_and_what_they_need() {
    let world = World::new();
    let tools = "version: 1\ntools: [serverless, aws-iam-authenticator@builtin, kubectl@1.20.0]\n";
    world.write("delegate/bootstrap.yaml", tools);
    let run = world.bootstrap(&["lock"]).exits(0);
    for line in ["node", "serverless", "kubectl     1.20.0"] {
        assert!(run.stdout.contains(&format!("\n{line}")), "{run}");
    }
    assert!(!run.stdout.contains("aws-iam-authenticator"), "{run}");
    assert!(world.path("delegate/bootstrap.lock").exists());
    assert!(
        world
            .path("delegate/serverless-3.40.0.package-lock.json")
            .exists()
    );
    let world = world.with("BOOTSTRAP_TOOLS", "node@20.20.2");
    let run = world.bootstrap(&["lock", "--lock", "other.lock"]).exits(0);
    assert!(
        run.stdout.contains("20.20.2") && !run.stdout.contains("kubectl"),
        "{run}"
    );
    assert!(world.path("work/other.lock").exists());
}

#[test]
fn the_result_is_json_where_that_is_asked_for() {
    let world = World::new();
    let run = world
        .bootstrap(&["lock", "--output", "json", "kubectl@1.35.2"])
        .exits(0);
    let result: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(result["version"], 1);
    assert_eq!(result["lock"], world.text("work/bootstrap.lock"));
    let pin = &result["pins"][0];
    assert_eq!(pin["tool"], "kubectl");
    assert_eq!(pin["platform"], "linux/amd64");
    assert_eq!(pin["proof"], "catalog");
    assert_eq!(pin["state"], "added");
    let digest = "sha256:924eb50779153f20cb668117d141440b95df2f325a64452d78dff9469145e277";
    assert_eq!(pin["digest"], digest);
}

#[test]
fn a_diff_shows_what_would_change_and_writes_nothing() {
    let world = World::new();
    let run = world
        .bootstrap(&["lock", "--diff", "serverless@3.40.0"])
        .exits(0);
    assert!(run.stdout.contains("\n+  serverless:\n"), "{run}");
    assert_eq!(world.tree("work"), Vec::<String>::new());
    world.bootstrap(&["lock", "kubectl@1.20.0"]).exits(0);
    let before = world.read("work/bootstrap.lock");
    let run = world
        .bootstrap(&["lock", "--diff", "kubectl@1.35.2"])
        .exits(0);
    assert!(
        run.stdout
            .contains("\n-    version: 1.20.0\n+    version: 1.35.2\n"),
        "{run}"
    );
    assert_eq!(world.read("work/bootstrap.lock"), before);
    let run = world.bootstrap(&["lock", "--diff", "kubectl"]).exits(0);
    assert_eq!(run.stdout, "");
}

#[test]
fn what_cannot_be_pinned_is_told_with_the_next_step() {
    let check = |args: &[&str]| {
        let run = World::new().bootstrap(&[&["lock"], args].concat()).exits(2);
        run.stderr
    };
    assert_snapshot!(check(&[]), @"
    error: there is nothing to pin
    hint: name one, such as `bootstrap lock aws-cli`, or list them under `tools:` in bootstrap.yaml
    ");
    assert_snapshot!(check(&["aws-cl"]), @"
    error: no tool is called aws-cl
    hint: did you mean aws-cli? `bootstrap install --list` shows the tools there are
    ");
    assert_snapshot!(check(&["zzz"]), @"
    error: no tool is called zzz
    hint: `bootstrap install --list` shows the tools there are; any other can be described in the lock, and pinned with --from
    ");
    assert_snapshot!(check(&["aws-iam-authenticator@builtin"]), @"
    error: aws-iam-authenticator@builtin is this program itself: there is nothing to pin
    hint: ask for it once, in a version of its vendor's
    ");
    assert_snapshot!(check(&["node@20.20.2", "node@22.22.2"]), @"
    error: node@20.20.2 and node@22.22.2 exclude each other
    hint: ask for it once, in a version of its vendor's
    ");
    assert_snapshot!(check(&["serverless", "node@12.22.12"]), @"
    error: serverless 3.40.0 needs node 16 or newer, and this would pin 12.22.12
    hint: ask for node 16 or newer, or for none
    ");
    assert_snapshot!(check(&["serverless@4.43.0"]), @"
    error: serverless 4.43.0 cannot be pinned: 4.x asks for a licence key whenever it runs, and downloads what is not pinned; 1.x is older than what was tried
    hint: `bootstrap install --list` shows the versions that need nothing else; others of the same series take --from package-lock.json
    ");
    assert_snapshot!(check(&["serverless@3.39.0"]), @"
    error: the catalog has no package lock for serverless 3.39.0
    hint: let npm make one in an empty directory with `npm install --package-lock-only serverless@3.39.0`, and give it with --from package-lock.json
    ");
    assert_snapshot!(check(&["serverless@latest"]), @"
    error: the newest version of serverless is not one that can be looked up
    hint: ask for a version, such as serverless@3.40.0
    ");
}

#[test]
fn what_a_file_asks_for_is_told_with_its_place() {
    let world = World::new();
    world.write(
        "work/bootstrap.yaml",
        "version: 1\ntools:\n  - serverless@4.43.0\n",
    );
    let run = world.bootstrap(&["lock"]).exits(6);
    run.says("work/bootstrap.yaml:3:5: serverless 4.43.0 cannot be pinned");
}

#[test]
fn offline_nobody_is_asked() {
    let run = World::new().bootstrap(&["lock", "--offline", "kubectl@1.99.0"]);
    assert_snapshot!(run, @"
    --- stderr ---
    error: cannot pin kubectl 1.99.0 for linux/amd64
    caused by: the list of checksums would have to be looked up, and offline nobody asks https://dl.k8s.io/release/v1.99.0/bin/linux/amd64/kubectl.sha256
    hint: look it up while online: the lock then has the digest
    [exit 5]
    ");
}

#[test]
fn the_newest_versions_are_asked_of_their_vendors() {
    let vendor = Vendor::new();
    for (tool, version) in [("aws-iam-authenticator", "0.7.99"), ("kubectl", "1.99.1")] {
        vendor.publish(tool, version);
    }
    vendor.publish("node", "24.99.0");
    let tag = "https://github.com/kubernetes-sigs/aws-iam-authenticator/releases/tag/v0.7.99";
    vendor.redirect(
        "github.com/kubernetes-sigs/aws-iam-authenticator/releases/latest",
        tag,
    );
    vendor.put(tag.strip_prefix("https://").unwrap(), "<html>a page</html>");
    vendor.put("dl.k8s.io/release/stable.txt", "v1.99.1\n");
    let index = r#"[{"version":"v25.0.0","lts":false},{"version":"v24.99.0","lts":"Krypton"},{"version":"v22.22.2","lts":"Jod"}]"#;
    vendor.put("nodejs.org/dist/index.json", index);
    vendor.put("awscli.amazonaws.com/v2/version.txt", "2.36.7\n");
    let world = vendor.world();
    let args = [
        "lock",
        "-q",
        "aws-iam-authenticator@latest",
        "kubectl@latest",
        "node@latest",
        "aws-cli@latest",
    ];
    assert_snapshot!(world.bootstrap(&args), @"
    TOOL                   VERSION  PLATFORM     SIZE   STATE  PROOF
    aws-cli                2.36.7   linux/amd64  -      added  catalog
    aws-cli                2.36.7   linux/arm64  -      added  catalog
    aws-iam-authenticator  0.7.99   linux/amd64  174 B  added  checksums https://github.com/kubernetes-sigs/aws-iam-authenticator/releases/download/v0.7.99/authenticator_0.7.99_checksums.txt
    aws-iam-authenticator  0.7.99   linux/arm64  173 B  added  checksums https://github.com/kubernetes-sigs/aws-iam-authenticator/releases/download/v0.7.99/authenticator_0.7.99_checksums.txt
    kubectl                1.99.1   linux/amd64  177 B  added  checksums https://dl.k8s.io/release/v1.99.1/bin/linux/amd64/kubectl.sha256
    kubectl                1.99.1   linux/arm64  176 B  added  checksums https://dl.k8s.io/release/v1.99.1/bin/linux/arm64/kubectl.sha256
    node                   24.99.0  linux/amd64  232 B  added  checksums https://nodejs.org/dist/v24.99.0/SHASUMS256.txt
    node                   24.99.0  linux/arm64  237 B  added  checksums https://nodejs.org/dist/v24.99.0/SHASUMS256.txt
    [WORLD]/work/bootstrap.lock was written
    [exit 0]
    ");
    // --update is the same for all that the lock has, and there is nothing newer.
    let before = world.read("work/bootstrap.lock");
    world.bootstrap(&["lock", "-q", "--update"]).exits(0);
    assert_eq!(world.read("work/bootstrap.lock"), before);
    // Without it nobody is asked.
    let asked = vendor.requests().len();
    world.bootstrap(&["lock"]).exits(0);
    assert_eq!(vendor.requests().len(), asked);
}

#[test]
fn a_version_that_is_none_is_told_with_the_address() {
    let vendor = Vendor::new();
    vendor.put("dl.k8s.io/release/stable.txt", "no version today\n");
    let run = vendor.world().bootstrap(&["lock", "-q", "kubectl@latest"]);
    assert_snapshot!(run, @"
    --- stderr ---
    error: cannot look up the newest version of kubectl
    caused by: what https://dl.k8s.io/release/stable.txt gives names no version
    hint: look at what the address gives: a proxy or mirror may answer in its place
    [exit 5]
    ");
    vendor.put(
        "dl.k8s.io/release/stable.txt",
        "<!doctype html>\n<title>Sign in</title>",
    );
    let run = vendor.world().bootstrap(&["lock", "-q", "kubectl@latest"]);
    assert_snapshot!(run, @"
    --- stderr ---
    error: cannot look up the newest version of kubectl
    caused by: cannot fetch the newest version from https://dl.k8s.io/release/stable.txt: a web page came instead of the file (200 OK, no content type): <!doctype html>
    hint: check the URL of the mirror: it may want a login, or be the address of its web interface
    [exit 5]
    ");
}

#[test]
fn an_update_moves_what_has_no_version_and_leaves_what_has_one() {
    let vendor = Vendor::new();
    vendor.publish("kubectl", "1.99.1");
    vendor.put("dl.k8s.io/release/stable.txt", "v1.99.1");
    vendor.put(
        "nodejs.org/dist/index.json",
        r#"[{"version":"v99.0.0","lts":"X"}]"#,
    );
    let world = vendor.world();
    world.write(
        "work/bootstrap.yaml",
        "version: 1\ntools: [kubectl, node@20.20.2]\n",
    );
    world.bootstrap(&["lock"]).exits(0);
    assert!(
        world
            .read("work/bootstrap.lock")
            .contains("version: 1.35.2\n")
    );
    world.bootstrap(&["lock", "-q", "--update"]).exits(0);
    let text = world.read("work/bootstrap.lock");
    assert!(
        text.contains("version: 1.99.1\n") && text.contains("version: 20.20.2\n"),
        "{text}"
    );
    let targets: Vec<_> = vendor
        .requests()
        .into_iter()
        .filter(|target| target.contains("nodejs.org"))
        .collect();
    assert_eq!(targets, Vec::<String>::new());
}

#[test]
fn what_only_the_lock_describes_stays_and_takes_another_version_from_a_file_alone() {
    let hello = Fixture::script("hello", "1.0.0");
    let (world, _server) = World::pinning(&[&hello]);
    let before = world.read("work/bootstrap.lock");
    world.bootstrap(&["lock", "hello"]).exits(0);
    assert_eq!(world.read("work/bootstrap.lock"), before);
    assert_snapshot!(world.bootstrap(&["lock", "hello@2.0.0"]), @"
    --- stderr ---
    error: the catalog does not say where hello is published, so 2.0.0 cannot be looked up
    hint: give its file with `bootstrap lock hello@2.0.0 --from FILE`
    [exit 2]
    ");
    world.write("work/hello-2", "#!/bin/sh\necho hello 2.0.0\n");
    world
        .bootstrap(&[
            "lock",
            "hello@2.0.0",
            "--from",
            "hello-2",
            "--platform",
            "any",
        ])
        .exits(0);
    world.bootstrap(&["install", "--locked", "hello"]).exits(0);
    let run = world
        .bootstrap(&["install", "--locked", "hello@1.0.0"])
        .exits(2);
    run.says("the lock pins 2.0.0");
}
