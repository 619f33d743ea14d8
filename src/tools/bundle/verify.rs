//! Whether a bundle is whole: every file hashed again, and none that is missing or too many.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;

use super::create::HEADER;
use super::read::open_tar;
use super::{Bundle, DIRECTORIES, Form, LOCK, ReadError};
use crate::archive::{self, MemberKind, Piece};
use crate::cache::{Checked, Verified};
use crate::deadline::Deadline;
use crate::digest::{Digest, Hasher};
use crate::files;
use crate::tools::catalog::Catalog;
use crate::tools::names::ToolName;
use crate::tools::resolve::Pins;
use crate::tools::wanted::Wanted;

/// What `fsck` leaves at the root of a file system, which may be the volume of a bundle.
const OF_THE_FILE_SYSTEM: &str = "lost+found";

/// What was found.
#[derive(Debug)]
pub struct Verdict {
    /// The files that are as they should be, the lock not counted.
    pub whole: usize,
    /// Their bytes.
    pub bytes: u64,
    /// What is not as it should be, by path.
    pub findings: Vec<Finding>,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The path in the bundle.
    pub path: String,
    /// What is wrong with it.
    pub problem: Problem,
    /// More about that, where there is more to say.
    pub detail: Option<String>,
    /// What it is, as `tool version for platform`; empty for what is too many.
    pub of: Vec<String>,
}

/// What can be wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Problem {
    /// It has other bytes than its name says.
    Altered,
    /// The lock does not name it.
    Extra,
    /// The lock does not pin what its tools need.
    Incomplete,
    /// It is not there.
    Missing,
}

impl Problem {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Altered => "altered",
            Self::Extra => "extra",
            Self::Incomplete => "incomplete",
            Self::Missing => "missing",
        }
    }
}

/// A file that should be there.
struct Expected {
    digest: Digest,
    size: Option<u64>,
    of: Vec<String>,
}

/// The search.
struct Search {
    expected: BTreeMap<String, Expected>,
    verdict: Verdict,
}

impl Bundle {
    /// Hashes all of it, and looks whether it has all that its tools need.
    pub fn verify(&self, catalog: &Catalog, deadline: Deadline) -> Result<Verdict, ReadError> {
        let mut search = Search::new(self);
        for detail in self.lacks(catalog) {
            search.verdict.findings.push(Finding {
                path: LOCK.to_owned(),
                problem: Problem::Incomplete,
                detail: Some(detail),
                of: Vec::new(),
            });
        }
        match self.form() {
            Form::Directory => search.directory(self.path())?,
            Form::Tar => search.tar(self.path(), deadline)?,
        }
        let mut verdict = search.verdict;
        verdict
            .findings
            .sort_by(|one, other| one.path.cmp(&other.path));
        Ok(verdict)
    }

    /// Whether this directory or tar is a bundle and has nothing else, whatever state its files are in.
    pub(super) fn is_all_of_its_place(&self) -> bool {
        let mut search = Search::new(self);
        let looked = match self.form() {
            Form::Directory => {
                let expected = std::mem::take(&mut search.expected);
                search.extras(self.path(), &expected)
            }
            Form::Tar => search.tar(self.path(), Deadline::never()),
        };
        let mut findings = search.verdict.findings.iter();
        self.text().starts_with(HEADER)
            && looked.is_ok()
            && !findings.any(|finding| finding.problem == Problem::Extra)
    }

    /// What the tools of the lock need and it does not pin.
    fn lacks(&self, catalog: &Catalog) -> BTreeSet<String> {
        let lock = self.lockfile();
        let mut lacks = BTreeSet::new();
        for (tool, locked) in &lock.tools {
            let pins = locked.source.platforms().into_iter().map(|platform| Pins {
                catalog,
                lock: Some(lock),
                locked: true,
                platform,
            });
            let pins: Vec<Pins<'_>> = pins.collect();
            let releases = pins
                .iter()
                .map(|pins| pins.resolve(&Wanted::any(tool.clone())));
            let needs: BTreeSet<ToolName> = releases
                .flatten()
                .flat_map(|release| release.needs)
                .map(|need| need.tool)
                .collect();
            // What fits every platform comes with what it needs on those that were asked for alone.
            for need in needs {
                let mut found = pins
                    .iter()
                    .map(|pins| pins.resolve(&Wanted::any(need.clone())));
                if !found.any(|found| found.is_ok()) {
                    lacks.insert(format!("it does not pin {need}, which {tool} needs"));
                }
            }
        }
        if lock.tools.is_empty() {
            lacks.insert("it pins nothing".to_owned());
        }
        lacks
    }
}

impl Search {
    fn new(bundle: &Bundle) -> Self {
        let mut expected = BTreeMap::new();
        for row in bundle.list() {
            let artifact = row.artifact;
            let known = expected.entry(artifact.digest.path()).or_insert(Expected {
                digest: artifact.digest,
                size: None,
                of: Vec::new(),
            });
            known.size = known.size.or(artifact.size);
            known
                .of
                .push(format!("{} {} for {}", row.tool, row.version, row.target));
        }
        Self {
            expected,
            verdict: Verdict {
                whole: 0,
                bytes: 0,
                findings: Vec::new(),
            },
        }
    }

    fn directory(&mut self, root: &Path) -> Result<(), ReadError> {
        let expected = std::mem::take(&mut self.expected);
        for (path, file) in &expected {
            if leads_out(root, path) {
                self.found(path, Problem::Altered, Some(LEADS_OUT.to_owned()), file);
            } else {
                self.check(root, path, file);
            }
        }
        if leads_out(root, LOCK) {
            self.verdict.findings.push(Finding {
                path: LOCK.to_owned(),
                problem: Problem::Altered,
                detail: Some(LEADS_OUT.to_owned()),
                of: Vec::new(),
            });
        }
        self.extras(root, &expected)
    }

    /// Looks for what the lock does not name.
    fn extras(
        &mut self,
        root: &Path,
        expected: &BTreeMap<String, Expected>,
    ) -> Result<(), ReadError> {
        for name in names_in(root)? {
            let path = root.join(&name);
            // What others may not read there is root's own.
            let is_of_the_file_system = name == OF_THE_FILE_SYSTEM
                && names_in(&path).map_or(true, |names| names.is_empty());
            if name == LOCK || is_of_the_file_system {
                continue;
            }
            if !DIRECTORIES.contains(&name.as_str()) || !path.is_dir() {
                self.extra(name);
                continue;
            }
            for inner in names_in(&path)? {
                let path = format!("{name}/{inner}");
                if !expected.contains_key(&path) {
                    self.extra(path);
                }
            }
        }
        Ok(())
    }

    fn check(&mut self, root: &Path, path: &str, file: &Expected) {
        let most = file.size.unwrap_or(u64::MAX);
        match Verified::check(&root.join(path), &file.digest, most) {
            Ok(Checked::Whole(found)) => self.judge(path, file, found.len(), None),
            Ok(Checked::Other(digest)) => self.judge(path, file, most, Some(&digest)),
            Ok(Checked::TooLarge) => {
                let detail = format!("it has more than {most} bytes");
                self.found(path, Problem::Altered, Some(detail), file);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.found(path, Problem::Missing, None, file);
            }
            Err(error) => {
                let detail = format!("it cannot be read: {error}");
                self.found(path, Problem::Altered, Some(detail), file);
            }
        }
    }

    /// What to think of a file of this length, with this digest where it is another one.
    fn judge(&mut self, path: &str, file: &Expected, length: u64, other: Option<&Digest>) {
        let stated = file.size.filter(|size| *size != length);
        match (other, stated) {
            (Some(digest), _) => {
                let detail = format!("it has the digest {digest}");
                self.found(path, Problem::Altered, Some(detail), file);
            }
            (None, Some(size)) => {
                let detail = format!("it has {length} bytes, and the lock says {size}");
                self.found(path, Problem::Altered, Some(detail), file);
            }
            (None, None) => {
                self.verdict.whole += 1;
                self.verdict.bytes += length;
            }
        }
    }

    fn tar(&mut self, path: &Path, deadline: Deadline) -> Result<(), ReadError> {
        let file = open_tar(path)?;
        let mut under_way: Option<(String, Hasher, u64)> = None;
        let mut seen = BTreeSet::new();
        let read = archive::read_tar(path, &file, deadline, &mut |piece| match piece {
            Piece::Member { name, kind, .. } => {
                if let Some(done) = under_way.take() {
                    self.done(done);
                }
                let is_again = !seen.insert(name.to_owned());
                match self.expected.get(name) {
                    Some(file) if kind == MemberKind::File && !is_again => {
                        let hasher = Hasher::new(file.digest.algorithm());
                        under_way = Some((name.to_owned(), hasher, 0));
                    }
                    _ if is_plain(name, kind) && !is_again => {}
                    _ => self.extra(name.to_owned()),
                }
            }
            Piece::Bytes(bytes) => {
                if let Some((_, hasher, length)) = &mut under_way {
                    hasher.update(bytes);
                    *length += bytes.len() as u64;
                }
            }
        });
        match read {
            Ok(()) => {
                if let Some(done) = under_way.take() {
                    self.done(done);
                }
            }
            Err(archive::Error::Refused { fault, .. }) => {
                // What it broke off in is missing, like all that would come after.
                if let Some((name, hasher, length)) = under_way.take() {
                    if self.is_whole(&name, &hasher) {
                        self.done((name, hasher, length));
                    } else {
                        seen.remove(&name);
                    }
                }
                let name = path.file_name().unwrap_or(path.as_os_str());
                self.verdict.findings.push(Finding {
                    path: name.to_string_lossy().into_owned(),
                    problem: Problem::Altered,
                    detail: Some(fault.to_string()),
                    of: Vec::new(),
                });
            }
            Err(source) => return Err(ReadError::of_tar(path, source)),
        }
        let expected = std::mem::take(&mut self.expected);
        for (path, file) in &expected {
            if !seen.contains(path) {
                self.found(path, Problem::Missing, None, file);
            }
        }
        Ok(())
    }

    fn is_whole(&self, path: &str, hasher: &Hasher) -> bool {
        let file = self.expected.get(path);
        file.is_some_and(|file| hasher.clone().finish() == file.digest)
    }

    /// A file of a tar has been read.
    fn done(&mut self, (path, hasher, length): (String, Hasher, u64)) {
        let Some(file) = self.expected.remove(&path) else {
            return;
        };
        let digest = hasher.finish();
        let other = Some(&digest).filter(|digest| **digest != file.digest);
        self.judge(&path, &file, length, other);
    }

    fn found(&mut self, path: &str, problem: Problem, detail: Option<String>, file: &Expected) {
        self.verdict.findings.push(Finding {
            path: path.to_owned(),
            problem,
            detail,
            of: file.of.clone(),
        });
    }

    fn extra(&mut self, path: String) {
        self.verdict.findings.push(Finding {
            path,
            problem: Problem::Extra,
            detail: None,
            of: Vec::new(),
        });
    }
}

/// What a link is that would stay behind when its bundle is carried away.
const LEADS_OUT: &str = "it is a link to a file outside the bundle";

/// Whether a path leads out of the directory by a symbolic link.
fn leads_out(root: &Path, path: &str) -> bool {
    let real = |path: &Path| fs::canonicalize(path).ok();
    let ends = real(root).zip(real(&root.join(path)));
    ends.is_some_and(|(root, end)| !end.starts_with(root))
}

/// Whether a member of a tar needs no pin: the lock, and the directories.
fn is_plain(name: &str, kind: MemberKind) -> bool {
    match kind {
        MemberKind::File => name == LOCK,
        MemberKind::Directory => name.is_empty() || name == "." || DIRECTORIES.contains(&name),
        MemberKind::Link => false,
    }
}

fn names_in(directory: &Path) -> Result<Vec<String>, ReadError> {
    let unreadable =
        |source| ReadError::Unreadable(files::Error::new("read the directory", directory, source));
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        names.push(name.to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
