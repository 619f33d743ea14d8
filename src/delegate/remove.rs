//! What `patch` put in, taken out again.

use super::access::{account_keys, is_ours, unbind};
use super::home::Home;
use super::init_script::Parts;
use super::passed_over::passed_over;
use super::patch::{Edits, Patched, Plan};
use super::record::{ACCOUNT_WAS_BARE, ANNOTATION, Kind, Record};
use super::values::{self, Values};
use super::workload::{account_of, list, pod_of};
use super::{Error, Manifests, Object, Workload, delivery, take_out};
use crate::yaml::{Scalar, Stream};

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
    let record = Record::among(&manifests, workload.object.file, annotations)?;
    let mut edits = Edits::new(streams);
    for note in passed_over(streams, &values) {
        edits.note(note);
    }
    delivery::undo(&manifests, &workload, &record, &mut edits)?;
    undo_account(&manifests, &workload, &record, &mut edits)?;
    let path = workload.annotations_path();
    record.take_out(workload.object.file, &path, annotations, &mut edits)?;
    edits.finish()
}

/// Takes out the account of an earlier patch, and nothing else, where the delegate is to run as
/// another one: what was put into bindings for it, and into it, would outlive it.
pub(super) fn former_account(
    streams: &[Stream<'_>],
    plan: &Plan,
) -> Result<Option<Patched>, Error> {
    let Some(wanted) = plan.irsa.as_ref().and_then(|irsa| irsa.account.as_ref()) else {
        return Ok(None);
    };
    let manifests = Manifests::new(streams);
    // What is wrong with the choice is said where the change is made.
    let Ok(workload) = Workload::choose(&manifests, plan.delegate.as_deref()) else {
        return Ok(None);
    };
    let annotations = workload.annotations();
    let record = Record::among(&manifests, workload.object.file, annotations)?;
    let (object, name) = (&workload.object, workload.account());
    let account = manifests.find("ServiceAccount", name, object.namespace);
    let is_made = account.is_some_and(is_ours);
    if name == wanted.as_str() || !(is_made || record.has_account()) {
        return Ok(None);
    }
    let mut edits = Edits::new(streams);
    let path = workload.annotations_path();
    let rest = record.without_account();
    if rest.is_empty() {
        record.take_out(object.file, &path, annotations, &mut edits)?;
    } else {
        edits.set(object.file, &path.key(ANNOTATION), rest.to_string())?;
    }
    undo_account(&manifests, &workload, &record, &mut edits)?;
    if is_made && others(&manifests, &workload).next().is_none() {
        edits.note(format!(
            "ServiceAccount `{name}` of an earlier patch is taken out, as {} `{}` no longer runs as it",
            object.kind, object.name
        ));
    }
    edits.finish().map(Some)
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
    Record::is_among(workload.annotations()) || has_script || account.is_some_and(is_ours)
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
    let is_changed = |key: &&str| is_made || record.was(Kind::Pod, key).is_some();
    for key in account_keys(workload).filter(is_changed) {
        let path = workload.pod_path.clone().key(key);
        let was = record.was(Kind::Pod, key).flatten();
        edits.restore(workload.object.file, &path, was)?;
    }
    // The second is the old spelling, and counts where the first is not there.
    let known = account_keys(workload).filter_map(|key| record.was(Kind::Pod, key).flatten());
    let mut named = known
        .filter_map(Scalar::text)
        .filter(|name| !name.is_empty());
    let before = match named.next() {
        Some(before) => before,
        None if account_keys(workload).any(|key| is_changed(&key)) => "default",
        None => name,
    };
    let Some(account) = account else {
        return Ok(());
    };
    if is_made && others(manifests, workload).next().is_some() {
        edits.note(format!(
            "ServiceAccount `{name}` stays: {} runs as it",
            list(others(manifests, workload))
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

/// The other objects whose pods run as the account of a workload.
fn others<'m, 's>(
    manifests: &'m Manifests<'s>,
    workload: &'m Workload<'s>,
) -> impl Iterator<Item = &'m Object<'s>> {
    manifests.objects().iter().filter(|object| {
        let own = &workload.object;
        let is_same = object.file == own.file && object.path == own.path;
        let runs = pod_of(object).is_some_and(|pod| account_of(pod) == workload.account());
        runs && object.namespace == own.namespace && !is_same
    })
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
            edits.set(account.file, &path, was.clone())?;
        }
    }
    let new = ours.iter().filter(|(_, was)| was.is_none());
    let new = new.map(|(key, _)| *key);
    let mapping = (
        "annotations",
        record.was(Kind::Mark, ACCOUNT_WAS_BARE).flatten(),
    );
    take_out::entries(account.file, metadata, &path, mapping, new, edits)?;
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
