//! A pod that is asked for by its name: whether it has what IRSA takes, as the webhook of EKS would
//! have put it in, and if not, why (amazon-eks-pod-identity-webhook, README).

mod age;
mod container;
mod missing;
mod shadow;

use std::collections::BTreeMap;

use super::{Check, CredentialKind, Finding};
use crate::arn::RoleArn;
use crate::cluster::pod::{Account, Container, Pod, PodName, ROLE_ANNOTATION};
use crate::cluster::server::{Failure, printable};

pub use missing::judge_missing;

/// What an API server did not tell.
#[derive(Clone, Copy, Debug)]
pub struct Unread<'a> {
    /// Why not.
    pub failure: &'a Failure,
    /// The address of the server.
    pub url: &'a str,
}

/// Which pod is meant.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Its name; none for the pod of this process.
    pub name: Option<PodName>,
    /// Its namespace; none for that of the context.
    pub namespace: Option<String>,
    /// Labels that are known of it.
    pub labels: BTreeMap<String, String>,
}

/// What manifests of Harness call the delegate's container.
const DELEGATES: [&str; 2] = ["delegate", "harness-delegate-instance"];

/// The delegate's container, by its name; where none has it, the first.
fn delegate(pod: &Pod) -> Option<&Container> {
    let mut containers = pod.containers.iter();
    let named = containers.find(|container| DELEGATES.contains(&container.name.as_str()));
    named.or_else(|| pod.containers.first())
}

/// Whether the delegate in a pod has IRSA.
pub fn has_irsa(pod: &Pod) -> bool {
    delegate(pod).is_some_and(|own| own.role.is_some() && own.token_file.is_some())
}

/// Judges a pod and its service account; `kind` is where credentials are to come from.
pub fn judge(
    pod: &Pod,
    account: Result<&Account, Unread<'_>>,
    kind: Option<CredentialKind>,
) -> Vec<Finding> {
    let role = account.ok().and_then(|account| account.role.as_deref());
    let mut findings = vec![
        judge_account(pod),
        judge_annotation(pod, account, kind),
        container::judge_variables(pod, role, kind),
        container::judge_token(pod),
    ];
    findings.extend(account.ok().map(|account| age::judge(pod, account)));
    findings
}

/// The service account that the pod runs as.
fn judge_account(pod: &Pod) -> Finding {
    let evidence = format!(
        "the pod {}/{} runs as the service account {}",
        pod.namespace,
        pod.name,
        printable(&pod.account)
    );
    if pod.account == "default" {
        return Finding::warn(Check::Pod, evidence)
            .because("the role of `default` is that of every pod of the namespace that names no account")
            .remedy("give the delegate a service account of its own (`bootstrap patch`), and restart it");
    }
    Finding::pass(Check::Pod, evidence)
}

/// The annotation of the account.
fn judge_annotation(
    pod: &Pod,
    account: Result<&Account, Unread<'_>>,
    kind: Option<CredentialKind>,
) -> Finding {
    let name = printable(&pod.account);
    let account = match account {
        Ok(account) => account,
        Err(Unread {
            failure: Failure::Status { code: 404, .. },
            ..
        }) => {
            return Finding::fail(
                Check::Pod,
                format!(
                    "there is no service account {name} in namespace {} any more",
                    pod.namespace
                ),
            )
            .because("it was deleted after the pod was made")
            .remedy("make it anew with its annotation, and restart the pod");
        }
        Err(Unread { failure, url }) => {
            return unreadable(
                Finding::warn(
                    Check::Pod,
                    format!("the service account {name} could not be read from {url}: {failure}"),
                ),
                failure,
                "get",
                "serviceaccounts",
                &pod.namespace,
            );
        }
    };
    let Some(role) = &account.role else {
        return without_annotation(pod, account, kind);
    };
    match role.parse::<RoleArn>() {
        Ok(role) => Finding::pass(
            Check::Pod,
            format!("the annotation {ROLE_ANNOTATION} of {name} names {role}"),
        ),
        Err(error) => Finding::fail(
            Check::Pod,
            format!(
                "the annotation {ROLE_ANNOTATION} of {name}: {}",
                printable(&error.to_string())
            ),
        )
        .remedy("correct the annotation, and restart the pod"),
    }
}

fn without_annotation(pod: &Pod, account: &Account, kind: Option<CredentialKind>) -> Finding {
    let name = printable(&pod.account);
    let evidence = format!("the service account {name} has no annotation {ROLE_ANNOTATION}");
    if let Some(misspelt) = &account.misspelt {
        return Finding::fail(
            Check::Pod,
            format!(
                "{evidence}, but `{}`, which nobody reads",
                printable(misspelt)
            ),
        )
        .remedy(format!("call it {ROLE_ANNOTATION}, and restart the pod"));
    }
    if has_irsa(pod) {
        return Finding::pass(
            Check::Pod,
            format!("{evidence}: the manifest sets the variables of IRSA itself"),
        );
    }
    if pod
        .containers
        .iter()
        .any(|container| container.has_pod_identity)
    {
        return Finding::pass(
            Check::Pod,
            format!("{evidence}: it has an EKS Pod Identity association"),
        );
    }
    match kind {
        Some(kind) if kind != CredentialKind::Irsa => {
            Finding::pass(Check::Pod, format!("{evidence}, and {kind} is asked for"))
        }
        _ => Finding::fail(Check::Pod, evidence)
            .because("without it EKS sets no variables of IRSA, and the role of the node answers where there is one")
            .remedy(format!(
                "`kubectl annotate serviceaccount {name} --namespace {} {ROLE_ANNOTATION}=ARN`, or `bootstrap patch \
                 --irsa-role-arn ARN`; then restart the pod",
                pod.namespace
            )),
    }
}

/// What the RBAC of the cluster must allow, where that is what is missing.
fn unreadable(
    finding: Finding,
    failure: &Failure,
    verb: &str,
    resource: &str,
    namespace: &str,
) -> Finding {
    match failure {
        Failure::Forbidden { .. } => finding
            .because("the identity is known to the cluster, and its roles there do not allow this")
            .remedy(format!(
                "bind a Role of namespace {namespace} to it with apiGroups [\"\"], resources [{resource}], verbs [{verb}]"
            )),
        failure => finding.remedy(failure.hint()),
    }
}

#[cfg(test)]
mod tests;
