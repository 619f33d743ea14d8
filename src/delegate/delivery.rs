//! What a pod takes so that INIT_SCRIPT can bring the tools: a volume, variables, an init container,
//! and time.

mod budget;
mod container;

use super::home::{Home, INIT_SCRIPT};
use super::init_script::{self, DAMAGE_HINT, Parts, damage};
use super::patch::{Delivery, Edits, Plan, ScriptPolicy};
use super::pod::{Mounts, name_of};
use super::record::{
    CONTAINER_WAS_THERE, Kind, Record, SCRIPT_MADE_ROOM, VOLUME_WAS_THERE, WAS_NOT_QUOTED,
    WITHOUT_SCRIPT,
};
use super::{Error, Manifests, Workload, prefix, take_out};
use crate::yaml::{Node, Path, Scalar, Value};

pub use budget::Budget;
pub(super) use container::is_shared;

/// The name of the volume and of the init container.
pub const OURS: &str = "bootstrap";

/// Makes the changes.
pub(super) fn apply(
    manifests: &Manifests<'_>,
    workload: &Workload<'_>,
    plan: &Plan,
    record: &mut Record,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let mut delivery = Applied {
        workload,
        prefix: String::new(),
        plan,
        edits,
        record,
        is_there: false,
    };
    delivery.variables(manifests)?;
    delivery.time()?;
    let Some(how) = &plan.delivery else {
        return Ok(());
    };
    let list = (workload.container.get("env"), workload.object.file);
    delivery.prefix = prefix::of_pod(manifests, list, plan, workload.working_directory())?;
    let home = Home::find(manifests, workload)?;
    let replaces = plan.init_script == ScriptPolicy::Replace;
    home.check(manifests, workload, replaces, delivery.edits)?;
    check_marks(manifests, workload, &home)?;
    let present = home.text();
    delivery.is_there = is_there(present, delivery.record);
    delivery.volume()?;
    if let Delivery::InitContainer { image } = how {
        delivery.init_container(manifests, image, &plan.wishes)?;
    } else {
        delivery.no_init_container()?;
    }
    let prefix = delivery.prefix;
    let Some(script) = compose(plan, how, present, &prefix, record, edits) else {
        return Ok(());
    };
    if home.is_absent() {
        record.keep(Kind::Variable, INIT_SCRIPT, None);
        take_out::note_empty(workload.container, "env", record);
    } else if present.is_empty() && !home.is_quoted() {
        record.mark(WAS_NOT_QUOTED);
    }
    if workload.is_runner() {
        edits.note(
            "this is Delegate 2.x or 3.x, which logs errors of INIT_SCRIPT and starts all the same"
                .to_owned(),
        );
    }
    home.write(manifests, workload, &script, edits)
}

/// Refuses a script in which our part cannot be told.
fn check_marks(
    manifests: &Manifests<'_>,
    workload: &Workload<'_>,
    home: &Home<'_>,
) -> Result<(), Error> {
    match home.node().zip(damage(home.text())) {
        Some((node, damage)) => {
            let file = home.file(workload);
            Err(manifests.refusal(file, node, damage, DAMAGE_HINT))
        }
        None => Ok(()),
    }
}

/// Whether what has our name in the pod is ours.
pub(super) fn is_there(script: &str, record: &Record) -> bool {
    Parts::of(script).ours.is_some() || record.has(WITHOUT_SCRIPT)
}

/// Variables of the delegate, which the init container has too.
pub(super) fn variables(plan: &Plan) -> Vec<(&'static str, String)> {
    let mut wanted = Vec::new();
    if let Some(region) = &plan.region {
        // Older SDKs read the one, newer ones the other.
        wanted.push(("AWS_REGION", region.as_str().to_owned()));
        wanted.push(("AWS_DEFAULT_REGION", region.as_str().to_owned()));
    }
    if plan.fargate {
        wanted.push(("AWS_EC2_METADATA_DISABLED", "true".to_owned()));
    }
    if let (Some(_), Some(prefix)) = (&plan.delivery, &plan.prefix) {
        wanted.push((prefix::VARIABLE, prefix.to_string()));
    }
    wanted
}

/// A variable as an item of `env`.
pub(super) fn pair(name: &str, value: &str) -> Value {
    Value::mapping([("name", name.into()), ("value", value.into())])
}

/// What INIT_SCRIPT becomes; none where it is kept as it is.
pub(super) fn compose(
    plan: &Plan,
    how: &Delivery,
    present: &str,
    prefix: &str,
    record: &mut Record,
    edits: &mut Edits<'_>,
) -> Option<String> {
    let parts = Parts::of(present);
    let has_users_only = parts.ours.is_none() && !present.trim().is_empty();
    if plan.init_script == ScriptPolicy::Keep && has_users_only {
        record.mark(WITHOUT_SCRIPT);
        edits.note(format!(
            "INIT_SCRIPT is kept as it is: it must run `bootstrap init` and put {prefix}/bin on PATH"
        ));
        return None;
    }
    if plan.init_script == ScriptPolicy::Replace && !parts.user().trim().is_empty() {
        record.mark(SCRIPT_MADE_ROOM);
        edits.note(
            "the INIT_SCRIPT that was there makes room: keep a copy, as --remove cannot bring it back"
                .to_owned(),
        );
    }
    let ours = init_script::part(how, &plan.wishes, prefix);
    Some(match plan.init_script {
        ScriptPolicy::Replace => ours,
        ScriptPolicy::Merge | ScriptPolicy::Keep => parts.with(&ours),
    })
}

/// Whether our volume is to be at a prefix: not where there is one already that keeps programs. What
/// has our name and is not ours is refused.
pub(super) fn takes_volume(
    mounts: Mounts<'_>,
    prefix: &str,
    is_there: bool,
    record: &mut Record,
) -> Result<bool, Error> {
    if is_there && !record.has(VOLUME_WAS_THERE) && mounts.has(OURS) {
        let other = mounts.exactly_at(prefix).and_then(name_of);
        return match other.filter(|name| *name != OURS) {
            Some(other) => Err(Error::Conflict {
                message: format!(
                    "volume `{OURS}` of an earlier patch would move to {prefix}, where `{other}` is mounted"
                ),
                hint: "take it out with --remove first",
            }),
            None => Ok(true),
        };
    }
    let Some(reason) = mounts.unfit(prefix) else {
        if mounts.above(prefix).and_then(name_of) == Some(OURS) {
            record.mark(VOLUME_WAS_THERE);
        }
        return Ok(false);
    };
    if let Some(other) = mounts.exactly_at(prefix) {
        return Err(taken(other, prefix, reason));
    }
    if mounts.has(OURS) {
        return Err(Error::Conflict {
            message: format!(
                "the pod has a volume `{OURS}` already, which is not of our making, and {prefix} is not on it"
            ),
            hint: "rename it, or mount it at the prefix",
        });
    }
    Ok(true)
}

fn taken(mount: Node<'_>, prefix: &str, reason: &str) -> Error {
    let name = name_of(mount).unwrap_or_default();
    Error::Conflict {
        message: format!(
            "{prefix} takes a volume `{OURS}`, and `{name}` is mounted there already: it {reason}"
        ),
        hint: "mount an emptyDir there, or choose another place with --prefix",
    }
}

/// Whether an init container with our name is ours: one that is not is refused where ours is to be,
/// and else recorded.
pub(super) fn has_init_container(
    list: Option<Node<'_>>,
    (is_there, is_wanted): (bool, bool),
    record: &mut Record,
) -> Result<bool, Error> {
    let found = list.and_then(|list| list.item_where("name", OURS));
    let is_ours = found.is_some() && is_there && !record.has(CONTAINER_WAS_THERE);
    if found.is_none() || is_ours {
        return Ok(is_ours);
    }
    if is_wanted {
        return Err(Error::Conflict {
            message: format!(
                "the pod has an init container `{OURS}` already, which is not of our making"
            ),
            hint: "rename it",
        });
    }
    record.mark(CONTAINER_WAS_THERE);
    Ok(false)
}

/// Sets variables in a list, and records what was there.
pub(super) fn set_variables(
    manifests: &Manifests<'_>,
    (list, file, path): (Option<Node<'_>>, usize, &Path),
    plan: &Plan,
    record: &mut Record,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    for (name, value) in variables(plan) {
        let items = list.into_iter().flat_map(Node::items);
        let mut items = items.filter(|item| name_of(*item) == Some(name));
        let item = items.next();
        if let Some(second) = items.next() {
            let message = format!("{name} is there twice, and the last one counts");
            return Err(manifests.refusal(file, second, message, "take one of them out"));
        }
        if let Some(from) = item.and_then(|item| item.get("valueFrom")) {
            let message = format!("{name} comes from elsewhere, where it cannot be changed");
            return Err(manifests.refusal(file, from, message, "give it a `value`"));
        }
        let was = item.and_then(|item| item.get("value"));
        if was.and_then(Node::scalar) != Some(value.as_str()) {
            let nothing = || Scalar::Text(String::new());
            let was = item.map(|_| was.and_then(Node::as_written).unwrap_or_else(nothing));
            record.keep(Kind::Variable, name, was);
        }
        let path = path.clone().item_where("name", name).key("value");
        edits.set(file, &path, value)?;
    }
    Ok(())
}

/// Takes variables out again, or gives them back what they were; INIT_SCRIPT only where it is new.
pub(super) fn undo_variables(
    (parent, file, path): (Node<'_>, usize, &Path),
    key: &str,
    is_script_new: bool,
    record: &Record,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let list = parent.get(key);
    let is_there = |name: &str| list.is_some_and(|list| list.item_where("name", name).is_some());
    let all = || {
        let all = record.of_kind(Kind::Variable);
        all.filter(|(name, _)| is_there(name) && (is_script_new || *name != INIT_SCRIPT))
    };
    for (name, was) in all() {
        if let Some(was) = was {
            let path = path.clone().key(key).item_where("name", name).key("value");
            edits.set(file, &path, was.clone())?;
        }
    }
    let added = all().filter(|(_, was)| was.is_none());
    let added = added.map(|(name, _)| name);
    take_out::items((parent, file, path), key, added, record, edits)
}

/// Gives the threshold of a startup probe back what it was.
pub(super) fn undo_threshold(
    file: usize,
    probe: &Path,
    record: &Record,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let path = probe.clone().key(budget::THRESHOLD);
    if let Some(was) = record.was(Kind::Probe, budget::THRESHOLD) {
        edits.restore(file, &path, was)?;
    }
    Ok(())
}

/// The changes of a pod on their way.
struct Applied<'a, 'e, 's> {
    workload: &'a Workload<'a>,
    prefix: String,
    plan: &'a Plan,
    edits: &'e mut Edits<'s>,
    record: &'e mut Record,
    /// Whether the volume and the init container with our name are ours.
    is_there: bool,
}

impl Applied<'_, '_, '_> {
    fn file(&self) -> usize {
        self.workload.object.file
    }

    fn variables(&mut self, manifests: &Manifests<'_>) -> Result<(), Error> {
        let file = self.file();
        let list = self.workload.container.get("env");
        if !variables(self.plan).is_empty() {
            take_out::note_empty(self.workload.container, "env", self.record);
        }
        let path = self.workload.container_path.clone().key("env");
        let place = (list, file, &path);
        set_variables(manifests, place, self.plan, self.record, self.edits)
    }

    /// Raises what the startup probe waits for, if it is too little.
    fn time(&mut self) -> Result<(), Error> {
        let Some(budget) = self.plan.startup_budget else {
            return Ok(());
        };
        let probe = self.workload.container.get("startupProbe");
        let Some(probe) = probe.filter(|probe| !probe.is_null()) else {
            self.edits.note(format!(
                "{} `{}` has no startupProbe whose budget could be raised",
                self.workload.object.kind, self.workload.object.name
            ));
            return Ok(());
        };
        let path = self.workload.container_path.clone().key("startupProbe");
        let present = Budget::of(probe);
        present.raise(
            Some(probe),
            budget,
            (self.file(), &path),
            self.record,
            self.edits,
        )
    }

    /// A volume on disk at the prefix: the layer of a container dies with every restart.
    fn volume(&mut self) -> Result<(), Error> {
        let mounts = Mounts::of(self.workload);
        if !takes_volume(mounts, &self.prefix, self.is_there, self.record)? {
            return Ok(());
        }
        take_out::note_empty(self.workload.pod, "volumes", self.record);
        take_out::note_empty(self.workload.container, "volumeMounts", self.record);
        let volumes = self.workload.pod_path.clone().key("volumes");
        let is_there = mounts
            .volumes
            .and_then(|list| list.item_where("name", OURS));
        if is_there.is_none() {
            let nothing = Value::Mapping(Vec::new());
            let volume = Value::mapping([("name", OURS.into()), ("emptyDir", nothing)]);
            self.edits.append(self.file(), &volumes, volume)?;
            note_hidden(self.plan, &self.prefix, self.edits);
        }
        let path = self.workload.container_path.clone().key("volumeMounts");
        let path = path.item_where("name", OURS).key("mountPath");
        self.edits.set(self.file(), &path, self.prefix.as_str())?;
        Ok(())
    }
}

/// Says that what an image has at a prefix of its own cannot be seen: tools that are baked in, say.
pub(super) fn note_hidden(plan: &Plan, prefix: &str, edits: &mut Edits<'_>) {
    if let (Some(Delivery::Image), Some(_)) = (&plan.delivery, &plan.prefix) {
        edits.note(format!(
            "a volume is mounted at {prefix}, which hides what the image has there: tools that are baked in go \
             elsewhere"
        ));
    }
}

/// Takes everything out that [`apply`] puts in, as far as it can be known.
pub(super) fn undo(
    manifests: &Manifests<'_>,
    workload: &Workload<'_>,
    record: &Record,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let file = workload.object.file;
    let home = Home::find(manifests, workload)?;
    check_marks(manifests, workload, &home)?;
    let parts = Parts::of(home.text());
    let container = (workload.container, file, &workload.container_path);
    let mut is_new = false;
    if parts.ours.is_some() {
        let user = parts.user();
        is_new = user.is_empty() && record.was(Kind::Variable, INIT_SCRIPT).is_some();
        if !is_new {
            undo_note(&user, record, edits);
            home.write(manifests, workload, &user, edits)?;
        }
    }
    undo_variables(container, "env", is_new, record, edits)?;
    let probe = workload.container_path.clone().key("startupProbe");
    undo_threshold(file, &probe, record, edits)?;
    if !is_there(home.text(), record) {
        return Ok(());
    }
    let pod = (workload.pod, file, &workload.pod_path);
    if !record.has(CONTAINER_WAS_THERE) {
        take_out::items(pod, "initContainers", [OURS], record, edits)?;
    }
    if !record.has(VOLUME_WAS_THERE) {
        take_out::items(container, "volumeMounts", [OURS], record, edits)?;
        take_out::items(pod, "volumes", [OURS], record, edits)?;
    }
    Ok(())
}

/// Says of a script that comes back what is not known of it.
pub(super) fn undo_note(user: &str, record: &Record, edits: &mut Edits<'_>) {
    if !user.is_empty() {
        edits.note(
            "INIT_SCRIPT is yours again, word for word; how it was indented or quoted is not known"
                .to_owned(),
        );
    } else if record.has(SCRIPT_MADE_ROOM) {
        edits.note(
            "INIT_SCRIPT is empty now: the script that it had before `--init-script replace` is not known"
                .to_owned(),
        );
    } else if record.has(WAS_NOT_QUOTED) {
        edits.note("INIT_SCRIPT is empty again, and was not written `\"\"`".to_owned());
    }
}
