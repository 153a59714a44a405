//! Reading a log from its first record to what was its last when reading began,
//! link by link.

use std::sync::Arc;
use std::time::Duration;

use foldgate_log::event_log::MAX_READ;
use foldgate_log::{BrokenLink, Position, Stored, chain};
use foldgate_proto::{LogId, Record};

use super::progress::Progress;
use super::source::Source;
use crate::exit::Failure;

/// How often and how long a copy is waited for that is behind.
const MAX_LAGS: u32 = 25;
const LAG: Duration = Duration::from_millis(200);

/// A stored record with what it says.
pub(super) type Entry = (Stored, Arc<Record>);

/// See the module.
pub(super) struct Walk<'s> {
    source: &'s Source,
    log_id: LogId,
    at: Position,
    head: Position,
    progress: Progress,
}

impl<'s> Walk<'s> {
    /// Begins before the first record; says on a terminal what is being done.
    pub(super) async fn begin(source: &'s Source, doing: &'static str) -> Result<Self, Failure> {
        let log_id = source.log_id().await?;
        let head = source.head().await?;
        Ok(Self {
            source,
            log_id,
            at: Position::genesis(log_id),
            head,
            progress: Progress::new(doing, head.revision),
        })
    }

    /// The log.
    pub(super) const fn log_id(&self) -> LogId {
        self.log_id
    }

    /// Where it ends.
    pub(super) const fn head(&self) -> Position {
        self.head
    }

    /// The next records; none is the end.
    ///
    /// # Errors
    /// The first broken link, or why the log cannot be read.
    pub(super) async fn next(&mut self) -> Result<Vec<Entry>, Failure> {
        Ok(self.step().await??)
    }

    /// As [`Walk::next`]; a broken link is an answer.
    ///
    /// # Errors
    /// Why the log cannot be read.
    pub(super) async fn step(&mut self) -> Result<Result<Vec<Entry>, BrokenLink>, Failure> {
        let left = self.head.revision.0.saturating_sub(self.at.revision.0);
        let most = usize::try_from(left).map_or(MAX_READ, |left| left.min(MAX_READ));
        if most == 0 {
            return Ok(chain::reaches(self.at, self.head).map(|()| Vec::new()));
        }
        let chunk = self.read(most).await?;
        if chunk.is_empty() {
            return Ok(chain::reaches(self.at, self.head).map(|()| Vec::new()));
        }
        let mut entries = Vec::new();
        for stored in chunk {
            match chain::link(self.at, &stored) {
                Ok(record) => {
                    self.at = stored.position();
                    entries.push((stored, record));
                }
                // What stands before it can be looked at all the same.
                Err(_) if !entries.is_empty() => break,
                Err(link) => return Ok(Err(link)),
            }
        }
        self.progress.at(self.at.revision);
        Ok(Ok(entries))
    }

    async fn read(&self, most: usize) -> Result<Vec<Stored>, Failure> {
        let from = self.at.revision.next();
        for _ in 0..MAX_LAGS {
            let chunk = self.source.read(from, most).await?;
            // Only a copy on NATS may be behind what the leader named.
            if !chunk.is_empty() || !matches!(self.source, Source::Nats(_)) {
                return Ok(chunk);
            }
            tokio::time::sleep(LAG).await;
        }
        Ok(Vec::new())
    }
}
