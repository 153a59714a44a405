//! Leave to use a key for one attempt. However the attempt ends, also by being
//! dropped, the key's slot is given back.

use std::sync::Arc;
use std::time::Duration;

use foldgate_domain::failure::{Failure, FailureClass, Transience};
use foldgate_domain::pool::{Lease, Outcome};
use foldgate_domain::sleep::{Fault, SleepDraft};
use foldgate_domain::table::models::Cooling;
use foldgate_proto::{KeyId, KeyNumber, OwnerId, SleepCause};
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
    /// When the key is left alone for this model, if the model says.
    cooling: Option<Arc<Cooling>>,
    /// Whether another Model led here: its other targets may need this very key.
    routed: bool,
    /// Whether its failures say nothing of it.
    quiet: bool,
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
            cooling: None,
            routed: false,
            quiet: false,
        }
    }

    /// The same key, to be left alone after failures as a Model says; and whether another
    /// Model led to that.
    pub(crate) fn cooled_by(
        mut self: Box<Self>,
        (cooling, routed): (Option<&Arc<Cooling>>, bool),
    ) -> Box<Self> {
        self.cooling = cooling.map(Arc::clone);
        self.routed = routed;
        self
    }

    /// The same key, which does not sleep for what fails.
    pub(crate) fn quietly(mut self: Box<Self>) -> Box<Self> {
        self.quiet = true;
        self
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

    /// The attempt failed; the key sleeps if the failure was its own. Where its Model
    /// has a say, it is left alone for that model instead, as long as that says; what
    /// ails the key for good counts for all models all the same. What may be the model's
    /// own trouble is taken for that where another Model led here: the next target of
    /// that may well be served with the same key.
    pub(crate) fn fail(mut self, failure: &Failure, hint: Option<Duration>) {
        if self.quiet {
            return self.finish(&Outcome::Abandoned);
        }
        let fault = failure.fault(hint, chance());
        let cooling = self.cooling.as_ref();
        let outcome = match cooling.and_then(|cooling| cooling.after(failure, hint)) {
            None if self.is_of_model(failure.class) => {
                let cooled = |model| Outcome::Cooled { model, key: None };
                fault.map_or(Outcome::Abandoned, cooled)
            }
            None => fault.map_or(Outcome::Abandoned, Outcome::Failed),
            Some(length) => Outcome::Cooled {
                model: Fault {
                    cause: failure.class.cause().unwrap_or(SleepCause::UpstreamError),
                    status: failure.status,
                    detail: failure.detail.clone(),
                    hint: None,
                    jitter: 0.0,
                    length: Some(length),
                },
                key: fault.filter(|fault| {
                    matches!(fault.cause, SleepCause::Dead | SleepCause::Exhausted)
                }),
            },
        };
        self.finish(&outcome);
    }

    /// Whether a failure says nothing of the key's other models.
    fn is_of_model(&self, class: FailureClass) -> bool {
        match class {
            FailureClass::Transient(Transience::Impatience) => true,
            FailureClass::Transient(
                Transience::Upstream | Transience::RateLimit | Transience::Timeout,
            ) => self.routed,
            _ => false,
        }
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
