//! Finding a tool that somebody else has put on PATH.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{Error, Installer, directory_of};
use crate::deadline::Deadline;
use crate::program::{Invocation, harmless_variables};
use crate::tools::Release;

/// How long somebody else's program may take to tell its version, and no more than a third of what
/// is left: one that hangs must leave time to install ours.
const PATIENCE: Duration = Duration::from_secs(10);

impl Installer<'_> {
    /// The directory on PATH that has this tool in the wanted version, asked as the catalog asks a
    /// tool that was just installed; our own links do not count.
    pub(super) fn present(&self, release: &Release) -> Result<Option<PathBuf>, Error> {
        let settings = self.settings;
        let Some(path) = settings.variables.get("PATH") else {
            return Ok(None);
        };
        // Without a version to expect, nothing tells whether it is the wanted one.
        if release.smoke.expect.is_none() {
            return Ok(None);
        }
        let ours = settings.prefix.path().canonicalize();
        let ours = ours.unwrap_or_else(|_| settings.prefix.path().to_owned());
        let name = release.smoke.program.as_str();
        let found = which::which_in_all(name, Some(path), "/")
            .map(Iterator::collect::<Vec<_>>)
            .unwrap_or_default();
        for program in found {
            let directory = directory_of(&program);
            // However it is spelled and linked, what is in the prefix was found wanting already.
            if program
                .canonicalize()
                .is_ok_and(|program| program.starts_with(&ours))
            {
                continue;
            }
            let home = super::stage::Staged::new(&settings.prefix.tool(release.tool.as_str()))?;
            let mut variables = harmless_variables(&settings.variables, home.directory());
            variables.extend(release.smoke.env.clone());
            let invocation = Invocation {
                program,
                args: release.smoke.args.clone(),
                variables,
                directory: home.directory().to_owned(),
            };
            let soon = Deadline::after(Instant::now(), (self.deadline.left() / 3).min(PATIENCE));
            match invocation.output(soon) {
                Ok(output) if release.smoke.accepts(&output) => return Ok(Some(directory)),
                Ok(_) => self.note(
                    release,
                    &format!("`{}` is of another version", invocation.program.display()),
                ),
                Err(error) => self.note(release, &error.to_string()),
            }
        }
        Ok(None)
    }
}
