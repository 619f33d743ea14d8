//! Properties of patched manifests, over generated ones of the shapes that Harness and its users
//! write.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::select;
use serde_yaml::Value;

use super::access::Irsa;
use super::init_script::Wishes;
use super::patch::{Delivery, Plan, patch};
use super::remove::remove;
use crate::yaml::Stream;

const ROLE: &str = "arn:aws:iam::111122223333:role/harness/delegate";

/// What a manifest is made of.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is there or not, by chance"
)]
struct Shape {
    kind: &'static str,
    container: &'static str,
    /// Blanks before the dashes of lists.
    dash: usize,
    separator: &'static str,
    script: Option<&'static str>,
    has_probe: bool,
    has_volumes: bool,
    /// What stands behind the last line of the pod.
    tail: &'static str,
    binding: Option<&'static str>,
    comments: bool,
    others_first: bool,
    eol: &'static str,
    mark: &'static str,
    final_break: bool,
}

prop_compose! {
    fn shapes()(
        kind in select(&["Deployment", "StatefulSet", "DaemonSet"]),
        container in select(&["delegate", "harness-delegate-instance"]),
        dash in select(&[0_usize, 2]),
        separator in select(&["---\n", "\n---\n\n", "--- # next\n", "---\n# of the next\n"]),
        script in select(&[
            None, Some("\"\""), Some("''"), Some("\"\"   # none"), Some("echo mine"), Some("|\n  echo mine\n\n  # two\n"),
            Some("|-\n  #!/bin/bash\n  a: b"), Some("\"a\\tb\""), Some(">\n  folded\n  text\n"),
        ]),
        has_probe in any::<bool>(),
        has_volumes in any::<bool>(),
        tail in select(&["", "      # the end of the pod\n", "\n\n"]),
        binding in select(&[None, Some("ClusterRoleBinding"), Some("RoleBinding")]),
        comments in any::<bool>(),
        others_first in any::<bool>(),
        eol in select(&["\n", "\r\n"]),
        mark in select(&["", "\u{feff}"]),
        final_break in any::<bool>(),
    ) -> Shape {
        Shape {
            kind, container, dash, separator, script, has_probe, has_volumes, tail, binding, comments,
            others_first, eol, mark, final_break,
        }
    }
}

impl Shape {
    fn text(&self) -> String {
        let mut documents = vec![self.workload()];
        let mut others = vec!["kind: ConfigMap\nmetadata: {name: other, namespace: ng}   # flow\ndata:\n    a: \"0755\"\n    b: yes\n".to_owned()];
        if let Some(kind) = self.binding {
            let dash = " ".repeat(self.dash);
            others.push(format!(
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: b\n  namespace: ng\nsubjects:\n{dash}- kind: ServiceAccount\n{dash}  name: default # now\n{dash}  namespace: ng\nroleRef:\n  kind: ClusterRole\n  name: view\n  apiGroup: rbac.authorization.k8s.io\n"
            ));
        }
        if self.others_first {
            documents.splice(0..0, others);
        } else {
            documents.extend(others);
        }
        let mut text = documents.join(self.separator);
        if self.comments {
            text = format!("# head\n{text}# foot\n");
        }
        if !self.final_break {
            text.truncate(text.trim_end().len());
        }
        format!("{}{}", self.mark, text.replace('\n', self.eol))
    }

    fn workload(&self) -> String {
        let dash = " ".repeat(6 + self.dash);
        let mut text = format!(
            "apiVersion: apps/v1\nkind: {}\nmetadata:\n  name: payments\n  namespace: ng\nspec:\n  template:\n    spec:\n      containers:\n{dash}- name: {}\n",
            self.kind, self.container
        );
        if self.has_probe {
            text.push_str(&format!(
                "{dash}  startupProbe:\n{dash}    initialDelaySeconds: 30\n{dash}    periodSeconds: 7 # odd\n{dash}    failureThreshold: 15\n"
            ));
        }
        let item = format!("{dash}  {}", " ".repeat(self.dash));
        text.push_str(&format!(
            "{dash}  env:\n{item}- {{name: A, value: \"b\"}}\n"
        ));
        if let Some(script) = self.script {
            let script = script.replace('\n', &format!("\n{item}  "));
            text.push_str(&format!(
                "{item}- name: INIT_SCRIPT\n{item}  value: {}\n",
                script.trim_end()
            ));
        }
        text.push_str(&format!("{item}- name: LAST\n{item}  value: 'x' # y\n"));
        if self.has_volumes {
            text.push_str(&format!(
                "{dash}  volumeMounts:\n{item}- name: v\n{item}  mountPath: /v\n      volumes:\n{dash}- name: v\n{dash}  emptyDir: {{}}\n"
            ));
        }
        text + self.tail
    }
}

fn plans() -> impl Strategy<Value = Plan> {
    let delivery = select(vec![
        None,
        Some(Delivery::Image),
        Some(Delivery::InitContainer {
            image: "r.test/b:1".to_owned(),
        }),
        Some(Delivery::Script {
            url: "https://h.test/{arch}".parse().unwrap(),
            pins: vec![format!("amd64={}", "0".repeat(64)).parse().unwrap()],
        }),
    ]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (delivery, flags).prop_map(|(delivery, (irsa, region, budget, replaces))| Plan {
        irsa: irsa.then(|| Irsa {
            role: ROLE.parse().unwrap(),
            account: None,
            regional_sts: Some(true),
            token_expiration: None,
            audience: None,
            replace_subject: replaces,
            bindings: Vec::new(),
        }),
        delivery,
        wishes: Wishes {
            tools: vec!["aws-cli".to_owned()],
            clusters: vec!["name=a,region=us-east-1".parse().unwrap()],
        },
        region: region.then(|| "us-east-1".parse().unwrap()),
        startup_budget: budget.then_some(600),
        ..Plan::default()
    })
}

fn run(
    text: &str,
    change: impl Fn(&[Stream<'_>]) -> Result<super::patch::Patched, super::Error>,
) -> String {
    let stream = Stream::parse(Path::new("m.yaml"), text).unwrap_or_else(|error| panic!("{error}"));
    let mut texts = change(&[stream])
        .unwrap_or_else(|error| panic!("{error}\n{text}"))
        .texts;
    texts.pop().unwrap()
}

/// The documents, as a reader that is not ours takes them.
fn read(text: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(text.trim_start_matches('\u{feff}'));
    documents
        .map(|document| serde::Deserialize::deserialize(document).unwrap())
        .collect()
}

fn kind(document: &Value) -> &str {
    document["kind"].as_str().unwrap()
}

proptest! {
    #[test]
    fn patching_twice_is_patching_once(shape in shapes(), plan in plans()) {
        let text = shape.text();
        let once = run(&text, |streams| patch(streams, &plan));
        prop_assert_eq!(run(&once, |streams| patch(streams, &plan)), once);
    }

    #[test]
    fn what_was_put_in_is_taken_out_again(shape in shapes(), plan in plans()) {
        let text = shape.text();
        let there = run(&text, |streams| patch(streams, &plan));
        let back = run(&there, |streams| remove(streams, None));
        // How a script was quoted is not known any more, nor whether a comment stood beside it.
        let is_plain = matches!(shape.script, None | Some("\"\"" | "\"\"   # none" | "|-\n  #!/bin/bash\n  a: b"));
        if is_plain || plan.delivery.is_none() {
            prop_assert_eq!(&back, &text);
        }
        prop_assert_eq!(read(&back), read(&text));
    }

    #[test]
    fn lines_that_need_not_change_stay_in_their_order(shape in shapes(), plan in plans()) {
        let text = shape.text();
        let there = run(&text, |streams| patch(streams, &plan));
        // A byte order mark stays before all else.
        let (old, new) = (text.trim_start_matches(shape.mark), there.strip_prefix(shape.mark).unwrap());
        let mut left = new.split_inclusive('\n');
        let mut in_script = false;
        for line in old.split_inclusive('\n') {
            // The script's own lines, and the last one, which may get a line break.
            if line.contains("INIT_SCRIPT") {
                in_script = true;
            } else if line.contains("LAST") {
                in_script = false;
            }
            let is_replaced = plan.irsa.as_ref().is_some_and(|irsa| irsa.replace_subject) && line.contains("name: default");
            let may_change = is_replaced || in_script && !line.contains("INIT_SCRIPT") || line.contains("failureThreshold") || !line.ends_with('\n');
            prop_assert!(may_change || left.any(|other| other == line), "{line:?} is gone\n{there}");
        }
        if shape.eol == "\r\n" {
            prop_assert_eq!(there.matches('\n').count(), there.matches("\r\n").count());
        }
        prop_assert_eq!(there.ends_with('\n'), text.ends_with('\n'));
    }

    #[test]
    fn the_meaning_is_the_old_one_with_what_was_asked_for(shape in shapes(), plan in plans()) {
        let text = shape.text();
        let there = run(&text, |streams| patch(streams, &plan));
        let (old, new) = (read(&text), read(&there));
        let account = new.iter().position(|document| kind(document) == "ServiceAccount");
        let workload = new.iter().position(|document| kind(document) == shape.kind).unwrap();
        let pod = &new[workload]["spec"]["template"]["spec"];
        prop_assert_eq!(account.is_some(), plan.irsa.is_some());
        if let Some(account) = account {
            prop_assert!(account < workload);
            prop_assert_eq!(&new[account]["metadata"]["annotations"]["eks.amazonaws.com/role-arn"], ROLE);
            prop_assert_eq!(&pod["serviceAccountName"], "payments");
        }
        let of_env = |pod: &Value, name: &str| {
            let items = pod["containers"][0]["env"].as_sequence().unwrap().clone();
            items.into_iter().find(|item| item["name"] == name).map(|item| item["value"].clone())
        };
        let before = old.iter().find(|document| kind(document) == shape.kind).unwrap();
        let before = &before["spec"]["template"]["spec"];
        let script = of_env(pod, "INIT_SCRIPT");
        let user = of_env(before, "INIT_SCRIPT");
        if plan.delivery.is_some() {
            let script = script.unwrap().as_str().unwrap().to_owned();
            let user = user.and_then(|user| user.as_str().map(str::to_owned)).unwrap_or_default();
            prop_assert!(script.starts_with("# >>> bootstrap patch"));
            let mark = "# <<< bootstrap patch <<<\n";
            let end = [mark, user.as_str()].concat();
            prop_assert!(script.ends_with(&end));
            prop_assert!(pod["volumes"].as_sequence().unwrap().iter().any(|volume| volume["name"] == "bootstrap"));
        } else {
            prop_assert_eq!(script, user);
        }
        prop_assert_eq!(of_env(pod, "AWS_REGION").is_some(), plan.region.is_some());
        for document in old.iter().filter(|document| kind(document) == "ConfigMap") {
            prop_assert!(new.contains(document));
        }
    }
}
