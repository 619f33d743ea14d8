//! The integration tests: the program as its users meet it, and its way to the network.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a failed test function is a failed test"
)]

mod api_server;
mod architecture;
mod archives;
mod aws;
mod bearer;
mod cloud;
mod clusters;
mod config;
mod deadline;
mod env;
mod examples;
mod fixture;
mod fuzz;
mod help;
mod http;
mod iam;
mod init;
mod install;
mod kubeconfig;
mod lint;
mod lint_values;
mod lock;
mod mirrors;
mod moto;
mod npm;
mod options;
mod patch;
mod patch_inputs;
mod patch_kubectl;
mod patch_output;
mod patch_refusals;
mod patch_remove;
mod patch_tools;
mod patch_values;
mod place;
mod policy;
mod readme;
mod relink;
mod secrets;
mod server;
mod token;
mod uninstall;
mod untrusted;
mod verify;
mod world;
