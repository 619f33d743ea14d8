//! The checks of one cluster.

use std::path::Path;
use std::sync::Arc;

use super::api_server::Trouble;
use super::irsa::Issuer;
use super::preflight::Preflight;
use super::{Check, Finding, access, api_server, role};
use crate::arn::{ExternalId, Region, RoleArn};
use crate::aws::{self, Description, FargateProfile, Identity};
use crate::cluster::Cluster;
use crate::cluster::access::{self as reach, Access};
use crate::cluster::describe::is_meant;
use crate::cluster::server::Server;

/// What was found out about a cluster.
#[derive(Debug, Default)]
pub(super) struct Probed {
    pub(super) findings: Vec<Finding>,
    /// Which pods run on Fargate there, where that was asked.
    pub(super) profiles: Vec<FargateProfile>,
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
            return probed;
        }
        let region = cluster.region.clone().or_else(|| preflight.region());
        let assumed = self.assume(region.as_ref(), &mut probed.findings);
        let described = self.describe(assumed.as_ref(), region.as_ref());
        let described = described.as_ref();
        probed
            .findings
            .extend(preflight.check(Check::Cluster, || match described {
                Some(described) => access::judge_cluster(described.as_ref()),
                None => Finding::skip(Check::Cluster, "there are no credentials"),
            }));
        let description = described.and_then(|described| described.as_ref().ok());
        let issuer = description.and_then(|description| description.oidc_issuer.clone());
        probed.issuer = issuer.map(|url| Issuer {
            cluster: cluster.name.to_string(),
            url,
        });
        probed
            .findings
            .extend(preflight.check(Check::Access, || match description {
                Some(description) => {
                    let caller = preflight.caller().ok().map(|caller| &caller.arn);
                    access::judge_mode(description, cluster.role.as_ref(), caller)
                }
                None => Finding::skip(Check::Access, "EKS did not describe the cluster"),
            }));
        if let (Some(_), Some(region)) = (description, &region) {
            probed.profiles = self.profiles(assumed.as_ref(), region);
        }
        probed.findings.extend(self.kubernetes(description));
        probed
    }

    /// Assumes the role of the cluster; none where it has none, or refuses.
    fn assume(&self, region: Option<&Region>, findings: &mut Vec<Finding>) -> Option<Identity> {
        let Self { preflight, cluster } = self;
        let Some(role) = &cluster.role else {
            let skip = |check| Finding::skip(check, "the cluster is entered without a role");
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
            role::judge(role, id.is_some(), assumed.as_ref().map(|_| ()))
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
            || self.preflight.wants(Check::Irsa) && self.preflight.place().has_irsa
    }

    /// Asks EKS about the cluster, as its role and else as the caller; none without credentials.
    fn describe(
        &self,
        assumed: Option<&Identity>,
        region: Option<&Region>,
    ) -> Option<Result<Description, aws::Error>> {
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
        let base = preflight.identity().ok();
        match (assumed.map(ask), base) {
            (Some(Ok(description)), _) => Some(Ok(description)),
            // What the role may not, the caller may: `aws eks update-kubeconfig` asks as the caller.
            (Some(Err(refused)), Some(base)) => Some(match ask(base) {
                Ok(seen) => self.meant(seen, Some(refused)),
                Err(_) => Err(refused),
            }),
            (Some(Err(refused)), None) => Some(Err(refused)),
            (None, base) => base.map(|base| self.meant(ask(base)?, None)),
        }
    }

    /// What the caller sees in the place of the role, if that is the cluster that is meant.
    fn meant(
        &self,
        seen: Description,
        refused: Option<aws::Error>,
    ) -> Result<Description, aws::Error> {
        match &self.cluster.role {
            Some(role) if !is_meant(self.cluster, &seen) => Err(aws::Error::OtherAccount {
                role: Box::new(role.clone()),
                found: Box::new(seen.arn),
                refused: refused.map(Box::new),
            }),
            _ => Ok(seen),
        }
    }

    /// Which pods run on Fargate; none where that is of no interest or cannot be asked.
    fn profiles(&self, assumed: Option<&Identity>, region: &Region) -> Vec<FargateProfile> {
        let Self { preflight, cluster } = self;
        // Where the node is known, profiles say nothing more.
        if !preflight.wants(Check::Fargate) || preflight.place().node.is_some() {
            return Vec::new();
        }
        let identity = assumed.or_else(|| preflight.identity().ok());
        let ask = |identity| {
            let deadline = preflight.call();
            let aws = preflight.setup.aws;
            aws.fargate_profiles(identity, region, &cluster.name, deadline)
        };
        identity
            .and_then(|identity| ask(identity).ok())
            .unwrap_or_default()
    }

    /// The checks of the cluster's API server, by way of the kubeconfig.
    fn kubernetes(&self, description: Option<&Description>) -> Vec<Finding> {
        let preflight = self.preflight;
        let checks = [Check::ApiServer, Check::Version, Check::Permissions];
        if !checks.iter().any(|check| preflight.wants(*check)) {
            return Vec::new();
        }
        let described = description.and_then(|description| description.version.as_deref());
        let context = match self.context(description) {
            Ok(Some(context)) => context,
            Ok(None) => return self.without_context(described),
            Err(error) => return preflight.api_server(Err(error.into()), described),
        };
        let (file, name) = context;
        let setup = &preflight.setup;
        let access = Access::from_kubeconfig(
            file,
            &name,
            preflight.environment(),
            setup.proxies,
            setup.deadline,
        );
        let server = access.map(|access| Server::new(access, Arc::clone(&setup.runtime)));
        preflight.api_server(server.map_err(Trouble::from), described)
    }

    fn without_context(&self, described: Option<&str>) -> Vec<Finding> {
        let preflight = self.preflight;
        let files = preflight.setup.kubeconfigs.iter();
        let files: Vec<_> = files.map(|file| file.display().to_string()).collect();
        let reason = match files.as_slice() {
            [] => "no kubeconfig is named, and HOME is not set to find one in".to_owned(),
            files => format!("{} has no context for it", files.join(", ")),
        };
        let skip = |check| {
            Finding::skip(check, reason.clone()).remedy("write it with `bootstrap kubeconfig`")
        };
        let version = preflight.check(Check::Version, || {
            api_server::judge_version(Err(reason.clone()), described, preflight.setup.minimum)
        });
        let others = [Check::ApiServer, Check::Permissions].into_iter();
        let others = others.filter_map(|check| preflight.check(check, || skip(check)));
        others.chain(version).collect()
    }

    /// The first kubeconfig with a context for this cluster, and the name of that.
    fn context(
        &self,
        description: Option<&Description>,
    ) -> Result<Option<(&Path, String)>, reach::Error> {
        let arn = description.map(|description| &description.arn);
        let arn = arn.or(self.cluster.arn.as_ref()).map(ToString::to_string);
        for file in self.preflight.setup.kubeconfigs {
            // What is given for no kubeconfig at all.
            if !file.exists() || file == Path::new("/dev/null") {
                continue;
            }
            let contexts = reach::contexts(file)?;
            if let Some(name) = choose(self.cluster, arn.as_deref(), &contexts) {
                return Ok(Some((file, name)));
            }
        }
        Ok(None)
    }
}

/// The context of a cluster: the one with its alias; else, of those that lead to the cluster, the one
/// that is named as `bootstrap kubeconfig` names it, or the only one.
///
/// Where its ARN is not known, a cluster is known by its name and region.
fn choose(cluster: &Cluster, arn: Option<&str>, contexts: &[(String, String)]) -> Option<String> {
    if let Some(alias) = &cluster.alias {
        let mut named = contexts.iter().filter(|(name, _)| name == alias.as_str());
        return named.next().map(|(name, _)| name.clone());
    }
    let ending = format!(":cluster/{}", cluster.name);
    let in_region = |text: &str| {
        let region = cluster.region.as_ref();
        region.is_none_or(|region| text.contains(&format!(":eks:{region}:")))
    };
    let fits = |text: &str| match arn {
        Some(arn) => text == arn,
        None => text.ends_with(&ending) && in_region(text),
    };
    let fitting: Vec<_> = contexts.iter().filter(|(_, led_to)| fits(led_to)).collect();
    let is_ours = |context: &&&(String, String)| {
        let (name, led_to) = context;
        match &cluster.role {
            Some(role) => *name == format!("{role}@{led_to}"),
            None => name == led_to,
        }
    };
    let only = |found: Vec<&&(String, String)>| match found.as_slice() {
        [(name, _)] => Some(name.clone()),
        _ => None,
    };
    only(fitting.iter().filter(is_ours).collect()).or_else(|| only(fitting.iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:eks:us-east-1:111122223333:cluster/payments";
    const OTHER: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/payments";
    const ROLE: &str = "arn:aws:iam::111122223333:role/deployer";

    fn check(contexts: &[(&str, &str)], cluster: &str, arn: Option<&str>, expected: Option<&str>) {
        let contexts: Vec<_> = contexts
            .iter()
            .map(|(name, led_to)| ((*name).to_owned(), (*led_to).to_owned()))
            .collect();
        let found = choose(&cluster.parse().unwrap(), arn, &contexts);
        assert_eq!(found.as_deref(), expected, "{cluster}");
    }

    #[test]
    fn a_context_is_chosen_by_its_alias_or_by_the_cluster_that_it_leads_to() {
        let contexts = [
            ("prod", ARN),
            (ARN, ARN),
            (OTHER, OTHER),
            ("x", "arn:aws:eks:us-east-1:1:cluster/x-payments"),
        ];
        check(&contexts, "name=payments,alias=prod", None, Some("prod"));
        check(&contexts, "name=payments,alias=test", Some(ARN), None);
        check(&contexts, "payments", Some(ARN), Some(ARN));
        check(
            &contexts,
            "name=payments,region=eu-west-1",
            None,
            Some(OTHER),
        );
        check(&contexts, "payments", None, None);
        check(&contexts, "orders", None, None);
    }

    #[test]
    fn several_roles_of_a_cluster_are_told_apart() {
        let (own, with_role) = ((ARN, ARN), format!("{ROLE}@{ARN}"));
        let cluster = format!("name=payments,role-arn={ROLE}");
        let both = [own, (with_role.as_str(), ARN)];
        for arn in [Some(ARN), None] {
            check(&both, &cluster, arn, Some(&with_role));
            check(&both, "payments", arn, Some(ARN));
            // What another program wrote has its own names.
            check(&[("theirs", ARN)], &cluster, arn, Some("theirs"));
            check(&[("a", ARN), ("b", ARN)], &cluster, arn, None);
        }
    }
}
