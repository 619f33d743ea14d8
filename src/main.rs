//! The `bootstrap` program: parse the command line, run it, report the outcome.

use std::process::ExitCode;

fn main() -> ExitCode {
    bootstrap::context::Context::end_on_panic();
    let context = bootstrap::context::Context::from_os();
    bootstrap::cli::run(&context)
}
