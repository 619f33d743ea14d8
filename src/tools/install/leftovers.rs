//! What killed runs left behind, wherever a run puts anything.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::Installer;
use crate::deadline::Deadline;
use crate::files::{self, Lock};

impl Installer<'_> {
    /// Clears away what killed runs left, for a run that found nothing to do and so holds no lock.
    ///
    /// Whoever holds the lock is at work: then it is not left over. Whatever fails is tried again
    /// by the next run.
    pub(super) fn clear_leftovers_unless_busy(&self) {
        if self.leftovers().is_empty() {
            return;
        }
        let settings = self.settings;
        let at_once = Deadline::after(Instant::now(), Duration::ZERO);
        let lock = Lock::take(&settings.prefix.lock(), &settings.holder, at_once, |_| ());
        if lock.is_ok() {
            self.clear_leftovers();
        }
    }

    /// Clears away what killed runs left; the caller holds the lock and has nothing under way.
    pub(super) fn clear_leftovers(&self) {
        for path in self.leftovers() {
            drop(files::remove(&path));
        }
    }

    fn leftovers(&self) -> Vec<PathBuf> {
        let prefix = &self.settings.prefix;
        let fixed = [
            prefix.path().to_owned(),
            prefix.bin(),
            prefix.receipts(),
            prefix.tools(),
        ];
        let tools = fs::read_dir(prefix.tools()).into_iter().flatten().flatten();
        let tools = tools.map(|tool| tool.path());
        let inside = fixed
            .into_iter()
            .chain(tools)
            .flat_map(|directory| files::unfinished_in(&directory));
        // A directory that belongs to others too, such as /usr/local/bin: only links to here.
        let ours = |link: &PathBuf| {
            fs::read_link(link).is_ok_and(|target| target.starts_with(prefix.path()))
        };
        let bin_dir = self.settings.bin_dir.iter();
        let outside = bin_dir
            .flat_map(|directory| files::unfinished_in(directory))
            .filter(ours);
        inside.chain(outside).collect()
    }
}
