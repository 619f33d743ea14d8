//! Many artifacts at once, over as few connections as the servers allow.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{self, Either};
use futures_util::stream::FuturesUnordered;
use tokio::time::sleep;

use super::fetch::Job;
use super::{Client, Download, Error, Fetched, Observer};
use crate::cache::Cache;
use crate::deadline::Deadline;

/// How many transfers share a server that speaks only HTTP/1.1, where each takes a connection.
const HTTP1_JOBS: usize = 16;

/// How long the first of many downloads runs alone. By then its connection is known to speak
/// HTTP/2, and the others share it instead of opening one each.
const HEAD_START: Duration = Duration::from_millis(500);

impl Client {
    /// Fetches many artifacts, `jobs` at a time, and hands each to `on_done` with its index when
    /// it is there or has failed; stops early when `on_done` breaks.
    ///
    /// All of it happens on this thread, `on_done` included, which should hand long work on.
    pub fn fetch_all(
        &self,
        downloads: &[Download<'_>],
        jobs: usize,
        cache: &Cache,
        deadline: Deadline,
        observer: Observer<'_>,
        on_done: &mut dyn FnMut(usize, Result<Fetched, Error>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let fetch_one = |(index, download)| async move {
            let job = Job {
                download,
                cache,
                deadline,
                backoff: self.settings.backoff,
                observer,
            };
            let fetched = match self.find(job) {
                Ok(Ok(found)) => Ok(found),
                Ok(Err(tried)) => self.fetch_remote(job, tried).await,
                Err(error) => Err(error),
            };
            (index, fetched)
        };
        self.block_on(async {
            let mut waiting = downloads.iter().enumerate();
            let mut running = FuturesUnordered::new();
            let mut head_start = std::pin::pin!(sleep(HEAD_START));
            let mut is_first = true;
            loop {
                let limit = match self.met_http1.load(Ordering::Relaxed) {
                    _ if is_first => 1,
                    true => jobs.clamp(1, HTTP1_JOBS),
                    false => jobs.max(1),
                };
                let free = limit.saturating_sub(running.len());
                running.extend(waiting.by_ref().take(free).map(fetch_one));
                let done = if is_first {
                    match future::select(running.next(), head_start.as_mut()).await {
                        Either::Left((done, _)) => done,
                        Either::Right(_) => {
                            is_first = false;
                            continue;
                        }
                    }
                } else {
                    running.next().await
                };
                let Some((index, fetched)) = done else {
                    return;
                };
                // A file that was there says nothing about the server.
                let asked = fetched.as_ref().map_or(1, |fetched| fetched.attempts);
                is_first &= asked == 0;
                if on_done(index, fetched).is_break() {
                    return;
                }
            }
        })
    }
}
