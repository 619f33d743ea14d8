//! Looking and asking: what the checks need is found once, side by side where it can be, and
//! nothing waits for long.

mod place;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::api_server::{self, Expected, Trouble};
use super::clock::{self, Reading};
use super::credentials::{self, CredentialKind};
use super::irsa::Issuer;
use super::probe::{self, Probed};
use super::service_account::Claims;
use super::tools::{self, Depth};
use super::{Check, Finding, State, budget, fargate, irsa, pod, role};
use crate::arn::{Partition, Region, RoleArn, SessionName};
use crate::aws::{self, Aws, Caller, Identity};
use crate::cluster::Cluster;
use crate::cluster::access::Access;
use crate::cluster::exec_plugin::Environment;
use crate::cluster::pod::Pod;
use crate::cluster::server::Server;
use crate::cluster::version::Minimum;
use crate::deadline::Deadline;
use crate::files;
use crate::http::Proxies;
use crate::runtime::Runtime;
use crate::tools::prefix::Prefix;
use crate::tools::wanted::Wanted;

/// How long one question to AWS may take, tries included: a network without a way to it is found
/// out several times in a run.
const CALL_LIMIT: Duration = Duration::from_secs(8);

/// What is to be checked, and with what.
pub struct Setup<'a> {
    /// The checks that are wanted.
    pub checks: BTreeSet<Check>,
    /// What `tools` found, where that is known already.
    pub tools: Option<Finding>,
    /// Where tools are installed.
    pub prefix: &'a Prefix,
    /// The present boot id.
    pub boot: &'a str,
    /// How closely tools are looked at.
    pub depth: Depth,
    /// The tools that are wanted.
    pub wanted: &'a [Wanted],
    /// The clusters.
    pub clusters: &'a [Cluster],
    /// The files of the kubeconfig.
    pub kubeconfigs: &'a [PathBuf],
    /// Where credentials must come from.
    pub credentials: Option<CredentialKind>,
    /// Where the connector tries its connection.
    pub test_region: Option<&'a Region>,
    /// The oldest Kubernetes that will do.
    pub minimum: Minimum,
    /// The pod that is meant, where it is not that of this process.
    pub pod: &'a pod::Asked,
    /// Where the labels of this process's pod may be, by the downward API.
    pub labels: &'a Path,
    /// The variables of this process.
    pub variables: &'a BTreeMap<String, String>,
    /// The working directory.
    pub directory: &'a Path,
    /// Where Kubernetes mounts the credentials of a pod.
    pub service_account: &'a Path,
    /// The proxies.
    pub proxies: &'a Proxies,
    /// AWS.
    pub aws: &'a Aws,
    /// The name of the sessions of assumed roles.
    pub session: &'a SessionName,
    /// The runtime of the network.
    pub runtime: Arc<Runtime>,
    /// Whether nothing is asked of the network.
    pub offline: bool,
    /// The clock.
    pub now: &'a (dyn Fn() -> Timestamp + Sync),
    /// When all must have ended.
    pub deadline: Deadline,
}

/// A run of the checks.
pub struct Preflight<'a> {
    pub(super) setup: Setup<'a>,
    identity: OnceLock<Result<Identity, aws::Error>>,
    caller: OnceLock<Result<Caller, aws::Error>>,
    readings: Mutex<Vec<Reading>>,
    /// The pod that was asked for, once it was found.
    pod: OnceLock<Pod>,
}

impl<'a> Preflight<'a> {
    /// A run that has not begun.
    pub const fn new(setup: Setup<'a>) -> Self {
        Self {
            setup,
            identity: OnceLock::new(),
            caller: OnceLock::new(),
            readings: Mutex::new(Vec::new()),
            pod: OnceLock::new(),
        }
    }

    /// Makes the checks; what was found comes in the order of the checks, and within one in that of
    /// the clusters.
    pub fn run(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let (mut profiles, mut issuers) = (Vec::new(), Vec::new());
        // Of a pod that is asked for by its name, the one cluster is the own. A token from before
        // projected ones does not tell its cluster.
        let is_other = self.setup.pod.name.is_some() || self.setup.pod.namespace.is_some();
        let own_issuer = self.own_claims().map(|claims| claims.issuer);
        let own_issuer = own_issuer.filter(|own| !is_other && own.starts_with("https://"));
        std::thread::scope(|scope| {
            let tools = scope.spawn(|| self.tools());
            let own = scope.spawn(|| self.own_cluster());
            let clusters = self.setup.clusters.iter();
            let clusters: Vec<_> = clusters
                .map(|cluster| scope.spawn(move || probe::run(self, cluster)))
                .collect();
            findings.extend(self.of_this_process());
            findings.extend(tools.join().unwrap_or_else(|panic| resume_unwind(panic)));
            findings.extend(own.join().unwrap_or_else(|panic| resume_unwind(panic)));
            for cluster in clusters {
                let probed: Probed = cluster.join().unwrap_or_else(|panic| resume_unwind(panic));
                findings.extend(probed.findings);
                // The profiles of another cluster than the pod's own do not concern it.
                let issuer = probed.issuer.as_ref().map(|issuer| issuer.url.as_str());
                if issuer.is_none() || own_issuer.is_none() || issuer == own_issuer.as_deref() {
                    profiles.push(probed.profiles);
                }
                issuers.extend(probed.issuer);
            }
        });
        findings.extend(self.check(Check::Irsa, || irsa::judge(&self.irsa(issuers))));
        findings.extend(self.check(Check::Fargate, || {
            if self.asks_pod() && self.pod.get().is_none() {
                return Finding::skip(Check::Fargate, "the pod could not be asked for");
            }
            fargate::judge(&self.place(), &profiles)
        }));
        findings.extend(self.check(Check::Clock, || {
            let readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
            clock::judge(&readings)
        }));
        findings.extend(self.check(Check::Budget, || budget::judge(budget::age_of_container())));
        if self.setup.pod.name.is_none() {
            let skip = || Finding::skip(Check::Pod, "no pod is named (--pod)");
            findings.extend(self.check(Check::Pod, skip));
        }
        findings.sort_by_key(|finding| finding.check);
        findings
    }

    /// Whether a check is wanted.
    pub(super) fn wants(&self, check: Check) -> bool {
        self.setup.checks.contains(&check)
    }

    /// Makes a check if it is wanted.
    pub(super) fn check(&self, check: Check, make: impl FnOnce() -> Finding) -> Option<Finding> {
        self.wants(check).then(make)
    }

    fn tools(&self) -> Option<Finding> {
        let setup = &self.setup;
        self.check(Check::Tools, || {
            if let Some(known) = &setup.tools {
                return known.clone();
            }
            match tools::look(setup.prefix, setup.boot, setup.depth, setup.deadline) {
                Ok(installed) => tools::judge(&installed, setup.wanted, setup.depth),
                Err(passed) => {
                    Finding::warn(Check::Tools, format!("not all was looked at: {passed}"))
                        .remedy("give it more time with --deadline")
                }
            }
        })
    }

    /// The checks that are about no cluster.
    fn of_this_process(&self) -> Vec<Finding> {
        let setup = &self.setup;
        let credentials = self.check(Check::Credentials, || {
            match (setup.offline, self.identity()) {
                (true, _) => Finding::skip(Check::Credentials, "AWS is not asked when offline"),
                (false, Err(error)) => credentials::judge_none(error),
                (false, Ok(identity)) => {
                    credentials::judge(setup.credentials, &identity.source, self.caller())
                }
            }
        });
        let needs_own = setup.clusters.iter().any(|cluster| cluster.role.is_none());
        let regions = self.check(Check::Regions, || {
            if needs_own || setup.clusters.is_empty() {
                self.regions(self.identity())
            } else {
                Finding::skip(
                    Check::Regions,
                    "every cluster has a role, which is asked instead",
                )
            }
        });
        [credentials, regions].into_iter().flatten().collect()
    }

    /// Asks for the regions, as the connector does.
    pub(super) fn regions(&self, identity: Result<&Identity, &aws::Error>) -> Finding {
        if self.setup.offline {
            return Finding::skip(Check::Regions, "AWS is not asked when offline");
        }
        let Ok(identity) = identity else {
            return Finding::skip(Check::Regions, "there are no credentials");
        };
        let region = self.test_region();
        if let Some(named) = self.region()
            && named.partition() != region.partition()
        {
            return role::judge_test_region(&region, &named);
        }
        let regions = self
            .setup
            .aws
            .describe_regions(identity, &region, self.call());
        role::judge_regions(region.as_str(), regions.as_ref().map(Vec::len))
    }

    /// Where the connector tries its connection: the home region of the partition.
    fn test_region(&self) -> Region {
        let given = self.setup.test_region.cloned();
        given.unwrap_or_else(|| Region::from(self.partition()))
    }

    /// The partition of all the rest: that of the region, else of a cluster, else of the role of IRSA.
    fn partition(&self) -> Partition {
        let setup = &self.setup;
        let of_region = self.region().map(|region| region.partition());
        let of_clusters = || setup.clusters.iter().find_map(Cluster::partition);
        let of_irsa = || {
            let role = setup.variables.get("AWS_ROLE_ARN")?;
            Some(role.parse::<RoleArn>().ok()?.partition)
        };
        let found = of_region.or_else(of_clusters).or_else(of_irsa);
        found.unwrap_or(Partition::Aws)
    }

    /// The region that the first cluster or the environment names.
    pub(super) fn region(&self) -> Option<Region> {
        let mut named = self.setup.clusters.iter();
        let named = named.find_map(|cluster| cluster.region.clone());
        named.or_else(|| self.own_region())
    }

    /// The region of a cluster: its own, else that of the environment or the profile, and never that of
    /// another cluster.
    pub(super) fn region_of(&self, cluster: &Cluster) -> Option<Region> {
        cluster.region.clone().or_else(|| self.own_region())
    }

    fn own_region(&self) -> Option<Region> {
        Some(self.setup.aws.region().ok().flatten()?.0)
    }

    /// The credentials of this process.
    pub(super) fn identity(&self) -> Result<&Identity, &aws::Error> {
        let find = || self.setup.aws.identity(self.call());
        self.identity.get_or_init(find).as_ref()
    }

    /// Who AWS takes them for.
    pub(super) fn caller(&self) -> Result<&Caller, &aws::Error> {
        let identity = self.identity()?;
        let ask = || {
            let region = self.region().unwrap_or_else(|| self.test_region());
            let caller = self.setup.aws.caller(identity, &region, self.call())?;
            self.note("AWS", caller.server_time);
            Ok(caller)
        };
        self.caller.get_or_init(ask).as_ref()
    }

    /// Keeps a server's time of day.
    pub(super) fn note(&self, server: &str, theirs: Option<Timestamp>) {
        let ours = (self.setup.now)();
        let reading = theirs.map(|theirs| Reading {
            server: server.to_owned(),
            theirs,
            ours,
        });
        let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        readings.extend(reading);
    }

    /// The end of one question to AWS.
    pub(super) fn call(&self) -> Deadline {
        Deadline::after(Instant::now(), CALL_LIMIT.min(self.setup.deadline.left()))
    }

    /// What plugins may know of this process.
    pub(super) const fn environment(&self) -> Environment<'_> {
        Environment {
            variables: self.setup.variables,
            directory: self.setup.directory,
        }
    }

    fn irsa(&self, issuers: Vec<Issuer>) -> irsa::Facts<'_> {
        irsa::Facts {
            kind: self.setup.credentials,
            region: self.region(),
            issuers,
            own_issuer: self.own_claims().map(|claims| claims.issuer),
            now: (self.setup.now)(),
            ..irsa::Facts::look(self.setup.variables)
        }
    }

    /// What the token says that Kubernetes mounts into every pod.
    fn own_claims(&self) -> Option<Claims> {
        let token = files::read_own(&self.setup.service_account.join("token"));
        Claims::decode(&token.ok()?).ok()
    }

    /// Whether anything is asked of an API server.
    pub(super) fn asks_server(&self) -> bool {
        let checks = [Check::ApiServer, Check::Version, Check::Permissions];
        checks.iter().any(|check| self.wants(*check)) || self.asks_pod()
    }

    /// Without a configured cluster, the one that this pod runs in.
    fn own_cluster(&self) -> Vec<Finding> {
        let setup = &self.setup;
        let checks = [Check::ApiServer, Check::Version, Check::Permissions];
        if !setup.clusters.is_empty() || !self.asks_server() {
            return Vec::new();
        }
        let skip = |reason: &str| {
            let wanted = checks.iter().filter(|check| self.wants(**check));
            let skipped = wanted.map(|check| Finding::skip(*check, reason));
            skipped.chain(self.without_pod(reason)).collect()
        };
        if setup.offline {
            return skip("no cluster is asked when offline");
        }
        let access = Access::of_this_pod(setup.variables, setup.service_account);
        let server = match access {
            Ok(None) => {
                return skip("no cluster is configured, and this is no pod that could ask its own");
            }
            Ok(Some(access)) => Ok(Server::new(access, Arc::clone(&setup.runtime))),
            Err(error) => Err(Trouble::from(error)),
        };
        let findings = self.api_server(server, None, &Expected::default(), &|| None);
        let findings = findings.into_iter();
        findings.map(|finding| finding.of("this-cluster")).collect()
    }

    /// The checks of an API server; `described` is the version that EKS tells, `expected` who one should
    /// be there, and `mapping` how the cluster is told of who asks.
    pub(super) fn api_server(
        &self,
        server: Result<Server, Trouble>,
        described: Option<&str>,
        expected: &Expected,
        mapping: &dyn Fn() -> Option<String>,
    ) -> Vec<Finding> {
        let deadline = self.setup.deadline;
        let url = server.as_ref().map(|server| server.url().to_owned());
        let url = url.unwrap_or_default();
        let asked = server.and_then(|server| {
            let answer = server.version(deadline)?;
            self.note(&url, answer.date);
            Ok((server, answer.value))
        });
        let version = asked.as_ref().map(|(_, version)| version);
        let mapping = match version {
            Err(trouble) if trouble.is_unauthorized() => mapping(),
            _ => None,
        };
        let mapped = |finding: Finding| match &mapping {
            Some(mapping) => finding.remedy(mapping),
            None => finding,
        };
        let answers = self.check(Check::ApiServer, || {
            let who = asked.as_ref().ok();
            let who = who.map(|(server, _)| server.who(deadline));
            mapped(api_server::judge(&url, version, who.as_ref(), expected))
        });
        let gate = self.check(Check::Version, || {
            let told = version.map_err(ToString::to_string);
            let finding = api_server::judge_version(told, described, self.setup.minimum);
            match version {
                // Where no other check tells it, this one does: kubectl will not get in.
                Err(trouble) if !self.wants(Check::ApiServer) => {
                    let is_new_enough = finding.state == State::Pass;
                    let finding = api_server::unreached(finding, trouble);
                    if is_new_enough {
                        mapped(finding)
                    } else {
                        finding
                    }
                }
                _ => finding,
            }
        });
        let rights = self.check(Check::Permissions, || match &asked {
            Ok((server, _)) => {
                let rights = server.rights(deadline);
                api_server::judge_rights(server.namespace(), rights.as_ref())
            }
            Err(_) => Finding::skip(Check::Permissions, "the API server gave no answer"),
        });
        let mut findings: Vec<_> = [answers, gate, rights].into_iter().flatten().collect();
        if self.asks_pod() {
            let found = self.asked_pod(asked.as_ref().map(|(server, _)| server), &url);
            // Where a pod's place is asked for, that the pod could not be had is the answer.
            let is_shown = self.wants(Check::Pod) || self.pod.get().is_none();
            findings.extend(found.into_iter().filter(|_| is_shown));
        }
        findings
    }
}
