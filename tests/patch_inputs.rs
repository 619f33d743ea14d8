//! What `patch` and `lint` are given: large files, and what in a directory cannot be read.

use std::fs;
use std::os::unix::fs::symlink;

use crate::patch::{DEPLOYMENT, ROLE, SMALL};
use crate::world::World;

/// More documents than anyone has, around one delegate.
fn large(megabytes: usize) -> String {
    let other = DEPLOYMENT
        .replace("name: delegate\n", "name: main\n")
        .replace("        - name: ", "        - name: X_");
    let mut text = String::from(DEPLOYMENT);
    let mut number = 0;
    while text.len() < megabytes << 20 {
        number += 1;
        text.push_str("---\n");
        text.push_str(&other.replace("payments", &format!("other-{number}")));
    }
    text
}

#[test]
fn a_file_of_ten_megabytes_is_patched_and_only_where_it_must() {
    let world = World::new();
    let text = large(10);
    world.write("work/m.yaml", &text);
    world
        .bootstrap(&["patch", "m.yaml", "--irsa-role-arn", ROLE, "-o", "out"])
        .exits(0);
    let patched = world.read("work/out");
    // Each of the many bindings names the account that the delegate had, and gets the new one.
    let subject =
        "  - kind: ServiceAccount\n    name: payments\n    namespace: harness-delegate-ng\n";
    let copies = text.matches("kind: HorizontalPodAutoscaler").count();
    assert_eq!(patched.matches(subject).count(), copies);
    let (_, account) = patched
        .split_once("apiVersion: v1\nkind: ServiceAccount\n")
        .unwrap();
    let (account, _) = account.split_once("---\n").unwrap();
    let back = patched
        .replace(subject, "")
        .replace("      serviceAccountName: payments\n", "")
        .replace(
            &format!("apiVersion: v1\nkind: ServiceAccount\n{account}---\n"),
            "",
        );
    assert!(back == text, "something else was changed");
    world.write("work/m.yaml", &patched);
    world
        .bootstrap(&["patch", "m.yaml", "--remove", "-o", "out"])
        .exits(0);
    assert!(world.read("work/out") == text, "it was not taken out");
}

#[test]
fn what_cannot_be_read_in_a_directory_is_named_and_nothing_is_written() {
    for command in ["patch", "lint"] {
        let world = World::new();
        world.write("work/d/a.yaml", SMALL);
        let args = |command| match command {
            "lint" => vec!["lint", "d"],
            _ => vec!["patch", "d", "--irsa-role-arn", ROLE, "--in-place"],
        };
        let link = world.path("work/d/z.yaml");
        symlink("nowhere", &link).unwrap();
        world
            .bootstrap(&args(command))
            .exits(1)
            .says("cannot read `d/z.yaml`");
        fs::remove_file(&link).unwrap();
        symlink("z.yaml", &link).unwrap();
        world
            .bootstrap(&args(command))
            .exits(1)
            .says("cannot read `d/z.yaml`");
        fs::remove_file(&link).unwrap();
        world.shell(&["/bin/sh"], "mkfifo d/z.yaml").exits(0);
        world
            .bootstrap(&args(command))
            .exits(1)
            .says("`d/z.yaml` is neither a file nor a directory")
            .says("hint: move it away");
        fs::remove_file(&link).unwrap();
        world.write("work/d/z.yaml/b.yaml", "kind: {{ x }}\n");
        world
            .bootstrap(&args(command))
            .exits(6)
            .says("d/z.yaml/b.yaml:1:7: ");
        assert_eq!(world.read("work/d/a.yaml"), SMALL);
        fs::remove_dir_all(&link).unwrap();
        // A link to a directory may lead back up.
        symlink("..", &link).unwrap();
        let run = world.bootstrap(&args(command));
        assert!(!run.stderr.contains("cannot"), "{run}");
    }
}

#[test]
fn a_file_that_is_not_there_is_a_mistake() {
    World::new()
        .bootstrap(&["lint", "no.yaml"])
        .exits(2)
        .says("cannot read `no.yaml`");
}

#[test]
fn a_pipe_is_read_and_refused_before_that_where_it_would_be_changed_in_place() {
    let world = World::new();
    world.write("work/m.yaml", SMALL);
    let pipe =
        "mkfifo p; timeout 20 sh -c 'cat m.yaml >p' & $bootstrap patch p --irsa-role-arn $0; wait";
    let run = world
        .shell(&["/bin/sh"], &pipe.replace("$0", ROLE))
        .exits(0);
    assert!(run.stdout.contains("eks.amazonaws.com/role-arn"), "{run}");
    // Nobody writes to it.
    let args = [
        "patch",
        "m.yaml",
        "p",
        "--irsa-role-arn",
        ROLE,
        "--in-place",
    ];
    world
        .bootstrap(&args)
        .exits(2)
        .says("`p` cannot be changed in place: it is neither a file nor a directory")
        .says("hint: leave --in-place out");
    assert_eq!(world.read("work/m.yaml"), SMALL);
}
