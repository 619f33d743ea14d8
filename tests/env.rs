//! `bootstrap env`: lines that INIT_SCRIPT evaluates.

use insta::assert_snapshot;

use crate::fixture::Fixture;
use crate::world::World;

const SHELLS: [&[&str]; 4] = [
    &["bash", "-eu"],
    &["sh", "-eu"],
    &["dash", "-eu"],
    &["bash", "--posix", "-eu"],
];

#[test]
fn the_line_puts_the_tools_on_path() {
    assert_snapshot!(World::new().bootstrap(&["env"]), @r#"
    case ":${PATH-}:" in *:'[WORLD]/delegate/bootstrap/bin':*) ;; *) export PATH='[WORLD]/delegate/bootstrap/bin'"${PATH:+:$PATH}" ;; esac
    [exit 0]
    "#);
}

#[test]
fn evaluated_the_tools_are_found() {
    let (world, _server) = World::pinning(&[&Fixture::script("hello", "1.0.0")]);
    world.bootstrap(&["install", "hello"]).exits(0);
    for shell in SHELLS {
        let run = world
            .shell(shell, "eval \"$(\"$bootstrap\" env)\"; hello")
            .exits(0);
        assert_eq!(
            (run.stdout.as_str(), run.stderr.as_str()),
            ("hello 1.0.0\n", ""),
            "{shell:?}"
        );
    }
}

#[test]
fn evaluated_twice_is_the_same_as_once() {
    let world = World::new();
    for shell in SHELLS {
        let script = "eval \"$(\"$bootstrap\" env)\"; once=$PATH; eval \"$(\"$bootstrap\" env)\"; [ \"$PATH\" = \"$once\" ]; echo \"$PATH\"";
        let run = world.shell(shell, script).exits(0);
        let expected = format!(
            "{}:/usr/local/bin:/usr/bin:/bin\n",
            world.prefix("bin").display()
        );
        assert_eq!(run.stdout, expected, "{shell:?}");
    }
}

#[test]
fn an_unset_or_empty_path_is_no_stumbling_block() {
    let world = World::new();
    for unset in ["unset PATH", "PATH="] {
        let script =
            format!("lines=$(\"$bootstrap\" env); {unset}; eval \"$lines\"; echo \"$PATH\"");
        let run = world.shell(&["/bin/sh", "-eu"], &script).exits(0);
        assert_eq!(
            run.stdout,
            format!("{}\n", world.prefix("bin").display()),
            "{unset}"
        );
    }
}

#[test]
fn the_proxy_of_the_delegate_is_exported_with_its_password_encoded() {
    let world = World::new()
        .with("PROXY_HOST", "proxy.corp")
        .with("PROXY_PORT", "3128")
        .with("PROXY_SCHEME", "http")
        .with("PROXY_USER", "do main\\me")
        .with("PROXY_PASSWORD", "p@ss'w$rd:/%")
        .with("NO_PROXY", "10.0.0.1,.corp");
    assert_snapshot!(world.bootstrap(&["env", "--proxy"]), @r#"
    case ":${PATH-}:" in *:'[WORLD]/delegate/bootstrap/bin':*) ;; *) export PATH='[WORLD]/delegate/bootstrap/bin'"${PATH:+:$PATH}" ;; esac
    export http_proxy='http://do%20main%5Cme:p%40ss%27w%24rd%3A%2F%25@proxy.corp:3128'
    export HTTP_PROXY='http://do%20main%5Cme:p%40ss%27w%24rd%3A%2F%25@proxy.corp:3128'
    export https_proxy='http://do%20main%5Cme:p%40ss%27w%24rd%3A%2F%25@proxy.corp:3128'
    export HTTPS_PROXY='http://do%20main%5Cme:p%40ss%27w%24rd%3A%2F%25@proxy.corp:3128'
    export no_proxy='10.0.0.1,.corp'
    export NO_PROXY='10.0.0.1,.corp'
    [exit 0]
    "#);
    for shell in SHELLS {
        let script = "eval \"$(\"$bootstrap\" env --proxy)\"; sh -c 'echo \"$https_proxy $HTTP_PROXY $no_proxy\"'";
        let run = world.shell(shell, script).exits(0);
        let address = "http://do%20main%5Cme:p%40ss%27w%24rd%3A%2F%25@proxy.corp:3128";
        assert_eq!(
            run.stdout,
            format!("{address} {address} 10.0.0.1,.corp\n"),
            "{shell:?}"
        );
    }
    let run = world.bootstrap(&["env"]).exits(0);
    assert!(!run.stdout.contains("proxy"), "it is asked for: {run}");
}

#[test]
fn without_a_proxy_there_is_none_to_export() {
    let world = World::new();
    let lines = world.bootstrap(&["env"]).stdout;
    assert_eq!(world.bootstrap(&["env", "--proxy"]).exits(0).stdout, lines);
}

#[test]
fn the_kubeconfig_that_a_start_writes_is_exported_where_that_is_asked_for() {
    let world = World::new();
    assert_snapshot!(world.bootstrap(&["env", "--kubeconfig"]), @r#"
    case ":${PATH-}:" in *:'[WORLD]/delegate/bootstrap/bin':*) ;; *) export PATH='[WORLD]/delegate/bootstrap/bin'"${PATH:+:$PATH}" ;; esac
    export KUBECONFIG='[WORLD]/delegate/bootstrap/kubeconfig'
    [exit 0]
    "#);
    let run = world.bootstrap(&["env"]).exits(0);
    assert!(!run.stdout.contains("KUBECONFIG"), "it is asked for: {run}");
    let file = world.text("it's a/config");
    let world = world.with("BOOTSTRAP_KUBECONFIG", &file);
    for shell in SHELLS {
        let script = "eval \"$(\"$bootstrap\" env --kubeconfig)\"; eval \"$(\"$bootstrap\" env --kubeconfig)\"; \
                      sh -c 'echo \"$KUBECONFIG\"'";
        let run = world.shell(shell, script).exits(0);
        assert_eq!(run.stdout, format!("{file}\n"), "{shell:?}");
    }
    let world = world.with("BOOTSTRAP_KUBECONFIG", "/a:b");
    let run = world.bootstrap(&["env", "--kubeconfig"]).exits(2);
    run.says("`/a:b` cannot stand in KUBECONFIG: it has a colon")
        .says("hint: name another file with BOOTSTRAP_KUBECONFIG");
    // Several files of the caller's own stay the several that they are.
    let world = World::new().with("KUBECONFIG", "/a/one:/b/two");
    let run = world.bootstrap(&["env", "--kubeconfig"]).exits(0);
    assert!(
        run.stdout.ends_with("export KUBECONFIG='/a/one:/b/two'\n"),
        "{run}"
    );
}

#[test]
fn nothing_in_it_can_end_the_shell_that_evaluates_it() {
    let world = World::new()
        .with("PROXY_HOST", "exit-exec.corp")
        .with("PROXY_PORT", "1");
    let run = world.bootstrap(&["env", "--proxy"]).exits(0);
    for line in run.stdout.lines() {
        let first = line.split([' ', ';', '=']).next().unwrap();
        assert!(["case", "export"].contains(&first), "{line}");
    }
    assert_eq!(run.stderr, "");
    // A prefix with commands in it is a prefix.
    let prefix = world.text("$(exit 7)`exit 8`;exit 9");
    let world = world.with("BOOTSTRAP_PREFIX", &prefix);
    let script = "eval \"$(\"$bootstrap\" env)\"; echo \"$PATH\"";
    let run = world.shell(&["bash", "-eu"], script).exits(0);
    assert!(run.stdout.starts_with(&format!("{prefix}/bin:")), "{run}");
}

#[test]
fn a_prefix_that_cannot_be_on_path_is_refused() {
    let world = World::new();
    let run = world.bootstrap(&["env", "--prefix", "/a:b"]);
    assert_snapshot!(run, @"
    --- stderr ---
    error: `/a:b/bin` cannot be put on PATH: it has a colon or a line break, or is not UTF-8
    hint: name another place with --prefix (BOOTSTRAP_PREFIX)
    [exit 2]
    ");
    world.bootstrap(&["env", "--prefix", "/a\nb"]).exits(2);
}

#[test]
fn a_proxy_that_makes_no_sense_is_a_mistake_of_the_caller() {
    let world = World::new()
        .with("PROXY_HOST", "proxy")
        .with("PROXY_PORT", "http");
    let run = world.bootstrap(&["env", "--proxy"]).exits(2);
    assert_eq!(run.stdout, "");
    run.says("PROXY_PORT");
}
