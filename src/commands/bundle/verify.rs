//! `bootstrap bundle verify`: whether a bundle is whole.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use crate::context::Context;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::options::{GlobalFlags, Layers, Output};
use crate::report::size;
use crate::tools::bundle::{Bundle, Finding, Verdict};
use crate::tools::catalog::Catalog;

/// Something is not as it should be.
const NOT_WHOLE: u8 = 3;

const EXAMPLES: &str = "\
Examples:
  bootstrap bundle verify /mnt/bundle
  bootstrap bundle verify tools.tar --output json

Exit code 3 when a file is missing, altered or not in the lock, 6 when the lock itself is broken.";

/// Hash every file of a bundle again, and say what is missing, altered or too many
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The bundle
    #[arg(value_name = "DIR|FILE.tar")]
    bundle: PathBuf,
    /// Print the result as text or as JSON [default: text]
    #[arg(long, value_name = "FORMAT", value_enum)]
    output: Option<Output>,
}

/// Checks a bundle.
pub(super) fn run(context: &Context, global: &GlobalFlags, args: &Args) -> Result<ExitCode, Error> {
    let output = Layers::without_file(context, global).output(args.output)?;
    let bundle = super::open(context, &args.bundle)?;
    let verdict = bundle.verify(&Catalog::builtin()?, Deadline::never())?;
    let is_whole = verdict.findings.is_empty();
    context.print(&match output {
        Output::Json => to_json(&bundle, &verdict),
        Output::Text => to_text(&bundle, &verdict),
    })?;
    if is_whole {
        return Ok(ExitCode::SUCCESS);
    }
    if output == Output::Text {
        context.say(
            "hint: make it anew with `bootstrap bundle create --replace`, or copy it once more\n",
        );
    }
    Ok(ExitCode::from(NOT_WHOLE))
}

fn to_json(bundle: &Bundle, verdict: &Verdict) -> String {
    format!(
        "{:#}\n",
        json!({
            "version": 1,
            "bundle": bundle.path(),
            "whole": verdict.whole,
            "bytes": verdict.bytes,
            "findings": verdict.findings,
        })
    )
}

fn to_text(bundle: &Bundle, verdict: &Verdict) -> String {
    let path = bundle.path().display();
    if verdict.findings.is_empty() {
        let files = if verdict.whole == 1 { "file" } else { "files" };
        let bytes = size(verdict.bytes);
        return format!("{path} is whole: {} {files}, {bytes}\n", verdict.whole);
    }
    let mut text = String::new();
    for finding in &verdict.findings {
        text.push_str(&format!("{path}: {}\n", line(finding)));
    }
    text
}

fn line(finding: &Finding) -> String {
    let mut line = format!("{} is {}", finding.path, finding.problem.word());
    if let Some(detail) = &finding.detail {
        line.push_str(&format!(": {detail}"));
    }
    if !finding.of.is_empty() {
        line.push_str(&format!(" ({})", finding.of.join(", ")));
    }
    // Names and what is quoted come from whoever made the bundle.
    line.replace(char::is_control, "\u{fffd}")
}
