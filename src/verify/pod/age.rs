//! The age of a pod against that of the annotation.

use jiff::Timestamp;

use super::super::{Check, Finding};
use crate::cluster::pod::{Account, Pod, Setting};

/// Whether the pod is as new as the annotation, which counts at the making of a pod alone.
pub(super) fn judge(pod: &Pod, account: &Account) -> Finding {
    let (Some(made), Some(role)) = (pod.created, &account.role) else {
        return Finding::skip(
            Check::Pod,
            "there is no annotation that the pod could be older than",
        );
    };
    let has_it = pod.containers.iter().any(|container| {
        container.token_file.is_some() && container.role == Some(Setting::Value(role.clone()))
    });
    if has_it {
        return Finding::pass(
            Check::Pod,
            format!("the pod was made at {made} with the annotation as it is now"),
        );
    }
    let older = |evidence: String| {
        Finding::fail(Check::Pod, evidence)
            .because("what a service account says counts when a pod is made, and never after")
            .remedy("restart the pod (`kubectl rollout restart`)")
    };
    let is_before = |time: Option<Timestamp>| time.filter(|time| made < *time);
    if let Some(created) = is_before(account.created) {
        return older(format!(
            "the pod was made at {made}, and its service account at {created}: the pod is older"
        ));
    }
    if let Some(annotated) = is_before(account.annotated) {
        return older(format!(
            "the pod was made at {made}, and who set the annotation last changed the account at {annotated}: the pod \
             is older than the annotation, or than its last change"
        ));
    }
    match account.annotated {
        Some(annotated) => Finding::warn(
            Check::Pod,
            format!("the pod was made at {made}, and the annotation is of {annotated} or older: age is not the cause"),
        )
        .because("the webhook does not run, or had not seen the annotation yet: it learns of one within moments")
        .remedy("restart the pod; see whether the cluster has the MutatingWebhookConfiguration pod-identity-webhook"),
        None => Finding::warn(
            Check::Pod,
            format!("the pod was made at {made}; the server does not say when the annotation was set"),
        )
        .remedy("restart the pod if the annotation is newer"),
    }
}
