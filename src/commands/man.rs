//! `bootstrap man`: the manual pages.

use std::process::ExitCode;

use crate::context::Context;
use crate::error::Error;

/// Print a manual page, in roff
///
/// To read it: bootstrap man install | man -l -
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The command that the page is about, such as `policy check`; default: the whole program
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
}

/// Prints a page of this command line.
pub fn run(context: &Context, args: &Args, whole: &clap::Command) -> Result<ExitCode, Error> {
    let mut page = whole.clone();
    let mut full = "bootstrap".to_owned();
    for name in &args.command {
        let found = page
            .get_subcommands()
            .find(|command| command.get_name() == name)
            .cloned();
        let Some(found) = found else {
            let names = page.get_subcommands().map(clap::Command::get_name);
            let names = names.collect::<Vec<_>>().join(", ");
            let hint = if names.is_empty() {
                format!("`{full}` has no commands")
            } else {
                format!("it takes {names}")
            };
            return Err(Error::usage(format!("there is no command `{name}`")).with_hint(Some(hint)));
        };
        full = format!("{full}-{name}");
        page = found.name(full.clone());
    }
    let mut roff = Vec::new();
    clap_mangen::Man::new(page).render(&mut roff)?;
    context.print(&String::from_utf8_lossy(&roff))?;
    Ok(ExitCode::SUCCESS)
}
