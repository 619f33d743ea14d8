//! The `bootstrap` program: parse the command line, run it, report the outcome.

use std::process::ExitCode;

fn main() -> ExitCode {
    let context = bootstrap::context::Context::from_os();
    bootstrap::cli::run(&context)
}
