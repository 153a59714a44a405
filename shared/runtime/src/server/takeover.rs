//! Taking a connection over after a request that asked for it (an HTTP/1.1 upgrade):
//! what is answered with 101 goes on as bytes, on the connection's own task, under its
//! listener's limits and within its drain.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::socket::Socket;

type Session = Box<dyn FnOnce(Taken) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// Leave to take over the connection of a request. Stands among the extensions of
/// requests that ask for an upgrade.
#[derive(Clone, Default)]
pub struct Takeover(Arc<Mutex<Option<Session>>>);

/// A connection that is no longer HTTP's.
pub struct Taken {
    socket: Socket,
    /// What HTTP had read of it.
    read: Bytes,
}

impl Takeover {
    /// Goes on with `session` once the answer, which must be 101, is sent. A shutdown
    /// waits for it as long as for any request, then drops it.
    pub fn with<F, Fut>(&self, session: F)
    where
        F: FnOnce(Taken) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let session: Session = Box::new(|taken| Box::pin(session(taken)));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
    }

    pub(super) fn take(&self) -> Option<Session> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Taken {
    pub(super) const fn new(socket: Socket, read: Bytes) -> Self {
        Self { socket, read }
    }
}

impl AsyncRead for Taken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.socket).poll_read(cx, buffer);
        }
        let size = self.read.len().min(buffer.remaining());
        buffer.put_slice(self.read.get(..size).unwrap_or_default());
        self.read.advance(size);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Taken {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, parts)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
