//! The options that commands share, each from a flag, a variable, the file or a default, in that
//! order.

mod access;
mod backoff;
mod bundle;
mod flags;
mod inputs;
mod kubeconfig;
mod layers;
mod lock;
mod refusal;
mod variables;

pub use access::{AccessOptions, Issuing, Tools};
pub use backoff::BackoffFlags;
pub use bundle::{BundleFlags, BundleOptions};
pub use flags::{CheckFlags, ClusterFlags, Color, GlobalFlags, InstallFlags, NetworkFlags, Output};
pub use inputs::{Input, read_inputs};
pub use kubeconfig::{InvalidProxyUrl, KubeconfigFlags, KubeconfigOptions, ProxyUrl};
pub use layers::{Checks, Layers, started, termination_log};
pub use lock::{LockFlags, LockOptions};
pub use refusal::refusal;
pub use variables::{VARIABLES, unknown_variables};

use std::path::PathBuf;

use crate::config::OnFailure;
use crate::context::Context;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::http::Client;
use crate::platform::Platform;
use crate::report::{LogFormat, Progress, Verbosity};
use crate::tools::catalog::Catalog;
use crate::tools::install::{Installer, Settings};
use crate::tools::lockfile::Lockfile;
use crate::tools::outcome::Outcome;
use crate::tools::plan::plan;
use crate::tools::resolve::Pins;
use crate::tools::wanted::Wanted;

/// Everything that an installation and its report depend on.
#[derive(Debug)]
pub struct InstallOptions {
    /// What is wanted.
    pub wanted: Vec<Wanted>,
    /// How it is put in place.
    pub settings: Settings,
    /// When all must have ended.
    pub deadline: Deadline,
    /// What stops the run.
    pub on_failure: OnFailure,
    /// Where else the report goes.
    pub report: Option<PathBuf>,
    /// Where the line for the kubelet goes.
    pub termination_log: PathBuf,
    /// How the result is printed.
    pub output: Output,
    client: Client,
    lock: Option<Lockfile>,
    locked: bool,
    log_format: LogFormat,
    verbosity: Verbosity,
}

impl InstallOptions {
    /// Puts the wanted tools in place, showing progress, and returns what became of each.
    pub fn install_tools(&self, context: &Context) -> Result<Vec<Outcome>, Error> {
        let catalog = Catalog::builtin()?;
        let pins = Pins {
            catalog: &catalog,
            lock: self.lock.as_ref(),
            locked: self.locked,
            platform: Platform::host(),
        };
        let planned = plan(&pins, &self.wanted)?;
        let progress = Progress::new(self.log_format, self.verbosity, context.stderr_is_terminal);
        let observer = |tool: &str, activity: crate::tools::outcome::Activity<'_>| {
            progress.show(tool, activity);
        };
        let installer = Installer::new(&self.settings, &self.client, self.deadline, &observer);
        Ok(installer.install(&planned))
    }
}
