//! `bootstrap policy permissions`: what a role may do.

use std::process::ExitCode;

use super::{ScopeFlags, print, set};
use crate::context::Context;
use crate::error::Error;
use crate::policy::Set;
use crate::policy::permissions;

const EXAMPLES: &str = "\
Examples:
  bootstrap policy permissions s3-read ecr-pull >policy.json
  bootstrap policy permissions s3-read-write --bucket artifacts --partition aws-us-gov
  bootstrap policy permissions ecr-push --repository 'team/*'
  aws iam create-policy --policy-name harness --policy-document file://policy.json";

/// Print a policy that grants what connectors take, set by set
///
/// The sets are those of the settings reference of the Harness AWS connector; ec2:DescribeRegions,
/// which every connector asks for, is always in. What one set has of another stands there once.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The sets, separated by blanks or commas
    #[arg(value_name = "SET", required = true, value_delimiter = ',', value_parser = set())]
    sets: Vec<Set>,
    /// The characters that it may have, blanks not counted
    ///
    /// The default is that of a managed policy; the inline policies of a role may have 10240 together.
    #[arg(long, value_name = "CHARACTERS", default_value_t = 6144)]
    limit: usize,
    #[command(flatten)]
    scope: ScopeFlags,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<ExitCode, Error> {
    let document = permissions::document(&args.sets, &args.scope.scope()?)?;
    print(context, &document, args.limit)
}
