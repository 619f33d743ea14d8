//! The installed tools: whether every file of them is as its receipt says.

use super::{Check, Finding};
use crate::deadline::{Deadline, DeadlinePassed};
use crate::files;
use crate::tools::outcome::{Outcome, State};
use crate::tools::prefix::Prefix;
use crate::tools::receipt::{Condition, Receipt};
use crate::tools::wanted::Wanted;

/// How closely tools are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Sizes, modes and times, as a start does it.
    Start,
    /// Every byte.
    Full,
}

/// An installed tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its name.
    pub tool: String,
    /// Its version; empty where its receipt cannot be read.
    pub version: String,
    /// The number of its files and links.
    pub files: usize,
    /// What is wrong with it; none when it is whole.
    pub damage: Option<String>,
}

/// Looks at all that is installed below a prefix.
pub fn look(
    prefix: &Prefix,
    boot: &str,
    depth: Depth,
    deadline: Deadline,
) -> Result<Vec<Installed>, DeadlinePassed> {
    let entries = std::fs::read_dir(prefix.receipts());
    let names = entries.into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        name.strip_suffix(".json").map(str::to_owned)
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
        .into_iter()
        .map(|tool| look_at(prefix, tool, boot, depth, deadline))
        .collect()
}

fn look_at(
    prefix: &Prefix,
    tool: String,
    boot: &str,
    depth: Depth,
    deadline: Deadline,
) -> Result<Installed, DeadlinePassed> {
    let unreadable = |damage: String| Installed {
        tool: tool.clone(),
        version: String::new(),
        files: 0,
        damage: Some(damage),
    };
    let text = match files::read_own(&prefix.receipt(&tool)) {
        Ok(text) => text,
        Err(error) => return Ok(unreadable(super::in_one_line(&error))),
    };
    let Some(mut receipt) = Receipt::parse(&text) else {
        return Ok(unreadable("its receipt cannot be read".to_owned()));
    };
    let version = receipt.version.to_string();
    let tree = prefix.version(&tool, &version);
    let condition = match depth {
        Depth::Start => receipt.check(&tree, boot, deadline)?,
        Depth::Full => receipt.check_by_digest(&tree, boot, deadline)?,
    };
    let lost = receipt
        .programs
        .iter()
        .find(|name| !prefix.bin().join(name.as_ref()).exists());
    let damage = match (condition, lost) {
        (Condition::Damaged(damage), _) => Some(damage),
        (_, Some(program)) => Some(format!("`bin/{program}` is missing")),
        _ => None,
    };
    Ok(Installed {
        files: receipt.len(),
        damage,
        tool,
        version,
    })
}

/// Judges what is installed against what is wanted.
pub fn judge(installed: &[Installed], wanted: &[Wanted], depth: Depth) -> Finding {
    let mut problems = Vec::new();
    let mut is_fatal = false;
    for tool in installed {
        if let Some(damage) = &tool.damage {
            problems.push(format!("{} {}: {damage}", tool.tool, tool.version));
            is_fatal = true;
        }
    }
    for want in wanted {
        let found = installed
            .iter()
            .find(|tool| tool.tool == want.name.as_str());
        let problem = match (found, &want.version) {
            (None, _) => format!("{want} is not installed"),
            (Some(found), Some(version))
                if !found.version.is_empty() && found.version != version.to_string() =>
            {
                format!("{want} is wanted, and {} is installed", found.version)
            }
            _ => continue,
        };
        problems.push(problem);
        is_fatal |= !want.optional;
    }
    if problems.is_empty() {
        return whole(installed, depth);
    }
    let evidence = problems.join("; ");
    let finding = if is_fatal {
        Finding::fail(Check::Tools, evidence)
    } else {
        Finding::warn(Check::Tools, evidence)
    };
    finding.remedy("run `bootstrap install` (or `bootstrap init`), which mends what is damaged")
}

fn whole(installed: &[Installed], depth: Depth) -> Finding {
    if installed.is_empty() {
        return Finding::skip(Check::Tools, "nothing is installed, and nothing is wanted");
    }
    let names: Vec<_> = installed
        .iter()
        .map(|tool| format!("{} {}", tool.tool, tool.version))
        .collect();
    let files: usize = installed.iter().map(|tool| tool.files).sum();
    let how = match depth {
        Depth::Start => "as they were installed",
        Depth::Full => "of the digest they were installed with",
    };
    Finding::pass(
        Check::Tools,
        format!("{}: {files} files, {how}", names.join(", ")),
    )
}

/// Judges what an installation that has just ended says of its tools.
pub fn judge_outcomes(outcomes: &[Outcome]) -> Finding {
    let is_lost = |outcome: &&Outcome| matches!(outcome.state, State::Failed | State::Skipped);
    let name = |outcome: &Outcome| format!("{} {}", outcome.tool, outcome.version);
    let lost: Vec<_> = outcomes.iter().filter(is_lost).collect();
    if lost.is_empty() {
        let names: Vec<_> = outcomes.iter().map(name).collect();
        return Finding::pass(Check::Tools, format!("{} in place", names.join(", ")));
    }
    let names: Vec<_> = lost.iter().map(|outcome| name(outcome)).collect();
    let evidence = format!("not in place: {}", names.join(", "));
    if lost.iter().all(|outcome| outcome.optional) {
        return Finding::warn(Check::Tools, evidence);
    }
    Finding::fail(Check::Tools, evidence)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn installed(tool: &str, damage: Option<&str>) -> Installed {
        Installed {
            tool: tool.to_owned(),
            version: "1.0.0".to_owned(),
            files: 3,
            damage: damage.map(str::to_owned),
        }
    }

    fn wanted(text: &str, optional: bool) -> Wanted {
        Wanted {
            optional,
            ..text.parse().unwrap()
        }
    }

    #[test]
    fn what_is_wanted_must_be_there_and_what_is_there_must_be_whole() {
        let (whole, broken) = (installed("a", None), installed("b", Some("`x` is gone")));
        for (there, want, state, says) in [
            (vec![], vec![], State::Skip, "nothing is installed"),
            (vec![whole.clone()], vec![], State::Pass, "a 1.0.0: 3 files"),
            (
                vec![whole.clone()],
                vec![wanted("a", false)],
                State::Pass,
                "",
            ),
            (
                vec![whole.clone()],
                vec![wanted("a@1.0.0", false)],
                State::Pass,
                "",
            ),
            (
                vec![whole.clone()],
                vec![wanted("a@2.0.0", false)],
                State::Fail,
                "a@2.0.0 is wanted, and 1.0.0",
            ),
            (
                vec![whole.clone(), broken],
                vec![],
                State::Fail,
                "b 1.0.0: `x` is gone",
            ),
            (
                vec![],
                vec![wanted("c", false)],
                State::Fail,
                "c is not installed",
            ),
            (
                vec![],
                vec![wanted("c", true)],
                State::Warn,
                "c is not installed",
            ),
        ] {
            let found = judge(&there, &want, Depth::Start);
            assert_eq!(found.state, state, "{}", found.evidence);
            assert!(found.evidence.contains(says), "{}", found.evidence);
        }
    }
}
