//! `bootstrap bundle`: all that a lock pins, to be carried where no vendor is in reach.

mod create;
mod list;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use crate::context::Context;
use crate::error::Error;
use crate::options::GlobalFlags;
use crate::tools::bundle::Bundle;

/// Make and check bundles: all that a lock pins, as a mirror to carry away
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Create(Box<create::Args>),
    Verify(verify::Args),
    List(list::Args),
}

/// Makes, checks or lists a bundle.
pub fn run(context: &Context, global: &GlobalFlags, args: Args) -> Result<ExitCode, Error> {
    match args.verb {
        Verb::Create(args) => create::run(context, global, *args),
        Verb::Verify(args) => verify::run(context, global, &args),
        Verb::List(args) => list::run(context, global, &args),
    }
}

/// Opens the bundle at a path that a user gave.
fn open(context: &Context, path: &PathBuf) -> Result<Bundle, Error> {
    Ok(Bundle::open(&context.directory.join(path))?)
}
