//! One request and its answer, for the AWS calls: the connections, proxies and certificates of the
//! downloads, and nothing else of theirs.

use std::time::Duration;

use ::http::{Request, Response};
use tokio::time::timeout;
use url::Url;

use super::failure::{Failure, detail_of};
use super::request::Stop;
use super::{Client, Error};

/// The largest answer: a page of a listing of AWS has some hundred KiB.
const LARGEST_ANSWER: u64 = 4 * 1024 * 1024;

impl Client {
    /// Sends `request` as it is and returns the whole answer, whatever its status: no redirect is
    /// followed, nothing is sent twice, and no credentials are added. It takes at most `within`.
    pub async fn exchange(
        &self,
        request: Request<Vec<u8>>,
        within: Duration,
    ) -> Result<Response<Vec<u8>>, Stop> {
        match timeout(within, self.exchange_unhurried(request)).await {
            Ok(done) => done,
            Err(_) => Err(Stop::Failed(Failure::Stalled { after: within })),
        }
    }

    async fn exchange_unhurried(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, Stop> {
        let setup = |detail: String| Stop::Fatal(Error::Setup { detail });
        let url: Url = request
            .uri()
            .to_string()
            .parse()
            .map_err(|_| setup("the address of a request is no URL".to_owned()))?;
        let pool = self.pool(&url, &|_| ()).map_err(Stop::Fatal)?;
        let request =
            reqwest::Request::try_from(request).map_err(|error| setup(detail_of(&error)))?;
        let mut answer = pool.execute(request).await.map_err(|error| {
            let host = url.host_str().unwrap_or_default();
            Failure::of_request(&error, host, self.proxy_name(&url))
        })?;
        let mut head = Response::builder().status(answer.status());
        if let Some(headers) = head.headers_mut() {
            headers.extend(answer.headers().clone());
        }
        let mut body = Vec::new();
        loop {
            let chunk = answer.chunk().await.map_err(|error| Failure::Truncated {
                received: body.len() as u64,
                expected: None,
                detail: detail_of(&error),
            })?;
            let Some(chunk) = chunk else { break };
            body.extend_from_slice(&chunk);
            if body.len() as u64 > LARGEST_ANSWER {
                let limit = LARGEST_ANSWER;
                return Err(Stop::Failed(Failure::TooLarge { limit }));
            }
        }
        head.body(body).map_err(|error| setup(error.to_string()))
    }
}
