//! Where things are below the prefix.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::files;

/// The directory that holds everything a pod has installed.
#[derive(Clone, Debug)]
pub struct Prefix(PathBuf);

impl Prefix {
    /// The prefix at this absolute path.
    pub const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The prefix itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Links and launchers: the one directory for PATH.
    pub fn bin(&self) -> PathBuf {
        self.0.join("bin")
    }

    /// Whether what stands in `bin/` under this name is a link or launcher to this tool: another
    /// one may have taken the name over.
    pub fn is_program_of(&self, name: &str, tool: &str) -> bool {
        let path = self.bin().join(name);
        let text = match fs::read_link(&path) {
            Ok(target) => target.to_string_lossy().into_owned(),
            Err(_) => files::read_own(&path).unwrap_or_default(),
        };
        text.contains(&format!("/tools/{tool}/"))
    }

    /// All versions of a tool.
    pub fn tool(&self, tool: &str) -> PathBuf {
        self.0.join("tools").join(tool)
    }

    /// The directory of all tools.
    pub fn tools(&self) -> PathBuf {
        self.0.join("tools")
    }

    /// One version of a tool, as its vendor lays it out.
    pub fn version(&self, tool: &str, version: &str) -> PathBuf {
        self.tool(tool).join(version)
    }

    /// All receipts.
    pub fn receipts(&self) -> PathBuf {
        self.0.join("receipts")
    }

    /// What is installed of a tool.
    pub fn receipt(&self, tool: &str) -> PathBuf {
        self.receipts().join(format!("{tool}.json"))
    }

    /// Finished downloads, unless a shared directory is given.
    pub fn cache(&self) -> PathBuf {
        self.0.join("cache")
    }

    /// Where the directories elsewhere that have links to here are written down, a line each.
    fn bin_dirs_file(&self) -> PathBuf {
        self.0.join("bin-dirs")
    }

    /// The directories elsewhere that have links to here; an error where their list is there and cannot
    /// be read.
    pub fn bin_dirs(&self) -> Result<Vec<PathBuf>, files::Error> {
        let text = match files::read_own(&self.bin_dirs_file()) {
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            read => read?,
        };
        let lines = text.lines().filter(|line| line.starts_with('/'));
        Ok(lines.map(PathBuf::from).collect())
    }

    /// Writes down a directory elsewhere before links are made there, so that they can be taken out
    /// again. One whose name is no line of text is not written down.
    pub fn remember_bin_dir(&self, directory: &Path) -> Result<(), files::Error> {
        let name = directory
            .to_str()
            .filter(|name| !name.contains(['\n', '\r']));
        let mut known = self.bin_dirs()?;
        let Some(name) = name.filter(|name| !known.iter().any(|known| known == Path::new(name)))
        else {
            return Ok(());
        };
        known.push(PathBuf::from(name));
        known.sort();
        let lines = known.iter().map(|path| format!("{}\n", path.display()));
        let text: String = lines.collect();
        files::replace(&self.bin_dirs_file(), text.as_bytes(), 0o644)
    }

    /// Whether a link elsewhere leads to here.
    pub fn is_ours(&self, link: &Path) -> bool {
        fs::read_link(link).is_ok_and(|target| target.starts_with(&self.0))
    }

    /// The last report.
    pub fn report(&self) -> PathBuf {
        self.0.join("report.json")
    }

    /// The lock that keeps two runs apart.
    pub fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }
}
