//! The catalog as data to show: `install --list`.

use serde::Serialize;

use crate::platform::Platform;
use crate::tools::builtin;
use crate::tools::catalog::{Catalog, Pinned, Tool};
use crate::tools::description::NeedEntry;
use crate::tools::names::{ProgramName, ToolName};
use crate::tools::version::Version;

/// One tool of the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListedTool {
    /// Its name.
    pub name: ToolName,
    /// What it is for.
    pub about: String,
    /// Who publishes it.
    pub vendor: String,
    /// Where to read about it.
    pub homepage: String,
    /// The version that is installed when none is asked for.
    pub default: Version,
    /// The programs it puts on PATH.
    pub programs: Vec<ProgramName>,
    /// The tools it needs.
    pub needs: Vec<NeedEntry>,
    /// All its versions, oldest first.
    pub versions: Vec<ListedVersion>,
}

/// One version of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListedVersion {
    /// The version.
    pub version: Version,
    /// The platforms that it exists for: `linux/amd64`.
    pub platforms: Vec<String>,
}

/// The whole catalog, by name.
pub fn listing(catalog: &Catalog) -> Vec<ListedTool> {
    let tools = catalog.tools().iter();
    tools
        .map(|(name, tool)| listed(name, tool, catalog.versions(name)))
        .collect()
}

fn listed(name: &ToolName, tool: &Tool, versions: Vec<Pinned>) -> ListedTool {
    let versions = versions.into_iter().map(|pinned| ListedVersion {
        platforms: pinned.platforms.iter().map(ToString::to_string).collect(),
        version: pinned.version,
    });
    let builtin = (name.as_str() == builtin::TOOL).then(|| "builtin".parse().ok());
    let builtin = builtin.flatten().map(|version| ListedVersion {
        version,
        platforms: Platform::ALL.iter().map(ToString::to_string).collect(),
    });
    ListedTool {
        name: name.clone(),
        about: tool.about.clone(),
        vendor: tool.vendor.clone(),
        homepage: tool.homepage.clone(),
        default: tool.default.clone(),
        programs: tool.description.programs.keys().cloned().collect(),
        needs: tool.description.needs.clone(),
        versions: versions.chain(builtin).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_listed_with_its_default_among_its_versions() {
        let listing = listing(&Catalog::builtin().unwrap());
        let names: Vec<_> = listing.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "aws-cli",
                "aws-iam-authenticator",
                "kubectl",
                "node",
                "serverless"
            ]
        );
        for tool in &listing {
            assert!(
                tool.versions
                    .iter()
                    .any(|listed| listed.version == tool.default),
                "{}",
                tool.name
            );
        }
    }

    #[test]
    fn a_listing_is_plain_json() {
        let listing = listing(&Catalog::builtin().unwrap());
        let json = serde_json::to_value(&listing[4]).unwrap();
        assert_eq!(json["default"], "3.40.0");
        assert_eq!(json["programs"], serde_json::json!(["serverless", "sls"]));
        assert_eq!(json["needs"][0]["tool"], "node");
        assert_eq!(
            json["versions"][0]["platforms"],
            serde_json::json!(["linux/amd64", "linux/arm64"])
        );
    }
}
