//! Credentials from this machine's neighbourhood: the agents of EKS Pod Identity and of Amazon ECS,
//! and the metadata service of an EC2 instance.

use std::time::Duration;

use serde::Deserialize;
use url::{Host, Url};

use super::chain::time;
use super::identity::{Identity, Source};
use super::{Aws, Error};
use crate::deadline::Deadline;
use crate::files;
use crate::http::{Secret, Stop};

/// How the sources are called for people.
pub(super) const CONTAINER: &str = "container (EKS Pod Identity, ECS)";
pub(super) const INSTANCE: &str = "instance metadata";

/// How long an agent on this node may take, as in the AWS SDKs.
const AGENT_TIMEOUT: Duration = Duration::from_secs(5);

/// How often an agent is asked: it may start after us.
const AGENT_TRIES: u32 = 3;

/// How long the metadata service may take for one answer. Where it is not reachable, as from a
/// pod behind a hop limit of 1 or on Fargate, this is what each run would lose.
const INSTANCE_TIMEOUT: Duration = Duration::from_secs(1);

/// How often the metadata service is asked when it answers that it is busy.
const INSTANCE_TRIES: u32 = 3;

/// Where the metadata service has the name of the node's role, and below it the credentials.
const ROLES: &str = "meta-data/iam/security-credentials/";

/// The wait before the next try.
const PAUSE: Duration = Duration::from_millis(200);

/// The agents that may be asked over plain HTTP, besides loopback (AWS SDKs and Tools Reference
/// Guide, "Container credential provider").
const ECS_AGENT: &str = "169.254.170.2";
const POD_IDENTITY_AGENTS: [&str; 2] = ["169.254.170.23", "fd00:ec2::23"];

/// Where the token for the Pod Identity agent is mounted (Amazon EKS User Guide).
const POD_IDENTITY_TOKEN: &str = "/pods.eks.amazonaws.com/";

impl Aws {
    /// The credentials that the agent gives this container, or why there are none.
    pub(super) fn container(&self, deadline: Deadline) -> Result<Result<Identity, String>, Error> {
        let variable = |name| self.environment.variable(name);
        let address = match (
            variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
            variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        ) {
            (Some(path), _) => format!("http://{ECS_AGENT}/{}", path.trim_start_matches('/')),
            (None, Some(address)) => address.to_owned(),
            (None, None) => {
                return Ok(Err(
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI and …_RELATIVE_URI are not set".to_owned(),
                ));
            }
        };
        let broken = |reason: String| Error::BrokenSource {
            source_name: "the container's credentials endpoint".to_owned(),
            reason,
        };
        let url = Url::parse(&address).ok().filter(may_be_asked);
        let url = url.ok_or_else(|| {
            broken(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor the address of an agent \
                 on this machine"
                    .to_owned(),
            )
        })?;
        let token_file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        let token = match token_file {
            // The kubelet renews it, so it is read each time.
            Some(path) => {
                let text = files::read_own(path.as_ref());
                Some(text.map_err(|error| broken(format!("{error}: {}", error.source)))?)
            }
            None => variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(str::to_owned),
        };
        let mut request = ::http::Request::get(url.as_str());
        if let Some(token) = &token {
            request = request.header("authorization", token.trim());
        }
        let request = request
            .body(Vec::new())
            .map_err(|_| broken("the authorization token cannot be sent".to_owned()))?;
        let answer = self.nearby(&request, AGENT_TIMEOUT, AGENT_TRIES, deadline)?;
        let body = answer.map_err(|miss| broken(format!("{}: {miss}", url_of(&url))))?;
        let is_pod_identity = POD_IDENTITY_AGENTS.iter().any(|agent| {
            url.host_str()
                .is_some_and(|host| host.trim_matches(['[', ']']) == *agent)
        }) || token_file
            .is_some_and(|path| path.contains(POD_IDENTITY_TOKEN));
        let source = if is_pod_identity {
            Source::PodIdentity
        } else {
            Source::Container
        };
        identity(&body, source).map(Ok).map_err(broken)
    }

    /// The credentials of the node's role, or why there are none.
    pub(super) fn instance(&self, deadline: Deadline) -> Result<Result<Identity, String>, Error> {
        if self.environment.is_true("AWS_EC2_METADATA_DISABLED") {
            return Ok(Err("AWS_EC2_METADATA_DISABLED is set".to_owned()));
        }
        if self.offline {
            return Ok(Err("it is not asked when offline".to_owned()));
        }
        let variable = |name| self.environment.variable(name);
        let endpoint = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_else(|| {
            let mode = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
            if mode.is_some_and(|mode| mode.eq_ignore_ascii_case("ipv6")) {
                "http://[fd00:ec2::254]"
            } else {
                "http://169.254.169.254"
            }
        });
        let url = |path: &str| format!("{}/latest/{path}", endpoint.trim_end_matches('/'));
        // Version 2 alone: the token keeps requests away that somebody else makes us send.
        let request = ::http::Request::put(url("api/token"))
            .header("x-aws-ec2-metadata-token-ttl-seconds", "300")
            .body(Vec::new());
        let Ok(request) = request else {
            return Err(Error::Setting {
                name: "AWS_EC2_METADATA_SERVICE_ENDPOINT".to_owned(),
                reason: "it takes http://HOST[:PORT]".to_owned(),
                in_file: false,
            });
        };
        let ask = |request: &::http::Request<Vec<u8>>| {
            self.nearby(request, INSTANCE_TIMEOUT, INSTANCE_TRIES, deadline)
        };
        let token = match ask(&request)? {
            Ok(token) => token,
            Err(miss) => return Ok(Err(format!("{endpoint}: {miss}"))),
        };
        let get = |path: &str| {
            let request = ::http::Request::get(url(path))
                .header("x-aws-ec2-metadata-token", token.trim())
                .body(Vec::new());
            match request {
                Ok(request) => ask(&request),
                Err(_) => Ok(Err(Miss::Answer(
                    "its token cannot be sent back".to_owned(),
                ))),
            }
        };
        let role = match get(ROLES)? {
            Ok(names) => names.lines().next().unwrap_or_default().trim().to_owned(),
            Err(Miss::Status(404)) => String::new(),
            Err(miss) => return Ok(Err(format!("{endpoint}: {miss}"))),
        };
        if role.is_empty() {
            return Ok(Err(format!("{endpoint}: the node has no role")));
        }
        let body = match get(&format!("{ROLES}{role}"))? {
            Ok(body) => body,
            Err(miss) => return Ok(Err(format!("{endpoint}: {miss}"))),
        };
        let source = Source::InstanceMetadata { role };
        Ok(identity(&body, source).map_err(|why| format!("{endpoint}: {why}")))
    }

    /// The body of an answer of this machine's neighbourhood, or why there is none.
    fn nearby(
        &self,
        request: &::http::Request<Vec<u8>>,
        limit: Duration,
        tries: u32,
        deadline: Deadline,
    ) -> Result<Result<String, Miss>, Error> {
        let mut asked = 0;
        loop {
            let within = limit.min(deadline.left());
            let answer = self.nearby.exchange(request.clone(), within);
            let answer = self.runtime.block_on(answer);
            asked += 1;
            let miss = match answer.map_err(|source| Error::Runtime { source })? {
                Ok(answer) if answer.status().is_success() => {
                    return Ok(Ok(String::from_utf8_lossy(answer.body()).into_owned()));
                }
                Ok(answer) => Miss::Status(answer.status().as_u16()),
                Err(Stop::Failed(failure)) => Miss::Answer(failure.to_string()),
                Err(Stop::Fatal(source)) => {
                    let source = Box::new(source);
                    return Err(Error::Setup { source });
                }
            };
            let may_pass = match &miss {
                Miss::Status(status) => matches!(status, 408 | 429 | 500..=599),
                // Who does not answer at all is not there, and is not waited for again.
                Miss::Answer(_) => limit == AGENT_TIMEOUT,
            };
            if !may_pass || asked >= tries || deadline.left() <= PAUSE {
                return Ok(Err(miss));
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// Why a neighbour gave nothing.
enum Miss {
    Status(u16),
    Answer(String),
}

impl std::fmt::Display for Miss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the answer was {status}"),
            Self::Answer(why) => f.write_str(why),
        }
    }
}

/// Whether credentials may be asked for there: in the clear only of this machine and its agents.
fn may_be_asked(url: &Url) -> bool {
    let is_agent = |text: &str| text == ECS_AGENT || POD_IDENTITY_AGENTS.contains(&text);
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Ipv4(address))) => {
            address.is_loopback() || is_agent(&address.to_string())
        }
        ("http", Some(Host::Ipv6(address))) => {
            address.is_loopback() || is_agent(&address.to_string())
        }
        ("http", Some(Host::Domain(name))) => name == "localhost",
        _ => false,
    }
}

fn url_of(url: &Url) -> String {
    crate::http::redact(url)
}

/// The document that both kinds of services answer with.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    code: Option<String>,
    message: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    token: Option<String>,
    expiration: Option<String>,
}

fn identity(body: &str, source: Source) -> Result<Identity, String> {
    // The parser's own message may quote the document, and with it a secret.
    let document: Document = serde_json::from_str(body)
        .map_err(|_| "the answer is not the JSON document that it should be".to_owned())?;
    if let Some(code) = document.code.filter(|code| code != "Success") {
        let message = document.message.unwrap_or_default();
        return Err(format!("the answer was `{code}`: {message}"));
    }
    let (Some(access_key_id), Some(secret)) = (document.access_key_id, document.secret_access_key)
    else {
        return Err("the answer has no credentials".to_owned());
    };
    Ok(Identity {
        access_key_id,
        secret_access_key: Secret::new(secret),
        session_token: document.token.map(Secret::new),
        expires: document.expiration.as_deref().and_then(time),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_asked_for_in_the_clear_only_on_this_machine() {
        let check = |url: &str, expected| {
            assert_eq!(may_be_asked(&url.parse().unwrap()), expected, "{url}");
        };
        check("http://127.0.0.1:8080/creds", true);
        check("http://[::1]/creds", true);
        check("http://localhost/creds", true);
        check("http://169.254.170.23/v1/credentials", true);
        check("http://[fd00:ec2::23]/v1/credentials", true);
        check("https://vault.corp/creds", true);
        check("http://vault.corp/creds", false);
        check("http://169.254.169.254/creds", false);
        check("file:///creds", false);
    }

    #[test]
    fn a_document_that_is_not_one_is_not_quoted() {
        let source = || Source::PodIdentity;
        let error = identity("{\"SecretAccessKey\": \"hunter2\", ", source()).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
        let error = identity("{\"AccessKeyId\": 7, \"Token\": \"hunter2\"}", source()).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
        let body = "{\"Code\": \"AssumeRoleUnauthorizedAccess\", \"Message\": \"no\"}";
        let error = identity(body, source()).unwrap_err();
        assert_eq!(error, "the answer was `AssumeRoleUnauthorizedAccess`: no");
    }
}
