//! Merging flags, variables, the file and defaults.

mod clusters;
mod network;

pub use clusters::Checks;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;

use super::{GlobalFlags, InstallFlags, InstallOptions, NetworkFlags, Output};
use crate::arn::Region;
use crate::aws::{self, Aws};
use crate::config::{Config, OnFailure};
use crate::context::Context;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::fault::Fault;
use crate::files;
use crate::http::Proxies;
use crate::report::{LogFormat, Verbosity};
use crate::runtime::Runtime;
use crate::timespan::Timespan;
use crate::tools::install::Settings;
use crate::tools::lockfile::Lockfile;
use crate::tools::prefix::Prefix;
use crate::tools::receipt::boot_id;
use crate::tools::wanted::Wanted;

/// Where the delegate's image works (its Dockerfile).
const DELEGATE_DIRECTORY: &str = "/opt/harness-delegate";

/// Where the kubelet reads a message (Kubernetes, `terminationMessagePath`).
const TERMINATION_LOG: &str = "/dev/termination-log";

/// Flags, variables and the file, before they are merged.
#[derive(Debug)]
pub struct Layers<'a> {
    pub(super) context: &'a Context,
    global: &'a GlobalFlags,
    pub(super) config: Config,
    /// The directory that the lock is looked for in.
    pub(super) directory: PathBuf,
}

impl<'a> Layers<'a> {
    /// Reads `bootstrap.yaml`, if there is one.
    pub fn new(context: &'a Context, global: &'a GlobalFlags) -> Result<Self, Error> {
        let working = context.directory.clone();
        Self::with_config_of(context, global, Some(working))
    }

    /// The same for what kubectl runs, wherever its user happens to be: a `bootstrap.yaml` in the
    /// working directory may be anybody's.
    pub fn of_plugin(context: &'a Context, global: &'a GlobalFlags) -> Result<Self, Error> {
        Self::with_config_of(context, global, None)
    }

    fn with_config_of(
        context: &'a Context,
        global: &'a GlobalFlags,
        working: Option<PathBuf>,
    ) -> Result<Self, Error> {
        let mut layers = Self::without_file(context, global);
        if let Some(path) = layers.config_file(working)? {
            let text = input(&path)?;
            layers.config =
                Config::parse(&path, &text).map_err(|error| Error::new(Fault::Input, error))?;
            path.parent()
                .unwrap_or(Path::new("/"))
                .clone_into(&mut layers.directory);
        }
        Ok(layers)
    }

    /// Flags, variables and defaults alone, for when the file cannot be read.
    pub fn without_file(context: &'a Context, global: &'a GlobalFlags) -> Self {
        Self {
            context,
            global,
            config: Config::default(),
            directory: context.directory.clone(),
        }
    }

    fn config_file(&self, working: Option<PathBuf>) -> Result<Option<PathBuf>, Error> {
        if let Some(given) = self.path(self.global.config.clone(), "BOOTSTRAP_CONFIG", None)? {
            return Ok(Some(given));
        }
        let directories = std::iter::once(self.working_directory()).chain(working);
        Ok(directories
            .map(|directory| directory.join("bootstrap.yaml"))
            .find(|path| path.exists()))
    }

    /// The delegate's working directory, made absolute.
    fn working_directory(&self) -> PathBuf {
        let named = self.context.variable("WORKING_DIR");
        self.context
            .directory
            .join(named.unwrap_or(DELEGATE_DIRECTORY))
    }

    /// Where everything goes.
    pub fn prefix(&self) -> Result<Prefix, Error> {
        let file = self.config.prefix.clone();
        if let Some(given) = self.path(self.global.prefix.clone(), "BOOTSTRAP_PREFIX", file)? {
            return Ok(Prefix::new(given));
        }
        let working = self.working_directory();
        let delegate = working.join("bootstrap");
        if files::is_writable(&working) || delegate.is_dir() {
            return Ok(Prefix::new(delegate));
        }
        let data = self
            .context
            .variable("XDG_DATA_HOME")
            .map(PathBuf::from)
            .or_else(|| {
                self.context
                    .variable("HOME")
                    .map(|home| Path::new(home).join(".local/share"))
            });
        match data.filter(|data| data.is_absolute()) {
            Some(data) => Ok(Prefix::new(data.join("bootstrap"))),
            None => Err(Error::usage(format!(
                "there is no directory to install into: `{}` cannot be written, and neither XDG_DATA_HOME nor \
                 HOME is set",
                working.display()
            ))
            .with_hint(Some("set --prefix (BOOTSTRAP_PREFIX)".to_owned()))),
        }
    }

    /// The prefix to look into; where nothing could be installed it is the delegate's, and empty.
    pub fn present_prefix(&self) -> Prefix {
        let empty = || Prefix::new(self.working_directory().join("bootstrap"));
        self.prefix().unwrap_or_else(|_| empty())
    }

    /// The prefix, where it is there and may be written.
    pub fn writable_prefix(&self) -> Option<Prefix> {
        let prefix = self.prefix().ok();
        prefix.filter(|prefix| files::is_writable(prefix.path()))
    }

    /// AWS, as this run may use it.
    pub fn aws(&self, region: Option<Region>, flags: &NetworkFlags) -> Result<Aws, Error> {
        let file = self.config.ca_bundle.clone();
        let ca_bundle = self.path(flags.ca_bundle.clone(), "BOOTSTRAP_CA_BUNDLE", file)?;
        let settings = aws::Settings {
            variables: self.context.variables().clone(),
            region,
            proxies: self.proxies()?,
            certificates: self.certificates(ca_bundle),
            backoff: self.backoff(&flags.backoff)?,
            offline: self.switch(flags.offline, "BOOTSTRAP_OFFLINE", self.config.offline)?,
        };
        Ok(Aws::new(settings, Arc::new(Runtime::new())))
    }

    /// The end of a run that may take `budget` unless a flag, a variable or the file says otherwise.
    pub fn deadline(&self, flag: Option<Timespan>, budget: Duration) -> Result<Deadline, Error> {
        let given = self.value(flag, "BOOTSTRAP_DEADLINE", self.config.deadline)?;
        let budget = given.map_or(budget, |span| span.0);
        Ok(Deadline::after(self.context.started, budget))
    }

    /// The proxies of this environment.
    pub fn proxies(&self) -> Result<Proxies, Error> {
        let variable = |name: &str| self.context.variable(name).map(str::to_owned);
        Proxies::from_variables(&variable).map_err(|error| Error::new(Fault::Usage, error))
    }

    /// How messages look.
    pub fn log_format(&self) -> Result<LogFormat, Error> {
        Ok(self
            .choice(self.global.log_format, "BOOTSTRAP_LOG_FORMAT")?
            .unwrap_or_default())
    }

    /// How much is said.
    pub fn verbosity(&self) -> Result<Verbosity, Error> {
        let said = self.global.verbosity();
        Ok(match said {
            Some(said) => said,
            None if self.switch(false, "BOOTSTRAP_QUIET", None)? => Verbosity::Quiet,
            None if self.switch(false, "BOOTSTRAP_VERBOSE", None)? => Verbosity::Verbose,
            None => Verbosity::Normal,
        })
    }

    /// The second directory for links.
    pub fn bin_dir(&self, flag: Option<PathBuf>) -> Result<Option<PathBuf>, Error> {
        self.path(flag, "BOOTSTRAP_BIN_DIR", self.config.bin_dir.clone())
    }

    /// How a result is printed.
    pub fn output(&self, flag: Option<Output>) -> Result<Output, Error> {
        Ok(self.choice(flag, "BOOTSTRAP_OUTPUT")?.unwrap_or_default())
    }

    /// What stops a run; asked first, since it decides what any later error does.
    pub fn on_failure(&self, flags: &InstallFlags) -> Result<OnFailure, Error> {
        Ok(self
            .value(
                flags.on_failure,
                "BOOTSTRAP_ON_FAILURE",
                self.config.on_failure,
            )?
            .unwrap_or_default())
    }

    /// The options of an installation.
    pub fn install(
        self,
        command: &str,
        flags: InstallFlags,
        wanted: Vec<Wanted>,
        budget: Duration,
    ) -> Result<InstallOptions, Error> {
        let context = self.context;
        let prefix = self.prefix()?;
        let on_failure = self.on_failure(&flags)?;
        let output = self.output(flags.output)?;
        let deadline = self.deadline(flags.deadline, budget)?;
        let client = self.client(flags.ca_bundle, flags.offline, &flags.backoff)?;
        let lock = self.path(flags.lock, "BOOTSTRAP_LOCK", self.config.lock.clone())?;
        let locked = self.switch(flags.locked, "BOOTSTRAP_LOCKED", self.config.locked)?;
        let accept_existing =
            self.switch(flags.accept_existing, "BOOTSTRAP_ACCEPT_EXISTING", None)?;
        if locked && accept_existing {
            let error =
                "--locked takes what the lock pins alone, and --accept-existing what nobody pinned";
            let hint = "leave one of them out (BOOTSTRAP_LOCKED, BOOTSTRAP_ACCEPT_EXISTING)";
            return Err(Error::usage(error).with_hint(hint.to_owned()));
        }
        let settings = Settings {
            cache: self.cache(flags.cache_dir, &prefix)?,
            bin_dir: self.bin_dir(flags.bin_dir)?,
            mirrors: self.mirrors(flags.mirror)?,
            no_origin: self.no_origin(flags.no_origin)?,
            registry: self.registry(flags.npm_registry)?,
            slim: self.switch(flags.slim, "BOOTSTRAP_SLIM", self.config.slim)?,
            durable: self.switch(flags.durable, "BOOTSTRAP_DURABLE", None)?,
            accept_existing,
            keep_previous: on_failure != OnFailure::Fail,
            goes_on: on_failure == OnFailure::Continue,
            variables: context.variables().clone(),
            holder: context.holder(command),
            started: dated(context),
            boot: boot_id(),
            prefix,
        };
        Ok(InstallOptions {
            wanted: self.wanted(wanted)?,
            settings,
            deadline,
            on_failure,
            report: self.path(flags.report, "BOOTSTRAP_REPORT", self.config.report.clone())?,
            termination_log: termination_log(context, flags.termination_log),
            output,
            client,
            lock: self.lock(lock)?,
            locked,
            log_format: self.log_format()?,
            verbosity: self.verbosity()?,
        })
    }

    /// The tools that are wanted.
    pub fn wanted(&self, named: Vec<Wanted>) -> Result<Vec<Wanted>, Error> {
        let variable = self.list("BOOTSTRAP_TOOLS", |c| c.is_whitespace() || c == ',')?;
        let file = self.config.tools.clone().unwrap_or_default();
        Ok([named, variable, file]
            .into_iter()
            .find(|tools| !tools.is_empty())
            .unwrap_or_default())
    }

    pub(super) fn lock(&self, given: Option<PathBuf>) -> Result<Option<Lockfile>, Error> {
        let beside = || Some(self.directory.join("bootstrap.lock")).filter(|path| path.exists());
        let Some(path) = given.or_else(beside) else {
            return Ok(None);
        };
        let text = input(&path)?;
        Lockfile::parse(&path, &text)
            .map(Some)
            .map_err(|error| Error::new(Fault::Input, error))
    }

    /// A path, made absolute: nothing may depend on the working directory later on.
    pub(super) fn path(
        &self,
        flag: Option<PathBuf>,
        variable: &str,
        file: Option<PathBuf>,
    ) -> Result<Option<PathBuf>, Error> {
        let chosen = self.value(flag, variable, file)?;
        Ok(chosen.map(|path| self.context.directory.join(path)))
    }

    pub(super) fn value<T: FromStr<Err: Display>>(
        &self,
        flag: Option<T>,
        variable: &str,
        file: Option<T>,
    ) -> Result<Option<T>, Error> {
        match (flag, self.context.variable(variable)) {
            (Some(flag), _) => Ok(Some(flag)),
            (None, Some(text)) => parse(variable, text).map(Some),
            (None, None) => Ok(file),
        }
    }

    fn choice<T: ValueEnum>(&self, flag: Option<T>, variable: &str) -> Result<Option<T>, Error> {
        match (flag, self.context.variable(variable)) {
            (Some(flag), _) => Ok(Some(flag)),
            (None, Some(text)) => T::from_str(text, true).map(Some).map_err(|_| {
                let names = T::value_variants().iter().filter_map(T::to_possible_value);
                let names: Vec<_> = names
                    .map(|value| format!("`{}`", value.get_name()))
                    .collect();
                Error::usage(format!(
                    "invalid value `{text}` for {variable}: it takes {}",
                    names.join(", ")
                ))
            }),
            (None, None) => Ok(None),
        }
    }

    pub(super) fn switch(
        &self,
        flag: bool,
        variable: &str,
        file: Option<bool>,
    ) -> Result<bool, Error> {
        if flag {
            return Ok(true);
        }
        match self
            .context
            .variable(variable)
            .map(str::to_ascii_lowercase)
            .as_deref()
        {
            None => Ok(file.unwrap_or(false)),
            Some("1" | "true" | "yes" | "on") => Ok(true),
            Some("0" | "false" | "no" | "off") => Ok(false),
            Some(text) => Err(Error::usage(format!(
                "invalid value `{text}` for {variable}: it takes `true` or `false`"
            ))),
        }
    }

    pub(super) fn list<T: FromStr<Err: Display>>(
        &self,
        variable: &str,
        separator: fn(char) -> bool,
    ) -> Result<Vec<T>, Error> {
        let text = self.context.variable(variable).unwrap_or_default();
        text.split(separator)
            .filter(|part| !part.is_empty())
            .map(|part| parse(variable, part))
            .collect()
    }
}

/// The time of day (RFC 3339), for receipts and reports.
pub fn started(context: &Context) -> String {
    context.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The time that receipts bear: that of the build where it sets `SOURCE_DATE_EPOCH`
/// (reproducible-builds.org/specs/source-date-epoch, in seconds), so that the same build gives the
/// same bytes.
fn dated(context: &Context) -> String {
    source_date_epoch(context)
        .and_then(|second| jiff::Timestamp::from_second(second).ok())
        .map_or_else(
            || started(context),
            |then| then.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        )
}

/// The time of the build, in seconds since 1970, where it sets one.
pub(super) fn source_date_epoch(context: &Context) -> Option<i64> {
    let epoch = context.variable("SOURCE_DATE_EPOCH");
    epoch.and_then(|text| text.parse().ok())
}

/// Where the line for the kubelet goes; no file can say, so that a mistake in one can be told there.
pub fn termination_log(context: &Context, flag: Option<PathBuf>) -> PathBuf {
    let variable = || context.variable("BOOTSTRAP_TERMINATION_LOG");
    let named = flag.or_else(|| variable().map(PathBuf::from));
    context
        .directory
        .join(named.unwrap_or_else(|| TERMINATION_LOG.into()))
}

/// The text of a file that somebody wrote for us.
pub(super) fn input(path: &Path) -> Result<String, Error> {
    files::read_text(path).map_err(|error| Error::new(Fault::Input, error))
}

fn parse<T: FromStr<Err: Display>>(variable: &str, text: &str) -> Result<T, Error> {
    text.parse()
        .map_err(|error| Error::usage(format!("invalid value `{text}` for {variable}: {error}")))
}
