//! The pod that is meant, and where it runs: the one that is asked for by its name, one of another
//! namespace, or that of this process.

use super::super::api_server::{self, Trouble};
use super::super::credentials::CredentialKind;
use super::super::{Check, Finding, fargate, irsa, pod};
use super::Preflight;
use crate::cluster::server::Server;
use crate::files;

impl Preflight<'_> {
    /// Where the pod that is meant runs, as far as that can be known: the one that was asked for, one
    /// of another namespace, or that of this process.
    pub(super) fn place(&self) -> fargate::Facts {
        let setup = &self.setup;
        let asked = setup.pod;
        let given = (!asked.labels.is_empty()).then(|| asked.labels.clone());
        let wants_node_role = setup.credentials == Some(CredentialKind::IamRole);
        if let Some(found) = self.pod.get() {
            return fargate::Facts {
                pod: Some(format!("the pod {}", found.name)),
                node: found.node.clone(),
                namespace: Some(found.namespace.clone()),
                labels: Some(found.labels.clone()),
                has_irsa: Some(pod::has_irsa(found)),
                wants_node_role,
            };
        }
        if asked.name.is_some() || asked.namespace.is_some() {
            let name = asked.name.as_ref().map(|name| format!("the pod {name}"));
            return fargate::Facts {
                pod: Some(name.unwrap_or_else(|| "such a pod".to_owned())),
                namespace: asked.namespace.clone(),
                labels: given,
                wants_node_role,
                ..fargate::Facts::default()
            };
        }
        let claims = self.own_claims().unwrap_or_default();
        let told = setup.variables.get("DELEGATE_NAMESPACE").cloned();
        let namespace = claims
            .service_account()
            .map(|(namespace, _)| namespace.to_owned());
        let mounted = || {
            let text = files::read_own(setup.labels).ok()?;
            Some(fargate::labels_of(&text))
        };
        fargate::Facts {
            pod: None,
            node: fargate::node_of(setup.variables).or_else(|| claims.node.clone()),
            namespace: namespace.or(told).filter(|name| !name.is_empty()),
            labels: given.or_else(mounted),
            has_irsa: Some(irsa::is_present(setup.variables)),
            wants_node_role,
        }
    }

    /// Whether the Fargate profiles of a cluster say anything of the pod that is meant.
    pub(in crate::verify) fn needs_profiles(&self) -> bool {
        let is_placed = || {
            let place = self.place();
            place.namespace.is_some() || self.setup.pod.name.is_some()
        };
        self.wants(Check::Fargate) && is_placed()
    }

    /// Asks for the pod and its service account, at this address.
    pub(super) fn asked_pod(&self, server: Result<&Server, &Trouble>, url: &str) -> Vec<Finding> {
        let Some(name) = &self.setup.pod.name else {
            return Vec::new();
        };
        let server = match server {
            Ok(server) => server,
            Err(trouble) => return vec![api_server::failed(Check::Pod, url, trouble)],
        };
        let deadline = self.setup.deadline;
        let namespace = self.setup.pod.namespace.as_deref();
        let namespace = namespace.unwrap_or_else(|| server.namespace());
        match server.pod(namespace, name, deadline) {
            Ok(mut pod) => {
                for name in pod.config_maps() {
                    // One that may not be read is told as not looked into.
                    if let Ok(names) = server.config_map(namespace, &name, deadline) {
                        pod.learn(&name, &names);
                    }
                }
                let account = server.account(namespace, &pod.account, deadline);
                let pod = self.pod.get_or_init(|| pod);
                let unread = |failure| pod::Unread { failure, url };
                pod::judge(
                    pod,
                    account.as_ref().map_err(unread),
                    self.setup.credentials,
                )
            }
            Err(failure) => {
                let names =
                    (failure.code() == Some(404)).then(|| server.pod_names(namespace, deadline));
                vec![pod::judge_missing(
                    name,
                    namespace,
                    pod::Unread {
                        failure: &failure,
                        url,
                    },
                    names.as_ref(),
                )]
            }
        }
    }

    /// Why the pod was not asked for.
    pub(in crate::verify) fn without_pod(&self, reason: &str) -> Option<Finding> {
        self.asks_pod().then(|| {
            Finding::fail(Check::Pod, format!("the pod could not be asked for: {reason}")).remedy(
            "name the cluster with --cluster, and write its context with `bootstrap kubeconfig`",
        )
        })
    }

    /// Whether a pod is asked for; the check of Fargate wants to know its labels.
    pub(super) fn asks_pod(&self) -> bool {
        let is_wanted = self.wants(Check::Pod) || self.wants(Check::Fargate);
        is_wanted && self.setup.pod.name.is_some()
    }
}
