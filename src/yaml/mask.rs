//! Secrets in a text, masked: by what the text says where it is YAML, else by how its lines look.

use std::ops::Range;
use std::path::Path;

use super::layout::line_end;
use super::names::is_hidden_name;
use super::tokens::tokens;
use super::{Kind, Node, Stream, Style};

/// A text with its secrets masked. Blanks and line breaks stay, so that each line and each column
/// is where it was.
pub fn masked(text: &str) -> String {
    let mut mask = Mask::new(text);
    match Stream::parse(Path::new(""), text) {
        Ok(stream) => mask.hide_values(&stream),
        Err(_) => mask.hide_lines(),
    }
    mask.hide_words();
    mask.shown()
}

/// The same for one line, counted from 0, of a text that need not be YAML, without its line break.
pub(super) fn masked_line(text: &str, number: usize) -> String {
    let mut mask = Mask::new(text);
    let Some(line) = mask.lines.get(number).cloned() else {
        return String::new();
    };
    mask.hide_line(&mask.document_of(number), number);
    mask.hide_words_of(&line);
    let shown = mask.shown_of(&line);
    without_long_runs(&shown)
}

/// How long a run of base64 letters is no longer taken for a word.
const LONG: usize = 32;

/// A line with long runs of base64 masked: keys, tokens, digests.
pub fn without_long_runs(line: &str) -> String {
    let mut letters: Vec<char> = line.chars().collect();
    let is_base64 = |letter: &char| letter.is_ascii_alphanumeric() || "+/=_".contains(*letter);
    for run in letters.chunk_by_mut(|a, b| is_base64(a) == is_base64(b)) {
        if run.len() >= LONG && run.first().is_some_and(is_base64) {
            run.fill('*');
        }
    }
    letters.into_iter().collect()
}

/// Whether a text has a URL with a password that is no reference to a variable.
pub fn has_password(text: &str) -> bool {
    userinfos(text).any(|range| {
        let userinfo = text.get(range).unwrap_or_default();
        let password = userinfo.split_once(':').map(|(_, password)| password);
        password.is_some_and(|password| !password.is_empty() && !password.starts_with('$'))
    })
}

/// What stands before the `@` in the URLs of a text (RFC 3986, 3.2.1).
fn userinfos(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices("://").filter_map(|(at, sign)| {
        let start = at + sign.len();
        let rest = text.get(start..)?;
        let ends = |letter: char| letter.is_whitespace() || "/?#\"'`<>".contains(letter);
        let authority = rest.get(..rest.find(ends).unwrap_or(rest.len()))?;
        let length = authority.rfind('@')?;
        Some(start..start + length)
    })
}

/// A text, and which of its bytes are not shown.
struct Mask<'t> {
    text: &'t str,
    /// Its lines, without what ends them.
    lines: Vec<Range<usize>>,
    hidden: Vec<bool>,
}

impl<'t> Mask<'t> {
    fn new(text: &'t str) -> Self {
        let mut lines = Vec::new();
        let mut start = 0;
        loop {
            let end = line_end(text, start);
            lines.push(start..end);
            let rest = text.get(end..).unwrap_or_default();
            let eol = ["\r\n", "\n", "\r"]
                .iter()
                .find(|eol| rest.starts_with(**eol));
            let Some(eol) = eol else { break };
            start = end + eol.len();
        }
        Self {
            text,
            lines,
            hidden: vec![false; text.len()],
        }
    }

    fn hide(&mut self, range: Range<usize>) {
        if let Some(bytes) = self.hidden.get_mut(range) {
            bytes.fill(true);
        }
    }

    fn shown(&self) -> String {
        self.shown_of(&(0..self.text.len()))
    }

    fn shown_of(&self, range: &Range<usize>) -> String {
        let part = self.text.get(range.clone()).unwrap_or_default();
        let letters = part.char_indices().map(|(at, letter)| {
            let is_hidden = self.hidden.get(range.start + at) == Some(&true);
            if is_hidden && !letter.is_whitespace() {
                '*'
            } else {
                letter
            }
        });
        letters.collect()
    }

    /// Hides what the model says is secret: values of keys and variables with such names, and all
    /// that a Secret holds.
    fn hide_values(&mut self, stream: &Stream<'_>) {
        for (id, raw) in (0..).zip(&stream.nodes) {
            let node = Node::new(stream, id);
            match raw.kind {
                Kind::Mapping { .. } => self.hide_entries(stream, node),
                Kind::Sequence { .. } => self.hide_arguments(stream, node),
                Kind::Scalar(_) | Kind::Alias(_) => {}
            }
        }
    }

    fn hide_entries(&mut self, stream: &Stream<'_>, node: Node<'_>) {
        let text = |key: &str| node.get(key).and_then(Node::scalar);
        let is_variable = text("name").is_some_and(is_hidden_name);
        let is_secret = text("kind") == Some("Secret");
        for (key, value) in node.entries() {
            let key = key.scalar().unwrap_or_default();
            if is_hidden_name(key) || (is_variable && key == "value") {
                self.hide_scalar(stream, value);
            }
            if is_secret && matches!(key, "data" | "stringData") {
                for (_, value) in value.entries() {
                    self.hide_node(stream, value);
                }
            }
        }
    }

    /// Hides the word behind an option such as `--password`.
    fn hide_arguments(&mut self, stream: &Stream<'_>, node: Node<'_>) {
        let mut is_behind = false;
        for item in node.items() {
            let text = item.scalar().unwrap_or_default();
            if is_behind && !text.starts_with(['-', '$']) {
                self.hide_scalar(stream, item);
            }
            is_behind = text.starts_with("--") && is_hidden_name(text);
        }
    }

    /// Hides a scalar, unless it says yes, no or nothing.
    fn hide_scalar(&mut self, stream: &Stream<'_>, node: Node<'_>) {
        if node.scalar().is_some() && !node.is_null() && node.bool().is_none() {
            self.hide_node(stream, node);
        }
    }

    fn hide_node(&mut self, stream: &Stream<'_>, node: Node<'_>) {
        let raw = stream.raw(stream.resolve(node.id()));
        let start = match raw.kind {
            Kind::Scalar(Style::Literal | Style::Folded) => line_end(self.text, raw.start()),
            _ => raw.start(),
        };
        self.hide(start..raw.end());
    }

    /// Hides the same, as far as the lines show it.
    fn hide_lines(&mut self) {
        let mut number = 0;
        while number < self.lines.len() {
            let document = self.document_of(number);
            for line in document.clone() {
                self.hide_line(&document, line);
            }
            number = document.end.max(number + 1);
        }
    }

    /// The lines of the document that a line is in.
    fn document_of(&self, number: usize) -> Range<usize> {
        let is_mark = |line: &usize| self.line(*line).starts_with("---");
        let start = (1..=number).rev().find(is_mark).unwrap_or_default();
        let end = (number + 1..self.lines.len()).find(is_mark);
        start..end.unwrap_or(self.lines.len())
    }

    fn line(&self, number: usize) -> &'t str {
        let range = self.lines.get(number).cloned();
        range
            .and_then(|range| self.text.get(range))
            .unwrap_or_default()
    }

    fn hide_line(&mut self, document: &Range<usize>, number: usize) {
        let line = self.line(number);
        if line.trim_start().starts_with('#') {
            return;
        }
        if let Some(from) = self.hidden_from(document, number)
            && let Some(range) = self.lines.get(number)
        {
            self.hide(range.start + from..range.end);
        }
    }

    /// The byte of a line from which on nothing is shown.
    fn hidden_from(&self, document: &Range<usize>, number: usize) -> Option<usize> {
        let line = self.line(number);
        let entry = Entry::of(line);
        let above = self.above(document, number);
        let is_secret = || document.clone().any(|line| is_kind_secret(self.line(line)));
        let holds = |key: &str| matches!(key, "data" | "stringData");
        if let Some(entry) = &entry
            && (holds(entry.key) || line.contains('{'))
            && is_secret()
        {
            return Some(entry.behind);
        }
        if let Some(depth) = above.iter().position(|entry| holds(entry.key))
            && is_secret()
        {
            return match entry {
                Some(entry) if depth == 0 => Some(entry.behind),
                _ => Some(0),
            };
        }
        match (&entry, above.first()) {
            (Some(entry), _)
                if is_hidden_name(entry.key)
                    || (entry.key == "value" && self.is_variable(document, number)) =>
            {
                Some(entry.behind)
            }
            (_, Some(parent))
                if is_hidden_name(parent.key)
                    || (parent.key == "value" && self.is_variable(document, parent.line)) =>
            {
                Some(0)
            }
            _ => in_one_line(line),
        }
    }

    /// The keys that a line is below, the nearest first.
    fn above(&self, document: &Range<usize>, number: usize) -> Vec<Entry<'t>> {
        let mut found = Vec::new();
        let mut depth = indentation(self.line(number));
        for above in (document.start..number).rev() {
            let line = self.line(above);
            if depth == 0 {
                break;
            }
            if line.trim().is_empty() || indentation(line) >= depth {
                continue;
            }
            depth = indentation(line);
            found.extend(Entry::of(line).map(|entry| Entry {
                line: above,
                ..entry
            }));
        }
        found
    }

    /// Whether one of the lines around that of a value names a secret.
    fn is_variable(&self, document: &Range<usize>, number: usize) -> bool {
        const AROUND: usize = 3;
        let from = number.saturating_sub(AROUND).max(document.start);
        let to = (number + AROUND + 1).min(document.end);
        (from..to).any(|line| {
            let line = self.line(line);
            Entry::of(line).is_some_and(|entry| {
                let name = line.get(entry.behind..).unwrap_or_default();
                let name = name.split(" #").next().unwrap_or_default().trim();
                entry.key == "name" && is_hidden_name(name.trim_matches(['"', '\'', ',']))
            })
        })
    }

    /// Hides what is secret in the words of a line, whatever language it is in: passwords in URLs,
    /// `NAME=value`, `name: value`, `--name value`, and what an Authorization header has.
    fn hide_words(&mut self) {
        for line in self.lines.clone() {
            self.hide_words_of(&line);
        }
    }

    fn hide_words_of(&mut self, range: &Range<usize>) {
        let line = self.text.get(range.clone()).unwrap_or_default();
        let found = userinfos(line)
            .chain(named_values(line))
            .chain(headers(line))
            .chain(tokens(line));
        for found in found.collect::<Vec<_>>() {
            self.hide(range.start + found.start..range.start + found.end);
        }
    }
}

/// A line that begins with a key.
struct Entry<'t> {
    key: &'t str,
    /// The byte of the line behind the colon.
    behind: usize,
    line: usize,
}

impl<'t> Entry<'t> {
    fn of(line: &'t str) -> Option<Self> {
        let start = line.len() - line.trim_start_matches(BEFORE_A_KEY).len();
        let rest = line.get(start..)?;
        let length = rest.find(|letter| !is_name(letter))?;
        let key = rest.get(..length).filter(|key| !key.is_empty())?;
        let tail = rest.get(length..)?;
        let quoted = tail.trim_start_matches(['"', '\'']);
        let value = quoted.trim_start().strip_prefix(':')?;
        let is_end = value.is_empty() || value.starts_with([' ', '\t', '"', '\'', '{', '[']);
        is_end.then_some(Self {
            key,
            behind: line.len() - value.len(),
            line: 0,
        })
    }
}

/// What may stand before the first key of a line.
const BEFORE_A_KEY: [char; 8] = [' ', '\t', '-', '"', '\'', '{', '[', ','];

/// How far a line is indented; the dash of an item counts.
fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t', '-']).len()
}

fn is_kind_secret(line: &str) -> bool {
    let Some((_, rest)) = line.split_once("kind") else {
        return false;
    };
    let rest = rest.trim_start_matches(['"', '\'', ' ', ':']);
    let word = rest.split(|letter| !is_name(letter)).next();
    word == Some("Secret")
}

/// `name` and `value` of a secret in one line: the byte behind `value:`.
fn in_one_line(line: &str) -> Option<usize> {
    let (_, rest) = line.split_once("name")?;
    let mut names = rest.split(|letter| !is_name(letter));
    if !names.any(is_hidden_name) {
        return None;
    }
    let at = line.find("value")? + "value".len();
    let rest = line.get(at..)?;
    let value = rest
        .trim_start_matches(['"', '\'', ' '])
        .strip_prefix(':')?;
    Some(line.len() - value.len())
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_.-".contains(letter)
}

/// The values that stand behind secret names in a line.
fn named_values(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = line.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(skipped) = rest.find(is_name) else {
            break;
        };
        let start = at + skipped;
        let run = line.get(start..).unwrap_or_default();
        let end = start + run.find(|letter| !is_name(letter)).unwrap_or(run.len());
        at = end;
        let name = line.get(start..end).unwrap_or_default();
        if let Some(value) = value_behind(line, start, name) {
            at = value.end;
            found.push(value);
        }
    }
    found
}

/// The value that a name, which begins at this byte, has in a line, if it is a secret.
fn value_behind(line: &str, start: usize, name: &str) -> Option<Range<usize>> {
    let behind = line.get(start + name.len()..)?;
    let is_user = matches!(name, "-u" | "--user");
    if is_user && behind.starts_with([' ', '=']) {
        let word = word(line, start + name.len() + 1)?;
        let (user, _) = line.get(word.clone())?.split_once(':')?;
        return Some(word.start + user.len() + 1..word.end);
    }
    let quoted = behind.strip_prefix(['"', '\'']).unwrap_or(behind);
    let blank = quoted.trim_start();
    let is_tight = blank.len() == quoted.len();
    let before = line.get(..start)?.trim_end_matches([' ', '\t']);
    let is_first = before.is_empty() || before.ends_with(['#', '{', ',', '-', '"', '\'', '(']);
    let value = if let Some(value) = blank.strip_prefix('=') {
        (is_tight || is_first).then_some(value)?
    } else if let Some(value) = blank.strip_prefix(':') {
        let is_key = value.starts_with([' ', '\t', '"', '\'']);
        (is_first && is_key).then_some(value)?
    } else if behind.starts_with(' ') && (name.starts_with("--") || is_set(before)) {
        behind
    } else {
        return None;
    };
    // Last, since it takes the most time.
    if !is_hidden_name(name) {
        return None;
    }
    word(line, line.len() - value.len())
}

/// Whether a command before sets what is named behind it: `aws configure set`, `npm config set`.
fn is_set(before: &str) -> bool {
    // A few words, since lines may be long.
    let mut words = before.rsplit(' ').take(3);
    words.any(|word| word == "set")
}

/// The word, with its quotes, that begins at a byte or behind the blanks there; none where it is no
/// secret: a reference, a collection, a word for nothing.
fn word(line: &str, at: usize) -> Option<Range<usize>> {
    let rest = line.get(at..)?;
    let value = rest.trim_start();
    let start = line.len() - value.len();
    let quote = value
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''));
    let inner = quote.map_or(value, |_| value.get(1..).unwrap_or_default());
    let is_end = |letter: char| letter.is_whitespace() || ",;|&)}\"'`".contains(letter);
    let length = match quote {
        Some(quote) => inner.find(quote).unwrap_or(inner.len()) + 1,
        None => value.find(is_end).unwrap_or(value.len()),
    };
    let range = start..(start + length).min(line.len());
    let word = line.get(range.clone())?.trim_matches(['"', '\'']);
    let is_shown = word.is_empty()
        || word.starts_with(['$', '{', '[', '|', '>', '<', '-'])
        || matches!(word, "true" | "false" | "null" | "~");
    (!is_shown).then_some(range)
}

/// What an Authorization header says behind its scheme.
fn headers(line: &str) -> Vec<Range<usize>> {
    let lower = line.to_ascii_lowercase();
    let mut found = Vec::new();
    for scheme in ["bearer ", "basic "] {
        for (at, _) in lower.match_indices(scheme) {
            let is_header = scheme == "bearer " || lower.contains("authorization");
            found.extend(word(line, at + scheme.len()).filter(|_| is_header));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The text masked, as YAML and by its lines; a password in it is to be hidden.
    fn check(text: &str) {
        let by_model = masked(text);
        assert!(!by_model.contains("hunter2"), "{by_model}");
        let broken = format!("{text}\nbroken: \"");
        let by_lines = masked(&broken);
        assert!(!by_lines.contains("hunter2"), "{by_lines}");
        for (number, _) in text.lines().enumerate() {
            let line = masked_line(&broken, number);
            assert!(!line.contains("hunter2"), "{line}");
        }
        for (shown, text) in [(by_model, text), (by_lines, &broken)] {
            let widths = |text: &str| {
                text.lines()
                    .map(|line| line.chars().count())
                    .collect::<Vec<_>>()
            };
            assert_eq!(widths(&shown), widths(text));
        }
    }

    #[test]
    fn a_secret_is_hidden_however_it_is_written() {
        for text in [
            "- name: DELEGATE_TOKEN\n  value: hunter2",
            "- name: \"DELEGATE_TOKEN\"\n  value: \"hunter2\"",
            "- {name: DELEGATE_TOKEN, value: hunter2}",
            "- {\"name\": \"DELEGATE_TOKEN\", \"value\": \"hunter2\"}",
            "- value: hunter2\n  name: DELEGATE_TOKEN",
            "- name: DELEGATE_TOKEN\n  value: |\n    hunter2\n",
            "- name: DELEGATE_TOKEN\n  value: >-\n    x\n    hunter2\n",
            "- name: DELEGATE_TOKEN\n  value:\n    hunter2\n",
            "- name: PROXY_PASSWORD # c\n  # comment\n  value: hunter2",
            "- name: 'DELEGATE_TOKEN'\n\n  value: hunter2",
            "- name: DELEGATE_TOKEN\n  value: \"abc\n    hunter2\"",
            "-\n  name: DELEGATE_TOKEN\n  value: hunter2",
            "- name: HTTPS_PROXY\n  value: http://user:hunter2@proxy:8080",
            "- name: JAVA_OPTS\n  value: \"-Dhttp.proxyPassword=hunter2\"",
            "- name: X\n  value: \"curl -H 'Authorization: Bearer hunter2' https://x\"",
            "- name: X\n  value: \"curl -H 'X-Auth-Token: hunter2' -u me:hunter2 https://x\"",
            "script: |\n  export DB_PASSWD=hunter2\n  login --password hunter2 --token='hunter2'\n",
            "script: aws configure set aws_secret_access_key hunter2 --profile x",
            "script: npm config set //r/:_authToken hunter2",
            "# token: hunter2",
            "args: [\"--db-password=hunter2\"]",
            "proxyPassword: hunter2",
            "kind: Secret\nstringData:\n  foo: hunter2",
            "kind: Secret\nstringData:\n  config: |\n    password hunter2\n",
            "kind: Secret\nstringData: {foo: hunter2}",
            "kind: Secret\r\ndata:\r\n  foo: hunter2\r\n",
            "{\"kind\": \"Secret\", \"data\": {\"foo\": \"hunter2\"}}",
            "[\n  {\n    \"name\": \"API_KEY\",\n    \"value\": \"hunter2\"\n  }\n]",
        ] {
            check(text);
        }
        let arguments = "args:\n- --password\n- hunter2\n- x";
        assert_eq!(masked(arguments), "args:\n- --password\n- *******\n- x");
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        for text in [
            "secretKeyRef: {name: a, key: DELEGATE_TOKEN}",
            "secretKeyRef:\n  name: a\n  key: token\n",
            "# The key: what it is for\nautomountServiceAccountToken: false\n",
            "eks.amazonaws.com/token-expiration: \"3600\"\n",
            "- name: AWS_WEB_IDENTITY_TOKEN_FILE\n  value: /var/run/token\n",
            "- name: DELEGATE_TOKEN\n  valueFrom: {secretKeyRef: {name: a, key: b}}\n",
            "script: |\n  export TOKEN=\"$OTHER\"\n  login --token \"$TOKEN\" a\n",
            "kind: ConfigMap\ndata:\n  a: b\n---\nkind: Secret\nmetadata: {name: b}\n",
            "topologyKey: kubernetes.io/hostname\nimagePullSecrets: [{name: a}]\n",
            "image: r.test/a@sha256:0\nurl: https://h.test/a@b\n",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    proptest! {
        #[test]
        fn whatever_the_text_is_its_blanks_and_lines_stay(
            text in "([a-z]{0,3}(kind: Secret|data:|name: |value: |token|--password |=|://|@|\"|'|\\{|- |\n|\r\n|é| )){0,12}"
        ) {
            let blanks = |text: &str| text.char_indices().filter(|(_, letter)| letter.is_whitespace()).count();
            let shown = masked(&text);
            prop_assert_eq!(blanks(&shown), blanks(&text));
            prop_assert_eq!(shown.chars().count(), text.chars().count());
            for (number, line) in text.lines().enumerate() {
                let shown = masked_line(&text, number);
                prop_assert_eq!(shown.chars().count(), line.chars().count());
            }
        }
    }

    #[test]
    fn a_password_in_a_url_is_told_from_a_reference() {
        assert!(has_password("a http://u:p@h/x"));
        for text in ["http://u@h", "http://h/a:b@c", "http://u:$P@h", "u:p@h"] {
            assert!(!has_password(text), "{text}");
        }
    }
}
