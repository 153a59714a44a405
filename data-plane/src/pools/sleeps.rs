//! Which keys sleep, as this node knows it: what it saw itself goes out to the
//! fleet at once, what others saw comes in. Kept over a restart in a file where
//! there is no fleet to ask.

mod store;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{lock, now};
use crate::account::metrics;
use foldgate_domain::sleep::{self, SleepBook, SleepDraft};
use foldgate_log::Reports;
use foldgate_proto::report::MAX_HEARTBEAT_SLEEPS;
use foldgate_proto::{KeyId, OwnerId, Revision, SleepCause, SleepReport};

pub use store::StoreError;

/// The node that reports.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its name.
    pub node: String,
    /// Its region.
    pub region: String,
}

/// The sleeps this node knows of.
pub struct Sleeps {
    book: Mutex<SleepBook>,
    place: Place,
    reports: Reports,
    changed: AtomicBool,
}

impl Sleeps {
    /// The node that reports.
    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    /// An empty book, and where to tell of what happens here.
    pub fn new(place: Place, reports: Reports) -> Self {
        Self {
            book: Mutex::default(),
            place,
            reports,
            changed: AtomicBool::new(false),
        }
    }

    /// The sleeps this node caused, as a heartbeat repeats them, and how many
    /// keys it holds asleep in all.
    pub fn sleeping(&self) -> (Vec<SleepReport>, u64) {
        let now = now();
        let book = lock(&self.book);
        let own = book
            .sleeping(now)
            .filter(|report| report.node == self.place.node);
        let own = own.take(MAX_HEARTBEAT_SLEEPS).cloned().collect();
        let all = book.sleeping(now).count();
        (own, u64::try_from(all).unwrap_or(u64::MAX))
    }

    /// Everything asleep now.
    pub fn all(&self) -> Vec<SleepReport> {
        lock(&self.book).sleeping(now()).cloned().collect()
    }

    /// Takes over another node's report. Whether it said anything new.
    pub(super) fn hear(&self, report: &SleepReport) -> bool {
        let new = lock(&self.book).fold(report, now());
        if new {
            self.changed.store(true, Ordering::Release);
            metrics::heard();
        }
        new
    }

    /// Tells the fleet what a pool here found out.
    pub(super) fn tell(&self, owner: OwnerId, draft: SleepDraft) {
        let report = draft.report(sleep::Place {
            owner,
            node: &self.place.node,
            region: &self.place.region,
        });
        if report.cause == SleepCause::Awake {
            tracing::info!(key = %report.key, model = report.model, "a provider key woke");
        } else {
            tracing::warn!(
                key = %report.key,
                model = report.model,
                cause = %report.cause,
                status = report.status,
                until = %report.until,
                detail = report.detail,
                "a provider key sleeps"
            );
        }
        lock(&self.book).fold(&report, now());
        self.changed.store(true, Ordering::Release);
        metrics::told(report.cause);
        self.reports.publish_sleep(report);
    }

    /// What is remembered of one key.
    pub(super) fn of(&self, key: KeyId) -> Vec<SleepReport> {
        lock(&self.book).reports_of(key).cloned().collect()
    }

    /// Learns when a key's secret was set.
    pub(super) fn know(&self, key: KeyId, secret: Revision) {
        lock(&self.book).know(key, secret);
    }

    /// Forgets a key that is gone.
    pub(super) fn forget(&self, key: KeyId) {
        lock(&self.book).forget(key);
    }

    /// Drops what is over.
    pub(crate) fn prune(&self) {
        lock(&self.book).prune(now());
    }

    /// Reads what an earlier run kept. Whatever is wrong with the file is worth
    /// a warning and no more: sleeps are learnt again.
    ///
    /// # Errors
    /// Why the file cannot be used.
    pub fn restore(&self, file: &Path) -> Result<usize, StoreError> {
        let reports = store::read(file)?;
        let now = now();
        let mut book = lock(&self.book);
        Ok(reports
            .iter()
            .filter(|report| book.fold(report, now))
            .count())
    }

    /// Keeps the book in a file, if anything changed since the last time.
    ///
    /// # Errors
    /// Why the file cannot be written.
    pub(crate) async fn keep(&self, file: PathBuf) -> Result<(), StoreError> {
        if !self.changed.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let reports: Vec<SleepReport> = lock(&self.book).reports().cloned().collect();
        let written = tokio::task::spawn_blocking(move || store::write(&file, &reports)).await;
        let written = written.unwrap_or(Err(StoreError::Interrupted));
        if written.is_err() {
            self.changed.store(true, Ordering::Release);
        }
        written
    }
}

impl std::fmt::Debug for Sleeps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sleeps")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}
