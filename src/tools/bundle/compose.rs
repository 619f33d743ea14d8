//! One artifact of an npm tool: its packages, laid out as an installation lays them out, and packed.

use std::path::{Path, PathBuf};

use url::Url;

use super::{Error, Maker};
use crate::archive::{self, Options};
use crate::cache::{Checked, Verified};
use crate::files::{self, Staging};
use crate::http::Download;
use crate::platform::Platform;
use crate::tools::install::{self, Packages};
use crate::tools::outcome::Activity;
use crate::tools::package_lock::PackageLock;
use crate::tools::resolve::Pins;
use crate::tools::wanted::Wanted;
use crate::tools::{Artifact, Release, Source};

/// The program that knows npm's own registry.
const NPM: &str = "npm";

impl Maker<'_> {
    /// Makes the artifact in `work`.
    pub(super) fn compose(
        &self,
        release: &Release,
        lock: &PackageLock,
        work: &Staging,
    ) -> Result<Verified, Error> {
        let failed = |source| Error::of(release, None, source);
        let registry = self.registry(release, work)?;
        let tree = work.directory("tree").map_err(Error::Output)?;
        install::check_room(&tree, lock).map_err(failed)?;
        let packages = Packages {
            client: self.client,
            cache: self.cache,
            mirrors: self.mirrors,
            no_origin: self.no_origin,
            registry: self.registry,
            deadline: self.deadline,
            observer: self.observer,
        };
        let unpacked = packages.unpack(release, lock, &registry, &tree);
        let unpacked = unpacked.map_err(failed)?;
        (self.observer)(release.tool.as_str(), Activity::Packing);
        let name = format!("{}.tar.gz", release.tool);
        let (path, file) = work.file(&name).map_err(Error::Output)?;
        let packed = archive::pack(&tree, &unpacked.entries, &file, &path, self.deadline);
        let (digest, size) = packed.map_err(|error| match error {
            archive::Error::Deadline(passed) => Error::Deadline(passed),
            error => Error::Pack(error),
        })?;
        files::remove(&tree).map_err(Error::Output)?;
        match Verified::check(&path, &digest, size) {
            Ok(Checked::Whole(file)) => Ok(file),
            Ok(_) => Err(Error::Changed { path }),
            Err(source) => Err(Error::Output(files::Error::new("read", &path, source))),
        }
    }

    /// The registry: as it was given, else as the npm says that the tool would be installed with.
    fn registry(&self, release: &Release, work: &Staging) -> Result<Url, Error> {
        let failed = |source| Error::of(release, None, source);
        let given = self.registry.address();
        if let Some(address) = given.map_err(|error| failed(install::Error::Npm(error)))? {
            return Ok(address);
        }
        let Some(other) = self.with_npm(release)? else {
            return Err(Error::NoRegistry {
                tool: release.tool.clone(),
            });
        };
        let Source::Artifact(artifact) = &other.source else {
            return Err(Error::NoRegistry {
                tool: release.tool.clone(),
            });
        };
        let directory = work.directory("npm").map_err(Error::Output)?;
        let home = work.directory("home").map_err(Error::Output)?;
        let npm = self.unpack_npm(&other, artifact, &directory)?;
        let asked = install::ask_npm(npm, self.variables, &home, self.deadline);
        files::remove(&directory).map_err(Error::Output)?;
        files::remove(&home).map_err(Error::Output)?;
        asked.map_err(failed)
    }

    /// The tool for this machine that this one needs and that has npm: as the lock pins it, else as the
    /// catalog does.
    fn with_npm(&self, release: &Release) -> Result<Option<Release>, Error> {
        let pins = Pins {
            catalog: self.catalog,
            lock: Some(self.lock),
            locked: false,
            platform: Platform::host(),
        };
        for need in &release.needs {
            let wanted = Wanted::any(need.tool.clone());
            let other = pins.resolve(&wanted).map_err(Error::Unresolved)?;
            if other.programs.keys().any(|name| name.as_str() == NPM) {
                return Ok(Some(other));
            }
        }
        Ok(None)
    }

    /// Puts the tool that has npm below `directory`, and says where npm is.
    fn unpack_npm(
        &self,
        other: &Release,
        artifact: &Artifact,
        directory: &Path,
    ) -> Result<PathBuf, Error> {
        let failed = |source| Error::of(other, None, source);
        let file = self.fetch(other, artifact, None)?;
        let options = Options {
            strip: install::strip_of(other),
            skip: &[],
            limits: install::limits_of(other),
            threads: 0,
        };
        let format = install::format_of(other);
        let deadline = self.deadline;
        archive::unpack(&file, &format, directory, &options, deadline, &|_| ())
            .map_err(|error| failed(install::Error::Archive(error)))?;
        let program = other.programs.iter().find(|(name, _)| name.as_str() == NPM);
        let path = program.map(|(_, program)| program.path.as_path());
        Ok(directory.join(path.unwrap_or(Path::new(NPM))))
    }

    /// Gets an artifact as an installation does: from the cache, a mirror or its vendor, by its digest.
    pub(super) fn fetch(
        &self,
        release: &Release,
        artifact: &Artifact,
        target: Option<&str>,
    ) -> Result<Verified, Error> {
        let failed = |source| Error::of(release, target, source);
        let (origin, digest) = (&artifact.url, &artifact.digest);
        let sources = install::sources(self.mirrors, origin, digest, self.no_origin);
        let download = Download {
            digest,
            size: artifact.size,
            max_size: release.limits.download,
            sources: &sources.map_err(failed)?,
        };
        let observer = |event: crate::http::Event<'_>| self.tell(release, event);
        let fetched = self
            .client
            .fetch(&download, self.cache, self.deadline, &observer);
        let fetched = fetched.map_err(|error| failed(install::Error::Fetch(error)))?;
        Ok(fetched.file)
    }

    fn tell(&self, release: &Release, event: crate::http::Event<'_>) {
        use crate::http::Event;
        let tool = release.tool.as_str();
        match event {
            Event::Asking { source, .. } => {
                (self.observer)(tool, Activity::Downloading { source });
            }
            Event::Received {
                received, expected, ..
            } => (self.observer)(tool, Activity::Received { received, expected }),
            other => self.note(release, &install::described(&other)),
        }
    }

    fn note(&self, release: &Release, note: &str) {
        (self.observer)(release.tool.as_str(), Activity::Note(note));
    }
}
