//! The directory in the pod that the tools go to.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use super::patch::Plan;
use super::pod::name_of;
use super::{Error, Manifests};
use crate::yaml::Node;

/// The variable that says it.
pub const VARIABLE: &str = "BOOTSTRAP_PREFIX";

/// The working directory of the delegate's image, where its start script is.
pub const WORKING_DIRECTORY: &str = "/opt/harness-delegate";

/// Directories that a system has its own things in (Filesystem Hierarchy Standard 3.0): a volume there
/// would hide them.
const SYSTEM: [&str; 27] = [
    "/bin",
    "/boot",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/opt",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/lib",
    "/usr/local/sbin",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/lib",
    "/var/log",
    "/var/run",
    "/var/tmp",
];

/// Directories that the kernel fills, with all below them.
const KERNEL: [&str; 3] = ["/dev", "/proc", "/sys"];

/// An absolute path in a pod, where a volume can be mounted and a shell can be told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// The text, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Prefix {
    type Err = InvalidPrefix;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b":'\"$\\".contains(&byte);
        let is_path = text.starts_with('/') && text.bytes().all(is_plain);
        let path = text.trim_end_matches('/');
        if !is_path || path.is_empty() {
            return Err(InvalidPrefix::Form(text.to_owned()));
        }
        let mut parts = path.split('/').skip(1);
        if parts.any(|part| matches!(part, "" | "." | "..")) {
            return Err(InvalidPrefix::Steps(text.to_owned()));
        }
        let is_kernels = KERNEL
            .iter()
            .any(|above| Path::new(path).starts_with(above));
        if is_kernels || SYSTEM.contains(&path) {
            return Err(InvalidPrefix::System(text.to_owned()));
        }
        Ok(Self(path.to_owned()))
    }
}

/// The text cannot be a prefix in a pod.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPrefix {
    /// It is no such path.
    #[error(
        "`{0}` cannot be the prefix in a pod: it takes an absolute path without blanks, quotes, `:` and `$`"
    )]
    Form(String),
    /// It has steps that lead nowhere or up.
    #[error("`{0}` cannot be the prefix in a pod: it takes a path without `.`, `..` and `//`")]
    Steps(String),
    /// The system has its own things there.
    #[error(
        "`{0}` cannot be the prefix in a pod: the volume that is mounted there would hide the system's files"
    )]
    System(String),
}

/// The one that is wanted, else the one of BOOTSTRAP_PREFIX in a list of variables, else the usual
/// one. The delegate's own directory is refused, and what is above it.
pub(super) fn of_pod(
    manifests: &Manifests<'_>,
    (variables, file): (Option<Node<'_>>, usize),
    plan: &Plan,
    working_directory: &str,
) -> Result<String, Error> {
    let prefix = match &plan.prefix {
        Some(prefix) => prefix.to_string(),
        None => match of_variable(manifests, variables, file)? {
            Some(prefix) => prefix.to_string(),
            None => return usual(manifests, (variables, file), working_directory),
        },
    };
    if let Some(hidden) = hidden(&prefix, working_directory) {
        return Err(Error::Conflict {
            message: format!(
                "a volume at {prefix} would hide what the image has in {hidden}: the delegate's start script"
            ),
            hint: "choose a directory that has nothing but the tools in it, or leave --prefix out",
        });
    }
    Ok(prefix)
}

/// The directory in the working directory, which whoever wrote the manifest may have named.
fn usual(
    manifests: &Manifests<'_>,
    (variables, file): (Option<Node<'_>>, usize),
    working_directory: &str,
) -> Result<String, Error> {
    let path = format!("{working_directory}/bootstrap");
    let Err(error) = path.parse::<Prefix>() else {
        return Ok(path);
    };
    let message = format!("below WORKING_DIR, {error}");
    let hint = "name another directory with --prefix";
    let item = variables.and_then(|list| list.item_where("name", "WORKING_DIR"));
    Err(match item.and_then(|(_, item)| item.get("value")) {
        Some(value) => manifests.refusal(file, value, message, hint),
        None => Error::Conflict { message, hint },
    })
}

/// The working directory that a volume at a path would hide.
pub(super) fn hidden<'d>(path: &str, working_directory: &'d str) -> Option<&'d str> {
    let is_above = |directory: &&str| Path::new(directory).starts_with(path);
    [working_directory, WORKING_DIRECTORY]
        .into_iter()
        .find(is_above)
}

/// What BOOTSTRAP_PREFIX says; nothing where it is not there or empty.
fn of_variable(
    manifests: &Manifests<'_>,
    variables: Option<Node<'_>>,
    file: usize,
) -> Result<Option<Prefix>, Error> {
    let items = variables.into_iter().flat_map(Node::items);
    // Of several, the last one counts.
    let Some(item) = items.filter(|item| name_of(*item) == Some(VARIABLE)).last() else {
        return Ok(None);
    };
    let hint = "give it a `value` that is an absolute path, or take it out";
    if let Some(from) = item.get("valueFrom") {
        let message =
            format!("{VARIABLE} comes from elsewhere, and a volume is to be mounted there");
        return Err(manifests.refusal(file, from, message, hint));
    }
    let Some(value) = item.get("value") else {
        return Ok(None);
    };
    match value.scalar().filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => match text.parse() {
            Ok(prefix) => Ok(Some(prefix)),
            Err(error) => Err(manifests.refusal(file, value, error.to_string(), hint)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_directory_of_its_own() {
        let check = |text: &str| text.parse::<Prefix>().map(|prefix| prefix.to_string());
        assert_eq!(check("/data/").as_deref(), Ok("/data"));
        for good in ["/opt/bootstrap", "/usr/local/bootstrap", "/tmp/b", "/etc/b"] {
            assert_eq!(check(good).as_deref(), Ok(good));
        }
        for bad in ["", "/", "//", "a", "/a b", "/a$b", "/a:b"] {
            assert!(matches!(check(bad), Err(InvalidPrefix::Form(_))), "{bad}");
        }
        for bad in ["/a/../b", "/a/..", "/./a", "/a//b"] {
            assert!(matches!(check(bad), Err(InvalidPrefix::Steps(_))), "{bad}");
        }
        for bad in ["/etc", "/usr/local/bin/", "/proc/1", "/opt"] {
            assert!(matches!(check(bad), Err(InvalidPrefix::System(_))), "{bad}");
        }
    }

    #[test]
    fn a_volume_above_the_delegate_hides_it() {
        assert_eq!(hidden("/data", "/data/delegate"), Some("/data/delegate"));
        assert_eq!(
            hidden("/opt/harness-delegate", "/d"),
            Some(WORKING_DIRECTORY)
        );
        assert_eq!(hidden("/opt/harness-delegate/b", "/d"), None);
        assert_eq!(hidden("/opt/harness", "/d"), None);
    }
}
