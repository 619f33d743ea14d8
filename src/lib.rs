//! `bootstrap`: verified tools on a Harness Delegate at start.

pub mod cache;
pub mod context;
pub mod deadline;
pub mod digest;
pub mod files;
pub mod platform;
