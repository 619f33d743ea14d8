//! The hosts that are reached without a proxy.

use std::net::IpAddr;

use url::{Host, Url};

/// The rules of a `no_proxy` variable.
#[derive(Clone, Debug, Default)]
pub(super) struct NoProxy {
    text: String,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Clone, Debug)]
enum Hosts {
    /// `*`.
    All,
    /// A domain and all below it.
    Domain(String),
    /// An address, or a block of them: address and prefix length.
    Block(IpAddr, u8),
}

impl NoProxy {
    /// Reads names, `.suffixes`, `*.suffixes`, addresses, CIDR blocks and `*`, each with a port
    /// where wanted, separated by commas or spaces. A name covers all hosts below it, as the
    /// delegate means it; loopback is covered only when it is listed, as in curl.
    pub(super) fn parse(text: &str) -> Self {
        let items = text.split(|char: char| char == ',' || char.is_whitespace());
        Self {
            text: text.trim().to_owned(),
            rules: items.filter_map(Rule::parse).collect(),
        }
    }

    /// The variable as it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether the host of `url` is reached directly.
    pub(super) fn covers(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        self.rules.iter().any(|rule| {
            let is_port = rule.port.is_none() || rule.port == port;
            is_port && url.host().is_some_and(|host| rule.hosts.cover(&host))
        })
    }
}

impl Rule {
    fn parse(item: &str) -> Option<Self> {
        let item = item.trim().to_ascii_lowercase();
        let (hosts, port) = match item.rsplit_once(':') {
            // A bare IPv6 address holds colons too.
            Some((hosts, port)) if !hosts.contains(':') || hosts.ends_with(']') => {
                (hosts, Some(port.parse().ok()?))
            }
            _ => (item.as_str(), None),
        };
        let hosts = hosts.trim_start_matches('[').trim_end_matches(']');
        Hosts::parse(hosts).map(|hosts| Self { hosts, port })
    }
}

impl Hosts {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        if let Ok(address) = text.parse() {
            return Some(Self::Block(address, 128));
        }
        if let Some((address, length)) = text.split_once('/') {
            let address = address.trim_end_matches(']').parse().ok()?;
            return Some(Self::Block(address, length.parse().ok()?));
        }
        let domain = text.trim_start_matches('*').trim_matches('.');
        (!domain.is_empty()).then(|| Self::Domain(domain.to_owned()))
    }

    fn cover(&self, host: &Host<&str>) -> bool {
        match (self, host) {
            (Self::All, _) => true,
            (Self::Domain(domain), Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                let above = name.strip_suffix(domain.as_str());
                above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
            }
            (Self::Block(IpAddr::V4(block), length), Host::Ipv4(address)) => {
                let differing = (block.to_bits() ^ address.to_bits()).leading_zeros();
                differing >= u32::from(*length).min(32)
            }
            (Self::Block(IpAddr::V6(block), length), Host::Ipv6(address)) => {
                let differing = (block.to_bits() ^ address.to_bits()).leading_zeros();
                differing >= u32::from(*length).min(128)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rules: &str, url: &str, expected: bool) {
        let covered = NoProxy::parse(rules).covers(&url.parse().unwrap());
        assert_eq!(covered, expected, "{rules} for {url}");
    }

    #[test]
    fn a_name_covers_itself_and_what_is_below() {
        for rule in [
            "corp.example",
            ".corp.example",
            "*.corp.example",
            "CORP.example.",
        ] {
            check(rule, "https://corp.example/x", true);
            check(rule, "https://a.b.corp.example/x", true);
            check(rule, "https://notcorp.example/x", false);
            check(rule, "https://corp.example.org/x", false);
        }
    }

    #[test]
    fn a_rule_may_name_a_port() {
        check("a.example:8443", "https://a.example:8443/", true);
        check("a.example:8443", "https://a.example/", false);
        check("a.example:443", "https://a.example/", true);
        check("[::1]:80", "http://[::1]/", true);
        check("[::1]:80", "http://[::1]:81/", false);
    }

    #[test]
    fn addresses_and_blocks_are_compared_as_numbers() {
        check("10.0.0.1", "http://10.0.0.1/", true);
        check("10.0.0.1", "http://10.0.0.10/", false);
        check("10.0.0.0/8", "http://10.200.3.4/", true);
        check("10.0.0.0/8", "http://11.0.0.1/", false);
        check("0.0.0.0/0", "http://11.0.0.1/", true);
        check("fd00::/8", "http://[fd12::1]/", true);
        check("::1", "http://[::1]/", true);
        check("10.0.0.0/8", "http://ten.example/", false);
    }

    #[test]
    fn a_star_covers_all_and_nothing_covers_nothing() {
        check("*", "http://a.example/", true);
        check("", "http://127.0.0.1/", false);
        check(" ,, ", "http://a.example/", false);
    }

    #[test]
    fn items_are_separated_by_commas_or_spaces() {
        for rules in ["a.example,b.example", "a.example b.example", "x, b.example"] {
            check(rules, "http://b.example/", true);
        }
    }
}
