//! Delegate manifests as their operators know them: which documents make up a delegate, and how they
//! are changed for IRSA and for INIT_SCRIPT.
//!
//! [`Manifests`] holds what was read, from one file or many; [`patch::patch`] changes it.

pub mod access;
pub mod delivery;
pub mod error;
pub mod home;
pub mod init_script;
pub mod lint;
pub mod names;
pub mod objects;
mod passed_over;
pub mod patch;
pub mod pod;
pub mod prefix;
pub mod record;
pub mod remove;
mod take_out;
pub mod values;
pub mod wearer;
pub mod workload;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use objects::{Manifests, Object};
pub use workload::Workload;
