//! The one task that folds usage into the book.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use foldgate_log::usage::{Delivery, Feed, Group as Received, codec};
use foldgate_runtime::Component;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::book::{Book, Group, Outcome};
use super::{State, Usage};
use crate::history::store::Fault;

/// The pause before what failed is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct Fold {
    pub(super) usage: Usage,
    pub(super) feed: Feed,
    /// Where the book is.
    pub(super) dir: PathBuf,
    pub(super) component: Component,
}

impl Fold {
    pub(super) async fn run(mut self, stop: CancellationToken) {
        // A process without bills serves.
        self.component.ready();
        while !stop.is_cancelled() {
            let fault = tokio::select! {
                fault = self.attempt() => fault,
                () = stop.cancelled() => break,
            };
            let (damaged, reason) = match fault {
                Fault::Damaged(reason) => (true, reason),
                Fault::Disk(reason) => (false, reason),
            };
            tracing::error!(reason, damaged, "the bills cannot be kept up");
            self.tell(None, Some(&reason));
            if damaged && let Err(error) = set_aside(&self.dir) {
                tracing::error!(%error, "the damaged bills cannot be set aside");
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = stop.cancelled() => {}
            }
        }
        let book = self.usage.0.borrow().book.clone();
        self.tell(None, Some("the process is ending"));
        if let Some(book) = book {
            // What is not on disk is folded again.
            let _ = blocking(move || book.sync()).await;
        }
    }

    /// Folds until the book is in the way.
    async fn attempt(&mut self) -> Fault {
        let dir = self.dir.clone();
        let zone = self.usage.zone();
        let open = move || {
            std::fs::create_dir_all(&dir).map_err(|error| Fault::Disk(error.to_string()))?;
            Book::open(&dir)?.in_zone(zone)
        };
        let book = match blocking(open).await {
            Ok(book) => Arc::new(book),
            Err(fault) => return fault,
        };
        let read = book.clone();
        let purses = self.usage.purses().clone();
        let load = move || read.spends().map(|spends| purses.load(spends));
        if let Err(fault) = blocking(load).await {
            return fault;
        }
        self.tell(Some(book.clone()), None);
        loop {
            let positions = match book.meta() {
                Ok(meta) => meta.positions,
                Err(fault) => return fault,
            };
            match self.feed.next(&positions).await {
                Ok(received) => match folded(&book, received).await {
                    Ok(outcome) => self.note(&book, &outcome),
                    Err(fault) => return fault,
                },
                Err(error) => {
                    self.component
                        .degraded(format!("usage is not folded: {error}"));
                    self.tell(Some(book.clone()), Some(&error.to_string()));
                    tokio::time::sleep(RETRY).await;
                }
            }
            if !book.stands() {
                return Fault::Damaged("its files are gone".to_owned());
            }
        }
    }

    fn note(&self, book: &Arc<Book>, outcome: &Outcome) {
        self.usage.purses().add(&outcome.spent);
        metrics::counter!("foldgate_usage_batches_folded_total").increment(outcome.batches);
        metrics::counter!("foldgate_usage_duplicates_total").increment(outcome.duplicates);
        metrics::counter!("foldgate_usage_records_total").increment(outcome.records);
        metrics::counter!("foldgate_usage_jobs_repeated_total").increment(outcome.repeated);
        if outcome.missing > 0 {
            let missing = outcome.missing;
            tracing::debug!(missing, "batches of usage were never seen");
            metrics::counter!("foldgate_usage_gaps_total").increment(1);
        }
        self.component.ready();
        self.usage.0.send_modify(|state| {
            state.book = Some(book.clone());
            state.trouble = None;
            state.folded += outcome.batches;
        });
    }

    fn tell(&self, book: Option<Arc<Book>>, trouble: Option<&str>) {
        if let (None, Some(trouble)) = (&book, trouble) {
            self.component
                .degraded(format!("bills are not kept up: {trouble}"));
        }
        self.usage.0.send_modify(|state| {
            *state = State {
                book,
                trouble: trouble.map(str::to_owned),
                folded: state.folded,
            };
        });
    }
}

/// Folds what was received, and tells those who wait for it.
async fn folded(book: &Arc<Book>, received: Received) -> Result<Outcome, Fault> {
    let book = Arc::clone(book);
    blocking(move || {
        let read = |delivery: &Delivery| {
            let batch = codec::decode(&delivery.bytes);
            let batch = batch.inspect_err(|error| {
                metrics::counter!("foldgate_usage_unreadable_total").increment(1);
                tracing::error!(%error, at = ?delivery.position, "a usage batch is left out");
            });
            (delivery.position, batch.ok())
        };
        let outcome = book.fold(&Group {
            origin: &received.origin,
            missed: received.missed > 0,
            batches: received.deliveries.iter().map(read).collect(),
        })?;
        if received.deliveries.iter().any(Delivery::is_awaited) {
            let began = Instant::now();
            book.sync()?;
            metrics::histogram!("foldgate_usage_sync_seconds").record(began.elapsed());
        }
        received.deliveries.into_iter().for_each(Delivery::folded);
        Ok(outcome)
    })
    .await
}

/// Moves a book that cannot be used out of the way: somebody may want to look at it.
fn set_aside(dir: &Path) -> std::io::Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    let aside = dir.with_extension(format!("damaged-{}", Uuid::now_v7()));
    std::fs::rename(dir, aside)
}

/// Runs disk work off the async workers. A panic of sled is damage here.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Fault::Damaged("sled gave up on its file".to_owned())))
}
