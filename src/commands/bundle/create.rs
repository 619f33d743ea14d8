//! `bootstrap bundle create`: a bundle of what a lock pins.

use std::process::ExitCode;
use std::time::Duration;

use crate::context::Context;
use crate::error::Error;
use crate::options::{BundleFlags, GlobalFlags, Layers};
use crate::platform::Platform;
use crate::report::{Progress, size, table};
use crate::tools::bundle::{Made, Maker, Place};
use crate::tools::catalog::Catalog;
use crate::tools::outcome::Activity;
use crate::tools::wanted::Wanted;

/// Some hundred megabytes come in, for two platforms, and nothing waits for them.
const BUDGET: Duration = Duration::from_mins(30);

const EXAMPLES: &str = "\
Examples:
  bootstrap bundle create                                  all of the lock, into ./bundle
  bootstrap bundle create --platform linux/amd64 -o tools.tar serverless
  SOURCE_DATE_EPOCH=1700000000 bootstrap bundle create -o tools.tar

Use it where it was carried to (a tar is unpacked first):
  bootstrap init --offline --mirror file:///mnt/bundle --lock /mnt/bundle/bootstrap.lock
  bootstrap init --no-origin --mirror https://mirror.corp/bundle --lock bootstrap.lock";

/// Make a bundle of what a lock pins: a directory or one tar
///
/// Everything is downloaded as for an installation, checked against its digest, and laid out as a mirror:
/// ALGORITHM/HEX for each artifact, and a bootstrap.lock that fits. An npm tool, such as Serverless, becomes
/// one artifact for all platforms, made of its packages. The same lock gives the same bytes. The bundle is
/// there whole or not at all.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// What to bundle, with all that it needs [default: all that the lock pins]
    #[arg(value_name = "TOOL[@VERSION]")]
    tools: Vec<Wanted>,
    /// Bundle for this platform: linux/amd64 or linux/arm64 (can be repeated)
    ///
    /// Default: every platform that the lock has a pin for.
    #[arg(long, value_name = "PLATFORM")]
    platform: Vec<Platform>,
    #[command(flatten)]
    flags: BundleFlags,
}

/// Makes a bundle.
pub(super) fn run(context: &Context, global: &GlobalFlags, args: Args) -> Result<ExitCode, Error> {
    let options = Layers::new(context, global)?.bundle_options(args.flags, BUDGET)?;
    let progress = Progress::new(
        options.log_format,
        options.verbosity,
        context.stderr_is_terminal,
    );
    let observer = |tool: &str, activity: Activity<'_>| progress.show(tool, activity);
    let catalog = Catalog::builtin()?;
    let maker = Maker {
        catalog: &catalog,
        lock: &options.lock,
        client: &options.client,
        cache: &options.cache,
        mirrors: &options.mirrors,
        no_origin: options.no_origin,
        registry: &options.registry,
        variables: &options.variables,
        deadline: options.deadline,
        observer: &observer,
        modified: options.modified,
    };
    let made = maker.create(&args.tools, &args.platform, &options.place)?;
    drop(progress);
    context.print(&text(&made, &options.place))?;
    Ok(ExitCode::SUCCESS)
}

fn text(made: &Made, place: &Place) -> String {
    let mut rows = vec![["TOOL", "VERSION", "PLATFORM", "SIZE", "PROOF"].map(str::to_owned)];
    rows.extend(made.rows.iter().map(|row| {
        [
            row.tool.to_string(),
            row.version.clone(),
            row.target.to_string(),
            row.artifact.size.map_or_else(|| "-".to_owned(), size),
            row.artifact.proof.clone(),
        ]
    }));
    let verb = if made.is_unchanged {
        "is as it was"
    } else {
        "was written"
    };
    let files = if made.files == 1 { "file" } else { "files" };
    format!(
        "{}{} {verb}: {} {files}, {}\n",
        table(&rows),
        place.path.display(),
        made.files,
        size(made.bytes)
    )
}
