//! An upstream that answers like OpenAI and costs nothing: it says back what it
//! was told. It exists only in `demo`, on a loopback listener of its own.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use foldgate_runtime::{Peer, Server, Shutdown};
use futures_util::{StreamExt, stream};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::MODEL;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// The longest request.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Between two words, so that streaming can be seen.
const PAUSE: Duration = Duration::from_millis(60);

/// The most words it says back.
const MAX_WORDS: usize = 200;

/// Answers until shutdown.
pub(super) async fn serve(server: Server, shutdown: Shutdown) {
    let answer = |request: Request<Incoming>, _: Peer| answer(request);
    let panicked = || {
        refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the echo upstream failed",
        )
    };
    server.serve(answer, panicked, shutdown).await;
}

async fn answer(request: Request<Incoming>) -> Response<Body> {
    if !request.headers().contains_key(AUTHORIZATION) {
        return refusal(StatusCode::UNAUTHORIZED, "no API key");
    }
    let path = request.uri().path().to_owned();
    let Ok(body) = Limited::new(request.into_body(), MAX_BODY_BYTES)
        .collect()
        .await
    else {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "the request is too long");
    };
    let asked: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
    match path.as_str() {
        "/v1/models" => whole(&json!({
            "object": "list",
            "data": [{ "id": MODEL, "object": "model", "created": 0, "owned_by": "demo" }],
        })),
        "/v1/chat/completions" if asked["stream"] == true => streamed(&asked),
        "/v1/chat/completions" => whole(&completion(&asked)),
        "/v1/embeddings" => whole(&embedding(&asked)),
        _ => refusal(StatusCode::NOT_FOUND, "no such endpoint"),
    }
}

/// What is said back to the last message.
fn words(asked: &Value) -> Vec<String> {
    let last = asked["messages"]
        .as_array()
        .and_then(|messages| messages.last());
    let said = last
        .and_then(|message| message["content"].as_str())
        .unwrap_or("nothing");
    let words = said.split_whitespace().take(MAX_WORDS).map(str::to_owned);
    ["You", "said:"]
        .map(str::to_owned)
        .into_iter()
        .chain(words)
        .collect()
}

fn usage(asked: &Value, words: &[String]) -> Value {
    let prompt = asked["messages"].to_string().split_whitespace().count();
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": words.len(),
        "total_tokens": prompt + words.len(),
    })
}

fn completion(asked: &Value) -> Value {
    let words = words(asked);
    json!({
        "id": "chatcmpl-demo",
        "object": "chat.completion",
        "created": 0,
        "model": asked["model"],
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": words.join(" ") },
            "finish_reason": "stop",
        }],
        "usage": usage(asked, &words),
    })
}

fn streamed(asked: &Value) -> Response<Body> {
    let words = words(asked);
    let model = asked["model"].clone();
    let chunk = move |choices: Value, usage: Value| {
        let mut chunk = json!({
            "id": "chatcmpl-demo",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": model,
            "choices": choices,
        });
        if !usage.is_null() {
            chunk["usage"] = usage;
        }
        format!("data: {chunk}\n\n")
    };
    let delta =
        |text: &str| json!([{ "index": 0, "delta": { "content": text }, "finish_reason": null }]);
    let mut events: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(at, word)| {
            chunk(
                delta(&format!("{}{word}", if at == 0 { "" } else { " " })),
                Value::Null,
            )
        })
        .collect();
    let stop = json!([{ "index": 0, "delta": {}, "finish_reason": "stop" }]);
    events.push(chunk(stop, Value::Null));
    if asked["stream_options"]["include_usage"] == true {
        events.push(chunk(json!([]), usage(asked, &words)));
    }
    events.push("data: [DONE]\n\n".to_owned());
    let frames = stream::iter(events).then(|event| async move {
        tokio::time::sleep(PAUSE).await;
        Ok::<_, Infallible>(Frame::data(Bytes::from(event)))
    });
    reply(
        StatusCode::OK,
        HeaderValue::from_static("text/event-stream"),
        StreamBody::new(frames).boxed_unsync(),
    )
}

/// Eight numbers that depend on nothing but the text.
fn embedding(asked: &Value) -> Value {
    let text = asked["input"].to_string();
    let numbers: Vec<f64> = (0..8)
        .map(|place| {
            let sum: u32 = text
                .bytes()
                .enumerate()
                .filter(|(at, _)| at % 8 == place)
                .map(|(_, byte)| u32::from(byte))
                .sum();
            f64::from(sum % 200) / 100.0 - 1.0
        })
        .collect();
    let tokens = text.split_whitespace().count();
    json!({
        "object": "list",
        "model": asked["model"],
        "data": [{ "object": "embedding", "index": 0, "embedding": numbers }],
        "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
    })
}

fn whole(value: &Value) -> Response<Body> {
    let json = HeaderValue::from_static("application/json");
    reply(
        StatusCode::OK,
        json,
        Full::from(value.to_string()).boxed_unsync(),
    )
}

fn refusal(status: StatusCode, message: &str) -> Response<Body> {
    let error = json!({ "error": { "message": message, "type": "invalid_request_error" } });
    let json = HeaderValue::from_static("application/json");
    reply(status, json, Full::from(error.to_string()).boxed_unsync())
}

fn reply(status: StatusCode, kind: HeaderValue, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
