//! `/status/config`: where this process's configuration comes from, how far it is,
//! and what stands in its way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, SecondsFormat, Utc};
use foldgate_domain::State;
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
    /// The last record that was held, and since when.
    failure: Option<(DateTime<Utc>, Held)>,
    first_held_at: Option<DateTime<Utc>>,
    last: Option<Status>,
}

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
                self.first_held_at.get_or_insert(now);
                self.failure = Some((now, held.clone()));
            }
            None => self.first_held_at = None,
        }
        self.last = Some(status.clone());
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
        let connected = self.is_connected();
        let mut seen = lock(&self.seen);
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
                "config_hash": status.state_hash.map(|hash| hash.hash.to_string()),
                "apply_seq": seen.apply_seq,
                "applied_at": seen.applied_at.map(shown),
                "resource_counts": counts(&self.replica.table().state),
            },
            "last_reload": {"successful": held.is_none(), "at": seen.applied_at.map(shown)},
            "last_failure": seen.failure.as_ref().map(|(at, held)| json!({
                "at": shown(*at),
                "last_error_kind": "held",
                "last_error": held.reason,
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

    fn is_connected(&self) -> bool {
        let report = self.health.report(true);
        let mut log = report.components.iter().filter(|part| part.name == LOG);
        log.all(|part| part.status == "ready")
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

fn rejected(held: &Held, seen: &Seen) -> Value {
    let at = |at: Option<DateTime<Utc>>| at.map(shown);
    json!({
        "resource_kind": "record",
        "resource_id": held.revision.to_string(),
        "last_error_kind": "held",
        "last_error": held.reason,
        "first_seen_at": at(seen.first_held_at),
        "last_seen_at": at(seen.failure.as_ref().map(|(at, _)| *at)),
    })
}

/// How many resources there are, over all owners.
fn counts(state: &State) -> Value {
    let sum = |of: fn(&foldgate_domain::OwnerState) -> usize| -> usize {
        state.owners.values().map(|owner| of(owner)).sum()
    };
    json!({
        "owners": state.owners.len(),
        "provider_keys": sum(|owner| owner.keys.len()),
        "accounts": sum(|owner| owner.accounts.len()),
        "api_keys": sum(|owner| owner.caller_keys.len()),
        "admin_keys": sum(|owner| owner.admin_keys.len()),
        "news": sum(|owner| owner.news.len()),
        "definitions": sum(|owner| owner.definitions.len()),
    })
}

fn shown(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A panic while the lock is held leaves what is still true.
fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
