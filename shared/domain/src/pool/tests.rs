//! The pool, by example and against a naive model of it.

mod detours;
mod examples;
mod naive;
mod only;
mod random;

use std::time::Duration;

use foldgate_proto::{
    Generation, KeyId, KeyNumber, OwnerId, Revision, SleepCause, SleepReport, Timestamp,
};
use uuid::Uuid;

use super::*;
use crate::provider::{Family, FamilySet};
use crate::sleep::{Fault, Place as Where, Waits};

const NOW: Timestamp = Timestamp(1_750_000_000_000);
const SEED: u64 = 42;

fn later(secs: u64) -> Timestamp {
    NOW.after(Duration::from_secs(secs))
}

fn id(number: u64) -> KeyId {
    KeyId(Uuid::from_u128(u128::from(number)))
}

fn key(number: u64, family: Family, secret: u64) -> PoolKey {
    PoolKey {
        id: id(number),
        number: KeyNumber(number),
        family,
        secret_revision: Revision(secret),
    }
}

/// Families that serve what the tests ask for.
fn serving() -> FamilySet {
    FamilySet::default()
        .with(Family::Unknown)
        .with(Family::OpenAi)
}

fn ask<'a>(model: &'a str, tried: &'a [KeyId]) -> Ask<'a> {
    Ask {
        model,
        serves: serving(),
        tried,
    }
}

fn fault(cause: SleepCause, hint: Option<u64>) -> Fault {
    Fault {
        cause,
        status: Some(500),
        detail: "words".into(),
        hint: hint.map(Duration::from_secs),
        jitter: 0.0,
        length: None,
    }
}

fn report(draft: SleepDraft) -> SleepReport {
    draft.report(Where {
        owner: OwnerId(Uuid::nil()),
        node: "n1",
        region: "eu",
    })
}

/// What the pool's indexes must agree on, after anything.
fn check<K: Clone>(pool: &Pool<K>) {
    let mut ready: Vec<_> = pool.shelf.ready.filed();
    ready.sort_unstable();
    let mut expected = Vec::new();
    let mut forget = 0;
    for (key, at) in &pool.index {
        let slot = pool.slots.get(*at).expect("an indexed key has a slot");
        assert_eq!(slot.key.id, *key);
        forget += slot.models.len();
        assert_eq!(pool.shelf.place(*at), Some(slot.sleep.waits()));
        if slot.sleep.waits() == Waits::No {
            expected.push((*at, slot.key.family, slot.load));
        }
    }
    expected.sort_unstable();
    assert_eq!(ready, expected);
    assert_eq!(ready.len() + pool.shelf.waiting(), pool.index.len());
    assert_eq!(pool.forget.len(), forget);
    for (_, at, model) in &pool.forget {
        let slot = pool.slots.get(*at).expect("a remembered model has a slot");
        assert!(slot.models.contains_key(model));
    }
    pool.check_detours();
}
