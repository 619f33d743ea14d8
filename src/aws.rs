//! AWS: region and partition, the chain of credentials, and the few calls that this program makes.
//!
//! `environment` reads variables and profile files; `chain` finds credentials, with `web_identity`,
//! `profiles` and `metadata`; `sts`, `eks` and `ec2` make the calls, `attempt` repeats them, and
//! `connector` carries them over the connections of [`crate::http`], so that proxies and
//! certificates are the same everywhere.
//!
//! The SDK is told everything it would read from the process itself; its user agent alone looks at
//! `AWS_EXECUTION_ENV`, which is a name to be sent along and nothing that decides.

mod attempt;
mod chain;
mod codes;
mod connector;
mod ec2;
mod eks;
mod endpoint;
mod environment;
mod error;
mod identity;
mod metadata;
mod profiles;
mod sts;
mod web_identity;

pub use eks::{Description, FargateProfile, FargateSelector};
pub use environment::RegionSource;
pub use error::{Error, Refusal, Tried};
pub use identity::{Identity, Source};
pub use sts::Caller;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use crate::arn::Region;
use crate::backoff::Backoff;
use crate::deadline::Deadline;
use crate::http::{self, Certificates, Client, Proxies};
use crate::runtime::Runtime;
use attempt::Asking;
use connector::Connector;
use environment::Environment;

/// What the AWS part is told at its start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The variables of the run; an empty one counts as absent.
    pub variables: BTreeMap<String, String>,
    /// The region that a flag names.
    pub region: Option<Region>,
    /// The proxies; the metadata services of this machine are reached without any.
    pub proxies: Proxies,
    /// The trusted certificate authorities.
    pub certificates: Certificates,
    /// The waits between tries.
    pub backoff: Backoff,
    /// Whether AWS is not to be asked at all.
    pub offline: bool,
}

/// AWS, as this run may use it.
///
/// Making one is free: profile files, certificates and credentials are read when they are needed,
/// and credentials are found once.
pub struct Aws {
    environment: Environment,
    region: Option<Region>,
    offline: bool,
    backoff: Backoff,
    runtime: Arc<Runtime>,
    client: Arc<Client>,
    /// For what is on this machine: without proxies.
    nearby: Arc<Client>,
    identity: Mutex<Option<Identity>>,
}

impl Aws {
    /// AWS, before anything was asked.
    pub fn new(settings: Settings, runtime: Arc<Runtime>) -> Self {
        let client = |proxies| {
            let settings = http::Settings {
                proxies,
                certificates: settings.certificates.clone(),
                ..http::Settings::default()
            };
            Arc::new(Client::new(settings, runtime.clone()))
        };
        Self {
            client: client(settings.proxies),
            nearby: client(Proxies::default()),
            environment: Environment::new(settings.variables),
            region: settings.region,
            offline: settings.offline,
            backoff: settings.backoff,
            runtime,
            identity: Mutex::new(None),
        }
    }

    /// The region: of the flag, `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile, in this order.
    /// The instance metadata service is not asked: where there is none, that takes seconds.
    pub fn region(&self) -> Result<Option<(Region, RegionSource)>, Error> {
        self.environment.region(self.region.as_ref())
    }

    fn connector(&self, action: &'static str, deadline: Deadline) -> Result<Connector, Error> {
        if self.offline {
            return Err(Error::Offline { action });
        }
        Ok(Connector::new(self.client.clone(), deadline))
    }

    fn asking<'a>(
        &'a self,
        action: &'static str,
        deadline: Deadline,
        connector: &'a Connector,
    ) -> Asking<'a> {
        Asking {
            runtime: &self.runtime,
            backoff: self.backoff,
            deadline,
            action,
            connector,
        }
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The variables hold secrets.
        f.debug_struct("Aws").finish_non_exhaustive()
    }
}
