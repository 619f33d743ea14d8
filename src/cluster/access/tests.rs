use super::*;

#[test]
fn a_token_goes_to_servers_with_tls_alone() {
    for text in [
        "",
        "localhost:6443",
        "http://k8s.test",
        "https://",
        "ftp://k8s.test",
    ] {
        assert!(address(text).is_err(), "{text}");
    }
    assert_eq!(
        address("https://k8s.test:6443").unwrap().as_str(),
        "https://k8s.test:6443/"
    );
}

#[test]
fn a_proxy_is_http_or_https_and_not_shown_when_it_is_not() {
    assert!(proxy_address("http://user:pw@proxy.test:3128").is_ok());
    for text in ["", "proxy.test:3128", "socks5://user:hunter2@proxy.test"] {
        let error = proxy_address(text).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_token_with_a_line_break_is_none() {
    assert!(bearer("a\nb").is_err());
    let (_, value) = bearer("a").unwrap();
    assert!(value.is_sensitive());
}

#[test]
fn an_authority_is_a_pem_with_a_certificate() {
    for text in [
        "",
        "hello",
        "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
    ] {
        assert!(certificates(text.as_bytes()).is_err(), "{text}");
    }
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec![]).unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    let two = format!("{pem}\n# the next one\n{pem}");
    assert_eq!(certificates(two.as_bytes()).unwrap().len(), 2);
}
