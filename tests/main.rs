//! The integration tests.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test function is a failed test"
)]

mod archives;
mod config;
mod deadline;
mod env;
mod fixture;
mod help;
mod init;
mod install;
mod mirrors;
mod npm;
mod options;
mod place;
mod policy;
mod secrets;
mod server;
mod uninstall;
mod untrusted;
mod world;
