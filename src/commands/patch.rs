//! `bootstrap patch`: a delegate's manifest, changed for IRSA and for INIT_SCRIPT.

mod diff;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::arn::RoleArn;
use crate::context::Context;
use crate::delegate::access::Irsa;
use crate::delegate::names::{AccountName, NamespaceName};
use crate::delegate::patch::{Patched, Plan, patch};
use crate::error::{Error, render};
use crate::files;
use crate::options::{GlobalFlags, Input, read_inputs};
use crate::yaml::Stream;

/// Something would change, and was only to be checked.
const WOULD_CHANGE: u8 = 3;

const EXAMPLES: &str = "\
Examples:
  bootstrap patch delegate.yaml --irsa-role-arn ARN | kubectl apply -f -
  bootstrap patch delegate.yaml --irsa-role-arn ARN --diff
  bootstrap patch manifests/ --irsa-role-arn ARN --in-place
  helm template … | bootstrap patch --irsa-role-arn ARN -

Lines that need not change keep every byte. The same run again changes nothing.";

/// Change a delegate's manifest for IRSA and for INIT_SCRIPT
///
/// Finds the delegate by what it is, a Deployment, StatefulSet or DaemonSet, among any number of
/// documents and files. With --irsa-role-arn it runs as a ServiceAccount with that role, which has
/// the rights of the present account.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Files, directories with manifests, or `-` for standard input (the default)
    #[arg(value_name = "FILE|DIR|-")]
    inputs: Vec<PathBuf>,
    /// Change this delegate, where there are several
    #[arg(long, value_name = "NAME")]
    delegate: Option<String>,
    /// Say the delegate's namespace, where the manifest leaves it to kubectl
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<NamespaceName>,
    #[command(flatten)]
    output: OutputFlags,
    #[command(flatten)]
    irsa: IrsaFlags,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
struct OutputFlags {
    /// Replace the files, each whole, instead of printing the result
    #[arg(short, long, conflicts_with_all = ["output_file", "check"])]
    in_place: bool,
    /// Write the result here instead of printing it
    #[arg(short, long, value_name = "FILE", conflicts_with = "check")]
    output_file: Option<PathBuf>,
    /// Print a unified diff instead of the result
    #[arg(long)]
    diff: bool,
    /// Write nothing; print the diff and exit with 3 when something would change
    #[arg(long)]
    check: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "IRSA")]
struct IrsaFlags {
    /// Give the delegate this role, by way of its ServiceAccount
    #[arg(long, value_name = "ARN")]
    irsa_role_arn: Option<RoleArn>,
    /// Run as this ServiceAccount, made where there is none
    ///
    /// Default: the one that the workload names, else the one that the delegate's bindings name
    /// when that is not `default`, else one with the delegate's name.
    #[arg(long, value_name = "NAME", requires = "irsa_role_arn")]
    service_account: Option<AccountName>,
    /// Add the account to these bindings alone (can be repeated)
    ///
    /// Default: the ClusterRoleBindings and RoleBindings that name the delegate's present account.
    #[arg(long, value_name = "NAME", requires = "irsa_role_arn")]
    binding: Vec<String>,
    /// Put the account in the place of the present one in the bindings
    ///
    /// Other delegates may live on the present one, so it stays by default.
    #[arg(long, requires = "irsa_role_arn")]
    replace_subject: bool,
    /// Whether STS is called in the pod's own region
    #[arg(
        long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true",
        requires = "irsa_role_arn"
    )]
    sts_regional_endpoints: Option<bool>,
    /// Seconds that a token is good for, 600 to 86400 [default: 86400]
    #[arg(
        long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(600..=86_400),
        requires = "irsa_role_arn"
    )]
    token_expiration: Option<u32>,
    /// The audience of the token [default: sts.amazonaws.com]
    #[arg(long, value_name = "AUDIENCE", requires = "irsa_role_arn")]
    audience: Option<String>,
}

/// Changes it.
pub fn run(context: &Context, global: &GlobalFlags, args: Args) -> Result<ExitCode, Error> {
    let irsa = args.irsa.plan();
    if irsa.is_none() {
        let error = Error::usage("nothing to change was asked for");
        return Err(error.with_hint("ask for IRSA with --irsa-role-arn".to_owned()));
    }
    let plan = Plan {
        delegate: args.delegate,
        namespace: args.namespace,
        irsa,
    };
    let inputs = read_inputs(context, &args.inputs)?;
    args.output.check_inputs(&inputs)?;
    let streams = inputs
        .iter()
        .map(|input| Stream::parse(&input.name, &input.text));
    let streams = streams.collect::<Result<Vec<_>, _>>()?;
    let patched = patch(&streams, &plan)?;
    for note in &patched.notes {
        let look = global.look(context);
        context.say(&render(std::slice::from_ref(note), None, false, look));
    }
    args.output
        .write(context, &inputs, &patched, global.colors_stdout(context))
}

impl IrsaFlags {
    fn plan(self) -> Option<Irsa> {
        Some(Irsa {
            role: self.irsa_role_arn?,
            account: self.service_account,
            regional_sts: self.sts_regional_endpoints,
            token_expiration: self.token_expiration,
            audience: self.audience,
            replace_subject: self.replace_subject,
            bindings: self.binding,
        })
    }
}

impl OutputFlags {
    /// Refuses what could only be a mistake before anything is read further.
    fn check_inputs(&self, inputs: &[Input]) -> Result<(), Error> {
        let has_stdin = inputs.iter().any(|input| input.path.is_none());
        if self.in_place && has_stdin {
            return Err(Error::usage("standard input cannot be changed in place"));
        }
        let prints = !self.in_place && !self.diff && !self.check;
        if inputs.len() > 1 && (prints || self.output_file.is_some()) {
            let error = Error::usage(format!("{} files cannot be written as one", inputs.len()));
            return Err(error.with_hint("change them with --in-place, or see --diff".to_owned()));
        }
        Ok(())
    }

    fn write(
        &self,
        context: &Context,
        inputs: &[Input],
        patched: &Patched,
        colored: bool,
    ) -> Result<ExitCode, Error> {
        let pairs = || inputs.iter().zip(&patched.texts);
        let changed = || pairs().filter(|(input, text)| input.text != **text);
        if self.diff || self.check {
            let diffs = changed()
                .map(|(input, text)| diff::unified(&input.name, &input.text, text, colored));
            context.print(&diffs.collect::<String>())?;
        }
        if self.check {
            let would_change = changed().next().is_some();
            return Ok(ExitCode::from(if would_change { WOULD_CHANGE } else { 0 }));
        }
        if self.in_place {
            for (input, text) in changed() {
                if let Some(path) = &input.path {
                    files::rewrite(path, text.as_bytes())?;
                }
            }
        } else if let Some(path) = &self.output_file {
            let text = patched.texts.first().map_or("", String::as_str);
            let path = context.directory.join(path);
            if path.exists() {
                files::rewrite(&path, text.as_bytes())?;
            } else {
                files::replace(&path, text.as_bytes(), 0o644)?;
            }
        } else if !self.diff {
            context.print(patched.texts.first().map_or("", String::as_str))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
