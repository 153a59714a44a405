//! What names what, and what matches.

use foldgate_proto::{KeyId, MaskedSecret, ProviderConfig, Revision, Sealed, Timestamp};
use uuid::Uuid;

use super::*;

fn key(number: u64, level: u64, provider: &str) -> ProviderKey {
    ProviderKey {
        id: KeyId(Uuid::from_u128(u128::from(number))),
        number: KeyNumber(number),
        name: String::new(),
        level: Level::new(level).unwrap(),
        provider: provider.to_owned(),
        config: ProviderConfig::STANDARD,
        secret: MaskedSecret {
            sealed: Sealed(Vec::new()),
            mask: String::new(),
        },
        secret_revision: Revision(1),
        disabled: None,
        more: None,
        more_secrets: std::collections::BTreeMap::new().into(),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        revision: Revision(1),
    }
}

#[test]
fn a_path_names_an_id_a_level_or_a_provider() {
    assert_eq!(Named::parse("12").unwrap(), Named::Id(KeyNumber(12)));
    let level = Level::new(2).unwrap();
    assert_eq!(Named::parse("L2").unwrap(), Named::Level(level));
    assert!(matches!(
        Named::parse("Lab.example"),
        Ok(Named::Provider(_))
    ));
    for text in [
        "api.openai.com",
        "localhost",
        "gateway:8080",
        "127.0.0.1",
        "[::1]:8080",
        "https://api.openai.com",
        "https:/api.openai.com",
        "http:/gateway",
        "api.openai.com/v1",
    ] {
        assert!(
            matches!(Named::parse(text), Ok(Named::Provider(_))),
            "{text}"
        );
    }
    assert_eq!(
        Named::parse("https:/api.openai.com/v1").unwrap(),
        Named::parse("https://api.openai.com/v1").unwrap()
    );
}

#[test]
fn what_can_be_none_of_these_is_not_there() {
    for text in [
        "L",
        "foo",
        "12x",
        "+12",
        "-1",
        "two words",
        "two.words here",
        "127.1",
        "0x7f.1",
        "ftp://host.example",
        "99999999999999999999",
    ] {
        let error = Named::parse(text).unwrap_err();
        assert_eq!(error.status().as_u16(), 404, "{text}: {error}");
        assert_eq!(error.code(), "key_not_found");
    }
}

#[test]
fn a_level_beyond_the_greatest_and_a_text_that_is_no_host_are_refused() {
    assert!(Named::parse("L10000").is_err());
    assert!(Filter::parse("level=x").is_err());
    assert!(Filter::parse("id=-1").is_err());
    assert!(Filter::parse("id=%2B1").is_err());
    assert!(Filter::parse("provider=127.1").is_err());
    assert!(Filter::parse("provider=%20").is_err());
}

#[test]
fn a_provider_is_meant_by_host_by_host_and_port_and_by_url() {
    let openai = key(1, 1, "https://api.openai.com");
    let local = key(2, 1, "http://127.0.0.1:8080/v1");
    let cases = [
        ("api.openai.com", true, false),
        ("API.OpenAI.com", true, false),
        ("api.openai.com:443", true, false),
        ("api.openai.com:8443", false, false),
        ("https://api.openai.com", true, false),
        ("https://api.openai.com/", true, false),
        ("http://api.openai.com", false, false),
        ("openai.com", false, false),
        ("127.0.0.1", false, true),
        ("127.0.0.1:8080", false, true),
        ("127.0.0.1:8081", false, false),
        ("127.0.0.1:8080/v1", false, true),
        ("http://127.0.0.1:8080", false, true),
        ("http://127.0.0.1:8080/v1", false, true),
        ("http://127.0.0.1:8080/v2", false, false),
    ];
    for (text, first, second) in cases {
        let filter = ProviderFilter::parse(text).unwrap();
        assert_eq!(
            filter.matches(&openai),
            first,
            "{text} on {}",
            openai.provider
        );
        assert_eq!(
            filter.matches(&local),
            second,
            "{text} on {}",
            local.provider
        );
    }
}

#[test]
fn filters_combine() {
    let key = key(5, 2, "https://api.openai.com");
    let matches = |query: &str| Filter::parse(query).unwrap().matches(&key);
    assert!(matches(""));
    assert!(matches("id=5&level=2&provider=api.openai.com"));
    assert!(matches("level=L2"));
    assert!(matches("level=&id="), "an empty value filters nothing");
    assert!(!matches("id=5&level=3"));
    assert!(!matches("id=6&level=2"));
}
