//! Running the credential plugin of a kubeconfig, as kubectl would, but within a time limit and
//! once: the kube crate runs it several times for one client, and waits for ever.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kube::config::{ExecAuthCluster, ExecConfig};
use serde::Deserialize;

use crate::deadline::Deadline;
use crate::fault::Fault;
use crate::program::{self, Ended, Invocation, last_lines};

/// How long a plugin may take: aws-iam-authenticator 0.5.0 took 20 s where IMDS did not answer, and
/// who waits for that has something to repair.
pub const LIMIT: Duration = Duration::from_secs(15);

/// Whether a variable makes a plugin another identity, or lets it take another cluster or role, or ask
/// another place; the region alone does not.
pub(super) fn leads_elsewhere(variable: &str) -> bool {
    const HARMLESS: [&str; 3] = [
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_STS_REGIONAL_ENDPOINTS",
    ];
    let of_authenticator = ["DEFAULT_ROLE", "KUBERNETES_AWS_AUTHENTICATOR_CLUSTER_ID"];
    of_authenticator.contains(&variable)
        || (variable.starts_with("AWS_") && !HARMLESS.contains(&variable))
}

/// What the plugin may know of this process.
#[derive(Clone, Copy, Debug)]
pub struct Environment<'a> {
    /// The variables of this process.
    pub variables: &'a BTreeMap<String, String>,
    /// The working directory.
    pub directory: &'a Path,
}

/// A bearer token; never shown.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// The text, for the one header that it belongs in.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Runs the plugin and returns its token.
///
/// The rules are those of client-go (`plugin/pkg/client/auth/exec`): the variables of the process,
/// those of the entry and `KUBERNETES_EXEC_INFO`, the later ones first; the answer must be of the
/// version that was asked for and have a status.
pub fn token(
    exec: &ExecConfig,
    cluster: Option<&ExecAuthCluster>,
    environment: Environment<'_>,
    deadline: Deadline,
) -> Result<Token, Error> {
    let command = exec.command.clone().unwrap_or_default();
    if command.is_empty() {
        return Err(Error::NoCommand);
    }
    let asked = exec.api_version.clone().unwrap_or_default();
    let mut variables = environment.variables.clone();
    for entry in exec.env.iter().flatten() {
        if let (Some(name), Some(value)) = (entry.get("name"), entry.get("value")) {
            variables.insert(name.clone(), value.clone());
        }
    }
    let info = serde_json::json!({
        "kind": "ExecCredential",
        "apiVersion": asked,
        "spec": { "interactive": false, "cluster": cluster },
    });
    variables.insert("KUBERNETES_EXEC_INFO".to_owned(), info.to_string());
    let invocation = Invocation {
        program: PathBuf::from(&command),
        args: exec.args.clone().unwrap_or_default(),
        variables,
        directory: environment.directory.to_owned(),
    };
    let limit = LIMIT.min(deadline.left());
    let ended = invocation.run(Deadline::after(Instant::now(), limit));
    let plugin = Plugin {
        command,
        asked,
        secrets: secrets(&invocation.args),
    };
    match ended {
        Ok(ended) => plugin.read(&ended),
        // The whole command line would be quoted, which may have an external ID.
        Err(error) => Err(plugin.not_run(error, limit)),
    }
}

/// Tells the plugin to take no session of a role that it kept from an earlier call; false where it is
/// not known to keep any. This program and aws-iam-authenticator have the same option for it.
pub(super) fn keep_no_session(exec: &mut ExecConfig) -> bool {
    let command = exec.command.as_deref().map(Path::new);
    let name = command.and_then(Path::file_name);
    let is_known = name.is_some_and(|name| name == "bootstrap" || name == "aws-iam-authenticator");
    let args = exec.args.get_or_insert_default();
    let is_token = args.iter().any(|arg| arg == "token");
    if is_known && is_token {
        args.push("--cache=false".to_owned());
    }
    is_known && is_token
}

/// The arguments that are nobody's business: what follows `-e` and `--external-id`.
fn secrets(args: &[String]) -> Vec<String> {
    let is_flag = |arg: &str| matches!(arg, "-e" | "--external-id");
    let pairs = args.iter().zip(args.iter().skip(1));
    let apart = pairs
        .filter(|(flag, _)| is_flag(flag))
        .map(|(_, value)| value.clone());
    let joined = args.iter().filter_map(|arg| arg.split_once('='));
    let joined = joined
        .filter(|(flag, _)| is_flag(flag))
        .map(|(_, value)| value.to_owned());
    let found = apart.chain(joined);
    found.filter(|secret| !secret.is_empty()).collect()
}

/// A plugin that was run.
struct Plugin {
    command: String,
    asked: String,
    secrets: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    api_version: String,
    status: Option<Status>,
}

#[derive(Deserialize)]
struct Status {
    token: Option<String>,
}

impl Plugin {
    fn read(self, ended: &Ended) -> Result<Token, Error> {
        let command = self.command.clone();
        if !ended.status.success() {
            return Err(Error::Failed {
                status: ended.status.to_string(),
                // Not standard output, which is where a token would be.
                said: self.without_secrets(&last_lines(&ended.stderr)),
                command,
            });
        }
        let answer: Answer = match serde_json::from_str(ended.stdout.trim()) {
            Ok(answer) => answer,
            Err(_) => return Err(Error::NotACredential { command }),
        };
        if answer.kind != "ExecCredential" {
            return Err(Error::NotACredential { command });
        }
        if answer.api_version != self.asked {
            return Err(Error::OtherVersion {
                command,
                asked: self.asked,
                answered: answer.api_version,
            });
        }
        let token = answer.status.and_then(|status| status.token);
        token
            .filter(|token| !token.is_empty())
            .map(Token)
            .ok_or(Error::NoToken { command })
    }

    fn not_run(self, error: program::Error, limit: Duration) -> Error {
        let command = self.command;
        match error {
            program::Error::Deadline { .. } => Error::Hung {
                command,
                after: limit,
            },
            program::Error::Start { source, .. } | program::Error::Wait { source, .. } => {
                Error::NotRun { command, source }
            }
            program::Error::Interpreter { interpreter, .. } => Error::NotRun {
                command,
                source: std::io::Error::other(format!(
                    "it needs `{}`, which this system does not have",
                    interpreter.display()
                )),
            },
            program::Error::Status { status, .. } => Error::Failed {
                command,
                status: status.to_string(),
                said: String::new(),
            },
        }
    }

    fn without_secrets(&self, text: &str) -> String {
        let masked = self
            .secrets
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret, "***"));
        match masked.find("k8s-aws-v1.") {
            Some(at) => masked.split_at(at).0.to_owned() + "***",
            None => masked,
        }
    }
}

/// The plugin gave no token.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It ended with a failure.
    #[error("the plugin `{command}` ended with {status}: {said}")]
    Failed {
        /// The plugin.
        command: String,
        /// How it ended.
        status: String,
        /// The end of what it wrote to standard error.
        said: String,
    },
    /// It did not end in time, and was killed.
    #[error("the plugin `{command}` had not ended after {:.0} s and was stopped", after.as_secs_f64())]
    Hung {
        /// The plugin.
        command: String,
        /// The limit.
        after: Duration,
    },
    /// The entry names no program.
    #[error("the user of the context has an `exec` without a command")]
    NoCommand,
    /// It gave no token.
    #[error("the plugin `{command}` gave no token")]
    NoToken {
        /// The plugin.
        command: String,
    },
    /// Its output is something else.
    #[error("what the plugin `{command}` printed is no ExecCredential")]
    NotACredential {
        /// The plugin.
        command: String,
    },
    /// It could not be started.
    #[error("the plugin `{command}` cannot be run")]
    NotRun {
        /// The plugin.
        command: String,
        /// Why not.
        source: std::io::Error,
    },
    /// It answered in a version that was not asked for, which kubectl does not accept.
    #[error("the plugin `{command}` was asked for {asked} and answered in {answered}")]
    OtherVersion {
        /// The plugin.
        command: String,
        /// The version of the kubeconfig.
        asked: String,
        /// The version of the answer.
        answered: String,
    },
}

impl Error {
    /// On which side it is.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::NoCommand => Fault::Input,
            Self::Failed { .. } | Self::Hung { .. } => Fault::Remote,
            Self::NoToken { .. }
            | Self::NotACredential { .. }
            | Self::NotRun { .. }
            | Self::OtherVersion { .. } => Fault::Local,
        }
    }

    /// The next step.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Failed { .. } => {
                "run the plugin by hand with the arguments of the kubeconfig; the checks of credentials and role above say what AWS answers"
            }
            Self::Hung { .. } => {
                "it waits for AWS: set AWS_REGION and AWS_STS_REGIONAL_ENDPOINTS=regional, and AWS_EC2_METADATA_DISABLED=true where there is no IMDS"
            }
            Self::NoCommand => "write the context anew with `bootstrap kubeconfig`",
            Self::NoToken { .. } | Self::NotACredential { .. } => {
                "check what the `command` of the kubeconfig is, or write the context anew with `bootstrap kubeconfig`"
            }
            Self::NotRun { .. } => {
                "install it with `bootstrap install aws-iam-authenticator`, and name it in the kubeconfig with its full path"
            }
            Self::OtherVersion { .. } => {
                "take aws-iam-authenticator 0.5.4 or newer, or the AWS CLI 2.2.24 or newer, which answer in v1beta1"
            }
        }
    }
}

#[cfg(test)]
mod tests;
