//! What a container has beside IRSA and what comes before it.

use super::super::{Check, CredentialKind, Finding};
use crate::cluster::pod::Container;
use crate::cluster::server::printable;

/// Access keys or a profile in a container that has IRSA; `evidence` says that it has.
pub(super) fn judge(
    own: &Container,
    evidence: &str,
    kind: Option<CredentialKind>,
) -> Option<Finding> {
    let set = |variable: &str| {
        let by = own.source_of(variable).map_or_else(String::new, |source| {
            format!(", by {} (envFrom)", printable(&source.to_string()))
        });
        format!("{evidence}, and {variable} is set too{by}")
    };
    if own.has_keys {
        let evidence = set("AWS_ACCESS_KEY_ID");
        let finding = if kind == Some(CredentialKind::Irsa) {
            Finding::fail(Check::Pod, evidence)
        } else {
            Finding::warn(Check::Pod, evidence)
        };
        return Some(
            finding
                .because("access keys in the environment come before IRSA")
                .remedy(
                    "remove AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from the manifest or from what its envFrom \
                     names, and restart the pod",
                ),
        );
    }
    own.has_profile.then(|| {
        Finding::warn(Check::Pod, set("AWS_PROFILE"))
            .because(
                "the AWS SDK for Go, and so aws-iam-authenticator, takes what a named profile says before IRSA, and \
                 the AWS CLI ends where there is no such profile",
            )
            .remedy("remove AWS_PROFILE from the manifest or from what its envFrom names, and restart the pod")
    })
}

/// What the container takes variables from and was not looked into.
pub(super) fn unread(own: &Container) -> Option<String> {
    let unread: Vec<_> = own
        .unread()
        .map(|source| printable(&source.to_string()))
        .collect();
    (!unread.is_empty()).then(|| {
        let verb = if unread.len() == 1 { "was" } else { "were" };
        format!("{} (envFrom) {verb} not looked into", unread.join(" and "))
    })
}
