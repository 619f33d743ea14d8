//! Tests of `bootstrap.lock`: reading, writing, and what is refused where.

use std::fs;

use proptest::prelude::*;

use super::*;

const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const X64: Platform = Platform::ALL[0];

/// The lock with this text, in which `HEX` stands for a digest.
fn parse(text: &str) -> Result<Lockfile, String> {
    let text = text.replace("HEX", HEX);
    Lockfile::parse(Path::new("bootstrap.lock"), &text).map_err(|error| error.to_string())
}

const LOCK: &str = r#"version: 1
tools:
  aws-iam-authenticator:
    version: 0.5.9
    artifacts:
      linux/amd64: { url: "https://tools.example/a_amd64", digest: "sha256:HEX", size: 46931968, proof: catalog }
      linux/arm64: { url: "https://tools.example/a_arm64", digest: "sha256:HEX" }
  helm:
    version: v3.17.3
    artifacts:
      any: { url: "file:///mnt/helm.tar.gz", digest: "sha256:HEX" }
    layout: tar.gz
    strip: linux-{arch}
    programs: { helm: { path: helm, kind: elf } }
    smoke: { program: helm, args: [version], expect: "v{version}" }
  serverless:
    version: 2.50.0
    package_lock: { file: serverless.package-lock.json, digest: "sha256:HEX" }
"#;

#[test]
fn a_lock_of_every_shape_is_read() {
    let lock = parse(LOCK).unwrap();
    let names: Vec<_> = lock.tools.keys().map(ToolName::as_str).collect();
    assert_eq!(names, ["aws-iam-authenticator", "helm", "serverless"]);
    let helm = &lock.tools[&"helm".parse().unwrap()];
    assert_eq!(helm.version.as_str(), "3.17.3");
    assert!(helm.description.is_some());
    let name = "aws-iam-authenticator".parse().unwrap();
    let Ok(Some(Source::Artifact(artifact))) = lock.source(&name, &lock.tools[&name], X64) else {
        panic!("the lock has an artifact");
    };
    assert_eq!(artifact.size, Some(46_931_968));
    assert_eq!(artifact.proof, "catalog");
}

#[test]
fn what_is_written_is_read_back_the_same_and_written_the_same() {
    let lock = parse(LOCK).unwrap();
    let text = lock.to_text().unwrap();
    assert_eq!(parse(&text).unwrap(), lock);
    assert_eq!(parse(&text).unwrap().to_text().unwrap(), text);
    assert!(
        text.starts_with("version: 1\ntools:\n  aws-iam-authenticator:\n    version: 0.5.9\n"),
        "{text}"
    );
}

#[test]
fn what_is_wrong_is_located() {
    for (from, to, error) in [
        ("    size: ", "", ""),
        (
            "version: 1\n",
            "version: 7\n",
            "1:10: format version 7 is not one that this program reads: it reads up to 1",
        ),
        (
            "proof: catalog",
            "prof: x",
            "6:159: tools.aws-iam-authenticator.artifacts.linux/amd64: unknown field `prof`, expected one of `url`, `digest`, `size`, `proof`",
        ),
        (
            "linux/arm64",
            "linux/s390x",
            "7:7: tools.aws-iam-authenticator.artifacts: `linux/s390x` is not a platform: it takes linux/amd64 or linux/arm64, or any",
        ),
        (
            "linux/arm64",
            "linux/amd64",
            "7:7: tools.aws-iam-authenticator.artifacts: the key `linux/amd64` is there twice",
        ),
        (
            "  helm:\n",
            "  Helm:\n",
            "8:3: tools: `Helm` is not a tool's name: it takes lower-case letters, digits, `.` and `-`",
        ),
        (
            "https://tools.example/a_arm64",
            "ftp://x",
            "7:27: tools.aws-iam-authenticator.artifacts.linux/arm64.url: the `url` of an artifact takes an https, http or file URL without a user name or password",
        ),
        (
            "https://tools.example/a_arm64",
            "https://u:p@x",
            "7:27: tools.aws-iam-authenticator.artifacts.linux/arm64.url: the `url` of an artifact takes an https, http or file URL without a user name or password",
        ),
        (
            "strip: linux-{arch}",
            "strip: linux-{os}",
            "13:12: tools.helm.strip: `linux-{os}` has an unknown placeholder: there are {version}, {arch}, {uname} and {node_arch}",
        ),
        (
            "    layout: tar.gz\n",
            "",
            "9:5: tools.helm: a tool that the lock describes takes `layout`, `programs` and `smoke`, all three",
        ),
        (
            "path: helm,",
            "path: ../helm,",
            "14:31: tools.helm.programs.helm.path: `../helm` is not a path inside the tree: it takes a relative one without `..`",
        ),
        (
            "program: helm,",
            "program: tiller,",
            "9:5: tools.helm: `smoke` runs tiller, which is not among `programs`",
        ),
        (
            "      any: { url: \"file:///mnt/helm.tar.gz\", digest: \"sha256:HEX\" }\n",
            "      {}\n",
            "9:5: tools.helm: it takes either `artifacts` with an entry or `package_lock`",
        ),
        (
            "file: serverless",
            "file: ../serverless",
            "18:27: tools.serverless.package_lock.file: `../serverless.package-lock.json` is not a path inside the tree: it takes a relative one without `..`",
        ),
    ] {
        if to.is_empty() && error.is_empty() {
            continue;
        }
        assert!(LOCK.contains(from), "{from}");
        let found = parse(&LOCK.replacen(from, to, 1)).unwrap_err();
        assert_eq!(found, format!("bootstrap.lock:{error}"), "{from} -> {to}");
    }
}

#[test]
fn a_digest_that_is_none_is_located() {
    let found = parse(
        "version: 1\ntools:\n  a:\n    version: 1\n    package_lock: { file: f, digest: \"sha256:00\" }\n",
    );
    assert_eq!(
        found.unwrap_err(),
        "bootstrap.lock:5:38: tools.a.package_lock.digest: `sha256:00` is not a digest: it takes `sha256:` and 64 hex digits, or `sha512:` and 128"
    );
}

/// What a lock beside a package lock with this text says about serverless.
fn with_package_lock(text: &str, pin: Option<&str>) -> Result<Option<Source>, Error> {
    let directory = tempfile::tempdir().unwrap();
    let mut hasher = Hasher::new(crate::digest::Algorithm::Sha256);
    hasher.update(text.as_bytes());
    let actual = hasher.finish().hex();
    #[expect(
        clippy::disallowed_methods,
        reason = "a test file need not survive a crash"
    )]
    fs::write(directory.path().join("serverless.package-lock.json"), text).unwrap();
    let lock = LOCK
        .replace(
            "json, digest: \"sha256:HEX",
            &format!("json, digest: \"sha256:{}", pin.unwrap_or(&actual)),
        )
        .replace("HEX", HEX);
    let lock = Lockfile::parse(&directory.path().join("bootstrap.lock"), &lock).unwrap();
    let name = "serverless".parse().unwrap();
    lock.source(&name, &lock.tools[&name], X64)
}

#[test]
fn a_package_lock_beside_the_lock_is_read_when_its_digest_is_the_pinned_one() {
    let text = include_str!("../../../manifests/serverless/serverless-2.50.0.package-lock.json");
    let Ok(Some(Source::Packages(lock))) = with_package_lock(text, None) else {
        panic!("the package lock is the pinned one");
    };
    assert_eq!(lock.version_of("serverless"), Some("2.50.0"));
}

#[test]
fn a_package_lock_with_another_digest_is_not_even_parsed() {
    let error = with_package_lock("{", Some(HEX)).unwrap_err();
    assert!(matches!(error, Error::Digest { .. }), "{error}");
}

#[test]
fn a_package_lock_of_another_version_or_shape_is_refused() {
    let other = include_str!("../../../manifests/serverless/serverless-3.40.0.package-lock.json");
    let error = with_package_lock(other, None).unwrap_err().to_string();
    assert!(
        error.ends_with("holds 3.40.0 of serverless, and the lock pins 2.50.0"),
        "{error}"
    );
    let error = with_package_lock("{}", None).unwrap_err();
    assert!(matches!(error, Error::PackageLock { .. }), "{error}");
}

#[test]
fn an_artifact_for_any_platform_serves_where_there_is_none_for_the_very_one() {
    let lock = parse(LOCK).unwrap();
    let helm = &lock.tools[&"helm".parse().unwrap()];
    assert_eq!(helm.source.platforms(), Platform::ALL);
    let name = "helm".parse().unwrap();
    assert!(lock.source(&name, helm, X64).unwrap().is_some());
}

fn any_artifact() -> impl Strategy<Value = Artifact> {
    let path = "[a-z0-9._-]{1,12}";
    (path, any::<[u8; 32]>(), any::<Option<u64>>(), "[ -~]{0,12}").prop_map(
        |(path, digest, size, proof)| Artifact {
            url: format!("https://tools.example/x{path}").parse().unwrap(),
            digest: Digest::sha256(digest),
            size,
            proof,
        },
    )
}

fn any_source() -> impl Strategy<Value = LockedSource> {
    let target = prop_oneof![
        Just(Target::Any),
        Just(Target::One(Platform::ALL[0])),
        Just(Target::One(Platform::ALL[1])),
    ];
    let package_lock = ("[a-z0-9#~ -]{0,8}x", any::<[u8; 32]>(), "[ -~]{0,12}").prop_map(
        |(file, digest, proof)| LockedSource::PackageLock {
            file: file.parse().unwrap(),
            digest: Digest::sha256(digest),
            proof,
        },
    );
    prop_oneof![
        proptest::collection::btree_map(target, any_artifact(), 1..3)
            .prop_map(LockedSource::Artifacts),
        package_lock,
    ]
}

proptest! {
    #[test]
    fn any_lock_round_trips(
        entries in proptest::collection::btree_map("[a-z0-9][a-z0-9.-]{0,6}", ("[0-9]{1,2}(\\.[0-9e]{1,2}){0,2}", any_source()), 0..4)
    ) {
        let tools = entries.into_iter().map(|(name, (version, source))| {
            let version = version.parse().unwrap();
            (name.parse().unwrap(), Locked { version, source, description: None })
        });
        let lock = Lockfile { file: "bootstrap.lock".into(), tools: tools.collect() };
        prop_assert_eq!(parse(&lock.to_text().unwrap()), Ok(lock));
    }
}
