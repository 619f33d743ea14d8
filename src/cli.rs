//! The command line: which commands there are, and the only `match` over them.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::commands::token::authenticator;
use crate::commands::{
    bundle, completions, env, init, install, kubeconfig, lint, lock, man, patch, policy, token,
    uninstall, verify,
};
use crate::context::Context;
use crate::error::{Error, Look, render};
use crate::options::{GlobalFlags, refusal, unknown_variables};

const EXAMPLES: &str = "\
Examples:
  bootstrap init                           what INIT_SCRIPT runs
  eval \"$(bootstrap env)\"                  put the tools on PATH
  bootstrap install aws-cli serverless     install by hand, in their default versions
  bootstrap install --list                 show what can be installed
  bootstrap token -i payments              enter a cluster, as kubectl does
  bootstrap verify                         check tools, credentials and clusters

Exit codes:
  0  done, or nothing to do          go on
  1  failed on this machine          read the message
  2  usage                           fix the command
  3  not as it should be             fix what it lists; nothing was changed
  4  untrusted bytes                 stop; never retry
  5  network, AWS or the deadline    try again later, or mend what AWS refused
  6  bad input file                  fix the file

Every option has a variable BOOTSTRAP_<OPTION> and, where it makes sense, a key in
bootstrap.yaml: flag before variable before file before default.";

/// Puts verified tools on a Harness Delegate at start
#[derive(Debug, Parser)]
#[command(name = "bootstrap", version, after_help = EXAMPLES, max_term_width = 90)]
#[command(
    help_expected = true,
    disable_help_subcommand = true,
    propagate_version = true
)]
pub struct Cli {
    #[command(flatten)]
    global: GlobalFlags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(Box<init::Args>),
    Install(install::Args),
    Env(env::Args),
    Kubeconfig(kubeconfig::Args),
    Token(token::Args),
    Uninstall(uninstall::Args),
    Verify(verify::Args),
    Patch(Box<patch::Args>),
    Lint(lint::Args),
    Lock(lock::Args),
    Bundle(bundle::Args),
    Policy(policy::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Command {
    /// Whether a variable with a wrong name may be what its caller wonders about. Not what kubectl
    /// or a shell runs at each turn.
    const fn obeys_all_variables(&self) -> bool {
        matches!(
            self,
            Self::Init(_)
                | Self::Install(_)
                | Self::Kubeconfig(_)
                | Self::Uninstall(_)
                | Self::Verify(_)
        )
    }
}

/// Parses the command line, runs the command and says how it went.
pub fn run(context: &Context) -> ExitCode {
    if context.is_called(authenticator::NAME) {
        return authenticator::run(context);
    }
    let cli = match Cli::try_parse_from(&context.arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(context, error),
    };
    if cli.command.obeys_all_variables() {
        for unknown in unknown_variables(context) {
            context.say(&render(&[unknown], None, false, cli.global.look(context)));
        }
    }
    let result = match cli.command {
        Command::Init(args) => init::run(context, &cli.global, *args),
        Command::Install(args) => install::run(context, &cli.global, args),
        Command::Env(args) => env::run(context, &cli.global, &args),
        Command::Kubeconfig(args) => kubeconfig::run(context, &cli.global, &args),
        Command::Token(args) => token::run(context, &cli.global, args),
        Command::Uninstall(args) => uninstall::run(context, &cli.global, &args),
        Command::Verify(args) => verify::run(context, &cli.global, &args),
        Command::Patch(args) => patch::run(context, &cli.global, &args),
        Command::Lint(args) => lint::run(context, &cli.global, &args),
        Command::Lock(args) => lock::run(context, &cli.global, &args),
        Command::Bundle(args) => bundle::run(context, &cli.global, args),
        Command::Policy(args) => policy::run(context, &cli.global, &args),
        Command::Completions(args) => completions::run(context, &args, Cli::command()),
        Command::Man(args) => man::run(context, &args, &Cli::command()),
    };
    match result {
        Ok(code) => code,
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            context.say(&error.to_text(cli.global.look(context)));
            ExitCode::from(error.exit_code())
        }
    }
}

/// Help and versions go to standard output, mistakes to standard error with code 2.
fn refuse(context: &Context, error: clap::Error) -> ExitCode {
    let is_mistake = error.use_stderr();
    let text = refusal(error);
    if is_mistake {
        context.say(&text);
        return ExitCode::from(Error::usage("").exit_code());
    }
    match context.print(&text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let error = Error::from(error);
            context.say(&error.to_text(Look::Plain));
            ExitCode::from(error.exit_code())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound_and_every_option_has_a_help_text() {
        Cli::command().debug_assert();
    }
}
