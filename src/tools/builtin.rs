//! The tool that this program is itself: `aws-iam-authenticator@builtin`, for an air gap and for
//! starts that download nothing.
//!
//! It is installed as any other tool, from the file that is running: a copy in the prefix with a
//! receipt, and a link in `bin/` by whose name the program knows what it is to be. A link to the
//! running file itself would break with it: INIT_SCRIPT fetches it into a temporary directory, and
//! images are built in layers.

use std::fs::File;
use std::io;

use url::Url;

use super::names::ToolName;
use super::version::Version;
use super::{Artifact, Source};
use crate::digest::{Algorithm, Hasher};

/// The tool that this program can be.
pub const TOOL: &str = "aws-iam-authenticator";

/// The version that it says it is: the release whose commands it has, which is what those who ask
/// want to know, and our own as build metadata (Semantic Versioning 2.0.0, section 10).
pub const VERSION: &str = concat!("0.7.18+bootstrap.", env!("CARGO_PKG_VERSION"));

/// The file that is running, also when its name has gone to another one.
const RUNNING: &str = "file:///proc/self/exe";

/// Whether this is asked for.
pub fn is_wanted(tool: &ToolName, version: Option<&Version>) -> bool {
    tool.as_str() == TOOL && version.is_some_and(Version::is_builtin)
}

/// Whether this is where it comes from, which is no vendor's address.
pub fn is_source(url: &Url) -> bool {
    url.as_str() == RUNNING
}

/// The version, and the running program as an artifact: pinned by what it is, since who runs this
/// program trusts it already.
pub fn release() -> io::Result<(Version, Source)> {
    let url = Url::parse(RUNNING).map_err(io::Error::other)?;
    let mut file = File::open("/proc/self/exe")?;
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let size = hasher.read_all(&mut file)?;
    let version = VERSION.parse().map_err(io::Error::other)?;
    let artifact = Artifact {
        url,
        digest: hasher.finish(),
        size: Some(size),
        proof: "running".to_owned(),
    };
    Ok((version, Source::Artifact(artifact)))
}
