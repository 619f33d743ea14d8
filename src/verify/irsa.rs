//! IAM roles for service accounts: whether the pod has what they take.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::service_account::{Claims, Malformed};
use super::{Check, CredentialKind, Finding};
use crate::arn::{Region, RoleArn};
use crate::files;

/// For whom the token must be, in all partitions (Amazon EKS User Guide, "Create an IAM OIDC
/// provider for your cluster").
pub(super) const AUDIENCE: &str = "sts.amazonaws.com";

/// What an annotation takes effect by.
const ANNOTATE: &str = "annotate the delegate's service account with eks.amazonaws.com/role-arn, name it in \
                        serviceAccountName, and restart the pod";

/// What AWS_WEB_IDENTITY_TOKEN_FILE must name.
const MOUNTED: &str = "take the file that the kubelet mounts, not one that was written by hand: \
                       /var/run/secrets/eks.amazonaws.com/serviceaccount/token";

/// Why IRSA and the role of the node are not for the same delegate (Harness documentation, "AWS connector
/// settings reference", "Assume IAM Role vs Use IRSA").
pub const EXCLUSIVE: &str = "`Assume IAM Role on Delegate` and IRSA exclude each other: the web identity comes before \
                             the role of the node";

/// What to do about that.
pub const USE_IRSA: &str = "say `Use IRSA` in the connector, and irsa here; or remove the annotation \
                            eks.amazonaws.com/role-arn, and restart the pod";

/// Why the webhook of EKS may have left a pod as it was (amazon-eks-pod-identity-webhook, README).
pub const NOT_INJECTED: &str = "the service account has no annotation eks.amazonaws.com/role-arn or is `default`, \
                                the pod is older than the annotation, or the container is in skip-containers";

/// What the environment says of IRSA.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// `AWS_ROLE_ARN`.
    pub role: Option<&'a str>,
    /// `AWS_WEB_IDENTITY_TOKEN_FILE`, and what reading it gave.
    pub token: Option<(&'a str, TokenFile)>,
    /// Where the credentials are to come from.
    pub kind: Option<CredentialKind>,
    /// The region that is used.
    pub region: Option<Region>,
    /// Who issues the tokens of the clusters that EKS described.
    pub issuers: Vec<Issuer>,
    /// Who issued the token that this pod enters its own cluster with.
    pub own_issuer: Option<String>,
    /// The time of day.
    pub now: Timestamp,
}

/// Who issues the tokens of a cluster's service accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// The name of the cluster.
    pub cluster: String,
    /// The address that AWS checks them at.
    pub url: String,
}

/// What reading the token file gave.
#[derive(Clone, Debug)]
pub enum TokenFile {
    /// Claims.
    Claims(Claims),
    /// Something that is no token.
    Malformed(Malformed),
    /// An error.
    Unreadable(io::ErrorKind, String),
}

impl TokenFile {
    fn read(path: &str) -> Self {
        match files::read_regular(Path::new(path)) {
            Ok(bytes) => match Claims::decode(&String::from_utf8_lossy(&bytes)) {
                Ok(claims) => Self::Claims(claims),
                Err(malformed) => Self::Malformed(malformed),
            },
            Err(error) => Self::Unreadable(error.source.kind(), error.source.to_string()),
        }
    }
}

fn variable<'a>(variables: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    let value = variables.get(name).map(String::as_str);
    value.filter(|value| !value.is_empty())
}

/// Whether the pod has IRSA at all.
pub fn is_present(variables: &BTreeMap<String, String>) -> bool {
    let names = ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"];
    names.iter().all(|name| variable(variables, name).is_some())
}

impl<'a> Facts<'a> {
    /// Looks at the variables, and at the file that they name.
    pub fn look(variables: &'a BTreeMap<String, String>) -> Self {
        let file = variable(variables, "AWS_WEB_IDENTITY_TOKEN_FILE");
        Self {
            role: variable(variables, "AWS_ROLE_ARN"),
            token: file.map(|path| (path, TokenFile::read(path))),
            kind: None,
            region: None,
            issuers: Vec::new(),
            own_issuer: None,
            now: Timestamp::UNIX_EPOCH,
        }
    }
}

/// Judges what was seen.
pub fn judge(facts: &Facts<'_>) -> Finding {
    let fail = |evidence: String| Finding::fail(Check::Irsa, evidence);
    let (role, path, file) = match (facts.role, &facts.token) {
        (None, None) if facts.kind != Some(CredentialKind::Irsa) => {
            return Finding::skip(Check::Irsa, "this process has no variables of IRSA");
        }
        (None, None) => {
            return fail("AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE are not set".to_owned())
                .because(NOT_INJECTED)
                .remedy(ANNOTATE);
        }
        (None, Some(_)) => return half("AWS_ROLE_ARN"),
        (Some(_), None) => return half("AWS_WEB_IDENTITY_TOKEN_FILE"),
        (Some(role), Some((path, file))) => (role, path, file),
    };
    if facts.kind == Some(CredentialKind::IamRole) {
        return fail(
            "this process has the variables of IRSA, where iam-role is asked for".to_owned(),
        )
        .because(EXCLUSIVE)
        .remedy(USE_IRSA);
    }
    let role: RoleArn = match role.parse() {
        Ok(role) => role,
        Err(error) => {
            return fail(format!("AWS_ROLE_ARN: {error}"))
                .remedy("correct the annotation eks.amazonaws.com/role-arn and restart the pod");
        }
    };
    if let Some(region) = &facts.region
        && region.partition() != role.partition
    {
        return fail(format!(
            "the role {role} is of partition `{}` and the region {region} of `{}`",
            role.partition,
            region.partition()
        ))
        .because("no role can be assumed across partitions")
        .remedy("name a role of this partition, or another region");
    }
    match file {
        TokenFile::Unreadable(kind, message) => unreadable(path, *kind, message),
        TokenFile::Malformed(malformed) => fail(format!("`{path}`: {malformed}")).remedy(MOUNTED),
        TokenFile::Claims(claims) => judge_claims(&role, path, claims, facts),
    }
}

fn half(missing: &str) -> Finding {
    Finding::fail(
        Check::Irsa,
        format!("{missing} is not set, and the other variable of IRSA is"),
    )
    .because("the container sets one of the two itself, and EKS then injects neither")
    .remedy(
        "remove AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE from the manifest and restart the pod",
    )
}

fn unreadable(path: &str, kind: io::ErrorKind, message: &str) -> Finding {
    let finding = Finding::fail(Check::Irsa, format!("cannot read `{path}`: {message}"));
    match kind {
        io::ErrorKind::PermissionDenied => finding
            .because("the token is mounted for root alone: Kubernetes before 1.19, or an old Fargate platform")
            .remedy("set `fsGroup: 65534` in the securityContext of the pod"),
        io::ErrorKind::NotFound => finding
            .because("AWS_WEB_IDENTITY_TOKEN_FILE was set by hand, and no token is mounted there")
            .remedy(ANNOTATE),
        _ => finding.remedy(MOUNTED),
    }
}

fn judge_claims(role: &RoleArn, path: &str, claims: &Claims, facts: &Facts<'_>) -> Finding {
    let fail = |evidence: String| Finding::fail(Check::Irsa, evidence);
    if !claims.audiences.iter().any(|audience| audience == AUDIENCE) {
        return fail(format!(
            "the token is for `{}` and not for `{AUDIENCE}`",
            claims.audiences.join("`, `")
        ))
        .because("the service account is annotated with eks.amazonaws.com/audience, or another token is named")
        .remedy("remove that annotation, or name the token of the volume `aws-iam-token`, and restart the pod");
    }
    let Some(expires) = claims.expires else {
        return fail(format!("the token `{path}` has no expiry"))
            .because("it is an old service account secret and not a projected token")
            .remedy(ANNOTATE);
    };
    let left = expires.duration_since(facts.now);
    if left <= SignedDuration::ZERO {
        return fail(format!("the token expired at {expires}"))
            .because("it is a copy that the kubelet does not renew, or the clock is wrong")
            .remedy("take the mounted file itself; check the clock of the node");
    }
    let Some((namespace, account)) = claims.service_account() else {
        return fail(format!("the token is that of `{}`", claims.subject))
            .because("it is not the token of a service account")
            .remedy(ANNOTATE);
    };
    let Some(issuer) = claims.issuer.strip_prefix("https://") else {
        return fail(format!("the token was issued by `{}`", claims.issuer))
            .because("the cluster has no public OIDC issuer, so AWS cannot check its tokens")
            .remedy("take a cluster with an OIDC provider, or another kind of credentials");
    };
    // All tokens of a cluster are of one issuer; a secret from before projected tokens has no such.
    let own = facts.own_issuer.as_deref();
    if let Some(own) = own.and_then(|own| own.strip_prefix("https://"))
        && own != issuer
    {
        return fail(format!(
            "the token was issued by {issuer}, and this pod runs in the cluster of {own}"
        ))
        .because("it is a copy from another cluster, and the role may trust that cluster alone")
        .remedy(format!(
            "take the file that the kubelet mounts; IAM must have an OIDC provider for {own}, and the role's trust \
             policy must name it"
        ));
    }
    let mut whose = facts.issuers.iter();
    let whose = match whose.find(|theirs| theirs.url == claims.issuer) {
        Some(theirs) => format!(" (cluster {})", theirs.cluster),
        None if facts.issuers.is_empty() => String::new(),
        None => {
            " (none of the clusters here, so IAM needs an OIDC provider for that one)".to_owned()
        }
    };
    let evidence = format!(
        "{role} for service account {namespace}/{account}, issuer {issuer}{whose}, token valid for {}",
        in_words(left)
    );
    if account == "default" {
        return Finding::warn(Check::Irsa, evidence)
            .because("the delegate runs as `default`, whose role every pod of the namespace gets")
            .remedy("give the delegate a service account of its own (`bootstrap patch`)");
    }
    Finding::pass(Check::Irsa, evidence)
}

/// A length of time in its two largest units, for people.
fn in_words(length: SignedDuration) -> String {
    let minutes = length.as_mins();
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{} s", length.as_secs()),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests;
