//! The program that kubectl asks for a token, and how the kubeconfig names it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use super::Error;
use crate::arn::{Region, SessionName};
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::program::{self, Invocation};
use crate::yaml::Value;

/// What all kubectls from 1.10 to today accept (client-go: `v1alpha1` went with 1.24, and `v1` came
/// with 1.22).
const API_VERSION: &str = "client.authentication.k8s.io/v1beta1";

/// The first aws-iam-authenticator that answers in [`API_VERSION`].
const OLDEST_AUTHENTICATOR: [u64; 3] = [0, 5, 4];

/// How long it may take to say its version, which it does within 100 ms; all else has to be done too.
const VERSION_LIMIT: Duration = Duration::from_secs(5);

/// Which program gives tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exec {
    /// `aws-iam-authenticator token`.
    #[default]
    Authenticator,
    /// `aws eks get-token`.
    Aws,
    /// `bootstrap token`.
    Builtin,
}

impl FromStr for Exec {
    type Err = InvalidExec;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "authenticator" => Ok(Self::Authenticator),
            "aws" => Ok(Self::Aws),
            "builtin" => Ok(Self::Builtin),
            _ => Err(InvalidExec {
                text: text.to_owned(),
            }),
        }
    }
}

/// The text names no such program.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` gives no tokens: it takes `authenticator`, `builtin` or `aws`")]
pub struct InvalidExec {
    text: String,
}

/// Where programs are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The directory that is looked in first: `PREFIX/bin`.
    pub bin: &'a Path,
    /// The file that is running.
    pub own: &'a Path,
    /// The variables of this process, `PATH` among them.
    pub variables: &'a BTreeMap<String, String>,
    /// The working directory.
    pub directory: &'a Path,
}

/// The program that gives tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    exec: Exec,
    command: String,
}

impl Plugin {
    /// Finds the program; of aws-iam-authenticator the version is asked.
    ///
    /// A program that does not say its version, as those built by hand, is used, and `notice` told.
    pub fn find(
        exec: Exec,
        place: Place<'_>,
        deadline: Deadline,
        notice: &dyn Fn(&str),
    ) -> Result<Self, Error> {
        let found = match exec {
            Exec::Authenticator => place.search("aws-iam-authenticator")?,
            Exec::Aws => place.search("aws")?,
            Exec::Builtin => place.own.to_owned(),
        };
        if exec == Exec::Authenticator {
            check_authenticator(&found, place, deadline, notice)?;
        }
        let command = found.to_str().ok_or_else(|| Error::Name {
            path: found.clone(),
        })?;
        Ok(Self {
            exec,
            command: command.to_owned(),
        })
    }

    /// The file of the program, as the kubeconfig names it.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// What the program can not be told, and is wanted.
    pub(super) fn check(
        &self,
        cluster: &Cluster,
        session: Option<&SessionName>,
    ) -> Result<(), Error> {
        match self.exec {
            Exec::Aws if cluster.external_id.is_some() => Err(Error::ExternalId),
            Exec::Aws if session.is_some() => Err(Error::SessionName),
            _ => Ok(()),
        }
    }

    /// How the program is called for a cluster; `outpost` is its ID where it is a local cluster of an
    /// Outpost.
    pub(super) fn section(
        &self,
        cluster: &Cluster,
        outpost: Option<&str>,
        region: &Region,
        session: &SessionName,
    ) -> Section {
        let name = outpost.unwrap_or(cluster.name.as_str());
        let role = cluster.role.as_ref();
        let mut args: Vec<&str> = Vec::new();
        if self.exec == Exec::Aws {
            let which = outpost.map_or("--cluster-name", |_| "--cluster-id");
            args.extend(["--region", region.as_str(), "eks", "get-token"]);
            args.extend([which, name, "--output", "json"]);
            args.extend(
                role.into_iter()
                    .flat_map(|role| ["--role-arn", role.as_str()]),
            );
        } else {
            args.extend(["token", "-i", name]);
            if let Some(role) = role {
                args.extend(["-r", role.as_str()]);
                let id = cluster.external_id.as_ref();
                args.extend(id.into_iter().flat_map(|id| ["-e", id.as_str()]));
                args.extend(["-s", session.as_str()]);
            }
            args.extend(["--region", region.as_str()]);
        }
        Section {
            command: self.command.clone(),
            args: args.into_iter().map(str::to_owned).collect(),
            region: region.to_string(),
        }
    }
}

impl Place<'_> {
    fn search(self, name: &'static str) -> Result<PathBuf, Error> {
        let path = self.variables.get("PATH").map_or("", String::as_str);
        let own = which::which_in(name, Some(self.bin), self.directory);
        let found = own.or_else(|_| which::which_in(name, Some(path), self.directory));
        found.map_err(|_| Error::NoProgram {
            name,
            bin: self.bin.to_owned(),
        })
    }
}

fn check_authenticator(
    path: &Path,
    place: Place<'_>,
    deadline: Deadline,
    notice: &dyn Fn(&str),
) -> Result<(), Error> {
    let invocation = Invocation {
        program: path.to_owned(),
        args: vec!["version".to_owned()],
        variables: place.variables.clone(),
        directory: place.directory.to_owned(),
    };
    let own = Deadline::after(Instant::now(), VERSION_LIMIT);
    let is_short = deadline.left() < VERSION_LIMIT;
    let output = invocation.output(if is_short { deadline } else { own });
    let output = output.map_err(|source| match source {
        program::Error::Deadline { .. } if !is_short => Error::Hung {
            program: path.to_owned(),
            limit: VERSION_LIMIT,
        },
        source => Error::Run {
            source: Box::new(source),
        },
    })?;
    match version(&output) {
        Some(version) if version < OLDEST_AUTHENTICATOR => Err(Error::OldAuthenticator {
            program: path.to_owned(),
            version: version.map(|part| part.to_string()).join("."),
        }),
        Some(_) => Ok(()),
        None => {
            notice(&format!(
                "`{}` does not say its version; it must be 0.5.4 or newer",
                path.display()
            ));
            Ok(())
        }
    }
}

/// The version in `{"Version":"v0.5.9","Commit":"…"}`.
fn version(output: &str) -> Option<[u64; 3]> {
    let json: serde_json::Value = serde_json::from_str(output.trim()).ok()?;
    let text = json.get("Version")?.as_str()?;
    let text = text.strip_prefix('v').unwrap_or(text);
    let (core, _) = text.split_once(['-', '+']).unwrap_or((text, ""));
    let mut parts = core.split('.').map(str::parse);
    let mut next = || parts.next()?.ok();
    Some([next()?, next()?, next()?])
}

/// The `exec` section of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    command: String,
    args: Vec<String>,
    region: String,
}

impl Section {
    #[cfg(test)]
    pub(super) fn new(command: &str, args: &[&str], region: &str) -> Self {
        Self {
            command: command.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            region: region.to_owned(),
        }
    }

    /// The keys but `env`, in the order in which they are written around it: `env` stands behind
    /// `command`.
    pub(super) fn keys(&self) -> [(&'static str, Value); 5] {
        [
            ("apiVersion", API_VERSION.into()),
            (
                "args",
                Value::sequence(self.args.iter().map(String::as_str)),
            ),
            ("command", self.command.as_str().into()),
            ("interactiveMode", "Never".into()),
            ("provideClusterInfo", false.into()),
        ]
    }

    /// The variables that the program gets on top of those of kubectl.
    pub(super) fn env(&self) -> [(&'static str, &str); 2] {
        [
            // aws-iam-authenticator before 0.7.3 asks the global STS without it.
            ("AWS_STS_REGIONAL_ENDPOINTS", "regional"),
            ("AWS_REGION", &self.region),
        ]
    }

    pub(super) fn to_value(&self) -> Value {
        let env = self
            .env()
            .map(|(name, value)| Value::mapping([("name", name.into()), ("value", value.into())]));
        let mut keys = self.keys().to_vec();
        keys.insert(3, ("env", Value::sequence(env)));
        Value::mapping(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::111122223333:role/deployer";

    fn args(exec: Exec, cluster: &str, outpost: Option<&str>) -> String {
        let plugin = Plugin {
            exec,
            command: "/bin/p".to_owned(),
        };
        let section = plugin.section(
            &cluster.parse().unwrap(),
            outpost,
            &"us-east-1".parse().unwrap(),
            &"harness-delegate-a".parse().unwrap(),
        );
        section.args.join(" ")
    }

    #[test]
    fn a_program_is_told_cluster_role_external_id_session_and_region() {
        let full = format!("name=payments,role-arn={ROLE},external-id=x-1");
        for exec in [Exec::Authenticator, Exec::Builtin] {
            assert_eq!(
                args(exec, "payments", None),
                "token -i payments --region us-east-1"
            );
            assert_eq!(
                args(exec, &full, Some("0f1e-uuid")),
                format!(
                    "token -i 0f1e-uuid -r {ROLE} -e x-1 -s harness-delegate-a --region us-east-1"
                )
            );
        }
        assert_eq!(
            args(Exec::Aws, "payments", None),
            "--region us-east-1 eks get-token --cluster-name payments --output json"
        );
        assert_eq!(
            args(
                Exec::Aws,
                &format!("name=payments,role-arn={ROLE}"),
                Some("0f1e-uuid")
            ),
            format!(
                "--region us-east-1 eks get-token --cluster-id 0f1e-uuid --output json --role-arn {ROLE}"
            )
        );
    }

    #[test]
    fn the_aws_cli_is_told_neither_an_external_id_nor_a_session_name() {
        let plugin = |exec| Plugin {
            exec,
            command: "/bin/p".to_owned(),
        };
        let plain: Cluster = "payments".parse().unwrap();
        let guarded = format!("name=payments,role-arn={ROLE},external-id=x-1");
        let guarded: Cluster = guarded.parse().unwrap();
        let session: SessionName = "ci".parse().unwrap();
        let aws = plugin(Exec::Aws);
        assert!(aws.check(&plain, None).is_ok());
        let error = aws.check(&guarded, None).unwrap_err().to_string();
        assert!(error.contains("--external-id"), "{error}");
        let error = aws.check(&plain, Some(&session)).unwrap_err().to_string();
        assert!(error.contains("--session-name"), "{error}");
        assert!(
            plugin(Exec::Builtin)
                .check(&guarded, Some(&session))
                .is_ok()
        );
    }

    #[test]
    fn a_version_is_read_as_the_authenticator_prints_it() {
        for (output, expected) in [
            (
                "{\"Version\":\"v0.5.9\",\"Commit\":\"ab\"}\n",
                Some([0, 5, 9]),
            ),
            ("{\"Version\":\"0.7.18+bootstrap.0.1.0\"}", Some([0, 7, 18])),
            ("{\"Version\":\"v0.6.0-rc1\"}", Some([0, 6, 0])),
            ("{\"Version\":\"unversioned\",\"Commit\":\"\"}", None),
            ("v0.5.9", None),
            ("{\"Version\":\"0.5\"}", None),
            ("", None),
        ] {
            assert_eq!(version(output), expected, "{output}");
        }
        assert!([0, 5, 3] < OLDEST_AUTHENTICATOR && [0, 10, 0] > OLDEST_AUTHENTICATOR);
    }
}
