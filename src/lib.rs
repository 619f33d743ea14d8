//! `bootstrap`: verified tools on a Harness Delegate at start.

pub mod archive;
pub mod backoff;
pub mod cache;
pub mod cli;
pub mod commands;
pub mod config;
pub mod context;
pub mod deadline;
pub mod digest;
pub mod elf;
pub mod error;
pub mod fault;
pub mod files;
pub mod http;
pub mod options;
pub mod platform;
pub mod report;
pub mod runtime;
pub mod strict_yaml;
pub mod timespan;
pub mod tools;
