//! `bootstrap policy trust cross-account`: a role that others assume by their own credentials.

use std::process::ExitCode;

use super::{TrustLimit, print};
use crate::arn::{ExternalId, Partition};
use crate::context::Context;
use crate::error::Error;
use crate::policy::agree::{Found, partition};
use crate::policy::principal::Principal;
use crate::policy::trust;

const EXAMPLES: &str = "\
Examples:
  bootstrap policy trust cross-account --principal 111122223333 --external-id ID
  bootstrap policy trust cross-account --principal arn:aws:iam::111122223333:role/delegate
  aws iam create-role --role-name deployer --assume-role-policy-document file://trust.json";

/// Print the trust policy of a role that other accounts, roles or users assume
///
/// For the connector's cross-account access: the role of the target account trusts that of the
/// delegate.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Who may assume the role: an account, or the ARN of a role or a user (can be repeated)
    #[arg(long, value_name = "ACCOUNT|ARN", required = true)]
    principal: Vec<Principal>,
    /// The external ID that they must give
    #[arg(long, value_name = "ID")]
    external_id: Option<ExternalId>,
    /// The partition of the role [default: that of the principals, else aws]
    #[arg(long, value_name = "PARTITION")]
    partition: Option<Partition>,
    #[command(flatten)]
    limit: TrustLimit,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<ExitCode, Error> {
    let flag = args.partition.map(|value| Found::new("--partition", value));
    let of_principals = args.principal.iter().filter_map(|principal| {
        let value = principal.partition()?;
        Some(Found::new(principal.to_arn(value), value))
    });
    let partition = partition(flag.into_iter().chain(of_principals))?;
    let document = trust::cross_account(&args.principal, partition, args.external_id.as_ref());
    print(context, &document, args.limit.limit)
}
