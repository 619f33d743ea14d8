//! `bootstrap verify`, and the last step of `bootstrap init`.

use insta::assert_snapshot;
use serde_json::json;

use crate::api_server::{ApiServer, Fault, Setup};
use crate::cloud::{Cloud, EXTERNAL_ID, LAX, Running, STRICT};
use crate::fixture::Fixture;
use crate::moto::{self, Moto};
use crate::world::{GENEROUS, Run, World};

pub(crate) const ARN: &str = "arn:aws:eks:us-east-1:111122223333:cluster/payments";

/// A world with keys for this AWS, and a kubeconfig for this API server.
pub(crate) fn world(cloud: &Running, api: &ApiServer) -> World {
    let world = without_cluster(cloud);
    world.write(
        "delegate/bootstrap/kubeconfig",
        api.kubeconfig(ARN, "{ token: static-token }"),
    );
    world
}

/// A world with keys for this AWS.
pub(crate) fn without_cluster(cloud: &Running) -> World {
    World::new()
        .with("AWS_EC2_METADATA_DISABLED", "true")
        .with("AWS_ENDPOINT_URL", &cloud.server.url(""))
        .with("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .with("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
        .with("AWS_REGION", "us-east-1")
}

/// Runs `verify` with these checks alone.
pub(crate) fn only(world: &World, checks: &str, flags: &[&str]) -> Run {
    world.bootstrap(&[&["verify", "--only", checks], flags].concat())
}

/// The role that insists, with what it insists on.
fn strict() -> String {
    format!("name=payments,role-arn={STRICT},external-id={EXTERNAL_ID}")
}

impl Run {
    /// `check state`, or `check/cluster state`, for each line of the table of checks.
    pub(crate) fn checks(&self) -> Vec<String> {
        let lines = self.stdout.lines();
        let lines = lines.skip_while(|line| !line.starts_with("CHECK "));
        let rows = lines.skip(1).take_while(|line| !line.is_empty());
        let rows = rows.map(|line| line.split_whitespace().take(3).collect::<Vec<_>>());
        rows.map(|row| match row.as_slice() {
            [check, "-", state] => format!("{check} {state}"),
            [check, cluster, state] => format!("{check}/{cluster} {state}"),
            _ => panic!("{self}"),
        })
        .collect()
    }

    /// The run itself, if these words are in its result.
    #[track_caller]
    pub(crate) fn shows(self, words: &str) -> Self {
        assert!(self.stdout.contains(words), "no `{words}` in\n{self}");
        self
    }
}

#[test]
fn what_works_is_shown_with_its_evidence() {
    let setup = Setup {
        arn: Some("arn:aws:iam::111122223333:role/strict"),
        ..Setup::default()
    };
    let (cloud, api) = (Cloud::default().start(), ApiServer::start(setup));
    let world = world(&cloud, &api).with("NODE_NAME", "ip-10-0-0-1.ec2.internal");
    let checks = "tools,credentials,irsa,fargate,role,external-id,regions,cluster,access,api-server,version,permissions";
    assert_snapshot!(only(&world, checks, &["--cluster", &strict()]), @"
    CHECK        CLUSTER   STATE  EVIDENCE
    tools        -         skip   nothing is installed, and nothing is wanted
    credentials  -         pass   arn:aws:iam::111122223333:user/delegate from the environment (AWS_ACCESS_KEY_ID)
    irsa         -         skip   this process has no variables of IRSA
    fargate      -         pass   the node ip-10-0-0-1.ec2.internal is not one of Fargate
    role         payments  pass   arn:aws:iam::111122223333:role/ci/strict, assumed with its external ID
    external-id  payments  pass   arn:aws:iam::111122223333:role/ci/strict refuses who does not give its external ID
    regions      -         skip   every cluster has a role, which is asked instead
    regions      payments  pass   2 regions, asked in us-east-1
    cluster      payments  pass   arn:aws:eks:us-east-1:111122223333:cluster/payments, ACTIVE, Kubernetes 0.00
    access       payments  pass   API_AND_CONFIG_MAP: an access entry for `arn:aws:iam::111122223333:role/ci/strict`, or in the ConfigMap aws-auth, mapRoles with `arn:aws:iam::111122223333:role/strict` (without a path)
    api-server   payments  pass   https://[SERVER] knows this identity as static-user
    version      payments  pass   0.00 (v1.31.2-eks-7f9249a), as its server says
    permissions  payments  pass   everything in namespace default

    verify finished in 0.00 s
    [exit 0]
    ");
}

#[test]
fn every_check_is_made_and_in_the_same_order_in_json() {
    let (cloud, api) = (Cloud::default().start(), ApiServer::start(Setup::default()));
    let world = world(&cloud, &api);
    let run = world.bootstrap(&["verify", "--cluster", &strict(), "--output", "json"]);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["command"], "verify");
    assert_eq!(report["exit_code"], 0);
    let step = &report["steps"][0];
    assert_eq!(step["step"], "verify");
    let checks = step["checks"].as_array().unwrap();
    let names: Vec<_> = checks
        .iter()
        .map(|check| check["check"].as_str().unwrap())
        .collect();
    let listed = world.bootstrap(&["verify", "--list"]).exits(0).stdout;
    let listed: Vec<_> = listed
        .lines()
        .skip(1)
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    let mut once = names.clone();
    once.dedup();
    assert_eq!(once, listed);
    for check in checks {
        assert!(["pass", "warn", "fail", "skip"].contains(&check["state"].as_str().unwrap()));
        assert!(
            check["evidence"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
    }
    let role = checks
        .iter()
        .find(|check| check["check"] == "role")
        .unwrap();
    assert_eq!(role["subject"], "payments");
    assert!(!world.prefix("report.json").exists(), "it changes nothing");
}

#[test]
fn neither_secrets_nor_external_ids_are_shown() {
    let (cloud, api) = (Cloud::default().start(), ApiServer::start(Setup::default()));
    let plugin = format!(
        "{{ exec: {{ apiVersion: client.authentication.k8s.io/v1beta1, command: sh, interactiveMode: Never, args: \
         [-c, \"echo got $2 >&2; exit 1\", sh, -e, {EXTERNAL_ID}] }} }}"
    );
    for user in [
        "{ token: static-token }",
        "{ token: other-token }",
        plugin.as_str(),
    ] {
        for id in [EXTERNAL_ID, "another-external-id"] {
            let world = without_cluster(&cloud);
            world.write("delegate/bootstrap/kubeconfig", api.kubeconfig(ARN, user));
            let cluster = format!("name=payments,role-arn={STRICT},external-id={id}");
            for output in ["text", "json"] {
                let run = world.bootstrap(&["verify", "--cluster", &cluster, "--output", output]);
                let shown = format!("{}{}", run.stdout, run.stderr);
                let secrets = [
                    "hunter2",
                    "static-token",
                    "other-token",
                    EXTERNAL_ID,
                    "another-external-id",
                    "assumed-secret",
                    "assumed-session",
                ];
                for secret in secrets {
                    assert!(!shown.contains(secret), "{secret} in\n{shown}");
                }
            }
        }
    }
}

#[test]
fn a_wrong_external_id_fails_the_role_and_what_the_caller_may_is_still_checked() {
    let (cloud, api) = (Cloud::default().start(), ApiServer::start(Setup::default()));
    let world = world(&cloud, &api);
    let cluster = format!("name=payments,role-arn={STRICT},external-id=wrong");
    let checks = "credentials,role,external-id,regions,cluster,access,version";
    assert_snapshot!(only(&world, checks, &["--cluster", &cluster]), @"
    CHECK        CLUSTER   STATE  EVIDENCE
    credentials  -         pass   arn:aws:iam::111122223333:user/delegate from the environment (AWS_ACCESS_KEY_ID)
    role         payments  fail   arn:aws:iam::111122223333:role/ci/strict, with its external ID: sts:AssumeRole: AccessDenied: User: arn:aws:iam::111122223333:user/delegate is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/ci/strict
    external-id  payments  skip   the role could not be assumed with it
    regions      -         skip   every cluster has a role, which is asked instead
    regions      payments  skip   the role could not be assumed
    cluster      payments  pass   arn:aws:eks:us-east-1:111122223333:cluster/payments, ACTIVE, Kubernetes 0.00
    access       payments  pass   API_AND_CONFIG_MAP: an access entry for `arn:aws:iam::111122223333:role/ci/strict`, or in the ConfigMap aws-auth, mapRoles with `arn:aws:iam::111122223333:role/strict` (without a path)
    version      payments  pass   0.00 (v1.31.2-eks-7f9249a), as its server says

    verify failed in 0.00 s

    fail: role of payments
      cause: the role does not exist, its trust policy does not name this caller, the external ID is another, or the caller may not sts:AssumeRole
      remedy: check that the role exists, that its trust policy names this caller, and that the external ID is the one it asks for
    [exit 3]
    ");
}

#[test]
fn a_role_of_another_partition_fails_and_sts_is_not_asked_for_it() {
    let cloud = Cloud::default().start();
    let world = without_cluster(&cloud);
    let role = "arn:aws-cn:iam::111122223333:role/deployer";
    let cluster = format!("name=payments,role-arn={role},external-id={EXTERNAL_ID}");
    let run = only(&world, "role,external-id,regions", &["--cluster", &cluster]).exits(3);
    assert_eq!(
        run.checks(),
        [
            "role/payments fail",
            "external-id/payments skip",
            "regions skip",
            "regions/payments skip"
        ]
    );
    run.shows("no role can be assumed across partitions");
    assert_eq!(cloud.actions(), Vec::<String>::new());
}

#[test]
fn a_role_that_does_not_insist_on_its_external_id_is_a_warning() {
    let (cloud, api) = (Cloud::default().start(), ApiServer::start(Setup::default()));
    let world = world(&cloud, &api);
    let cluster = format!("name=payments,role-arn={LAX},external-id={EXTERNAL_ID}");
    let run = only(&world, "role,external-id", &["--cluster", &cluster]).exits(0);
    assert_eq!(
        run.checks(),
        ["role/payments pass", "external-id/payments warn"]
    );
    run.shows("sts:ExternalId");
    let cluster = format!("name=payments,role-arn={LAX}");
    let run = only(&world, "role,external-id", &["--cluster", &cluster]).exits(0);
    assert_eq!(
        run.checks(),
        ["role/payments pass", "external-id/payments skip"]
    );
}

#[test]
fn the_sessions_of_roles_have_the_name_that_is_asked_for() {
    let cloud = Cloud::default().start();
    let world = without_cluster(&cloud);
    let name = |flags: &[&str]| {
        let before = cloud.server.requests().len();
        only(&world, "role", &[&["--cluster", &strict()], flags].concat()).exits(0);
        let requests = cloud.server.requests();
        let asked = requests[before..]
            .iter()
            .find(|request| request.body.contains("Action=AssumeRole"));
        let form: Vec<_> = url::form_urlencoded::parse(asked.unwrap().body.as_bytes()).collect();
        let name = form.iter().find(|(key, _)| key == "RoleSessionName");
        name.unwrap().1.clone().into_owned()
    };
    assert_eq!(name(&[]), "bootstrap");
    assert_eq!(name(&["--session-name", "night-shift"]), "night-shift");
}

#[test]
fn permissions_that_are_missing_are_named() {
    let cloud = Cloud {
        denied: vec!["DescribeRegions", "DescribeCluster"],
        ..Cloud::default()
    };
    let (cloud, api) = (cloud.start(), ApiServer::start(Setup::default()));
    let world = world(&cloud, &api);
    let run = only(
        &world,
        "regions,cluster,access,version",
        &["--cluster", "payments"],
    )
    .exits(3);
    assert_eq!(
        run.checks(),
        [
            "regions fail",
            "cluster/payments fail",
            "access/payments skip",
            "version/payments pass"
        ]
    );
    run.shows("allow ec2:DescribeRegions on `*`")
        .shows("allow eks:DescribeCluster");
}

#[test]
fn a_cluster_that_is_not_there_or_not_ready_fails() {
    let cloud = Cloud::default().start();
    let world = without_cluster(&cloud);
    let run = only(&world, "cluster", &["--cluster", "orders"]).exits(3);
    run.shows("there is no cluster `orders` in us-east-1");
    // The region of another cluster is not its own.
    let both = [
        "--cluster",
        "name=payments,region=eu-west-1",
        "--cluster",
        "orders",
    ];
    let run = only(&world, "cluster", &both).exits(3);
    run.shows("there is no cluster `orders` in us-east-1");
    let cloud = Cloud {
        status: "CREATING",
        ..Cloud::default()
    };
    let cloud = cloud.start();
    let world = without_cluster(&cloud);
    let run = only(&world, "cluster", &["--cluster", "payments"]).exits(3);
    run.shows("CREATING").shows("still being made");
}

#[test]
fn a_cluster_of_another_account_than_that_of_the_arn_fails() {
    let cloud = Cloud::default().start();
    let world = without_cluster(&cloud);
    only(&world, "cluster", &["--cluster", ARN])
        .exits(0)
        .shows(&format!("{ARN}, ACTIVE"));
    let other = ARN.replace("111122223333", "444455556666");
    only(&world, "cluster", &["--cluster", &other])
        .exits(3)
        .shows(&format!("EKS describes {ARN}, and {other} is asked for"))
        .shows("ask as a role of the account of that ARN");
}

#[test]
fn a_cluster_of_another_account_than_that_of_the_role_is_not_the_one_that_is_meant() {
    // The role can be assumed, and its account has no such cluster; the caller's has.
    let world = Moto::shared().world();
    let cluster = format!(
        "name=payments,role-arn={},external-id={}",
        moto::ROLE,
        moto::EXTERNAL_ID
    );
    let seen = "arn:aws:eks:us-east-1:123456789012:cluster/payments";
    let words = format!(
        "a cluster of that name in account 111122223333 is meant, that of the role {}, and the caller sees {seen}",
        moto::ROLE
    );
    let run = only(&world, "role,cluster", &["--cluster", &cluster]).exits(3);
    assert_eq!(
        run.checks(),
        ["role/payments pass", "cluster/payments fail"]
    );
    run.shows(&words).shows("name it by its ARN");
    // It cannot be assumed.
    let wrong = cluster.replace(moto::EXTERNAL_ID, "wrong");
    let run = only(&world, "role,cluster", &["--cluster", &wrong]).exits(3);
    assert_eq!(
        run.checks(),
        ["role/payments fail", "cluster/payments fail"]
    );
    run.shows(&words).shows("let the role be assumed first");
    let named = cluster.replace("name=payments", &format!("name={seen}"));
    only(&world, "cluster", &["--cluster", &named]).exits(0);
}

#[test]
fn the_arn_to_map_is_shown_in_the_form_that_the_cluster_takes() {
    for (mode, shown) in [
        (Some("API"), format!("API: an access entry for `{STRICT}`")),
        (
            None,
            "mapRoles with `arn:aws:iam::111122223333:role/strict` (without a path)".to_owned(),
        ),
    ] {
        let cloud = Cloud {
            mode,
            ..Cloud::default()
        };
        let cloud = cloud.start();
        let world = without_cluster(&cloud);
        only(&world, "access", &["--cluster", &strict()])
            .exits(0)
            .shows(&shown);
    }
}

#[test]
fn a_server_that_does_not_answer_as_it_should_fails_and_eks_tells_the_version() {
    for (fault, shown) in [
        (
            Fault::Forbidden,
            "403 Forbidden: User \"static-user\" cannot get path \"/version\"",
        ),
        (Fault::Garbage, "its answer is not one of an API server"),
        (Fault::Broken, "it answered 503"),
    ] {
        let setup = Setup {
            fault,
            ..Setup::default()
        };
        let (cloud, api) = (Cloud::default().start(), ApiServer::start(setup));
        let world = world(&cloud, &api);
        let checks = "api-server,version,permissions";
        let run = only(&world, checks, &["--cluster", "payments"]).exits(3);
        assert_eq!(
            run.checks(),
            [
                "api-server/payments fail",
                "version/payments pass",
                "permissions/payments skip"
            ]
        );
        run.shows(shown).shows("1.31, as EKS describes it");
    }
}

#[test]
fn a_token_that_is_not_accepted_is_told_with_the_arn_to_map() {
    let (cloud, api) = (Cloud::default().start(), ApiServer::start(Setup::default()));
    let world = without_cluster(&cloud);
    world.write(
        "delegate/bootstrap/kubeconfig",
        api.kubeconfig(ARN, "{ token: other }"),
    );
    let checks = "access,api-server,version";
    assert_snapshot!(only(&world, checks, &["--cluster", "payments"]), @"
    CHECK       CLUSTER   STATE  EVIDENCE
    access      payments  pass   API_AND_CONFIG_MAP: an access entry for `arn:aws:iam::111122223333:user/delegate`, or in the ConfigMap aws-auth, mapUsers with `arn:aws:iam::111122223333:user/delegate`
    api-server  payments  fail   https://[SERVER]: it answered 401 Unauthorized
    version     payments  pass   0.00, as EKS describes it; its server gave none: it answered 401 Unauthorized

    verify failed in 0.00 s

    fail: api-server of payments
      cause: the token is valid for another cluster, has expired, or its role is not mapped in this cluster
      remedy: map it: `aws eks create-access-entry --cluster-name payments --principal-arn arn:aws:iam::111122223333:user/delegate`, or in the ConfigMap aws-auth, mapUsers with `arn:aws:iam::111122223333:user/delegate`
    [exit 3]
    ");
}

#[test]
fn a_plugin_that_hangs_is_stopped_and_named_and_its_output_is_not_shown() {
    let (cloud, api) = (Cloud::default().start(), ApiServer::start(Setup::default()));
    let world = without_cluster(&cloud);
    let plugin = world.write_program(
        "bin/stuck",
        "#!/bin/sh\necho k8s-aws-v1.s3cret\necho s3cret >&2\nsleep 600\n",
    );
    let user = format!(
        "{{ exec: {{ apiVersion: client.authentication.k8s.io/v1beta1, command: \"{}\" }} }}",
        plugin.display()
    );
    world.write("delegate/bootstrap/kubeconfig", api.kubeconfig(ARN, &user));
    let flags = ["--cluster", "payments", "--deadline", "2s"];
    let run = only(&world, "api-server,version", &flags).exits(3);
    assert!(run.took < GENEROUS, "{:?}", run.took);
    let run = run
        .shows("bin/stuck` had not ended after 2 s and was stopped")
        .shows("1.31, as EKS describes it");
    assert!(!format!("{run}").contains("s3cret"), "{run}");
}

#[test]
fn without_a_context_the_next_step_is_to_write_one() {
    let cloud = Cloud::default().start();
    let world = without_cluster(&cloud);
    let run = only(&world, "api-server,version", &["--cluster", "payments"]).exits(0);
    assert_eq!(
        run.checks(),
        ["api-server/payments warn", "version/payments pass"]
    );
    run.shows("it was not asked: ")
        .shows("bootstrap/kubeconfig has no context for it")
        .shows("write it with `bootstrap kubeconfig`");
    let run = only(&world, "api-server,permissions", &["--cluster", "payments"]);
    assert_eq!(
        run.checks(),
        ["api-server/payments warn", "permissions/payments skip"]
    );
    let run = only(&world, "permissions", &["--cluster", "payments"]).exits(0);
    assert_eq!(run.checks(), ["permissions/payments warn"]);
}

#[test]
fn a_context_with_the_alias_of_a_cluster_that_leads_to_another_one_fails_and_is_not_asked() {
    let (cloud, api) = (Cloud::default().start(), ApiServer::start(Setup::default()));
    let world = without_cluster(&cloud);
    let other = ARN.replace("111122223333", "444455556666");
    world.write(
        "delegate/bootstrap/kubeconfig",
        api.kubeconfig(&other, "{ token: static-token }").replace(
            &format!("name: {other}\n  context"),
            "name: prod\n  context",
        ),
    );
    let flags = ["--cluster", "name=payments,alias=prod"];
    let run = only(&world, "api-server,version,permissions", &flags).exits(3);
    assert_eq!(
        run.checks(),
        [
            "api-server/prod fail",
            "version/prod pass",
            "permissions/prod skip"
        ]
    );
    run.shows(&format!(
        "the context `prod` leads to another cluster, `{other}`"
    ))
    .shows("1.31, as EKS describes it")
    .shows("write it anew with `bootstrap kubeconfig`");
    let run = only(&world, "version", &flags).exits(0);
    assert_eq!(run.checks(), ["version/prod warn"]);
    // A start whose kubeconfig could not be written has nothing but what was there before.
    let denied = Cloud {
        denied: vec!["DescribeCluster"],
        ..Cloud::default()
    };
    let denied = denied.start();
    let world = world.with("AWS_ENDPOINT_URL", &denied.server.url(""));
    for flags in [
        format!("name=payments,alias=prod,role-arn={STRICT},external-id={EXTERNAL_ID}"),
        strict(),
    ] {
        let args = ["init", "-q", "--exec", "builtin", "--cluster", &flags];
        let run = world.bootstrap(&args).exits(0);
        run.says("it could not be found out: ");
    }
    assert_eq!(api.server.connections(), 0);
}

/// A user of a kubeconfig whose plugin enters as this role.
fn entering_as(role: &str) -> String {
    format!(
        "{{ exec: {{ apiVersion: client.authentication.k8s.io/v1beta1, interactiveMode: Never, command: \"{}\", args: \
         [token, -i, payments, -r, \"{role}\", --region, us-east-1] }} }}",
        env!("CARGO_BIN_EXE_bootstrap")
    )
}

#[test]
fn a_context_of_another_role_is_not_that_of_the_cluster() {
    let (cloud, api) = (Cloud::default().start(), ApiServer::start(Setup::default()));
    let world = without_cluster(&cloud);
    world.write(
        "delegate/bootstrap/kubeconfig",
        api.kubeconfig(ARN, &entering_as(LAX)),
    );
    let run = only(&world, "api-server,version", &["--cluster", &strict()]).exits(0);
    assert_eq!(
        run.checks(),
        ["api-server/payments warn", "version/payments pass"]
    );
    run.shows(&format!("enters it as {LAX}, and not as {STRICT}"));
    let aliased = format!("{},alias={ARN}", strict());
    let run = only(&world, "api-server", &["--cluster", &aliased]).exits(3);
    run.shows(&format!("enters it as {LAX}, and not as {STRICT}"));
    assert_eq!(api.server.connections(), 0);
}

#[test]
fn a_server_that_knows_one_as_another_than_the_role_fails() {
    let check = |arn: Option<&'static str>, code: i32, state: &str| {
        let setup = Setup {
            arn,
            ..Setup::default()
        };
        let (cloud, api) = (Cloud::default().start(), ApiServer::start(setup));
        let world = world(&cloud, &api);
        let run = only(&world, "api-server", &["--cluster", &strict()]).exits(code);
        assert_eq!(run.checks(), [format!("api-server/payments {state}")]);
        run
    };
    check(Some("arn:aws:iam::111122223333:role/lax"), 3, "fail").shows(&format!(
        "as static-user, which is arn:aws:iam::111122223333:role/lax and not {STRICT}"
    ));
    check(None, 0, "warn").shows(&format!("whether that is {STRICT} is not known"));
    check(Some("arn:aws:iam::111122223333:role/strict"), 0, "pass");
}

#[test]
fn a_context_with_a_role_that_is_not_asked_for_is_used_and_told() {
    let api = ApiServer::start(Setup {
        keys: vec![("ASIAASSUMED", "assumed-secret")],
        ..Setup::default()
    });
    let cloud = Cloud {
        endpoint: api.url(),
        authority: api.authority(),
        ..Cloud::default()
    };
    let cloud = cloud.start();
    let world = without_cluster(&cloud);
    let cluster = format!("{},alias=prod", strict());
    let args = ["kubeconfig", "--exec", "builtin", "--cluster", &cluster];
    world.bootstrap(&args).exits(0);
    let checks = "role,api-server,version,permissions";
    let run = only(&world, checks, &["--cluster", "payments"]).exits(0);
    assert_eq!(
        run.checks(),
        [
            "role/payments skip",
            "api-server/payments warn",
            "version/payments pass",
            "permissions/payments pass"
        ]
    );
    run.shows(&format!("by the context `prod`, which enters as {STRICT}"))
        .shows(&format!("give --role-arn {STRICT}"));
    let run = only(&world, checks, &["--cluster", &cluster]).exits(0);
    assert!(run.checks().iter().all(|it| it.ends_with("pass")), "{run}");
}

#[test]
fn a_version_below_the_minimum_fails() {
    let old = serde_json::json!({"major": "1", "minor": "21+", "gitVersion": "v1.21.2-eks-06eac09",
        "gitCommit": "", "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "", "platform": ""});
    let setup = Setup {
        version: old,
        ..Setup::default()
    };
    let (cloud, api) = (Cloud::default().start(), ApiServer::start(setup));
    let world = world(&cloud, &api);
    let run = only(&world, "version", &["--cluster", "payments"]).exits(3);
    run.shows("1.21 (v1.21.2-eks-06eac09), as its server says; older than 1.22");
    let api = ApiServer::start(Setup::default());
    let world = self::world(&cloud, &api);
    let flags = ["--cluster", "payments", "--minimum-kubernetes", "1.32"];
    only(&world, "version", &flags)
        .exits(3)
        .shows("older than 1.32");
    let flags = ["--cluster", "payments", "--minimum-kubernetes", "1.21"];
    let run = only(&world, "version", &flags).exits(2);
    run.says("1.21 is below 1.22, which the Harness connector for EKS needs");
}

#[test]
fn without_credentials_nothing_is_asked_and_the_sources_that_were_tried_are_named() {
    let cloud = Cloud::default().start();
    let world = without_cluster(&cloud).without("AWS_ACCESS_KEY_ID");
    let checks = "credentials,irsa,role,external-id,regions,cluster,access,version";
    let flags = ["--cluster", &strict(), "--credentials", "irsa"];
    let run = only(&world, checks, &flags).exits(3);
    assert!(run.took < GENEROUS, "{:?}", run.took);
    assert_eq!(
        run.checks(),
        [
            "credentials fail",
            "irsa fail",
            "role/payments skip",
            "external-id/payments skip",
            "regions skip",
            "regions/payments skip",
            "cluster/payments skip",
            "access/payments skip",
            "version/payments warn"
        ]
    );
    run.shows("AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE are not set");
    assert_eq!(cloud.server.connections(), 0);
}

#[test]
fn without_a_region_the_checks_that_need_one_say_so() {
    let cloud = Cloud::default().start();
    let world = without_cluster(&cloud).without("AWS_REGION");
    let run = only(&world, "cluster", &["--cluster", "payments"]).exits(3);
    run.shows("no AWS region is given")
        .shows("--region or AWS_REGION");
    assert!(only(&world, "credentials", &[]).took < GENEROUS);
}

#[test]
fn a_metadata_service_that_never_answers_is_not_waited_for() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let cloud = Cloud::default().start();
    let world = without_cluster(&cloud)
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_EC2_METADATA_DISABLED")
        .without("AWS_REGION")
        .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", &endpoint);
    let run = world.bootstrap(&["verify", "--cluster", "payments"]);
    assert!(run.took < GENEROUS, "{:?}", run.took);
    run.exits(3);
}

#[test]
fn an_aws_that_never_answers_is_not_waited_for() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let cloud = Cloud::default().start();
    let world = without_cluster(&cloud).with("AWS_ENDPOINT_URL", &endpoint);
    // Longer than the SDK's own patience with a slow server, which is not to end a call.
    let flags = ["verify", "--cluster", &strict(), "--deadline", "7s"];
    let run = world.bootstrap(&flags).exits(3);
    assert!(run.took < GENEROUS, "{:?}", run.took);
    assert!(!run.stdout.contains("cannot make the request"), "{run}");
    run.shows("sts:GetCallerIdentity: no answer in time")
        .shows("a VPC endpoint, a NAT gateway");
}

#[test]
fn keys_in_place_of_irsa_are_told_with_the_cause() {
    let cloud = Cloud::default().start();
    let world = without_cluster(&cloud);
    let run = only(&world, "credentials", &["--credentials", "irsa"]).exits(3);
    run.shows("where irsa is asked for")
        .shows("access keys in the environment or a profile come before all others");
    let world = world.with("BOOTSTRAP_CREDENTIALS", "access-key");
    only(&world, "credentials", &[]).exits(0);
    let run = only(&world, "credentials", &["--credentials", "keys"]).exits(2);
    run.says("it takes `irsa`, `iam-role`, `access-key` or `pod-identity`");
}

#[test]
fn a_pod_that_may_run_on_fargate_needs_irsa() {
    let cloud = Cloud {
        fargate: Some("harness-*"),
        ..Cloud::default()
    };
    let cloud = cloud.start();
    let world = without_cluster(&cloud).with("DELEGATE_NAMESPACE", "harness-delegate-ng");
    let run = only(&world, "fargate", &["--cluster", "payments"]).exits(0);
    assert_eq!(run.checks(), ["fargate warn"]);
    let world = world.with("NODE_NAME", "fargate-ip-10-0-0-1.ec2.internal");
    let run = only(&world, "fargate", &["--cluster", "payments"]).exits(3);
    run.shows("and the pod has no IRSA");
}

#[test]
fn a_clock_that_is_off_is_told() {
    let cloud = Cloud {
        clock: 400,
        ..Cloud::default()
    };
    let (cloud, api) = (cloud.start(), ApiServer::start(Setup::default()));
    let world = world(&cloud, &api);
    let run = only(
        &world,
        "credentials,api-server,clock",
        &["--cluster", "payments"],
    )
    .exits(3);
    run.shows("s behind AWS").shows("AWS refuses signatures");
}

#[test]
fn tools_are_compared_with_their_receipts_and_hashed_where_that_is_asked_for() {
    let hello = Fixture::zip("hello", "1.0.0");
    let (world, _server) = World::pinning(&[&hello]);
    world.write("work/bootstrap.yaml", "version: 1\ntools: [hello]\n");
    let run = only(&world, "tools", &[]).exits(3);
    run.shows("hello is not installed");
    world.bootstrap(&["install", "-q"]).exits(0);
    only(&world, "tools", &[])
        .exits(0)
        .shows("hello 1.0.0: 2 files");
    only(&world, "tools", &["--full"]).exits(0);
    // Other bytes, and all else as it was.
    let file = world.prefix("tools/hello/1.0.0/share/hello/example.txt");
    let before = std::fs::metadata(&file).unwrap().modified().unwrap();
    crate::world::put(&file, b"An example\n");
    let opened = std::fs::File::options().write(true).open(&file).unwrap();
    opened.set_modified(before).unwrap();
    only(&world, "tools", &[]).exits(0);
    let run = only(&world, "tools", &["--full"]).exits(3);
    run.shows("`share/hello/example.txt` has other contents");
    std::fs::remove_file(world.prefix("bin/hello")).unwrap();
    only(&world, "tools", &[])
        .exits(3)
        .shows("`bin/hello` is missing");
}

#[test]
fn offline_only_what_is_on_this_machine_is_checked() {
    let (cloud, api) = (Cloud::default().start(), ApiServer::start(Setup::default()));
    let world = world(&cloud, &api);
    let flags = ["verify", "--offline", "--cluster", &strict()];
    let run = world.bootstrap(&flags).exits(0);
    let asked: Vec<_> = run
        .checks()
        .into_iter()
        .filter(|line| !line.ends_with("skip") && !line.starts_with("budget"))
        .collect();
    assert_eq!(asked, Vec::<String>::new());
    assert_eq!(cloud.server.connections() + api.server.connections(), 0);
}

#[test]
fn the_checks_are_listed_and_only_those_can_be_asked_for() {
    let world = World::new();
    assert_snapshot!(world.bootstrap(&["verify", "--list"]), @"
    CHECK        WHAT IT CHECKS
    tools        The tools are in place, and every file of them is as it was installed
    credentials  AWS credentials come from the source that is asked for, and AWS knows them
    irsa         IRSA: variables, token file, audience, expiry, service account, partition
    pod          The pod of --pod has IRSA: account, annotation, variables, token, age
    fargate      A pod that a Fargate profile takes has IRSA, for it has nothing else
    role         The role of each cluster can be assumed
    external-id  The role refuses whoever does not give its external ID
    regions      ec2:DescribeRegions is allowed, which the connector always asks for
    cluster      EKS describes each cluster, and it is active
    access       How each cluster maps AWS identities, and the ARN to map
    api-server   Each API server answers, its certificate is trusted, and the token is accepted
    version      Kubernetes is as new as the connector needs it
    permissions  The identity may do something in each cluster
    clock        The clock agrees with those of AWS and of the API servers
    budget       There is time left for the delegate to start
    [exit 0]
    ");
    let run = only(&world, "tools,tokens", &[]).exits(2);
    run.says("there is no check `tokens`: `bootstrap verify --list` shows them all");
}

#[test]
fn several_clusters_are_told_apart_by_their_contexts() {
    let api = ApiServer::start(Setup::default());
    let cloud = Cloud {
        endpoint: api.url(),
        ..Cloud::default()
    };
    let cloud = cloud.start();
    let world = without_cluster(&cloud);
    world.write(
        "delegate/bootstrap/kubeconfig",
        api.kubeconfig("prod", "{ token: static-token }"),
    );
    world.write(
        "work/bootstrap.yaml",
        format!(
            "version: 1\nclusters:\n  - {{ name: payments, alias: prod, role_arn: \"{STRICT}\", external_id: {EXTERNAL_ID} }}\n  - orders\n"
        ),
    );
    let run = only(&world, "role,cluster,version", &[]).exits(3);
    assert_eq!(
        run.checks(),
        [
            "role/prod pass",
            "role/orders skip",
            "cluster/prod pass",
            "cluster/orders fail",
            "version/prod pass",
            "version/orders warn"
        ]
    );
    let keys: Vec<_> = cloud
        .actions()
        .into_iter()
        .filter(|action| action.starts_with("DescribeCluster"))
        .collect();
    assert!(
        keys.contains(&"DescribeCluster ASIAASSUMED".to_owned()),
        "{keys:?}"
    );
}

/// Runs `init` with one cluster.
fn init(world: &World, flags: &[&str]) -> Run {
    let args = ["init", "-q", "--cluster", "payments", "--exec", "builtin"];
    world.bootstrap(&[&args, flags].concat())
}

/// An API server, and an AWS that knows it.
fn known_api() -> (Cloud, ApiServer) {
    let api = ApiServer::start(Setup {
        keys: vec![("AKIDEXAMPLE", "hunter2hunter2")],
        ..Setup::default()
    });
    let cloud = Cloud {
        endpoint: api.url(),
        authority: api.authority(),
        ..Cloud::default()
    };
    (cloud, api)
}

#[test]
fn a_start_ends_with_tools_a_kubeconfig_and_checks() {
    let (cloud, api) = known_api();
    let cloud = cloud.start();
    let world = without_cluster(&cloud);
    let hello = Fixture::script("hello", "1.0.0");
    let server = Fixture::serve(&[&hello]);
    world.pin(&server, &[&hello]);
    assert_snapshot!(init(&world, &["--tools", "hello"]), @"
    TOOL   VERSION  STATE      SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    installed  0.00     29 B        http://[SERVER]/hello-1.0.0
    kubeconfig: arn:aws:eks:us-east-1:111122223333:cluster/payments added in [WORLD]/delegate/bootstrap/kubeconfig

    CHECK        CLUSTER   STATE  EVIDENCE
    tools        -         pass   hello 1.0.0 in place
    credentials  -         pass   arn:aws:iam::111122223333:user/delegate from the environment (AWS_ACCESS_KEY_ID)
    cluster      payments  pass   arn:aws:eks:us-east-1:111122223333:cluster/payments, ACTIVE, Kubernetes 0.00
    version      payments  pass   0.00 (v1.31.2-eks-7f9249a), as its server says

    init finished in 0.00 s
    [exit 0]
    ");
    assert_eq!(api.refusals(), Vec::<String>::new());
    let report = world.report();
    let steps = &report["steps"];
    assert_eq!(steps[1]["state"], "done");
    assert_eq!(steps[1]["contexts"][0]["context"], ARN);
    assert_eq!(steps[1]["contexts"][0]["server"], api.url());
    assert_eq!(steps[2]["state"], "done");
    assert_eq!(steps[2]["checks"].as_array().unwrap().len(), 4);
    assert_snapshot!(init(&world, &["--tools", "hello"]), @"
    TOOL   VERSION  STATE      SECONDS  DOWNLOADED  SOURCE
    hello  1.0.0    unchanged  0.00     -           http://[SERVER]/hello-1.0.0
    kubeconfig: arn:aws:eks:us-east-1:111122223333:cluster/payments unchanged in [WORLD]/delegate/bootstrap/kubeconfig

    CHECK        CLUSTER   STATE  EVIDENCE
    tools        -         pass   hello 1.0.0 in place
    credentials  -         pass   arn:aws:iam::111122223333:user/delegate from the environment (AWS_ACCESS_KEY_ID)
    cluster      payments  pass   arn:aws:eks:us-east-1:111122223333:cluster/payments, ACTIVE, Kubernetes 0.00
    version      payments  pass   0.00 (v1.31.2-eks-7f9249a), as its server says

    init finished in 0.00 s
    [exit 0]
    ");
}

#[test]
fn a_role_with_an_external_id_enters_its_cluster_by_the_kubeconfig_that_a_start_wrote() {
    let api = ApiServer::start(Setup {
        keys: vec![("ASIAASSUMED", "assumed-secret")],
        ..Setup::default()
    });
    let cloud = Cloud {
        endpoint: api.url(),
        authority: api.authority(),
        ..Cloud::default()
    };
    let cloud = cloud.start();
    let world = without_cluster(&cloud).with("BOOTSTRAP_CLUSTERS", &strict());
    let run = world
        .bootstrap(&["init", "-q", "--exec", "builtin"])
        .exits(0);
    run.shows(&format!("kubeconfig: {STRICT}@{ARN} added in "));
    let run = only(&world, "role,api-server,version,permissions", &[]).exits(0);
    let passed = ["role", "api-server", "version", "permissions"];
    assert_eq!(
        run.checks(),
        passed.map(|check| format!("{check}/payments pass"))
    );
    run.shows("as arn:aws:iam::111122223333:user/ASIAASSUMED");
    assert_eq!(api.refusals(), Vec::<String>::new());
}

#[test]
fn a_kept_session_that_is_refused_is_told_apart_from_a_role_that_is_not_mapped() {
    let api = ApiServer::start(Setup {
        keys: vec![("ASIAASSUMED", "assumed-secret")],
        ..Setup::default()
    });
    let cloud = Cloud {
        endpoint: api.url(),
        authority: api.authority(),
        ..Cloud::default()
    };
    let cloud = cloud.start();
    let world = without_cluster(&cloud).with("BOOTSTRAP_CLUSTERS", &strict());
    let args = ["kubeconfig", "--exec", "builtin"];
    world.bootstrap(&args).exits(0);
    only(&world, "api-server", &[]).exits(0);
    // The role is made anew: no cluster takes the session of the old one.
    let sessions = world.prefix("cache/sessions");
    let mut files = std::fs::read_dir(sessions).unwrap();
    let mut files = files.by_ref().map(|entry| entry.unwrap().path());
    let kept = files.find(|path| path.extension().is_some_and(|it| it == "json"));
    let kept = kept.unwrap();
    let text = std::fs::read_to_string(&kept).unwrap();
    let text = text.replace("ASIAASSUMED", "ASIAOLD");
    crate::world::put(&kept, text.as_bytes());
    let run = only(&world, "api-server,version,permissions", &[]).exits(0);
    assert_eq!(
        run.checks(),
        [
            "api-server/payments warn",
            "version/payments pass",
            "permissions/payments pass"
        ]
    );
    run.shows("by a new session; the one that is kept is refused: 401 Unauthorized")
        .shows("a session is kept for 10 minutes");
    assert_eq!(api.refusals(), ["the access key is unknown"]);
}

#[test]
fn a_start_with_a_wrong_external_id_warns_wherever_that_matters() {
    let (cloud, _api) = known_api();
    let cloud = cloud.start();
    let cluster = format!("name=payments,role-arn={STRICT},external-id=another-id");
    let world = without_cluster(&cloud).with("BOOTSTRAP_CLUSTERS", &cluster);
    let run = world
        .bootstrap(&["init", "-q", "--exec", "builtin"])
        .exits(0)
        .says("warning: cluster `payments` is written, but its role cannot be assumed now")
        .says("warning: version of payments: 1.31, as EKS describes it; its server gave none: the plugin ");
    assert!(
        run.checks().contains(&"version/payments warn".to_owned()),
        "{run}"
    );
    assert!(!run.stderr.contains("another-id"), "{run}");
}

#[test]
fn a_start_in_a_network_without_aws_goes_on_in_time() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let cloud = Cloud::default().start();
    let world = without_cluster(&cloud).with("AWS_ENDPOINT_URL", &endpoint);
    let run = init(&world, &["--deadline", "4s"]).exits(0);
    assert!(run.took < GENEROUS, "{:?}", run.took);
    run.says("warning: cannot find out how cluster `payments` is reached")
        .says("warning: version of payments: it could not be found out");
}

#[test]
fn a_device_in_the_place_of_the_service_accounts_token_is_not_read() {
    let world = World::new()
        .with("AWS_EC2_METADATA_DISABLED", "true")
        .with("AWS_REGION", "us-east-1")
        .with("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/delegate")
        .with("AWS_WEB_IDENTITY_TOKEN_FILE", "/dev/zero");
    let run = world.bootstrap(&["verify", "--only", "credentials,irsa", "--deadline", "5s"]);
    let run = run.exits(3);
    assert!(run.took < GENEROUS, "{:?}", run.took);
    assert_eq!(
        run.stdout.matches("it is not a regular file").count(),
        2,
        "{}",
        run.stdout
    );
}

#[test]
fn a_kubeconfig_that_could_not_be_written_is_a_warning() {
    let (cloud, _api) = known_api();
    let denied = Cloud {
        denied: vec!["DescribeCluster"],
        ..cloud.clone()
    };
    let denied = denied.start();
    let world = without_cluster(&denied);
    assert_snapshot!(init(&world, &[]), @"
    install: skipped: no tools configured
    kubeconfig: failed: cannot find out how cluster `payments` is reached: eks:DescribeCluster: AccessDeniedException: not authorized to perform this action

    CHECK        CLUSTER   STATE  EVIDENCE
    tools        -         skip   no tools configured
    credentials  -         pass   arn:aws:iam::111122223333:user/delegate from the environment (AWS_ACCESS_KEY_ID)
    cluster      payments  fail   eks:DescribeCluster: AccessDeniedException: not authorized to perform this action
    version      payments  warn   it could not be found out: [WORLD]/delegate/bootstrap/kubeconfig has no context for it

    init went on in spite of failures in 0.00 s
    --- stderr ---
    warning: cannot find out how cluster `payments` is reached
    caused by: eks:DescribeCluster: AccessDeniedException: not authorized to perform this action
    hint: allow this action in a policy of the caller
    warning: cluster of payments: eks:DescribeCluster: AccessDeniedException: not authorized to perform this action
    caused by: no policy of the identity allows eks:DescribeCluster
    hint: allow eks:DescribeCluster on the ARN of the cluster
    warning: version of payments: it could not be found out: [WORLD]/delegate/bootstrap/kubeconfig has no context for it
    hint: see the checks `cluster` and `api-server`
    [exit 0]
    ");
    let step = &world.report()["steps"][1];
    assert_eq!(step["state"], "failed");
    // No authenticator is there.
    let cloud = cloud.start();
    let world = without_cluster(&cloud);
    let flags = ["--exec", "authenticator"];
    let run = world.bootstrap(&[&["init", "-q", "--cluster", "payments"], &flags[..]].concat());
    run.exits(0)
        .says("warning: there is no `aws-iam-authenticator` in ");
    // What fits no start stops this one.
    let cluster = strict();
    let args = ["init", "-q", "--cluster", &cluster, "--exec", "aws"];
    let world = without_cluster(&cloud);
    world.write_program(
        "delegate/bootstrap/bin/aws",
        "#!/bin/sh\necho aws-cli/2.36.7\n",
    );
    let run = world.bootstrap(&args).exits(2);
    run.says("error: `--exec aws` cannot enter a role with an external ID");
    world
        .bootstrap(&[&args[..], &["--on-failure", "continue"]].concat())
        .exits(0);
}

#[test]
fn a_start_stops_for_a_version_that_is_proved_to_be_too_old_and_for_nothing_else() {
    let fails = |version: &'static str, denied: Vec<&'static str>, flags: &[&str], code: i32| {
        let cloud = Cloud {
            version,
            denied,
            ..Cloud::default()
        };
        let cloud = cloud.start();
        let world = without_cluster(&cloud);
        let run = init(&world, flags).exits(code);
        assert_eq!(world.report()["exit_code"], code);
        run
    };
    let run = fails("1.21", vec![], &[], 3);
    run.says("error: version of payments: 1.21, as EKS describes it")
        .says("hint: upgrade the cluster");
    fails("1.21", vec![], &["--on-failure", "continue"], 0).says("warning: version of payments");
    // Unknown, and refused: nothing is proved.
    let denied = || vec!["DescribeCluster", "GetCallerIdentity"];
    let run = fails("1.21", denied(), &[], 0);
    let run = run
        .says("warning: credentials: ")
        .says("warning: cluster of payments");
    run.says("warning: version of payments: it could not be found out");
    fails("1.31", denied(), &["--on-failure", "fail"], 5)
        .says("error: cluster of payments")
        .says("error: version of payments");
}

#[test]
fn a_start_with_a_bad_cluster_stops_before_anything_is_done() {
    let world = World::new();
    world.write(
        "work/bootstrap.yaml",
        "version: 1\ntools: [node]\nclusters:\n  - name: payments\n    role: deployer\n",
    );
    let run = world.bootstrap(&["init"]).exits(6);
    run.says("bootstrap.yaml:5:5: clusters[0]: unknown field `role`");
    assert_eq!(world.tree("delegate/bootstrap"), ["report.json"]);
    let run = World::new()
        .bootstrap(&["init", "--cluster", "a/b"])
        .exits(2);
    run.says("1 to 100 letters");
}

/// A world in a pod whose cluster has this API server: a script that mounts what Kubernetes would.
pub(crate) const POD: &str = "
    mount -t tmpfs tmpfs /run
    mounted=/run/secrets/kubernetes.io/serviceaccount
    mkdir -p $mounted
    cp \"$world\"/mounted/* $mounted
";

#[test]
fn without_a_cluster_a_start_asks_the_one_that_it_runs_in() {
    let test = "without_a_cluster_a_start_asks_the_one_that_it_runs_in";
    let shell = ["unshare", "-m", "sh", "-e"];
    let run = |minor: &str, token: &str, command: &str| {
        let version = serde_json::json!({"major": "1", "minor": minor, "gitVersion": format!("v1.{minor}.0"),
            "gitCommit": "", "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "", "platform": ""});
        let api = ApiServer::start(Setup {
            version,
            ..Setup::default()
        });
        let world = World::new()
            .with("KUBERNETES_SERVICE_HOST", "localhost")
            .with(
                "KUBERNETES_SERVICE_PORT",
                &api.server.address().port().to_string(),
            );
        world.write("mounted/token", token);
        world.write("mounted/ca.crt", api.authority_pem());
        world.write("mounted/namespace", "harness-delegate-ng");
        let able = world.can(test, &shell, POD);
        able.then(|| world.shell(&shell, &format!("{POD}\n\"$bootstrap\" {command}")))
    };
    let Some(new) = run("31", "static-token", "init -q") else {
        return;
    };
    assert_eq!(
        new.exits(0).checks(),
        ["tools skip", "version/this-cluster pass"]
    );
    let old = run("21", "static-token", "init -q").unwrap().exits(3);
    old.says("error: version of this-cluster: 1.21 (v1.21.0), as its server says; older than 1.22");
    let unknown = run("21", "other", "init -q").unwrap().exits(0);
    unknown.says("warning: version of this-cluster: it could not be found out");
    let all = run(
        "31",
        "static-token",
        "verify --only api-server,version,permissions",
    );
    all.unwrap()
        .exits(0)
        .shows("knows this identity as static-user");
}

#[test]
fn the_built_in_plugin_gives_a_token_that_the_cluster_takes_for_itself_alone() {
    let plugin = format!(
        "{{ exec: {{ apiVersion: client.authentication.k8s.io/v1beta1, interactiveMode: Never, command: \"{}\", args: \
         [token, -i, payments, --region, us-east-1] }} }}",
        env!("CARGO_BIN_EXE_bootstrap")
    );
    let cloud = Cloud::default().start();
    let ask = |cluster: &'static str| {
        let api = ApiServer::start(Setup {
            cluster,
            keys: vec![("AKIDEXAMPLE", "hunter2hunter2")],
            ..Setup::default()
        });
        let world = without_cluster(&cloud);
        world.write(
            "delegate/bootstrap/kubeconfig",
            api.kubeconfig(ARN, &plugin),
        );
        let run = only(&world, "api-server,version", &["--cluster", "payments"]);
        (run, api.refusals())
    };
    let (run, refusals) = ask("payments");
    run.exits(0)
        .shows("as arn:aws:iam::111122223333:user/AKIDEXAMPLE");
    assert_eq!(refusals, Vec::<String>::new());
    let (run, refusals) = ask("orders");
    run.exits(3).shows("401 Unauthorized");
    assert_eq!(
        refusals,
        ["the signature is that of another cluster or key"]
    );
}

#[test]
fn the_issuer_of_the_token_is_looked_for_among_the_clusters() {
    let cluster = |name: &str, id: &str| json!({"name": name, "region": "us-east-1", "issuer": format!("https://oidc.eks.us-east-1.amazonaws.com/id/{id}")});
    let moto = Moto::start(&json!({
        "clusters": [cluster("payments", "0F1E"), cluster("orders", "OTHER")],
        "web": {moto::WEB_ROLE: moto::SUBJECT},
    }));
    let world = moto
        .world()
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_SECRET_ACCESS_KEY");
    let token = crate::aws::jwt(moto::SUBJECT, "sts.amazonaws.com", crate::aws::in_an_hour());
    let path = world.write("token", token).display().to_string();
    let world = world
        .with("AWS_ROLE_ARN", moto::WEB_ROLE)
        .with("AWS_WEB_IDENTITY_TOKEN_FILE", &path);
    let run = only(
        &world,
        "irsa",
        &["--cluster", "orders", "--cluster", "payments"],
    )
    .exits(0);
    run.shows(
        "issuer oidc.eks.us-east-1.amazonaws.com/id/0F1E (cluster payments), token valid for ",
    );
    let run = only(&world, "irsa", &["--cluster", "orders"]).exits(0);
    run.shows("/id/0F1E (none of the clusters here, so IAM needs an OIDC provider for that one)");
    let run = only(&world, "irsa", &[]).exits(0);
    run.shows("/id/0F1E, token valid for ");
}

#[test]
fn a_kubeconfig_that_is_no_file_is_neither_waited_for_nor_read_without_end() {
    let cloud = Cloud::default().start();
    let world = without_cluster(&cloud);
    let pipe = world.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    for file in [world.text("pipe").as_str(), "/dev/zero"] {
        let flags = ["--cluster", "payments", "--kubeconfig", file];
        let run = only(&world, "api-server", &flags).exits(3);
        assert!(run.took < GENEROUS, "{:?}", run.took);
        run.shows("it is not a regular file");
    }
    // What is named for none.
    let flags = ["--cluster", "payments", "--kubeconfig", "/dev/null"];
    let run = only(&world, "api-server", &flags).exits(0);
    run.shows("/dev/null has no context for it");
}

#[test]
fn moto_is_checked_as_aws_would_be() {
    let moto = Moto::shared();
    // Its role is of another account than the cluster, which is meant by its ARN.
    let arn = "arn:aws:eks:us-east-1:123456789012:cluster/payments";
    let cluster = |role: &str, id: &str| format!("name={arn},role-arn={role},external-id={id}");
    let checks = "credentials,role,external-id,regions,cluster,access";
    let ask =
        |role: &str, id: &str| only(&moto.world(), checks, &["--cluster", &cluster(role, id)]);
    let run = ask(moto::ROLE, moto::EXTERNAL_ID).exits(0);
    assert_eq!(
        run.checks(),
        [
            "credentials pass",
            "role/payments pass",
            "external-id/payments pass",
            "regions skip",
            "regions/payments pass",
            "cluster/payments pass",
            "access/payments pass"
        ]
    );
    run.shows(&format!(
        "API_AND_CONFIG_MAP: an access entry for `{}`",
        moto::ROLE
    ));
    let run = ask(moto::OPEN_ROLE, moto::EXTERNAL_ID).exits(0);
    assert!(
        run.checks()
            .contains(&"external-id/payments warn".to_owned()),
        "{run}"
    );
    let run = ask(moto::ROLE, "wrong").exits(3);
    assert!(
        run.checks().contains(&"role/payments fail".to_owned()),
        "{run}"
    );
    let flags = ["--cluster", "new", "--cluster", "nowhere"];
    let run = only(&moto.world(), "cluster", &flags).exits(3);
    assert_eq!(run.checks(), ["cluster/new fail", "cluster/nowhere fail"]);
    run.shows("CREATING")
        .shows("there is no cluster `nowhere` in us-east-1");
}
