//! The calls to AWS: what they give, what they make of refusals, and what they do when AWS is slow,
//! busy or not there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bootstrap::arn::{ClusterName, Region};
use bootstrap::aws::{Aws, Error, Identity, Settings, Source};
use bootstrap::backoff::{Backoff, Strategy};
use bootstrap::deadline::Deadline;
use bootstrap::http::{Certificates, Proxies};
use bootstrap::runtime::Runtime;

use crate::moto::{EXTERNAL_ID, Moto, OPEN_ROLE, ROLE, SUBJECT, WEB_ROLE};
use crate::server::{Reply, Request, Server, Step};
use crate::world::GENEROUS;

/// AWS at this address, with these variables on top of the keys of a user.
fn aws(url: &str, more: &[(&str, &str)]) -> Aws {
    let keys = [
        ("AWS_ENDPOINT_URL", url),
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "s3cret-key"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let variables: BTreeMap<_, _> = keys
        .iter()
        .chain(more)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let proxies = Proxies::from_variables(&|name| variables.get(name).cloned());
    let settings = Settings {
        variables,
        region: None,
        proxies: proxies.unwrap(),
        certificates: Certificates::default(),
        backoff: Backoff {
            strategy: Strategy::FixedDelay,
            base: Duration::from_millis(5),
            max: Duration::from_millis(5),
            attempts: None,
        },
        offline: false,
    };
    Aws::new(settings, Arc::new(Runtime::new()))
}

fn within(budget: Duration) -> Deadline {
    Deadline::after(Instant::now(), budget)
}

fn soon() -> Deadline {
    within(GENEROUS)
}

fn region() -> Region {
    "us-east-1".parse().unwrap()
}

fn identity(aws: &Aws) -> Identity {
    aws.identity(soon()).unwrap()
}

fn describe(aws: &Aws, name: &str, region: &Region) -> Result<bootstrap::aws::Description, Error> {
    let name: ClusterName = name.parse().unwrap();
    aws.describe_cluster(&identity(aws), region, &name, soon())
}

#[test]
fn a_cluster_is_described() {
    let aws = aws(Moto::shared().url(), &[]);
    let cluster = describe(&aws, "payments", &region()).unwrap();
    assert_eq!(
        cluster.arn.to_string(),
        "arn:aws:eks:us-east-1:123456789012:cluster/payments"
    );
    assert_eq!(cluster.status, "ACTIVE");
    assert_eq!(
        cluster.endpoint.as_deref(),
        Some("https://0f1e.gr7.us-east-1.eks.amazonaws.com")
    );
    assert_eq!(cluster.certificate_authority.as_deref(), Some("Q0E="));
    assert_eq!(cluster.version.as_deref(), Some("1.35"));
    assert_eq!(
        cluster.oidc_issuer.as_deref(),
        Some("https://oidc.eks.us-east-1.amazonaws.com/id/0F1E")
    );
    assert_eq!(
        cluster.authentication_mode.as_deref(),
        Some("API_AND_CONFIG_MAP")
    );
    assert_eq!(
        (cluster.public_access, cluster.private_access),
        (Some(true), Some(false))
    );
    assert_eq!(cluster.outpost_id, None);
    assert_eq!(describe(&aws, "new", &region()).unwrap().status, "CREATING");
    let edge = describe(&aws, "edge", &"us-west-2".parse().unwrap()).unwrap();
    assert_eq!(edge.outpost_id.as_deref(), Some("0f1e2d3c-4b5a"));
}

#[test]
fn a_cluster_that_is_not_there_is_named_with_the_region_that_was_asked() {
    let aws = aws(Moto::shared().url(), &[]);
    let error = describe(&aws, "edge", &region()).unwrap_err();
    assert!(matches!(error, Error::ClusterNotFound { .. }), "{error:?}");
    assert_eq!(error.to_string(), "there is no cluster `edge` in us-east-1");
}

#[test]
fn the_fargate_profiles_come_with_their_selectors() {
    let aws = aws(Moto::shared().url(), &[]);
    let name = "payments".parse().unwrap();
    let profiles = aws.fargate_profiles(&identity(&aws), &region(), &name, soon());
    let profiles = profiles.unwrap();
    assert_eq!(profiles.len(), 1);
    assert_eq!(profiles[0].name, "apps");
    assert_eq!(profiles[0].selectors[0].namespace, "apps");
    assert_eq!(profiles[0].selectors[0].labels["on"], "fargate");
}

#[test]
fn the_regions_are_those_of_the_account() {
    let aws = aws(Moto::shared().url(), &[]);
    let regions = aws
        .describe_regions(&identity(&aws), &region(), soon())
        .unwrap();
    for code in ["us-east-1", "eu-central-1"] {
        assert!(regions.contains(&code.parse().unwrap()), "{regions:?}");
    }
}

#[test]
fn the_caller_is_known_before_and_after_a_role_is_assumed() {
    let aws = aws(Moto::shared().url(), &[]);
    let base = identity(&aws);
    let caller = aws.caller(&base, &region(), soon()).unwrap();
    assert_eq!(caller.account.as_str(), "123456789012");
    let age = caller
        .server_time
        .unwrap()
        .duration_until(jiff::Timestamp::now());
    assert!(age.abs() < jiff::SignedDuration::from_mins(1), "{age:?}");
    let (role, id, session) = (
        ROLE.parse().unwrap(),
        EXTERNAL_ID.parse().unwrap(),
        "harness".parse().unwrap(),
    );
    let assumed = aws
        .assume_role(&base, &role, Some(&id), &session, &region(), soon())
        .unwrap();
    assert!(assumed.expires.is_some());
    let caller = aws.caller(&assumed, &region(), soon()).unwrap();
    assert_eq!(
        caller.arn.to_string(),
        "arn:aws:sts::111122223333:assumed-role/deployer/harness"
    );
    assert!(caller.user_id.ends_with(":harness"), "{}", caller.user_id);
}

#[test]
fn a_role_is_refused_without_its_external_id_and_with_another() {
    let aws = aws(Moto::shared().url(), &[]);
    let base = identity(&aws);
    let role = ROLE.parse().unwrap();
    let session = "harness".parse().unwrap();
    let other = "another".parse().unwrap();
    for id in [None, Some(&other)] {
        let error = aws
            .assume_role(&base, &role, id, &session, &region(), soon())
            .unwrap_err();
        assert!(matches!(error, Error::AccessDenied(_)), "{error:?}");
        assert!(
            error
                .to_string()
                .starts_with("sts:AssumeRole: AccessDenied: ")
        );
        assert!(error.hint().unwrap().contains("external ID"));
    }
    let open = OPEN_ROLE.parse().unwrap();
    assert!(
        aws.assume_role(&base, &open, None, &session, &region(), soon())
            .is_ok()
    );
}

#[test]
fn keys_that_are_unknown_or_have_expired_are_told_apart() {
    let url = Moto::shared().url();
    let caller = |key: &str| {
        let aws = aws(url, &[("AWS_ACCESS_KEY_ID", key)]);
        aws.caller(&identity(&aws), &region(), soon()).unwrap_err()
    };
    assert!(matches!(caller("AKIAEXPIRED1"), Error::ExpiredToken(_)));
    assert!(matches!(
        caller("AKIAUNKNOWN1"),
        Error::InvalidCredentials(_)
    ));
}

/// What STS answers to `GetCallerIdentity`.
const CALLER: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
    <GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/ci</Arn><UserId>AIDA</UserId>\
    <Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

/// What STS answers when it refuses with this code.
pub(crate) fn refusal(status: u16, code: &str) -> Reply {
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>no</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
    );
    Reply::status(status)
        .header("x-amzn-RequestId", "r-1")
        .steps(vec![Step::Bytes(body.clone().into_bytes())])
        .length(Some(body.len()))
}

/// Asks a server that answers as `handler` does who the caller is.
fn ask(
    handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    budget: Duration,
) -> (Result<(), Error>, usize) {
    let server = Server::start(handler);
    let aws = aws(&server.url(""), &[]);
    let identity = identity(&aws);
    let answer = aws.caller(&identity, &region(), within(budget));
    (answer.map(drop), server.requests().len())
}

#[test]
fn what_may_pass_is_asked_again() {
    for (status, code) in [
        (503, "ServiceUnavailable"),
        (500, "InternalFailure"),
        (400, "Throttling"),
        (400, "RequestLimitExceeded"),
        (400, "IDPCommunicationError"),
        (429, "TooManyRequests"),
    ] {
        let (answer, requests) = ask(
            move |request| match request.before {
                0 | 1 => refusal(status, code),
                _ => Reply::ok(CALLER),
            },
            GENEROUS,
        );
        assert!(answer.is_ok(), "{code}: {answer:?}");
        assert_eq!(requests, 3, "{code}");
    }
}

#[test]
fn a_broken_connection_and_a_gateways_page_are_asked_again() {
    let (answer, requests) = ask(
        |request| match request.before {
            0 => Reply::ok(CALLER).cut_after(20),
            1 => Reply::status(502).header("Content-Type", "text/html"),
            _ => Reply::ok(CALLER),
        },
        GENEROUS,
    );
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!(requests, 3);
}

#[test]
fn what_cannot_pass_is_asked_once_and_what_is_in_doubt_three_times() {
    for (code, tries) in [
        ("AccessDenied", 1),
        ("ExpiredToken", 1),
        ("InvalidClientTokenId", 1),
        ("SignatureDoesNotMatch", 3),
    ] {
        let (answer, requests) = ask(move |_| refusal(403, code), GENEROUS);
        let error = answer.unwrap_err();
        let times = if tries > 1 { " (tried 3 times)" } else { "" };
        assert_eq!(
            error.to_string(),
            format!("sts:GetCallerIdentity: {code}: no (request r-1){times}")
        );
        assert_eq!(requests, tries, "{code}");
    }
}

#[test]
fn throttling_that_does_not_end_is_told_as_such_at_the_deadline() {
    let started = Instant::now();
    let (answer, requests) = ask(|_| refusal(400, "Throttling"), Duration::from_secs(1));
    assert!(matches!(answer.unwrap_err(), Error::Throttled(_)));
    assert!(requests > 1);
    assert!(started.elapsed() < GENEROUS);
}

#[test]
fn a_server_that_never_answers_ends_at_the_deadline() {
    let started = Instant::now();
    let (answer, _) = ask(
        |_| Reply::ok(CALLER).hang_after(10),
        Duration::from_millis(300),
    );
    let error = answer.unwrap_err();
    assert!(matches!(error, Error::DeadlinePassed { .. }), "{error:?}");
    assert!(started.elapsed() < GENEROUS);
}

#[test]
fn a_host_that_does_not_listen_is_named() {
    let server = Server::start(|_| Reply::status(500));
    let url = server.url("");
    drop(server);
    // The listener lives until its thread has noticed.
    std::thread::sleep(Duration::from_millis(50));
    let aws = aws(&url, &[]);
    let error = aws
        .caller(
            &identity(&aws),
            &region(),
            within(Duration::from_millis(400)),
        )
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("127.0.0.1"), "{text}");
    assert_eq!(error.fault(), bootstrap::fault::Fault::Remote);
}

#[test]
fn each_service_has_its_own_endpoint() {
    let eks = Server::start(|_| {
        Reply::ok(
            "{\"cluster\":{\"name\":\"a\",\"arn\":\"arn:aws:eks:us-east-1:111122223333:cluster/a\"}}",
        )
    });
    let sts = Server::start(|_| Reply::ok(CALLER));
    let ec2 = Server::start(|_| {
        Reply::ok("<R><regionInfo><item><regionName>eu-west-1</regionName></item></regionInfo></R>")
    });
    let urls = [eks.url(""), sts.url(""), ec2.url("")];
    let aws = aws(
        "http://127.0.0.1:1",
        &[
            ("AWS_ENDPOINT_URL_EKS", &urls[0]),
            ("AWS_ENDPOINT_URL_STS", &urls[1]),
            ("AWS_ENDPOINT_URL_EC2", &urls[2]),
        ],
    );
    let who = identity(&aws);
    assert!(describe(&aws, "a", &region()).is_ok());
    assert!(aws.caller(&who, &region(), soon()).is_ok());
    let regions = aws.describe_regions(&who, &region(), soon()).unwrap();
    assert_eq!(regions, ["eu-west-1".parse().unwrap()]);
    let signed = ec2.requests()[0]
        .header("authorization")
        .unwrap()
        .to_owned();
    assert!(signed.contains("/us-east-1/ec2/aws4_request"), "{signed}");
    assert!(!signed.contains("s3cret-key"));
    assert!(eks.requests()[0].target.ends_with("/clusters/a"));
}

#[test]
fn a_profile_may_name_the_endpoint_of_a_service() {
    let eks = Server::start(|_| {
        Reply::ok(
            "{\"cluster\":{\"name\":\"a\",\"arn\":\"arn:aws:eks:us-east-1:111122223333:cluster/a\"}}",
        )
    });
    let sts = Server::start(|_| Reply::ok(CALLER));
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config");
    let config = format!(
        "[default]\nendpoint_url = {}\nservices = local\n[services local]\neks =\n  endpoint_url = {}\n",
        sts.url(""),
        eks.url("")
    );
    crate::world::put(&path, config.as_bytes());
    let aws = aws("", &[("AWS_CONFIG_FILE", &path.display().to_string())]);
    assert!(describe(&aws, "a", &region()).is_ok());
    assert!(aws.caller(&identity(&aws), &region(), soon()).is_ok());
    assert_eq!((eks.requests().len(), sts.requests().len()), (1, 1));
}

/// The hosts that are asked by default, as a proxy that connects nobody sees them.
fn hosts(region: &str, more: &[(&str, &str)]) -> BTreeSet<String> {
    let proxy = crate::http::proxy::Tunnel::start(403);
    let address = format!("http://127.0.0.1:{}", proxy.port);
    let ignored = [
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
        ("https_proxy", address.as_str()),
    ];
    let aws = aws("http://127.0.0.1:1", &[&ignored[..], more].concat());
    let (who, region) = (identity(&aws), region.parse().unwrap());
    // Long enough for a first try on a busy machine.
    let brief = || within(Duration::from_millis(500));
    let name = "a".parse().unwrap();
    assert!(aws.caller(&who, &region, brief()).is_err());
    assert!(aws.describe_cluster(&who, &region, &name, brief()).is_err());
    assert!(aws.describe_regions(&who, &region, brief()).is_err());
    let host = |line: &str| line.replace("CONNECT ", "").replace(":443", "");
    let seen = proxy.seen();
    seen.iter().map(|(line, _)| host(line)).collect()
}

#[test]
fn the_hosts_are_those_of_the_region_its_partition_fips_and_dual_stack() {
    let check = |region: &str, more: &[(&str, &str)], expected: [&str; 3]| {
        let expected = expected.map(str::to_owned);
        assert_eq!(hosts(region, more), BTreeSet::from(expected));
    };
    check(
        "eu-west-1",
        &[],
        [
            "sts.eu-west-1.amazonaws.com",
            "eks.eu-west-1.amazonaws.com",
            "ec2.eu-west-1.amazonaws.com",
        ],
    );
    check(
        "cn-north-1",
        &[],
        [
            "sts.cn-north-1.amazonaws.com.cn",
            "eks.cn-north-1.amazonaws.com.cn",
            "ec2.cn-north-1.amazonaws.com.cn",
        ],
    );
    check(
        "us-west-2",
        &[("AWS_USE_FIPS_ENDPOINT", "true")],
        [
            "sts-fips.us-west-2.amazonaws.com",
            "fips.eks.us-west-2.amazonaws.com",
            "ec2-fips.us-west-2.amazonaws.com",
        ],
    );
    check(
        "us-iso-east-1",
        &[],
        [
            "sts.us-iso-east-1.c2s.ic.gov",
            "eks.us-iso-east-1.c2s.ic.gov",
            "ec2.us-iso-east-1.c2s.ic.gov",
        ],
    );
    check(
        "us-gov-west-1",
        &[("AWS_USE_DUALSTACK_ENDPOINT", "true")],
        [
            "sts.us-gov-west-1.api.aws",
            "eks.us-gov-west-1.api.aws",
            "ec2.us-gov-west-1.api.aws",
        ],
    );
}

#[test]
fn an_endpoint_that_is_no_address_is_refused_without_quoting_it() {
    let aws = aws("http://user:hunter2@:80:80", &[]);
    let error = aws.caller(&identity(&aws), &region(), soon()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("AWS_ENDPOINT_URL_STS"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

/// A web identity token with these claims.
pub(crate) fn jwt(subject: &str, audience: &str, expires: i64) -> String {
    use base64::Engine as _;
    let part =
        |json: serde_json::Value| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    format!(
        "{}.{}.c2ln",
        part(serde_json::json!({"alg": "RS256"})),
        part(serde_json::json!({
            "iss": "https://oidc.eks.us-east-1.amazonaws.com/id/0F1E",
            "sub": subject, "aud": [audience], "exp": expires,
        }))
    )
}

pub(crate) fn in_an_hour() -> i64 {
    jiff::Timestamp::now().as_second() + 3600
}

/// The identity that these variables lead to, with files in a directory of their own.
fn found(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Identity, Error> {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        crate::world::put(&path, text.as_bytes());
    }
    let home = home.path().display().to_string();
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| (*name, value.replace('~', &home)))
        .collect();
    let mut all = vec![
        ("HOME", home.as_str()),
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", ""),
    ];
    all.extend(
        variables
            .iter()
            .map(|(name, value)| (*name, value.as_str())),
    );
    aws(Moto::shared().url(), &all).identity(soon())
}

#[test]
fn the_web_identity_comes_before_the_profile_as_in_botocore_and_the_go_sdk() {
    let token = jwt(SUBJECT, "sts.amazonaws.com", in_an_hour());
    let profile = "[default]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = x\n";
    let files = [("token", token.as_str()), (".aws/credentials", profile)];
    let web = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "~/token"),
        ("AWS_ROLE_ARN", WEB_ROLE),
    ];
    let identity = found(&files, &web).unwrap();
    assert_eq!(identity.source.id(), "irsa");
    assert!(identity.session_token.is_some());
    let identity = found(&files, &[]).unwrap();
    assert_eq!(identity.access_key_id, "AKIAPROFILE");
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIAVARIABLE"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
    ];
    let identity = found(&files, &[&web[..], &keys].concat()).unwrap();
    assert_eq!(identity.source, Source::Environment);
}

#[test]
fn a_web_identity_that_does_not_work_ends_the_search() {
    let good = jwt(SUBJECT, "sts.amazonaws.com", in_an_hour());
    let profile = "[default]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = x\n";
    let web = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "~/token"),
        ("AWS_ROLE_ARN", WEB_ROLE),
    ];
    let with = |token: &str| {
        let files = [("token", token), (".aws/credentials", profile)];
        found(&files, &web).unwrap_err()
    };
    let error = with(&jwt(SUBJECT, "sts.amazonaws.com", 1_700_000_000));
    assert!(matches!(error, Error::ExpiredTokenFile { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .ends_with("expired at 2023-11-14T22:13:20Z"),
        "{error}"
    );
    let error = with(&jwt(SUBJECT, "other", in_an_hour()));
    assert!(matches!(error, Error::InvalidIdentityToken(_)), "{error:?}");
    let error = with(&jwt(
        "system:serviceaccount:x:y",
        "sts.amazonaws.com",
        in_an_hour(),
    ));
    assert!(matches!(error, Error::AccessDenied(_)), "{error:?}");
    assert!(error.hint().unwrap().contains("`sub`"));
    for (text, why) in [
        ("\n", "it is empty"),
        ("s3cret", "it has not three parts"),
        ("a.b.c.s3cret", "it has not three parts"),
        ("{\"s3cret\": 1}.b.c", "its parts are not Base64"),
        ("s3cret..c", "its parts are not Base64"),
    ] {
        let error = with(text);
        assert!(matches!(error, Error::NotAToken { .. }), "{error:?}");
        let shown = error.to_string();
        assert!(shown.ends_with(why) && !shown.contains("s3cret"), "{shown}");
        assert!(error.hint().unwrap().contains("the kubelet mounts"));
    }
    let error = found(&[(".aws/credentials", profile)], &web).unwrap_err();
    assert!(matches!(error, Error::TokenFile { .. }), "{error:?}");
    let error = found(&[("token", &good)], &web[..1]).unwrap_err();
    assert!(error.to_string().contains("AWS_ROLE_ARN is not"), "{error}");
}

#[test]
fn a_profile_leads_to_keys_through_roles_and_other_profiles() {
    let config = format!(
        "[default]\nregion = eu-west-1\n\
         [profile chained]\nrole_arn = {ROLE}\nexternal_id = {EXTERNAL_ID}\nsource_profile = base\n\
         [profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = x\n\
         [profile bare]\nrole_arn = {ROLE}\n\
         [profile env]\nrole_arn = {OPEN_ROLE}\ncredential_source = Environment\n\
         [profile one]\nrole_arn = {ROLE}\nsource_profile = two\n\
         [profile two]\nrole_arn = {ROLE}\nsource_profile = one\n\
         [profile mfa]\nrole_arn = {ROLE}\nsource_profile = base\nmfa_serial = arn:aws:iam::1:mfa/x\n\
         [profile half]\naws_access_key_id = AKIAHALF\n\
         [profile sso]\nsso_start_url = https://x.awsapps.com/start\n\
         [profile session]\nsso_session = x\nsso_account_id = 111122223333\n\
         [profile process]\ncredential_process = /bin/false s3cret\n\
         [profile through]\nrole_arn = {ROLE}\nsource_profile = process\n"
    );
    let files = [(".aws/config", config.as_str())];
    let with = |profile: &str| found(&files, &[("AWS_PROFILE", profile)]);
    let identity = with("chained").unwrap();
    assert_eq!(identity.source.id(), "assumed-role");
    assert!(
        identity
            .source
            .to_string()
            .starts_with("the profile `chained`, through the role ")
    );
    for (profile, words) in [
        ("bare", "no `source_profile`"),
        ("one", "in a circle: one -> two -> one"),
        ("mfa", "MFA device"),
        ("half", "one of `aws_access_key_id`"),
        ("sso", "`sso_start_url` is not supported"),
        ("session", "`sso_session` is not supported"),
        ("process", "`credential_process` is not supported"),
        ("through", "`credential_process` is not supported"),
        ("env", "AWS_ACCESS_KEY_ID, which is not set"),
        ("absent", "have no profile `absent`"),
    ] {
        let error = with(profile).unwrap_err().to_string();
        assert!(error.contains(words), "{profile}: {error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
    // Chosen by nobody, a profile without credentials is passed over.
    let error = found(&files, &[]).unwrap_err().to_string();
    assert!(error.contains("the profile `default`"), "{error}");
    let error = found(&[(".aws/config", "[default\nx")], &[]).unwrap_err();
    assert!(matches!(error, Error::Profile { .. }), "{error:?}");
}

#[test]
fn without_credentials_all_sources_are_listed_in_their_order() {
    let error = found(&[], &[]).unwrap_err();
    let Error::NoCredentials { tried } = &error else {
        panic!("{error:?}");
    };
    let sources: Vec<_> = tried.iter().map(|tried| tried.source).collect();
    assert_eq!(
        sources,
        [
            "environment",
            "web identity (IRSA)",
            "profile",
            "container (EKS Pod Identity, ECS)",
            "instance metadata"
        ]
    );
    assert_eq!(tried[4].why, "AWS_EC2_METADATA_DISABLED is set");
}

#[test]
fn a_metadata_service_that_never_answers_costs_about_a_second() {
    // The connection is taken by the kernel, and nobody ever reads from it.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let started = Instant::now();
    let error = found(
        &[],
        &[
            ("AWS_EC2_METADATA_DISABLED", ""),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &endpoint),
        ],
    )
    .unwrap_err();
    let Error::NoCredentials { tried } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(tried[4].why, format!("{endpoint}: nothing came for 1 s"));
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn the_role_of_the_node_is_found_with_the_token_of_version_2() {
    let server = Server::start(|request| {
        let has_token = request.header("x-aws-ec2-metadata-token") == Some("t0ken");
        match (request.method.as_str(), request.target.as_str()) {
            ("PUT", "/latest/api/token") if request.before == 0 => Reply::status(503),
            ("PUT", "/latest/api/token") => Reply::ok("t0ken"),
            ("GET", "/latest/meta-data/iam/security-credentials/") if has_token => {
                Reply::ok("node")
            }
            ("GET", "/latest/meta-data/iam/security-credentials/node") if has_token => Reply::ok(
                "{\"Code\":\"Success\",\"AccessKeyId\":\"ASIANODE\",\"SecretAccessKey\":\"x\",\
                 \"Token\":\"y\",\"Expiration\":\"2040-01-01T00:00:00Z\"}",
            ),
            _ => Reply::status(401),
        }
    });
    let variables = [
        ("AWS_EC2_METADATA_DISABLED", ""),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &server.url("")),
    ];
    let identity = found(&[], &variables).unwrap();
    assert_eq!(identity.access_key_id, "ASIANODE");
    assert_eq!(identity.source.id(), "iam-role");
    assert_eq!(
        identity.expires.unwrap().to_string(),
        "2040-01-01T00:00:00Z"
    );
}

#[test]
fn the_pod_identity_agent_is_asked_with_the_token_of_the_pod() {
    let server = Server::start(|request| {
        if request.header("authorization") != Some("pod-token") {
            return Reply::status(401);
        }
        match request.before {
            0 => Reply::status(500),
            _ => Reply::ok(
                "{\"AccessKeyId\":\"ASIAPOD\",\"SecretAccessKey\":\"x\",\"Token\":\"y\",\
                 \"AccountId\":\"111122223333\",\"Expiration\":\"2040-01-01T00:00:00Z\"}",
            ),
        }
    });
    let mount = "pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token";
    let files = [(mount, "pod-token\n")];
    let path = format!("~/{mount}");
    let url = server.url("/v1/credentials");
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &path),
    ];
    let identity = found(&files, &variables).unwrap();
    assert_eq!(identity.access_key_id, "ASIAPOD");
    assert_eq!(identity.source.id(), "pod-identity");
    let error = found(&[], &variables).unwrap_err().to_string();
    assert!(error.contains("eks-pod-identity-token"), "{error}");
    let elsewhere = [(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "http://vault.corp/creds",
    )];
    let error = found(&[], &elsewhere).unwrap_err().to_string();
    assert!(
        error.contains("neither https nor the address of an agent"),
        "{error}"
    );
}

#[test]
fn the_region_is_that_of_the_first_that_names_one() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config");
    crate::world::put(&path, b"[default]\nregion = eu-west-1\n");
    let path = path.display().to_string();
    let region = |variables: &[(&str, &str)]| {
        let aws = aws(
            "",
            &[&[("AWS_CONFIG_FILE", path.as_str())][..], variables].concat(),
        );
        let found = aws.region().unwrap();
        found.map(|(region, source)| format!("{region} {source}"))
    };
    let both = [
        ("AWS_REGION", "us-west-2"),
        ("AWS_DEFAULT_REGION", "us-east-2"),
    ];
    assert_eq!(region(&both).unwrap(), "us-west-2 AWS_REGION");
    assert_eq!(region(&both[1..]).unwrap(), "us-east-2 AWS_DEFAULT_REGION");
    assert_eq!(region(&[]).unwrap(), "eu-west-1 the profile `default`");
    assert_eq!(region(&[("AWS_CONFIG_FILE", "/nowhere")]), None);
    let error = aws("", &[("AWS_REGION", "moon")]).region().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("invalid value for AWS_REGION: `moon` is not a region")
    );
}
