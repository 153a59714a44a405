//! One command at random, of few names, numbers and keys, so that they meet.

use std::ops::Range;

use foldgate_proto::{AdminRole, ConfigKey, MaskedSecret, NewsId, Rates, ResourceId, Sealed};
use proptest::prelude::*;
use uuid::Uuid;

use super::super::given::{Given, add, level, map, set};
use super::super::people::{
    account, admin, edit, grant, issue, key_of, patch_account, patch_key_of, remove_account,
    rotate, rotate_owner,
};
use super::defined;
use crate::Command;
use crate::command::{Change, LimitPatch, PatchKey, ProfileEdit, PublishNews};

/// What to do, and numbers that say with what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Op(u8, u8, u8, u8);

pub(super) fn ops(count: Range<usize>) -> impl Strategy<Value = Vec<Op>> {
    let one = (0..34_u8, any::<u8>(), any::<u8>(), any::<u8>());
    proptest::collection::vec(one.prop_map(|(op, a, b, c)| Op(op, a, b, c)), count)
}

const NAMES: [&str; 5] = ["team", "Crew", "TEAM", "guild", "band"];
const MODELS: [&str; 7] = [
    "*",
    "-*",
    "gpt-*",
    "gpt-4o claude*",
    "-gpt-4o",
    "a*b *c",
    "o3, -claude*",
];
const ADDRESSES: [&str; 5] = [
    "*",
    "-*",
    "10.0.0.0/8",
    "10.1.0.0/16, ::1",
    "::ffff:10.0.0.1",
];
const LEVELS: [&str; 5] = ["*", "-*", "1 2 3", "2", "-1"];
const PATHS: [&str; 5] = [
    "*",
    "-*",
    "/v1",
    "/v1/chat /embeddings",
    "/chat/completions",
];

pub(super) fn pick<T: Copy>(from: &[T], by: u8) -> T {
    from[usize::from(by) % from.len()]
}

impl Op {
    /// The command, where there is something to do it to.
    pub(super) fn command(self, given: &Given) -> Option<Command> {
        let Self(op, a, b, c) = self;
        match op {
            0..=2 => Some(self.add_account(given)),
            3..=5 => self.patch_account(given),
            6 => {
                let (number, parent) = some_account(given, a)?;
                Some(remove_account(number, parent))
            }
            7 => {
                let (number, parent) = some_account(given, a)?;
                Some(grant(
                    number,
                    parent,
                    i64::from(b) - 100,
                    Some(u32::from(c)),
                ))
            }
            8..=12 => self.caller_key(given),
            13..=16 => self.provider_key(given),
            17 => Some(configured(b, c)),
            18 => Some(Command::ResetConfig([pick(ConfigKey::ALL, a)].into())),
            19 => self.news(given),
            20 => self.admin(given),
            21 => Some(rotate_owner(200 + a % 4)),
            22 => Some(given.undo(1 + u64::from(a) % given.last())),
            23 => Some(self.restore(given)),
            _ => defined::command(given, [op, a, b, c]),
        }
    }

    fn add_account(self, given: &Given) -> Command {
        let Self(_, a, b, c) = self;
        let parent = match some_account(given, a) {
            Some((number, _)) if a % 3 > 0 => number,
            _ => 1,
        };
        let mut add = account(pick(&NAMES, b), parent, 10 + c % 12);
        narrow(&mut add.profile, b, c);
        Command::AddAccount(Box::new(add))
    }

    fn patch_account(self, given: &Given) -> Option<Command> {
        let Self(_, a, b, c) = self;
        let (number, parent) = some_account(given, a)?;
        Some(patch_account(number, parent, |profile| match c % 6 {
            0 => profile.name = Some(pick(&NAMES, b).to_owned()),
            1 => profile.suspended = Some(b % 3 == 0),
            2 => profile.alias = Some(b.to_string()),
            _ => narrow(profile, b, c / 6),
        }))
    }

    fn caller_key(self, given: &Given) -> Option<Command> {
        let Self(op, a, b, c) = self;
        if op == 8 {
            let owner = some_account(given, a).map_or(1, |(number, _)| number);
            return Some(issue(owner, 10 + c % 12, |key| {
                if b % 2 == 0 {
                    key.terms.allow_models = edit(pick(&MODELS, b / 2));
                }
            }));
        }
        let key = nth(given.owner().caller_keys.values(), a)?;
        let key = key_of(key.account.0, key.number.0);
        Some(match op {
            9 => patch_key_of(key, |patch| {
                patch.terms.allow_models = edit(pick(&MODELS, b));
            }),
            10 => patch_key_of(key, |patch| {
                let at = given
                    .now
                    .after(std::time::Duration::from_secs(u64::from(b % 5)));
                patch.terms.expires_at = if b % 5 > 0 {
                    Change::Set(at)
                } else {
                    Change::Clear
                };
            }),
            11 => rotate(key, 10 + c % 12, u64::from(b % 3)),
            _ => Command::RevokeCallerKey(key),
        })
    }

    fn provider_key(self, given: &Given) -> Option<Command> {
        let Self(op, a, b, c) = self;
        let urls = ["https://api.openai.com", "https://llm.example.com"];
        if op <= 14 {
            let n = u128::from(a % 6);
            return Some(add(n, pick(&urls, b), 1 + u64::from(c % 3)));
        }
        let number = *nth(given.owner().keys.keys(), a)?;
        if op == 16 {
            return Some(Command::RemoveKey(number));
        }
        let fresh = MaskedSecret {
            sealed: Sealed(given.last().to_be_bytes().repeat(8)),
            mask: "sk".to_owned(),
        };
        Some(Command::PatchKey(PatchKey {
            number,
            name: (c % 2 == 0).then(|| b.to_string()),
            level: (c % 3 == 0).then(|| level(1 + u64::from(b % 3))),
            enabled: (c % 5 < 2).then_some(c % 5 == 0),
            secret: (c % 7 == 0).then_some(fresh),
            provider: (c % 11 == 0).then(|| pick(&urls, b).to_owned()),
            ..PatchKey::default()
        }))
    }

    fn news(self, given: &Given) -> Option<Command> {
        let Self(_, a, b, _) = self;
        if a % 3 == 0 {
            let news = given.owner().news.keys().next()?;
            return Some(Command::RetractNews(*news));
        }
        Some(Command::PublishNews(PublishNews {
            id: NewsId(Uuid::from_u128(u128::from(b))),
            title: "title".to_owned(),
            content: b.to_string(),
            target: None,
            days: None,
        }))
    }

    fn admin(self, given: &Given) -> Option<Command> {
        let Self(_, a, b, c) = self;
        if a % 3 == 0 {
            let key = given.owner().admin_keys.keys().next()?;
            return Some(Command::RevokeAdminKey(*key));
        }
        Some(admin(pick(&NAMES, b), pick(AdminRole::ALL, a), 10 + c % 12))
    }

    fn restore(self, given: &Given) -> Command {
        let Self(_, a, b, c) = self;
        let revision = 1 + u64::from(a) % given.last();
        let then = given.at(revision).expect("claimed");
        let some: Vec<ResourceId> = then.resources().chain(given.owner().resources()).collect();
        let only = (b % 3 > 0).then(|| pick(&some, c));
        given.restore(revision, only)
    }
}

fn some_account(given: &Given, by: u8) -> Option<(u64, u64)> {
    let account = nth(given.owner().accounts.values(), by)?;
    Some((account.number.0, account.parent.0))
}

pub(super) fn nth<T>(of: impl Iterator<Item = T>, by: u8) -> Option<T> {
    let all: Vec<T> = of.collect();
    let at = usize::from(by) % all.len().max(1);
    all.into_iter().nth(at)
}

fn narrow(profile: &mut ProfileEdit, by: u8, more: u8) {
    match more % 8 {
        0 => profile.allow_models = edit(pick(&MODELS, by)),
        1 => profile.allow_ips = edit(pick(&ADDRESSES, by)),
        2 => profile.allow_levels = edit(pick(&LEVELS, by)),
        3 => profile.resources = edit(pick(&PATHS, by)),
        4 => {
            profile.model_mapper = Some(map([
                ("gpt-4o", "o3".to_owned()),
                ("x*", "claude-1".to_owned()),
            ]));
        }
        5 => profile.rates = Some(Rates(1_000_000 + u64::from(by))),
        6 => {
            profile.limits = LimitPatch {
                rpm: if by > 9 {
                    Change::Set(u64::from(by))
                } else {
                    Change::Clear
                },
                ..LimitPatch::default()
            }
        }
        _ => {}
    }
}

fn configured(b: u8, c: u8) -> Command {
    set(|patch| match c % 3 {
        0 => {
            patch.set.model_mapper = Some(map([
                ("o3", format!("gpt-{b}")),
                ("revision", "a".to_owned()),
            ]));
        }
        1 => patch.set.level_mapper = Some(map([("*", level(1 + u64::from(b % 3)))])),
        _ => patch.set.switch_over = Some([(level(1), level(2)), (level(2), level(3))].into()),
    })
}
