//! States that were: the nearest checkpoint before a revision, and from there the
//! log. Checkpoints are node snapshots, each in a folder of its own, so often
//! that replaying stays short and so seldom that they take no more room than the
//! log: a large state has them further apart.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldgate_domain::{FOLD_VERSION, State};
use foldgate_log::event_log::MAX_READ;
use foldgate_log::snapshot::{Header, Snapshots};
use foldgate_log::{Error as LogError, EventLog, Stored};
use foldgate_proto::{LogId, Record, RecordHash, Revision};
use tokio::sync::Semaphore;

use super::store::Fault;

/// The fewest records between two checkpoints; replaying so many takes a tenth
/// of a second.
pub const MIN_INTERVAL: u64 = 10_000;

/// The bytes of checkpoints that one record of the log may cost; a record itself
/// has some 500.
pub const BYTES_PER_RECORD: u64 = 200;

/// States kept for those who ask for the same or the next one again.
const MAX_KEPT: usize = 4;

/// The largest state that is kept so, in bytes.
const MAX_KEPT_BYTES: u64 = 64 * 1024 * 1024;

/// How many states are made at once: each may be large.
const MAX_AT_ONCE: usize = 2;

/// The checkpoints of one index.
#[derive(Debug)]
pub(super) struct Past {
    dir: PathBuf,
    log_id: LogId,
    /// Where checkpoints stand, with what each state takes.
    checkpoints: Mutex<BTreeMap<Revision, u64>>,
    /// Those that could not be read, to be written anew on the way.
    lost: Mutex<Vec<Revision>>,
    kept: Mutex<Vec<State>>,
    turns: Semaphore,
    pace: Pace,
}

/// How far apart checkpoints stand.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// See [`MIN_INTERVAL`].
    records: u64,
    /// See [`BYTES_PER_RECORD`].
    bytes_per_record: u64,
}

const PACE: Pace = Pace {
    records: MIN_INTERVAL,
    bytes_per_record: BYTES_PER_RECORD,
};

impl Past {
    /// The checkpoints in a folder.
    pub(super) fn open(dir: &Path, log_id: LogId) -> Self {
        let folders = std::fs::read_dir(dir).into_iter().flatten();
        let found = folders.filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            let revision = Revision(name.parse().ok()?);
            let size = std::fs::metadata(entry.path().join("snapshot-a")).ok()?;
            Some((revision, size.len()))
        });
        Self {
            dir: dir.to_owned(),
            log_id,
            checkpoints: Mutex::new(found.collect()),
            lost: Mutex::default(),
            kept: Mutex::default(),
            turns: Semaphore::new(MAX_AT_ONCE),
            pace: PACE,
        }
    }

    /// Writes a checkpoint, if one is due at this state. Blocks.
    pub(super) fn keep_if_due(&self, state: &State) -> Result<(), Fault> {
        let (last, size) = {
            let checkpoints = lock(&self.checkpoints);
            let last = checkpoints.last_key_value();
            last.map_or((Revision::ZERO, 0), |(at, size)| (*at, *size))
        };
        let interval = self.pace.records.max(size / self.pace.bytes_per_record);
        if state.revision.0 >= last.0.saturating_add(interval) {
            self.keep(state)?;
        }
        Ok(())
    }

    fn keep(&self, state: &State) -> Result<(), Fault> {
        let disk = |error: String| Fault::Disk(error);
        let bytes = state.to_bytes().map_err(|e| disk(e.to_string()))?;
        let header = Header {
            log_id: state.log,
            revision: state.revision,
            chain: state.chain,
            state_hash: RecordHash::of(&bytes),
            fold_version: FOLD_VERSION,
            serial: 0,
        };
        let dir = self.folder(state.revision);
        // What is left of a checkpoint that was not finished is none.
        let _ = std::fs::remove_dir_all(&dir);
        let (mut snapshots, _) = Snapshots::open(&dir).map_err(|e| disk(e.to_string()))?;
        let saved = snapshots.save(header, &bytes);
        saved.map_err(|error| disk(error.to_string()))?;
        lock(&self.checkpoints).insert(state.revision, bytes.len() as u64);
        Ok(())
    }

    fn folder(&self, revision: Revision) -> PathBuf {
        self.dir.join(format!("{:020}", revision.0))
    }

    /// The state right behind a revision that the log has.
    ///
    /// # Errors
    /// The log cannot be read there.
    pub(super) async fn state_at(
        self: &Arc<Self>,
        log: &dyn EventLog,
        revision: Revision,
    ) -> Result<State, LogError> {
        let Ok(_turn) = self.turns.acquire().await else {
            return Err(LogError::Unavailable("the process is ending".to_owned()));
        };
        if let Some(state) = self.recall(revision) {
            return Ok(state);
        }
        let mut state = self.nearest(log, revision).await?;
        while state.revision < revision {
            let lost = self.first_lost(state.revision, revision);
            state = replay(log, state, lost.unwrap_or(revision)).await?;
            if lost.is_some() {
                self.heal(&state).await;
            }
        }
        self.remember(&state);
        Ok(state)
    }

    /// Where to replay from: the newest state before a revision that is at hand.
    async fn nearest(
        self: &Arc<Self>,
        log: &dyn EventLog,
        revision: Revision,
    ) -> Result<State, LogError> {
        let kept = {
            let kept = lock(&self.kept);
            let before = kept.iter().filter(|state| state.revision <= revision);
            before.max_by_key(|state| state.revision).cloned()
        };
        loop {
            let at = {
                let checkpoints = lock(&self.checkpoints);
                let before = checkpoints.range(..=revision).next_back();
                before.map(|(at, _)| *at)
            };
            if let Some(kept) = &kept
                && at.is_none_or(|at| at <= kept.revision)
            {
                return Ok(kept.clone());
            }
            let Some(at) = at else {
                return Ok(State::new(self.log_id));
            };
            match self.load(log, at).await? {
                Ok(state) => return Ok(state),
                Err(why) => {
                    tracing::error!(revision = %at, why, "a checkpoint of the history is lost");
                    metrics::counter!("foldgate_history_checkpoints_lost_total").increment(1);
                    lock(&self.checkpoints).remove(&at);
                    lock(&self.lost).push(at);
                }
            }
        }
    }

    /// Reads a checkpoint; inside, why it is none of this log.
    async fn load(
        self: &Arc<Self>,
        log: &dyn EventLog,
        at: Revision,
    ) -> Result<Result<State, String>, LogError> {
        let this = Arc::clone(self);
        let loaded = tokio::task::spawn_blocking(move || this.read(at)).await;
        let state = match loaded {
            Ok(Ok(state)) => state,
            Ok(Err(why)) => return Ok(Err(why)),
            Err(_) => return Ok(Err("reading it failed inside the program".to_owned())),
        };
        let found = log.read(at, 1).await?;
        Ok(match found.first() {
            Some(stored) if stored.hash == state.chain => Ok(state),
            Some(_) => Err("the log has another record there".to_owned()),
            None => return Err(ended(at)),
        })
    }

    fn read(&self, at: Revision) -> Result<State, String> {
        let opened = Snapshots::open(&self.folder(at)).map_err(|error| error.to_string())?;
        let (_, Some(snapshot)) = opened else {
            return Err("its file is missing or damaged".to_owned());
        };
        let state = State::from_bytes(&snapshot.state).map_err(|error| error.to_string())?;
        let fits = state.revision == at
            && state.log == self.log_id
            && snapshot.header.fold_version == FOLD_VERSION;
        if fits {
            Ok(state)
        } else {
            Err("it is of another revision, log or version".to_owned())
        }
    }

    /// The first lost checkpoint behind one revision and up to another.
    fn first_lost(&self, behind: Revision, to: Revision) -> Option<Revision> {
        let lost = lock(&self.lost);
        let between = lost.iter().filter(|at| **at > behind && **at <= to);
        between.min().copied()
    }

    async fn heal(self: &Arc<Self>, state: &State) {
        let (this, copy) = (Arc::clone(self), state.clone());
        let kept = tokio::task::spawn_blocking(move || this.keep(&copy)).await;
        if matches!(kept, Ok(Ok(()))) {
            tracing::info!(revision = %state.revision, "the checkpoint is written anew");
        }
        lock(&self.lost).retain(|at| *at != state.revision);
    }

    fn recall(&self, revision: Revision) -> Option<State> {
        let mut kept = lock(&self.kept);
        let at = kept.iter().position(|state| state.revision == revision)?;
        let state = kept.remove(at);
        kept.push(state.clone());
        Some(state)
    }

    fn remember(&self, state: &State) {
        let largest = lock(&self.checkpoints).values().copied().max();
        let is_small = largest.unwrap_or(0) <= MAX_KEPT_BYTES;
        let most = if is_small { MAX_KEPT } else { 1 };
        let mut kept = lock(&self.kept);
        kept.push(state.clone());
        while kept.len() > most {
            kept.remove(0);
        }
    }
}

/// Folds the log's records behind a state, up to a revision.
async fn replay(log: &dyn EventLog, mut state: State, to: Revision) -> Result<State, LogError> {
    while state.revision < to {
        let left = to.0.saturating_sub(state.revision.0);
        let most = usize::try_from(left).unwrap_or(MAX_READ).min(MAX_READ);
        let chunk = log.read(state.revision.next(), most).await?;
        if chunk.is_empty() {
            return Err(ended(state.revision.next()));
        }
        let fold = move || {
            for stored in &chunk {
                let record = linked(&state, stored)?;
                state.apply(stored.revision, stored.hash, &record);
            }
            Ok::<State, LogError>(state)
        };
        let folded = tokio::task::spawn_blocking(fold).await;
        state = folded.unwrap_or_else(|_| {
            let reason = "folding it failed inside the program".to_owned();
            Err(LogError::Io(reason))
        })?;
    }
    Ok(state)
}

/// The record that stands right behind a state.
///
/// # Errors
/// It is another one, or none.
pub(super) fn linked(state: &State, stored: &Stored) -> Result<Record, LogError> {
    let damaged = |reason: String| LogError::Damaged {
        revision: state.revision.next(),
        reason,
    };
    if stored.revision != state.revision.next() {
        return Err(damaged("it is missing".to_owned()));
    }
    let record = Record::decode(&stored.bytes).map_err(|error| damaged(error.to_string()))?;
    if record.prev != state.chain {
        return Err(damaged("it does not name the record before it".to_owned()));
    }
    Ok(record)
}

fn ended(at: Revision) -> LogError {
    LogError::Unavailable(format!("the copy that answers ends before revision {at}"))
}

/// A panic while a lock is held leaves lists that are still in order.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
