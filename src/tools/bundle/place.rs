//! Where a bundle is made: beside what is there, until it is whole.

use std::fs;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use super::{Bundle, DIRECTORIES, Error, LOCK};
use crate::archive::TarWriter;
use crate::cache::{Cache, Verified};
use crate::deadline::Deadline;
use crate::digest::Hasher;
use crate::files::{self, Room, Staging};

/// The most that a file takes in a tar besides its content: two headers, a long name, and what fills
/// the last block of 512 bytes up.
const OVERHEAD: u64 = 2048;

/// What a bundle is made as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A directory.
    Directory,
    /// One tar.
    Tar,
}

/// A place for a bundle.
#[derive(Clone, Debug)]
pub struct Place {
    /// Where it will be, as an absolute path.
    pub path: PathBuf,
    /// What it will be.
    pub form: Form,
    /// Whether another bundle that is there gives way.
    pub replace: bool,
}

impl Place {
    /// The place behind a symbolic link, which stays.
    pub(super) fn resolved(&self) -> Self {
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        Self {
            path,
            ..self.clone()
        }
    }

    /// Refuses what can be no place for a bundle, before anything is fetched.
    pub(super) fn check(&self, cache: &Cache) -> Result<(), Error> {
        // What is not there yet is where its nearest directory that is there really lies.
        let real = |path: &Path| {
            let mut above = path.ancestors();
            let found = above.find_map(|above| {
                let rest = path.strip_prefix(above).ok()?;
                Some(fs::canonicalize(above).ok()?.join(rest))
            });
            found.unwrap_or_else(|| path.to_owned())
        };
        let (here, there) = (real(&self.path), real(&cache.dir));
        if here.starts_with(&there) || there.starts_with(&here) {
            return Err(Error::InCache {
                path: self.path.clone(),
                cache: cache.dir.clone(),
            });
        }
        match self.occupied() {
            Some(why) => Err(Error::Occupied {
                path: self.path.clone(),
                why,
            }),
            None => Ok(()),
        }
    }

    /// What is there that is no bundle; none when nothing is, or an empty directory for a bundle.
    fn occupied(&self) -> Option<&'static str> {
        let there = fs::symlink_metadata(&self.path).ok()?;
        match self.form {
            Form::Directory if !there.is_dir() => Some("it is not a directory"),
            Form::Directory if is_empty(&self.path) || is_bundle(&self.path) => None,
            Form::Directory => Some("it is a directory that holds other things than a bundle"),
            Form::Tar if !there.is_file() => Some("it is not a regular file"),
            Form::Tar if is_bundle(&self.path) => None,
            Form::Tar => Some("it is no bundle, or holds other things too"),
        }
    }

    /// Writes the lock and these files, by their names in the bundle, and puts all of it in place.
    ///
    /// `modified` is the time of the files of a tar, in seconds since 1970.
    pub(super) fn write(
        &self,
        lock: &str,
        contents: &[(String, Verified)],
        modified: u64,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let staging = Staging::beside(&self.path).map_err(Error::Output)?;
        let files = contents.iter().map(|(_, file)| file.len() + OVERHEAD);
        let room = Room::at(staging.path()).map_err(Error::Output)?;
        let bytes = files.sum::<u64>() + lock.len() as u64;
        room.check(staging.path(), bytes, None)
            .map_err(Error::Room)?;
        let is_directory = self.form == Form::Directory;
        if is_directory {
            self.write_directory(&staging, lock, contents, deadline)?;
        } else {
            self.write_tar(&staging, lock, contents, modified, deadline)?;
        }
        let replace = self.replace && !(is_directory && is_empty(&self.path));
        let put = if is_directory {
            staging.put_directory(replace)
        } else {
            staging.put_file(LOCK, replace)
        };
        put.map_err(Error::Output)
    }

    fn write_directory(
        &self,
        staging: &Staging,
        lock: &str,
        contents: &[(String, Verified)],
        deadline: Deadline,
    ) -> Result<(), Error> {
        let failed = |path: &Path, source| {
            let path = self.final_path(staging, path);
            Error::Output(files::Error::new("write", &path, source))
        };
        for directory in DIRECTORIES {
            if contents.iter().any(|(name, _)| is_in(name, directory)) {
                staging.directory(directory).map_err(Error::Output)?;
            }
        }
        for (name, content) in contents {
            let (path, mut file) = staging.file(name).map_err(Error::Output)?;
            copy(content, &mut file, deadline)?.map_err(|source| failed(&path, source))?;
        }
        let (path, mut file) = staging.file(LOCK).map_err(Error::Output)?;
        let written = file.write_all(lock.as_bytes());
        written.map_err(|source| failed(&path, source))
    }

    fn write_tar(
        &self,
        staging: &Staging,
        lock: &str,
        contents: &[(String, Verified)],
        modified: u64,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let failed = |source| Error::Output(files::Error::new("write", &self.path, source));
        // The name that it has until it takes the place of the target.
        let (_, file) = staging.file(LOCK).map_err(Error::Output)?;
        let mut tar = TarWriter::new(io::BufWriter::new(file), modified);
        let (mut text, length) = (lock.as_bytes(), lock.len() as u64);
        tar.file(LOCK, 0o644, length, &mut text).map_err(failed)?;
        for directory in DIRECTORIES {
            let mut inside = contents
                .iter()
                .filter(|(name, _)| is_in(name, directory))
                .peekable();
            if inside.peek().is_some() {
                tar.directory(directory).map_err(failed)?;
            }
            for (name, content) in inside {
                deadline.check().map_err(Error::Deadline)?;
                let mut hasher = Hasher::new(content.digest().algorithm());
                let mut reader = Hashing {
                    reader: content.reader(),
                    hasher: &mut hasher,
                };
                let written = tar.file(name, 0o644, content.len(), &mut reader);
                match written {
                    Err(error) if error.kind() != io::ErrorKind::InvalidData => {
                        return Err(failed(error));
                    }
                    // It has another length, or the one that it should.
                    _ => check_copied(content, hasher)?,
                }
            }
        }
        let mut written = tar.finish().map_err(failed)?;
        written.flush().map_err(failed)
    }

    /// The path that a file of the staging directory will have.
    fn final_path(&self, staging: &Staging, path: &Path) -> PathBuf {
        let inside = path.strip_prefix(staging.path());
        inside.map_or_else(|_| path.to_owned(), |inside| self.path.join(inside))
    }
}

fn is_in(name: &str, directory: &str) -> bool {
    let rest = name.strip_prefix(directory);
    rest.is_some_and(|rest| rest.starts_with('/'))
}

fn is_empty(directory: &Path) -> bool {
    let entries = fs::read_dir(directory);
    entries.is_ok_and(|mut entries| entries.next().is_none())
}

/// Whether a directory or tar is a bundle and nothing else: replacing it must not take anything else
/// away.
fn is_bundle(path: &Path) -> bool {
    Bundle::open(path).is_ok_and(|bundle| bundle.is_all_of_its_place())
}

/// Copies a file and hashes it once more on the way: a cache may be shared with others.
///
/// The outer error is that of the source, the inner one that of the copy.
fn copy(from: &Verified, to: &mut impl Write, deadline: Deadline) -> Result<io::Result<()>, Error> {
    let unreadable = |source| Error::Output(files::Error::new("read", from.path(), source));
    let mut hasher = Hasher::new(from.digest().algorithm());
    let mut reader = from.reader();
    let mut block = vec![0; 256 * 1024];
    loop {
        deadline.check().map_err(Error::Deadline)?;
        let count = match reader.read(&mut block) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(error)),
        };
        let bytes = block.get(..count).unwrap_or_default();
        hasher.update(bytes);
        if let Err(error) = to.write_all(bytes) {
            return Ok(Err(error));
        }
    }
    check_copied(from, hasher)?;
    Ok(Ok(()))
}

fn check_copied(from: &Verified, hasher: Hasher) -> Result<(), Error> {
    if hasher.finish() == *from.digest() {
        return Ok(());
    }
    Err(Error::Changed {
        path: from.path().to_owned(),
    })
}

/// Hashes what is read.
struct Hashing<'a, R> {
    reader: R,
    hasher: &'a mut Hasher,
}

impl<R: io::Read> io::Read for Hashing<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}
