//! Volumes, mounts and copies of parts of a pod.

use std::path::Path;

use super::Workload;
use crate::yaml::{Node, Scalar, Value};

/// Volumes that only have what the cluster puts there.
const READ_ONLY: [&str; 4] = ["configMap", "downwardAPI", "projected", "secret"];

/// The mounts of a container.
pub fn mounts(container: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    let mounts = container.get("volumeMounts");
    mounts.into_iter().flat_map(Node::items)
}

/// The mounts of the delegate's container, and the volumes that they are of.
#[derive(Clone, Copy, Debug)]
pub struct Mounts<'s> {
    /// The list of mounts.
    pub mounts: Option<Node<'s>>,
    /// The list of volumes.
    pub volumes: Option<Node<'s>>,
    /// The list of claims of a StatefulSet, which are volumes too.
    pub claims: Option<Node<'s>>,
}

impl<'s> Mounts<'s> {
    /// Those of a workload.
    pub fn of(workload: &Workload<'s>) -> Self {
        let claims = ["spec", "volumeClaimTemplates"];
        Self {
            mounts: workload.container.get("volumeMounts"),
            volumes: workload.pod.get("volumes"),
            claims: workload.object.node.dig(&claims),
        }
    }

    /// The deepest mount above a path, or at it.
    pub fn above(self, path: &str) -> Option<Node<'s>> {
        let above = self.all().filter_map(|mount| {
            let at = mount.get("mountPath")?.scalar()?;
            Path::new(path).starts_with(at).then_some((at.len(), mount))
        });
        let (_, mount) = above.max_by_key(|(depth, _)| *depth)?;
        Some(mount)
    }

    /// The mount at a path itself.
    pub fn exactly_at(self, path: &str) -> Option<Node<'s>> {
        self.all().find(|mount| {
            let at = mount.get("mountPath").and_then(Node::scalar);
            at.is_some_and(|at| Path::new(at) == Path::new(path))
        })
    }

    /// The volume that a path is on, where the pod says what that is.
    pub fn volume_at(self, path: &str) -> Option<Node<'s>> {
        self.volume(name_of(self.above(path)?)?)
    }

    /// Whether there is a volume or a mount of this name.
    pub fn has(self, name: &str) -> bool {
        self.volume(name).is_some() || self.all().any(|mount| name_of(mount) == Some(name))
    }

    /// Why what is written below a path would not be kept on disk; none where it is.
    pub fn unfit(self, path: &str) -> Option<&'static str> {
        let Some(mount) = self.above(path) else {
            return Some("is in the container's own layer, which a restart empties");
        };
        if mount.get("readOnly").and_then(Node::bool) == Some(true) {
            return Some("is on a volume that is mounted read-only");
        }
        let name = name_of(mount).unwrap_or_default();
        let Some(volume) = self.volume(name) else {
            let mut claims = self.claims.into_iter().flat_map(Node::items);
            let is_claim = claims
                .any(|claim| claim.dig(&["metadata", "name"]).and_then(Node::scalar) == Some(name));
            return (!is_claim).then_some("is on a volume that the pod does not have");
        };
        let medium = volume.dig(&["emptyDir", "medium"]).and_then(Node::scalar);
        if medium == Some("Memory") {
            return Some("is on a volume in memory");
        }
        let is_read_only = READ_ONLY.iter().any(|kind| volume.get(kind).is_some());
        is_read_only.then_some("is on a volume that nobody can write to")
    }

    fn all(self) -> impl Iterator<Item = Node<'s>> {
        self.mounts.into_iter().flat_map(Node::items)
    }

    fn volume(self, name: &str) -> Option<Node<'s>> {
        let (_, volume) = self.volumes?.item_where("name", name)?;
        Some(volume)
    }
}

/// The name of an item.
pub fn name_of(item: Node<'_>) -> Option<&str> {
    item.get("name")?.scalar()
}

/// A node as a value of its own, with its scalars as they are written.
pub fn copy(node: Node<'_>) -> Value {
    if node.is_mapping() {
        let entries = node.entries();
        return Value::mapping(
            entries.map(|(key, value)| (key.scalar().unwrap_or_default(), copy(value))),
        );
    }
    if node.is_sequence() {
        return Value::Sequence(node.items().map(copy).collect());
    }
    // Nothing at all is null too, and would not stand in brackets.
    let scalar = node.as_written().filter(|_| !node.is_null());
    Value::Scalar(scalar.unwrap_or(Scalar::Null))
}
