//! What a pod takes so that INIT_SCRIPT can bring the tools: a volume, variables, an init container,
//! and time.

use super::home::Home;
use super::init_script::{self, Parts, Wishes};
use super::patch::{Delivery, Edits, Plan, ScriptPolicy};
use super::pod::{copy, is_on_disk, mount_at, mounts};
use super::record::Record;
use super::workload::variable;
use super::{Error, Manifests, Workload};
use crate::yaml::{Node, Path, Scalar, Value};

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

    fn init_container_path(&self) -> Path {
        let path = self.workload.pod_path.clone().key("initContainers");
        path.item_where("name", OURS)
    }

    /// A container that runs before the delegate's: `bash -e` and the probes have no part in it.
    fn init_container(
        &mut self,
        manifests: &Manifests<'_>,
        image: &str,
        wishes: &Wishes,
    ) -> Result<(), Error> {
        let command = std::iter::once("bootstrap".to_owned()).chain(wishes.arguments());
        let mut keys: Vec<(&str, Value)> = vec![
            ("image", image.into()),
            ("command", Value::sequence(command)),
            ("env", self.init_environment()),
        ];
        let sources = self.proxy_sources(manifests);
        if !sources.is_empty() {
            keys.push(("envFrom", Value::Sequence(sources)));
        }
        if let Some(context) = self.workload.container.get("securityContext") {
            keys.push(("securityContext", copy(context)));
        }
        let mut all_mounts = vec![self.mount_of_prefix()];
        let certificates =
            mounts(self.workload.container).filter(|mount| self.has_certificates(*mount));
        all_mounts.extend(certificates.map(copy));
        keys.push(("volumeMounts", Value::Sequence(all_mounts)));
        let path = self.init_container_path();
        for (key, value) in keys {
            self.edits.set(self.file(), &path.clone().key(key), value)?;
        }
        Ok(())
    }

    /// Takes out what another delivery put in.
    fn no_init_container(&mut self) -> Result<(), Error> {
        remove_item(
            self.file(),
            self.workload.pod,
            &self.workload.pod_path,
            "initContainers",
            self.edits,
        )
    }

    /// The mount of the volume that the prefix is on.
    fn mount_of_prefix(&self) -> Value {
        let theirs = mount_at(self.workload, &self.prefix).filter(|mount| {
            mount.get("name").and_then(Node::scalar) != Some(OURS)
                && is_on_disk(self.workload, &self.prefix)
        });
        let ours = || {
            Value::mapping([
                ("name", OURS.into()),
                ("mountPath", self.prefix.as_str().into()),
            ])
        };
        theirs.map_or_else(ours, copy)
    }

    /// The variables that concern the network and us.
    fn init_environment(&self) -> Value {
        let wanted = variables(self.plan);
        let is_wanted = |name: &str| wanted.iter().any(|(own, _)| *own == name);
        let shared = self
            .workload
            .container
            .get("env")
            .into_iter()
            .flat_map(Node::items);
        let shared = shared.filter(|item| {
            let name = item.get("name").and_then(Node::scalar).unwrap_or_default();
            is_shared(name) && !is_wanted(name) && name != "BOOTSTRAP_PREFIX"
        });
        let mut items = vec![pair("BOOTSTRAP_PREFIX", &self.prefix)];
        items.extend(shared.map(copy));
        let own = wanted
            .iter()
            .filter(|(name, _)| *name != "BOOTSTRAP_PREFIX");
        items.extend(own.map(|(name, value)| pair(name, value)));
        Value::Sequence(items)
    }

    /// The ConfigMaps and Secrets that the proxy's variables come from.
    fn proxy_sources(&self, manifests: &Manifests<'_>) -> Vec<Value> {
        let sources = self
            .workload
            .container
            .get("envFrom")
            .into_iter()
            .flat_map(Node::items);
        let is_proxy = |source: &Node<'_>| {
            let has = |key: &str, kind: &str| {
                let name = source.dig(&[key, "name"]).and_then(Node::scalar)?;
                let object = manifests.find(kind, name, self.workload.object.namespace);
                let has_host = object.is_some_and(|object| {
                    ["data", "stringData"].iter().any(|data| {
                        let entries = object.node.get(data).into_iter().flat_map(Node::entries);
                        entries.filter_map(|(key, _)| key.scalar()).any(is_shared)
                    })
                });
                Some(name.ends_with("-proxy") || has_host)
            };
            has("configMapRef", "ConfigMap") == Some(true)
                || has("secretRef", "Secret") == Some(true)
        };
        sources.filter(is_proxy).map(copy).collect()
    }

    /// Whether a mount has certificates that the network asks for.
    fn has_certificates(&self, mount: Node<'_>) -> bool {
        let Some(path) = mount.get("mountPath").and_then(Node::scalar) else {
            return false;
        };
        let is_named = |name: &&str| {
            let file = self.workload.variable(name);
            file.is_some_and(|file| std::path::Path::new(file).starts_with(path))
        };
        path.trim_end_matches('/').ends_with("/ca-bundle")
            || path.contains("/ca-trust/")
            || CERTIFICATES.iter().any(is_named)
    }
}

/// Variables that name a file with certificates.
const CERTIFICATES: [&str; 4] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "AWS_CA_BUNDLE",
];

/// Whether a variable concerns the network, the region or us.
pub(super) fn is_shared(name: &str) -> bool {
    const NAMES: [&str; 7] = [
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_REGION",
        "AWS_STS_REGIONAL_ENDPOINTS",
        "NO_PROXY",
        "SSL_CERT_DIR",
        "WORKING_DIR",
    ];
    let upper = name.to_ascii_uppercase();
    upper.ends_with("_PROXY")
        || name.starts_with("PROXY_")
        || name.starts_with("BOOTSTRAP_")
        || NAMES.contains(&name)
        || CERTIFICATES.contains(&name)
}

/// What a probe gives, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Before the first try.
    pub delay: i64,
    /// Between tries.
    pub period: i64,
    /// How many tries.
    pub failures: i64,
}

impl Budget {
    /// The budget of a probe; the defaults are those of the Kubernetes API reference, "Probe".
    pub fn of(probe: Node<'_>) -> Self {
        let default = Self {
            delay: 0,
            period: 10,
            failures: 3,
        };
        Self::or(probe, default)
    }

    /// The budget of a probe with other defaults.
    pub fn or(probe: Node<'_>, default: Self) -> Self {
        let number = |key: &str| probe.get(key).and_then(Node::int);
        Self {
            delay: number("initialDelaySeconds").unwrap_or(default.delay),
            period: number("periodSeconds").unwrap_or(default.period).max(1),
            failures: number("failureThreshold").unwrap_or(default.failures),
        }
    }

    /// How many tries it takes to give so many seconds.
    pub const fn failures_for(self, seconds: i64) -> i64 {
        (seconds - self.delay + self.period - 1) / self.period
    }

    /// All of it.
    pub const fn seconds(self) -> i64 {
        self.delay + self.period * self.failures
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
