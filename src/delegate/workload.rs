//! The workload that a delegate is, found by what it is.

use super::prefix::WORKING_DIRECTORY;
use super::{Error, Manifests, Object};
use crate::yaml::{Node, Path};

/// Names of the delegate's container: of the current image, and of the legacy one.
const CONTAINERS: [&str; 2] = ["delegate", "harness-delegate-instance"];

/// Variables that the delegate alone has; two of them are enough.
const VARIABLES: [&str; 5] = [
    "ACCOUNT_ID",
    "DELEGATE_NAME",
    "DELEGATE_TYPE",
    "MANAGER_HOST_AND_PORT",
    "WATCHER_STORAGE_URL",
];

/// Variables of Delegate 2.x and 3.x, the Go runner.
const RUNNER_VARIABLES: [&str; 3] = [
    "HARNESS_ACCOUNT_ID",
    "HARNESS_DELEGATE_NAME",
    "HARNESS_MANAGER_HOST_AND_PORT",
];

/// A delegate.
#[derive(Clone, Debug)]
pub struct Workload<'s> {
    /// The Deployment, StatefulSet or DaemonSet.
    pub object: Object<'s>,
    /// The pod that it makes.
    pub pod: Node<'s>,
    /// Where the pod's specification is.
    pub pod_path: Path,
    /// The delegate's container.
    pub container: Node<'s>,
    /// Where that is.
    pub container_path: Path,
}

impl<'s> Workload<'s> {
    /// The delegates, in their order.
    pub fn all(manifests: &Manifests<'s>) -> Vec<Self> {
        let objects = manifests.objects().iter();
        objects.filter_map(Self::of).collect()
    }

    /// The one that is meant: the one with this name, or the only one.
    pub fn choose(manifests: &Manifests<'s>, name: Option<&str>) -> Result<Self, Error> {
        let mut all = Self::all(manifests);
        if all.is_empty() {
            return Err(Error::NoDelegate {
                found: what_is_there(manifests),
            });
        }
        let found = || list(all.iter().map(|one| &one.object));
        let Some(name) = name else {
            let found = found();
            return match (all.pop(), all.is_empty()) {
                (Some(one), true) => Ok(one),
                _ => Err(Error::SeveralDelegates { found }),
            };
        };
        let is_named =
            |one: &&Self| one.object.name == name || one.variable("DELEGATE_NAME") == Some(name);
        let named: Vec<_> = all.iter().filter(is_named).collect();
        match named.as_slice() {
            [one] => Ok((*one).clone()),
            [] => Err(Error::NoSuchDelegate {
                name: name.to_owned(),
                found: found(),
            }),
            several => Err(Error::SeveralDelegates {
                found: list(several.iter().map(|one| &one.object)),
            }),
        }
    }

    fn of(object: &Object<'s>) -> Option<Self> {
        if !matches!(object.kind, "Deployment" | "StatefulSet" | "DaemonSet") {
            return None;
        }
        let keys = ["spec", "template", "spec"];
        let pod = object.node.dig(&keys)?;
        let containers: Vec<_> = pod.get("containers")?.items().enumerate().collect();
        let named = containers.iter().find(|(_, container)| {
            let name = container.get("name").and_then(Node::scalar);
            name.is_some_and(|name| CONTAINERS.contains(&name))
        });
        let (index, container) = *named.or_else(|| {
            containers.iter().find(|(_, container)| {
                let has = |names: &[&str]| {
                    let is_there = |name: &&&str| variable(*container, name).is_some();
                    names.iter().filter(is_there).count() >= 2
                };
                has(&VARIABLES) || has(&RUNNER_VARIABLES)
            })
        })?;
        let pod_path = object.path.clone().keys(&keys);
        Some(Self {
            object: object.clone(),
            pod,
            container_path: pod_path.clone().key("containers").item(index),
            pod_path,
            container,
        })
    }

    /// The text of a variable in `env`, where it stands there itself.
    pub fn variable(&self, name: &str) -> Option<&'s str> {
        variable(self.container, name)?.get("value")?.scalar()
    }

    /// The item of `env` for a variable.
    pub fn variable_item(&self, name: &str) -> Option<Node<'s>> {
        variable(self.container, name)
    }

    /// The annotations of the object.
    pub fn annotations(&self) -> Option<Node<'s>> {
        self.object.node.dig(&["metadata", "annotations"])
    }

    /// Where those are.
    pub fn annotations_path(&self) -> Path {
        let path = self.object.path.clone();
        path.keys(&["metadata", "annotations"])
    }

    /// The account that the pods run as.
    pub fn account(&self) -> &'s str {
        account_of(self.pod)
    }

    /// The delegate's working directory.
    pub fn working_directory(&self) -> &'s str {
        let directory = self.variable("WORKING_DIR").unwrap_or_default();
        let directory = directory.trim_end_matches('/');
        if directory.starts_with('/') {
            directory
        } else {
            WORKING_DIRECTORY
        }
    }

    /// Whether this is Delegate 2.x or 3.x, which logs errors of INIT_SCRIPT and starts all the same.
    pub fn is_runner(&self) -> bool {
        RUNNER_VARIABLES
            .iter()
            .any(|name| self.variable_item(name).is_some())
    }
}

/// The item of a container's `env` for a variable.
pub fn variable<'s>(container: Node<'s>, name: &str) -> Option<Node<'s>> {
    let (_, item) = container.get("env")?.item_where("name", name)?;
    Some(item)
}

/// The account that the pods of a specification run as.
pub fn account_of(pod: Node<'_>) -> &str {
    let named = |key: &str| pod.get(key)?.scalar().filter(|name| !name.is_empty());
    named("serviceAccountName")
        .or_else(|| named("serviceAccount"))
        .unwrap_or("default")
}

/// The specification of the pods that an object makes, whatever kind of workload it is.
pub fn pod_of<'s>(object: &Object<'s>) -> Option<Node<'s>> {
    let keys: &[&str] = match object.kind {
        "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
        "Pod" => &["spec"],
        "DaemonSet" | "Deployment" | "Job" | "ReplicaSet" | "StatefulSet" => {
            &["spec", "template", "spec"]
        }
        _ => return None,
    };
    object.node.dig(keys)
}

/// Objects for a message: ``Deployment `a` ``, and so on; of many, the first ones.
pub fn list<'l, 's: 'l>(mut objects: impl Iterator<Item = &'l Object<'s>>) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<_> = objects
        .by_ref()
        .take(SHOWN)
        .map(|object| format!("{} `{}`", object.kind, object.name))
        .collect();
    let more = match objects.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    shown.join(", ") + &more
}

fn what_is_there(manifests: &Manifests<'_>) -> String {
    let objects = manifests.objects();
    let files: Vec<_> = manifests
        .streams()
        .iter()
        .map(|stream| stream.file().display().to_string())
        .collect();
    let place = match files.as_slice() {
        [file] => file.clone(),
        files => format!("the {} files", files.len()),
    };
    if objects.is_empty() {
        return format!("{place} has no Kubernetes object at all");
    }
    format!("{place} has {}", list(objects.iter()))
}
