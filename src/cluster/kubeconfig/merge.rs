//! Entries put into the text of a kubeconfig, with no byte of it changed that need not change.

mod refusal;
mod shape;

use std::path::Path as FilePath;

use super::entry::Entry;
use super::plugin::Section;
use super::{Change, Error};
use crate::cluster::exec_plugin::leads_elsewhere;
use crate::yaml::{Editor, Node, Path, Stream, Value};

/// The three lists.
const SECTIONS: [&str; 3] = ["clusters", "contexts", "users"];

/// How a server was reached and checked, and a user was entered, in ways that ours excludes: kubectl
/// refuses some beside ours, others come before it (client-go, `clientcmd/validation.go`), and others
/// lead elsewhere or to somebody else. `aws eks update-kubeconfig` leaves none of them either.
const OTHER_WAYS: [&str; 4] = [
    "certificate-authority",
    "insecure-skip-tls-verify",
    "proxy-url",
    "tls-server-name",
];
const OTHER_CREDENTIALS: [&str; 13] = [
    "as",
    "as-groups",
    "as-uid",
    "as-user-extra",
    "auth-provider",
    "client-certificate",
    "client-certificate-data",
    "client-key",
    "client-key-data",
    "password",
    "token",
    "tokenFile",
    "username",
];

/// A kubeconfig as it was read.
#[derive(Debug)]
pub(super) struct Document<'s> {
    stream: Stream<'s>,
}

/// The text with the entries in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Merged {
    pub(super) text: String,
    /// What became of each entry.
    pub(super) changes: Vec<Change>,
    /// Whether the current context is another one now.
    pub(super) switched: bool,
}

/// What is to be the current context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Current<'a> {
    /// Whatever is.
    Kept,
    /// This one, where there is none, or one that is no context of this file.
    Default(&'a str),
    /// This one.
    Set(&'a str),
}

impl<'s> Document<'s> {
    /// Reads a kubeconfig; a text with nothing but comments is one that has nothing yet.
    pub(super) fn parse(file: &FilePath, text: &'s str) -> Result<Self, Error> {
        let document = Self {
            stream: Stream::parse(file, text)?,
        };
        document.check()?;
        Ok(document)
    }

    /// The root, unless there is nothing.
    fn root(&self) -> Option<Node<'_>> {
        self.stream.document(0).filter(|root| !root.is_null())
    }

    fn check(&self) -> Result<(), Error> {
        let wrong = |node: Node<'_>, message: String| {
            Error::Invalid(Box::new(self.stream.invalid(node, message)))
        };
        let mut others = self.stream.documents().skip(1);
        if let Some(other) = others.find(|root| !root.is_null()) {
            let message = "a kubeconfig is one document: kubectl reads no other than the first";
            return Err(wrong(other, message.to_owned()));
        }
        let Some(root) = self.root() else {
            return Ok(());
        };
        if !root.is_mapping() {
            let message = format!("a kubeconfig is a mapping, and this is {}", root.noun());
            return Err(wrong(root, message));
        }
        for (key, expected) in [("apiVersion", "v1"), ("kind", "Config")] {
            if let Some(node) = root.get(key).filter(|node| !node.is_null())
                && node.scalar() != Some(expected)
                && node.scalar() != Some("")
            {
                let message = format!("the `{key}` of a kubeconfig is `{expected}`");
                return Err(wrong(node, message));
            }
        }
        match shape::misfit(root) {
            Some((node, message)) => Err(wrong(node, message)),
            None => Ok(()),
        }
    }

    /// Whether one of the lists has an entry of this name.
    pub(super) fn has(&self, section: &str, name: &str) -> bool {
        let list = self.root().and_then(|root| root.get(section));
        list.is_some_and(|list| list.item_where("name", name).is_some())
    }

    /// The names of the contexts.
    pub(super) fn contexts(&self) -> impl Iterator<Item = &str> {
        let list = self.root().and_then(|root| root.get("contexts"));
        let items = list.into_iter().flat_map(Node::items);
        items.filter_map(|item| item.get("name")?.scalar())
    }

    /// The name of the current context, where there is one; whether it is a context is another thing.
    pub(super) fn current(&self) -> Option<&str> {
        let current = self.root()?.get("current-context")?;
        current
            .scalar()
            .filter(|name| !current.is_null() && !name.is_empty())
    }

    /// The text with these entries and this current context.
    pub(super) fn merge(&self, entries: &[Entry], current: Current<'_>) -> Result<Merged, Error> {
        let mut editor = Editor::new(&self.stream);
        let is_there = |name: &str| {
            let mut ours = entries.iter().map(|entry| entry.names.context.as_str());
            self.has("contexts", name) || ours.any(|context| context == name)
        };
        let current = match (current, self.current()) {
            (Current::Default(name), own) if !own.is_some_and(is_there) => Some(name),
            (Current::Set(name), own) if own != Some(name) => Some(name),
            _ => None,
        };
        let changes = if self.root().is_some() {
            for entry in entries {
                self.refuse_twins(entry)?;
                self.refuse_taken(entry)?;
            }
            let mut edit = Edit {
                editor: &mut editor,
            };
            let changes = entries.iter().map(|entry| edit.put(entry));
            let changes = changes.collect::<Result<_, _>>()?;
            if let Some(name) = current {
                editor.set(&Path::of(0).key("current-context"), name)?;
            }
            changes
        } else {
            let config = new_config(entries, current.unwrap_or_default());
            if self.stream.document(0).is_some() {
                editor.set(&Path::of(0), config)?;
            } else {
                editor.insert_document(0, config)?;
            }
            vec![Change::Added; entries.len()]
        };
        Ok(Merged {
            text: editor.finish()?,
            changes,
            switched: current.is_some(),
        })
    }
}

/// A kubeconfig with these entries, in the order of keys that the AWS CLI and kubectl have.
fn new_config(entries: &[Entry], current: &str) -> Value {
    let list = |name: fn(&Entry) -> &str, value: fn(&Entry) -> Value| {
        let mut seen: Vec<&str> = Vec::new();
        let mut items = Vec::new();
        for entry in entries {
            if !seen.contains(&name(entry)) {
                seen.push(name(entry));
                items.push(value(entry));
            }
        }
        Value::Sequence(items)
    };
    Value::mapping([
        ("apiVersion", "v1".into()),
        (
            "clusters",
            list(|entry| &entry.names.cluster, Entry::new_cluster),
        ),
        (
            "contexts",
            list(|entry| &entry.names.context, Entry::new_context),
        ),
        ("current-context", current.into()),
        ("kind", "Config".into()),
        ("preferences", Value::Mapping(Vec::new())),
        ("users", list(|entry| &entry.names.user, Entry::new_user)),
    ])
}

struct Edit<'e, 's> {
    editor: &'e mut Editor<'s>,
}

impl Edit<'_, '_> {
    fn put(&mut self, entry: &Entry) -> Result<Change, Error> {
        let [clusters, contexts, users] = SECTIONS.map(|section| Path::of(0).key(section));
        let names = &entry.names;
        let mut is_changed = self.put_cluster(entry, &clusters)?;
        is_changed |= self.put_user(entry, &users)?;
        let context = contexts.clone().item_where("name", names.context.as_str());
        if !self.editor.has(&context) {
            self.editor.append(&contexts, entry.new_context())?;
            return Ok(Change::Added);
        }
        for (key, value) in entry.context_keys() {
            is_changed |= self.set(&context.clone().keys(&["context", key]), value)?;
        }
        Ok(if is_changed {
            Change::Updated
        } else {
            Change::Unchanged
        })
    }

    fn put_cluster(&mut self, entry: &Entry, clusters: &Path) -> Result<bool, Error> {
        let named = clusters
            .clone()
            .item_where("name", entry.names.cluster.as_str());
        if !self.editor.has(&named) {
            self.editor.append(clusters, entry.new_cluster())?;
            return Ok(true);
        }
        let cluster = named.key("cluster");
        let mut is_changed = false;
        let keys = entry.cluster_keys();
        for (key, value) in &keys {
            is_changed |= self.set(&cluster.clone().key(*key), *value)?;
        }
        let is_ours = |key: &str| keys.iter().any(|(own, _)| *own == key);
        for key in OTHER_WAYS.iter().filter(|key| !is_ours(key)) {
            is_changed |= self.editor.remove(&cluster.clone().key(*key))?;
        }
        Ok(is_changed)
    }

    fn put_user(&mut self, entry: &Entry, users: &Path) -> Result<bool, Error> {
        let named = users.clone().item_where("name", entry.names.user.as_str());
        if !self.editor.has(&named) {
            self.editor.append(users, entry.new_user())?;
            return Ok(true);
        }
        let user = named.key("user");
        let exec = user.clone().key("exec");
        let mut is_changed = false;
        for (key, value) in entry.exec.keys() {
            is_changed |= self.set(&exec.clone().key(key), value)?;
        }
        let env = exec.key("env");
        for (name, value) in entry.exec.env() {
            let variable = env.clone().item_where("name", name);
            is_changed |= self.set(&variable.key("value"), value)?;
        }
        is_changed |= self.remove_variables(&entry.exec, &env)?;
        for key in OTHER_CREDENTIALS {
            is_changed |= self.editor.remove(&user.clone().key(key))?;
        }
        Ok(is_changed)
    }

    /// Takes out the variables that lead elsewhere, and ours where they come again: the last one counts.
    fn remove_variables(&mut self, exec: &Section, env: &Path) -> Result<bool, Error> {
        let names = self.editor.texts(env, "name");
        let ours = exec.env().map(|(name, _)| name);
        let mut is_changed = false;
        for (index, name) in names.iter().enumerate().rev() {
            let Some(name) = name.as_deref() else {
                continue;
            };
            let is_first = || {
                !names
                    .iter()
                    .take(index)
                    .any(|other| other.as_deref() == Some(name))
            };
            let is_kept = if ours.contains(&name) {
                is_first()
            } else {
                !name.starts_with("AWS_") && !leads_elsewhere(name)
            };
            if !is_kept {
                is_changed |= self.editor.remove(&env.clone().item(index))?;
            }
        }
        Ok(is_changed)
    }

    fn set(&mut self, path: &Path, value: impl Into<Value>) -> Result<bool, Error> {
        let value = value.into();
        if self.editor.equals(path, &value) {
            return Ok(false);
        }
        self.editor.set(path, value)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
