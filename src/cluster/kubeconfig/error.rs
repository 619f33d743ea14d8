//! Why a kubeconfig was not written.

use std::path::PathBuf;
use std::time::Duration;

use crate::arn::{ClusterName, Region};
use crate::cluster::InvalidCluster;
use crate::fault::Fault;
use crate::files::{self, LockError};
use crate::{aws, program, yaml};

/// Why a kubeconfig was not written, or a cluster is not in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The certificate authority is none.
    #[error("the certificate authority of cluster `{name}` cannot be used: {problem}")]
    Authority {
        /// The cluster.
        name: ClusterName,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// EKS could not be asked, or does not know it.
    #[error("cannot find out how cluster `{name}` is reached")]
    Describe {
        /// The cluster.
        name: ClusterName,
        /// Why not.
        source: aws::Error,
    },
    /// The kubeconfig does not take the change.
    #[error(transparent)]
    Edit(#[from] yaml::Error),
    /// The AWS CLI knows no external ID.
    #[error(
        "`--exec aws` cannot enter a role with an external ID: `aws eks get-token` has no `--external-id`"
    )]
    ExternalId,
    /// The authenticator does not end.
    #[error("`{} version` had not ended after {} s", program.display(), limit.as_secs())]
    Hung {
        /// The program.
        program: PathBuf,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The kubeconfig is none, or has the wrong types.
    #[error(transparent)]
    Invalid(Box<yaml::Invalid>),
    /// The kubeconfig could not be locked.
    #[error("cannot lock the kubeconfig `{}`", path.display())]
    Lock {
        /// The kubeconfig.
        path: PathBuf,
        /// Why not.
        source: LockError,
    },
    /// The path of the program is not UTF-8.
    #[error("`{}` cannot stand in a kubeconfig: it is not UTF-8", path.display())]
    Name {
        /// The program.
        path: PathBuf,
    },
    /// The cluster has no address yet.
    #[error("cluster `{name}` has no address yet")]
    NoEndpoint {
        /// The cluster.
        name: ClusterName,
    },
    /// The program that gives tokens is not there.
    #[error("there is no `{name}` in `{}` or on PATH", bin.display())]
    NoProgram {
        /// The program.
        name: &'static str,
        /// Where it would be.
        bin: PathBuf,
    },
    /// There is something else where the file should be.
    #[error("the kubeconfig `{}` is {what}", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// The authenticator is too old.
    #[error("`{}` is version {version}, and its tokens are not of the kind that kubectl takes today", program.display())]
    OldAuthenticator {
        /// The program.
        program: PathBuf,
        /// Its version.
        version: String,
    },
    /// The cluster and what enters it do not fit.
    #[error(transparent)]
    Pair(#[from] InvalidCluster),
    /// The file could not be read.
    #[error("cannot read the kubeconfig")]
    Read {
        /// Why not.
        source: files::Error,
    },
    /// The file is read-only.
    #[error("the kubeconfig `{}` cannot be changed: {why}", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// What is read-only.
        why: &'static str,
    },
    /// The program that gives tokens does not run.
    #[error("aws-iam-authenticator does not run")]
    Run {
        /// Why not.
        source: Box<program::Error>,
    },
    /// The AWS CLI takes no session name.
    #[error("`--exec aws` cannot name a session: `aws eks get-token` has no `--session-name`")]
    SessionName,
    /// The cluster is not ready.
    #[error("cluster `{name}`{} is {status}: it takes ACTIVE or UPDATING", In(region.as_ref()))]
    Status {
        /// The cluster.
        name: ClusterName,
        /// Its region.
        region: Option<Region>,
        /// How it is instead.
        status: String,
    },
    /// Two clusters would have one context.
    #[error("two clusters would have the context `{context}`")]
    Twice {
        /// The context.
        context: String,
    },
    /// The user alias is the name of another user.
    #[error(transparent)]
    UserTaken(Box<yaml::Invalid>),
    /// The file could not be written.
    #[error("cannot write the kubeconfig")]
    Write {
        /// Why not.
        source: files::Error,
    },
}

struct In<'a>(Option<&'a Region>);

impl std::fmt::Display for In<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |region| write!(f, " in {region}"))
    }
}

impl From<yaml::Invalid> for Error {
    fn from(invalid: yaml::Invalid) -> Self {
        Self::Invalid(Box::new(invalid))
    }
}

impl Error {
    /// The side that it is on.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Describe { source, .. } => source.fault(),
            Self::Edit(error) => error.fault(),
            Self::Run { source } if matches!(**source, program::Error::Deadline { .. }) => {
                Fault::Remote
            }
            Self::Authority { .. }
            | Self::Hung { .. }
            | Self::Lock {
                source: LockError::Held { .. },
                ..
            }
            | Self::NoEndpoint { .. }
            | Self::Status { .. } => Fault::Remote,
            Self::ExternalId
            | Self::SessionName
            | Self::Pair(_)
            | Self::Twice { .. }
            | Self::UserTaken(_) => Fault::Usage,
            Self::Invalid(_) | Self::NotAFile { .. } => Fault::Input,
            Self::Lock { .. }
            | Self::Name { .. }
            | Self::NoProgram { .. }
            | Self::OldAuthenticator { .. }
            | Self::Read { .. }
            | Self::ReadOnly { .. }
            | Self::Run { .. }
            | Self::Write { .. } => Fault::Local,
        }
    }

    /// The next step.
    pub fn hint(&self) -> Option<String> {
        let own = match self {
            Self::Describe { source, .. } => return source.hint().map(str::to_owned),
            Self::Edit(error) => return error.hint(),
            Self::Invalid(invalid) => {
                // Nobody has a kubeconfig rendered.
                let hint = invalid.hint().filter(|hint| hint != yaml::RENDER);
                return hint.or_else(|| {
                    Some("mend the file, or name another with --kubeconfig".to_owned())
                });
            }
            Self::ExternalId | Self::SessionName => {
                "take `--exec authenticator`, or `--exec builtin`, which needs no other program"
            }
            Self::NoProgram { name: "aws", .. } => {
                "put it in place with `bootstrap install aws-cli`, or take `--exec builtin`"
            }
            Self::Run { source } if matches!(**source, program::Error::Deadline { .. }) => {
                "give it more time with --deadline, or take `--exec builtin`"
            }
            Self::Hung { .. }
            | Self::NoProgram { .. }
            | Self::OldAuthenticator { .. }
            | Self::Run { .. } => {
                "put a new one in place with `bootstrap install aws-iam-authenticator`, or take `--exec builtin`"
            }
            Self::NotAFile { .. } | Self::ReadOnly { .. } => "name another file with --kubeconfig",
            Self::Write { source } if source.source.kind() == std::io::ErrorKind::ResourceBusy => {
                "a mounted file cannot be replaced: mount its directory, or name another file with --kubeconfig"
            }
            Self::Lock {
                source: LockError::Held { .. },
                ..
            } => "give it more time with --deadline, or end that process",
            Self::Lock { .. } | Self::Read { .. } | Self::Write { .. } => {
                "check that the file and its directory may be changed by this user, or name another with \
                 --kubeconfig"
            }
            Self::Status { status, .. } if status == "CREATING" || status == "PENDING" => {
                "run this again when the cluster is ACTIVE"
            }
            Self::Twice { .. } => "give one of them an alias",
            Self::UserTaken(_) => "give the user another name with --user-alias, or none",
            Self::Name { .. } => "install below a directory whose name is UTF-8",
            Self::Authority { .. }
            | Self::NoEndpoint { .. }
            | Self::Pair(_)
            | Self::Status { .. } => return None,
        };
        Some(own.to_owned())
    }
}
