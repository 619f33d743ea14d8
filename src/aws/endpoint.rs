//! The host names of AWS services that have one pattern for all regions.

use super::{Aws, Error};
use crate::arn::{Partition, Region};

impl Aws {
    /// The host that a token for a cluster is signed for. It is never a replaced endpoint: the
    /// verifier knows the hosts of AWS alone (aws-iam-authenticator, `pkg/token`).
    pub fn sts_host(&self, region: &Region) -> Result<String, Error> {
        self.host("sts", region)
    }

    /// The host of a service, as FIPS and dual stack are asked for.
    pub(super) fn host(&self, service: &str, region: &Region) -> Result<String, Error> {
        let fips = self.environment.use_fips()?;
        let dual_stack = self.environment.use_dual_stack()?;
        host(service, region, fips, dual_stack).ok_or_else(|| Error::Setting {
            name: "AWS_USE_DUALSTACK_ENDPOINT".to_owned(),
            reason: format!(
                "the partition `{}` has no dual-stack endpoints",
                region.partition()
            ),
            in_file: false,
        })
    }
}

/// The host of `service`, by the endpoint rules that STS and EC2 share; none where the partition
/// has no such names.
fn host(service: &str, region: &Region, fips: bool, dual_stack: bool) -> Option<String> {
    let partition = region.partition();
    let suffix = if dual_stack {
        partition.dual_stack_suffix()?
    } else {
        partition.dns_suffix()
    };
    // All endpoints of GovCloud fulfil FIPS 140; only its dual-stack ones say so.
    let says_fips = fips && (dual_stack || partition != Partition::GovCloud);
    let fips = if says_fips { "-fips" } else { "" };
    Some(format!("{service}{fips}.{region}.{suffix}"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
    use futures_util::FutureExt as _;

    use super::*;

    /// What the endpoint rules of the SDK say.
    fn of_sdk(region: &Region, fips: bool, dual_stack: bool) -> Option<String> {
        let params = Params::builder()
            .region(region.as_str())
            .use_fips(fips)
            .use_dual_stack(dual_stack)
            .build()
            .unwrap();
        let resolved = DefaultResolver::new().resolve_endpoint(&params);
        let endpoint = resolved.now_or_never().unwrap().ok()?;
        Some(endpoint.url().strip_prefix("https://").unwrap().to_owned())
    }

    #[test]
    fn the_hosts_are_those_of_the_rules_of_the_sdk() {
        let regions = [
            "us-east-1",
            "us-west-2",
            "eu-central-1",
            "ap-southeast-4",
            "cn-north-1",
            "cn-northwest-1",
            "us-gov-west-1",
            "us-gov-east-1",
            "us-iso-east-1",
            "us-isob-east-1",
            "eu-isoe-west-1",
            "us-isof-south-1",
            "eusc-de-east-1",
        ];
        let mut wrong = Vec::new();
        for region in regions {
            let region: Region = region.parse().unwrap();
            for (fips, dual_stack) in [(false, false), (true, false), (false, true), (true, true)] {
                let (ours, sdk) = (
                    host("sts", &region, fips, dual_stack),
                    of_sdk(&region, fips, dual_stack),
                );
                if ours != sdk {
                    wrong.push(format!("{region} {fips} {dual_stack}: {ours:?} {sdk:?}"));
                }
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
    }
}
