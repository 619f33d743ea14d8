//! Which paths an archive may write: checked, stripped, selected, and each one only once.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use crate::archive::{Fault, Options};

/// Longer paths are refused: a quarter of the kernel's `PATH_MAX`, which leaves room for the prefix.
const LONGEST_PATH: usize = 1024;
/// `NAME_MAX` of Linux file systems.
const LONGEST_COMPONENT: usize = 255;

/// Checks a name as it stands in an archive. A trailing `/`, which marks a directory, is cut off.
pub(super) fn check(name: &[u8]) -> Result<&str, Fault> {
    let name = str::from_utf8(name).map_err(|_| Fault::NameNotUtf8)?;
    let path = name.strip_suffix('/').unwrap_or(name);
    if name.is_empty() {
        return Err(Fault::EmptyName);
    }
    if path.len() > LONGEST_PATH {
        return Err(Fault::LongName);
    }
    if path.is_empty() || path.starts_with('/') {
        return Err(Fault::AbsoluteName);
    }
    if path.contains(char::is_control) {
        return Err(Fault::ControlInName);
    }
    // On Linux it is an ordinary character, but what writes one meant Windows or mischief.
    if path.contains('\\') {
        return Err(Fault::BackslashInName);
    }
    for component in path.split('/') {
        if matches!(component, "" | "." | "..") {
            return Err(Fault::DotsInName);
        }
        if component.len() > LONGEST_COMPONENT {
            return Err(Fault::LongName);
        }
    }
    Ok(path)
}

/// Checks the target of the symbolic link at `path`.
///
/// `..` is taken at the start only. After a component that is itself a link, the kernel would
/// climb from where that link leads, and a lexical check would be wrong about it.
pub(super) fn check_target<'a>(path: &str, target: &'a [u8]) -> Result<&'a str, Fault> {
    let leaves = || Fault::LinkLeaves(String::from_utf8_lossy(target).into_owned());
    let text = str::from_utf8(target).map_err(|_| leaves())?;
    let depth = path.matches('/').count();
    let mut rest = text;
    let mut climbed = 0;
    while let Some(shorter) = rest.strip_prefix("../") {
        rest = shorter;
        climbed += 1;
    }
    // A target that is only `..` or `.` is a directory; one that climbs to the very root is not
    // out of the tree, but nothing real needs it.
    if climbed > depth || check(rest.as_bytes()).is_err() {
        return Err(leaves());
    }
    Ok(text)
}

/// Where the entry `path` goes: none when it is not wanted.
pub(super) fn place<'p>(
    path: &'p str,
    is_directory: bool,
    options: &Options<'_>,
) -> Result<Option<&'p str>, Fault> {
    let outside = || {
        if is_directory {
            Ok(None)
        } else {
            Err(Fault::Outside(options.strip.to_owned()))
        }
    };
    let placed = match options.strip {
        "" => path,
        "*" => match path.split_once('/') {
            Some((_, rest)) => rest,
            None => return outside(),
        },
        prefix => match path.strip_prefix(prefix).map(|rest| rest.strip_prefix('/')) {
            Some(Some(rest)) => rest,
            // The prefix itself, or one of the directories above it.
            _ if is_directory && is_above(path, prefix) => return Ok(None),
            _ => return Err(Fault::Outside(prefix.to_owned())),
        },
    };
    let skipped = options.skip.iter().any(|pattern| matches(pattern, placed));
    Ok((!skipped).then_some(placed))
}

fn is_above(path: &str, prefix: &str) -> bool {
    prefix
        .strip_prefix(path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether `pattern` covers `path`: see [`Options::skip`].
fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, whole_tree) = match pattern.strip_suffix('/') {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let mut components = path.split('/');
    pattern.split('/').all(|wanted| {
        components
            .next()
            .is_some_and(|component| component_matches(wanted, component))
    }) && (whole_tree || components.next().is_none())
}

fn component_matches(pattern: &str, text: &str) -> bool {
    let Some((start, mut pattern)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(start) else {
        return false;
    };
    while let Some((middle, rest)) = pattern.split_once('*') {
        let Some((_, after)) = text.split_once(middle) else {
            return false;
        };
        text = after;
        pattern = rest;
    }
    text.ends_with(pattern)
}

/// The parent of a path; empty for one at the top.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The last component of a path.
pub(super) fn base(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, base)| base)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Node {
    /// A file or a link.
    Leaf,
    /// A directory that has an entry of its own.
    Directory,
    /// A directory that was only implied by the path of another entry.
    Implied,
}

/// The paths seen so far.
#[derive(Default)]
pub(super) struct Names {
    nodes: HashMap<String, Node>,
    /// The parent of the last entry: entries of one directory mostly come together.
    last: String,
}

impl Names {
    /// Takes the path of a file or link.
    pub(super) fn leaf(&mut self, path: &str) -> Result<(), Fault> {
        self.imply(parent(path))?;
        match self.nodes.insert(path.to_owned(), Node::Leaf) {
            None => Ok(()),
            Some(Node::Leaf) => Err(Fault::Duplicate),
            Some(Node::Directory | Node::Implied) => Err(Fault::FileAndDirectory),
        }
    }

    /// Takes the path of a directory.
    pub(super) fn directory(&mut self, path: &str) -> Result<(), Fault> {
        self.imply(parent(path))?;
        match self.nodes.insert(path.to_owned(), Node::Directory) {
            None | Some(Node::Implied) => Ok(()),
            Some(Node::Directory) => Err(Fault::Duplicate),
            Some(Node::Leaf) => Err(Fault::FileAndDirectory),
        }
    }

    /// Whether the path was seen.
    pub(super) fn has(&self, path: &str) -> bool {
        self.nodes.contains_key(path)
    }

    /// Gives a path free again.
    pub(super) fn forget(&mut self, path: &str) {
        self.nodes.remove(path);
    }

    /// The number of files, links and directories.
    pub(super) fn count(&self) -> usize {
        self.nodes.len()
    }

    fn imply(&mut self, directory: &str) -> Result<(), Fault> {
        if self.last == directory {
            return Ok(());
        }
        let mut path = directory;
        while !path.is_empty() {
            match self.nodes.entry(path.to_owned()) {
                // All that is above it is known too.
                Slot::Occupied(slot) if *slot.get() != Node::Leaf => break,
                Slot::Occupied(_) => return Err(Fault::FileAndDirectory),
                Slot::Vacant(slot) => slot.insert(Node::Implied),
            };
            path = parent(path);
        }
        directory.clone_into(&mut self.last);
        Ok(())
    }
}
