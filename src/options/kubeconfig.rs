//! How clusters are written into a kubeconfig.

use clap::Args;
use url::Url;

use super::{AccessOptions, Layers};
use crate::arn::RoleArn;
use crate::cluster::Alias;
use crate::cluster::kubeconfig::{self, Exec, Place, Plugin, Request, Updated};
use crate::context::Context;
use crate::deadline::Deadline;
use crate::error::{Error, Look, note, render};
use crate::report::Verbosity;
use crate::tools::prefix::Prefix;

/// How clusters are written into a kubeconfig.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Kubeconfig options")]
pub struct KubeconfigFlags {
    /// Get tokens from `authenticator`, `builtin` or `aws` [default: authenticator]
    ///
    /// authenticator: the aws-iam-authenticator of PREFIX/bin, else of PATH, 0.5.4 or newer.
    /// builtin: this program. aws: the AWS CLI, which cannot give an external ID.
    #[arg(long, value_name = "PROGRAM")]
    pub exec: Option<Exec>,

    /// Name the user of the one cluster like this
    ///
    /// Default: ROLE-ARN@CLUSTER-ARN with a role, else CLUSTER-ARN; so is the context called that has
    /// no alias. Every role of a cluster has a user and a context of its own so.
    #[arg(long, value_name = "USER")]
    pub user_alias: Option<Alias>,

    /// Let kubectl reach the clusters through this proxy, else through none
    #[arg(long, value_name = "URL")]
    pub proxy_url: Option<ProxyUrl>,

    /// Ask EKS for the clusters as this role
    ///
    /// Default: as the role of the cluster, where it has one and that may ask, else as whoever runs
    /// this. A cluster of another account than the role's is then named by its ARN.
    #[arg(long, value_name = "ARN")]
    pub assume_role_arn: Option<RoleArn>,

    /// Make the first cluster the current context although there is one
    #[arg(long)]
    pub set_current: bool,
}

/// The address of a proxy that kubectl can use (Kubernetes, kubeconfig (v1), `proxy-url`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyUrl(Url);

impl std::str::FromStr for ProxyUrl {
    type Err = InvalidProxyUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url: Url = text.parse().map_err(|_| InvalidProxyUrl)?;
        let is_known = matches!(url.scheme(), "http" | "https" | "socks5");
        (is_known && url.has_host())
            .then_some(Self(url))
            .ok_or(InvalidProxyUrl)
    }
}

/// The text, which may have a password in it, is no such address.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("this is not the URL of a proxy: it takes http://, https:// or socks5://, and a host")]
pub struct InvalidProxyUrl;

/// How clusters are written into a kubeconfig, once flags and variables are merged.
#[derive(Clone, Debug)]
pub struct KubeconfigOptions {
    exec: Exec,
    user_alias: Option<Alias>,
    proxy: Option<ProxyUrl>,
    describer: Option<RoleArn>,
    set_current: bool,
    is_verbose: bool,
}

impl Layers<'_> {
    /// How `count` clusters are written into a kubeconfig.
    pub fn kubeconfig(
        &self,
        flags: &KubeconfigFlags,
        count: usize,
    ) -> Result<KubeconfigOptions, Error> {
        let flags = flags.clone();
        let user_alias = self.value(flags.user_alias, "BOOTSTRAP_USER_ALIAS", None)?;
        if user_alias.is_some() && count > 1 {
            let message = format!(
                "--user-alias (BOOTSTRAP_USER_ALIAS) is for a single cluster, and there are {count}"
            );
            return Err(Error::usage(message));
        }
        let exec = self.value(flags.exec, "BOOTSTRAP_EXEC", self.config.exec)?;
        Ok(KubeconfigOptions {
            exec: exec.unwrap_or_default(),
            user_alias,
            proxy: self.value(flags.proxy_url, "BOOTSTRAP_PROXY_URL", None)?,
            describer: self.value(flags.assume_role_arn, "BOOTSTRAP_ASSUME_ROLE_ARN", None)?,
            set_current: self.switch(flags.set_current, "BOOTSTRAP_SET_CURRENT", None)?,
            is_verbose: self.verbosity()? == Verbosity::Verbose,
        })
    }
}

impl KubeconfigOptions {
    /// Writes the clusters into the kubeconfig, or shows what that would be; what is worth a line is
    /// said meanwhile.
    pub fn update(
        &self,
        context: &Context,
        access: &AccessOptions,
        prefix: &Prefix,
        dry_run: bool,
        deadline: Deadline,
        look: Look,
    ) -> Result<Updated, Error> {
        let notice = |text: &str| context.say(&render(&[text.to_owned()], None, false, look));
        let detail = |text: &str| {
            if self.is_verbose {
                context.say(&note(text, look));
            }
        };
        let own = context.program()?;
        let bin = prefix.bin();
        let place = Place {
            bin: &bin,
            own: &own,
            variables: context.variables(),
            directory: &context.directory,
        };
        let plugin = Plugin::find(self.exec, place, deadline, &notice)?;
        detail(&format!("tokens come from `{}`", plugin.command()));
        let request = Request {
            clusters: &access.clusters,
            plugin: &plugin,
            files: &access.kubeconfigs,
            proxy: self.proxy.as_ref().map(|proxy| &proxy.0),
            describer: self.describer.as_ref(),
            user_alias: self.user_alias.as_ref(),
            session: access.session.as_ref(),
            delegate: context.variable("DELEGATE_NAME"),
            set_current: self.set_current,
            dry_run,
            holder: &context.holder("kubeconfig"),
            notice: &notice,
            detail: &detail,
        };
        Ok(kubeconfig::update(&request, &access.aws, deadline)?)
    }
}
