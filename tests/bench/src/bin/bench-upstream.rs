//! A fast local upstream for the load bench: answers chat completions whole, or
//! as a stream of many small events, each in a write of its own. `GET` tells how
//! many events it sent so far.
//!
//! `bench-upstream <port> <events per stream>`

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, Either, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

const ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1735689600,"model":"bench","choices":[{"index":0,"message":{"role":"assistant","content":"Hello there, how may I help you today?"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":10,"total_tokens":19}}"#;
const EVENT: &str = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1735689600,\"model\":\"bench\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"},\"finish_reason\":null}]}\n\n";

/// Between two events, so that each is a write and a wake-up of its own (the
/// timer rounds it up to a millisecond).
const PAUSE: Duration = Duration::from_micros(200);

/// Events sent, in all streams.
static SENT: AtomicU64 = AtomicU64::new(0);

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let port: u16 = args.next().and_then(|a| a.parse().ok()).unwrap_or(9901);
    let events: usize = args.next().and_then(|a| a.parse().ok()).unwrap_or(500);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let service = service_fn(move |request| answer(request, events));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
        tokio::spawn(connection);
    }
}

async fn answer(
    request: Request<Incoming>,
    events: usize,
) -> Result<
    Response<Either<Full<Bytes>, impl hyper::body::Body<Data = Bytes, Error = Infallible> + use<>>>,
    Infallible,
> {
    if request.method() == Method::GET {
        let sent = SENT.load(Ordering::Relaxed).to_string();
        return Ok(Response::new(Either::Left(Full::from(sent))));
    }
    let body = match request.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::new(),
    };
    let streamed = body.windows(13).any(|w| w == b"\"stream\":true");
    let reply = Response::builder();
    let response = if streamed {
        let body = StreamBody::new(stream::iter(0..=events).then(move |n| async move {
            tokio::time::sleep(PAUSE).await;
            SENT.fetch_add(1, Ordering::Relaxed);
            let event = if n == events {
                "data: [DONE]\n\n"
            } else {
                EVENT
            };
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(event.as_bytes())))
        }));
        reply
            .header("content-type", "text/event-stream")
            .body(Either::Right(body))
    } else {
        reply
            .header("content-type", "application/json")
            .body(Either::Left(Full::from(ANSWER)))
    };
    Ok(response.unwrap_or_else(|_| Response::new(Either::Left(Full::default()))))
}
