//! An API server of our own: TLS with an authority and a leaf, bearer tokens checked by the rules of
//! the authenticator's server, and the few questions that a preflight asks.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::bearer::Bearer;
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
    /// Whose token `token` is, where the server tells that, as EKS does.
    pub(crate) arn: Option<&'static str>,
    /// Whether it says who one is (Kubernetes 1.28 and newer).
    pub(crate) knows_reviews: bool,
    /// How far its clock is from ours, in seconds.
    pub(crate) clock: i64,
    /// The pods and service accounts that it has.
    pub(crate) pods: Vec<Value>,
    pub(crate) accounts: Vec<Value>,
    pub(crate) config_maps: Vec<Value>,
    /// Verbs and resources that nobody may, such as `list pods`.
    pub(crate) forbidden: Vec<&'static str>,
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
            arn: None,
            knows_reviews: true,
            clock: 0,
            pods: Vec::new(),
            accounts: Vec::new(),
            config_maps: Vec::new(),
            forbidden: Vec::new(),
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
                let arn = self.arn.map(|arn| json!({"canonicalArn": [arn]}));
                review(
                    request,
                    json!({"userInfo": {"username": user, "extra": arn.unwrap_or(json!({}))}}),
                )
            }
            ("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews") => {
                review(request, self.rules.clone())
            }
            ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews") => {
                review(request, json!({"allowed": self.allowed}))
            }
            ("GET", target) if target.starts_with("/api/v1/namespaces/") => {
                self.object(&user, target)
            }
            _ => status(404, "the server could not find the requested resource"),
        }
    }

    /// A pod or a service account by its name, or the pods of a namespace.
    fn object(&self, user: &str, target: &str) -> Reply {
        let path = target.split('?').next().unwrap();
        let mut parts = path["/api/v1/namespaces/".len()..].split('/');
        let (namespace, resource) = (parts.next().unwrap(), parts.next().unwrap());
        let name = parts.next();
        let verb = if name.is_some() { "get" } else { "list" };
        if self
            .forbidden
            .contains(&format!("{verb} {resource}").as_str())
        {
            let message = format!(
                "{resource} is forbidden: User \"{user}\" cannot {verb} resource \"{resource}\" in API group \"\" \
                 in the namespace \"{namespace}\""
            );
            return status(403, &message);
        }
        let all = match resource {
            "pods" => &self.pods,
            "configmaps" => &self.config_maps,
            _ => &self.accounts,
        };
        let here = all
            .iter()
            .filter(|object| object["metadata"]["namespace"] == namespace);
        let mut named = here
            .clone()
            .filter(|object| name.is_some_and(|name| object["metadata"]["name"] == name));
        match (name, named.next()) {
            (None, _) => object(
                200,
                json!({"kind": "PodList", "items": here.collect::<Vec<_>>()}),
            ),
            (Some(_), Some(found)) => object(200, found.clone()),
            (Some(name), None) => status(404, &format!("{resource} \"{name}\" not found")),
        }
    }

    /// Whose token it is, by the rules of the authenticator's server; that it is signed with a key
    /// that is known stands in for its call to STS.
    fn authenticate(&self, token: &str) -> Result<String, String> {
        if token == self.token {
            return Ok("static-user".to_owned());
        }
        let bearer = Bearer::parse(token)?;
        let known = self.keys.iter().find(|(id, _)| *id == bearer.key());
        let (key, secret) = known.ok_or("the access key is unknown")?;
        if !bearer.is_signed(self.cluster, secret) {
            return Err("the signature is that of another cluster or key".to_owned());
        }
        Ok(format!("arn:aws:iam::111122223333:user/{key}"))
    }
}

/// The request's object with this status.
fn review(request: &Request, status: Value) -> Reply {
    let mut review: Value = serde_json::from_str(&request.body).unwrap();
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
