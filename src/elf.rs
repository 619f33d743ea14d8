//! Looks into an ELF header, so that a program for another machine is refused before it is run.
//!
//! Source of the offsets: System V ABI (gABI), chapters 4 "Object Files" and 5 "Program Loading", ELF64.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::platform::{Arch, Platform};

/// `ELFCLASS64` and `ELFDATA2LSB`: the bytes that follow the magic in what this program installs.
const CLASS_64: u8 = 2;
const LITTLE_ENDIAN: u8 = 1;
/// `sizeof(Elf64_Ehdr)`.
const HEADER: usize = 64;
/// `sizeof(Elf64_Phdr)`.
const PROGRAM_HEADER: usize = 56;
/// `PT_INTERP`: the segment that names the dynamic loader.
const PT_INTERP: u32 = 3;
/// The most program headers and the longest loader path looked at; real ones have about 12 and 30 bytes.
const MAX_HEADERS: u16 = 128;
const MAX_INTERPRETER: u64 = 4096;

/// What a program asks of the machine it runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elf {
    /// The dynamic loader that must exist; none for a static program.
    pub interpreter: Option<PathBuf>,
}

/// Reads the header of the program at `path`, which must be a 64-bit little-endian one for `arch`.
pub fn check(path: &Path, arch: Arch) -> Result<Elf, Error> {
    let here = || path.to_owned();
    let unreadable = |source| Error::Unreadable {
        path: here(),
        source,
    };
    let truncated = || Error::Truncated { path: here() };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = [0; HEADER];
    let len = read_up_to(&file, &mut bytes, 0).map_err(unreadable)?;
    let start = bytes.get(..len).unwrap_or_default();
    if !start.starts_with(b"\x7fELF") {
        return Err(Error::NotElf {
            path: here(),
            start: describe(start),
        });
    }
    if len < HEADER {
        return Err(truncated());
    }
    let [_, _, _, _, class, order, ..] = bytes;
    if (class, order) != (CLASS_64, LITTLE_ENDIAN) {
        return Err(Error::WrongClass { path: here() });
    }
    let machine = u16_at(&bytes, 18).ok_or_else(truncated)?;
    if machine != arch.elf_machine() {
        return Err(Error::WrongMachine {
            path: here(),
            machine: machine_name(machine),
            wanted: arch.uname(),
        });
    }
    let found = program_headers(&file, &bytes).map_err(unreadable)?;
    found.ok_or_else(truncated)
}

/// What the program headers ask for; none when the file ends before they do.
fn program_headers(file: &File, header: &[u8; HEADER]) -> io::Result<Option<Elf>> {
    let (Some(offset), Some(size), Some(count)) =
        (u64_at(header, 32), u16_at(header, 54), u16_at(header, 56))
    else {
        return Ok(None);
    };
    for index in 0..count.min(MAX_HEADERS) {
        let at = offset.saturating_add(u64::from(size) * u64::from(index));
        let mut entry = [0; PROGRAM_HEADER];
        if read_up_to(file, &mut entry, at)? < PROGRAM_HEADER {
            return Ok(None);
        }
        if u32_at(&entry, 0) != Some(PT_INTERP) {
            continue;
        }
        let (Some(start), Some(len)) = (u64_at(&entry, 8), u64_at(&entry, 32)) else {
            return Ok(None);
        };
        let mut path = vec![0; usize::try_from(len.min(MAX_INTERPRETER)).unwrap_or_default()];
        if read_up_to(file, &mut path, start)? < path.len() {
            return Ok(None);
        }
        let end = path
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(path.len());
        path.truncate(end);
        return Ok(Some(Elf {
            interpreter: Some(PathBuf::from(OsStr::from_bytes(&path))),
        }));
    }
    Ok(Some(Elf { interpreter: None }))
}

/// Fills `buffer` from `offset` on as far as the file goes.
fn read_up_to(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset.saturating_add(done as u64)) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The kernel's name of a machine, where this program knows it.
fn machine_name(machine: u16) -> String {
    let known = Platform::ALL
        .iter()
        .find(|platform| platform.arch.elf_machine() == machine);
    known.map_or_else(
        || format!("machine number {machine}"),
        |platform| platform.arch.uname().to_owned(),
    )
}

/// What a file that is no program seems to be, told from its first bytes.
fn describe(start: &[u8]) -> String {
    if start.is_empty() {
        return "is empty".to_owned();
    }
    if start.starts_with(b"#!") {
        return "is a script".to_owned();
    }
    if start.starts_with(b"PK\x03\x04") {
        return "is a zip archive".to_owned();
    }
    if start.starts_with(b"\x1f\x8b") {
        return "is a gzip file".to_owned();
    }
    let shown: String = start
        .iter()
        .take(14)
        .map(|byte| char::from(*byte))
        .take_while(|c| *c != '\n' && *c != '\r')
        .map(|c| {
            if c.is_ascii_graphic() || c == ' ' {
                c
            } else {
                '.'
            }
        })
        .collect();
    format!("starts with `{shown}`")
}

/// The file cannot be run on this machine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is something else: an error page, a script, an archive.
    #[error("{} is not an ELF file: it {start}", path.display())]
    NotElf {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        start: String,
    },
    /// It is an ELF file for 32 bits or for big-endian machines.
    #[error("{} is not a 64-bit little-endian ELF file", path.display())]
    WrongClass {
        /// The file.
        path: PathBuf,
    },
    /// It was built for another processor.
    #[error("{} is for {machine}, this machine is {wanted}", path.display())]
    WrongMachine {
        /// The file.
        path: PathBuf,
        /// What it was built for.
        machine: String,
        /// What it should have been built for.
        wanted: &'static str,
    },
    /// It ends within its headers.
    #[error("{} is cut short: it ends within its ELF headers", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
    },
    /// It could not be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    /// A header for `machine` with one `PT_INTERP`, as the gABI lays it out.
    fn program(machine: u16, interpreter: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(HEADER + PROGRAM_HEADER, 0);
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 1;
        bytes[64] = 3;
        bytes[72] = 120;
        bytes[96] = u8::try_from(interpreter.len()).unwrap();
        bytes.extend_from_slice(interpreter);
        bytes
    }

    fn check_bytes(bytes: &[u8]) -> Result<Option<PathBuf>, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let path = file.path();
        let shown = path.display().to_string();
        match check(path, Arch::Amd64) {
            Ok(elf) => Ok(elf.interpreter),
            Err(error) => Err(error.to_string().replace(&shown, "it")),
        }
    }

    #[test]
    fn a_program_for_this_machine_passes_and_names_its_loader() {
        let found = check_bytes(&program(62, b"/lib64/ld-linux-x86-64.so.2\0"));
        assert_eq!(found, Ok(Some("/lib64/ld-linux-x86-64.so.2".into())));
    }

    #[test]
    fn a_static_program_has_no_loader() {
        let mut bytes = program(62, b"");
        bytes[64] = 1;
        assert_eq!(check_bytes(&bytes), Ok(None));
    }

    #[test]
    fn the_running_test_is_a_program_for_this_machine() {
        let this = std::env::current_exe().unwrap();
        assert!(check(&this, Platform::host().arch).is_ok());
    }

    #[test]
    fn a_program_for_another_machine_is_refused_with_both_names() {
        let arm = check_bytes(&program(183, b"")).unwrap_err();
        assert_eq!(arm, "it is for aarch64, this machine is x86_64");
        let mips = check_bytes(&program(8, b"")).unwrap_err();
        assert_eq!(mips, "it is for machine number 8, this machine is x86_64");
    }

    #[test]
    fn a_32_bit_program_is_refused() {
        let mut bytes = program(62, b"");
        bytes[4] = 1;
        let error = check_bytes(&bytes).unwrap_err();
        assert_eq!(error, "it is not a 64-bit little-endian ELF file");
    }

    #[test]
    fn what_is_not_a_program_is_described() {
        for (bytes, seems) in [
            (&b""[..], "is empty"),
            (b"<!DOCTYPE html>\n<html>", "starts with `<!DOCTYPE html`"),
            (b"Not Found\n", "starts with `Not Found`"),
            (b"#!/bin/sh\n", "is a script"),
            (b"PK\x03\x04....", "is a zip archive"),
            (b"\x1f\x8b\x08", "is a gzip file"),
            (b"\x1b[2J\xff", "starts with `.[2J.`"),
        ] {
            let error = check_bytes(bytes).unwrap_err();
            assert_eq!(error, format!("it is not an ELF file: it {seems}"));
        }
    }

    #[test]
    fn a_program_cut_anywhere_in_its_headers_is_refused() {
        let whole = program(62, b"/lib64/ld.so\0");
        for len in 4..whole.len() {
            let error = check_bytes(&whole[..len]).unwrap_err();
            assert!(error.contains("cut short"), "{len}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(rest in proptest::collection::vec(any::<u8>(), 0..256)) {
            let mut bytes = program(62, b"");
            bytes.truncate(20);
            bytes.extend(rest);
            let _ = check_bytes(&bytes);
        }
    }
}
