//! INIT_SCRIPT: our part of it, made from `scripts/init.sh`, and the user's part around it.

use std::fmt;
use std::str::FromStr;

use super::patch::Delivery;
use crate::arn::Arn;
use crate::cluster::Cluster;

/// What the delegate sources, with the places that are filled in.
const TEMPLATE: &str = include_str!("../../scripts/init.sh");

/// The first line of our part, without what stands behind it.
const BEGIN: &str = "# >>> bootstrap patch";

/// What stands behind it.
const BEGIN_NOTE: &str = ": this part is made anew whenever it runs >>>";

/// The last line of our part.
const END: &str = "# <<< bootstrap patch <<<";

/// A processor that a delegate runs on, as Kubernetes and Go name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Arch {
    /// x86-64.
    Amd64,
    /// 64-bit ARM.
    Arm64,
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        })
    }
}

/// The digest of a binary: `amd64=` or `arm64=` and the SHA-256 in hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The processor that the binary is for.
    pub arch: Arch,
    /// 64 hex digits, in lower case.
    pub hex: String,
}

impl FromStr for Pin {
    type Err = InvalidPin;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (arch, hex) = text.split_once('=').ok_or(InvalidPin)?;
        let arch = match arch {
            "amd64" => Arch::Amd64,
            "arm64" => Arch::Arm64,
            _ => return Err(InvalidPin),
        };
        let is_digest = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_digest
            .then(|| Self {
                arch,
                hex: hex.to_ascii_lowercase(),
            })
            .ok_or(InvalidPin)
    }
}

/// The text is no pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it takes `amd64=` or `arm64=` and a SHA-256, 64 hex digits")]
pub struct InvalidPin;

/// Where the binary is downloaded from: an address with `{arch}` in the place of the processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinaryUrl(String);

impl BinaryUrl {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is an address for each processor.
    pub fn has_arch(&self) -> bool {
        self.0.contains("{arch}")
    }
}

impl FromStr for BinaryUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"));
        let is_visible = text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\'');
        // The kubelet puts variables in the place of `$(NAME)`, and makes one `$` of two.
        if text.contains('$') {
            return Err(InvalidUrl::Dollar);
        }
        let has_host = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
        (is_visible && has_host)
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidUrl::Form)
    }
}

/// The text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// It is no such address.
    #[error(
        "it takes an address that starts with https:// or http://, with `{{arch}}` for the processor"
    )]
    Form,
    /// It has a dollar sign.
    #[error("`$` would be expanded in the cluster: write `%24`")]
    Dollar,
}

/// What `bootstrap init` is told.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// The tools, as `--tools` takes them.
    pub tools: Vec<String>,
    /// The clusters.
    pub clusters: Vec<Cluster>,
}

impl Wishes {
    /// The first of them with a `$`, which the kubelet would expand (Kubernetes documentation, "Define
    /// Dependent Environment Variables").
    pub fn expanded(&self) -> Option<String> {
        self.arguments().into_iter().find(|word| word.contains('$'))
    }

    /// The arguments behind `bootstrap`.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["init".to_owned()];
        if !self.tools.is_empty() {
            arguments.extend(["--tools".to_owned(), self.tools.join(",")]);
        }
        for cluster in &self.clusters {
            arguments.extend(["--cluster".to_owned(), argument(cluster)]);
        }
        arguments
    }
}

/// A cluster as `--cluster` takes it.
fn argument(cluster: &Cluster) -> String {
    let Cluster {
        name,
        arn,
        region,
        role,
        external_id,
        alias,
    } = cluster;
    // An ARN has the region in it.
    let region = region.as_ref().filter(|_| arn.is_none());
    let name = arn
        .as_ref()
        .map_or_else(|| name.to_string(), Arn::to_string);
    let parts = [
        Some(format!("name={name}")),
        region.map(|region| format!("region={region}")),
        role.as_ref()
            .map(|role| format!("role-arn={}", role.as_str())),
        external_id
            .as_ref()
            .map(|id| format!("external-id={}", id.as_str())),
        alias.as_ref().map(|alias| format!("alias={alias}")),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    match parts.as_slice() {
        [_] => name,
        parts => parts.join(","),
    }
}

/// Our part, with its marks.
pub fn part(delivery: &Delivery, wishes: &Wishes, prefix: &str) -> String {
    let body = match delivery {
        Delivery::InitContainer { .. } => on_path(prefix),
        Delivery::Image => fill("", &[], wishes),
        Delivery::Script { url, pins } => fill(url.as_str(), pins, wishes),
    };
    format!("{BEGIN}{BEGIN_NOTE}\n{body}{END}\n")
}

/// The template with an address, digests and arguments.
fn fill(url: &str, pins: &[Pin], wishes: &Wishes) -> String {
    // The comment at its head is for those who fill it in by hand.
    let code = TEMPLATE
        .split_inclusive('\n')
        .skip_while(|line| line.starts_with('#'));
    let arguments: Vec<_> = wishes.arguments().iter().map(|word| quoted(word)).collect();
    let pin = |arch: Arch| {
        let pin = pins.iter().find(|pin| pin.arch == arch);
        pin.map_or("", |pin| pin.hex.as_str())
    };
    code.collect::<String>()
        .replacen("BOOTSTRAP_URL=''", &format!("BOOTSTRAP_URL='{url}'"), 1)
        .replacen(
            "BOOTSTRAP_SHA256_AMD64=''",
            &format!("BOOTSTRAP_SHA256_AMD64='{}'", pin(Arch::Amd64)),
            1,
        )
        .replacen(
            "BOOTSTRAP_SHA256_ARM64=''",
            &format!("BOOTSTRAP_SHA256_ARM64='{}'", pin(Arch::Arm64)),
            1,
        )
        .replacen(
            "\"$bin\" init ",
            &format!("\"$bin\" {} ", arguments.join(" ")),
            1,
        )
}

/// What `bootstrap env` prints for a prefix: the init container has the binary, the delegate not.
fn on_path(prefix: &str) -> String {
    let bin = quoted(&format!("{prefix}/bin"));
    format!(
        "case \":${{PATH-}}:\" in *:{bin}:*) ;; *) export PATH={bin}\"${{PATH:+:$PATH}}\" ;; esac\n"
    )
}

/// A word for a shell, in quotes where it needs them.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=,@+".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A script, told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'t> {
    /// What stands before our part; all of it where there is none.
    pub before: &'t str,
    /// Our part.
    pub ours: Option<&'t str>,
    /// What stands behind it.
    pub after: &'t str,
}

impl<'t> Parts<'t> {
    /// Tells a script apart by the marks.
    pub fn of(script: &'t str) -> Self {
        let whole = Self {
            before: script,
            ours: None,
            after: "",
        };
        let Some(begin) = line_of(script, BEGIN) else {
            return whole;
        };
        let Some((before, rest)) = script.split_at_checked(begin) else {
            return whole;
        };
        let Some(end) = line_of(rest, END) else {
            return whole;
        };
        let line = rest.get(end..).and_then(|line| line.find('\n'));
        let end = line.map_or(rest.len(), |line| end + line + 1);
        let (ours, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        Self {
            before,
            ours: Some(ours),
            after,
        }
    }

    /// What is the user's.
    pub fn user(&self) -> String {
        format!("{}{}", self.before, self.after)
    }

    /// The script with our part in its place; where there was none, before the user's.
    pub fn with(&self, ours: &str) -> String {
        match self.ours {
            Some(_) => format!("{}{ours}{}", self.before, self.after),
            None => format!("{ours}{}", self.before),
        }
    }
}

/// What to do about [`damage`].
pub const DAMAGE_HINT: &str = "take our lines out by hand, from `# >>> bootstrap patch` to `# <<< bootstrap patch <<<`, and run it again";

/// What a line of our part begins with in which builds of before the first release said what else
/// they had added.
const OLD_RECORD: &str = "# added: ";

/// Why our part of a script cannot be told: what is left of another one would stay, and run.
pub fn damage(script: &str) -> Option<String> {
    let mut open = None;
    let mut parts = 0;
    for (number, line) in (1..).zip(script.lines()) {
        if line.starts_with(BEGIN) {
            if let Some(open) = open.replace(number) {
                return Some(format!(
                    "the part of bootstrap in INIT_SCRIPT that begins in its line {open} has no end"
                ));
            }
            parts += 1;
        } else if line.starts_with(END) && open.take().is_none() {
            return Some(format!(
                "the part of bootstrap in INIT_SCRIPT that ends in its line {number} has no beginning"
            ));
        } else if let Some(added) = line.strip_prefix(OLD_RECORD).filter(|_| open.is_some()) {
            return Some(format!(
                "the part of bootstrap in INIT_SCRIPT is of another build, which also added {added}: take that out too"
            ));
        }
    }
    match open {
        Some(open) => Some(format!(
            "the part of bootstrap in INIT_SCRIPT that begins in its line {open} has no end"
        )),
        None => (parts > 1)
            .then(|| format!("INIT_SCRIPT has {parts} parts of bootstrap, which would all run")),
    }
}

/// Where a line begins that starts so.
fn line_of(text: &str, start: &str) -> Option<usize> {
    let mut at = 0;
    text.split_inclusive('\n').find_map(|line| {
        let found = line.starts_with(start).then_some(at);
        at += line.len();
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes() -> Wishes {
        Wishes {
            tools: vec!["aws-cli".to_owned(), "serverless@2.50.0".to_owned()],
            clusters: vec![
                "a".parse().unwrap(),
                "name=b,region=us-east-1,alias=it's".parse().unwrap(),
            ],
        }
    }

    #[test]
    fn a_cluster_is_written_as_it_can_be_read_again() {
        let arn = "arn:aws:eks:us-east-1:111122223333:cluster/payments";
        for text in [
            "payments",
            arn,
            &format!("name={arn},role-arn=arn:aws:iam::111122223333:role/deployer"),
            "name=payments,region=us-east-1,alias=prod",
        ] {
            assert_eq!(argument(&text.parse().unwrap()), text);
        }
    }

    #[test]
    fn each_place_of_the_template_is_there_once_and_filled_in() {
        for place in [
            "BOOTSTRAP_URL=''",
            "BOOTSTRAP_SHA256_AMD64=''",
            "BOOTSTRAP_SHA256_ARM64=''",
            "\"$bin\" init ",
        ] {
            assert_eq!(TEMPLATE.matches(place).count(), 1, "{place}");
        }
        let pin: Pin = format!("arm64={}", "aB".repeat(32)).parse().unwrap();
        let filled = fill("https://h.test/{arch}", &[pin], &wishes());
        for place in [
            "BOOTSTRAP_URL='https://h.test/{arch}'\n",
            "BOOTSTRAP_SHA256_AMD64=''\n",
            &format!("BOOTSTRAP_SHA256_ARM64='{}'\n", "ab".repeat(32)),
            "  \"$bin\" init --tools aws-cli,serverless@2.50.0 --cluster a --cluster 'name=b,region=us-east-1,alias=it'\\''s' </dev/null",
        ] {
            assert!(filled.contains(place), "{place}\n{filled}");
        }
    }

    #[test]
    fn the_kubelet_expands_nothing_in_our_part() {
        // It makes one `$` of two, and puts variables in the place of `$(NAME)`.
        let filled = fill("https://h.test/{arch}", &[], &wishes());
        assert!(!filled.contains("$$"));
        for (at, _) in filled.match_indices("$(") {
            let name = filled.get(at + 2..).unwrap().split(')').next().unwrap();
            let is_name = name
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_');
            assert!(!is_name, "$({name})");
        }
    }

    #[test]
    fn our_part_is_told_from_the_users() {
        let ours = part(&Delivery::Image, &wishes(), "/p");
        for (before, after) in [("", ""), ("a\n", "b"), ("", "#!/bin/bash\nb\n")] {
            let script = format!("{before}{ours}{after}");
            let parts = Parts::of(&script);
            assert_eq!(parts.before, before);
            assert_eq!(parts.ours, Some(ours.as_str()));
            assert_eq!(parts.after, after);
            assert_eq!(parts.with("new\n"), format!("{before}new\n{after}"));
        }
        for whole in [String::new(), "a\n".to_owned(), format!("a\n{ours}b\n")] {
            assert_eq!(damage(&whole), None);
        }
        let damaged = |script: String, words: &str| {
            let found = damage(&script).unwrap();
            assert!(found.contains(words), "{found}");
        };
        damaged(format!("{ours}{ours}"), "has 2 parts");
        damaged(ours.replace(END, ""), "begins in its line 1 has no end");
        damaged(
            format!("{}{ours}", ours.replace(END, "")),
            "line 1 has no end",
        );
        damaged(format!("a\n{END}\n"), "ends in its line 2 has no beginning");
        damaged(
            ours.replace(END, &format!("# added: env:A\n{END}")),
            "of another build, which also added env:A",
        );
        assert_eq!(damage(&format!("# added: by me\n{ours}")), None);
        let half = ours.replace(END, "");
        assert_eq!(Parts::of(&half).user(), half);
        assert_eq!(Parts::of("a").with(&ours), format!("{ours}a"));
    }

    #[test]
    fn addresses_and_digests_are_checked() {
        assert!("https://h/{arch}".parse::<BinaryUrl>().unwrap().has_arch());
        for bad in [
            "",
            "file:///b",
            "https://",
            "https:///b",
            "https://h/'",
            "https://h/a b",
            "https://h/$(A)",
        ] {
            assert!(bad.parse::<BinaryUrl>().is_err(), "{bad}");
        }
        for bad in ["", "amd64", "amd64=", "mips=00", "amd64=zz"] {
            assert!(bad.parse::<Pin>().is_err(), "{bad}");
        }
    }
}
