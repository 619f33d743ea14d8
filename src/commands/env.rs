//! `bootstrap env`: what INIT_SCRIPT evaluates to have the tools on PATH.

use std::path::Path;
use std::process::ExitCode;

use crate::context::Context;
use crate::error::Error;
use crate::options::{GlobalFlags, Layers};
use crate::tools::install::quoted;

const EXAMPLES: &str = "\
Examples:
  eval \"$(bootstrap env)\"
  eval \"$(bootstrap env --proxy)\"        # behind a proxy that asks for a password
  eval \"$(bootstrap env --kubeconfig)\"   # kubectl enters the clusters of init";

/// Print export lines for a shell to evaluate
///
/// The lines are safe under `set -e` and `set -u`, and evaluating them twice is the same as once.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Export the proxy as well, with its password
    ///
    /// A delegate does not export a proxy that asks for a password; tools started from INIT_SCRIPT
    /// or by the delegate get nothing then. Built from PROXY_HOST, PROXY_PORT, PROXY_SCHEME,
    /// PROXY_USER, PROXY_PASSWORD and NO_PROXY.
    #[arg(long)]
    proxy: bool,
    /// Export KUBECONFIG as well: the file that `bootstrap kubeconfig` writes
    ///
    /// The kubectl of shell steps then enters the clusters in it, and no longer the one that the
    /// delegate runs in.
    #[arg(long)]
    kubeconfig: bool,
}

/// Prints the lines.
pub fn run(context: &Context, global: &GlobalFlags, args: &Args) -> Result<ExitCode, Error> {
    let layers = Layers::new(context, global)?;
    let bin = layers.prefix()?.bin();
    let text = on_a_path(&bin).ok_or_else(|| {
        Error::usage(format!(
            "`{}` cannot be put on PATH: it has a colon or a line break, or is not UTF-8",
            bin.display()
        ))
        .with_hint("name another place with --prefix (BOOTSTRAP_PREFIX)".to_owned())
    })?;
    let word = quoted(text);
    let mut lines = format!(
        "case \":${{PATH-}}:\" in *:{word}:*) ;; *) export PATH={word}\"${{PATH:+:$PATH}}\" ;; esac\n"
    );
    if args.kubeconfig {
        let files = layers.kubeconfigs(None)?;
        let names = files.iter().map(|file| {
            on_a_path(file).ok_or_else(|| {
                Error::usage(format!(
                    "`{}` cannot stand in KUBECONFIG: it has a colon or a line break, or is not UTF-8",
                    file.display()
                ))
                .with_hint("name another file with BOOTSTRAP_KUBECONFIG, or another --prefix".to_owned())
            })
        });
        let names = names.collect::<Result<Vec<_>, _>>()?;
        if names.is_empty() {
            let hint = "set BOOTSTRAP_KUBECONFIG, --prefix or HOME";
            return Err(
                Error::usage("there is no place for a kubeconfig").with_hint(Some(hint.to_owned()))
            );
        }
        lines.push_str(&format!("export KUBECONFIG={}\n", quoted(&names.join(":"))));
    }
    if args.proxy {
        for (name, value) in layers.proxies()?.as_exports() {
            lines.push_str(&format!("export {name}={}\n", quoted(&value)));
        }
    }
    context.print(&lines)?;
    Ok(ExitCode::SUCCESS)
}

/// The text of a path that may stand in a list with colons between; none where it may not.
fn on_a_path(path: &Path) -> Option<&str> {
    path.to_str().filter(|text| !text.contains([':', '\n']))
}
