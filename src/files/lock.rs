//! An exclusive lock between processes, with a bounded wait and a holder that has a name.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::deadline::{Deadline, DeadlinePassed};

/// How often a waiting process looks again: short beside an installation, cheap beside a second.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// A held lock; dropping it, or dying, lets go.
#[derive(Debug)]
pub struct Lock {
    // The kernel holds the lock for as long as this is open (flock(2)).
    file: Option<File>,
}

impl Lock {
    /// Takes the lock on the file `path`, waiting until `deadline`; `holder` is written into it
    /// for those who wait, and `waiting` is called once with the holder's name when there is one.
    ///
    /// The file is opened for reading and writing, as `NFSv4` asks for an exclusive lock. Where the
    /// file system has no locks at all, there is no other process to wait for either that could
    /// take one; the renames keep what is installed whole.
    pub fn take(
        path: &Path,
        holder: &str,
        deadline: Deadline,
        waiting: impl FnOnce(&str),
    ) -> Result<Self, LockError> {
        let fail = |source| LockError::File(super::Error::new("lock", path, source));
        super::create_directory(super::parent(path)).map_err(LockError::File)?;
        // Shared between users of one prefix (root builds, uid 1001 runs): where umask did not let
        // it, another user's file can be locked all the same (flock(2)), and has no name in it.
        let (mut file, is_mine) = match super::open_or_create(path, 0o664) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                (File::open(path).map_err(fail)?, false)
            }
            opened => (opened.map_err(fail)?, true),
        };
        let mut waiting = Some(waiting);
        let mut is_first_look = true;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) if has_no_locks(&error) => {
                    return Ok(Self { file: None });
                }
                Err(TryLockError::Error(error)) => return Err(fail(error)),
            }
            let name = held_by(&mut file);
            // Whoever has taken it at this very moment has not written its name yet.
            if !is_first_look && let Some(waiting) = waiting.take() {
                waiting(&name);
            }
            is_first_look = false;
            if let Err(deadline) = deadline.check() {
                return Err(LockError::Held {
                    path: path.to_owned(),
                    holder: name,
                    deadline,
                });
            }
            std::thread::sleep(LOOK_AGAIN.min(deadline.left()));
        }
        if is_mine {
            let named = file
                .set_len(0)
                .and_then(|()| file.rewind())
                .and_then(|()| file.write_all(holder.as_bytes()));
            named.map_err(fail)?;
        }
        Ok(Self { file: Some(file) })
    }

    /// Whether another process can be kept waiting: not on a file system that has no locks.
    pub const fn excludes_others(&self) -> bool {
        self.file.is_some()
    }
}

fn held_by(file: &mut File) -> String {
    let mut name = String::new();
    let read = file
        .rewind()
        .and_then(|()| file.take(200).read_to_string(&mut name).map(|_| ()));
    match read {
        Ok(()) if !name.trim().is_empty() => name.trim().to_owned(),
        _ => "another process".to_owned(),
    }
}

fn has_no_locks(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    matches!(
        Errno::from_io_error(error),
        Some(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS)
    )
}

/// The lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The lock file could not be opened, locked or written.
    #[error(transparent)]
    File(super::Error),
    /// Another process held the lock until the deadline.
    #[error("`{}` was held by {holder} all the time", path.display())]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Who held it, in its own words.
        holder: String,
        /// The deadline that ended the wait.
        #[source]
        deadline: DeadlinePassed,
    },
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn the_second_to_come_is_told_who_holds_the_lock() {
        let world = tempfile::tempdir().unwrap();
        let path = world.path().join("prefix/lock");
        let soon = Deadline::after(Instant::now(), Duration::from_millis(60));
        let held = Lock::take(&path, "pid 7 on pod-a", soon, |_| ()).unwrap();
        let mut told = String::new();
        let error = Lock::take(&path, "pid 8 on pod-a", soon, |name| {
            name.clone_into(&mut told);
        })
        .unwrap_err();
        assert_eq!(told, "pid 7 on pod-a");
        assert!(
            error
                .to_string()
                .ends_with("was held by pid 7 on pod-a all the time"),
            "{error}"
        );
        drop(held);
        assert!(Lock::take(&path, "pid 8 on pod-a", soon, |_| ()).is_ok());
    }

    #[test]
    fn a_shorter_name_leaves_nothing_of_the_longer_one() {
        let world = tempfile::tempdir().unwrap();
        let path = world.path().join("lock");
        let soon = Deadline::after(Instant::now(), Duration::from_secs(1));
        drop(Lock::take(&path, "a long name", soon, |_| ()).unwrap());
        let _held = Lock::take(&path, "short", soon, |_| ()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "short");
    }
}
