//! Any manifest, and any plan for it: it is patched, and unpatched, or refused; and nothing panics.
//!
//! An input is a text, a zero byte, and bytes of which each chooses a part of the plan.

use std::path::Path;

use bootstrap::delegate::access::Irsa;
use bootstrap::delegate::init_script::Wishes;
use bootstrap::delegate::lint::lint;
use bootstrap::delegate::patch::{Delivery, Patched, Plan, ScriptPolicy, patch};
use bootstrap::delegate::remove::remove;
use bootstrap::delegate::{Error, Manifests};
use bootstrap::fault::Fault;
use bootstrap::yaml::Stream;

/// Patches, patches again, and takes out.
pub(crate) fn run(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let Ok(text) = std::str::from_utf8(parts.next().unwrap_or_default()) else {
        return;
    };
    let plan = plan(parts.next().unwrap_or_default());
    let Ok(stream) = Stream::parse(Path::new("m.yaml"), text) else {
        return;
    };
    let streams = [stream];
    let _ = Manifests::new(&streams);
    lint(&streams, Some(22));
    change(text, |streams| remove(streams, None));
    let Some(once) = change(text, |streams| patch(streams, &plan)) else {
        return;
    };
    let twice = change(&once, |streams| patch(streams, &plan));
    assert_eq!(twice.as_deref(), Some(once.as_str()), "not the same twice");
    if let Some(back) = change(&once, |streams| remove(streams, None)) {
        let again = change(&back, |streams| remove(streams, None));
        // Of several delegates, none of which is patched any more, one must be chosen.
        let same = again.as_deref().unwrap_or(&back);
        assert_eq!(same, back, "not removed at once");
    }
}

/// The new text; none where the change is refused. What is our own fault is a bug.
fn change(text: &str, change: impl Fn(&[Stream<'_>]) -> Result<Patched, Error>) -> Option<String> {
    let stream = Stream::parse(Path::new("m.yaml"), text);
    let stream = stream.unwrap_or_else(|error| panic!("{error}"));
    match change(&[stream]) {
        Ok(mut patched) => patched.texts.pop(),
        Err(error) => {
            assert_ne!(error.fault(), Fault::Local, "{error}");
            let _ = (error.to_string(), error.hint());
            None
        }
    }
}

fn plan(bytes: &[u8]) -> Plan {
    let at = |index: usize| bytes.get(index).copied().unwrap_or_default();
    let [irsa, delivery, pod, script, more] = [at(0), at(1), at(2), at(3), at(4)];
    let has = |byte: u8, bit: u8| byte & (1 << bit) != 0;
    let known = |text: &str| text.to_owned();
    Plan {
        delegate: has(more, 0).then(|| known("payments")),
        namespace: has(more, 1).then(|| "ng".parse().ok()).flatten(),
        irsa: (!has(irsa, 0)).then(|| Irsa {
            role: "arn:aws:iam::111122223333:role/r"
                .parse()
                .unwrap_or_else(|error| panic!("{error}")),
            account: has(irsa, 1).then(|| "mine".parse().ok()).flatten(),
            regional_sts: has(irsa, 2).then_some(has(irsa, 3)),
            token_expiration: has(irsa, 4).then_some(600),
            audience: has(irsa, 5).then(|| known("a.test")),
            replace_subject: has(irsa, 6),
            bindings: has(irsa, 7).then(|| known("b")).into_iter().collect(),
        }),
        delivery: match delivery % 4 {
            0 => None,
            1 => Some(Delivery::Image),
            2 => Some(Delivery::InitContainer {
                image: known("r.test/b:1"),
            }),
            _ => Some(Delivery::Script {
                url: "https://h.test/{arch}"
                    .parse()
                    .unwrap_or_else(|error| panic!("{error}")),
                pins: Vec::new(),
            }),
        },
        wishes: Wishes {
            tools: vec![known("aws-cli")],
            clusters: Vec::new(),
        },
        init_script: match script % 3 {
            0 => ScriptPolicy::Merge,
            1 => ScriptPolicy::Replace,
            _ => ScriptPolicy::Keep,
        },
        prefix: has(pod, 0).then(|| "/opt/p".parse().ok()).flatten(),
        region: has(pod, 1).then(|| "us-east-1".parse().ok()).flatten(),
        fargate: has(pod, 2),
        startup_budget: has(pod, 3).then_some(600),
    }
}
