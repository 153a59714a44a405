use super::options::{Credentials, Options, servers};
use crate::Error;

fn password(user: &str, password: &str) -> Credentials {
    Credentials::Password(user.to_owned(), password.to_owned())
}

#[test]
fn credentials_are_taken_out_of_the_urls_and_decoded() {
    let read = servers("nats://us%40er:p%3Aw%25@one:4000, nats://two, three:5000").unwrap();
    assert_eq!(
        read.addresses,
        ["nats://one:4000", "nats://two:4222", "nats://three:5000"]
    );
    assert!(read.credentials == password("us@er", "p:w%"));
    let read = servers("tls://t%2Foken@one").unwrap();
    assert_eq!(read.addresses, ["tls://one:4222"]);
    assert!(read.credentials == Credentials::Token("t/oken".to_owned()));
    assert!(servers("127.0.0.1:4222").unwrap().credentials == Credentials::None);
    assert_eq!(
        servers("[::1]:4222").unwrap().addresses,
        ["nats://[::1]:4222"]
    );
}

#[test]
fn urls_that_cannot_be_used_are_refused_without_showing_them() {
    let bad = [
        "",
        "http://user:secret@one",
        "nats://user:secret@one:99999",
        "nats://user:secret@one,nats://user:other-secret@two",
        "nats://user:sec%ffret@one",
        "nats://user:secret%4@one",
        "nats://user:secret@",
    ];
    for text in bad {
        let Err(error) = servers(text) else {
            panic!("{text} was taken");
        };
        assert!(matches!(error, Error::Invalid(_)));
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let many = vec!["one"; 33].join(",");
    assert!(servers(&many).is_err());
}

#[test]
fn debug_shows_no_credentials() {
    let options = Options {
        urls: "nats://user:secret@one".to_owned(),
        system_url: Some("nats://sys:secret@one".to_owned()),
        monitor_url: Some("http://user:secret@one".to_owned()),
        ..Options::default()
    };
    assert!(!format!("{options:?}").contains("secret"));
}
