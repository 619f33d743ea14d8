//! How far a statement reaches: over all of an action or a resource, part of it, or none.

use super::document::Statement;
use super::pattern::{covers, meet};
use super::texts::Texts;

/// How much of something is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// Nothing of it.
    None,
    /// Some of it, or as much as a policy variable says.
    Part,
    /// All of it.
    All,
}

/// How much of an action a statement is about. Actions know no case.
pub(super) fn of_action(statement: &Statement, action: &str) -> Reach {
    let action = action.to_ascii_lowercase();
    let lower = |texts: &Texts| Texts(texts.iter().map(str::to_ascii_lowercase).collect());
    match (&statement.action, &statement.not_action) {
        (Some(texts), _) => within(&lower(texts), &action),
        (None, Some(texts)) => outside(&lower(texts), &action),
        (None, None) => Reach::None,
    }
}

/// How much of a resource a statement is about.
pub(super) fn of_resource(statement: &Statement, resource: &str) -> Reach {
    match (&statement.resource, &statement.not_resource) {
        (Some(texts), _) => within(texts, resource),
        (None, Some(texts)) => outside(texts, resource),
        (None, None) => Reach::None,
    }
}

fn within(texts: &Texts, wanted: &str) -> Reach {
    let reach = |text: &str| match variables(text) {
        // What a variable stands for is known when somebody asks.
        Some(widest) if meet(&widest, wanted) => Reach::Part,
        None if covers(text, wanted) => Reach::All,
        None if meet(text, wanted) => Reach::Part,
        _ => Reach::None,
    };
    texts.iter().map(reach).max().unwrap_or(Reach::None)
}

/// The same for a list of exceptions.
fn outside(texts: &Texts, wanted: &str) -> Reach {
    match within(texts, wanted) {
        Reach::All => Reach::None,
        Reach::Part => Reach::Part,
        Reach::None => Reach::All,
    }
}

/// The widest that a text with policy variables (`${aws:username}`) may stand for; none without one.
fn variables(text: &str) -> Option<String> {
    let mut widest = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (_, tail) = after.split_once('}')?;
        widest.push_str(before);
        widest.push('*');
        rest = tail;
    }
    (!widest.is_empty()).then(|| widest + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(all: &[&str]) -> Texts {
        Texts(all.iter().map(|text| (*text).to_owned()).collect())
    }

    #[test]
    fn a_list_reaches_as_far_as_its_widest_text_and_exceptions_the_other_way() {
        for (list, wanted, inside, except) in [
            (
                &["s3:get*", "ec2:*"][..],
                "s3:getobject",
                Reach::All,
                Reach::None,
            ),
            (&["s3:getobject"], "s3:get*", Reach::Part, Reach::Part),
            (&["iam:*"], "s3:get*", Reach::None, Reach::All),
            (&["*"], "s3:*", Reach::All, Reach::None),
            (
                &["arn:aws:s3:::b/${aws:username}/*"],
                "arn:aws:s3:::b/*",
                Reach::Part,
                Reach::Part,
            ),
            (
                &["arn:aws:s3:::b/${aws:username}/*"],
                "arn:aws:s3:::c/*",
                Reach::None,
                Reach::All,
            ),
            (&["${x}"], "arn:aws:s3:::b", Reach::Part, Reach::Part),
            (&["a${x"], "a${x", Reach::All, Reach::None),
        ] {
            assert_eq!(within(&texts(list), wanted), inside, "{list:?} {wanted}");
            assert_eq!(outside(&texts(list), wanted), except, "{list:?} {wanted}");
        }
    }

    #[test]
    fn actions_know_no_case_and_resources_do() {
        let mut statement = Statement::allowing(Texts::from("EC2:createTags"));
        statement.resource = Some(Texts::from("arn:aws:s3:::B"));
        assert_eq!(of_action(&statement, "ec2:CreateTags"), Reach::All);
        assert_eq!(of_resource(&statement, "arn:aws:s3:::b"), Reach::None);
    }
}
