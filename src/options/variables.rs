//! The variables that this program knows, so that a slip of the pen in a manifest is told and not
//! passed over.

use crate::context::Context;

/// What the name of each begins with.
const START: &str = "BOOTSTRAP_";

/// All of them, those of INIT_SCRIPT among them.
pub const VARIABLES: [&str; 47] = [
    "BOOTSTRAP_ACCEPT_EXISTING",
    "BOOTSTRAP_ALIAS",
    "BOOTSTRAP_ASSUME_ROLE_ARN",
    "BOOTSTRAP_BACKOFF",
    "BOOTSTRAP_BACKOFF_BASE_DELAY",
    "BOOTSTRAP_BACKOFF_MAX_ATTEMPTS",
    "BOOTSTRAP_BACKOFF_MAX_DELAY",
    "BOOTSTRAP_BIN",
    "BOOTSTRAP_BIN_DIR",
    "BOOTSTRAP_CACHE_DIR",
    "BOOTSTRAP_CA_BUNDLE",
    "BOOTSTRAP_CLUSTERS",
    "BOOTSTRAP_COLOR",
    "BOOTSTRAP_CONFIG",
    "BOOTSTRAP_CREDENTIALS",
    "BOOTSTRAP_DEADLINE",
    "BOOTSTRAP_DURABLE",
    "BOOTSTRAP_EXEC",
    "BOOTSTRAP_EXTERNAL_ID",
    "BOOTSTRAP_KUBECONFIG",
    "BOOTSTRAP_LOCK",
    "BOOTSTRAP_LOCKED",
    "BOOTSTRAP_LOG_FORMAT",
    "BOOTSTRAP_MINIMUM_KUBERNETES",
    "BOOTSTRAP_MIRROR",
    "BOOTSTRAP_NO_ORIGIN",
    "BOOTSTRAP_NPM_REGISTRY",
    "BOOTSTRAP_OFFLINE",
    "BOOTSTRAP_ON_FAILURE",
    "BOOTSTRAP_OUTPUT",
    "BOOTSTRAP_PREFIX",
    "BOOTSTRAP_PROXY_URL",
    "BOOTSTRAP_QUIET",
    "BOOTSTRAP_REGION",
    "BOOTSTRAP_REPORT",
    "BOOTSTRAP_ROLE_ARN",
    "BOOTSTRAP_SESSION_NAME",
    "BOOTSTRAP_SET_CURRENT",
    "BOOTSTRAP_SHA256_AMD64",
    "BOOTSTRAP_SHA256_ARM64",
    "BOOTSTRAP_SLIM",
    "BOOTSTRAP_TERMINATION_LOG",
    "BOOTSTRAP_TEST_REGION",
    "BOOTSTRAP_TOOLS",
    "BOOTSTRAP_URL",
    "BOOTSTRAP_USER_ALIAS",
    "BOOTSTRAP_VERBOSE",
];

/// A line for each variable that is named like ours and is none. Their values are not shown.
pub fn unknown_variables(context: &Context) -> Vec<String> {
    let names = context.variables().keys().map(String::as_str);
    let unknown = names.filter_map(|name| Some((name, name.strip_prefix(START)?)));
    unknown
        .filter(|(name, rest)| !VARIABLES.contains(name) && !is_of_a_service(rest))
        .map(|(name, rest)| match nearest(rest) {
            Some(known) => format!("the variable {name} does nothing: did you mean {known}?"),
            None => format!("the variable {name} does nothing: there is no such option"),
        })
        .collect()
}

/// Whether Kubernetes may have set it for a service called `bootstrap` (Kubernetes, "Service",
/// "Environment variables").
fn is_of_a_service(rest: &str) -> bool {
    let starts = ["SERVICE_HOST", "SERVICE_PORT", "PORT"];
    starts.iter().any(|start| rest.starts_with(start))
}

fn nearest(rest: &str) -> Option<&'static str> {
    let scored = VARIABLES.iter().filter_map(|known| {
        let score = strsim::jaro_winkler(known.strip_prefix(START)?, rest);
        (score > 0.8).then_some((score, *known))
    });
    let best = scored.max_by(|(left, _), (right, _)| left.total_cmp(right));
    best.map(|(_, known)| known)
}
