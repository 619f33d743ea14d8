//! The end of a run: errors for people, the report for programs, a line for the kubelet, and the
//! exit code.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crate::config::OnFailure;
use crate::context::Context;
use crate::error::{Error, Look, chain, render, without_passwords};
use crate::fault::Fault;
use crate::files;
use crate::options::{
    GlobalFlags, InstallFlags, InstallOptions, Layers, Output, started, termination_log,
};
use crate::platform::Platform;
use crate::report::{Report, Step};
use crate::tools::outcome::{Outcome, State};
use crate::tools::prefix::Prefix;
use crate::verify::{self, Check, Finding};

/// What a run is to be forgiven, and where it is told, as far as no file has a say in it.
#[derive(Clone, Debug)]
pub struct Leniency {
    goes_on: bool,
    termination_log: PathBuf,
    prefix: Option<Prefix>,
    look: Look,
}

impl Leniency {
    /// As the flags and variables have it.
    pub fn new(context: &Context, global: &GlobalFlags, flags: &InstallFlags) -> Self {
        let variable = context.variable("BOOTSTRAP_ON_FAILURE");
        let goes_on = flags
            .on_failure
            .map_or(variable == Some("continue"), |policy| {
                policy == OnFailure::Continue
            });
        Self {
            goes_on,
            termination_log: termination_log(context, flags.termination_log.clone()),
            prefix: Layers::without_file(context, global).prefix().ok(),
            look: global.look(context),
        }
    }

    /// Ends a run of `command` whose error may have come before its options were known: what
    /// failed may be the file that names the policy.
    pub fn end(
        self,
        context: &Context,
        command: &'static str,
        result: Result<ExitCode, Error>,
    ) -> Result<ExitCode, Error> {
        let error = match result {
            Err(error) if !error.is_broken_pipe() => error,
            done => return done,
        };
        let started = started(context);
        let mut report = Report::new(command, Platform::host().to_string(), started);
        report.exit_code = if self.goes_on { 0 } else { error.exit_code() };
        report.errors = error.chain();
        if let (Some(prefix), "init") = (&self.prefix, command) {
            keep(context, self.look, prefix, &report);
        }
        if self.goes_on {
            return Ok(go_on(context, self.look, &error));
        }
        tell_kubelet(context, self.look, &self.termination_log, &report);
        Err(error)
    }
}

/// Says an error that stops nothing.
fn go_on(context: &Context, look: Look, error: &Error) -> ExitCode {
    context.say(&error.to_text(look));
    let warning = "going on in spite of this, as --on-failure=continue asks".to_owned();
    context.say(&render(&[warning], None, false, look));
    ExitCode::SUCCESS
}

/// The report for programs; what a tool said of its failure may quote a URL with a password.
fn json(report: &Report) -> String {
    without_passwords(&report.to_json())
}

/// Writes the report into the prefix, where a crash loop can be read afterwards.
fn keep(context: &Context, look: Look, prefix: &Prefix, report: &Report) {
    // A command that was mistyped should not make directories; a start should leave its report.
    if report.command != "init" && !prefix.path().exists() {
        return;
    }
    match files::write_whole(&prefix.report(), json(report).as_bytes(), 0o644) {
        // A prefix that is baked into an image: nothing is wrong with that.
        Err(error) if is_unwritable(&error.source) => {}
        Err(error) => context.say(&render(&chain(&error), None, false, look)),
        Ok(()) => {}
    }
}

/// Writes one line where the kubelet looks for it, if it looks at all.
fn tell_kubelet(context: &Context, look: Look, path: &Path, report: &Report) {
    if path.exists()
        && let Err(error) = files::overwrite(path, report.termination_message().as_bytes())
    {
        context.say(&render(&chain(&error), None, false, look));
    }
}

/// A run that is coming to its end.
#[derive(Debug)]
pub struct Conclusion<'a> {
    context: &'a Context,
    options: &'a InstallOptions,
    look: Look,
    report: Report,
    fault: Option<Fault>,
    /// Whether a check found what must not be.
    found: bool,
}

/// The exit code of a run in which a check found what must not be: a finding is no failure.
pub const FOUND: u8 = 3;

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
            look: global.look(context),
            report,
            fault: None,
            found: false,
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
        for finding in &step.checks {
            self.judge_check(finding);
        }
        self.report.steps.push(step);
    }

    /// Ends a run that could not even begin its steps, or not print its result.
    pub fn fail(mut self, error: &Error) -> ExitCode {
        self.report.errors.extend(error.chain());
        if self.report.exit_code == 0 && !self.goes_on() {
            self.report.exit_code = error.exit_code();
        }
        self.write();
        if self.goes_on() {
            return go_on(self.context, self.look, error);
        }
        self.context.say(&error.to_text(self.look));
        ExitCode::from(self.report.exit_code)
    }

    /// Ends the run.
    pub fn end(mut self) -> Result<ExitCode, Error> {
        self.report.exit_code = match (self.fault, self.found) {
            _ if self.goes_on() => 0,
            (Some(fault), _) => Error::new(fault, "").exit_code(),
            (None, true) => FOUND,
            (None, false) => 0,
        };
        self.write();
        let text = match self.options.output {
            Output::Json => json(&self.report),
            Output::Text => self.report.to_text(),
        };
        match self.context.print(&text).map_err(Error::from) {
            Err(error) if error.is_broken_pipe() => Err(error),
            Err(error) => Ok(self.fail(&error)),
            Ok(()) => Ok(ExitCode::from(self.report.exit_code)),
        }
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
            let tool = |outcome: &Outcome| format!("{} {}", outcome.tool, outcome.version);
            let names: Vec<_> = outcomes.iter().map(tool).collect();
            format!("{} could not be put in place", names.join(", "))
        };
        let mut causes = vec![what];
        causes.extend(chain(error.as_ref()));
        let stops = fatal && !self.goes_on();
        self.context
            .say(&render(&causes, error.hint().as_deref(), stops, self.look));
        if fatal {
            self.report.errors.extend(causes);
            let fault = error.fault();
            self.fault = Some(self.fault.map_or(fault, |other| other.graver(fault)));
        }
    }

    /// Says why a step, or part of it, came to nothing: this stops a run that asks for it, and where
    /// it `stops` any.
    pub fn tell(&mut self, error: &Error, stops: bool) {
        let fatal = stops || self.options.on_failure == OnFailure::Fail;
        let (chain, stops) = (error.chain(), fatal && !self.goes_on());
        self.context
            .say(&render(&chain, error.hint(), stops, self.look));
        if fatal {
            self.report.errors.extend(chain);
            let fault = error.fault();
            self.fault = Some(self.fault.map_or(fault, |other| other.graver(fault)));
        }
    }

    /// Says what a check found, and remembers it where it is fatal.
    ///
    /// What the installation has already told is not told again.
    fn judge_check(&mut self, finding: &Finding) {
        if finding.check == Check::Tools
            || !matches!(finding.state, verify::State::Fail | verify::State::Warn)
        {
            return;
        }
        let fatal = match self.options.on_failure {
            OnFailure::Fail => true,
            OnFailure::Default | OnFailure::Continue => finding.stops,
        };
        let subject = finding.subject.as_deref();
        let subject = subject.map_or_else(String::new, |subject| format!(" of {subject}"));
        let mut chain = vec![format!("{}{subject}: {}", finding.check, finding.evidence)];
        chain.extend(finding.cause.clone());
        let stops = fatal && !self.goes_on();
        let remedy = finding.remedy.as_deref();
        self.context.say(&render(&chain, remedy, stops, self.look));
        if fatal {
            self.report.errors.extend(chain);
            self.found = true;
        }
    }

    fn goes_on(&self) -> bool {
        self.options.on_failure == OnFailure::Continue
    }

    /// Writes the report and, on failure, the termination message. What cannot be written is said
    /// and changes nothing: the work is done, or the failure is already told.
    fn write(&mut self) {
        self.report.seconds = self.context.started.elapsed().as_secs_f64();
        let prefix = &self.options.settings.prefix;
        keep(self.context, self.look, prefix, &self.report);
        if let Some(path) = &self.options.report {
            let json = json(&self.report);
            if let Err(error) = files::write_to(path, json.as_bytes(), 0o644) {
                self.context
                    .say(&render(&chain(&error), None, false, self.look));
            }
        }
        if self.report.exit_code != 0 {
            let path = &self.options.termination_log;
            tell_kubelet(self.context, self.look, path, &self.report);
        }
    }
}

fn is_unwritable(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem)
}
