//! Asking an API server for a pod and its service account.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Failure, Server, printable};
use crate::cluster::pod::{Account, Pod, PodName, RawMetadata};
use crate::deadline::Deadline;

/// How many names are asked for, to find one that was meant: what that takes is within what is read of
/// an answer, at 10 to 20 KiB a pod.
const NAMES: usize = 50;

impl Server {
    /// A pod.
    pub fn pod(&self, namespace: &str, name: &PodName, deadline: Deadline) -> Result<Pod, Failure> {
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}");
        Ok(self.ask(&path, None, deadline)?.value)
    }

    /// A service account of the same namespace; its name comes from a pod of this server.
    pub fn account(
        &self,
        namespace: &str,
        name: &str,
        deadline: Deadline,
    ) -> Result<Account, Failure> {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}");
        Ok(self.ask(&path, None, deadline)?.value)
    }

    /// The names of what a ConfigMap of the same namespace has; its name comes from a pod of this server.
    pub fn config_map(
        &self,
        namespace: &str,
        name: &str,
        deadline: Deadline,
    ) -> Result<Vec<String>, Failure> {
        #[derive(Deserialize)]
        struct ConfigMap {
            data: Option<BTreeMap<String, Option<IgnoredAny>>>,
        }
        let path = format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
        let map: ConfigMap = self.ask(&path, None, deadline)?.value;
        Ok(map.data.unwrap_or_default().into_keys().collect())
    }

    /// The names of the first pods of a namespace; none where there is no such namespace.
    pub fn pod_names(&self, namespace: &str, deadline: Deadline) -> Result<Vec<String>, Failure> {
        #[derive(Deserialize)]
        struct List {
            items: Vec<Item>,
        }
        #[derive(Deserialize)]
        struct Item {
            metadata: RawMetadata,
        }
        let path = format!("/api/v1/namespaces/{namespace}/pods?limit={NAMES}");
        let list: List = self.ask(&path, None, deadline)?.value;
        let names = list.items.into_iter();
        Ok(names.map(|item| printable(&item.metadata.name)).collect())
    }
}
