//! Following a log: every record once, in order, never over a hole.

use std::sync::Arc;

use async_trait::async_trait;
use foldgate_proto::{Record, RecordHash, Revision};
use tokio::sync::{Notify, mpsc};

use crate::{BrokenLink, Position, Stored, chain};

#[cfg(test)]
mod tests;

/// How many items wait for a slow consumer before reading pauses.
const QUEUE: usize = 512;

/// What a follower hears.
#[derive(Debug, Clone)]
pub enum FollowItem {
    /// The next record.
    Entry {
        /// Where it stands.
        revision: Revision,
        /// The hash of its stored bytes.
        hash: RecordHash,
        /// The record.
        record: Arc<Record>,
    },
    /// There was nothing behind this revision when the log was last asked.
    CaughtUp(Revision),
    /// The record at this revision is missing, does not fit the chain or cannot
    /// be read; or one that was heard of already is gone or another, because the
    /// log went back or was replaced. It is tried again until a whole copy answers; then its entry comes.
    Held {
        /// Which record.
        revision: Revision,
        /// What is wrong with it.
        reason: String,
    },
}

/// A log being followed. Dropping it ends the following.
#[derive(Debug)]
pub struct Follow {
    items: mpsc::Receiver<FollowItem>,
    poke: Poke,
}

impl Follow {
    /// The next item; `None` once the process shuts down.
    pub async fn next(&mut self) -> Option<FollowItem> {
        self.items.recv().await
    }

    /// The next item if it is already there.
    pub fn try_next(&mut self) -> Option<FollowItem> {
        self.items.try_recv().ok()
    }

    /// What makes the follower look at the log at once.
    pub fn poker(&self) -> Poke {
        self.poke.clone()
    }
}

/// Makes a follower look at the log at once.
#[derive(Debug, Clone, Default)]
pub struct Poke(Arc<Notify>);

impl Poke {
    /// Look now.
    pub fn poke(&self) {
        self.0.notify_one();
    }

    pub(crate) async fn poked(&self) {
        self.0.notified().await;
    }
}

/// Some of what stands behind a revision.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// Records, in order, possibly known already.
    pub(crate) entries: Vec<Stored>,
    /// Whether nothing stands behind them, by the log's own word.
    pub(crate) tail: bool,
    /// Whether they were pushed without being asked for: a hint, no truth.
    pub(crate) pushed: bool,
    /// Why the record behind the entries cannot be had.
    pub(crate) fault: Option<BrokenLink>,
}

/// Where a follower's records come from.
#[async_trait]
pub(crate) trait Feed: Send + 'static {
    /// Waits until there is something to say about what stands behind `after`, or
    /// against that this still stands itself.
    async fn next(&mut self, after: Position) -> Chunk;

    /// The last chunk did not fit. The feed paces itself and asks elsewhere.
    fn rejected(&mut self);

    /// The last chunk did fit.
    fn accepted(&mut self);
}

/// Starts a task that follows `feed` from behind `from`.
pub(crate) fn spawn(feed: impl Feed, from: Position, poke: Poke) -> Follow {
    let (tx, items) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        let closed = tx.clone();
        tokio::select! {
            () = run(feed, from, tx) => {}
            () = closed.closed() => {}
        }
    });
    Follow { items, poke }
}

async fn run(mut feed: impl Feed, from: Position, tx: mpsc::Sender<FollowItem>) {
    let mut at = from;
    let mut caught_up = None;
    let mut held = None;
    loop {
        let chunk = feed.next(at).await;
        let mut fault = chunk.fault;
        for stored in chunk.entries {
            if stored.revision <= at.revision {
                continue;
            }
            match chain::link(at, &stored) {
                Ok(record) => {
                    at = stored.position();
                    held = None;
                    let item = FollowItem::Entry {
                        revision: at.revision,
                        hash: at.hash,
                        record,
                    };
                    if tx.send(item).await.is_err() {
                        return;
                    }
                }
                Err(broken) => {
                    fault = Some(broken);
                    break;
                }
            }
        }
        let item = if let Some(broken) = fault {
            feed.rejected();
            if chunk.pushed || held.as_ref() == Some(&broken) {
                continue;
            }
            caught_up = None;
            held = Some(broken.clone());
            FollowItem::Held {
                revision: broken.revision,
                reason: broken.reason,
            }
        } else {
            feed.accepted();
            if !chunk.tail || caught_up == Some(at.revision) {
                continue;
            }
            caught_up = Some(at.revision);
            FollowItem::CaughtUp(at.revision)
        };
        if tx.send(item).await.is_err() {
            return;
        }
    }
}
