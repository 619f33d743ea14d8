//! The contexts of a kubeconfig: where each leads, and who enters there, as far as the file says so.

use std::path::Path;

use kube::config::{AuthInfo, ExecConfig, Kubeconfig};

use super::{Error, read};
use crate::arn::RoleArn;
use crate::cluster::exec_plugin::leads_elsewhere;

/// A context of a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// The name of its cluster.
    pub cluster: String,
    /// The address of that cluster's API server.
    pub server: Option<String>,
    /// Who enters.
    pub login: Login,
}

/// Who enters by a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// Whoever runs the client.
    Caller,
    /// This role.
    Role(RoleArn),
    /// Another user of the cluster, in whose name is acted (`as`).
    InTheNameOf(String),
    /// The file does not say: a token, a certificate, a profile, or a plugin for other clusters.
    Unknown,
}

/// The contexts of a kubeconfig.
pub fn contexts(file: &Path) -> Result<Vec<Listed>, Error> {
    let kubeconfig = read(file)?;
    let listed = kubeconfig.contexts.iter().map(|named| {
        let context = named.context.as_ref();
        let cluster = context.map_or("", |context| &context.cluster);
        let user = context.and_then(|context| context.user.as_deref());
        Listed {
            name: named.name.clone(),
            cluster: cluster.to_owned(),
            server: server(&kubeconfig, cluster),
            login: login(&kubeconfig, user.unwrap_or_default()),
        }
    });
    Ok(listed.collect())
}

fn server(kubeconfig: &Kubeconfig, cluster: &str) -> Option<String> {
    let mut named = kubeconfig.clusters.iter();
    let found = named.find(|named| named.name == cluster)?;
    found.cluster.as_ref()?.server.clone()
}

fn login(kubeconfig: &Kubeconfig, user: &str) -> Login {
    let mut named = kubeconfig.auth_infos.iter();
    let found = named.find(|named| named.name == user);
    found
        .and_then(|named| named.auth_info.as_ref())
        .map_or(Login::Unknown, of_user)
}

fn of_user(user: &AuthInfo) -> Login {
    if let Some(name) = &user.impersonate {
        return Login::InTheNameOf(name.clone());
    }
    let has_token = user.token.is_some() || user.token_file.is_some();
    match &user.exec {
        Some(exec) if !has_token => of_plugin(exec),
        _ => Login::Unknown,
    }
}

/// Whom a plugin signs as: `token -r ROLE` (aws-iam-authenticator, and this program) or
/// `eks get-token --role ROLE` (the AWS CLI). Of an option that is given twice the last counts.
fn of_plugin(exec: &ExecConfig) -> Login {
    let args = exec.args.as_deref().unwrap_or_default();
    let is = |words: &[&str]| {
        let mut args = args.iter();
        words.iter().all(|word| args.any(|arg| arg == word))
    };
    let names: &[&str] = if is(&["eks", "get-token"]) {
        // The AWS CLI writes its option in short.
        &["--role-arn", "--role"]
    } else if is(&["token"]) {
        &["--role", "-r"]
    } else {
        return Login::Unknown;
    };
    // An empty one is none, as templates write it.
    if let Some(role) = value(args, names).filter(|role| !role.is_empty()) {
        return role.parse().map_or(Login::Unknown, Login::Role);
    }
    let mut variables = exec.env.iter().flatten();
    let names_others =
        variables.any(|entry| leads_elsewhere(entry.get("name").map_or("", String::as_str)));
    if names_others || args.iter().any(|arg| arg.starts_with("--profile")) {
        return Login::Unknown;
    }
    Login::Caller
}

/// The value of the option with these names: `--role VALUE`, `--role=VALUE`, `-r VALUE`, `-r=VALUE`
/// or `-rVALUE`.
fn value<'a>(args: &'a [String], names: &[&str]) -> Option<&'a str> {
    let mut found = None;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let Some((name, rest)) = names
            .iter()
            .find_map(|name| Some((name, arg.strip_prefix(name)?)))
        else {
            continue;
        };
        match (rest, rest.strip_prefix('=')) {
            ("", _) => found = args.next().map(String::as_str),
            (_, Some(value)) => found = Some(value),
            (rest, None) if !name.starts_with("--") => found = Some(rest),
            // A longer option that begins alike.
            (_, None) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::111122223333:role/ci/deployer";

    fn check(user: &str, expected: &Login) {
        let user: AuthInfo = serde_json::from_value(
            user.parse::<serde_json::Value>()
                .unwrap_or_else(|error| panic!("{user}: {error}")),
        )
        .unwrap();
        assert_eq!(&of_user(&user), expected);
    }

    fn plugin(args: &str) -> String {
        let args: Vec<_> = args.split_whitespace().collect();
        serde_json::json!({"exec": {"command": "p", "args": args}}).to_string()
    }

    #[test]
    fn the_role_of_a_plugin_is_read_off_its_arguments() {
        let role = Login::Role(ROLE.parse().unwrap());
        for args in [
            format!("token -i payments -r {ROLE} -e x --region us-east-1"),
            format!("token -r={ROLE} -i payments"),
            format!("token -r{ROLE} -i payments"),
            format!("-i payments token --role {ROLE}"),
            format!("token --role=arn:aws:iam::111122223333:role/other -r {ROLE}"),
            format!("--region r eks get-token --cluster-name payments --role {ROLE}"),
            format!("--region r eks get-token --cluster-name payments --role-arn {ROLE}"),
            format!("eks get-token --role-arn={ROLE}"),
        ] {
            check(&plugin(&args), &role);
        }
        for args in [
            "token -i payments --region us-east-1",
            "token -i payments -r=",
            "--region us-east-1 eks get-token --cluster-name payments",
        ] {
            check(&plugin(args), &Login::Caller);
        }
    }

    #[test]
    fn what_does_not_say_who_enters_is_not_guessed() {
        for args in [
            "login",
            "token -i payments -r not-an-arn",
            "--profile prod eks get-token --cluster-name payments",
        ] {
            check(&plugin(args), &Login::Unknown);
        }
        check(r#"{"token": "t"}"#, &Login::Unknown);
        let both = r#"{"token": "t", "exec": {"command": "p", "args": ["token", "-i", "p"]}}"#;
        check(both, &Login::Unknown);
        let profile = r#"{"exec": {"command": "p", "args": ["token", "-i", "p"],
            "env": [{"name": "AWS_PROFILE", "value": "prod"}]}}"#;
        check(profile, &Login::Unknown);
        for variable in ["AWS_ACCESS_KEY_ID", "AWS_CONFIG_FILE", "DEFAULT_ROLE"] {
            check(&profile.replace("AWS_PROFILE", variable), &Login::Unknown);
        }
        check(
            &profile.replace("AWS_PROFILE", "AWS_REGION"),
            &Login::Caller,
        );
        let other = r#"{"as": "system:admin", "token": "t"}"#;
        check(other, &Login::InTheNameOf("system:admin".to_owned()));
    }
}
