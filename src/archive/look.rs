//! Looks at a tar that nothing vouches for: its members pass by, and none of them is unpacked.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::archive::Error;
use crate::archive::meter::Meter;
use crate::archive::tar::{BLOCK, What, each_member};
use crate::deadline::Deadline;

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A link of either kind.
    Link,
}

/// What comes next in a tar.
#[derive(Debug)]
pub enum Piece<'a> {
    /// A member begins.
    Member {
        /// Its name, without `./` before it and `/` after it.
        name: &'a str,
        /// What it is.
        kind: MemberKind,
        /// The length of its content, in bytes.
        size: u64,
    },
    /// More of the content of the file that began last.
    Bytes(&'a [u8]),
}

/// Shows `visit` what is in the tar at `path`, to its end, which must be there.
pub fn read_tar(
    path: &Path,
    file: &File,
    deadline: Deadline,
    visit: &mut dyn FnMut(Piece<'_>),
) -> Result<(), Error> {
    let meter = Meter::unlimited(path, deadline);
    let reader = BufReader::with_capacity(BLOCK, file);
    let mut block = vec![0; BLOCK];
    each_member(reader, &meter, |member| {
        let name = String::from_utf8_lossy(&member.name).into_owned();
        let kind = match member.what {
            What::Directory => MemberKind::Directory,
            What::File { .. } => MemberKind::File,
            What::HardLink | What::Symlink => MemberKind::Link,
        };
        // `tar -C directory .` puts `./` before every name.
        let plain = name.strip_prefix("./").unwrap_or(&name);
        let name = plain.trim_end_matches('/');
        let size = member.size();
        visit(Piece::Member { name, kind, size });
        if kind != MemberKind::File {
            return Ok(());
        }
        member.read(&mut block, &meter, |bytes| {
            meter.check_deadline()?;
            visit(Piece::Bytes(bytes));
            Ok(())
        })
    })
}
