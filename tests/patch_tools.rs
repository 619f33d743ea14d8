//! `bootstrap patch`: INIT_SCRIPT and what a pod takes for it, and all of it taken out again.

use insta::assert_snapshot;

use crate::patch::{DEPLOYMENT, ROLE, SMALL};
use crate::world::{Run, World};

const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const SCRIPT: [&str; 6] = [
    "--tools=aws-cli",
    "--bootstrap-url=https://artifacts.test/bootstrap-{arch}",
    "--bootstrap-sha256",
    "amd64=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "--bootstrap-sha256",
    "arm64=fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210",
];
const IMAGE: [&str; 2] = ["--tools=aws-cli", "--delivery=image"];
const INIT_CONTAINER: [&str; 2] = ["--tools=aws-cli", "--bootstrap-image=r.test/bootstrap:1"];

fn patch(text: &str, args: &[&str]) -> Run {
    let world = World::new();
    world.write("work/m.yaml", text);
    world.bootstrap(&[&["patch", "m.yaml"], args].concat())
}

fn patched(text: &str, args: &[&str]) -> String {
    let run = patch(text, args).exits(0);
    let again = patch(&run.stdout, args).exits(0);
    assert_eq!(again.stdout, run.stdout, "the second run changed something");
    run.stdout
}

/// The value of INIT_SCRIPT, as a reader that is not ours takes it.
fn script(manifest: &str) -> String {
    let documents = serde_yaml::Deserializer::from_str(manifest);
    let mut scripts = documents.filter_map(|document| {
        let value: serde_yaml::Value = serde::Deserialize::deserialize(document).unwrap();
        let container = value
            .get("spec")?
            .get("template")?
            .get("spec")?
            .get("containers")?
            .get(0)?;
        let items = container.get("env")?.as_sequence()?.clone();
        let item = items
            .into_iter()
            .find(|item| item["name"] == "INIT_SCRIPT")?;
        Some(item["value"].as_str()?.to_owned())
    });
    scripts.next().unwrap()
}

#[test]
fn an_init_container_fills_the_volume_and_init_script_only_puts_it_on_path() {
    assert_snapshot!(patched(SMALL, &INIT_CONTAINER), @r#"
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
              value: |
                # >>> bootstrap patch: this part is made anew whenever it runs >>>
                case ":${PATH-}:" in *:/opt/harness-delegate/bootstrap/bin:*) ;; *) export PATH=/opt/harness-delegate/bootstrap/bin"${PATH:+:$PATH}" ;; esac
                # <<< bootstrap patch <<<
            volumeMounts:
            - name: bootstrap
              mountPath: "/opt/harness-delegate/bootstrap"
          volumes:
          - name: bootstrap
            emptyDir: {}
          initContainers:
          - name: bootstrap
            image: r.test/bootstrap:1
            command:
            - bootstrap
            - init
            - "--tools"
            - aws-cli
            env:
            - name: BOOTSTRAP_PREFIX
              value: "/opt/harness-delegate/bootstrap"
            volumeMounts:
            - name: bootstrap
              mountPath: "/opt/harness-delegate/bootstrap"
    "#);
}

#[test]
fn what_the_network_takes_goes_along_into_the_init_container_and_no_secret_else() {
    let text = SMALL.replace(
        "        env:\n",
        "        securityContext: {runAsNonRoot: true, runAsUser: 1001}\n        envFrom:\n        - secretRef: {name: account-token}\n        - secretRef: {name: payments-proxy}\n        volumeMounts:\n        - {name: certs, mountPath: /opt/harness-delegate/ca-bundle}\n        - {name: other, mountPath: /other}\n        env:\n        - {name: PROXY_HOST, value: p.test}\n        - {name: NO_PROXY, value: .test}\n        - {name: JAVA_OPTS, value: -Xms64M}\n",
    );
    let text = patched(&text, &INIT_CONTAINER);
    let (_, init) = text.split_once("initContainers:").unwrap();
    for there in [
        "PROXY_HOST",
        "NO_PROXY",
        "payments-proxy",
        "ca-bundle",
        "runAsUser: 1001",
    ] {
        assert!(init.contains(there), "{there}\n{init}");
    }
    for not in ["JAVA_OPTS", "account-token", "/other"] {
        assert!(!init.contains(not), "{not}\n{init}");
    }
}

#[test]
fn the_script_downloads_the_pinned_program_and_asks_for_what_is_wanted() {
    let text = patched(
        DEPLOYMENT,
        &[&SCRIPT[..], &["--cluster=name=a,region=us-east-1"]].concat(),
    );
    let script = script(&text);
    assert!(script.contains("BOOTSTRAP_URL='https://artifacts.test/bootstrap-{arch}'\n"));
    assert!(script.contains(&format!("BOOTSTRAP_SHA256_AMD64='{HEX}'\n")));
    assert!(
        script
            .contains("\"$bin\" init --tools aws-cli --cluster name=a,region=us-east-1 </dev/null")
    );
    let run = World::new()
        .with("SCRIPT", &script)
        .shell(&["bash"], "bash -n <<<\"$SCRIPT\"");
    run.exits(0);
}

#[test]
fn the_patched_script_starts_the_program_with_what_is_wanted_and_then_runs_the_users() {
    let text = SMALL.replace("value: \"\"", "value: echo mine $PATH");
    let script = script(&patched(&text, &[&IMAGE[..], &["--cluster", "a"]].concat()));
    let world = World::new().with("INIT_SCRIPT", &script);
    let fake = "#!/bin/bash\necho \"$*\" >>\"$HOME/calls\"\nif [ \"$1\" = env ]; then echo 'PATH=/ours:$PATH'; fi\n";
    let fake = world.write_program("bootstrap", fake).display().to_string();
    let world = world.with("BOOTSTRAP_BIN", &fake);
    let run = world.shell(
        &["bash", "-e"],
        "printf '%s\\n' \"$INIT_SCRIPT\" >i; source ./i; echo started",
    );
    assert_eq!(
        run.exits(0).stdout,
        "mine /ours:/usr/local/bin:/usr/bin:/bin\nstarted\n"
    );
    assert_eq!(
        world.read("home/calls"),
        "init --tools aws-cli --cluster a\nenv\n"
    );
}

#[test]
fn a_script_of_the_users_is_kept_replaced_or_left_alone() {
    let user = "value: |\n            echo mine\n            # theirs";
    let text = SMALL.replace("value: \"\"", user);
    let merged = script(&patched(&text, &IMAGE));
    assert!(merged.starts_with("# >>> bootstrap patch"), "{merged}");
    assert!(
        merged.ends_with("\n# <<< bootstrap patch <<<\necho mine\n# theirs\n"),
        "{merged}"
    );
    let replaced = script(&patched(
        &text,
        &[&IMAGE[..], &["--init-script=replace"]].concat(),
    ));
    assert!(
        replaced.ends_with("\n# <<< bootstrap patch <<<\n"),
        "{replaced}"
    );
    let keep = [&IMAGE[..], &["--init-script=keep"]].concat();
    assert_eq!(script(&patched(&text, &keep)), "echo mine\n# theirs\n");
    patch(&text, &keep).says("warning: INIT_SCRIPT is kept as it is");
}

#[test]
fn patching_again_makes_our_part_anew_and_leaves_the_users() {
    let text = SMALL.replace("value: \"\"", "value: echo mine");
    let old = patched(&text, &SCRIPT);
    let new = patched(&old, &IMAGE);
    assert_eq!(new, patched(&text, &IMAGE));
    let back = patched(&patched(&old, &INIT_CONTAINER), &SCRIPT);
    assert_eq!(back, old);
}

#[test]
fn a_config_map_that_the_chart_renders_is_where_the_script_goes_unless_env_has_it() {
    let config = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: payments\n  namespace: ng\ndata:\n  INIT_SCRIPT: \"\"\n";
    let from = SMALL.replace(
        "        env:\n        - name: INIT_SCRIPT\n          value: \"\"\n",
        "        envFrom:\n        - configMapRef:\n            name: payments\n",
    );
    let text = format!("{from}{config}");
    let run = patch(&text, &IMAGE)
        .exits(0)
        .says("`kubectl rollout restart`");
    assert!(
        run.stdout
            .contains("  INIT_SCRIPT: |\n    # >>> bootstrap patch"),
        "{run}"
    );
    assert!(!run.stdout.contains("- name: INIT_SCRIPT"), "{run}");
    let both = format!("{SMALL}{config}").replace(
        "        env:\n",
        "        envFrom: [{configMapRef: {name: payments}}]\n        env:\n",
    );
    assert!(patched(&both, &IMAGE).ends_with("  INIT_SCRIPT: \"\"\n"));
    let elsewhere = SMALL.replace(
        "value: \"\"",
        "valueFrom: {configMapKeyRef: {name: x, key: INIT_SCRIPT}}",
    );
    patch(&elsewhere, &IMAGE)
        .exits(6)
        .says("m.yaml:13:22: INIT_SCRIPT comes from elsewhere");
}

#[test]
fn the_prefix_is_on_the_volume_that_is_there_unless_that_is_memory() {
    let with = |volume: &str| {
        SMALL.replace(
            "        env:\n",
            "        volumeMounts:\n        - {name: w, mountPath: /w}\n        env:\n        - {name: WORKING_DIR, value: /w}\n",
        ) + &format!("      volumes:\n      - {{name: w, {volume}}}\n")
    };
    let disk = patched(&with("emptyDir: {}"), &IMAGE);
    assert!(!disk.contains("mountPath: \"/w/bootstrap\""), "{disk}");
    let memory = patched(&with("emptyDir: {medium: Memory}"), &IMAGE);
    assert!(memory.contains("mountPath: \"/w/bootstrap\""), "{memory}");
    let chosen = patched(SMALL, &[&IMAGE[..], &["--prefix=/data/tools/"]].concat());
    assert!(chosen.contains("mountPath: \"/data/tools\""), "{chosen}");
    assert!(
        chosen.contains("- name: BOOTSTRAP_PREFIX\n          value: \"/data/tools\""),
        "{chosen}"
    );
    let taken = with("emptyDir: {}").replace(
        "{name: w, emptyDir: {}}",
        "{name: bootstrap, hostPath: {path: /}}",
    );
    patch(&taken, &IMAGE)
        .exits(2)
        .says("has a volume `bootstrap` already");
}

#[test]
fn the_startup_budget_is_raised_and_never_lowered() {
    let budget = |seconds: &str| patched(DEPLOYMENT, &["--startup-budget", seconds]);
    assert_eq!(budget("180"), DEPLOYMENT);
    assert_eq!(budget("60"), DEPLOYMENT);
    let raised = DEPLOYMENT.replace("failureThreshold: 15", "failureThreshold: 16");
    let record =
        "    bootstrap-patch/record: \"startupProbe:failureThreshold==15 mark:annotations\"\n";
    assert_eq!(
        budget("181").replace(&format!("  annotations:\n{record}"), ""),
        raised
    );
    patch(SMALL, &["--startup-budget=99"])
        .exits(0)
        .says("has no startupProbe");
}

#[test]
fn fargate_gets_no_metadata_and_the_region_both_variables() {
    let text = patched(SMALL, &["--fargate", "--region=eu-west-1"]);
    for pair in [
        "- name: AWS_REGION\n          value: eu-west-1\n",
        "- name: AWS_DEFAULT_REGION\n          value: eu-west-1\n",
        "- name: AWS_EC2_METADATA_DISABLED\n          value: \"true\"\n",
    ] {
        assert!(text.contains(pair), "{pair}\n{text}");
    }
    let set = SMALL.replace("kind: Deployment", "kind: DaemonSet");
    patch(&set, &["--fargate"])
        .exits(2)
        .says("cannot run on Fargate");
}

#[test]
fn what_was_put_in_is_taken_out_again_byte_for_byte() {
    let more = [
        "--irsa-role-arn",
        ROLE,
        "--region=us-east-1",
        "--fargate",
        "--startup-budget=900",
    ];
    let user = SMALL.replace("value: \"\"", "value: |\n            echo mine");
    let absent = SMALL.replace(
        "        - name: INIT_SCRIPT\n          value: \"\"\n",
        "        - {name: A, value: b}\n",
    );
    for text in [DEPLOYMENT, SMALL, &user, &absent] {
        for delivery in [&SCRIPT[..], &IMAGE, &INIT_CONTAINER] {
            for eol in ["\n", "\r\n"] {
                let text = text.replace('\n', eol);
                let there = patched(&text, &[delivery, &more].concat());
                assert_ne!(there, text);
                assert_eq!(patched(&there, &["--remove"]), text);
            }
        }
    }
    assert_eq!(patched(DEPLOYMENT, &["--remove"]), DEPLOYMENT);
}

#[test]
fn what_cannot_be_known_is_taken_out_by_its_meaning_and_said() {
    let binding = "---\nkind: ClusterRoleBinding\nmetadata: {name: b}\nsubjects:\n- kind: ServiceAccount\n  name: default\n  namespace: ng\n";
    let text = format!("{SMALL}{binding}");
    let there = patched(&text, &["--irsa-role-arn", ROLE]);
    // Somebody has taken the old subject out since then.
    let there = there.replacen(
        "- kind: ServiceAccount\n  name: default\n  namespace: ng\n",
        "",
        1,
    );
    let run = patch(&there, &["--remove"])
        .exits(0)
        .says("names account `default` now");
    assert_eq!(run.stdout, text);
}

#[test]
fn a_runner_of_the_new_kind_is_warned_of() {
    let text = SMALL.replace(
        "env:\n",
        "env:\n        - {name: HARNESS_DELEGATE_NAME, value: a}\n",
    );
    patch(&text, &IMAGE)
        .exits(0)
        .says("logs errors of INIT_SCRIPT and starts all the same");
}

#[test]
fn deliveries_that_do_not_add_up_are_refused() {
    let sha = format!("amd64={HEX}");
    for (args, words) in [
        (
            &["--tools=aws-cli"][..],
            "choose --delivery script, init-container or image",
        ),
        (&["--delivery=script"], "there is no default address"),
        (&["--delivery=init-container"], "takes --bootstrap-image"),
        (&["--bootstrap-url=https://h/"], "--bootstrap-sha256"),
        (
            &[
                "--bootstrap-url=https://h/{arch}",
                "--bootstrap-sha256",
                &sha,
            ],
            "--bootstrap-sha256 is there for amd64 alone",
        ),
        (
            &["--bootstrap-url=ftp://h/", "--bootstrap-sha256", &sha],
            "https:// or http://",
        ),
        (
            &["--bootstrap-url=https://h/", "--bootstrap-sha256=amd64=00"],
            "64 hex digits",
        ),
        (
            &[
                "--bootstrap-url=https://h/",
                "--bootstrap-sha256",
                &sha,
                "--bootstrap-sha256",
                &sha,
            ],
            "twice for one processor",
        ),
        (
            &["--delivery=image", "--bootstrap-image=a"],
            "for --delivery init-container alone",
        ),
        (
            &["--delivery=image", "--prefix=relative"],
            "takes an absolute path",
        ),
        (&["--init-script=keep"], "--init-script takes a --delivery"),
        (&["--remove", "--tools=aws-cli"], "cannot be used with"),
    ] {
        patch(SMALL, args).exits(2).says(words);
    }
    patch(SMALL, &["--tools=aws-kli", "--delivery=image"])
        .exits(0)
        .says("warning: no tool is called aws-kli");
}
