//! The Kubernetes objects of a set of files.

use std::collections::{HashMap, HashSet};

use super::Error;
use super::workload::{account_of, pod_of};
use crate::yaml::{Node, Path, Stream};

/// What was read: the streams, in the order of their files, and the objects in them.
#[derive(Debug)]
pub struct Manifests<'s> {
    streams: &'s [Stream<'s>],
    objects: Vec<Object<'s>>,
    /// The index of the first object of each kind, name and namespace.
    index: HashMap<(&'s str, &'s str, Option<&'s str>), usize>,
    /// Where pods run.
    lived_in: HashSet<Option<&'s str>>,
    /// The accounts that they run as.
    run_as: HashSet<&'s str>,
}

/// An object: a document, or an item of a `List` as `kubectl get -o yaml` prints it.
#[derive(Clone, Debug)]
pub struct Object<'s> {
    /// The index of its file.
    pub file: usize,
    /// The index of its document in the file.
    pub document: usize,
    /// The items of the list that it is in and its index there.
    pub list: Option<(Path, usize)>,
    /// Where it is.
    pub path: Path,
    /// All of it.
    pub node: Node<'s>,
    /// `apiVersion`, or nothing.
    pub api: &'s str,
    /// `kind`.
    pub kind: &'s str,
    /// `metadata.name`, or nothing.
    pub name: &'s str,
    /// `metadata.namespace`; none where the one of the kubectl context is meant.
    pub namespace: Option<&'s str>,
}

impl<'s> Manifests<'s> {
    /// Finds the objects: whatever has a `kind`.
    pub fn new(streams: &'s [Stream<'s>]) -> Self {
        let mut objects = Vec::new();
        for (file, stream) in streams.iter().enumerate() {
            for (document, node) in stream.documents().enumerate() {
                add(&mut objects, file, document, node);
            }
        }
        let mut index = HashMap::new();
        let (mut lived_in, mut run_as) = (HashSet::new(), HashSet::new());
        for (at, object) in objects.iter().enumerate() {
            let id = (object.kind, object.name, object.namespace);
            index.entry(id).or_insert(at);
            if let Some(pod) = pod_of(object) {
                lived_in.insert(object.namespace);
                run_as.insert(account_of(pod));
            }
        }
        Self {
            streams,
            objects,
            index,
            lived_in,
            run_as,
        }
    }

    /// The streams.
    pub const fn streams(&self) -> &'s [Stream<'s>] {
        self.streams
    }

    /// The objects, in their order.
    pub fn objects(&self) -> &[Object<'s>] {
        &self.objects
    }

    /// The objects of a kind.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Object<'s>> {
        self.objects
            .iter()
            .filter(move |object| object.kind == kind)
    }

    /// The object of a kind that has this name, in this namespace.
    pub fn find(&self, kind: &str, name: &str, namespace: Option<&str>) -> Option<&Object<'s>> {
        self.objects.get(*self.index.get(&(kind, name, namespace))?)
    }

    /// The same, and one whose namespace, or the asker's, is left to kubectl.
    pub fn find_near(
        &self,
        kind: &str,
        name: &str,
        namespace: Option<&str>,
    ) -> Option<&Object<'s>> {
        self.find(kind, name, namespace).or_else(|| {
            if namespace.is_some() {
                return self.find(kind, name, None);
            }
            let mut named = self.of_kind(kind).filter(|object| object.name == name);
            named.next().filter(|_| named.next().is_none())
        })
    }

    /// What is wrong at a node of a file.
    pub(super) fn refusal(
        &self,
        file: usize,
        node: Node<'_>,
        message: String,
        hint: &'static str,
    ) -> Error {
        match self.streams.get(file) {
            Some(stream) => Error::Place(Box::new(stream.invalid(node, message).with_hint(hint))),
            None => Error::Conflict { message, hint },
        }
    }

    /// Whether pods run in a namespace, as far as the files say.
    pub fn is_lived_in(&self, namespace: Option<&str>) -> bool {
        self.lived_in.contains(&namespace)
    }

    /// Whether any pods run as an account of this name.
    pub fn has_pods_of(&self, account: &str) -> bool {
        self.run_as.contains(account)
    }
}

impl Object<'_> {
    /// Whether this one is applied before another.
    pub fn is_before(&self, other: &Self) -> bool {
        let place = |object: &Self| {
            let index = object.list.as_ref().map(|(_, index)| *index);
            (object.file, object.document, index)
        };
        place(self) < place(other)
    }
}

fn add<'s>(objects: &mut Vec<Object<'s>>, file: usize, document: usize, node: Node<'s>) {
    let root = object(file, document, node, Path::of(document), None);
    let Some(root) = root else { return };
    // `ResourceList` is what KRM functions are given.
    if !matches!(root.kind, "List" | "ResourceList") {
        objects.push(root);
        return;
    }
    let items = root.path.key("items");
    for (index, item) in node
        .get("items")
        .into_iter()
        .flat_map(Node::items)
        .enumerate()
    {
        let path = items.clone().item(index);
        objects.extend(object(
            file,
            document,
            item,
            path,
            Some((items.clone(), index)),
        ));
    }
}

fn object(
    file: usize,
    document: usize,
    node: Node<'_>,
    path: Path,
    list: Option<(Path, usize)>,
) -> Option<Object<'_>> {
    let text = |keys: &[&str]| node.dig(keys).and_then(Node::scalar);
    Some(Object {
        file,
        document,
        list,
        path,
        node,
        api: text(&["apiVersion"]).unwrap_or_default(),
        kind: text(&["kind"])?,
        name: text(&["metadata", "name"]).unwrap_or_default(),
        namespace: text(&["metadata", "namespace"]).filter(|name| !name.is_empty()),
    })
}
