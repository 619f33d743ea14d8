//! Web pages in the place of files: logins, error pages, the web interface of a mirror.

use reqwest::{Response, header};

use super::failure::{Failure, Status};
use super::headers;
use super::redact::quote;

/// What an answer says about itself, in case it turns out to be a web page.
pub(super) struct Page {
    status: Status,
    content_type: String,
    /// Whether it says so itself.
    pub(super) is_stated: bool,
}

impl Page {
    pub(super) fn of(answer: &Response) -> Self {
        let content_type = headers::text(answer.headers(), header::CONTENT_TYPE);
        let content_type = content_type.unwrap_or("no content type");
        Self {
            status: Status(answer.status().as_u16()),
            content_type: quote(content_type),
            is_stated: headers::is_page(content_type),
        }
    }

    /// The failure, when the answer calls itself a web page or its body begins like one.
    pub(super) fn seen_in(&self, head: &[u8]) -> Option<Failure> {
        let text = String::from_utf8_lossy(head);
        let start = text.trim_start_matches('\u{feff}').trim_start();
        let begins = |prefix: &str| {
            let start = start.get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let is_page = self.is_stated || begins("<!doctype html") || begins("<html");
        is_page.then(|| Failure::Page {
            status: self.status,
            content_type: self.content_type.clone(),
            line: quote(start),
        })
    }
}
