//! What is made beside its place and moved there when it is whole.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use super::{
    Error, UNFINISHED, create_directory, parent, remove, swap_directory, sync, sync_directory,
    unfinished_in,
};

/// A directory beside `target`, which takes its place, or from which a file does; dropped, it is gone.
///
/// It is locked, so that one that a killed run has left is known, and cleared away by the next.
#[derive(Debug)]
pub struct Staging {
    directory: PathBuf,
    target: PathBuf,
    _lock: File,
}

impl Staging {
    /// An empty directory beside `target`, whose parents are made where they are missing.
    pub fn beside(target: &Path) -> Result<Self, Error> {
        let parent = parent(target);
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let prefix = format!("{UNFINISHED}{name}-");
        create_directory(parent)?;
        clear_leftovers(parent, &prefix);
        let fail = |source| Error::new("create a directory in", parent, source);
        loop {
            let made = tempfile::Builder::new().prefix(&prefix).tempdir_in(parent);
            let directory = made.map_err(fail)?.keep();
            // Another run may take it for a leftover until it is locked. Where there are no locks, nobody
            // gets one and clears anything away.
            let lock = match File::open(&directory) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened.map_err(fail)?,
            };
            if matches!(lock.try_lock(), Err(TryLockError::WouldBlock)) || !directory.exists() {
                continue;
            }
            return Ok(Self {
                directory,
                target: target.to_owned(),
                _lock: lock,
            });
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.directory
    }

    /// A new directory in it, with mode 0755 whatever the umask.
    pub fn directory(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.directory.join(name);
        create_directory(&path)?;
        super::set_mode(&path, 0o755)?;
        Ok(path)
    }

    /// A new file in it, with mode 0644 whatever the umask.
    pub fn file(&self, name: &str) -> Result<(PathBuf, File), Error> {
        let path = self.directory.join(name);
        let fail = |source| Error::new("write", &path, source);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o644);
        let file = options.open(&path).map_err(fail)?;
        super::set_mode(&path, 0o644)?;
        Ok((path, file))
    }

    /// Moves the whole directory to the target; what is there gives way only when that is asked for, or
    /// when it is an empty directory. All of it is on the disk before.
    pub fn put_directory(self, replace: bool) -> Result<(), Error> {
        super::set_mode(&self.directory, 0o755)?;
        sync(&self.directory)?;
        if replace {
            swap_directory(&self.directory, &self.target)?;
        } else {
            // Of two directories rename(2) replaces none but an empty one, and a file none at all.
            let moved = fs::rename(&self.directory, &self.target);
            moved.map_err(|source| Error::new("make", &self.target, source))?;
        }
        sync_directory(parent(&self.target));
        Ok(())
    }

    /// The same with a file of the directory.
    pub fn put_file(self, name: &str, replace: bool) -> Result<(), Error> {
        let fail = |source| Error::new("make", &self.target, source);
        let path = self.directory.join(name);
        let file = File::open(&path).map_err(fail)?;
        file.sync_all().map_err(fail)?;
        let moved = if replace {
            fs::rename(&path, &self.target)
        } else {
            self.rename_new(&path)
        };
        moved.map_err(fail)?;
        sync_directory(parent(&self.target));
        Ok(())
    }

    /// Gives a file the target's name, which nothing may have.
    fn rename_new(&self, path: &Path) -> io::Result<()> {
        match rustix::fs::renameat_with(CWD, path, CWD, &self.target, RenameFlags::NOREPLACE) {
            // The file system cannot do that; who asked has looked already.
            Err(Errno::INVAL | Errno::NOSYS) if !self.target.exists() => {
                fs::rename(path, &self.target)
            }
            moved => Ok(moved?),
        }
    }
}

/// Removes what killed runs have left for the same target.
fn clear_leftovers(parent: &Path, prefix: &str) {
    for path in unfinished_in(parent) {
        let name = path.file_name().unwrap_or_default();
        let is_ours = name.as_encoded_bytes().starts_with(prefix.as_bytes()) && path.is_dir();
        let lock = File::open(&path).ok().filter(|_| is_ours);
        // Held until all of it is gone.
        if lock.as_ref().is_some_and(|lock| lock.try_lock().is_ok()) {
            drop(remove(&path));
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Moved into place it is gone already; there is nothing more to do about what stays.
        drop(remove(&self.directory));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn staged(target: &Path, text: &str) -> Staging {
        let staging = Staging::beside(target).unwrap();
        let (_, mut file) = staging.file("file").unwrap();
        file.write_all(text.as_bytes()).unwrap();
        staging
    }

    #[test]
    fn what_a_killed_run_left_is_cleared_away_and_what_is_under_way_stays() {
        let world = tempfile::tempdir().unwrap();
        let [target, other] = ["bundle", "other"].map(|name| world.path().join(name));
        let [left, kept] = [".unfinished-bundle-1", ".unfinished-other-1"];
        for name in [left, kept] {
            create_directory(&world.path().join(name)).unwrap();
        }
        let first = staged(&target, "1");
        let second = staged(&target, "2");
        assert!(first.path().exists() && !world.path().join(left).exists());
        assert!(world.path().join(kept).exists());
        drop((first, second));
        staged(&other, "3").put_directory(false).unwrap();
        assert_eq!(fs::read_dir(world.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_there_gives_way_only_when_that_is_asked_for() {
        let world = tempfile::tempdir().unwrap();
        let [directory, file] = ["directory", "file"].map(|name| world.path().join(name));
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        create_directory(&directory).unwrap();
        staged(&directory, "1").put_directory(false).unwrap();
        staged(&directory, "2").put_directory(false).unwrap_err();
        assert_eq!(read(&directory.join("file")), "1");
        staged(&directory, "3").put_directory(true).unwrap();
        assert_eq!(read(&directory.join("file")), "3");
        staged(&file, "1").put_file("file", false).unwrap();
        staged(&file, "2").put_file("file", false).unwrap_err();
        staged(&file, "2").put_directory(false).unwrap_err();
        assert_eq!(read(&file), "1");
        staged(&file, "3").put_file("file", true).unwrap();
        assert_eq!(read(&file), "3");
        assert_eq!(fs::read_dir(world.path()).unwrap().count(), 2);
    }
}
