//! What a pod takes so that INIT_SCRIPT can bring the tools: a volume, variables, an init container,
//! and time.

mod budget;
mod container;

use super::home::Home;
use super::init_script::{self, Parts};
use super::patch::{Delivery, Edits, Plan, ScriptPolicy};
use super::pod::{is_on_disk, mounts};
use super::record::Record;
use super::workload::variable;
use super::{Error, Manifests, Workload};
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
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let home = Home::find(manifests, workload)?;
    let present = home.text();
    let parts = Parts::of(present);
    let mut record = Record::of(parts.record());
    let mut delivery = Applied {
        workload,
        prefix: prefix(workload, plan),
        plan,
        edits,
        record: &mut record,
    };
    delivery.variables()?;
    delivery.time()?;
    let Some(how) = &plan.delivery else {
        return Ok(());
    };
    delivery.volume()?;
    if let Delivery::InitContainer { image } = how {
        delivery.init_container(manifests, image, &plan.wishes)?;
    } else {
        delivery.no_init_container()?;
    }
    let prefix = delivery.prefix;
    if home.is_absent() {
        record.add_variable("INIT_SCRIPT");
    }
    let Some(script) = compose(plan, how, present, &prefix, &record, edits) else {
        return Ok(());
    };
    if workload.is_runner() {
        edits.note(
            "this is Delegate 2.x or 3.x, which logs errors of INIT_SCRIPT and starts all the same"
                .to_owned(),
        );
    }
    home.write(workload, &script, edits)
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
        wanted.push(("BOOTSTRAP_PREFIX", prefix.clone()));
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
    record: &Record,
    edits: &mut Edits<'_>,
) -> Option<String> {
    let parts = Parts::of(present);
    let has_users_only = parts.ours.is_none() && !present.trim().is_empty();
    if plan.init_script == ScriptPolicy::Keep && has_users_only {
        edits.note(format!(
            "INIT_SCRIPT is kept as it is: it must run `bootstrap init` and put {prefix}/bin on PATH"
        ));
        return None;
    }
    let ours = init_script::part(how, &plan.wishes, prefix, &record.to_string());
    Some(match plan.init_script {
        ScriptPolicy::Replace => ours,
        ScriptPolicy::Merge | ScriptPolicy::Keep => parts.with(&ours),
    })
}

/// Where the tools go.
fn prefix(workload: &Workload<'_>, plan: &Plan) -> String {
    let default = || format!("{}/bootstrap", workload.working_directory());
    plan.prefix.clone().unwrap_or_else(default)
}

/// The changes of a pod on their way.
struct Applied<'a, 'e, 's> {
    workload: &'a Workload<'a>,
    prefix: String,
    plan: &'a Plan,
    edits: &'e mut Edits<'s>,
    record: &'e mut Record,
}

impl Applied<'_, '_, '_> {
    fn file(&self) -> usize {
        self.workload.object.file
    }

    fn variables(&mut self) -> Result<(), Error> {
        for (name, value) in variables(self.plan) {
            if self.workload.variable_item(name).is_none() {
                self.record.add_variable(name);
            }
            let path = self.workload.container_path.clone().key("env");
            let path = path.item_where("name", name).key("value");
            self.edits.set(self.file(), &path, value)?;
        }
        Ok(())
    }

    /// Raises what the startup probe waits for, if it is too little.
    fn time(&mut self) -> Result<(), Error> {
        let Some(budget) = self.plan.startup_budget else {
            return Ok(());
        };
        let Some(probe) = self.workload.container.get("startupProbe") else {
            self.edits.note(format!(
                "{} `{}` has no startupProbe whose budget could be raised",
                self.workload.object.kind, self.workload.object.name
            ));
            return Ok(());
        };
        let present = Budget::of(probe);
        if present.seconds() >= budget {
            return Ok(());
        }
        self.record.keep_threshold(present.failures);
        let path = self.workload.container_path.clone();
        let path = path.keys(&["startupProbe", "failureThreshold"]);
        self.edits
            .set(self.file(), &path, present.failures_for(budget))?;
        Ok(())
    }

    /// A volume on disk at the prefix: the layer of a container dies with every restart.
    fn volume(&mut self) -> Result<(), Error> {
        let volumes = self.workload.pod_path.clone().key("volumes");
        let mount = self.workload.container_path.clone().key("volumeMounts");
        let is_ours = |mount: &Node<'_>| mount.get("name").and_then(Node::scalar) == Some(OURS);
        let has_ours = mounts(self.workload.container).any(|mount| is_ours(&mount));
        if !has_ours && is_on_disk(self.workload, &self.prefix) {
            return Ok(());
        }
        let present = self.workload.pod.get("volumes");
        let present = present.and_then(|volumes| volumes.item_where("name", OURS));
        if let Some((_, volume)) = present {
            if volume.get("emptyDir").is_none() && !has_ours {
                return Err(Error::Conflict {
                    message: format!("the pod has a volume `{OURS}` already, which is no emptyDir"),
                    hint: "rename it",
                });
            }
        } else {
            let nothing = Value::Mapping(Vec::new());
            let volume = Value::mapping([("name", OURS.into()), ("emptyDir", nothing)]);
            self.edits.append(self.file(), &volumes, volume)?;
        }
        let path = mount.item_where("name", OURS).key("mountPath");
        self.edits.set(self.file(), &path, self.prefix.as_str())?;
        Ok(())
    }
}

/// Takes the item with our name out of a list, and the list where nothing else is in it.
pub(super) fn remove_item(
    file: usize,
    parent: Node<'_>,
    path: &Path,
    key: &str,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let Some(list) = parent.get(key) else {
        return Ok(());
    };
    if list.item_where("name", OURS).is_none() {
        return Ok(());
    }
    let path = path.clone().key(key);
    let path = if list.items().nth(1).is_none() {
        path
    } else {
        path.item_where("name", OURS)
    };
    edits.remove(file, &path)?;
    Ok(())
}

/// Takes everything out that [`apply`] puts in, as far as it can be known.
pub(super) fn undo(
    manifests: &Manifests<'_>,
    workload: &Workload<'_>,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let file = workload.object.file;
    let home = Home::find(manifests, workload)?;
    let parts = Parts::of(home.text());
    let record = Record::of(parts.record());
    if parts.ours.is_some() {
        let user = parts.user();
        if user.is_empty() && record.has_variable("INIT_SCRIPT") {
            undo_variable(workload, "INIT_SCRIPT", edits)?;
        } else {
            home.write(workload, &user, edits)?;
        }
    }
    for name in record.variables().filter(|name| *name != "INIT_SCRIPT") {
        undo_variable(workload, name, edits)?;
    }
    if let Some(threshold) = record.threshold() {
        let path = workload.container_path.clone();
        let path = path.keys(&["startupProbe", "failureThreshold"]);
        edits.set(file, &path, Value::Scalar(Scalar::Int(threshold)))?;
    }
    remove_item(
        file,
        workload.pod,
        &workload.pod_path,
        "initContainers",
        edits,
    )?;
    let is_ours = workload
        .pod
        .get("volumes")
        .and_then(|volumes| volumes.item_where("name", OURS))
        .is_some_and(|(_, volume)| volume.get("emptyDir").is_some());
    if is_ours {
        remove_item(
            file,
            workload.container,
            &workload.container_path,
            "volumeMounts",
            edits,
        )?;
        remove_item(file, workload.pod, &workload.pod_path, "volumes", edits)?;
    }
    Ok(())
}

fn undo_variable(workload: &Workload<'_>, name: &str, edits: &mut Edits<'_>) -> Result<(), Error> {
    if variable(workload.container, name).is_none() {
        return Ok(());
    }
    let path = workload
        .container_path
        .clone()
        .key("env")
        .item_where("name", name);
    edits.remove(workload.object.file, &path)?;
    Ok(())
}
