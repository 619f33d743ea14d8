//! The ServiceAccount that a delegate runs as, its role, and the bindings that give it rights.

use super::names::AccountName;
use super::patch::Edits;
use super::workload::{account_of, list, pod_of};
use super::{Error, Manifests, Object, Workload};
use crate::arn::RoleArn;
use crate::yaml::{Node, Value};

/// The start of the annotations that EKS' pod identity webhook reads (aws/amazon-eks-pod-identity-webhook,
/// pkg/annotations.go).
pub const ANNOTATION: &str = "eks.amazonaws.com";

/// What stands behind it in those that IRSA takes.
const ROLE_ANNOTATIONS: [&str; 4] = [
    "role-arn",
    "sts-regional-endpoints",
    "token-expiration",
    "audience",
];

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
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let account = match &irsa.account {
        Some(account) => account.as_str().to_owned(),
        None => implied_account(manifests, workload)?,
    };
    let annotations = annotations(irsa);
    if let Some(present) = manifests.find("ServiceAccount", &account, workload.object.namespace) {
        annotate(present, workload, &annotations, edits)?;
    } else {
        let mut metadata = vec![("name".to_owned(), account.as_str().into())];
        if let Some(namespace) = workload.object.namespace {
            metadata.push(("namespace".to_owned(), namespace.into()));
        }
        let (label, value) = MANAGED_BY;
        metadata.push(("labels".to_owned(), Value::mapping([(label, value.into())])));
        metadata.push(("annotations".to_owned(), Value::Mapping(annotations)));
        let root = Value::mapping([
            ("apiVersion", "v1".into()),
            ("kind", "ServiceAccount".into()),
            ("metadata", Value::Mapping(metadata)),
        ]);
        edits.insert_before(&workload.object, root)?;
    }
    run_as(workload, &account, edits)?;
    bind(manifests, workload, namespace, &account, irsa, edits)
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
    let is_taken = |name: &str| {
        name == "default" || name.contains("upgrader") || {
            let mut others = manifests.objects().iter().filter(|object| {
                object.path != workload.object.path || object.file != workload.object.file
            });
            others.any(|object| pod_of(object).map(account_of) == Some(name))
        }
    };
    let mut names: Vec<&str> = Vec::new();
    for binding in bindings(manifests) {
        for subject in subjects(binding) {
            let name = subject.name;
            if !is_taken(name) && !names.contains(&name) && reaches(binding, workload) {
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

/// Whether an annotation is one of those that IRSA takes.
pub(super) fn is_role_annotation(key: &str) -> bool {
    let name = key
        .strip_prefix(ANNOTATION)
        .and_then(|key| key.strip_prefix('/'));
    name.is_some_and(|name| ROLE_ANNOTATIONS.contains(&name))
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
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    for (name, value) in annotations {
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

fn run_as(workload: &Workload<'_>, account: &str, edits: &mut Edits<'_>) -> Result<(), Error> {
    let file = workload.object.file;
    let path = workload.pod_path.clone().key("serviceAccountName");
    edits.set(file, &path, account)?;
    // The old spelling, which `kubectl get` prints as well.
    if workload.pod.get("serviceAccount").is_some() {
        edits.set(
            file,
            &workload.pod_path.clone().key("serviceAccount"),
            account,
        )?;
    }
    Ok(())
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

/// Whether what a binding grants counts where a workload lives.
fn reaches(binding: &Object<'_>, workload: &Workload<'_>) -> bool {
    binding.kind == "ClusterRoleBinding" || binding.namespace == workload.object.namespace
}

fn bind(
    manifests: &Manifests<'_>,
    workload: &Workload<'_>,
    namespace: Option<&str>,
    account: &str,
    irsa: &Irsa,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let present = workload.account();
    // A subject in a namespace where nothing runs is meant for this delegate: Harness' own template
    // has `harness-delegate-ng` there whatever the delegate's namespace is.
    let is_meant = |subject: &Subject<'_>| {
        [present, account].contains(&subject.name)
            && subject
                .namespace
                .is_none_or(|there| Some(there) == namespace || !manifests.is_lived_in(Some(there)))
    };
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
            reaches(binding, workload) && subjects(binding).any(|subject| is_meant(&subject))
        } else {
            irsa.bindings.iter().any(|name| name == binding.name)
        };
        if !is_chosen {
            is_bound |= reaches(binding, workload) && grants_by_group(binding, namespace);
            continue;
        }
        is_bound = true;
        let is_there =
            |subject: Subject<'_>| subject.name == account && subject.namespace == namespace;
        let is_old = |subject: &Subject<'_>| is_meant(subject) && !is_there(*subject);
        let has_it = subjects(binding).any(is_there);
        let old = subjects(binding)
            .find(is_old)
            .filter(|_| irsa.replace_subject);
        if has_it && old.is_none() {
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
        let path = binding.path.clone().key("subjects");
        match old {
            Some(old) if has_it => {
                edits.remove(binding.file, &path.item(old.index))?;
            }
            Some(old) => {
                let subject = path.item(old.index);
                edits.set(binding.file, &subject.clone().key("name"), account)?;
                edits.set(binding.file, &subject.key("namespace"), namespace)?;
            }
            None => {
                let subject = Value::mapping([
                    ("kind", "ServiceAccount".into()),
                    ("name", account.into()),
                    ("namespace", namespace.into()),
                ]);
                edits.append(binding.file, &path, subject)?;
            }
        }
    }
    if !is_bound {
        edits.note(format!(
            "no binding gives ServiceAccount `{account}` any rights in Kubernetes; choose one with --binding, or \
             apply one beside this"
        ));
    }
    Ok(())
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
