//! Vertex rules, each with what passes and what does not.

use super::*;

fn url(text: &str) -> ProviderUrl {
    ProviderUrl::parse(text).unwrap()
}

#[test]
fn the_host_says_the_location() {
    let cases = [
        (
            "https://us-central1-aiplatform.googleapis.com",
            Some("us-central1"),
        ),
        (
            "https://europe-west4-aiplatform.googleapis.com/v1",
            Some("europe-west4"),
        ),
        ("https://aiplatform.googleapis.com", Some("global")),
        ("https://aiplatform.us.rep.googleapis.com", Some("us")),
        ("https://aiplatform.eu.rep.googleapis.com", Some("eu")),
        ("https://aiplatform.xx.rep.googleapis.com", None),
        ("https://-aiplatform.googleapis.com", None),
        (
            "https://evil.example/us-central1-aiplatform.googleapis.com",
            None,
        ),
        (
            "https://us-central1-aiplatform.googleapis.com.evil.example",
            None,
        ),
        ("https://a.b-aiplatform.googleapis.com", None),
        ("https://evil-aiplatform.googleapis.com", None),
        ("http://us-central1-aiplatform.googleapis.com", None),
        ("https://us-central1-aiplatform.googleapis.com:8443", None),
    ];
    for (host, expected) in cases {
        assert_eq!(location(&url(host)).ok().as_deref(), expected, "{host}");
    }
}

#[test]
fn projects() {
    for project in ["my-gcp-project", "example.com:my-project", "123456789012"] {
        assert!(check_project(project).is_ok(), "{project}");
    }
    for project in [
        "",
        "My-Project",
        "a b",
        "-ab-cd",
        "abcdef-",
        "x/../y",
        "1abcdef",
    ] {
        assert!(check_project(project).is_err(), "{project}");
    }
}

#[test]
fn service_accounts() {
    assert!(check_email("svc@my-gcp-project.iam.gserviceaccount.com").is_ok());
    for email in ["", "svc", "@x.y", "svc@host", "a b@x.y", "a@b@c.d"] {
        assert!(check_email(email).is_err(), "{email}");
    }
}

#[test]
fn the_template_stays_on_the_provider_s_host() {
    let provider = url("https://us-central1-aiplatform.googleapis.com");
    let fits = |template: &str| check_base_url(template, &provider, "my-project").is_ok();
    let path = "/v1/projects/{project}/locations/{location}";
    let host = "https://us-central1-aiplatform.googleapis.com";
    for template in [
        format!("{host}{path}"),
        format!("https://{{location}}-aiplatform.googleapis.com{path}"),
        format!("{host}/v1/projects/my-project/locations/us-central1"),
        format!("{host}/v1"),
    ] {
        assert!(fits(&template), "{template}");
    }
    for template in [
        format!("https://evil.example{path}"),
        format!("http://{}{path}", &host[8..]),
        format!("{host}/{{region}}"),
        format!("https://{{project}}-aiplatform.googleapis.com{path}"),
        format!("{host}/v1/projects/another/locations/{{location}}"),
        format!("{host}/v1/projects/{{project}}/locations/us-east1"),
        "{location}".to_owned(),
    ] {
        assert!(!fits(&template), "{template}");
    }
}

/// A key's outline: a SEQUENCE of this many bytes with a version in it.
fn der(content: usize) -> Vec<u8> {
    let length = u16::try_from(content).unwrap().to_be_bytes();
    let mut der = vec![0x30, 0x82, length[0], length[1], 2, 1, 0];
    der.resize(content + 4, 0x42);
    der
}

fn pem(der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
}

#[test]
fn a_whole_key_is_one_sequence_with_a_version() {
    let whole = der(1200);
    assert_eq!(private_key(&pem(&whole)).unwrap(), (pem(&whole), false));
    let mut longer = whole.clone();
    longer.push(0);
    let mut other = whole.clone();
    other[0] = 0x31;
    let mut unversioned = whole.clone();
    unversioned[4] = 4;
    for bad in [&whole[..1000], &longer, &other, &unversioned] {
        assert!(private_key(&pem(bad)).is_err());
    }
    let odd = pem(&whole).replace("QkJC", "QkJ");
    assert!(private_key(&odd).is_err(), "no base64");
}

#[test]
fn the_longest_key_is_named() {
    let error = private_key(&"x".repeat(MAX_PRIVATE_KEY_BYTES + 1)).unwrap_err();
    assert_eq!(error.param(), Some("Config.private_key"));
    assert!(error.to_string().contains("16384"), "{error}");
}

#[test]
fn private_keys_in_both_forms_and_with_escaped_line_ends() {
    let rsa = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n";
    let pkcs8 = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----";
    assert_eq!(private_key(rsa).unwrap(), (rsa.to_owned(), true));
    assert_eq!(private_key(pkcs8).unwrap().0, format!("{pkcs8}\n"));
    assert_eq!(private_key(&rsa.replace('\n', "\\n")).unwrap().0, rsa);
    assert_eq!(private_key(&rsa.replace('\n', "\r\n")).unwrap().0, rsa);
}

#[test]
fn other_texts_are_no_private_keys() {
    for text in [
        "",
        "MIIE",
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nM!IE\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIE",
    ] {
        assert!(private_key(text).is_err(), "{text:?}");
    }
}
