//! Accounts, and the bindings that give them rights.

use super::super::access::{bindings, grants_by_group, subjects};
use super::super::workload::account_of;
use super::rules::{
    ACCOUNT_MISSING, BINDING_API_GROUP, BINDING_SUBJECT, DELEGATE_RIGHTS, NAMESPACE,
};
use super::{Linter, name_of, shown, text};

/// How many subjects a message names.
const SHOWN: usize = 4;

/// The API group of roles.
const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) fn check(linter: &mut Linter<'_, '_>) {
    let manifests = linter.manifests;
    for binding in bindings(manifests) {
        let reference = binding.node.get("roleRef");
        if let Some(reference) = reference
            && text(reference, &["apiGroup"]) != Some(GROUP)
        {
            let at = reference.get("apiGroup").unwrap_or(reference);
            linter.report(
                &BINDING_API_GROUP,
                binding.file,
                at,
                format!(
                    "the roleRef of {} `{}` does not name the API group `{GROUP}`",
                    binding.kind, binding.name
                ),
            );
        }
        if linter.workloads.is_empty() {
            continue;
        }
        for subject in subjects(binding) {
            let items = binding.node.get("subjects");
            let item = items.and_then(|items| items.item(subject.index));
            let item = item.unwrap_or(binding.node);
            // `default` is what pods of other files may run as.
            if subject.name != "default" && !manifests.has_pods_of(subject.name) {
                let at = item.get("name").unwrap_or(item);
                linter.report(
                    &BINDING_SUBJECT,
                    binding.file,
                    at,
                    format!(
                        "{} `{}` names account `{}`, and no pod in the files runs as it",
                        binding.kind, binding.name, subject.name
                    ),
                );
            }
            if subject.namespace.is_some() && !linter.manifests.is_lived_in(subject.namespace) {
                let at = item.get("namespace").unwrap_or(item);
                linter.report(
                    &NAMESPACE,
                    binding.file,
                    at,
                    format!(
                        "{} `{}` names account `{}` in {}, where nothing in the files runs",
                        binding.kind,
                        binding.name,
                        subject.name,
                        shown(subject.namespace)
                    ),
                );
            }
        }
    }
    accounts(linter);
    rights(linter);
}

/// Pods whose account is not there; `default` is in every namespace.
fn accounts(linter: &mut Linter<'_, '_>) {
    let pods: Vec<_> = linter.pods().collect();
    for (object, pod) in pods {
        let account = account_of(pod);
        if account == "default"
            || linter
                .manifests
                .find("ServiceAccount", account, object.namespace)
                .is_some()
        {
            continue;
        }
        let at = pod
            .get("serviceAccountName")
            .or_else(|| pod.get("serviceAccount"));
        linter.report(
            &ACCOUNT_MISSING,
            object.file,
            at.unwrap_or(pod),
            format!(
                "{} `{}` runs as ServiceAccount `{account}`, which is not in {}",
                object.kind,
                object.name,
                shown(object.namespace)
            ),
        );
    }
}

/// Delegates whose account no binding names.
fn rights(linter: &mut Linter<'_, '_>) {
    let manifests = linter.manifests;
    for workload in linter.workloads {
        let account = workload.account();
        let namespace = workload.object.namespace;
        let is_bound = bindings(manifests).any(|binding| {
            grants_by_group(binding, namespace)
                || subjects(binding)
                    .any(|subject| subject.name == account && subject.namespace == namespace)
        });
        if is_bound {
            continue;
        }
        let named: Vec<_> = bindings(manifests)
            .flat_map(|binding| subjects(binding))
            .filter(|subject| !subject.name.contains("upgrader"))
            .take(SHOWN)
            .map(|subject| format!("`{}` in {}", subject.name, shown(subject.namespace)))
            .collect();
        let named = if bindings(manifests).next().is_none() {
            "; there is none in the files".to_owned()
        } else if named.is_empty() {
            String::new()
        } else {
            format!("; bindings name {}", named.join(", "))
        };
        let at = workload
            .pod
            .get("serviceAccountName")
            .and_then(|node| node.scalar().map(|_| node));
        let at = at.unwrap_or_else(|| name_of(&workload.object));
        linter.report(&DELEGATE_RIGHTS, workload.object.file, at, format!(
            "{} `{}` runs as account `{account}` in {}, to which no binding grants anything{named}",
            workload.object.kind, workload.object.name, shown(namespace)
        ));
    }
}
