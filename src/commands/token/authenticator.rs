//! `aws-iam-authenticator`, when the program is called by that name: the commands that clients of
//! a cluster use, with that program's own exit code for every failure, 1.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};

use super::{ClusterFlag, Flags, Wanted};
use crate::context::Context;
use crate::error::{Error, Look};
use crate::options::{GlobalFlags, NetworkFlags, refusal};
use crate::tools::builtin::{self, VERSION};

/// The name of the link.
pub const NAME: &str = builtin::TOOL;

/// Authenticate to Kubernetes using AWS IAM credentials
///
/// This is `bootstrap`, called as aws-iam-authenticator.
#[derive(Debug, Parser)]
#[command(name = NAME, max_term_width = 90, args_override_self = true)]
struct Cli {
    #[command(flatten)]
    cluster: ClusterFlag,

    /// Accepted and not used: the file of the authenticator's server
    #[arg(short, long, value_name = "FILE", global = true)]
    config: Option<String>,

    /// Accepted and not used: nothing is logged
    #[arg(short, long, value_name = "FORMAT", global = true)]
    log_format: Option<String>,

    /// Accepted and not used: nothing is logged
    #[arg(short = 'v', long, value_name = "LEVEL", global = true)]
    log_verbosity: Option<String>,

    /// Accepted and not used: there are none
    #[arg(long, value_name = "GATES", global = true)]
    feature_gates: Option<String>,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Authenticate using AWS IAM and get a token for Kubernetes
    Token {
        #[command(flatten)]
        flags: Box<Flags>,
        /// Accepted and not used, as there: `--token-only true` leaves a word over
        #[arg(hide = true)]
        ignored: Vec<String>,
    },
    /// Print the version
    Version {
        /// Print the version alone
        #[arg(short, long)]
        short: bool,
        /// The format
        #[arg(short, long, value_name = "FORMAT", default_value = "json")]
        output: Format,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Json,
    Yaml,
}

/// Runs as that program would.
pub fn run(context: &Context) -> ExitCode {
    let cli = match Cli::try_parse_from(&context.arguments) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            context.say(&refusal(error).replacen("error:", "Error:", 1));
            return ExitCode::FAILURE;
        }
        Err(error) => return print(context, &error.render().to_string()),
    };
    match cli.command {
        None => print(context, &Cli::command().render_help().to_string()),
        Some(Command::Version { short, output }) => print(context, &version(short, output)),
        Some(Command::Token { flags, ignored: _ }) => token(context, cli.cluster, *flags),
    }
}

fn version(short: bool, output: Format) -> String {
    match (short, output) {
        (true, _) => format!("{VERSION}\n"),
        (false, Format::Json) => format!("{{\"Version\":\"{VERSION}\",\"Commit\":\"builtin\"}}\n"),
        (false, Format::Yaml) => format!("version: {VERSION}\ncommit: builtin\ndate: \"\"\n"),
    }
}

fn token(context: &Context, cluster: ClusterFlag, flags: Flags) -> ExitCode {
    let failed = |error: &Error| {
        context.say(&format!(
            "could not get token: {}\n",
            error.chain().join(": ")
        ));
        if let Some(hint) = error.hint() {
            context.say(&format!("hint: {hint}\n"));
        }
        ExitCode::FAILURE
    };
    let wanted = match Wanted::new(context, cluster, flags) {
        Ok(wanted) => wanted,
        Err(error) => return failed(&error),
    };
    let Some(cluster) = &wanted.cluster else {
        context.say("Error: cluster ID not specified\n");
        let mut cli = Cli::command();
        cli.build();
        if let Some(token) = cli.find_subcommand_mut("token") {
            context.say(&format!("{}\n", token.render_usage()));
        }
        return ExitCode::FAILURE;
    };
    let (global, network) = (GlobalFlags::default(), NetworkFlags::default());
    match wanted.answer(context, &global, &network, cluster, Look::Plain) {
        Ok(text) => print(context, &text),
        Err(error) => failed(&error),
    }
}

fn print(context: &Context, text: &str) -> ExitCode {
    match context.print(text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            context.say(&format!(
                "could not get token: {}\n",
                Error::from(error).chain().join(": ")
            ));
            ExitCode::FAILURE
        }
    }
}
