//! One connection to NATS per process, that heals by itself and says so.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::context::ContextBuilder;
use async_nats::{Client, ConnectOptions, Event, Message, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};

use super::access;
use super::options::{self, Options};
use crate::Error;

/// How long a TCP connection to one server may take; then the next is tried.
const CONNECT_LIMIT: Duration = Duration::from_millis(1500);

/// How often a silent connection is asked whether it lives; two misses end it.
const PING_EVERY: Duration = Duration::from_secs(3);

/// The longest pause between two attempts to connect.
const MAX_RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// How long one request waits. A new leader is elected in 5 to 7 s, but a server
/// that will answer at all does so within this.
pub(super) const REQUEST_LIMIT: Duration = Duration::from_secs(2);

/// At most one forced reconnect in this time: it disturbs everything else.
const FORCE_EVERY: Duration = Duration::from_secs(5);

/// A connection.
#[derive(Clone)]
pub(crate) struct Connection {
    client: Client,
    state: watch::Receiver<bool>,
    /// Told when a subscription overflowed and messages were lost.
    slow: Arc<Notify>,
    words: Arc<Mutex<Words>>,
    born: Instant,
    /// When a reconnect was last forced, in milliseconds since `born`.
    forced: Arc<AtomicI64>,
}

/// What servers said against us.
#[derive(Default)]
struct Words {
    /// There is a connection, as far as was told.
    connected: bool,
    /// Why the last attempt to connect failed.
    failure: Option<String>,
    /// What was last refused on a standing connection.
    refusal: Option<(Instant, String)>,
}

/// How the server says that it does not know these credentials.
const UNAUTHORIZED: &str = "authorization violation";

/// What the client's plain "IO error" may be.
const NO_WAY_IN: &str = "IO error (no server there, or its TLS certificate is not trusted)";

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("connected", &self.is_connected())
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Begins to connect.
    pub(crate) async fn open(options: &Options) -> Result<Self, Error> {
        let servers = options::servers(&options.urls)?;
        let credentials = access::credentials(&options.access, servers.credentials).await?;
        let connect = access::prepare(options, credentials).await?;
        Self::begin(servers.addresses, connect).await
    }

    /// Begins to connect to the system account: who that is, its URLs say.
    pub(super) async fn open_system(options: &Options, urls: &str) -> Result<Self, Error> {
        let servers = options::servers(urls)?;
        let connect = access::prepare(options, servers.credentials).await?;
        Self::begin(servers.addresses, connect).await
    }

    /// One connection to each server that the options name, and to no other.
    pub(super) async fn open_each(options: &Options) -> Result<Vec<Self>, Error> {
        let servers = options::servers(&options.urls)?;
        let credentials = access::credentials(&options.access, servers.credentials).await?;
        let mut each = Vec::new();
        for address in servers.addresses {
            let connect = access::prepare(options, credentials.clone()).await?;
            let connect = connect.ignore_discovered_servers();
            each.push(Self::begin(vec![address], connect).await?);
        }
        Ok(each)
    }

    async fn begin(addresses: Vec<String>, connect: ConnectOptions) -> Result<Self, Error> {
        let (connected, state) = watch::channel(false);
        let slow = Arc::new(Notify::new());
        let told = slow.clone();
        let words = Arc::new(Mutex::new(Words::default()));
        let heard = words.clone();
        let client = connect
            .connection_timeout(CONNECT_LIMIT)
            .ping_interval(PING_EVERY)
            .request_timeout(Some(REQUEST_LIMIT))
            .retry_on_initial_connect()
            .max_reconnects(None)
            .reconnect_delay_callback(|attempts| {
                let pause = Duration::from_millis(50).saturating_mul(
                    u32::try_from(attempts)
                        .unwrap_or(u32::MAX)
                        .saturating_sub(1),
                );
                pause.min(MAX_RECONNECT_PAUSE)
            })
            .event_callback(move |event| {
                hear(&event, &connected, &told, &heard);
                std::future::ready(())
            })
            .connect(addresses)
            .await
            .map_err(|error| Error::Unavailable(error.kind().to_string()))?;
        Ok(Self {
            client,
            state,
            slow,
            words,
            born: Instant::now(),
            forced: Arc::new(AtomicI64::new(i64::MIN)),
        })
    }

    pub(crate) fn is_connected(&self) -> bool {
        // The client is connected a moment before it knows to which server.
        let state = self.client.connection_state();
        state == State::Connected && self.client.try_server_info().is_some()
    }

    /// Waits for the next connection that is made.
    pub(crate) async fn reconnected(&mut self) {
        loop {
            if self.state.changed().await.is_err() {
                // Nothing is made any more: the process ends.
                std::future::pending::<()>().await;
            }
            if *self.state.borrow_and_update() {
                return;
            }
        }
    }

    /// How often a connection was made.
    pub(super) fn connects(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }

    /// Why there is no connection, if a server said so.
    pub(super) fn disconnected(&self) -> Option<String> {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        words.failure.clone().filter(|_| !self.is_connected())
    }

    /// What a server refused since then.
    pub(super) fn refusal_since(&self, then: Instant) -> Option<String> {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let refusal = words.refusal.as_ref().filter(|(at, _)| *at >= then);
        refusal.map(|(_, text)| text.clone())
    }

    /// Waits for a connection until `deadline`, unless a server turns us away.
    pub(crate) async fn admitted(&self, deadline: Instant) -> Result<(), Error> {
        self.wait(deadline, true).await
    }

    /// Waits for a connection until `deadline`.
    pub(crate) async fn connected(&self, deadline: Instant) -> Result<(), Error> {
        self.wait(deadline, false).await
    }

    async fn wait(&self, deadline: Instant, impatient: bool) -> Result<(), Error> {
        let mut state = self.state.clone();
        loop {
            if self.is_connected() {
                return Ok(());
            }
            // The event may come a moment after the state, so the wait is short.
            let look_again = (Instant::now() + Duration::from_millis(50)).min(deadline);
            let _ = timeout_at(look_again, state.changed()).await;
            let failure = self.disconnected();
            let turned_away = impatient && failure.as_deref() == Some(UNAUTHORIZED);
            if (Instant::now() >= deadline || turned_away) && !self.is_connected() {
                let why = failure.map(|failure| format!(": {failure}"));
                return Err(Error::Unavailable(format!(
                    "no connection to NATS{}",
                    why.unwrap_or_default()
                )));
            }
        }
    }

    /// Resolves when a subscription has lost messages.
    pub(super) async fn slowed(&self) {
        self.slow.notified().await;
    }

    /// Leaves the server this client is on, for it may be frozen or damaged.
    pub(super) async fn force_reconnect(&self, why: &str) {
        let now = i64::try_from(self.born.elapsed().as_millis()).unwrap_or(i64::MAX);
        let last = self.forced.load(Ordering::Relaxed);
        let pause = i64::try_from(FORCE_EVERY.as_millis()).unwrap_or(i64::MAX);
        if !self.is_connected() || now.saturating_sub(last) < pause {
            return;
        }
        self.forced.store(now, Ordering::Relaxed);
        metrics::counter!("foldgate_nats_forced_reconnects_total").increment(1);
        tracing::warn!(why, "reconnecting to NATS");
        if let Err(error) = self.client.force_reconnect().await {
            tracing::warn!(%error, "cannot reconnect to NATS");
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn context(&self, prefix: &str) -> async_nats::jetstream::Context {
        ContextBuilder::new()
            .timeout(REQUEST_LIMIT)
            .ack_timeout(REQUEST_LIMIT)
            .api_prefix(prefix)
            .build(self.client.clone())
    }

    pub(super) fn version(&self) -> String {
        self.client.server_info().version
    }

    /// The JetStream domain of the server at the other end.
    pub(super) fn domain(&self) -> Option<String> {
        let domain = self.client.server_info().domain;
        domain.filter(|domain| !domain.is_empty())
    }

    /// The name of the server at the other end.
    pub(super) fn server(&self) -> String {
        self.client.server_info().server_name
    }

    /// Publishes on a core subject: at most once, no answer.
    pub(crate) async fn publish(&self, subject: String, payload: Bytes) -> Result<(), Error> {
        self.client
            .publish(subject, payload)
            .await
            .map_err(|error| Error::Unavailable(error.to_string()))
    }

    /// Hears a core subject; the subscription outlives reconnects.
    pub(crate) async fn subscribe(&self, subject: String) -> Result<Subscription, Error> {
        let subscriber = self
            .client
            .subscribe(subject)
            .await
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(Subscription(subscriber))
    }

    /// Sends out what is still waiting here.
    pub(crate) async fn flush(&self) {
        if let Err(error) = self.client.flush().await {
            tracing::debug!(%error, "NATS flush");
        }
    }
}

/// A core subscription.
pub(crate) struct Subscription(Subscriber);

impl Subscription {
    /// The next payload; `None` when the client has ended.
    pub(crate) async fn payload(&mut self) -> Option<Bytes> {
        Some(self.0.next().await?.payload)
    }

    pub(super) async fn message(&mut self) -> Option<Message> {
        self.0.next().await
    }
}

fn hear(event: &Event, connected: &watch::Sender<bool>, slow: &Notify, words: &Mutex<Words>) {
    let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
    match event {
        Event::Connected => {
            words.failure = None;
            connected.send_replace(true);
            metrics::gauge!("foldgate_nats_connected").set(1.0);
            if !std::mem::replace(&mut words.connected, true) {
                tracing::info!("connected to NATS");
            }
        }
        Event::Disconnected | Event::Closed => {
            connected.send_replace(false);
            metrics::gauge!("foldgate_nats_connected").set(0.0);
            if std::mem::replace(&mut words.connected, false) {
                tracing::warn!("not connected to NATS");
            }
        }
        Event::SlowConsumer(_) => {
            metrics::counter!("foldgate_nats_slow_consumer_total").increment(1);
            slow.notify_waiters();
            tracing::warn!("NATS messages were lost: this process was too slow");
        }
        Event::LameDuckMode | Event::Draining => tracing::info!(%event, "NATS"),
        // A refused permission shows up only here; the call behind it times out.
        Event::ServerError(error) => {
            let error = plain(&error.to_string());
            let known = words
                .refusal
                .as_ref()
                .is_some_and(|(_, text)| *text == error);
            if !known {
                tracing::error!(error, "NATS refused");
            }
            words.refusal = Some((Instant::now(), error));
        }
        // One comes with each attempt to connect: only what is new is told.
        Event::ClientError(error) => {
            let error = plain(&error.to_string());
            if words.failure.as_ref() != Some(&error) {
                tracing::warn!(error, "NATS cannot be used");
            }
            words.failure = Some(error);
        }
    }
}

/// The client's words without its own name in them, and each thing once.
fn plain(error: &str) -> String {
    let error = error.strip_prefix("nats: ").unwrap_or(error);
    if error.to_lowercase().contains(UNAUTHORIZED) {
        return UNAUTHORIZED.to_owned();
    }
    // All that the client tells of a refused handshake.
    if error == "IO error" {
        return NO_WAY_IN.to_owned();
    }
    error.to_owned()
}
