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

/// What YAML's own tags begin with, `!!`.
pub(super) const TAGS: &str = "tag:yaml.org,2002:";

/// The tag of text, `!!str` (YAML 1.2.2, 10.1.1).
pub(super) const TEXT_TAG: &str = "tag:yaml.org,2002:str";

/// Whether a plain scalar is null (YAML 1.2.2, 10.3.2).
pub(super) fn is_null(plain: &str) -> bool {
    matches!(plain, "" | "~" | "null" | "Null" | "NULL")
}

/// What Kubernetes takes a scalar for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Nothing.
    Null,
    /// `true` or `false`, in any of the words of YAML 1.1.
    Bool(bool),
    /// A number.
    Number,
    /// Text.
    Text,
}

impl Reading {
    /// Of a scalar without quotes and tag, as kubectl and Helm read it (sigs.k8s.io/yaml, which is
    /// go-yaml v2, `resolve.go`): by YAML 1.1, but for dates and numbers in base 60, which are text.
    pub(super) fn of_plain(plain: &str) -> Self {
        match plain {
            _ if is_null(plain) => Self::Null,
            "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => {
                Self::Bool(true)
            }
            "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n"
            | "N" => Self::Bool(false),
            _ if is_go_number(plain) => Self::Number,
            _ => Self::Text,
        }
    }

    /// Of a scalar with one of YAML's own tags, of which this is the word: `int` of `!!int`.
    pub(super) fn of_tag(word: &str, text: &str) -> Self {
        match word {
            "bool" => Self::of_plain(text),
            "float" | "int" => Self::Number,
            "null" => Self::Null,
            _ => Self::Text,
        }
    }
}

/// Whether go-yaml v2 takes a plain scalar for a number. What is beyond the range of 64 bits is one
/// only where it is written as a fraction could be.
fn is_go_number(plain: &str) -> bool {
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(plain);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(plain, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    // Behind a point at the beginning, `_` is no part of a number.
    if plain.starts_with('.') {
        return is_go_float(plain);
    }
    if !plain.starts_with(|first: char| first.is_ascii_digit() || "+-".contains(first)) {
        return false;
    }
    let text = plain.replace('_', "");
    // What stands behind `0b` may have a sign of its own.
    let binary = text.strip_prefix("0b");
    is_go_integer(&text)
        || is_go_float(&text)
        || binary.is_some_and(|digits| i64::from_str_radix(digits, 2).is_ok())
}

/// Go's `strconv.ParseInt` and `ParseUint` with base 0.
fn is_go_integer(text: &str) -> bool {
    let is_signed = text.starts_with(['+', '-']);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = digits.to_ascii_lowercase();
    let based = [("0x", 16), ("0o", 8), ("0b", 2), ("0", 8)];
    let based = based
        .iter()
        .find_map(|(prefix, base)| Some((lower.strip_prefix(prefix)?, *base)));
    let (rest, base) = based.filter(|_| lower != "0").unwrap_or((&lower, 10));
    if !rest.starts_with(|first: char| first.is_ascii_hexdigit()) {
        return false;
    }
    u64::from_str_radix(rest, base).is_ok_and(|number| {
        let most = i64::MAX.unsigned_abs() + u64::from(text.starts_with('-'));
        !is_signed || number <= most
    })
}

/// A decimal number with at least one digit before its exponent, which is in the range of a double.
fn is_go_float(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    // What Rust takes for a number besides begins with a letter or a sign.
    digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && digits.parse().is_ok_and(f64::is_finite)
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
    !is_word && !is_number(&lower) && !is_date(&lower) && Reading::of_plain(plain) == Reading::Text
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

    /// What kubectl 1.32.4 makes of them (`kubectl patch --local -o json`).
    const TEXT: &str = "yEs tRUE _1 .Inf2 1e400 0x 0b2 0o8 .e3 0xFFFFFFFFFFFFFFFFF -0xFFFFFFFFFFFFFFFF 12:30 \
        2024-01-01 . + 1e ._5 = 0o+7 0x+7 0x-7 infinity inf nan 0x1p4 0x1.8p1 0xg -0x-1 +-1 -+1 1.5e400 +.e3 .. 1..2 \
        1.e -0b-1 +0b+1 0b -0b1111111111111111111111111111111111111111111111111111111111111111 \
        -0o7777777777777777777777 _ .1_ ._ -.nan +.nan .nAn .iNF +.iNF 10Gi 1.2.3 v1 nope";
    const BOOLEANS: &str = "yes True y Y N off OFF On FALSE";
    const NUMBERS: &str = "0x1F 0o17 0O17 0X1F 0b1 0B1 1_000 1_ +1 -1 -0x1 +0b1 08 0_8 1e3 1E3 1.e3 +.5 -0o7 \
        18446744073709551615 99999999999999999999 0x1_0 0x_1 -0x7FFFFFFFFFFFFFFF -0x8000000000000000 \
        -9223372036854775809 0b11111 1__0 +_1 -0b11 1.5_0 0b_1 0o_7 1e_3 .5e3 1.5e+3 1e+_3 -0o17 +0o17 +0x1F 0b-1 0b+1 \
        -.5 0755 0_7 0.1e-400 -0b0 0b1111111111111111111111111111111111111111111111111111111111111111 -0o777 \
        0o1777777777777777777777 0_ 0_x1 0__b1 1_e3 -_1 -_.5 0_o7 1e5_ 0 1. .inf -.INF .NaN .NAN";

    #[test]
    fn a_plain_scalar_is_what_kubectl_takes_it_for() {
        for plain in TEXT.split_whitespace() {
            assert_eq!(Reading::of_plain(plain), Reading::Text, "{plain}");
        }
        for plain in BOOLEANS.split_whitespace() {
            let is_true = plain.starts_with(['y', 'Y', 'T']) || plain == "On";
            assert_eq!(Reading::of_plain(plain), Reading::Bool(is_true), "{plain}");
        }
        for plain in NUMBERS.split_whitespace() {
            assert_eq!(Reading::of_plain(plain), Reading::Number, "{plain}");
        }
        // What is quoted for all readers is quoted for this one.
        for plain in BOOLEANS
            .split_whitespace()
            .chain(NUMBERS.split_whitespace())
        {
            assert!(!reads_as_text(plain), "{plain}");
        }
    }

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
