//! The demo's own caller: what curl would do.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::exit::Failure;

/// The longest answer that is looked at.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// The longest wait for an answer's head.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client of one listener, with a key.
pub(super) struct Client {
    http: Http<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
    key: SecretString,
}

impl Client {
    pub(super) fn new(address: SocketAddr, key: &SecretString) -> Self {
        Self {
            http: Http::builder(TokioExecutor::new()).build_http(),
            address,
            key: key.clone(),
        }
    }

    /// Sends an admin write; gives the revision it became.
    pub(super) async fn write(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<String, Failure> {
        let answer = self.send(method, path, body).await?;
        let revision = answer.headers().get("x-foldgate-revision");
        let revision = revision.and_then(|value| value.to_str().ok());
        Ok(revision.unwrap_or("unknown").to_owned())
    }

    /// Sends a streamed chat; prints each piece as it comes.
    pub(super) async fn stream_chat(&self, body: &Value) -> Result<(), Failure> {
        let mut answer = self
            .send("POST", "/v1/chat/completions", body)
            .await?
            .into_body();
        let mut waiting = BytesMut::new();
        while let Some(frame) = answer.frame().await {
            let Ok(data) = frame.map_err(Failure::io)?.into_data() else {
                continue;
            };
            waiting.extend_from_slice(&data);
            while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
                let line = waiting.split_to(end + 1);
                print!("{}", piece(&line).unwrap_or_default());
                // A terminal that is gone cannot be shown anything.
                let _ = std::io::stdout().flush();
            }
            if waiting.len() > MAX_ANSWER_BYTES {
                return Err(Failure::internal("the answer has an endless line"));
            }
        }
        Ok(())
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Response<Incoming>, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header(
                AUTHORIZATION,
                format!("Bearer {}", self.key.expose_secret()),
            )
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(body.to_string()))
            .map_err(Failure::internal)?;
        let answer = tokio::time::timeout(PATIENCE, self.http.request(request))
            .await
            .map_err(Failure::io)?
            .map_err(Failure::io)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES)
            .collect()
            .await;
        let text = body.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned());
        Err(Failure::internal(format!(
            "{method} {path}: {status} {}",
            text.unwrap_or_default()
        )))
    }
}

/// The text in one line of a stream.
fn piece(line: &[u8]) -> Option<String> {
    let data = line.strip_prefix(b"data: ")?;
    let chunk: Value = serde_json::from_slice(data).ok()?;
    let text = chunk["choices"][0]["delta"]["content"].as_str()?;
    Some(text.to_owned())
}
