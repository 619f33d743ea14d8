//! `bootstrap policy trust irsa --from`: what a manifest says of the account.

use super::{ACCOUNT, ISSUER, document, irsa};
use crate::world::World;

#[test]
fn a_trust_policy_and_a_patched_manifest_cannot_disagree() {
    let world = World::new();
    let role = "arn:aws:iam::123456789012:role/delegate";
    for (input, flags) in [
        ("deployment.yaml", &[][..]),
        ("statefulset.yaml", &[]),
        ("proxy.yaml", &[]),
        ("deployment.yaml", &["--service-account", "another"]),
        ("deployment.yaml", &["--audience", "vault"]),
        (
            "values.yaml",
            &["--service-account", "chart", "--namespace", "harness"],
        ),
    ] {
        let source =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/delegate/input");
        let file = source.join(input).display().to_string();
        let base = ["patch", &file, "--irsa-role-arn", role];
        let patched = world.bootstrap(&[&base[..], flags].concat()).exits(0);
        let path = world
            .write("work/patched.yaml", &patched.stdout)
            .display()
            .to_string();
        let base = ["policy", "trust", "irsa", "--oidc-issuer", ISSUER, "--from"];
        let before = world
            .bootstrap(&[&base[..], &[&file, "--irsa-role-arn", role], flags].concat())
            .exits(0);
        // Once it is patched, the manifest says all but what kubectl or Helm would say.
        let rest: &[&str] = if flags.contains(&"--namespace") {
            &["--namespace", "harness"]
        } else {
            &[]
        };
        let after = world
            .bootstrap(&[&base[..], &[&path], rest].concat())
            .exits(0);
        assert_eq!(before.stdout, after.stdout, "{input} {flags:?}");
        let manifest: Vec<&str> = patched.stdout.lines().collect();
        let subject = &document(&after)["Statement"][0]["Condition"]["StringEquals"];
        let key = format!("{}:sub", &ISSUER["https://".len()..]);
        let subject = subject[key].as_str().unwrap();
        let account = subject.rsplit(':').next().unwrap();
        let says = |words: String| manifest.iter().any(|line| line.contains(&words));
        assert!(
            says(format!("serviceAccountName: {account}")) || says(format!("  name: {account}")),
            "{subject}\n{patched}"
        );
    }
}

#[test]
fn a_manifest_comes_from_standard_input_too() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/manifests/delegate/input/deployment.yaml"
    );
    let world = World::new().with("manifest", file);
    let run = world.shell(
        &["sh"],
        "\"$bootstrap\" patch \"$manifest\" --irsa-role-arn arn:aws:iam::123456789012:role/delegate |
         \"$bootstrap\" policy trust irsa --oidc-issuer oidc.eks.us-east-1.amazonaws.com/id/0F1E --from -",
    );
    let run = run.exits(0);
    assert!(
        run.stdout
            .contains("system:serviceaccount:harness-delegate-ng:payments"),
        "{run}"
    );
}

/// A delegate that runs as this account, in an account and a workload with this metadata.
fn delegate(metadata: &str, account: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: d{metadata}\n---\napiVersion: apps/v1\n\
         kind: Deployment\nmetadata:\n  name: d{metadata}\nspec:\n  template:\n    spec:\n      \
         serviceAccountName: {account}\n      containers:\n      - name: delegate\n"
    )
}

#[test]
fn what_a_manifest_lacks_or_says_otherwise_is_told() {
    let world = World::new();
    let placed = |account: &str| delegate("\n  namespace: ns", account);
    let annotated = |key: &str, value: &str| {
        let annotations = format!("annotations: {{ eks.amazonaws.com/{key}: \"{value}\" }}");
        delegate(&format!("\n  namespace: ns\n  {annotations}"), "d")
    };
    let of_patch = "those that `bootstrap patch` takes";
    let other = "--account is of account 123456789012 and the role of the manifest of 111122223333";
    let china = "the role of the manifest is of partition `aws-cn` and issuer";
    for (text, flags, code, words) in [
        (
            delegate("", "d"),
            "",
            2,
            "Deployment `d` does not say its namespace",
        ),
        (
            placed("d"),
            " --namespace other",
            2,
            "is in namespace `ns`, not in `other`",
        ),
        (placed("d"), " --namespace n*", 2, of_patch),
        (placed("d"), " --service-account d*", 2, of_patch),
        (placed("d"), " --service-account ns:d", 2, of_patch),
        (
            placed("d"),
            " --service-account a --service-account b",
            2,
            "one account",
        ),
        (placed("d"), " --delegate e", 2, "no delegate is named `e`"),
        (
            placed("D_d"),
            "",
            6,
            "`D_d` is not the name of a ServiceAccount",
        ),
        (annotated("role-arn", "nobody"), "", 6, "work/m.yaml:6:"),
        (
            annotated("role-arn", "arn:aws:iam::111122223333:role/r"),
            "",
            2,
            other,
        ),
        (
            annotated("role-arn", "arn:aws-cn:iam::123456789012:role/r"),
            "",
            2,
            china,
        ),
        (
            annotated("audience", "a*"),
            "",
            6,
            "`a*` is not an audience",
        ),
        ("a: b\n".to_owned(), "", 6, "no delegate was found"),
        ("a: [".to_owned(), "", 6, "work/m.yaml:"),
    ] {
        let path = world.write("work/m.yaml", &text).display().to_string();
        let line = format!("--account {ACCOUNT} --from {path}{flags}");
        let args: Vec<&str> = line.split(' ').collect();
        let run = irsa(&args).exits(code).says(words);
        assert_eq!(run.stdout, "");
    }
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/manifests/delegate/input/values.yaml"
    );
    irsa(&["--account", ACCOUNT, "--from", file, "--namespace", "a"])
        .exits(2)
        .says("name it with --service-account, or with serviceAccount.name");
    irsa(&[
        "--account",
        ACCOUNT,
        "--from",
        file,
        "--service-account",
        "a",
    ])
    .exits(2)
    .says("the release of payments does not say its namespace");
}
