//! The init container that brings the tools.

use std::path::Path as FilePath;

use super::super::init_script::Wishes;
use super::super::pod::{Mounts, copy, mounts, name_of};
use super::super::record::VOLUME_WAS_THERE;
use super::super::{Error, Manifests, take_out};
use super::{Applied, OURS, has_init_container, pair, variables};
use crate::yaml::{Node, Path, Value};

impl Applied<'_, '_, '_> {
    fn init_container_path(&self) -> Path {
        let path = self.workload.pod_path.clone().key("initContainers");
        path.item_where("name", OURS)
    }

    /// A container that runs before the delegate's: `bash -e` and the probes have no part in it.
    pub(super) fn init_container(
        &mut self,
        manifests: &Manifests<'_>,
        image: &str,
        wishes: &Wishes,
    ) -> Result<(), Error> {
        let list = self.workload.pod.get("initContainers");
        has_init_container(list, (self.is_there, true), self.record)?;
        take_out::note_empty(self.workload.pod, "initContainers", self.record);
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
        let of_prefix = Mounts::of(self.workload)
            .above(&self.prefix)
            .and_then(path_of);
        let needed = mounts(self.workload.container)
            .filter(|mount| self.has_certificates(*mount) || self.has_ours(*mount))
            .filter(|mount| of_prefix.is_none() || path_of(*mount) != of_prefix);
        all_mounts.extend(needed.map(copy));
        keys.push(("volumeMounts", Value::Sequence(all_mounts)));
        let path = self.init_container_path();
        for (key, value) in keys {
            self.edits.set(self.file(), &path.clone().key(key), value)?;
        }
        Ok(())
    }

    /// Takes out what another delivery put in.
    pub(super) fn no_init_container(&mut self) -> Result<(), Error> {
        let list = self.workload.pod.get("initContainers");
        if !has_init_container(list, (self.is_there, false), self.record)? {
            return Ok(());
        }
        let pod = (self.workload.pod, self.file(), &self.workload.pod_path);
        take_out::items(pod, "initContainers", [OURS], self.record, self.edits)
    }

    /// The mount of the volume that the prefix is on.
    fn mount_of_prefix(&self) -> Value {
        let mounts = Mounts::of(self.workload);
        let is_fit = mounts.unfit(&self.prefix).is_none();
        let theirs = mounts.above(&self.prefix).filter(|mount| {
            let is_named = name_of(*mount) == Some(OURS);
            let is_ours = self.is_there && is_named && !self.record.has(VOLUME_WAS_THERE);
            is_fit && !is_ours
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
        let Some(path) = path_of(mount) else {
            return false;
        };
        path.trim_end_matches('/').ends_with("/ca-bundle")
            || path.contains("/ca-trust/")
            || CERTIFICATES.iter().any(|name| self.names(name, path))
    }

    /// Whether a mount has what a variable of ours names: the lock, a shared cache, a bundle.
    fn has_ours(&self, mount: Node<'_>) -> bool {
        path_of(mount).is_some_and(|path| PLACES.iter().any(|name| self.names(name, path)))
    }

    /// Whether a variable names something below this path.
    fn names(&self, variable: &str, path: &str) -> bool {
        let value = self.workload.variable(variable).unwrap_or_default();
        let mut places = value.split_whitespace();
        places.any(|place| {
            let place = place.strip_prefix("file://").unwrap_or(place);
            FilePath::new(place).starts_with(path)
        })
    }
}

/// Where a mount is.
fn path_of(mount: Node<'_>) -> Option<&str> {
    mount.get("mountPath").and_then(Node::scalar)
}

/// Variables of ours that name a file or a directory; of mirrors, a `file` URL does.
const PLACES: [&str; 5] = [
    "BOOTSTRAP_CACHE_DIR",
    "BOOTSTRAP_CA_BUNDLE",
    "BOOTSTRAP_CONFIG",
    "BOOTSTRAP_LOCK",
    "BOOTSTRAP_MIRROR",
];

/// Variables that name a file with certificates.
const CERTIFICATES: [&str; 4] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "AWS_CA_BUNDLE",
];

/// Whether a variable concerns the network, the region or us.
pub(in super::super) fn is_shared(name: &str) -> bool {
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
