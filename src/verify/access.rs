//! The cluster as EKS describes it, and how it maps AWS identities.

use super::credentials::with_hint;
use super::{Check, Finding, in_one_line};
use crate::arn::{Arn, RoleArn};
use crate::aws::{self, Description};

/// Judges the description of a cluster.
pub fn judge_cluster(result: Result<&Description, &aws::Error>) -> Finding {
    let cluster = match result {
        Ok(cluster) => cluster,
        Err(error) => {
            let finding = Finding::fail(Check::Cluster, in_one_line(error));
            return match error {
                aws::Error::AccessDenied(_) => finding
                    .because("no policy of the identity allows eks:DescribeCluster")
                    .remedy("allow eks:DescribeCluster on the ARN of the cluster"),
                _ => with_hint(finding, error),
            };
        }
    };
    let version = cluster.version.as_deref().unwrap_or("unknown");
    let evidence = format!("{}, {}, Kubernetes {version}", cluster.arn, cluster.status);
    match cluster.status.as_str() {
        "ACTIVE" | "UPDATING" => {}
        "CREATING" | "PENDING" => {
            return Finding::fail(Check::Cluster, evidence)
                .because("the cluster is still being made")
                .remedy("wait until its status is ACTIVE");
        }
        _ => {
            return Finding::fail(Check::Cluster, evidence)
                .because("the cluster does not work, or is being deleted")
                .remedy("look at its health issues: `aws eks describe-cluster`");
        }
    }
    Finding::pass(Check::Cluster, evidence)
}

/// How a cluster maps AWS identities, and the ARN that it must know: a statement more than a
/// verdict, for only the API server can say whether the mapping is there.
///
/// `role` is the role that is assumed for the cluster; without one the caller counts.
pub fn judge_mode(cluster: &Description, role: Option<&RoleArn>, caller: Option<&Arn>) -> Finding {
    // Clusters from before access entries have no mode and know the ConfigMap alone.
    let mode = cluster
        .authentication_mode
        .as_deref()
        .unwrap_or("CONFIG_MAP");
    let principal = role
        .map(|role| (role.to_string(), role.without_path()))
        .or_else(|| caller.map(principal));
    let Some((arn, without_path)) = principal else {
        return Finding::pass(Check::Access, mode);
    };
    if mode == "CONFIG_MAP" {
        return Finding::pass(
            Check::Access,
            format!("{mode}: in the ConfigMap aws-auth, map `{without_path}` (without a path)"),
        );
    }
    Finding::pass(
        Check::Access,
        format!("{mode}: an access entry for `{arn}`"),
    )
}

/// The ARN to map for a caller, and its form without a path: of the session of a role, the role.
///
/// The session's ARN does not tell the path of the role; that it is shown without one is right for
/// `aws-auth` and for roles that have none.
fn principal(caller: &Arn) -> (String, String) {
    let role = caller.resource_of("sts", "assumed-role");
    let arn = match role.and_then(|rest| rest.split('/').next()) {
        Some(role) => {
            let account = caller
                .account
                .as_ref()
                .map_or("", |account| account.as_str());
            format!("arn:{}:iam::{account}:role/{role}", caller.partition)
        }
        None => caller.to_string(),
    };
    (arn.clone(), arn)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn cluster(status: &str, mode: Option<&str>) -> Description {
        Description {
            arn: "arn:aws:eks:us-east-1:111122223333:cluster/payments"
                .parse()
                .unwrap(),
            name: "payments".parse().unwrap(),
            status: status.to_owned(),
            endpoint: None,
            certificate_authority: None,
            version: Some("1.31".to_owned()),
            oidc_issuer: None,
            outpost_id: None,
            authentication_mode: mode.map(str::to_owned),
            public_access: None,
            private_access: None,
        }
    }

    #[test]
    fn a_cluster_must_be_active_or_updating() {
        for (status, state) in [
            ("ACTIVE", State::Pass),
            ("UPDATING", State::Pass),
            ("CREATING", State::Fail),
            ("PENDING", State::Fail),
            ("DELETING", State::Fail),
            ("FAILED", State::Fail),
            ("NEW_STATUS", State::Fail),
        ] {
            let found = judge_cluster(Ok(&cluster(status, None)));
            assert_eq!(found.state, state, "{status}");
            assert_eq!(found.cause.is_some(), state == State::Fail);
        }
    }

    #[test]
    fn the_arn_to_map_has_the_form_that_the_mode_takes() {
        let role: RoleArn = "arn:aws:iam::111122223333:role/ci/deployer"
            .parse()
            .unwrap();
        let session: Arn = "arn:aws:sts::111122223333:assumed-role/delegate/pod"
            .parse()
            .unwrap();
        let user: Arn = "arn:aws:iam::111122223333:user/ci/robot".parse().unwrap();
        let check = |mode, role: Option<&RoleArn>, caller: Option<&Arn>, expected: &str| {
            let found = judge_mode(&cluster("ACTIVE", mode), role, caller);
            assert!(found.evidence.contains(expected), "{}", found.evidence);
        };
        check(
            Some("API"),
            Some(&role),
            Some(&session),
            "`arn:aws:iam::111122223333:role/ci/deployer`",
        );
        check(
            None,
            Some(&role),
            None,
            "CONFIG_MAP: in the ConfigMap aws-auth, map `arn:aws:iam::111122223333:role/deployer`",
        );
        check(
            Some("API_AND_CONFIG_MAP"),
            None,
            Some(&session),
            "`arn:aws:iam::111122223333:role/delegate`",
        );
        check(Some("API"), None, Some(&user), "user/ci/robot`");
        check(Some("API"), None, None, "API");
    }
}
