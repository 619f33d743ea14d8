//! The connections of `http`, as the AWS SDK takes them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

use crate::deadline::Deadline;
use crate::http::Client;

/// How long one try may take: the answers are small, and a lost packet at the wrong moment should
/// leave time for another try.
const TRY_TIMEOUT: Duration = Duration::from_secs(15);

/// Carries the requests of one call.
#[derive(Clone)]
pub(super) struct Connector {
    client: Arc<Client>,
    deadline: Deadline,
    seen: Arc<Mutex<Seen>>,
}

/// What the last request met, beside its answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// The host that was asked.
    pub(super) host: String,
    /// The `Date` of its answer.
    pub(super) date: Option<String>,
    /// The `Retry-After` of its answer, in seconds or as a date.
    pub(super) retry_after: Option<String>,
}

impl Connector {
    pub(super) fn new(client: Arc<Client>, deadline: Deadline) -> Self {
        Self {
            client,
            deadline,
            seen: Arc::default(),
        }
    }

    pub(super) fn seen(&self) -> Seen {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }

    /// Sends one request within the time that is left.
    pub(super) async fn send(
        &self,
        request: ::http::Request<Vec<u8>>,
    ) -> Result<::http::Response<Vec<u8>>, crate::http::Stop> {
        let within = TRY_TIMEOUT.min(self.deadline.left());
        self.note(Seen {
            host: request.uri().host().unwrap_or_default().to_owned(),
            ..Seen::default()
        });
        let answer = self.client.exchange(request, within).await?;
        let header = |name: &str| {
            let value = answer.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let seen = Seen {
            date: header("date"),
            retry_after: header("retry-after"),
            ..self.seen()
        };
        self.note(seen);
        Ok(answer)
    }

    fn note(&self, seen: Seen) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }

    async fn carry(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let mistake = |error| ConnectorError::user(Box::new(error));
        let request = request.try_into_http1x().map_err(mistake)?;
        let (head, body) = request.into_parts();
        let body = body.bytes().unwrap_or_default().to_vec();
        let request = ::http::Request::from_parts(head, body);
        let answer = self.send(request).await;
        let answer = answer.map_err(|stop| ConnectorError::other(Box::new(stop), None))?;
        HttpResponse::try_from(answer.map(SdkBody::from)).map_err(mistake)
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().carry(request))
    }
}

impl HttpClient for Connector {
    /// Our own limits hold, and not those of the SDK.
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}
