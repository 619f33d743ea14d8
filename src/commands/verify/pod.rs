//! Which pod is meant.

use crate::cluster::pod::{Label, PodName};
use crate::delegate::names::NamespaceName;
use crate::error::Error;
use crate::verify::pod::Asked;

/// Which pod is meant.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Pod options")]
pub(super) struct PodFlags {
    /// Check this pod's identity: account, annotation, variables, token, age
    ///
    /// The cluster is asked, by its context of the kubeconfig: that of --cluster, else the one that
    /// this pod runs in. It takes the verb `get` on pods and serviceaccounts.
    #[arg(long, value_name = "POD")]
    pod: Option<PodName>,

    /// The namespace of the pod
    ///
    /// Default: that of the context. Without --pod, whether a Fargate profile takes pods there.
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<NamespaceName>,

    /// A label of the pod, as KEY=VALUE (can be repeated)
    ///
    /// Fargate profiles may go by labels. Default: those of --pod, else /etc/podinfo/labels, where
    /// the downward API has them.
    #[arg(long, value_name = "LABEL", conflicts_with = "pod")]
    pod_label: Vec<Label>,
}

impl PodFlags {
    /// The pod, which is in one cluster.
    pub(super) fn asked(&self, clusters: usize) -> Result<Asked, Error> {
        if self.pod.is_some() && clusters > 1 {
            let hint = "name the cluster that it runs in with --cluster";
            let words = format!("--pod is in a single cluster, and there are {clusters}");
            return Err(Error::usage(words).with_hint(Some(hint.to_owned())));
        }
        let labels = self.pod_label.iter();
        Ok(Asked {
            name: self.pod.clone(),
            namespace: self.namespace.as_ref().map(|name| name.as_str().to_owned()),
            labels: labels
                .map(|label| (label.key.clone(), label.value.clone()))
                .collect(),
        })
    }
}
