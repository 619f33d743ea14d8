//! Tests of unpacking as a whole, most of them with archives that mean harm.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use super::*;
use crate::digest::{Algorithm, Digest, Hasher};

mod packages;
mod properties;
mod tars;
mod zipper;
mod zips;

pub(super) const LIMITS: Limits = Limits {
    entries: 100,
    bytes: 4 * 1024 * 1024,
    ratio: 2000,
};

/// A directory with an archive, an empty target, and a bystander that must stay as it is.
pub(super) struct World {
    home: tempfile::TempDir,
    pub(super) limits: Limits,
    pub(super) strip: &'static str,
    pub(super) skip: Vec<String>,
    pub(super) deadline: Deadline,
}

impl World {
    pub(super) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("target")).unwrap();
        fs::create_dir(home.path().join("bystander")).unwrap();
        Self {
            home,
            limits: LIMITS,
            strip: "",
            skip: Vec::new(),
            deadline: Deadline::after(Instant::now(), Duration::from_mins(5)),
        }
    }

    pub(super) fn target(&self) -> PathBuf {
        self.home.path().join("target")
    }

    pub(super) fn verified(&self, bytes: &[u8]) -> Verified {
        let path = self.home.path().join("archive");
        let mut file = fs::File::options()
            .create(true)
            .truncate(true)
            .write(true)
            .open(&path)
            .unwrap();
        file.write_all(bytes).unwrap();
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(bytes);
        Verified::open(&path, &hasher.finish()).unwrap().unwrap()
    }

    fn options(&self) -> Options<'_> {
        Options {
            strip: self.strip,
            skip: &self.skip,
            limits: self.limits,
            threads: 2,
        }
    }

    pub(super) fn measure(&self, format: &Format, bytes: &[u8]) -> Contents {
        measure(&self.verified(bytes), format, &self.options()).unwrap()
    }

    pub(super) fn unpack(&self, format: &Format, bytes: &[u8]) -> Result<Vec<Entry>, Error> {
        let source = self.verified(bytes);
        let result = unpack(
            &source,
            format,
            &self.target(),
            &self.options(),
            self.deadline,
            &|_| {},
        );
        self.assert_nothing_outside();
        result
    }

    pub(super) fn assert_nothing_outside(&self) {
        assert_eq!(
            fs::read_dir(self.home.path().join("bystander"))
                .unwrap()
                .count(),
            0
        );
        assert_eq!(fs::read_dir(self.home.path()).unwrap().count(), 3);
    }

    /// The bytes of all files in the target.
    pub(super) fn size(&self) -> u64 {
        fn size(directory: &Path) -> u64 {
            fs::read_dir(directory)
                .unwrap()
                .map(|entry| entry.unwrap())
                .map(|entry| match entry.file_type().unwrap() {
                    kind if kind.is_dir() => size(&entry.path()),
                    _ => entry.metadata().unwrap().len(),
                })
                .sum()
        }
        size(&self.target())
    }
}

pub(super) fn paths(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.path.as_str()).collect()
}

/// The fault of a refused archive, without the name of the entry.
pub(super) fn fault<T>(result: Result<T, Error>) -> Fault {
    match result {
        Err(Error::Refused { fault, .. }) => match fault {
            Fault::Entry { fault, .. } => *fault,
            fault => fault,
        },
        Err(error) => panic!("not refused: {error}"),
        Ok(_) => panic!("not refused"),
    }
}

pub(super) fn assert_too_large<T>(result: &Result<T, Error>) {
    assert!(matches!(result, Err(Error::TooLarge { .. })));
}

#[test]
fn a_raw_file_becomes_an_executable() {
    let world = World::new();
    let format = Format::Raw {
        name: "bin/tool".to_owned(),
    };
    let entries = world.unpack(&format, b"#!/bin/sh\n").unwrap();
    let [
        Entry {
            path,
            kind:
                Kind::File {
                    size,
                    mode,
                    modified,
                    sha256,
                },
        },
    ] = &*entries
    else {
        panic!("{entries:?}");
    };
    let metadata = fs::metadata(world.target().join("bin/tool")).unwrap();
    assert_eq!((path.as_str(), *size), ("bin/tool", 10));
    assert_eq!(metadata.permissions().mode() & 0o7777, *mode);
    assert_eq!(mode & 0o700, 0o700);
    let since_1970 = metadata
        .modified()
        .unwrap()
        .duration_since(std::time::UNIX_EPOCH);
    assert_eq!(
        since_1970.unwrap().as_nanos(),
        u128::try_from(*modified).unwrap()
    );
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(b"#!/bin/sh\n");
    assert_eq!(hasher.finish(), Digest::sha256(*sha256));
}

#[test]
fn a_raw_file_that_changed_after_the_check_is_refused() {
    let world = World::new();
    let source = world.verified(b"good");
    fs::File::options()
        .write(true)
        .open(source.path())
        .unwrap()
        .write_all(b"evil")
        .unwrap();
    let format = Format::Raw {
        name: "tool".to_owned(),
    };
    let options = Options {
        strip: "",
        skip: &[],
        limits: LIMITS,
        threads: 1,
    };
    let result = unpack(
        &source,
        &format,
        &world.target(),
        &options,
        world.deadline,
        &|_| {},
    );
    assert_eq!(fault(result), Fault::Changed);
}

#[test]
fn a_target_that_is_missing_is_named() {
    let world = World::new();
    fs::remove_dir(world.target()).unwrap();
    let format = Format::Raw {
        name: "tool".to_owned(),
    };
    let source = world.verified(b"good");
    let options = Options {
        strip: "",
        skip: &[],
        limits: LIMITS,
        threads: 1,
    };
    let result = unpack(
        &source,
        &format,
        &world.target(),
        &options,
        world.deadline,
        &|_| {},
    );
    let error = result.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot open {}", world.target().display())
    );
}

#[test]
fn a_path_that_exists_already_is_not_written_to() {
    let world = World::new();
    let outside = world.home.path().join("bystander");
    for (name, link) in [("tool", outside.join("x")), ("bin", outside.clone())] {
        std::os::unix::fs::symlink(link, world.target().join(name)).unwrap();
    }
    for name in ["tool", "bin/tool"] {
        let format = Format::Raw {
            name: name.to_owned(),
        };
        let result = world.unpack(&format, b"x");
        assert!(matches!(result, Err(Error::Io { .. })), "{name}");
    }
}
