//! What a deployment with the Serverless Framework takes: the framework itself, the Node.js that runs
//! it, npm for its plugins, the AWS CLI, and the role of the other account.

mod judge;
mod launcher;
mod programs;
mod range;

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::time::{Duration, Instant};

use self::programs::{Place, Told};
use super::role;
use super::{Check, Finding, in_one_line};
use crate::arn::{ExternalId, Region, RoleArn, SessionName};
use crate::aws::{self, Aws};
use crate::deadline::Deadline;
use crate::tools::prefix::Prefix;

/// How long AWS may take to let a role be assumed, tries and the search for credentials included.
const CALL_LIMIT: Duration = Duration::from_secs(8);

/// A role that a deployment assumes, as the connector's "Enable cross-account access" has it.
#[derive(Clone, Debug)]
pub struct Crossing {
    /// The cluster that it enters, by the name of its context; none for a role of its own.
    pub subject: Option<String>,
    /// The role.
    pub role: RoleArn,
    /// What it asks for.
    pub external_id: Option<ExternalId>,
    /// Where STS is asked; none for the region of the environment, else the home of the partition.
    pub region: Option<Region>,
}

/// What is looked at, and with what.
pub struct Setup<'a> {
    /// Where tools are installed.
    pub prefix: &'a Prefix,
    /// The variables of this process.
    pub variables: &'a BTreeMap<String, String>,
    /// The roles that are assumed; none where cross-account access is off.
    pub crossings: &'a [Crossing],
    /// AWS.
    pub aws: &'a Aws,
    /// The name of the sessions of assumed roles.
    pub session: &'a SessionName,
    /// Whether nothing is asked of the network.
    pub offline: bool,
    /// When all must have ended.
    pub deadline: Deadline,
}

/// Looks at all of it, side by side; a finding for each, in the order of [`Check::SERVERLESS`].
pub fn look(setup: &Setup<'_>) -> Vec<Finding> {
    let place = Place {
        prefix: setup.prefix,
        variables: setup.variables,
        deadline: setup.deadline,
    };
    std::thread::scope(|scope| {
        let serverless = scope.spawn(|| ask_serverless(place));
        let [node, npm, aws] =
            ["node", "npm", "aws"].map(|name| scope.spawn(move || place.ask(name)));
        let mut findings = crossings(setup);
        let serverless = serverless
            .join()
            .unwrap_or_else(|panic| resume_unwind(panic));
        let [node, npm, aws] =
            [node, npm, aws].map(|told| told.join().unwrap_or_else(|panic| resume_unwind(panic)));
        let (finding, found) = judge::serverless(&serverless);
        let version = found.as_ref().map(|found| &found.version);
        let package = match &serverless {
            Told::Said(program, _) => place.package_of(program, version),
            _ => None,
        };
        let range = package.as_ref().and_then(programs::Package::node);
        findings.extend([
            finding,
            judge::node(&node, found.as_ref(), range),
            judge::npm(&npm),
            judge::aws(&aws),
        ]);
        findings
    })
}

/// What is known to be of 4.x is not run: it would download what nobody pinned. What no package tells
/// of, such as a standalone binary, is run without a home to put anything into.
fn ask_serverless(place: Place<'_>) -> Told {
    let Some(program) = place.find("serverless") else {
        return Told::Missing;
    };
    match place.package_of(&program, None) {
        Some(package) if judge::asks_for_a_licence(&package.version) => {
            Told::Unasked(program, package)
        }
        _ => place.run(program),
    }
}

fn crossings(setup: &Setup<'_>) -> Vec<Finding> {
    if setup.crossings.is_empty() {
        let reason = "no role is given: cross-account access is off";
        return vec![Finding::skip(Check::Role, reason)];
    }
    let crossings = setup.crossings.iter();
    let findings = crossings.map(|crossing| {
        let finding = cross(setup, crossing);
        match &crossing.subject {
            Some(subject) => finding.of(subject),
            None => finding,
        }
    });
    findings.collect()
}

fn cross(setup: &Setup<'_>, crossing: &Crossing) -> Finding {
    if setup.offline {
        return Finding::skip(Check::Role, "AWS is not asked when offline");
    }
    let role = &crossing.role;
    let named = || Some(setup.aws.region().ok().flatten()?.0);
    let region = crossing.region.clone().or_else(named);
    let region = region.unwrap_or_else(|| Region::from(role.partition));
    if region.partition() != role.partition {
        return role::judge_partition(role, &region);
    }
    let limit = CALL_LIMIT.min(setup.deadline.left());
    let deadline = Deadline::after(Instant::now(), limit);
    let assume = |base: &aws::Identity| {
        let id = crossing.external_id.as_ref();
        let aws = setup.aws;
        aws.assume_role(base, role, id, setup.session, &region, deadline)
    };
    match setup.aws.identity(deadline) {
        Ok(base) => {
            let assumed = assume(&base).map(drop);
            role::judge(
                role,
                crossing.external_id.is_some(),
                assumed.as_ref().copied(),
            )
        }
        Err(error) => {
            let finding = Finding::fail(Check::Role, in_one_line(&error))
                .because("without credentials no role can be assumed");
            super::credentials::with_hint(finding, &error)
        }
    }
}
