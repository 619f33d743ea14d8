//! The ServiceAccount that a delegate runs as, its role, and the bindings that give it rights.

use super::names::AccountName;
use super::patch::Edits;
use super::record::{Kind, Record};
use super::workload::list;
use super::{Error, Manifests, Object, Workload};
use crate::arn::RoleArn;
use crate::yaml::{Node, Value};

/// The start of the annotations that EKS' pod identity webhook reads (aws/amazon-eks-pod-identity-webhook,
/// pkg/annotations.go).
pub const ANNOTATION: &str = "eks.amazonaws.com";

/// The label of an account that `patch` wrote, by which it is found again to be taken out
/// (Kubernetes documentation, "Recommended Labels").
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "bootstrap-patch");

/// What IRSA takes.
#[derive(Clone, Debug)]
pub struct Irsa {
    /// The role.
    pub role: RoleArn,
    /// The account; none to take the one that the manifest implies.
    pub account: Option<AccountName>,
    /// Whether STS is called in the pod's region; none to leave it to the webhook.
    pub regional_sts: Option<bool>,
    /// How long a token is good for, in seconds; none for the webhook's default of 86,400.
    pub token_expiration: Option<u32>,
    /// The audience of the token; none for the webhook's default, `sts.amazonaws.com`.
    pub audience: Option<String>,
    /// Whether the present subject of the bindings makes room for the account.
    pub replace_subject: bool,
    /// The bindings; none named for those that name the present account.
    pub bindings: Vec<String>,
}

/// Makes a delegate run as an account with this role, and gives that account the rights of the
/// present one.
pub(super) fn apply(
    manifests: &Manifests<'_>,
    workload: &Workload<'_>,
    namespace: Option<&str>,
    irsa: &Irsa,
    record: &mut Record,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let account = match &irsa.account {
        Some(account) => account.as_str().to_owned(),
        None => implied_account(manifests, workload)?,
    };
    let annotations = annotations(irsa);
    let present = manifests.find("ServiceAccount", &account, workload.object.namespace);
    let is_ours = present.is_none_or(is_ours);
    if let Some(present) = present {
        annotate(present, workload, &annotations, record, edits)?;
    } else {
        // What named it before it was there is not taken back with it.
        for binding in bindings(manifests) {
            let named = |subject: Subject<'_>| is_account(subject, &account, namespace);
            if subjects(binding).any(named) {
                record.keep(Kind::Bound, binding.name, None);
            }
        }
        edits.insert_before(&workload.object, object(&account, workload, annotations))?;
    }
    let former = manifests.find(
        "ServiceAccount",
        workload.account(),
        workload.object.namespace,
    );
    let former = former.filter(|former| former.name != account && self::is_ours(former));
    if let Some(former) = former {
        edits.note(format!(
            "ServiceAccount `{}` of an earlier patch is left, and `{}` no longer runs as it",
            former.name, workload.object.name
        ));
    }
    let run_as = RunAs {
        account: &account,
        is_ours,
        is_new: present.is_none(),
        former: former.map(|former| former.name),
    };
    run_as.apply(workload, record, edits)?;
    let bound = bind(manifests, workload, namespace, &account, irsa, edits)?;
    if !is_ours {
        for binding in bound {
            record.keep(Kind::Subject, binding, None);
        }
    }
    Ok(())
}

/// A ServiceAccount in the workload's namespace.
fn object(account: &str, workload: &Workload<'_>, annotations: Vec<(String, Value)>) -> Value {
    let mut metadata = vec![("name".to_owned(), account.into())];
    if let Some(namespace) = workload.object.namespace {
        metadata.push(("namespace".to_owned(), namespace.into()));
    }
    let (label, value) = MANAGED_BY;
    metadata.push(("labels".to_owned(), Value::mapping([(label, value.into())])));
    metadata.push(("annotations".to_owned(), Value::Mapping(annotations)));
    Value::mapping([
        ("apiVersion", "v1".into()),
        ("kind", "ServiceAccount".into()),
        ("metadata", Value::Mapping(metadata)),
    ])
}

/// Whether `patch` wrote an account.
pub(super) fn is_ours(account: &Object<'_>) -> bool {
    let (label, value) = MANAGED_BY;
    let found = account.node.dig(&["metadata", "labels", label]);
    found.and_then(Node::scalar) == Some(value)
}

/// Whether a subject is this account.
pub(super) fn is_account(subject: Subject<'_>, account: &str, namespace: Option<&str>) -> bool {
    subject.name == account && subject.namespace == namespace
}

/// The account that the workload names; else the one that its bindings name and that nobody else
/// runs as; else one named as the workload.
pub(super) fn implied_account(
    manifests: &Manifests<'_>,
    workload: &Workload<'_>,
) -> Result<String, Error> {
    if workload.account() != "default" {
        return Ok(workload.account().to_owned());
    }
    // The workload runs as `default` itself: whoever else runs as an account is not it.
    let is_taken =
        |name: &str| name == "default" || name.contains("upgrader") || manifests.has_pods_of(name);
    let mut names: Vec<&str> = Vec::new();
    for binding in bindings(manifests) {
        for subject in subjects(binding) {
            let name = subject.name;
            if !is_taken(name) && !names.contains(&name) && reaches(binding, &subject, workload) {
                names.push(name);
            }
        }
    }
    match names.as_slice() {
        [] => Ok(workload.object.name.to_owned()),
        [name] => Ok((*name).to_owned()),
        names => Err(Error::SeveralAccounts {
            found: names.join(", "),
        }),
    }
}

/// The annotations that IRSA takes.
pub(super) fn annotations(irsa: &Irsa) -> Vec<(String, Value)> {
    let regional = irsa.regional_sts.map(|regional| regional.to_string());
    let expiration = irsa.token_expiration.map(|seconds| seconds.to_string());
    let all = [
        ("role-arn", Some(irsa.role.as_str().to_owned())),
        ("sts-regional-endpoints", regional),
        ("token-expiration", expiration),
        ("audience", irsa.audience.clone()),
    ];
    let all = all.into_iter();
    all.filter_map(|(name, value)| Some((format!("{ANNOTATION}/{name}"), value?.into())))
        .collect()
}

fn annotate(
    account: &Object<'_>,
    workload: &Workload<'_>,
    annotations: &[(String, Value)],
    record: &mut Record,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let present = account.node.dig(&["metadata", "annotations"]);
    for (name, value) in annotations {
        let was = present.and_then(|present| present.get(name)?.scalar());
        let is_same = was.is_some_and(|was| Value::from(was) == *value);
        if !is_same && !is_ours(account) {
            record.keep(Kind::Account, name, was);
        }
        if let Some(was) = was.filter(|_| !is_same) {
            edits.note(format!(
                "ServiceAccount `{}` had `{name}: {was}`, which makes room",
                account.name
            ));
        }
        let path = account
            .path
            .clone()
            .keys(&["metadata", "annotations"])
            .key(name);
        edits.set(account.file, &path, value.clone())?;
    }
    if workload.object.is_before(account) {
        edits.note(format!(
            "ServiceAccount `{}` stands behind the delegate's {}: pods made before it get no role; apply the \
             file, then restart them",
            account.name, workload.object.kind
        ));
    }
    Ok(())
}

/// The account that the pods are to run as.
struct RunAs<'a> {
    account: &'a str,
    /// Whether `patch` made it, now or before.
    is_ours: bool,
    /// Whether that is now.
    is_new: bool,
    /// The account of an earlier patch that it takes the place of.
    former: Option<&'a str>,
}

impl RunAs<'_> {
    /// Makes them run as it. That `patch` made it tells that none was named before; all else is
    /// recorded.
    fn apply(
        &self,
        workload: &Workload<'_>,
        record: &mut Record,
        edits: &mut Edits<'_>,
    ) -> Result<(), Error> {
        // The second is the old spelling, which `kubectl get` prints as well.
        for key in ["serviceAccountName", "serviceAccount"] {
            let was = workload.pod.get(key);
            if key == "serviceAccount" && was.is_none() {
                continue;
            }
            let was = was.and_then(Node::scalar);
            let before = was.filter(|was| Some(*was) != self.former);
            let is_known = if was == Some(self.account) {
                !self.is_new
            } else {
                before.is_none() && self.is_ours
            };
            if !is_known {
                record.keep(Kind::Pod, key, before);
            }
            let path = workload.pod_path.clone().key(key);
            edits.set(workload.object.file, &path, self.account)?;
        }
        Ok(())
    }
}

/// A subject of kind ServiceAccount.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'s> {
    /// Its index in `subjects`.
    pub(super) index: usize,
    pub(super) name: &'s str,
    pub(super) namespace: Option<&'s str>,
}

/// The bindings, of clusters and of namespaces.
pub(super) fn bindings<'m, 's>(
    manifests: &'m Manifests<'s>,
) -> impl Iterator<Item = &'m Object<'s>> {
    let objects = manifests.objects().iter();
    objects.filter(|object| matches!(object.kind, "ClusterRoleBinding" | "RoleBinding"))
}

/// The ServiceAccounts that a binding names.
pub(super) fn subjects<'s>(binding: &Object<'s>) -> impl Iterator<Item = Subject<'s>> {
    let items = binding
        .node
        .get("subjects")
        .into_iter()
        .flat_map(Node::items);
    items.enumerate().filter_map(|(index, node)| {
        let text = |key: &str| node.get(key).and_then(Node::scalar);
        (text("kind") == Some("ServiceAccount")).then_some(Subject {
            index,
            name: text("name").unwrap_or_default(),
            namespace: text("namespace").filter(|name| !name.is_empty()),
        })
    })
}

/// Whether a subject of a binding may be a workload's account. A RoleBinding in another namespace
/// grants rights there, to those of this namespace too.
fn reaches(binding: &Object<'_>, subject: &Subject<'_>, workload: &Workload<'_>) -> bool {
    let namespace = workload.object.namespace;
    let is_explicit = subject.namespace.is_some() && subject.namespace == namespace;
    is_wide(binding, workload) || is_explicit
}

/// Whether what a binding grants counts where a workload lives.
fn is_wide(binding: &Object<'_>, workload: &Workload<'_>) -> bool {
    binding.kind == "ClusterRoleBinding" || binding.namespace == workload.object.namespace
}

/// Binds the account where the present one is bound; the names of the bindings that were changed.
fn bind<'m>(
    manifests: &'m Manifests<'_>,
    workload: &Workload<'_>,
    namespace: Option<&str>,
    account: &str,
    irsa: &Irsa,
    edits: &mut Edits<'_>,
) -> Result<Vec<&'m str>, Error> {
    let present = workload.account();
    // A subject in a namespace where nothing runs is meant for this delegate: Harness' own template
    // has `harness-delegate-ng` there whatever the delegate's namespace is.
    let is_meant = |subject: &Subject<'_>| {
        [present, account].contains(&subject.name)
            && subject
                .namespace
                .is_none_or(|there| Some(there) == namespace || !manifests.is_lived_in(Some(there)))
    };
    // In other namespaces only a subject that is this account, without doubt, counts.
    let concerns = |binding: &Object<'_>, subject: &Subject<'_>| {
        let is_sure = subject.namespace.is_some() && subject.namespace == namespace;
        is_meant(subject) && (is_wide(binding, workload) || is_sure)
    };
    let mut changed = Vec::new();
    for name in &irsa.bindings {
        if !bindings(manifests).any(|binding| binding.name == name) {
            let found = list(bindings(manifests));
            return Err(Error::NoSuchBinding {
                name: name.clone(),
                found: if found.is_empty() {
                    "none".to_owned()
                } else {
                    found
                },
            });
        }
    }
    let mut is_bound = false;
    for binding in bindings(manifests) {
        let is_chosen = if irsa.bindings.is_empty() {
            subjects(binding).any(|subject| concerns(binding, &subject))
        } else {
            irsa.bindings.iter().any(|name| name == binding.name)
        };
        if !is_chosen {
            is_bound |= grants_by_group(binding, namespace);
            continue;
        }
        is_bound = true;
        let is_there = |subject: Subject<'_>| is_account(subject, account, namespace);
        let is_old = |subject: &Subject<'_>| concerns(binding, subject) && !is_there(*subject);
        let has_it = subjects(binding).any(is_there);
        let old = subjects(binding).filter(|subject| irsa.replace_subject && is_old(subject));
        let mut old: Vec<_> = old.map(|subject| subject.index).collect();
        if has_it && old.is_empty() {
            continue;
        }
        let Some(namespace) = namespace else {
            return Err(Error::Conflict {
                message: format!(
                    "{} `{}` takes the namespace of the account, and the manifest does not say it",
                    workload.object.kind, workload.object.name
                ),
                hint: "name it with --namespace",
            });
        };
        changed.push(binding.name);
        let path = binding.path.clone().key("subjects");
        if old.is_empty() {
            let subject = Value::mapping([
                ("kind", "ServiceAccount".into()),
                ("name", account.into()),
                ("namespace", namespace.into()),
            ]);
            edits.append(binding.file, &path, subject)?;
        } else if !has_it {
            let subject = path.clone().item(old.remove(0));
            edits.set(binding.file, &subject.clone().key("name"), account)?;
            edits.set(binding.file, &subject.key("namespace"), namespace)?;
        }
        // From the last one on, since each moves those behind it.
        for index in old.into_iter().rev() {
            edits.remove(binding.file, &path.clone().item(index))?;
        }
    }
    if !is_bound {
        edits.note(format!(
            "no binding gives ServiceAccount `{account}` any rights in Kubernetes; choose one with --binding, or \
             apply one beside this"
        ));
    }
    Ok(changed)
}

/// Whether a binding grants to every account of the namespace or of the cluster.
pub(super) fn grants_by_group(binding: &Object<'_>, namespace: Option<&str>) -> bool {
    let mut subjects = binding
        .node
        .get("subjects")
        .into_iter()
        .flat_map(Node::items);
    subjects.any(|subject| {
        let name = subject
            .get("name")
            .and_then(Node::scalar)
            .unwrap_or_default();
        let ours = name.strip_prefix("system:serviceaccounts:");
        name == "system:serviceaccounts" || (ours.is_some() && ours == namespace)
    })
}
