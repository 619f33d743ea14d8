//! `bootstrap lint`: what in a delegate's manifest would fail in the cluster.

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use serde_json::json;

use crate::context::Context;
use crate::delegate::lint::{Finding, Minor, RULES, Severity, has_delegate, lint};
use crate::error::{Error, render};
use crate::options::{GlobalFlags, Input, Output, read_inputs};
use crate::yaml::Stream;

/// Something was found.
const FOUND: u8 = 3;

const EXAMPLES: &str = "\
Examples:
  bootstrap lint delegate.yaml
  bootstrap lint manifests/ --kubernetes 1.30
  helm template … | bootstrap lint --output json
  bootstrap lint --list-rules

A comment on the line of a finding, or above it, silences it:
  # bootstrap lint: ignore RULE: REASON

Exit code 3 when something was found, warnings included.";

/// Find what would fail in a delegate's manifest, before the cluster does
///
/// All files together are one set of objects, as they would be applied.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Files, directories with manifests, or `-` for standard input (the default)
    #[arg(value_name = "FILE|DIR|-")]
    inputs: Vec<PathBuf>,
    /// Print the result as text or as JSON [default: text]
    #[arg(long, value_name = "FORMAT", value_enum)]
    output: Option<Output>,
    /// Take APIs that this version of Kubernetes still has
    ///
    /// Default: APIs that any version has removed are found.
    #[arg(long, value_name = "1.MINOR")]
    kubernetes: Option<Version>,
    /// Print the rules and what to do about each
    #[arg(long, conflicts_with_all = ["inputs", "kubernetes"])]
    list_rules: bool,
}

/// A version of Kubernetes.
#[derive(Clone, Copy, Debug)]
struct Version(Minor);

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let minor = text.strip_prefix("1.").ok_or(InvalidVersion)?;
        let minor = minor.split(['.', '+', '-']).next().unwrap_or_default();
        minor.parse().map(Self).map_err(|_| InvalidVersion)
    }
}

/// The text is no version of Kubernetes.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("it takes a version such as 1.30")]
struct InvalidVersion;

/// Looks.
pub fn run(context: &Context, global: &GlobalFlags, args: &Args) -> Result<ExitCode, Error> {
    let output = args.output.unwrap_or_default();
    if args.list_rules {
        context.print(&rules(output))?;
        return Ok(ExitCode::SUCCESS);
    }
    let inputs = read_inputs(context, &args.inputs)?;
    let streams = inputs
        .iter()
        .map(|input| Stream::parse(&input.name, &input.text));
    let streams = streams.collect::<Result<Vec<_>, _>>()?;
    let found = lint(&streams, args.kubernetes.map(|version| version.0));
    if !global.quiet && !has_delegate(&streams) {
        let note = format!("no delegate was found in {}", named(&inputs));
        context.say(&render(&[note], None, false, global.look(context)));
    }
    match output {
        Output::Json => context.print(&to_json(&found))?,
        Output::Text => {
            context.print(&to_text(&found, global.colors_stdout(context)))?;
            if !global.quiet {
                context.say(&summary(&found, inputs.len()));
            }
        }
    }
    Ok(ExitCode::from(if found.is_empty() { 0 } else { FOUND }))
}

/// The files, for a message.
fn named(inputs: &[Input]) -> String {
    match inputs {
        [input] => input.name.display().to_string(),
        inputs => format!("the {} files", inputs.len()),
    }
}

fn rules(output: Output) -> String {
    if output == Output::Json {
        let rules = RULES.iter().map(|rule| {
            json!({
                "id": rule.id,
                "severity": rule.severity.word(),
                "summary": rule.summary,
                "fix": rule.fix,
            })
        });
        let rules: Vec<_> = rules.collect();
        return format!("{:#}\n", json!({ "version": 1, "rules": rules }));
    }
    let mut text = String::new();
    for rule in RULES {
        text.push_str(&format!(
            "{} ({}): {}\n    fix: {}\n",
            rule.id,
            rule.severity.word(),
            rule.summary,
            rule.fix
        ));
    }
    text
}

fn to_text(found: &[Finding], colored: bool) -> String {
    let mut text = String::new();
    for finding in found {
        let rule = finding.rule;
        let word = match (colored, rule.severity) {
            (false, severity) => severity.word().to_owned(),
            (true, Severity::Error) => format!("\x1b[1;31m{}\x1b[0m", rule.severity.word()),
            (true, Severity::Warning) => format!("\x1b[1;33m{}\x1b[0m", rule.severity.word()),
        };
        text.push_str(&format!(
            "{}: {word}: {} [{}]\n    fix: {}\n",
            finding.at, finding.message, rule.id, rule.fix
        ));
    }
    text
}

fn to_json(found: &[Finding]) -> String {
    let findings = found.iter().map(|finding| {
        json!({
            "rule": finding.rule.id,
            "severity": finding.rule.severity.word(),
            "file": finding.at.file.display().to_string(),
            "line": finding.at.line,
            "column": finding.at.column,
            "message": finding.message,
            "fix": finding.rule.fix,
        })
    });
    let findings: Vec<_> = findings.collect();
    format!("{:#}\n", json!({ "version": 1, "findings": findings }))
}

fn summary(found: &[Finding], files: usize) -> String {
    let of = |severity| {
        let same = |finding: &&Finding| finding.rule.severity == severity;
        found.iter().filter(same).count()
    };
    let count = |number: usize, noun: &str| {
        let plural = if number == 1 { "" } else { "s" };
        format!("{number} {noun}{plural}")
    };
    format!(
        "{}, {} in {}\n",
        count(of(Severity::Error), "error"),
        count(of(Severity::Warning), "warning"),
        count(files, "file")
    )
}
