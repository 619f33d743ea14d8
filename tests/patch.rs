//! `bootstrap patch`: manifests changed for IRSA, and what is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use insta::assert_snapshot;

use crate::world::{Run, World};

pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/harness/delegate";
pub(crate) const DEPLOYMENT: &str = include_str!("../manifests/delegate/input/deployment.yaml");

/// A small delegate: the workload with its variables, in namespace `ng`.
pub(crate) const SMALL: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: payments
  namespace: ng
spec:
  template:
    spec:
      containers:
      - name: delegate
        env:
        - name: INIT_SCRIPT
          value: \"\"
";

/// A binding of these subjects, `name@namespace`, in a document of its own.
fn binding(kind: &str, name: &str, subjects: &[&str]) -> String {
    let mut text = format!(
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: {name}\n  namespace: ng\nsubjects:\n"
    );
    for subject in subjects {
        let (account, namespace) = subject.split_once('@').unwrap();
        text.push_str(&format!(
            "- kind: ServiceAccount\n  name: {account}\n  namespace: {namespace}\n"
        ));
    }
    text + "roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: view\n"
}

/// Patches a text for IRSA, with more arguments.
fn irsa(text: &str, more: &[&str]) -> Run {
    let world = World::new();
    world.write("work/m.yaml", text);
    let args = [&["patch", "m.yaml", "--irsa-role-arn", ROLE], more].concat();
    world.bootstrap(&args)
}

/// The lines that came (`+`) and went (`-`).
fn changes(text: &str, more: &[&str]) -> String {
    let run = irsa(text, &[&["--diff"], more].concat()).exits(0);
    let lines = run.stdout.lines().skip(2);
    let changed = lines.filter(|line| line.starts_with(['+', '-']));
    changed.flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn irsa_takes_an_account_before_the_workload_its_name_in_the_pod_and_its_rights() {
    assert_snapshot!(changes(DEPLOYMENT, &[]), @r"
    +  - kind: ServiceAccount
    +    name: payments
    +    namespace: harness-delegate-ng
    +apiVersion: v1
    +kind: ServiceAccount
    +metadata:
    +  name: payments
    +  namespace: harness-delegate-ng
    +  labels:
    +    app.kubernetes.io/managed-by: bootstrap-patch
    +  annotations:
    +    eks.amazonaws.com/role-arn: arn:aws:iam::111122223333:role/harness/delegate
    +---
    +      serviceAccountName: payments
    ");
    let text = irsa(DEPLOYMENT, &[]).exits(0).stdout;
    let at = |words: &str| text.find(words).unwrap();
    assert!(at("role-arn:") < at("kind: Deployment"));
}

#[test]
fn an_account_that_is_there_is_annotated_and_not_written_anew() {
    let account =
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: payments\n  namespace: ng\n---\n";
    let more = [
        "--sts-regional-endpoints",
        "--token-expiration=3600",
        "--audience=sts.example",
    ];
    assert_snapshot!(changes(&format!("{account}{SMALL}"), &more), @r#"
    +  annotations:
    +    eks.amazonaws.com/role-arn: arn:aws:iam::111122223333:role/harness/delegate
    +    eks.amazonaws.com/sts-regional-endpoints: "true"
    +    eks.amazonaws.com/token-expiration: "3600"
    +    eks.amazonaws.com/audience: sts.example
    +  annotations:
    +    bootstrap-patch/record: "account:eks.amazonaws.com/role-arn account:eks.amazonaws.com/sts-regional-endpoints account:eks.amazonaws.com/token-expiration account:eks.amazonaws.com/audience pod:serviceAccountName mark:annotations"
    +      serviceAccountName: payments
    "#);
}

#[test]
fn the_account_is_the_one_that_the_bindings_name_already() {
    let named = format!(
        "{SMALL}{}",
        binding("ClusterRoleBinding", "a", &["mine@ng"])
    );
    assert!(changes(&named, &[]).contains("+      serviceAccountName: mine"));
    assert!(!changes(&named, &[]).contains("+- kind"));
    let two = format!("{named}{}", binding("RoleBinding", "b", &["other@ng"]));
    irsa(&two, &[])
        .exits(2)
        .says("mine, other")
        .says("--service-account");
    assert!(changes(&two, &["--service-account=other"]).contains("Name: other"));
}

#[test]
fn every_binding_of_the_present_account_gets_the_new_one_and_others_do_not() {
    let text = [
        SMALL,
        &binding("ClusterRoleBinding", "all", &["default@ng", "other@ng"]),
        &binding("RoleBinding", "here", &["default@ng"]),
        &binding("ClusterRoleBinding", "upgrade", &["upgrader-cronjob-sa@ng"]),
        &binding("ClusterRoleBinding", "sibling", &["default@lived-in"]),
        "---\nkind: Deployment\nmetadata: {name: s, namespace: lived-in}\nspec: {template: {spec: {}}}\n",
    ]
    .concat();
    let account = ["--service-account", "payments"];
    let added = |text: &str| text.matches("+- kind: ServiceAccount").count();
    assert_eq!(added(&changes(&text, &account)), 2);
    let replaced = changes(&text, &[&account[..], &["--replace-subject"]].concat());
    assert_eq!(replaced.matches("-  name: default").count(), 2);
    assert_eq!(added(&replaced), 0);
    let chosen = changes(&text, &[&account[..], &["--binding", "sibling"]].concat());
    assert_eq!(added(&chosen), 1);
    let wrong = irsa(&text, &[&account[..], &["--binding", "no"]].concat());
    wrong.exits(2).says("there is ClusterRoleBinding `all`");
}

#[test]
fn all_subjects_of_the_present_account_make_room_at_once() {
    let both = ["default@elsewhere", "default@nowhere", "other@ng"];
    let text = format!("{SMALL}{}", binding("ClusterRoleBinding", "a", &both));
    let more = ["--replace-subject", "--service-account=payments"];
    let once = irsa(&text, &more).exits(0).stdout;
    assert!(!once.contains("name: default\n"), "{once}");
    assert!(once.contains("name: other\n"), "{once}");
    assert_eq!(irsa(&once, &more).exits(0).stdout, once);
}

#[test]
fn a_subject_in_a_namespace_where_nothing_runs_is_meant_for_the_delegate() {
    let text = format!(
        "{SMALL}{}",
        binding("ClusterRoleBinding", "a", &["default@elsewhere"])
    );
    assert!(changes(&text, &[]).contains("+  namespace: ng"));
}

#[test]
fn an_account_without_rights_is_warned_of() {
    irsa(SMALL, &[])
        .exits(0)
        .says("warning: no binding gives ServiceAccount `payments`");
    let group = "---\nkind: RoleBinding\nmetadata: {name: g, namespace: ng}\nsubjects: [{kind: Group, name: 'system:serviceaccounts:ng'}]\n";
    let run = irsa(&format!("{SMALL}{group}"), &[]).exits(0);
    assert_eq!(run.stderr, "");
}

#[test]
fn a_namespace_that_kubectl_is_to_choose_is_asked_for_where_a_binding_takes_it() {
    let text = format!(
        "{SMALL}{}",
        binding("ClusterRoleBinding", "a", &["default@ng"])
    );
    let text = text.replace("  namespace: ng\nspec", "spec");
    irsa(&text, &[])
        .exits(2)
        .says("hint: name it with --namespace");
    assert!(changes(&text, &["--namespace", "ng"]).contains("+  namespace: ng"));
    irsa(SMALL, &["--namespace", "x"])
        .exits(2)
        .says("in namespace `ng`, not in `x`");
}

#[test]
fn legacy_delegates_daemon_sets_and_delegates_known_by_their_variables_are_found() {
    for (from, to) in [
        ("kind: Deployment", "kind: DaemonSet"),
        ("kind: Deployment", "kind: StatefulSet"),
        ("name: delegate\n", "name: harness-delegate-instance\n"),
        (
            "name: delegate\n        env:\n",
            "name: any\n        env:\n        - name: DELEGATE_NAME\n          value: d\n        - {name: ACCOUNT_ID, value: a}\n",
        ),
    ] {
        let text = SMALL.replace(from, to);
        assert_ne!(text, SMALL);
        assert!(
            changes(&text, &[]).contains("+      serviceAccountName: payments"),
            "{to}"
        );
    }
}

#[test]
fn what_is_no_delegate_is_named() {
    let upgrader = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: u}\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: delegate}]}}}}}\n";
    irsa(upgrader, &[])
        .exits(6)
        .says("no delegate was found: m.yaml has CronJob `u`");
    irsa("", &[])
        .exits(6)
        .says("m.yaml has no Kubernetes object at all");
}

#[test]
fn of_several_delegates_one_is_chosen_by_name() {
    let text = format!("{SMALL}---\n{}", SMALL.replace("payments", "orders"));
    irsa(&text, &[])
        .exits(2)
        .says("there are several delegates: Deployment `payments`, Deployment `orders`")
        .says("--delegate");
    irsa(&text, &["--delegate=x"])
        .exits(2)
        .says("no delegate is named `x`");
    assert_snapshot!(changes(&text, &["--delegate=orders"]), @r"
    +apiVersion: v1
    +kind: ServiceAccount
    +metadata:
    +  name: orders
    +  namespace: ng
    +  labels:
    +    app.kubernetes.io/managed-by: bootstrap-patch
    +  annotations:
    +    eks.amazonaws.com/role-arn: arn:aws:iam::111122223333:role/harness/delegate
    +---
    +      serviceAccountName: orders
    ");
}

#[test]
fn a_list_as_kubectl_prints_it_gets_the_account_as_an_item() {
    let indented: String = SMALL
        .split_inclusive('\n')
        .flat_map(|line| ["  ", line])
        .collect();
    let list = format!("apiVersion: v1\nkind: List\nitems:\n- {}", &indented[2..]);
    let text = irsa(&list, &[]).exits(0).stdout;
    assert!(
        text.starts_with(
            "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ServiceAccount\n"
        ),
        "{text}"
    );
    assert!(
        text.contains("        serviceAccountName: payments\n"),
        "{text}"
    );
}

#[test]
fn check_says_with_its_exit_code_whether_something_would_change() {
    let world = World::new();
    let file = world.write("work/m.yaml", DEPLOYMENT);
    let args = ["patch", "m.yaml", "--irsa-role-arn", ROLE];
    let check = [&args[..], &["--check"]].concat();
    let found = world.bootstrap(&check).exits(3);
    assert!(
        found.stdout.starts_with("--- a/m.yaml\n+++ b/m.yaml\n@@ "),
        "{found}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), DEPLOYMENT);
    world
        .bootstrap(&[&args[..], &["--in-place"]].concat())
        .exits(0);
    let done = world.bootstrap(&check).exits(0);
    assert_eq!(done.stdout + &done.stderr, "");
    let colored = world.bootstrap(
        &[
            &args[..],
            &["--diff", "--color=always", "--service-account=x"],
        ]
        .concat(),
    );
    assert!(
        colored
            .stdout
            .contains("\x1b[31m-      serviceAccountName: payments\x1b[0m")
    );
}

#[test]
fn a_manifest_is_patched_on_its_way_through_a_pipe() {
    let world = World::new();
    for more in [&[][..], &["-"]] {
        let args = [&["patch", "--irsa-role-arn", ROLE], more].concat();
        let mut command: Command = world.command(&args);
        let file = world.write("work/m.yaml", DEPLOYMENT);
        command.stdin(Stdio::from(fs::File::open(file).unwrap()));
        let run = world.end(command).exits(0);
        assert_eq!(run.stdout, irsa(DEPLOYMENT, &[]).stdout);
    }
    let args = ["patch", "-", "--irsa-role-arn", ROLE, "-i"];
    world
        .bootstrap(&args)
        .exits(2)
        .says("cannot be changed in place");
}

#[test]
fn a_directory_is_one_set_of_objects_and_is_changed_in_place() {
    let world = World::new();
    world.write("work/d/a/workload.yaml", SMALL);
    world.write(
        "work/d/binding.yml",
        binding("ClusterRoleBinding", "a", &["default@ng"]),
    );
    world.write("work/d/account.json", "{\"kind\": \"ServiceAccount\", \"metadata\": {\"name\": \"payments\", \"namespace\": \"ng\"}}\n");
    world.write("work/d/notes.txt", "{{ nothing of ours");
    world.write("work/d/.git/x.yaml", "{{ nothing of ours");
    let args = ["patch", "d", "--irsa-role-arn", ROLE];
    world
        .bootstrap(&args)
        .exits(2)
        .says("3 files cannot be written as one");
    world.bootstrap(&[&args[..], &["-i"]].concat()).exits(0);
    assert!(
        world
            .read("work/d/a/workload.yaml")
            .ends_with("      serviceAccountName: payments\n")
    );
    assert!(
        world
            .read("work/d/binding.yml")
            .contains("  name: payments\n")
    );
    assert_eq!(
        world.read("work/d/account.json"),
        format!(
            "{{\"kind\": \"ServiceAccount\", \"metadata\": {{\"name\": \"payments\", \"namespace\": \"ng\", \"annotations\": {{\"eks.amazonaws.com/role-arn\": \"{ROLE}\"}}}}}}\n"
        )
    );
    world
        .bootstrap(&[&args[..], &["--check"]].concat())
        .exits(0);
    world.write("work/empty/x.txt", "");
    world
        .bootstrap(&["patch", "empty", "--irsa-role-arn", ROLE])
        .exits(2)
        .says("has no file that ends in");
}

#[test]
fn a_file_that_nobody_may_write_is_left_alone_and_a_mode_is_kept() {
    let world = World::new();
    let file = world.write("work/m.yaml", SMALL);
    let args = ["patch", "m.yaml", "--irsa-role-arn", ROLE, "--in-place"];
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    world.bootstrap(&args).exits(1).says("cannot write `");
    assert_eq!(world.read("work/m.yaml"), SMALL);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    world.bootstrap(&args).exits(0);
    assert_ne!(world.read("work/m.yaml"), SMALL);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o640
    );
}

#[test]
fn a_result_is_written_where_it_is_asked_for() {
    let world = World::new();
    world.write("work/m.yaml", SMALL);
    let args = ["patch", "m.yaml", "--irsa-role-arn", ROLE];
    let run = world
        .bootstrap(&[&args[..], &["-o", "out.yaml"]].concat())
        .exits(0);
    assert_eq!(run.stdout, "");
    assert_eq!(world.read("work/out.yaml"), world.bootstrap(&args).stdout);
    assert_eq!(world.read("work/m.yaml"), SMALL);
}

#[test]
fn line_breaks_marks_and_ends_stay_as_they_are() {
    let crlf = DEPLOYMENT.replace('\n', "\r\n");
    let patched = irsa(&crlf, &[]).exits(0).stdout;
    assert_eq!(patched, irsa(DEPLOYMENT, &[]).stdout.replace('\n', "\r\n"));
    let marked = irsa(&format!("\u{feff}{SMALL}"), &[]).exits(0).stdout;
    assert_eq!(marked, format!("\u{feff}{}", irsa(SMALL, &[]).stdout));
    let open = irsa(SMALL.trim_end(), &[]).exits(0).stdout;
    assert_eq!(open, irsa(SMALL, &[]).stdout.trim_end());
}

#[test]
fn bad_files_are_refused_with_the_place_and_nothing_is_written() {
    for (text, words) in [
        ("a: b: c\n", "m.yaml:1:5: "),
        ("kind: A\nkind: B\n", "m.yaml:2:1: "),
        ("kind: {{ .Values.kind }}\n", "m.yaml:1:7: "),
        ("kind: A\nb:\n\tc: d\n", "m.yaml:3:"),
    ] {
        let run = irsa(text, &[]).exits(6).says(words).says("\n  | ");
        assert_eq!(run.stdout, "");
    }
    let alias = SMALL.replace("    spec:\n", "    spec: &pod\n") + "---\nx: 1\n";
    irsa(&alias, &[]).exits(0);
    let alias = SMALL.replace("    spec:\n", "    spec: &pod\n") + "other: *pod\n";
    irsa(&alias, &[])
        .exits(6)
        .says("m.yaml:9:")
        .says("anchor `&pod`, which is used again in line 14");
    let json = "{\"kind\": \"Deployment\", \"metadata\": {\"name\": \"a\"}, \"spec\": {\"template\": {\"spec\": {\"containers\": [{\"name\": \"delegate\"}]}}}}";
    irsa(json, &[])
        .exits(6)
        .says("this is JSON, which holds one document only");
    let world = World::new();
    world.write("work/m.yaml", b"kind: \xff\n");
    let args = ["patch", "m.yaml", "--irsa-role-arn", ROLE];
    world
        .bootstrap(&args)
        .exits(6)
        .says("m.yaml:1:7: this is not UTF-8");
    world
        .bootstrap(&["patch", "no.yaml", "--irsa-role-arn", ROLE])
        .exits(2)
        .says("cannot read `no.yaml`");
}

#[test]
fn arguments_that_cannot_be_meant_are_refused() {
    for (args, words) in [
        (&["patch", "m.yaml"][..], "nothing to change was asked for"),
        (
            &["patch", "--irsa-role-arn=arn:aws:iam::111122223333:user/u"],
            "is not the ARN of a role",
        ),
        (
            &["patch", "--irsa-role-arn", ROLE, "--service-account=A_b"],
            "is not the name of a ServiceAccount",
        ),
        (
            &["patch", "--irsa-role-arn", ROLE, "--namespace=a.b"],
            "is not a namespace",
        ),
        (
            &["patch", "--irsa-role-arn", ROLE, "--token-expiration=60"],
            "60 is not in 600..=86400",
        ),
        (
            &["patch", "--irsa-role-arn", ROLE, "--check", "-i"],
            "cannot be used with",
        ),
        (&["patch", "--service-account=a"], "--irsa-role-arn"),
    ] {
        World::new().bootstrap(args).exits(2).says(words);
    }
}
