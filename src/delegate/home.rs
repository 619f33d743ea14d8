//! Where INIT_SCRIPT lives: among the container's variables, or in a ConfigMap.

use super::patch::Edits;
use super::pod::name_of;
use super::workload::{list, pod_of};
use super::{Error, Manifests, Object, Workload};
use crate::yaml::{Node, Path, Style, Value};

/// The variable.
pub const INIT_SCRIPT: &str = "INIT_SCRIPT";

/// The place of INIT_SCRIPT.
#[derive(Clone, Debug)]
pub enum Home<'s> {
    /// Nowhere yet.
    Absent,
    /// An item of `env`, which wins over all of `envFrom`.
    Variable {
        /// The value; none where there is no `value` yet.
        value: Option<Node<'s>>,
    },
    /// A key of a ConfigMap, as the Helm chart has it.
    ConfigMap {
        /// The index of the ConfigMap's file.
        file: usize,
        /// Where the value is.
        path: Path,
        /// The ConfigMap.
        map: Box<Object<'s>>,
        /// The value.
        value: Node<'s>,
    },
}

impl<'s> Home<'s> {
    /// Finds it.
    pub fn find(manifests: &Manifests<'s>, workload: &Workload<'s>) -> Result<Self, Error> {
        let Some(item) = workload.variable_item(INIT_SCRIPT) else {
            return Ok(Self::in_sources(manifests, workload));
        };
        let Some(from) = item.get("valueFrom") else {
            return Ok(Self::Variable {
                value: item.get("value"),
            });
        };
        let key = from.get("configMapKeyRef").and_then(|reference| {
            let text = |key: &str| reference.get(key).and_then(Node::scalar);
            Self::in_config_map(manifests, workload, text("name")?, text("key")?)
        });
        key.ok_or_else(|| {
            let message = "INIT_SCRIPT comes from elsewhere, where it cannot be changed".to_owned();
            let hint = "give it a `value`, or add the ConfigMap that it comes from to the files";
            manifests.refusal(workload.object.file, from, message, hint)
        })
    }

    /// The last of the sources wins (Kubernetes API reference, "Container", envFrom): a Secret may
    /// come behind a ConfigMap, which is not the place then.
    fn in_sources(manifests: &Manifests<'s>, workload: &Workload<'s>) -> Self {
        let winner = Source::all(workload).filter(|source| source.has_it(manifests, workload));
        let map = winner.last().filter(|source| source.kind == "ConfigMap");
        let home = map.and_then(|map| Self::in_config_map(manifests, workload, map.name, map.key));
        home.unwrap_or(Self::Absent)
    }

    fn in_config_map(
        manifests: &Manifests<'s>,
        workload: &Workload<'s>,
        name: &str,
        key: &str,
    ) -> Option<Self> {
        let object = manifests.find_near("ConfigMap", name, workload.object.namespace)?;
        Some(Self::ConfigMap {
            file: object.file,
            path: object.path.clone().key("data").key(key),
            map: Box::new(object.clone()),
            value: object.node.dig(&["data", key])?,
        })
    }

    /// The text; nothing where it is null or not there.
    pub fn text(&self) -> &'s str {
        let value = match self {
            Self::Absent => None,
            Self::Variable { value } => *value,
            Self::ConfigMap { value, .. } => Some(*value),
        };
        let value = value.filter(|value| !value.is_null());
        value.and_then(Node::scalar).unwrap_or_default()
    }

    /// The node of the text.
    pub fn node(&self) -> Option<Node<'s>> {
        match self {
            Self::Absent => None,
            Self::Variable { value } => *value,
            Self::ConfigMap { value, .. } => Some(*value),
        }
    }

    /// The index of the file that it is in, or would be.
    pub(super) const fn file(&self, workload: &Workload<'_>) -> usize {
        match self {
            Self::Absent | Self::Variable { .. } => workload.object.file,
            Self::ConfigMap { file, .. } => *file,
        }
    }

    /// Whether it is nowhere yet.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Refuses a place where a change would not count, and one that hides a script which nobody sees;
    /// that is said where the script is to be replaced, or is not known.
    pub(super) fn check(
        &self,
        manifests: &Manifests<'_>,
        workload: &Workload<'_>,
        replaces: bool,
        edits: &mut Edits<'_>,
    ) -> Result<(), Error> {
        if !matches!(self, Self::Variable { .. }) {
            self.check_sources(manifests, workload, replaces, edits)?;
        }
        match self {
            Self::Absent => Ok(()),
            Self::Variable { .. } => {
                let list = workload.container.get("env");
                let items = list.into_iter().flat_map(Node::items);
                let mut items = items.filter(|item| name_of(*item) == Some(INIT_SCRIPT));
                items.nth(1).map_or(Ok(()), |second| {
                    let message = "INIT_SCRIPT is there twice, and the last one counts".to_owned();
                    let hint = "take one of them out";
                    Err(manifests.refusal(workload.object.file, second, message, hint))
                })
            }
            Self::ConfigMap { file, map, .. } => {
                let immutable = map.node.get("immutable");
                let immutable = immutable.filter(|node| node.bool() == Some(true));
                immutable.map_or(Ok(()), |node| {
                    let message = format!(
                        "ConfigMap `{}` has INIT_SCRIPT and is immutable: the cluster takes no change to it",
                        map.name
                    );
                    let hint = "give it another name, here and where it is used, and patch again";
                    Err(manifests.refusal(*file, node, message, hint))
                })
            }
        }
    }

    /// What stands in sources that are not the place: of those that the files have, a Secret's script
    /// alone; of others, what is behind the place, as all of it comes before `env`.
    fn check_sources(
        &self,
        manifests: &Manifests<'_>,
        workload: &Workload<'_>,
        replaces: bool,
        edits: &mut Edits<'_>,
    ) -> Result<(), Error> {
        let sources: Vec<_> = Source::all(workload).collect();
        let winner = sources
            .iter()
            .rposition(|source| source.has_it(manifests, workload));
        let behind = match winner {
            None => 0,
            Some(winner) if self.is_absent() => winner,
            Some(place) => place + 1,
        };
        for source in sources.into_iter().skip(behind) {
            let Source { kind, name, .. } = source;
            let is_there = manifests.find_near(kind, name, workload.object.namespace);
            let has_it = source.has_it(manifests, workload);
            if has_it && !replaces {
                let message =
                    format!("INIT_SCRIPT is in {kind} `{name}`, and a new one would hide it");
                let hint = "move it to a ConfigMap in the files or to `env`, or let it go with --init-script replace";
                let file = workload.object.file;
                return Err(manifests.refusal(file, source.at, message, hint));
            }
            if has_it {
                edits.note(format!(
                    "the INIT_SCRIPT of {kind} `{name}` no longer counts: the one in `env` wins"
                ));
            } else if is_there.is_none() {
                let what = if self.is_absent() {
                    "would no longer count: the one in `env` wins"
                } else {
                    "would win over ours"
                };
                edits.note(format!(
                    "{kind} `{name}` is not in the files: an INIT_SCRIPT in it {what}"
                ));
            }
        }
        Ok(())
    }

    /// Whether the value is in double quotes, as it is when it is emptied.
    pub(super) fn is_quoted(&self) -> bool {
        let style = self.node().and_then(Node::style);
        style == Some(Style::Double) && !self.node().is_some_and(Node::is_alias)
    }

    /// Makes it be this text.
    pub(super) fn write(
        &self,
        manifests: &Manifests<'_>,
        workload: &Workload<'_>,
        script: &str,
        edits: &mut Edits<'_>,
    ) -> Result<(), Error> {
        let value = self.node().filter(|value| value.scalar() != Some(script));
        if let Some(value) = value.filter(|value| value.is_alias()) {
            let at = value.location();
            edits.note(format!(
                "{at}: INIT_SCRIPT was an alias, and is written out now"
            ));
        }
        let Self::ConfigMap {
            file, path, map, ..
        } = self
        else {
            let path = workload.container_path.clone().key("env");
            let path = path.item_where("name", INIT_SCRIPT).key("value");
            edits.set(workload.object.file, &path, script)?;
            return Ok(());
        };
        if value.is_some() {
            edits.note(format!(
                "INIT_SCRIPT is in ConfigMap `{}`: running pods take it at their next start; restart them with \
                 `kubectl rollout restart`",
                map.name
            ));
            let others = list(others(manifests, workload, map));
            if !others.is_empty() {
                edits.note(format!(
                    "ConfigMap `{}` is used by {others} too: its INIT_SCRIPT is theirs as well",
                    map.name
                ));
            }
        }
        edits.set(*file, path, Value::from(script))?;
        Ok(())
    }
}

/// A source of `envFrom` that could have INIT_SCRIPT.
#[derive(Clone, Copy)]
struct Source<'s> {
    kind: &'static str,
    name: &'s str,
    /// The key that becomes INIT_SCRIPT behind the source's prefix.
    key: &'static str,
    at: Node<'s>,
}

impl<'s> Source<'s> {
    /// Those of the delegate's container, in their order.
    fn all(workload: &Workload<'s>) -> impl Iterator<Item = Self> + use<'s> {
        let sources = workload.container.get("envFrom").into_iter();
        sources.flat_map(Node::items).filter_map(|source| {
            let prefix = source.get("prefix").and_then(Node::scalar);
            let key = INIT_SCRIPT.strip_prefix(prefix.unwrap_or_default())?;
            let kinds = [("configMapRef", "ConfigMap"), ("secretRef", "Secret")];
            kinds.into_iter().find_map(|(reference, kind)| {
                let at = source.dig(&[reference, "name"])?;
                let name = at.scalar()?;
                Some(Self {
                    kind,
                    name,
                    key,
                    at,
                })
            })
        })
    }

    /// Whether the files have it, and INIT_SCRIPT in it.
    fn has_it(&self, manifests: &Manifests<'_>, workload: &Workload<'_>) -> bool {
        let object = manifests.find_near(self.kind, self.name, workload.object.namespace);
        object.is_some_and(|object| {
            let keys = ["data", "stringData"].iter();
            let mut data = keys.filter(|key| self.kind == "Secret" || **key == "data");
            data.any(|data| object.node.dig(&[data, self.key]).is_some())
        })
    }
}

/// The other objects whose pods take variables from a ConfigMap.
fn others<'m, 's>(
    manifests: &'m Manifests<'s>,
    workload: &'m Workload<'s>,
    map: &'m Object<'s>,
) -> impl Iterator<Item = &'m Object<'s>> {
    let is_same = |object: &Object<'_>| {
        object.file == workload.object.file && object.path == workload.object.path
    };
    let takes = |container: Node<'_>| {
        let items = |key: &str| container.get(key).into_iter().flat_map(Node::items);
        let whole = items("envFrom").filter_map(|source| source.get("configMapRef"));
        let single = items("env").filter_map(|item| item.dig(&["valueFrom", "configMapKeyRef"]));
        let script = single
            .filter(|reference| reference.get("key").and_then(Node::scalar) == Some(INIT_SCRIPT));
        let mut references = whole.chain(script);
        references.any(|reference| name_of(reference) == Some(map.name))
    };
    manifests.objects().iter().filter(move |object| {
        let containers = pod_of(object).and_then(|pod| pod.get("containers"));
        let mut containers = containers.into_iter().flat_map(Node::items);
        let is_near = [map.namespace, workload.object.namespace].contains(&object.namespace);
        is_near && !is_same(object) && containers.any(takes)
    })
}
