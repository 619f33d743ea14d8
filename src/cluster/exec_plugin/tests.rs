use super::*;

const V1BETA1: &str = "client.authentication.k8s.io/v1beta1";

fn run(script: &str) -> Result<String, String> {
    run_within(script, Duration::from_secs(30))
}

fn run_within(script: &str, budget: Duration) -> Result<String, String> {
    let exec: ExecConfig = serde_json::from_value(serde_json::json!({
        "apiVersion": V1BETA1,
        "command": "sh",
        "args": ["-c", script, "sh", "-e", "s3cret-id"],
        "env": [{ "name": "REGION", "value": "us-east-1" }],
    }))
    .unwrap();
    let variables = BTreeMap::from(
        [("PATH", "/usr/bin:/bin"), ("REGION", "x")].map(|(k, v)| (k.to_owned(), v.to_owned())),
    );
    let environment = Environment {
        variables: &variables,
        directory: Path::new("/"),
    };
    let deadline = Deadline::after(Instant::now(), budget);
    token(&exec, None, environment, deadline)
        .map(|token| token.expose().to_owned())
        .map_err(|error| error.to_string())
}

fn answer(version: &str, status: &str) -> String {
    format!(
        "echo '{{\"kind\":\"ExecCredential\",\"apiVersion\":\"{version}\",\"status\":{status}}}'"
    )
}

#[test]
fn an_empty_external_id_hides_nothing() {
    let args = ["token", "-e", "", "--external-id="].map(str::to_owned);
    assert_eq!(secrets(&args), Vec::<String>::new());
    let args = ["-e", "a", "--external-id=b"].map(str::to_owned);
    assert_eq!(secrets(&args), ["a", "b"]);
}

#[test]
fn the_token_of_the_answer_is_taken() {
    assert_eq!(
        run(&answer(V1BETA1, "{\"token\":\"t\"}")),
        Ok("t".to_owned())
    );
}

#[test]
fn the_plugin_is_told_what_kubectl_would_tell_it() {
    let script = format!(
        "test \"$REGION\" = us-east-1 || exit 3
         case \"$KUBERNETES_EXEC_INFO\" in *'\"interactive\":false'*) ;; *) exit 4 ;; esac
         {}",
        answer(V1BETA1, "{\"token\":\"t\"}")
    );
    assert_eq!(run(&script), Ok("t".to_owned()));
}

#[test]
fn what_kubectl_would_not_accept_is_refused() {
    let check = |script: &str, message: &str| {
        let error = run(script).unwrap_err();
        assert!(error.contains(message), "{error}");
    };
    check("echo hello", "is no ExecCredential");
    check("echo '{}'", "is no ExecCredential");
    check("echo hello >&2", "is no ExecCredential");
    check(&answer(V1BETA1, "{}"), "gave no token");
    check(&answer(V1BETA1, "null"), "gave no token");
    check(
        &answer("client.authentication.k8s.io/v1", "{\"token\":\"t\"}"),
        "was asked for client.authentication.k8s.io/v1beta1 and answered in",
    );
    check("exit 7", "ended with exit status: 7");
}

#[test]
fn a_failure_shows_neither_tokens_nor_the_external_id() {
    let error = run("echo token-on-stdout; echo bad $2 k8s-aws-v1.abc >&2; exit 1");
    let error = error.unwrap_err();
    assert!(error.ends_with("exit status: 1: bad *** ***"), "{error}");
}

#[test]
fn a_plugin_that_hangs_is_stopped_and_named() {
    let started = Instant::now();
    let error = run_within("sleep 600", Duration::from_millis(100)).unwrap_err();
    assert!(
        error.starts_with("the plugin `sh` had not ended"),
        "{error}"
    );
    assert!(started.elapsed() < Duration::from_secs(10));
}
