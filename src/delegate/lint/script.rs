//! INIT_SCRIPT: what the delegate sources under `bash -e`, with what its image has.

use super::super::home::Home;
use super::super::init_script::Parts;
use super::Linter;
use super::downloads::{self, is_download};
use super::identity::{KEY, has_role};
use super::pod::{is_arm64, is_not_root};
use super::rules::{
    Rule, SCRIPT_APT, SCRIPT_ARCH, SCRIPT_CHECKSUM, SCRIPT_COMMENT, SCRIPT_CR, SCRIPT_DOLLARS,
    SCRIPT_EXEC, SCRIPT_EXIT, SCRIPT_NOUNSET, SCRIPT_PACKAGES, SCRIPT_UNZIP, STATIC_KEYS,
};
use super::shell::{Command, commands};
use super::writes::{bare, is_redirection, is_system, writes_here, writes_to_system};
use crate::strict_yaml::Location;
use crate::yaml::{Node, Stream, Style};

pub(super) fn check(linter: &mut Linter<'_, '_>) {
    let manifests = linter.manifests;
    for workload in linter.workloads {
        let Ok(home) = Home::find(manifests, workload) else {
            continue;
        };
        let Some(node) = home.node() else { continue };
        let file = match &home {
            Home::ConfigMap { file, .. } => *file,
            Home::Absent | Home::Variable { .. } => workload.object.file,
        };
        let script = Script {
            image: super::text(workload.container, &["image"]).unwrap_or_default(),
            is_not_root: is_not_root(workload),
            is_arm64: is_arm64(workload.pod),
            file,
            node,
            stream: manifests.streams().get(file),
            in_env: matches!(home, Home::Variable { .. }),
            has_role: has_role(linter, workload.account(), workload.object.namespace),
        };
        script.check(linter);
    }
}

/// A script, where it stands, and where it runs.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about where it runs"
)]
pub(super) struct Script<'s> {
    /// The image that it runs in.
    pub(super) image: &'s str,
    /// Whether it may not act as root there.
    pub(super) is_not_root: bool,
    /// Whether that is on arm64.
    pub(super) is_arm64: bool,
    pub(super) file: usize,
    pub(super) node: Node<'s>,
    pub(super) stream: Option<&'s Stream<'s>>,
    /// Whether the kubelet expands it.
    pub(super) in_env: bool,
    /// Whether the pods have a role.
    pub(super) has_role: bool,
}

impl Script<'_> {
    pub(super) fn check(&self, linter: &mut Linter<'_, '_>) {
        let whole = self.node.scalar().unwrap_or_default();
        let parts = Parts::of(whole);
        // Our part is tested elsewhere. Empty lines in its place keep the numbers of the lines.
        let ours = "\n".repeat(parts.ours.unwrap_or_default().matches('\n').count());
        let text = format!("{}{ours}{}", parts.before, parts.after);
        self.characters(linter, &text);
        let found = commands(&text);
        // Where a relative path leads, as far as `cd` says; that of a subshell ends with it.
        let (mut directory, mut is_inside) = ("", false);
        for command in &found {
            if is_inside && !command.in_subshell {
                (directory, is_inside) = ("", false);
            }
            self.command(linter, command, &found);
            self.keys(linter, command);
            self.writes(linter, command, directory);
            if let ("cd", Some(to)) = (command.name(), command.words.get(1)) {
                (directory, is_inside) = (bare(to), command.in_subshell);
            }
        }
        for fetch in downloads::unchecked(&text, &found) {
            let message = format!(
                "{} downloads a file whose digest nothing checks",
                fetch.name()
            );
            self.report(linter, &SCRIPT_CHECKSUM, fetch, message);
        }
    }

    fn characters(&self, linter: &mut Linter<'_, '_>, text: &str) {
        if let Some((line, _)) = text
            .split('\n')
            .enumerate()
            .find(|(_, line)| line.ends_with('\r'))
        {
            let at = self.place(line, 0);
            linter.report_at(
                &SCRIPT_CR,
                self.file,
                at,
                "a line ends with a carriage return",
            );
        }
        let dollars = text
            .lines()
            .enumerate()
            .find_map(|(line, text)| Some((line, text.get(..text.find("$$")?)?.chars().count())));
        if let Some((line, column)) = dollars
            && self.in_env
        {
            let at = self.place(line, column);
            linter.report_at(
                &SCRIPT_DOLLARS,
                self.file,
                at,
                "the kubelet makes one `$` of `$$`",
            );
        }
    }

    fn command(&self, linter: &mut Linter<'_, '_>, command: &Command<'_>, all: &[Command<'_>]) {
        let first = command.name();
        let rest = command.words.get(1..).unwrap_or_default();
        let say = |linter: &mut Linter<'_, '_>, rule, message: &str| {
            self.report(linter, rule, command, message.to_owned());
        };
        match first {
            _ if first.starts_with("//") => {
                say(
                    linter,
                    &SCRIPT_COMMENT,
                    "`//` is a directory for the shell: the delegate does not start",
                );
            }
            "exit" if !command.in_subshell => {
                say(
                    linter,
                    &SCRIPT_EXIT,
                    "exit ends the delegate's start script, which sources this",
                );
            }
            // With redirections alone, exec changes those of the shell.
            "exec"
                if !command.in_subshell
                    && rest.first().is_some_and(|word| !is_redirection(word)) =>
            {
                say(
                    linter,
                    &SCRIPT_EXEC,
                    "exec replaces the shell that was to start the delegate",
                );
            }
            "set" if !command.in_subshell && sets_nounset(rest) => {
                say(
                    linter,
                    &SCRIPT_NOUNSET,
                    "set -u stays on in the delegate's start script",
                );
            }
            "apt" | "apt-get" | "dpkg" if self.is_ubi() => {
                say(linter, &SCRIPT_APT, &format!("the image has no {first}"));
            }
            "unzip" if self.is_ubi() && !installs(all, "unzip") => {
                say(linter, &SCRIPT_UNZIP, "the image has no unzip");
            }
            "apt" | "apt-get" | "microdnf" | "dnf" | "yum" if self.is_not_root => {
                say(
                    linter,
                    &SCRIPT_PACKAGES,
                    &format!("{first} takes root, which the container is not"),
                );
            }
            _ => {}
        }
        let is_amd64 = |word: &&str| word.contains("amd64") || word.contains("x86_64");
        if is_download(command) && rest.iter().any(is_amd64) && self.is_arm64 {
            say(
                linter,
                &SCRIPT_ARCH,
                "the file is for amd64, and the pods run on arm64",
            );
        }
    }

    /// Keys that are set for all that follows.
    fn keys(&self, linter: &mut Linter<'_, '_>, command: &Command<'_>) {
        let exports = matches!(command.name(), "declare" | "export" | "typeset");
        let is_key = |word: &&str| {
            let value = word
                .strip_prefix(KEY)
                .and_then(|rest| rest.strip_prefix('='));
            value.is_some_and(|value| !bare(value).is_empty())
        };
        // What a shell of its own sets ends with it.
        let exports = exports && !command.in_subshell;
        if self.has_role && exports && command.words.iter().any(is_key) {
            let message =
                format!("INIT_SCRIPT sets {KEY}, and the ServiceAccount has a role: the keys win");
            self.report(linter, &STATIC_KEYS, command, message);
        }
    }

    /// What is written where only root may.
    fn writes(&self, linter: &mut Linter<'_, '_>, command: &Command<'_>, directory: &str) {
        if !self.is_not_root {
            return;
        }
        let first = command.name();
        let rest = command.words.get(1..).unwrap_or_default();
        let message = if writes_to_system(command) {
            "a directory of programs takes root, which the container is not"
        } else if is_system(directory) && writes_here(command) {
            "cd has led to a directory that takes root, which the container is not"
        } else if first.ends_with("/install")
            && first.contains("aws")
            && !rest.iter().any(|word| word.contains("-b"))
        {
            "the installer writes to /usr/local, which takes root"
        } else {
            return;
        };
        self.report(linter, &SCRIPT_PACKAGES, command, message.to_owned());
    }

    fn report(
        &self,
        linter: &mut Linter<'_, '_>,
        rule: &'static Rule,
        command: &Command<'_>,
        message: String,
    ) {
        linter.report_at(
            rule,
            self.file,
            self.place(command.line, command.column),
            message,
        );
    }

    /// Where a line of the script stands in the file.
    fn place(&self, line: usize, column: usize) -> Location {
        let mut at = self.node.location();
        let below = self.node.line() + 1 + line;
        let text = self
            .stream
            .and_then(|stream| stream.text().get(self.node.span()));
        let written = text.and_then(|text| text.lines().nth(line + 1));
        let content = self.node.scalar().and_then(|text| text.lines().nth(line));
        if let (Some(Style::Literal), Some(written), Some(content)) =
            (self.node.style(), written, content)
        {
            at.line = below;
            at.column = written
                .chars()
                .count()
                .saturating_sub(content.chars().count())
                + column
                + 1;
        }
        at
    }

    /// Whether the image is Harness' own of today, which is based on UBI.
    fn is_ubi(&self) -> bool {
        let is_legacy = self.image.ends_with("delegate:latest") || self.image.contains("ubuntu");
        self.image.contains("harness/delegate") && !is_legacy
    }
}

fn sets_nounset(words: &[&str]) -> bool {
    words.iter().enumerate().any(|(index, word)| {
        let is_short = word.starts_with('-') && !word.starts_with("--") && word.contains('u');
        let is_long = *word == "nounset"
            && index
                .checked_sub(1)
                .and_then(|before| words.get(before))
                .is_some_and(|before| before.starts_with('-') && before.ends_with('o'));
        is_short || is_long
    })
}

/// Whether a package manager is told to install a package.
fn installs(all: &[Command<'_>], package: &str) -> bool {
    all.iter().any(|command| {
        matches!(command.name(), "microdnf" | "dnf" | "yum") && command.words.contains(&package)
    })
}
