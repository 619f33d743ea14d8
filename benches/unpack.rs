//! Times the unpacking of real archives, each with its digest checked first.
//!
//! `cargo bench --bench unpack -- [--rounds N] [--threads N] [--into DIR]... ARCHIVE...` takes
//! files that end in `.zip` or `.tar.gz`/`.tgz`; and `--packages DIR` a directory of npm tarballs with a `list.txt`,
//! whose lines hold a digest and the destinations of the tarball, separated by commas. A tarball's
//! file has the name `<algorithm>-<hex>.tgz`. Prints one line for each archive and directory:
//! the median wall time, and the processor time of this process.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a benchmark that fails may panic, and its output is the table"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bootstrap::archive::{self, Format, Limits, Options, Package, Tree};
use bootstrap::cache::Verified;
use bootstrap::deadline::Deadline;
use bootstrap::digest::{Algorithm, Digest, Hasher};

const LIMITS: Limits = Limits {
    entries: 100_000,
    bytes: 1 << 30,
    ratio: 100,
};

fn main() {
    let mut rounds = 5;
    let mut threads = 0;
    let mut targets = Vec::new();
    let mut archives = Vec::new();
    let mut packages = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // What `cargo bench` adds.
            "--bench" => {}
            "--rounds" => rounds = arguments.next().unwrap().parse().unwrap(),
            "--threads" => threads = arguments.next().unwrap().parse().unwrap(),
            "--into" => targets.push(PathBuf::from(arguments.next().unwrap())),
            "--packages" => packages = arguments.next().map(PathBuf::from),
            _ => archives.push(PathBuf::from(argument)),
        }
    }
    if targets.is_empty() {
        targets.push(std::env::temp_dir());
    }
    println!("archive\tinto\tthreads\tfiles\tMB\tseconds\tuser\tsystem");
    // The targets alternate, so that a noisy minute hits them all.
    let mut rows: Vec<Row> = Vec::new();
    for round in 0..=rounds {
        for target in &targets {
            for path in &archives {
                let row = time(target, |into| one(path, into, threads));
                note(&mut rows, round, path, target, row);
            }
            if let Some(list) = &packages {
                let row = time(target, |into| many(list, into, threads));
                note(&mut rows, round, list, target, row);
            }
        }
    }
    for row in &mut rows {
        row.times.sort_by_key(|time| time.0);
        let middle = row.times[row.times.len() / 2];
        println!(
            "{}\t{}\t{threads}\t{}\t{:.1}\t{:.3}\t{:.3}\t{:.3}",
            row.archive,
            row.target,
            row.files,
            row.bytes as f64 / 1e6,
            middle.0.as_secs_f64(),
            middle.1,
            middle.2,
        );
    }
}

struct Row {
    archive: String,
    target: String,
    files: usize,
    bytes: u64,
    times: Vec<(Duration, f64, f64)>,
}

type Sample = ((usize, u64), (Duration, f64, f64));

/// The first round warms the page cache up and does not count.
fn note(rows: &mut Vec<Row>, round: usize, path: &Path, target: &Path, sample: Sample) {
    if round == 0 {
        return;
    }
    let archive = path.file_name().unwrap().display().to_string();
    let target = target.display().to_string();
    let ((files, bytes), time) = sample;
    match rows
        .iter_mut()
        .find(|row| row.archive == archive && row.target == target)
    {
        Some(row) => row.times.push(time),
        None => rows.push(Row {
            archive,
            target,
            files,
            bytes,
            times: vec![time],
        }),
    }
}

fn time(target: &Path, work: impl FnOnce(&Path) -> (usize, u64)) -> Sample {
    let into = tempfile::tempdir_in(target).unwrap();
    let (user, system) = processor_time();
    let start = Instant::now();
    let done = work(into.path());
    let wall = start.elapsed();
    let after = processor_time();
    (done, (wall, after.0 - user, after.1 - system))
}

fn one(path: &Path, into: &Path, threads: usize) -> (usize, u64) {
    // The pin is not known here; a second hash stands for the check against it.
    let source = Verified::open(path, &pin(path)).unwrap().unwrap();
    let format = match path.extension().unwrap().to_str().unwrap() {
        "zip" => Format::Zip,
        _ => Format::TarGz,
    };
    let options = Options {
        strip: "*",
        skip: &[],
        limits: LIMITS,
        threads,
    };
    let entries = archive::unpack(&source, &format, into, &options, deadline(), &|_| {}).unwrap();
    (entries.len(), size(&entries))
}

fn many(list: &Path, into: &Path, threads: usize) -> (usize, u64) {
    let text = fs::read_to_string(list.join("list.txt")).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let tree = Tree::open(into).unwrap();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = (0, 0);
        while let Some(line) = lines.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (digest, destinations) = line.split_once(' ').unwrap();
            let pin: Digest = digest.parse().unwrap();
            let path = list.join(format!("{}-{}.tgz", pin.algorithm(), pin.hex()));
            let source = Verified::open(&path, &pin).unwrap().unwrap();
            let destinations: Vec<_> = destinations.split(',').collect();
            let package = Package {
                destinations: &destinations,
                programs: &[],
            };
            let entries = tree
                .unpack_package(&source, &package, LIMITS, deadline())
                .unwrap();
            done = (done.0 + entries.len(), done.1 + size(&entries));
        }
        done
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(work)).collect();
        others.into_iter().fold(work(), |sum, thread| {
            let done = thread.join().unwrap();
            (sum.0 + done.0, sum.1 + done.1)
        })
    })
}

fn size(entries: &[archive::Entry]) -> u64 {
    let sizes = entries.iter().map(|entry| match &entry.kind {
        archive::Kind::File { size, .. } => *size,
        archive::Kind::Symlink { .. } => 0,
    });
    sizes.sum()
}

/// The digest of the archive, found once; only the check against it is timed.
fn pin(path: &Path) -> Digest {
    static PINS: std::sync::Mutex<Vec<(PathBuf, Digest)>> = std::sync::Mutex::new(Vec::new());
    let mut pins = PINS.lock().unwrap();
    if let Some((_, digest)) = pins.iter().find(|(known, _)| known == path) {
        return digest.clone();
    }
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.read_all(fs::File::open(path).unwrap()).unwrap();
    let digest = hasher.finish();
    pins.push((path.to_owned(), digest.clone()));
    digest
}

fn deadline() -> Deadline {
    Deadline::after(Instant::now(), Duration::from_mins(10))
}

/// User and system time of this process in seconds (`proc_pid_stat(5)`: fields 14 and 15).
fn processor_time() -> (f64, f64) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut seconds = || fields.next().unwrap().parse::<f64>().unwrap() / 100.0;
    (seconds(), seconds())
}
