//! The checks of one cluster.

use std::path::Path;
use std::sync::Arc;

use super::access::Principal;
use super::api_server::{Expected, Trouble};
use super::context::{Choice, Meant, choose};
use super::fargate::Profiles;
use super::irsa::Issuer;
use super::preflight::Preflight;
use super::{Check, Finding, State, access, api_server, in_one_line, irsa, role};
use crate::arn::{ExternalId, Region, RoleArn};
use crate::aws::{self, Description, Identity};
use crate::cluster::Cluster;
use crate::cluster::access::{self as reach, Access};
use crate::cluster::describe::role_else_caller;
use crate::cluster::server::{Failure, Server};

/// What was found out about a cluster.
#[derive(Debug, Default)]
pub(super) struct Probed {
    pub(super) findings: Vec<Finding>,
    /// Which pods run on Fargate there, where that was asked.
    pub(super) profiles: Profiles,
    /// Who issues the tokens of its service accounts, where that was asked.
    pub(super) issuer: Option<Issuer>,
}

/// Makes the checks of one cluster.
pub(super) fn run(preflight: &Preflight<'_>, cluster: &Cluster) -> Probed {
    let probe = Probe { preflight, cluster };
    let mut probed = probe.aws();
    let subject = cluster.alias.as_ref().map_or_else(
        || cluster.name.to_string(),
        |alias| alias.as_str().to_owned(),
    );
    let findings = std::mem::take(&mut probed.findings);
    probed.findings = findings
        .into_iter()
        .map(|finding| finding.of(&subject))
        .collect();
    probed
}

struct Probe<'a> {
    preflight: &'a Preflight<'a>,
    cluster: &'a Cluster,
}

impl Probe<'_> {
    fn aws(&self) -> Probed {
        let Self { preflight, cluster } = self;
        let mut probed = Probed::default();
        if preflight.setup.offline {
            let checks = [
                Check::Role,
                Check::ExternalId,
                Check::Cluster,
                Check::Access,
                Check::ApiServer,
                Check::Version,
                Check::Permissions,
            ];
            let skip = |check| Finding::skip(check, "no cluster and no AWS is asked when offline");
            let wanted = checks.into_iter().filter(|check| preflight.wants(*check));
            probed.findings.extend(wanted.map(skip));
            let skipped = preflight.check(Check::Pod, || skip(Check::Pod));
            let is_named = preflight.setup.pod.name.is_some();
            probed.findings.extend(skipped.filter(|_| is_named));
            return probed;
        }
        let region = preflight.region_of(cluster);
        let assumed = self.assume(region.as_ref(), &mut probed.findings);
        let described = self.describe(assumed.as_ref(), region.as_ref());
        let described = described.as_ref().map(|described| {
            let described = described.as_ref();
            described.map(|(description, refused)| (description, refused.is_some()))
        });
        probed
            .findings
            .extend(preflight.check(Check::Cluster, || match described {
                Some(described) => access::judge_cluster(described.map(|(found, _)| found)),
                None => Finding::skip(Check::Cluster, "there are no credentials"),
            }));
        let (description, is_of_caller) = match described {
            Some(Ok((description, is_of_caller))) => (Some(description), is_of_caller),
            _ => (None, false),
        };
        let issuer = description.and_then(|description| description.oidc_issuer.clone());
        probed.issuer = issuer.map(|url| Issuer {
            cluster: cluster.name.to_string(),
            url,
        });
        probed
            .findings
            .extend(preflight.check(Check::Access, || match description {
                Some(description) => access::judge_mode(description, self.principal().as_ref()),
                None => Finding::skip(Check::Access, "EKS did not describe the cluster"),
            }));
        if let (Some(_), Some(region)) = (description, &region) {
            // Who saw the cluster that is meant: a role of another account sees another of that name.
            let asker = assumed.as_ref().filter(|_| !is_of_caller);
            probed.profiles = self.profiles(asker, region);
        }
        probed.findings.extend(self.kubernetes(description));
        probed
    }

    /// Assumes the role of the cluster; none where it has none, or refuses.
    fn assume(&self, region: Option<&Region>, findings: &mut Vec<Finding>) -> Option<Identity> {
        let Self { preflight, cluster } = self;
        let Some(role) = &cluster.role else {
            let skip = |check| Finding::skip(check, "no role is given for the cluster");
            findings.extend(preflight.check(Check::Role, || skip(Check::Role)));
            findings.extend(preflight.check(Check::ExternalId, || skip(Check::ExternalId)));
            return None;
        };
        let needs = [
            Check::Role,
            Check::ExternalId,
            Check::Regions,
            Check::Cluster,
            Check::Access,
        ];
        if !needs.iter().any(|check| preflight.wants(*check)) && !self.needs_description() {
            return None;
        }
        let mut skip = |checks: &[Check], reason: &str| {
            let wanted = checks.iter().filter(|check| preflight.wants(**check));
            findings.extend(wanted.map(|check| Finding::skip(*check, reason)));
        };
        if let Some(region) = region.filter(|region| region.partition() != role.partition) {
            let reason = "the role could not be assumed";
            skip(&[Check::ExternalId, Check::Regions], reason);
            findings.extend(preflight.check(Check::Role, || role::judge_partition(role, region)));
            return None;
        }
        let Ok(base) = preflight.identity() else {
            let checks = [Check::Role, Check::ExternalId, Check::Regions];
            skip(&checks, "there are no credentials");
            return None;
        };
        let id = cluster.external_id.as_ref();
        let assumed = self.session(base, role, id, region);
        findings.extend(preflight.check(Check::Role, || {
            let found = role::judge(role, id.is_some(), assumed.as_ref().map(|_| ()));
            role::judge_kind(found, preflight.setup.credentials)
        }));
        findings.extend(preflight.check(Check::ExternalId, || match (&assumed, id) {
            (_, None) => Finding::skip(Check::ExternalId, "no external ID is configured"),
            (Err(_), _) => {
                Finding::skip(Check::ExternalId, "the role could not be assumed with it")
            }
            (Ok(_), Some(_)) => {
                let without = self.session(base, role, None, region);
                role::judge_without_external_id(role, without.as_ref().map(|_| ()))
            }
        }));
        findings.extend(preflight.check(Check::Regions, || match &assumed {
            Ok(identity) => preflight.regions(Ok(identity)),
            Err(_) => Finding::skip(Check::Regions, "the role could not be assumed"),
        }));
        assumed.ok()
    }

    fn session(
        &self,
        base: &Identity,
        role: &RoleArn,
        external_id: Option<&ExternalId>,
        region: Option<&Region>,
    ) -> Result<Identity, aws::Error> {
        let region = region.ok_or(aws::Error::NoRegion)?;
        let setup = &self.preflight.setup;
        let deadline = self.preflight.call();
        setup
            .aws
            .assume_role(base, role, external_id, setup.session, region, deadline)
    }

    /// Whether a check wants to know what EKS says of the cluster.
    fn needs_description(&self) -> bool {
        let checks = [
            Check::Cluster,
            Check::Access,
            Check::Fargate,
            Check::Version,
        ];
        checks.iter().any(|check| self.preflight.wants(*check))
            || self.preflight.wants(Check::Irsa) && irsa::is_present(self.preflight.setup.variables)
    }

    /// Asks EKS about the cluster, as its role and else as the caller (`aws eks update-kubeconfig` asks as
    /// the caller); none without credentials. With it comes why the role could not ask, where the caller
    /// did in its place.
    fn describe(
        &self,
        assumed: Option<&Identity>,
        region: Option<&Region>,
    ) -> Option<Result<(Description, Option<aws::Error>), aws::Error>> {
        let Self { preflight, cluster } = self;
        if !self.needs_description() {
            return None;
        }
        let ask = |identity: &Identity| {
            let region = region.ok_or(aws::Error::NoRegion)?;
            let deadline = preflight.call();
            let aws = preflight.setup.aws;
            let found = aws.describe_cluster(identity, region, &cluster.name, deadline)?;
            found.of(cluster.arn.as_ref())
        };
        // Without credentials of its own, no role was assumed either.
        let base = preflight.identity().ok()?;
        Some(role_else_caller(cluster, assumed.map(ask), || ask(base)))
    }

    /// Who the cluster must know: the role that it is entered as, else the caller.
    fn principal(&self) -> Option<Principal> {
        let Self { preflight, cluster } = self;
        if let Some(role) = &cluster.role {
            return Some(Principal::Role(role.clone()));
        }
        let caller = preflight.caller().ok()?;
        let source = preflight.identity().ok().map(|identity| &identity.source);
        Some(Principal::of_caller(&caller.arn, source))
    }

    /// How the cluster is told of that.
    fn mapping(&self, description: Option<&Description>) -> Option<String> {
        let mode = description.map(access::mode);
        let principal = self.principal()?;
        Some(principal.mapping(self.cluster.name.as_str(), mode))
    }

    /// Which pods run on Fargate, asked as this role and else as the caller; none where that is of no
    /// interest.
    fn profiles(&self, assumed: Option<&Identity>, region: &Region) -> Profiles {
        let Self { preflight, cluster } = self;
        if !preflight.needs_profiles() {
            return None;
        }
        let identity = assumed.or_else(|| preflight.identity().ok())?;
        let deadline = preflight.call();
        let aws = preflight.setup.aws;
        let asked = aws.fargate_profiles(identity, region, &cluster.name, deadline);
        Some(asked.map_err(|error| {
            let (error, who) = (in_one_line(&error), &identity.source);
            format!("{error}; asked in {region} with {who}")
        }))
    }

    /// The checks of the cluster's API server, by way of the kubeconfig.
    fn kubernetes(&self, description: Option<&Description>) -> Vec<Finding> {
        let preflight = self.preflight;
        if !preflight.asks_server() {
            return Vec::new();
        }
        let described = description.and_then(|description| description.version.as_deref());
        let (file, name, login) = match self.context(description) {
            Ok((file, Choice::Found { name, login })) => (file, name, login),
            Ok((_, unfit)) => return self.without_context(described, unfit),
            Err(error) => {
                let expected = Expected::default();
                return preflight.api_server(Err(error.into()), described, &expected, &|| None);
            }
        };
        let mut expected = Expected::new(self.cluster, &name, login);
        let setup = &preflight.setup;
        let (environment, proxies) = (preflight.environment(), setup.proxies);
        let (deadline, new) = (setup.deadline, |access| {
            Server::new(access, Arc::clone(&setup.runtime))
        });
        let access = Access::from_kubeconfig(file, &name, environment, proxies, deadline);
        let mut server = access.map(new);
        let is_refused = |server: &Server| {
            let version = server.version(deadline);
            version.err() == Some(Failure::Unauthorized)
        };
        if expected.is_written
            && server.as_ref().is_ok_and(is_refused)
            && let Some(Ok(access)) =
                Access::with_new_session(file, &name, environment, proxies, deadline)
        {
            let anew = new(access);
            if anew.version(deadline).is_ok() {
                expected.is_stale = true;
                server = Ok(anew);
            }
        }
        let (server, mapping) = (server.map_err(Trouble::from), || self.mapping(description));
        preflight.api_server(server, described, &expected, &mapping)
    }

    /// The same without a context: a warning, or where the one with its alias is wrong a failure.
    fn without_context(&self, described: Option<&str>, choice: Choice) -> Vec<Finding> {
        let preflight = self.preflight;
        let files = preflight.setup.kubeconfigs.iter();
        let files: Vec<_> = files.map(|file| file.display().to_string()).collect();
        let (reason, is_wrong) = match (choice, files.as_slice()) {
            (Choice::Unfit { reason, is_wrong }, _) => (reason, is_wrong),
            (_, []) => {
                let reason = "no kubeconfig is named, and HOME is not set to find one in";
                (reason.to_owned(), false)
            }
            (_, files) => (format!("{} has no context for it", files.join(", ")), false),
        };
        let remedy = if is_wrong {
            "write it anew with `bootstrap kubeconfig`, or name what it leads to: --cluster, --role-arn, --alias"
        } else {
            "write it with `bootstrap kubeconfig`"
        };
        let find = |check| {
            let finding = if is_wrong {
                Finding::fail(check, reason.clone())
            } else {
                Finding::warn(check, format!("it was not asked: {reason}"))
            };
            finding.remedy(remedy)
        };
        let version = preflight.check(Check::Version, || {
            let version = Err(reason.clone());
            let finding = api_server::judge_version(version, described, preflight.setup.minimum);
            // Where no other check tells it, this one does.
            if is_wrong && finding.state == State::Pass && !preflight.wants(Check::ApiServer) {
                let state = State::Warn;
                return Finding { state, ..finding }.remedy(remedy);
            }
            finding
        });
        let api_server = preflight.check(Check::ApiServer, || find(Check::ApiServer));
        let rights = preflight.check(Check::Permissions, || match &api_server {
            Some(_) => Finding::skip(Check::Permissions, "the API server was not asked"),
            None => find(Check::Permissions),
        });
        let pod = preflight.without_pod(&reason);
        let findings = [api_server, rights, version, pod].into_iter();
        findings.flatten().collect()
    }

    /// The first kubeconfig with a context for this cluster; where none has one that will do, the first
    /// with one that will not.
    fn context(&self, description: Option<&Description>) -> Result<(&Path, Choice), reach::Error> {
        let Self { preflight, cluster } = self;
        let region = preflight.region_of(cluster);
        let arn = description.map(|description| &description.arn);
        let meant = Meant {
            cluster,
            arn: arn.or(cluster.arn.as_ref()),
            endpoint: description.and_then(|description| description.endpoint.as_deref()),
            region: region.as_ref(),
        };
        let mut first = (Path::new(""), Choice::Missing);
        for file in preflight.setup.kubeconfigs {
            // What is given for no kubeconfig at all.
            if !file.exists() || file == Path::new("/dev/null") {
                continue;
            }
            match choose(meant, file, &reach::contexts(file)?) {
                found @ Choice::Found { .. } => return Ok((file, found)),
                unfit @ Choice::Unfit { .. } if first.1 == Choice::Missing => first = (file, unfit),
                Choice::Missing | Choice::Unfit { .. } => {}
            }
        }
        Ok(first)
    }
}
