//! `bootstrap policy`: the documents of the connector's settings reference, and what AWS makes of them.

mod aws;
mod check;
mod help;
mod manifest;
mod permissions;
mod refusals;
mod trust;

use serde_json::Value;

use crate::world::{Run, World};

const ACCOUNT: &str = "123456789012";
const ISSUER: &str = "https://oidc.eks.us-east-1.amazonaws.com/id/0F1E";

/// The documents of the settings reference of the Harness AWS connector, by the names that they have here.
fn reference() -> Value {
    serde_json::from_str(include_str!("iam/reference.json")).unwrap()
}

fn policy(args: &[&str]) -> Run {
    World::new().bootstrap(&[&["policy"], args].concat())
}

fn document(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}\n{run}"))
}

/// The same with a list of one as the one, which IAM takes for the same.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Array(list) if list.len() == 1 && list[0].is_string() => list[0].clone(),
        Value::Array(list) => list.iter().map(canonical).collect(),
        Value::Object(object) => {
            let entries = object.iter();
            entries
                .map(|(key, value)| (key.clone(), canonical(value)))
                .collect()
        }
        other => other.clone(),
    }
}

/// The issuer, its account and a delegate in a namespace.
fn irsa(rest: &[&str]) -> Run {
    let base = ["trust", "irsa", "--oidc-issuer", ISSUER];
    policy(&[&base[..], rest].concat())
}
