//! The `bootstrap` program: parse the command line, run it, report the outcome.
fn main() {}
