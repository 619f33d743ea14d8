//! What a kubeconfig holds of one cluster: how it is reached, who enters it, and a context that
//! puts the two together.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::Error;
use super::plugin::Section;
use crate::arn::Arn;
use crate::aws::Description;
use crate::cluster::{Alias, Cluster};
use crate::yaml::Value;

/// What the entries of a cluster are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The cluster: its ARN.
    pub cluster: String,
    /// Who enters it: the user alias; else `ROLE-ARN@CLUSTER-ARN` where a role is assumed, else the
    /// ARN of the cluster.
    pub user: String,
    /// The context: the alias, else the name of the user.
    pub context: String,
}

impl Names {
    /// The names that `aws eks update-kubeconfig` gives, but for one: a user who assumes a role has
    /// the role in its name, so that several roles for one cluster stand side by side.
    pub fn of(arn: &Arn, cluster: &Cluster, user_alias: Option<&Alias>) -> Self {
        let arn = arn.to_string();
        let user = match (user_alias, &cluster.role) {
            (Some(alias), _) => alias.to_string(),
            (None, Some(role)) => format!("{role}@{arn}"),
            (None, None) => arn.clone(),
        };
        let context = cluster.alias.as_ref();
        Self {
            context: context.map_or_else(|| user.clone(), ToString::to_string),
            cluster: arn,
            user,
        }
    }
}

impl Names {
    /// Whether the name of the user was given, and says nothing of cluster and role.
    pub(super) fn has_user_alias(&self) -> bool {
        let role = self.user.strip_suffix(&self.cluster);
        !role.is_some_and(|role| role.is_empty() || role.ends_with('@'))
    }
}

/// The entries of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) names: Names,
    pub(super) server: String,
    /// PEM in base64.
    pub(super) authority: String,
    pub(super) proxy: Option<String>,
    pub(super) exec: Section,
}

/// What a described cluster must have to be reached: the address of its API server, and the
/// certificate authority of that.
pub(super) fn check(
    cluster: &Cluster,
    description: &Description,
) -> Result<(String, String), Error> {
    let name = || cluster.name.clone();
    // What `aws eks update-kubeconfig` takes too.
    if !matches!(description.status.as_str(), "ACTIVE" | "UPDATING") {
        return Err(Error::Status {
            name: name(),
            region: description.arn.region.clone(),
            status: description.status.clone(),
        });
    }
    let server = description.endpoint.clone();
    let server = server.filter(|server| !server.is_empty());
    let server = server.ok_or_else(|| Error::NoEndpoint { name: name() })?;
    let authority = description.certificate_authority.clone();
    let authority = authority.unwrap_or_default();
    match problem(&authority) {
        None => Ok((server, authority)),
        Some(problem) => Err(Error::Authority {
            name: name(),
            problem,
        }),
    }
}

/// What is wrong with a certificate authority: it must be PEM in base64.
fn problem(data: &str) -> Option<&'static str> {
    if data.is_empty() {
        return Some("there is none");
    }
    let Ok(pem) = BASE64_STANDARD.decode(data.trim()) else {
        return Some("it is not base64");
    };
    let mut certificates = CertificateDer::pem_slice_iter(&pem).peekable();
    if certificates.peek().is_none() {
        return Some("what it decodes to is not a certificate in PEM");
    }
    let mut certificates = certificates
        .map(|found| found.is_ok_and(|der| rustls::RootCertStore::empty().add(der).is_ok()));
    (!certificates.all(|is_good| is_good)).then_some("a certificate in it cannot be read")
}

impl Entry {
    /// The keys of the cluster, in the order in which they are written.
    pub(super) fn cluster_keys(&self) -> Vec<(&'static str, &str)> {
        let mut keys = vec![
            ("certificate-authority-data", self.authority.as_str()),
            ("server", self.server.as_str()),
        ];
        keys.extend(self.proxy.as_deref().map(|proxy| ("proxy-url", proxy)));
        keys
    }

    /// The keys of the context.
    pub(super) fn context_keys(&self) -> [(&'static str, &str); 2] {
        [
            ("cluster", self.names.cluster.as_str()),
            ("user", self.names.user.as_str()),
        ]
    }

    pub(super) fn new_cluster(&self) -> Value {
        let keys = self.cluster_keys().into_iter();
        let keys = Value::mapping(keys.map(|(key, value)| (key, value.into())));
        Value::mapping([
            ("cluster", keys),
            ("name", self.names.cluster.as_str().into()),
        ])
    }

    pub(super) fn new_context(&self) -> Value {
        let keys = self.context_keys().map(|(key, value)| (key, value.into()));
        let keys = Value::mapping(keys);
        Value::mapping([
            ("context", keys),
            ("name", self.names.context.as_str().into()),
        ])
    }

    pub(super) fn new_user(&self) -> Value {
        let exec = Value::mapping([("exec", self.exec.to_value())]);
        Value::mapping([("name", self.names.user.as_str().into()), ("user", exec)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:eks:us-east-1:111122223333:cluster/payments";
    const ROLE: &str = "arn:aws:iam::111122223333:role/deployer";

    fn names(cluster: &str, user_alias: Option<&str>) -> Names {
        let user_alias = user_alias.map(|alias| alias.parse().unwrap());
        Names::of(
            &ARN.parse().unwrap(),
            &cluster.parse().unwrap(),
            user_alias.as_ref(),
        )
    }

    #[test]
    fn a_role_has_a_user_of_its_own_and_all_else_is_called_as_the_aws_cli_calls_it() {
        let with_role = format!("name=payments,role-arn={ROLE}");
        let both = format!("{ROLE}@{ARN}");
        for (cluster, user_alias, user, context) in [
            ("payments", None, ARN, ARN),
            ("name=payments,alias=p", None, ARN, "p"),
            ("payments", Some("u"), "u", "u"),
            ("name=payments,alias=p", Some("u"), "u", "p"),
            (with_role.as_str(), None, both.as_str(), both.as_str()),
            (&format!("{with_role},alias=p"), None, both.as_str(), "p"),
            (with_role.as_str(), Some("u"), "u", "u"),
        ] {
            let names = names(cluster, user_alias);
            assert_eq!(names.cluster, ARN);
            assert_eq!(
                (names.user.as_str(), names.context.as_str()),
                (user, context),
                "{cluster}"
            );
        }
    }

    #[test]
    fn a_certificate_authority_is_pem_in_base64() {
        let encode = |text: &str| BASE64_STANDARD.encode(text);
        let key = rcgen::KeyPair::generate().unwrap();
        let good = rcgen::CertificateParams::new(Vec::new()).unwrap();
        let good = good.self_signed(&key).unwrap().pem();
        assert_eq!(problem(&encode(&good)), None);
        assert_eq!(problem(&encode(&format!("{good}{good}"))), None);
        for (data, says) in [
            (String::new(), "there is none"),
            ("-----BEGIN".to_owned(), "not base64"),
            (encode("CA"), "not a certificate in PEM"),
            (encode(&key.serialize_pem()), "not a certificate in PEM"),
            (
                encode("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
                "cannot be read",
            ),
            (
                encode(&good.replace("-----END", "-----THE END OF")),
                "cannot be read",
            ),
        ] {
            let found = problem(&data).unwrap();
            assert!(found.contains(says), "{data}: {found}");
        }
    }
}
