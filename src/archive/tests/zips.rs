//! Tests of zips.

use super::zipper::{Zipped, Zipper, zip};
use super::*;

fn unpack(entries: &[Zipped]) -> Result<Vec<Entry>, Error> {
    World::new().unpack(&Format::Zip, &zip(entries))
}

fn refused(entry: Zipped) -> Fault {
    fault(unpack(&[
        Zipped::stored("first", b"1"),
        entry,
        Zipped::deflated("last", b"3"),
    ]))
}

#[test]
fn files_directories_and_links_are_written_as_they_are() {
    let world = World::new();
    let large = b"0123456789abcdef".repeat(100_000);
    let entries = [
        Zipped::directory("aws/"),
        Zipped::directory("aws/empty/"),
        Zipped {
            mode: 0o100_755,
            ..Zipped::deflated("aws/bin/run", b"#!/bin/sh\n")
        },
        Zipped::stored("aws/data", &large),
        Zipped::deflated("aws/lib/large", &large).streamed(),
        Zipped::deflated("aws/lib/none", b""),
        Zipped::symlink("aws/lib/link", "../bin/run"),
    ];
    let world = World {
        strip: "aws",
        ..world
    };
    let archive = zip(&entries);
    let entries = world.unpack(&Format::Zip, &archive).unwrap();
    assert_eq!(
        paths(&entries),
        ["bin/run", "data", "lib/large", "lib/link", "lib/none"]
    );
    let target = world.target();
    assert_eq!(fs::read(target.join("lib/link")).unwrap(), b"#!/bin/sh\n");
    assert_eq!(fs::read(target.join("lib/large")).unwrap(), large);
    assert_eq!(fs::read(target.join("data")).unwrap(), large);
    assert!(target.join("empty").is_dir());
    let mode = fs::metadata(target.join("bin/run"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o722, 0o700);
    let contents = world.measure(&Format::Zip, &archive);
    assert_eq!(contents.entries, Some(6));
    assert_eq!(contents.bytes, 2 * large.len() as u64 + 20);
    let slim = World {
        skip: vec!["lib/".to_owned()],
        ..world
    };
    let contents = slim.measure(&Format::Zip, &archive);
    assert_eq!(contents.entries, Some(3), "what is left out takes no room");
    assert_eq!(contents.bytes, large.len() as u64 + 10);
}

#[test]
fn an_empty_zip_and_a_comment_are_fine() {
    assert_eq!(unpack(&[]).unwrap(), []);
    let zipper = Zipper {
        comment: b"hello".to_vec(),
        ..Zipper::default()
    };
    let bytes = zipper.zip(&[Zipped::stored("a", b"1")]);
    assert_eq!(
        paths(&World::new().unpack(&Format::Zip, &bytes).unwrap()),
        ["a"]
    );
}

#[test]
fn names_that_could_lead_elsewhere_are_refused() {
    let long = "x".repeat(256);
    let deep = "d/".repeat(600) + "x";
    let cases: [(&[u8], Fault); 14] = [
        (b"", Fault::EmptyName),
        (b"/", Fault::AbsoluteName),
        (b"/etc/passwd", Fault::AbsoluteName),
        (b"..", Fault::DotsInName),
        (b"../bystander/x", Fault::DotsInName),
        (b"a/../../bystander/x", Fault::DotsInName),
        (b"a/./b", Fault::DotsInName),
        (b"a//b", Fault::DotsInName),
        (b"a\0b", Fault::ControlInName),
        (b"a\nb", Fault::ControlInName),
        (b"..\\bystander\\x", Fault::BackslashInName),
        (b"\xff", Fault::NameNotUtf8),
        (long.as_bytes(), Fault::LongName),
        (deep.as_bytes(), Fault::LongName),
    ];
    for (name, expected) in cases {
        assert_eq!(
            refused(Zipped::stored(name, b"x")),
            expected,
            "{}",
            name.escape_ascii()
        );
    }
}

#[test]
fn a_link_that_leaves_the_target_is_refused() {
    for target in [
        "/etc",
        "..",
        "../bystander",
        "a/../../bystander",
        "",
        "./x",
        "a\0b",
        "../..",
    ] {
        let fault = refused(Zipped::symlink("link", target));
        assert!(
            matches!(fault, Fault::LinkLeaves(_) | Fault::SizeOfKind),
            "{target}: {fault}"
        );
    }
    // Lexically inside; but as `d/e/up` is a link to the top, `..` after it is outside.
    let entries = [
        Zipped::symlink("d/e/up", "../../top"),
        Zipped::symlink("out", "d/e/up/../../bystander"),
        Zipped::directory("top/"),
    ];
    assert!(matches!(fault(unpack(&entries)), Fault::LinkLeaves(_)));
}

#[test]
fn nothing_is_written_through_a_link_of_the_archive() {
    let entries = [Zipped::symlink("d", "e"), Zipped::stored("d/x", b"1")];
    assert_eq!(fault(unpack(&entries)), Fault::FileAndDirectory);
    let entries = [Zipped::stored("d/x", b"1"), Zipped::symlink("d", "e")];
    assert_eq!(fault(unpack(&entries)), Fault::FileAndDirectory);
}

#[test]
fn a_path_occurs_once_and_is_one_thing() {
    let file = Zipped::stored("a", b"1");
    assert_eq!(
        fault(unpack(&[file.clone(), file.clone()])),
        Fault::Duplicate
    );
    let directory = Zipped::directory("a/");
    assert_eq!(
        fault(unpack(&[directory.clone(), directory.clone()])),
        Fault::Duplicate
    );
    assert_eq!(
        fault(unpack(&[directory, file.clone()])),
        Fault::FileAndDirectory
    );
    let below = Zipped::stored("a/b/c", b"1");
    assert_eq!(
        fault(unpack(&[below.clone(), file.clone()])),
        Fault::FileAndDirectory
    );
    assert_eq!(fault(unpack(&[file, below])), Fault::FileAndDirectory);
}

#[test]
fn what_is_neither_file_directory_nor_link_is_refused() {
    for kind in [0o010_000, 0o020_000, 0o060_000, 0o140_000, 0o040_000] {
        let entry = Zipped {
            mode: kind | 0o644,
            ..Zipped::stored("x", b"")
        };
        assert_eq!(refused(entry), Fault::Special, "{kind:o}");
    }
    assert_eq!(
        refused(Zipped {
            size: 1,
            ..Zipped::directory("d/")
        }),
        Fault::SizeOfKind
    );
}

#[test]
fn special_bits_and_write_permission_for_others_are_dropped() {
    let world = World::new();
    let entry = Zipped {
        mode: 0o107_777,
        ..Zipped::stored("x", b"1")
    };
    world.unpack(&Format::Zip, &zip(&[entry])).unwrap();
    let mode = fs::metadata(world.target().join("x"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7022, 0);
}

#[test]
fn a_local_header_that_differs_is_refused() {
    let good = Zipped::deflated("x", b"content");
    let differs = |entry| match refused(entry) {
        Fault::HeadersDiffer(field) => field,
        fault => panic!("{fault}"),
    };
    assert_eq!(
        differs(Zipped {
            local_name: Some(b"y".to_vec()),
            ..good.clone()
        }),
        "name"
    );
    assert_eq!(
        differs(Zipped {
            local_method: Some(0),
            ..good.clone()
        }),
        "compression method"
    );
    assert_eq!(
        differs(Zipped {
            local_size: Some(8),
            ..good.clone()
        }),
        "size"
    );
    let mut streamed = good.streamed();
    streamed.descriptor[4] ^= 1;
    assert_eq!(differs(streamed), "data descriptor");
}

#[test]
fn content_that_is_not_as_stated_is_refused() {
    let good = Zipped::deflated("x", &b"content".repeat(10));
    assert_eq!(
        refused(Zipped {
            crc32: 1,
            ..good.clone()
        }),
        Fault::Checksum
    );
    assert_eq!(
        refused(Zipped {
            size: 69,
            ..good.clone()
        }),
        Fault::Size
    );
    assert_eq!(
        refused(Zipped {
            size: 71,
            ..good.clone()
        }),
        Fault::Size
    );
    assert_eq!(
        refused(Zipped {
            size: 2,
            ..Zipped::stored("x", b"1")
        }),
        Fault::Size
    );
    let mut longer = good.clone();
    longer.data.push(0);
    assert_eq!(refused(longer), Fault::Size);
    let mut shorter = good.clone();
    shorter.data.pop();
    assert_eq!(refused(shorter), Fault::Truncated);
    assert_eq!(
        refused(Zipped {
            data: vec![0xff; 20],
            ..good
        }),
        Fault::Deflate
    );
}

#[test]
fn what_cannot_be_unpacked_faithfully_is_refused() {
    let good = Zipped::stored("x", b"1");
    assert_eq!(
        refused(Zipped {
            flags: 1,
            ..good.clone()
        }),
        Fault::Encrypted
    );
    assert_eq!(
        refused(Zipped {
            flags: 1 << 5,
            ..good.clone()
        }),
        Fault::Flags(32)
    );
    assert_eq!(refused(Zipped { method: 12, ..good }), Fault::Method(12));
}

#[test]
fn bytes_that_belong_to_no_entry_are_refused() {
    let good = [Zipped::stored("a", b"1"), Zipped::stored("b", b"2")];
    let world = World::new();
    let unpack = |bytes: &[u8]| fault(world.unpack(&Format::Zip, bytes));
    let zipper = Zipper {
        after: b"x".to_vec(),
        ..Zipper::default()
    };
    assert_eq!(unpack(&zipper.zip(&good)), Fault::Trailing);
    let zipper = Zipper {
        before: b"#!/bin/sh\n".to_vec(),
        ..Zipper::default()
    };
    assert_eq!(unpack(&zipper.zip(&good)), Fault::Layout);
    let [first, second] = good;
    let gap = Zipped {
        gap: b"hidden".to_vec(),
        ..second.clone()
    };
    assert_eq!(unpack(&zip(&[first.clone(), gap])), Fault::Layout);
    let overlapping = Zipped {
        overlaps: true,
        ..second
    };
    assert_eq!(unpack(&zip(&[first, overlapping])), Fault::Layout);
}

#[test]
fn a_wrong_number_of_entries_is_refused() {
    for count_off_by in [-1, 1] {
        let zipper = Zipper {
            count_off_by,
            ..Zipper::default()
        };
        let bytes = zipper.zip(&[Zipped::stored("a", b"1"), Zipped::stored("b", b"2")]);
        let fault = fault(World::new().unpack(&Format::Zip, &bytes));
        assert!(matches!(fault, Fault::Count { found: 2, .. }), "{fault}");
    }
}

#[test]
fn a_truncated_zip_is_refused_wherever_it_ends() {
    let bytes = zip(&[Zipped::deflated("a", b"content"), Zipped::stored("b", b"2")]);
    for length in 0..bytes.len() {
        fault(World::new().unpack(&Format::Zip, &bytes[..length]));
    }
}

#[test]
fn a_bomb_stops_at_the_first_byte_over() {
    let bytes = zip(&[Zipped::deflated("a", &vec![0; 3_000_000])]);
    let unpack = |limits| {
        let world = World {
            limits,
            ..World::new()
        };
        let result = world.unpack(&Format::Zip, &bytes);
        assert!(world.size() <= limits.bytes);
        result
    };
    unpack(Limits {
        bytes: 3_000_000,
        ..LIMITS
    })
    .unwrap();
    assert_too_large(&unpack(Limits {
        bytes: 2_999_999,
        ..LIMITS
    }));
    assert_too_large(&unpack(Limits {
        ratio: 100,
        ..LIMITS
    }));
    assert_too_large(&unpack(Limits {
        entries: 0,
        ..LIMITS
    }));
    // The directories that a path implies count.
    let limits = Limits {
        entries: 3,
        ..LIMITS
    };
    let world = World {
        limits,
        ..World::new()
    };
    assert_too_large(&world.unpack(&Format::Zip, &zip(&[Zipped::stored("a/b/c/d", b"")])));
}

#[test]
fn the_deadline_stops_it_in_the_middle() {
    let world = World::new();
    let source = world.verified(&zip(&[Zipped::deflated("a", &vec![0; 3_000_000])]));
    let options = Options {
        strip: "",
        skip: &[],
        limits: LIMITS,
        threads: 1,
    };
    let deadline = Deadline::after(Instant::now(), Duration::from_millis(200));
    // The first progress is reported in time and outlasts the deadline.
    let progress = |_| std::thread::sleep(deadline.left());
    let result = super::unpack(
        &source,
        &Format::Zip,
        &world.target(),
        &options,
        deadline,
        &progress,
    );
    assert!(matches!(result, Err(Error::Deadline(_))));
    assert!((1..3_000_000).contains(&world.size()));
}

#[test]
fn what_is_to_be_skipped_is_left_out() {
    let skip = ["examples/", "data/*/x-*.json"].map(str::to_owned).to_vec();
    let world = World {
        strip: "*",
        skip,
        ..World::new()
    };
    let names = [
        "t/examples/a/b",
        "t/data/s3/x-1.json",
        "t/data/s3/y-1.json",
        "t/examples.txt",
    ];
    let bytes = zip(&names.map(|name| Zipped::stored(name, b"1")));
    let entries = world.unpack(&Format::Zip, &bytes).unwrap();
    assert_eq!(paths(&entries), ["data/s3/y-1.json", "examples.txt"]);
}

#[test]
fn a_file_outside_the_stripped_path_is_refused() {
    for (strip, name) in [("aws", "aws2/x"), ("aws", "x"), ("aws", "aws"), ("*", "x")] {
        let world = World {
            strip,
            ..World::new()
        };
        let fault = fault(world.unpack(&Format::Zip, &zip(&[Zipped::stored(name, b"1")])));
        assert_eq!(fault, Fault::Outside(strip.to_owned()), "{name}");
    }
}
