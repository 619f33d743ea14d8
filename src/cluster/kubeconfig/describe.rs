//! What EKS says of the clusters, and what is to be written of them.

use std::path::Path;

use super::entry::{self, Entry, Names};
use super::{Change, Error, Request, Written};
use crate::arn::{Region, SessionName};
use crate::aws::{self, Aws, Description};
use crate::cluster::describe::Question;
use crate::cluster::session::default_name;
use crate::cluster::{Cluster, assumable};
use crate::deadline::Deadline;

/// A cluster that was described.
pub(super) struct Described<'a> {
    cluster: &'a Cluster,
    pub(super) entry: Entry,
    version: Option<String>,
}

impl<'a> Request<'a> {
    /// Asks EKS about all clusters at the same time.
    pub(super) fn describe_all(
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
        if let Some(describer) = self.describer {
            assumable(describer, &region)?;
        }
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

    /// Asks EKS, and tells what of the role's access is worth a line.
    fn ask(
        &self,
        cluster: &Cluster,
        region: &Region,
        aws: &Aws,
        deadline: Deadline,
    ) -> Result<Description, aws::Error> {
        let session = self.session();
        let question = Question {
            cluster,
            region,
            describer: self.describer,
            session: &session,
            detail: self.detail,
        };
        let (description, refused) = question.ask(aws, deadline)?;
        if let Some(aws::Error::AccessDenied(why)) = &refused
            && why.action == "sts:AssumeRole"
        {
            (self.notice)(&format!(
                "cluster `{}` is written, but its role cannot be assumed now, and kubectl will not get in: {why}",
                cluster.name
            ));
        }
        Ok(description)
    }
}

impl Described<'_> {
    pub(super) fn written(&self, file: &Path, change: Change) -> Written {
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

/// Two clusters cannot have one context.
pub(super) fn refuse_twins(described: &[Described<'_>]) -> Result<(), Error> {
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
