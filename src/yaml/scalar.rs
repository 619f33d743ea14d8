//! Scalars: what readers take them for, and how one is written so that all take it for the same.

use super::{Kind, Raw, Style};

/// A scalar that an edit writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A decimal integer.
    Int(i64),
    /// Text, quoted where a reader could take it for something else.
    Text(String),
    /// What is neither of these, in the letters in which it was written: `0x0F`, `1.5`, `yes`, `~`.
    /// [`Scalar::plain`] makes it.
    Plain(String),
}

impl Scalar {
    /// A plain scalar that readers do not take for text, as it is written; none when they do, or when
    /// it could not stand everywhere without quotes. Nothing at all is a null too.
    pub fn plain(text: &str) -> Option<Self> {
        let letters = |c: char| c.is_ascii_alphanumeric() || "_.:+~-".contains(c);
        let is_safe = text.chars().all(letters) && !text.ends_with(':') && !reads_as_text(text);
        is_safe.then(|| Self::Plain(text.to_owned()))
    }

    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Plain(_) => None,
        }
    }

    /// Whether it is null, however that is written.
    pub(super) fn is_null(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Plain(plain) => is_null(plain),
            Self::Bool(_) | Self::Int(_) | Self::Text(_) => false,
        }
    }

    /// Whether a scalar in a text is this one already.
    pub(super) fn matches(&self, raw: &Raw<'_>) -> bool {
        let is_plain = raw.kind == Kind::Scalar(Style::Plain) && raw.tag().is_none();
        match self {
            Self::Null => raw.is_null(),
            Self::Bool(true) => is_plain && raw.value == "true",
            Self::Bool(false) => is_plain && raw.value == "false",
            Self::Int(number) => is_plain && integer(&raw.value) == Some(*number),
            Self::Text(text) => raw.is_text() && raw.value == text.as_str(),
            Self::Plain(text) if text.is_empty() => raw.is_absent() && raw.tag().is_none(),
            Self::Plain(text) => is_plain && raw.value == text.as_str(),
        }
    }
}

/// The tag of text, `!!str` (YAML 1.2.2, 10.1.1).
pub(super) const TEXT_TAG: &str = "tag:yaml.org,2002:str";

/// Whether a plain scalar is null (YAML 1.2.2, 10.3.2).
pub(super) fn is_null(plain: &str) -> bool {
    matches!(plain, "" | "~" | "null" | "Null" | "NULL")
}

/// A decimal integer as all versions of YAML and JSON read it: no leading zero.
pub(super) fn integer(plain: &str) -> Option<i64> {
    let digits = plain.strip_prefix('-').unwrap_or(plain);
    let is_canonical = digits == "0" || !digits.starts_with(['0', '+']);
    is_canonical.then(|| plain.parse().ok()).flatten()
}

/// Whether every reader takes a plain scalar for text: the types of YAML 1.1
/// (<https://yaml.org/type/>: bool, float, int, merge, null, timestamp, value) and of YAML 1.2.2,
/// 10.3.2.
pub(super) fn reads_as_text(plain: &str) -> bool {
    let lower = plain.to_ascii_lowercase();
    let is_word = [
        "", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<",
    ]
    .contains(&lower.as_str());
    !is_word && !is_number(&lower) && !is_date(&lower)
}

/// Whether a lower-case text may be a number, in any base, with `_` and in base 60 (`12:30`).
fn is_number(lower: &str) -> bool {
    let digits = lower.strip_prefix(['+', '-']).unwrap_or(lower);
    if matches!(digits, ".inf" | ".nan") {
        return true;
    }
    let based = ["0x", "0o", "0b"].iter().any(|prefix| {
        let digits = digits.strip_prefix(prefix);
        digits.is_some_and(|digits| digits.chars().all(|c| c.is_ascii_hexdigit() || c == '_'))
    });
    let is_decimal = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.contains(|c: char| c.is_ascii_digit())
        && digits
            .chars()
            .all(|c| c.is_ascii_digit() || "_.:e+-".contains(c));
    based || is_decimal
}

/// Whether a text begins as a date does, `2024-01-01`.
fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let mut is_digits = |count: usize| {
        parts.next().is_some_and(|part| {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            digits >= count && (digits == part.len() || count == 1)
        })
    };
    text.len() > 7 && is_digits(4) && is_digits(1) && is_digits(1)
}

/// Whether text can be written without quotes, for every reader and everywhere in a document.
pub(super) fn is_plain(text: &str, in_flow: bool) -> bool {
    let letters =
        |c: char| c.is_ascii_alphanumeric() || "-._/".contains(c) || (c == ':' && !in_flow);
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(letters)
        && !text.ends_with(':')
        && reads_as_text(text)
}

/// How text is to be quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    /// With double quotes always, as JSON has it.
    Double,
    /// With single quotes where that is possible, as the old text was.
    Single,
    /// Only where it must be.
    Needed,
    /// Only where it must be inside brackets.
    NeededInFlow,
}

/// A scalar on one line.
pub(super) fn inline(scalar: &Scalar, quotes: Quotes) -> String {
    match scalar {
        Scalar::Null => "null".to_owned(),
        Scalar::Bool(value) => value.to_string(),
        Scalar::Int(value) => value.to_string(),
        Scalar::Plain(text) => text.clone(),
        Scalar::Text(text) => match quotes {
            Quotes::Needed if is_plain(text, false) => text.clone(),
            Quotes::NeededInFlow if is_plain(text, true) => text.clone(),
            Quotes::Single if text.chars().all(is_printable) && !text.contains(['\n', '\t']) => {
                format!("'{}'", text.replace('\'', "''"))
            }
            _ => quoted(text),
        },
    }
}

/// Text in double quotes, with the escapes that JSON has too (RFC 8259, 7).
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            letter if is_printable(letter) => quoted.push(letter),
            letter => quoted.push_str(&format!("\\u{:04x}", u32::from(letter))),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a character may stand in a text as it is, for readers of YAML 1.1 too: no control, no
/// line break that only one version knows, no byte order mark (YAML 1.2.2, 5.1 and 5.4).
fn is_printable(letter: char) -> bool {
    !letter.is_control()
        && !matches!(
            letter,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

/// A literal block scalar: what stands behind the `|`, and its lines.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Literal {
    /// `|`, `|-`, `|+`, with an indentation indicator where the first line begins with a blank.
    pub(super) header: String,
    /// The lines of the body, indented, without line breaks.
    pub(super) lines: Vec<String>,
    /// Whether a line break must follow the last line.
    pub(super) needs_break: bool,
}

impl Literal {
    /// Writes text as lines that are indented by `indent`, where the parent is by `parent` blanks,
    /// and `follow` empty lines stand below; nothing when it cannot be a literal.
    pub(super) fn new(
        text: &str,
        parent: usize,
        indent: usize,
        follow: Option<usize>,
    ) -> Option<Self> {
        let body = text.trim_end_matches('\n');
        let breaks = text.len() - body.len();
        let first = body.split('\n').find(|line| !line.is_empty())?;
        let last = body.rsplit('\n').next()?;
        let is_blank = |line: &str| line.trim_matches([' ', '\t']).is_empty();
        let is_writable = |c: char| is_printable(c) || c == '\n' || c == '\t';
        if !text.contains('\n')
            || !text.chars().all(is_writable)
            || is_blank(first)
            || is_blank(last)
        {
            return None;
        }
        let chomp = match breaks {
            0 => "-",
            1 => "",
            _ => "+",
        };
        let indicator = match indent.checked_sub(parent) {
            _ if !first.starts_with([' ', '\t']) => String::new(),
            Some(relative @ 1..=9) => relative.to_string(),
            _ => return None,
        };
        let pad = " ".repeat(indent);
        let pad_line = |line: &str| {
            if line.is_empty() {
                String::new()
            } else {
                format!("{pad}{line}")
            }
        };
        let mut lines: Vec<String> = body.split('\n').map(pad_line).collect();
        if breaks > 1 {
            let missing = (breaks - 1).checked_sub(follow?)?;
            lines.extend(std::iter::repeat_n(String::new(), missing));
        }
        Some(Self {
            header: format!("|{indicator}{chomp}"),
            lines,
            needs_break: breaks > 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_could_take_for_something_else_is_quoted() {
        let ambiguous = "y Y n N yes No on OFF true False null ~ 0755 1 -1 +1 1.5 1e3 1_000 0x1F 0o17 0b1 .inf -.Inf \
                         .nan 12:30 1:2:3.5 2024-01-01 2001-1-1T00:00:00Z = <<";
        for text in ambiguous
            .split_whitespace()
            .chain(["", "2001-12-14 21:59:43"])
        {
            assert!(!reads_as_text(text), "{text}");
            let written = inline(&Scalar::Text(text.to_owned()), Quotes::Needed);
            assert_eq!(written, format!("\"{text}\""));
        }
    }

    #[test]
    fn text_that_nobody_mistakes_is_plain() {
        for text in [
            "default",
            "arn:aws:iam::1:role/x",
            "v",
            "a.b/c-d_e",
            "nope",
            "v1.22.9-eks",
        ] {
            assert!(is_plain(text, false), "{text}");
        }
        for text in [
            "1.2.3-beta",
            "v1.2",
            "a b",
            "3 apples",
            "sha256:0",
            "10Gi",
            "1.2.3.x",
        ] {
            assert!(reads_as_text(text), "{text}");
        }
        assert!(!is_plain("a:b", true));
    }

    #[test]
    fn what_is_no_text_is_kept_as_it_is_written_where_that_is_safe() {
        for plain in [
            "",
            "~",
            "null",
            "Null",
            "yes",
            "off",
            "0x0F",
            "1_001",
            "1.5",
            "-.inf",
            "12:30",
            "2024-01-01",
        ] {
            assert_eq!(
                Scalar::plain(plain),
                Some(Scalar::Plain(plain.to_owned())),
                "{plain}"
            );
        }
        for text in [
            "default",
            "1:",
            "=",
            "<<",
            "2024-01-01 # x",
            "2024-01-01: a",
            "1,2",
        ] {
            assert_eq!(Scalar::plain(text), None, "{text}");
        }
    }

    #[test]
    fn quoted_text_has_the_escapes_of_json() {
        let text = "é\u{2028}\u{85}\u{feff}🎉\u{1b}\"\\\r\n\t\u{7f}";
        assert_eq!(
            quoted(text),
            r#""é\u2028\u0085\ufeff🎉\u001b\"\\\r\n\t\u007f""#
        );
        assert_eq!(serde_json::from_str::<String>(&quoted(text)).unwrap(), text);
    }

    #[test]
    fn a_literal_says_how_it_begins_and_ends() {
        let header = |text: &str| Literal::new(text, 2, 4, Some(0)).map(|literal| literal.header);
        assert_eq!(header("a\nb\n").as_deref(), Some("|"));
        assert_eq!(header("a\nb").as_deref(), Some("|-"));
        assert_eq!(header("a\n\n\n").as_deref(), Some("|+"));
        assert_eq!(header("\n\n a\n").as_deref(), Some("|2"));
        assert_eq!(header("\ta\nb").as_deref(), Some("|2-"));
        for text in [
            "a",
            "\n",
            "a\rb\n",
            "  \na\n",
            "a\n  ",
            "a\u{85}\n",
            "\u{1b}\n",
        ] {
            assert_eq!(header(text), None, "{text:?}");
        }
    }
}
