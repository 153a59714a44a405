//! Secrets in what is kept of provider keys for the admin API.

use foldgate_proto::event::{KeyAdded, KeyPatched, StateRestored};
use foldgate_proto::{
    Change, Event, JsonText, ProviderConfig, ProviderKey, Record, Resource, ResourceId, Revision,
    Secrets,
};

use super::keys::provider_key;
use super::{record, secret};

/// What is kept with a header whose value is sealed.
fn sealed() -> (JsonText, Secrets) {
    let more = "{\"request\":{\"default_headers\":{\"x-team\":\"tok...cdef\"}}}";
    let at = "/request/default_headers/x-team".to_owned();
    (
        JsonText(more.to_owned()),
        [(at, secret("tok...cdef"))].into(),
    )
}

pub(crate) fn records() -> Vec<(&'static str, Record)> {
    let provider = provider_key();
    let (sealed, secrets) = sealed();
    let hidden = Event::KeyPatched(KeyPatched {
        number: provider.number,
        more: Some(sealed.clone()),
        more_secrets: secrets.clone(),
        ..KeyPatched::default()
    });
    let brought = Event::KeyAdded(KeyAdded {
        id: provider.id,
        number: provider.number,
        name: provider.name.clone(),
        level: provider.level,
        provider: provider.provider.clone(),
        config: ProviderConfig::STANDARD,
        secret: provider.secret.clone(),
        enabled: true,
        more: Some(sealed.clone()),
        more_secrets: secrets.clone(),
    });
    let hiding = ProviderKey {
        more: Some(sealed),
        more_secrets: secrets.into(),
        ..provider
    };
    let restored = Event::StateRestored(StateRestored {
        revision: Revision(8),
        changes: vec![Change {
            resource: ResourceId::Key(hiding.number),
            value: Some(Resource::Key(Box::new(hiding))),
        }],
    });
    vec![
        ("key_patched_more_secrets", record("PatchKey", vec![hidden])),
        ("key_added_more_secrets", record("AddKey", vec![brought])),
        (
            "key_restored_more_secrets",
            record("Restore", vec![restored]),
        ),
    ]
}
