//! What a follower on NATS reads. The stream republishes each record to a core
//! subject of the region: that is for speed, and loses messages. A batched
//! direct get about each second is for certainty, the same in calm and in storm.
//!
//! Not the client's ordered consumer: it is silent for half a minute when the
//! server that hosts it dies.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Message;
use async_trait::async_trait;
use foldgate_proto::{Revision, names};
use futures_util::FutureExt;
use tokio::time::{Instant, sleep_until};

use super::Inner;
use super::api::{self, Api, Batch};
use super::connection::Subscription;
use crate::event_log::MAX_READ;
use crate::follow::{self, Chunk, Poke};
use crate::{BrokenLink, Error, Position, Stored};

/// How often the log is asked, give or take a fifth: one cheap request per node.
const POLL: Duration = Duration::from_secs(1);

/// The pause before a question is repeated that should have had an answer.
const SOON: Duration = Duration::from_millis(100);

/// After how many failed polls in a row the server is left.
const FAILURES: u32 = 2;

/// How long another place than the preferred one is asked.
const STRAY: Duration = Duration::from_secs(10);

/// How often an announced record may be absent before that counts as a hole;
/// every place is asked before.
const PATIENCE: u32 = 5;

/// How often the republish subject is asked for; a node may lack the permission.
const DISCOVERIES: u32 = 3;

/// Where records can be read: a stream, by any replica or by its leader.
struct Place {
    api: Api,
    leader: bool,
}

pub(super) struct Feed {
    log: Arc<Inner>,
    poke: Poke,
    places: Vec<Place>,
    current: usize,
    strayed: Instant,
    subject: String,
    subscription: Option<Subscription>,
    discoveries: u32,
    /// The connection on which the log's id was last looked at.
    identified: Option<u64>,
    /// How often that has failed since.
    strangers: u32,
    next_poll: Instant,
    failures: u32,
    /// The last chunk was pushed, not asked for.
    pushed: bool,
    /// Polled chunks in a row that did not fit.
    rejections: usize,
    leave: bool,
    /// The greatest revision that was announced.
    seen: Revision,
    absent: u32,
    /// The log that answered last was not the one that was followed so far.
    foreign: bool,
}

impl Feed {
    pub(super) fn new(log: Arc<Inner>, poke: Poke) -> Self {
        let places = log.places.iter().flat_map(|api| {
            [false, true].map(|leader| Place {
                api: api.clone(),
                leader,
            })
        });
        Self {
            places: places.collect(),
            subject: names::fold_subjects(&log.options.region),
            log,
            poke,
            current: 0,
            strayed: Instant::now(),
            subscription: None,
            discoveries: 0,
            identified: None,
            strangers: 0,
            next_poll: Instant::now(),
            failures: 0,
            pushed: false,
            rejections: 0,
            leave: false,
            seen: Revision::ZERO,
            absent: 0,
            foreign: false,
        }
    }

    async fn subscribe(&mut self) {
        if self.subscription.is_none() {
            match self.log.connection.subscribe(self.subject.clone()).await {
                Ok(subscription) => self.subscription = Some(subscription),
                Err(error) => tracing::warn!(%error, "cannot subscribe to the log"),
            }
        }
    }

    /// Finds out where the stream really republishes to.
    async fn discover(&mut self) {
        if self.discoveries >= DISCOVERIES {
            return;
        }
        self.discoveries += 1;
        let Ok(info) = self.places[0].api.info().await else {
            return;
        };
        self.discoveries = DISCOVERIES;
        match info.config.republish {
            Some(republish) if republish.destination != self.subject => {
                self.subject = republish.destination;
                self.subscription = None;
                self.subscribe().await;
                self.next_poll = Instant::now();
            }
            Some(_) => {}
            None => tracing::warn!("the log is not republished: records come by polling alone"),
        }
    }

    /// Takes a pushed record, with those that are ready behind it.
    fn take(&mut self, after: Revision, message: Message) -> Option<Chunk> {
        let mut next = after.next();
        let mut entries = Vec::new();
        let mut message = Some(message);
        while let Some(stored) = message.take().and_then(stored) {
            self.seen = self.seen.max(stored.revision);
            if stored.revision > next {
                self.next_poll = Instant::now();
                break;
            }
            if stored.revision == next {
                next = next.next();
                entries.push(stored);
            }
            if entries.len() < MAX_READ {
                let ready = self.subscription.as_mut();
                message = ready.and_then(|ready| ready.message().now_or_never().flatten());
            }
        }
        (!entries.is_empty()).then(|| Chunk {
            entries,
            pushed: true,
            ..Chunk::default()
        })
    }

    async fn poll(&mut self, after: Position) -> Option<Chunk> {
        self.next_poll = Instant::now() + jittered(POLL);
        if std::mem::take(&mut self.leave) {
            self.log
                .connection
                .force_reconnect("its copy of the log is not whole")
                .await;
        }
        let wait = self.log.connection.connected(self.next_poll).await;
        if wait.is_err() {
            return None;
        }
        if self.current != 0 && self.strayed.elapsed() > STRAY {
            self.current = 0;
        }
        let began = Instant::now();
        let asked = self.ask(after.revision).await;
        self.log.note(began, asked.as_ref().err());
        match asked {
            Ok(batch) => {
                self.failures = 0;
                let mut chunk = self.weigh(after, batch);
                if chunk.tail {
                    self.discover().await;
                    chunk.fault = self.stranger(after.revision).await;
                    chunk.tail = chunk.fault.is_none();
                }
                Some(chunk)
            }
            Err(error) => {
                metrics::counter!("foldgate_log_failed_polls_total").increment(1);
                self.failures += 1;
                self.stray();
                let refused = self.log.connection.refusal_since(began).is_some();
                let unheard = matches!(error, Error::Unavailable(_)) && !refused;
                if self.failures >= FAILURES && unheard {
                    self.log
                        .connection
                        .force_reconnect("two polls in a row have failed")
                        .await;
                }
                None
            }
        }
    }

    /// The record at `after` itself, if there is one, and some behind it: that it
    /// still stands shows that the log is the one that was followed so far.
    async fn ask(&self, after: Revision) -> Result<Batch, Error> {
        let place = &self.places[self.current];
        if !place.leader {
            return place.api.batch(after.max(Revision(1)), MAX_READ).await;
        }
        let mut entries = Vec::new();
        if after > Revision::ZERO {
            entries.extend(place.api.get(after).await?);
        }
        let next = place.api.get(after.next()).await?;
        let tail = next.is_none();
        entries.extend(next);
        Ok(Batch { entries, tail })
    }

    fn weigh(&mut self, at: Position, mut batch: Batch) -> Chunk {
        let mut fault = None;
        let after = at.revision;
        let mut stands = after == Revision::ZERO;
        if batch
            .entries
            .first()
            .is_some_and(|first| first.revision == after)
        {
            let own = batch.entries.remove(0);
            stands = own.hash == at.hash;
            if stands && std::mem::take(&mut self.foreign) {
                // What was announced meanwhile was of another history.
                self.seen = after;
            }
            if !stands {
                self.foreign = true;
                let reason = format!(
                    "the log went back or was replaced: its record is {}, and was {}",
                    own.hash, at.hash
                );
                return Chunk {
                    fault: Some(BrokenLink {
                        revision: after,
                        reason,
                    }),
                    ..Chunk::default()
                };
            }
        }
        let last = batch.entries.last().map(|stored| stored.revision);
        self.seen = self.seen.max(last.unwrap_or_default());
        if !batch.entries.is_empty() {
            self.absent = 0;
            if !batch.tail {
                self.next_poll = Instant::now();
            }
        } else if self.seen > after || !stands {
            // This copy lags or has a hole: another is asked.
            self.absent += 1;
            self.stray();
            self.next_poll = Instant::now() + SOON;
            if self.absent >= PATIENCE {
                fault = Some(if stands {
                    BrokenLink {
                        revision: after.next(),
                        reason: format!("it cannot be read, and revision {} was seen", self.seen),
                    }
                } else {
                    self.foreign = true;
                    BrokenLink {
                        revision: after,
                        reason: "the log went back or was replaced: it ends before this revision"
                            .to_owned(),
                    }
                });
            }
        } else {
            self.absent = 0;
        }
        Chunk {
            tail: batch.tail && self.seen <= after && (stands || !batch.entries.is_empty()),
            entries: batch.entries,
            pushed: false,
            fault,
        }
    }

    /// Whether the log that answers has another id than the one that was followed
    /// so far: looked at once on each connection.
    async fn stranger(&mut self, after: Revision) -> Option<BrokenLink> {
        let connects = self.log.connection.connects();
        if self.identified == Some(connects) {
            return None;
        }
        let ours = self.log.log_id.get()?;
        match self.places[self.current].api.log_id().await {
            Ok(there) if there != *ours => {
                return Some(BrokenLink {
                    revision: after,
                    reason: format!("another log stands there: its id is {there}, and was {ours}"),
                });
            }
            Err(Error::Unavailable(_)) if self.strangers < DISCOVERIES => self.strangers += 1,
            Ok(_) | Err(_) => {
                self.strangers = 0;
                self.identified = Some(connects);
            }
        }
        None
    }

    fn stray(&mut self) {
        self.current = (self.current + 1) % self.places.len();
        self.strayed = Instant::now();
    }
}

#[async_trait]
impl follow::Feed for Feed {
    async fn next(&mut self, after: Position) -> Chunk {
        loop {
            self.subscribe().await;
            if Instant::now() >= self.next_poll {
                if let Some(chunk) = self.poll(after).await {
                    self.pushed = false;
                    return chunk;
                }
                continue;
            }
            let push = async {
                match &mut self.subscription {
                    Some(subscription) => subscription.message().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(message) = push => {
                    if let Some(chunk) = self.take(after.revision, message) {
                        self.pushed = true;
                        return chunk;
                    }
                }
                () = sleep_until(self.next_poll) => {}
                () = self.poke.poked() => self.next_poll = Instant::now(),
                () = self.log.connection.slowed() => self.next_poll = Instant::now(),
            }
        }
    }

    fn rejected(&mut self) {
        if self.pushed {
            self.next_poll = Instant::now();
            return;
        }
        self.rejections += 1;
        self.stray();
        let rounds = self.rejections / self.places.len();
        let round_ends = self.rejections.is_multiple_of(self.places.len());
        if !round_ends {
            self.next_poll = Instant::now() + SOON;
            return;
        }
        self.next_poll = Instant::now() + jittered(POLL);
        // A damaged replica is left; a record no replica can offer stays where it
        // is, and leaving again and again would only disturb.
        self.leave = rounds <= 3 || rounds.is_multiple_of(60);
    }

    fn accepted(&mut self) {
        if !self.pushed {
            self.rejections = 0;
        }
    }
}

fn stored(message: Message) -> Option<Stored> {
    let revision = api::sequence(message.headers.as_ref()?)?;
    Some(Stored::new(revision, message.payload))
}

/// Four to six fifths of `base`, so that nodes do not ask all at once.
pub(crate) fn jittered(base: Duration) -> Duration {
    let draw = uuid::Uuid::new_v4().as_u128() % 401;
    let permille = 800 + u32::try_from(draw).unwrap_or(0);
    base * permille / 1000
}
