//! What happens to accounts and presented keys, and what is brought back, as no
//! decision would make it: values under names of another kind among them.

use foldgate_proto::event::{
    AccountAdded, AccountPatched, AccountRemoved, AdminKeyIssued, AdminKeyRevoked, CallerKeyIssued,
    CallerKeyPatched, CallerKeyRevoked, CallerKeyRotated, CreditGranted, OwnerKeyRotated,
    RecordUndone, StateRestored,
};
use foldgate_proto::{
    Account, AccountId, AccountNumber, AdminKey, AdminKeyId, AdminKeyNumber, AdminRole, CallerKey,
    CallerKeyId, CallerKeyNumber, Change, Credit, Disablement, Event, KeyHash, KeyId, KeyTerms,
    List, NanoDollars, News, NewsId, NewsNumber, OwnerProfile, PreviousHash, Profile, ProviderKey,
    Rates, Resource, ResourceId, Revision, Timestamp,
};
use proptest::prelude::*;
use uuid::Uuid;

use super::definitions::{definition, definition_id};
use super::{
    config, hidden, level, levels, more, number, pattern, provider, provider_config, secret,
};

/// Few hashes, those of owner keys among them, so that they collide.
pub(in super::super) const HASHES: std::ops::Range<u8> = 0..6;

fn hash() -> impl Strategy<Value = KeyHash> {
    HASHES.prop_map(|n| KeyHash([n; 32]))
}

fn account() -> impl Strategy<Value = AccountNumber> {
    prop_oneof![9 => 0..6_u64, 1 => u64::MAX - 1..=u64::MAX].prop_map(AccountNumber)
}

fn caller_key() -> impl Strategy<Value = CallerKeyNumber> {
    (0..5_u64).prop_map(CallerKeyNumber)
}

fn admin_key() -> impl Strategy<Value = AdminKeyNumber> {
    (0..4_u64).prop_map(AdminKeyNumber)
}

fn at() -> impl Strategy<Value = Timestamp> {
    (0..40_i64).prop_map(|at| Timestamp(at * 5_000_000))
}

fn texts(text: &'static str) -> impl Strategy<Value = Option<List<String>>> {
    let list = proptest::collection::btree_set(text, 0..3).prop_map(List::from);
    proptest::option::of(list)
}

fn profile() -> impl Strategy<Value = Profile> {
    let levels = proptest::collection::btree_set(level(), 0..3).prop_map(List::from);
    (
        ("[aAbB]", "[aAbB]@c", any::<bool>(), 0..3_u64),
        texts("10\\.0\\.0\\.0/8|127\\.0\\.0\\.1|::1|odd"),
        texts("[ab*]{1,2}|gpt\\*"),
        proptest::option::of(levels),
        texts("/v1/(chat|audio)|odd"),
        proptest::collection::btree_map(pattern(), "[ab]{1,2}", 0..2),
    )
        .prop_map(
            |(
                (name, email, odd, rates),
                allow_ips,
                allow_models,
                allow_levels,
                resources,
                mapper,
            )| Profile {
                name,
                email,
                suspended: odd && rates == 0,
                rates: Rates(rates),
                allow_ips,
                allow_models,
                allow_levels,
                resources,
                model_mapper: mapper.into(),
                hard_limit: odd.then_some(NanoDollars(-1)),
                ..Profile::default()
            },
        )
}

fn terms() -> impl Strategy<Value = KeyTerms> {
    let bounds = (any::<bool>(), proptest::option::of(0..3_u32), more());
    (proptest::option::of(at()), texts("[ab*]{1,2}"), bounds).prop_map(
        |(expires_at, allow_models, (disabled, concurrency, more))| KeyTerms {
            expires_at,
            allow_models,
            limits: None,
            disabled,
            rps: concurrency.map(u64::from),
            concurrency,
            more,
        },
    )
}

fn caller_keys() -> impl Strategy<Value = Event> {
    let issued =
        (caller_key(), account(), hash(), terms()).prop_map(|(number, account, hash, terms)| {
            Event::CallerKeyIssued(CallerKeyIssued {
                id: CallerKeyId(Uuid::from_u128(1)),
                number,
                account,
                name: "key".to_owned(),
                hash,
                mask: "mask".to_owned(),
                terms,
            })
        });
    let rotated = (caller_key(), hash(), proptest::option::of(at())).prop_map(
        |(number, hash, previous_until)| {
            Event::CallerKeyRotated(CallerKeyRotated {
                number,
                hash,
                mask: "new".to_owned(),
                previous_until,
            })
        },
    );
    prop_oneof![
        3 => issued,
        2 => rotated,
        1 => (caller_key(), terms()).prop_map(|(number, terms)| {
            Event::CallerKeyPatched(CallerKeyPatched { number, name: "x".to_owned(), terms })
        }),
        1 => caller_key().prop_map(|number| Event::CallerKeyRevoked(CallerKeyRevoked { number })),
    ]
}

fn role() -> impl Strategy<Value = AdminRole> {
    proptest::sample::select(AdminRole::ALL)
}

pub(super) fn people() -> impl Strategy<Value = Event> {
    prop_oneof![
        1 => hash().prop_map(|key_hash| Event::OwnerKeyRotated(OwnerKeyRotated {
            key_hash,
            key_mask: "new".to_owned(),
        })),
        2 => (admin_key(), role(), hash()).prop_map(|(number, role, hash)| {
            Event::AdminKeyIssued(AdminKeyIssued {
                id: AdminKeyId(Uuid::from_u128(2)),
                number,
                name: "admin".to_owned(),
                role,
                hash,
                mask: "mask".to_owned(),
                expires_at: None,
            })
        }),
        1 => admin_key().prop_map(|number| Event::AdminKeyRevoked(AdminKeyRevoked { number })),
        4 => (account(), account(), profile()).prop_map(|(number, parent, profile)| {
            Event::AccountAdded(AccountAdded {
                id: AccountId(Uuid::from_u128(3)),
                number,
                parent,
                profile,
            })
        }),
        2 => (account(), profile()).prop_map(|(number, profile)| {
            Event::AccountPatched(AccountPatched { number, profile })
        }),
        1 => account().prop_map(|number| Event::AccountRemoved(AccountRemoved { number })),
        1 => (account(), any::<i64>(), at()).prop_map(|(account, amount, expires_at)| {
            Event::CreditGranted(CreditGranted {
                account,
                amount: NanoDollars(amount),
                expires_at,
            })
        }),
        5 => caller_keys(),
        2 => changes().prop_map(|changes| {
            Event::RecordUndone(RecordUndone { revision: Revision(1), changes })
        }),
        1 => changes().prop_map(|changes| {
            Event::StateRestored(StateRestored { revision: Revision(1), changes })
        }),
    ]
}

pub(super) fn resource_id() -> impl Strategy<Value = ResourceId> {
    prop_oneof![
        Just(ResourceId::Owner),
        Just(ResourceId::Config),
        Just(ResourceId::Completed),
        number().prop_map(ResourceId::Key),
        (0..4_u64).prop_map(|n| ResourceId::News(NewsNumber(n))),
        account().prop_map(ResourceId::Account),
        caller_key().prop_map(ResourceId::CallerKey),
        admin_key().prop_map(ResourceId::AdminKey),
        definition_id(),
    ]
}

fn provider_key() -> impl Strategy<Value = ProviderKey> {
    (
        (0..6_u128, number(), level(), any::<bool>()),
        (provider(), provider_config(), secret(), more(), hidden()),
    )
        .prop_map(
            |((id, number, level, off), (provider, config, secret, more, hidden))| ProviderKey {
                id: KeyId(Uuid::from_u128(id)),
                number,
                name: "back".to_owned(),
                level,
                provider,
                config,
                secret,
                secret_revision: Revision(9),
                disabled: off.then(|| Disablement {
                    by: foldgate_proto::Actor::system("test"),
                    reason: "off".to_owned(),
                    at: Timestamp(1),
                }),
                more,
                more_secrets: hidden.into(),
                created_at: Timestamp(1),
                updated_at: Timestamp(2),
                revision: Revision(9),
            },
        )
}

fn accounts() -> impl Strategy<Value = Account> {
    (account(), account(), profile(), 0..3_usize).prop_map(|(number, parent, profile, credits)| {
        let credit = Credit {
            amount: NanoDollars(1),
            granted_at: Timestamp(1),
            expires_at: Timestamp(2),
        };
        Account {
            id: AccountId(Uuid::from_u128(3)),
            number,
            parent,
            profile,
            credits: vec![credit; credits].into(),
            created_at: Timestamp(1),
            updated_at: Timestamp(2),
            revision: Revision(9),
        }
    })
}

fn whole_caller_key() -> impl Strategy<Value = CallerKey> {
    let previous = proptest::option::of((hash(), at()));
    (caller_key(), account(), hash(), previous, terms()).prop_map(
        |(number, account, hash, previous, terms)| CallerKey {
            id: CallerKeyId(Uuid::from_u128(1)),
            number,
            account,
            name: "back".to_owned(),
            hash,
            mask: "mask".to_owned(),
            previous: previous.map(|(hash, until)| Box::new(PreviousHash { hash, until })),
            terms: terms.into(),
            created_at: Timestamp(1),
            updated_at: Timestamp(2),
            revision: Revision(9),
        },
    )
}

fn resource() -> impl Strategy<Value = Resource> {
    prop_oneof![
        // A hash of another length than SHA-256's cannot be presented; it is kept.
        (hash(), any::<bool>()).prop_map(|(hash, whole)| Resource::Owner(Box::new(OwnerProfile {
            name: "back".to_owned(),
            key_hash: hash.0[..if whole { 32 } else { 31 }].to_vec(),
            key_mask: "mask".to_owned(),
        }))),
        config().prop_map(|config| Resource::Config(Box::new(config))),
        levels().prop_map(Resource::Completed),
        provider_key().prop_map(|key| Resource::Key(Box::new(key))),
        (0..4_u64).prop_map(|n| Resource::News(Box::new(News {
            id: NewsId(Uuid::from_u128(u128::from(n))),
            number: NewsNumber(n),
            title: "back".to_owned(),
            content: String::new(),
            target: None,
            created_at: Timestamp(1),
            expires_at: Timestamp(2),
            revision: Revision(9),
        }))),
        accounts().prop_map(|account| Resource::Account(Box::new(account))),
        whole_caller_key().prop_map(|key| Resource::CallerKey(Box::new(key))),
        (admin_key(), role(), hash()).prop_map(|(number, role, hash)| {
            Resource::AdminKey(Box::new(AdminKey {
                id: AdminKeyId(Uuid::from_u128(2)),
                number,
                name: "back".to_owned(),
                role,
                hash,
                mask: "mask".to_owned(),
                expires_at: None,
                created_at: Timestamp(1),
                revision: Revision(9),
            }))
        }),
        definition().prop_map(|definition| Resource::Definition(Box::new(definition))),
    ]
}

/// The name that fits a value.
fn named(value: &Resource) -> ResourceId {
    match value {
        Resource::Owner(_) => ResourceId::Owner,
        Resource::Config(_) => ResourceId::Config,
        Resource::Completed(_) => ResourceId::Completed,
        Resource::Key(key) => ResourceId::Key(key.number),
        Resource::News(news) => ResourceId::News(news.number),
        Resource::Account(account) => ResourceId::Account(account.number),
        Resource::CallerKey(key) => ResourceId::CallerKey(key.number),
        Resource::AdminKey(key) => ResourceId::AdminKey(key.number),
        Resource::Definition(d) => ResourceId::Definition(d.kind, d.number),
    }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let one = prop_oneof![
        3 => resource().prop_map(|value| Change { resource: named(&value), value: Some(value) }),
        1 => (resource_id(), resource()).prop_map(|(resource, value)| Change {
            resource,
            value: Some(value),
        }),
        1 => resource_id().prop_map(|resource| Change { resource, value: None }),
    ];
    proptest::collection::vec(one, 0..4)
}
