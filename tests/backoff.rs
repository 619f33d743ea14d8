//! The waits between tries, as a server that is throttled sees them.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::aws::refusal;
use crate::fixture::Fixture;
use crate::moto::OPEN_ROLE;
use crate::server::{Reply, Server};
use crate::world::{GENEROUS, Run, World};

/// A server that always answers the same, and when it was asked.
struct Busy {
    server: Server,
    asked: Arc<Mutex<Vec<Instant>>>,
}

impl Busy {
    fn start(reply: Reply) -> Self {
        let asked: Arc<Mutex<Vec<Instant>>> = Arc::default();
        let times = Arc::clone(&asked);
        let server = Server::start(move |_| {
            times.lock().unwrap().push(Instant::now());
            reply.clone()
        });
        Self { server, asked }
    }

    fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// Between each request and the next there were at least these milliseconds, and there were no
    /// others.
    #[track_caller]
    fn saw_gaps_of(&self, least: &[u64]) {
        let asked = self.asked.lock().unwrap();
        let gaps = asked.windows(2).map(|pair| pair[1] - pair[0]);
        let gaps: Vec<Duration> = gaps.collect();
        assert_eq!(gaps.len(), least.len(), "{gaps:?}");
        for (gap, least) in gaps.iter().zip(least) {
            assert!(*gap >= Duration::from_millis(*least), "{gaps:?}");
        }
    }

    /// Asks it for a role, by `token`.
    fn assume(&self, world: &World, flags: &[&str]) -> Run {
        let args = ["token", "-i", "payments", "-r", OPEN_ROLE];
        let mut command = world.command(&[&args[..], flags].concat());
        command
            .env("AWS_ENDPOINT_URL", self.server.url(""))
            .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "s3cret-key")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        world.end(command).exits(5)
    }

    /// Asks it for a tool, by `install`.
    fn download(&self, world: &World, flags: &[&str]) -> Run {
        let hello = Fixture::script("hello", "1.0.0");
        let lock = Fixture::lock_at(&self.server.url(""), &[&hello]);
        world.write("work/bootstrap.lock", lock);
        let run = world.bootstrap(&[&["install", "hello"], flags].concat());
        run.exits(5)
    }
}

fn throttled() -> Busy {
    Busy::start(refusal(400, "ThrottlingException"))
}

/// What these flags mean.
fn flags<'a>(strategy: &'a str, base: &'a str, max: &'a str, attempts: &'a str) -> [&'a str; 8] {
    [
        "--backoff",
        strategy,
        "--backoff-base-delay",
        base,
        "--backoff-max-delay",
        max,
        "--backoff-max-attempts",
        attempts,
    ]
}

#[test]
fn a_fixed_delay_is_waited_for_between_all_attempts() {
    let flags = flags("fixed-delay", "40", "40", "4");
    let busy = throttled();
    busy.assume(&World::new(), &flags)
        .says("sts:AssumeRole: ThrottlingException: no (request r-1) (tried 4 times)")
        .says("--backoff-max-attempts");
    busy.saw_gaps_of(&[40, 40, 40]);
    let down = Busy::start(Reply::status(503));
    down.download(&World::new(), &flags)
        .says("the answer was 503 Service Unavailable (asked 4 times)");
    down.saw_gaps_of(&[40, 40, 40]);
}

#[test]
fn equal_jitter_waits_for_half_of_a_range_that_doubles_up_to_the_longest_delay() {
    let flags = flags("equal-jitter", "40", "100", "5");
    for ask in [Busy::assume, Busy::download] {
        let busy = Busy::start(Reply::status(502));
        ask(&busy, &World::new(), &flags);
        busy.saw_gaps_of(&[20, 40, 50, 50]);
    }
}

#[test]
fn full_jitter_and_the_default_of_the_sdk_make_as_many_attempts_as_are_asked_for() {
    for strategy in ["full-jitter", "sdk-default"] {
        let flags = flags(strategy, "5", "20", "6");
        for ask in [Busy::assume, Busy::download] {
            let busy = Busy::start(Reply::status(503));
            ask(&busy, &World::new(), &flags).says("6 times");
            assert_eq!(busy.count(), 6, "{strategy}");
        }
    }
}

#[test]
fn under_the_default_of_the_sdk_what_is_throttled_waits_for_half_of_the_range() {
    let flags = flags("sdk-default", "40", "100", "4");
    for code in [
        "Throttling",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
    ] {
        let busy = Busy::start(refusal(400, code));
        busy.assume(&World::new(), &flags);
        busy.saw_gaps_of(&[20, 40, 50]);
    }
    // EC2 throttles with 503, which alone would be on the other list.
    let busy = Busy::start(refusal(503, "RequestLimitExceeded"));
    busy.assume(&World::new(), &flags);
    busy.saw_gaps_of(&[20, 40, 50]);
    let busy = Busy::start(Reply::status(429));
    busy.download(&World::new(), &flags)
        .says("the answer was 429 Too Many Requests (asked 4 times)");
    busy.saw_gaps_of(&[20, 40, 50]);
}

#[test]
fn one_attempt_is_the_first_and_no_other() {
    for ask in [Busy::assume, Busy::download] {
        let busy = Busy::start(Reply::status(503));
        let run = ask(&busy, &World::new(), &["--backoff-max-attempts", "1"]);
        assert_eq!(busy.count(), 1);
        assert!(!run.stderr.contains(" times)"), "{run}");
    }
}

#[test]
fn what_a_server_asks_for_is_waited_for_under_every_strategy() {
    for strategy in ["fixed-delay", "equal-jitter", "full-jitter", "sdk-default"] {
        let flags = flags(strategy, "1", "1", "2");
        for ask in [Busy::assume, Busy::download] {
            let busy = Busy::start(Reply::status(429).header("Retry-After", "1"));
            ask(&busy, &World::new(), &flags);
            busy.saw_gaps_of(&[1000]);
        }
    }
}

#[test]
fn the_deadline_comes_before_any_number_of_attempts() {
    let flags = [
        &flags("fixed-delay", "1", "1", "1000")[..],
        &["--deadline", "300ms"],
    ]
    .concat();
    for ask in [Busy::assume, Busy::download] {
        // Each answer takes its time, so that a thousand of them take half a minute at least.
        let busy = Busy::start(Reply::status(503).header("Retry-After", "0").steps(vec![
            crate::server::Step::Pause(Duration::from_millis(30)),
            crate::server::Step::Bytes(b"status 503\n".to_vec()),
        ]));
        let run = ask(&busy, &World::new(), &flags);
        assert!(run.took < GENEROUS, "{run}");
        assert!((1..1000).contains(&busy.count()));
    }
}

#[test]
fn a_delay_beyond_the_deadline_is_not_begun() {
    let flags = [
        &flags("sdk-default", "3600000", "3600000", "3")[..],
        &["--deadline", "10s"],
    ]
    .concat();
    let busy = throttled();
    let run = busy
        .assume(&World::new(), &flags)
        .says("sts:AssumeRole: ThrottlingException: no (request r-1); AWS throttles, and the next wait of ")
        .says(" ms did not fit into the 10 s of a call")
        .says("hint: try again when AWS is asked for less, or take shorter waits");
    assert!(!run.stderr.contains("a longer --backoff"), "{run}");
    assert!(run.took < GENEROUS, "{run}");
    assert_eq!(busy.count(), 1);
    let busy = Busy::start(Reply::status(429));
    let run = busy
        .download(&World::new(), &flags)
        .says("the deadline of 10 s leaves no time for another try");
    assert!(run.took < GENEROUS, "{run}");
    assert_eq!(busy.count(), 1);
}

#[test]
fn a_check_says_that_the_next_wait_does_not_fit_into_its_call() {
    let flags = flags("fixed-delay", "9000", "9000", "3");
    let busy = throttled();
    let world = World::new()
        .with("AWS_ENDPOINT_URL", &busy.server.url(""))
        .with("AWS_EC2_METADATA_DISABLED", "true")
        .with("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .with("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
        .with("AWS_REGION", "us-east-1");
    let args = [&["verify", "--only", "credentials"], &flags[..]].concat();
    let run = world.bootstrap(&args).exits(3);
    let words = "AWS throttles, and the next wait of 9000 ms did not fit into the 8 s of a call";
    assert!(run.stdout.contains(words), "{run}");
    assert!(run.stdout.contains("take shorter waits"), "{run}");
    assert_eq!(busy.count(), 1);
}

#[test]
fn a_flag_comes_before_a_variable_and_a_variable_before_the_file() {
    let file = "version: 1\nbackoff: { strategy: fixed-delay, base_delay: 1, max_attempts: 2 }\n";
    let world = || {
        let world = World::new();
        let config = world.write("work/bootstrap.yaml", file);
        // What kubectl runs reads no file that nobody named.
        world.with("BOOTSTRAP_CONFIG", &config.display().to_string())
    };
    let check = |world: &World, flags: &[&str], count: usize| {
        for ask in [Busy::assume, Busy::download] {
            let busy = Busy::start(Reply::status(503));
            ask(&busy, world, flags);
            assert_eq!(busy.count(), count, "{flags:?}");
        }
    };
    check(&world(), &[], 2);
    let empty = world().with("BOOTSTRAP_BACKOFF_MAX_ATTEMPTS", "");
    check(&empty, &[], 2);
    let variable = world().with("BOOTSTRAP_BACKOFF_MAX_ATTEMPTS", "3");
    check(&variable, &[], 3);
    check(&variable, &["--backoff-max-attempts", "4"], 4);
}

#[test]
fn each_delay_comes_from_its_own_layer() {
    let world = World::new().with("BOOTSTRAP_BACKOFF_BASE_DELAY", "300");
    let config = "version: 1\nbackoff: { base_delay: 100, max_delay: 200 }\n";
    world.write("work/bootstrap.yaml", config);
    let said = |run: Run, max: u32, base: u32| {
        let words =
            format!("the longest delay, {max} ms, is shorter than the base delay, {base} ms");
        run.exits(2)
            .says(&words)
            .says("hint: raise --backoff-max-delay (BOOTSTRAP_BACKOFF_MAX_DELAY)");
    };
    said(world.bootstrap(&["verify"]), 200, 300);
    let args = ["install", "--backoff-base-delay", "400"];
    said(world.bootstrap(&args), 200, 400);
    let args = ["lock", "--backoff-max-delay", "50"];
    said(world.bootstrap(&args), 50, 300);
    let world = world.with("BOOTSTRAP_BACKOFF_MAX_DELAY", "60");
    said(world.bootstrap(&["verify"]), 60, 300);
}

#[test]
fn what_is_out_of_range_is_refused_with_the_range() {
    let delay = "is not a delay: it takes whole milliseconds, 1 to 3600000";
    let attempts = "is not a number of attempts: it takes 1 to 1000";
    let strategy = "is not a backoff strategy: it takes `fixed-delay`, `equal-jitter`, \
                    `full-jitter` or `sdk-default`";
    for (option, value, words) in [
        ("backoff", "linear", strategy),
        ("backoff-base-delay", "0", delay),
        ("backoff-base-delay", "1s", delay),
        ("backoff-max-delay", "3600001", delay),
        ("backoff-max-attempts", "0", attempts),
        ("backoff-max-attempts", "1001", attempts),
    ] {
        let flag = format!("--{option}={value}");
        for command in ["init", "install", "lock", "verify", "kubeconfig", "token"] {
            let run = World::new().bootstrap(&[command, &flag]);
            run.exits(2).says(&format!("`{value}` {words}"));
        }
        let variable = format!("BOOTSTRAP_{}", option.replace('-', "_").to_uppercase());
        let world = World::new().with(&variable, value);
        let run = world.bootstrap(&["verify", "--offline"]).exits(2);
        run.says(&variable).says(words);
    }
}

#[test]
fn delays_of_the_file_that_contradict_each_other_are_told_with_their_place() {
    let world = World::new();
    let config = "version: 1\nbackoff:\n  base_delay: 300\n  max_delay: 200\n";
    world.write("work/bootstrap.yaml", config);
    world
        .bootstrap(&["verify", "--backoff-max-delay", "400"])
        .exits(6)
        .says("bootstrap.yaml:4:14: backoff.max_delay: the longest delay, 200 ms, is shorter");
}
