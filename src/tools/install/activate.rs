//! Making a staged tool the one that runs: swap, receipt, links and launchers.

use std::fs;
use std::path::{Path, PathBuf};

use super::stage::Staged;
use super::{Error, Installer, pin};
use crate::digest::{Algorithm, Hasher};
use crate::files;
use crate::tools::names::{ProgramName, TreePath};
use crate::tools::receipt::{Header, Receipt};
use crate::tools::{Layout, Program, ProgramKind, Release};

/// What stands for a program in `bin/`.
enum Entry {
    /// A script with this text.
    Launcher(String),
    /// A symbolic link to this path.
    Link(PathBuf),
}

impl Installer<'_> {
    /// The text of the receipt for a staged tree.
    pub(super) fn receipt(&self, release: &Release, staged: &Staged) -> Result<Vec<u8>, Error> {
        let settings = self.settings;
        let (tool, version) = (release.tool.as_str(), release.version.to_string());
        let platform = release.platform.to_string();
        let (digest, shape) = (pin(release), shape(release));
        let header = Header {
            tool,
            version: &version,
            platform: &platform,
            source: &staged.source,
            digest: &digest,
            shape: &shape,
            slim: self.is_slim(release),
            durable: settings.durable,
            boot: &settings.boot,
            installed: &settings.started,
            programs: release.programs.keys().map(ProgramName::as_str).collect(),
        };
        Receipt::new(header, &staged.entries)
            .text(&settings.prefix.receipt(tool))
            .map_err(Error::File)
    }

    /// Whether the tree of a release is one from which something was left out.
    pub(super) fn is_slim(&self, release: &Release) -> bool {
        self.settings.slim && !release.slim.is_empty()
    }

    /// Swaps the staged tree in, and then writes down and links what is there now.
    ///
    /// In this order a kill leaves the old version linked and recorded, or the new one in place
    /// with its links still to be made, which the next look does.
    pub(super) fn activate(
        &self,
        release: &Release,
        staged: &Staged,
        receipt: &[u8],
    ) -> Result<(), Error> {
        let prefix = &self.settings.prefix;
        let tool = release.tool.as_str();
        let tree = prefix.version(tool, &release.version.to_string());
        let path = prefix.receipt(tool);
        if self.settings.durable {
            files::sync(staged.directory()).map_err(Error::File)?;
        }
        let text = files::read_own(&path).unwrap_or_default();
        let old = Receipt::parse(&text);
        // A receipt that is there may vouch for this very place for ever: it goes before the swap.
        if tree.exists() && old.as_ref().is_some_and(|old| old.durable) {
            files::remove(&path).map_err(Error::File)?;
        }
        files::swap_directory(staged.directory(), &tree).map_err(Error::File)?;
        files::replace(&path, receipt, 0o644).map_err(Error::File)?;
        self.link(release)?;
        let gone = old.iter().flat_map(|old| &old.programs);
        let gone = gone.filter(|name| !release.programs.keys().any(|kept| kept.as_str() == **name));
        gone.into_iter()
            .try_for_each(|name| self.unlink(tool, name))
    }

    /// Takes a tool of ours off PATH, in favour of one that somebody else has put there.
    pub(super) fn withdraw(&self, release: &Release) -> Result<(), Error> {
        let tool = release.tool.as_str();
        let path = self.settings.prefix.receipt(tool);
        let text = files::read_own(&path).unwrap_or_default();
        if let Some(receipt) = Receipt::parse(&text) {
            receipt
                .programs
                .iter()
                .try_for_each(|name| self.unlink(tool, name))?;
            files::remove(&path).map_err(Error::File)?;
        }
        Ok(())
    }

    /// Removes a program of a tool from `bin/`, and its link elsewhere where that is ours.
    fn unlink(&self, tool: &str, name: &str) -> Result<(), Error> {
        if !self.settings.prefix.is_program_of(name, tool) {
            return Ok(());
        }
        let ours = self.settings.prefix.bin().join(name);
        let known = self.settings.prefix.bin_dirs().map_err(Error::File)?;
        for directory in known.iter().chain(&self.settings.bin_dir) {
            let link = directory.join(name);
            if fs::read_link(&link).is_ok_and(|target| target == ours) {
                files::remove(&link).map_err(Error::File)?;
            }
        }
        files::remove(&ours).map_err(Error::File)
    }

    /// Whether every program of the release is in `bin/` as it should be.
    pub(super) fn is_linked(&self, release: &Release) -> bool {
        let directories = self.directories();
        release.programs.iter().all(|(name, program)| {
            directories.iter().all(|directory| {
                let path = directory.join(name.as_str());
                match self.entry(release, name.as_str(), program, directory) {
                    Entry::Link(target) => {
                        path.exists() && fs::read_link(&path).is_ok_and(|present| present == target)
                    }
                    Entry::Launcher(text) => {
                        !path.is_symlink()
                            && files::read_own(&path).is_ok_and(|present| present == text)
                    }
                }
            })
        })
    }

    /// Makes the links and launchers of a release.
    pub(super) fn link(&self, release: &Release) -> Result<(), Error> {
        let own = self.settings.prefix.bin();
        for directory in self.directories() {
            files::create_directory(&directory).map_err(Error::File)?;
            if directory != own {
                let remembered = self.settings.prefix.remember_bin_dir(&directory);
                remembered.map_err(Error::File)?;
            }
            for (name, program) in &release.programs {
                let path = directory.join(name.as_str());
                match self.entry(release, name.as_str(), program, &directory) {
                    Entry::Link(target) if directory == own => files::link_over(&target, &path),
                    Entry::Link(target) => self.link_outside(&target, &path),
                    Entry::Launcher(text) => files::replace(&path, text.as_bytes(), 0o755),
                }
                .map_err(Error::File)?;
                fs::metadata(&path).map_err(|source| {
                    Error::File(files::Error::new("follow the link", &path, source))
                })?;
            }
        }
        Ok(())
    }

    /// Makes a link in a directory of others. A link there that leads to something of theirs stays;
    /// one that leads nowhere serves nobody.
    fn link_outside(&self, target: &Path, link: &Path) -> Result<(), files::Error> {
        if link.is_symlink() && link.exists() && !self.settings.prefix.is_ours(link) {
            let source = std::io::Error::new(
                std::io::ErrorKind::AlreadyExists,
                "a link to something else is there",
            );
            return Err(files::Error::new("make the link", link, source));
        }
        files::link(target, link)
    }

    /// `bin/`, and the second directory unless that is the same one under another name.
    fn directories(&self) -> Vec<PathBuf> {
        let own = self.settings.prefix.bin();
        let same = |other: &PathBuf| match (other.canonicalize(), own.canonicalize()) {
            (Ok(other), Ok(own)) => other == own,
            _ => *other == own,
        };
        let other = self.settings.bin_dir.clone().filter(|other| !same(other));
        [Some(own.clone()), other].into_iter().flatten().collect()
    }

    /// What stands for a program in this directory. Links inside the prefix are relative, so that
    /// a prefix can be mounted elsewhere; those outside point to `bin/` and never change.
    fn entry(&self, release: &Release, name: &str, program: &Program, directory: &Path) -> Entry {
        let prefix = &self.settings.prefix;
        if directory != prefix.bin() {
            return Entry::Link(prefix.bin().join(name));
        }
        let (tool, version) = (release.tool.as_str(), release.version.to_string());
        match &program.kind {
            ProgramKind::RunWith(interpreter) => {
                let script = prefix.version(tool, &version).join(program.path.as_str());
                Entry::Launcher(launcher(
                    &self.program_of(release, interpreter.as_str()),
                    &script,
                ))
            }
            ProgramKind::Elf | ProgramKind::Script => {
                // A `bin/` that is itself a link would lead a relative link astray.
                let tree = if directory.is_symlink() {
                    prefix.version(tool, &version)
                } else {
                    Path::new("../tools").join(tool).join(version)
                };
                Entry::Link(tree.join(program.path.as_str()))
            }
        }
    }

    /// Where a program of a tool that this release needs is: in `bin/`, where it stays when that
    /// tool changes its version, unless the tool was found elsewhere on PATH.
    pub(super) fn program_of(&self, release: &Release, program: &str) -> PathBuf {
        let directory = release
            .needs
            .iter()
            .find_map(|need| self.board.directory(need.tool.as_str()));
        directory
            .unwrap_or_else(|| self.settings.prefix.bin())
            .join(program)
    }
}

/// What is said of the layout of a release: with the same bytes, another one makes another tree.
pub(super) fn shape(release: &Release) -> String {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut line = |text: &str| {
        hasher.update(text.as_bytes());
        hasher.update(b"\n");
    };
    match &release.layout {
        Layout::Raw => line("raw"),
        Layout::Npm => line("npm"),
        Layout::Zip { strip } | Layout::TarGz { strip } => {
            line(strip.as_ref().map_or("", TreePath::as_str));
        }
    }
    for (name, program) in &release.programs {
        let run_with = match &program.kind {
            ProgramKind::RunWith(interpreter) => interpreter.as_str(),
            ProgramKind::Elf | ProgramKind::Script => "",
        };
        line(&format!("{name} {} {run_with}", program.path));
    }
    for path in &release.slim {
        line(path.as_str());
    }
    hasher.finish().to_string()
}

/// A script that runs a program with its interpreter, both by absolute path.
fn launcher(interpreter: &Path, program: &Path) -> String {
    let [interpreter, program] =
        [interpreter, program].map(|path| quoted(&path.display().to_string()));
    format!("#!/bin/sh\nexec {interpreter} {program} \"$@\"\n")
}

/// A word that a POSIX shell takes as it is (XCU 2.2.2, single-quotes).
pub fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launcher_survives_blanks_and_quotes_in_its_paths() {
        let text = launcher(Path::new("/a b/node"), Path::new("/it's/sls.js"));
        assert_eq!(
            text,
            "#!/bin/sh\nexec '/a b/node' '/it'\\''s/sls.js' \"$@\"\n"
        );
    }
}
