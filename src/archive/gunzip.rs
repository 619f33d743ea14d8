//! Inflates one gzip member (RFC 1952) and insists on its end.

use std::io::{self, BufRead as _, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::mpsc::{self, Receiver, SyncSender};

use flate2::bufread::GzDecoder;

use crate::archive::meter::{Meter, read_at, refused, unreadable};
use crate::archive::{Contents, Error, Fault};
use crate::cache::Verified;

/// The last field of a gzip member: the length of the content modulo 2^32.
const ISIZE: usize = 4;
const INPUT: usize = 128 * 1024;
/// The parts that go from the inflating thread to the writing one, and how many are on the way.
const PART: usize = 256 * 1024;
const PARTS: usize = 8;

/// Reads the length that the trailer states.
pub(super) fn measure(source: &Verified) -> Result<Contents, Error> {
    let mut trailer = [0; ISIZE];
    let offset = source.len().saturating_sub(ISIZE as u64);
    let count = read_at(source, &mut trailer, offset).map_err(|error| unreadable(source, error))?;
    if count < trailer.len() {
        let fault = Fault::Gzip("it is too short".to_owned());
        return Err(refused(source.path(), fault));
    }
    Ok(Contents {
        bytes: u64::from(u32::from_le_bytes(trailer)),
        entries: None,
    })
}

/// The unpacked bytes. Its errors carry an [`Error`]; the checksum and the length are verified,
/// and that nothing follows, before it reports the end.
pub(super) struct Gunzip<'a> {
    decoder: GzDecoder<BufReader<Source<'a>>>,
    meter: &'a Meter<'a>,
}

impl<'a> Gunzip<'a> {
    pub(super) fn new(source: &'a Verified, meter: &'a Meter<'a>) -> Self {
        let source = Source { source, at: 0 };
        Self {
            decoder: GzDecoder::new(BufReader::with_capacity(INPUT, source)),
            meter,
        }
    }

    fn broken(&self, error: io::Error) -> Error {
        carried(error).unwrap_or_else(|error| {
            self.meter.refuse(Fault::Gzip(match error.kind() {
                io::ErrorKind::UnexpectedEof => "it is cut short".to_owned(),
                _ => error.to_string(),
            }))
        })
    }
}

impl Read for Gunzip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.meter.check_deadline().map_err(carry)?;
        let count = self
            .decoder
            .read(buffer)
            .map_err(|error| carry(self.broken(error)))?;
        // Several members are legal, but no vendor makes them, and some readers stop at the first.
        if count == 0 && !buffer.is_empty() {
            let rest = self.decoder.get_mut().fill_buf();
            if !rest.map_err(|error| carry(unpack_io(error)))?.is_empty() {
                return Err(carry(self.meter.refuse(Fault::Trailing)));
            }
        }
        Ok(count)
    }
}

/// The source as a stream; its errors carry an [`Error`].
struct Source<'a> {
    source: &'a Verified,
    at: u64,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self
            .source
            .file()
            .read_at(buffer, self.at)
            .map_err(|error| match error.kind() {
                io::ErrorKind::Interrupted => error,
                _ => carry(unreadable(self.source, error)),
            })?;
        self.at += count as u64;
        Ok(count)
    }
}

/// Inflates on this thread into parts that [`Parts`] reads on another. It ends when the content
/// does, at an error, which it passes on, or when nobody reads any more.
pub(super) fn inflate(mut gunzip: Gunzip<'_>, full: &SyncSender<Part>, empty: &Receiver<Vec<u8>>) {
    loop {
        let Ok(mut part) = empty.recv() else { return };
        part.resize(PART, 0);
        let mut filled = 0;
        let result = loop {
            let space = part.get_mut(filled..).unwrap_or_default();
            match gunzip.read(space) {
                Ok(0) => break Ok(()),
                Ok(count) => filled += count,
                Err(error) => break Err(error),
            }
        };
        part.truncate(filled);
        let is_last = filled < PART;
        if full.send(result.map(|()| part)).is_err() || is_last {
            return;
        }
    }
}

type Part = io::Result<Vec<u8>>;

/// The parts that [`inflate`] makes, as a stream. It ends with the first part that is not full.
pub(super) struct Parts {
    full: Receiver<Part>,
    empty: SyncSender<Vec<u8>>,
    part: Vec<u8>,
    at: usize,
}

impl Parts {
    /// The reading end, and the two ends for [`inflate`].
    pub(super) fn pipe() -> (Self, SyncSender<Part>, Receiver<Vec<u8>>) {
        let (full_in, full) = mpsc::sync_channel(PARTS);
        let (empty, empty_out) = mpsc::sync_channel(PARTS);
        for _ in 0..PARTS {
            // There is room for all of them, and the other end is right here.
            drop(empty.try_send(Vec::new()));
        }
        let parts = Self {
            full,
            empty,
            part: Vec::new(),
            at: 0,
        };
        (parts, full_in, empty_out)
    }
}

impl Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.part.len() {
            // The sender is gone when it has sent its last part.
            let Ok(part) = self.full.recv() else {
                return Ok(0);
            };
            let old = std::mem::replace(&mut self.part, part?);
            self.at = 0;
            drop(self.empty.try_send(old));
        }
        let rest = self.part.get(self.at..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.at += count;
        Ok(count)
    }
}

/// An [`Error`] as the content of an I/O error, for the way through a reader of another crate.
pub(super) fn carry(error: Error) -> io::Error {
    io::Error::other(error)
}

/// The [`Error`] that an I/O error carries, or the I/O error that carries none.
pub(super) fn carried(error: io::Error) -> Result<Error, io::Error> {
    error.downcast::<Error>()
}

/// The error of a reader all of whose errors carry an [`Error`].
fn unpack_io(error: io::Error) -> Error {
    carried(error).unwrap_or_else(|source| Error::Io {
        action: "read",
        path: std::path::PathBuf::new(),
        source,
    })
}
