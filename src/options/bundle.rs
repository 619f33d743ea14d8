//! The options of `bundle create`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::layers::source_date_epoch;
use super::{BackoffFlags, Layers};
use crate::cache::Cache;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::http::Client;
use crate::report::{LogFormat, Verbosity};
use crate::timespan::Timespan;
use crate::tools::bundle::{Form, Place};
use crate::tools::lockfile::Lockfile;
use crate::tools::mirror::MirrorTemplate;
use crate::tools::npm::Registry;

/// Where a bundle is made when nobody says where.
const DEFAULT: &str = "bundle";

/// The options of `bundle create` that others have too, and where the bundle goes.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Bundle options")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct BundleFlags {
    /// Make the bundle here: a directory, or one tar where the name ends in .tar
    ///
    /// Default: bundle in the working directory.
    #[arg(short, long, value_name = "DIR|FILE.tar")]
    output_path: Option<PathBuf>,

    /// Make one tar, whatever its name
    #[arg(long, requires = "output_path")]
    tar: bool,

    /// Let another bundle that is there give way
    #[arg(long)]
    replace: bool,

    /// Bundle what this lock pins
    ///
    /// Default: bootstrap.lock beside bootstrap.yaml, else in the working directory.
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,

    /// Look for finished downloads here, and keep them [default: PREFIX/cache]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,

    /// Try this mirror before the vendor's address (can be repeated)
    ///
    /// As for `install`: {host} and {path} stand for those of the vendor's address, {alg} and {hex}
    /// for the pinned digest; without any of them /{alg}/{hex} is appended.
    #[arg(long, value_name = "TEMPLATE")]
    mirror: Vec<MirrorTemplate>,

    /// Never use the vendors' addresses
    #[arg(long)]
    no_origin: bool,

    /// Use no network at all: caches and file addresses alone
    #[arg(long)]
    offline: bool,

    /// Download npm packages from this registry
    ///
    /// Default: NPM_CONFIG_REGISTRY, else the registry of ~/.npmrc, else npm's own default.
    #[arg(long, value_name = "URL")]
    npm_registry: Option<String>,

    /// Trust the certificates in this PEM file as well
    #[arg(long, value_name = "FILE")]
    ca_bundle: Option<PathBuf>,

    /// End by then, whatever happens, such as 90s or 2m [default: 30m]
    #[arg(long, value_name = "DURATION")]
    deadline: Option<Timespan>,

    /// The waits between tries.
    #[command(flatten)]
    backoff: BackoffFlags,
}

/// Everything that making a bundle depends on.
#[derive(Debug)]
pub struct BundleOptions {
    /// What is bundled.
    pub lock: Lockfile,
    /// Where to.
    pub place: Place,
    /// Where downloads are kept.
    pub cache: Cache,
    /// Other places, in order.
    pub mirrors: Vec<MirrorTemplate>,
    /// Whether the vendors' own addresses are left out.
    pub no_origin: bool,
    /// Where npm packages come from.
    pub registry: Registry,
    /// The environment that npm is asked in.
    pub variables: BTreeMap<String, String>,
    /// The network.
    pub client: Client,
    /// When all must have ended.
    pub deadline: Deadline,
    /// The time of the files of a tar, in seconds since 1970.
    pub modified: u64,
    /// How messages look.
    pub log_format: LogFormat,
    /// How much is said.
    pub verbosity: Verbosity,
}

impl Layers<'_> {
    /// The options of `bundle create`.
    pub fn bundle_options(
        &self,
        flags: BundleFlags,
        budget: Duration,
    ) -> Result<BundleOptions, Error> {
        let given = self.path(flags.lock, "BOOTSTRAP_LOCK", self.config.lock.clone())?;
        let Some(lock) = self.lock(given)? else {
            return Err(Error::usage("there is no lock to make a bundle of")
                .with_hint("make one with `bootstrap lock`, or name it with --lock".to_owned()));
        };
        let path = flags.output_path.unwrap_or_else(|| DEFAULT.into());
        let prefix = self.prefix()?;
        Ok(BundleOptions {
            lock,
            place: Place {
                form: form(&path, flags.tar)?,
                path: self.context.directory.join(path),
                replace: flags.replace,
            },
            cache: self.cache(flags.cache_dir, &prefix)?,
            mirrors: self.mirrors(flags.mirror)?,
            no_origin: self.no_origin(flags.no_origin)?,
            registry: self.registry(flags.npm_registry)?,
            variables: self.context.variables().clone(),
            client: self.client(flags.ca_bundle, flags.offline, &flags.backoff)?,
            deadline: self.deadline(flags.deadline, budget)?,
            modified: source_date_epoch(self.context)
                .and_then(|second| u64::try_from(second).ok())
                .unwrap_or_default(),
            log_format: self.log_format()?,
            verbosity: self.verbosity()?,
        })
    }
}

/// What a bundle of this name is.
fn form(path: &std::path::Path, tar: bool) -> Result<Form, Error> {
    if path == std::path::Path::new("-") {
        let error =
            Error::usage("a bundle is made in a file or a directory, not on standard output");
        return Err(error.with_hint("name one, such as -o bundle.tar".to_owned()));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_ascii_lowercase();
    let is_named_so = path
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("tar"));
    if tar || is_named_so {
        return Ok(Form::Tar);
    }
    let others = [".tar.gz", ".tar.xz", ".tar.zst", ".tgz", ".txz", ".zip"];
    if others.iter().any(|ending| name.ends_with(ending)) {
        return Err(Error::usage(format!(
            "a bundle is a directory or a tar, and `{}` would be neither",
            path.display()
        ))
        .with_hint("let the name end in .tar: what is in it is compressed already".to_owned()));
    }
    Ok(Form::Directory)
}
