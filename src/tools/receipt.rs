//! The receipt of an installed tool: every file as it was written, so that each start can tell
//! whether the tool is still whole; `check` does so.

mod check;

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use check::Condition;

use crate::archive::{Entry, Kind};
use crate::digest::hex;
use crate::files;
use crate::tools::names::{ProgramName, ToolName};
use crate::tools::version::Version;

/// The version of the format, refused when it is another.
const FORMAT: u32 = 1;

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
mod tests;
