//! A machine for each test: a home, a working directory, a delegate's directory, and none of the
//! variables of whoever runs the tests.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::fixture::Fixture;
use crate::server::Server;

/// Far above what any run takes, for those that must end by themselves: loaded machines are slow.
pub(crate) const GENEROUS: Duration = Duration::from_secs(20);

/// A machine; dropped, it is gone.
pub(crate) struct World {
    directory: tempfile::TempDir,
    variables: BTreeMap<String, String>,
}

impl World {
    /// An empty one, with `home`, `work` (where programs are started) and `delegate`.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let all = fs::Permissions::from_mode(0o755);
        fs::set_permissions(directory.path(), all).unwrap();
        for name in ["home", "work", "delegate"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        let world = Self {
            directory,
            variables: BTreeMap::new(),
        };
        let at = |name: &str| world.path(name).display().to_string();
        let [home, delegate, log] = ["home", "delegate", "termination-log"].map(at);
        world
            .with("PATH", "/usr/local/bin:/usr/bin:/bin")
            .with("HOME", &home)
            .with("WORKING_DIR", &delegate)
            .with("BOOTSTRAP_TERMINATION_LOG", &log)
    }

    /// A world whose lock pins these tools, at a server that has them.
    pub(crate) fn pinning(tools: &[&Fixture]) -> (Self, Server) {
        let world = Self::new();
        let server = Fixture::serve(tools);
        world.pin(&server, tools);
        (world, server)
    }

    /// The same with this variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same without this variable.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// Where something of this world is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The same as text.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Where something in the default prefix is.
    pub(crate) fn prefix(&self, name: &str) -> PathBuf {
        self.path("delegate/bootstrap").join(name)
    }

    /// Writes a file with its directories.
    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        self.write_mode(name, contents, 0o644)
    }

    /// Writes a program.
    pub(crate) fn write_program(&self, name: &str, script: &str) -> PathBuf {
        self.write_mode(name, script, 0o755)
    }

    fn write_mode(&self, name: &str, contents: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        put(&path, contents.as_ref());
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// The contents of a file as text.
    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The last report.
    pub(crate) fn report(&self) -> serde_json::Value {
        serde_json::from_str(&self.read("delegate/bootstrap/report.json")).unwrap()
    }

    /// Writes `bootstrap.lock` into the working directory, pinning these tools at this server.
    pub(crate) fn pin(&self, server: &Server, tools: &[&Fixture]) {
        self.write("work/bootstrap.lock", Fixture::lock(server, tools));
    }

    /// Everything below a directory, as sorted paths; a link is shown with its target.
    pub(crate) fn tree(&self, name: &str) -> Vec<String> {
        let root = self.path(name);
        let mut found = Vec::new();
        let mut left = vec![root.clone()];
        while let Some(directory) = left.pop() {
            for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
                let path = entry.path();
                let shown = path.strip_prefix(&root).unwrap().display().to_string();
                match fs::read_link(&path) {
                    Ok(target) => found.push(format!("{shown} -> {}", target.display())),
                    Err(_) => found.push(shown),
                }
                if path.is_dir() && !path.is_symlink() {
                    left.push(path);
                }
            }
        }
        found.sort();
        found
    }

    /// Every file below the prefix with its time, to see that nothing was written.
    pub(crate) fn times(&self) -> Vec<(String, std::time::SystemTime)> {
        let paths = self.tree("delegate/bootstrap").into_iter();
        let paths = paths.map(|path| path.split(" -> ").next().unwrap().to_owned());
        let time = |path: &String| fs::symlink_metadata(self.prefix(path))?.modified();
        paths
            .map(|path| (path.clone(), time(&path).unwrap()))
            .collect()
    }

    /// What unfinished work left anywhere in the prefix.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let tree = self.tree("delegate/bootstrap").into_iter();
        tree.filter(|path| path.contains(".unfinished-")).collect()
    }

    /// The text without what differs from run to run.
    pub(crate) fn redact(&self, text: &str) -> String {
        redact(text, self.directory.path())
    }

    /// The command `bootstrap` in this world, not started yet.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.other_command(env!("CARGO_BIN_EXE_bootstrap"), args)
    }

    /// Runs `bootstrap` to its end.
    pub(crate) fn bootstrap(&self, args: &[&str]) -> Run {
        self.end(self.command(args))
    }

    /// Runs a script with this shell; `$bootstrap` is the program, `$world` this world.
    pub(crate) fn shell(&self, shell: &[&str], script: &str) -> Run {
        let args = [&shell[1..], &["-c", script]].concat();
        let mut command = self.other_command(shell[0], &args);
        command
            .env("bootstrap", env!("CARGO_BIN_EXE_bootstrap"))
            .env("world", self.directory.path());
        self.end(command)
    }

    /// Whether this shell can do that; where it cannot, says which test is skipped.
    pub(crate) fn can(&self, test: &str, shell: &[&str], script: &str) -> bool {
        let able = self.shell(shell, script).code == Some(0);
        if !able {
            let shell = shell.join(" ");
            let note = format!("skipped: {test}: this user cannot do that with `{shell}` here\n");
            // Not `eprint!`, which the harness keeps to itself when a test passes.
            std::io::stderr().write_all(note.as_bytes()).unwrap();
        }
        able
    }

    fn other_command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.path("work"))
            .env_clear()
            .envs(&self.variables)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn end(&self, mut command: Command) -> Run {
        let started = Instant::now();
        let output = command.output().unwrap();
        Run {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code(),
            took: started.elapsed(),
            world: self.directory.path().to_owned(),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "what a test writes need not survive a crash"
)]
pub(crate) fn put(path: &Path, contents: &[u8]) {
    fs::write(path, contents).unwrap();
}

/// What a run showed, and how it ended.
pub(crate) struct Run {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
    pub(crate) took: Duration,
    world: PathBuf,
}

impl Run {
    /// The run itself, if it ended with this code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n{self}");
        self
    }

    /// The run itself, if these words are in what it said on standard error.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "no `{words}` in\n{self}");
        self
    }

    /// `tool version state` for each line of the table.
    pub(crate) fn states(&self) -> Vec<String> {
        let lines = self
            .stdout
            .lines()
            .skip_while(|line| !line.starts_with("TOOL "));
        let rows = lines
            .skip(1)
            .map(|line| line.split_whitespace().take(3).collect::<Vec<_>>());
        let mut rows: Vec<_> = rows
            .filter(|row| row.len() == 3)
            .map(|row| row.join(" "))
            .collect();
        rows.retain(|row| !row.contains(": skipped:"));
        // The last line is the summary.
        rows.pop();
        rows
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |text: &str| redact(text, &self.world);
        f.write_str(&show(&self.stdout))?;
        if !self.stderr.is_empty() {
            write!(f, "--- stderr ---\n{}", show(&self.stderr))?;
        }
        match self.code {
            Some(code) => write!(f, "[exit {code}]"),
            None => f.write_str("[killed]"),
        }
    }
}

/// The text without what differs from run to run: paths, ports, digests, times.
fn redact(text: &str, world: &Path) -> String {
    let text = text.replace(&world.display().to_string(), "[WORLD]");
    let mut shown = String::new();
    let mut token = String::new();
    for char in text.chars() {
        if char.is_ascii_alphanumeric() || ".:-".contains(char) {
            token.push(char);
            continue;
        }
        shown.push_str(&redacted(&token));
        token.clear();
        shown.push(char);
    }
    shown + &redacted(&token)
}

fn redacted(word: &str) -> String {
    const STAGING: &str = ".unfinished-";
    if word.starts_with(STAGING) {
        return format!("{STAGING}[RANDOM]");
    }
    let tail = word.trim_end_matches(['.', ':']);
    let ending = &word[tail.len()..];
    for loopback in ["127.0.0.1:", "localhost:"] {
        if let Some(at) = tail.find(loopback) {
            let rest = &tail[at + loopback.len()..];
            let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            return format!("{}[SERVER]{rest}{ending}", &tail[..at]);
        }
    }
    let hex = tail.rsplit(':').next().unwrap();
    if hex.len() >= 64 && hex.chars().all(|c| c.is_ascii_hexdigit()) {
        return format!("{}[HEX]{ending}", &tail[..tail.len() - hex.len()]);
    }
    let is_time = tail.len() == 20 && tail.ends_with('Z') && tail.contains('T');
    if is_time {
        return format!("[TIME]{ending}");
    }
    match tail.split_once('.') {
        Some((whole, part))
            if part.len() == 2
                && !whole.is_empty()
                && format!("{whole}{part}").chars().all(|c| c.is_ascii_digit()) =>
        {
            format!("0.00{ending}")
        }
        _ => word.to_owned(),
    }
}
