//! Looking at what is installed of a tool.

use std::time::{Duration, Instant};

use super::activate::shape;
use super::{Error, Installer, Previous, pin};
use crate::deadline::Deadline;
use crate::files;
use crate::tools::Release;
use crate::tools::receipt::{Condition, Receipt};

/// How long a version that is kept for want of a newer one may be looked at: it takes milliseconds.
const GRACE: Duration = Duration::from_secs(2);

/// What a look may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    /// Links that are missing or wrong: the caller holds the lock.
    Links,
    /// Nothing, but for a receipt that is brought up to date, or made durable.
    Nothing,
}

/// What is installed of a tool.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing that a receipt speaks of.
    Absent,
    /// The wanted release, and it is not whole: the first difference.
    Damaged(String),
    /// Another release.
    Other,
    /// The wanted release; its links had to be mended.
    Relinked { source: String },
    /// The wanted release, whole.
    Whole { source: String },
}

impl Installer<'_> {
    /// Compares what is installed with the wanted release, file by file.
    pub(super) fn look(&self, release: &Release, touch: Touch) -> Result<Found, Error> {
        let settings = self.settings;
        let (tool, version) = (release.tool.as_str(), release.version.to_string());
        let path = settings.prefix.receipt(tool);
        let Ok(text) = files::read_own(&path) else {
            return Ok(Found::Absent);
        };
        let Some(mut receipt) = Receipt::parse(&text) else {
            return Ok(Found::Absent);
        };
        if !self.is_of(&receipt, release) {
            return Ok(Found::Other);
        }
        let tree = settings.prefix.version(tool, &version);
        match receipt
            .check(&tree, &settings.boot, self.deadline)
            .map_err(Error::Deadline)?
        {
            Condition::Damaged(damage) => return Ok(Found::Damaged(damage)),
            // A prefix that cannot be written, such as an image's layer, is hashed at every start.
            Condition::Refreshed => drop(receipt.write(&path)),
            Condition::Whole => {}
        }
        if settings.durable && !receipt.durable {
            files::sync(&tree).map_err(Error::File)?;
            receipt.durable = true;
            receipt.write(&path).map_err(Error::File)?;
        }
        let source = receipt.source.clone().into_owned();
        match touch {
            // A launcher names the program that runs it, so that must be known first.
            Touch::Links => self.await_needs(release)?,
            Touch::Nothing
                if release
                    .needs
                    .iter()
                    .any(|need| self.board.directory(need.tool.as_str()).is_none()) =>
            {
                return Ok(Found::Damaged(String::new()));
            }
            Touch::Nothing => {}
        }
        match (self.is_linked(release), touch) {
            (true, _) => Ok(Found::Whole { source }),
            (false, Touch::Nothing) => Ok(Found::Damaged("its links are missing".to_owned())),
            (false, Touch::Links) => {
                self.link(release)?;
                Ok(Found::Relinked { source })
            }
        }
    }

    /// Whether this is the receipt of the wanted release, as it is wanted.
    fn is_of(&self, receipt: &Receipt<'_>, release: &Release) -> bool {
        receipt.tool == release.tool.as_str()
            && receipt.version == release.version.to_string()
            && receipt.platform == release.platform.to_string()
            && receipt.digest == pin(release)
            && receipt.shape == shape(release)
            && receipt.slim == self.is_slim(release)
    }

    /// The version that is installed and whole, unless it is the wanted release itself: then what
    /// went wrong is its links or what it needs, and nothing older stands in for it.
    ///
    /// Whole means that its programs can be run, too.
    pub(super) fn other_intact_version(&self, release: &Release) -> Option<Previous> {
        let tool = release.tool.as_str();
        let text = files::read_own(&self.settings.prefix.receipt(tool)).ok()?;
        let mut receipt = Receipt::parse(&text)?;
        if self.is_of(&receipt, release) || receipt.platform != release.platform.to_string() {
            return None;
        }
        let bin = self.settings.prefix.bin();
        if !receipt
            .programs
            .iter()
            .all(|name| bin.join(name.as_ref()).exists())
        {
            return None;
        }
        let version = receipt.version.clone().into_owned();
        let tree = self.settings.prefix.version(tool, &version);
        // What keeps the old version is often the deadline itself.
        let soon = if self.deadline.left() > GRACE {
            self.deadline
        } else {
            Deadline::after(Instant::now(), GRACE)
        };
        let condition = receipt.check(&tree, &self.settings.boot, soon).ok()?;
        let (digest, source) = (receipt.digest.into_owned(), receipt.source.into_owned());
        let previous = Previous {
            version,
            digest,
            source,
        };
        (!matches!(condition, Condition::Damaged(_))).then_some(previous)
    }
}
