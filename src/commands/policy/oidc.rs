//! `bootstrap policy trust oidc`: a role that Harness' own server assumes by its identity tokens.

use std::process::ExitCode;

use super::{TrustLimit, note, print};
use crate::arn::{AccountId, Partition};
use crate::context::Context;
use crate::error::Error;
use crate::options::GlobalFlags;
use crate::policy::issuer::Issuer;
use crate::policy::subject::{HarnessAccount, HarnessId, Subject};
use crate::policy::trust::{Audience, WebIdentity};

const EXAMPLES: &str = "\
Examples:
  bootstrap policy trust oidc --account ID --harness-account ID --org ORG --project PROJECT
  bootstrap policy trust oidc --account ID --harness-account ID --org ORG --project '*'
  aws iam create-open-id-connect-provider --client-id-list sts.amazonaws.com \\
    --url https://app.harness.io/ng/api/oidc/account/ID";

/// Print the trust policy of a role that a Harness OIDC connector assumes
///
/// Without --org it is for connectors of the account itself, with it for those of the organization,
/// and with --project for those of the project. Harness tells these apart in its tokens with the
/// feature flag PL_OIDC_ENHANCED_SUBJECT_FIELD; without it, take --any-subject.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The AWS account of the role and of the OIDC provider
    #[arg(long, value_name = "ID")]
    account: AccountId,
    /// The ID of the Harness account
    #[arg(long, value_name = "ID")]
    harness_account: HarnessAccount,
    /// The ID of the organization, or a pattern with `*` and `?`
    #[arg(long, value_name = "ID")]
    org: Option<HarnessId>,
    /// The ID of the project, or a pattern with `*` and `?`
    #[arg(long, value_name = "ID", requires = "org")]
    project: Option<HarnessId>,
    /// Trust every connector of the Harness account
    #[arg(long, conflicts_with = "org")]
    any_subject: bool,
    /// The address of Harness
    #[arg(long, value_name = "URL", default_value = "https://app.harness.io")]
    harness_url: Issuer,
    /// The audience of the tokens [default: sts.amazonaws.com]
    #[arg(long, value_name = "AUDIENCE")]
    audience: Option<Audience>,
    /// The partition of the role
    #[arg(long, value_name = "PARTITION", default_value_t = Partition::Aws)]
    partition: Partition,
    #[command(flatten)]
    limit: TrustLimit,
}

pub(super) fn run(context: &Context, global: &GlobalFlags, args: &Args) -> Result<ExitCode, Error> {
    let account = &args.harness_account;
    let path = format!("ng/api/oidc/account/{}", account.as_str());
    let subject = Subject::of_harness(account, args.org.as_ref(), args.project.as_ref());
    let subjects = if args.any_subject {
        Vec::new()
    } else {
        vec![subject]
    };
    let document = WebIdentity {
        partition: args.partition,
        account: &args.account,
        issuer: &args.harness_url.below(&path),
        audience: &args.audience.clone().unwrap_or_default(),
        subjects: &subjects,
    }
    .document();
    let code = print(context, &document, args.limit.limit)?;
    if args.any_subject {
        let words =
            "no subject is asked for: every connector of the Harness account can assume the role";
        note(context, global, words.to_owned());
    }
    for subject in subjects.iter().filter(|subject| subject.is_pattern()) {
        note(
            context,
            global,
            format!(
                "`{subject}` has a wildcard and is compared by StringLike: connectors of every scope that \
                 matches can assume the role"
            ),
        );
    }
    Ok(code)
}
