//! What the lists of accounts say, read one by one as they are written.

use std::net::IpAddr;

use foldgate_proto::{CallerKey, Profile, Timestamp};
use serde_json::Value;

use crate::acl;
use crate::pattern::Pattern;
use crate::table::resources::normalise;
use crate::{Access, Denied, OwnerState};

const MODELS: [&str; 8] = [
    "gpt-4o", "gpt-5", "claude-1", "o3", "axb", "xyz", "c", "revision",
];
const ADDRESSES: [&str; 6] = [
    "127.0.0.1",
    "::1",
    "10.0.0.1",
    "10.1.2.3",
    "::ffff:10.1.2.3",
    "192.0.2.1",
];
const PATHS: [&str; 5] = [
    "/v1/chat/completions",
    "/v1/chat",
    "/v1/embeddings",
    "/v1/audio/speech",
    "/chatter",
];

/// The profiles that bind a key's caller, its own account's first.
fn above<'o>(owner: &'o OwnerState, key: &CallerKey) -> impl Iterator<Item = &'o Profile> {
    owner.lineage(key.account).map(|account| &account.profile)
}

fn names<'l>(mut list: impl Iterator<Item = &'l String>, model: &str) -> bool {
    list.any(|pattern| Pattern::parse(pattern).expect("a pattern").matches(model))
}

/// Nothing is allowed that a list denies, and nothing denied that all allow.
pub(super) fn check(access: &Access<'_>, owner: &OwnerState, key: &CallerKey) {
    for model in MODELS {
        let of_accounts = above(owner, key).filter_map(|p| p.allow_models.as_deref());
        let mut lists = of_accounts.chain(key.terms.allow_models.as_deref());
        let all = lists.all(|list| names(list.iter(), model));
        assert_eq!(access.allows_model(model), all, "{model}");
        check_route(access, owner, key, model);
    }
    for address in ADDRESSES {
        let address: IpAddr = address.parse().expect("an address");
        let inside =
            |ip: &String| acl::net(ip).is_some_and(|n| n.contains(&address.to_canonical()));
        let mut lists = above(owner, key).filter_map(|p| p.allow_ips.as_deref());
        let all = lists.all(|list| {
            let loopback = list.is_empty() && address.is_loopback();
            loopback || list.iter().any(inside)
        });
        assert_eq!(access.check_address(address).is_ok(), all, "{address}");
    }
    for path in PATHS {
        let at = normalise(path).expect("a path");
        let below = |root: &String| {
            let root = normalise(root).expect("a path");
            at == root || at.starts_with(&format!("{root}/"))
        };
        let mut lists = above(owner, key).filter_map(|p| p.resources.as_deref());
        let all = lists.all(|list| list.iter().any(below));
        assert_eq!(access.check_path(path).is_ok(), all, "{path}");
    }
    for model in access.models() {
        assert!(access.resolve(model).is_ok(), "{model} is listed");
    }
}

fn check_route(access: &Access<'_>, owner: &OwnerState, key: &CallerKey, model: &'static str) {
    let Ok(bound) = access.resolve(model) else {
        return;
    };
    let levels = || bound.legs.iter().flat_map(|leg| &leg.levels);
    if let Some(level) = bound.route.level() {
        assert_eq!(levels().next(), Some(&level));
    }
    for profile in above(owner, key) {
        if let Some(allowed) = profile.allow_levels.as_deref() {
            let beyond = levels().find(|level| !allowed.contains(level));
            assert_eq!(beyond, None, "{model}");
        }
        if let Some(list) = profile.allow_models.as_deref() {
            assert!(names(list.iter(), model), "{model}");
            assert!(names(list.iter(), access.mapped(model)), "{model}");
        }
    }
}

pub(super) fn check_denied(denied: &Denied, owner: &OwnerState, key: &CallerKey, now: Timestamp) {
    let suspended = above(owner, key).any(|profile| profile.suspended);
    let expired = key.terms.expires_at.is_some_and(|at| at <= now);
    match denied {
        Denied::Expired => assert!(expired),
        Denied::Suspended => assert!(suspended),
        other => panic!("{other}"),
    }
}

/// A shown value holds no sealed bytes and no hash, under whatever name.
pub(super) fn check_masked(value: &Value) {
    match value {
        Value::Array(items) => {
            // Levels are the only numbers in a list: few, each once, in order.
            let numbers: Vec<u64> = items.iter().filter_map(Value::as_u64).collect();
            assert!(numbers.is_sorted_by(|one, next| one < next), "{value}");
            assert!(numbers.len() < 8, "{value}");
            items.iter().for_each(check_masked);
        }
        Value::Object(map) => {
            for (name, value) in map {
                assert!(
                    !["sealed", "hash", "key_hash"].contains(&name.as_str()),
                    "{name}"
                );
                check_masked(value);
            }
        }
        _ => {}
    }
}
