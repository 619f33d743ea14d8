//! The partitions of AWS: each has regions, roles, hosts and credentials of its own, and what is of two of
//! them cannot work together.

use bootstrap::arn::{Partition, Region};

use crate::bearer::Bearer;
use crate::cloud::Cloud;
use crate::patch::SMALL;
use crate::server::{Reply, Server};
use crate::world::{Run, World};

/// A role of this partition.
fn role(partition: Partition) -> String {
    format!("arn:{partition}:iam::111122223333:role/deployer")
}

fn home(partition: Partition) -> String {
    Region::from(partition).to_string()
}

/// A world with keys for the AWS at this address.
fn world(aws: &Server) -> World {
    let world = World::new()
        .with("AWS_ENDPOINT_URL", &aws.url(""))
        .with("AWS_EC2_METADATA_DISABLED", "true")
        .with("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .with("AWS_SECRET_ACCESS_KEY", "hunter2hunter2");
    world.write("work/m.yaml", SMALL);
    world
}

/// Runs what the words say, with `ROLE`, `REGION`, `CLUSTER` (an ARN) and `ISSUER` filled in: the role of
/// one partition, and all else of the other.
fn run(world: &World, words: &str, of_role: Partition, other: Partition) -> Run {
    let (region, suffix) = (home(other), other.dns_suffix());
    let cluster = format!("arn:{other}:eks:{region}:111122223333:cluster/payments");
    let issuer = format!("https://oidc.eks.{region}.{suffix}/id/0F1E");
    let filled = words
        .replace("ROLE", &role(of_role))
        .replace("REGION", &region)
        .replace("CLUSTER", &cluster)
        .replace("ISSUER", &issuer);
    world.bootstrap(&filled.split(' ').collect::<Vec<_>>())
}

/// The pairs of partitions that the table goes through, each either way round.
const PAIRS: [(Partition, Partition); 6] = [
    (Partition::Aws, Partition::GovCloud),
    (Partition::GovCloud, Partition::Aws),
    (Partition::Aws, Partition::China),
    (Partition::China, Partition::Aws),
    (Partition::Iso, Partition::IsoB),
    (Partition::Aws, Partition::Sovereign),
];

#[test]
fn a_role_of_one_partition_and_a_region_of_another_are_refused_by_every_command_and_nobody_is_asked()
 {
    let aws = Server::start(|_| Reply::status(500));
    let world = world(&aws);
    for words in [
        "kubeconfig --cluster payments --region REGION --role-arn ROLE",
        "kubeconfig --cluster name=payments,region=REGION,role-arn=ROLE",
        "kubeconfig --cluster CLUSTER --role-arn ROLE",
        "kubeconfig --exec builtin --cluster CLUSTER --assume-role-arn ROLE",
        "kubeconfig --exec builtin --cluster payments --region REGION --assume-role-arn ROLE",
        "verify --cluster payments --region REGION --role-arn ROLE",
        "verify --cluster CLUSTER --role-arn ROLE",
        "verify --for serverless --region REGION --role-arn ROLE",
        "verify --for serverless --cluster CLUSTER --role-arn ROLE",
        "init --cluster payments --region REGION --role-arn ROLE",
        "token -i payments --region REGION -r ROLE",
        "patch m.yaml --irsa-role-arn ROLE --region REGION",
        "patch m.yaml --delivery image --irsa-role-arn ROLE --cluster CLUSTER",
        "patch m.yaml --delivery image --irsa-role-arn ROLE --cluster name=a,region=REGION",
        "policy trust irsa --oidc-issuer ISSUER --service-account a:b --irsa-role-arn ROLE",
        "policy trust irsa --cluster CLUSTER --service-account a:b --irsa-role-arn ROLE",
    ] {
        for (of_role, other) in PAIRS {
            let ended = run(&world, words, of_role, other).exits(2);
            for partition in [of_role, other] {
                let ended = &ended;
                let named = format!("`{partition}`");
                assert!(
                    ended.stderr.contains(&named),
                    "{words}: no {named} in\n{ended}"
                );
            }
            assert_eq!(ended.stdout, "", "{words}");
        }
    }
    assert_eq!(aws.requests().len(), 0);
    assert!(!world.path("home/.kube").exists(), "nothing was written");
}

#[test]
fn the_region_of_the_environment_counts_as_well() {
    let aws = Server::start(|_| Reply::status(500));
    for (of_role, other) in PAIRS {
        let world = world(&aws).with("AWS_REGION", &home(other));
        for words in [
            "kubeconfig --exec builtin --cluster payments --role-arn ROLE",
            "kubeconfig --exec builtin --cluster payments --assume-role-arn ROLE",
            "token -i payments -r ROLE",
        ] {
            let ended = run(&world, words, of_role, other).exits(2);
            ended.says("no role can be assumed across partitions");
        }
        // A check is a finding and not a mistake of the command line.
        for words in [
            "verify --only role --cluster payments --role-arn ROLE",
            "verify --for serverless --role-arn ROLE",
        ] {
            let ended = run(&world, words, of_role, other).exits(3);
            let words = "no role can be assumed across partitions";
            assert!(ended.stdout.contains(words), "{ended}");
        }
        assert_eq!(aws.requests().len(), 0);
    }
}

#[test]
fn a_mix_in_the_file_is_told_with_its_place() {
    for (of_role, other) in PAIRS {
        let world = World::new();
        let (role, region) = (role(of_role), home(other));
        let config = format!(
            "version: 1\nclusters:\n  - name: a\n    region: {region}\n    role_arn: {role}\n"
        );
        world.write("work/bootstrap.yaml", config);
        for command in ["kubeconfig", "verify", "init"] {
            let ended = world.bootstrap(&[command]).exits(6);
            ended
                .says("bootstrap.yaml:3:5: clusters[0]: ")
                .says("no role can be assumed across partitions");
        }
    }
}

#[test]
fn clusters_of_two_partitions_are_refused_by_every_command_and_nobody_is_asked() {
    let aws = Server::start(|_| Reply::status(500));
    let world = world(&aws);
    let cluster = |partition: Partition, name: &str| {
        let region = home(partition);
        format!("arn:{partition}:eks:{region}:111122223333:cluster/{name}")
    };
    for (one, other) in PAIRS {
        let (first, second, region) = (cluster(one, "a"), cluster(other, "b"), home(other));
        let named = format!("name=c,region={region}");
        let with_role = format!("name=d,role-arn={}", role(other));
        let two = "is of partition";
        for words in [
            vec!["--cluster", &first, "--cluster", &second],
            vec!["--cluster", &first, "--cluster", &named],
            vec!["--cluster", &first, "--cluster", &with_role],
            // The region is that of clusters that name none, and of AWS.
            vec!["--cluster", &first, "--cluster", "e", "--region", &region],
            vec![
                "--cluster",
                &first,
                "--cluster",
                &cluster(one, "f"),
                "--region",
                &region,
            ],
            vec!["--cluster", &first, "--region", &region],
        ] {
            for command in [
                vec!["verify"],
                vec!["verify", "--for", "serverless"],
                vec!["verify", "--offline"],
                vec!["init"],
                vec!["kubeconfig"],
            ] {
                let ended = world.bootstrap(&[&command[..], &words].concat()).exits(2);
                let ended = ended.says(two);
                for partition in [one, other] {
                    let named = format!("`{partition}`");
                    assert!(ended.stderr.contains(&named), "no {named} in\n{ended}");
                }
                assert_eq!(ended.stdout, "", "{command:?} {words:?}");
            }
        }
        let file = format!(
            "version: 1\nclusters:\n  - name: {first}\n  - name: b\n    region: {region}\n"
        );
        let world = World::new();
        world.write("work/bootstrap.yaml", file);
        for command in ["kubeconfig", "verify", "init"] {
            let ended = world.bootstrap(&[command]).exits(6);
            ended
                .says("bootstrap.yaml:4:5: clusters[1]: cluster `b` is of partition")
                .says("the credentials of one partition are unknown in another");
        }
    }
    assert_eq!(aws.requests().len(), 0);
    assert!(!world.path("home/.kube").exists(), "nothing was written");
}

#[test]
fn a_test_region_of_another_partition_than_the_rest_is_refused() {
    let aws = Server::start(|_| Reply::status(500));
    for (test, other) in PAIRS {
        let world = world(&aws).with("BOOTSTRAP_TEST_REGION", &home(test));
        for words in [
            "verify --region REGION",
            "verify --cluster CLUSTER",
            "init --cluster CLUSTER",
        ] {
            let ended = run(&world, words, test, other).exits(2);
            ended
                .says(&format!(
                    "the test region {} is of partition `{test}`",
                    home(test)
                ))
                .says(&format!(
                    "name a --test-region (BOOTSTRAP_TEST_REGION) of partition `{other}`"
                ));
        }
        // The environment's is told by the check, and nobody is asked there either.
        let world = world.with("AWS_REGION", &home(other));
        let ended = run(&world, "verify --only regions", test, other).exits(3);
        let words = "the credentials of one partition are unknown in another";
        assert!(ended.stdout.contains(words), "{ended}");
    }
    assert_eq!(aws.requests().len(), 0);
}

#[test]
fn the_connection_is_tried_in_the_home_of_the_partition_that_is_named() {
    let cloud = Cloud::default().start();
    for partition in Partition::ALL {
        let region = home(partition);
        let shows = |world: &World, flags: &[&str]| {
            let args = [&["verify", "--only", "regions"], flags].concat();
            let ended = world.bootstrap(&args).exits(0);
            let words = format!("asked in {region}");
            assert!(ended.stdout.contains(&words), "no {words} in\n{ended}");
        };
        let world = world(&cloud.server);
        shows(&world, &["--region", &region]);
        // Without a region, the role of IRSA tells.
        let world = world.with("AWS_ROLE_ARN", &role(partition));
        shows(&world, &[]);
    }
}

#[test]
fn tokens_are_signed_for_the_host_of_the_partition() {
    let aws = Server::start(|_| Reply::status(500));
    for partition in Partition::ALL {
        let (region, suffix) = (home(partition), partition.dns_suffix());
        let args = [
            "token",
            "-i",
            "payments",
            "--region",
            &region,
            "--token-only",
        ];
        let ended = world(&aws).bootstrap(&args).exits(0);
        let bearer = Bearer::parse(ended.stdout.trim_end()).unwrap();
        let host = format!("sts.{region}.{suffix}");
        assert_eq!(bearer.url.host_str(), Some(host.as_str()));
        assert!(bearer.is_signed("payments", "hunter2hunter2"), "{host}");
    }
    assert_eq!(aws.requests().len(), 0);
}

#[test]
fn trust_documents_name_the_provider_of_the_partition_and_the_one_audience() {
    let aws = Server::start(|_| Reply::status(500));
    for partition in Partition::ALL {
        let words =
            "policy trust irsa --oidc-issuer ISSUER --account 111122223333 --service-account a:b";
        let ended = run(&world(&aws), words, partition, partition).exits(0);
        let (region, suffix) = (home(partition), partition.dns_suffix());
        let issuer = format!("oidc.eks.{region}.{suffix}/id/0F1E");
        let provider = format!("arn:{partition}:iam::111122223333:oidc-provider/{issuer}");
        assert!(
            ended.stdout.contains(&provider),
            "no {provider} in\n{ended}"
        );
        let audience = format!("\"{issuer}:aud\": \"sts.amazonaws.com\"");
        assert!(
            ended.stdout.contains(&audience),
            "no {audience} in\n{ended}"
        );
    }
}
