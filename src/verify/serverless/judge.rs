//! What is to be thought of the programs' answers.

use std::path::Path;

use super::programs::Told;
use super::range::Range;
use crate::tools::version::Version;
use crate::verify::{Check, Finding, in_one_line};

/// The oldest Node.js for each series of Serverless, where its package does not say (`engines` of
/// serverless 2.50.0 and 3.40.0).
const NODE: [(&str, &str); 2] = [("2", "10.0"), ("3", "12.0")];

/// The framework that was found, where it will do.
#[derive(Debug)]
pub(super) struct Framework {
    pub(super) version: Version,
    /// Whether it is one binary with a Node.js of its own, as the vendor's installer puts in place.
    pub(super) is_standalone: bool,
}

/// Whether this is a version that wants a licence key.
pub(super) fn asks_for_a_licence(version: &Version) -> bool {
    major(version).is_some_and(|major| major >= 4)
}

/// Judges what `serverless --version` said, and returns it where it will do.
pub(super) fn serverless(told: &Told) -> (Finding, Option<Framework>) {
    const CHECK: Check = Check::Serverless;
    let refuse = |finding: Finding| (finding, None);
    let install =
        "install one that will do: `bootstrap install serverless`, or `serverless@2.50.0`";
    match told {
        Told::Missing => refuse(missing(CHECK, "serverless").remedy(install)),
        Told::Failed(error) => refuse(failed(CHECK, error).remedy(install)),
        Told::Unasked(program, package) => refuse(unlicensed(program, &package.version)),
        Told::Said(program, output) => match framework_version(output) {
            None => refuse(rubbish(CHECK, program, output).remedy(install)),
            Some(version) => match major(&version) {
                Some(2 | 3) => {
                    let finding = Finding::pass(CHECK, whose(&version, program));
                    let is_standalone = is_standalone(output);
                    let found = Framework {
                        version,
                        is_standalone,
                    };
                    (finding, Some(found))
                }
                Some(0 | 1) => refuse(
                    Finding::fail(CHECK, whose(&version, program))
                        .because("deployments take Serverless 2.x or 3.x")
                        .remedy(install),
                ),
                _ => refuse(unlicensed(program, &version)),
            },
        },
    }
}

/// What is of 4.x is refused, with the reason.
fn unlicensed(program: &Path, version: &Version) -> Finding {
    Finding::fail(Check::Serverless, whose(version, program))
        .because(
            "4.x asks for a licence key or a login whenever it runs, and downloads the framework itself, which nobody \
             pinned",
        )
        .remedy("take 3.x or 2.x: `bootstrap install serverless`, or `serverless@2.50.0`")
}

/// Judges what `node --version` said: against the range of the package, else of the series.
pub(super) fn node(told: &Told, serverless: Option<&Framework>, range: Option<&str>) -> Finding {
    const CHECK: Check = Check::Node;
    if let Some(Framework {
        version,
        is_standalone: true,
    }) = serverless
    {
        let evidence = format!(
            "serverless {version} is standalone and brings its own, which is not looked into"
        );
        return Finding::skip(CHECK, evidence);
    }
    let serverless = serverless.map(|found| &found.version);
    let install = "install one: `bootstrap install node`";
    let (program, version) = match version_of(CHECK, "node", told) {
        Ok(found) => found,
        Err(finding) => return finding.remedy(install),
    };
    let shown = whose(&version, program);
    let Some(serverless) = serverless else {
        let evidence = format!("{shown}; without Serverless it is not known which it takes");
        return Finding::skip(CHECK, evidence);
    };
    let Some((fitting, range)) = range_of_node(serverless, range) else {
        let evidence = format!("{shown}; serverless {serverless} does not say which it takes");
        return Finding::skip(CHECK, evidence);
    };
    if fitting.has(&version) {
        let evidence = format!("{shown}, and serverless {serverless} takes {range}");
        return Finding::pass(CHECK, evidence);
    }
    let evidence = format!("{shown}, and serverless {serverless} takes {range}");
    Finding::fail(CHECK, evidence).remedy(install)
}

/// The range of Node.js, and how the package writes it. What is no range gives way to what is known of
/// the series.
fn range_of_node(serverless: &Version, range: Option<&str>) -> Option<(Range, String)> {
    let of_package = range.and_then(|range| Some((range.parse().ok()?, range.to_owned())));
    of_package.or_else(|| {
        let major = serverless.as_str().split('.').next()?;
        let (_, oldest) = NODE.iter().find(|(series, _)| *series == major)?;
        let range = format!(">={oldest}");
        Some((range.parse().ok()?, range))
    })
}

/// Judges what `npm --version` said.
pub(super) fn npm(told: &Told) -> Finding {
    match version_of(Check::Npm, "npm", told) {
        Ok((program, version)) => Finding::pass(Check::Npm, whose(&version, program)),
        Err(finding) => finding
            .because("the plugins of a service are put in place by npm")
            .remedy("npm comes with Node.js: `bootstrap install node`"),
    }
}

/// Judges what `aws --version` said: `aws-cli/2.36.7 Python/3.13 …`.
pub(super) fn aws(told: &Told) -> Finding {
    const CHECK: Check = Check::AwsCli;
    let install = "install it: `bootstrap install aws-cli`";
    let (program, output) = match output_of(CHECK, "aws", told) {
        Ok(found) => found,
        Err(finding) => return finding.remedy(install),
    };
    let version = output.trim_start().strip_prefix("aws-cli/");
    let version = version.and_then(|rest| rest.split_whitespace().next()?.parse::<Version>().ok());
    match version {
        None => rubbish(CHECK, program, output).remedy(install),
        Some(version) if major(&version) < Some(2) => {
            Finding::warn(CHECK, whose(&version, program))
                .because("the delegate's deployments are described with version 2")
                .remedy(install)
        }
        Some(version) => Finding::pass(CHECK, whose(&version, program)),
    }
}

/// The output of a program that ended well.
fn output_of<'a>(check: Check, name: &str, told: &'a Told) -> Result<(&'a Path, &'a str), Finding> {
    match told {
        Told::Missing | Told::Unasked(..) => Err(missing(check, name)),
        Told::Failed(error) => Err(failed(check, error)),
        Told::Said(program, output) => Ok((program, output)),
    }
}

/// The version that a program says and nothing else.
fn version_of<'a>(
    check: Check,
    name: &str,
    told: &'a Told,
) -> Result<(&'a Path, Version), Finding> {
    let (program, output) = output_of(check, name, told)?;
    let version = output.trim().parse();
    let version = version.map_err(|_| rubbish(check, program, output))?;
    Ok((program, version))
}

/// The version of the framework: 2.x and 3.x say `Framework Core: 3.40.0`, 1.x `Serverless Framework:
/// 1.50.1` or the number alone, and 4.x its name and, below it, ` • 4.4.15`.
fn framework_version(output: &str) -> Option<Version> {
    const LABELS: [&str; 2] = ["Framework Core:", "Serverless Framework:"];
    let labelled = output.lines().find_map(|line| {
        LABELS
            .iter()
            .find_map(|label| line.trim().strip_prefix(label))
    });
    let lines: Vec<&str> = match labelled {
        Some(rest) => vec![rest],
        None => output.lines().collect(),
    };
    lines.into_iter().find_map(|line| {
        let text = line.trim_start_matches(|c: char| c.is_whitespace() || c == '•');
        let version: Version = text.split_whitespace().next()?.parse().ok()?;
        version.as_str().contains('.').then_some(version)
    })
}

/// Whether it says of itself that it is one binary: `Framework Core: 3.38.0 (standalone)`.
fn is_standalone(output: &str) -> bool {
    let mut lines = output.lines();
    lines.any(|line| line.contains("Framework Core:") && line.contains("(standalone)"))
}

fn major(version: &Version) -> Option<u64> {
    version.as_str().split('.').next()?.parse().ok()
}

fn whose(version: &Version, program: &Path) -> String {
    format!("{version}, {}", program.display())
}

fn missing(check: Check, name: &str) -> Finding {
    let evidence = format!("there is no `{name}` in the prefix or on PATH");
    Finding::fail(check, evidence)
}

fn failed(check: Check, error: &crate::program::Error) -> Finding {
    Finding::fail(check, in_one_line(error))
}

/// A program that did not say its version.
fn rubbish(check: Check, program: &Path, output: &str) -> Finding {
    /// So much of an output tells what went wrong, in characters.
    const ENOUGH: usize = 80;
    let text: String = output.split_whitespace().collect::<Vec<_>>().join(" ");
    let start: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(ENOUGH)
        .collect();
    let said = if start.is_empty() {
        "said nothing".to_owned()
    } else {
        format!("said `{start}`")
    };
    let evidence = format!(
        "`{} --version` {said}, which is no version",
        program.display()
    );
    Finding::fail(check, evidence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::State;

    fn said(output: &str) -> Told {
        Told::Said("/bin/x".into(), output.to_owned())
    }

    #[test]
    fn the_version_is_found_in_the_words_of_each_series() {
        for (output, expected) in [
            (
                "Framework Core: 3.40.0\nPlugin: 7.2.3\nSDK: 4.5.1\n",
                Some("3.40.0"),
            ),
            (
                "(node:1) NOTE: AWS SDK v2\nFramework Core: 2.50.0\nPlugin: 5.5.4\n",
                Some("2.50.0"),
            ),
            (
                "Framework Core: 3.38.0 (local) 3.40.0 (global)\n",
                Some("3.38.0"),
            ),
            ("Framework Core: 2.72.3 (standalone)\n", Some("2.72.3")),
            (
                "  Serverless Framework: 1.50.1\n  SDK: 3.2.1\n",
                Some("1.50.1"),
            ),
            ("1.30.0\n", Some("1.30.0")),
            ("Serverless ϟ Framework\n\n • 4.4.15\n", Some("4.4.15")),
            ("", None),
            ("hello\n", None),
            ("Framework Core: soon\n", None),
            ("12 monkeys\n", None),
        ] {
            let found = framework_version(output);
            assert_eq!(
                found.map(|found| found.to_string()).as_deref(),
                expected,
                "{output}"
            );
        }
    }

    #[test]
    fn only_2_and_3_will_do() {
        for (version, state) in [
            ("1.83.3", State::Fail),
            ("2.0.0", State::Pass),
            ("2.72.3", State::Pass),
            ("3.0.0-pre.0", State::Pass),
            ("3.40.0", State::Pass),
            ("4.0.0", State::Fail),
            ("5.1.0", State::Fail),
        ] {
            let (finding, found) = serverless(&said(&format!("Framework Core: {version}\n")));
            assert_eq!(finding.state, state, "{version}");
            assert_eq!(found.is_some(), state == State::Pass, "{version}");
        }
        let (finding, _) = serverless(&said("Serverless ϟ Framework\n\n • 4.4.15\n"));
        assert!(finding.cause.unwrap().contains("licence key"));
    }

    #[test]
    fn node_is_held_against_the_range_of_the_package_and_else_of_the_series() {
        for (found, serverless, range, state) in [
            ("v12.0.0", "3.40.0", Some(">=12.0"), State::Pass),
            ("v11.15.0", "3.40.0", Some(">=12.0"), State::Fail),
            ("v22.22.2", "3.40.0", Some(">= 12"), State::Pass),
            ("v10.0.0", "2.50.0", None, State::Pass),
            ("v8.17.0", "2.50.0", None, State::Fail),
            ("v9.0.0", "2.50.0", Some("^8 || >=10"), State::Fail),
            ("v10.0.0", "3.0.0", None, State::Fail),
            ("nonsense", "3.0.0", None, State::Fail),
            ("v19.0.0", "3.40.0", Some("^18 || >=20"), State::Fail),
            ("v18.1.0", "3.40.0", Some("^18 || >=20"), State::Pass),
            ("v15.0.0", "3.40.0", Some(">=10 <15"), State::Fail),
            ("v12.0.0", "3.40.0", Some("soon"), State::Pass),
        ] {
            let framework = Framework {
                version: serverless.parse().unwrap(),
                is_standalone: false,
            };
            let finding = node(&said(found), Some(&framework), range);
            assert_eq!(finding.state, state, "{found} {serverless}");
        }
        let (_, standalone) = serverless(&said(
            "Framework Core: 3.38.0 (standalone)\nPlugin: 6.2.3\n",
        ));
        for told in [said("v8.17.0"), Told::Missing] {
            let finding = node(&told, standalone.as_ref(), None);
            assert_eq!(finding.state, State::Skip, "{finding:?}");
            assert!(finding.evidence.contains("brings its own"), "{finding:?}");
        }
        assert_eq!(node(&said("v22.1.0"), None, None).state, State::Skip);
        assert_eq!(node(&Told::Missing, None, None).state, State::Fail);
    }

    #[test]
    fn the_aws_cli_says_its_name_with_its_version() {
        for (output, state) in [
            ("aws-cli/2.38.5 Python/3.14.8 Linux/6.18", State::Pass),
            ("aws-cli/1.42.0 Python/3.9", State::Warn),
            ("2.38.5", State::Fail),
            ("", State::Fail),
        ] {
            assert_eq!(aws(&said(output)).state, state, "{output}");
        }
    }

    #[test]
    fn rubbish_is_shown_in_part_and_without_what_would_move_the_cursor() {
        let finding = npm(&said(&format!("\u{1b}[2J{}", "spam ".repeat(100))));
        assert_eq!(finding.state, State::Fail);
        assert!(!finding.evidence.contains('\u{1b}'));
        assert!(
            finding.evidence.chars().count() < 150,
            "{}",
            finding.evidence
        );
        assert!(npm(&said("")).evidence.contains("said nothing"));
    }
}
