//! The room that a file system has, asked before a large unpack rather than after it has failed.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::StatVfsMountFlags;

/// The `f_type` of tmpfs (statfs(2)).
const TMPFS_MAGIC: i64 = 0x0102_1994;

/// What a file system has to offer to an unprivileged process.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Free bytes; on tmpfs no more than the memory that the control group may still use.
    pub bytes: u64,
    /// Free inodes; none where the file system does not count them.
    pub inodes: Option<u64>,
    /// Whether programs may be run from it.
    pub executable: bool,
    /// Whether it is the control group's memory, and not the file system, that leaves no more bytes.
    pub memory_bound: bool,
}

impl Room {
    /// The room where `path` is, or will be: the nearest directory above it that exists counts.
    pub fn at(path: &Path) -> Result<Self, super::Error> {
        let path = path
            .ancestors()
            .find(|ancestor| ancestor.exists())
            .unwrap_or(Path::new("."));
        let fail = |errno: rustix::io::Errno| {
            super::Error::new("ask for the free space at", path, errno.into())
        };
        let counts = rustix::fs::statvfs(path).map_err(fail)?;
        let kind = rustix::fs::statfs(path).map_err(fail)?;
        #[expect(
            clippy::useless_conversion,
            reason = "the type of f_type differs between platforms"
        )]
        let in_memory = i64::from(kind.f_type) == TMPFS_MAGIC;
        let free = counts.f_bavail.saturating_mul(counts.f_frsize);
        let memory = memory_left().filter(|left| in_memory && *left < free);
        Ok(Self {
            bytes: memory.unwrap_or(free),
            inodes: (counts.f_files > 0).then_some(counts.f_favail),
            executable: !counts.f_flag.contains(StatVfsMountFlags::NOEXEC),
            memory_bound: memory.is_some(),
        })
    }

    /// Whether so many bytes in so many files fit at `path`.
    pub fn check(&self, path: &Path, bytes: u64, files: Option<u64>) -> Result<(), Shortage> {
        let short = |what, needed, free| Shortage {
            path: path.to_owned(),
            what,
            needed,
            free,
        };
        if bytes > self.bytes {
            let what = if self.memory_bound {
                Resource::Memory
            } else {
                Resource::Bytes
            };
            return Err(short(what, bytes, self.bytes));
        }
        match (files, self.inodes) {
            (Some(files), Some(inodes)) if files > inodes => {
                Err(short(Resource::Inodes, files, inodes))
            }
            _ => Ok(()),
        }
    }
}

/// What this process's control group may still allocate, in bytes, where it has a limit
/// (Linux `cgroup-v2.rst`: `memory.max`, `memory.current`, `memory.stat`; `cgroup-v1/memory.rst`).
///
/// File pages that nobody uses give way to what is allocated, so they do not count; the kubelet
/// reckons its working set in the same way.
fn memory_left() -> Option<u64> {
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let unused = |path: &str, key: &str| {
        let stat = fs::read_to_string(path).ok()?;
        let line = stat.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().parse::<u64>().ok()
    };
    let groups = [
        (
            "/sys/fs/cgroup",
            "memory.max",
            "memory.current",
            "inactive_file ",
        ),
        (
            "/sys/fs/cgroup/memory",
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
            "total_inactive_file ",
        ),
    ];
    groups.into_iter().find_map(|(group, limit, used, key)| {
        let limit = number(&format!("{group}/{limit}"))?;
        let used = number(&format!("{group}/{used}"))?;
        let unused = unused(&format!("{group}/memory.stat"), key).unwrap_or(0);
        Some(limit.saturating_sub(used.saturating_sub(unused)))
    })
}

/// There is not enough room.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{}` has {what}", path.display(), what = self.said())]
pub struct Shortage {
    /// Where the room is wanted.
    pub path: PathBuf,
    what: Resource,
    needed: u64,
    free: u64,
}

/// What there is too little of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resource {
    Bytes,
    Inodes,
    Memory,
}

impl Shortage {
    fn said(&self) -> impl fmt::Display {
        // Less is said of what is free and more of what is needed, so that they never look the same.
        let (free, needed) = if self.needed < 10 << 20 {
            let needed = self.needed.div_ceil(1 << 10);
            (format!("{} KiB", self.free >> 10), format!("{needed} KiB"))
        } else {
            let needed = self.needed.div_ceil(1 << 20);
            (format!("{} MiB", self.free >> 20), format!("{needed} MiB"))
        };
        match self.what {
            Resource::Bytes => format!("{free} free, {needed} are needed"),
            Resource::Memory => format!(
                "{free} free within the container's memory limit (it is a tmpfs), {needed} are needed"
            ),
            Resource::Inodes => format!("{} inodes free, {} are needed", self.free, self.needed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_not_there_yet_has_the_room_of_its_parent() {
        let world = tempfile::tempdir().unwrap();
        assert!(Room::at(&world.path().join("not/yet")).unwrap().bytes > 0);
    }

    #[test]
    fn too_little_is_said_in_units_a_person_reads() {
        let room = Room {
            bytes: 3 << 20,
            inodes: Some(10),
            executable: true,
            memory_bound: false,
        };
        let check = |bytes, files| {
            room.check(Path::new("/p"), bytes, files)
                .map_err(|error| error.to_string())
        };
        assert_eq!(check(3 << 20, Some(10)), Ok(()));
        assert_eq!(
            check((3 << 20) + 1, None),
            Err("`/p` has 3072 KiB free, 3073 KiB are needed".into())
        );
        assert_eq!(
            check(70 << 20, None),
            Err("`/p` has 3 MiB free, 70 MiB are needed".into())
        );
        assert_eq!(
            check(0, Some(11)),
            Err("`/p` has 10 inodes free, 11 are needed".into())
        );
    }
}
