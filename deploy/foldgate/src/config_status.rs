//! `/status/config`: where this process's configuration comes from, how far it is,
//! and what stands in its way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, SecondsFormat, Utc};
use foldgate_domain::State;
use foldgate_domain::definition::KINDS;
use foldgate_log::Replica;
use foldgate_log::replica::{Held, Status};
use foldgate_proto::Revision;
use foldgate_runtime::Health;
use serde_json::{Value, json};

use crate::open_log::OpenLog;
use crate::source::{Seen as Looked, Source};

/// The component that says whether the log can be reached.
const LOG: &str = "log";

/// What is remembered of the fold beside what it says of itself.
#[derive(Debug, Default)]
struct Seen {
    /// When the log was last known to hold nothing more.
    observed_at: Option<DateTime<Utc>>,
    /// When the table last changed.
    applied_at: Option<DateTime<Utc>>,
    /// How often it has changed.
    apply_seq: u64,
    /// The last that went wrong.
    failure: Option<Failure>,
    /// Since when a record is held, and when that was last said.
    held_at: Option<(DateTime<Utc>, DateTime<Utc>)>,
    last: Option<Status>,
}

/// Why the configuration did not get further.
#[derive(Debug, Clone)]
struct Failure {
    at: DateTime<Utc>,
    kind: &'static str,
    error: String,
}

/// A record cannot be folded.
const HELD: &str = "held";

/// The log does not answer.
const UNREACHABLE: &str = "log_unreachable";

impl Seen {
    fn look(&mut self, status: &Status, now: DateTime<Utc>) {
        let before = self.last.as_ref();
        let moved = before.is_none_or(|before| before.revision != status.revision);
        if status.ready && moved {
            self.applied_at = Some(now);
            self.apply_seq += 1;
        }
        if status.caught_up {
            self.observed_at = Some(now);
        }
        match &status.held {
            Some(held) => {
                let since = self.held_at.map_or(now, |(since, _)| since);
                self.held_at = Some((since, now));
                self.failed(now, HELD, &held.reason);
            }
            None => self.held_at = None,
        }
        self.last = Some(status.clone());
    }

    fn failed(&mut self, at: DateTime<Utc>, kind: &'static str, error: &str) {
        if self.failure.as_ref().is_none_or(|last| last.at < at) {
            self.failure = Some(Failure {
                at,
                kind,
                error: error.to_owned(),
            });
        }
    }

    /// The last time that something was to be applied, and whether it was. A record
    /// that is held and a log that is away leave what stood before.
    fn last_reload(&self, is_up_to_date: bool) -> Value {
        let failed_at = self.failure.as_ref().map(|failure| failure.at);
        let at = if is_up_to_date {
            self.applied_at
        } else {
            failed_at
        };
        json!({"successful": is_up_to_date, "at": at.map(shown)})
    }
}

/// The newest that is known of the log.
struct Observed {
    revision: Revision,
    hash: Option<String>,
    at: Option<DateTime<Utc>>,
}

/// The page. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ConfigStatus {
    replica: Replica,
    health: Health,
    kind: &'static str,
    source: Source,
    seen: Arc<Mutex<Seen>>,
}

impl ConfigStatus {
    /// Begins to follow the fold.
    pub(crate) fn follow(replica: &Replica, health: &Health, opened: &OpenLog) -> Self {
        let page = Self {
            replica: replica.clone(),
            health: health.clone(),
            kind: if opened.is_embedded {
                "embedded"
            } else {
                "nats"
            },
            source: Source::default(),
            seen: Arc::default(),
        };
        let (seen, mut changes) = (Arc::clone(&page.seen), replica.watch());
        tokio::spawn(async move {
            loop {
                let status = changes.borrow_and_update().clone();
                lock(&seen).look(&status, Utc::now());
                if changes.changed().await.is_err() {
                    return;
                }
            }
        });
        page
    }

    /// What is known of the log's end, to be kept up to date.
    pub(crate) fn source(&self) -> Source {
        self.source.clone()
    }

    /// As it is now.
    pub(crate) fn page(&self) -> Value {
        let now = Utc::now();
        let status = self.replica.status();
        let lost = self.lost();
        let connected = lost.is_none();
        let mut seen = lock(&self.seen);
        if let Some((at, error)) = self.source.failed() {
            seen.failed(at, UNREACHABLE, &error);
        }
        if let Some(reason) = lost {
            seen.failed(now, UNREACHABLE, &reason);
        }
        // Nothing new to tell is no news, but it was looked at.
        if status.caught_up && connected {
            seen.observed_at = Some(now);
        }
        let held = status.held.as_ref();
        let observed = self.observed(&status, seen.observed_at);
        json!({
            "state": state(&status, connected, &observed),
            "source": {
                "type": self.kind,
                "connected": connected,
                "observed_revision": observed.revision.0,
                "source_hash": observed.hash,
                "observed_at": observed.at.map(shown),
            },
            "applied": {
                "applied_revision": status.revision.0,
                "config_hash": config_hash(&status),
                "apply_seq": seen.apply_seq,
                "applied_at": seen.applied_at.map(shown),
                "resource_counts": counts(&self.replica.table().state),
            },
            "last_reload": seen.last_reload(held.is_none() && connected),
            "last_failure": seen.failure.as_ref().map(|failure| json!({
                "at": shown(failure.at),
                "last_error_kind": failure.kind,
                "last_error": failure.error,
            })),
            "rejected": held.map(|held| rejected(held, &seen)).into_iter().collect::<Vec<_>>(),
            "partially_compatible": self.not_understood(),
        })
    }

    /// Where the log is known to end. What was folded, or is held, is there, asked or not.
    fn observed(&self, status: &Status, folded_at: Option<DateTime<Utc>>) -> Observed {
        let folded = Observed {
            revision: status.revision,
            hash: status.log_known.then(|| status.chain.to_string()),
            at: folded_at,
        };
        let known = match &status.held {
            Some(held) if held.revision > folded.revision => Observed {
                revision: held.revision,
                hash: None,
                ..folded
            },
            _ => folded,
        };
        match self.source.seen() {
            Some(Looked { end, at }) if end.revision >= known.revision => Observed {
                revision: end.revision,
                hash: Some(end.hash.to_string()),
                at: known.at.max(Some(at)),
            },
            _ => known,
        }
    }

    /// Why the log cannot be reached, if it cannot.
    fn lost(&self) -> Option<String> {
        // It tells of what is not ready alone.
        let mut parts = self.health.report(false).components.into_iter();
        let log = parts.find(|part| part.name == LOG)?;
        Some(
            log.reason
                .unwrap_or_else(|| "it does not answer".to_owned()),
        )
    }

    /// Models with fields that a newer program wrote.
    fn not_understood(&self) -> Value {
        let table = self.replica.table();
        let owners = table.state.owners.keys().filter_map(|id| table.owner(*id));
        let count: usize = owners.map(|owner| owner.unread_models().count()).sum();
        if count == 0 {
            return json!([]);
        }
        json!([{"resource_kind": "model", "field": "*", "count": count}])
    }
}

fn state(status: &Status, connected: bool, observed: &Observed) -> &'static str {
    if !status.ready {
        "never_loaded"
    } else if status.held.is_some() {
        "out_of_sync"
    } else if !connected || !status.caught_up {
        "degraded"
    } else if observed.revision > status.revision {
        "out_of_sync"
    } else if status.revision.0 == 0 {
        "empty"
    } else {
        "synced"
    }
}

/// The hash of the state that is applied. It is made aside, and for a while it is that
/// of an older revision: then there is none, lest two nodes seem to differ that do not.
fn config_hash(status: &Status) -> Option<String> {
    let hash = status.state_hash?;
    (hash.revision == status.revision).then(|| hash.hash.to_string())
}

fn rejected(held: &Held, seen: &Seen) -> Value {
    let (first, last) = seen.held_at.unzip();
    json!({
        "resource_kind": "record",
        "resource_id": held.revision.to_string(),
        "last_error_kind": HELD,
        "last_error": held.reason,
        "first_seen_at": first.map(shown),
        "last_seen_at": last.map(shown),
    })
}

/// How many resources there are, over all owners.
fn counts(state: &State) -> Value {
    let sum = |of: fn(&foldgate_domain::OwnerState) -> usize| -> usize {
        state.owners.values().map(|owner| of(owner)).sum()
    };
    let mut counts = json!({
        "owners": state.owners.len(),
        "provider_keys": sum(|owner| owner.keys.len()),
        "accounts": sum(|owner| owner.accounts.len()),
        "api_keys": sum(|owner| owner.caller_keys.len()),
        "admin_keys": sum(|owner| owner.admin_keys.len()),
        "news": sum(|owner| owner.news.len()),
    });
    for line in KINDS {
        let owners = state.owners.values();
        let count: usize = owners.map(|owner| owner.definition_count(line.kind)).sum();
        counts[line.kind.plural()] = json!(count);
    }
    counts
}

fn shown(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A panic while the lock is held leaves what is still true.
fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
