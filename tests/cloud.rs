//! As much of AWS as a preflight asks: STS, EKS and EC2 on one address, with a role that insists on
//! its external ID and one that does not.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::server::{Reply, Request, Server};

pub(crate) const ACCOUNT: &str = "111122223333";
/// Who the access key of the tests belongs to.
pub(crate) const USER: &str = "arn:aws:iam::111122223333:user/delegate";
/// A role that refuses who does not give this.
pub(crate) const STRICT: &str = "arn:aws:iam::111122223333:role/ci/strict";
pub(crate) const EXTERNAL_ID: &str = "external-id-5d2c";
/// A role that lets everybody in.
pub(crate) const LAX: &str = "arn:aws:iam::111122223333:role/lax";

/// What is there.
#[derive(Clone, Debug)]
pub(crate) struct Cloud {
    /// The cluster `payments`.
    pub(crate) status: &'static str,
    pub(crate) version: &'static str,
    pub(crate) mode: Option<&'static str>,
    /// The address of its API server.
    pub(crate) endpoint: String,
    /// The authority of that, PEM in base64.
    pub(crate) authority: String,
    /// Actions that are refused.
    pub(crate) denied: Vec<&'static str>,
    /// The namespace that a Fargate profile selects.
    pub(crate) fargate: Option<&'static str>,
    /// The labels that it selects.
    pub(crate) fargate_labels: Vec<(&'static str, &'static str)>,
    /// The account that roles are in, where that is another: its cluster of that name has no profile.
    pub(crate) roles_see: Option<&'static str>,
    /// How far its clock is from ours, in seconds.
    pub(crate) clock: i64,
}

impl Default for Cloud {
    fn default() -> Self {
        Self {
            status: "ACTIVE",
            version: "1.31",
            mode: Some("API_AND_CONFIG_MAP"),
            endpoint: "https://localhost:1".to_owned(),
            authority: BASE64_STANDARD.encode(crate::options::authority().0),
            denied: Vec::new(),
            fargate: None,
            fargate_labels: Vec::new(),
            roles_see: None,
            clock: 0,
        }
    }
}

/// AWS; dropped, it is gone.
pub(crate) struct Running {
    pub(crate) server: Server,
    /// What was asked, each with the ID of the access key.
    actions: Arc<Mutex<Vec<String>>>,
}

impl Running {
    /// What was asked so far.
    pub(crate) fn actions(&self) -> Vec<String> {
        self.actions.lock().unwrap().clone()
    }
}

impl Cloud {
    pub(crate) fn start(self) -> Running {
        let actions = Arc::new(Mutex::new(Vec::new()));
        let asked = Arc::clone(&actions);
        let server = Server::start(move |request| {
            let now = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(self.clock);
            let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            self.answer(request, &asked).header("Date", date)
        });
        Running { server, actions }
    }

    fn answer(&self, request: &Request, asked: &Mutex<Vec<String>>) -> Reply {
        // STS is asked with a form, EC2 with a query.
        let query = request
            .target
            .split_once('?')
            .map_or("", |(_, query)| query);
        let form: Vec<(String, String)> = url::form_urlencoded::parse(request.body.as_bytes())
            .chain(url::form_urlencoded::parse(query.as_bytes()))
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let value = |name: &str| {
            let found = form.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.as_str())
        };
        let action = match value("Action") {
            Some(action) => action.to_owned(),
            None if request.target.contains("/fargate-profiles/") => {
                "DescribeFargateProfile".to_owned()
            }
            None if request.target.contains("/fargate-profiles") => {
                "ListFargateProfiles".to_owned()
            }
            None => "DescribeCluster".to_owned(),
        };
        let key = request.header("authorization").unwrap_or_default();
        let key = key.split("Credential=").nth(1).unwrap_or_default();
        let key = key.split('/').next().unwrap_or_default();
        asked.lock().unwrap().push(format!("{action} {key}"));
        if self.denied.contains(&action.as_str()) {
            let message = "not authorized to perform this action";
            return match action.as_str() {
                "DescribeRegions" => ec2_error("UnauthorizedOperation", message),
                "DescribeCluster" | "ListFargateProfiles" => {
                    eks_error(403, "AccessDeniedException", message)
                }
                _ => sts_error("AccessDenied", message),
            };
        }
        match action.as_str() {
            "GetCallerIdentity" => caller(key),
            "AssumeRoleWithWebIdentity" => web_identity(),
            "AssumeRole" => assume(value("RoleArn").unwrap(), value("ExternalId")),
            "DescribeRegions" => regions(),
            "DescribeCluster" => {
                let account = self.roles_see.filter(|_| key.starts_with("ASIA"));
                self.describe(&request.target, account.unwrap_or(ACCOUNT))
            }
            "ListFargateProfiles" => {
                let is_other = self.roles_see.is_some() && key.starts_with("ASIA");
                let here = self.fargate.iter().filter(|_| !is_other);
                let names: Vec<_> = here.map(|_| "serverless").collect();
                Reply::ok(json!({ "fargateProfileNames": names }).to_string())
            }
            "DescribeFargateProfile" => {
                let labels: std::collections::BTreeMap<_, _> =
                    self.fargate_labels.iter().copied().collect();
                Reply::ok(
                    json!({"fargateProfile": {"fargateProfileName": "serverless", "status": "ACTIVE",
                        "selectors": [{"namespace": self.fargate, "labels": labels}]}})
                    .to_string(),
                )
            }
            _ => Reply::status(400),
        }
    }

    fn describe(&self, target: &str, account: &str) -> Reply {
        if target != "/clusters/payments" {
            return eks_error(404, "ResourceNotFoundException", "No cluster found");
        }
        let access = self.mode.map(|mode| json!({"authenticationMode": mode}));
        let mut cluster: Value = json!({
            "name": "payments", "arn": format!("arn:aws:eks:us-east-1:{account}:cluster/payments"),
            "version": self.version, "status": self.status, "endpoint": self.endpoint,
            "certificateAuthority": {"data": self.authority},
            "identity": {"oidc": {"issuer": "https://oidc.eks.us-east-1.amazonaws.com/id/ABC"}},
        });
        if let Some(access) = access {
            cluster["accessConfig"] = access;
        }
        Reply::ok(json!({ "cluster": cluster }).to_string())
            .header("Content-Type", "application/json")
    }
}

fn xml(text: String) -> Reply {
    Reply::ok(text).header("Content-Type", "text/xml")
}

fn caller(key: &str) -> Reply {
    let arn = if key.starts_with("ASIA") {
        format!("arn:aws:sts::{ACCOUNT}:assumed-role/strict/bootstrap-verify")
    } else {
        USER.to_owned()
    };
    xml(format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>{arn}</Arn><UserId>AIDAEXAMPLE</UserId><Account>{ACCOUNT}</Account></GetCallerIdentityResult>\
         <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    ))
}

fn assume(role: &str, external_id: Option<&str>) -> Reply {
    let is_allowed = role == LAX || role == STRICT && external_id == Some(EXTERNAL_ID);
    if !is_allowed {
        return sts_error(
            "AccessDenied",
            &format!(
                "User: {USER} is not authorized to perform: sts:AssumeRole on resource: {role}"
            ),
        );
    }
    let ends = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    xml(format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser>\
         <AssumedRoleId>AROA:x</AssumedRoleId><Arn>arn:aws:sts::{ACCOUNT}:assumed-role/strict/x</Arn></AssumedRoleUser>\
         <Credentials><AccessKeyId>ASIAASSUMED</AccessKeyId><SecretAccessKey>assumed-secret</SecretAccessKey>\
         <SessionToken>assumed-session</SessionToken><Expiration>{ends:.0}</Expiration></Credentials></AssumeRoleResult>\
         <ResponseMetadata><RequestId>r-2</RequestId></ResponseMetadata></AssumeRoleResponse>"
    ))
}

fn web_identity() -> Reply {
    let ends = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    xml(format!(
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAWEB</AccessKeyId>\
         <SecretAccessKey>web-secret</SecretAccessKey><SessionToken>web-session</SessionToken>\
         <Expiration>{ends:.0}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
         <ResponseMetadata><RequestId>r-6</RequestId></ResponseMetadata></AssumeRoleWithWebIdentityResponse>"
    ))
}

fn regions() -> Reply {
    let item = |name: &str| format!("<item><regionName>{name}</regionName></item>");
    xml(format!(
        "<DescribeRegionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r-3</requestId>\
         <regionInfo>{}{}</regionInfo></DescribeRegionsResponse>",
        item("us-east-1"),
        item("eu-west-1")
    ))
}

fn sts_error(code: &str, message: &str) -> Reply {
    xml(format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>r-4</RequestId></ErrorResponse>"
    ))
    .with_status(403)
}

fn ec2_error(code: &str, message: &str) -> Reply {
    xml(format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
         <RequestID>r-5</RequestID></Response>"
    ))
    .with_status(403)
}

fn eks_error(status: u16, code: &str, message: &str) -> Reply {
    Reply::ok(json!({ "message": message }).to_string())
        .header("Content-Type", "application/json")
        .header("x-amzn-ErrorType", code)
        .with_status(status)
}
