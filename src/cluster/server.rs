//! Asking an API server: which version it is, who one is there, and what one may do.

mod failure;
mod pods;

use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use http::{Method, Request};
use http_body_util::{BodyExt as _, Limited};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, ResourceRule, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
    SelfSubjectRulesReview, SelfSubjectRulesReviewSpec,
};
use k8s_openapi::apimachinery::pkg::version::Info;
use kube::client::Body;
use serde::de::DeserializeOwned;

use super::access::Access;
use super::version::KubernetesVersion;
use crate::backoff::{Backoff, Class, Strategy};
use crate::deadline::Deadline;
use crate::runtime::Runtime;

pub use failure::Failure;

/// How long a connection, with name look-up, proxy and TLS, may take. A private endpoint drops the
/// packets of those who may not reach it: a delegate's start must not wait for that.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// How long a question may take, tries and answer included.
pub const LIMIT: Duration = Duration::from_secs(10);

/// The largest answer that is read, in bytes: the rules of a cluster's administrator are some KiB.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// What meets a passing failure is asked three times, in quick succession: an API server behind a load
/// balancer is back at once or not at all.
const BACKOFF: Backoff = Backoff {
    strategy: Strategy::EqualJitter,
    base: Duration::from_millis(100),
    max: Duration::from_secs(1),
    attempts: NonZeroU32::new(3),
};

/// An API server, and who one is there.
pub struct Server {
    access: Access,
    runtime: Arc<Runtime>,
    client: OnceLock<kube::Client>,
    version: OnceLock<Result<Answer<ServerVersion>, Failure>>,
    limit: Duration,
}

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    /// The answer.
    pub value: T,
    /// The time of day at the server, where it said so.
    pub date: Option<jiff::Timestamp>,
}

/// The version as a server tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerVersion {
    /// The minor release.
    pub version: KubernetesVersion,
    /// The whole name, such as `v1.31.2-eks-7f9249a`.
    pub full: String,
}

/// Who one is at a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The name that roles are bound to.
    pub name: String,
    /// The ARN of the AWS identity, where the server says it.
    pub arn: Option<String>,
}

/// What one may do in a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Everything with everything.
    All,
    /// What this many rules say.
    Rules(usize),
    /// Something, which an authorizer knows that does not list what it allows (EKS access
    /// policies).
    Unlisted,
    /// Nothing but ask such questions.
    None,
}

impl Server {
    /// A server that was not asked yet.
    pub const fn new(access: Access, runtime: Arc<Runtime>) -> Self {
        Self {
            access,
            runtime,
            client: OnceLock::new(),
            version: OnceLock::new(),
            limit: LIMIT,
        }
    }

    /// The same with less patience, for tests.
    #[must_use]
    pub const fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The address.
    pub fn url(&self) -> &str {
        self.access.server.as_str().trim_end_matches('/')
    }

    /// The namespace of the context.
    pub fn namespace(&self) -> &str {
        &self.access.namespace
    }

    /// Asks for the version, once, as whoever the kubeconfig says: EKS tells it to nobody else since
    /// Kubernetes 1.32 (Amazon EKS User Guide, "Kubernetes versions").
    pub fn version(&self, deadline: Deadline) -> Result<Answer<ServerVersion>, Failure> {
        let ask = || self.ask_version(deadline);
        self.version.get_or_init(ask).clone()
    }

    fn ask_version(&self, deadline: Deadline) -> Result<Answer<ServerVersion>, Failure> {
        let answer: Answer<Info> = self.ask("/version", None, deadline)?;
        let info = answer.value;
        let version = KubernetesVersion::of_server(&info.major, &info.minor, &info.git_version);
        Ok(Answer {
            value: ServerVersion {
                version: version.map_err(|error| Failure::NotAnApi {
                    detail: error.to_string(),
                })?,
                full: printable(&info.git_version),
            },
            date: answer.date,
        })
    }

    /// Asks who one is; none where the server does not say (before Kubernetes 1.28).
    pub fn who(&self, deadline: Deadline) -> Result<Option<Who>, Failure> {
        let question = serde_json::to_vec(&SelfSubjectReview::default());
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let answer = self.ask::<SelfSubjectReview>(path, question.ok(), deadline);
        match answer {
            Ok(answer) => {
                let user = answer.value.status.and_then(|status| status.user_info);
                Ok(user.and_then(|user| {
                    let extra = user.extra.unwrap_or_default();
                    // What the authenticator of EKS adds: the ARN of a role, and that of its session.
                    let mut keys = ["canonicalArn", "arn"].into_iter();
                    let arn = keys.find_map(|key| extra.get(key)?.first());
                    Some(Who {
                        name: printable(&user.username?),
                        arn: arn.map(String::as_str).map(printable),
                    })
                }))
            }
            Err(Failure::Status { code: 404, .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Asks what one may do in the namespace of the context.
    pub fn rights(&self, deadline: Deadline) -> Result<Rights, Failure> {
        let question = SelfSubjectRulesReview {
            spec: SelfSubjectRulesReviewSpec {
                namespace: Some(self.access.namespace.clone()),
            },
            ..SelfSubjectRulesReview::default()
        };
        let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
        let question = serde_json::to_vec(&question).ok();
        let answer: Answer<SelfSubjectRulesReview> = self.ask(path, question, deadline)?;
        let rules = answer.value.status.unwrap_or_default();
        let (rules, incomplete) = (rules.resource_rules, rules.incomplete);
        if rules.iter().any(is_everything) {
            return Ok(Rights::All);
        }
        let some = rules.iter().filter(|rule| !is_a_question(rule)).count();
        if some > 0 {
            return Ok(Rights::Rules(some));
        }
        if incomplete && self.may_list_pods(deadline)? {
            return Ok(Rights::Unlisted);
        }
        Ok(Rights::None)
    }

    fn may_list_pods(&self, deadline: Deadline) -> Result<bool, Failure> {
        let question = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    namespace: Some(self.access.namespace.clone()),
                    verb: Some("list".to_owned()),
                    resource: Some("pods".to_owned()),
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let question = serde_json::to_vec(&question).ok();
        let answer: Answer<SelfSubjectAccessReview> = self.ask(path, question, deadline)?;
        Ok(answer.value.status.is_some_and(|status| status.allowed))
    }

    fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        question: Option<Vec<u8>>,
        deadline: Deadline,
    ) -> Result<Answer<T>, Failure> {
        let limit = self.limit.min(deadline.left());
        let asked = async {
            let limited = tokio::time::timeout(limit, self.ask_until_answered(path, question));
            let too_late = |_| Failure::NoAnswer { after: limit };
            limited.await.map_err(too_late)?
        };
        let failed = |error: crate::runtime::RuntimeError| Failure::Client {
            detail: error.to_string(),
        };
        self.runtime.block_on(asked).map_err(failed)?
    }

    async fn ask_until_answered<T: DeserializeOwned>(
        &self,
        path: &str,
        question: Option<Vec<u8>>,
    ) -> Result<Answer<T>, Failure> {
        let mut attempt = 0;
        loop {
            match self.ask_once(path, question.clone()).await {
                Err(failure) if failure.is_passing() && BACKOFF.allows_more_than(attempt + 1) => {
                    let delay = BACKOFF.random_delay(attempt, Class::Passing);
                    tokio::time::sleep(delay).await;
                    attempt += 1;
                }
                done => return done,
            }
        }
    }

    async fn ask_once<T: DeserializeOwned>(
        &self,
        path: &str,
        question: Option<Vec<u8>>,
    ) -> Result<Answer<T>, Failure> {
        let started = Instant::now();
        let is_read = question.is_none();
        let method = if is_read { Method::GET } else { Method::POST };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("Accept", "application/json")
            .header("Content-Type", "application/json")
            .body(Body::from(question.unwrap_or_default()));
        let failed = |error: &dyn std::error::Error| Failure::Client {
            detail: error.to_string(),
        };
        let request = request.map_err(|error| failed(&error))?;
        let client = self.client().map_err(|error| failed(&error))?;
        let response = client.send(request).await;
        let response = response.map_err(|error| Failure::of(&error, started.elapsed()))?;
        let status = response.status();
        let date = response.headers().get("date");
        let date = date.and_then(|date| {
            let parsed = jiff::fmt::rfc2822::parse(date.to_str().ok()?);
            parsed.ok().map(|zoned| zoned.timestamp())
        });
        let body = Limited::new(response.into_body(), LARGEST_ANSWER);
        let body = body.collect().await.map_err(|error| Failure::NotAnApi {
            detail: error.to_string(),
        })?;
        let body = body.to_bytes();
        if !status.is_success() {
            return Err(Failure::of_status(status.as_u16(), &body));
        }
        let value = serde_json::from_slice(&body).map_err(|_| Failure::NotAnApi {
            detail: "it is not the JSON of an API server".to_owned(),
        })?;
        Ok(Answer { value, date })
    }

    /// The client, which wants a runtime around it when it is made.
    fn client(&self) -> Result<&kube::Client, kube::Error> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let mut config = self.access.config.clone();
        config.connect_timeout = Some(CONNECT_LIMIT.min(self.limit));
        let client = kube::Client::try_from(config)?;
        Ok(self.client.get_or_init(|| client))
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}

fn has_star(words: &[String]) -> bool {
    words.iter().any(|word| word == "*")
}

fn is_everything(rule: &ResourceRule) -> bool {
    has_star(&rule.verbs)
        && has_star(rule.api_groups.as_deref().unwrap_or_default())
        && has_star(rule.resources.as_deref().unwrap_or_default())
}

/// Whether a rule allows no more than what everybody may: asking about oneself (the cluster role
/// `system:basic-user`).
fn is_a_question(rule: &ResourceRule) -> bool {
    let resources = rule.resources.as_deref().unwrap_or_default();
    let is_review =
        |resource: &String| resource.starts_with("selfsubject") && resource.ends_with("reviews");
    resources.iter().all(is_review)
}

/// What a server says, fit for a terminal.
pub fn printable(text: &str) -> String {
    const LONGEST: usize = 300;
    let visible = text.chars().filter(|char| !char.is_control());
    visible.take(LONGEST).collect()
}
