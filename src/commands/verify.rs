//! `bootstrap verify`: the preflight, as a table or as JSON.

mod pod;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use crate::conclusion::FOUND;
use crate::context::Context;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::options::{CheckFlags, ClusterFlags, GlobalFlags, Layers, NetworkFlags, Output, Tools};
use crate::platform::Platform;
use crate::report::{Report, Step, table};
use crate::tools::prefix::Prefix;
use crate::verify::tools::Depth;
use crate::verify::{Check, Finding, Purpose, State};

/// Nothing waits for long, and a person may be waiting.
const BUDGET: Duration = Duration::from_mins(1);

const EXAMPLES: &str = "\
Examples:
  bootstrap verify                                       all of bootstrap.yaml
  bootstrap verify --credentials irsa --cluster payments --region us-east-1
  bootstrap verify --only credentials,role --output json
  bootstrap verify --only tools --full                   hash every file
  bootstrap verify --pod newdel-0 --namespace harness-delegate-ng --cluster payments
  bootstrap verify --for serverless --role-arn ARN       what Serverless takes
  kubectl exec POD -- /opt/harness-delegate/bootstrap/bin/bootstrap verify

Exit codes: 0 when no check failed, 3 when one did; a warning is no failure.";

/// Check tools, credentials, roles and clusters, and say what is wrong and why
///
/// Changes nothing. Every check ends as pass, warn, fail or skip; a check that cannot be made because
/// of another is skipped, and all others are made. No wait is longer than some seconds.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Make these checks alone, separated by commas (can be repeated)
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    only: Vec<Check>,
    /// Check what deployments of this kind take instead: `serverless`
    ///
    /// serverless: the framework in 2.x or 3.x, Node.js in the range that it takes, npm, the AWS CLI, and,
    /// where a role is given or a cluster has one, that it can be assumed. Programs are those of
    /// PREFIX/bin, else of PATH.
    #[arg(long = "for", value_name = "KIND", conflicts_with_all = ["only", "full", "credentials", "test_region", "minimum_kubernetes", "pod", "namespace", "pod_label"])]
    purpose: Option<Purpose>,
    /// Show what is checked, and stop
    #[arg(long)]
    list: bool,
    /// Hash every file of the tools
    #[arg(long)]
    full: bool,
    /// Print the result as text or as JSON [default: text]
    #[arg(long, value_name = "FORMAT", value_enum)]
    output: Option<Output>,
    #[command(flatten)]
    network: NetworkFlags,
    #[command(flatten)]
    clusters: ClusterFlags,
    #[command(flatten)]
    checks: CheckFlags,
    #[command(flatten)]
    pod: pod::PodFlags,
}

/// Checks, or lists the checks.
pub fn run(context: &Context, global: &GlobalFlags, args: &Args) -> Result<ExitCode, Error> {
    let layers = Layers::new(context, global)?;
    let output = layers.output(args.output)?;
    if args.list {
        let checks = match args.purpose {
            None => &Check::ALL[..],
            Some(Purpose::Serverless) => &Check::SERVERLESS,
        };
        return list(context, output, checks);
    }
    let deadline = layers.deadline(args.network.deadline, BUDGET)?;
    let prefix = layers.present_prefix();
    let started = context.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let findings = match args.purpose {
        Some(Purpose::Serverless) => {
            let crossings = layers.crossings(&args.clusters)?;
            let access = layers.access_without_clusters(&args.network, &args.clusters)?;
            access.verify_serverless(context, &crossings, &prefix, deadline)
        }
        None => preflight(context, &layers, args, &prefix, deadline)?,
    };
    tell(context, findings, started, output)
}

/// Makes the checks of every delegate.
fn preflight(
    context: &Context,
    layers: &Layers<'_>,
    args: &Args,
    prefix: &Prefix,
    deadline: Deadline,
) -> Result<Vec<Finding>, Error> {
    let mut access = layers.access(&args.network, &args.clusters, &args.checks)?;
    access.pod = args.pod.asked(access.clusters.len())?;
    let checks: BTreeSet<Check> = if args.only.is_empty() {
        Check::ALL.into()
    } else {
        args.only.iter().copied().collect()
    };
    let depth = if args.full { Depth::Full } else { Depth::Start };
    let wanted = layers.wanted(Vec::new())?;
    let tools = Tools::Look(depth, &wanted);
    Ok(access.verify(context, checks, prefix, tools, deadline))
}

/// Prints what was found.
fn tell(
    context: &Context,
    findings: Vec<Finding>,
    started: String,
    output: Output,
) -> Result<ExitCode, Error> {
    let mut report = Report::new("verify", Platform::host().to_string(), started);
    if findings.iter().any(|finding| finding.state == State::Fail) {
        report.exit_code = FOUND;
    }
    let details = details(&findings);
    report.seconds = context.started.elapsed().as_secs_f64();
    report
        .steps
        .push(Step::verify(findings, context.started.elapsed()));
    context.print(&match output {
        Output::Json => report.to_json(),
        Output::Text => format!("{}{details}", report.to_text()),
    })?;
    Ok(ExitCode::from(report.exit_code))
}

/// What is behind each warning and failure, and what to do about it.
fn details(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let is_told = finding.cause.is_some() || finding.remedy.is_some();
        if !is_told {
            continue;
        }
        let subject = finding.subject.as_deref();
        let subject = subject.map_or_else(String::new, |subject| format!(" of {subject}"));
        text.push_str(&format!(
            "\n{}: {}{subject}\n",
            finding.state.to_string().trim_end(),
            finding.check
        ));
        for (label, part) in [("cause", &finding.cause), ("remedy", &finding.remedy)] {
            if let Some(part) = part {
                text.push_str(&format!("  {label}: {part}\n"));
            }
        }
    }
    text
}

fn list(context: &Context, output: Output, checks: &[Check]) -> Result<ExitCode, Error> {
    let text = match output {
        Output::Json => {
            let checks: Vec<_> = checks
                .iter()
                .map(|check| serde_json::json!({ "check": check, "about": check.about() }))
                .collect();
            serde_json::to_string_pretty(&checks).map_err(std::io::Error::from)? + "\n"
        }
        Output::Text => {
            let mut rows = vec![["CHECK", "WHAT IT CHECKS"].map(str::to_owned)];
            let row = |check: &Check| [check.to_string(), check.about().to_owned()];
            rows.extend(checks.iter().map(row));
            table(&rows)
        }
    };
    context.print(&text)?;
    Ok(ExitCode::SUCCESS)
}
