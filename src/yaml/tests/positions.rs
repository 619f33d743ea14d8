//! What is refused, and where; what is read, and from where.

use std::path::Path as FilePath;

use super::{FILE, parse, path};
use crate::yaml::{Stream, Style, decode};

#[track_caller]
fn refused(text: &str, place: (usize, usize)) -> String {
    let error = Stream::parse(FilePath::new(FILE), text).unwrap_err();
    assert_eq!((error.at().line, error.at().column), place, "{error}");
    let tail = format!("^\nhint: {}", error.hint().unwrap_or_default());
    format!("{}\n{tail}", error.message())
}

#[test]
fn mistakes_stand_where_they_are_reported() {
    for (text, place) in [
        ("a: *nope", (1, 4)),
        ("a: @x", (1, 4)),
        ("a: b: c", (1, 5)),
        ("a: |\n  x\n y\nb: 1", (3, 2)),
        ("a: 1\n}", (2, 1)),
        ("a: 1\na: 2", (2, 1)),
        ("a: {b: 1, c: 2\nd: 3", (2, 2)),
        ("a: \"open\nb: 2", (1, 4)),
        ("---\na: 1\n--- \nb: é: c", (4, 5)),
        ("a: 1\n---\nb:\n\tc: 2", (4, 2)),
        ("m:\n  name: a\n   bad: b", (3, 7)),
        ("e:\n  - n: A\n    v: x\n   - n: B", (4, 4)),
        ("a:\r\n  b: 1\r\n  b: 2\r\n", (3, 3)),
        ("\u{feff}a: 1\na: 2\n", (2, 1)),
        ("\u{feff}é: b: c\n", (1, 5)),
        ("a: 1\u{0}\n", (1, 5)),
        ("a: \u{1b}[0m\n", (1, 4)),
        ("# \u{7}\na: 1\n", (1, 3)),
        ("a: 1\n---\n\u{feff}b: 2\n", (3, 1)),
        ("a: 1\n\u{feff}b: 2\n", (2, 1)),
    ] {
        refused(text, place);
    }
}

#[test]
fn a_key_that_stands_twice_is_refused_however_it_is_written() {
    let message = refused("a: 1\nb:\n  \"x\": 1\n  y: 2\n  x: 3\n", (5, 3));
    assert!(
        message.starts_with("duplicate key `x`: it stands in line 3 too\n"),
        "{message}"
    );
    refused("a: {b: 1, \"b\": 2}", (1, 11));
    refused("1: a\n\"1\": b\n", (2, 1));
}

#[test]
fn templates_are_refused_with_what_to_do() {
    for (text, place) in [
        ("name: {{ .Values.x }}\n", (1, 7)),
        ("a: 1\n{{- if .Values.x }}\nb: 1\n{{- end }}\n", (2, 3)),
        ("a:\n  - {{ .Values.x }}-y\n", (2, 5)),
        ("{{ include \"x\" . }}\n", (1, 1)),
    ] {
        let message = refused(text, place);
        assert!(
            message.contains("hint: render the templates first"),
            "{message}"
        );
    }
    parse("a: \"{{ .Values.x }}\"\nb: |\n  {{ x }}\nc: x{{y}}\n");
}

#[test]
fn deep_nesting_is_an_error_and_no_crash() {
    let message = refused(&"[".repeat(300), (1, 256));
    assert!(message.contains("255 levels"), "{message}");
    let lines: Vec<_> = (0..300)
        .map(|depth| format!("{}a:", " ".repeat(depth)))
        .collect();
    let deep = lines.join(
        "
",
    );
    refused(&deep, (256, 256));
    let comments = "# c\n".repeat(10_000);
    assert_eq!(
        parse(&format!("a:\n{comments}  b: 1\n")).comments().len(),
        10_000
    );
}

#[test]
fn aliases_that_never_end_are_refused() {
    assert!(refused("a: &x\n  - 1\n  - *x\n", (3, 5)).contains("inside its own anchor"));
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let alias = format!("*a{}, ", level - 1).repeat(10);
        bomb.push_str(&format!("a{level}: &a{level} [{alias}]\n"));
    }
    assert!(refused(&bomb, (6, 45)).contains("more than 1000000 nodes"));
    parse(bomb.lines().next().unwrap());
}

#[test]
fn what_is_not_utf_8_is_located() {
    let file = FilePath::new(FILE);
    assert_eq!(decode(file, "é".as_bytes()), Ok("é"));
    let error = decode(file, b"a: 1\nb: \xe9\n").unwrap_err();
    assert_eq!((error.at().line, error.at().column), (2, 4));
    let error = decode(file, b"\xff\xfea\0").unwrap_err();
    assert_eq!((error.at().line, error.at().column), (1, 1));
}

#[test]
fn nodes_know_their_places() {
    let text = "\u{feff}# c\r\na: &x 'é'\r\nb:\r\n  - c: *x\r\n    d: | # h\r\n      e\r\n\r\n  -\r\n  - {f: g}\r\n";
    let stream = parse(text);
    let at = |dotted: &str| {
        let node = stream.find(&path(dotted)).unwrap();
        (node.line(), node.column(), text.get(node.span()).unwrap())
    };
    assert_eq!(at("a"), (2, 7, "'é'"));
    assert_eq!(at("b.0.c"), (4, 8, "*x"));
    assert_eq!(at("b.0.d"), (5, 8, "| # h\r\n      e\r\n"));
    assert_eq!(at("b.1"), (8, 4, ""));
    assert_eq!(at("b.2"), (9, 5, "{f: g}"));
    assert_eq!(
        at("b"),
        (
            4,
            3,
            text.get(text.find("- c").unwrap()..).unwrap().trim_end()
        )
    );
    let d = stream.find(&path("b.0.d")).unwrap();
    assert_eq!(
        (d.last_line(), d.style(), d.text()),
        (6, Some(Style::Literal), Some("e\n"))
    );
    assert_eq!(stream.find(&path("b.0.c")).unwrap().text(), Some("é"));
}

#[test]
fn values_are_read_as_their_types() {
    let stream = parse(
        "a: 1\nb: true\nc: ~\nd:\ne: '1'\nf: x\nm: &m\n  k: v\n  l: w\nn:\n  <<: *m\n  l: z\no: yes\np: -0x1\nq: !!str yes\nr: !!bool \"no\"\n",
    );
    let root = stream.document(0).unwrap();
    let get = |key: &str| root.get(key).unwrap();
    assert_eq!(
        (get("a").int(), get("e").int(), get("p").int()),
        (Some(1), None, None)
    );
    assert_eq!(
        (get("b").bool(), get("o").bool(), get("f").bool()),
        (Some(true), Some(true), None)
    );
    // A tag counts for more than the letters and the quotes.
    assert_eq!((get("q").bool(), get("r").bool()), (None, Some(false)));
    assert_eq!((get("c").scalar(), get("d").scalar()), (None, None));
    assert!(get("c").is_null() && get("d").is_null() && !get("e").is_null());
    let texts = ["a", "b", "e", "f", "o"].map(|key| root.text_of(key));
    assert_eq!(texts, [None, None, Some("1"), Some("x"), None]);
    assert_eq!(root.dig(&["n", "k"]).unwrap().text(), Some("v"));
    assert_eq!(root.dig(&["n", "l"]).unwrap().text(), Some("z"));
    assert_eq!(get("n").entries().count(), 2);
}

#[test]
fn every_kind_of_document_is_counted() {
    for (text, count) in [
        ("", 0),
        ("# c\n", 0),
        ("---\n", 1),
        ("a: 1\n---\n", 2),
        ("---\n---\n", 2),
        ("a: 1\n...\n", 1),
        ("a: 1\n...\n# c\n", 1),
        ("{\"a\": 1}", 1),
        ("\u{feff}a: 1", 1),
    ] {
        assert_eq!(parse(text).documents().len(), count, "{text:?}");
    }
}

#[test]
fn a_line_break_of_yaml_1_1_alone_is_refused_for_kubernetes_reads_it_so() {
    for letter in ['\u{85}', '\u{2028}', '\u{2029}'] {
        for text in [
            format!("a: b\n# c{letter}d: e\n"),
            format!("a: b\nc: \"{letter}\"\n"),
        ] {
            let error = Stream::parse(FilePath::new(FILE), &text).unwrap_err();
            assert_eq!(
                (error.at().line, error.at().column),
                (2, 5 - usize::from(text.contains('#')))
            );
            assert!(error.hint().unwrap().contains("write \\N, \\L or \\P"));
        }
        let json = format!("\n{{\"a\": \"{letter}\"}}");
        assert_eq!(
            parse(&json).document(0).unwrap().text_of("a"),
            Some(&*letter.to_string())
        );
    }
}

#[test]
fn an_anchor_whose_name_would_end_earlier_for_kubernetes_is_refused() {
    let error = Stream::parse(FilePath::new(FILE), "a: &b:c d\n").unwrap_err();
    assert_eq!((error.at().line, error.at().column), (1, 4));
    assert!(error.message().contains("an anchor with more than letters"));
    parse("a: &b_C-1 d\n");
}
