//! What the real kubectl makes of patched manifests, without a cluster: a stand-in says which kinds
//! there are, and nothing is sent but questions.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::kubeconfig::plugins::{copy, kubectl};
use crate::patch::{DEPLOYMENT, ROLE, SMALL};
use crate::server::{Reply, Server};
use crate::world::World;

/// The kinds of the examples: group and version, kind, plural, and whether it is in a namespace.
const KINDS: [(&str, &str, &str, bool); 15] = [
    ("v1", "ConfigMap", "configmaps", true),
    ("v1", "Namespace", "namespaces", false),
    (
        "v1",
        "PersistentVolumeClaim",
        "persistentvolumeclaims",
        true,
    ),
    ("v1", "Secret", "secrets", true),
    ("v1", "Service", "services", true),
    ("v1", "ServiceAccount", "serviceaccounts", true),
    ("apps/v1", "DaemonSet", "daemonsets", true),
    ("apps/v1", "Deployment", "deployments", true),
    ("apps/v1", "StatefulSet", "statefulsets", true),
    (
        "autoscaling/v1",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        true,
    ),
    ("batch/v1", "CronJob", "cronjobs", true),
    (
        "rbac.authorization.k8s.io/v1",
        "ClusterRole",
        "clusterroles",
        false,
    ),
    (
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        "clusterrolebindings",
        false,
    ),
    ("rbac.authorization.k8s.io/v1", "Role", "roles", true),
    (
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        "rolebindings",
        true,
    ),
];

/// An API server that has no object yet.
fn server() -> Server {
    Server::start(|request| {
        let path = request.target.split('?').next().unwrap_or_default();
        let body = match path {
            "/api" => json!({"kind": "APIVersions", "versions": ["v1"]}),
            "/apis" => groups(),
            _ => match path.strip_prefix("/apis/").or(path.strip_prefix("/api/")) {
                Some(version) if KINDS.iter().any(|(own, ..)| *own == version) => kinds(version),
                _ => {
                    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404});
                    return Reply::ok(status.to_string())
                        .header("Content-Type", "application/json")
                        .with_status(404);
                }
            },
        };
        Reply::ok(body.to_string()).header("Content-Type", "application/json")
    })
}

fn groups() -> serde_json::Value {
    let mut versions: Vec<_> = KINDS.iter().map(|(version, ..)| *version).collect();
    versions.dedup();
    let groups = versions.iter().filter_map(|version| {
        let (group, number) = version.split_once('/')?;
        let version = json!({"groupVersion": version, "version": number});
        Some(json!({"name": group, "versions": [version], "preferredVersion": version}))
    });
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups.collect::<Vec<_>>()})
}

fn kinds(version: &str) -> serde_json::Value {
    let kinds = KINDS.iter().filter(|(own, ..)| *own == version);
    let kinds = kinds.map(|(_, kind, plural, namespaced)| {
        json!({"name": plural, "singularName": "", "kind": kind, "namespaced": namespaced, "verbs": ["create", "get", "patch"]})
    });
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": kinds.collect::<Vec<_>>()})
}

/// Every example but the values, and other patched manifests.
fn manifests() -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/delegate");
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.file_name().unwrap() != "values.yaml" {
            all.push((
                path.display().to_string(),
                fs::read_to_string(&path).unwrap(),
            ));
        }
    }
    assert_eq!(all.len(), 10);
    let world = World::new();
    let complete = SMALL.replace(
        "  template:\n",
        "  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n",
    );
    let daemons = complete.replace("kind: Deployment", "kind: DaemonSet");
    for (name, text) in [
        ("deployment", DEPLOYMENT),
        ("small", &complete),
        ("daemons", &daemons),
    ] {
        world.write("work/m.yaml", text);
        for delivery in [&["--delivery=image"][..], &["--bootstrap-image=r.test/b:1"]] {
            let args = [
                "patch",
                "m.yaml",
                "--tools=aws-cli",
                "--region=us-east-1",
                "--irsa-role-arn",
                ROLE,
            ];
            let more = [
                "--sts-regional-endpoints",
                "--token-expiration=3600",
                "--startup-budget=300",
            ];
            let run = world
                .bootstrap(&[&args[..], &more, delivery].concat())
                .exits(0);
            all.push((format!("{name} {delivery:?}"), run.stdout));
        }
    }
    all
}

#[test]
fn the_oldest_and_the_newest_kubectl_apply_every_result_on_trial() {
    let server = server();
    let world = World::new().with("server", &server.url(""));
    copy(&world, &kubectl("1.20.0"), "oldest");
    copy(&world, &kubectl("1.35.2"), "newest");
    for (name, text) in manifests() {
        let file = world.write("work/m.yaml", &text).display().to_string();
        let documents = text.matches("\nkind: ").count();
        for kubectl in ["oldest", "newest"] {
            let apply = format!(
                "\"$world/{kubectl}\" --kubeconfig=/dev/null --server=\"$server\" --cache-dir=\"$world/cache\" \
                 apply --dry-run=client --validate=false -f {file}"
            );
            let run = world.shell(&["/bin/sh"], &apply).exits(0);
            let created = run.stdout.matches(" created (dry run)\n").count();
            assert_eq!(created, documents, "{name}: {run}");
        }
        // This reads it as the types of the API, where a number is no text.
        let read = format!("\"$world/newest\" set env --local --all -f {file} A=b -o name 2>&1");
        let run = world.shell(&["/bin/sh"], &read);
        assert!(!run.stdout.contains("unable to decode"), "{name}: {run}");
        assert!(
            run.stdout.contains(".apps/payments") || run.stdout.contains(".apps/orders-abcdef"),
            "{name}: {run}"
        );
    }
    let requests = server.requests();
    assert!(requests.iter().all(|request| request.method == "GET"));
}

/// What the test above looks for would be found.
#[test]
fn a_type_that_is_wrong_is_not_decoded() {
    let world = World::new();
    copy(&world, &kubectl("1.35.2"), "newest");
    let wrong = DEPLOYMENT.replace("value: abcdefghijklmnopqrstuv", "value: true");
    world.write("work/m.yaml", &wrong);
    let read = "\"$world/newest\" set env --local --all -f m.yaml A=b -o name 2>&1";
    let run = world.shell(&["/bin/sh"], read);
    assert!(run.stdout.contains("unable to decode"), "{run}");
}
