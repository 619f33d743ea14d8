//! The bindings that give a delegate its rights in Kubernetes, and the accounts that they name.

use super::super::names::{AccountName, InvalidName};
use super::super::patch::Edits;
use super::super::record::{Kind, Record};
use super::super::workload::list;
use super::super::{Error, Manifests, Object, Workload};
use super::{Irsa, account_keys};
use crate::yaml::{Node, Scalar, Value};

/// A subject of kind ServiceAccount.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Subject<'s> {
    /// Its index in `subjects`.
    pub(in super::super) index: usize,
    pub(in super::super) name: &'s str,
    pub(in super::super) namespace: Option<&'s str>,
}

impl<'s> Subject<'s> {
    /// Reads what [`Display`](std::fmt::Display) wrote.
    fn of(text: &'s str) -> Self {
        let (name, namespace) = match text.rsplit_once('@') {
            Some((name, namespace)) => (name, Some(namespace)),
            None => (text, None),
        };
        Self {
            index: 0,
            name,
            namespace,
        }
    }

    fn value(self) -> Value {
        let all = [
            ("kind", Some("ServiceAccount")),
            ("name", Some(self.name)),
            ("namespace", self.namespace),
        ];
        let all = all.into_iter();
        Value::mapping(all.filter_map(|(key, value)| Some((key, value?.into()))))
    }
}

impl std::fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)?;
        self.namespace
            .map_or(Ok(()), |namespace| write!(f, "@{namespace}"))
    }
}

/// The bindings, of clusters and of namespaces.
pub(in super::super) fn bindings<'m, 's>(
    manifests: &'m Manifests<'s>,
) -> impl Iterator<Item = &'m Object<'s>> {
    let objects = manifests.objects().iter();
    objects.filter(|object| matches!(object.kind, "ClusterRoleBinding" | "RoleBinding"))
}

/// The ServiceAccounts that a binding names.
pub(in super::super) fn subjects<'s>(
    binding: &Object<'s>,
) -> impl Iterator<Item = Subject<'s>> + use<'s> {
    items(binding).enumerate().filter_map(|(index, node)| {
        let text = |key: &str| node.get(key).and_then(Node::scalar);
        (text("kind") == Some("ServiceAccount")).then_some(Subject {
            index,
            name: text("name").unwrap_or_default(),
            namespace: text("namespace").filter(|name| !name.is_empty()),
        })
    })
}

fn items<'s>(binding: &Object<'s>) -> impl Iterator<Item = Node<'s>> + use<'s> {
    let items = binding.node.get("subjects").into_iter();
    items.flat_map(Node::items)
}

/// What tells a binding from all others, for the record.
pub(super) fn id(binding: &Object<'_>) -> String {
    let namespace = binding.namespace.unwrap_or_default();
    format!("{}/{namespace}/{}", binding.kind, binding.name)
}

/// Whether a subject is this account.
pub(super) fn is_account(subject: Subject<'_>, account: &str, namespace: Option<&str>) -> bool {
    subject.name == account && subject.namespace == namespace
}

/// Whether what a binding grants counts where a workload lives.
fn is_wide(binding: &Object<'_>, workload: &Workload<'_>) -> bool {
    binding.kind == "ClusterRoleBinding" || binding.namespace == workload.object.namespace
}

/// Whether a binding grants to every account of the namespace or of the cluster.
pub(in super::super) fn grants_by_group(binding: &Object<'_>, namespace: Option<&str>) -> bool {
    items(binding).any(|subject| {
        let name = subject.get("name").and_then(Node::scalar);
        let name = name.unwrap_or_default();
        let ours = name.strip_prefix("system:serviceaccounts:");
        name == "system:serviceaccounts" || (ours.is_some() && ours == namespace)
    })
}

/// An account that nobody named to us.
#[derive(Clone, Debug)]
pub(in super::super) struct Implied {
    pub(in super::super) name: AccountName,
    /// The binding that names it; none where the workload itself does, or its name stands for it.
    pub(in super::super) by: Option<String>,
}

/// The account that the workload names; else, where no binding names `default` for it, the one that
/// its bindings name and that nobody else runs as; else one named as the workload. What Kubernetes
/// does not take for a name, a placeholder or nothing, is refused.
pub(in super::super) fn implied_account(
    manifests: &Manifests<'_>,
    workload: &Workload<'_>,
    namespace: Option<&str>,
) -> Result<Implied, Error> {
    let object = &workload.object;
    let checked = |at: (usize, Node<'_>), name: &str, by: Option<String>| {
        let name = name.parse().map_err(|error: InvalidName| {
            let hint = "correct it, or name the account with --service-account";
            manifests.refusal(at.0, at.1, error.to_string(), hint)
        })?;
        Ok(Implied { name, by })
    };
    let of_workload = || {
        let metadata = object.node.get("metadata").unwrap_or(object.node);
        let at = metadata.get("name").unwrap_or(metadata);
        checked((object.file, at), object.name, None)
    };
    let present = workload.account();
    if present != "default" {
        let mut named = account_keys(workload).filter_map(|key| workload.pod.get(key));
        let at = named.find(|node| node.scalar() == Some(present));
        return checked((object.file, at.unwrap_or(workload.pod)), present, None);
    }
    let delegate = Delegate::new(manifests, workload, namespace, (present, false));
    let has_rights =
        |binding: &Object<'_>| subjects(binding).any(|subject| delegate.concerns(binding, subject));
    if bindings(manifests).any(has_rights) {
        return of_workload();
    }
    // The workload runs as `default` itself: whoever else runs as an account is not it.
    let is_taken =
        |name: &str| name == "default" || name.contains("upgrader") || manifests.has_pods_of(name);
    let mut found: Vec<(Subject<'_>, &Object<'_>)> = Vec::new();
    for binding in bindings(manifests) {
        for subject in subjects(binding) {
            let name = subject.name;
            let is_new = !is_taken(name) && found.iter().all(|(other, _)| other.name != name);
            if is_new && delegate.may_be_meant(binding, subject) {
                found.push((subject, binding));
            }
        }
    }
    match found.as_slice() {
        [] => of_workload(),
        [(subject, binding)] => {
            let item = items(binding).nth(subject.index).unwrap_or(binding.node);
            let at = item.get("name").unwrap_or(item);
            let by = format!("{} `{}`", binding.kind, binding.name);
            checked((binding.file, at), subject.name, Some(by))
        }
        found => {
            let names: Vec<_> = found.iter().map(|(subject, _)| subject.name).collect();
            Err(Error::SeveralAccounts {
                found: names.join(", "),
            })
        }
    }
}

/// A delegate as bindings see it: by the account that it has, and the one that it is to have.
pub(super) struct Delegate<'a, 's> {
    manifests: &'a Manifests<'s>,
    workload: &'a Workload<'s>,
    namespace: Option<&'a str>,
    present: &'a str,
    account: &'a str,
    /// Whether a binding told the account.
    is_implied: bool,
    /// Whether a binding names the present account in the workload's namespace.
    is_bound: bool,
}

impl<'a, 's> Delegate<'a, 's> {
    pub(super) fn new(
        manifests: &'a Manifests<'s>,
        workload: &'a Workload<'s>,
        namespace: Option<&'a str>,
        (account, is_implied): (&'a str, bool),
    ) -> Self {
        let present = workload.account();
        let is_sure = |subject: Subject<'_>| is_account(subject, present, namespace);
        let is_bound = bindings(manifests).any(|binding| subjects(binding).any(is_sure));
        Self {
            manifests,
            workload,
            namespace,
            present,
            account,
            is_implied,
            is_bound,
        }
    }

    /// Whether a subject is in the workload's namespace, or in none.
    ///
    /// A RoleBinding in another namespace grants rights there, to those of this namespace too, but
    /// only to those that it names with their namespace.
    fn fits(&self, binding: &Object<'_>, subject: Subject<'_>) -> bool {
        match subject.namespace {
            Some(there) => Some(there) == self.namespace,
            None => is_wide(binding, self.workload),
        }
    }

    /// Whether a subject is in another namespace than the workload, where nothing runs.
    fn is_stray(&self, binding: &Object<'_>, subject: Subject<'_>) -> bool {
        subject.namespace.is_some()
            && !self.fits(binding, subject)
            && is_wide(binding, self.workload)
            && !self.manifests.is_lived_in(subject.namespace)
    }

    /// Whether a subject is the delegate's account, the present one or the one to come.
    ///
    /// Where no binding names it in its own namespace, one in a namespace where nothing runs is meant
    /// for it: Harness' own template has `harness-delegate-ng` there whatever the delegate's
    /// namespace is.
    fn concerns(&self, binding: &Object<'_>, subject: Subject<'_>) -> bool {
        let is_present = subject.name == self.present;
        if is_present || subject.name == self.account {
            let is_meant = (is_present && !self.is_bound) || self.is_implied;
            self.fits(binding, subject) || (is_meant && self.is_stray(binding, subject))
        } else {
            false
        }
    }

    /// Whether a subject of another name may be the account that the delegate was to run as. One in
    /// another namespace is, where the files make that namespace and put nothing else into it.
    fn may_be_meant(&self, binding: &Object<'_>, subject: Subject<'_>) -> bool {
        let is_made = |name: &str| self.manifests.find("Namespace", name, None).is_some();
        self.fits(binding, subject)
            || (self.is_stray(binding, subject) && subject.namespace.is_some_and(is_made))
    }

    /// Whether a subject makes room for the account, where that is asked for.
    fn makes_room(&self, binding: &Object<'_>, subject: Subject<'_>) -> bool {
        self.concerns(binding, subject)
            && !is_account(subject, self.account, self.namespace)
            && (subject.name == self.present || self.is_implied)
    }

    /// Binds the account where the present one is bound.
    pub(super) fn bind(
        &self,
        irsa: &Irsa,
        is_ours: bool,
        record: &mut Record,
        edits: &mut Edits<'_>,
    ) -> Result<(), Error> {
        self.check_names(&irsa.bindings)?;
        let mut has_rights = false;
        for binding in bindings(self.manifests) {
            let is_chosen = if irsa.bindings.is_empty() {
                subjects(binding).any(|subject| self.concerns(binding, subject))
            } else {
                irsa.bindings.iter().any(|name| name == binding.name)
            };
            if !is_chosen {
                has_rights |= grants_by_group(binding, self.namespace);
                continue;
            }
            has_rights = true;
            self.bind_in(binding, irsa.replace_subject, is_ours, record, edits)?;
        }
        if !has_rights {
            edits.note(format!(
                "no binding gives ServiceAccount `{}` any rights in Kubernetes; choose one with --binding, or \
                 apply one beside this",
                self.account
            ));
        }
        Ok(())
    }

    fn check_names(&self, names: &[String]) -> Result<(), Error> {
        let is_there = |name: &&String| {
            let mut all = bindings(self.manifests);
            all.any(|binding| binding.name == name.as_str())
        };
        let Some(name) = names.iter().find(|name| !is_there(name)) else {
            return Ok(());
        };
        let found = list(bindings(self.manifests));
        Err(Error::NoSuchBinding {
            name: name.clone(),
            found: if found.is_empty() {
                "none".to_owned()
            } else {
                found
            },
        })
    }

    /// Binds it in one binding, in the place of the present account or beside it.
    fn bind_in(
        &self,
        binding: &Object<'_>,
        replaces: bool,
        is_ours: bool,
        record: &mut Record,
        edits: &mut Edits<'_>,
    ) -> Result<(), Error> {
        let is_there = |subject| is_account(subject, self.account, self.namespace);
        let has_it = subjects(binding).any(is_there);
        let old = subjects(binding);
        let old = old.filter(|subject| replaces && self.makes_room(binding, *subject));
        let mut old: Vec<_> = old.collect();
        if has_it && old.is_empty() {
            return Ok(());
        }
        let Some(namespace) = self.namespace else {
            return Err(Error::Conflict {
                message: format!(
                    "{} `{}` takes the namespace of the account, and the manifest does not say it",
                    self.workload.object.kind, self.workload.object.name
                ),
                hint: "name it with --namespace",
            });
        };
        if self.workload.object.namespace.is_none() {
            record.keep(Kind::Namespace, namespace, None);
        }
        let id = id(binding);
        let was = |subject: Subject<'_>| Some(Scalar::Text(subject.to_string()));
        if !has_it && !is_ours {
            record.keep(Kind::Subject, &id, None);
        }
        let path = binding.path.clone().key("subjects");
        if old.is_empty() {
            let subject = Subject {
                index: 0,
                name: self.account,
                namespace: Some(namespace),
            };
            edits.append(binding.file, &path, subject.value())?;
        } else if !has_it {
            let first = old.remove(0);
            record.keep(Kind::Replaced, &id, was(first));
            let subject = path.clone().item(first.index);
            edits.set(binding.file, &subject.clone().key("name"), self.account)?;
            edits.set(binding.file, &subject.key("namespace"), namespace)?;
        }
        for subject in &old {
            let name = format!("{}/{id}", subject.index);
            record.keep(Kind::Dropped, &name, was(*subject));
        }
        // From the last one on, since each moves those behind it.
        for subject in old.into_iter().rev() {
            edits.remove(binding.file, &path.clone().item(subject.index))?;
        }
        Ok(())
    }
}

/// Takes an account out of the bindings that it was put into, and puts those back that it has taken
/// the place of.
pub(in super::super) fn unbind(
    manifests: &Manifests<'_>,
    account: &Object<'_>,
    before: &str,
    is_made: bool,
    record: &Record,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let given = record.of_kind(Kind::Namespace).map(|(given, _)| given);
    let namespace = account.namespace.or(given.last());
    for binding in bindings(manifests) {
        let id = id(binding);
        let path = binding.path.clone().key("subjects");
        let is_put = if is_made {
            record.was(Kind::Bound, &id).is_none()
        } else {
            record.was(Kind::Subject, &id).is_some()
        };
        let dropped: Vec<_> = dropped(record, &id).collect();
        let mut all = subjects(binding);
        let found = all.find(|subject| is_account(*subject, account.name, namespace));
        if let Some(found) = found.filter(|_| is_put) {
            let item = path.clone().item(found.index);
            let replaced = record.was(Kind::Replaced, &id).flatten();
            if let Some(was) = replaced.and_then(Scalar::text).map(Subject::of) {
                let namespace = was.namespace.map(|name| Scalar::Text(name.to_owned()));
                edits.set(binding.file, &item.clone().key("name"), was.name)?;
                edits.restore(binding.file, &item.key("namespace"), namespace.as_ref())?;
            } else if items(binding).count() > 1 || !dropped.is_empty() {
                edits.remove(binding.file, &item)?;
            } else if before != account.name {
                edits.set(binding.file, &item.key("name"), before)?;
                edits.note(format!(
                    "{} `{}` names account `{before}` now, as the delegate runs as that again",
                    binding.kind, binding.name
                ));
            }
        }
        for (index, was) in dropped {
            edits.insert(binding.file, &path, index, was.value())?;
        }
    }
    Ok(())
}

/// The subjects that were taken out of a binding, with the indexes that they had, in their order.
fn dropped<'r>(record: &'r Record, id: &str) -> impl Iterator<Item = (usize, Subject<'r>)> {
    record
        .of_kind(Kind::Dropped)
        .filter_map(move |(name, was)| {
            let (index, rest) = name.split_once('/')?;
            let was = was.and_then(Scalar::text).filter(|_| rest == id)?;
            Some((index.parse().ok()?, Subject::of(was)))
        })
}
