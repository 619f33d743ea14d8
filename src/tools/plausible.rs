//! A first look at a file that is to be pinned and that nothing vouches for: whether it can be what
//! it should be at all, and is not a web page or a program for another machine.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::elf;
use crate::platform::Platform;
use crate::tools::description::{Description, KindName, LayoutName};

/// Looks at the beginning of a file; `platform` is the one that it is for, unless it is for all.
pub fn check(
    path: &Path,
    description: &Description,
    platform: Option<Platform>,
) -> Result<(), Error> {
    let unreadable = |source| Error::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut start = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(4).read_to_end(&mut start).map_err(unreadable)?;
    let (expected, is_so) = match description.layout {
        LayoutName::Zip => ("a zip archive", start.starts_with(b"PK\x03\x04")),
        // A bundle holds an npm tool as a tar.gz.
        LayoutName::TarGz | LayoutName::Npm => ("a tar.gz archive", start.starts_with(b"\x1f\x8b")),
        LayoutName::Raw => {
            let mut programs = description.programs.values();
            if programs.all(|program| program.kind == Some(KindName::Elf))
                && let Some(platform) = platform
            {
                let checked = elf::check(path, platform.arch).map(drop);
                return checked.map_err(|error| match error {
                    elf::Error::WrongMachine { path, machine, .. } => Error::OtherMachine {
                        path,
                        machine,
                        platform,
                    },
                    other => Error::Elf(other),
                });
            }
            ("a program", !start.starts_with(b"<"))
        }
    };
    if is_so {
        return Ok(());
    }
    Err(Error::Other {
        path: path.to_owned(),
        expected,
    })
}

/// The file is something else.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It does not begin as it should.
    #[error("`{}` is not {expected}", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
    },
    /// It is a program for another machine.
    #[error("`{}` is for {machine}, and not for {platform}", path.display())]
    OtherMachine {
        /// The file.
        path: PathBuf,
        /// What it was built for.
        machine: String,
        /// What it should have been built for.
        platform: Platform,
    },
    /// It is no program.
    #[error(transparent)]
    Elf(elf::Error),
}
