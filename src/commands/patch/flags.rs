//! The arguments of `bootstrap patch`, and the plan that they come to.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::arn::{Region, RoleArn};
use crate::cluster::Cluster;
use crate::delegate::access::Irsa;
use crate::delegate::init_script::{BinaryUrl, Pin, Wishes};
use crate::delegate::names::AccountName;
use crate::delegate::patch::{Delivery, ScriptPolicy};
use crate::error::Error;
use crate::tools::wanted::Wanted;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputFlags {
    /// Replace the files, each whole, instead of printing the result
    #[arg(short, long, conflicts_with_all = ["output_file", "check"])]
    pub(super) in_place: bool,
    /// Write the result here instead of printing it; `-` prints it
    #[arg(short, long, value_name = "FILE", conflicts_with = "check")]
    pub(super) output_file: Option<PathBuf>,
    /// Print a unified diff instead of the result
    ///
    /// Secrets are masked; in the lines around a change, so is whatever looks like one.
    #[arg(long)]
    pub(super) diff: bool,
    /// Write nothing; print the diff and exit with 3 when something would change
    #[arg(long)]
    pub(super) check: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "IRSA")]
pub(super) struct IrsaFlags {
    /// Give the delegate this role, by way of its ServiceAccount
    #[arg(long, value_name = "ARN")]
    irsa_role_arn: Option<RoleArn>,
    /// Run as this ServiceAccount, made where there is none
    ///
    /// Default: the one that the workload names, else the one that the delegate's bindings name
    /// when that is not `default`, else one with the delegate's name.
    #[arg(long, value_name = "NAME", requires = "irsa_role_arn")]
    service_account: Option<AccountName>,
    /// Add the account to these bindings alone (can be repeated)
    ///
    /// Default: the ClusterRoleBindings and RoleBindings that name the delegate's present account.
    #[arg(long, value_name = "NAME", requires = "irsa_role_arn")]
    binding: Vec<String>,
    /// Put the account in the place of the present one in the bindings
    ///
    /// Other delegates may live on the present one, so it stays by default.
    #[arg(long, requires = "irsa_role_arn")]
    replace_subject: bool,
    /// Whether STS is called in the pod's own region
    #[arg(
        long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true",
        requires = "irsa_role_arn"
    )]
    sts_regional_endpoints: Option<bool>,
    /// Seconds that a token is good for, 600 to 86400 [default: 86400]
    #[arg(
        long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(600..=86_400),
        requires = "irsa_role_arn"
    )]
    token_expiration: Option<u32>,
    /// The audience of the token [default: sts.amazonaws.com]
    #[arg(
        long, value_name = "AUDIENCE", requires = "irsa_role_arn",
        value_parser = clap::builder::NonEmptyStringValueParser::new()
    )]
    audience: Option<String>,
}

impl IrsaFlags {
    pub(super) fn irsa(&self) -> Option<Irsa> {
        Some(Irsa {
            role: self.irsa_role_arn.clone()?,
            account: self.service_account.clone(),
            regional_sts: self.sts_regional_endpoints,
            token_expiration: self.token_expiration,
            audience: self.audience.clone(),
            replace_subject: self.replace_subject,
            bindings: self.binding.clone(),
        })
    }
}

/// How the program comes into the pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum How {
    /// INIT_SCRIPT downloads it, and runs it where its digest matches.
    Script,
    /// An init container has it: outside the startup probe's budget and `bash -e`.
    InitContainer,
    /// The delegate's image has it, and no tool below the prefix, where a volume will hide it.
    Image,
}

/// What becomes of a script of the user's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Policy {
    /// It is kept, behind ours.
    #[default]
    Merge,
    /// It makes room for ours.
    Replace,
    /// It is kept as it is; ours is not written.
    Keep,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "INIT_SCRIPT")]
pub(super) struct ScriptFlags {
    /// How the program comes into the pod; without it INIT_SCRIPT is left alone
    ///
    /// Every way mounts a volume on disk at --prefix, in the container, as the layer of a container
    /// dies with each restart.
    #[arg(long, value_name = "HOW", value_enum)]
    delivery: Option<How>,
    /// What to install at start, separated by commas (can be repeated)
    #[arg(long, value_name = "TOOL[@VERSION]", value_delimiter = ',')]
    pub(super) tools: Vec<Wanted>,
    /// A cluster for the kubeconfig (can be repeated)
    ///
    /// Its name or ARN, or name=…,region=…,role-arn=…,external-id=…,alias=….
    #[arg(long, value_name = "CLUSTER")]
    cluster: Vec<Cluster>,
    /// Where INIT_SCRIPT downloads the program; {arch} stands for amd64 or arm64
    #[arg(long, value_name = "URL", requires = "bootstrap_sha256")]
    bootstrap_url: Option<BinaryUrl>,
    /// The SHA-256 of the program for amd64 or arm64 (can be repeated)
    #[arg(long, value_name = "ARCH=HEX", requires = "bootstrap_url")]
    bootstrap_sha256: Vec<Pin>,
    /// The image of the init container, with `bootstrap` on its PATH
    #[arg(long, value_name = "IMAGE")]
    bootstrap_image: Option<String>,
    /// What becomes of a script that is there [default: merge]
    #[arg(long, value_name = "POLICY", value_enum)]
    init_script: Option<Policy>,
}

impl ScriptFlags {
    /// How the program comes into the pod, told by what it takes where it is not said.
    pub(super) fn delivery(&self) -> Result<Option<Delivery>, Error> {
        let how = match (self.delivery, &self.bootstrap_url, &self.bootstrap_image) {
            (Some(how), _, _) => how,
            (None, Some(_), None) => How::Script,
            (None, None, Some(_)) => How::InitContainer,
            (None, None, None) if self.tools.is_empty() && self.cluster.is_empty() => {
                return self.no_delivery();
            }
            _ => {
                let error = Error::usage("how the program comes into the pod was not said");
                let hint = "choose --delivery script, init-container or image";
                return Err(error.with_hint(hint.to_owned()));
            }
        };
        if self.bootstrap_url.is_some() && how != How::Script {
            return Err(Error::usage(
                "--bootstrap-url is for --delivery script alone",
            ));
        }
        if self.bootstrap_image.is_some() && how != How::InitContainer {
            return Err(Error::usage(
                "--bootstrap-image is for --delivery init-container alone",
            ));
        }
        Ok(Some(match how {
            How::Script => self.script()?,
            How::InitContainer => Delivery::InitContainer {
                image: self.image()?,
            },
            How::Image => Delivery::Image,
        }))
    }

    fn no_delivery(&self) -> Result<Option<Delivery>, Error> {
        if self.init_script.is_some() {
            return Err(Error::usage("--init-script takes a --delivery"));
        }
        Ok(None)
    }

    fn script(&self) -> Result<Delivery, Error> {
        let Some(url) = self.bootstrap_url.clone() else {
            let error =
                Error::usage("--delivery script takes --bootstrap-url and --bootstrap-sha256");
            let hint = "there is no default address: name the copy that you trust";
            return Err(error.with_hint(hint.to_owned()));
        };
        let mut arches: Vec<_> = self.bootstrap_sha256.iter().map(|pin| pin.arch).collect();
        arches.sort();
        let count = arches.len();
        arches.dedup();
        if arches.len() != count {
            return Err(Error::usage(
                "--bootstrap-sha256 is there twice for one processor",
            ));
        }
        if let ([only], true) = (arches.as_slice(), url.has_arch()) {
            let error = Error::usage(format!(
                "--bootstrap-url has {{arch}}, and --bootstrap-sha256 is there for {only} alone"
            ));
            let hint = format!(
                "give the digest for the other processor too, or write {only} for {{arch}} where all nodes are of that kind"
            );
            return Err(error.with_hint(hint));
        }
        if count > 1 && !url.has_arch() {
            return Err(Error::usage(
                "--bootstrap-url takes {arch} where there are two digests",
            ));
        }
        Ok(Delivery::Script {
            url,
            pins: self.bootstrap_sha256.clone(),
        })
    }

    fn image(&self) -> Result<String, Error> {
        let image = self.bootstrap_image.as_deref().unwrap_or_default();
        let is_visible = image.bytes().all(|byte| byte.is_ascii_graphic());
        if image.is_empty() || !is_visible {
            return Err(Error::usage(
                "--delivery init-container takes --bootstrap-image",
            ));
        }
        Ok(image.to_owned())
    }

    pub(super) fn wishes(&self) -> Result<Wishes, Error> {
        let wishes = Wishes {
            tools: self.tools.iter().map(Wanted::to_string).collect(),
            clusters: self.cluster.clone(),
        };
        match wishes.expanded() {
            Some(word) => Err(Error::usage(format!(
                "`{word}`: `$` would be expanded in the cluster"
            ))),
            None => Ok(wishes),
        }
    }

    pub(super) fn policy(&self) -> ScriptPolicy {
        match self.init_script.unwrap_or_default() {
            Policy::Merge => ScriptPolicy::Merge,
            Policy::Replace => ScriptPolicy::Replace,
            Policy::Keep => ScriptPolicy::Keep,
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Pod")]
pub(super) struct PodFlags {
    /// Set the region of the AWS tools
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<Region>,
    /// The pods run on Fargate: ask no instance metadata for credentials
    #[arg(long)]
    pub(super) fargate: bool,
    /// Let the startup probe wait for at least this long, where there is one
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i64).range(1..=86_400))]
    pub(super) startup_budget: Option<i64>,
}
