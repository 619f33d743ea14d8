//! What is said of a command line that cannot be, without what may be secret in it.

use clap::error::{ContextKind, ContextValue};

use crate::error::without_passwords;

/// The options that may hold an external ID, which the two sides of a trust policy share alone.
const SECRET: [&str; 2] = ["--cluster", "--external-id"];

/// The text of a mistake on the command line, or of the help that was asked for.
pub fn refusal(mut error: clap::Error) -> String {
    let option = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) => option.split_whitespace().next(),
        _ => None,
    };
    if option.is_some_and(|option| SECRET.contains(&option)) {
        let masked = ContextValue::String("***".to_owned());
        error.insert(ContextKind::InvalidValue, masked);
    }
    without_passwords(&error.render().to_string())
}
