//! What was put into values, taken out again.

use super::super::delivery::{OURS, is_there, undo_note, undo_threshold, undo_variables};
use super::super::init_script::{DAMAGE_HINT, Parts, damage};
use super::super::patch::{Edits, Patched};
use super::super::record::{CONTAINER_WAS_THERE, Kind, PROBE_IS_NEW, Record, VOLUME_WAS_THERE};
use super::super::{Error, Manifests, take_out};
use super::{ANNOTATIONS, Values, text};
use crate::yaml::Node;

/// Takes out what was put in.
pub(in super::super) fn remove(
    manifests: &Manifests<'_>,
    all: &[Values<'_>],
    delegate: Option<&str>,
) -> Result<Patched, Error> {
    let patched: Vec<_> = all.iter().filter(|one| is_patched(one)).cloned().collect();
    let values = match patched.as_slice() {
        [one] if delegate.is_none() => one.clone(),
        _ => Values::choose(all, delegate)?,
    };
    let annotations = values.node.get(ANNOTATIONS);
    let record = Record::among(manifests, values.file, annotations)?;
    let mut edits = Edits::new(manifests.streams());
    let (file, node, path) = (values.file, values.node, &values.path);
    let at = |key: &str| path.clone().key(key);
    let present = text(node, "initScript").unwrap_or_default();
    let script = node.get("initScript");
    if let Some((script, damage)) = script.zip(damage(present)) {
        return Err(manifests.refusal(file, script, damage, DAMAGE_HINT));
    }
    let parts = Parts::of(present);
    if parts.ours.is_some() {
        let user = parts.user();
        if user.is_empty() && record.was(Kind::Variable, "initScript").is_some() {
            edits.remove(file, &at("initScript"))?;
        } else {
            undo_note(&user, &record, &mut edits);
            edits.set(file, &at("initScript"), user)?;
        }
    }
    if is_there(present, &record) {
        for (key, was_there) in [
            ("custom_init_containers", CONTAINER_WAS_THERE),
            ("custom_mounts", VOLUME_WAS_THERE),
            ("custom_volumes", VOLUME_WAS_THERE),
        ] {
            if !record.has(was_there) {
                take_out::items((node, file, path), key, [OURS], &record, &mut edits)?;
            }
        }
    }
    undo_variables(
        (node, file, path),
        "custom_envs",
        false,
        &record,
        &mut edits,
    )?;
    let probe = node.get("startupProbe");
    if record.has(PROBE_IS_NEW) && probe.is_some_and(|probe| probe.entries().count() == 1) {
        let was = record.was(Kind::Mark, PROBE_IS_NEW).flatten();
        edits.restore(file, &at("startupProbe"), was)?;
    } else {
        undo_threshold(file, &at("startupProbe"), &record, &mut edits)?;
    }
    undo_account(&values, &record, &mut edits)?;
    record.take_out(file, &at(ANNOTATIONS), annotations, &mut edits)?;
    edits.finish()
}

/// Whether there is something to take out.
fn is_patched(values: &Values<'_>) -> bool {
    let script = text(values.node, "initScript").unwrap_or_default();
    Parts::of(script).ours.is_some() || Record::is_among(values.node.get(ANNOTATIONS))
}

fn undo_account(values: &Values<'_>, record: &Record, edits: &mut Edits<'_>) -> Result<(), Error> {
    let account = values.node.get("serviceAccount");
    let Some(account) = account.filter(|account| !account.is_null()) else {
        return Ok(());
    };
    let file = values.file;
    let path = values.path.clone().key("serviceAccount");
    let annotations = account.get("annotations");
    let is_there = |key: &str| annotations.is_some_and(|all| all.get(key).is_some());
    let ours = record.of_kind(Kind::Account);
    let ours: Vec<_> = ours.filter(|(key, _)| is_there(key)).collect();
    for (key, was) in &ours {
        if let Some(was) = *was {
            let path = path.clone().key("annotations").key(*key);
            edits.set(file, &path, was.clone())?;
        }
    }
    let is_added = |key: &str| ours.iter().any(|(own, was)| *own == key && was.is_none());
    // Whether nothing is left of it but what was put in.
    let is_empty = |key: Node<'_>, value: Node<'_>| match key.scalar() {
        Some("annotations") if !value.is_flow() || account.is_flow() => {
            let mut keys = value.entries().map(|(key, _)| key.scalar());
            !ours.is_empty() && keys.all(|key| key.is_some_and(is_added))
        }
        Some("name") => record.was(Kind::Pod, "name") == Some(None),
        _ => false,
    };
    let was = record.was(Kind::Mark, "serviceAccount");
    let is_new = !account.is_flow() && was != Some(None);
    if is_new && account.entries().all(|(key, value)| is_empty(key, value)) {
        edits.restore(file, &path, was.flatten())?;
        return Ok(());
    }
    let new = ours.iter().map(|(key, _)| *key).filter(|key| is_added(key));
    take_out::entries(file, account, &path, ("annotations", None), new, edits)?;
    if let Some(was) = record.was(Kind::Pod, "name") {
        edits.restore(file, &path.key("name"), was)?;
    }
    Ok(())
}
