//! Taking tools out: links first, so that nothing on PATH ever points into a half-removed tree.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::names::ToolName;
use super::prefix::Prefix;
use super::receipt::Receipt;
use crate::deadline::Deadline;
use crate::fault::Fault;
use crate::files::{self, Lock, LockError};

/// What is taken out, and from where.
#[derive(Debug)]
pub struct Uninstall<'a> {
    /// The prefix.
    pub prefix: &'a Prefix,
    /// The second directory for links.
    pub bin_dir: Option<&'a Path>,
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
        if !self.prefix.path().exists() {
            return Ok(vec![format!(
                "`{}` is not there: there is nothing to do",
                self.prefix.path().display()
            )]);
        }
        let _lock = Lock::take(&self.prefix.lock(), self.holder, self.deadline, waiting)
            .map_err(Error::Lock)?;
        let mut lines = Vec::new();
        for tool in tools {
            lines.push(self.remove(tool.as_str())?);
        }
        if prune {
            lines.extend(self.prune()?);
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
            if let Some(link) = self.bin_dir.map(|directory| directory.join(name))
                && fs::read_link(&link).is_ok_and(|target| target.starts_with(self.prefix.path()))
            {
                files::remove(&link).map_err(Error::File)?;
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
        if lines.is_empty() {
            lines.push("there is nothing to prune".to_owned());
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
    /// A file could not be removed.
    #[error(transparent)]
    File(files::Error),
    /// The prefix is held by another process.
    #[error(transparent)]
    Lock(LockError),
}

impl Error {
    /// The next step.
    pub fn hint(&self) -> Option<&'static str> {
        use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        let error = match self {
            Self::Lock(LockError::Held { .. }) => {
                return Some(
                    "another run is at work in the same prefix: try again when it has ended",
                );
            }
            Self::File(error) | Self::Lock(LockError::File(error)) => error,
        };
        matches!(error.source.kind(), PermissionDenied | ReadOnlyFilesystem)
            .then_some("run it as the user that installed, or set --prefix (BOOTSTRAP_PREFIX)")
    }

    /// The side that the failure is on.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Lock(LockError::Held { .. }) => Fault::Remote,
            Self::File(_) | Self::Lock(LockError::File(_)) => Fault::Local,
        }
    }
}
