//! Names of what is secret, as people give them to variables and keys.

/// What a word of the name of a secret has in it.
const PARTS: [&str; 8] = [
    "TOKEN",
    "SECRET",
    "PASSW",
    "PASSPHRASE",
    "CREDENTIAL",
    "APIKEY",
    "ACCESSKEY",
    "PRIVATEKEY",
];

/// Words that make a name that of a secret.
const WORDS: [&str; 3] = ["AUTH", "PASS", "PWD"];

/// What keys are called that are secret: `API_KEY` is, `SORT_KEY` is not.
const KEYS: [&str; 13] = [
    "ACCESS",
    "ACCOUNT",
    "API",
    "APP",
    "APPLICATION",
    "CLIENT",
    "ENCRYPTION",
    "LICENSE",
    "MASTER",
    "PRIVATE",
    "SHARED",
    "SIGNING",
    "SSH",
];

/// What a name ends with that is about a secret and is none: where it is, how long it lasts. So is
/// our own `BOOTSTRAP_CREDENTIALS`, which says where credentials come from.
const ABOUT: [&str; 20] = [
    "AUDIENCE",
    "DIR",
    "DURATION",
    "ENABLED",
    "ENDPOINT",
    "EXPIRATION",
    "EXPIRY",
    "FILE",
    "LENGTH",
    "MODE",
    "NAME",
    "NAMESPACE",
    "PATH",
    "REF",
    "SECONDS",
    "SOCK",
    "TTL",
    "TYPE",
    "URI",
    "URL",
];

/// Whether a variable or a key of this name holds a credential.
pub fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    if is_about(&words) {
        return false;
    }
    let is_key = words
        .windows(2)
        .any(|pair| matches!(pair, [kind, key] if key == "KEY" && KEYS.contains(&kind.as_str())));
    is_key || has_secret_word(&words)
}

/// Whether what has this name is not shown: the same, and what may be one.
pub(super) fn is_hidden_name(name: &str) -> bool {
    let words = words(name);
    let is_key = words.windows(2).any(|pair| {
        matches!(pair, [kind, key] if key == "KEY" && !matches!(kind.as_str(), "PUBLIC" | "TOPOLOGY"))
    });
    let is_data = words.len() > 1 && words.last().is_some_and(|last| last == "DATA");
    !is_about(&words) && (is_key || is_data || has_secret_word(&words))
}

fn has_secret_word(words: &[String]) -> bool {
    words
        .iter()
        .any(|word| WORDS.contains(&word.as_str()) || PARTS.iter().any(|part| word.contains(part)))
}

fn is_about(words: &[String]) -> bool {
    let is_kind = matches!(words, [ours, kind] if ours == "BOOTSTRAP" && kind == "CREDENTIALS");
    let mut last = words.last().into_iter();
    is_kind || last.any(|last| ABOUT.contains(&last.as_str()))
}

/// The words of a name in capitals: `proxyPassword` and `PROXY_PASSWORD` have the same.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in name.chars() {
        let is_start =
            !letter.is_ascii_alphanumeric() || (was_lower && letter.is_ascii_uppercase());
        if is_start {
            words.push(String::new());
        }
        if letter.is_ascii_alphanumeric()
            && let Some(last) = words.last_mut()
        {
            last.push(letter.to_ascii_uppercase());
        }
        was_lower = letter.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names_however_those_are_spelt() {
        for name in [
            "DELEGATE_TOKEN",
            "delegateToken",
            "DB_PASSWD",
            "proxyPassword",
            "PROXY_PASS",
            "API_KEY",
            "DATADOG_APIKEY",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "MY_CREDENTIALS",
            "NPM_AUTH",
            "_authToken",
            "http.proxyPassword",
        ] {
            assert!(is_secret_name(name) && is_hidden_name(name), "{name}");
        }
        for name in [
            "key",
            "secretName",
            "secretKeyRef",
            "token-expiration",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "BOOTSTRAP_CREDENTIALS",
            "topologyKey",
            "AUTHOR",
            "COMPASS",
            "name",
            "data",
        ] {
            assert!(!is_secret_name(name) && !is_hidden_name(name), "{name}");
        }
        assert!(is_hidden_name("client-key-data") && !is_secret_name("SORT_KEY"));
    }
}
