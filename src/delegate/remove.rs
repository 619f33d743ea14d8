//! What `patch` put in, taken out again.

use super::access::{MANAGED_BY, bindings, is_role_annotation, subjects};
use super::patch::{Edits, Patched};
use super::values::{self, Values};
use super::{Error, Manifests, Object, Workload, delivery};
use crate::yaml::{Node, Stream};

/// Takes out what was put into one delegate of a set of files.
///
/// Bytes come back as they were where they are known: a list or mapping that is empty afterwards is
/// taken for one that was not there.
pub fn remove(streams: &[Stream<'_>], delegate: Option<&str>) -> Result<Patched, Error> {
    let manifests = Manifests::new(streams);
    let values = Values::all(&manifests);
    if Workload::all(&manifests).is_empty() && !values.is_empty() {
        return values::remove(&manifests, &values, delegate);
    }
    let workload = Workload::choose(&manifests, delegate)?;
    let mut edits = Edits::new(streams);
    delivery::undo(&manifests, &workload, &mut edits)?;
    let account = workload.account();
    if let Some(account) = manifests.find("ServiceAccount", account, workload.object.namespace) {
        if is_ours(account) {
            take_out_account(&manifests, &workload, account, &mut edits)?;
        } else {
            take_out_annotations(account, &workload, &mut edits)?;
        }
    }
    edits.finish()
}

/// Whether `patch` wrote an account.
fn is_ours(account: &Object<'_>) -> bool {
    let (label, value) = MANAGED_BY;
    let found = account.node.dig(&["metadata", "labels", label]);
    found.and_then(Node::scalar) == Some(value)
}

fn take_out_account(
    manifests: &Manifests<'_>,
    workload: &Workload<'_>,
    account: &Object<'_>,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let file = workload.object.file;
    for key in ["serviceAccountName", "serviceAccount"] {
        edits.remove(file, &workload.pod_path.clone().key(key))?;
    }
    for binding in bindings(manifests) {
        let mine = |name: &str, namespace: Option<&str>| {
            name == account.name && namespace == account.namespace
        };
        let found = subjects(binding).find(|subject| mine(subject.name, subject.namespace));
        let Some(found) = found else { continue };
        let count = binding
            .node
            .get("subjects")
            .into_iter()
            .flat_map(Node::items)
            .count();
        let path = binding.path.clone().key("subjects").item(found.index);
        if count > 1 {
            edits.remove(binding.file, &path)?;
        } else {
            edits.set(binding.file, &path.key("name"), "default")?;
            edits.note(format!(
                "{} `{}` names account `default` now, as the delegate runs as that again",
                binding.kind, binding.name
            ));
        }
    }
    edits.remove_object(account)?;
    Ok(())
}

fn take_out_annotations(
    account: &Object<'_>,
    workload: &Workload<'_>,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let path = account.path.clone().keys(&["metadata", "annotations"]);
    let annotations = account.node.dig(&["metadata", "annotations"]);
    let Some(annotations) = annotations else {
        return Ok(());
    };
    let is_ours = |key: Node<'_>| key.scalar().is_some_and(is_role_annotation);
    if !annotations.entries().any(|(key, _)| is_ours(key)) {
        return Ok(());
    }
    if annotations.entries().all(|(key, _)| is_ours(key)) {
        edits.remove(account.file, &path)?;
    } else {
        for (key, _) in annotations.entries().filter(|(key, _)| is_ours(*key)) {
            let key = key.scalar().unwrap_or_default();
            edits.remove(account.file, &path.clone().key(key))?;
        }
    }
    edits.note(format!(
        "{} `{}` still runs as ServiceAccount `{}`, which was there before and has no role now",
        workload.object.kind, workload.object.name, account.name
    ));
    Ok(())
}
