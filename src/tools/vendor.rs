//! What a vendor says of its versions: which is the newest, what vouches for a file, what is refused.

use serde::{Deserialize, Deserializer};
use url::Url;

use crate::tools::signature::Fingerprint;
use crate::tools::template::Template;
use crate::tools::version::Version;

/// The keys of the catalog that `bootstrap lock` reads.
#[derive(Clone, Debug)]
pub struct VendorSays {
    /// What vouches for an artifact.
    pub proof: Option<Proof>,
    /// Where the newest version is named.
    pub latest: Option<Latest>,
    /// The versions that can be pinned; none: all.
    pub series: Option<Series>,
}

/// What vouches for an artifact.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A signature.
    Signature(SignatureEntry),
    /// A list of digests, or the digest alone.
    Checksums(Template),
}

/// A detached OpenPGP signature.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureEntry {
    /// Where it is.
    pub url: Template,
    /// The only key that counts.
    #[serde(deserialize_with = "crate::strict_yaml::text")]
    pub key: Fingerprint,
}

/// Where the newest version is named.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latest {
    /// How.
    pub form: Form,
    /// Where.
    #[serde(deserialize_with = "url")]
    pub url: Url,
}

/// How a version is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// A text that is the version.
    Text,
    /// A redirect to a URL that ends with it.
    Redirect,
    /// A JSON list of all, in which long-term versions are marked `lts`.
    Index,
}

/// Versions that can be pinned.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// The first.
    pub since: Version,
    /// The first that cannot.
    pub before: Version,
    /// Why the others cannot.
    pub why: String,
}

impl Series {
    /// Whether a version is one of them.
    pub fn has(&self, version: &Version) -> bool {
        *version >= self.since && *version < self.before
    }
}

fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    crate::strict_yaml::text(deserializer)
}

/// The newest version that this answer names.
pub fn newest(form: Form, answer: &str) -> Option<Version> {
    match form {
        Form::Text => answer.trim().parse().ok(),
        Form::Redirect => answer.rsplit('/').next()?.parse().ok(),
        Form::Index => {
            #[derive(Deserialize)]
            struct Listed {
                version: Version,
                /// The name of the long-term series, else false.
                lts: serde_json::Value,
            }
            let listed: Vec<Listed> = serde_json::from_str(answer).ok()?;
            let long_term = listed.into_iter().filter(|one| one.lts.is_string());
            long_term.map(|one| one.version).max()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(form: Form, answer: &str, expected: Option<&str>) {
        let found = newest(form, answer);
        assert_eq!(found.as_ref().map(Version::as_str), expected, "{answer}");
    }

    #[test]
    fn the_newest_version_is_read_in_every_form() {
        check(Form::Text, "2.38.5\n", Some("2.38.5"));
        check(Form::Text, "v1.35.2", Some("1.35.2"));
        check(
            Form::Redirect,
            "https://h.example/o/r/releases/tag/v0.7.20",
            Some("0.7.20"),
        );
        let index = r#"[
            {"version":"v25.1.0","date":"2026-10-01","lts":false},
            {"version":"v22.23.3","lts":"Jod"},
            {"version":"v24.21.0","lts":"Krypton"},
            {"version":"v9.9.9","lts":false}
        ]"#;
        check(Form::Index, index, Some("24.21.0"));
    }

    #[test]
    fn what_names_no_version_is_none() {
        check(Form::Text, "", None);
        check(Form::Text, "NoSuchKey: the key does not exist", None);
        check(Form::Redirect, "https://h.example/login", None);
        check(Form::Redirect, "https://h.example/o/r/releases", None);
        check(Form::Index, "{}", None);
        check(Form::Index, r#"[{"version":"v25.1.0","lts":false}]"#, None);
    }
}
