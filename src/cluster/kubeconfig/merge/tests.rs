//! Entries put into texts of all shapes, held against a second reader and a second way to merge.

mod properties;

use super::*;
use crate::cluster::kubeconfig::entry::Names;
use crate::cluster::kubeconfig::plugin::Section;

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
        .replace("    tls-server-name: api\n    insecure-skip-tls-verify: true\n", "    tls-server-name: api\n")
        .replace("command: aws-iam-authenticator ", "command: \"/bin/authenticator\" ")
        .replace("v1alpha1", "v1beta1")
        .replace("[token, -i, payments]", "[token, -i, payments, \"--region\", us-east-1]")
        .replace(
            "      - {name: AWS_PROFILE, value: bank}\n",
            "      - {name: AWS_PROFILE, value: bank}\n      - name: AWS_STS_REGIONAL_ENDPOINTS\n        value: regional\n\
             \x20     - name: AWS_REGION\n        value: us-east-1\n",
        )
        .replace(
            "      installHint: ask the platform team\n    token: stale\n",
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
    let other = "current-context: dev\n";
    assert_eq!(
        current(other, Current::Default(ARN)),
        ("dev".to_owned(), false)
    );
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
            "config:2:3: an item of `clusters` is text, not a mapping",
        ),
        (
            "users:\n- name: a\n- [b]\n",
            "config:3:3: an item of `users` is a list",
        ),
        (
            "preferences: []\n",
            "config:1:14: `preferences` is a list, not a mapping",
        ),
        (
            "current-context: [a]\n",
            "config:1:18: `current-context` is a list, not a name",
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
fn a_proxy_is_set_where_one_is_given_and_else_left_alone() {
    let with = Entry {
        proxy: Some("http://proxy.example:3128".to_owned()),
        ..entry()
    };
    let made = merge(OLD, &[with], Current::Kept).unwrap().text;
    assert_eq!(
        read(&made)["clusters"][1]["cluster"]["proxy-url"],
        "http://proxy.example:3128"
    );
    assert_eq!(
        merge(&made, &[entry()], Current::Kept).unwrap().changes,
        [Change::Unchanged]
    );
}
