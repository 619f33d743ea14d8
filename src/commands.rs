//! The commands: their arguments and what they run, each in a file of its own.

pub mod bundle;
pub mod completions;
pub mod env;
pub mod init;
pub mod install;
pub mod kubeconfig;
pub mod lint;
pub mod lock;
pub mod man;
pub mod patch;
pub mod policy;
pub mod token;
pub mod uninstall;
pub mod verify;
