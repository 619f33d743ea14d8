//! What was changed beside INIT_SCRIPT, written into our part of it so that it can be taken back.

use std::fmt;

/// The word before the name of a variable.
const VARIABLE: &str = "env:";

/// The word before what the startup probe's failureThreshold was.
const THRESHOLD: &str = "failureThreshold-was:";

/// Variables that were added, and the threshold that was raised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    variables: Vec<String>,
    threshold: Option<i64>,
}

impl Record {
    /// Reads what [`Display`](fmt::Display) wrote; other words are passed over.
    pub fn of(text: &str) -> Self {
        let mut record = Self::default();
        for word in text.split_whitespace() {
            if let Some(name) = word.strip_prefix(VARIABLE) {
                record.add_variable(name);
            } else if let Some(number) = word.strip_prefix(THRESHOLD) {
                record.threshold = number.parse().ok();
            }
        }
        record
    }

    /// A variable was added.
    pub fn add_variable(&mut self, name: &str) {
        if !self.has_variable(name) {
            self.variables.push(name.to_owned());
        }
    }

    /// Whether a variable was added.
    pub fn has_variable(&self, name: &str) -> bool {
        self.variables.iter().any(|variable| variable == name)
    }

    /// The variables that were added.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(String::as_str)
    }

    /// The threshold was raised from this one; what it was before the first time counts.
    pub fn keep_threshold(&mut self, was: i64) {
        self.threshold.get_or_insert(was);
    }

    /// What the threshold was.
    pub const fn threshold(&self) -> Option<i64> {
        self.threshold
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let threshold = self.threshold.map(|was| format!("{THRESHOLD}{was}"));
        let words = self
            .variables
            .iter()
            .map(|name| format!("{VARIABLE}{name}"));
        f.write_str(&words.chain(threshold).collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let mut record = Record::default();
        assert_eq!(record.to_string(), "");
        record.add_variable("AWS_REGION");
        record.add_variable("AWS_REGION");
        record.keep_threshold(15);
        record.keep_threshold(30);
        assert_eq!(record.to_string(), "env:AWS_REGION failureThreshold-was:15");
        assert_eq!(Record::of(&format!("{record} other")), record);
    }
}
