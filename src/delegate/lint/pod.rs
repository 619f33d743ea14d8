//! The delegate's pod: images, probes, volumes.

use super::super::Workload;
use super::super::delivery::Budget;
use super::super::home::Home;
use super::super::init_script::Parts;
use super::super::pod::{Mounts, mounts};
use super::super::prefix::WORKING_DIRECTORY;
use super::rules::{
    DELEGATE_RUNNER, IMAGE_UNPINNED, INIT_SH, MOUNT_HIDES_DELEGATE, PREFIX_VOLUME, STARTUP_BUDGET,
    VARIABLE_TWICE,
};
use super::{Linter, containers, name_of, text};
use crate::yaml::Node;

/// Seconds that INIT_SCRIPT and the start of the JVM take together: `init` ends after 90 s, and the
/// plain manifest gives as much again.
pub(super) const NEEDED: i64 = 180;

pub(super) fn check(linter: &mut Linter<'_, '_>) {
    images(linter);
    let manifests = linter.manifests;
    for workload in linter.workloads {
        hides(linter, workload.object.file, Mounts::of(workload));
        let home = Home::find(manifests, workload).unwrap_or(Home::Absent);
        let script = home.text();
        if workload.is_runner() {
            let at = name_of(&workload.object);
            linter.report(
                &DELEGATE_RUNNER,
                workload.object.file,
                at,
                format!(
                    "{} `{}` is Delegate 2.x or 3.x",
                    workload.object.kind, workload.object.name
                ),
            );
        }
        if script.trim().is_empty() {
            continue;
        }
        budget(linter, workload);
        init_sh(linter, workload);
        let parts = Parts::of(script);
        if parts.ours.is_some() || script.contains("bootstrap init") {
            volume(linter, workload);
        }
    }
}

fn images(linter: &mut Linter<'_, '_>) {
    let pods: Vec<_> = linter.pods().collect();
    for (object, pod) in pods {
        for image in containers(pod).filter_map(|container| container.get("image")) {
            unpinned(linter, object.file, image);
        }
        for list in containers(pod).filter_map(|container| container.get("env")) {
            twice(linter, object.file, list);
        }
    }
}

/// An image that is not always the same.
pub(super) fn unpinned(linter: &mut Linter<'_, '_>, file: usize, image: Node<'_>) {
    let written = image.scalar().unwrap_or_default();
    let last = written.rsplit('/').next().unwrap_or_default();
    let tag = last.split_once(':').map(|(_, tag)| tag);
    if !written.contains('@') && matches!(tag, None | Some("latest" | "")) {
        let message = format!("`{written}` names no version");
        linter.report(&IMAGE_UNPINNED, file, image, message);
    }
}

/// Variables that are in a list twice.
pub(super) fn twice(linter: &mut Linter<'_, '_>, file: usize, list: Node<'_>) {
    let mut names = std::collections::HashSet::new();
    for name in list.items().filter_map(|item| item.get("name")) {
        let written = name.scalar().unwrap_or_default();
        if !names.insert(written) {
            let message = format!("{written} is set twice: the last one counts");
            linter.report(&VARIABLE_TWICE, file, name, message);
        }
    }
}

fn budget(linter: &mut Linter<'_, '_>, workload: &Workload<'_>) {
    let (name, probe) = match (
        workload.container.get("startupProbe"),
        workload.container.get("livenessProbe"),
    ) {
        (Some(probe), _) => ("startup", probe),
        (None, Some(probe)) => ("liveness", probe),
        (None, None) => return,
    };
    let seconds = Budget::of(probe).seconds();
    if seconds < NEEDED {
        linter.report(&STARTUP_BUDGET, workload.object.file, probe, format!(
            "the {name} probe kills the container after {seconds} s; INIT_SCRIPT and the delegate take up to {NEEDED} s"
        ));
    }
}

/// Volumes that bring an init.sh, or keep one.
fn init_sh(linter: &mut Linter<'_, '_>, workload: &Workload<'_>) {
    let directory = workload.working_directory();
    let file = format!("{directory}/init.sh");
    for mount in mounts(workload.container) {
        let Some(path) = mount.get("mountPath") else {
            continue;
        };
        let is_file = path.scalar() == Some(file.as_str());
        let is_directory = path.scalar().map(|path| path.trim_end_matches('/')) == Some(directory);
        let volume = Mounts::of(workload).volume_at(&file);
        let lasts = volume.is_some_and(|volume| volume.get("emptyDir").is_none());
        if is_file || (is_directory && lasts) {
            let what = if is_file {
                "is mounted"
            } else {
                "is kept on a volume"
            };
            linter.report(
                &INIT_SH,
                workload.object.file,
                path,
                format!("{file} {what} and wins over INIT_SCRIPT"),
            );
        }
    }
}

fn volume(linter: &mut Linter<'_, '_>, workload: &Workload<'_>) {
    let default = format!("{}/bootstrap", workload.working_directory());
    let prefix = workload
        .variable("BOOTSTRAP_PREFIX")
        .filter(|prefix| !prefix.is_empty())
        .unwrap_or(&default);
    let at = workload.container.get("name").unwrap_or(workload.container);
    unkept(
        linter,
        workload.object.file,
        at,
        Mounts::of(workload),
        prefix,
    );
}

/// An empty volume over what the delegate's image has.
pub(super) fn hides(linter: &mut Linter<'_, '_>, file: usize, mounts: Mounts<'_>) {
    let path = mounts
        .above(WORKING_DIRECTORY)
        .and_then(|mount| mount.get("mountPath"));
    let volume = mounts.volume_at(WORKING_DIRECTORY);
    let is_empty = volume.is_some_and(|volume| volume.get("emptyDir").is_some());
    if let Some(path) = path.filter(|_| is_empty) {
        let written = path.scalar().unwrap_or_default();
        let message = format!("an emptyDir at {written} hides {WORKING_DIRECTORY}");
        linter.report(&MOUNT_HIDES_DELEGATE, file, path, message);
    }
}

/// A prefix that is not on a volume on disk.
pub(super) fn unkept(
    linter: &mut Linter<'_, '_>,
    file: usize,
    at: Node<'_>,
    mounts: Mounts<'_>,
    prefix: &str,
) {
    if let Some(what) = mounts.unfit(prefix) {
        let message = format!("the prefix {prefix} {what}");
        linter.report(&PREFIX_VOLUME, file, at, message);
    }
}

/// Whether a container may not act as root, as far as the manifest says.
pub(super) fn is_not_root(workload: &Workload<'_>) -> bool {
    let of = |node: Node<'_>| {
        let user = node
            .dig(&["securityContext", "runAsUser"])
            .and_then(Node::int);
        let forbids = node
            .dig(&["securityContext", "runAsNonRoot"])
            .and_then(Node::bool);
        user.map(|user| user != 0).or(forbids)
    };
    // Without either the image decides: Harness' own runs as user 1001.
    let image = text(workload.container, &["image"]).unwrap_or_default();
    of(workload.container)
        .or_else(|| of(workload.pod))
        .unwrap_or_else(|| image.contains("harness/delegate") && !image.contains(":latest"))
}

/// Whether pods are bound to arm64 nodes.
pub(super) fn is_arm64(pod: Node<'_>) -> bool {
    let selector = pod.get("nodeSelector");
    let is_arm64 = |label: &str| {
        let value = selector.and_then(|labels| labels.get(label)?.scalar());
        value == Some("arm64")
    };
    is_arm64("kubernetes.io/arch") || is_arm64("beta.kubernetes.io/arch") || has_affinity(pod)
}

/// Whether an affinity asks for arm64 nodes and no others.
fn has_affinity(pod: Node<'_>) -> bool {
    let keys = [
        "affinity",
        "nodeAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution",
        "nodeSelectorTerms",
    ];
    let terms = pod.dig(&keys).into_iter().flat_map(Node::items);
    let mut expressions = terms
        .filter_map(|term| term.get("matchExpressions"))
        .flat_map(Node::items);
    expressions.any(|expression| {
        let values = expression.get("values").into_iter().flat_map(Node::items);
        text(expression, &["key"]) == Some("kubernetes.io/arch")
            && text(expression, &["operator"]) == Some("In")
            && values.map(Node::scalar).eq([Some("arm64")])
    })
}
