//! Tests of tar.gz archives.

use std::io::Write as _;

use ::tar::{Builder, EntryType, Header};

use super::*;

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A header with the name as it is, which the builder would refuse.
pub(super) fn header(name: &[u8], kind: EntryType, size: usize, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(size as u64);
    header.set_mode(mode);
    header.set_cksum();
    header
}

pub(super) fn member(name: &[u8], kind: EntryType, mode: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = header(name, kind, content.len(), mode).as_bytes().to_vec();
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

pub(super) fn file(name: &str, content: &[u8]) -> Vec<u8> {
    member(name.as_bytes(), EntryType::Regular, 0o644, content)
}

fn link(name: &str, target: &str, kind: EntryType) -> Vec<u8> {
    let mut header = header(name.as_bytes(), kind, 0, 0o777);
    header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
    header.set_cksum();
    header.as_bytes().to_vec()
}

pub(super) fn tar(members: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = members.concat();
    bytes.extend([0; 1024]);
    gzip(&bytes)
}

fn unpack(members: &[Vec<u8>]) -> Result<Vec<Entry>, Error> {
    World::new().unpack(&Format::TarGz, &tar(members))
}

#[test]
fn files_directories_links_and_long_names_are_written_as_they_are() {
    let world = World {
        strip: "node",
        ..World::new()
    };
    let long = format!("node/{}/{}", "d".repeat(150), "f".repeat(150));
    let large = b"0123456789abcdef".repeat(100_000);
    let mut builder = Builder::new(Vec::new());
    for (name, mode, content) in [
        ("node/bin/node", 0o755, &large[..]),
        (&long, 0o640, b"long"),
        ("node/none", 0o444, b""),
    ] {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(mode);
        builder.append_data(&mut header, name, content).unwrap();
    }
    let mut header = header(b"", EntryType::Symlink, 0, 0o777);
    builder
        .append_link(&mut header, "node/bin/npm", "../none")
        .unwrap();
    let archive = gzip(&builder.into_inner().unwrap());
    let entries = world.unpack(&Format::TarGz, &archive).unwrap();
    let long = long.strip_prefix("node/").unwrap();
    assert_eq!(paths(&entries), ["bin/node", "bin/npm", long, "none"]);
    assert_eq!(fs::read(world.target().join("bin/node")).unwrap(), large);
    assert_eq!(fs::read(world.target().join("bin/npm")).unwrap(), b"");
    assert_eq!(fs::read(world.target().join(long)).unwrap(), b"long");
    let contents = world.measure(&Format::TarGz, &archive);
    assert!(contents.bytes > large.len() as u64);
}

#[test]
fn a_leading_dot_is_the_target_itself() {
    let members = [
        member(b"./", EntryType::Directory, 0o755, b""),
        file("./bin/tool", b"1"),
    ];
    assert_eq!(paths(&unpack(&members).unwrap()), ["bin/tool"]);
    assert_eq!(unpack(&[]).unwrap(), []);
}

#[test]
fn names_that_could_lead_elsewhere_are_refused() {
    for name in [
        "../bystander/x",
        "/etc/x",
        "a/../../x",
        "a//b",
        "a\\b",
        "a\nb",
        "././a",
    ] {
        fault(unpack(&[file(name, b"x")]));
    }
    assert_eq!(
        fault(unpack(&[member(b"\xff", EntryType::Regular, 0, b"")])),
        Fault::NameNotUtf8
    );
}

#[test]
fn links_stay_inside_and_nothing_is_written_through_them() {
    for target in ["/etc", "../bystander", "a/../../x"] {
        let members = [link("link", target, EntryType::Symlink)];
        assert!(
            matches!(fault(unpack(&members)), Fault::LinkLeaves(_)),
            "{target}"
        );
    }
    let members = [link("d", "e", EntryType::Symlink), file("d/x", b"1")];
    assert_eq!(fault(unpack(&members)), Fault::FileAndDirectory);
    let members = [file("a", b"1"), link("b", "a", EntryType::Link)];
    assert_eq!(fault(unpack(&members)), Fault::HardLink);
}

#[test]
fn special_files_are_refused() {
    for kind in [
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
        EntryType::new(b'Z'),
    ] {
        assert_eq!(
            fault(unpack(&[member(b"x", kind, 0o644, b"")])),
            Fault::Special
        );
    }
    let mut sparse = header(b"x", EntryType::GNUSparse, 0, 0o644);
    sparse.as_gnu_mut().unwrap().realsize = *b"00000000000\0";
    sparse.set_cksum();
    let sparse = sparse.as_bytes().to_vec();
    assert_eq!(fault(unpack(&[sparse])), Fault::Sparse);
    let record = member(b"p", EntryType::XHeader, 0o644, b"22 GNU.sparse.major=1\n");
    assert_eq!(fault(unpack(&[record, file("x", b"1")])), Fault::Sparse);
}

#[test]
fn a_global_header_that_renames_is_refused_and_a_comment_is_not() {
    let comment = member(b"g", EntryType::XGlobalHeader, 0o644, b"13 comment=1\n");
    assert_eq!(paths(&unpack(&[comment, file("x", b"1")]).unwrap()), ["x"]);
    let rename = member(b"g", EntryType::XGlobalHeader, 0o644, b"10 path=y\n");
    let fault = fault(unpack(&[rename, file("x", b"1")]));
    assert_eq!(fault, Fault::GlobalHeader("path".to_owned()));
}

#[test]
fn special_bits_and_write_permission_for_others_are_dropped() {
    let world = World::new();
    let members = [member(b"x", EntryType::Regular, 0o7777, b"1")];
    world.unpack(&Format::TarGz, &tar(&members)).unwrap();
    let mode = fs::metadata(world.target().join("x"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7022, 0);
}

#[test]
fn the_archive_ends_where_it_says() {
    let good = file("x", b"content");
    let unpack = |bytes: &[u8]| fault(World::new().unpack(&Format::TarGz, bytes));
    assert_eq!(unpack(&gzip(&good)), Fault::NoEnd);
    let end = [0; 1024];
    let hidden = [&good[..], &end, &file("y", b"")].concat();
    assert_eq!(unpack(&gzip(&hidden)), Fault::Trailing);
    let two_members = [tar(std::slice::from_ref(&good)), tar(&[])].concat();
    assert_eq!(unpack(&two_members), Fault::Trailing);
    let mut bad_trailer = tar(&[good]);
    *bad_trailer.last_mut().unwrap() ^= 1;
    assert!(matches!(unpack(&bad_trailer), Fault::Gzip(_)));
}

#[test]
fn a_truncated_archive_is_refused_wherever_it_ends() {
    let bytes = tar(&[file("x", b"content"), file("y", &[7; 2000])]);
    for length in 0..bytes.len() {
        fault(World::new().unpack(&Format::TarGz, &bytes[..length]));
    }
    let cut = file("y", &[7; 2000]);
    assert_eq!(
        fault(World::new().unpack(&Format::TarGz, &gzip(&cut[..1024]))),
        Fault::Truncated
    );
}

#[test]
fn a_bomb_stops_at_the_first_byte_over() {
    let bytes = tar(&[file("a", &vec![0; 3_000_000])]);
    let unpack = |limits| {
        let world = World {
            limits,
            ..World::new()
        };
        let result = world.unpack(&Format::TarGz, &bytes);
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
    // What is skipped has to be inflated all the same.
    let skip = vec!["a".to_owned()];
    let limits = Limits {
        bytes: 1_000_000,
        ..LIMITS
    };
    assert_too_large(
        &World {
            limits,
            skip,
            ..World::new()
        }
        .unpack(&Format::TarGz, &bytes),
    );
}

#[test]
fn an_endless_stream_is_not_read_to_its_end() {
    let zeros = vec![0; 4_000_000];
    let padding = [file("x", b"1"), zeros.clone()].concat();
    let refused = |bytes: &[u8]| fault(World::new().unpack(&Format::TarGz, &gzip(bytes)));
    assert_eq!(refused(&padding), Fault::LongHeaders);
    let name = member(
        b"././@LongLink",
        EntryType::GNULongName,
        0,
        &vec![b'x'; 4_000_000],
    );
    assert_eq!(refused(&name), Fault::LongHeaders);
    let record = member(b"p", EntryType::XHeader, 0, &zeros);
    assert_eq!(refused(&record), Fault::LongHeaders);
    let global = member(b"g", EntryType::XGlobalHeader, 0, &zeros);
    assert_eq!(refused(&global), Fault::LongHeaders);
}

#[test]
fn the_deadline_stops_it_in_the_middle() {
    let world = World::new();
    let source = world.verified(&tar(&[file("a", &vec![0; 3_000_000])]));
    let options = Options {
        strip: "",
        skip: &[],
        limits: LIMITS,
        threads: 1,
    };
    let deadline = Deadline::after(Instant::now(), Duration::from_millis(200));
    let progress = |_| std::thread::sleep(deadline.left());
    let format = Format::TarGz;
    let result = super::unpack(
        &source,
        &format,
        &world.target(),
        &options,
        deadline,
        &progress,
    );
    assert!(matches!(result, Err(Error::Deadline(_))));
    assert!((1..3_000_000).contains(&world.size()));
}
