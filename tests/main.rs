//! The integration tests: the program as its users meet it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed test function is a failed test"
)]
#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a failed test function is a failed test"
)]

mod architecture;
mod readme;
