//! Whole files in memory, and never more of one than fits: a device has no end, and a pipe may have
//! nobody who writes to it.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

use super::Error;

/// The most that is read of a file: ten times the receipt of the largest tool.
pub const MOST: u64 = 64 << 20;

/// A file's contents. It may be a pipe, as a shell makes one for `<(…)`.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let bytes = File::open(path).and_then(up_to_most);
    bytes.map_err(|source| Error::new("read", path, source))
}

/// The same as text.
pub fn read_text(path: &Path) -> Result<String, Error> {
    read(path).and_then(|bytes| text(path, bytes))
}

/// The contents of a regular file; whatever else has its name is not waited for.
pub fn read_regular(path: &Path) -> Result<Vec<u8>, Error> {
    let bytes = open_regular(path).and_then(up_to_most);
    bytes.map_err(|source| Error::new("read", path, source))
}

/// The same as text: for files of our own making, and for what others mount for us.
pub fn read_own(path: &Path) -> Result<String, Error> {
    read_regular(path).and_then(|bytes| text(path, bytes))
}

/// The contents of a file that nobody else can have read or written; none of one that is not there,
/// is a link, belongs to another user, or that others may read or write.
pub fn read_private(path: &Path) -> Result<Option<String>, Error> {
    let fail = |source| Error::new("read", path, source);
    let file = match open(path, OFlags::NOFOLLOW) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        // What open(2) says of a link.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Ok(None);
        }
        Err(error) => return Err(fail(error)),
    };
    let metadata = file.metadata().map_err(fail)?;
    let is_mine = metadata.uid() == rustix::process::geteuid().as_raw();
    if !metadata.is_file() || !is_mine || metadata.mode() & 0o077 != 0 {
        return Ok(None);
    }
    Ok(String::from_utf8(up_to_most(file).map_err(fail)?).ok())
}

fn open(path: &Path, flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::NONBLOCK;
    OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
}

fn open_regular(path: &Path) -> io::Result<File> {
    let file = open(path, OFlags::empty())?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::new(ErrorKind::IsADirectory, "it is a directory"));
    }
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok(file)
}

fn up_to_most(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MOST + 1).read_to_end(&mut bytes)?;
    check_length(bytes)
}

/// What was read up to a byte more than [`MOST`], if it was not that much.
pub fn check_length(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    if bytes.len() as u64 <= MOST {
        return Ok(bytes);
    }
    let why = format!("it is larger than {} MiB", MOST >> 20);
    Err(io::Error::new(ErrorKind::FileTooLarge, why))
}

fn text(path: &Path, bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|_| {
        let source = io::Error::new(ErrorKind::InvalidData, "it is not UTF-8 text");
        Error::new("read", path, source)
    })
}

#[cfg(test)]
mod tests {
    use super::super::{link, replace};
    use super::*;

    #[test]
    fn what_is_no_regular_file_is_not_waited_for() {
        let world = tempfile::tempdir().unwrap();
        let pipe = world.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o644);
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, fifo, mode, 0).unwrap();
        let why = |path: &Path| read_regular(path).unwrap_err().source.to_string();
        assert_eq!(why(&pipe), "it is not a regular file");
        assert_eq!(why(Path::new("/dev/zero")), "it is not a regular file");
        assert_eq!(why(world.path()), "it is a directory");
        assert!(read_own(&pipe).is_err());
    }

    #[test]
    fn a_file_without_end_is_given_up() {
        let error = read(Path::new("/dev/zero")).unwrap_err();
        assert_eq!(error.source.to_string(), "it is larger than 64 MiB");
        let world = tempfile::tempdir().unwrap();
        let path = world.path().join("huge");
        replace(&path, b"", 0o644).unwrap();
        let huge = OpenOptions::new().write(true).open(&path).unwrap();
        huge.set_len(MOST).unwrap();
        assert_eq!(read_regular(&path).unwrap().len() as u64, MOST);
        huge.set_len(MOST + 1).unwrap();
        let error = read_regular(&path).unwrap_err();
        assert_eq!(error.source.kind(), ErrorKind::FileTooLarge);
    }

    #[test]
    fn what_is_no_text_is_told() {
        let world = tempfile::tempdir().unwrap();
        let path = world.path().join("file");
        replace(&path, b"\xff", 0o644).unwrap();
        for read in [read_text, read_own] {
            let error = read(&path).unwrap_err();
            assert_eq!(error.source.kind(), ErrorKind::InvalidData);
        }
    }

    #[test]
    fn a_private_file_is_read_only_while_it_is_private() {
        let world = tempfile::tempdir().unwrap();
        let path = world.path().join("session");
        assert_eq!(read_private(&path).unwrap(), None);
        replace(&path, b"secret", 0o600).unwrap();
        assert_eq!(read_private(&path).unwrap().as_deref(), Some("secret"));
        let other = world.path().join("link");
        link(&path, &other).unwrap();
        assert_eq!(read_private(&other).unwrap(), None);
        for mode in [0o640, 0o604, 0o620] {
            let open = std::os::unix::fs::PermissionsExt::from_mode(mode);
            std::fs::set_permissions(&path, open).unwrap();
            assert_eq!(read_private(&path).unwrap(), None, "{mode:o}");
        }
        replace(&path, b"\xff", 0o600).unwrap();
        assert_eq!(read_private(&path).unwrap(), None);
    }
}
