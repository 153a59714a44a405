//! The log on NATS JetStream. This module and what is under it are the only code
//! that knows the NATS client; the report streams borrow its connection.

mod access;
mod api;
mod append;
mod audit;
mod check;
mod connection;
mod copies;
mod feed;
mod gate;
mod import;
mod init;
mod options;
mod publish;
mod reading;
mod servers;
mod strength;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use foldgate_proto::{Encoded, LogId, Revision};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::follow::{self, Poke};
use crate::{AppendError, Appended, Error, EventLog, Follow, Position, Stored};
pub(crate) use api::{Api, Expected};
pub use audit::{Audit, CopyAudit, Outcome, Peer};
pub(crate) use connection::{Connection, Subscription};
pub use copies::Counts;
pub(crate) use feed::jittered;
pub use gate::Gate;
pub use import::{Begun, begin_import, end_import};
pub use init::{Init, Initialised, MirrorInit, init, init_mirror};
pub use options::{Access, Options, Source};
pub(crate) use publish::store;
use reading::Reading;
pub use reading::Trouble;

/// How long a call that only reads waits for a connection and an answer. Longer
/// than the election of a new stream leader takes (5 to 7 s).
const READ_DEADLINE: Duration = Duration::from_secs(10);

/// For how long an append trusts what the one before it was told, without asking
/// the stream's leader. A server that is replaced by one with an older store, and
/// another writer that fills that up to the same revision, take longer.
const KNOWN_FOR: Duration = Duration::from_millis(100);

/// The pause before it asks again.
const RETRY: Duration = Duration::from_millis(100);

/// The log on a NATS server.
#[derive(Debug, Clone)]
pub struct JetStream {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: Options,
    connection: Connection,
    /// Where this process reads, in the order it prefers.
    places: Vec<Api>,
    /// The hub's stream: where writes go.
    hub: Api,
    log_id: OnceCell<LogId>,
    /// The last position known to stand; saves a read before an append.
    known: Mutex<Option<Known>>,
    /// How the last attempts to read ended.
    reading: Reading,
}

/// A position of which our own append was told that it stands.
#[derive(Debug, Clone, Copy)]
struct Known {
    position: Position,
    /// On which connection, counted from the first.
    connects: u64,
    at: Instant,
}

impl JetStream {
    /// Begins to connect and returns at once: a process must start without NATS.
    /// The connection heals by itself for as long as the process lives.
    ///
    /// # Errors
    /// When the URLs or the files with certificates and credentials cannot be used.
    pub async fn open(options: Options) -> Result<Self, Error> {
        let connection = Connection::open(&options).await?;
        let hub = Api::hub(&connection, &options);
        let places = match options.source {
            Source::Hub => vec![hub.clone()],
            Source::Mirror => vec![Api::mirror(&connection, &options), hub.clone()],
        };
        Ok(Self {
            inner: Arc::new(Inner {
                options,
                connection,
                places,
                hub,
                log_id: OnceCell::new(),
                known: Mutex::new(None),
                reading: Reading::default(),
            }),
        })
    }

    /// What a process that writes makes sure of before it does: the server's
    /// version, the stream's configuration, and that what it acknowledges is on disk.
    ///
    /// # Errors
    /// What falls short, unless the options allow a weak log (then it is logged).
    pub async fn check(&self) -> Result<(), Error> {
        self.inner.connected(READ_DEADLINE).await?;
        check::check(&self.inner.connection, &self.inner.hub, &self.inner.options).await
    }

    /// Reads all of the log, by the word of its stream's leader, and then each other
    /// copy as far as it can be had; says which was read, and what is wrong with it.
    /// `progress` hears how far the leader's copy was read.
    ///
    /// # Errors
    /// When there is no log, or its leader does not answer. A log that is not whole
    /// is no error here: see [`Audit::fault`].
    pub async fn audit(&self, progress: &mut (dyn FnMut(Position) + Send)) -> Result<Audit, Error> {
        self.inner.connected(READ_DEADLINE).await?;
        audit::audit(&self.inner, progress).await
    }

    /// Where the log will end, if its import is not finished: until then it is none.
    ///
    /// # Errors
    /// When there is no log, or its leader does not answer.
    pub async fn unfinished(&self) -> Result<Option<Position>, Error> {
        let ask = |place: Api| async move { Ok(import::unfinished(&place.info().await?.config)) };
        self.inner.patient(ask).await
    }

    /// Whether there is a connection right now.
    pub fn is_connected(&self) -> bool {
        self.inner.connection.is_connected()
    }

    /// How often a connection was made. It changes with each reconnect: then the
    /// server may be another one, and what was made sure of is so no longer.
    pub fn connects(&self) -> u64 {
        self.inner.connection.connects()
    }

    /// Why the log could not be read when that was last tried, if it could not.
    pub fn trouble(&self) -> Option<Trouble> {
        self.inner.reading.trouble()
    }

    /// Why there is no connection, in the words of the last server that was asked.
    pub fn disconnected(&self) -> Option<String> {
        self.inner.connection.disconnected()
    }

    /// Waits until there is a connection.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn connected(&self, limit: Duration) -> Result<(), Error> {
        self.inner.connected(limit).await
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.inner.connection
    }

    pub(crate) fn options(&self) -> &Options {
        &self.inner.options
    }
}

impl Inner {
    async fn connected(&self, limit: Duration) -> Result<(), Error> {
        self.connection.admitted(Instant::now() + limit).await
    }

    /// What our own append was told just now, over the connection that still stands.
    fn known(&self, revision: Revision) -> Option<Position> {
        let known = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.filter(|known| {
            known.position.revision == revision
                && known.connects == self.connection.connects()
                && known.at.elapsed() < KNOWN_FOR
        });
        known
            .filter(|_| self.connection.is_connected())
            .map(|known| known.position)
    }

    /// `connects` is the connection that `position` was acknowledged on.
    fn learn(&self, position: Position, connects: u64) {
        let at = Instant::now();
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Known {
            position,
            connects,
            at,
        });
    }

    fn forget(&self) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn log_id(&self) -> Result<LogId, Error> {
        let read = || self.patient(|place| async move { place.log_id().await });
        self.log_id.get_or_try_init(read).await.copied()
    }

    /// Asks one place after the other until one answers, again and again while a
    /// new leader is being elected.
    async fn patient<T, F>(&self, ask: impl Fn(Api) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let began = Instant::now();
        let answer = self.ask_patiently(began + READ_DEADLINE, ask).await;
        self.note(began, answer.as_ref().err());
        answer
    }

    /// Remembers how an attempt to read ended that began then.
    fn note(&self, began: Instant, error: Option<&Error>) {
        let refusal = self.connection.refusal_since(began);
        self.reading.note(error, refusal);
    }

    async fn ask_patiently<T, F>(
        &self,
        deadline: Instant,
        ask: impl Fn(Api) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        loop {
            self.connection.admitted(deadline).await?;
            let mut last = Error::Missing("no stream was asked".to_owned());
            for place in &self.places {
                match ask(place.clone()).await {
                    Ok(answer) => return Ok(answer),
                    Err(error) => last = error,
                }
            }
            if !matches!(last, Error::Unavailable(_)) || Instant::now() + RETRY >= deadline {
                return Err(last);
            }
            tokio::time::sleep(RETRY).await;
        }
    }
}

#[async_trait]
impl EventLog for JetStream {
    async fn log_id(&self) -> Result<LogId, Error> {
        self.inner.log_id().await
    }

    async fn head(&self) -> Result<Position, Error> {
        match self
            .inner
            .patient(|place| async move { place.last().await })
            .await?
        {
            Some(stored) => Ok(stored.position()),
            None => Ok(Position::genesis(self.inner.log_id().await?)),
        }
    }

    async fn append(&self, expected: Revision, group: &[Encoded]) -> Result<Appended, AppendError> {
        let (log, group) = (self.clone(), group.to_vec());
        let id = group.first().map(|record| record.id);
        // The task runs to its end even if the caller goes away.
        let task = tokio::spawn(async move { append::append(&log.inner, expected, &group).await });
        task.await
            .unwrap_or_else(|error| Err(append::given_up(id, &error.to_string())))
    }

    async fn read(&self, from: Revision, max: usize) -> Result<Vec<Stored>, Error> {
        self.inner
            .patient(|place| async move { place.read(from, max).await })
            .await
    }

    fn follow(&self, from: Position) -> Follow {
        let poke = Poke::default();
        let feed = feed::Feed::new(self.inner.clone(), poke.clone());
        follow::spawn(feed, from, poke)
    }
}
