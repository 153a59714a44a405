//! Leave to use a key for one attempt. However the attempt ends, also by being
//! dropped, the key's slot is given back.

use std::sync::Arc;
use std::time::Duration;

use foldgate_domain::failure::Failure;
use foldgate_domain::pool::{Lease, Outcome};
use foldgate_domain::sleep::SleepDraft;
use foldgate_proto::{KeyId, KeyNumber, OwnerId};
use uuid::Uuid;

use super::{Credential, Shared, Sleeps, lock, now};

/// A key in use.
pub(crate) struct Held {
    lease: Option<Lease<Arc<Credential>>>,
    credential: Arc<Credential>,
    key: KeyId,
    number: KeyNumber,
    pool: Shared,
    sleeps: Arc<Sleeps>,
    owner: OwnerId,
}

impl Held {
    pub(super) fn new(
        lease: Lease<Arc<Credential>>,
        pool: Shared,
        sleeps: Arc<Sleeps>,
        owner: OwnerId,
    ) -> Self {
        Self {
            credential: Arc::clone(&lease.payload),
            key: lease.key,
            number: lease.number,
            lease: Some(lease),
            pool,
            sleeps,
            owner,
        }
    }

    /// What the attempt needs of the key.
    pub(crate) fn credential(&self) -> &Arc<Credential> {
        &self.credential
    }

    /// Which key it is.
    pub(crate) fn key(&self) -> KeyId {
        self.key
    }

    /// Its number, to show.
    pub(crate) fn number(&self) -> KeyNumber {
        self.number
    }

    /// The answer began; for the key that is a success.
    pub(crate) fn first_byte(&self) {
        if let Some(lease) = &self.lease {
            let due = lock(&self.pool).first_byte(lease, now());
            self.tell(due);
        }
    }

    /// The attempt failed; the key sleeps if the failure was its own.
    pub(crate) fn fail(mut self, failure: &Failure, hint: Option<Duration>) {
        let fault = failure.fault(hint, chance());
        self.finish(&fault.map_or(Outcome::Abandoned, Outcome::Failed));
    }

    fn finish(&mut self, outcome: &Outcome) {
        if let Some(lease) = self.lease.take() {
            let due = lock(&self.pool).finish(lease, outcome, now());
            self.tell(due);
        }
    }

    fn tell(&self, due: Vec<SleepDraft>) {
        for draft in due {
            self.sleeps.tell(self.owner, draft);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.finish(&Outcome::Abandoned);
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// A number from 0 to 1.
fn chance() -> f64 {
    let (high, _) = Uuid::new_v4().as_u64_pair();
    let part = u32::try_from(high >> 32).unwrap_or_default();
    f64::from(part) / f64::from(u32::MAX)
}
