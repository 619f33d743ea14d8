//! A pod that is asked for by its name: whether it has what IRSA takes, as the webhook of EKS would
//! have put it in, and if not, why (amazon-eks-pod-identity-webhook, README).

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::irsa::{EXCLUSIVE, USE_IRSA};
use super::{Check, CredentialKind, Finding};
use crate::arn::RoleArn;
use crate::cluster::pod::{Account, Container, Pod, PodName, ROLE_ANNOTATION, Setting};
use crate::cluster::server::Failure;

/// For whom the token must be, in all partitions.
const AUDIENCE: &str = "sts.amazonaws.com";

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

/// Whether a pod has IRSA.
pub fn has_irsa(pod: &Pod) -> bool {
    let mut containers = pod.containers.iter();
    containers.any(|container| container.role.is_some() && container.token_file.is_some())
}

/// Judges a pod and its service account; `kind` is where credentials are to come from.
pub fn judge(
    pod: &Pod,
    account: Result<&Account, &Failure>,
    kind: Option<CredentialKind>,
) -> Vec<Finding> {
    let role = account.ok().and_then(|account| account.role.as_deref());
    let mut findings = vec![
        judge_account(pod),
        judge_annotation(pod, account, kind),
        judge_variables(pod, role, kind),
        judge_token(pod),
    ];
    findings.extend(account.ok().map(|account| judge_age(pod, account)));
    findings
}

/// The service account that the pod runs as.
fn judge_account(pod: &Pod) -> Finding {
    let evidence = format!(
        "the pod {}/{} runs as the service account {}",
        pod.namespace,
        pod.name,
        shown(&pod.account)
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
    account: Result<&Account, &Failure>,
    kind: Option<CredentialKind>,
) -> Finding {
    let name = shown(&pod.account);
    let account = match account {
        Ok(account) => account,
        Err(Failure::Status { code: 404, .. }) => {
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
        Err(failure) => {
            return unreadable(
                Finding::warn(
                    Check::Pod,
                    format!("the service account {name} could not be read: {failure}"),
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
                shown(&error.to_string())
            ),
        )
        .remedy("correct the annotation, and restart the pod"),
    }
}

fn without_annotation(pod: &Pod, account: &Account, kind: Option<CredentialKind>) -> Finding {
    let name = shown(&pod.account);
    let evidence = format!("the service account {name} has no annotation {ROLE_ANNOTATION}");
    if let Some(misspelt) = &account.misspelt {
        return Finding::fail(
            Check::Pod,
            format!("{evidence}, but `{}`, which nobody reads", shown(misspelt)),
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

/// The variables of the containers, against the annotation.
fn judge_variables(pod: &Pod, annotated: Option<&str>, kind: Option<CredentialKind>) -> Finding {
    const BOTH: &str = "AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE";
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
        let evidence = format!("no container has {BOTH}");
        let skipped: Vec<_> = pod.containers.iter().filter(is_skipped).collect();
        return match annotated {
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
        };
    }
    let names: Vec<_> = with
        .iter()
        .map(|container| container.name.as_str())
        .collect();
    let names = names.join(", ");
    let value = |setting: &Option<Setting>| match setting {
        Some(Setting::Value(value)) => shown(value),
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
    if with.iter().any(|container| container.has_keys) {
        return Finding::warn(Check::Pod, format!("{evidence}, and AWS_ACCESS_KEY_ID is set too"))
            .because("access keys in the environment come before IRSA")
            .remedy("remove AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from the manifest, and restart the pod");
    }
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
fn judge_token(pod: &Pod) -> Finding {
    let named = pod.containers.iter().find_map(|container| {
        let file = container.token_file.as_ref()?;
        Some((container, file))
    });
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
    let path = shown(path);
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
            audience => format!("`{}`", shown(audience)),
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

/// Whether the pod is as new as the annotation, which counts at the making of a pod alone.
fn judge_age(pod: &Pod, account: &Account) -> Finding {
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

/// Judges that there is no answer about the pod; `near` are names like the one that was asked for.
pub fn judge_missing(
    name: &PodName,
    namespace: &str,
    failure: &Failure,
    names: Option<&Result<Vec<String>, Failure>>,
) -> Finding {
    let Failure::Status { code: 404, .. } = failure else {
        return unreadable(
            Finding::fail(Check::Pod, format!("the pod {namespace}/{name}: {failure}")),
            failure,
            "get",
            "pods",
            namespace,
        );
    };
    let finding = Finding::fail(
        Check::Pod,
        format!("there is no pod {name} in namespace {namespace}"),
    );
    match names {
        Some(Ok(names)) if names.is_empty() => finding
            .because("the namespace has no pods, or does not exist")
            .remedy("name the namespace with --namespace"),
        Some(Ok(names)) => match near(name.as_str(), names).as_slice() {
            [] => finding.remedy(format!("`kubectl get pods --namespace {namespace}` shows those that are there")),
            near => finding.remedy(format!("did you mean {}?", near.join(" or "))),
        },
        Some(Err(Failure::Forbidden { .. })) => finding.remedy(format!(
            "names like it could not be looked for: that takes the verb `list` on `pods` in namespace {namespace}"
        )),
        _ => finding.remedy("check the name and --namespace"),
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

/// At most three names like this one, the likest first. The pods of a Deployment differ in their
/// ends alone, so that another pod of the same one is what was meant as a rule.
fn near<'a>(wrong: &str, names: &'a [String]) -> Vec<&'a str> {
    let scored = names
        .iter()
        .map(|name| (strsim::jaro_winkler(name, wrong), name.as_str()));
    let mut scored: Vec<_> = scored.filter(|(score, _)| *score > 0.7).collect();
    scored.sort_by(|(left, _), (right, _)| right.total_cmp(left));
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

/// What a server says, fit for a terminal.
fn shown(text: &str) -> String {
    text.chars()
        .filter(|char| !char.is_control())
        .take(300)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;
    use crate::cluster::pod::TokenVolume;

    const ROLE: &str = "arn:aws:iam::111122223333:role/delegate";
    const FILE: &str = "/var/run/secrets/eks.amazonaws.com/serviceaccount/token";

    fn time(day: u8) -> Option<Timestamp> {
        format!("2026-01-{day:02}T00:00:00Z").parse().ok()
    }

    fn account() -> Account {
        Account {
            role: Some(ROLE.to_owned()),
            created: time(1),
            annotated: time(2),
            ..Account::default()
        }
    }

    fn container() -> Container {
        Container {
            name: "delegate".to_owned(),
            role: Some(Setting::Value(ROLE.to_owned())),
            token_file: Some(Setting::Value(FILE.to_owned())),
            mounts: vec![(
                "aws-iam-token".to_owned(),
                FILE.trim_end_matches("/token").to_owned(),
            )],
            ..Container::default()
        }
    }

    fn bare() -> Container {
        Container {
            name: "delegate".to_owned(),
            ..Container::default()
        }
    }

    fn pod(container: Container) -> Pod {
        Pod {
            name: "d-0".to_owned(),
            namespace: "harness".to_owned(),
            account: "delegate".to_owned(),
            created: time(3),
            containers: vec![container],
            tokens: vec![TokenVolume {
                volume: "aws-iam-token".to_owned(),
                audience: AUDIENCE.to_owned(),
                path: "token".to_owned(),
                seconds: Some(86400),
            }],
            ..Pod::default()
        }
    }

    /// The states of account, annotation, variables, token and age.
    #[track_caller]
    fn check(pod: &Pod, account: &Account, kind: Option<CredentialKind>, expected: &str) -> String {
        let found = judge(pod, Ok(account), kind);
        let states: Vec<_> = found.iter().map(|found| found.state.to_string()).collect();
        assert_eq!(states.join(" "), expected, "{found:#?}");
        for found in &found {
            let is_well = matches!(found.state, State::Pass | State::Skip);
            assert_eq!(found.remedy.is_none(), is_well, "{found:?}");
        }
        let said = found
            .into_iter()
            .flat_map(|found| [found.evidence, found.cause.unwrap_or_default()]);
        said.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_pod_with_all_that_the_webhook_puts_in_passes() {
        check(
            &pod(container()),
            &account(),
            None,
            "pass pass pass pass pass",
        );
        check(
            &pod(container()),
            &account(),
            Some(CredentialKind::Irsa),
            "pass pass pass pass pass",
        );
    }

    #[test]
    fn a_pod_without_the_variables_is_older_than_what_should_have_set_them() {
        let says = check(&pod(bare()), &account(), None, "pass pass fail skip warn");
        assert!(says.contains("age is not the cause"), "{says}");
        let older = Pod {
            created: time(1),
            ..pod(bare())
        };
        let says = check(&older, &account(), None, "pass pass fail skip fail");
        assert!(says.contains("older than the annotation"), "{says}");
        let anew = Account {
            created: time(5),
            annotated: None,
            ..account()
        };
        let says = check(&pod(bare()), &anew, None, "pass pass fail skip fail");
        assert!(says.contains("its service account at 2026-01-05"), "{says}");
        let unknown = Account {
            annotated: None,
            ..account()
        };
        let says = check(&pod(bare()), &unknown, None, "pass pass fail skip warn");
        assert!(says.contains("does not say when"), "{says}");
        let skipped = Pod {
            skipped: vec!["delegate".to_owned()],
            ..pod(bare())
        };
        let says = check(&skipped, &account(), None, "pass pass fail skip warn");
        assert!(says.contains("skip-containers"), "{says}");
    }

    #[test]
    fn a_role_that_is_not_that_of_the_annotation_takes_a_restart() {
        let other = Account {
            role: Some("arn:aws:iam::111122223333:role/other".to_owned()),
            annotated: time(4),
            ..account()
        };
        let says = check(&pod(container()), &other, None, "pass pass fail pass fail");
        assert!(
            says.contains("which is not the role of the annotation"),
            "{says}"
        );
    }

    #[test]
    fn an_account_without_its_annotation_fails_unless_another_kind_is_wanted() {
        let none = Account::default();
        check(&pod(bare()), &none, None, "pass fail skip skip skip");
        check(
            &pod(bare()),
            &none,
            Some(CredentialKind::IamRole),
            "pass pass skip skip skip",
        );
        check(&pod(container()), &none, None, "pass pass pass pass skip");
        let identity = Container {
            has_pod_identity: true,
            ..bare()
        };
        check(&pod(identity), &none, None, "pass pass skip skip skip");
        let misspelt = Account {
            misspelt: Some("eks.amazon.com/role-arn".to_owned()),
            ..none
        };
        let says = check(&pod(bare()), &misspelt, None, "pass fail skip skip skip");
        assert!(
            says.contains("`eks.amazon.com/role-arn`, which nobody reads"),
            "{says}"
        );
        let invalid = Account {
            role: Some("delegate\u{7}".to_owned()),
            ..account()
        };
        let says = check(&pod(bare()), &invalid, None, "pass fail fail skip warn");
        assert!(says.contains("`delegate` is not an ARN"), "{says}");
    }

    #[test]
    fn the_role_of_the_node_and_irsa_exclude_each_other() {
        let says = check(
            &pod(container()),
            &account(),
            Some(CredentialKind::IamRole),
            "pass pass fail pass pass",
        );
        assert!(says.contains("exclude each other"), "{says}");
    }

    #[test]
    fn half_of_irsa_keys_beside_it_and_a_token_for_somebody_else_are_told() {
        let half = Container {
            token_file: None,
            ..container()
        };
        check(&pod(half), &account(), None, "pass pass fail skip warn");
        let keys = Container {
            has_keys: true,
            ..container()
        };
        check(&pod(keys), &account(), None, "pass pass warn pass pass");
        let mut other = pod(container());
        other.tokens[0].audience = "vault".to_owned();
        check(&other, &account(), None, "pass pass pass fail pass");
        let unmounted = Container {
            mounts: Vec::new(),
            ..container()
        };
        check(
            &pod(unmounted),
            &account(),
            None,
            "pass pass pass fail pass",
        );
        let elsewhere = Container {
            token_file: Some(Setting::Elsewhere),
            ..container()
        };
        check(
            &pod(elsewhere),
            &account(),
            None,
            "pass pass pass skip pass",
        );
        let default = Pod {
            account: "default".to_owned(),
            ..pod(container())
        };
        check(&default, &account(), None, "warn pass pass pass pass");
    }

    #[test]
    fn a_pod_that_is_not_there_is_told_with_names_like_it() {
        let name: PodName = "newdel-5d8f-aaaaa".parse().unwrap();
        let missing = Failure::Status {
            code: 404,
            detail: "not found".to_owned(),
        };
        let forbidden = || Failure::Forbidden {
            detail: "no".to_owned(),
        };
        let check = |names: Option<Result<Vec<String>, Failure>>, says: &str| {
            let found = judge_missing(&name, "harness", &missing, names.as_ref());
            assert_eq!(found.state, State::Fail);
            assert!(found.remedy.as_deref().unwrap().contains(says), "{found:?}");
        };
        let names = ["newdel-5d8f-x2x", "zzz"].map(str::to_owned).to_vec();
        check(Some(Ok(names)), "did you mean newdel-5d8f-x2x?");
        check(Some(Ok(vec!["zzz".to_owned()])), "kubectl get pods");
        check(Some(Ok(vec![])), "--namespace");
        check(Some(Err(forbidden())), "`list` on `pods`");
        check(None, "--namespace");
        let found = judge_missing(&name, "harness", &forbidden(), None);
        assert!(
            found
                .remedy
                .unwrap()
                .contains("resources [pods], verbs [get]")
        );
        let found = judge(&pod(bare()), Err(&forbidden()), None);
        assert!(
            found[1]
                .remedy
                .as_ref()
                .unwrap()
                .contains("resources [serviceaccounts]")
        );
        let found = judge(&pod(bare()), Err(&missing), None);
        assert_eq!(found[1].state, State::Fail);
    }
}
