//! `bootstrap init`: everything a delegate needs at start, under one deadline.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::conclusion::{Conclusion, Leniency};
use crate::context::Context;
use crate::error::Error;
use crate::options::{
    AccessOptions, CheckFlags, ClusterFlags, GlobalFlags, InstallFlags, InstallOptions, Layers,
    Tools,
};
use crate::report::Step;
use crate::tools::wanted::Wanted;
use crate::verify::tools::judge_outcomes;
use crate::verify::{Check, Finding};

/// The plain manifest gives a delegate 180 s to start, and its JVM needs most of the other half.
const BUDGET: Duration = Duration::from_secs(90);

const EXAMPLES: &str = "\
Examples:
  bootstrap init                                    what INIT_SCRIPT runs
  bootstrap init --tools aws-cli,serverless@2.50.0
  bootstrap init --on-failure continue              break a crash loop
  kubectl exec POD -- cat /opt/harness-delegate/bootstrap/report.json";

/// Bring a delegate up: install the tools, under one deadline
///
/// Run as a child of INIT_SCRIPT, where its exit code alone decides whether the delegate starts. A
/// second start with everything in place takes milliseconds. The report of the last run is in
/// PREFIX/report.json.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to install, separated by commas (can be repeated)
    ///
    /// Default: BOOTSTRAP_TOOLS, else the tools of bootstrap.yaml.
    #[arg(long, value_name = "TOOL[@VERSION]", value_delimiter = ',')]
    tools: Vec<Wanted>,
    #[command(flatten)]
    flags: InstallFlags,
    #[command(flatten)]
    clusters: ClusterFlags,
    #[command(flatten)]
    checks: CheckFlags,
}

/// Runs the steps.
pub fn run(context: &Context, global: &GlobalFlags, args: Args) -> Result<ExitCode, Error> {
    let leniency = Leniency::new(context, global, &args.flags);
    leniency.end(context, "init", steps(context, global, args))
}

fn steps(context: &Context, global: &GlobalFlags, args: Args) -> Result<ExitCode, Error> {
    let layers = Layers::new(context, global)?;
    // What cannot be right at any start is found before anything is downloaded.
    let access = layers.access(&args.flags.network(), &args.clusters, &args.checks)?;
    let options = layers.install("init", args.flags, args.tools, BUDGET)?;
    let mut conclusion = Conclusion::new(context, global, &options, "init");
    let mut tools = Finding::skip(Check::Tools, "no tools configured");
    if options.wanted.is_empty() {
        conclusion.add(Step::skipped("install", "no tools configured"));
    } else {
        let began = Instant::now();
        match options.install_tools(context) {
            Ok(outcomes) => {
                tools = judge_outcomes(&outcomes);
                conclusion.add(Step::install(outcomes, began.elapsed()));
            }
            Err(error) => return Ok(conclusion.fail(&error)),
        }
    }
    conclusion.add(Step::skipped("kubeconfig", "no cluster configured"));
    conclusion.add(verify(context, &options, &access, tools)?);
    conclusion.end()
}

/// What a start needs to know: that it can go on, and why it cannot.
fn verify(
    context: &Context,
    options: &InstallOptions,
    access: &AccessOptions,
    tools: Finding,
) -> Result<Step, Error> {
    if !access.has_anything_to_check(context) {
        return Ok(Step::skipped("verify", "no cluster configured"));
    }
    if access.offline {
        return Ok(Step::skipped("verify", "offline"));
    }
    let mut checks = BTreeSet::from([Check::Tools, Check::Version]);
    if !access.clusters.is_empty() {
        checks.extend([Check::Credentials, Check::Cluster]);
    } else if access.checks.credentials.is_some() {
        checks.insert(Check::Credentials);
    }
    let began = Instant::now();
    let prefix = &options.settings.prefix;
    let tools = Tools::Known(tools);
    let findings = access.verify(context, checks, prefix, tools, options.deadline)?;
    Ok(Step::verify(findings, began.elapsed()))
}
