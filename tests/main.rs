//! The integration tests: the program as its users meet it, and its way to the network.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a failed test function is a failed test"
)]

mod architecture;
mod http;
mod readme;
mod server;
