//! How an API server is reached: its address, its certificate authority, and who one is there.

mod contexts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, HeaderValue};
use kube::config::{AuthInfo, Cluster, ExecAuthCluster, Kubeconfig, KubeconfigError};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use url::Url;

pub use contexts::{Listed, Login, contexts};

use super::exec_plugin::{self, Environment};
use crate::deadline::Deadline;
use crate::fault::Fault;
use crate::files;
use crate::http::{Proxies, Proxy};

/// Where Kubernetes mounts what a pod needs to reach its own API server (Kubernetes, "Accessing
/// the Kubernetes API from a Pod").
pub const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// What it takes to reach an API server.
#[derive(Clone, Debug)]
pub struct Access {
    /// The address.
    pub server: Url,
    /// The namespace of the context.
    pub namespace: String,
    pub(super) config: kube::Config,
}

impl Access {
    /// What this context of a kubeconfig says. Its credential plugin, where it has one, is run
    /// here.
    ///
    /// `proxies` counts where the context names no proxy of its own.
    pub fn from_kubeconfig(
        file: &Path,
        context: &str,
        environment: Environment<'_>,
        proxies: &Proxies,
        deadline: Deadline,
    ) -> Result<Self, Error> {
        let user = |_: &mut AuthInfo| ();
        Self::of_context(file, context, user, environment, proxies, deadline)
    }

    /// The same without the session of a role that the plugin may keep from call to call; none where
    /// the plugin is not known to keep any.
    pub fn with_new_session(
        file: &Path,
        context: &str,
        environment: Environment<'_>,
        proxies: &Proxies,
        deadline: Deadline,
    ) -> Option<Result<Self, Error>> {
        let mut is_kept = false;
        let user = |user: &mut AuthInfo| {
            is_kept = user.exec.as_mut().is_some_and(exec_plugin::keep_no_session);
        };
        let access = Self::of_context(file, context, user, environment, proxies, deadline);
        is_kept.then_some(access)
    }

    fn of_context(
        file: &Path,
        context: &str,
        change: impl FnOnce(&mut AuthInfo),
        environment: Environment<'_>,
        proxies: &Proxies,
        deadline: Deadline,
    ) -> Result<Self, Error> {
        let kubeconfig = read(file)?;
        let missing = |what, name: &str| Error::NoEntry {
            file: file.to_owned(),
            what,
            name: name.to_owned(),
        };
        let found = kubeconfig
            .contexts
            .into_iter()
            .find(|it| it.name == context);
        let found = found
            .and_then(|named| named.context)
            .ok_or_else(|| missing("context", context))?;
        let clusters = kubeconfig.clusters.into_iter();
        let cluster = clusters
            .filter(|named| named.name == found.cluster)
            .find_map(|named| named.cluster)
            .ok_or_else(|| missing("cluster", &found.cluster))?;
        let user = found.user.unwrap_or_default();
        let users = kubeconfig.auth_infos.into_iter();
        let mut user = users
            .filter(|named| named.name == user)
            .find_map(|named| named.auth_info)
            .ok_or_else(|| missing("user", &user))?;
        change(&mut user);
        let namespace = found.namespace.unwrap_or_else(|| "default".to_owned());
        Self::of_entries(&cluster, user, namespace, environment, proxies, deadline)
    }

    fn of_entries(
        cluster: &Cluster,
        mut user: AuthInfo,
        namespace: String,
        environment: Environment<'_>,
        proxies: &Proxies,
        deadline: Deadline,
    ) -> Result<Self, Error> {
        let server = address(cluster.server.as_deref().unwrap_or_default())?;
        if user.auth_provider.is_some() {
            return Err(Error::AuthProvider);
        }
        let mut config = new_config(&server)?;
        config.root_cert = authority(cluster)?;
        config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
        config.tls_server_name.clone_from(&cluster.tls_server_name);
        let own = cluster.proxy_url.clone().filter(|proxy| !proxy.is_empty());
        let proxy = own.or_else(|| proxies.for_url(&server).map(Proxy::with_login));
        config.proxy_url = proxy.as_deref().map(proxy_address).transpose()?;
        if let Some(exec) = user.exec.take()
            && user.token.is_none()
            && user.token_file.is_none()
        {
            let told = exec.provide_cluster_info.then(|| {
                ExecAuthCluster::try_from(cluster).map_err(|error| Error::Authority {
                    problem: error.to_string(),
                })
            });
            let token =
                exec_plugin::token(&exec, told.transpose()?.as_ref(), environment, deadline)?;
            config.headers.push(bearer(token.expose())?);
        }
        config.auth_info = user;
        Ok(Self {
            server,
            namespace,
            config,
        })
    }

    /// What Kubernetes tells every pod of its own cluster; none outside a pod.
    ///
    /// `directory` is where the credentials are mounted: [`SERVICE_ACCOUNT`].
    pub fn of_this_pod(
        variables: &BTreeMap<String, String>,
        directory: &Path,
    ) -> Result<Option<Self>, Error> {
        let host = variables.get("KUBERNETES_SERVICE_HOST");
        let port = variables.get("KUBERNETES_SERVICE_PORT");
        let (Some(host), Some(port)) = (host, port) else {
            return Ok(None);
        };
        // A pod may have no credentials (`automountServiceAccountToken: false`).
        if !directory.join("token").exists() {
            return Ok(None);
        }
        let host = match host.parse::<std::net::IpAddr>() {
            Ok(std::net::IpAddr::V6(address)) => format!("[{address}]"),
            _ => host.clone(),
        };
        let server = address(&format!("https://{host}:{port}"))?;
        let read = |name: &str| mounted(&directory.join(name));
        let mut config = new_config(&server)?;
        config.root_cert = Some(certificates(&read("ca.crt")?)?);
        let token = read("token")?;
        config
            .headers
            .push(bearer(String::from_utf8_lossy(&token).trim())?);
        let namespace = read("namespace").unwrap_or_else(|_| b"default".to_vec());
        Ok(Some(Self {
            server,
            namespace: String::from_utf8_lossy(&namespace).trim().to_owned(),
            config,
        }))
    }
}

fn read(file: &Path) -> Result<Kubeconfig, Error> {
    // The kube crate would wait for a pipe, and read a device without end.
    files::read_regular(file).map_err(|error| Error::Unreadable {
        path: error.path,
        source: error.source,
    })?;
    Kubeconfig::read_from(file).map_err(|error| match error {
        KubeconfigError::ReadConfig(source, path) => Error::Unreadable { path, source },
        // The parser may go on to quote the text, in which there are tokens.
        other => Error::Invalid {
            path: file.to_owned(),
            problem: other
                .to_string()
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned(),
        },
    })
}

/// The address of a server, which must be one that keeps a token secret.
fn address(server: &str) -> Result<Url, Error> {
    let url: Url = server.parse().map_err(|_| Error::Server {
        server: server.to_owned(),
    })?;
    match (url.scheme(), url.host_str()) {
        ("https", Some(_)) => Ok(url),
        _ => Err(Error::Server {
            server: server.to_owned(),
        }),
    }
}

/// The address of a proxy, with user and password.
fn proxy_address(proxy: &str) -> Result<http::Uri, Error> {
    let uri: http::Uri = proxy.parse().map_err(|_| Error::Proxy)?;
    match uri.scheme_str() {
        Some("http" | "https") => Ok(uri),
        _ => Err(Error::Proxy),
    }
}

/// A configuration that takes nothing from the environment.
fn new_config(server: &Url) -> Result<kube::Config, Error> {
    let uri = server.as_str().parse().map_err(|_| Error::Server {
        server: server.to_string(),
    })?;
    let mut config = kube::Config::new(uri);
    config.default_retry = false;
    Ok(config)
}

fn bearer(token: &str) -> Result<(http::HeaderName, HeaderValue), Error> {
    let value = HeaderValue::try_from(format!("Bearer {token}"));
    let mut value = value.map_err(|_| Error::Token)?;
    value.set_sensitive(true);
    Ok((AUTHORIZATION, value))
}

/// The certificate authorities of the server; none for those of the system.
fn authority(cluster: &Cluster) -> Result<Option<Vec<Vec<u8>>>, Error> {
    let invalid = |problem: &str| Error::Authority {
        problem: problem.to_owned(),
    };
    if let Some(data) = &cluster.certificate_authority_data {
        let pem = BASE64_STANDARD
            .decode(data)
            .map_err(|_| invalid("its certificate-authority-data is not Base64"))?;
        return certificates(&pem).map(Some);
    }
    let Some(path) = &cluster.certificate_authority else {
        return Ok(None);
    };
    certificates(&mounted(Path::new(path))?).map(Some)
}

fn mounted(path: &Path) -> Result<Vec<u8>, Error> {
    files::read_regular(path).map_err(|error| Error::Mounted {
        path: error.path,
        source: error.source,
    })
}

fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.unwrap_or_default();
    if found.is_empty() {
        return Err(Error::Authority {
            problem: "its certificate authority is not a PEM certificate".to_owned(),
        });
    }
    Ok(found.into_iter().map(|der| der.to_vec()).collect())
}

/// The server cannot even be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The entry has credentials of a kind that clients have dropped (client-go 0.26).
    #[error(
        "the user of the context has an `auth-provider`, which Kubernetes clients know no more"
    )]
    AuthProvider,
    /// The certificate authority is none.
    #[error("the entry of the cluster cannot be used: {problem}")]
    Authority {
        /// What is wrong with it.
        problem: String,
    },
    /// The kubeconfig is not one.
    #[error("{} is not a kubeconfig: {problem}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file that the pod or the kubeconfig names cannot be read.
    #[error("cannot read {}", path.display())]
    Mounted {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The kubeconfig has no such entry.
    #[error("{} has no {what} `{name}`", file.display())]
    NoEntry {
        /// The file.
        file: PathBuf,
        /// Of which kind.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The plugin gave no token.
    #[error(transparent)]
    Plugin(#[from] exec_plugin::Error),
    /// The proxy is no URL; it may have a password and is not shown.
    #[error("the proxy-url of the cluster is not an http or https URL")]
    Proxy,
    /// The address is none that a token could be sent to.
    #[error("`{server}` is not the address of an API server: it takes https://HOST[:PORT]")]
    Server {
        /// The text.
        server: String,
    },
    /// The token has characters that no header can have.
    #[error("the token is not one that can be sent")]
    Token,
    /// The kubeconfig cannot be read.
    #[error("cannot read the kubeconfig {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl Error {
    /// On which side it is.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Plugin(error) => error.fault(),
            Self::Mounted { .. } | Self::Token => Fault::Local,
            _ => Fault::Input,
        }
    }

    /// The next step.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Plugin(error) => error.hint(),
            Self::Mounted { .. } => "check that the file is there and may be read by this user",
            Self::Token => "write the token anew: it may have no line break",
            _ => "write the context anew with `bootstrap kubeconfig`",
        }
    }
}

#[cfg(test)]
mod tests;
