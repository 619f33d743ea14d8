//! What given documents lack of sets of permissions, as far as documents alone can tell.
//!
//! Permission boundaries, policies of resources and of the organisation, and what a condition will find
//! are not in them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::document::{Condition, Document, Effect, Statement};
use super::error::Error;
use super::pattern::meet;
use super::permissions::{check_use, merged};
use super::reach::{Reach, of_action, of_resource};
use super::scope::Scope;
use super::set::Set;
use super::texts::Texts;

/// A document that was read.
#[derive(Clone, Debug)]
pub struct Given {
    /// Its file.
    pub file: PathBuf,
    /// The document.
    pub document: Document,
}

impl Given {
    /// Reads a document.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Error> {
        Ok(Self {
            file: file.to_owned(),
            document: Document::parse(file, text)?,
        })
    }
}

/// What the documents say of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The action, as the set has it.
    pub action: String,
    /// On what it is wanted.
    pub resource: String,
    /// What they say.
    pub state: State,
}

/// What documents say of an action on a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is granted.
    Granted,
    /// It is granted while a condition on these keys is met.
    Conditional(Vec<String>),
    /// It is granted, unless a condition on these keys denies it.
    DeniedConditionally(Vec<String>),
    /// It is granted on these alone; all but these for `NotResource`.
    OnlyOn(Vec<String>),
    /// These alone of its actions are granted; all but these for `NotAction`.
    OnlySome(Vec<String>),
    /// A statement denies it.
    Denied(String),
    /// A statement denies part of it.
    DeniedInPart(String),
    /// Nothing grants it.
    Missing,
}

impl State {
    /// Its name for programs.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Conditional(_) => "conditional",
            Self::DeniedConditionally(_) => "denied-conditionally",
            Self::OnlyOn(_) => "only-on",
            Self::OnlySome(_) => "only-some",
            Self::Denied(_) => "denied",
            Self::DeniedInPart(_) => "denied-in-part",
            Self::Missing => "missing",
        }
    }

    /// Whether a condition decides.
    pub const fn is_conditional(&self) -> bool {
        matches!(self, Self::Conditional(_) | Self::DeniedConditionally(_))
    }

    /// It in words.
    pub fn detail(&self) -> String {
        match self {
            Self::Granted => "granted".to_owned(),
            Self::Conditional(keys) => format!("only under a condition on {}", keys.join(", ")),
            Self::DeniedConditionally(keys) => {
                format!("unless a condition on {} denies it", keys.join(", "))
            }
            Self::OnlyOn(resources) => format!("only on {}", resources.join(", ")),
            Self::OnlySome(actions) => format!("only {} of it", actions.join(", ")),
            Self::Denied(by) => format!("denied by {by}"),
            Self::DeniedInPart(by) => format!("denied in part by {by}"),
            Self::Missing => "not allowed".to_owned(),
        }
    }
}

/// Holds documents against sets; all documents together are those of one role.
pub fn check(given: &[Given], sets: &[Set], scope: &Scope) -> Result<Vec<Verdict>, Error> {
    check_use(sets, scope)?;
    let mut verdicts: Vec<Verdict> = Vec::new();
    for wanted in merged(sets, scope)? {
        let resources = wanted.resource.iter().flat_map(Texts::iter);
        for resource in resources.collect::<Vec<_>>() {
            for action in wanted.action.iter().flat_map(Texts::iter) {
                let on = judged_on(action, resource, scope);
                let verdict = Verdict {
                    action: action.to_owned(),
                    state: judge(given, action, &on, &wanted.condition),
                    resource: on,
                };
                if !verdicts.contains(&verdict) {
                    verdicts.push(verdict);
                }
            }
        }
    }
    Ok(verdicts)
}

/// The connector knows buckets and objects, and no access points: all of them are all that it wants of S3.
fn judged_on(action: &str, resource: &str, scope: &Scope) -> String {
    if resource == "*" && action.starts_with("s3:") {
        return format!("arn:{}:s3:::*", scope.partition());
    }
    resource.to_owned()
}

/// What the statements found so far come to.
#[derive(Default)]
struct Findings {
    is_granted: bool,
    conditions: BTreeSet<String>,
    denying_conditions: BTreeSet<String>,
    resources: Vec<String>,
    actions: Vec<String>,
    denied: Option<String>,
    denied_in_part: Option<String>,
}

fn judge(given: &[Given], action: &str, resource: &str, condition: &Condition) -> State {
    let mut found = Findings::default();
    for one in given {
        for (index, statement) in one.document.statement.iter().enumerate() {
            let reach = (
                of_action(statement, action),
                of_resource(statement, resource),
            );
            if reach.0 == Reach::None || reach.1 == Reach::None {
                continue;
            }
            match statement.effect {
                Effect::Allow => found.allow(statement, action, reach, condition),
                Effect::Deny => found.deny(statement, reach, || place(one, index, statement)),
            }
        }
    }
    found.state()
}

impl Findings {
    fn allow(
        &mut self,
        statement: &Statement,
        action: &str,
        reach: (Reach, Reach),
        condition: &Condition,
    ) {
        let is_unconditional = statement.condition.is_empty() || statement.condition == *condition;
        match reach {
            (Reach::All, Reach::All) if is_unconditional => self.is_granted = true,
            (Reach::All, Reach::All) => self.conditions.extend(keys(statement)),
            (Reach::All, _) => {
                let texts = (&statement.resource, &statement.not_resource);
                self.resources.extend(listed(texts, |_| true));
            }
            _ => {
                let action = action.to_ascii_lowercase();
                let texts = (&statement.action, &statement.not_action);
                let is_part = |one: &str| meet(&one.to_ascii_lowercase(), &action);
                self.actions.extend(listed(texts, is_part));
            }
        }
    }

    fn deny(&mut self, statement: &Statement, reach: (Reach, Reach), place: impl Fn() -> String) {
        if !statement.condition.is_empty() {
            self.denying_conditions.extend(keys(statement));
        } else if reach == (Reach::All, Reach::All) {
            self.denied.get_or_insert_with(place);
        } else {
            self.denied_in_part.get_or_insert_with(place);
        }
    }

    fn state(self) -> State {
        let list = |set: BTreeSet<String>| set.into_iter().collect();
        let distinct = |mut all: Vec<String>| {
            all.sort();
            all.dedup();
            all
        };
        if let Some(by) = self.denied {
            return State::Denied(by);
        }
        if !self.is_granted {
            return if !self.conditions.is_empty() {
                State::Conditional(list(self.conditions))
            } else if !self.resources.is_empty() {
                State::OnlyOn(distinct(self.resources))
            } else if !self.actions.is_empty() {
                State::OnlySome(distinct(self.actions))
            } else {
                State::Missing
            };
        }
        match self.denied_in_part {
            Some(by) => State::DeniedInPart(by),
            None if !self.denying_conditions.is_empty() => {
                State::DeniedConditionally(list(self.denying_conditions))
            }
            None => State::Granted,
        }
    }
}

/// The keys that a statement's condition is about.
fn keys(statement: &Statement) -> impl Iterator<Item = String> {
    let keys = statement.condition.values().flat_map(|keys| keys.keys());
    keys.cloned()
}

/// What a statement lists, of that which is of interest; exceptions as `all but …`.
fn listed(
    (texts, not): (&Option<Texts>, &Option<Texts>),
    is_of_interest: impl Fn(&str) -> bool,
) -> Vec<String> {
    let own = texts.iter().flat_map(Texts::iter).map(str::to_owned);
    let except = not.iter().flat_map(Texts::iter);
    own.filter(|text| is_of_interest(text))
        .chain(except.map(|text| format!("all but {text}")))
        .collect()
}

fn place(given: &Given, index: usize, statement: &Statement) -> String {
    let file = given.file.display();
    match &statement.sid {
        Some(sid) => format!("statement {} (`{sid}`) of {file}", index + 1),
        None => format!("statement {} of {file}", index + 1),
    }
}
