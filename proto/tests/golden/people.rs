//! Samples of what happens to accounts, to the keys that are presented, and of
//! what is brought back.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_proto::event::{
    AccountAdded, AccountPatched, AccountRemoved, AdminKeyIssued, AdminKeyRevoked, CallerKeyIssued,
    CallerKeyPatched, CallerKeyRevoked, CallerKeyRotated, CreditGranted, OwnerKeyRotated,
    RecordUndone, StateRestored,
};
use foldgate_proto::{
    Account, AccountId, AccountNumber, Actor, ActorKind, AdminKey, AdminKeyId, AdminKeyNumber,
    AdminRole, CallerKey, CallerKeyId, CallerKeyNumber, Change, Credit, Disablement, Event,
    KeyHash, KeyId, KeyNumber, KeyTerms, List, ModelLimit, NanoDollars, News, NewsId, NewsNumber,
    NewsTarget, OwnerProfile, PreviousHash, Profile, ProviderKey, Rates, Record, Resource,
    ResourceId, Revision, Timestamp,
};

use super::{AT, azure, config, level, record, secret, uuid, vertex};

const LATER: Timestamp = Timestamp(AT.0 + 86_400_000);

fn hash(n: u8) -> KeyHash {
    KeyHash([n; 32])
}

fn set(items: &[&str]) -> List<String> {
    let items = items.iter().map(|item| (*item).to_owned());
    List::from(items.collect::<BTreeSet<String>>())
}

fn limit(rpm: u64) -> ModelLimit {
    ModelLimit {
        rpm: Some(rpm),
        rph: Some(2),
        rpd: Some(3),
        tpm: Some(4),
        tph: Some(5),
        tpd: Some(u64::MAX),
    }
}

fn profile() -> Profile {
    Profile {
        name: "team \u{e9}\u{4e2d}".to_owned(),
        email: "team@example.com".to_owned(),
        alias: "The team".to_owned().into(),
        billing_email: "bills@example.com".to_owned().into(),
        suspended: true,
        rates: Rates(1_250_000),
        limits: Some(Box::new(limit(1))),
        allow_ips: Some(set(&["10.0.0.0/8", "2001:db8::1"])),
        allow_models: Some(set(&["gpt-4*"])),
        allow_levels: Some(List::from(BTreeSet::from([level(1), level(9999)]))),
        resources: Some(set(&["/v1/chat"])),
        model_limits: BTreeMap::from([("gpt-4o".to_owned(), limit(7))]).into(),
        model_mapper: BTreeMap::from([("fast*".to_owned(), "gpt-4o-mini".to_owned())]).into(),
        hard_limit: Some(NanoDollars(100_500_000_000)),
        soft_limit: Some(NanoDollars(80_000_000_000)),
    }
}

/// As little as a profile may hold, and lists that allow nothing.
fn plain() -> Profile {
    Profile {
        name: "plain".to_owned(),
        email: "plain@example.com".to_owned(),
        allow_models: Some(set(&[])),
        ..Profile::default()
    }
}

fn terms() -> KeyTerms {
    KeyTerms {
        expires_at: Some(LATER),
        allow_models: Some(set(&["gpt-4o"])),
        limits: Some(Box::new(limit(3))),
        ..KeyTerms::default()
    }
}

fn account() -> Account {
    let credit = |amount| Credit {
        amount: NanoDollars(amount),
        granted_at: AT,
        expires_at: LATER,
    };
    Account {
        id: AccountId(uuid(7)),
        number: AccountNumber(42),
        parent: AccountNumber(1),
        profile: profile(),
        credits: vec![credit(20_000_000_000), credit(-1)].into(),
        created_at: AT,
        updated_at: LATER,
        revision: Revision(12),
    }
}

fn caller_key() -> CallerKey {
    CallerKey {
        id: CallerKeyId(uuid(8)),
        number: CallerKeyNumber(5),
        account: AccountNumber(42),
        name: "default".to_owned(),
        hash: hash(0xc1),
        mask: "sk-Fg\u{2026}abcd".to_owned(),
        previous: Some(Box::new(PreviousHash {
            hash: hash(0xc0),
            until: LATER,
        })),
        terms: terms().into(),
        created_at: AT,
        updated_at: LATER,
        revision: Revision(13),
    }
}

fn admin_key() -> AdminKey {
    AdminKey {
        id: AdminKeyId(uuid(9)),
        number: AdminKeyNumber(2),
        name: "on-call".to_owned(),
        role: AdminRole::Operator,
        hash: hash(0xad),
        mask: "fg-\u{2026}wxyz".to_owned(),
        expires_at: Some(LATER),
        created_at: AT,
        revision: Revision(14),
    }
}

fn provider_key(number: u64, config: foldgate_proto::ProviderConfig) -> ProviderKey {
    ProviderKey {
        id: KeyId(uuid(4)),
        number: KeyNumber(number),
        name: "OpenAI Production".to_owned(),
        level: level(1),
        provider: "https://api.openai.com".to_owned(),
        config,
        secret: secret("sk-\u{2026}cdef"),
        secret_revision: Revision(3),
        disabled: Some(Disablement {
            by: actor(ActorKind::Operator, "on-call"),
            reason: "spent".to_owned(),
            at: AT,
        }),
        more: None,
        more_secrets: BTreeMap::new().into(),
        created_at: AT,
        updated_at: LATER,
        revision: Revision(11),
    }
}

fn news() -> News {
    News {
        id: NewsId(uuid(5)),
        number: NewsNumber(7),
        title: "Maintenance".to_owned(),
        content: "tomorrow".to_owned(),
        target: Some(NewsTarget::Name("team".to_owned())),
        created_at: AT,
        expires_at: LATER,
        revision: Revision(10),
    }
}

fn actor(kind: ActorKind, name: &str) -> Actor {
    Actor {
        kind,
        name: name.to_owned(),
    }
}

fn back(resource: ResourceId, value: Resource) -> Change {
    Change {
        resource,
        value: Some(value),
    }
}

fn gone(resource: ResourceId) -> Change {
    Change {
        resource,
        value: None,
    }
}

/// Every kind of resource, coming back and, where it can, gone.
fn changes() -> Vec<Change> {
    let key = |number, config| {
        let value = Resource::Key(Box::new(provider_key(number, config)));
        back(ResourceId::Key(KeyNumber(number)), value)
    };
    let owner = OwnerProfile {
        name: "root".to_owned(),
        key_hash: vec![0x0e; 32],
        key_mask: "sk-Fg\u{2026}wxyz".to_owned(),
    };
    let patterns = BTreeMap::from([("gpt*".to_owned(), level(1))]);
    vec![
        back(ResourceId::Owner, Resource::Owner(Box::new(owner))),
        back(ResourceId::Config, Resource::Config(Box::new(config()))),
        back(ResourceId::Completed, Resource::Completed(patterns)),
        key(123, foldgate_proto::ProviderConfig::STANDARD),
        key(124, azure()),
        key(125, vertex()),
        gone(ResourceId::Key(KeyNumber(126))),
        back(
            ResourceId::News(NewsNumber(7)),
            Resource::News(Box::new(news())),
        ),
        gone(ResourceId::News(NewsNumber(8))),
        back(
            ResourceId::Account(AccountNumber(42)),
            Resource::Account(Box::new(account())),
        ),
        gone(ResourceId::Account(AccountNumber(43))),
        back(
            ResourceId::CallerKey(CallerKeyNumber(5)),
            Resource::CallerKey(Box::new(caller_key())),
        ),
        gone(ResourceId::CallerKey(CallerKeyNumber(6))),
        back(
            ResourceId::AdminKey(AdminKeyNumber(2)),
            Resource::AdminKey(Box::new(admin_key())),
        ),
        gone(ResourceId::AdminKey(AdminKeyNumber(3))),
    ]
}

pub(crate) fn records() -> Vec<(&'static str, Record)> {
    let mut records = admins();
    records.extend(accounts());
    records.extend(caller_keys());
    let undone = Event::RecordUndone(RecordUndone {
        revision: Revision(9),
        changes: changes(),
    });
    let restored = Event::StateRestored(StateRestored {
        revision: Revision(8),
        changes: changes(),
    });
    records.push(("record_undone", record("Undo", vec![undone])));
    records.push(("state_restored", record("Restore", vec![restored])));
    records
}

fn admins() -> Vec<(&'static str, Record)> {
    let rotated = Event::OwnerKeyRotated(OwnerKeyRotated {
        key_hash: hash(0x0e),
        key_mask: "sk-Fg\u{2026}mnop".to_owned(),
    });
    let issued = |number, role, expires_at| {
        Event::AdminKeyIssued(AdminKeyIssued {
            id: AdminKeyId(uuid(9)),
            number: AdminKeyNumber(number),
            name: role_name(role),
            role,
            hash: hash(0xad),
            mask: "fg-\u{2026}wxyz".to_owned(),
            expires_at,
        })
    };
    let every_role = vec![
        issued(1, AdminRole::Auditor, None),
        issued(2, AdminRole::Operator, Some(LATER)),
        issued(3, AdminRole::Owner, None),
    ];
    let revoked = Event::AdminKeyRevoked(AdminKeyRevoked {
        number: AdminKeyNumber(2),
    });
    let by_auditor = Record {
        actor: actor(ActorKind::Auditor, "books"),
        ..record("RevokeAdminKey", vec![revoked])
    };
    vec![
        ("owner_key_rotated", record("RotateOwnerKey", vec![rotated])),
        ("admin_key_issued", record("IssueAdminKey", every_role)),
        ("admin_key_revoked", by_auditor),
    ]
}

fn role_name(role: AdminRole) -> String {
    format!("the {role}")
}

fn accounts() -> Vec<(&'static str, Record)> {
    let added = |number, profile| {
        Event::AccountAdded(AccountAdded {
            id: AccountId(uuid(7)),
            number: AccountNumber(number),
            parent: AccountNumber(1),
            profile,
        })
    };
    let patched = Event::AccountPatched(AccountPatched {
        number: AccountNumber(42),
        profile: profile(),
    });
    let removed = Event::AccountRemoved(AccountRemoved {
        number: AccountNumber(42),
    });
    let granted = Event::CreditGranted(CreditGranted {
        account: AccountNumber(42),
        amount: NanoDollars(-2_500_000_000),
        expires_at: LATER,
    });
    let by_account = Record {
        actor: actor(ActorKind::Account, "team"),
        ..record("AddAccount", vec![added(42, profile()), added(43, plain())])
    };
    vec![
        ("account_added", by_account),
        ("account_patched", record("PatchAccount", vec![patched])),
        ("account_removed", record("RemoveAccount", vec![removed])),
        ("credit_granted", record("PatchAccount", vec![granted])),
    ]
}

fn caller_keys() -> Vec<(&'static str, Record)> {
    let number = CallerKeyNumber(5);
    let issued = |terms| {
        Event::CallerKeyIssued(CallerKeyIssued {
            id: CallerKeyId(uuid(8)),
            number,
            account: AccountNumber(42),
            name: "default".to_owned(),
            hash: hash(0xc0),
            mask: "sk-Fg\u{2026}abcd".to_owned(),
            terms,
        })
    };
    let patched = Event::CallerKeyPatched(CallerKeyPatched {
        number,
        name: "renamed".to_owned(),
        terms: terms(),
    });
    let rotated = |previous_until| {
        Event::CallerKeyRotated(CallerKeyRotated {
            number,
            hash: hash(0xc1),
            mask: "sk-Fg\u{2026}efgh".to_owned(),
            previous_until,
        })
    };
    let revoked = Event::CallerKeyRevoked(CallerKeyRevoked { number });
    let both = vec![issued(terms()), issued(KeyTerms::default())];
    let twice = vec![rotated(Some(LATER)), rotated(None)];
    vec![
        ("caller_key_issued", record("IssueCallerKey", both)),
        (
            "caller_key_patched",
            record("PatchCallerKey", vec![patched]),
        ),
        ("caller_key_rotated", record("RotateCallerKey", twice)),
        (
            "caller_key_revoked",
            record("RevokeCallerKey", vec![revoked]),
        ),
    ]
}

/// An undo takes fields out of resources by way of JSON: each must survive it.
#[test]
fn every_resource_survives_json() {
    for change in changes() {
        let json = serde_json::to_value(&change).expect("it can be written");
        let read: Change = serde_json::from_value(json).expect("it can be read");
        assert_eq!(read, change);
    }
}

#[test]
fn every_resource_has_a_name_that_reads_back() {
    for change in changes() {
        let name = change.resource.to_string();
        assert_eq!(name.parse::<ResourceId>(), Ok(change.resource), "{name}");
    }
    for odd in ["", "key", "key/", "key/x", "key/+1", "keys/1", "owner/1"] {
        assert!(odd.parse::<ResourceId>().is_err(), "{odd:?}");
    }
}

/// What later programs leave out or add must not trouble this one.
#[test]
fn missing_fields_take_their_defaults_and_unknown_ones_are_passed_over() {
    let json = serde_json::json!({"name": "n", "email": "e", "yet_to_come": [1]});
    let read: Profile = serde_json::from_value(json).expect("readable");
    assert_eq!(read.rates, Rates::ONE);
    assert_eq!(read.allow_models, None, "no list is no restriction");
    let empty: KeyTerms = serde_json::from_str("{}").expect("readable");
    assert_eq!(empty, KeyTerms::default());
}
