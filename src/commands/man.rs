//! `bootstrap man`: the manual pages.

use std::process::ExitCode;

use crate::context::Context;
use crate::error::Error;

/// Print a manual page, in roff
///
/// To read it: bootstrap man install | man -l -
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The command that the page is about; default: the whole program
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

/// Prints a page of this command line.
pub fn run(context: &Context, args: &Args, whole: &clap::Command) -> Result<ExitCode, Error> {
    let page = match &args.command {
        None => whole.clone(),
        Some(name) => {
            let found = whole
                .get_subcommands()
                .find(|command| command.get_name() == name)
                .cloned();
            let names = whole
                .get_subcommands()
                .map(clap::Command::get_name)
                .collect::<Vec<_>>()
                .join(", ");
            let unknown = || {
                Error::usage(format!("there is no command `{name}`"))
                    .with_hint(Some(format!("it takes {names}")))
            };
            let full = format!("bootstrap-{name}");
            found.ok_or_else(unknown)?.name(full)
        }
    };
    let mut roff = Vec::new();
    clap_mangen::Man::new(page).render(&mut roff)?;
    context.print(&String::from_utf8_lossy(&roff))?;
    Ok(ExitCode::SUCCESS)
}
