//! Why a manifest is not patched.

use crate::fault::Fault;
use crate::yaml::{self, Invalid};

/// A manifest that is not patched; nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A change cannot be made.
    #[error(transparent)]
    Yaml(#[from] yaml::Error),
    /// Something in a file is not as it must be.
    #[error(transparent)]
    Place(Box<Invalid>),
    /// There is no delegate.
    #[error("no delegate was found: {found}")]
    NoDelegate {
        /// What was found instead.
        found: String,
    },
    /// There is no delegate of that name.
    #[error("no delegate is named `{name}`: there is {found}")]
    NoSuchDelegate {
        /// The name.
        name: String,
        /// Those that there are.
        found: String,
    },
    /// There are several delegates.
    #[error("there are several delegates: {found}")]
    SeveralDelegates {
        /// Those that there are.
        found: String,
    },
    /// The bindings name several accounts.
    #[error("the bindings name several accounts that no other workload runs as: {found}")]
    SeveralAccounts {
        /// Those that there are.
        found: String,
    },
    /// There is no binding of that name.
    #[error("no ClusterRoleBinding or RoleBinding is named `{name}`: there is {found}")]
    NoSuchBinding {
        /// The name.
        name: String,
        /// Those that there are.
        found: String,
    },
    /// What was asked for and what is there do not go together.
    #[error("{message}")]
    Conflict {
        /// What.
        message: String,
        /// The next step.
        hint: &'static str,
    },
}

impl Error {
    /// The side that it is on.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Yaml(error) => error.fault(),
            Self::Place(_) | Self::NoDelegate { .. } => Fault::Input,
            Self::NoSuchDelegate { .. }
            | Self::SeveralDelegates { .. }
            | Self::SeveralAccounts { .. }
            | Self::NoSuchBinding { .. }
            | Self::Conflict { .. } => Fault::Usage,
        }
    }

    /// The next step.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Yaml(error) => return error.hint(),
            Self::Place(invalid) => return invalid.hint(),
            Self::NoDelegate { .. } => {
                "a delegate is a Deployment, StatefulSet or DaemonSet with a container `delegate` or \
                 `harness-delegate-instance`, or with DELEGATE_NAME and ACCOUNT_ID among its variables"
            }
            Self::NoSuchDelegate { .. } | Self::SeveralDelegates { .. } => {
                "choose one with --delegate"
            }
            Self::SeveralAccounts { .. } => "choose one with --service-account",
            Self::NoSuchBinding { .. } => "choose one of these with --binding, or leave it out",
            Self::Conflict { hint, .. } => hint,
        };
        Some(hint.to_owned())
    }
}
