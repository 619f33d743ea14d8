//! `bootstrap` puts verified tools on a Harness Delegate at start.
//!
//! A command enters at the top and travels down; no module imports one above it, which
//! `tests/architecture.rs` holds.
//!
//! ```text
//! main -> cli -> commands -> conclusion -> options -> config ---+
//!                    |            |           |                 |
//!                    |            +-----------+--> verify <-----+--- report, error
//!                    |                               |
//!                    +--> delegate        cluster <--+--> tools
//!                             |              |              |
//!                             |             aws             |
//!                             +--------------+--------------+
//!     ground: http cache archive files elf digest platform program deadline backoff runtime
//!             yaml strict_yaml diff arn timespan fault
//! ```
//!
//! To read it from the start: [`cli`], [`commands::init`], [`options`], [`tools::plan`],
//! [`tools::install`], and then what that stands on: [`http`] and [`archive`]; for clusters
//! [`cluster::kubeconfig`], [`aws`] and [`verify`]; for manifests [`delegate`] and [`yaml`]; for IAM
//! documents [`policy`].

pub mod cli;
pub mod commands;
pub mod conclusion;
pub mod options;

pub mod config;
pub mod context;
pub mod error;
pub mod report;

pub mod verify;

pub mod cluster;
pub mod delegate;
pub mod policy;
pub mod tools;

pub mod aws;

pub mod archive;
pub mod arn;
pub mod backoff;
pub mod cache;
pub mod deadline;
pub mod diff;
pub mod digest;
pub mod elf;
pub mod fault;
pub mod files;
pub mod http;
pub mod platform;
pub mod program;
pub mod runtime;
pub mod strict_yaml;
pub mod timespan;
pub mod yaml;
