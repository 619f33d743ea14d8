//! IAM documents: who may assume a role, what a role may do, and what a given document lacks.
//!
//! `trust` makes trust policies from `issuer`, `subject` and `principal`; `permissions` merges the sets
//! of `set`, narrowed to a `scope`; `check` holds given documents against them. Nothing here knows AWS
//! calls.

pub mod agree;
pub mod check;
pub mod document;
pub mod error;
pub mod issuer;
pub mod pattern;
pub mod permissions;
pub mod principal;
pub mod reach;
pub mod scope;
pub mod set;
pub mod subject;
pub mod texts;
pub mod trust;

pub use document::Document;
pub use error::Error;
pub use set::Set;
