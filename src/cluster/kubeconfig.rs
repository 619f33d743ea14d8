//! Clusters of Amazon EKS in a kubeconfig: described, merged into what is there, and written whole.
//!
//! `plugin` finds the program that gives tokens, `describe` asks EKS, `entry` makes what is written of
//! a cluster, `plan` chooses among files, `merge` puts entries into a text, and `file` guards the file.

mod describe;
mod entry;
mod error;
mod file;
mod merge;
mod plan;
mod plugin;

use std::path::PathBuf;

use serde::Serialize;
use url::Url;

pub use entry::Names;
pub use error::Error;
pub use plugin::{Exec, InvalidExec, Place, Plugin};

use super::{Alias, Cluster};
use crate::arn::{ClusterName, RoleArn, SessionName};
use crate::aws::Aws;
use crate::deadline::Deadline;
use describe::refuse_twins;
use entry::Entry;
use file::File;
use merge::{Current, Document, Merged};
use plan::Plan;

/// Which clusters are put into which kubeconfig, and how they are entered.
pub struct Request<'a> {
    /// The clusters, each with another context.
    pub clusters: &'a [Cluster],
    /// The program that gives tokens.
    pub plugin: &'a Plugin,
    /// The files in the order in which kubectl reads them: a cluster goes to the first that has it,
    /// else to the first.
    pub files: &'a [PathBuf],
    /// The proxy to the API servers.
    pub proxy: Option<&'a Url>,
    /// Who asks EKS; none for the role of the cluster, and where that may not, whoever runs this.
    pub describer: Option<&'a RoleArn>,
    /// The name of the user; none for one that tells cluster and role.
    pub user_alias: Option<&'a Alias>,
    /// The name of the sessions of assumed roles; none for one that tells the delegate.
    pub session: Option<&'a SessionName>,
    /// The name of the delegate that this is, where it is one.
    pub delegate: Option<&'a str>,
    /// Whether the first cluster becomes the current context although there is one.
    pub set_current: bool,
    /// Whether nothing is written.
    pub dry_run: bool,
    /// Who runs, for those who wait.
    pub holder: &'a str,
    /// Is told what is worth a line and stops nothing.
    pub notice: &'a (dyn Fn(&str) + Sync),
    /// Is told what is of interest only to who looks for the cause of a failure.
    pub detail: &'a (dyn Fn(&str) + Sync),
}

/// What was written.
#[derive(Debug, Default)]
pub struct Updated {
    /// The contexts, file by file.
    pub contexts: Vec<Written>,
    /// The files, in the order in which they were written.
    pub files: Vec<Text>,
    /// The clusters that are in none of them, and why.
    pub failed: Vec<(ClusterName, Error)>,
}

/// A context that is in a kubeconfig now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Written {
    /// The name of the cluster at EKS.
    pub cluster: String,
    /// The name of the context.
    pub context: String,
    /// The name of the user.
    pub user: String,
    /// The address of the API server.
    pub server: String,
    /// The Kubernetes version, as EKS describes it.
    pub version: Option<String>,
    /// The file.
    pub file: PathBuf,
    /// What became of it.
    pub change: Change,
}

/// What became of a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It is new.
    Added,
    /// It was there, as it should be.
    Unchanged,
    /// It was there, and something in it or in its cluster or user is another now.
    Updated,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Added => "added",
            Self::Unchanged => "unchanged",
            Self::Updated => "updated",
        })
    }
}

/// A kubeconfig with the clusters in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The file.
    pub file: PathBuf,
    /// Its whole text. It may hold secrets of other clusters.
    pub text: String,
    /// The context that is current now, where that was another one before.
    pub switched_to: Option<String>,
}

/// Puts clusters into a kubeconfig.
///
/// A cluster that cannot be described is told in [`Updated::failed`], and the others are written; an
/// error is what concerns all of them.
pub fn update(request: &Request<'_>, aws: &Aws, deadline: Deadline) -> Result<Updated, Error> {
    for cluster in request.clusters {
        request.plugin.check(cluster, request.session)?;
    }
    let mut updated = Updated::default();
    let mut described = Vec::new();
    for (cluster, found) in request.describe_all(aws, deadline) {
        match found {
            Ok(found) => described.push(found),
            Err(error) => updated.failed.push((cluster.name.clone(), error)),
        }
    }
    refuse_twins(&described)?;
    if described.is_empty() {
        return Ok(updated);
    }
    let plan = Plan::new(request, &described)?;
    for (index, file) in plan.files.iter().enumerate() {
        let mine = described.iter().zip(&plan.homes);
        let mine: Vec<_> = mine
            .filter(|(_, home)| **home == index)
            .map(|(found, _)| found)
            .collect();
        let Some(first) = mine.first() else {
            continue;
        };
        let current = plan.current(index, &first.entry.names.context, request.set_current);
        let entries: Vec<_> = mine.iter().map(|found| found.entry.clone()).collect();
        let merged = request.write(file, &entries, current, deadline)?;
        for (found, change) in mine.iter().zip(&merged.changes) {
            updated.contexts.push(found.written(&file.path, *change));
        }
        updated.files.push(Text {
            file: file.path.clone(),
            text: merged.text,
            switched_to: merged.switched.then(|| first.entry.names.context.clone()),
        });
    }
    Ok(updated)
}

impl Request<'_> {
    /// Puts entries into a file, unless they are there as they should be.
    fn write(
        &self,
        file: &File,
        entries: &[Entry],
        current: Current<'_>,
        deadline: Deadline,
    ) -> Result<Merged, Error> {
        let mut lock = None;
        loop {
            let present = file.read()?;
            let merged = Document::parse(&file.path, &present.text)?.merge(entries, current)?;
            if self.dry_run {
                return Ok(merged);
            }
            if merged.text == present.text {
                file.tighten(&present, self.notice);
                return Ok(merged);
            }
            // What was read before the lock was taken may have changed since.
            if lock.is_some() {
                file.replace(&present, &merged.text, self.notice)?;
                return Ok(merged);
            }
            lock = Some(file.lock(&present, self.holder, deadline, self.notice)?);
        }
    }
}
