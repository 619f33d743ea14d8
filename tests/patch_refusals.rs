//! `bootstrap patch`: what is somebody else's is never taken over, and what would not do is refused.

use crate::patch::{DEPLOYMENT, ROLE, SMALL};
use crate::world::{Run, World};

const IMAGE: [&str; 1] = ["--delivery=image"];
const INIT_CONTAINER: [&str; 1] = ["--bootstrap-image=r.test/b:1"];

fn patch(text: &str, args: &[&str]) -> Run {
    let world = World::new();
    world.write("work/m.yaml", text);
    world.bootstrap(&[&["patch", "m.yaml"], args].concat())
}

/// The small delegate with a mount and a volume.
fn with_volume(mount: &str, volume: &str) -> String {
    SMALL.replace(
        "        env:\n",
        &format!("        volumeMounts:\n        - {{{mount}}}\n        env:\n"),
    ) + &format!("      volumes:\n      - {{{volume}}}\n")
}

#[test]
fn a_volume_that_is_mounted_at_the_prefix_is_used_where_it_will_do() {
    let at = "mountPath: /opt/harness-delegate/bootstrap/";
    for volume in [
        "emptyDir: {}",
        "persistentVolumeClaim: {claimName: c}",
        "hostPath: {path: /a}",
        "csi: {driver: d}",
    ] {
        let text = with_volume(
            &format!("name: tools, {at}"),
            &format!("name: tools, {volume}"),
        );
        let run = patch(&text, &INIT_CONTAINER).exits(0);
        assert_eq!(run.stdout.matches("mountPath").count(), 2, "{run}");
        assert_eq!(run.stdout.matches("name: tools").count(), 3, "{run}");
        assert!(
            !run.stdout.contains("- name: bootstrap\n        emptyDir"),
            "{run}"
        );
        assert_eq!(patch(&run.stdout, &["--remove"]).exits(0).stdout, text);
    }
    let claim = SMALL
        .replace("kind: Deployment", "kind: StatefulSet")
        .replace(
            "        env:\n",
            &format!("        volumeMounts: [{{name: c, {at}}}]\n        env:\n"),
        )
        + "  volumeClaimTemplates: [{metadata: {name: c}}]\n";
    let run = patch(&claim, &IMAGE).exits(0);
    assert_eq!(run.stdout.matches("mountPath").count(), 1, "{run}");
}

#[test]
fn a_mount_at_the_prefix_that_will_not_do_is_a_conflict_that_names_both() {
    for (mount, volume, why) in [
        (
            "",
            "emptyDir: {medium: Memory}",
            "it is on a volume in memory",
        ),
        (
            "",
            "secret: {secretName: s}",
            "it is on a volume that nobody can write to",
        ),
        (
            "",
            "configMap: {name: s}",
            "it is on a volume that nobody can write to",
        ),
        (
            ", readOnly: true",
            "emptyDir: {}",
            "it is on a volume that is mounted read-only",
        ),
    ] {
        let mount = format!("name: mine, mountPath: /data{mount}");
        let text = with_volume(&mount, &format!("name: mine, {volume}"));
        let run = patch(&text, &[&IMAGE[..], &["--prefix=/data"]].concat())
            .exits(2)
            .says("/data takes a volume `bootstrap`, and `mine` is mounted there already")
            .says(why)
            .says("hint: mount an emptyDir there, or choose another place with --prefix");
        assert_eq!(run.stdout, "");
    }
    let dangling = with_volume("name: gone, mountPath: /data", "name: x, emptyDir: {}");
    patch(&dangling, &[&IMAGE[..], &["--prefix=/data"]].concat())
        .exits(2)
        .says("it is on a volume that the pod does not have");
}

#[test]
fn what_has_our_name_and_is_not_ours_is_left_alone() {
    for volume in [
        "emptyDir: {}",
        "emptyDir: {medium: Memory}",
        "hostPath: {path: /}",
    ] {
        let text = with_volume(
            "name: bootstrap, mountPath: /theirs",
            &format!("name: bootstrap, {volume}"),
        );
        patch(&text, &IMAGE)
            .exits(2)
            .says("the pod has a volume `bootstrap` already, which is not of our making")
            .says("hint: rename it");
        assert_eq!(patch(&text, &["--remove"]).exits(0).stdout, text);
    }
    let text = with_volume(
        "name: bootstrap, mountPath: /opt/harness-delegate/bootstrap",
        "name: bootstrap, emptyDir: {sizeLimit: 1Gi}",
    );
    let run = patch(&text, &INIT_CONTAINER).exits(0);
    assert!(run.stdout.contains("mark:volume-was-there"), "{run}");
    assert_eq!(patch(&run.stdout, &INIT_CONTAINER).stdout, run.stdout);
    assert_eq!(patch(&run.stdout, &["--remove"]).exits(0).stdout, text);
    let text =
        format!("{SMALL}      initContainers:\n      - {{name: bootstrap, image: theirs}}\n");
    patch(&text, &INIT_CONTAINER)
        .exits(2)
        .says("the pod has an init container `bootstrap` already, which is not of our making");
    let run = patch(&text, &IMAGE).exits(0);
    assert!(
        run.stdout.contains("{name: bootstrap, image: theirs}"),
        "{run}"
    );
    assert_eq!(patch(&run.stdout, &["--remove"]).exits(0).stdout, text);
}

#[test]
fn our_volume_does_not_move_onto_one_of_theirs() {
    let there = patch(SMALL, &IMAGE).exits(0).stdout;
    let moved = patch(&there, &[&IMAGE[..], &["--prefix=/data"]].concat()).exits(0);
    assert_eq!(moved.stdout.matches("mountPath").count(), 1, "{moved}");
    let both = there
        .replace(
            "        volumeMounts:\n",
            "        volumeMounts:\n        - {name: d, mountPath: /data}\n",
        )
        .replace(
            "      volumes:\n",
            "      volumes:\n      - {name: d, emptyDir: {}}\n",
        );
    patch(&both, &[&IMAGE[..], &["--prefix=/data"]].concat())
        .exits(2)
        .says("would move to /data, where `d` is mounted")
        .says("hint: take it out with --remove first");
}

#[test]
fn a_variable_that_is_there_twice_or_comes_from_elsewhere_is_refused() {
    let twice = SMALL.replace(
        "env:\n",
        "env:\n        - {name: INIT_SCRIPT, value: echo}\n",
    );
    patch(&twice, &IMAGE)
        .exits(6)
        .says("m.yaml:13:11: INIT_SCRIPT is there twice, and the last one counts");
    let region =
        "env:\n        - {name: AWS_REGION, value: a}\n        - {name: AWS_REGION, value: b}\n";
    patch(&SMALL.replace("env:\n", region), &["--region=us-east-1"])
        .exits(6)
        .says("m.yaml:13:11: AWS_REGION is there twice");
    let from =
        "env:\n        - {name: AWS_REGION, valueFrom: {configMapKeyRef: {name: a, key: b}}}\n";
    patch(&SMALL.replace("env:\n", from), &["--region=us-east-1"])
        .exits(6)
        .says("m.yaml:12:41: AWS_REGION comes from elsewhere")
        .says("hint: give it a `value`");
}

/// The small delegate with INIT_SCRIPT in a ConfigMap.
fn with_map(more: &str) -> String {
    let from = SMALL.replace(
        "        env:\n        - name: INIT_SCRIPT\n          value: \"\"\n",
        "        envFrom:\n        - configMapRef:\n            name: payments\n",
    );
    format!(
        "{from}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: payments, namespace: ng}}\ndata: {{INIT_SCRIPT: \"\"}}\n{more}"
    )
}

#[test]
fn a_config_map_that_is_immutable_is_refused_and_one_that_others_use_is_told_of() {
    patch(&with_map("immutable: true\n"), &IMAGE)
        .exits(6)
        .says("m.yaml:19:12: ConfigMap `payments` has INIT_SCRIPT and is immutable")
        .says("hint: give it another name");
    patch(&with_map("immutable: false\n"), &IMAGE).exits(0);
    let other = "---\nkind: Deployment\nmetadata: {name: other, namespace: ng}\nspec: {template: {spec: {containers: [{name: a, envFrom: [{configMapRef: {name: payments}}]}]}}}\n";
    patch(&with_map(other), &IMAGE)
        .exits(0)
        .says("ConfigMap `payments` is used by Deployment `other` too");
    let elsewhere = other.replace("namespace: ng", "namespace: no");
    let run = patch(&with_map(&elsewhere), &IMAGE).exits(0);
    assert!(!run.stderr.contains("is used by"), "{run}");
}

#[test]
fn a_role_of_another_partition_than_the_region_is_refused() {
    let args = ["--irsa-role-arn", ROLE, "--region=cn-north-1"];
    for text in [SMALL, "accountId: a\ndelegateName: b\n"] {
        patch(text, &args)
            .exits(2)
            .says("the role is in partition `aws`, and region cn-north-1 in `aws-cn`")
            .says("hint: use a role of that partition");
    }
    let text = SMALL.replace(
        "env:\n",
        "env:\n        - {name: AWS_REGION, value: cn-north-1}\n",
    );
    assert_ne!(text, SMALL);
    let args = ["--irsa-role-arn", ROLE];
    patch(&text, &args).exits(2).says(
        "the role is in partition `aws`, and AWS_REGION of the delegate, cn-north-1, in `aws-cn`",
    );
    patch(&text, &[&args[..], &["--region=us-east-1"]].concat()).exits(0);
}

#[test]
fn an_alias_in_the_place_of_the_script_is_told_of() {
    let text = SMALL
        .replace("value: \"\"", "value: *s")
        .replace("metadata:\n", "metadata:\n  annotations: {note: &s echo}\n");
    let run = patch(&text, &IMAGE)
        .exits(0)
        .says("m.yaml:14:18: INIT_SCRIPT was an alias, and is written out now");
    assert!(run.stdout.contains("{note: &s echo}"), "{run}");
}

#[test]
fn a_document_in_json_says_how_to_put_another_one_beside_it() {
    let json = "{\"kind\": \"Deployment\", \"metadata\": {\"name\": \"a\"}, \"spec\": {\"template\": {\"spec\": {\"containers\": [{\"name\": \"delegate\"}]}}}}";
    patch(json, &["--irsa-role-arn", ROLE])
        .exits(6)
        .says("hint: make it an item of `{\"apiVersion\": \"v1\", \"kind\": \"List\"");
    patch(json, &["--fargate"]).exits(0);
}

#[test]
fn empty_audiences_and_addresses_that_the_cluster_expands_are_refused() {
    patch(SMALL, &["--irsa-role-arn", ROLE, "--audience="])
        .exits(2)
        .says("a value is required for '--audience");
    let sha = format!("--bootstrap-sha256=amd64={}", "0".repeat(64));
    patch(SMALL, &["--bootstrap-url=https://h.test/$(A)", &sha])
        .exits(2)
        .says("`$` would be expanded in the cluster: write `%24`");
}

#[test]
fn a_role_that_another_one_makes_room_for_is_named() {
    let other = "arn:aws:iam::111122223333:role/other";
    let there = patch(DEPLOYMENT, &["--irsa-role-arn", other]).exits(0);
    assert!(!there.stderr.contains("makes room"), "{there}");
    let words = format!("had `eks.amazonaws.com/role-arn: {other}`, which makes room");
    patch(&there.stdout, &["--irsa-role-arn", ROLE])
        .exits(0)
        .says(&words);
    let values = format!(
        "accountId: a\ndelegateName: b\nserviceAccount: {{annotations: {{eks.amazonaws.com/role-arn: \"{other}\"}}}}\n"
    );
    let run = patch(&values, &["--irsa-role-arn", ROLE])
        .exits(0)
        .says(&words);
    assert_eq!(patch(&run.stdout, &["--remove"]).exits(0).stdout, values);
}
