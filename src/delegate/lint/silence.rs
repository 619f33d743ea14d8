//! Comments that silence a rule.

use super::Finding;
use super::rules::{RULES, SILENCE};
use crate::strict_yaml::Location;
use crate::yaml::Stream;

/// What such a comment begins with; it may stand in INIT_SCRIPT too.
const MARK: &str = "# bootstrap lint: ignore ";

/// A comment.
struct Silence<'s> {
    file: usize,
    /// The lines that it speaks of: its own, and the next one where it has its own line.
    lines: [usize; 2],
    rule: &'s str,
}

/// Leaves out what is silenced, and adds what is wrong with the comments.
pub(super) fn apply(streams: &[Stream<'_>], found: Vec<(usize, Finding)>) -> Vec<Finding> {
    let mut silences = Vec::new();
    let mut wrong = Vec::new();
    for (file, stream) in streams.iter().enumerate() {
        if stream.text().contains(MARK) {
            read(file, stream, &mut silences, &mut wrong);
        }
    }
    let is_silenced = |file: usize, finding: &Finding| {
        silences.iter().any(|silence| {
            silence.file == file
                && silence.rule == finding.rule.id
                && silence.lines.contains(&finding.at.line)
        })
    };
    let mut all: Vec<_> = found
        .into_iter()
        .filter(|(file, finding)| !is_silenced(*file, finding))
        .collect();
    all.extend(wrong);
    all.sort_by_key(|(file, finding)| (*file, finding.at.line));
    all.into_iter().map(|(_, finding)| finding).collect()
}

fn read<'s>(
    file: usize,
    stream: &'s Stream<'_>,
    silences: &mut Vec<Silence<'s>>,
    wrong: &mut Vec<(usize, Finding)>,
) {
    let lines: Vec<&str> = stream.text().lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let Some((before, comment)) = line.split_once(MARK) else {
            continue;
        };
        let (rule, reason) = comment.split_once(':').unwrap_or((comment, ""));
        let rule = rule.trim();
        let problem = if !RULES.iter().any(|known| known.id == rule) {
            Some(format!("there is no rule `{rule}`"))
        } else if reason.trim().is_empty() {
            Some(format!("`{rule}` is silenced without a reason"))
        } else {
            None
        };
        if let Some(message) = problem {
            let at = Location {
                file: stream.file().to_owned(),
                line: index + 1,
                column: before.chars().count() + 1,
            };
            wrong.push((
                file,
                Finding {
                    rule: &SILENCE,
                    at,
                    message,
                },
            ));
            continue;
        }
        let next = if before.trim().is_empty() {
            let below = lines.iter().skip(index + 1);
            let comments = below.take_while(|line| line.trim_start().starts_with('#'));
            index + 2 + comments.count()
        } else {
            index + 1
        };
        silences.push(Silence {
            file,
            lines: [index + 1, next],
            rule,
        });
    }
}
