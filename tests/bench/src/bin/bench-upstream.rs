//! A fast local upstream for the load benches, in three dialects: it answers whole, or
//! as a stream of many small events, each in a write of its own. `GET` tells how many
//! events it sent so far.
//!
//! Which dialect is told by the path: `/v1/messages` is Anthropic's, `...:generateContent`
//! and `...:streamGenerateContent` are Gemini's, everything else is OpenAI's. A model
//! named `slow-...` has an event each second.
//!
//! `bench-upstream <port> <events per stream>`

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, Either, Full, StreamBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// What a dialect answers with.
struct Shape {
    whole: &'static str,
    first: &'static [&'static str],
    event: &'static str,
    last: &'static [&'static str],
}

static OPENAI: Shape = Shape {
    whole: r#"{"id":"chatcmpl-1","object":"chat.completion","created":1735689600,"model":"bench","choices":[{"index":0,"message":{"role":"assistant","content":"Hello there, how may I help you today?"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":10,"total_tokens":19}}"#,
    first: &[],
    event: "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1735689600,\"model\":\"bench\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"},\"finish_reason\":null}]}\n\n",
    last: &[
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1735689600,\"model\":\"bench\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
        "data: [DONE]\n\n",
    ],
};

static ANTHROPIC: Shape = Shape {
    whole: r#"{"id":"msg_1","type":"message","role":"assistant","model":"bench","content":[{"type":"text","text":"Hello there, how may I help you today?"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":10}}"#,
    first: &[
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"bench\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    ],
    event: "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"word \"}}\n\n",
    last: &[
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":500}}\n\n",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    ],
};

static GEMINI: Shape = Shape {
    whole: r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"Hello there, how may I help you today?"}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":10,"totalTokenCount":19},"modelVersion":"bench","responseId":"r1"}"#,
    first: &[],
    event: "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"word \"}]},\"index\":0}],\"modelVersion\":\"bench\",\"responseId\":\"r1\"}\n\n",
    last: &[
        "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\".\"}]},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":9,\"candidatesTokenCount\":500,\"totalTokenCount\":509},\"modelVersion\":\"bench\",\"responseId\":\"r1\"}\n\n",
    ],
};

/// Between two events, so that each is a write and a wake-up of its own (the
/// timer rounds it up to a millisecond).
const PAUSE: Duration = Duration::from_micros(200);

const SLOW: Duration = Duration::from_secs(1);

/// How many events a slow stream has: it does not end while it is measured.
const SLOW_EVENTS: usize = 100_000;

/// Events sent, in all streams.
static SENT: AtomicU64 = AtomicU64::new(0);

type Answer<S> = Response<Either<Full<Bytes>, S>>;

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
) -> Result<Answer<impl Body<Data = Bytes, Error = Infallible> + use<>>, Infallible> {
    if request.method() == Method::GET {
        let sent = SENT.load(Ordering::Relaxed).to_string();
        return Ok(Response::new(Either::Left(Full::from(sent))));
    }
    let path = request.uri().path();
    let streams = path.ends_with(":streamGenerateContent");
    let shape = match path {
        _ if streams || path.ends_with(":generateContent") => &GEMINI,
        "/v1/messages" => &ANTHROPIC,
        _ => &OPENAI,
    };
    let body = match request.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::new(),
    };
    let says = |what: &[u8]| memchr::memmem::find(&body, what).is_some();
    let streamed = streams || says(b"\"stream\":true");
    let (pause, events) = if says(b"\"model\":\"slow-") {
        (SLOW, SLOW_EVENTS)
    } else {
        (PAUSE, events)
    };
    let reply = Response::builder();
    let response = if streamed {
        let middle = std::iter::repeat_n(shape.event, events);
        let all = shape.first.iter().copied().chain(middle);
        let all = all.chain(shape.last.iter().copied());
        let body = StreamBody::new(stream::iter(all).then(move |event| async move {
            tokio::time::sleep(pause).await;
            SENT.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(event.as_bytes())))
        }));
        reply
            .header("content-type", "text/event-stream")
            .body(Either::Right(body))
    } else {
        reply
            .header("content-type", "application/json")
            .body(Either::Left(Full::from(shape.whole)))
    };
    Ok(response.unwrap_or_else(|_| Response::new(Either::Left(Full::default()))))
}
