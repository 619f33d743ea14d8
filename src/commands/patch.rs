//! `bootstrap patch`: a delegate's manifest, changed for IRSA and for INIT_SCRIPT.

mod flags;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::context::Context;
use crate::delegate::names::NamespaceName;
use crate::delegate::patch::{Patched, Plan, patch};
use crate::delegate::prefix::{InvalidPrefix, Prefix};
use crate::delegate::remove::remove;
use crate::diff;
use crate::error::{Error, chain, render};
use crate::files;
use crate::options::{GlobalFlags, Input, read_inputs};
use crate::platform::Platform;
use crate::tools::catalog::Catalog;
use crate::tools::plan as resolve;
use crate::tools::resolve::Pins;
use crate::yaml::Stream;
use flags::{IrsaFlags, OutputFlags, PodFlags, ScriptFlags};

/// Something would change, and was only to be checked.
const WOULD_CHANGE: u8 = 3;

const EXAMPLES: &str = "\
Examples:
  bootstrap patch delegate.yaml --irsa-role-arn ARN | kubectl apply -f -
  bootstrap patch delegate.yaml --irsa-role-arn ARN --diff
  bootstrap patch manifests/ --irsa-role-arn ARN --in-place
  bootstrap patch delegate.yaml --tools aws-cli,serverless@2.50.0 \\
    --bootstrap-url 'https://artifacts.corp/bootstrap-{arch}' \\
    --bootstrap-sha256 amd64=HEX --bootstrap-sha256 arm64=HEX
  bootstrap patch delegate.yaml --remove
  helm template … | bootstrap patch --irsa-role-arn ARN -

Lines that need not change keep every byte. The same run again changes nothing.";

/// Change a delegate's manifest for IRSA and for INIT_SCRIPT
///
/// Finds the delegate by what it is, a Deployment, StatefulSet or DaemonSet, among any number of
/// documents and files. With --irsa-role-arn it runs as a ServiceAccount with that role, which has
/// the rights of the present account. With --delivery its INIT_SCRIPT brings the tools.
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
    /// Take out what was put in
    ///
    /// Bytes come back as they were where they are known; where not, what is left says the same.
    #[arg(long, conflicts_with_all = NOT_WITH_REMOVE)]
    remove: bool,
    #[command(flatten)]
    output: OutputFlags,
    #[command(flatten)]
    irsa: IrsaFlags,
    #[command(flatten)]
    script: ScriptFlags,
    #[command(flatten)]
    pod: PodFlags,
}

/// What `--remove` has no use for.
const NOT_WITH_REMOVE: [&str; 18] = [
    "namespace",
    "irsa_role_arn",
    "service_account",
    "binding",
    "replace_subject",
    "sts_regional_endpoints",
    "token_expiration",
    "audience",
    "delivery",
    "tools",
    "cluster",
    "bootstrap_url",
    "bootstrap_sha256",
    "bootstrap_image",
    "init_script",
    "region",
    "fargate",
    "startup_budget",
];

/// Changes it.
pub fn run(context: &Context, global: &GlobalFlags, args: &Args) -> Result<ExitCode, Error> {
    let plan = if args.remove {
        None
    } else {
        Some(args.plan(context, global)?)
    };
    if args.output.in_place {
        check_in_place(context, &args.inputs)?;
    }
    let inputs = read_inputs(context, &args.inputs)?;
    args.output.check_inputs(&inputs)?;
    let streams = inputs
        .iter()
        .map(|input| Stream::parse(&input.name, &input.text));
    let streams = streams.collect::<Result<Vec<_>, _>>()?;
    let patched = match &plan {
        Some(plan) => patch(&streams, plan)?,
        None => remove(&streams, args.delegate.as_deref())?,
    };
    for note in &patched.notes {
        let look = global.look(context);
        context.say(&render(std::slice::from_ref(note), None, false, look));
    }
    args.output
        .write(context, &inputs, &patched, global.colors_stdout(context))
}

impl Args {
    fn plan(&self, context: &Context, global: &GlobalFlags) -> Result<Plan, Error> {
        let plan = Plan {
            delegate: self.delegate.clone(),
            namespace: self.namespace.clone(),
            irsa: self.irsa.irsa(),
            delivery: self.script.delivery()?,
            wishes: self.script.wishes()?,
            init_script: self.script.policy(),
            prefix: global.prefix.as_deref().map(prefix).transpose()?,
            region: self.pod.region.clone(),
            fargate: self.pod.fargate,
            startup_budget: self.pod.startup_budget,
        };
        let does_something = plan.irsa.is_some()
            || plan.delivery.is_some()
            || plan.region.is_some()
            || plan.fargate
            || plan.startup_budget.is_some();
        if !does_something {
            let error = Error::usage("nothing to change was asked for");
            let hint =
                "ask for IRSA with --irsa-role-arn, or for tools with --tools and --delivery";
            return Err(error.with_hint(hint.to_owned()));
        }
        self.check_tools(context, global)?;
        Ok(plan)
    }

    /// Says which tools the catalog does not have: a delegate that asks for them does not start,
    /// unless a lock in the pod pins them.
    fn check_tools(&self, context: &Context, global: &GlobalFlags) -> Result<(), Error> {
        if self.script.tools.is_empty() {
            return Ok(());
        }
        let catalog = Catalog::builtin()?;
        let pins = Pins {
            catalog: &catalog,
            lock: None,
            locked: false,
            platform: Platform::host(),
        };
        for tool in &self.script.tools {
            if let Err(error) = resolve::plan(&pins, std::slice::from_ref(tool)) {
                let own = error.hint().map(|own| own + "; ").unwrap_or_default();
                let hint = format!(
                    "{own}a bootstrap.lock in the pod must pin it, or the delegate does not start"
                );
                context.say(&render(
                    &chain(&error),
                    Some(&hint),
                    false,
                    global.look(context),
                ));
            }
        }
        Ok(())
    }
}

/// Refuses what has no place that a new text could take, before it is read: nothing may ever come
/// out of a pipe.
fn check_in_place(context: &Context, named: &[PathBuf]) -> Result<(), Error> {
    if named.is_empty() || named.iter().any(|path| path.as_os_str() == "-") {
        return Err(Error::usage("standard input cannot be changed in place"));
    }
    for path in named {
        // What is not there is said where it is read.
        let Ok(kind) = std::fs::metadata(context.directory.join(path)) else {
            continue;
        };
        if !kind.is_file() && !kind.is_dir() {
            let message = format!(
                "`{}` cannot be changed in place: it is neither a file nor a directory",
                path.display()
            );
            let hint = "leave --in-place out, and the result is printed";
            return Err(Error::usage(message).with_hint(hint.to_owned()));
        }
    }
    Ok(())
}

/// The directory in the pod.
fn prefix(path: &Path) -> Result<Prefix, Error> {
    let prefix = path.to_string_lossy().parse();
    prefix.map_err(|invalid: InvalidPrefix| Error::usage(invalid.to_string()))
}

impl OutputFlags {
    /// Refuses what could only be a mistake before anything is read further.
    fn check_inputs(&self, inputs: &[Input]) -> Result<(), Error> {
        if self.diff && self.output_file.is_some() && self.file().is_none() {
            return Err(Error::usage(
                "standard output takes the result or the diff, not both",
            ));
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
        let text = patched.texts.first().map_or("", String::as_str);
        if self.in_place {
            let pairs = changed().filter_map(|(input, text)| Some((input.path.as_deref()?, text)));
            rewrite(pairs.map(|(path, text)| (path, text.as_str())))?;
        } else if let Some(path) = self.file() {
            files::write_out(&context.directory.join(path), text.as_bytes())?;
        } else if !self.diff {
            context.print(text)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The file that is written; `-` is standard output.
    fn file(&self) -> Option<&Path> {
        let path = self.output_file.as_deref();
        path.filter(|path| path.as_os_str() != "-")
    }
}

/// Writes the new texts of files. None is touched before all of them are beside their files.
fn rewrite<'t>(texts: impl Iterator<Item = (&'t Path, &'t str)>) -> Result<(), Error> {
    let staged = texts.map(|(path, text)| {
        let staged = files::Rewrite::stage(path, text.as_bytes())?;
        Ok((path, staged))
    });
    let staged = staged.collect::<Result<Vec<_>, files::Error>>()?;
    let mut written: Vec<String> = Vec::new();
    for (path, staged) in staged {
        staged.commit().map_err(|error| {
            let error = Error::from(error);
            if written.is_empty() {
                return error;
            }
            let written = written.join(", ");
            error.with_hint(format!(
                "{written} was changed already; the same run again changes the rest"
            ))
        })?;
        written.push(format!("`{}`", path.display()));
    }
    Ok(())
}
