//! Volumes, mounts and copies of parts of a pod.

use std::path::Path;

use super::Workload;
use crate::yaml::{Node, Scalar, Value};

/// The mounts of a container.
pub fn mounts(container: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    let mounts = container.get("volumeMounts");
    mounts.into_iter().flat_map(Node::items)
}

/// The deepest mount above a path of the delegate's container.
pub fn mount_at<'s>(workload: &Workload<'s>, path: &str) -> Option<Node<'s>> {
    let above = mounts(workload.container).filter_map(|mount| {
        let at = mount.get("mountPath")?.scalar()?;
        Path::new(path).starts_with(at).then_some((at.len(), mount))
    });
    let (_, mount) = above.max_by_key(|(depth, _)| *depth)?;
    Some(mount)
}

/// The volume that a path of the delegate's container is on.
pub fn volume_at<'s>(workload: &Workload<'s>, path: &str) -> Option<Node<'s>> {
    let name = mount_at(workload, path)?.get("name")?.scalar()?;
    let (_, volume) = workload.pod.get("volumes")?.item_where("name", name)?;
    Some(volume)
}

/// Whether a path is on a volume that lives as long as the pod and is not memory.
pub fn is_on_disk(workload: &Workload<'_>, path: &str) -> bool {
    volume_at(workload, path).is_some_and(|volume| {
        let medium = volume.dig(&["emptyDir", "medium"]).and_then(Node::scalar);
        medium != Some("Memory")
    })
}

/// A node as a value of its own. A number with a fraction and a date become text: nothing that is
/// copied has them.
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
    let scalar = match (node.bool(), node.int()) {
        _ if node.is_null() => Scalar::Null,
        (Some(truth), _) => Scalar::Bool(truth),
        (_, Some(number)) => Scalar::Int(number),
        _ => Scalar::Text(node.scalar().unwrap_or_default().to_owned()),
    };
    Value::Scalar(scalar)
}
