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
mod fixture;
mod help;
mod init;
mod install;
mod place;
mod policy;
mod server;
mod untrusted;
mod world;
