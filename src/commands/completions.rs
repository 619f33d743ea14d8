//! `bootstrap completions`: the completion script of a shell.

use std::process::ExitCode;

use clap::ValueEnum as _;

use crate::context::Context;
use crate::error::Error;

/// Print the completion script of a shell
///
/// For bash: source <(bootstrap completions bash)
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    #[arg(value_name = "SHELL", value_parser = shell)]
    shell: clap_complete::Shell,
}

fn shell(text: &str) -> Result<clap_complete::Shell, String> {
    clap_complete::Shell::from_str(text, false).map_err(|_| {
        let names = clap_complete::Shell::value_variants()
            .iter()
            .map(ToString::to_string);
        format!("it takes {}", names.collect::<Vec<_>>().join(", "))
    })
}

/// Prints the script for this command line.
pub fn run(context: &Context, args: &Args, mut whole: clap::Command) -> Result<ExitCode, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut whole, "bootstrap", &mut script);
    context.print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
