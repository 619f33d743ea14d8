//! Entries that are not put into a kubeconfig: what is there would not stay what it is.

use super::{Document, OTHER_CREDENTIALS, SECTIONS};
use crate::cluster::kubeconfig::Error;
use crate::cluster::kubeconfig::entry::Entry;
use crate::yaml::Node;

impl Document<'_> {
    /// kubectl refuses a kubeconfig with two entries of one name.
    pub(super) fn refuse_twins(&self, entry: &Entry) -> Result<(), Error> {
        let names = &entry.names;
        for (section, name) in SECTIONS
            .iter()
            .zip([&names.cluster, &names.context, &names.user])
        {
            let list = self.root().and_then(|root| root.get(section));
            let items = list.into_iter().flat_map(Node::items);
            let is_named = |item: &Node<'_>| item.get("name").and_then(Node::scalar) == Some(name);
            if let Some(second) = items.filter(is_named).nth(1) {
                let message = format!("`{section}` has `{name}` twice, which kubectl refuses");
                let invalid = self.stream.invalid(second, message);
                return Err(invalid
                    .with_hint("remove the one that is not wanted")
                    .into());
            }
        }
        Ok(())
    }

    /// A user that was named by whoever runs this may be that of another cluster, or be entered in a
    /// way that nothing would bring back.
    pub(super) fn refuse_taken(&self, entry: &Entry) -> Result<(), Error> {
        let names = &entry.names;
        let (Some(root), true) = (self.root(), names.has_user_alias()) else {
            return Ok(());
        };
        let refuse = |node: Node<'_>, why: String| {
            let message = format!("the user `{}` {why}", names.user);
            let invalid = self.stream.invalid(node, message);
            Err(Error::UserTaken(Box::new(invalid)))
        };
        let text = |node: Node<'_>, keys: &[&str]| {
            node.dig(keys).and_then(Node::scalar).map(str::to_owned)
        };
        let contexts = root.get("contexts").into_iter().flat_map(Node::items);
        for context in contexts {
            let cluster = text(context, &["context", "cluster"]);
            let name = text(context, &["name"]).unwrap_or_default();
            if text(context, &["context", "user"]).as_ref() == Some(&names.user)
                && name != names.context
                && let Some(cluster) = cluster.filter(|cluster| *cluster != names.cluster)
            {
                return refuse(
                    context,
                    format!("enters `{cluster}` too, by the context `{name}`"),
                );
            }
        }
        let users = root.get("users");
        let user = users.and_then(|users| users.item_where("name", &names.user));
        match user.and_then(|(_, user)| user.get("user")) {
            Some(user) if !is_ours(user) => refuse(
                user,
                "is there, and is not one that a program gives tokens for EKS".to_owned(),
            ),
            _ => Ok(()),
        }
    }
}

/// Whether a user has nothing but a program that gives tokens for EKS, or nothing at all.
fn is_ours(user: Node<'_>) -> bool {
    let is_set = |key: &&str| user.get(key).is_some_and(|value| !value.is_null());
    let mut keys = OTHER_CREDENTIALS
        .iter()
        .filter(|key| !key.starts_with("as"));
    if keys.any(is_set) {
        return false;
    }
    let Some(exec) = user.get("exec").filter(|exec| !exec.is_null()) else {
        return true;
    };
    let args = exec.get("args").into_iter().flat_map(Node::items);
    let mut args = args.filter_map(Node::scalar);
    args.next().is_some_and(|first| first == "token") || args.any(|arg| arg == "get-token")
}
