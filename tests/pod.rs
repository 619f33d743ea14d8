//! `bootstrap verify --pod`, and the Fargate profile that takes a pod.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::api_server::{ApiServer, Setup};
use crate::cloud::{Cloud, LAX, Running};
use crate::moto::Moto;
use crate::verify::{ARN, POD, only, without_cluster, world};
use crate::world::{Run, World};

const ROLE: &str = "arn:aws:iam::111122223333:role/irsa/delegate";
const NAMESPACE: &str = "harness-delegate-ng";
const MOUNTED: &str = "/var/run/secrets/eks.amazonaws.com/serviceaccount";

/// A delegate's pod as a cluster without the webhook has it.
fn bare() -> Value {
    json!({"kind": "Pod", "apiVersion": "v1",
        "metadata": {"name": "newdel-5d8f9-x2xk4", "namespace": NAMESPACE,
            "labels": {"harness.io/name": "newdel", "infra": "fargate"},
            "creationTimestamp": "2026-03-01T12:00:00Z"},
        "spec": {"serviceAccountName": "delegate", "nodeName": "ip-10-0-0-1.ec2.internal",
            "containers": [{"name": "delegate", "image": "docker.io/harness/delegate",
                "env": [{"name": "DELEGATE_TOKEN", "value": "s3cret"}],
                "volumeMounts": [{"name": "kube-api-access", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]}],
            "volumes": [{"name": "kube-api-access", "projected": {"sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}]}}]},
        "status": {"phase": "Running"}})
}

/// The same as the webhook of EKS leaves it.
pub(crate) fn injected() -> Value {
    let mut pod = bare();
    let container = &mut pod["spec"]["containers"][0];
    let env = container["env"].as_array_mut().unwrap();
    env.push(json!({"name": "AWS_ROLE_ARN", "value": ROLE}));
    env.push(json!({"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": format!("{MOUNTED}/token")}));
    let mounts = container["volumeMounts"].as_array_mut().unwrap();
    mounts.push(json!({"name": "aws-iam-token", "mountPath": MOUNTED, "readOnly": true}));
    let volumes = pod["spec"]["volumes"].as_array_mut().unwrap();
    volumes.push(json!({"name": "aws-iam-token", "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": "token"}}]}}));
    pod
}

/// The delegate's service account, annotated at this time.
pub(crate) fn account(annotated: &str) -> Value {
    json!({"kind": "ServiceAccount", "apiVersion": "v1",
        "metadata": {"name": "delegate", "namespace": NAMESPACE,
            "annotations": {"eks.amazonaws.com/role-arn": ROLE},
            "creationTimestamp": "2026-02-01T12:00:00Z",
            "managedFields": [{"manager": "kubectl-annotate", "operation": "Update", "apiVersion": "v1",
                "time": annotated, "fieldsType": "FieldsV1",
                "fieldsV1": {"f:metadata": {"f:annotations": {".": {}, "f:eks.amazonaws.com/role-arn": {}}}}}]}})
}

fn api(pod: Value, account: Value) -> ApiServer {
    ApiServer::start(Setup {
        pods: vec![pod],
        accounts: vec![account],
        ..Setup::default()
    })
}

/// Asks for the pod of this name.
fn ask(world: &World, checks: &str, name: &str, flags: &[&str]) -> Run {
    let of_it = [
        "--cluster",
        "payments",
        "--pod",
        name,
        "--namespace",
        NAMESPACE,
    ];
    only(world, checks, &[&of_it, flags].concat())
}

pub(crate) const NAME: &str = "newdel-5d8f9-x2xk4";

#[test]
fn a_pod_with_irsa_passes_with_what_was_seen() {
    let (cloud, api) = (
        Cloud::default().start(),
        api(injected(), account("2026-02-02T12:00:00Z")),
    );
    let run = ask(
        &world(&cloud, &api),
        "pod,fargate",
        NAME,
        &["--credentials", "irsa"],
    );
    assert_snapshot!(run, @"
    CHECK    CLUSTER   STATE  EVIDENCE
    pod      payments  pass   the pod harness-delegate-ng/newdel-5d8f9-x2xk4 runs as the service account delegate
    pod      payments  pass   the annotation eks.amazonaws.com/role-arn of delegate names arn:aws:iam::111122223333:role/irsa/delegate
    pod      payments  pass   in delegate: AWS_ROLE_ARN=arn:aws:iam::111122223333:role/irsa/delegate, AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/secrets/eks.amazonaws.com/serviceaccount/token
    pod      payments  pass   a projected token for `sts.amazonaws.com` at /var/run/secrets/eks.amazonaws.com/serviceaccount/token, valid for 86400 s, of the volume aws-iam-token
    pod      payments  pass   the pod was made at [TIME] with the annotation as it is now
    fargate  -         pass   the node ip-10-0-0-1.ec2.internal is not one of Fargate

    verify finished in 0.00 s
    [exit 0]
    ");
    assert!(!run.stdout.contains("s3cret"));
}

#[test]
fn a_pod_that_is_older_than_the_annotation_must_be_restarted() {
    let (cloud, api) = (
        Cloud::default().start(),
        api(bare(), account("2026-03-02T12:00:00Z")),
    );
    assert_snapshot!(ask(&world(&cloud, &api), "pod", NAME, &[]), @"
    CHECK  CLUSTER   STATE  EVIDENCE
    pod    payments  pass   the pod harness-delegate-ng/newdel-5d8f9-x2xk4 runs as the service account delegate
    pod    payments  pass   the annotation eks.amazonaws.com/role-arn of delegate names arn:aws:iam::111122223333:role/irsa/delegate
    pod    payments  fail   no container has AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE
    pod    payments  skip   no token is named by AWS_WEB_IDENTITY_TOKEN_FILE
    pod    payments  fail   the pod was made at [TIME], and who set the annotation last changed the account at [TIME]: the pod is older than the annotation, or than its last change

    verify failed in 0.00 s

    fail: pod of payments
      cause: the annotation was not there, or not seen yet, when the pod was made; or the webhook does not run
      remedy: restart the pod (`kubectl rollout restart`); if that does not help, see whether the cluster has the MutatingWebhookConfiguration pod-identity-webhook

    fail: pod of payments
      cause: what a service account says counts when a pod is made, and never after
      remedy: restart the pod (`kubectl rollout restart`)
    [exit 3]
    ");
}

#[test]
fn a_pod_that_is_not_there_is_told_with_those_that_are() {
    let cloud = Cloud::default().start();
    let api = api(injected(), account("2026-02-02T12:00:00Z"));
    let world = world(&cloud, &api);
    let run = ask(&world, "pod", "newdel-5d8f9-aaaaa", &[]).exits(3);
    run.shows("there is no pod newdel-5d8f9-aaaaa in namespace harness-delegate-ng")
        .shows("did you mean newdel-5d8f9-x2xk4?");
    // Where its place is asked for alone, that is the answer too.
    let run = ask(&world, "fargate", "newdel-5d8f9-aaaaa", &[]).exits(3);
    run.shows("there is no pod newdel-5d8f9-aaaaa in namespace harness-delegate-ng")
        .shows("the pod could not be asked for");
    let elsewhere = ["--cluster", "payments", "--pod", NAME];
    only(&world, "pod", &elsewhere)
        .exits(3)
        .shows(&format!("there is no pod {NAME} in namespace default"))
        .shows("the namespace has no pods, or does not exist");
    only(&world, "pod", &["--pod", "a/b"])
        .exits(2)
        .says("`a/b` is not the name of a pod");
    let two = [
        "--pod",
        NAME,
        "--cluster",
        "payments",
        "--cluster",
        "orders",
    ];
    only(&world, "pod", &two)
        .exits(2)
        .says("--pod is in a single cluster, and there are 2");
}

#[test]
fn what_rbac_must_allow_is_named_by_verb_and_resource() {
    let cloud = Cloud::default().start();
    let run = |forbidden: Vec<&'static str>, name: &str| {
        let api = ApiServer::start(Setup {
            pods: vec![injected()],
            accounts: vec![account("2026-02-02T12:00:00Z")],
            forbidden,
            ..Setup::default()
        });
        ask(&world(&cloud, &api), "pod", name, &[])
    };
    run(vec!["get pods"], NAME)
        .exits(3)
        .shows("newdel-5d8f9-x2xk4, asked of https://localhost:")
        .shows("cannot get resource \"pods\"")
        .shows("apiGroups [\"\"], resources [pods], verbs [get]");
    let partly = run(vec!["get serviceaccounts"], NAME).exits(0);
    assert_eq!(
        partly.checks(),
        [
            "pod/payments pass",
            "pod/payments warn",
            "pod/payments pass",
            "pod/payments pass"
        ]
    );
    partly
        .shows("resources [serviceaccounts], verbs [get]")
        .shows("could not be read from https://localhost:");
    run(vec!["list pods"], "newdel")
        .exits(3)
        .shows("that takes the verb `list` on `pods` in namespace harness-delegate-ng");
}

#[test]
fn what_comes_through_env_from_is_seen_or_said_not_to_be() {
    let cloud = Cloud::default().start();
    let run = |sources: Value, names: &[&str], forbidden: Vec<&'static str>, kind: &str| {
        let mut pod = injected();
        pod["spec"]["containers"][0]["envFrom"] = sources;
        let data: serde_json::Map<_, _> = names
            .iter()
            .map(|name| ((*name).to_owned(), json!("s3cret")))
            .collect();
        let api = ApiServer::start(Setup {
            pods: vec![pod],
            accounts: vec![account("2026-02-02T12:00:00Z")],
            config_maps: vec![json!({"kind": "ConfigMap", "apiVersion": "v1",
                "metadata": {"name": "settings", "namespace": NAMESPACE}, "data": data})],
            forbidden,
            ..Setup::default()
        });
        let run = ask(&world(&cloud, &api), "pod", NAME, &["--credentials", kind]);
        let requests = api.server.requests();
        assert!(
            requests
                .iter()
                .all(|request| !request.target.contains("/secrets/"))
        );
        assert!(!run.stdout.contains("s3cret"), "{run}");
        run
    };
    let map = || json!([{"configMapRef": {"name": "settings"}}]);
    let variables = |run: Run| run.checks()[2].clone();
    let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let seen = run(map(), &keys, vec![], "irsa").exits(3);
    seen.shows("and AWS_ACCESS_KEY_ID is set too, by the ConfigMap settings (envFrom)");
    let seen = run(map(), &["AWS_PROFILE"], vec![], "irsa").exits(0);
    let seen = seen.shows("and AWS_PROFILE is set too, by the ConfigMap settings (envFrom)");
    assert_eq!(variables(seen), "pod/payments warn");
    // A prefix is part of the name, and what the pod itself sets comes first.
    let prefixed = json!([{"prefix": "AWS_", "configMapRef": {"name": "settings"}}]);
    let seen = run(prefixed, &["PROFILE"], vec![], "irsa").exits(0);
    assert_eq!(variables(seen), "pod/payments warn");
    let other = json!([{"prefix": "MY_", "configMapRef": {"name": "settings"}}]);
    let names = ["AWS_PROFILE", "AWS_ROLE_ARN"];
    let seen = run(other, &names, vec![], "irsa").exits(0);
    assert_eq!(variables(seen), "pod/payments pass");
    let seen = run(map(), &["AWS_ROLE_ARN"], vec![], "irsa").exits(0);
    assert_eq!(variables(seen), "pod/payments pass");
    // Secrets are not asked for, and a ConfigMap may be refused.
    let secret = json!([{"secretRef": {"name": "token"}}, {"configMapRef": {"name": "settings"}}]);
    let seen = run(secret, &keys, vec!["get configmaps"], "irsa").exits(0);
    seen.shows("; the Secret token and the ConfigMap settings (envFrom) were not looked into, and AWS_ACCESS_KEY_ID");
}

#[test]
fn a_pod_that_has_irsa_from_a_config_map_has_it() {
    let cloud = Cloud::default().start();
    let mut pod = bare();
    pod["spec"]["containers"][0]["envFrom"] = json!([{"configMapRef": {"name": "settings"}}]);
    let api = ApiServer::start(Setup {
        pods: vec![pod],
        accounts: vec![account("2026-02-02T12:00:00Z")],
        config_maps: vec![
            json!({"metadata": {"name": "settings", "namespace": NAMESPACE},
            "data": {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": format!("{MOUNTED}/token")}}),
        ],
        ..Setup::default()
    });
    let run = ask(&world(&cloud, &api), "pod", NAME, &[]).exits(0);
    run.shows("in delegate: AWS_ROLE_ARN=(a reference), AWS_WEB_IDENTITY_TOKEN_FILE=(a reference)");
}

#[test]
fn a_pod_that_cannot_be_asked_for_says_why() {
    let cloud = Cloud::default().start();
    let world = without_cluster(&cloud);
    ask(&world, "pod", NAME, &[])
        .exits(3)
        .shows("bootstrap/kubeconfig has no context for it")
        .shows("`bootstrap kubeconfig`");
    only(&world, "pod", &["--pod", NAME])
        .exits(3)
        .shows("no cluster is configured");
    let offline = ask(&world, "pod", NAME, &["--offline"]).exits(0);
    assert_eq!(offline.checks(), ["pod/payments skip"]);
    let gone = ApiServer::start(Setup::default());
    let world = self::world(&cloud, &gone);
    let url = gone.url();
    drop(gone);
    ask(&world, "pod", NAME, &[])
        .exits(3)
        .shows(&format!("{url}: the connection was refused"));
}

#[test]
fn the_role_of_the_node_is_not_what_a_pod_with_irsa_takes() {
    let (cloud, api) = (
        Cloud::default().start(),
        api(injected(), account("2026-02-02T12:00:00Z")),
    );
    let run = ask(
        &world(&cloud, &api),
        "pod",
        NAME,
        &["--credentials", "iam-role"],
    )
    .exits(3);
    run.shows("`Assume IAM Role on Delegate` and IRSA exclude each other")
        .shows("say `Use IRSA` in the connector");
}

/// AWS with a Fargate profile for pods of Harness' namespaces with this label.
fn fargate() -> Running {
    let cloud = Cloud {
        fargate: Some("harness-*"),
        fargate_labels: vec![("infra", "far?ate")],
        ..Cloud::default()
    };
    cloud.start()
}

#[test]
fn the_profile_that_takes_a_pod_goes_by_its_namespace_and_labels() {
    let cloud = fargate();
    let world = without_cluster(&cloud);
    let check = |flags: &[&str]| {
        only(
            &world,
            "fargate",
            &[&["--cluster", "payments"], flags].concat(),
        )
    };
    let labelled = ["--namespace", NAMESPACE, "--pod-label", "infra=fargate"];
    assert_snapshot!(check(&labelled), @"
    CHECK    CLUSTER  STATE  EVIDENCE
    fargate  -        warn   the Fargate profile `serverless` takes such a pod in namespace harness-delegate-ng, which then needs IRSA

    verify finished with warnings in 0.00 s

    warn: fargate
      cause: Fargate has no instance metadata and no Pod Identity, and a pod cannot use its execution role
      remedy: set up IRSA for the delegate's service account; see whether a pod has it with --pod
    [exit 0]
    ");
    check(&["--namespace", NAMESPACE, "--pod-label", "infra=nodes"])
        .exits(0)
        .shows("pass   no Fargate profile takes such a pod in namespace harness-delegate-ng");
    check(&["--namespace", "default", "--pod-label", "infra=fargate"])
        .exits(0)
        .shows("no Fargate profile takes such a pod in namespace default (not the profile `serverless`)");
    assert_snapshot!(check(&["--namespace", NAMESPACE]), @"
    CHECK    CLUSTER  STATE  EVIDENCE
    fargate  -        warn   the Fargate profile `serverless` takes pods in namespace harness-delegate-ng by labels, and those of such a pod are not known

    verify finished with warnings in 0.00 s

    warn: fargate
      cause: if the pod runs there, it needs IRSA: Fargate has no instance metadata and no Pod Identity, and a pod cannot use its execution role
      remedy: name its labels with --pod-label, or the pod itself with --pod
    [exit 0]
    ");
    let node_role = [&labelled[..], &["--credentials", "iam-role"]].concat();
    check(&node_role)
        .exits(3)
        .shows("say `Use IRSA` in the connector");
    check(&["--pod-label", "infra"])
        .exits(2)
        .says("`infra` is not a label: it takes KEY=VALUE");
}

#[test]
fn the_labels_and_the_node_are_those_of_the_pod_that_is_named() {
    let cloud = fargate();
    let api = ApiServer::start(Setup {
        pods: vec![bare()],
        accounts: vec![account("2026-02-02T12:00:00Z")],
        ..Setup::default()
    });
    let run = ask(&world(&cloud, &api), "fargate", NAME, &[]).exits(0);
    run.shows("and at its next start the profile `serverless` takes the pod newdel-5d8f9-x2xk4");
    let mut there = bare();
    there["spec"]["nodeName"] = json!("fargate-ip-10-0-0-1.ec2.internal");
    there["metadata"]["labels"]["eks.amazonaws.com/fargate-profile"] = json!("serverless");
    let api = self::api(there, account("2026-02-02T12:00:00Z"));
    let run = ask(&world(&cloud, &api), "fargate", NAME, &[]).exits(3);
    run.shows("is one of Fargate, by the profile `serverless`, and the pod has no IRSA")
        .shows("no instance metadata and no Pod Identity");
}

#[test]
fn the_labels_of_this_pod_are_those_that_the_downward_api_mounts() {
    let test = "the_labels_of_this_pod_are_those_that_the_downward_api_mounts";
    let shell = ["unshare", "-m", "sh", "-e"];
    let mount =
        "mount -t tmpfs tmpfs /etc; mkdir /etc/podinfo; cp \"$world/labels\" /etc/podinfo/labels";
    let cloud = fargate();
    let world = without_cluster(&cloud).with("DELEGATE_NAMESPACE", NAMESPACE);
    let verify = format!("{mount}; \"$bootstrap\" verify --only fargate --cluster payments");
    world.write("labels", "harness.io/name=\"newdel\"\ninfra=\"fargate\"\n");
    if !world.can(test, &shell, mount) {
        return;
    }
    world
        .shell(&shell, &verify)
        .exits(0)
        .shows("the Fargate profile `serverless` takes this pod in namespace");
    world.write("labels", "infra=\"nodes\"\n");
    world
        .shell(&shell, &verify)
        .exits(0)
        .shows("no Fargate profile takes this pod in namespace");
}

#[test]
fn profiles_that_may_not_be_listed_are_told_with_the_permission() {
    let cloud = Cloud {
        denied: vec!["ListFargateProfiles"],
        ..Cloud::default()
    };
    let cloud = cloud.start();
    let flags = ["--cluster", "payments", "--namespace", NAMESPACE];
    let run = only(&without_cluster(&cloud), "fargate", &flags).exits(0);
    assert_eq!(run.checks(), ["fargate skip"]);
    run.shows("eks:ListFargateProfiles: AccessDeniedException")
        .shows("; asked in us-east-1 with the environment (AWS_ACCESS_KEY_ID)")
        .shows("allow eks:ListFargateProfiles on the cluster");
}

#[test]
fn the_profiles_of_a_cluster_of_another_account_than_the_roles_are_asked_by_who_sees_it() {
    let cloud = Cloud {
        fargate: Some("harness-*"),
        roles_see: Some("444455556666"),
        ..Cloud::default()
    };
    let cloud = cloud.start();
    let cluster = format!("name={ARN},role-arn={LAX}");
    let flags = ["--cluster", &cluster, "--namespace", NAMESPACE];
    let run = only(&without_cluster(&cloud), "fargate", &flags).exits(0);
    assert_eq!(run.checks(), ["fargate warn"]);
    run.shows("the Fargate profile `serverless` takes");
    let actions = cloud.actions();
    assert!(
        actions.contains(&"ListFargateProfiles AKIDEXAMPLE".to_owned())
            && !actions.contains(&"ListFargateProfiles ASIAASSUMED".to_owned()),
        "{actions:?}"
    );
}

#[test]
fn inside_a_cluster_that_cluster_is_asked_for_the_pod_in_its_own_namespace() {
    let test = "inside_a_cluster_that_cluster_is_asked_for_the_pod_in_its_own_namespace";
    let shell = ["unshare", "-m", "sh", "-e"];
    let api = api(injected(), account("2026-02-02T12:00:00Z"));
    let port = api.server.address().port().to_string();
    let world = World::new()
        .with("KUBERNETES_SERVICE_HOST", "localhost")
        .with("KUBERNETES_SERVICE_PORT", &port);
    world.write("mounted/token", "static-token");
    world.write("mounted/ca.crt", api.authority_pem());
    world.write("mounted/namespace", NAMESPACE);
    if !world.can(test, &shell, POD) {
        return;
    }
    let verify = |flags: &str| {
        let script = format!("{POD}\n\"$bootstrap\" verify --only pod {flags}");
        world.shell(&shell, &script)
    };
    let run = verify(&format!("--pod {NAME}")).exits(0);
    assert_eq!(run.checks(), vec!["pod/this-cluster pass"; 5]);
    verify(&format!("--pod {NAME} --namespace default"))
        .exits(3)
        .shows("in namespace default");
}

#[test]
fn the_profiles_of_moto_are_matched_as_those_of_aws_would_be() {
    let world = Moto::shared().world();
    let check = |namespace: &str, label: &str| {
        let flags = [
            "--cluster",
            "payments",
            "--namespace",
            namespace,
            "--pod-label",
            label,
        ];
        only(&world, "fargate", &flags).exits(0)
    };
    check("apps", "on=fargate").shows("the Fargate profile `apps` takes such a pod");
    check("apps", "on=nodes").shows("no Fargate profile takes such a pod in namespace apps");
    check("other", "on=fargate").shows("no Fargate profile takes such a pod in namespace other");
}

#[test]
fn profiles_of_another_cluster_than_the_pods_own_do_not_take_it() {
    let test = "profiles_of_another_cluster_than_the_pods_own_do_not_take_it";
    let shell = ["unshare", "-m", "sh", "-e"];
    let cloud = Cloud {
        fargate: Some("*"),
        ..Cloud::default()
    };
    let cloud = cloud.start();
    let world = without_cluster(&cloud);
    let mount = |cluster: &str| {
        let claims = json!({"iss": format!("https://oidc.eks.us-east-1.amazonaws.com/id/{cluster}"),
            "sub": format!("system:serviceaccount:{NAMESPACE}:delegate")});
        let claims = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
        world.write("mounted/token", format!("e30.{claims}.c2ln"));
    };
    mount("ABC");
    if !world.can(test, &shell, POD) {
        return;
    }
    let verify = || {
        let script = format!("{POD}\n\"$bootstrap\" verify --only fargate --cluster payments");
        world.shell(&shell, &script).exits(0)
    };
    verify().shows("the Fargate profile `serverless` takes this pod");
    mount("OTHER");
    verify().shows("the node is not known, and no cluster told its Fargate profiles");
}
