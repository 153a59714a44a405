use proptest::prelude::*;

use super::{MAX_BYTES, ProviderUrl, UrlError};

mod address;

fn url(text: &str) -> ProviderUrl {
    ProviderUrl::parse(text).unwrap()
}

#[test]
fn normalises() {
    for (text, normal, host, port) in [
        (
            "https://api.openai.com",
            "https://api.openai.com",
            "api.openai.com",
            443,
        ),
        (
            "HTTPS://API.OpenAI.com/",
            "https://api.openai.com",
            "api.openai.com",
            443,
        ),
        (
            "https://api.openai.com:443/v1/",
            "https://api.openai.com/v1",
            "api.openai.com",
            443,
        ),
        (
            "http://api.openai.com:80",
            "http://api.openai.com",
            "api.openai.com",
            80,
        ),
        (
            "http://h.example:443",
            "http://h.example:443",
            "h.example",
            443,
        ),
        (
            "https://h.example./x",
            "https://h.example/x",
            "h.example",
            443,
        ),
        (
            "https://h.example/openai/v1///",
            "https://h.example/openai/v1",
            "h.example",
            443,
        ),
        (
            "https://h.example/a/../b",
            "https://h.example/b",
            "h.example",
            443,
        ),
        (
            "http://127.1:9000",
            "http://127.0.0.1:9000",
            "127.0.0.1",
            9000,
        ),
        ("http://0x7f000001", "http://127.0.0.1", "127.0.0.1", 80),
        ("http://2130706433/", "http://127.0.0.1", "127.0.0.1", 80),
        (
            "http://[::FFFF:127.0.0.1]:1",
            "http://[::ffff:127.0.0.1]:1",
            "[::ffff:127.0.0.1]",
            1,
        ),
        (
            "https://bücher.example",
            "https://xn--bcher-kva.example",
            "xn--bcher-kva.example",
            443,
        ),
        ("http://１２７.0.0.1", "http://127.0.0.1", "127.0.0.1", 80),
    ] {
        let parsed = url(text);
        assert_eq!(parsed.as_str(), normal, "{text}");
        assert_eq!(parsed.host(), host, "{text}");
        assert_eq!(parsed.port(), port, "{text}");
        assert_eq!(url(parsed.as_str()), parsed, "{text}");
        assert_eq!(parsed.is_https(), text.to_lowercase().starts_with("https"));
    }
}

#[test]
fn parts() {
    let with_path = url("http://h.example:8080/openai/v1");
    assert_eq!(with_path.authority(), "h.example:8080");
    assert_eq!((with_path.path(), with_path.ip()), ("/openai/v1", None));
    let plain = url("https://[2606:4700::1111]:443");
    assert_eq!(plain.authority(), "[2606:4700::1111]");
    assert_eq!(
        (plain.path(), plain.ip()),
        ("", "2606:4700::1111".parse().ok())
    );
    assert_eq!(plain.to_string(), "https://[2606:4700::1111]");
    assert_eq!("https://a.b".parse::<ProviderUrl>().unwrap().host(), "a.b");
}

#[test]
fn refuses() {
    for (text, error) in [
        ("", UrlError::Scheme),
        ("api.openai.com", UrlError::Scheme),
        ("ftp://h.example", UrlError::Scheme),
        ("file:///etc/passwd", UrlError::Scheme),
        ("https:h.example", UrlError::Scheme),
        ("https:/h.example", UrlError::Scheme),
        ("https://", UrlError::Host),
        ("https:///h.example", UrlError::Host),
        ("https://?x", UrlError::Host),
        ("https://user@h.example", UrlError::UserInfo),
        ("https://user:pass@h.example", UrlError::UserInfo),
        ("https://@h.example", UrlError::UserInfo),
        ("https://h.example?x=1", UrlError::Query),
        ("https://h.example/?", UrlError::Query),
        ("https://h.example/#f", UrlError::Fragment),
        ("https://h.example#", UrlError::Fragment),
        (
            "https://h.example\\@evil.example",
            UrlError::Character('\\'),
        ),
        (" https://h.example", UrlError::Character(' ')),
        ("https://h.exa\nmple", UrlError::Character('\n')),
        ("https://h.example/a b", UrlError::Character(' ')),
        ("https://h.example:0", UrlError::Port),
        ("https://.", UrlError::Host),
        ("https://a..b", UrlError::Host),
        ("https://h.example/a//b", UrlError::EmptySegment),
    ] {
        assert_eq!(ProviderUrl::parse(text), Err(error), "{text:?}");
    }
    for text in [
        "https://h.example:99999",
        "https://[::1",
        "https://a<b",
        "http://1.2.3.256",
    ] {
        assert!(
            matches!(ProviderUrl::parse(text), Err(UrlError::Syntax(_))),
            "{text}"
        );
    }
    let label = format!("https://{}.example", "a".repeat(64));
    assert!(ProviderUrl::parse(&label).is_err());
    let name = format!("https://{}", ["a"; 128].join("."));
    assert_eq!(ProviderUrl::parse(&name), Err(UrlError::Host));
    let path = |n| format!("https://h.example/{}", "p".repeat(n));
    assert!(ProviderUrl::parse(&path(MAX_BYTES - 18)).is_ok());
    assert_eq!(
        ProviderUrl::parse(&path(MAX_BYTES - 17)),
        Err(UrlError::TooLong)
    );
    // Longer only after percent-encoding.
    let grows = format!("https://h.example/{}", "é".repeat(900));
    assert_eq!(ProviderUrl::parse(&grows), Err(UrlError::TooLong));
}

#[test]
fn joins_without_doubling_the_version() {
    let chat = "/v1/chat/completions";
    for (base, path, joined) in [
        (
            "https://api.openai.com",
            chat,
            "https://api.openai.com/v1/chat/completions",
        ),
        (
            "https://api.openai.com/v1",
            chat,
            "https://api.openai.com/v1/chat/completions",
        ),
        (
            "https://api.openai.com/v1/",
            "/v1/models",
            "https://api.openai.com/v1/models",
        ),
        (
            "https://h.example/openai",
            chat,
            "https://h.example/openai/v1/chat/completions",
        ),
        (
            "https://h.example/openai/v1",
            chat,
            "https://h.example/openai/v1/chat/completions",
        ),
        (
            "https://h.example/api/v4",
            chat,
            "https://h.example/api/v4/chat/completions",
        ),
        (
            "https://h.example/v1beta/openai",
            chat,
            "https://h.example/v1beta/openai/chat/completions",
        ),
        (
            "https://h.example/v1",
            "/chat/completions",
            "https://h.example/v1/chat/completions",
        ),
        (
            "https://h.example/video",
            chat,
            "https://h.example/video/v1/chat/completions",
        ),
        (
            "https://h.example/v1",
            "models",
            "https://h.example/v1/models",
        ),
        ("https://h.example/v1", "/v1", "https://h.example/v1/v1"),
        (
            "http://[::1]:8080/v1",
            "/v1/models?a=b",
            "http://[::1]:8080/v1/models?a=b",
        ),
    ] {
        assert_eq!(url(base).join(path), joined, "{base} {path}");
    }
}

proptest! {
    #[test]
    fn parsing_is_total_and_settles(text in "(https?://)?[a-zA-Z0-9.:/@?#\\[\\]%\\\\é -]{0,40}") {
        if let Ok(parsed) = ProviderUrl::parse(&text) {
            let again = ProviderUrl::parse(parsed.as_str());
            prop_assert_eq!(again.as_ref(), Ok(&parsed), "{}", text);
            prop_assert!(!parsed.as_str().ends_with('/') && !parsed.host().is_empty());
            let joined = parsed.join("/v1/models");
            prop_assert!(joined.starts_with(parsed.as_str()));
        }
    }
}
