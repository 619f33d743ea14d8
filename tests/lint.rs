//! `bootstrap lint`: each rule, where it finds something and where it does not.

use insta::assert_snapshot;

use crate::patch::{DEPLOYMENT, ROLE, SMALL};
use crate::world::{Run, World};

/// Lints a text, with more arguments.
pub(crate) fn lint(text: &str, more: &[&str]) -> Run {
    let world = World::new();
    world.write("work/m.yaml", text);
    world.bootstrap(&[&["lint", "m.yaml"], more].concat())
}

/// What is found, as `line:column rule`.
pub(crate) fn findings(text: &str) -> Vec<String> {
    let run = lint(text, &["--output=json"]);
    let result: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let found = result["findings"].as_array().unwrap();
    assert_eq!(
        run.code,
        Some(if found.is_empty() { 0 } else { 3 }),
        "{run}"
    );
    let shown = found.iter().map(|finding| {
        let rule = finding["rule"].as_str().unwrap();
        format!("{}:{} {rule}", finding["line"], finding["column"])
    });
    shown.collect()
}

/// The example with a text in the place of another, which is there once.
fn with(old: &str, new: &str) -> String {
    assert_eq!(DEPLOYMENT.matches(old).count(), 1, "{old}");
    DEPLOYMENT.replace(old, new)
}

/// The example with a script.
fn script(lines: &str) -> String {
    let indented = lines.replace('\n', "\n            ");
    with(
        "value: \"\"\n        - name: DELEGATE_DESCRIPTION",
        &format!("value: |\n            {indented}\n        - name: DELEGATE_DESCRIPTION"),
    )
}

/// The example with an account that has a role.
fn irsa(role: &str) -> String {
    let account = format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: payments\n  namespace: harness-delegate-ng\n  annotations:\n    eks.amazonaws.com/role-arn: {role}\n---\n"
    );
    let text = with(
        "      restartPolicy: Always\n",
        "      restartPolicy: Always\n      serviceAccountName: payments\n",
    );
    let text = text.replace("    name: default\n", "    name: payments\n");
    format!("{account}{text}")
}

/// Where each rule finds something, and what.
fn faults() -> Vec<(String, &'static [&'static str])> {
    let env = "        - name: JAVA_OPTS\n";
    vec![
        (with("      restartPolicy: Always\n", "      serviceAccountName: default2\n"), &["59:27 account-missing", "59:27 delegate-rights"]),
        (with("      restartPolicy: Always\n", "").replace("name: default\n", "name: upgrader-cronjob-sa\n"), &["41:9 delegate-rights"]),
        (irsa(ROLE).replace("serviceAccountName: payments", "serviceAccountName: default").replace("    name: payments\n    namespace", "    name: default\n    namespace"), &["7:33 account-unused"]),
        (with("    name: default\n", "    name: default\n    namespace: harness-delegate-ng\n  - kind: ServiceAccount\n    name: ghost\n"), &["18:11 binding-subject"]),
        (irsa("arn:aws:iam::111122223333:user/u"), &["7:33 role-arn"]),
        (irsa(ROLE).replace("eks.amazonaws.com/", "eks.amazon.com/"), &["7:5 annotation-misplaced"]),
        (irsa(ROLE).replace(env, &format!("        - {{name: AWS_REGION, value: cn-north-1}}\n{env}")), &["104:37 role-partition"]),
        (irsa(ROLE).replace(env, &format!("        - name: AWS_ACCESS_KEY_ID\n          valueFrom: {{secretKeyRef: {{name: payments-account-token, key: a}}}}\n{env}")), &["104:11 static-keys"]),
        (irsa(ROLE).replace(env, &format!("        - {{name: BOOTSTRAP_CREDENTIALS, value: iam-role}}\n{env}")), &["104:48 credentials-kind"]),
        (with("kind: ClusterRoleBinding", "kind: ClusterRoleBinding # \n").replacen("rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io/v1beta1", 1), &["9:13 api-removed"]),
        (with("\"ZXhhbXBsZQ==\"   # base64", "abc"), &["31:19 base64"]),
        (with("  name: cluster-admin\n  apiGroup: rbac.authorization.k8s.io\n", "  name: cluster-admin\n"), &["18:3 binding-api-group"]),
        (with("    kind: Deployment\n    name: payments\n", "    kind: Deployment\n    name: payment\n"), &["137:11 hpa-target"]),
        (with("harness/delegate:26.02.88404", "harness/delegate"), &["61:16 image-unpinned"]),
        (with("harness/delegate:26.02.88404", "r.test:5000/mine/delegate:1"), &["61:16 upgrader-image"]),
        (DEPLOYMENT.replace("    name: default\n    namespace: harness-delegate-ng\n", "    name: default\n    namespace: elsewhere\n"), &["16:16 namespace", "41:9 delegate-rights"]),
        (with("value: abcdefghijklmnopqrstuv", "value: YOUR_ACCOUNT_ID"), &["98:18 placeholder"]),
        (with(env, &format!("        - {{name: DELEGATE_TOKEN, value: abc}}\n{env}")), &["95:41 plaintext-credential"]),
        (with("            name: payments-account-token", "            name: token"), &["93:19 reference-missing"]),
        (with("    matchLabels:\n      harness.io/name: payments", "    matchLabels:\n      harness.io/name: payment"), &["48:24 selector"]),
        (with("workloadName: payments", "workloadName: payment"), &["203:19 upgrader-workload"]),
        (with("containerName: delegate", "containerName: main"), &["205:20 upgrader-workload"]),
        (with("          failureThreshold: 15", "          failureThreshold: 14").replace("value: \"\"\n        - name: DELEGATE_D", "value: echo\n        - name: DELEGATE_D"), &["84:11 startup-budget"]),
        (script("bootstrap init").replace("        env:\n", "        volumeMounts: [{name: a, mountPath: /opt/harness-delegate}]\n        env:\n").replace("      terminationGrace", "      volumes: [{name: a, hostPath: {path: /a}}]\n      terminationGrace"), &["95:45 init-sh"]),
        (script("bootstrap init"), &["63:15 prefix-volume"]),
        (with("        env:\n        - name: JAVA", "        volumeMounts: [{name: a, mountPath: /opt/harness-delegate/}, {name: b, mountPath: /opt}]\n        env:\n        - name: JAVA").replace("      terminationGrace", "      volumes: [{name: a, emptyDir: {}}, {name: b, hostPath: {path: /a}}]\n      terminationGrace"), &["95:45 mount-hides-delegate"]),
        (with(env, &format!("        - {{name: HARNESS_DELEGATE_NAME, value: a}}\n{env}")), &["41:9 delegate-runner"]),
        (script("echo\n// a comment"), &["114:13 script-comment"]),
        (script("if true; then exit 0; fi\n(exit 1) || true"), &["113:27 script-exit"]),
        (script("exec 3>&1\nexec java"), &["114:13 script-exec"]),
        (script("set -e\nset -eu\n(set -u)"), &["114:13 script-nounset"]),
        (script("set -o nounset"), &["113:13 script-nounset"]),
        (with(env, &format!("        - {{name: JAVA_OPTS, value: a}}\n{env}")), &["96:17 variable-twice"]),
        (with("accountId: abcdefghijklmnopqrstuv", "accountId: YOUR_ACCOUNT_ID"), &["207:18 placeholder"]),
        (with("  selector:\n    matchLabels:\n      harness.io/name: payments\n", ""), &["41:9 selector"]),
        (script("apt-get update"), &["113:13 script-apt"]),
        (script("sudo -E /usr/bin/apt-get update"), &["113:21 script-apt"]),
        (script("curl -o a https://h.test/a\ncurl -o b https://h.test/b\nsha256sum a b\nwget https://h.test/c"), &["116:13 script-checksum"]),
        (script("unzip a.zip"), &["113:13 script-unzip"]),
        (irsa(ROLE).replace(env, &format!("        - {{name: A, value: true}}\n        - {{name: B, value: 80}}\n        - {{name: C, value: \"80\"}}\n{env}")), &["104:28 unquoted", "105:28 unquoted"]),
        (irsa(ROLE).replacen("  annotations:\n", "  annotations:\n    eks.amazonaws.com/token-expiration: 3600\n", 1), &["7:41 unquoted"]),
        (irsa(ROLE).replace("eks.amazonaws.com/role-arn", "eks.amazonaws.com/role_arn"), &["7:5 annotation-misplaced"]),
        (irsa(ROLE).replacen("  annotations:\n", "  labels:\n", 1), &["7:5 annotation-misplaced"]),
        (irsa(ROLE).replace("value: \"\"\n        - name: DELEGATE_D", "value: |\n            export AWS_ACCESS_KEY_ID=AKIDEXAMPLE\n        - name: DELEGATE_D"), &["122:13 static-keys"]),
        (irsa(ROLE).replacen("        - secretRef:", "        - prefix: AWS_\n          secretRef:", 1).replace("  DELEGATE_TOKEN:", "  ACCESS_KEY_ID:"), &["103:19 static-keys"]),
        (with(env, &format!("        - {{name: API_KEY, value: abc}}\n        - {{name: DB_PASSWD, value: abc}}\n        - {{name: PROXY_PASS, value: abc}}\n        - {{name: HTTPS_PROXY, value: \"http://u:p@h\"}}\n        - {{name: OTHER_TOKEN, value: $(API_KEY)}}\n{env}")), &["95:34 plaintext-credential", "96:36 plaintext-credential", "97:37 plaintext-credential", "98:38 plaintext-credential"]),
        (script("curl -o a $URL"), &["113:13 script-checksum"]),
        (script("echo > /usr/local/bin/x\ncat a >/usr/local/bin/b\ntar xzf a -C /usr/local/bin\ncd /usr/local/bin\ntar xzf /tmp/a").replace("runAsUser: 0", "runAsUser: 1001"), &["113:13 script-packages", "114:13 script-packages", "115:13 script-packages", "117:13 script-packages"]),
        (script("x=$((1<<2))\necho \"<<EOF\"\ny=$'it\\'s'\nexit 1"), &["116:13 script-exit"]),
        (script("echo $$"), &["113:18 script-dollars"]),
        (script("curl -Lo a https://h.test/a\n./a"), &["113:13 script-checksum"]),
        (script("mv a /usr/local/bin").replace("runAsUser: 0", "runAsUser: 1001"), &["113:13 script-packages"]),
        (script("microdnf install unzip").replace("runAsUser: 0", "runAsNonRoot: true"), &["113:13 script-packages"]),
        (script("curl -o a https://h.test/a_amd64\nsha256sum -c a.sum").replace("      terminationGrace", "      nodeSelector: {kubernetes.io/arch: arm64}\n      terminationGrace"), &["114:13 script-arch"]),
        (with("value: \"\"\n        - name: DELEGATE_D", "value: \"a\\r\\nb\"\n        - name: DELEGATE_D"), &["112:18 script-cr"]),
        (format!("# bootstrap lint: ignore nothing: why\n# bootstrap lint: ignore base64\n{DEPLOYMENT}"), &["1:1 silence", "2:1 silence"]),
    ]
}

#[test]
fn each_rule_finds_its_fault_at_its_place_and_nothing_else() {
    let all: Vec<_> = faults()
        .into_iter()
        .filter_map(|(text, expected)| {
            let found = findings(&text);
            (found != expected).then(|| format!("{found:?} instead of {expected:?}"))
        })
        .collect();
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn every_rule_has_a_fault_that_it_finds() {
    let rules = World::new()
        .bootstrap(&["lint", "--list-rules", "--output=json"])
        .exits(0);
    let rules: serde_json::Value = serde_json::from_str(&rules.stdout).unwrap();
    let faults = faults();
    for rule in rules["rules"].as_array().unwrap() {
        let id = rule["id"].as_str().unwrap();
        let is_found = |(_, found): &(String, &[&str])| {
            found.iter().any(|found| found.ends_with(&format!(" {id}")))
        };
        assert!(faults.iter().any(is_found), "{id}");
    }
}

#[test]
fn what_is_right_is_not_found() {
    let mut good = vec![DEPLOYMENT.to_owned(), irsa(ROLE)];
    good.push(script("# exit, exec, apt-get\nif ! type -P a; then echo 'exit 1; // no'; fi\ncat <<EOF\nexit\nEOF"));
    good.push(script(
        "microdnf install -y unzip\nunzip a.zip\n(cd /tmp && exec a)",
    ));
    good.push(script(
        "curl -o a https://h.test/a\necho 'x  a' | sha256sum -c -",
    ));
    good.push(script(
        "exec {fd}<x\n(\n  case x in\n    a) echo ;;\n  esac\n  exit 1\n)",
    ));
    good.push(
        script("cp /usr/bin/a .\nln -s /usr/local/bin/a ./a\ntar cf a /usr/bin/b\n(cd /usr/bin && ls)\ntar xzf a")
            .replace("runAsUser: 0", "runAsUser: 1001"),
    );
    good.push(irsa(ROLE).replace(
        "        - name: JAVA_OPTS\n",
        "        - {name: AWS_WEB_IDENTITY_TOKEN_FILE, value: /a}\n        - {name: A, value: !!str 80}\n        - {name: B, value: 12:30}\n        - name: JAVA_OPTS\n",
    ));
    good.push(
        with("harness/delegate:26.02.88404", "r.test/mine:1")
            .replace("  schedule:", "  suspend: true\n  schedule:"),
    );
    for text in good {
        assert_eq!(findings(&text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn what_patch_writes_has_no_fault() {
    let world = World::new();
    world.write("work/m.yaml", DEPLOYMENT);
    let hex = "0".repeat(64);
    let script = [
        "--bootstrap-url=https://h.test/{arch}",
        &format!("--bootstrap-sha256=amd64={hex}"),
        &format!("--bootstrap-sha256=arm64={hex}"),
    ];
    for delivery in [
        &["--delivery=image"][..],
        &["--bootstrap-image=r.test/b:1"],
        &script,
    ] {
        let args = [
            &[
                "patch",
                "m.yaml",
                "--tools=aws-cli",
                "--irsa-role-arn",
                ROLE,
            ],
            delivery,
        ]
        .concat();
        assert_eq!(
            findings(&world.bootstrap(&args).exits(0).stdout),
            Vec::<String>::new()
        );
    }
}

/// The faults of the sample in the connector's reference, in our own example.
#[test]
fn the_sample_of_the_connector_reference_has_each_of_its_faults() {
    let text = DEPLOYMENT
        .replacen(
            "  name: harness-delegate-ng\n",
            "  name: harness-delegate\n",
            1,
        )
        .replace(
            "    name: default\n    namespace: harness-delegate-ng",
            "#    name: default\n    name: cdp-delegate\n    namespace: harness-delegate",
        )
        .replace(
            "  name: payments-account-token\n  namespace: harness-delegate-ng",
            "  name: payments-proxy\n  namespace: harness-delegate",
        )
        .replace(
            "    kind: Deployment\n    name: payments",
            "    kind: Deployment\n    name: newdel",
        )
        .replace(
            "  name: upgrader-cronjob\n  apiGroup: rbac.authorization.k8s.io",
            "  name: upgrader-cronjob\n  apiGroup: \"\"",
        )
        .replace(
            "UPGRADER_TOKEN: \"ZXhhbXBsZQ==\"",
            "UPGRADER_TOKEN: \"YOUR_UPGRADER_TOKEN\"",
        )
        .replace("workloadName: payments", "workloadName: newdel")
        .replace(
            "accountId: abcdefghijklmnopqrstuv",
            "accountId: YOUR_ACCOUNT_ID",
        )
        .replace("value: abcdefghijklmnopqrstuv", "value: YOUR_ACCOUNT_ID")
        .replace("harness/upgrader:26.1.0", "harness/upgrader:latest");
    assert_snapshot!(lint(&text, &[]).exits(3).stdout, @r"
    m.yaml:16:11: warning: ClusterRoleBinding `harness-delegate-ng-cluster-admin` names account `cdp-delegate`, and no pod in the files runs as it [binding-subject]
        fix: name the delegate's account, or let the delegate run as this one
    m.yaml:17:16: error: ClusterRoleBinding `harness-delegate-ng-cluster-admin` names account `cdp-delegate` in namespace `harness-delegate`, where nothing in the files runs [namespace]
        fix: use the delegate's namespace throughout
    m.yaml:29:14: error: Secret `payments-proxy` is in namespace `harness-delegate`, where nothing in the files runs [namespace]
        fix: use the delegate's namespace throughout
    m.yaml:42:9: warning: Deployment `payments` runs as account `default` in namespace `harness-delegate-ng`, to which no binding grants anything; bindings name `cdp-delegate` in namespace `harness-delegate` [delegate-rights]
        fix: add the account to a binding: `bootstrap patch --irsa-role-arn` does
    m.yaml:43:14: error: Deployment `payments` is in namespace `harness-delegate-ng`, and the files make `harness-delegate` [namespace]
        fix: use the delegate's namespace throughout
    m.yaml:94:19: warning: Deployment `payments` takes Secret `payments-account-token`, which is not in namespace `harness-delegate-ng` [reference-missing]
        fix: correct the name, or apply it before
    m.yaml:99:18: error: ACCOUNT_ID is not filled in [placeholder]
        fix: fill it in
    m.yaml:138:11: error: HorizontalPodAutoscaler `payments-hpa` scales Deployment `newdel` in namespace `harness-delegate-ng`; there is Deployment `payments` [hpa-target]
        fix: name the delegate's workload in scaleTargetRef
    m.yaml:172:13: warning: the roleRef of RoleBinding `payments-upgrader-cronjob` does not name the API group `rbac.authorization.k8s.io` [binding-api-group]
        fix: write `apiGroup: rbac.authorization.k8s.io`
    m.yaml:191:19: error: `UPGRADER_TOKEN` of Secret `payments-upgrader-token` is not base64: kubectl refuses the file [base64]
        fix: encode it, or put it below `stringData`
    m.yaml:191:19: error: `UPGRADER_TOKEN` of Secret `payments-upgrader-token` is not filled in [placeholder]
        fix: fill it in
    m.yaml:204:19: error: the upgrader upgrades `newdel`; the delegate is `payments` [upgrader-workload]
        fix: name the delegate's
    m.yaml:208:18: error: `accountId` of the upgrader is not filled in [placeholder]
        fix: fill it in
    m.yaml:231:20: warning: `harness/upgrader:latest` names no version [image-unpinned]
        fix: name a version or a digest
    ");
}

#[test]
fn a_comment_with_a_reason_silences_a_rule_on_its_line_or_below() {
    let base = with("\"ZXhhbXBsZQ==\"   # base64", "abc");
    let above = base.replace(
        "  DELEGATE_TOKEN: abc",
        "  # bootstrap lint: ignore base64: filled in later\n  # really\n  DELEGATE_TOKEN: abc",
    );
    let beside = base
        .replace(
            "abc",
            "abc # bootstrap lint: ignore base64: filled in later",
        )
        .replacen(
            "# bootstrap lint: ignore base64: filled in laterdef",
            "def",
            1,
        );
    for text in [above, beside] {
        assert!(
            !findings(&text)
                .iter()
                .any(|found| found.ends_with(" base64")),
            "{text}"
        );
    }
    let other = base.replace(
        "  DELEGATE_TOKEN: abc",
        "  # bootstrap lint: ignore selector: no\n  DELEGATE_TOKEN: abc",
    );
    assert_eq!(findings(&other), ["32:19 base64"]);
    let shell = script("# bootstrap lint: ignore script-exit: wanted\nexit 0");
    assert_eq!(findings(&shell), Vec::<String>::new());
}

#[test]
fn a_delegate_without_a_binding_anywhere_is_found_and_one_bound_elsewhere_is_not() {
    let (small, rest) = SMALL.split_once("spec:\n").unwrap();
    let small = format!(
        "{small}spec:\n  selector: {{matchLabels: {{a: b}}}}\n  template:\n    metadata: {{labels: {{a: b}}}}\n{}",
        rest.strip_prefix("  template:\n").unwrap()
    );
    assert_eq!(findings(&small), ["4:9 delegate-rights"]);
    let run = lint(&small, &[]);
    let words = "to which no binding grants anything; there is none in the files";
    assert!(run.stdout.contains(words), "{run}");
    let elsewhere = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: b, namespace: apps}\nsubjects: [{kind: ServiceAccount, name: default, namespace: ng}]\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}\n";
    assert_eq!(
        findings(&format!("{small}{elsewhere}")),
        Vec::<String>::new()
    );
}

#[test]
fn files_without_a_delegate_are_told_of() {
    for text in ["", "# nothing\n", "kind: Namespace\nmetadata: {name: a}\n"] {
        let run = lint(text, &[])
            .exits(0)
            .says("warning: no delegate was found in m.yaml");
        assert_eq!(run.stdout, "");
        assert_eq!(lint(text, &["-q"]).exits(0).stderr, "");
    }
    let world = World::new();
    world.write("work/d/a.yaml", "");
    world.write("work/d/b.yaml", "");
    world
        .bootstrap(&["lint", "d"])
        .says("no delegate was found in the 2 files");
}

#[test]
fn an_api_that_the_cluster_still_has_is_no_fault() {
    let text = "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: a}\n";
    assert_eq!(findings(text), ["1:13 api-removed"]);
    lint(text, &["--kubernetes=1.24"]).exits(0);
    lint(text, &["--kubernetes=v1.24.17-eks-1"]).exits(0);
    lint(text, &["--kubernetes=v1"])
        .exits(2)
        .says("such as 1.30");
    lint(text, &["--kubernetes=1.25"])
        .exits(3)
        .says("1 error, 0 warnings in 1 file");
}

#[test]
fn all_files_are_one_set_of_objects_and_pipes_are_read() {
    let world = World::new();
    let (first, rest) = DEPLOYMENT.split_once("apiVersion: autoscaling/v1").unwrap();
    world.write("work/d/a.yaml", first);
    world.write("work/d/b.yml", format!("apiVersion: autoscaling/v1{rest}"));
    world.bootstrap(&["lint", "d"]).exits(0).says("in 2 files");
    let run = world.bootstrap(&["lint", "d/b.yml"]).exits(3);
    assert!(run.stdout.contains("d/b.yml:12:11: error: "), "{run}");
    let mut command = world.command(&["lint", "-q"]);
    command.stdin(std::fs::File::open(world.path("work/d/b.yml")).unwrap());
    let run = world.end(command).exits(3);
    assert!(run.stdout.starts_with("<stdin>:"), "{run}");
    assert_eq!(run.stderr, "");
    lint("a: b: c", &[]).exits(6).says("m.yaml:1:5: ");
}

#[test]
fn rules_are_listed_with_what_to_do() {
    let run = World::new().bootstrap(&["lint", "--list-rules"]).exits(0);
    assert!(
        run.stdout
            .contains("script-exit (error): INIT_SCRIPT calls exit"),
        "{run}"
    );
    assert!(
        run.stdout.contains("\n    fix: leave it out, or use if\n"),
        "{run}"
    );
}

#[test]
fn a_file_without_end_is_given_up() {
    let world = World::new();
    let error = "caused by: it is larger than 64 MiB";
    world.bootstrap(&["lint", "/dev/zero"]).exits(1).says(error);
    let mut command = world.command(&["lint", "-"]);
    command.stdin(std::fs::File::open("/dev/zero").unwrap());
    world.end(command).exits(1).says(error);
    // What a shell makes of `<(…)` is a pipe, and read as any file is.
    let script =
        "printf 'kind: List\\napiVersion: v1\\nitems: []\\n' | \"$bootstrap\" lint /dev/stdin";
    let run = world.shell(&["/bin/sh"], script);
    assert_ne!(run.code, Some(1), "{run}");
}
