//! What is said in several places must be said alike: partition and account.

use super::error::Error;
use crate::arn::{AccountId, Partition};

/// Something that was said, and where.
#[derive(Clone, Debug)]
pub struct Found<T> {
    place: String,
    value: T,
}

impl<T> Found<T> {
    /// This was said there.
    pub fn new(place: impl Into<String>, value: T) -> Self {
        Self {
            place: place.into(),
            value,
        }
    }
}

/// The first of what was said, or it and the first that says otherwise.
fn agree<T: PartialEq>(
    found: impl IntoIterator<Item = Found<T>>,
) -> Result<Option<T>, Box<[Found<T>; 2]>> {
    let mut found = found.into_iter();
    let Some(first) = found.next() else {
        return Ok(None);
    };
    match found.find(|other| other.value != first.value) {
        Some(other) => Err(Box::new([first, other])),
        None => Ok(Some(first.value)),
    }
}

/// The one partition that all are of; the commercial one where nothing says it.
pub fn partition(found: impl IntoIterator<Item = Found<Partition>>) -> Result<Partition, Error> {
    let agreed = agree(found).map_err(|pair| {
        let [one, other] = *pair;
        Error::Partitions {
            one: one.place,
            of_one: one.value,
            other: other.place,
            of_other: other.value,
        }
    })?;
    Ok(agreed.unwrap_or(Partition::Aws))
}

/// The one account that all are of, where anything says it.
pub fn account(
    found: impl IntoIterator<Item = Found<AccountId>>,
) -> Result<Option<AccountId>, Error> {
    agree(found).map_err(|pair| {
        let [one, other] = *pair;
        Error::Accounts {
            one: one.place,
            of_one: one.value,
            other: other.place,
            of_other: other.value,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named_with_both_places() {
        let found = [
            Found::new("--partition", Partition::Aws),
            Found::new("the issuer", Partition::Aws),
            Found::new("the role", Partition::China),
        ];
        assert_eq!(
            partition(found.clone().into_iter().take(2)).unwrap(),
            Partition::Aws
        );
        assert_eq!(partition([]).unwrap(), Partition::Aws);
        assert_eq!(
            partition(found).unwrap_err().to_string(),
            "--partition is of partition `aws` and the role of `aws-cn`: a document is for one partition"
        );
    }
}
