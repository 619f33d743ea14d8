//! Tests of npm packages.

use ::tar::EntryType;

use super::tars::{file, gzip, member, tar};
use super::*;

fn unpack(world: &World, bytes: &[u8], package: &Package<'_>) -> Result<Vec<Entry>, Error> {
    let source = world.verified(bytes);
    let tree = Tree::open(&world.target())?;
    let result = tree.unpack_package(&source, package, world.limits, world.deadline);
    world.assert_nothing_outside();
    result
}

#[test]
fn a_package_goes_to_each_of_its_destinations() {
    let world = World::new();
    let package = Package {
        destinations: &["node_modules/a", "node_modules/b/node_modules/a"],
        programs: &["cli.js"],
    };
    let bytes = tar(&[
        file("package/package.json", b"{}"),
        file("package/cli.js", b"1"),
        member(b"package/lib/run", EntryType::Regular, 0o777, b"22"),
        member(b"package/link", EntryType::Symlink, 0o777, b""),
        member(b"package/hard", EntryType::Link, 0o777, b""),
        member(b"package/empty", EntryType::Directory, 0o777, b""),
        file("stray", b"1"),
    ]);
    let mut entries = unpack(&world, &bytes, &package).unwrap();
    entries.sort();
    let expected = package.destinations.iter().flat_map(|destination| {
        ["cli.js", "lib/run", "package.json"].map(|path| format!("{destination}/{path}"))
    });
    assert_eq!(paths(&entries), expected.collect::<Vec<_>>());
    for destination in package.destinations {
        let mode = |path: &str| {
            let path = world.target().join(destination).join(path);
            fs::metadata(path).unwrap().permissions().mode() & 0o722
        };
        let modes = ["cli.js", "lib/run", "package.json"].map(mode);
        assert_eq!(modes, [0o700, 0o700, 0o600]);
        let content = fs::read(world.target().join(destination).join("lib/run"));
        assert_eq!(content.unwrap(), b"22");
    }
}

#[test]
fn gitignore_becomes_npmignore_unless_there_is_one() {
    let package = Package {
        destinations: &["p"],
        programs: &[],
    };
    for members in [
        [
            file("package/.npmignore", b"npm"),
            file("package/.gitignore", b"git"),
        ],
        [
            file("package/.gitignore", b"git"),
            file("package/.npmignore", b"npm"),
        ],
    ] {
        let world = World::new();
        let entries = unpack(&world, &tar(&members), &package).unwrap();
        assert_eq!(paths(&entries), ["p/.npmignore"]);
        assert_eq!(
            fs::read(world.target().join("p/.npmignore")).unwrap(),
            b"npm"
        );
    }
    let world = World::new();
    let entries = unpack(
        &world,
        &tar(&[file("package/a/.gitignore", b"git")]),
        &package,
    )
    .unwrap();
    assert_eq!(paths(&entries), ["p/a/.npmignore"]);
}

#[test]
fn hostile_packages_are_refused() {
    let package = Package {
        destinations: &["p", "q"],
        programs: &[],
    };
    let refused = |members: &[Vec<u8>]| fault(unpack(&World::new(), &tar(members), &package));
    assert_eq!(refused(&[file("package/../x", b"")]), Fault::DotsInName);
    let twice = file("package/x", b"1");
    assert_eq!(refused(&[twice.clone(), twice]), Fault::Duplicate);
    let device = member(b"package/x", EntryType::Char, 0o644, b"");
    assert_eq!(refused(&[device]), Fault::Special);
    let cut = file("package/x", &[7; 2000]);
    let result = unpack(&World::new(), &gzip(&cut[..1024]), &package);
    assert_eq!(fault(result), Fault::Truncated);
    let outside = Package {
        destinations: &["../bystander"],
        programs: &[],
    };
    let result = unpack(&World::new(), &tar(&[file("package/x", b"")]), &outside);
    assert_eq!(fault(result), Fault::DotsInName);
}

#[test]
fn copies_do_not_count_twice_towards_the_limits() {
    let limits = Limits {
        bytes: 1000,
        ..LIMITS
    };
    let package = Package {
        destinations: &["p", "q"],
        programs: &[],
    };
    let unpack = |size| {
        let world = World {
            limits,
            ..World::new()
        };
        unpack(&world, &tar(&[file("package/x", &vec![0; size])]), &package)
    };
    unpack(1000).unwrap();
    assert_too_large(&unpack(1001));
}
