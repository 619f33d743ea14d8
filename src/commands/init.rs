//! `bootstrap init`: everything a delegate needs at start, under one deadline.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::conclusion::{Conclusion, Leniency};
use crate::context::Context;
use crate::deadline::Deadline;
use crate::error::{Error, Look};
use crate::fault::Fault;
use crate::options::{
    AccessOptions, CheckFlags, ClusterFlags, GlobalFlags, InstallFlags, InstallOptions,
    KubeconfigFlags, KubeconfigOptions, Layers, Tools,
};
use crate::report::Step;
use crate::tools::wanted::Wanted;
use crate::verify::tools::judge_outcomes;
use crate::verify::{Check, Finding};

/// The plain manifest gives a delegate 180 s to start, and its JVM needs most of the other half.
const BUDGET: Duration = Duration::from_secs(90);

/// A network without a way to AWS must leave the delegate its time to start: this step is of use to
/// shell steps and operators, and Harness writes a kubeconfig of its own for its EKS steps.
const KUBECONFIG_LIMIT: Duration = Duration::from_secs(20);

const EXAMPLES: &str = "\
Examples:
  bootstrap init                                    what INIT_SCRIPT runs
  bootstrap init --tools aws-cli,serverless@2.50.0
  bootstrap init --cluster payments --region us-east-1 --exec builtin
  bootstrap init --on-failure continue              break a crash loop
  kubectl exec POD -- cat /opt/harness-delegate/bootstrap/report.json";

/// Bring a delegate up: tools, kubeconfig and checks, under one deadline
///
/// Installs the tools, writes the clusters into the kubeconfig, and checks tools, credentials, clusters
/// and the version of Kubernetes. A required tool that could not be put in place, a version that is
/// proved to be too old, and bad options stop the delegate; all else warns (see --on-failure). Run as a child of INIT_SCRIPT, where its exit code alone decides whether the delegate starts. A
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
    kubeconfig: KubeconfigFlags,
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
    let kubeconfig = layers.kubeconfig(&args.kubeconfig, access.clusters.len())?;
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
    let look = global.look(context);
    let step = write_kubeconfig(
        context,
        &options,
        &access,
        &kubeconfig,
        &mut conclusion,
        look,
    );
    conclusion.add(step);
    conclusion.add(verify(context, &options, &access, tools));
    conclusion.end()
}

/// Writes the clusters into the kubeconfig.
fn write_kubeconfig(
    context: &Context,
    options: &InstallOptions,
    access: &AccessOptions,
    kubeconfig: &KubeconfigOptions,
    conclusion: &mut Conclusion<'_>,
    look: Look,
) -> Step {
    if access.clusters.is_empty() {
        return Step::skipped("kubeconfig", "no cluster configured");
    }
    if access.offline {
        return Step::skipped("kubeconfig", "offline");
    }
    let began = Instant::now();
    let prefix = &options.settings.prefix;
    let deadline = Deadline::after(began, KUBECONFIG_LIMIT.min(options.deadline.left()));
    let updated = kubeconfig.update(context, access, prefix, false, deadline, look);
    let mut lacking = Vec::new();
    let mut tell = |error: Error, stops: bool| {
        conclusion.tell(&error, stops);
        lacking.push(error.chain().join(": "));
    };
    let contexts = match updated {
        Ok(updated) => {
            for (_, error) in updated.failed {
                tell(error.into(), false);
            }
            updated.contexts
        }
        // Options that do not fit each other would not at any start.
        Err(error) => {
            let stops = error.fault() == Fault::Usage;
            tell(error, stops);
            Vec::new()
        }
    };
    let lacking = (!lacking.is_empty()).then(|| lacking.join("; "));
    Step::kubeconfig(contexts, lacking, began.elapsed())
}

/// What a start needs to know: that it can go on, and why it cannot.
fn verify(
    context: &Context,
    options: &InstallOptions,
    access: &AccessOptions,
    tools: Finding,
) -> Step {
    if !access.has_anything_to_check(context) {
        return Step::skipped("verify", "no cluster configured");
    }
    if access.offline {
        return Step::skipped("verify", "offline");
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
    let findings = access.verify(context, checks, prefix, tools, options.deadline);
    Step::verify(findings, began.elapsed())
}
