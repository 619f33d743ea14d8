//! Assuming the role of a cluster, and whether the role asks for its external ID.

use super::credentials::with_hint;
use super::{Check, CredentialKind, Finding, State, in_one_line};
use crate::arn::{Partition, Region, RoleArn};
use crate::aws;
use crate::cluster::InvalidCluster;

/// Judges an attempt to assume the role, with the external ID where there is one.
pub fn judge(role: &RoleArn, has_external_id: bool, result: Result<(), &aws::Error>) -> Finding {
    let with = if has_external_id {
        "with its external ID"
    } else {
        "without an external ID"
    };
    match result {
        Ok(()) => Finding::pass(Check::Role, format!("{role}, assumed {with}")),
        Err(error) => {
            let finding = Finding::fail(
                Check::Role,
                format!("{role}, {with}: {}", in_one_line(error)),
            );
            let finding = match error {
                aws::Error::AccessDenied(_) => finding.because(
                    "the role does not exist, its trust policy does not name this caller, the external ID is another, or \
                     the caller may not sts:AssumeRole",
                ),
                _ => finding,
            };
            with_hint(finding, error)
        }
    }
}

/// Judges a role that can be assumed, where the connector is to take the role of the node: for EKS it
/// enters a cluster through another role with IRSA alone (Harness documentation, "AWS connector settings
/// reference", "Enable cross-account access (STS Role)").
pub fn judge_kind(finding: Finding, kind: Option<CredentialKind>) -> Finding {
    if kind != Some(CredentialKind::IamRole) || finding.state != State::Pass {
        return finding;
    }
    let finding = Finding {
        state: State::Warn,
        ..finding
    };
    finding
        .because("a cross-account role for EKS goes with `Use IRSA` in the connector, and iam-role is asked for")
        .remedy("set up IRSA for the delegate, and ask for --credentials irsa; or enter the cluster without a role")
}

/// Judges a role of another partition than the region, which nobody need ask STS for.
pub fn judge_partition(role: &RoleArn, region: &Region) -> Finding {
    let error = InvalidCluster::Partitions {
        region: region.clone(),
        role: Box::new(role.clone()),
    };
    Finding::fail(Check::Role, error.to_string())
        .remedy("name a role of this partition, or another region")
}

/// Why a test region will not do beside what is of another partition.
pub fn mixed(test: &Region, what: &str, partition: Partition) -> String {
    format!(
        "the test region {test} is of partition `{}` and {what} of `{partition}`: the credentials of one partition \
         are unknown in another",
        test.partition()
    )
}

/// Judges a test region of another partition than the region, which nobody need ask.
pub fn judge_test_region(test: &Region, region: &Region) -> Finding {
    let what = format!("the region {region}");
    let partition = region.partition();
    Finding::fail(Check::Regions, mixed(test, &what, partition)).remedy(format!(
        "name a test region of partition `{partition}`, or none"
    ))
}

/// Judges an attempt to assume the role without its external ID: who asks for one and does not
/// insist can be made to act for a stranger (IAM User Guide, "The confused deputy problem").
pub fn judge_without_external_id(role: &RoleArn, result: Result<(), &aws::Error>) -> Finding {
    match result {
        Ok(()) => Finding::warn(
            Check::ExternalId,
            format!("{role} can be assumed without its external ID"),
        )
        .because("its trust policy has no condition on sts:ExternalId, so it does not tell its callers apart")
        .remedy("add `\"Condition\": {\"StringEquals\": {\"sts:ExternalId\": …}}` to the trust policy"),
        Err(aws::Error::AccessDenied(_)) => Finding::pass(
            Check::ExternalId,
            format!("{role} refuses who does not give its external ID"),
        ),
        Err(error) => Finding::skip(
            Check::ExternalId,
            format!("it could not be found out: {}", in_one_line(error)),
        ),
    }
}

/// Judges an attempt to list the regions, as the connector does to try its connection.
pub fn judge_regions(region: &str, result: Result<usize, &aws::Error>) -> Finding {
    match result {
        Ok(count) => Finding::pass(
            Check::Regions,
            format!("{count} regions, asked in {region}"),
        ),
        Err(error) => {
            let finding = Finding::fail(Check::Regions, in_one_line(error));
            match error {
                aws::Error::AccessDenied(_) => finding
                    .because("no policy of the identity allows ec2:DescribeRegions, which the connector always asks for")
                    .remedy("allow ec2:DescribeRegions on `*`"),
                _ => with_hint(finding, error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Refusal;

    fn role() -> RoleArn {
        "arn:aws:iam::111122223333:role/deployer".parse().unwrap()
    }

    fn denied(action: &'static str) -> aws::Error {
        aws::Error::AccessDenied(Refusal {
            action,
            code: "AccessDenied".to_owned(),
            message: "not authorized".into(),
            request_id: None,
            attempts: 1,
            cut: None,
        })
    }

    #[test]
    fn a_role_that_can_be_assumed_passes_and_one_that_refuses_says_why() {
        let found = judge(&role(), true, Ok(()));
        assert_eq!(found.state, State::Pass);
        assert!(found.evidence.ends_with("assumed with its external ID"));
        let found = judge(&role(), false, Err(&denied("sts:AssumeRole")));
        assert_eq!(found.state, State::Fail);
        assert!(found.cause.unwrap().contains("the external ID is another"));
        assert!(found.remedy.is_some());
    }

    #[test]
    fn a_role_is_not_entered_with_the_role_of_a_node() {
        let found = |kind| judge_kind(judge(&role(), true, Ok(())), kind).state;
        assert_eq!(found(None), State::Pass);
        assert_eq!(found(Some(CredentialKind::Irsa)), State::Pass);
        assert_eq!(found(Some(CredentialKind::IamRole)), State::Warn);
    }

    #[test]
    fn a_role_that_does_not_insist_on_its_external_id_is_a_warning() {
        let check = |result: Result<(), &aws::Error>, state: State| {
            assert_eq!(judge_without_external_id(&role(), result).state, state);
        };
        check(Ok(()), State::Warn);
        check(Err(&denied("sts:AssumeRole")), State::Pass);
        check(Err(&aws::Error::NoRegion), State::Skip);
    }

    #[test]
    fn a_missing_permission_to_list_regions_is_named() {
        let found = judge_regions("us-east-1", Ok(38));
        assert_eq!(found.evidence, "38 regions, asked in us-east-1");
        let found = judge_regions("us-east-1", Err(&denied("ec2:DescribeRegions")));
        assert_eq!(found.state, State::Fail);
        assert_eq!(found.remedy.unwrap(), "allow ec2:DescribeRegions on `*`");
    }
}
