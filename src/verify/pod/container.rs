//! The containers of a pod: the variables that the webhook sets, and the token that it mounts.

use super::super::irsa::{AUDIENCE, EXCLUSIVE, USE_IRSA};
use super::super::{Check, CredentialKind, Finding};
use super::{delegate, has_irsa, shadow};
use crate::cluster::pod::{Container, Pod, Setting};
use crate::cluster::server::printable;

/// What IRSA takes.
const BOTH: &str = "AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE";

/// Others have the variables, and the delegate's container has not.
fn of_others_alone(own: &Container, is_skipped: bool, others: &str) -> Finding {
    let evidence = format!("the container {} has no {BOTH}, and {others} has", own.name);
    let finding = Finding::fail(Check::Pod, evidence);
    if is_skipped {
        return finding
            .because("the annotation eks.amazonaws.com/skip-containers of the pod names it")
            .remedy("take it out of that annotation, and restart the pod");
    }
    finding
        .because("it was not there when EKS injected them, or the manifest sets them for the other alone")
        .remedy(format!("remove {BOTH} from the manifest, and restart the pod"))
}

/// No container has the variables.
fn of_none(pod: &Pod, annotated: Option<&str>) -> Finding {
    let is_skipped = |container: &&Container| pod.skipped.contains(&container.name);
    let hidden = delegate(pod).and_then(shadow::unread);
    let hidden = hidden.map_or_else(String::new, |hidden| {
        format!(" by what was looked at; {hidden}")
    });
    let evidence = format!("no container has {BOTH}{hidden}");
    let skipped: Vec<_> = pod.containers.iter().filter(is_skipped).collect();
    match annotated {
        None => Finding::skip(Check::Pod, format!("{evidence}, and no annotation asks for them")),
        Some(_) if !skipped.is_empty() && skipped.len() == pod.containers.len() => {
            Finding::fail(Check::Pod, evidence)
                .because("the annotation eks.amazonaws.com/skip-containers of the pod names them all")
                .remedy("take the delegate's container out of that annotation, and restart the pod")
        }
        Some(_) => Finding::fail(Check::Pod, evidence)
            .because("the annotation was not there, or not seen yet, when the pod was made; or the webhook does not run")
            .remedy(
                "restart the pod (`kubectl rollout restart`); if that does not help, see whether the cluster has \
                 the MutatingWebhookConfiguration pod-identity-webhook",
            ),
    }
}

/// The variables of the containers, against the annotation.
pub(super) fn judge_variables(
    pod: &Pod,
    annotated: Option<&str>,
    kind: Option<CredentialKind>,
) -> Finding {
    let is_skipped = |container: &&Container| pod.skipped.contains(&container.name);
    let has = |container: &&Container| container.role.is_some() && container.token_file.is_some();
    let half = pod
        .containers
        .iter()
        .find(|container| container.role.is_some() != container.token_file.is_some());
    if let Some(half) = half {
        let (has, lacks) = match half.role {
            Some(_) => ("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"),
            None => ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"),
        };
        return Finding::fail(
            Check::Pod,
            format!("the container {} has {has} and no {lacks}", half.name),
        )
        .because("the manifest sets one of the two itself, and EKS then injects neither")
        .remedy(format!(
            "remove {BOTH} from the manifest, and restart the pod"
        ));
    }
    let with: Vec<_> = pod.containers.iter().filter(has).collect();
    if with.is_empty() {
        return of_none(pod, annotated);
    }
    let names = with.iter().map(|container| container.name.as_str());
    let names = names.collect::<Vec<_>>().join(", ");
    if let Some(own) = delegate(pod).filter(|_| !has_irsa(pod)) {
        return of_others_alone(own, is_skipped(&own), &names);
    }
    let value = |setting: &Option<Setting>| match setting {
        Some(Setting::Value(value)) => printable(value),
        _ => "(a reference)".to_owned(),
    };
    let other = with
        .iter()
        .find(|container| match (&container.role, annotated) {
            (Some(Setting::Value(role)), Some(annotated)) => role != annotated,
            _ => false,
        });
    if let Some(other) = other {
        return Finding::fail(
            Check::Pod,
            format!(
                "the container {} has AWS_ROLE_ARN={}, which is not the role of the annotation",
                other.name,
                value(&other.role)
            ),
        )
        .because("the annotation was changed after the pod was made, or the manifest sets the variable itself")
        .remedy("remove the variable from the manifest if it is there, and restart the pod");
    }
    let first = with.first();
    let evidence = format!(
        "in {names}: AWS_ROLE_ARN={}, AWS_WEB_IDENTITY_TOKEN_FILE={}",
        first.map_or_else(String::new, |first| value(&first.role)),
        first.map_or_else(String::new, |first| value(&first.token_file))
    );
    if kind == Some(CredentialKind::IamRole) {
        return Finding::fail(
            Check::Pod,
            format!("{evidence}, where iam-role is asked for"),
        )
        .because(EXCLUSIVE)
        .remedy(USE_IRSA);
    }
    let own = delegate(pod);
    if let Some(finding) = own.and_then(|own| shadow::judge(own, &evidence, kind)) {
        return finding;
    }
    let evidence = match own.and_then(shadow::unread) {
        Some(hidden) => format!(
            "{evidence}; {hidden}, and AWS_ACCESS_KEY_ID or AWS_PROFILE there would come before them"
        ),
        None => evidence,
    };
    let without: Vec<_> = pod
        .containers
        .iter()
        .filter(|container| !has(container))
        .map(|container| container.name.as_str())
        .collect();
    if without.is_empty() {
        return Finding::pass(Check::Pod, evidence);
    }
    Finding::pass(
        Check::Pod,
        format!("{evidence}; not in {}", without.join(", ")),
    )
}

/// The token that the variable names.
pub(super) fn judge_token(pod: &Pod) -> Finding {
    let named = delegate(pod).and_then(|own| Some((own, own.token_file.as_ref()?)));
    let Some((container, file)) = named else {
        return Finding::skip(
            Check::Pod,
            "no token is named by AWS_WEB_IDENTITY_TOKEN_FILE",
        );
    };
    let Setting::Value(path) = file else {
        return Finding::skip(
            Check::Pod,
            "AWS_WEB_IDENTITY_TOKEN_FILE comes from a reference, which is not followed",
        );
    };
    let fail = |evidence: String| {
        Finding::fail(Check::Pod, evidence).remedy(
            "let EKS inject the volume `aws-iam-token`: remove the variable and the volume from the manifest, and \
             restart the pod",
        )
    };
    let path = printable(path);
    let Some(token) = pod.token_at(container, &path) else {
        return fail(format!(
            "no projected token is mounted at {path} in the container {}",
            container.name
        ))
        .because("the variable was set by hand, without its volume");
    };
    if token.audience != AUDIENCE {
        let audience = match token.audience.as_str() {
            "" => "the API server".to_owned(),
            audience => format!("`{}`", printable(audience)),
        };
        return fail(format!("the token at {path} is for {audience} and not for `{AUDIENCE}`"))
            .because("the service account has an annotation eks.amazonaws.com/audience, or the volume was written by hand");
    }
    let renewed = token
        .seconds
        .map_or_else(String::new, |seconds| format!(", valid for {seconds} s"));
    Finding::pass(
        Check::Pod,
        format!(
            "a projected token for `{AUDIENCE}` at {path}{renewed}, of the volume {}",
            token.volume
        ),
    )
}
