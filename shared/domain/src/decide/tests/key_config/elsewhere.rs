//! A Vertex key that calls another host than Google's, or has its tokens from one.

use super::*;

const PROXY: &str = "https://proxy.example.com";

#[test]
fn a_host_before_vertex_needs_a_template_that_names_the_location() {
    let refuse = |host: &str, template: Option<&str>| {
        let command = vertex_at(host, |p| p.base_url = template.map_or(Change::Keep, set));
        given().refused(&command).param().map(str::to_owned)
    };
    let provider = Some("Provider".to_owned());
    assert_eq!(refuse(PROXY, None), provider);
    for template in [
        "https://proxy.example.com/v1/projects/{project}/locations/{location}",
        "https://proxy.example.com/v1/projects/{project}/locations/",
        "https://proxy.example.com/v1/projects/{project}/locations/US",
        "https://proxy.example.com/v1",
    ] {
        assert_eq!(refuse(PROXY, Some(template)), provider, "{template}");
    }
    let open = "http://proxy.example.com/v1/locations/us-east1";
    assert_eq!(refuse("http://proxy.example.com", Some(open)), provider);
    let elsewhere = "https://other.example.com/v1/locations/us-east1";
    let template = Some("Config.base_url".to_owned());
    assert_eq!(refuse(PROXY, Some(elsewhere)), template);
    for host in [PROXY, "http://127.0.0.1:9000", "https://localhost:9000"] {
        let mut given = given();
        given.done(&vertex_at(host, |p| {
            p.base_url = set(&format!(
                "{host}/v1/projects/{{project}}/locations/us-east1"
            ));
        }));
        let ProviderConfig::Vertex { location, .. } = config(&given) else {
            panic!("{:?}", config(&given));
        };
        assert_eq!(location, "us-east1");
        // The template goes, and with it the location.
        let bare = vertex(|p| p.base_url = Change::Clear);
        assert_eq!(given.refused(&bare).param(), Some("Provider"));
    }
}

#[test]
fn tokens_come_from_where_nobody_listens() {
    let mut given = given().and(&vertex_at(US, |_| ()));
    for uri in [
        "http://tokens.example.com",
        "tokens",
        "https://u@h/token",
        "",
    ] {
        let command = vertex(|p| p.token_uri = set(uri));
        assert_eq!(
            given.refused(&command).param(),
            Some("Config.token_uri"),
            "{uri}"
        );
    }
    let uri = |given: &Given| match config(given) {
        ProviderConfig::Vertex { token_uri, .. } => token_uri.clone(),
        other => panic!("{other:?}"),
    };
    for there in [
        "https://tokens.example.com/token",
        "http://127.0.0.1:9000/token",
    ] {
        given.done(&vertex(|p| p.token_uri = set(there)));
        assert_eq!(uri(&given).as_deref(), Some(there));
    }
    given.done(&vertex(|p| p.project_id = Some("other-project".to_owned())));
    assert!(uri(&given).is_some(), "what is not named stays");
    given.done(&vertex(|p| p.token_uri = Change::Clear));
    assert_eq!(uri(&given), None);
}
