//! The options of `lock`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::layers::input;
use super::{BackoffFlags, Layers, Output};
use crate::cache::Cache;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::fault::Fault;
use crate::http::Client;
use crate::report::{LogFormat, Verbosity};
use crate::timespan::Timespan;
use crate::tools::catalog::Catalog;
use crate::tools::lockfile::Lockfile;
use crate::tools::locking::{Ask, Choice, Old};
use crate::tools::mirror::MirrorTemplate;
use crate::tools::names::ToolName;

/// The options of `lock` that others have too.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Lock options")]
pub struct LockFlags {
    /// Write this lock
    ///
    /// Default: bootstrap.lock beside bootstrap.yaml, else in the working directory.
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,

    /// Keep downloads here, where an installation finds them [default: PREFIX/cache]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,

    /// Ask this mirror before the vendor (can be repeated)
    ///
    /// {host} and {path} stand for those of the vendor's address. What has no digest yet, such as
    /// lists of checksums, is asked of https mirrors with these alone, and the mirror then vouches
    /// for it; a signature is checked whoever gives it.
    #[arg(long, value_name = "TEMPLATE")]
    mirror: Vec<MirrorTemplate>,

    /// Never use the vendors' addresses
    #[arg(long)]
    no_origin: bool,

    /// Use no network at all: the catalog, the lock and files alone
    #[arg(long)]
    offline: bool,

    /// Trust the certificates in this PEM file as well
    #[arg(long, value_name = "FILE")]
    ca_bundle: Option<PathBuf>,

    /// End by then, whatever happens, such as 90s or 2m [default: 10m]
    #[arg(long, value_name = "DURATION")]
    deadline: Option<Timespan>,

    /// Print the result as text or as JSON [default: text]
    #[arg(long, value_name = "FORMAT", value_enum)]
    output: Option<Output>,

    /// The waits between tries.
    #[command(flatten)]
    backoff: BackoffFlags,
}

/// Everything that making a lock depends on.
#[derive(Debug)]
pub struct LockOptions {
    /// What is to be pinned.
    pub asks: Vec<Ask>,
    /// Where the lock is, or will be.
    pub file: PathBuf,
    /// The lock that is there.
    pub old: Option<Old>,
    /// Where downloads are kept.
    pub cache: Cache,
    /// Other places, in order.
    pub mirrors: Vec<MirrorTemplate>,
    /// Whether the vendors' own addresses are left out.
    pub no_origin: bool,
    /// The network.
    pub client: Client,
    /// When all must have ended.
    pub deadline: Deadline,
    /// How the result is printed.
    pub output: Output,
    /// How messages look.
    pub log_format: LogFormat,
    /// How much is said.
    pub verbosity: Verbosity,
}

impl Layers<'_> {
    /// The options of `lock`: without names the tools that are wanted, else those of the lock.
    pub fn lock_options(
        &self,
        flags: LockFlags,
        named: Vec<Ask>,
        budget: Duration,
    ) -> Result<LockOptions, Error> {
        let given = self.path(flags.lock, "BOOTSTRAP_LOCK", self.config.lock.clone())?;
        let file = given.unwrap_or_else(|| self.directory.join("bootstrap.lock"));
        let old = if file.exists() {
            let old = Old::parse(&file, input(&file)?);
            Some(old.map_err(|error| Error::new(Fault::Input, error))?)
        } else {
            None
        };
        let asks = if named.is_empty() {
            self.asks(old.as_ref())?
        } else {
            named
        };
        let prefix = self.prefix()?;
        Ok(LockOptions {
            asks,
            cache: self.cache(flags.cache_dir, &prefix)?,
            mirrors: self.mirrors(flags.mirror)?,
            no_origin: self.no_origin(flags.no_origin)?,
            client: self.client(flags.ca_bundle, flags.offline, &flags.backoff)?,
            deadline: self.deadline(flags.deadline, budget)?,
            output: self.output(flags.output)?,
            log_format: self.log_format()?,
            verbosity: self.verbosity()?,
            file,
            old,
        })
    }

    /// The names of all tools that the catalog and the lock know.
    pub fn known_tools(&self) -> Result<Vec<ToolName>, Error> {
        let given = self.path(None, "BOOTSTRAP_LOCK", self.config.lock.clone())?;
        let file = given.unwrap_or_else(|| self.directory.join("bootstrap.lock"));
        // A lock that cannot be read is no reason to leave a tool in place.
        let locked = Lockfile::read(&file)
            .map(|lock| lock.tools)
            .unwrap_or_default();
        let catalog = Catalog::builtin()?;
        let known = catalog.tools().keys().chain(locked.keys());
        Ok(known.cloned().collect())
    }

    /// What is wanted, and what else the lock has.
    fn asks(&self, old: Option<&Old>) -> Result<Vec<Ask>, Error> {
        let wanted = self.wanted(Vec::new())?.into_iter();
        // What this program carries itself needs no pin.
        let wanted = wanted.filter(|wanted| {
            let version = wanted.version.as_ref();
            !version.is_some_and(crate::tools::version::Version::is_builtin)
        });
        let mut asks: Vec<Ask> = wanted.map(Ask::from).collect();
        let locked = old.into_iter().flat_map(|old| old.lockfile.tools.keys());
        for name in locked {
            if !asks.iter().any(|ask| ask.name == *name) {
                asks.push(Ask {
                    name: name.clone(),
                    choice: Choice::Any,
                    at: None,
                });
            }
        }
        Ok(asks)
    }
}
