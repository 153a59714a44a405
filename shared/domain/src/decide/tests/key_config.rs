//! A key's `Config`: what changes goes over what there is, and the whole must fit.

use foldgate_proto::{Dialect, Event, MaskedSecret, ProviderConfig, Sealed};

use super::given::{Given, add, given, key, level, map, number, secret};
use crate::command::{
    AddKey, Change, ConfigFields, ConfigPatch, PatchKey, PrivateKey, VertexPatch,
};
use crate::decide::Warning;
use crate::{Command, Kind};

mod elsewhere;

const US: &str = "https://us-central1-aiplatform.googleapis.com";
const GLOBAL: &str = "https://aiplatform.googleapis.com";
const PROJECT: &str = "my-project";
const EMAIL: &str = "robot@my-project.iam.gserviceaccount.com";

fn whole() -> VertexPatch {
    VertexPatch {
        project_id: Some(PROJECT.to_owned()),
        client_email: Some(EMAIL.to_owned()),
        private_key: Some(PrivateKey::Sealed(secret())),
        ..VertexPatch::default()
    }
}

fn named(fields: ConfigFields) -> ConfigPatch {
    ConfigPatch {
        is_named: true,
        fields,
    }
}

fn vertex_at(host: &str, change: impl FnOnce(&mut VertexPatch)) -> Command {
    let mut patch = whole();
    change(&mut patch);
    Command::AddKey(AddKey {
        config: named(ConfigFields::Vertex(patch)),
        ..key(9, host, 3)
    })
}

fn patch(change: impl FnOnce(&mut PatchKey)) -> Command {
    let mut patch = PatchKey {
        number: number(1),
        ..PatchKey::default()
    };
    change(&mut patch);
    Command::PatchKey(patch)
}

/// A change that does not name the kind.
fn vertex(change: impl FnOnce(&mut VertexPatch)) -> Command {
    let mut fields = VertexPatch::default();
    change(&mut fields);
    let config = ConfigPatch {
        is_named: false,
        fields: ConfigFields::Vertex(fields),
    };
    patch(|p| p.config = Some(config))
}

fn azure(models: Option<&'static str>, version: Option<&'static str>) -> Command {
    let one = |name, value: &'static str| map([(name, value.to_owned())]);
    let config = ConfigPatch {
        is_named: false,
        fields: ConfigFields::Azure {
            model_mapping: models.map(|deployment| one("gpt-4o", deployment)),
            api_versions: version.map(|version| one("chat", version)),
        },
    };
    patch(|p| p.config = Some(config))
}

fn config(given: &Given) -> &ProviderConfig {
    &given.owner().keys[&number(1)].config
}

fn set(template: &str) -> Change<String> {
    Change::Set(template.to_owned())
}

#[test]
fn every_rule_of_a_vertex_key_is_decided() {
    let given = given();
    let refuse = |param: &str, command: &Command| {
        let rejection = given.refused(command);
        let told = (rejection.param(), rejection.kind());
        assert_eq!(told, (Some(param), Kind::Invalid), "{rejection}");
    };
    for host in [
        "https://evil.example.com",
        "https://us-central1-aiplatform.googleapis.com.evil.example",
        "https://aiplatform.xx.rep.googleapis.com",
        "http://us-central1-aiplatform.googleapis.com",
        "https://us-central1-aiplatform.googleapis.com:8443",
        "no url",
    ] {
        refuse("Provider", &vertex_at(host, |_| ()));
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
        let command = vertex_at(US, |p| p.project_id = Some(project.to_owned()));
        refuse("Config.project_id", &command);
    }
    for email in ["", "svc", "@x.y", "svc@host", "a b@x.y", "a@b@c.d"] {
        let command = vertex_at(US, |p| p.client_email = Some(email.to_owned()));
        refuse("Config.client_email", &command);
    }
    for template in [
        "https://evil.example/v1".to_owned(),
        "http://us-central1-aiplatform.googleapis.com/v1".to_owned(),
        format!("{US}/{{region}}"),
        "https://{project}-aiplatform.googleapis.com/v1".to_owned(),
        format!("{US}/v1/projects/another/locations/{{location}}"),
        format!("{US}/v1/projects/{{project}}/locations/us-east1"),
        "{location}".to_owned(),
    ] {
        let command = vertex_at(US, |p| p.base_url = set(&template));
        refuse("Config.base_url", &command);
    }
    let said = vertex_at(US, |p| p.location = Some("us-east1".to_owned()));
    refuse("Config.location", &said);
    refuse("Config.project_id", &vertex_at(US, |p| p.project_id = None));
    let nobody = vertex_at(US, |p| p.client_email = None);
    refuse("Config.client_email", &nobody);
    let keyless = vertex_at(US, |p| p.private_key = None);
    refuse("Config.private_key", &keyless);
    let mask = PrivateKey::Mask("[PRIVATE KEY ...abcd]".to_owned());
    let masked = vertex_at(US, |p| p.private_key = Some(mask));
    refuse("Config.private_key", &masked);
}

#[test]
fn a_vertex_key_that_keeps_the_rules_is_added() {
    for (host, project, template) in [
        (US, PROJECT, None),
        (US, "example.com:my-project", None),
        (US, "123456789012", None),
        (
            US,
            PROJECT,
            Some(format!(
                "{US}/v1/projects/{{project}}/locations/{{location}}"
            )),
        ),
        (
            US,
            PROJECT,
            Some("https://{location}-aiplatform.googleapis.com/v1".to_owned()),
        ),
        (
            US,
            PROJECT,
            Some(format!("{US}/v1/projects/{PROJECT}/locations/us-central1")),
        ),
        ("https://aiplatform.eu.rep.googleapis.com", PROJECT, None),
    ] {
        let mut given = given();
        given.done(&vertex_at(host, |p| {
            p.project_id = Some(project.to_owned());
            p.base_url = template.as_deref().map_or(Change::Clear, set);
        }));
        let ProviderConfig::Vertex {
            location, base_url, ..
        } = config(&given)
        else {
            panic!("{:?}", config(&given));
        };
        assert!(
            host.contains(location.as_str()),
            "the host says the location"
        );
        assert_eq!(*base_url, template);
    }
}

#[test]
fn a_standard_key_says_what_it_speaks() {
    let mut given = given().and(&add(1, "https://llm.example.com", 1));
    let speaks = |dialect| {
        let fields = ConfigFields::Standard { dialect };
        patch(|p| p.config = Some(named(fields)))
    };
    given.done(&speaks(Change::Set(Dialect::Gemini)));
    let said = ProviderConfig::Standard {
        dialect: Some(Dialect::Gemini),
    };
    assert_eq!(*config(&given), said);
    assert!(given.done(&speaks(Change::Keep)).is_empty());
    given.done(&speaks(Change::Clear));
    assert_eq!(*config(&given), ProviderConfig::STANDARD);
}

#[test]
fn a_vertex_key_is_checked_as_it_will_be_whoever_changed_the_other_half() {
    let mut given = given().and(&vertex_at(US, |_| ()));
    given.done(&patch(|p| p.provider = Some(GLOBAL.to_owned())));
    assert!(
        matches!(config(&given), ProviderConfig::Vertex { location, .. } if location == "global")
    );
    for elsewhere in [
        "https://evil.example.com",
        "http://aiplatform.googleapis.com",
        "https://aiplatform.googleapis.com:8443",
    ] {
        let to = patch(|p| p.provider = Some(elsewhere.to_owned()));
        assert_eq!(given.refused(&to).param(), Some("Provider"));
    }
    // A location that was shown before the move may come back.
    given.done(&vertex(|p| p.location = Some("global".to_owned())));
    // A template binds the key to its host and its project.
    given.done(&vertex(|p| {
        p.base_url = set(&format!("{GLOBAL}/v1/projects/{PROJECT}"));
    }));
    let moves = patch(|p| p.provider = Some(US.to_owned()));
    assert_eq!(given.refused(&moves).param(), Some("Config.base_url"));
    let other = vertex(|p| p.project_id = Some("other-project".to_owned()));
    assert_eq!(given.refused(&other).param(), Some("Config.base_url"));
}

#[test]
fn a_key_elsewhere_does_not_become_a_vertex_key() {
    let mut given = given().and(&add(1, "https://evil.example.com", 1));
    let turned = patch(|p| p.config = Some(named(ConfigFields::Vertex(whole()))));
    assert_eq!(given.refused(&turned).param(), Some("Provider"));
    given.done(&patch(|p| p.level = Some(level(2))));
}

#[test]
fn two_changes_made_at_once_both_stand() {
    // Both were read from the same key; neither says what the other changes.
    let mut given = given().and(&vertex_at(US, |_| ()));
    given.done(&vertex(|p| p.project_id = Some("other-project".to_owned())));
    given.done(&vertex(|p| p.base_url = set(&format!("{US}/v1"))));
    let ProviderConfig::Vertex {
        base_url,
        project_id,
        client_email,
        ..
    } = config(&given)
    else {
        panic!("{:?}", config(&given));
    };
    assert_eq!(
        (
            project_id.as_str(),
            base_url.as_deref(),
            client_email.as_str()
        ),
        ("other-project", Some(&*format!("{US}/v1")), EMAIL)
    );

    let mut given = super::given::given().and(&Command::AddKey(AddKey {
        config: named(ConfigFields::Azure {
            model_mapping: None,
            api_versions: None,
        }),
        ..key(1, "https://x.openai.azure.com", 2)
    }));
    given.done(&azure(Some("deployment"), None));
    given.done(&azure(None, Some("2025-01-01")));
    let expected = ProviderConfig::Azure {
        model_mapping: map([("gpt-4o", "deployment".to_owned())]),
        api_versions: map([("chat", "2025-01-01".to_owned())]),
    };
    assert_eq!(*config(&given), expected);
}

#[test]
fn a_change_for_another_kind_than_the_key_has_by_now_is_refused() {
    let mut given = given().and(&vertex_at(US, |_| ()));
    let to_azure = named(ConfigFields::Azure {
        model_mapping: None,
        api_versions: None,
    });
    let decision = given.when(&patch(|p| p.config = Some(to_azure.clone())));
    let warnings = decision.expect("legal").warnings;
    assert!(warnings.contains(&Warning::NoDeployments), "{warnings:?}");
    assert!(
        warnings
            .iter()
            .any(|warning| warning.to_string().contains("from vertex to azure")),
        "{warnings:?}"
    );
    given.done(&patch(|p| p.config = Some(to_azure)));
    // Sent by somebody who saw a Vertex key, and did not name the kind.
    let late = vertex(|p| p.project_id = Some("other-project".to_owned()));
    let rejection = given.refused(&late);
    assert_eq!(rejection.param(), Some("Config"));
    assert!(
        rejection.to_string().contains("is azure by now"),
        "{rejection}"
    );
    // Nothing of before is left where the kind is named.
    let back = VertexPatch {
        private_key: None,
        ..whole()
    };
    let back = patch(|p| p.config = Some(named(ConfigFields::Vertex(back))));
    assert_eq!(given.refused(&back).param(), Some("Config.private_key"));
}

#[test]
fn a_private_key_goes_with_its_account() {
    let mut given = given().and(&vertex_at(US, |_| ()));
    let other = || Some("other@my-project.iam.gserviceaccount.com".to_owned());
    let mask = || Some(PrivateKey::Mask(secret().mask));
    for command in [
        vertex(|p| p.client_email = other()),
        vertex(|p| {
            p.client_email = other();
            p.private_key = mask();
        }),
        vertex(|p| p.private_key = Some(PrivateKey::Mask("[PRIVATE KEY ...wxyz]".to_owned()))),
    ] {
        assert_eq!(given.refused(&command).param(), Some("Config.private_key"));
    }
    assert!(given.done(&vertex(|p| p.private_key = mask())).is_empty());
    let new = MaskedSecret {
        sealed: Sealed(vec![9]),
        mask: "[PRIVATE KEY ...new1]".to_owned(),
    };
    let events = given.done(&vertex(|p| {
        p.client_email = other();
        p.private_key = Some(PrivateKey::Sealed(new.clone()));
    }));
    let [Event::KeyPatched(event)] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(
        event.config.as_ref(),
        Some(config(&given)),
        "whole in the log"
    );
    assert!(
        matches!(config(&given), ProviderConfig::Vertex { private_key, .. } if *private_key == new)
    );
}
