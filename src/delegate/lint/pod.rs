//! The delegate's pod: images, probes, volumes.

use super::super::Workload;
use super::super::delivery::Budget;
use super::super::home::Home;
use super::super::init_script::Parts;
use super::super::pod::{is_on_disk, mounts, volume_at};
use super::rules::{DELEGATE_RUNNER, IMAGE_UNPINNED, INIT_SH, PREFIX_VOLUME, STARTUP_BUDGET};
use super::{Linter, containers, name_of, text};
use crate::yaml::Node;

/// Seconds that INIT_SCRIPT and the start of the JVM take together: `init` ends after 90 s, and the
/// plain manifest gives as much again.
const NEEDED: i64 = 180;

pub(super) fn check(linter: &mut Linter<'_, '_>) {
    images(linter);
    let manifests = linter.manifests;
    for workload in linter.workloads {
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
            let written = image.scalar().unwrap_or_default();
            let last = written.rsplit('/').next().unwrap_or_default();
            let tag = last.split_once(':').map(|(_, tag)| tag);
            if !written.contains('@') && matches!(tag, None | Some("latest" | "")) {
                linter.report(
                    &IMAGE_UNPINNED,
                    object.file,
                    image,
                    format!("`{written}` names no version"),
                );
            }
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
        let lasts =
            volume_at(workload, &file).is_some_and(|volume| volume.get("emptyDir").is_none());
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
    if is_on_disk(workload, prefix) {
        return;
    }
    let is_memory = volume_at(workload, prefix).is_some();
    let what = if is_memory {
        "is on a volume in memory"
    } else {
        "is in the container's own layer, which a restart empties"
    };
    let at = workload.container.get("name").unwrap_or(workload.container);
    linter.report(
        &PREFIX_VOLUME,
        workload.object.file,
        at,
        format!("the prefix {prefix} {what}"),
    );
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
