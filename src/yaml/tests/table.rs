//! The edge cases that other editors were seen to get wrong, and those that no editor can guess.

use super::{Path, Value, check, edit, path, refuse, set};

const SCRIPT: &str = "#!/bin/bash\nset -e\nif x; then\n  echo 'a: b' # c\n\techo t\nfi\n";

/// The script as the body of a literal, indented by six blanks.
const BODY: &str = "      #!/bin/bash\n      set -e\n      if x; then\n        echo 'a: b' # c\n      \techo t\n      fi\n";

/// Sets an annotation; the texts begin behind `annotations:`.
#[track_caller]
fn annotate(source: &str, expected: &str) {
    let head = "metadata:\n  annotations:";
    let at = path("metadata.annotations").key("k/x");
    check(
        &format!("{head}{source}"),
        at,
        "v",
        &format!("{head}{expected}"),
    );
}

/// Sets the service account; the texts begin behind `serviceAccountName:`.
#[track_caller]
fn account(source: &str, expected: &str) {
    let head = "spec:\n  serviceAccountName:";
    let at = path("spec.serviceAccountName");
    check(
        &format!("{head}{source}"),
        at,
        "new",
        &format!("{head}{expected}"),
    );
}

/// Adds `k: v` to `spec`; the texts begin behind `a:`.
#[track_caller]
fn add(source: &str, expected: &str) {
    let head = "spec:\n  a:";
    check(
        &format!("{head}{source}"),
        path("spec.k"),
        "v",
        &format!("{head}{expected}"),
    );
}

#[track_caller]
fn add_to(at: &str, source: &str, expected: &str) {
    check(source, path(at).key("k"), "v", expected);
}

/// Sets the value of the first variable to the script; the texts are what stands behind `value:`
/// up to the next variable.
#[track_caller]
fn script(source: &str, expected: &str) {
    let head = "e:\n  - name: I\n    value:";
    let tail = "  - name: Z\n";
    let at = path("e.0.value");
    check(
        &format!("{head}{source}\n{tail}"),
        at,
        SCRIPT,
        &format!("{head}{expected}{tail}"),
    );
}

/// Sets the value of a variable to a text; expected is what stands behind `value:`.
#[track_caller]
fn text(value: &str, expected: &str) {
    let head = "e:\n  - name: I\n    value:";
    check(
        &format!("{head} x\nz: 1\n"),
        path("e.0.value"),
        value,
        &format!("{head}{expected}z: 1\n"),
    );
}

/// Sets `spec.a`; expected is what stands behind `a:`.
#[track_caller]
fn plain(value: &str, expected: &str) {
    check(
        "spec:\n  a: x\n",
        path("spec.a"),
        value,
        &format!("spec:\n  a:{expected}\n"),
    );
}

#[test]
fn a_key_is_set_in_a_mapping_that_is_not_there_yet() {
    annotate("\nspec: 1\n", "\n    k/x: v\nspec: 1\n");
    annotate(" # note\n  name: x\n", " # note\n    k/x: v\n  name: x\n");
    annotate(" ~\n  name: x\n", "\n    k/x: v\n  name: x\n");
    annotate(" null # c\n  name: x\n", " # c\n    k/x: v\n  name: x\n");
    annotate("\n    ~\n  name: x\n", "\n    k/x: v\n  name: x\n");
    check(
        "metadata:\n  name: x\n",
        path("metadata.annotations").key("k/x"),
        "v",
        "metadata:\n  name: x\n  annotations:\n    k/x: v\n",
    );
    check("a: 1", path("b.c.d"), "v", "a: 1\nb:\n  c:\n    d: v");
    check(
        "a: {}\n",
        path("a.b.c.d"),
        "v",
        "a:\n  b:\n    c:\n      d: v\n",
    );
    check("? a\n? b\n", path("a.k"), "v", "? a\n: {k: v}\n? b\n");
    check("a: {b}\n", path("a.b.k"), "v", "a: {b: {k: v}}\n");
    check("? a # c\n", path("a"), "v", "? a\n: v # c\n");
    check("a: {b: , c}\n", path("a.b.d"), "v", "a: {b: {d: v} , c}\n");
}

#[test]
fn a_key_is_set_inside_brackets() {
    annotate(" {}  # c\n  name: x\n", " {k/x: v}  # c\n  name: x\n");
    annotate(" {\n  }\n  name: x\n", " {k/x: v\n  }\n  name: x\n");
    annotate(
        " {\n    a: \"1\",   # first\n    b: \"2\"    # second\n  }\n  name: x\n",
        " {\n    a: \"1\",   # first\n    b: \"2\",    # second\n    k/x: v\n  }\n  name: x\n",
    );
    annotate(
        " {\n    a: \"1\",\n    b: \"2\",\n  }\n  name: x\n",
        " {\n    a: \"1\",\n    b: \"2\",\n    k/x: v,\n  }\n  name: x\n",
    );
    annotate(" {a: 1, }\n", " {a: 1, k/x: v, }\n");
    annotate(" {\"a\": 1}\n", " {\"a\": 1, \"k/x\": \"v\"}\n");
}

#[test]
fn what_aliases_and_merge_keys_bring_in_is_not_changed_elsewhere() {
    check(
        "x: &a\n  p: \"1\"\nmetadata:\n  annotations:\n    <<: *a\n  name: y\n",
        path("metadata.annotations").key("k/x"),
        "v",
        "x: &a\n  p: \"1\"\nmetadata:\n  annotations:\n    <<: *a\n    k/x: v\n  name: y\n",
    );
    check(
        "x: &sa default\nspec:\n  serviceAccountName: *sa\n",
        path("spec.serviceAccountName"),
        "new",
        "x: &sa default\nspec:\n  serviceAccountName: new\n",
    );
    refuse(
        "metadata:\n  annotations: &a\n    p: \"1\"\n  labels: *a\n",
        path("metadata.annotations.k"),
        "v",
        (3, 5),
        "the anchor `&a`, which is used again in line 4",
    );
    refuse(
        "x: &a\n  p: \"1\"\nmetadata:\n  annotations: *a\n",
        path("metadata.annotations.k"),
        "v",
        (4, 16),
        "leads through the alias `*a`",
    );
    refuse(
        "spec:\n  serviceAccountName: &sa default # c\n  other: *sa\n",
        path("spec.serviceAccountName"),
        "new",
        (2, 27),
        "used again in line 3",
    );
    // An anchor that nothing uses is only a name.
    account(" &sa default # c\n", " &sa new # c\n");
}

#[test]
fn tags_stay_where_they_fit_and_stop_the_edit_where_they_may_not() {
    account(" !!str default # c\n", " !!str new # c\n");
    refuse("a: !secret x\n", path("a"), "new", (1, 12), "has a tag");
    refuse("a: !!int 1\n", path("a"), "new", (1, 10), "has a tag");
}

#[test]
fn a_scalar_is_replaced_and_nothing_around_it() {
    account(" x\n  serviceAccount: y\n", " new\n  serviceAccount: y\n");
    account("\tdefault\t# c\n", "\tnew\t# c\n");
    account("\n    default\n  z: 1\n", "\n    new\n  z: 1\n");
    account(" 'default'\n", " 'new'\n");
    check(
        "spec:\n  \"serviceAccountName\": \"default\"   # c\n  z: 1\n",
        path("spec.serviceAccountName"),
        "new",
        "spec:\n  \"serviceAccountName\": \"new\"   # c\n  z: 1\n",
    );
    check(
        "spec:\n  ? serviceAccountName\n  : default\n  z: 1\n",
        path("spec.serviceAccountName"),
        "new",
        "spec:\n  ? serviceAccountName\n  : new\n  z: 1\n",
    );
    check(
        "spec:\n  n: \"é🎉\"\n  a: x # é\n",
        path("spec.a"),
        "new",
        "spec:\n  n: \"é🎉\"\n  a: new # é\n",
    );
    check("\u{feff}a: x\n", path("a"), "new", "\u{feff}a: new\n");
    check("a: x", path("a"), "new", "a: new");
    check("a: x", path("a"), true, "a: true");
    check("a: 'x'", path("a"), 5, "a: 5");
    check("- a\n-\n- c\n", path("1"), "b", "- a\n- b\n- c\n");
}

#[test]
fn an_equal_value_is_not_written_anew_but_another_kind_is() {
    for same in [
        " new\n",
        " 'new'\n",
        " \"new\"   # c\n",
        " >-\n       new\n",
        " !!str new\n",
    ] {
        account(same, same);
    }
    for (source, expected) in [
        (" 0755", " \"0755\""),
        (" true", " \"true\""),
        (" \"true\"", " \"true\""),
    ] {
        let value = source.trim().trim_matches('"');
        check(
            &format!("a:{source}\n"),
            path("a"),
            value,
            &format!("a:{expected}\n"),
        );
    }
    check("a: \"true\"\n", path("a"), true, "a: true\n");
    check("a: 007\n", path("a"), 7, "a: 7\n");
}

#[test]
fn a_key_is_added_below_the_last_one() {
    add(
        " one\n    two\n    three\n# c\nz: 1\n",
        " one\n    two\n    three\n  k: v\n# c\nz: 1\n",
    );
    add(" |+\n    x\n\n\nz: 1\n", " |+\n    x\n\n\n  k: v\nz: 1\n");
    add(" |+\n    x\n\n\n", " |+\n    x\n\n\n  k: v\n");
    add(
        " 1\n    # deeper comment\n  # same\n# shallow\nz: 1\n",
        " 1\n  k: v\n    # deeper comment\n  # same\n# shallow\nz: 1\n",
    );
    add(" 1\n\n\n---\nb: 2\n", " 1\n  k: v\n\n\n---\nb: 2\n");
    add(" 1\n...\n---\nb: 2\n", " 1\n  k: v\n...\n---\nb: 2\n");
    add(
        " \"one\n    two\"   # c\n\nz: 1\n",
        " \"one\n    two\"   # c\n  k: v\n\nz: 1\n",
    );
    add(
        "\n  - 1\n  # c\n  - 2\nz: 1\n",
        "\n  - 1\n  # c\n  - 2\n  k: v\nz: 1\n",
    );
    add_to(
        "spec",
        "--- # c\nspec:\n  a: 1 # d\n--- # e\nb: 1\n",
        "--- # c\nspec:\n  a: 1 # d\n  k: v\n--- # e\nb: 1\n",
    );
    add_to(
        "spec",
        "%YAML 1.2\n---\nspec:\n  a: 1\n",
        "%YAML 1.2\n---\nspec:\n  a: 1\n  k: v\n",
    );
    add_to(
        "spec",
        "# head\n---\n# in doc\nspec:\n  a: 1\n# tail\n---\n",
        "# head\n---\n# in doc\nspec:\n  a: 1\n  k: v\n# tail\n---\n",
    );
}

#[test]
fn a_literal_at_the_end_keeps_its_value_when_something_follows() {
    add(" |\n    x", " |-\n    x\n  k: v");
    add(" |2  # c\n    x", " |2-  # c\n    x\n  k: v");
    add(" |+\n    x", " |-\n    x\n  k: v");
    add(" |-\n    x", " |-\n    x\n  k: v");
}

#[test]
fn new_lines_end_and_are_indented_as_their_neighbours_are() {
    add_to(
        "spec",
        "spec:\r\n  a: 1\n  b: 2\r\nz: 1\n",
        "spec:\r\n  a: 1\n  b: 2\r\n  k: v\r\nz: 1\n",
    );
    add_to(
        "spec",
        "spec:\r  a: 1\rz: 1\r",
        "spec:\r  a: 1\r  k: v\rz: 1\r",
    );
    add_to(
        "spec.a.b",
        "spec:\n   a:\n      b:\nz: 1\n",
        "spec:\n   a:\n      b:\n         k: v\nz: 1\n",
    );
    add_to(
        "spec.b",
        "spec:\n    a: 1\n    b:\n        c: 1\n",
        "spec:\n    a: 1\n    b:\n        c: 1\n        k: v\n",
    );
    add_to(
        "l.0",
        "l:\n  -\n    a: 1\n  - a: 3\n",
        "l:\n  -\n    a: 1\n    k: v\n  - a: 3\n",
    );
    add_to(
        "l.0",
        "l:\n-   a: 1\n    b: 2\n-   a: 3\n",
        "l:\n-   a: 1\n    b: 2\n    k: v\n-   a: 3\n",
    );
}

#[test]
fn json_stays_json() {
    add_to(
        "spec",
        "{\"spec\": {\"a\": 1, \"b\": [1,2]}}\n",
        "{\"spec\": {\"a\": 1, \"b\": [1,2], \"k\": \"v\"}}\n",
    );
    add_to(
        "spec",
        "{\n  \"spec\": {\n    \"a\": 1\n  }\n}\n",
        "{\n  \"spec\": {\n    \"a\": 1,\n    \"k\": \"v\"\n  }\n}\n",
    );
    add_to(
        "spec",
        "--- {spec: {a: 1}}\n---\nb: 1\n",
        "--- {spec: {a: 1, k: v}}\n---\nb: 1\n",
    );
    let text = "{\"a\": {}, \"b\": [], \"c\": null, \"d\": \"x\\n\"}";
    let edited = edit(text, |editor| {
        editor.set(&path("a.b"), Value::mapping([("c", Value::from(1))]))?;
        editor.set(
            &path("b"),
            Value::sequence([Value::mapping([("name", SCRIPT.into())]), Value::from(true)]),
        )?;
        editor.set(&path("c.d"), "\u{1b}é\u{85}")?;
        editor.set(&path("d"), "y")
    });
    let edited = edited.unwrap();
    let json: serde_json::Value = serde_json::from_str(&edited).unwrap();
    let expected = serde_json::json!({
        "a": {"b": {"c": 1}}, "b": [{"name": SCRIPT}, true], "c": {"d": "\u{1b}é\u{85}"}, "d": "y"
    });
    assert_eq!(json, expected, "{edited}");
}

#[test]
fn a_script_becomes_a_literal_wherever_it_is_put() {
    let literal = format!(" |\n{BODY}");
    script(" \"\"", &literal);
    script("", &literal);
    script(" a\n      b", &literal);
    script(" # later", &format!(" | # later\n{BODY}"));
    script(" \"a\n      b\"   # c", &format!(" |   # c\n{BODY}"));
    script(" |\n      a\n", &format!("{literal}\n"));
    script(" |+\n      a\n", &literal);
    script(
        " >-\n      a\n      b\n\n  # c",
        &format!("{literal}\n  # c\n"),
    );
    script(
        " |2-  # hdr\n        x\n      y\n    z: 1",
        &format!(" |  # hdr\n{BODY}    z: 1\n"),
    );
    let deeper = BODY.replace("      ", "        ");
    script(" |\n        a", &format!(" |\n{deeper}"));
    check(
        "e:\n  - name: I\n    value: \"\"",
        path("e.0.value"),
        SCRIPT,
        &format!("e:\n  - name: I\n    value: |\n{BODY}"),
    );
    check(
        "e:\n  - name: I   # c\n  - name: Z\n",
        path("e.0.value"),
        SCRIPT,
        &format!("e:\n  - name: I   # c\n    value: |\n{BODY}  - name: Z\n"),
    );
    let crlf = |text: &str| text.replace('\n', "\r\n");
    check(
        &crlf("e:\n  - name: I\n    value: \"\"  # c\n  - name: Z\n"),
        path("e.0.value"),
        SCRIPT,
        &crlf(&format!(
            "e:\n  - name: I\n    value: |  # c\n{BODY}  - name: Z\n"
        )),
    );
    let edited = set(
        "e: [{name: I, value: \"\"}, {name: Z}]\n",
        path("e.0.value"),
        SCRIPT,
    );
    assert_eq!(
        edited.unwrap(),
        "e: [{name: I, value: \"#!/bin/bash\\nset -e\\nif x; then\\n  echo 'a: b' # c\\n\\techo t\\nfi\\n\"}, {name: Z}]\n"
    );
}

#[test]
fn blank_lines_behind_a_block_scalar_survive_its_replacement() {
    let source = "a: |\n  old\n\n\n# c\nb: 1\n";
    check(
        source,
        path("a"),
        "x\ny\n",
        "a: |\n  x\n  y\n\n\n# c\nb: 1\n",
    );
    check(source, path("a"), "new", "a: new\n\n\n# c\nb: 1\n");
    check(
        "a: |+ # h\n  old\n\n\n# c\nb: 1\n",
        path("a"),
        "new",
        "a: new # h\n# c\nb: 1\n",
    );
    check("a: |\n  old", path("a"), "new", "a: new");
    check("a: |\n  old", path("a"), "x\ny", "a: |-\n  x\n  y");
    check("a: |\n  old", path("a"), "x\ny\n", "a: |\n  x\n  y\n");
    check(
        "a: |\n\nb: 1\n",
        path("a"),
        "x\ny\n",
        "a: |\n  x\n  y\n\nb: 1\n",
    );
}

#[test]
fn comments_do_not_become_lines_of_a_literal() {
    check(
        "m:\n  l:\n    - a\n      # of a\n\n    # of l\n  # of m\nz: 1\n",
        path("m.k"),
        "x\ny\n",
        "m:\n  l:\n    - a\n      # of a\n\n    # of l\n  k: |\n    x\n    y\n  # of m\nz: 1\n",
    );
    check(
        "a: x\n   # deep\nb: 1\n",
        path("a"),
        "x\ny\n",
        "a: |\n    x\n    y\n   # deep\nb: 1\n",
    );
}

#[test]
fn text_is_written_so_that_it_reads_back_as_it_is() {
    text(SCRIPT.trim_end(), &format!(" |-\n{BODY}"));
    text("x   \n  \ny\n", " |\n      x   \n        \n      y\n");
    text("\n\nx\n", " |\n\n\n      x\n");
    text(
        "  indented first\nx\n",
        " |2\n        indented first\n      x\n",
    );
    text("a\r\nb\r\n", " \"a\\r\\nb\\r\\n\"\n");
    text("a\u{1b}[0m\nb\n", " \"a\\u001b[0m\\nb\\n\"\n");
    text(
        "écho\u{2028}\u{85}\u{feff}🎉\n",
        " \"écho\\u2028\\u0085\\ufeff🎉\\n\"\n",
    );
    let head = "e:\n  - name: I\n    value:";
    check(
        &format!("{head} x\n\nz: 1\n"),
        path("e.0.value"),
        "x\n\n\n",
        &format!("{head} |+\n      x\n\n\nz: 1\n"),
    );
    text("x\n\n\n", " |+\n      x\n\n\n");
}

#[test]
fn words_and_numbers_are_quoted_and_the_rest_is_plain() {
    for quoted in [
        "yes", "0755", "a #b", "y", "N", "1_000", "12:30", "", "- a", "a: b", "*a", "{{ x }}",
        "\ttab",
    ] {
        let shown = quoted.replace('\t', "\\t");
        plain(quoted, &format!(" \"{shown}\""));
    }
    for bare in ["arn:aws:iam::1:role/x", "new", "a-b", "v1.2"] {
        plain(bare, &format!(" {bare}"));
    }
}

#[test]
fn lists_grow_in_the_style_of_the_document() {
    let user = || {
        Value::mapping([
            ("name", "u".into()),
            ("user", Value::mapping([("token", "t".into())])),
        ])
    };
    let append = |text: &str, expected: &str| {
        let edited = edit(text, |editor| editor.ensure(&path("users"), user()));
        assert_eq!(edited.unwrap(), expected);
    };
    append(
        "users: []\n",
        "users:\n  - name: u\n    user:\n      token: t\n",
    );
    append(
        "a:\n- b\nusers: null # c\nz: 1\n",
        "a:\n- b\nusers: # c\n- name: u\n  user:\n    token: t\nz: 1\n",
    );
    append(
        "users:\n- name: v\n# end\n",
        "users:\n- name: v\n- name: u\n  user:\n    token: t\n# end\n",
    );
    append(
        "users:\n- name: v # c",
        "users:\n- name: v # c\n- name: u\n  user:\n    token: t",
    );
    append(
        "{\"users\": []}",
        "{\"users\": [{\"name\": \"u\", \"user\": {\"token\": \"t\"}}]}",
    );
    append(
        "users: [{name: v}]\n",
        "users: [{name: v}, {name: u, user: {token: t}}]\n",
    );
    append(
        "a: 1\n",
        "a: 1\nusers:\n  - name: u\n    user:\n      token: t\n",
    );
    append(
        "---\n",
        "---\nusers:\n  - name: u\n    user:\n      token: t\n",
    );
    append(
        "l:\n- []\nusers: []\n",
        "l:\n- []\nusers:\n- name: u\n  user:\n    token: t\n",
    );
    check(
        "l:\n- []\n",
        path("l.0"),
        Value::sequence([user()]),
        "l:\n-\n  - name: u\n    user:\n      token: t\n",
    );
    append("{}\n", "users:\n  - name: u\n    user:\n      token: t\n");
    append("null\n", "users:\n  - name: u\n    user:\n      token: t\n");
}

#[test]
fn an_item_is_found_by_a_key_or_made() {
    let at = || path("spec.env").item_where("name", "INIT").key("value");
    check(
        "spec:\n  env:\n    - name: A\n      value: a\n    # of INIT\n    - name: INIT\n      value: b # c\n",
        at(),
        "x\ny\n",
        "spec:\n  env:\n    - name: A\n      value: a\n    # of INIT\n    - name: INIT\n      value: | # c\n        x\n        y\n",
    );
    check(
        "spec:\n  env:\n  - name: A\n    value: a\n",
        at(),
        "x\ny\n",
        "spec:\n  env:\n  - name: A\n    value: a\n  - name: INIT\n    value: |\n      x\n      y\n",
    );
    check(
        "spec:\n  a: 1\n",
        at(),
        "x",
        "spec:\n  a: 1\n  env:\n    - name: INIT\n      value: x\n",
    );
}

#[test]
fn an_item_goes_where_it_is_put() {
    let insert = |text: &str, index: usize| {
        super::edit_once(text, |editor| editor.insert(&path("l"), index, "m")).unwrap()
    };
    assert_eq!(
        insert("l:\n  # a\n  - a # b\n  # c\n  - c\n", 1),
        "l:\n  # a\n  - a # b\n  - m\n  # c\n  - c\n"
    );
    assert_eq!(insert("l:\n  - a\n", 0), "l:\n  - m\n  - a\n");
    assert_eq!(insert("l:\n  - a", 9), "l:\n  - a\n  - m");
    assert_eq!(insert("l: [a, b]\n", 1), "l: [a, m, b]\n");
    assert_eq!(insert("l: [a, b]\n", 0), "l: [m, a, b]\n");
    assert_eq!(insert("l:\n- - a\n  - b\n", 0), "l:\n- m\n- - a\n  - b\n");
}

#[test]
fn of_a_list_only_what_differs_is_written() {
    let at = || path("u.args");
    let list = |items: &[&str]| Value::sequence(items.iter().copied());
    let text = "u:\n  args:\n    - a # 1\n    # 2\n    - b\n    - c # 3\n";
    check(
        text,
        at(),
        list(&["a", "x", "c"]),
        "u:\n  args:\n    - a # 1\n    # 2\n    - x\n    - c # 3\n",
    );
    check(
        text,
        at(),
        list(&["a", "b"]),
        "u:\n  args:\n    - a # 1\n    # 2\n    - b\n",
    );
    check(
        text,
        at(),
        list(&["a", "b", "c", "--d", ""]),
        &format!("{text}    - \"--d\"\n    - \"\"\n"),
    );
    let mapping = Value::mapping([("a", Value::from(1)), ("c", "x".into())]);
    check(
        "m:\n  c: y # c\n  b: 1\n  a: 1 # a\n",
        path("m"),
        mapping,
        "m:\n  c: x # c\n  a: 1 # a\n",
    );
}

#[test]
fn a_value_of_another_shape_is_refused_where_it_stands() {
    refuse(
        "a: x\n",
        path("a.b"),
        "v",
        (1, 4),
        "leads through text where a mapping is expected",
    );
    refuse(
        "a:\n  - x\n",
        path("a.b"),
        "v",
        (2, 3),
        "leads through a list where a mapping is expected",
    );
    refuse(
        "a: {b: c}\n",
        path("a"),
        "v",
        (1, 4),
        "is a mapping, not a single value",
    );
    refuse(
        "a: 5\n",
        path("a"),
        Value::sequence(["v"]),
        (1, 4),
        "not a list",
    );
    refuse(
        "a: [1]\n",
        path("a.3"),
        "v",
        (1, 4),
        "names item 3, but there are 1",
    );
    refuse(
        "a: 1\n",
        Path::of(1).key("b"),
        "v",
        (1, 1),
        "there is no document 2",
    );
}
