//! What would fail in the cluster, told before it does.
//!
//! Each rule has a stable id; a comment `# bootstrap lint: ignore RULE: REASON`, on the line of a
//! finding or above it, silences it.

mod access;
mod downloads;
mod identity;
mod pod;
mod references;
mod rules;
mod script;
mod shell;
mod silence;
mod types;
mod upgrader;
mod values;
mod writes;

use super::values::Values;
use super::workload::pod_of;
use super::{Manifests, Object, Workload};
use crate::strict_yaml::Location;
use crate::yaml::{Node, Stream};

pub use rules::{RULES, Rule, Severity};

/// Something that would fail, or that should not be.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// Where.
    pub at: Location,
    /// What, with the reason.
    pub message: String,
}

/// A version of Kubernetes 1: its minor number.
pub type Minor = u32;

/// Looks at all files as one set of objects.
///
/// With a version of Kubernetes, only APIs that are gone there are found; without, all that are gone
/// anywhere.
pub fn lint(streams: &[Stream<'_>], kubernetes: Option<Minor>) -> Vec<Finding> {
    let manifests = Manifests::new(streams);
    let workloads = Workload::all(&manifests);
    let mut linter = Linter {
        manifests: &manifests,
        workloads: &workloads,
        found: Vec::new(),
    };
    references::check(&mut linter, kubernetes);
    access::check(&mut linter);
    identity::check(&mut linter);
    pod::check(&mut linter);
    script::check(&mut linter);
    types::check(&mut linter);
    upgrader::check(&mut linter);
    values::check(&mut linter, &Values::all(&manifests));
    let mut found = linter.found;
    found.sort_by_key(|(file, finding)| {
        (*file, finding.at.line, finding.at.column, finding.rule.id)
    });
    found.dedup_by(|(_, one), (_, other)| {
        one.at == other.at && one.rule.id == other.rule.id && one.message == other.message
    });
    silence::apply(streams, found)
}

/// Whether there is a delegate in the files, or values of one.
pub fn has_delegate(streams: &[Stream<'_>]) -> bool {
    let manifests = Manifests::new(streams);
    !Workload::all(&manifests).is_empty() || !Values::all(&manifests).is_empty()
}

/// The objects, and what was found so far, each with the index of its file.
struct Linter<'a, 's> {
    manifests: &'a Manifests<'s>,
    workloads: &'a [Workload<'s>],
    found: Vec<(usize, Finding)>,
}

impl<'a, 's> Linter<'a, 's> {
    /// Something is wrong at a node.
    fn report(
        &mut self,
        rule: &'static Rule,
        file: usize,
        at: Node<'_>,
        message: impl Into<String>,
    ) {
        self.report_at(rule, file, at.location(), message);
    }

    fn report_at(
        &mut self,
        rule: &'static Rule,
        file: usize,
        at: Location,
        message: impl Into<String>,
    ) {
        let message = message.into();
        self.found.push((file, Finding { rule, at, message }));
    }

    /// Whatever makes pods, with what they are made of.
    fn pods(&self) -> impl Iterator<Item = (&'a Object<'s>, Node<'s>)> + use<'a, 's> {
        let objects = self.manifests.objects().iter();
        objects.filter_map(|object| Some((object, pod_of(object)?)))
    }
}

/// The node that stands for an object: its name.
fn name_of<'s>(object: &Object<'s>) -> Node<'s> {
    object
        .node
        .dig(&["metadata", "name"])
        .unwrap_or(object.node)
}

/// The text of a key.
fn text<'s>(node: Node<'s>, keys: &[&str]) -> Option<&'s str> {
    node.dig(keys)?.scalar().filter(|text| !text.is_empty())
}

/// A namespace for a message.
fn shown(namespace: Option<&str>) -> String {
    namespace.map_or_else(
        || "the namespace of the kubectl context".to_owned(),
        |name| format!("namespace `{name}`"),
    )
}

/// All containers of a pod, those that start it among them.
fn containers(pod: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    let lists = ["containers", "initContainers"].into_iter();
    lists
        .filter_map(move |key| pod.get(key))
        .flat_map(Node::items)
}
