//! The rules: their ids, which stay, how grave they are, what they say and what to do.

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name, which never changes.
    pub id: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// What it finds.
    pub summary: &'static str,
    /// What to do.
    pub fix: &'static str,
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It fails in the cluster.
    Error,
    /// It may fail, or should not be.
    Warning,
}

impl Severity {
    /// As a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Makes the rules and the list of them.
macro_rules! rules {
    ($($name:ident $id:literal $severity:ident $summary:literal $fix:literal;)*) => {
        $(pub(super) static $name: Rule = Rule {
            id: $id,
            severity: Severity::$severity,
            summary: $summary,
            fix: $fix,
        };)*

        /// All of them, by id.
        pub static RULES: &[&Rule] = &[$(&$name),*];
    };
}

rules! {
    ACCOUNT_MISSING "account-missing" Warning
        "pods run as a ServiceAccount that is not in the files"
        "add the ServiceAccount, or apply it before";
    ACCOUNT_UNUSED "account-unused" Warning
        "a ServiceAccount has a role, and no pod runs as it"
        "set serviceAccountName in the delegate's pod: `bootstrap patch --irsa-role-arn` does";
    ANNOTATION_MISPLACED "annotation-misplaced" Error
        "an annotation for the role is misspelt or not on a ServiceAccount, where alone it is read"
        "put `eks.amazonaws.com/role-arn` on the ServiceAccount";
    API_REMOVED "api-removed" Error
        "an API version does not exist any more"
        "use the version that is named";
    BASE64 "base64" Error
        "a value below `data` of a Secret is not base64"
        "encode it, or put it below `stringData`";
    BINDING_API_GROUP "binding-api-group" Warning
        "the roleRef of a binding does not name the API group"
        "write `apiGroup: rbac.authorization.k8s.io`";
    BINDING_SUBJECT "binding-subject" Warning
        "a binding grants rights to an account that no pod runs as"
        "name the delegate's account, or let the delegate run as this one";
    CREDENTIALS_KIND "credentials-kind" Error
        "BOOTSTRAP_CREDENTIALS asks for the role of the node beside a role for IRSA: they exclude each other"
        "set it to irsa, and say `Use IRSA` in the connector; or take the annotation out";
    DELEGATE_RIGHTS "delegate-rights" Warning
        "no binding in the files names the account that the delegate runs as"
        "add the account to a binding: `bootstrap patch --irsa-role-arn` does";
    DELEGATE_RUNNER "delegate-runner" Warning
        "Delegate 2.x and 3.x log errors of INIT_SCRIPT and start all the same, and have no AWS connector"
        "use the delegate that runs the Java agent for EKS, IRSA and Serverless";
    HPA_TARGET "hpa-target" Error
        "a HorizontalPodAutoscaler scales something that is not there"
        "name the delegate's workload in scaleTargetRef";
    IMAGE_UNPINNED "image-unpinned" Warning
        "an image has no tag or the tag `latest`: two pods may run two versions"
        "name a version or a digest";
    INIT_SH "init-sh" Warning
        "a file init.sh in the working directory wins over INIT_SCRIPT, or outlives a change of it"
        "keep init.sh out of volumes, or leave INIT_SCRIPT away";
    MOUNT_HIDES_DELEGATE "mount-hides-delegate" Error
        "an empty volume is mounted over the delegate's directory: its start script is not there"
        "mount it at a directory of its own, below that one or elsewhere";
    NAMESPACE "namespace" Error
        "namespaces do not agree"
        "use the delegate's namespace throughout";
    PLACEHOLDER "placeholder" Error
        "a value is still the placeholder of a template"
        "fill it in";
    PLAINTEXT_CREDENTIAL "plaintext-credential" Warning
        "a credential stands in the manifest as plain text"
        "put it into a Secret, and refer to it with secretKeyRef or envFrom";
    PREFIX_VOLUME "prefix-volume" Warning
        "the tools do not go onto a volume on disk: they are lost with every restart, or count as memory"
        "mount an emptyDir there: `bootstrap patch --delivery` does";
    REFERENCE_MISSING "reference-missing" Warning
        "pods refer to a Secret or ConfigMap that is not in the files: they wait until it exists"
        "correct the name, or apply it before";
    ROLE_ARN "role-arn" Error
        "the annotation eks.amazonaws.com/role-arn is not the ARN of a role"
        "use arn:PARTITION:iam::ACCOUNT:role/NAME";
    ROLE_PARTITION "role-partition" Error
        "the role is in another AWS partition than the region"
        "use a role of the region's partition";
    SCRIPT_APT "script-apt" Error
        "INIT_SCRIPT calls apt, which the image does not have: it is based on UBI"
        "use microdnf as root, or `bootstrap patch --tools`";
    SCRIPT_ARCH "script-arch" Error
        "INIT_SCRIPT downloads a program for another processor than the nodes have"
        "choose the file by `uname -m`, or use `bootstrap patch --tools`";
    SCRIPT_CHECKSUM "script-checksum" Warning
        "INIT_SCRIPT runs what it downloads without checking a digest"
        "check it with sha256sum -c, or use `bootstrap patch --tools`";
    SCRIPT_COMMENT "script-comment" Error
        "INIT_SCRIPT has a `//` comment, which the shell runs as a command: exit code 126"
        "write `#`";
    SCRIPT_CR "script-cr" Error
        "INIT_SCRIPT has carriage returns, which are part of its words for the shell"
        "save it with LF line breaks";
    SCRIPT_DOLLARS "script-dollars" Warning
        "INIT_SCRIPT has `$$`, of which the kubelet makes one `$`"
        "write `$$$$`, or use $BASHPID";
    SCRIPT_EXEC "script-exec" Error
        "INIT_SCRIPT calls exec, which replaces the shell that was to start the delegate"
        "call the program without exec";
    SCRIPT_EXIT "script-exit" Error
        "INIT_SCRIPT calls exit: it is sourced, so the delegate does not start, whatever the code"
        "leave it out, or use if";
    SCRIPT_NOUNSET "script-nounset" Error
        "INIT_SCRIPT sets -u, which stays on and stops the delegate's own start script"
        "leave it out, or use a subshell";
    SCRIPT_PACKAGES "script-packages" Error
        "INIT_SCRIPT calls a package manager or writes to a system directory, and the container is not root"
        "install below the working directory: `bootstrap patch --tools` does";
    SCRIPT_UNZIP "script-unzip" Error
        "INIT_SCRIPT calls unzip, which the image does not have"
        "install it first, or use `bootstrap patch --tools aws-cli`";
    SELECTOR "selector" Error
        "a workload has no selector, or one that does not match its pods: the API server refuses it"
        "select by labels of the pods";
    SILENCE "silence" Warning
        "a comment silences a rule without a reason, or a rule that does not exist"
        "write `# bootstrap lint: ignore RULE: REASON`";
    STARTUP_BUDGET "startup-budget" Warning
        "the probes give INIT_SCRIPT and the delegate too little time, and kill the container"
        "raise the startup probe: `bootstrap patch --startup-budget 300` does";
    STATIC_KEYS "static-keys" Error
        "static AWS keys are set beside a role: they win, and the role is never used"
        "take the keys out";
    UNQUOTED "unquoted" Error
        "a value that must be text is a number or a boolean: the API server refuses it"
        "put it in quotes";
    UPGRADER_IMAGE "upgrader-image" Warning
        "the upgrader replaces a custom image by Harness' own within the hour"
        "set `suspend: true` on the CronJob, or override the tag in Harness";
    UPGRADER_WORKLOAD "upgrader-workload" Error
        "the upgrader's configuration names a workload, container or namespace that is not there"
        "name the delegate's";
    VARIABLE_TWICE "variable-twice" Warning
        "a variable is set twice in a container: the last one counts"
        "take one of them out";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_sorted_and_there_once() {
        let ids: Vec<_> = RULES.iter().map(|rule| rule.id).collect();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(ids, sorted);
    }
}
