//! `bootstrap install`: tools put in place, verified.

use std::process::ExitCode;
use std::time::Duration;

use crate::conclusion::{Conclusion, Leniency};
use crate::context::Context;
use crate::error::Error;
use crate::options::{GlobalFlags, InstallFlags, Layers, Output};
use crate::platform::Platform;
use crate::report::{Step, table};
use crate::tools::catalog::Catalog;
use crate::tools::listing::{ListedTool, listing};
use crate::tools::wanted::Wanted;

/// A build has more time than a pod: no probe waits for it, and a slow link is no reason to fail.
const BUDGET: Duration = Duration::from_mins(10);

/// The columns of a listing.
const LINE_WIDTH: usize = 96;

const EXAMPLES: &str = "\
Examples:
  bootstrap install aws-cli aws-iam-authenticator@0.5.9
  bootstrap install --list
  bootstrap install serverless --mirror 'https://artifacts.corp/{host}/{path}'
  bootstrap install --durable --prefix /opt/bootstrap --bin-dir /usr/local/bin aws-cli
  bootstrap install --offline --mirror file:///mnt/bundle aws-cli";

/// Put tools in place, each checked against a pinned digest
///
/// Does nothing for a tool that is there and whole; puts one in place anew of which a file was
/// altered or is missing. Without names, the tools of bootstrap.yaml.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to install; without a version the locked one, else the catalog's default
    #[arg(value_name = "TOOL[@VERSION]")]
    tools: Vec<Wanted>,
    /// Show what can be installed, and stop
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    flags: InstallFlags,
}

/// Installs, or lists.
pub fn run(context: &Context, global: &GlobalFlags, args: Args) -> Result<ExitCode, Error> {
    let leniency = Leniency::new(context, global, &args.flags);
    leniency.end(context, "install", install(context, global, args))
}

fn install(context: &Context, global: &GlobalFlags, args: Args) -> Result<ExitCode, Error> {
    let layers = Layers::new(context, global)?;
    if args.list {
        return list(context, layers.output(args.flags.output)?);
    }
    let options = layers.install("install", args.flags, args.tools, BUDGET)?;
    if options.wanted.is_empty() {
        let hint = "name one, such as `bootstrap install aws-cli`, or list them under `tools:` in bootstrap.yaml";
        return Err(Error::usage("there is nothing to install").with_hint(Some(hint.to_owned())));
    }
    let mut conclusion = Conclusion::new(context, global, &options, "install");
    match options.install_tools(context) {
        Ok(outcomes) => conclusion.add(Step::install(outcomes, context.started.elapsed())),
        Err(error) => return Ok(conclusion.fail(&error)),
    }
    conclusion.end()
}

fn list(context: &Context, output: Output) -> Result<ExitCode, Error> {
    let tools = listing(&Catalog::builtin()?);
    let text = match output {
        Output::Json => serde_json::to_string_pretty(&tools).map_err(std::io::Error::from)? + "\n",
        Output::Text => text(&tools),
    };
    context.print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// A table of the tools, and below it all versions of each, newest first.
fn text(tools: &[ListedTool]) -> String {
    let mut rows = vec![["TOOL", "DEFAULT", "VERSIONS", "WHAT IT DOES"].map(str::to_owned)];
    for tool in tools {
        let count = tool.versions.len().to_string();
        rows.push([
            tool.name.to_string(),
            tool.default.to_string(),
            count,
            tool.about.clone(),
        ]);
    }
    let mut text = table(&rows);
    let all = Platform::ALL.len();
    for tool in tools {
        text.push_str(&format!("\n{}:", tool.name));
        let mut width = tool.name.as_str().len() + 1;
        for version in tool.versions.iter().rev() {
            let partial = version.platforms.len() < all;
            let only = if partial {
                format!(" ({} only)", version.platforms.join(", "))
            } else {
                String::new()
            };
            let word = format!(" {}{only}", version.version);
            if width + word.len() > LINE_WIDTH {
                text.push_str("\n ");
                width = 1;
            }
            width += word.len();
            text.push_str(&word);
        }
        text.push('\n');
    }
    text
}
