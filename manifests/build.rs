//! Makes the package locks that the program carries small: what installing does not need is left out,
//! what is left is deflated.
#![expect(
    clippy::disallowed_methods,
    reason = "a build script is told OUT_DIR by the environment and fills it"
)]

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde_json::Value;

/// The package locks, as `<tool>-<version>` of `manifests/serverless/<tool>-<version>.package-lock.json`.
const LOCKS: [&str; 2] = ["serverless-2.50.0", "serverless-3.40.0"];

/// The keys of a package that `tools::package_lock` reads.
const KEYS: [&str; 7] = [
    "name",
    "version",
    "resolved",
    "integrity",
    "os",
    "cpu",
    "bin",
];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    println!("cargo:rerun-if-changed=manifests/build.rs");
    for lock in LOCKS {
        let path = format!("manifests/serverless/{lock}.package-lock.json");
        println!("cargo:rerun-if-changed={path}");
        let small = reduce(&fs::read_to_string(&path)?).ok_or("a package lock has `packages`")?;
        deflate(
            &small,
            &out.join(format!("{lock}.package-lock.json.deflate")),
        )?;
    }
    Ok(())
}

/// The same lock with the keys that matter, and without the packages that are never installed.
///
/// Packages stand in the order of their integrity, so that the copies of one stand side by side and the
/// second costs the compressor nothing.
fn reduce(text: &str) -> Option<String> {
    let lock: Value = serde_json::from_str(text).ok()?;
    let mut packages: Vec<_> = lock.get("packages")?.as_object()?.iter().collect();
    packages.retain(|(path, package)| {
        let skipped = ["optional", "dev", "devOptional"];
        !path.is_empty()
            && !skipped
                .iter()
                .any(|key| package.get(key) == Some(&Value::Bool(true)))
    });
    packages.sort_by_key(|(_, package)| package.get("integrity").map(Value::to_string));
    let entries = packages.into_iter().map(|(path, package)| {
        let kept = KEYS
            .iter()
            .filter_map(|key| Some((*key, package.get(key)?)));
        let fields: Vec<_> = kept
            .map(|(key, value)| format!("\"{key}\":{value}"))
            .collect();
        format!("{}:{{{}}}", Value::from(path.as_str()), fields.join(","))
    });
    let entries: Vec<_> = entries.collect();
    // One package a line: `bootstrap lock` writes this text beside a lock, and people keep that in git.
    Some(format!(
        "{{\"lockfileVersion\":3,\"packages\":{{\n{}\n}}}}\n",
        entries.join(",\n")
    ))
}

fn deflate(text: &str, path: &Path) -> Result<(), Box<dyn Error>> {
    let mut encoder = DeflateEncoder::new(fs::File::create(path)?, Compression::best());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()?;
    Ok(())
}
