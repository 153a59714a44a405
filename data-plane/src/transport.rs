//! The way to the upstreams: a pooled HTTP/1.1 and HTTP/2 client that connects
//! only where the address policy allows, follows no redirect and uses no proxy.

mod connect;
pub(crate) mod headers;
mod listeners;
mod resolve;
mod tls;

use std::error::Error as StdError;
use std::path::PathBuf;
use std::time::Duration;

use foldgate_domain::upstream_url::AddressPolicy;
use http::header::UPGRADE;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::body::Outgoing;
use connect::{Limited, Tcp};

pub use connect::ConnectError;
pub use listeners::Listeners;
pub use tls::Error as TlsError;

/// How long a connection may be idle before it is closed; under the minute that
/// common load balancers keep theirs.
const POOL_IDLE: Duration = Duration::from_secs(50);

/// Idle connections kept per upstream; more than one node's usual concurrency
/// to one upstream, few enough to be no burden on it.
const POOL_IDLE_PER_HOST: usize = 256;

/// How often an HTTP/2 connection is asked whether it lives.
const H2_PING: Duration = Duration::from_secs(20);

/// How long it may take to say so.
const H2_PING_TIMEOUT: Duration = Duration::from_secs(10);

/// What the transport needs to know.
#[derive(Debug, Clone)]
pub struct TransportSettings {
    /// Where connections may go.
    pub policy: AddressPolicy,
    /// A PEM file of certificate authorities trusted beside the public ones.
    pub extra_ca: Option<PathBuf>,
    /// How long a connection (name, TCP and TLS) may take to come about.
    pub connect_timeout: Duration,
}

impl Default for TransportSettings {
    fn default() -> Self {
        Self {
            policy: AddressPolicy::default(),
            extra_ca: None,
            connect_timeout: Duration::from_secs(10),
        }
    }
}

/// The client. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Transport {
    client: Calls,
    /// For calls that become something else, which is HTTP/1.1's alone.
    sockets: Calls,
}

type Calls = Client<Limited<HttpsConnector<Tcp>>, Outgoing>;

/// A request that got no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// No connection.
    #[error("no connection: {0}")]
    Connect(String),
    /// The connection took too long.
    #[error("the connection took too long")]
    ConnectTimeout,
    /// The connection broke before the answer.
    #[error("the connection broke before an answer")]
    Broken,
}

impl Transport {
    /// Prepares the client; connects to nothing.
    ///
    /// # Errors
    /// When the extra certificate authorities cannot be read.
    pub(crate) fn new(
        settings: &TransportSettings,
        listeners: Listeners,
    ) -> Result<Self, TlsError> {
        let tcp = Tcp::new(settings.policy.clone(), listeners, settings.connect_timeout);
        let tls = tls::config(settings.extra_ca.as_deref())?;
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls.clone())
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp.clone());
        let one = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_IDLE_PER_HOST)
            // An upstream may close an idle connection just as it is used again: then,
            // and only if nothing of the request was sent, it goes over another one.
            .retry_canceled_requests(true)
            .http2_adaptive_window(true)
            .http2_keep_alive_interval(H2_PING)
            .http2_keep_alive_timeout(H2_PING_TIMEOUT);
        Ok(Self {
            client: builder.build(Limited::new(https, settings.connect_timeout)),
            sockets: builder.build(Limited::new(one, settings.connect_timeout)),
        })
    }

    /// Sends a request and gives the answer's head. Dropping the future, or the
    /// answer's body, cancels the call.
    ///
    /// # Errors
    /// See [`SendError`].
    pub(crate) async fn send(
        &self,
        request: Request<impl Into<Outgoing>>,
    ) -> Result<Response<Incoming>, SendError> {
        let client = if request.headers().contains_key(UPGRADE) {
            &self.sockets
        } else {
            &self.client
        };
        client
            .request(request.map(Into::into))
            .await
            .map_err(|error| {
                if !error.is_connect() {
                    return SendError::Broken;
                }
                match cause::<ConnectError>(&error) {
                    Some(ConnectError::TimedOut) => SendError::ConnectTimeout,
                    Some(other) => SendError::Connect(other.to_string()),
                    None => SendError::Connect("the TLS handshake failed".to_owned()),
                }
            })
    }
}

fn cause<'e, E: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e E> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests;
