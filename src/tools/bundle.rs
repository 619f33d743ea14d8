//! Bundles: all that a lock pins, as a directory or one tar, to be carried where no vendor is in reach.
//!
//! `bootstrap.lock` is the lock, `<alg>/<hex>` each artifact. That is the layout that a mirror without
//! placeholders has, so a bundle is a mirror wherever it is put: a directory, a web server, a bucket, an
//! image. An npm tool, hundreds of packages, is one artifact for every platform, made of its packages.

mod choose;
mod compose;
mod create;
mod error;
mod place;
mod read;
mod verify;

pub use create::{Made, Maker, Row};
pub use error::Error;
pub use place::{Form, Place};
pub use read::{Bundle, ReadError};
pub use verify::{Finding, Problem, Verdict};

use crate::digest::Algorithm;

/// The name of the lock in a bundle.
pub const LOCK: &str = "bootstrap.lock";

/// The directories of a bundle.
const DIRECTORIES: [&str; 2] = [Algorithm::Sha256.name(), Algorithm::Sha512.name()];
