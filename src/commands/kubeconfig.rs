//! `bootstrap kubeconfig`: clusters of Amazon EKS merged into a kubeconfig.

use std::process::ExitCode;
use std::time::Duration;

use crate::cluster::kubeconfig::{Change, Updated};
use crate::context::Context;
use crate::error::{Error, Look};
use crate::options::{
    CheckFlags, ClusterFlags, GlobalFlags, KubeconfigFlags, Layers, NetworkFlags, Output,
};

/// A start waits for it, or a person.
const BUDGET: Duration = Duration::from_mins(1);

const EXAMPLES: &str = "\
Examples:
  bootstrap kubeconfig                                   all clusters of bootstrap.yaml
  bootstrap kubeconfig --cluster payments --region us-east-1
  bootstrap kubeconfig --cluster payments --role-arn ARN --external-id ID --alias prod
  bootstrap kubeconfig --cluster payments --exec builtin --dry-run";

/// Put EKS clusters into a kubeconfig
///
/// As `aws eks update-kubeconfig` does, and with care for what is there: comments, the order of keys
/// and keys that it does not know stay as they are, byte for byte; other processes that do the same
/// are waited for; the file is replaced whole, has mode 0600, and stays a link where it is one. A
/// second run changes nothing. The current context stays what it is, where there is one.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Print the merged kubeconfig, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the result as text or as JSON [default: text]
    #[arg(long, value_name = "FORMAT", value_enum)]
    output: Option<Output>,
    #[command(flatten)]
    clusters: ClusterFlags,
    #[command(flatten)]
    kubeconfig: KubeconfigFlags,
    #[command(flatten)]
    network: NetworkFlags,
}

/// Writes the clusters, and says what became of them.
pub fn run(context: &Context, global: &GlobalFlags, args: &Args) -> Result<ExitCode, Error> {
    let layers = Layers::new(context, global)?;
    let output = layers.output(args.output)?;
    let access = layers.access(&args.network, &args.clusters, &CheckFlags::default())?;
    if access.clusters.is_empty() {
        let hint = "name one with --cluster, or list them under `clusters:` in bootstrap.yaml";
        return Err(Error::usage("no cluster is named").with_hint(Some(hint.to_owned())));
    }
    let options = layers.kubeconfig(&args.kubeconfig, access.clusters.len())?;
    let deadline = layers.deadline(args.network.deadline, BUDGET)?;
    let look = global.look(context);
    if access.kubeconfigs.is_empty() {
        let hint = "name one with --kubeconfig (BOOTSTRAP_KUBECONFIG) or in KUBECONFIG";
        return Err(
            Error::usage("no kubeconfig is named, and HOME is not set to find one in")
                .with_hint(hint.to_owned()),
        );
    }
    let prefix = layers.present_prefix();
    let updated = options.update(context, &access, &prefix, args.dry_run, deadline, look)?;
    context.print(&match (output, args.dry_run) {
        (Output::Json, _) => json(&updated, args.dry_run)?,
        (Output::Text, true) => whole(&updated),
        (Output::Text, false) => text(&updated),
    })?;
    Ok(tell_failures(context, updated, look))
}

/// What became of each context, in the words of the AWS CLI.
fn text(updated: &Updated) -> String {
    let mut text = String::new();
    for written in &updated.contexts {
        let (context, file) = (&written.context, written.file.display());
        text.push_str(&match written.change {
            Change::Added => format!("Added new context {context} to {file}\n"),
            Change::Updated => format!("Updated context {context} in {file}\n"),
            Change::Unchanged => format!("Context {context} in {file} is unchanged\n"),
        });
    }
    for file in &updated.files {
        if let Some(context) = &file.switched_to {
            text.push_str(&format!("Current context is {context} now\n"));
        }
    }
    text
}

/// The whole text of each file, with its name where there are several.
fn whole(updated: &Updated) -> String {
    if let [file] = updated.files.as_slice() {
        return file.text.clone();
    }
    let mut whole = String::new();
    for file in &updated.files {
        whole.push_str(&format!("---\n# {}\n{}", file.file.display(), file.text));
    }
    whole
}

fn json(updated: &Updated, dry_run: bool) -> Result<String, Error> {
    let failed = updated.failed.iter().map(|(cluster, error)| {
        serde_json::json!({ "cluster": cluster.as_str(), "errors": crate::error::chain(error) })
    });
    let files = updated.files.iter().map(|file| {
        let mut shown = serde_json::json!({
            "file": file.file,
            "switched_to": file.switched_to,
        });
        if dry_run && let Some(shown) = shown.as_object_mut() {
            shown.insert("text".to_owned(), file.text.as_str().into());
        }
        shown
    });
    let result = serde_json::json!({
        "contexts": updated.contexts,
        "files": files.collect::<Vec<_>>(),
        "failed": failed.collect::<Vec<_>>(),
    });
    let text = serde_json::to_string_pretty(&result).map_err(std::io::Error::from)?;
    Ok(text + "\n")
}

/// Says which clusters are not there, and why; the gravest of the reasons is the exit code.
fn tell_failures(context: &Context, updated: Updated, look: Look) -> ExitCode {
    let mut gravest = None;
    for (_, error) in updated.failed {
        let error = Error::from(error);
        context.say(&error.to_text(look));
        let fault = error.fault();
        gravest = Some(gravest.map_or(fault, |other: crate::fault::Fault| other.graver(fault)));
    }
    gravest.map_or(ExitCode::SUCCESS, |fault| {
        ExitCode::from(Error::new(fault, "").exit_code())
    })
}
