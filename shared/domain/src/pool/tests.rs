//! The pool, by example and against a naive model of it.

mod examples;
mod naive;
mod random;

use std::time::Duration;

use foldgate_proto::{
    Generation, KeyId, KeyNumber, OwnerId, Revision, SleepCause, SleepReport, Timestamp,
};
use uuid::Uuid;

use super::*;
use crate::provider::{Family, FamilySet};
use crate::sleep::{Fault, Place as Where};

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
    let mut ready: Vec<_> = pool.ready.filed();
    ready.sort_unstable();
    let mut expected = Vec::new();
    let (mut asleep, mut trying, mut forget) = (0, 0, 0);
    for (key, at) in &pool.index {
        let slot = pool.slots.get(*at).expect("an indexed key has a slot");
        assert_eq!(slot.key.id, *key);
        forget += slot.models.len();
        match slot.place {
            Place::Ready => expected.push((*at, slot.key.family, slot.load)),
            Place::Asleep(wake) => {
                assert!(pool.asleep.contains(&(wake, *at)));
                asleep += 1;
            }
            Place::Trying(ends) => {
                assert!(pool.trying.contains(&(ends, *at)));
                trying += 1;
            }
            Place::Nowhere => panic!("a key is filed nowhere"),
        }
    }
    expected.sort_unstable();
    assert_eq!(ready, expected);
    assert_eq!((pool.asleep.len(), pool.trying.len()), (asleep, trying));
    assert_eq!(pool.forget.len(), forget);
    for (_, at, model) in &pool.forget {
        let slot = pool.slots.get(*at).expect("a remembered model has a slot");
        assert!(slot.models.contains_key(model));
    }
}
