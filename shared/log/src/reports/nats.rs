//! Reports over NATS: core subjects for speed, the region's stream of last
//! values for those who join late. Uses the log's connection and knows nothing
//! of the client behind it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use foldgate_proto::{Heartbeat, MadeWord, Purses, SleepReport, names, report};
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::queue::Queue;
use super::{LAST_SLEEPS, Report};
use crate::jetstream::{Api, Connection};
use crate::{Error, JetStream};

/// How long a report waits for a connection before the task looks at the queue anew.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a late joiner waits for a connection.
const LOAD_LIMIT: Duration = Duration::from_secs(5);

/// Where a stream begins.
const FIRST: u64 = 1;

/// How often a load fails for want of one stream of this domain. Then what the
/// others have must do: a node may lack the permission for that one.
const INSISTED: u32 = 3;

/// Where last values are kept.
pub(super) struct Streams {
    connection: Connection,
    places: Vec<Place>,
    incomplete: AtomicU32,
}

struct Place {
    api: Api,
    /// In the domain this process is connected to: it should answer.
    near: bool,
    /// The sequence behind the last report that was read there.
    next: AtomicU64,
}

/// What places answered.
#[derive(Default)]
struct Answers {
    newest: BTreeMap<String, SleepReport>,
    answered: bool,
    /// Why a place that should answer did not.
    silent: Option<Error>,
    /// Why another did not.
    failed: Option<Error>,
}

impl Streams {
    pub(super) fn new(log: &JetStream) -> Self {
        let connection = log.connection().clone();
        let place = |domain: Option<&str>, stream: &str| Place {
            api: Api::new(&connection, domain, stream.to_owned()),
            near: domain.is_none(),
            next: AtomicU64::new(FIRST),
        };
        let streams = [names::SLEEP_STREAM, names::SLEEP_OTHERS_STREAM];
        let mut places: Vec<Place> = streams.map(|stream| place(None, stream)).into();
        // The hub's too: the region may not have heard of all of it yet.
        if let Some(hub) = &log.options().hub_domain {
            places.extend(streams.map(|stream| place(Some(hub), stream)));
        }
        Self {
            connection,
            places,
            incomplete: AtomicU32::new(0),
        }
    }

    /// The newest report per subject over all streams that answer.
    pub(super) async fn load(&self) -> Result<Vec<SleepReport>, Error> {
        let found = self.ask(|_| FIRST).await?;
        let insists = || self.incomplete.fetch_add(1, Ordering::Relaxed) < INSISTED;
        match (found.silent, found.failed) {
            (Some(error), _) if !found.answered || insists() => Err(error),
            (None, Some(error)) if !found.answered => Err(error),
            _ => Ok(found.newest.into_values().collect()),
        }
    }

    /// As [`Self::load`], of what was kept since it was last read. A stream that does
    /// not answer now is read from there on the next time.
    pub(super) async fn newer(&self) -> Result<Vec<SleepReport>, Error> {
        let found = self.ask(|place| place.next.load(Ordering::Relaxed)).await?;
        match found.silent.or(found.failed) {
            Some(error) if !found.answered => Err(error),
            _ => Ok(found.newest.into_values().collect()),
        }
    }

    pub(super) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Asks every place for its reports from a sequence on.
    async fn ask(&self, from: impl Fn(&Place) -> u64) -> Result<Answers, Error> {
        self.connection
            .connected(Instant::now() + LOAD_LIMIT)
            .await?;
        let mut answers = Answers::default();
        for place in &self.places {
            let asked = place
                .api
                .all(from(place), names::SLEEP_SUBJECTS, LAST_SLEEPS);
            match asked.await {
                Ok((found, next)) => {
                    answers.answered = true;
                    place.next.store(next, Ordering::Relaxed);
                    for sleep in found.iter().filter_map(|bytes| read::<SleepReport>(bytes)) {
                        merge(&mut answers.newest, sleep);
                    }
                }
                // A fleet of one region has no stream for others.
                Err(error @ Error::Missing(_)) => answers.fails(error),
                Err(error) if place.near => {
                    answers.silent.get_or_insert(error);
                }
                Err(error) => answers.fails(error),
            }
        }
        Ok(answers)
    }
}

impl Answers {
    fn fails(&mut self, error: Error) {
        self.failed.get_or_insert(error);
    }
}

fn merge(newest: &mut BTreeMap<String, SleepReport>, sleep: SleepReport) {
    let rank = |sleep: &SleepReport| (sleep.generation, sleep.until);
    match newest.entry(names::sleep_subject(&sleep)) {
        std::collections::btree_map::Entry::Vacant(place) => {
            place.insert(sleep);
        }
        std::collections::btree_map::Entry::Occupied(mut place) => {
            if rank(place.get()) < rank(&sleep) {
                place.insert(sleep);
            }
        }
    }
}

/// Starts what sends and what hears. All of it ends with the last handle.
pub(super) fn start(
    connection: &Connection,
    queue: &Arc<Queue>,
    heard: &broadcast::Sender<Report>,
) {
    tokio::spawn(send(connection.clone(), Arc::downgrade(queue)));
    let sleeps = heard.downgrade();
    tokio::spawn(hear(
        connection.clone(),
        names::SLEEP_SUBJECTS,
        move |bytes| {
            let sleep = read::<SleepReport>(bytes);
            pass(&sleeps, sleep.map(|sleep| Report::Sleep(Arc::new(sleep))))
        },
    ));
    let beats = heard.downgrade();
    tokio::spawn(hear(
        connection.clone(),
        names::HEARTBEAT_SUBJECTS,
        move |bytes| {
            let beat = read::<Heartbeat>(bytes);
            pass(&beats, beat.map(|beat| Report::Heartbeat(Arc::new(beat))))
        },
    ));
    let purses = heard.downgrade();
    tokio::spawn(hear(
        connection.clone(),
        names::PURSE_SUBJECTS,
        move |bytes| {
            let told = read::<Purses>(bytes);
            pass(&purses, told.map(|told| Report::Purses(Arc::new(told))))
        },
    ));
}

/// Starts what sends and hears of what upstreams made. It ends with the last handle.
pub(super) fn start_words(
    connection: &Connection,
    queue: &Arc<Queue>,
    heard: &broadcast::Sender<MadeWord>,
) {
    tokio::spawn(send(connection.clone(), Arc::downgrade(queue)));
    let words = heard.downgrade();
    tokio::spawn(hear(
        connection.clone(),
        names::MADE_SUBJECT,
        move |bytes| pass(&words, read::<MadeWord>(bytes)),
    ));
}

async fn send(connection: Connection, queue: Weak<Queue>) {
    // The task holds the queue only while it waits a moment, so that it ends soon
    // after the last handle is gone.
    while let Some(queue) = queue.upgrade() {
        // What is sent while there is no connection would wait inside the client,
        // out of our hands; here the newest win.
        if connection
            .connected(Instant::now() + PATIENCE)
            .await
            .is_err()
        {
            continue;
        }
        let next = tokio::time::timeout(PATIENCE, queue.pop()).await;
        if let Ok((subject, payload)) = next
            && let Err(error) = connection.publish(subject, payload).await
        {
            tracing::warn!(%error, "a report was not sent");
        }
    }
    connection.flush().await;
}

async fn hear(connection: Connection, subject: &'static str, mut heard: impl FnMut(&[u8]) -> bool) {
    let mut subscription = match connection.subscribe(subject.to_owned()).await {
        Ok(subscription) => subscription,
        Err(error) => {
            tracing::error!(%error, subject, "reports cannot be heard");
            return;
        }
    };
    while let Some(payload) = subscription.payload().await {
        if !heard(&payload) {
            return;
        }
    }
}

/// Passes a report on; false once nobody can listen any more.
fn pass<T>(to: &broadcast::WeakSender<T>, report: Option<T>) -> bool {
    let Some(to) = to.upgrade() else {
        return false;
    };
    if let Some(report) = report {
        // Nobody may be listening.
        let _ = to.send(report);
    }
    true
}

fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    match report::decode(bytes) {
        Ok(read) => Some(read),
        Err(error) => {
            metrics::counter!("foldgate_reports_unreadable_total").increment(1);
            tracing::debug!(%error, "a report cannot be read");
            None
        }
    }
}
