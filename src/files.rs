//! Files that are whole or absent: replace, swap, link, lock, and the room there is for them.

mod lock;
mod read;
mod space;
mod staging;

pub use lock::{Lock, LockError};
pub use read::{MOST, check_length, read, read_own, read_private, read_regular, read_text};
pub use space::{Room, Shortage};
pub use staging::Staging;

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags};

/// The start of the names of what is not finished yet; a run that finds some left clears them away.
pub const UNFINISHED: &str = ".unfinished-";

/// Writes a file beside `path`, syncs it, and renames it over `path`, so that a reader, a kill or
/// a power loss meets the old contents or the new, never a part.
pub fn replace(path: &Path, contents: &[u8], mode: u32) -> Result<(), Error> {
    put(path, contents, mode, true, None).map(drop)
}

/// The user and the group that a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The number of the user.
    pub user: u32,
    /// The number of the group.
    pub group: u32,
}

/// Like [`replace`], for a file that is to stay this owner's. Whether it is that user's now is the
/// answer: only root may give files away.
pub fn replace_owned(path: &Path, contents: &[u8], mode: u32, owner: Owner) -> Result<bool, Error> {
    put(path, contents, mode, true, Some(owner))
}

/// The same without the sync, for what a power loss may take: a reader or a kill meets the old
/// contents or the new.
pub fn write_whole(path: &Path, contents: &[u8], mode: u32) -> Result<(), Error> {
    put(path, contents, mode, false, None).map(drop)
}

fn put(
    path: &Path,
    contents: &[u8],
    mode: u32,
    durable: bool,
    owner: Option<Owner>,
) -> Result<bool, Error> {
    match put_once(path, contents, mode, durable, owner) {
        // A run that clears leftovers away may have taken the unfinished file for one.
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => {
            put_once(path, contents, mode, durable, owner)
        }
        done => done,
    }
}

fn put_once(
    path: &Path,
    contents: &[u8],
    mode: u32,
    durable: bool,
    owner: Option<Owner>,
) -> Result<bool, Error> {
    let directory = parent(path);
    fs::create_dir_all(directory)
        .map_err(|source| Error::new("create the directory", directory, source))?;
    let fail = |source| Error::new("write", path, source);
    let file = beside(path, contents, mode).map_err(fail)?;
    let is_owned = owner.is_none_or(|owner| give(file.as_file(), owner));
    if durable {
        file.as_file().sync_all().map_err(fail)?;
    }
    file.persist(path).map_err(|error| fail(error.error))?;
    if durable {
        sync_directory(directory);
    }
    Ok(is_owned)
}

/// A file beside `path`, with its contents, that is gone unless it is given a name.
fn beside(path: &Path, contents: &[u8], mode: u32) -> io::Result<tempfile::NamedTempFile> {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
    let mut file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .permissions(permissions)
        .tempfile_in(parent(path))?;
    file.write_all(contents)?;
    Ok(file)
}

/// Syncs the names in a directory. Some file systems cannot; a rename stands all the same.
fn sync_directory(directory: &Path) {
    drop(File::open(directory).and_then(|directory| directory.sync_all()));
}

/// Gives a file to a user and a group, as far as that is allowed; whether it is that user's now.
fn give(file: &File, owner: Owner) -> bool {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let is_given = fchown(file, Some(owner.user), Some(owner.group)).is_ok();
    if !is_given {
        // A group that this user is in can be kept all the same.
        drop(fchown(file, None, Some(owner.group)));
    }
    is_given
        || file
            .metadata()
            .is_ok_and(|metadata| metadata.uid() == owner.user)
}

/// Gives a file another mode.
pub fn set_mode(path: &Path, mode: u32) -> Result<(), Error> {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(path, mode).map_err(|source| Error::new("change the mode of", path, source))
}

/// Writes to a path that a user gave: a file is replaced whole; what is no plain file, such as
/// `/dev/null`, `/dev/stdout` or a pipe, is written into and stays what it is.
pub fn write_to(path: &Path, contents: &[u8], mode: u32) -> Result<(), Error> {
    match fs::symlink_metadata(path) {
        Ok(present) if !present.is_file() => overwrite(path, contents),
        _ => write_whole(path, contents, mode),
    }
}

/// Writes into a file that is there already and must stay the same file: the kubelet bind-mounts
/// the termination message. A pipe that nobody reads is an error, and not waited for.
pub fn overwrite(path: &Path, contents: &[u8]) -> Result<(), Error> {
    let fail = |source| Error::new("write", path, source);
    let mut file = OpenOptions::new()
        .write(true)
        .truncate(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
        .map_err(fail)?;
    file.write_all(contents).map_err(fail)
}

/// Writes the result of a command where its user wants it: a file that is there is replaced as by
/// [`rewrite`], a new one made, and a device or a pipe written into, which stays what it is.
pub fn write_out(path: &Path, contents: &[u8]) -> Result<(), Error> {
    match fs::metadata(path) {
        Ok(present) if present.is_file() => rewrite(path, contents),
        Ok(present) if !present.is_dir() => pour(path, contents),
        Ok(_) => Err(Error::new("write", path, is_directory())),
        Err(_) => replace(path, contents, 0o644),
    }
}

/// Writes all of it into a device or a pipe, however long its reader takes; a pipe that nobody
/// reads is an error, and not waited for.
fn pour(path: &Path, contents: &[u8]) -> Result<(), Error> {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let fail = |source| Error::new("write", path, source);
    let mut file = OpenOptions::new()
        .write(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
        .map_err(fail)?;
    let flags = fcntl_getfl(&file).map_err(|errno| fail(errno.into()))?;
    fcntl_setfl(&file, flags - OFlags::NONBLOCK).map_err(|errno| fail(errno.into()))?;
    file.write_all(contents).map_err(fail)
}

fn is_directory() -> io::Error {
    io::Error::new(io::ErrorKind::IsADirectory, "it is a directory")
}

/// Replaces a file that is there, whole, and keeps its mode and its owner, as far as that is
/// allowed; of a link, the file that it points to.
///
/// A file that nobody may write is left alone, though its directory would let it be replaced, and
/// so is what is no regular file.
pub fn rewrite(path: &Path, contents: &[u8]) -> Result<(), Error> {
    Rewrite::stage(path, contents)?.commit()
}

/// The new contents of a file that is there: beside it and synced, and not in its place yet.
/// Dropped, they are gone.
#[derive(Debug)]
pub struct Rewrite {
    file: tempfile::NamedTempFile,
    target: PathBuf,
}

impl Rewrite {
    /// Does all of [`rewrite`] that may fail, but for the rename.
    pub fn stage(path: &Path, contents: &[u8]) -> Result<Self, Error> {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        let fail = |source| Error::new("write", path, source);
        let target = fs::canonicalize(path).map_err(fail)?;
        let present = fs::metadata(&target).map_err(fail)?;
        if present.is_dir() {
            return Err(fail(is_directory()));
        }
        if !present.is_file() {
            return Err(fail(io::Error::other("it is not a regular file")));
        }
        let mode = present.mode() & 0o7777;
        let is_allowed = rustix::fs::access(&target, rustix::fs::Access::WRITE_OK);
        if mode & 0o222 == 0 || is_allowed.is_err() {
            return Err(fail(io::ErrorKind::PermissionDenied.into()));
        }
        let file = beside(&target, contents, mode & 0o600).map_err(fail)?;
        let owner = Owner {
            user: present.uid(),
            group: present.gid(),
        };
        // Nobody but its owner may lend a file's rights: set-id bits do not move to another's.
        let kept = if give(file.as_file(), owner) {
            mode
        } else {
            mode & 0o777
        };
        // After the owner, which takes set-id bits away; the umask has no say in it.
        let permissions = fs::Permissions::from_mode(kept);
        file.as_file().set_permissions(permissions).map_err(fail)?;
        file.as_file().sync_all().map_err(fail)?;
        Ok(Self { file, target })
    }

    /// Puts them in the place of the old ones.
    pub fn commit(self) -> Result<(), Error> {
        let Self { file, target } = self;
        file.persist(&target)
            .map_err(|error| Error::new("write", &target, error.error))?;
        sync_directory(parent(&target));
        Ok(())
    }
}

/// Makes `link` point to `target`, replacing what link is there in one rename.
///
/// A file or directory that is not a symbolic link is not replaced: it is somebody else's.
pub fn link(target: &Path, link: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(link) {
        Ok(present) if !present.is_symlink() => {
            let source = io::Error::new(io::ErrorKind::AlreadyExists, "something else is there");
            Err(Error::new("make the link", link, source))
        }
        _ => link_over(target, link),
    }
}

/// The same in a directory of ours, where whatever file is there is replaced.
pub fn link_over(target: &Path, link: &Path) -> Result<(), Error> {
    if fs::read_link(link).is_ok_and(|present| present == target) {
        return Ok(());
    }
    let staged = unfinished(link);
    symlink(target, &staged).map_err(|source| Error::new("make the link", link, source))?;
    fs::rename(&staged, link).map_err(|source| {
        drop(fs::remove_file(&staged));
        Error::new("make the link", link, source)
    })
}

/// Moves the directory `staged` to `target`; what was at `target` is removed afterwards.
///
/// Both must be on one file system. Where the kernel or the file system cannot exchange two names
/// (overlayfs), the old directory is moved aside first.
pub fn swap_directory(staged: &Path, target: &Path) -> Result<(), Error> {
    let fail = |source| Error::new("move a new version to", target, source);
    if fs::symlink_metadata(target).is_err() {
        return fs::rename(staged, target).map_err(fail);
    }
    let exchanged = rustix::fs::renameat_with(CWD, staged, CWD, target, RenameFlags::EXCHANGE);
    let old = if exchanged.is_ok() {
        staged.to_owned()
    } else {
        let aside = unfinished(target);
        // A directory of an image's layer cannot be moved at all (EXDEV), but it can be removed.
        fs::rename(target, &aside)
            .or_else(|_| fs::remove_dir_all(target))
            .map_err(fail)?;
        fs::rename(staged, target).map_err(fail)?;
        aside
    };
    // The new version is in place; what is left of the old one the next run clears away.
    drop(remove(&old));
    Ok(())
}

/// Removes a file or a directory with all that is in it; nothing there is no error.
pub fn remove(path: &Path) -> Result<(), Error> {
    let gone = match fs::symlink_metadata(path) {
        Err(error) => Err(error),
        Ok(present) if present.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    match gone {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Error::new("remove", path, source))
        }
        _ => Ok(()),
    }
}

/// What in `directory` is not finished: under way, or left by a killed run.
pub fn unfinished_in(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let is_unfinished = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes())
    };
    entries
        .filter(is_unfinished)
        .map(|entry| entry.path())
        .collect()
}

/// Creates a directory with its parents.
pub fn create_directory(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|source| Error::new("create the directory", path, source))
}

/// A new empty directory in `parent`, whose name says that it is not finished.
pub fn staging_directory(parent: &Path) -> Result<PathBuf, Error> {
    create_directory(parent)?;
    tempfile::Builder::new()
        .prefix(UNFINISHED)
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir_in(parent)
        .map(tempfile::TempDir::keep)
        .map_err(|source| Error::new("create a directory in", parent, source))
}

/// Forces everything written to the file system of `path` to the disk (`syncfs(2)`).
pub fn sync(path: &Path) -> Result<(), Error> {
    let fail = |source| Error::new("sync", path, source);
    let file = File::open(path).map_err(fail)?;
    rustix::fs::syncfs(&file).map_err(|errno| fail(errno.into()))
}

/// Whether this process may create files in `directory`.
pub fn is_writable(directory: &Path) -> bool {
    directory.is_dir() && rustix::fs::access(directory, rustix::fs::Access::WRITE_OK).is_ok()
}

/// Whether this process may write to a file.
pub fn may_write(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

/// An open file, made with this mode where there is none; a link is not followed.
fn open_or_create(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(mode)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
}

fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    parent(path).join(format!("{UNFINISHED}{name}-{}", std::process::id()))
}

fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// A file or directory that could not be read, written, moved or removed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`", path.display())]
pub struct Error {
    /// What was tried, as a verb with its object.
    action: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// Why it failed.
    pub source: io::Error,
}

impl Error {
    /// An error of this `action` on `path`.
    pub fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_replaced_file_has_the_new_contents_and_mode_and_leaves_nothing_beside_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let world = world();
        let path = world.path().join("receipts/aws.json");
        replace(&path, b"old", 0o644).unwrap();
        replace(&path, b"new", 0o600).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_plain_file_is_written_into_and_stays() {
        let world = world();
        let [file, link] = ["file", "link"].map(|name| world.path().join(name));
        write_to(&file, b"first", 0o644).unwrap();
        symlink(&file, &link).unwrap();
        write_to(&link, b"second", 0o644).unwrap();
        assert_eq!(read_text(&file).unwrap(), "second");
        assert!(link.is_symlink());
        let pipe = world.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o644);
        rustix::fs::mknodat(CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let error = write_to(&pipe, b"third", 0o644).unwrap_err();
        assert_eq!(
            rustix::io::Errno::from_io_error(&error.source),
            Some(rustix::io::Errno::NXIO),
            "nobody reads it"
        );
        assert!(write_to(world.path(), b"", 0o644).is_err());
        write_to(Path::new("/dev/null"), b"fourth", 0o644).unwrap();
        assert!(!Path::new("/dev/null").is_file());
    }

    #[test]
    fn a_rewritten_file_keeps_its_mode_and_its_owner() {
        use std::os::unix::fs::{MetadataExt as _, chown};
        let world = world();
        let path = world.path().join("shared");
        replace(&path, b"old", 0o644).unwrap();
        let is_root = rustix::process::geteuid().is_root();
        if is_root {
            chown(&path, Some(1001), Some(1001)).unwrap();
        }
        let before = fs::metadata(&path).unwrap();
        for mode in [0o664, 0o777, 0o600, 0o2775] {
            set_mode(&path, mode).unwrap();
            rewrite(&path, b"new").unwrap();
            let after = fs::metadata(&path).unwrap();
            assert_eq!(after.mode() & 0o7777, mode, "{mode:o}");
            assert_eq!(
                (after.uid(), after.gid()),
                (before.uid(), before.gid()),
                "{mode:o}"
            );
        }
        assert_eq!(read_text(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(world.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_regular_file_is_not_rewritten() {
        let world = world();
        let pipe = world.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o644);
        rustix::fs::mknodat(CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        for path in [&pipe, world.path(), Path::new("/dev/null")] {
            let why = rewrite(path, b"x").unwrap_err().source.to_string();
            assert!(why.starts_with("it is"), "{why}");
        }
        write_out(Path::new("/dev/null"), b"x").unwrap();
        assert!(!Path::new("/dev/null").is_file());
        assert!(write_out(world.path(), b"x").is_err());
        let error = write_out(&pipe, b"x").unwrap_err();
        assert_eq!(
            rustix::io::Errno::from_io_error(&error.source),
            Some(rustix::io::Errno::NXIO),
            "nobody reads it"
        );
    }

    #[test]
    fn contents_that_are_not_put_in_place_are_gone() {
        let world = world();
        let path = world.path().join("file");
        replace(&path, b"old", 0o644).unwrap();
        drop(Rewrite::stage(&path, b"new").unwrap());
        assert_eq!(read_text(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(world.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_is_moved_to_its_new_target() {
        let world = world();
        let path = world.path().join("aws");
        link(Path::new("v1"), &path).unwrap();
        link(Path::new("v2"), &path).unwrap();
        assert_eq!(fs::read_link(&path).unwrap(), Path::new("v2"));
    }

    #[test]
    fn a_link_does_not_replace_somebody_elses_file() {
        let world = world();
        let path = world.path().join("aws");
        replace(&path, b"precious", 0o755).unwrap();
        assert_eq!(
            link(Path::new("v1"), &path).unwrap_err().source.kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    }

    #[test]
    fn a_swapped_directory_takes_the_place_of_the_old_one() {
        let world = world();
        let target = world.path().join("1.0");
        for contents in ["old", "new"] {
            let staged = staging_directory(world.path()).unwrap();
            replace(&staged.join("file"), contents.as_bytes(), 0o644).unwrap();
            swap_directory(&staged, &target).unwrap();
            assert_eq!(read_text(&target.join("file")).unwrap(), contents);
        }
        assert_eq!(fs::read_dir(world.path()).unwrap().count(), 1);
    }

    #[test]
    fn leftovers_of_a_killed_run_are_told_from_what_is_finished() {
        let world = world();
        let staged = staging_directory(world.path()).unwrap();
        create_directory(&world.path().join("1.0")).unwrap();
        assert_eq!(unfinished_in(world.path()), [staged]);
    }

    #[test]
    fn a_directory_below_a_file_cannot_be_made_and_the_error_names_it() {
        let world = world();
        let file = world.path().join("file");
        replace(&file, b"", 0o644).unwrap();
        let error = replace(&file.join("below"), b"", 0o644).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("cannot create the directory `"),
            "{error}"
        );
    }
}
