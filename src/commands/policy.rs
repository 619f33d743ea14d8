//! `bootstrap policy`: the IAM documents around a delegate, printed and checked.

mod check;
mod cross_account;
mod irsa;
mod oidc;
mod permissions;

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::Subcommand;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue};

use crate::arn::Partition;
use crate::context::Context;
use crate::error::{Error, render};
use crate::options::GlobalFlags;
use crate::policy::scope::{BucketName, Repository, Scope};
use crate::policy::{self, Document, Set};

/// Print and check the IAM documents that a delegate's access to AWS takes
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Trust(TrustArgs),
    Permissions(permissions::Args),
    Check(check::Args),
}

/// Print the trust policy of a role: who may assume it
#[derive(Debug, clap::Args)]
struct TrustArgs {
    #[command(subcommand)]
    kind: Trust,
}

#[derive(Debug, Subcommand)]
enum Trust {
    Irsa(Box<irsa::Args>),
    CrossAccount(cross_account::Args),
    Oidc(oidc::Args),
}

/// Prints a document, or checks one.
pub fn run(context: &Context, global: &GlobalFlags, args: &Args) -> Result<ExitCode, Error> {
    match &args.verb {
        Verb::Trust(trust) => match &trust.kind {
            Trust::Irsa(args) => irsa::run(context, global, args),
            Trust::CrossAccount(args) => cross_account::run(context, args),
            Trust::Oidc(args) => oidc::run(context, global, args),
        },
        Verb::Permissions(args) => permissions::run(context, args),
        Verb::Check(args) => check::run(context, global, args),
    }
}

/// How long a trust policy may be.
#[derive(Debug, clap::Args)]
struct TrustLimit {
    /// The characters that it may have, blanks not counted, where IAM takes more of your account
    #[arg(long, value_name = "CHARACTERS", default_value_t = 2048)]
    limit: usize,
}

/// What permissions are narrowed to.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Resources")]
struct ScopeFlags {
    /// Narrow the s3 sets to this bucket (can be repeated)
    #[arg(long, value_name = "NAME")]
    bucket: Vec<BucketName>,
    /// Narrow the ecr sets to this repository (can be repeated)
    ///
    /// NAME or NAME/* in any region and account, or its ARN.
    #[arg(long, value_name = "NAME|ARN")]
    repository: Vec<Repository>,
    /// The partition: aws, aws-cn, aws-us-gov, … [default: that of the repositories, else aws]
    #[arg(long, value_name = "PARTITION")]
    partition: Option<Partition>,
}

impl ScopeFlags {
    fn scope(&self) -> Result<Scope, policy::Error> {
        Scope::new(self.partition, self.bucket.clone(), self.repository.clone())
    }
}

/// Reads the name of a set; the completions and the help know them all.
const fn set() -> SetParser {
    SetParser
}

#[derive(Clone, Copy, Debug)]
struct SetParser;

impl TypedValueParser for SetParser {
    type Value = Set;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Set, clap::Error> {
        let known = PossibleValuesParser::new(Set::ALL.map(Set::name));
        let known = known.try_map(|name| name.parse::<Set>());
        let found = known.parse_ref(command, arg, value);
        found.map_err(|mut error| {
            // Who misses one of a service's sets may want another one of it: `eks` is no set.
            let Some(ContextValue::String(one)) = error.get(ContextKind::SuggestedValue) else {
                return error;
            };
            let service = one.split('-').next().unwrap_or_default();
            let similar = Set::ALL.into_iter().map(Set::name);
            let similar = similar.filter(|name| name.split('-').next() == Some(service));
            let similar: Vec<_> = similar.map(str::to_owned).collect();
            if similar.len() > 1 {
                error.insert(ContextKind::SuggestedValue, ContextValue::Strings(similar));
            }
            error
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let values = Set::ALL.into_iter();
        Some(Box::new(values.map(|set| {
            PossibleValue::new(set.name()).help(set.summary())
        })))
    }
}

/// Prints a document that IAM takes.
fn print(context: &Context, document: &Document, limit: usize) -> Result<ExitCode, Error> {
    context.print(&document.within(limit)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Says what whoever uses the document should know.
fn note(context: &Context, global: &GlobalFlags, note: String) {
    context.say(&render(&[note], None, false, global.look(context)));
}
