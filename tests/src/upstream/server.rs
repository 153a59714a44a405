//! The fake upstream's listener.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{future, io};

use bytes::Bytes;
use futures_util::{Stream, stream};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::{Reply, Script, Seen, Step, lock, shape};

/// Time for the server to flush what it has before a break.
const BEFORE_BREAK: Duration = Duration::from_millis(50);

type Shared = Arc<Mutex<Script>>;
type Body = BoxBody<Bytes, io::Error>;

/// Binds a loopback port and serves the script on it, over TLS or plain.
pub(super) async fn start(
    script: Shared,
    tls: Option<TlsAcceptor>,
) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("loopback has a free port");
    let address = listener
        .local_addr()
        .expect("a bound listener has an address");
    let serving = tokio::spawn(async move {
        // Dropped with this task, so connections end with the server.
        let mut connections = tokio::task::JoinSet::new();
        let mut number = 0;
        while let Ok((socket, _)) = listener.accept().await {
            // Small writes must not wait for each other: tests look at timing.
            let _ = socket.set_nodelay(true);
            let (script, tls) = (Arc::clone(&script), tls.clone());
            connections.spawn(async move {
                match tls {
                    None => connection(socket, script, number).await,
                    // A client that does not trust it is what a test is about.
                    Some(tls) => {
                        if let Ok(socket) = tls.accept(socket).await {
                            connection(socket, script, number).await;
                        }
                    }
                }
            });
            number += 1;
        }
    });
    (address, serving)
}

/// HTTP/1.1 or HTTP/2, whichever the client begins with.
async fn connection<S>(socket: S, script: Shared, number: usize)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let script = Arc::clone(&script);
        async move { Ok::<_, Infallible>(serve(request, &script, number).await) }
    });
    // A client that leaves is what some tests are about, not a fault.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(socket), service)
        .await;
}

async fn serve(request: Request<Incoming>, script: &Shared, connection: usize) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let left = Leaving::default();
    let seen = Seen {
        line: format!("{} {path}", parts.method),
        headers: parts.headers,
        version: parts.version,
        connection,
        body: body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default(),
        left: Arc::clone(&left.0),
    };
    let reply = choose(script, &seen);
    tokio::time::sleep(reply.delay).await;
    if let Some(gate) = &reply.held {
        gate.notified().await;
    }
    respond(reply, left)
}

fn choose(script: &Shared, seen: &Seen) -> Reply {
    let mut script = lock(script);
    script.seen.push(seen.clone());
    if let Some(reply) = script.next.pop_front() {
        return reply;
    }
    let ruled = script.rule.as_ref().and_then(|rule| rule(seen));
    ruled.unwrap_or_else(|| shape::answer(&seen.line, &seen.body))
}

fn respond(reply: Reply, left: Leaving) -> Response<Body> {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    let body = match reply.steps.as_slice() {
        [Step::Send(whole)] => {
            left.over();
            Full::new(whole.clone())
                .map_err(|never| match never {})
                .boxed()
        }
        _ => BodyExt::boxed(StreamBody::new(play(reply.steps, left))),
    };
    response
        .body(body)
        .expect("a scripted reply is a valid response")
}

type Frames = Pin<Box<dyn Stream<Item = io::Result<Frame<Bytes>>> + Send + Sync>>;

/// Plays the steps of a body; the connection breaks where the script says.
fn play(steps: Vec<Step>, left: Leaving) -> Frames {
    let state = (steps.into_iter(), left);
    Box::pin(stream::unfold(state, |(mut steps, left)| async move {
        loop {
            match steps.next() {
                Some(Step::Send(bytes)) => return Some((Ok(Frame::data(bytes)), (steps, left))),
                Some(Step::Pause(time)) => tokio::time::sleep(time).await,
                Some(Step::Gate(gate)) => gate.notified().await,
                Some(Step::Hang) => future::pending::<()>().await,
                Some(Step::Break) => {
                    // What was sent before must be on the wire by then.
                    tokio::time::sleep(BEFORE_BREAK).await;
                    left.over();
                    return Some((Err(io::Error::other("broken off")), (steps, left)));
                }
                None => {
                    left.over();
                    return None;
                }
            }
        }
    }))
}

/// Notices a client that leaves: dropped before the answer was over.
#[derive(Default)]
struct Leaving(Arc<AtomicBool>, AtomicBool);

impl Leaving {
    fn over(&self) {
        self.1.store(true, Ordering::SeqCst);
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if !self.1.load(Ordering::SeqCst) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}
