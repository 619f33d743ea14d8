//! `bootstrap patch`: null is no text, a number is none either, and both come back as they were.

use crate::patch::{DEPLOYMENT, ROLE, SMALL};
use crate::world::{Run, World};

const NULLS: [&str; 4] = ["", " ~", " null", " ~ # none"];

fn patch(text: &str, args: &[&str]) -> Run {
    let world = World::new();
    world.write("work/m.yaml", text);
    world.bootstrap(&[&["patch", "m.yaml"], args].concat())
}

/// Patches, looks at what is said, and takes out again: all must be as before.
fn there_and_back(text: &str, args: &[&str]) -> String {
    let there = patch(text, args).exits(0).stdout;
    assert_eq!(
        patch(&there, args).exits(0).stdout,
        there,
        "the second run changed something"
    );
    let back = patch(&there, &["--remove"]).exits(0);
    assert_eq!(back.stdout, text, "{args:?}\n{there}");
    there
}

fn read(text: &str) -> serde_yaml::Value {
    serde_yaml::from_str(text).unwrap()
}

#[test]
fn a_script_that_is_null_is_no_script() {
    for null in NULLS {
        let values = format!("accountId: a\ndelegateName: b\ninitScript:{null}\n");
        let args = ["--delivery=image", "--tools=aws-cli"];
        let run = patch(&values, &args).exits(0);
        let script = read(&run.stdout)["initScript"].as_str().unwrap().to_owned();
        assert!(script.ends_with("# <<< bootstrap patch <<<\n"), "{script}");
        let text = SMALL.replace("value: \"\"", &format!("value:{null}"));
        let run = patch(&text, &args).exits(0);
        assert!(!run.stdout.contains("        null"), "{run}");
        assert!(!run.stdout.contains("        ~"), "{run}");
    }
}

#[test]
fn an_account_or_a_namespace_that_is_null_is_none() {
    let binding = "---\nkind: ClusterRoleBinding\nmetadata: {name: b}\nsubjects:\n- kind: ServiceAccount\n  name: default\n  namespace: ng\n";
    let nulls = NULLS.into_iter().chain([" \"\""]);
    for null in nulls {
        for key in ["serviceAccountName", "serviceAccount"] {
            let pod = format!("    spec:\n      {key}:{null}\n");
            let text = SMALL.replace("    spec:\n", &pod) + binding;
            for more in [&[][..], &["--replace-subject"]] {
                if key == "serviceAccount" && null == " \"\"" {
                    continue;
                }
                let there = there_and_back(&text, &[&["--irsa-role-arn", ROLE], more].concat());
                let there = there.replace('"', "");
                assert!(there.contains("serviceAccountName: payments"), "{there}");
                assert!(!there.contains("name: null"), "{there}");
            }
        }
        let text = SMALL.replace("namespace: ng", &format!("namespace:{null}"));
        let there = there_and_back(&text, &["--irsa-role-arn", ROLE]);
        assert_eq!(there.matches("namespace:").count(), 1, "{there}");
    }
}

#[test]
fn lint_takes_no_null_for_a_name() {
    let text = DEPLOYMENT
        .replace("namespace: harness-delegate-ng", "namespace: null")
        .replace(
            "      terminationGrace",
            "      serviceAccountName: ~\n      terminationGrace",
        );
    let world = World::new();
    world.write("work/m.yaml", &text);
    let run = world.bootstrap(&["lint", "m.yaml"]);
    for word in ["`null`", "`~`"] {
        assert!(!run.stdout.contains(word), "{run}");
    }
}

#[test]
fn values_that_were_null_or_numbers_come_back_as_they_were() {
    for was in [
        " ~", "", " null", " 0x0F", " 12", " 1_001", " 1.5", " yes", " \"a\"",
    ] {
        let text = SMALL.replace(
            "env:\n",
            &format!("env:\n        - name: AWS_REGION\n          value:{was}\n"),
        );
        there_and_back(&text, &["--region=us-east-1"]);
    }
    for was in [" ~", " 0x0F", " 3", ""] {
        let probe = format!(
            "        startupProbe:\n          periodSeconds: 5\n          failureThreshold:{was} # tries\n        env:\n"
        );
        let text = SMALL.replace("        env:\n", &probe);
        there_and_back(&text, &["--startup-budget=900"]);
    }
    let account = "kind: ServiceAccount\nmetadata:\n  name: payments\n  namespace: ng\n  annotations:\n    eks.amazonaws.com/token-expiration: 3600\n    eks.amazonaws.com/role-arn:\n---\n";
    let args = ["--irsa-role-arn", ROLE, "--token-expiration=900"];
    there_and_back(&format!("{account}{SMALL}"), &args);
}

#[test]
fn lists_and_mappings_that_were_null_are_null_again() {
    for null in NULLS {
        let volumes = SMALL.replace(
            "        env:\n",
            &format!("        volumeMounts:{null}\n        env:\n"),
        ) + &format!("      volumes:{null}\n      initContainers:{null}\n");
        there_and_back(&volumes, &["--bootstrap-image=r.test/b:1"]);
        let annotations =
            SMALL.replace("metadata:\n", &format!("metadata:\n  annotations:{null}\n"));
        there_and_back(&annotations, &["--fargate"]);
        let account = format!(
            "kind: ServiceAccount\nmetadata:\n  name: payments\n  namespace: ng\n  annotations:{null}\n---\n"
        );
        there_and_back(&format!("{account}{SMALL}"), &["--irsa-role-arn", ROLE]);
        let values = format!(
            "accountId: a\ndelegateName: b\nserviceAccount:{null}\nstartupProbe:{null}\ncustom_envs:{null}\ncustom_volumes:{null}\ncustom_mounts:{null}\ndelegateAnnotations:{null}\n"
        );
        let args = [
            "--irsa-role-arn",
            ROLE,
            "--region=us-east-1",
            "--startup-budget=900",
        ];
        there_and_back(&values, &args);
        there_and_back(&values, &["--delivery=image"]);
    }
    let flow = SMALL.replace(
        "metadata:\n  name: payments\n  namespace: ng",
        "metadata: {name: payments, namespace: ng, annotations: }",
    );
    there_and_back(&flow, &["--fargate"]);
    // A probe of nothing cannot be given time.
    let probe = SMALL.replace("        env:\n", "        startupProbe:\n        env:\n");
    let run = patch(&probe, &["--startup-budget=900"])
        .exits(0)
        .says("has no startupProbe");
    assert_eq!(run.stdout, probe);
}

#[test]
fn what_an_init_container_has_from_the_delegate_is_copied_as_it_is_written() {
    let context = "        securityContext:\n          readOnlyRootFilesystem: yes\n          runAsUser: 1_001\n          runAsGroup: 0x0F\n          fraction: 1.5\n          nothing:\n          word: \"yes\"\n        env:\n        - name: AWS_REGION\n          value: \"1.0\"\n";
    let text = SMALL.replace("        env:\n", context);
    let there = there_and_back(&text, &["--bootstrap-image=r.test/b:1"]);
    let (_, copy) = there.split_once("initContainers:").unwrap();
    for line in [
        "readOnlyRootFilesystem: yes\n",
        "runAsUser: 1_001\n",
        "runAsGroup: 0x0F\n",
        "fraction: 1.5\n",
        "nothing: null\n",
        "word: \"yes\"\n",
        "value: \"1.0\"\n",
    ] {
        assert!(copy.contains(line), "{line}\n{there}");
    }
    let mount =
        "        volumeMounts: [{name: m, mountPath: /data, readOnly: yes}]\n        env:\n";
    let text =
        SMALL.replace("        env:\n", mount) + "      volumes: [{name: m, emptyDir: {}}]\n";
    patch(&text, &["--delivery=image", "--prefix=/data"])
        .exits(2)
        .says("is on a volume that is mounted read-only");
}

#[test]
fn probes_with_extreme_numbers_are_calculated_with() {
    const MOST: &str = "9223372036854775807";
    const LEAST: &str = "-9223372036854775808";
    // The threshold that gives 600 s, and what lint takes the probe to give.
    for (delay, period, failures, threshold, gives) in [
        (MOST, MOST, MOST, MOST, None),
        (LEAST, MOST, "1", "1", Some("-1 s")),
        (LEAST, "1", LEAST, MOST, Some("-9223372036854775808 s")),
        ("0", LEAST, "3", "600", Some("3 s")),
    ] {
        let text = DEPLOYMENT
            .replace(
                "initialDelaySeconds: 30",
                &format!("initialDelaySeconds: {delay}"),
            )
            .replace(
                "periodSeconds: 10\n          failureThreshold: 15",
                &format!("periodSeconds: {period}\n          failureThreshold: {failures}"),
            )
            .replace(
                "value: \"\"\n        - name: DELEGATE_D",
                "value: echo\n        - name: DELEGATE_D",
            );
        let raised = patch(&text, &["--startup-budget=600"]).exits(0).stdout;
        let (_, probe) = raised.split_once("startupProbe:\n").unwrap();
        let line = format!("failureThreshold: {threshold}\n");
        let end = probe.find("failureThreshold").unwrap();
        assert!(probe[end..].starts_with(&line), "{line}{probe}");
        let world = World::new();
        world.write("work/m.yaml", &text);
        let run = world.bootstrap(&["lint", "m.yaml"]);
        let found = gives.map(|gives| format!("kills the container after {gives}; "));
        let said = run.stdout.contains("[startup-budget]");
        assert_eq!(said, found.is_some(), "{run}");
        assert!(run.stdout.contains(&found.unwrap_or_default()), "{run}");
    }
}
