//! The outside world, read once: environment, working directory, clock, standard streams.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What the program may know of the process it is, and its two ways out.
#[derive(Debug)]
pub struct Context {
    variables: BTreeMap<String, String>,
    /// The command line, the name of the program first.
    pub arguments: Vec<OsString>,
    /// The working directory.
    pub directory: PathBuf,
    /// When the process started, for the deadline and the report.
    pub started: Instant,
    /// Whether standard input is a person's keyboard.
    pub stdin_is_terminal: bool,
    /// Whether a person is watching standard error.
    pub stderr_is_terminal: bool,
    /// Whether a person is reading standard output.
    pub stdout_is_terminal: bool,
}

impl Context {
    /// Reads the environment, the command line, the working directory and the streams of this
    /// process.
    ///
    /// Variables that are not UTF-8 are left out: no option of ours can have such a value.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    pub fn from_os() -> Self {
        let text = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            variables: std::env::vars_os().filter_map(text).collect(),
            arguments: std::env::args_os().collect(),
            directory: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            started: Instant::now(),
            stdin_is_terminal: io::stdin().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
            stdout_is_terminal: io::stdout().is_terminal(),
        }
    }

    /// Lets a bug, or a thread that the system does not give, end the program as any other failure
    /// of this machine does: with code 1 and a word on what to do. Otherwise it would be an abort.
    pub fn end_on_panic() {
        std::panic::set_hook(Box::new(|panic| {
            let text = format!(
                "error: bootstrap itself failed: {panic}\n\
                 hint: if this machine has processes and memory to spare, this is a bug: please report the line above\n"
            );
            drop(io::stderr().lock().write_all(text.as_bytes()));
            std::process::exit(1)
        }));
    }

    /// The file that is running.
    pub fn program(&self) -> io::Result<PathBuf> {
        std::env::current_exe()
    }

    /// Whether the program was called by this name, through a link.
    pub fn is_called(&self, name: &str) -> bool {
        let called = self.arguments.first().map(Path::new);
        called
            .and_then(Path::file_name)
            .is_some_and(|called| called == name)
    }

    /// An environment variable; an empty one counts as absent, as manifests set `value: ""`.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// All variables, for programs that are started with the environment of this process.
    pub const fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// Everything that comes in on standard input, up to `most` bytes.
    pub fn read_stdin(&self, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        io::stdin().lock().take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Writes the result to standard output.
    pub fn print(&self, text: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()
    }

    /// Writes a message to standard error; nothing can be done when that fails.
    pub fn say(&self, text: &str) {
        drop(io::stderr().lock().write_all(text.as_bytes()));
    }

    /// The time of day.
    pub fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    /// Who runs: for the lock, so that those who wait know whom they wait for.
    pub fn holder(&self, command: &str) -> String {
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        let since = self.now().strftime("%Y-%m-%dT%H:%M:%SZ");
        format!(
            "`bootstrap {command}`, pid {} on {host} since {since}",
            std::process::id()
        )
    }
}
