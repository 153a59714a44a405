//! Which keys sleep, as the fleet reports it: one book, folded from every
//! node's reports, read by `/x-conf` and by an operator's wake.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldgate_domain::sleep::{Place, SleepBook};
use foldgate_proto::{KeyId, OwnerId, Revision, SleepReport, Timestamp};

/// A handle on the book; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Sleeps(Arc<Mutex<SleepBook>>);

impl Sleeps {
    /// An empty book.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over a report, if it outranks what is known. Whether it did.
    pub fn fold(&self, report: &SleepReport, now: Timestamp) -> bool {
        self.book().fold(report, now)
    }

    /// One owner's sleeping keys and models.
    pub fn of_owner(&self, owner: OwnerId, now: Timestamp) -> Vec<SleepReport> {
        let book = self.book();
        let sleeping = book.sleeping(now).filter(|report| report.owner == owner);
        sleeping.cloned().collect()
    }

    /// The reports that wake a key and all its models; already folded here.
    pub fn wake(
        &self,
        (key, secret): (KeyId, Revision),
        place: Place<'_>,
        now: Timestamp,
    ) -> Vec<SleepReport> {
        let mut book = self.book();
        book.know(key, secret);
        let drafts = book.wake(key, now).into_iter();
        let reports: Vec<SleepReport> = drafts.map(|draft| draft.report(place)).collect();
        for report in &reports {
            book.fold(report, now);
        }
        reports
    }

    /// What this node reported itself and still stands, for its heartbeats; and
    /// how many keys it knows asleep in all.
    pub fn caused_by(&self, node: &str, limit: usize, now: Timestamp) -> (Vec<SleepReport>, u64) {
        let book = self.book();
        let own = book.reports().filter(|report| report.node == node);
        let own = own.take(limit).cloned().collect();
        (own, book.sleeping(now).count() as u64)
    }

    /// Drops what is over.
    pub fn prune(&self, now: Timestamp) {
        self.book().prune(now);
    }

    /// A panic while the lock is held leaves a book that is still in order.
    fn book(&self) -> MutexGuard<'_, SleepBook> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
