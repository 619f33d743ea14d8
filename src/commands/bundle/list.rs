//! `bootstrap bundle list`: what a bundle has.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use crate::context::Context;
use crate::error::Error;
use crate::options::{GlobalFlags, Layers, Output};
use crate::report::{size, table};
use crate::tools::bundle::Bundle;

const EXAMPLES: &str = "\
Examples:
  bootstrap bundle list /mnt/bundle
  bootstrap bundle list tools.tar --output json";

/// Show what a bundle has: tools, versions, platforms, sizes and digests
///
/// As its lock says; `bundle verify` looks whether that is so.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The bundle
    #[arg(value_name = "DIR|FILE.tar")]
    bundle: PathBuf,
    /// Print the result as text or as JSON [default: text]
    #[arg(long, value_name = "FORMAT", value_enum)]
    output: Option<Output>,
}

/// Lists a bundle.
pub(super) fn run(context: &Context, global: &GlobalFlags, args: &Args) -> Result<ExitCode, Error> {
    let output = Layers::without_file(context, global).output(args.output)?;
    let bundle = super::open(context, &args.bundle)?;
    context.print(&match output {
        Output::Json => to_json(&bundle),
        Output::Text => to_text(&bundle),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn to_json(bundle: &Bundle) -> String {
    let rows = bundle.list().into_iter().map(|row| {
        json!({
            "tool": row.tool.to_string(),
            "version": row.version,
            "platform": row.target.to_string(),
            "path": row.artifact.digest.path(),
            "digest": row.artifact.digest.to_string(),
            "size": row.artifact.size,
            "proof": row.artifact.proof,
        })
    });
    let rows: Vec<_> = rows.collect();
    format!(
        "{:#}\n",
        json!({ "version": 1, "bundle": bundle.path(), "artifacts": rows })
    )
}

fn to_text(bundle: &Bundle) -> String {
    let mut rows = vec![["TOOL", "VERSION", "PLATFORM", "SIZE", "DIGEST"].map(str::to_owned)];
    rows.extend(bundle.list().into_iter().map(|row| {
        [
            row.tool.to_string(),
            row.version,
            row.target.to_string(),
            row.artifact.size.map_or_else(|| "-".to_owned(), size),
            row.artifact.digest.to_string(),
        ]
    }));
    table(&rows)
}
