//! The ServiceAccount that a delegate runs as, its role, and the bindings that give it rights.

mod bindings;

use super::names::AccountName;
use super::patch::Edits;
use super::record::{ACCOUNT_WAS_BARE, Kind, Record};
use super::{Error, Manifests, Object, Workload};
use crate::arn::RoleArn;
use crate::yaml::{Node, Value};

use bindings::{Delegate, id, is_account};
pub(super) use bindings::{bindings, grants_by_group, implied_account, subjects, unbind};

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
    let implied = match &irsa.account {
        Some(_) => None,
        None => Some(implied_account(manifests, workload, namespace)?),
    };
    let account = match (&irsa.account, &implied) {
        (Some(account), _) => account.as_str(),
        (None, Some(implied)) => implied.name.as_str(),
        (None, None) => return Ok(()),
    };
    let by = implied.as_ref().and_then(|implied| implied.by.as_deref());
    if let Some(by) = by {
        edits.note(format!(
            "{} `{}` runs as ServiceAccount `{account}`, which {by} names; choose another with \
             --service-account",
            workload.object.kind, workload.object.name
        ));
    }
    let annotations = annotations(irsa);
    let present = manifests.find("ServiceAccount", account, workload.object.namespace);
    let is_ours = present.is_none_or(is_ours);
    if let Some(present) = present {
        annotate(present, workload, &annotations, record, edits)?;
    } else {
        // What named it before it was there is not taken back with it.
        for binding in bindings(manifests) {
            let named = |subject| is_account(subject, account, namespace);
            if subjects(binding).any(named) {
                record.keep(Kind::Bound, &id(binding), None);
            }
        }
        edits.insert_before(&workload.object, object(account, workload, annotations))?;
    }
    let run_as = RunAs {
        account,
        is_ours,
        is_new: present.is_none(),
    };
    run_as.apply(workload, record, edits)?;
    let delegate = Delegate::new(manifests, workload, namespace, (account, by.is_some()));
    delegate.bind(irsa, is_ours, record, edits)
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
    if let Some(null) = present.filter(|node| node.is_null() && !is_ours(account)) {
        record.keep(Kind::Mark, ACCOUNT_WAS_BARE, null.as_written());
    }
    for (name, value) in annotations {
        let node = present.and_then(|present| present.get(name));
        let was = node.and_then(Node::scalar);
        let is_same = was.is_some_and(|was| Value::from(was) == *value);
        if !is_same && !is_ours(account) {
            record.keep(Kind::Account, name, node.and_then(Node::as_written));
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
        for key in account_keys(workload) {
            let was = workload.pod.get(key);
            let is_known = if was.and_then(Node::scalar) == Some(self.account) {
                !self.is_new
            } else {
                was.is_none() && self.is_ours
            };
            if !is_known {
                record.keep(Kind::Pod, key, was.and_then(Node::as_written));
            }
            let path = workload.pod_path.clone().key(key);
            edits.set(workload.object.file, &path, self.account)?;
        }
        Ok(())
    }
}

/// The keys of a pod that name its account. The second is the old spelling, which `kubectl get`
/// prints as well: it counts where it is there and is not null.
pub(super) fn account_keys(workload: &Workload<'_>) -> impl Iterator<Item = &'static str> {
    let old = "serviceAccount";
    let is_named = workload.pod.get(old).is_some_and(|node| !node.is_null());
    std::iter::once("serviceAccountName").chain(is_named.then_some(old))
}
