//! The accept loop of every listener: HTTP/1.1 and h2c over hyper, with the
//! limits that a generic server leaves out.
//!
//! It carries the proxy's hot path. A request costs no task, no timer and no
//! box here: one clock that ticks a few times a second serves all connections,
//! and one sweep per tick finds those that overran a limit (`activity`).
//! hyper's own header timer is off; it would register and drop a timer per
//! request, and counts an idle connection as one that dawdles over its head.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use crate::Shutdown;
use crate::settings::Http;

mod accept;
mod activity;
mod body;
mod client;
mod connection;
mod linger;
mod socket;
mod stall;
mod takeover;
mod unread;

pub use body::Tracked;
pub use client::TrustedProxies;
pub use takeover::{Taken, Takeover};

use activity::Sweep;
use connection::Protocols;

/// A boxed error, as hyper wants them.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How long a forced end may take: dropping connections needs no more.
const ABORT_GRACE: Duration = Duration::from_secs(2);

/// Who sent a request: the other end of the connection, or who called the
/// [`TrustedProxies`] at that end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address; port 0 where a proxy told none.
    pub address: SocketAddr,
}

/// Bounds on what clients may do to one listener.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once; more wait in the kernel's queue.
    pub max_connections: usize,
    /// From a request's first byte to the end of its head.
    pub header_timeout: Duration,
    /// The longest time a connection may stay without a request.
    pub idle_timeout: Duration,
    /// The longest time a client may refuse to take bytes.
    pub write_timeout: Duration,
    /// How long a shutdown waits for requests and streams to end.
    pub drain_timeout: Duration,
    /// The longest request head, in bytes.
    pub max_header_bytes: usize,
    /// Requests at once on one HTTP/2 connection.
    pub max_streams: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_mins(1),
            drain_timeout: Duration::from_secs(30),
            // As much as nginx takes (4 buffers of 8 KiB), doubled for long traces and keys.
            max_header_bytes: 64 * 1024,
            // The RFC's recommended least is 100; a client library opens one connection.
            max_streams: 256,
        }
    }
}

impl From<&Http> for Limits {
    fn from(http: &Http) -> Self {
        Self {
            max_connections: http.max_connections,
            header_timeout: http.header_timeout,
            idle_timeout: http.idle_timeout,
            write_timeout: http.write_timeout,
            drain_timeout: http.drain_timeout,
            ..Self::default()
        }
    }
}

/// A bound listener.
#[derive(Debug)]
pub struct Server {
    name: &'static str,
    listener: TcpListener,
    address: SocketAddr,
    limits: Limits,
    trusted: TrustedProxies,
}

impl Server {
    /// Binds an address; port 0 takes a free port. `name` labels metrics and logs.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(name: &'static str, address: SocketAddr, limits: Limits) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self {
            name,
            listener,
            address,
            limits,
            trusted: TrustedProxies::default(),
        })
    }

    /// Believes these proxies when they tell for whom they ask. At first it
    /// believes none.
    #[must_use]
    pub fn trusting(mut self, proxies: TrustedProxies) -> Self {
        self.trusted = proxies;
        self
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests with `handler` until shutdown, then waits for what is
    /// under way. A handler that panics is answered with `panicked`.
    pub async fn serve<F, Fut, B>(
        self,
        handler: F,
        panicked: fn() -> Response<B>,
        shutdown: Shutdown,
    ) where
        F: Fn(Request<Incoming>, Peer) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let sweep = Sweep::new(self.name, self.limits);
        let protocols = Arc::new(Protocols::new(&self.limits));
        let places = Arc::new(Semaphore::new(self.limits.max_connections));
        let open = |stream: TcpStream, peer: Peer, place| {
            let activity = sweep.enter();
            let handler = handler.clone();
            let protocols = protocols.clone();
            let trusted = self.trusted.clone();
            tokio::spawn(async move {
                let answer = move |request: Request<Incoming>| {
                    let client = trusted.client(peer, request.headers());
                    handler(request, client)
                };
                protocols.serve(stream, answer, panicked, activity).await;
                drop(place);
            });
        };
        tokio::select! {
            () = accept::run(self.name, &self.listener, places, open) => {}
            () = sweep.run() => {}
            () = shutdown.draining() => {}
        }
        // Nobody may wait in the queue of a listener that takes no one.
        drop(self.listener);
        sweep.drain();
        tokio::select! {
            () = sweep.run_until_empty() => return,
            () = tokio::time::sleep(self.limits.drain_timeout) => {
                tracing::warn!(listener = self.name, open = sweep.open(), "drain timeout, dropping connections");
            }
            () = shutdown.aborted() => {}
        }
        sweep.abort();
        let _ = tokio::time::timeout(ABORT_GRACE, sweep.run_until_empty()).await;
    }

    /// Answers requests with a tower service (an axum router). The [`Peer`] is
    /// among the request's extensions.
    pub async fn serve_tower<S, B>(
        self,
        service: S,
        panicked: fn() -> Response<B>,
        shutdown: Shutdown,
    ) where
        S: tower::Service<
                Request<Incoming>,
                Response = Response<B>,
                Error = std::convert::Infallible,
            > + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let handler = move |mut request: Request<Incoming>, peer: Peer| {
            request.extensions_mut().insert(peer);
            let answer = service.clone().oneshot(request);
            async move {
                let Ok(response) = answer.await;
                response
            }
        };
        self.serve(handler, panicked, shutdown).await;
    }
}

#[cfg(test)]
pub(crate) mod tests;
