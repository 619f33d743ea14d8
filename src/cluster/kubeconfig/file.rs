//! The file: found behind links, read, locked, and replaced whole.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::Error;
use crate::deadline::Deadline;
use crate::files::{self, Lock, Owner};
use crate::yaml;

/// Only its owner reads and writes it: it may hold keys, and the external ID is in it.
const MODE: u32 = 0o600;

/// What others may do with a file.
const OTHERS: u32 = 0o077;

/// How many links lead on, one to the other, at most (path_resolution(7)).
const LINKS: usize = 40;

/// A kubeconfig, which need not be there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    /// As it was named.
    pub(super) path: PathBuf,
    /// Where links lead: what is replaced.
    real: PathBuf,
}

/// What is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Present {
    /// The text; empty where there is no file.
    pub(super) text: String,
    /// The mode, and whose it is; none where there is no file.
    state: Option<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    mode: u32,
    owner: Owner,
}

impl File {
    pub(super) fn new(path: &Path) -> Result<Self, Error> {
        let mut real = path.to_owned();
        for _ in 0..LINKS {
            match fs::read_link(&real) {
                Ok(target) => real = real.with_file_name("").join(target),
                // Not a link, or nothing is there; what else it may be, reading it will tell.
                Err(_) => {
                    return Ok(Self {
                        path: path.to_owned(),
                        real,
                    });
                }
            }
        }
        Err(Error::NotAFile {
            path: path.to_owned(),
            what: "a link that leads in a circle",
        })
    }

    /// Reads the file.
    ///
    /// What is no regular file is refused: a device or a pipe would be replaced.
    pub(super) fn read(&self) -> Result<Present, Error> {
        let fail = |source| Error::Read {
            source: files::Error::new("read", &self.path, source),
        };
        let metadata = match fs::metadata(&self.real) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Present::default()),
            Err(error) => return Err(fail(error)),
        };
        if !metadata.is_file() {
            return Err(Error::NotAFile {
                path: self.path.clone(),
                what: if metadata.is_dir() {
                    "a directory"
                } else {
                    "a device, a pipe or a socket"
                },
            });
        }
        let bytes = files::read_regular(&self.real).map_err(|error| fail(error.source))?;
        Ok(Present {
            text: yaml::decode(&self.path, &bytes)?.to_owned(),
            state: Some(State {
                mode: metadata.mode(),
                owner: Owner {
                    user: metadata.uid(),
                    group: metadata.gid(),
                },
            }),
        })
    }

    /// Refuses a file that somebody made read-only, whoever runs this.
    fn check_writable(&self, present: &Present) -> Result<(), Error> {
        let refuse = |why| {
            Err(Error::ReadOnly {
                path: self.path.clone(),
                why,
            })
        };
        let is_locked = present.state.is_some_and(|state| state.mode & 0o200 == 0);
        if is_locked || (present.state.is_some() && !files::may_write(&self.real)) {
            return refuse("it is read-only");
        }
        let directory = self.real.parent().filter(|parent| parent.exists());
        if directory.is_some_and(|directory| !files::is_writable(directory)) {
            return refuse("its directory is read-only");
        }
        Ok(())
    }

    /// Takes the lock that all runs of this program take before they change the file.
    ///
    /// It is no `….lock`: kubectl makes and removes one of that name, and fails where there is one.
    pub(super) fn lock(
        &self,
        present: &Present,
        holder: &str,
        deadline: Deadline,
        notice: &dyn Fn(&str),
    ) -> Result<Lock, Error> {
        self.check_writable(present)?;
        let name = self.real.file_name().unwrap_or_default();
        let mut beside = std::ffi::OsString::from(".");
        beside.push(name);
        beside.push(".bootstrap-lock");
        let path = self.real.with_file_name(beside);
        let waiting = |holder: &str| notice(&format!("waiting for {holder}"));
        let lock = Lock::take(&path, holder, deadline, waiting).map_err(|source| Error::Lock {
            path: self.path.clone(),
            source,
        })?;
        if !lock.excludes_others() {
            notice(&format!(
                "the file system of `{}` has no locks: another process that changes it at the same time may \
                 undo this",
                self.path.display()
            ));
        }
        Ok(lock)
    }

    /// Replaces the text; the file stays the owner's, as far as this user may give files away.
    pub(super) fn replace(
        &self,
        present: &Present,
        text: &str,
        notice: &dyn Fn(&str),
    ) -> Result<(), Error> {
        let fail = |source| Error::Write { source };
        let Some(State { owner, .. }) = present.state else {
            return files::replace(&self.real, text.as_bytes(), MODE).map_err(fail);
        };
        let is_kept = files::replace_owned(&self.real, text.as_bytes(), MODE, owner);
        if !is_kept.map_err(fail)? {
            notice(&format!(
                "`{}` belonged to user {}, and belongs to this user now",
                self.path.display(),
                owner.user
            ));
        }
        if present.is_open() {
            notice(&self.tightened(present));
        }
        Ok(())
    }

    /// Takes from others what they may do with a file that need not be replaced.
    pub(super) fn tighten(&self, present: &Present, notice: &dyn Fn(&str)) {
        if present.is_open() {
            match files::set_mode(&self.real, MODE) {
                Ok(()) => notice(&self.tightened(present)),
                Err(error) => notice(&format!(
                    "`{}` can be read or written by others, and that cannot be changed: {}",
                    self.path.display(),
                    error.source
                )),
            }
        }
    }

    fn tightened(&self, present: &Present) -> String {
        let mode = present.state.map_or(0, |state| state.mode & 0o7777);
        format!(
            "`{}` could be read or written by others (mode {mode:04o}); its mode is {MODE:04o} now",
            self.path.display()
        )
    }
}

impl Present {
    fn is_open(&self) -> bool {
        self.state.is_some_and(|state| state.mode & OTHERS != 0)
    }
}
