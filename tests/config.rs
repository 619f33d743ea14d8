//! `bootstrap.yaml` and `bootstrap.lock`: every mistake is told with its place.

use bootstrap::digest::{Algorithm, Hasher};
use insta::assert_snapshot;

use crate::fixture::{Fixture, sha256};
use crate::world::World;

/// What is said of this text as `bootstrap.yaml`.
fn config(text: &str) -> String {
    let world = World::new();
    world.write("work/bootstrap.yaml", text);
    world.bootstrap(&["init"]).to_string()
}

/// What is said of this text as `bootstrap.lock`.
fn lock(text: &str) -> String {
    let world = World::new();
    world.write("work/bootstrap.lock", text);
    world.bootstrap(&["install", "hello"]).to_string()
}

#[test]
fn an_unknown_key_of_the_config_is_named_with_its_place() {
    assert_snapshot!(config("version: 1\ntools: []\nmirror: x\n"), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.yaml:3:1: unknown field `mirror`, expected one of `version`, `tools`, `clusters`, `kubeconfig`, `exec`, `minimum_kubernetes`, `credentials`, `test_region`, `mirrors`, `deadline`, `backoff`, `lock`, `locked`, `prefix`, `bin_dir`, `cache_dir`, `no_origin`, `offline`, `npm_registry`, `ca_bundle`, `on_failure`, `slim`, `report`
    [exit 6]
    ");
    assert_snapshot!(config("version: 1\ntools:\n  - tool: node\n    verison: 1\n"), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.yaml:4:5: tools[0]: unknown field `verison`, expected one of `tool`, `version`, `optional`
    [exit 6]
    ");
}

#[test]
fn a_byte_order_mark_and_the_line_ends_of_windows_are_no_matter() {
    assert_snapshot!(config("\u{feff}version: 1\r\ntools:\r\n  - nope\r\n"), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.yaml:3:5: no tool is called nope
    hint: did you mean node? `bootstrap install --list` shows the tools there are
    [exit 6]
    ");
}

#[test]
fn a_value_of_another_type_is_named_with_its_place() {
    assert_snapshot!(config("version: 1\ntools: node\n"), @r#"
    --- stderr ---
    error: [WORLD]/work/bootstrap.yaml:2:8: tools: invalid type: string "node", expected a sequence
    [exit 6]
    "#);
    assert_snapshot!(config("version: 1\noffline: sometimes\n"), @r#"
    --- stderr ---
    error: [WORLD]/work/bootstrap.yaml:2:10: offline: invalid type: string "sometimes", expected a boolean
    [exit 6]
    "#);
    assert_snapshot!(config("version: 1\ndeadline: soon\n"), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.yaml:2:11: deadline: `soon` is not a length of time: it takes one like 90s, 1m30s or 500ms
    [exit 6]
    ");
    assert_snapshot!(config("version: 1\nmirrors: [\"ftp://x\"]\n"), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.yaml:2:11: mirrors[0]: a mirror starts with https://, http:// or file:///
    [exit 6]
    ");
    assert_snapshot!(config("version: 1\non_failure: ignore\n"), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.yaml:2:13: on_failure: unknown variant `ignore`, expected one of `default`, `fail`, `continue`
    [exit 6]
    ");
    assert_snapshot!(config("version: 1\ntools: [AWS]\n"), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.yaml:2:9: tools[0]: `AWS` is not a tool's name: it takes lower-case letters, digits, `.` and `-`
    [exit 6]
    ");
}

#[test]
fn a_key_that_is_there_twice_is_refused() {
    assert_snapshot!(config("version: 1\noffline: true\noffline: false\n"), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.yaml:3:1: the key `offline` is there twice
    [exit 6]
    ");
}

#[test]
fn a_newer_format_is_refused() {
    assert_snapshot!(config("version: 2\ntools: []\n"), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.yaml:1:10: format version 2 is not one that this program reads: it reads up to 1
    [exit 6]
    ");
    assert_snapshot!(config("tools: []\n"), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.yaml:1:1: missing field `version`
    [exit 6]
    ");
}

#[test]
fn what_is_no_yaml_is_told_with_its_place() {
    assert_snapshot!(config("version: 1\ntools: [\n"), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.yaml:3:1: did not find expected node content, while parsing a flow node
    [exit 6]
    ");
    assert_snapshot!(config(""), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.yaml:1:1: missing field `version`
    [exit 6]
    ");
}

#[test]
fn a_config_that_was_named_must_be_there() {
    let world = World::new();
    assert_snapshot!(world.bootstrap(&["init", "--config", "none.yaml"]), @"
    --- stderr ---
    error: cannot read `[WORLD]/work/none.yaml`
    caused by: No such file or directory (os error 2)
    [exit 6]
    ");
    let world = world.with("BOOTSTRAP_CONFIG", "other.yaml");
    assert_snapshot!(world.bootstrap(&["env"]), @"
    --- stderr ---
    error: cannot read `[WORLD]/work/other.yaml`
    caused by: No such file or directory (os error 2)
    [exit 6]
    ");
}

#[test]
fn a_lock_that_was_named_must_be_there() {
    assert_snapshot!(World::new().bootstrap(&["install", "--lock", "none.lock", "node"]), @"
    --- stderr ---
    error: cannot read `[WORLD]/work/none.lock`
    caused by: No such file or directory (os error 2)
    [exit 6]
    ");
}

#[test]
fn an_unknown_key_of_the_lock_is_named_with_its_place() {
    assert_snapshot!(lock("version: 1\ntools:\n  hello:\n    version: 1\n    url: x\n"), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.lock:5:5: tools.hello: unknown field `url`, expected one of `version`, `artifacts`, `package_lock`, `layout`, `strip`, `programs`, `smoke`, `needs`, `slim`, `limits`
    [exit 6]
    ");
}

#[test]
fn an_invalid_digest_is_named_with_its_place() {
    let text = "version: 1\ntools:\n  hello:\n    version: 1\n    artifacts:\n      any: { url: \"http://h/x\", digest: \"md5:00\" }\n";
    assert_snapshot!(lock(text), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.lock:6:41: tools.hello.artifacts.any.digest: `md5:00` is not a digest: it takes `sha256:` and 64 hex digits, or `sha512:` and 128
    [exit 6]
    ");
    assert_snapshot!(lock(&text.replace("md5:00", "sha256:00")), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.lock:6:41: tools.hello.artifacts.any.digest: `sha256:00` is not a digest: it takes `sha256:` and 64 hex digits, or `sha512:` and 128
    [exit 6]
    ");
}

#[test]
fn a_url_with_a_password_or_of_another_scheme_is_refused() {
    let text = format!(
        "version: 1\ntools:\n  hello:\n    version: 1\n    artifacts:\n      any: {{ url: \"URL\", digest: \"{}\" }}\n",
        sha256(b"")
    );
    for url in ["http://user:s3cret@h/x", "ftp://h/x", "/x"] {
        let told = lock(&text.replace("URL", url));
        assert!(
            told.contains(
                "bootstrap.lock:6:19: tools.hello.artifacts.any.url: the `url` of an artifact takes"
            ),
            "{told}"
        );
        assert!(!told.contains("s3cret"), "{told}");
        assert!(told.ends_with("[exit 6]"), "{told}");
    }
}

#[test]
fn a_key_of_the_lock_that_is_there_twice_is_refused() {
    assert_snapshot!(lock("version: 1\ntools:\n  hello: {}\n  hello: {}\n"), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.lock:4:3: tools: the key `hello` is there twice
    [exit 6]
    ");
}

#[test]
fn a_newer_lock_is_refused() {
    assert_snapshot!(lock("version: 7\ntools: {}\n"), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.lock:1:10: format version 7 is not one that this program reads: it reads up to 1
    [exit 6]
    ");
}

#[test]
fn a_tool_that_is_half_described_is_refused() {
    let text = format!(
        "version: 1\ntools:\n  hello:\n    version: 1\n    artifacts: {{ any: {{ url: \"http://h/x\", digest: \"{}\" }} }}\n",
        sha256(b"")
    );
    assert_snapshot!(lock(&text), @"
    --- stderr ---
    error: the lock pins hello, which the catalog lacks, without saying how it is laid out
    hint: give `layout`, `programs` and `smoke` for hello in the lock
    [exit 6]
    ");
    assert_snapshot!(lock(&format!("{text}    layout: raw\n")), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.lock:4:5: tools.hello: a tool that the lock describes takes `layout`, `programs` and `smoke`, all three
    [exit 6]
    ");
    let both = "    layout: raw\n    programs: { a: { path: a, kind: elf }, b: { path: b, kind: elf } }\n    smoke: { program: a, args: [] }\n";
    assert_snapshot!(lock(&format!("{text}{both}")), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.lock:4:5: tools.hello: a tool with `layout: raw` has exactly one program
    [exit 6]
    ");
}

#[test]
fn a_package_lock_with_another_digest_is_not_believed() {
    let world = World::new();
    world.write("work/serverless.json", "{}");
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(b"another");
    let text = format!(
        "version: 1\ntools:\n  serverless:\n    version: 3.40.0\n    package_lock: {{ file: serverless.json, digest: \"{}\" }}\n",
        hasher.finish()
    );
    world.write("work/bootstrap.lock", text);
    assert_snapshot!(world.bootstrap(&["install", "serverless"]), @"
    --- stderr ---
    error: the lock's pin cannot be used
    caused by: [WORLD]/work/serverless.json is not the file that the lock pins: expected sha256:[HEX], found sha256:[HEX]
    hint: put the pinned file back, or make the lock again if the change was meant
    [exit 4]
    ");
}

#[test]
fn locked_refuses_what_the_lock_does_not_pin() {
    let (world, _server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    assert_snapshot!(world.bootstrap(&["install", "--locked", "node"]), @"
    --- stderr ---
    error: the lock does not pin node
    hint: add it with `bootstrap lock node`, or leave --locked out
    [exit 2]
    ");
    assert_snapshot!(world.bootstrap(&["install", "--locked", "hello@1.0.1"]), @"
    --- stderr ---
    error: hello 1.0.1 was asked for, and the lock pins 1.0.0
    hint: ask for hello or hello@1.0.0, make the lock again, or leave --locked out
    [exit 2]
    ");
    world.bootstrap(&["install", "--locked", "hello"]).exits(0);
}

#[test]
fn another_version_of_a_tool_that_only_the_lock_knows_is_refused() {
    let (world, _server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    assert_snapshot!(world.bootstrap(&["install", "hello@2.0.0"]), @"
    --- stderr ---
    error: hello 2.0.0 is not in the catalog, and unpinned downloads are refused
    hint: there is 1.0.0; `bootstrap install --list` shows all, and `bootstrap lock hello@VERSION` pins any other
    [exit 2]
    ");
}
