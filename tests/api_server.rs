//! An API server of our own: TLS with an authority and a leaf, bearer tokens checked by the rules of
//! the authenticator's server, and the few questions that a preflight asks.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use url::Url;

use crate::server::{Reply, Request, Server, Step};

/// What the server does in place of what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// It refuses whoever is known.
    Forbidden,
    /// It never answers.
    Silent,
    /// It answers with a web page.
    Garbage,
    /// It answers with more than anybody should read.
    Endless,
    /// It is not up to it, once.
    Hiccup,
    /// It is not up to it.
    Broken,
}

/// How the server was made.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) fault: Fault,
    /// The answer to `/version`.
    pub(crate) version: Value,
    /// The name of the cluster, which a token is for.
    pub(crate) cluster: &'static str,
    /// A token that is accepted as it is.
    pub(crate) token: &'static str,
    /// Whose signatures are known: the IDs and secrets of access keys.
    pub(crate) keys: Vec<(&'static str, &'static str)>,
    /// The answer to a review of one's rules.
    pub(crate) rules: Value,
    /// Whether an access review allows.
    pub(crate) allowed: bool,
    /// Whether it says who one is (Kubernetes 1.28 and newer).
    pub(crate) knows_reviews: bool,
    /// How far its clock is from ours, in seconds.
    pub(crate) clock: i64,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            fault: Fault::None,
            version: json!({"major": "1", "minor": "31+", "gitVersion": "v1.31.2-eks-7f9249a",
                "gitCommit": "", "gitTreeState": "", "buildDate": "", "goVersion": "",
                "compiler": "", "platform": ""}),
            cluster: "payments",
            token: "static-token",
            keys: Vec::new(),
            rules: json!({"incomplete": false, "nonResourceRules": [], "resourceRules": [
                {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]}),
            allowed: false,
            knows_reviews: true,
            clock: 0,
        }
    }
}

/// The server; dropped, it is gone.
pub(crate) struct ApiServer {
    pub(crate) server: Server,
    authority: String,
    /// Why tokens were refused.
    refusals: Arc<Mutex<Vec<String>>>,
}

impl ApiServer {
    pub(crate) fn start(setup: Setup) -> Self {
        let (authority, tls) = crate::options::authority();
        let refusals = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&refusals);
        let server = Server::start_tls(tls, move |request| setup.answer(request, &seen));
        Self {
            server,
            authority,
            refusals,
        }
    }

    /// Its address, which is always one with TLS.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.server.address().port())
    }

    /// Its authority, as a kubeconfig has it.
    pub(crate) fn authority(&self) -> String {
        BASE64_STANDARD.encode(&self.authority)
    }

    /// Its authority as PEM.
    pub(crate) fn authority_pem(&self) -> &str {
        &self.authority
    }

    /// Why tokens were refused.
    pub(crate) fn refusals(&self) -> Vec<String> {
        self.refusals.lock().unwrap().clone()
    }

    /// A kubeconfig with this server as the context `name`; `user` is YAML in flow style.
    pub(crate) fn kubeconfig(&self, name: &str, user: &str) -> String {
        kubeconfig(name, &self.url(), &self.authority(), user)
    }
}

/// A kubeconfig with one context.
pub(crate) fn kubeconfig(name: &str, server: &str, authority: &str, user: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: {name}
  cluster: {{ server: \"{server}\", certificate-authority-data: \"{authority}\" }}
contexts:
- name: {name}
  context: {{ cluster: {name}, user: {name} }}
users:
- name: {name}
  user: {user}
"
    )
}

impl Setup {
    fn answer(&self, request: &Request, refusals: &Mutex<Vec<String>>) -> Reply {
        let reply = self.answer_to(request, refusals);
        let now = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(self.clock);
        reply.header(
            "Date",
            now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        )
    }

    fn answer_to(&self, request: &Request, refusals: &Mutex<Vec<String>>) -> Reply {
        match self.fault {
            Fault::Silent => return Reply::ok("{}").hang_after(0),
            Fault::Garbage => return Reply::ok("<html>Please log in</html>"),
            Fault::Endless => {
                let steps = vec![Step::Endless(vec![b' '; 4096])];
                return Reply::ok("").length(None).steps(steps);
            }
            Fault::Broken => return Reply::status(503),
            Fault::Hiccup if request.before == 0 => return Reply::status(503),
            _ => {}
        }
        let token = request.header("authorization").unwrap_or_default();
        let token = token.strip_prefix("Bearer ").unwrap_or_default();
        let user = match self.authenticate(token) {
            Ok(user) => user,
            Err(why) => {
                refusals.lock().unwrap().push(why);
                return status(401, "Unauthorized");
            }
        };
        if self.fault == Fault::Forbidden {
            let message = format!("User \"{user}\" cannot get path \"{}\"", request.target);
            return status(403, &message);
        }
        match (request.method.as_str(), request.target.as_str()) {
            ("GET", "/version") => object(200, self.version.clone()),
            ("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews") if self.knows_reviews => {
                review(request, json!({"userInfo": {"username": user}}))
            }
            ("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews") => {
                review(request, self.rules.clone())
            }
            ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews") => {
                review(request, json!({"allowed": self.allowed}))
            }
            _ => status(404, "the server could not find the requested resource"),
        }
    }

    /// Whose token it is, by the rules of the authenticator's server (aws-iam-authenticator,
    /// `pkg/token`, `tokenVerifier.Verify`); the signature stands in for its call to STS.
    fn authenticate(&self, token: &str) -> Result<String, String> {
        if token == self.token {
            return Ok("static-user".to_owned());
        }
        if token.len() > 4096 {
            return Err("the token is too large".to_owned());
        }
        let text = token
            .strip_prefix("k8s-aws-v1.")
            .ok_or("the token has no prefix")?;
        let url = BASE64_URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|error| error.to_string())?;
        let url: Url = String::from_utf8(url)
            .map_err(|error| error.to_string())?
            .parse()
            .map_err(|error: url::ParseError| error.to_string())?;
        self.check_url(&url)
    }

    fn check_url(&self, url: &Url) -> Result<String, String> {
        let host = url.host_str().unwrap_or_default();
        let is_sts = host == "sts.amazonaws.com"
            || (host.starts_with("sts.") || host.starts_with("sts-fips."))
                && [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"]
                    .iter()
                    .any(|end| host.ends_with(end));
        if url.scheme() != "https" || url.path() != "/" || !is_sts {
            return Err(format!(
                "unexpected address {}://{host}{}",
                url.scheme(),
                url.path()
            ));
        }
        let mut values = std::collections::BTreeMap::new();
        for (name, value) in url.query_pairs() {
            let name = name.to_lowercase();
            let known = [
                "action",
                "version",
                "x-amz-algorithm",
                "x-amz-credential",
                "x-amz-date",
                "x-amz-expires",
                "x-amz-security-token",
                "x-amz-signature",
                "x-amz-signedheaders",
            ];
            if !known.contains(&name.as_str()) {
                return Err(format!("non-whitelisted parameter {name}"));
            }
            if values.insert(name.clone(), value.into_owned()).is_some() {
                return Err(format!("duplicate parameter {name}"));
            }
        }
        let value = |name: &str| values.get(name).map(String::as_str).unwrap_or_default();
        if value("action") != "GetCallerIdentity" {
            return Err(format!("unexpected action {}", value("action")));
        }
        if !value("x-amz-signedheaders")
            .split(';')
            .any(|name| name == "x-k8s-aws-id")
        {
            return Err("the cluster's name is not signed".to_owned());
        }
        if !value("x-amz-expires")
            .parse::<u32>()
            .is_ok_and(|seconds| seconds <= 900)
        {
            return Err("the expiry is not within 15 minutes".to_owned());
        }
        let date = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", value("x-amz-date"));
        let date = date.map_err(|error| error.to_string())?;
        let date = date.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
        let age = jiff::Timestamp::now().duration_since(date);
        if age > jiff::SignedDuration::from_mins(15) {
            return Err("the token is too old".to_owned());
        }
        let credential = value("x-amz-credential");
        let mut scope = credential.split('/');
        let (key, region) = (
            scope.next().unwrap_or_default(),
            scope.nth(1).unwrap_or_default(),
        );
        let known = self.keys.iter().find(|(id, _)| *id == key);
        let (_, secret) = known.ok_or_else(|| format!("the access key {key} is unknown"))?;
        let session = values.get("x-amz-security-token").cloned();
        let expected = self.signature(key, secret, session, region, host, date.into());
        if expected != value("x-amz-signature") {
            return Err("the signature is another: wrong cluster, key, or time".to_owned());
        }
        Ok(format!("arn:aws:iam::123456789012:user/{key}"))
    }

    /// The signature of a token of this time for this cluster.
    fn signature(
        &self,
        key: &str,
        secret: &str,
        session: Option<String>,
        region: &str,
        host: &str,
        time: SystemTime,
    ) -> String {
        let identity = Credentials::new(key, secret, session, None, "test").into();
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_mins(1));
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("sts")
            .time(time)
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let url = format!("https://{host}/?Action=GetCallerIdentity&Version=2011-06-15");
        let headers = [("x-k8s-aws-id", self.cluster)];
        let request = SignableRequest::new(
            "GET",
            url.as_str(),
            headers.into_iter(),
            SignableBody::Bytes(&[]),
        );
        sign(request.unwrap(), &params).unwrap().into_parts().1
    }
}

/// The request's object with this status.
fn review(request: &Request, status: Value) -> Reply {
    let mut review: Value = serde_json::from_slice(&request.body).unwrap();
    review["status"] = status;
    object(201, review)
}

#[expect(clippy::needless_pass_by_value, reason = "it is made for this")]
fn object(code: u16, value: Value) -> Reply {
    Reply::ok(value.to_string())
        .header("Content-Type", "application/json")
        .with_status(code)
}

/// An error as an API server says it (Kubernetes API Conventions).
fn status(code: u16, message: &str) -> Reply {
    object(
        code,
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "code": code}),
    )
}
