//! The cluster as EKS describes it, and how it maps AWS identities.

use super::credentials::with_hint;
use super::{Check, Finding, in_one_line};
use crate::arn::{Arn, RoleArn};
use crate::aws::{self, Description, Source};

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

/// Who a cluster must know, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A role.
    Role(RoleArn),
    /// A role of which a session alone is known, whose ARN does not tell the path of the role
    /// (aws-iam-authenticator makes the same of it).
    Session(RoleArn),
    /// A user.
    User(Arn),
    /// Something else: the root user, or a federated user.
    Other(Arn),
}

impl Principal {
    /// Who a caller is to a cluster. Where its credentials come from may tell the path of its role.
    pub fn of_caller(caller: &Arn, source: Option<&Source>) -> Self {
        let session = caller.resource_of("sts", "assumed-role");
        let name = session.and_then(|rest| rest.split('/').next());
        let account = caller.account.as_ref().map(ToString::to_string);
        let role = name.and_then(|name| {
            let account = account.unwrap_or_default();
            let text = format!("arn:{}:iam::{account}:role/{name}", caller.partition);
            text.parse::<RoleArn>().ok()
        });
        match role {
            Some(role) => {
                let known = source.and_then(role_of);
                let known = known.filter(|known| known.without_path() == role.to_string());
                known.map_or(Self::Session(role), |known| Self::Role(known.clone()))
            }
            None if caller.resource_of("iam", "user").is_some() => Self::User(caller.clone()),
            None => Self::Other(caller.clone()),
        }
    }

    /// What names it in the ConfigMap `aws-auth`, which knows roles without their path (Amazon EKS
    /// User Guide, "Grant IAM users access to Kubernetes with a ConfigMap").
    fn in_config_map(&self) -> String {
        match self {
            Self::Role(role) if role.path != "/" => {
                format!("mapRoles with `{}` (without a path)", role.without_path())
            }
            Self::Role(role) | Self::Session(role) => format!("mapRoles with `{role}`"),
            Self::User(arn) | Self::Other(arn) => format!("mapUsers with `{arn}`"),
        }
    }

    /// What an access entry names; none for what it cannot name (Amazon EKS User Guide, "Create access
    /// entries").
    fn as_entry(&self) -> Option<String> {
        match self {
            Self::Role(role) | Self::Session(role) => Some(role.to_string()),
            Self::User(arn) => Some(arn.to_string()),
            Self::Other(_) => None,
        }
    }

    /// How a cluster is told of it, in the forms that its mode takes; all where the mode is not known.
    pub fn mapping(&self, cluster: &str, mode: Option<&str>) -> String {
        let entry = self.as_entry().map(|arn| {
            format!("`aws eks create-access-entry --cluster-name {cluster} --principal-arn {arn}`")
        });
        let map = format!("in the ConfigMap aws-auth, {}", self.in_config_map());
        let path = match self {
            Self::Session(role) => format!("; {}", with_its_path(role)),
            _ => String::new(),
        };
        match (mode, entry) {
            (Some("CONFIG_MAP"), _) => format!("map it: {map}"),
            (Some("API"), Some(entry)) => format!("map it: {entry}{path}"),
            (_, Some(entry)) => format!("map it: {entry}, or {map}{path}"),
            (Some("API"), None) => {
                "enter the cluster as a role or a user: nothing else can be mapped".to_owned()
            }
            (_, None) => format!("map it: {map}"),
        }
    }
}

/// The role that credentials were taken for.
fn role_of(source: &Source) -> Option<&RoleArn> {
    match source {
        Source::WebIdentity { role } | Source::AssumedRole { role, .. } => Some(role),
        Source::Profile { through, .. } => role_of(through.as_deref()?),
        _ => None,
    }
}

/// What an access entry for a role takes, where the path of the role is not known.
fn with_its_path(role: &RoleArn) -> String {
    let name = &role.name;
    // IAM Identity Center makes its roles below a path (IAM Identity Center User Guide, "Referencing
    // permission sets in resource policies").
    if name.starts_with("AWSReservedSSO_") {
        return format!(
            "the role has a path below /aws-reserved/sso.amazonaws.com/, which an access entry must name: `aws iam \
             get-role --role-name {name}` shows it"
        );
    }
    format!(
        "if the role has a path, an access entry must name it: `aws iam get-role --role-name {name}` shows it"
    )
}

/// How a cluster maps AWS identities.
pub fn mode(cluster: &Description) -> &str {
    // Clusters from before access entries have no mode and know the ConfigMap alone.
    let mode = cluster.authentication_mode.as_deref();
    mode.unwrap_or("CONFIG_MAP")
}

/// How a cluster maps AWS identities, and the ARN that it must know: a statement more than a
/// verdict, for only the API server can say whether the mapping is there.
pub fn judge_mode(cluster: &Description, principal: Option<&Principal>) -> Finding {
    let mode = mode(cluster);
    let Some(principal) = principal else {
        return Finding::pass(Check::Access, mode);
    };
    let map = format!("in the ConfigMap aws-auth, {}", principal.in_config_map());
    let evidence = match (mode, principal.as_entry()) {
        ("CONFIG_MAP", _) => return Finding::pass(Check::Access, format!("{mode}: {map}")),
        ("API", Some(arn)) => format!("{mode}: an access entry for `{arn}`"),
        (_, Some(arn)) => format!("{mode}: an access entry for `{arn}`, or {map}"),
        ("API", None) => {
            return Finding::warn(Check::Access, format!("{mode}: no access entry can name this caller"))
                .because("an access entry is for a role or a user, and neither for the root user nor for a federated one")
                .remedy("enter the cluster as a role or a user");
        }
        (_, None) => format!("{mode}: {map}; no access entry can name this caller"),
    };
    let finding = Finding::pass(Check::Access, evidence);
    match principal {
        Principal::Session(role) => finding
            .because("the ARN of a session does not tell the path of its role")
            .remedy(with_its_path(role)),
        _ => finding,
    }
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

    fn arn(text: &str) -> Arn {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(mode: Option<&str>, principal: &Principal, expected: &str) -> Finding {
        let found = judge_mode(&cluster("ACTIVE", mode), Some(principal));
        assert_eq!(found.evidence, expected);
        found
    }

    #[test]
    fn a_role_is_mapped_with_its_path_by_an_entry_and_without_it_by_the_config_map() {
        let role: RoleArn = "arn:aws-cn:iam::111122223333:role/ci/deployer"
            .parse()
            .unwrap();
        let role = Principal::Role(role);
        let (entry, map) = (
            "an access entry for `arn:aws-cn:iam::111122223333:role/ci/deployer`",
            "in the ConfigMap aws-auth, mapRoles with `arn:aws-cn:iam::111122223333:role/deployer` (without a path)",
        );
        check(Some("API"), &role, &format!("API: {entry}"));
        check(None, &role, &format!("CONFIG_MAP: {map}"));
        let both = "API_AND_CONFIG_MAP";
        check(Some(both), &role, &format!("{both}: {entry}, or {map}"));
        assert_eq!(
            judge_mode(&cluster("ACTIVE", Some("API")), None).evidence,
            "API"
        );
        let how = role.mapping("payments", Some("API"));
        assert_eq!(
            how,
            "map it: `aws eks create-access-entry --cluster-name payments --principal-arn \
             arn:aws-cn:iam::111122223333:role/ci/deployer`"
        );
        assert_eq!(
            role.mapping("payments", Some("CONFIG_MAP")),
            format!("map it: {map}")
        );
        assert_eq!(role.mapping("payments", None), format!("{how}, or {map}"));
    }

    #[test]
    fn of_a_session_the_role_is_known_without_its_path_unless_the_source_tells_it() {
        let session = arn("arn:aws-us-gov:sts::111122223333:assumed-role/delegate/pod");
        let plain = "arn:aws-us-gov:iam::111122223333:role/delegate";
        let principal = Principal::of_caller(&session, None);
        assert_eq!(principal, Principal::Session(plain.parse().unwrap()));
        let found = check(
            Some("API"),
            &principal,
            &format!("API: an access entry for `{plain}`"),
        );
        assert_eq!(found.state, State::Pass);
        assert!(found.cause.unwrap().contains("does not tell the path"));
        let found = check(
            None,
            &principal,
            &format!("CONFIG_MAP: in the ConfigMap aws-auth, mapRoles with `{plain}`"),
        );
        assert_eq!(found.cause, None);
        assert!(
            principal
                .mapping("payments", Some("API"))
                .contains("aws iam get-role --role-name delegate")
        );
        let web = |role: &str| Source::WebIdentity {
            role: role.parse().unwrap(),
        };
        let deep = "arn:aws-us-gov:iam::111122223333:role/irsa/delegate";
        let known = Principal::Role(deep.parse().unwrap());
        assert_eq!(Principal::of_caller(&session, Some(&web(deep))), known);
        let through = Source::Profile {
            name: "p".to_owned(),
            through: Some(Box::new(web(deep))),
        };
        assert_eq!(Principal::of_caller(&session, Some(&through)), known);
        // The role of the source is not the one of the session.
        let other = web("arn:aws-us-gov:iam::444455556666:role/irsa/delegate");
        assert_eq!(Principal::of_caller(&session, Some(&other)), principal);
    }

    #[test]
    fn roles_of_identity_center_have_a_path() {
        let session = arn("arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0a1b/me");
        let found = judge_mode(
            &cluster("ACTIVE", Some("API")),
            Some(&Principal::of_caller(&session, None)),
        );
        assert!(
            found
                .remedy
                .unwrap()
                .contains("/aws-reserved/sso.amazonaws.com/")
        );
    }

    #[test]
    fn users_are_mapped_by_their_arn_and_others_by_the_config_map_alone() {
        let user = Principal::of_caller(&arn("arn:aws:iam::111122223333:user/ci/robot"), None);
        check(
            Some("API"),
            &user,
            "API: an access entry for `arn:aws:iam::111122223333:user/ci/robot`",
        );
        check(
            None,
            &user,
            "CONFIG_MAP: in the ConfigMap aws-auth, mapUsers with `arn:aws:iam::111122223333:user/ci/robot`",
        );
        for other in [
            "arn:aws:iam::111122223333:root",
            "arn:aws:sts::111122223333:federated-user/me",
        ] {
            let other = Principal::of_caller(&arn(other), None);
            let found = check(
                Some("API"),
                &other,
                "API: no access entry can name this caller",
            );
            assert_eq!(found.state, State::Warn);
            assert!(
                other
                    .mapping("payments", Some("API"))
                    .starts_with("enter the cluster as a role")
            );
            assert!(other.mapping("payments", None).contains("mapUsers"));
        }
    }
}
