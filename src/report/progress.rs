//! Progress: bars for a person at a terminal, plain lines with a heartbeat for a log.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::size;
use crate::tools::outcome::Activity;

/// How often a log is told that a long step is still under way.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// How messages look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors and warnings alone.
    Quiet,
    /// Every change of state.
    Normal,
    /// Every note as well.
    Verbose,
}

/// How bad a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Info,
    Warning,
}

/// Where progress is shown.
#[derive(Debug)]
pub struct Progress {
    lines: std::sync::Arc<Lines>,
    bars: Option<MultiProgress>,
    heart: Option<(Sender<()>, JoinHandle<()>)>,
}

#[derive(Debug)]
struct Lines {
    format: LogFormat,
    verbosity: Verbosity,
    tools: Mutex<BTreeMap<String, Doing>>,
}

/// What a tool is at.
#[derive(Debug)]
struct Doing {
    what: &'static str,
    since: Instant,
    told: Instant,
    received: u64,
    total: Option<u64>,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Progress on standard error: bars on a terminal, lines elsewhere.
    pub fn new(format: LogFormat, verbosity: Verbosity, terminal: bool) -> Self {
        let show_bars = terminal && format == LogFormat::Text && verbosity == Verbosity::Normal;
        let lines = std::sync::Arc::new(Lines {
            format,
            verbosity,
            tools: Mutex::default(),
        });
        let bars = show_bars.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));
        let heart = (!show_bars && verbosity != Verbosity::Quiet).then(|| {
            let (stop, stopped) = channel();
            let lines = std::sync::Arc::clone(&lines);
            let beat = move || {
                while stopped.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout)
                {
                    lines.heartbeat();
                }
            };
            (stop, std::thread::spawn(beat))
        });
        Self { lines, bars, heart }
    }

    /// Shows what happens to a tool.
    pub fn show(&self, tool: &str, activity: Activity<'_>) {
        let mut tools = self
            .lines
            .tools
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Something happens to a tool: the wait for another run, which is no tool's, is over.
        if !tool.is_empty()
            && let Some(bar) = tools.remove("").and_then(|waiting| waiting.bar)
        {
            bar.finish_and_clear();
        }
        if let Activity::Finished(outcome) = activity {
            if let Some(bar) = tools.remove(tool).and_then(|doing| doing.bar) {
                bar.finish_and_clear();
            }
            drop(tools);
            let message = format!("{} in {:.2} s", outcome.state, outcome.seconds);
            let failed = outcome.error.is_some();
            self.say(
                if failed { Level::Warning } else { Level::Info },
                tool,
                &message,
            );
            return;
        }
        if let Activity::Settled = activity {
            if let Some(bar) = tools.remove(tool).and_then(|doing| doing.bar) {
                bar.finish_and_clear();
            }
            return;
        }
        let now = Instant::now();
        let doing = tools.entry(tool.to_owned()).or_insert_with(|| Doing {
            what: if tool.is_empty() {
                "waiting"
            } else {
                "checking"
            },
            since: now,
            told: now,
            received: 0,
            total: None,
            bar: self.bars.as_ref().map(|bars| bars.add(bar(tool))),
        });
        let message = match activity {
            Activity::Received { received, expected } => {
                (doing.received, doing.total) = (received, expected);
                if let Some(bar) = &doing.bar {
                    bar.set_length(expected.unwrap_or(received));
                    bar.set_position(received);
                }
                return;
            }
            Activity::Detail(_) if self.lines.verbosity != Verbosity::Verbose => return,
            Activity::Detail(note) | Activity::Note(note) => note.to_owned(),
            Activity::Downloading { source } => {
                doing.what = "downloading";
                format!("downloading from {source}")
            }
            Activity::Unpacking => {
                doing.what = "unpacking";
                "unpacking".to_owned()
            }
            Activity::Packing => {
                doing.what = "packing";
                "packing".to_owned()
            }
            Activity::Trying => {
                doing.what = "trying it out";
                "trying it out".to_owned()
            }
            Activity::Settled | Activity::Finished(_) => return,
        };
        if let Some(bar) = &doing.bar {
            bar.set_message(doing.what);
        }
        drop(tools);
        match activity {
            // Bars show the state by themselves, and a note scrolls by above them.
            Activity::Detail(_) | Activity::Note(_) => self.say(Level::Info, tool, &message),
            _ if self.bars.is_none() => self.say(Level::Info, tool, &message),
            _ => {}
        }
    }

    fn say(&self, level: Level, tool: &str, message: &str) {
        match &self.bars {
            Some(bars) => bars.suspend(|| self.lines.say(level, tool, message)),
            None => self.lines.say(level, tool, message),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, heart)) = self.heart.take() {
            drop(stop);
            drop(heart.join());
        }
    }
}

impl Lines {
    fn heartbeat(&self) {
        let mut lines = Vec::new();
        let mut tools = self.tools.lock().unwrap_or_else(PoisonError::into_inner);
        for (tool, doing) in tools
            .iter_mut()
            .filter(|(_, doing)| doing.told.elapsed() >= HEARTBEAT)
        {
            doing.told = Instant::now();
            let seconds = doing.since.elapsed().as_secs();
            let amount = match (doing.what, doing.total) {
                ("downloading", Some(total)) => {
                    format!(", {} of {}", size(doing.received), size(total))
                }
                ("downloading", None) => format!(", {}", size(doing.received)),
                _ => String::new(),
            };
            lines.push((
                tool.clone(),
                format!("still {} after {seconds} s{amount}", doing.what),
            ));
        }
        drop(tools);
        for (tool, message) in lines {
            self.say(Level::Info, &tool, &message);
        }
    }

    fn say(&self, level: Level, tool: &str, message: &str) {
        if level == Level::Info && self.verbosity == Verbosity::Quiet {
            return;
        }
        let line = match self.format {
            LogFormat::Json => {
                let level = if level == Level::Info {
                    "info"
                } else {
                    "warning"
                };
                let time = jiff::Timestamp::now()
                    .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
                    .to_string();
                let mut object =
                    serde_json::json!({ "time": time, "level": level, "message": message });
                if let (false, Some(object)) = (tool.is_empty(), object.as_object_mut()) {
                    object.insert("tool".to_owned(), tool.into());
                }
                format!("{object}\n")
            }
            LogFormat::Text => {
                let warning = if level == Level::Info {
                    ""
                } else {
                    "warning: "
                };
                let colon = if tool.is_empty() { "" } else { ": " };
                format!("{warning}{tool}{colon}{message}\n")
            }
        };
        // One write a line: several threads share the stream, and nothing can be done on failure.
        drop(std::io::stderr().lock().write_all(line.as_bytes()));
    }
}

fn bar(tool: &str) -> ProgressBar {
    let bar = ProgressBar::no_length();
    let style = ProgressStyle::with_template(
        "{spinner} {prefix:22} {msg:14} {bytes:>10} {bar:24} {elapsed}",
    );
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.set_prefix(tool.to_owned());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_for_another_run_is_over_when_something_happens_to_a_tool() {
        let progress = Progress::new(LogFormat::Text, Verbosity::Normal, false);
        let doing = || {
            let tools = progress.lines.tools.lock().unwrap();
            let doing = tools.iter().map(|(tool, doing)| (tool.clone(), doing.what));
            doing.collect::<Vec<_>>()
        };
        progress.show("", Activity::Note("waiting for another run"));
        assert_eq!(doing(), [(String::new(), "waiting")]);
        progress.show("aws-cli", Activity::Unpacking);
        assert_eq!(doing(), [("aws-cli".to_owned(), "unpacking")]);
    }
}
