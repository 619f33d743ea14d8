//! The one call of EC2, signed by hand: its crate is larger than all else together.

use std::time::SystemTime;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_xml::decode::{Document, XmlDecodeError, try_data};

use super::attempt::Miss;
use super::connector::Connector;
use super::environment::Service;
use super::identity::Identity;
use super::sts::credentials;
use super::{Aws, Error};
use crate::arn::Region;
use crate::deadline::Deadline;

const ACTION: &str = "ec2:DescribeRegions";

impl Aws {
    /// The regions that the account of the caller may use.
    pub fn describe_regions(
        &self,
        identity: &Identity,
        region: &Region,
        deadline: Deadline,
    ) -> Result<Vec<Region>, Error> {
        let mut url = match self.environment.endpoint(Service::Ec2)? {
            Some(endpoint) => endpoint.to_string(),
            None => format!("https://{}/", self.host("ec2", region)?),
        };
        url.push_str("?Action=DescribeRegions&Version=2016-11-15");
        let connector = self.connector(ACTION, deadline)?;
        let body = self.asking(ACTION, deadline, &connector).ask(|| {
            let request = signed(&url, identity, region);
            send(&connector, request)
        })?;
        let names = texts(&body, "regionName").map_err(|error| Error::Malformed {
            action: ACTION,
            reason: error.to_string(),
        })?;
        // A region of a kind that is not known yet is nothing that this program could use.
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }
}

/// The request with its signature in headers.
fn signed(
    url: &str,
    identity: &Identity,
    region: &Region,
) -> Result<::http::Request<Vec<u8>>, Miss> {
    let unmade = |error: &dyn std::error::Error| Miss::Unmade(error.to_string());
    let credentials = credentials(identity).into();
    let params = v4::SigningParams::builder()
        .identity(&credentials)
        .region(region.as_str())
        .name("ec2")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| unmade(&error))?
        .into();
    let signable = SignableRequest::new("GET", url, std::iter::empty(), SignableBody::empty())
        .map_err(|error| unmade(&error))?;
    let (instructions, _) = sign(signable, &params)
        .map_err(|error| unmade(&error))?
        .into_parts();
    let mut request = ::http::Request::get(url)
        .body(Vec::new())
        .map_err(|error| unmade(&error))?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(request)
}

async fn send(
    connector: &Connector,
    request: Result<::http::Request<Vec<u8>>, Miss>,
) -> Result<String, Miss> {
    let answer = connector.send(request?).await?;
    let status = answer.status();
    let body = String::from_utf8_lossy(answer.body()).into_owned();
    if status.is_success() {
        return Ok(body);
    }
    // <Response><Errors><Error><Code/><Message/></Error></Errors><RequestID/></Response>
    let first = |tag: &str| {
        let found = texts(&body, tag).unwrap_or_default();
        found.into_iter().next().filter(|text| !text.is_empty())
    };
    Err(Miss::Refused {
        status: status.as_u16(),
        code: first("Code").unwrap_or_default(),
        message: first("Message").unwrap_or_default(),
        request_id: first("RequestID").map(String::into_boxed_str),
    })
}

/// The texts of all elements of this name, wherever they are.
fn texts(xml: &str, name: &str) -> Result<Vec<String>, XmlDecodeError> {
    let mut document = Document::new(xml);
    let mut found = Vec::new();
    while let Some(start) = document.next_start_element() {
        if start.local() == name {
            let mut element = document.scoped_to(start);
            found.push(try_data(&mut element)?.into_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_an_element_are_found_at_any_depth() {
        let xml = "<?xml version=\"1.0\"?><R xmlns=\"u\"><i><item><regionName>eu-west-1</regionName>\
                   <e>x</e></item><item><regionName>us-east-1</regionName></item></i></R>";
        assert_eq!(
            texts(xml, "regionName").unwrap(),
            ["eu-west-1", "us-east-1"]
        );
        assert_eq!(texts(xml, "Code").unwrap(), Vec::<String>::new());
    }
}
