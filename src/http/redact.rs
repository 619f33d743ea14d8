//! What may be shown of URLs, secrets and foreign text.

use std::fmt;

use url::Url;

/// The longest piece of a server's text that is quoted, in characters.
const LONGEST_QUOTE: usize = 120;

/// A run of token characters of this length may be a credential: words are shorter.
const TOKEN_LENGTH: usize = 32;

/// A value that is sent and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `value`.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, to be sent.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The URL as it may be shown: no user, no password, no fragment, and of a query, which may be
/// a signature, only that there is one.
pub fn redact(url: &Url) -> String {
    let mut shown = without_credentials(url);
    shown.set_fragment(None);
    shown.set_query(None);
    let query = if url.query().is_some() { "?…" } else { "" };
    format!("{shown}{query}")
}

/// The URL without its user and password.
pub(super) fn without_credentials(url: &Url) -> Url {
    let mut url = url.clone();
    // Only URLs that have no host refuse this, and those hold no credentials either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

/// Foreign text as it may be shown on one line: printable, short, and with what looks like a
/// token taken out.
pub(super) fn quote(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty());
    let mut shown = String::new();
    let mut word = String::new();
    let keep = |word: &mut String, shown: &mut String| {
        if word.chars().count() < TOKEN_LENGTH {
            shown.push_str(word);
        } else {
            shown.push('…');
        }
        word.clear();
    };
    for char in line.unwrap_or_default().trim().chars() {
        if char.is_ascii_alphanumeric() || "+/=_-".contains(char) {
            word.push(char);
            continue;
        }
        keep(&mut word, &mut shown);
        let is_plain = char == ' ' || char.is_ascii_graphic() || char.is_alphanumeric();
        shown.push(if is_plain { char } else { '�' });
    }
    keep(&mut word, &mut shown);
    if shown.chars().count() > LONGEST_QUOTE {
        shown = shown.chars().take(LONGEST_QUOTE).collect();
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: &str) {
        assert_eq!(redact(&url.parse().unwrap()), expected);
    }

    #[test]
    fn credentials_queries_and_fragments_are_not_shown() {
        check("https://a.example/b?c=d#e", "https://a.example/b?…");
        check(
            "https://user:pass@a.example:8443/b",
            "https://a.example:8443/b",
        );
        check("https://token@a.example/b", "https://a.example/b");
        check("file:///mnt/bundle/x", "file:///mnt/bundle/x");
    }

    #[test]
    fn a_secret_shows_nothing_of_itself() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "***");
    }

    #[test]
    fn a_quote_is_the_first_line_without_what_is_not_printable() {
        assert_eq!(quote("\r\n  <html>\x1b[31m hi\nmore"), "<html>�[31m hi");
        assert_eq!(quote(""), "");
    }

    #[test]
    fn a_quote_is_short() {
        let quoted = quote(&"word ".repeat(100));
        assert_eq!(quoted.chars().count(), LONGEST_QUOTE + 1);
    }

    #[test]
    fn what_looks_like_a_token_is_taken_out_of_a_quote() {
        let token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
        let quoted = quote(&format!("<script>token='{token}'</script>"));
        assert_eq!(quoted, "<script>token='…'</script>");
    }
}
