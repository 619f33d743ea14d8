//! Where INIT_SCRIPT lives: among the container's variables, or in a ConfigMap.

use super::patch::Edits;
use super::{Error, Manifests, Workload};
use crate::yaml::{Node, Path, Value};

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
        /// The name of the ConfigMap.
        name: &'s str,
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
            let stream = manifests.streams().get(workload.object.file);
            let message = "INIT_SCRIPT comes from elsewhere, where it cannot be changed";
            stream.map_or_else(
                || Error::Conflict {
                    message: message.to_owned(),
                    hint: "give it a `value`",
                },
                |stream| {
                    let invalid = stream.invalid(from, message);
                    Error::Place(Box::new(invalid.with_hint(
                        "give it a `value`, or add the ConfigMap that it comes from to the files",
                    )))
                },
            )
        })
    }

    /// The last of the sources wins (Kubernetes API reference, "Container", envFrom).
    fn in_sources(manifests: &Manifests<'s>, workload: &Workload<'s>) -> Self {
        let sources = workload
            .container
            .get("envFrom")
            .into_iter()
            .flat_map(Node::items);
        let found = sources.filter_map(|source| {
            let prefix = source
                .get("prefix")
                .and_then(Node::scalar)
                .unwrap_or_default();
            let key = INIT_SCRIPT.strip_prefix(prefix)?;
            let name = source.dig(&["configMapRef", "name"])?.scalar()?;
            Self::in_config_map(manifests, workload, name, key)
        });
        found.last().unwrap_or(Self::Absent)
    }

    fn in_config_map(
        manifests: &Manifests<'s>,
        workload: &Workload<'s>,
        name: &str,
        key: &str,
    ) -> Option<Self> {
        let object = manifests.find("ConfigMap", name, workload.object.namespace)?;
        Some(Self::ConfigMap {
            file: object.file,
            path: object.path.clone().key("data").key(key),
            name: object.name,
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

    /// Whether it is nowhere yet.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Makes it be this text.
    pub(super) fn write(
        &self,
        workload: &Workload<'_>,
        script: &str,
        edits: &mut Edits<'_>,
    ) -> Result<(), Error> {
        if let Self::ConfigMap {
            file,
            path,
            name,
            value,
        } = self
        {
            if value.scalar() != Some(script) {
                edits.note(format!(
                    "INIT_SCRIPT is in ConfigMap `{name}`: running pods take it at their next start; restart them \
                     with `kubectl rollout restart`"
                ));
            }
            edits.set(*file, path, Value::from(script))?;
            return Ok(());
        }
        let path = workload.container_path.clone().key("env");
        let path = path.item_where("name", INIT_SCRIPT).key("value");
        edits.set(workload.object.file, &path, script)?;
        Ok(())
    }
}
