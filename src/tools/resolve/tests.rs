//! Tests of resolving: which pin wins, and what an error tells.

use std::path::Path;

use super::*;
use crate::tools::{Layout, Source};

const X64: Platform = Platform::ALL[0];
const ARM: Platform = Platform::ALL[1];
const LOCK: &str = r#"version: 1
tools:
  aws-iam-authenticator:
    version: 0.5.9
    artifacts:
      linux/amd64: { url: "https://lock.example/a", digest: "sha256:HEX" }
  helm:
    version: 3.17.3
    artifacts:
      linux/amd64: { url: "https://lock.example/helm", digest: "sha256:HEX" }
    layout: tar.gz
    strip: linux-{arch}
    programs: { helm: { path: helm, kind: elf } }
    smoke: { program: helm, args: [version] }
  mystery:
    version: 1.0.0
    artifacts:
      any: { url: "https://lock.example/m", digest: "sha256:HEX" }
  aws-cli:
    version: 2.36.7
    package_lock: { file: f.json, digest: "sha256:HEX" }
  serverless:
    version: 3.40.0
    artifacts:
      any: { url: "https://lock.example/s", digest: "sha256:HEX" }
"#;

fn lock() -> Lockfile {
    let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    Lockfile::parse(Path::new("bootstrap.lock"), &LOCK.replace("HEX", hex)).unwrap()
}

fn resolve(
    text: &str,
    lock: Option<&Lockfile>,
    locked: bool,
    platform: Platform,
) -> Result<Release, Error> {
    let catalog = Catalog::builtin().unwrap();
    let pins = Pins {
        catalog: &catalog,
        lock,
        locked,
        platform,
    };
    pins.resolve(&text.parse().unwrap())
}

/// The message and the hint.
fn failure(text: &str, lock: Option<&Lockfile>, locked: bool, platform: Platform) -> String {
    let error = resolve(text, lock, locked, platform).unwrap_err();
    format!("{error}; {}", error.hint().unwrap())
}

fn host(release: &Release) -> &str {
    match &release.source {
        Source::Artifact(artifact) => artifact.url.host_str().unwrap(),
        Source::Packages(_) => "packages",
    }
}

#[test]
fn the_lock_pins_the_version_that_was_not_asked_for() {
    let lock = lock();
    let release = resolve("aws-iam-authenticator", Some(&lock), false, X64).unwrap();
    assert_eq!(
        (release.version.as_str(), host(&release)),
        ("0.5.9", "lock.example")
    );
    let release = resolve("aws-iam-authenticator@0.5.9", Some(&lock), true, X64).unwrap();
    assert_eq!(host(&release), "lock.example");
}

#[test]
fn another_version_than_the_locked_one_comes_from_the_catalog_unless_locked() {
    let lock = lock();
    let release = resolve("aws-iam-authenticator@0.7.20", Some(&lock), false, X64).unwrap();
    assert_eq!(host(&release), "github.com");
    assert_eq!(
        failure("aws-iam-authenticator@0.7.20", Some(&lock), true, X64),
        "aws-iam-authenticator 0.7.20 was asked for, and the lock pins 0.5.9; ask for aws-iam-authenticator or aws-iam-authenticator@0.5.9, make the lock again, or leave --locked out"
    );
    assert_eq!(
        failure("node", Some(&lock), true, X64),
        "the lock does not pin node; add it with `bootstrap lock node`, or leave --locked out"
    );
}

#[test]
fn a_lock_may_bring_a_tool_that_the_catalog_lacks() {
    let lock = lock();
    let release = resolve("helm", Some(&lock), false, X64).unwrap();
    let strip = Some("linux-amd64".parse().unwrap());
    assert_eq!(release.layout, Layout::TarGz { strip });
    assert_eq!(
        failure("helm", Some(&lock), false, ARM),
        "helm 3.17.3 has no artifact for linux/arm64, only for linux/amd64; ask for another version of helm, or pin one with a lock"
    );
    assert_eq!(
        failure("helm@4.0.0", Some(&lock), false, X64),
        "helm 4.0.0 is not in the catalog, and unpinned downloads are refused; there is 3.17.3; `bootstrap install --list` shows all, and `bootstrap lock helm@VERSION` pins any other"
    );
    assert_eq!(
        failure("mystery", Some(&lock), false, X64),
        "the lock pins mystery, which the catalog lacks, without saying how it is laid out; give `layout`, `programs` and `smoke` for mystery in the lock"
    );
}

#[test]
fn a_bundled_npm_tool_is_an_archive_with_the_launchers_of_the_catalog() {
    let release = resolve("serverless", Some(&lock()), true, ARM).unwrap();
    assert_eq!(release.layout, Layout::TarGz { strip: None });
    assert_eq!(release.programs.len(), 2);
}

#[test]
fn packages_for_a_tool_that_is_not_made_of_them_are_refused() {
    assert_eq!(
        failure("aws-cli", Some(&lock()), false, X64),
        "the lock pins aws-cli by a package lock, and it is not made of npm packages; pin aws-cli by `artifacts`"
    );
}

#[test]
fn a_missing_package_lock_is_the_fault_of_a_file() {
    let mut lock = lock();
    let serverless = lock.tools.get_mut(&"serverless".parse().unwrap()).unwrap();
    serverless.source = LockedSource::PackageLock {
        file: "absent.package-lock.json".parse().unwrap(),
        digest: crate::digest::Digest::sha256([0; 32]),
        proof: "file".to_owned(),
    };
    let error = resolve("serverless", Some(&lock), false, X64).unwrap_err();
    assert_eq!(error.fault(), Fault::Input);
    let chain = std::error::Error::source(&error).unwrap();
    assert_eq!(chain.to_string(), "absent.package-lock.json cannot be read");
}

#[test]
fn an_unknown_tool_gets_at_most_three_names_like_it() {
    assert_eq!(
        failure("aws-cl", None, false, X64),
        "no tool is called aws-cl; did you mean aws-cli? `bootstrap install --list` shows the tools there are"
    );
    assert_eq!(
        failure("zzz", None, false, X64),
        "no tool is called zzz; `bootstrap install --list` shows the tools there are"
    );
}

#[test]
fn an_unknown_version_gets_its_neighbours_and_the_default() {
    let rest =
        "`bootstrap install --list` shows all, and `bootstrap lock node@VERSION` pins any other";
    for (version, near) in [
        ("22.21.99", "22.21.1, 22.22.0 and 22.22.2"),
        ("12", "12.22.12 and 22.22.2"),
        ("11.0.0", "12.18.3 and 22.22.2"),
        ("99.0.0", "22.22.2 and 24.15.0"),
    ] {
        assert_eq!(
            failure(&format!("node@{version}"), None, false, X64),
            format!(
                "node {version} is not in the catalog, and unpinned downloads are refused; there is {near}; {rest}"
            )
        );
    }
}

#[test]
fn a_platform_without_an_artifact_gets_those_that_have_one() {
    assert_eq!(
        failure("aws-iam-authenticator@0.5.3", None, false, ARM),
        "aws-iam-authenticator 0.5.3 has no artifact for linux/arm64, only for linux/amd64; ask for another version of aws-iam-authenticator, or pin one with a lock"
    );
}

#[test]
fn the_fault_is_of_the_file_where_there_is_one() {
    let error = resolve("zzz", None, false, X64).unwrap_err();
    assert_eq!(error.fault(), Fault::Usage);
    let at = Location {
        file: "b.yaml".into(),
        line: 3,
        column: 5,
    };
    let error = Error {
        at: Some(at),
        ..error
    };
    assert_eq!(error.fault(), Fault::Input);
    assert_eq!(error.to_string(), "b.yaml:3:5: no tool is called zzz");
    let error = resolve("mystery", Some(&lock()), false, X64).unwrap_err();
    assert_eq!(error.fault(), Fault::Input);
}

#[test]
fn no_placeholder_is_left_in_a_release() {
    let catalog = Catalog::builtin().unwrap();
    for name in catalog.tools().keys() {
        for platform in Platform::ALL {
            let release = resolve(name.as_str(), None, false, platform).unwrap();
            let shown = format!(
                "{:?} {:?} {:?}",
                release.layout, release.smoke, release.programs
            );
            for placeholder in ["{version}", "{arch}", "{uname}", "{node_arch}"] {
                assert!(!shown.contains(placeholder), "{shown}");
            }
        }
    }
    let node = resolve("node", None, false, ARM).unwrap();
    let strip = Some("node-v22.22.2-linux-arm64".parse().unwrap());
    assert_eq!(node.layout, Layout::TarGz { strip });
}

#[test]
fn the_version_is_expected_of_the_versions_that_print_it() {
    let expect = |text| resolve(text, None, false, X64).unwrap().smoke.expect;
    assert_eq!(expect("aws-iam-authenticator@0.5.3"), None);
    assert_eq!(
        expect("aws-iam-authenticator@0.5.5").as_deref(),
        Some(r#""Version":"0.5.5""#)
    );
    assert_eq!(expect("kubectl").as_deref(), Some("v1.35.2"));
    assert_eq!(expect("aws-cli").as_deref(), Some("aws-cli/2.36.7 "));
}

#[test]
fn what_serverless_needs_depends_on_its_version() {
    for (text, node) in [("serverless@2.50.0", "14"), ("serverless@3.40.0", "16")] {
        let needs = resolve(text, None, false, X64).unwrap().needs;
        let shown: Vec<_> = needs
            .iter()
            .map(|need| (need.tool.as_str(), need.at_least.as_str()))
            .collect();
        assert_eq!(shown, [("node", node)]);
    }
}
