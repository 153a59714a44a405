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
    let path = "/v1/projects/{project}/locations/{location}";
    let host = "https://us-central1-aiplatform.googleapis.com";
    assert!(check_base_url(&format!("{host}{path}"), &provider).is_ok());
    assert!(check_base_url(&format!("https://evil.example{path}"), &provider).is_err());
    assert!(check_base_url(&format!("http://{}{path}", &host[8..]), &provider).is_err());
    assert!(check_base_url(&format!("{host}/{{region}}"), &provider).is_err());
}

#[test]
fn private_keys_in_both_forms_and_with_escaped_line_ends() {
    let rsa = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n";
    let pkcs8 = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----";
    assert_eq!(private_key(rsa).unwrap(), rsa);
    assert_eq!(private_key(pkcs8).unwrap(), format!("{pkcs8}\n"));
    assert_eq!(private_key(&rsa.replace('\n', "\\n")).unwrap(), rsa);
    assert_eq!(private_key(&rsa.replace('\n', "\r\n")).unwrap(), rsa);
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
