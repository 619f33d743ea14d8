//! Taking tools out: links first, so that nothing on PATH ever points into a half-removed tree.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::names::ToolName;
use super::prefix::Prefix;
use super::receipt::Receipt;
use super::suggest::{self, list};
use crate::deadline::Deadline;
use crate::fault::Fault;
use crate::files::{self, Lock, LockError};

/// What is taken out, and from where.
#[derive(Debug)]
pub struct Uninstall<'a> {
    /// The prefix.
    pub prefix: &'a Prefix,
    /// A directory with links beside those that the prefix knows of.
    pub bin_dir: Option<&'a Path>,
    /// The names of tools that are none of the prefix and no mistake.
    pub known: &'a [ToolName],
    /// Who we are, for those who wait for the lock.
    pub holder: &'a str,
    /// How long the lock is waited for.
    pub deadline: Deadline,
}

impl Uninstall<'_> {
    /// Takes these tools out, and what is not in use when asked to; returns a line for each.
    /// `waiting` is told whom the lock is waited for.
    pub fn run(
        &self,
        tools: &[ToolName],
        prune: bool,
        waiting: impl FnOnce(&str),
    ) -> Result<Vec<String>, Error> {
        for tool in tools {
            self.check_name(tool)?;
        }
        if !self.prefix.path().exists() {
            let mut lines = self.sweep()?;
            if lines.is_empty() {
                lines.push(format!(
                    "`{}` is not there: there is nothing to do",
                    self.prefix.path().display()
                ));
            }
            return Ok(lines);
        }
        let _lock = Lock::take(&self.prefix.lock(), self.holder, self.deadline, waiting)
            .map_err(Error::Lock)?;
        let mut lines = Vec::new();
        for tool in tools {
            lines.push(self.remove(tool.as_str())?);
        }
        lines.extend(self.sweep()?);
        if prune {
            lines.extend(self.prune()?);
        }
        if lines.is_empty() {
            lines.push("there is nothing to prune".to_owned());
        }
        Ok(lines)
    }

    /// Refuses a name that nobody has heard of.
    fn check_name(&self, tool: &ToolName) -> Result<(), Error> {
        let is_there =
            self.prefix.receipt(tool.as_str()).exists() || self.prefix.tool(tool.as_str()).exists();
        if is_there || self.known.contains(tool) {
            return Ok(());
        }
        Err(Error::Unknown {
            near: suggest::names(tool, self.known.iter()),
            tool: tool.clone(),
        })
    }

    /// The directories elsewhere that may have links to here.
    fn directories(&self) -> Result<Vec<PathBuf>, Error> {
        let mut all = self.prefix.bin_dirs().map_err(Error::File)?;
        all.extend(self.bin_dir.map(Path::to_owned));
        all.sort();
        all.dedup();
        Ok(all)
    }

    /// Takes out links from elsewhere to what is not in `bin/` any more.
    fn sweep(&self) -> Result<Vec<String>, Error> {
        let mut lines = Vec::new();
        for link in self
            .directories()?
            .iter()
            .flat_map(|directory| entries(directory))
        {
            let is_gone = |error: std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
            if self.prefix.is_ours(&link) && fs::metadata(&link).is_err_and(is_gone) {
                files::remove(&link).map_err(Error::File)?;
                lines.push(format!("`{}` removed", link.display()));
            }
        }
        Ok(lines)
    }

    fn remove(&self, tool: &str) -> Result<String, Error> {
        let path = self.prefix.receipt(tool);
        let text = files::read_own(&path).unwrap_or_default();
        let receipt = Receipt::parse(&text);
        let tree = self.prefix.tool(tool);
        if receipt.is_none() && !tree.exists() {
            return Ok(format!("{tool} is not installed"));
        }
        // What stands in `bin/` is looked at, and not what a receipt says of it: that may be damaged,
        // or another tool may have taken a name over.
        for program in entries(&self.prefix.bin()) {
            let name = program.file_name().and_then(OsStr::to_str);
            let Some(name) = name.filter(|name| self.prefix.is_program_of(name, tool)) else {
                continue;
            };
            for directory in self.directories()? {
                let link = directory.join(name);
                if self.prefix.is_ours(&link) {
                    files::remove(&link).map_err(Error::File)?;
                }
            }
            files::remove(&program).map_err(Error::File)?;
        }
        files::remove(&path).map_err(Error::File)?;
        files::remove(&tree).map_err(Error::File)?;
        let version = receipt
            .map(|receipt| format!(" {}", receipt.version))
            .unwrap_or_default();
        Ok(format!("{tool}{version} removed"))
    }

    /// Drops versions that no receipt speaks of, leftovers of killed runs, and the prefix's own
    /// cache; a shared cache belongs to others too.
    fn prune(&self) -> Result<Vec<String>, Error> {
        let mut lines = Vec::new();
        for tool in entries(&self.prefix.tools()) {
            let Some(name) = tool.file_name().and_then(OsStr::to_str) else {
                continue;
            };
            let path = self.prefix.receipt(name);
            let text = files::read_own(&path).unwrap_or_default();
            let used = Receipt::parse(&text).map(|receipt| tool.join(receipt.version.as_ref()));
            if used.is_none() && path.exists() {
                // Of another format, or damaged: the version that is linked may well be whole.
                lines.push(format!(
                    "`{}` left alone: its receipt cannot be read",
                    tool.display()
                ));
                continue;
            }
            for tree in entries(&tool) {
                if used.as_ref() != Some(&tree) {
                    files::remove(&tree).map_err(Error::File)?;
                    lines.push(format!("`{}` removed", tree.display()));
                }
            }
        }
        let cache = self.prefix.cache();
        if cache.exists() {
            files::remove(&cache).map_err(Error::File)?;
            lines.push(format!("`{}` removed", cache.display()));
        }
        Ok(lines)
    }
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// A tool could not be taken out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody has heard of it.
    #[error("no tool is called {tool}")]
    Unknown {
        /// What was asked for.
        tool: ToolName,
        /// Names like it, the likest first.
        near: Vec<ToolName>,
    },
    /// A file could not be removed.
    #[error(transparent)]
    File(files::Error),
    /// The prefix is held by another process.
    #[error(transparent)]
    Lock(LockError),
}

impl Error {
    /// The next step.
    pub fn hint(&self) -> Option<String> {
        use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        let error = match self {
            Self::Unknown { near, .. } if near.is_empty() => return None,
            Self::Unknown { near, .. } => {
                return Some(format!("did you mean {}?", list(near, "or")));
            }
            Self::Lock(LockError::Held { .. }) => {
                let hint = "another run is at work in the same prefix: try again when it has ended";
                return Some(hint.to_owned());
            }
            Self::File(error) | Self::Lock(LockError::File(error)) => error,
        };
        let hint = "run it as the user that installed, or set --prefix (BOOTSTRAP_PREFIX)";
        matches!(error.source.kind(), PermissionDenied | ReadOnlyFilesystem)
            .then(|| hint.to_owned())
    }

    /// The side that the failure is on.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Unknown { .. } => Fault::Usage,
            Self::Lock(LockError::Held { .. }) => Fault::Remote,
            Self::File(_) | Self::Lock(LockError::File(_)) => Fault::Local,
        }
    }
}
