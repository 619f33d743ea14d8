//! Asking EKS about a cluster, as whoever may ask.

use super::Cluster;
use crate::arn::{ClusterName, Region, RoleArn, SessionName};
use crate::aws::{self, Aws, Description, Identity};
use crate::deadline::Deadline;

/// What is asked, and as whom.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// Its region.
    pub region: &'a Region,
    /// Who asks; none for the role of the cluster, and where that may not, whoever runs this, if what they
    /// see is the cluster that is meant.
    pub describer: Option<&'a RoleArn>,
    /// The name of the sessions of assumed roles.
    pub session: &'a SessionName,
    /// Is told who asks, for those who want to know.
    pub detail: &'a dyn Fn(&str),
}

impl Question<'_> {
    /// Asks EKS as whom it is to be asked; the error is that of the role, where the caller had to ask
    /// in its place.
    ///
    /// The account of the role is the account in which a cluster of that name is meant, so the role
    /// asks first, as the Harness connector does; the AWS CLI asks as the caller alone. What the caller
    /// sees in another account is another cluster of the same name.
    pub fn ask(
        &self,
        aws: &Aws,
        deadline: Deadline,
    ) -> Result<(Description, Option<aws::Error>), aws::Error> {
        let Self {
            cluster, region, ..
        } = self;
        let caller = aws.identity(deadline)?;
        let ask = |identity: &Identity| {
            (self.detail)(&format!(
                "asking EKS in {region} for cluster `{}` with {}",
                cluster.name,
                identity.shown()
            ));
            let found = aws.describe_cluster(identity, region, &cluster.name, deadline)?;
            found.of(cluster.arn.as_ref())
        };
        let ask_as = |role: &RoleArn| {
            let is_own = cluster.role.as_ref() == Some(role);
            let id = cluster.external_id.as_ref().filter(|_| is_own);
            ask(&aws.assume_role(&caller, role, id, self.session, region, deadline)?)
        };
        let role = match (self.describer, &cluster.role) {
            (Some(describer), _) => return Ok((ask_as(describer)?, None)),
            (None, None) => return Ok((ask(&caller)?, None)),
            (None, Some(role)) => role,
        };
        role_else_caller(cluster, Some(ask_as(role)), || ask(&caller))
    }
}

/// What the role was told, else what the caller sees in its place, if that is the cluster that is meant;
/// the error is that of the role, where the caller had to ask. `of_role` is none where no role asked.
pub fn role_else_caller(
    cluster: &Cluster,
    of_role: Option<Result<Description, aws::Error>>,
    of_caller: impl FnOnce() -> Result<Description, aws::Error>,
) -> Result<(Description, Option<aws::Error>), aws::Error> {
    let refused = match of_role {
        Some(Err(error)) if is_refusal(&error) => Some(error),
        Some(done) => return Ok((done?, None)),
        None => None,
    };
    let seen = match (of_caller(), refused) {
        (Ok(seen), refused) => (seen, refused),
        (Err(_), Some(refused)) => return Err(refused),
        (Err(error), None) => return Err(error),
    };
    match (seen, &cluster.role) {
        ((description, refused), Some(role)) if !is_meant(cluster, &description) => {
            Err(aws::Error::OtherAccount {
                role: Box::new(role.clone()),
                found: Box::new(description.arn),
                refused: refused.map(Box::new),
            })
        }
        (seen, _) => Ok(seen),
    }
}

/// Whether what the caller sees, where the role could not ask, is the cluster that is meant: a name
/// means one in the account of the role, and an ARN says its account itself.
fn is_meant(cluster: &Cluster, seen: &Description) -> bool {
    let is_of_role = |role: &RoleArn| seen.arn.account.as_ref() == Some(&role.account);
    cluster.arn.is_some() || cluster.role.as_ref().is_none_or(is_of_role)
}

/// Whether another caller may get another answer.
const fn is_refusal(error: &aws::Error) -> bool {
    matches!(
        error,
        aws::Error::AccessDenied(_)
            | aws::Error::ClusterNotFound { .. }
            | aws::Error::OtherCluster { .. }
    )
}

/// Who issues the tokens of a cluster's service accounts could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("cannot find out who issues the tokens of the service accounts of cluster `{name}`")]
pub struct NoIssuer {
    /// The cluster.
    pub name: ClusterName,
    /// Why not.
    pub source: aws::Error,
}
