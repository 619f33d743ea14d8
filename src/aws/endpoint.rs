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
        Ok(host(service, region, fips, dual_stack))
    }
}

/// The host of `service`, by the endpoint rules that STS and EC2 share.
fn host(service: &str, region: &Region, fips: bool, dual_stack: bool) -> String {
    let partition = region.partition();
    // The verifier knows no dual-stack hosts of the other partitions (`pkg/endpoints`).
    let dual_stack_suffix = partition.dual_stack_suffix().filter(|_| dual_stack);
    let dual_stack = dual_stack_suffix.is_some();
    let suffix = dual_stack_suffix.unwrap_or_else(|| partition.dns_suffix());
    // All endpoints of GovCloud fulfil FIPS 140; only its dual-stack ones say so.
    let says_fips = fips && (dual_stack || partition != Partition::GovCloud);
    let fips = if says_fips { "-fips" } else { "" };
    format!("{service}{fips}.{region}.{suffix}")
}

#[cfg(test)]
mod tests {
    use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
    use futures_util::FutureExt as _;

    use super::*;

    /// What the endpoint rules of the SDK say.
    fn of_sdk(region: &Region, fips: bool, dual_stack: bool) -> String {
        let params = Params::builder()
            .region(region.as_str())
            .use_fips(fips)
            .use_dual_stack(dual_stack)
            .build()
            .unwrap();
        let rules = DefaultResolver::new();
        let resolved = rules.resolve_endpoint(&params);
        let endpoint = resolved.now_or_never().unwrap().unwrap();
        endpoint.url().strip_prefix("https://").unwrap().to_owned()
    }

    #[test]
    fn the_hosts_are_those_of_the_rules_of_the_sdk() {
        let choices = [(false, false), (true, false), (false, true), (true, true)];
        for region in [
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
        ] {
            let region: Region = region.parse().unwrap();
            let has_dual_stack = region.partition().dual_stack_suffix().is_some();
            for (fips, dual_stack) in choices {
                assert_eq!(
                    host("sts", &region, fips, dual_stack),
                    of_sdk(&region, fips, dual_stack && has_dual_stack)
                );
            }
        }
    }
}
