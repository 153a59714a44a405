//! The sleep of one key, and the book of all.

mod book;
mod machine;
mod merge;
mod policy;

use foldgate_proto::{Generation, KeyId, OwnerId, Revision, SleepCause, SleepReport, Timestamp};
use uuid::Uuid;

use super::*;

const NOW: Timestamp = Timestamp(1_750_000_000_000);

fn later(secs: u64) -> Timestamp {
    NOW.after(Duration::from_secs(secs))
}

fn key(number: u128) -> KeyId {
    KeyId(Uuid::from_u128(number))
}

fn fault(cause: SleepCause) -> Fault {
    Fault {
        cause,
        status: Some(429),
        detail: "words".into(),
        hint: None,
        jitter: 0.0,
        length: None,
    }
}

fn hinted(cause: SleepCause, secs: u64) -> Fault {
    Fault {
        hint: Some(Duration::from_secs(secs)),
        ..fault(cause)
    }
}

fn generation(secret: u64, wake: u64) -> Generation {
    Generation {
        secret: Revision(secret),
        wake,
    }
}

fn report(generation: Generation, until: Timestamp, cause: SleepCause) -> SleepReport {
    SleepReport {
        owner: OwnerId(Uuid::nil()),
        key: key(1),
        model: None,
        generation,
        until,
        cause,
        status: None,
        detail: String::new(),
        failures: 1,
        confirmed: false,
        at: NOW,
        node: "n1".into(),
        region: "eu".into(),
    }
}
