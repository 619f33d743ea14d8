//! `bootstrap lock`: versions pinned for every platform, each with its proof.

mod text;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;

use crate::context::Context;
use crate::diff;
use crate::error::{Error, render};
use crate::fault::Fault;
use crate::files;
use crate::options::{GlobalFlags, Layers, LockFlags, LockOptions, Output};
use crate::platform::Platform;
use crate::report::{Progress, size, table};
use crate::tools::catalog::Catalog;
use crate::tools::lockfile::{LockedSource, Lockfile, Target};
use crate::tools::locking::{Ask, Choice, Given, Locker, Made, Old};
use crate::tools::lookup::Vendors;
use crate::tools::outcome::Activity;
use crate::tools::signature::Key;

/// As for an installation: nothing waits for it, and links are slow.
const BUDGET: Duration = Duration::from_mins(10);

/// The lock is not as it should be.
const STALE: u8 = 3;

const EXAMPLES: &str = "\
Examples:
  bootstrap lock aws-cli aws-iam-authenticator@0.5.9 serverless@2.50.0
  bootstrap lock aws-cli@latest                     checked by AWS's signature
  bootstrap lock --update --diff
  bootstrap lock --check                            in CI: exit code 3 when it is stale
  bootstrap lock serverless --from package-lock.json
  bootstrap install --locked

A pin says what vouches for it: signature KEY, catalog, checksums URL, bundle, file,
trust-on-first-use.";

/// Pin versions in bootstrap.lock, for every platform, each with its proof
///
/// What the lock has stays. What it lacks comes from the catalog; versions that the catalog lacks are
/// proved by what their vendor publishes, over https: a signature for the AWS CLI, lists of checksums
/// for the others. What nothing vouches for is refused. Downloads stay in the cache for the
/// installation. Without names, the tools of bootstrap.yaml and of the lock, and what they need.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct Args {
    /// What to pin; without a version the locked one, else the catalog's default
    ///
    /// `latest` asks the vendor; of Node.js it is the newest long-term version.
    #[arg(value_name = "TOOL[@VERSION|@latest]")]
    tools: Vec<Ask>,
    /// Move tools without a version to their latest, and prove anew what the catalog lacks
    #[arg(long)]
    update: bool,
    /// Say what the lock lacks, write nothing, ask nobody; exit code 3 when it is stale
    #[arg(long, conflicts_with_all = ["update", "from", "trust_on_first_use", "diff"])]
    check: bool,
    /// Show what would change as a diff, and write nothing
    #[arg(long)]
    diff: bool,
    /// Pin this file: an artifact, or the package-lock.json (version 2 or 3) of an npm tool
    ///
    /// The lock names an artifact by its path. A package lock is copied beside the lock.
    #[arg(
        long,
        value_name = "FILE",
        requires = "tools",
        conflicts_with = "update"
    )]
    from: Option<PathBuf>,
    /// What FILE is for: linux/amd64, linux/arm64 or any [default: this machine]
    #[arg(long, value_name = "PLATFORM", requires = "from")]
    platform: Option<Target>,
    /// Pin what nothing vouches for as it comes, and say so in the lock
    ///
    /// Never where something speaks against it: a bad signature or another digest.
    #[arg(long)]
    trust_on_first_use: bool,
    /// Check signatures by the OpenPGP key in this file, and not by the vendor's
    #[arg(long, value_name = "FILE")]
    signing_key: Option<PathBuf>,
    #[command(flatten)]
    flags: LockFlags,
}

/// Pins, or checks.
pub fn run(context: &Context, global: &GlobalFlags, args: &Args) -> Result<ExitCode, Error> {
    let (flags, named) = (args.flags.clone(), args.tools.clone());
    let options = Layers::new(context, global)?.lock_options(flags, named, BUDGET)?;
    if options.asks.is_empty() {
        let hint = "name one, such as `bootstrap lock aws-cli`, or list them under `tools:` in bootstrap.yaml";
        return Err(Error::usage("there is nothing to pin").with_hint(hint.to_owned()));
    }
    let given = args.given(context, &options.asks)?;
    let key = args.key(context)?;
    let progress = Progress::new(
        options.log_format,
        options.verbosity,
        context.stderr_is_terminal,
    );
    let observer = |tool: &str, activity: Activity<'_>| progress.show(tool, activity);
    let catalog = Catalog::builtin()?;
    let locker = Locker {
        catalog: &catalog,
        old: options.old.as_ref(),
        vendors: &Vendors {
            client: &options.client,
            cache: &options.cache,
            mirrors: &options.mirrors,
            no_origin: options.no_origin,
            deadline: options.deadline,
            now: context.now().as_second(),
            observer: &observer,
            key: key.as_ref(),
            first_use: args.trust_on_first_use,
        },
        update: args.update,
    };
    if args.check {
        let found = locker.stale(&options.asks)?;
        return check(context, &options, &found);
    }
    let made = locker.lock(&options.asks, given.as_ref())?;
    drop(progress);
    for note in &made.notes {
        let look = global.look(context);
        context.say(&render(std::slice::from_ref(note), None, false, look));
    }
    if args.diff {
        return show(context, global, &options, made);
    }
    write(context, global, &options, made)
}

impl Args {
    fn given(&self, context: &Context, asks: &[Ask]) -> Result<Option<Given>, Error> {
        let Some(file) = &self.from else {
            return Ok(None);
        };
        let [ask] = asks else {
            return Err(Error::usage("--from is a file of one tool"));
        };
        if ask.choice == Choice::Latest {
            return Err(Error::usage("`latest` is looked up, and --from is a file")
                .with_hint(format!("say {}@VERSION", ask.name)));
        }
        Ok(Some(Given {
            file: context.directory.join(file),
            target: self.platform.unwrap_or(Target::One(Platform::host())),
        }))
    }

    fn key(&self, context: &Context) -> Result<Option<Key>, Error> {
        let Some(file) = &self.signing_key else {
            return Ok(None);
        };
        let path = context.directory.join(file);
        let text = files::read_text(&path).map_err(|error| match error.source.kind() {
            std::io::ErrorKind::NotFound => Error::new(Fault::Usage, error),
            std::io::ErrorKind::InvalidData => Error::new(Fault::Input, error),
            _ => Error::from(error),
        })?;
        let key = Key::parse(&text).map_err(|source| {
            let fault = source.fault();
            Error::new(fault, InFile { path, source })
        });
        key.map(Some)
    }
}

/// A file has something wrong in it.
#[derive(Debug, thiserror::Error)]
#[error("`{}` cannot be used", path.display())]
struct InFile {
    path: PathBuf,
    source: crate::tools::signature::Error,
}

fn check(context: &Context, options: &LockOptions, found: &[String]) -> Result<ExitCode, Error> {
    let text = match options.output {
        Output::Json => format!(
            "{:#}\n",
            json!({ "version": 1, "lock": options.file, "stale": found })
        ),
        Output::Text if found.is_empty() => format!("{} is up to date\n", options.file.display()),
        Output::Text => {
            let mut text = String::new();
            for sentence in found {
                text.push_str(&format!("{}: {sentence}\n", options.file.display()));
            }
            text
        }
    };
    context.print(&text)?;
    if found.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    if options.output == Output::Text {
        context.say("hint: run `bootstrap lock`, and keep what it writes with your sources\n");
    }
    Ok(ExitCode::from(STALE))
}

/// The text that the lock would have, which is the present one when it says the same.
fn text_of(options: &LockOptions, made: Made) -> Result<String, Error> {
    let lockfile = Lockfile {
        file: options.file.clone(),
        tools: made.tools,
    };
    let old = options.old.as_ref();
    if let Some(old) = old.filter(|old| old.lockfile == lockfile) {
        return Ok(old.text().to_owned());
    }
    let body = lockfile.to_text();
    let body = body.map_err(|error| Error::new(Fault::Local, error))?;
    Ok(text::with_header(old.map(Old::text), &body))
}

fn show(
    context: &Context,
    global: &GlobalFlags,
    options: &LockOptions,
    made: Made,
) -> Result<ExitCode, Error> {
    let new = text_of(options, made)?;
    let old = options.old.as_ref().map_or("", Old::text);
    let colored = global.colors_stdout(context);
    context.print(&diff::unified(&options.file, old, &new, colored))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the package locks, then the lock that names them, and says what is pinned.
fn write(
    context: &Context,
    global: &GlobalFlags,
    options: &LockOptions,
    mut made: Made,
) -> Result<ExitCode, Error> {
    let pins = std::mem::take(&mut made.pins);
    let directory = options.file.parent().unwrap_or(Path::new("."));
    for (name, text) in std::mem::take(&mut made.package_locks) {
        write_beside(options, &directory.join(name.as_path()), &text)?;
    }
    let new = text_of(options, made)?;
    let old = options.old.as_ref().map(Old::text);
    if old != Some(new.as_str()) {
        if let Some(line) = old.and_then(text::first_lost_comment) {
            let warning = format!(
                "{}:{line}: comments below the first lines are not kept",
                options.file.display()
            );
            context.say(&render(&[warning], None, false, global.look(context)));
        }
        match old {
            Some(_) => files::rewrite(&options.file, new.as_bytes())?,
            None => files::replace(&options.file, new.as_bytes(), 0o644)?,
        }
    }
    let text = match options.output {
        Output::Json => format!(
            "{:#}\n",
            json!({ "version": 1, "lock": options.file, "pins": pins })
        ),
        Output::Text => {
            let mut rows =
                vec![["TOOL", "VERSION", "PLATFORM", "SIZE", "STATE", "PROOF"].map(str::to_owned)];
            rows.extend(pins.into_iter().map(|pin| {
                [
                    pin.tool,
                    pin.version,
                    pin.platform,
                    pin.size.map_or_else(|| "-".to_owned(), size),
                    pin.state.word().to_owned(),
                    pin.proof,
                ]
            }));
            let verb = if old == Some(new.as_str()) {
                "is as it was"
            } else {
                "was written"
            };
            format!("{}{} {verb}\n", table(&rows), options.file.display())
        }
    };
    context.print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a package lock, unless something of somebody else's has its name.
fn write_beside(options: &LockOptions, path: &Path, text: &str) -> Result<(), Error> {
    let is_ours = options.old.as_ref().is_some_and(|old| {
        let mut tools = old.lockfile.tools.values();
        tools.any(|locked| match &locked.source {
            LockedSource::PackageLock { file, .. } => path.ends_with(file.as_path()),
            LockedSource::Artifacts(_) => false,
        })
    });
    match files::read_text(path) {
        Ok(there) if there == text => Ok(()),
        Ok(_) if !is_ours => Err(Error::new(
            Fault::Local,
            files::Error::new("write", path, std::io::ErrorKind::AlreadyExists.into()),
        )
        .with_hint(
            "move that file away: it is another one, and the lock does not name it".to_owned(),
        )),
        Ok(_) => Ok(files::rewrite(path, text.as_bytes())?),
        Err(_) => Ok(files::replace(path, text.as_bytes(), 0o644)?),
    }
}
