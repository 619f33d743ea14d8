//! Unpacks a tar.gz: one thread inflates, the other hashes and writes.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;
use std::thread;

use tar::EntryType;

use crate::archive::gunzip::{self, Gunzip, Parts, carried, carry};
use crate::archive::meter::Meter;
use crate::archive::names::{self, Names};
use crate::archive::tree::Tree;
use crate::archive::zip_index::permissions;
use crate::archive::{Entry, Error, Fault, Kind, Options};
use crate::cache::Verified;

/// What is read of a file, and written, at once: most files fit.
pub(super) const BLOCK: usize = 256 * 1024;
/// The headers of one entry, long names and pax records included, and the padding at the end of
/// the archive: 10 KiB with the usual blocking factor. Both are held in memory or read for nothing.
const MOST_HEADERS: u64 = 1024 * 1024;

/// Unpacks all wanted entries.
pub(super) fn unpack(
    source: &Verified,
    tree: &Tree,
    options: &Options<'_>,
    meter: &Meter<'_>,
) -> Result<Vec<Entry>, Error> {
    let (parts, full, empty) = Parts::pipe();
    thread::scope(|scope| {
        scope.spawn(move || gunzip::inflate(Gunzip::new(source, meter), &full, &empty));
        write(parts, tree, options, meter)
    })
}

fn write(
    reader: impl Read,
    tree: &Tree,
    options: &Options<'_>,
    meter: &Meter<'_>,
) -> Result<Vec<Entry>, Error> {
    let mut walk = tree.walk();
    let mut names = Names::default();
    let mut block = vec![0; BLOCK];
    let mut entries = Vec::new();
    let mut links = Vec::new();
    each_member(reader, meter, |member| {
        let name = member.name.clone();
        let refuse = |fault: Fault| meter.refuse(fault.of(&name));
        let is_directory = member.what == What::Directory;
        // `tar -C directory .` puts `./` before every name.
        let relative = name.strip_prefix(b"./").unwrap_or(&name);
        if is_directory && relative.is_empty() {
            return Ok(());
        }
        let path = names::check(relative).map_err(refuse)?;
        let Some(path) = names::place(path, is_directory, options).map_err(refuse)? else {
            return member.pass_over(&mut block, meter);
        };
        match member.what {
            What::Directory => {
                names.directory(path).map_err(refuse)?;
                meter.check_entries(names.count())?;
                walk.enter(path)
            }
            What::File { mode } => {
                names.leaf(path).map_err(refuse)?;
                meter.check_entries(names.count())?;
                let mut file = walk.create(path, permissions(mode))?;
                member.read(&mut block, meter, |bytes| file.write(bytes, meter))?;
                let (path, kind) = (path.to_owned(), file.finish()?);
                entries.push(Entry { path, kind });
                Ok(())
            }
            What::Symlink => {
                names.leaf(path).map_err(refuse)?;
                meter.check_entries(names.count())?;
                let target = names::check_target(path, &member.target).map_err(refuse)?;
                links.push((path.to_owned(), target.to_owned()));
                Ok(())
            }
            What::HardLink => Err(refuse(Fault::HardLink)),
        }
    })?;
    // Only now, so that no file can be written through a link.
    for (path, target) in links {
        walk.symlink(&path, &target)?;
        let kind = Kind::Symlink { target };
        entries.push(Entry { path, kind });
    }
    Ok(entries)
}

/// What a member of a tar archive is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    File { mode: u32 },
    Directory,
    Symlink,
    HardLink,
}

/// A member of a tar archive, its content not yet read.
pub(super) struct Member<'m, 'r, 'g, R: Read> {
    pub(super) name: Vec<u8>,
    pub(super) what: What,
    /// The target of a link; empty for all else.
    pub(super) target: Vec<u8>,
    entry: &'m mut tar::Entry<'r, Guard<'g, R>>,
}

impl<R: Read> Member<'_, '_, '_, R> {
    /// The length of the content, in bytes.
    pub(super) fn size(&self) -> u64 {
        self.entry.size()
    }

    /// Reads the content into `block` and passes it on, block by block.
    pub(super) fn read(
        &mut self,
        block: &mut [u8],
        meter: &Meter<'_>,
        mut pass_on: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut left = self.entry.size();
        loop {
            let mut filled = 0;
            while let Some(space) = block.get_mut(filled..).filter(|space| !space.is_empty()) {
                match self.entry.read(space) {
                    Ok(0) => break,
                    Ok(count) => filled += count,
                    Err(error) => return Err(broken(error, meter)),
                }
            }
            left = left.saturating_sub(filled as u64);
            pass_on(block.get(..filled).unwrap_or_default())?;
            if filled < block.len() || left == 0 {
                break;
            }
        }
        if left > 0 {
            return Err(meter.refuse(Fault::Truncated.of(&self.name)));
        }
        Ok(())
    }

    /// Reads the content for nothing. It counts all the same: the work is done.
    pub(super) fn pass_over(&mut self, block: &mut [u8], meter: &Meter<'_>) -> Result<(), Error> {
        self.read(block, meter, |bytes| meter.add(bytes.len()))
    }
}

/// Calls `visit` for each file, directory and link; refuses all else. Then reads to the end of the
/// stream, which must be that of the archive.
pub(super) fn each_member<R: Read>(
    reader: R,
    meter: &Meter<'_>,
    mut visit: impl FnMut(&mut Member<'_, '_, '_, R>) -> Result<(), Error>,
) -> Result<(), Error> {
    let state = Rc::new(State::default());
    let guard = Guard {
        reader,
        meter,
        state: Rc::clone(&state),
    };
    let mut archive = tar::Archive::new(guard);
    state.allowance.set(MOST_HEADERS);
    for entry in archive.entries().map_err(|error| broken(error, meter))? {
        let mut entry = entry.map_err(|error| broken(error, meter))?;
        let name = entry.path_bytes().into_owned();
        let refuse = |fault: Fault| meter.refuse(fault.of(&name));
        meter.check_deadline()?;
        // POSIX ustar: a name that ends in `/` is a directory, also in archives without types.
        let mode = || entry.header().mode().map_err(|error| broken(error, meter));
        let what = match entry.header().entry_type() {
            EntryType::Regular if name.ends_with(b"/") => What::Directory,
            EntryType::Regular => What::File { mode: mode()? },
            EntryType::Directory => What::Directory,
            EntryType::Symlink => What::Symlink,
            EntryType::Link => What::HardLink,
            EntryType::GNUSparse => return Err(refuse(Fault::Sparse)),
            EntryType::XGlobalHeader => {
                check_global(&mut entry, meter)?;
                state.allowance.set(MOST_HEADERS);
                continue;
            }
            _ => return Err(refuse(Fault::Special)),
        };
        check_pax(&mut entry).map_err(|fault| match fault {
            Some(fault) => refuse(fault),
            None => refuse(Fault::Tar("a pax record is malformed".to_owned())),
        })?;
        if !matches!(what, What::File { .. }) && entry.size() > 0 {
            return Err(refuse(Fault::SizeOfKind));
        }
        let target = entry.link_name_bytes().unwrap_or_default().into_owned();
        state.allowance.set(u64::MAX);
        visit(&mut Member {
            name,
            what,
            target,
            entry: &mut entry,
        })?;
        state.allowance.set(MOST_HEADERS);
    }
    if state.ended.get() {
        return Err(meter.refuse(Fault::NoEnd));
    }
    drain(archive.into_inner(), &state, meter)
}

/// After the end-of-archive blocks there may be padding, and nothing else.
fn drain<R: Read>(mut rest: Guard<'_, R>, state: &State, meter: &Meter<'_>) -> Result<(), Error> {
    state.allowance.set(MOST_HEADERS);
    let mut block = [0; 4096];
    loop {
        let count = rest
            .read(&mut block)
            .map_err(|error| broken(error, meter))?;
        match block.get(..count) {
            None | Some([]) => return Ok(()),
            Some(bytes) if bytes.iter().all(|byte| *byte == 0) => {}
            Some(_) => return Err(meter.refuse(Fault::Trailing)),
        }
    }
}

/// Git writes the commit into a global header, which is harmless. One that renames or resizes
/// what follows is obeyed by some programs and ignored by others.
fn check_global<R: Read>(entry: &mut tar::Entry<'_, R>, meter: &Meter<'_>) -> Result<(), Error> {
    let records = entry
        .pax_extensions()
        .map_err(|error| broken(error, meter))?;
    for record in records.into_iter().flatten() {
        let record = record.map_err(|error| broken(error, meter))?;
        let key = String::from_utf8_lossy(record.key_bytes());
        if matches!(&*key, "path" | "linkpath" | "size") || key.starts_with("GNU.") {
            return Err(meter.refuse(Fault::GlobalHeader(key.into_owned())));
        }
    }
    Ok(())
}

/// Sparse files of the pax format are regular files with records on where the holes are.
fn check_pax<R: Read>(entry: &mut tar::Entry<'_, R>) -> Result<(), Option<Fault>> {
    for record in entry.pax_extensions().ok().flatten().into_iter().flatten() {
        if record
            .map_err(|_| None)?
            .key_bytes()
            .starts_with(b"GNU.sparse")
        {
            return Err(Some(Fault::Sparse));
        }
    }
    Ok(())
}

#[derive(Default)]
struct State {
    /// How many bytes may be read until it is set again.
    allowance: Cell<u64>,
    /// Whether the stream has ended.
    ended: Cell<bool>,
}

/// Keeps the `tar` crate from holding in memory whatever a header says is a long name.
struct Guard<'a, R> {
    reader: R,
    meter: &'a Meter<'a>,
    state: Rc<State>,
}

impl<R: Read> Read for Guard<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let allowance = self.state.allowance.get();
        let count = self.reader.read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            self.state.ended.set(true);
        }
        let Some(rest) = allowance.checked_sub(count as u64) else {
            return Err(carry(self.meter.refuse(Fault::LongHeaders)));
        };
        self.state.allowance.set(rest);
        Ok(count)
    }
}

/// The error that came through the `tar` crate, or one of its own.
fn broken(error: io::Error, meter: &Meter<'_>) -> Error {
    carried(error).unwrap_or_else(|error| meter.refuse(Fault::Tar(error.to_string())))
}
