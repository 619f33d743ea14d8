//! A pod that is not there, or may not be seen.

use super::super::{Check, Finding};
use super::{Unread, unreadable};
use crate::cluster::pod::PodName;
use crate::cluster::server::Failure;
use crate::tools::suggest::near;

/// Judges that there is no answer about the pod; `near` are names like the one that was asked for.
pub fn judge_missing(
    name: &PodName,
    namespace: &str,
    unread: Unread<'_>,
    names: Option<&Result<Vec<String>, Failure>>,
) -> Finding {
    let Unread { failure, url } = unread;
    let Failure::Status { code: 404, .. } = failure else {
        return unreadable(
            Finding::fail(
                Check::Pod,
                format!("the pod {namespace}/{name}, asked of {url}: {failure}"),
            ),
            failure,
            "get",
            "pods",
            namespace,
        );
    };
    let finding = Finding::fail(
        Check::Pod,
        format!("there is no pod {name} in namespace {namespace}"),
    );
    match names {
        Some(Ok(names)) if names.is_empty() => finding
            .because("the namespace has no pods, or does not exist")
            .remedy("name the namespace with --namespace"),
        Some(Ok(names)) => match near(name.as_str(), names.iter().map(String::as_str)).as_slice() {
            // The pods of a Deployment differ in their ends alone, so that another pod of the same
            // one is what was meant as a rule.
            [] => finding.remedy(format!("`kubectl get pods --namespace {namespace}` shows those that are there")),
            near => finding.remedy(format!("did you mean {}?", near.join(" or "))),
        },
        Some(Err(Failure::Forbidden { .. })) => finding.remedy(format!(
            "names like it could not be looked for: that takes the verb `list` on `pods` in namespace {namespace}"
        )),
        _ => finding.remedy("check the name and --namespace"),
    }
}
