//! The `clusters:` of `bootstrap.yaml`.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::arn::{ExternalId, Region, RoleArn};
use crate::cluster::{Alias, Cluster, InvalidCluster};
use crate::strict_yaml::{optional_text, text};

/// `NAME`, `arn:…:cluster/NAME`, or a mapping.
pub(super) struct ClusterEntry(pub(super) Cluster);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClusterMapping {
    #[serde(deserialize_with = "text")]
    name: Named,
    #[serde(default, deserialize_with = "optional_text")]
    region: Option<Region>,
    #[serde(default, deserialize_with = "optional_text")]
    role_arn: Option<RoleArn>,
    #[serde(default, deserialize_with = "external_id")]
    external_id: Option<ExternalId>,
    #[serde(default, deserialize_with = "optional_text")]
    alias: Option<Alias>,
}

/// A name or an ARN.
struct Named(Cluster);

impl FromStr for Named {
    type Err = InvalidCluster;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Cluster::from_name(text).map(Self)
    }
}

impl<'de> Deserialize<'de> for ClusterEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ClusterVisitor)
    }
}

struct ClusterVisitor;

impl<'de> Visitor<'de> for ClusterVisitor {
    type Value = ClusterEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the name of a cluster, or a mapping with `name`, `region`, `role_arn`, `external_id` and `alias`",
        )
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ClusterEntry, E> {
        text.parse().map(ClusterEntry).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ClusterEntry, A::Error> {
        let mapping = ClusterMapping::deserialize(MapAccessDeserializer::new(map))?;
        let Named(named) = mapping.name;
        let cluster = Cluster {
            region: mapping.region.or(named.region),
            role: mapping.role_arn,
            external_id: mapping.external_id,
            alias: mapping.alias,
            ..named
        };
        cluster
            .check()
            .map(ClusterEntry)
            .map_err(serde::de::Error::custom)
    }
}

/// An external ID; where it is none, the error does not show it.
fn external_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ExternalId>, D::Error> {
    deserializer.deserialize_any(ExternalIdVisitor).map(Some)
}

struct ExternalIdVisitor;

impl ExternalIdVisitor {
    fn not_text<E: serde::de::Error>() -> E {
        E::custom("an external ID is text: put it in quotes")
    }
}

impl Visitor<'_> for ExternalIdVisitor {
    type Value = ExternalId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an external ID")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ExternalId, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<ExternalId, E> {
        Err(Self::not_text())
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<ExternalId, E> {
        Err(Self::not_text())
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<ExternalId, E> {
        Err(Self::not_text())
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<ExternalId, E> {
        Err(Self::not_text())
    }

    fn visit_u128<E: serde::de::Error>(self, _: u128) -> Result<ExternalId, E> {
        Err(Self::not_text())
    }
}
