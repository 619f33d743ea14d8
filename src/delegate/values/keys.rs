//! The keys of the chart's values: Helm passes over those that it does not know.

use super::super::patch::Edits;
use super::Values;
use crate::yaml::Node;

/// The keys of `harness-delegate-ng`, whatever its version (its `values.yaml` and templates).
const KEYS: [&str; 68] = [
    "accountId",
    "additionalLabels",
    "affinity",
    "annotations",
    "autoscaling",
    "ccm",
    "commonAnnotations",
    "commonLabels",
    "cpu",
    "custom_containers",
    "custom_envs",
    "custom_init_containers",
    "custom_mounts",
    "custom_volumes",
    "delegate",
    "delegateAnnotations",
    "delegateCustomCa",
    "delegateDockerImage",
    "delegateLabels",
    "delegateName",
    "delegatePodLabels",
    "delegatePodSecurityContext",
    "delegateSecurityContext",
    "delegateToken",
    "delegateType",
    "deployMode",
    "deploymentStrategy",
    "description",
    "destinationCaPath",
    "dnsConfig",
    "dnsPolicy",
    "existingDelegateToken",
    "fullnameOverride",
    "global",
    "image",
    "imagePullSecret",
    "initScript",
    "javaOpts",
    "k8sPermissionsType",
    "livenessProbe",
    "mTLS",
    "managerEndpoint",
    "memory",
    "minReadySeconds",
    "nextGen",
    "noProxy",
    "nodeSelector",
    "pollForTasks",
    "priorityClassName",
    "proxyHost",
    "proxyPassword",
    "proxyPort",
    "proxyScheme",
    "proxyUser",
    "replicas",
    "resources",
    "rollingUpdate",
    "securityContext",
    "service",
    "serviceAccount",
    "shared_certificates",
    "startupProbe",
    "tags",
    "tolerations",
    "upgrader",
    "upgraderCustomCa",
    "ztsTokenPath",
    "ztsUrl",
];

/// Those below `serviceAccount`.
const ACCOUNT_KEYS: [&str; 3] = ["annotations", "create", "name"];

/// How alike two names are that one is taken for the other misspelt.
const ALIKE: f64 = 0.85;

/// Names keys that the chart does not have.
pub(super) fn check(values: &Values<'_>, edits: &mut Edits<'_>) {
    unknown(values.node, "", &KEYS, edits);
    if let Some(account) = values.node.get("serviceAccount") {
        unknown(account, "serviceAccount.", &ACCOUNT_KEYS, edits);
    }
}

fn unknown(node: Node<'_>, place: &str, known: &[&str], edits: &mut Edits<'_>) {
    for (key, _) in node.entries() {
        let written = key.scalar().unwrap_or_default();
        // A key of many versions to come is no fault.
        if known.contains(&written) || written.starts_with("zts") || written == "<<" {
            continue;
        }
        let meant = known.iter().find(|known| is_meant(known, written));
        let meant = meant.map_or_else(String::new, |meant| format!(": `{meant}` is its name"));
        edits.note(format!(
            "{}: the chart has no `{place}{written}`, which is passed over{meant}",
            key.location()
        ));
    }
}

/// Whether a name is another one misspelt.
fn is_meant(known: &str, written: &str) -> bool {
    let bare = |key: &str| key.replace(['_', '-'], "").to_ascii_lowercase();
    let (known, written) = (bare(known), bare(written));
    known == written || strsim::normalized_damerau_levenshtein(&known, &written) >= ALIKE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_told_from_one_of_somebody_elses() {
        for (written, meant) in [
            ("customEnvs", "custom_envs"),
            ("initscript", "initScript"),
            ("initScipt", "initScript"),
            ("delegateDockerimage", "delegateDockerImage"),
        ] {
            let found = KEYS.iter().find(|known| is_meant(known, written));
            assert_eq!(found, Some(&meant), "{written}");
        }
        for other in ["ingress", "extraEnv", "podAnnotations", "a"] {
            assert!(!KEYS.iter().any(|known| is_meant(known, other)), "{other}");
        }
    }
}
