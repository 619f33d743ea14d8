//! Fargate: its pods have neither instance metadata nor Pod Identity, so IRSA is all there is
//! (Amazon EKS User Guide, "AWS Fargate").

use std::collections::BTreeMap;

use super::{Check, Finding, State};
use crate::aws::FargateProfile;

/// What manifests call the name of the node, by the downward API.
const NODE_NAMES: [&str; 5] = [
    "NODE_NAME",
    "K8S_NODE_NAME",
    "KUBERNETES_NODE_NAME",
    "KUBE_NODE_NAME",
    "MY_NODE_NAME",
];

/// The label by which EKS says, or is told, which profile takes a pod (Amazon EKS User Guide, "Define
/// which Pods use AWS Fargate when launched").
const PROFILE_LABEL: &str = "eks.amazonaws.com/fargate-profile";

/// Why IRSA is all there is.
const NOTHING_ELSE: &str =
    "Fargate has no instance metadata and no Pod Identity, and a pod cannot use its execution role";

/// What is known of a pod and where it runs.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Which pod it is, such as `the pod delegate-0`; none for that of this process.
    pub pod: Option<String>,
    /// The name of its node, from the pod, a variable or the service account's token.
    pub node: Option<String>,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Its labels; none where they are not known.
    pub labels: Option<BTreeMap<String, String>>,
    /// Whether it has what IRSA takes; none where that is not known.
    pub has_irsa: Option<bool>,
    /// Whether it is to take the role of its node ("Assume IAM Role on Delegate").
    pub wants_node_role: bool,
}

/// The Fargate profiles of a cluster, or why it did not tell them; none where it was not even described.
pub type Profiles = Option<Result<Vec<FargateProfile>, String>>;

impl Facts {
    fn whose(&self) -> &str {
        self.pod.as_deref().unwrap_or("this pod")
    }
}

/// The node that a variable names.
pub fn node_of(variables: &BTreeMap<String, String>) -> Option<String> {
    let mut names = NODE_NAMES.iter();
    names.find_map(|name| {
        let value = variables.get(*name).filter(|value| !value.is_empty());
        value.cloned()
    })
}

/// The labels in the file that the downward API writes, each as `KEY="VALUE"` (Kubernetes, "Expose Pod
/// Information to Containers Through Files").
pub fn labels_of(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    // What would be escaped between the quotes, no label can have.
    pairs
        .map(|(key, value)| (key.to_owned(), value.trim_matches('"').to_owned()))
        .collect()
}

/// Judges where a pod runs, or will run at its next start; `clusters` are those that may be its own.
pub fn judge(facts: &Facts, clusters: &[Profiles]) -> Finding {
    if let Some(node) = facts.node.as_deref().filter(|node| is_of_fargate(node)) {
        let by = facts
            .labels
            .as_ref()
            .and_then(|labels| labels.get(PROFILE_LABEL));
        let by = by.map_or_else(String::new, |profile| {
            format!(", by the profile `{profile}`")
        });
        return on_fargate(facts, &format!("the node {node} is one of Fargate{by}"));
    }
    let Some(namespace) = facts.namespace.as_deref() else {
        return match &facts.node {
            Some(node) => not_on_fargate(node),
            None => Finding::skip(
                Check::Fargate,
                "neither the node nor the namespace of this process is known",
            ),
        };
    };
    let told: Vec<_> = clusters.iter().flatten().flatten().collect();
    let mut refused = clusters
        .iter()
        .flatten()
        .filter_map(|told| told.as_ref().err());
    match (told.as_slice(), &facts.node, refused.next()) {
        ([_, ..], _, _) => {}
        (_, Some(node), _) => return not_on_fargate(node),
        (_, None, Some(refused)) => {
            return Finding::skip(
                Check::Fargate,
                format!("the Fargate profiles could not be listed: {refused}"),
            )
            .remedy("allow eks:ListFargateProfiles on the cluster, and eks:DescribeFargateProfile on its profiles");
        }
        (_, None, None) => {
            return Finding::skip(
                Check::Fargate,
                "the node is not known, and no cluster told its Fargate profiles",
            );
        }
    }
    let profiles: Vec<_> = told.iter().copied().flatten().collect();
    let (active, idle): (Vec<_>, Vec<_>) = profiles.iter().partition(|profile| profile.is_active);
    let taken = Taken::of(namespace, facts.labels.as_ref(), &active);
    match (taken, &facts.node) {
        (Taken::Surely(names), None) => {
            let verb = if names.len() == 1 { "takes" } else { "take" };
            will_be_on_fargate(
                facts,
                &format!(
                    "the Fargate {} {verb} {} in namespace {namespace}",
                    listed(&names),
                    facts.whose()
                ),
            )
        }
        (Taken::Surely(names), Some(node)) if facts.has_irsa != Some(true) => {
            let evidence = format!(
                "the node {node} is not one of Fargate, and at its next start the {} takes {}",
                listed(&names),
                facts.whose()
            );
            will_be_on_fargate(facts, &evidence)
        }
        (_, Some(node)) => not_on_fargate(node),
        (Taken::Perhaps(names), None) => {
            let evidence = format!(
                "the Fargate {} takes pods in namespace {namespace} by labels, and those of {} are not known",
                listed(&names),
                facts.whose()
            );
            if facts.has_irsa == Some(true) {
                return Finding::pass(Check::Fargate, format!("{evidence}; it has IRSA"));
            }
            Finding::warn(Check::Fargate, evidence)
                .because(format!(
                    "if the pod runs there, it needs IRSA: {NOTHING_ELSE}"
                ))
                .remedy("name its labels with --pod-label, or the pod itself with --pod")
        }
        (Taken::No, None) => {
            let is_all = told.len() == clusters.len();
            none_takes(facts, namespace, &profiles, &idle, is_all)
        }
    }
}

/// No profile takes the pod now; `idle` are those that are not ACTIVE, and `is_all` says whether every
/// cluster told its own.
fn none_takes(
    facts: &Facts,
    namespace: &str,
    profiles: &[&FargateProfile],
    idle: &[&FargateProfile],
    is_all: bool,
) -> Finding {
    let whose = facts.whose();
    if let Taken::Surely(names) = Taken::of(namespace, facts.labels.as_ref(), idle) {
        let names = listed(&names);
        let evidence = format!(
            "the Fargate {names} would take {whose} in namespace {namespace}, and no such profile is ACTIVE"
        );
        return Finding::warn(Check::Fargate, evidence)
            .because("it is being made or deleted, or could not be made")
            .remedy("see `aws eks describe-fargate-profile`, and make it anew if it failed");
    }
    if !is_all {
        return Finding::skip(
            Check::Fargate,
            format!(
                "no Fargate profile that was told takes {whose} in namespace {namespace}, and not every cluster \
                 told its own"
            ),
        );
    }
    if profiles.is_empty() {
        return Finding::pass(Check::Fargate, "there is no Fargate profile");
    }
    let names: Vec<_> = profiles
        .iter()
        .map(|profile| profile.name.as_str())
        .collect();
    let names = listed(&names);
    Finding::pass(
        Check::Fargate,
        format!("no Fargate profile takes {whose} in namespace {namespace} (not the {names})"),
    )
}

fn is_of_fargate(node: &str) -> bool {
    node.starts_with("fargate-")
}

fn not_on_fargate(node: &str) -> Finding {
    Finding::pass(
        Check::Fargate,
        format!("the node {node} is not one of Fargate"),
    )
}

/// A pod that runs on Fargate.
fn on_fargate(facts: &Facts, evidence: &str) -> Finding {
    let finding = match facts.has_irsa {
        Some(true) => Finding::pass(Check::Fargate, format!("{evidence}, and the pod has IRSA")),
        _ => Finding::fail(
            Check::Fargate,
            format!("{evidence}, and the pod has no IRSA"),
        )
        .because(NOTHING_ELSE)
        .remedy("set up IRSA for the delegate's service account, or run the delegate on a node"),
    };
    without_node_role(facts, finding)
}

/// A pod that Fargate takes, as far as that can be told before it runs.
fn will_be_on_fargate(facts: &Facts, evidence: &str) -> Finding {
    let finding = match facts.has_irsa {
        Some(true) => Finding::pass(Check::Fargate, format!("{evidence}, and the pod has IRSA")),
        Some(false) => {
            Finding::warn(Check::Fargate, format!("{evidence}, and the pod has no IRSA"))
                .because(NOTHING_ELSE)
                .remedy("set up IRSA for the delegate's service account")
        }
        None => Finding::warn(Check::Fargate, format!("{evidence}, which then needs IRSA"))
            .because(NOTHING_ELSE)
            .remedy("set up IRSA for the delegate's service account; see whether a pod has it with --pod"),
    };
    without_node_role(facts, finding)
}

/// On Fargate nothing has the role of the node.
fn without_node_role(facts: &Facts, finding: Finding) -> Finding {
    if !facts.wants_node_role {
        return finding;
    }
    let finding = Finding {
        state: State::Fail,
        ..finding
    };
    finding
        .because(format!("iam-role is asked for: {NOTHING_ELSE}"))
        .remedy("say `Use IRSA` in the connector, and --credentials irsa here")
}

/// Which profiles take a pod.
enum Taken<'a> {
    /// These: where there are several, EKS takes one of them.
    Surely(Vec<&'a str>),
    /// These do if the pod has their labels.
    Perhaps(Vec<&'a str>),
    No,
}

impl<'a> Taken<'a> {
    fn of(
        namespace: &str,
        labels: Option<&BTreeMap<String, String>>,
        profiles: &[&'a FargateProfile],
    ) -> Self {
        // A pod may name its profile, which must fit it all the same.
        let named = labels.and_then(|labels| labels.get(PROFILE_LABEL));
        let able = profiles.iter();
        let able = able.filter(|profile| named.is_none_or(|named| *named == profile.name));
        let (mut surely, mut perhaps) = (Vec::new(), Vec::new());
        for profile in able {
            let fitting = profile
                .selectors
                .iter()
                .filter(|selector| matches(&selector.namespace, namespace));
            let fits = fitting.map(|selector| match labels {
                _ if selector.labels.is_empty() => true,
                Some(labels) => has_all(labels, &selector.labels),
                None => false,
            });
            let fits: Vec<bool> = fits.collect();
            if fits.contains(&true) {
                surely.push(profile.name.as_str());
            } else if labels.is_none() && !fits.is_empty() {
                perhaps.push(profile.name.as_str());
            }
        }
        match (surely.is_empty(), perhaps.is_empty()) {
            (false, _) => Self::Surely(surely),
            (true, false) => Self::Perhaps(perhaps),
            (true, true) => Self::No,
        }
    }
}

/// Whether a pod has every label of a selector; keys and values may have wildcards.
fn has_all(labels: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|(key, value)| {
        let mut labels = labels.iter();
        labels.any(|(own, ours)| matches(key, own) && matches(value, ours))
    })
}

/// `profile `a``, or `profiles `a` or `b``.
fn listed(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [one] => format!("profile {one}"),
        several => format!("profiles {}", several.join(", ")),
    }
}

/// Whether a name fits a pattern in which `*` stands for any characters and `?` for one.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    // Which prefixes of the name the pattern so far can stand for.
    let mut fits = vec![false; name.len() + 1];
    if let Some(first) = fits.first_mut() {
        *first = true;
    }
    for char in pattern {
        let before = fits.clone();
        let mut any = false;
        for (length, fit) in fits.iter_mut().enumerate() {
            let here = before.get(length).copied().unwrap_or(false);
            any |= here;
            let one_less = length.checked_sub(1);
            let step = one_less
                .and_then(|less| before.get(less).copied())
                .unwrap_or(false);
            let letter = one_less.and_then(|less| name.get(less));
            *fit = match char {
                '*' => any,
                '?' => step,
                _ => step && letter == Some(&char),
            };
        }
    }
    fits.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests;
