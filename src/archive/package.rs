//! Unpacks npm packages, each into all the places of a tree that a package lock names for it.

use std::collections::HashSet;

use crate::archive::gunzip::Gunzip;
use crate::archive::meter::Meter;
use crate::archive::names::{self, Names};
use crate::archive::tar::{self, BLOCK, What};
use crate::archive::tree::Tree;
use crate::archive::{Entry, Error, Fault, Kind, Limits, Options};
use crate::cache::Verified;
use crate::deadline::Deadline;

/// Where a package goes, and which of its files are programs.
#[derive(Clone, Copy, Debug)]
pub struct Package<'a> {
    /// The directories, relative to the tree, such as `node_modules/a/node_modules/b`.
    pub destinations: &'a [&'a str],
    /// The values of `bin` in the package lock: they are made executable whatever the tarball
    /// says, as npm does.
    pub programs: &'a [&'a str],
}

/// The buffer of one package at a time; kept by the tree for the next one.
#[derive(Debug)]
pub(super) struct Scratch(Vec<u8>);

impl Tree {
    /// Unpacks an npm package, a tar.gz, into each of its destinations, inflating it once.
    ///
    /// The rules are those of npm (pacote 21, `lib/fetcher.js`): the first component of every path
    /// is dropped, links are passed over, `.gitignore` becomes `.npmignore` unless there is one,
    /// files get mode 0644 with the executable bits of the tarball, directories 0755, both less the
    /// umask. Unlike npm this refuses a package that has a file twice. Copies are written and not
    /// hard-linked: links saved 4 % on tmpfs, and would let a change of one file change another.
    pub fn unpack_package(
        &self,
        source: &Verified,
        package: &Package<'_>,
        limits: Limits,
        deadline: Deadline,
    ) -> Result<Vec<Entry>, Error> {
        let meter = Meter::new(source, limits, deadline, &|_| {});
        for destination in package.destinations {
            names::check(destination.as_bytes())
                .map_err(|fault| meter.refuse(fault.of(destination)))?;
        }
        let scratch = self.scratch.lock().ok().and_then(|mut all| all.pop());
        let mut scratch = scratch.unwrap_or_else(|| Scratch(vec![0; BLOCK]));
        let result = self.write_package(source, package, &meter, &mut scratch.0);
        if let Ok(mut all) = self.scratch.lock() {
            all.push(scratch);
        }
        result
    }

    fn write_package(
        &self,
        source: &Verified,
        package: &Package<'_>,
        meter: &Meter<'_>,
        block: &mut [u8],
    ) -> Result<Vec<Entry>, Error> {
        let options = Options {
            strip: "*",
            skip: &[],
            limits: meter.limits(),
            threads: 1,
        };
        let mut names = Names::default();
        let mut renamed = HashSet::new();
        let mut walks: Vec<_> = package.destinations.iter().map(|_| self.walk()).collect();
        let mut entries: Vec<Entry> = Vec::new();
        tar::each_member(Gunzip::new(source, meter), meter, |member| {
            let What::File { mode } = member.what else {
                return Ok(());
            };
            let name = member.name.clone();
            let refuse = |fault: Fault| meter.refuse(fault.of(&name));
            let path = names::check(&name).map_err(refuse)?;
            // Like npm, pass over what is not in a directory.
            let Ok(Some(path)) = names::place(path, false, &options) else {
                return member.pass_over(block, meter);
            };
            let mut path = path.to_owned();
            if names::base(&path) == ".gitignore" {
                path = sibling(&path, ".npmignore");
                if names.has(&path) {
                    return member.pass_over(block, meter);
                }
                renamed.insert(path.clone());
            } else if renamed.remove(&path) {
                // The package has its own after all.
                names.forget(&path);
                for (walk, destination) in walks.iter_mut().zip(package.destinations) {
                    let path = format!("{destination}/{path}");
                    walk.remove(&path)?;
                    entries.retain(|entry| entry.path != path);
                }
            }
            names.leaf(&path).map_err(refuse)?;
            meter.check_entries(names.count())?;
            let is_program = package
                .programs
                .iter()
                .any(|program| program.strip_prefix("./").unwrap_or(program) == path);
            let mode = 0o644 | mode & 0o111 | if is_program { 0o111 } else { 0 };
            let mut places = walks.iter_mut().zip(package.destinations);
            let Some((walk, destination)) = places.next() else {
                return member.pass_over(block, meter);
            };
            let first = format!("{destination}/{path}");
            let mut file = walk.create(&first, mode)?;
            let mut copies = Vec::new();
            for (walk, destination) in places {
                let path = format!("{destination}/{path}");
                copies.push((walk.create(&path, mode)?, path));
            }
            member.read(block, meter, |bytes| {
                file.write(bytes, meter)?;
                copies
                    .iter_mut()
                    .try_for_each(|(copy, _)| copy.write_copy(bytes))
            })?;
            let kind = file.finish()?;
            if let Kind::File { sha256, .. } = &kind {
                for (copy, path) in copies {
                    let kind = copy.finish_copy(*sha256)?;
                    entries.push(Entry { path, kind });
                }
            }
            entries.push(Entry { path: first, kind });
            Ok(())
        })?;
        Ok(entries)
    }
}

fn sibling(path: &str, name: &str) -> String {
    match names::parent(path) {
        "" => name.to_owned(),
        parent => format!("{parent}/{name}"),
    }
}
