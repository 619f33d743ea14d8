//! What happened: progress for people, JSON for programs, one line for the kubelet.

mod progress;

pub use progress::{LogFormat, Progress, Verbosity};

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::cluster::kubeconfig::Written;
use crate::tools::outcome::{Outcome, State};
use crate::verify::{self, Finding};

/// The version of the report's format.
const FORMAT: u32 = 1;

/// The kubelet keeps no more of a termination message (Kubernetes, "Determine the Reason for Pod
/// Failure": 4096 bytes), and one line is what fits a table of pods.
const TERMINATION_MESSAGE_LIMIT: usize = 1024;

/// The report of a run, as `--output json` prints it and `report.json` keeps it.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The version of this format.
    #[serde(rename = "report")]
    format: u32,
    /// The version of this program.
    bootstrap: &'static str,
    /// The command that ran.
    pub command: &'static str,
    /// What was installed for, such as `linux/amd64`.
    pub platform: String,
    /// When the run began (RFC 3339).
    pub started: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The exit code.
    pub exit_code: u8,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The errors that ended the run, the first cause last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
}

/// One step of a run.
#[derive(Debug, Serialize)]
pub struct Step {
    /// `install`, `kubeconfig` or `verify`.
    pub step: &'static str,
    /// How it ended.
    pub state: StepState,
    /// Why it was skipped, or failed as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The tools of an install step.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Outcome>,
    /// The contexts of a kubeconfig step.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contexts: Vec<Written>,
    /// The checks of a verify step.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Finding>,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// All of it was done.
    Done,
    /// Something required is missing.
    Failed,
    /// It had nothing to do.
    Skipped,
    /// It was done but for what is optional, or may be older than wanted.
    Warning,
}

impl fmt::Display for StepState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
        })
    }
}

impl Report {
    /// A report with nothing in it yet.
    pub fn new(command: &'static str, platform: String, started: String) -> Self {
        Self {
            format: FORMAT,
            bootstrap: env!("CARGO_PKG_VERSION"),
            command,
            platform,
            started,
            seconds: 0.0,
            exit_code: 0,
            steps: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// The report as JSON, with a final newline.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The report as a table.
    pub fn to_text(&self) -> String {
        let mut rows = vec![
            [
                "TOOL",
                "VERSION",
                "STATE",
                "SECONDS",
                "DOWNLOADED",
                "SOURCE",
            ]
            .map(str::to_owned),
        ];
        for outcome in self.steps.iter().flat_map(|step| &step.tools) {
            rows.push([
                outcome.tool.clone(),
                outcome.version.clone(),
                outcome.state.to_string(),
                format!("{:.2}", outcome.seconds),
                if outcome.bytes == 0 {
                    "-".to_owned()
                } else {
                    size(outcome.bytes)
                },
                outcome.source.clone().unwrap_or_else(|| "-".to_owned()),
            ]);
        }
        let mut text = if rows.len() > 1 {
            table(&rows)
        } else {
            String::new()
        };
        for step in &self.steps {
            for written in &step.contexts {
                let (context, file) = (&written.context, written.file.display());
                let change = written.change;
                text.push_str(&format!("{}: {context} {change} in {file}\n", step.step));
            }
            if let Some(reason) = &step.reason {
                text.push_str(&format!("{}: {}: {reason}\n", step.step, step.state));
            }
        }
        let checks: Vec<_> = self.steps.iter().flat_map(|step| &step.checks).collect();
        if !checks.is_empty() {
            let gap = if text.is_empty() { "" } else { "\n" };
            text.push_str(gap);
            text.push_str(&checks_table(&checks));
            text.push('\n');
        }
        text.push_str(&format!(
            "{} {} in {:.2} s\n",
            self.command,
            self.summary(),
            self.seconds
        ));
        text
    }

    /// What `kubectl describe pod` shows when the container has ended.
    pub fn termination_message(&self) -> String {
        let causes = self.errors.join(": ");
        let message = format!(
            "bootstrap {} failed (exit {}): {causes}",
            self.command, self.exit_code
        );
        message
            .chars()
            .filter(|letter| !letter.is_control())
            .take(TERMINATION_MESSAGE_LIMIT)
            .collect()
    }

    fn summary(&self) -> &'static str {
        let worst = |state| self.steps.iter().any(|step| step.state == state);
        match self.exit_code {
            0 if worst(StepState::Failed) => "went on in spite of failures",
            0 if worst(StepState::Warning) => "finished with warnings",
            0 => "finished",
            _ => "failed",
        }
    }
}

impl Step {
    /// An install step with these outcomes.
    pub fn install(tools: Vec<Outcome>, took: Duration) -> Self {
        let state = StepState::of(&tools);
        Self {
            step: "install",
            state,
            reason: None,
            seconds: took.as_secs_f64(),
            tools,
            contexts: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// A kubeconfig step that wrote these contexts, and lacks clusters for this reason.
    pub fn kubeconfig(contexts: Vec<Written>, lacking: Option<String>, took: Duration) -> Self {
        let state = match (&lacking, contexts.is_empty()) {
            (None, _) => StepState::Done,
            (Some(_), false) => StepState::Warning,
            (Some(_), true) => StepState::Failed,
        };
        Self {
            step: "kubeconfig",
            state,
            reason: lacking,
            seconds: took.as_secs_f64(),
            tools: Vec::new(),
            contexts,
            checks: Vec::new(),
        }
    }

    /// A verify step that found this.
    pub fn verify(checks: Vec<Finding>, took: Duration) -> Self {
        Self {
            step: "verify",
            state: StepState::of_checks(&checks),
            reason: None,
            seconds: took.as_secs_f64(),
            tools: Vec::new(),
            contexts: Vec::new(),
            checks,
        }
    }

    /// A step that had nothing to do.
    pub fn skipped(step: &'static str, reason: &str) -> Self {
        Self {
            step,
            state: StepState::Skipped,
            reason: Some(reason.to_owned()),
            seconds: 0.0,
            tools: Vec::new(),
            contexts: Vec::new(),
            checks: Vec::new(),
        }
    }
}

impl StepState {
    /// The state of an install step with these outcomes.
    pub fn of(outcomes: &[Outcome]) -> Self {
        let bad = |outcome: &&Outcome| matches!(outcome.state, State::Failed | State::Skipped);
        if outcomes.iter().filter(bad).any(|outcome| !outcome.optional) {
            Self::Failed
        } else if outcomes.iter().any(|outcome| outcome.error.is_some()) {
            Self::Warning
        } else {
            Self::Done
        }
    }
}

impl StepState {
    /// The state of a verify step that found this.
    fn of_checks(checks: &[Finding]) -> Self {
        let any = |state| checks.iter().any(|finding| finding.state == state);
        if any(verify::State::Fail) {
            Self::Failed
        } else if any(verify::State::Warn) {
            Self::Warning
        } else {
            Self::Done
        }
    }
}

/// The checks as a table.
fn checks_table(checks: &[&Finding]) -> String {
    let mut rows = vec![["CHECK", "CLUSTER", "STATE", "EVIDENCE"].map(str::to_owned)];
    for finding in checks {
        rows.push([
            finding.check.to_string(),
            finding.subject.clone().unwrap_or_else(|| "-".to_owned()),
            finding.state.to_string(),
            finding.evidence.clone(),
        ]);
    }
    table(&rows)
}

/// Columns wide enough for their widest cell; the last one is left ragged.
pub fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(&format!("{cell:width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A number of bytes as people write it, in decimal units (SI).
pub fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let value = bytes as f64;
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", value / 1e6),
        _ => format!("{:.1} GB", value / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_in_decimal_units() {
        assert_eq!(
            [0, 999, 1_500, 34_119_842, 2_000_000_000].map(size),
            ["0 B", "999 B", "1.5 kB", "34.1 MB", "2.0 GB"]
        );
    }

    #[test]
    fn a_table_has_no_trailing_blanks() {
        let rows = [["A", "B"], ["long", "x"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "A     B\nlong  x\n");
    }

    #[test]
    fn the_termination_message_is_one_short_line() {
        let mut report = Report::new("init", "linux/amd64".into(), String::new());
        report.exit_code = 5;
        report.errors = vec!["a\nb".into(), "c".repeat(5000)];
        let message = report.termination_message();
        assert!(
            message.starts_with("bootstrap init failed (exit 5): ab: ccc"),
            "{message}"
        );
        assert_eq!(message.chars().count(), TERMINATION_MESSAGE_LIMIT);
    }
}
