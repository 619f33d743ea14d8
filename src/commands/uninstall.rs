//! `bootstrap uninstall`: tools taken out again, and old versions and downloads with them.

use std::process::ExitCode;
use std::time::Duration;

use crate::context::Context;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::options::{GlobalFlags, Layers};
use crate::tools::names::ToolName;
use crate::tools::uninstall::Uninstall;

/// How long another run is waited for.
const PATIENCE: Duration = Duration::from_secs(90);

const EXAMPLES: &str = "\
Examples:
  bootstrap uninstall serverless
  bootstrap uninstall --prune";

/// Take tools out again
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to take out
    #[arg(value_name = "TOOL", required_unless_present = "prune")]
    tools: Vec<ToolName>,
    /// Drop versions that are not in use, and the downloads in PREFIX/cache
    #[arg(long)]
    prune: bool,
    /// Take the links out of this directory too, such as /usr/local/bin
    ///
    /// Directories that an installation was told of are known.
    #[arg(long, value_name = "DIR")]
    bin_dir: Option<std::path::PathBuf>,
}

/// Takes them out.
pub fn run(context: &Context, global: &GlobalFlags, args: &Args) -> Result<ExitCode, Error> {
    let layers = Layers::new(context, global)?;
    let prefix = layers.prefix()?;
    let bin_dir = layers.bin_dir(args.bin_dir.clone())?;
    let known = layers.known_tools()?;
    let uninstall = Uninstall {
        prefix: &prefix,
        bin_dir: bin_dir.as_deref(),
        known: &known,
        holder: &context.holder("uninstall"),
        deadline: Deadline::after(context.started, PATIENCE),
    };
    let waiting = |holder: &str| context.say(&format!("waiting for {holder}\n"));
    let done = uninstall.run(&args.tools, args.prune, waiting);
    let done = done.map_err(|error| {
        let (fault, hint) = (error.fault(), error.hint());
        Error::new(fault, error).with_hint(hint)
    })?;
    let mut text = String::new();
    for line in done {
        text.push_str(&format!("{line}\n"));
    }
    context.print(&text)?;
    Ok(ExitCode::SUCCESS)
}
