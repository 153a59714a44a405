//! Which provider key made what. Responses, files and batches live at the upstream
//! account that made them: a call that names one (in its path, as
//! `previous_response_id`, as its `conversation`, as a batch's `input_file_id`, as a `file_id` anywhere in what a
//! model is asked) can be served by that key alone.
//! And they belong to the account that had them made: no other may read them.
//!
//! **Ids stay as they are.** Putting the key into the id would need no memory at all, but
//! ids stand in many places of bodies and streams, bodies pass byte for byte, and what
//! an upstream is asked with must be what it said.
//!
//! **So it is remembered.** The node that saw the answer remembers the key, by a hash of
//! owner, account and id: another account has another hash, and finds nothing. It tells
//! all nodes at once (`foldgate.made`, a core subject), and keeps what it knows in a file
//! beside its snapshot. A node that does not know asks all others and waits a moment.
//!
//! | what happens | what holds |
//! |---|---|
//! | the next call reaches another node | it was told, or asks and is told |
//! | a node starts anew | it reads its file, and asks for the rest |
//! | the node that saw the answer is gone | any other that lived then knows |
//! | no node that knows lives, none has a file | accounts get 404; the owner, whose keys they all are, has every key asked (as many as a call may try) |
//! | NATS is away | what a node knows itself |
//! | more was made than is remembered | the oldest is forgotten: responses after [`MOST`] others, files and batches after as many of theirs |
//!
//! Nothing waits for others when something is made: a call that is quicker than the
//! telling asks. A stream of last values in JetStream was put off: one write for each
//! response of the fleet, kept in every region for a month, to outlive only what the
//! files do not: the loss of all nodes with their disks. Asking every key on each miss
//! was rejected for accounts: it would tell one account what another had made.

mod file;
mod lists;

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldgate_log::Reports;
use foldgate_proto::{AccountNumber, KeyId, Made, MadeReport, MadeWord, OwnerId};
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};

use crate::attempt::Answer;
use crate::endpoint::{Binds, Endpoint};
use crate::jobs::Jobs;
use crate::json::members;
use crate::pools::now;
use crate::relay::Form;
pub(crate) use lists::joined;

/// How much is remembered of responses, and of what lasts: at about 100 bytes each.
const MOST: usize = 250_000;

/// How long the others may take to tell: several times round the world.
const PATIENCE: Duration = Duration::from_millis(700);

/// Whose something is.
pub(crate) type Whose = (OwnerId, AccountNumber);

/// What this node knows, and a way to ask the others.
pub(crate) struct Affinity {
    known: Mutex<Known>,
    reports: Reports,
    told: Notify,
    /// Whether it is kept in a file.
    keeps: bool,
}

#[derive(Default)]
struct Known {
    responses: Shelf,
    lasting: Shelf,
    /// What is not in the file yet.
    unkept: Vec<MadeReport>,
}

/// The newest of a kind.
#[derive(Default)]
struct Shelf {
    keys: HashMap<Made, KeyId>,
    order: VecDeque<Made>,
}

impl Affinity {
    /// Knows what a file knows, if there is one.
    pub(crate) fn new(reports: Reports, file: Option<&Path>) -> Self {
        let mut known = Known::default();
        if let Some(file) = file {
            match file::read(file, 2 * MOST) {
                Ok(reports) => reports.iter().for_each(|report| {
                    known.take(report);
                }),
                Err(error) => tracing::warn!(%error, "what keys made before is not known"),
            }
        }
        Self {
            known: Mutex::new(known),
            reports,
            told: Notify::new(),
            keeps: file.is_some(),
        }
    }

    /// Remembers what a key made, and tells the others.
    pub(crate) fn note(&self, whose: Whose, id: &str, (key, lasting): (KeyId, bool)) {
        let report = MadeReport {
            made: Made::of(whose.0, whose.1, id),
            key,
            at: now(),
            lasting,
        };
        let is_new = {
            let mut known = self.known();
            let is_new = known.take(&report);
            if is_new && self.keeps {
                known.unkept.push(report);
            }
            is_new
        };
        if is_new {
            self.reports.publish_made(report);
        }
    }

    /// Whether something is known here to be an account's own.
    pub(crate) fn knows(&self, whose: Whose, id: &str) -> bool {
        self.key_of(whose, id).is_some()
    }

    /// The key that made something, if it is known here to be an account's own.
    pub(crate) fn key_of(&self, whose: Whose, id: &str) -> Option<KeyId> {
        let made = Made::of(whose.0, whose.1, id);
        self.known().get(&made)
    }

    /// The key that made something, if it is the account's own and anybody knows.
    pub(crate) async fn find(&self, whose: Whose, id: &str) -> Option<KeyId> {
        let made = Made::of(whose.0, whose.1, id);
        if let Some(key) = self.known().get(&made) {
            return Some(key);
        }
        if !self.reports.has_others() {
            return None;
        }
        let until = Instant::now() + PATIENCE;
        self.reports.ask_made(made);
        loop {
            let told = self.told.notified();
            if let Some(key) = self.known().get(&made) {
                return Some(key);
            }
            timeout_at(until, told).await.ok()?;
        }
    }

    /// Hears what the others tell, and tells what they ask, for ever. What they say of
    /// jobs is for `jobs`.
    pub(crate) async fn listen(&self, jobs: &Jobs) {
        let mut words = self.reports.hear_made();
        loop {
            match words.recv().await {
                Ok(MadeWord::Told(report)) => {
                    let mut known = self.known();
                    if known.take(&report) && self.keeps {
                        known.unkept.push(report);
                    }
                    drop(known);
                    self.told.notify_waiters();
                }
                Ok(MadeWord::Asked(made)) => {
                    let found = self.known().told(made);
                    if let Some(report) = found {
                        self.reports.publish_made(report);
                    }
                    jobs.hear(MadeWord::Asked(made));
                }
                Ok(word @ (MadeWord::Began(_) | MadeWord::Billed(_))) => jobs.hear(word),
                // Who needs what was missed asks.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Adds to the file what is not in it.
    ///
    /// # Errors
    /// The file cannot be written; what is missing in it is tried again.
    pub(crate) fn keep(&self, file: &Path) -> std::io::Result<()> {
        let unkept = std::mem::take(&mut self.known().unkept);
        if unkept.is_empty() {
            return Ok(());
        }
        let kept = file::append(file, &unkept);
        if kept.is_err() {
            let mut known = self.known();
            let room = (2 * MOST).saturating_sub(known.unkept.len());
            known.unkept.extend(unkept.into_iter().take(room));
        }
        kept
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn get(&self, made: &Made) -> Option<KeyId> {
        let kept = self.lasting.keys.get(made);
        kept.or_else(|| self.responses.keys.get(made)).copied()
    }

    fn told(&self, made: Made) -> Option<MadeReport> {
        Some(MadeReport {
            made,
            key: self.get(&made)?,
            at: now(),
            lasting: self.lasting.keys.contains_key(&made),
        })
    }

    /// Whether it is new.
    fn take(&mut self, report: &MadeReport) -> bool {
        let kind = if report.lasting {
            &mut self.lasting
        } else {
            &mut self.responses
        };
        if kind.keys.contains_key(&report.made) {
            return false;
        }
        if kind.order.len() >= MOST
            && let Some(oldest) = kind.order.pop_front()
        {
            kind.keys.remove(&oldest);
        }
        kind.keys.insert(report.made, report.key);
        kind.order.push_back(report.made);
        true
    }
}

/// The ids that an answer makes known.
pub(crate) fn made_in(endpoint: &Endpoint, answer: &Answer) -> Vec<String> {
    let names: &[&'static str] = match endpoint.binds {
        Binds::Nothing | Binds::Lists => return Vec::new(),
        Binds::Makes(_) => &["id"],
        Binds::Follows(fields) => fields,
    };
    match answer {
        Answer::Whole { body, .. } => {
            let text = std::str::from_utf8(body).unwrap_or_default();
            let ids = names.iter().filter_map(|name| {
                let [id] = members(text, &[*name]).ok()?.values;
                serde_json::from_str::<String>(id?).ok()
            });
            ids.collect()
        }
        Answer::Begun { form, .. } => match form {
            Form::Events(flow) => flow.made().map(str::to_owned).into_iter().collect(),
            Form::Bytes { ready, .. } => ready.first().and_then(first_id).into_iter().collect(),
        },
        Answer::Switched { .. } => Vec::new(),
    }
}

/// The id of an answer that is too large to be held: OpenAI's begin with it.
fn first_id(piece: &bytes::Bytes) -> Option<String> {
    let rest = piece.trim_ascii_start().strip_prefix(b"{")?;
    let rest = rest.trim_ascii_start().strip_prefix(b"\"id\"")?;
    let rest = rest.trim_ascii_start().strip_prefix(b":")?;
    let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<String>();
    values.next()?.ok()
}

#[cfg(test)]
mod tests;
