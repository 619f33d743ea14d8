//! The ServiceAccount that a delegate wears, as `patch` would have it: what a role's trust policy names.

use super::access::{ANNOTATION, implied_account};
use super::names::{AccountName, NamespaceName};
use super::values::{self, Values};
use super::{Error, Manifests, Workload};
use crate::arn::{InvalidArn, RoleArn};
use crate::yaml::{Node, Stream};

/// A ServiceAccount, and what its annotations say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wearer {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub account: String,
    /// The role, where it is annotated.
    pub role: Option<RoleArn>,
    /// The audience of its tokens, where it is annotated.
    pub audience: Option<String>,
}

/// What the manifest does not say, or says and is overruled in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    /// The delegate, where there are several.
    pub delegate: Option<&'a str>,
    /// The namespace, where it is left to kubectl.
    pub namespace: Option<&'a NamespaceName>,
    /// The account that `patch` is told.
    pub account: Option<&'a AccountName>,
}

/// Finds the account of one delegate in a set of files.
pub fn wearer(streams: &[Stream<'_>], given: Given<'_>) -> Result<Wearer, Error> {
    let manifests = Manifests::new(streams);
    let values = Values::all(&manifests);
    if Workload::all(&manifests).is_empty() && !values.is_empty() {
        return values::wearer(&manifests, &values, given);
    }
    let workload = Workload::choose(&manifests, given.delegate)?;
    let namespace = given.namespace.map(NamespaceName::as_str);
    let namespace = workload.object.namespace.or(namespace);
    let account = match given.account {
        Some(account) => account.as_str().to_owned(),
        None => implied_account(&manifests, &workload, namespace)?
            .name
            .to_string(),
    };
    let object = &workload.object;
    let whose = format!("{} `{}`", object.kind, object.name);
    let namespace = given.namespace_beside(object.namespace, &whose)?;
    let present = manifests.find("ServiceAccount", &account, object.namespace);
    let annotations = present.and_then(|present| {
        let node = present.node.dig(&["metadata", "annotations"])?;
        Some((present.file, node))
    });
    Wearer::new(namespace, account, &manifests, annotations)
}

impl Given<'_> {
    /// The namespace: the one that is written, else the one that is given.
    pub(super) fn namespace_beside(
        &self,
        written: Option<&str>,
        whose: &str,
    ) -> Result<String, Error> {
        let given = self.namespace.map(NamespaceName::as_str);
        match (written, given) {
            (Some(written), Some(given)) if written != given => Err(Error::Conflict {
                message: format!("{whose} is in namespace `{written}`, not in `{given}`"),
                hint: "leave --namespace out",
            }),
            (None, None) => Err(Error::Conflict {
                message: format!("{whose} does not say its namespace"),
                hint: "name it with --namespace",
            }),
            (Some(namespace), _) | (None, Some(namespace)) => Ok(namespace.to_owned()),
        }
    }
}

impl Wearer {
    /// An account with what its annotations, in the file with this index, say.
    pub(super) fn new(
        namespace: String,
        account: String,
        manifests: &Manifests<'_>,
        annotations: Option<(usize, Node<'_>)>,
    ) -> Result<Self, Error> {
        let text = |name: &str| {
            let (file, annotations) = annotations?;
            let node = annotations.get(&format!("{ANNOTATION}/{name}"))?;
            let text = node.scalar().filter(|text| !text.is_empty())?;
            Some((manifests.streams().get(file)?, node, text))
        };
        let role = match text("role-arn") {
            None => None,
            Some((stream, node, role)) => Some(role.parse().map_err(|error: InvalidArn| {
                Error::Place(Box::new(stream.invalid(node, error.to_string())))
            })?),
        };
        Ok(Self {
            namespace,
            account,
            role,
            audience: text("audience").map(|(_, _, audience)| audience.to_owned()),
        })
    }
}
