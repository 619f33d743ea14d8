//! Entries put into texts of all shapes, held against a second reader and a second way to merge.

mod properties;

use super::*;
use crate::cluster::kubeconfig::entry::Names;

const ARN: &str = "arn:aws:eks:us-east-1:111122223333:cluster/payments";

/// What a test puts in, under these names.
fn named(user: &str, context: &str) -> Entry {
    let args = ["token", "-i", "payments", "--region", "us-east-1"];
    Entry {
        names: Names {
            cluster: ARN.to_owned(),
            user: user.to_owned(),
            context: context.to_owned(),
        },
        server: "https://new.example".to_owned(),
        authority: "TkVX".to_owned(),
        proxy: None,
        exec: Section::new("/bin/authenticator", &args, "us-east-1"),
    }
}

fn entry() -> Entry {
    named(ARN, ARN)
}

fn merge(text: &str, entries: &[Entry], current: Current<'_>) -> Result<Merged, Error> {
    Document::parse(FilePath::new("config"), text)?.merge(entries, current)
}

/// The text with the entry in it.
fn merged(text: &str) -> String {
    merge(text, &[entry()], Current::Default(ARN)).unwrap().text
}

fn read(text: &str) -> serde_yaml::Value {
    serde_yaml::from_str(text).unwrap()
}

const NEW: &str = "\
apiVersion: v1
clusters:
  - cluster:
      certificate-authority-data: TkVX
      server: https://new.example
    name: arn:aws:eks:us-east-1:111122223333:cluster/payments
contexts:
  - context:
      cluster: arn:aws:eks:us-east-1:111122223333:cluster/payments
      user: arn:aws:eks:us-east-1:111122223333:cluster/payments
    name: arn:aws:eks:us-east-1:111122223333:cluster/payments
current-context: arn:aws:eks:us-east-1:111122223333:cluster/payments
kind: Config
preferences: {}
users:
  - name: arn:aws:eks:us-east-1:111122223333:cluster/payments
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1beta1
        args:
          - token
          - \"-i\"
          - payments
          - \"--region\"
          - us-east-1
        command: \"/bin/authenticator\"
        env:
          - name: AWS_STS_REGIONAL_ENDPOINTS
            value: regional
          - name: AWS_REGION
            value: us-east-1
        interactiveMode: Never
        provideClusterInfo: false
";

#[test]
fn what_has_nothing_in_it_becomes_a_new_kubeconfig() {
    assert_eq!(merged(""), NEW);
    assert_eq!(merged("# mine\n"), format!("# mine\n{NEW}"));
    for text in [
        "---\n",
        "---\n# mine\n",
        "null\n",
        "~",
        "\n\n",
        "{}\n",
        "%YAML 1.2\n---\n",
    ] {
        assert_eq!(
            read(&merged(text)),
            {
                let mut expected = read(NEW);
                if text == "{}\n" {
                    // What is a mapping already gets what it lacks, and no more.
                    let keys = expected.as_mapping_mut().unwrap();
                    for key in ["apiVersion", "kind", "preferences"] {
                        keys.remove(key);
                    }
                }
                expected
            },
            "{text}"
        );
        let twice = merged(&merged(text));
        assert_eq!(twice, merged(text), "{text}");
    }
}

#[test]
fn entries_of_one_name_are_written_once_and_several_roles_stand_side_by_side() {
    let entries = [named("deployer", "d"), named("reader", "r")];
    let made = merge("", &entries, Current::Default("d")).unwrap();
    assert_eq!(made.changes, [Change::Added, Change::Added]);
    let config = read(&made.text);
    let count = |section: &str| config[section].as_sequence().unwrap().len();
    assert_eq!(
        (count("clusters"), count("contexts"), count("users")),
        (1, 2, 2)
    );
    let later = merge(&merged(""), &entries, Current::Default("d")).unwrap();
    let config = read(&later.text);
    let count = |section: &str| config[section].as_sequence().unwrap().len();
    assert_eq!(
        (count("clusters"), count("contexts"), count("users")),
        (1, 3, 3)
    );
}

/// A kubeconfig as people have them: another cluster, comments, unknown keys, and this cluster with
/// an old address and another way to enter it.
const OLD: &str = "\
# Managed by hand, mostly.
kind: Config
apiVersion: v1
x-owner: 'platform'   # who to ask
users:
- name: dev
  user: {token: abc}  # local
# the bank
- user:
    # how it was entered in 2019
    exec:
      command: aws-iam-authenticator   # from PATH
      apiVersion: client.authentication.k8s.io/v1alpha1
      args: [token, -i, payments]
      env:
      - {name: AWS_PROFILE, value: bank}
      installHint: ask the platform team
    token: stale
    as: auditor
  name: arn:aws:eks:us-east-1:111122223333:cluster/payments
contexts:
- context: {cluster: dev, user: dev, namespace: web}
  name: dev
- name: arn:aws:eks:us-east-1:111122223333:cluster/payments
  context:
    cluster: arn:aws:eks:us-east-1:111122223333:cluster/payments
    user: arn:aws:eks:us-east-1:111122223333:cluster/payments
    namespace: payments # keep

current-context: dev
clusters:
- cluster:
    server: https://localhost:6443
    insecure-skip-tls-verify: true
  name: dev
- cluster:
    server: \"https://old.example\" # before the move
    certificate-authority-data: T0xE
    tls-server-name: api
    insecure-skip-tls-verify: true
  name: arn:aws:eks:us-east-1:111122223333:cluster/payments
";

#[test]
fn what_is_there_changes_where_it_must_and_nowhere_else() {
    let made = merge(OLD, &[entry()], Current::Default(ARN)).unwrap();
    assert_eq!(made.changes, [Change::Updated]);
    assert!(!made.switched);
    let expected = OLD
        .replace("\"https://old.example\"", "\"https://new.example\"")
        .replace("T0xE", "TkVX")
        .replace("    tls-server-name: api\n    insecure-skip-tls-verify: true\n", "")
        .replace("command: aws-iam-authenticator ", "command: \"/bin/authenticator\" ")
        .replace("v1alpha1", "v1beta1")
        .replace("[token, -i, payments]", "[token, -i, payments, \"--region\", us-east-1]")
        .replace(
            "      - {name: AWS_PROFILE, value: bank}\n",
            "      - name: AWS_STS_REGIONAL_ENDPOINTS\n        value: regional\n\
             \x20     - name: AWS_REGION\n        value: us-east-1\n",
        )
        .replace(
            "      installHint: ask the platform team\n    token: stale\n    as: auditor\n",
            "      installHint: ask the platform team\n      interactiveMode: Never\n      provideClusterInfo: false\n",
        );
    assert_eq!(made.text, expected);
    let again = merge(&made.text, &[entry()], Current::Default(ARN)).unwrap();
    assert_eq!(
        (again.text, again.changes),
        (made.text, vec![Change::Unchanged])
    );
}

#[test]
fn a_current_context_is_kept_unless_it_is_to_be_set() {
    let current = |text: &str, current| {
        let made = merge(text, &[entry()], current).unwrap();
        let config = read(&made.text);
        let found = config["current-context"].as_str().unwrap_or("none");
        (found.to_owned(), made.switched)
    };
    let ours = || ARN.to_owned();
    for none in [
        "{}\n",
        "current-context: \"\"\n",
        "current-context:\n",
        "current-context: null\n",
    ] {
        assert_eq!(
            current(none, Current::Default(ARN)),
            (ours(), true),
            "{none}"
        );
        assert_ne!(current(none, Current::Kept).0, ours());
    }
    let other = "current-context: dev\ncontexts:\n- name: dev\n";
    assert_eq!(
        current(other, Current::Default(ARN)),
        ("dev".to_owned(), false)
    );
    // One that no context has is as good as none; that of this cluster comes to be.
    let dangling = "current-context: ghost\ncontexts:\n- name: dev\n";
    assert_eq!(current(dangling, Current::Default(ARN)), (ours(), true));
    assert_eq!(
        current(dangling, Current::Kept),
        ("ghost".to_owned(), false)
    );
    let coming = format!("current-context: {ARN}\n");
    assert_eq!(current(&coming, Current::Default(ARN)), (ours(), false));
    assert_eq!(current(other, Current::Kept), ("dev".to_owned(), false));
    assert_eq!(current(other, Current::Set(ARN)), (ours(), true));
    let own = format!("current-context: {ARN}\n");
    assert_eq!(current(&own, Current::Set(ARN)), (ours(), false));
}

#[test]
fn json_stays_json() {
    let text = format!(
        "{{\n  \"kind\": \"Config\",\n  \"clusters\": [],\n  \"contexts\": null,\n  \"users\": [\n    \
         {{\"name\": \"{ARN}\", \"user\": {{\"token\": \"x\"}}}}\n  ]\n}}\n"
    );
    let made = merged(&text);
    let json: serde_json::Value = serde_json::from_str(&made).unwrap();
    assert_eq!(
        json["clusters"][0]["cluster"]["server"],
        "https://new.example"
    );
    assert_eq!(json["users"][0]["user"]["exec"]["args"][1], "-i");
    assert_eq!(json["users"][0]["user"].get("token"), None);
    assert_eq!(json["current-context"], ARN);
    assert_eq!(merged(&made), made);
}

#[test]
fn nulls_and_entries_without_a_name_are_no_obstacle() {
    for text in [
        "clusters: null\ncontexts: ~\nusers:\n",
        "clusters: []\ncontexts: []\nusers: []\n",
        "clusters:\n- cluster: {server: https://a}\ncontexts:\n- context:\nusers:\n- user:\n",
        "clusters:\n- name: b\n  cluster:\n-\nusers:\n- ~\n",
        "apiVersion:\nkind: ''\npreferences: null\n",
    ] {
        let config = read(&merged(text));
        let last =
            |section: &str| config[section].as_sequence().unwrap().last().unwrap()["name"].clone();
        for section in SECTIONS {
            assert_eq!(last(section), ARN, "{text}");
        }
    }
    let empty = format!(
        "clusters:\n- name: {ARN}\nusers:\n- name: {ARN}\n  user:\ncontexts:\n- name: {ARN}\n  context: null\n"
    );
    let config = read(&merged(&empty));
    assert_eq!(
        config["clusters"][0]["cluster"]["server"],
        "https://new.example"
    );
    assert_eq!(config["contexts"][0]["context"]["user"], ARN);
    assert_eq!(
        config["users"][0]["user"]["exec"]["interactiveMode"],
        "Never"
    );
}

#[test]
fn what_is_no_kubeconfig_is_refused_with_the_place() {
    let ours = |section: &str, rest: &str| format!("{section}:\n- name: {ARN}\n  {rest}\n");
    for (text, expected) in [
        (
            "just text\n",
            "config:1:1: a kubeconfig is a mapping, and this is text",
        ),
        (
            "- a\n",
            "config:1:1: a kubeconfig is a mapping, and this is a list",
        ),
        ("a: b: c\n", "config:1:5: "),
        ("a: 1\na: 2\n", "config:2:1: "),
        (
            "clusters: all\n",
            "config:1:11: `clusters` is text, not a list",
        ),
        (
            "contexts: {}\n",
            "config:1:11: `contexts` is a mapping, not a list",
        ),
        ("users: 1\n", "config:1:8: `users` is a number"),
        (
            "clusters:\n- one\n",
            "config:2:3: `clusters[0]` is text, not a mapping",
        ),
        (
            "users:\n- name: a\n- [b]\n",
            "config:3:3: `users[1]` is a list, not a mapping",
        ),
        (
            "preferences: []\n",
            "config:1:14: `preferences` is a list, not a mapping",
        ),
        (
            "current-context: [a]\n",
            "config:1:18: `current-context` is a list, not text",
        ),
        (
            "kind: Deployment\n",
            "config:1:7: the `kind` of a kubeconfig is `Config`",
        ),
        (
            "apiVersion: apps/v1\n",
            "config:1:13: the `apiVersion` of a kubeconfig is `v1`",
        ),
        (
            "kind: Config\n---\nkind: Config\n",
            "config:3:1: a kubeconfig is one document",
        ),
        (&ours("clusters", "cluster: x"), "config:3:12: "),
        (&ours("users", "user: [x]"), "config:3:9: "),
        (&ours("users", "user: {exec: x}"), "config:3:16: "),
        (
            &ours("users", "user: {exec: {env: {A: b}}}"),
            "config:3:22: ",
        ),
        (&ours("contexts", "context: x"), "config:3:12: "),
        (
            &ours("contexts", &format!("context: {{}}\n- name: {ARN}")),
            "config:4:3: `contexts` has `arn",
        ),
        (
            &format!("x: &a {{server: old}}\nclusters:\n- {{name: {ARN}, cluster: *a}}\n"),
            "config:3:",
        ),
    ] {
        let error = merge(text, &[entry()], Current::Default(ARN)).unwrap_err();
        let said = error.to_string();
        assert!(said.starts_with(expected), "{text}\n{said}");
        assert_eq!(error.fault(), crate::fault::Fault::Input, "{said}");
        assert!(
            error.hint().is_some() || text.contains("*a") || text.contains(ARN),
            "{said}"
        );
    }
}

#[test]
fn line_ends_and_a_missing_last_one_stay_as_they_are() {
    let text = OLD.replace('\n', "\r\n");
    let made = merged(&text);
    assert_eq!(made.matches('\n').count(), made.matches("\r\n").count());
    assert_eq!(read(&made), read(&merged(OLD)));
    let text = OLD.trim_end();
    assert!(!merged(text).ends_with('\n'));
    assert_eq!(read(&merged(text)), read(&merged(OLD)));
}

#[test]
fn a_proxy_is_set_where_one_is_given_and_is_gone_where_none_is() {
    let with = Entry {
        proxy: Some("http://proxy.example:3128".to_owned()),
        ..entry()
    };
    let made = merge(OLD, std::slice::from_ref(&with), Current::Kept).unwrap();
    let proxy = |made: &Merged| {
        read(&made.text)["clusters"][1]["cluster"]
            .get("proxy-url")
            .cloned()
    };
    assert_eq!(proxy(&made), Some("http://proxy.example:3128".into()));
    let again = merge(&made.text, &[with], Current::Kept).unwrap();
    assert_eq!(again.changes, [Change::Unchanged]);
    let without = merge(&made.text, &[entry()], Current::Kept).unwrap();
    assert_eq!(
        (proxy(&without), without.changes.clone()),
        (None, vec![Change::Updated])
    );
    assert_eq!(without.text, merged(OLD));
}

#[test]
fn no_variable_that_leads_the_plugin_elsewhere_is_left_and_others_are() {
    let text = format!(
        "users:\n- name: {ARN}\n  user:\n    exec:\n      env:\n      - {{name: AWS_REGION, value: moon}} # 1\n      \
         - {{name: AWS_PROFILE, value: bank}}\n      - {{name: HTTPS_PROXY, value: p}} # keep\n      \
         - {{name: DEFAULT_ROLE, value: r}}\n      - {{name: AWS_REGION, value: mars}}\n      \
         - {{name: KUBERNETES_AWS_AUTHENTICATOR_CLUSTER_ID, value: x}}\n      - {{name: AWS_PROFILE, value: b}}\n"
    );
    let made = merged(&text);
    let env = &read(&made)["users"][0]["user"]["exec"]["env"];
    let expected = "[{name: AWS_REGION, value: us-east-1}, {name: HTTPS_PROXY, value: p}, \
                    {name: AWS_STS_REGIONAL_ENDPOINTS, value: regional}]";
    assert_eq!(*env, read(expected), "{made}");
    assert!(made.contains("value: p} # keep\n"), "{made}");
    // Two contexts of one user, in one go.
    let both = [named(ARN, "a"), named(ARN, "b")];
    let twice = merge(&text, &both, Current::Kept).unwrap().text;
    assert_eq!(read(&twice)["users"], read(&made)["users"], "{twice}");
}

/// Names, whether kubectl reads them as text, and whether as a boolean.
const SCALARS: &str = "1 true y N yes on OFF 12:30 1.2.3.4 2024-01-01 0x1F 0o17 1_000 1e3 1e+3 .5 .inf ~ '1' \
    10.0.0.1:6443 0755 08 1.5 . + = 0b1 +1 .nan 1. 190:20:30 1_0.5 _1 0x tRUE 18446744073709551616 +.inf -.INF \
    0_7 1e400 -0b11 0B1 0X1f nan inf infinity -infinity 0x+1 0xffffffffffffffffff";

#[test]
fn of_plain_scalars_those_are_text_that_kubectl_reads_as_text() {
    let text = "12:30 1.2.3.4 2024-01-01 ~ '1' 10.0.0.1:6443 . + = 190:20:30 _1 0x tRUE 1e400 nan inf infinity -infinity \
                0x+1 0xffffffffffffffffff";
    let text: Vec<_> = text.split_whitespace().collect();
    for scalar in SCALARS.split_whitespace() {
        let config = format!("clusters:\n- name: {scalar}\n");
        let read = Document::parse(FilePath::new("config"), &config);
        assert_eq!(read.is_ok(), text.contains(&scalar), "{scalar}");
    }
}
