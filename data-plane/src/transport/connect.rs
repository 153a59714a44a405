//! Opens TCP connections, each address checked at the moment it is used: a name
//! that was harmless when it was written may point elsewhere now.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use foldgate_domain::upstream_url::{AddressPolicy, Refused};
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::Service;

use super::listeners::Listeners;
use super::resolve::Resolver;

/// The most addresses of one name that are tried.
const MAX_TRIES: u32 = 4;

/// Why no connection came about. Names no host.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL has no host.
    #[error("the provider has no host")]
    NoHost,
    /// The name has no address.
    #[error("the provider's name does not resolve")]
    Unresolved(#[source] io::Error),
    /// The policy forbids the address.
    #[error("the provider's address is refused: {0}")]
    Refused(Refused),
    /// The address is a listener of this very system.
    #[error("the provider's address is a listener of this system")]
    OwnListener,
    /// It took too long.
    #[error("the connection took too long")]
    TimedOut,
    /// The other side would not.
    #[error("the connection was refused or broken ({})", .0.kind())]
    Io(#[source] io::Error),
}

type Connecting<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Opens TCP connections where the policy allows.
#[derive(Clone)]
pub(super) struct Tcp(Arc<Inner>);

struct Inner {
    policy: AddressPolicy,
    listeners: Listeners,
    resolver: Resolver,
    patience: Duration,
}

impl Tcp {
    pub(super) fn new(policy: AddressPolicy, listeners: Listeners, patience: Duration) -> Self {
        Self(Arc::new(Inner {
            policy,
            listeners,
            resolver: Resolver::default(),
            patience,
        }))
    }
}

impl Inner {
    async fn connect(&self, uri: &Uri) -> Result<TcpStream, ConnectError> {
        let host = uri.host().ok_or(ConnectError::NoHost)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let https = uri.scheme() == Some(&http::uri::Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        let found = self.resolver.resolve(host, port).await;
        let addresses = found.map_err(ConnectError::Unresolved)?;
        let mut refused = ConnectError::Unresolved(io::ErrorKind::NotFound.into());
        let mut allowed = Vec::with_capacity(addresses.len());
        for ip in addresses.iter().copied() {
            match self.check(ip, port) {
                Ok(address) => allowed.push(address),
                Err(error) => refused = error,
            }
        }
        self.first_of(&allowed, refused).await
    }

    fn check(&self, ip: IpAddr, port: u16) -> Result<SocketAddr, ConnectError> {
        self.policy.check(ip).map_err(ConnectError::Refused)?;
        let address = SocketAddr::new(ip, port);
        if self.listeners.contains(address) {
            return Err(ConnectError::OwnListener);
        }
        Ok(address)
    }

    async fn first_of(
        &self,
        addresses: &[SocketAddr],
        mut error: ConnectError,
    ) -> Result<TcpStream, ConnectError> {
        let tries = u32::try_from(addresses.len())
            .unwrap_or(MAX_TRIES)
            .clamp(1, MAX_TRIES);
        for address in addresses.iter().take(MAX_TRIES as usize) {
            match timeout(self.patience / tries, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    stream.set_nodelay(true).map_err(ConnectError::Io)?;
                    return Ok(stream);
                }
                Ok(Err(io)) => error = ConnectError::Io(io),
                Err(_) => error = ConnectError::TimedOut,
            }
        }
        Err(error)
    }
}

impl Service<Uri> for Tcp {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Connecting<Self::Response, ConnectError>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let inner = Arc::clone(&self.0);
        Box::pin(async move { inner.connect(&uri).await.map(TokioIo::new) })
    }
}

/// A connector that must be done in time, its TLS handshake included.
#[derive(Clone)]
pub(super) struct Limited<S> {
    inner: S,
    patience: Duration,
}

impl<S> Limited<S> {
    pub(super) const fn new(inner: S, patience: Duration) -> Self {
        Self { inner, patience }
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl<S> Service<Uri> for Limited<S>
where
    S: Service<Uri, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Connecting<S::Response, BoxError>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.inner.call(uri);
        let patience = self.patience;
        Box::pin(async move {
            match timeout(patience, connecting).await {
                Ok(done) => done,
                Err(_) => Err(ConnectError::TimedOut.into()),
            }
        })
    }
}
