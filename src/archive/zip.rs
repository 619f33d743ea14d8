//! Unpacks a zip with several threads, each of which takes the files of one directory at a time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use flate2::{Decompress, FlushDecompress, Status};
use rawzip::{CompressionMethod, ZipArchive, ZipLocalFileHeader};

use crate::archive::meter::Meter;
use crate::archive::names::{self, parent};
use crate::archive::tree::{NewFile, Tree, Walk};
use crate::archive::window::{WINDOW, Window};
use crate::archive::zip_index::{self, Index, Item, ItemKind};
use crate::archive::{Entry, Error, Fault, Kind, Options};
use crate::cache::Verified;

/// What is inflated at once. Half of it still leaves the level 2 cache to the data when it is
/// hashed, checked and written; most files fit.
const BLOCK: usize = 256 * 1024;
/// More threads than this only wait for each other in the file system.
const MOST_THREADS: usize = 4;
/// The two name fields of a local header, at their longest.
const LOCAL_NAMES: usize = 2 * u16::MAX as usize;

/// Unpacks all wanted entries.
pub(super) fn unpack(
    source: &Verified,
    tree: &Tree,
    options: &Options<'_>,
    meter: &Meter<'_>,
) -> Result<Vec<Entry>, Error> {
    let Index { archive, items } = zip_index::read(source, options, meter)?;
    let jobs = jobs(&items);
    let threads = match options.threads {
        0 => thread::available_parallelism()
            .map_or(1, usize::from)
            .min(MOST_THREADS),
        threads => threads,
    };
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let work = || {
        let mut worker = Worker::new(source, archive.clone(), tree, meter);
        while !stop.load(Ordering::Relaxed)
            && let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed))
        {
            if let Err(error) = worker.run(job) {
                stop.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        Ok((worker.entries, worker.links))
    };
    let results: Vec<_> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(jobs.len()))
            .map(|_| scope.spawn(work))
            .collect();
        let own = work();
        others
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .chain([own])
            .collect()
    });
    let mut entries = Vec::with_capacity(items.len());
    let mut links = Vec::new();
    for result in results {
        let (written, wanted) = result?;
        entries.extend(written);
        links.extend(wanted);
    }
    // Only now, so that no file can be written through a link.
    let mut walk = tree.walk();
    for (path, target) in links {
        walk.symlink(&path, &target)?;
        let kind = Kind::Symlink { target };
        entries.push(Entry { path, kind });
    }
    Ok(entries)
}

/// Cuts the items into runs that one window holds and one directory takes. The large files come
/// first, the largest at the very start, so that none of them is left to one thread at the end.
fn jobs(items: &[Item]) -> Vec<&[Item]> {
    let length = |job: &[Item]| match job {
        [first, .., last] => last.end - first.start,
        [only] => only.end - only.start,
        [] => 0,
    };
    let mut jobs = Vec::new();
    let mut rest = items;
    while let Some(first) = rest.first() {
        let together = rest.iter().take_while(|item| {
            item.end - first.start <= WINDOW as u64 && parent(item.path()) == parent(first.path())
        });
        let (job, others) = rest.split_at(together.count().max(1));
        jobs.push(job);
        rest = others;
    }
    jobs.sort_by_key(|job| {
        let length = length(job);
        std::cmp::Reverse(if length > WINDOW as u64 { length } else { 0 })
    });
    jobs
}

/// What one thread needs.
struct Worker<'a> {
    source: &'a Verified,
    archive: ZipArchive<Window<'a>>,
    walk: Walk<'a>,
    meter: &'a Meter<'a>,
    inflate: Decompress,
    block: Vec<u8>,
    /// For the names of local headers.
    names: Vec<u8>,
    entries: Vec<Entry>,
    links: Vec<(String, String)>,
}

impl<'a> Worker<'a> {
    fn new(
        source: &'a Verified,
        archive: ZipArchive<Window<'a>>,
        tree: &'a Tree,
        meter: &'a Meter<'a>,
    ) -> Self {
        Self {
            source,
            archive,
            walk: tree.walk(),
            meter,
            inflate: Decompress::new(false),
            block: vec![0; BLOCK],
            names: vec![0; LOCAL_NAMES],
            entries: Vec::new(),
            links: Vec::new(),
        }
    }

    fn run(&mut self, job: &[Item]) -> Result<(), Error> {
        if let ([first, ..], [.., last]) = (job, job) {
            self.archive.get_mut().ahead(first.start, last.end)?;
        }
        for item in job {
            self.meter.check_deadline()?;
            let (from, to) = self.check_local(item)?;
            match item.kind {
                ItemKind::Directory => self.walk.enter(item.path())?,
                ItemKind::File { mode } => {
                    let mut sink = Sink::File(self.walk.create(item.path(), mode)?);
                    self.content(item, from, to, &mut sink)?;
                    if let Sink::File(file) = sink {
                        let path = item.path().to_owned();
                        let kind = file.finish()?;
                        self.entries.push(Entry { path, kind });
                    }
                }
                ItemKind::Symlink => {
                    let mut sink = Sink::Target(Vec::new());
                    self.content(item, from, to, &mut sink)?;
                    if let Sink::Target(target) = sink {
                        let target = names::check_target(item.path(), &target)
                            .map_err(|fault| self.refuse(item, fault))?;
                        self.links.push((item.path().to_owned(), target.to_owned()));
                    }
                }
            }
        }
        Ok(())
    }

    /// Compares the local header and the data descriptor with the central directory; returns
    /// where the compressed data begins and ends.
    fn check_local(&mut self, item: &Item) -> Result<(u64, u64), Error> {
        let broken = |error| zip_index::broken(self.source, error);
        let entry = self.archive.get_entry(item.place).map_err(broken)?;
        let header = entry.local_header(&mut self.names).map_err(broken)?;
        compare(&header, item).map_err(|fault| self.meter.refuse(fault.of(item.name())))?;
        let (from, to) = entry.compressed_data_range();
        let mut descriptor = item.end.checked_sub(to).filter(|_| from <= to);
        if item.flags.has_data_descriptor() {
            // APPNOTE.TXT 4.3.9: the signature is optional, the sizes have 4 or 8 bytes.
            let stated = entry.reader().data_descriptor().map_err(broken)?;
            let agrees = stated.is_some_and(|stated| {
                stated.crc32() == item.crc32
                    && stated.compressed_size() == item.place.compressed_size_hint()
                    && stated.uncompressed_size() == item.size()
            });
            if !agrees {
                let fault = Fault::HeadersDiffer("data descriptor");
                return Err(self.meter.refuse(fault.of(item.name())));
            }
            descriptor = descriptor.filter(|length| [12, 16, 20, 24].contains(length));
        } else {
            descriptor = descriptor.filter(|length| *length == 0);
        }
        match descriptor {
            Some(_) => Ok((from, to)),
            None => Err(self.meter.refuse(Fault::Layout.of(item.name()))),
        }
    }

    /// Unpacks the content of `item`, which lies between `from` and `to`, and checks its size and
    /// checksum. Not a byte more than the stated size is passed on.
    fn content(&mut self, item: &Item, from: u64, to: u64, sink: &mut Sink) -> Result<(), Error> {
        let refuse = |fault: Fault| self.meter.refuse(fault.of(item.name()));
        let mut crc32 = crc32fast::Hasher::new();
        let mut left = item.size();
        let mut pass_on = |bytes: &[u8]| {
            left = left
                .checked_sub(bytes.len() as u64)
                .ok_or_else(|| refuse(Fault::Size))?;
            crc32.update(bytes);
            sink.write(bytes, self.meter)
        };
        let window = self.archive.get_mut();
        let mut at = from;
        if item.method == CompressionMethod::STORE {
            while at < to {
                let bytes = window.ahead(at, to)?;
                let bytes = bytes.get(..BLOCK).unwrap_or(bytes);
                if bytes.is_empty() {
                    return Err(refuse(Fault::Truncated));
                }
                pass_on(bytes)?;
                at += bytes.len() as u64;
            }
        } else {
            self.inflate.reset(false);
            let mut filled = 0;
            loop {
                let input = window.ahead(at, to)?;
                // When the whole rest is at hand and fits, zlib need not keep its window.
                let flush = if at + input.len() as u64 == to {
                    FlushDecompress::Finish
                } else {
                    FlushDecompress::None
                };
                let (used, made) = (self.inflate.total_in(), self.inflate.total_out());
                let space = self.block.get_mut(filled..).unwrap_or_default();
                let status = self
                    .inflate
                    .decompress(input, space, flush)
                    .map_err(|_| refuse(Fault::Deflate))?;
                let (used, made) = (
                    self.inflate.total_in() - used,
                    self.inflate.total_out() - made,
                );
                at += used;
                filled += usize::try_from(made).unwrap_or_default();
                if status == Status::StreamEnd || filled == self.block.len() {
                    pass_on(self.block.get(..filled).unwrap_or_default())?;
                    filled = 0;
                } else if used == 0 && made == 0 {
                    return Err(refuse(Fault::Truncated));
                }
                if status == Status::StreamEnd {
                    break;
                }
            }
        }
        if at != to || left != 0 {
            return Err(refuse(Fault::Size));
        }
        if crc32.finalize() != item.crc32 {
            return Err(refuse(Fault::Checksum));
        }
        Ok(())
    }

    fn refuse(&self, item: &Item, fault: Fault) -> Error {
        self.meter.refuse(fault.of(item.name()))
    }
}

/// Where content goes.
enum Sink {
    File(NewFile),
    /// The target of a symbolic link, whose length was checked.
    Target(Vec<u8>),
}

impl Sink {
    fn write(&mut self, bytes: &[u8], meter: &Meter<'_>) -> Result<(), Error> {
        match self {
            Self::File(file) => file.write(bytes, meter),
            Self::Target(target) => {
                target.extend_from_slice(bytes);
                Ok(())
            }
        }
    }
}

/// Programs that stream a zip believe the local headers, the others the central directory: a file
/// in which they differ unpacks to different things. Ours have to agree.
fn compare(local: &ZipLocalFileHeader<'_>, item: &Item) -> Result<(), Fault> {
    let path = local.file_path();
    let raw: &[u8] = path.as_ref();
    let name = match item.kind {
        ItemKind::Directory => raw.strip_suffix(b"/"),
        ItemKind::File { .. } | ItemKind::Symlink => Some(raw),
    };
    let differs = |field| Err(Fault::HeadersDiffer(field));
    if name != Some(item.name().as_bytes()) {
        return differs("name");
    }
    if local.flags() != item.flags {
        return differs("set of flags");
    }
    if local.compression_method() != item.method {
        return differs("compression method");
    }
    let stated = (
        local.crc32(),
        local.compressed_size_hint(),
        local.uncompressed_size_hint(),
    );
    let (crc32, compressed, uncompressed) = stated;
    // APPNOTE.TXT 4.4.4, bit 3: the values are zero here and follow the data.
    if item.flags.has_data_descriptor() && crc32 == 0 && compressed == 0 && uncompressed == 0 {
        return Ok(());
    }
    if crc32 != item.crc32 {
        return differs("checksum");
    }
    if compressed != item.place.compressed_size_hint() || uncompressed != item.size() {
        return differs("size");
    }
    Ok(())
}
