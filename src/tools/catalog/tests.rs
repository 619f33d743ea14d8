//! Tests of the catalog: that every pin in it parses, and that known ones are right.

use super::*;

const X64: Platform = Platform { arch: Arch::Amd64 };
const ARM: Platform = Platform { arch: Arch::Arm64 };

fn catalog() -> Catalog {
    Catalog::builtin().unwrap()
}

fn artifact(tool: &str, version: &str, platform: Platform) -> Artifact {
    let source = catalog().source(&tool.parse().unwrap(), &version.parse().unwrap(), platform);
    match source.unwrap().unwrap() {
        Source::Artifact(artifact) => artifact,
        Source::Packages(_) => panic!("{tool} is one file"),
    }
}

#[test]
fn every_row_of_every_table_parses() {
    for (tool, table) in DIGESTS {
        let lines = table.lines().filter(|line| !line.starts_with('#'));
        let name: ToolName = tool.parse().unwrap();
        assert_eq!(lines.count(), catalog().versions(&name).len(), "{tool}");
        for row in rows(&name) {
            assert!(
                matches!(row.note, None | Some("single-source")),
                "{tool} {}",
                row.version
            );
            assert_ne!(row.digests, ["-", "-"], "{tool} {}", row.version);
            for hex in row.digests.into_iter().filter(|hex| *hex != "-") {
                assert!(
                    format!("sha256:{hex}").parse::<Digest>().is_ok(),
                    "{tool} {}",
                    row.version
                );
            }
        }
    }
}

#[test]
fn versions_are_sorted_unique_and_as_many_as_were_taken_over() {
    let counts = [
        ("aws-cli", 433 + 7),
        ("aws-iam-authenticator", 44),
        ("kubectl", 59),
        ("node", 198),
        ("serverless", 2),
    ];
    for (tool, count) in counts {
        let versions = catalog().versions(&tool.parse().unwrap());
        assert_eq!(versions.len(), count, "{tool}");
        for pair in versions.windows(2) {
            assert!(
                pair[0].version < pair[1].version,
                "{tool} {}",
                pair[1].version
            );
        }
    }
}

#[test]
fn the_default_of_every_tool_is_there_for_both_platforms() {
    let catalog = catalog();
    for (name, tool) in catalog.tools() {
        for platform in Platform::ALL {
            let source = catalog.source(name, &tool.default, platform).unwrap();
            assert!(source.is_some(), "{name} {platform}");
        }
    }
}

#[test]
fn known_digests_are_those_of_the_vendors() {
    for (tool, version, platform, hex) in [
        (
            "aws-iam-authenticator",
            "0.5.9",
            X64,
            "b192431c22d720c38adbf53b016c33ab17105944ee73b25f485aa52c9e9297a7",
        ),
        (
            "aws-iam-authenticator",
            "0.5.9",
            ARM,
            "c67472d3ca61cdaff9754d2aa7fa1715803851678204cb7f9ba219a5454621b7",
        ),
        (
            "aws-iam-authenticator",
            "0.7.20",
            X64,
            "a60921d38d2b51bc998f37eb1eba81c92aed21d9315a35a01b283ac398c43f87",
        ),
        (
            "aws-cli",
            "2.36.7",
            X64,
            "d641283d37f1a2168457a9f26a20d4e29167652e9ab1719b37114ef1ebe859f4",
        ),
        (
            "aws-cli",
            "2.36.7",
            ARM,
            "85826b67912b44bb45d1e46c6e66f383c14405ee0b2f4686f73bdf949c93bd61",
        ),
        (
            "node",
            "22.22.2",
            X64,
            "978978a635eef872fa68beae09f0aad0bbbae6757e444da80b570964a97e62a3",
        ),
        (
            "node",
            "22.22.2",
            ARM,
            "b2f3a96f31486bfc365192ad65ced14833ad2a3c2e1bcefec4846902f264fa28",
        ),
        (
            "kubectl",
            "1.35.2",
            X64,
            "924eb50779153f20cb668117d141440b95df2f325a64452d78dff9469145e277",
        ),
        (
            "kubectl",
            "1.20.0",
            X64,
            "a5895007f331f08d2e082eb12458764949559f30bcc5beae26c38f3e2724262c",
        ),
    ] {
        assert_eq!(
            artifact(tool, version, platform).digest.hex(),
            hex,
            "{tool} {version} {platform}"
        );
    }
}

#[test]
fn urls_are_those_that_the_vendors_publish() {
    for (tool, version, platform, url) in [
        (
            "aws-iam-authenticator",
            "0.5.9",
            ARM,
            "https://github.com/kubernetes-sigs/aws-iam-authenticator/releases/download/v0.5.9/aws-iam-authenticator_0.5.9_linux_arm64",
        ),
        (
            "aws-cli",
            "2.36.7",
            X64,
            "https://awscli.amazonaws.com/awscli-exe-linux-x86_64-2.36.7.zip",
        ),
        (
            "aws-cli",
            "2.36.7",
            ARM,
            "https://awscli.amazonaws.com/awscli-exe-linux-aarch64-2.36.7.zip",
        ),
        (
            "node",
            "22.22.2",
            X64,
            "https://nodejs.org/dist/v22.22.2/node-v22.22.2-linux-x64.tar.gz",
        ),
        (
            "node",
            "22.22.2",
            ARM,
            "https://nodejs.org/dist/v22.22.2/node-v22.22.2-linux-arm64.tar.gz",
        ),
        (
            "kubectl",
            "1.35.2",
            X64,
            "https://dl.k8s.io/release/v1.35.2/bin/linux/amd64/kubectl",
        ),
    ] {
        assert_eq!(artifact(tool, version, platform).url.as_str(), url);
    }
}

#[test]
fn a_pin_with_a_single_source_says_so() {
    assert_eq!(artifact("aws-cli", "2.36.7", X64).proof, "catalog");
    assert_eq!(
        artifact("aws-cli", "2.36.31", X64).proof,
        "catalog, single-source"
    );
}

#[test]
fn a_version_or_platform_that_is_not_pinned_has_no_source() {
    for (tool, version, platform) in [
        ("aws-cli", "2.36.8000", X64),
        ("aws-cli", "2", X64),
        ("aws-iam-authenticator", "0.5.3", ARM),
        ("serverless", "4.0.0", X64),
        ("helm", "3.0.0", X64),
    ] {
        let source = catalog().source(&tool.parse().unwrap(), &version.parse().unwrap(), platform);
        assert_eq!(source.unwrap(), None, "{tool} {version}");
    }
}

#[test]
fn the_reduced_package_locks_say_what_the_whole_ones_say() {
    let whole = [
        (
            "2.50.0",
            include_str!("../../../manifests/serverless/serverless-2.50.0.package-lock.json"),
            710,
            644,
        ),
        (
            "3.40.0",
            include_str!("../../../manifests/serverless/serverless-3.40.0.package-lock.json"),
            546,
            524,
        ),
    ];
    for (version, text, paths, tarballs) in whole {
        let version: Version = version.parse().unwrap();
        let source = catalog()
            .source(&"serverless".parse().unwrap(), &version, X64)
            .unwrap();
        let lock = PackageLock::parse(text).unwrap();
        assert_eq!(
            lock.packages
                .iter()
                .map(|package| package.paths.len())
                .sum::<usize>(),
            paths
        );
        assert_eq!(lock.packages.len(), tarballs);
        assert_eq!(lock.version_of("serverless"), Some(version.as_str()));
        assert_eq!(source, Some(Source::Packages(lock)));
    }
}

#[test]
fn every_tool_that_is_a_file_has_something_that_vouches_for_it_over_https() {
    let catalog = catalog();
    let files = catalog
        .tools()
        .iter()
        .filter(|(_, tool)| tool.url.is_some());
    for (name, tool) in files {
        let says = &tool.vendor_says;
        let template = match says.proof.as_ref().unwrap() {
            Proof::Checksums(template) => template,
            Proof::Signature(entry) => {
                let key = crate::tools::signature::vendor_key(&entry.key).unwrap();
                assert_eq!(key.fingerprint, entry.key);
                &entry.url
            }
        };
        for platform in Platform::ALL {
            let url = Url::parse(&template.expand("1.2.3", platform)).unwrap();
            assert_eq!(url.scheme(), "https", "{name}");
        }
        assert_eq!(
            says.latest.as_ref().unwrap().url.scheme(),
            "https",
            "{name}"
        );
    }
}

#[test]
fn the_series_of_serverless_that_can_be_pinned_ends_before_the_licence_key() {
    let catalog = catalog();
    let serverless = &catalog.tools()[&"serverless".parse().unwrap()];
    let series = serverless.vendor_says.series.as_ref().unwrap();
    for (version, has) in [
        ("1.83.3", false),
        ("2.0.0", true),
        ("3.40.0", true),
        ("4.0.0-alpha.1", false),
        ("4.43.0", false),
    ] {
        assert_eq!(series.has(&version.parse().unwrap()), has, "{version}");
    }
}
