//! How a command fails: the exit code, the chain of causes and the next step.

use crate::fault::Fault;

/// A failed command.
#[derive(Debug)]
pub struct Error {
    fault: Fault,
    cause: Box<dyn std::error::Error + Send + Sync>,
    hint: Option<String>,
}

/// An error whose text is all there is to it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Message(String);

impl Error {
    /// An error on this side.
    pub fn new(fault: Fault, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            fault,
            cause: error.into(),
            hint: None,
        }
    }

    /// A mistake on the command line or in a variable.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Fault::Usage, Message(message.into()))
    }

    /// Adds the next step.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into().or(self.hint);
        self
    }

    /// The side that the failure is on.
    pub const fn fault(&self) -> Fault {
        self.fault
    }

    /// The exit code: what the caller should do.
    ///
    /// 3 is not among them: a finding is a result and not a failure.
    pub const fn exit_code(&self) -> u8 {
        match self.fault {
            Fault::Local => 1,
            Fault::Usage => 2,
            Fault::Untrusted => 4,
            Fault::Remote => 5,
            Fault::Input => 6,
        }
    }

    /// The next step.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The error and its causes, the first cause last.
    pub fn chain(&self) -> Vec<String> {
        chain(self.cause.as_ref())
    }

    /// The error as it is shown.
    pub fn to_text(&self, look: Look) -> String {
        render(&self.chain(), self.hint.as_deref(), true, look)
    }

    /// Whether the reader of our output has gone away, which ends the run in silence.
    pub fn is_broken_pipe(&self) -> bool {
        let first: Option<&(dyn std::error::Error + 'static)> = Some(self.cause.as_ref());
        std::iter::successors(first, |error| error.source())
            .filter_map(|error| error.downcast_ref::<std::io::Error>())
            .any(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    }
}

/// An error and its causes, the first cause last, without the passwords that a URL may have.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> Vec<String> {
    std::iter::successors(Some(error), |error| error.source())
        .map(|error| without_passwords(&error.to_string()))
        .collect()
}

/// The text with what stands before the `@` of a URL's authority masked (RFC 3986, 3.2.1).
///
/// What a person wrote may be quoted back by any parser on the way, so it is masked where it is
/// shown.
pub fn without_passwords(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        masked.push_str(before);
        masked.push_str("://");
        let ends = |letter: char| letter.is_whitespace() || "/?#\"'`<>".contains(letter);
        let end = after.find(ends).unwrap_or(after.len());
        let (authority, tail) = after.split_at_checked(end).unwrap_or((after, ""));
        if let Some((_, host)) = authority.rsplit_once('@') {
            masked.push_str("***@");
            masked.push_str(host);
        } else {
            masked.push_str(authority);
        }
        rest = tail;
    }
    masked + rest
}

/// How errors and warnings look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Lines with coloured labels.
    Color,
    /// One JSON object a line.
    Json,
    /// Lines.
    Plain,
}

/// Renders `error: …` (or `warning: …`, where it stops nothing), `caused by: …` and `hint: …`, one
/// each line, or all of it as one object.
pub fn render(chain: &[String], hint: Option<&str>, fatal: bool, look: Look) -> String {
    let label = |text: &str, code: &str| {
        if look == Look::Color {
            format!("\x1b[{code}m{text}:\x1b[0m")
        } else {
            format!("{text}:")
        }
    };
    if look == Look::Json {
        return to_json(chain, hint, fatal);
    }
    let mut text = String::new();
    for (depth, message) in chain.iter().enumerate() {
        let label = match (depth, fatal) {
            (0, true) => label("error", "1;31"),
            (0, false) => label("warning", "1;33"),
            _ => label("caused by", "2"),
        };
        text.push_str(&format!("{label} {message}\n"));
    }
    if let Some(hint) = hint {
        text.push_str(&format!("{} {hint}\n", label("hint", "1;36")));
    }
    text
}

/// Renders a detail that was asked for: neither an error nor a warning.
pub fn note(text: &str, look: Look) -> String {
    if look == Look::Json {
        return json_line("info", Some(text), &[], None);
    }
    format!("{text}\n")
}

fn to_json(chain: &[String], hint: Option<&str>, fatal: bool) -> String {
    let (message, causes) = chain.split_first().unzip();
    let level = if fatal { "error" } else { "warning" };
    let causes = causes.unwrap_or_default();
    json_line(level, message.map(String::as_str), causes, hint)
}

fn json_line(level: &str, message: Option<&str>, causes: &[String], hint: Option<&str>) -> String {
    let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
    let object = serde_json::json!({
        "time": time.to_string(),
        "level": level,
        "message": message,
        "causes": causes,
        "hint": hint,
    });
    format!("{object}\n")
}

impl From<crate::tools::resolve::Error> for Error {
    fn from(error: crate::tools::resolve::Error) -> Self {
        let fault = error.fault();
        let hint = error.hint();
        Self::new(fault, error).with_hint(hint)
    }
}

impl From<crate::tools::locking::Error> for Error {
    fn from(error: crate::tools::locking::Error) -> Self {
        let (fault, hint) = (error.fault(), error.hint());
        Self::new(fault, error).with_hint(hint)
    }
}

impl From<crate::tools::bundle::Error> for Error {
    fn from(error: crate::tools::bundle::Error) -> Self {
        let (fault, hint) = (error.fault(), error.hint());
        Self::new(fault, error).with_hint(hint)
    }
}

impl From<crate::tools::bundle::ReadError> for Error {
    fn from(error: crate::tools::bundle::ReadError) -> Self {
        let (fault, hint) = (error.fault(), error.hint());
        Self::new(fault, error).with_hint(hint.map(str::to_owned))
    }
}

/// The compiled-in catalog is at fault, which is a bug.
impl From<crate::tools::catalog::Error> for Error {
    fn from(error: crate::tools::catalog::Error) -> Self {
        Self::new(Fault::Local, error)
    }
}

impl From<crate::aws::Error> for Error {
    fn from(error: crate::aws::Error) -> Self {
        let (fault, hint) = (error.fault(), error.hint());
        Self::new(fault, error).with_hint(hint.map(str::to_owned))
    }
}

impl From<crate::cluster::token::Error> for Error {
    fn from(error: crate::cluster::token::Error) -> Self {
        let (fault, hint) = (error.fault(), error.hint());
        Self::new(fault, error).with_hint(hint.map(str::to_owned))
    }
}

impl From<crate::cluster::kubeconfig::Error> for Error {
    fn from(error: crate::cluster::kubeconfig::Error) -> Self {
        let (fault, hint) = (error.fault(), error.hint());
        Self::new(fault, error).with_hint(hint)
    }
}

impl From<crate::delegate::Error> for Error {
    fn from(error: crate::delegate::Error) -> Self {
        let hint = error.hint();
        Self::new(error.fault(), error).with_hint(hint)
    }
}

impl From<crate::policy::Error> for Error {
    fn from(error: crate::policy::Error) -> Self {
        let (fault, hint) = (error.fault(), error.hint());
        Self::new(fault, error).with_hint(hint)
    }
}

impl From<crate::yaml::Invalid> for Error {
    fn from(error: crate::yaml::Invalid) -> Self {
        let hint = error.hint();
        Self::new(error.fault(), error).with_hint(hint)
    }
}

impl From<crate::files::Error> for Error {
    fn from(error: crate::files::Error) -> Self {
        Self::new(Fault::Local, error)
    }
}

impl From<crate::deadline::DeadlinePassed> for Error {
    fn from(error: crate::deadline::DeadlinePassed) -> Self {
        Self::new(Fault::Remote, error)
            .with_hint(Some("give it more time with --deadline".to_owned()))
    }
}

/// What went wrong on standard output; the one thing that is written there is the result.
impl From<std::io::Error> for Error {
    fn from(source: std::io::Error) -> Self {
        Self::new(Fault::Local, Output { source })
    }
}

/// The result could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the result to standard output")]
struct Output {
    source: std::io::Error,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_shown_with_its_causes_and_the_next_step() {
        let source = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let error = crate::files::Error::new("write", std::path::Path::new("/p"), source);
        let shown = Error::from(error)
            .with_hint(Some("set --prefix".to_owned()))
            .to_text(Look::Plain);
        assert_eq!(
            shown,
            "error: cannot write `/p`\ncaused by: permission denied\nhint: set --prefix\n"
        );
    }

    #[test]
    fn the_password_of_a_url_is_masked_wherever_it_is_quoted() {
        let check = |text: &str, expected: &str| assert_eq!(without_passwords(text), expected);
        check("`https://u:s3cret@m.test/a`", "`https://***@m.test/a`");
        check(
            "a https://m.test/@scope/b and http://t@n.test",
            "a https://m.test/@scope/b and http://***@n.test",
        );
        check("no address, me@home", "no address, me@home");
    }

    #[test]
    fn a_reader_that_went_away_is_recognised() {
        assert!(Error::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe)).is_broken_pipe());
        assert!(!Error::usage("no").is_broken_pipe());
    }
}
