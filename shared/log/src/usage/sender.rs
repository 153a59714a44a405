//! The sender: the one task that hands a spool's batches over, in order and one at a
//! time, and tries for ever.

#[cfg(test)]
mod tests;

use std::time::Duration;

use foldgate_proto::UsageBatch;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::spool::{Numbered, Outbox};
use super::{Spool, Streams, codec};
use crate::Error;
use crate::jetstream::jittered;

/// How long records are gathered for one batch.
const GATHER: Duration = Duration::from_millis(200);

/// The pause after the first failure; it doubles up to the greatest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const GREATEST_PAUSE: Duration = Duration::from_secs(5);

/// After what time a spool in which nothing was settled is looked at all the same:
/// the disk may have refused before.
const LOOK: Duration = Duration::from_secs(1);

/// Whose usage it is.
#[derive(Debug, Clone)]
pub struct Place {
    /// The node's name.
    pub node: String,
    /// Its region.
    pub region: String,
}

/// A running sender.
pub struct Sender {
    stop: CancellationToken,
    task: JoinHandle<()>,
    trouble: watch::Receiver<Option<String>>,
}

impl Sender {
    /// Starts to hand over what is in the spool. `None` where somebody does already.
    pub fn start(spool: &Spool, streams: Streams, place: Place) -> Option<Self> {
        let outbox = spool.outbox()?;
        let (told, trouble) = watch::channel(None);
        let stop = CancellationToken::new();
        let work = Work {
            streams,
            place,
            told,
        };
        let task = tokio::spawn(work.run(outbox, spool.clone(), stop.clone()));
        Some(Self {
            stop,
            task,
            trouble,
        })
    }

    /// Why nothing is handed over at the moment, if so.
    pub fn trouble(&self) -> watch::Receiver<Option<String>> {
        self.trouble.clone()
    }

    /// Hands over what is left, for as long as that; the rest goes at the next start.
    pub async fn finish(self, limit: Duration) {
        self.stop.cancel();
        let mut task = self.task;
        if tokio::time::timeout(limit, &mut task).await.is_err() {
            task.abort();
            // Aborted: it ends with that and no other error.
            let _ = task.await;
        }
    }
}

struct Work {
    streams: Streams,
    place: Place,
    told: watch::Sender<Option<String>>,
}

impl Work {
    async fn run(self, outbox: Outbox, spool: Spool, stop: CancellationToken) {
        let mut kept = outbox;
        loop {
            let ending = stop.is_cancelled();
            let Some(outbox) = self.empty(kept, &spool, ending).await else {
                return;
            };
            if ending {
                return;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(LOOK) => {}
                () = gathered(&outbox) => {}
            }
            kept = outbox;
        }
    }

    /// Hands over all that waits. What is settled meanwhile is gathered for the next
    /// time: a batch costs the same, however few records are in it. At the end of all,
    /// also that is handed over.
    async fn empty(&self, mut outbox: Outbox, spool: &Spool, ending: bool) -> Option<Outbox> {
        loop {
            let (back, batch) = blocking(outbox, Outbox::next_batch).await?;
            outbox = back;
            match batch {
                Ok(Some(batch)) => self.deliver(batch).await,
                Ok(None) => {
                    gauges(spool);
                    return Some(outbox);
                }
                Err(error) => {
                    self.tell(&error);
                    return Some(outbox);
                }
            }
            let (back, arrived) = blocking(outbox, Outbox::arrived).await?;
            outbox = back;
            if let Err(error) = arrived {
                self.tell(&error);
            }
            gauges(spool);
            if !ending && !outbox.has_more() {
                return Some(outbox);
            }
        }
    }

    /// Sends a batch until it has arrived.
    async fn deliver(&self, batch: Numbered) {
        let (spool, number) = (batch.spool, batch.number);
        let Place { node, region } = &self.place;
        let batch = UsageBatch {
            node: node.clone(),
            region: region.clone(),
            spool,
            number,
            records: batch.records,
        };
        let bytes = match codec::encode(&batch) {
            Ok(bytes) => bytes::Bytes::from(bytes),
            Err(error) => {
                metrics::counter!("foldgate_usage_spool_lost_total").increment(1);
                tracing::error!(%error, number, "a usage batch is lost");
                return;
            }
        };
        let mut pause = FIRST_PAUSE;
        loop {
            let sent = self
                .streams
                .deliver((region, node), (spool, number), bytes.clone());
            match sent.await {
                Ok(()) => {
                    metrics::counter!("foldgate_usage_batches_sent_total").increment(1);
                    if self.told.borrow().is_some() {
                        tracing::info!("usage is handed over again");
                        self.told.send_replace(None);
                    }
                    return;
                }
                Err(error) => self.tell(&error),
            }
            tokio::time::sleep(jittered(pause)).await;
            pause = (pause * 2).min(GREATEST_PAUSE);
        }
    }

    fn tell(&self, error: &Error) {
        metrics::counter!("foldgate_usage_failures_total").increment(1);
        let text = format!("usage is not handed over: {error}");
        let known = self.told.borrow().as_ref() == Some(&text);
        if !known {
            tracing::warn!(%error, "usage is not handed over");
            self.told.send_replace(Some(text));
        }
    }
}

/// Resolves when there is enough for a batch, or the first of it has waited enough.
async fn gathered(outbox: &Outbox) {
    outbox.settled().await;
    // Full or not: then it goes.
    let _ = tokio::time::timeout(GATHER, outbox.full()).await;
}

fn gauges(spool: &Spool) {
    let number = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    // In KiB: exact far beyond what a spool may hold.
    metrics::gauge!("foldgate_usage_spool_kibibytes").set(number(spool.bytes() / 1024));
    metrics::gauge!("foldgate_usage_spool_records").set(number(spool.waiting()));
}

/// Does something with the outbox that waits for the disk. `None`: it is gone, for
/// the work panicked.
async fn blocking<T: Send + 'static>(
    mut outbox: Outbox,
    work: impl FnOnce(&mut Outbox) -> Result<T, Error> + Send + 'static,
) -> Option<(Outbox, Result<T, Error>)> {
    let done = tokio::task::spawn_blocking(move || {
        let done = work(&mut outbox);
        (outbox, done)
    });
    match done.await {
        Ok(done) => Some(done),
        Err(error) => {
            tracing::error!(%error, "the sender of usage ended badly");
            None
        }
    }
}
