//! The end of a run: errors for people, the report for programs, a line for the kubelet, and the
//! exit code.

use std::process::ExitCode;
use std::sync::Arc;

use crate::config::OnFailure;
use crate::context::Context;
use crate::error::{Error, chain, render};
use crate::fault::Fault;
use crate::files;
use crate::options::{GlobalFlags, InstallOptions, Output};
use crate::platform::Platform;
use crate::report::{Report, Step};
use crate::tools::outcome::{Outcome, State};

/// A run that is coming to its end.
#[derive(Debug)]
pub struct Conclusion<'a> {
    context: &'a Context,
    options: &'a InstallOptions,
    color: bool,
    report: Report,
    fault: Option<Fault>,
}

impl<'a> Conclusion<'a> {
    /// A run of `command` that nothing is known of yet.
    pub fn new(
        context: &'a Context,
        global: &GlobalFlags,
        options: &'a InstallOptions,
        command: &'static str,
    ) -> Self {
        let report = Report::new(
            command,
            Platform::host().to_string(),
            options.settings.started.clone(),
        );
        Self {
            context,
            options,
            color: global.color(context),
            report,
            fault: None,
        }
    }

    /// Adds a step that has ended.
    pub fn add(&mut self, step: Step) {
        // What failed for one reason is told once.
        let same = |one: &Outcome, other: &Outcome| match (&one.error, &other.error) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        };
        for outcomes in step.tools.chunk_by(same) {
            self.judge(outcomes);
        }
        self.report.steps.push(step);
    }

    /// Ends a run that could not even begin its steps.
    pub fn fail(mut self, error: Error) -> Result<ExitCode, Error> {
        self.report.errors.extend(error.chain());
        self.report.exit_code = if self.goes_on() { 0 } else { error.exit_code() };
        self.write();
        Err(error)
    }

    /// Ends the run.
    pub fn end(mut self) -> Result<ExitCode, Error> {
        if let (Some(fault), false) = (self.fault, self.goes_on()) {
            self.report.exit_code = Error::new(fault, "").exit_code();
        }
        self.write();
        let text = match self.options.output {
            Output::Json => self.report.to_json(),
            Output::Text => self.report.to_text(),
        };
        self.context.print(&text)?;
        Ok(ExitCode::from(self.report.exit_code))
    }

    /// Says what went wrong with tools for one reason, and remembers it where it is fatal.
    fn judge(&mut self, outcomes: &[Outcome]) {
        let Some(first) = outcomes.first() else {
            return;
        };
        let Some(error) = &first.error else { return };
        let lost = |outcome: &Outcome| matches!(outcome.state, State::Failed | State::Skipped);
        let fatal = self.options.on_failure == OnFailure::Fail
            || outcomes
                .iter()
                .any(|outcome| lost(outcome) && !outcome.optional);
        let what = if first.state == State::KeptPrevious {
            format!(
                "{} could not be brought to the wanted version; {} is whole and stays",
                first.tool, first.version
            )
        } else {
            let named = |outcome: &Outcome| format!("{} {}", outcome.tool, outcome.version);
            let names: Vec<_> = outcomes.iter().map(named).collect();
            format!("{} could not be put in place", names.join(", "))
        };
        let mut causes = vec![what];
        causes.extend(chain(error.as_ref()));
        let stops = fatal && !self.goes_on();
        self.context
            .say(&render(&causes, error.hint().as_deref(), stops, self.color));
        if fatal {
            self.report.errors.extend(causes);
            let fault = error.fault();
            self.fault = Some(self.fault.map_or(fault, |other| other.graver(fault)));
        }
    }

    fn goes_on(&self) -> bool {
        self.options.on_failure == OnFailure::Continue
    }

    /// Writes the report and, on failure, the termination message. What cannot be written is said
    /// and changes nothing: the work is done, or the failure is already told.
    fn write(&mut self) {
        self.report.seconds = self.context.started.elapsed().as_secs_f64();
        let json = self.report.to_json();
        let prefix = &self.options.settings.prefix;
        // A command that was mistyped should not make directories; a start should leave its report.
        if self.report.command == "init" || prefix.path().exists() {
            match files::write_whole(&prefix.report(), json.as_bytes(), 0o644) {
                // A prefix that is baked into an image: nothing is wrong with that.
                Err(error) if is_unwritable(&error.source) => {}
                result => self.warn(result),
            }
        }
        if let Some(path) = &self.options.report {
            self.warn(files::write_whole(path, json.as_bytes(), 0o644));
        }
        let path = &self.options.termination_log;
        if self.report.exit_code != 0 && path.exists() {
            let message = self.report.termination_message();
            self.warn(files::overwrite(path, message.as_bytes()));
        }
    }

    fn warn(&self, result: Result<(), files::Error>) {
        if let Err(error) = result {
            self.context
                .say(&render(&chain(&error), None, false, self.color));
        }
    }
}

fn is_unwritable(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem)
}
