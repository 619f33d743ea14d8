//! Getting a release into a staging directory, from verified bytes alone, and trying it there.

use std::path::{Path, PathBuf};

use super::{Error, Installer, Settled};
use crate::archive::{self, Entry, Format, Limits, Options};
use crate::digest::Digest;
use crate::elf;
use crate::fault::Fault;
use crate::files::{self, Room};
use crate::http::{self, Download, Event};
use crate::program::{Invocation, harmless_variables};
use crate::tools::mirror::{self, MirrorTemplate};
use crate::tools::outcome::Activity;
use crate::tools::{Artifact, Layout, Program, ProgramKind, Release, Source};

/// A tree that is not in place yet; dropped, it is removed.
#[derive(Debug)]
pub(super) struct Staged {
    directory: PathBuf,
    pub(super) entries: Vec<Entry>,
    pub(super) source: String,
    pub(super) bytes: u64,
    pub(super) attempts: u32,
}

impl Staged {
    /// An empty tree beside the versions of this tool.
    pub(super) fn new(parent: &Path) -> Result<Self, Error> {
        let directory = files::staging_directory(parent).map_err(Error::File)?;
        Ok(Self {
            directory,
            entries: Vec::new(),
            source: String::new(),
            bytes: 0,
            attempts: 0,
        })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Moved into place it is gone already; what cannot be removed the next run tries again.
        drop(files::remove(&self.directory));
    }
}

impl Installer<'_> {
    /// Fetches and unpacks a release.
    pub(super) fn stage(&self, release: &Release) -> Result<Staged, Error> {
        match &release.source {
            Source::Artifact(artifact) => self.stage_artifact(release, artifact),
            Source::Packages(lock) => self.stage_packages(release, lock),
        }
    }

    fn stage_artifact(&self, release: &Release, artifact: &Artifact) -> Result<Staged, Error> {
        let sources = sources(
            &self.settings.mirrors,
            &artifact.url,
            &artifact.digest,
            self.settings.no_origin,
        )?;
        let download = Download {
            digest: &artifact.digest,
            size: artifact.size,
            max_size: release.limits.download,
            sources: &sources,
        };
        let observer = |event: Event<'_>| self.tell(release, event);
        let fetched = self
            .client
            .fetch(&download, &self.settings.cache, self.deadline, &observer);
        let fetched = fetched.map_err(Error::Fetch)?;
        let format = format_of(release);
        let parent = self.settings.prefix.tool(release.tool.as_str());
        let skip = self.skipped(release);
        let options = Options {
            strip: strip_of(release),
            skip: &skip,
            limits: limits_of(release),
            threads: 0,
        };
        let contents =
            archive::measure(&fetched.file, &format, &options).map_err(Error::Archive)?;
        // The room that one tool takes must be gone before another asks for it.
        let _one_at_a_time = self.unpacking.lock();
        let room = Room::at(&parent).map_err(Error::File)?;
        room.check(&parent, contents.bytes, contents.entries)
            .map_err(Error::Room)?;
        (self.observer)(release.tool.as_str(), Activity::Unpacking);
        let mut staged = Staged::new(&parent)?;
        let entries = archive::unpack(
            &fetched.file,
            &format,
            &staged.directory,
            &options,
            self.deadline,
            &|_| (),
        );
        staged.entries = entries.map_err(Error::Archive)?;
        (staged.source, staged.bytes, staged.attempts) =
            (fetched.source, fetched.downloaded, fetched.attempts);
        Ok(staged)
    }

    fn skipped(&self, release: &Release) -> Vec<String> {
        let slim = release.slim.iter().filter(|_| self.settings.slim);
        slim.map(|path| path.as_str().to_owned()).collect()
    }

    /// Passes on what happens to a download.
    pub(super) fn tell(&self, release: &Release, event: Event<'_>) {
        let tool = release.tool.as_str();
        match event {
            Event::Asking { source, .. } => (self.observer)(tool, Activity::Downloading { source }),
            Event::Received {
                received, expected, ..
            } => {
                (self.observer)(tool, Activity::Received { received, expected });
            }
            other => self.note(release, &described(&other)),
        }
    }

    /// Checks every program of the staged tree, and runs one as the catalog says.
    pub(super) fn try_out(&self, release: &Release, staged: &Staged) -> Result<(), Error> {
        for (name, program) in &release.programs {
            let path = staged.directory.join(program.path.as_str());
            if !path.is_file() {
                return Err(Error::NoProgram {
                    name: name.to_string(),
                    path: program.path.to_string(),
                });
            }
            if program.kind == ProgramKind::Elf {
                elf::check(&path, release.platform.arch).map_err(Error::Elf)?;
            }
        }
        self.await_needs(release)?;
        (self.observer)(release.tool.as_str(), Activity::Trying);
        let smoke = &release.smoke;
        let Some(program) = release.programs.get(&smoke.program) else {
            return Err(Error::NoProgram {
                name: smoke.program.to_string(),
                path: "the smoke test".to_owned(),
            });
        };
        // Programs leave caches and settings in their home directory.
        let home = Staged::new(&self.settings.prefix.tool(release.tool.as_str()))?;
        let invocation = self.invocation(release, program, &staged.directory, &home.directory);
        let output = invocation.output(self.deadline).map_err(Error::Program)?;
        match &smoke.expect {
            Some(expected) if !smoke.accepts(&output) => Err(Error::Unexpected {
                command: invocation.to_string(),
                expected: expected.clone(),
                output: output
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .chars()
                    .take(200)
                    .collect(),
            }),
            _ => Ok(()),
        }
    }

    /// The command that tries a program of a tree out.
    fn invocation(
        &self,
        release: &Release,
        program: &Program,
        tree: &Path,
        home: &Path,
    ) -> Invocation {
        let path = tree.join(program.path.as_str());
        let mut args = release.smoke.args.clone();
        let run = match &program.kind {
            ProgramKind::RunWith(interpreter) => {
                args.insert(0, path.display().to_string());
                self.program_of(release, interpreter.as_str())
            }
            ProgramKind::Elf | ProgramKind::Script => path,
        };
        let mut variables = harmless_variables(&self.settings.variables, home);
        variables.extend(release.smoke.env.clone());
        Invocation {
            program: run,
            args,
            variables,
            directory: home.to_owned(),
        }
    }

    /// Waits for the tools that this one needs.
    pub(super) fn await_needs(&self, release: &Release) -> Result<(), Error> {
        for need in &release.needs {
            let tool = need.tool.as_str();
            match self.board.wait(tool, self.deadline) {
                Some(Settled::In { version, .. })
                    if version
                        .parse()
                        .is_ok_and(|version| need.at_least <= version) => {}
                Some(Settled::In {
                    version, kept_for, ..
                }) => {
                    return Err(Error::NeedsNewer {
                        needed: tool.to_owned(),
                        at_least: need.at_least.to_string(),
                        version,
                        fault: kept_for.unwrap_or(Fault::Local),
                    });
                }
                Some(Settled::Failed(fault)) => {
                    return Err(Error::Needs {
                        needed: tool.to_owned(),
                        fault,
                    });
                }
                None => return Err(Error::Deadline(self.deadline.passed())),
            }
        }
        Ok(())
    }
}

/// The addresses of an artifact, in the order in which they are tried.
pub(in crate::tools) fn sources(
    mirrors: &[MirrorTemplate],
    origin: &url::Url,
    digest: &Digest,
    no_origin: bool,
) -> Result<Vec<http::Source>, Error> {
    let mut urls = mirror::sources(mirrors, origin, digest, no_origin);
    // The lock of a bundle may have been carried on without it, to a pod that has a mirror.
    let is_absent = |url: &url::Url| {
        let path = url.to_file_path();
        let is_file = url.scheme() == "file" && url == origin;
        is_file && path.is_ok_and(|path| !path.exists())
    };
    if urls.len() > 1 {
        urls.retain(|url| !is_absent(url));
    }
    if urls.is_empty() {
        return Err(Error::NoSource);
    }
    Ok(urls.into_iter().map(http::Source::new).collect())
}

/// An event that a reader of the log wants to know of.
pub(in crate::tools) fn described(event: &Event<'_>) -> String {
    match event {
        Event::CacheDamaged {
            path, source: None, ..
        } => {
            format!(
                "`{}` has other bytes than its name says: fetching it again",
                path.display()
            )
        }
        Event::CacheDamaged {
            path,
            source: Some(error),
            ..
        } => {
            format!(
                "`{}` cannot be read ({error}): fetching it again",
                path.display()
            )
        }
        Event::CacheUnwritable { dir, source, .. } => format!(
            "nothing can be written to `{}` ({source}): keeping the download below the prefix",
            dir.display()
        ),
        Event::Waiting { path, .. } => format!(
            "waiting for another process that fetches `{}`",
            path.display()
        ),
        Event::SourceFailed {
            source,
            failure,
            again: true,
            ..
        }
        | Event::LookupFailed {
            source,
            failure,
            again: true,
        } => format!("{source}: {failure}: will try again"),
        Event::SourceFailed {
            source,
            failure,
            again: false,
            ..
        }
        | Event::LookupFailed {
            source,
            failure,
            again: false,
        } => format!("{source}: {failure}: giving it up"),
        Event::Pausing { delay, .. } => format!("trying again in {:.1} s", delay.as_secs_f64()),
        Event::CertificatesSkipped { path, reason } => {
            format!(
                "`{}` is passed over as a certificate: {reason}",
                path.display()
            )
        }
        Event::Asking { source, .. } => format!("asking {source}"),
        Event::Received { received, .. } => format!("{received} bytes"),
    }
}

pub(in crate::tools) fn format_of(release: &Release) -> Format {
    match &release.layout {
        Layout::Zip { .. } => Format::Zip,
        Layout::TarGz { .. } => Format::TarGz,
        Layout::Raw | Layout::Npm => {
            let program = release.programs.values().next();
            Format::Raw {
                name: program
                    .map(|program| program.path.to_string())
                    .unwrap_or_default(),
            }
        }
    }
}

pub(in crate::tools) fn strip_of(release: &Release) -> &str {
    match &release.layout {
        Layout::Zip { strip } | Layout::TarGz { strip } => {
            strip.as_ref().map_or("", |strip| strip.as_str())
        }
        Layout::Raw | Layout::Npm => "",
    }
}

/// Deflate cannot exceed 1032 times, and what is honest stays far below (the AWS CLI: 3.6).
const RATIO: u64 = 200;

pub(in crate::tools) const fn limits_of(release: &Release) -> Limits {
    Limits {
        entries: release.limits.entries,
        bytes: release.limits.unpacked,
        ratio: RATIO,
    }
}
