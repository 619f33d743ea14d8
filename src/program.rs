//! Running a program once, under the deadline, to see that it works.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use crate::deadline::{Deadline, DeadlinePassed};
use crate::elf;
use crate::platform::Platform;

/// How often a running program is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// How long the output of a program that has ended may be open in the hands of a process that left
/// its group.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// No output that is looked at is longer, in bytes.
const OUTPUT_LIMIT: u64 = 64 * 1024;

/// How long a program that was just written may be "busy": another thread that starts a program at
/// the same moment holds our file open until its own `execve`.
const BUSY_LIMIT: Duration = Duration::from_secs(2);

/// A program with its arguments and the variables it gets, which are all it gets.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The program's path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its whole environment.
    pub variables: BTreeMap<String, String>,
    /// Where it runs: programs look for settings in the working directory too.
    pub directory: PathBuf,
}

/// How a program ended, and the first part of what it wrote.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its status.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Invocation {
    /// Runs the program to its end and returns what it wrote to standard output, or to standard
    /// error where that is all it wrote.
    ///
    /// At the deadline its whole process group is killed.
    pub fn output(&self, deadline: Deadline) -> Result<String, Error> {
        let ended = self.run(deadline)?;
        let output = if ended.stdout.trim().is_empty() {
            ended.stderr
        } else {
            ended.stdout
        };
        if ended.status.success() {
            return Ok(output);
        }
        Err(Error::Status {
            command: self.to_string(),
            status: ended.status,
            output: last_lines(&output),
        })
    }

    /// Runs the program to its end, whichever that is.
    ///
    /// At the deadline its whole process group is killed.
    pub fn run(&self, deadline: Deadline) -> Result<Ended, Error> {
        let mut child = self
            .start()
            .map_err(|source| self.failed_to_start(source))?;
        let stdout = collect(child.stdout.take());
        let stderr = collect(child.stderr.take());
        let ended = self.wait(&child, deadline);
        // What it left running would hold its output open, and is nothing that was asked for. The
        // program is not reaped yet, so the number of its group is still its own.
        let _ = rustix::process::kill_process_group(Pid::from_child(&child), Signal::KILL);
        let status = child.wait().map_err(|source| self.failed_to_wait(source))?;
        ended?;
        let wait = deadline.left().min(LAST_WORDS);
        let [stdout, stderr] =
            [stdout, stderr].map(|output| output.recv_timeout(wait).unwrap_or_default());
        Ok(Ended {
            status,
            stdout,
            stderr,
        })
    }

    fn start(&self) -> io::Result<Child> {
        let started = Instant::now();
        loop {
            let child = Command::new(&self.program)
                .args(&self.args)
                .env_clear()
                .envs(&self.variables)
                .current_dir(&self.directory)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .process_group(0)
                .spawn();
            match child {
                Err(error)
                    if error.kind() == io::ErrorKind::ExecutableFileBusy
                        && started.elapsed() < BUSY_LIMIT =>
                {
                    std::thread::sleep(LOOK_AGAIN);
                }
                done => return done,
            }
        }
    }

    /// Waits until the program has ended, and leaves it to be reaped.
    fn wait(&self, child: &Child, deadline: Deadline) -> Result<(), Error> {
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        loop {
            match rustix::process::waitid(WaitId::Pid(Pid::from_child(child)), ended) {
                Ok(Some(_)) => return Ok(()),
                Ok(None) | Err(Errno::INTR) => {}
                Err(errno) => return Err(self.failed_to_wait(errno.into())),
            }
            if let Err(source) = deadline.check() {
                return Err(Error::Deadline {
                    command: self.to_string(),
                    source,
                });
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    fn failed_to_wait(&self, source: io::Error) -> Error {
        Error::Wait {
            command: self.to_string(),
            source,
        }
    }

    /// A program that is there and yet "not found" lacks its interpreter.
    fn failed_to_start(&self, source: io::Error) -> Error {
        let elf = elf::check(&self.program, Platform::host().arch);
        let interpreter = elf.ok().and_then(|elf| elf.interpreter);
        match interpreter {
            Some(interpreter)
                if source.kind() == io::ErrorKind::NotFound && !interpreter.exists() =>
            {
                Error::Interpreter {
                    program: self.program.clone(),
                    interpreter,
                }
            }
            _ => Error::Start {
                command: self.to_string(),
                source,
            },
        }
    }
}

impl std::fmt::Display for Invocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.program.display())?;
        self.args.iter().try_for_each(|arg| write!(f, " {arg}"))
    }
}

/// Reads a stream to its end on a thread of its own, and hands over the first part of it.
fn collect(stream: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (output, kept) = channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut stream) = stream {
            drop((&mut stream).take(OUTPUT_LIMIT).read_to_end(&mut text));
            // A program that writes more must not block on a full pipe.
            drop(io::copy(&mut stream, &mut io::sink()));
        }
        // Nobody waits for it any more after a deadline.
        drop(output.send(String::from_utf8_lossy(&text).into_owned()));
    });
    kept
}

/// The last lines of an output: where programs say what went wrong.
pub fn last_lines(output: &str) -> String {
    let lines: Vec<&str> = output
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    lines
        .get(lines.len().saturating_sub(3)..)
        .unwrap_or_default()
        .join(" | ")
}

struct Said<'a>(&'a str);

impl std::fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            "" => f.write_str(", and wrote nothing"),
            output => write!(f, ": {output}"),
        }
    }
}

/// A program could not be run to a good end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It did not end in time.
    #[error("`{command}` had not ended")]
    Deadline {
        /// What was run.
        command: String,
        /// The deadline.
        #[source]
        source: DeadlinePassed,
    },
    /// The system lacks the loader that the program names.
    #[error(
        "`{}` needs the program interpreter `{}`, which this system does not have (is it built on glibc?)",
        program.display(),
        interpreter.display()
    )]
    Interpreter {
        /// The program.
        program: PathBuf,
        /// Its interpreter.
        interpreter: PathBuf,
    },
    /// It could not be started.
    #[error("cannot run `{command}`")]
    Start {
        /// What was run.
        command: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It ended with a failure.
    #[error("`{command}` ended with {status}{}", Said(output))]
    Status {
        /// What was run.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote.
        output: String,
    },
    /// It could not be waited for.
    #[error("cannot wait for `{command}`")]
    Wait {
        /// What was run.
        command: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// The variables of ours that a program needs to run. None of the others go along: their secrets
/// could come back in what a program that fails has to say.
const NEEDED: [&str; 9] = [
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "NODE_EXTRA_CA_CERTS",
    "PATH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
];

/// The variables for a program that is only tried: a home directory that it may litter, and no
/// search for credentials on the network.
pub fn harmless_variables(
    ours: &BTreeMap<String, String>,
    home: &Path,
) -> BTreeMap<String, String> {
    let needed = ours
        .iter()
        .filter(|(name, _)| NEEDED.contains(&name.as_str()));
    let mut variables: BTreeMap<_, _> = needed
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    variables.insert("HOME".to_owned(), home.display().to_string());
    variables.insert("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned());
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, budget: Duration) -> Result<String, Error> {
        let args = vec!["-c".to_owned(), script.to_owned()];
        let variables = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
        let invocation = Invocation {
            program: "/bin/sh".into(),
            args,
            variables,
            directory: "/".into(),
        };
        invocation.output(Deadline::after(Instant::now(), budget))
    }

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn the_output_is_standard_output_or_else_standard_error() {
        assert_eq!(sh("echo out; echo err >&2", LONG).unwrap(), "out\n");
        assert_eq!(sh("echo err >&2", LONG).unwrap(), "err\n");
    }

    #[test]
    fn a_failure_is_told_with_the_end_of_the_output() {
        let error = sh("echo one; echo two; echo three; echo four; exit 7", LONG).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("ended with exit status: 7: two | three | four"),
            "{error}"
        );
    }

    #[test]
    fn a_program_that_does_not_end_is_killed_with_its_children() {
        let error = sh(
            "sleep 600 & sleep 600; echo never",
            Duration::from_millis(80),
        )
        .unwrap_err();
        assert!(matches!(error, Error::Deadline { .. }), "{error}");
    }

    #[test]
    fn what_a_program_leaves_running_is_not_waited_for() {
        let started = Instant::now();
        assert_eq!(sh("sleep 600 & echo done", LONG).unwrap(), "done\n");
        assert!(started.elapsed() < LONG / 2);
    }

    #[test]
    fn a_program_that_floods_its_output_ends_all_the_same() {
        let output = sh("head -c 1000000 /dev/zero", LONG).unwrap();
        assert_eq!(output.len() as u64, OUTPUT_LIMIT);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let invocation = Invocation {
            program: "/nowhere/aws".into(),
            args: vec![],
            variables: BTreeMap::new(),
            directory: "/".into(),
        };
        let error = invocation
            .output(Deadline::after(Instant::now(), LONG))
            .unwrap_err();
        assert_eq!(error.to_string(), "cannot run `/nowhere/aws`");
    }
}
