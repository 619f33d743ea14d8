//! Entries in texts of all shapes.

use super::*;

use crate::cluster::kubeconfig::entry::{Entry, Names};
use crate::cluster::kubeconfig::plugin::Section;

const ARN: &str = "arn:aws:eks:us-east-1:111122223333:cluster/payments";

fn entry(context: &str) -> Entry {
    Entry {
        names: Names {
            cluster: ARN.to_owned(),
            user: ARN.to_owned(),
            context: context.to_owned(),
        },
        server: "https://0f1e.gr7.us-east-1.eks.amazonaws.com".to_owned(),
        authority: "LS0tLS1CRUdJTg==".to_owned(),
        proxy: None,
        exec: Section::new(
            "/opt/bin/aws-iam-authenticator",
            &["token", "-i", "payments", "--region", "us-east-1"],
            "us-east-1",
        ),
    }
}

fn merge(text: &str, entries: &[Entry], current: Current<'_>) -> Result<Merged, Error> {
    Document::parse(FilePath::new("config"), text)?.merge(entries, current)
}

#[test]
fn tmp() {
    for t in [
        "",
        "# only\n",
        "---\n",
        "{}\n",
        "{\"apiVersion\": \"v1\", \"clusters\": []}",
        "apiVersion: v1\nclusters: []\nusers: null\ncontexts:\n",
    ] {
        let m = merge(t, &[entry("p")], Current::Default("p")).unwrap();
        println!("=== {t:?}\n{}", m.text);
    }
}
