//! The receipt of an installed tool: every file as it was written, so that each start can tell
//! whether the tool is still whole.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Mutex;

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use serde::{Deserialize, Serialize};

use crate::archive::{Entry, Kind};
use crate::deadline::{Deadline, DeadlinePassed};
use crate::digest::{Algorithm, Digest, Hasher, hex};
use crate::files;
use crate::tools::names::{ProgramName, ToolName};
use crate::tools::version::Version;

/// The version of the format, refused when it is another.
const FORMAT: u32 = 1;

/// Files are checked by this many threads: the work is system calls, which two cores share well.
const THREADS: usize = 2;

/// `receipts/<tool>.json`; it borrows from the text it was read from.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt<'a> {
    /// The version of this format.
    #[serde(rename = "receipt")]
    format: u32,
    /// The tool.
    #[serde(borrow)]
    pub tool: Cow<'a, str>,
    /// The tool's version.
    #[serde(borrow)]
    pub version: Cow<'a, str>,
    /// What it was installed for, such as `linux/amd64`.
    #[serde(borrow)]
    pub platform: Cow<'a, str>,
    /// Where the bytes came from, without credentials.
    #[serde(borrow)]
    pub source: Cow<'a, str>,
    /// The digest of the artifact, or of the package lock.
    #[serde(borrow)]
    pub digest: Cow<'a, str>,
    /// What the catalog or lock said of its layout, as a digest; see [`Header::shape`].
    #[serde(borrow)]
    pub shape: Cow<'a, str>,
    /// Whether what is not needed to run was left out.
    pub slim: bool,
    /// Whether the tree was synced to disk, so that sizes and modes are proof enough for ever.
    pub durable: bool,
    /// The boot id under which the sizes and times were recorded
    /// (`/proc/sys/kernel/random/boot_id`).
    #[serde(borrow)]
    pub boot: Cow<'a, str>,
    /// When it was installed (RFC 3339).
    #[serde(borrow)]
    pub installed: Cow<'a, str>,
    /// The names of the tool in `bin/`.
    #[serde(borrow)]
    pub programs: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    directories: Vec<Directory<'a>>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Directory<'a> {
    #[serde(borrow)]
    path: Cow<'a, str>,
    /// An array each and not a map: there are 50,000 of them to read within milliseconds.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    files: Vec<FileRecord<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    links: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// Name, size in bytes, permission bits, modification time in nanoseconds since the epoch,
/// SHA-256 in hex.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct FileRecord<'a>(
    #[serde(borrow)] Cow<'a, str>,
    u64,
    u32,
    i64,
    #[serde(borrow)] Cow<'a, str>,
);

/// What is the same for all files of a receipt.
#[derive(Clone, Debug)]
pub struct Header<'a> {
    /// The tool.
    pub tool: &'a str,
    /// Its version.
    pub version: &'a str,
    /// What it is for, such as `linux/amd64`.
    pub platform: &'a str,
    /// Where the bytes came from, without credentials.
    pub source: &'a str,
    /// The digest of the artifact, or of the package lock.
    pub digest: &'a str,
    /// A digest of what was said of its layout: the same bytes laid out otherwise are another tree.
    pub shape: &'a str,
    /// Whether what is not needed to run was left out.
    pub slim: bool,
    /// Whether the tree was synced to disk.
    pub durable: bool,
    /// The present boot id.
    pub boot: &'a str,
    /// The present time (RFC 3339).
    pub installed: &'a str,
    /// The names of the tool in `bin/`.
    pub programs: Vec<&'a str>,
}

/// Whether an installed tree is as its receipt says.
#[derive(Debug, PartialEq, Eq)]
pub enum Condition {
    /// It is.
    Whole,
    /// It is, by its digests; sizes or times had changed and the receipt now has the new ones,
    /// so it ought to be written again.
    Refreshed,
    /// It is not: the first difference found.
    Damaged(String),
}

impl<'a> Receipt<'a> {
    /// The receipt of a tree with these entries.
    ///
    /// A durable tree is checked by neither times nor boot, so its receipt bears none: the same
    /// image is then built from the same pins.
    pub fn new(header: Header<'a>, entries: &'a [Entry]) -> Self {
        let mut sorted: Vec<&Entry> = entries.iter().collect();
        sorted
            .sort_unstable_by_key(|entry| entry.path.rsplit_once('/').unwrap_or(("", &entry.path)));
        let mut directories: Vec<Directory<'a>> = Vec::new();
        for entry in sorted {
            let (path, name) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
            if directories.last().is_none_or(|last| last.path != path) {
                directories.push(Directory {
                    path: path.into(),
                    files: Vec::new(),
                    links: Vec::new(),
                });
            }
            let Some(directory) = directories.last_mut() else {
                continue;
            };
            match &entry.kind {
                Kind::File {
                    size,
                    mode,
                    modified,
                    sha256,
                } => {
                    let sha256 = hex(sha256).into();
                    let modified = if header.durable { 0 } else { *modified };
                    directory
                        .files
                        .push(FileRecord(name.into(), *size, *mode, modified, sha256));
                }
                Kind::Symlink { target } => directory.links.push((name.into(), target.into())),
            }
        }
        Self {
            format: FORMAT,
            tool: header.tool.into(),
            version: header.version.into(),
            platform: header.platform.into(),
            source: header.source.into(),
            digest: header.digest.into(),
            shape: header.shape.into(),
            slim: header.slim,
            durable: header.durable,
            boot: if header.durable { "" } else { header.boot }.into(),
            installed: header.installed.into(),
            programs: header.programs.into_iter().map(Cow::Borrowed).collect(),
            directories,
        }
    }

    /// Reads a receipt; none when it is damaged or of another format, as if there were none.
    ///
    /// Its names become paths, so they are checked as those of a lock are.
    pub fn parse(text: &'a str) -> Option<Self> {
        let receipt: Self = serde_json::from_str(text).ok()?;
        let is_plain = receipt.format == FORMAT
            && receipt.tool.parse::<ToolName>().is_ok()
            && receipt.version.parse::<Version>().is_ok()
            && receipt
                .programs
                .iter()
                .all(|name| name.parse::<ProgramName>().is_ok());
        is_plain.then_some(receipt)
    }

    /// The text of the receipt that is to be written to `path`.
    pub fn text(&self, path: &Path) -> Result<Vec<u8>, files::Error> {
        serde_json::to_vec(self).map_err(|error| files::Error::new("write", path, error.into()))
    }

    /// Writes the receipt, whole and synced.
    pub fn write(&self, path: &Path) -> Result<(), files::Error> {
        files::replace(path, &self.text(path)?, 0o644)
    }

    /// Compares the tree with the receipt.
    ///
    /// Under the boot id of the receipt, a file with the size, mode and time that were recorded
    /// is as it was; one with another mode or time is hashed. Under another boot id every file is
    /// hashed, since a power loss may have cost contents that were never synced. A durable tree
    /// is compared by size and mode alone: image builders clamp times.
    pub fn check(
        &mut self,
        tree: &Path,
        boot: &str,
        deadline: Deadline,
    ) -> Result<Condition, DeadlinePassed> {
        let trust = match (self.durable, self.boot == boot) {
            (true, _) => Trust::SizeAndMode,
            (false, true) => Trust::SizeModeAndTime,
            (false, false) => Trust::Digest,
        };
        self.compare(tree, trust, boot, deadline)
    }

    /// Compares the tree with the receipt, every file by its digest.
    pub fn check_by_digest(
        &mut self,
        tree: &Path,
        boot: &str,
        deadline: Deadline,
    ) -> Result<Condition, DeadlinePassed> {
        self.compare(tree, Trust::Digest, boot, deadline)
    }

    fn compare(
        &mut self,
        tree: &Path,
        trust: Trust,
        boot: &str,
        deadline: Deadline,
    ) -> Result<Condition, DeadlinePassed> {
        let root = match open_directory(CWD, tree) {
            Ok(root) => root,
            Err(error) => return Ok(Condition::Damaged(format!("`{}`: {error}", tree.display()))),
        };
        // Shares are handed out in small portions: directories differ in size.
        let portions = Mutex::new(self.directories.chunks_mut(16));
        let worker = || -> Result<bool, Stop> {
            let mut refreshed = false;
            loop {
                let portion = portions
                    .lock()
                    .ok()
                    .and_then(|mut portions| portions.next());
                let Some(portion) = portion else {
                    return Ok(refreshed);
                };
                deadline.check().map_err(Stop::Deadline)?;
                for directory in portion {
                    refreshed |= directory.check(&root, trust, deadline)?;
                }
            }
        };
        let results = std::thread::scope(|scope| {
            let others: Vec<_> = (1..THREADS).map(|_| scope.spawn(worker)).collect();
            let mut results = vec![worker()];
            let panicked = || Err(Stop::Damaged("the check itself failed".to_owned()));
            results.extend(
                others
                    .into_iter()
                    .map(|other| other.join().unwrap_or_else(|_| panicked())),
            );
            results
        });
        let mut refreshed = trust == Trust::Digest;
        for result in results {
            match result {
                Ok(some) => refreshed |= some,
                Err(Stop::Deadline(passed)) => return Err(passed),
                Err(Stop::Damaged(damage)) => return Ok(Condition::Damaged(damage)),
            }
        }
        if !refreshed {
            return Ok(Condition::Whole);
        }
        self.boot = boot.to_owned().into();
        Ok(Condition::Refreshed)
    }

    /// The number of files and links.
    pub fn len(&self) -> usize {
        self.directories
            .iter()
            .map(|directory| directory.files.len() + directory.links.len())
            .sum()
    }

    /// Whether the tree has no files at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What counts as proof that a file is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    SizeAndMode,
    SizeModeAndTime,
    Digest,
}

/// Why a check ended early.
#[derive(Debug)]
enum Stop {
    Damaged(String),
    Deadline(DeadlinePassed),
}

impl Directory<'_> {
    /// Checks the files and links of one directory; true when a record was brought up to date.
    fn check(&mut self, root: &OwnedFd, trust: Trust, deadline: Deadline) -> Result<bool, Stop> {
        let damaged = |name: &str, what: &str| {
            let slash = if self.path.is_empty() { "" } else { "/" };
            Stop::Damaged(format!("`{}{slash}{name}` {what}", self.path))
        };
        let missing = |name: &str, error: rustix::io::Errno| {
            damaged(name, &format!("cannot be read: {error}"))
        };
        // Names are looked up in an open directory: a short path costs half of what a long one does.
        let opened;
        let directory = if self.path.is_empty() {
            root
        } else {
            opened = open_directory(root, Path::new(self.path.as_ref()))
                .map_err(|error| missing("", error))?;
            &opened
        };
        for (name, target) in &self.links {
            let present = rustix::fs::readlinkat(directory, name.as_ref(), Vec::new());
            match present {
                Ok(present) if present.as_bytes() == target.as_bytes() => {}
                Ok(_) => return Err(damaged(name, "points elsewhere")),
                Err(error) => return Err(missing(name, error)),
            }
        }
        let mut refreshed = false;
        for FileRecord(name, size, mode, modified, sha256) in &mut self.files {
            let stat = rustix::fs::statat(directory, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| missing(name, error))?;
            let present_mode = stat.st_mode & 0o7777;
            let present_modified = nanoseconds(stat.st_mtime, stat.st_mtime_nsec);
            if rustix::fs::FileType::from_raw_mode(stat.st_mode)
                != rustix::fs::FileType::RegularFile
            {
                return Err(damaged(name, "is not a file any more"));
            }
            if u64::try_from(stat.st_size) != Ok(*size) {
                return Err(damaged(name, "has another size"));
            }
            // Image builders widen permissions (`chmod -R 775`); what must not happen is that the
            // owner loses one, or that a set-user-ID bit appears.
            if *mode & 0o500 & !present_mode != 0 || present_mode & 0o7000 != 0 {
                return Err(damaged(name, "has another mode"));
            }
            let as_recorded = match trust {
                Trust::SizeAndMode => true,
                Trust::SizeModeAndTime => present_mode == *mode && present_modified == *modified,
                Trust::Digest => false,
            };
            if as_recorded {
                continue;
            }
            deadline.check().map_err(Stop::Deadline)?;
            let hashed = digest_at(directory, name)
                .map_err(|error| damaged(name, &format!("cannot be read: {error}")))?;
            if hashed.hex() != *sha256 {
                return Err(damaged(name, "has other contents"));
            }
            (*mode, *modified, refreshed) = (present_mode, present_modified, true);
        }
        Ok(refreshed)
    }
}

fn open_directory(at: impl std::os::fd::AsFd, path: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(at, path, flags, Mode::empty())
}

fn digest_at(directory: &OwnedFd, name: &str) -> io::Result<Digest> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(directory, name, flags, Mode::empty())?);
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.read_all(file)?;
    Ok(hasher.finish())
}

fn nanoseconds(seconds: i64, nanoseconds: impl TryInto<i64>) -> i64 {
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(nanoseconds.try_into().unwrap_or_default())
}

/// The id of the present boot; empty where the kernel does not say (gVisor), which then is the
/// same for every start.
pub fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
    use std::time::{Duration, Instant};

    use super::*;

    /// A tree with two files and a link, and the entries that describe it.
    fn world() -> (tempfile::TempDir, Vec<Entry>) {
        let world = tempfile::tempdir().unwrap();
        let mut entries = Vec::new();
        for (path, contents, mode) in [("bin/aws", "program", 0o755), ("README", "text", 0o644)] {
            let file = world.path().join(path);
            files::replace(&file, contents.as_bytes(), mode).unwrap();
            let meta = fs::metadata(&file).unwrap();
            let mut hasher = Hasher::new(Algorithm::Sha256);
            hasher.update(contents.as_bytes());
            let sha256 = crate::digest::unhex(&hasher.finish().hex())
                .unwrap()
                .try_into()
                .unwrap();
            let modified = meta.mtime() * 1_000_000_000 + meta.mtime_nsec();
            let kind = Kind::File {
                size: meta.size(),
                mode,
                modified,
                sha256,
            };
            entries.push(Entry {
                path: path.into(),
                kind,
            });
        }
        symlink("aws", world.path().join("bin/a")).unwrap();
        entries.push(Entry {
            path: "bin/a".into(),
            kind: Kind::Symlink {
                target: "aws".into(),
            },
        });
        (world, entries)
    }

    fn receipt(entries: &[Entry], durable: bool) -> Receipt<'_> {
        let header = Header {
            tool: "aws-cli",
            version: "2.0.0",
            platform: "linux/amd64",
            source: "file:///aws.zip",
            digest: "sha256:00",
            shape: "sha256:00",
            slim: false,
            durable,
            boot: "this boot",
            installed: "2026-01-01T00:00:00Z",
            programs: vec!["aws"],
        };
        Receipt::new(header, entries)
    }

    /// The condition after `change`, under `boot`, through the written form.
    fn check(durable: bool, boot: &str, change: impl FnOnce(&Path)) -> Condition {
        let (world, entries) = world();
        let text = serde_json::to_string(&receipt(&entries, durable)).unwrap();
        let mut receipt = Receipt::parse(&text).unwrap();
        assert_eq!(receipt.len(), 3);
        change(world.path());
        let soon = Deadline::after(Instant::now(), Duration::from_mins(1));
        let condition = receipt.check(world.path(), boot, soon).unwrap();
        if condition == Condition::Refreshed {
            assert_eq!(
                receipt.check(world.path(), boot, soon).unwrap(),
                Condition::Whole
            );
        }
        condition
    }

    fn damaged(what: &str) -> Condition {
        Condition::Damaged(what.to_owned())
    }

    /// Other contents of the same length and the same modification time.
    fn alter_unseen(root: &Path) {
        let path = root.join("README");
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        fs::OpenOptions::new()
            .write(true)
            .open(&path)
            .map(|mut file| io::Write::write_all(&mut file, b"TEXT"))
            .unwrap()
            .unwrap();
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(modified)
            .unwrap();
    }

    #[test]
    fn an_untouched_tree_is_whole() {
        assert_eq!(check(false, "this boot", |_| ()), Condition::Whole);
    }

    #[test]
    fn a_missing_file_is_named() {
        let change = |root: &Path| fs::remove_file(root.join("bin/aws")).unwrap();
        let expected = "`bin/aws` cannot be read: No such file or directory (os error 2)";
        assert_eq!(check(false, "this boot", change), damaged(expected));
    }

    #[test]
    fn a_missing_tree_is_damage() {
        let change = |root: &Path| fs::remove_dir_all(root).unwrap();
        assert!(matches!(
            check(false, "this boot", change),
            Condition::Damaged(_)
        ));
    }

    #[test]
    fn a_file_of_another_size_is_damage() {
        let change =
            |root: &Path| files::replace(&root.join("README"), b"longer text", 0o644).unwrap();
        assert_eq!(
            check(false, "this boot", change),
            damaged("`README` has another size")
        );
        let change =
            |root: &Path| files::replace(&root.join("README"), b"longer text", 0o644).unwrap();
        assert_eq!(
            check(true, "this boot", change),
            damaged("`README` has another size")
        );
    }

    #[test]
    fn a_file_with_other_contents_and_another_time_is_damage() {
        let change = |root: &Path| files::replace(&root.join("README"), b"TEXT", 0o644).unwrap();
        assert_eq!(
            check(false, "this boot", change),
            damaged("`README` has other contents")
        );
    }

    #[test]
    fn a_program_that_cannot_be_run_any_more_is_damage() {
        let change = |root: &Path| {
            fs::set_permissions(root.join("bin/aws"), fs::Permissions::from_mode(0o644)).unwrap();
        };
        assert_eq!(
            check(true, "this boot", change),
            damaged("`bin/aws` has another mode")
        );
    }

    #[test]
    fn wider_permissions_are_taken_over_after_the_contents_were_hashed() {
        let change = |root: &Path| {
            fs::set_permissions(root.join("bin/aws"), fs::Permissions::from_mode(0o775)).unwrap();
        };
        assert_eq!(check(false, "this boot", change), Condition::Refreshed);
    }

    #[test]
    fn a_link_that_points_elsewhere_is_damage() {
        let change = |root: &Path| {
            fs::remove_file(root.join("bin/a")).unwrap();
            symlink("/bin/sh", root.join("bin/a")).unwrap();
        };
        assert_eq!(
            check(false, "this boot", change),
            damaged("`bin/a` points elsewhere")
        );
    }

    #[test]
    fn a_file_that_became_a_link_is_damage() {
        let change = |root: &Path| {
            fs::rename(root.join("README"), root.join("moved")).unwrap();
            symlink("moved", root.join("README")).unwrap();
        };
        assert_eq!(
            check(false, "this boot", change),
            damaged("`README` is not a file any more")
        );
    }

    #[test]
    fn after_a_reboot_every_file_is_hashed() {
        assert_eq!(check(false, "another boot", |_| ()), Condition::Refreshed);
        assert_eq!(
            check(false, "another boot", alter_unseen),
            damaged("`README` has other contents")
        );
    }

    #[test]
    fn a_durable_tree_is_trusted_after_a_reboot_and_with_clamped_times() {
        let clamp = |root: &Path| {
            let file = File::options()
                .write(true)
                .open(root.join("README"))
                .unwrap();
            file.set_modified(std::time::UNIX_EPOCH).unwrap();
        };
        assert_eq!(check(true, "another boot", clamp), Condition::Whole);
    }

    #[test]
    fn a_damaged_receipt_counts_as_none() {
        let (_world, entries) = world();
        let text = serde_json::to_string(&receipt(&entries, false)).unwrap();
        assert!(Receipt::parse(&text.replace("\"receipt\":1", "\"receipt\":2")).is_none());
        assert!(Receipt::parse(text.get(..text.len() / 2).unwrap()).is_none());
    }

    #[test]
    fn a_receipt_whose_names_lead_elsewhere_counts_as_none() {
        let (_world, entries) = world();
        let good = receipt(&entries, false);
        let parses = |receipt: &Receipt<'_>| {
            Receipt::parse(&serde_json::to_string(receipt).unwrap()).is_some()
        };
        assert!(parses(&good));
        for name in ["../../precious", "/etc/passwd", "..", ""] {
            let (tool, version, program) = (good.clone(), good.clone(), good.clone());
            let name = Cow::from(name);
            let tool = Receipt {
                tool: name.clone(),
                ..tool
            };
            let version = Receipt {
                version: name.clone(),
                ..version
            };
            let program = Receipt {
                programs: vec!["aws".into(), name],
                ..program
            };
            assert!(!parses(&tool) && !parses(&version) && !parses(&program));
        }
    }
}
