//! What the admin API added to both sorts of keys: as events, and as what comes back.

use foldgate_proto::event::{
    CallerKeyIssued, CallerKeyPatched, KeyAdded, KeyPatched, StateRestored,
};
use foldgate_proto::{
    AccountNumber, CallerKey, CallerKeyId, CallerKeyNumber, Change, Dialect, Event, JsonText,
    KeyHash, KeyId, KeyNumber, KeyTerms, ProviderConfig, ProviderKey, Record, Resource, ResourceId,
    Revision, Secrets,
};

use super::{AT, level, record, secret, uuid};

fn terms() -> KeyTerms {
    KeyTerms {
        disabled: true,
        rps: Some(5),
        concurrency: Some(4),
        more: Some(JsonText("{\"allowed_tools\":[\"search\"]}".to_owned())),
        ..KeyTerms::default()
    }
}

fn more() -> JsonText {
    let more = "{\"provider\":\"openai\",\"adapter\":\"openai\"}";
    JsonText(more.to_owned())
}

fn caller_key() -> CallerKey {
    CallerKey {
        id: CallerKeyId(uuid(8)),
        number: CallerKeyNumber(6),
        account: AccountNumber(1),
        name: "batch".to_owned(),
        hash: KeyHash([0xc2; 32]),
        mask: String::new(),
        previous: None,
        terms: terms().into(),
        created_at: AT,
        updated_at: AT,
        revision: Revision(15),
    }
}

pub(crate) fn provider_key() -> ProviderKey {
    ProviderKey {
        id: KeyId(uuid(4)),
        number: KeyNumber(126),
        name: "openai-main".to_owned(),
        level: level(1),
        provider: "https://api.openai.com/v1".to_owned(),
        config: ProviderConfig::STANDARD,
        secret: secret("sk-\u{2026}cdef"),
        secret_revision: Revision(3),
        disabled: None,
        more: Some(more()),
        more_secrets: Secrets::new().into(),
        created_at: AT,
        updated_at: AT,
        revision: Revision(16),
    }
}

pub(crate) fn records() -> Vec<(&'static str, Record)> {
    let (caller, provider) = (caller_key(), provider_key());
    let issued = Event::CallerKeyIssued(CallerKeyIssued {
        id: caller.id,
        number: caller.number,
        account: caller.account,
        name: caller.name.clone(),
        hash: caller.hash,
        mask: caller.mask.clone(),
        terms: terms(),
    });
    let patched = Event::CallerKeyPatched(CallerKeyPatched {
        number: caller.number,
        name: caller.name.clone(),
        terms: terms(),
    });
    let added = Event::KeyAdded(KeyAdded {
        id: provider.id,
        number: provider.number,
        name: provider.name.clone(),
        level: provider.level,
        provider: provider.provider.clone(),
        config: ProviderConfig::STANDARD,
        secret: provider.secret.clone(),
        enabled: true,
        more: Some(more()),
        more_secrets: Secrets::new(),
    });
    let speaks = Event::KeyPatched(KeyPatched {
        number: provider.number,
        config: Some(ProviderConfig::Standard {
            dialect: Some(Dialect::Anthropic),
        }),
        ..KeyPatched::default()
    });
    let tokens = Event::KeyPatched(KeyPatched {
        number: provider.number,
        config: Some(ProviderConfig::Vertex {
            base_url: Some("https://proxy.example.com/v1/projects/p/locations/eu".to_owned()),
            project_id: "my-project".to_owned(),
            location: "eu".to_owned(),
            client_email: "robot@my-project.iam.gserviceaccount.com".to_owned(),
            private_key: secret("[PRIVATE KEY \u{2026}abcd]"),
            token_uri: Some("https://proxy.example.com/token".to_owned()),
        }),
        ..KeyPatched::default()
    });
    let kept = Event::KeyPatched(KeyPatched {
        number: provider.number,
        more: Some(more()),
        ..KeyPatched::default()
    });
    let back = |resource, value| Change {
        resource,
        value: Some(value),
    };
    let restored = Event::StateRestored(StateRestored {
        revision: Revision(8),
        changes: vec![
            back(
                ResourceId::CallerKey(caller.number),
                Resource::CallerKey(Box::new(caller)),
            ),
            back(
                ResourceId::Key(provider.number),
                Resource::Key(Box::new(provider)),
            ),
        ],
    });
    vec![
        (
            "caller_key_issued_more",
            record("IssueCallerKey", vec![issued]),
        ),
        (
            "caller_key_patched_more",
            record("PatchCallerKey", vec![patched]),
        ),
        ("key_added_more", record("AddKey", vec![added])),
        ("key_patched_dialect", record("PatchKey", vec![speaks])),
        ("key_patched_token_uri", record("PatchKey", vec![tokens])),
        ("key_patched_more", record("PatchKey", vec![kept])),
        ("keys_restored_more", record("Restore", vec![restored])),
    ]
}
