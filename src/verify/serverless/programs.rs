//! The programs that a deployment runs: where they are, and what they say of their version.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::launcher;
use crate::deadline::Deadline;
use crate::files;
use crate::program::{self, Invocation, harmless_variables};
use crate::tools::prefix::Prefix;
use crate::tools::version::Version;

/// How long a program may take to tell its version: Serverless takes up to 5 s when its files are not
/// in memory yet.
const PATIENCE: Duration = Duration::from_secs(20);

/// A home in which nothing can be made: to check is to change nothing.
const NO_HOME: &str = "/dev/null";

/// What keeps Serverless from reporting to its vendor, and from looking for news.
const SILENCE: [(&str, &str); 3] = [
    ("SLS_NOTIFICATIONS_MODE", "off"),
    ("SLS_TELEMETRY_DISABLED", "1"),
    ("SLS_TRACKING_DISABLED", "1"),
];

/// Where programs are looked for: in the prefix and then on `PATH`, as a delegate does after a start.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) prefix: &'a Prefix,
    pub(super) variables: &'a BTreeMap<String, String>,
    pub(super) deadline: Deadline,
}

/// What a program said.
#[derive(Debug)]
pub(super) enum Told {
    /// There is no such program.
    Missing,
    /// It was not asked: its package says that it is not to be run.
    Unasked(PathBuf, Package),
    /// It did not end well.
    Failed(program::Error),
    /// It ended well, and wrote this.
    Said(PathBuf, String),
}

impl Place<'_> {
    /// Where a program is.
    pub(super) fn find(self, name: &str) -> Option<PathBuf> {
        which::which_in(name, Some(self.path()), "/").ok()
    }

    /// Asks a program for its version.
    pub(super) fn ask(self, name: &str) -> Told {
        match self.find(name) {
            Some(program) => self.run(program),
            None => Told::Missing,
        }
    }

    /// Asks this program for its version.
    pub(super) fn run(self, program: PathBuf) -> Told {
        let mut variables = harmless_variables(self.variables, Path::new(NO_HOME));
        variables.insert("PATH".to_owned(), self.path());
        let silence = SILENCE.map(|(name, value)| (name.to_owned(), value.to_owned()));
        variables.extend(silence);
        let invocation = Invocation {
            program,
            args: vec!["--version".to_owned()],
            variables,
            directory: "/".into(),
        };
        let soon = Deadline::after(Instant::now(), self.deadline.left().min(PATIENCE));
        match invocation.output(soon) {
            Ok(output) => Told::Said(invocation.program, output),
            Err(error) => Told::Failed(error),
        }
    }

    fn path(self) -> String {
        let path = self.variables.get("PATH").map_or("", String::as_str);
        let bin = self.prefix.bin();
        if path.is_empty() {
            return bin.display().to_string();
        }
        format!("{}:{path}", bin.display())
    }

    /// The package of a program of Serverless: of the tree that it leads into, of what is in the prefix
    /// in this version, or of what it names where it is a script that starts another.
    pub(super) fn package_of(self, program: &Path, version: Option<&Version>) -> Option<Package> {
        let whole = program.canonicalize().ok();
        let around = whole.iter().flat_map(|path| path.ancestors().skip(1));
        let installed = version.map(|version| {
            let tree = self.prefix.version(NAME, version.as_str());
            tree.join("node_modules").join(NAME)
        });
        let is_ours = program.starts_with(self.prefix.bin());
        let installed = installed.iter().filter(|_| is_ours).map(PathBuf::as_path);
        let named = launcher::named(program);
        let named = named.iter().flat_map(|path| path.ancestors().skip(1));
        installed.chain(around).chain(named).find_map(Package::read)
    }
}

/// The name of the package.
const NAME: &str = "serverless";

/// What a package says of itself (npm documentation, "package.json").
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Package {
    name: String,
    /// Its version.
    pub(super) version: Version,
    #[serde(default)]
    engines: Engines,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Engines {
    node: Option<String>,
}

impl Package {
    fn read(directory: &Path) -> Option<Self> {
        let text = files::read_own(&directory.join("package.json")).ok()?;
        let package: Self = serde_json::from_str(&text).ok()?;
        (package.name == NAME).then_some(package)
    }

    /// The range of Node.js that it asks for.
    pub(super) fn node(&self) -> Option<&str> {
        self.engines.node.as_deref()
    }
}
