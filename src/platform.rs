//! The platforms that tools are published for, and the names vendors give them.

use std::fmt;
use std::str::FromStr;

/// A processor architecture of Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Arch {
    /// x86-64.
    Amd64,
    /// 64-bit Arm, little-endian.
    Arm64,
}

/// An operating system with a processor architecture, written `linux/amd64` as in OCI images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Platform {
    /// The architecture; the operating system is always Linux.
    pub arch: Arch,
}

impl Platform {
    /// All platforms, in the order in which they are shown.
    pub const ALL: [Self; 2] = [Self { arch: Arch::Amd64 }, Self { arch: Arch::Arm64 }];

    /// The platform this program was built for.
    pub const fn host() -> Self {
        let arch = if cfg!(target_arch = "aarch64") {
            Arch::Arm64
        } else {
            Arch::Amd64
        };
        Self { arch }
    }
}

impl Arch {
    /// `amd64` or `arm64`: Go, OCI and Kubernetes.
    pub const fn go(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// `x86_64` or `aarch64`: the kernel and the AWS CLI.
    pub const fn uname(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }

    /// `x64` or `arm64`: Node.js.
    pub const fn node(self) -> &'static str {
        match self {
            Self::Amd64 => "x64",
            Self::Arm64 => "arm64",
        }
    }

    /// The `e_machine` of its ELF files (System V ABI: `EM_X86_64`, `EM_AARCH64`).
    pub const fn elf_machine(self) -> u16 {
        match self {
            Self::Amd64 => 62,
            Self::Arm64 => 183,
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "linux/{}", self.arch.go())
    }
}

impl FromStr for Platform {
    type Err = UnknownPlatform;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|platform| platform.to_string() == text)
            .ok_or_else(|| UnknownPlatform {
                text: text.to_owned(),
            })
    }
}

/// The text names no platform that tools are published for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a platform: it takes linux/amd64 or linux/arm64")]
pub struct UnknownPlatform {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_round_trips() {
        for platform in Platform::ALL {
            assert_eq!(platform.to_string().parse(), Ok(platform));
        }
    }

    #[test]
    fn other_platforms_are_refused_by_name() {
        let error = "linux/s390x".parse::<Platform>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`linux/s390x` is not a platform: it takes linux/amd64 or linux/arm64"
        );
    }
}
