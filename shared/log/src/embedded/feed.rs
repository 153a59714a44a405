//! What an in-process follower reads: the store, woken by each append.

use std::time::Duration;

use async_trait::async_trait;
use foldgate_proto::Revision;
use tokio::sync::watch;

use super::Embedded;
use crate::event_log::MAX_READ;
use crate::follow::{self, Chunk, Poke};
use crate::{BrokenLink, Error, EventLog, Position};

/// How long a record that does not fit is left alone.
const RETRY: Duration = Duration::from_secs(1);

pub(super) struct Feed {
    log: Embedded,
    head: watch::Receiver<Position>,
    poke: Poke,
    /// There was nothing behind this revision.
    idle: Option<Revision>,
    rejected: bool,
}

impl Feed {
    pub(super) fn new(log: Embedded, poke: Poke) -> Self {
        let head = log.inner.head.subscribe();
        Self {
            log,
            head,
            poke,
            idle: None,
            rejected: false,
        }
    }
}

#[async_trait]
impl follow::Feed for Feed {
    async fn next(&mut self, after: Position) -> Chunk {
        let after = after.revision;
        if self.rejected {
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = self.poke.poked() => {}
            }
        } else if self.idle == Some(after) {
            tokio::select! {
                // The sender lives in `self.log`: this cannot end in an error.
                _ = self.head.changed() => {}
                () = self.poke.poked() => {}
            }
        }
        self.head.mark_unchanged();
        match self.log.read(after.next(), MAX_READ).await {
            Ok(entries) => {
                self.idle = entries.is_empty().then_some(after);
                Chunk {
                    tail: entries.is_empty(),
                    entries,
                    ..Chunk::default()
                }
            }
            Err(error) => Chunk {
                fault: Some(fault(after, error)),
                ..Chunk::default()
            },
        }
    }

    fn rejected(&mut self) {
        self.rejected = true;
    }

    fn accepted(&mut self) {
        self.rejected = false;
    }
}

fn fault(after: Revision, error: Error) -> BrokenLink {
    match error {
        Error::Damaged { revision, reason } => BrokenLink { revision, reason },
        other => BrokenLink {
            revision: after.next(),
            reason: other.to_string(),
        },
    }
}
