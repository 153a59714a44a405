//! Routing as a table, and what of it a caller may use.

mod access;
mod models;
mod paid;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foldgate_proto::event::{ConfigPatched, KeyAdded, LevelMapperCompleted, OwnerClaimed};
use foldgate_proto::{
    AccountNumber, Actor, Config, Event, KeyId, KeyNumber, Level, LogId, MaskedSecret, OwnerId,
    ProviderConfig, Record, RecordHash, RecordId, Sealed, Timestamp,
};
use proptest::prelude::*;
use uuid::Uuid;

use super::resources::{Resources, normalise};
use super::{Destination, OwnerTable, Table};
use crate::State;

const OWNER: OwnerId = OwnerId(Uuid::from_u128(1));

fn level(n: u64) -> Level {
    Level::new(n).expect("a Level")
}

fn table(config: Config, keys_at: &[u64]) -> Table {
    let keys = keys_at.iter().map(|at| (*at, "https://llm.example.com"));
    table_of(config, &keys.collect::<Vec<_>>())
}

/// Keys by Level and provider.
fn table_of(config: Config, keys: &[(u64, &str)]) -> Table {
    let mut events = vec![
        Event::OwnerClaimed(OwnerClaimed {
            account: AccountNumber(1),
            name: "root".to_owned(),
            key_hash: vec![7; 32],
            key_mask: "sk".to_owned(),
        }),
        Event::ConfigPatched(ConfigPatched { patch: config }),
        Event::LevelMapperCompleted(LevelMapperCompleted {
            patterns: BTreeMap::from([("gpt*".to_owned(), level(1))]),
        }),
    ];
    let keys = keys.iter().zip(1_u64..).map(|((at, provider), number)| {
        Event::KeyAdded(KeyAdded {
            id: KeyId(Uuid::from_u128(u128::from(number))),
            number: KeyNumber(number),
            name: String::new(),
            level: level(*at),
            provider: (*provider).to_owned(),
            config: ProviderConfig::STANDARD,
            secret: MaskedSecret {
                sealed: Sealed(Vec::new()),
                mask: String::new(),
            },
            enabled: true,
            more: None,
            more_secrets: BTreeMap::new(),
        })
    });
    events.extend(keys);
    let mut state = State::new(LogId(Uuid::from_u128(3)));
    let record = record(state.chain, events);
    let empty = Table::new(&state);
    state.apply(state.revision.next(), RecordHash::of(b"1"), &record);
    empty.advance(&state, [&record])
}

fn record(prev: RecordHash, events: Vec<Event>) -> Record {
    Record {
        id: RecordId(Uuid::from_u128(4)),
        schema: 1,
        writer_version: "test".to_owned(),
        at: Timestamp(0),
        owner: OWNER,
        actor: Actor::system("test"),
        address: None,
        request_id: None,
        reason: None,
        idempotency: None,
        command: "Test".to_owned(),
        prev,
        events,
    }
}

fn owner(config: Config, keys_at: &[u64]) -> Arc<OwnerTable> {
    Arc::clone(table(config, keys_at).owner(OWNER).expect("claimed"))
}

fn mapped(model: &[(&str, &str)], levels: &[(&str, u64)]) -> Config {
    let own = |text: &str| text.to_owned();
    Config {
        model_mapper: Some(model.iter().map(|(a, b)| (own(a), own(b))).collect()),
        level_mapper: Some(levels.iter().map(|(a, n)| (own(a), level(*n))).collect()),
        ..Config::default()
    }
}

#[test]
fn the_owner_key_names_the_owner() {
    let table = table(Config::default(), &[]);
    let caller = table.caller(&[7; 32]).expect("the owner");
    assert_eq!(caller.owner, OWNER);
    assert_eq!(caller.account, AccountNumber(1));
    assert!(table.caller(&[8; 32]).is_none());
}

#[test]
fn the_mapper_is_one_pass_and_its_target_is_routed() {
    let config = mapped(
        &[
            ("gpt-3.5*", "gpt-4o-mini"),
            ("gpt-4o-mini", "other"),
            ("o*", "gpt-4o"),
        ],
        &[("gpt-4*", 2), ("claude*", 3)],
    );
    let owner = owner(config, &[]);
    let route = owner.resolve("gpt-3.5-turbo").expect("routed");
    assert_eq!(
        (route.model, route.level()),
        ("gpt-4o-mini", Some(level(2)))
    );
    assert_eq!(
        route.mapped_by.map(ToString::to_string),
        Some("gpt-3.5*".to_owned())
    );
    let Destination::Level { by, .. } = route.to else {
        panic!("no Model is there");
    };
    assert_eq!(by.to_string(), "gpt-4*");
    assert_eq!(owner.resolve("o1").expect("routed").model, "gpt-4o");
    assert_eq!(
        owner.resolve("gpt-5").expect("completed").level(),
        Some(level(1))
    );
    let refused = owner
        .resolve("mistral-large")
        .expect_err("nobody serves it");
    assert_eq!(refused.model, "mistral-large");
}

#[test]
fn the_owners_layer_wins_over_the_completed_one_on_equal_patterns() {
    let owner = owner(mapped(&[], &[("gpt*", 5)]), &[]);
    assert_eq!(
        owner.resolve("gpt-4o").expect("routed").level(),
        Some(level(5))
    );
}

#[test]
fn switch_over_cuts_circles_and_ends() {
    let switches = [(1, 2), (2, 3), (3, 1), (7, 8)];
    let config = Config {
        switch_over: Some(switches.map(|(a, b)| (level(a), level(b))).into()),
        ..Config::default()
    };
    let owner = owner(config, &[]);
    assert_eq!(owner.state.switch_over(level(1)), [level(2), level(3)]);
    assert_eq!(owner.state.switch_over(level(2)), [level(3), level(1)]);
    assert_eq!(owner.state.switch_over(level(7)), [level(8)]);
    assert_eq!(owner.state.switch_over(level(8)), []);
}

proptest! {
    #[test]
    fn switch_over_never_loops_and_never_repeats(
        switches in proptest::collection::btree_map(0..20_u64, 0..20_u64, 0..30),
        from in 0..20_u64,
    ) {
        let config = Config {
            switch_over: Some(switches.iter().map(|(a, b)| (level(*a), level(*b))).collect()),
            ..Config::default()
        };
        let chain = owner(config, &[]).state.switch_over(level(from));
        let seen: BTreeSet<Level> = chain.iter().copied().collect();
        prop_assert_eq!(seen.len(), chain.len());
        prop_assert!(!seen.contains(&level(from)));
        let mut at = level(from);
        for next in chain {
            prop_assert_eq!(switches.get(&u64::from(at)), Some(&u64::from(next)));
            at = next;
        }
    }

    #[test]
    fn a_resource_allows_its_own_subtree_only(
        resource in "(/(v1|chat|a|b)){1,3}",
        below in "(/(v1|chat|a|b)){0,3}",
        path in "(/(v1|chat|a|b)){1,4}",
    ) {
        let resources = Resources::new([resource.as_str()]);
        let subtree = format!("{resource}{below}");
        prop_assert!(resources.allows(&subtree));
        let prefix = normalise(&resource).expect("a path");
        let path_at = normalise(&path).expect("a path");
        let expected = path_at == prefix || path_at.starts_with(&format!("{prefix}/"));
        prop_assert_eq!(resources.allows(&path), expected);
    }
}

#[test]
fn resources_match_at_segment_boundaries_after_aliases_and_dots() {
    let only = |path: &str| Resources::new([path]);
    assert!(only("/v1/chat").allows("/v1/chat/completions"));
    assert!(only("/v1/chat").allows("/chat/completions"));
    assert!(only("/chat/completions/").allows("/v1/chat/completions"));
    assert!(only("/v1/chat").allows("/v2/chat/completions"));
    assert!(only("/v2/chat/completions").allows("/chat/completions"));
    assert!(!only("/v1/chat").allows("/v2/chat"));
    assert!(only("/").allows("/v1/anything"));
    assert!(!only("/v1/chat").allows("/v1/chatter"));
    assert!(!only("/v1/chat").allows("/v1/chat/../embeddings"));
    assert!(!only("/v1/chat").allows("/v1/chat/../../../v1/chat"));
    assert!(!only("/v1/chat").allows("v1/chat"));
    let unset = owner(Config::default(), &[]);
    assert!(unset.allows("/v1/anything"));
}

#[test]
fn models_lists_exact_names_and_what_the_catalogue_knows_of_wildcards() {
    let config = mapped(
        &[("fast", "my-model"), ("lost", "nowhere")],
        &[("my-model", 4), ("claude*", 6)],
    );
    let owner = owner(config, &[1, 4]);
    let models = owner.models();
    assert!(models.contains(&"fast"), "a mapped name");
    assert!(models.contains(&"my-model"), "an exact name");
    assert!(models.contains(&"gpt-4o"), "a catalogue name behind gpt*");
    assert!(!models.contains(&"lost"), "maps to nothing routed");
    assert!(
        !models.iter().any(|m| m.starts_with("claude")),
        "Level 6 is empty"
    );
    assert!(!models.iter().any(|m| m.contains('*')));
    assert!(models.is_sorted());
}

#[test]
fn behind_a_bare_star_stands_what_the_keys_there_are_known_to_serve() {
    const OPENAI: &str = "https://api.openai.com";
    const ANTHROPIC: &str = "https://api.anthropic.com";
    const OTHER: &str = "https://llm.example.com";
    let star = |keys: &[(u64, &str)]| {
        let config = Config {
            switch_over: Some(BTreeMap::from([(level(2), level(3))])),
            ..mapped(&[("fast", "my-model")], &[("*", 2), ("gpt*", 9)])
        };
        let table = table_of(config, keys);
        let owner = table.owner(OWNER).expect("claimed");
        let models = owner.models().into_iter().map(str::to_owned);
        models.collect::<Vec<String>>()
    };
    let any = |models: &[String], start: &str| models.iter().any(|m| m.starts_with(start));

    let models = star(&[(2, ANTHROPIC)]);
    assert!(any(&models, "claude"), "{models:?}");
    assert!(
        !any(&models, "mistral") && !any(&models, "o3"),
        "{models:?}"
    );
    assert!(models.contains(&"fast".to_owned()), "the owner named it");
    // Of an unknown provider nothing is known, beside what the owner named.
    assert_eq!(star(&[(2, OTHER)]), ["fast"]);
    // Where a Level switches over to counts.
    let models = star(&[(2, OTHER), (3, OPENAI)]);
    assert!(any(&models, "o3") && !any(&models, "claude"), "{models:?}");
    // A pattern that names something is the owner's word for it.
    assert!(any(&star(&[(9, OTHER)]), "gpt-4o"));
    assert!(star(&[]).is_empty());
}

#[test]
fn what_a_bare_star_maps_away_is_no_list_of_models() {
    let config = mapped(&[("*", "gpt-4o"), ("fast", "gpt-4o")], &[("gpt*", 1)]);
    let table = table(config, &[1]);
    let owner = table.owner(OWNER).expect("claimed");
    assert_eq!(owner.models(), ["fast", "gpt-4o"]);
    assert!(
        owner.resolve("claude-sonnet-4-5").is_ok(),
        "it is served all the same"
    );
}
