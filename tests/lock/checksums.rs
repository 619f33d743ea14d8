//! Tools that are vouched for by lists of checksums over https.

use bootstrap::platform::Arch;
use insta::assert_snapshot;

use super::vendor::{Vendor, address, artifact, checksums};
use crate::fixture::sha256;
use crate::server::Reply;

const TOOL: &str = "aws-iam-authenticator";
const VERSION: &str = "0.7.99";
const ASK: &str = "aws-iam-authenticator@0.7.99";

fn vendor() -> Vendor {
    let vendor = Vendor::new();
    vendor.publish(TOOL, VERSION);
    vendor
}

/// A line for an artifact, where `sep` stands between digest and name.
fn line(arch: Arch, sep: &str) -> String {
    let hex = sha256(&artifact(TOOL, VERSION, arch)).hex();
    format!(
        "{hex}{sep}aws-iam-authenticator_{VERSION}_linux_{}\n",
        arch.go()
    )
}

#[test]
fn a_listed_version_is_pinned_and_installed_from_the_cache() {
    let vendor = vendor();
    let world = vendor.world();
    assert_snapshot!(world.bootstrap(&["lock", "-q", ASK]), @"
    TOOL                   VERSION  PLATFORM     SIZE   STATE  PROOF
    aws-iam-authenticator  0.7.99   linux/amd64  174 B  added  checksums https://github.com/kubernetes-sigs/aws-iam-authenticator/releases/download/v0.7.99/authenticator_0.7.99_checksums.txt
    aws-iam-authenticator  0.7.99   linux/arm64  173 B  added  checksums https://github.com/kubernetes-sigs/aws-iam-authenticator/releases/download/v0.7.99/authenticator_0.7.99_checksums.txt
    [WORLD]/work/bootstrap.lock was written
    [exit 0]
    ");
    let asked = vendor.requests().len();
    let run = world
        .bootstrap(&["install", "-q", "--locked", "--offline", TOOL])
        .exits(0);
    assert_eq!(run.states(), ["aws-iam-authenticator 0.7.99 installed"]);
    assert_eq!(vendor.requests().len(), asked);
}

#[test]
fn lists_with_one_blank_or_an_asterisk_say_the_same() {
    for sep in [" ", " *", "  *"] {
        let vendor = vendor();
        let list = line(Arch::Amd64, sep) + &line(Arch::Arm64, sep);
        vendor.put(&checksums(TOOL, VERSION), list);
        vendor.world().bootstrap(&["lock", "-q", ASK]).exits(0);
    }
}

#[test]
fn a_list_without_the_file_vouches_for_nothing() {
    let vendor = vendor();
    let other = line(Arch::Amd64, "  ").replace("linux_amd64", "darwin_amd64");
    vendor.put(&checksums(TOOL, VERSION), other);
    let world = vendor.world();
    assert_snapshot!(world.bootstrap(&["lock", "-q", ASK]), @"
    --- stderr ---
    error: cannot pin aws-iam-authenticator 0.7.99 for linux/amd64
    caused by: the checksums at https://github.com/kubernetes-sigs/aws-iam-authenticator/releases/download/v0.7.99/authenticator_0.7.99_checksums.txt do not vouch for `aws-iam-authenticator_0.7.99_linux_amd64`: it does not list the file
    hint: check that the vendor has this version; what it has and does not vouch for, --trust-on-first-use pins as it comes
    [exit 4]
    ");
    assert!(!world.path("work/bootstrap.lock").exists());
    let run = world
        .bootstrap(&["lock", "-q", "--trust-on-first-use", ASK])
        .exits(0);
    assert_eq!(run.stdout.matches("trust-on-first-use").count(), 2, "{run}");
}

#[test]
fn a_platform_that_the_list_lacks_is_left_out_with_a_word() {
    let vendor = vendor();
    vendor.put(&checksums(TOOL, VERSION), line(Arch::Amd64, "  "));
    let world = vendor.world();
    assert_snapshot!(world.bootstrap(&["lock", "-q", ASK]), @"
    TOOL                   VERSION  PLATFORM     SIZE   STATE  PROOF
    aws-iam-authenticator  0.7.99   linux/amd64  174 B  added  checksums https://github.com/kubernetes-sigs/aws-iam-authenticator/releases/download/v0.7.99/authenticator_0.7.99_checksums.txt
    [WORLD]/work/bootstrap.lock was written
    --- stderr ---
    warning: aws-iam-authenticator 0.7.99 for linux/arm64: the checksums at https://github.com/kubernetes-sigs/aws-iam-authenticator/releases/download/v0.7.99/authenticator_0.7.99_checksums.txt do not vouch for `aws-iam-authenticator_0.7.99_linux_arm64`: it does not list the file: it is left out
    [exit 0]
    ");
    let text = world.read("work/bootstrap.lock");
    assert!(!text.contains("arm64"), "{text}");
    // Nobody is asked again for what the vendor does not have, unless that is asked for.
    let run = world.bootstrap(&["lock", "--offline", TOOL]).exits(0);
    run.says("linux/arm64 is pinned nowhere: --update asks its vendor");
    vendor.publish(TOOL, VERSION);
    world.bootstrap(&["lock", "-q", "--update", ASK]).exits(0);
    assert!(world.read("work/bootstrap.lock").contains("linux/arm64"));
}

#[test]
fn a_list_that_is_none_is_refused_whatever_is_offered() {
    for (list, code, words) in [
        (
            "<!doctype html>\n<title>Sign in</title>\n",
            5,
            "a web page came instead of the file",
        ),
        (
            "da39a3ee5e6b4b0d3255bfef95601890afd80709  x\n",
            4,
            "line 1 is not a SHA-256 or SHA-512",
        ),
        (
            "nothing to see here\n",
            4,
            "line 1 is not a SHA-256 or SHA-512",
        ),
        ("\u{0}\u{fffd}", 4, "line 1 is not a SHA-256 or SHA-512"),
    ] {
        let vendor = vendor();
        vendor.put(&checksums(TOOL, VERSION), list);
        let run = vendor
            .world()
            .bootstrap(&["lock", "-q", "--trust-on-first-use", ASK]);
        run.exits(code).says(words).says("hint: ");
    }
    let vendor = vendor();
    vendor.put(&checksums(TOOL, VERSION), vec![0xff, 0xfe]);
    let run = vendor.world().bootstrap(&["lock", "-q", ASK]).exits(5);
    run.says("is not text");
    let twice = line(Arch::Amd64, "  ") + &line(Arch::Amd64, "  ").replacen(|_: char| true, "0", 4);
    vendor.put(&checksums(TOOL, VERSION), twice);
    let run = vendor.world().bootstrap(&["lock", "-q", ASK]).exits(4);
    run.says("it lists the file twice, with two digests");
}

#[test]
fn a_file_that_is_not_the_listed_one_is_refused() {
    let vendor = vendor();
    let evil = artifact(TOOL, "6.6.6", Arch::Amd64);
    vendor.put(&address(TOOL, VERSION, Arch::Amd64), evil);
    let world = vendor.world();
    assert_snapshot!(world.bootstrap(&["lock", "-q", ASK]), @"
    --- stderr ---
    error: cannot pin aws-iam-authenticator 0.7.99 for linux/amd64
    caused by: cannot fetch sha256:[HEX] from https://github.com/kubernetes-sigs/aws-iam-authenticator/releases/download/v0.7.99/aws-iam-authenticator_0.7.99_linux_amd64: the digest is sha256:[HEX] instead of sha256:[HEX] (kept as [WORLD]/delegate/bootstrap/cache/sha256/e184f977d596a10160a846a09492ec029bdbb50e213bf39b5df9640611da6096.rejected)
    hint: do not use these bytes: either the source was altered, or the pin is of another release
    [exit 4]
    ");
    assert!(!world.path("work/bootstrap.lock").exists());
}

#[test]
fn a_version_that_does_not_exist_is_told_with_the_address() {
    let vendor = Vendor::new();
    let world = vendor.world();
    assert_snapshot!(world.bootstrap(&["lock", "-q", "kubectl@1.99.0"]), @"
    --- stderr ---
    error: cannot pin kubectl 1.99.0 for linux/amd64
    caused by: nothing vouches for it
    caused by: cannot fetch the list of checksums from https://dl.k8s.io/release/v1.99.0/bin/linux/amd64/kubectl.sha256: the answer was 404 Not Found
    hint: check that the vendor has this version; what it has and does not vouch for, --trust-on-first-use pins as it comes
    [exit 4]
    ");
}

#[test]
fn a_server_that_stumbles_is_asked_again() {
    let vendor = vendor();
    let at = checksums(TOOL, VERSION);
    vendor.answer(&at, Reply::status(503));
    let world = vendor.world().with("BOOTSTRAP_DEADLINE", "1s");
    let run = world.bootstrap(&["lock", "-q", ASK]).exits(5);
    run.says("503 Service Unavailable");
    assert!(
        vendor
            .requests()
            .iter()
            .filter(|asked| **asked == at)
            .count()
            > 1
    );
}

#[test]
fn what_nothing_vouches_for_is_not_pinned_when_it_is_a_web_page_or_for_another_machine() {
    let vendor = Vendor::new();
    let args = ["lock", "-q", "--trust-on-first-use", "kubectl@1.99.0"];
    vendor.put(
        "dl.k8s.io/release/v1.99.0/bin/linux/amd64/kubectl",
        "<html>hello</html>",
    );
    let run = vendor.world().bootstrap(&args).exits(5);
    run.says("a web page came");
    vendor.put(
        "dl.k8s.io/release/v1.99.0/bin/linux/amd64/kubectl",
        "not a program",
    );
    let run = vendor.world().bootstrap(&args).exits(4);
    run.says("not an ELF");
    let foreign = artifact("kubectl", "1.99.0", Arch::Arm64);
    vendor.put("dl.k8s.io/release/v1.99.0/bin/linux/amd64/kubectl", foreign);
    vendor
        .world()
        .bootstrap(&args)
        .exits(4)
        .says("is for aarch64, and not for linux/amd64");
}

#[test]
fn a_better_proof_takes_the_place_of_a_weaker_one_and_never_the_other_way() {
    let vendor = Vendor::new();
    vendor.publish("kubectl", "1.99.0");
    let lists = [Arch::Amd64, Arch::Arm64]
        .map(|arch| format!("{}.sha256", address("kubectl", "1.99.0", arch)));
    let world = vendor.world();
    for list in &lists {
        vendor.remove(list);
    }
    world
        .bootstrap(&["lock", "-q", "--trust-on-first-use", "kubectl@1.99.0"])
        .exits(0);
    let trusted = world.read("work/bootstrap.lock");
    // The vendor still says nothing: what is pinned stays.
    let run = world
        .bootstrap(&["lock", "-q", "--update", "kubectl@1.99.0"])
        .exits(0);
    run.says("its pin stays as it is");
    assert_eq!(world.read("work/bootstrap.lock"), trusted);
    vendor.publish("kubectl", "1.99.0");
    world
        .bootstrap(&["lock", "-q", "--update", "kubectl@1.99.0"])
        .exits(0);
    let listed = world.read("work/bootstrap.lock");
    assert_eq!(
        listed
            .matches("proof: checksums https://dl.k8s.io/")
            .count(),
        2,
        "{listed}"
    );
    assert_eq!(
        listed.replace("checksums", ""),
        listed.replace("checksums", "")
    );
    for list in &lists {
        vendor.remove(list);
    }
    world
        .bootstrap(&[
            "lock",
            "-q",
            "--update",
            "--trust-on-first-use",
            "kubectl@1.99.0",
        ])
        .exits(0);
    assert_eq!(world.read("work/bootstrap.lock"), listed);
}

#[test]
fn a_vendor_that_changes_its_files_is_found_out() {
    let vendor = vendor();
    let world = vendor.world();
    world.bootstrap(&["lock", "-q", ASK]).exits(0);
    let before = world.read("work/bootstrap.lock");
    let evil = artifact(TOOL, "6.6.6", Arch::Amd64);
    let list = line(Arch::Amd64, "  ").replace(
        &sha256(&artifact(TOOL, VERSION, Arch::Amd64)).hex(),
        &sha256(&evil).hex(),
    );
    vendor.put(&address(TOOL, VERSION, Arch::Amd64), evil);
    vendor.put(&checksums(TOOL, VERSION), list + &line(Arch::Arm64, "  "));
    // Nobody is asked for what is pinned.
    world.bootstrap(&["lock", "-q", ASK]).exits(0);
    assert_snapshot!(world.bootstrap(&["lock", "-q", "--update", ASK]), @"
    --- stderr ---
    error: [WORLD]/work/bootstrap.lock:9:17: the lock pins aws-iam-authenticator 0.7.99 for linux/amd64 as sha256:[HEX], and the list at https://github.com/kubernetes-sigs/aws-iam-authenticator/releases/download/v0.7.99/authenticator_0.7.99_checksums.txt says sha256:[HEX]
    hint: find out who changed the digest; only if the other bytes are meant, delete the entry from the lock and lock it again
    [exit 4]
    ");
    assert_eq!(world.read("work/bootstrap.lock"), before);
}

#[test]
fn a_mirror_that_goes_by_name_is_asked_first_and_named_in_the_proof() {
    let vendor = vendor();
    let world = vendor.world();
    for at in [
        checksums(TOOL, VERSION),
        address(TOOL, VERSION, Arch::Amd64),
        address(TOOL, VERSION, Arch::Arm64),
    ] {
        let bytes = if at == checksums(TOOL, VERSION) {
            (line(Arch::Amd64, "  ") + &line(Arch::Arm64, "  ")).into_bytes()
        } else {
            let arch = if at.ends_with("arm64") {
                Arch::Arm64
            } else {
                Arch::Amd64
            };
            artifact(TOOL, VERSION, arch)
        };
        vendor.put(&format!("mirror.example/m/{at}"), bytes);
    }
    let mirror = [
        "--mirror",
        "https://mirror.example/m/{host}/{path}",
        "--no-origin",
    ];
    world
        .bootstrap(&[&["lock", "-q", ASK], &mirror[..]].concat())
        .exits(0);
    assert!(
        vendor
            .requests()
            .iter()
            .all(|asked| asked.starts_with("mirror.example/m/"))
    );
    let text = world.read("work/bootstrap.lock");
    assert!(
        text.contains("proof: checksums https://mirror.example/m/github.com/"),
        "{text}"
    );
    assert!(text.contains("url: https://github.com/"), "{text}");
}

#[test]
fn what_has_no_digest_is_not_asked_of_plain_http_nor_by_digest() {
    let vendor = vendor();
    let world = vendor.world();
    let lock =
        |mirror: &str| world.bootstrap(&["lock", "-q", "--no-origin", "--mirror", mirror, ASK]);
    assert_snapshot!(lock("https://mirror.example/{alg}/{hex}"), @"
    --- stderr ---
    error: cannot pin aws-iam-authenticator 0.7.99 for linux/amd64
    caused by: there is nobody to ask: the vendors' addresses are ruled out, and no mirror goes by name
    hint: leave --no-origin out, or name a mirror with {host} and {path}
    [exit 2]
    ");
    assert_snapshot!(lock("http://mirror.example/{host}/{path}"), @"
    --- stderr ---
    error: cannot pin aws-iam-authenticator 0.7.99 for linux/amd64
    caused by: cannot fetch the list of checksums from http://mirror.example/github.com/kubernetes-sigs/aws-iam-authenticator/releases/download/v0.7.99/authenticator_0.7.99_checksums.txt: URLs of the scheme `http` cannot be fetched without a digest to check
    hint: the server, or a proxy before it, does not serve files as it should: name another --mirror
    [exit 5]
    ");
    assert_eq!(vendor.requests(), Vec::<String>::new());
}
