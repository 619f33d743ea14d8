//! What stands beside a delegate and is not changed with it.

use super::values::Values;
use super::{Manifests, Workload};
use crate::yaml::Stream;

/// Values of the Helm chart beside a manifest, a sentence for each file: which of the two makes the
/// delegate that runs cannot be told, and the manifest is what is changed.
pub fn passed_over(streams: &[Stream<'_>]) -> Vec<String> {
    let manifests = Manifests::new(streams);
    if Workload::all(&manifests).is_empty() {
        return Vec::new();
    }
    let files = Values::all(&manifests)
        .into_iter()
        .map(|values| values.file);
    let files = files.filter_map(|file| streams.get(file));
    let sentence = |stream: &Stream<'_>| {
        format!(
            "{} has values of the delegate's Helm chart, which are left alone beside a manifest: name that file alone to change them",
            stream.file().display()
        )
    };
    files.map(sentence).collect()
}
