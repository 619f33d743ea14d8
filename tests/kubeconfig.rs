//! `bootstrap kubeconfig`: what it writes, into what, what it leaves alone, and what it refuses.

mod aws_cli;
mod help;
pub(crate) mod plugins;
mod types;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use serde_yaml::Value;

use crate::moto::{EXTERNAL_ID, Moto, OPEN_ROLE, ROLE};
use crate::world::{GENEROUS, Run, World};

/// The ARN of the cluster `payments`.
const ARN: &str = "arn:aws:eks:us-east-1:123456789012:cluster/payments";

const ENDPOINT: &str = "https://0f1e.gr7.us-east-1.eks.amazonaws.com";

/// How many processes write at once.
const WRITERS: usize = 50;

/// A certificate authority, as EKS gives it.
fn authority() -> &'static str {
    static AUTHORITY: OnceLock<String> = OnceLock::new();
    AUTHORITY.get_or_init(|| BASE64_STANDARD.encode(crate::options::authority().0))
}

/// EKS with clusters in all states; of `far` the role's account has one too.
fn moto() -> &'static Moto {
    static MOTO: OnceLock<Moto> = OnceLock::new();
    MOTO.get_or_init(|| {
        let cluster = |name: &str, more: serde_json::Value| {
            let mut cluster = json!({"name": name, "region": "us-east-1", "endpoint": ENDPOINT, "ca": authority()});
            let more = more.as_object().unwrap().clone();
            cluster.as_object_mut().unwrap().extend(more);
            cluster
        };
        let mut clusters = vec![
            cluster("payments", json!({})),
            cluster("busy", json!({"status": "UPDATING"})),
            cluster("new", json!({"status": "CREATING"})),
            cluster("gone", json!({"status": "DELETING"})),
            cluster("bare", json!({"ca": "Q0E="})),
            cluster("edge", json!({"region": "us-west-2", "outpost_id": "0f1e2d3c-4b5a"})),
            cluster("far", json!({"account": "111122223333", "version": "1.33"})),
        ];
        let many = (0..WRITERS).map(|index| cluster(&format!("c{index}"), json!({})));
        clusters.extend(many);
        Moto::start(&json!({"clusters": clusters, "roles": {ROLE: EXTERNAL_ID, OPEN_ROLE: null}}))
    })
}

/// A machine whose AWS this is, and whose kubeconfig is `home/.kube/config`.
fn world() -> World {
    let world = moto().world();
    let [home, nowhere] = ["home", "nowhere"].map(|name| world.text(name));
    world.with("WORKING_DIR", &nowhere).with("HOME", &home)
}

/// Runs `bootstrap kubeconfig --exec builtin` with these arguments.
fn kubeconfig(world: &World, args: &[&str]) -> Run {
    world.bootstrap(&[&["kubeconfig", "--exec", "builtin"], args].concat())
}

const CONFIG: &str = "home/.kube/config";

fn read(world: &World, name: &str) -> Value {
    serde_yaml::from_str(&world.read(name)).unwrap()
}

fn names(config: &Value, section: &str) -> Vec<String> {
    let list = config[section].as_sequence().unwrap();
    list.iter()
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_cluster_is_added_updated_and_then_left_alone() {
    let world = world();
    let run = kubeconfig(&world, &["--cluster", "payments"]).exits(0);
    let path = world.text(CONFIG);
    assert_eq!(
        run.stdout,
        format!("Added new context {ARN} to {path}\nCurrent context is {ARN} now\n")
    );
    assert_eq!(run.stderr, "");
    assert_eq!(mode(&world.path(CONFIG)), 0o600);
    let config = read(&world, CONFIG);
    assert_eq!(config["clusters"][0]["cluster"]["server"], ENDPOINT);
    assert_eq!(
        config["clusters"][0]["cluster"]["certificate-authority-data"],
        authority()
    );
    assert_eq!(config["current-context"], ARN);
    let exec = &config["users"][0]["user"]["exec"];
    let expected: Value = serde_yaml::from_str(&format!(
        "{{apiVersion: client.authentication.k8s.io/v1beta1, interactiveMode: Never, provideClusterInfo: false,
           command: {}, args: [token, '-i', payments, '--region', us-east-1],
           env: [{{name: AWS_STS_REGIONAL_ENDPOINTS, value: regional}}, {{name: AWS_REGION, value: us-east-1}}]}}",
        env!("CARGO_BIN_EXE_bootstrap")
    ))
    .unwrap();
    assert_eq!(*exec, expected);

    let before = fs::metadata(world.path(CONFIG)).unwrap();
    let run = kubeconfig(&world, &["--cluster", "payments"]).exits(0);
    assert_eq!(
        run.stdout,
        format!("Context {ARN} in {path} is unchanged\n")
    );
    let after = fs::metadata(world.path(CONFIG)).unwrap();
    assert_eq!(
        (before.ino(), before.modified().unwrap()),
        (after.ino(), after.modified().unwrap())
    );

    let run = kubeconfig(
        &world,
        &[
            "--cluster",
            "payments",
            "--proxy-url",
            "http://p.example:3128",
        ],
    );
    assert_eq!(
        run.exits(0).stdout,
        format!("Updated context {ARN} in {path}\n")
    );
    let config = read(&world, CONFIG);
    assert_eq!(
        config["clusters"][0]["cluster"]["proxy-url"],
        "http://p.example:3128/"
    );
    assert_eq!(
        world.tree("home/.kube"),
        [".config.bootstrap-lock", "config"]
    );
}

#[test]
fn several_roles_for_one_cluster_have_users_and_contexts_of_their_own() {
    let world = world();
    kubeconfig(&world, &["--cluster", "payments"]).exits(0);
    let open = format!("name={ARN},role-arn={OPEN_ROLE}");
    kubeconfig(&world, &["--cluster", &open]).exits(0);
    let strict = [
        "--cluster",
        ARN,
        "--role-arn",
        ROLE,
        "--external-id",
        EXTERNAL_ID,
    ];
    kubeconfig(
        &world,
        &[&strict[..], &["--alias", "prod", "--session-name", "ci"]].concat(),
    )
    .exits(0);
    kubeconfig(&world, &[&strict[..], &["--user-alias", "admin"]].concat()).exits(0);
    let config = read(&world, CONFIG);
    assert_eq!(names(&config, "clusters"), [ARN]);
    let [open, strict] = [OPEN_ROLE, ROLE].map(|role| format!("{role}@{ARN}"));
    assert_eq!(names(&config, "contexts"), [ARN, &open, "prod", "admin"]);
    assert_eq!(names(&config, "users"), [ARN, &open, &strict, "admin"]);
    assert_eq!(config["contexts"][2]["context"]["user"], strict.as_str());
    let args = |user: usize| {
        let args = config["users"][user]["user"]["exec"]["args"]
            .as_sequence()
            .unwrap();
        args.iter()
            .map(|arg| arg.as_str().unwrap())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        args(1),
        format!("token -i payments -r {OPEN_ROLE} -s bootstrap --region us-east-1")
    );
    assert_eq!(
        args(2),
        format!("token -i payments -r {ROLE} -e {EXTERNAL_ID} -s ci --region us-east-1")
    );
    assert_eq!(config["current-context"], ARN);
}

#[test]
fn the_session_is_called_after_the_delegate() {
    let world = world().with("DELEGATE_NAME", "eu west/1");
    let cluster = format!("name={ARN},role-arn={OPEN_ROLE}");
    kubeconfig(&world, &["--cluster", &cluster]).exits(0);
    let text = world.read(CONFIG);
    assert!(text.contains("- harness-delegate-eu"), "{text}");
}

#[test]
fn several_clusters_are_written_at_once_and_those_that_cannot_be_are_told() {
    let world = world();
    let run = kubeconfig(
        &world,
        &["--cluster", "new", "--cluster", "payments", "--cluster", "bare", "--cluster", "busy", "--cluster", "gone",
          "--cluster", "edge", "--cluster", "name=edge,region=us-west-2"],
    )
    .exits(5)
    .says("error: cluster `new` in us-east-1 is CREATING: it takes ACTIVE or UPDATING\nhint: run this again")
    .says("the certificate authority of cluster `bare` cannot be used: what it decodes to is not a certificate in PEM")
    .says("cluster `gone` in us-east-1 is DELETING")
    .says("error: cannot find out how cluster `edge` is reached\ncaused by: there is no cluster `edge` in us-east-1");
    assert_eq!(run.stdout.matches("Added new context").count(), 3, "{run}");
    let config = read(&world, CONFIG);
    assert_eq!(config["current-context"], ARN);
    // A local cluster of an Outpost is named by its ID.
    assert_eq!(
        config["users"][2]["user"]["exec"]["args"][2],
        "0f1e2d3c-4b5a"
    );
    assert_eq!(
        config["users"][2]["user"]["exec"]["env"][1]["value"],
        "us-west-2"
    );
}

#[test]
fn json_tells_all_of_it() {
    let world = world();
    let args = [
        "--cluster",
        "payments",
        "--cluster",
        "new",
        "--output",
        "json",
    ];
    let run = kubeconfig(&world, &args).exits(5);
    let told: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let file = world.text(CONFIG);
    assert_eq!(
        told,
        json!({
            "contexts": [{"cluster": "payments", "context": ARN, "user": ARN, "server": ENDPOINT, "version": "1.35",
                "file": file, "change": "added"}],
            "files": [{"file": file, "switched_to": ARN}],
            "failed": [{"cluster": "new", "errors": ["cluster `new` in us-east-1 is CREATING: it takes ACTIVE or UPDATING"]}],
        })
    );
}

#[test]
fn a_dry_run_prints_the_whole_and_writes_nothing() {
    let world = world();
    let run = kubeconfig(&world, &["--cluster", "payments", "--dry-run"]).exits(0);
    assert!(!world.path("home/.kube").exists());
    kubeconfig(&world, &["--cluster", "payments"]).exits(0);
    assert_eq!(run.stdout, world.read(CONFIG));
    let before = world.read(CONFIG);
    let run = kubeconfig(&world, &["--cluster", "busy", "--dry-run"]).exits(0);
    assert!(
        run.stdout
            .starts_with(before.split("contexts:").next().unwrap())
    );
    assert!(run.stdout.contains("cluster/busy"));
    assert_eq!(world.read(CONFIG), before);
}

#[test]
fn the_current_context_changes_only_when_that_is_asked_for() {
    let world = world();
    let dev = "# mine\ncurrent-context: dev\ncontexts: [{name: dev, context: {cluster: dev}}]\n";
    world.write(CONFIG, dev);
    let run = kubeconfig(&world, &["--cluster", "payments"]).exits(0);
    assert!(!run.stdout.contains("Current context"), "{run}");
    assert_eq!(read(&world, CONFIG)["current-context"], "dev");
    let run = kubeconfig(&world, &["--cluster", "payments", "--set-current"]).exits(0);
    assert!(
        run.stdout
            .ends_with(&format!("Current context is {ARN} now\n")),
        "{run}"
    );
    assert!(
        world
            .read(CONFIG)
            .starts_with(&format!("# mine\ncurrent-context: {ARN}\n"))
    );
    // One that is no context is none, whatever file could have it.
    world.write(
        CONFIG,
        dev.replace("current-context: dev", "current-context: ghost"),
    );
    let run = kubeconfig(&world, &["--cluster", "payments"]).exits(0);
    assert!(
        run.stdout
            .ends_with(&format!("Current context is {ARN} now\n")),
        "{run}"
    );
    assert_eq!(read(&world, CONFIG)["current-context"], ARN);
    let world = world.with("KUBECONFIG", "first:second");
    world.write("work/first", "current-context: ghost\n");
    world.write(
        "work/second",
        format!("clusters: [{{name: '{ARN}'}}]\ncontexts: [{{name: ghost}}]\n"),
    );
    let run = kubeconfig(&world, &["--cluster", "payments"]).exits(0);
    assert!(!run.stdout.contains("Current context"), "{run}");
    assert!(!run.stderr.contains("earlier file"), "{run}");
    world.write("work/second", format!("clusters: [{{name: '{ARN}'}}]\n"));
    kubeconfig(&world, &["--cluster", "payments"]).exits(0).says(
        "warning: an earlier file of the list has the current context `ghost`, which kubectl takes, and no file has \
         that context",
    );
    assert_eq!(read(&world, "work/second")["current-context"], ARN);
    assert_eq!(world.read("work/first"), "current-context: ghost\n");
}

#[test]
fn a_user_of_another_cluster_or_of_another_kind_is_not_taken_over() {
    let world = world();
    kubeconfig(
        &world,
        &["--cluster", "busy", "--user-alias", "admin", "--alias", "b"],
    )
    .exits(0);
    let taken = ["--cluster", "payments", "--user-alias", "admin"];
    let busy = ARN.replace("payments", "busy");
    let check = |says: &str| {
        let before = world.read(CONFIG);
        kubeconfig(&world, &taken)
            .exits(2)
            .says(says)
            .says("hint: give the user another name with --user-alias, or none");
        assert_eq!(world.read(CONFIG), before);
    };
    check(&format!(
        ": the user `admin` enters `{busy}` too, by the context `b`"
    ));
    let config = "users:\n- name: admin\n  user:\n";
    for user in [
        "    client-certificate-data: T0xE\n    client-key-data: hunter2\n",
        "    token: hunter2\n",
        "    exec: {command: gke-gcloud-auth-plugin}\n",
    ] {
        world.write(CONFIG, format!("{config}{user}"));
        check(
            "config:4:5: the user `admin` is there, and is not one that a program gives tokens for EKS",
        );
        assert!(!kubeconfig(&world, &taken).stderr.contains("hunter2"));
    }
    // Its own, of another program, and one that has nothing yet.
    for user in ["    exec: {command: aws, args: [eks, get-token]}\n", ""] {
        world.write(CONFIG, format!("{config}{user}"));
        kubeconfig(&world, &taken).exits(0);
    }
    kubeconfig(&world, &[&taken[..], &["--alias", "second"]].concat()).exits(0);
}

#[test]
fn the_way_that_a_cluster_was_reached_or_entered_before_is_gone() {
    let world = world();
    let cluster = ["--cluster", "payments"];
    kubeconfig(&world, &cluster).exits(0);
    let good = world.read(CONFIG);
    let stale = good
        .replace(
            "      server: ",
            "      proxy-url: http://p\n      tls-server-name: api\n      server: ",
        )
        .replace(
            "        env:\n",
            "        env:\n          - name: AWS_PROFILE\n            value: other\n",
        )
        .replace(
            "    user:\n      exec:",
            "    user:\n      as: auditor\n      exec:",
        );
    for key in ["proxy-url", "tls-server-name", "AWS_PROFILE", "as: auditor"] {
        assert!(stale.contains(key), "{stale}");
    }
    world.write(CONFIG, stale);
    let run = kubeconfig(&world, &cluster).exits(0);
    assert!(run.stdout.starts_with("Updated context"), "{run}");
    assert_eq!(world.read(CONFIG), good);
}

#[test]
fn the_file_is_the_flags_then_the_lists_then_the_delegates_then_the_homes() {
    let cluster = ["--cluster", "payments"];
    let delegate = moto().world();
    kubeconfig(&delegate, &cluster).exits(0);
    assert!(delegate.prefix("kubeconfig").exists());
    let world = world().with("KUBECONFIG", "a.yaml::sub/b.yaml");
    kubeconfig(&world, &cluster).exits(0);
    assert_eq!(world.tree("work"), [".a.yaml.bootstrap-lock", "a.yaml"]);
    kubeconfig(
        &world,
        &[&cluster[..], &["--kubeconfig", "c.yaml"]].concat(),
    )
    .exits(0);
    assert!(world.path("work/c.yaml").exists());
    let world = world.with("BOOTSTRAP_KUBECONFIG", "d.yaml");
    kubeconfig(&world, &cluster).exits(0);
    assert!(world.path("work/d.yaml").exists());
}

#[test]
fn of_a_list_of_files_the_one_that_has_the_cluster_is_changed() {
    let world = world().with("KUBECONFIG", "absent:broken:mine:other");
    world.write("work/broken", "clusters: text\n");
    let mine = "current-context: dev\ncontexts: [{name: dev}]\n";
    world.write("work/mine", mine);
    world.write("work/other", format!("clusters:\n- name: {ARN}\n"));
    let run = kubeconfig(&world, &["--cluster", "payments", "--cluster", "busy"])
        .exits(0)
        .says("warning: passed over, as not usable: ")
        .says("broken:1:11: `clusters` is text, not a list");
    assert!(
        run.stdout.contains(&format!(
            "Added new context {ARN} to {}",
            world.text("work/other")
        )),
        "{run}"
    );
    // What no file has goes to the first; the current context is that of `mine`.
    assert_eq!(
        names(&read(&world, "work/absent"), "clusters"),
        [ARN.replace("payments", "busy")]
    );
    assert_eq!(read(&world, "work/absent")["current-context"], "");
    assert_eq!(world.read("work/broken"), "clusters: text\n");
    assert_eq!(world.read("work/mine"), mine);
    kubeconfig(&world, &["--cluster", "payments", "--set-current"])
        .exits(0)
        .says("warning: an earlier file of the list has the current context `dev`, which kubectl takes\n");
    let world = world.with("KUBECONFIG", "broken:mine");
    kubeconfig(&world, &["--cluster", "payments"])
        .exits(6)
        .says("broken:1:11: `clusters` is text, not a list");
}

#[test]
fn a_link_stays_a_link_and_what_it_leads_to_is_replaced() {
    let world = world();
    world.write("work/real/config", "# real\n");
    fs::create_dir(world.path("home/.kube")).unwrap();
    symlink("config2", world.path(CONFIG)).unwrap();
    symlink("../../work/real/config", world.path("home/.kube/config2")).unwrap();
    kubeconfig(&world, &["--cluster", "payments"]).exits(0);
    assert_eq!(
        world.tree("home/.kube"),
        ["config -> config2", "config2 -> ../../work/real/config"]
    );
    assert!(
        world
            .read("work/real/config")
            .starts_with("# real\napiVersion")
    );
    fs::remove_dir_all(world.path("work/real")).unwrap();
    kubeconfig(&world, &["--cluster", "payments"]).exits(0);
    assert!(world.path("work/real/config").exists());
    fs::remove_file(world.path("home/.kube/config2")).unwrap();
    symlink("config", world.path("home/.kube/config2")).unwrap();
    kubeconfig(&world, &["--cluster", "payments"])
        .exits(6)
        .says("is a link that leads in a circle");
}

#[test]
fn what_others_may_read_or_write_is_tightened_and_that_is_said() {
    let world = world();
    kubeconfig(&world, &["--cluster", "payments"]).exits(0);
    let path = world.path(CONFIG);
    for (name, open) in [("payments", 0o644), ("busy", 0o666)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
        kubeconfig(&world, &["--cluster", name])
            .exits(0)
            .says(&format!(
                "could be read or written by others (mode {open:04o}); its mode is 0600 now"
            ));
        assert_eq!(mode(&path), 0o600);
    }
}

#[test]
fn a_file_that_is_read_only_is_not_changed_whoever_runs_this() {
    let world = world();
    let path = world.write(CONFIG, "current-context: dev\n");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    kubeconfig(&world, &["--cluster", "payments"])
        .exits(1)
        .says(
            "config` cannot be changed: it is read-only\nhint: name another file with --kubeconfig",
        );
    assert_eq!(world.read(CONFIG), "current-context: dev\n");
    assert_eq!(world.tree("home/.kube"), ["config"]);
}

#[test]
fn a_file_stays_its_owners_as_far_as_that_is_allowed() {
    let world = world();
    let path = world.write(CONFIG, "# mine\n");
    let as_another = [
        "setpriv",
        "--reuid=1001",
        "--regid=0",
        "--clear-groups",
        "/bin/sh",
    ];
    if !world.can("a_file_stays_its_owners", &as_another, "true") {
        return;
    }
    std::os::unix::fs::chown(&path, Some(1002), Some(1002)).unwrap();
    kubeconfig(&world, &["--cluster", "payments"]).exits(0);
    let owner = |path: &Path| {
        let metadata = fs::metadata(path).unwrap();
        (metadata.uid(), metadata.gid())
    };
    assert_eq!(owner(&path), (1002, 1002));
    // As OpenShift runs it: another user of the group that may write.
    std::os::unix::fs::chown(&path, Some(1002), Some(0)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).unwrap();
    let directory = world.path("home/.kube");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o770)).unwrap();
    let script = "\"$bootstrap\" kubeconfig --exec builtin --cluster busy";
    world
        .shell(&as_another, script)
        .exits(0)
        .says("config` belonged to user 1002, and belongs to this user now")
        .says("could be read or written by others (mode 0660); its mode is 0600 now");
    assert_eq!((owner(&path).0, mode(&path)), (1001, 0o600));
    // Nothing to change, and no right to: no lock is needed for that.
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o750)).unwrap();
    fs::remove_file(world.path("home/.kube/.config.bootstrap-lock")).unwrap();
    world.shell(&as_another, script).exits(0);
    let other = "\"$bootstrap\" kubeconfig --exec builtin --cluster c1";
    world
        .shell(&as_another, other)
        .exits(1)
        .says("config` cannot be changed: its directory is read-only");
}

#[test]
fn what_is_no_file_is_neither_read_nor_replaced() {
    let world = world();
    fs::create_dir_all(world.path(CONFIG)).unwrap();
    let cluster = ["--cluster", "payments"];
    kubeconfig(&world, &cluster)
        .exits(6)
        .says("config` is a directory");
    let device = [&cluster[..], &["--kubeconfig", "/dev/null"]].concat();
    kubeconfig(&world, &device)
        .exits(6)
        .says("`/dev/null` is a device, a pipe or a socket");
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    let below = [&cluster[..], &["--kubeconfig", "/dev/null/config"]].concat();
    kubeconfig(&world, &below)
        .exits(1)
        .says("cannot read the kubeconfig");
}

#[test]
fn what_is_no_kubeconfig_is_refused_with_its_place_and_not_touched() {
    let world = world();
    for (text, place) in [
        (
            "kind: Deployment\n",
            "config:1:7: the `kind` of a kubeconfig is `Config`",
        ),
        ("a: b: c\n", "config:1:5: "),
        (
            "users:\n- text\n",
            "config:2:3: `users[0]` is text, not a mapping",
        ),
        ("token: \u{0}\n", "config:1:"),
        (
            "\t{apiVersion: v1}\n",
            "config:1:1: a tab where a line is indented",
        ),
    ] {
        world.write(CONFIG, text);
        kubeconfig(&world, &["--cluster", "payments"])
            .exits(6)
            .says(place);
        assert_eq!(world.read(CONFIG), text);
    }
    world.write(CONFIG, "{{{\n");
    kubeconfig(&world, &["--cluster", "payments"])
        .exits(6)
        .says("hint: mend the file, or name another with --kubeconfig\n");
    world.write(CONFIG, b"a: \xff\n");
    kubeconfig(&world, &["--cluster", "payments"])
        .exits(6)
        .says("config:1:4: this is not UTF-8");
    world.write(CONFIG, "");
    kubeconfig(&world, &["--cluster", "payments"]).exits(0);
}

#[test]
fn what_is_wanted_must_fit() {
    let world = world();
    kubeconfig(&world, &[])
        .exits(2)
        .says("no cluster is named\nhint: name one with --cluster");
    let china = ["--cluster", "payments", "--role-arn", ROLE];
    let world = world.with("AWS_REGION", "cn-north-1");
    kubeconfig(&world, &china)
        .exits(2)
        .says("no role can be assumed across partitions");
    let world = world.with("AWS_REGION", "us-east-1");
    kubeconfig(
        &world,
        &[
            "--cluster",
            "payments",
            "--cluster",
            "name=payments,region=us-east-1",
        ],
    )
    .exits(2)
    .says(&format!("two clusters would have the context `{ARN}`"));
    kubeconfig(
        &world,
        &["--cluster", "a", "--cluster", "b", "--user-alias", "u"],
    )
    .exits(2)
    .says("--user-alias (BOOTSTRAP_USER_ALIAS) is for a single cluster");
    kubeconfig(
        &world,
        &["--cluster", "payments", "--proxy-url", "ftp://u:s3cret@p"],
    )
    .exits(2)
    .says("this is not the URL of a proxy");
    // An external ID behind the wrong separator is shown by no part.
    for joined in [
        "name=payments:external-id=s3cret",
        "name=payments,alias=prod external-id=s3cret",
    ] {
        let run = kubeconfig(&world, &["--cluster", joined]).exits(2);
        assert!(!run.stderr.contains("s3cret"), "{run}");
        run.says("of it has `external-id` in it: the parts are separated by commas");
    }
    let world = world.without("AWS_REGION");
    kubeconfig(&world, &["--cluster", "payments"])
        .exits(2)
        .says("caused by: no AWS region is given\nhint: name one with --region or AWS_REGION");
    assert!(!world.path("home/.kube").exists());
}

#[test]
fn eks_is_asked_as_the_role_of_the_cluster_in_its_account() {
    let world = world();
    // The caller's account has no such cluster.
    kubeconfig(&world, &["--cluster", "far"])
        .exits(5)
        .says("there is no cluster `far` in us-east-1");
    let far = [
        "--cluster",
        "far",
        "--role-arn",
        ROLE,
        "--external-id",
        EXTERNAL_ID,
        "--alias",
        "far",
    ];
    let run = kubeconfig(&world, &far).exits(0);
    assert_eq!(run.stderr, "");
    let name = "arn:aws:eks:us-east-1:111122223333:cluster/far";
    assert_eq!(
        read(&world, CONFIG)["contexts"][0]["context"]["cluster"],
        name
    );
    kubeconfig(
        &world,
        &[
            "--cluster",
            "far",
            "--assume-role-arn",
            OPEN_ROLE,
            "--alias",
            "asked",
        ],
    )
    .exits(0);
    kubeconfig(
        &world,
        &[
            "--cluster",
            "far",
            "--role-arn",
            ROLE,
            "--external-id",
            "wrong",
        ],
    )
    .exits(5)
    .says("sts:AssumeRole: AccessDenied");
}

#[test]
fn a_role_that_is_refused_never_leads_to_a_cluster_of_another_account() {
    let world = world();
    let of_role = ["--role-arn", ROLE, "--external-id"];
    let prod = ["--cluster", "far", "--alias", "prod"];
    kubeconfig(&world, &[&prod[..], &of_role, &[EXTERNAL_ID]].concat()).exits(0);
    let before = world.read(CONFIG);
    // The caller's account has a cluster of this name, and the role's has none.
    let same_alias = ["--cluster", "payments", "--alias", "prod"];
    let says = format!(
        "error: cannot find out how cluster `payments` is reached\ncaused by: a cluster of that name in account \
         111122223333 is meant, that of the role {ROLE}, and the caller sees {ARN}\ncaused by: "
    );
    for (id, why, hint) in [
        (
            "wrong",
            "sts:AssumeRole: AccessDenied",
            "hint: check that the role exists, that its trust policy names this caller, and that the external ID",
        ),
        (
            EXTERNAL_ID,
            "there is no cluster `payments` in us-east-1",
            "hint: check the name, the region and the role; if the cluster that the caller sees is meant, name it by \
             its ARN",
        ),
    ] {
        let run = kubeconfig(&world, &[&same_alias[..], &of_role, &[id]].concat()).exits(5);
        assert!(run.stderr.starts_with(&format!("{says}{why}")), "{run}");
        assert!(run.stderr.contains(hint), "{run}");
        assert_eq!(
            (run.stdout.as_str(), world.read(CONFIG)),
            ("", before.clone())
        );
    }
    // Who names the account means it: by the ARN, or by the role that asks.
    kubeconfig(
        &world,
        &[&["--cluster", ARN][..], &of_role, &[EXTERNAL_ID]].concat(),
    )
    .exits(0);
    let asked = [
        "--assume-role-arn",
        OPEN_ROLE,
        "--role-arn",
        "arn:aws:iam::123456789012:role/nobody",
    ];
    kubeconfig(&world, &[&["--cluster", "far"][..], &asked].concat()).exits(0);
}

#[test]
fn a_cluster_that_is_named_by_its_arn_is_that_cluster_and_no_other() {
    let world = world();
    let there = "arn:aws:eks:us-east-1:111122223333:cluster/far";
    kubeconfig(&world, &["--cluster", ARN]).exits(0);
    // The caller is of another account than the cluster, and has none of that name.
    kubeconfig(&world, &["--cluster", there]).exits(5);
    kubeconfig(
        &world,
        &["--cluster", there, "--assume-role-arn", OPEN_ROLE],
    )
    .exits(0);
    let other = ARN.replace("123456789012", "444455556666");
    kubeconfig(&world, &["--cluster", &other]).exits(5).says(&format!(
        "caused by: EKS describes {ARN}, and {other} is asked for\nhint: ask as a role of the account of that ARN"
    ));
    assert!(!world.read(CONFIG).contains("444455556666"));
    kubeconfig(&world, &["--cluster", ARN, "--region", "us-west-2"])
        .exits(2)
        .says(&format!(
            "the cluster {ARN} is not in the region us-west-2 that is asked for"
        ));
    let china = ARN.replace("arn:aws:", "arn:aws-cn:");
    kubeconfig(&world, &["--cluster", &china])
        .exits(2)
        .says("is of partition `aws-cn` and the region us-east-1 of `aws`");
}

#[test]
fn a_role_that_cannot_be_assumed_is_told_although_the_cluster_is_known() {
    let world = world();
    let nobody = "arn:aws:iam::123456789012:role/nobody";
    kubeconfig(&world, &["--cluster", "payments", "--role-arn", nobody])
        .exits(0)
        .says("cluster `payments` is written, but its role cannot be assumed now, and kubectl will not get in")
        .says("sts:AssumeRole: AccessDenied");
}

#[test]
fn who_asks_for_details_is_told_who_asks_eks_and_what_gives_tokens() {
    let world = world();
    let args = ["--cluster", "payments", "-v"];
    let run = kubeconfig(&world, &args).exits(0);
    assert_eq!(
        run.stderr,
        format!(
            "tokens come from `{}`\nasking EKS in us-east-1 for cluster `payments` with the environment \
             (AWS_ACCESS_KEY_ID), key {}\n",
            env!("CARGO_BIN_EXE_bootstrap"),
            "AKIAEXAMPLE"
        )
    );
}

#[test]
fn without_a_home_a_kubeconfig_that_is_named_will_do() {
    let world = world().without("HOME");
    let file = world.text("work/kubeconfig");
    kubeconfig(&world, &["--cluster", "payments"])
        .exits(2)
        .says("no kubeconfig is named, and HOME is not set to find one in\nhint: name one with --kubeconfig");
    kubeconfig(&world, &["--cluster", "payments", "--kubeconfig", &file]).exits(0);
    let args = [
        "verify",
        "--only",
        "tools,cluster,api-server",
        "--cluster",
        "payments",
    ];
    let run = world.bootstrap(&args).exits(0);
    let run = format!("{run}");
    assert!(
        run.contains("no kubeconfig is named, and HOME is not set"),
        "{run}"
    );
    assert!(run.contains("nothing is installed"), "{run}");
    // Blanks name no file.
    let world = world.with("KUBECONFIG", " : ");
    kubeconfig(&world, &["--cluster", "payments"]).exits(2);
}

#[test]
fn a_kubeconfig_that_is_mounted_itself_cannot_be_replaced_and_that_is_said() {
    let world = world();
    let path = world.write(CONFIG, "# mine\n");
    let target = world.write("mounted", "# theirs\n");
    let shell = ["unshare", "--mount", "/bin/sh"];
    let mount = format!("mount --bind {} {}", target.display(), path.display());
    if !world.can("a_kubeconfig_that_is_mounted_itself", &shell, &mount) {
        return;
    }
    let script = format!("{mount} && \"$bootstrap\" kubeconfig --exec builtin --cluster payments");
    world
        .shell(&shell, &script)
        .exits(1)
        .says("error: cannot write the kubeconfig\ncaused by: cannot write `")
        .says("hint: a mounted file cannot be replaced: mount its directory");
    assert_eq!(world.read("mounted"), "# theirs\n");
    let left = world.tree("home/.kube");
    assert_eq!(
        left,
        [".config.bootstrap-lock", "config"],
        "nothing unfinished"
    );
    // Mounted read-only, as Kubernetes mounts secrets.
    let script = format!(
        "{mount} && mount -o remount,bind,ro {} && \"$bootstrap\" kubeconfig --exec builtin --cluster payments",
        path.display()
    );
    world.shell(&shell, &script).exits(1).says(
        "config` cannot be changed: it is read-only\nhint: name another file with --kubeconfig",
    );
}

#[test]
fn a_file_system_without_locks_is_written_to_and_that_is_said() {
    let world = world();
    // As NFS answers without its lock daemon (flock(2)).
    let shell = [
        "strace",
        "-f",
        "-o",
        "/dev/null",
        "-e",
        "inject=flock:error=ENOLCK",
        "/bin/sh",
    ];
    if !world.can("a_file_system_without_locks", &shell, "true") {
        return;
    }
    let script = "\"$bootstrap\" kubeconfig --exec builtin --cluster payments";
    let run = world.shell(&shell, script).exits(0);
    run.says("warning: the file system of `").says(
        "config` has no locks: another process that changes it at the same time may undo this",
    );
    assert_eq!(names(&read(&world, CONFIG), "clusters"), [ARN]);
}

#[test]
fn a_number_as_the_current_context_is_refused_as_kubectl_does() {
    let world = world();
    world.write(CONFIG, "current-context: 12\n");
    kubeconfig(&world, &["--cluster", "payments"])
        .exits(6)
        .says("config:1:18: `current-context` is");
    assert_eq!(world.read(CONFIG), "current-context: 12\n");
}

#[test]
fn fifty_writers_at_once_lose_nothing() {
    let world = world();
    let text = "# mine\nclusters:\n- name: dev  # local\n  cluster: {server: https://localhost}\n";
    world.write(CONFIG, text);
    let start = |index: usize| {
        let mut command = world.command(&[
            "kubeconfig",
            "--exec",
            "builtin",
            "--cluster",
            &format!("c{index}"),
        ]);
        command
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        command.spawn().unwrap()
    };
    let running: Vec<_> = (0..WRITERS).map(start).collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let config = read(&world, CONFIG);
    let mut expected: Vec<_> = (0..WRITERS)
        .map(|index| ARN.replace("payments", &format!("c{index}")))
        .collect();
    expected.sort();
    for section in ["contexts", "users"] {
        let mut found = names(&config, section);
        found.sort();
        assert_eq!(found, expected, "{section}");
    }
    assert_eq!(names(&config, "clusters").len(), WRITERS + 1);
    assert!(world.read(CONFIG).starts_with(text));
    assert_eq!(
        world.tree("home/.kube"),
        [".config.bootstrap-lock", "config"]
    );
}

#[test]
fn a_writer_that_holds_the_lock_is_waited_for_until_the_deadline() {
    let world = world();
    world.write(CONFIG, "# mine\n");
    // AWS takes its time when it is asked for the first time.
    kubeconfig(&world, &["--cluster", "payments", "--dry-run"]).exits(0);
    let lock = world.write("home/.kube/.config.bootstrap-lock", "");
    let held = bootstrap::files::Lock::take(
        &lock,
        "a test",
        bootstrap::deadline::Deadline::after(std::time::Instant::now(), GENEROUS),
        |_| (),
    )
    .unwrap();
    kubeconfig(&world, &["--cluster", "payments", "--deadline", "6s"])
        .exits(5)
        .says("warning: waiting for a test")
        .says("cannot lock the kubeconfig")
        .says("was held by a test all the time");
    drop(held);
    assert_eq!(world.read(CONFIG), "# mine\n");
    kubeconfig(&world, &["--cluster", "payments"]).exits(0);
}
