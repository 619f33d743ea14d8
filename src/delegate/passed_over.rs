//! What stands beside a delegate and is not changed with it.

use super::values::Values;
use crate::yaml::Stream;

/// Values of the Helm chart beside a manifest, a sentence for each file: which of the two makes the
/// delegate that runs cannot be told, and the manifest is what is changed.
pub(super) fn passed_over(streams: &[Stream<'_>], values: &[Values<'_>]) -> Vec<String> {
    let files = values.iter().filter_map(|values| streams.get(values.file));
    let sentence = |stream: &Stream<'_>| {
        format!(
            "{} has values of the delegate's Helm chart, which are left alone beside a manifest: name that file alone to change them",
            stream.file().display()
        )
    };
    files.map(sentence).collect()
}
