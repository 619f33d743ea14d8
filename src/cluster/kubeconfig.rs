//! Clusters of Amazon EKS in a kubeconfig: described, merged into what is there, and written whole.
//!
//! `plugin` finds the program that gives tokens, `entry` makes what is written of a cluster, `merge`
//! puts it into the text, and `file` guards the file.

mod entry;
mod error;
mod file;
mod merge;
mod plugin;

use std::path::{Path, PathBuf};

use serde::Serialize;
use url::Url;

pub use entry::Names;
pub use error::Error;
pub use plugin::{Exec, InvalidExec, Place, Plugin};

use super::session::default_name;
use super::{Alias, Cluster};
use crate::arn::{ClusterName, Region, RoleArn, SessionName};
use crate::aws::{self, Aws, Description, Identity};
use crate::deadline::Deadline;
use entry::Entry;
use file::File;
use merge::{Current, Document, Merged};

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

/// A cluster that was described.
struct Described<'a> {
    cluster: &'a Cluster,
    entry: Entry,
    version: Option<String>,
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

impl<'a> Request<'a> {
    /// Asks EKS about all clusters at the same time.
    fn describe_all(
        &self,
        aws: &Aws,
        deadline: Deadline,
    ) -> Vec<(&'a Cluster, Result<Described<'a>, Error>)> {
        std::thread::scope(|scope| {
            let asked = self.clusters.iter().map(|cluster| {
                let ask = move || self.describe(cluster, aws, deadline);
                (cluster, scope.spawn(ask))
            });
            let asked: Vec<_> = asked.collect();
            let asked = asked.into_iter().map(|(cluster, asked)| {
                let found = asked.join();
                (
                    cluster,
                    found.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                )
            });
            asked.collect()
        })
    }

    fn describe(
        &self,
        cluster: &'a Cluster,
        aws: &Aws,
        deadline: Deadline,
    ) -> Result<Described<'a>, Error> {
        let fail = |source| Error::Describe {
            name: cluster.name.clone(),
            source,
        };
        let region = if let Some(region) = &cluster.region {
            region.clone()
        } else {
            let region = aws.region().map_err(fail)?;
            region.ok_or_else(|| fail(aws::Error::NoRegion))?.0
        };
        let mut placed = cluster.clone();
        placed.region = Some(region.clone());
        placed.check()?;
        let described = self.ask(cluster, &region, aws, deadline).map_err(fail)?;
        let (server, authority) = entry::check(cluster, &described)?;
        let outpost = described.outpost_id.as_deref();
        let exec = self
            .plugin
            .section(cluster, outpost, &region, &self.session());
        Ok(Described {
            cluster,
            entry: Entry {
                names: Names::of(&described.arn, cluster, self.user_alias),
                server,
                authority,
                proxy: self.proxy.map(ToString::to_string),
                exec,
            },
            version: described.version,
        })
    }

    fn session(&self) -> SessionName {
        let given = self.session.cloned();
        given.unwrap_or_else(|| default_name(self.delegate))
    }

    /// Asks EKS as whom it is to be asked.
    ///
    /// The account of the role is the account in which a cluster of that name is meant, so the role
    /// asks first, as the Harness connector does; the AWS CLI asks as the caller alone.
    fn ask(
        &self,
        cluster: &Cluster,
        region: &Region,
        aws: &Aws,
        deadline: Deadline,
    ) -> Result<Description, aws::Error> {
        let caller = aws.identity(deadline)?;
        let ask =
            |identity: &Identity| aws.describe_cluster(identity, region, &cluster.name, deadline);
        let ask_as = |role: &RoleArn| {
            let is_own = cluster.role.as_ref() == Some(role);
            let id = cluster.external_id.as_ref().filter(|_| is_own);
            ask(&aws.assume_role(&caller, role, id, &self.session(), region, deadline)?)
        };
        let role = match (self.describer, &cluster.role) {
            (Some(describer), _) => return ask_as(describer),
            (None, None) => return ask(&caller),
            (None, Some(role)) => role,
        };
        let refused = match ask_as(role) {
            Err(error) if is_refusal(&error) => error,
            done => return done,
        };
        let Ok(description) = ask(&caller) else {
            return Err(refused);
        };
        if let Some(account) = &description.arn.account
            && *account != role.account
        {
            (self.notice)(&format!(
                "cluster `{}` is that of account {account}, which the caller sees; its role is of account {}, \
                 and could not ask for it: {refused}",
                cluster.name, role.account
            ));
        }
        Ok(description)
    }

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

/// Whether another caller may get another answer.
const fn is_refusal(error: &aws::Error) -> bool {
    matches!(
        error,
        aws::Error::AccessDenied(_) | aws::Error::ClusterNotFound { .. }
    )
}

impl Described<'_> {
    fn written(&self, file: &Path, change: Change) -> Written {
        let names = &self.entry.names;
        Written {
            cluster: self.cluster.name.to_string(),
            context: names.context.clone(),
            user: names.user.clone(),
            server: self.entry.server.clone(),
            version: self.version.clone(),
            file: file.to_owned(),
            change,
        }
    }
}

fn refuse_twins(described: &[Described<'_>]) -> Result<(), Error> {
    for (index, found) in described.iter().enumerate() {
        let context = &found.entry.names.context;
        let mut before = described.iter().take(index);
        if before.any(|other| other.entry.names.context == *context) {
            return Err(Error::Twice {
                context: context.clone(),
            });
        }
    }
    Ok(())
}

/// Which cluster goes to which file.
struct Plan {
    files: Vec<File>,
    /// Of each cluster the index of its file.
    homes: Vec<usize>,
    /// Of each file its current context.
    currents: Vec<Option<String>>,
}

impl Plan {
    fn new(request: &Request<'_>, described: &[Described<'_>]) -> Result<Self, Error> {
        let files = request.files.iter().map(|path| File::new(path));
        let files = files.collect::<Result<Vec<_>, _>>()?;
        let names = described
            .iter()
            .map(|found| found.entry.names.cluster.as_str());
        let names: Vec<_> = names.collect();
        let looks: Vec<_> = files.iter().map(|file| look(file, &names)).collect();
        let has = |look: &Result<Look, Error>, cluster: usize| {
            look.as_ref()
                .is_ok_and(|look| look.has.get(cluster) == Some(&true))
        };
        let homes = (0..names.len()).map(|cluster| {
            let home = looks.iter().position(|look| has(look, cluster));
            home.unwrap_or_default()
        });
        let homes: Vec<_> = homes.collect();
        let mut currents = Vec::new();
        for (index, look) in looks.into_iter().enumerate() {
            match look {
                Ok(look) => currents.push(look.current),
                // What is wrong with a file that is written to, writing will tell.
                Err(error) => {
                    if !homes.contains(&index) {
                        (request.notice)(&format!("passed over, as not usable: {error}"));
                    }
                    currents.push(None);
                }
            }
        }
        Ok(Self {
            files,
            homes,
            currents,
        })
    }

    /// What is to be the current context of a file. kubectl takes the first that any file has.
    fn current<'c>(&self, file: usize, context: &'c str, set_current: bool) -> Current<'c> {
        let is_first = self.homes.first() == Some(&file);
        match (is_first, set_current) {
            (true, true) => Current::Set(context),
            (true, false) if self.currents.iter().all(Option::is_none) => Current::Default(context),
            _ => Current::Kept,
        }
    }
}

/// What choosing a file takes to know of it.
struct Look {
    /// Of each cluster, whether the file has it.
    has: Vec<bool>,
    current: Option<String>,
}

fn look(file: &File, clusters: &[&str]) -> Result<Look, Error> {
    let present = file.read()?;
    let document = Document::parse(&file.path, &present.text)?;
    let has = clusters.iter().map(|name| document.has("clusters", name));
    Ok(Look {
        has: has.collect(),
        current: document.current().map(str::to_owned),
    })
}
