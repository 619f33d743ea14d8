//! `bootstrap init`: everything a delegate needs at start, under one deadline.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::conclusion::{Conclusion, Leniency};
use crate::context::Context;
use crate::error::Error;
use crate::options::{GlobalFlags, InstallFlags, Layers};
use crate::report::Step;
use crate::tools::wanted::Wanted;

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
}

/// Runs the steps.
pub fn run(context: &Context, global: &GlobalFlags, args: Args) -> Result<ExitCode, Error> {
    let leniency = Leniency::new(context, global, &args.flags);
    leniency.end(context, "init", steps(context, global, args))
}

fn steps(context: &Context, global: &GlobalFlags, args: Args) -> Result<ExitCode, Error> {
    let options = Layers::new(context, global)?.install("init", args.flags, args.tools, BUDGET)?;
    let mut conclusion = Conclusion::new(context, global, &options, "init");
    if options.wanted.is_empty() {
        conclusion.add(Step::skipped("install", "no tools configured"));
    } else {
        let began = Instant::now();
        match options.install_tools(context) {
            Ok(outcomes) => {
                conclusion.add(Step::install(outcomes, began.elapsed()));
            }
            Err(error) => return Ok(conclusion.fail(&error)),
        }
    }
    conclusion.add(Step::skipped("kubeconfig", "no cluster configured"));
    conclusion.add(Step::skipped("verify", "no cluster configured"));
    conclusion.end()
}
