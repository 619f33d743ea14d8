//! What `patch` put in, taken out again.

use super::access::{bindings, is_account, is_ours, subjects};
use super::home::Home;
use super::init_script::Parts;
use super::patch::{Edits, Patched};
use super::record::{Kind, Record};
use super::values::{self, Values};
use super::workload::{account_of, list, pod_of};
use super::{Error, Manifests, Object, Workload, delivery, take_out};
use crate::yaml::{Node, Stream};

/// Takes out what was put into one delegate of a set of files: the one that is named, else the only
/// one that was patched.
///
/// Bytes come back as they were where they are known: a list or mapping that is empty afterwards is
/// taken for one that was not there.
pub fn remove(streams: &[Stream<'_>], delegate: Option<&str>) -> Result<Patched, Error> {
    let manifests = Manifests::new(streams);
    let values = Values::all(&manifests);
    if Workload::all(&manifests).is_empty() && !values.is_empty() {
        return values::remove(&manifests, &values, delegate);
    }
    let workload = choose(&manifests, delegate)?;
    let annotations = workload.annotations();
    let record = Record::among(annotations);
    let mut edits = Edits::new(streams);
    delivery::undo(&manifests, &workload, &record, &mut edits)?;
    undo_account(&manifests, &workload, &record, &mut edits)?;
    let path = workload.annotations_path();
    record.take_out(workload.object.file, &path, annotations, &mut edits)?;
    edits.finish()
}

fn choose<'s>(manifests: &Manifests<'s>, name: Option<&str>) -> Result<Workload<'s>, Error> {
    if name.is_none() {
        let mut all = Workload::all(manifests);
        all.retain(|workload| is_patched(manifests, workload));
        if all.len() == 1
            && let Some(one) = all.pop()
        {
            return Ok(one);
        }
    }
    Workload::choose(manifests, name)
}

/// Whether there is something to take out.
fn is_patched(manifests: &Manifests<'_>, workload: &Workload<'_>) -> bool {
    let account = manifests.find(
        "ServiceAccount",
        workload.account(),
        workload.object.namespace,
    );
    let has_script =
        Home::find(manifests, workload).is_ok_and(|home| Parts::of(home.text()).ours.is_some());
    !Record::among(workload.annotations()).is_empty() || has_script || account.is_some_and(is_ours)
}

/// Gives the pods the account back that they had, and takes ours out.
fn undo_account(
    manifests: &Manifests<'_>,
    workload: &Workload<'_>,
    record: &Record,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let name = workload.account();
    let namespace = workload.object.namespace;
    let account = manifests.find("ServiceAccount", name, namespace);
    let is_made = account.is_some_and(is_ours);
    // The second is the old spelling, and counts where the first is not there.
    let keys = ["serviceAccountName", "serviceAccount"];
    let is_changed = |key: &&str| is_made || record.was(Kind::Pod, key).is_some();
    for key in keys.iter().filter(|key| is_changed(key)) {
        let path = workload.pod_path.clone().key(*key);
        match record.was(Kind::Pod, key).flatten() {
            Some(was) => edits.set(workload.object.file, &path, was)?,
            None => drop(edits.remove(workload.object.file, &path)?),
        }
    }
    let mut known = keys
        .iter()
        .filter_map(|key| record.was(Kind::Pod, key).flatten());
    let before = match known.next() {
        Some(before) => before,
        None if keys.iter().any(is_changed) => "default",
        None => name,
    };
    let Some(account) = account else {
        return Ok(());
    };
    let others = || {
        let objects = manifests.objects().iter();
        objects.filter(|object| {
            let is_same =
                object.file == workload.object.file && object.path == workload.object.path;
            let runs = pod_of(object).is_some_and(|pod| account_of(pod) == name);
            runs && object.namespace == namespace && !is_same
        })
    };
    if is_made && others().next().is_some() {
        edits.note(format!(
            "ServiceAccount `{name}` stays: {} runs as it",
            list(others())
        ));
        return Ok(());
    }
    if before != name || !is_made {
        unbind(manifests, account, before, is_made, record, edits)?;
    }
    if is_made {
        edits.remove_object(account)?;
        return Ok(());
    }
    undo_annotations(account, workload, before != name, record, edits)
}

/// Takes an account out of the bindings that it was put into.
fn unbind(
    manifests: &Manifests<'_>,
    account: &Object<'_>,
    before: &str,
    is_made: bool,
    record: &Record,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    for binding in bindings(manifests) {
        let is_put = if is_made {
            record.was(Kind::Bound, binding.name).is_none()
        } else {
            record.was(Kind::Subject, binding.name).is_some()
        };
        let mut all = subjects(binding);
        let found = all.find(|subject| is_account(*subject, account.name, account.namespace));
        let Some(found) = found.filter(|_| is_put) else {
            continue;
        };
        let items = binding.node.get("subjects").into_iter();
        let path = binding.path.clone().key("subjects").item(found.index);
        if items.flat_map(Node::items).count() > 1 {
            edits.remove(binding.file, &path)?;
        } else if before != account.name {
            edits.set(binding.file, &path.key("name"), before)?;
            edits.note(format!(
                "{} `{}` names account `{before}` now, as the delegate runs as that again",
                binding.kind, binding.name
            ));
        }
    }
    Ok(())
}

/// Gives an account that was there the annotations back that it had.
fn undo_annotations(
    account: &Object<'_>,
    workload: &Workload<'_>,
    is_left: bool,
    record: &Record,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let Some(metadata) = account.node.get("metadata") else {
        return Ok(());
    };
    let path = account.path.clone().key("metadata");
    let annotations = metadata.get("annotations");
    let is_there = |key: &str| annotations.is_some_and(|all| all.get(key).is_some());
    let ours = record.of_kind(Kind::Account);
    let ours: Vec<_> = ours.filter(|(key, _)| is_there(key)).collect();
    if ours.is_empty() {
        return Ok(());
    }
    for (key, was) in &ours {
        if let Some(was) = *was {
            let path = path.clone().key("annotations").key(*key);
            edits.set(account.file, &path, was)?;
        }
    }
    let new = ours.iter().filter(|(_, was)| was.is_none());
    let new = new.map(|(key, _)| *key);
    take_out::entries(account.file, metadata, &path, "annotations", new, edits)?;
    let is_restored = ours.iter().any(|(_, was)| was.is_some());
    if !is_left || is_restored {
        edits.note(format!(
            "{} `{}`{} ServiceAccount `{}`, which was there before and has {} now",
            workload.object.kind,
            workload.object.name,
            if is_left { " leaves" } else { " still runs as" },
            account.name,
            if is_restored {
                "the role that it had"
            } else {
                "no role"
            }
        ));
    }
    Ok(())
}
