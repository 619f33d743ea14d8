//! Sets of permissions, narrowed and merged without repeats.

use std::collections::BTreeSet;

use super::document::{Document, Statement};
use super::error::Error;
use super::pattern::covers;
use super::scope::Scope;
use super::set::Set;
use super::texts::Texts;

/// The document that grants these sets, and the regions, which every connector asks for.
pub fn document(sets: &[Set], scope: &Scope) -> Result<Document, Error> {
    check_use(sets, scope)?;
    if let Some(set) = sets.iter().find(|set| set.needs_buckets())
        && !scope.has_buckets()
    {
        return Err(Error::NoBucket(*set));
    }
    Ok(Document::new(merged(sets, scope)?))
}

/// What these sets and the regions take, each action once.
pub(super) fn merged(sets: &[Set], scope: &Scope) -> Result<Vec<Statement>, Error> {
    let all = statements(sets, scope)?;
    let grants: Vec<Grant<'_>> = all.iter().flat_map(Grant::all).collect();
    let is_repeat = |index: usize, grant: &Grant<'_>| {
        // Of two that grant the same, the first one stays, wherever the second stands.
        grants.iter().enumerate().any(|(place, other)| {
            place != index && other.covers(grant) && (place < index || !grant.covers(other))
        })
    };
    let kept = grants.iter().enumerate();
    let kept: Vec<_> = kept
        .filter(|(index, grant)| !is_repeat(*index, grant))
        .map(|(_, grant)| grant)
        .collect();
    let merged = all.iter().filter_map(|statement| {
        let mine = kept
            .iter()
            .filter(|grant| std::ptr::eq(grant.statement, statement));
        let actions: Vec<_> = mine.map(|grant| grant.action.to_owned()).collect();
        (!actions.is_empty()).then(|| Statement {
            action: Some(Texts(actions)),
            ..statement.clone()
        })
    });
    Ok(merged.collect())
}

/// An action of a statement.
struct Grant<'a> {
    statement: &'a Statement,
    action: &'a str,
}

impl<'a> Grant<'a> {
    fn all(statement: &'a Statement) -> impl Iterator<Item = Self> {
        let actions = statement.action.iter().flat_map(Texts::iter);
        actions.map(move |action| Self { statement, action })
    }

    /// Whether it grants all that another does.
    fn covers(&self, other: &Self) -> bool {
        let (wide, narrow) = (self.statement, other.statement);
        let mut resources = narrow.resource.iter().flat_map(Texts::iter);
        (wide.condition.is_empty() || wide.condition == narrow.condition)
            && covers(
                &self.action.to_ascii_lowercase(),
                &other.action.to_ascii_lowercase(),
            )
            && resources.all(|resource| {
                let mut by = wide.resource.iter().flat_map(Texts::iter);
                by.any(|by| covers(by, resource))
            })
    }
}

/// What these sets and the regions take, set by set.
fn statements(sets: &[Set], scope: &Scope) -> Result<Vec<Statement>, Error> {
    let mut all: BTreeSet<Set> = sets.iter().copied().collect();
    all.insert(Set::DescribeRegions);
    let mut statements = Vec::new();
    for set in all {
        for mut statement in set.statements()? {
            if let Some(Texts(resources)) = &mut statement.resource {
                let mut filled: Vec<String> = Vec::new();
                for resource in resources.iter().flat_map(|one| scope.fill(one)) {
                    if !filled.contains(&resource) {
                        filled.push(resource);
                    }
                }
                *resources = filled;
            }
            statements.push(statement);
        }
    }
    Ok(statements)
}

/// Refuses what would narrow nothing.
pub(super) fn check_use(sets: &[Set], scope: &Scope) -> Result<(), Error> {
    let check = |flag, is_given: bool, narrows: fn(Set) -> bool| {
        if !is_given || sets.iter().copied().any(narrows) {
            return Ok(());
        }
        let known = Set::ALL.into_iter().filter(|set| narrows(*set));
        let known: Vec<_> = known.map(Set::name).collect();
        Err(Error::Unused {
            flag,
            sets: known.join(", "),
        })
    };
    check("--bucket", scope.has_buckets(), Set::has_buckets)?;
    check(
        "--repository",
        scope.has_repositories(),
        Set::has_repositories,
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scope(is_narrow: bool) -> Scope {
        let (buckets, repositories) = if is_narrow {
            (
                vec!["one".parse().unwrap(), "two".parse().unwrap()],
                vec!["team/app".parse().unwrap()],
            )
        } else {
            (vec!["one".parse().unwrap()], Vec::new())
        };
        Scope::new(None, buckets, repositories).unwrap()
    }

    proptest! {
        // Hundreds of actions are held against each other in each.
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_merged_document_grants_all_that_its_sets_do_and_nothing_twice(
            chosen in proptest::collection::vec(0..Set::ALL.len(), 1..6), is_narrow: bool
        ) {
            let mut sets: Vec<Set> = chosen.iter().map(|index| Set::ALL[*index]).collect();
            sets.extend([Set::S3Read, Set::EcrPull]);
            let scope = scope(is_narrow);
            let merged = document(&sets, &scope).unwrap();
            let grants: Vec<_> = merged.statement.iter().flat_map(Grant::all).collect();
            for statement in &statements(&sets, &scope).unwrap() {
                for wanted in Grant::all(statement) {
                    prop_assert!(grants.iter().any(|grant| grant.covers(&wanted)), "{}", wanted.action);
                }
            }
            for (index, grant) in grants.iter().enumerate() {
                for (place, other) in grants.iter().enumerate() {
                    prop_assert!(
                        index == place || !other.covers(grant),
                        "{} is there again as {}", grant.action, other.action
                    );
                }
            }
            let mut names: Vec<_> = merged.statement.iter().filter_map(|one| one.sid.as_ref()).collect();
            let count = names.len();
            names.sort();
            names.dedup();
            prop_assert_eq!(names.len(), count, "IAM takes each Sid once");
            sets.reverse();
            prop_assert_eq!(document(&sets, &scope).unwrap(), merged);
        }
    }
}
