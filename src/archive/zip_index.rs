//! Reads the central directory of a zip and checks that it describes the whole file.
//!
//! The crate `rawzip` decodes the records, ZIP64 included. What it leaves to its user is here:
//! the layout of the file, the number of entries, flags, methods, kinds and names.

use rawzip::{
    CompressionMethod, CreatorSystem, EntryFlags, ZipArchive, ZipArchiveEntryWayfinder,
    ZipFileHeaderRecord, ZipLocator,
};

use crate::archive::meter::{Meter, read_at, refused, unreadable};
use crate::archive::names::{self, Names};
use crate::archive::window::Window;
use crate::archive::{Contents, Error, Fault, Options};
use crate::cache::Verified;

/// APPNOTE.TXT 4.3.12, 4.3.16, and 4.3.14 with 4.3.15, each without its variable part.
const CENTRAL_HEADER: u64 = 46;
const END_RECORD: usize = 22;
const ZIP64_END_AND_LOCATOR: u64 = 56 + 20;

/// Bits 1 and 2, how hard deflate tried, and bit 11, UTF-8, change nothing for us; bit 3 is the
/// data descriptor.
const KNOWN_FLAGS: u16 = 0b1000_0000_1110;

/// The longest target of a symbolic link.
const LONGEST_TARGET: u64 = 1024;

/// An entry that is wanted.
pub(super) struct Item {
    /// The name in the archive, without a trailing `/`.
    name: String,
    /// Where the path that is written starts in it.
    cut: usize,
    pub(super) kind: ItemKind,
    pub(super) method: CompressionMethod,
    pub(super) flags: EntryFlags,
    pub(super) crc32: u32,
    /// Where it lies in the file, from its local header to the local header of the next entry.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) place: ZipArchiveEntryWayfinder,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemKind {
    File { mode: u32 },
    Directory,
    Symlink,
}

impl Item {
    /// The name in the archive; a directory's has lost its `/`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The path that is written.
    pub(super) fn path(&self) -> &str {
        self.name.get(self.cut..).unwrap_or_default()
    }

    /// The stated unpacked size.
    pub(super) fn size(&self) -> u64 {
        self.place.uncompressed_size_hint()
    }
}

/// What a zip holds: the wanted entries in the order in which they lie in the file.
pub(super) struct Index<'a> {
    pub(super) archive: ZipArchive<Window<'a>>,
    pub(super) items: Vec<Item>,
}

/// Adds up the unpacked sizes that the central directory states of what is wanted.
pub(super) fn measure(source: &Verified, options: &Options<'_>) -> Result<Contents, Error> {
    let mut bytes = 0_u64;
    let mut entries = 0_u64;
    each_record(source, |record| {
        // What is wrong with a name is told when it is unpacked.
        let raw = record.file_path();
        let name = names::check(raw.as_ref());
        let place = name.and_then(|name| names::place(name, record.is_dir(), options));
        if place == Ok(None) {
            return Ok(());
        }
        bytes = bytes.saturating_add(record.uncompressed_size_hint());
        entries += 1;
        Ok(())
    })?;
    Ok(Contents {
        bytes,
        entries: Some(entries),
    })
}

/// Reads the central directory and checks all that can be checked without the entries.
pub(super) fn read<'a>(
    source: &'a Verified,
    options: &Options<'_>,
    meter: &Meter<'_>,
) -> Result<Index<'a>, Error> {
    let mut names = Names::default();
    let mut items = Vec::new();
    let mut starts = Vec::new();
    let archive = each_record(source, |record| {
        meter.check_deadline()?;
        starts.push(record.local_header_offset());
        if starts.len() as u64 > meter.entries() {
            meter.check_entries(starts.len())?;
        }
        let of_entry = |fault: Fault| meter.refuse(fault.of(record.file_path()));
        if let Some(item) = item(record, options, &mut names).map_err(of_entry)? {
            items.push(item);
        }
        meter.check_entries(names.count())
    })?;
    let layout = || meter.refuse(Fault::Layout);
    starts.sort_unstable();
    if starts
        .first()
        .copied()
        .unwrap_or(archive.directory_offset())
        != 0
    {
        return Err(layout());
    }
    starts.push(archive.directory_offset());
    if !starts.is_sorted_by(|a, b| a < b) {
        return Err(layout());
    }
    for item in &mut items {
        let next = starts.partition_point(|start| *start <= item.start);
        item.end = *starts.get(next).ok_or_else(layout)?;
    }
    items.sort_unstable_by_key(|item| item.start);
    Ok(Index { archive, items })
}

/// Calls `visit` for each record of the central directory, and checks that there are as many as
/// stated and that nothing but the end record follows them.
fn each_record(
    source: &Verified,
    mut visit: impl FnMut(&ZipFileHeaderRecord<'_>) -> Result<(), Error>,
) -> Result<ZipArchive<Window<'_>>, Error> {
    let refuse = |fault| refused(source.path(), fault);
    let broken = |error: rawzip::Error| broken(source, error);
    let mut buffer = vec![0; rawzip::MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
    let archive = ZipLocator::new()
        .locate_in_reader(Window::closed(source), &mut buffer, source.len())
        .map_err(|(_, error)| broken(error))?;
    check_end(source, archive.eocd_offset())?;
    if archive.end_offset() != source.len() {
        return Err(refuse(Fault::Trailing));
    }
    let mut found = 0_u64;
    let mut end = archive.directory_offset();
    let mut records = archive.entries(&mut buffer);
    while let Some(record) = records.next_entry().map_err(broken)? {
        found += 1;
        let variable = record.file_path().len()
            + record.extra_fields().remaining_bytes().len()
            + record.comment().as_bytes().len();
        end = record.central_directory_offset() + CENTRAL_HEADER + variable as u64;
        visit(&record)?;
    }
    let stated = archive.entries_hint();
    if found != stated {
        return Err(refuse(Fault::Count { stated, found }));
    }
    if ![0, ZIP64_END_AND_LOCATOR].contains(&archive.eocd_offset().saturating_sub(end)) {
        return Err(refuse(Fault::Layout));
    }
    Ok(archive)
}

/// Refuses an archive of several disks; ZIP64 has 0xffff where its own record holds the value.
fn check_end(source: &Verified, offset: u64) -> Result<(), Error> {
    let mut end = [0; END_RECORD];
    read_at(source, &mut end, offset).map_err(|error| unreadable(source, error))?;
    let [_, _, _, _, disk @ .., _, _, _, _, _, _, _, _, _, _] = end;
    let [this, first, here, total] = [[0, 1], [2, 3], [4, 5], [6, 7]]
        .map(|at| at.map(|index| disk.get(index).copied().unwrap_or_default()));
    let is_first = |disk: [u8; 2]| matches!(disk, [0, 0] | [0xff, 0xff]);
    if is_first(this) && is_first(first) && here == total {
        Ok(())
    } else {
        let fault = Fault::Zip("it is one of several disks".to_owned());
        Err(refused(source.path(), fault))
    }
}

/// The error for one of `rawzip`: the file could not be read, or is not a zip.
pub(super) fn broken(source: &Verified, error: rawzip::Error) -> Error {
    match error.into_kind() {
        rawzip::ErrorKind::IO(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            unreadable(source, error)
        }
        kind => refused(source.path(), Fault::Zip(kind.to_string())),
    }
}

/// Checks one record; none when it is not wanted.
fn item(
    record: &ZipFileHeaderRecord<'_>,
    options: &Options<'_>,
    names: &mut Names,
) -> Result<Option<Item>, Fault> {
    let raw = record.file_path();
    let name = names::check(raw.as_ref())?;
    let kind = kind(record)?;
    let flags = record.flags();
    if flags.is_encrypted() || flags.has_strong_encryption() || flags.is_masked() {
        return Err(Fault::Encrypted);
    }
    if flags.bits() & !KNOWN_FLAGS != 0 {
        return Err(Fault::Flags(flags.bits()));
    }
    let size = record.uncompressed_size_hint();
    let size_fits = match kind {
        ItemKind::File { .. } => true,
        ItemKind::Directory => size == 0,
        ItemKind::Symlink => (1..=LONGEST_TARGET).contains(&size),
    };
    if !size_fits {
        return Err(Fault::SizeOfKind);
    }
    match record.compression_method() {
        CompressionMethod::DEFLATE => {}
        CompressionMethod::STORE if record.compressed_size_hint() == size => {}
        CompressionMethod::STORE => return Err(Fault::Size),
        method => return Err(Fault::Method(method.as_u16())),
    }
    let Some(path) = names::place(name, kind == ItemKind::Directory, options)? else {
        return Ok(None);
    };
    if kind == ItemKind::Directory {
        names.directory(path)?;
    } else {
        names.leaf(path)?;
    }
    Ok(Some(Item {
        cut: name.len() - path.len(),
        name: name.to_owned(),
        kind,
        method: record.compression_method(),
        flags,
        crc32: record.crc32(),
        start: record.local_header_offset(),
        end: 0,
        place: record.wayfinder(),
    }))
}

/// What the entry is: by its mode where a Unix program made it, else by its name.
fn kind(record: &ZipFileHeaderRecord<'_>) -> Result<ItemKind, Fault> {
    let mode = match record.version_made_by().creator_system() {
        CreatorSystem::UNIX | CreatorSystem::MACOS => record.external_attributes() >> 16,
        _ => 0,
    };
    match (mode & 0o170_000, record.is_dir()) {
        (0 | 0o100_000, false) => Ok(ItemKind::File {
            mode: permissions(mode),
        }),
        (0 | 0o040_000, true) => Ok(ItemKind::Directory),
        (0o120_000, false) => Ok(ItemKind::Symlink),
        _ => Err(Fault::Special),
    }
}

/// What a file's mode becomes: no setuid, setgid and sticky bits, written by its owner alone, and
/// always readable to the owner, who has to check it at the next start.
pub(super) const fn permissions(mode: u32) -> u32 {
    match mode & 0o777 {
        0 => 0o644,
        mode => mode & 0o755 | 0o600,
    }
}
