//! Credentials per host, in the format of netrc files.

use url::Url;

use super::redact::Secret;

/// The credentials of a netrc file.
#[derive(Clone, Debug, Default)]
pub struct Netrc {
    entries: Vec<Entry>,
}

/// A user and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The user; may be empty.
    pub user: String,
    /// The password; may be empty.
    pub password: Secret,
}

#[derive(Clone, Debug)]
struct Entry {
    /// None for the `default` entry.
    machine: Option<String>,
    login: Login,
}

impl Netrc {
    /// Reads `machine`, `login`, `password` and `default`; skips `account`, macros, comments and
    /// words it does not know, as curl does. A value may be in double quotes.
    pub fn parse(text: &str) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        let mut words = Words { rest: text };
        while let Some(word) = words.next_word() {
            let machine = match word.as_str() {
                "machine" => Some(words.next_word().unwrap_or_default()),
                "default" => None,
                "login" => {
                    let user = words.next_word().unwrap_or_default();
                    if let Some(entry) = entries.last_mut() {
                        entry.login.user = user;
                    }
                    continue;
                }
                "password" => {
                    let password = words.next_word().unwrap_or_default();
                    if let Some(entry) = entries.last_mut() {
                        entry.login.password = Secret::new(password);
                    }
                    continue;
                }
                "account" => {
                    words.next_word();
                    continue;
                }
                "macdef" => {
                    words.skip_paragraph();
                    continue;
                }
                comment if comment.starts_with('#') => {
                    words.skip_line();
                    continue;
                }
                _ => continue,
            };
            let user = String::new();
            let password = Secret::new("");
            entries.push(Entry {
                machine,
                login: Login { user, password },
            });
        }
        Self { entries }
    }

    /// The credentials for the host of `url`: the first entry that names it, as `host` or
    /// `host:port`.
    pub fn for_host(&self, url: &Url) -> Option<&Login> {
        let host = url.host_str()?;
        let with_port = format!("{host}:{}", url.port_or_known_default()?);
        let is_meant = |entry: &&Entry| {
            let machine = entry.machine.as_deref().unwrap_or_default();
            machine.eq_ignore_ascii_case(host) || machine.eq_ignore_ascii_case(&with_port)
        };
        self.entries.iter().find(is_meant).map(|entry| &entry.login)
    }

    /// The credentials of the `default` entry. They are for hosts that the user chose, never for
    /// one that a redirect leads to.
    pub fn default_login(&self) -> Option<&Login> {
        let is_default = |entry: &&Entry| entry.machine.is_none();
        self.entries
            .iter()
            .find(is_default)
            .map(|entry| &entry.login)
    }
}

struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn next_word(&mut self) -> Option<String> {
        let text = self.rest.trim_start();
        if let Some(quoted) = text.strip_prefix('"') {
            return Some(self.quoted_word(quoted));
        }
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then(|| word.to_owned())
    }

    fn quoted_word(&mut self, quoted: &'a str) -> String {
        let mut word = String::new();
        let mut chars = quoted.chars();
        while let Some(char) = chars.next() {
            match char {
                '"' => break,
                '\\' => word.extend(chars.next().map(|char| match char {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                })),
                other => word.push(other),
            }
        }
        self.rest = chars.as_str();
        word
    }

    fn skip_line(&mut self) {
        let (_, rest) = self.rest.split_once('\n').unwrap_or_default();
        self.rest = rest;
    }

    /// A macro ends with the first empty line.
    fn skip_paragraph(&mut self) {
        while let Some((_, rest)) = self.rest.split_once('\n') {
            self.rest = rest;
            let line = rest.lines().next().unwrap_or_default();
            if line.trim().is_empty() {
                return;
            }
        }
        self.rest = "";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, url: &str, expected: Option<(&str, &str)>) {
        let netrc = Netrc::parse(text);
        let found = netrc.for_host(&url.parse().unwrap());
        let found = found.map(|login| (login.user.as_str(), login.password.expose()));
        assert_eq!(found, expected, "{text} for {url}");
    }

    #[test]
    fn a_machine_has_a_login_and_a_password() {
        let one_line = "machine a.example login me password s3cret";
        check(one_line, "https://a.example/x", Some(("me", "s3cret")));
        check(one_line, "https://A.EXAMPLE/x", Some(("me", "s3cret")));
        check(one_line, "https://b.example/x", None);
        check(one_line, "https://sub.a.example/x", None);
        let many = "machine a.example\n  login me\n  account x\n  password p1\n\nmachine b.example login you password p2\n";
        check(many, "http://a.example/", Some(("me", "p1")));
        check(many, "http://b.example/", Some(("you", "p2")));
    }

    #[test]
    fn a_machine_may_name_its_port() {
        let text = "machine a.example:8081 login me password p";
        check(text, "http://a.example:8081/", Some(("me", "p")));
        check(text, "http://a.example/", None);
        check(text, "https://a.example/", None);
    }

    #[test]
    fn comments_macros_and_unknown_words_are_skipped() {
        let text = "# machine a.example login no password no\nmacdef init\nmachine a.example login no password no\n\nhello machine a.example login me password #1";
        check(text, "https://a.example/", Some(("me", "#1")));
    }

    #[test]
    fn a_value_may_be_quoted() {
        let text = r#"machine a.example login "m e" password "p \"q\" \\" machine b.example login x password y"#;
        check(text, "https://a.example/", Some(("m e", r#"p "q" \"#)));
        check(text, "https://b.example/", Some(("x", "y")));
    }

    #[test]
    fn the_default_entry_is_kept_apart() {
        let netrc = Netrc::parse("default login anyone password pw");
        assert!(
            netrc
                .for_host(&"https://a.example".parse().unwrap())
                .is_none()
        );
        assert_eq!(netrc.default_login().unwrap().user, "anyone");
    }

    #[test]
    fn broken_files_do_no_harm() {
        for text in [
            "",
            "machine",
            "login x",
            "machine a.example login",
            "\"",
            "macdef",
        ] {
            let netrc = Netrc::parse(text);
            assert!(netrc.default_login().is_none(), "{text}");
        }
        assert!(Netrc::parse("machine").entries.len() <= 1);
    }

    #[test]
    fn debug_output_hides_passwords() {
        let netrc = Netrc::parse("machine a.example login me password s3cret");
        assert!(!format!("{netrc:?}").contains("s3cret"));
    }
}
