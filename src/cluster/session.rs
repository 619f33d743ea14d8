//! The session of an assumed role, kept from one run to the next: kubectl asks for a token at each
//! call, and each would cost a round trip to STS.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::arn::{ExternalId, Region, RoleArn, SessionName};
use crate::aws::{self, Aws, Identity, Source};
use crate::deadline::Deadline;
use crate::digest::{Algorithm, Hasher};
use crate::files::{self, Lock};
use crate::http::Secret;

/// What a session must have left to be used: the life of a token, so that no token ends early.
const LEAST_LEFT: SignedDuration = SignedDuration::from_mins(15);

/// How long a session is used again. A role that was deleted and made anew has another identity, and
/// the sessions of the old one are refused by every cluster (401), though they have not ended.
pub const MOST_AGE: SignedDuration = SignedDuration::from_mins(10);

/// How long another process may take to assume the same role before we do it ourselves.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The format of the files; others are passed over.
const FORMAT: u32 = 2;

/// The sessions of this user, each in a file of its own that nobody else can read.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// Where they are; none to keep none.
    pub directory: Option<PathBuf>,
    /// Who runs, for those who wait.
    pub holder: String,
}

/// What the session of a role is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Naming {
    /// By this name.
    Named(SessionName),
    /// As the session that assumes it, where that is one; else by this name.
    Forwarded(SessionName),
}

/// A role, and how it is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The role.
    pub role: &'a RoleArn,
    /// What its trust policy asks for.
    pub external_id: Option<&'a ExternalId>,
    /// The session's name.
    pub naming: &'a Naming,
    /// The region whose STS is asked.
    pub region: &'a Region,
}

impl Sessions {
    /// The credentials of a session: the one that is kept, or a new one.
    pub fn enter(
        &self,
        aws: &Aws,
        entry: &Entry<'_>,
        deadline: Deadline,
    ) -> Result<Identity, aws::Error> {
        let Some(directory) = &self.directory else {
            return assume(aws, entry, deadline);
        };
        let principal = match aws.principal()? {
            Some(principal) => principal,
            None => asked_principal(&aws.identity(deadline)?),
        };
        let name = file_name(entry, &principal);
        let path = directory.join(format!("{name}.json"));
        if let Some(identity) = kept(&path, entry.role) {
            return Ok(identity);
        }
        // One process asks, and those that come meanwhile use what it got. A cache that cannot be
        // used is none: what counts is the token.
        let wait = Deadline::after(Instant::now(), LOCK_WAIT.min(deadline.left() / 2));
        let lock = directory.join(format!("{name}.lock"));
        let lock = Lock::take(&lock, &self.holder, wait, |_| ());
        if let Some(identity) = lock.is_ok().then(|| kept(&path, entry.role)).flatten() {
            return Ok(identity);
        }
        let identity = assume(aws, entry, deadline)?;
        if let Some(text) = File::of(&identity, entry.role).and_then(|file| file.to_text()) {
            drop(files::write_whole(&path, text.as_bytes(), 0o600));
        }
        drop(lock);
        Ok(identity)
    }
}

fn assume(aws: &Aws, entry: &Entry<'_>, deadline: Deadline) -> Result<Identity, aws::Error> {
    let base = aws.identity(deadline)?;
    let name = match entry.naming {
        Naming::Named(name) => name.clone(),
        Naming::Forwarded(default) => {
            let caller = aws.caller(&base, entry.region, deadline)?;
            let session = caller.user_id.split_once(':').map(|(_, session)| session);
            let session = session.and_then(|session| session.parse().ok());
            session.unwrap_or_else(|| default.clone())
        }
    };
    aws.assume_role(
        &base,
        entry.role,
        entry.external_id,
        &name,
        entry.region,
        deadline,
    )
}

/// Who the caller is, where only a service of this machine's neighbourhood could tell. The keys
/// of a node change by the hour, its role does not.
fn asked_principal(identity: &Identity) -> String {
    match &identity.source {
        Source::InstanceMetadata { role } => format!("node {role}"),
        _ => format!("key {}", identity.access_key_id),
    }
}

/// The name of the file of a session: a digest of all that makes it another session, since neither
/// the external ID nor anybody's name is to be read off a directory.
fn file_name(entry: &Entry<'_>, principal: &str) -> String {
    let (is_forwarded, name) = match entry.naming {
        Naming::Named(name) => ("named", name),
        Naming::Forwarded(name) => ("forwarded", name),
    };
    let parts = [
        entry.role.as_str(),
        entry.external_id.map_or("", ExternalId::as_str),
        is_forwarded,
        name.as_str(),
        entry.region.as_str(),
        principal,
    ];
    let mut hasher = Hasher::new(Algorithm::Sha256);
    for part in parts {
        // With its length, so that no two lists look alike.
        hasher.update(format!("{}:{part};", part.len()).as_bytes());
    }
    hasher.finish().hex()
}

/// A session as it is kept.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    role: String,
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    made: Timestamp,
    expires: Timestamp,
}

impl File {
    fn of(identity: &Identity, role: &RoleArn) -> Option<Self> {
        Some(Self {
            format: FORMAT,
            role: role.to_string(),
            access_key_id: identity.access_key_id.clone(),
            secret_access_key: identity.secret_access_key.expose().to_owned(),
            session_token: identity.session_token.as_ref()?.expose().to_owned(),
            made: Timestamp::now(),
            expires: identity.expires?,
        })
    }

    fn to_text(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

/// The session in this file; none when there is none that will do, whatever the reason: it is
/// written anew then.
fn kept(path: &Path, role: &RoleArn) -> Option<Identity> {
    let text = files::read_private(path).ok().flatten()?;
    let file: File = serde_json::from_str(&text).ok()?;
    let now = Timestamp::now();
    // One from the future was made by another clock, and may be of any age.
    let is_young = (SignedDuration::ZERO..MOST_AGE).contains(&file.made.duration_until(now));
    let soon = now.checked_add(LEAST_LEFT).ok()?;
    if file.format != FORMAT || file.role != role.as_str() || !is_young || file.expires <= soon {
        return None;
    }
    Some(Identity {
        access_key_id: file.access_key_id,
        secret_access_key: Secret::new(file.secret_access_key),
        session_token: Some(Secret::new(file.session_token)),
        expires: Some(file.expires),
        source: Source::AssumedRole {
            role: role.clone(),
            base: None,
        },
    })
}

/// What a session is called that nobody gave a name: audit logs and, in many clusters, the user's
/// name show it, so it says who it is and stays the same.
pub fn default_name(delegate: Option<&str>) -> SessionName {
    let is_allowed = |char: &char| char.is_ascii_alphanumeric() || "_+=,.@-".contains(*char);
    let delegate: String = delegate
        .unwrap_or_default()
        .chars()
        .filter(is_allowed)
        .collect();
    let named = format!("harness-delegate-{delegate}");
    // STS takes 64 characters.
    let named: String = named.chars().take(64).collect();
    if delegate.is_empty() {
        return SessionName::default();
    }
    named.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests;
