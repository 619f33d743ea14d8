//! Properties that hold for all archives, the broken ones included.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::tars::{file, tar};
use super::zipper::{Zipped, zip};
use super::*;

/// Names that are good, bad, and nearly good.
fn name() -> impl Strategy<Value = String> {
    let component = prop_oneof![
        Just("..".to_owned()),
        Just(".".to_owned()),
        Just(String::new()),
        Just("bystander".to_owned()),
        "[a-c]{1,2}",
    ];
    prop::collection::vec(component, 1..5).prop_map(|components| components.join("/"))
}

fn good_tree() -> impl Strategy<Value = BTreeMap<String, (Vec<u8>, bool)>> {
    let content = prop::collection::vec(any::<u8>(), 0..2000);
    // A digit ends every directory and no file: no path is both.
    prop::collection::btree_map(
        "([a-z]{1,5}[0-9]/){0,3}[a-z]{1,8}",
        (content, any::<bool>()),
        0..20,
    )
}

fn valid_zip() -> Vec<u8> {
    zip(&[
        Zipped::directory("d/"),
        Zipped::deflated("d/a", &b"some content, ".repeat(50)),
        Zipped::deflated("d/b", b"more content").streamed(),
        Zipped::stored("c", b"content"),
        Zipped::symlink("l", "d/a"),
    ])
}

fn mutated(bytes: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = bytes.len();
    prop::collection::vec((0..length, any::<u8>()), 1..6).prop_map(move |changes| {
        let mut bytes = bytes.clone();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn nothing_is_made_outside_whatever_the_names_are(names in prop::collection::vec((name(), name(), any::<bool>()), 1..4)) {
        let world = World::new();
        let entries: Vec<_> = names.iter().map(|(name, target, is_link)| {
            if *is_link { Zipped::symlink(name, target) } else { Zipped::stored(name, b"x") }
        }).collect();
        drop(world.unpack(&Format::Zip, &zip(&entries)));
        let world = World::new();
        let members: Vec<_> = names.iter().map(|(name, _, _)| file(name, b"x")).collect();
        drop(world.unpack(&Format::TarGz, &tar(&members)));
    }

    #[test]
    fn contents_and_modes_come_out_as_they_went_in(files in good_tree()) {
        let zipped: Vec<_> = files.iter().map(|(name, (content, is_program))| Zipped {
            mode: if *is_program { 0o100_755 } else { 0o100_644 },
            ..Zipped::deflated(name, content)
        }).collect();
        let world = World::new();
        let entries = world.unpack(&Format::Zip, &zip(&zipped)).unwrap();
        prop_assert_eq!(paths(&entries), files.keys().map(String::as_str).collect::<Vec<_>>());
        for (name, (content, is_program)) in &files {
            let path = world.target().join(name);
            prop_assert_eq!(&fs::read(&path).unwrap(), content);
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            prop_assert_eq!(mode & 0o100 != 0, *is_program);
        }
    }

    #[test]
    fn a_damaged_zip_never_panics_nor_exceeds_the_limits(bytes in mutated(valid_zip())) {
        let limits = Limits { bytes: 1000, ..LIMITS };
        let world = World { limits, ..World::new() };
        drop(world.unpack(&Format::Zip, &bytes));
        prop_assert!(world.size() <= 1000 + 3);
    }

    #[test]
    fn a_damaged_tar_never_panics_nor_exceeds_the_limits(
        bytes in mutated([file("d/a", &[7; 700]), file("b", b"content")].concat()),
    ) {
        let limits = Limits { bytes: 1000, ..LIMITS };
        let world = World { limits, ..World::new() };
        drop(world.unpack(&Format::TarGz, &tar(&[bytes])));
        prop_assert!(world.size() <= 1000);
    }

    #[test]
    fn damaged_gzip_never_panics(bytes in mutated(tar(&[file("d/a", &[7; 700])]))) {
        drop(World::new().unpack(&Format::TarGz, &bytes));
    }
}
