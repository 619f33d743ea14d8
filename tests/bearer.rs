//! What the authenticator of an EKS cluster asks of a bearer token (aws-iam-authenticator,
//! `pkg/token`, `Verify`), and whether it is signed by a key that is known.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bootstrap::digest::hex;
use sha2::{Digest as _, Sha256};
use url::Url;

/// What a token says.
pub(crate) struct Bearer {
    pub(crate) url: Url,
    /// The parameters of its query, decoded, by name in lower case.
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Bearer {
    /// The token, if a cluster would take it for well-formed.
    pub(crate) fn parse(token: &str) -> Result<Self, String> {
        if token.len() > 4096 {
            return Err("token is too large".to_owned());
        }
        let encoded = token.strip_prefix("k8s-aws-v1.").ok_or("no prefix")?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded);
        let text = String::from_utf8(bytes.map_err(|error| error.to_string())?);
        let url: Url = text.unwrap().parse().map_err(|_| "no URL")?;
        let host = url.host_str().unwrap_or_default();
        if url.scheme() != "https" || url.path() != "/" || !is_sts(host) {
            return Err(format!("unexpected address {url}"));
        }
        let known = [
            "action",
            "version",
            "x-amz-algorithm",
            "x-amz-credential",
            "x-amz-date",
            "x-amz-expires",
            "x-amz-security-token",
            "x-amz-signature",
            "x-amz-signedheaders",
        ];
        let mut parameters = BTreeMap::new();
        for (name, value) in url.query_pairs() {
            let name = name.to_lowercase();
            if !known.contains(&name.as_str()) {
                return Err(format!("parameter {name} is not on the list"));
            }
            if parameters
                .insert(name.clone(), value.into_owned())
                .is_some()
            {
                return Err(format!("parameter {name} is there twice"));
            }
        }
        let bearer = Self { url, parameters };
        if bearer.get("action") != "GetCallerIdentity" {
            return Err("unexpected action".to_owned());
        }
        let signed = bearer.get("x-amz-signedheaders");
        if !signed.split(';').any(|header| header == "x-k8s-aws-id") {
            return Err("the cluster is not signed".to_owned());
        }
        let expires: u32 = bearer.get("x-amz-expires").parse().map_err(|_| "expires")?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let date: jiff::Timestamp = bearer.date();
        let age = i64::try_from(now).unwrap() - date.as_second();
        if expires > 900 || !(-60..=900).contains(&age) {
            return Err(format!("it is {age} s old, and good for {expires} s"));
        }
        Ok(bearer)
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// When it was signed.
    pub(crate) fn date(&self) -> jiff::Timestamp {
        let text = self.get("x-amz-date");
        let (day, time) = text.split_at(9);
        format!(
            "{}-{}-{}T{}:{}:{}Z",
            &day[..4],
            &day[4..6],
            &day[6..8],
            &time[..2],
            &time[2..4],
            &time[4..6]
        )
        .parse()
        .unwrap()
    }

    /// The access key that signed it.
    pub(crate) fn key(&self) -> &str {
        self.get("x-amz-credential").split('/').next().unwrap()
    }

    /// Whether it is signed for this cluster with this secret key (Signature Version 4, computed
    /// here and not by the crate that signs).
    pub(crate) fn is_signed(&self, cluster: &str, secret: &str) -> bool {
        let query = self.url.query().unwrap();
        let mut pairs: Vec<_> = query
            .split('&')
            .filter(|pair| !pair.starts_with("X-Amz-Signature="))
            .collect();
        pairs.sort_unstable();
        let host = self.url.host_str().unwrap();
        let empty = hex(&Sha256::digest(b""));
        let request = format!(
            "GET\n/\n{}\nhost:{host}\nx-k8s-aws-id:{cluster}\n\nhost;x-k8s-aws-id\n{empty}",
            pairs.join("&")
        );
        let (_, scope) = self.get("x-amz-credential").split_once('/').unwrap();
        let digest = hex(&Sha256::digest(request.as_bytes()));
        let text = format!(
            "AWS4-HMAC-SHA256\n{}\n{scope}\n{digest}",
            self.get("x-amz-date")
        );
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in scope.split('/') {
            key = hmac(&key, part.as_bytes());
        }
        hex(&hmac(&key, text.as_bytes())) == self.get("x-amz-signature")
    }
}

fn is_sts(host: &str) -> bool {
    let suffixes = [
        ".amazonaws.com",
        ".amazonaws.com.cn",
        ".api.aws",
        ".api.amazonwebservices.com.cn",
        ".c2s.ic.gov",
        ".sc2s.sgov.gov",
        ".cloud.adc-e.uk",
        ".csp.hci.ic.gov",
        ".amazonaws.eu",
    ];
    let region = suffixes.iter().find_map(|suffix| host.strip_suffix(suffix));
    let region = region.and_then(|rest| {
        let regional = rest.strip_prefix("sts.");
        regional.or_else(|| rest.strip_prefix("sts-fips."))
    });
    region.is_some_and(|region| !region.is_empty() && !region.contains('.'))
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let key = if key.len() > 64 {
        Sha256::digest(key).to_vec()
    } else {
        key.to_vec()
    };
    let pad = |with: u8| -> Vec<u8> {
        let key = key.iter().copied().chain(std::iter::repeat(0)).take(64);
        key.map(|byte| byte ^ with).collect()
    };
    let inner = Sha256::digest([pad(0x36).as_slice(), message].concat());
    Sha256::digest([pad(0x5c).as_slice(), &inner].concat()).to_vec()
}
