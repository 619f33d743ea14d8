//! Mirrors: other places that an artifact may come from, which its digest makes as good as the origin.

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::digest::Digest;
use crate::strict_yaml;
use crate::tools::builtin;

/// The URL of a mirror with `{host}`, `{path}`, `{alg}` and `{hex}` in it.
///
/// `{host}` is the host of the origin, `{path}` its path as it is encoded there, `{alg}` and `{hex}` are
/// the digest. With none of them, `/{alg}/{hex}` is appended: the layout of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorTemplate(String);

/// What a digest with no placeholder in the template is found under.
const BUNDLE: &str = "/{alg}/{hex}";

/// The values of the placeholders for one artifact.
struct Values<'a> {
    host: &'a str,
    path: &'a str,
    alg: &'a str,
    hex: &'a str,
}

impl MirrorTemplate {
    /// Where the mirror has the artifact of `origin`.
    ///
    /// None when it cannot have it: a local origin has no host and path that mean anything elsewhere, and
    /// no path is made that would leave the directory of a `file` mirror.
    pub fn source(&self, origin: &Url, digest: &Digest) -> Option<Url> {
        let by_name = self.0.contains("{host}") || self.0.contains("{path}");
        if by_name && origin.scheme() == "file" {
            return None;
        }
        let host = origin.host_str().unwrap_or_default();
        let path = origin.path().trim_start_matches('/');
        // A host may be `..` as far as the URL standard is concerned.
        let inside = stays_inside(host) && path.split('/').all(stays_inside);
        if by_name && self.0.starts_with("file:") && !inside {
            return None;
        }
        self.fill(&Values {
            host,
            path,
            alg: digest.algorithm().name(),
            hex: &digest.hex(),
        })
    }

    fn fill(&self, values: &Values<'_>) -> Option<Url> {
        let mut text = String::new();
        let mut rest = self.0.as_str();
        while let Some((before, tail)) = rest.split_once('{') {
            let (name, after) = tail.split_once('}')?;
            text.push_str(before);
            text.push_str(match name {
                "host" => values.host,
                "path" => values.path,
                "alg" => values.alg,
                "hex" => values.hex,
                _ => return None,
            });
            rest = after;
        }
        text.push_str(rest);
        Url::parse(&text).ok()
    }
}

/// Whether a segment of a path, once it is decoded, names a thing in its directory.
fn stays_inside(segment: &str) -> bool {
    let decoded: Vec<u8> = percent_decode_str(segment).collect();
    !matches!(decoded.as_slice(), b"." | b".." | b"")
        && !decoded.iter().any(|byte| matches!(byte, b'/' | 0))
}

/// Where to look for what has no digest yet, in order: the mirrors that go by name, then the origin
/// unless `no_origin`.
pub fn lookups(mirrors: &[MirrorTemplate], origin: &Url, no_origin: bool) -> Vec<Url> {
    let no_digest = Digest::sha256([0; 32]);
    let by_name = |mirror: &&MirrorTemplate| {
        !mirror.0.contains("{alg}") && !mirror.0.contains("{hex}") && !mirror.0.starts_with("file:")
    };
    let mirrored = mirrors.iter().filter(by_name);
    let mirrored = mirrored.filter_map(|mirror| mirror.source(origin, &no_digest));
    mirrored
        .chain((!no_origin).then(|| origin.clone()))
        .collect()
}

/// Where to look for an artifact, in order: the mirrors, then the origin unless `no_origin`.
pub fn sources(
    mirrors: &[MirrorTemplate],
    origin: &Url,
    digest: &Digest,
    no_origin: bool,
) -> Vec<Url> {
    let mut sources: Vec<Url> = Vec::new();
    let mirrored = mirrors
        .iter()
        .filter_map(|mirror| mirror.source(origin, digest));
    let last = (!no_origin || builtin::is_source(origin)).then(|| origin.clone());
    for source in mirrored.chain(last) {
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    sources
}

impl FromStr for MirrorTemplate {
    type Err = InvalidMirror;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut schemes = ["https://", "http://", "file:///"].into_iter();
        let rest = schemes
            .find_map(|scheme| text.strip_prefix(scheme))
            .ok_or(InvalidMirror::Scheme)?;
        if rest.starts_with('/') || (rest.is_empty() && !text.starts_with("file:")) {
            return Err(InvalidMirror::Placeholder);
        }
        let placeholder = text.contains(['{', '}']);
        let template = if placeholder {
            Self(text.to_owned())
        } else {
            Self(format!(
                "{}{BUNDLE}",
                text.strip_suffix('/').unwrap_or(text)
            ))
        };
        let sample = Values {
            host: "host",
            path: "path",
            alg: "sha256",
            hex: "00",
        };
        let url = template.fill(&sample).ok_or(InvalidMirror::Placeholder)?;
        if url.path().contains("%7D") {
            return Err(InvalidMirror::Placeholder);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidMirror::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidMirror::Query);
        }
        Ok(template)
    }
}

impl fmt::Display for MirrorTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MirrorTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        strict_yaml::text(deserializer)
    }
}

/// The text is not the URL of a mirror; it is not shown, for it may hold a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidMirror {
    /// Another scheme, or none.
    #[error("a mirror starts with https://, http:// or file:///")]
    Scheme,
    /// An unknown placeholder, or a URL that is broken around it.
    #[error("a mirror is a URL with no placeholders but {{host}}, {{path}}, {{alg}} and {{hex}}")]
    Placeholder,
    /// A password in the URL.
    #[error("a mirror takes its user name and password from a netrc file, not from its URL")]
    Credentials,
    /// Something after the path.
    #[error("a mirror's URL ends with its path: no `?` and no `#`")]
    Query,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn digest() -> Digest {
        format!("sha256:{HEX}").parse().unwrap()
    }

    fn check(template: &str, origin: &str, expected: &str) {
        let template: MirrorTemplate = template.parse().unwrap();
        let source = template.source(&origin.parse().unwrap(), &digest());
        assert_eq!(source.unwrap().as_str(), expected.replace("HEX", HEX));
    }

    #[test]
    fn every_placeholder_is_filled_and_the_path_stays_encoded() {
        let origin = "https://tools.example:8443/a%20b/%2B/tool-1.zip?src=x#y";
        check(
            "https://m.example/{host}/{path}",
            origin,
            "https://m.example/tools.example/a%20b/%2B/tool-1.zip",
        );
        check(
            "http://m.example/x/{alg}-{hex}",
            origin,
            "http://m.example/x/sha256-HEX",
        );
        check(
            "file:///mnt/{host}/{path}",
            origin,
            "file:///mnt/tools.example/a%20b/%2B/tool-1.zip",
        );
        check(
            "https://{host}.m.example/{path}",
            origin,
            "https://tools.example.m.example/a%20b/%2B/tool-1.zip",
        );
    }

    #[test]
    fn a_mirror_without_placeholders_has_the_layout_of_a_bundle() {
        check(
            "file:///mnt/bundle",
            "https://tools.example/t",
            "file:///mnt/bundle/sha256/HEX",
        );
        check(
            "https://m.example/b/",
            "file:///t",
            "https://m.example/b/sha256/HEX",
        );
    }

    #[test]
    fn what_is_not_a_mirror_is_refused() {
        for (text, error) in [
            ("", InvalidMirror::Scheme),
            ("ftp://m.example", InvalidMirror::Scheme),
            ("/mnt/bundle", InvalidMirror::Scheme),
            ("file://host/bundle", InvalidMirror::Scheme),
            ("https://m.example/{name}", InvalidMirror::Placeholder),
            ("https://m.example/{path", InvalidMirror::Placeholder),
            ("https://m.example/path}", InvalidMirror::Placeholder),
            ("https://", InvalidMirror::Placeholder),
            ("https://u:secret@m.example/", InvalidMirror::Credentials),
            ("https://m.example/?x={path}", InvalidMirror::Query),
            ("https://m.example/{path}#x", InvalidMirror::Query),
        ] {
            assert_eq!(text.parse::<MirrorTemplate>(), Err(error), "{text}");
        }
    }

    #[test]
    fn an_origin_cannot_lead_out_of_a_file_mirror() {
        let template: MirrorTemplate = "file:///mnt/m/{host}/{path}".parse().unwrap();
        for origin in [
            "https://h.example/..%2f..%2fetc/passwd",
            "https://h.example/a%00b",
            "https://../etc",
            "https://./etc",
            "https://h.example/a//b",
            "https://h.example/",
        ] {
            assert_eq!(
                template.source(&origin.parse().unwrap(), &digest()),
                None,
                "{origin}"
            );
        }
    }

    #[test]
    fn mirrors_come_in_order_and_the_origin_last_unless_it_is_left_out() {
        let mirrors = [
            "https://a.example".parse().unwrap(),
            "file:///b/{path}".parse().unwrap(),
        ];
        let origin: Url = "https://o.example/t".parse().unwrap();
        let shown = |no_origin| -> Vec<_> {
            let sources = sources(&mirrors, &origin, &digest(), no_origin);
            sources
                .iter()
                .map(|url| url.as_str().replace(HEX, "HEX"))
                .collect()
        };
        let all = [
            "https://a.example/sha256/HEX",
            "file:///b/t",
            "https://o.example/t",
        ];
        assert_eq!(shown(false), all);
        assert_eq!(shown(true), all[..2]);
    }

    #[test]
    fn what_has_no_digest_is_looked_up_where_names_lead() {
        let mirrors = [
            "https://a.example".parse().unwrap(),
            "file:///b/{path}".parse().unwrap(),
            "https://c.example/{host}/{path}".parse().unwrap(),
        ];
        let origin: Url = "https://o.example/t".parse().unwrap();
        let shown = |no_origin| -> Vec<_> {
            let lookups = lookups(&mirrors, &origin, no_origin);
            lookups.iter().map(Url::to_string).collect()
        };
        let all = ["https://c.example/o.example/t", "https://o.example/t"];
        assert_eq!(shown(false), all);
        assert_eq!(shown(true), all[..1]);
    }

    proptest! {
        #[test]
        fn a_file_mirror_is_never_left(host in "[a.]{1,3}", path in "[a./%2e5Cc\\\\]{0,24}") {
            let template: MirrorTemplate = "file:///mnt/m/{host}/{path}".parse().unwrap();
            if let Ok(origin) = format!("https://{host}/{path}").parse::<Url>()
                && let Some(source) = template.source(&origin, &digest())
            {
                let file = source.to_file_path().unwrap();
                prop_assert!(file.starts_with("/mnt/m"), "{}", file.display());
                let up = file.components().any(|part| part == std::path::Component::ParentDir);
                prop_assert!(!up, "{}", file.display());
            }
        }
    }
}
