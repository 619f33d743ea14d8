//! Which cluster goes to which of several files, and which context is to be current.

use super::describe::Described;
use super::file::File;
use super::merge::{Current, Document};
use super::{Error, Request};

/// Which cluster goes to which file.
pub(super) struct Plan {
    pub(super) files: Vec<File>,
    /// Of each cluster the index of its file.
    pub(super) homes: Vec<usize>,
    /// Of each file its current context, whether or not it is one.
    currents: Vec<Option<String>>,
    /// The contexts of all files, those that are to be written among them.
    contexts: Vec<String>,
}

impl Plan {
    pub(super) fn new(request: &Request<'_>, described: &[Described<'_>]) -> Result<Self, Error> {
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
        let contexts = described.iter().map(|found| &found.entry.names.context);
        let mut contexts: Vec<_> = contexts.cloned().collect();
        for (index, look) in looks.into_iter().enumerate() {
            match look {
                Ok(look) => {
                    currents.push(look.current);
                    contexts.extend(look.contexts);
                }
                // What is wrong with a file that is written to, writing will tell.
                Err(error) => {
                    if !homes.contains(&index) {
                        (request.notice)(&format!("passed over, as not usable: {error}"));
                    }
                    currents.push(None);
                }
            }
        }
        let plan = Self {
            files,
            homes,
            currents,
            contexts,
        };
        if (request.set_current || !plan.has_current())
            && let Some(current) = plan.overruling()
        {
            (request.notice)(&format!(
                "an earlier file of the list has the current context `{current}`, which kubectl takes{}",
                if plan.is_context(current) {
                    ""
                } else {
                    ", and no file has that context"
                }
            ));
        }
        Ok(plan)
    }

    /// The current context of a file before the one that the first cluster goes to.
    fn overruling(&self) -> Option<&str> {
        let home = self.homes.first().copied().unwrap_or_default();
        self.currents
            .iter()
            .take(home)
            .flatten()
            .next()
            .map(String::as_str)
    }

    /// Whether any file has a current context that is a context.
    fn has_current(&self) -> bool {
        let mut currents = self.currents.iter().flatten();
        currents.any(|current| self.is_context(current))
    }

    fn is_context(&self, name: &str) -> bool {
        self.contexts.iter().any(|context| context == name)
    }

    /// What is to be the current context of a file. kubectl takes the first that any file has.
    pub(super) fn current<'c>(
        &self,
        file: usize,
        context: &'c str,
        set_current: bool,
    ) -> Current<'c> {
        let is_first = self.homes.first() == Some(&file);
        match (is_first, set_current) {
            (true, true) => Current::Set(context),
            (true, false) if !self.has_current() => Current::Default(context),
            _ => Current::Kept,
        }
    }
}

/// What choosing a file takes to know of it.
struct Look {
    /// Of each cluster, whether the file has it.
    has: Vec<bool>,
    current: Option<String>,
    contexts: Vec<String>,
}

fn look(file: &File, clusters: &[&str]) -> Result<Look, Error> {
    let present = file.read()?;
    let document = Document::parse(&file.path, &present.text)?;
    let has = clusters.iter().map(|name| document.has("clusters", name));
    Ok(Look {
        has: has.collect(),
        current: document.current().map(str::to_owned),
        contexts: document.contexts().map(str::to_owned).collect(),
    })
}
