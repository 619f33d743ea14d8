//! The integration tests.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test function is a failed test"
)]

mod archives;
mod fixture;
mod help;
mod install;
mod server;
mod world;
