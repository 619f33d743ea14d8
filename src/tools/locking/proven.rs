//! Whether what a lock says of its proofs holds, as far as that can be told without asking anybody.

use super::error::Doubt;
use super::{Locker, Problem};
use crate::digest::{Digest, Hasher};
use crate::platform::Platform;
use crate::tools::Artifact;
use crate::tools::lockfile::{Locked, LockedSource, Target};
use crate::tools::names::{ToolName, TreePath};
use crate::tools::proof::Strength;
use crate::tools::signature::Fingerprint;
use crate::tools::vendor::Proof;
use crate::tools::version::Version;

impl Locker<'_> {
    /// Checks the proofs of a tool: what the catalog vouches for must be in the catalog, and what is
    /// signed must be so by the vendor's key or by the one that was given.
    pub(super) fn check_proofs(&self, name: &ToolName, locked: &Locked) -> Result<(), Problem> {
        let version = &locked.version;
        match &locked.source {
            LockedSource::PackageLock { digest, proof, .. } => {
                let why = match Strength::of(proof) {
                    Strength::Catalog
                        if self.packages_of_catalog(name, version, digest)?.is_none() =>
                    {
                        UNKNOWN
                    }
                    Strength::Signature => "nobody signs package locks",
                    _ => return Ok(()),
                };
                let at = self.old.map(|old| old.package_lock_at(name, "proof"));
                Err(Problem::Unproven(Box::new(Doubt {
                    at,
                    tool: name.clone(),
                    version: version.clone(),
                    target: Target::Any,
                    proof: proof.clone(),
                    why: why.to_owned(),
                })))
            }
            LockedSource::Artifacts(artifacts) => {
                artifacts.iter().try_for_each(|(target, artifact)| {
                    self.check_proof(name, version, *target, artifact)
                })
            }
        }
    }

    fn check_proof(
        &self,
        name: &ToolName,
        version: &Version,
        target: Target,
        artifact: &Artifact,
    ) -> Result<(), Problem> {
        let why = match Strength::of(&artifact.proof) {
            Strength::Catalog if !self.is_of_catalog(name, version, target, artifact)? => {
                UNKNOWN.to_owned()
            }
            Strength::Signature => {
                let named = artifact.proof.split([' ', ',']).nth(1);
                let named = named.and_then(|named| named.parse::<Fingerprint>().ok());
                match (named, self.vendor_key(name), self.given_key()) {
                    (Some(named), Some(own), _) if named == *own => return Ok(()),
                    (Some(named), _, Some(given)) if named == *given => return Ok(()),
                    (_, Some(own), _) => format!("the vendor's key is {own}"),
                    (_, None, _) => "its vendor signs nothing".to_owned(),
                }
            }
            _ => return Ok(()),
        };
        Err(Problem::Unproven(Box::new(Doubt {
            at: self.old.map(|old| old.artifact_at(name, target, "proof")),
            tool: name.clone(),
            version: version.clone(),
            target,
            proof: artifact.proof.clone(),
            why,
        })))
    }

    /// Whether the catalog has these bytes for this target.
    fn is_of_catalog(
        &self,
        name: &ToolName,
        version: &Version,
        target: Target,
        artifact: &Artifact,
    ) -> Result<bool, Problem> {
        for platform in Platform::ALL {
            let is_meant = target == Target::Any || target == Target::One(platform);
            let known = self.of_catalog(name, version, platform)?;
            if is_meant && known.is_some_and(|known| known.digest == artifact.digest) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The package lock of the catalog, if it is the one with this digest.
    fn packages_of_catalog(
        &self,
        name: &ToolName,
        version: &Version,
        digest: &Digest,
    ) -> Result<Option<String>, Problem> {
        let text = self.catalog.package_lock(name, version);
        let text = text.map_err(|source| Problem::Catalog { source })?;
        Ok(text.filter(|text| {
            let mut hasher = Hasher::new(digest.algorithm());
            hasher.update(text.as_bytes());
            hasher.finish() == *digest
        }))
    }

    /// The package lock of a tool that is gone, where the catalog has the very same.
    pub(super) fn lost_packages(
        &self,
        name: &ToolName,
        locked: &Locked,
    ) -> Result<Option<(TreePath, String)>, Problem> {
        let (Some(old), LockedSource::PackageLock { file, digest, .. }) =
            (self.old, &locked.source)
        else {
            return Ok(None);
        };
        let read = old.lockfile.source(name, locked, Platform::host());
        if !read.is_err_and(|error| error.is_missing()) {
            return Ok(None);
        }
        let text = self.packages_of_catalog(name, &locked.version, digest)?;
        Ok(text.map(|text| (file.clone(), text)))
    }

    /// Refuses one file for two processors: it runs on one of them at most.
    pub(super) fn check_apart(&self, name: &ToolName, locked: &Locked) -> Result<(), Problem> {
        let of = |platform| locked.source.artifact(Target::One(platform));
        let all = Platform::ALL.map(of);
        let digests = all.map(|artifact| artifact.map(|artifact| &artifact.digest));
        match digests {
            [Some(one), Some(other)] if one == other => Err(Problem::OneForAll {
                at: self.old.and_then(|old| {
                    let is_old = old.lockfile.tools.get(name) == Some(locked);
                    let last = Platform::ALL.last()?;
                    is_old.then(|| old.digest_at(name, Target::One(*last)))
                }),
                tool: name.clone(),
                version: locked.version.clone(),
            }),
            _ => Ok(()),
        }
    }

    fn vendor_key(&self, name: &ToolName) -> Option<&Fingerprint> {
        match self.catalog.tools().get(name)?.vendor_says.proof.as_ref()? {
            Proof::Signature(entry) => Some(&entry.key),
            Proof::Checksums(_) => None,
        }
    }

    fn given_key(&self) -> Option<&Fingerprint> {
        self.vendors.key.map(|key| &key.fingerprint)
    }
}

/// What is wrong with a proof by the catalog.
const UNKNOWN: &str = "the catalog of this program has no such pin";
