//! Copies a tool that is one file and not packed at all.

use crate::archive::meter::{Meter, read_at, unreadable};
use crate::archive::names;
use crate::archive::tree::Tree;
use crate::archive::{Entry, Error, Fault, Kind};
use crate::cache::Verified;
use crate::digest::Digest;

const BUFFER: usize = 256 * 1024;

/// Copies `source` to `name`, with mode 0755.
pub(super) fn copy(
    source: &Verified,
    name: &str,
    tree: &Tree,
    meter: &Meter<'_>,
) -> Result<Vec<Entry>, Error> {
    let path = names::check(name.as_bytes()).map_err(|fault| meter.refuse(fault.of(name)))?;
    meter.check_entries(1)?;
    let mut file = tree.walk().create(path, 0o755)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let count =
            read_at(source, &mut buffer, file.size()).map_err(|error| unreadable(source, error))?;
        match buffer.get(..count) {
            None | Some([]) => break,
            Some(bytes) => file.write(bytes, meter)?,
        }
    }
    let kind = file.finish()?;
    // An archive proves itself by its checksums; a raw file has none, and a cache may be shared.
    if let Kind::File { size, sha256, .. } = &kind
        && (*size != source.len()
            || (source.digest().algorithm() == crate::digest::Algorithm::Sha256
                && *source.digest() != Digest::sha256(*sha256)))
    {
        return Err(meter.refuse(Fault::Changed));
    }
    Ok(vec![Entry {
        path: path.to_owned(),
        kind,
    }])
}
