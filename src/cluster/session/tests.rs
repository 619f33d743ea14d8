use super::*;

const ROLE: &str = "arn:aws:iam::111122223333:role/deployer";

fn role() -> RoleArn {
    ROLE.parse().unwrap()
}

fn session(minutes: i64) -> Identity {
    let end = Timestamp::now().checked_add(SignedDuration::from_mins(minutes));
    Identity {
        access_key_id: "ASIAEXAMPLE".to_owned(),
        secret_access_key: Secret::new("secret"),
        session_token: Some(Secret::new("token")),
        expires: Some(end.unwrap()),
        source: Source::Environment,
    }
}

/// A file with a session that ends in so many minutes.
fn file(minutes: i64, mode: u32) -> (tempfile::TempDir, PathBuf) {
    let world = tempfile::tempdir().unwrap();
    let path = world.path().join("sessions/a.json");
    let text = File::of(&session(minutes), &role()).unwrap().to_text();
    files::replace(&path, text.unwrap().as_bytes(), mode).unwrap();
    (world, path)
}

#[test]
fn a_session_is_used_again_while_it_outlives_a_token() {
    let (_world, path) = file(60, 0o600);
    let identity = kept(&path, &role()).unwrap();
    assert_eq!(identity.access_key_id, "ASIAEXAMPLE");
    assert_eq!(identity.session_token.unwrap().expose(), "token");
    let (_world, path) = file(14, 0o600);
    assert!(kept(&path, &role()).is_none());
}

#[test]
fn a_session_is_given_up_some_minutes_after_it_was_made() {
    let (_world, path) = file(60, 0o600);
    let text = files::read_private(&path).unwrap().unwrap();
    let check = |age: SignedDuration, is_used: bool| {
        let mut file: File = serde_json::from_str(&text).unwrap();
        file.made = Timestamp::now().checked_sub(age).unwrap();
        let text = file.to_text().unwrap();
        files::replace(&path, text.as_bytes(), 0o600).unwrap();
        assert_eq!(kept(&path, &role()).is_some(), is_used, "{age}");
    };
    let minute = SignedDuration::from_mins(1);
    check(SignedDuration::ZERO, true);
    check(MOST_AGE - minute, true);
    check(MOST_AGE, false);
    check(MOST_AGE + minute, false);
    check(-minute, false);
}

#[test]
fn a_file_that_is_not_as_we_write_it_is_passed_over() {
    let (_world, path) = file(60, 0o644);
    assert!(kept(&path, &role()).is_none(), "others may read it");
    let other = "arn:aws:iam::111122223333:role/other".parse().unwrap();
    let (_world, path) = file(60, 0o600);
    assert!(kept(&path, &other).is_none(), "it is of another role");
    for text in ["", "{", "{}", "[1]", "\u{0}"] {
        files::replace(&path, text.as_bytes(), 0o600).unwrap();
        assert!(kept(&path, &role()).is_none(), "{text:?}");
    }
    files::remove(&path).unwrap();
    assert!(kept(&path, &role()).is_none());
}

#[test]
fn all_that_makes_it_another_session_makes_it_another_file() {
    let (role, other_role) = (role(), "arn:aws:iam::111122223333:role/b".parse().unwrap());
    let [id, other_id] = ["s3cret-id", "other-id"].map(|id| id.parse::<ExternalId>().unwrap());
    let [region, other_region] = ["us-east-1", "eu-west-1"].map(|text| text.parse().unwrap());
    let naming = Naming::Named(SessionName::default());
    let other_name = Naming::Named("other".parse().unwrap());
    let forwarded = Naming::Forwarded(SessionName::default());
    let entry = Entry {
        role: &role,
        external_id: Some(&id),
        naming: &naming,
        region: &region,
    };
    let names = [
        file_name(&entry, "key A"),
        file_name(&entry, "key B"),
        file_name(
            &Entry {
                role: &other_role,
                ..entry.clone()
            },
            "key A",
        ),
        file_name(
            &Entry {
                external_id: Some(&other_id),
                ..entry.clone()
            },
            "key A",
        ),
        file_name(
            &Entry {
                external_id: None,
                ..entry.clone()
            },
            "key A",
        ),
        file_name(
            &Entry {
                naming: &other_name,
                ..entry.clone()
            },
            "key A",
        ),
        file_name(
            &Entry {
                naming: &forwarded,
                ..entry.clone()
            },
            "key A",
        ),
        file_name(
            &Entry {
                region: &other_region,
                ..entry.clone()
            },
            "key A",
        ),
    ];
    let distinct: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len());
    assert_eq!(file_name(&entry, "key A"), names[0]);
    assert!(
        names
            .iter()
            .all(|name| name.len() == 64 && !name.contains("s3cret"))
    );
}

#[test]
fn a_session_that_nobody_named_says_whose_it_is() {
    let check = |delegate: Option<&str>, expected: &str| {
        assert_eq!(default_name(delegate).as_str(), expected);
    };
    check(None, "bootstrap");
    check(Some(""), "bootstrap");
    check(Some("prod eu/1"), "harness-delegate-prodeu1");
    check(
        Some(&"a".repeat(99)),
        &format!("harness-delegate-{}", "a".repeat(47)),
    );
}
