//! `bootstrap policy check`: what documents lack.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::{ScopeFlags, set};
use crate::context::Context;
use crate::error::Error;
use crate::options::{GlobalFlags, Output, read_inputs};
use crate::policy::Set;
use crate::policy::check::{Given, State, Verdict, check};

/// Something is lacking.
const LACKING: u8 = 3;

const EXAMPLES: &str = "\
Examples:
  bootstrap policy check policy.json --for s3-read ecr-pull
  bootstrap policy check policies/ --for s3-write --bucket artifacts --output json
  aws iam get-policy-version --policy-arn ARN --version-id v1 \\
    --query PolicyVersion.Document | bootstrap policy check --for serverless

All files together are the policies of one role. Boundaries, resource policies and those of the
organization are not in them, and may deny what they grant; what depends on a condition is
not counted as granted.
Exit code 3 when something is lacking.";

/// Say which actions of the sets a policy lacks, without a network
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Policy documents, directories with them, or `-` for standard input (the default)
    #[arg(value_name = "FILE|DIR|-")]
    inputs: Vec<PathBuf>,
    /// The sets, separated by blanks or commas; files stand before it
    #[arg(
        long = "for", value_name = "SET", required = true, num_args = 1.., value_delimiter = ',',
        value_parser = set()
    )]
    sets: Vec<Set>,
    /// Count what is granted under a condition as granted
    #[arg(long)]
    allow_conditions: bool,
    /// Print the result as text or as JSON [default: text]
    #[arg(long, value_name = "FORMAT", value_enum)]
    output: Option<Output>,
    #[command(flatten)]
    scope: ScopeFlags,
}

pub(super) fn run(context: &Context, global: &GlobalFlags, args: &Args) -> Result<ExitCode, Error> {
    let inputs = read_inputs(context, &args.inputs)?;
    let given = inputs
        .iter()
        .map(|input| Given::parse(&input.name, &input.text));
    let given = given.collect::<Result<Vec<_>, _>>()?;
    let verdicts = check(&given, &args.sets, &args.scope.scope()?)?;
    let is_lacking = |verdict: &&Verdict| {
        verdict.state != State::Granted
            && !(args.allow_conditions && verdict.state.is_conditional())
    };
    let lacking = verdicts.iter().filter(is_lacking).count();
    match args.output.unwrap_or_default() {
        Output::Json => context.print(&to_json(&verdicts, lacking))?,
        Output::Text => {
            context.print(&to_text(&verdicts))?;
            if !global.quiet {
                let all = verdicts.len();
                context.say(&format!("{lacking} of {all} actions lacking\n"));
            }
        }
    }
    Ok(ExitCode::from(if lacking == 0 { 0 } else { LACKING }))
}

/// A line for each action that is not simply granted.
fn to_text(verdicts: &[Verdict]) -> String {
    let shown = verdicts
        .iter()
        .filter(|verdict| verdict.state != State::Granted);
    shown
        .map(|verdict| {
            let (action, detail) = (&verdict.action, verdict.state.detail());
            match verdict.resource.as_str() {
                "*" => format!("{action}: {detail}\n"),
                resource => format!("{action} on {resource}: {detail}\n"),
            }
        })
        .collect()
}

fn to_json(verdicts: &[Verdict], lacking: usize) -> String {
    let actions = verdicts.iter().map(|verdict| {
        json!({
            "action": verdict.action,
            "resource": verdict.resource,
            "state": verdict.state.word(),
            "detail": verdict.state.detail(),
        })
    });
    let actions: Vec<_> = actions.collect();
    format!(
        "{:#}\n",
        json!({ "version": 1, "lacking": lacking, "actions": actions })
    )
}
