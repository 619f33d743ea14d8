//! Fargate: its pods have neither instance metadata nor Pod Identity, so IRSA is all there is
//! (Amazon EKS User Guide, "AWS Fargate").

use std::collections::BTreeMap;

use super::{Check, Finding};
use crate::aws::FargateProfile;

/// What manifests call the name of the node, by the downward API.
const NODE_NAMES: [&str; 5] = [
    "NODE_NAME",
    "K8S_NODE_NAME",
    "KUBERNETES_NODE_NAME",
    "KUBE_NODE_NAME",
    "MY_NODE_NAME",
];

/// What is known of where this pod runs.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The name of its node, from a variable or the service account's token.
    pub node: Option<String>,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Whether it has what IRSA takes.
    pub has_irsa: bool,
}

/// The node that a variable names.
pub fn node_of(variables: &BTreeMap<String, String>) -> Option<String> {
    let mut names = NODE_NAMES.iter();
    names.find_map(|name| {
        let value = variables.get(*name).filter(|value| !value.is_empty());
        value.cloned()
    })
}

/// Judges where this pod runs; `profiles` are those of the clusters that could be asked.
pub fn judge(facts: &Facts, profiles: &[FargateProfile]) -> Finding {
    if let Some(node) = &facts.node {
        if !node.starts_with("fargate-") {
            return Finding::pass(
                Check::Fargate,
                format!("the node {node} is not one of Fargate"),
            );
        }
        let evidence = format!("the node {node} is one of Fargate");
        if facts.has_irsa {
            return Finding::pass(Check::Fargate, format!("{evidence}, and the pod has IRSA"));
        }
        return Finding::fail(Check::Fargate, format!("{evidence}, and the pod has no IRSA"))
            .because("Fargate has no instance metadata and no Pod Identity, and a pod cannot use its execution role")
            .remedy("set up IRSA for the delegate's service account, or run the delegate on a node");
    }
    let Some(namespace) = &facts.namespace else {
        return Finding::skip(
            Check::Fargate,
            "neither the node nor the namespace of this process is known",
        );
    };
    let matching = profiles.iter().find(|profile| {
        let mut selectors = profile.selectors.iter();
        selectors.any(|selector| matches(&selector.namespace, namespace))
    });
    match matching {
        Some(profile) if !facts.has_irsa => Finding::warn(
            Check::Fargate,
            format!(
                "the Fargate profile `{}` selects the namespace {namespace}, and the pod has no IRSA",
                profile.name
            ),
        )
        .because("if this pod runs there, it has no credentials; its node is not known")
        .remedy("set up IRSA for the delegate's service account"),
        Some(profile) => Finding::pass(
            Check::Fargate,
            format!(
                "the Fargate profile `{}` selects the namespace {namespace}, and the pod has IRSA",
                profile.name
            ),
        ),
        None if profiles.is_empty() => Finding::skip(
            Check::Fargate,
            "the node of this process is not known, and no Fargate profile",
        ),
        None => Finding::pass(
            Check::Fargate,
            format!("no Fargate profile selects the namespace {namespace}"),
        ),
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
mod tests {
    use super::super::State;
    use super::*;
    use crate::aws::FargateSelector;

    fn facts(node: Option<&str>, namespace: Option<&str>, has_irsa: bool) -> Facts {
        Facts {
            node: node.map(str::to_owned),
            namespace: namespace.map(str::to_owned),
            has_irsa,
        }
    }

    fn profile(namespace: &str) -> FargateProfile {
        FargateProfile {
            name: "serverless".to_owned(),
            selectors: vec![FargateSelector {
                namespace: namespace.to_owned(),
                labels: BTreeMap::new(),
            }],
        }
    }

    #[test]
    fn what_is_known_decides() {
        let fargate = Some("fargate-ip-10-0-0-1.ec2.internal");
        let ours = Some("harness-delegate-ng");
        for (facts, profiles, state) in [
            (facts(fargate, None, false), vec![], State::Fail),
            (facts(fargate, None, true), vec![], State::Pass),
            (
                facts(Some("ip-10-0-0-1"), ours, false),
                vec![profile("harness-*")],
                State::Pass,
            ),
            (
                facts(None, ours, false),
                vec![profile("harness-*")],
                State::Warn,
            ),
            (
                facts(None, ours, true),
                vec![profile("harness-*")],
                State::Pass,
            ),
            (
                facts(None, ours, false),
                vec![profile("other")],
                State::Pass,
            ),
            (facts(None, ours, false), vec![], State::Skip),
            (facts(None, None, false), vec![profile("*")], State::Skip),
        ] {
            assert_eq!(judge(&facts, &profiles).state, state, "{facts:?}");
        }
    }

    #[test]
    fn patterns_have_two_wildcards() {
        for (pattern, name, expected) in [
            ("harness", "harness", true),
            ("harness", "harness-ng", false),
            ("har*", "harness", true),
            ("*", "", true),
            ("*ng", "harness-ng", true),
            ("h?rness", "harness", true),
            ("h?rness", "hrness", false),
            ("a*b*c", "aXXbYYc", true),
            ("a*b*c", "aXXcYYb", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_variable_may_name_the_node() {
        let variables = BTreeMap::from([("NODE_NAME".to_owned(), "n".to_owned())]);
        assert_eq!(node_of(&variables).as_deref(), Some("n"));
        assert_eq!(node_of(&BTreeMap::new()), None);
    }
}
