//! One connection: which protocol it speaks, and running it to its end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use http::{Request, Response, header};
use http_body::Body;
use hyper::body::Incoming;
use hyper::rt::bounds::Http2ServerConnExec;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;

use super::activity::{Activity, Member, Order};
use super::body::{InFlight, Tracked};
use super::linger::linger;
use super::socket::Socket;
use super::stall::Answers;
use super::takeover::{Taken, Takeover};
use super::unread::Awaited;
use super::{BoxError, Limits};

/// How an HTTP/2 connection begins; no HTTP/1 method does.
const HTTP2_START: &[u8; 4] = b"PRI ";

/// The pause before looking again at a first packet of under four bytes.
const PARTIAL_START: Duration = Duration::from_millis(5);

/// Streams a client may reset before they were looked at (CVE-2023-44487).
const MAX_PENDING_RESETS: usize = 20;
/// Resets that a client's faults may make us send (CVE-2025-8671).
const MAX_LOCAL_RESETS: usize = 256;
/// A dead HTTP/2 client is noticed by pings.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// The two protocols, set up with a listener's limits.
pub(super) struct Protocols {
    http1: http1::Builder,
    http2: http2::Builder<Answers>,
}

impl Protocols {
    pub(super) fn new(limits: &Limits) -> Self {
        let mut http1 = http1::Builder::new();
        // hyper's limit of 100 headers stays as it is: setting it, even to the
        // same, makes every request allocate.
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_header_size(limits.max_header_bytes);
        let mut http2 = http2::Builder::new(Answers);
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.max_streams)
            .max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX))
            .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
            .max_local_error_reset_streams(MAX_LOCAL_RESETS)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_TIMEOUT);
        Self { http1, http2 }
    }

    /// Serves one connection to its end.
    pub(super) async fn serve<F, Fut, B>(
        &self,
        stream: TcpStream,
        handler: F,
        panicked: fn() -> Response<B>,
        member: Member,
    ) where
        F: Fn(Request<Incoming>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let activity = &member.activity;
        let Some(is_http2) = until_aborted(activity, speaks_http2(&stream, activity)).await else {
            return;
        };
        let requests = activity.clone();
        // Behind an Arc, so that the connection may be taken apart at its end.
        let handler = Arc::new(handler);
        let takeover = Takeover::default();
        let offered = takeover.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            if !is_http2 && request.headers().contains_key(header::UPGRADE) {
                request.extensions_mut().insert(offered.clone());
            }
            let under_way = InFlight::begin(&requests);
            let awaited = Awaited::of(&request, is_http2);
            // On the heap until there is an answer: a handler's future is large, and the
            // connection of a stream lives for long after it.
            let answer = AssertUnwindSafe(Box::pin(handler(request))).catch_unwind();
            async move {
                let mut response = answer.await.unwrap_or_else(|_| {
                    ::metrics::counter!("foldgate_panics_total").increment(1);
                    panicked()
                });
                awaited.announce(under_way.activity(), &mut response);
                Ok::<_, Infallible>(response.map(|body| Tracked::new(body, under_way, is_http2)))
            }
        });
        let io = TokioIo::new(Socket::new(stream, activity.clone(), !is_http2));
        if is_http2 {
            let mut connection = Box::pin(self.http2.serve_connection(io, service));
            note(drive(connection.as_mut(), activity).await);
        } else {
            let mut connection = self.http1.serve_connection(io, service);
            note(drive(Pin::new(&mut connection), activity).await);
            let parts = connection.into_parts();
            let socket = parts.io.into_inner();
            if let Some(session) = takeover.take() {
                let _under_way = InFlight::begin(activity);
                let session = session(Taken::new(socket, parts.read_buf));
                unless_aborted(activity, session).await;
                return;
            }
            let stream = socket.into_inner();
            // Told to end, it does; nobody waits for a client then.
            let _ = until_aborted(activity, linger(stream, activity.may_be_sending())).await;
        }
    }
}

/// Looks at the first bytes without taking them.
async fn speaks_http2(stream: &TcpStream, activity: &Activity) -> bool {
    let mut start = [0; HTTP2_START.len()];
    loop {
        match stream.peek(&mut start).await {
            // Whatever is wrong shows again when the protocol reads.
            Err(_) | Ok(0) => return false,
            Ok(read) if read == start.len() => return start == *HTTP2_START,
            Ok(read) if start[..read] != HTTP2_START[..read] => return false,
            Ok(_) => {
                activity.read();
                tokio::time::sleep(PARTIAL_START).await;
            }
        }
    }
}

/// The future's output, or nothing when the connection is told to end first.
async fn until_aborted<T>(activity: &Activity, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        if activity.order(cx.waker()) != Order::Run {
            return Poll::Ready(None);
        }
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

/// Waits for a future until the connection is told to end at once.
async fn unless_aborted(activity: &Activity, future: impl Future<Output = ()>) {
    let mut future = pin!(AssertUnwindSafe(future).catch_unwind());
    poll_fn(|cx| {
        if activity.order(cx.waker()) == Order::Abort {
            return Poll::Ready(());
        }
        future.as_mut().poll(cx).map(|_| ())
    })
    .await;
}

/// Mostly a client that went away, which is its right.
fn note(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}

/// Polls a connection to its end, passing on what it is told.
async fn drive<C: Graceful>(
    mut connection: Pin<&mut C>,
    activity: &Activity,
) -> Result<(), hyper::Error> {
    let mut draining = false;
    poll_fn(|cx| {
        match activity.order(cx.waker()) {
            Order::Run => {}
            Order::Drain if draining => {}
            Order::Drain => {
                draining = true;
                connection.as_mut().drain();
            }
            Order::Abort => return Poll::Ready(Ok(())),
        }
        connection.as_mut().poll(cx)
    })
    .await
}

/// A connection that can be told to finish.
trait Graceful: Future<Output = Result<(), hyper::Error>> {
    fn drain(self: Pin<&mut Self>);
}

impl<I, S> Graceful for http1::Connection<I, S>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + 'static,
    S: HttpService<Incoming>,
    S::Error: Into<BoxError>,
    S::ResBody: Body<Error: Into<BoxError>> + 'static,
{
    fn drain(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, S> Graceful for http2::Connection<I, S, Answers>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + 'static,
    S: HttpService<Incoming>,
    S::Error: Into<BoxError>,
    S::Future: 'static,
    S::ResBody: Body<Error: Into<BoxError>> + 'static,
    Answers: Http2ServerConnExec<S::Future, S::ResBody>,
{
    fn drain(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}
