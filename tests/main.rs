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
mod backoff;
mod bearer;
mod bundle;
mod cache;
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
mod partitions;
mod patch;
mod patch_accounts;
mod patch_inputs;
mod patch_kubectl;
mod patch_nulls;
mod patch_output;
mod patch_refusals;
mod patch_remove;
mod patch_scripts;
mod patch_tools;
mod patch_values;
mod place;
mod pod;
mod policy;
mod readme;
mod reference;
mod relink;
mod secrets;
mod server;
mod serverless;
mod token;
mod uninstall;
mod untrusted;
mod verify;
mod world;
